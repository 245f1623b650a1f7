//! The smallest forms of what drawn programs once found wrong.
//!
//! Invariant: each is checked, laid out, compiled and lived through as any drawn program is.

use crate::judge;
use aqo_tests::compiled::counting;
use aqo_tests::programs::check::{Kept, check};
use aqo_tests::programs::program::Program;
use std::collections::BTreeMap;

/// What was wrong, and a program that showed it.
const FOUND: [(&str, &str); 9] = [
    (
        "a consented tick rule keeps its outcome",
        "role person
         cycle every 2s ..= 20s
         rule act on tick needs 1 of person within 1h {}",
    ),
    (
        "no tick comes with consent",
        "role person
         role other
         message ask(what: hash) from person, other
         cycle on message
         rule also on tick {}
         rule take on ask(what) needs 1 of person within 1min {}",
    ),
    (
        "a request that lapses makes room for the next in the same step",
        "role helpers<1>
         role person
         message ask() from person
         cycle on message
         rule act on tick when missed == 0 needs 1 of person, helpers within 1h {}",
    ),
    (
        "a consented tick rule has no tick",
        "role person
         field late: bool = false
         cycle every 7s
         rule act on tick when due >= due - 1s needs 1 of person within 1h {
             set late = born < due
         }",
    ),
    (
        "what anyone may ask has no signer",
        "role person
         role other
         message ask() from anyone
         rule take on ask() needs 1 of other within 1min {}",
    ),
    (
        "keys of a newborn stand in order",
        "role person<3>
         field cold: int in 0 ..= 9 = 9
         policy { always warm: never <= born or cold < 5 }",
    ),
    (
        "an instant is a key",
        "field seen: map<instant, bool, 2> = [@2027-01-01: true, @2027-01-01T00:00:01Z: false]",
    ),
    (
        "a choice of collections of which one holds more",
        "role person<1>
         input seen: int? in 0 ..= 9
         field kept: set<key, 3>
         field late: set<key, 3>
         field perhaps: set<key, 3>? = none
         message put(few: set<key, 1>, more: set<key, 2>) from person
         cycle every 1s
         rule swap on tick when kept.len > 1 {
             set kept = match seen { some(n) => person, none => kept }
             if seen is some(n) and n > 4 { set late = kept } else { set late = person }
         }
         rule back on put(few, more) {
             set kept = if few == more { few } else { more }
             set perhaps = if more.len > 1 { person } else { none }
             set late = [one for one in kept if one != sender] else few
         }",
    ),
    (
        "a map of a newborn is a whole change",
        "role person
         field seen: map<bool, int in 0 ..= 9, 2> = [true: 1]
         cycle every 5s
         rule act on tick needs 1 of person within 10s { set seen[born < due] = 5 else refuse no }",
    ),
];

#[test]
fn what_was_found_stays_mended() {
    let engine = counting();
    for (seed, (what, members)) in FOUND.into_iter().enumerate() {
        let text = format!("module found\n\nobject Found version 1 {{\n{members}\n}}\n");
        let model = check(&text).unwrap_or_else(|why| panic!("{what}: {why:?}"));
        let program = Program { parts: Vec::new() };
        let kept = Kept { program, text, model, dropped: BTreeMap::new(), rules: 0 };
        for seed in (seed as u64..200).step_by(FOUND.len()) {
            if let Err(why) = judge(&engine, &kept, seed) {
                panic!("{what}: {why}");
            }
        }
    }
}
