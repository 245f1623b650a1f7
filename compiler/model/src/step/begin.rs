//! Phase 0: what an offer is, before any rule sees it. Birth and bind, time and inputs, authority.

use super::{Stepped, apply, next_due, nothing, schedule, served};
use crate::entry::{Cause, Entry};
use crate::image::{Image, State};
use crate::layout::Layout;
use crate::limits;
use crate::model::Model;
use crate::offer::{Bind, Birth, Message, Offer};
use crate::policy::{Otherwise, Reason};
use crate::schema::Default;
use crate::types::{Bounds, NEVER};
use crate::value::Value;

/// Entry 0. Nothing is born where a value is out of range or an `always` fails.
pub(super) fn birth(model: &Model, layout: &Layout, offer: &Offer, birth: &Birth) -> Stepped {
    let unborn = Image::unborn(model, layout);
    // What is not born has no schedule.
    let refused = |reason| Stepped {
        entry: None,
        image: unborn.clone(),
        reply: Some(reason),
        served: 0,
        next_due: NEVER,
    };
    let schema = &model.schema;
    let shaped = layout.births.len() == birth.values.len()
        && layout.roles.len() == birth.roles.len()
        && (layout.births.iter().zip(&birth.values)).all(|((field, _), value)| {
            value.fits_shape(&schema.fields[usize::from(*field)].ty, &schema.enums)
        });
    if !shaped || !Bounds::INSTANT.contains(offer.observed) {
        return refused(Reason::MALFORMED);
    }
    let mut given = birth.values.iter();
    let fields: Vec<Value> = (schema.fields.iter())
        .map(|field| match &field.default {
            Some(Default::Value(value)) => value.clone(),
            Some(Default::Born) => Value::Int(offer.observed),
            None => given.next().cloned().unwrap_or(Value::None),
        })
        .collect();
    if !fields.iter().zip(&schema.fields).all(|(value, field)| value.in_range(&field.ty)) {
        return refused(Reason::RANGE);
    }
    let entry = Entry {
        sequence: 0,
        now: offer.observed,
        observed: offer.observed,
        ignored: offer.ignored,
        cause: Cause::Birth {
            class: model.class(),
            creator: birth.creator,
            bind: birth.bind,
            roles: birth.roles.clone(),
        },
        inputs: Vec::new(),
        outcomes: Vec::new(),
        changes: fields
            .into_iter()
            .enumerate()
            .map(|(index, value)| (index as u16, value))
            .collect(),
        events: Vec::new(),
        predictions: Vec::new(),
        trust: None,
    };
    let mut image = unborn.clone();
    apply(model, layout, &mut image, &entry).expect("a birth fits the unborn image");
    if let Some(reason) = super::rule::failing_always(model, &image.state) {
        return refused(reason);
    }
    let served = offer.observed;
    let next_due = next_due(model, &image.state, served);
    Stepped { entry: Some(entry), image, reply: None, served, next_due }
}

/// Binds the object to a host. Out of observe mode only one period after it began.
pub(super) fn bind(
    model: &Model,
    layout: &Layout,
    image: &Image,
    offer: &Offer,
    bind: &Bind,
) -> Stepped {
    let now = image.state.now.max(offer.observed);
    if schedule::next_deadline(model, &image.state) < now {
        return nothing(model, image, served(offer), Some(Reason::DUE_FIRST));
    }
    if image.state.observing && now < image.state.bound.saturating_add(schedule::grace(model)) {
        return nothing(model, image, served(offer), Some(Reason::OBSERVING));
    }
    let entry = Entry {
        sequence: image.tail.sequence,
        now,
        observed: offer.observed,
        ignored: offer.ignored,
        cause: Cause::Bind(*bind),
        inputs: Vec::new(),
        outcomes: Vec::new(),
        changes: Vec::new(),
        events: Vec::new(),
        predictions: Vec::new(),
        trust: None,
    };
    let mut next = image.clone();
    apply(model, layout, &mut next, &entry).expect("a bind fits its image");
    // What passed asleep is nothing: an object that wakes owes no tick.
    let served = if image.state.dormant { served(offer).max(now) } else { served(offer) };
    let next_due = next_due(model, &next.state, served);
    Stepped { entry: Some(entry), image: next, reply: None, served, next_due }
}

/// Whether the object observes, and whether it is dormant, on a host that offers these.
pub(super) fn host_mode(model: &Model, capabilities: u64) -> (bool, bool) {
    match &model.policy.hosts {
        Some(hosts) if hosts.need & !capabilities != 0 => match hosts.otherwise {
            Otherwise::Observe => (true, false),
            Otherwise::Dormant => (false, true),
        },
        Some(_) | None => (false, false),
    }
}

/// Inputs that are there, of the declared shape, in range and fresh.
pub(super) fn usable_views(model: &Model, offer: &Offer, now: i64) -> Vec<Option<(Value, i64)>> {
    let offered = offer.inputs.iter().chain(std::iter::repeat(&None));
    (model.schema.inputs.iter().zip(offered))
        .map(|(input, view)| {
            let view = view.as_ref()?;
            let fresh = input.fresh.is_none_or(|fresh| now.saturating_sub(view.at) <= fresh);
            let known = Bounds::INSTANT.contains(view.at);
            let typed = view.value.fits_shape(&input.ty, &model.schema.enums);
            (fresh && known && typed && view.value.in_range(&input.ty))
                .then(|| (view.value.clone(), view.at))
        })
        .collect()
}

/// Whether a message has the shape of its kind, and an envelope exactly where one is wanted.
pub(super) fn is_well_formed(model: &Model, message: &Message) -> bool {
    let schema = &model.schema;
    let Some(kind) = schema.messages.get(usize::from(message.kind)) else { return false };
    kind.params.len() == message.params.len()
        && (kind.params.iter().zip(&message.params))
            .all(|(param, value)| value.fits_shape(&param.ty, &schema.enums))
        && kind.from.is_empty() == message.envelope.is_none()
        && (message.envelope.iter()).all(|envelope| usize::from(envelope.role) < schema.roles.len())
}

/// Whether the envelope proves that its role speaks, now and for the first time. What fails here
/// leaves no entry: anybody could have sent it.
pub(super) fn authenticate(state: &State, message: &Message, now: i64) -> Result<(), Reason> {
    let Some(envelope) = &message.envelope else { return Ok(()) };
    let role = &state.roles[usize::from(envelope.role)];
    if !envelope.verified {
        return Err(Reason::EVIDENCE);
    }
    if envelope.epoch != role.epoch {
        return Err(Reason::ROLE);
    }
    if envelope.not_after < now || envelope.not_after > now.saturating_add(limits::NOT_AFTER) {
        return Err(Reason::LATE);
    }
    if role.is_fresh(envelope.counter) { Ok(()) } else { Err(Reason::REPLAY) }
}

/// Whether who speaks may say this. What fails here is recorded.
pub(super) fn authorise(model: &Model, message: &Message) -> Result<(), Reason> {
    let kind = &model.schema.messages[usize::from(message.kind)];
    if let Some(envelope) = &message.envelope
        && !kind.from.contains(&envelope.role)
    {
        return Err(Reason::ROLE);
    }
    let mut typed = kind.params.iter().zip(&message.params);
    if typed.all(|(param, value)| value.in_range(&param.ty)) { Ok(()) } else { Err(Reason::RANGE) }
}
