//! Quotients: `step::eval::divide` for each rounding that is more than cutting off.

use crate::code::Code;
use crate::ir::Exp;
use aqo_model::expr::Rounding;

/// `(a, b) -> quotient`
pub(crate) fn divide(code: &mut Code<'_, '_>, rounding: Rounding) {
    let [a, b] = code.params();
    let quotient = code.bind(a.get().div_s(b));
    let rest = code.bind(a.get().rem_s(b));
    // Below zero where rest and divisor are of different signs: the exact quotient is then less.
    let signs = code.bind(rest ^ b);
    let up = || Exp::I64(1).select(-1i64, Exp::I64(-1).lt_s(signs));
    let below = || signs.get().lt_s(0i64);
    let away = match rounding {
        Rounding::Trunc => Exp::I32(0),
        Rounding::Floor => rest.get().ne(0i64) & below(),
        Rounding::Ceil => rest.get().ne(0i64) & below().eqz(),
        Rounding::HalfUp | Rounding::HalfEven => {
            // Twice the rest fits 64 bits without sign.
            let twice = code.bind(size(rest.get()) << 1i64);
            let size = code.bind(size(b.get()));
            if rounding == Rounding::HalfUp {
                size.get().le_u(twice) & rest.get().ne(0i64)
            } else {
                let odd = (quotient & 1i64).wrap();
                size.get().lt_u(twice) | (size.get().eq(twice) & odd)
            }
        }
    };
    code.ret((quotient + up()).select(quotient, away));
}

/// The distance from zero, without sign. The operand stands twice.
fn size(number: Exp) -> Exp {
    (Exp::I64(0) - number.clone()).select(number.clone(), number.lt_s(0i64))
}
