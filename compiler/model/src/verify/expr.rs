//! One expression at one place: its kind, its interval, and whether anything in it can fail.

use super::arithmetic::arithmetic;
use super::collection::collection;
use super::leaf::leaf;
use super::learn::learn;
use super::made::made;
use super::schema::{depth, require};
use super::{Check, Fault};
use crate::expr::{Expr, Shape};
use crate::facts::{Facts, Interval, variant_count};
use crate::model::Model;
use crate::policy::{Rule, Trigger};
use crate::types::{Kind, Param, Type};
use std::collections::BTreeMap;

/// What may be read at a place.
#[derive(Clone, Copy)]
pub struct Place<'p> {
    /// The Model; its rules are not looked at, but for the guards above a rule.
    pub model: &'p Model,
    /// Parameters of the message.
    pub params: &'p [Param],
    /// Types of locals.
    pub locals: &'p [Type],
    /// Types of what a prediction captured.
    pub captures: &'p [Type],
    /// How many derives may be read, from the first.
    pub derives: usize,
    /// Whether `due` and `missed` may be read.
    pub tick: bool,
    /// Whether inputs may be read.
    pub inputs: bool,
    /// Whether `now` and trust may be read; `false` where a clause must hold by itself.
    pub moving: bool,
    /// Whether `refuse` may stand right of an `else`.
    pub refuses: bool,
    /// How many functions may be called, from the first.
    pub functions: usize,
    /// Whether fields, roles, derives, inputs and `born` may be read: not in a function.
    pub object: bool,
    /// Whether `sender` may be read.
    pub sender: bool,
}

impl<'p> Place<'p> {
    /// A derived value: fields, time, trust.
    pub fn of_derive(model: &'p Model) -> Self {
        Place {
            model,
            params: &[],
            locals: &[],
            captures: &[],
            derives: 0,
            tick: false,
            inputs: false,
            moving: true,
            refuses: false,
            functions: model.schema.functions.len(),
            object: true,
            sender: false,
        }
    }

    /// A function: its parameters, and the functions before it.
    pub fn of_function(model: &'p Model, index: usize, locals: &'p [Type]) -> Self {
        let place = Place::of_derive(model);
        Place { locals, functions: index, moving: false, object: false, ..place }
    }

    /// An `always`: fields alone.
    pub fn of_always(model: &'p Model, locals: &'p [Type]) -> Self {
        let derives = model.schema.derives.len();
        Place { locals, derives, moving: false, ..Place::of_derive(model) }
    }
}

/// The place of a rule's guard; its body may refuse as well.
pub fn place_of_rule<'p>(model: &'p Model, rule: &'p Rule) -> Place<'p> {
    let (params, tick, sender) = match rule.on {
        Trigger::Tick | Trigger::Cycle(_) => (&[][..], true, false),
        Trigger::Kept(_) | Trigger::Broken(_) | Trigger::Lapsed(_) | Trigger::Arrive => {
            (&[][..], false, false)
        }
        Trigger::Expired(kind) => {
            (&model.schema.messages[usize::from(kind)].params[..], false, false)
        }
        Trigger::Message(kind) => {
            let message = &model.schema.messages[usize::from(kind)];
            (&message.params[..], false, !message.from.is_empty())
        }
    };
    Place {
        params,
        tick,
        sender,
        locals: &rule.locals,
        derives: model.schema.derives.len(),
        inputs: true,
        ..Place::of_derive(model)
    }
}

/// What is known where a rule's guard is looked at: every `always` holds.
pub fn standing_facts(model: &Model) -> Facts {
    let mut facts = Facts::default();
    model.policy.always.iter().for_each(|clause| facts.assume(&clause.holds, true));
    // A clause's locals are its own: their numbers mean others in whoever takes it for granted.
    facts.shared()
}

/// What is known where the guards of rules are looked at, from the top: every `always` holds, and of
/// the rules above those on the same message have let it pass.
///
/// A message is put before its rules from the top, until one takes it: when it arrives, when it has
/// waited, and when enough people have consented. Nothing changes between two guards, so the one
/// that was false is false for the state, the instant and the inputs that the rule below it sees.
/// Rules on anything else all have their turn, and what one does the next one finds.
#[derive(Clone)]
pub struct Below {
    standing: Facts,
    /// By message.
    passed: BTreeMap<u16, Facts>,
}

impl Below {
    /// Above all rules.
    pub fn new(model: &Model) -> Below {
        Below { standing: standing_facts(model), passed: BTreeMap::new() }
    }

    /// What is known where the guard of the next rule is looked at, which answers this.
    pub fn facts(&self, on: Trigger) -> Facts {
        let passed = on.message().and_then(|kind| self.passed.get(&kind));
        passed.unwrap_or(&self.standing).clone()
    }

    /// Goes on below a rule, which is sound.
    pub fn pass(&mut self, model: &Model, rule: &Rule) {
        if let (Some(kind), Some(when)) = (rule.on.message(), &rule.when) {
            let facts = self.facts(rule.on);
            self.passed.insert(kind, let_pass(&place_of_rule(model, rule), when, facts));
        }
    }
}

/// The rules from the top, each with its index and what is known there. They are sound.
pub fn from_the_top(model: &Model) -> impl Iterator<Item = (usize, &Rule, Below)> {
    let mut below = Below::new(model);
    model.policy.rules.iter().enumerate().map(move |(index, rule)| {
        let here = below.clone();
        below.pass(model, rule);
        (index, rule, here)
    })
}

/// What is known where a guard was false, besides what was known before it.
pub fn let_pass(place: &Place<'_>, when: &Expr, facts: Facts) -> Facts {
    let mut facts = facts.whole();
    learn(place, when, false, &mut facts);
    // Its binders are its own.
    facts.shared()
}

/// What is known where a rule's body begins, by what is known where its guard is looked at.
pub fn rule_facts(place: &Place<'_>, rule: &Rule, below: &Below) -> Check<Facts> {
    let mut facts = below.facts(rule.on);
    if let Some(when) = &rule.when {
        depth(when)?;
        check_condition(place, when, &mut facts)?;
    }
    Ok(facts)
}

/// What is known of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its kind.
    pub kind: Kind,
    /// Of a number, of a text's or a byte string's length, or of what an option holds.
    pub interval: Option<Interval>,
    /// Of a record, an enum or a collection, or of what an option holds: a type that it fits.
    pub ty: Option<Type>,
    /// Whether it can fail.
    pub partial: bool,
}

impl Checked {
    pub(super) fn of(kind: Kind) -> Checked {
        Checked { kind, interval: None, ty: None, partial: false }
    }

    pub(super) fn number(interval: Interval) -> Checked {
        Checked { interval: Some(interval), ..Checked::of(Kind::Number) }
    }

    pub(super) fn of_length(kind: Kind, len: usize) -> Checked {
        Checked { interval: Some(Interval::point(len as i128)), ..Checked::of(kind) }
    }

    pub(super) fn typed(ty: &Type) -> Checked {
        let held = if let Type::Option(inner) = ty { inner } else { ty };
        let (interval, whole) = match held {
            Type::Text { max } | Type::Bytes { max } => {
                (Some(Interval { low: 0, high: (*max).into() }), None)
            }
            Type::Bool
            | Type::Number { .. }
            | Type::Duration(_)
            | Type::Instant(_)
            | Type::Key
            | Type::Hash => (held.bounds().map(Interval::from), None),
            Type::Enum(_)
            | Type::Record(_)
            | Type::Option(_)
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. } => (None, Some(held.clone())),
        };
        Checked { kind: ty.kind(), interval, ty: whole, partial: false }
    }

    /// What it is inside an option.
    pub(super) fn optional(self) -> Check<Checked> {
        if matches!(self.kind, Kind::Option(_)) {
            return Err(Fault::Kind { wanted: None, found: self.kind });
        }
        Ok(Checked { kind: Kind::Option(Box::new(self.kind)), ..self })
    }

    pub(super) fn or_partial(mut self, partial: bool) -> Checked {
        self.partial |= partial;
        self
    }
}

/// Checks a condition in which nothing can fail, and learns from it.
pub fn check_condition(place: &Place<'_>, cond: &Expr, facts: &mut Facts) -> Check {
    let checked = check(place, cond, facts)?;
    wants(&checked, &Kind::Bool)?;
    if checked.partial {
        return Err(Fault::Partial);
    }
    learn(place, cond, true, facts);
    Ok(())
}

/// Checks a value that goes to a place of type `ty`.
pub(super) fn check_store(place: &Place<'_>, expr: &Expr, ty: &Type, facts: &Facts) -> Check {
    if stored(place, expr, ty, facts)? { Err(Fault::Partial) } else { Ok(()) }
}

/// Checks a value that goes to a place of type `ty`; gives whether it can fail.
pub(super) fn stored(place: &Place<'_>, expr: &Expr, ty: &Type, facts: &Facts) -> Check<bool> {
    let checked = check(place, expr, facts)?;
    fits(&checked, ty)?;
    Ok(checked.partial)
}

/// Whether what is known of a value lets it go to a place of type `ty`.
pub(super) fn fits(checked: &Checked, ty: &Type) -> Check {
    wants(checked, &ty.kind())?;
    let allowed = Checked::typed(ty);
    if let (Some(found), Some(allowed)) = (checked.interval, allowed.interval)
        && !found.is_within(allowed)
    {
        return Err(Fault::Bounds { found, allowed });
    }
    if let (Some(found), Some(allowed)) = (&checked.ty, allowed.ty)
        && !allowed.takes(found)
    {
        return Err(Fault::Type { found: Box::new(found.clone()), allowed: Box::new(allowed) });
    }
    Ok(())
}

pub(super) fn wants(checked: &Checked, kind: &Kind) -> Check {
    if checked.kind == *kind {
        Ok(())
    } else {
        Err(Fault::Kind { wanted: Some(kind.clone()), found: checked.kind.clone() })
    }
}

/// The kind and the interval of an expression; refuses what could overflow or divide by zero.
pub fn check(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Check<Checked> {
    match expr {
        Expr::Value(_)
        | Expr::None(_)
        | Expr::Field(_)
        | Expr::Role(_)
        | Expr::Derive(_)
        | Expr::Input(_)
        | Expr::Param(_)
        | Expr::Local(_)
        | Expr::Captured(_)
        | Expr::Now
        | Expr::Due
        | Expr::Missed
        | Expr::Born
        | Expr::Sender
        | Expr::Left(_)
        | Expr::Trust(_) => leaf(place, expr, facts),
        Expr::Neg(_)
        | Expr::Add(..)
        | Expr::Sub(..)
        | Expr::Mul(..)
        | Expr::Div(..)
        | Expr::MulDiv(..)
        | Expr::Rem(..)
        | Expr::Shift(..)
        | Expr::Min(..)
        | Expr::Max(..)
        | Expr::Abs(_)
        | Expr::Clamp(..) => arithmetic(place, expr, facts),
        Expr::Variant(..) | Expr::Record(..) | Expr::Part(..) | Expr::With(..) | Expr::Call(..) => {
            made(place, expr, facts)
        }
        Expr::List(..)
        | Expr::Map(..)
        | Expr::Get(..)
        | Expr::First(_)
        | Expr::Last(_)
        | Expr::Len(_)
        | Expr::Has(..)
        | Expr::Each(..)
        | Expr::Fold(..)
        | Expr::Collect(..)
        | Expr::Present(_)
        | Expr::Median(_) => collection(place, expr, facts),
        Expr::Some(inner) => check(place, inner, facts)?.optional(),
        Expr::StartsWith(a, b) => {
            let (a, b) = (check(place, a, facts)?, check(place, b, facts)?);
            wants(&a, &Kind::Text)?;
            wants(&b, &Kind::Text)?;
            Ok(Checked::of(Kind::Bool).or_partial(a.partial || b.partial))
        }
        Expr::Compare(_, a, b) => {
            let (a, b) = (number(place, a, facts)?, number(place, b, facts)?);
            Ok(Checked::of(Kind::Bool).or_partial(a.partial || b.partial))
        }
        Expr::Equal(a, b) => {
            let (a, b) = (check(place, a, facts)?, check(place, b, facts)?);
            wants(&b, &a.kind)?;
            if let (Some(a), Some(b)) = (&a.ty, &b.ty)
                && !a.compares_to(b)
            {
                return Err(Fault::Type {
                    found: Box::new(b.clone()),
                    allowed: Box::new(a.clone()),
                });
            }
            Ok(Checked::of(Kind::Bool).or_partial(a.partial || b.partial))
        }
        Expr::Within(a, low, high) => {
            let parts =
                [number(place, a, facts)?, number(place, low, facts)?, number(place, high, facts)?];
            Ok(Checked::of(Kind::Bool).or_partial(parts.iter().any(|part| part.partial)))
        }
        Expr::Is(a, shapes) => {
            let a = check(place, a, facts)?;
            shapes_fit(place, shapes, &a)?;
            Ok(Checked::of(Kind::Bool).or_partial(a.partial))
        }
        Expr::Not(a) => {
            let a = condition(place, a, facts)?;
            Ok(a)
        }
        Expr::And(a, b) | Expr::Or(a, b) => {
            let first = condition(place, a, facts)?;
            let mut facts = facts.clone();
            learn(place, a, matches!(expr, Expr::And(..)), &mut facts);
            let second = condition(place, b, &facts)?;
            Ok(first.or_partial(second.partial))
        }
        Expr::Fit(a, low, high) => {
            let a = number(place, a, facts)?;
            let wanted = Interval { low: (*low).into(), high: (*high).into() };
            let met = a.interval.and_then(|interval| interval.meet(wanted)).unwrap_or(wanted);
            require(low <= high, "bounds of a fit")?;
            Ok(Checked { partial: true, ..Checked::number(met) })
        }
        Expr::Unwrap(a) => {
            let a = check(place, a, facts)?;
            let Kind::Option(kind) = a.kind else {
                return Err(Fault::Kind { wanted: None, found: a.kind });
            };
            Ok(Checked { kind: *kind, partial: true, ..a })
        }
        Expr::Else(a, b) => {
            let first = check(place, a, facts)?;
            if matches!(**b, Expr::Refuse(_)) {
                check_refuse(place, b)?;
                return Ok(Checked { partial: false, ..first });
            }
            let second = check(place, b, facts)?;
            let partial = second.partial;
            Ok(Checked { partial, ..join(first, second)? })
        }
        Expr::Refuse(_) => Err(Fault::Structure("`refuse` stands right of an `else` alone")),
        Expr::If(cond, a, b) => {
            let cond_checked = condition(place, cond, facts)?;
            let (mut then, mut otherwise) = (facts.clone(), facts.clone());
            learn(place, cond, true, &mut then);
            learn(place, cond, false, &mut otherwise);
            let joined = join(check(place, a, &then)?, check(place, b, &otherwise)?)?;
            Ok(joined.or_partial(cond_checked.partial))
        }
        Expr::Match(subject, arms) => {
            let subject_checked = check(place, subject, facts)?;
            let mut result: Option<Checked> = None;
            let mut rest = facts.clone();
            for (shapes, value) in arms {
                let arm_facts = arm(place, subject, &subject_checked, shapes, &mut rest)?;
                let value = check(place, value, &arm_facts)?;
                result = Some(match result {
                    None => value,
                    Some(result) => join(result, value)?,
                });
            }
            covers(place, &subject_checked, arms.iter().map(|(shapes, _)| &shapes[..]))?;
            let result = result.ok_or(Fault::Structure("a match without arms"))?;
            Ok(result.or_partial(subject_checked.partial))
        }
        Expr::Let(local, a, b) => {
            let value = check(place, a, facts)?;
            let mut facts = facts.clone();
            bind(place, *local, a, &value, &mut facts)?;
            Ok(check(place, b, &facts)?.or_partial(value.partial))
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn check_refuse(place: &Place<'_>, refuse: &Expr) -> Check {
    require(place.refuses, "`refuse` stands in a rule's body alone")?;
    match refuse {
        Expr::Refuse(reason) => known_reason(place.model, *reason),
        _ => Ok(()),
    }
}

/// Whether a reason is one of the authors'.
pub(super) fn known_reason(model: &Model, reason: u16) -> Check {
    let own = model.policy.own_index(crate::policy::Reason(reason));
    let known = own.is_some_and(|own| usize::from(own) < model.policy.reasons.len());
    require(known, "a reason that is not declared")
}

/// Binds a local to a value of its own kind and bounds.
pub(super) fn bind(
    place: &Place<'_>,
    local: u16,
    expr: &Expr,
    value: &Checked,
    facts: &mut Facts,
) -> Check {
    let ty = place.locals.get(usize::from(local)).ok_or(Fault::Unbound(local))?;
    if facts.local(local).is_some() {
        return Err(Fault::Unbound(local));
    }
    fits(value, ty)?;
    facts.alias(local, expr);
    facts.bind(local, ty.clone());
    Ok(())
}

/// The facts of an arm. `rest` keeps what is left for the arms below.
pub(super) fn arm(
    place: &Place<'_>,
    subject: &Expr,
    checked: &Checked,
    shapes: &[Shape],
    rest: &mut Facts,
) -> Check<Facts> {
    shapes_fit(place, shapes, checked)?;
    let mut facts = rest.clone();
    let bound = if let [shape] = shapes { shape.binders() } else { &[] };
    bound.iter().for_each(|local| facts.forget(*local));
    facts.assume_shape(subject, shapes, true);
    for local in bound {
        let ty = place.locals.get(usize::from(*local)).ok_or(Fault::Unbound(*local))?;
        facts.bind(*local, ty.clone());
    }
    rest.assume_shape(subject, shapes, false);
    Ok(facts)
}

/// Whether arms cover every value of what they match.
pub fn covers<'s>(
    place: &Place<'_>,
    subject: &Checked,
    arms: impl Iterator<Item = &'s [Shape]>,
) -> Check {
    let enums = &place.model.schema.types.enums;
    let sizes: Vec<usize> = enums.iter().map(|e| e.variants.len()).collect();
    let count = variant_count(&subject.kind, &sizes);
    let all = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
    let mut seen = 0u64;
    let mut any = false;
    for shape in arms.flatten() {
        match shape {
            Shape::Any => any = true,
            Shape::None => seen |= 1,
            Shape::Some(_) => seen |= 2,
            Shape::Variant(number, _) => seen |= 1u64.checked_shl((*number).into()).unwrap_or(0),
        }
    }
    if any || (count > 0 && seen & all == all) {
        Ok(())
    } else {
        Err(Fault::Uncovered(all & !seen))
    }
}

fn shapes_fit(place: &Place<'_>, shapes: &[Shape], value: &Checked) -> Check {
    for shape in shapes {
        match (shape, &value.kind) {
            (Shape::Any, _) | (Shape::None | Shape::Some(None), Kind::Option(_)) => {}
            (Shape::Some(Some(local)), Kind::Option(kind)) => {
                require(shapes.len() == 1, "a binder beside other shapes")?;
                let ty = place.locals.get(usize::from(*local)).ok_or(Fault::Unbound(*local))?;
                let held = Checked { kind: (**kind).clone(), ..value.clone() };
                fits(&held, ty)?;
            }
            (Shape::Variant(number, binders), Kind::Enum(index)) => {
                let types = &place.model.schema.types;
                let e = types.enums.get(usize::from(*index));
                let known = e.is_some_and(|e| usize::from(*number) < e.variants.len());
                require(known, "a variant that is not declared")?;
                let params = types.payload(*index, *number);
                require(
                    binders.is_empty() || (shapes.len() == 1 && binders.len() == params.len()),
                    "binders for other than what one variant carries",
                )?;
                for (local, param) in binders.iter().zip(params) {
                    let ty = place.locals.get(usize::from(*local)).ok_or(Fault::Unbound(*local))?;
                    fits(&Checked::typed(&param.ty), ty)?;
                }
            }
            (Shape::None | Shape::Some(_) | Shape::Variant(..), kind) => {
                return Err(Fault::Kind { wanted: None, found: kind.clone() });
            }
        }
    }
    Ok(())
}

pub(super) fn condition(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Check<Checked> {
    let checked = check(place, expr, facts)?;
    wants(&checked, &Kind::Bool)?;
    Ok(checked)
}

/// A number and its interval, as narrow as facts make it.
pub(super) fn number(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Check<Checked> {
    let checked = check(place, expr, facts)?;
    wants(&checked, &Kind::Number)?;
    Ok(checked)
}

pub(super) fn join(a: Checked, b: Checked) -> Check<Checked> {
    wants(&b, &a.kind)?;
    let interval = match (a.interval, b.interval) {
        (Some(a), Some(b)) => Some(a.join(b)),
        (one, other) => one.or(other),
    };
    let ty = match (a.ty, b.ty) {
        (Some(a), Some(b)) if a.takes(&b) => Some(a),
        (Some(a), Some(b)) if b.takes(&a) => Some(b),
        (Some(a), Some(b)) => return Err(Fault::Type { found: Box::new(b), allowed: Box::new(a) }),
        (one, other) => one.or(other),
    };
    Ok(Checked { kind: a.kind, interval, ty, partial: a.partial || b.partial })
}
