//! `aqo.lock` beside `aqo.toml`: read for every command, written by `aqc build` alone.
//!
//! Invariant: it is replaced whole or not at all, before the component whose numbers it keeps, and only
//! where a number is new, gone or renamed. Only a project that has an `aqo.toml` has one.

use crate::build;
use crate::check::Checked;
use crate::project::Project;
use crate::replace::replace;
use aqo_compiler::files::MANIFEST;
use aqo_compiler::lock::{BadLock, LOCK, Lock};
use aqo_compiler::modules::lock_after;
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use std::path::{Path, PathBuf};

/// How many changes of a lock are listed.
const SHOWN: usize = 8;

/// The lock of a directory: its text, and that it is sound. None where there is none.
pub(crate) fn read(directory: &Path) -> Result<Option<String>> {
    let path = directory.join(LOCK);
    if !directory.join(MANIFEST).is_file() || !path.exists() {
        return Ok(None);
    }
    let bytes = std::fs::read(&path).map_err(|e| Error::io("read", &path, &e))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::usage(format!("{} is not UTF-8 text", path.display())))?;
    Lock::read(&text).map_err(|bad| unreadable(&path, &bad))?;
    Ok(Some(text))
}

fn unreadable(path: &Path, bad: &BadLock) -> Error {
    let what = format!("{}:{}: {}", path.display(), bad.line, bad.message);
    Error::refused(what).help(BadLock::HELP)
}

/// Brings the lock of a project that is sound up to its sources; `locked`: an error where it is not.
pub(crate) fn settle(project: &Project, checked: &Checked, locked: bool) -> Result<()> {
    let path: PathBuf = project.directory.join(LOCK);
    if !project.directory.join(MANIFEST).is_file() {
        return Ok(());
    }
    let Some(together) = checked.project else { return Ok(()) };
    let unreadable = |bad: BadLock| unreadable(&path, &bad);
    let next = lock_after(&checked.database, together).map_err(unreadable)?;
    if let Some(of) = next.spent() {
        let what = format!("{of}: every number is used, and none comes back");
        return Err(Error::refused(what).help("declare a new one under another name"));
    }
    let Some(old) = &project.lock else {
        if locked {
            let what = format!("{} is missing, and `--locked` writes none", path.display());
            return Err(Error::refused(what).help("run `aqc build` once, and commit the file"));
        }
        build::write(&path, next.text().as_bytes())?;
        print(&format!("{}: written; commit it beside {MANIFEST}", path.display()));
        return Ok(());
    };
    let known = Lock::read(old).map_err(unreadable)?;
    if known == next {
        return Ok(());
    }
    let changes = known.differences(&next);
    if locked {
        let what = format!("{} would change:{}", path.display(), listed(&changes));
        return Err(Error::refused(what)
            .help("run `aqc build` without `--locked`, and commit the file with the sources"));
    }
    replace(&path, old, &next.text())?;
    print(&format!("{}: written; commit it:{}", path.display(), listed(&changes)));
    Ok(())
}

fn listed(changes: &[String]) -> String {
    let mut text: String = changes.iter().take(SHOWN).map(|one| format!("\n  {one}")).collect();
    if let Some(more) = changes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text += &format!("\n  and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use aqo_compiler::lock::Lock;

    #[test]
    fn a_lock_is_toml() {
        let text =
            "version = 1\n\n[\"a.A\".fields]\nx = 0\n\n[\"a.A\".retired_fields]\n1 = \"y\"\n";
        let written = Lock::read(text).unwrap().text();
        let table: toml::Table = toml::from_str(&written).unwrap();
        assert_eq!(table["a.A"]["fields"]["x"].as_integer(), Some(0));
        assert_eq!(table["a.A"]["retired_fields"]["1"].as_str(), Some("y"));
        assert!(written.ends_with(text), "{written}");
    }
}
