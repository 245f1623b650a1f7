//! Whether a text in an offer is one: a length within its capacity, UTF-8 (Unicode 15, table 3-7),
//! then zeros. `Form::read` of the model says the same.

use super::bytes::TEXT;
use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Label, Var, load32, load64};
use crate::unit::Routine;

/// `(text, capacity) -> truth`
pub(crate) fn valid_text(code: &mut Code<'_, '_>) {
    let [text, capacity] = code.params();
    let len = code.bind(load32(2, text, 0));
    code.when(capacity.get().lt_u(len), |code| code.ret(0));
    let next = code.bind(text + TEXT.cast_signed());
    let end = code.bind(next + len);
    let rest = code.call(Routine::AllZero, [end.get(), capacity - len]);
    code.when(rest.eqz(), |code| code.ret(0));
    code.repeat(Rounds::bytes_of(capacity, 1), |code, again| {
        code.when(end.get().le_u(next), |code| code.ret(1));
        skip_ascii(code, again, next, end);
        character(code, next, end);
        code.stop(again);
    });
    code.ret(0);
}

/// Eight ASCII characters at a time, then one.
fn skip_ascii(code: &mut Code<'_, '_>, again: Label, next: Var, end: Var) {
    const HIGH_BITS: i64 = 0x8080_8080_8080_8080_u64.cast_signed();
    let eight = Exp::I32(8).le_u(end - next).and_then((load64(next, 0) & HIGH_BITS).eqz());
    code.when(eight, |code| {
        code.set(next, next + 8);
        code.stop(again);
    });
    code.when(load32(1, next, 0).lt_u(0x80), |code| {
        code.set(next, next + 1);
        code.stop(again);
    });
}

/// A character of two to four bytes; the function ends with 0 where it is none.
fn character(code: &mut Code<'_, '_>, next: Var, end: Var) {
    let first = code.bind(load32(1, next, 0));
    code.when((first - 0xc2).gt_u(0xf4 - 0xc2), |code| code.ret(0));
    let more = code.bind(Exp::I32(1) + (Exp::I32(0xe0).le_u(first) + Exp::I32(0xf0).le_u(first)));
    code.when((end - next).le_u(more), |code| code.ret(0));
    // The second byte rules out long forms, surrogates and what lies beyond U+10FFFF.
    let second = code.bind(load32(1, next, 1));
    let low = code.bind(0x80);
    let high = code.bind(0xbf);
    for (lead, bound, limit) in
        [(0xe0, low, 0xa0), (0xed, high, 0x9f), (0xf0, low, 0x90), (0xf4, high, 0x8f)]
    {
        code.set(bound, Exp::I32(limit).select(bound, first.get().eq(lead)));
    }
    code.when(second.get().lt_u(low) | high.get().lt_u(second), |code| code.ret(0));
    for place in [2, 3] {
        let belongs = Exp::I32(place).le_u(more);
        let is_tail = (load32(1, next, place.cast_unsigned()) & 0xc0).eq(0x80);
        code.when(belongs.and_then(is_tail.eqz()), |code| code.ret(0));
    }
    code.set(next, (next + more) + 1);
}
