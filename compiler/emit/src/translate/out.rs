//! The bytes of an entry: CBOR, written in order. The twin of the Model's `cbor::Writer`.

use crate::code::Code;
use crate::ir::{Exp, Ty, Var, load32};
use crate::kernel::cbor;
use crate::memory::size;
use crate::translate::value::Val;
use crate::unit::Routine;
use aqo_model::cbor::Writer;
use aqo_model::numbers::Numbers;
use aqo_model::types::Type;

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

    /// A value of a type, bounds aside.
    pub(crate) fn value(&mut self, code: &mut Code<'_, '_>, value: Val, ty: &Type) {
        match value {
            Val::Bool(truth) => self.truth(code, truth),
            Val::Number(number) => self.int(code, number),
            Val::Variant(index) => self.variant(code, index, ty),
            Val::Text(text) => self.from(code, Routine::PutText, text),
            Val::Bytes(bytes) => self.from(code, Routine::PutBytes, bytes),
            Val::Whole(form, from) => {
                let written = code.unit.written(&form, ty);
                self.from(code, Routine::PutWhole(written), from);
            }
            Val::Bytes32(from) => self.from(code, Routine::PutBytes32, from),
            Val::Option(Exp::I32(0), _) => self.bytes(&[cbor::NULL]),
            Val::Option(Exp::I32(_), held) => self.value(code, *held, held_in(ty)),
            Val::Option(tag, held) => {
                let next = self.end(code);
                code.either(
                    tag,
                    |code| {
                        let mut out = Out::new(next);
                        out.value(code, *held, held_in(ty));
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

    fn variant(&mut self, code: &mut Code<'_, '_>, index: Exp, ty: &Type) {
        let Type::Enum(of) = ty else { unreachable!("a variant is of an enum") };
        let types = &code.unit.model.schema.types;
        let numbers = types.variant_numbers(*of);
        match index.constant() {
            _ if !numbers.are_indices() => {
                let count = types.enums[usize::from(*of)].variants.len() as u16;
                self.numbered_variant(code, numbers, count, index);
            }
            Some(number @ 0..24) => self.bytes(&[number as u8]),
            Some(_) | None if code.unit.small_enums() => self.byte(code, index),
            Some(_) | None => self.head(code, 0, index.extend()),
        }
    }

    /// The number of a variant, of so many whose numbers are not their indices.
    fn numbered_variant(
        &mut self,
        code: &mut Code<'_, '_>,
        numbers: &Numbers,
        count: u16,
        index: Exp,
    ) {
        if let Some(index) = index.constant() {
            return self.uint(numbers.at(index as u16));
        }
        let table: Vec<u8> = (0..count).flat_map(|index| numbers.at(index).to_le_bytes()).collect();
        let table = code.unit.constant(&table);
        self.head(code, 0, load32(2, index << 1, table).extend());
    }
}

/// What an option holds.
fn held_in(ty: &Type) -> &Type {
    if let Type::Option(held) = ty { held } else { unreachable!("an operand is an option") }
}
