//! The files of a project to its modules: which file is which, who uses whom, what is wrong between
//! them, and what each lets others use.
//!
//! Invariant: the modules of a file are those of its project and those of `std`, and no more; of two
//! files with one name the first is the module. What another file uses depends on what is declared
//! here, not on where it stands. Knows no directory: which files belong together is the caller's to
//! say.

use crate::codes::Code;
use crate::db::{globals_of, is_damaged, tree_of};
use crate::diagnostic::{Diagnostic, Severity};
use crate::globals::{Globals, globals};
use crate::lock::{BadLock, LOCK, Lock, Numbered, number, renewed};
use crate::source::{Project, SourceFile};
use crate::uses::{Found, Modules, Named, joined};
use aqo_grammar::parse;
use aqo_grammar::tree::{File, ItemKind};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// The name that a file gives its module.
#[salsa::tracked(returns(clone))]
pub fn name_of(db: &dyn salsa::Database, file: SourceFile) -> Option<String> {
    tree_of(db, file).file.module.as_ref().map(|part| joined(&part.node.names))
}

/// The modules that the `use` items of a file name, in text order, each with its whole path: without
/// braces that may have been meant as the module.
#[salsa::tracked(returns(clone))]
fn used_by(db: &dyn salsa::Database, file: SourceFile) -> Vec<(String, String)> {
    let tree = tree_of(db, file);
    let uses =
        tree.file.items.iter().filter_map(|part| {
            if let ItemKind::Use(tree) = &part.node { Some(tree) } else { None }
        });
    uses.map(|tree| (Named::of(tree).module, joined(&tree.path.names))).collect()
}

/// The files of the project whose declarations those of a file may be looked up in.
fn looked_up(db: &dyn salsa::Database, file: SourceFile) -> Vec<SourceFile> {
    let uses = used_by(db, file);
    let meant = uses.iter().filter_map(|(module, whole)| {
        let is_module = || file_of(db, file, module).is_some() || std_named(module).is_some();
        file_of(db, file, if module == whole || is_module() { module } else { whole })
    });
    meant.collect()
}

/// The files of a project by their modules.
#[salsa::tracked(returns(clone))]
fn modules_of(db: &dyn salsa::Database, project: Project) -> Arc<BTreeMap<String, SourceFile>> {
    let mut modules = BTreeMap::new();
    for file in project.files(db) {
        if let Some(name) = name_of(db, *file) {
            modules.entry(name).or_insert(*file);
        }
    }
    Arc::new(modules)
}

/// The file of the project that is this module.
fn file_of(db: &dyn salsa::Database, file: SourceFile, module: &str) -> Option<SourceFile> {
    if name_of(db, file).as_deref() == Some(module) {
        return Some(file);
    }
    modules_of(db, (*file.project(db))?).get(module).copied()
}

/// The text of a module of `std`.
fn std_named(module: &str) -> Option<(&'static str, &'static str)> {
    aqo_stdlib::MODULES.iter().find(|(name, _)| *name == module).copied()
}

/// What a module of `std` declares.
#[salsa::tracked(returns(clone))]
fn std_globals(db: &dyn salsa::Database, module: &'static str, text: &'static str) -> Arc<Globals> {
    let modules = Modules {
        find: &|other| match std_named(other) {
            Some((name, text)) if name != module => Found::Module(std_globals(db, name, text)),
            Some(_) | None => Found::Unknown,
        },
        is_damaged: &|_| false,
        names: &Vec::new,
    };
    let parse = parse(text);
    Arc::new(globals(&parse.file, &modules, &number(&parse.file, None)))
}

/// What a file declares and uses.
pub(crate) fn globals_in(db: &dyn salsa::Database, file: SourceFile, tree: &File) -> Globals {
    let modules = Modules {
        find: &|module| find(db, file, module),
        is_damaged: &|module| file_of(db, file, module).is_some_and(|other| *is_damaged(db, other)),
        names: &|| names(db, file),
    };
    globals(tree, &modules, &numbers_of(db, file))
}

/// The lock of a project, if it was ever built.
#[salsa::tracked(returns(clone))]
fn lock_of(db: &dyn salsa::Database, project: Project) -> Arc<Result<Option<Lock>, BadLock>> {
    Arc::new(project.lock(db).as_deref().map(Lock::read).transpose())
}

/// The stable numbers of what a file declares. A lock that cannot be read gives none.
#[salsa::tracked(returns(clone))]
pub(crate) fn numbers_of(db: &dyn salsa::Database, file: SourceFile) -> Arc<Numbered> {
    let lock = file.project(db).map(|project| lock_of(db, project));
    let lock = lock.as_deref().and_then(|lock| lock.as_ref().ok()?.as_ref());
    Arc::new(number(&tree_of(db, file).file, lock))
}

/// The lock that a project has after a build: the same where no name is new, gone or renamed.
pub fn lock_after(db: &dyn salsa::Database, project: Project) -> Result<Lock, BadLock> {
    let lock = lock_of(db, project);
    let lock = lock.as_ref().as_ref().map_err(BadLock::clone)?;
    let files = project.files(db).iter().map(|file| {
        let is_whole = !is_damaged(db, *file) && numbers_of(db, *file).problems.is_empty();
        (tree_of(db, *file), is_whole)
    });
    Ok(renewed(lock.as_ref(), &files.collect::<Vec<_>>()))
}

/// The error of a file whose project has a lock that cannot be read.
pub fn bad_lock(db: &dyn salsa::Database, file: SourceFile) -> Option<Diagnostic> {
    let lock = lock_of(db, (*file.project(db))?);
    let Err(bad) = lock.as_ref() else { return None };
    let tree = tree_of(db, file);
    let part = tree.file.module.as_ref()?;
    Some(Diagnostic {
        code: Code::BadLock,
        severity: Severity::Error,
        span: part.span(part.node.at),
        message: format!("`{LOCK}`, line {}: {}", bad.line, bad.message),
        label: "its numbers cannot be told".to_owned(),
        related: Vec::new(),
        help: Some(BadLock::HELP.to_owned()),
        fix: None,
    })
}

fn find(db: &dyn salsa::Database, file: SourceFile, module: &str) -> Found {
    if let Some(other) = file_of(db, file, module) {
        return match way_back(db, other, file) {
            Some(way) => Found::Circle(way),
            None => Found::Module(globals_of(db, other)),
        };
    }
    let found = std_named(module);
    found.map_or(Found::Unknown, |(name, text)| Found::Module(std_globals(db, name, text)))
}

fn names(db: &dyn salsa::Database, file: SourceFile) -> Vec<String> {
    let own = file.project(db).map(|project| modules_of(db, project));
    let own = own.iter().flat_map(|modules| modules.keys().cloned());
    own.chain(aqo_stdlib::MODULES.iter().map(|(name, _)| (*name).to_owned())).collect()
}

/// The modules on the way from a file to `goal`, which is reached: `goal` first, then the file.
fn way_back(db: &dyn salsa::Database, from: SourceFile, goal: SourceFile) -> Option<Vec<String>> {
    let name = |file: SourceFile| name_of(db, file).unwrap_or_default();
    if from == goal {
        return Some(vec![name(goal)]);
    }
    let mut ways = vec![(from, vec![name(goal), name(from)])];
    let mut seen = vec![from];
    while !ways.is_empty() {
        let mut further = Vec::new();
        for (file, way) in ways {
            for next in looked_up(db, file) {
                if next == goal {
                    return Some(way);
                }
                if !seen.contains(&next) {
                    seen.push(next);
                    let way = way.iter().cloned().chain([name(next)]).collect();
                    further.push((next, way));
                }
            }
        }
        ways = further;
    }
    None
}

/// The other files of the project that a file uses, and that those use, in the order in which they
/// are met.
pub fn used_files(db: &dyn salsa::Database, file: SourceFile) -> Vec<SourceFile> {
    let mut found = vec![file];
    let mut next = 0;
    while let Some(file) = found.get(next).copied() {
        next += 1;
        for other in looked_up(db, file) {
            if !found.contains(&other) {
                found.push(other);
            }
        }
    }
    found.split_off(1)
}

/// Whether all that a file uses, and that those use, is without errors.
#[salsa::tracked]
pub(crate) fn uses_are_sound(db: &dyn salsa::Database, file: SourceFile) -> bool {
    used_files(db, file).into_iter().all(|other| {
        !is_damaged(db, other)
            && globals_of(db, other).problems.iter().all(|problem| problem.code.is_warning())
    })
}

/// The files whose module another file, or `std`, has named before them, each with its error.
pub fn taken(db: &dyn salsa::Database, files: &[SourceFile]) -> Vec<(SourceFile, Diagnostic)> {
    let mut first: BTreeMap<String, SourceFile> = BTreeMap::new();
    let mut found = Vec::new();
    for file in files {
        let tree = tree_of(db, *file);
        let Some(part) = &tree.file.module else { continue };
        let name = joined(&part.node.names);
        let is_std = part.node.names.first().is_some_and(|name| name.text == "std");
        // The module of `std` itself may be checked like any other.
        let is_std = is_std && std_named(&name).is_none_or(|(_, text)| text != file.text(db));
        let (message, label) = match first.entry(name) {
            Entry::Vacant(_) if is_std => (
                "what begins with `std` comes with the language".to_owned(),
                "a name of the language",
            ),
            Entry::Vacant(entry) => {
                entry.insert(*file);
                continue;
            }
            Entry::Occupied(entry) => {
                let (module, other) = (entry.key(), entry.get().path(db));
                (
                    format!("`{other}` names the module `{module}` too"),
                    "this name is taken in the project",
                )
            }
        };
        let problem = Diagnostic {
            code: Code::ModuleTaken,
            severity: Severity::Error,
            span: part.span(part.node.at),
            message,
            label: label.to_owned(),
            related: Vec::new(),
            help: Some("a project has one file for each module: rename one".to_owned()),
            fix: None,
        };
        found.push((*file, problem));
    }
    found
}
