//! Random lives: the compiled core and the interpreter answer the same offers, byte for byte.

use crate::core::{Core, counting};
use crate::coverage;
use aqo_model::Model;
use aqo_model::entry::{Entry, Settled, Verdict, chain};
use aqo_model::image::Image;
use aqo_model::layout::{Layout, offer as at, outcome, tail};
use aqo_model::policy::{Otherwise, Reason};
use aqo_model::step::step_bytes;
use aqo_model::value::Bytes32;
use aqo_tests::models;
use aqo_tests::offers::{Offers, START};
use std::collections::BTreeMap;
use wasmtime::Engine;

/// What happened in lives, counted by name.
pub(crate) type Tally = BTreeMap<String, u64>;

/// One object under random offers.
pub(crate) struct Life<'m> {
    model: &'m Model,
    layout: &'m Layout,
    pub(crate) core: Core,
    offers: Offers<'m>,
    /// `None` before birth.
    image: Option<Vec<u8>>,
    served: i64,
    next_due: i64,
    pub(crate) tally: Tally,
}

impl<'m> Life<'m> {
    pub(crate) fn new(engine: &Engine, model: &'m Model, layout: &'m Layout, seed: u64) -> Self {
        let core = Core::new(engine, model, layout);
        assert_eq!(core.class(), model.class().0, "the code says of which class it is");
        Life {
            model,
            layout,
            core,
            offers: Offers::new(model, layout, seed),
            image: None,
            served: START,
            next_due: START,
            tally: Tally::new(),
        }
    }

    /// Makes so many offers.
    pub(crate) fn live(&mut self, steps: usize) {
        for number in 0..steps {
            self.offers.pass_time(self.next_due);
            let reborn = self.offers.chance.percent(1);
            let image = self.image.as_ref().filter(|_| !reborn);
            let image = image.and_then(|image| Image::decode(self.model, self.layout, image));
            let offer = self.offers.offer(image.as_ref(), self.served);
            let mut bytes = offer.encode(self.layout);
            if self.offers.chance.percent(12) {
                self.damage(&mut bytes);
            }
            self.put(&bytes, number);
        }
    }

    /// Changes some bytes, most of them where they matter.
    fn damage(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.offers.chance.below(3) {
            let end = if self.offers.chance.percent(50) {
                bytes.len()
            } else {
                self.layout.payload.min(bytes.len())
            };
            let place = self.offers.chance.below(end as u64) as usize;
            bytes[place] = match self.offers.chance.below(4) {
                0 => 0,
                1 => 1,
                2 => bytes[place] ^ 1 << self.offers.chance.below(8),
                _ => self.offers.chance.below(256) as u8,
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
            step_bytes(self.model, self.layout, &before, offer).expect("an image of the class");
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
        assert!(Image::decode(self.model, self.layout, &image).is_some(), "an image of the class");
        (self.served, self.next_due) = (served, next_due);
        // A clock that runs ahead to the end of time would leave nothing to test.
        if entry.now > START + 4_000_000_000_000_000 {
            self.image = None;
            self.offers.now = START;
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
                Verdict::Waits => "waits".to_owned(),
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
            let before = self.image.as_ref();
            let before = before.and_then(|image| Image::decode(self.model, self.layout, image));
            let before = before.and_then(|image| image.state.trust);
            if !trust.recovering && before.is_some_and(|trust| trust.recovering) {
                note("recovered".to_owned());
            }
        }
    }
}

/// Lives of each hand-written object; what happened in all of them.
#[test]
fn compiled_and_interpreted_agree() {
    let engine = counting();
    let mut tally = Tally::new();
    let objects = [
        models::thermostat(),
        models::everything(Otherwise::Observe),
        models::everything(Otherwise::Dormant),
    ];
    for (number, model) in objects.iter().enumerate() {
        assert_eq!(aqo_model::verify::verify(model), Ok(()), "object {number}");
        for seed in 0..6 {
            let layout = Layout::of(model);
            let mut life = Life::new(&engine, model, &layout, seed * 97 + number as u64);
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
    for (what, least) in [("kind 5 status 0", 100), ("kind 5 status 1", 100), ("recovered", 5)] {
        assert!(tally.get(what).is_some_and(|count| *count >= least), "{what}: too few forks");
    }
}
