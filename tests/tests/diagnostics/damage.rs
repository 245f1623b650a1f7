//! Damaged texts: nothing panics, everything said stands in the text, and what is said follows from
//! the damage alone.

use aqo_compiler::db::STACK_BYTES;
use aqo_grammar::token::lex;

use crate::helpers::{Random, check, ids, sources, thermostat};

#[test]
fn every_prefix_is_diagnosed() {
    let text = thermostat();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        check(&text[..end]);
    }
}

#[test]
fn one_lost_token_is_diagnosed() {
    let text = thermostat();
    for lexeme in lex(&text).lexemes.iter().filter(|lexeme| !lexeme.kind.is_trivia()) {
        let (before, after) =
            (&text[..lexeme.span.start as usize], &text[lexeme.span.end as usize..]);
        let left = format!("{before}{after}");
        let found = check(&left);
        assert!(found.len() <= 10, "{} lost: {:?}", lexeme.span.of(&text), ids(&found));
    }
}

#[test]
fn a_lost_member_is_missed_only_where_it_is_used() {
    let text = thermostat();
    let lost = text.replace("field mode: Mode = Idle", "field mode Mode = Idle");
    assert_ne!(lost, text);
    assert_eq!(ids(&check(&lost)), ["E1012"]);
    let lost = text.replace("enum Mode {", "enm Mode {");
    assert_eq!(ids(&check(&lost)), ["E1001"]);
}

#[test]
fn an_exchanged_token_is_diagnosed() {
    let mut random = Random(3);
    let text = thermostat();
    let tokens = lex(&text).lexemes;
    for _ in 0..1_500 {
        let (at, other) = (tokens[random.below(tokens.len())], tokens[random.below(tokens.len())]);
        let (before, after) = (&text[..at.span.start as usize], &text[at.span.end as usize..]);
        check(&format!("{before}{}{after}", other.span.of(&text)));
    }
}

#[test]
fn a_lost_token_of_a_fixture_is_diagnosed() {
    for (_, text) in sources() {
        for lexeme in lex(&text).lexemes.iter().filter(|lexeme| !lexeme.kind.is_trivia()).step_by(3)
        {
            let (before, after) =
                (&text[..lexeme.span.start as usize], &text[lexeme.span.end as usize..]);
            check(&format!("{before}{after}"));
        }
    }
}

#[test]
fn the_deepest_expressions_are_diagnosed_quickly() {
    let forms = [
        ("(", "n", ")"),
        ("-", "n", ""),
        ("1 + (", "n", ")"),
        ("min(n, ", "n", ")"),
        ("square(", "b", ")"),
        ("median(1, 2, ", "n", ")"),
        ("median(", "n", ", n, n)"),
        ("half_even(1 + ", "n", ")"),
        ("if n > 1 { n } else { ", "n", " }"),
        ("if (", "n", ") > 1 { 1 } else { 2 }"),
        ("match o { none => 1, some => ", "n", " }"),
        ("match m { A => 1, B => ", "n", " }"),
        ("(o else ", "n", ")"),
        ("clamp(", "n", ", 0, 9)"),
        ("twin(", "n", ", 1)"),
        ("twin(1, ", "n", ")"),
        ("twin(n, twin(", "n", ", 2))"),
    ];
    for (before, inside, after) in forms {
        for depth in [20, 60, 127] {
            let expr = format!("{}{inside}{}", before.repeat(depth), after.repeat(depth));
            check_deep(&format!("rule r on tick when n == 1 {{ set n = clamp({expr}) }}"));
            check_deep(&format!("derive d: bool = ({expr}) > 1"));
        }
    }
}

#[test]
fn the_deepest_conditions_are_diagnosed_quickly() {
    let forms = [
        ("n > 1 and ", "n > 2", ""),
        ("n != 1 or ", "n > 2", ""),
        ("n > 1 implies ", "n > 2", ""),
        ("not (", "n > 2", ")"),
        ("(n > 1 and ", "n + 1 > 2", ")"),
        ("o is some and (", "n > 2", ")"),
    ];
    for (before, inside, after) in forms {
        for depth in [20, 60, 127] {
            let condition = format!("{}{inside}{}", before.repeat(depth), after.repeat(depth));
            check_deep(&format!("rule r on tick when {condition} {{ set n = 1 }}"));
            check_deep(&format!("policy {{ always a: {condition} }}"));
        }
    }
    for depth in [20, 60, 127] {
        let (before, after) = ("if n > 3 { ".repeat(depth), " } else { set b = 1 }".repeat(depth));
        check_deep(&format!("rule r on tick when n > 1 {{ {before} set n = 1 {after} }}"));
        let (before, after) = ("match m { A => { ".repeat(depth), " } B => {} }".repeat(depth));
        check_deep(&format!("rule r on tick when n > 1 {{ {before} set n = 1 {after} }}"));
    }
}

/// Diagnoses an object with a few fields and this member, with the stack that is asked for.
fn check_deep(member: &str) {
    let text = format!(
        "module demo enum M {{ A, B }}
        fn twin(a: int<any> in 0 ..= 9, b: int<any> in 0 ..= 9) -> int<any> in 0 ..= 9 {{ min(a, b) }}
        object O version 1 {{
            field n: int in 0 ..= 9 = 0
            field b: int in 0 ..= 1 = 0
            field o: int? in 0 ..= 9 = none
            field m: M = A
            cycle every 1s
            {member}
        }}"
    );
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    thread.spawn(move || drop(check(&text))).unwrap().join().unwrap();
}
