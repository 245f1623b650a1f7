//! When the object acts: the twin of `step::schedule`.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Stm, Var, load32, load64};
use crate::memory::{cell, size, tick};
use crate::translate::scope::prediction_record;
use crate::translate::{waiting, wake};
use crate::unit::Routine;
use aqo_model::Model;
use aqo_model::calendar;
use aqo_model::layout::{prediction, request, state};
use aqo_model::policy::Otherwise;
use aqo_model::schema::{CatchUp, Schedule};
use aqo_model::types::NEVER;
use aqo_model::wake::flips;

const DAY: i64 = 86_400_000_000;
/// Checkpoints of a prediction that is to hold throughout.
pub(crate) const CHECKPOINTS: i64 = 8;

/// How late a deadline may be looked at with the inputs of the day.
pub(crate) fn grace(model: &Model) -> i64 {
    let timed = model.schema.cycles.iter().map(|cycle| calendar::shortest(cycle.schedule));
    timed.filter(|period| *period < NEVER).min().unwrap_or(1_000_000)
}

/// Whether objects of a class can have deadlines.
pub(crate) fn has_deadlines(code: &Code<'_, '_>) -> bool {
    let layout = code.unit.layout;
    let asks = !layout.requests.is_empty() || !layout.queues.is_empty();
    let model = code.unit.model;
    asks || !model.policy.predictions.is_empty() || !flips(model).is_empty()
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
    if code.unit.model.policy.ends.is_some() {
        let ended = mode(code, state::ENDED);
        code.when(ended, |code| code.ret(NEVER));
    }
    for index in indices(code.unit.model.policy.predictions.len()) {
        let open = is_open(code, index);
        code.when(open, |code| {
            let deadline = code.bind(deadline(code, index));
            code.set(earliest, deadline.get().select(earliest, deadline.get().lt_s(earliest)));
        });
    }
    for slot in &code.unit.layout.requests {
        let record = code.unit.map.image + size(slot.record);
        code.when(load32(1, 0, record + size(request::OPEN)), |code| {
            let deadline = code.bind(load64(0, record + size(request::DEADLINE)) + 1i64);
            code.set(earliest, deadline.get().select(earliest, deadline.get().lt_s(earliest)));
        });
    }
    waiting::next_expiry(code, earliest);
    wake::next_flip(code, earliest);
    code.ret(earliest);
}

/// The earliest deadline, in an operand that may stand more than once.
pub(crate) fn deadline_of_all(code: &mut Code<'_, '_>) -> Exp {
    if !has_deadlines(code) {
        return Exp::I64(NEVER);
    }
    let deadline = code.call(Routine::NextDeadline, []);
    code.atom(deadline)
}

/// Whether a deadline comes before an instant, which is to be answered first.
pub(crate) fn overdue(code: &mut Code<'_, '_>, now: &Exp) -> Option<Exp> {
    let deadline = has_deadlines(code).then(|| code.call(Routine::NextDeadline, []))?;
    Some(deadline.lt_s(now.clone()))
}

fn born(code: &Code<'_, '_>) -> Exp {
    load64(0, code.unit.map.image + size(state::BORN))
}

/// A mark of the object's mode.
pub(crate) fn mode(code: &Code<'_, '_>, mark: u8) -> Exp {
    load32(1, 0, code.unit.map.image + size(state::MODE)) & i32::from(mark)
}

/// Whether the object does not tick on its host; `None` where its class never does not.
pub(crate) fn is_dormant(code: &Code<'_, '_>) -> Option<Exp> {
    let hosts = code.unit.model.policy.hosts.as_ref();
    let may = hosts.is_some_and(|hosts| hosts.otherwise == Otherwise::Dormant);
    may.then(|| mode(code, state::DORMANT))
}

/// Whether no tick has to look whether an object that rests wakes or ends.
pub(crate) fn is_foreseen(code: &Code<'_, '_>) -> bool {
    flips(code.unit.model).foreseen
}

/// Whether ticks mean nothing.
pub(crate) fn sleeps(code: &Code<'_, '_>) -> Exp {
    let policy = &code.unit.model.policy;
    let mut marks = 0;
    if policy.ends.is_some() {
        marks |= state::ENDED;
    }
    if is_foreseen(code) {
        marks |= state::RESTING;
    }
    if is_dormant(code).is_some() {
        marks |= state::DORMANT;
    }
    if is_foreseen(code) || policy.ends.is_some() {
        return mode(code, marks);
    }
    // There is nothing to look for since a fork.
    let forked = load64(0, code.unit.map.image + size(state::FORKED)).ne(0i64);
    if marks == 0 { forked } else { mode(code, marks) | forked }
}

/// From when on a cycle counts.
fn origin(code: &Code<'_, '_>, cycle: u16) -> Exp {
    let backoff = code.unit.layout.backoffs.iter().find(|(index, _)| *index == cycle);
    backoff.map_or_else(|| born(code), |(_, offset)| load64(0, code.unit.map.image + size(*offset)))
}

/// `(instant) -> count`: the twin of `calendar::count`; none before the cycle's origin.
pub(crate) fn count_ticks(code: &mut Code<'_, '_>, cycle: u16) {
    let [to] = code.params();
    let from = code.bind(origin(code, cycle));
    code.when(to.get().lt_s(from), |code| code.set(to, from));
    match code.unit.model.schema.cycles[usize::from(cycle)].schedule {
        Schedule::Every(every) => code.ret((to - from).div_u(every)),
        Schedule::Backoff { first, most } => {
            let (doublings, reach) = calendar::doublings(first, most);
            let passed = code.bind(to - from);
            code.when(Exp::I64(reach).le_s(passed), |code| {
                code.ret((passed - reach).div_u(most) + doublings);
            });
            // One more for each doubling that has passed.
            let number = code.bind(0i64);
            let next = code.bind(first);
            code.repeat(
                Rounds::doublings(u32::try_from(doublings).unwrap_or(u32::MAX)),
                |code, again| {
                    code.when(next.get().le_s(passed), |code| {
                        code.set(number, number + 1i64);
                        code.set(next, (next << 1i64) + first);
                        code.stop(again);
                    });
                },
            );
            code.ret(number);
        }
        Schedule::Daily(at) => {
            let day = |instant: Var| (instant + (DAY - at)).div_u(DAY);
            code.ret(day(to) - day(from));
        }
        Schedule::Monthly(day, at) => {
            let (to, from) = (month(code, to, day, at), month(code, from, day, at));
            code.ret(to - from);
        }
        Schedule::OnMessage | Schedule::OnTime => code.ret(0i64),
    }
}

/// `(number) -> instant`: the twin of `calendar::instant`.
pub(crate) fn tick_instant(code: &mut Code<'_, '_>, cycle: u16) {
    let [number] = code.params();
    let from = code.bind(origin(code, cycle));
    match code.unit.model.schema.cycles[usize::from(cycle)].schedule {
        Schedule::Every(every) => code.ret(from + number * every),
        Schedule::Backoff { first, most } => {
            let (doublings, reach) = calendar::doublings(first, most);
            code.when(Exp::I64(doublings).lt_s(number), |code| {
                code.ret((from + reach) + (number - doublings) * most);
            });
            code.ret(from + ((Exp::I64(1) << number) - 1i64) * first);
        }
        Schedule::Daily(at) => {
            let day = (from + (DAY - at)).div_u(DAY) - 1i64;
            code.ret((day + number) * DAY + at);
        }
        Schedule::Monthly(day, at) => {
            let month = month(code, from, day, at);
            let month = code.bind(month + number);
            let instant = in_month(code, month, day, at);
            code.ret(instant);
        }
        Schedule::OnMessage | Schedule::OnTime => code.ret(NEVER),
    }
}

/// The number of the last month of which the instant has come.
fn month(code: &mut Code<'_, '_>, instant: Var, day: u8, at: i64) -> Var {
    let this = code.call(Routine::MonthOf, [instant.get()]);
    let this = code.bind(this);
    let start = in_month(code, this, day, at);
    let ahead = instant.get().lt_s(start);
    code.bind(this - ahead.extend())
}

/// The instant in a month.
fn in_month(code: &mut Code<'_, '_>, month: Var, day: u8, at: i64) -> Exp {
    let first = code.call(Routine::MonthStart, [month.get()]);
    let first = code.bind(first);
    let next = code.call(Routine::MonthStart, [month + 1i64]);
    let days = code.bind(next - first);
    let wanted = Exp::I64(day.into());
    let day = wanted.clone().select(days, wanted.lt_s(days));
    (first + day - 1i64) * DAY + at
}

/// The cycle whose missed ticks are each judged at their own instant: its index, and how many.
pub(crate) fn catching(model: &Model) -> Option<(u16, u16)> {
    let cycles = &model.schema.cycles;
    indices(cycles.len()).zip(cycles).find_map(|(index, cycle)| match cycle.catch_up {
        CatchUp::All(most) => Some((index, most)),
        CatchUp::One | CatchUp::Skip => None,
    })
}

/// How many ticks of a cycle have been judged, or lie where none can be any more, if those up to
/// `served` have been.
pub(crate) fn judged(code: &mut Code<'_, '_>, cycle: u16, served: Exp) -> Exp {
    let upto = match code.unit.model.schema.cycles[usize::from(cycle)].catch_up {
        CatchUp::One | CatchUp::Skip => served,
        CatchUp::All(_) => {
            let served = code.bind(served);
            let last = code.bind(load64(0, code.unit.map.image + size(state::NOW)));
            served.get().select(last, last.get().lt_s(served))
        }
    };
    code.call(Routine::CountTicks(cycle), [upto])
}

/// Finds the ticks that are due at `observed`; whether there is any.
pub(crate) fn due(code: &mut Code<'_, '_>, observed: Exp) -> Var {
    let any = code.bind(0);
    let (latest_of_all, missed_of_all) = (code.bind(-1i64), code.bind(-1i64));
    let cycles = &code.unit.model.schema.cycles;
    for (index, cycle) in indices(cycles.len()).zip(cycles) {
        let record = code.unit.map.ticks + tick::SIZE * u32::from(index);
        code.store(8, 0, record + tick::DUE, -1i64);
        if cycle.schedule == Schedule::OnMessage {
            continue;
        }
        if cycle.schedule == Schedule::OnTime {
            let args = [load64(0, cell::SERVED), observed.clone()];
            let instant = code.call(Routine::LatestWake, args);
            let instant = code.bind(instant);
            code.when(Exp::I64(0).le_s(instant), |code| {
                code.set(any, 1);
                code.store(8, 0, record + tick::DUE, instant);
                code.store(8, 0, record + tick::MISSED, 0i64);
                code.set(missed_of_all, missed_of_all + 1i64);
                let later = latest_of_all.get().lt_s(instant);
                code.set(latest_of_all, instant.get().select(latest_of_all, later));
            });
            continue;
        }
        let latest = code.call(Routine::CountTicks(index), [observed.clone()]);
        let latest = code.bind(latest);
        let before = judged(code, index, load64(0, cell::SERVED));
        let new = code.bind(latest - before);
        code.when(Exp::I64(0).lt_s(new), |code| {
            let instant = code.call(Routine::TickInstant(index), [latest.get()]);
            let instant = code.bind(instant);
            let take = code.nested(|code| {
                code.set(any, 1);
                code.store(8, 0, record + tick::DUE, instant);
                code.store(8, 0, record + tick::MISSED, new - 1i64);
                code.set(missed_of_all, missed_of_all + new);
                let later = latest_of_all.get().lt_s(instant);
                let latest = instant.get().select(latest_of_all, later);
                code.set(latest_of_all, if cycles.len() == 1 { instant.get() } else { latest });
            });
            if cycle.catch_up != CatchUp::Skip {
                take.into_iter().for_each(|stm| code.push(stm));
            } else {
                let patience = calendar::patience(cycle.schedule);
                let timely = (observed.clone() - instant).le_s(patience);
                code.push(Stm::If(timely, take, Vec::new()));
            }
        });
    }
    code.store(8, 0, cell::DUE, latest_of_all);
    code.store(8, 0, cell::MISSED, missed_of_all);
    code.set(any, any & sleeps(code).eqz());
    any
}

/// Ticks up to an instant are judged, or were nothing: what wakes owes no tick.
pub(crate) fn serve(code: &mut Code<'_, '_>, upto: &Exp) {
    let served = code.bind(load64(0, cell::SERVED));
    let later = upto.clone().select(served.get(), served.get().lt_s(upto.clone()));
    code.store(8, 0, cell::SERVED, later);
}

/// `(served) -> instant`: when the object wants to be ticked next.
pub(crate) fn next_due(code: &mut Code<'_, '_>) {
    let [served] = code.params();
    let deadline = deadline_of_all(code);
    code.when(sleeps(code), |code| code.ret(deadline.clone()));
    let next = code.bind(deadline);
    let cycles = &code.unit.model.schema.cycles;
    for (index, cycle) in indices(cycles.len()).zip(cycles) {
        if cycle.schedule == Schedule::OnMessage {
            continue;
        }
        if cycle.schedule == Schedule::OnTime {
            let instant = code.call(Routine::NextWake, [served.get()]);
            let instant = code.bind(instant);
            code.set(next, instant.get().select(next, instant.get().lt_s(next)));
            continue;
        }
        let number = judged(code, index, served.get());
        let instant = code.call(Routine::TickInstant(index), [number + 1i64]);
        let instant = code.bind(instant);
        code.set(next, instant.get().select(next, instant.get().lt_s(next)));
    }
    code.ret(next);
}

/// Indices of a list that limits keep short.
pub(crate) fn indices(len: usize) -> impl Iterator<Item = u16> {
    0..u16::try_from(len).expect("lists are shorter than limits::DECLARATIONS")
}
