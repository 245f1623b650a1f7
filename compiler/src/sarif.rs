//! Diagnostics of many files to one SARIF 2.1.0 log, which code hosts and editors read.
//!
//! Invariant: columns count UTF-16 code units from 1, as SARIF does where nothing else is said, and
//! the log says so all the same. Every rule that a result names is listed once, in the order of
//! codes. Knows no directory: paths become the addresses that they are given as.

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Severity};
use aqo_grammar::tree::Span;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where SARIF's schema is published.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What is wrong with one file.
pub struct Sheet<'s> {
    /// Its path, as it was given.
    pub path: &'s str,
    /// Its text.
    pub text: &'s str,
    /// In text order.
    pub diagnostics: &'s [Diagnostic],
}

/// One log of one run, as indented JSON that ends in a line feed.
pub fn sarif(sheets: &[Sheet<'_>]) -> String {
    let found = sheets.iter().flat_map(|sheet| sheet.diagnostics.iter().map(|d| d.code));
    let codes: Vec<Code> = found.collect::<BTreeSet<Code>>().into_iter().collect();
    let results: Vec<Value> = (sheets.iter())
        .flat_map(|sheet| sheet.diagnostics.iter().map(|d| result(sheet, d, &codes)))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "aqc",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

/// A code and its page.
fn rule(code: Code) -> Value {
    let (_, body) = code.page().split_once('\n').unwrap_or(("", code.page()));
    let prose = body.split("```").next().unwrap_or(body).trim();
    json!({
        "id": code.id(),
        "shortDescription": { "text": code.title() },
        "fullDescription": { "text": prose },
        "help": { "text": code.page(), "markdown": code.page() },
        "defaultConfiguration": { "level": if code.is_warning() { "warning" } else { "error" } },
    })
}

fn result(sheet: &Sheet<'_>, d: &Diagnostic, codes: &[Code]) -> Value {
    let mut message = d.message.clone();
    if let Some(help) = &d.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let mut result = json!({
        "ruleId": d.code.id(),
        "ruleIndex": codes.iter().position(|code| *code == d.code),
        "level": match d.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": { "text": message },
        "locations": [location(sheet, d.span, None)],
    });
    if !d.related.is_empty() {
        let related = d.related.iter().enumerate().map(|(id, (span, what))| {
            let mut related = location(sheet, *span, Some(what));
            related["id"] = json!(id);
            related
        });
        result["relatedLocations"] = related.collect();
    }
    if let Some((span, new)) = &d.fix {
        let mut fix = json!({
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(sheet.path) },
                "replacements": [{
                    "deletedRegion": region(sheet.text, *span),
                    "insertedContent": { "text": new },
                }],
            }],
        });
        if let Some(help) = &d.help {
            fix["description"] = json!({ "text": help });
        }
        result["fixes"] = json!([fix]);
    }
    result
}

fn location(sheet: &Sheet<'_>, span: Span, what: Option<&str>) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(sheet.path) },
            "region": region(sheet.text, span),
        },
    });
    if let Some(what) = what {
        location["message"] = json!({ "text": what });
    }
    location
}

/// Lines and columns from 1; the end column is the one after the last.
fn region(text: &str, span: Span) -> Value {
    let (start, end) = (position(text, span.start), position(text, span.end));
    json!({
        "startLine": start.0, "startColumn": start.1, "endLine": end.0, "endColumn": end.1,
    })
}

fn position(text: &str, offset: u32) -> (usize, usize) {
    let offset = usize::try_from(offset).unwrap_or(text.len());
    let before = &text[..text.floor_char_boundary(offset.min(text.len()))];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].encode_utf16().count() + 1)
}

/// A path as a relative or absolute reference: `/` between parts, and escaped where it must be.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.strip_prefix("./").unwrap_or(&uri).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_utf16_from_one() {
        let text = "a\n\u{1F600}b\u{e9}c";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 2), (2, 1));
        assert_eq!(position(text, 6), (2, 3));
        assert_eq!(position(text, 9), (2, 5));
        assert_eq!(position(text, 999), (2, 6));
    }

    #[test]
    fn paths_are_escaped() {
        assert_eq!(uri("./a b/ä.aqo"), "a%20b/%C3%A4.aqo");
        assert_eq!(uri("one\\two.aqo"), "one/two.aqo");
    }
}
