//! An object's image, taken apart and put together again. The bytes are laid out in
//! [`layout`](crate::layout).
//!
//! Decoding accepts exactly what encoding gives and holds every field to its declared type, so an
//! [`Image`] is always one that the object could have.

use crate::expr::Edit;
use crate::layout::{Layout, prediction, role, state, tail, trust as trust_at};
use crate::limits;
use crate::model::Model;
use crate::request::{self, RequestState};
use crate::schema::{Default, Role};
use crate::slope::Slopes;
use crate::trust::{Positive, TrustState};
use crate::types::Bounds;
use crate::value::{Bytes32, Value};
use crate::waiting::{self, WaitingMessage};

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
    /// Whether it does not tick on this host.
    pub dormant: bool,
    /// Whether its tick rules do not run, by its own condition or since a fork.
    pub resting: bool,
    /// Whether its life is over.
    pub ended: bool,
    /// The number of the entry whose fork was answered last; 0 before the first.
    pub forked: u64,
    /// In order of the schema.
    pub fields: Vec<Value>,
    /// One per attested field: whether its last write was signed.
    pub signed: Vec<bool>,
    /// In order of the schema.
    pub roles: Vec<RoleState>,
    /// One per cycle that backs off: from when on it counts.
    pub backoffs: Vec<i64>,
    /// One per signed input: when the latest reading that an entry recorded was so; 0 before the first.
    pub readings: Vec<i64>,
    /// With a cycle on time: when what the last entry turned true is looked at; else 0.
    pub wake: i64,
    /// One per tick rule: 0, or what kept it from committing when it last was elected.
    pub outcomes: Vec<u16>,
    /// In order of the policy.
    pub limits: Vec<LimitState>,
    /// One per rule that needs consent; `None` while nothing is asked.
    pub requests: Vec<Option<RequestState>>,
    /// One queue per message that may wait, each in the order of arrival.
    pub waiting: Vec<Vec<WaitingMessage>>,
    /// In order of the policy; `None` while not open.
    pub predictions: Vec<Option<PredictionState>>,
    /// Where the policy declares trust.
    pub trust: Option<TrustState>,
}

/// Who holds a role, and what they have said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleState {
    /// How often the role was bound anew.
    pub epoch: u32,
    /// The keys, ascending; of a role of one key, that one.
    pub keys: Vec<KeyState>,
}

/// A key of a role, and what its holder has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// The public key.
    pub key: Bytes32,
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
    /// What each commit came to, where the limit has a sum.
    pub amounts: Vec<i64>,
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

impl KeyState {
    /// A key whose holder has said nothing yet.
    pub fn new(key: Bytes32) -> KeyState {
        KeyState { key, counter: 0, window: 0 }
    }

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

impl RoleState {
    /// What is known of one of its keys.
    pub fn key(&self, key: &Bytes32) -> Option<&KeyState> {
        self.keys.iter().find(|known| known.key == *key)
    }

    /// How many keys of an open role have said what is still valid.
    pub fn live(&self, now: i64) -> usize {
        self.keys.iter().filter(|known| is_live(known, now)).count()
    }

    /// Notes a fresh counter of a key; an open role forgets those of which nothing is valid any more.
    pub fn burn(&mut self, role: &Role, key: &Bytes32, counter: u64, now: i64) {
        if role.open {
            self.keys.retain(|known| is_live(known, now));
            if self.key(key).is_none() {
                self.keys.push(KeyState::new(*key));
                self.keys.sort_by_key(|known| known.key);
            }
        }
        if let Some(known) = self.keys.iter_mut().find(|known| known.key == *key) {
            known.burn(counter);
        }
    }

    /// Binds the role anew: what was signed before is void.
    pub fn bind(&mut self, edit: &Edit<Value>) {
        match edit {
            Edit::Put(Value::Bytes32(key)) => self.keys = vec![KeyState::new(*key)],
            Edit::Add(Value::Bytes32(key)) if self.key(key).is_none() => {
                self.keys.push(KeyState::new(*key));
                self.keys.sort_by_key(|known| known.key);
            }
            Edit::Remove(Value::Bytes32(key)) => self.keys.retain(|known| known.key != *key),
            Edit::Put(_) | Edit::Add(_) | Edit::Remove(_) => {}
        }
        self.epoch = self.epoch.saturating_add(1);
    }
}

/// Whether what a key of an open role said last is still valid.
fn is_live(known: &KeyState, now: i64) -> bool {
    i64::try_from(known.counter).is_ok_and(|until| until >= now)
}

impl LimitState {
    /// Whether no commit is left at `now` in a window of `per`.
    pub fn is_full(&self, now: i64, per: i64) -> bool {
        let oldest = self.stamps.get(usize::from(self.next)).copied().unwrap_or(state::FREE);
        oldest != state::FREE && oldest > now.saturating_sub(per)
    }

    /// How many commits there were in the window, and what they came to.
    pub fn used(&self, now: i64, per: i64) -> (i64, i64) {
        let within = |stamp: i64| stamp != state::FREE && stamp > now.saturating_sub(per);
        let count = self.stamps.iter().filter(|stamp| within(**stamp)).count() as i64;
        let both = self.stamps.iter().zip(&self.amounts);
        (count, both.filter(|(stamp, _)| within(**stamp)).map(|(_, amount)| amount).sum())
    }

    /// Notes a commit, and what it came to.
    pub fn stamp(&mut self, now: i64, amount: i64) {
        let place = usize::from(self.next);
        let Some(oldest) = self.stamps.get_mut(place) else { return };
        *oldest = now;
        if let Some(before) = self.amounts.get_mut(place) {
            *before = amount;
        }
        self.next = if place + 1 == self.stamps.len() { 0 } else { self.next + 1 };
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
                resting: false,
                ended: false,
                forked: 0,
                fields: (model.schema.fields.iter().enumerate())
                    .map(|(index, field)| match &field.default {
                        Some(Default::Value(value)) => value.clone(),
                        Some(Default::Born) | None => zero(index),
                    })
                    .collect(),
                signed: vec![false; layout.signed.len()],
                roles: (model.schema.roles.iter())
                    .map(|role| RoleState {
                        epoch: 0,
                        keys: match role.max {
                            None => vec![KeyState::new(Bytes32::ZERO)],
                            Some(_) => Vec::new(),
                        },
                    })
                    .collect(),
                backoffs: vec![0; layout.backoffs.len()],
                readings: vec![0; layout.readings.len()],
                wake: 0,
                outcomes: vec![0; layout.outcomes.len()],
                limits: (policy.limits.iter())
                    .map(|l| LimitState {
                        next: 0,
                        stamps: vec![state::FREE; usize::from(l.count)],
                        amounts: vec![0; if l.sum.is_some() { l.count.into() } else { 0 }],
                    })
                    .collect(),
                requests: vec![None; layout.requests.len()],
                waiting: vec![Vec::new(); layout.queues.len()],
                predictions: vec![None; policy.predictions.len()],
                trust: policy
                    .trust
                    .as_ref()
                    .map(|_| TrustState::at_birth(0, Slopes::at_birth(model))),
            },
            tail: Tail { sequence: 0, head: Bytes32::ZERO, delivered: 0 },
        }
    }

    /// The bytes of the whole image.
    pub fn encode(&self, layout: &Layout) -> Vec<u8> {
        let mut bytes = vec![0; layout.image_size];
        let s = &self.state;
        put(&mut bytes, state::NOW, &s.now.to_le_bytes());
        put(&mut bytes, state::BORN, &s.born.to_le_bytes());
        put(&mut bytes, state::CAPABILITIES, &s.capabilities.to_le_bytes());
        put(&mut bytes, state::HOST, &s.host.0);
        put(&mut bytes, state::BOUND, &s.bound.to_le_bytes());
        bytes[state::MODE] = u8::from(s.observing) * state::OBSERVING
            + u8::from(s.dormant) * state::DORMANT
            + u8::from(s.resting) * state::RESTING
            + u8::from(s.ended) * state::ENDED;
        put(&mut bytes, state::FORKED, &s.forked.to_le_bytes());
        for (slot, value) in layout.fields.iter().zip(&s.fields) {
            slot.form.write(value, &mut bytes[slot.offset..]);
        }
        for ((_, at), signed) in layout.signed.iter().zip(&s.signed) {
            bytes[*at] = u8::from(*signed);
        }
        for (at, role) in layout.roles.iter().zip(&s.roles) {
            put_role(&mut bytes[*at..], role);
        }
        for ((_, at), from) in layout.backoffs.iter().zip(&s.backoffs) {
            put(&mut bytes, *at, &from.to_le_bytes());
        }
        for ((_, at), latest) in layout.readings.iter().zip(&s.readings) {
            put(&mut bytes, *at, &latest.to_le_bytes());
        }
        if let Some(at) = layout.wake {
            put(&mut bytes, at, &s.wake.to_le_bytes());
        }
        for ((_, at), outcome) in layout.outcomes.iter().zip(&s.outcomes) {
            put(&mut bytes, *at, &outcome.to_le_bytes());
        }
        for ((at, _), limit) in layout.limits.iter().zip(&s.limits) {
            put_limit(&mut bytes[*at..], limit);
        }
        for (slot, open) in layout.requests.iter().zip(&s.requests) {
            if let Some(open) = open {
                request::write(slot, open, &mut bytes);
            }
        }
        for (slot, queue) in layout.queues.iter().zip(&s.waiting) {
            waiting::write(slot, queue, &mut bytes);
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
        if let (Some(at), Some(trust)) = (layout.trust, &s.trust) {
            put_trust(&mut bytes[at..], trust);
            if let (Some(at), Some(slopes)) = (&layout.slopes, &trust.slopes) {
                slopes.write(at, &mut bytes);
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
        let image = read_image(model, layout, bytes)?;
        (image.is_sound(model, layout) && image.encode(layout) == bytes).then_some(image)
    }

    /// Whether an object of this class could be so: born, in time, within the bounds of its types
    /// and of its policy. This is what rules take for granted.
    fn is_sound(&self, model: &Model, layout: &Layout) -> bool {
        let (s, policy) = (&self.state, &model.policy);
        let past = |instant: i64| s.born <= instant && instant <= s.now;
        let timed =
            Bounds::INSTANT.contains(s.born) && s.now <= Bounds::INSTANT.high && past(s.bound);
        let fields = model.schema.fields.iter().zip(&s.fields);
        let typed =
            fields.into_iter().all(|(field, value)| value.in_range(&field.ty, &model.schema.types));
        let stamps = s.limits.iter().flat_map(|limit| &limit.stamps);
        let stamped = stamps.into_iter().all(|stamp| *stamp == state::FREE || past(*stamp));
        let foretold = policy.predictions.iter().zip(&s.predictions).all(|(prediction, open)| {
            open.as_ref().is_none_or(|open| {
                let captures = prediction.captures.iter().zip(&open.captures);
                past(open.made)
                    && captures
                        .into_iter()
                        .all(|(ty, value)| value.in_range(ty, &model.schema.types))
            })
        });
        let trusted = policy.trust.iter().zip(&s.trust).all(|(policy, trust)| {
            let scaled = |e: i64| e * crate::trust::ONE;
            past(trust.t0) && (scaled(-policy.lowest)..=scaled(policy.ceiling)).contains(&trust.x)
        });
        let held = model.schema.roles.iter().zip(&s.roles).all(|(role, held)| {
            let ascends = held.keys.is_sorted_by(|a, b| a.key < b.key);
            let fits = match role.max {
                None => held.keys.len() == 1,
                Some(max) => held.keys.len() <= usize::from(max),
            };
            ascends && fits
        });
        let asked = s.requests.iter().flatten().all(|open| {
            let known = open.by.is_none_or(|(role, _)| usize::from(role) < s.roles.len());
            known && (0..=Bounds::INSTANT.high).contains(&open.deadline)
        });
        let params_fit = request::fit(model, &s.requests);
        let spent = policy.limits.iter().zip(&s.limits).all(|(limit, kept)| {
            let each = limit.sum.as_ref().map(|sum| sum.each);
            kept.amounts.iter().all(|amount| each.is_some_and(|most| (0..=most).contains(amount)))
        });
        // A last entry is not the last that can be: its successor's number fits as well.
        let numbered = (1..u64::MAX).contains(&self.tail.sequence);
        // Of a fork it sleeps, unless it is over.
        let asleep = s.resting || s.ended;
        let answered = self.tail.sequence.saturating_sub(1);
        let forked = s.forked == 0 || (asleep && s.forked < answered);
        let kinds = layout.queues.iter().map(|slot| slot.kind);
        let next = self.tail.sequence;
        let queued = waiting::is_sound(model, kinds, &s.waiting, (s.born, s.now), next);
        timed
            && typed
            && stamped
            && foretold
            && trusted
            && held
            && asked
            && params_fit
            && spent
            && queued
            && numbered
            && forked
            && s.backoffs.iter().all(|from| past(*from))
            && s.readings.iter().all(|at| (0..=s.now + limits::READING_AHEAD).contains(at))
            && (s.wake == 0 || s.wake == s.now + limits::PERIOD_MIN)
            && crate::step::failing_always(model, s).is_none()
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn put_limit(bytes: &mut [u8], limit: &LimitState) {
    put(bytes, 0, &limit.next.to_le_bytes());
    for (k, number) in limit.stamps.iter().chain(&limit.amounts).enumerate() {
        put(bytes, 2 + 8 * k, &number.to_le_bytes());
    }
}

fn put_role(bytes: &mut [u8], held: &RoleState) {
    put(bytes, role::EPOCH, &held.epoch.to_le_bytes());
    put(bytes, role::COUNT, &(held.keys.len() as u16).to_le_bytes());
    for (k, known) in held.keys.iter().enumerate() {
        let at = role::KEYS + role::STRIDE * k;
        put(bytes, at, &known.key.0);
        put(bytes, at + role::COUNTER, &known.counter.to_le_bytes());
        put(bytes, at + role::WINDOW, &known.window.to_le_bytes());
    }
}

fn put_trust(bytes: &mut [u8], trust: &TrustState) {
    put(bytes, trust_at::X, &trust.x.to_le_bytes());
    put(bytes, trust_at::T0, &trust.t0.to_le_bytes());
    bytes[trust_at::RECOVERING] = u8::from(trust.recovering);
    bytes[trust_at::LEN] = trust.ring.len() as u8;
    for (k, positive) in trust.ring.iter().enumerate() {
        let at = trust_at::RING + trust_at::STRIDE * k;
        put(bytes, at, &positive.source.to_le_bytes());
        put(bytes, at + 4, &positive.claim.to_le_bytes());
        put(bytes, at + 8, &positive.stamp.to_le_bytes());
        bytes[at + 12] = u8::from(positive.since_break);
    }
}

/// Reads each part; what it overlooks, encoding again shows.
fn read_image(model: &Model, layout: &Layout, bytes: &[u8]) -> Option<Image> {
    let sums: Vec<bool> = model.policy.limits.iter().map(|limit| limit.sum.is_some()).collect();
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
        resting: mode & state::RESTING != 0,
        ended: mode & state::ENDED != 0,
        forked: u64_at(state::FORKED)?,
        fields: layout.fields.iter().map(slot).collect::<Option<_>>()?,
        signed: layout.signed.iter().map(|(_, at)| bytes[*at] == 1).collect(),
        roles: (layout.roles.iter())
            .map(|at| {
                let keys = (0..usize::from(u16_at(at + role::COUNT)?)).map(|k| {
                    let at = at + role::KEYS + role::STRIDE * k;
                    Some(KeyState {
                        key: bytes32_at(at)?,
                        counter: u64_at(at + role::COUNTER)?,
                        window: u64_at(at + role::WINDOW)?,
                    })
                });
                Some(RoleState {
                    epoch: u32_at(at + role::EPOCH)?,
                    keys: keys.collect::<Option<_>>()?,
                })
            })
            .collect::<Option<_>>()?,
        backoffs: layout.backoffs.iter().map(|(_, at)| i64_at(*at)).collect::<Option<_>>()?,
        readings: layout.readings.iter().map(|(_, at)| i64_at(*at)).collect::<Option<_>>()?,
        wake: match layout.wake {
            Some(at) => i64_at(at)?,
            None => 0,
        },
        outcomes: layout.outcomes.iter().map(|(_, at)| u16_at(*at)).collect::<Option<_>>()?,
        limits: (layout.limits.iter().enumerate())
            .map(|(place, (at, count))| {
                let count = usize::from(*count);
                let stamps =
                    (0..count).map(|k| i64_at(at + 2 + 8 * k)).collect::<Option<Vec<_>>>()?;
                let next = u16_at(*at).filter(|next| usize::from(*next) < count)?;
                let amounts = if sums[place] { count } else { 0 };
                let start = at + 2 + 8 * count;
                let amounts = (0..amounts).map(|k| i64_at(start + 8 * k));
                Some(LimitState { next, stamps, amounts: amounts.collect::<Option<_>>()? })
            })
            .collect::<Option<_>>()?,
        requests: (layout.requests.iter())
            .map(|slot| request::read(slot, bytes))
            .collect::<Option<_>>()?,
        waiting: (layout.queues.iter())
            .map(|slot| waiting::read(slot, bytes))
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
                slopes: match &layout.slopes {
                    Some(at) => Some(Slopes::read_back(at, bytes)?),
                    None => None,
                },
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
