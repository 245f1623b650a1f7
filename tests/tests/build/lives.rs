//! Random lives: the compiled core and the interpreter answer the same offers, byte for byte.

use crate::chance::Chance;
use crate::core::{Core, engine};
use crate::coverage;
use aqo_model::Model;
use aqo_model::entry::{Entry, Settled, Verdict, chain};
use aqo_model::image::Image;
use aqo_model::layout::{Layout, offer as at, outcome, tail};
use aqo_model::offer::{Bind, Birth, Envelope, Message, Offer, OfferKind, View};
use aqo_model::policy::{Otherwise, Reason};
use aqo_model::step::step_bytes;
use aqo_model::types::NEVER;
use aqo_model::value::Bytes32;
use aqo_tests::models;
use std::collections::BTreeMap;
use wasmtime::Engine;

/// 2027-01-01T00:00:00Z
const START: i64 = 1_798_761_600_000_000;

/// What happened in lives, counted by name.
pub(crate) type Tally = BTreeMap<String, u64>;

/// One object under random offers.
pub(crate) struct Life<'m> {
    model: &'m Model,
    layout: Layout,
    core: Core,
    chance: Chance,
    /// `None` before birth.
    image: Option<Vec<u8>>,
    now: i64,
    served: i64,
    next_due: i64,
    counter: u64,
    pub(crate) tally: Tally,
}

impl<'m> Life<'m> {
    pub(crate) fn new(engine: &Engine, model: &'m Model, seed: u64) -> Self {
        let layout = Layout::of(model);
        let core = Core::new(engine, model, &layout);
        assert_eq!(core.class(), model.class().0, "the code says of which class it is");
        Life {
            model,
            layout,
            core,
            chance: Chance::new(seed),
            image: None,
            now: START,
            served: START,
            next_due: START,
            counter: 0,
            tally: Tally::new(),
        }
    }

    /// Makes so many offers.
    pub(crate) fn live(&mut self, steps: usize) {
        for number in 0..steps {
            self.pass_time();
            let offer = self.offer();
            let mut bytes = offer.encode(&self.layout);
            if self.chance.percent(12) {
                self.damage(&mut bytes);
            }
            self.put(&bytes, number);
        }
    }

    fn pass_time(&mut self) {
        let (chance, next_due) = (&mut self.chance, self.next_due);
        self.now = match chance.below(20) {
            0..=7 if next_due < NEVER => next_due.max(self.now),
            8..=9 if next_due < NEVER => next_due + chance.below(3_000_000) as i64,
            10..=14 => self.now + chance.below(12_000_000) as i64,
            15 => self.now + chance.below(200_000_000) as i64,
            16 => self.now - chance.below(5_000_000) as i64,
            _ => self.now + 1,
        };
    }

    fn offer(&mut self) -> Offer {
        let served = match self.chance.below(40) {
            0 => *self.chance.pick(&[i64::MIN, i64::MAX, 0, self.now]),
            1 => self.now - 30_000_000,
            _ => self.served,
        };
        let kind = if self.image.is_none() || self.chance.percent(1) {
            OfferKind::Birth(self.birth())
        } else {
            match self.chance.below(100) {
                0..=58 => OfferKind::Tick,
                59..=95 if !self.model.schema.messages.is_empty() => {
                    OfferKind::Message(self.message())
                }
                _ => OfferKind::Bind(self.bind()),
            }
        };
        let ignored = if self.chance.percent(5) { self.chance.draw() as u32 } else { 0 };
        let schema = &self.model.schema;
        let (chance, now) = (&mut self.chance, self.now);
        let inputs = schema.inputs.iter().map(|input| {
            chance.percent(80).then(|| View {
                value: chance.value(&input.ty, &schema.enums, 8),
                at: match chance.below(12) {
                    0 => now.saturating_sub(29_000_000),
                    1 => now.saturating_sub(31_000_000),
                    2 => *chance.pick(&[-1, NEVER, NEVER + 1, i64::MIN, 0]),
                    3 => now.saturating_add(5_000_000),
                    _ => now,
                },
            })
        });
        let inputs = inputs.collect();
        let wild = [NEVER, NEVER + 1, -1, i64::MIN, i64::MAX];
        let observed =
            if self.chance.below(300) == 0 { *self.chance.pick(&wild) } else { self.now };
        Offer { kind, observed, served, ignored, inputs }
    }

    fn bind(&mut self) -> Bind {
        let every = (1u64 << self.model.schema.capabilities.len()) - 1;
        let capabilities = if self.chance.percent(75) { every } else { self.chance.draw() & every };
        Bind { host: self.chance.bytes32(), nonce: [self.chance.below(9) as u8; 16], capabilities }
    }

    fn birth(&mut self) -> Birth {
        let schema = &self.model.schema;
        let chance = &mut self.chance;
        let values = self.layout.births.iter().map(|(field, _)| {
            chance.value(&schema.fields[usize::from(*field)].ty, &schema.enums, 5)
        });
        let values = values.collect();
        Birth {
            creator: self.chance.bytes32(),
            bind: self.bind(),
            values,
            roles: schema.roles.iter().map(|_| self.chance.bytes32()).collect(),
        }
    }

    fn message(&mut self) -> Message {
        let schema = &self.model.schema;
        let kind = self.chance.below(schema.messages.len() as u64) as u16;
        let declared = &schema.messages[usize::from(kind)];
        let chance = &mut self.chance;
        let params =
            declared.params.iter().map(|p| chance.value(&p.ty, &schema.enums, 3)).collect();
        let proper = !self.chance.percent(4);
        let envelope = (declared.from.is_empty() != proper).then(|| self.envelope(&declared.from));
        Message { kind, params, envelope }
    }

    fn envelope(&mut self, from: &[u16]) -> Envelope {
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
        let late = [-1, 0, 7 * 86_400_000_000, 7 * 86_400_000_000 + 1];
        let ahead = if self.chance.percent(6) { *self.chance.pick(&late) } else { 60_000_000 };
        Envelope {
            role,
            epoch: u32::from(self.chance.percent(3)),
            counter,
            not_after: self.now.saturating_add(ahead),
            signature: [self.chance.below(256) as u8; 64],
            verified: !self.chance.percent(3),
        }
    }

    /// Changes some bytes, most of them where they matter.
    fn damage(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.chance.below(3) {
            let end = if self.chance.percent(50) {
                bytes.len()
            } else {
                self.layout.payload.min(bytes.len())
            };
            let place = self.chance.below(end as u64) as usize;
            bytes[place] = match self.chance.below(4) {
                0 => 0,
                1 => 1,
                2 => bytes[place] ^ 1 << self.chance.below(8),
                _ => self.chance.below(256) as u8,
            };
        }
    }

    fn put(&mut self, offer: &[u8], number: usize) {
        let unborn = vec![0xa5; self.layout.image_size];
        let before = self.image.clone().unwrap_or(unborn);
        let kind = offer[at::KIND];
        if self.image.is_none() && kind != at::BIRTH {
            // Only a birth answers where nothing was born.
            return;
        }
        let wanted =
            step_bytes(self.model, &self.layout, &before, offer).expect("an image of the class");
        let (image, outcome) = self.core.step(&before, offer);
        let told = |bytes: &[u8]| {
            let body = bytes.get(outcome::BODY..).unwrap_or_default();
            let entry = (!body.is_empty()).then(|| Entry::decode(self.model, body));
            format!("{:?}\n  {entry:?}", &bytes[..outcome::BODY])
        };
        assert!(
            outcome == wanted.outcome,
            "step {number}, kind {kind}: compiled\n  {}\ninterpreted\n  {}",
            told(&outcome),
            told(&wanted.outcome)
        );
        let differs = image.iter().zip(&wanted.image).position(|(a, b)| a != b);
        assert_eq!(differs, None, "step {number}, kind {kind}: images differ, {}", told(&outcome));
        self.take(kind, image, &outcome);
    }

    /// What a host does with an outcome.
    fn take(&mut self, kind: u8, image: Vec<u8>, outcome: &[u8]) {
        let i64_at =
            |at: usize| i64::from_le_bytes(outcome[at..at + 8].try_into().expect("eight bytes"));
        let reply =
            Reason(u16::from_le_bytes([outcome[outcome::REPLY], outcome[outcome::REPLY + 1]]));
        let status = outcome[outcome::STATUS];
        *self.tally.entry(format!("kind {kind} status {status}")).or_default() += 1;
        if reply.0 != 0 {
            let name = self.model.policy.reason_name(reply).to_owned();
            *self.tally.entry(format!("reply {name}")).or_default() += 1;
        }
        if status == 0 {
            return;
        }
        let (served, next_due) = (i64_at(outcome::SERVED), i64_at(outcome::NEXT_DUE));
        let body = &outcome[outcome::BODY..];
        let entry = Entry::decode(self.model, body).expect("a body is canonical");
        self.count(&entry);
        let mut image = image;
        let head = self.layout.state_size + tail::HEAD;
        let before: [u8; 32] = image[head..head + 32].try_into().expect("a digest");
        let after = chain(&Bytes32(before), body);
        image[head..head + 32].copy_from_slice(&after.0);
        assert!(Image::decode(self.model, &self.layout, &image).is_some(), "an image of the class");
        if kind == at::BIRTH {
            self.counter = 0;
        }
        (self.served, self.next_due) = (served, next_due);
        // A clock that runs ahead to the end of time would leave nothing to test.
        if entry.now > START + 4_000_000_000_000_000 {
            self.image = None;
            self.now = START;
            self.served = START;
            return;
        }
        self.image = Some(image);
    }

    fn count(&mut self, entry: &Entry) {
        let mut note = |name: String| *self.tally.entry(name).or_default() += 1;
        for outcome in &entry.outcomes {
            note(match outcome.verdict {
                Verdict::Held(reason) => format!("held {}", self.model.policy.reason_name(reason)),
                Verdict::Refused(reason) => {
                    format!("refused {}", self.model.policy.reason_name(reason))
                }
                Verdict::Committed => "committed".to_owned(),
            });
        }
        for foretold in &entry.predictions {
            if foretold.settled != Settled::No {
                note(format!("prediction {} {:?}", foretold.prediction, foretold.settled));
            }
            if let Some((worth, _)) = foretold.made {
                note(format!("prediction {} made, worth {worth}", foretold.prediction));
            }
            if foretold.dropped > 0 {
                note(format!("prediction {} dropped", foretold.prediction));
            }
        }
        entry.events.iter().for_each(|said| note(format!("event withheld {}", said.withheld)));
        if let Some(trust) = &entry.trust {
            note(format!("trust changed by {} positives", trust.positives.len()));
        }
    }
}

/// Lives of each hand-written object; what happened in all of them.
#[test]
fn compiled_and_interpreted_agree() {
    let engine = engine();
    let mut tally = Tally::new();
    let objects = [
        models::thermostat(),
        models::everything(Otherwise::Observe),
        models::everything(Otherwise::Dormant),
    ];
    for (number, model) in objects.iter().enumerate() {
        assert_eq!(aqo_model::verify::verify(model), Ok(()), "object {number}");
        for seed in 0..6 {
            let mut life = Life::new(&engine, model, seed * 97 + number as u64);
            life.live(700);
            for (name, count) in life.tally {
                *tally.entry(name).or_default() += count;
            }
        }
    }
    for (name, count) in &tally {
        println!("{count:6} {name}");
    }
    coverage::assert_all(&objects);
}
