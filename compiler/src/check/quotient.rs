//! Quotients: exact fractions whose product is not cut to 64 bits, rounded once; flows over time.
//!
//! Invariant: a number times a duration has no type of its own. It stands only over a duration, in one
//! fraction, which is a number of the same unit.

use super::operator::{SCALE_MAX, binary, is_count, number, without_parens};
use super::{Checker, Typed, unbounded};
use crate::codes::Code;
use crate::types::product;
use aqo_grammar::tree::{self, At, BinaryOp, ExprKind};
use aqo_model::expr::{Expr, Rounding};
use aqo_model::facts::Interval;
use aqo_model::types::{Bounds, Type, Unit};
use aqo_model::verify::Fault;

/// What is divided or rounded.
struct Dividend {
    typed: Typed,
    /// Whether it is a number times a duration: its type is the number's, once it is divided by time.
    flows: bool,
}

impl Checker<'_> {
    /// What is divided or rounded: a product in it may be beyond 64 bits (Y8).
    fn dividend(&mut self, expr: &tree::Expr) -> Option<Dividend> {
        let whole = without_parens(expr);
        let ExprKind::Binary { op: BinaryOp::Mul, left, right, .. } = &whole.kind else {
            return self.operand(expr, None).map(|typed| Dividend { typed, flows: false });
        };
        let (a, b) = (self.operand(left, None), self.operand(right, None));
        let (a, b) = (a?, b?);
        if let Some(ty) = flow(&a, &b) {
            let typed = self.typed(binary(Expr::Mul, a, b), ty, whole.at);
            return Some(Dividend { typed, flows: true });
        }
        let typed = self.mul(a, b, whole.at);
        typed.ty.is_some().then_some(Dividend { typed, flows: false })
    }

    /// A flow that is not over a duration.
    fn not_over_time(&mut self, product: &Typed, divisor: Option<&Typed>, at: At) -> Typed {
        let label = divisor.map(|divisor| {
            let ty = divisor.ty.as_ref().map_or(String::new(), |ty| self.shown(ty));
            format!("divided by {ty}")
        });
        let message = "a number times a duration has a meaning only over a duration";
        let problem = self.problem(Code::Mismatch, product.at, message);
        problem.label = label.unwrap_or_default();
        problem.help = Some(FLOW_HELP.to_owned());
        self.wrong(at)
    }

    /// A quotient: as it is where its dividend fits 64 bits, else as one product over a divisor.
    fn quotient(&self, rounding: Rounding, top: Vec<Expr>, bottom: Expr) -> Expr {
        let mul = |a: Expr, b: Expr| Expr::Mul(Box::new(a), Box::new(b));
        let product = |factors: &[Expr]| factors.iter().cloned().reduce(mul);
        let fits = |expr: &Expr| !matches!(self.checked(expr), Err(Fault::Overflow(_)));
        let whole = product(&top).unwrap_or(Expr::number(1));
        if !fits(&whole) {
            // Each way to take the factors as two that fit: the first is always in the first.
            for chosen in 0..1u32 << top.len().saturating_sub(1) {
                let is_second = |k: usize| k > 0 && chosen >> (k - 1) & 1 == 1;
                let [first, second] = [false, true].map(|second| {
                    let of = (0..top.len()).filter(|k| is_second(*k) == second);
                    product(&of.map(|k| top[k].clone()).collect::<Vec<_>>())
                });
                if let (Some(a), Some(b)) = (first, second)
                    && fits(&a)
                    && fits(&b)
                {
                    return Expr::MulDiv(rounding, Box::new(a), Box::new(b), Box::new(bottom));
                }
            }
        }
        Expr::Div(rounding, Box::new(whole), Box::new(bottom))
    }

    /// The interval of a dividend, which may be a product beyond 64 bits.
    fn interval_of_dividend(&self, expr: &Expr) -> Interval {
        match self.checked(expr) {
            Err(Fault::Overflow(interval)) => interval,
            Ok(checked) => checked.interval.unwrap_or(Interval::I64),
            Err(_) => Interval::I64,
        }
    }

    /// Plain division is toward minus infinity, so both sides must be known not to be negative.
    pub(super) fn divided(&mut self, left: &tree::Expr, right: &tree::Expr, at: At) -> Typed {
        let (a, b) = (self.dividend(left), self.operand(right, None));
        let (Some(a), Some(b)) = (a, b) else { return self.wrong(at) };
        let typed = self.div(a, b, at);
        self.sound(typed)
    }

    fn div(&mut self, Dividend { typed: a, flows }: Dividend, b: Typed, at: At) -> Typed {
        let ty = match (&a.ty, &b.ty) {
            (Some(ty), Some(Type::Duration(_))) if flows => ty.clone(),
            _ if flows => return self.not_over_time(&a, Some(&b), at),
            (
                Some(Type::Number { scale, unit, .. }),
                Some(Type::Number { scale: 0, unit: u, .. }),
            ) => number(*scale, product(unit, u, -1)),
            (Some(Type::Number { .. }), Some(Type::Number { .. })) => {
                let problem =
                    self.problem(Code::Digits, at, "a quotient of decimals needs its rounding");
                problem.help = Some("wrap it: `half_even(a / b)`".to_owned());
                return self.wrong(at);
            }
            (Some(Type::Duration(_)), Some(Type::Duration(_))) => number(0, Unit::default()),
            (Some(Type::Duration(_)), Some(ty)) if is_count(ty) => Type::Duration(Bounds::DURATION),
            _ => return self.no_operator(&a, &b, at),
        };
        let divisor = self.interval(&b.expr);
        if divisor.low <= 0 && divisor.high >= 0 {
            return self.zero(&b, divisor, at);
        }
        if self.interval_of_dividend(&a.expr).low < 0 || divisor.low < 0 {
            let problem = self.problem(
                Code::Digits,
                at,
                "a quotient that may be negative needs its rounding",
            );
            problem.help =
                Some("wrap it: `floor(a / b)`, `trunc(a / b)`, `half_even(a / b)`".to_owned());
            return self.wrong(at);
        }
        let expr = self.quotient(Rounding::Floor, factors(a.expr), b.expr);
        self.typed(expr, ty, at)
    }

    /// A divisor that may be zero, said at the divisor itself.
    pub(super) fn zero(&mut self, divisor: &Typed, interval: Interval, at: At) -> Typed {
        if let Some(ty) = &divisor.ty {
            self.divisor(interval, divisor.at, ty);
        }
        self.wrong(at)
    }

    /// A rounding word around one exact fraction.
    pub(super) fn rounded(
        &mut self,
        rounding: Rounding,
        inner: &tree::Expr,
        at: At,
        want: Option<&Type>,
    ) -> Typed {
        let (top, bottom) = match without_parens(inner) {
            tree::Expr {
                kind: ExprKind::Binary { op: BinaryOp::Div, left, right, .. }, ..
            } => (self.dividend(left), Some(self.operand(right, None))),
            whole => (self.dividend(whole), None),
        };
        let Some(Dividend { typed: a, flows }) = top else { return self.wrong(at) };
        let b = match bottom {
            Some(None) => return self.wrong(at),
            Some(Some(b)) => Some(b),
            None => None,
        };
        let over_time = matches!(b.as_ref().and_then(|b| b.ty.as_ref()), Some(Type::Duration(_)));
        if flows && !over_time {
            return self.not_over_time(&a, b.as_ref(), at);
        }
        if let Some(b) = &b {
            let divisor = self.interval(&b.expr);
            if divisor.low <= 0 && divisor.high >= 0 {
                return self.zero(b, divisor, at);
            }
        }
        let (scale, unit) = match (&a.ty, b.as_ref().and_then(|b| b.ty.as_ref())) {
            (Some(Type::Number { scale, unit, .. }), Some(Type::Duration(_))) if flows => {
                (i32::from(*scale), unit.clone())
            }
            (Some(Type::Number { scale, unit, .. }), None) => (i32::from(*scale), unit.clone()),
            (
                Some(Type::Number { scale, unit, .. }),
                Some(Type::Number { scale: s, unit: u, .. }),
            ) => (i32::from(*scale) - i32::from(*s), product(unit, u, -1)),
            (Some(Type::Duration(_)), Some(Type::Duration(_))) => (0, Unit::default()),
            (Some(Type::Duration(_)), Some(ty)) if is_count(ty) => {
                let bottom = b.map_or(Expr::number(1), |b| b.expr);
                let expr = self.quotient(rounding, factors(a.expr), bottom);
                let typed = self.typed(expr, Type::Duration(Bounds::DURATION), at);
                return self.sound(typed);
            }
            _ => return self.no_operator(&a, &a, at),
        };
        let bottom = b.map_or(Expr::number(1), |b| b.expr);
        self.in_digits_of_place(rounding, (factors(a.expr), bottom), (scale, unit), at, want)
    }

    /// A fraction with this scale and unit, rounded to the digits that its place wants.
    fn in_digits_of_place(
        &mut self,
        rounding: Rounding,
        (mut top, mut bottom): (Vec<Expr>, Expr),
        (scale, unit): (i32, Unit),
        at: At,
        want: Option<&Type>,
    ) -> Typed {
        let wanted = match want.map(super::store::held) {
            Some(Type::Number { scale, .. }) => i32::from(*scale),
            Some(_) | None => 0,
        };
        if (wanted - scale).unsigned_abs() > u32::from(SCALE_MAX) {
            let problem = self.problem(
                Code::Digits,
                at,
                "this quotient needs more digits than are computed with",
            );
            problem.help = Some("round dividend or divisor first".to_owned());
            return self.wrong(at);
        }
        let power = 10i64.checked_pow((wanted - scale).unsigned_abs()).map(Expr::number);
        match power {
            Some(power) if wanted > scale => top.push(power),
            Some(power) if wanted < scale => {
                bottom = Expr::Mul(Box::new(bottom), Box::new(power));
            }
            Some(_) | None => {}
        }
        let ty = number(u8::try_from(wanted).unwrap_or(0), unit);
        let expr = self.quotient(rounding, top, bottom);
        let typed = self.typed(expr, ty, at);
        self.sound(typed)
    }
}

/// What to write in place of a flow that is not over time.
pub(super) const FLOW_HELP: &str =
    "divide the product at once: `half_even(rate * ran / 1min)`, where the rate is per minute";

/// The type of a flow: of a number times a duration, in either order. A bare count has none, since a
/// duration times a count is a duration.
fn flow(a: &Typed, b: &Typed) -> Option<Type> {
    match (&a.ty, &b.ty) {
        (Some(ty @ Type::Number { .. }), Some(Type::Duration(_)))
        | (Some(Type::Duration(_)), Some(ty @ Type::Number { .. }))
            if !is_count(ty) =>
        {
            Some(unbounded(ty))
        }
        _ => None,
    }
}

/// Whether an operator has a number and a duration as its operands.
pub(super) fn is_flow(a: &Typed, b: &Typed) -> bool {
    flow(a, b).is_some()
}

/// The factors of a product, or the whole.
fn factors(expr: Expr) -> Vec<Expr> {
    if let Expr::Mul(a, b) = expr { vec![*a, *b] } else { vec![expr] }
}
