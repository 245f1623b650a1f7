//! Texts of the whole corpus with other white space and more comments: what the formatter makes of
//! them keeps every token and comment, and is stable.

use aqo_grammar::token::{Kind, lex};
use aqo_grammar::tree::ItemKind;
use aqo_grammar::{FormatError, format as laid_out, parse};

use crate::helpers::{EXAMPLES, Random, corpus, example, parts};

/// Formats, and holds the result to what is promised of every text.
fn settled(place: &str, text: &str) -> String {
    let formatted = laid_out(text).unwrap_or_else(|error| panic!("{place}: {error}\n{text}"));
    assert_eq!(comments(&formatted), comments(text), "{place}: comments of\n{text}");
    assert_eq!(
        parts(&parse(&formatted).file),
        parts(&parse(text).file),
        "{place}: tree of\n{text}"
    );
    let again =
        laid_out(&formatted).unwrap_or_else(|error| panic!("{place}: {error}\n{formatted}"));
    assert_eq!(again, formatted, "{place}: a second pass changes\n{text}");
    formatted
}

fn comments(text: &str) -> Vec<String> {
    let lexemes = lex(text).lexemes.into_iter();
    let comments = lexemes.filter(|lexeme| lexeme.kind.is_trivia() && lexeme.kind != Kind::White);
    comments.map(|lexeme| lexeme.span.of(text).trim_end().to_owned()).collect()
}

fn without_comments(text: &str) -> String {
    let lexemes = lex(text).lexemes.into_iter();
    let left = lexemes.filter(|lexeme| lexeme.kind == Kind::White || !lexeme.kind.is_trivia());
    left.map(|lexeme| lexeme.span.of(text)).collect()
}

fn without_blank_lines(text: &str) -> String {
    text.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

/// Every white space replaced.
fn respaced(text: &str, mut white: impl FnMut() -> String) -> String {
    let mut out = String::new();
    for lexeme in lex(text).lexemes {
        if lexeme.kind == Kind::White {
            out.push_str(&white());
            continue;
        }
        out.push_str(lexeme.span.of(text));
        if lexeme.kind.is_trivia() {
            out.push('\n');
        }
    }
    out
}

/// A comment before every `every`th token, beginning with token `first`.
fn commented(text: &str, first: usize, every: usize, comment: &str) -> String {
    let mut out = String::new();
    let mut token = 0;
    for lexeme in lex(text).lexemes {
        if !lexeme.kind.is_trivia() {
            if token % every == first {
                out.push_str(&comment.replace('#', &token.to_string()));
            }
            token += 1;
        }
        out.push_str(lexeme.span.of(text));
    }
    out.push_str(&comment.replace('#', "end"));
    out
}

#[test]
fn formatting_keeps_and_settles() {
    for (place, text) in corpus() {
        settled(&place, &text);
    }
}

#[test]
fn a_comment_fits_into_every_gap() {
    for (place, text) in corpus() {
        for comment in [" // c#\n", "\n// c#\n", "\n\n// c#\n\n"] {
            settled(&place, &commented(&text, 0, 1, comment));
        }
        for first in 0..4 {
            settled(&place, &commented(&text, first, 4, " // c#\n"));
        }
    }
}

/// Most of these describe nothing, which is a warning; more than two hundred are an error.
#[test]
fn a_doc_comment_stays_before_its_token() {
    for (place, text) in corpus() {
        let every = 2 + lex(&text).lexemes.len() / 300;
        for first in 0..every {
            settled(&place, &commented(&text, first, every, "\n/// c#\n"));
        }
    }
}

/// Each item and member of a text as a file of its own.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for item in parse(text).file.items {
        let ItemKind::Object(object) = &item.node else {
            pieces.push(format!("module a {}", item.span.of(text)));
            continue;
        };
        pieces.extend(
            object.members.iter().map(|member| {
                format!("module a object O version 1 {{ {}\n}}", member.span.of(text))
            }),
        );
    }
    pieces
}

/// One comment at a time, so that no other holds a group broken that it needs.
#[test]
fn a_lone_comment_fits_into_every_gap_of_every_form() {
    for text in pieces(&corpus_text("tests/fixtures/syntax/ok/forms.aqo")) {
        let tokens = lex(&text).lexemes.iter().filter(|lexeme| !lexeme.kind.is_trivia()).count();
        for first in 0..tokens {
            settled("forms", &commented(&text, first, tokens, " // c#\n"));
        }
    }
}

fn corpus_text(name: &str) -> String {
    corpus().into_iter().find(|(place, _)| place == name).unwrap().1
}

#[test]
fn white_space_decides_nothing_but_blank_lines() {
    let mut random = Random(5);
    for (place, text) in corpus() {
        let bare = without_comments(&text);
        let expected = without_blank_lines(&settled(&place, &bare));
        let one_line = respaced(&bare, || " ".to_owned());
        assert_eq!(without_blank_lines(&settled(&place, &one_line)), expected, "{place}");
        for _ in 0..3 {
            let mut white = || {
                let kinds = [" ", "\n", "\t", "\r\n", "\n\n\n", "\r", "    "];
                (0..=random.below(3)).map(|_| kinds[random.below(kinds.len())]).collect()
            };
            let spaced = respaced(&bare, &mut white);
            assert_eq!(without_blank_lines(&settled(&place, &spaced)), expected, "{place}");
            settled(&place, &respaced(&text, &mut white));
        }
        settled(&place, &respaced(&text, || " ".to_owned()));
    }
}

/// Whatever text there is: a result or its syntax errors, never a fault.
#[test]
fn a_damaged_text_is_formatted_or_has_errors() {
    let mut random = Random(3);
    let mut formatted = 0;
    for name in EXAMPLES {
        let text = example(name);
        let lexemes = lex(&text).lexemes;
        for _ in 0..200 {
            let mut words: Vec<&str> = lexemes.iter().map(|lexeme| lexeme.span.of(&text)).collect();
            match random.below(3) {
                0 => words.truncate(random.below(lexemes.len())),
                1 => words.swap(random.below(lexemes.len()), random.below(lexemes.len())),
                _ => words[random.below(lexemes.len())] = "\n",
            }
            match laid_out(&words.concat()) {
                Ok(_) => formatted += 1,
                Err(FormatError::Syntax(errors)) => assert!(!errors.is_empty()),
                Err(FormatError::Fault(fault)) => panic!("{fault}: {}", words.concat()),
            }
        }
    }
    assert!(formatted > 60, "only {formatted} of these could be read");
}

#[test]
fn ends_of_lines_are_all_the_same() {
    for (place, text) in corpus() {
        let expected = laid_out(&text).unwrap();
        let text = text.replace("\r\n", "\n");
        assert_eq!(laid_out(&text.replace('\n', "\r\n")).unwrap(), expected, "{place}");
        assert_eq!(laid_out(&text.replace('\n', "\r")).unwrap(), expected, "{place}");
        assert_eq!(laid_out(&text.replace('\n', "  \n")).unwrap(), expected, "{place}");
        assert_eq!(laid_out(&format!("\u{FEFF}{text}")).unwrap(), expected, "{place}");
    }
}
