//! Where everything lies in the memory of a core module. All addresses are constants of the class.
//!
//! ```text
//! 0        cells of the step in progress
//! CELLS    per input: usable u8
//!          cleared at each step: per input: read u8; per field: written u8;
//!                                per prediction: settled u8, made u8, dropped u16; per request:
//!                                lapsed u8; per cycle that backs off: acted u8
//!          ticks of the cycles
//!          positives of the step, the novelty list, the message at hand, candidates in memory, outcomes, events, changes
//!          image | offer | outcome, the longest body included | constants and room for values
//! arena    to the end of the memory: free for whoever wraps the module
//! ```

use aqo_model::Model;
use aqo_model::extent;
use aqo_model::layout::{Layout, outcome};

/// Cells: scalars of the step in progress.
pub(crate) mod cell {
    /// Logical time, i64.
    pub(crate) const NOW: u32 = 0;
    /// The instant for which the tick was meant, i64; 0 without one.
    pub(crate) const DUE: u32 = 8;
    /// How many ticks it stands for besides its own, i64.
    pub(crate) const MISSED: u32 = 16;
    /// Up to where ticks have been judged, as the host says, i64.
    pub(crate) const SERVED: u32 = 32;
    /// From here on cells are cleared at each step.
    pub(crate) const CLEARED: u32 = 40;
    /// What trust has lost so far, i64.
    pub(crate) const LOSSES: u32 = 40;
    /// Bytes of events so far, i32.
    pub(crate) const EVENTS: u32 = 48;
    /// How many they are, i32.
    pub(crate) const EVENT_COUNT: u32 = 52;
    /// Bytes of outcomes so far, i32.
    pub(crate) const OUTCOMES: u32 = 56;
    /// How many they are, i32.
    pub(crate) const OUTCOME_COUNT: u32 = 60;
    /// Positives so far, i32.
    pub(crate) const GAINS: u32 = 64;
    /// Bytes of logged changes so far, i32.
    pub(crate) const CHANGES: u32 = 68;
    /// How many they are, i32.
    pub(crate) const CHANGE_COUNT: u32 = 72;
    /// One more than the index of the rule to which enough people have consented, i32.
    pub(crate) const MET: u32 = 76;
    /// Bytes of roles bound anew so far, i32.
    pub(crate) const BOUND: u32 = 80;
    /// How many they are, i32.
    pub(crate) const BOUND_COUNT: u32 = 84;
    /// 0, or one more than the number of the mode that the object changes to, i32.
    pub(crate) const MODE: u32 = 88;
    /// Whether trust breaks in this step, i32.
    pub(crate) const BROKEN: u32 = 92;
    /// Of a message that waited: the number of the entry in which it arrived, i64; else 0.
    pub(crate) const OF: u32 = 96;
    /// Which guards of an object with a cycle on time held before the step, bit by bit, i64.
    pub(crate) const TRUTHS: u32 = 104;
    /// Where the flags of inputs, fields, predictions and requests begin.
    pub(crate) const END: u32 = 112;
}

/// What a step notes of a prediction.
pub(crate) mod foretold {
    /// How it was settled, u8.
    pub(crate) const SETTLED: u32 = 0;
    /// Whether it was made, u8.
    pub(crate) const MADE: u32 = 1;
    /// How often it was dropped, u16.
    pub(crate) const DROPPED: u32 = 2;
    /// Bytes of the note.
    pub(crate) const SIZE: u32 = 4;
}

/// A tick of one cycle.
pub(crate) mod tick {
    /// The instant for which it was meant, i64; -1 where there is none.
    pub(crate) const DUE: u32 = 0;
    /// How many it stands for besides its own, i64.
    pub(crate) const MISSED: u32 = 8;
    /// Bytes of the record.
    pub(crate) const SIZE: u32 = 16;
}

/// A positive of the present step.
pub(crate) mod gain {
    /// In millionths, i64.
    pub(crate) const AMOUNT: u32 = 0;
    /// What is said, u32. With the source it is one number, ordered as positives are.
    pub(crate) const CLAIM: u32 = 8;
    /// Who says so, u32.
    pub(crate) const SOURCE: u32 = 12;
    /// Bytes of the record.
    pub(crate) const SIZE: u32 = 16;
}

/// Bytes that a write may touch beyond its end.
const SLACK: u32 = 16;
/// The least that an arena holds.
const ARENA_MIN: u32 = 4_096;

/// The addresses of one class.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    pub(crate) read: u32,
    pub(crate) written: u32,
    pub(crate) foretold: u32,
    /// One byte per request: whether it lapsed.
    pub(crate) lapsed: u32,
    /// One byte per cycle that backs off: whether one of its rules committed.
    pub(crate) acted: u32,
    /// The end of what is cleared at each step.
    pub(crate) cleared: u32,
    pub(crate) usable: u32,
    /// One record per cycle.
    pub(crate) ticks: u32,
    pub(crate) gains: u32,
    pub(crate) live: u32,
    pub(crate) kept: u32,
    pub(crate) stage: u32,
    pub(crate) outcomes: u32,
    pub(crate) events: u32,
    pub(crate) changes: u32,
    pub(crate) bound: u32,
    pub(crate) image: u32,
    pub(crate) offer: u32,
    pub(crate) outcome: u32,
    pub(crate) constants: u32,
}

/// A size as an address counts it.
pub(crate) fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("limits keep every size far below 32 bits")
}

impl Map {
    pub(crate) fn of(model: &Model, layout: &Layout) -> Map {
        let mut next = cell::END;
        // Flags stand together, so that few stores clear them.
        let predictions = size(model.policy.predictions.len());
        let read = next;
        let written = read + size(model.schema.inputs.len());
        let foretold = written + size(model.schema.fields.len());
        let lapsed = foretold + foretold::SIZE * predictions;
        let acted = lapsed + size(layout.requests.len());
        next = (acted + size(layout.backoffs.len())).next_multiple_of(8);
        let cleared = next;
        let mut take = |bytes: u32| {
            let address = next;
            next = (next + bytes).next_multiple_of(8);
            address
        };
        let most_gains = size(extent::gains(model));
        // The message that arrives, while those that wait are looked at.
        let kept = if layout.queues.is_empty() { 0 } else { layout.offer_size - layout.payload };
        let ring = size(aqo_model::layout::trust::CAPACITY);
        let slots = layout.fields.iter().map(|slot| size(slot.form.size()).next_multiple_of(8));
        Map {
            read,
            written,
            foretold,
            lapsed,
            acted,
            cleared,
            usable: take(size(model.schema.inputs.len())),
            ticks: take(tick::SIZE * size(model.schema.cycles.len())),
            gains: take(gain::SIZE * most_gains),
            live: take(8 * (ring + most_gains)),
            kept: take(size(kept)),
            stage: take(slots.sum()),
            outcomes: take(size(extent::outcome_bytes(model)) + SLACK),
            events: take(size(extent::event_bytes(model)) + SLACK),
            changes: take(size(extent::logged_bytes(model)) + SLACK),
            bound: take(size(extent::binding_bytes(model)) + SLACK),
            image: take(size(layout.image_size)),
            offer: take(size(layout.offer_size)),
            outcome: take(size(outcome::BODY + extent::entry_bytes(model)) + SLACK),
            constants: take(0),
        }
    }
}

/// How many pages hold everything up to `end` and an arena in which a wrapper can keep the images,
/// the offer and the outcome of a call.
pub(crate) fn pages(model: &Model, layout: &Layout, end: u32) -> u32 {
    let outcome = outcome::BODY + extent::entry_bytes(model);
    let arena = size(2 * layout.image_size + 2 * layout.offer_size + 2 * outcome) + ARENA_MIN;
    (end + arena).div_ceil(crate::wasm::PAGE)
}
