//! A fork: the object is told that one of its entries has a twin, so that two hosts hold a life of it.
//! It trusts itself less, if it keeps trust, and sleeps from then on.

use super::{Seen, Step, Stepped, nothing, schedule, served};
use crate::entry::Cause;
use crate::image::Image;
use crate::layout::Layout;
use crate::model::Model;
use crate::offer::{Fork, Offer};
use crate::policy::Reason;

/// Answers a fork. What is not proved, or was answered before, leaves no entry.
pub(super) fn fork(
    model: &Model,
    layout: &Layout,
    image: &Image,
    offer: &Offer,
    fork: &Fork,
    watch: &dyn Fn(Seen),
) -> Stepped {
    let now = image.state.now.max(offer.observed);
    let ignored = |reason| nothing(model, layout, image, served(offer), Some(reason));
    if !fork.is_of(image.tail.sequence) {
        return ignored(Reason::MALFORMED);
    }
    if image.state.ended {
        return ignored(Reason::ENDED);
    }
    if schedule::next_deadline(model, layout, &image.state) < now {
        return ignored(Reason::DUE_FIRST);
    }
    if !fork.verified {
        return ignored(Reason::EVIDENCE);
    }
    if fork.at <= image.state.forked {
        return ignored(Reason::REPLAY);
    }
    let mut step = Step::new(model, layout, image, offer, now, watch);
    step.state.forked = fork.at;
    step.settle_deadlines();
    step.offer_waiting();
    step.finish(image, Cause::Fork(*fork), None, served(offer))
}
