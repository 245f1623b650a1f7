//! A source text to the same text laid out, or to the diagnostics that keep it from being read.
//!
//! Invariant: the diagnostics are those that a check of the text tells of its syntax, no others.
//!
//! Knows nothing of names and types: a text with wrong ones is laid out all the same.

use crate::db;
use crate::diagnostic::Diagnostic;
use aqo_grammar::FormatError;

/// Why a text was not laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unformatted {
    /// It cannot be read.
    Unread(Vec<Diagnostic>),
    /// The formatter is at fault.
    Fault(&'static str),
}

/// Lays a text out.
///
/// # Errors
/// [`Unformatted`] says why not; nothing is known of how it would look.
pub fn format(text: &str) -> Result<String, Unformatted> {
    aqo_grammar::format(text).map_err(|error| match error {
        FormatError::Syntax(errors) => Unformatted::Unread(errors.iter().map(db::syntax).collect()),
        FormatError::Fault(fault) => Unformatted::Fault(fault),
    })
}
