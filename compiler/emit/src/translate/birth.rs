//! Entry 0: the twin of `step::begin::birth`. Whatever the image held before is not looked at.

use crate::bound::{Part, Rounds};
use crate::code::Code;
use crate::ir::{Exp, Stm, Ty, Var, at, load32};
use crate::kernel::cbor;
use crate::memory::{cell, size};
use crate::translate::entry::{changes_mode, kind, put_mode, run_mode, seal};
use crate::translate::expr;
use crate::translate::out::Out;
use crate::translate::outcome;
use crate::translate::schedule::indices;
use crate::translate::scope::{Fields, Scope, birth_field, now, role};
use crate::translate::step::observed;
use crate::translate::value;
use crate::unit::Routine;
use aqo_model::layout::{offer::birth as given, role as role_at, state, trust};
use aqo_model::policy::Reason;
use aqo_model::schema::Default;
use aqo_model::types::NEVER;

/// `(valid)`: the object is born, or nothing is; not of an offer that has not its form.
pub(crate) fn birth(code: &mut Code<'_, '_>) {
    let [valid] = code.params();
    let why = code.var(Ty::I32);
    code.block(|code, stillborn| {
        admit(code, valid, &mut |code, holds, reason| {
            code.set(why, i32::from(reason.0));
            code.stop_if(stillborn, holds.eqz());
        });
        if !code.unit.model.policy.always.is_empty() {
            let fault = code.call(Routine::BirthFault, []);
            code.set(why, fault);
            code.stop_if(stillborn, why);
        }
        let observed = observed(code);
        let layout = code.unit.layout;
        if layout.wake.is_none() && layout.readings.is_empty() {
            code.run(Routine::Begin, [observed]);
        } else {
            // There is no image yet to look into for guards and keys.
            code.store(8, 0, cell::NOW, observed);
            code.zero(at(cell::CLEARED), code.unit.map.cleared - cell::CLEARED);
        }
        let start = image(code);
        run_mode(code);
        body(code, start);
        code.store(8, 0, cell::SERVED, now());
        code.run(Routine::Close, [Exp::I32(1), Exp::I32(0)]);
        code.leave();
    });
    // Nothing is born, so nothing wants to be ticked.
    outcome::write(code, Exp::I32(0), why.get(), Exp::I64(0), Exp::I64(NEVER));
    outcome::no_body(code);
    code.leave();
}

/// Goes on where something holds, and is not born for this reason where it does not.
type Unless<'u> = &'u mut dyn FnMut(&mut Code<'_, '_>, Exp, Reason);

/// Nothing is born unless the offer has its form, and birth values lie within their bounds.
fn admit(code: &mut Code<'_, '_>, valid: Var, unless: Unless<'_>) {
    unless(code, valid.get(), Reason::MALFORMED);
    let (layout, schema) = (code.unit.layout, &code.unit.model.schema);
    let offer = code.unit.map.offer;
    well_keyed(code, unless);
    for (_, slot) in &layout.births {
        if let Some(valid) = value::valid(code, &slot.form, Exp::I32(0), offer + size(slot.offset))
        {
            unless(code, valid, Reason::MALFORMED);
        }
    }
    for (index, _) in &layout.births {
        let ty = &schema.fields[usize::from(*index)].ty;
        if let Some(within) = birth_field(code, *index).within(ty, code) {
            unless(code, within, Reason::RANGE);
        }
    }
}

/// Nothing is born unless each role has its one key, or a set of keys in order.
fn well_keyed(code: &mut Code<'_, '_>, unless: Unless<'_>) {
    let offer = code.unit.map.offer;
    let roles = &code.unit.model.schema.roles;
    for (role, place) in roles.iter().zip(&code.unit.layout.birth_keys) {
        let count = code.bind(load32(2, 0, offer + size(*place)));
        let keys = offer + size(place + 2);
        let Some(max) = role.max else {
            unless(code, count.get().eq(1), Reason::MALFORMED);
            continue;
        };
        if role.open {
            unless(code, count.get().eqz(), Reason::MALFORMED);
            continue;
        }
        unless(code, count.get().le_u(i32::from(max)), Reason::MALFORMED);
        code.each(Rounds::keys(u32::from(max)), count, |code, k| {
            code.when(k, |code| {
                let key = code.bind((k << 5) + keys.cast_signed());
                let args = [key - 32, key.get(), Exp::I32(32)];
                let order = code.call(Routine::OrderBytes, args);
                unless(code, order.lt_s(0), Reason::MALFORMED);
            });
        });
    }
}

/// The keys of a role.
fn keys_of(code: &Code<'_, '_>, role: u16) -> Rounds {
    Rounds::keys(size(code.unit.model.schema.roles[usize::from(role)].size()))
}

/// `() -> reason`: the first `always` that the newborn would fail; 0 where none is.
pub(crate) fn fault(code: &mut Code<'_, '_>) {
    for clause in &code.unit.model.policy.always {
        code.part(Part::Clause(clause.reason), |code| {
            let mut scope = Scope::new(Fields::Birth, &clause.locals);
            let holds = expr::truth(code, &mut scope, &clause.holds);
            code.when(holds.eqz(), |code| code.ret(i32::from(clause.reason)));
        });
    }
    code.ret(0);
}

/// The image of the newborn; gives the address of the bind record.
fn image(code: &mut Code<'_, '_>) -> Exp {
    let (layout, model, map) = (code.unit.layout, code.unit.model, code.unit.map.clone());
    code.push(Stm::Fill(at(map.image), Exp::I32(0), expr::literal(layout.image_size)));
    code.store(8, 0, map.image + size(state::BORN), now());
    for (index, field) in indices(layout.fields.len()).zip(&model.schema.fields) {
        let slot = &layout.fields[usize::from(index)];
        let zero = field.default.as_ref().is_some_and(|default| match default {
            Default::Value(value) => {
                let mut bytes = vec![0; slot.form.size()];
                slot.form.write(value, &mut bytes);
                bytes.iter().all(|byte| *byte == 0)
            }
            Default::Born => false,
        });
        if !zero {
            birth_field(code, index).store(
                code,
                &slot.form,
                Exp::I32(0),
                map.image + size(slot.offset),
            );
        }
    }
    for (index, place) in indices(layout.roles.len()).zip(&layout.birth_keys) {
        if model.schema.roles[usize::from(index)].open {
            continue;
        }
        let record = role(code, index);
        let count = load32(2, 0, map.offer + size(*place));
        if model.schema.roles[usize::from(index)].max.is_none() {
            let (to, from) = (record + size(role_at::COUNT), map.offer + size(*place));
            code.push(Stm::Copy(at(to), at(from), expr::literal(2 + 32)));
            continue;
        }
        let count = code.bind(count);
        code.store(2, 0, record + size(role_at::COUNT), count);
        code.each(keys_of(code, index), count, |code, k| {
            let from = (k << 5) + (map.offer + size(place + 2)).cast_signed();
            let to = k * size(role_at::STRIDE).cast_signed();
            code.copy(to + (record + size(role_at::KEYS)).cast_signed(), from, 32);
        });
    }
    for (_, offset) in &layout.backoffs {
        code.store(8, 0, map.image + size(*offset), now());
    }
    for (offset, count) in &layout.limits {
        let stamps = map.image + size(offset + 2);
        let rounds = Rounds::stamps(u32::from(*count));
        code.each(rounds, i32::from(*count), |code, k| code.store(8, k << 3, stamps, state::FREE));
    }
    if let Some(offset) = layout.trust {
        code.store(8, 0, map.image + size(offset + trust::T0), now());
    }
    let bind = at(map.offer + size(layout.payload + given::BIND));
    code.run(Routine::TakeBind, [bind.clone(), now()]);
    bind
}

/// The body of entry 0: all fields are changes.
fn body(code: &mut Code<'_, '_>, bind: Exp) {
    let (layout, schema, map) = (code.unit.layout, &code.unit.model.schema, code.unit.map.clone());
    let start = code.call(Routine::Head, [Exp::I32(kind::BIRTH)]);
    let next = code.bind(start);
    let mut out = Out::new(next);
    out.array(6);
    let class = at(code.unit.class());
    out.from(code, Routine::PutBytes32, class);
    let creator = at(map.offer + size(layout.payload + given::CREATOR));
    out.from(code, Routine::PutBytes32, creator);
    out.from(code, Routine::PutBind, bind);
    out.array(layout.roles.len());
    for (index, place) in indices(layout.roles.len()).zip(&layout.birth_keys) {
        let keys = map.offer + size(*place);
        if code.unit.model.schema.roles[usize::from(index)].open {
            out.array(0);
            continue;
        }
        if code.unit.model.schema.roles[usize::from(index)].max.is_none() {
            out.array(1);
            out.from(code, Routine::PutBytes32, at(keys + 2));
            continue;
        }
        out.head(code, cbor::ARRAY, load32(2, 0, keys).extend());
        let next = out.end(code);
        code.each(keys_of(code, index), load32(2, 0, keys), |code, k| {
            let mut out = Out::new(next);
            out.from(code, Routine::PutBytes32, (k << 5) + (keys + 2).cast_signed());
            out.end(code);
        });
        out = Out::new(next);
    }
    (0..2).for_each(|_| out.array(0));
    out.array(schema.fields.len());
    for (index, field) in indices(schema.fields.len()).zip(&schema.fields) {
        let attested = field.attested.is_some();
        out.array(2 + usize::from(attested));
        out.uint(field.number);
        let value = birth_field(code, index);
        out.value(code, value, &field.ty);
        if attested {
            out.truth(code, Exp::I32(0));
        }
    }
    (0..2).for_each(|_| out.array(0));
    out.bytes(&[cbor::NULL]);
    if changes_mode(code) {
        put_mode(code, &mut out);
    } else {
        out.bytes(&[cbor::NULL]);
    }
    seal(code, &mut out);
}
