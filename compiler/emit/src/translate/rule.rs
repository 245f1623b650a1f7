//! One rule: elected by its guard, admitted by the policy, and its updates taken together. The twin
//! of `step::rule`.

use crate::code::Code;
use crate::ir::{Label, Stm, Ty, Var};
use crate::translate::outcome::COMMITTED;
use crate::translate::scope::{Fields, Scope};
use crate::translate::{admission, body, expr};
use aqo_model::expr::Expr;
use aqo_model::layout::state;
use aqo_model::policy::{Reason, Trigger};

/// `() -> verdict`
pub(crate) fn rule(code: &mut Code<'_, '_>, index: u16) {
    let declared = &code.unit.model.policy.rules[usize::from(index)];
    let message = match declared.on {
        Trigger::Tick => None,
        Trigger::Message(kind) => Some(kind),
    };
    let verdict = code.var(Ty::I32);
    let refused = code.label();
    let mut scope =
        Scope { message, refuses: Some((verdict, refused)), ..Scope::new(Fields::Image) };
    let skipped = code.label();
    let elected = code.nested(|code| {
        declared.when.iter().for_each(|when| elect(code, &mut scope, when, skipped));
        if !declared.assured {
            admission::gate(code, index);
        }
        let judged = code.nested(|code| {
            let candidate = body::Candidate::of(code, declared, &mut scope);
            admission::violated(code, &candidate, verdict, refused);
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

/// "Not now", as a verdict.
pub(crate) fn held(reason: Reason) -> i32 {
    i32::from(state::HELD | reason.0)
}
