//! Properties: what is tried, what is found, and that the scenario that is printed fails as well.

use aqo_compiler::model::image::Image;
use aqo_compiler::model::layout::Layout;
use aqo_compiler::model::offer::Offer;
use aqo_compiler::model::value::Value;
use aqo_compiler::scenario::search::{Settings, search};
use aqo_compiler::scenario::walk::interpret;
use aqo_compiler::{Database, SourceFile, db};
use serde_json::Value as Json;

use crate::helpers::{Called, call_on};

/// A bank that takes what it is given, and remembers anything.
const BANK: &str = "module demo

unit euro

enum Mode { Open, Shut }

object Bank version 1 {
    role owner

    field coins: int in 0 ..= 100 = 0
    field mode: Mode = Open
    field fee: decimal<2, euro> in -5.00 ..= 5.00 = 0.00
    field note: text<8> = \"\"
    field hint: int? in 0 ..= 9 = none
    field wait: duration in 0s ..= 1h = 0s

    message put(n: int in 1 ..= 20) from owner
    message shut(to: Mode, f: decimal<2, euro> in -5.00 ..= 5.00) from owner
    message say(t: text<8>, h: int? in 0 ..= 9, w: duration in 0s ..= 1h) from owner

    rule take on put(n) when mode == Open { set coins = coins + n else refuse full_up }
    rule closed on put(n) refuse closed_now
    rule shut_it on shut(to, f) { set mode = to set fee = f }
    rule hear on say(t, h, w) { set note = t set hint = h set wait = w }
}
";

fn bank(property: &str) -> String {
    format!("{BANK}{property}")
}

fn test(text: &str, flags: &[&str]) -> Called {
    let mut arguments = vec!["test", "bank.aqo"];
    arguments.extend(flags);
    call_on(&[("bank.aqo", text)], &arguments)
}

fn failure(text: &str, flags: &[&str]) -> Json {
    let mut all = vec!["--json"];
    all.extend(flags);
    let called = test(text, &all);
    assert_eq!(called.code, 1, "{}{}", called.out, called.err);
    let line: Json = serde_json::from_str(called.out.lines().last().unwrap()).unwrap();
    assert_eq!(line["kind"], "property");
    line["failure"].clone()
}

/// The scenario that is printed parses, checks, and fails for the same reason.
fn fails_again(property: &str) -> Json {
    let failure = failure(&bank(property), &[]);
    let scenario = failure["scenario"].as_str().unwrap();
    let again = test(&bank(scenario), &["--json"]);
    assert_eq!(again.code, 1, "{scenario}\n{}{}", again.out, again.err);
    let line: Json = serde_json::from_str(again.out.lines().last().unwrap()).unwrap();
    assert_eq!(line["kind"], "scenario", "{scenario}\n{}", again.out);
    assert_eq!(line["failure"]["what"], failure["what"], "{scenario}");
    failure
}

#[test]
fn what_holds_for_all_values_passes_and_says_how_it_was_tried() {
    let property = "
property \"coins stay in range\" for Bank (first: int in 1 ..= 20, n: int in 1 ..= 12) {
    repeat n { send put(n: first) from owner }
    expect coins <= 100 and coins >= first
}
";
    let called = test(&bank(property), &[]);
    assert_eq!(called.code, 0, "{}{}", called.out, called.err);
    assert!(
        called.out.contains("ok      coins stay in range [256 cases, seed 0]"),
        "{}",
        called.out
    );
    let called = test(&bank(property), &["--cases", "9", "--seed", "77"]);
    assert!(called.out.contains("[9 cases, seed 77]"), "{}", called.out);
}

#[test]
fn a_failure_is_made_small() {
    let found = fails_again(
        "
property \"few coins\" for Bank (n: int in 1 ..= 20, often: int in 1 ..= 50) {
    given { note = \"x\" }
    send shut(to: Open, f: 1.00) from owner
    repeat often {
        send put(n: n) from owner
        expect coins < 41
    }
}
",
    );
    // Neither a coin nor a message less would do.
    let scenario = found["scenario"].as_str().unwrap();
    assert!(!scenario.contains("given") && !scenario.contains("shut"), "{scenario}");
    assert!(scenario.contains("send put(n: "), "{scenario}");
    let values = found["values"].as_str().unwrap();
    let number = |name: &str| -> i64 {
        let (_, rest) = values.split_once(&format!("{name} = ")).unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    };
    let (n, often) = (number("n"), number("often"));
    assert!(n * often >= 41 && n * (often - 1) < 41 && (n - 1) * often < 41, "{values}");
}

#[test]
fn a_message_that_was_refused_is_printed_so() {
    let property = "
property \"nobody is ever refused\" for Bank (to: Mode, n: int in 1 ..= 20) {
    send shut(to: to, f: 0.50) from owner
    send put(n: n) from owner
    expect trust >= 0.00
}
";
    let policy = "    policy { trust { loss 0.20 on refused.owner } }\n    rule hear";
    let text = |tests: &str| bank(tests).replace("    rule hear", policy);
    let found = failure(&text(property), &[]);
    let scenario = found["scenario"].as_str().unwrap();
    assert!(scenario.contains("send put(n: 1) from owner refused closed_now"), "{scenario}");
    assert!(scenario.contains("send shut(to: Mode.Shut, f: 0.50)"), "{scenario}");
    let again = test(&text(scenario), &[]);
    assert_eq!(again.code, 1, "{}{}", again.out, again.err);
    assert!(again.out.contains(found["what"].as_str().unwrap()), "{}", again.out);
}

#[test]
fn every_type_is_drawn_printed_and_made_small() {
    let found = fails_again(
        "
property \"all is as before\" for Bank (
    m: Mode,
    f: decimal<2, euro> in -5.00 ..= 5.00,
    t: text<8>,
    h: int? in 0 ..= 9,
    w: duration in 0s ..= 1h,
    b: bool,
    at: instant,
    k: key
) {
    send shut(to: m, f: f) from owner
    send say(t: t, h: h, w: w) from owner
    expect b or not b or at > @2027-01-01
    expect fee >= -2.00 or wait < 90s
}
",
    );
    let values = found["values"].as_str().unwrap();
    let wanted = "m = Mode.Open, f = (-2.01), t = \"\", h = none, w = 1min30s, b = false, at = @1970-01-01, k = 0x00";
    assert!(values.starts_with(wanted), "{values}");
}

#[test]
fn one_that_is_not_born_fails_at_its_values() {
    let text = bank(
        "
property \"any start\" for Bank (n: int in 0 ..= 100) {
    given { coins = n }
    expect coins == n
}
",
    )
    .replace("    rule hear", "    policy { always few: coins <= 60 }\n    rule hear");
    let found = failure(&text, &[]);
    assert_eq!(found["values"], "n = 61");
    assert!(found["what"].as_str().unwrap().contains("few"), "{found}");
    assert!(found["scenario"].as_str().unwrap().contains("given { coins = 61 }"), "{found}");
}

#[test]
fn another_seed_tries_other_values_and_the_same_seed_the_same() {
    let property = "
property \"rare\" for Bank (n: int in 0 ..= 1_000_000) {
    expect n != 123_456 and (n < 1000 or n > 990_000)
}
";
    let at = |seed: &str| failure(&bank(property), &["--seed", seed])["case"].as_u64().unwrap();
    assert_eq!(at("1"), at("1"));
    let cases: std::collections::BTreeSet<u64> =
        ["1", "2", "3", "4", "5", "6", "7", "8"].map(at).into();
    assert!(cases.len() > 1, "{cases:?}");
}

#[test]
fn mistakes_are_found_for_all_values_before_any_is_tried() {
    for (property, code) in [
        ("property \"p\" for Bank (n: int in 0 ..= 200) { given { coins = n } }", "E3002"),
        ("property \"p\" for Bank (n: int) { tick }", "E3008"),
        ("property \"p\" for Bank (n: int in 0 ..= 9) { repeat n { tick } }", "E3002"),
        ("property \"p\" for Bank (coins: int in 0 ..= 9) { tick }", "E2002"),
        ("property \"p\" for Bank (n: int in 0 ..= 9) { expect m == 1 }", "E2001"),
        ("property \"p\" for Bonk (n: int in 0 ..= 9) { tick }", "E2001"),
        ("property \"p\" for Bank (t: text<8>) { send put(n: t) from owner }", "E3001"),
    ] {
        let called = test(&bank(property), &[]);
        assert_eq!(called.code, 1, "{property}");
        assert!(called.err.contains(&format!("error[{code}]")), "{property}\n{}", called.err);
        assert_eq!(called.err.matches("error[").count(), 1, "{property}\n{}", called.err);
    }
}

#[test]
fn a_property_without_parameters_runs_once() {
    let called = test(&bank("property \"born\" for Bank () { expect coins == 0 }"), &[]);
    assert_eq!(called.code, 0, "{}{}", called.out, called.err);
}

#[test]
fn what_an_else_or_clamp_answers_for_some_values_is_no_failure_of_the_others() {
    let property = "
property \"fits\" for Bank (n: int in 0 ..= 200, h: int? in 0 ..= 90, w: duration in 0s ..= 2h) {
    given { coins = n else 7, fee = clamp(9.00), wait = clamp(w) }
    repeat (h else 3) + 1 { expect coins <= 100 }
    advance clamp(w, 1s, 1h)
    expect coins == n or coins == 7
    expect wait <= 1h and fee == 5.00
}
";
    let called = test(&bank(property), &[]);
    assert_eq!(called.code, 0, "{}{}", called.out, called.err);

    let found = fails_again(
        "
property \"low\" for Bank (n: int in 0 ..= 200) {
    given { coins = n else 77 }
    expect coins < 77
}
",
    );
    assert_eq!(found["values"], "n = 77");
}

/// A core that forgets what it said once there are more than 50 coins.
#[test]
fn a_core_that_does_not_agree_is_found() {
    let text = bank(
        "
property \"agrees\" for Bank (n: int in 1 ..= 20, often: int in 1 ..= 9) {
    repeat often { send put(n: n) from owner }
}
",
    );
    let database = Database::default();
    let file = SourceFile::new(&database, "bank.aqo".to_owned(), text);
    let property = &db::properties(&database, file)[0];
    let model = property.model().unwrap().model();
    let layout = Layout::of(model);
    let mut sound = |image: &[u8], offer: &Offer| interpret(model, &layout, image, offer);
    assert_eq!(search(property, Settings::default(), None, &mut sound), None);
    let mut faulty = |image: &[u8], offer: &Offer| {
        let mut computed = interpret(model, &layout, image, offer)?;
        let after = Image::decode(model, &layout, &computed.image).unwrap();
        if after.state.fields[0].int() > Some(50) {
            computed.body = None;
        }
        Ok(computed)
    };
    let found = search(property, Settings::default(), None, &mut faulty).unwrap();
    assert_eq!(found.failure.what, "the interpreter and the component left different lineages");
    let coins: Vec<i64> = found.values.iter().filter_map(Value::int).collect();
    assert!(coins[0] * coins[1] > 50 && coins[0] * (coins[1] - 1) <= 50, "{coins:?}");
}

#[test]
fn a_case_without_end_is_cut_off_and_made_small() {
    let property = "
property \"waits\" for Bank (n: int in 1 ..= 1_000_000) {
    repeat n { repeat n { expect coins == 0 } }
}
";
    let text = bank(property);
    let called = test(&text, &["--max-steps", "100", "--json"]);
    assert_eq!(called.code, 1);
    let line: Json = serde_json::from_str(called.out.lines().last().unwrap()).unwrap();
    let what = line["failure"]["what"].as_str().unwrap();
    assert!(what.starts_with("it takes more than 100 steps"), "{what}");
    // With 49 the budget ends at the outer `repeat`, which is another place.
    assert_eq!(line["failure"]["values"], "n = 50");
}
