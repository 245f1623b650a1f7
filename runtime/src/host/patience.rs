//! How often one key may be refused: each refusal is an entry, so whoever floods an object would grow
//! its lineage. What is turned away here was never offered: it leaves no entry and burns no counter.
//!
//! Only a signature that was found good counts, or anybody could silence somebody else. Nothing of it
//! outlives the process.

use aqo_model::value::Bytes32;
use std::collections::{BTreeMap, VecDeque};

/// Refusals of one key by one object in [`WINDOW`] after which the next is not offered.
pub(super) const MOST: usize = 16;
/// Microseconds: one minute.
const WINDOW: i64 = 60_000_000;

/// Who was refused when: by object and key.
#[derive(Default)]
pub(super) struct Patience {
    refused: BTreeMap<(Bytes32, Bytes32), VecDeque<i64>>,
}

impl Patience {
    /// Whether an object has refused a key too often to hear it now.
    pub(super) fn is_over(&mut self, who: (Bytes32, Bytes32), now: i64) -> bool {
        self.refused.retain(|_, instants| {
            instants.retain(|instant| now.saturating_sub(*instant) < WINDOW);
            !instants.is_empty()
        });
        self.refused.get(&who).is_some_and(|instants| instants.len() >= MOST)
    }

    /// Notes a refusal.
    pub(super) fn note(&mut self, who: (Bytes32, Bytes32), now: i64) {
        self.refused.entry(who).or_default().push_back(now);
    }
}
