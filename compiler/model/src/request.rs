//! Requests: what a rule would do and waits for people's consent to do, in an image and its bytes.

use crate::layout::{RequestSlot, request as at};
use crate::model::Model;
use crate::offer::NO_ROLE;
use crate::value::{Bytes32, Value};

/// Something that a rule would do once enough people consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestState {
    /// The role and the key of who proposed it; `None` where the object did.
    pub by: Option<(u16, Bytes32)>,
    /// Until when consent counts.
    pub deadline: i64,
    /// The parameters of the message.
    pub params: Vec<Value>,
    /// The keys that consent, in the order in which they did.
    pub votes: Vec<Bytes32>,
}

/// Whether the parameters of what is asked lie within their bounds.
pub fn fit(model: &Model, requests: &[Option<RequestState>]) -> bool {
    let rules = model.policy.rules.iter().filter(|rule| rule.quorum.is_some());
    rules.zip(requests).all(|(rule, open)| {
        let Some(open) = open else { return true };
        let message = rule.on.message().map(|kind| &model.schema.messages[usize::from(kind)]);
        let params = message.map_or(&[][..], |message| &message.params);
        let types = &model.schema.types;
        params.iter().zip(&open.params).all(|(param, value)| value.in_range(&param.ty, types))
    })
}

/// A request into an image.
pub fn write(slot: &RequestSlot, open: &RequestState, bytes: &mut [u8]) {
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    let (role, key) = open.by.unwrap_or((NO_ROLE, Bytes32::ZERO));
    put(slot.record + at::OPEN, &[1]);
    put(slot.record + at::ROLE, &role.to_le_bytes());
    put(slot.record + at::KEY, &key.0);
    put(slot.record + at::DEADLINE, &open.deadline.to_le_bytes());
    put(slot.votes, &(open.votes.len() as u16).to_le_bytes());
    for (k, vote) in open.votes.iter().enumerate() {
        put(slot.votes + 2 + 32 * k, &vote.0);
    }
    for (slot, value) in slot.params.iter().zip(&open.params) {
        slot.form.write(value, &mut bytes[slot.offset..]);
    }
}

/// A request out of an image, or none; the outer `None` where the bytes are neither.
pub fn read(slot: &RequestSlot, bytes: &[u8]) -> Option<Option<RequestState>> {
    if bytes[slot.record + at::OPEN] == 0 {
        return Some(None);
    }
    let two = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let key = |at: usize| Some(Bytes32(bytes.get(at..at + 32)?.try_into().ok()?));
    let role = two(slot.record + at::ROLE)?;
    let deadline = slot.record + at::DEADLINE;
    let votes = usize::from(two(slot.votes)?);
    Some(Some(RequestState {
        by: match role {
            NO_ROLE => None,
            role => Some((role, key(slot.record + at::KEY)?)),
        },
        deadline: i64::from_le_bytes(bytes.get(deadline..deadline + 8)?.try_into().ok()?),
        params: (slot.params.iter())
            .map(|slot| slot.form.read(bytes.get(slot.offset..)?))
            .collect::<Option<_>>()?,
        votes: (0..Some(votes).filter(|votes| *votes <= slot.most)?)
            .map(|k| key(slot.votes + 2 + 32 * k))
            .collect::<Option<_>>()?,
    }))
}
