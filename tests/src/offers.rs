//! Random offers to an object: mostly what an honest host would say, now and then not.
//!
//! Invariant: the same seed and the same images give the same offers. Knows no core and no store.

use crate::chance::Chance;
use aqo_model::Model;
use aqo_model::image::{Image, RoleState, State};
use aqo_model::layout::Layout;
use aqo_model::offer::{
    Bind, Birth, Consent, Envelope, Fork, Message, Offer, OfferKind, View, Word,
};
use aqo_model::types::NEVER;
use aqo_model::value::Bytes32;
use std::collections::BTreeSet;

/// 2027-01-01T00:00:00Z
pub const START: i64 = 1_798_761_600_000_000;

/// Makes offers for one object.
pub struct Offers<'m> {
    model: &'m Model,
    layout: &'m Layout,
    /// What decides.
    pub chance: Chance,
    /// The host's clock.
    pub now: i64,
    counter: u64,
}

impl<'m> Offers<'m> {
    /// Offers by a seed.
    pub fn new(model: &'m Model, layout: &'m Layout, seed: u64) -> Self {
        Offers { model, layout, chance: Chance::new(seed), now: START, counter: 0 }
    }

    /// Time passes, often to what is due next.
    pub fn pass_time(&mut self, next_due: i64) {
        let chance = &mut self.chance;
        self.now = match chance.below(20) {
            0..=7 if next_due < NEVER => next_due.max(self.now),
            8..=9 if next_due < NEVER => next_due + chance.below(3_000_000) as i64,
            10..=14 => self.now + chance.below(12_000_000) as i64,
            15 => self.now + chance.below(200_000_000) as i64,
            16 => self.now - chance.below(5_000_000) as i64,
            _ => self.now + 1,
        };
    }

    /// The next offer to what has this image; a birth where it has none.
    pub fn offer(&mut self, image: Option<&Image>, served: i64) -> Offer {
        let served = match self.chance.below(40) {
            0 => *self.chance.pick(&[i64::MIN, i64::MAX, 0, self.now]),
            1 => self.now - 30_000_000,
            _ => served,
        };
        let kind = match image {
            Some(image) => self.kind(image),
            None => OfferKind::Birth(self.birth(5)),
        };
        let ignored = if self.chance.percent(5) { self.chance.draw() as u32 } else { 0 };
        let inputs = self.inputs(image.map_or(&[], |image| &image.state.roles));
        let wild = [NEVER, NEVER + 1, -1, i64::MIN, i64::MAX];
        let observed =
            if self.chance.below(300) == 0 { *self.chance.pick(&wild) } else { self.now };
        Offer { kind, observed, served, ignored, inputs }
    }

    fn kind(&mut self, image: &Image) -> OfferKind {
        let state = &image.state;
        // What is forked sleeps, so forks are rare; but one seldom comes alone.
        if self.chance.percent(if state.forked == 0 { 2 } else { 8 }) {
            return OfferKind::Fork(self.fork(image));
        }
        match self.chance.below(100) {
            0..=55 => OfferKind::Tick,
            56..=63 if !self.layout.requests.is_empty() => OfferKind::Consent(self.consent(state)),
            56..=95 if !self.model.schema.messages.is_empty() => {
                OfferKind::Message(self.message(state))
            }
            _ => OfferKind::Bind(self.bind()),
        }
    }

    fn inputs(&mut self, roles: &[RoleState]) -> Vec<Option<View>> {
        let schema = &self.model.schema;
        let (chance, now) = (&mut self.chance, self.now);
        let inputs = schema.inputs.iter().map(|input| {
            chance.percent(80).then(|| View {
                word: input.from.map(|role| word(chance, roles.get(usize::from(role)))),
                value: chance.value(&input.ty, &schema.types, 8),
                at: match chance.below(12) {
                    0 => now.saturating_sub(29_000_000),
                    1 => now.saturating_sub(31_000_000),
                    2 => *chance.pick(&[-1, NEVER, NEVER + 1, i64::MIN, 0]),
                    3 => now.saturating_add(5_000_000),
                    4 => now.saturating_add(599_000_000 + chance.below(2_000_000) as i64),
                    _ => now,
                },
            })
        });
        inputs.collect()
    }

    fn bind(&mut self) -> Bind {
        let every = u64::MAX.checked_shr(64 - self.model.schema.capabilities.len() as u32);
        let every = every.unwrap_or(0);
        let capabilities = if self.chance.percent(75) { every } else { self.chance.draw() & every };
        Bind { host: self.chance.bytes32(), nonce: [self.chance.below(9) as u8; 16], capabilities }
    }

    /// A birth; its values are out of bounds in so many of a hundred cases.
    pub fn birth(&mut self, wild: u64) -> Birth {
        let schema = &self.model.schema;
        let values = (self.layout.births.iter())
            .map(|(field, _)| {
                let ty = &schema.fields[usize::from(*field)].ty;
                self.chance.value(ty, &schema.types, wild)
            })
            .collect();
        self.counter = 0;
        let roles = schema.roles.iter().map(|role| {
            let most = role.max.filter(|_| !role.open);
            let count = 1 + most.map_or(0, |max| self.chance.below(u64::from(max)));
            let count = if role.open { self.chance.below(40) / 39 } else { count };
            let keys = (0..count).map(|_| self.chance.bytes32());
            keys.collect::<BTreeSet<_>>().into_iter().collect()
        });
        let roles = roles.collect();
        Birth { creator: self.chance.bytes32(), bind: self.bind(), values, roles }
    }

    fn message(&mut self, state: &State) -> Message {
        let schema = &self.model.schema;
        let kind = self.chance.below(schema.messages.len() as u64) as u16;
        let declared = &schema.messages[usize::from(kind)];
        let chance = &mut self.chance;
        let params =
            declared.params.iter().map(|p| chance.value(&p.ty, &schema.types, 3)).collect();
        let proper = !self.chance.percent(4);
        let signed = declared.from.is_empty() != proper;
        let envelope = signed.then(|| self.envelope(state, &declared.from));
        Message { kind, params, envelope }
    }

    fn consent(&mut self, state: &State) -> Consent {
        let slot = self.chance.below(self.layout.requests.len() as u64) as usize;
        let rule = self.layout.requests[slot].rule;
        let quorum = self.model.policy.rules[usize::from(rule)].quorum.as_ref();
        let roles = quorum.map_or(Vec::new(), |quorum| quorum.roles.clone());
        let mut by = self.envelope(state, &roles);
        by.counter = 0;
        let deadline = state.requests[slot].as_ref().map_or(0, |open| open.deadline);
        by.not_after = if self.chance.percent(8) { deadline + 1 } else { deadline };
        Consent { rule, by }
    }

    fn fork(&mut self, image: &Image) -> Fork {
        let (chance, next) = (&mut self.chance, image.tail.sequence);
        let last = image.state.forked;
        let at = match chance.below(12) {
            0 => *chance.pick(&[0, next, next + 1, u64::MAX]),
            1 => last,
            2 => next - 1,
            _ => last + 1 + chance.below(next.saturating_sub(last + 1).max(1)),
        };
        let ours = chance.bytes32();
        let theirs = if chance.percent(6) { ours } else { chance.bytes32() };
        Fork { at, ours, theirs, verified: !chance.percent(12) }
    }

    fn envelope(&mut self, state: &State, from: &[u16]) -> Envelope {
        self.counter += 1 + self.chance.below(2);
        let counter = match self.chance.below(30) {
            0 => 0,
            1 => self.counter - 1,
            2 => self.counter.saturating_sub(self.chance.below(80)),
            3 => {
                self.counter += self.chance.below(100);
                self.counter
            }
            _ => self.counter,
        };
        let roles = self.model.schema.roles.len() as u64;
        let role = if from.is_empty() || self.chance.percent(6) {
            self.chance.below(roles + 1) as u16
        } else {
            *self.chance.pick(from)
        };
        let held = state.roles.get(usize::from(role));
        let keys = held.map_or(&[][..], |held| &held.keys);
        let key = if keys.is_empty() || self.chance.percent(6) {
            self.chance.bytes32()
        } else {
            self.chance.pick(keys).key
        };
        let open = self.model.schema.roles.get(usize::from(role)).is_some_and(|role| role.open);
        let stranger = open && self.chance.percent(50);
        let key = if stranger { Bytes32([self.chance.below(30) as u8; 32]) } else { key };
        let epoch = held.map_or(0, |held| held.epoch);
        let late = [-1, 0, 600_000_000, 600_000_001, 7 * 86_400_000_000, 7 * 86_400_000_000 + 1];
        let near = 60_000_000 + self.chance.below(2_000_000) as i64;
        let ahead = if self.chance.percent(6) { *self.chance.pick(&late) } else { near };
        let not_after = self.now.saturating_add(ahead);
        // Of who may be anyone, the counter is how long the message is valid.
        let counter =
            if open && !self.chance.percent(5) { not_after.max(0) as u64 } else { counter };
        Envelope {
            role,
            key,
            epoch: epoch.wrapping_add(u32::from(self.chance.percent(3))),
            counter,
            not_after,
            signature: [self.chance.below(256) as u8; 64],
            verified: !self.chance.percent(3),
        }
    }
}

/// What proves that a reading is a role's word, or fails to.
fn word(chance: &mut Chance, role: Option<&RoleState>) -> Word {
    let keys = role.map_or(&[][..], |role| &role.keys);
    let stranger = keys.is_empty() || chance.percent(6);
    let key = if stranger { chance.bytes32() } else { chance.pick(keys).key };
    let epoch = role.map_or(0, |role| role.epoch);
    Word {
        key,
        epoch: epoch.wrapping_add(u32::from(chance.percent(3))),
        signature: [chance.below(256) as u8; 64],
        verified: !chance.percent(3),
    }
}
