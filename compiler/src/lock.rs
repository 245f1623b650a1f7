//! `aqo.lock`: the stable numbers of a project's names, as they are kept beside `aqo.toml`.
//!
//! ```text
//! # one line that says what the file is
//! version = 1
//!
//! ["shop.till.Till".fields]            what has fields, and what they are called: number
//! cash = 0
//! total = 2
//!
//! ["shop.till.Till".retired_fields]    numbers of names that are gone: never used again
//! 1 = "tips"
//! ```
//! It is TOML. Tables are sorted by their headers, lines by their numbers. The numbers of one kind of
//! one thing, retired or not, differ.
//!
//! Invariant: what [`Lock::read`] takes, [`Lock::text`] writes as the same numbers; a number that was
//! given once is never given to another name. Knows no file system and no Model.

mod assign;
mod declared;
mod read;

use aqo_model::limits;
use aqo_model::policy::Reason;
use std::collections::BTreeMap;

pub use assign::Numbered;
pub(crate) use assign::{number, renewed};
pub(crate) use declared::{each_reason, numbered as numbered_member, own_reasons};
pub use read::BadLock;

/// What the file is called.
pub const LOCK: &str = "aqo.lock";
/// The version of its format.
const VERSION: u32 = 1;
/// Its first line.
const HEADER: &str = "# The stable number of each name of this project: `aqc build` writes it. A number \
                      that is retired, because its name is gone, is never used again.";
/// What a table of numbers that are gone begins with.
const RETIRED: &str = "retired_";

/// What has a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Enums of a module.
    Enum,
    /// Events of an object.
    Event,
    /// Fields of an object.
    Field,
    /// Inputs of an object.
    Input,
    /// Messages of an object.
    Message,
    /// Objects of a module.
    Object,
    /// Parts of a record.
    Part,
    /// Reasons of an object, names of clauses among them.
    Reason,
    /// Records of a module.
    Record,
    /// Roles of an object.
    Role,
    /// Rules of an object.
    Rule,
    /// Variants of an enum.
    Variant,
}

impl Kind {
    const ALL: [(Kind, &'static str); 12] = [
        (Kind::Enum, "enums"),
        (Kind::Event, "events"),
        (Kind::Field, "fields"),
        (Kind::Input, "inputs"),
        (Kind::Message, "messages"),
        (Kind::Object, "objects"),
        (Kind::Part, "parts"),
        (Kind::Reason, "reasons"),
        (Kind::Record, "records"),
        (Kind::Role, "roles"),
        (Kind::Rule, "rules"),
        (Kind::Variant, "variants"),
    ];

    /// As a table is called.
    pub fn table(self) -> &'static str {
        Kind::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    fn named(table: &str) -> Option<Kind> {
        Kind::ALL.iter().find(|(_, name)| *name == table).map(|(kind, _)| *kind)
    }

    /// The numbers that such things may have: those of reasons begin behind the built-in ones.
    fn numbers(self) -> std::ops::RangeInclusive<u16> {
        let first = match self {
            Kind::Reason => Reason::FIRST_OWN,
            Kind::Enum
            | Kind::Event
            | Kind::Field
            | Kind::Input
            | Kind::Message
            | Kind::Object
            | Kind::Part
            | Kind::Record
            | Kind::Role
            | Kind::Rule
            | Kind::Variant => 0,
        };
        first..=first + limits::NUMBER
    }
}

/// The numbers of one kind of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// By name.
    pub(crate) live: BTreeMap<String, u16>,
    /// What had a number that is never used again.
    pub(crate) retired: BTreeMap<u16, String>,
}

impl Table {
    fn is_empty(&self) -> bool {
        self.live.is_empty() && self.retired.is_empty()
    }
}

/// The numbers of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// By what has them (`shop.till`, `shop.till.Till`) and kind.
    tables: BTreeMap<(String, Kind), Table>,
}

impl Lock {
    /// The text of the file.
    pub fn text(&self) -> String {
        let mut text = format!("{HEADER}\nversion = {VERSION}\n");
        for ((of, kind), table) in &self.tables {
            let mut lines: Vec<(u16, &str)> =
                table.live.iter().map(|(name, number)| (*number, name.as_str())).collect();
            lines.sort_unstable();
            if !lines.is_empty() {
                text += &format!("\n[\"{of}\".{}]\n", kind.table());
            }
            for (number, name) in lines {
                text += &format!("{name} = {number}\n");
            }
            if !table.retired.is_empty() {
                text += &format!("\n[\"{of}\".{RETIRED}{}]\n", kind.table());
            }
            for (number, name) in &table.retired {
                text += &format!("{number} = \"{name}\"\n");
            }
        }
        text
    }

    /// What has a name that no number is left for, if anything has.
    pub fn spent(&self) -> Option<String> {
        let beyond = |((_, kind), table): &(&(String, Kind), &Table)| {
            table.live.values().any(|number| !kind.numbers().contains(number))
        };
        let ((of, kind), _) = self.tables.iter().find(beyond)?;
        Some(format!("{of} ({})", kind.table()))
    }

    /// In a few words, what another lock has that this one has not, and the other way round.
    pub fn differences(&self, other: &Lock) -> Vec<String> {
        let (mut found, none) = (Vec::new(), Table::default());
        let mut keys: Vec<_> = self.tables.keys().chain(other.tables.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let (old, new) = (self.table(key, &none), other.table(key, &none));
            let of = |name: &str| format!("{}.{name} ({})", key.0, key.1.table());
            for (name, number) in &new.live {
                if old.live.get(name) != Some(number) {
                    let renamed = old.live.iter().find(|(_, had)| *had == number);
                    let was = renamed.map_or(String::new(), |(was, _)| format!(", was {was}"));
                    found.push(format!("{} gets {number}{was}", of(name)));
                }
            }
            let gone = new.retired.iter().filter(|(number, _)| !old.retired.contains_key(number));
            found.extend(
                gone.map(|(number, name)| format!("{} is gone: {number} is retired", of(name))),
            );
        }
        found
    }

    fn table<'l>(&'l self, key: &(String, Kind), none: &'l Table) -> &'l Table {
        self.tables.get(key).unwrap_or(none)
    }
}
