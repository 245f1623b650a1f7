//! `aqc test`: lines, JUnit, filters, the budget and coverage.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::helpers::{Called, call, call_on, directory, expect_file};

const DOOR: &str = "module demo

enum Mode { Shut, Open }

object Door version 1 {
    role keeper
    role guest

    field mode: Mode = Shut
    field uses: int in 0 ..= 9 = 0

    message open() from keeper
    message shut() from keeper

    cycle every 1min

    rule do_open on open() when mode == Shut {
        set mode = Open
        set uses = uses + 1 else refuse worn_out
    }
    rule again on open() refuse is_open
    rule do_shut on shut() when mode == Open { set mode = Shut }

    policy {
        flow mode { Shut -> Open, Open -> Shut }
        limit pace: do_open to 2 per 1h
        always few: uses < 8 or mode == Shut
    }
}

scenario \"opens & <shuts>\" for Door {
    send open() from keeper
    send open() from keeper refused is_open
    send shut() from keeper
    expect uses == 1
}

scenario \"is wrong\" for Door {
    send open() from keeper
    expect mode == Shut
}
";

fn test(text: &str, flags: &[&str]) -> Called {
    let mut arguments = vec!["test", "door.aqo"];
    arguments.extend(flags);
    call_on(&[("door.aqo", text)], &arguments)
}

fn lines(called: &Called) -> Vec<Value> {
    called.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_scenario_gives_a_line_of_json() {
    let called = test(DOOR, &["--json"]);
    assert_eq!(called.code, 1);
    expect_file("door.jsonl", &called.out);
    let lines = lines(&called);
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["outcome"], &lines[0]["line"]), (&"passed".into(), &31.into()));
    assert_eq!(
        (&lines[1]["outcome"], &lines[1]["failure"]["line"]),
        (&"failed".into(), &40.into())
    );
    assert!(lines.iter().all(|line| line["version"] == 2));
    assert_eq!(test(DOOR, &["--json"]).out, called.out, "the output is not the same again");
}

#[test]
fn junit_is_written_and_escaped() {
    let place = directory(&[("door.aqo", DOOR)]);
    let called = call(place.path(), &["test", "door.aqo", "--junit", "out.xml"]);
    assert_eq!(called.code, 1);
    let xml = std::fs::read_to_string(place.path().join("out.xml")).unwrap();
    expect_file("door.junit.xml", &xml);
    assert!(xml.contains("name=\"opens &amp; &lt;shuts&gt;\""), "{xml}");
    assert!(xml.contains("tests=\"2\" failures=\"1\""), "{xml}");
    for tag in ["testsuites", "testsuite", "failure"] {
        let opened =
            xml.matches(&format!("<{tag}>")).count() + xml.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, xml.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let nowhere = call(place.path(), &["test", "door.aqo", "--junit", "no/such/out.xml"]);
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.err.contains("out.xml"), "{}", nowhere.err);
}

#[test]
fn only_runs_what_is_named_so() {
    let called = test(DOOR, &["--only", "shuts"]);
    assert_eq!((called.code, called.out.lines().count()), (0, 2), "{}", called.out);
    let none = test(DOOR, &["--only", "flies"]);
    assert_eq!(none.code, 2);
    assert!(
        none.err.contains("no scenario and no property has `flies` in its title"),
        "{}",
        none.err
    );
}

#[test]
fn a_scenario_without_end_is_cut_off() {
    let text = DOOR.replace(
        "    expect uses == 1\n",
        "    repeat 1_000_000 { repeat 1_000_000 { expect uses == 1 } }\n",
    );
    let called = test(&text, &["--only", "shuts", "--max-steps", "1000"]);
    assert_eq!(called.code, 1);
    assert!(called.out.contains("it takes more than 1000 steps"), "{}", called.out);
    let ticks = DOOR.replace("    expect uses == 1\n", "    advance 1000h\n");
    assert_eq!(test(&ticks, &["--only", "shuts"]).code, 0);
    let called = test(&ticks, &["--only", "shuts", "--max-steps", "50"]);
    assert!(called.out.contains("line 35: it takes more than 50 steps"), "{}", called.out);
}

#[test]
fn coverage_counts_what_was_reached_and_names_what_was_not() {
    let called = test(DOOR, &["--only", "shuts", "--coverage"]);
    assert_eq!(called.code, 0, "{}", called.out);
    expect_file("door.coverage.txt", &called.out);
    for line in [
        "  rules elected          3 of 3",
        "  guards, both ways      3 of 4",
        "  transitions            2 of 2",
        "  never   door.aqo:22: the guard of `do_shut` was never false",
        "  never   door.aqo:26: `pace` never refused",
        "  never   door.aqo:27: `few` never refused",
        "  never   door.aqo:17: nothing was refused `worn_out`",
    ] {
        assert!(called.out.contains(line), "{line}\n{}", called.out);
    }
}

#[test]
fn coverage_follows_what_scenarios_do() {
    let more = DOOR.replace(
        "scenario \"is wrong\"",
        "scenario \"shuts too often\" for Door {
    given { uses = 6 }
    send shut() from keeper refused no_rule
    send shut() from guest refused role
    send open() from keeper
    send shut() from keeper
    send open() from keeper refused few
}

scenario \"shuts in a hurry\" for Door {
    repeat 2 { send open() from keeper send shut() from keeper }
    send open() from keeper refused pace
}

scenario \"is wrong\"",
    );
    let called = test(&more, &["--only", "shuts", "--coverage", "--json"]);
    assert_eq!(called.code, 0, "{}{}", called.out, called.err);
    let lines = lines(&called);
    let coverage = lines.last().unwrap();
    assert_eq!(coverage["kind"], "coverage");
    let group = |name: &str| {
        let groups = coverage["groups"].as_array().unwrap();
        groups.iter().find(|group| group["name"] == name).unwrap().clone()
    };
    for name in ["rules elected", "rules committed", "guards, both ways", "clauses, both ways"] {
        assert_eq!(group(name)["missed"], serde_json::json!([]), "{coverage}");
    }
    let reasons = group("refusal reasons");
    let missed: Vec<&str> =
        reasons["missed"].as_array().unwrap().iter().map(|m| m["what"].as_str().unwrap()).collect();
    assert_eq!(missed, ["nothing was refused `worn_out`"], "the flow is proved to refuse nothing");
    let opened = &coverage["rules"][0];
    assert_eq!((&opened["name"], &opened["committed"]), (&"do_open".into(), &4.into()));
    assert_eq!((&opened["refused"], &opened["held"]), (&1.into(), &1.into()));
}

#[test]
fn the_programs_of_the_design_pass_or_say_what_they_wait_for() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/design");
    for (file, passed) in [("thermostat.aqo", "2 passed"), ("spending_guard.aqo", "2 passed")] {
        let called = call(&folder, &["test", file]);
        assert_eq!(called.code, 0, "{file}: {}", called.err);
        assert!(called.out.contains(&format!("{passed}, 0 failed")), "{file}: {}", called.out);
    }
    let called = call(&folder, &["check", "rollout.aqo", "--format", "json"]);
    let codes: BTreeSet<String> = (called.out.lines())
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["code"].to_string())
        .collect();
    assert_eq!(codes, BTreeSet::from(["\"E8001\"".to_owned()]), "{}", called.err);
}

#[test]
fn praise_of_oneself_is_warned_of_and_worth_nothing() {
    let text = "module demo

object Heater version 1 {
    field on: bool = false

    message turn() from anyone

    rule take_turn on turn() {
        set on = true
        predict lit: on within 1min
    }

    policy {
        trust {
            gain 0.10 on kept
            loss 0.10 on broken
        }
    }
}

scenario \"praise\" for Heater {
    send turn()
    advance 2min
    expect trust == 0.00
}
";
    let called = call_on(&[("heater.aqo", text)], &["test", "."]);
    assert_eq!(called.code, 0, "{}{}", called.out, called.err);
    assert!(called.err.contains("W5003"), "{}", called.err);
    assert!(called.out.contains("1 passed, 0 failed"), "{}", called.out);
}
