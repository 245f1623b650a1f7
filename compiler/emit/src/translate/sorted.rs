//! Sets and maps: items in ascending order of their keys, each key once. The twin of the order of
//! `Value` in the Model.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Stm, Var, load32, load64};
use crate::memory::size;
use crate::translate::expr::literal;
use crate::translate::value::beyond;
use crate::unit::Routine;
use aqo_model::form::{COUNT, Form};

/// The form of what a set or a map is ordered by, the bytes from one item to the next, and how many
/// items there are at most.
#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
fn key_of(form: &Form) -> (&Form, u32, u32) {
    let (stride, max) = form.items().expect("a set or a map has items");
    let key = match form {
        Form::Set(item, _) | Form::Map(item, _, _) => item,
        _ => unreachable!("only sets and maps are in order"),
    };
    (key, size(stride), size(max))
}

/// The address of the item at a place.
fn item(coll: Var, place: Exp, stride: u32) -> Exp {
    (coll + size(COUNT).cast_signed()) + place * stride.cast_signed()
}

/// `(a, b) -> order`
pub(crate) fn order(code: &mut Code<'_, '_>, form: u16) {
    let [a, b] = code.params();
    let form = code.unit.form_numbered(form);
    compare(code, &form, a, b, 0);
    code.ret(0);
}

/// Returns where two values differ.
fn compare(code: &mut Code<'_, '_>, form: &Form, a: Var, b: Var, offset: u32) {
    let order = match form {
        Form::Bool => small(code, 1, a, b, offset),
        Form::Enum(width, _) => small(code, *width, a, b, offset),
        Form::Number(_) => {
            let (one, other) = (code.bind(load64(a, offset)), code.bind(load64(b, offset)));
            one.get().gt_s(other) - other.get().gt_s(one)
        }
        Form::Bytes32 => code.call(
            Routine::OrderBytes,
            [beyond(a.get(), offset), beyond(b.get(), offset), Exp::I32(32)],
        ),
        Form::Text(_) | Form::Bytes(_) => {
            let (one, other) = (code.bind(load32(2, a, offset)), code.bind(load32(2, b, offset)));
            let less = one.get().select(other, one.get().lt_u(other));
            let start = offset + size(COUNT);
            let most = size(form.size()) - size(COUNT);
            let args = [beyond(a.get(), start), beyond(b.get(), start), less.at_most(most)];
            let bytes = code.call(Routine::OrderBytes, args);
            let bytes = code.bind(bytes);
            code.when(bytes, |code| code.ret(bytes));
            one.get().gt_u(other) - other.get().gt_u(one)
        }
        Form::Record(parts) => {
            let mut offset = offset;
            for part in parts {
                compare(code, part, a, b, offset);
                offset += size(part.size());
            }
            return;
        }
        Form::Union(_) | Form::Option(_) | Form::List(..) | Form::Set(..) | Form::Map(..) => {
            unreachable!("verify lets no key have this form")
        }
    };
    let order = code.bind(order);
    code.when(order, |code| code.ret(order));
}

fn small(code: &mut Code<'_, '_>, width: u8, a: Var, b: Var, offset: u32) -> Exp {
    let (one, other) = (code.bind(load32(width, a, offset)), code.bind(load32(width, b, offset)));
    one.get().gt_u(other) - other.get().gt_u(one)
}

/// `(collection, key) -> place`: by halves.
pub(crate) fn seek(code: &mut Code<'_, '_>, form: u16) {
    let [coll, key] = code.params();
    let form = code.unit.form_numbered(form);
    let (key_form, stride, max) = key_of(&form);
    let order = Routine::Order(code.unit.form(key_form));
    let low = code.bind(0);
    let high = code.bind(load32(2, coll, 0));
    code.block(|code, done| {
        code.repeat(Rounds::halvings(max), |code, again| {
            code.stop_if(done, high.get().le_u(low));
            let middle = code.bind((low + high).shr_u(1));
            let found = code.call(order, [item(coll, middle.get(), stride), key.get()]);
            let found = code.bind(found);
            code.when(found.get().eqz(), |code| code.ret((middle << 1) | 1));
            code.either(
                found.get().lt_s(0),
                |code| code.set(low, middle + 1),
                |code| code.set(high, middle),
            );
            code.stop(again);
        });
    });
    code.ret(low << 1);
}

/// `(collection, key) -> address`
pub(crate) fn insert(code: &mut Code<'_, '_>, form: u16) {
    let [coll, key] = code.params();
    let place = code.call(Routine::Seek(form), [coll.get(), key.get()]);
    let place = code.bind(place);
    let form = code.unit.form_numbered(form);
    let (key_form, stride, max) = key_of(&form);
    let at = code.bind(item(coll, place.get().shr_u(1), stride));
    code.when(place & 1, |code| code.ret(at));
    let count = code.bind(load32(2, coll, 0));
    code.when(Exp::I32(max.cast_signed()).le_u(count), |code| code.ret(0));
    let behind = (count - place.get().shr_u(1)) * stride.cast_signed();
    let behind = behind.at_most(max * stride);
    code.push(Stm::Copy(at + stride.cast_signed(), at.get(), behind));
    code.copy(at, key, size(key_form.size()));
    code.store(2, coll, 0, count + 1);
    code.ret(at);
}

/// `(collection, key)`
pub(crate) fn remove(code: &mut Code<'_, '_>, form: u16) {
    let [coll, key] = code.params();
    let place = code.call(Routine::Seek(form), [coll.get(), key.get()]);
    let place = code.bind(place);
    let form = code.unit.form_numbered(form);
    let (_, stride, max) = key_of(&form);
    code.when(place & 1, |code| {
        let at = code.bind(item(coll, place.get().shr_u(1), stride));
        let count = code.bind(load32(2, coll, 0) - 1);
        let behind = (count - place.get().shr_u(1)) * stride.cast_signed();
        let behind = behind.at_most(max * stride);
        code.push(Stm::Copy(at.get(), at + stride.cast_signed(), behind));
        let last = item(coll, count.get(), stride);
        code.push(Stm::Fill(last, Exp::I32(0), literal(stride as usize)));
        code.store(2, coll, 0, count);
    });
    code.leave();
}
