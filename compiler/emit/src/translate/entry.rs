//! An entry's body, as `entry::Entry::encode` of the model writes it: its start, its rest, and what
//! it leaves in the image.

use crate::code::Code;
use crate::ir::{Exp, Var, at, load32, load64};
use crate::kernel::cbor;
use crate::memory::{cell, foretold, gain, size};
use crate::translate::schedule::indices;
use crate::translate::scope::{now, prediction_record};
use crate::translate::step::observed;
use crate::translate::value::{Out, Val};
use crate::unit::Routine;
use aqo_model::extent;
use aqo_model::layout::{offer, outcome, prediction, state, tail, trust};

/// Elements of a body.
const ELEMENTS: u8 = 12;
/// Kinds of entries.
pub(crate) mod kind {
    pub(crate) const BIRTH: i32 = 0;
    pub(crate) const TICK: i32 = 1;
    pub(crate) const MESSAGE: i32 = 2;
    pub(crate) const BIND: i32 = 3;
}

/// `(kind) -> end`: what stands before the cause.
pub(crate) fn head(code: &mut Code<'_, '_>) {
    let [kind] = code.params();
    let map = code.unit.map.clone();
    let body = at(map.outcome + size(outcome::BODY));
    let next = code.bind(body);
    let mut out = Out::new(next);
    out.bytes(&[cbor::ARRAY | ELEMENTS]);
    out.byte(code, kind.get());
    let sequence = load64(0, map.image + size(code.unit.layout.state_size + tail::SEQUENCE));
    out.head(code, 0, sequence);
    out.int(code, now());
    let late = observed(code) - now();
    out.int(code, late);
    out.head(code, 0, load32(4, 0, map.offer + size(offer::IGNORED)).extend());
    let end = out.end(code);
    code.ret(end);
}

/// `(due, count, served)`: ends a tick, or a deadline, whose instant is negative: with an entry if
/// anything happened, and without a trace if not.
pub(crate) fn finish_tick(code: &mut Code<'_, '_>) {
    let [due, count, served] = code.params();
    let predictions = code.unit.model.policy.predictions.len();
    let mut happened = load32(4, 0, cell::OUTCOME_COUNT);
    if predictions > 0 {
        code.run(Routine::Look, []);
        let flags = code.unit.map.foretold;
        for index in 0..size(predictions) {
            happened = happened | load32(4, 0, flags + foretold::SIZE * index);
        }
    }
    code.when(happened.eqz(), |code| {
        code.run(Routine::Close, [Exp::I32(0), Exp::I32(0), served.get()]);
        code.leave();
    });
    let start = code.call(Routine::Head, [Exp::I32(kind::TICK)]);
    let next = code.bind(start);
    code.either(
        due.get().lt_s(0i64),
        |code| put_null(code, next),
        |code| {
            let mut out = Out::new(next);
            out.array(2);
            out.int(code, now() - due);
            out.head(code, 0, count - 1i64);
            out.end(code);
        },
    );
    code.run(Routine::Finish, [next.get()]);
    code.run(Routine::Close, [Exp::I32(1), Exp::I32(0), served.get()]);
    code.leave();
}

fn put_null(code: &mut Code<'_, '_>, next: Var) {
    let mut out = Out::new(next);
    out.bytes(&[cbor::NULL]);
    out.end(code);
}

/// `(from)`: everything after the cause. The image takes the step's time and the next number.
pub(crate) fn finish(code: &mut Code<'_, '_>) {
    let [next] = code.params();
    let mut out = Out::new(next);
    put_inputs(code, &mut out);
    let judged = code.unit.layout.outcomes.len().max(1);
    put_noted(
        code,
        &mut out,
        cell::OUTCOMES,
        cell::OUTCOME_COUNT,
        (code.unit.map.outcomes, judged),
    );
    put_changes(code, &mut out);
    if code.unit.model.schema.events.is_empty() {
        out.array(0);
    } else {
        let said = extent::events(code.unit.model);
        put_noted(code, &mut out, cell::EVENTS, cell::EVENT_COUNT, (code.unit.map.events, said));
    }
    put_predictions(code, &mut out);
    put_trust(code, &mut out);
    seal(code, &mut out);
    code.leave();
}

/// The body's length, the time and the number of the next entry.
pub(crate) fn seal(code: &mut Code<'_, '_>, out: &mut Out) {
    let map = code.unit.map.clone();
    let end = out.end(code);
    let body = map.outcome + size(outcome::BODY);
    code.store(4, 0, map.outcome + size(outcome::LENGTH), end - body.cast_signed());
    code.store(8, 0, map.image + size(state::NOW), now());
    let sequence = map.image + size(code.unit.layout.state_size + tail::SEQUENCE);
    code.store(8, 0, sequence, load64(0, sequence) + 1i64);
}

/// How many of so many flags, which are bytes a stride apart, are set.
fn count(flags: u32, len: usize, stride: u32) -> Exp {
    let each = (0..size(len)).map(|index| load32(1, 0, flags + stride * index));
    each.reduce(|a, b| a + b).unwrap_or(Exp::I32(0))
}

/// The head of a list whose length is computed; short ones, which are most, without a call.
fn put_length(code: &mut Code<'_, '_>, out: &mut Out, length: Exp, most: usize) {
    if most < 24 {
        out.byte(code, length | i32::from(cbor::ARRAY));
    } else {
        out.head(code, cbor::ARRAY, length.extend());
    }
}

fn put_inputs(code: &mut Code<'_, '_>, out: &mut Out) {
    let map = code.unit.map.clone();
    let (schema, layout) = (&code.unit.model.schema, code.unit.layout);
    let length = count(map.read, schema.inputs.len(), 1);
    put_length(code, out, length, schema.inputs.len());
    for (index, input) in indices(schema.inputs.len()).zip(&schema.inputs) {
        let next = out.end(code);
        code.when(load32(1, 0, map.read + u32::from(index)), |code| {
            let mut out = Out::new(next);
            out.array(3);
            out.uint(input.number);
            let after = out.end(code);
            let (present, slot) = &layout.inputs[usize::from(index)];
            code.either(
                load32(1, 0, map.usable + u32::from(index)),
                |code| {
                    let mut out = Out::new(after);
                    out.value(code, Val::of_slot(slot, map.offer));
                    let age = now() - load64(0, map.offer + size(present + 1));
                    out.int(code, age);
                    out.end(code);
                },
                |code| {
                    let mut out = Out::new(after);
                    out.bytes(&[cbor::NULL, 0]);
                    out.end(code);
                },
            );
        });
    }
}

/// What was written while rules ran: where it stands, and how many items there are at most.
fn put_noted(
    code: &mut Code<'_, '_>,
    out: &mut Out,
    bytes: u32,
    count: u32,
    (from, most): (u32, usize),
) {
    put_length(code, out, load32(4, 0, count), most);
    let args = [out.place(code), at(from), load32(4, 0, bytes)];
    out.moved(code, Routine::Append, args);
}

fn put_changes(code: &mut Code<'_, '_>, out: &mut Out) {
    let map = code.unit.map.clone();
    let (schema, layout) = (&code.unit.model.schema, code.unit.layout);
    let length = count(map.written, schema.fields.len(), 1);
    put_length(code, out, length, schema.fields.len());
    for (index, field) in indices(schema.fields.len()).zip(&schema.fields) {
        if !crate::translate::body::sets(code.unit.model, index) {
            continue;
        }
        let next = out.end(code);
        code.when(load32(1, 0, map.written + u32::from(index)), |code| {
            let mut out = Out::new(next);
            out.array(2);
            out.uint(field.number);
            out.value(code, Val::of_slot(&layout.fields[usize::from(index)], map.image));
            out.end(code);
        });
    }
}

fn put_predictions(code: &mut Code<'_, '_>, out: &mut Out) {
    let map = code.unit.map.clone();
    let len = code.unit.model.policy.predictions.len();
    if len == 0 {
        out.array(0);
        return;
    }
    let flags = |index: u16| map.foretold + foretold::SIZE * u32::from(index);
    let happened = indices(len).map(|index| load32(4, 0, flags(index)).ne(0));
    let length = happened.reduce(|a, b| a + b).unwrap_or(Exp::I32(0));
    put_length(code, out, length, len);
    for index in indices(len) {
        let next = out.end(code);
        code.when(load32(4, 0, flags(index)), |code| {
            let mut out = Out::new(next);
            out.array(4);
            out.uint(index);
            out.byte(code, load32(1, 0, flags(index) + foretold::SETTLED));
            let after = out.end(code);
            code.either(
                load32(1, 0, flags(index) + foretold::MADE),
                |code| put_made(code, after, index),
                |code| put_null(code, after),
            );
            let mut out = Out::new(after);
            let dropped = load32(2, 0, flags(index) + foretold::DROPPED);
            if code.unit.model.policy.rules.len() < 24 {
                out.byte(code, dropped);
            } else {
                out.head(code, 0, dropped.extend());
            }
            out.end(code);
        });
    }
}

fn put_made(code: &mut Code<'_, '_>, next: Var, index: u16) {
    let (record, _) = prediction_record(code, index);
    let image = code.unit.map.image;
    let (_, slots) = &code.unit.layout.predictions[usize::from(index)];
    let mut out = Out::new(next);
    out.array(2);
    out.truth(code, load32(1, 0, record + size(prediction::WORTH)));
    out.array(slots.len());
    for slot in slots {
        out.value(code, Val::of_slot(slot, image));
    }
    out.end(code);
}

fn put_trust(code: &mut Code<'_, '_>, out: &mut Out) {
    let Some(offset) = code.unit.layout.trust else {
        out.bytes(&[cbor::NULL]);
        return;
    };
    let record = code.unit.map.image + size(offset);
    let gains = code.unit.map.gains;
    let next = out.end(code);
    let settled = code.call(Routine::SettleTrust, []);
    code.either(
        settled,
        |code| {
            let mut out = Out::new(next);
            out.array(3);
            out.int(code, load64(0, record + size(trust::X)));
            out.truth(code, load32(1, 0, record + size(trust::RECOVERING)));
            let most = code.unit.model.policy.predictions.len() + 1;
            put_length(code, &mut out, load32(4, 0, cell::GAINS), most);
            let next = out.end(code);
            code.each(load32(4, 0, cell::GAINS), |code, k| {
                let mut out = Out::new(next);
                out.array(2);
                out.head(code, 0, load32(4, k << 4, gains + gain::SOURCE).extend());
                out.head(code, 0, load32(4, k << 4, gains + gain::CLAIM).extend());
                out.end(code);
            });
        },
        |code| put_null(code, next),
    );
}
