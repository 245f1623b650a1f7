//! Phases 1, 2 and 4: messages that wait are taken by a rule whose guard has become true, or expire, or
//! are turned away by the object's end.

use super::{Speech, Step};
use crate::entry::{Outcome, Verdict};
use crate::image::State;
use crate::layout::Layout;
use crate::model::Model;
use crate::policy::{Reason, Trigger};
use crate::types::NEVER;
use crate::waiting::{WaitingMessage, is_full};

/// How long messages of a queue wait.
fn patience(model: &Model, kind: u16) -> i64 {
    model.schema.messages[usize::from(kind)].waits.unwrap_or(NEVER)
}

/// The earliest instant at which a message expires: the first beyond its deadline.
pub(super) fn next_expiry(model: &Model, layout: &Layout, state: &State) -> Option<i64> {
    let queues = layout.queues.iter().zip(&state.waiting);
    let first = queues.filter_map(|(slot, queue)| {
        Some(queue.first()?.deadline(patience(model, slot.kind)).saturating_add(1))
    });
    first.min()
}

impl Step<'_> {
    /// Phase 1: messages that nobody took in time.
    pub(super) fn expire_messages(&mut self) {
        for (index, slot) in self.layout.queues.iter().enumerate() {
            let waits = patience(self.model, slot.kind);
            while let Some(first) = self.state.waiting[index].first()
                && first.deadline(waits) < self.now
            {
                let WaitingMessage { number, by, params, .. } = self.state.waiting[index].remove(0);
                let speech = Speech { kind: slot.kind, params, by: Some(by) };
                self.conclude(None, Verdict::Refused(Reason::EXPIRED), &speech, Some(number));
                let nobodys = Speech { by: None, ..speech };
                self.react_to(Trigger::Expired(slot.kind), Some(nobodys));
            }
        }
    }

    /// Phase 4: nobody will take what waits when the object ends, kind by kind, the oldest first. That
    /// includes the message of this step, if it is to wait from now on.
    pub(super) fn turn_away(&mut self, number: u64, arrived: Option<&Speech>) {
        let waits = |outcome: &Outcome| {
            outcome.rule.is_none() && outcome.of.is_none() && outcome.verdict == Verdict::Waits
        };
        let arrived = arrived.filter(|_| self.outcomes.iter().any(waits));
        for (index, slot) in self.layout.queues.iter().enumerate() {
            let queue = std::mem::take(&mut self.state.waiting[index]).into_iter();
            let queue = queue.map(|WaitingMessage { number, by, params, .. }| {
                (number, Speech { kind: slot.kind, params, by: Some(by) })
            });
            let last = arrived.filter(|speech| speech.kind == slot.kind);
            let last = last.map(|speech| (number, speech.clone()));
            for (number, speech) in queue.chain(last).collect::<Vec<_>>() {
                self.conclude(None, Verdict::Refused(Reason::ENDED), &speech, Some(number));
            }
        }
    }

    /// Phase 2: each message that waits is offered once more, the oldest first.
    pub(super) fn offer_waiting(&mut self) {
        let mut last = 0;
        while let Some((index, waiting)) = self.next_waiting(last) {
            last = waiting.number;
            let WaitingMessage { number, by, params, .. } = waiting;
            let speech = Speech { kind: self.layout.queues[index].kind, params, by: Some(by) };
            self.speech = Some(speech.clone());
            let holds = self.state.roles[usize::from(by.0)].key(&by.1).is_some();
            let taken = if holds {
                self.elect(speech.kind)
            } else {
                Some((None, Verdict::Refused(Reason::ROLE)))
            };
            if let Some((rule, verdict)) = taken {
                self.state.waiting[index].retain(|waiting| waiting.number != number);
                self.conclude(rule, verdict, &speech, Some(number));
            }
        }
        self.speech = None;
    }

    /// The oldest message that waits, of those that came after this one; and its queue.
    fn next_waiting(&self, last: u64) -> Option<(usize, WaitingMessage)> {
        let queues = self.state.waiting.iter().enumerate();
        let all =
            queues.flat_map(|(index, queue)| queue.iter().map(move |waiting| (index, waiting)));
        let later = all.filter(|(_, waiting)| waiting.number > last);
        let (index, waiting) = later.min_by_key(|(_, waiting)| waiting.number)?;
        Some((index, waiting.clone()))
    }

    /// What becomes of a message that no rule takes when it arrives.
    pub(super) fn wait(&self, speech: &Speech) -> Verdict {
        let queue = self.layout.queues.iter().position(|slot| slot.kind == speech.kind);
        let (Some(queue), Some(by)) = (queue, speech.by) else {
            return Verdict::Refused(Reason::NO_RULE);
        };
        if is_full(self.model, &self.state.waiting[queue], by) {
            return Verdict::Refused(Reason::FULL);
        }
        Verdict::Waits
    }
}
