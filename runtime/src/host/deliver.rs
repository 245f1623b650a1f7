//! Events on their way out: at least once, each with an id that is the same at every attempt.

use super::{Host, Observer};
use crate::provider::Outgoing;
use aqo_model::Model;
use aqo_model::entry::{self, Entry};
use aqo_model::layout::tail;
use aqo_model::value::Bytes32;

/// An event that has not been handed over.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    capability: String,
    sequence: u64,
    event: Outgoing,
}

impl Waiting {
    /// The number of the entry that said it.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// The events of an entry that a capability carries out.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
pub(super) fn waiting(model: &Model, entry: &Entry, head: &Bytes32) -> Vec<Waiting> {
    let mut waiting = Vec::new();
    for (index, said) in entry.events.iter().enumerate() {
        let declared = &model.schema.events[usize::from(said.event)];
        let (Some(via), false) = (declared.via, said.withheld) else { continue };
        let args = declared.params.iter().zip(&said.args);
        let args = args.map(|(param, value)| {
            let json = match value {
                aqo_model::value::Value::Bool(value) => serde_json::Value::Bool(*value),
                other => serde_json::Value::String(other.show(&param.ty, &model.schema.types)),
            };
            (param.name.clone(), json)
        });
        waiting.push(Waiting {
            capability: model.schema.capabilities[usize::from(via)].clone(),
            sequence: entry.sequence,
            event: Outgoing {
                id: entry::event_id(head, index as u32),
                name: declared.name.clone(),
                args: args.collect(),
                at: entry.now,
                expires: declared.expires,
            },
        });
    }
    waiting
}

impl Host {
    /// Hands over what is durable, in order; stops at the first event that is not taken.
    pub(super) fn deliver(&mut self, now: i64, observer: &mut dyn Observer) {
        for object in self.objects.values_mut() {
            let waited = object.outbox.len();
            while let Some(waiting) = object.outbox.front() {
                let event = &waiting.event;
                let is_late =
                    event.expires.is_some_and(|expires| now > event.at.saturating_add(expires));
                if is_late {
                    observer.note(&format!(
                        "{}: {} was withdrawn: nobody took it in time",
                        object.name, event.name
                    ));
                } else {
                    let provider = self.config.capability(&object.name, &waiting.capability);
                    let provider = provider.and_then(|name| self.providers.get_mut(name));
                    if !provider.is_some_and(|provider| provider.deliver(event)) {
                        break;
                    }
                }
                let sequence = waiting.sequence;
                object.outbox.pop_front();
                let next = object.outbox.front().map_or(sequence + 1, |waiting| waiting.sequence);
                if let Some(class) = self.classes.get(&object.artifact) {
                    let at = class.artifact.layout.state_size + tail::DELIVERED;
                    object.image[at..at + 8].copy_from_slice(&next.to_le_bytes());
                }
            }
            if object.outbox.len() < waited {
                // Durable with the next entries: an event that was handed over may go out again.
                self.log.push(super::cursor(object, self.classes.get(&object.artifact)));
            }
        }
    }
}
