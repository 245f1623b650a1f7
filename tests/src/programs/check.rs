//! From a drawn program to the Model of what of it checks.
//!
//! Invariant: only what a diagnostic points at is dropped, with what then has no meaning.

use super::program::{Level, Program};
use super::renamed;
use aqo_compiler::db::{self, Database, SourceFile};
use aqo_compiler::lock::Lock;
use aqo_compiler::modules::lock_after;
use aqo_compiler::{Project, Severity};
use aqo_model::Model;
use std::collections::BTreeMap;

/// A program that checks.
pub struct Kept {
    /// What is left of it.
    pub program: Program,
    /// Its text.
    pub text: String,
    /// Its Model.
    pub model: Model,
    /// How many parts were dropped, by why.
    pub dropped: BTreeMap<String, u64>,
    /// How many rules were drawn.
    pub rules: usize,
}

/// Checks a text: its Model, or where and why not. One that says what names were is checked under a
/// lock with gaps, where it must be the same before and after the renaming is built.
pub fn check(text: &str) -> Result<Model, Vec<(usize, String)>> {
    let (alone, lock) = check_under(text, None)?;
    let Some([now, before]) = renamed::locks(text, &lock) else { return Ok(alone) };
    let (model, lock) = check_under(text, Some(now.clone()))?;
    let (renamed, after) = check_under(text, Some(before))?;
    let is_same = |lock: &str| Lock::read(lock) == Lock::read(&now);
    if model != renamed || !is_same(&lock) || !is_same(&after) {
        return Err(vec![(0, format!("`was` does not keep the numbers:\n{after}\nis not\n{now}"))]);
    }
    Ok(renamed)
}

/// The Model of a text under a lock, and the lock after a build.
fn check_under(text: &str, lock: Option<String>) -> Result<(Model, String), Vec<(usize, String)>> {
    let mut database = Database::default();
    let file = SourceFile::new(&database, "drawn.aqo".to_owned(), text.to_owned());
    let project = Project::new(&database, Vec::new());
    project.join(&mut database, vec![file]);
    project.replace_lock(&mut database, lock);
    let lock = lock_after(&database, project).map_err(|bad| vec![(0, bad.message)])?.text();
    let found = db::diagnostics(&database, file);
    let errors: Vec<(usize, String)> = (found.into_iter())
        .filter(|found| found.severity == Severity::Error)
        .map(|found| (found.span.start as usize, format!("{:?}: {}", found.code, found.message)))
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let object = db::objects(&database, file).first().map(|(index, _)| *index);
    let Some(object) = object else { return Err(vec![(0, "no object".to_owned())]) };
    let checked = db::object_of(&database, file, object);
    match &checked.model {
        Some(model) => Ok((model.model().clone(), lock)),
        None => Err(vec![(0, "no Model and no diagnostic".to_owned())]),
    }
}

/// Drops parts until the rest checks.
pub fn keep(mut program: Program) -> Result<Kept, String> {
    let rules = program.rules();
    let mut dropped = BTreeMap::new();
    for _ in 0..30 {
        let (text, spans) = program.text();
        let errors = match check(&text) {
            Ok(model) => return Ok(Kept { program, text, model, dropped, rules }),
            Err(errors) => errors,
        };
        let (mut gone, mut changed) = (vec![false; spans.len()], false);
        for (at, why) in &errors {
            let Some(part) = spans.iter().position(|span| span.contains(at)) else { continue };
            if !gone[part] {
                let level = program.parts[part].level;
                let short: String = why.split('`').step_by(2).collect::<Vec<_>>().join("_");
                *dropped.entry(format!("{level:?} {short}")).or_default() += 1;
            }
            // A line of a clause goes alone.
            let offset = at - spans[part].start;
            if program.parts[part].level == Level::Clause && program.parts[part].drop_line(offset) {
                changed = true;
                break;
            }
            gone[part] = true;
        }
        if changed {
            continue;
        }
        if gone.iter().all(|gone| !gone) {
            return Err(format!("{errors:?}\n{text}"));
        }
        let mut gone = gone.into_iter();
        program.parts.retain(|_| !gone.next().unwrap_or_default());
    }
    Err("it never checks".to_owned())
}

/// How many rules are left.
pub fn rules_left(kept: &Kept) -> usize {
    kept.program.parts.iter().filter(|part| part.level == Level::Rule).count()
}
