//! An entry taken into an image, without running a rule: how recovery and every fold of a lineage
//! go, and how a step itself ends.

use super::begin::host_mode;
use super::outcome_code;
use crate::entry::{Cause, Entry, Settled, TrustChange, Verdict};
use crate::image::{Image, PredictionState, State};
use crate::layout::Layout;
use crate::layout::trust as ring;
use crate::model::Model;
use crate::trust::Positive;

/// Why an entry does not follow an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Another number was expected.
    Sequence {
        /// The number that is next.
        expected: u64,
        /// The entry's.
        found: u64,
    },
    /// It lies before its predecessor.
    Time,
    /// A birth after the first entry, or none as the first.
    Birth,
    /// It settles a prediction that is not open, or makes one that is.
    Prediction,
    /// It changes trust where none is declared.
    Trust,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Misfit::Sequence { expected, found } => {
                write!(f, "entry {expected} was expected, this is entry {found}")
            }
            Misfit::Time => f.write_str("it lies before its predecessor"),
            Misfit::Birth => f.write_str("a birth is the first entry and no other"),
            Misfit::Prediction => f.write_str("it settles what was not foretold"),
            Misfit::Trust => f.write_str("it changes a trust that is not declared"),
        }
    }
}

/// Takes an entry into an image. The head stays: whoever knows the bytes chains them.
pub fn apply(
    model: &Model,
    layout: &Layout,
    image: &mut Image,
    entry: &Entry,
) -> Result<(), Misfit> {
    let expected = image.tail.sequence;
    if entry.sequence != expected {
        return Err(Misfit::Sequence { expected, found: entry.sequence });
    }
    if entry.now < image.state.now {
        return Err(Misfit::Time);
    }
    if matches!(entry.cause, Cause::Birth { .. }) != (expected == 0) {
        return Err(Misfit::Birth);
    }
    let state = &mut image.state;
    state.now = entry.now;
    take_cause(model, state, entry);
    for outcome in &entry.outcomes {
        let Some(rule) = outcome.rule else { continue };
        if let Some(slot) = layout.outcomes.iter().position(|(index, _)| *index == rule) {
            state.outcomes[slot] = outcome_code(outcome.verdict);
        }
        if outcome.verdict == Verdict::Committed {
            let limits = model.policy.limits.iter().zip(&mut state.limits);
            limits
                .filter(|(l, _)| l.rules.contains(&rule))
                .for_each(|(_, kept)| kept.stamp(entry.now));
        }
    }
    let signed = matches!(&entry.cause, Cause::Message { envelope: Some(_), .. });
    for (field, value) in &entry.changes {
        state.fields[usize::from(*field)] = value.clone();
        if let Some(slot) = layout.signed.iter().position(|(index, _)| index == field) {
            state.signed[slot] = signed;
        }
    }
    take_predictions(state, entry)?;
    if let Some(change) = &entry.trust {
        take_trust(model, state, change)?;
    }
    image.tail.sequence += 1;
    Ok(())
}

fn take_cause(model: &Model, state: &mut State, entry: &Entry) {
    match &entry.cause {
        Cause::Birth { bind, roles, .. } => {
            state.born = entry.now;
            if let Some(trust) = &mut state.trust {
                trust.t0 = entry.now;
            }
            for (role, key) in state.roles.iter_mut().zip(roles) {
                role.key = *key;
            }
            take_bind(model, state, bind, entry.now);
        }
        Cause::Tick(_) => {}
        Cause::Message { envelope, .. } => {
            if let Some(envelope) = envelope {
                state.roles[usize::from(envelope.role)].burn(envelope.counter);
            }
        }
        Cause::Bind(bind) => take_bind(model, state, bind, entry.now),
    }
}

fn take_bind(model: &Model, state: &mut State, bind: &crate::offer::Bind, now: i64) {
    state.host = bind.host;
    state.capabilities = bind.capabilities;
    state.bound = now;
    (state.observing, state.dormant) = host_mode(model, bind.capabilities);
}

fn take_predictions(state: &mut State, entry: &Entry) -> Result<(), Misfit> {
    for foretold in &entry.predictions {
        let open = &mut state.predictions[usize::from(foretold.prediction)];
        match (foretold.settled, open.as_mut()) {
            (Settled::No, _) => {}
            (Settled::Seen, Some(open)) => open.seen += 1,
            (Settled::Kept | Settled::Broken | Settled::Lapsed, Some(_)) => *open = None,
            (Settled::Seen | Settled::Kept | Settled::Broken | Settled::Lapsed, None) => {
                return Err(Misfit::Prediction);
            }
        }
        if let Some((worth, captures)) = &foretold.made {
            if open.is_some() {
                return Err(Misfit::Prediction);
            }
            *open = Some(PredictionState {
                worth: *worth,
                seen: 0,
                made: entry.now,
                captures: captures.clone(),
            });
        }
    }
    Ok(())
}

fn take_trust(model: &Model, state: &mut State, change: &TrustChange) -> Result<(), Misfit> {
    let (Some(policy), Some(trust)) = (&model.policy.trust, &mut state.trust) else {
        return Err(Misfit::Trust);
    };
    trust.x = change.x;
    trust.t0 = state.now;
    trust.recovering = change.recovering;
    let stamp = ((state.now - state.born) / (policy.window_long / 8)) as u32;
    trust.ring.extend((change.positives.iter()).map(|(source, claim)| Positive {
        source: *source,
        claim: *claim,
        stamp,
        since_break: true,
    }));
    let surplus = trust.ring.len().saturating_sub(ring::CAPACITY);
    trust.ring.drain(..surplus);
    Ok(())
}
