//! When an object acts: closed forms over what its image holds, so nothing drifts and nothing is
//! lost over restarts and moves.

use crate::entry::Tick;
use crate::image::{PredictionState, State};
use crate::model::Model;
use crate::policy::Prediction;
use crate::types::NEVER;

/// Checkpoints of a prediction that is to hold throughout.
pub(super) const CHECKPOINTS: i64 = 8;

/// How late a deadline may be looked at with the inputs of the day: the shortest period, or 1 s.
pub(super) fn grace(model: &Model) -> i64 {
    model.schema.cycles.iter().map(|cycle| cycle.every).min().unwrap_or(1_000_000)
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

/// The earliest deadline of anything open, or never.
pub(super) fn next_deadline(model: &Model, state: &State) -> i64 {
    let open = model.policy.predictions.iter().zip(&state.predictions);
    let deadlines =
        open.filter_map(|(prediction, open)| Some(deadline(prediction, open.as_ref()?)));
    deadlines.min().unwrap_or(NEVER).min(NEVER)
}

/// The tick that is due at `observed`, if ticks up to `served` have been judged.
pub(super) fn due(model: &Model, state: &State, observed: i64, served: i64) -> Option<Tick> {
    let mut tick: Option<Tick> = None;
    let mut count: i64 = 0;
    for cycle in &model.schema.cycles {
        let latest = (observed - state.born) / cycle.every;
        let before = (served.max(state.born) - state.born) / cycle.every;
        if latest > before {
            count += latest - before;
            let due = state.born + latest * cycle.every;
            if tick.is_none_or(|tick| tick.due < due) {
                tick = Some(Tick { due, missed: 0 });
            }
        }
    }
    tick.map(|tick| Tick { missed: (count - 1).unsigned_abs(), ..tick })
}

/// When the object wants to be ticked next, if ticks up to `served` have been judged.
pub fn next_due(model: &Model, state: &State, served: i64) -> i64 {
    let deadline = next_deadline(model, state);
    if state.dormant {
        return deadline;
    }
    let served = served.max(state.born);
    let ticks = (model.schema.cycles.iter())
        .map(|cycle| state.born + ((served - state.born) / cycle.every + 1) * cycle.every);
    ticks.min().unwrap_or(NEVER).min(deadline).min(NEVER)
}
