//! What a step costs at most: shown by `check --cost`, `build` and `inspect --cost`, refused above
//! what the project allows.

use crate::helpers::{call, call_on, directory};
use aqo_compiler::Code;

/// The wrong program of the code's page: a walk inside a walk.
fn dear() -> String {
    let page = Code::TooDear.page();
    let (_, program) = page.split_once("```aqo wrong\n").unwrap();
    program.split("```").next().unwrap().to_owned()
}

#[test]
fn the_most_of_a_step_is_that_of_the_manifest() {
    let dear = dear();
    let plain = call_on(&[("log.aqo", &dear)], &["check", "."]);
    assert_eq!(plain.code, 1);
    assert!(plain.err.contains("error[E4002]"), "{}", plain.err);
    assert!(plain.err.contains("10_000_000 is the most: rule `find_high`"), "{}", plain.err);
    assert!(plain.err.contains("1501 walks through up to 1500 items each"), "{}", plain.err);
    assert!(plain.err.contains("rule find_high on audit()"), "{}", plain.err);

    let raised = "[build]\nmax_cost = 100_000_000\n";
    let raised = call_on(&[("log.aqo", &dear), ("aqo.toml", raised)], &["check", "."]);
    assert_eq!((raised.code, raised.err.as_str()), (0, ""));

    let lowered = "[build]\nmax_cost = 100\n";
    let lamp = crate::helpers::LAMP;
    let lowered = call_on(&[("lamp.aqo", lamp), ("aqo.toml", lowered)], &["check", "."]);
    assert_eq!(lowered.code, 1);
    assert!(lowered.err.contains("and 100 is the most"), "{}", lowered.err);
}

#[test]
fn costs_are_shown_alike_by_check_build_and_inspect() {
    let directory = directory(&[("lamp.aqo", crate::helpers::LAMP)]);
    let called = |arguments: &[&str]| {
        let called = call(directory.path(), arguments);
        assert_eq!(called.code, 0, "{arguments:?}: {}", called.err);
        called.out
    };
    let built = called(&["build", ".", "-o", "lamp.wasm"]);
    let line = built.lines().find(|line| line.contains("a step costs at most tick ")).unwrap();
    assert!(line.contains(", message dim ") && line.ends_with(" instructions"), "{line}");
    let checked = called(&["check", ".", "--cost"]);
    let inspected = called(&["inspect", "--cost", "lamp.wasm"]);
    assert!(inspected.contains("rule darker"), "{inspected}");
    assert!(checked.ends_with(&inspected), "{checked}\n{inspected}");

    let json: serde_json::Value =
        serde_json::from_str(&called(&["inspect", "--json", "lamp.wasm"])).unwrap();
    let said = json["descriptor"]["costs"].as_array().unwrap();
    let offers = json["cost"]["offers"].as_array().unwrap();
    assert_eq!(said.len(), 5);
    for (said, offer) in said.iter().zip(offers) {
        assert_eq!((&said["offer"], &said["most"]), (&offer["name"], &offer["instructions"]));
        let parts = offer["parts"].as_array().unwrap().iter();
        let sum: u64 = parts.map(|part| part["instructions"].as_u64().unwrap()).sum();
        assert!(sum <= offer["instructions"].as_u64().unwrap(), "{offer}");
    }
}
