//! The language server protocol over the compiler's queries.
//!
//! ```text
//! bytes -> frames -> handlers -> queue of events -> one worker with the database -> publisher
//! ```
//! A handler's first act is to queue its event, so that the worker sees everything in the order in
//! which the client said it. Knows no runtime of objects.

mod convert;
mod frames;
mod project;
mod server;
mod text;
mod worker;

pub use server::{Ending, serve};
