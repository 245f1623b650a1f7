//! The source texts that all queries read, and which of them belong together: the database's only
//! inputs.
//!
//! Invariant: a text, and what a project consists of, is set anew only where it differs. Knows no
//! syntax.
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
    /// The files whose modules it may use, besides those of `std`; none for one that stands alone.
    #[default]
    pub project: Option<Project>,
}

/// Files that belong together.
#[salsa::input(debug)]
pub struct Project {
    /// In the order of their names.
    #[returns(ref)]
    pub files: Vec<SourceFile>,
    /// The text of its `aqo.lock`; none where it was never built.
    #[default]
    #[returns(ref)]
    pub lock: Option<String>,
}

impl Project {
    /// Makes these files the project.
    pub fn join(self, db: &mut Database, files: Vec<SourceFile>) {
        for file in &files {
            if *file.project(db) != Some(self) {
                file.set_project(db).to(Some(self));
            }
        }
        if *self.files(db) != files {
            self.set_files(db).to(files);
        }
    }

    /// Makes this its `aqo.lock`. The same text changes nothing, and nothing is read again.
    pub fn replace_lock(self, db: &mut Database, lock: Option<String>) {
        if *self.lock(db) != lock {
            self.set_lock(db).to(lock);
        }
    }
}

impl SourceFile {
    /// Gives it another text. The same text changes nothing, and nothing is read again.
    pub fn replace_text(self, db: &mut Database, text: String) {
        if *self.text(db) != text {
            self.set_text(db).to(text);
        }
    }
}
