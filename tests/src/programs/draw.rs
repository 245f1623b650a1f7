//! Expressions by type: what a place of a type takes, and what can be read there.
//!
//! Invariant: a drawn value is of the kind of its place; that it lies in the place's range is said by
//! `clamp`, `else` or a constant, or follows from types.
#![expect(clippy::wildcard_enum_match_arm, reason = "questions about a few of many shapes")]

use super::types::amount;
use super::world::{Named, World, wide};
use crate::chance::Chance;
use aqo_model::slope;
use aqo_model::types::{Bounds, Param, Type, Unit};
use std::collections::BTreeSet;

/// What may be read where an expression stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach {
    /// Fields, derives and `born`.
    pub fields: bool,
    /// Time, trust, roles.
    pub moving: bool,
    /// Inputs.
    pub inputs: bool,
    /// `due` and `missed`.
    pub tick: bool,
    /// `sender`
    pub sender: bool,
    /// `.left` of limits.
    pub limits: bool,
    /// Whether `else refuse` may stand here.
    pub refuses: bool,
}

/// Draws expressions for one part of a program.
pub struct Draw<'w> {
    /// What is declared.
    pub world: &'w World,
    /// What decides.
    pub chance: &'w mut Chance,
    /// Parameters, lets and binders in scope.
    pub names: Vec<Named>,
    /// What may be read.
    pub reach: Reach,
    /// Fields that may not be read here.
    pub hidden: BTreeSet<String>,
    /// How many names were made.
    pub fresh: u32,
}

/// The head of an arm, and what it binds.
pub type Arm = (String, Vec<Named>);

/// The author's reasons.
pub const REASONS: [&str; 4] = ["worn_out", "no_room", "too_much", "not_now"];

impl<'w> Draw<'w> {
    /// Draws where this may be read.
    pub fn new(world: &'w World, chance: &'w mut Chance, reach: Reach) -> Self {
        Draw { world, chance, names: Vec::new(), reach, hidden: BTreeSet::new(), fresh: 0 }
    }

    /// A name that nothing else has in this part.
    pub fn name(&mut self) -> String {
        self.fresh += 1;
        format!("v{}", self.fresh)
    }

    /// Everything that can be read here by its name.
    pub fn atoms(&self) -> Vec<Named> {
        let (world, reach) = (self.world, self.reach);
        let mut atoms = self.names.clone();
        atoms.extend(self.names.iter().cloned());
        atoms.extend(world.consts.iter().cloned());
        if reach.fields {
            let fields = world.fields.iter().map(|field| field.named.clone());
            atoms.extend(fields.filter(|field| !self.hidden.contains(&field.name)));
            atoms.push(Named::new("born", Type::Instant(Bounds::INSTANT)));
            if self.hidden.is_empty() {
                let derives = world.derives.iter().filter(|d| reach.moving || !d.moving);
                atoms.extend(derives.map(|derive| derive.named.clone()));
            }
        }
        if reach.moving {
            atoms.push(Named::new("now", Type::Instant(Bounds::INSTANT)));
            if world.trust {
                let within = Bounds { low: -4_000_000, high: 4_000_000 };
                let trust = Type::Number { scale: 6, unit: Unit::default(), within };
                atoms.push(Named::new("trust", trust));
                let within = Bounds { low: -slope::MOST, high: slope::MOST };
                let slope = Type::Number { scale: 6, unit: Unit::default(), within };
                atoms.push(Named::new("slope", slope.clone()));
                atoms.push(Named::new("slope_long", slope));
            }
            atoms.extend(world.roles.iter().map(|role| {
                let ty = match role.max {
                    None => Type::Key,
                    Some(max) => Type::Set { item: Box::new(Type::Key), max },
                };
                Named::new(role.name.clone(), ty)
            }));
        }
        if reach.inputs {
            atoms.extend(world.inputs.iter().cloned());
        }
        if reach.tick {
            atoms.push(Named::new("due", Type::Instant(Bounds::INSTANT)));
            atoms.push(Named::new("missed", super::world::int(0, i64::MAX)));
        }
        if reach.sender {
            atoms.push(Named::new("sender", Type::Key));
        }
        if reach.limits {
            atoms.extend(world.limits.iter().cloned());
        }
        self.with_parts(&mut atoms);
        atoms
    }

    /// Adds the parts of records.
    fn with_parts(&self, atoms: &mut Vec<Named>) {
        for at in 0..atoms.len() {
            let Type::Record(index) = atoms[at].ty else { continue };
            for part in &self.world.types.records[usize::from(index)].fields {
                let name = format!("{}.{}", atoms[at].name, part.name);
                atoms.push(Named::new(name, part.ty.clone()));
            }
        }
    }

    /// One of what can be read and is so.
    pub fn atom(&mut self, is: impl Fn(&Type) -> bool) -> Option<Named> {
        let mut atoms = self.atoms();
        atoms.retain(|atom| is(&atom.ty));
        (!atoms.is_empty()).then(|| self.chance.pick(&atoms).clone())
    }

    /// A constant.
    pub fn literal(&mut self, ty: &Type) -> String {
        self.world.literal(ty, self.chance)
    }

    /// What an `else` answers with.
    pub fn answer(&mut self, ty: &Type) -> String {
        if self.reach.refuses && self.chance.percent(40) {
            format!("refuse {}", self.chance.pick(&REASONS))
        } else {
            self.literal(ty)
        }
    }

    /// What a place of this type takes.
    pub fn value(&mut self, ty: &Type, depth: u32) -> String {
        if depth == 0 || self.chance.percent(12) {
            if self.chance.percent(70)
                && let Some(atom) = self.atom(|found| fits(ty, found))
            {
                return atom.name;
            }
            return self.literal(ty);
        }
        let depth = depth - 1;
        match self.chance.below(14) {
            0 => self.choice(ty, depth),
            1 => self.matched(ty, depth),
            2 => match self.call(|found| fits(ty, found), depth) {
                Some(call) => call,
                None => self.made(ty, depth),
            },
            3 => match self.partial(ty, depth) {
                Some(partial) => format!("({partial} else {})", self.answer(ty)),
                None => self.made(ty, depth),
            },
            _ => self.made(ty, depth),
        }
    }

    /// Something that may be absent, of what holds this type.
    fn partial(&mut self, ty: &Type, depth: u32) -> Option<String> {
        let option = |found: &Type| matches!(found, Type::Option(inner) if same_kind(ty, inner));
        if let Type::Option(_) = ty {
            return None;
        }
        if self.chance.percent(50) {
            return self.atom(option).map(|atom| atom.name);
        }
        self.found(ty, ty.bounds().is_none(), depth)
    }

    /// `if c { a } else { b }`, with lets now and then.
    fn choice(&mut self, ty: &Type, depth: u32) -> String {
        let before = self.names.len();
        let (cond, bound) = self.guard(depth);
        self.names.extend(bound);
        let then = self.body(ty, depth);
        self.names.truncate(before);
        let other = self.body(ty, depth);
        format!("if {cond} {then} else {other}")
    }

    fn body(&mut self, ty: &Type, depth: u32) -> String {
        if !self.chance.percent(25) {
            return format!("{{ {} }}", self.value(ty, depth));
        }
        let before = self.names.len();
        let bound = self.world.scalar(self.chance);
        let (name, value) = (self.name(), self.value(&bound, depth));
        let written = self.world.write(&bound, self.chance);
        self.names.push(Named::new(name.clone(), bound));
        let give = self.value(ty, depth);
        self.names.truncate(before);
        format!("{{ let {name}: {written} = {value} give {give} }}")
    }

    /// `match e { … }`
    fn matched(&mut self, ty: &Type, depth: u32) -> String {
        let Some((subject, arms)) = self.arms() else { return self.made(ty, depth) };
        let mut text = format!("match {subject} {{ ");
        for (head, bound) in arms {
            let before = self.names.len();
            self.names.extend(bound);
            let value = self.value(ty, depth);
            self.names.truncate(before);
            text.push_str(&format!("{head} => {value}, "));
        }
        format!("{text}}}")
    }

    /// Something to match, and heads that cover it, with what they bind.
    pub fn arms(&mut self) -> Option<(String, Vec<Arm>)> {
        let subject = self.atom(|ty| matches!(ty, Type::Option(_) | Type::Enum(_)))?;
        let mut arms = Vec::new();
        match &subject.ty {
            Type::Option(inner) => {
                let name = self.name();
                let bound = Named::new(name.clone(), (**inner).clone());
                arms.push((format!("some({name})"), vec![bound]));
                let last = *self.chance.pick(&["none", "else"]);
                arms.push((last.to_owned(), Vec::new()));
            }
            Type::Enum(index) => {
                let variants = self.world.types.enums[usize::from(*index)].variants.clone();
                let count = variants.len();
                for (at, variant) in variants.iter().enumerate() {
                    if at + 2 == count && self.chance.percent(30) {
                        let last = &variants[count - 1].name;
                        arms.push((format!("{} | {last}", variant.name), Vec::new()));
                        break;
                    }
                    if at + 1 == count && count > 1 && self.chance.percent(30) {
                        arms.push(("else".to_owned(), Vec::new()));
                        break;
                    }
                    arms.push(self.head(&variant.name, &variant.params));
                }
            }
            _ => return None,
        }
        Some((subject.name, arms))
    }

    fn head(&mut self, variant: &str, params: &[Param]) -> (String, Vec<Named>) {
        if params.is_empty() || self.chance.percent(30) {
            return (variant.to_owned(), Vec::new());
        }
        let bound: Vec<Named> =
            params.iter().map(|param| Named::new(self.name(), param.ty.clone())).collect();
        let names: Vec<&str> = bound.iter().map(|named| named.name.as_str()).collect();
        (format!("{variant}({})", names.join(", ")), bound)
    }

    /// A call of a function that gives such a value.
    pub fn call(&mut self, is: impl Fn(&Type) -> bool, depth: u32) -> Option<String> {
        let functions = self.world.functions.iter();
        let known: Vec<_> = functions.filter(|f| f.result.as_ref().is_some_and(&is)).collect();
        if known.is_empty() {
            return None;
        }
        let function = (*self.chance.pick(&known)).clone();
        let named = self.chance.percent(50);
        let args: Vec<String> = (function.params.iter())
            .map(|param| {
                let value = self.value(&param.ty, depth);
                if named { format!("{}: {value}", param.name) } else { value }
            })
            .collect();
        Some(format!("{}({})", function.name, args.join(", ")))
    }

    /// Named arguments.
    pub fn arguments(&mut self, params: &[Param], depth: u32) -> String {
        let mut args: Vec<String> = params
            .iter()
            .map(|param| format!("{}: {}", param.name, self.value(&param.ty, depth)))
            .collect();
        if self.chance.percent(30) {
            args.reverse();
        }
        format!("({})", args.join(", "))
    }

    /// A value made of others, by its type.
    fn made(&mut self, ty: &Type, depth: u32) -> String {
        match ty {
            Type::Bool => self.condition(depth),
            Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => self.stored(ty, depth),
            Type::Text { .. } | Type::Bytes { .. } | Type::Key | Type::Hash => {
                match self.atom(|found| fits(ty, found)) {
                    Some(atom) => atom.name,
                    None => self.literal(ty),
                }
            }
            Type::Enum(index) => self.variant(*index, depth),
            Type::Record(index) => {
                let of = self.world.types.records[usize::from(*index)].clone();
                if self.chance.percent(40)
                    && let Some(atom) = self.atom(|found| found == ty)
                {
                    let part = self.chance.pick(&of.fields).clone();
                    return format!("{} with {}", atom.name, self.arguments(&[part], depth));
                }
                format!("{}{}", of.name, self.arguments(&of.fields, depth))
            }
            Type::Option(inner) => match self.chance.below(4) {
                0 => "none".to_owned(),
                1 => match self.found(inner, true, depth) {
                    Some(found) => found,
                    None => self.value(inner, depth),
                },
                _ => self.value(inner, depth),
            },
            Type::List { .. } | Type::Ring { .. } | Type::Set { .. } | Type::Map { .. } => {
                self.collection(ty, depth)
            }
        }
    }

    fn variant(&mut self, index: u16, depth: u32) -> String {
        let of = self.world.types.enums[usize::from(index)].clone();
        let variant = self.chance.pick(&of.variants).clone();
        let parts = match variant.params.is_empty() {
            true => String::new(),
            false => self.arguments(&variant.params, depth),
        };
        let owner = if self.chance.percent(40) { format!("{}.", of.name) } else { String::new() };
        format!("{owner}{}{parts}", variant.name)
    }

    /// A number, duration or instant kept in the range of its place.
    fn stored(&mut self, ty: &Type, depth: u32) -> String {
        let wide = wide(ty);
        let bounds = ty.bounds().unwrap_or(Bounds::ALL);
        let ends = (amount(ty, bounds.low), amount(ty, bounds.high));
        match self.chance.below(10) {
            0..=3 => format!("clamp({})", self.number(&wide, depth)),
            4 if matches!(ty, Type::Number { .. } | Type::Duration(_)) => {
                format!("clamp({})", self.rounded(ty, depth))
            }
            5..=7 => {
                let answer = self.answer(ty);
                format!("({} else {answer})", self.number(&wide, depth))
            }
            8 => format!("clamp({}, {}, {})", self.number(&wide, depth), ends.0, ends.1),
            _ => {
                let (a, b) = (self.number(&wide, depth), self.number(&wide, depth));
                format!("max({}, min(median({a}, {b}, {}), {}))", ends.0, ends.0, ends.1)
            }
        }
    }
}

/// Whether every value of one type fits a place of the other.
pub fn fits(place: &Type, found: &Type) -> bool {
    let within = match (place.bounds(), found.bounds()) {
        (Some(place), Some(found)) => place.low <= found.low && found.high <= place.high,
        _ => true,
    };
    within && same_kind(place, found) && (place.bounds().is_some() || takes_all(place, found))
}

/// Whether a place takes every value of a type that is no number.
fn takes_all(place: &Type, found: &Type) -> bool {
    match (place, found) {
        (Type::List { max, item }, Type::List { max: found, item: inner })
        | (Type::Set { max, item }, Type::Set { max: found, item: inner })
        | (Type::Ring { max, item }, Type::Ring { max: found, item: inner }) => {
            found <= max && item == inner
        }
        (Type::Text { max }, Type::Text { max: found })
        | (Type::Bytes { max }, Type::Bytes { max: found }) => found <= max,
        _ => place == found,
    }
}

/// Whether two types are one but for bounds and room.
pub fn same_kind(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Number { scale, unit, .. }, Type::Number { scale: other, unit: units, .. }) => {
            scale == other && unit == units
        }
        (Type::Duration(_), Type::Duration(_))
        | (Type::Instant(_), Type::Instant(_))
        | (Type::Text { .. }, Type::Text { .. })
        | (Type::Bytes { .. }, Type::Bytes { .. }) => true,
        (Type::List { .. }, Type::List { .. })
        | (Type::Ring { .. }, Type::Ring { .. })
        | (Type::Set { .. }, Type::Set { .. }) => takes_all(a, b) || takes_all(b, a),
        _ => a == b,
    }
}
