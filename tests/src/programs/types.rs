//! Types drawn and written, and constants of them.
//!
//! Invariant: a written type reads back as itself, and a written constant lies within its type.
#![expect(clippy::wildcard_enum_match_arm, reason = "questions about a few of many shapes")]

use super::world::{World, int, number};
use crate::chance::Chance;
use aqo_model::text::{show_decimal, show_duration, show_instant};
use aqo_model::types::{Bounds, Type, Unit};

const SECOND: i64 = 1_000_000;
/// 2027-01-01T00:00:00Z
const START: i64 = 1_798_761_600 * SECOND;
/// The largest scaled bound of most numbers.
const MOST: i64 = 100_000;

impl World {
    /// A scalar number, duration or instant.
    pub fn amount(&self, chance: &mut Chance) -> Type {
        let low = *chance.pick(&[0, 0, 0, -10, -MOST, 1, -3]);
        let high = *chance.pick(&[9, 20, 100, 1_000, MOST, 1]);
        match chance.below(12) {
            0..=4 => int(low, high),
            5..=6 => number(1 + chance.below(4) as u8, Unit::default(), low, high),
            7 => number(chance.below(3) as u8, self.unit(chance), low, high),
            8 => number(0, Unit::default(), 0, 4_000_000_000_000_000),
            9..=10 => Type::Duration(Bounds { low: low.min(0) * SECOND, high: high * SECOND }),
            _ => Type::Instant(Bounds::INSTANT),
        }
    }

    fn unit(&self, chance: &mut Chance) -> Unit {
        let first = chance.pick(&self.units).clone();
        match chance.below(4) {
            0 => Unit(vec![(first, 2)]),
            1 => {
                let second = chance.pick(&self.units).clone();
                let mut both = vec![(first.clone(), 1), (second.clone(), -1)];
                both.sort();
                if first == second { Unit(vec![(first, 1)]) } else { Unit(both) }
            }
            _ => Unit(vec![(first, 1)]),
        }
    }

    /// Any scalar.
    pub fn scalar(&self, chance: &mut Chance) -> Type {
        match chance.below(12) {
            0..=4 => self.amount(chance),
            5 => Type::Bool,
            6 => Type::Text { max: *chance.pick(&[4, 8, 12]) },
            7 => Type::Bytes { max: *chance.pick(&[2, 4, 9]) },
            8 => Type::Key,
            9 => Type::Hash,
            _ if !self.types.enums.is_empty() => {
                Type::Enum(chance.below(self.types.enums.len() as u64) as u16)
            }
            _ => Type::Bool,
        }
    }

    /// Any type, of so many levels.
    pub fn ty(&self, chance: &mut Chance, depth: u32) -> Type {
        if depth == 0 || chance.percent(40) {
            return self.scalar(chance);
        }
        let max = *chance.pick(&[1, 2, 3, 4]);
        match chance.below(7) {
            0 => match self.scalar(chance) {
                Type::Option(inner) => Type::Option(inner),
                ty => Type::Option(Box::new(ty)),
            },
            1 if !self.types.records.is_empty() => {
                // The last are those that hold others.
                let draws = [0, 1].map(|_| chance.below(self.types.records.len() as u64) as u16);
                Type::Record(draws[0].max(draws[1]))
            }
            2 => Type::List { item: Box::new(self.item(chance, depth)), max },
            3 => Type::Ring { item: Box::new(self.item(chance, depth)), max },
            4 => Type::Set { item: Box::new(self.key(chance)), max },
            5 => Type::Map {
                key: Box::new(self.key(chance)),
                value: Box::new(self.ty(chance, depth - 1)),
                max,
            },
            _ => self.scalar(chance),
        }
    }

    /// A type that some constructs want and that is seldom drawn.
    pub fn notable(&self, chance: &mut Chance) -> Type {
        let max = *chance.pick(&[1, 2, 3, 4]);
        let small = int(0, 99);
        match chance.below(9) {
            0 => Type::List { item: Box::new(Type::Option(Box::new(small))), max },
            1 => Type::Ring { item: Box::new(small), max },
            2 => Type::List { item: Box::new(small), max },
            3 | 4 => int(0, 4_000_000_000_000_000),
            5 if !self.types.records.is_empty() => {
                Type::List { item: Box::new(Type::Record(0)), max }
            }
            6 if !self.types.records.is_empty() => {
                let key = Box::new(self.key(chance));
                Type::Map { key, value: Box::new(Type::Record(0)), max }
            }
            7 => {
                let value = Type::Set { item: Box::new(self.key(chance)), max };
                Type::Map { key: Box::new(Type::Text { max: 4 }), value: Box::new(value), max }
            }
            _ => Type::Set { item: Box::new(Type::Key), max },
        }
    }

    fn item(&self, chance: &mut Chance, depth: u32) -> Type {
        match chance.below(4) {
            0 => Type::Option(Box::new(self.amount(chance))),
            1 => self.amount(chance),
            _ => self.ty(chance, depth - 1),
        }
    }

    /// A type that may be a key.
    pub fn key(&self, chance: &mut Chance) -> Type {
        for _ in 0..4 {
            let ty = if chance.percent(15) && !self.types.records.is_empty() {
                Type::Record(chance.below(self.types.records.len() as u64) as u16)
            } else {
                self.scalar(chance)
            };
            if ty.is_key(&self.types) {
                return ty;
            }
        }
        int(0, 9)
    }

    /// A type as it is written; under its other name now and then.
    pub fn write(&self, ty: &Type, chance: &mut Chance) -> String {
        if let Some(alias) = self.aliases.iter().find(|alias| alias.ty == *ty)
            && chance.percent(70)
        {
            return alias.name.clone();
        }
        self.spell(ty, "", chance)
    }

    fn spell(&self, ty: &Type, mark: &str, chance: &mut Chance) -> String {
        let range = |ty: &Type| match ty {
            Type::Instant(_) => String::new(),
            _ => ty.bounds().map_or(String::new(), |bounds| {
                let (low, high) = (amount(ty, bounds.low), amount(ty, bounds.high));
                format!(" in {low} ..= {high}")
            }),
        };
        let several = |name: &str, item: &Type, max: u16, chance: &mut Chance| {
            format!("{name}<{}, {max}>{mark}", self.write(item, chance))
        };
        match ty {
            Type::Bool => format!("bool{mark}"),
            Type::Number { scale, unit, .. } => {
                let unit = spell_unit(unit);
                let name = match (scale, unit.as_str()) {
                    (0, "") => "int".to_owned(),
                    (0, unit) => format!("int<{unit}>"),
                    (scale, "") => format!("decimal<{scale}>"),
                    (scale, unit) => format!("decimal<{scale}, {unit}>"),
                };
                format!("{name}{mark}{}", range(ty))
            }
            Type::Duration(_) => format!("duration{mark}{}", range(ty)),
            Type::Instant(_) => format!("instant{mark}"),
            Type::Text { max } => format!("text<{max}>{mark}"),
            Type::Bytes { max } => format!("bytes<{max}>{mark}"),
            Type::Key => format!("key{mark}"),
            Type::Hash => format!("hash{mark}"),
            Type::Enum(index) => format!("{}{mark}", self.types.enums[usize::from(*index)].name),
            Type::Record(index) => {
                format!("{}{mark}", self.types.records[usize::from(*index)].name)
            }
            Type::Option(inner) => self.spell(inner, "?", chance),
            Type::List { item, max } => several("list", item, *max, chance),
            Type::Ring { item, max } => several("ring", item, *max, chance),
            Type::Set { item, max } => several("set", item, *max, chance),
            Type::Map { key, value, max } => {
                let (key, value) = (self.write(key, chance), self.write(value, chance));
                format!("map<{key}, {value}, {max}>{mark}")
            }
        }
    }

    /// A constant of a type, as it is written where that type is wanted.
    pub fn literal(&self, ty: &Type, chance: &mut Chance) -> String {
        let digits = |chance: &mut Chance, bytes: usize| -> String {
            (0..bytes).map(|_| *chance.pick(&["00", "01", "7f", "ff"])).collect()
        };
        match ty {
            Type::Bool => chance.percent(50).to_string(),
            Type::Number { within, .. } | Type::Duration(within) => {
                let value = chance.between(within.low.max(-MOST * SECOND), within.high);
                amount(ty, value)
            }
            Type::Instant(_) => amount(ty, START + chance.between(-1_000, 100_000) * SECOND),
            Type::Text { max } => {
                let pieces = ["", "a", "ab", "hall", "\u{fc}", "abcdefgh"];
                let text = *chance.pick(&pieces);
                if text.len() <= usize::from(*max) { format!("\"{text}\"") } else { "\"b\"".into() }
            }
            Type::Bytes { max } => {
                let count = chance.below(u64::from(*max) + 1) as usize;
                format!("0x{}", digits(chance, count))
            }
            Type::Key | Type::Hash => {
                format!("0x{:02x}", chance.below(5)).replace("0x", &format!("0x{}", "0".repeat(62)))
            }
            Type::Enum(index) => {
                let of = &self.types.enums[usize::from(*index)];
                let variant = chance.pick(&of.variants).clone();
                let parts = self.arguments(&variant.params, chance);
                format!("{}.{}{parts}", of.name, variant.name)
            }
            Type::Record(index) => {
                let of = self.types.records[usize::from(*index)].clone();
                format!("{}{}", of.name, self.arguments(&of.fields, chance))
            }
            Type::Option(_) if chance.percent(40) => "none".into(),
            Type::Option(inner) => self.literal(inner, chance),
            Type::List { item, max } | Type::Ring { item, max } | Type::Set { item, max } => {
                let count = chance.below(u64::from(*max) + 1);
                let items: Vec<String> = (0..count).map(|_| self.literal(item, chance)).collect();
                format!("[{}]", items.join(", "))
            }
            Type::Map { key, value, max } => {
                let count = chance.below(u64::from(*max) + 1);
                let pairs: Vec<String> = (0..count)
                    .map(|_| {
                        format!("{}: {}", self.literal(key, chance), self.literal(value, chance))
                    })
                    .collect();
                format!("[{}]", pairs.join(", "))
            }
        }
    }

    fn arguments(&self, params: &[aqo_model::types::Param], chance: &mut Chance) -> String {
        if params.is_empty() {
            return String::new();
        }
        let each: Vec<String> = params
            .iter()
            .map(|param| format!("{}: {}", param.name, self.literal(&param.ty, chance)))
            .collect();
        format!("({})", each.join(", "))
    }
}

fn spell_unit(unit: &Unit) -> String {
    let mut text = String::new();
    let positive = unit.0.iter().filter(|(_, power)| *power > 0);
    for (name, power) in positive {
        for _ in 0..*power {
            if !text.is_empty() {
                text.push('*');
            }
            text.push_str(name);
        }
    }
    for (name, power) in unit.0.iter().filter(|(_, power)| *power < 0) {
        for _ in 0..-power {
            text.push('/');
            text.push_str(name);
        }
    }
    text
}

/// A number, duration or instant as it is written.
pub fn amount(ty: &Type, value: i64) -> String {
    match ty {
        Type::Number { scale, .. } => show_decimal(value, *scale),
        Type::Duration(_) if value < 0 => format!("-{}", show_duration(-value)),
        Type::Duration(_) => show_duration(value),
        Type::Instant(_) => show_instant(value),
        Type::Bool
        | Type::Text { .. }
        | Type::Key
        | Type::Hash
        | Type::Bytes { .. }
        | Type::Enum(_)
        | Type::Record(_)
        | Type::Option(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => value.to_string(),
    }
}
