//! The corpus of small programs: those of `fail` say exactly what their marks say, those of `pass`
//! nothing more than theirs, and both are laid out.
//!
//! A program shows one mistake, or one thing that is none. `aqo_tests::corpus` says how marks are
//! written.

use std::collections::BTreeMap;

use aqo_compiler::{Code, format, render};
use aqo_tests::corpus::{Program, line_of, marks, programs};

use crate::helpers::check;

/// What no small file shows, and why.
const SHOWN_ELSEWHERE: [(&str, &str); 4] = [
    ("E0010", "a text of 4 MiB"),
    ("E1021", "two hundred errors"),
    ("E2009", "two files of one project"),
    ("E2014", "a project with a lock"),
];

/// What a program is told, where that is not what it is marked with.
fn surprise(program: &Program) -> Option<String> {
    let diagnostics = check(&program.text);
    let mut found: Vec<(usize, String)> = (diagnostics.iter())
        .map(|d| (line_of(&program.text, d.span.start as usize), d.code.id().to_owned()))
        .collect();
    found.sort();
    let wanted = marks(&program.text);
    let shown = || render::text(&program.name, &program.text, &diagnostics, false);
    (found != wanted).then(|| {
        format!("{}: {wanted:?} is marked, {found:?} is told\n{}\n", program.name, shown())
    })
}

/// Whether a text is laid out, as far as it can be read.
fn is_laid_out(program: &Program) -> bool {
    format(&program.text).map_or(true, |laid| laid == program.text)
}

/// How many programs show each code.
fn shown(programs: &[Program]) -> BTreeMap<String, usize> {
    let mut shown = BTreeMap::new();
    for program in programs {
        let mut codes: Vec<String> =
            marks(&program.text).into_iter().map(|(_, code)| code).collect();
        codes.sort();
        codes.dedup();
        codes.into_iter().for_each(|code| *shown.entry(code).or_default() += 1);
    }
    shown
}

#[test]
fn programs_that_fail_say_where_and_why() {
    let programs = programs("fail");
    assert!(programs.len() >= 590, "only {} programs fail", programs.len());
    let surprises: String = programs.iter().filter_map(surprise).collect();
    assert!(surprises.is_empty(), "\n{surprises}");
    for program in &programs {
        let mut marks = marks(&program.text).into_iter();
        assert!(marks.any(|(_, code)| code.starts_with('E')), "{} does not fail", program.name);
    }
}

#[test]
fn each_code_is_shown_by_two_programs() {
    let shown = shown(&programs("fail"));
    for id in Code::all().map(Code::id) {
        let elsewhere = SHOWN_ELSEWHERE.iter().any(|(code, _)| *code == id);
        let count = shown.get(id).copied().unwrap_or(0);
        assert!(count >= 2 || elsewhere, "{id} is shown by {count} programs");
        assert!(count == 0 || !elsewhere, "{id} need not be listed any more");
    }
    for id in shown.keys() {
        assert!(Code::named(id).is_some(), "`{id}` is marked, and is no code");
    }
}

#[test]
fn each_program_is_laid_out_and_is_there_once() {
    let mut texts = BTreeMap::new();
    for program in programs("fail") {
        assert!(is_laid_out(&program), "{}: `aqc fmt` would change it", program.name);
        let words: Vec<&str> =
            program.text.lines().skip(1).flat_map(str::split_whitespace).collect();
        if let Some(same) = texts.insert(words.join(" "), program.name.clone()) {
            unreachable!("{same} and {} are the same program", program.name);
        }
    }
}
