//! Values of the Model as operands: how each form is loaded, stored, compared and checked.
//!
//! A number is an I64; a truth, a variant and an option's tag are I32; texts, bytes, keys, records,
//! collections and variants that carry something are the address of where they stand. What an option
//! holds may be looked at only where its tag is 1.

use crate::code::Code;
use crate::ir::{Exp, Stm, Var, at, load_number, load32, load64};
use crate::kernel::bytes::TEXT;
use crate::memory::size;
use crate::translate::{expr, whole};
use crate::unit::Routine;
use aqo_model::form::{COUNT, Form};
use aqo_model::layout::Slot;
use aqo_model::types::Type;
use aqo_model::value::Value;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Val {
    Bool(Exp),
    Number(Exp),
    Variant(Exp),
    Text(Exp),
    Bytes(Exp),
    Bytes32(Exp),
    Option(Exp, Box<Val>),
    /// A record, a collection or a variant that carries something, in its form.
    Whole(Form, Exp),
}

impl Val {
    /// A constant of this form.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what verify leaves possible, of many shapes"
    )]
    pub(crate) fn constant(code: &mut Code<'_, '_>, value: &Value, form: &Form) -> Val {
        match (value, form) {
            (Value::Bool(value), _) => Val::Bool(Exp::I32(i32::from(*value))),
            (Value::Int(value), _) => Val::Number(Exp::I64(*value)),
            (Value::Variant(number, _), Form::Enum(..)) => {
                Val::Variant(Exp::I32(i32::from(*number)))
            }
            (Value::None, _) => Val::none(form),
            (Value::Some(value), Form::Option(form)) => Val::some(Val::constant(code, value, form)),
            (
                Value::Text(_)
                | Value::Bytes(_)
                | Value::Bytes32(_)
                | Value::Some(_)
                | Value::Variant(..)
                | Value::Record(_)
                | Value::List(_)
                | Value::Map(_),
                _,
            ) => {
                let mut bytes = vec![0; form.size()];
                form.write(value, &mut bytes);
                let used = match value {
                    Value::Text(text) => COUNT + text.len(),
                    _ => bytes.len(),
                };
                let address = code.unit.constant(&bytes[..used]);
                Val::load(form, Exp::I32(0), address)
            }
        }
    }

    pub(crate) fn some(held: Val) -> Val {
        Val::Option(Exp::I32(1), Box::new(held))
    }

    /// `none` of an option of this form, with something of the right type in the place of a value.
    pub(crate) fn none(form: &Form) -> Val {
        match form {
            Form::Option(form) => Val::Option(Exp::I32(0), Box::new(Val::none(form))),
            Form::Bool => Val::Bool(Exp::I32(0)),
            Form::Number(_) => Val::Number(Exp::I64(0)),
            Form::Enum(..) => Val::Variant(Exp::I32(0)),
            Form::Text(_) => Val::Text(Exp::I32(0)),
            Form::Bytes(_) => Val::Bytes(Exp::I32(0)),
            Form::Bytes32 => Val::Bytes32(Exp::I32(0)),
            Form::Union(_) | Form::Record(_) | Form::List(..) | Form::Set(..) | Form::Map(..) => {
                Val::Whole(form.clone(), Exp::I32(0))
            }
        }
    }

    /// What stands in this form at base + offset. The base may stand more than once.
    pub(crate) fn load(form: &Form, base: Exp, offset: u32) -> Val {
        match form {
            Form::Bool => Val::Bool(load32(1, base, offset)),
            Form::Number(width) => Val::Number(load_number(*width, base, offset)),
            Form::Enum(width, _) => Val::Variant(load32(*width, base, offset)),
            Form::Text(_) => Val::Text(beyond(base, offset)),
            Form::Bytes(_) => Val::Bytes(beyond(base, offset)),
            Form::Bytes32 => Val::Bytes32(beyond(base, offset)),
            Form::Option(form) => Val::Option(
                load32(1, base.clone(), offset),
                Box::new(Val::load(form, base, offset + 1)),
            ),
            Form::Union(_) | Form::Record(_) | Form::List(..) | Form::Set(..) | Form::Map(..) => {
                Val::Whole(form.clone(), beyond(base, offset))
            }
        }
    }

    /// What stands in a slot of a region.
    pub(crate) fn of_slot(slot: &Slot, region: u32) -> Val {
        Val::load(&slot.form, Exp::I32(0), region + size(slot.offset))
    }

    /// The same value with each operand replaced.
    pub(crate) fn map(self, each: &mut impl FnMut(Exp) -> Exp) -> Val {
        match self {
            Val::Bool(a) => Val::Bool(each(a)),
            Val::Number(a) => Val::Number(each(a)),
            Val::Variant(a) => Val::Variant(each(a)),
            Val::Text(a) => Val::Text(each(a)),
            Val::Bytes(a) => Val::Bytes(each(a)),
            Val::Bytes32(a) => Val::Bytes32(each(a)),
            Val::Whole(form, a) => Val::Whole(form, each(a)),
            Val::Option(tag, held) => {
                let tag = each(tag);
                Val::Option(tag, Box::new(held.map(each)))
            }
        }
    }

    /// Its operands.
    pub(crate) fn parts(self) -> Vec<Exp> {
        let mut parts = Vec::new();
        self.map(&mut |part| {
            parts.push(part.clone());
            part
        });
        parts
    }

    /// The same value in operands that may stand more than once.
    pub(crate) fn atoms(self, code: &mut Code<'_, '_>) -> Val {
        self.map(&mut |part| code.atom(part))
    }

    /// New locals of the types of its operands, as a value, and by themselves.
    pub(crate) fn vars(&self, code: &mut Code<'_, '_>) -> (Val, Vec<Var>) {
        let mut vars = Vec::new();
        let value = self.clone().map(&mut |part| {
            let var = code.var(part.ty());
            vars.push(var);
            var.get()
        });
        (value, vars)
    }

    /// The truth that it is.
    pub(crate) fn truth(self) -> Exp {
        if let Val::Bool(truth) = self { truth } else { unreachable!("a condition is a bool") }
    }

    /// The number that it is.
    pub(crate) fn number(self) -> Exp {
        if let Val::Number(number) = self { number } else { unreachable!("an operand is a number") }
    }

    /// The number of its variant.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what verify leaves possible, of many shapes"
    )]
    pub(crate) fn variant(self) -> Exp {
        match self {
            Val::Variant(number) => number,
            Val::Whole(Form::Union(_), address) => load32(2, address, 0),
            _ => unreachable!("an operand is a variant"),
        }
    }

    /// The address of the text that it is.
    pub(crate) fn text(self) -> Exp {
        if let Val::Text(address) = self { address } else { unreachable!("an operand is a text") }
    }

    /// The tag and what is held.
    pub(crate) fn option(self) -> (Exp, Val) {
        if let Val::Option(tag, held) = self {
            (tag, *held)
        } else {
            unreachable!("an operand is an option")
        }
    }

    /// The form and the address of a record or a collection.
    pub(crate) fn whole(self) -> (Form, Exp) {
        if let Val::Whole(form, address) = self {
            (form, address)
        } else {
            unreachable!("an operand is a record or a collection")
        }
    }

    /// Whether two values of one kind are equal.
    pub(crate) fn equals(self, other: Val, code: &mut Code<'_, '_>) -> Exp {
        match (self, other) {
            (Val::Bool(a), Val::Bool(b))
            | (Val::Number(a), Val::Number(b))
            | (Val::Variant(a), Val::Variant(b)) => a.eq(b),
            (Val::Text(a), Val::Text(b)) | (Val::Bytes(a), Val::Bytes(b)) => {
                code.call(Routine::SameText, [a, b])
            }
            (Val::Bytes32(a), Val::Bytes32(b)) => code.call(Routine::SameBytes32, [a, b]),
            (Val::Option(a, held), Val::Option(b, other)) => {
                let (a, b) = (code.atom(a), code.atom(b));
                let same = held.equals(*other, code);
                let both = a.clone() & b.clone();
                both.choose(same, a.eq(b))
            }
            // Unused bytes are zero, so equal values have equal bytes.
            (Val::Whole(form, a), Val::Whole(_, b)) => match form.items() {
                None => code.call(Routine::SameBytes, [a, b, expr::literal(form.size())]),
                Some((stride, _)) => {
                    let a = code.atom(a);
                    let bytes = load32(2, a.clone(), 0) * size(stride).cast_signed();
                    let used = bytes + size(COUNT).cast_signed();
                    code.call(Routine::SameBytes, [a, b, used.at_most(size(form.size()))])
                }
            },
            _ => unreachable!("verify compares values of one kind"),
        }
    }

    /// Whether it lies within the bounds of its type; `None` where every value does.
    pub(crate) fn within(self, ty: &Type, code: &mut Code<'_, '_>) -> Option<Exp> {
        match (self, ty) {
            (Val::Option(tag, held), Type::Option(ty)) => {
                let inner = held.within(ty, code)?;
                Some(tag.choose(inner, 1))
            }
            (Val::Number(number), _) => {
                let bounds = ty.bounds()?;
                let number = code.atom(number);
                Some(between(number, bounds.low, bounds.high))
            }
            (Val::Whole(_, address), _) if whole::has_bounds(ty, &code.unit.model.schema.types) => {
                let ty = code.unit.ty(ty);
                Some(code.call(Routine::Within(ty), [address]))
            }
            _ => None,
        }
    }

    /// Stores it in this form at base + offset; all bytes of the form are written. The base may stand
    /// more than once.
    pub(crate) fn store(self, code: &mut Code<'_, '_>, form: &Form, base: Exp, offset: u32) {
        match (self, form) {
            (Val::Number(value), Form::Number(width)) => code.store(*width, base, offset, value),
            (Val::Variant(value), Form::Enum(width, _)) => code.store(*width, base, offset, value),
            (Val::Bool(value), _) => code.store(1, base, offset, value),
            (Val::Bytes32(from), _) => code.copy(beyond(base, offset), from, 32),
            (Val::Text(from), Form::Text(capacity)) | (Val::Bytes(from), Form::Bytes(capacity)) => {
                let len = code.bind(load32(2, from.clone(), 0));
                let from = code.atom(from);
                let whole = code.bind(len + TEXT.cast_signed());
                let used = whole.get().at_most(u32::from(*capacity) + TEXT);
                code.push(Stm::Copy(beyond(base.clone(), offset), from, used));
                let end = beyond(base, offset + TEXT) + len;
                let rest = Exp::I32(i32::from(*capacity)) - len;
                code.push(Stm::Fill(end, Exp::I32(0), rest));
            }
            (Val::Option(tag, held), Form::Option(form)) => {
                let held_at = offset + 1;
                let tag = code.atom(tag);
                code.store(1, base.clone(), offset, tag.clone());
                match tag.constant() {
                    Some(0) => code.zero(beyond(base, held_at), size(form.size())),
                    Some(_) => held.store(code, form, base, held_at),
                    None => code.either(
                        tag,
                        |code| held.store(code, form, base.clone(), held_at),
                        |code| code.zero(beyond(base.clone(), held_at), size(form.size())),
                    ),
                }
            }
            (Val::Whole(from_form, from), _) => {
                let to = beyond(base, offset);
                match form.items() {
                    Some((stride, _)) if from_form != *form => {
                        // A collection of fewer items at most.
                        let (to, from) = (code.atom(to), code.atom(from));
                        let items = load32(2, from.clone(), 0) * size(stride).cast_signed();
                        let used = code.bind(items + size(COUNT).cast_signed());
                        let most = size(from_form.size());
                        code.push(Stm::Copy(to.clone(), from, used.get().at_most(most)));
                        let rest = expr::literal(form.size()) - used;
                        code.push(Stm::Fill(to + used, Exp::I32(0), rest));
                    }
                    Some(_) | None => code.copy(to, from, size(form.size())),
                }
            }
            _ => unreachable!("verify stores a value where its kind belongs"),
        }
    }

    /// The form of a collection, or of one that is perhaps there.
    pub(crate) fn collection_form(&self) -> Option<&Form> {
        match self {
            Val::Whole(form, _) => Some(form).filter(|form| form.items().is_some()),
            Val::Option(_, held) => held.collection_form(),
            Val::Bool(_)
            | Val::Number(_)
            | Val::Variant(_)
            | Val::Text(_)
            | Val::Bytes(_)
            | Val::Bytes32(_) => None,
        }
    }

    /// A collection copied into a form that holds at least as many; other values as they are.
    pub(crate) fn widened(self, code: &mut Code<'_, '_>, form: &Form) -> Val {
        match self {
            Val::Whole(ref from, _) if from.items().is_some() && from != form => {
                let room = code.unit.room(form);
                self.store(code, form, Exp::I32(0), room);
                Val::load(form, Exp::I32(0), room)
            }
            Val::Option(tag, held) => {
                let tag = code.atom(tag);
                let (copied, held) = code.nested_with(|code| held.widened(code, form));
                if !copied.is_empty() {
                    code.push(Stm::If(tag.clone(), copied, Vec::new()));
                }
                Val::Option(tag, Box::new(held))
            }
            Val::Whole(..)
            | Val::Bool(_)
            | Val::Number(_)
            | Val::Variant(_)
            | Val::Text(_)
            | Val::Bytes(_)
            | Val::Bytes32(_) => self,
        }
    }
}

/// The address base + offset.
#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
pub(crate) fn beyond(base: Exp, offset: u32) -> Exp {
    match base {
        Exp::I32(base) => at(base.cast_unsigned() + offset),
        base if offset == 0 => base,
        base => base + offset.cast_signed(),
    }
}

/// Whether a number, which stands more than once, lies within bounds; `i64` itself needs no test.
pub(crate) fn between(number: Exp, low: i64, high: i64) -> Exp {
    if high.wrapping_sub(low) >= 0 {
        // One unsigned comparison of the distance from the lower bound.
        let distance = if low == 0 { number } else { number - low };
        return distance.le_u(high.wrapping_sub(low));
    }
    Exp::I64(low).le_s(number.clone()) & number.le_s(high)
}

/// Whether the bytes at base + offset are a value of this form; `None` where all bytes are. The base
/// may stand more than once.
pub(crate) fn valid(code: &mut Code<'_, '_>, form: &Form, base: Exp, offset: u32) -> Option<Exp> {
    match form {
        Form::Bool => Some(load32(1, base, offset).lt_u(2)),
        Form::Number(_) | Form::Bytes32 => None,
        Form::Enum(width, variants) => {
            Some(load32(*width, base, offset).lt_u(i32::from(*variants)))
        }
        Form::Text(capacity) => {
            let args = [beyond(base, offset), Exp::I32(i32::from(*capacity))];
            Some(code.call(Routine::ValidText, args))
        }
        Form::Bytes(capacity) => {
            let args = [beyond(base, offset), Exp::I32(i32::from(*capacity))];
            Some(code.call(Routine::ValidBytes, args))
        }
        Form::Option(form) => {
            let tag = || load32(1, base.clone(), offset);
            let held = valid(code, form, base.clone(), offset + 1).unwrap_or(Exp::I32(1));
            let zero = is_zero(code, &base, offset + 1, size(form.size()));
            Some(tag().eqz().choose(zero, tag().eq(1).and_then(held)))
        }
        Form::Union(_) | Form::Record(_) | Form::List(..) | Form::Set(..) | Form::Map(..) => {
            let form = code.unit.form(form);
            Some(code.call(Routine::Valid(form), [beyond(base, offset)]))
        }
    }
}

fn is_zero(code: &mut Code<'_, '_>, base: &Exp, offset: u32, len: u32) -> Exp {
    let base = base.clone();
    match len {
        1 | 2 => load32(len as u8, base, offset).eqz(),
        8 => load64(base, offset).eqz(),
        _ => code.call(Routine::AllZero, [beyond(base, offset), Exp::I32(len.cast_signed())]),
    }
}
