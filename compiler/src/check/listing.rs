//! Collections that an expression makes: listings and comprehensions.

use super::collection::Walk;
use super::store::held;
use super::{Checker, Typed, unbounded, with_interval};
use crate::codes::Code;
use aqo_grammar::tree::{self, At, Binder, Entry};
use aqo_model::expr::{Collect, Expr};
use aqo_model::facts::Interval;
use aqo_model::limits;
use aqo_model::types::Type;

/// What stands beside each other in brackets, in one type.
struct Items {
    values: Vec<Expr>,
    ty: Type,
}

impl Checker<'_> {
    /// `[a, b]`, `[k: v]`, `[]`
    pub(super) fn listing(&mut self, entries: &[Entry], at: At, want: Option<&Type>) -> Typed {
        let want = want.map(held).filter(|want| want.items().is_some());
        if entries.is_empty() && want.is_none() {
            let problem =
                self.problem(Code::NoItemType, at, "what these brackets may hold is not said");
            problem.label = "of which type?".to_owned();
            problem.help =
                Some("give it a place with a type: `let xs: list<bool, 4> = []`".to_owned());
            return self.wrong(at);
        }
        let keyed = entries.iter().filter(|entry| entry.second.is_some()).count();
        if keyed != 0 && keyed != entries.len() {
            self.problem(Code::Mismatch, at, "some entries have keys, and some have none");
            return self.wrong(at);
        }
        if let Some((_, max)) = want.and_then(Type::items)
            && entries.len() > usize::from(max)
        {
            let count = entries.len();
            let message = format!("{count} items stand here, their place holds {max}");
            self.problem(Code::OutOfRange, at, message);
            return self.wrong(at);
        }
        if entries.len() > limits::ITEMS {
            let message = format!("a collection holds at most {} items", limits::ITEMS);
            self.problem(Code::TooMany, at, message);
            return self.wrong(at);
        }
        let max = entries.len().max(1) as u16;
        let firsts: Vec<&tree::Expr> = entries.iter().map(|entry| &entry.first).collect();
        let seconds: Vec<&tree::Expr> =
            entries.iter().filter_map(|entry| entry.second.as_ref()).collect();
        let typed = if keyed > 0 || (entries.is_empty() && matches!(want, Some(Type::Map { .. }))) {
            self.listed_map(&firsts, &seconds, max, want, at)
        } else {
            self.listed(&firsts, max, want)
        };
        let Some((expr, ty)) = typed else { return self.wrong(at) };
        let typed = self.typed(expr, ty, at);
        self.sound(typed)
    }

    fn listed(
        &mut self,
        values: &[&tree::Expr],
        max: u16,
        want: Option<&Type>,
    ) -> Option<(Expr, Type)> {
        if let Some(
            ty @ (Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. }),
        ) = want
        {
            let what = if matches!(ty, Type::Set { .. }) { "set" } else { "list" };
            let items = self.all_as(values, item, &format!("an item of this {what}"))?;
            return Some((Expr::List(ty.clone(), items), ty.clone()));
        }
        let items = self.items(values, None)?;
        let ty = Type::List { item: Box::new(items.ty), max };
        Some((Expr::List(ty.clone(), items.values), ty))
    }

    /// `[a, b]` of a type, as wide as its items are together.
    pub(super) fn listed_of(&mut self, entries: &[Entry], ty: Option<Type>, at: At) -> Typed {
        if entries.iter().any(|entry| entry.second.is_some()) || entries.len() > limits::ITEMS {
            return self.listing(entries, at, None);
        }
        let max = entries.len().max(1) as u16;
        let values: Vec<&tree::Expr> = entries.iter().map(|entry| &entry.first).collect();
        let Some(items) = self.items(&values, ty) else { return self.wrong(at) };
        let ty = Type::List { item: Box::new(items.ty), max };
        self.typed(Expr::List(ty.clone(), items.values), ty, at)
    }

    fn listed_map(
        &mut self,
        keys: &[&tree::Expr],
        values: &[&tree::Expr],
        max: u16,
        want: Option<&Type>,
        at: At,
    ) -> Option<(Expr, Type)> {
        let (keys, values, ty) = if let Some(ty @ Type::Map { key, value, .. }) = want {
            let keys = self.all_as(keys, key, "a key of this map");
            let values = self.all_as(values, value, "a value of this map");
            (keys?, values?, ty.clone())
        } else {
            let (keys, values) = (self.items(keys, None), self.items(values, None));
            let (keys, values) = (keys?, values?);
            self.is_key(&keys.ty, at)?;
            let (key, value) = (Box::new(keys.ty), Box::new(values.ty));
            (keys.values, values.values, Type::Map { key, value, max })
        };
        Some((Expr::Map(ty.clone(), keys.into_iter().zip(values).collect()), ty))
    }

    fn is_key(&mut self, ty: &Type, at: At) -> Option<()> {
        if ty.is_key(&self.model.schema.types) {
            return Some(());
        }
        let shown = self.shown(ty);
        let message = format!("{shown} has no order, so no map is sorted by it");
        self.problem(Code::BadType, at, message);
        None
    }

    /// Each as a value of a type.
    fn all_as(&mut self, values: &[&tree::Expr], ty: &Type, place: &str) -> Option<Vec<Expr>> {
        let stored: Vec<Option<Expr>> = values
            .iter()
            .map(|value| {
                let typed = self.expr(value, Some(ty));
                typed.ty.as_ref()?;
                self.store_as(typed, ty, place)
            })
            .collect();
        stored.into_iter().collect()
    }

    /// Values of the first one's type, as wide as they are together.
    fn items(&mut self, values: &[&tree::Expr], first: Option<Type>) -> Option<Items> {
        let mut ty = first;
        let mut all: Option<Interval> = None;
        let mut built = Vec::new();
        let mut whole = true;
        for value in values {
            let typed = self.expr(value, ty.as_ref());
            ty = ty.or_else(|| typed.ty.as_ref().map(unbounded));
            let adapted = match (&ty, &typed.ty) {
                (Some(ty), Some(_)) => self.adapt(typed, &ty.clone()),
                _ => None,
            };
            let Some(adapted) = adapted else {
                whole = false;
                continue;
            };
            let found = self.checked(&adapted.expr).ok().and_then(|checked| checked.interval);
            all = match (all, found) {
                (Some(all), Some(found)) => Some(all.join(found)),
                (one, other) => one.or(other),
            };
            built.push(adapted.expr);
        }
        let ty = ty.filter(|_| whole)?;
        Some(Items { values: built, ty: widest(with_interval(ty, all), all) })
    }

    /// `[e for x in xs if p]`, `[k: v for k, v in m if p]`
    pub(super) fn comprehension(
        &mut self,
        entry: &Entry,
        binder: &Binder,
        filter: Option<&tree::Expr>,
        at: At,
        want: Option<&Type>,
    ) -> Typed {
        let want = want.map(held).filter(|want| want.items().is_some());
        let Some(walk) = self.begin_walk(binder) else { return self.wrong(at) };
        let made = self.each_made(&walk, entry, filter, want, at);
        let (source, found, binders) = self.end_walk(walk);
        let (Some((cond, key, value, ty)), Some((_, most))) = (made, found.items()) else {
            return self.wrong(at);
        };
        let max = ty.items().map_or(0, |(_, max)| max);
        if most > max && !matches!(ty, Type::Ring { .. }) && self.answered == 0 {
            let message = format!("this may hold {most} items, its place holds {max}");
            let problem = self.problem(Code::OutOfRange, at, message);
            problem.help = Some("say what happens where it is too many: `… else`".to_owned());
            return self.wrong(at);
        }
        let collect = Collect { binders, source, cond, key, value };
        let typed = self.typed(Expr::Collect(ty.clone(), Box::new(collect)), ty, at);
        self.sound(typed)
    }

    /// What becomes of each item: whether it is taken, its key, its value, the type of all.
    fn each_made(
        &mut self,
        walk: &Walk,
        entry: &Entry,
        filter: Option<&tree::Expr>,
        want: Option<&Type>,
        at: At,
    ) -> Option<(Option<Expr>, Option<Expr>, Expr, Type)> {
        let cond = match filter {
            Some(filter) => {
                let (cond, _) = self.guard(filter)?;
                self.learn(&cond, true);
                Some(cond)
            }
            None => None,
        };
        let max = walk.ty.items().map_or(1, |(_, max)| max);
        let Some(second) = &entry.second else {
            let (value, ty) = match want {
                Some(
                    ty @ (Type::List { item, .. }
                    | Type::Ring { item, .. }
                    | Type::Set { item, .. }),
                ) => {
                    let value =
                        self.all_as(&[&entry.first], item, "an item of this list")?.pop()?;
                    (value, ty.clone())
                }
                Some(_) | None => {
                    let items = self.items(&[&entry.first], None)?;
                    let ty = Type::List { item: Box::new(items.ty), max };
                    (items.values.into_iter().next()?, ty)
                }
            };
            return Some((cond, None, value, ty));
        };
        let (key, value, ty) = if let Some(ty @ Type::Map { key, value, .. }) = want {
            let found = self.all_as(&[&entry.first], key, "a key of this map");
            let held = self.all_as(&[second], value, "a value of this map");
            (found?.pop()?, held?.pop()?, ty.clone())
        } else {
            let (keys, values) = (self.items(&[&entry.first], None), self.items(&[second], None));
            let (keys, values) = (keys?, values?);
            self.is_key(&keys.ty, at)?;
            let ty = Type::Map { key: Box::new(keys.ty), value: Box::new(values.ty), max };
            (keys.values.into_iter().next()?, values.values.into_iter().next()?, ty)
        };
        Some((cond, Some(key), value, ty))
    }
}

/// A text or bytes as long as the longest of them.
fn widest(ty: Type, lengths: Option<Interval>) -> Type {
    let longest = lengths.and_then(|lengths| u16::try_from(lengths.high.max(1)).ok());
    match (ty, longest) {
        (Type::Text { .. }, Some(max)) => Type::Text { max },
        (Type::Bytes { .. }, Some(max)) => Type::Bytes { max },
        (ty, _) => ty,
    }
}
