//! Messages that wait: the twin of `step::waiting`. One that is looked at takes the place of the
//! message in the offer, so that its rules find it as they would have found it on arrival; what stood
//! there is put back afterwards.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Stm, Ty, Var, at, load32, load64};
use crate::memory::{cell, size};
use crate::translate::expr::refusal;
use crate::translate::message::{claimed, gain_by_rule, lose_by_refusal, part, sender, sender_key};
use crate::translate::outcome::{COMMITTED, NO_RULE, REASON, WAITS, note_rule};
use crate::translate::schedule::indices;
use crate::translate::scope::now;
use crate::translate::step::react;
use crate::unit::Routine;
use aqo_model::extent;
use aqo_model::layout::{QueueSlot, offer::message as given, tail, waiting as record};
use aqo_model::limits::{WAITING, WAITING_OF_ONE};
use aqo_model::policy::{Reason, Trigger};
use aqo_model::types::NEVER;

/// Bytes of a role's index and of a key, which stand side by side in a record and in an offer.
const SENDER: u32 = 34;

/// The address of a queue's count, and of its first record.
fn places(code: &Code<'_, '_>, slot: &QueueSlot) -> (u32, u32) {
    let image = code.unit.map.image;
    (image + size(slot.count), image + size(slot.record(0)))
}

fn waits(code: &Code<'_, '_>, slot: &QueueSlot) -> i64 {
    code.unit.model.schema.messages[usize::from(slot.kind)].waits.unwrap_or(NEVER)
}

/// The earliest instant at which a message expires, if that is before the one in `earliest`.
pub(crate) fn next_expiry(code: &mut Code<'_, '_>, earliest: Var) {
    for slot in &code.unit.layout.queues {
        let (count, first) = places(code, slot);
        let waits = waits(code, slot);
        code.when(load32(2, 0, count), |code| {
            let last = code.bind(load64(0, first + size(record::ARRIVED)) + waits);
            let expiry = last.get().select(NEVER, last.get().lt_s(NEVER)) + 1i64;
            let expiry = code.bind(expiry);
            code.set(earliest, expiry.get().select(earliest, expiry.get().lt_s(earliest)));
        });
    }
}

/// Bytes of the message in an offer, parameters included.
fn message_bytes(code: &Code<'_, '_>) -> u32 {
    let layout = code.unit.layout;
    let params = layout.params.iter().flatten().map(|slot| slot.offset + slot.form.size());
    let end = params.max().unwrap_or(0).max(layout.payload + given::PARAMS);
    size(end - layout.payload)
}

/// Does something that needs the place of the message in the offer, and puts the message back.
fn aside(code: &mut Code<'_, '_>, fill: impl FnOnce(&mut Code<'_, '_>)) {
    let (kept, message, bytes) = (code.unit.map.kept, part(code, 0), message_bytes(code));
    code.copy(at(kept), at(message), bytes);
    fill(code);
    code.copy(at(message), at(kept), bytes);
    code.store(8, 0, cell::OF, 0i64);
}

/// A message that waits takes the place of the one in the offer.
fn present(code: &mut Code<'_, '_>, slot: &QueueSlot, from: Var) {
    code.copy(at(part(code, given::ROLE)), from + size(record::ROLE).cast_signed(), SENDER);
    let params = slot.stride - record::PARAMS;
    if params > 0 {
        let to = at(part(code, given::PARAMS));
        code.copy(to, from + size(record::PARAMS).cast_signed(), size(params));
    }
    code.store(8, 0, cell::OF, load64(from, size(record::NUMBER)));
}

/// Takes a record out of its queue: those behind it move up.
fn leave_queue(code: &mut Code<'_, '_>, slot: &QueueSlot, from: Var) {
    let (count, first) = places(code, slot);
    let stride = size(slot.stride);
    let left = code.bind(load32(2, 0, count) - 1);
    let end = code.bind(left * stride.cast_signed() + first.cast_signed());
    let behind = (end - from).at_most(stride * (WAITING as u32 - 1));
    code.push(Stm::Copy(from.get(), from + stride.cast_signed(), behind));
    code.zero(end, stride);
    code.store(2, 0, count, left);
}

/// Refuses the first message of a queue, for a reason, and takes it out.
fn refuse_first(code: &mut Code<'_, '_>, slot: &QueueSlot, reason: Reason) {
    let (_, first) = places(code, slot);
    let from = code.bind(at(first));
    present(code, slot, from);
    code.run(Routine::Note, [Exp::I32(NO_RULE), Exp::I32(refusal(reason.0))]);
    lose_by_refusal(code, Exp::I32(1));
    leave_queue(code, slot, from);
}

/// `()`: messages that nobody took in time.
pub(crate) fn expire(code: &mut Code<'_, '_>) {
    let queues = &code.unit.layout.queues;
    aside(code, |code| {
        for slot in queues {
            let (count, first) = places(code, slot);
            let waits = waits(code, slot);
            code.repeat(Rounds::waiting(WAITING as u32), |code, again| {
                let last = load64(0, first + size(record::ARRIVED)) + waits;
                let past = last.lt_s(now());
                code.when(load32(2, 0, count).ne(0) & past, |code| {
                    refuse_first(code, slot, Reason::EXPIRED);
                    code.store(8, 0, cell::OF, 0i64);
                    react(code, Trigger::Expired(slot.kind));
                    code.stop(again);
                });
            });
        }
    });
    code.leave();
}

/// `()`: nobody will take what waits when the object ends.
pub(crate) fn turn_away(code: &mut Code<'_, '_>) {
    let queues = &code.unit.layout.queues;
    aside(code, |code| {
        for slot in queues {
            let (count, _) = places(code, slot);
            code.repeat(Rounds::waiting(WAITING as u32), |code, again| {
                code.when(load32(2, 0, count), |code| {
                    refuse_first(code, slot, Reason::ENDED);
                    code.stop(again);
                });
            });
        }
    });
    code.leave();
}

/// `()`: each message that waits is offered once more, the oldest first.
pub(crate) fn offer(code: &mut Code<'_, '_>) {
    let queues = &code.unit.layout.queues;
    let most = size(extent::waiting(code.unit.model));
    aside(code, |code| {
        let last = code.bind(0i64);
        code.repeat(Rounds::waiting(most), |code, again| {
            let least = code.bind(i64::MAX);
            let (place, which) = (code.bind(0), code.bind(-1));
            for (index, slot) in indices(queues.len()).zip(queues) {
                let (count, first) = places(code, slot);
                let stride = size(slot.stride).cast_signed();
                code.each(Rounds::waiting(WAITING as u32), load32(2, 0, count), |code, k| {
                    let from = code.bind(k * stride + first.cast_signed());
                    let number = code.bind(load64(from, size(record::NUMBER)));
                    let next = last.get().lt_s(number) & number.get().lt_s(least);
                    code.when(next, |code| {
                        code.set(least, number);
                        code.set(place, from);
                        code.set(which, i32::from(index));
                    });
                });
            }
            code.set(last, least);
            for index in indices(queues.len()) {
                code.when(which.get().eq(i32::from(index)), |code| {
                    code.run(Routine::OfferOne(index), [place.get()]);
                    code.stop(again);
                });
            }
        });
    });
    code.leave();
}

/// `(record)`: one message of the queue with this index, to the rules of its kind.
pub(crate) fn offer_one(code: &mut Code<'_, '_>, index: u16) {
    let [from] = code.params();
    let model = code.unit.model;
    let slot = &code.unit.layout.queues[usize::from(index)];
    present(code, slot, from);
    let params = claimed(code, slot.kind);
    let verdict = code.var(Ty::I32);
    code.block(|code, decided| {
        let holder = sender(code);
        let key = at(sender_key(code));
        let known = code.call(Routine::FindKey, [holder, key]);
        code.when(known.eqz(), |code| {
            code.set(verdict, refusal(Reason::ROLE.0));
            code.run(Routine::Note, [Exp::I32(NO_RULE), verdict.get()]);
            code.stop(decided);
        });
        for (rule, declared) in indices(model.policy.rules.len()).zip(&model.policy.rules) {
            if declared.on != Trigger::Message(slot.kind) {
                continue;
            }
            let judged = code.call(Routine::Rule(rule), []);
            let judged = code.bind(judged);
            code.when(judged, |code| {
                code.set(verdict, judged);
                note_rule(code, rule, judged.get());
                gain_by_rule(code, rule, judged.get().eq(COMMITTED), params);
                code.stop(decided);
            });
        }
        // It waits on.
        code.leave();
    });
    lose_by_refusal(code, (verdict & REASON).ne(0));
    leave_queue(code, slot, from);
    code.leave();
}

/// `() -> verdict`: the message in the offer, of the queue with this index, waits from now on.
pub(crate) fn enqueue(code: &mut Code<'_, '_>, index: u16) {
    let (model, layout) = (code.unit.model, code.unit.layout);
    let slot = &layout.queues[usize::from(index)];
    let (count_at, first) = places(code, slot);
    let stride = size(slot.stride).cast_signed();
    let full = |code: &mut Code<'_, '_>| code.ret(refusal(Reason::FULL.0));
    let count = code.bind(load32(2, 0, count_at));
    code.when(Exp::I32(WAITING as i32).le_u(count), full);
    let from = &model.schema.messages[usize::from(slot.kind)].from;
    let shared = from.iter().filter(|role| model.schema.roles[usize::from(**role)].max.is_some());
    let by = load32(2, 0, part(code, given::ROLE));
    let shared = shared.map(|role| by.clone().eq(i32::from(*role))).reduce(|a, b| a | b);
    let key = at(sender_key(code));
    if let Some(shared) = shared {
        let own = code.bind(0);
        code.each(Rounds::waiting(WAITING as u32), count, |code, k| {
            let other = k * stride + (first + size(record::KEY)).cast_signed();
            let same = code.call(Routine::SameBytes32, [other, key.clone()]);
            code.set(own, own + same);
        });
        let over = shared & Exp::I32(WAITING_OF_ONE as i32).le_u(own);
        code.when(over, full);
    }
    let to = code.bind(count * stride + first.cast_signed());
    let sequence = code.unit.map.image + size(layout.state_size + tail::SEQUENCE);
    code.store(8, to, size(record::NUMBER), load64(0, sequence));
    code.store(8, to, size(record::ARRIVED), now());
    code.copy(to + size(record::ROLE).cast_signed(), at(part(code, given::ROLE)), SENDER);
    let params = slot.stride - record::PARAMS;
    if params > 0 {
        let from = at(part(code, given::PARAMS));
        code.copy(to + size(record::PARAMS).cast_signed(), from, size(params));
    }
    code.store(2, 0, count_at, count + 1);
    code.ret(WAITS);
}
