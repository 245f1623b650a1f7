//! The corpus: many small programs, one file each, and the marks that say what is wrong with them.
//!
//! ```text
//! fixtures/corpus/fail/ranges/default_above.aqo      folder, topic, program
//!     field total: int in 0 ..= 100 = 101 //~ E3002  this code, on this line, once
//!     //~^ E0005 E1001                               these, on the line above
//! ```
//! Invariant: a program is named by its path below `corpus`, and programs are in the order of their
//! names. Knows no compiler.

use std::path::{Path, PathBuf};

/// A program of the corpus.
pub struct Program {
    /// `fail/ranges/default_above.aqo`
    pub name: String,
    /// Where it stands.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// The programs of one folder of the corpus: `fail`, `pass` or `run`.
///
/// # Panics
/// Where the folder cannot be read.
pub fn programs(folder: &str) -> Vec<Program> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus");
    let (mut open, mut found) = (vec![root.join(folder)], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the corpus") {
            let path = entry.expect("an entry of it").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "aqo") {
                let text = std::fs::read_to_string(&path).expect("a text");
                let below = path.strip_prefix(&root).expect("it stands below");
                let name = below.to_string_lossy().replace('\\', "/");
                found.push(Program { name, path, text });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// What a text says is wrong with it: lines, from 1, and codes.
pub fn marks(text: &str) -> Vec<(usize, String)> {
    let mut marks = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((_, mark)) = line.split_once("//~") else { continue };
        let codes = mark.trim_start_matches('^');
        let above = mark.len() - codes.len();
        marks.extend(codes.split_whitespace().map(|code| (index + 1 - above, code.to_owned())));
    }
    marks.sort();
    marks
}

/// The line, from 1, of a place in a text.
pub fn line_of(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}
