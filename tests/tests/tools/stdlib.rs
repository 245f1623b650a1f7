//! `std`, held to what it says: by its own project of tests, and its dates day by day.

use std::path::Path;

use aqo_compiler::model::expr::Expr;
use aqo_compiler::model::layout::Layout;
use aqo_compiler::model::step::value_of;
use aqo_compiler::model::text::civil_from_days;
use aqo_compiler::model::types::NEVER;
use aqo_compiler::model::value::Value;
use aqo_compiler::{Database, SourceFile, db};

use crate::helpers::call;

const DAY: i64 = 86_400_000_000;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib").canonicalize().unwrap()
}

#[test]
fn its_scenarios_pass_on_both_engines_and_reach_every_rule() {
    let tested = call(&folder(), &["test", "tests", "--coverage"]);
    assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
    for line in tested.out.lines().filter(|line| line.trim_start().starts_with("rules ")) {
        let (reached, of) = line.split_once(" of ").unwrap();
        assert!(reached.ends_with(&format!(" {of}")), "{}", tested.out);
    }
}

#[test]
fn every_module_has_tests_and_every_name_of_it_is_used_there() {
    for (module, text) in aqo_stdlib::MODULES {
        let short = module.rsplit('.').next().unwrap();
        let tests = std::fs::read_to_string(folder().join(format!("tests/{short}.aqo"))).unwrap();
        for line in text.lines().filter(|line| line.starts_with("fn ")) {
            let name = line[3..].split('(').next().unwrap();
            let helpers = ["day_number_of", "is_leap"];
            assert!(helpers.contains(&name) || tests.contains(name), "{module}: {name}");
        }
    }
}

#[test]
fn it_is_laid_out() {
    let laid = call(&folder(), &["fmt", "--check", "std", "tests"]);
    assert_eq!(laid.code, 0, "{}{}", laid.out, laid.err);
}

#[test]
fn each_function_and_type_says_what_it_is() {
    for (module, text) in aqo_stdlib::MODULES {
        assert!(text.starts_with("//! "), "{module}");
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[1].starts_with("fn ")) {
            assert!(pair[0].starts_with("/// "), "{module}: {}", pair[1]);
        }
    }
}

/// Each of the 106 651 days, at its first and at its last microsecond, against the calendar of the
/// Model.
#[test]
fn every_day_has_its_date() {
    let text = "module probe\n\nuse std.time.{date, start_of, weekday}\n\n\
        object Probe version 1 {\n    derive d: bool = date(now).day == 1\n}\n";
    let database = Database::default();
    let file = SourceFile::new(&database, "probe.aqo".to_owned(), text.to_owned());
    let (item, _) = db::objects(&database, file)[0];
    let checked = db::object_of(&database, file, item).model.clone().unwrap();
    let model = checked.wide();
    let layout = Layout::of(model);
    let called = |name: &str, argument: Value| {
        let index = model.schema.functions.iter().position(|f| f.name == name).unwrap();
        let call = Expr::Call(index as u16, vec![Expr::Value(argument)]);
        value_of(model, &layout, &call, &[]).unwrap()
    };
    for day in 0..=NEVER / DAY {
        let (year, month, of_month) = civil_from_days(day);
        let date = Value::Record([year, month, of_month].map(Value::Int).to_vec());
        for instant in [day * DAY, day * DAY + DAY - 1] {
            assert_eq!(called("date", Value::Int(instant)), date, "{day}");
        }
        let back = Value::Some(Box::new(Value::Int(day * DAY)));
        assert_eq!(called("start_of", date), back, "{day}");
        let weekday = Value::variant(((day + 3) % 7) as u16);
        assert_eq!(called("weekday", Value::Int(day * DAY)), weekday, "{day}");
    }
}
