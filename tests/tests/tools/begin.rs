//! `aqc new`, completions and help: what somebody meets first.

use crate::helpers::{binary, call, directory};

#[test]
fn what_is_new_checks_tests_builds_and_runs() {
    for name in ["night_watch", "a", "x1", "owner", "ask", "deep/er/hear"] {
        let place = directory(&[]);
        let last = name.rsplit('/').next().unwrap();
        let made = call(place.path(), &["new", name]);
        assert_eq!(made.code, 0, "{name}: {}", made.err);
        let checked = call(place.path(), &["check", name, "-D", "warnings"]);
        assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{name}");
        let built = call(place.path(), &["build", name, "-o", "out.wasm"]);
        assert_eq!(built.code, 0, "{name}: {}", built.err);
        assert!(place.path().join("out.wasm").exists());
        let home = place.path().join(name);
        assert!(home.join(format!("{last}.aqo")).exists() && home.join(".gitignore").exists());
    }
    let place = directory(&[]);
    assert_eq!(call(place.path(), &["new", "night_watch"]).code, 0);
    let tested = call(place.path(), &["test", "night_watch", "--coverage"]);
    assert_eq!(tested.code, 0, "{}", tested.out);
    assert_eq!(tested.out.matches("ok      ").count(), 3, "{}", tested.out);
    assert!(tested.out.contains("rules committed        2 of 2"), "{}", tested.out);
    let ran = call(place.path(), &["run", "night_watch", "--steps", "2", "--store", "store"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("stopped after 2 entries"), "{}", ran.out);
}

#[test]
fn nothing_is_written_over_and_bad_names_are_told() {
    let place = directory(&[("lamp", "here already")]);
    let called = call(place.path(), &["new", "lamp"]);
    assert_eq!(called.code, 2);
    assert!(called.err.contains("lamp exists already"), "{}", called.err);
    assert_eq!(std::fs::read_to_string(place.path().join("lamp")).unwrap(), "here already");
    for name in ["Lamp", "9lives", "night-watch", "rule", "_", "", "..", "läm"] {
        let called = call(place.path(), &["new", name]);
        assert_eq!(called.code, 2, "{name}");
        assert!(
            called.err.contains("cannot name") || called.err.contains("value"),
            "{}",
            called.err
        );
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "something was written");
}

#[test]
fn completions_know_commands_and_flags() {
    let place = directory(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let called = call(place.path(), &["completions", shell]);
        assert_eq!(called.code, 0, "{shell}");
        for word in ["check", "coverage", "dry-run"] {
            assert!(called.out.contains(word), "{shell}: {word}");
        }
    }
    let unknown = call(place.path(), &["completions", "tcl"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("bash"), "{}", unknown.err);
}

#[test]
fn the_runtime_completes_too() {
    let output = std::process::Command::new(binary("aqr")).args(["completions", "bash"]).output();
    let output = output.unwrap();
    assert!(output.status.success());
    let script = String::from_utf8(output.stdout).unwrap();
    assert!(script.contains("_aqr") && script.contains("rederive"), "{script}");
}

#[test]
fn every_command_has_help_with_an_example() {
    let place = directory(&[]);
    let help = call(place.path(), &["--help"]);
    let commands =
        ["new", "check", "build", "run", "test", "explain", "doc", "inspect", "completions"];
    for command in commands {
        assert!(help.out.contains(&format!("\n  {command} ")), "{command}\n{}", help.out);
        let own = call(place.path(), &[command, "--help"]);
        assert_eq!(own.code, 0);
        assert!(own.out.contains("Example: aqc "), "{command}\n{}", own.out);
    }
}
