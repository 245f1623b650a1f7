//! The types of values, and the bounds within which each number lies.
//!
//! A number of any type is an `i64`: an `int` as it is, a `decimal<s>` times 10^s, a `duration` and
//! an `instant` in microseconds (an instant from 1970-01-01T00:00:00Z). Bounds are inclusive.

use crate::numbers::Numbers;
use serde::{Deserialize, Serialize};

/// The last instant, 2261-12-31T23:59:59.999999Z, which also stands for `never`.
pub const NEVER: i64 = 9_214_646_399_999_999;
/// The longest duration: from the first instant to the last.
pub const DURATION_MAX: i64 = NEVER;

/// Inclusive bounds of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Bounds {
    /// The least value.
    pub low: i64,
    /// The greatest value.
    pub high: i64,
}

impl Bounds {
    /// All of `i64`.
    pub const ALL: Bounds = Bounds { low: i64::MIN, high: i64::MAX };
    /// Every instant.
    pub const INSTANT: Bounds = Bounds { low: 0, high: NEVER };
    /// Every duration.
    pub const DURATION: Bounds = Bounds { low: -DURATION_MAX, high: DURATION_MAX };

    /// Whether `value` lies within.
    pub fn contains(self, value: i64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// A product of powers of named units, sorted by name; empty for a pure number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unit(pub Vec<(String, i8)>);

impl Unit {
    /// The name that stands in a function's types for whichever unit its caller's arguments have.
    pub const ANY: &'static str = "any";

    /// How often [`Unit::ANY`] is a factor.
    pub fn any_power(&self) -> i8 {
        self.0.iter().find(|(name, _)| name == Unit::ANY).map_or(0, |(_, power)| *power)
    }

    /// Whether a number in one of them may be one in the other: a function is written once for all
    /// units, and how they agree at a call is the compiler's to see.
    fn agrees(&self, other: &Unit) -> bool {
        self == other || self.any_power() != 0 || other.any_power() != 0
    }
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// `bool`
    Bool,
    /// `int<unit> in low..=high`; `scale` digits after the point make it a `decimal`.
    Number {
        /// Digits after the point.
        scale: u8,
        /// What it counts.
        unit: Unit,
        /// Scaled bounds.
        within: Bounds,
    },
    /// `duration in low..=high`, microseconds.
    Duration(Bounds),
    /// `instant in low..=high`, microseconds since 1970.
    Instant(Bounds),
    /// `text<max>`, bytes of UTF-8.
    Text {
        /// The most bytes.
        max: u16,
    },
    /// An Ed25519 public key.
    Key,
    /// A BLAKE3-256 digest.
    Hash,
    /// `bytes<max>`
    Bytes {
        /// The most bytes.
        max: u16,
    },
    /// A variant of the enum with this index.
    Enum(u16),
    /// The record with this index.
    Record(u16),
    /// The value or `none`.
    Option(Box<Type>),
    /// `list<item, max>`: in the order in which they were added.
    List {
        /// What it holds.
        item: Box<Type>,
        /// How many at most.
        max: u16,
    },
    /// `ring<item, max>`: a list that forgets its first where it would overflow.
    Ring {
        /// What it holds.
        item: Box<Type>,
        /// How many at most.
        max: u16,
    },
    /// `set<item, max>`: each once, in the order of values.
    Set {
        /// What it holds.
        item: Box<Type>,
        /// How many at most.
        max: u16,
    },
    /// `map<key, value, max>`: each key once, in the order of keys.
    Map {
        /// What is looked up.
        key: Box<Type>,
        /// What is found.
        value: Box<Type>,
        /// How many at most.
        max: u16,
    },
}

/// The enums and records that types name by index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Types {
    /// In order of their indices.
    pub enums: Vec<Enum>,
    /// In order of their indices.
    pub records: Vec<Record>,
}

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enum {
    /// `Mode`
    pub name: String,
    /// In order of their stable numbers; a value names one by its index.
    pub variants: Vec<Variant>,
    /// The stable numbers of the variants, which stand in entries and in what is signed.
    #[serde(default, skip_serializing_if = "Numbers::are_indices")]
    pub numbers: Numbers,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// `Idle`
    pub name: String,
    /// What it carries.
    pub params: Vec<Param>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// `Payment`
    pub name: String,
    /// Its parts, in order of their stable numbers; a step names one by its index.
    pub fields: Vec<Param>,
    /// The stable numbers of the parts, which stand in entries.
    #[serde(default, skip_serializing_if = "Numbers::are_indices")]
    pub numbers: Numbers,
}

/// A named and typed part: of a record, a variant, a message, an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Type,
}

/// The shape of a value, without bounds, scale and unit: what decides how it is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// Any number: int, decimal, duration, instant.
    Number,
    /// A variant of the enum with this index.
    Enum(u16),
    /// The record with this index.
    Record(u16),
    /// Text.
    Text,
    /// A byte string.
    Bytes,
    /// 32 bytes: a key or a hash.
    Bytes32,
    /// The value or none.
    Option(Box<Kind>),
    /// A list or a ring.
    List(Box<Kind>),
    /// A set.
    Set(Box<Kind>),
    /// A map, of keys and values.
    Map(Box<Kind>, Box<Kind>),
}

impl Type {
    /// The shape of its values.
    pub fn kind(&self) -> Kind {
        match self {
            Type::Bool => Kind::Bool,
            Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => Kind::Number,
            Type::Text { .. } => Kind::Text,
            Type::Key | Type::Hash => Kind::Bytes32,
            Type::Bytes { .. } => Kind::Bytes,
            Type::Enum(index) => Kind::Enum(*index),
            Type::Record(index) => Kind::Record(*index),
            Type::Option(inner) => Kind::Option(Box::new(inner.kind())),
            Type::List { item, .. } | Type::Ring { item, .. } => Kind::List(Box::new(item.kind())),
            Type::Set { item, .. } => Kind::Set(Box::new(item.kind())),
            Type::Map { key, value, .. } => Kind::Map(Box::new(key.kind()), Box::new(value.kind())),
        }
    }

    /// The bounds of a number of this type; `None` where it is no number.
    pub fn bounds(&self) -> Option<Bounds> {
        match self {
            Type::Number { within, .. } | Type::Duration(within) | Type::Instant(within) => {
                Some(*within)
            }
            Type::Bool
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
            | Type::Map { .. } => None,
        }
    }

    /// What a list, ring or set holds, or what a map looks up, and how many at most.
    pub fn items(&self) -> Option<(&Type, u16)> {
        match self {
            Type::List { item, max } | Type::Ring { item, max } | Type::Set { item, max } => {
                Some((item, *max))
            }
            Type::Map { key, max, .. } => Some((key, *max)),
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
            | Type::Option(_) => None,
        }
    }

    /// Whether every value of `other` is one of this type, in the same bytes where it is held inside
    /// another: numbers may have narrower bounds, and at the top texts, bytes and collections may be
    /// shorter.
    pub fn takes(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Text { max }, Type::Text { max: found })
            | (Type::Bytes { max }, Type::Bytes { max: found }) => found <= max,
            (Type::Option(inner), Type::Option(found)) => inner.takes(found),
            (
                Type::List { item, max } | Type::Ring { item, max },
                Type::List { item: found, max: count } | Type::Ring { item: found, max: count },
            )
            | (Type::Set { item, max }, Type::Set { item: found, max: count }) => {
                count <= max && item.takes_inside(found)
            }
            (Type::Map { key, value, max }, Type::Map { key: found, value: held, max: count }) => {
                count <= max && key.takes_inside(found) && value.takes_inside(held)
            }
            _ => self.takes_inside(other),
        }
    }

    /// Whether values of both can be told equal by their bytes: the same but for bounds, and at the top
    /// for how many they are at most.
    pub fn compares_to(&self, other: &Type) -> bool {
        let (mut a, mut b) = (self.clone(), other.clone());
        let (ends, many) = (Bounds::ALL, u16::MAX);
        for ty in [&mut a, &mut b] {
            ty.widen(ends);
            if let Type::List { max, .. }
            | Type::Ring { max, .. }
            | Type::Set { max, .. }
            | Type::Map { max, .. } = ty
            {
                *max = many;
            }
        }
        a.takes(&b) || b.takes(&a)
    }

    /// The unit of the numbers that it is or holds; of a map, of its values.
    pub fn unit(&self) -> Option<&Unit> {
        match self {
            Type::Number { unit, .. } => Some(unit),
            Type::Option(item)
            | Type::List { item, .. }
            | Type::Ring { item, .. }
            | Type::Set { item, .. }
            | Type::Map { value: item, .. } => item.unit(),
            Type::Bool
            | Type::Duration(_)
            | Type::Instant(_)
            | Type::Text { .. }
            | Type::Key
            | Type::Hash
            | Type::Bytes { .. }
            | Type::Enum(_)
            | Type::Record(_) => None,
        }
    }

    /// Whether [`Unit::ANY`] stands in it.
    pub fn is_in_any_unit(&self) -> bool {
        self.unit().is_some_and(|unit| unit.any_power() != 0)
            || matches!(self, Type::Map { key, .. } if key.is_in_any_unit())
    }

    /// Whether the numbers in it count the same as those of another type of this form.
    pub fn same_units(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Number { unit, .. }, Type::Number { unit: found, .. }) => unit == found,
            (Type::Option(item), Type::Option(found))
            | (
                Type::List { item, .. } | Type::Ring { item, .. },
                Type::List { item: found, .. } | Type::Ring { item: found, .. },
            )
            | (Type::Set { item, .. }, Type::Set { item: found, .. }) => item.same_units(found),
            (Type::Map { key, value, .. }, Type::Map { key: found, value: held, .. }) => {
                key.same_units(found) && value.same_units(held)
            }
            _ => true,
        }
    }

    /// Gives every number in it these bounds.
    fn widen(&mut self, bounds: Bounds) {
        match self {
            Type::Number { within, .. } | Type::Duration(within) | Type::Instant(within) => {
                *within = bounds;
            }
            Type::Option(item)
            | Type::List { item, .. }
            | Type::Ring { item, .. }
            | Type::Set { item, .. } => item.widen(bounds),
            Type::Map { key, value, .. } => {
                key.widen(bounds);
                value.widen(bounds);
            }
            Type::Bool
            | Type::Text { .. }
            | Type::Bytes { .. }
            | Type::Key
            | Type::Hash
            | Type::Enum(_)
            | Type::Record(_) => {}
        }
    }

    fn takes_inside(&self, other: &Type) -> bool {
        let inside = |a: Bounds, b: Bounds| a.low <= b.low && b.high <= a.high;
        match (self, other) {
            (
                Type::Number { scale, unit, within },
                Type::Number { scale: found_scale, unit: found_unit, within: found },
            ) => scale == found_scale && unit.agrees(found_unit) && inside(*within, *found),
            (Type::Duration(within), Type::Duration(found))
            | (Type::Instant(within), Type::Instant(found)) => inside(*within, *found),
            (Type::Option(inner), Type::Option(found)) => inner.takes_inside(found),
            (
                Type::List { item, max } | Type::Ring { item, max },
                Type::List { item: found, max: count } | Type::Ring { item: found, max: count },
            )
            | (Type::Set { item, max }, Type::Set { item: found, max: count }) => {
                count == max && item.takes_inside(found)
            }
            (Type::Map { key, value, max }, Type::Map { key: found, value: held, max: count }) => {
                count == max && key.takes_inside(found) && value.takes_inside(held)
            }
            _ => self == other,
        }
    }

    /// Whether it may be an item of a set or a key of a map: its values have one order, which Y14 of
    /// the reference gives.
    pub fn is_key(&self, types: &Types) -> bool {
        match self {
            Type::Bool
            | Type::Number { .. }
            | Type::Duration(_)
            | Type::Instant(_)
            | Type::Text { .. }
            | Type::Bytes { .. }
            | Type::Key
            | Type::Hash => true,
            Type::Enum(index) => types.enums.get(usize::from(*index)).is_some_and(Enum::is_plain),
            Type::Record(index) => (types.records.get(usize::from(*index)))
                .is_some_and(|record| record.fields.iter().all(|field| field.ty.is_key(types))),
            Type::Option(_)
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. } => false,
        }
    }

    /// How many values it has, where that is less than 2^16.
    pub fn count(&self, types: &Types) -> Option<usize> {
        let few = match self {
            Type::Bool => Some(2),
            Type::Number { within, .. } => {
                usize::try_from(i128::from(within.high) - i128::from(within.low) + 1).ok()
            }
            Type::Enum(index) => {
                let found = types.enums.get(usize::from(*index)).filter(|e| e.is_plain());
                found.map(|found| found.variants.len())
            }
            Type::Duration(_)
            | Type::Instant(_)
            | Type::Text { .. }
            | Type::Bytes { .. }
            | Type::Key
            | Type::Hash
            | Type::Record(_)
            | Type::Option(_)
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. } => None,
        };
        few.filter(|few| *few <= usize::from(u16::MAX))
    }
}

impl Enum {
    /// Whether no variant carries anything.
    pub fn is_plain(&self) -> bool {
        self.variants.iter().all(|variant| variant.params.is_empty())
    }

    /// The variant of this name.
    pub fn named(&self, name: &str) -> Option<u16> {
        let found = self.variants.iter().position(|variant| variant.name == name);
        found.and_then(|found| u16::try_from(found).ok())
    }

    /// The names of its variants.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(|variant| variant.name.as_str())
    }
}

impl Types {
    /// What the variant with this index, of the enum with this index, carries; nothing where either is
    /// unknown.
    pub fn payload(&self, index: u16, variant: u16) -> &[Param] {
        let found = self.enums.get(usize::from(index));
        let variant = found.and_then(|found| found.variants.get(usize::from(variant)));
        variant.map_or(&[], |variant| &variant.params)
    }

    /// The parts of the record with this index; none where it is unknown.
    pub fn parts(&self, index: u16) -> &[Param] {
        self.records.get(usize::from(index)).map_or(&[], |record| &record.fields)
    }

    /// The stable numbers of the variants of the enum with this index.
    pub fn variant_numbers(&self, index: u16) -> &Numbers {
        self.enums.get(usize::from(index)).map_or(&NONE, |found| &found.numbers)
    }

    /// The stable numbers of the parts of the record with this index.
    pub fn part_numbers(&self, index: u16) -> &Numbers {
        self.records.get(usize::from(index)).map_or(&NONE, |found| &found.numbers)
    }

    /// Whether a value of this type holds a variant whose stable number is not its index.
    pub fn are_numbered(&self, ty: &Type) -> bool {
        let any = |params: &[Param]| params.iter().any(|param| self.are_numbered(&param.ty));
        match ty {
            Type::Bool
            | Type::Number { .. }
            | Type::Duration(_)
            | Type::Instant(_)
            | Type::Text { .. }
            | Type::Key
            | Type::Hash
            | Type::Bytes { .. } => false,
            Type::Enum(index) => {
                let found = self.enums.get(usize::from(*index));
                found.is_some_and(|found| {
                    !found.numbers.are_indices()
                        || found.variants.iter().any(|variant| any(&variant.params))
                })
            }
            Type::Record(index) => any(self.parts(*index)),
            Type::Option(item)
            | Type::List { item, .. }
            | Type::Ring { item, .. }
            | Type::Set { item, .. } => self.are_numbered(item),
            Type::Map { key, value, .. } => self.are_numbered(key) || self.are_numbered(value),
        }
    }
}

static NONE: Numbers = Numbers::NONE;
