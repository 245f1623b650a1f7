//! An entry taken into an image, without running a rule: how recovery and every fold of a lineage
//! go, and how a step itself ends.

use super::begin::host_mode;
use super::consent::request;
use super::{Speech, outcome_code, wake};
use crate::edit::{NoPlace, edit};
use crate::entry::{Cause, Entry, Mode, Settled, TrustChange, Verdict};
use crate::image::{Image, KeyState, PredictionState, State};
use crate::layout::Layout;
use crate::layout::trust as ring;
use crate::limits;
use crate::model::Model;
use crate::policy::Trigger;
use crate::request::RequestState;
use crate::slope::Standing;
use crate::trust::Positive;
use crate::waiting::{WaitingMessage, is_full};

/// Why an entry does not follow an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Another number was expected.
    Sequence {
        /// The number that is next.
        expected: u64,
        /// The entry's.
        found: u64,
    },
    /// It lies before its predecessor.
    Time,
    /// A birth after the first entry, or none as the first.
    Birth,
    /// It settles a prediction that is not open, or makes one that is.
    Prediction,
    /// It changes a part that is not there, or fills what is full.
    Change,
    /// It answers a request that is not open, or makes one that is.
    Request,
    /// It takes a message that does not wait, or lets one wait that cannot.
    Message,
    /// It changes trust where none is declared, or leaves it where it breaks.
    Trust,
    /// It answers a fork that this lineage cannot have, or has answered.
    Fork,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Misfit::Sequence { expected, found } => {
                write!(f, "entry {expected} was expected, this is entry {found}")
            }
            Misfit::Time => f.write_str("it lies before its predecessor"),
            Misfit::Birth => f.write_str("a birth is the first entry and no other"),
            Misfit::Prediction => f.write_str("it settles what was not foretold"),
            Misfit::Change => f.write_str("it changes what is not there, or fills what is full"),
            Misfit::Message => f.write_str("it takes a message that does not wait"),
            Misfit::Request => f.write_str("it answers what was not asked"),
            Misfit::Trust => {
                f.write_str("it changes a trust that is not declared, or keeps one that breaks")
            }
            Misfit::Fork => f.write_str("it answers a fork of another lineage"),
        }
    }
}

/// Takes an entry into an image. The head stays: whoever knows the bytes chains them.
pub fn apply(
    model: &Model,
    layout: &Layout,
    image: &mut Image,
    entry: &Entry,
) -> Result<(), Misfit> {
    let expected = image.tail.sequence;
    if entry.sequence != expected {
        return Err(Misfit::Sequence { expected, found: entry.sequence });
    }
    if entry.now < image.state.now {
        return Err(Misfit::Time);
    }
    if matches!(entry.cause, Cause::Birth { .. }) != (expected == 0) {
        return Err(Misfit::Birth);
    }
    let state = &mut image.state;
    let before = match (layout.wake, expected) {
        (None, _) => Vec::new(),
        // What is so at birth turned so.
        (Some(_), 0) => vec![false; limits::CONDITIONS],
        (Some(_), _) => wake::truths(model, state, entry.now),
    };
    state.now = entry.now;
    // What lapsed made room for the next request of its rule.
    for rule in &entry.lapsed {
        close(layout, state, *rule).ok_or(Misfit::Request)?;
    }
    let speech = take_cause(model, layout, state, entry)?;
    take_outcomes(model, layout, state, entry, speech.as_ref())?;
    take_backoffs(model, layout, state, entry);
    for (slot, (input, _)) in layout.readings.iter().enumerate() {
        let read = entry.inputs.iter().find(|read| read.input == *input);
        if let Some(view) = read.and_then(|read| read.view.as_ref()) {
            state.readings[slot] = view.at;
        }
    }
    for change in &entry.changes {
        let field = usize::from(change.field);
        let (ty, types) = (&model.schema.fields[field].ty, &model.schema.types);
        edit(&mut state.fields[field], ty, types, &change.path, change.edit.clone())
            .map_err(|NoPlace| Misfit::Change)?;
        if let Some(slot) = layout.signed.iter().position(|(index, _)| *index == change.field) {
            state.signed[slot] = change.signed;
        }
    }
    for (role, edit) in &entry.bound {
        state.roles[usize::from(*role)].bind(edit);
    }
    if let Some(mode) = entry.mode {
        take_mode(state, mode);
    }
    take_predictions(state, entry)?;
    let is_break = matches!(entry.cause, Cause::Fork(_)) && state.trust.is_some();
    match &entry.trust {
        Some(change) => take_trust(model, state, change, is_break)?,
        None if is_break => return Err(Misfit::Trust),
        None => {}
    }
    state.wake = if layout.wake.is_some() { wake::after(model, state, &before) } else { 0 };
    image.tail.sequence += 1;
    Ok(())
}

/// What became of rules and messages: what waits from now on or no more, what is kept of a tick rule,
/// and what commits come to in limits.
fn take_outcomes(
    model: &Model,
    layout: &Layout,
    state: &mut State,
    entry: &Entry,
    speech: Option<&Speech>,
) -> Result<(), Misfit> {
    for outcome in &entry.outcomes {
        let waited = outcome.of.map(|number| take_waiting(layout, state, number)).transpose()?;
        let speech = waited.as_ref().or(speech);
        let Some(rule) = outcome.rule else {
            if outcome.verdict == Verdict::Waits {
                wait(model, layout, state, entry.sequence, speech)?;
            }
            continue;
        };
        if outcome.verdict == Verdict::Waits {
            ask(model, layout, state, rule, speech)?;
        }
        if let Some(slot) = layout.outcomes.iter().position(|(index, _)| *index == rule) {
            state.outcomes[slot] = outcome_code(outcome.verdict);
        }
        if outcome.verdict == Verdict::Committed {
            let mut amounts = outcome.amounts.iter();
            let limits = model.policy.limits.iter().zip(&mut state.limits);
            for (limit, kept) in limits.filter(|(l, _)| l.rules.contains(&rule)) {
                let amount = limit.sum.as_ref().and_then(|_| amounts.next());
                kept.stamp(entry.now, amount.copied().unwrap_or(0));
            }
        }
    }
    Ok(())
}

/// A cycle at whose tick a rule committed counts anew from there.
fn take_backoffs(model: &Model, layout: &Layout, state: &mut State, entry: &Entry) {
    let Cause::Tick(ticks) = &entry.cause else { return };
    let committed = |on: &dyn Fn(Trigger) -> bool| {
        entry.outcomes.iter().any(|outcome| {
            let rule = outcome.rule.map(|rule| &model.policy.rules[usize::from(rule)]);
            outcome.verdict == Verdict::Committed && rule.is_some_and(|rule| on(rule.on))
        })
    };
    for ((cycle, _), from) in layout.backoffs.iter().zip(&mut state.backoffs) {
        let tick = ticks.iter().find(|tick| tick.cycle == *cycle);
        let acts = |on: Trigger| on == Trigger::Tick || on == Trigger::Cycle(*cycle);
        if let Some(tick) = tick
            && committed(&acts)
        {
            *from = tick.due;
        }
    }
}

/// What an entry answers; gives the message that rules were asked to take, if any.
fn take_cause(
    model: &Model,
    layout: &Layout,
    state: &mut State,
    entry: &Entry,
) -> Result<Option<Speech>, Misfit> {
    match &entry.cause {
        Cause::Birth { bind, roles, .. } => {
            state.born = entry.now;
            state.backoffs.fill(entry.now);
            if let Some(trust) = &mut state.trust {
                trust.t0 = entry.now;
            }
            for (role, keys) in state.roles.iter_mut().zip(roles) {
                role.keys = keys.iter().map(|key| KeyState::new(*key)).collect();
            }
            take_bind(model, state, bind, entry.now);
            Ok(None)
        }
        Cause::Tick(_) => Ok(None),
        Cause::Message { envelope, .. } => {
            if let Some(envelope) = envelope {
                let role = &mut state.roles[usize::from(envelope.role)];
                let declared = &model.schema.roles[usize::from(envelope.role)];
                role.burn(declared, &envelope.key, envelope.counter, entry.now);
            }
            Ok(Speech::of_cause(&entry.cause))
        }
        Cause::Bind(bind) => {
            take_bind(model, state, bind, entry.now);
            Ok(None)
        }
        Cause::Fork(fork) => {
            if !fork.is_of(entry.sequence) || fork.at <= state.forked {
                return Err(Misfit::Fork);
            }
            state.forked = fork.at;
            Ok(None)
        }
        Cause::Consent(consent) => {
            let slot = layout.requests.iter().position(|slot| slot.rule == consent.rule);
            let open = slot.and_then(|slot| state.requests[slot].as_mut());
            open.ok_or(Misfit::Request)?.votes.push(consent.by.key);
            // Rules on what happened besides, and messages that waited, are no answer to the request.
            let answers = |rule: u16| {
                rule == consent.rule || model.policy.rules[usize::from(rule)].on.message().is_some()
            };
            let mut own = entry.outcomes.iter().filter(|outcome| outcome.of.is_none());
            if !own.any(|outcome| outcome.rule.is_none_or(answers)) {
                return Ok(None);
            }
            let open = close(layout, state, consent.rule).ok_or(Misfit::Request)?;
            let kind = model.policy.rules[usize::from(consent.rule)].on.message();
            Ok(kind.map(|kind| Speech { kind, params: open.params, by: open.by }))
        }
    }
}

/// Takes back the request of a rule.
fn close(layout: &Layout, state: &mut State, rule: u16) -> Option<RequestState> {
    let slot = layout.requests.iter().position(|slot| slot.rule == rule)?;
    state.requests[slot].take()
}

/// A rule asks for consent.
fn ask(
    model: &Model,
    layout: &Layout,
    state: &mut State,
    rule: u16,
    speech: Option<&Speech>,
) -> Result<(), Misfit> {
    let slot = layout.requests.iter().position(|slot| slot.rule == rule);
    let open = slot.and_then(|slot| state.requests.get_mut(slot)).filter(|open| open.is_none());
    let declared = &model.policy.rules[usize::from(rule)];
    let speech = speech.filter(|speech| declared.on == Trigger::Message(speech.kind));
    let fits = speech.is_some() || declared.on.is_tick();
    match (open, &declared.quorum) {
        (Some(open), Some(quorum)) if fits => {
            *open = Some(request(state.now, quorum, speech));
            Ok(())
        }
        _ => Err(Misfit::Request),
    }
}

/// A message that waits is taken out of its queue.
fn take_waiting(layout: &Layout, state: &mut State, number: u64) -> Result<Speech, Misfit> {
    for (slot, queue) in layout.queues.iter().zip(&mut state.waiting) {
        if let Some(place) = queue.iter().position(|waiting| waiting.number == number) {
            let WaitingMessage { by, params, .. } = queue.remove(place);
            return Ok(Speech { kind: slot.kind, params, by: Some(by) });
        }
    }
    Err(Misfit::Message)
}

/// The message of this entry waits from now on.
fn wait(
    model: &Model,
    layout: &Layout,
    state: &mut State,
    number: u64,
    speech: Option<&Speech>,
) -> Result<(), Misfit> {
    let Some(Speech { kind, params, by: Some(by) }) = speech else { return Err(Misfit::Message) };
    let queue = layout.queues.iter().position(|slot| slot.kind == *kind);
    let queue = queue.map(|queue| &mut state.waiting[queue]).ok_or(Misfit::Message)?;
    if is_full(model, queue, *by) {
        return Err(Misfit::Message);
    }
    let (arrived, params) = (state.now, params.clone());
    queue.push(WaitingMessage { number, arrived, by: *by, params });
    Ok(())
}

pub(super) fn take_mode(state: &mut State, mode: Mode) {
    match mode {
        Mode::Awake => state.resting = false,
        Mode::Dormant => state.resting = true,
        Mode::Ended => state.ended = true,
    }
}

pub(super) fn take_bind(model: &Model, state: &mut State, bind: &crate::offer::Bind, now: i64) {
    state.host = bind.host;
    state.capabilities = bind.capabilities;
    state.bound = now;
    (state.observing, state.dormant) = host_mode(model, bind.capabilities);
}

fn take_predictions(state: &mut State, entry: &Entry) -> Result<(), Misfit> {
    for foretold in &entry.predictions {
        let open = &mut state.predictions[usize::from(foretold.prediction)];
        match (foretold.settled, open.as_mut()) {
            (Settled::No, _) => {}
            (Settled::Seen, Some(open)) => open.seen += 1,
            (Settled::Kept | Settled::Broken | Settled::Lapsed, Some(_)) => *open = None,
            (Settled::Seen | Settled::Kept | Settled::Broken | Settled::Lapsed, None) => {
                return Err(Misfit::Prediction);
            }
        }
        if let Some((worth, captures)) = &foretold.made {
            if open.is_some() {
                return Err(Misfit::Prediction);
            }
            *open = Some(PredictionState {
                worth: *worth,
                seen: 0,
                made: entry.now,
                captures: captures.clone(),
            });
        }
    }
    Ok(())
}

fn take_trust(
    model: &Model,
    state: &mut State,
    change: &TrustChange,
    is_break: bool,
) -> Result<(), Misfit> {
    let (Some(policy), Some(trust)) = (&model.policy.trust, &mut state.trust) else {
        return Err(Misfit::Trust);
    };
    match (&mut trust.slopes, change.sum) {
        (Some(slopes), Some(sum)) => {
            let standing = Standing { born: state.born, t0: trust.t0, now: state.now };
            slopes.fill(policy, standing);
            slopes.sum = sum;
        }
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => return Err(Misfit::Trust),
    }
    trust.x = change.x;
    trust.t0 = state.now;
    trust.recovering = change.recovering;
    let stamp = ((state.now - state.born) / (policy.window_long / 8)) as u32;
    trust.ring.extend((change.positives.iter()).map(|(source, claim)| Positive {
        source: *source,
        claim: *claim,
        stamp,
        since_break: true,
    }));
    let surplus = trust.ring.len().saturating_sub(ring::CAPACITY);
    trust.ring.drain(..surplus);
    if is_break {
        trust.date_before_break();
    }
    Ok(())
}
