//! Text of an `.aqo` file to the same text laid out in the one way there is.
//!
//! The tree says which part is which, the tape says what each token and comment looks like. The
//! walkers write tokens, lines and groups into a stream; the layout decides which groups are broken.
//!
//! Invariant: what is returned has the tokens of the source but for trailing commas, its comments
//! in their order, and its tree; formatting it again changes nothing. All but the last are checked
//! before anything is returned, so a fault of this module is an error and never a damaged file.
//!
//! Knows nothing of names, types or meaning, and never moves a member.

mod gaps;
mod layout;
mod stream;

mod exprs;
mod items;
mod members;
mod stmts;

mod compare;

use std::fmt;

use crate::error::{Severity, SyntaxError};
use crate::parse;

/// Why a text was not formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// It has these errors; who cannot read a text cannot lay it out.
    Syntax(Vec<SyntaxError>),
    /// A fault of the formatter, caught before it did harm.
    Fault(&'static str),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormatError::Syntax(errors) => {
                let plural = if errors.len() == 1 { "error" } else { "errors" };
                write!(f, "a text with {} syntax {plural} is not formatted", errors.len())
            }
            FormatError::Fault(what) => write!(f, "the formatter is at fault: {what}"),
        }
    }
}

impl std::error::Error for FormatError {}

/// Lays a file out: four spaces, a hundred columns, `\n` at the end of each line and of the text.
///
/// # Errors
/// [`FormatError::Syntax`] with the errors of [`parse`] where there is one that is no warning;
/// [`FormatError::Fault`] where the result would not say what the source says.
pub fn format(text: &str) -> Result<String, FormatError> {
    let parsed = parse(text);
    if parsed.errors.iter().any(|error| error.kind.severity() == Severity::Error) {
        return Err(FormatError::Syntax(parsed.errors));
    }
    let mut printer = stream::Printer::new(gaps::gaps(text));
    printer.file(&parsed.file);
    let stream = printer.finish().map_err(FormatError::Fault)?;
    let formatted = layout::layout(&stream);
    compare::compare(text, parsed.file, &formatted).map_err(FormatError::Fault)?;
    Ok(formatted)
}
