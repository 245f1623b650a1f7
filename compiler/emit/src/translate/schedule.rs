//! When the object acts: the twin of `step::schedule`.

use crate::code::Code;
use crate::ir::{Exp, Var, load32, load64};
use crate::memory::{cell, size};
use crate::translate::scope::prediction_record;
use crate::unit::Routine;
use aqo_model::Model;
use aqo_model::layout::{prediction, state};
use aqo_model::types::NEVER;

/// Checkpoints of a prediction that is to hold throughout.
pub(crate) const CHECKPOINTS: i64 = 8;

/// How late a deadline may be looked at with the inputs of the day.
pub(crate) fn grace(model: &Model) -> i64 {
    model.schema.cycles.iter().map(|cycle| cycle.every).min().unwrap_or(1_000_000)
}

/// Whether the prediction with this index is open.
pub(crate) fn is_open(code: &Code<'_, '_>, index: u16) -> Exp {
    load32(1, 0, prediction_record(code, index).0 + size(prediction::OPEN))
}

/// The instant at which an open prediction wants to be settled or looked at.
pub(crate) fn deadline(code: &Code<'_, '_>, index: u16) -> Exp {
    let (record, _) = prediction_record(code, index);
    let declared = &code.unit.model.policy.predictions[usize::from(index)];
    let made = load64(0, record + size(prediction::MADE));
    if declared.throughout {
        let seen = load32(1, 0, record + size(prediction::SEEN)).extend();
        made + ((seen + 1i64) * declared.span).div_u(CHECKPOINTS)
    } else {
        // A deadline belongs to the time before it.
        made + (declared.span + 1)
    }
}

/// `() -> instant`: the earliest deadline of anything open, or never.
pub(crate) fn next_deadline(code: &mut Code<'_, '_>) {
    let earliest = code.bind(NEVER);
    for index in indices(code.unit.model.policy.predictions.len()) {
        let open = is_open(code, index);
        code.when(open, |code| {
            let deadline = code.bind(deadline(code, index));
            code.set(earliest, deadline.get().select(earliest, deadline.get().lt_s(earliest)));
        });
    }
    code.ret(earliest);
}

/// The earliest deadline, in an operand that may stand more than once.
pub(crate) fn deadline_of_all(code: &mut Code<'_, '_>) -> Exp {
    if code.unit.model.policy.predictions.is_empty() {
        return Exp::I64(NEVER);
    }
    let deadline = code.call(Routine::NextDeadline, []);
    code.atom(deadline)
}

fn born(code: &Code<'_, '_>) -> Exp {
    load64(0, code.unit.map.image + size(state::BORN))
}

/// Whether the object does not tick; `None` where its class never does not.
pub(crate) fn is_dormant(code: &Code<'_, '_>) -> Option<Exp> {
    use aqo_model::policy::Otherwise;
    let hosts = code.unit.model.policy.hosts.as_ref();
    let may = hosts.is_some_and(|hosts| hosts.otherwise == Otherwise::Dormant);
    let mode = load32(1, 0, code.unit.map.image + size(state::MODE));
    may.then(|| mode & i32::from(state::DORMANT))
}

/// The instant of birth, and how long after it an instant lies; not at all where it lies before.
fn since_birth(code: &mut Code<'_, '_>, instant: Exp) -> (Var, Var) {
    let born = code.bind(born(code));
    let age = code.bind(instant - born);
    code.set(age, age.get().select(0i64, Exp::I64(0).lt_s(age)));
    (born, age)
}

/// Finds the tick that is due at `observed`: its instant, or -1, and how many ticks are.
pub(crate) fn due(code: &mut Code<'_, '_>, observed: Exp) -> (Var, Var) {
    let due = code.bind(-1i64);
    let count = code.bind(0i64);
    let (born, judged) = since_birth(code, load64(0, cell::SERVED));
    let age = code.bind(observed - born);
    for cycle in &code.unit.model.schema.cycles {
        let latest = code.bind(age.get().div_u(cycle.every));
        let new = code.bind(latest - judged.get().div_u(cycle.every));
        code.when(Exp::I64(0).lt_s(new), |code| {
            code.set(count, count + new);
            let instant = code.bind(born + latest * cycle.every);
            code.set(due, instant.get().select(due, due.get().lt_s(instant)));
        });
    }
    (due, count)
}

/// `(served) -> instant`: when the object wants to be ticked next.
pub(crate) fn next_due(code: &mut Code<'_, '_>) {
    let [served] = code.params();
    let deadline = deadline_of_all(code);
    if let Some(dormant) = is_dormant(code) {
        code.when(dormant, |code| code.ret(deadline.clone()));
    }
    let next = code.bind(deadline);
    if !code.unit.model.schema.cycles.is_empty() {
        let (born, judged) = since_birth(code, served.get());
        for cycle in &code.unit.model.schema.cycles {
            let number = judged.get().div_u(cycle.every) + 1i64;
            let instant = code.bind(born + number * cycle.every);
            code.set(next, instant.get().select(next, instant.get().lt_s(next)));
        }
    }
    code.ret(next);
}

/// Indices of a list that limits keep short.
pub(crate) fn indices(len: usize) -> impl Iterator<Item = u16> {
    0..u16::try_from(len).expect("lists are shorter than limits::DECLARATIONS")
}
