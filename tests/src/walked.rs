//! Scenarios on the component, and by a host that is away: engines for `scenario::walk`.
//!
//! Invariant: a host that is away changes nothing of an object but the ticks that it does not offer.

use aqo_compiler::scenario::walk::Computed;
use aqo_model::layout::Layout;
use aqo_model::offer::{Offer, OfferKind};
use aqo_runtime::engine::Engine;

/// How long a host is away: an hour.
pub const AWAY: i64 = 3_600_000_000;

/// What comes of a tick that a host which is away does not offer: nothing, until it is `back`.
pub fn left_alone(image: &[u8], offer: &Offer, back: i64) -> Option<Computed> {
    let is_away = offer.kind == OfferKind::Tick && offer.observed < back;
    let (served, image) = (offer.served, image.to_vec());
    is_away.then_some(Computed { body: None, reply: 0, served, next_due: back, image })
}

/// One step of the compiled core.
pub fn compute(
    engine: &mut Engine,
    layout: &Layout,
    image: &[u8],
    offer: &Offer,
) -> Result<Computed, String> {
    let outcome = engine.step(image, &offer.encode(layout)).map_err(|error| error.to_string())?;
    let (body, reply, image) = (outcome.body, outcome.reply, outcome.image);
    Ok(Computed { body, reply, served: outcome.served, next_due: outcome.next_due, image })
}
