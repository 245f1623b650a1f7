//! `aqc doc PATH`: what a project declares, as a page and as JSON.

use std::path::Path;

use serde_json::Value;

use crate::helpers::{LAMP, call, call_on, directory};
use crate::html::{hold, programs, text};

const EXAMPLES: [&str; 8] = [
    "spending_guard",
    "cold_chain",
    "thermostat",
    "pump_station",
    "milestones",
    "machine_twin",
    "lease",
    "medicine_cabinet",
];

fn example(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

fn json(place: &Path, path: &str) -> Value {
    let called = call(place, &["doc", path, "--json"]);
    assert_eq!(called.code, 0, "{}", called.err);
    serde_json::from_str(&called.out).unwrap()
}

/// Everything of an object that has a name and a source text of its own.
fn names(object: &Value) -> Vec<&str> {
    let kinds = ["fields", "derives", "inputs", "messages", "events", "rules"];
    let members = kinds.iter().flat_map(|kind| object[kind].as_array().unwrap());
    members.map(|member| member["name"].as_str().unwrap()).collect()
}

#[test]
fn examples_are_documented_whole_and_twice_the_same() {
    for name in EXAMPLES {
        let home = example(name);
        let page = call(&home, &["doc", "."]).out;
        hold(&page);
        assert_eq!(page, call(&home, &["doc", "."]).out);
        let shown = text(&page);
        let declared = json(&home, ".");
        assert_eq!((&declared["version"], &declared["name"]), (&1.into(), &name.into()));
        let object = &declared["modules"][0]["objects"][0];
        let source = std::fs::read_to_string(home.join(format!("{name}.aqo"))).unwrap();
        assert!(names(object).len() > 10);
        for member in names(object) {
            assert!(shown.contains(member), "{name}: {member}");
        }
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let source = squeezed(&source);
        for rule in object["rules"].as_array().unwrap() {
            let body = rule["body"].as_str().unwrap();
            assert!(source.contains(&squeezed(body)), "{name}: {body}");
            assert!(programs(&page).iter().any(|program| program == body), "{name}: {body}");
        }
        let scenarios = declared["modules"][0]["scenarios"].as_array().unwrap();
        assert!(scenarios.len() >= 3);
        for scenario in scenarios {
            let text = scenario["source"].as_str().unwrap();
            assert!(programs(&page).iter().any(|program| program == text), "{name}: {text}");
        }
    }
}

#[test]
fn a_thermostat_says_who_may_what() {
    let declared = json(&example("thermostat"), "thermostat.aqo");
    let object = &declared["modules"][0]["objects"][0];
    let setpoint = &object["fields"][0];
    assert_eq!(setpoint["type"], "Temperature in 5.00 ..= 30.00");
    assert_eq!(setpoint["means"], "a decimal with 2 digits in 5.00 ..= 30.00");
    assert_eq!(
        (&setpoint["value"], &setpoint["attested_by"]),
        (&"20.00".into(), &"operator".into())
    );
    assert_eq!(setpoint["doc"], "What a person asked for.");
    assert_eq!(object["messages"][0]["from"][0], "operator");
    assert_eq!(object["roles"][1]["source"], "role service");
    assert_eq!(object["cycles"][0]["source"], "cycle every 5s");
    assert_eq!(object["inputs"][0]["fresh"], "30s");
    let start = &object["rules"][2];
    assert_eq!((&start["on"], &start["needs"][0]), (&"tick".into(), &"trust >= -0.50".into()));
    assert_eq!(start["when"], "mode == Idle and room is some(t) and t < setpoint - 0.50");
    assert_eq!(object["rules"][1]["assured"], true);
    let policy = &object["policy"];
    assert_eq!(policy["flows"][0]["arrows"][2], serde_json::json!(["any", "Fault"]));
    assert_eq!(policy["limits"][0]["per"], "1h");
    assert_eq!(policy["trust"][0], serde_json::json!({"kind":"gain","amount":"0.02","on":"kept"}));
    assert_eq!(
        (&policy["hosts"]["need"][0], &policy["upgrade"]),
        (&"relay".into(), &"service".into())
    );
}

#[test]
fn nothing_that_a_source_says_becomes_markup() {
    let evil = "<script>alert(1)</script>";
    let scenario =
        format!("\nscenario \"{evil}\" for Lamp {{\n    expect level == 0 // {evil}\n}}\n");
    let place = directory(&[("a.aqo", &(LAMP.replace("demo", "demo.a"))), ("b.aqo", LAMP)]);
    let page = call(place.path(), &["doc", "."]).out;
    hold(&page);
    assert!(page.contains("id=\"demo.Lamp\"") && page.contains("id=\"demo.a.Lamp\""));
    let page = call_on(&[("a.aqo", &(evil_lamp(evil) + &scenario))], &["doc", "a.aqo"]).out;
    hold(&page);
    assert!(!page.contains(evil), "{page}");
    assert!(text(&page).contains(evil));
}

fn evil_lamp(evil: &str) -> String {
    LAMP.replace(
        "    field",
        &format!("    intent \"{evil}</title>\"\n\n    /// {evil} `<i>`\n    field"),
    )
    .replace("module demo", &format!("//! {evil} <b> & [x](https:evil)\nmodule demo"))
}

#[test]
fn what_is_wrong_is_not_documented() {
    let wrong = LAMP.replace("set level = to", "set levle = to");
    let called = call_on(&[("a.aqo", &wrong)], &["doc", "a.aqo", "--out", "a.html"]);
    assert_eq!((called.code, called.out.as_str()), (1, ""));
    assert!(called.err.contains("E2001"), "{}", called.err);
    assert_eq!(call_on(&[], &["doc"]).code, 2);
    assert_eq!(call_on(&[("a.aqo", LAMP)], &["doc", "a.aqo", "--book"]).code, 2);
}
