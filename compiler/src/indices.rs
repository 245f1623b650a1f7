//! Where types and expressions name an enum, a record or a function: by index, each time.
//!
//! Invariant: every place at which an index stands is shown exactly once, so that whoever renumbers
//! forgets none. Knows no source and no name.

use aqo_model::Model;
use aqo_model::expr::{Edit, Expr, Step, Stmt};
use aqo_model::policy::{Always, Limit, Pause, Policy, Prediction, Rule, Sum};
use aqo_model::schema::{Derive, Event, Field, Function, Input, Message, Schema};
use aqo_model::types::{Param, Type, Types};
use std::collections::{BTreeMap, BTreeSet};

/// What an index counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// An enum.
    Enum,
    /// A record.
    Record,
    /// A function.
    Function,
}

/// An enum, a record or a function.
pub(crate) type Index = (Kind, u16);

/// Is shown each index, and may change it.
pub(crate) type See<'s> = dyn FnMut(Kind, &mut u16) + 's;

/// What `roots` name, and what that names, and so on.
pub(crate) fn closure(
    types: &Types,
    functions: &[Function],
    roots: BTreeSet<Index>,
) -> BTreeSet<Index> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<Index> = roots.into_iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(named_by(types, functions, next));
        }
    }
    reached
}

/// What one of them names.
pub(crate) fn named_by(types: &Types, functions: &[Function], of: Index) -> BTreeSet<Index> {
    let at = usize::from(of.1);
    collected(|see| match of.0 {
        Kind::Enum => {
            let found = types.enums.get(at).cloned();
            let variants = found.into_iter().flat_map(|found| found.variants);
            variants.for_each(|mut variant| of_params(&mut variant.params, see));
        }
        Kind::Record => {
            let found = types.records.get(at).cloned();
            found.into_iter().for_each(|mut record| of_params(&mut record.fields, see));
        }
        Kind::Function => {
            let found = functions.get(at).cloned();
            found.into_iter().for_each(|mut function| of_function(&mut function, see));
        }
    })
}

/// The indices that a walk shows.
pub(crate) fn collected(walk: impl FnOnce(&mut See<'_>)) -> BTreeSet<Index> {
    let mut found = BTreeSet::new();
    walk(&mut |kind, index| {
        found.insert((kind, *index));
    });
    found
}

/// Gives each index that a walk shows its new number.
pub(crate) fn renumber(numbers: &BTreeMap<Index, u16>) -> impl FnMut(Kind, &mut u16) + '_ {
    |kind, index| {
        if let Some(number) = numbers.get(&(kind, *index)) {
            *index = *number;
        }
    }
}

/// In a type.
pub(crate) fn of_type(ty: &mut Type, see: &mut See<'_>) {
    match ty {
        Type::Enum(index) => see(Kind::Enum, index),
        Type::Record(index) => see(Kind::Record, index),
        Type::Option(item)
        | Type::List { item, .. }
        | Type::Ring { item, .. }
        | Type::Set { item, .. } => of_type(item, see),
        Type::Map { key, value, .. } => {
            of_type(key, see);
            of_type(value, see);
        }
        Type::Bool
        | Type::Number { .. }
        | Type::Duration(_)
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash => {}
    }
}

fn of_types(types: &mut [Type], see: &mut See<'_>) {
    types.iter_mut().for_each(|ty| of_type(ty, see));
}

/// In the types of parts.
pub(crate) fn of_params(params: &mut [Param], see: &mut See<'_>) {
    params.iter_mut().for_each(|param| of_type(&mut param.ty, see));
}

/// In a function.
pub(crate) fn of_function(function: &mut Function, see: &mut See<'_>) {
    of_params(&mut function.params, see);
    of_type(&mut function.result, see);
    of_types(&mut function.locals, see);
    of_expr(&mut function.value, see);
}

/// In an expression.
pub(crate) fn of_expr(expr: &mut Expr, see: &mut See<'_>) {
    match expr {
        Expr::Variant(index, ..) => see(Kind::Enum, index),
        Expr::Record(index, _) => see(Kind::Record, index),
        Expr::Call(index, _) => see(Kind::Function, index),
        Expr::List(ty, _) | Expr::Map(ty, _) | Expr::None(ty) | Expr::Collect(ty, _) => {
            of_type(ty, see);
        }
        Expr::Value(_)
        | Expr::Some(_)
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
        | Expr::Trust(_)
        | Expr::Neg(_)
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
        | Expr::Clamp(..)
        | Expr::Len(_)
        | Expr::StartsWith(..)
        | Expr::Part(..)
        | Expr::With(..)
        | Expr::Get(..)
        | Expr::First(_)
        | Expr::Last(_)
        | Expr::Has(..)
        | Expr::Each(..)
        | Expr::Fold(..)
        | Expr::Present(_)
        | Expr::Median(_)
        | Expr::Compare(..)
        | Expr::Equal(..)
        | Expr::Within(..)
        | Expr::Is(..)
        | Expr::Not(_)
        | Expr::And(..)
        | Expr::Or(..)
        | Expr::Fit(..)
        | Expr::Unwrap(_)
        | Expr::Else(..)
        | Expr::Refuse(_)
        | Expr::If(..)
        | Expr::Match(..)
        | Expr::Let(..) => {}
    }
    expr.parts_mut().into_iter().for_each(|part| of_expr(part, see));
}

fn of_stmts(stmts: &mut [Stmt], see: &mut See<'_>) {
    for stmt in stmts {
        match stmt {
            Stmt::Let(_, value) | Stmt::Set(_, value) => of_expr(value, see),
            Stmt::Edit(_, path, edit, _) => {
                for step in path {
                    if let Step::At(key) = step {
                        of_expr(key, see);
                    }
                }
                of_edit(edit, see);
            }
            Stmt::Bind(_, edit, _) => of_edit(edit, see),
            Stmt::Emit(_, args) | Stmt::Predict(_, args) => {
                args.iter_mut().for_each(|arg| of_expr(arg, see));
            }
            Stmt::Refuse(_) => {}
            Stmt::If(cond, then, otherwise) => {
                of_expr(cond, see);
                of_stmts(then, see);
                of_stmts(otherwise, see);
            }
            Stmt::Match(subject, arms) => {
                of_expr(subject, see);
                arms.iter_mut().for_each(|(_, body)| of_stmts(body, see));
            }
        }
    }
}

fn of_edit(edit: &mut Edit, see: &mut See<'_>) {
    match edit {
        Edit::Put(value) | Edit::Add(value) | Edit::Remove(value) => of_expr(value, see),
    }
}

/// In all of an object but its types and functions.
///
/// Each field of what may name something is named here, so that one more is not forgotten.
pub(crate) fn of_object(model: &mut Model, see: &mut See<'_>) {
    let Model { schema, policy } = model;
    of_schema(schema, see);
    of_policy(policy, see);
}

fn of_schema(schema: &mut Schema, see: &mut See<'_>) {
    let Schema {
        model: _,
        package: _,
        object: _,
        version: _,
        intent: _,
        types: _,
        roles: _,
        fields,
        functions: _,
        derives,
        inputs,
        messages,
        events,
        capabilities: _,
        cycles: _,
    } = schema;
    for Field { number: _, name: _, ty, default: _, attested: _, change: _, private: _ } in fields {
        of_type(ty, see);
    }
    for Input { number: _, name: _, ty, from: _, fresh: _, private: _ } in inputs {
        of_type(ty, see);
    }
    for Message { number: _, name: _, params, from: _, waits: _, private: _ } in messages {
        of_params(params, see);
    }
    for Event { number: _, name: _, params, via: _, expires: _ } in events {
        of_params(params, see);
    }
    for Derive { name: _, ty, value, locals, private: _ } in derives {
        of_type(ty, see);
        of_types(locals, see);
        of_expr(value, see);
    }
}

fn of_policy(policy: &mut Policy, see: &mut See<'_>) {
    let Policy {
        rules,
        predictions,
        flows: _,
        always,
        limits,
        trust: _,
        hosts: _,
        upgrade: _,
        retain: _,
        dormant,
        ends,
        reasons: _,
        reason_numbers: _,
    } = policy;
    rules.iter_mut().for_each(|rule| of_rule(rule, see));
    for prediction in predictions {
        let Prediction { name: _, span: _, throughout: _, holds, captures, locals, source: _ } =
            prediction;
        of_expr(holds, see);
        of_types(captures, see);
        of_types(locals, see);
    }
    for Always { reason: _, holds, locals } in always {
        of_expr(holds, see);
        of_types(locals, see);
    }
    for Limit { reason: _, rules: _, count: _, per: _, sum } in limits {
        if let Some(Sum { most, locals, highest: _, each: _, of }) = sum {
            of_expr(most, see);
            of_types(locals, see);
            of.iter_mut().for_each(|expr| of_expr(expr, see));
        }
    }
    for Pause { holds, locals } in [dormant, ends].into_iter().flatten() {
        of_expr(holds, see);
        of_types(locals, see);
    }
}

fn of_rule(rule: &mut Rule, see: &mut See<'_>) {
    let Rule { number: _, name: _, on: _, when, needs: _, quorum: _, assured: _, body, locals } =
        rule;
    when.iter_mut().for_each(|when| of_expr(when, see));
    of_stmts(body, see);
    of_types(locals, see);
}
