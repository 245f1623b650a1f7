//! A failing program made smaller, greedily: parts and statements that do not matter are taken away.
//!
//! Invariant: what is left checks and fails in the same way, by the first words of what it tells.

use aqo_tests::programs::check::{Kept, check};
use aqo_tests::programs::program::Program;
use std::collections::BTreeMap;

/// How many candidates are tried at most.
const TRIES: u32 = 400;

fn alike(why: &str, other: &str) -> bool {
    let sort = |why: &str| {
        ["a trap", "not compiled", "a panic", "compiled\n", "images differ", "laid out"]
            .into_iter()
            .position(|word| why.contains(word))
    };
    sort(why) == sort(other)
}

fn candidate(program: Program) -> Option<Kept> {
    let (text, _) = program.text();
    let model = check(&text).ok()?;
    Some(Kept { program, text, model, dropped: BTreeMap::new(), rules: 0 })
}

/// The smallest program found that still fails, and how.
pub(crate) fn shrink(
    mut kept: Kept,
    mut why: String,
    fails: &dyn Fn(&Kept) -> Option<String>,
) -> (Kept, String) {
    let mut tries = 0;
    let mut smaller = |program: Program, why: &str| {
        tries += 1;
        let found = (tries < TRIES).then(|| candidate(program)).flatten()?;
        let told = fails(&found).filter(|told| alike(told, why))?;
        Some((found, told))
    };
    loop {
        let before = kept.text.len();
        let mut part = kept.program.parts.len();
        while part > 0 {
            part -= 1;
            if let Some(found) = smaller(kept.program.without(part), &why) {
                (kept, why) = found;
                continue;
            }
            let mut stmt = kept.program.parts[part].stmts.len();
            while stmt > 0 {
                stmt -= 1;
                if let Some(found) = smaller(kept.program.without_stmt(part, stmt), &why) {
                    (kept, why) = found;
                }
            }
        }
        if kept.text.len() == before {
            return (kept, why);
        }
    }
}
