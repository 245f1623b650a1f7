//! The reference interpreter: one offer to at most one entry.
//!
//! This is what an object *means*. The compiled component must agree with it byte for byte. The
//! state after a step is [`apply`] of its entry to the state before, so a lineage folds to exactly
//! the state that its steps saw. It knows no clock, no store and no signature.
//!
//! The phases of a step, in order: 0 time and inputs ([`begin`]); 1 what is past its deadline
//! ([`foretell`]); 2 the message, or a [`consent`] to one, or a [`fork`]; 3 the tick rules ([`rule`]); 3a a last look
//! at what is foretold; 4 whether the object is awake, and trust; 5 the next due instant
//! ([`schedule`]).

mod begin;
mod bytes;
mod collection;
mod consent;
mod eval;
mod fold;
mod foretell;
mod fork;
mod quiet;
mod rule;
mod schedule;
mod waiting;
mod wake;
mod watch;

use crate::cbor::Writer;
use crate::entry::{
    Cause, Change, Entry, Foretold, Mode, Outcome, Read, Said, Settled, Tick, TrustChange, Verdict,
};
use crate::expr::{Edit, Expr};
use crate::image::{Image, State};
use crate::layout::{Layout, state};
use crate::model::Model;
use crate::offer::{Message, Offer, OfferKind, View};
use crate::policy::{Happening, Pause, Reason, Rule, Trigger};
use crate::schema::Schedule;
use crate::trust::{self, Gain};
use crate::types::Bounds;
use crate::types::Type;
use crate::value::{Bytes32, Value};

pub use begin::{Doubt, doubt};
pub use bytes::{Answer, step_bytes};
pub use fold::{Misfit, apply};
pub use quiet::Quiet;
pub use rule::failing_always;
pub use schedule::{next_due, served_before};
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

/// The values of an object's derives in a state at an instant, in order.
pub fn derived(model: &Model, state: &State, now: i64) -> Vec<Value> {
    let state = State { now, ..state.clone() };
    let derives = 0..model.schema.derives.len() as u16;
    let mut scope = eval::Scope::of_state(model, &state, &[]);
    let values = derives.map(|index| scope.eval(&Expr::Derive(index)).ok());
    values.map(|value| value.expect("verify lets nothing in a derive fail")).collect()
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
    /// Inputs that are there, fresh, in range and proved.
    views: Vec<Option<View>>,
    /// The message at hand.
    speech: Option<Speech>,
    /// The rule to which enough people have consented.
    met: Option<u16>,
    /// The tick that a rule answers.
    tick: Option<Tick>,
    /// Inputs read so far, bit by bit.
    read: std::cell::Cell<u64>,
    outcomes: Vec<Outcome>,
    written: Vec<bool>,
    /// Writes to fields of which rules change parts.
    logged: Vec<Change>,
    said: Vec<Said>,
    foretold: Vec<Foretold>,
    /// What the rule that committed last comes to in each limit with a sum.
    amounts: Vec<i64>,
    losses: i64,
    gains: Vec<Gain>,
    lapsed: Vec<u16>,
    bound: Vec<(u16, Edit<Value>)>,
    watch: &'a dyn Fn(Seen),
}

/// A message that rules are asked to take.
#[derive(Clone)]
struct Speech {
    kind: u16,
    params: Vec<Value>,
    /// Who says it: a role and one of its keys.
    by: Option<(u16, Bytes32)>,
}

impl Speech {
    /// The message that an entry answers.
    fn of_cause(cause: &Cause) -> Option<Speech> {
        match cause {
            Cause::Message { kind, params, envelope } => {
                let by = envelope.as_ref().map(|envelope| (envelope.role, envelope.key));
                Some(Speech { kind: *kind, params: params.clone(), by })
            }
            Cause::Birth { .. }
            | Cause::Tick(_)
            | Cause::Bind(_)
            | Cause::Consent(_)
            | Cause::Fork(_) => None,
        }
    }

    fn of(message: &Message) -> Speech {
        let by = message.envelope.as_ref().map(|envelope| (envelope.role, envelope.key));
        Speech { kind: message.kind, params: message.params.clone(), by }
    }
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
        return nothing(model, layout, image, served(offer), Some(Reason::MALFORMED));
    }
    match &offer.kind {
        OfferKind::Birth(birth) => begin::birth(model, layout, offer, birth),
        OfferKind::Bind(bind) => begin::bind(model, layout, image, offer, bind, watch),
        OfferKind::Tick => tick(model, layout, image, offer, watch),
        OfferKind::Message(message) => hear(model, layout, image, offer, message, watch),
        OfferKind::Consent(consent) => {
            consent::consent(model, layout, image, offer, consent, watch)
        }
        OfferKind::Fork(fork) => fork::fork(model, layout, image, offer, fork, watch),
    }
}

/// Up to where ticks have been judged, as the host says: an instant.
fn served(offer: &Offer) -> i64 {
    offer.served.clamp(Bounds::INSTANT.low, Bounds::INSTANT.high)
}

/// An offer that leaves no trace.
fn nothing(
    model: &Model,
    layout: &Layout,
    image: &Image,
    served: i64,
    reply: Option<Reason>,
) -> Stepped {
    let next_due = next_due(model, layout, &image.state, served);
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
    let deadline = schedule::next_deadline(model, layout, &image.state);
    // What was missed and is judged one by one has its own instants; what is idle is passed over.
    for tick in schedule::older(model, layout, &image.state, observed, served(offer)) {
        if deadline < tick.due {
            break;
        }
        let mut step = Step::new(model, layout, image, offer, tick.due, watch);
        step.views.fill(None);
        step.settle_deadlines();
        if !step.state.resting {
            step.run_tick_rules(&[tick], |rule| !model.reads_inputs(rule));
        }
        let stepped = step.finish(image, Cause::Tick(vec![tick]), None, served(offer));
        if stepped.entry.is_some() {
            return stepped;
        }
    }
    if deadline < observed {
        // What is past comes first, at its own instant, and by itself.
        let late = observed - deadline > schedule::grace(model);
        let mut step = Step::new(model, layout, image, offer, last.max(deadline), watch);
        if late {
            step.views.fill(None);
        }
        step.settle_deadlines();
        return step.finish(image, Cause::Tick(Vec::new()), None, served(offer));
    }
    let due = schedule::due(model, layout, &image.state, observed, served(offer));
    let idle = deadline > observed || !schedule::has_deadlines(model, layout);
    if due.is_empty() && idle {
        return nothing(model, layout, image, observed.max(served(offer)), None);
    }
    let mut step = Step::new(model, layout, image, offer, observed, watch);
    step.settle_deadlines();
    if !due.is_empty() && !step.state.resting {
        step.offer_waiting();
        step.run_tick_rules(&due, |_| true);
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
    let ignored = |reason| nothing(model, layout, image, served(offer), Some(reason));
    if !begin::is_well_formed(model, message) {
        return ignored(Reason::MALFORMED);
    }
    if image.state.ended {
        return ignored(Reason::ENDED);
    }
    if schedule::next_deadline(model, layout, &image.state) < now {
        return ignored(Reason::DUE_FIRST);
    }
    if let Err(reason) = begin::authenticate(model, &image.state, message, now) {
        return ignored(reason);
    }
    let mut step = Step::new(model, layout, image, offer, now, watch);
    if let Some(envelope) = &message.envelope {
        let role = usize::from(envelope.role);
        let declared = &model.schema.roles[role];
        step.state.roles[role].burn(declared, &envelope.key, envelope.counter, now);
    }
    step.settle_deadlines();
    step.offer_waiting();
    let speech = Speech::of(message);
    let allowed = begin::authorise(model, message);
    let reply = step.take_message(&speech, allowed, |step| step.wait(&speech));
    let cycles = (0u16..).zip(&model.schema.cycles);
    let ticks = cycles.filter(|(_, cycle)| cycle.schedule == Schedule::OnMessage);
    let ticks: Vec<Tick> = ticks.map(|(cycle, _)| Tick { cycle, due: now, missed: 0 }).collect();
    if !ticks.is_empty() && !step.state.resting {
        step.speech = None;
        step.run_tick_rules(&ticks, |_| true);
    }
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
            views: begin::usable_views(model, layout, &image.state, offer, now),
            speech: None,
            met: None,
            tick: None,
            read: std::cell::Cell::new(0),
            outcomes: Vec::new(),
            written: vec![false; model.schema.fields.len()],
            logged: Vec::new(),
            said: Vec::new(),
            foretold,
            amounts: Vec::new(),
            losses: 0,
            gains: Vec::new(),
            lapsed: Vec::new(),
            bound: Vec::new(),
            watch,
        }
    }

    /// Phase 2: the first rule whose guard is true takes the message.
    fn take_message(
        &mut self,
        speech: &Speech,
        allowed: Result<(), Reason>,
        untaken: impl FnOnce(&Self) -> Verdict,
    ) -> Option<Reason> {
        self.speech = Some(speech.clone());
        let (rule, verdict) = match allowed {
            Err(reason) => (None, Verdict::Refused(reason)),
            Ok(()) => self.elect(speech.kind).unwrap_or_else(|| (None, untaken(self))),
        };
        self.conclude(rule, verdict, speech, None)
    }

    /// Notes what became of a message, and what that is worth.
    fn conclude(
        &mut self,
        rule: Option<u16>,
        verdict: Verdict,
        speech: &Speech,
        of: Option<u64>,
    ) -> Option<Reason> {
        self.note_of(rule, verdict, of);
        match verdict {
            Verdict::Committed => {
                self.gain_by_rule(rule, speech);
                None
            }
            Verdict::Waits => Some(Reason::WAITS),
            Verdict::Refused(reason) | Verdict::Held(reason) => {
                if let Some((role, _)) = speech.by {
                    self.losses += self.score_loss(Happening::Refused(role));
                }
                Some(reason)
            }
        }
    }

    /// What the first rule whose guard is true says; `None` where there is none.
    fn elect(&mut self, kind: u16) -> Option<(Option<u16>, Verdict)> {
        for index in 0..self.model.policy.rules.len() {
            if self.model.policy.rules[index].on != Trigger::Message(kind) {
                continue;
            }
            match self.judge(index) {
                Some(Verdict::Held(reason)) => {
                    return Some((Some(index as u16), Verdict::Refused(reason)));
                }
                Some(verdict) => return Some((Some(index as u16), verdict)),
                None => {}
            }
        }
        None
    }

    /// Notes what became of a rule.
    fn note(&mut self, rule: Option<u16>, verdict: Verdict) {
        self.note_of(rule, verdict, None);
    }

    fn note_of(&mut self, rule: Option<u16>, verdict: Verdict, of: Option<u64>) {
        let amounts = match verdict {
            Verdict::Committed => std::mem::take(&mut self.amounts),
            Verdict::Held(_) | Verdict::Refused(_) | Verdict::Waits => Vec::new(),
        };
        self.outcomes.push(Outcome { rule, verdict, amounts, of });
    }

    /// Phase 3: tick rules, top to bottom, once each. An outcome is recorded when it changes.
    fn run_tick_rules(&mut self, ticks: &[Tick], judged: impl Fn(&Rule) -> bool) {
        let latest = ticks.iter().map(|tick| tick.due).max().unwrap_or(self.now);
        let count: u64 = ticks.iter().map(|tick| tick.missed.saturating_add(1)).sum();
        for slot in 0..self.layout.outcomes.len() {
            let rule = self.layout.outcomes[slot].0;
            let declared = &self.model.policy.rules[usize::from(rule)];
            if !judged(declared) {
                continue;
            }
            self.tick = match declared.on {
                Trigger::Cycle(cycle) => ticks.iter().find(|tick| tick.cycle == cycle).copied(),
                Trigger::Tick
                | Trigger::Message(_)
                | Trigger::Expired(_)
                | Trigger::Kept(_)
                | Trigger::Broken(_)
                | Trigger::Lapsed(_)
                | Trigger::Arrive => {
                    Some(Tick { cycle: 0, due: latest, missed: count.saturating_sub(1) })
                }
            };
            if self.tick.is_none() {
                continue;
            }
            let Some(verdict) = self.judge(usize::from(rule)) else { continue };
            let code = outcome_code(verdict);
            let acts = matches!(verdict, Verdict::Committed | Verdict::Waits);
            if acts || self.state.outcomes[slot] != code {
                self.state.outcomes[slot] = code;
                self.note(Some(rule), verdict);
            }
        }
        self.tick = None;
    }

    /// Rules on something that has happened in this step.
    fn react(&mut self, on: Trigger) {
        self.react_to(on, None);
    }

    /// Rules on something that has happened to this message.
    fn react_to(&mut self, on: Trigger, to: Option<Speech>) {
        let outer = std::mem::replace(&mut self.speech, to);
        let rules = &self.model.policy.rules;
        for index in (0..rules.len()).filter(|index| rules[*index].on == on) {
            if let Some(verdict) = self.judge(index) {
                self.note(Some(index as u16), verdict);
            }
        }
        self.speech = outer;
    }

    /// Evidence by a rule that committed for a signed message.
    fn gain_by_rule(&mut self, rule: Option<u16>, speech: &Speech) {
        let (Some(rule), Some((_, key))) = (rule, speech.by) else { return };
        let amount = self.score_gain(Happening::Rule(rule));
        if amount == 0 || self.state.observing || key == self.state.host {
            return;
        }
        let mut params = Writer::default();
        params.array(speech.params.len());
        let (rule, schema) = (&self.model.policy.rules[usize::from(rule)], &self.model.schema);
        let message = rule.on.carries().map(|kind| &schema.messages[usize::from(kind)]);
        let declared = message.map_or(&[][..], |message| &message.params);
        params.values(&speech.params, declared, &schema.types);
        let number = rule.number;
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
        let mode = self.mode();
        let mut reply = reply;
        if mode == Some(Mode::Ended) {
            let arrived = Speech::of_cause(&cause);
            self.turn_away(image.tail.sequence, arrived.as_ref());
            // Nothing waits for what is over.
            reply =
                reply.map(|reason| if reason == Reason::WAITS { Reason::ENDED } else { reason });
        }
        // What passed asleep is nothing: an object that wakes owes no tick.
        let served = if mode == Some(Mode::Awake) { served.max(self.now) } else { served };
        let is_tick = matches!(cause, Cause::Tick(_));
        let is_break = matches!(cause, Cause::Fork(_));
        let quiet = self.outcomes.is_empty() && self.lapsed.is_empty() && mode.is_none();
        if is_tick && quiet && predictions.is_empty() {
            return nothing(self.model, self.layout, image, served, reply);
        }
        let entry = Entry {
            sequence: image.tail.sequence,
            now: self.now,
            observed: self.observed,
            ignored: self.ignored,
            cause,
            inputs: self.reads(),
            changes: self.changes(),
            trust: self.settle_trust(is_break),
            outcomes: self.outcomes,
            events: self.said,
            predictions,
            lapsed: self.lapsed,
            bound: self.bound,
            mode,
        };
        let mut next = image.clone();
        apply(self.model, self.layout, &mut next, &entry).expect("a step's entry fits its image");
        let next_due = next_due(self.model, self.layout, &next.state, served);
        Stepped { entry: Some(entry), image: next, reply, served, next_due }
    }

    /// Phase 4: whether the object is awake, where that changes.
    fn mode(&self) -> Option<Mode> {
        let holds = |pause: &Option<Pause>| {
            pause
                .as_ref()
                .is_some_and(|pause| eval::Scope::of_step(self, &pause.locals).holds(&pause.holds))
        };
        let policy = &self.model.policy;
        let dormant = || self.state.forked != 0 || holds(&policy.dormant);
        wake::mode_of(holds(&policy.ends), dormant, self.state.resting)
    }

    fn reads(&self) -> Vec<Read> {
        let read = self.read.get();
        let indices = (0..self.views.len()).filter(|index| read >> index & 1 == 1);
        indices.map(|index| Read { input: index as u16, view: self.views[index].clone() }).collect()
    }

    fn changes(&mut self) -> Vec<Change> {
        let written = (0u16..).zip(&self.written).filter(|(_, written)| **written);
        let plain = written.filter(|(field, _)| !self.model.is_logged(*field));
        let plain = plain.map(|(field, _)| {
            let whole = Change::whole(field, self.state.fields[usize::from(field)].clone());
            let slot = self.layout.signed.iter().position(|(attested, _)| *attested == field);
            Change { signed: slot.is_some_and(|slot| self.state.signed[slot]), ..whole }
        });
        let mut changes: Vec<Change> = plain.collect();
        changes.append(&mut self.logged);
        changes
    }

    /// Phase 4.
    fn settle_trust(&mut self, is_break: bool) -> Option<TrustChange> {
        let policy = self.model.policy.trust.as_ref()?;
        if self.losses == 0 && self.gains.is_empty() && !is_break {
            return None;
        }
        let (trust, times) = (self.state.trust.as_mut()?, (self.state.born, self.now));
        trust.settle(policy, times, self.losses, &mut self.gains, is_break);
        let positives = self.gains.iter().map(|gain| (gain.source, gain.claim)).collect();
        let sum = trust.slopes.as_ref().map(|slopes| slopes.sum);
        Some(TrustChange { x: trust.x, recovering: trust.recovering, positives, sum })
    }
}

/// How a tick rule's outcome is kept.
fn outcome_code(verdict: Verdict) -> u16 {
    match verdict {
        Verdict::Held(reason) => state::HELD | reason.0,
        Verdict::Refused(reason) => state::REFUSED | reason.0,
        Verdict::Waits => state::HELD | Reason::WAITS.0,
        Verdict::Committed => 0,
    }
}

fn happened(foretold: &Foretold) -> bool {
    foretold.settled != Settled::No || foretold.made.is_some() || foretold.dropped > 0
}
