//! The reference interpreter: one offer to at most one entry.
//!
//! This is what an object *means*. The compiled component must agree with it byte for byte. The
//! state after a step is [`apply`] of its entry to the state before, so a lineage folds to exactly
//! the state that its steps saw. It knows no clock, no store and no signature.
//!
//! The phases of a step, in order: 0 time and inputs ([`begin`]); 1 what is past its deadline
//! ([`foretell`]); 2 the message; 3 the tick rules ([`rule`]); 3a a last look at what is foretold;
//! 4 trust; 5 the next due instant ([`schedule`]).

mod begin;
mod bytes;
mod eval;
mod fold;
mod foretell;
mod rule;
mod schedule;
mod watch;

use crate::cbor::Writer;
use crate::entry::{
    Cause, Entry, Foretold, Outcome, Read, Said, Settled, Tick, TrustChange, Verdict,
};
use crate::expr::Expr;
use crate::image::{Image, State};
use crate::layout::{Layout, state};
use crate::model::Model;
use crate::offer::{Message, Offer, OfferKind};
use crate::policy::{Happening, Reason, Trigger};
use crate::trust::{self, Gain};
use crate::types::Bounds;
use crate::types::Type;
use crate::value::Value;

pub use bytes::{Answer, step_bytes};
pub use fold::{Misfit, apply};
pub use rule::failing_always;
pub use schedule::next_due;
pub use watch::Seen;

/// What came of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stepped {
    /// What was recorded, if anything.
    pub entry: Option<Entry>,
    /// The image afterwards; the same as before where nothing was recorded, and the unborn one where
    /// nothing was born. Its head is still that of the predecessor: the host chains.
    pub image: Image,
    /// Why the offer was refused; `None` where it was not.
    pub reply: Option<Reason>,
    /// Ticks up to here have been judged.
    pub served: i64,
    /// When the object wants to be ticked next; [`NEVER`](crate::types::NEVER) if by itself never.
    pub next_due: i64,
}

/// Whether a condition of fields, roles, time and trust holds in a state at an instant.
pub fn holds(model: &Model, state: &State, now: i64, cond: &Expr, locals: &[Type]) -> bool {
    let state = State { now, ..state.clone() };
    eval::Scope::of_state(model, &state, locals).holds(cond)
}

/// The value of a sound expression that reads nothing; none where nothing answers for what fails.
pub fn value_of(model: &Model, layout: &Layout, expr: &Expr, locals: &[Type]) -> Option<Value> {
    let unborn = Image::unborn(model, layout);
    eval::Scope::of_state(model, &unborn.state, locals).eval(expr).ok()
}

/// A step in progress.
struct Step<'a> {
    model: &'a Model,
    layout: &'a Layout,
    /// The state as rules find it: earlier rules of this step have committed.
    state: State,
    now: i64,
    observed: i64,
    ignored: u32,
    /// Inputs that are there, fresh and in range, with their instants.
    views: Vec<Option<(Value, i64)>>,
    message: Option<&'a Message>,
    tick: Option<Tick>,
    /// Inputs read so far, bit by bit.
    read: std::cell::Cell<u64>,
    outcomes: Vec<Outcome>,
    written: Vec<bool>,
    said: Vec<Said>,
    foretold: Vec<Foretold>,
    losses: i64,
    gains: Vec<Gain>,
    watch: &'a dyn Fn(Seen),
}

/// Puts an offer before an object.
pub fn step(model: &Model, layout: &Layout, image: &Image, offer: &Offer) -> Stepped {
    step_watched(model, layout, image, offer, &|_| {})
}

/// Puts an offer before an object, and tells what was evaluated on the way.
pub fn step_watched(
    model: &Model,
    layout: &Layout,
    image: &Image,
    offer: &Offer,
    watch: &dyn Fn(Seen),
) -> Stepped {
    // Clocks count instants; only then do all sums of times fit.
    if !Bounds::INSTANT.contains(offer.observed) && !matches!(offer.kind, OfferKind::Birth(_)) {
        return nothing(model, image, served(offer), Some(Reason::MALFORMED));
    }
    match &offer.kind {
        OfferKind::Birth(birth) => begin::birth(model, layout, offer, birth),
        OfferKind::Bind(bind) => begin::bind(model, layout, image, offer, bind),
        OfferKind::Tick => tick(model, layout, image, offer, watch),
        OfferKind::Message(message) => hear(model, layout, image, offer, message, watch),
    }
}

/// Up to where ticks have been judged, as the host says: an instant.
fn served(offer: &Offer) -> i64 {
    offer.served.clamp(Bounds::INSTANT.low, Bounds::INSTANT.high)
}

/// An offer that leaves no trace.
fn nothing(model: &Model, image: &Image, served: i64, reply: Option<Reason>) -> Stepped {
    let next_due = next_due(model, &image.state, served);
    Stepped { entry: None, image: image.clone(), reply, served, next_due }
}

fn tick(
    model: &Model,
    layout: &Layout,
    image: &Image,
    offer: &Offer,
    watch: &dyn Fn(Seen),
) -> Stepped {
    let last = image.state.now;
    let observed = last.max(offer.observed);
    let deadline = schedule::next_deadline(model, &image.state);
    if deadline < observed {
        // What is past comes first, at its own instant, and by itself.
        let late = observed - deadline > schedule::grace(model);
        let mut step = Step::new(model, layout, image, offer, last.max(deadline), None, watch);
        if late {
            step.views.fill(None);
        }
        step.settle_deadlines();
        return step.finish(image, Cause::Tick(None), None, served(offer));
    }
    let due = if image.state.dormant {
        None
    } else {
        schedule::due(model, &image.state, observed, served(offer))
    };
    if due.is_none() && deadline > observed {
        return nothing(model, image, observed.max(served(offer)), None);
    }
    let mut step = Step::new(model, layout, image, offer, observed, None, watch);
    step.tick = due;
    step.settle_deadlines();
    if due.is_some() {
        step.run_tick_rules();
    }
    step.finish(image, Cause::Tick(due), None, observed.max(served(offer)))
}

fn hear(
    model: &Model,
    layout: &Layout,
    image: &Image,
    offer: &Offer,
    message: &Message,
    watch: &dyn Fn(Seen),
) -> Stepped {
    let now = image.state.now.max(offer.observed);
    let ignored = |reason| nothing(model, image, served(offer), Some(reason));
    if !begin::is_well_formed(model, message) {
        return ignored(Reason::MALFORMED);
    }
    if schedule::next_deadline(model, &image.state) < now {
        return ignored(Reason::DUE_FIRST);
    }
    if let Err(reason) = begin::authenticate(&image.state, message, now) {
        return ignored(reason);
    }
    let mut step = Step::new(model, layout, image, offer, now, Some(message), watch);
    if let Some(envelope) = &message.envelope {
        step.state.roles[usize::from(envelope.role)].burn(envelope.counter);
    }
    step.settle_deadlines();
    let reply = step.take_message(message);
    let cause = Cause::Message {
        kind: message.kind,
        params: message.params.clone(),
        envelope: message.envelope,
    };
    step.finish(image, cause, reply, served(offer))
}

impl<'a> Step<'a> {
    fn new(
        model: &'a Model,
        layout: &'a Layout,
        image: &Image,
        offer: &Offer,
        now: i64,
        message: Option<&'a Message>,
        watch: &'a dyn Fn(Seen),
    ) -> Self {
        let foretold = (0..model.policy.predictions.len())
            .map(|index| Foretold {
                prediction: index as u16,
                settled: Settled::No,
                made: None,
                dropped: 0,
            })
            .collect();
        Step {
            model,
            layout,
            state: image.state.clone(),
            now,
            observed: offer.observed,
            ignored: offer.ignored,
            views: begin::usable_views(model, offer, now),
            message,
            tick: None,
            read: std::cell::Cell::new(0),
            outcomes: Vec::new(),
            written: vec![false; model.schema.fields.len()],
            said: Vec::new(),
            foretold,
            losses: 0,
            gains: Vec::new(),
            watch,
        }
    }

    /// Phase 2: the first rule whose guard is true takes the message.
    fn take_message(&mut self, message: &Message) -> Option<Reason> {
        let (rule, verdict) = match begin::authorise(self.model, message) {
            Err(reason) => (None, Verdict::Refused(reason)),
            Ok(()) => self.elect(message),
        };
        self.outcomes.push(Outcome { rule, verdict });
        match verdict {
            Verdict::Committed => {
                self.gain_by_rule(rule, message);
                None
            }
            Verdict::Refused(reason) | Verdict::Held(reason) => {
                if let Some(envelope) = &message.envelope {
                    self.losses += self.score_loss(Happening::Refused(envelope.role));
                }
                Some(reason)
            }
        }
    }

    fn elect(&mut self, message: &Message) -> (Option<u16>, Verdict) {
        for index in 0..self.model.policy.rules.len() {
            if self.model.policy.rules[index].on != Trigger::Message(message.kind) {
                continue;
            }
            match self.judge(index) {
                Some(Verdict::Held(reason)) => {
                    return (Some(index as u16), Verdict::Refused(reason));
                }
                Some(verdict) => return (Some(index as u16), verdict),
                None => {}
            }
        }
        (None, Verdict::Refused(Reason::NO_RULE))
    }

    /// Phase 3: tick rules, top to bottom, once each. An outcome is recorded when it changes.
    fn run_tick_rules(&mut self) {
        for slot in 0..self.layout.outcomes.len() {
            let rule = self.layout.outcomes[slot].0;
            let Some(verdict) = self.judge(usize::from(rule)) else { continue };
            let code = outcome_code(verdict);
            if verdict == Verdict::Committed || self.state.outcomes[slot] != code {
                self.state.outcomes[slot] = code;
                self.outcomes.push(Outcome { rule: Some(rule), verdict });
            }
        }
    }

    /// Evidence by a rule that committed for a signed message.
    fn gain_by_rule(&mut self, rule: Option<u16>, message: &Message) {
        let (Some(rule), Some(envelope)) = (rule, &message.envelope) else { return };
        let key = self.state.roles[usize::from(envelope.role)].key;
        let amount = self.score_gain(Happening::Rule(rule));
        if amount == 0 || self.state.observing || key == self.state.host {
            return;
        }
        let mut params = Writer::default();
        params.array(message.params.len());
        message.params.iter().for_each(|param| params.value(param));
        let number = self.model.policy.rules[usize::from(rule)].number;
        let claim = trust::claim(1, number, &params.bytes);
        self.gains.push(Gain { amount, source: trust::signer(&key), claim });
    }

    fn score_gain(&self, on: Happening) -> i64 {
        let gains = self.model.policy.trust.iter().flat_map(|trust| &trust.gains);
        gains.filter(|score| score.on == on).map(|score| score.amount).sum()
    }

    fn score_loss(&self, on: Happening) -> i64 {
        let losses = self.model.policy.trust.iter().flat_map(|trust| &trust.losses);
        losses.filter(|score| score.on == on).map(|score| score.amount).sum()
    }

    /// Phases 3a to 5, and the entry, if anything happened.
    fn finish(
        mut self,
        image: &Image,
        cause: Cause,
        reply: Option<Reason>,
        served: i64,
    ) -> Stepped {
        self.look_at_predictions();
        let foretold = std::mem::take(&mut self.foretold);
        let predictions: Vec<Foretold> = foretold.into_iter().filter(happened).collect();
        let is_tick = matches!(cause, Cause::Tick(_));
        if is_tick && self.outcomes.is_empty() && predictions.is_empty() {
            return nothing(self.model, image, served, reply);
        }
        let entry = Entry {
            sequence: image.tail.sequence,
            now: self.now,
            observed: self.observed,
            ignored: self.ignored,
            cause,
            inputs: self.reads(),
            changes: self.changes(),
            trust: self.settle_trust(),
            outcomes: self.outcomes,
            events: self.said,
            predictions,
        };
        let mut next = image.clone();
        apply(self.model, self.layout, &mut next, &entry).expect("a step's entry fits its image");
        let next_due = next_due(self.model, &next.state, served);
        Stepped { entry: Some(entry), image: next, reply, served, next_due }
    }

    fn reads(&self) -> Vec<Read> {
        let read = self.read.get();
        let indices = (0..self.views.len()).filter(|index| read >> index & 1 == 1);
        indices.map(|index| Read { input: index as u16, view: self.views[index].clone() }).collect()
    }

    fn changes(&self) -> Vec<(u16, Value)> {
        let written = self.written.iter().enumerate().filter(|(_, written)| **written);
        written.map(|(index, _)| (index as u16, self.state.fields[index].clone())).collect()
    }

    /// Phase 4.
    fn settle_trust(&mut self) -> Option<TrustChange> {
        let policy = self.model.policy.trust.as_ref()?;
        if self.losses == 0 && self.gains.is_empty() {
            return None;
        }
        let trust = self.state.trust.as_mut()?;
        trust.settle(policy, self.state.born, self.now, self.losses, &mut self.gains);
        let positives = self.gains.iter().map(|gain| (gain.source, gain.claim)).collect();
        Some(TrustChange { x: trust.x, recovering: trust.recovering, positives })
    }
}

/// How a tick rule's outcome is kept.
fn outcome_code(verdict: Verdict) -> u16 {
    match verdict {
        Verdict::Held(reason) => state::HELD | reason.0,
        Verdict::Refused(reason) => state::REFUSED | reason.0,
        Verdict::Committed => 0,
    }
}

fn happened(foretold: &Foretold) -> bool {
    foretold.settled != Settled::No || foretold.made.is_some() || foretold.dropped > 0
}
