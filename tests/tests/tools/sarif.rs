//! `aqc check --format sarif`: a log that keeps what SARIF 2.1.0 demands, and says what the text says.

use std::path::Path;

use serde_json::Value;

use crate::helpers::{LAMP, call_on, expect_file};

const WRONG: &str = "module demo

enum Mode { Idle, Busy }

object Lamp version 1 {
    field mode: Mode = Idel // 😀
    field mode: int in 0 ..= 1 = 0
}
";

fn several() -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/diagnostics");
    std::fs::read_to_string(fixtures.join("several.aqo")).unwrap()
}

/// Whether it has only these keys, and all of the needed ones.
fn shape(value: &Value, needed: &[&str], optional: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("{value} is no object"));
    for key in object.keys() {
        assert!(needed.contains(&key.as_str()) || optional.contains(&key.as_str()), "{key}");
    }
    for key in needed {
        assert!(object.contains_key(*key), "{key} is not in {value}");
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

/// What the schema asks of the parts that are written.
fn keeps_schema(log: &Value) {
    shape(log, &["$schema", "version", "runs"], &[]);
    assert_eq!(log["version"], "2.1.0");
    for run in list(&log["runs"]) {
        shape(run, &["tool", "columnKind", "results"], &[]);
        assert_eq!(run["columnKind"], "utf16CodeUnits");
        let driver = &run["tool"]["driver"];
        shape(driver, &["name", "semanticVersion", "rules"], &[]);
        for rule in list(&driver["rules"]) {
            let needed =
                ["id", "shortDescription", "fullDescription", "help", "defaultConfiguration"];
            shape(rule, &needed, &[]);
            for text in ["shortDescription", "fullDescription", "help"] {
                assert!(!rule[text]["text"].as_str().unwrap().is_empty(), "{rule}");
            }
        }
        list(&run["results"]).iter().for_each(|result| keeps_result(result, &driver["rules"]));
    }
}

fn keeps_result(result: &Value, rules: &Value) {
    let needed = ["ruleId", "ruleIndex", "level", "message", "locations"];
    shape(result, &needed, &["relatedLocations", "fixes"]);
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(rules[index]["id"], result["ruleId"]);
    assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
    assert!(!result["message"]["text"].as_str().unwrap().is_empty());
    assert_eq!(list(&result["locations"]).len(), 1);
    let related = result.get("relatedLocations").map_or(&[][..], list);
    for location in list(&result["locations"]).iter().chain(related) {
        shape(location, &["physicalLocation"], &["id", "message"]);
        let physical = &location["physicalLocation"];
        shape(physical, &["artifactLocation", "region"], &[]);
        keeps_region(&physical["region"]);
    }
    for fix in result.get("fixes").map_or(&[][..], list) {
        shape(fix, &["artifactChanges"], &["description"]);
        for change in list(&fix["artifactChanges"]) {
            shape(change, &["artifactLocation", "replacements"], &[]);
            for replacement in list(&change["replacements"]) {
                shape(replacement, &["deletedRegion", "insertedContent"], &[]);
                keeps_region(&replacement["deletedRegion"]);
                assert!(replacement["insertedContent"]["text"].is_string());
            }
        }
    }
}

fn keeps_region(region: &Value) {
    shape(region, &["startLine", "startColumn", "endLine", "endColumn"], &[]);
    let at = |key: &str| region[key].as_u64().unwrap();
    assert!(at("startLine") >= 1 && at("startColumn") >= 1);
    assert!((at("startLine"), at("startColumn")) <= (at("endLine"), at("endColumn")), "{region}");
}

#[test]
fn a_log_keeps_the_schema_and_its_golden_file() {
    let called =
        call_on(&[("several.aqo", &several())], &["check", "several.aqo", "--format", "sarif"]);
    assert_eq!(called.code, 1);
    let log: Value = serde_json::from_str(&called.out).unwrap();
    keeps_schema(&log);
    let results = list(&log["runs"][0]["results"]);
    assert!(results.iter().any(|result| result.get("fixes").is_some()));
    assert!(results.iter().any(|result| result.get("relatedLocations").is_some()));
    expect_file("several.sarif", &called.out);
}

#[test]
fn a_clean_project_gives_an_empty_log_and_a_denied_warning_an_error() {
    let files = [("lamp.aqo", LAMP)];
    let parse = |arguments: &[&str]| -> Value {
        let log = serde_json::from_str(&call_on(&files, arguments).out).unwrap();
        keeps_schema(&log);
        log
    };
    let clean = parse(&["check", ".", "--format", "sarif", "-A", "warnings"]);
    assert_eq!(clean["runs"][0]["results"], serde_json::json!([]));
    let warned = parse(&["check", ".", "--format", "sarif"]);
    assert_eq!(warned["runs"][0]["results"][0]["level"], "warning");
    let denied = parse(&["check", ".", "--format", "sarif", "-D", "warnings"]);
    assert_eq!(denied["runs"][0]["results"][0]["level"], "error");
}

#[test]
fn regions_and_fixes_are_those_of_the_text() {
    let called = call_on(&[("a b.aqo", WRONG)], &["check", ".", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&called.out).unwrap();
    keeps_schema(&log);
    let results = list(&log["runs"][0]["results"]);
    let unknown = results.iter().find(|result| result["ruleId"] == "E2004").unwrap();
    let location = &unknown["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "a%20b.aqo");
    let region = &location["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&6.into(), &24.into()));
    assert_eq!(region["endColumn"], 28);
    let change = &unknown["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(change["insertedContent"]["text"], "Idle");
    assert_eq!(&change["deletedRegion"], region);
    let taken = results.iter().find(|result| result["ruleId"] == "E2002").unwrap();
    let first = &taken["relatedLocations"][0];
    assert_eq!(first["physicalLocation"]["region"]["startLine"], 6);
    assert_eq!(first["message"]["text"], "first declared here");
}

#[test]
fn an_unknown_format_is_wrong_use() {
    let called = call_on(&[("lamp.aqo", LAMP)], &["check", ".", "--format", "xml"]);
    assert_eq!(called.code, 2);
    assert!(called.err.contains("sarif"), "{}", called.err);
    let both = call_on(&[("lamp.aqo", LAMP)], &["check", ".", "--format", "text", "--json"]);
    assert_eq!(both.code, 2);
}
