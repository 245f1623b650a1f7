//! Values of the Model as operands: how each form is loaded, stored, compared, checked and written
//! into an entry.
//!
//! A number is an I64; a truth, a variant and an option's tag are I32; a text and 32 bytes are the
//! address of where they stand. What an option holds may be looked at only where its tag is 1.

use crate::code::Code;
use crate::ir::{Exp, Stm, Ty, Var, at, load_number, load32, load64};
use crate::kernel::bytes::TEXT;
use crate::kernel::cbor;
use crate::memory::size;
use crate::unit::Routine;
use aqo_model::cbor::Writer;
use aqo_model::layout::{Form, Slot};
use aqo_model::types::{Kind, Type};
use aqo_model::value::Value;

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Val {
    Bool(Exp),
    Number(Exp),
    Variant(Exp),
    Text(Exp),
    Bytes32(Exp),
    Option(Exp, Box<Val>),
}

impl Val {
    /// A constant.
    pub(crate) fn constant(code: &mut Code<'_, '_>, value: &Value, kind: &Kind) -> Val {
        match value {
            Value::Bool(value) => Val::Bool(Exp::I32(i32::from(*value))),
            Value::Int(value) => Val::Number(Exp::I64(*value)),
            Value::Variant(number) => Val::Variant(Exp::I32(i32::from(*number))),
            Value::Text(text) => {
                let len =
                    u16::try_from(text.len()).expect("a text is no longer than limits::TEXT_BYTES");
                let bytes = [&len.to_le_bytes(), text.as_bytes()].concat();
                Val::Text(at(code.unit.constant(&bytes)))
            }
            Value::Bytes32(bytes) => Val::Bytes32(at(code.unit.constant(&bytes.0))),
            Value::None => Val::none(kind),
            Value::Some(value) => {
                let kind = if let Kind::Option(kind) = kind { kind } else { kind };
                Val::some(Val::constant(code, value, kind))
            }
        }
    }

    pub(crate) fn some(held: Val) -> Val {
        Val::Option(Exp::I32(1), Box::new(held))
    }

    /// `none` of an option of this kind, with something of the right type in the place of a value.
    pub(crate) fn none(kind: &Kind) -> Val {
        match kind {
            Kind::Option(kind) => Val::Option(Exp::I32(0), Box::new(Val::none(kind))),
            Kind::Bool => Val::Bool(Exp::I32(0)),
            Kind::Number => Val::Number(Exp::I64(0)),
            Kind::Enum(_) => Val::Variant(Exp::I32(0)),
            Kind::Text => Val::Text(Exp::I32(0)),
            Kind::Bytes32 => Val::Bytes32(Exp::I32(0)),
        }
    }

    /// What stands in this form at this address.
    pub(crate) fn load(form: &Form, address: u32) -> Val {
        match form {
            Form::Bool => Val::Bool(load32(1, 0, address)),
            Form::Number(width) => Val::Number(load_number(*width, 0, address)),
            Form::Enum(width, _) => Val::Variant(load32(*width, 0, address)),
            Form::Text(_) => Val::Text(at(address)),
            Form::Bytes32 => Val::Bytes32(at(address)),
            Form::Option(form) => {
                Val::Option(load32(1, 0, address), Box::new(Val::load(form, address + 1)))
            }
        }
    }

    /// What stands in a slot of a region.
    pub(crate) fn of_slot(slot: &Slot, region: u32) -> Val {
        Val::load(&slot.form, region + size(slot.offset))
    }

    /// The same value with each operand replaced.
    pub(crate) fn map(self, each: &mut impl FnMut(Exp) -> Exp) -> Val {
        match self {
            Val::Bool(a) => Val::Bool(each(a)),
            Val::Number(a) => Val::Number(each(a)),
            Val::Variant(a) => Val::Variant(each(a)),
            Val::Text(a) => Val::Text(each(a)),
            Val::Bytes32(a) => Val::Bytes32(each(a)),
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
        match self {
            Val::Bool(truth) => truth,
            Val::Number(_) | Val::Variant(_) | Val::Text(_) | Val::Bytes32(_) | Val::Option(..) => {
                unreachable!("verify gives a condition the kind bool")
            }
        }
    }

    /// The number that it is.
    pub(crate) fn number(self) -> Exp {
        match self {
            Val::Number(number) => number,
            Val::Bool(_) | Val::Variant(_) | Val::Text(_) | Val::Bytes32(_) | Val::Option(..) => {
                unreachable!("verify gives an operand the kind number")
            }
        }
    }

    /// The address of the text that it is.
    pub(crate) fn text(self) -> Exp {
        match self {
            Val::Text(address) => address,
            Val::Bool(_) | Val::Number(_) | Val::Variant(_) | Val::Bytes32(_) | Val::Option(..) => {
                unreachable!("verify gives an operand the kind text")
            }
        }
    }

    /// The tag and what is held.
    pub(crate) fn option(self) -> (Exp, Val) {
        match self {
            Val::Option(tag, held) => (tag, *held),
            Val::Bool(_) | Val::Number(_) | Val::Variant(_) | Val::Text(_) | Val::Bytes32(_) => {
                unreachable!("verify gives an operand the kind option")
            }
        }
    }

    /// Whether two values of one kind are equal.
    pub(crate) fn equals(self, other: Val, code: &mut Code<'_, '_>) -> Exp {
        match (self, other) {
            (Val::Bool(a), Val::Bool(b))
            | (Val::Number(a), Val::Number(b))
            | (Val::Variant(a), Val::Variant(b)) => a.eq(b),
            (Val::Text(a), Val::Text(b)) => code.call(Routine::SameText, [a, b]),
            (Val::Bytes32(a), Val::Bytes32(b)) => code.call(Routine::SameBytes32, [a, b]),
            (Val::Option(a, held), Val::Option(b, other)) => {
                let (a, b) = (code.atom(a), code.atom(b));
                let same = held.equals(*other, code);
                let both = a.clone() & b.clone();
                both.choose(same, a.eq(b))
            }
            (
                Val::Bool(_)
                | Val::Number(_)
                | Val::Variant(_)
                | Val::Text(_)
                | Val::Bytes32(_)
                | Val::Option(..),
                _,
            ) => unreachable!("verify compares values of one kind"),
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
            (
                Val::Bool(_) | Val::Variant(_) | Val::Text(_) | Val::Bytes32(_) | Val::Option(..),
                _,
            ) => None,
        }
    }

    /// Stores it in this form; all bytes of the form are written.
    pub(crate) fn store(self, code: &mut Code<'_, '_>, form: &Form, address: u32) {
        match (self, form) {
            (Val::Number(value), Form::Number(width)) => code.store(*width, 0, address, value),
            (Val::Variant(value), Form::Enum(width, _)) => code.store(*width, 0, address, value),
            (Val::Bool(value), _) => code.store(1, 0, address, value),
            (Val::Bytes32(from), _) => code.copy(at(address), from, 32),
            (Val::Text(from), Form::Text(capacity)) => {
                let len = code.bind(load32(2, from.clone(), 0));
                let from = code.atom(from);
                let whole = code.bind(len + TEXT.cast_signed());
                code.push(Stm::Copy(at(address), from, whole.get()));
                let end = at(address + TEXT) + len;
                let rest = Exp::I32(i32::from(*capacity)) - len;
                code.push(Stm::Fill(end, Exp::I32(0), rest));
            }
            (Val::Option(tag, held), Form::Option(form)) => {
                let held_at = address + 1;
                let tag = code.atom(tag);
                code.store(1, 0, address, tag.clone());
                match tag.constant() {
                    Some(0) => code.zero(at(held_at), size(form.size())),
                    Some(_) => held.store(code, form, held_at),
                    None => code.either(
                        tag,
                        |code| held.store(code, form, held_at),
                        |code| code.zero(at(held_at), size(form.size())),
                    ),
                }
            }
            (Val::Number(_) | Val::Variant(_) | Val::Text(_) | Val::Option(..), _) => {
                unreachable!("verify stores a value where its kind belongs")
            }
        }
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

/// Whether the bytes at an address are a value of this form; `None` where all bytes are.
pub(crate) fn valid(code: &mut Code<'_, '_>, form: &Form, address: u32) -> Option<Exp> {
    match form {
        Form::Bool => Some(load32(1, 0, address).lt_u(2)),
        Form::Number(_) | Form::Bytes32 => None,
        Form::Enum(width, variants) => Some(load32(*width, 0, address).lt_u(i32::from(*variants))),
        Form::Text(capacity) => {
            let args = [at(address), Exp::I32(i32::from(*capacity))];
            Some(code.call(Routine::ValidText, args))
        }
        Form::Option(form) => {
            let tag = || load32(1, 0, address);
            let held = valid(code, form, address + 1).unwrap_or(Exp::I32(1));
            let zero = is_zero(code, address + 1, size(form.size()));
            Some(tag().eqz().choose(zero, tag().eq(1).and_then(held)))
        }
    }
}

fn is_zero(code: &mut Code<'_, '_>, address: u32, len: u32) -> Exp {
    match len {
        1 | 2 => load32(len as u8, 0, address).eqz(),
        8 => load64(0, address).eqz(),
        _ => code.call(Routine::AllZero, [at(address), Exp::I32(len.cast_signed())]),
    }
}

/// A place in memory that CBOR is written to, in order. Constant bytes wait until something else
/// comes, so that they are stored together.
pub(crate) struct Out {
    next: Var,
    /// How far beyond `next` the first byte goes that is not stored.
    ahead: u32,
    waiting: Vec<u8>,
}

impl Out {
    /// Writes from the address that a local holds.
    pub(crate) fn new(next: Var) -> Out {
        assert_eq!(next.ty, Ty::I32, "an address");
        Out { next, ahead: 0, waiting: Vec::new() }
    }

    fn flush(&mut self, code: &mut Code<'_, '_>) {
        code.bytes(self.next, self.ahead, &self.waiting);
        self.ahead += size(self.waiting.len());
        self.waiting.clear();
    }

    /// The address of the next byte.
    pub(crate) fn place(&mut self, code: &mut Code<'_, '_>) -> Exp {
        self.flush(code);
        if self.ahead == 0 { self.next.get() } else { self.next + self.ahead.cast_signed() }
    }

    /// The local now holds the address of the next byte.
    pub(crate) fn end(&mut self, code: &mut Code<'_, '_>) -> Var {
        let place = self.place(code);
        if self.ahead > 0 {
            code.set(self.next, place);
            self.ahead = 0;
        }
        self.next
    }

    /// Constant bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.waiting.extend(bytes);
    }

    /// The head of a list.
    pub(crate) fn array(&mut self, len: usize) {
        self.bytes(&cbor::head(cbor::ARRAY, size(len)));
    }

    /// A constant number.
    pub(crate) fn uint(&mut self, number: u16) {
        self.bytes(&cbor::head(0, number.into()));
    }

    /// One byte that is computed.
    pub(crate) fn byte(&mut self, code: &mut Code<'_, '_>, byte: Exp) {
        self.flush(code);
        code.store(1, self.next, self.ahead, byte);
        self.ahead += 1;
    }

    /// `false` or `true`
    pub(crate) fn truth(&mut self, code: &mut Code<'_, '_>, truth: Exp) {
        match truth.constant() {
            Some(0) => self.bytes(&[cbor::FALSE]),
            Some(_) => self.bytes(&[cbor::TRUE]),
            None => self.byte(code, truth + i32::from(cbor::FALSE)),
        }
    }

    /// The head of an item whose argument is computed.
    pub(crate) fn head(&mut self, code: &mut Code<'_, '_>, major: u8, argument: Exp) {
        let args = [self.place(code), Exp::I32(major.into()), argument];
        self.moved(code, Routine::PutHead, args);
    }

    /// An integer.
    pub(crate) fn int(&mut self, code: &mut Code<'_, '_>, number: Exp) {
        if let Exp::I64(number) = number {
            let mut writer = Writer::default();
            writer.int(number);
            self.bytes(&writer.bytes);
            return;
        }
        let args = [self.place(code), number];
        self.moved(code, Routine::PutInt, args);
    }

    /// A routine that writes, and gives the address after what it wrote.
    pub(crate) fn moved<const N: usize>(
        &mut self,
        code: &mut Code<'_, '_>,
        routine: Routine,
        args: [Exp; N],
    ) {
        let end = code.call(routine, args);
        code.set(self.next, end);
        self.ahead = 0;
    }

    /// A routine that writes what stands at an address.
    pub(crate) fn from(&mut self, code: &mut Code<'_, '_>, routine: Routine, from: Exp) {
        let args = [self.place(code), from];
        self.moved(code, routine, args);
    }

    /// So many bytes are written by other means.
    pub(crate) fn skip(&mut self, len: u32) {
        self.ahead += len;
    }

    /// A byte string of constant length, of less than 256 bytes.
    pub(crate) fn byte_string(&mut self, code: &mut Code<'_, '_>, from: Exp, len: u32) {
        self.bytes(&cbor::head(cbor::BYTES, len));
        let to = self.place(code);
        code.copy(to, from, len);
        self.ahead += len;
    }

    /// A value; of an enum, how many variants it has decides how its number is written.
    pub(crate) fn value(&mut self, code: &mut Code<'_, '_>, value: Val) {
        match value {
            Val::Bool(truth) => self.truth(code, truth),
            Val::Number(number) => self.int(code, number),
            Val::Variant(number) => self.variant(code, number),
            Val::Text(text) => self.from(code, Routine::PutText, text),
            Val::Bytes32(from) => self.from(code, Routine::PutBytes32, from),
            Val::Option(Exp::I32(0), _) => self.bytes(&[cbor::NULL]),
            Val::Option(Exp::I32(_), held) => self.value(code, *held),
            Val::Option(tag, held) => {
                let next = self.end(code);
                code.either(
                    tag,
                    |code| {
                        let mut out = Out::new(next);
                        out.value(code, *held);
                        out.end(code);
                    },
                    |code| {
                        let mut out = Out::new(next);
                        out.bytes(&[cbor::NULL]);
                        out.end(code);
                    },
                );
            }
        }
    }

    fn variant(&mut self, code: &mut Code<'_, '_>, number: Exp) {
        match number.constant() {
            Some(number @ 0..24) => self.bytes(&[number as u8]),
            Some(_) | None if code.unit.small_enums() => self.byte(code, number),
            Some(_) | None => self.head(code, 0, number.extend()),
        }
    }
}
