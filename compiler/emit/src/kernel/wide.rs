//! `a * b / c` with a product of 128 bits, rounded once: the twin of `Expr::MulDiv`.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Var};
use aqo_model::expr::Rounding;

/// `(a, b, c) -> quotient`, which fits 64 bits; `c` is not zero.
pub(crate) fn mul_div(code: &mut Code<'_, '_>, rounding: Rounding) {
    let [a, b, c] = code.params();
    let negative = code.bind(((a ^ b) ^ c).shr_u(63i64).wrap());
    let (a, b, c) = (size(code, a), size(code, b), size(code, c));
    let (high, low) = product(code, a, b);
    let (quotient, rest) = quotient(code, high, low, c);
    // A product of nothing has no sign.
    let some = || rest.get().ne(0i64);
    let left = code.bind(c - rest);
    let away = match rounding {
        Rounding::Trunc => Exp::I32(0),
        Rounding::Floor => some() & negative,
        Rounding::Ceil => some() & negative.get().eqz(),
        Rounding::HalfUp => some() & left.get().le_u(rest),
        Rounding::HalfEven => {
            let odd = (quotient & 1i64).wrap();
            left.get().lt_u(rest) | (left.get().eq(rest) & odd)
        }
    };
    let rounded = code.bind(quotient + away.extend());
    code.ret((Exp::I64(0) - rounded).select(rounded, negative));
}

/// The distance from zero, without sign.
fn size(code: &mut Code<'_, '_>, number: Var) -> Var {
    code.bind((Exp::I64(0) - number).select(number, number.get().lt_s(0i64)))
}

/// The high and the low half of a product without sign, by halves of its factors.
fn product(code: &mut Code<'_, '_>, a: Var, b: Var) -> (Var, Var) {
    const HALF: i64 = 0xffff_ffff;
    let low = |of: Var| of & HALF;
    let high = |of: Var| of.get().shr_u(32i64);
    let lows = code.bind(low(a) * low(b));
    let mixed = code.bind((high(a) * low(b)) + lows.get().shr_u(32i64));
    let other = code.bind((low(a) * high(b)) + low(mixed));
    let top = code.bind(((high(a) * high(b)) + high(mixed)) + high(other));
    let bottom = code.bind((other << 32i64) | low(lows));
    (top, bottom)
}

/// Quotient and rest of 128 bits by `c`, bit by bit; the high half is less than `c`.
fn quotient(code: &mut Code<'_, '_>, high: Var, low: Var, c: Var) -> (Var, Var) {
    let (rest, bits) = (code.bind(high), code.bind(low));
    let quotient = code.bind(0i64);
    code.each(Rounds::bits(64), 64, |code, _| {
        let over = code.bind(rest.get().shr_u(63i64).wrap());
        code.set(rest, (rest << 1i64) | bits.get().shr_u(63i64));
        code.set(bits, bits << 1i64);
        let takes = code.bind(over | c.get().le_u(rest));
        code.set(rest, (rest - c).select(rest, takes));
        code.set(quotient, (quotient << 1i64) | takes.get().extend());
    });
    (quotient, rest)
}
