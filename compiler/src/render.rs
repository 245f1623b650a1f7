//! Diagnostics as text for people and as JSON lines for tools.

use crate::diagnostic::{Diagnostic, Severity};
use codespan_reporting::diagnostic::{Diagnostic as Report, Label};
use codespan_reporting::files::SimpleFile;
use codespan_reporting::term;

/// The version of the JSON lines.
const JSON_VERSION: u32 = 1;

/// Diagnostics as text; with colours for a terminal.
pub fn text(path: &str, source: &str, diagnostics: &[Diagnostic], colours: bool) -> String {
    let file = SimpleFile::new(path, source);
    let config = term::Config::default();
    let mut out = String::new();
    for diagnostic in diagnostics {
        let report = report(diagnostic);
        let written = if colours {
            let mut buffer = term::termcolor::Buffer::ansi();
            let written = term::emit_to_write_style(&mut buffer, &config, &file, &report);
            out.push_str(&String::from_utf8_lossy(buffer.as_slice()));
            written
        } else {
            term::emit_to_string(&mut out, &config, &file, &report)
        };
        if written.is_err() {
            out.push_str(&format!("{}: {}\n", diagnostic.code.id(), diagnostic.message));
        }
    }
    out
}

fn report(diagnostic: &Diagnostic) -> Report<()> {
    let range = |span: aqo_grammar::tree::Span| span.start as usize..span.end as usize;
    let base = match diagnostic.severity {
        Severity::Error => Report::error(),
        Severity::Warning => Report::warning(),
    };
    let primary = Label::primary((), range(diagnostic.span)).with_message(&diagnostic.label);
    let related = diagnostic.related.iter();
    let related = related.map(|(span, what)| Label::secondary((), range(*span)).with_message(what));
    base.with_code(diagnostic.code.id())
        .with_message(&diagnostic.message)
        .with_labels(std::iter::once(primary).chain(related).collect())
        .with_notes(diagnostic.help.iter().map(|help| format!("help: {help}")).collect())
}

/// One JSON object a line: `{"version":1,"code":…,"severity":…,"path":…,"start":…,"end":…,"message":…}`.
/// Offsets are bytes.
pub fn json(path: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for d in diagnostics {
        let line = serde_json::json!({
            "version": JSON_VERSION,
            "code": d.code.id(),
            "severity": match d.severity { Severity::Error => "error", Severity::Warning => "warning" },
            "path": path,
            "start": d.span.start,
            "end": d.span.end,
            "message": d.message,
            "label": d.label,
            "related": d.related.iter().map(|(span, what)| serde_json::json!({
                "start": span.start, "end": span.end, "message": what,
            })).collect::<Vec<_>>(),
            "help": d.help,
            "fix": d.fix.as_ref().map(|(span, text)| serde_json::json!({
                "start": span.start, "end": span.end, "text": text,
            })),
        });
        out.push_str(&line.to_string());
        out.push('\n');
    }
    out
}
