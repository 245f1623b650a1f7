//! Conditions, and guards that bind what they ask for.
//!
//! Invariant: a guard's binders are bound wherever the guard is true.
#![expect(clippy::wildcard_enum_match_arm, reason = "questions about a few of many shapes")]

use super::draw::{Draw, same_kind};
use super::number::many;
use super::types::amount;
use super::world::Named;
use aqo_model::types::Type;

impl Draw<'_> {
    /// A condition that may bind names where it holds.
    pub fn guard(&mut self, depth: u32) -> (String, Vec<Named>) {
        if !self.chance.percent(35) {
            return (self.condition(depth), Vec::new());
        }
        let Some(subject) = self.atom(|ty| matches!(ty, Type::Option(_) | Type::Enum(_))) else {
            return (self.condition(depth), Vec::new());
        };
        let (pattern, bound) = self.pattern(&subject.ty);
        let test = format!("{} is {pattern}", subject.name);
        if !self.chance.percent(60) {
            return (test, bound);
        }
        let before = self.names.len();
        self.names.extend(bound.clone());
        let more = self.condition(depth);
        self.names.truncate(before);
        (format!("{test} and {more}"), bound)
    }

    /// A pattern, and what it binds.
    fn pattern(&mut self, ty: &Type) -> (String, Vec<Named>) {
        match ty {
            Type::Option(inner) => match self.chance.below(5) {
                0 => ("none".to_owned(), Vec::new()),
                1 => ("some".to_owned(), Vec::new()),
                _ => {
                    let name = self.name();
                    (format!("some({name})"), vec![Named::new(name, (**inner).clone())])
                }
            },
            Type::Enum(index) => {
                let of = &self.world.types.enums[usize::from(*index)];
                let variant = self.chance.pick(&of.variants).clone();
                if self.chance.percent(30) {
                    let other = self.chance.pick(&of.variants).clone();
                    if other.name != variant.name {
                        return (format!("{} | {}", variant.name, other.name), Vec::new());
                    }
                }
                if variant.params.is_empty() || self.chance.percent(30) {
                    return (variant.name, Vec::new());
                }
                let bound: Vec<Named> = (variant.params.iter())
                    .map(|param| Named::new(self.name(), param.ty.clone()))
                    .collect();
                let names: Vec<&str> = bound.iter().map(|named| named.name.as_str()).collect();
                (format!("{}({})", variant.name, names.join(", ")), bound)
            }
            _ => ("some".to_owned(), Vec::new()),
        }
    }

    /// Something true or false, ready to stand beside another.
    pub fn condition(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.atom(|ty| *ty == Type::Bool) {
                Some(atom) if self.chance.percent(50) => atom.name,
                _ => self.comparison(0),
            };
        }
        let depth = depth - 1;
        match self.chance.below(14) {
            0 => format!("(not {})", self.condition(depth)),
            1 => format!("({} and {})", self.condition(depth), self.condition(depth)),
            2 => format!("({} or {})", self.condition(depth), self.condition(depth)),
            3 => {
                let (left, bound) = self.guard(depth);
                let before = self.names.len();
                self.names.extend(bound);
                let right = self.condition(depth);
                self.names.truncate(before);
                let word = *self.chance.pick(&["implies", "and"]);
                let left = if left.contains(" and ") && word == "implies" {
                    return format!("({left})");
                } else {
                    left
                };
                format!("({left} {word} {right})")
            }
            4 => self.starts(),
            5 => match self.binder() {
                Some((binder, bound)) => {
                    let word = *self.chance.pick(&["any", "all"]);
                    let cond = self.under(bound, |draw| draw.condition(depth));
                    format!("{word}({binder}: {cond})")
                }
                None => self.comparison(depth),
            },
            6 => self.membership(depth),
            7 => self.shaped(),
            8 => match self.call(|ty| *ty == Type::Bool, depth) {
                Some(call) => call,
                None => self.comparison(depth),
            },
            9 => self.equality(depth),
            _ => self.comparison(depth),
        }
    }

    fn shaped(&mut self) -> String {
        match self.atom(|ty| matches!(ty, Type::Option(_) | Type::Enum(_))) {
            Some(atom) => {
                let (pattern, bound) = self.pattern(&atom.ty);
                // What it binds is not used: a pattern under `or` may not bind.
                match bound.is_empty() {
                    true => format!("({} is {pattern})", atom.name),
                    false => format!("({} == {})", atom.name, self.literal(&atom.ty)),
                }
            }
            None => self.comparison(0),
        }
    }

    fn starts(&mut self) -> String {
        let text = |ty: &Type| matches!(ty, Type::Text { .. });
        match (self.atom(text), self.atom(text)) {
            (Some(a), Some(b)) if self.chance.percent(50) => {
                format!("starts_with({}, {})", a.name, b.name)
            }
            (Some(a), _) => format!("starts_with({}, {})", a.name, self.literal(&a.ty)),
            _ => self.comparison(0),
        }
    }

    fn membership(&mut self, depth: u32) -> String {
        let word = *self.chance.pick(&["in", "not in"]);
        if self.chance.percent(50)
            && let Some(source) = self.atom(many)
        {
            let item = match &source.ty {
                Type::Map { key, .. } => (**key).clone(),
                ty => ty.items().map_or(Type::Bool, |(item, _)| item.clone()),
            };
            // A value that stands alone has no wanted type: something with a name has its own.
            return match self.atom(|ty| *ty == item) {
                Some(atom) => format!("({} {word} {})", atom.name, source.name),
                None => format!("({}.len > 1)", source.name),
            };
        }
        let number = |ty: &Type| matches!(ty, Type::Number { .. } | Type::Duration(_));
        let Some(atom) = self.atom(number) else { return self.comparison(depth) };
        let low = self.chance.between(-50, 50);
        let high = low.saturating_add(self.chance.between(0, 5_000));
        let (low, high) = (amount(&atom.ty, low), amount(&atom.ty, high));
        format!("({} {word} {low} ..= {high})", atom.name)
    }

    /// `a == b` of any type.
    fn equality(&mut self, depth: u32) -> String {
        let word = *self.chance.pick(&["==", "!="]);
        let Some(atom) = self.atom(|_| true) else { return "true".to_owned() };
        if self.chance.percent(40)
            && let Some(other) = self.atom(|ty| same_kind(ty, &atom.ty))
        {
            return format!("({} {word} {})", atom.name, other.name);
        }
        let refuses = std::mem::replace(&mut self.reach.refuses, false);
        let value = match atom.ty.bounds() {
            Some(_) => self.number(&super::world::wide(&atom.ty), depth),
            None => self.literal(&atom.ty),
        };
        self.reach.refuses = refuses;
        format!("({} {word} {value})", atom.name)
    }

    fn comparison(&mut self, depth: u32) -> String {
        let Some(atom) = self.atom(|ty| ty.bounds().is_some()) else {
            return self.chance.percent(50).to_string();
        };
        let wide = super::world::wide(&atom.ty);
        let word = *self.chance.pick(&["<", "<=", ">", ">=", "==", "!="]);
        let (mut left, mut right) = (atom.name, self.number(&wide, depth));
        if self.chance.percent(30) {
            std::mem::swap(&mut left, &mut right);
        }
        format!("({left} {word} {right})")
    }
}
