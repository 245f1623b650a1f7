//! The one text form of each value: `21.50`, `Goods`, `1h30min`, `@2027-01-31`, `none`, and JSON for
//! records, collections and variants that carry something.
//!
//! Text is read and written by type, exactly: a decimal keeps its scale, an instant is UTC, a key is
//! 64 hex digits. Inside JSON whole numbers are numbers and every other scalar is a string in its
//! text form; `none` is `null`, a variant that carries something `{"Card": {"number": 4}}`, a map an
//! object, or a list of pairs where its keys are records.

use crate::types::{Bounds, NEVER, Param, Type, Types};
use crate::value::{Bytes32, Value};
use serde_json::Value as Json;

impl Value {
    /// The text form of a value of this type.
    pub fn show(&self, ty: &Type, types: &Types) -> String {
        match (ty, self) {
            (Type::Option(inner), Value::Some(value)) => value.show(inner, types),
            (Type::Number { scale, .. }, Value::Int(value)) => show_decimal(*value, *scale),
            (Type::Duration(_), Value::Int(value)) => show_duration(*value),
            (Type::Instant(_), Value::Int(value)) => show_instant(*value),
            (Type::Enum(index), Value::Variant(number, args)) if args.is_empty() => {
                show_variant(*index, *number, types)
            }
            (_, Value::Bool(value)) => value.to_string(),
            (_, Value::Int(value)) => value.to_string(),
            (_, Value::Text(text)) => text.clone(),
            (_, Value::Bytes(bytes)) => {
                bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
            }
            (_, Value::Bytes32(bytes)) => bytes.to_string(),
            (_, Value::None) => "none".to_owned(),
            (_, Value::Some(value)) => value.show(ty, types),
            (_, Value::Variant(..) | Value::Record(_) | Value::List(_) | Value::Map(_)) => {
                self.show_json(ty, types)
            }
        }
    }

    /// The JSON form of a value of this type.
    pub fn show_json(&self, ty: &Type, types: &Types) -> String {
        let parts = |parts: &[Param], values: &[Value]| {
            let each = parts.iter().zip(values).map(|(part, value)| {
                format!("{}:{}", quoted(&part.name), value.show_json(&part.ty, types))
            });
            format!("{{{}}}", each.collect::<Vec<_>>().join(","))
        };
        let items = |item: &Type, values: &[Value]| {
            let each = values.iter().map(|value| value.show_json(item, types));
            format!("[{}]", each.collect::<Vec<_>>().join(","))
        };
        match (ty, self) {
            (Type::Option(inner), Value::Some(value)) => value.show_json(inner, types),
            (Type::Number { scale: 0, .. }, Value::Int(value)) => value.to_string(),
            (Type::Enum(index), Value::Variant(number, args)) if !args.is_empty() => {
                let name = quoted(&show_variant(*index, *number, types));
                format!("{{{name}:{}}}", parts(types.payload(*index, *number), args))
            }
            (Type::Record(index), Value::Record(values)) => parts(types.parts(*index), values),
            (Type::Map { key, value, .. }, Value::Map(pairs)) => {
                let is_plain = !matches!(**key, Type::Record(_));
                let each = pairs.iter().map(|(k, v)| {
                    let shown = v.show_json(value, types);
                    if is_plain {
                        format!("{}:{shown}", quoted(&k.show(key, types)))
                    } else {
                        format!("[{},{shown}]", k.show_json(key, types))
                    }
                });
                let all = each.collect::<Vec<_>>().join(",");
                if is_plain { format!("{{{all}}}") } else { format!("[{all}]") }
            }
            (_, Value::List(values)) => match ty.items() {
                Some((item, _)) => items(item, values),
                None => "[]".to_owned(),
            },
            (_, Value::Bool(value)) => value.to_string(),
            (_, Value::None) => "null".to_owned(),
            (
                _,
                Value::Int(_)
                | Value::Variant(..)
                | Value::Text(_)
                | Value::Bytes(_)
                | Value::Bytes32(_)
                | Value::Some(_)
                | Value::Record(_)
                | Value::Map(_),
            ) => quoted(&self.show(ty, types)),
        }
    }

    /// Reads the text form of a value of this type. The error says what was expected.
    pub fn parse(text: &str, ty: &Type, types: &Types) -> Result<Value, String> {
        match read(text, ty, types) {
            Some(value) if value.fits_shape(ty, types) => Ok(value),
            Some(_) | None => Err(format!(
                "`{text}` is not {}; for example {}",
                ty.describe(types),
                ty.example(types)
            )),
        }
    }
}

fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

fn show_variant(index: u16, number: u16, types: &Types) -> String {
    let found = types.enums.get(usize::from(index));
    let variant = found.and_then(|found| found.variants.get(usize::from(number)));
    variant.map_or_else(|| format!("variant {number}"), |variant| variant.name.clone())
}

/// Reads a value of the right kind, perhaps too long.
fn read(text: &str, ty: &Type, types: &Types) -> Option<Value> {
    match ty {
        Type::Option(_) if text == "none" => Some(Value::None),
        Type::Option(inner) => read(text, inner, types).map(|value| Value::Some(Box::new(value))),
        Type::Bool => text.parse().ok().map(Value::Bool),
        Type::Number { scale, .. } => parse_decimal(text, *scale).map(Value::Int),
        Type::Duration(_) => parse_duration(text).map(Value::Int),
        Type::Instant(_) => parse_instant(text).map(Value::Int),
        Type::Text { .. } => Some(Value::Text(text.to_owned())),
        Type::Bytes { .. } => read_hex(text.strip_prefix("0x")?).map(Value::Bytes),
        Type::Key | Type::Hash => {
            Bytes32::from_hex(text.strip_prefix("0x").unwrap_or(text)).map(Value::Bytes32)
        }
        Type::Enum(index) => {
            let plain = types.enums.get(usize::from(*index))?.named(text);
            match plain {
                Some(number) => Some(Value::variant(number)),
                None => read_json(&serde_json::from_str(text).ok()?, ty, types),
            }
        }
        Type::Record(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => read_json(&serde_json::from_str(text).ok()?, ty, types),
    }
}

fn read_hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = digits.chunks_exact(2);
    pairs.map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()).collect()
}

fn read_json(json: &Json, ty: &Type, types: &Types) -> Option<Value> {
    let parts = |parts: &[Param], json: &Json| -> Option<Vec<Value>> {
        let object = json.as_object().filter(|object| object.len() == parts.len())?;
        parts.iter().map(|part| read_json(object.get(&part.name)?, &part.ty, types)).collect()
    };
    let items = |item: &Type| -> Option<Vec<Value>> {
        json.as_array()?.iter().map(|json| read_json(json, item, types)).collect()
    };
    match (ty, json) {
        (Type::Option(_), Json::Null) => Some(Value::None),
        (Type::Option(inner), _) => {
            read_json(json, inner, types).map(|value| Value::Some(Box::new(value)))
        }
        (Type::Enum(index), Json::Object(object)) if object.len() == 1 => {
            let (name, args) = object.iter().next()?;
            let number = types.enums.get(usize::from(*index))?.named(name)?;
            Some(Value::Variant(number, parts(types.payload(*index, number), args)?))
        }
        (Type::Record(index), _) => parts(types.parts(*index), json).map(Value::Record),
        (Type::List { item, .. } | Type::Ring { item, .. }, _) => items(item).map(Value::List),
        (Type::Set { item, .. }, _) => {
            let mut found = items(item)?;
            found.sort();
            found.dedup();
            Some(Value::List(found))
        }
        (Type::Map { key, value, .. }, _) => {
            let mut pairs: Vec<(Value, Value)> = match json {
                Json::Object(object) => (object.iter())
                    .map(|(k, v)| Some((read(k, key, types)?, read_json(v, value, types)?)))
                    .collect::<Option<_>>()?,
                Json::Array(list) => (list.iter())
                    .map(|pair| match &pair.as_array()?[..] {
                        [k, v] => Some((read_json(k, key, types)?, read_json(v, value, types)?)),
                        _ => None,
                    })
                    .collect::<Option<_>>()?,
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => return None,
            };
            pairs.sort();
            let repeats = pairs.windows(2).any(|pair| pair[0].0 == pair[1].0);
            (!repeats).then_some(Value::Map(pairs))
        }
        (_, Json::String(text)) => read(text, ty, types),
        (Type::Bool, Json::Bool(truth)) => Some(Value::Bool(*truth)),
        (Type::Number { scale, .. }, Json::Number(number)) => {
            // Beyond 15 digits a number that is not whole may have been read as its neighbour.
            let text = number.to_string();
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let exact = number.is_i64() || digits <= 15;
            exact.then(|| parse_decimal(&text, *scale)).flatten().map(Value::Int)
        }
        _ => None,
    }
}

impl Type {
    /// The type in words: `a decimal with 2 digits in 5.00 ..= 30.00`.
    pub fn describe(&self, types: &Types) -> String {
        let range = |bounds: &Bounds| {
            let show = |value| Value::Int(value).show(self, types);
            format!("in {} ..= {}", show(bounds.low), show(bounds.high))
        };
        let several = |what: &str, item: &Type, max| {
            format!("{what} of at most {max}, each {}", item.describe(types))
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
            Type::Bytes { max } => format!("at most {max} bytes in hex, after 0x"),
            Type::Key => "a public key of 64 hex digits".to_owned(),
            Type::Hash => "a hash of 64 hex digits".to_owned(),
            Type::Enum(index) => match types.enums.get(usize::from(*index)) {
                Some(e) => format!("one of {}", e.names().collect::<Vec<_>>().join(", ")),
                None => "a variant".to_owned(),
            },
            Type::Record(index) => {
                let parts = types.parts(*index).iter().map(|part| part.name.as_str());
                format!("an object of {}", parts.collect::<Vec<_>>().join(", "))
            }
            Type::Option(inner) => format!("none or {}", inner.describe(types)),
            Type::List { item, max } => several("a list", item, max),
            Type::Ring { item, max } => several("a ring", item, max),
            Type::Set { item, max } => several("a set", item, max),
            Type::Map { key, value, max } => format!(
                "a map of at most {max}, from {} to {}",
                key.describe(types),
                value.describe(types)
            ),
        }
    }

    /// A value of the type.
    pub fn sample(&self, types: &Types) -> Value {
        let all = |parts: &[Param]| parts.iter().map(|part| part.ty.sample(types)).collect();
        match self {
            Type::Bool => Value::Bool(true),
            Type::Number { within, .. } | Type::Duration(within) => {
                Value::Int(0.clamp(within.low, within.high))
            }
            // 2027-01-31
            Type::Instant(within) => {
                Value::Int(1_801_353_600_000_000.clamp(within.low, within.high))
            }
            Type::Text { max } => Value::Text("words".chars().take(usize::from(*max)).collect()),
            Type::Bytes { .. } => Value::Bytes(vec![0xab]),
            Type::Key | Type::Hash => Value::Bytes32(Bytes32([0xab; 32])),
            Type::Enum(index) => Value::Variant(0, all(types.payload(*index, 0))),
            Type::Record(index) => Value::Record(all(types.parts(*index))),
            Type::Option(inner) => Value::Some(Box::new(inner.sample(types))),
            Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. } => {
                Value::List(vec![item.sample(types)])
            }
            Type::Map { key, value, .. } => {
                Value::Map(vec![(key.sample(types), value.sample(types))])
            }
        }
    }

    /// A value of the type, as text.
    pub fn example(&self, types: &Types) -> String {
        self.sample(types).show(self, types)
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
