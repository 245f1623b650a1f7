//! Diagnostics of the compiler to those of the protocol, and their fixes to code actions.
//!
//! Knows no database: whoever calls brings the text and what is wrong with it.

use std::collections::HashMap;

use aqo_compiler::{Code, Diagnostic, Severity};
use aqo_grammar::tree::Span;
use tower_lsp::ls_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeDescription, Diagnostic as Shown,
    DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Range, TextEdit,
    Uri, WorkspaceEdit,
};

use crate::text::Lines;

/// Who says it, in the client's list of problems.
const SOURCE: &str = "aqo";

/// A diagnostic as a client shows it.
pub(crate) fn diagnostic(uri: &Uri, lines: &Lines<'_>, diagnostic: &Diagnostic) -> Shown {
    let related = diagnostic.related.iter().map(|(span, message)| DiagnosticRelatedInformation {
        location: Location::new(uri.clone(), range(lines, *span)),
        message: message.clone(),
    });
    let related: Vec<_> = related.collect();
    Shown {
        range: range(lines, diagnostic.span),
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(diagnostic.code.id().to_owned())),
        code_description: page_of(diagnostic.code).map(|href| CodeDescription { href }),
        source: Some(SOURCE.to_owned()),
        message: message(diagnostic),
        related_information: (!related.is_empty()).then_some(related),
        tags: None,
        data: None,
    }
}

/// Where a client asks for the page of a code: it opens the address by the request `aqo/explain`.
fn page_of(code: Code) -> Option<Uri> {
    format!("aqo-explain:/{}.md", code.id()).parse().ok()
}

/// Message, margin and advice, which a client shows as one text.
fn message(diagnostic: &Diagnostic) -> String {
    let mut message = diagnostic.message.clone();
    if !diagnostic.label.is_empty() {
        message.push_str(&format!("\n{}", diagnostic.label));
    }
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    message
}

/// The fixes of all that is wrong within a range.
pub(crate) fn quick_fixes(
    uri: &Uri,
    lines: &Lines<'_>,
    text: &str,
    diagnostics: &[Diagnostic],
    within: Range,
) -> Vec<CodeActionOrCommand> {
    let (from, to) = (lines.offset(within.start), lines.offset(within.end));
    let touches = |span: Span| span.start as usize <= to && from <= span.end as usize;
    let here = diagnostics.iter().filter(|diagnostic| touches(diagnostic.span));
    here.filter_map(|found| {
        let (span, new) = found.fix.as_ref()?;
        let edit = TextEdit { range: range(lines, *span), new_text: new.clone() };
        Some(CodeActionOrCommand::CodeAction(CodeAction {
            title: title(span.of(text), new),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic(uri, lines, found)]),
            edit: Some(edits(uri, edit)),
            is_preferred: Some(true),
            ..CodeAction::default()
        }))
    })
    .collect()
}

fn edits(uri: &Uri, edit: TextEdit) -> WorkspaceEdit {
    WorkspaceEdit {
        changes: Some(HashMap::from([(uri.clone(), vec![edit])])),
        ..WorkspaceEdit::default()
    }
}

fn title(old: &str, new: &str) -> String {
    match (old.trim(), new.trim()) {
        (old, "") => format!("Remove `{old}`"),
        ("", new) => format!("Insert `{new}`"),
        (_, new) => format!("Write `{new}`"),
    }
}

fn range(lines: &Lines<'_>, span: Span) -> Range {
    lines.range(span.start as usize, span.end as usize)
}
