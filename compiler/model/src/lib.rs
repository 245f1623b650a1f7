//! What an aqo object *is*: schema, rules, policy, values, their canonical bytes and digests, and
//! the reference interpreter. The compiler makes a [`Model`], `emit` lowers it, the runtime admits
//! by it, and the interpreter here says what it means.
//!
//! Knows no source text, no WebAssembly, no clock and no file.

pub mod artifact;
pub mod calendar;
pub mod cbor;
pub mod edit;
pub mod entry;
pub mod expr;
pub mod extent;
pub mod facts;
pub mod form;
pub mod image;
pub mod label;
pub mod layout;
pub mod limits;
mod model;
pub mod numbers;
pub mod offer;
pub mod policy;
pub mod private;
pub mod reads;
pub mod request;
pub mod schema;
pub mod slope;
pub mod step;
pub mod text;
pub mod trust;
pub mod types;
pub mod value;
pub mod verify;
pub mod waiting;
pub mod wake;

pub use model::{DecodeError, MODEL_VERSION, Model};
