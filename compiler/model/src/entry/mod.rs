//! A lineage entry: what one step recorded, its canonical bytes, and the chain of their digests.
//!
//! ```text
//! body  = [kind, sequence, now, observed - now, ignored, cause, inputs, outcomes, changes, events,
//!          predictions, trust, rest]                                       canonical CBOR
//! cause = birth:   [class, creator, host, nonce, capabilities, [[key of a role, …], …]]
//!         tick:    [[cycle, now - due, missed], …], ascending; empty where only deadlines passed
//!         message: [number, [parameter, …], null or envelope]
//!         bind:    [host, nonce, capabilities]
//!         consent: [rule, envelope]
//!         fork:    [number of the entry that has a twin, digest of it, digest of its twin]
//! envelope    = [role, key, epoch, counter, not after, signature]
//! inputs      = [[number, null or value, now - at], …]       read by what ran, ascending. A value of
//!               a signed input has a fourth element: [key, epoch, signature]
//! outcomes    = [[rule, 1 held | 2 refused | 3 committed | 4 waits, reason], …]   in the order of
//!               judgement; a message that no rule took is [null, 2, reason]. Of a commit that counts
//!               in limits with a sum, a fourth element lists what it comes to in each. Of a message
//!               that waited, a fifth is the number of the entry in which it arrived, and the fourth
//!               is there; a message that waits from now on is [null, 4, 0]
//! changes     = [[field, value], …, [field, [step, …], 0 put | 1 add | 2 remove, value], …]
//!               first the fields of which no rule changes parts: at birth all, else those written,
//!               ascending; then all other writes, in the order in which they were made. A step is the
//!               number of a record's part, a place in a list or a key of a map. A change of an
//!               attested field has one element more: whether a signed message did it
//! events      = [[event, [argument, …], withheld], …]        in the order of saying
//! predictions = [[prediction, settled, null or [worth, [capture, …]], dropped], …]   ascending
//!               settled: 0 no, 1 seen, 2 kept, 3 broken, 4 lapsed
//! trust       = null or [x, recovering, [[source, claim], …]]; where a slope is read, a fourth element
//!               is the sum of all jumps of E
//! rest        = null or [lapsed, bound, mode]
//!               lapsed: rules whose requests nobody will answer any more, ascending
//!               bound: [[role, 0 put | 1 add | 2 remove, key], …]   in the order in which it happened
//!               mode: null or, where it changed, 0 awake, 1 dormant, 2 ended
//! entry = body, then (32-byte string) the digest of the state after it, where the sequence is a
//!         multiple of 64 or the kind is not tick, message or consent
//! digest(n) = BLAKE3("aqo entry 1"; digest(n - 1) + entry + zeros to a multiple of 64 bytes)
//! ```
//! What is private ([`crate::private`]) is chained as a commitment: in the entry that is chained, and in
//! the birth of which an object's id is the digest, a 32-byte string stands for a private parameter and
//! for the signature of a message that has one, and `[number, 32-byte string]` for an element of inputs
//! or changes that is private. Each is
//!
//! ```text
//! BLAKE3("aqo private 1"; BLAKE3("aqo salt 1"; salt + place) + what it stands for)
//! ```
//! where place (u32, little-endian) counts the commitments of the entry from 0. A store keeps the
//! values, and after the entry its salt (32-byte string). Whoever has only the chained form can follow
//! the chain and learns no private value; who is shown one value, and the salt of its place, can hold
//! both against it, and learns no other.
//!
//! The zeros let whole blocks of many chains be hashed at once; an entry shows its own end, so they
//! add nothing that could be forged. A birth's predecessor is the class. Numbers are the stable
//! numbers of declarations, times are microseconds, reasons are numbers of [`Reason`].

mod decode;
mod digest;
mod encode;
mod whole;

use crate::expr::{Edit, Step};
use crate::offer::{Bind, Consent, Envelope, Fork, View};
use crate::policy::Reason;
use crate::value::{Bytes32, Value};

pub use digest::{chain, consent_bytes, event_id, reading_bytes, signed_bytes, state_digest};
pub use whole::{Salt, Whole};

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
    /// What was written.
    pub changes: Vec<Change>,
    /// What was said.
    pub events: Vec<Said>,
    /// What became of predictions.
    pub predictions: Vec<Foretold>,
    /// Trust, where it changed.
    pub trust: Option<TrustChange>,
    /// Rules whose requests lapsed, ascending.
    pub lapsed: Vec<u16>,
    /// Roles that were bound anew: the role, and a key that is put, added or removed.
    pub bound: Vec<(u16, Edit<Value>)>,
    /// Whether the object is awake, where that changed.
    pub mode: Option<Mode>,
}

/// Whether an object is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Its tick rules run.
    Awake,
    /// They do not, by its own condition or since a fork.
    Dormant,
    /// Its life is over.
    Ended,
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
        /// The keys of each role.
        roles: Vec<Vec<Bytes32>>,
    },
    /// Ticks; none where only deadlines passed.
    Tick(Vec<Tick>),
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
    /// A consent. `verified` is true.
    Consent(Consent),
    /// A fork. `verified` is true.
    Fork(Fork),
}

/// A tick of the object's own cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The index of the cycle.
    pub cycle: u16,
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
    /// What was known of it; `None` where there was nothing, or nothing fresh, in range and proved.
    pub view: Option<View>,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its index; `None` stands for a message that no rule took.
    pub rule: Option<u16>,
    /// What became of it.
    pub verdict: Verdict,
    /// What a commit comes to in each limit with a sum that counts it, in order of the limits.
    pub amounts: Vec<i64>,
    /// Of a message that waited: the number of the entry in which it arrived.
    pub of: Option<u64>,
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
    /// Not before enough people consent; of a message that no rule took, not before one does.
    Waits,
}

/// A write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The index of the field.
    pub field: u16,
    /// The way to the part that changed; empty for the whole field.
    pub path: Vec<Step<Value>>,
    /// What was done to it.
    pub edit: Edit<Value>,
    /// Of an attested field: whether a signed message did it.
    pub signed: bool,
}

impl Change {
    /// A field that became a value, and not by a signed message's word.
    pub fn whole(field: u16, value: Value) -> Change {
        Change { field, path: Vec::new(), edit: Edit::Put(value), signed: false }
    }
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
    /// The sum of all jumps of E, in millionths, where the object reads a slope.
    pub sum: Option<i32>,
}

/// Kinds of entries.
mod kind {
    pub(crate) const BIRTH: u64 = 0;
    pub(crate) const TICK: u64 = 1;
    pub(crate) const MESSAGE: u64 = 2;
    pub(crate) const BIND: u64 = 3;
    pub(crate) const CONSENT: u64 = 4;
    pub(crate) const FORK: u64 = 5;
}

/// How many elements a body has.
const ELEMENTS: usize = 13;

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

impl Mode {
    const ALL: [Mode; 3] = [Mode::Awake, Mode::Dormant, Mode::Ended];

    fn number(self) -> u64 {
        match self {
            Mode::Awake => 0,
            Mode::Dormant => 1,
            Mode::Ended => 2,
        }
    }
}

impl Entry {
    /// An entry in which nothing happened yet.
    pub(crate) fn blank(
        sequence: u64,
        now: i64,
        observed: i64,
        ignored: u32,
        cause: Cause,
    ) -> Entry {
        Entry {
            sequence,
            now,
            observed,
            ignored,
            cause,
            inputs: Vec::new(),
            outcomes: Vec::new(),
            changes: Vec::new(),
            events: Vec::new(),
            predictions: Vec::new(),
            trust: None,
            lapsed: Vec::new(),
            bound: Vec::new(),
            mode: None,
        }
    }

    /// Whether the digest of the state follows the body.
    pub fn names_state(&self) -> bool {
        let frequent =
            matches!(self.cause, Cause::Tick(_) | Cause::Message { .. } | Cause::Consent(_));
        !frequent || self.sequence.is_multiple_of(64)
    }
}
