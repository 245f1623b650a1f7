//! The canonical CBOR (RFC 8949, 4.2.1) in which entries and envelopes are written and read.
//!
//! Only what they need: unsigned and negative integers of 64 bits, byte and text strings, arrays of
//! known length, `false`, `true` and `null`. Each item has exactly one encoding; the reader refuses
//! every other. Sections, which are maps, go through `serde_ipld_dagcbor` instead.

use crate::types::{Param, Type, Types};
use crate::value::{Bytes32, Value};

const NULL: u8 = 0xf6;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;

/// Appends items to a buffer.
#[derive(Default)]
pub struct Writer {
    /// What has been written.
    pub bytes: Vec<u8>,
}

impl Writer {
    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        let bytes = argument.to_be_bytes();
        match argument {
            0..=23 => self.bytes.push(major | bytes[7]),
            24..=0xff => self.bytes.extend([major | 24, bytes[7]]),
            0x100..=0xffff => {
                self.bytes.push(major | 25);
                self.bytes.extend(&bytes[6..]);
            }
            0x1_0000..=0xffff_ffff => {
                self.bytes.push(major | 26);
                self.bytes.extend(&bytes[4..]);
            }
            _ => {
                self.bytes.push(major | 27);
                self.bytes.extend(bytes);
            }
        }
    }

    /// An array of so many items, which follow.
    pub fn array(&mut self, len: usize) {
        self.head(4, len as u64);
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) {
        self.head(0, value);
    }

    /// An integer.
    pub fn int(&mut self, value: i64) {
        if value < 0 { self.head(1, !value as u64) } else { self.head(0, value as u64) }
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) {
        self.head(2, value.len() as u64);
        self.bytes.extend(value);
    }

    /// A text string.
    pub fn text(&mut self, value: &str) {
        self.head(3, value.len() as u64);
        self.bytes.extend(value.as_bytes());
    }

    /// `null`
    pub fn null(&mut self) {
        self.bytes.push(NULL);
    }

    /// `false` or `true`
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(if value { TRUE } else { FALSE });
    }

    /// A value that fits its type: a variant is its stable number, or a list of it and what it carries;
    /// records and collections are lists, a map one of pairs.
    pub fn value(&mut self, value: &Value, ty: &Type, types: &Types) {
        match (value, ty) {
            (Value::Bool(value), _) => self.bool(*value),
            (Value::Int(value), _) => self.int(*value),
            (Value::Variant(index, args), Type::Enum(of)) => {
                let number = types.variant_numbers(*of).at(*index);
                if !args.is_empty() {
                    self.array(1 + args.len());
                }
                self.uint(u64::from(number));
                self.values(args, types.payload(*of, *index), types);
            }
            (Value::Text(text), _) => self.text(text),
            (Value::Bytes(bytes), _) => self.bytes(bytes),
            (Value::Bytes32(bytes), _) => self.bytes(&bytes.0),
            (Value::None, _) => self.null(),
            (Value::Some(value), Type::Option(inner)) => self.value(value, inner, types),
            (Value::Record(parts), Type::Record(index)) => {
                self.array(parts.len());
                self.values(parts, types.parts(*index), types);
            }
            (
                Value::List(items),
                Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. },
            ) => {
                self.array(items.len());
                items.iter().for_each(|value| self.value(value, item, types));
            }
            (Value::Map(pairs), Type::Map { key: of_key, value: of_value, .. }) => {
                self.array(pairs.len());
                for (key, value) in pairs {
                    self.array(2);
                    self.value(key, of_key, types);
                    self.value(value, of_value, types);
                }
            }
            (
                Value::Variant(..)
                | Value::Some(_)
                | Value::Record(_)
                | Value::List(_)
                | Value::Map(_),
                _,
            ) => unreachable!("a value that is written fits its type"),
        }
    }

    /// Values, one for each declared one.
    pub fn values(&mut self, values: &[Value], declared: &[Param], types: &Types) {
        values.iter().zip(declared).for_each(|(value, of)| self.value(value, &of.ty, types));
    }
}

/// Bytes that are not canonical CBOR of the wanted form: the offset and what was wanted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Where.
    pub offset: usize,
    /// What was wanted.
    pub wanted: &'static str,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "malformed at byte {}: {} was expected", self.offset, self.wanted)
    }
}

impl std::error::Error for Malformed {}

/// Reads items from a buffer.
pub struct Reader<'b> {
    bytes: &'b [u8],
    offset: usize,
}

impl<'b> Reader<'b> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'b [u8]) -> Self {
        Reader { bytes, offset: 0 }
    }

    /// How many bytes have been read.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// An error at the present place.
    pub fn wrong(&self, wanted: &'static str) -> Malformed {
        Malformed { offset: self.offset, wanted }
    }

    fn take(&mut self, len: usize, wanted: &'static str) -> Result<&'b [u8], Malformed> {
        let end = self.offset.checked_add(len).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.wrong(wanted))?;
        let taken = &self.bytes[self.offset..end];
        self.offset = end;
        Ok(taken)
    }

    fn head(&mut self, majors: &[u8], wanted: &'static str) -> Result<(u8, u64), Malformed> {
        let start = self.offset;
        let wrong = Malformed { offset: start, wanted };
        let first = self.take(1, wanted)?[0];
        let (major, info) = (first >> 5, first & 31);
        if !majors.contains(&major) {
            return Err(wrong);
        }
        let (width, least) = match info {
            0..=23 => return Ok((major, u64::from(info))),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return Err(wrong),
        };
        let value =
            self.take(width, wanted)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        if value < least { Err(wrong) } else { Ok((major, value)) }
    }

    /// Whether the next item is `null`, which is then read.
    pub fn null(&mut self) -> bool {
        let is_null = self.bytes.get(self.offset) == Some(&NULL);
        self.offset += usize::from(is_null);
        is_null
    }

    /// The length of an array. No longer than the bytes that are left.
    pub fn array(&mut self) -> Result<usize, Malformed> {
        let (_, len) = self.head(&[4], "an array")?;
        let left = self.bytes.len() - self.offset;
        usize::try_from(len)
            .ok()
            .filter(|len| *len <= left)
            .ok_or_else(|| self.wrong("a shorter array"))
    }

    /// An array of exactly this length.
    pub fn array_of(&mut self, len: usize, wanted: &'static str) -> Result<(), Malformed> {
        let start = self.offset;
        if self.array()? == len { Ok(()) } else { Err(Malformed { offset: start, wanted }) }
    }

    /// An unsigned integer.
    pub fn uint(&mut self) -> Result<u64, Malformed> {
        Ok(self.head(&[0], "an unsigned integer")?.1)
    }

    /// An unsigned integer below 2^16.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        let start = self.offset;
        let wrong = Malformed { offset: start, wanted: "an integer below 65536" };
        u16::try_from(self.uint()?).map_err(|_| wrong)
    }

    /// An unsigned integer below 2^32.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        let start = self.offset;
        let wrong = Malformed { offset: start, wanted: "an integer below 2^32" };
        u32::try_from(self.uint()?).map_err(|_| wrong)
    }

    /// An integer of 64 bits with sign.
    pub fn int(&mut self) -> Result<i64, Malformed> {
        let start = self.offset;
        let (major, value) = self.head(&[0, 1], "an integer")?;
        let value = i64::try_from(value)
            .map_err(|_| Malformed { offset: start, wanted: "an integer of 64 bits" })?;
        Ok(if major == 1 { !value } else { value })
    }

    /// A byte string.
    pub fn bytes(&mut self) -> Result<&'b [u8], Malformed> {
        let (_, len) = self.head(&[2], "a byte string")?;
        let len = usize::try_from(len).map_err(|_| self.wrong("a shorter byte string"))?;
        self.take(len, "a whole byte string")
    }

    /// A byte string of exactly `N` bytes.
    pub fn array_bytes<const N: usize>(
        &mut self,
        wanted: &'static str,
    ) -> Result<[u8; N], Malformed> {
        let start = self.offset;
        self.bytes()?.try_into().map_err(|_| Malformed { offset: start, wanted })
    }

    /// A byte string of 32 bytes.
    pub fn bytes32(&mut self) -> Result<Bytes32, Malformed> {
        self.array_bytes("32 bytes").map(Bytes32)
    }

    /// A text string.
    pub fn text(&mut self) -> Result<&'b str, Malformed> {
        let start = self.offset;
        let (_, len) = self.head(&[3], "a text string")?;
        let len = usize::try_from(len).map_err(|_| self.wrong("a shorter text string"))?;
        let bytes = self.take(len, "a whole text string")?;
        std::str::from_utf8(bytes).map_err(|_| Malformed { offset: start, wanted: "UTF-8" })
    }

    /// `false` or `true`.
    pub fn bool(&mut self) -> Result<bool, Malformed> {
        let wrong = self.wrong("false or true");
        match self.take(1, "false or true")?[0] {
            FALSE => Ok(false),
            TRUE => Ok(true),
            _ => Err(wrong),
        }
    }

    /// A value of this type, of its shape: whether numbers lie within their bounds is not looked at.
    pub fn value(&mut self, ty: &Type, types: &Types) -> Result<Value, Malformed> {
        let wrong = self.wrong("a value of its type");
        let value = self.item(ty, types)?;
        if value.fits_shape(ty, types) { Ok(value) } else { Err(wrong) }
    }

    fn item(&mut self, ty: &Type, types: &Types) -> Result<Value, Malformed> {
        Ok(match ty {
            Type::Bool => Value::Bool(self.bool()?),
            Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => Value::Int(self.int()?),
            Type::Enum(index) => self.variant(*index, types)?,
            Type::Record(index) => {
                let parts = types.parts(*index);
                self.array_of(parts.len(), "one item for each part of a record")?;
                Value::Record(self.parts(parts, types)?)
            }
            Type::Text { .. } => Value::Text(self.text()?.to_owned()),
            Type::Bytes { .. } => Value::Bytes(self.bytes()?.to_owned()),
            Type::Key | Type::Hash => Value::Bytes32(self.bytes32()?),
            Type::Option(_) if self.null() => Value::None,
            Type::Option(inner) => Value::Some(Box::new(self.item(inner, types)?)),
            Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. } => {
                let len = self.array()?;
                Value::List((0..len).map(|_| self.item(item, types)).collect::<Result<_, _>>()?)
            }
            Type::Map { key, value, .. } => {
                let len = self.array()?;
                let mut pair = || {
                    self.array_of(2, "a key and a value")?;
                    Ok((self.item(key, types)?, self.item(value, types)?))
                };
                Value::Map((0..len).map(|_| pair()).collect::<Result<_, _>>()?)
            }
        })
    }

    fn variant(&mut self, index: u16, types: &Types) -> Result<Value, Malformed> {
        let is_list = self.bytes.get(self.offset).is_some_and(|head| head >> 5 == 4);
        if !is_list {
            return Ok(Value::variant(self.variant_index(index, types)?));
        }
        let wrong = self.wrong("what the variant carries");
        let len = self.array()?;
        let variant = self.variant_index(index, types)?;
        let params = types.payload(index, variant);
        if params.is_empty() || len != params.len() + 1 {
            return Err(wrong);
        }
        Ok(Value::Variant(variant, self.parts(params, types)?))
    }

    /// A stable number to the index of the variant that has it.
    fn variant_index(&mut self, index: u16, types: &Types) -> Result<u16, Malformed> {
        let wrong = self.wrong("the number of a variant");
        types.variant_numbers(index).index_of(self.u16()?).ok_or(wrong)
    }

    fn parts(&mut self, parts: &[Param], types: &Types) -> Result<Vec<Value>, Malformed> {
        parts.iter().map(|part| self.item(&part.ty, types)).collect()
    }

    /// Nothing may follow.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.offset == self.bytes.len() { Ok(()) } else { Err(self.wrong("the end")) }
    }
}
