//! What a path names: which files belong to a project, and whose diagnostics are shown.

use serde_json::Value;

use crate::helpers::{Called, LAMP, call, directory};

/// A lamp in a module of its own, with an error.
fn broken(module: &str) -> String {
    lamp(module).replace("set level = to", "set levle = to")
}

fn lamp(module: &str) -> String {
    LAMP.replace("module demo", &format!("module {module}"))
}

const MANIFEST: &str = "[package]\nname = \"lamps\"\nversion = \"0.3.0\"\n";

/// The files that have errors, as they are called.
fn told(called: &Called) -> Vec<String> {
    let lines = called.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let wrong = lines.filter(|line| line["severity"] == "error");
    let mut paths: Vec<String> =
        wrong.map(|line| line["path"].as_str().unwrap().to_owned()).collect();
    paths.dedup();
    paths
}

fn check(place: &std::path::Path, path: &str) -> Vec<String> {
    told(&call(place, &["check", path, "--json"]))
}

#[test]
fn a_project_is_what_lies_under_its_manifest() {
    let place = directory(&[
        ("home/aqo.toml", MANIFEST),
        ("home/a.aqo", &broken("a")),
        ("home/deep/er/b.aqo", &broken("b")),
        ("home/.hidden/c.aqo", &broken("c")),
        ("home/.d.aqo", &broken("d")),
        ("home/target/e.aqo", &broken("e")),
        ("home/other/aqo.toml", ""),
        ("home/other/f.aqo", &broken("f")),
        ("home/deep/notes.txt", "module g"),
    ]);
    assert_eq!(check(place.path(), "home"), ["home/a.aqo", "home/deep/er/b.aqo"]);
    assert_eq!(check(place.path(), "home/deep"), ["home/deep/er/b.aqo"]);
    let inside = check(&place.path().join("home/deep"), ".");
    assert!(inside.len() == 1 && inside[0].ends_with("deep/er/b.aqo"), "{inside:?}");
    assert_eq!(check(place.path(), "home/other"), ["home/other/f.aqo"]);
    assert_eq!(check(place.path(), "home/target/e.aqo"), ["home/target/e.aqo"]);
    let whole = call(place.path(), &["check", "."]);
    assert_eq!(whole.code, 2);
    assert!(whole.err.contains("it holds projects; name one, as ./home"), "{}", whole.err);
}

#[test]
fn a_file_is_checked_within_its_project_and_told_alone() {
    let place = directory(&[
        ("home/aqo.toml", "[lint]\ndeny = [\"warnings\"]\n"),
        ("home/a.aqo", &lamp("one")),
        ("home/deep/b.aqo", &broken("two")),
        ("alone/a.aqo", &lamp("one")),
        ("alone/b.aqo", &lamp("one")),
    ]);
    // The manifest above denies the warning of the lamp; the other file is not shown.
    assert_eq!(check(place.path(), "home/a.aqo"), ["home/a.aqo"]);
    assert_eq!(call(place.path(), &["check", "home/a.aqo", "-A", "W5001"]).code, 0);
    assert_eq!(check(&place.path().join("home/deep"), "b.aqo"), ["b.aqo"]);
    let fixed = call(place.path(), &["check", "home/a.aqo", "--fix", "-A", "W5001"]);
    assert_eq!(fixed.code, 0, "{}", fixed.err);
    let other = std::fs::read_to_string(place.path().join("home/deep/b.aqo")).unwrap();
    assert_eq!(other, broken("two"), "a file that was not named was written");
    // Without a manifest each stands alone, and a directory is a project.
    assert_eq!(call(place.path(), &["check", "alone/a.aqo"]).code, 0);
    assert_eq!(check(place.path(), "alone"), ["alone/b.aqo"]);
}

#[test]
fn two_files_with_one_module_are_told_once() {
    let place = directory(&[
        ("aqo.toml", MANIFEST),
        ("a.aqo", &lamp("demo.lamp")),
        ("deep/b.aqo", &lamp("demo.lamp")),
        ("deep/c.aqo", &lamp("demo.lamp.two")),
    ]);
    let called = call(place.path(), &["check", "."]);
    assert_eq!(called.code, 1);
    assert_eq!(called.err.matches("error[E2009]").count(), 1, "{}", called.err);
    assert!(called.err.contains("`./a.aqo` names the module `demo.lamp` too"), "{}", called.err);
    assert!(called.err.contains("deep/b.aqo:1:8"), "{}", called.err);
    // Whichever is named is told of the other.
    for (path, other) in [("a.aqo", "deep/b.aqo"), ("deep/b.aqo", "a.aqo")] {
        let called = call(place.path(), &["check", path]);
        assert_eq!(called.code, 1, "{path}");
        assert!(called.err.contains(&format!("{other}` names the module")), "{}", called.err);
    }
    assert_eq!(call(place.path(), &["check", "deep/c.aqo"]).code, 0);
    let explained = call(place.path(), &["explain", "E2009"]);
    assert!(explained.out.contains("module named by two files"));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_do_not_go_round() {
    let place = directory(&[("aqo.toml", MANIFEST), ("deep/a.aqo", &broken("a"))]);
    let home = place.path();
    std::os::unix::fs::symlink("..", home.join("deep/round")).unwrap();
    std::os::unix::fs::symlink("deep/a.aqo", home.join("link.aqo")).unwrap();
    assert_eq!(check(home, "."), ["./deep/a.aqo"]);
    // One that is named is read, and is a file of this module beside the other.
    let called = call(home, &["check", "link.aqo"]);
    assert!(called.err.contains("link.aqo:"), "{}", called.err);
}

/// A lamp that takes its range from another module.
fn dimmed(level: &str) -> [(&'static str, String); 3] {
    let lamp = LAMP
        .replace("module demo", "module lamp\n\nuse common.{Level, idle}")
        .replace("int in 0 ..= 100", "Level");
    [
        ("home/aqo.toml", MANIFEST.to_owned()),
        (
            "home/common.aqo",
            format!("module common\n\ntype Level = {level}\n\nfn idle() -> bool {{ true }}\n"),
        ),
        ("home/lamp.aqo", lamp),
    ]
}

#[test]
fn a_file_uses_the_other_files_of_its_project() {
    let files = dimmed("int in 0 ..= 100");
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let place = directory(&files);
    let checked = call(place.path(), &["check", "home/lamp.aqo"]);
    assert!(
        checked.code == 0 && checked.err.contains("`idle` is brought, and not used"),
        "{}",
        checked.err
    );
    let fixed = call(place.path(), &["check", "home", "--fix"]);
    assert!(fixed.code == 0 && fixed.err.contains("1 fixed"), "{}", fixed.err);
    let text = std::fs::read_to_string(place.path().join("home/lamp.aqo")).unwrap();
    assert!(text.contains("use common.{Level}\n"), "{text}");
    call(place.path(), &["build", "home", "-o", "whole.wasm"]);
    let built = std::fs::read(place.path().join("whole.wasm")).unwrap();
    let has = |text: &str| built.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("module lamp") && has("module common"), "the component lacks its source");
    for command in [&["test", "home"][..], &["build", "home", "-o", "lamp.wasm"], &["doc", "home"]]
    {
        let called = call(place.path(), command);
        assert_eq!(called.code, 0, "{command:?} {}", called.err);
    }
}

#[test]
fn what_is_wrong_in_a_used_file_is_said_with_who_uses_it() {
    let files = dimmed("nothing");
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let place = directory(&files);
    assert_eq!(check(place.path(), "home/lamp.aqo"), ["home/common.aqo"]);
    assert_eq!(check(place.path(), "home/common.aqo"), ["home/common.aqo"]);
    let built = call(place.path(), &["build", "home/lamp.aqo", "-o", "lamp.wasm"]);
    assert_eq!(built.code, 1, "{}", built.err);
}
