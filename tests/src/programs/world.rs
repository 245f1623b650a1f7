//! What a drawn program declares: its types and names, which its expressions may use.
//!
//! Invariant: every name here is declared above or beside what is drawn with it.

use aqo_model::types::{Bounds, Type, Types, Unit};

/// A name and the type of its value.
#[derive(Clone, Debug)]
pub struct Named {
    /// As it is written.
    pub name: String,
    /// Of what it stands for.
    pub ty: Type,
}

impl Named {
    /// A name of this type.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Named { name: name.into(), ty }
    }
}

/// A name with parameters: a function, a message, an event.
#[derive(Clone, Debug)]
pub struct Form {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub params: Vec<Named>,
    /// What a function gives.
    pub result: Option<Type>,
    /// The roles that may send a message, by index.
    pub from: Vec<usize>,
    /// Whether a message may wait.
    pub waits: bool,
}

/// How a field is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Not at all.
    Plain,
    /// `attested by` the role with this index.
    Attested(usize),
    /// `once`
    Once,
    /// `only_up`
    Up,
    /// `only_down`
    Down,
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name and type.
    pub named: Named,
    /// Its mark.
    pub mark: Mark,
}

/// A derived value.
#[derive(Clone, Debug)]
pub struct Derived {
    /// Its name and type.
    pub named: Named,
    /// Whether it reads more than fields.
    pub moving: bool,
}

/// What a rule answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// `tick`
    Tick,
    /// A named cycle.
    Cycle(String),
    /// The message with this index.
    Message(usize),
    /// `m0.expired`, of the message with this index.
    Expired(usize),
    /// `k0.kept` and its like.
    Settled(String),
    /// `arrive`
    Arrive,
}

/// A rule before it is drawn.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Its trigger.
    pub on: On,
    /// Whether it only refuses.
    pub refuses: bool,
    /// The prediction that it makes.
    pub foretells: Option<String>,
}

/// A role: one key, or up to so many.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// The most keys, where there may be several.
    pub max: Option<u16>,
}

/// Everything that has a name.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Enums and records.
    pub types: Types,
    /// Units.
    pub units: Vec<String>,
    /// Names of types.
    pub aliases: Vec<Named>,
    /// Constants.
    pub consts: Vec<Named>,
    /// Functions.
    pub functions: Vec<Form>,
    /// Roles.
    pub roles: Vec<Role>,
    /// Fields.
    pub fields: Vec<Field>,
    /// Derived values.
    pub derives: Vec<Derived>,
    /// Inputs; their types are options.
    pub inputs: Vec<Named>,
    /// Messages.
    pub messages: Vec<Form>,
    /// Events.
    pub events: Vec<Form>,
    /// Rules.
    pub plans: Vec<Plan>,
    /// Rules that a limit names.
    pub limited: Vec<String>,
    /// What is left of each limit.
    pub limits: Vec<Named>,
    /// Whether there is a `trust` clause.
    pub trust: bool,
}

/// `int in low ..= high`
pub fn int(low: i64, high: i64) -> Type {
    number(0, Unit::default(), low, high)
}

/// A number; its bounds are scaled.
pub fn number(scale: u8, unit: Unit, low: i64, high: i64) -> Type {
    Type::Number { scale, unit, within: Bounds { low, high } }
}

/// A number, duration or instant of the same kind, with all its range.
pub fn wide(ty: &Type) -> Type {
    match ty {
        Type::Number { scale, unit, .. } => {
            Type::Number { scale: *scale, unit: unit.clone(), within: Bounds::ALL }
        }
        Type::Duration(_) => Type::Duration(Bounds::DURATION),
        Type::Instant(_) => Type::Instant(Bounds::INSTANT),
        Type::Bool
        | Type::Text { .. }
        | Type::Key
        | Type::Hash
        | Type::Bytes { .. }
        | Type::Enum(_)
        | Type::Record(_)
        | Type::Option(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => ty.clone(),
    }
}
