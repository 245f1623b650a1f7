//! Formatted texts: fixtures of `fixtures/syntax/format`, and the project's own sources.
//!
//! `format/*.aqo` and `ok/*.aqo` give `format/*.formatted`; `BLESS=1` rewrites them. What holds of
//! every text, whatever its white space and comments, is in `format_noise`.

use aqo_grammar::limits::DEPTH_MAX;
use aqo_grammar::token::{Kind, lex};
use aqo_grammar::{FormatError, SyntaxErrorKind, format, parse};

use crate::helpers::{corpus, expect_file, folder, sources};

#[test]
fn sources_give_their_formatted_texts() {
    for (path, text) in sources("ok").into_iter().chain(sources("format")) {
        let out = folder("format").join(path.file_stem().unwrap()).with_extension("formatted");
        expect_file(&out, &format(&text).unwrap());
    }
}

/// The fixture that has every form, each of its names so long that nothing fits on a line.
#[test]
fn every_form_can_be_broken() {
    let (_, text) =
        sources("ok").into_iter().find(|(path, _)| path.ends_with("forms.aqo")).unwrap();
    let mut wide = String::new();
    for lexeme in lex(&text).lexemes {
        wide.push_str(lexeme.span.of(&text));
        if lexeme.kind == Kind::Lower {
            wide.push_str("_that_has_a_very_long_name_indeed");
        }
    }
    let formatted = format(&wide).unwrap();
    assert_eq!(format(&formatted).unwrap(), formatted);
    expect_file(&folder("format").join("forms_wide.formatted"), &formatted);
}

#[test]
fn examples_are_formatted() {
    for (path, text) in corpus().into_iter().filter(|(path, _)| path.starts_with("examples/")) {
        assert_eq!(format(&text).unwrap(), text, "{path}: `aqc fmt` mends it");
    }
}

#[test]
fn chapters_are_formatted() {
    for (place, text) in corpus().into_iter().filter(|(path, _)| path.starts_with("tests/spec/")) {
        assert_eq!(format(&text).unwrap(), text, "{place} is not formatted");
    }
}

/// But for white space, and a line that is broken where the author had it whole or the reverse.
#[test]
fn a_line_fits_where_it_can() {
    for (path, text) in corpus() {
        let formatted = format(&text).unwrap();
        for line in formatted.lines() {
            assert_eq!(line, line.trim_end(), "{path}");
            let is_comment = line.contains("//");
            assert!(line.chars().count() <= 100 || is_comment, "{path}: {line}");
        }
        assert!(formatted.ends_with('\n') && !formatted.ends_with("\n\n"), "{path}");
        assert!(!formatted.contains("\n\n\n"), "{path}");
    }
}

#[test]
fn what_cannot_be_read_is_not_formatted() {
    for (path, text) in sources("fail") {
        let is_error = |kind: SyntaxErrorKind| kind.severity() == aqo_grammar::Severity::Error;
        let errors = parse(&text).errors;
        match format(&text) {
            Err(FormatError::Syntax(told)) => assert_eq!(told, errors, "{}", path.display()),
            Err(FormatError::Fault(fault)) => panic!("{}: {fault}", path.display()),
            Ok(_) => {
                assert!(!errors.iter().any(|error| is_error(error.kind)), "{}", path.display());
            }
        }
    }
    assert!(matches!(format(""), Err(FormatError::Syntax(_))));
}

/// As deep as the parser lets through, on a small stack.
#[test]
fn deep_texts_are_formatted() {
    let deep = DEPTH_MAX as usize - 8;
    let nests = [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("- (", ")"),
        ("not (", ")"),
        ("if a { 1 } else ", ""),
        ("if a { ", "} else { 1 }"),
        ("match a { else => ", "}"),
        ("any(x in xs: ", ")"),
        ("a else ", ""),
        ("a implies ", ""),
        ("A(a: ", ")"),
        ("[x for x in ", "]"),
        ("a + ", ""),
        ("a and ", ""),
    ];
    let worker = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        for (before, after) in nests {
            // Some forms deepen the tree by more than one.
            let formatted = (1..=4).find_map(|steps| {
                let (before, after) = (before.repeat(deep / steps), after.repeat(deep / steps));
                let inner = if before.ends_with("else ") && before.starts_with("if") {
                    "{ a }"
                } else {
                    "a"
                };
                format(&format!("module a fn f() -> int {{ {before}{inner}{after} }}")).ok()
            });
            let formatted = formatted.unwrap_or_else(|| panic!("{before} is never read"));
            assert_eq!(format(&formatted).unwrap(), formatted, "{before}");
        }
    });
    worker.unwrap().join().unwrap();
}
