//! Where types and expressions name an enum, a record or a function: by index, each time.
//!
//! Invariant: every place at which an index stands is shown exactly once, so that whoever renumbers
//! forgets none. Knows no source and no name.

use aqo_model::Model;
use aqo_model::expr::{Edit, Expr, Step, Stmt};
use aqo_model::policy::Policy;
use aqo_model::schema::{Function, Schema};
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
#[expect(clippy::wildcard_enum_match_arm, reason = "a few of many nodes name something")]
pub(crate) fn of_expr(expr: &mut Expr, see: &mut See<'_>) {
    match expr {
        Expr::Variant(index, ..) => see(Kind::Enum, index),
        Expr::Record(index, _) => see(Kind::Record, index),
        Expr::Call(index, _) => see(Kind::Function, index),
        Expr::List(ty, _) | Expr::Map(ty, _) | Expr::None(ty) | Expr::Collect(ty, _) => {
            of_type(ty, see);
        }
        _ => {}
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
pub(crate) fn of_object(model: &mut Model, see: &mut See<'_>) {
    of_schema(&mut model.schema, see);
    of_policy(&mut model.policy, see);
}

fn of_schema(schema: &mut Schema, see: &mut See<'_>) {
    schema.fields.iter_mut().for_each(|field| of_type(&mut field.ty, see));
    schema.inputs.iter_mut().for_each(|input| of_type(&mut input.ty, see));
    schema.messages.iter_mut().for_each(|message| of_params(&mut message.params, see));
    schema.events.iter_mut().for_each(|event| of_params(&mut event.params, see));
    for derive in &mut schema.derives {
        of_type(&mut derive.ty, see);
        of_types(&mut derive.locals, see);
        of_expr(&mut derive.value, see);
    }
}

fn of_policy(policy: &mut Policy, see: &mut See<'_>) {
    for rule in &mut policy.rules {
        rule.when.iter_mut().for_each(|when| of_expr(when, see));
        of_stmts(&mut rule.body, see);
        of_types(&mut rule.locals, see);
    }
    for prediction in &mut policy.predictions {
        of_expr(&mut prediction.holds, see);
        of_types(&mut prediction.captures, see);
        of_types(&mut prediction.locals, see);
    }
    for clause in &mut policy.always {
        of_expr(&mut clause.holds, see);
        of_types(&mut clause.locals, see);
    }
    for sum in policy.limits.iter_mut().filter_map(|limit| limit.sum.as_mut()) {
        of_expr(&mut sum.most, see);
        of_types(&mut sum.locals, see);
        sum.of.iter_mut().for_each(|expr| of_expr(expr, see));
    }
    for pause in [&mut policy.dormant, &mut policy.ends].into_iter().flatten() {
        of_expr(&mut pause.holds, see);
        of_types(&mut pause.locals, see);
    }
}
