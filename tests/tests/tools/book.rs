//! `aqc doc --book`: the reference as one page, held against the chapters and pages it is made of,
//! and the chapter of the grammar against the grammar.

use std::collections::BTreeSet;
use std::path::Path;

use aqo_compiler::Code;
use aqo_grammar::token::{MARKS, RESERVED, SOFT};

use crate::helpers::{call, directory};
use crate::html::{hold, programs, text};

fn book() -> String {
    let place = directory(&[]);
    let called = call(place.path(), &["doc", "--book", "--out", "book.html"]);
    assert_eq!(called.code, 0, "{}", called.err);
    let printed = call(place.path(), &["doc", "--book"]).out;
    let written = std::fs::read_to_string(place.path().join("book.html")).unwrap();
    assert!(written == printed, "the same book twice is not the same");
    written
}

/// The chapters by name.
fn chapters() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut chapters: Vec<(String, String)> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    chapters.sort();
    chapters
}

/// The blocks of a text, with what stands after the fence.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block = lines.by_ref().take_while(|line| *line != "```");
        found.push((info, block.map(|line| format!("{line}\n")).collect()));
    }
    found
}

#[test]
fn it_is_one_whole_page_with_every_program() {
    let book = book();
    hold(&book);
    let shown: BTreeSet<String> = programs(&book).into_iter().collect();
    let mut order = Vec::new();
    for (name, chapter) in chapters() {
        for (_, block) in blocks(&chapter) {
            assert!(shown.contains(&block), "{name} has a block that the book has not:\n{block}");
        }
        let title = chapter.lines().next().unwrap().trim_start_matches("# ").to_owned();
        let heading = format!(">{title}</h2>");
        order.push(book.find(&heading).unwrap_or_else(|| panic!("{title} is no chapter")));
    }
    assert!(order.is_sorted(), "the chapters stand in another order");
    for code in Code::all() {
        let heading = format!("<h3 id=\"{}\">", code.id());
        assert!(book.contains(&heading), "{} has no section", code.id());
        for (_, block) in blocks(code.page()) {
            assert!(shown.contains(&block), "{} lacks its block", code.id());
        }
    }
}

#[test]
fn programs_say_what_comes_of_them() {
    let book = book();
    let mut scenarios = 0;
    for figure in book.split("<figure").skip(1) {
        let (program, caption) = figure.split_once("<figcaption>").unwrap();
        let caption = caption.split("</figcaption>").next().unwrap();
        let program = text(program.split_once("<code>").unwrap().1);
        let declares = program.contains("\nscenario \"") || program.contains("\nproperty \"");
        if caption.starts_with("its scenarios pass") {
            scenarios += 1;
            assert!(declares, "{program}");
        } else {
            let plain = ["wrong", "mended", "the other programs of this chapter may use it"];
            let known = plain.contains(&caption) || caption.contains("href=\"#");
            assert!(known, "{caption}");
        }
    }
    assert!(scenarios >= 20, "{scenarios} scenarios");
    assert!(book.contains("gives <a href=\"#E3002\">E3002</a>: value may leave its range"));
}

/// The quoted words of the chapter's productions.
fn quoted(ebnf: &str) -> BTreeSet<&str> {
    ebnf.split('"').skip(1).step_by(2).collect()
}

fn grammar_chapter() -> String {
    let (_, chapter) = chapters().into_iter().find(|(name, _)| name.contains("grammar")).unwrap();
    let (_, ebnf) = blocks(&chapter).into_iter().find(|(info, _)| info.is_empty()).unwrap();
    ebnf
}

#[test]
fn the_grammar_has_the_words_of_the_lexer_and_no_others() {
    let ebnf = grammar_chapter();
    let quoted = quoted(&ebnf);
    let words: BTreeSet<&str> = RESERVED.iter().chain(SOFT).copied().collect();
    let known = |word: &&str| words.contains(*word) || MARKS.contains(word);
    let unknown: Vec<&&str> = quoted.iter().filter(|word| !known(word)).collect();
    assert_eq!(unknown, [&""; 0], "no words of the lexer");
    let missing: Vec<&&str> = words.iter().filter(|word| !quoted.contains(**word)).collect();
    assert_eq!(missing, [&""; 0], "no words of the chapter");
}

/// Every production that the grammar's source states in full stands so in the chapter.
#[test]
fn the_grammar_is_that_of_the_parser() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../grammar/src/aqo.lalrpop");
    let source = std::fs::read_to_string(path).unwrap();
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let ebnf = grammar_chapter();
    let chapter: BTreeSet<String> =
        ebnf.lines().map(|line| squeezed(line.split("   (").next().unwrap())).collect();
    let mut found = 0;
    for line in source.lines().filter_map(|line| line.strip_prefix("// ")) {
        let Some((name, rest)) = line.split_once(" = ") else { continue };
        let is_name = name.chars().all(char::is_alphabetic) && name.starts_with(char::is_uppercase);
        if !is_name {
            continue;
        }
        let line = squeezed(&format!("{name} = {}", rest.split("   (").next().unwrap()));
        // A production may go on on the next line of the source.
        let stands = chapter.iter().any(|known| known.starts_with(&line));
        assert!(stands, "the chapter lacks `{line}`");
        found += 1;
    }
    assert!(found >= 70, "{found} productions");
}
