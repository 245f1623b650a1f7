//! The step on bytes: what a compiled core does with the regions of its memory.

use super::{Stepped, nothing, step};
use crate::image::Image;
use crate::layout::{Layout, offer as offer_at, outcome};
use crate::model::Model;
use crate::offer::Offer;
use crate::policy::Reason;
use crate::types::NEVER;

/// What came of the bytes of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The image afterwards; the bytes from before where there is no entry.
    pub image: Vec<u8>,
    /// The outcome, as [`layout`](crate::layout) lays it out.
    pub outcome: Vec<u8>,
}

/// Puts the bytes of an offer before an object. An offer that has not the form of one is answered
/// [`Reason::MALFORMED`]. `None` where the image is none of this class; a birth does not look at it.
pub fn step_bytes(model: &Model, layout: &Layout, image: &[u8], offer: &[u8]) -> Option<Answer> {
    let born = offer.first() == Some(&offer_at::BIRTH);
    let before =
        if born { Image::unborn(model, layout) } else { Image::decode(model, layout, image)? };
    let stepped = match Offer::decode(model, layout, offer) {
        Some(offer) => step(model, layout, &before, &offer),
        None if born => Stepped {
            entry: None,
            image: before,
            reply: Some(Reason::MALFORMED),
            served: 0,
            next_due: NEVER,
        },
        None => {
            let bytes = offer.get(offer_at::SERVED..offer_at::SERVED + 8);
            let served =
                bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, i64::from_le_bytes);
            nothing(model, layout, &before, served.clamp(0, NEVER), Some(Reason::MALFORMED))
        }
    };
    let after = if stepped.entry.is_some() { stepped.image.encode(layout) } else { image.to_vec() };
    Some(Answer { image: after, outcome: stepped.outcome(model) })
}

impl Stepped {
    /// The bytes of the outcome.
    pub fn outcome(&self, model: &Model) -> Vec<u8> {
        let body = self.entry.as_ref().map(|entry| entry.encode(model)).unwrap_or_default();
        let length =
            u32::try_from(body.len()).expect("verify keeps bodies below limits::ENTRY_BYTES");
        let mut bytes = vec![u8::from(self.entry.is_some())];
        bytes.extend(self.reply.map_or(0, |reason| reason.0).to_le_bytes());
        bytes.extend(self.served.to_le_bytes());
        bytes.extend(self.next_due.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        debug_assert_eq!(bytes.len(), outcome::BODY, "the fields before the body");
        bytes.extend(body);
        bytes
    }
}
