//! The names of one object: what each stands for and where it is declared.
//!
//! A [`Shape`] is made from headers alone, so that an edit inside a rule's body leaves it equal and
//! no other rule is checked again. Knows no expression.

use crate::diagnostic::{Loc, Problem};
use aqo_model::numbers::Numbers;
use aqo_model::schema::Schema;
use aqo_model::types::Type;
use std::collections::{BTreeMap, BTreeSet};

/// What a name of an object stands for, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Def {
    /// A field.
    Field(u16),
    /// A derived value.
    Derive(u16),
    /// An input.
    Input(u16),
    /// A role.
    Role(u16),
    /// A message.
    Message(u16),
    /// An event.
    Event(u16),
    /// A rule.
    Rule(u16),
    /// An `always`.
    Clause,
    /// A limit.
    Limit,
    /// A prediction.
    Prediction(u16),
    /// A cycle.
    Cycle(u16),
    /// A table of children.
    Children,
}

/// A place whose declaration may not have been understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The type of a field.
    Field(u16),
    /// The type of an input.
    Input(u16),
    /// The types of a message's parameters.
    Message(u16),
    /// The roles that may send a message.
    Sender(u16),
    /// The types of an event's parameters.
    Event(u16),
}

/// The names of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub(crate) defs: BTreeMap<String, (Def, Loc)>,
    /// The declared type of each derive.
    pub derive_types: Vec<Option<Type>>,
    /// What was declared in a way that was not understood: its uses are not looked at.
    pub untyped: BTreeSet<Slot>,
    /// Where each field is declared.
    pub field_places: Vec<Loc>,
    /// Where each rule is declared.
    pub rule_places: Vec<Loc>,
    /// The stable number of each rule.
    pub rule_numbers: Vec<u16>,
    /// Own reasons: of refusals, limits and `always`, in order of their stable numbers.
    pub reasons: Vec<String>,
    /// Their stable numbers.
    pub reason_numbers: Numbers,
    /// Doc comments by path.
    pub docs: Vec<(String, String)>,
    /// The schema, without the expressions of derives.
    pub schema: Option<Box<Schema>>,
    /// What is wrong with the declarations.
    pub problems: Vec<Problem>,
}

impl Shape {
    /// No names at all.
    pub fn empty() -> &'static Shape {
        static EMPTY: std::sync::LazyLock<Shape> = std::sync::LazyLock::new(Shape::default);
        &EMPTY
    }

    /// What a name stands for.
    pub fn def(&self, name: &str) -> Option<Def> {
        self.defs.get(name).map(|(def, _)| *def)
    }

    /// Where a name is declared.
    pub fn place_of(&self, name: &str) -> Option<Loc> {
        self.defs.get(name).map(|(_, place)| *place)
    }

    /// Every name, what it stands for and where it is declared.
    pub fn names(&self) -> impl Iterator<Item = (&str, Def, Loc)> {
        self.defs.iter().map(|(name, (def, place))| (name.as_str(), *def, *place))
    }

    /// Names that have a value.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.defs.iter().filter_map(|(name, (def, _))| match def {
            Def::Field(_) | Def::Derive(_) | Def::Input(_) | Def::Role(_) => Some(name.as_str()),
            Def::Message(_)
            | Def::Event(_)
            | Def::Rule(_)
            | Def::Clause
            | Def::Limit
            | Def::Prediction(_)
            | Def::Cycle(_)
            | Def::Children => None,
        })
    }
}
