//! Bytes in memory: compared, copied, looked through. A text is its length as u16 and its bytes.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Ty, load32, load64};
use crate::unit::Routine;

/// Bytes of a text's length.
pub(crate) const TEXT: u32 = 2;

/// `(to, from, length) -> end`: copies eight bytes at a time, so up to seven too many.
pub(crate) fn append(code: &mut Code<'_, '_>) {
    let [to, from, len] = code.params();
    let end = code.bind(to + len);
    code.block(|code, done| {
        code.repeat(Rounds::bytes_of(len, 8), |code, again| {
            code.stop_if(done, end.get().le_u(to));
            code.store(8, to, 0, load64(from, 0));
            code.set(to, to + 8);
            code.set(from, from + 8);
            code.stop(again);
        });
    });
    code.ret(end);
}

/// `(a, b, length) -> truth`
pub(crate) fn same_bytes(code: &mut Code<'_, '_>) {
    let [a, b, len] = code.params();
    let end = code.bind(a + len);
    code.repeat(Rounds::bytes_of(len, 8).and(7), |code, again| {
        code.when(end.get().le_u(a), |code| code.ret(1));
        code.when((end - a).lt_u(8), |code| {
            code.when(load32(1, a, 0).ne(load32(1, b, 0)), |code| code.ret(0));
            code.set(a, a + 1);
            code.set(b, b + 1);
            code.stop(again);
        });
        code.when(load64(a, 0).ne(load64(b, 0)), |code| code.ret(0));
        code.set(a, a + 8);
        code.set(b, b + 8);
        code.stop(again);
    });
    code.ret(0);
}

/// `(a, b, length) -> order`: -1, 0 or 1, byte by byte.
pub(crate) fn order_bytes(code: &mut Code<'_, '_>) {
    let [a, b, len] = code.params();
    let end = code.bind(a + len);
    code.repeat(Rounds::bytes_of(len, 8).and(7), |code, again| {
        // Eight that are the same at a time, then one.
        let eight = Exp::I32(8).le_u(end - a).and_then(load64(a, 0).eq(load64(b, 0)));
        code.when(eight, |code| {
            code.set(a, a + 8);
            code.set(b, b + 8);
            code.stop(again);
        });
        code.when(end.get().le_u(a), |code| code.ret(0));
        let (one, other) = (code.bind(load32(1, a, 0)), code.bind(load32(1, b, 0)));
        code.when(one.get().ne(other), |code| {
            code.ret(one.get().gt_u(other) - other.get().gt_u(one));
        });
        code.set(a, a + 1);
        code.set(b, b + 1);
        code.stop(again);
    });
    code.ret(0);
}

/// `(bytes, capacity) -> truth`
pub(crate) fn valid_bytes(code: &mut Code<'_, '_>) {
    let [bytes, capacity] = code.params();
    let len = code.bind(load32(2, bytes, 0));
    code.when(capacity.get().lt_u(len), |code| code.ret(0));
    let rest = (bytes + TEXT.cast_signed()) + len;
    let zero = code.call(Routine::AllZero, [rest, capacity - len]);
    code.ret(zero);
}

/// `(numbers, count)`: numbers of 8 bytes in ascending order, by insertion.
pub(crate) fn sort(code: &mut Code<'_, '_>) {
    let [numbers, count] = code.params();
    let rounds = Rounds::items_of(count);
    code.each(rounds, count, |code, k| {
        let number = code.bind(load64(numbers + (k << 3), 0));
        let place = code.bind(numbers + (k << 3));
        code.block(|code, done| {
            code.repeat(rounds, |code, again| {
                code.stop_if(done, place.get().le_u(numbers));
                let before = code.bind(load64(place - 8, 0));
                code.stop_if(done, before.get().le_s(number));
                code.store(8, place, 0, before);
                code.set(place, place - 8);
                code.stop(again);
            });
        });
        code.store(8, place, 0, number);
    });
    code.leave();
}

/// `(text, text) -> truth`
pub(crate) fn same_text(code: &mut Code<'_, '_>) {
    let [a, b] = code.params();
    let len = code.bind(load32(2, a, 0));
    code.when(len.get().ne(load32(2, b, 0)), |code| code.ret(0));
    let most = code.unit.longest;
    let same = code.call(Routine::SameBytes, [a + 2, b + 2, len.get().at_most(most)]);
    code.ret(same);
}

/// `(text, start) -> truth`
pub(crate) fn starts_with(code: &mut Code<'_, '_>) {
    let [text, start] = code.params();
    let len = code.bind(load32(2, start, 0));
    code.when(load32(2, text, 0).lt_u(len), |code| code.ret(0));
    let most = code.unit.longest;
    let same = code.call(Routine::SameBytes, [text + 2, start + 2, len.get().at_most(most)]);
    code.ret(same);
}

/// `(a, b) -> truth`: without a branch.
pub(crate) fn same_bytes32(code: &mut Code<'_, '_>) {
    let [a, b] = code.params();
    let differ = |offset| load64(a, offset) ^ load64(b, offset);
    let any = (differ(0) | differ(8)) | (differ(16) | differ(24));
    code.ret(any.eqz());
}

/// `(from, length) -> truth`
pub(crate) fn all_zero(code: &mut Code<'_, '_>) {
    let [from, len] = code.params();
    let end = code.bind(from + len);
    let seen = code.var(Ty::I64);
    code.block(|code, done| {
        code.repeat(Rounds::bytes_of(len, 8), |code, again| {
            code.stop_if(done, (end - from).lt_u(8));
            code.set(seen, seen | load64(from, 0));
            code.set(from, from + 8);
            code.stop(again);
        });
    });
    code.block(|code, done| {
        code.repeat(Rounds::bytes(7), |code, again| {
            code.stop_if(done, end.get().le_u(from));
            code.set(seen, seen | load32(1, from, 0).extend());
            code.set(from, from + 1);
            code.stop(again);
        });
    });
    code.ret(seen.get().eqz());
}
