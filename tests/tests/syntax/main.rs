//! Source text to tree and errors: fixtures of `fixtures/syntax`, damage, size and determinism.
//!
//! `ok/*.aqo` parse without an error to their `*.tree`; `fail/*.aqo` give the errors of their
//! `*.txt`; `format/*.aqo` are laid out as their `*.formatted`. `BLESS=1` rewrites them. Knows only
//! the grammar: no names, no types.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on shall stop where it stands"
)]

mod damage;
mod limits;

mod format;
mod format_noise;

mod drawing;
mod helpers;

use std::collections::BTreeSet;

use aqo_grammar::token::{Kind, MARKS, RESERVED, SOFT, lex};
use aqo_grammar::{SyntaxError, SyntaxErrorKind, parse, unquote};

use drawing::drawn;
use helpers::{Random, assert_names_stand_where_they_say, check, expect_file, listed, sources};

#[test]
fn sources_parse_to_their_trees() {
    for (path, text) in sources("ok") {
        let parse = parse(&text);
        assert_eq!(listed(&parse.errors, &text), "", "{}", path.display());
        expect_file(&path.with_extension("tree"), &drawn(&parse.file));
        assert_names_stand_where_they_say(&parse.file, &text);
    }
}

#[test]
fn damaged_sources_give_their_errors() {
    for (path, text) in sources("fail") {
        let parse = parse(&text);
        assert!(!parse.errors.is_empty(), "{}", path.display());
        expect_file(&path.with_extension("txt"), &listed(&parse.errors, &text));
        assert_names_stand_where_they_say(&parse.file, &text);
    }
}

#[test]
fn a_fix_mends_its_error() {
    for (path, text) in sources("fail") {
        let errors = parse(&text).errors;
        for error in &errors {
            let Some(fix) = &error.fix else { continue };
            let (before, after) =
                (&text[..fix.span.start as usize], &text[fix.span.end as usize..]);
            let left = parse(&format!("{before}{}{after}", fix.text)).errors;
            let alike =
                |other: &&SyntaxError| other.kind == error.kind && other.message == error.message;
            let count = |errors: &[SyntaxError]| errors.iter().filter(alike).count();
            assert!(count(&left) < count(&errors), "{}: {}", path.display(), error.message);
        }
    }
}

#[test]
fn each_code_is_its_own_and_has_a_fixture() {
    let codes: BTreeSet<&str> = SyntaxErrorKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(codes.len(), SyntaxErrorKind::ALL.len());
    let shown: BTreeSet<SyntaxErrorKind> = sources("fail")
        .iter()
        .flat_map(|(_, text)| parse(text).errors)
        .map(|error| error.kind)
        .collect();
    let too_large = [SyntaxErrorKind::TextTooLong, SyntaxErrorKind::TooManyErrors];
    for kind in SyntaxErrorKind::ALL.iter().filter(|kind| !too_large.contains(kind)) {
        assert!(shown.contains(kind), "no fixture fails with {} {}", kind.code(), kind.title());
    }
}

#[test]
fn every_kind_of_node_occurs_in_a_fixture() {
    let definition = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../grammar/src/tree.rs"));
    let trees: String =
        sources("ok").iter().map(|(_, text)| format!("{:?}", parse(text).file)).collect();
    let words: BTreeSet<&str> = trees.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let mut in_enum = false;
    for line in definition.lines() {
        in_enum = line.starts_with("pub enum") || in_enum && line != "}";
        let Some(variant) = line
            .strip_prefix("    ")
            .filter(|line| in_enum && line.starts_with(char::is_uppercase))
        else {
            continue;
        };
        let name = variant.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
        assert!(name == "Damaged" || words.contains(name), "no fixture has a {name}");
    }
}

#[test]
fn every_word_and_mark_occurs_in_a_fixture() {
    let used: BTreeSet<Kind> = sources("ok")
        .iter()
        .flat_map(|(_, text)| lex(text).lexemes)
        .map(|lexeme| lexeme.kind)
        .collect();
    for kind in Kind::ALL
        .iter()
        .filter(|kind| !kind.is_bad() && !kind.is_foreign() && **kind != Kind::SoftName)
    {
        assert!(used.contains(kind), "no fixture uses `{}`", kind.text());
    }
}

#[test]
fn words_are_reserved_or_soft() {
    for word in RESERVED.iter().chain(SOFT) {
        let declared = parse(&format!("module a object O version 1 {{ field {word}: int }}"));
        assert_eq!(declared.errors.is_empty(), SOFT.contains(word), "field {word}");
        let called = parse(&format!("module a fn {word}() -> int {{ 0 }}"));
        assert!(!called.errors.is_empty(), "fn {word}");
    }
    let words: BTreeSet<&&str> = RESERVED.iter().chain(SOFT).collect();
    assert_eq!(words.len(), RESERVED.len() + SOFT.len());
    for word in RESERVED.iter().chain(SOFT).chain(MARKS) {
        let lexemes = lex(word).lexemes;
        assert_eq!(lexemes.len(), 1);
        assert_eq!(lexemes[0].kind.text(), *word);
    }
}

#[test]
fn a_tape_loses_nothing() {
    let mut random = Random(7);
    for _ in 0..3_000 {
        let bytes: Vec<u8> = (0..random.below(60)).map(|_| random.byte()).collect();
        let text = String::from_utf8_lossy(&bytes);
        let tape = lex(&text);
        let together: String = tape.lexemes.iter().map(|lexeme| lexeme.span.of(&text)).collect();
        assert_eq!(together, text);
        assert!(tape.lexemes.windows(2).all(|pair| pair[0].span.end == pair[1].span.start));
        check(&text);
    }
}

#[test]
fn text_literals_say_what_they_say() {
    assert_eq!(unquote(r#""a \"b\" \\ \n\t é""#), "a \"b\" \\ \n\t é");
    assert_eq!(unquote(r#""open \"#), "open ");
}
