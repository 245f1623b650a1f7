//! Messages that wait: what an image keeps of them, and its bytes.
//!
//! Each kind that may wait has a queue of its own, in the order of arrival, so that no kind takes
//! another's room. A message is known by the number of the entry in which it arrived.

use crate::layout::{QueueSlot, waiting as at};
use crate::limits::{WAITING, WAITING_OF_ONE};
use crate::model::Model;
use crate::types::NEVER;
use crate::value::{Bytes32, Value};

/// A message that waits to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingMessage {
    /// The number of the entry in which it arrived.
    pub number: u64,
    /// When it arrived.
    pub arrived: i64,
    /// Who said it: a role and one of its keys.
    pub by: (u16, Bytes32),
    /// What it carries.
    pub params: Vec<Value>,
}

impl WaitingMessage {
    /// The last instant at which it may be taken, if its kind waits so long.
    pub fn deadline(&self, waits: i64) -> i64 {
        self.arrived.saturating_add(waits).min(NEVER)
    }
}

/// Whether a queue has no room for one more message of this sender. Of those that share a role, each
/// has half of it.
pub fn is_full(model: &Model, queue: &[WaitingMessage], by: (u16, Bytes32)) -> bool {
    let role = model.schema.roles.get(usize::from(by.0));
    let shared = role.is_some_and(|role| role.max.is_some());
    let own = queue.iter().filter(|waiting| waiting.by.1 == by.1).count();
    queue.len() >= WAITING || (shared && own >= WAITING_OF_ONE)
}

/// A queue into an image.
pub fn write(slot: &QueueSlot, queue: &[WaitingMessage], bytes: &mut [u8]) {
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(slot.count, &(queue.len() as u16).to_le_bytes());
    for (k, waiting) in queue.iter().enumerate() {
        let record = slot.record(k);
        put(record + at::NUMBER, &waiting.number.to_le_bytes());
        put(record + at::ARRIVED, &waiting.arrived.to_le_bytes());
        put(record + at::ROLE, &waiting.by.0.to_le_bytes());
        put(record + at::KEY, &waiting.by.1.0);
    }
    for (k, waiting) in queue.iter().enumerate() {
        for (param, value) in slot.params.iter().zip(&waiting.params) {
            let place = slot.record(k) + param.offset;
            param.form.write(value, &mut bytes[place..]);
        }
    }
}

/// A queue out of an image; `None` where the bytes are none.
pub fn read(slot: &QueueSlot, bytes: &[u8]) -> Option<Vec<WaitingMessage>> {
    let eight = |at: usize| -> Option<[u8; 8]> { bytes.get(at..at + 8)?.try_into().ok() };
    let two = |at: usize| -> Option<[u8; 2]> { bytes.get(at..at + 2)?.try_into().ok() };
    let count = usize::from(u16::from_le_bytes(two(slot.count)?));
    (0..Some(count).filter(|count| *count <= WAITING)?)
        .map(|k| {
            let record = slot.record(k);
            let params = slot.params.iter();
            let params = params.map(|p| p.form.read(bytes.get(record + p.offset..)?));
            let key = record + at::KEY;
            Some(WaitingMessage {
                number: u64::from_le_bytes(eight(record + at::NUMBER)?),
                arrived: i64::from_le_bytes(eight(record + at::ARRIVED)?),
                by: (
                    u16::from_le_bytes(two(record + at::ROLE)?),
                    Bytes32(bytes.get(key..key + 32)?.try_into().ok()?),
                ),
                params: params.collect::<Option<_>>()?,
            })
        })
        .collect()
}

/// Whether these could wait in an object of this class that stands at `now` and whose next entry has
/// this number.
pub fn is_sound(
    model: &Model,
    kinds: impl Iterator<Item = u16>,
    queues: &[Vec<WaitingMessage>],
    (born, now): (i64, i64),
    next: u64,
) -> bool {
    let mut numbers: Vec<u64> = queues.iter().flatten().map(|waiting| waiting.number).collect();
    numbers.sort_unstable();
    let known = numbers.iter().all(|number| (1..next).contains(number));
    let distinct = numbers.is_sorted_by(|a, b| a < b);
    known
        && distinct
        && kinds.zip(queues).all(|(kind, queue)| {
            let declared = &model.schema.messages[usize::from(kind)];
            let types = &model.schema.types;
            let ordered = queue.is_sorted_by(|a, b| a.number < b.number && a.arrived <= b.arrived);
            ordered
                && queue.iter().all(|waiting| {
                    let mut typed = declared.params.iter().zip(&waiting.params);
                    (born..=now).contains(&waiting.arrived)
                        && declared.from.contains(&waiting.by.0)
                        && typed.all(|(param, value)| value.in_range(&param.ty, types))
                })
        })
}
