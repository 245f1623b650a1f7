//! Sources to diagnostics and Models.
//!
//! ```text
//! text -> tree -> names (Shape) -> types, intervals, policy (Head) -> rules -> CheckedModel
//! ```
//! Every stage is a query of [`db`]; each returns a value and what is wrong. Knows no
//! clock and no runtime; [`files`] alone looks at a file system, at names.

mod blind;
mod carried;
pub mod check;
pub mod codes;
mod constant;
pub mod cost;
pub mod db;
mod derive;
pub mod diagnostic;
pub mod files;
mod format;
mod functions;
pub mod globals;
mod hidden;
mod indices;
pub mod levels;
pub mod lock;
pub mod mend;
pub mod modules;
pub mod object;
mod outside;
mod parts;
pub mod policy;
pub mod render;
pub mod rule;
pub mod sarif;
pub mod scenario;
pub mod shape;
mod silence;
mod source;
pub mod types;
mod unused;
pub mod uses;
pub mod warnings;
mod words;

pub use aqo_emit as emit;
pub use aqo_grammar as grammar;
pub use aqo_model as model;
pub use codes::Code;
pub use db::{CheckedModel, Database, SourceFile};
pub use diagnostic::{Diagnostic, Severity};
pub use format::{Unformatted, format};
pub use source::Project;
