//! What a comparison says about each of its sides alone: `spent + amount <= cap`, where `cap` is at
//! most 1000, also bounds `spent + amount` by 1000.
//!
//! Invariant: what is added follows from the comparison and from what was known before, so that it
//! is as true as they are. Knows no statement.

use super::expr::{Place, check};
use crate::expr::{Expr, Order};
use crate::facts::{Facts, Interval};
use crate::types::Kind;
use crate::value::Value;

/// Adds the bounds of the sides of every comparison that a condition, true or false, contains.
pub(super) fn of_sides(place: &Place<'_>, cond: &Expr, truth: bool, facts: &mut Facts) {
    match (cond, truth) {
        (Expr::Not(a), _) => of_sides(place, a, !truth, facts),
        (Expr::And(a, b), true) | (Expr::Or(a, b), false) => {
            of_sides(place, a, truth, facts);
            of_sides(place, b, truth, facts);
        }
        (Expr::Compare(Order::Less, a, b), true) => at_most(place, a, b, 1, facts),
        (Expr::Compare(Order::AtMost, a, b), true) => at_most(place, a, b, 0, facts),
        (Expr::Compare(Order::Less, a, b), false) => at_most(place, b, a, 0, facts),
        (Expr::Compare(Order::AtMost, a, b), false) => at_most(place, b, a, 1, facts),
        (Expr::Within(a, low, high), true) => {
            at_most(place, low, a, 0, facts);
            at_most(place, a, high, 0, facts);
        }
        (Expr::Equal(a, b), true) => {
            at_most(place, a, b, 0, facts);
            at_most(place, b, a, 0, facts);
        }
        (Expr::Equal(a, b), false) => {
            differ(place, a, b, facts);
            differ(place, b, a, facts);
        }
        _ => {}
    }
}

/// `a + gap <= b`
fn at_most(place: &Place<'_>, a: &Expr, b: &Expr, gap: i128, facts: &mut Facts) {
    let (Some(low), Some(high)) = (interval(place, a, facts), interval(place, b, facts)) else {
        return;
    };
    if let Some(most) = constant(high.high - gap) {
        facts.assume(&Expr::Compare(Order::AtMost, Box::new(a.clone()), most), true);
    }
    if let Some(least) = constant(low.low + gap) {
        facts.assume(&Expr::Compare(Order::AtMost, least, Box::new(b.clone())), true);
    }
}

/// `a != b`, where `b` is one number at an end of what `a` may be.
fn differ(place: &Place<'_>, a: &Expr, b: &Expr, facts: &mut Facts) {
    let (Some(a_is), Some(b_is)) = (interval(place, a, facts), interval(place, b, facts)) else {
        return;
    };
    if b_is.low != b_is.high {
        return;
    }
    if a_is.low == b_is.low {
        at_most(place, b, a, 1, facts);
    }
    if a_is.high == b_is.high {
        at_most(place, a, b, 1, facts);
    }
}

fn interval(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Option<Interval> {
    if !is_plain(expr) {
        return None;
    }
    let checked = check(place, expr, facts).ok().filter(|checked| checked.kind == Kind::Number)?;
    checked.interval
}

/// Whether an expression is arithmetic alone: to look at one with branches costs as much as its own
/// check, and doing so for each condition within a condition would take exponential time.
fn is_plain(expr: &Expr) -> bool {
    let branches = matches!(
        expr,
        Expr::If(..)
            | Expr::Match(..)
            | Expr::Let(..)
            | Expr::Else(..)
            | Expr::And(..)
            | Expr::Or(..)
            | Expr::Each(..)
            | Expr::Fold(..)
            | Expr::Collect(..)
            | Expr::Call(..)
    );
    !branches && expr.parts().into_iter().all(is_plain)
}

fn constant(value: i128) -> Option<Box<Expr>> {
    i64::try_from(value).ok().map(|value| Box::new(Expr::Value(Value::Int(value))))
}
