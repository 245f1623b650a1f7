//! `aqc check --fix`: the edits that diagnostics carry, written into the sources or shown as a diff.
//!
//! Invariant: a file is replaced whole or not at all, and only where something was mended. Which
//! edits are good is the compiler's to say.

use crate::diff::diff;
use crate::project::Project;
use crate::replace::replace;
use aqo_compiler::levels::Levels;
use aqo_compiler::mend::{Beside, mend};
use aqo_runtime::error::Result;
use aqo_runtime::present::print;
use std::io::Write;

/// Mends every source that is named, and says what was mended. A dry run prints what would change.
pub(crate) fn fix(project: &mut Project, levels: &Levels, dry: bool) -> Result<()> {
    let mut count = 0;
    for place in 0..project.sources.len() {
        let others: Vec<(String, String)> = (project.sources.iter().enumerate())
            .filter(|(other, _)| *other != place)
            .map(|(_, other)| (other.path.display().to_string(), other.text.clone()))
            .collect();
        let source = &mut project.sources[place];
        if !source.is_named {
            continue;
        }
        let path = source.path.display().to_string();
        let mended = mend(&source.text, Beside { path: &path, others: &others, levels });
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

/// Beside the result, which is standard output's.
fn say(text: &str) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr(), "{text}");
}
