//! The CBOR writer: `cbor::Writer` of the model. Each routine takes the address to write to and
//! gives the address after what it wrote.

use crate::code::Code;
use crate::ir::{Exp, Var, load32};
use crate::unit::Routine;

pub(crate) const NULL: u8 = 0xf6;
pub(crate) const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
/// Major types in place.
pub(crate) const NEGATIVE: u8 = 1 << 5;
pub(crate) const BYTES: u8 = 2 << 5;
pub(crate) const TEXT: u8 = 3 << 5;
pub(crate) const ARRAY: u8 = 4 << 5;

/// `(to, major, argument) -> end`; may touch some bytes beyond the end.
pub(crate) fn put_head(code: &mut Code<'_, '_>) {
    let [to, major, argument] = code.params();
    code.when(argument.get().lt_u(24i64), |code| {
        code.store(1, to, 0, major + argument.get().wrap());
        code.ret(to + 1);
    });
    // The argument takes 2^width bytes.
    let longer = |than: i64| Exp::I64(than).lt_u(argument);
    let width = code.bind((longer(0xff) + longer(0xffff)) + longer(0xffff_ffff));
    code.store(1, to, 0, (major + width.get()) + 24);
    let bytes = code.bind(Exp::I32(1) << width);
    let swapped = swap(code, argument);
    let surplus = Exp::I32(64) - (bytes << 3);
    code.store(8, to, 1, swapped.get().shr_u(surplus.extend()));
    code.ret((to + bytes) + 1);
}

/// The eight bytes in the opposite order: neighbours, then pairs, then halves change places.
fn swap(code: &mut Code<'_, '_>, number: Var) -> Var {
    const BYTES: i64 = 0x00ff_00ff_00ff_00ff;
    const PAIRS: i64 = 0x0000_ffff_0000_ffff;
    let mut exchange = |number: Var, by: i64, mask: i64| {
        let mask = code.bind(mask);
        code.bind(((mask & number) << by) | (number.get().shr_u(by) & mask))
    };
    let bytes = exchange(number, 8, BYTES);
    let pairs = exchange(bytes, 16, PAIRS);
    code.bind(pairs.get().rotl(32i64))
}

/// `(to, number) -> end`
pub(crate) fn put_int(code: &mut Code<'_, '_>) {
    let [to, number] = code.params();
    let sign = code.bind(number.get().shr_s(63i64));
    let major = code.bind(sign.get().wrap() & i32::from(NEGATIVE));
    let argument = code.bind(number ^ sign);
    code.when(argument.get().lt_u(24i64), |code| {
        code.store(1, to, 0, major + argument.get().wrap());
        code.ret(to + 1);
    });
    let end = code.call(Routine::PutHead, [to.get(), major.get(), argument.get()]);
    code.ret(end);
}

/// `(to, text) -> end`
pub(crate) fn put_text(code: &mut Code<'_, '_>) {
    let [to, text] = code.params();
    let len = code.bind(load32(2, text, 0));
    let start = code.call(Routine::PutHead, [to.get(), Exp::I32(TEXT.into()), len.get().extend()]);
    let most = code.unit.longest;
    let end = code.call(Routine::Append, [start, text + 2, len.get().at_most(most)]);
    code.ret(end);
}

/// `(to, bytes) -> end`
pub(crate) fn put_bytes(code: &mut Code<'_, '_>) {
    let [to, from] = code.params();
    let len = code.bind(load32(2, from, 0));
    let start = code.call(Routine::PutHead, [to.get(), Exp::I32(BYTES.into()), len.get().extend()]);
    let most = code.unit.longest;
    let end = code.call(Routine::Append, [start, from + 2, len.get().at_most(most)]);
    code.ret(end);
}

/// `(to, bytes) -> end`: of 32 bytes.
pub(crate) fn put_bytes32(code: &mut Code<'_, '_>) {
    let [to, from] = code.params();
    code.bytes(to, 0, &[BYTES | 24, 32]);
    let end = code.call(Routine::Append, [to + 2, from.get(), Exp::I32(32)]);
    code.ret(end);
}

/// The head of an item as constant bytes.
pub(crate) fn head(major: u8, argument: u32) -> Vec<u8> {
    let bytes = argument.to_be_bytes();
    match argument {
        0..=23 => vec![major | bytes[3]],
        24..=0xff => vec![major | 24, bytes[3]],
        0x100..=0xffff => vec![major | 25, bytes[2], bytes[3]],
        _ => [&[major | 26], &bytes[..]].concat(),
    }
}
