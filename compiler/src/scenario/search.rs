//! A property to a case that it does not hold in, as small as it can be made, or to none.
//!
//! Invariant: the same seed tries the same cases, and a case counts only where it fails at the line
//! at which the first one failed, so what is shown is what was found. A case runs on the interpreter
//! and on the engine that is given, which must agree.

use super::coverage::Coverage;
use super::draw::{self, Random};
use super::property::Property;
use super::walk::{Compute, Done, Failure, STEPS_MAX, walk_both};
use super::{Kind, Scenario, Step};
use crate::diagnostic::Loc;
use aqo_model::value::Value;
use std::cell::RefCell;

/// How many cases are tried unless told otherwise.
pub const CASES: u32 = 256;
/// How many smaller cases are tried.
const SMALLER_MAX: u32 = 2000;
/// The steps that smaller cases may take together, or four times those of one case if that is more.
const SMALLER_STEPS: u64 = 200_000;

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many cases.
    pub cases: u32,
    /// What random values come from.
    pub seed: u64,
    /// The most steps of one case.
    pub steps_max: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { cases: CASES, seed: 0, steps_max: STEPS_MAX }
    }
}

/// A case in which a property does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which case it was, from 1.
    pub case: u32,
    /// The value of each parameter, after it was made smaller.
    pub values: Vec<Value>,
    /// What went wrong.
    pub failure: Failure,
    /// What was gone through.
    pub scenario: Scenario,
    /// Line by line.
    pub done: Vec<Done>,
}

/// A case: values, the lines that are left out, and counts of `repeat` that are lower.
#[derive(Clone, Debug, Default)]
struct Case {
    values: Vec<Value>,
    dropped: Vec<Loc>,
    counts: Vec<(Loc, u64)>,
}

/// Tries a property. Gives the first case that fails, made smaller. Told is what is evaluated while
/// cases are tried, not while one is made smaller.
pub fn search(
    property: &Property,
    settings: Settings,
    seen: Option<&RefCell<Coverage>>,
    component: &mut Compute<'_>,
) -> Option<Found> {
    let types = &property.model()?.wide().schema.types;
    let edges: Vec<Vec<Value>> =
        property.params.iter().map(|param| draw::edges(&param.ty, types)).collect();
    let of_edges = edges.iter().map(Vec::len).max().unwrap_or(0) as u64;
    let mut random = Random::new(settings.seed ^ hash(&property.title));
    // Without parameters all cases are the same.
    let cases = if property.params.is_empty() { settings.cases.min(1) } else { settings.cases };
    let mut search = Search { property, settings, seen, component, spent: 0 };
    for index in 0..cases {
        let chosen = property.params.iter().zip(&edges).map(|(param, edges)| {
            let edge = edges.get(index as usize % edges.len().max(1));
            match edge.filter(|_| u64::from(index) < of_edges) {
                Some(edge) => edge.clone(),
                None => draw::random(&param.ty, types, &mut random),
            }
        });
        let case = Case { values: chosen.collect(), ..Case::default() };
        if let Some(found) = search.attempt(&case) {
            return Some(search.shrink(case, Found { case: index + 1, ..found }));
        }
    }
    None
}

/// FNV-1a, so that two properties of one seed draw different values.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    })
}

/// A search under way.
struct Search<'s, 'c> {
    property: &'s Property,
    settings: Settings,
    seen: Option<&'s RefCell<Coverage>>,
    component: &'s mut Compute<'c>,
    /// Steps of all cases so far.
    spent: u64,
}

impl Search<'_, '_> {
    /// Runs a case; what went wrong, if anything did.
    fn attempt(&mut self, case: &Case) -> Option<Found> {
        let model = self.property.model()?.model();
        let mut scenario = self.property.instance(&case.values)?;
        scenario.steps = smaller_steps(scenario.steps, case);
        let most = self.settings.steps_max;
        let (walk, mut failure) = walk_both(&scenario, model, most, self.seen, self.component);
        self.spent = self.spent.saturating_add(walk.steps);
        if failure.is_none()
            && let Some(problem) = scenario.problems.iter().find(|p| !p.code.is_warning())
        {
            // The property was checked for all values, so this is a fault of that check.
            failure = Some(Failure { what: problem.message.clone(), at: problem.at });
        }
        let values = case.values.clone();
        failure.map(|failure| Found { case: 0, values, failure, scenario, done: walk.done })
    }

    /// Makes a case smaller as long as it fails at the same line.
    fn shrink(&mut self, mut case: Case, mut found: Found) -> Found {
        self.seen = None;
        self.spent = 0;
        let mut left = SMALLER_MAX;
        let most = self.settings.steps_max.saturating_mul(4).max(SMALLER_STEPS);
        'again: loop {
            for next in smaller_cases(self.property, &case, &found.scenario.steps) {
                if left == 0 || self.spent > most {
                    return found;
                }
                left -= 1;
                let smaller = self.attempt(&next);
                if let Some(smaller) = smaller.filter(|s| s.failure.at == found.failure.at) {
                    found = Found { case: found.case, ..smaller };
                    case = next;
                    continue 'again;
                }
            }
            return found;
        }
    }
}

fn smaller_steps(steps: Vec<Step>, case: &Case) -> Vec<Step> {
    let kept = steps.into_iter().filter(|step| !case.dropped.contains(&step.at));
    kept.map(|step| match step.kind {
        Kind::Repeat(count, steps) => {
            let lower = case.counts.iter().rev().find(|(at, _)| *at == step.at);
            let count = lower.map_or(count, |(_, lower)| count.min(*lower));
            Step { kind: Kind::Repeat(count, smaller_steps(steps, case)), at: step.at }
        }
        kind @ (Kind::Given { .. }
        | Kind::People
        | Kind::Approve { .. }
        | Kind::Send { .. }
        | Kind::Offer { .. }
        | Kind::Tick
        | Kind::Advance(_)
        | Kind::Host { .. }
        | Kind::Expect { .. }
        | Kind::Emitted { .. }) => Step { kind, at: step.at },
    })
    .collect()
}

/// Cases that are smaller by one change: a line less, a lower count, a simpler value.
fn smaller_cases(property: &Property, case: &Case, steps: &[Step]) -> Vec<Case> {
    let mut cases = Vec::new();
    let Some(model) = property.model() else { return cases };
    let types = &model.wide().schema.types;
    let mut open: Vec<&Step> = steps.iter().rev().collect();
    while let Some(step) = open.pop() {
        let mut next = case.clone();
        next.dropped.push(step.at);
        cases.push(next);
        if let Kind::Repeat(count, steps) = &step.kind {
            for lower in [1, count / 2, count.saturating_sub(1)] {
                if lower > 0 && lower < *count {
                    let mut next = case.clone();
                    next.counts.push((step.at, lower));
                    cases.push(next);
                }
            }
            open.extend(steps.iter().rev());
        }
    }
    for (index, param) in property.params.iter().enumerate() {
        for simpler in draw::smaller(&case.values[index], &param.ty, types) {
            let mut next = case.clone();
            next.values[index] = simpler;
            cases.push(next);
        }
    }
    cases
}
