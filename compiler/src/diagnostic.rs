//! A diagnostic: what is wrong, where, and what to do. Text, JSON and the editor print this value.

use crate::codes::Code;
use aqo_grammar::tree::{At, Span};

/// A part of a file: an item, or a member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartId {
    /// The item's place in the file.
    pub item: usize,
    /// The member's place in the object; `None` for the item itself.
    pub member: Option<usize>,
}

/// A position that survives edits elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loc {
    /// In which part.
    pub part: PartId,
    /// Where in it.
    pub at: At,
}

/// What is wrong, as the queries say it: without byte positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which page explains it.
    pub code: Code,
    /// The smallest guilty text.
    pub at: Loc,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What stands there, in a few words, for the margin.
    pub label: String,
    /// Other parties: the declaration, the clause.
    pub related: Vec<(Loc, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// A replacement of the guilty text that mends it.
    pub fix: Option<String>,
    /// Whether that replaces the whole part in which the guilty text stands.
    pub is_of_part: bool,
}

impl Problem {
    /// A problem with a message and nothing else.
    pub fn new(code: Code, at: Loc, message: impl Into<String>) -> Problem {
        Problem {
            code,
            at,
            message: message.into(),
            label: String::new(),
            related: Vec::new(),
            help: None,
            fix: None,
            is_of_part: false,
        }
    }

    /// With words for the margin.
    pub fn label(mut self, label: impl Into<String>) -> Problem {
        self.label = label.into();
        self
    }

    /// With another party.
    pub fn related(mut self, at: Loc, what: impl Into<String>) -> Problem {
        self.related.push((at, what.into()));
        self
    }

    /// With advice.
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }

    /// With a name that was perhaps meant.
    pub fn suggest(mut self, name: Option<&str>) -> Problem {
        if let Some(name) = name {
            self.help = Some(format!("did you mean `{name}`?"));
            self.fix = Some(name.to_owned());
        }
        self
    }
}

impl Problem {
    /// With a text that mends it in place of the whole part.
    pub fn instead_of_part(self, text: String) -> Problem {
        Problem { fix: Some(text), is_of_part: true, ..self }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is built.
    Error,
    /// It may be meant.
    Warning,
}

/// A problem at its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which page explains it.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// The smallest guilty text.
    pub span: Span,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What stands there, for the margin.
    pub label: String,
    /// Other parties.
    pub related: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// An edit that mends it.
    pub fix: Option<(Span, String)>,
}

/// The name among `known` that was perhaps meant: at most a third of its letters differ.
pub fn closest<'n>(wrong: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let distances = known.map(|name| (distance(wrong, name), name));
    let (distance, name) = distances.min()?;
    (distance * 3 <= wrong.len()).then_some(name)
}

/// Edits (insert, delete, replace, exchange neighbours) from one word to another.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_suggested_and_far_ones_are_not() {
        let known = ["setpoint", "mode", "starts"];
        assert_eq!(closest("setpiont", known.into_iter()), Some("setpoint"));
        assert_eq!(closest("mod", known.into_iter()), Some("mode"));
        assert_eq!(closest("pressure", known.into_iter()), None);
    }
}
