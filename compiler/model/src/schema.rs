//! The schema: what an object holds, what it is told and what it says.
//!
//! Each declaration bears a stable `number` within its kind. Lists are sorted by it (but for rules,
//! whose order is that of election), and everything else refers to a declaration by its *index* in its
//! list. Numbers appear in lineage entries and in
//! signed envelopes, so a later version may leave gaps but never uses one again.

use crate::expr::Expr;
use crate::types::{Param, Type, Types};
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// What an object holds, hears and says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The version of these bytes.
    pub model: u16,
    /// The module: `edge.thermostat`.
    pub package: String,
    /// The object: `Thermostat`.
    pub object: String,
    /// The object's own version.
    pub version: u32,
    /// Its purpose, in its author's words.
    pub intent: String,
    /// The enums and records that its types name.
    pub types: Types,
    /// Who may speak to it.
    pub roles: Vec<Role>,
    /// Its memory.
    pub fields: Vec<Field>,
    /// What its expressions may call; one calls only those before it.
    pub functions: Vec<Function>,
    /// Values computed from its memory whenever they are asked for.
    pub derives: Vec<Derive>,
    /// What its host may offer.
    pub inputs: Vec<Input>,
    /// What it may be told.
    pub messages: Vec<Message>,
    /// What it may say.
    pub events: Vec<Event>,
    /// The names after `via` and `hosts need`; their index is their bit.
    pub capabilities: Vec<String>,
    /// When it acts by itself.
    pub cycles: Vec<Cycle>,
}

/// A role: of one key, or of a set of keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Stable number.
    pub number: u16,
    /// `operator`
    pub name: String,
    /// The most keys of a set; `None` for a role of one key.
    pub max: Option<u16>,
    /// Whether any valid key has it: it keeps those whose last message is still valid. The counter of
    /// such a message is its `not_after`, so what has expired can be forgotten.
    pub open: bool,
}

impl Role {
    /// How many keys it has at most.
    pub fn size(&self) -> usize {
        self.max.map_or(1, usize::from)
    }

    /// How many keys a birth gives it at most.
    pub fn born_with(&self) -> usize {
        if self.open { 0 } else { self.size() }
    }
}

/// A field of the object's memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Stable number.
    pub number: u16,
    /// `setpoint`
    pub name: String,
    /// Its type, bounds included.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Its value at birth; `None` makes it a birth value, which the creator gives.
    pub default: Option<Default>,
    /// The index of the role whose unchanged word alone it may hold.
    pub attested: Option<u16>,
    /// How it may change.
    pub change: Change,
    /// Whether its value is for nobody but its host: see [`crate::private`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub private: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// How a field may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// In any way that its type allows.
    Any,
    /// From `none` to a value, once.
    Once,
    /// To nothing less.
    Up,
    /// To nothing more.
    Down,
}

/// A function: what it gives depends on its parameters alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it takes. They are its first locals.
    pub params: Vec<Param>,
    /// What it gives.
    pub result: Type,
    /// How.
    pub value: Expr,
    /// The types of its locals, parameters first.
    pub locals: Vec<Type>,
}

/// A field's value at birth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Default {
    /// A constant.
    Value(Value),
    /// The instant of birth.
    Born,
}

/// A value computed from fields, constants, time and trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derive {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Type,
    /// How it is computed.
    pub value: Expr,
    /// The types of the expression's locals.
    pub locals: Vec<Type>,
    /// Whether it comes of a private field.
    #[serde(default, skip_serializing_if = "is_false")]
    pub private: bool,
}

/// Something that the host may offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Stable number.
    pub number: u16,
    /// `room`
    pub name: String,
    /// The type of a value that is there (the declared type without its `?`).
    #[serde(rename = "type")]
    pub ty: Type,
    /// The index of the role whose signature it must bear.
    pub from: Option<u16>,
    /// Older than this many microseconds counts as not there.
    pub fresh: Option<i64>,
    /// Whether a private field holds what comes of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub private: bool,
}

/// A kind of message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Stable number.
    pub number: u16,
    /// `adjust`
    pub name: String,
    /// What it carries.
    pub params: Vec<Param>,
    /// The indices of the roles that may send it, ascending; empty means `anyone`, unsigned.
    pub from: Vec<u16>,
    /// How many microseconds it waits to be taken; `None`: it is taken when it arrives, or not at all.
    pub waits: Option<i64>,
    /// The indices of the parameters of which private fields hold what comes, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub private: Vec<u16>,
}

/// A kind of event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Stable number.
    pub number: u16,
    /// `heater`
    pub name: String,
    /// What it carries.
    pub params: Vec<Param>,
    /// The index of the capability that carries it out; `None` makes it a report.
    pub via: Option<u16>,
    /// Withdrawn when so many microseconds old.
    pub expires: Option<i64>,
}

/// When the object acts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cycle {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its instants.
    pub schedule: Schedule,
    /// What becomes of those that nobody offered in time.
    pub catch_up: CatchUp,
}

/// The instants of a cycle: closed forms, so that nothing drifts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Birth + k * so many microseconds, for k = 1, 2, …
    Every(i64),
    /// F + first * (2^k - 1), no two further apart than `most`. F is birth or, later, the instant of
    /// the last tick at which one of the cycle's rules committed.
    Backoff {
        /// From F to the first.
        first: i64,
        /// The longest from one to the next.
        most: i64,
    },
    /// Each day, so long after midnight, UTC.
    Daily(i64),
    /// Each month, on a day (the last, where the month has no such day), so long after midnight, UTC.
    Monthly(u8, i64),
    /// With every message.
    OnMessage,
    /// When a comparison of time in a guard turns true, when a limit frees, and when an entry turned
    /// a guard true; see [`crate::wake`].
    OnTime,
}

/// What becomes of ticks that nobody offered in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// They are nothing, once half a period or a second has passed.
    Skip,
    /// One tick stands for all.
    One,
    /// So many of the newest are judged, each at its own instant, the oldest first.
    All(u16),
}
