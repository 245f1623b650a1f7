//! Entry 0: the twin of `step::begin::birth`. Whatever the image held before is not looked at.

use crate::code::Code;
use crate::ir::{Exp, Stm, at};
use crate::kernel::cbor;
use crate::memory::{cell, size};
use crate::translate::entry::{kind, seal};
use crate::translate::expr;
use crate::translate::outcome;
use crate::translate::schedule::indices;
use crate::translate::scope::{Fields, Scope, birth_field, now, role};
use crate::translate::step::observed;
use crate::translate::value::{self, Out};
use crate::unit::Routine;
use aqo_model::layout::{offer::birth as given, role as role_at, state, trust};
use aqo_model::policy::Reason;
use aqo_model::schema::Default;
use aqo_model::types::NEVER;

/// `(valid)`: the object is born, or nothing is; not of an offer that has not its form.
pub(crate) fn birth(code: &mut Code<'_, '_>) {
    let [valid] = code.params();
    stillborn_unless(code, valid.get(), Reason::MALFORMED);
    let (layout, schema) = (code.unit.layout, &code.unit.model.schema);
    let offer = code.unit.map.offer;
    for (_, slot) in &layout.births {
        if let Some(valid) = value::valid(code, &slot.form, offer + size(slot.offset)) {
            stillborn_unless(code, valid, Reason::MALFORMED);
        }
    }
    for (index, _) in &layout.births {
        let ty = &schema.fields[usize::from(*index)].ty;
        if let Some(within) = birth_field(code, *index).within(ty, code) {
            stillborn_unless(code, within, Reason::RANGE);
        }
    }
    if !code.unit.model.policy.always.is_empty() {
        let fault = code.call(Routine::BirthFault, []);
        let fault = code.bind(fault);
        code.when(fault, |code| stillborn(code, fault.get()));
    }
    let observed = observed(code);
    code.store(8, 0, cell::NOW, observed);
    let start = image(code);
    body(code, start);
    code.run(Routine::Close, [Exp::I32(1), Exp::I32(0), now()]);
    code.leave();
}

/// Nothing is born, so nothing wants to be ticked.
fn stillborn(code: &mut Code<'_, '_>, reply: Exp) {
    outcome::write(code, Exp::I32(0), reply, Exp::I64(0), Exp::I64(NEVER));
    outcome::no_body(code);
    code.leave();
}

fn stillborn_unless(code: &mut Code<'_, '_>, holds: Exp, reason: Reason) {
    code.when(holds.eqz(), |code| stillborn(code, Exp::I32(reason.0.into())));
}

/// `() -> reason`: the first `always` that the newborn would fail; 0 where none is.
pub(crate) fn fault(code: &mut Code<'_, '_>) {
    for clause in &code.unit.model.policy.always {
        let mut scope = Scope::new(Fields::Birth);
        let holds = expr::truth(code, &mut scope, &clause.holds);
        code.when(holds.eqz(), |code| code.ret(i32::from(clause.reason)));
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
            birth_field(code, index).store(code, &slot.form, map.image + size(slot.offset));
        }
    }
    for index in indices(layout.roles.len()) {
        let key = map.offer + size(layout.birth_keys) + 32 * u32::from(index);
        let record = role(code, index);
        code.push(Stm::Copy(at(record + size(role_at::KEY)), at(key), Exp::I32(32)));
    }
    for (offset, count) in &layout.limits {
        let stamps = map.image + size(offset + 2);
        code.each(i32::from(*count), |code, k| code.store(8, k << 3, stamps, state::FREE));
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
    for index in 0..size(layout.roles.len()) {
        let key = at(map.offer + size(layout.birth_keys) + 32 * index);
        out.from(code, Routine::PutBytes32, key);
    }
    (0..2).for_each(|_| out.array(0));
    out.array(schema.fields.len());
    for (index, field) in indices(schema.fields.len()).zip(&schema.fields) {
        out.array(2);
        out.uint(field.number);
        let value = birth_field(code, index);
        out.value(code, value);
    }
    (0..2).for_each(|_| out.array(0));
    out.bytes(&[cbor::NULL]);
    seal(code, &mut out);
}
