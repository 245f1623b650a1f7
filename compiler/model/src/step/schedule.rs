//! When an object acts: closed forms over what its image holds, so nothing drifts and nothing is
//! lost over restarts and moves.

use super::{waiting, wake};
use crate::calendar;
use crate::entry::Tick;
use crate::image::{PredictionState, State};
use crate::layout::Layout;
use crate::model::Model;
use crate::policy::Prediction;
use crate::schema::{CatchUp, Cycle, Schedule};
use crate::types::NEVER;
use crate::wake::flips;

/// Checkpoints of a prediction that is to hold throughout.
pub(super) const CHECKPOINTS: i64 = 8;

/// How late a deadline may be looked at with the inputs of the day: the shortest period, or 1 s.
pub(super) fn grace(model: &Model) -> i64 {
    let timed = model.schema.cycles.iter().map(|cycle| calendar::shortest(cycle.schedule));
    timed.filter(|period| *period < NEVER).min().unwrap_or(1_000_000)
}

/// The instant at which a prediction wants to be settled or looked at.
pub(super) fn deadline(prediction: &Prediction, open: &PredictionState) -> i64 {
    if prediction.throughout {
        open.made + prediction.span * (i64::from(open.seen) + 1) / CHECKPOINTS
    } else {
        // A deadline belongs to the time before it.
        open.made + prediction.span + 1
    }
}

/// Whether objects of a class can have deadlines.
pub(super) fn has_deadlines(model: &Model, layout: &Layout) -> bool {
    let asks = !layout.requests.is_empty() || !layout.queues.is_empty();
    asks || !model.policy.predictions.is_empty() || !flips(model).is_empty()
}

/// The earliest deadline of anything open, or never.
pub(super) fn next_deadline(model: &Model, layout: &Layout, state: &State) -> i64 {
    let open = model.policy.predictions.iter().zip(&state.predictions);
    let deadlines =
        open.filter_map(|(prediction, open)| Some(deadline(prediction, open.as_ref()?)));
    // A deadline belongs to the time before it.
    let requests = state.requests.iter().flatten().map(|open| open.deadline.saturating_add(1));
    if state.ended {
        return NEVER;
    }
    let expiry = waiting::next_expiry(model, layout, state);
    let flip = wake::next_flip(model, state);
    deadlines.chain(requests).chain(expiry).chain(flip).min().unwrap_or(NEVER).min(NEVER)
}

/// Whether ticks mean nothing: the object is not awake, and no tick has to look whether it is.
pub(super) fn sleeps(model: &Model, state: &State) -> bool {
    let looks = || !flips(model).foreseen && (state.forked == 0 || model.policy.ends.is_some());
    state.ended || state.dormant || (state.resting && !looks())
}

/// From when on the cycle with this index counts.
fn origin(layout: &Layout, state: &State, cycle: usize) -> i64 {
    let backoff = layout.backoffs.iter().position(|(index, _)| usize::from(*index) == cycle);
    backoff.map_or(state.born, |slot| state.backoffs[slot])
}

/// The cycle whose missed ticks are each judged at their own instant: its index, and how many.
fn catching(model: &Model) -> Option<(usize, i64)> {
    let cycles = model.schema.cycles.iter().enumerate();
    cycles.into_iter().find_map(|(index, cycle)| match cycle.catch_up {
        CatchUp::All(most) => Some((index, i64::from(most))),
        CatchUp::One | CatchUp::Skip => None,
    })
}

/// Up to where ticks of a cycle have been judged. What is to be judged one by one cannot lie before
/// the last entry.
fn judged(cycle: &Cycle, state: &State, served: i64) -> i64 {
    match cycle.catch_up {
        CatchUp::All(_) => served.max(state.now),
        CatchUp::One | CatchUp::Skip => served,
    }
}

/// How many ticks of a cycle have been judged, if those up to `served` have been, and how many there
/// are at `observed`.
fn counts(cycle: &Cycle, from: i64, state: &State, (served, observed): (i64, i64)) -> (i64, i64) {
    let served = judged(cycle, state, served);
    let count = |upto: i64| calendar::count(cycle.schedule, from, upto.max(from));
    (count(served), count(observed))
}

/// The missed ticks that are each judged at their own instant, if ticks up to `served` have been
/// judged: the newest but the last of all, the oldest first.
pub(super) fn older(
    model: &Model,
    layout: &Layout,
    state: &State,
    observed: i64,
    served: i64,
) -> Vec<Tick> {
    let Some((index, most)) = catching(model).filter(|_| !sleeps(model, state)) else {
        return Vec::new();
    };
    let cycle = &model.schema.cycles[index];
    let from = origin(layout, state, index);
    let (before, latest) = counts(cycle, from, state, (served, observed));
    let first = (before + 1).max(latest - most + 1);
    let ticks = (first..latest).map(|number| Tick {
        cycle: index as u16,
        due: calendar::instant(cycle.schedule, from, number),
        missed: (number - before - 1).unsigned_abs(),
    });
    ticks.collect()
}

/// The ticks that are due at `observed`, if ticks up to `served` have been judged.
pub(super) fn due(
    model: &Model,
    layout: &Layout,
    state: &State,
    observed: i64,
    served: i64,
) -> Vec<Tick> {
    if sleeps(model, state) {
        return Vec::new();
    }
    let mut ticks = Vec::new();
    for (index, cycle) in model.schema.cycles.iter().enumerate() {
        if cycle.schedule == Schedule::OnTime {
            let wakes = wake::instants(model, layout, state).into_iter();
            let wakes = wakes.filter(|wake| served < wake.turns && wake.due <= observed);
            let latest = wakes.map(|wake| wake.due).max();
            ticks.extend(latest.map(|due| Tick { cycle: index as u16, due, missed: 0 }));
            continue;
        }
        let from = origin(layout, state, index);
        let (before, latest) = counts(cycle, from, state, (served, observed));
        if latest <= before {
            continue;
        }
        let due = calendar::instant(cycle.schedule, from, latest);
        let late = observed - due > calendar::patience(cycle.schedule);
        if cycle.catch_up != CatchUp::Skip || !late {
            let missed = (latest - before - 1).unsigned_abs();
            ticks.push(Tick { cycle: index as u16, due, missed });
        }
    }
    ticks
}

/// When the object wants to be ticked next, if ticks up to `served` have been judged.
pub fn next_due(model: &Model, layout: &Layout, state: &State, served: i64) -> i64 {
    let deadline = next_deadline(model, layout, state);
    if sleeps(model, state) {
        return deadline;
    }
    let cycles = model.schema.cycles.iter().enumerate();
    let ticks = cycles.map(|(index, cycle)| {
        if cycle.schedule == Schedule::OnTime {
            let wakes = wake::instants(model, layout, state).into_iter();
            let wakes = wakes.filter(|wake| served < wake.turns);
            return wakes.map(|wake| wake.due).min().unwrap_or(NEVER);
        }
        let from = origin(layout, state, index);
        let (before, _) = counts(cycle, from, state, (served, served));
        calendar::instant(cycle.schedule, from, before + 1)
    });
    ticks.min().unwrap_or(NEVER).min(deadline).min(NEVER)
}

/// Up to where ticks had been judged when an entry at `now`, which the host observed at `observed`,
/// answered these ones.
pub fn served_before(
    model: &Model,
    layout: &Layout,
    state: &State,
    (now, observed): (i64, i64),
    ticks: &[Tick],
) -> i64 {
    let cycles = model.schema.cycles.iter().enumerate();
    // An older tick says nothing of the other cycles.
    let cycles = cycles.filter(|(index, _)| {
        now >= observed || ticks.iter().any(|tick| usize::from(tick.cycle) == *index)
    });
    let bounds = cycles.map(|(index, cycle)| {
        if cycle.schedule == Schedule::OnTime {
            // One that ticked was not judged up to there; one that did not was.
            let ticked = ticks.iter().any(|tick| usize::from(tick.cycle) == index);
            let wakes = wake::instants(model, layout, state).into_iter();
            let judged = wakes.filter(|wake| !ticked && wake.due <= observed);
            return judged.map(|wake| wake.turns).max().unwrap_or(state.born);
        }
        let from = origin(layout, state, index);
        let latest = calendar::count(cycle.schedule, from, observed.min(now).max(from));
        let tick = ticks.iter().find(|tick| usize::from(tick.cycle) == index);
        let judged = tick.map_or(latest, |tick| {
            let missed = i64::try_from(tick.missed).unwrap_or(i64::MAX);
            latest.saturating_sub(missed.saturating_add(1))
        });
        let instant = calendar::instant(cycle.schedule, from, judged);
        let late = observed - instant > calendar::patience(cycle.schedule);
        match (judged, cycle.catch_up, tick) {
            (..=0, _, _) => state.born,
            // What is missed is nothing there, whatever was judged before.
            (_, CatchUp::Skip, None) if late => state.born,
            // What lies before the last entry is nothing, whatever was judged.
            (_, CatchUp::All(_), _) if instant <= state.now => state.born,
            _ => instant,
        }
    });
    bounds.max().unwrap_or(observed).min(observed)
}
