//! What a path costs: how many instructions, which of them belong to which part, and the walks that
//! take most.
//!
//! Parts never come to more than the whole. Everything stays at the end of 64 bits.

use crate::bound::{Part, What};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A part of a step that is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    /// What is read from the host.
    Inputs,
    /// The form of a message.
    Form,
    /// The message with this index.
    Message(u16),
    /// Deadlines, and the last look at what is foretold.
    Predictions,
    /// The messages that wait.
    Waiting,
    /// The rule with this index.
    Rule(u16),
    /// A part of a function.
    Part(Part),
    /// Evidence into trust.
    Trust,
    /// When the object wants to be ticked next.
    Schedule,
    /// The entry.
    Entry,
}

/// What a path costs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    /// Instructions.
    pub(crate) all: u64,
    /// How many of them are in which part.
    pub(crate) parts: BTreeMap<Label, Rc<Sum>>,
    /// By what is gone through, and how many there are at most: how often that is, and its
    /// instructions.
    pub(crate) walks: BTreeMap<(What, u32), (u64, u64)>,
}

impl Sum {
    /// More than anything.
    pub(crate) fn endless() -> Sum {
        Sum { all: u64::MAX, ..Sum::default() }
    }

    pub(crate) fn instructions(&mut self, count: u64) {
        self.all = self.all.saturating_add(count);
    }

    pub(crate) fn add(&mut self, other: &Sum) {
        self.instructions(other.all);
        for (label, sum) in &other.parts {
            match self.parts.get_mut(label) {
                Some(known) => Rc::make_mut(known).add(sum),
                None => drop(self.parts.insert(*label, sum.clone())),
            }
        }
        for (walk, (times, cost)) in &other.walks {
            let known = self.walks.entry(*walk).or_default();
            *known = (known.0.saturating_add(*times), known.1.saturating_add(*cost));
        }
    }

    /// As one part of something else.
    pub(crate) fn under(self, label: Label) -> Sum {
        let (all, walks) = (self.all, self.walks.clone());
        Sum { all, parts: BTreeMap::from([(label, Rc::new(self))]), walks }
    }

    fn times(&mut self, times: u64) {
        self.all = self.all.saturating_mul(times);
        self.parts.values_mut().for_each(|sum| Rc::make_mut(sum).times(times));
        for (count, cost) in self.walks.values_mut() {
            *count = count.saturating_mul(times);
            *cost = cost.saturating_mul(times);
        }
    }

    /// This for each of so many.
    pub(crate) fn walk(mut self, what: What, most: u32) -> Sum {
        self.times(u64::from(most));
        let known = self.walks.entry((what, most)).or_default();
        // What is gone through inside the same is a part of it.
        *known = (known.0.saturating_add(1), self.all);
        self
    }

    /// The dearer of two paths, where there are any.
    pub(crate) fn dearer(a: Option<Sum>, b: Option<Sum>) -> Option<Sum> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if a.all >= b.all { a } else { b }),
            (one, other) => one.or(other),
        }
    }
}
