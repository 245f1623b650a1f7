//! The whole language at random: source programs drawn from seeds, checked, laid out, compiled, and
//! lived through by the interpreter and the compiled core, byte for byte.
//!
//! `AQO_PROGRAMS` says how many, `AQO_SEED` where to begin. A program that fails is made smaller and
//! shown with its seed.

mod calm;
mod constructs;
mod found;
mod shrink;
mod twin;

use aqo_emit::Options;
use aqo_model::layout::Layout;
use aqo_tests::compiled::{Core, counting};
use aqo_tests::programs::check::{self, Kept};
use aqo_tests::programs::draw;
use constructs::Constructs;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use twin::{Told, Twin};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

/// How many without being told.
const PROGRAMS: u64 = 600;
/// Traces of each program, and offers of each trace.
const TRACES: u64 = 20;
const OFFERS: usize = 12;
/// Each how many programs a whole component is compiled.
const COMPONENTS: u64 = 50;

/// What came of many programs.
#[derive(Default)]
struct Sum {
    constructs: Constructs,
    tally: BTreeMap<String, u64>,
    dropped: BTreeMap<String, u64>,
    whole: u64,
    kept: u64,
    rules: (u64, u64),
    offers: (u64, u64),
    failures: Vec<String>,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.constructs.add(other.constructs);
        for (mine, more) in [(&mut self.tally, other.tally), (&mut self.dropped, other.dropped)] {
            more.into_iter().for_each(|(name, count)| *mine.entry(name).or_default() += count);
        }
        self.whole += other.whole;
        self.kept += other.kept;
        self.rules = (self.rules.0 + other.rules.0, self.rules.1 + other.rules.1);
        self.offers = (self.offers.0 + other.offers.0, self.offers.1 + other.offers.1);
        self.failures.extend(other.failures);
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Everything that a kept program must bear.
fn live(engine: &Engine, kept: &Kept, seed: u64) -> Result<Told, String> {
    let laid = aqo_compiler::format(&kept.text).map_err(|why| format!("not laid out: {why:?}"))?;
    if aqo_compiler::format(&laid).as_ref() != Ok(&laid) {
        return Err(format!("laid out twice is not the same:\n{laid}"));
    }
    match check::check(&laid) {
        Ok(model) if model.class() == kept.model.class() => {}
        Ok(_) => return Err("laid out it is another class".to_owned()),
        Err(why) => return Err(format!("laid out it does not check: {why:?}\n{laid}")),
    }
    let (model, layout) = (&kept.model, Layout::of(&kept.model));
    let bytes = aqo_emit::core_module(model);
    let module = Module::new(engine, &bytes).map_err(|why| format!("not compiled: {why:?}"))?;
    if seed.is_multiple_of(COMPONENTS) {
        let component = aqo_emit::component(model, &Options::default());
        let component = component.map_err(|why| format!("no component: {why:?}"))?;
        Component::new(engine, &component).map_err(|why| format!("component: {why:?}"))?;
    }
    let mut core = Core::of(engine, &module, model, &layout);
    if core.class() != model.class().0 {
        return Err("the core is of another class".to_owned());
    }
    let mut told = Told::default();
    calm::live(model, &layout, seed, &mut told)?;
    for trace in 0..TRACES {
        let mut twin = Twin::new(model, &layout, &mut core, seed * TRACES + trace);
        twin.live(OFFERS, &mut told).map_err(|why| format!("trace {trace}, {why}"))?;
    }
    Ok(told)
}

/// The same, where a panic is a failure like others.
fn judge(engine: &Engine, kept: &Kept, seed: u64) -> Result<Told, String> {
    let judged = catch_unwind(AssertUnwindSafe(|| live(engine, kept, seed)));
    judged.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("a panic: {}", text.unwrap_or_default()))
    })
}

fn one(engine: &Engine, seed: u64, sum: &mut Sum) {
    let kept = catch_unwind(|| check::keep(draw(seed)));
    let kept = match kept {
        Ok(Ok(kept)) => kept,
        Ok(Err(why)) => return sum.failures.push(format!("seed {seed}: {why}")),
        Err(_) => return sum.failures.push(format!("seed {seed}: the checker panics")),
    };
    sum.whole += u64::from(kept.dropped.is_empty());
    sum.kept += 1;
    sum.rules.0 += check::rules_left(&kept) as u64;
    sum.rules.1 += kept.rules as u64;
    for (why, count) in &kept.dropped {
        *sum.dropped.entry(why.clone()).or_default() += count;
    }
    match judge(engine, &kept, seed) {
        Ok(told) => {
            let ran = |rule: usize| told.ran.contains(&rule);
            sum.constructs.see(&kept.model, told.entries > 0, &ran);
            told.forks.iter().for_each(|name| sum.constructs.note(name, true));
            sum.offers.0 += told.entries;
            sum.offers.1 += told.offers;
            told.tally.into_iter().for_each(|(n, c)| *sum.tally.entry(n).or_default() += c);
        }
        Err(_) if sum.failures.len() > 2 => sum.failures.push(format!("seed {seed}")),
        Err(why) => {
            let (small, why) = shrink::shrink(kept, why, &|kept| judge(engine, kept, seed).err());
            sum.failures.push(format!("seed {seed}: {why}\n{}", small.text));
        }
    }
}

#[test]
fn programs_agree() {
    let (first, count) = (number("AQO_SEED", 0), number("AQO_PROGRAMS", PROGRAMS));
    let (engine, next) = (counting(), AtomicU64::new(first));
    let worker = || {
        let mut sum = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return sum;
            }
            one(&engine, seed, &mut sum);
        }
    };
    let mut sum = Sum::default();
    std::thread::scope(|scope| {
        let build = || std::thread::Builder::new().stack_size(aqo_compiler::db::STACK_BYTES);
        let workers: Vec<_> =
            (0..2).map(|_| build().spawn_scoped(scope, worker).expect("a thread")).collect();
        for worker in workers {
            sum.add(worker.join().expect("a worker ends"));
        }
    });
    report(&sum, count);
}

fn report(sum: &Sum, count: u64) {
    for (name, count) in &sum.tally {
        println!("{count:8} {name}");
    }
    for (name, (stood, executed)) in &sum.constructs.0 {
        println!("{stood:8} {executed:8} {name}");
    }
    let mut dropped: Vec<_> = sum.dropped.iter().collect();
    dropped.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    dropped.iter().take(25).for_each(|(why, count)| println!("{count:8} dropped, {why}"));
    println!("{} constructs, missing: {:?}", sum.constructs.0.len(), sum.constructs.missing());
    println!(
        "{count} programs, {} kept, {} whole; {} of {} rules kept; {} offers, {} entries",
        sum.kept, sum.whole, sum.rules.0, sum.rules.1, sum.offers.1, sum.offers.0
    );
    assert!(sum.failures.is_empty(), "{} fail:\n{}", sum.failures.len(), sum.failures.join("\n\n"));
    assert!(sum.rules.0 * 100 > sum.rules.1 * 75, "too many rules do not check");
    if count >= PROGRAMS {
        assert_eq!(sum.constructs.missing(), Vec::<&str>::new(), "drawn and executed");
    }
}
