//! A type to values of it: those at its edges, random ones, smaller ones, and their text.
//!
//! Invariant: every value is one of its type, in range, and the same seed gives the same values. The
//! one place that a new type is added to for properties to draw it.

use aqo_model::types::{Bounds, NEVER, Param, Type, Types};
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

/// How many items of a collection are drawn at most: a case shall stay small.
const ITEMS_MAX: u64 = 6;

/// The values at the edges of a type, the most usual first; never none.
pub fn edges(ty: &Type, types: &Types) -> Vec<Value> {
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
        Type::Bytes { max } => {
            vec![Value::Bytes(Vec::new()), Value::Bytes(vec![255; usize::from(*max)])]
        }
        Type::Key | Type::Hash => {
            vec![Value::Bytes32(Bytes32::ZERO), Value::Bytes32(Bytes32([255; 32]))]
        }
        Type::Enum(index) => {
            let count = types.enums.get(usize::from(*index)).map_or(1, |e| e.variants.len());
            let numbers = 0..u16::try_from(count).unwrap_or(u16::MAX);
            let variants = numbers.flat_map(|number| {
                let all = edges_of_parts(types.payload(*index, number), types);
                all.into_iter().map(move |parts| Value::Variant(number, parts))
            });
            variants.collect()
        }
        Type::Record(index) => {
            let all = edges_of_parts(types.parts(*index), types);
            all.into_iter().map(Value::Record).collect()
        }
        Type::Option(inner) => {
            let some = edges(inner, types).into_iter().map(|value| Value::Some(Box::new(value)));
            std::iter::once(Value::None).chain(some).collect()
        }
        Type::List { item, max } | Type::Ring { item, max } | Type::Set { item, max } => {
            let items: Vec<Value> = edges(item, types);
            let full = items.iter().cycle().take(usize::from(*max)).cloned().collect();
            let is_set = matches!(ty, Type::Set { .. });
            let one = items.first().cloned().into_iter().collect();
            let mut lists = vec![Value::List(Vec::new()), listed(one, is_set)];
            let full = listed(full, is_set);
            lists.extend((!lists.contains(&full)).then_some(full));
            lists
        }
        Type::Map { key, value, max } => {
            let keys: Vec<Value> = edges(key, types).into_iter().take(usize::from(*max)).collect();
            let held = edges(value, types);
            let all: Vec<(Value, Value)> = keys.into_iter().zip(held.into_iter().cycle()).collect();
            let one = all.first().cloned().into_iter().collect();
            let mut maps = vec![Value::Map(Vec::new()), Value::Map(one)];
            let all = mapped(all);
            maps.extend((!maps.contains(&all)).then_some(all));
            maps
        }
    }
}

/// Parts at their edges: the first of each, the second of each and so on.
fn edges_of_parts(parts: &[Param], types: &Types) -> Vec<Vec<Value>> {
    let all: Vec<Vec<Value>> = parts.iter().map(|part| edges(&part.ty, types)).collect();
    let most = all.iter().map(Vec::len).max().unwrap_or(1);
    let row = |row: usize| -> Vec<Value> {
        all.iter().filter_map(|values| values.iter().cycle().nth(row).cloned()).collect()
    };
    (0..most).map(row).collect()
}

/// Items as a list, or in order and each once.
fn listed(mut items: Vec<Value>, is_set: bool) -> Value {
    if is_set {
        items.sort();
        items.dedup();
    }
    Value::List(items)
}

/// Pairs in order of their keys, each key once.
fn mapped(pairs: Vec<(Value, Value)>) -> Value {
    let map: std::collections::BTreeMap<Value, Value> = pairs.into_iter().collect();
    Value::Map(map.into_iter().collect())
}

/// Any value of a type; one in four is at an edge.
pub fn random(ty: &Type, types: &Types, random_numbers: &mut Random) -> Value {
    if random_numbers.below(4) == 0 {
        let edges = edges(ty, types);
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
        Type::Bytes { max } => {
            let len = random_numbers.below(u64::from(*max).min(64) + 1);
            Value::Bytes((0..len).map(|_| random_numbers.below(256) as u8).collect())
        }
        Type::Key | Type::Hash => {
            let mut bytes = [0; 32];
            for part in bytes.chunks_exact_mut(8) {
                part.copy_from_slice(&random_numbers.bits().to_le_bytes());
            }
            Value::Bytes32(Bytes32(bytes))
        }
        Type::Enum(index) => {
            let count = types.enums.get(usize::from(*index)).map_or(1, |e| e.variants.len());
            let number = random_numbers.below(count as u64) as u16;
            Value::Variant(number, parts(types.payload(*index, number), types, random_numbers))
        }
        Type::Record(index) => Value::Record(parts(types.parts(*index), types, random_numbers)),
        Type::Option(inner) => match random_numbers.below(4) {
            0 => Value::None,
            _ => Value::Some(Box::new(random(inner, types, random_numbers))),
        },
        Type::List { item, max } | Type::Ring { item, max } | Type::Set { item, max } => {
            let len = random_numbers.below(u64::from(*max).min(ITEMS_MAX) + 1);
            let items = (0..len).map(|_| random(item, types, random_numbers)).collect();
            listed(items, matches!(ty, Type::Set { .. }))
        }
        Type::Map { key, value, max } => {
            let len = random_numbers.below(u64::from(*max).min(ITEMS_MAX) + 1);
            let pair = |_| {
                let key = random(key, types, random_numbers);
                (key, random(value, types, random_numbers))
            };
            mapped((0..len).map(pair).collect())
        }
    }
}

fn parts(parts: &[Param], types: &Types, numbers: &mut Random) -> Vec<Value> {
    parts.iter().map(|part| random(&part.ty, types, numbers)).collect()
}

/// Simpler values than this one, the simplest first; none where it is the simplest.
pub fn smaller(value: &Value, ty: &Type, types: &Types) -> Vec<Value> {
    match (ty, value) {
        (Type::Bool, Value::Bool(true)) => vec![Value::Bool(false)],
        (
            Type::Number { within, .. } | Type::Duration(within) | Type::Instant(within),
            Value::Int(value),
        ) => smaller_numbers(*value, *within, unit(ty)).into_iter().map(Value::Int).collect(),
        (Type::Text { .. }, Value::Text(text)) => smaller_texts(text),
        (Type::Bytes { .. }, Value::Bytes(bytes)) if !bytes.is_empty() => {
            let mut shorter = vec![Vec::new(), bytes[..bytes.len() / 2].to_vec()];
            shorter.push(bytes[..bytes.len() - 1].to_vec());
            shorter.dedup();
            shorter.into_iter().map(Value::Bytes).collect()
        }
        (Type::Key | Type::Hash, Value::Bytes32(bytes)) if *bytes != Bytes32::ZERO => {
            vec![Value::Bytes32(Bytes32::ZERO)]
        }
        (Type::Enum(index), Value::Variant(number, args)) => {
            let bare = |number: &u16| types.payload(*index, *number).is_empty();
            let lower = (0..*number).filter(bare).map(Value::variant);
            let params = types.payload(*index, *number);
            let simpler = smaller_parts(params, args, types);
            lower.chain(simpler.into_iter().map(|args| Value::Variant(*number, args))).collect()
        }
        (Type::Record(index), Value::Record(values)) => {
            let simpler = smaller_parts(types.parts(*index), values, types);
            simpler.into_iter().map(Value::Record).collect()
        }
        (Type::Option(inner), Value::Some(value)) => {
            let some = smaller(value, inner, types).into_iter();
            let some = some.map(|value| Value::Some(Box::new(value)));
            std::iter::once(Value::None).chain(some).collect()
        }
        (
            Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. },
            Value::List(items),
        ) => {
            let is_set = matches!(ty, Type::Set { .. });
            let simpler = fewer(items, |value| smaller(value, item, types));
            let lists = simpler.into_iter().map(|items| listed(items, is_set));
            lists.filter(|list| list != value).collect()
        }
        (Type::Map { value: held, .. }, Value::Map(pairs)) => {
            let simpler = fewer(pairs, |(key, value)| {
                let values = smaller(value, held, types).into_iter();
                values.map(|value| (key.clone(), value)).collect()
            });
            simpler.into_iter().map(Value::Map).collect()
        }
        (
            Type::Bool
            | Type::Number { .. }
            | Type::Duration(_)
            | Type::Instant(_)
            | Type::Text { .. }
            | Type::Bytes { .. }
            | Type::Key
            | Type::Hash
            | Type::Enum(_)
            | Type::Record(_)
            | Type::Option(_)
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. },
            _,
        ) => Vec::new(),
    }
}

fn smaller_texts(text: &str) -> Vec<Value> {
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    let mut shorter = text.to_owned();
    shorter.pop();
    let plain = "a".repeat(text.chars().count());
    let mut texts = vec![String::new(), half, shorter];
    texts.retain(|shorter| shorter.len() < text.len());
    texts.dedup();
    let is_plainer = plain.len() <= text.len() && plain != *text;
    texts.extend(is_plainer.then_some(plain));
    texts.into_iter().map(Value::Text).collect()
}

/// The same parts but for one, which is simpler.
fn smaller_parts(params: &[Param], values: &[Value], types: &Types) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for (place, (param, value)) in params.iter().zip(values).enumerate() {
        for simpler in smaller(value, &param.ty, types) {
            let mut values = values.to_vec();
            values[place] = simpler;
            all.push(values);
        }
    }
    all
}

/// None, half, one less, or one simpler.
fn fewer<T: Clone>(items: &[T], simpler: impl Fn(&T) -> Vec<T>) -> Vec<Vec<T>> {
    if items.is_empty() {
        return Vec::new();
    }
    let mut all = vec![Vec::new()];
    if items.len() > 2 {
        all.push(items[..items.len() / 2].to_vec());
    }
    for place in 0..items.len() {
        let mut rest = items.to_vec();
        rest.remove(place);
        all.extend((!rest.is_empty()).then_some(rest));
    }
    for (place, item) in items.iter().enumerate() {
        for simpler in simpler(item) {
            let mut items = items.to_vec();
            items[place] = simpler;
            all.push(items);
        }
    }
    all
}

/// What people count a type by: whole units, seconds.
fn unit(ty: &Type) -> i64 {
    match ty {
        Type::Number { scale, .. } => 10_i64.checked_pow(u32::from(*scale)).unwrap_or(1),
        Type::Duration(_) | Type::Instant(_) => 1_000_000,
        Type::Option(inner) => unit(inner),
        Type::Bool
        | Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => 1,
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
pub fn literal(value: &Value, ty: &Type, types: &Types) -> String {
    let parts = |params: &[Param], values: &[Value]| {
        let each = params.iter().zip(values);
        let each =
            each.map(|(part, value)| format!("{}: {}", part.name, literal(value, &part.ty, types)));
        format!("({})", each.collect::<Vec<_>>().join(", "))
    };
    match (ty, value) {
        (Type::Option(inner), Value::Some(value)) => literal(value, inner, types),
        (Type::Text { .. }, Value::Text(text)) => quoted(text),
        (Type::Key | Type::Hash, Value::Bytes32(bytes)) => format!("0x{bytes}"),
        (Type::Instant(_), Value::Int(instant)) if *instant >= NEVER => "never".to_owned(),
        (Type::Enum(index), Value::Variant(number, args)) => {
            let Some(e) = types.enums.get(usize::from(*index)) else {
                return value.show(ty, types);
            };
            let name = e.names().nth(usize::from(*number)).unwrap_or_default();
            let carried = match args.is_empty() {
                true => String::new(),
                false => parts(types.payload(*index, *number), args),
            };
            format!("{}.{name}{carried}", e.name)
        }
        (Type::Record(index), Value::Record(values)) => {
            let name = types.records.get(usize::from(*index)).map_or("", |record| &record.name);
            format!("{name}{}", parts(types.parts(*index), values))
        }
        (
            Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. },
            Value::List(items),
        ) => {
            let each = items.iter().map(|value| literal(value, item, types));
            format!("[{}]", each.collect::<Vec<_>>().join(", "))
        }
        (Type::Map { key, value, .. }, Value::Map(pairs)) => {
            let each = pairs
                .iter()
                .map(|(k, v)| format!("{}: {}", literal(k, key, types), literal(v, value, types)));
            format!("[{}]", each.collect::<Vec<_>>().join(", "))
        }
        (_, Value::Int(number)) if *number < 0 => format!("({})", value.show(ty, types)),
        (
            Type::Bool
            | Type::Number { .. }
            | Type::Duration(_)
            | Type::Instant(_)
            | Type::Text { .. }
            | Type::Bytes { .. }
            | Type::Key
            | Type::Hash
            | Type::Enum(_)
            | Type::Record(_)
            | Type::Option(_)
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. },
            _,
        ) => value.show(ty, types),
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
    use aqo_model::numbers::Numbers;
    use aqo_model::types::{Enum, Record, Unit, Variant};

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
            Type::Bytes { max: 3 },
            Type::Enum(1),
            Type::Record(0),
            Type::List { item: Box::new(Type::Record(0)), max: 4 },
            Type::Ring { item: Box::new(number(0, -3, 3)), max: 1 },
            Type::Set { item: Box::new(number(0, 0, 2)), max: 8 },
            Type::Map {
                key: Box::new(Type::Enum(0)),
                value: Box::new(Type::Text { max: 4 }),
                max: 2,
            },
        ]
    }

    fn declared() -> Types {
        let number = Type::Duration(Bounds { low: -9, high: 9 });
        let param = |name: &str, ty: Type| Param { name: name.to_owned(), ty };
        let bare = |name: &str| Variant { name: name.to_owned(), params: Vec::new() };
        let card = Variant { name: "Card".to_owned(), params: vec![param("n", number.clone())] };
        let plain = vec![bare("Idle"), bare("Busy"), bare("Off")];
        Types {
            enums: vec![
                Enum { name: "Mode".to_owned(), variants: plain, numbers: Numbers::NONE },
                Enum {
                    name: "Kind".to_owned(),
                    variants: vec![card, bare("Cash")],
                    numbers: Numbers::NONE,
                },
            ],
            records: vec![Record {
                name: "Part".to_owned(),
                fields: vec![param("n", number), param("kind", Type::Enum(1))],
                numbers: Numbers::NONE,
            }],
        }
    }

    #[test]
    fn what_is_drawn_is_of_its_type() {
        let mut numbers = Random::new(3);
        for ty in types() {
            assert!(!edges(&ty, &declared()).is_empty(), "{ty:?}");
            let drawn =
                (0..200).map(|_| random(&ty, &declared(), &mut numbers)).collect::<Vec<_>>();
            for value in drawn.into_iter().chain(edges(&ty, &declared())) {
                assert!(
                    value.fits_shape(&ty, &declared()) && value.in_range(&ty, &declared()),
                    "{ty:?} {value:?}"
                );
                for simpler in smaller(&value, &ty, &declared()) {
                    assert!(
                        simpler.fits_shape(&ty, &declared()) && simpler.in_range(&ty, &declared()),
                        "{ty:?}"
                    );
                    assert_ne!(simpler, value);
                }
            }
        }
    }

    #[test]
    fn every_way_down_ends() {
        for ty in types() {
            let mut value = random(&ty, &declared(), &mut Random::new(5));
            let mut steps = 0;
            while let Some(simpler) = smaller(&value, &ty, &declared()).pop() {
                value = match steps < 20 {
                    true => simpler,
                    false => smaller(&value, &ty, &declared()).swap_remove(0),
                };
                steps += 1;
                assert!(steps < 100, "{ty:?}");
            }
        }
    }

    #[test]
    fn bounds_and_their_neighbours_come_first() {
        let ty = Type::Duration(Bounds { low: -5, high: 9 });
        let numbers: Vec<Option<i64>> =
            edges(&ty, &Types::default()).iter().map(Value::int).collect();
        assert_eq!(numbers, [Some(-5), Some(9), Some(-4), Some(8), Some(0)]);
    }

    #[test]
    fn a_literal_says_its_value() {
        assert_eq!(quoted("a\"\\\n\tb"), "\"a\\\"\\\\\\n\\tb\"");
        assert_eq!(aqo_grammar::unquote(&quoted("a\"\\\n\tb")), "a\"\\\n\tb");
        let ty = Type::Duration(Bounds::DURATION);
        assert_eq!(literal(&Value::Int(-1_000_000), &ty, &Types::default()), "(-1s)");
        assert_eq!(literal(&Value::variant(1), &Type::Enum(0), &declared()), "Mode.Busy");
        let card = Value::Variant(0, vec![Value::Int(-1_000_000)]);
        let part = Value::Record(vec![Value::Int(0), card]);
        let shown = literal(&part, &Type::Record(0), &declared());
        assert_eq!(shown, "Part(n: 0s, kind: Kind.Card(n: (-1s)))");
    }

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        let mut numbers = Random::new(1_234_567);
        assert_eq!(numbers.bits(), 6_457_827_717_110_365_317);
        assert_eq!(numbers.bits(), 3_203_168_211_198_807_973);
    }
}
