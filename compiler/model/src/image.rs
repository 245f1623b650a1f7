//! An object's image, taken apart and put together again. The bytes are laid out in
//! [`layout`](crate::layout).
//!
//! Decoding accepts exactly what encoding gives and holds every field to its declared type, so an
//! [`Image`] is always one that the object could have.

use crate::layout::{Layout, prediction, role, state, tail, trust as trust_at};
use crate::model::Model;
use crate::schema::Default;
use crate::trust::{Positive, TrustState};
use crate::types::Bounds;
use crate::value::{Bytes32, Value};

/// All that an object is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What rules, admission and schedule read.
    pub state: State,
    /// Where its lineage stands.
    pub tail: Tail,
}

/// What rules, admission and schedule read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Logical time of the last entry.
    pub now: i64,
    /// The instant of birth.
    pub born: i64,
    /// What the present host offers, bit by bit.
    pub capabilities: u64,
    /// The key of the present host.
    pub host: Bytes32,
    /// When it was bound to it.
    pub bound: i64,
    /// Whether it decides but lets no effect out.
    pub observing: bool,
    /// Whether it does not tick.
    pub dormant: bool,
    /// In order of the schema.
    pub fields: Vec<Value>,
    /// One per attested field: whether its last write was signed.
    pub signed: Vec<bool>,
    /// In order of the schema.
    pub roles: Vec<RoleState>,
    /// One per tick rule: 0, or what kept it from committing when it last was elected.
    pub outcomes: Vec<u16>,
    /// In order of the policy.
    pub limits: Vec<LimitState>,
    /// In order of the policy; `None` while not open.
    pub predictions: Vec<Option<PredictionState>>,
    /// Where the policy declares trust.
    pub trust: Option<TrustState>,
}

/// Who holds a role, and what he has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleState {
    /// The holder's public key.
    pub key: Bytes32,
    /// How often the role was bound anew.
    pub epoch: u32,
    /// The highest counter seen; 0 before the first.
    pub counter: u64,
    /// Bit k: `counter - k` was seen (RFC 4303, A2).
    pub window: u64,
}

/// When a limit's rules committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitState {
    /// The oldest stamp, which the next commit replaces.
    pub next: u16,
    /// [`state::FREE`] where no commit is kept.
    pub stamps: Vec<i64>,
}

/// An open prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictionState {
    /// Whether it was false when it was made, so that keeping it is worth something.
    pub worth: bool,
    /// Checkpoints seen true.
    pub seen: u8,
    /// When it was made.
    pub made: i64,
    /// What it captured.
    pub captures: Vec<Value>,
}

/// Where the lineage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The number of the next entry.
    pub sequence: u64,
    /// The digest of the last entry.
    pub head: Bytes32,
    /// The number of the first entry whose events may not all have been handed over.
    pub delivered: u64,
}

impl RoleState {
    /// Whether a counter is new: above all, or in the window and not seen.
    pub fn is_fresh(&self, counter: u64) -> bool {
        if counter == 0 {
            return false;
        }
        match self.counter.checked_sub(counter) {
            None => true,
            Some(back) => back < 64 && self.window >> back & 1 == 0,
        }
    }

    /// Notes a fresh counter.
    pub fn burn(&mut self, counter: u64) {
        match counter.checked_sub(self.counter) {
            Some(ahead) if ahead > 0 => {
                self.window = if ahead < 64 { self.window << ahead | 1 } else { 1 };
                self.counter = counter;
            }
            Some(_) => self.window |= 1,
            None => self.window |= 1 << (self.counter - counter),
        }
    }
}

impl LimitState {
    /// Whether no commit is left at `now` in a window of `per`.
    pub fn is_full(&self, now: i64, per: i64) -> bool {
        let oldest = self.stamps.get(usize::from(self.next)).copied().unwrap_or(state::FREE);
        oldest != state::FREE && oldest > now.saturating_sub(per)
    }

    /// Notes a commit.
    pub fn stamp(&mut self, now: i64) {
        if let Some(oldest) = self.stamps.get_mut(usize::from(self.next)) {
            *oldest = now;
            self.next =
                if usize::from(self.next) + 1 == self.stamps.len() { 0 } else { self.next + 1 };
        }
    }
}

impl Image {
    /// The image from which birth starts: defaults, with zeros where a birth value goes.
    pub fn unborn(model: &Model, layout: &Layout) -> Image {
        let zero = |index: usize| {
            let form = &layout.fields[index].form;
            form.read(&vec![0; form.size()]).expect("zeros are a value of every form")
        };
        let policy = &model.policy;
        Image {
            state: State {
                now: 0,
                born: 0,
                capabilities: 0,
                host: Bytes32::ZERO,
                bound: 0,
                observing: false,
                dormant: false,
                fields: (model.schema.fields.iter().enumerate())
                    .map(|(index, field)| match &field.default {
                        Some(Default::Value(value)) => value.clone(),
                        Some(Default::Born) | None => zero(index),
                    })
                    .collect(),
                signed: vec![false; layout.signed.len()],
                roles: vec![
                    RoleState { key: Bytes32::ZERO, epoch: 0, counter: 0, window: 0 };
                    layout.roles.len()
                ],
                outcomes: vec![0; layout.outcomes.len()],
                limits: (policy.limits.iter())
                    .map(|l| LimitState {
                        next: 0,
                        stamps: vec![state::FREE; usize::from(l.count)],
                    })
                    .collect(),
                predictions: vec![None; policy.predictions.len()],
                trust: policy.trust.as_ref().map(|_| TrustState::at_birth(0)),
            },
            tail: Tail { sequence: 0, head: Bytes32::ZERO, delivered: 0 },
        }
    }

    /// The bytes of the whole image.
    pub fn encode(&self, layout: &Layout) -> Vec<u8> {
        let mut bytes = vec![0; layout.image_size];
        let put = |bytes: &mut [u8], at: usize, value: &[u8]| {
            bytes[at..at + value.len()].copy_from_slice(value);
        };
        let s = &self.state;
        put(&mut bytes, state::NOW, &s.now.to_le_bytes());
        put(&mut bytes, state::BORN, &s.born.to_le_bytes());
        put(&mut bytes, state::CAPABILITIES, &s.capabilities.to_le_bytes());
        put(&mut bytes, state::HOST, &s.host.0);
        put(&mut bytes, state::BOUND, &s.bound.to_le_bytes());
        bytes[state::MODE] =
            u8::from(s.observing) * state::OBSERVING + u8::from(s.dormant) * state::DORMANT;
        for (slot, value) in layout.fields.iter().zip(&s.fields) {
            slot.form.write(value, &mut bytes[slot.offset..]);
        }
        for ((_, at), signed) in layout.signed.iter().zip(&s.signed) {
            bytes[*at] = u8::from(*signed);
        }
        for (at, r) in layout.roles.iter().zip(&s.roles) {
            put(&mut bytes, at + role::KEY, &r.key.0);
            put(&mut bytes, at + role::EPOCH, &r.epoch.to_le_bytes());
            put(&mut bytes, at + role::COUNTER, &r.counter.to_le_bytes());
            put(&mut bytes, at + role::WINDOW, &r.window.to_le_bytes());
        }
        for ((_, at), outcome) in layout.outcomes.iter().zip(&s.outcomes) {
            put(&mut bytes, *at, &outcome.to_le_bytes());
        }
        for ((at, _), limit) in layout.limits.iter().zip(&s.limits) {
            put(&mut bytes, *at, &limit.next.to_le_bytes());
            for (k, stamp) in limit.stamps.iter().enumerate() {
                put(&mut bytes, at + 2 + 8 * k, &stamp.to_le_bytes());
            }
        }
        for ((at, slots), p) in layout.predictions.iter().zip(&s.predictions) {
            if let Some(p) = p {
                bytes[at + prediction::OPEN] = 1;
                bytes[at + prediction::WORTH] = u8::from(p.worth);
                bytes[at + prediction::SEEN] = p.seen;
                put(&mut bytes, at + prediction::MADE, &p.made.to_le_bytes());
                for (slot, value) in slots.iter().zip(&p.captures) {
                    slot.form.write(value, &mut bytes[slot.offset..]);
                }
            }
        }
        if let (Some(at), Some(t)) = (layout.trust, &s.trust) {
            put(&mut bytes, at + trust_at::X, &t.x.to_le_bytes());
            put(&mut bytes, at + trust_at::T0, &t.t0.to_le_bytes());
            bytes[at + trust_at::RECOVERING] = u8::from(t.recovering);
            bytes[at + trust_at::LEN] = t.ring.len() as u8;
            for (k, p) in t.ring.iter().enumerate() {
                let at = at + trust_at::RING + trust_at::STRIDE * k;
                put(&mut bytes, at, &p.source.to_le_bytes());
                put(&mut bytes, at + 4, &p.claim.to_le_bytes());
                put(&mut bytes, at + 8, &p.stamp.to_le_bytes());
                bytes[at + 12] = u8::from(p.since_break);
            }
        }
        let at = layout.state_size;
        put(&mut bytes, at + tail::SEQUENCE, &self.tail.sequence.to_le_bytes());
        put(&mut bytes, at + tail::HEAD, &self.tail.head.0);
        put(&mut bytes, at + tail::DELIVERED, &self.tail.delivered.to_le_bytes());
        bytes
    }

    /// Reads an image back; `None` where the bytes are none that this class can have.
    pub fn decode(model: &Model, layout: &Layout, bytes: &[u8]) -> Option<Image> {
        if bytes.len() != layout.image_size {
            return None;
        }
        let image = read_image(layout, bytes)?;
        (image.is_sound(model) && image.encode(layout) == bytes).then_some(image)
    }

    /// Whether an object of this class could be so: born, in time, within the bounds of its types
    /// and of its policy. This is what rules take for granted.
    fn is_sound(&self, model: &Model) -> bool {
        let (s, policy) = (&self.state, &model.policy);
        let past = |instant: i64| s.born <= instant && instant <= s.now;
        let timed =
            Bounds::INSTANT.contains(s.born) && s.now <= Bounds::INSTANT.high && past(s.bound);
        let fields = model.schema.fields.iter().zip(&s.fields);
        let typed = fields.into_iter().all(|(field, value)| value.in_range(&field.ty));
        let stamps = s.limits.iter().flat_map(|limit| &limit.stamps);
        let stamped = stamps.into_iter().all(|stamp| *stamp == state::FREE || past(*stamp));
        let foretold = policy.predictions.iter().zip(&s.predictions).all(|(prediction, open)| {
            open.as_ref().is_none_or(|open| {
                let captures = prediction.captures.iter().zip(&open.captures);
                past(open.made) && captures.into_iter().all(|(ty, value)| value.in_range(ty))
            })
        });
        let trusted = policy.trust.iter().zip(&s.trust).all(|(policy, trust)| {
            let scaled = |e: i64| e * crate::trust::ONE;
            past(trust.t0) && (scaled(-policy.lowest)..=scaled(policy.ceiling)).contains(&trust.x)
        });
        // A last entry is not the last that can be: its successor's number fits as well.
        let numbered = (1..u64::MAX).contains(&self.tail.sequence);
        timed
            && typed
            && stamped
            && foretold
            && trusted
            && numbered
            && crate::step::failing_always(model, s).is_none()
    }
}

/// Reads each part; what it overlooks, encoding again shows.
fn read_image(layout: &Layout, bytes: &[u8]) -> Option<Image> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let i64_at = |at: usize| Some(i64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let bytes32_at = |at: usize| Some(Bytes32(bytes.get(at..at + 32)?.try_into().ok()?));
    let slot = |slot: &crate::layout::Slot| slot.form.read(bytes.get(slot.offset..)?);
    let mode = bytes[state::MODE];
    let state = State {
        now: i64_at(state::NOW)?,
        born: i64_at(state::BORN)?,
        capabilities: u64_at(state::CAPABILITIES)?,
        host: bytes32_at(state::HOST)?,
        bound: i64_at(state::BOUND)?,
        observing: mode & state::OBSERVING != 0,
        dormant: mode & state::DORMANT != 0,
        fields: layout.fields.iter().map(slot).collect::<Option<_>>()?,
        signed: layout.signed.iter().map(|(_, at)| bytes[*at] == 1).collect(),
        roles: (layout.roles.iter())
            .map(|at| {
                Some(RoleState {
                    key: bytes32_at(at + role::KEY)?,
                    epoch: u32_at(at + role::EPOCH)?,
                    counter: u64_at(at + role::COUNTER)?,
                    window: u64_at(at + role::WINDOW)?,
                })
            })
            .collect::<Option<_>>()?,
        outcomes: layout.outcomes.iter().map(|(_, at)| u16_at(*at)).collect::<Option<_>>()?,
        limits: (layout.limits.iter())
            .map(|(at, count)| {
                let count = usize::from(*count);
                let stamps =
                    (0..count).map(|k| i64_at(at + 2 + 8 * k)).collect::<Option<Vec<_>>>()?;
                let next = u16_at(*at).filter(|next| usize::from(*next) < count)?;
                Some(LimitState { next, stamps })
            })
            .collect::<Option<_>>()?,
        predictions: (layout.predictions.iter())
            .map(|(at, slots)| {
                if bytes[at + prediction::OPEN] == 0 {
                    return Some(None);
                }
                Some(Some(PredictionState {
                    worth: bytes[at + prediction::WORTH] == 1,
                    seen: Some(bytes[at + prediction::SEEN]).filter(|seen| *seen < 8)?,
                    made: i64_at(at + prediction::MADE)?,
                    captures: slots.iter().map(slot).collect::<Option<_>>()?,
                }))
            })
            .collect::<Option<_>>()?,
        trust: match layout.trust {
            None => None,
            Some(at) => Some(TrustState {
                x: i64_at(at + trust_at::X)?,
                t0: i64_at(at + trust_at::T0)?,
                recovering: bytes[at + trust_at::RECOVERING] == 1,
                ring: (0..usize::from(bytes[at + trust_at::LEN]).min(trust_at::CAPACITY))
                    .map(|k| {
                        let at = at + trust_at::RING + trust_at::STRIDE * k;
                        Some(Positive {
                            source: u32_at(at)?,
                            claim: u32_at(at + 4)?,
                            stamp: u32_at(at + 8)?,
                            since_break: bytes[at + 12] == 1,
                        })
                    })
                    .collect::<Option<_>>()?,
            }),
        },
    };
    let at = layout.state_size;
    let tail = Tail {
        sequence: u64_at(at + tail::SEQUENCE)?,
        head: bytes32_at(at + tail::HEAD)?,
        delivered: u64_at(at + tail::DELIVERED)?,
    };
    Some(Image { state, tail })
}
