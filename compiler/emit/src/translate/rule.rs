//! One rule: elected by its guard, admitted by the policy, and its updates taken together. The twin
//! of `step::rule`.

use crate::code::Code;
use crate::ir::{Label, Stm, Ty, Var, load32};
use crate::memory::{Map, cell, tick};
use crate::translate::outcome::COMMITTED;
use crate::translate::scope::{Fields, Scope};
use crate::translate::{admission, body, expr};
use crate::unit::Routine;
use aqo_model::expr::Expr;
use aqo_model::layout::state;
use aqo_model::policy::{Reason, Trigger};

/// Where a rule that answers to this finds the instant of its tick, and how many were missed.
pub(crate) fn tick_cells(map: &Map, on: Trigger) -> (u32, u32) {
    match on {
        Trigger::Cycle(cycle) => {
            let record = map.ticks + tick::SIZE * u32::from(cycle);
            (record + tick::DUE, record + tick::MISSED)
        }
        Trigger::Tick
        | Trigger::Message(_)
        | Trigger::Expired(_)
        | Trigger::Kept(_)
        | Trigger::Broken(_)
        | Trigger::Lapsed(_)
        | Trigger::Arrive => (cell::DUE, cell::MISSED),
    }
}

/// `() -> verdict`
pub(crate) fn rule(code: &mut Code<'_, '_>, index: u16) {
    let declared = &code.unit.model.policy.rules[usize::from(index)];
    let message = declared.on.carries();
    let tick = tick_cells(&code.unit.map, declared.on);
    let verdict = code.var(Ty::I32);
    let refused = code.label();
    let mut scope = Scope {
        message,
        tick,
        refuses: Some((verdict, refused)),
        ..Scope::new(Fields::Image, &declared.locals)
    };
    let skipped = code.label();
    let elected = code.nested(|code| {
        declared.when.iter().for_each(|when| elect(code, &mut scope, when, skipped));
        admission::gate(code, &mut scope, index);
        let judged = code.nested(|code| {
            let candidate = body::Candidate::of(code, declared, &mut scope);
            admission::violated(code, &candidate, verdict, refused);
            if declared.quorum.is_some() {
                ask(code, index);
            }
            candidate.commit(code, index);
            code.ret(COMMITTED);
        });
        code.push(Stm::Block(refused, judged));
        code.ret(verdict);
    });
    if declared.when.is_some() {
        code.push(Stm::Block(skipped, elected));
        code.ret(0);
    } else {
        elected.into_iter().for_each(|stm| code.push(stm));
    }
}

/// Returns where a rule needs consent that it has not.
fn ask(code: &mut Code<'_, '_>, index: u16) {
    let unmet = load32(4, 0, cell::MET).ne(i32::from(index) + 1);
    code.when(unmet, |code| {
        let verdict = code.call(Routine::Ask(index), []);
        let verdict = code.bind(verdict);
        code.when(verdict, |code| code.ret(verdict));
    });
}

/// Leaves where a guard is false; what stands right of an `and` is not looked at then.
fn elect(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, when: &Expr, skipped: Label) {
    if let Expr::And(a, b) = when {
        elect(code, scope, a, skipped);
        elect(code, scope, b, skipped);
    } else {
        let holds = expr::truth(code, scope, when);
        code.stop_if(skipped, holds.eqz());
    }
}

/// The rule is refused.
pub(crate) fn refuse(code: &mut Code<'_, '_>, (verdict, refused): (Var, Label), reason: Reason) {
    code.set(verdict, expr::refusal(reason.0));
    code.stop(refused);
}

/// "Not now", as a verdict. What a tick rule is held for refuses whoever asks a rule.
pub(crate) fn held(on: Trigger, reason: Reason) -> i32 {
    match on.message() {
        Some(_) => expr::refusal(reason.0),
        None => i32::from(state::HELD | reason.0),
    }
}
