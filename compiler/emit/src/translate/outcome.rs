//! Verdicts, and the outcome that a host reads.
//!
//! A verdict is 0 where the guard is false, and else what the image keeps of it: HELD or REFUSED with
//! a reason. [`COMMITTED`] has both marks, so that its two highest bits are the verdict in an entry.

use crate::code::Code;
use crate::ir::{Exp, Var, load32, load64};
use crate::kernel::cbor;
use crate::memory::{cell, size};
use crate::translate::out::Out;
use crate::unit::Routine;
use aqo_model::layout::{outcome, state};
use aqo_model::policy::Reason;

/// The verdict of a rule that committed.
pub(crate) const COMMITTED: i32 = (state::HELD | state::REFUSED) as i32;
/// The verdict of a rule that waits for consent: the fourth in an entry.
pub(crate) const WAITS: i32 = 1 << 16;
/// What the image keeps of a tick rule that waits for consent.
const KEPT_WAITS: i32 = (state::HELD | Reason::WAITS.0) as i32;
/// The bits of a reason.
pub(crate) const REASON: i32 = (state::HELD - 1) as i32;
/// Stands for the rule of a message that no rule took.
pub(crate) const NO_RULE: i32 = -1;

/// `(number, verdict)`: appends an outcome to those of the step.
pub(crate) fn note(code: &mut Code<'_, '_>) {
    let [number, verdict] = code.params();
    let buffer = code.unit.map.outcomes;
    let next = code.bind(load32(4, 0, cell::OUTCOMES) + buffer.cast_signed());
    let mut out = Out::new(next);
    put_length(code, &mut out, 0);
    let place = out.end(code);
    code.either(
        number.get().eq(NO_RULE),
        |code| {
            code.store(1, place, 0, i32::from(crate::kernel::cbor::NULL));
            code.set(place, place + 1);
        },
        |code| {
            let mut out = Out::new(place);
            out.head(code, 0, number.get().extend());
        },
    );
    let mut out = Out::new(place);
    out.byte(code, verdict.get().shr_u(14));
    out.head(code, 0, (verdict & REASON).extend());
    if !code.unit.layout.queues.is_empty() {
        code.when(load64(0, cell::OF).ne(0i64), |code| {
            let mut out = Out::new(place);
            out.array(0);
            out.head(code, 0, load64(0, cell::OF));
            out.end(code);
        });
    }
    code.store(4, 0, cell::OUTCOMES, place - buffer.cast_signed());
    code.store(4, 0, cell::OUTCOME_COUNT, load32(4, 0, cell::OUTCOME_COUNT) + 1);
    code.leave();
}

/// The head of an outcome: 3 elements, one more with amounts, all five of a message that waited.
fn put_length(code: &mut Code<'_, '_>, out: &mut Out, amounts: usize) {
    let plain = 3 + amounts;
    if code.unit.layout.queues.is_empty() {
        return out.array(plain);
    }
    let waited = load64(0, cell::OF).ne(0i64);
    let length = waited * (5 - plain as i32) + (i32::from(cbor::ARRAY) | plain as i32);
    out.byte(code, length);
}

/// An outcome of the rule with this index.
pub(crate) fn note_rule(code: &mut Code<'_, '_>, rule: u16, verdict: Exp) {
    let model = code.unit.model;
    if model.policy.sums_of(rule).next().is_some() {
        code.run(Routine::NoteAmounts(rule), [verdict]);
    } else {
        let number = i32::from(model.policy.rules[usize::from(rule)].number);
        code.run(Routine::Note, [Exp::I32(number), verdict]);
    }
}

/// `(verdict)`: an outcome of the rule with this index, with what its commit comes to.
pub(crate) fn note_amounts(code: &mut Code<'_, '_>, rule: u16) {
    let [verdict] = code.params();
    let number = code.unit.model.policy.rules[usize::from(rule)].number;
    code.when(verdict.get().ne(COMMITTED), |code| {
        code.run(Routine::Note, [Exp::I32(number.into()), verdict.get()]);
        code.leave();
    });
    let buffer = code.unit.map.outcomes;
    let next = code.bind(load32(4, 0, cell::OUTCOMES) + buffer.cast_signed());
    let mut out = Out::new(next);
    put_length(code, &mut out, 1);
    out.uint(number);
    out.bytes(&[3, 0]);
    let sums = code.unit.model.policy.sums_of(rule).count();
    out.array(sums);
    let start = code.unit.amounts(rule);
    for place in 0..size(sums) {
        out.int(code, load64(0, start + 8 * place));
    }
    let end = out.end(code);
    if !code.unit.layout.queues.is_empty() {
        code.when(load64(0, cell::OF).ne(0i64), |code| {
            let mut out = Out::new(end);
            out.head(code, 0, load64(0, cell::OF));
            out.end(code);
        });
    }
    code.store(4, 0, cell::OUTCOMES, end - buffer.cast_signed());
    code.store(4, 0, cell::OUTCOME_COUNT, load32(4, 0, cell::OUTCOME_COUNT) + 1);
    code.leave();
}

/// Whether a tick rule's outcome, which is kept, is noted: where it changes, and whenever the rule
/// acts.
pub(crate) fn is_noted(code: &mut Code<'_, '_>, slot: Exp, verdict: Var) -> Exp {
    let committed = verdict.get().eq(COMMITTED);
    let waits = verdict.get().eq(WAITS);
    let acts = code.bind(committed.clone() | waits.clone());
    let kept = Exp::I32(0).select(verdict, committed);
    let kept = code.bind(Exp::I32(KEPT_WAITS).select(kept, waits));
    let changes = load32(2, slot.clone(), 0).ne(kept);
    let noted = code.bind(acts | (verdict.get().ne(0) & changes));
    code.when(noted, |code| code.store(2, slot, 0, kept));
    noted.get()
}

/// `(slot, number, verdict)`: a tick rule's outcome is kept, and noted where it changes; a commit
/// always is.
pub(crate) fn note_tick(code: &mut Code<'_, '_>) {
    let [slot, number, verdict] = code.params();
    let noted = is_noted(code, slot.get(), verdict);
    code.when(noted, |code| code.run(Routine::Note, [number.get(), verdict.get()]));
    code.leave();
}

/// `(status, reply)`: the outcome's own fields; without an entry there is no body.
pub(crate) fn close(code: &mut Code<'_, '_>) {
    let [status, reply] = code.params();
    let served = code.bind(load64(0, cell::SERVED));
    let next_due = code.call(Routine::NextDue, [served.get()]);
    let next_due = code.bind(next_due);
    write(code, status.get(), reply.get(), served.get(), next_due.get());
    code.when(status.get().eqz(), |code| no_body(code));
    code.leave();
}

/// Writes the fixed fields.
pub(crate) fn write(code: &mut Code<'_, '_>, status: Exp, reply: Exp, served: Exp, next_due: Exp) {
    let at = code.unit.map.outcome;
    code.store(1, 0, at + size(outcome::STATUS), status);
    code.store(2, 0, at + size(outcome::REPLY), reply);
    code.store(8, 0, at + size(outcome::SERVED), served);
    code.store(8, 0, at + size(outcome::NEXT_DUE), next_due);
}

/// The body has no bytes.
pub(crate) fn no_body(code: &mut Code<'_, '_>) {
    let at = code.unit.map.outcome;
    code.store(4, 0, at + size(outcome::LENGTH), 0);
}

/// The offer leaves no trace but a reply, and the function ends.
pub(crate) fn decline(code: &mut Code<'_, '_>, reply: Exp) {
    code.run(Routine::Close, [Exp::I32(0), reply]);
    code.leave();
}
