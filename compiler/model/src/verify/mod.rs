//! Whether a Model can be run and lowered safely: every index points somewhere, every expression
//! has its kind, no number leaves 64 bits, no store leaves its bounds, no `assured` rule can be
//! refused.
//!
//! The compiler asks the same questions of each expression as it builds it, so that it can point at
//! the source; here they are asked again of every Model that is read.

mod arithmetic;
mod assured;
mod bounds;
mod collection;
mod expr;
mod leaf;
mod learn;
mod made;
mod rules;
mod schema;
mod scope;
mod size;
mod trust;

pub use assured::{Refusable, refusable, refusing_clauses};
pub use expr::{
    Below, Checked, Place, check, check_condition, covers, from_the_top, let_pass, place_of_rule,
    rule_facts, standing_facts,
};
pub use learn::learn;
pub use rules::{changes_as_declared, is_word_of, place_of_edit};

use crate::facts::Interval;
use crate::model::Model;
use crate::private;
use crate::types::{Kind, Type};

/// What is wrong with a Model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where: `rule start`, `field 3`.
    pub at: String,
    /// What.
    pub fault: Fault,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// More of something than [`limits`](crate::limits) allow.
    Limit {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        most: usize,
    },
    /// An index that points nowhere, numbers out of order, a name that is none.
    Structure(&'static str),
    /// An expression of another kind than its place wants.
    Kind {
        /// What the place wants; `None` where two parts should agree.
        wanted: Option<Kind>,
        /// What stands there.
        found: Kind,
    },
    /// A number that may leave 64 bits.
    Overflow(Interval),
    /// A divisor that may be zero, or of either sign where that matters.
    Divisor(Interval),
    /// A value that may leave the bounds of the place it goes to.
    Bounds {
        /// What it may be.
        found: Interval,
        /// What the place allows.
        allowed: Interval,
    },
    /// A record or a collection where one of another type is wanted.
    Type {
        /// What it is.
        found: Box<Type>,
        /// What the place allows.
        allowed: Box<Type>,
    },
    /// Something that can fail, outside an `else`.
    Partial,
    /// A value that may not be read here.
    Unreadable(&'static str),
    /// A local that is read before it is bound, or bound twice.
    Unbound(u16),
    /// A `match` that leaves values out; bit by bit.
    Uncovered(u64),
    /// A field, or a part of it, that one path sets twice.
    SetTwice(u16),
    /// A field that may only grow, shrink or be set once, where that is not shown.
    Change(u16),
    /// An attested field that is set to anything but its role's unchanged word.
    Attested(u16),
    /// An `assured` rule that could be refused.
    Assured(Refusable),
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.at)?;
        match &self.fault {
            Fault::Limit { what, most } => write!(f, "more than {most} {what}"),
            Fault::Structure(what) | Fault::Unreadable(what) => f.write_str(what),
            Fault::Kind { wanted: Some(wanted), found } => {
                write!(f, "{wanted:?} was expected, this is {found:?}")
            }
            Fault::Kind { wanted: None, found } => write!(f, "{found:?} does not fit here"),
            Fault::Overflow(i) => write!(f, "{}..={} does not fit 64 bits", i.low, i.high),
            Fault::Divisor(i) => write!(f, "the divisor is {}..={}", i.low, i.high),
            Fault::Bounds { found, allowed } => write!(
                f,
                "the value is {}..={}, the place allows {}..={}",
                found.low, found.high, allowed.low, allowed.high
            ),
            Fault::Type { .. } => f.write_str("a record or a collection of another type"),
            Fault::Partial => f.write_str("something that can fail stands outside an `else`"),
            Fault::Unbound(local) => write!(f, "local {local} is not bound here, or bound twice"),
            Fault::Uncovered(_) => f.write_str("a match leaves values out"),
            Fault::SetTwice(field) => write!(f, "field {field} is set twice"),
            Fault::Change(field) => write!(f, "field {field} may not change so"),
            Fault::Attested(field) => write!(f, "field {field} holds its role's word alone"),
            Fault::Assured(why) => write!(f, "an assured rule can be refused: {why}"),
        }
    }
}

impl std::error::Error for Flaw {}

/// Shorthand of the checks.
type Check<T = ()> = Result<T, Fault>;

trait At<T> {
    fn at(self, place: impl FnOnce() -> String) -> Result<T, Flaw>;
}

impl<T> At<T> for Check<T> {
    fn at(self, place: impl FnOnce() -> String) -> Result<T, Flaw> {
        self.map_err(|fault| Flaw { at: place(), fault })
    }
}

/// Verifies a Model.
pub fn verify(model: &Model) -> Result<(), Flaw> {
    schema::verify(model)?;
    size::of_trees(model)?;
    scope::verify(model)?;
    rules::verify(model)?;
    is_private(model)?;
    size::of_bytes(model)
}

/// What is private is marked, and nothing keeps it openly.
fn is_private(model: &Model) -> Result<(), Flaw> {
    schema::require(private::is_marked(model), "a value that is not private as its field is")
        .and_then(|()| {
            schema::require(private::told(model).is_empty(), "a private value in the open")
        })
        .at(|| "private fields".to_owned())
}
