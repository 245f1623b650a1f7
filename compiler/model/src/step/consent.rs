//! Consent: what a rule that needs it would do waits as a request until enough people say yes. Then
//! it is offered again from the top, with the demand met.

use super::{Seen, Speech, Step, Stepped, nothing, schedule, served};
use crate::entry::{Cause, Verdict};
use crate::image::{Image, State};
use crate::layout::Layout;
use crate::model::Model;
use crate::offer::{Consent, Offer};
use crate::policy::{Quorum, Reason};
use crate::request::RequestState;
use crate::types::NEVER;
use crate::value::Bytes32;

/// Somebody consents. What anybody could have sent again leaves no entry.
pub(super) fn consent(
    model: &Model,
    layout: &Layout,
    image: &Image,
    offer: &Offer,
    consent: &Consent,
    watch: &dyn Fn(Seen),
) -> Stepped {
    let now = image.state.now.max(offer.observed);
    let ignored = |reason| nothing(model, layout, image, served(offer), Some(reason));
    if image.state.ended {
        return ignored(Reason::ENDED);
    }
    if schedule::next_deadline(model, layout, &image.state) <= now {
        return ignored(Reason::DUE_FIRST);
    }
    let slot = layout.requests.iter().position(|slot| slot.rule == consent.rule);
    let Some(slot) = slot else { return ignored(Reason::MALFORMED) };
    if let Err(reason) = authenticate(model, &image.state, slot, consent) {
        return ignored(reason);
    }
    let mut step = Step::new(model, layout, image, offer, now, watch);
    step.offer_waiting();
    let reply = step.count(slot, consent);
    step.finish(image, Cause::Consent(*consent), reply, served(offer))
}

/// Whether a key that may consents, for the first time, to what is asked now.
fn authenticate(
    model: &Model,
    state: &State,
    slot: usize,
    consent: &Consent,
) -> Result<(), Reason> {
    let quorum = model.policy.rules[usize::from(consent.rule)].quorum.as_ref();
    let quorum = quorum.expect("only rules that need consent have a request");
    let open = state.requests[slot].as_ref().ok_or(Reason::NO_REQUEST)?;
    if !consent.by.verified {
        return Err(Reason::EVIDENCE);
    }
    let role = state.roles.get(usize::from(consent.by.role)).ok_or(Reason::ROLE)?;
    let holds = role.epoch == consent.by.epoch && role.key(&consent.by.key).is_some();
    if !holds || !quorum.roles.contains(&consent.by.role) {
        return Err(Reason::ROLE);
    }
    if consent.by.not_after != open.deadline {
        return Err(Reason::NO_REQUEST);
    }
    if open.votes.contains(&consent.by.key) { Err(Reason::TWICE) } else { Ok(()) }
}

/// Whether enough of those who consented still hold a role that counts.
fn is_met(state: &State, quorum: &Quorum, votes: &[Bytes32]) -> bool {
    let counts = |vote: &&Bytes32| {
        quorum.roles.iter().any(|role| state.roles[usize::from(*role)].key(vote).is_some())
    };
    votes.iter().filter(counts).count() >= usize::from(quorum.count)
}

impl Step<'_> {
    /// One more consents; where that is enough, the rule gets its way or is refused for good.
    fn count(&mut self, slot: usize, consent: &Consent) -> Option<Reason> {
        let model = self.model;
        let rule = &model.policy.rules[usize::from(consent.rule)];
        let open = self.state.requests[slot].as_mut().expect("an open request was found");
        open.votes.push(consent.by.key);
        let quorum = rule.quorum.as_ref().expect("the rule needs consent");
        let open = self.state.requests[slot].as_ref().expect("an open request was found");
        if !is_met(&self.state, quorum, &open.votes) {
            return Some(Reason::WAITS);
        }
        let open = self.state.requests[slot].take().expect("an open request was found");
        self.met = Some(consent.rule);
        let RequestState { by, params, .. } = open;
        match rule.on.message() {
            Some(kind) => {
                let holds = by.is_none_or(|(role, key)| {
                    let role = usize::from(role);
                    model.schema.roles[role].open || self.state.roles[role].key(&key).is_some()
                });
                let allowed = if holds { Ok(()) } else { Err(Reason::ROLE) };
                let speech = Speech { kind, params, by };
                self.take_message(&speech, allowed, |_| Verdict::Refused(Reason::NO_RULE))
            }
            None => {
                let verdict = match self.judge(usize::from(consent.rule)) {
                    Some(Verdict::Held(reason)) => Verdict::Refused(reason),
                    Some(verdict) => verdict,
                    None => Verdict::Refused(Reason::NO_RULE),
                };
                self.note(Some(consent.rule), verdict);
                match verdict {
                    Verdict::Refused(reason) => Some(reason),
                    Verdict::Committed | Verdict::Held(_) | Verdict::Waits => None,
                }
            }
        }
    }

    /// What becomes of a rule that nothing else stops: it commits where it needs no consent, or has
    /// enough; else it asks, unless it has asked already.
    pub(super) fn ask(&mut self, index: usize) -> Verdict {
        let Some(quorum) = &self.model.policy.rules[index].quorum else {
            return Verdict::Committed;
        };
        if self.met == Some(index as u16) {
            return Verdict::Committed;
        }
        let request = request(self.now, quorum, self.speech.as_ref());
        if is_met(&self.state, quorum, &request.votes) {
            return Verdict::Committed;
        }
        let slot = self.layout.requests.iter().position(|slot| usize::from(slot.rule) == index);
        let slot = slot.expect("a rule that needs consent has a place for its request");
        if self.state.requests[slot].is_some() {
            return match self.speech {
                Some(_) => Verdict::Refused(Reason::BUSY),
                None => Verdict::Held(Reason::WAITS),
            };
        }
        self.state.requests[slot] = Some(request);
        Verdict::Waits
    }

    /// Phase 1: requests that nobody will answer any more.
    pub(super) fn lapse_requests(&mut self) {
        for (slot, open) in self.layout.requests.iter().zip(&mut self.state.requests) {
            if open.as_ref().is_some_and(|open| open.deadline < self.now) {
                *open = None;
                self.lapsed.push(slot.rule);
            }
        }
    }
}

/// A request as it is made. Whoever proposes consents, if that counts.
pub(super) fn request(now: i64, quorum: &Quorum, speech: Option<&Speech>) -> RequestState {
    let by = speech.and_then(|speech| speech.by);
    RequestState {
        by,
        deadline: (now + quorum.within).min(NEVER),
        params: speech.map_or(Vec::new(), |speech| speech.params.clone()),
        votes: (by.iter())
            .filter(|(role, _)| quorum.roles.contains(role))
            .map(|(_, key)| *key)
            .collect(),
    }
}
