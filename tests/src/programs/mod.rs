//! Whole source programs drawn from a seed, for suites that compare two readings of the language.
//!
//! Invariant: the same seed draws the same program; what is kept of it checks.

pub mod body;
pub mod check;
pub mod collection;
pub mod condition;
pub mod declare;
pub mod draw;
pub mod number;
pub mod policy;
pub mod program;
mod renamed;
pub mod types;
pub mod world;

pub use declare::draw;
