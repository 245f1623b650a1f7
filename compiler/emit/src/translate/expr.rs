//! Expressions into operands: the twin of `step::eval`.
//!
//! Whatever has an effect (a failure, a read of an input) is written as statements, in the order in
//! which the interpreter meets it; the operands that are given back have none and read only what
//! stays as it is until the rule commits. So it does not matter when they are evaluated.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Stm, Var, at, load32, load64};
use crate::memory::size;
use crate::translate::scope::{self, Scope};
use crate::translate::value::Val;
use crate::translate::{collection, message, whole};
use crate::unit::Routine;
use aqo_model::expr::{Expr, Order, Rounding, Shape};
use aqo_model::form::{COUNT, Form};
use aqo_model::layout::{role as role_at, state};
use aqo_model::policy::Measure;
use aqo_model::types::{NEVER, Type, Types};
use aqo_model::value::Value;

/// A refusal for a reason, as a rule's verdict.
pub(crate) fn refusal(reason: u16) -> i32 {
    i32::from(state::REFUSED | reason)
}

/// A condition.
pub(crate) fn truth(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, expr: &Expr) -> Exp {
    value(code, scope, expr).truth()
}

fn number(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, expr: &Expr) -> Exp {
    value(code, scope, expr).number()
}

/// A number in an operand that may stand more than once.
fn number_atom(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, expr: &Expr) -> Exp {
    let number = number(code, scope, expr);
    code.atom(number)
}

fn two(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, a: &Expr, b: &Expr) -> (Exp, Exp) {
    (number(code, scope, a), number(code, scope, b))
}

fn two_atoms(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, a: &Expr, b: &Expr) -> (Exp, Exp) {
    (number_atom(code, scope, a), number_atom(code, scope, b))
}

/// Any expression.
pub(crate) fn value(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, expr: &Expr) -> Val {
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
        | Expr::Trust(_) => leaf(code, scope, expr),
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
        | Expr::Clamp(..) => Val::Number(arithmetic(code, scope, expr)),
        Expr::StartsWith(..)
        | Expr::Compare(..)
        | Expr::Equal(..)
        | Expr::Within(..)
        | Expr::Is(..)
        | Expr::Not(_)
        | Expr::And(..)
        | Expr::Or(..) => Val::Bool(condition(code, scope, expr)),
        Expr::Variant(..) | Expr::Record(..) | Expr::Part(..) | Expr::With(..) | Expr::Call(..) => {
            collection::whole(code, scope, expr)
        }
        Expr::List(..)
        | Expr::Map(..)
        | Expr::Len(_)
        | Expr::Get(..)
        | Expr::First(_)
        | Expr::Last(_)
        | Expr::Has(..)
        | Expr::Each(..)
        | Expr::Fold(..)
        | Expr::Collect(..)
        | Expr::Present(_)
        | Expr::Median(_) => collection::collection(code, scope, expr),
        Expr::Some(inner) => Val::some(value(code, scope, inner)),
        Expr::Fit(a, low, high) => {
            let number = number_atom(code, scope, a);
            let fits = super::value::between(number.clone(), *low, *high);
            fail_unless(code, scope, fits);
            Val::Number(number)
        }
        Expr::Unwrap(a) => {
            let (tag, held) = value(code, scope, a).option();
            fail_unless(code, scope, tag);
            held
        }
        Expr::Else(a, b) => otherwise(code, scope, a, b),
        Expr::Refuse(_) => unreachable!("verify lets `refuse` stand right of an `else` alone"),
        Expr::If(cond, a, b) => {
            let cond = truth(code, scope, cond);
            let then = code.nested_with(|code| value(code, scope, a));
            let otherwise = code.nested_with(|code| value(code, scope, b));
            join(code, cond, then, otherwise)
        }
        Expr::Match(subject, arms) => {
            let subject = value(code, scope, subject).atoms(code);
            select(code, scope, &subject, arms)
        }
        Expr::Let(local, a, b) => {
            let held = value(code, scope, a).atoms(code);
            scope.locals.insert(*local, held);
            value(code, scope, b)
        }
    }
}

pub(crate) fn fail_unless(code: &mut Code<'_, '_>, scope: &Scope<'_>, holds: Exp) {
    let fails = scope.fails.expect("verify lets nothing partial stand outside an `else`");
    code.stop_if(fails, holds.eqz());
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "`value` sends only expressions without parts here"
)]
fn leaf(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, expr: &Expr) -> Val {
    match expr {
        Expr::Value(value) => constant(code, value),
        Expr::None(ty) => Val::none(&code.unit.wide(ty)),
        Expr::Field(index) => scope.field(code, *index),
        Expr::Role(index) => role(code, *index),
        Expr::Sender => Val::Bytes32(at(message::sender_key(code))),
        Expr::Left(limit) => {
            let left = code.call(Routine::Left(*limit), []);
            // It is the same for the whole rule.
            Val::Number(code.atom(left))
        }
        Expr::Derive(index) => derive(code, scope, *index),
        Expr::Input(index) => input(code, *index),
        Expr::Param(index) => scope.param(code, *index),
        Expr::Local(index) => {
            scope.locals.get(index).cloned().expect("verify lets only bound locals be read")
        }
        Expr::Captured(index) => scope.captured(code, *index),
        Expr::Now => Val::Number(scope::now()),
        Expr::Due => Val::Number(load64(0, scope.tick.0)),
        Expr::Missed => Val::Number(load64(0, scope.tick.1)),
        Expr::Born => Val::Number(scope.born(code)),
        Expr::Trust(measure) => {
            let trust = trust(code, *measure);
            // It is the same for the whole rule, and no cheaper for being computed later.
            Val::Number(code.atom(trust))
        }
        _ => unreachable!("only expressions without parts come here"),
    }
}

/// The key of a role, or a copy of the set of its keys.
fn role(code: &mut Code<'_, '_>, index: u16) -> Val {
    let record = scope::role(code, index);
    let Some(max) = code.unit.model.schema.roles[usize::from(index)].max else {
        return Val::Bytes32(at(record + size(role_at::KEYS)));
    };
    let form = Form::Set(Box::new(Form::Bytes32), max);
    let room = code.unit.room(&form);
    code.push(Stm::Fill(at(room), Exp::I32(0), literal(form.size())));
    let count = code.bind(load32(2, 0, record + size(role_at::COUNT)));
    code.store(2, 0, room, count);
    code.each(Rounds::keys(u32::from(max)), count, |code, k| {
        let from = k * size(role_at::STRIDE).cast_signed();
        let from = from + (record + size(role_at::KEYS)).cast_signed();
        let to = (k << 5) + (room + size(COUNT)).cast_signed();
        code.copy(to, from, 32);
    });
    Val::Whole(form, at(room))
}

/// A constant. Only scalars stand so.
#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
fn constant(code: &mut Code<'_, '_>, value: &Value) -> Val {
    let len = |len: usize| u16::try_from(len).expect("limits keep a constant short");
    let form = match value {
        Value::Text(text) => Form::Text(len(text.len())),
        Value::Bytes(bytes) => Form::Bytes(len(bytes.len())),
        Value::Bytes32(_) => Form::Bytes32,
        Value::Bool(_) => Form::Bool,
        _ => Form::Number(8),
    };
    Val::constant(code, value, &form)
}

/// Trust, or a slope of it, as rules of this step read it.
pub(crate) fn trust(code: &mut Code<'_, '_>, measure: Measure) -> Exp {
    match (&code.unit.model.policy.trust, measure) {
        (None, _) => Exp::I64(0),
        (Some(_), Measure::Trust) => code.call(Routine::ReadTrust, []),
        (Some(_), Measure::Slope | Measure::SlopeLong) => code.call(Routine::Slope(measure), []),
    }
}

/// A derived value, written out where it is read.
fn derive(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, index: u16) -> Val {
    let model = code.unit.model;
    let derive = &model.schema.derives[usize::from(index)];
    let outer = std::mem::take(&mut scope.locals);
    let types = std::mem::replace(&mut scope.types, derive.locals.clone());
    let value = value(code, scope, &derive.value);
    scope.locals = outer;
    scope.types = types;
    value
}

/// An input, which thereby counts as read.
fn input(code: &mut Code<'_, '_>, index: u16) -> Val {
    read(code, index);
    let slot = &code.unit.layout.inputs[usize::from(index)];
    let held = Val::of_slot(&slot.value, code.unit.map.offer);
    Val::Option(usable(code, index), Box::new(held))
}

/// Notes that an input was read.
pub(crate) fn read(code: &mut Code<'_, '_>, index: u16) {
    let address = code.unit.map.read + u32::from(index);
    code.store(1, 0, address, 1);
}

/// Whether an input is there, fresh and in range.
pub(crate) fn usable(code: &Code<'_, '_>, index: u16) -> Exp {
    load32(1, 0, code.unit.map.usable + u32::from(index))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`value` sends only arithmetic here")]
fn arithmetic(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, expr: &Expr) -> Exp {
    match expr {
        Expr::Neg(a) => Exp::I64(0) - number(code, scope, a),
        Expr::Add(a, b) => {
            let (a, b) = two(code, scope, a, b);
            a + b
        }
        Expr::Sub(a, b) => {
            let (a, b) = two(code, scope, a, b);
            a - b
        }
        Expr::Mul(a, b) => {
            let (a, b) = two(code, scope, a, b);
            a * b
        }
        Expr::Div(rounding, a, b) => {
            let (a, b) = two(code, scope, a, b);
            match rounding {
                Rounding::Trunc => a.div_s(b),
                Rounding::Floor | Rounding::Ceil | Rounding::HalfUp | Rounding::HalfEven => {
                    code.call(Routine::Divide(*rounding), [a, b])
                }
            }
        }
        Expr::MulDiv(rounding, a, b, c) => {
            let (a, b) = two(code, scope, a, b);
            let c = number(code, scope, c);
            code.call(Routine::MulDiv(*rounding), [a, b, c])
        }
        Expr::Rem(a, b) => {
            let a = number(code, scope, a);
            let b = number_atom(code, scope, b);
            let rest = code.bind(a.rem_s(b.clone()));
            rest + (b & rest.get().shr_s(63i64))
        }
        Expr::Shift(a, b) => {
            let (a, b) = two(code, scope, a, b);
            let sum = code.bind(a + b);
            let least = code.bind(sum.get().select(0i64, Exp::I64(0).lt_s(sum)));
            least.get().select(NEVER, least.get().lt_s(NEVER))
        }
        Expr::Min(a, b) => {
            let (a, b) = two_atoms(code, scope, a, b);
            a.clone().select(b.clone(), a.lt_s(b))
        }
        Expr::Max(a, b) => {
            let (a, b) = two_atoms(code, scope, a, b);
            a.clone().select(b.clone(), b.lt_s(a))
        }
        Expr::Abs(a) => {
            let a = number_atom(code, scope, a);
            (Exp::I64(0) - a.clone()).select(a.clone(), a.lt_s(0i64))
        }
        Expr::Clamp(a, low, high) => {
            let a = number_atom(code, scope, a);
            let (low, high) = two_atoms(code, scope, low, high);
            let below = code.bind(a.clone().select(high.clone(), a.lt_s(high)));
            below.get().select(low.clone(), low.lt_s(below))
        }
        _ => unreachable!("only arithmetic comes here"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`value` sends only conditions here")]
fn condition(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, expr: &Expr) -> Exp {
    match expr {
        Expr::StartsWith(a, b) => {
            let (a, b) = (value(code, scope, a).text(), value(code, scope, b).text());
            code.call(Routine::StartsWith, [a, b])
        }
        Expr::Compare(order, a, b) => {
            let (a, b) = two(code, scope, a, b);
            match order {
                Order::Less => a.lt_s(b),
                Order::AtMost => a.le_s(b),
            }
        }
        Expr::Equal(a, b) => {
            let (a, b) = (value(code, scope, a), value(code, scope, b));
            a.equals(b, code)
        }
        Expr::Within(a, low, high) => {
            let a = number_atom(code, scope, a);
            let (low, high) = two(code, scope, low, high);
            low.le_s(a.clone()) & a.le_s(high)
        }
        Expr::Is(a, shapes) => {
            let subject = value(code, scope, a).atoms(code);
            fits(scope, &subject, shapes)
        }
        Expr::Not(a) => truth(code, scope, a).eqz(),
        Expr::And(a, b) => {
            let a = truth(code, scope, a);
            let (before, b) = code.nested_with(|code| value(code, scope, b));
            if before.is_empty() {
                return a.and_then(b.truth());
            }
            join(code, a, (before, b), (Vec::new(), Val::Bool(Exp::I32(0)))).truth()
        }
        Expr::Or(a, b) => {
            let a = truth(code, scope, a);
            let (before, b) = code.nested_with(|code| value(code, scope, b));
            if before.is_empty() {
                return a.or_else(b.truth());
            }
            join(code, a, (Vec::new(), Val::Bool(Exp::I32(1))), (before, b)).truth()
        }
        _ => unreachable!("only conditions come here"),
    }
}

/// Whether a value, in operands that may stand more than once, has one of these shapes. What a shape
/// names is the operand itself.
pub(crate) fn fits(scope: &mut Scope<'_>, subject: &Val, shapes: &[Shape]) -> Exp {
    let tests = shapes.iter().map(|shape| match (shape, subject) {
        (Shape::Any, _) => Exp::I32(1),
        (Shape::None, Val::Option(tag, _)) => tag.clone().eqz(),
        (Shape::Some(binder), Val::Option(tag, held)) => {
            if let Some(local) = binder {
                scope.locals.insert(*local, (**held).clone());
            }
            tag.clone()
        }
        (Shape::Variant(wanted, binders), Val::Whole(Form::Union(cases), found)) => {
            let mut binders = binders.iter();
            whole::parts(&cases[usize::from(*wanted)], size(COUNT), |form, offset| {
                if let Some(local) = binders.next() {
                    scope.locals.insert(*local, Val::load(form, found.clone(), offset));
                }
            });
            load32(2, found.clone(), 0).eq(i32::from(*wanted))
        }
        (Shape::Variant(wanted, _), Val::Variant(found)) => found.clone().eq(i32::from(*wanted)),
        (Shape::None | Shape::Some(_) | Shape::Variant(..), _) => {
            unreachable!("verify gives a shape the kind of what it describes")
        }
    });
    tests.reduce(|a, b| a | b).unwrap_or(Exp::I32(0))
}

/// `a`, or `b` where something in `a` fails.
fn otherwise(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, a: &Expr, b: &Expr) -> Val {
    let outer = scope.fails;
    if let Expr::Refuse(reason) = b {
        let (verdict, refused) = scope.refuses.expect("verify lets only rules refuse");
        if !refuses(a) {
            // Nothing else sets the verdict before this does, so it can be set in advance.
            code.set(verdict, refusal(*reason));
            scope.fails = Some(refused);
            let value = value(code, scope, a);
            scope.fails = outer;
            return value;
        }
    }
    let fails = code.label();
    let done = code.label();
    scope.fails = Some(fails);
    let first = code.nested_with(|code| value(code, scope, a));
    scope.fails = outer;
    if let Expr::Refuse(reason) = b {
        let (mut first, held) = first;
        let (result, vars) = held.vars(code);
        first.extend(assign(&vars, held));
        first.push(Stm::Break(done));
        let mut body = vec![Stm::Block(fails, first)];
        body.extend(code.nested(|code| {
            let (verdict, refused) = scope.refuses.expect("verify lets only rules refuse");
            code.set(verdict, refusal(*reason));
            code.stop(refused);
        }));
        code.push(Stm::Block(done, body));
        return result;
    }
    let second = code.nested_with(|code| value(code, scope, b));
    let [(mut first, held), (second, other)] = alike(code, [first, second]);
    let (result, vars) = held.vars(code);
    first.extend(assign(&vars, held));
    first.push(Stm::Break(done));
    let mut body = vec![Stm::Block(fails, first)];
    body.extend(second);
    body.extend(assign(&vars, other));
    code.push(Stm::Block(done, body));
    result
}

/// Whether an expression can end its rule.
fn refuses(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| found |= matches!(expr, Expr::Refuse(_)));
    found
}

fn assign(vars: &[Var], value: Val) -> Vec<Stm> {
    vars.iter().zip(value.parts()).map(|(var, part)| Stm::Set(*var, part)).collect()
}

/// One of two values, each with the statements that come before it.
fn join(
    code: &mut Code<'_, '_>,
    cond: Exp,
    then: (Vec<Stm>, Val),
    otherwise: (Vec<Stm>, Val),
) -> Val {
    let [(mut before, a), (mut other, b)] = alike(code, [then, otherwise]);
    let single = !matches!(a, Val::Option(..));
    if before.is_empty() && other.is_empty() && single {
        let b = b.parts().pop().expect("such a value is one operand");
        return a.map(&mut |a| cond.clone().choose(a, b.clone()));
    }
    let (result, vars) = a.vars(code);
    before.extend(assign(&vars, a));
    other.extend(assign(&vars, b));
    code.push(Stm::If(cond, before, other));
    result
}

/// Values of one kind in one form, each with the statements that come before it: collections in that
/// of the one which may hold most, so that all its bytes can be read.
fn alike<const N: usize>(
    code: &mut Code<'_, '_>,
    values: [(Vec<Stm>, Val); N],
) -> [(Vec<Stm>, Val); N] {
    let forms = values.iter().filter_map(|(_, value)| value.collection_form());
    let Some(widest) = forms.max_by_key(|form| form.size()).cloned() else { return values };
    values.map(|(before, value)| in_form(code, before, value, &widest))
}

/// A value in the form of a collection that may hold more, after statements that come before it.
fn in_form(
    code: &mut Code<'_, '_>,
    mut before: Vec<Stm>,
    value: Val,
    form: &Form,
) -> (Vec<Stm>, Val) {
    let (more, value) = code.nested_with(|code| value.widened(code, form));
    before.extend(more);
    (before, value)
}

/// The first arm that fits; the last one fits where none before it does. Two arms are a choice; more
/// stand one after the other, so that many do not nest.
fn select(
    code: &mut Code<'_, '_>,
    scope: &mut Scope<'_>,
    subject: &Val,
    arms: &[(Vec<Shape>, Expr)],
) -> Val {
    if let [(shapes, first), (last_shapes, last)] = arms {
        let cond = fits(scope, subject, shapes);
        let then = code.nested_with(|code| value(code, scope, first));
        fits(scope, subject, last_shapes);
        let otherwise = code.nested_with(|code| value(code, scope, last));
        return join(code, cond, then, otherwise);
    }
    let done = code.label();
    let mut conds = Vec::new();
    let mut values = Vec::new();
    for (shapes, arm) in arms {
        conds.push(fits(scope, subject, shapes));
        values.push(code.nested_with(|code| value(code, scope, arm)));
    }
    let forms = values.iter().filter_map(|(_, value)| value.collection_form());
    if let Some(widest) = forms.max_by_key(|form| form.size()).cloned() {
        let all = values.into_iter();
        values = all.map(|(before, value)| in_form(code, before, value, &widest)).collect();
    }
    let (_, first) = values.first().expect("verify lets no match be empty");
    let (result, vars) = first.vars(code);
    let body = code.nested(|code| {
        for (index, (cond, (mut stms, held))) in conds.into_iter().zip(values).enumerate() {
            stms.extend(assign(&vars, held));
            if index + 1 == arms.len() {
                stms.into_iter().for_each(|stm| code.push(stm));
            } else {
                stms.push(Stm::Break(done));
                code.push(Stm::If(cond, stms, Vec::new()));
            }
        }
    });
    code.push(Stm::Block(done, body));
    result
}

/// Whether an expression reads one of these fields, itself or by a derived value.
pub(crate) fn reads_field(code: &Code<'_, '_>, expr: &Expr, field: &dyn Fn(u16) -> bool) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        if let Expr::Field(index) = expr {
            found |= field(*index);
        } else if let Expr::Derive(index) = expr {
            let derive = &code.unit.model.schema.derives[usize::from(*index)];
            found = found || reads_field(code, &derive.value, field);
        }
    });
    found
}

/// Whether values of a type stand in memory rather than in an operand.
pub(crate) fn stands_in_memory(ty: &Type, types: &Types) -> bool {
    match ty {
        Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Record(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => true,
        Type::Enum(index) => !types.enums[usize::from(*index)].is_plain(),
        Type::Option(inner) => stands_in_memory(inner, types),
        Type::Bool | Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => false,
    }
}

/// The number of a region's own size, as an operand.
pub(crate) fn literal(bytes: usize) -> Exp {
    Exp::I32(size(bytes).cast_signed())
}
