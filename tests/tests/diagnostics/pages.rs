//! One page a code: it explains, its wrong program gives the code and no other, its mended one
//! gives nothing.
//!
//! ```text
//! # E3002: value may leave its range
//! …
//! ```aqo wrong [times N] [also E2001 …]     the last line N times; other codes that come along
//! ```aqo wrong twice                         two files of a project that both say this
//! ```aqo wrong locked                        a file of a project whose lock cannot be read
//! ```aqo mended
//! ```

use std::collections::BTreeSet;
use std::path::Path;

use aqo_compiler::modules::{bad_lock, taken};
use aqo_compiler::{Code, Database, Project, SourceFile, render};

use crate::helpers::{PATH, check, ids};

/// A fenced program of a page.
struct Fence<'p> {
    flags: Vec<&'p str>,
    program: String,
}

impl Fence<'_> {
    /// The words after `word` up to the next word that is no value.
    fn flag(&self, word: &str) -> Option<&str> {
        let at = self.flags.iter().position(|flag| *flag == word)?;
        self.flags.get(at + 1).copied()
    }

    fn also(&self) -> Vec<&str> {
        let after = self.flags.iter().skip_while(|flag| **flag != "also").skip(1);
        after.copied().collect()
    }

    fn text(&self) -> String {
        let Some(times) = self.flag("times") else { return self.program.clone() };
        let (head, last) = self.program.trim_end().rsplit_once('\n').unwrap();
        format!("{head}\n{}", format!("{last}\n").repeat(times.parse().unwrap()))
    }
}

/// The program of the one fence with this word.
fn fence<'p>(page: &'p str, word: &str) -> Fence<'p> {
    let opening = format!("```aqo {word}");
    let mut found = page.match_indices(&opening);
    let (at, _) = found.next().unwrap_or_else(|| panic!("no fence `{word}` on\n{page}"));
    assert!(found.next().is_none(), "two fences `{word}` on\n{page}");
    let (line, rest) = page[at..].split_once('\n').unwrap();
    let (program, _) = rest.split_once("```").unwrap();
    Fence { flags: line.split_whitespace().skip(2).collect(), program: program.to_owned() }
}

/// What a program gives, where these are not the codes that are wanted.
fn surprise(code: Code, text: &str, wanted: &BTreeSet<&str>) -> Option<String> {
    let found = check(text);
    let codes: BTreeSet<&str> = ids(&found).into_iter().collect();
    let shown = || render::text(PATH, text, &found, false);
    (&codes != wanted).then(|| format!("{}: {wanted:?} is wanted, not\n{}", code.id(), shown()))
}

/// What two files of this text give, where it is not the code once, and nothing for each alone.
fn between_two(code: Code, text: &str) -> Option<String> {
    let db = Database::default();
    let file = |name: &str| SourceFile::new(&db, name.to_owned(), text.to_owned());
    let files = [file("a.aqo"), file("b.aqo")];
    let found = taken(&db, &files);
    let told = matches!(&found[..], [(of, told)] if *of == files[1] && told.code == code);
    let alone = check(text);
    (!told || !alone.is_empty()).then(|| format!("{}: {found:?} {alone:?}\n", code.id()))
}

/// What a file of this text gives under a lock in conflict, where it is not the code once, and nothing
/// for it alone.
fn under_a_bad_lock(code: Code, text: &str) -> Option<String> {
    let mut db = Database::default();
    let file = SourceFile::new(&db, "a.aqo".to_owned(), text.to_owned());
    let project = Project::new(&db, Vec::new());
    project.join(&mut db, vec![file]);
    project.replace_lock(&mut db, Some("version = 1\n<<<<<<< mine\n".to_owned()));
    let found = bad_lock(&db, file);
    let told = found.as_ref().is_some_and(|told| told.code == code);
    let alone = check(text);
    (!told || !alone.is_empty()).then(|| format!("{}: {found:?} {alone:?}\n", code.id()))
}

#[test]
fn each_code_has_one_id_and_a_page_that_begins_with_it() {
    let ids: BTreeSet<&str> = Code::all().map(Code::id).collect();
    assert_eq!(ids.len(), Code::all().count());
    for code in Code::all() {
        let title = format!("# {}: {}\n\n", code.id(), code.title());
        assert!(code.page().starts_with(&title), "{title}{}", code.page());
        let prose = code.page().trim_start_matches(&title).split("```").next().unwrap();
        assert!(prose.trim().len() > 60, "{} explains too little", code.id());
        assert_eq!(Code::named(&code.id().to_lowercase()), Some(code));
    }
}

#[test]
fn there_is_no_page_without_a_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/src/codes");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let id = name.strip_suffix(".md").unwrap();
        assert_eq!(Code::named(id).map(Code::id), Some(id), "{name}");
    }
}

#[test]
fn wrong_programs_give_their_code() {
    let surprises = Code::all().filter_map(|code| {
        let wrong = fence(code.page(), "wrong");
        if wrong.flags.contains(&"twice") {
            return between_two(code, &wrong.text());
        }
        if wrong.flags.contains(&"locked") {
            return under_a_bad_lock(code, &wrong.text());
        }
        let wanted = wrong.also().into_iter().chain([code.id()]).collect();
        surprise(code, &wrong.text(), &wanted)
    });
    assert_eq!(surprises.collect::<String>(), "");
}

#[test]
fn mended_programs_give_nothing() {
    let surprises = Code::all()
        .filter_map(|code| surprise(code, &fence(code.page(), "mended").text(), &BTreeSet::new()));
    assert_eq!(surprises.collect::<String>(), "");
}
