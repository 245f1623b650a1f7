//! What is asked of collections: items, quantifiers, folds.

use super::{Checker, Meaning, Typed, unbounded};
use crate::codes::Code;
use aqo_grammar::tree::{self, At, Binder, Name};
use aqo_model::expr::{Expr, Quantifier};
use aqo_model::facts::Facts;
use aqo_model::types::{Bounds, Type, Unit};

/// A walk through a collection that has begun: its binders are in scope.
pub(super) struct Walk {
    /// The collection.
    pub(super) source: Expr,
    /// Its type.
    pub(super) ty: Type,
    /// The locals of the binders.
    pub(super) binders: Vec<u16>,
    scope: usize,
    facts: Facts,
}

fn count() -> Type {
    Type::Number { scale: 0, unit: Unit::default(), within: Bounds::ALL }
}

impl Checker<'_> {
    /// Begins a walk; without one where its collection could not be understood.
    pub(super) fn begin_walk(&mut self, binder: &Binder) -> Option<Walk> {
        let source = self.collection(&binder.within)?;
        let ty = source.ty.clone()?;
        let (item, max) = ty.items()?;
        let (first, second) = if let Type::Map { key, value, .. } = &ty {
            ((**key).clone(), (**value).clone())
        } else {
            let within = Bounds { low: 0, high: i64::from(max) - 1 };
            (Type::Number { scale: 0, unit: Unit::default(), within }, item.clone())
        };
        let is_map = matches!(ty, Type::Map { .. });
        let named = match &binder.second {
            None => vec![(&binder.first, if is_map { first } else { second })],
            Some(other) => vec![(&binder.first, first), (other, second)],
        };
        let (scope, facts) = (self.names.len(), self.facts.clone());
        let binders = named.into_iter().map(|(name, ty)| self.bind_item(name, ty)).collect();
        Some(Walk { source: source.expr, ty, binders, scope, facts })
    }

    fn bind_item(&mut self, name: &Name, ty: Type) -> u16 {
        let local = self.local(ty.clone());
        self.name(name, Meaning::Local(local), Some(ty.clone()));
        self.facts.forget(local);
        self.facts.bind(local, ty);
        local
    }

    /// Ends a walk: its binders are gone.
    pub(super) fn end_walk(&mut self, walk: Walk) -> (Expr, Type, Vec<u16>) {
        self.names.truncate(walk.scope);
        self.facts = walk.facts;
        (walk.source, walk.ty, walk.binders)
    }

    /// An expression that is a collection.
    fn collection(&mut self, expr: &tree::Expr) -> Option<Typed> {
        let typed = self.expr(expr, None);
        let ty = typed.ty.clone()?;
        let typed = self.present(typed)?;
        if super::store::held(&ty).items().is_some() {
            return Some(typed);
        }
        let shown = self.shown(&ty);
        let message = format!("a collection was expected, this is {shown}");
        self.problem(Code::Mismatch, expr.at, message).label = format!("this is {shown}");
        None
    }

    /// `any(x in xs: p)` and its kin.
    pub(super) fn quantifier(
        &mut self,
        kind: tree::Quantifier,
        binder: &Binder,
        body: &tree::Expr,
        at: At,
    ) -> Typed {
        let Some(walk) = self.begin_walk(binder) else { return self.wrong(at) };
        let asked = match kind {
            tree::Quantifier::Sum => self.summand(body),
            tree::Quantifier::Any
            | tree::Quantifier::All
            | tree::Quantifier::Count
            | tree::Quantifier::Find => {
                let typed = self.whole_condition(body);
                typed.ty.is_some().then_some(typed)
            }
        };
        let (source, ty, binders) = self.end_walk(walk);
        let Some(asked) = asked else { return self.wrong(at) };
        let (kind, result) = match (kind, ty.items(), &asked.ty) {
            (tree::Quantifier::Any, ..) => (Quantifier::Any, Some(Type::Bool)),
            (tree::Quantifier::All, ..) => (Quantifier::All, Some(Type::Bool)),
            (tree::Quantifier::Count, ..) => (Quantifier::Count, Some(count())),
            (tree::Quantifier::Sum, _, of) => (Quantifier::Sum, of.as_ref().map(unbounded)),
            (tree::Quantifier::Find, Some((item, _)), _) => {
                (Quantifier::Find, self.optional(item, at))
            }
            (tree::Quantifier::Find, None, _) => (Quantifier::Find, None),
        };
        let Some(result) = result else { return self.wrong(at) };
        let expr = Expr::Each(kind, binders, Box::new(source), Box::new(asked.expr));
        let typed = self.typed(expr, result, at);
        self.sound(typed)
    }

    fn summand(&mut self, body: &tree::Expr) -> Option<Typed> {
        let typed = self.expr(body, None);
        typed.ty.as_ref()?;
        let typed = self.present(typed)?;
        if let Some(Type::Number { .. } | Type::Duration(_)) = typed.ty {
            return Some(typed);
        }
        let shown = typed.ty.as_ref().map(|ty| self.shown(ty)).unwrap_or_default();
        let message = format!("a sum is of numbers or durations, this is {shown}");
        self.problem(Code::Mismatch, body.at, message);
        None
    }

    /// `fold(acc: T = e, x in xs: next)`: the accumulator's type holds before and after each item.
    pub(super) fn fold_items(
        &mut self,
        acc: &tree::Param,
        start: &tree::Expr,
        binder: &Binder,
        body: &tree::Expr,
        at: At,
    ) -> Typed {
        let mut problems = Vec::new();
        let ty = crate::types::resolve(self.globals, self.part, &acc.ty, &mut problems);
        self.problems.append(&mut problems);
        let Some(ty) = ty else { return self.wrong(at) };
        let place = format!("`{}`", acc.name.text);
        let start = self.expr(start, Some(&ty));
        let start = start.ty.is_some().then(|| self.store_as(start, &ty, &place)).flatten();
        let Some(walk) = self.begin_walk(binder) else { return self.wrong(at) };
        let local = self.bind_item(&acc.name, ty.clone());
        let next = self.expr(body, Some(&ty));
        let next = next.ty.is_some().then(|| self.store_as(next, &ty, &place)).flatten();
        let (source, _, binders) = self.end_walk(walk);
        let (Some(start), Some(next)) = (start, next) else { return self.wrong(at) };
        let (start, source) = (Box::new(start), Box::new(source));
        let typed = self.typed(Expr::Fold(local, start, binders, source, Box::new(next)), ty, at);
        self.sound(typed)
    }

    /// `xs[i]`, `m[k]`: always an option.
    pub(super) fn index(&mut self, of: &tree::Expr, index: &tree::Expr, at: At) -> Typed {
        let Some(of) = self.collection(of) else { return self.wrong(at) };
        let (wanted, held) = match &of.ty {
            Some(Type::List { item, .. } | Type::Ring { item, .. }) => (count(), (**item).clone()),
            Some(Type::Map { key, value, .. }) => (unbounded(key), (**value).clone()),
            Some(ty) => {
                let shown = self.shown(ty);
                let problem =
                    self.problem(Code::Mismatch, at, format!("{shown} has no places to look up"));
                problem.help = Some("ask whether it is held: `x in xs`".to_owned());
                return self.wrong(at);
            }
            None => return self.wrong(at),
        };
        let index = self.expr(index, Some(&wanted));
        let index = index.ty.is_some().then(|| self.present(index)).flatten();
        let index = index.and_then(|index| self.adapt(index, &wanted));
        let (Some(index), Some(ty)) = (index, self.optional(&held, at)) else {
            return self.wrong(at);
        };
        let typed = self.typed(Expr::Get(Box::new(of.expr), Box::new(index.expr)), ty, at);
        self.sound(typed)
    }

    /// `x in xs`, `k not in m`
    pub(super) fn held_in(
        &mut self,
        value: &tree::Expr,
        negated: bool,
        whole: &tree::Expr,
        at: At,
    ) -> Typed {
        let (value, whole) = if let tree::ExprKind::List(entries) = &whole.kind
            && !entries.is_empty()
        {
            // What is listed takes its type from what is asked for.
            let value = self.expr(value, None);
            let value = value.ty.is_some().then(|| self.present(value)).flatten();
            let Some(value) = value else { return self.wrong(at) };
            let ty = value.ty.as_ref().map(unbounded);
            (value, self.listed_of(entries, ty, whole.at))
        } else {
            let Some(whole) = self.collection(whole) else { return self.wrong(at) };
            let item = whole.ty.as_ref().and_then(Type::items).map(|(item, _)| unbounded(item));
            (self.expr(value, item.as_ref()), whole)
        };
        let item = whole.ty.as_ref().and_then(Type::items).map(|(item, _)| unbounded(item));
        let (Some(item), Some(_)) = (item, &value.ty) else { return self.wrong(at) };
        let Some(value) = self.adapt(value, &item) else { return self.wrong(at) };
        let has = Expr::Has(Box::new(whole.expr), Box::new(value.expr));
        let typed = self.typed(if negated { has.negated() } else { has }, Type::Bool, at);
        self.sound(typed)
    }

    /// `present(xs)`
    pub(super) fn present_of(&mut self, xs: &tree::Expr, at: At) -> Typed {
        let Some(xs) = self.collection(xs) else { return self.wrong(at) };
        let ty = if let Some(Type::List { item, max } | Type::Ring { item, max }) = &xs.ty
            && let Type::Option(item) = &**item
        {
            Some(Type::List { item: item.clone(), max: *max })
        } else {
            None
        };
        match ty {
            Some(ty) => self.typed(Expr::Present(Box::new(xs.expr)), ty, at),
            None => self.not_taken("present", "a list or ring of options", &xs, at),
        }
    }

    /// `median(xs)`: the middle, of two the lower; none of nothing.
    pub(super) fn median_of(&mut self, xs: &tree::Expr, at: At) -> Typed {
        let Some(xs) = self.collection(xs) else { return self.wrong(at) };
        let ty = match &xs.ty {
            Some(Type::List { item, .. } | Type::Ring { item, .. }) if item.bounds().is_some() => {
                Some(Type::Option(item.clone()))
            }
            Some(_) | None => None,
        };
        match ty {
            Some(ty) => self.typed(Expr::Median(Box::new(xs.expr)), ty, at),
            None => self.not_taken("median", "a list or ring of numbers", &xs, at),
        }
    }

    fn not_taken(&mut self, name: &str, wanted: &str, found: &Typed, at: At) -> Typed {
        let shown = found.ty.as_ref().map(|ty| self.shown(ty)).unwrap_or_default();
        let message = format!("`{name}` takes {wanted}, this is {shown}");
        self.problem(Code::Mismatch, found.at, message);
        self.wrong(at)
    }
}
