//! How the bytes of one value lie, in images and in offers.
//!
//! All numbers are little-endian; nothing is aligned or padded; unused bytes are zero, so that equal
//! values have equal bytes.
//! ```text
//! bool        u8, 0 or 1
//! number      i8, i16, i32 or i64
//! enum        the index of its variant: u8 or u16; with payloads: u16, then the parts of the variant
//! text, bytes its length as u16, then its capacity
//! key, hash   32 bytes
//! option      u8, 0 or 1, then the value or zeros
//! record      its parts
//! list, set   how many as u16, then the items; a ring is a list, its oldest item first
//! map         how many as u16, then pairs of key and value
//! ```
//! *Packed*, as a field that is a single number or enum, a value takes the fewest bytes that hold its
//! bounds. *Wide*, everywhere else, a number takes 8 bytes and an enum 2: what is offered may lie
//! outside its bounds, and what is held inside a record or a collection has one form wherever it is.

use crate::types::{Param, Type, Types};
use crate::value::{Bytes32, Value};

/// How a value is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// 0 or 1.
    Bool,
    /// A signed number of so many bytes.
    Number(u8),
    /// A variant's index in so many bytes, below so many.
    Enum(u8, u16),
    /// A variant's index as u16, then the parts that it carries, then zeros up to the longest.
    Union(Vec<Vec<Form>>),
    /// A length, then so many bytes of UTF-8, of which the rest are zero.
    Text(u16),
    /// A length, then so many bytes, of which the rest are zero.
    Bytes(u16),
    /// 32 bytes.
    Bytes32,
    /// A tag, then the value or zeros.
    Option(Box<Form>),
    /// One after the other.
    Record(Vec<Form>),
    /// How many, then room for so many.
    List(Box<Form>, u16),
    /// A list in ascending order, each item once.
    Set(Box<Form>, u16),
    /// How many, then room for so many pairs, in ascending order of keys, each key once.
    Map(Box<Form>, Box<Form>, u16),
}

/// Bytes of a length, of a count and of the index of a variant that carries something.
pub const COUNT: usize = 2;

impl Form {
    /// How an image stores a field.
    pub fn packed(ty: &Type, types: &Types) -> Form {
        match ty {
            Type::Option(inner) => Form::Option(Box::new(Form::packed(inner, types))),
            Type::Number { within, .. } | Type::Duration(within) | Type::Instant(within) => {
                let holds = |bytes: &u8| {
                    let half = 1i64 << (8 * u32::from(*bytes) - 1);
                    -half <= within.low && within.high < half
                };
                Form::Number([1, 2, 4].into_iter().find(holds).unwrap_or(8))
            }
            Type::Enum(_)
            | Type::Bool
            | Type::Text { .. }
            | Type::Bytes { .. }
            | Type::Key
            | Type::Hash
            | Type::Record(_)
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. } => {
                let wide = Form::wide(ty, types);
                if let Form::Enum(_, count) = wide { Form::Enum(1, count) } else { wide }
            }
        }
    }

    /// How everything else stores a value.
    pub fn wide(ty: &Type, types: &Types) -> Form {
        let all = |parts: &[Param]| parts.iter().map(|part| Form::wide(&part.ty, types)).collect();
        let boxed = |ty: &Type| Box::new(Form::wide(ty, types));
        match ty {
            Type::Bool => Form::Bool,
            Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => Form::Number(8),
            Type::Text { max } => Form::Text(*max),
            Type::Bytes { max } => Form::Bytes(*max),
            Type::Key | Type::Hash => Form::Bytes32,
            Type::Enum(index) => match types.enums.get(usize::from(*index)) {
                Some(found) if !found.is_plain() => {
                    Form::Union(found.variants.iter().map(|v| all(&v.params)).collect())
                }
                Some(found) => Form::Enum(2, found.variants.len() as u16),
                None => Form::Enum(2, 0),
            },
            Type::Record(index) => Form::Record(all(types.parts(*index))),
            Type::Option(inner) => Form::Option(boxed(inner)),
            Type::List { item, max } | Type::Ring { item, max } => Form::List(boxed(item), *max),
            Type::Set { item, max } => Form::Set(boxed(item), *max),
            Type::Map { key, value, max } => Form::Map(boxed(key), boxed(value), *max),
        }
    }

    /// Bytes that it takes; as many as can be counted where it takes more.
    pub fn size(&self) -> usize {
        match self {
            Form::Bool => 1,
            Form::Number(width) | Form::Enum(width, _) => usize::from(*width),
            Form::Union(cases) => {
                let longest = cases.iter().map(|case| size_of_all(case)).max();
                COUNT.saturating_add(longest.unwrap_or(0))
            }
            Form::Text(max) | Form::Bytes(max) => COUNT + usize::from(*max),
            Form::Bytes32 => 32,
            Form::Option(inner) => inner.size().saturating_add(1),
            Form::Record(parts) => size_of_all(parts),
            Form::List(..) | Form::Set(..) | Form::Map(..) => {
                let (stride, max) = self.items().unwrap_or((0, 0));
                stride.saturating_mul(max).saturating_add(COUNT)
            }
        }
    }

    /// Of a collection: the bytes from one item to the next, and how many items there are at most.
    pub fn items(&self) -> Option<(usize, usize)> {
        match self {
            Form::List(item, max) | Form::Set(item, max) => Some((item.size(), (*max).into())),
            Form::Map(key, value, max) => {
                Some((key.size().saturating_add(value.size()), (*max).into()))
            }
            Form::Bool
            | Form::Number(_)
            | Form::Enum(..)
            | Form::Union(_)
            | Form::Text(_)
            | Form::Bytes(_)
            | Form::Bytes32
            | Form::Option(_)
            | Form::Record(_) => None,
        }
    }

    /// Writes `value` at the start of `bytes`, which is as long as [`Form::size`] says. A value of
    /// another shape leaves zeros.
    pub fn write(&self, value: &Value, bytes: &mut [u8]) {
        bytes[..self.size()].fill(0);
        match (self, value) {
            (Form::Bool, Value::Bool(value)) => bytes[0] = u8::from(*value),
            (Form::Number(width), Value::Int(value)) => {
                let width = usize::from(*width);
                bytes[..width].copy_from_slice(&value.to_le_bytes()[..width]);
            }
            (Form::Enum(width, _), Value::Variant(number, _)) => {
                let width = usize::from(*width);
                bytes[..width].copy_from_slice(&number.to_le_bytes()[..width]);
            }
            (Form::Union(cases), Value::Variant(number, args)) => {
                bytes[..COUNT].copy_from_slice(&number.to_le_bytes());
                if let Some(case) = cases.get(usize::from(*number)) {
                    write_all(case, args, &mut bytes[COUNT..]);
                }
            }
            (Form::Text(max), Value::Text(text)) => write_bytes(text.as_bytes(), *max, bytes),
            (Form::Bytes(max), Value::Bytes(value)) => write_bytes(value, *max, bytes),
            (Form::Bytes32, Value::Bytes32(value)) => bytes[..32].copy_from_slice(&value.0),
            (Form::Option(inner), Value::Some(value)) => {
                bytes[0] = 1;
                inner.write(value, &mut bytes[1..]);
            }
            (Form::Record(parts), Value::Record(values)) => write_all(parts, values, bytes),
            (Form::List(item, max) | Form::Set(item, max), Value::List(values))
                if values.len() <= usize::from(*max) =>
            {
                bytes[..COUNT].copy_from_slice(&(values.len() as u16).to_le_bytes());
                let stride = item.size();
                for (k, value) in values.iter().enumerate() {
                    item.write(value, &mut bytes[COUNT + k * stride..]);
                }
            }
            (Form::Map(key, value, max), Value::Map(pairs)) if pairs.len() <= usize::from(*max) => {
                bytes[..COUNT].copy_from_slice(&(pairs.len() as u16).to_le_bytes());
                let (before, stride) = (key.size(), key.size() + value.size());
                for (k, (found, held)) in pairs.iter().enumerate() {
                    let at = COUNT + k * stride;
                    key.write(found, &mut bytes[at..]);
                    value.write(held, &mut bytes[at + before..]);
                }
            }
            (
                Form::Bool
                | Form::Number(_)
                | Form::Enum(..)
                | Form::Union(_)
                | Form::Text(_)
                | Form::Bytes(_)
                | Form::Bytes32
                | Form::Option(_)
                | Form::Record(_)
                | Form::List(..)
                | Form::Set(..)
                | Form::Map(..),
                _,
            ) => {}
        }
    }

    /// Reads a value back; `None` where the bytes are none that [`Form::write`] gives.
    pub fn read(&self, bytes: &[u8]) -> Option<Value> {
        let bytes = bytes.get(..self.size())?;
        let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        Some(match self {
            Form::Bool => Value::Bool(match bytes[0] {
                0 => false,
                1 => true,
                _ => return None,
            }),
            Form::Number(_) => {
                let sign = if bytes[bytes.len() - 1] & 0x80 == 0 { 0 } else { 0xff };
                let mut wide = [sign; 8];
                wide[..bytes.len()].copy_from_slice(bytes);
                Value::Int(i64::from_le_bytes(wide))
            }
            Form::Enum(_, variants) => {
                let number = bytes.iter().rev().fold(0u16, |n, byte| n << 8 | u16::from(*byte));
                Value::variant(Some(number).filter(|number| number < variants)?)
            }
            Form::Union(cases) => {
                let number = u16::from_le_bytes([bytes[0], bytes[1]]);
                let case = cases.get(usize::from(number))?;
                let (parts, rest) = bytes[COUNT..].split_at_checked(size_of_all(case))?;
                if !is_zero(rest) {
                    return None;
                }
                Value::Variant(number, read_all(case, parts)?)
            }
            Form::Text(_) => Value::Text(std::str::from_utf8(read_bytes(bytes)?).ok()?.to_owned()),
            Form::Bytes(_) => Value::Bytes(read_bytes(bytes)?.to_owned()),
            Form::Bytes32 => Value::Bytes32(Bytes32(bytes.try_into().ok()?)),
            Form::Option(inner) => match bytes[0] {
                0 if is_zero(&bytes[1..]) => Value::None,
                1 => Value::Some(Box::new(inner.read(&bytes[1..])?)),
                _ => return None,
            },
            Form::Record(parts) => Value::Record(read_all(parts, bytes)?),
            Form::List(item, _) => Value::List(self.read_items(bytes, |b| item.read(b))?),
            Form::Set(item, _) => {
                let items = self.read_items(bytes, |b| item.read(b))?;
                Value::List(Some(items).filter(|items| items.is_sorted_by(|a, b| a < b))?)
            }
            Form::Map(key, value, _) => {
                let before = key.size();
                let pair = |b: &[u8]| Some((key.read(b)?, value.read(&b[before..])?));
                let pairs = self.read_items(bytes, pair)?;
                Value::Map(Some(pairs).filter(|pairs| pairs.is_sorted_by(|a, b| a.0 < b.0))?)
            }
        })
    }

    /// The items of a collection; what comes after the last is zero.
    fn read_items<T>(&self, bytes: &[u8], read: impl Fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
        let (stride, max) = self.items()?;
        let count = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let (items, rest) = bytes[COUNT..].split_at_checked(stride * count.min(max))?;
        if count > max || rest.iter().any(|byte| *byte != 0) {
            return None;
        }
        (0..count).map(|k| read(&items[k * stride..(k + 1) * stride])).collect()
    }
}

fn size_of_all(parts: &[Form]) -> usize {
    parts.iter().map(Form::size).fold(0, usize::saturating_add)
}

fn write_all(parts: &[Form], values: &[Value], bytes: &mut [u8]) {
    let mut at = 0;
    for (part, value) in parts.iter().zip(values) {
        part.write(value, &mut bytes[at..]);
        at += part.size();
    }
}

fn read_all(parts: &[Form], bytes: &[u8]) -> Option<Vec<Value>> {
    let mut at = 0;
    let mut each = |part: &Form| {
        let value = part.read(&bytes[at..]);
        at += part.size();
        value
    };
    parts.iter().map(&mut each).collect()
}

fn write_bytes(value: &[u8], max: u16, bytes: &mut [u8]) {
    if value.len() <= usize::from(max) {
        bytes[..COUNT].copy_from_slice(&(value.len() as u16).to_le_bytes());
        bytes[COUNT..COUNT + value.len()].copy_from_slice(value);
    }
}

fn read_bytes(bytes: &[u8]) -> Option<&[u8]> {
    let len = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let (value, rest) = bytes[COUNT..].split_at_checked(len)?;
    rest.iter().all(|byte| *byte == 0).then_some(value)
}
