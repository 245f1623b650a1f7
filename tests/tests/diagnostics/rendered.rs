//! Diagnostics as people and tools see them: fixtures beside their rendered text and JSON lines.

use aqo_compiler::{Code, Diagnostic, render};

use crate::helpers::{PATH, check, expect_file, fresh, sources, thermostat};

/// The fixture whose JSON lines are kept as well: it has labels, related places, help and fixes.
const WITH_JSON: &str = "several";

#[test]
fn sources_give_their_diagnostics() {
    let sources = sources();
    assert!(sources.len() >= 25);
    for (path, text) in sources {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        expect_file(&path.with_extension("txt"), &render::text(&name, &text, &check(&text), false));
        if path.file_stem().is_some_and(|stem| stem == WITH_JSON) {
            expect_file(&path.with_extension("jsonl"), &render::json(&name, &check(&text)));
        }
    }
}

#[test]
fn each_line_of_json_is_an_object_with_its_version() {
    for (path, text) in sources() {
        let diagnostics = check(&text);
        let lines = render::json(PATH, &diagnostics);
        assert_eq!(lines.lines().count(), diagnostics.len(), "{}", path.display());
        for (line, d) in lines.lines().zip(&diagnostics) {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["version"], 1);
            assert_eq!(value["code"], d.code.id());
            assert_eq!(value["path"], PATH);
            assert_eq!(value["start"], d.span.start);
        }
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    for (_, text) in sources() {
        let diagnostics = check(&text);
        let coloured = render::text(PATH, &text, &diagnostics, true);
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(plain, render::text(PATH, &text, &diagnostics, false));
    }
}

#[test]
fn an_example_is_free_of_errors_and_warnings() {
    assert_eq!(render::text(PATH, &thermostat(), &fresh(&thermostat()), false), "");
}

#[test]
fn a_fix_mends_its_error() {
    for (path, text) in sources() {
        let before = check(&text);
        for d in &before {
            let Some((span, fix)) = &d.fix else { continue };
            let (start, end) = (span.start as usize, span.end as usize);
            let after = check(&format!("{}{fix}{}", &text[..start], &text[end..]));
            let alike = |other: &&Diagnostic| other.code == d.code && other.message == d.message;
            let count = |all: &[Diagnostic]| all.iter().filter(alike).count();
            assert!(count(&after) < count(&before), "{}: {} {fix}", path.display(), d.message);
        }
    }
}

#[test]
fn every_code_of_meaning_has_a_fixture_or_says_why_not() {
    let shown: Vec<Code> =
        sources().iter().flat_map(|(_, text)| check(text)).map(|d| d.code).collect();
    // What is wrong between files, or with a lock, is no file's own; pages show both in a project.
    let of_projects = [Code::ModuleTaken, Code::BadLock];
    for code in Code::MEANING.iter().filter(|code| !of_projects.contains(code)) {
        assert!(shown.contains(code), "no fixture gives {}", code.id());
    }
}
