//! Phase 0: what an offer is, before any rule sees it. Birth and bind, time and inputs, authority.

use super::wake::mode_at;
use super::{Seen, Step, Stepped, apply, next_due, nothing, schedule, served};
use crate::entry::{Cause, Change, Entry};
use crate::image::{Image, RoleState, State};
use crate::layout::Layout;
use crate::limits;
use crate::model::Model;
use crate::offer::{Bind, Birth, Envelope, Message, Offer, View};
use crate::policy::{Otherwise, Reason, Trigger};
use crate::schema::{Default, Role};
use crate::types::{Bounds, NEVER};
use crate::value::{Bytes32, Value};

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
        && schema.roles.iter().zip(&birth.roles).all(|(role, keys)| is_well_keyed(role, keys))
        && (layout.births.iter().zip(&birth.values)).all(|((field, _), value)| {
            value.fits_shape(&schema.fields[usize::from(*field)].ty, &schema.types)
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
    if !fields
        .iter()
        .zip(&schema.fields)
        .all(|(value, field)| value.in_range(&field.ty, &schema.types))
    {
        return refused(Reason::RANGE);
    }
    let cause = Cause::Birth {
        class: model.class(),
        creator: birth.creator,
        bind: birth.bind,
        roles: birth.roles.clone(),
    };
    let changes = (0u16..).zip(fields).map(|(field, value)| Change::whole(field, value));
    let mut entry = Entry {
        changes: changes.collect(),
        ..Entry::blank(0, offer.observed, offer.observed, offer.ignored, cause)
    };
    let mut image = unborn.clone();
    apply(model, layout, &mut image, &entry).expect("a birth fits the unborn image");
    if let Some(reason) = super::rule::failing_always(model, &image.state) {
        return refused(reason);
    }
    entry.mode = mode_at(model, &image.state, image.state.now);
    if let Some(mode) = entry.mode {
        super::fold::take_mode(&mut image.state, mode);
    }
    let served = offer.observed;
    let next_due = next_due(model, layout, &image.state, served);
    Stepped { entry: Some(entry), image, reply: None, served, next_due }
}

/// Whether a role has its one key, or a set of keys in order.
fn is_well_keyed(role: &Role, keys: &[Bytes32]) -> bool {
    match role.max {
        None => keys.len() == 1,
        Some(_) => keys.len() <= role.born_with() && keys.is_sorted_by(|a, b| a < b),
    }
}

/// Binds the object to a host. Out of observe mode only one period after it began.
pub(super) fn bind(
    model: &Model,
    layout: &Layout,
    image: &Image,
    offer: &Offer,
    bind: &Bind,
    watch: &dyn Fn(Seen),
) -> Stepped {
    let now = image.state.now.max(offer.observed);
    if schedule::next_deadline(model, layout, &image.state) < now {
        return nothing(model, layout, image, served(offer), Some(Reason::DUE_FIRST));
    }
    if image.state.observing && now < image.state.bound.saturating_add(schedule::grace(model)) {
        return nothing(model, layout, image, served(offer), Some(Reason::OBSERVING));
    }
    let mut step = Step::new(model, layout, image, offer, now, watch);
    super::fold::take_bind(model, &mut step.state, bind, now);
    step.react(Trigger::Arrive);
    let stepped = step.finish(image, Cause::Bind(*bind), None, served(offer));
    // What passed asleep is nothing: an object that wakes owes no tick.
    if !image.state.dormant {
        return stepped;
    }
    let served = served(offer).max(now);
    let next_due = next_due(model, layout, &stepped.image.state, served);
    Stepped { served, next_due, ..stepped }
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

/// Inputs that are there, of the declared shape, in range, fresh and, where they are to be signed,
/// the word of their role.
pub(super) fn usable_views(
    model: &Model,
    layout: &Layout,
    state: &State,
    offer: &Offer,
    now: i64,
) -> Vec<Option<View>> {
    let offered = offer.inputs.iter().chain(std::iter::repeat(&None));
    ((0u16..).zip(&model.schema.inputs).zip(offered))
        .map(|((index, input), view)| {
            let view = view.as_ref()?;
            let fresh = input.fresh.is_none_or(|fresh| now.saturating_sub(view.at) <= fresh);
            let known = Bounds::INSTANT.contains(view.at);
            let typed = view.value.fits_shape(&input.ty, &model.schema.types);
            let usable = fresh && known && typed;
            (usable
                && view.value.in_range(&input.ty, &model.schema.types)
                && doubt(model, layout, state, (index, view), now).is_none())
            .then(|| view.clone())
        })
        .collect()
}

/// Why a reading of a signed input does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nobody signed it, or the host did not find the signature good.
    Unproved,
    /// It is signed for another epoch of the role than this one.
    Epoch(u32),
    /// Who signed it does not hold the role.
    Stranger,
    /// One of this later instant is recorded already.
    Older(i64),
    /// It lies further ahead than [`limits::READING_AHEAD`].
    Ahead,
}

/// Why what a host knows of an input, by its index, does not count as the word of the role that is to
/// sign it; `None` where it does, or where nobody is to.
pub fn doubt(
    model: &Model,
    layout: &Layout,
    state: &State,
    (index, view): (u16, &View),
    now: i64,
) -> Option<Doubt> {
    let role = &state.roles[usize::from(model.schema.inputs[usize::from(index)].from?)];
    let Some(word) = view.word.filter(|word| word.verified) else { return Some(Doubt::Unproved) };
    if word.epoch != role.epoch {
        return Some(Doubt::Epoch(role.epoch));
    }
    if role.key(&word.key).is_none() {
        return Some(Doubt::Stranger);
    }
    let slot = layout.readings.iter().position(|(of, _)| *of == index);
    let latest = slot.map_or(0, |slot| state.readings[slot]);
    if view.at < latest {
        return Some(Doubt::Older(latest));
    }
    (view.at > now.saturating_add(limits::READING_AHEAD)).then_some(Doubt::Ahead)
}

/// Whether a message has the shape of its kind, and an envelope exactly where one is wanted.
pub(super) fn is_well_formed(model: &Model, message: &Message) -> bool {
    let schema = &model.schema;
    let Some(kind) = schema.messages.get(usize::from(message.kind)) else { return false };
    kind.params.len() == message.params.len()
        && (kind.params.iter().zip(&message.params))
            .all(|(param, value)| value.fits_shape(&param.ty, &schema.types))
        && kind.from.is_empty() == message.envelope.is_none()
        && (message.envelope.iter()).all(|envelope| usize::from(envelope.role) < schema.roles.len())
}

/// Whether the envelope proves that its role speaks, now and for the first time. What fails here
/// leaves no entry: anybody could have sent it.
pub(super) fn authenticate(
    model: &Model,
    state: &State,
    message: &Message,
    now: i64,
) -> Result<(), Reason> {
    let Some(envelope) = &message.envelope else { return Ok(()) };
    let role = &state.roles[usize::from(envelope.role)];
    let declared = &model.schema.roles[usize::from(envelope.role)];
    if declared.open {
        return authenticate_anyone(model, role, declared, message, envelope, now);
    }
    if !envelope.verified {
        return Err(Reason::EVIDENCE);
    }
    if envelope.epoch != role.epoch || role.key(&envelope.key).is_none() {
        return Err(Reason::ROLE);
    }
    if envelope.not_after < now || envelope.not_after > now.saturating_add(limits::NOT_AFTER) {
        return Err(Reason::LATE);
    }
    match role.key(&envelope.key) {
        None => Err(Reason::ROLE),
        Some(known) if known.is_fresh(envelope.counter) => Ok(()),
        Some(_) => Err(Reason::REPLAY),
    }
}

/// The same for a role that any valid key has: what it may not say, leaves no entry either.
fn authenticate_anyone(
    model: &Model,
    role: &RoleState,
    declared: &Role,
    message: &Message,
    envelope: &Envelope,
    now: i64,
) -> Result<(), Reason> {
    let kind = &model.schema.messages[usize::from(message.kind)];
    if !envelope.verified {
        return Err(Reason::EVIDENCE);
    }
    if envelope.epoch != role.epoch || !kind.from.contains(&envelope.role) {
        return Err(Reason::ROLE);
    }
    if envelope.not_after < now || envelope.not_after > now.saturating_add(limits::OPEN_NOT_AFTER) {
        return Err(Reason::LATE);
    }
    if u64::try_from(envelope.not_after) != Ok(envelope.counter) {
        return Err(Reason::REPLAY);
    }
    match role.key(&envelope.key) {
        Some(known) if !known.is_fresh(envelope.counter) => Err(Reason::REPLAY),
        None if role.live(now) >= declared.size() => Err(Reason::FULL),
        Some(_) | None => Ok(()),
    }
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
    if typed.all(|(param, value)| value.in_range(&param.ty, &model.schema.types)) {
        Ok(())
    } else {
        Err(Reason::RANGE)
    }
}
