//! When a `cycle on time` ticks, and when time changes whether the object is awake: what
//! [`wake`](crate::wake) reads off guards, `dormant` and `ends`, looked at in a state.

use super::eval::Scope;
use crate::entry::Mode;
use crate::expr::Expr;
use crate::image::State;
use crate::layout::{Layout, state};
use crate::limits::PERIOD_MIN;
use crate::model::Model;
use crate::policy::{Measure, Pause};
use crate::slope::{GRID, SPANS};
use crate::types::{NEVER, Type};
use crate::wake::{Flips, Wakes, flips, wakes};

/// An instant at which the object wants to be ticked.
#[derive(Clone, Copy)]
pub(super) struct Instant {
    /// When something turns true, or frees.
    pub(super) turns: i64,
    /// When that is looked at: never closer than this to the step before. An entry may lie later than
    /// what turned before it, where somebody was away.
    pub(super) due: i64,
}

/// The instants at which the object wants to be ticked, those that have been judged included; none
/// lies beyond all time.
pub(super) fn instants(model: &Model, layout: &Layout, state: &State) -> Vec<Instant> {
    if layout.wake.is_none() {
        return Vec::new();
    }
    let mut found: Vec<i64> = Vec::new();
    let Wakes { times, limits, .. } = wakes(model);
    for wake in &times {
        if let Some(mut scope) = given(model, state, &wake.given, wake.locals)
            && let Ok(instant) = scope.int(&wake.at)
        {
            found.push(instant);
        }
    }
    for limit in limits {
        let per = model.policy.limits[limit].per;
        let stamps = state.limits[limit].stamps.iter().filter(|stamp| **stamp != state::FREE);
        found.extend(stamps.map(|stamp| stamp.saturating_add(per)));
    }
    found.push(state.wake);
    let soon = state.now.saturating_add(PERIOD_MIN);
    let timely = found.into_iter().filter(|turns| state.born < *turns && *turns < NEVER);
    timely.map(|turns| Instant { turns, due: turns.max(soon) }).collect()
}

/// Which guards hold in a state, as far as they are known at an instant.
pub(super) fn truths(model: &Model, state: &State, now: i64) -> Vec<bool> {
    let state = State { now, ..state.clone() };
    let conditions = wakes(model).conditions.into_iter();
    let holds = conditions.map(|condition| {
        let all: Vec<&Expr> = condition.all.iter().collect();
        given(model, &state, &all, condition.locals).is_some()
    });
    holds.collect()
}

/// When an entry turned a guard true, it is looked at soon.
pub(super) fn after(model: &Model, state: &State, before: &[bool]) -> i64 {
    let truths = truths(model, state, state.now);
    let turned = truths.iter().zip(before).any(|(now, before)| *now && !before);
    if turned { state.now.saturating_add(PERIOD_MIN) } else { 0 }
}

/// The next instant at which the object falls asleep, wakes or ends by time alone.
pub(super) fn next_flip(model: &Model, state: &State) -> Option<i64> {
    let flips = flips(model);
    // Trust settles after the mode: what an entry made of it is looked at soon.
    let soon = flips.reads_trust().then(|| state.now.saturating_add(PERIOD_MIN));
    let candidates = changes(model, state, &flips, state.now).chain(soon);
    let ahead = candidates.filter(|instant| *instant > state.now && *instant < NEVER);
    ahead.filter(|instant| mode_at(model, state, *instant).is_some()).min()
}

/// The instants at which time may turn one of these, some of which may lie before `now`.
pub(super) fn changes<'s>(
    model: &'s Model,
    state: &'s State,
    flips: &'s Flips<'s>,
    now: i64,
) -> impl Iterator<Item = i64> + 's {
    let times = flips.times.iter().filter_map(move |wake| {
        let mut scope = given(model, state, &wake.given, wake.locals)?;
        scope.int(&wake.at).ok()
    });
    let (policy, trust) = (model.policy.trust.as_ref(), state.trust.as_ref());
    let falls = flips.falls.iter().filter_map(move |fall| {
        let mut scope = given(model, state, &fall.given, fall.locals)?;
        let below = scope.int(fall.below.0).ok()?.checked_add(fall.below.1)?;
        trust?.falls_below(policy?, (state.born, now), below)
    });
    let slopes = flips.slopes.iter();
    let grid = slopes.filter_map(move |measure| grid(model, state, *measure, now)).flatten();
    times.chain(falls).chain(grid)
}

/// The instants at which a slope may change by time alone.
fn grid(
    model: &Model,
    state: &State,
    measure: Measure,
    now: i64,
) -> Option<impl Iterator<Item = i64> + use<>> {
    let span = model.policy.trust.as_ref()?.window(measure) / SPANS;
    let (born, next) = (state.born, (now - state.born) / span + 1);
    Some((next..next + GRID).map(move |number| born + number * span))
}

/// The next instant at which a slope changes by time alone.
pub(super) fn next_slope(model: &Model, state: &State, measure: Measure, now: i64) -> Option<i64> {
    let (policy, trust) = (model.policy.trust.as_ref()?, state.trust.as_ref()?);
    let slope = |now| trust.measure(policy, (state.born, now), 0, measure);
    grid(model, state, measure, now)?.find(|instant| slope(*instant) != slope(now))
}

/// What a state's mode changes to if nothing but time happens until then.
pub(super) fn mode_at(model: &Model, state: &State, now: i64) -> Option<Mode> {
    let holds = |pause: &Option<Pause>| {
        (pause.as_ref())
            .is_some_and(|pause| super::holds(model, state, now, &pause.holds, &pause.locals))
    };
    // Time does not wake what sleeps of a fork.
    let dormant = || state.forked != 0 || holds(&model.policy.dormant);
    mode_of(holds(&model.policy.ends), dormant, state.resting)
}

/// What a mode changes to where it ends, or is to rest, and whether it rests now.
pub(super) fn mode_of(ends: bool, dormant: impl FnOnce() -> bool, resting: bool) -> Option<Mode> {
    if ends {
        return Some(Mode::Ended);
    }
    match (dormant(), resting) {
        (true, false) => Some(Mode::Dormant),
        (false, true) => Some(Mode::Awake),
        (true, true) | (false, false) => None,
    }
}

/// A scope in which these hold, with what they bind; `None` where one does not.
fn given<'s>(
    model: &'s Model,
    state: &'s State,
    given: &[&Expr],
    locals: &[Type],
) -> Option<Scope<'s>> {
    let mut scope = Scope::of_state(model, state, locals);
    given.iter().all(|cond| scope.holds(cond)).then_some(scope)
}
