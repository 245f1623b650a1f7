//! Values, and whether one is of a type.

use crate::types::{Param, Type, Types};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value of any type; a number is scaled as its type says.
///
/// Values of one type have one order: numbers by size, texts and bytes by their bytes, variants by
/// index, which ascends with their stable numbers, `none` before what is there, records and collections part by part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// Any number, a duration or an instant.
    Int(i64),
    /// A variant, by its index, and what it carries.
    Variant(u16, Vec<Value>),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A key or a hash.
    Bytes32(Bytes32),
    /// Nothing.
    None,
    /// Something.
    Some(Box<Value>),
    /// The parts of a record, in order.
    Record(Vec<Value>),
    /// The items of a list, a ring or a set; of a set in ascending order, each once.
    List(Vec<Value>),
    /// Keys and values of a map; keys in ascending order, each once.
    Map(Vec<(Value, Value)>),
}

/// 32 bytes, shown as lower-case hex and serialised as a byte string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes32(pub [u8; 32]);

impl Bytes32 {
    /// All zero: stands where no key or digest is.
    pub const ZERO: Bytes32 = Bytes32([0; 32]);

    /// Reads exactly 64 hex digits.
    pub fn from_hex(text: &str) -> Option<Bytes32> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Bytes32(bytes))
    }

    /// The first 12 hex digits.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl std::fmt::Display for Bytes32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Bytes32 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{self}")
    }
}

impl Serialize for Bytes32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes32;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("32 bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Bytes32, E> {
                let bytes = bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))?;
                Ok(Bytes32(bytes))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

impl Value {
    /// A variant that carries nothing.
    pub fn variant(index: u16) -> Value {
        Value::Variant(index, Vec::new())
    }

    /// The number, where it is one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            Value::Bool(_)
            | Value::Variant(..)
            | Value::Text(_)
            | Value::Bytes(_)
            | Value::Bytes32(_)
            | Value::None
            | Value::Some(_)
            | Value::Record(_)
            | Value::List(_)
            | Value::Map(_) => None,
        }
    }

    /// Whether it has the shape of `ty`: everything but a number's bounds.
    pub fn fits_shape(&self, ty: &Type, types: &Types) -> bool {
        let all = |parts: &[Param], values: &[Value]| {
            let fit = |(part, value): (&Param, &Value)| value.fits_shape(&part.ty, types);
            parts.len() == values.len() && parts.iter().zip(values).all(fit)
        };
        match (ty, self) {
            (Type::Bool, Value::Bool(_))
            | (Type::Number { .. } | Type::Duration(_) | Type::Instant(_), Value::Int(_))
            | (Type::Key | Type::Hash, Value::Bytes32(_))
            | (Type::Option(_), Value::None) => true,
            (Type::Text { max }, Value::Text(text)) => text.len() <= usize::from(*max),
            (Type::Bytes { max }, Value::Bytes(bytes)) => bytes.len() <= usize::from(*max),
            (Type::Enum(index), Value::Variant(variant, args)) => {
                let known = types.enums.get(usize::from(*index));
                let known = known.is_some_and(|e| usize::from(*variant) < e.variants.len());
                known && all(types.payload(*index, *variant), args)
            }
            (Type::Record(index), Value::Record(parts)) => {
                usize::from(*index) < types.records.len() && all(types.parts(*index), parts)
            }
            (Type::Option(inner), Value::Some(value)) => value.fits_shape(inner, types),
            (Type::List { item, max } | Type::Ring { item, max }, Value::List(items)) => {
                items.len() <= usize::from(*max) && items.iter().all(|i| i.fits_shape(item, types))
            }
            (Type::Set { item, max }, Value::List(items)) => {
                items.len() <= usize::from(*max)
                    && items.is_sorted_by(|a, b| a < b)
                    && items.iter().all(|i| i.fits_shape(item, types))
            }
            (Type::Map { key, value, max }, Value::Map(pairs)) => {
                pairs.len() <= usize::from(*max)
                    && pairs.is_sorted_by(|a, b| a.0 < b.0)
                    && pairs
                        .iter()
                        .all(|(k, v)| k.fits_shape(key, types) && v.fits_shape(value, types))
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
            ) => false,
        }
    }

    /// Whether a value of the right shape also lies within the bounds of `ty`, part by part.
    pub fn in_range(&self, ty: &Type, types: &Types) -> bool {
        let all = |parts: &[Param], values: &[Value]| {
            parts.iter().zip(values).all(|(part, value)| value.in_range(&part.ty, types))
        };
        match (ty, self) {
            (Type::Option(inner), Value::Some(value)) => value.in_range(inner, types),
            (_, Value::Int(value)) => ty.bounds().is_some_and(|bounds| bounds.contains(*value)),
            (Type::Enum(index), Value::Variant(number, args)) => {
                all(types.payload(*index, *number), args)
            }
            (Type::Record(index), Value::Record(parts)) => all(types.parts(*index), parts),
            (Type::Map { key, value, .. }, Value::Map(pairs)) => {
                pairs.iter().all(|(k, v)| k.in_range(key, types) && v.in_range(value, types))
            }
            (_, Value::List(items)) => ty
                .items()
                .is_some_and(|(item, _)| items.iter().all(|value| value.in_range(item, types))),
            (
                _,
                Value::Bool(_)
                | Value::Variant(..)
                | Value::Text(_)
                | Value::Bytes(_)
                | Value::Bytes32(_)
                | Value::None
                | Value::Some(_)
                | Value::Record(_)
                | Value::Map(_),
            ) => true,
        }
    }
}
