//! Programs under a lock whose numbers are not those of declaration order: the other way round, with
//! gaps, and many of them beyond what one byte of CBOR holds.
//!
//! Invariant: the lock has exactly the names of the program. What numbers a program would have is the
//! compiler's to say.

use aqo_compiler::modules::lock_after;
use aqo_compiler::{Database, Project, SourceFile};

/// How far apart the numbers are.
const APART: u16 = 7;

/// A program alone in a project with such a lock.
///
/// # Panics
/// Where the lock cannot be read.
pub fn under_gaps(database: &mut Database, name: &str, text: &str) -> SourceFile {
    let file = SourceFile::new(database, name.to_owned(), text.to_owned());
    let project = Project::new(database, Vec::new());
    project.join(database, vec![file]);
    let dense = lock_after(database, project).expect("no lock is one that can be read").text();
    project.replace_lock(database, Some(spread(&dense)));
    file
}

/// A lock with the numbers of each table turned round and spread.
pub fn spread(lock: &str) -> String {
    let tables: Vec<String> = lock.split("\n\n").map(spread_table).collect();
    tables.join("\n\n")
}

fn spread_table(table: &str) -> String {
    let is_number = |line: &&str| !line.starts_with('#') && !line.starts_with("version");
    let numbers: Vec<(&str, u16)> = (table.lines().filter(is_number))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, number)| (name, number.parse().expect("a number")))
        .collect();
    let first = numbers.iter().map(|(_, number)| *number).min().unwrap_or(0);
    let last = numbers.iter().map(|(_, number)| *number).max().unwrap_or(0);
    let mut text: String = table
        .lines()
        .filter(|line| !is_number(line) || line.starts_with('['))
        .collect::<Vec<_>>()
        .join("\n");
    for (name, number) in numbers {
        text += &format!("\n{name} = {}", first + 1 + APART * (last - number));
    }
    text
}
