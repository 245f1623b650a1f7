//! The step: which kind of offer it answers, and the phases of a tick. The twin of `step`.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Stm, Var, load32, load64};
use crate::memory::{cell, size, tick};
use crate::translate::offer as offered;
use crate::translate::outcome::{self, decline};
use crate::translate::schedule::{self, deadline_of_all, due};
use crate::unit::Routine;
use aqo_model::layout::{offer, state};
use aqo_model::policy::{Reason, Rule, Trigger};
use aqo_model::types::NEVER;

/// `()`: answers the offer.
pub(crate) fn step(code: &mut Code<'_, '_>) {
    let at = code.unit.map.offer;
    let kind = code.bind(load32(1, 0, at + size(offer::KIND)));
    let never = code.bind(NEVER);
    let valid = well_timed(code, never);
    let valid = code.bind(valid);
    code.when(kind.get().eq(i32::from(offer::BIRTH)), |code| {
        code.run(Routine::Birth, [valid.get()]);
        code.leave();
    });
    let served = code.bind(load64(0, at + size(offer::SERVED)));
    code.set(served, served.get().select(0i64, Exp::I64(0).lt_s(served)));
    code.set(served, never.get().select(served, never.get().lt_s(served)));
    code.store(8, 0, cell::SERVED, served);
    code.when(valid, |code| {
        for (number, routine) in [
            (offer::TICK, Routine::Tick),
            (offer::MESSAGE, Routine::Message),
            (offer::BIND, Routine::Bind),
            (offer::CONSENT, Routine::Consent),
            (offer::FORK, Routine::Fork),
        ] {
            // What an object never hears is malformed.
            let deaf = code.unit.model.schema.messages.is_empty();
            let unasked = code.unit.layout.requests.is_empty();
            if (routine == Routine::Message && deaf) || (routine == Routine::Consent && unasked) {
                continue;
            }
            code.when(kind.get().eq(i32::from(number)), |code| {
                code.run(routine, []);
                code.leave();
            });
        }
    });
    decline(code, Exp::I32(Reason::MALFORMED.0.into()));
}

/// Whether the host's clock shows an instant, and the inputs have their forms.
fn well_timed(code: &mut Code<'_, '_>, never: Var) -> Exp {
    // Without sign, what is negative lies beyond all time.
    let valid = never.get().lt_u(observed(code)).eqz();
    if code.unit.model.schema.inputs.is_empty() {
        return valid;
    }
    let inputs = code.call(Routine::ValidInputs, []);
    valid.and_then(inputs)
}

/// What the host's clock shows.
pub(crate) fn observed(code: &Code<'_, '_>) -> Exp {
    load64(0, code.unit.map.offer + size(offer::OBSERVED))
}

/// The logical time at which an offer is answered, in an operand that may stand more than once.
pub(crate) fn logical_time(code: &mut Code<'_, '_>) -> Exp {
    let now = code.call(Routine::LogicalTime, []);
    code.atom(now)
}

/// `() -> instant`: the logical time at which the offer is answered: never before the last entry.
pub(crate) fn find_time(code: &mut Code<'_, '_>) {
    let last = code.bind(load64(0, code.unit.map.image + size(state::NOW)));
    let observed = code.bind(observed(code));
    code.ret(observed.get().select(last, last.get().lt_s(observed)));
}

/// `()`: a tick, or a deadline that has passed.
pub(crate) fn tick(code: &mut Code<'_, '_>) {
    let observed = logical_time(code);
    let has_deadlines = schedule::has_deadlines(code);
    let deadline = deadline_of_all(code);
    if let Some((cycle, most)) = schedule::catching(code.unit.model) {
        older(code, (cycle, most), &deadline, &observed);
    }
    if has_deadlines {
        code.when(deadline.clone().lt_s(observed.clone()), |code| {
            overdue(code, &deadline, &observed);
            code.leave();
        });
    }
    let ticks = due(code, observed.clone());
    schedule::serve(code, &observed);
    let nothing = if has_deadlines {
        ticks.get().eqz() & observed.clone().lt_s(deadline)
    } else {
        ticks.get().eqz()
    };
    code.when(nothing, |code| {
        code.run(Routine::Close, [Exp::I32(0), Exp::I32(0)]);
        code.leave();
    });
    code.run(Routine::Begin, [observed]);
    if has_deadlines {
        code.run(Routine::SettleDeadlines, []);
    }
    code.when(ticks, run_tick);
    code.run(Routine::FinishTick, [ticks.get()]);
    code.leave();
}

/// Missed ticks that are each judged at their own instant, the oldest first; the first that leaves an
/// entry ends the step.
fn older(code: &mut Code<'_, '_>, (cycle, most): (u16, u16), deadline: &Exp, observed: &Exp) {
    if most < 2 {
        return;
    }
    let earlier = code.nested(|code| {
        let latest = code.call(Routine::CountTicks(cycle), [observed.clone()]);
        let latest = code.bind(latest);
        let judged = schedule::judged(code, cycle, load64(0, cell::SERVED));
        let judged = code.bind(judged);
        let number = code.bind(judged + 1i64);
        let newest = latest - (i64::from(most) - 1);
        code.set(number, newest.clone().select(number, number.get().lt_s(newest)));
        let rounds = Rounds::missed(u32::from(most) - 1);
        code.repeat(rounds, |code, again| {
            code.when(number.get().lt_s(latest), |code| {
                let instant = code.call(Routine::TickInstant(cycle), [number.get()]);
                let instant = code.bind(instant);
                code.when(instant.get().le_s(deadline.clone()), |code| {
                    older_tick(code, cycle, instant, number - judged - 1i64);
                    code.set(number, number + 1i64);
                    code.stop(again);
                });
            });
        });
    });
    code.push(Stm::If(schedule::sleeps(code).eqz(), earlier, Vec::new()));
}

/// One missed tick; leaves where it leaves an entry.
fn older_tick(code: &mut Code<'_, '_>, cycle: u16, instant: Var, missed: Exp) {
    code.run(Routine::Begin, [instant.get()]);
    if !code.unit.model.schema.inputs.is_empty() {
        offered::blind(code);
    }
    if schedule::has_deadlines(code) {
        code.run(Routine::SettleDeadlines, []);
    }
    let (ticks, cycles) = (code.unit.map.ticks, code.unit.model.schema.cycles.len());
    for index in schedule::indices(cycles) {
        let due = if index == cycle { instant.get() } else { Exp::I64(-1) };
        code.store(8, 0, ticks + tick::SIZE * u32::from(index) + tick::DUE, due);
    }
    let missed = code.bind(missed);
    code.store(8, 0, ticks + tick::SIZE * u32::from(cycle) + tick::MISSED, missed);
    code.store(8, 0, cell::DUE, instant);
    code.store(8, 0, cell::MISSED, missed);
    at_tick(code, |code| code.run(Routine::OlderRules(cycle), []));
    let entry = code.call(Routine::FinishOlder, []);
    code.when(entry, |code| code.leave());
}

/// What is past comes first, at its own instant, and by itself.
fn overdue(code: &mut Code<'_, '_>, deadline: &Exp, observed: &Exp) {
    let last = code.bind(load64(0, code.unit.map.image + size(state::NOW)));
    let now = deadline.clone().select(last, last.get().lt_s(deadline.clone()));
    code.run(Routine::Begin, [now]);
    let grace = schedule::grace(code.unit.model);
    let late = (observed.clone() - deadline.clone()).gt_s(grace);
    if !code.unit.model.schema.inputs.is_empty() {
        code.when(late, offered::blind);
    }
    code.run(Routine::SettleDeadlines, []);
    code.run(Routine::FinishTick, [Exp::I32(0)]);
}

/// Phase 3, where the object is awake.
pub(crate) fn run_tick_rules(code: &mut Code<'_, '_>) {
    where_awake(code, |code| code.run(Routine::TickRules, []));
}

/// Phases 2 and 3 of a tick, where the object is awake.
fn run_tick(code: &mut Code<'_, '_>) {
    at_tick(code, |code| {
        offer_waiting(code);
        code.run(Routine::TickRules, []);
    });
}

/// What a tick does where the object is awake. What rests has no tick, unless it is to look.
fn at_tick(code: &mut Code<'_, '_>, fill: impl FnOnce(&mut Code<'_, '_>)) {
    if schedule::is_foreseen(code) { fill(code) } else { where_awake(code, fill) }
}

fn where_awake(code: &mut Code<'_, '_>, fill: impl FnOnce(&mut Code<'_, '_>)) {
    let resting = schedule::mode(code, state::RESTING);
    code.when(resting.eqz(), fill);
}

/// Phase 2 of what waits.
pub(crate) fn offer_waiting(code: &mut Code<'_, '_>) {
    if !code.unit.layout.queues.is_empty() {
        code.run(Routine::OfferWaiting, []);
    }
}

/// `()`: the tick rules, top to bottom, once each.
pub(crate) fn tick_rules(code: &mut Code<'_, '_>) {
    run_each(code, |_| true);
}

/// `()`: those that read no input, for an older tick of a cycle.
pub(crate) fn older_rules(code: &mut Code<'_, '_>, cycle: u16) {
    let model = code.unit.model;
    run_each(code, |rule| {
        let answers = rule.on == Trigger::Tick || rule.on == Trigger::Cycle(cycle);
        answers && !model.reads_inputs(rule)
    });
}

fn run_each(code: &mut Code<'_, '_>, judged: impl Fn(&Rule) -> bool) {
    let (model, layout) = (code.unit.model, code.unit.layout);
    for (rule, offset) in &layout.outcomes {
        let declared = &model.policy.rules[usize::from(*rule)];
        if !judged(declared) {
            continue;
        }
        let judged = code.nested(|code| {
            let verdict = code.call(Routine::Rule(*rule), []);
            let slot = crate::ir::at(code.unit.map.image + size(*offset));
            let verdict = if layout.backoffs.is_empty() {
                verdict
            } else {
                let verdict = code.bind(verdict);
                act(code, declared.on, verdict.get().eq(outcome::COMMITTED));
                verdict.get()
            };
            if model.policy.sums_of(*rule).next().is_some() {
                let verdict = code.bind(verdict);
                let noted = outcome::is_noted(code, slot, verdict);
                code.when(noted, |code| code.run(Routine::NoteAmounts(*rule), [verdict.get()]));
            } else {
                let number = Exp::I32(i32::from(declared.number));
                code.run(Routine::NoteTick, [slot, number, verdict]);
            }
        });
        if let Trigger::Cycle(cycle) = declared.on {
            let record = code.unit.map.ticks + tick::SIZE * u32::from(cycle);
            let ticks = Exp::I64(0).le_s(load64(0, record + tick::DUE));
            code.push(Stm::If(ticks, judged, Vec::new()));
        } else {
            judged.into_iter().for_each(|stm| code.push(stm));
        }
    }
    code.leave();
}

/// Notes for each cycle that backs off, whose tick is at hand, whether one of its rules committed.
fn act(code: &mut Code<'_, '_>, on: Trigger, committed: Exp) {
    let (layout, map) = (code.unit.layout, code.unit.map.clone());
    for (index, (cycle, _)) in schedule::indices(layout.backoffs.len()).zip(&layout.backoffs) {
        if on == Trigger::Tick || on == Trigger::Cycle(*cycle) {
            let due = load64(0, map.ticks + tick::SIZE * u32::from(*cycle) + tick::DUE);
            let acts = committed.clone() & Exp::I64(0).le_s(due);
            code.when(acts, |code| code.store(1, 0, map.acted + u32::from(index), 1));
        }
    }
}

/// Rules on something that has happened in this step, one after the other.
pub(crate) fn react(code: &mut Code<'_, '_>, on: Trigger) {
    let rules = &code.unit.model.policy.rules;
    for (index, rule) in schedule::indices(rules.len()).zip(rules) {
        if rule.on == on {
            let verdict = code.call(Routine::Rule(index), []);
            let verdict = code.bind(verdict);
            code.when(verdict, |code| outcome::note_rule(code, index, verdict.get()));
        }
    }
}
