//! Locks as texts, and as an input of the database.

use std::sync::{Arc, Mutex};

use aqo_compiler::lock::Lock;
use aqo_compiler::modules::lock_after;
use aqo_compiler::{Database, Project, SourceFile, db};

use crate::helpers::{PATH, Random, thermostat};

/// A text alone in a project.
fn project(db: &mut Database, text: &str) -> (Project, SourceFile) {
    let file = SourceFile::new(db, PATH.to_owned(), text.to_owned());
    let project = Project::new(db, Vec::new());
    project.join(db, vec![file]);
    (project, file)
}

/// The lock of a project that was built once.
fn lock_of(text: &str) -> String {
    let mut db = Database::default();
    let (project, _) = project(&mut db, text);
    lock_after(&db, project).unwrap().text()
}

#[test]
fn what_is_written_is_read() {
    let text = lock_of(&thermostat());
    let lock = Lock::read(&text).unwrap();
    assert_eq!(lock.text(), text);
    let without = thermostat().replace("Heating", "Warming");
    let mut db = Database::default();
    let (project, _) = project(&mut db, &without);
    project.replace_lock(&mut db, Some(text));
    let next = lock_after(&db, project).unwrap();
    assert!(next.text().contains("retired_variants"), "{}", next.text());
    assert_eq!(Lock::read(&next.text()), Ok(next.clone()));
    project.replace_lock(&mut db, Some(next.text()));
    assert_eq!(lock_after(&db, project), Ok(next), "a second build changes nothing");
}

#[test]
fn a_damaged_lock_is_an_error_or_another_lock() {
    let text = lock_of(&thermostat());
    let mut random = Random(5);
    let mut damaged: Vec<String> = (0..text.len()).map(|end| text[..end].to_owned()).collect();
    for _ in 0..4_000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=random.below(3) {
            let place = random.below(bytes.len());
            bytes[place] = b"\n =\"[].09azAZ_#<>\xc3"[random.below(18)];
        }
        damaged.extend(String::from_utf8(bytes));
    }
    let mut errors = 0;
    for text in damaged {
        match Lock::read(&text) {
            Ok(read) => assert_eq!(Lock::read(&read.text()), Ok(read), "{text}"),
            Err(bad) => {
                errors += 1;
                assert!((1..=text.lines().count().max(1)).contains(&bad.line), "{bad:?}\n{text}");
            }
        }
    }
    assert!(errors > 1_000, "{errors} were errors");
}

#[test]
fn a_lock_is_read_again_only_where_it_changes_a_number() {
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&log);
    let mut db = Database::watched(move |query| seen.lock().unwrap().push(query));
    let (project, file) = project(&mut db, &thermostat());
    let ran = |db: &Database| {
        log.lock().unwrap().clear();
        assert_eq!(db::diagnostics(db, file), []);
        let ran = log.lock().unwrap();
        ["numbers_of", "shape_of", "rule_of"]
            .map(|query| ran.iter().filter(|name| name.starts_with(&format!("{query}("))).count())
    };
    assert_eq!(ran(&db), [1, 1, 6]);
    let lock = lock_of(&thermostat());
    project.replace_lock(&mut db, Some(lock.clone()));
    assert_eq!(ran(&db), [1, 0, 0], "the same numbers");
    project.replace_lock(&mut db, Some(lock.clone()));
    assert_eq!(ran(&db), [0, 0, 0], "the same text");
    let other = lock.replace("Idle = 0\nHeating = 1\n", "Heating = 0\nIdle = 1\n");
    assert_ne!(lock, other);
    project.replace_lock(&mut db, Some(other));
    assert_eq!(ran(&db), [1, 1, 6], "other numbers");
    file.replace_text(&mut db, thermostat().replace('\n', "\n  "));
    assert_eq!(ran(&db)[1..], [0, 0], "white space");
}
