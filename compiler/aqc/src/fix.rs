//! `aqc check --fix`: the edits that diagnostics carry, written into the sources or shown as a diff.
//!
//! Invariant: a file is replaced whole or not at all, and only where something was mended. Which
//! edits are good is the compiler's to say.

use crate::project::Project;
use aqo_compiler::levels::Levels;
use aqo_compiler::mend::mend;
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use std::io::Write;
use std::path::Path;

/// The lines around a change that a diff shows.
const CONTEXT: usize = 3;
/// The largest table of a comparison; a change that is larger is shown as one.
const CELLS_MAX: usize = 4_000_000;

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

/// A line of a comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line<'l> {
    Same(&'l str),
    Old(&'l str),
    New(&'l str),
}

/// The change from one text to another in the unified form of `diff -u`.
fn diff(path: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let compared = compare(&old, &new);
    let mut out = format!("--- {path}\n+++ {path}\n");
    let changed = |line: &Line<'_>| !matches!(line, Line::Same(_));
    let mut at = 0;
    while let Some(first) = compared[at..].iter().position(changed).map(|found| at + found) {
        // A hunk goes on while the next change is no further than two contexts.
        let mut last = first;
        while let Some(next) = compared[last + 1..].iter().position(changed) {
            if next > 2 * CONTEXT {
                break;
            }
            last += next + 1;
        }
        let from = first.saturating_sub(CONTEXT).max(at);
        let to = (last + 1 + CONTEXT).min(compared.len());
        out.push_str(&hunk(&compared, from, to));
        at = to;
    }
    out
}

fn hunk(compared: &[Line<'_>], from: usize, to: usize) -> String {
    let count = |lines: &[Line<'_>], but: fn(&Line<'_>) -> bool| {
        lines.iter().filter(|line| !but(line)).count()
    };
    let is_new: fn(&Line<'_>) -> bool = |line| matches!(line, Line::New(_));
    let is_old: fn(&Line<'_>) -> bool = |line| matches!(line, Line::Old(_));
    let (before, inside) = (&compared[..from], &compared[from..to]);
    let mut out = format!(
        "@@ -{},{} +{},{} @@\n",
        count(before, is_new) + 1,
        count(inside, is_new),
        count(before, is_old) + 1,
        count(inside, is_old),
    );
    for line in inside {
        let (mark, text) = match line {
            Line::Same(text) => (' ', text),
            Line::Old(text) => ('-', text),
            Line::New(text) => ('+', text),
        };
        out.push(mark);
        out.push_str(text);
        if !text.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
    out
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Both texts as one list of lines: a longest common part is the same, the rest old or new.
fn compare<'l>(old: &[&'l str], new: &[&'l str]) -> Vec<Line<'l>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let ends = old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = ends.take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut out: Vec<Line<'l>> = old[..head].iter().map(|line| Line::Same(line)).collect();
    let width = b.len() + 1;
    let small = (a.len() + 1).saturating_mul(width) <= CELLS_MAX;
    // cells[i * width + j]: the longest common part of a[i..] and b[j..].
    let mut cells = vec![0_u32; if small { (a.len() + 1) * width } else { 0 }];
    if small {
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                cells[i * width + j] = if a[i] == b[j] {
                    cells[(i + 1) * width + j + 1] + 1
                } else {
                    cells[(i + 1) * width + j].max(cells[i * width + j + 1])
                };
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if small && i < a.len() && j < b.len() && a[i] == b[j] {
            out.push(Line::Same(a[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < a.len()
            && (j == b.len() || !small || cells[(i + 1) * width + j] >= cells[i * width + j + 1])
        {
            out.push(Line::Old(a[i]));
            i += 1;
        } else {
            out.push(Line::New(b[j]));
            j += 1;
        }
    }
    out.extend(old[old.len() - tail..].iter().map(|line| Line::Same(line)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_shows_each_change_in_its_surroundings() {
        let old: String = (1..=30).map(|n| format!("{n}\n")).collect();
        let new = old.replace("5\n6\n", "5\nnew\n6\n").replace("25\n", "") + "end";
        let shown = diff("a", &old, &new);
        assert!(
            shown.starts_with("--- a\n+++ a\n@@ -3,6 +3,7 @@\n 3\n 4\n 5\n+new\n 6\n"),
            "{shown}"
        );
        assert!(shown.contains("-25\n"), "{shown}");
        assert!(shown.ends_with("+end\n\\ No newline at end of file\n"), "{shown}");
        assert_eq!(shown.matches("@@ -").count(), 2, "{shown}");
    }
}
