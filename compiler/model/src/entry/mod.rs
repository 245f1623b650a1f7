//! A lineage entry: what one step recorded, its canonical bytes, and the chain of their digests.
//!
//! ```text
//! body  = [kind, sequence, now, observed - now, ignored, cause, inputs, outcomes, changes, events,
//!          predictions, trust]                                             canonical CBOR
//! cause = birth:   [class, creator, host, nonce, capabilities, [key of each role]]
//!         tick:    null where only deadlines passed, else [now - due, missed]
//!         message: [number, [parameter, …], null or [role, epoch, counter, not after, signature]]
//!         bind:    [host, nonce, capabilities]
//! inputs      = [[number, null or value, now - at], …]       read by what ran, ascending
//! outcomes    = [[rule, 1 held | 2 refused | 3 committed, reason], …]   in the order of judgement;
//!               a message that no rule took is [null, 2, reason]
//! changes     = [[field, value], …]                          written, ascending; at birth all
//! events      = [[event, [argument, …], withheld], …]        in the order of saying
//! predictions = [[prediction, settled, null or [worth, [capture, …]], dropped], …]   ascending
//!               settled: 0 no, 1 seen, 2 kept, 3 broken, 4 lapsed
//! trust       = null or [x, recovering, [[source, claim], …]]
//! entry = body, then (32-byte string) the digest of the state after it, where the sequence is a
//!         multiple of 64 or the kind is not tick or message
//! digest(n) = BLAKE3("aqo entry 1"; digest(n - 1) + entry + zeros to a multiple of 64 bytes)
//! ```
//! The zeros let whole blocks of many chains be hashed at once; an entry shows its own end, so they
//! add nothing that could be forged. A birth's predecessor is the class. Numbers are the stable
//! numbers of declarations, times are microseconds, reasons are numbers of [`Reason`].

mod decode;
mod digest;
mod encode;

use crate::offer::{Bind, Envelope};
use crate::policy::Reason;
use crate::value::{Bytes32, Value};

pub use digest::{chain, event_id, object_id, seal, signed_bytes, state_digest};

/// What one step recorded. Declarations are named by index, not by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the lineage; birth is 0.
    pub sequence: u64,
    /// Logical time.
    pub now: i64,
    /// The host's clock.
    pub observed: i64,
    /// Messages turned away without an entry since the one before.
    pub ignored: u32,
    /// What it answers.
    pub cause: Cause,
    /// Inputs that were read.
    pub inputs: Vec<Read>,
    /// What became of rules.
    pub outcomes: Vec<Outcome>,
    /// Fields that were written.
    pub changes: Vec<(u16, Value)>,
    /// What was said.
    pub events: Vec<Said>,
    /// What became of predictions.
    pub predictions: Vec<Foretold>,
    /// Trust, where it changed.
    pub trust: Option<TrustChange>,
}

/// What an entry answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Entry 0.
    Birth {
        /// The identity of schema and policy.
        class: Bytes32,
        /// Who made it.
        creator: Bytes32,
        /// Where.
        bind: Bind,
        /// The key of each role.
        roles: Vec<Bytes32>,
    },
    /// A deadline or a tick.
    Tick(Option<Tick>),
    /// A message.
    Message {
        /// The index of its kind.
        kind: u16,
        /// What it carried.
        params: Vec<Value>,
        /// Who said it. `verified` is true: what is not, leaves no entry.
        envelope: Option<Envelope>,
    },
    /// A host.
    Bind(Bind),
}

/// A tick of the object's own cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The instant for which it was meant.
    pub due: i64,
    /// How many ticks it stands for besides its own.
    pub missed: u64,
}

/// An input that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Its index.
    pub input: u16,
    /// Its value and when it was so; `None` where there was none, or none fresh and in range.
    pub view: Option<(Value, i64)>,
}

/// What became of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its index; `None` stands for a message that no rule took.
    pub rule: Option<u16>,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of an elected rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not now.
    Held(Reason),
    /// No.
    Refused(Reason),
    /// Yes.
    Committed,
}

/// An event that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its index.
    pub event: u16,
    /// In order of its declaration.
    pub args: Vec<Value>,
    /// The host does not offer what would carry it out.
    pub withheld: bool,
}

/// What became of a prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foretold {
    /// Its index.
    pub prediction: u16,
    /// How it was settled.
    pub settled: Settled,
    /// Made in this step: whether it is worth something, and what it captured.
    pub made: Option<(bool, Vec<Value>)>,
    /// How often it was to be made while it was open.
    pub dropped: u16,
}

/// How a prediction was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Not in this step.
    No,
    /// Seen true at a checkpoint.
    Seen,
    /// It came true.
    Kept,
    /// It did not.
    Broken,
    /// Nobody could tell.
    Lapsed,
}

/// Trust after evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustChange {
    /// E at this entry, in 1/1024 millionths.
    pub x: i64,
    /// Whether in recovery.
    pub recovering: bool,
    /// Source and claim of each positive, in the order in which they were applied.
    pub positives: Vec<(u32, u32)>,
}

/// Kinds of entries.
mod kind {
    pub(crate) const BIRTH: u64 = 0;
    pub(crate) const TICK: u64 = 1;
    pub(crate) const MESSAGE: u64 = 2;
    pub(crate) const BIND: u64 = 3;
}

/// How many elements a body has.
const ELEMENTS: usize = 12;

impl Settled {
    const ALL: [Settled; 5] =
        [Settled::No, Settled::Seen, Settled::Kept, Settled::Broken, Settled::Lapsed];

    fn number(self) -> u64 {
        match self {
            Settled::No => 0,
            Settled::Seen => 1,
            Settled::Kept => 2,
            Settled::Broken => 3,
            Settled::Lapsed => 4,
        }
    }
}

impl Entry {
    /// Whether the digest of the state follows the body.
    pub fn names_state(&self) -> bool {
        let frequent = matches!(self.cause, Cause::Tick(_) | Cause::Message { .. });
        !frequent || self.sequence.is_multiple_of(64)
    }
}
