//! `-A`, `-W`, `-D` and `[lint]`: which warnings are shown, counted or errors.

use crate::helpers::{LAMP, call_on};

#[test]
fn a_warning_is_shown_unless_it_is_allowed() {
    let files = [("lamp.aqo", LAMP)];
    let plain = call_on(&files, &["check", "."]);
    assert_eq!((plain.code, plain.out.as_str()), (0, "Lamp: no errors, 1 warning\n"));
    assert!(plain.err.contains("warning[W5001]"), "{}", plain.err);

    let allowed = call_on(&files, &["check", ".", "-A", "W5001"]);
    assert_eq!((allowed.code, allowed.err.as_str()), (0, ""));
    assert_eq!(allowed.out, "Lamp: no errors, 1 allowed\n");
}

#[test]
fn a_denied_warning_is_an_error_of_check_build_and_test() {
    let files = [("lamp.aqo", LAMP)];
    for command in ["check", "build", "test"] {
        let denied = call_on(&files, &[command, ".", "-D", "w5001"]);
        assert_eq!(denied.code, 1, "{command}: {}", denied.err);
        assert!(denied.err.contains("error[W5001]"), "{}", denied.err);
    }
}

#[test]
fn the_last_flag_wins() {
    let files = [("lamp.aqo", LAMP)];
    for (flags, code, shown) in [
        (["-D", "warnings", "-A", "W5001"], 0, false),
        (["-A", "W5001", "-D", "warnings"], 1, true),
        (["-D", "W5001", "-W", "W5001"], 0, true),
        (["-W", "W5001", "-A", "warnings"], 0, false),
    ] {
        let mut arguments = vec!["check", "."];
        arguments.extend(flags);
        let called = call_on(&files, &arguments);
        assert_eq!(called.code, code, "{flags:?}: {}", called.err);
        assert_eq!(called.err.contains("W5001"), shown, "{flags:?}: {}", called.err);
    }
}

#[test]
fn wrong_codes_are_wrong_use() {
    let files = [("lamp.aqo", LAMP)];
    for (code, wanted) in [
        ("E3002", "-A E3002: E3002 is an error and cannot be allowed"),
        ("W50011", "-A W50011: no code is called `W50011`: did you mean `W5001`?"),
        ("wraning", "did you mean `warnings`?"),
    ] {
        let called = call_on(&files, &["check", ".", "-A", code]);
        assert_eq!(called.code, 2, "{code}");
        assert!(called.err.contains(wanted), "{}", called.err);
    }
}

#[test]
fn the_manifest_sets_levels_and_the_command_line_wins() {
    let allow = "[lint]\nallow = [{ code = \"W5001\", reason = \"a lamp may ignore\" }]\n";
    let files = [("lamp.aqo", LAMP), ("aqo.toml", allow)];
    let called = call_on(&files, &["check", "."]);
    assert_eq!((called.code, called.err.as_str()), (0, ""));
    assert_eq!(call_on(&files, &["check", ".", "-D", "warnings"]).code, 1);

    let files = [("lamp.aqo", LAMP), ("aqo.toml", "[lint]\ndeny = [\"W5001\"]\n")];
    assert_eq!(call_on(&files, &["check", "."]).code, 1);
    assert_eq!(call_on(&files, &["check", ".", "-W", "W5001"]).code, 0);
}

#[test]
fn a_wrong_manifest_names_file_and_key() {
    for (lint, wanted) in [
        ("allow = [{ code = \"W5001\" }]", "aqo.toml, [lint] allow[0]: say why W5001 is allowed"),
        (
            "allow = [{ code = \"E3002\", reason = \"x\" }]",
            "aqo.toml, [lint] allow[0]: E3002 is an error",
        ),
        ("deny = [\"W1001\", \"W5020\"]", "aqo.toml, [lint] deny[1]: no code is called `W5020`"),
        ("forbid = []", "aqo.toml"),
    ] {
        let manifest = format!("[lint]\n{lint}\n");
        let called = call_on(&[("lamp.aqo", LAMP), ("aqo.toml", &manifest)], &["check", "."]);
        assert_eq!(called.code, 2, "{lint}");
        assert!(called.err.contains(wanted), "{}", called.err);
    }
}
