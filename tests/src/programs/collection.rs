//! Collections: quantifiers, comprehensions, folds, and what is found in them.
//!
//! Invariant: a binder is in scope only where it is bound.
#![expect(clippy::wildcard_enum_match_arm, reason = "questions about a few of many shapes")]

use super::draw::{Draw, fits, same_kind};
use super::number::many;
use super::world::{Named, int};
use aqo_model::types::Type;

impl Draw<'_> {
    /// `v1 in xs`, and what it binds.
    pub fn binder(&mut self) -> Option<(String, Vec<Named>)> {
        let source = self.atom(many)?;
        Some(self.binder_over(&source))
    }

    fn binder_over(&mut self, source: &Named) -> (String, Vec<Named>) {
        let mut bound = Vec::new();
        let two = self.chance.percent(40);
        match &source.ty {
            Type::Map { key, value, .. } => {
                bound.push(Named::new(self.name(), (**key).clone()));
                if two {
                    bound.push(Named::new(self.name(), (**value).clone()));
                }
            }
            ty => {
                let (item, max) = ty.items().map_or((&Type::Bool, 1), |found| found);
                if two {
                    bound.push(Named::new(self.name(), int(0, i64::from(max) - 1)));
                }
                bound.push(Named::new(self.name(), item.clone()));
            }
        }
        let names: Vec<&str> = bound.iter().map(|named| named.name.as_str()).collect();
        (format!("{} in {}", names.join(", "), source.name), bound)
    }

    /// Draws with more names in scope.
    pub fn under<T>(&mut self, bound: Vec<Named>, draw: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.names.len();
        self.names.extend(bound);
        let refuses = std::mem::replace(&mut self.reach.refuses, false);
        let drawn = draw(self);
        self.reach.refuses = refuses;
        self.names.truncate(before);
        drawn
    }

    /// A sum or a fold that comes to such a number.
    pub fn summed(&mut self, ty: &Type, depth: u32) -> Option<String> {
        let (binder, bound) = self.binder()?;
        if self.chance.percent(50) && !matches!(ty, Type::Instant(_)) {
            let little = |found: &Type| {
                same_kind(ty, found) && found.bounds().is_some_and(|b| b.high < 1 << 40)
            };
            let each = self.under(bound, |draw| {
                let atom = draw.atom(little);
                atom.map_or_else(|| draw.literal(&little_of(ty)), |atom| atom.name)
            });
            return Some(format!("sum({binder}: {each})"));
        }
        let kept = little_of(ty);
        let local = Named::new(self.name(), kept.clone());
        let (first, written) = (self.literal(&kept), self.world.write(&kept, self.chance));
        let name = local.name.clone();
        let next =
            self.under(bound, |draw| draw.under(vec![local], |draw| draw.value(&kept, depth)));
        Some(format!("fold({name}: {written} = {first}, {binder}: {next})"))
    }

    /// What is looked up in a collection and may not be there, of this type, or only of its kind.
    pub fn found(&mut self, ty: &Type, exactly: bool, depth: u32) -> Option<String> {
        let alike = |held: &Type| if exactly { held == ty } else { same_kind(ty, held) };
        let holds = |found: &Type| match found {
            Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. } => {
                alike(item)
            }
            Type::Map { value, .. } => alike(value),
            _ => false,
        };
        let source = self.atom(holds)?;
        let name = source.name.clone();
        Some(match (&source.ty, self.chance.below(6)) {
            (Type::Map { key, .. }, _) => format!("{name}[{}]", self.value(key, depth)),
            (_, 0) => format!("{name}.first"),
            (_, 1) => format!("{name}.last"),
            (Type::List { .. } | Type::Ring { .. }, 2) if ty.bounds().is_some() => {
                format!("median({name})")
            }
            (Type::List { .. } | Type::Ring { .. }, 2 | 3) => {
                let place = self.number(&int(i64::MIN, i64::MAX), depth.min(1));
                format!("{name}[{place}]")
            }
            _ => {
                let held = source.ty.items().map_or(ty, |(item, _)| item).clone();
                let item = Named::new(self.name(), held);
                let binder = format!("{} in {name}", item.name);
                let cond = self.under(vec![item], |draw| draw.condition(depth));
                format!("find({binder}: {cond})")
            }
        })
    }

    /// A list, ring, set or map.
    pub fn collection(&mut self, ty: &Type, depth: u32) -> String {
        match self.chance.below(6) {
            0 => match self.atom(|found| fits(ty, found)) {
                Some(atom) => atom.name,
                None => self.literal(ty),
            },
            1 | 2 if matches!(ty, Type::List { .. }) && self.present(ty).is_some() => {
                match self.present(ty) {
                    Some(present) => present,
                    None => self.literal(ty),
                }
            }
            2 => self.listed(ty, depth),
            _ => match self.comprehension(ty, depth) {
                Some(text) => text,
                None => self.listed(ty, depth),
            },
        }
    }

    fn present(&mut self, ty: &Type) -> Option<String> {
        let (item, max) = ty.items()?;
        let options = |found: &Type| match found {
            Type::List { item: held, max: count } | Type::Ring { item: held, max: count } => {
                *count <= max && matches!(&**held, Type::Option(inner) if **inner == *item)
            }
            _ => false,
        };
        self.atom(options).map(|atom| format!("present({})", atom.name))
    }

    fn listed(&mut self, ty: &Type, depth: u32) -> String {
        let depth = depth.min(1);
        if let Type::Map { key, value, max } = ty {
            let count = self.chance.below(u64::from(*max) + 1);
            let pairs: Vec<String> = (0..count)
                .map(|_| format!("{}: {}", self.value(key, depth), self.value(value, depth)))
                .collect();
            return format!("[{}]", pairs.join(", "));
        }
        let Some((item, max)) = ty.items() else { return self.literal(ty) };
        let count = self.chance.below(u64::from(max) + 1);
        let items: Vec<String> = (0..count).map(|_| self.value(item, depth)).collect();
        format!("[{}]", items.join(", "))
    }

    fn comprehension(&mut self, ty: &Type, depth: u32) -> Option<String> {
        let source = self.atom(many)?;
        let room = room(ty);
        let too_many = room < self::room(&source.ty);
        let (binder, bound) = self.binder_over(&source);
        let filter = self.chance.percent(60);
        let (entry, filter) = self.under(bound, |draw| {
            let entry = match ty {
                Type::Map { key, value, .. } => {
                    format!("{}: {}", draw.value(key, depth), draw.value(value, depth))
                }
                ty => ty.items().map_or_else(String::new, |(item, _)| draw.value(item, depth)),
            };
            let filter =
                if filter { format!(" if {}", draw.condition(depth)) } else { String::new() };
            (entry, filter)
        });
        let text = format!("[{entry} for {binder}{filter}]");
        Some(if too_many { format!("({text} else {})", self.answer(ty)) } else { text })
    }
}

/// How many items a collection holds at most.
fn room(ty: &Type) -> u16 {
    match ty {
        Type::Map { max, .. } => *max,
        ty => ty.items().map_or(0, |(_, max)| max),
    }
}

/// A small range of the same kind.
fn little_of(ty: &Type) -> Type {
    match ty {
        Type::Number { scale, unit, .. } => super::world::number(*scale, unit.clone(), -500, 5_000),
        Type::Duration(_) => Type::Duration(aqo_model::types::Bounds { low: 0, high: 90_000_000 }),
        ty => ty.clone(),
    }
}
