//! `aqc check --fix`: what it mends, what it leaves, and that it does no harm.

use aqo_compiler::levels::Levels;
use aqo_compiler::mend::{Beside, Mended, mend};
use aqo_compiler::{Code, Database, Diagnostic, SourceFile, db};

use crate::helpers::{call, call_on, directory};

const TYPO: &str = "module demo

enum Mode { Idle, Busy }

object Lamp version 1 {
    field mode: Mode = Idel
    field level: int in 0 ..= 100 = 0;

    message dim(to: int in 0 ..= 100) from anyone

    rule take on dim(to) { set levle = to }
}
";

fn found(text: &str) -> Vec<Diagnostic> {
    let database = Database::default();
    let file = SourceFile::new(&database, "demo.aqo".to_owned(), text.to_owned());
    db::diagnostics(&database, file)
}

fn mended(text: &str) -> Mended {
    mend(text, Beside { path: "demo.aqo", others: &[], levels: &Levels::default() })
}

/// The program that a page calls wrong, where its last line is not to be repeated.
fn wrong(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("```aqo wrong")?;
    let (flags, rest) = rest.split_once('\n')?;
    (!flags.contains("times")).then(|| rest.split("```").next().unwrap())
}

#[test]
fn each_code_that_offers_an_edit_is_mended_by_it() {
    let mut offering = 0;
    for code in Code::all() {
        let Some(text) = wrong(code.page()) else { continue };
        let before = found(text);
        if !before.iter().any(|d| d.fix.is_some()) {
            continue;
        }
        offering += 1;
        let after = mended(text);
        assert!(!after.fixed.is_empty(), "{} offers an edit that is not made", code.id());
        let left = found(&after.text);
        let weight =
            |all: &[Diagnostic]| (all.iter().filter(|d| !d.code.is_warning()).count(), all.len());
        assert!(weight(&left) < weight(&before), "{}: no closer\n{}", code.id(), after.text);
        assert_eq!(mended(&after.text).text, after.text, "{} is mended twice", code.id());
    }
    assert!(offering >= 12, "only {offering} pages offer an edit");
}

#[test]
fn a_file_is_rewritten_and_a_second_time_nothing_is_left() {
    let place = directory(&[("lamp.aqo", TYPO)]);
    let called = call(place.path(), &["check", ".", "--fix"]);
    assert_eq!(called.code, 0, "{}", called.err);
    assert!(called.err.contains("lamp.aqo:6: E2004"), "{}", called.err);
    assert!(called.err.contains("3 fixed"), "{}", called.err);
    let text = std::fs::read_to_string(place.path().join("lamp.aqo")).unwrap();
    let wanted = TYPO.replace("Idel", "Idle").replace("levle", "level").replace("= 0;", "= 0");
    assert_eq!(text, wanted);
    let again = call(place.path(), &["check", ".", "--fix"]);
    assert_eq!((again.code, again.err.as_str()), (0, "nothing to fix\n"));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "a file was left over");
}

#[test]
fn a_dry_run_prints_a_diff_and_writes_nothing() {
    let place = directory(&[("lamp.aqo", TYPO)]);
    let called = call(place.path(), &["check", ".", "--fix", "--dry-run"]);
    assert_eq!(called.code, 0, "{}", called.err);
    assert!(
        called.out.starts_with("--- ./lamp.aqo\n+++ ./lamp.aqo\n@@ -3,10 +3,10 @@\n"),
        "{}",
        called.out
    );
    assert!(called.out.contains("\n-    field mode: Mode = Idel\n"), "{}", called.out);
    assert!(called.out.contains("\n+    field mode: Mode = Idle\n"), "{}", called.out);
    assert_eq!(std::fs::read_to_string(place.path().join("lamp.aqo")).unwrap(), TYPO);
    let alone = call(place.path(), &["check", ".", "--dry-run"]);
    assert_eq!(alone.code, 2);
}

#[test]
fn an_edit_that_would_bring_an_error_is_not_made() {
    // The name that is near is of another type, so writing it only changes what is wrong.
    let text = "module demo

object Lamp version 1 {
    field name: text<8> = \"a\"
    field level: int in 0 ..= 100 = 0

    message dim() from anyone

    rule take on dim() { set level = nane }
}
";
    assert!(found(text).iter().any(|d| d.fix.is_some()), "nothing is offered");
    let after = mended(text);
    assert_eq!((after.text.as_str(), after.fixed.len()), (text, 0));
    let called = call_on(&[("lamp.aqo", text)], &["check", ".", "--fix"]);
    assert_eq!(called.code, 1);
    assert!(called.err.contains("nothing to fix"), "{}", called.err);
}

#[test]
fn what_helps_alone_is_done_where_all_together_do_harm() {
    let text = TYPO
        .replace("set levle = to", "set level = mode")
        .replace("Idel", "Idel\n    field nane: text<4> = \"\"");
    let text = text.replace("set level = mode", "set levle = nam");
    let after = mended(&text);
    assert!(after.fixed.iter().any(|fixed| fixed.code.id() == "E2004"), "{:?}", after.fixed);
    let errors = |text: &str| found(text).len();
    assert!(errors(&after.text) < errors(&text));
}

#[cfg(unix)]
#[test]
fn links_permissions_and_neighbours_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = directory(&[("lamp.new", "a neighbour")]);
    let home = place.path();
    std::fs::create_dir(home.join("real")).unwrap();
    std::fs::write(home.join("real/lamp.aqo"), TYPO).unwrap();
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(home.join("real/lamp.aqo"), mode).unwrap();
    symlink("real/lamp.aqo", home.join("lamp.aqo")).unwrap();
    let called = call(home, &["check", "lamp.aqo", "--fix"]);
    assert_eq!(called.code, 0, "{}", called.err);
    assert!(home.join("lamp.aqo").is_symlink());
    let metadata = std::fs::metadata(home.join("real/lamp.aqo")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::read_to_string(home.join("lamp.new")).unwrap(), "a neighbour");
    assert_eq!(std::fs::read_dir(home.join("real")).unwrap().count(), 1, "a file was left over");
}
