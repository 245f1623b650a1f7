//! The text of a lock to its numbers, or to the first thing that is wrong with it.
//!
//! Invariant: a number that two names have, or a line that nobody could have written, is an error with
//! its line, whoever wrote it: nothing is guessed, since a wrong number changes what old entries say.

use super::{Kind, Lock, RETIRED, Table, VERSION};
use std::collections::btree_map::Entry;

/// What is wrong with a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLock {
    /// From 1.
    pub line: usize,
    /// What.
    pub message: String,
}

impl BadLock {
    /// What to do about it.
    pub const HELP: &'static str =
        "take the file as it was committed last, and run `aqc build`; never write it by hand";
}

impl Lock {
    /// Reads the text of a lock.
    pub fn read(text: &str) -> Result<Lock, BadLock> {
        let mut reader = Reader { lock: Lock::default(), version: false, table: None };
        for (index, line) in text.lines().enumerate() {
            reader.line(line.trim()).map_err(|message| BadLock { line: index + 1, message })?;
        }
        if reader.version {
            reader.lock.tables.retain(|_, table| !table.is_empty());
            Ok(reader.lock)
        } else {
            Err(BadLock { line: 1, message: format!("`version = {VERSION}` is missing") })
        }
    }
}

struct Reader {
    lock: Lock,
    version: bool,
    /// The table that lines go to, and whether it is of what is retired.
    table: Option<(String, Kind, bool)>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)) {
            return Err("a merge conflict was not resolved".to_owned());
        }
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(header) = line.strip_prefix('[') {
            return self.header(header);
        }
        let Some((left, right)) = line.split_once('=') else {
            return Err(format!("`{line}` is neither a table nor a number of a name"));
        };
        let (left, right) = (left.trim(), right.trim());
        match self.table.clone() {
            None => self.version(left, right),
            Some((of, kind, is_retired)) => {
                let (name, number) = if is_retired { (right, left) } else { (left, right) };
                self.number((of, kind), name, number, is_retired)
            }
        }
    }

    fn version(&mut self, key: &str, value: &str) -> Result<(), String> {
        if key != "version" || self.version {
            return Err(format!("`version = {VERSION}` stands first, then tables"));
        }
        if value != VERSION.to_string() {
            let message = "this program knows version";
            return Err(format!("version {value} of the format: {message} {VERSION}"));
        }
        self.version = true;
        Ok(())
    }

    /// `"shop.till.Till".fields]`
    fn header(&mut self, header: &str) -> Result<(), String> {
        if !self.version {
            return Err(format!("`version = {VERSION}` stands before the first table"));
        }
        let parts = header.strip_prefix('"').and_then(|rest| rest.strip_suffix(']'));
        let Some((of, table)) = parts.and_then(|rest| rest.split_once("\".")) else {
            return Err(format!("`[{header}` is not of the form `[\"module.Name\".kind]`"));
        };
        let bare = table.strip_prefix(RETIRED);
        let Some(kind) = Kind::named(bare.unwrap_or(table)) else {
            return Err(format!("`{table}` is no kind of name that has numbers"));
        };
        if !of.split('.').all(is_name) {
            return Err(format!("`{of}` is not the name of a module or of what is in one"));
        }
        let is_retired = bare.is_some();
        let known = self.lock.tables.entry((of.to_owned(), kind)).or_default();
        let twice = if is_retired { !known.retired.is_empty() } else { !known.live.is_empty() };
        if twice {
            return Err(format!("the table `[{header}` stands here twice"));
        }
        self.table = Some((of.to_owned(), kind, is_retired));
        Ok(())
    }

    fn number(
        &mut self,
        key: (String, Kind),
        name: &str,
        number: &str,
        is_retired: bool,
    ) -> Result<(), String> {
        let allowed = key.1.numbers();
        let quoted = |name: &str| {
            name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).map(str::to_owned)
        };
        let name = if is_retired { quoted(name) } else { Some(name.to_owned()) };
        let name = name.filter(|name| is_name(name)).ok_or("this is not the name of anything")?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
        let found = number.parse().ok().filter(|found| is_plain && allowed.contains(found));
        let Some(number) = found else {
            let (first, last) = (allowed.start(), allowed.end());
            let table = key.1.table();
            return Err(format!(
                "`{number}` is no number that {table} may have: {first} to {last}"
            ));
        };
        let table: &mut Table = self.lock.tables.entry(key).or_default();
        let other = table.live.iter().find(|(_, other)| **other == number);
        let other = other.map(|(name, _)| name).or_else(|| table.retired.get(&number));
        if let Some(other) = other {
            return Err(format!("`{name}` has the number {number}, which `{other}` has, too"));
        }
        if is_retired {
            table.retired.insert(number, name);
            return Ok(());
        }
        match table.live.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(number);
                Ok(())
            }
            Entry::Occupied(entry) => Err(format!("`{}` stands here twice", entry.key())),
        }
    }
}

fn is_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
