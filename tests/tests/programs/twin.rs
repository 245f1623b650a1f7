//! One program under random offers, interpreted and compiled, side by side.
//!
//! Invariant: a difference in any byte, or a trap, is told and ends the trace.

use aqo_model::Model;
use aqo_model::entry::{Cause, Entry, Verdict};
use aqo_model::image::Image;
use aqo_model::layout::{Layout, offer as at, outcome, tail};
use aqo_model::policy::Reason;
use aqo_model::step::{step, step_bytes};
use aqo_model::value::Bytes32;
use aqo_runtime::lineage::offer_of;
use aqo_tests::compiled::Core;
use aqo_tests::offers::{Offers, START};
use aqo_tests::reader::commitments;
use std::collections::{BTreeMap, BTreeSet};

/// What happened in the traces of a program.
#[derive(Default)]
pub(crate) struct Told {
    /// Offers that were answered by an entry.
    pub(crate) entries: u64,
    /// Offers in all.
    pub(crate) offers: u64,
    /// Rules that did something, by index.
    pub(crate) ran: BTreeSet<usize>,
    /// What became of forks, by the names of constructs.
    pub(crate) forks: BTreeSet<&'static str>,
    /// How often each reason or verdict came.
    pub(crate) tally: BTreeMap<String, u64>,
}

/// An object in one trace.
pub(crate) struct Twin<'m> {
    model: &'m Model,
    layout: &'m Layout,
    core: &'m mut Core,
    offers: Offers<'m>,
    image: Option<Vec<u8>>,
    served: i64,
    next_due: i64,
}

impl<'m> Twin<'m> {
    pub(crate) fn new(model: &'m Model, layout: &'m Layout, core: &'m mut Core, seed: u64) -> Self {
        let offers = Offers::new(model, layout, seed);
        Twin { model, layout, core, offers, image: None, served: START, next_due: START }
    }

    /// Makes so many offers; says where the two differ.
    pub(crate) fn live(&mut self, steps: usize, told: &mut Told) -> Result<(), String> {
        for number in 0..steps {
            self.offers.pass_time(self.next_due);
            let image = self.image.as_ref();
            let image = image.and_then(|image| Image::decode(self.model, self.layout, image));
            let wild = if self.offers.chance.percent(10) { 5 } else { 0 };
            let offer = match &image {
                Some(image) => self.offers.offer(Some(image), self.served),
                None => {
                    let mut offer = self.offers.offer(None, self.served);
                    offer.kind = aqo_model::offer::OfferKind::Birth(self.offers.birth(wild));
                    offer
                }
            };
            let mut bytes = offer.encode(self.layout);
            if self.offers.chance.percent(3) {
                let place = self.offers.chance.below(bytes.len() as u64) as usize;
                bytes[place] ^= 1 << self.offers.chance.below(8);
            }
            if image.is_none() && bytes[at::KIND] != at::BIRTH {
                continue;
            }
            told.offers += 1;
            self.put(&bytes, told).map_err(|why| format!("step {number}: {why}"))?;
        }
        Ok(())
    }

    fn put(&mut self, offer: &[u8], told: &mut Told) -> Result<(), String> {
        let before = self.image.clone().unwrap_or_else(|| vec![0xa5; self.layout.image_size]);
        let wanted = step_bytes(self.model, self.layout, &before, offer);
        let wanted = wanted.ok_or("the interpreter has no answer to its own image")?;
        let (image, outcome) = self.core.try_step(&before, offer)?;
        let kind = offer[at::KIND];
        let shown = |bytes: &[u8]| {
            let body = bytes.get(outcome::BODY..).unwrap_or_default();
            let entry = (!body.is_empty()).then(|| Entry::decode(self.model, body));
            format!("{:?}\n  {entry:?}", &bytes[..outcome::BODY])
        };
        if outcome != wanted.outcome {
            let (compiled, interpreted) = (shown(&outcome), shown(&wanted.outcome));
            return Err(format!(
                "kind {kind}: compiled\n  {compiled}\ninterpreted\n  {interpreted}"
            ));
        }
        if let Some(at) = image.iter().zip(&wanted.image).position(|(a, b)| a != b) {
            return Err(format!("kind {kind}: images differ at {at}: {}", shown(&outcome)));
        }
        if let Some(before) = Image::decode(self.model, self.layout, &before) {
            self.derive_again(&before, &outcome)?;
        }
        self.take(image, offer, &outcome, told)
    }

    /// What an auditor does: the entry alone, put before the image before it, gives the entry again.
    fn derive_again(&self, before: &Image, outcome: &[u8]) -> Result<(), String> {
        if outcome[outcome::STATUS] == 0 {
            return Ok(());
        }
        let entry = Entry::decode(self.model, &outcome[outcome::BODY..]);
        let entry = entry.map_err(|why| format!("no entry: {why:?}"))?;
        let offer = offer_of(self.model, self.layout, before, &entry);
        let again = step(self.model, self.layout, before, &offer).entry;
        if again.as_ref() == Some(&entry) {
            return Ok(());
        }
        Err(format!("derived again it is\n  {again:?}\nand was\n  {entry:?}\nby {offer:?}"))
    }

    fn take(
        &mut self,
        mut image: Vec<u8>,
        offer: &[u8],
        outcome: &[u8],
        told: &mut Told,
    ) -> Result<(), String> {
        let i64_at =
            |at: usize| i64::from_le_bytes(outcome[at..at + 8].try_into().expect("eight bytes"));
        let reply =
            Reason(u16::from_le_bytes([outcome[outcome::REPLY], outcome[outcome::REPLY + 1]]));
        if reply.0 != 0 {
            let name = self.model.policy.reason_name(reply).to_owned();
            let own = if reply.0 < Reason::FIRST_OWN { name } else { "an author's".to_owned() };
            *told.tally.entry(format!("reply {own}")).or_default() += 1;
        }
        if outcome[outcome::STATUS] == 0 {
            if offer[at::KIND] == at::FORK && reply != Reason::MALFORMED {
                told.forks.insert("fork refused");
            }
            return Ok(());
        }
        told.entries += 1;
        let body = &outcome[outcome::BODY..];
        let entry = Entry::decode(self.model, body).map_err(|why| format!("no entry: {why:?}"))?;
        self.count(&entry, told);
        let head = self.layout.state_size + tail::HEAD;
        let before: [u8; 32] = image[head..head + 32].try_into().expect("a digest");
        let salt = Bytes32(*blake3::hash(body).as_bytes());
        let hidden = commitments(self.model, &entry, &salt)?;
        *told.tally.entry("commitments".to_owned()).or_default() += hidden as u64;
        let state = &image[..self.layout.state_size];
        let class = (self.model, self.layout);
        let whole = entry.whole(class, &Bytes32(before), body, state, &salt);
        if entry.head(self.model, &Bytes32(before), &whole.bytes, body.len()) != whole.head {
            return Err("what a store keeps of it has another digest".to_owned());
        }
        image[head..head + 32].copy_from_slice(&whole.head.0);
        if Image::decode(self.model, self.layout, &image).is_none() {
            return Err("what came of it is no image of the class".to_owned());
        }
        (self.served, self.next_due) = (i64_at(outcome::SERVED), i64_at(outcome::NEXT_DUE));
        // A clock that runs ahead to the end of time would leave nothing to test.
        if entry.now > START + 4_000_000_000_000_000 {
            self.image = None;
            (self.offers.now, self.served) = (START, START);
            return Ok(());
        }
        self.image = Some(image);
        Ok(())
    }

    fn count(&self, entry: &Entry, told: &mut Told) {
        for outcome in &entry.outcomes {
            told.ran.extend(outcome.rule.map(usize::from));
            let reason = |word: &str, reason: Reason| match reason.0 < Reason::FIRST_OWN {
                true => format!("{word} {}", self.model.policy.reason_name(reason)),
                false => format!("{word} by name"),
            };
            let name = match outcome.verdict {
                Verdict::Held(why) => reason("held", why),
                Verdict::Refused(why) => reason("refused", why),
                Verdict::Committed => "committed".to_owned(),
                Verdict::Waits => "waits".to_owned(),
            };
            *told.tally.entry(name).or_default() += 1;
        }
        if matches!(entry.cause, Cause::Fork(_)) {
            told.forks.insert("fork answered");
            told.forks.extend(entry.trust.iter().map(|_| "fork broke trust"));
        }
        let before = self.image.as_ref();
        let before = before.and_then(|image| Image::decode(self.model, self.layout, image));
        let before = before.and_then(|image| image.state.trust);
        let good = entry.trust.as_ref().is_some_and(|trust| !trust.recovering);
        if good && before.is_some_and(|trust| trust.recovering) {
            told.forks.insert("recovery ended");
        }
        for foretold in &entry.predictions {
            let name = format!("foretold {:?}", foretold.settled);
            *told.tally.entry(name).or_default() += 1;
        }
    }
}
