//! scratch
use aqo_tests::programs::{check, draw};
use std::collections::BTreeMap;
#[test]
fn scratch() { std::thread::Builder::new().stack_size(aqo_compiler::db::STACK_BYTES).spawn(run).unwrap().join().unwrap(); }
fn run() {
    let n: u64 = std::env::var("AQO_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let (mut bad, mut rules, mut left, mut whole) = (0, 0, 0, 0);
    let mut why: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for seed in 0..n {
        let program = draw(seed);
        match check::keep(program) {
            Ok(kept) => {
                rules += kept.rules;
                left += check::rules_left(&kept);
                whole += u64::from(kept.dropped.is_empty());
                for (name, count) in kept.dropped { let e = why.entry(name).or_default(); e.0 += count; e.1 = seed; }
            }
            Err(error) => { bad += 1; if bad < 6 { println!("seed {seed}: {error}\n"); } }
        }
    }
    let mut why: Vec<_> = why.into_iter().collect();
    why.sort_by_key(|(_, c)| std::cmp::Reverse(c.0));
    for (name, count) in why.iter().take(60) { println!("{:5} seed {:4} {name}", count.0, count.1); }
    println!("{n} programs, {whole} whole, {bad} bad, {left} of {rules} rules");
}
