//! What an edit makes the database do again, and that the result is that of a fresh one.

use std::sync::{Arc, Mutex};

use aqo_compiler::{Database, SourceFile, db};
use aqo_grammar::token::lex;

use crate::helpers::{PATH, Random, fresh, sources, thermostat};

/// A database that writes down which queries it runs.
struct Watched {
    db: Database,
    file: SourceFile,
    log: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    /// Has diagnosed a text already.
    fn new(text: &str) -> Watched {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&log);
        let db = Database::watched(move |query| seen.lock().unwrap().push(query));
        let file = SourceFile::new(&db, PATH.to_owned(), text.to_owned());
        let mut watched = Watched { db, file, log };
        watched.ran();
        watched
    }

    /// The queries that diagnosing runs now, by name.
    fn ran(&mut self) -> Vec<String> {
        self.log.lock().unwrap().clear();
        db::diagnostics(&self.db, self.file);
        self.log.lock().unwrap().clone()
    }

    /// Changes the text, and says which queries ran.
    fn edit(&mut self, text: &str) -> Vec<String> {
        self.file.replace_text(&mut self.db, text.to_owned());
        self.ran()
    }
}

fn count(ran: &[String], query: &str) -> usize {
    ran.iter().filter(|name| name.starts_with(&format!("{query}("))).count()
}

#[test]
fn at_first_everything_runs_and_then_nothing() {
    let mut watched = Watched::new(&thermostat());
    assert_eq!(watched.ran(), [""; 0]);
    let mut ran = watched.edit("module demo");
    assert_eq!(count(&ran, "tree_of"), 1);
    ran = watched.edit(&thermostat());
    assert_eq!(count(&ran, "rule_of"), 6);
}

#[test]
fn white_space_and_comments_check_no_rule_again() {
    let text = thermostat();
    let mut watched = Watched::new(&text);
    let spaced = text.replace('\n', "\n  ").replace("cycle every", "// Slow.\ncycle   every");
    let ran = watched.edit(&spaced);
    assert_eq!(count(&ran, "tree_of"), 1);
    for query in ["rule_of", "head_of", "shape_of"] {
        assert_eq!(count(&ran, query), 0, "{ran:?}");
    }
    assert_eq!(db::diagnostics(&watched.db, watched.file), fresh(&spaced));
}

#[test]
fn an_edit_of_a_rule_checks_that_rule_alone() {
    let text = thermostat();
    let edits = [
        ("set setpoint = to", "set setpoint = 20.00"),
        ("(room else 125.00) > 35.00", "(room else 125.00) > 45.00"),
        ("t > setpoint + 0.50", "t > setpoint + 0.75 and starts > 3"),
        ("when mode == Fault { set mode = Idle }", "when mode != Idle { set mode = Idel }"),
        ("within 30min", "within 45min"),
    ];
    for (from, to) in edits {
        let mut watched = Watched::new(&text);
        let edited = text.replace(from, to);
        assert_ne!(edited, text);
        let ran = watched.edit(&edited);
        assert_eq!(count(&ran, "rule_of"), 1, "{from}: {ran:?}");
        assert_eq!(db::diagnostics(&watched.db, watched.file), fresh(&edited));
    }
}

#[test]
fn an_edit_of_a_guard_checks_the_rules_below_on_the_same_message() {
    let text = "module demo
        object Tank version 1 {
            field level: int in 0 ..= 100 = 0
            field seen: int in 0 ..= 200 = 0
            message fill(to: int in 0 ..= 200) from anyone
            message pour(to: int in 0 ..= 200) from anyone
            cycle every 1s
            rule high on fill(to) when to > 100 { set seen = to }
            rule other on pour(to) when to > 50 { set seen = to }
            rule middle on fill(to) when to > 50 { set seen = 50 }
            rule take on fill(to) { set level = to }
            rule last on pour(to) { set level = clamp(to) }
            rule first_tick on tick when seen > 3 { set seen = 0 }
            rule beat on tick when seen > 2 { set level = 0 }
        }";
    let edits = [
        (
            "{ set seen = to }\n            rule other",
            "{ set seen = 1 }\n            rule other",
            1,
        ),
        ("rule high on fill(to) when to >", "rule higher on fill(to) when to >", 7),
        ("fill(to) when to > 100 {", "fill(to) when to > 90 {", 3),
        ("fill(to) when to > 50 {", "fill(to) when to > 60 {", 2),
        ("pour(to) when to > 50 {", "pour(to) when to > 60 {", 2),
        ("tick when seen > 3", "tick when seen > 4", 1),
    ];
    for (from, to, checked) in edits {
        let mut watched = Watched::new(text);
        assert_eq!(db::diagnostics(&watched.db, watched.file), []);
        let edited = text.replace(from, to);
        assert_ne!(edited, text);
        let ran = watched.edit(&edited);
        assert_eq!(count(&ran, "rule_of"), checked, "{from}: {ran:?}");
        assert_eq!(db::diagnostics(&watched.db, watched.file), fresh(&edited));
    }
    let mut watched = Watched::new(text);
    let edited = text.replace("when to > 100", "when to > 110").replace("when to > 50 ", "");
    watched.edit(&edited);
    let found = db::diagnostics(&watched.db, watched.file);
    assert!(found.iter().any(|d| d.code.id() == "E3002"), "{found:?}");
    assert_eq!(found, fresh(&edited));
}

#[test]
fn an_edit_of_a_scenario_checks_no_rule() {
    let text = thermostat();
    let mut watched = Watched::new(&text);
    let ran = watched.edit(&text.replace("advance 31min", "advance 32min"));
    assert_eq!(count(&ran, "rule_of"), 0, "{ran:?}");
    assert_eq!(count(&ran, "scenario_of"), 1, "{ran:?}");
}

#[test]
fn an_edit_of_a_declaration_checks_every_rule() {
    let text = thermostat();
    let mut watched = Watched::new(&text);
    let ran = watched.edit(&text.replace("field mode: Mode = Idle", "field mode: Mode = Heating"));
    assert_eq!(count(&ran, "rule_of"), 6, "{ran:?}");
}

#[test]
fn after_any_edits_the_result_is_that_of_a_fresh_database() {
    let mut random = Random(17);
    let mut pieces: Vec<String> = Vec::new();
    for (_, text) in sources() {
        pieces.extend(lex(&text).lexemes.iter().map(|lexeme| lexeme.span.of(&text).to_owned()));
    }
    for round in 0..6 {
        let mut text = thermostat();
        let mut watched = Watched::new(&text);
        for edit in 0..60 {
            let tokens = lex(&text).lexemes;
            let (from, to) = (random.below(tokens.len()), random.below(3));
            let last = (from + to).min(tokens.len() - 1);
            let (start, end) = (tokens[from].span.start as usize, tokens[last].span.start as usize);
            let new: String =
                (0..random.below(3)).map(|_| pieces[random.below(pieces.len())].as_str()).collect();
            text = format!("{}{new}{}", &text[..start], &text[end..]);
            watched.edit(&text);
            let found = db::diagnostics(&watched.db, watched.file);
            assert_eq!(found, fresh(&text), "round {round}, edit {edit}:\n{text}");
        }
    }
}
