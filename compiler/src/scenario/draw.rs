//! A type to values of it: those at its edges, random ones, smaller ones, and their text.
//!
//! Invariant: every value is one of its type, in range, and the same seed gives the same values. The
//! one place that a new type is added to for properties to draw it.

use aqo_model::schema::Enum;
use aqo_model::types::{Bounds, NEVER, Type};
use aqo_model::value::{Bytes32, Value};

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
pub struct Random(u64);

impl Random {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, or 0 where that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The high half of a product is as good as a remainder, and less skewed.
        let product = u128::from(self.bits()) * u128::from(limit);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// A number within bounds.
    fn within(&mut self, bounds: Bounds) -> i64 {
        let width = bounds.high.abs_diff(bounds.low);
        let step = match width.checked_add(1) {
            Some(count) => self.below(count),
            None => self.bits(),
        };
        bounds.low.wrapping_add_unsigned(step)
    }
}

/// The values at the edges of a type, the most usual first; never none.
pub fn edges(ty: &Type, enums: &[Enum]) -> Vec<Value> {
    match ty {
        Type::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Type::Number { within, .. } | Type::Duration(within) | Type::Instant(within) => {
            let Bounds { low, high } = *within;
            let near = [low, high, low.saturating_add(1), high.saturating_sub(1), 0];
            let mut numbers: Vec<i64> = Vec::new();
            for number in near {
                if within.contains(number) && !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            numbers.into_iter().map(Value::Int).collect()
        }
        Type::Text { max } => {
            let max = usize::from(*max);
            let texts = [String::new(), "a".repeat(max), "\"\\\n".to_owned(), "é".to_owned()];
            texts.into_iter().filter(|text| text.len() <= max).map(Value::Text).collect()
        }
        Type::Key | Type::Hash => {
            vec![Value::Bytes32(Bytes32::ZERO), Value::Bytes32(Bytes32([255; 32]))]
        }
        Type::Enum(index) => {
            let count = enums.get(usize::from(*index)).map_or(1, |e| e.variants.len());
            (0..u16::try_from(count).unwrap_or(u16::MAX)).map(Value::Variant).collect()
        }
        Type::Option(inner) => {
            let some = edges(inner, enums).into_iter().map(|value| Value::Some(Box::new(value)));
            std::iter::once(Value::None).chain(some).collect()
        }
    }
}

/// Any value of a type; one in four is at an edge.
pub fn random(ty: &Type, enums: &[Enum], random_numbers: &mut Random) -> Value {
    if random_numbers.below(4) == 0 {
        let edges = edges(ty, enums);
        let index = random_numbers.below(edges.len() as u64) as usize;
        return edges.into_iter().nth(index).unwrap_or(Value::None);
    }
    match ty {
        Type::Bool => Value::Bool(random_numbers.below(2) == 1),
        Type::Number { within, .. } | Type::Duration(within) | Type::Instant(within) => {
            Value::Int(random_numbers.within(*within))
        }
        Type::Text { max } => {
            let len = random_numbers.below(u64::from(*max).min(64) + 1);
            let letter = |_| char::from(b' ' + random_numbers.below(95) as u8);
            Value::Text((0..len).map(letter).collect())
        }
        Type::Key | Type::Hash => {
            let mut bytes = [0; 32];
            for part in bytes.chunks_exact_mut(8) {
                part.copy_from_slice(&random_numbers.bits().to_le_bytes());
            }
            Value::Bytes32(Bytes32(bytes))
        }
        Type::Enum(index) => {
            let count = enums.get(usize::from(*index)).map_or(1, |e| e.variants.len());
            Value::Variant(random_numbers.below(count as u64) as u16)
        }
        Type::Option(inner) => match random_numbers.below(4) {
            0 => Value::None,
            _ => Value::Some(Box::new(random(inner, enums, random_numbers))),
        },
    }
}

/// Simpler values than this one, the simplest first; none where it is the simplest.
pub fn smaller(value: &Value, ty: &Type) -> Vec<Value> {
    match (ty, value) {
        (Type::Bool, Value::Bool(true)) => vec![Value::Bool(false)],
        (
            Type::Number { within, .. } | Type::Duration(within) | Type::Instant(within),
            Value::Int(value),
        ) => smaller_numbers(*value, *within, unit(ty)).into_iter().map(Value::Int).collect(),
        (Type::Text { .. }, Value::Text(text)) => {
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            let mut shorter = text.clone();
            shorter.pop();
            let plain = "a".repeat(text.chars().count());
            let mut texts = vec![String::new(), half, shorter];
            texts.retain(|shorter| shorter.len() < text.len());
            texts.dedup();
            let is_plainer = plain.len() <= text.len() && plain != *text;
            texts.extend(is_plainer.then_some(plain));
            texts.into_iter().map(Value::Text).collect()
        }
        (Type::Key | Type::Hash, Value::Bytes32(bytes)) if *bytes != Bytes32::ZERO => {
            vec![Value::Bytes32(Bytes32::ZERO)]
        }
        (Type::Enum(_), Value::Variant(number)) => (0..*number).map(Value::Variant).collect(),
        (Type::Option(inner), Value::Some(value)) => {
            let some = smaller(value, inner).into_iter().map(|value| Value::Some(Box::new(value)));
            std::iter::once(Value::None).chain(some).collect()
        }
        (
            Type::Bool
            | Type::Number { .. }
            | Type::Duration(_)
            | Type::Instant(_)
            | Type::Text { .. }
            | Type::Key
            | Type::Hash
            | Type::Enum(_)
            | Type::Option(_),
            _,
        ) => Vec::new(),
    }
}

/// What people count a type by: whole units, seconds.
fn unit(ty: &Type) -> i64 {
    match ty {
        Type::Number { scale, .. } => 10_i64.checked_pow(u32::from(*scale)).unwrap_or(1),
        Type::Duration(_) | Type::Instant(_) => 1_000_000,
        Type::Bool | Type::Text { .. } | Type::Key | Type::Hash | Type::Enum(_) => 1,
        Type::Option(inner) => unit(inner),
    }
}

/// Nearer to zero, or to the bound that is nearest to it: at once, by half, to a whole unit, by one.
fn smaller_numbers(value: i64, within: Bounds, unit: i64) -> Vec<i64> {
    let goal = 0.clamp(within.low, within.high);
    let between = |a: i64, b: i64| {
        let middle = (i128::from(a) + i128::from(b)) / 2;
        i64::try_from(middle).unwrap_or(a)
    };
    let toward =
        |n: i64| value.saturating_add((goal > value) as i64 * n - (goal < value) as i64 * n);
    let steps = [goal, between(goal, value), value - value % unit, toward(unit), toward(1)];
    let is_nearer = |n: &i64| within.contains(*n) && n.abs_diff(goal) < value.abs_diff(goal);
    let mut numbers: Vec<i64> = Vec::new();
    for number in steps {
        if is_nearer(&number) && !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

/// A value as an expression of the language, which may stand wherever a name may.
pub fn literal(value: &Value, ty: &Type, enums: &[Enum]) -> String {
    match (ty, value) {
        (Type::Option(inner), Value::Some(value)) => literal(value, inner, enums),
        (Type::Text { .. }, Value::Text(text)) => quoted(text),
        (Type::Key | Type::Hash, Value::Bytes32(bytes)) => format!("0x{bytes}"),
        (Type::Instant(_), Value::Int(instant)) if *instant >= NEVER => "never".to_owned(),
        (Type::Enum(index), Value::Variant(_)) => {
            let shown = value.show(ty, enums);
            enums.get(usize::from(*index)).map_or(shown.clone(), |e| format!("{}.{shown}", e.name))
        }
        (_, Value::Int(number)) if *number < 0 => format!("({})", value.show(ty, enums)),
        (
            Type::Bool
            | Type::Number { .. }
            | Type::Duration(_)
            | Type::Instant(_)
            | Type::Text { .. }
            | Type::Key
            | Type::Hash
            | Type::Enum(_)
            | Type::Option(_),
            _,
        ) => value.show(ty, enums),
    }
}

/// A text literal; the reverse of [`aqo_grammar::unquote`].
pub fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqo_model::types::Unit;

    fn types() -> Vec<Type> {
        let number = |scale, low, high| Type::Number {
            scale,
            unit: Unit::default(),
            within: Bounds { low, high },
        };
        vec![
            Type::Bool,
            number(0, 0, 100),
            number(0, 7, 7),
            number(2, -4000, 12_500),
            number(0, i64::MIN, i64::MAX),
            Type::Duration(Bounds { low: 1, high: 3_600_000_000 }),
            Type::Instant(Bounds::INSTANT),
            Type::Text { max: 0 },
            Type::Text { max: 9 },
            Type::Key,
            Type::Enum(0),
            Type::Option(Box::new(number(0, 1, 5))),
        ]
    }

    fn enums() -> Vec<Enum> {
        let variants = vec!["Idle".to_owned(), "Busy".to_owned(), "Off".to_owned()];
        vec![Enum { name: "Mode".to_owned(), variants }]
    }

    #[test]
    fn what_is_drawn_is_of_its_type() {
        let mut numbers = Random::new(3);
        for ty in types() {
            assert!(!edges(&ty, &enums()).is_empty(), "{ty:?}");
            let drawn = (0..200).map(|_| random(&ty, &enums(), &mut numbers)).collect::<Vec<_>>();
            for value in drawn.into_iter().chain(edges(&ty, &enums())) {
                assert!(value.fits_shape(&ty, &enums()) && value.in_range(&ty), "{ty:?} {value:?}");
                for simpler in smaller(&value, &ty) {
                    assert!(simpler.fits_shape(&ty, &enums()) && simpler.in_range(&ty), "{ty:?}");
                    assert_ne!(simpler, value);
                }
            }
        }
    }

    #[test]
    fn every_way_down_ends() {
        for ty in types() {
            let mut value = random(&ty, &enums(), &mut Random::new(5));
            let mut steps = 0;
            while let Some(simpler) = smaller(&value, &ty).pop() {
                value = match steps < 20 {
                    true => simpler,
                    false => smaller(&value, &ty).swap_remove(0),
                };
                steps += 1;
                assert!(steps < 100, "{ty:?}");
            }
        }
    }

    #[test]
    fn bounds_and_their_neighbours_come_first() {
        let ty = Type::Duration(Bounds { low: -5, high: 9 });
        let numbers: Vec<Option<i64>> = edges(&ty, &[]).iter().map(Value::int).collect();
        assert_eq!(numbers, [Some(-5), Some(9), Some(-4), Some(8), Some(0)]);
    }

    #[test]
    fn a_literal_says_its_value() {
        assert_eq!(quoted("a\"\\\n\tb"), "\"a\\\"\\\\\\n\\tb\"");
        assert_eq!(aqo_grammar::unquote(&quoted("a\"\\\n\tb")), "a\"\\\n\tb");
        let ty = Type::Duration(Bounds::DURATION);
        assert_eq!(literal(&Value::Int(-1_000_000), &ty, &[]), "(-1s)");
        assert_eq!(literal(&Value::Variant(1), &Type::Enum(0), &enums()), "Mode.Busy");
    }

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        let mut numbers = Random::new(1_234_567);
        assert_eq!(numbers.bits(), 6_457_827_717_110_365_317);
        assert_eq!(numbers.bits(), 3_203_168_211_198_807_973);
    }
}
