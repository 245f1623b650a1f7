//! Where each value lies in an image and in an offer: the byte layout that the interpreter, the
//! compiled component and the runtime share.
//!
//! All numbers are little-endian; nothing is aligned or padded; unused bytes are zero.
//!
//! An **image** is the *state*, all that rules, admission or schedule read, and the *tail*:
//! ```text
//! state  now i64 | born i64 | capabilities u64 | host 32 | bound i64 | mode u8 | forked u64
//!        fields in order, packed | one byte per attested field: 1 if its last write was signed
//!        per role: epoch u32, how many keys u16, per key it may have: key 32, counter u64, window u64
//!        per cycle that backs off: F i64
//!        per signed input: at i64, of the latest reading that an entry recorded
//!        if it has a cycle on time: wake i64 (0, or when what an entry turned true is looked at)
//!        per tick rule: u16 (0, or HELD | reason, or REFUSED | reason)
//!        per limit: next u16, stamps i64 * count (i64::MIN where free), with a sum: amounts i64 * count
//!        per rule that needs consent: open u8, role u16, key 32, deadline i64, parameters, wide,
//!            how many consent u16, per key of its roles: key 32
//!        per message that may wait: how many u16, 8 * (number u64, arrived i64, role u16, key 32,
//!            parameters, wide)
//!        per prediction: open u8, worth u8, seen u8, made i64, captures, wide
//!        trust, if declared: x i64, t0 i64, recovering u8, len u8, 16 * (source, claim, stamp u32, since_break u8)
//!        if it reads a slope: sum i32, per slope that it reads: 9 * sample i32
//! tail   sequence u64 | head 32 | delivered u64
//! ```
//! An **offer** is one fixed record:
//! ```text
//! kind u8 | observed i64 | served i64 | ignored u32
//! per input: present u8, at i64, if signed: key 32, verified u8, epoch u32, signature 64; value, wide
//! message: kind u16, role u16, key 32, verified u8, epoch u32, counter u64, not_after i64, signature 64,
//!          parameters, wide
//! consent: rule u16, role u16, key 32, verified u8, epoch u32, zero u64, deadline i64, signature 64
//! birth:   creator 32, host 32, nonce 16, capabilities u64, birth values, wide,
//!          per role: how many keys u16, per key it may have: key 32
//! bind:    host 32, nonce 16, capabilities u64
//! fork:    at u64, ours 32, theirs 32, verified u8
//! ```
//! An **outcome** is `status u8 | reply u16 | served i64 | next_due i64 | length u32 | body`.
//!
//! How the bytes of a value lie, *packed* or *wide*, is the business of [`form`](crate::form).

use crate::form::Form;
use crate::limits::WAITING;
use crate::model::Model;
use crate::policy::Measure;
use crate::schema::{Role, Schedule, Schema};
use crate::slope::SAMPLES;
use crate::wake;

/// Offsets in the state.
pub mod state {
    /// Logical time of the last entry.
    pub const NOW: usize = 0;
    /// The instant of birth.
    pub const BORN: usize = 8;
    /// The capabilities of the present host, bit by bit.
    pub const CAPABILITIES: usize = 16;
    /// The key of the present host.
    pub const HOST: usize = 24;
    /// When it was bound to it.
    pub const BOUND: usize = 56;
    /// [`OBSERVING`], [`DORMANT`], [`RESTING`] and [`ENDED`].
    pub const MODE: usize = 64;
    /// The number of the entry whose fork was answered last; 0 where none was: a birth has no twin.
    pub const FORKED: usize = 65;
    /// Where fields begin.
    pub const FIELDS: usize = 73;
    /// The host lacks what the object needs: it decides, but lets no effect out.
    pub const OBSERVING: u8 = 1;
    /// The host lacks what the object needs: it does not tick.
    pub const DORMANT: u8 = 2;
    /// Dormant by its own condition, or since a fork: tick rules do not run.
    pub const RESTING: u8 = 4;
    /// Its life is over.
    pub const ENDED: u8 = 8;
    /// The last outcome of a tick rule was held, for the reason in the low bits.
    pub const HELD: u16 = 0x4000;
    /// It was refused, for the reason in the low bits.
    pub const REFUSED: u16 = 0x8000;
    /// A limit's stamp that is free.
    pub const FREE: i64 = i64::MIN;
}

/// Offsets in a role's record.
pub mod role {
    /// How often it was bound anew.
    pub const EPOCH: usize = 0;
    /// How many keys.
    pub const COUNT: usize = 4;
    /// The records of its keys, ascending.
    pub const KEYS: usize = 6;
    /// Bytes of the record of a key.
    pub const STRIDE: usize = 48;
    /// In the record of a key: the highest counter seen.
    pub const COUNTER: usize = 32;
    /// In the record of a key: bit k says that counter - k was seen.
    pub const WINDOW: usize = 40;

    /// Bytes of the record of a role of so many keys.
    pub fn size(keys: usize) -> usize {
        KEYS + STRIDE * keys
    }
}

/// Offsets in a request's record.
pub mod request {
    /// 1 while open.
    pub const OPEN: usize = 0;
    /// The index of the role of who proposed it.
    pub const ROLE: usize = 1;
    /// Who proposed it.
    pub const KEY: usize = 3;
    /// Until when consent counts.
    pub const DEADLINE: usize = 35;
    /// Its parameters; who consents follows.
    pub const PARAMS: usize = 43;
}

/// Offsets in the record of a message that waits.
pub mod waiting {
    /// The number of the entry in which it arrived.
    pub const NUMBER: usize = 0;
    /// When it arrived.
    pub const ARRIVED: usize = 8;
    /// The index of the role of who said it.
    pub const ROLE: usize = 16;
    /// Who said it.
    pub const KEY: usize = 18;
    /// What it carries.
    pub const PARAMS: usize = 50;
}

/// Offsets in a prediction's record.
pub mod prediction {
    /// 1 while open.
    pub const OPEN: usize = 0;
    /// 1 if it was false when it was made.
    pub const WORTH: usize = 1;
    /// Checkpoints seen true.
    pub const SEEN: usize = 2;
    /// When it was made.
    pub const MADE: usize = 3;
    /// What it captured.
    pub const CAPTURES: usize = 11;
}

/// Offsets in the record of trust.
pub mod trust {
    /// E at `T0` in 1/1024 millionths.
    pub const X: usize = 0;
    /// The last evidence.
    pub const T0: usize = 8;
    /// 1 in recovery.
    pub const RECOVERING: usize = 16;
    /// Entries of the ring.
    pub const LEN: usize = 17;
    /// The ring.
    pub const RING: usize = 18;
    /// Bytes of one entry of the ring.
    pub const STRIDE: usize = 13;
    /// Entries that the ring can hold.
    pub const CAPACITY: usize = 16;
    /// Bytes of the record.
    pub const SIZE: usize = RING + STRIDE * CAPACITY;
}

/// Offsets in the tail, from its start.
pub mod tail {
    /// The number of the next entry.
    pub const SEQUENCE: usize = 0;
    /// The digest of the last entry.
    pub const HEAD: usize = 8;
    /// The number of the first entry whose events may not all have been handed over.
    pub const DELIVERED: usize = 40;
    /// Bytes of the tail.
    pub const SIZE: usize = 48;
}

/// Offsets in an offer, and its kinds.
pub mod offer {
    /// One of the kinds below.
    pub const KIND: usize = 0;
    /// The host's clock.
    pub const OBSERVED: usize = 1;
    /// Ticks up to here have been judged or lawfully skipped.
    pub const SERVED: usize = 9;
    /// Messages turned away without an entry since the last one.
    pub const IGNORED: usize = 17;
    /// Where inputs begin.
    pub const INPUTS: usize = 21;
    /// The object is born.
    pub const BIRTH: u8 = 0;
    /// Time has passed.
    pub const TICK: u8 = 1;
    /// Somebody says something.
    pub const MESSAGE: u8 = 2;
    /// The object is bound to a host.
    pub const BIND: u8 = 3;
    /// Somebody consents to what a rule would do.
    pub const CONSENT: u8 = 4;
    /// An entry of the object has a twin.
    pub const FORK: u8 = 5;

    /// Offsets in the part of an input, from its start.
    pub mod input {
        /// 1 where the host has a value.
        pub const PRESENT: usize = 0;
        /// When it was so.
        pub const AT: usize = 1;
        /// Where an unsigned value begins.
        pub const VALUE: usize = 9;
        /// Whose word a signed one is.
        pub const KEY: usize = 9;
        /// 1 if the host checked the signature.
        pub const VERIFIED: usize = 41;
        /// The role's epoch.
        pub const EPOCH: usize = 42;
        /// Ed25519.
        pub const SIGNATURE: usize = 46;
        /// Where a signed value begins.
        pub const SIGNED_VALUE: usize = 110;
    }

    /// Offsets in the part of a message or of a consent, from its start.
    pub mod message {
        /// The index of its kind, or of the rule.
        pub const KIND: usize = 0;
        /// The index of the sender's role.
        pub const ROLE: usize = 2;
        /// The sender's key.
        pub const KEY: usize = 4;
        /// 1 if the host checked the signature.
        pub const VERIFIED: usize = 36;
        /// The role's epoch.
        pub const EPOCH: usize = 37;
        /// The signer's counter.
        pub const COUNTER: usize = 41;
        /// Not valid later; of a consent, the deadline of the request.
        pub const NOT_AFTER: usize = 49;
        /// Ed25519.
        pub const SIGNATURE: usize = 57;
        /// Where parameters begin.
        pub const PARAMS: usize = 121;
    }

    /// Offsets in the part of a birth, from its start.
    pub mod birth {
        /// The creator's key.
        pub const CREATOR: usize = 0;
        /// The bind record.
        pub const BIND: usize = 32;
        /// Where birth values begin.
        pub const VALUES: usize = BIND + super::bind::SIZE;
    }

    /// Offsets in a bind record, from its start.
    pub mod bind {
        /// The host's key.
        pub const HOST: usize = 0;
        /// Chosen by the host.
        pub const NONCE: usize = 32;
        /// What it offers, bit by bit.
        pub const CAPABILITIES: usize = 48;
        /// Bytes of the record.
        pub const SIZE: usize = 56;
    }

    /// Offsets in the part of a fork, from its start.
    pub mod fork {
        /// The number of the entry that has a twin.
        pub const AT: usize = 0;
        /// The digest of the entry.
        pub const OURS: usize = 8;
        /// The digest of its twin.
        pub const THEIRS: usize = 40;
        /// 1 if the host checked the proof.
        pub const VERIFIED: usize = 72;
        /// Bytes of the part.
        pub const SIZE: usize = 73;
    }
}

/// Offsets in an outcome.
pub mod outcome {
    /// 1 if there is an entry.
    pub const STATUS: usize = 0;
    /// 0, or why the offer was refused.
    pub const REPLY: usize = 1;
    /// Ticks up to here have been judged.
    pub const SERVED: usize = 3;
    /// When the object wants to be ticked next.
    pub const NEXT_DUE: usize = 11;
    /// Bytes of the body.
    pub const LENGTH: usize = 19;
    /// The entry's body.
    pub const BODY: usize = 23;
}

/// A form at an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// From the start of the image or offer.
    pub offset: usize,
    /// How it is stored there.
    pub form: Form,
}

/// Where an input lies in an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSlot {
    /// Its record.
    pub record: usize,
    /// Its value.
    pub value: Slot,
}

/// Where a request lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSlot {
    /// The index of the rule.
    pub rule: u16,
    /// Its record.
    pub record: usize,
    /// Its parameters.
    pub params: Vec<Slot>,
    /// How many consent; their keys follow.
    pub votes: usize,
    /// How many keys there are at most.
    pub most: usize,
}

/// Where the messages of a kind wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSlot {
    /// The index of the message.
    pub kind: u16,
    /// How many wait; their records follow, the oldest first.
    pub count: usize,
    /// Bytes of a record.
    pub stride: usize,
    /// What it carries, from the start of a record.
    pub params: Vec<Slot>,
}

impl QueueSlot {
    /// The record at a place of the queue.
    pub fn record(&self, place: usize) -> usize {
        self.count + 2 + self.stride * place
    }
}

/// Where lies what slopes are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlopeSlots {
    /// The sum of all jumps.
    pub sum: usize,
    /// The samples of `slope`.
    pub short: Option<usize>,
    /// The samples of `slope_long`.
    pub long: Option<usize>,
}

/// Where everything lies in the images and offers of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// One per field.
    pub fields: Vec<Slot>,
    /// What a state keeps of what is private, in order: the bytes of fields, when the latest readings
    /// were so, and the instant after an entry.
    pub private: Vec<std::ops::Range<usize>>,
    /// One per attested field: its index and the byte that says whether its last write was signed.
    pub signed: Vec<(u16, usize)>,
    /// One per role.
    pub roles: Vec<usize>,
    /// One per cycle that backs off: its index and its F.
    pub backoffs: Vec<(u16, usize)>,
    /// One per signed input: its index and when its latest reading was so.
    pub readings: Vec<(u16, usize)>,
    /// Of an object with a cycle on time: when what an entry turned true is looked at.
    pub wake: Option<usize>,
    /// One per tick rule: its index and its last outcome.
    pub outcomes: Vec<(u16, usize)>,
    /// One per limit: `next`, after which the stamps follow, and how many they are; where it has a sum,
    /// as many amounts follow.
    pub limits: Vec<(usize, u16)>,
    /// One per rule that needs consent, in order of the rules.
    pub requests: Vec<RequestSlot>,
    /// One per message that may wait.
    pub queues: Vec<QueueSlot>,
    /// One per prediction: its record and what it captures.
    pub predictions: Vec<(usize, Vec<Slot>)>,
    /// The record of trust.
    pub trust: Option<usize>,
    /// What its slopes are read from.
    pub slopes: Option<SlopeSlots>,
    /// Bytes of the state; the tail begins here.
    pub state_size: usize,
    /// Bytes of the image.
    pub image_size: usize,
    /// One per input.
    pub inputs: Vec<InputSlot>,
    /// Where an offer's message, consent, birth, bind or fork begins.
    pub payload: usize,
    /// One list per message kind.
    pub params: Vec<Vec<Slot>>,
    /// One per field without default: its index and its birth value.
    pub births: Vec<(u16, Slot)>,
    /// Where the keys of each role of a birth begin.
    pub birth_keys: Vec<usize>,
    /// Bytes of an offer.
    pub offer_size: usize,
}

/// Hands out offsets in order.
struct Cursor(usize);

impl Cursor {
    fn take(&mut self, size: usize) -> usize {
        let offset = self.0;
        self.0 = self.0.saturating_add(size);
        offset
    }

    fn slot(&mut self, form: Form) -> Slot {
        Slot { offset: self.take(form.size()), form }
    }
}

impl Layout {
    /// The layout of a class.
    pub fn of(model: &Model) -> Layout {
        let (schema, policy) = (&model.schema, &model.policy);
        let types = &schema.types;
        let index =
            |i: usize| u16::try_from(i).expect("lists are shorter than limits::DECLARATIONS");

        let mut at = Cursor(state::FIELDS);
        let fields: Vec<Slot> =
            schema.fields.iter().map(|f| at.slot(Form::packed(&f.ty, types))).collect();
        let private = schema.fields.iter().zip(&fields).filter(|(field, _)| field.private);
        let mut private: Vec<_> =
            private.map(|(_, slot)| slot.offset..slot.offset + slot.form.size()).collect();
        let attested = schema.fields.iter().enumerate().filter(|(_, f)| f.attested.is_some());
        let signed = attested.map(|(i, _)| (index(i), at.take(1))).collect();
        let roles = schema.roles.iter().map(|r| at.take(role::size(r.size()))).collect();
        let backing = schema.cycles.iter().enumerate();
        let backing = backing.filter(|(_, c)| matches!(c.schedule, Schedule::Backoff { .. }));
        let backoffs = backing.map(|(i, _)| (index(i), at.take(8))).collect();
        let read = schema.inputs.iter().enumerate().filter(|(_, input)| input.from.is_some());
        let readings: Vec<(u16, usize)> = read.map(|(i, _)| (index(i), at.take(8))).collect();
        let hidden = readings.iter().filter(|(i, _)| schema.inputs[usize::from(*i)].private);
        private.extend(hidden.map(|(_, at)| *at..*at + 8));
        let wake = wake::has_wakes(model).then(|| at.take(8));
        // It says whether an entry turned a guard true, which may read what is private.
        private.extend(wake.filter(|_| !private.is_empty()).map(|at| at..at + 8));
        let ticks = policy.rules.iter().enumerate().filter(|(_, rule)| rule.on.is_tick());
        let outcomes = ticks.map(|(i, _)| (index(i), at.take(2))).collect();
        let limits = policy
            .limits
            .iter()
            .map(|l| {
                let stamped = if l.sum.is_some() { 16 } else { 8 };
                (at.take(2 + stamped * usize::from(l.count)), l.count)
            })
            .collect();
        let consented = policy.rules.iter().enumerate();
        let requests = consented
            .filter_map(|(i, rule)| Some((index(i), rule, rule.quorum.as_ref()?)))
            .map(|(i, rule, quorum)| {
                let record = at.take(request::PARAMS);
                let message = rule.on.message().map(|kind| &schema.messages[usize::from(kind)]);
                let params = message.map_or(&[][..], |message| &message.params);
                let params = params.iter().map(|p| at.slot(Form::wide(&p.ty, types))).collect();
                let roles = quorum.roles.iter().map(|role| &schema.roles[usize::from(*role)]);
                let most = roles.map(Role::size).sum();
                RequestSlot { rule: i, record, params, votes: at.take(2 + 32 * most), most }
            })
            .collect();
        let queues = queues(schema, &mut at);
        let predictions = policy
            .predictions
            .iter()
            .map(|p| {
                let record = at.take(prediction::CAPTURES);
                (record, p.captures.iter().map(|ty| at.slot(Form::wide(ty, types))).collect())
            })
            .collect();
        let trust = policy.trust.as_ref().map(|_| at.take(trust::SIZE));
        let samples = [Measure::Slope, Measure::SlopeLong].map(|measure| model.reads(measure));
        let slopes = (trust.is_some() && samples.contains(&true)).then(|| {
            let sum = at.take(4);
            let [short, long] = samples.map(|kept| kept.then(|| at.take(4 * SAMPLES)));
            SlopeSlots { sum, short, long }
        });
        let state_size = at.0;

        let mut at = Cursor(offer::INPUTS);
        let inputs = (schema.inputs.iter())
            .map(|input| InputSlot {
                record: at.take(match input.from {
                    None => offer::input::VALUE,
                    Some(_) => offer::input::SIGNED_VALUE,
                }),
                value: at.slot(Form::wide(&input.ty, types)),
            })
            .collect();
        let payload = at.0;
        let mut offer_size = payload + offer::bind::SIZE.max(offer::message::PARAMS);
        let params = schema
            .messages
            .iter()
            .map(|m| {
                let mut at = Cursor(payload + offer::message::PARAMS);
                let slots = m.params.iter().map(|p| at.slot(Form::wide(&p.ty, types))).collect();
                offer_size = offer_size.max(at.0);
                slots
            })
            .collect();
        let mut at = Cursor(payload + offer::birth::VALUES);
        let births = schema
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.default.is_none())
            .map(|(i, field)| (index(i), at.slot(Form::wide(&field.ty, types))))
            .collect();
        let birth_keys =
            schema.roles.iter().map(|role| at.take(2 + 32 * role.born_with())).collect();
        Layout {
            fields,
            private,
            signed,
            roles,
            backoffs,
            readings,
            wake,
            outcomes,
            limits,
            requests,
            queues,
            predictions,
            trust,
            slopes,
            state_size,
            image_size: state_size + tail::SIZE,
            inputs,
            payload,
            params,
            births,
            birth_keys,
            offer_size: offer_size.max(at.0),
        }
    }
}

/// Where messages wait.
fn queues(schema: &Schema, at: &mut Cursor) -> Vec<QueueSlot> {
    let mut queues = Vec::new();
    for (kind, message) in (0u16..).zip(&schema.messages) {
        if message.waits.is_none() {
            continue;
        }
        let mut within = Cursor(waiting::PARAMS);
        let params = message.params.iter();
        let params = params.map(|p| within.slot(Form::wide(&p.ty, &schema.types))).collect();
        let stride = within.0;
        let count = at.take(stride.saturating_mul(WAITING).saturating_add(2));
        queues.push(QueueSlot { kind, count, stride, params });
    }
    queues
}
