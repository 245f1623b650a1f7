//! Digests: of states, objects, events, entries and what they hide, and what a sender signs. Each has a BLAKE3
//! context of its own, so that no digest of one kind is one of another.

use crate::cbor::Writer;
use crate::layout::Layout;
use crate::model::Model;
use crate::offer::{Envelope, NO_ROLE, View, Word};
use crate::value::{Bytes32, Value};

/// The digest of a state: all of an image but its tail, with zeros in place of what is private.
pub fn state_digest(layout: &Layout, state: &[u8]) -> Bytes32 {
    let mut hasher = blake3::Hasher::new_derive_key("aqo state 1");
    let mut from = 0;
    for hidden in &layout.private {
        hasher.update(&state[from..hidden.start]);
        hasher.update(&vec![0; hidden.len()]);
        from = hidden.end;
    }
    hasher.update(&state[from..]);
    Bytes32(*hasher.finalize().as_bytes())
}

/// The salt of one private value, from that of its entry and its place among the private ones there.
fn value_salt(salt: &Bytes32, place: u32) -> Bytes32 {
    let mut hasher = blake3::Hasher::new_derive_key("aqo salt 1");
    hasher.update(&salt.0);
    hasher.update(&place.to_le_bytes());
    Bytes32(*hasher.finalize().as_bytes())
}

/// What stands for a private value in the entry that is chained.
pub(super) fn commitment(salt: &Bytes32, place: u32, value: &[u8]) -> Bytes32 {
    let mut hasher = blake3::Hasher::new_derive_key("aqo private 1");
    hasher.update(&value_salt(salt, place).0);
    hasher.update(value);
    Bytes32(*hasher.finalize().as_bytes())
}

/// An object's id: the digest of the body of its birth, as it is chained.
pub(super) fn object_id(birth_body: &[u8]) -> Bytes32 {
    Bytes32(blake3::derive_key("aqo object 1", birth_body))
}

/// The id of an event: the entry that said it, and its place there.
pub fn event_id(entry: &Bytes32, index: u32) -> Bytes32 {
    let mut hasher = blake3::Hasher::new_derive_key("aqo event 1");
    hasher.update(&entry.0);
    hasher.update(&index.to_le_bytes());
    Bytes32(*hasher.finalize().as_bytes())
}

/// The digest of an entry after its predecessor's.
pub fn chain(previous: &Bytes32, entry: &[u8]) -> Bytes32 {
    let mut hasher = blake3::Hasher::new_derive_key("aqo entry 1");
    hasher.update(&previous.0);
    hasher.update(entry);
    let used = (32 + entry.len()) % 64;
    if used != 0 {
        hasher.update(&[0; 64][used..]);
    }
    Bytes32(*hasher.finalize().as_bytes())
}

/// What the sender of a message signs: canonical CBOR of
/// `["aqo message 1", object, kind, [parameter, …], role, epoch, counter, not after]`.
pub fn signed_bytes(
    model: &Model,
    object: &Bytes32,
    kind: u16,
    params: &[Value],
    envelope: &Envelope,
) -> Vec<u8> {
    let mut w = Writer::default();
    w.array(8);
    w.text("aqo message 1");
    w.bytes(&object.0);
    let message = &model.schema.messages[usize::from(kind)];
    w.uint(u64::from(message.number));
    w.array(params.len());
    w.values(params, &message.params, &model.schema.types);
    w.uint(u64::from(model.schema.roles[usize::from(envelope.role)].number));
    w.uint(u64::from(envelope.epoch));
    w.uint(envelope.counter);
    w.int(envelope.not_after);
    w.bytes
}

/// What whoever consents signs: canonical CBOR of
/// `["aqo consent 1", object, rule, digest of the parameters, role, epoch, class, deadline]`, so that
/// what is consented to is what was seen.
pub fn consent_bytes(
    model: &Model,
    object: &Bytes32,
    rule: u16,
    params: &[Value],
    by: &Envelope,
) -> Vec<u8> {
    let mut seen = Writer::default();
    seen.array(params.len());
    let asked = &model.policy.rules[usize::from(rule)];
    let message = asked.on.message().map(|kind| &model.schema.messages[usize::from(kind)]);
    let declared = message.map_or(&[][..], |message| &message.params);
    seen.values(params, declared, &model.schema.types);
    let mut w = Writer::default();
    w.array(8);
    w.text("aqo consent 1");
    w.bytes(&object.0);
    w.uint(u64::from(model.policy.rules[usize::from(rule)].number));
    w.bytes(&blake3::derive_key("aqo parameters 1", &seen.bytes));
    w.uint(u64::from(model.schema.roles[usize::from(by.role)].number));
    w.uint(u64::from(by.epoch));
    w.bytes(&model.class().0);
    w.int(by.not_after);
    w.bytes
}

/// What whoever vouches for a reading signs: canonical CBOR of
/// `["aqo reading 1", object, input, value, role, epoch, at]`. Its instant is its counter: a reading
/// from before the latest that is recorded counts as not there.
pub fn reading_bytes(
    model: &Model,
    object: &Bytes32,
    input: u16,
    view: &View,
    word: &Word,
) -> Vec<u8> {
    let declared = &model.schema.inputs[usize::from(input)];
    let role = declared.from.map(|role| model.schema.roles[usize::from(role)].number);
    let mut w = Writer::default();
    w.array(7);
    w.text("aqo reading 1");
    w.bytes(&object.0);
    w.uint(u64::from(declared.number));
    w.value(&view.value, &declared.ty, &model.schema.types);
    w.uint(u64::from(role.unwrap_or(NO_ROLE)));
    w.uint(u64::from(word.epoch));
    w.int(view.at);
    w.bytes
}
