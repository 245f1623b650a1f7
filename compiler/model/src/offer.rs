//! An offer: what a host puts before an object, and its bytes. One offer is one step.

use crate::layout::{InputSlot, Layout, Slot, offer as at};
use crate::model::Model;
use crate::schema::Input;
use crate::types::Bounds;
use crate::value::{Bytes32, Value};

/// What a host puts before an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it is about.
    pub kind: OfferKind,
    /// The host's clock, microseconds since 1970.
    pub observed: i64,
    /// Ticks up to here have been judged or lawfully skipped.
    pub served: i64,
    /// Messages turned away without an entry since the last one.
    pub ignored: u32,
    /// In order of the schema; `None` where the host has nothing.
    pub inputs: Vec<Option<View>>,
}

/// What a host knows of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The value, of the declared shape, perhaps out of its bounds.
    pub value: Value,
    /// When it was so.
    pub at: i64,
    /// What proves whose word it is; only of a signed input.
    pub word: Option<Word>,
}

/// What proves whose word a reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// A key of the input's role.
    pub key: Bytes32,
    /// The epoch of the role that its holder knows.
    pub epoch: u32,
    /// Ed25519 over [`reading_bytes`](crate::entry::reading_bytes).
    pub signature: [u8; 64],
    /// Whether this host checked the signature against the key.
    pub verified: bool,
}

/// What an offer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferKind {
    /// The object is born.
    Birth(Birth),
    /// Time has passed.
    Tick,
    /// Somebody says something.
    Message(Message),
    /// The object is bound to a host.
    Bind(Bind),
    /// Somebody consents to what a rule would do.
    Consent(Consent),
    /// An entry of the object has a twin.
    Fork(Fork),
}

/// What an object is born with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    /// The key that signs the birth.
    pub creator: Bytes32,
    /// Where it is born.
    pub bind: Bind,
    /// One per field without default, in order.
    pub values: Vec<Value>,
    /// The keys of each role, in order; one where it has no set.
    pub roles: Vec<Vec<Bytes32>>,
}

/// Where an object lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind {
    /// The host's public key.
    pub host: Bytes32,
    /// Chosen by the host.
    pub nonce: [u8; 16],
    /// What it offers, bit by bit.
    pub capabilities: u64,
}

/// What somebody says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The index of its kind.
    pub kind: u16,
    /// In order of its declaration, of the declared shape.
    pub params: Vec<Value>,
    /// What proves who says it; `None` where anyone may.
    pub envelope: Option<Envelope>,
}

/// What proves who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The index of the sender's role.
    pub role: u16,
    /// The sender's key.
    pub key: Bytes32,
    /// The epoch of the role that he knows.
    pub epoch: u32,
    /// His counter.
    pub counter: u64,
    /// Not valid later.
    pub not_after: i64,
    /// Ed25519 over [`signed_bytes`](crate::entry::signed_bytes).
    pub signature: [u8; 64],
    /// Whether this host checked the signature against the role's key.
    pub verified: bool,
}

/// A consent to what a rule would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The index of the rule.
    pub rule: u16,
    /// Who consents. `counter` is 0; `not_after` is the deadline of the request; the signature is over
    /// [`consent_bytes`](crate::entry::consent_bytes).
    pub by: Envelope,
}

/// A fork: two entries with one predecessor, one of them in this lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The number of both. A birth has no twin: the births of a class all have one predecessor.
    pub at: u64,
    /// The digest of the one in this lineage.
    pub ours: Bytes32,
    /// The digest of the other.
    pub theirs: Bytes32,
    /// Whether this host holds the proof and checked it.
    pub verified: bool,
}

impl Fork {
    /// Whether a lineage in which this number is next can have such a fork.
    pub fn is_of(&self, sequence: u64) -> bool {
        (1..sequence).contains(&self.at) && self.ours != self.theirs
    }
}

/// Stands for the role of an unsigned message.
pub const NO_ROLE: u16 = u16::MAX;

impl Offer {
    /// An offer of time alone.
    pub fn tick(observed: i64, served: i64, inputs: Vec<Option<View>>) -> Offer {
        Offer { kind: OfferKind::Tick, observed, served, ignored: 0, inputs }
    }

    /// The bytes of the offer.
    pub fn encode(&self, layout: &Layout) -> Vec<u8> {
        let mut bytes = vec![0; layout.offer_size];
        put(&mut bytes, at::OBSERVED, &self.observed.to_le_bytes());
        put(&mut bytes, at::SERVED, &self.served.to_le_bytes());
        put(&mut bytes, at::IGNORED, &self.ignored.to_le_bytes());
        for (slot, view) in layout.inputs.iter().zip(&self.inputs) {
            if let Some(view) = view {
                put_view(&mut bytes, slot, view);
            }
        }
        match &self.kind {
            OfferKind::Tick => bytes[at::KIND] = at::TICK,
            OfferKind::Birth(birth) => {
                bytes[at::KIND] = at::BIRTH;
                put(&mut bytes, layout.payload + at::birth::CREATOR, &birth.creator.0);
                put_bind(&mut bytes, layout.payload + at::birth::BIND, &birth.bind);
                for ((_, slot), value) in layout.births.iter().zip(&birth.values) {
                    slot.form.write(value, &mut bytes[slot.offset..]);
                }
                for (at, keys) in layout.birth_keys.iter().zip(&birth.roles) {
                    put(&mut bytes, *at, &(keys.len() as u16).to_le_bytes());
                    for (k, key) in keys.iter().enumerate() {
                        let place = at + 2 + 32 * k;
                        // What has no place is too much: the step says so by how many there are.
                        if let Some(place) = bytes.get_mut(place..place + 32) {
                            place.copy_from_slice(&key.0);
                        }
                    }
                }
            }
            OfferKind::Message(message) => {
                bytes[at::KIND] = at::MESSAGE;
                put_message(&mut bytes, layout, message);
            }
            OfferKind::Bind(bind) => {
                bytes[at::KIND] = at::BIND;
                put_bind(&mut bytes, layout.payload, bind);
            }
            OfferKind::Consent(consent) => {
                bytes[at::KIND] = at::CONSENT;
                put(&mut bytes, layout.payload + at::message::KIND, &consent.rule.to_le_bytes());
                put_envelope(&mut bytes, layout.payload, &consent.by);
            }
            OfferKind::Fork(fork) => {
                bytes[at::KIND] = at::FORK;
                put(&mut bytes, layout.payload + at::fork::AT, &fork.at.to_le_bytes());
                put(&mut bytes, layout.payload + at::fork::OURS, &fork.ours.0);
                put(&mut bytes, layout.payload + at::fork::THEIRS, &fork.theirs.0);
                bytes[layout.payload + at::fork::VERIFIED] = u8::from(fork.verified);
            }
        }
        bytes
    }
}

impl Offer {
    /// Reads an offer back; `None` where the bytes have not the form of one. What is not there (an
    /// absent input, the envelope of an unsigned message, what another kind would need) is not
    /// looked at. Whether values lie within their bounds is the business of the step.
    pub fn decode(model: &Model, layout: &Layout, bytes: &[u8]) -> Option<Offer> {
        if bytes.len() != layout.offer_size {
            return None;
        }
        let inputs = (model.schema.inputs.iter().zip(&layout.inputs))
            .map(|(input, slot)| match bytes[slot.record + at::input::PRESENT] {
                0 => Some(None),
                1 => read_view(input, slot, bytes).map(Some),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()?;
        let observed = i64_at(bytes, at::OBSERVED).filter(|at| Bounds::INSTANT.contains(*at))?;
        let kind = match bytes[at::KIND] {
            at::TICK => OfferKind::Tick,
            at::BIRTH => OfferKind::Birth(read_birth(model, layout, bytes)?),
            at::MESSAGE => OfferKind::Message(read_message(model, layout, bytes)?),
            at::BIND => OfferKind::Bind(read_bind(bytes, layout.payload)?),
            at::CONSENT => {
                let rule = u16_at(bytes, layout.payload + at::message::KIND)?;
                let known = layout.requests.iter().any(|slot| slot.rule == rule);
                let by = read_envelope(model, layout, bytes)?.filter(|_| known)?;
                OfferKind::Consent(Consent { rule, by })
            }
            at::FORK => OfferKind::Fork(read_fork(bytes, layout.payload)?),
            _ => return None,
        };
        let ignored = u32::from_le_bytes(array(bytes, at::IGNORED)?);
        Some(Offer { kind, observed, served: i64_at(bytes, at::SERVED)?, ignored, inputs })
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn i64_at(bytes: &[u8], at: usize) -> Option<i64> {
    array(bytes, at).map(i64::from_le_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn read(slot: &Slot, bytes: &[u8]) -> Option<Value> {
    slot.form.read(bytes.get(slot.offset..)?)
}

fn read_view(input: &Input, slot: &InputSlot, bytes: &[u8]) -> Option<View> {
    let record = slot.record;
    let word = match input.from {
        None => None,
        Some(_) => Some(Word {
            key: Bytes32(array(bytes, record + at::input::KEY)?),
            epoch: array(bytes, record + at::input::EPOCH).map(u32::from_le_bytes)?,
            signature: array(bytes, record + at::input::SIGNATURE)?,
            verified: truth(bytes[record + at::input::VERIFIED])?,
        }),
    };
    Some(View {
        value: read(&slot.value, bytes)?,
        at: i64_at(bytes, record + at::input::AT)?,
        word,
    })
}

fn truth(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn read_bind(bytes: &[u8], start: usize) -> Option<Bind> {
    Some(Bind {
        host: Bytes32(array(bytes, start + at::bind::HOST)?),
        nonce: array(bytes, start + at::bind::NONCE)?,
        capabilities: array(bytes, start + at::bind::CAPABILITIES).map(u64::from_le_bytes)?,
    })
}

fn read_fork(bytes: &[u8], start: usize) -> Option<Fork> {
    Some(Fork {
        at: array(bytes, start + at::fork::AT).map(u64::from_le_bytes)?,
        ours: Bytes32(array(bytes, start + at::fork::OURS)?),
        theirs: Bytes32(array(bytes, start + at::fork::THEIRS)?),
        verified: truth(bytes[start + at::fork::VERIFIED])?,
    })
}

fn read_birth(model: &Model, layout: &Layout, bytes: &[u8]) -> Option<Birth> {
    Some(Birth {
        creator: Bytes32(array(bytes, layout.payload + at::birth::CREATOR)?),
        bind: read_bind(bytes, layout.payload + at::birth::BIND)?,
        values: layout.births.iter().map(|(_, slot)| read(slot, bytes)).collect::<Option<_>>()?,
        roles: (model.schema.roles.iter().zip(&layout.birth_keys))
            .map(|(role, at)| {
                let count = usize::from(u16_at(bytes, *at)?);
                let most = role.born_with();
                let fits = if role.max.is_some() { count <= most } else { count == 1 };
                let count = Some(count).filter(|_| fits)?;
                (0..count).map(|k| array(bytes, at + 2 + 32 * k).map(Bytes32)).collect()
            })
            .collect::<Option<_>>()?,
    })
}

fn read_message(model: &Model, layout: &Layout, bytes: &[u8]) -> Option<Message> {
    let start = layout.payload;
    let kind = u16_at(bytes, start + at::message::KIND)?;
    let slots = layout.params.get(usize::from(kind))?;
    let params = slots.iter().map(|slot| read(slot, bytes)).collect::<Option<_>>()?;
    Some(Message { kind, params, envelope: read_envelope(model, layout, bytes)? })
}

/// Who speaks; the inner `None` where nobody signed.
fn read_envelope(model: &Model, layout: &Layout, bytes: &[u8]) -> Option<Option<Envelope>> {
    let start = layout.payload;
    let role = u16_at(bytes, start + at::message::ROLE)?;
    if role == NO_ROLE {
        return Some(None);
    }
    let verified = truth(bytes[start + at::message::VERIFIED])?;
    Some(Some(Envelope {
        role: Some(role).filter(|role| usize::from(*role) < model.schema.roles.len())?,
        key: Bytes32(array(bytes, start + at::message::KEY)?),
        epoch: array(bytes, start + at::message::EPOCH).map(u32::from_le_bytes)?,
        counter: array(bytes, start + at::message::COUNTER).map(u64::from_le_bytes)?,
        not_after: i64_at(bytes, start + at::message::NOT_AFTER)?,
        signature: array(bytes, start + at::message::SIGNATURE)?,
        verified,
    }))
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn put_view(bytes: &mut [u8], slot: &InputSlot, view: &View) {
    let record = slot.record;
    bytes[record + at::input::PRESENT] = 1;
    put(bytes, record + at::input::AT, &view.at.to_le_bytes());
    if let Some(word) = &view.word {
        put(bytes, record + at::input::KEY, &word.key.0);
        bytes[record + at::input::VERIFIED] = u8::from(word.verified);
        put(bytes, record + at::input::EPOCH, &word.epoch.to_le_bytes());
        put(bytes, record + at::input::SIGNATURE, &word.signature);
    }
    slot.value.form.write(&view.value, &mut bytes[slot.value.offset..]);
}

fn put_bind(bytes: &mut [u8], start: usize, bind: &Bind) {
    put(bytes, start + at::bind::HOST, &bind.host.0);
    put(bytes, start + at::bind::NONCE, &bind.nonce);
    put(bytes, start + at::bind::CAPABILITIES, &bind.capabilities.to_le_bytes());
}

fn put_message(bytes: &mut [u8], layout: &Layout, message: &Message) {
    let start = layout.payload;
    put(bytes, start + at::message::KIND, &message.kind.to_le_bytes());
    match &message.envelope {
        None => put(bytes, start + at::message::ROLE, &NO_ROLE.to_le_bytes()),
        Some(envelope) => put_envelope(bytes, start, envelope),
    }
    let slots = layout.params.get(usize::from(message.kind)).map_or(&[][..], |slots| slots);
    for (slot, value) in slots.iter().zip(&message.params) {
        slot.form.write(value, &mut bytes[slot.offset..]);
    }
}

fn put_envelope(bytes: &mut [u8], start: usize, envelope: &Envelope) {
    put(bytes, start + at::message::ROLE, &envelope.role.to_le_bytes());
    put(bytes, start + at::message::KEY, &envelope.key.0);
    bytes[start + at::message::VERIFIED] = u8::from(envelope.verified);
    put(bytes, start + at::message::EPOCH, &envelope.epoch.to_le_bytes());
    put(bytes, start + at::message::COUNTER, &envelope.counter.to_le_bytes());
    put(bytes, start + at::message::NOT_AFTER, &envelope.not_after.to_le_bytes());
    put(bytes, start + at::message::SIGNATURE, &envelope.signature);
}
