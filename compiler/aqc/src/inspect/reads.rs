//! What can change what comes of a tick between two entries, for people and for tools.

use super::body::expr;
use aqo_compiler::model::Model;
use aqo_compiler::model::expr::Expr;
use aqo_compiler::model::policy::{Reason, Rule};
use aqo_compiler::model::reads::{Reads, outside, reads_time};
use aqo_compiler::model::wake::{Flips, flips};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// What one rule, or something that is open, waits for.
#[derive(Default)]
struct Waits {
    of: String,
    inputs: Vec<String>,
    limits: Vec<String>,
    /// Instants at which a comparison turns.
    instants: Vec<String>,
    /// Whether trust that decays, or a slope of it, may turn it.
    trust: bool,
    /// Where no instant can be told: which ticks are judged.
    each: Option<&'static str>,
}

impl Waits {
    fn of_rule(model: &Model, index: u16, rule: &Rule) -> Waits {
        let reads = Reads::of(model, index, rule);
        let flips = || reads.guard.iter().map(|(_, flips)| flips);
        let mut waits = Waits { of: rule.name.clone(), ..Waits::default() };
        waits.outside(model, &reads.inputs, &reads.limits);
        for wake in flips().flat_map(|flips| &flips.times) {
            let at = instant(model, &wake.at);
            if !waits.instants.contains(&at) {
                waits.instants.push(at);
            }
        }
        waits.trust = !rule.needs.is_empty() || flips().any(Flips::reads_trust);
        waits.each = match (flips().position(|flips| !flips.foreseen), reads.moves) {
            (Some(0), _) => Some("every tick"),
            (Some(_), _) => Some("every tick while what its guard says first holds"),
            (None, true) => Some("every tick while its guard holds"),
            (None, false) => None,
        };
        waits
    }

    /// What is looked at each time while something is open.
    fn while_open(model: &Model, of: String, conds: &[&Expr]) -> Waits {
        let (mut inputs, mut limits) = (BTreeSet::new(), BTreeSet::new());
        conds.iter().for_each(|cond| outside(model, cond, &mut inputs, &mut limits));
        let mut waits = Waits { of, ..Waits::default() };
        waits.outside(model, &inputs, &limits);
        waits.each = conds.iter().any(|cond| reads_time(model, cond)).then_some("every tick");
        waits
    }

    fn outside(&mut self, model: &Model, inputs: &BTreeSet<u16>, limits: &BTreeSet<u16>) {
        let inputs = inputs.iter().map(|i| model.schema.inputs[usize::from(*i)].name.clone());
        self.inputs = inputs.collect();
        let limits = limits.iter().map(|limit| {
            let reason = model.policy.limits[usize::from(*limit)].reason;
            model.policy.reason_name(Reason(reason)).to_owned()
        });
        self.limits = limits.collect();
    }

    fn line(&self) -> String {
        let named = |what: &str, names: &[String]| {
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let parts = [
            named("input", &self.inputs),
            named("at", &self.instants),
            self.trust.then(|| "as trust decays".to_owned()),
            named("as a limit frees:", &self.limits),
            self.each.map(str::to_owned),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let parts = if parts.is_empty() { "entries alone".to_owned() } else { parts.join("; ") };
        format!("  {}: {parts}", self.of)
    }

    fn json(&self) -> Json {
        json!({
            "of": self.of,
            "inputs": self.inputs,
            "instants": self.instants,
            "trust": self.trust,
            "limits": self.limits,
            "each": self.each,
        })
    }
}

/// An instant, as far as it can be said outside its guard.
fn instant(model: &Model, at: &Expr) -> String {
    let mut bound = false;
    at.walk(&mut |expr| bound |= matches!(expr, Expr::Local(_)));
    if bound { "what its guard binds".to_owned() } else { expr(model, at, &[]) }
}

fn all(model: &Model) -> Vec<Waits> {
    let policy = &model.policy;
    let rules = (0u16..).zip(&policy.rules).filter(|(_, rule)| rule.on.is_tick());
    let mut all: Vec<Waits> =
        rules.map(|(index, rule)| Waits::of_rule(model, index, rule)).collect();
    all.extend(policy.predictions.iter().map(|prediction| {
        let of = format!("while {} is open", prediction.name);
        Waits::while_open(model, of, &[&prediction.holds])
    }));
    for (kind, message) in (0u16..).zip(&model.schema.messages) {
        if message.waits.is_some() {
            let rules = policy.rules.iter().filter(|rule| rule.on.message() == Some(kind));
            let guards: Vec<&Expr> = rules.filter_map(|rule| rule.when.as_ref()).collect();
            let of = format!("while {} waits", message.name);
            all.push(Waits::while_open(model, of, &guards));
        }
    }
    if !flips(model).foreseen {
        let of = "dormant, ends".to_owned();
        all.push(Waits { of, each: Some("every tick"), ..Waits::default() });
    }
    all
}

/// A line for each.
pub(super) fn lines(model: &Model) -> Vec<String> {
    all(model).iter().map(Waits::line).collect()
}

/// The same for tools.
pub(super) fn as_json(model: &Model) -> Json {
    all(model).iter().map(Waits::json).collect()
}
