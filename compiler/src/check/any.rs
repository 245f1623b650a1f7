//! Calls of a function that is written for numbers of any unit: which unit its caller means.
//!
//! Invariant: `any` is one unit throughout a call, and what the call gives bears it. In the function
//! itself it is a unit like any other, which nothing else has. Knows no unit's meaning.

use super::store::show_unit;
use super::{Checker, Typed};
use crate::codes::Code;
use crate::types::product;
use aqo_grammar::tree::{self, At, Call, ExprKind};
use aqo_model::expr::Expr;
use aqo_model::types::{Param, Type, Unit};

/// The unit of the numbers that a type is or holds.
fn unit(ty: &Type) -> Option<&Unit> {
    match ty {
        Type::Number { unit, .. } => Some(unit),
        Type::Option(item)
        | Type::List { item, .. }
        | Type::Ring { item, .. }
        | Type::Set { item, .. }
        | Type::Map { value: item, .. } => unit(item),
        Type::Bool
        | Type::Duration(_)
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Key
        | Type::Hash
        | Type::Bytes { .. }
        | Type::Enum(_)
        | Type::Record(_) => None,
    }
}

/// Whether `any` stands in a type.
pub(crate) fn says(ty: &Type) -> bool {
    unit(ty).is_some_and(|unit| unit.any_power() != 0)
        || matches!(ty, Type::Map { key, .. } if says(key))
}

/// Whether an argument of this type says which unit `any` is.
pub(crate) fn decides(ty: &Type) -> bool {
    unit(ty).is_some_and(|unit| unit.any_power() == 1 && unit.0.len() == 1)
}

/// A type with a unit in the place of `any`.
fn meaning(ty: &Type, meant: &Unit) -> Type {
    let inside = |item: &Type| Box::new(meaning(item, meant));
    match ty {
        Type::Number { scale, unit, within } => {
            let others = unit.0.iter().filter(|(name, _)| name != Unit::ANY).cloned().collect();
            let unit = product(&Unit(others), meant, unit.any_power());
            Type::Number { scale: *scale, unit, within: *within }
        }
        Type::Option(item) => Type::Option(inside(item)),
        Type::List { item, max } => Type::List { item: inside(item), max: *max },
        Type::Ring { item, max } => Type::Ring { item: inside(item), max: *max },
        Type::Set { item, max } => Type::Set { item: inside(item), max: *max },
        Type::Map { key, value, max } => {
            Type::Map { key: inside(key), value: inside(value), max: *max }
        }
        Type::Bool
        | Type::Duration(_)
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Key
        | Type::Hash
        | Type::Bytes { .. }
        | Type::Enum(_)
        | Type::Record(_) => ty.clone(),
    }
}

/// Whether an expression has no unit of its own: a literal takes that of its place.
fn is_bare(expr: &tree::Expr) -> bool {
    if let ExprKind::Neg(inner) | ExprKind::Paren(inner) = &expr.kind {
        return is_bare(inner);
    }
    if let ExprKind::List(entries) = &expr.kind {
        return entries.iter().all(|entry| is_bare(&entry.first));
    }
    matches!(expr.kind, ExprKind::Literal(_))
}

/// The arguments in the order of the parameters, where there is one for each.
fn in_order<'t>(call: &'t Call, params: &[Param]) -> Option<Vec<&'t tree::Expr>> {
    let args = &call.args.args;
    if args.len() != params.len() {
        return None;
    }
    if args.iter().all(|arg| arg.label.is_none()) {
        return Some(args.iter().map(|arg| &arg.value).collect());
    }
    let named = |param: &Param| {
        let is_it = |arg: &&tree::Arg| arg.label.as_ref().is_some_and(|l| l.text == param.name);
        args.iter().find(is_it).map(|arg| &arg.value)
    };
    params.iter().map(named).collect()
}

impl Checker<'_> {
    /// A call of a function whose parameters have `any` in the place of a unit.
    pub(super) fn call_in_any_unit(&mut self, index: u16, call: &Call, at: At) -> Typed {
        let function = &self.globals.functions[usize::from(index)];
        let (name, params) = (&call.name.text, &function.params);
        let Some(args) = in_order(call, params) else {
            let before = self.problems.len();
            let bare = call.args.args.iter().all(|arg| arg.label.is_none());
            match bare {
                true => drop(self.in_order(&call.args, params, name)),
                false => drop(self.arguments(&call.args, params, name)),
            }
            // Which unit is meant is not known yet, so nothing is said of units.
            let said = self.problems.split_off(before);
            self.problems.extend(said.into_iter().filter(|p| p.code == Code::Arguments));
            return self.wrong(at);
        };
        let Some((meant, mut found)) = self.unit_meant(&args, params, name) else {
            return self.wrong(at);
        };
        let mut stored = Vec::new();
        for ((arg, param), found) in args.iter().zip(params).zip(&mut found) {
            let ty = meaning(&param.ty, &meant);
            let value = found.take().unwrap_or_else(|| self.expr(arg, Some(&ty)));
            let place = format!("`{}` of `{name}`", param.name);
            stored.push(value.ty.is_some().then(|| self.store_as(value, &ty, &place)).flatten());
        }
        let result = meaning(&function.result, &meant);
        match stored.into_iter().collect() {
            Some(args) => {
                let typed = self.typed(Expr::Call(index, args), result, at);
                self.sound(typed)
            }
            None => self.wrong(at),
        }
    }

    /// The unit that the arguments agree on, and those of them that were looked at for it.
    fn unit_meant(
        &mut self,
        args: &[&tree::Expr],
        params: &[Param],
        of: &str,
    ) -> Option<(Unit, Vec<Option<Typed>>)> {
        let mut meant: Option<(Unit, At)> = None;
        let mut all = Vec::new();
        let mut agree = true;
        for (arg, param) in args.iter().zip(params) {
            if !decides(&param.ty) || is_bare(arg) {
                all.push(None);
                continue;
            }
            let value = self.expr(arg, None);
            agree &= value.ty.is_some();
            match (value.ty.as_ref().and_then(unit), &meant) {
                (Some(found), None) => meant = Some((found.clone(), value.at)),
                (Some(found), Some((first, place))) if found != first => {
                    let (found, first, place) = (show_unit(found), show_unit(first), *place);
                    let message =
                        format!("the arguments of `{of}` are in one unit, whichever that is");
                    let first = (self.loc(place), format!("this is in {first}"));
                    let problem = self.problem(Code::Units, value.at, message);
                    problem.label = format!("this is in {found}");
                    problem.related.push(first);
                    agree = false;
                }
                (Some(_), Some(_)) | (None, _) => {}
            }
            all.push(Some(value));
        }
        agree.then(|| (meant.map_or_else(Unit::default, |(unit, _)| unit), all))
    }
}
