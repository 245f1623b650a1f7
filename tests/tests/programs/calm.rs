//! One program on a host that is in no hurry: where a tick may be skipped, it comes to nothing.
//!
//! Invariant: every tick is offered all the same, so a skip that would lose something is seen.

use crate::twin::Told;
use aqo_model::Model;
use aqo_model::image::Image;
use aqo_model::layout::Layout;
use aqo_model::offer::{Offer, OfferKind, View};
use aqo_model::step::{Quiet, Stepped, step};
use aqo_model::types::NEVER;
use aqo_tests::offers::{Offers, START};

/// Offers of one life.
const OFFERS: usize = 150;

/// An object in its life.
struct Calm<'m> {
    model: &'m Model,
    layout: &'m Layout,
    quiet: Quiet<'m>,
    offers: Offers<'m>,
    image: Image,
    /// What the host knows, which changes now and then.
    inputs: Vec<Option<View>>,
    served: i64,
    next_due: i64,
    /// Up to where the ticks of each cycle may be skipped.
    until: Vec<i64>,
}

/// Lives once; says where a tick that may be skipped left an entry.
pub(crate) fn live(
    model: &Model,
    layout: &Layout,
    seed: u64,
    told: &mut Told,
) -> Result<(), String> {
    let mut offers = Offers::new(model, layout, seed);
    let inputs = vec![None; model.schema.inputs.len()];
    let born = (0..20).find_map(|_| {
        let kind = OfferKind::Birth(offers.birth(0));
        let inputs = inputs.clone();
        let offer = Offer { kind, observed: START, served: START, ignored: 0, inputs };
        let stepped = step(model, layout, &Image::unborn(model, layout), &offer);
        stepped.entry.is_some().then_some(stepped)
    });
    let Some(Stepped { image, served, next_due, .. }) = born else { return Ok(()) };
    let until = vec![i64::MIN; model.schema.cycles.len()];
    let quiet = Quiet::of(model, layout);
    let mut calm = Calm { model, layout, quiet, offers, image, inputs, served, next_due, until };
    for number in 0..OFFERS {
        match calm.offers.chance.below(100) {
            0..=4 => {
                let kind = calm.offers.offer(Some(&calm.image), calm.served).kind;
                calm.put(kind);
            }
            5..=9 => {
                calm.inputs = calm.offers.offer(Some(&calm.image), calm.served).inputs;
                calm.until.fill(i64::MIN);
            }
            _ if calm.next_due >= NEVER => calm.offers.now += 1_000_000,
            _ => calm.tick(told).map_err(|why| format!("calm offer {number}: {why}"))?,
        }
    }
    Ok(())
}

impl Calm<'_> {
    /// Makes an offer; whether it left an entry.
    fn put(&mut self, kind: OfferKind) -> bool {
        let offer = self.offer(kind);
        let stepped = step(self.model, self.layout, &self.image, &offer);
        (self.served, self.next_due) = (stepped.served, stepped.next_due);
        self.image = stepped.image;
        if stepped.entry.is_some() {
            self.until.fill(i64::MIN);
        }
        stepped.entry.is_some()
    }

    fn offer(&self, kind: OfferKind) -> Offer {
        let (inputs, served) = (self.inputs.clone(), self.served);
        Offer { kind, observed: self.offers.now, served, ignored: 0, inputs }
    }

    fn tick(&mut self, told: &mut Told) -> Result<(), String> {
        let late = match self.offers.chance.below(12) {
            0 => self.offers.chance.below(30_000_000) as i64,
            _ => 0,
        };
        self.offers.now = self.offers.now.max(self.next_due + late);
        let now = self.offers.now;
        // A clock that runs ahead to the end of time would leave nothing to test.
        if now > START + 4_000_000_000_000_000 {
            return Ok(());
        }
        let ticking = self.quiet.ticking(&self.image, now, self.served);
        let cycles: Vec<usize> =
            ticking.iter().flatten().map(|cycle| usize::from(*cycle)).collect();
        let skips = !cycles.is_empty() && cycles.iter().all(|cycle| now < self.until[*cycle]);
        let offer = self.offer(OfferKind::Tick);
        let left_entry = self.put(OfferKind::Tick);
        let name = match (skips, left_entry) {
            (true, true) => return Err(format!("the tick at {now} was not idle: {offer:?}")),
            (true, false) if self.served != now => return Err("it was not served".to_owned()),
            (true, false) => "calm tick, skipped",
            (false, true) => "calm tick, an entry",
            (false, false) => "calm tick, idle",
        };
        *told.tally.entry(name.to_owned()).or_default() += 1;
        if !left_entry {
            for cycle in cycles {
                self.until[cycle] = self.quiet.until(&self.image, &offer, cycle as u16);
            }
        }
        Ok(())
    }
}
