//! The chapters of the language and the pages of its diagnostics to one HTML page: the reference.
//!
//! Invariant: every link leads to an anchor of this page, and every program of the chapters is in it
//! unchanged. The chapters lie in `tests/spec`, where each program of theirs is a test.

use super::code::{block, highlighted};
use super::markdown::{Manner, html};
use super::page::{Entry, escaped, page};
use aqo_compiler::Code;
use std::collections::BTreeSet;

/// File names without their ending, and texts, in order.
const CHAPTERS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/chapters.rs"));

/// The anchor of the last chapter.
const DIAGNOSTICS: &str = "diagnostics";

/// The page.
pub(crate) fn book() -> String {
    let mut ids = BTreeSet::from([DIAGNOSTICS.to_owned()]);
    let mut contents = Vec::new();
    let mut body = String::from(
        "<p>aqo is a language for governed, self-executing objects. Every program below is a test \
         of the compiler: one that is marked with a code gives it, one that is marked as a \
         scenario passes on the interpreter and on the compiled component.</p>\n",
    );
    let mut chapters = String::new();
    for (file, text) in CHAPTERS {
        let chapter = chapter(file);
        let link = |to: &str| target(to, chapter);
        let manner =
            Manner { shift: 1, anchor: Some(chapter), link: &link, fence: &fence, code: &inline };
        let (html, headings) = html(text, &manner, &mut ids);
        chapters.push_str(&format!("<section>\n{html}</section>\n"));
        let lines = headings.into_iter().filter(|entry| entry.depth <= 3);
        contents.extend(lines.map(|entry| Entry { depth: entry.depth - 2, ..entry }));
    }
    contents.push(entry(DIAGNOSTICS, "Diagnostics", 0));
    let mut codes: Vec<Code> = Code::all().collect();
    codes.sort_by_key(|code| code.id());
    let pages: String = codes.iter().map(|code| explained(*code, &mut ids)).collect();
    contents.extend(codes.iter().map(|code| {
        let text = format!("{} {}", code.id(), code.title());
        entry(code.id(), &text, 1)
    }));
    body.push_str("<ol>\n");
    for entry in contents.iter().filter(|entry| entry.depth == 0) {
        let (id, text) = (escaped(&entry.id), escaped(&entry.text));
        body.push_str(&format!("<li><a href=\"#{id}\">{text}</a></li>\n"));
    }
    body.push_str("</ol>\n");
    body.push_str(&chapters);
    body.push_str(&format!(
        "<h2 id=\"{DIAGNOSTICS}\">Diagnostics</h2>\n<p>E0 lexing, E1 syntax, E2 names, E3 types, \
         ranges and units, E4 totality and cost, E5 policy, E6 proofs, E7 evolution, E8 lowering; W are warnings. \
         <code>aqc explain</code> prints the same pages.</p>\n{pages}"
    ));
    page("The aqo language", &contents, &body)
}

fn entry(id: &str, text: &str, depth: usize) -> Entry {
    Entry { id: id.to_owned(), text: text.to_owned(), depth }
}

/// `04-rules` as `rules`.
fn chapter(file: &str) -> &str {
    file.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('-')
}

/// `04-rules.md#election`, `#election`: the anchor that a link of this chapter leads to.
fn target(to: &str, from: &str) -> Option<String> {
    let (file, place) = to.split_once('#').unwrap_or((to, ""));
    let known = |name: &&str| CHAPTERS.iter().any(|(file, _)| chapter(file) == *name);
    let chapter = match file {
        "" => from,
        file => Some(chapter(file.strip_suffix(".md")?)).filter(known)?,
    };
    Some(if place.is_empty() { chapter.to_owned() } else { format!("{chapter}.{place}") })
}

/// The page of a code.
fn explained(code: Code, ids: &mut BTreeSet<String>) -> String {
    let manner =
        Manner { shift: 2, anchor: Some(code.id()), link: &|_| None, fence: &fence, code: &inline };
    let (html, _) = html(code.page(), &manner, ids);
    format!("<section>\n{html}</section>\n")
}

/// A piece of code inside a line; a code of a diagnostic leads to its page.
fn inline(code: &str) -> String {
    match Code::named(code) {
        Some(known) if known.id() == code => {
            format!("<a href=\"#{code}\"><code>{code}</code></a>")
        }
        Some(_) | None => format!("<code>{}</code>", escaped(code)),
    }
}

/// A block: a program with what is said of it, or something else as it stands.
fn fence(info: &str, text: &str) -> String {
    let mut words = info.split_whitespace();
    if words.next() != Some("aqo") {
        return format!("<pre><code>{}</code></pre>\n", escaped(text));
    }
    let words: Vec<&str> = words.collect();
    let (class, caption) = match words[..] {
        [] => return block(text),
        ["scenario"] => ("scenario", "its scenarios pass".to_owned()),
        ["scenario", "away"] => {
            ("scenario", "its scenarios pass on a host that is away for an hour".to_owned())
        }
        ["module"] => ("scenario", "the other programs of this chapter may use it".to_owned()),
        ["mended"] => ("scenario", "mended".to_owned()),
        ["wrong", ..] => ("wrong", "wrong".to_owned()),
        _ => (
            "wrong",
            format!("gives {}", words.iter().map(|w| named(w)).collect::<Vec<_>>().join(", ")),
        ),
    };
    format!(
        "<figure class=\"{class}\"><pre><code>{}</code></pre>\n\
         <figcaption>{caption}</figcaption></figure>\n",
        highlighted(text)
    )
}

/// A code with its title, leading to its page.
fn named(word: &str) -> String {
    match Code::named(word) {
        Some(code) => {
            format!("<a href=\"#{}\">{}</a>: {}", code.id(), code.id(), escaped(code.title()))
        }
        None => escaped(word),
    }
}
