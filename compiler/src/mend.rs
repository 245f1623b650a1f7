//! A text and the edits that its diagnostics carry to a mended text.
//!
//! Invariant: no edit brings an error that was not there before, each edit removes the diagnostic
//! that offered it, and what is mended is read again before more is mended, so no edit is made on
//! stale text. Ends after [`ROUNDS`] at the latest. Knows no file: whoever calls writes the text.

use crate::codes::Code;
use crate::db::{self, Database, SourceFile};
use crate::diagnostic::{Diagnostic, Severity};
use crate::levels::Levels;
use crate::source::Project;
use aqo_grammar::tree::Span;

/// How often a text is read again.
pub const ROUNDS: usize = 16;

/// A text after its edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The text.
    pub text: String,
    /// What was mended, in the order of the edits.
    pub fixed: Vec<Fixed>,
}

/// A diagnostic that an edit removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Its code.
    pub code: Code,
    /// Its line, from 1, in the text that was edited.
    pub line: usize,
    /// What was wrong.
    pub message: String,
}

/// What a text is read beside.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'b> {
    /// Where the text comes from.
    pub path: &'b str,
    /// The other files of its project: where each comes from, and what it says.
    pub others: &'b [(String, String)],
    /// How much diagnostics matter.
    pub levels: &'b Levels,
}

/// Makes every edit that diagnostics at these levels offer, as long as any helps.
pub fn mend(text: &str, beside: Beside<'_>) -> Mended {
    let mut mended = Mended { text: text.to_owned(), fixed: Vec::new() };
    for _ in 0..ROUNDS {
        let before = diagnose(&mended.text, beside);
        let offered: Vec<&Diagnostic> = apart(&before);
        let mut taken = accepted(&mended.text, &before, offered.clone(), beside);
        if taken.is_none() {
            // Together they do harm: the first that does none by itself.
            let mut each = offered.into_iter();
            taken = each.find_map(|one| accepted(&mended.text, &before, vec![one], beside));
        }
        let Some((next, fixed)) = taken else { break };
        mended.text = next;
        mended.fixed.extend(fixed);
    }
    mended
}

fn diagnose(text: &str, beside: Beside<'_>) -> Vec<Diagnostic> {
    let mut db = Database::default();
    let file = SourceFile::new(&db, beside.path.to_owned(), text.to_owned());
    let others = beside.others.iter();
    let mut files: Vec<SourceFile> =
        others.map(|(path, text)| SourceFile::new(&db, path.clone(), text.clone())).collect();
    files.push(file);
    Project::new(&db, Vec::new()).join(&mut db, files);
    beside.levels.judge(db::diagnostics(&db, file)).shown
}

/// The diagnostics whose edits touch no other edit before them, in text order.
fn apart(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut offering: Vec<(Span, &Diagnostic)> =
        diagnostics.iter().filter_map(|d| Some((d.fix.as_ref()?.0, d))).collect();
    offering.sort_by_key(|(span, _)| *span);
    let mut end = None;
    offering.retain(|(span, _)| {
        let free = end.is_none_or(|end| span.start > end);
        if free {
            end = Some(span.end);
        }
        free
    });
    offering.into_iter().map(|(_, d)| d).collect()
}

/// The text after these edits, if they remove what offered them and bring no error.
fn accepted(
    text: &str,
    before: &[Diagnostic],
    offered: Vec<&Diagnostic>,
    beside: Beside<'_>,
) -> Option<(String, Vec<Fixed>)> {
    if offered.is_empty() {
        return None;
    }
    let mut next = text.to_owned();
    for diagnostic in offered.iter().rev() {
        let (span, new) = diagnostic.fix.as_ref()?;
        let range = span.start as usize..span.end as usize;
        text.get(range.clone())?;
        next.replace_range(range, new);
    }
    let after = diagnose(&next, beside);
    let brings = after.iter().filter(|d| d.severity == Severity::Error);
    let brings = brings.clone().any(|d| count(&after, d) > count(before, d));
    let stays = offered.iter().any(|d| count(&after, d) >= count(before, d));
    if brings || stays {
        return None;
    }
    let fixed = offered.iter().map(|d| Fixed {
        code: d.code,
        line: text[..d.span.start as usize].matches('\n').count() + 1,
        message: d.message.clone(),
    });
    Some((next, fixed.collect()))
}

/// How many say the same, wherever they stand.
fn count(diagnostics: &[Diagnostic], like: &Diagnostic) -> usize {
    diagnostics.iter().filter(|d| d.code == like.code && d.message == like.message).count()
}
