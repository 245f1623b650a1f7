//! Seeded chance: values, offers and choices, the same for the same seed.

use aqo_model::types::{Param, Type, Types};
use aqo_model::value::{Bytes32, Value};

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    /// The same chances for the same seed.
    pub fn new(seed: u64) -> Self {
        Chance(seed)
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of a list.
    pub fn pick<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len() as u64) as usize]
    }

    /// Within bounds, often at an end.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        match self.below(8) {
            0 => low,
            1 => high,
            2 => 0.clamp(low, high),
            3 => (low.saturating_add(self.below(5) as i64)).min(high),
            _ => {
                let width = (i128::from(high) - i128::from(low) + 1) as u128;
                (i128::from(low) + (u128::from(self.draw()) % width) as i128) as i64
            }
        }
    }

    /// A key or a digest.
    pub fn bytes32(&mut self) -> Bytes32 {
        // Few keys, so that the same ones meet.
        Bytes32([self.below(5) as u8; 32])
    }

    /// A value of this type; a number is out of bounds in so many of a hundred cases.
    pub fn value(&mut self, ty: &Type, types: &Types, wild: u64) -> Value {
        match ty {
            Type::Bool => Value::Bool(self.percent(50)),
            Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => {
                let bounds = ty.bounds().expect("a number has bounds");
                if self.percent(wild) {
                    let near = [
                        bounds.low.saturating_sub(1),
                        bounds.high.saturating_add(1),
                        i64::MIN,
                        i64::MAX,
                    ];
                    Value::Int(*self.pick(&near))
                } else {
                    Value::Int(self.between(bounds.low, bounds.high))
                }
            }
            Type::Text { max } => Value::Text(self.text(usize::from(*max))),
            Type::Bytes { max } => {
                let len = self.count(usize::from(*max));
                Value::Bytes((0..len).map(|_| *self.pick(&[0, 1, 0x7f, 0xff])).collect())
            }
            Type::Key | Type::Hash => Value::Bytes32(self.bytes32()),
            Type::Enum(index) => {
                let variants = types.enums[usize::from(*index)].variants.len();
                let number = self.below(variants as u64) as u16;
                Value::Variant(number, self.all(types.payload(*index, number), types, wild))
            }
            Type::Record(index) => Value::Record(self.all(types.parts(*index), types, wild)),
            Type::Option(_) if self.percent(40) => Value::None,
            Type::Option(inner) => Value::Some(Box::new(self.value(inner, types, wild))),
            Type::List { item, max } | Type::Ring { item, max } => {
                Value::List(self.several(item, *max, types, wild))
            }
            Type::Set { item, max } => {
                let mut items = self.several(item, *max, types, wild);
                items.sort();
                items.dedup();
                Value::List(items)
            }
            Type::Map { key, value, max } => {
                let mut keys = self.several(key, *max, types, wild);
                keys.sort();
                keys.dedup();
                let pairs = keys.into_iter().map(|key| (key, self.value(value, types, wild)));
                Value::Map(pairs.collect())
            }
        }
    }

    fn all(&mut self, params: &[Param], types: &Types, wild: u64) -> Vec<Value> {
        params.iter().map(|param| self.value(&param.ty, types, wild)).collect()
    }

    fn several(&mut self, item: &Type, max: u16, types: &Types, wild: u64) -> Vec<Value> {
        (0..self.count(usize::from(max))).map(|_| self.value(item, types, wild)).collect()
    }

    /// How many: often none, often all that there is room for.
    fn count(&mut self, max: usize) -> usize {
        match self.below(4) {
            0 => 0,
            1 => max.min(6),
            _ => self.below(max.min(6) as u64 + 1) as usize,
        }
    }

    fn text(&mut self, max: usize) -> String {
        const PIECES: [&str; 9] =
            ["a", "b", "hello", "\u{0}", "ü", "€", "\u{10ffff}", "\u{d7ff}", "abcdefgh"];
        let mut text = String::new();
        for _ in 0..self.below(6) {
            let piece = *self.pick(&PIECES);
            if text.len() + piece.len() <= max {
                text.push_str(piece);
            }
        }
        text
    }
}
