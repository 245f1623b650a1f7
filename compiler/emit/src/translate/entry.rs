//! An entry's body, as `entry::Entry::encode` of the model writes it: its start, its rest, and what
//! it leaves in the image.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Var, at, load32, load64};
use crate::kernel::cbor;
use crate::memory::{cell, foretold, gain, size, tick};
use crate::translate::out::Out;
use crate::translate::schedule::{self, indices};
use crate::translate::scope::{self, Fields, Scope, now, prediction_record};
use crate::translate::step::observed;
use crate::translate::value::Val;
use crate::translate::{expr, offer as offered, wake};
use crate::unit::Routine;
use aqo_model::extent;
use aqo_model::layout::{offer, outcome, prediction, state, tail, trust};

/// Elements of a body.
const ELEMENTS: u8 = 13;
/// Kinds of entries.
pub(crate) mod kind {
    pub(crate) const BIRTH: i32 = 0;
    pub(crate) const TICK: i32 = 1;
    pub(crate) const MESSAGE: i32 = 2;
    pub(crate) const BIND: i32 = 3;
    pub(crate) const CONSENT: i32 = 4;
    pub(crate) const FORK: i32 = 5;
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

/// `(ticks)`: ends a tick, or a deadline alone: with an entry if anything happened, and
/// without a trace if not.
pub(crate) fn finish_tick(code: &mut Code<'_, '_>) {
    let [ticks] = code.params();
    let happened = happened(code);
    code.when(happened.eqz(), |code| {
        code.run(Routine::Close, [Exp::I32(0), Exp::I32(0)]);
        code.leave();
    });
    let start = code.call(Routine::Head, [Exp::I32(kind::TICK)]);
    let next = code.bind(start);
    code.either(
        ticks,
        |code| put_ticks(code, next),
        |code| {
            let mut out = Out::new(next);
            out.array(0);
            out.end(code);
        },
    );
    code.run(Routine::Finish, [next.get()]);
    code.run(Routine::Close, [Exp::I32(1), Exp::I32(0)]);
    code.leave();
}

/// `() -> truth`: ends an older tick with an entry if anything happened; if not, the step goes on.
pub(crate) fn finish_older(code: &mut Code<'_, '_>) {
    let happened = happened(code);
    code.when(happened.eqz(), |code| code.ret(0));
    let start = code.call(Routine::Head, [Exp::I32(kind::TICK)]);
    let next = code.bind(start);
    put_ticks(code, next);
    code.run(Routine::Finish, [next.get()]);
    code.run(Routine::Close, [Exp::I32(1), Exp::I32(0)]);
    code.ret(1);
}

/// Phases 3a and 4 of a tick; whether anything happened in it.
fn happened(code: &mut Code<'_, '_>) -> Exp {
    let map = code.unit.map.clone();
    let predictions = code.unit.model.policy.predictions.len();
    if predictions > 0 {
        code.run(Routine::Look, []);
    }
    run_mode(code);
    let mut happened = load32(4, 0, cell::OUTCOME_COUNT) | load32(4, 0, cell::MODE);
    for index in 0..size(predictions) {
        happened = happened | load32(4, 0, map.foretold + foretold::SIZE * index);
    }
    for index in 0..size(code.unit.layout.requests.len()) {
        happened = happened | load32(1, 0, map.lapsed + index);
    }
    happened
}

/// The ticks at hand, in a cause.
fn put_ticks(code: &mut Code<'_, '_>, next: Var) {
    let records = code.unit.map.ticks;
    let cycles = code.unit.model.schema.cycles.len();
    let due = |index: u16| load64(0, records + tick::SIZE * u32::from(index) + tick::DUE);
    let is_due = |index: u16| Exp::I64(0).le_s(due(index));
    let mut out = Out::new(next);
    let put = |code: &mut Code<'_, '_>, out: &mut Out, index: u16| {
        out.array(3);
        out.uint(index);
        out.int(code, now() - due(index));
        let missed = load64(0, records + tick::SIZE * u32::from(index) + tick::MISSED);
        out.head(code, 0, missed);
        out.end(code);
    };
    if cycles == 1 {
        // There is a tick, so it is this cycle's.
        out.array(1);
        return put(code, &mut out, 0);
    }
    let count = indices(cycles).map(is_due).reduce(|a, b| a + b).unwrap_or(Exp::I32(0));
    put_length(code, &mut out, count, cycles);
    out.end(code);
    for index in indices(cycles) {
        code.when(is_due(index), |code| put(code, &mut Out::new(next), index));
    }
}

/// Whether anything but a fork changes whether the object is awake.
pub(crate) fn changes_mode(code: &Code<'_, '_>) -> bool {
    let policy = &code.unit.model.policy;
    policy.ends.is_some() || policy.dormant.is_some()
}

/// Phase 4: whether the object is awake, where that can change without a fork.
pub(crate) fn run_mode(code: &mut Code<'_, '_>) {
    if changes_mode(code) {
        code.run(Routine::Mode, []);
    }
}

/// `()`: whether the object is awake, where that changes, and what follows from it.
pub(crate) fn mode(code: &mut Code<'_, '_>) {
    let changed = code.call(Routine::ModeNow, []);
    let changed = code.bind(changed);
    code.store(4, 0, cell::MODE, changed);
    let policy = &code.unit.model.policy;
    if policy.ends.is_some() && !code.unit.layout.queues.is_empty() {
        code.when(changed.get().eq(ENDED), |code| code.run(Routine::TurnAway, []));
    }
    if policy.dormant.is_some() {
        code.when(changed.get().eq(AWAKE), |code| schedule::serve(code, &now()));
    }
    code.leave();
}

/// A mode, as [`cell::MODE`] says it; 0 where it does not change.
const AWAKE: i32 = 1;
/// See [`AWAKE`].
pub(crate) const DORMANT: i32 = 2;
/// See [`AWAKE`].
pub(crate) const ENDED: i32 = 3;

/// `() -> mode`: what the mode changes to now; 0 where it does not.
pub(crate) fn mode_now(code: &mut Code<'_, '_>) {
    let policy = &code.unit.model.policy;
    if let Some(ends) = &policy.ends {
        let mut scope = Scope::new(Fields::Image, &ends.locals);
        let holds = expr::truth(code, &mut scope, &ends.holds);
        code.when(holds, |code| code.ret(ENDED));
    }
    let forked = load64(0, code.unit.map.image + size(state::FORKED)).ne(0i64);
    let sleeps = match &policy.dormant {
        Some(dormant) => {
            let mut scope = Scope::new(Fields::Image, &dormant.locals);
            expr::truth(code, &mut scope, &dormant.holds) | forked
        }
        None => forked,
    };
    let sleeps = code.bind(sleeps);
    let resting = schedule::mode(code, state::RESTING).ne(0);
    code.ret((sleeps + AWAKE).select(0, sleeps.get().ne(resting)));
}

/// What else happened: requests that lapsed, roles that were bound anew, a change of mode.
fn put_rest(code: &mut Code<'_, '_>, out: &mut Out) {
    let map = code.unit.map.clone();
    let (model, layout) = (code.unit.model, code.unit.layout);
    let bindings = extent::bindings(model);
    if layout.requests.is_empty() && bindings == 0 {
        return put_mode(code, out);
    }
    let lapsed = count(map.lapsed, layout.requests.len(), 1);
    let lapsed = code.bind(lapsed);
    let any = (lapsed | load32(4, 0, cell::BOUND_COUNT)) | load32(4, 0, cell::MODE);
    let next = out.end(code);
    code.either(
        any,
        |code| {
            let mut out = Out::new(next);
            out.array(3);
            put_length(code, &mut out, lapsed.get(), layout.requests.len());
            out.end(code);
            for (index, slot) in indices(layout.requests.len()).zip(&layout.requests) {
                let number = model.policy.rules[usize::from(slot.rule)].number;
                code.when(load32(1, 0, map.lapsed + u32::from(index)), |code| {
                    let mut out = Out::new(next);
                    out.uint(number);
                    out.end(code);
                });
            }
            let mut out = Out::new(next);
            let places = (cell::BOUND, cell::BOUND_COUNT);
            put_noted(code, &mut out, places.0, places.1, (map.bound, bindings));
            out.end(code);
            let changed = load32(4, 0, cell::MODE);
            let wire = (changed.clone() - 1).select(i32::from(cbor::NULL), changed.clone());
            code.store(1, next, 0, wire);
            code.set(next, next + 1);
            if changes_mode(code) {
                take_mode(code);
            } else {
                code.when(changed, take_mode);
            }
        },
        |code| put_null(code, next),
    );
}

/// The rest where nothing but the mode is in it.
pub(crate) fn put_mode(code: &mut Code<'_, '_>, out: &mut Out) {
    let next = out.end(code);
    code.either(
        load32(4, 0, cell::MODE),
        |code| {
            let mut out = Out::new(next);
            out.array(3);
            (0..2).for_each(|_| out.array(0));
            if changes_mode(code) {
                out.byte(code, load32(4, 0, cell::MODE) - 1);
            } else {
                out.uint(DORMANT as u16 - 1);
            }
            out.end(code);
            take_mode(code);
        },
        |code| put_null(code, next),
    );
}

/// The image takes a change of mode.
fn take_mode(code: &mut Code<'_, '_>) {
    let policy = &code.unit.model.policy;
    let place = code.unit.map.image + size(state::MODE);
    let changed = || load32(4, 0, cell::MODE);
    if policy.ends.is_some() {
        code.when(changed().eq(ENDED), |code| {
            code.store(1, 0, place, load32(1, 0, place) | i32::from(state::ENDED));
        });
    }
    let rests = load32(1, 0, place) | i32::from(state::RESTING);
    if changes_mode(code) {
        code.when(changed().eq(DORMANT), |code| code.store(1, 0, place, rests));
    } else {
        code.store(1, 0, place, rests);
    }
    if policy.dormant.is_some() {
        code.when(changed().eq(AWAKE), |code| {
            code.store(1, 0, place, load32(1, 0, place) & i32::from(!state::RESTING));
        });
    }
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
    let judged = extent::outcomes(code.unit.model);
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
    put_rest(code, &mut out);
    take_backoffs(code);
    seal(code, &mut out);
    code.leave();
}

/// A cycle at whose tick a rule committed counts anew from there.
fn take_backoffs(code: &mut Code<'_, '_>) {
    let (map, layout) = (code.unit.map.clone(), code.unit.layout);
    for (index, (_, offset)) in indices(layout.backoffs.len()).zip(&layout.backoffs) {
        let acted = map.acted + u32::from(index);
        code.when(load32(1, 0, acted), |code| {
            let cycle = layout.backoffs[usize::from(index)].0;
            let due = load64(0, map.ticks + tick::SIZE * u32::from(cycle) + tick::DUE);
            code.store(8, 0, map.image + size(*offset), due);
        });
    }
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
    wake::after(code);
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
            let usable = load32(1, 0, map.usable + u32::from(index));
            let mut out = Out::new(next);
            if input.from.is_some() {
                out.byte(code, usable.clone() + i32::from(cbor::ARRAY | 3));
            } else {
                out.array(3);
            }
            out.uint(input.number);
            let after = out.end(code);
            let slot = &layout.inputs[usize::from(index)];
            let record = map.offer + size(slot.record);
            code.either(
                usable,
                |code| {
                    let mut out = Out::new(after);
                    out.value(code, Val::of_slot(&slot.value, map.offer), &input.ty);
                    let instant = load64(0, record + size(offer::input::AT));
                    out.int(code, now() - instant.clone());
                    if input.from.is_some() {
                        put_word(code, &mut out, record);
                        code.store(8, 0, offered::latest(code, index), instant);
                    }
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

/// Whose word a reading is.
fn put_word(code: &mut Code<'_, '_>, out: &mut Out, record: u32) {
    const SIGNATURE: u32 = 64;
    out.array(3);
    out.from(code, Routine::PutBytes32, at(record + size(offer::input::KEY)));
    out.head(code, 0, load32(4, 0, record + size(offer::input::EPOCH)).extend());
    out.byte_string(code, at(record + size(offer::input::SIGNATURE)), SIGNATURE);
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
    let model = code.unit.model;
    let room = match bytes {
        cell::OUTCOMES => extent::outcome_bytes(model),
        cell::EVENTS => extent::event_bytes(model),
        _ => extent::binding_bytes(model),
    };
    let args = [out.place(code), at(from), load32(4, 0, bytes).at_most(size(room))];
    out.moved(code, Routine::Append, args);
}

/// First the fields that were written whole, then what was logged.
fn put_changes(code: &mut Code<'_, '_>, out: &mut Out) {
    let map = code.unit.map.clone();
    let (model, layout) = (code.unit.model, code.unit.layout);
    let fields = &model.schema.fields;
    let logged = extent::logged(model);
    let mut length = count(map.written, fields.len(), 1);
    if logged > 0 {
        length = length + load32(4, 0, cell::CHANGE_COUNT);
    }
    put_length(code, out, length, fields.len() + logged);
    for (index, field) in indices(fields.len()).zip(fields) {
        if !crate::translate::body::sets(model, index) || model.is_logged(index) {
            continue;
        }
        let next = out.end(code);
        code.when(load32(1, 0, map.written + u32::from(index)), |code| {
            let mut out = Out::new(next);
            let signed = scope::signed(layout, map.image, index);
            out.array(2 + usize::from(signed.is_some()));
            out.uint(field.number);
            let slot = &layout.fields[usize::from(index)];
            out.value(code, Val::of_slot(slot, map.image), &field.ty);
            if let Some(flag) = signed {
                out.truth(code, load32(1, 0, flag));
            }
            out.end(code);
        });
    }
    if logged > 0 {
        let most = size(extent::logged_bytes(code.unit.model));
        let len = load32(4, 0, cell::CHANGES).at_most(most);
        let args = [out.place(code), at(map.changes), len];
        out.moved(code, Routine::Append, args);
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
            if extent::outcomes(code.unit.model) < 24 {
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
    let declared = &code.unit.model.policy.predictions[usize::from(index)];
    for (slot, ty) in slots.iter().zip(&declared.captures) {
        out.value(code, Val::of_slot(slot, image), ty);
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
            let slopes = code.unit.layout.slopes;
            out.array(3 + usize::from(slopes.is_some()));
            out.int(code, load64(0, record + size(trust::X)));
            out.truth(code, load32(1, 0, record + size(trust::RECOVERING)));
            let most = extent::gains(code.unit.model);
            put_length(code, &mut out, load32(4, 0, cell::GAINS), most);
            let next = out.end(code);
            let rounds = Rounds::positives(size(most));
            code.each(rounds, load32(4, 0, cell::GAINS), |code, k| {
                let mut out = Out::new(next);
                out.array(2);
                out.head(code, 0, load32(4, k << 4, gains + gain::SOURCE).extend());
                out.head(code, 0, load32(4, k << 4, gains + gain::CLAIM).extend());
                out.end(code);
            });
            if let Some(slopes) = slopes {
                let mut out = Out::new(next);
                let sum = load32(4, 0, code.unit.map.image + size(slopes.sum));
                // With its sign in 64 bits.
                out.int(code, (sum.extend() << 32i64).shr_s(32i64));
                out.end(code);
            }
        },
        |code| put_null(code, next),
    );
}
