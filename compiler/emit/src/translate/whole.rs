//! Records, collections and variants that carry something, as they stand in memory: checked, written
//! into an entry, and lists that grow.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Stm, Var, load32};
use crate::kernel::cbor;
use crate::memory::size;
use crate::translate::expr::literal;
use crate::translate::out::Out;
use crate::translate::value::{self, Val, beyond};
use crate::unit::Routine;
use aqo_model::form::{COUNT, Form};
use aqo_model::types::{Param, Type, Types};

/// The address after the count of a collection, or after the number of a variant.
fn inside(whole: Var) -> Exp {
    whole + size(COUNT).cast_signed()
}

/// Calls `each` with every part and its offset from `start`.
pub(crate) fn parts(forms: &[Form], start: u32, mut each: impl FnMut(&Form, u32)) {
    let mut offset = start;
    for form in forms {
        each(form, offset);
        offset += size(form.size());
    }
}

/// Goes through the items of a collection: its form, its address in a local, and what is done with
/// each, whose address and number are in locals.
pub(crate) fn walk(
    code: &mut Code<'_, '_>,
    form: &Form,
    whole: Var,
    each: impl FnOnce(&mut Code<'_, '_>, Var, Var),
) {
    let (stride, max) = form.items().expect("a collection has items");
    let item = code.bind(inside(whole));
    code.each(Rounds::items(size(max)), load32(2, whole, 0), |code, k| {
        each(code, item, k);
        code.set(item, item + size(stride).cast_signed());
    });
}

/// `(address) -> truth`: the twin of `Form::read`.
#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
pub(crate) fn valid(code: &mut Code<'_, '_>, form: u16) {
    let [whole] = code.params();
    let form = code.unit.form_numbered(form);
    match &form {
        Form::Record(forms) => valid_parts(code, forms, whole, 0),
        Form::Union(cases) => {
            let number = code.bind(load32(2, whole, 0));
            for (index, forms) in cases.iter().enumerate() {
                code.when(number.get().eq(index as i32), |code| {
                    let used = COUNT + forms.iter().map(Form::size).sum::<usize>();
                    let rest = beyond(whole.get(), size(used));
                    let zero = code.call(Routine::AllZero, [rest, literal(form.size() - used)]);
                    code.when(zero.eqz(), |code| code.ret(0));
                    valid_parts(code, forms, whole, size(COUNT));
                    code.ret(1);
                });
            }
            code.ret(0);
            return;
        }
        Form::List(..) | Form::Set(..) | Form::Map(..) => valid_items(code, &form, whole),
        _ => unreachable!("only what stands in memory as a whole comes here"),
    }
    code.ret(1);
}

/// Returns 0 where a part has not its form.
fn valid_parts(code: &mut Code<'_, '_>, forms: &[Form], whole: Var, start: u32) {
    parts(forms, start, |form, offset| {
        if let Some(valid) = value::valid(code, form, whole.get(), offset) {
            code.when(valid.eqz(), |code| code.ret(0));
        }
    });
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
fn valid_items(code: &mut Code<'_, '_>, form: &Form, whole: Var) {
    let (stride, max) = form.items().expect("a collection has items");
    let count = code.bind(load32(2, whole, 0));
    code.when(literal(max).lt_u(count), |code| code.ret(0));
    let used = code.bind(count * size(stride).cast_signed());
    let rest = literal(stride * max) - used;
    let zero = code.call(Routine::AllZero, [inside(whole) + used, rest]);
    code.when(zero.eqz(), |code| code.ret(0));
    walk(code, form, whole, |code, item, k| match form {
        Form::List(of, _) => valid_parts(code, std::slice::from_ref(of), item, 0),
        Form::Set(key, _) => {
            valid_parts(code, std::slice::from_ref(key), item, 0);
            ascending(code, key, (item, k), stride);
        }
        Form::Map(key, held, _) => {
            valid_parts(code, &[(**key).clone(), (**held).clone()], item, 0);
            ascending(code, key, (item, k), stride);
        }
        _ => unreachable!("only collections come here"),
    });
}

/// Returns 0 where an item is not behind the one before it.
fn ascending(code: &mut Code<'_, '_>, key: &Form, (item, k): (Var, Var), stride: usize) {
    let order = Routine::Order(code.unit.form(key));
    code.when(k, |code| {
        let order = code.call(order, [item - size(stride).cast_signed(), item.get()]);
        code.when(Exp::I32(0).le_s(order), |code| code.ret(0));
    });
}

/// Whether any number in a value of this type has bounds.
pub(crate) fn has_bounds(ty: &Type, types: &Types) -> bool {
    let any = |params: &[Param]| params.iter().any(|param| has_bounds(&param.ty, types));
    match ty {
        Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => true,
        Type::Bool | Type::Text { .. } | Type::Bytes { .. } | Type::Key | Type::Hash => false,
        Type::Enum(index) => {
            types.enums[usize::from(*index)].variants.iter().any(|variant| any(&variant.params))
        }
        Type::Record(index) => any(types.parts(*index)),
        Type::Option(item)
        | Type::List { item, .. }
        | Type::Ring { item, .. }
        | Type::Set { item, .. } => has_bounds(item, types),
        Type::Map { key, value, .. } => has_bounds(key, types) || has_bounds(value, types),
    }
}

/// `(address) -> truth`: the twin of `Value::in_range`.
#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
pub(crate) fn within(code: &mut Code<'_, '_>, ty: u16) {
    let [whole] = code.params();
    let ty = code.unit.type_numbered(ty);
    let types = &code.unit.model.schema.types;
    match &ty {
        Type::Record(index) => {
            let declared = types.parts(*index).iter().map(|param| &param.ty).collect::<Vec<_>>();
            within_parts(code, &declared, whole, 0);
        }
        Type::Enum(index) => {
            let number = code.bind(load32(2, whole, 0));
            for (k, variant) in types.enums[usize::from(*index)].variants.iter().enumerate() {
                let declared = variant.params.iter().map(|param| &param.ty).collect::<Vec<_>>();
                if declared.iter().any(|ty| has_bounds(ty, types)) {
                    code.when(number.get().eq(k as i32), |code| {
                        within_parts(code, &declared, whole, size(COUNT));
                    });
                }
            }
        }
        Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. } => {
            let form = code.unit.wide(&ty);
            walk(code, &form, whole, |code, at, _| within_parts(code, &[item], at, 0));
        }
        Type::Map { key, value, .. } => {
            let form = code.unit.wide(&ty);
            walk(code, &form, whole, |code, at, _| within_parts(code, &[key, value], at, 0));
        }
        _ => unreachable!("only what stands in memory as a whole comes here"),
    }
    code.ret(1);
}

/// Returns 0 where a part lies outside its bounds.
fn within_parts(code: &mut Code<'_, '_>, types: &[&Type], whole: Var, start: u32) {
    let forms: Vec<Form> = types.iter().map(|ty| code.unit.wide(ty)).collect();
    let mut types = types.iter();
    parts(&forms, start, |form, offset| {
        let ty = types.next().expect("one type for each part");
        if let Some(within) = Val::load(form, whole.get(), offset).within(ty, code) {
            code.when(within.eqz(), |code| code.ret(0));
        }
    });
}

/// `(to, address) -> end`: the twin of `Writer::value`.
pub(crate) fn put(code: &mut Code<'_, '_>, written: u16) {
    let [to, whole] = code.params();
    let (form, ty) = code.unit.written_numbered(written);
    let types = &code.unit.model.schema.types;
    match (&form, &ty) {
        (Form::Record(forms), Type::Record(index)) => {
            let mut out = Out::new(to);
            out.array(forms.len());
            put_parts(code, &mut out, (forms, &of_params(types.parts(*index))), whole, 0);
            let end = out.end(code);
            code.ret(end);
        }
        (Form::Union(cases), Type::Enum(of)) => {
            let number = code.bind(load32(2, whole, 0));
            for (index, forms) in cases.iter().enumerate() {
                let variant = u16::try_from(index).expect("an enum has few variants");
                let carried = of_params(types.payload(*of, variant));
                let number_of = types.variant_numbers(*of).at(variant);
                code.when(number.get().eq(index as i32), |code| {
                    let mut out = Out::new(to);
                    if !forms.is_empty() {
                        out.array(1 + forms.len());
                    }
                    out.uint(number_of);
                    put_parts(code, &mut out, (forms, &carried), whole, size(COUNT));
                    let end = out.end(code);
                    code.ret(end);
                });
            }
            code.ret(to);
        }
        (Form::List(..) | Form::Set(..) | Form::Map(..), _) => {
            let mut out = Out::new(to);
            out.head(code, cbor::ARRAY, load32(2, whole, 0).extend());
            out.end(code);
            walk(code, &form, whole, |code, item, _| {
                let mut out = Out::new(to);
                match (&form, &ty) {
                    (Form::Map(key, held, _), Type::Map { key: of_key, value, .. }) => {
                        out.array(2);
                        let both = [(**key).clone(), (**held).clone()];
                        put_parts(code, &mut out, (&both, &[of_key, value]), item, 0);
                    }
                    (Form::List(of, _) | Form::Set(of, _), ty) => {
                        let (held, _) = ty.items().expect("a collection has items");
                        put_parts(code, &mut out, (std::slice::from_ref(of), &[held]), item, 0);
                    }
                    _ => unreachable!("only collections come here"),
                }
                out.end(code);
            });
            code.ret(to);
        }
        _ => unreachable!("only what stands in memory as a whole comes here"),
    }
}

fn of_params(params: &[Param]) -> Vec<&Type> {
    params.iter().map(|param| &param.ty).collect()
}

/// Writes parts, each of a form and a type.
fn put_parts(
    code: &mut Code<'_, '_>,
    out: &mut Out,
    (forms, types): (&[Form], &[&Type]),
    whole: Var,
    start: u32,
) {
    let mut types = types.iter();
    parts(forms, start, |form, offset| {
        let ty = types.next().expect("one type for each part");
        out.value(code, Val::load(form, whole.get(), offset), ty);
    });
}

/// `(list) -> address`: a full list forgets its first item.
pub(crate) fn grow(code: &mut Code<'_, '_>, form: u16) {
    let [list] = code.params();
    let form = code.unit.form_numbered(form);
    let (stride, max) = form.items().expect("a list has items");
    let count = code.bind(load32(2, list, 0));
    code.when(count.get().eq(literal(max)), |code| {
        let second = inside(list) + literal(stride);
        code.push(Stm::Copy(inside(list), second, literal(stride * (max - 1))));
        code.ret(inside(list) + literal(stride * (max - 1)));
    });
    code.store(2, list, 0, count + 1);
    code.ret(inside(list) + count * size(stride).cast_signed());
}
