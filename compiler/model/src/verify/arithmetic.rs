//! Arithmetic: the interval of each result, which must fit 64 bits, and divisors that are not zero.

use super::expr::{Checked, Place, number};
use super::{Check, Fault};
use crate::expr::{Expr, Rounding};
use crate::facts::{Facts, Interval};
use crate::types::Bounds;

#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
pub(super) fn arithmetic(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Check<Checked> {
    let mut partial = false;
    let mut intervals = Vec::new();
    for part in expr.parts() {
        let part = number(place, part, facts)?;
        partial |= part.partial;
        intervals.push(part.interval.unwrap_or(Interval::I64));
    }
    let zero = Interval::point(0);
    let (a, b) = (intervals[0], intervals.get(1).copied().unwrap_or(zero));
    let c = intervals.get(2).copied().unwrap_or(zero);
    let each =
        |op: fn(i128, i128) -> i128| Interval { low: op(a.low, b.low), high: op(a.high, b.high) };
    let shape = match expr {
        Expr::Neg(_) => Interval { low: -a.high, high: -a.low },
        Expr::Add(..) => each(|a, b| a + b),
        Expr::Sub(..) => Interval { low: a.low - b.high, high: a.high - b.low },
        Expr::Mul(x, y) if x == y => a.squared(),
        Expr::Mul(..) => a.corners(b, |a, b| a * b),
        Expr::Div(rounding, ..) => quotient(*rounding, a, b)?,
        Expr::MulDiv(rounding, ..) => quotient(*rounding, a.corners(b, |a, b| a * b), c)?,
        Expr::Rem(..) if b.low < 1 => return Err(Fault::Divisor(b)),
        Expr::Rem(..) => Interval { low: 0, high: b.high - 1 },
        Expr::Shift(..) => {
            overflow(each(|a, b| a + b))?;
            let ends = Interval::from(Bounds::INSTANT);
            let sum = each(|a, b| a + b);
            Interval { low: sum.low.clamp(0, ends.high), high: sum.high.clamp(0, ends.high) }
        }
        Expr::Min(..) => each(i128::min),
        Expr::Max(..) => each(i128::max),
        Expr::Abs(_) if a.low >= 0 => a,
        Expr::Abs(_) if a.high <= 0 => Interval { low: -a.high, high: -a.low },
        Expr::Abs(_) => Interval { low: 0, high: a.high.max(-a.low) },
        Expr::Clamp(..) if b.high > c.low => return Err(Fault::Bounds { found: b, allowed: c }),
        Expr::Clamp(..) => {
            Interval { low: a.low.min(c.low).max(b.low), high: a.high.min(c.high).max(b.high) }
        }
        _ => return Err(Fault::Structure("no arithmetic")),
    };
    let known = facts.narrow(expr, shape);
    overflow(known)?;
    Ok(Checked::number(known).or_partial(partial))
}

fn overflow(interval: Interval) -> Check {
    if interval.is_within(Interval::I64) { Ok(()) } else { Err(Fault::Overflow(interval)) }
}

fn quotient(rounding: Rounding, a: Interval, b: Interval) -> Check<Interval> {
    if b.low <= 0 && b.high >= 0 {
        return Err(Fault::Divisor(b));
    }
    // Of divisors of one sign the exact quotient has its ends at the corners, and rounding keeps order.
    let shape = a.corners(b, |a, b| rounding.divide(a, b));
    overflow(shape)?;
    Ok(shape)
}
