//! Expressions.
//!
//! A verified tree of the right kinds is taken for granted: what it rules out is an assertion here.

use super::Step;
use crate::entry::Tick;
use crate::expr::{Edit, Expr, Shape};
use crate::image::State;
use crate::model::Model;
use crate::offer::View;
use crate::policy::{Measure, Reason};
use crate::types::{NEVER, Type};
use crate::value::{Bytes32, Value};
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
    pub(super) model: &'s Model,
    pub(super) state: &'s State,
    views: &'s [Option<View>],
    read: Option<&'s Cell<u64>>,
    params: &'s [Value],
    sender: Option<Bytes32>,
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
            params: step.speech.as_ref().map_or(&[], |speech| &speech.params),
            sender: step.speech.as_ref().and_then(|speech| speech.by).map(|(_, key)| key),
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
            sender: None,
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

    pub(super) fn all(&mut self, exprs: &[Expr]) -> Result<Vec<Value>, Stop> {
        exprs.iter().map(|expr| self.eval(expr)).collect()
    }

    pub(super) fn int(&mut self, expr: &Expr) -> Result<i64, Stop> {
        Ok(self.eval(expr)?.int().expect("verify gives an operand the kind number"))
    }

    /// Trust as rules of this step read it, in millionths.
    pub(super) fn trust(&self, measure: Measure) -> i64 {
        match (&self.model.policy.trust, &self.state.trust) {
            (Some(policy), Some(trust)) => {
                trust.measure(policy, (self.state.born, self.now), self.losses, measure)
            }
            (Some(_) | None, _) => 0,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    pub(super) fn eval(&mut self, expr: &Expr) -> Result<Value, Stop> {
        Ok(match expr {
            Expr::Value(value) => value.clone(),
            Expr::Variant(_, number, args) => Value::Variant(*number, self.all(args)?),
            Expr::Record(_, parts) => Value::Record(self.all(parts)?),
            Expr::List(..)
            | Expr::Map(..)
            | Expr::Get(..)
            | Expr::First(_)
            | Expr::Last(_)
            | Expr::Has(..)
            | Expr::Each(..)
            | Expr::Fold(..)
            | Expr::Collect(..)
            | Expr::Present(_)
            | Expr::Median(_) => self.collection(expr)?,
            Expr::Part(record, part) => match self.eval(record)? {
                Value::Record(mut parts) => parts.swap_remove(usize::from(*part)),
                other => unreachable!("verify gives a part's whole the kind record, not {other:?}"),
            },
            Expr::With(record, changes) => {
                let mut value = self.eval(record)?;
                for (part, change) in changes {
                    let change = self.eval(change)?;
                    if let Value::Record(parts) = &mut value {
                        parts[usize::from(*part)] = change;
                    }
                }
                value
            }
            Expr::Call(index, args) => {
                let function = &self.model.schema.functions[usize::from(*index)];
                let mut locals = self.all(args)?;
                locals.resize(function.locals.len(), Value::None);
                let outer = std::mem::replace(&mut self.locals, locals);
                let value = self.eval(&function.value);
                self.locals = outer;
                value?
            }
            Expr::None(_) => Value::None,
            Expr::Some(inner) => Value::Some(Box::new(self.eval(inner)?)),

            Expr::Field(index) => self.state.fields[usize::from(*index)].clone(),
            Expr::Role(index) => self.role(*index),
            Expr::Sender => Value::Bytes32(self.sender.unwrap_or(Bytes32::ZERO)),
            Expr::Left(limit) => Value::Int(self.left(usize::from(*limit))),
            Expr::Derive(index) => self.derive(*index)?,
            Expr::Input(index) => self.input(*index),
            Expr::Param(index) => self.params[usize::from(*index)].clone(),
            Expr::Local(index) => self.locals[usize::from(*index)].clone(),
            Expr::Captured(index) => self.captured[usize::from(*index)].clone(),
            Expr::Now => Value::Int(self.now),
            // What consent lets act is due now.
            Expr::Due => Value::Int(self.tick.map_or(self.now, |tick| tick.due)),
            Expr::Missed => Value::Int(self.tick.map_or(0, |tick| tick.missed as i64)),
            Expr::Born => Value::Int(self.state.born),
            Expr::Trust(measure) => Value::Int(self.trust(*measure)),

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
            Expr::MulDiv(rounding, a, b, c) => {
                let product = i128::from(self.int(a)?) * i128::from(self.int(b)?);
                let quotient = rounding.divide(product, self.int(c)?.into());
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
            Expr::Len(a) => Value::Int(len(&self.eval(a)?) as i64),
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

    /// The key of a role, or all its keys.
    fn role(&self, index: u16) -> Value {
        let keys = &self.state.roles[usize::from(index)].keys;
        match self.model.schema.roles[usize::from(index)].max {
            Some(_) => Value::List(keys.iter().map(|known| Value::Bytes32(known.key)).collect()),
            None => Value::Bytes32(keys.first().map_or(Bytes32::ZERO, |known| known.key)),
        }
    }

    /// Whether a role has no room for one more key.
    pub(super) fn is_full(&self, role: u16, edit: &Edit<Value>) -> bool {
        let (held, declared) =
            (&self.state.roles[usize::from(role)], &self.model.schema.roles[usize::from(role)]);
        match edit {
            Edit::Add(Value::Bytes32(key)) => {
                held.key(key).is_none() && held.keys.len() >= declared.size()
            }
            Edit::Put(_) | Edit::Add(_) | Edit::Remove(_) => false,
        }
    }

    /// What is left of a limit: of its sum, nothing once the count is used up; else of its count.
    pub(super) fn left(&self, limit: usize) -> i64 {
        let (declared, kept) = (&self.model.policy.limits[limit], &self.state.limits[limit]);
        let (count, spent) = kept.used(self.now, declared.per);
        let left = i64::from(declared.count) - count;
        match &declared.sum {
            None => left,
            Some(_) if left <= 0 => 0,
            Some(sum) => {
                let mut scope = Scope::of_state(self.model, self.state, &sum.locals);
                let most = scope.int(&sum.most).expect("verify lets nothing fail here");
                (most - spent).max(0)
            }
        }
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
            Some(Some(view)) => Value::Some(Box::new(view.value.clone())),
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
            (Shape::Variant(wanted, binders), Value::Variant(found, args)) => {
                if wanted == found {
                    for (local, arg) in binders.iter().zip(args) {
                        self.bind(*local, arg.clone());
                    }
                }
                wanted == found
            }
            (Shape::None | Shape::Some(_) | Shape::Variant(..), _) => false,
        })
    }
}

/// Bytes of a text or of bytes, items of a collection.
fn len(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        Value::Map(pairs) => pairs.len(),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Variant(..)
        | Value::Bytes32(_)
        | Value::None
        | Value::Some(_)
        | Value::Record(_) => unreachable!("verify gives `len` what has one, not {value:?}"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        other => unreachable!("verify gives an operand the kind text, not {other:?}"),
    }
}
