//! A scenario, walked through under virtual time: on the reference interpreter, and on any other
//! engine, which must agree with it in every entry.
//!
//! An engine is a function from image and offer to what came of it. Knows no clock, no store and no
//! engine but the interpreter.

use super::coverage::Coverage;
use super::{Kind, Scenario, Speaker, Step, Wanted, show};
use crate::diagnostic::Loc;
use aqo_model::Model;
use aqo_model::entry::{Entry, Said, Verdict};
use aqo_model::image::Image;
use aqo_model::layout::{Layout, tail};
use aqo_model::offer::{Bind, Birth, Consent, Envelope, Message, Offer, OfferKind, View, Word};
use aqo_model::policy::{Pause, Reason};
use aqo_model::step;
use aqo_model::types::NEVER;
use aqo_model::value::{Bytes32, Value};
use std::cell::RefCell;

/// Computes one step: the entry's body, the image afterwards, the reply and the next due instant.
pub type Compute<'c> = dyn FnMut(&[u8], &Offer) -> Result<Computed, String> + 'c;

/// What an engine says of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// The entry's body.
    pub body: Option<Vec<u8>>,
    /// Why the offer was refused, or 0.
    pub reply: u16,
    /// Ticks up to here have been judged.
    pub served: i64,
    /// When the object wants to be ticked next.
    pub next_due: i64,
    /// The image afterwards.
    pub image: Vec<u8>,
}

/// Why a scenario failed, and at which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was expected and what came.
    pub what: String,
    /// Where it is expected.
    pub at: Loc,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

/// A line that was gone through; a `repeat` only by the lines in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Where it stands.
    pub at: Loc,
    /// What came of what it sent: why it was refused, or 0.
    pub reply: Option<u16>,
}

/// How a scenario went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// Where the scenario stands.
    pub at: Loc,
    /// How many steps it took.
    pub steps: u64,
    /// The lines that were gone through, the failing one included.
    pub done: Vec<Done>,
    /// The digests of its entries, from birth.
    pub heads: Vec<Bytes32>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// The most steps of one scenario, unless told otherwise: one that repeats itself without end is cut
/// off.
pub const STEPS_MAX: u64 = 1_000_000;

/// Walks through a scenario on the interpreter, which tells what it evaluates, and on the component.
/// Gives the first walk and what went wrong.
pub fn walk_both(
    scenario: &Scenario,
    model: &Model,
    steps_max: u64,
    seen: Option<&RefCell<Coverage>>,
    component: &mut Compute<'_>,
) -> (Walk, Option<Failure>) {
    let layout = Layout::of(model);
    let mut interpreted =
        |image: &[u8], offer: &Offer| interpret_watched(model, &layout, image, offer, seen);
    let by_interpreter = walk_within(scenario, model, steps_max, &mut interpreted);
    let by_component = walk_within(scenario, model, steps_max, component);
    let failure = difference(by_interpreter.clone(), by_component);
    (by_interpreter, failure)
}

/// What went wrong on either walk, or that they are not the same.
pub fn difference(by_interpreter: Walk, by_component: Walk) -> Option<Failure> {
    if let Some(failure) = by_interpreter.failure {
        return Some(failure);
    }
    if let Some(failure) = by_component.failure {
        let what = format!("on the component alone: {}", failure.what);
        return Some(Failure { what, ..failure });
    }
    let differ = by_interpreter.heads != by_component.heads;
    differ.then(|| Failure {
        what: "the interpreter and the component left different lineages".to_owned(),
        at: by_interpreter.at,
    })
}

/// A life in progress.
struct Life<'l, 'c> {
    model: &'l Model,
    /// What the scenario's own expressions refer to.
    wide: &'l Model,
    layout: Layout,
    compute: &'l mut Compute<'c>,
    image: Vec<u8>,
    now: i64,
    served: i64,
    next_due: i64,
    views: Vec<Option<Value>>,
    capabilities: u64,
    counter: u64,
    said: Vec<Said>,
    heads: Vec<Bytes32>,
    steps: u64,
    steps_max: u64,
    done: Vec<Done>,
}

/// Walks through a scenario, in [`STEPS_MAX`] steps at most.
pub fn walk(scenario: &Scenario, model: &Model, compute: &mut Compute<'_>) -> Walk {
    walk_within(scenario, model, STEPS_MAX, compute)
}

/// Walks through a scenario in so many steps at most. Offers and lines are steps.
pub fn walk_within(
    scenario: &Scenario,
    model: &Model,
    steps_max: u64,
    compute: &mut Compute<'_>,
) -> Walk {
    let layout = Layout::of(model);
    let mut life = Life {
        model,
        wide: scenario.model.as_ref().map_or(model, |checked| checked.wide()),
        image: Image::unborn(model, &layout).encode(&layout),
        layout,
        compute,
        now: scenario.start,
        served: scenario.start,
        next_due: 0,
        views: vec![None; model.schema.inputs.len()],
        capabilities: all(model.schema.capabilities.len()),
        counter: 0,
        said: Vec::new(),
        heads: Vec::new(),
        steps: 0,
        steps_max,
        done: Vec::new(),
    };
    let (mut given, mut keys) = (Vec::new(), Vec::new());
    for step in &scenario.steps {
        if let Kind::Given { fields, roles } = &step.kind {
            given.extend(fields.clone());
            keys.extend(roles.clone());
        }
    }
    let failed = |what| Some(Failure { what, at: scenario.at });
    let failure = match life.birth(&given, &keys) {
        Err(what) => failed(what),
        Ok(()) => life.walk(&scenario.steps),
    };
    Walk { at: scenario.at, steps: life.steps, done: life.done, heads: life.heads, failure }
}

fn all(count: usize) -> u64 {
    u64::MAX.checked_shr(64 - count as u32).unwrap_or(0)
}

/// The key of a role in scenarios: the same in every run.
fn role_key(index: usize) -> Bytes32 {
    Bytes32(*blake3::hash(format!("aqo scenario role {index}").as_bytes()).as_bytes())
}

impl Life<'_, '_> {
    fn bind(&self) -> Bind {
        Bind { host: Bytes32([1; 32]), nonce: [0; 16], capabilities: self.capabilities }
    }

    fn birth(
        &mut self,
        given: &[(u16, Value)],
        keys: &[(u16, Vec<Bytes32>)],
    ) -> Result<(), String> {
        let schema = &self.model.schema;
        let mut values = Vec::new();
        for (field, _) in &self.layout.births {
            let found = given.iter().find(|(index, _)| index == field);
            let name = &schema.fields[usize::from(*field)].name;
            let (_, value) =
                found.ok_or_else(|| format!("`{name}` is a birth value: add it to `given`"))?;
            values.push(value.clone());
        }
        let roles = schema.roles.iter().enumerate().map(|(index, role)| {
            let held = keys.iter().find(|(of, _)| usize::from(*of) == index);
            match (held, role.max) {
                (Some((_, held)), _) => held.clone(),
                (None, None) => vec![role_key(index)],
                (None, Some(_)) => Vec::new(),
            }
        });
        let roles = roles.collect();
        let birth = Birth { creator: Bytes32([1; 32]), bind: self.bind(), values, roles };
        let reply = self.offer(OfferKind::Birth(birth))?;
        if reply != 0 {
            return Err(format!(
                "it was not born: {}",
                self.model.policy.reason_name(Reason(reply))
            ));
        }
        let mut image = self.decoded()?;
        for (field, value) in given {
            image.state.fields[usize::from(*field)] = value.clone();
        }
        if let Some(reason) = step::failing_always(self.model, &image.state) {
            return Err(format!(
                "the given state violates `{}`",
                self.model.policy.reason_name(reason)
            ));
        }
        if !given.is_empty() {
            self.settle_in(&mut image);
        }
        self.image = image.encode(&self.layout);
        Ok(())
    }

    /// Whether what was given is asleep, or over, and what it is due for: birth has seen other values.
    fn settle_in(&mut self, image: &mut Image) {
        let (policy, state) = (&self.model.policy, &image.state);
        let is = |pause: &Option<Pause>| {
            pause.as_ref().is_some_and(|pause| {
                step::holds(self.model, state, self.now, &pause.holds, &pause.locals)
            })
        };
        let (resting, ended) = (is(&policy.dormant), is(&policy.ends));
        (image.state.resting, image.state.ended) = (resting, ended);
        self.next_due = step::next_due(self.model, &self.layout, &image.state, self.served);
    }

    fn decoded(&self) -> Result<Image, String> {
        let image = Image::decode(self.model, &self.layout, &self.image);
        image.ok_or_else(|| "the image is not one of its class".to_owned())
    }

    /// Counts a step.
    fn count(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps <= self.steps_max {
            return Ok(());
        }
        Err(format!("it takes more than {} steps; `--max-steps` allows more", self.steps_max))
    }

    /// What is known of each input now. A signed one is the word of the first who holds its role, and
    /// is not there while nobody does.
    fn inputs(&self) -> Result<Vec<Option<View>>, String> {
        let declared = &self.model.schema.inputs;
        let is_signed = declared.iter().any(|input| input.from.is_some());
        let roles = match (is_signed, self.heads.is_empty()) {
            (true, false) => self.decoded()?.state.roles,
            (true, true) | (false, _) => Vec::new(),
        };
        let views = declared.iter().zip(&self.views).map(|(input, value)| {
            let word = match input.from {
                None => None,
                Some(role) => {
                    let held = roles.get(usize::from(role))?;
                    let key = held.keys.first()?.key;
                    Some(Word { key, epoch: held.epoch, signature: [0; 64], verified: true })
                }
            };
            Some(View { value: value.clone()?, at: self.now, word })
        });
        Ok(views.collect())
    }

    /// Puts an offer before the object, and gives the reply.
    fn offer(&mut self, kind: OfferKind) -> Result<u16, String> {
        self.count()?;
        let inputs = self.inputs()?;
        let offer = Offer { kind, observed: self.now, served: self.served, ignored: 0, inputs };
        let computed = (self.compute)(&self.image, &offer)?;
        self.served = computed.served;
        self.next_due = computed.next_due;
        let Some(body) = computed.body else { return Ok(computed.reply) };
        let entry = Entry::decode(self.model, &body).map_err(|e| e.to_string())?;
        self.image = computed.image;
        let state = &self.image[..self.layout.state_size];
        let previous = self.heads.last().copied().unwrap_or_else(|| self.model.class());
        let class = (self.model, &self.layout);
        // Nobody reads this lineage, and a scenario has one end.
        let head = entry.whole(class, &previous, &body, state, &Bytes32::ZERO).head;
        let at = self.layout.state_size + tail::HEAD;
        self.image[at..at + 32].copy_from_slice(&head.0);
        self.heads.push(head);
        self.said.extend(entry.events);
        Ok(computed.reply)
    }

    fn walk(&mut self, steps: &[Step]) -> Option<Failure> {
        for step in steps {
            if !matches!(step.kind, Kind::Expect { .. } | Kind::Emitted { .. } | Kind::Repeat(..)) {
                self.said.clear();
            }
            if let Kind::Repeat(count, steps) = &step.kind {
                for _ in 0..*count {
                    if let Err(what) = self.count() {
                        return Some(Failure { what, at: step.at });
                    }
                    if let Some(failure) = self.walk(steps) {
                        return Some(failure);
                    }
                }
                continue;
            }
            self.done.push(Done { at: step.at, reply: None });
            let result = self.count().and_then(|()| self.step(&step.kind));
            if let Err(what) = result {
                return Some(Failure { what, at: step.at });
            }
        }
        None
    }

    fn step(&mut self, step: &Kind) -> Result<(), String> {
        match step {
            Kind::Given { .. } | Kind::People | Kind::Repeat(..) => Ok(()),
            Kind::Send { message, params, by, wanted } => self.send(*message, params, *by, *wanted),
            Kind::Approve { rule, by, wanted } => self.approve(*rule, *by, *wanted),
            Kind::Offer { input, value } => {
                let declared = &self.model.schema.inputs[usize::from(*input)];
                if let (Some(role), Some(_)) = (declared.from, value)
                    && self.decoded()?.state.roles[usize::from(role)].keys.is_empty()
                {
                    let (input, role) =
                        (&declared.name, &self.model.schema.roles[usize::from(role)].name);
                    return Err(format!("nobody holds `{role}`, so nobody signs `{input}`"));
                }
                self.views[usize::from(*input)].clone_from(value);
                Ok(())
            }
            Kind::Tick => {
                if self.next_due == NEVER {
                    return Err("nothing is due, ever".to_owned());
                }
                self.now = self.now.max(self.next_due);
                self.tick()
            }
            Kind::Advance(span) => self.advance(*span),
            Kind::Host { gives, capabilities } => {
                if *gives {
                    self.capabilities |= capabilities;
                } else {
                    self.capabilities &= !capabilities;
                }
                let bind = self.bind();
                match self.offer(OfferKind::Bind(bind))? {
                    0 => Ok(()),
                    reply => Err(format!(
                        "the bind was refused: {}",
                        self.model.policy.reason_name(Reason(reply))
                    )),
                }
            }
            Kind::Expect { holds, locals } => {
                let image = self.decoded()?;
                if step::holds(self.wide, &image.state, self.now, holds, locals) {
                    return Ok(());
                }
                Err(format!("it does not hold; {}", show::state(self.model, &image, self.now)))
            }
            Kind::Emitted { negated, event, args } => self.emitted(*negated, *event, args),
        }
    }

    /// Every step that is due now.
    fn tick(&mut self) -> Result<(), String> {
        loop {
            let (before, count) = (self.next_due, self.heads.len());
            self.offer(OfferKind::Tick)?;
            if self.next_due > self.now {
                return Ok(());
            }
            if self.next_due <= before && self.heads.len() == count {
                return Err("it asks to be ticked without end".to_owned());
            }
        }
    }

    fn advance(&mut self, span: i64) -> Result<(), String> {
        let end = self.now.saturating_add(span).min(NEVER);
        while self.next_due <= end {
            self.now = self.now.max(self.next_due);
            self.tick()?;
        }
        self.now = end;
        Ok(())
    }

    fn send(
        &mut self,
        kind: u16,
        params: &[Value],
        by: Option<Speaker>,
        wanted: Wanted,
    ) -> Result<(), String> {
        self.counter += 1;
        let from = self.model.schema.messages[usize::from(kind)].from.clone();
        let envelope = match by {
            None => None,
            Some(by) => {
                let mut envelope = self.envelope(by, &from)?;
                (envelope.counter, envelope.not_after) = (self.counter, self.now);
                if let Some(open) = from.iter().find(|role| self.is_open(**role)) {
                    // Of who may be anyone, each message is valid a little longer than the one before.
                    let until = self.now.saturating_add(self.counter as i64);
                    let counter = u64::try_from(until).unwrap_or_default();
                    (envelope.counter, envelope.not_after) = (counter, until);
                    (envelope.role, envelope.epoch) = (*open, 0);
                }
                Some(envelope)
            }
        };
        let message = Message { kind, params: params.to_vec(), envelope };
        let reply = self.offer(OfferKind::Message(message))?;
        self.judge(reply, wanted)
    }

    fn is_open(&self, role: u16) -> bool {
        self.model.schema.roles.get(usize::from(role)).is_some_and(|role| role.open)
    }

    fn approve(&mut self, rule: u16, by: Speaker, wanted: Wanted) -> Result<(), String> {
        let roles = self.model.policy.rules[usize::from(rule)].quorum.as_ref();
        let roles = roles.map_or(Vec::new(), |quorum| quorum.roles.clone());
        let image = self.decoded()?;
        let slot = self.layout.requests.iter().position(|slot| slot.rule == rule);
        let open = slot.and_then(|slot| image.state.requests[slot].as_ref());
        let mut by = self.envelope(by, &roles)?;
        by.not_after = open.map_or(0, |open| open.deadline);
        let reply = self.offer(OfferKind::Consent(Consent { rule, by }))?;
        // One more consent is what was wanted, even where more are.
        let taken = reply == Reason::WAITS.0 && wanted == Wanted::Taken;
        self.judge(if taken { 0 } else { reply }, wanted)
    }

    /// Who speaks, in which of these roles.
    fn envelope(&self, by: Speaker, roles: &[u16]) -> Result<Envelope, String> {
        let held = self.decoded()?.state.roles;
        let (role, key) = match by {
            Speaker::Role(role) => {
                let known = held[usize::from(role)].keys.first();
                (role, known.map_or(Bytes32::ZERO, |known| known.key))
            }
            Speaker::Person(key) => {
                let holds = |role: &&u16| held[usize::from(**role)].key(&key).is_some();
                let role = roles.iter().find(holds).or(roles.first());
                (role.copied().ok_or("nobody in particular may say this")?, key)
            }
        };
        Ok(Envelope {
            role,
            key,
            epoch: held[usize::from(role)].epoch,
            counter: 0,
            not_after: 0,
            signature: [0; 64],
            verified: true,
        })
    }

    /// Whether a reply is what was wanted.
    fn judge(&mut self, reply: u16, wanted: Wanted) -> Result<(), String> {
        if let Some(done) = self.done.last_mut() {
            done.reply = Some(reply);
        }
        let name = |reason: u16| self.model.policy.reason_name(Reason(reason)).to_owned();
        match (reply, wanted) {
            (_, Wanted::Anything) | (0, Wanted::Taken) => Ok(()),
            (0, Wanted::Refused(wanted)) => {
                Err(format!("it was taken, and `{}` was expected", name(wanted.0)))
            }
            (reply, Wanted::Refused(wanted)) if reply == wanted.0 => Ok(()),
            (reply, Wanted::Waits) if reply == Reason::WAITS.0 => Ok(()),
            (0, Wanted::Waits) => Err("it was taken at once, and was expected to wait".to_owned()),
            (reply, Wanted::Taken) if reply == Reason::WAITS.0 => {
                Err("it waits; say `waits` if it should".to_owned())
            }
            (reply, Wanted::Waits) => {
                Err(format!("it was refused `{}`, and was expected to wait", name(reply)))
            }
            (reply, Wanted::Refused(wanted)) => Err(format!(
                "it was refused `{}`, and `{}` was expected",
                name(reply),
                name(wanted.0)
            )),
            (reply, Wanted::Taken) => Err(format!("it was refused `{}`", name(reply))),
        }
    }

    fn emitted(&self, negated: bool, event: u16, args: &[Value]) -> Result<(), String> {
        let found = self.said.iter().any(|said| said.event == event && said.args == args);
        if found != negated {
            return Ok(());
        }
        let said: Vec<String> = self.said.iter().map(|said| show::said(self.model, said)).collect();
        let said = if said.is_empty() { "nothing".to_owned() } else { said.join(", ") };
        Err(format!("{} was said", said))
    }
}

/// One step of the reference interpreter.
pub fn interpret(
    model: &Model,
    layout: &Layout,
    image: &[u8],
    offer: &Offer,
) -> Result<Computed, String> {
    interpret_watched(model, layout, image, offer, None)
}

fn interpret_watched(
    model: &Model,
    layout: &Layout,
    image: &[u8],
    offer: &Offer,
    seen: Option<&RefCell<Coverage>>,
) -> Result<Computed, String> {
    let before = match offer.kind {
        OfferKind::Birth(_) => Image::unborn(model, layout),
        OfferKind::Tick
        | OfferKind::Message(_)
        | OfferKind::Bind(_)
        | OfferKind::Consent(_)
        | OfferKind::Fork(_) => {
            Image::decode(model, layout, image).ok_or("the image is not one of its class")?
        }
    };
    let see = |what| {
        if let Some(seen) = seen {
            seen.borrow_mut().see(what);
        }
    };
    let stepped = step::step_watched(model, layout, &before, offer, &see);
    if let Some(seen) = seen {
        let untaken = stepped.entry.iter().flat_map(|entry| &entry.outcomes);
        let untaken = untaken.filter_map(|outcome| match (outcome.rule, outcome.verdict) {
            (None, Verdict::Refused(reason)) => Some(reason),
            (Some(_) | None, _) => None,
        });
        untaken.chain(stepped.reply).for_each(|reason| seen.borrow_mut().refused(reason.0));
    }
    Ok(Computed {
        body: stepped.entry.map(|entry| entry.encode(model)),
        reply: stepped.reply.map_or(0, |reason| reason.0),
        served: stepped.served,
        next_due: stepped.next_due,
        image: stepped.image.encode(layout),
    })
}
