//! The names of a file and a lock to the number of each name, and to the lock that has them all.
//!
//! A name has the number that the lock gives it, or gives what it `was`; a new one has the next behind
//! all that its kind ever had. Without a lock these are the places in declaration order.
//!
//! Invariant: the same names and the same lock give the same numbers, whether they are checked, run or
//! built; what [`renewed`] gives, numbered again, is the same.

use super::declared::{Declared, Group, declared};
use super::{Kind, Lock, Table};
use crate::codes::Code;
use crate::diagnostic::{Loc, Problem};
use crate::uses::joined;
use aqo_grammar::Parse;
use aqo_grammar::tree::File;
use aqo_model::numbers::Numbers;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The numbers of the names of one file, by what has them and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbered {
    tables: BTreeMap<(String, Kind), BTreeMap<String, u16>>,
    /// What is wrong with what names are said to have been.
    pub(crate) problems: Vec<Problem>,
}

impl Numbered {
    /// The number of a name.
    pub(crate) fn of(&self, module: &str, of: Option<&str>, kind: Kind, name: &str) -> u16 {
        self.known(module, of, kind, name).unwrap_or(0)
    }

    /// The number of a name, if it is declared.
    pub(crate) fn known(
        &self,
        module: &str,
        of: Option<&str>,
        kind: Kind,
        name: &str,
    ) -> Option<u16> {
        let table = self.tables.get(&(full(module, of), kind));
        table.and_then(|table| table.get(name)).copied()
    }

    /// The names of a list in order of their numbers: the place of each in the list, and the numbers.
    pub(crate) fn sorted<'n>(
        &self,
        module: &str,
        of: Option<&str>,
        kind: Kind,
        names: impl Iterator<Item = &'n str>,
    ) -> (Vec<usize>, Numbers) {
        let first = *kind.numbers().start();
        let number = |name: &str| self.of(module, of, kind, name).saturating_sub(first);
        let mut all: Vec<(u16, usize)> =
            names.enumerate().map(|(place, name)| (number(name), place)).collect();
        all.sort_unstable();
        let (numbers, places) = all.into_iter().unzip();
        (places, Numbers::of(numbers))
    }
}

fn full(module: &str, of: Option<&str>) -> String {
    of.map_or_else(|| module.to_owned(), |of| format!("{module}.{of}"))
}

/// The numbers of the names of a file; a project that was never built has no lock.
pub(crate) fn number(file: &File, lock: Option<&Lock>) -> Numbered {
    let (groups, twice) = declared(file);
    let mut numbered = Numbered::default();
    for at in twice {
        let problem = Problem::new(Code::BadWas, at, "a declaration has one `was`");
        let problem = problem.label("the second one");
        numbered.problems.push(problem.help("keep the name that it had last"));
    }
    let none = Table::default();
    for group in groups {
        let known = lock.map_or(&none, |lock| lock.table(&key(lock, &group), &none));
        check(&group, lock.is_some().then_some(known), &mut numbered.problems);
        let numbers = numbers(&group, known);
        numbered.tables.entry((group.of, group.kind)).or_insert(numbers);
    }
    numbered
}

/// Where a lock has the numbers of a group: under what its thing is called, or was.
fn key(lock: &Lock, group: &Group) -> (String, Kind) {
    let here = (group.of.clone(), group.kind);
    let has = |of: &str| {
        lock.tables.iter().any(|((known, _), table)| known == of && !table.live.is_empty())
    };
    match &group.was {
        Some(was) if !has(&group.of) && has(was) => (was.clone(), group.kind),
        Some(_) | None => here,
    }
}

fn numbers(group: &Group, known: &Table) -> BTreeMap<String, u16> {
    let mut found: BTreeMap<String, u16> = BTreeMap::new();
    let names: BTreeSet<&str> = group.names.iter().map(|name| name.name.as_str()).collect();
    for declared in &group.names {
        let old = declared.was.as_ref().map(|(was, _)| was.as_str());
        let old = old.filter(|was| !names.contains(was));
        let number = known.live.get(&declared.name);
        let number = number.or_else(|| known.live.get(old?)).copied();
        // Of two that claim one number the first has it: the second is an error.
        if let Some(number) = number.filter(|number| !found.values().any(|had| had == number)) {
            found.entry(declared.name.clone()).or_insert(number);
        }
    }
    let given = known.live.values().chain(known.retired.keys()).max();
    let mut next = given.map_or(*group.kind.numbers().start(), |last| last.saturating_add(1));
    for declared in &group.names {
        found.entry(declared.name.clone()).or_insert_with(|| {
            next = next.saturating_add(1);
            next - 1
        });
    }
    found
}

/// What is wrong with the `was` marks of a group; `known` is what a lock has of it, if there is one.
fn check(group: &Group, known: Option<&Table>, problems: &mut Vec<Problem>) {
    let mut claimed: BTreeMap<&str, Loc> = BTreeMap::new();
    for declared in &group.names {
        let Some((was, at)) = &declared.was else { continue };
        let still = group.names.iter().find(|other| other.name == *was);
        let problem = if *was == declared.name {
            let message = format!("`{was}` cannot have been called so before");
            Problem::new(Code::BadWas, *at, message).help("say what its name was, or nothing")
        } else if let Some(still) = still {
            let message = format!("`{was}` is still declared, so `{}` was not it", declared.name);
            Problem::new(Code::BadWas, *at, message)
                .related(still.at, "declared here")
                .help("both have numbers of their own: leave `was` out")
        } else if let Some(first) = claimed.get(was.as_str()) {
            let message = format!("two declarations say that they were `{was}`");
            Problem::new(Code::BadWas, *at, message)
                .related(*first, "the first one")
                .help("one of them is new: leave its `was` out")
        } else if let Some(why) = known.and_then(|known| unknown(group.kind, declared, was, known))
        {
            Problem::new(Code::BadWas, *at, why.0).help(why.1)
        } else {
            claimed.insert(was, *at);
            continue;
        };
        problems.push(problem.label("not what it was"));
    }
}

/// Why a lock contradicts a `was`: what is wrong, and what to do.
fn unknown(kind: Kind, declared: &Declared, was: &str, known: &Table) -> Option<(String, String)> {
    let name = &declared.name;
    let holds_others = matches!(kind, Kind::Object | Kind::Enum | Kind::Record);
    let is_gone = known.retired.values().any(|gone| gone == name);
    if holds_others && is_gone && !known.live.contains_key(name) {
        return Some((
            format!("`aqo.lock` has retired numbers of another `{name}`, which is gone"),
            "choose a name that nothing had before".to_owned(),
        ));
    }
    if known.retired.values().any(|gone| gone == was) && !known.live.contains_key(was) {
        return Some((
            format!("`aqo.lock` has retired `{was}`, so `{name}` cannot have its number"),
            "take `aqo.lock` as it was before and build with `was`, or leave `was` out".to_owned(),
        ));
    }
    let has = |name: &str| known.live.contains_key(name);
    if has(was) && has(name) {
        return Some((
            format!("`aqo.lock` has `{name}` beside `{was}`, so `{name}` was not it"),
            "leave `was` out: a build retires the number of what is gone".to_owned(),
        ));
    }
    let is_known = has(was) || has(name);
    (!is_known).then(|| {
        (
            format!("`aqo.lock` knows neither `{was}` nor `{name}`"),
            "mend the old name, or leave `was` out of what is new".to_owned(),
        )
    })
}

/// The lock after the files of a project, each with whether it could be read whole and nothing is wrong
/// with its `was` marks. What any other declares keeps its lines, and gets none.
pub(crate) fn renewed(lock: Option<&Lock>, files: &[(Arc<Parse>, bool)]) -> Lock {
    let (nothing, none) = (Lock::default(), Table::default());
    let lock = lock.unwrap_or(&nothing);
    let mut next = Lock::default();
    let mut modules = BTreeSet::new();
    let mut renamed = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for (parse, is_whole) in files {
        let (groups, _) = declared(&parse.file);
        let module = parse.file.module.as_ref().map(|part| joined(&part.node.names));
        let Some(module) = module else { continue };
        if !is_whole {
            kept.insert(module);
            continue;
        }
        if !modules.insert(module) {
            // Another file has named the module before.
            continue;
        }
        for group in groups {
            let key = key(lock, &group);
            let known = lock.table(&key, &none);
            let table = renew(known, numbers(&group, known));
            renamed.insert(key);
            next.tables.entry((group.of, group.kind)).or_insert(table);
        }
    }
    let all_whole = files.iter().all(|(parse, is_whole)| *is_whole && parse.file.module.is_some());
    for (key, table) in &lock.tables {
        let module = module_of(&key.0);
        let is_kept = kept.contains(module) || (!all_whole && !modules.contains(module));
        if is_kept {
            next.tables.insert(key.clone(), table.clone());
        } else if !renamed.contains(key) {
            let gone = next.tables.entry(key.clone()).or_default();
            let retired = renew(table, BTreeMap::new()).retired;
            gone.retired.extend(retired);
        }
    }
    next.tables.retain(|_, table| !table.is_empty());
    next
}

/// A table whose live names are these: what has lost its name is retired.
fn renew(known: &Table, live: BTreeMap<String, u16>) -> Table {
    let mut retired = known.retired.clone();
    for (name, number) in &known.live {
        if !live.values().any(|kept| kept == number) {
            retired.insert(*number, name.clone());
        }
    }
    Table { live, retired }
}

/// The module of `shop.till.Till` and of `shop.till`.
fn module_of(of: &str) -> &str {
    let is_upper = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
    of.rsplit_once('.').filter(|(_, name)| is_upper(name)).map_or(of, |(module, _)| module)
}
