//! The source texts that all queries read: the database's only input.
//!
//! Invariant: a text is set anew only where it differs. Knows no syntax.
#![expect(missing_docs, reason = "salsa's macro makes accessors that nobody can document")]

use crate::db::Database;
use salsa::Setter;

/// A source text.
#[salsa::input(debug)]
pub struct SourceFile {
    /// Where it comes from, for messages.
    #[returns(ref)]
    pub path: String,
    /// What it says.
    #[returns(ref)]
    pub text: String,
    /// The most instructions that a step of its objects may cost, where its project says so.
    #[default]
    pub max_cost: Option<u64>,
}

impl SourceFile {
    /// Gives it another text. The same text changes nothing, and nothing is read again.
    pub fn replace_text(self, db: &mut Database, text: String) {
        if *self.text(db) != text {
            self.set_text(db).to(text);
        }
    }
}
