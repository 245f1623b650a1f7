//! Values, and the one text form of each: `21.50`, `Goods`, `1h30min`, `@2027-01-31`, `none`.
//!
//! Text is read and written by type, exactly: a decimal keeps its scale, an instant is UTC, a key
//! is 64 hex digits.

use crate::schema::Enum;
use crate::types::{Bounds, NEVER, Type};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value of any type; a number is scaled as its type says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// Any number, a duration or an instant.
    Int(i64),
    /// A variant, by its stable number.
    Variant(u16),
    /// Text.
    Text(String),
    /// A key or a hash.
    Bytes32(Bytes32),
    /// Nothing.
    None,
    /// Something.
    Some(Box<Value>),
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
    /// The number, where it is one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            Value::Bool(_)
            | Value::Variant(_)
            | Value::Text(_)
            | Value::Bytes32(_)
            | Value::None
            | Value::Some(_) => None,
        }
    }

    /// Whether it has the shape of `ty`: everything but a number's bounds.
    pub fn fits_shape(&self, ty: &Type, enums: &[Enum]) -> bool {
        match (ty, self) {
            (Type::Bool, Value::Bool(_))
            | (Type::Number { .. } | Type::Duration(_) | Type::Instant(_), Value::Int(_))
            | (Type::Key | Type::Hash, Value::Bytes32(_))
            | (Type::Option(_), Value::None) => true,
            (Type::Text { max }, Value::Text(text)) => text.len() <= usize::from(*max),
            (Type::Enum(index), Value::Variant(variant)) => enums
                .get(usize::from(*index))
                .is_some_and(|e| usize::from(*variant) < e.variants.len()),
            (Type::Option(inner), Value::Some(value)) => value.fits_shape(inner, enums),
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
            ) => false,
        }
    }

    /// Whether a value of the right shape also lies within the bounds of `ty`.
    pub fn in_range(&self, ty: &Type) -> bool {
        match (ty, self) {
            (Type::Option(inner), Value::Some(value)) => value.in_range(inner),
            (_, Value::Int(value)) => ty.bounds().is_some_and(|bounds| bounds.contains(*value)),
            (
                _,
                Value::Bool(_)
                | Value::Variant(_)
                | Value::Text(_)
                | Value::Bytes32(_)
                | Value::None
                | Value::Some(_),
            ) => true,
        }
    }

    /// The text form of a value of this type.
    pub fn show(&self, ty: &Type, enums: &[Enum]) -> String {
        match (ty, self) {
            (Type::Option(inner), Value::Some(value)) => value.show(inner, enums),
            (Type::Number { scale, .. }, Value::Int(value)) => show_decimal(*value, *scale),
            (Type::Duration(_), Value::Int(value)) => show_duration(*value),
            (Type::Instant(_), Value::Int(value)) => show_instant(*value),
            (Type::Enum(index), Value::Variant(variant)) => enums
                .get(usize::from(*index))
                .and_then(|e| e.variants.get(usize::from(*variant)))
                .cloned()
                .unwrap_or_else(|| format!("variant {variant}")),
            (_, Value::Bool(value)) => value.to_string(),
            (_, Value::Int(value)) => value.to_string(),
            (_, Value::Variant(variant)) => format!("variant {variant}"),
            (_, Value::Text(text)) => text.clone(),
            (_, Value::Bytes32(bytes)) => bytes.to_string(),
            (_, Value::None) => "none".to_owned(),
            (_, Value::Some(value)) => value.show(ty, enums),
        }
    }

    /// Reads the text form of a value of this type. The error says what was expected.
    pub fn parse(text: &str, ty: &Type, enums: &[Enum]) -> Result<Value, String> {
        let wrong =
            || format!("`{text}` is not {}; for example {}", ty.describe(enums), ty.example(enums));
        let value = match ty {
            Type::Option(_) if text == "none" => Some(Value::None),
            Type::Option(inner) => {
                return Value::parse(text, inner, enums).map(|value| Value::Some(Box::new(value)));
            }
            Type::Bool => text.parse().ok().map(Value::Bool),
            Type::Number { scale, .. } => parse_decimal(text, *scale).map(Value::Int),
            Type::Duration(_) => parse_duration(text).map(Value::Int),
            Type::Instant(_) => parse_instant(text).map(Value::Int),
            Type::Text { .. } => Some(Value::Text(text.to_owned())),
            Type::Key | Type::Hash => {
                Bytes32::from_hex(text.strip_prefix("0x").unwrap_or(text)).map(Value::Bytes32)
            }
            Type::Enum(index) => enums
                .get(usize::from(*index))
                .and_then(|e| e.variants.iter().position(|name| name == text))
                .and_then(|number| u16::try_from(number).ok())
                .map(Value::Variant),
        };
        match value {
            Some(value) if value.fits_shape(ty, enums) => Ok(value),
            Some(_) | None => Err(wrong()),
        }
    }
}

impl Type {
    /// The type in words: `a decimal with 2 digits in 5.00 ..= 30.00`.
    pub fn describe(&self, enums: &[Enum]) -> String {
        let range = |bounds: &Bounds| {
            let show = |value| Value::Int(value).show(self, enums);
            format!("in {} ..= {}", show(bounds.low), show(bounds.high))
        };
        match self {
            Type::Bool => "true or false".to_owned(),
            Type::Number { scale: 0, within, .. } => format!("a whole number {}", range(within)),
            Type::Number { scale, within, .. } => {
                format!("a decimal with {scale} digits {}", range(within))
            }
            Type::Duration(within) => format!("a duration {}", range(within)),
            Type::Instant(_) => "an instant".to_owned(),
            Type::Text { max } => format!("text of at most {max} bytes"),
            Type::Key => "a public key of 64 hex digits".to_owned(),
            Type::Hash => "a hash of 64 hex digits".to_owned(),
            Type::Enum(index) => match enums.get(usize::from(*index)) {
                Some(e) => format!("one of {}", e.variants.join(", ")),
                None => "a variant".to_owned(),
            },
            Type::Option(inner) => format!("none or {}", inner.describe(enums)),
        }
    }

    /// A value of the type, as text.
    pub fn example(&self, enums: &[Enum]) -> String {
        match self {
            Type::Bool => "true".to_owned(),
            Type::Number { within, .. } | Type::Duration(within) => {
                Value::Int(0.clamp(within.low, within.high)).show(self, enums)
            }
            Type::Instant(_) => "@2027-01-31".to_owned(),
            Type::Text { .. } => "words".to_owned(),
            Type::Key | Type::Hash => "ab".repeat(32),
            Type::Enum(index) => enums
                .get(usize::from(*index))
                .and_then(|e| e.variants.first().cloned())
                .unwrap_or_default(),
            Type::Option(inner) => inner.example(enums),
        }
    }
}

/// `2150` with 2 digits: `21.50`.
pub fn show_decimal(value: i64, scale: u8) -> String {
    if scale == 0 {
        return value.to_string();
    }
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    format!("{}{whole}.{part}", if value < 0 { "-" } else { "" })
}

/// Reads a decimal with at most `scale` digits after the point.
pub fn parse_decimal(text: &str, scale: u8) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > usize::from(scale) {
        return None;
    }
    if digits.contains('.') && part.is_empty() {
        return None;
    }
    let mut value: i128 = 0;
    let zeros = usize::from(scale) - part.len();
    for digit in whole.bytes().chain(part.bytes()).chain(std::iter::repeat_n(b'0', zeros)) {
        if digit != b'_' {
            value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
    }
    i64::try_from(if negative { -value } else { value }).ok()
}

/// The units of durations, longest first, in microseconds.
pub const DURATION_UNITS: [(&str, i64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// `5400000000`: `1h30min`.
pub fn show_duration(value: i64) -> String {
    if value == 0 {
        return "0s".to_owned();
    }
    let mut left = value.unsigned_abs();
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (name, size) in DURATION_UNITS {
        let count = left / size.unsigned_abs();
        left %= size.unsigned_abs();
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
        }
    }
    text
}

/// Reads `1h30min`: units in descending order, each at most once.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut total: i64 = 0;
    let mut units = DURATION_UNITS.iter();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '_')?;
        let count: i64 = rest[..digits].replace('_', "").parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
        let size = units.find(|(name, _)| *name == &rest[..end])?.1;
        total = total.checked_add(count.checked_mul(size)?)?;
        rest = &rest[end..];
    }
    Some(if negative { -total } else { total })
}

/// `@2027-01-31T06:00:00Z`; `never` for the last instant.
pub fn show_instant(value: i64) -> String {
    if value >= NEVER {
        return "never".to_owned();
    }
    const DAY: i64 = 86_400_000_000;
    let (year, month, day) = civil_from_days(value.div_euclid(DAY));
    let in_day = value.rem_euclid(DAY);
    let date = format!("@{year:04}-{month:02}-{day:02}");
    if in_day == 0 {
        return date;
    }
    let seconds = in_day / 1_000_000;
    let micros = in_day % 1_000_000;
    let part = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{date}T{h:02}:{m:02}:{s:02}{part}Z")
}

/// Reads `@2027-01-31`, `@2027-01-31T06:00:00Z`, with up to six digits of a second, or `never`.
pub fn parse_instant(text: &str) -> Option<i64> {
    if text == "never" {
        return Some(NEVER);
    }
    let text = text.strip_prefix('@').unwrap_or(text);
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time.strip_suffix('Z')?)),
        None => (text, None),
    };
    let number = |s: &str, width: usize| -> Option<i64> {
        (s.len() == width && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok())?
    };
    let mut parts = date.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let days = days_from_civil(year, month, day);
    if parts.next().is_some() || civil_from_days(days) != (year, month, day) {
        return None;
    }
    let mut micros = days.checked_mul(86_400_000_000)?;
    if let Some(time) = time {
        let (time, part) = time.split_once('.').map_or((time, None), |(t, p)| (t, Some(p)));
        let mut parts = time.split(':');
        let (h, m, s) =
            (number(parts.next()?, 2)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
        if parts.next().is_some() || h > 23 || m > 59 || s > 59 {
            return None;
        }
        micros += ((h * 60 + m) * 60 + s) * 1_000_000;
        if let Some(part) = part {
            if part.is_empty() || part.len() > 6 || !part.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            micros += format!("{part:0<6}").parse::<i64>().ok()?;
        }
    }
    Bounds::INSTANT.contains(micros).then_some(micros)
}

/// Days since 1970 of a date of the proleptic Gregorian calendar
/// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date (year, month, day) of a day since 1970; the inverse of [`days_from_civil`].
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        for (value, scale, text) in
            [(2150, 2, "21.50"), (-5, 2, "-0.05"), (7, 0, "7"), (-100, 1, "-10.0")]
        {
            assert_eq!(show_decimal(value, scale), text);
            assert_eq!(parse_decimal(text, scale), Some(value));
        }
        for text in ["1h30min", "1d", "250ms", "-1min", "0s", "2d3h4min5s6ms7us"] {
            assert_eq!(show_duration(parse_duration(text).expect("reads")), text);
        }
        for text in [
            "@2027-01-31",
            "@1970-01-01",
            "@2000-02-29T23:59:59Z",
            "@2261-12-31T00:00:00.000001Z",
            "never",
        ] {
            assert_eq!(show_instant(parse_instant(text).expect("reads")), text);
        }
    }

    #[test]
    fn wrong_text_is_refused() {
        assert_eq!(parse_decimal("1.234", 2), None);
        assert_eq!(parse_decimal("1.", 2), None);
        assert_eq!(parse_decimal("99999999999999999999", 0), None);
        assert_eq!(parse_duration("1min1h"), None);
        assert_eq!(parse_duration("10m"), None);
        assert_eq!(parse_instant("@2027-02-29"), None);
        assert_eq!(parse_instant("@2027-01-01T24:00:00Z"), None);
        assert_eq!(Bytes32::from_hex("zz"), None);
    }
}
