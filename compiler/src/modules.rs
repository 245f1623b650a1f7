//! The files of a project to what is wrong between them: two that name one module.
//!
//! Invariant: one that is told of a name is told of the first file that has it, and that file is told
//! nothing. Knows no directory: which files belong together is the caller's to say.

use crate::codes::Code;
use crate::db::{SourceFile, tree_of};
use crate::diagnostic::{Diagnostic, Severity};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The files whose module another file has named before them, each with its error.
pub fn taken(db: &dyn salsa::Database, files: &[SourceFile]) -> Vec<(SourceFile, Diagnostic)> {
    let mut first: BTreeMap<String, SourceFile> = BTreeMap::new();
    let mut found = Vec::new();
    for file in files {
        let tree = tree_of(db, *file);
        let Some(part) = &tree.file.module else { continue };
        let names: Vec<&str> = part.node.names.iter().map(|name| name.text.as_str()).collect();
        match first.entry(names.join(".")) {
            Entry::Vacant(entry) => drop(entry.insert(*file)),
            Entry::Occupied(entry) => {
                let (module, other) = (entry.key(), entry.get().path(db));
                let problem = Diagnostic {
                    code: Code::ModuleTaken,
                    severity: Severity::Error,
                    span: part.span(part.node.at),
                    message: format!("`{other}` names the module `{module}` too"),
                    label: "this name is taken in the project".to_owned(),
                    related: Vec::new(),
                    help: Some("a project has one file for each module: rename one".to_owned()),
                    fix: None,
                };
                found.push((*file, problem));
            }
        }
    }
    found
}
