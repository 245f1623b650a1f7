//! Expressions.
//!
//! A verified tree of the right kinds is taken for granted: what it rules out is an assertion here.

use super::Step;
use crate::entry::Tick;
use crate::expr::{Expr, Shape};
use crate::image::State;
use crate::model::Model;
use crate::policy::Reason;
use crate::types::{NEVER, Type};
use crate::value::Value;
use std::cell::Cell;

/// Why an expression has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Something partial failed; the nearest `else` answers.
    Fails,
    /// The rule is refused.
    Refused(Reason),
}

/// What an expression may read.
pub(super) struct Scope<'s> {
    model: &'s Model,
    state: &'s State,
    views: &'s [Option<(Value, i64)>],
    read: Option<&'s Cell<u64>>,
    params: &'s [Value],
    pub(super) captured: &'s [Value],
    now: i64,
    tick: Option<Tick>,
    losses: i64,
    locals: Vec<Value>,
}

impl<'s> Scope<'s> {
    /// What the rules and predictions of a step may read.
    pub(super) fn of_step(step: &'s Step<'_>, locals: &[Type]) -> Self {
        Scope {
            views: &step.views,
            read: Some(&step.read),
            params: step.message.map_or(&[], |message| &message.params),
            now: step.now,
            tick: step.tick,
            losses: step.losses,
            ..Scope::of_state(step.model, &step.state, locals)
        }
    }

    /// What an `always` or a derive may read: a state, at its own time.
    pub(super) fn of_state(model: &'s Model, state: &'s State, locals: &[Type]) -> Self {
        Scope {
            model,
            state,
            views: &[],
            read: None,
            params: &[],
            captured: &[],
            now: state.now,
            tick: None,
            losses: 0,
            locals: vec![Value::None; locals.len()],
        }
    }

    pub(super) fn bind(&mut self, local: u16, value: Value) {
        self.locals[usize::from(local)] = value;
    }

    /// A condition in which nothing partial stands.
    pub(super) fn holds(&mut self, expr: &Expr) -> bool {
        self.truth(expr).expect("verify lets nothing partial stand outside an `else`")
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    pub(super) fn truth(&mut self, expr: &Expr) -> Result<bool, Stop> {
        match self.eval(expr)? {
            Value::Bool(value) => Ok(value),
            other => unreachable!("verify gives a condition the kind bool, not {other:?}"),
        }
    }

    fn int(&mut self, expr: &Expr) -> Result<i64, Stop> {
        Ok(self.eval(expr)?.int().expect("verify gives an operand the kind number"))
    }

    /// Trust as rules of this step read it, in millionths.
    pub(super) fn trust(&self) -> i64 {
        match (&self.model.policy.trust, &self.state.trust) {
            (Some(policy), Some(trust)) => {
                trust.read(policy, self.state.born, self.now, self.losses)
            }
            (Some(_) | None, _) => 0,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    pub(super) fn eval(&mut self, expr: &Expr) -> Result<Value, Stop> {
        Ok(match expr {
            Expr::Value(value) => value.clone(),
            Expr::Variant(_, number) => Value::Variant(*number),
            Expr::None(_) => Value::None,
            Expr::Some(inner) => Value::Some(Box::new(self.eval(inner)?)),

            Expr::Field(index) => self.state.fields[usize::from(*index)].clone(),
            Expr::Role(index) => Value::Bytes32(self.state.roles[usize::from(*index)].key),
            Expr::Derive(index) => self.derive(*index)?,
            Expr::Input(index) => self.input(*index),
            Expr::Param(index) => self.params[usize::from(*index)].clone(),
            Expr::Local(index) => self.locals[usize::from(*index)].clone(),
            Expr::Captured(index) => self.captured[usize::from(*index)].clone(),
            Expr::Now => Value::Int(self.now),
            Expr::Due => Value::Int(self.tick.map_or(0, |tick| tick.due)),
            Expr::Missed => Value::Int(self.tick.map_or(0, |tick| tick.missed as i64)),
            Expr::Born => Value::Int(self.state.born),
            Expr::Trust => Value::Int(self.trust()),

            Expr::Neg(a) => Value::Int(-self.int(a)?),
            Expr::Add(a, b) => Value::Int(self.int(a)? + self.int(b)?),
            Expr::Sub(a, b) => Value::Int(self.int(a)? - self.int(b)?),
            Expr::Mul(a, b) => Value::Int(self.int(a)? * self.int(b)?),
            Expr::Div(rounding, a, b) => {
                let quotient = rounding.divide(self.int(a)?.into(), self.int(b)?.into());
                Value::Int(
                    i64::try_from(quotient).expect("verify gives a quotient that fits 64 bits"),
                )
            }
            Expr::Rem(a, b) => Value::Int(self.int(a)?.rem_euclid(self.int(b)?)),
            Expr::Shift(a, b) => Value::Int((self.int(a)? + self.int(b)?).clamp(0, NEVER)),
            Expr::Min(a, b) => Value::Int(self.int(a)?.min(self.int(b)?)),
            Expr::Max(a, b) => Value::Int(self.int(a)?.max(self.int(b)?)),
            Expr::Abs(a) => Value::Int(self.int(a)?.abs()),
            Expr::Clamp(a, low, high) => {
                let (a, low, high) = (self.int(a)?, self.int(low)?, self.int(high)?);
                Value::Int(a.min(high).max(low))
            }
            Expr::Len(a) => Value::Int(text(&self.eval(a)?).len() as i64),
            Expr::StartsWith(a, b) => {
                let (a, b) = (self.eval(a)?, self.eval(b)?);
                Value::Bool(text(&a).starts_with(text(&b)))
            }

            Expr::Compare(order, a, b) => Value::Bool(order.holds(self.int(a)?, self.int(b)?)),
            Expr::Equal(a, b) => Value::Bool(self.eval(a)? == self.eval(b)?),
            Expr::Within(a, low, high) => {
                let (a, low, high) = (self.int(a)?, self.int(low)?, self.int(high)?);
                Value::Bool(low <= a && a <= high)
            }
            Expr::Is(a, shapes) => {
                let value = self.eval(a)?;
                Value::Bool(self.fits(&value, shapes))
            }
            Expr::Not(a) => Value::Bool(!self.truth(a)?),
            Expr::And(a, b) => Value::Bool(self.truth(a)? && self.truth(b)?),
            Expr::Or(a, b) => Value::Bool(self.truth(a)? || self.truth(b)?),

            Expr::Fit(a, low, high) => match self.int(a)? {
                value if *low <= value && value <= *high => Value::Int(value),
                _ => return Err(Stop::Fails),
            },
            Expr::Unwrap(a) => match self.eval(a)? {
                Value::Some(value) => *value,
                _ => return Err(Stop::Fails),
            },
            Expr::Else(a, b) => match self.eval(a) {
                Err(Stop::Fails) => self.eval(b)?,
                value => value?,
            },
            Expr::Refuse(reason) => return Err(Stop::Refused(Reason(*reason))),

            Expr::If(cond, a, b) => {
                let branch = if self.truth(cond)? { a } else { b };
                self.eval(branch)?
            }
            Expr::Match(subject, arms) => {
                let subject = self.eval(subject)?;
                let arm = arms
                    .iter()
                    .find(|(shapes, _): &&(Vec<Shape>, Expr)| self.fits(&subject, shapes));
                self.eval(&arm.expect("verify lets a match cover every value").1)?
            }
            Expr::Let(local, a, b) => {
                let value = self.eval(a)?;
                self.bind(*local, value);
                self.eval(b)?
            }
        })
    }

    fn derive(&mut self, index: u16) -> Result<Value, Stop> {
        let derive = &self.model.schema.derives[usize::from(index)];
        let locals = vec![Value::None; derive.locals.len()];
        let outer = std::mem::replace(&mut self.locals, locals);
        let value = self.eval(&derive.value);
        self.locals = outer;
        value
    }

    fn input(&mut self, index: u16) -> Value {
        if let Some(read) = self.read {
            read.set(read.get() | 1 << index);
        }
        match self.views.get(usize::from(index)) {
            Some(Some((value, _))) => Value::Some(Box::new(value.clone())),
            Some(None) | None => Value::None,
        }
    }

    /// Whether a value has one of these shapes; binds what the shape names.
    pub(super) fn fits(&mut self, value: &Value, shapes: &[Shape]) -> bool {
        shapes.iter().any(|shape| match (shape, value) {
            (Shape::Any, _) | (Shape::None, Value::None) => true,
            (Shape::Some(binder), Value::Some(inner)) => {
                if let Some(local) = binder {
                    self.bind(*local, (**inner).clone());
                }
                true
            }
            (Shape::Variant(wanted), Value::Variant(found)) => wanted == found,
            (Shape::None | Shape::Some(_) | Shape::Variant(_), _) => false,
        })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        other => unreachable!("verify gives an operand the kind text, not {other:?}"),
    }
}
