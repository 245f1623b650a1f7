//! Expressions about collections: made, looked into, gone through.
//!
//! A verified tree is taken for granted, as in [`eval`](super::eval).

use super::eval::{Scope, Stop};
use crate::expr::{Collect, Expr, Quantifier};
use crate::types::Type;
use crate::value::Value;

impl Scope<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "`eval` sends only these here")]
    pub(super) fn collection(&mut self, expr: &Expr) -> Result<Value, Stop> {
        match expr {
            Expr::List(ty, items) => gather(ty, self.all(items)?),
            Expr::Map(ty, pairs) => {
                let mut found = Vec::new();
                for (key, value) in pairs {
                    found.push((self.eval(key)?, self.eval(value)?));
                }
                gather_pairs(ty, found)
            }
            Expr::Get(of, key) => {
                let (of, key) = (self.eval(of)?, self.eval(key)?);
                Ok(option(look_up(&of, &key).cloned()))
            }
            Expr::First(of) => Ok(option(items(self.eval(of)?).into_iter().next())),
            Expr::Last(of) => Ok(option(items(self.eval(of)?).pop())),
            Expr::Has(of, item) => {
                let (of, item) = (self.eval(of)?, self.eval(item)?);
                Ok(Value::Bool(match &of {
                    Value::Map(pairs) => pairs.iter().any(|(key, _)| *key == item),
                    _ => items(of).contains(&item),
                }))
            }
            Expr::Each(quantifier, binders, of, ask) => {
                let of = self.eval(of)?;
                self.each(*quantifier, binders, of, ask)
            }
            Expr::Fold(local, first, binders, of, next) => {
                let mut value = self.eval(first)?;
                for item in walk(self.eval(of)?) {
                    self.bind(*local, value);
                    self.bind_item(binders, &item);
                    value = self.eval(next)?;
                }
                Ok(value)
            }
            Expr::Collect(ty, collect) => self.collect(ty, collect),
            Expr::Present(of) => Ok(Value::List(
                (items(self.eval(of)?).into_iter())
                    .filter_map(|item| match item {
                        Value::Some(value) => Some(*value),
                        _ => None,
                    })
                    .collect(),
            )),
            Expr::Median(of) => {
                let mut items = items(self.eval(of)?);
                items.sort();
                let middle = items.len().saturating_sub(1) / 2;
                Ok(option(items.into_iter().nth(middle)))
            }
            other => unreachable!("only collections come here, not {other:?}"),
        }
    }

    fn each(
        &mut self,
        quantifier: Quantifier,
        binders: &[u16],
        of: Value,
        ask: &Expr,
    ) -> Result<Value, Stop> {
        let mut number = 0;
        for item in walk(of) {
            self.bind_item(binders, &item);
            match quantifier {
                Quantifier::Sum => number += self.int(ask)?,
                Quantifier::Any | Quantifier::All | Quantifier::Count | Quantifier::Find => {
                    let holds = self.truth(ask)?;
                    match quantifier {
                        Quantifier::Any if holds => return Ok(Value::Bool(true)),
                        Quantifier::All if !holds => return Ok(Value::Bool(false)),
                        Quantifier::Find if holds => {
                            return Ok(option(Some(item.alone)));
                        }
                        Quantifier::Count => number += i64::from(holds),
                        Quantifier::Any | Quantifier::All | Quantifier::Find | Quantifier::Sum => {}
                    }
                }
            }
        }
        Ok(match quantifier {
            Quantifier::Any => Value::Bool(false),
            Quantifier::All => Value::Bool(true),
            Quantifier::Count | Quantifier::Sum => Value::Int(number),
            Quantifier::Find => Value::None,
        })
    }

    fn collect(&mut self, ty: &Type, collect: &Collect) -> Result<Value, Stop> {
        let source = self.eval(&collect.source)?;
        let (mut values, mut pairs) = (Vec::new(), Vec::new());
        for item in walk(source) {
            self.bind_item(&collect.binders, &item);
            if let Some(cond) = &collect.cond
                && !self.truth(cond)?
            {
                continue;
            }
            match &collect.key {
                Some(key) => pairs.push((self.eval(key)?, self.eval(&collect.value)?)),
                None => values.push(self.eval(&collect.value)?),
            }
        }
        if collect.key.is_some() { gather_pairs(ty, pairs) } else { gather(ty, values) }
    }

    fn bind_item(&mut self, binders: &[u16], item: &Item) {
        match binders {
            [key, value] => {
                self.bind(*key, item.both.0.clone());
                self.bind(*value, item.both.1.clone());
            }
            [alone] => self.bind(*alone, item.alone.clone()),
            _ => unreachable!("verify gives a binder one name or two"),
        }
    }
}

/// What an item binds.
struct Item {
    /// One name: the item, or the key of a map.
    alone: Value,
    /// Two names: the place and the item, or key and value.
    both: (Value, Value),
}

fn walk(of: Value) -> Vec<Item> {
    if let Value::Map(pairs) = of {
        return pairs.into_iter().map(|both| Item { alone: both.0.clone(), both }).collect();
    }
    let places = (0..).map(Value::Int).zip(items(of));
    places.map(|both| Item { alone: both.1.clone(), both }).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn items(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items,
        other => unreachable!("verify gives an operand the kind list or set, not {other:?}"),
    }
}

fn option(value: Option<Value>) -> Value {
    value.map_or(Value::None, |value| Value::Some(Box::new(value)))
}

/// The item at a place, or the value of a key.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn look_up<'v>(of: &'v Value, key: &Value) -> Option<&'v Value> {
    match of {
        Value::Map(pairs) => {
            let found = pairs.binary_search_by(|pair| pair.0.cmp(key)).ok()?;
            Some(&pairs[found].1)
        }
        Value::List(items) => items.get(usize::try_from(key.int()?).ok()?),
        other => unreachable!("verify lets only lists and maps be looked into, not {other:?}"),
    }
}

/// Items as a list, ring or set of this type; fails where they are too many.
fn gather(ty: &Type, mut items: Vec<Value>) -> Result<Value, Stop> {
    let max = usize::from(ty.items().map_or(0, |(_, max)| max));
    if matches!(ty, Type::Set { .. }) {
        items.sort();
        items.dedup();
    } else if matches!(ty, Type::Ring { .. }) {
        items.drain(..items.len().saturating_sub(max));
    }
    if items.len() <= max { Ok(Value::List(items)) } else { Err(Stop::Fails) }
}

/// Pairs as a map of this type, the last value of each key; fails where they are too many.
fn gather_pairs(ty: &Type, pairs: Vec<(Value, Value)>) -> Result<Value, Stop> {
    let map: std::collections::BTreeMap<Value, Value> = pairs.into_iter().collect();
    let max = usize::from(ty.items().map_or(0, |(_, max)| max));
    if map.len() <= max { Ok(Value::Map(map.into_iter().collect())) } else { Err(Stop::Fails) }
}
