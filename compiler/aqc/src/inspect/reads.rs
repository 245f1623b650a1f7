//! What can change what comes of each tick rule between two entries, for people and for tools.

use super::body::expr;
use aqo_compiler::model::Model;
use aqo_compiler::model::policy::{Reason, Rule};
use aqo_compiler::model::reads::Reads;
use aqo_compiler::model::wake::Flips;
use serde_json::{Value as Json, json};

/// What one rule waits for.
struct Waits<'m> {
    rule: &'m str,
    inputs: Vec<&'m str>,
    limits: Vec<&'m str>,
    /// Instants at which a comparison of its guard turns.
    instants: Vec<String>,
    /// Whether trust that decays, or a slope of it, may turn it.
    trust: bool,
    /// Whether every tick is judged, or every one while its guard holds.
    each: Option<&'static str>,
}

impl<'m> Waits<'m> {
    fn of(model: &'m Model, index: u16, rule: &'m Rule) -> Waits<'m> {
        let reads = Reads::of(model, index, rule);
        let flips = || reads.guard.iter().map(|(_, flips)| flips);
        let mut instants: Vec<String> = Vec::new();
        for wake in flips().flat_map(|flips| &flips.times) {
            let at = expr(model, &wake.at, &[]);
            if !instants.contains(&at) {
                instants.push(at);
            }
        }
        let slips = flips().any(Flips::reads_trust);
        let limits = reads.limits.iter().map(|limit| {
            let reason = model.policy.limits[usize::from(*limit)].reason;
            model.policy.reason_name(Reason(reason))
        });
        let inputs = reads.inputs.iter();
        Waits {
            rule: &rule.name,
            inputs: inputs.map(|i| model.schema.inputs[usize::from(*i)].name.as_str()).collect(),
            limits: limits.collect(),
            instants,
            trust: slips || !rule.needs.is_empty(),
            each: match (flips().all(|flips| flips.foreseen), reads.moves) {
                (false, _) => Some("every tick"),
                (true, true) => Some("every tick while its guard holds"),
                (true, false) => None,
            },
        }
    }

    fn line(&self) -> String {
        let named = |what: &str, names: &[&str]| {
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let parts = [
            named("input", &self.inputs),
            (!self.instants.is_empty()).then(|| format!("at {}", self.instants.join(", "))),
            self.trust.then(|| "as trust decays".to_owned()),
            named("as a limit frees:", &self.limits),
            self.each.map(str::to_owned),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let parts = if parts.is_empty() { "entries alone".to_owned() } else { parts.join("; ") };
        format!("  {}: {parts}", self.rule)
    }

    fn json(&self) -> Json {
        json!({
            "rule": self.rule,
            "inputs": self.inputs,
            "instants": self.instants,
            "trust": self.trust,
            "limits": self.limits,
            "each": self.each,
        })
    }
}

fn of_ticks(model: &Model) -> impl Iterator<Item = Waits<'_>> {
    let rules = (0u16..).zip(&model.policy.rules).filter(|(_, rule)| rule.on.is_tick());
    rules.map(|(index, rule)| Waits::of(model, index, rule))
}

/// A line for each tick rule.
pub(super) fn lines(model: &Model) -> Vec<String> {
    of_ticks(model).map(|waits| waits.line()).collect()
}

/// The same for tools.
pub(super) fn as_json(model: &Model) -> Json {
    of_ticks(model).map(|waits| waits.json()).collect()
}
