//! Where each value lies in an image and in an offer: the byte layout that the interpreter, the
//! compiled component and the runtime share.
//!
//! All numbers are little-endian; nothing is aligned or padded; unused bytes are zero.
//!
//! An **image** is the *state*, all that rules, admission or schedule read, and the *tail*:
//! ```text
//! state  now i64 | born i64 | capabilities u64 | host 32 | bound i64 | mode u8
//!        fields in order, packed | one byte per attested field: 1 if its last write was signed
//!        per role: key 32, epoch u32, counter u64, window u64
//!        per tick rule: u16 (0, or HELD | reason, or REFUSED | reason)
//!        per limit: next u16, stamps i64 * count (i64::MIN where free)
//!        per prediction: open u8, worth u8, seen u8, made i64, captures, wide
//!        trust, if declared: x i64, t0 i64, recovering u8, len u8, 16 * (source, claim, stamp u32, since_break u8)
//! tail   sequence u64 | head 32 | delivered u64
//! ```
//! An **offer** is one fixed record:
//! ```text
//! kind u8 | observed i64 | served i64 | ignored u32
//! per input: present u8, at i64, value, wide
//! message: kind u16, role u16, verified u8, epoch u32, counter u64, not_after i64, signature 64, parameters, wide
//! birth:   creator 32, host 32, nonce 16, capabilities u64, birth values, wide, role keys 32 each
//! bind:    host 32, nonce 16, capabilities u64
//! ```
//! An **outcome** is `status u8 | reply u16 | served i64 | next_due i64 | length u32 | body`.
//!
//! *Packed*, a number takes the fewest of 1, 2, 4, 8 bytes that hold its bounds; *wide*, it takes 8,
//! because what is offered may lie outside its bounds. A bool and an option's tag are one byte, an
//! enum one packed and two wide, a text its length as u16 and then its capacity, a key 32.

use crate::model::Model;
use crate::policy::Trigger;
use crate::types::Type;
use crate::value::{Bytes32, Value};

/// Offsets in the state.
pub mod state {
    /// Logical time of the last entry.
    pub const NOW: usize = 0;
    /// The instant of birth.
    pub const BORN: usize = 8;
    /// The capabilities of the present host, bit by bit.
    pub const CAPABILITIES: usize = 16;
    /// The key of the present host.
    pub const HOST: usize = 24;
    /// When it was bound to it.
    pub const BOUND: usize = 56;
    /// [`OBSERVING`] and [`DORMANT`].
    pub const MODE: usize = 64;
    /// Where fields begin.
    pub const FIELDS: usize = 65;
    /// The host lacks what the object needs: it decides, but lets no effect out.
    pub const OBSERVING: u8 = 1;
    /// It does not tick.
    pub const DORMANT: u8 = 2;
    /// The last outcome of a tick rule was held, for the reason in the low bits.
    pub const HELD: u16 = 0x4000;
    /// It was refused, for the reason in the low bits.
    pub const REFUSED: u16 = 0x8000;
    /// A limit's stamp that is free.
    pub const FREE: i64 = i64::MIN;
}

/// Offsets in a role's record.
pub mod role {
    /// Its key.
    pub const KEY: usize = 0;
    /// How often it was bound anew.
    pub const EPOCH: usize = 32;
    /// The highest counter seen.
    pub const COUNTER: usize = 36;
    /// Bit k: counter - k was seen.
    pub const WINDOW: usize = 44;
    /// Bytes of the record.
    pub const SIZE: usize = 52;
}

/// Offsets in a prediction's record.
pub mod prediction {
    /// 1 while open.
    pub const OPEN: usize = 0;
    /// 1 if it was false when it was made.
    pub const WORTH: usize = 1;
    /// Checkpoints seen true.
    pub const SEEN: usize = 2;
    /// When it was made.
    pub const MADE: usize = 3;
    /// What it captured.
    pub const CAPTURES: usize = 11;
}

/// Offsets in the record of trust.
pub mod trust {
    /// E at `T0` in 1/1024 millionths.
    pub const X: usize = 0;
    /// The last evidence.
    pub const T0: usize = 8;
    /// 1 in recovery.
    pub const RECOVERING: usize = 16;
    /// Entries of the ring.
    pub const LEN: usize = 17;
    /// The ring.
    pub const RING: usize = 18;
    /// Bytes of one entry of the ring.
    pub const STRIDE: usize = 13;
    /// Entries that the ring can hold.
    pub const CAPACITY: usize = 16;
    /// Bytes of the record.
    pub const SIZE: usize = RING + STRIDE * CAPACITY;
}

/// Offsets in the tail, from its start.
pub mod tail {
    /// The number of the next entry.
    pub const SEQUENCE: usize = 0;
    /// The digest of the last entry.
    pub const HEAD: usize = 8;
    /// The number of the first entry whose events may not all have been handed over.
    pub const DELIVERED: usize = 40;
    /// Bytes of the tail.
    pub const SIZE: usize = 48;
}

/// Offsets in an offer, and its kinds.
pub mod offer {
    /// One of the kinds below.
    pub const KIND: usize = 0;
    /// The host's clock.
    pub const OBSERVED: usize = 1;
    /// Ticks up to here have been judged or lawfully skipped.
    pub const SERVED: usize = 9;
    /// Messages turned away without an entry since the last one.
    pub const IGNORED: usize = 17;
    /// Where inputs begin.
    pub const INPUTS: usize = 21;
    /// The object is born.
    pub const BIRTH: u8 = 0;
    /// Time has passed.
    pub const TICK: u8 = 1;
    /// Somebody says something.
    pub const MESSAGE: u8 = 2;
    /// The object is bound to a host.
    pub const BIND: u8 = 3;

    /// Offsets in the part of a message, from its start.
    pub mod message {
        /// The index of its kind.
        pub const KIND: usize = 0;
        /// The index of the sender's role.
        pub const ROLE: usize = 2;
        /// 1 if the host checked the signature.
        pub const VERIFIED: usize = 4;
        /// The role's epoch.
        pub const EPOCH: usize = 5;
        /// The signer's counter.
        pub const COUNTER: usize = 9;
        /// Not valid later.
        pub const NOT_AFTER: usize = 17;
        /// Ed25519.
        pub const SIGNATURE: usize = 25;
        /// Where parameters begin.
        pub const PARAMS: usize = 89;
    }

    /// Offsets in the part of a birth, from its start.
    pub mod birth {
        /// The creator's key.
        pub const CREATOR: usize = 0;
        /// The bind record.
        pub const BIND: usize = 32;
        /// Where birth values begin.
        pub const VALUES: usize = BIND + super::bind::SIZE;
    }

    /// Offsets in a bind record, from its start.
    pub mod bind {
        /// The host's key.
        pub const HOST: usize = 0;
        /// Chosen by the host.
        pub const NONCE: usize = 32;
        /// What it offers, bit by bit.
        pub const CAPABILITIES: usize = 48;
        /// Bytes of the record.
        pub const SIZE: usize = 56;
    }
}

/// Offsets in an outcome.
pub mod outcome {
    /// 1 if there is an entry.
    pub const STATUS: usize = 0;
    /// 0, or why the offer was refused.
    pub const REPLY: usize = 1;
    /// Ticks up to here have been judged.
    pub const SERVED: usize = 3;
    /// When the object wants to be ticked next.
    pub const NEXT_DUE: usize = 11;
    /// Bytes of the body.
    pub const LENGTH: usize = 19;
    /// The entry's body.
    pub const BODY: usize = 23;
}

/// How a value is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// 0 or 1.
    Bool,
    /// A signed number of so many bytes.
    Number(u8),
    /// A variant's number in so many bytes, below so many.
    Enum(u8, u16),
    /// A length, then so many bytes of which the rest are zero.
    Text(u16),
    /// 32 bytes.
    Bytes32,
    /// A tag, then the value or zeros.
    Option(Box<Form>),
}

/// A form at an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// From the start of the image or offer.
    pub offset: usize,
    /// How it is stored there.
    pub form: Form,
}

/// Where everything lies in the images and offers of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// One per field.
    pub fields: Vec<Slot>,
    /// One per attested field: its index and the byte that says whether its last write was signed.
    pub signed: Vec<(u16, usize)>,
    /// One per role.
    pub roles: Vec<usize>,
    /// One per tick rule: its index and its last outcome.
    pub outcomes: Vec<(u16, usize)>,
    /// One per limit: `next`, after which the stamps follow, and how many they are.
    pub limits: Vec<(usize, u16)>,
    /// One per prediction: its record and what it captures.
    pub predictions: Vec<(usize, Vec<Slot>)>,
    /// The record of trust.
    pub trust: Option<usize>,
    /// Bytes of the state; the tail begins here.
    pub state_size: usize,
    /// Bytes of the image.
    pub image_size: usize,
    /// One per input: `present`; `at` and the value follow.
    pub inputs: Vec<(usize, Slot)>,
    /// Where an offer's message, birth or bind begins.
    pub payload: usize,
    /// One list per message kind.
    pub params: Vec<Vec<Slot>>,
    /// One per field without default: its index and its birth value.
    pub births: Vec<(u16, Slot)>,
    /// Where the keys of a birth begin.
    pub birth_keys: usize,
    /// Bytes of an offer.
    pub offer_size: usize,
}

impl Form {
    /// How an image stores a value.
    pub fn packed(ty: &Type, enum_sizes: &[u16]) -> Form {
        match ty {
            Type::Option(inner) => Form::Option(Box::new(Form::packed(inner, enum_sizes))),
            Type::Enum(index) => {
                Form::Enum(1, enum_sizes.get(usize::from(*index)).copied().unwrap_or(0))
            }
            Type::Number { within, .. } | Type::Duration(within) | Type::Instant(within) => {
                let holds = |bits: u32| {
                    let half = 1i64 << (bits - 1);
                    -half <= within.low && within.high < half
                };
                Form::Number([8, 16, 32].into_iter().find(|bits| holds(*bits)).map_or(8, |bits| {
                    match bits {
                        8 => 1,
                        16 => 2,
                        _ => 4,
                    }
                }))
            }
            Type::Bool | Type::Text { .. } | Type::Key | Type::Hash => Form::wide(ty, enum_sizes),
        }
    }

    /// How an offer stores a value.
    pub fn wide(ty: &Type, enum_sizes: &[u16]) -> Form {
        match ty {
            Type::Bool => Form::Bool,
            Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => Form::Number(8),
            Type::Text { max } => Form::Text(*max),
            Type::Key | Type::Hash => Form::Bytes32,
            Type::Enum(index) => {
                Form::Enum(2, enum_sizes.get(usize::from(*index)).copied().unwrap_or(0))
            }
            Type::Option(inner) => Form::Option(Box::new(Form::wide(inner, enum_sizes))),
        }
    }

    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        match self {
            Form::Bool => 1,
            Form::Number(width) | Form::Enum(width, _) => usize::from(*width),
            Form::Text(max) => 2 + usize::from(*max),
            Form::Bytes32 => 32,
            Form::Option(inner) => 1 + inner.size(),
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
            (Form::Enum(width, _), Value::Variant(number)) => {
                let width = usize::from(*width);
                bytes[..width].copy_from_slice(&number.to_le_bytes()[..width]);
            }
            (Form::Text(max), Value::Text(text)) if text.len() <= usize::from(*max) => {
                bytes[..2].copy_from_slice(&(text.len() as u16).to_le_bytes());
                bytes[2..2 + text.len()].copy_from_slice(text.as_bytes());
            }
            (Form::Bytes32, Value::Bytes32(value)) => bytes[..32].copy_from_slice(&value.0),
            (Form::Option(inner), Value::Some(value)) => {
                bytes[0] = 1;
                inner.write(value, &mut bytes[1..]);
            }
            (
                Form::Bool
                | Form::Number(_)
                | Form::Enum(..)
                | Form::Text(_)
                | Form::Bytes32
                | Form::Option(_),
                _,
            ) => {}
        }
    }

    /// Reads a value back; `None` where the bytes are none that [`Form::write`] gives.
    pub fn read(&self, bytes: &[u8]) -> Option<Value> {
        let bytes = bytes.get(..self.size())?;
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
                Value::Variant(Some(number).filter(|number| number < variants)?)
            }
            Form::Text(max) => {
                let len = u16::from_le_bytes([bytes[0], bytes[1]]);
                let (text, rest) = bytes[2..].split_at_checked(usize::from(len.min(*max)))?;
                if len > *max || rest.iter().any(|byte| *byte != 0) {
                    return None;
                }
                Value::Text(std::str::from_utf8(text).ok()?.to_owned())
            }
            Form::Bytes32 => Value::Bytes32(Bytes32(bytes.try_into().ok()?)),
            Form::Option(inner) => match bytes[0] {
                0 if bytes[1..].iter().all(|byte| *byte == 0) => Value::None,
                1 => Value::Some(Box::new(inner.read(&bytes[1..])?)),
                _ => return None,
            },
        })
    }
}

/// Hands out offsets in order.
struct Cursor(usize);

impl Cursor {
    fn take(&mut self, size: usize) -> usize {
        let offset = self.0;
        self.0 += size;
        offset
    }

    fn slot(&mut self, form: Form) -> Slot {
        Slot { offset: self.take(form.size()), form }
    }
}

impl Layout {
    /// The layout of a class.
    pub fn of(model: &Model) -> Layout {
        let (schema, policy) = (&model.schema, &model.policy);
        let sizes: Vec<u16> = schema.enums.iter().map(|e| e.variants.len() as u16).collect();
        let index =
            |i: usize| u16::try_from(i).expect("lists are shorter than limits::DECLARATIONS");

        let mut at = Cursor(state::FIELDS);
        let fields = schema.fields.iter().map(|f| at.slot(Form::packed(&f.ty, &sizes))).collect();
        let attested = schema.fields.iter().enumerate().filter(|(_, f)| f.attested.is_some());
        let signed = attested.map(|(i, _)| (index(i), at.take(1))).collect();
        let roles = schema.roles.iter().map(|_| at.take(role::SIZE)).collect();
        let ticks = policy.rules.iter().enumerate().filter(|(_, rule)| rule.on == Trigger::Tick);
        let outcomes = ticks.map(|(i, _)| (index(i), at.take(2))).collect();
        let limits = policy
            .limits
            .iter()
            .map(|l| (at.take(2 + 8 * usize::from(l.count)), l.count))
            .collect();
        let predictions = policy
            .predictions
            .iter()
            .map(|p| {
                let record = at.take(prediction::CAPTURES);
                (record, p.captures.iter().map(|ty| at.slot(Form::wide(ty, &sizes))).collect())
            })
            .collect();
        let trust = policy.trust.as_ref().map(|_| at.take(trust::SIZE));
        let state_size = at.0;

        let mut at = Cursor(offer::INPUTS);
        let inputs = schema
            .inputs
            .iter()
            .map(|i| (at.take(9), at.slot(Form::wide(&i.ty, &sizes))))
            .collect();
        let payload = at.0;
        let mut offer_size = payload + offer::bind::SIZE;
        let params = schema
            .messages
            .iter()
            .map(|m| {
                let mut at = Cursor(payload + offer::message::PARAMS);
                let slots = m.params.iter().map(|p| at.slot(Form::wide(&p.ty, &sizes))).collect();
                offer_size = offer_size.max(at.0);
                slots
            })
            .collect();
        let mut at = Cursor(payload + offer::birth::VALUES);
        let births = schema
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.default.is_none())
            .map(|(i, field)| (index(i), at.slot(Form::wide(&field.ty, &sizes))))
            .collect();
        let birth_keys = at.take(32 * schema.roles.len());
        Layout {
            fields,
            signed,
            roles,
            outcomes,
            limits,
            predictions,
            trust,
            state_size,
            image_size: state_size + tail::SIZE,
            inputs,
            payload,
            params,
            births,
            birth_keys,
            offer_size: offer_size.max(at.0),
        }
    }
}
