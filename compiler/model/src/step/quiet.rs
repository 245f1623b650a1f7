//! Until when ticks come to nothing: what lets a host skip them.
//!
//! Where a tick was judged and left no entry, the next one of its cycle leaves none either, as long as
//! nothing is recorded, inputs say the same, and nothing that time changes has changed. So skipped and
//! judged are one and the same lineage.

use super::eval::Scope;
use super::{Step, schedule, wake};
use crate::expr::Expr;
use crate::image::Image;
use crate::layout::{Layout, state};
use crate::limits::READING_AHEAD;
use crate::model::Model;
use crate::offer::{Offer, View};
use crate::policy::{Measure, Rule, Trigger};
use crate::reads::{Reads, outside, reads_time};
use crate::types::NEVER;
use crate::wake::{Flips, flips};
use std::collections::BTreeSet;

/// What a class reads on ticks, worked out once.
pub struct Quiet<'m> {
    model: &'m Model,
    layout: &'m Layout,
    /// The tick rules, and what each reads.
    rules: Vec<(&'m Rule, Reads<'m>)>,
    /// Whether only an offer tells that the object's mode changes.
    watched: bool,
}

impl<'m> Quiet<'m> {
    /// What a class reads on ticks.
    pub fn of(model: &'m Model, layout: &'m Layout) -> Quiet<'m> {
        let rules = (0u16..).zip(&model.policy.rules).filter(|(_, rule)| rule.on.is_tick());
        let rules = rules.map(|(index, rule)| (rule, Reads::of(model, index, rule))).collect();
        Quiet { model, layout, rules, watched: !flips(model).foreseen }
    }

    /// The cycles that tick when time is offered then, if ticks up to `served` have been judged; none
    /// where a deadline comes first or with them, or where several ticks of a cycle are to be judged:
    /// that is never skipped.
    pub fn ticking(&self, image: &Image, observed: i64, served: i64) -> Option<Vec<u16>> {
        let (model, layout, state) = (self.model, self.layout, &image.state);
        let observed = state.now.max(observed);
        let calm = schedule::next_deadline(model, layout, state) > observed
            && schedule::older(model, layout, state, observed, served).is_empty();
        let due = || schedule::due(model, layout, state, observed, served);
        calm.then(|| due().into_iter().map(|tick| tick.cycle).collect())
    }

    /// The first instant, after that of a tick of this cycle which left no entry, at which a tick of
    /// it may leave one; that tick's own instant where this cannot be told. Ticks before it, offered
    /// with inputs of the same values and instants, and with nothing recorded in between, come to
    /// nothing. Deadlines are none of this: they are never skipped.
    pub fn until(&self, image: &Image, offer: &Offer, cycle: u16) -> i64 {
        let now = image.state.now.max(offer.observed);
        let state = &image.state;
        if schedule::sleeps(self.model, state) {
            return NEVER;
        }
        if self.watched {
            return now;
        }
        let mut looked = Look {
            step: Step::new(self.model, self.layout, image, offer, now, &|_| {}),
            now,
            inputs: BTreeSet::new(),
            limits: BTreeSet::new(),
        };
        let answers =
            |rule: &Rule| matches!(rule.on, Trigger::Tick) || rule.on == Trigger::Cycle(cycle);
        let rules = self.rules.iter().filter(|(rule, _)| answers(rule));
        let rules = rules.map(|(rule, reads)| looked.at_rule(rule, reads)).min();
        let rules = rules.unwrap_or(NEVER);
        let until = rules.min(looked.at_predictions()).min(looked.at_waiting());
        until.min(looked.at_inputs(&offer.inputs)).min(looked.at_limits())
    }
}

/// A look at an object after a tick that left no entry.
struct Look<'s> {
    step: Step<'s>,
    now: i64,
    /// Inputs that matter, by index.
    inputs: BTreeSet<u16>,
    /// Limits that matter, by index.
    limits: BTreeSet<u16>,
}

impl Look<'_> {
    /// Until when a rule comes to what it came to.
    fn at_rule(&mut self, rule: &Rule, reads: &Reads<'_>) -> i64 {
        self.inputs.extend(&reads.inputs);
        self.limits.extend(&reads.limits);
        let mut until = NEVER;
        let mut scope = Scope::of_step(&self.step, &rule.locals);
        for (part, flips) in &reads.guard {
            // What each tick has of its own cannot be looked at without one.
            if !flips.foreseen {
                return self.now;
            }
            let turns = self.next(flips);
            if !scope.holds(part) {
                return turns;
            }
            until = until.min(turns);
        }
        if reads.moves {
            return self.now;
        }
        until.min(self.next_of_trust(rule))
    }

    /// The next instant at which time turns one of these.
    fn next(&self, flips: &Flips<'_>) -> i64 {
        let next = wake::changes(self.step.model, &self.step.state, flips, self.now);
        next.filter(|instant| *instant > self.now).min().unwrap_or(NEVER)
    }

    /// The next instant at which time turns one of a rule's demands.
    fn next_of_trust(&self, rule: &Rule) -> i64 {
        let (policy, trust) = (&self.step.model.policy.trust, &self.step.state.trust);
        let (Some(policy), Some(trust)) = (policy, trust) else { return NEVER };
        let born = self.step.state.born;
        let turns = rule.needs.iter().filter_map(|need| match need.of {
            Measure::Trust => trust.falls_below(policy, (born, self.now), need.bound),
            Measure::Slope | Measure::SlopeLong => {
                wake::next_slope(self.step.model, &self.step.state, need.of, self.now)
            }
        });
        turns.min().unwrap_or(NEVER)
    }

    /// Until when open predictions are looked at as they were.
    fn at_predictions(&mut self) -> i64 {
        let model = self.step.model;
        let predictions = model.policy.predictions.iter().zip(&self.step.state.predictions);
        let mut until = NEVER;
        for (prediction, _) in predictions.filter(|(_, open)| open.is_some()) {
            until = until.min(by_time(model, &prediction.holds, self.now));
            outside(model, &prediction.holds, &mut self.inputs, &mut self.limits);
        }
        until
    }

    /// Until when messages wait that wait now.
    fn at_waiting(&mut self) -> i64 {
        let (model, layout) = (self.step.model, self.step.layout);
        let queues = layout.queues.iter().zip(&self.step.state.waiting);
        let kinds: Vec<u16> =
            queues.filter(|(_, queue)| !queue.is_empty()).map(|(slot, _)| slot.kind).collect();
        let mut until = NEVER;
        for rule in &model.policy.rules {
            let asked = rule.on.message().is_some_and(|kind| kinds.contains(&kind));
            for when in rule.when.iter().filter(|_| asked) {
                until = until.min(by_time(model, when, self.now));
                outside(model, when, &mut self.inputs, &mut self.limits);
            }
        }
        until
    }

    /// Until when what the host knows counts as it does.
    fn at_inputs(&self, offered: &[Option<View>]) -> i64 {
        let declared = self.step.model.schema.inputs.iter();
        let views = (0u16..).zip(declared.zip(offered));
        let views = views.filter(|(index, _)| self.inputs.contains(index));
        let ends = views.filter_map(|(_, (input, view))| {
            let view = view.as_ref()?;
            let stale = input.fresh.map(|fresh| view.at.saturating_add(fresh).saturating_add(1));
            let early = input.from.map(|_| view.at.saturating_sub(READING_AHEAD));
            stale.into_iter().chain(early).filter(|instant| *instant > self.now).min()
        });
        ends.min().unwrap_or(NEVER)
    }

    /// Until when limits are as full as they are.
    fn at_limits(&self) -> i64 {
        let limits = self.limits.iter().map(|limit| usize::from(*limit));
        let ends = limits.flat_map(|limit| {
            let per = self.step.model.policy.limits[limit].per;
            let stamps = self.step.state.limits[limit].stamps.iter();
            stamps
                .filter(|stamp| **stamp != state::FREE)
                .map(move |stamp| stamp.saturating_add(per))
        });
        ends.filter(|instant| *instant > self.now).min().unwrap_or(NEVER)
    }
}

/// Never, or now where a condition may change by time.
fn by_time(model: &Model, cond: &Expr, now: i64) -> i64 {
    if reads_time(model, cond) { now } else { NEVER }
}
