//! The Model into functions: what the reference interpreter does with it, compiled for one class.
//!
//! Each module here is the twin of a module of `aqo_model::step`. The image is changed in place, as
//! rules commit: nothing that a step changes survives without an entry, because every change makes
//! one.

pub(crate) mod admission;
pub(crate) mod bind;
pub(crate) mod birth;
pub(crate) mod body;
pub(crate) mod collection;
pub(crate) mod consent;
pub(crate) mod edit;
pub(crate) mod entry;
pub(crate) mod expr;
pub(crate) mod foretell;
pub(crate) mod fork;
pub(crate) mod message;
pub(crate) mod offer;
pub(crate) mod out;
pub(crate) mod outcome;
pub(crate) mod rule;
pub(crate) mod schedule;
pub(crate) mod scope;
pub(crate) mod sorted;
pub(crate) mod step;
pub(crate) mod value;
pub(crate) mod waiting;
pub(crate) mod wake;
pub(crate) mod whole;
