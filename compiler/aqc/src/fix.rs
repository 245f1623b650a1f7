//! `aqc check --fix`: the edits that diagnostics carry, written into the sources or shown as a diff.
//!
//! Invariant: a file is replaced whole or not at all, and only where something was mended. Which
//! edits are good is the compiler's to say.

use crate::diff::diff;
use crate::project::Project;
use aqo_compiler::levels::Levels;
use aqo_compiler::mend::mend;
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use std::io::Write;
use std::path::Path;

/// Mends every source of a project, and says what was mended. A dry run prints what would change.
pub(crate) fn fix(project: &mut Project, levels: &Levels, dry: bool) -> Result<()> {
    let mut count = 0;
    for source in &mut project.sources {
        let path = source.path.display().to_string();
        let mended = mend(&path, &source.text, levels);
        for fixed in &mended.fixed {
            say(&format!("fixed {path}:{}: {} {}", fixed.line, fixed.code.id(), fixed.message));
        }
        count += mended.fixed.len();
        if mended.text == source.text {
            continue;
        }
        if dry {
            print(diff(&path, &source.text, &mended.text).trim_end_matches('\n'));
        } else {
            replace(&source.path, &source.text, &mended.text)?;
            source.text = mended.text;
        }
    }
    match (count, dry) {
        (0, _) => say("nothing to fix"),
        (_, true) => say(&format!("{count} to fix; nothing was written")),
        (_, false) => say(&format!("{count} fixed")),
    }
    Ok(())
}

/// Replaces a file that still says what was read, whole or not at all. Links and permissions stay.
fn replace(path: &Path, old: &str, new: &str) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("write", path, &error);
    let target = std::fs::canonicalize(path).map_err(failed)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = target.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let write = || {
        let mut file = std::fs::File::create_new(&temporary)?;
        file.write_all(new.as_bytes())?;
        file.set_permissions(std::fs::metadata(&target)?.permissions())?;
        file.sync_all()?;
        if std::fs::read(&target)? != old.as_bytes() {
            return Err(std::io::Error::other("it was changed meanwhile; nothing was written"));
        }
        std::fs::rename(&temporary, &target)
    };
    write().map_err(|error| {
        // What was begun is of no use to anybody; it may not even have been begun.
        let _ = std::fs::remove_file(&temporary);
        failed(error)
    })
}

/// Beside the result, which is standard output's.
fn say(text: &str) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr(), "{text}");
}
