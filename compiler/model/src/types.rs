//! The types of values, and the bounds within which each number lies.
//!
//! A number of any type is an `i64`: an `int` as it is, a `decimal<s>` times 10^s, a `duration` and
//! an `instant` in microseconds (an instant from 1970-01-01T00:00:00Z). Bounds are inclusive.

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
    /// A variant of the enum with this index.
    Enum(u16),
    /// The value or `none`.
    Option(Box<Type>),
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
    /// Text.
    Text,
    /// 32 bytes: a key or a hash.
    Bytes32,
    /// The value or none.
    Option(Box<Kind>),
}

impl Type {
    /// The shape of its values.
    pub fn kind(&self) -> Kind {
        match self {
            Type::Bool => Kind::Bool,
            Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => Kind::Number,
            Type::Text { .. } => Kind::Text,
            Type::Key | Type::Hash => Kind::Bytes32,
            Type::Enum(index) => Kind::Enum(*index),
            Type::Option(inner) => Kind::Option(Box::new(inner.kind())),
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
            | Type::Key
            | Type::Hash
            | Type::Enum(_)
            | Type::Option(_) => None,
        }
    }
}
