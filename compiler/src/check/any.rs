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

/// Whether an argument of this type says which unit `any` is.
pub(crate) fn decides(ty: &Type) -> bool {
    ty.unit().is_some_and(|unit| unit.any_power() == 1 && unit.0.len() == 1)
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
    pub(super) fn call_in_any_unit(
        &mut self,
        index: u16,
        call: &Call,
        at: At,
        want: Option<&Type>,
    ) -> Typed {
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
        let Some(meant) = self.unit_meant(&args, params, name) else { return self.wrong(at) };
        // Bare numbers alone are in the unit of the place that they go to.
        let place = want.filter(|_| decides(&function.result)).and_then(Type::unit);
        let meant = meant.or_else(|| place.cloned()).unwrap_or_default();
        let mut stored = Vec::new();
        for (arg, param) in args.iter().zip(params) {
            let ty = meaning(&param.ty, &meant);
            let value = self.expr(arg, Some(&ty));
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

    /// The unit that the arguments agree on; `None` where they do not, which has been said, and
    /// nothing in it where they have none of their own.
    fn unit_meant(
        &mut self,
        args: &[&tree::Expr],
        params: &[Param],
        of: &str,
    ) -> Option<Option<Unit>> {
        let mut meant: Option<(Unit, At)> = None;
        for (arg, param) in args.iter().zip(params) {
            if !decides(&param.ty) || self.is_bare(arg) {
                continue;
            }
            let Some(found) = self.unit_of(arg) else { continue };
            let Some((first, place)) = &meant else {
                meant = Some((found, arg.at));
                continue;
            };
            if found != *first {
                let (found, first, place) = (show_unit(&found), show_unit(first), *place);
                let message = format!("the arguments of `{of}` are in one unit, whichever that is");
                let first = (self.loc(place), format!("this is in {first}"));
                let problem = self.problem(Code::Units, arg.at, message);
                problem.label = format!("this is in {found}");
                problem.related.push(first);
                return None;
            }
        }
        Some(meant.map(|(unit, _)| unit))
    }

    /// Whether an expression has no unit of its own: a literal takes that of its place.
    fn is_bare(&self, expr: &tree::Expr) -> bool {
        if let ExprKind::Neg(inner) | ExprKind::Paren(inner) = &expr.kind {
            return self.is_bare(inner);
        }
        if let ExprKind::List(entries) = &expr.kind {
            return entries.iter().all(|entry| self.is_bare(&entry.first));
        }
        if let ExprKind::Call(call) = &expr.kind
            && let Some(index) = self.globals.function_named(&call.name.text)
        {
            let function = &self.globals.functions[usize::from(index)];
            let args = in_order(call, &function.params).unwrap_or_default();
            let mut pairs = args.iter().zip(&function.params);
            return decides(&function.result)
                && pairs.all(|(arg, param)| !decides(&param.ty) || self.is_bare(arg));
        }
        matches!(expr.kind, ExprKind::Literal(_))
    }

    /// The unit of an expression, before its place is known. It is looked at and forgotten, once: calls
    /// within calls would look at the innermost for each that is around it.
    fn unit_of(&mut self, expr: &tree::Expr) -> Option<Unit> {
        if let Some(found) = self.units.get(&expr.at.0) {
            return found.clone();
        }
        let (problems, locals) = (self.problems.len(), self.locals.len());
        let (names, facts) = (self.names.len(), self.facts.clone());
        let loose = self.loose.clone();
        let typed = self.expr(self.clamped(expr), None);
        self.problems.truncate(problems);
        self.locals.truncate(locals);
        self.names.truncate(names);
        (self.facts, self.loose) = (facts, loose);
        let found = typed.ty.as_ref().and_then(Type::unit).cloned();
        self.units.insert(expr.at.0, found.clone());
        found
    }

    /// What `clamp(e)` clamps, since that means nothing without a place; else the expression itself.
    fn clamped<'t>(&self, expr: &'t tree::Expr) -> &'t tree::Expr {
        if let ExprKind::Paren(inner) = &expr.kind {
            return self.clamped(inner);
        }
        let ExprKind::Call(call) = &expr.kind else { return expr };
        match (call.name.text.as_str(), &call.args.args[..]) {
            ("clamp", [only]) if self.globals.function_named("clamp").is_none() => {
                self.clamped(&only.value)
            }
            _ => expr,
        }
    }
}
