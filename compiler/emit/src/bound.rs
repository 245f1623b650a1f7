//! How often a loop turns at most, and what it counts then: each loop is written with it, and costs
//! follow from it.
//!
//! A bound is a constant of the class, or follows from a parameter of the function that the loop
//! stands in. It knows no Model, and is not part of a module's bytes.

use crate::ir::Var;

/// What a loop goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Items,
    Keys,
    Stamps,
    Votes,
    Bytes,
    Bits,
    Halvings,
    Doublings,
    Positives,
    Predictions,
    Samples,
    Waiting,
    Missed,
}

/// How often a loop turns at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rounds {
    pub(crate) what: What,
    /// A parameter of the function, and the part of it that a round does away with.
    pub(crate) of: Option<(u32, u32)>,
    /// Besides those.
    pub(crate) more: u32,
}

/// A part of a function that is told apart where costs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The `always` with this reason.
    Clause(u16),
    /// The `flow` of this field.
    Flow(u16),
}

impl Rounds {
    fn constant(what: What, most: u32) -> Rounds {
        Rounds { what, of: None, more: most }
    }

    /// Items of a collection that holds so many.
    pub(crate) fn items(most: u32) -> Rounds {
        Rounds::constant(What::Items, most)
    }

    /// As many items as this parameter says.
    pub(crate) fn items_of(count: Var) -> Rounds {
        Rounds { what: What::Items, of: Some((count.index, 1)), more: 0 }
    }

    /// Keys of a role that has so many.
    pub(crate) fn keys(most: u32) -> Rounds {
        Rounds::constant(What::Keys, most)
    }

    /// Stamps of a limit.
    pub(crate) fn stamps(most: u32) -> Rounds {
        Rounds::constant(What::Stamps, most)
    }

    /// Keys that have consented.
    pub(crate) fn votes(most: u32) -> Rounds {
        Rounds::constant(What::Votes, most)
    }

    /// Bytes, one by one.
    pub(crate) fn bytes(most: u32) -> Rounds {
        Rounds::constant(What::Bytes, most)
    }

    /// As many bytes as this parameter says, so many at a time.
    pub(crate) fn bytes_of(len: Var, at_a_time: u32) -> Rounds {
        Rounds { what: What::Bytes, of: Some((len.index, at_a_time)), more: 0 }
    }

    /// Bits of a number.
    pub(crate) fn bits(most: u32) -> Rounds {
        Rounds::constant(What::Bits, most)
    }

    /// Halvings until none of so many items is left.
    pub(crate) fn halvings(items: u32) -> Rounds {
        Rounds::constant(What::Halvings, u32::BITS - items.leading_zeros())
    }

    /// Doublings of a span.
    pub(crate) fn doublings(most: u32) -> Rounds {
        Rounds::constant(What::Doublings, most)
    }

    /// Positives of a step.
    pub(crate) fn positives(most: u32) -> Rounds {
        Rounds::constant(What::Positives, most)
    }

    /// As many positives as this parameter says.
    pub(crate) fn positives_of(count: Var) -> Rounds {
        Rounds { what: What::Positives, of: Some((count.index, 1)), more: 0 }
    }

    /// Predictions of an object.
    pub(crate) fn predictions(most: u32) -> Rounds {
        Rounds::constant(What::Predictions, most)
    }

    /// Missed ticks that are judged one by one.
    pub(crate) fn missed(most: u32) -> Rounds {
        Rounds::constant(What::Missed, most)
    }

    /// Samples of a slope.
    pub(crate) fn samples(most: u32) -> Rounds {
        Rounds::constant(What::Samples, most)
    }

    /// Messages that wait.
    pub(crate) fn waiting(most: u32) -> Rounds {
        Rounds::constant(What::Waiting, most)
    }

    /// So many more.
    pub(crate) fn and(self, more: u32) -> Rounds {
        Rounds { more: self.more + more, ..self }
    }
}

impl What {
    /// In the words of a message: "a walk through up to 64 items".
    pub(crate) fn words(self) -> &'static str {
        match self {
            What::Items => "items",
            What::Keys => "keys",
            What::Stamps => "stamps",
            What::Votes => "votes",
            What::Bytes => "bytes",
            What::Bits => "bits",
            What::Halvings => "halvings",
            What::Doublings => "doublings",
            What::Positives => "positives",
            What::Predictions => "predictions",
            What::Samples => "samples",
            What::Waiting => "messages that wait",
            What::Missed => "missed ticks",
        }
    }
}
