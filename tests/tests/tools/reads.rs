//! What may change a tick, as `aqc inspect` tells it and the chapter on time shows it.

use crate::helpers::{call, directory};

const CHAPTER: &str = include_str!("../../spec/06-time.md");

/// The program of the chapter that declares this module.
fn program(module: &str) -> &str {
    let start = CHAPTER.find(&format!("module {module}\n")).unwrap();
    CHAPTER[start..].split("```").next().unwrap()
}

/// Every kind of thing that may change a tick.
const EACH: &str = "module demo.each

object Each version 1 {
    role owner

    field since: instant = born
    field count: int in 0 ..= 9 = 0
    field last: instant? = none

    input room: int? in 0 ..= 50 fresh 1min

    message ask() from owner
    message held(n: int in 0 ..= 9) from owner waits 1h

    cycle every 1s

    rule take on ask() {}
    rule a on tick when count == 9 { set count = 0 }
    rule b on tick when room is some(t) and t > 40 and count < 9 { set count = count + 1 }
    rule c on tick when count == 7 and now > since + 5min needs trust >= 0.10 { set count = 8 }
    rule d on tick when count == 3 and missed > 2 { set count = 4 }
    rule e on tick when count == 5 { set since = now }
    rule f on tick when missed > 2 { set count = 4 }
    rule g on held(n) when room is some(t) and t > n { predict warm: room is some(w) and w > 30 within 1h }
    rule h on tick when last is some(l) and now > l - 5s { set last = none }

    dormant when (now > since) == (count == 9)

    policy {
        limit hourly: b to 4 per 1h
        trust {
            gain 0.10 on take
            loss 0.20 on refused.owner
        }
    }
}
";

#[test]
fn inspect_says_what_may_change_a_tick() {
    let directory = directory(&[("each.aqo", EACH), ("oven.aqo", program("demo.guards"))]);
    let called = |arguments: &[&str]| {
        let called = call(directory.path(), arguments);
        assert_eq!(called.code, 0, "{arguments:?}: {}", called.err);
        called.out
    };
    let part = |file: &str| {
        called(&["build", &format!("{file}.aqo"), "-o", "out.wasm"]);
        let text = called(&["inspect", "out.wasm"]);
        let start = text.find("what may change a tick\n").unwrap();
        text[start..].split("\n\n").next().unwrap().to_owned()
    };
    assert!(CHAPTER.contains(&format!("```text\n{}\n```", part("oven"))), "{}", part("oven"));
    let each = "what may change a tick
  a: entries alone
  b: input room; as a limit frees: hourly
  c: at ((since + 5min) + 1us); as trust decays
  d: every tick while what its guard says first holds
  e: every tick while its guard holds
  f: every tick
  h: at what its guard binds
  while warm is open: input room
  while held waits: input room
  dormant, ends: every tick";
    assert_eq!(part("each"), each);
    let json: serde_json::Value =
        serde_json::from_str(&called(&["inspect", "--json", "out.wasm"])).unwrap();
    assert_eq!(json["reads"][2]["instants"][0], "((since + 5min) + 1us)");
    assert_eq!(json["reads"][5]["each"], "every tick");
    assert_eq!(json["reads"][0]["each"], serde_json::Value::Null);
}
