//! The step: which kind of offer it answers, and the phases of a tick. The twin of `step`.

use crate::code::Code;
use crate::ir::{Exp, load32, load64};
use crate::memory::{cell, size};
use crate::translate::outcome::decline;
use crate::translate::schedule::{self, deadline_of_all, due, is_dormant};
use crate::translate::{offer as offered, value};
use crate::unit::Routine;
use aqo_model::layout::{offer, state};
use aqo_model::policy::Reason;
use aqo_model::types::NEVER;

/// `()`: answers the offer.
pub(crate) fn step(code: &mut Code<'_, '_>) {
    let at = code.unit.map.offer;
    let kind = code.bind(load32(1, 0, at + size(offer::KIND)));
    let valid = well_timed(code);
    let valid = code.bind(valid);
    code.when(kind.get().eq(i32::from(offer::BIRTH)), |code| {
        code.run(Routine::Birth, [valid.get()]);
        code.leave();
    });
    let served = code.bind(load64(0, at + size(offer::SERVED)));
    code.set(served, served.get().select(0i64, Exp::I64(0).lt_s(served)));
    code.set(served, served.get().select(NEVER, served.get().lt_s(NEVER)));
    code.store(8, 0, cell::SERVED, served);
    code.when(valid, |code| {
        for (number, routine) in [
            (offer::TICK, Routine::Tick),
            (offer::MESSAGE, Routine::Message),
            (offer::BIND, Routine::Bind),
        ] {
            // An object that hears nothing answers a message as what it is: malformed.
            if routine == Routine::Message && code.unit.model.schema.messages.is_empty() {
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
fn well_timed(code: &mut Code<'_, '_>) -> Exp {
    let valid = value::between(observed(code), 0, NEVER);
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

/// The logical time at which an offer is answered: never before the last entry.
pub(crate) fn logical_time(code: &mut Code<'_, '_>) -> Exp {
    let last = code.bind(load64(0, code.unit.map.image + size(state::NOW)));
    let observed = code.bind(observed(code));
    code.bind(observed.get().select(last, last.get().lt_s(observed))).get()
}

/// `()`: a tick, or a deadline that has passed.
pub(crate) fn tick(code: &mut Code<'_, '_>) {
    let observed = logical_time(code);
    let foretells = !code.unit.model.policy.predictions.is_empty();
    let deadline = deadline_of_all(code);
    if foretells {
        code.when(deadline.clone().lt_s(observed.clone()), |code| {
            overdue(code, &deadline, &observed);
            code.leave();
        });
    }
    let served = code.bind(load64(0, cell::SERVED));
    code.set(served, observed.clone().select(served, served.get().lt_s(observed.clone())));
    let (instant, count) = due(code, observed.clone());
    if let Some(dormant) = is_dormant(code) {
        code.set(instant, Exp::I64(-1).select(instant, dormant));
    }
    let ticks = code.bind(instant.get().lt_s(0i64).eqz());
    let nothing = if foretells {
        ticks.get().eqz() & observed.clone().lt_s(deadline)
    } else {
        ticks.get().eqz()
    };
    code.when(nothing, |code| {
        code.run(Routine::Close, [Exp::I32(0), Exp::I32(0), served.get()]);
        code.leave();
    });
    code.run(Routine::Begin, [observed]);
    if foretells {
        code.run(Routine::SettleDeadlines, []);
    }
    code.when(ticks, |code| {
        code.store(8, 0, cell::DUE, instant);
        code.store(8, 0, cell::MISSED, count - 1i64);
        run_tick_rules(code);
    });
    code.run(Routine::FinishTick, [instant.get(), count.get(), served.get()]);
    code.leave();
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
    let served = load64(0, cell::SERVED);
    code.run(Routine::FinishTick, [Exp::I64(-1), Exp::I64(0), served]);
}

/// Phase 3: top to bottom, once each.
fn run_tick_rules(code: &mut Code<'_, '_>) {
    let (model, layout) = (code.unit.model, code.unit.layout);
    for (rule, offset) in &layout.outcomes {
        let verdict = code.call(Routine::Rule(*rule), []);
        let slot = crate::ir::at(code.unit.map.image + size(*offset));
        let number = Exp::I32(i32::from(model.policy.rules[usize::from(*rule)].number));
        code.run(Routine::NoteTick, [slot, number, verdict]);
    }
}
