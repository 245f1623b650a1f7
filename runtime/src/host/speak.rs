//! What is said to an object: messages, in the name of a role or of anyone.

use super::patience::MOST;
use super::{Host, Observer};
use crate::class::Class;
use crate::error::{Error, Result};
use crate::keys::{self, Key};
use aqo_model::entry::{consent_bytes, signed_bytes};
use aqo_model::image::{Image, State};
use aqo_model::offer::{Consent, Envelope, Message, Offer, OfferKind};
use aqo_model::policy::Reason;
use aqo_model::value::{Bytes32, Value};
use std::path::Path;

/// How long a message that is signed here is valid, in microseconds: 1 h.
const ENVELOPE_LIFE: i64 = 3_600_000_000;
/// The same, where any valid key may say it: 1 min.
const OPEN_LIFE: i64 = 60_000_000;

impl Host {
    /// Puts a message before an object, in the name of a role or of anyone. Gives the reason of a
    /// refusal.
    pub fn send(
        &mut self,
        id: &Bytes32,
        kind: u16,
        params: Vec<Value>,
        signer: Option<(u16, &Key)>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Reason>> {
        self.tick(u64::MAX, observer)?;
        let now = self.clock.now();
        let object = self.objects.get(id).ok_or_else(|| Error::internal("an unknown object"))?;
        let class = self.classes.get(&object.artifact);
        let class = class.ok_or_else(|| Error::internal("an unknown class"))?;
        let model = &class.artifact.model;
        let envelope = match signer {
            None => None,
            Some((role, key)) => {
                let state = state_of(class, &object.image)?;
                let mut envelope = blank(&state, role, key)?;
                envelope.not_after = now.saturating_add(ENVELOPE_LIFE);
                if model.schema.roles.get(usize::from(role)).is_some_and(|role| role.open) {
                    // Each is valid a little longer than the one before.
                    let until = now.saturating_add(OPEN_LIFE).max(envelope.counter as i64);
                    (envelope.not_after, envelope.counter) = (until, until as u64);
                }
                sign(&mut envelope, key, |by| signed_bytes(model, id, kind, &params, by));
                Some(envelope)
            }
        };
        self.offer(id, OfferKind::Message(Message { kind, params, envelope }), observer)
    }

    /// Puts a message before an object that was signed elsewhere. Gives the reason of a refusal.
    pub fn pass_on(
        &mut self,
        id: &Bytes32,
        mut message: Message,
        observer: &mut dyn Observer,
    ) -> Result<Option<Reason>> {
        self.tick(u64::MAX, observer)?;
        let (_, class) = self.object(id).ok_or_else(|| Error::internal("an unknown object"))?;
        if let Some(by) = &mut message.envelope {
            let model = &class.artifact.model;
            let signed = signed_bytes(model, id, message.kind, &message.params, by);
            by.verified = keys::is_signed(&by.key, &signed, &by.signature);
        }
        self.offer(id, OfferKind::Message(message), observer)
    }

    /// The state of an object that lives here.
    pub(super) fn state(&self, id: &Bytes32) -> Result<State> {
        let (object, class) =
            self.object(id).ok_or_else(|| Error::internal("an unknown object"))?;
        state_of(class, &object.image)
    }

    /// Consents to what a rule would do, in the name of a role. Gives the reason of a refusal, or that
    /// more consent is wanted.
    pub fn consent(
        &mut self,
        id: &Bytes32,
        rule: u16,
        (role, key): (u16, &Key),
        observer: &mut dyn Observer,
    ) -> Result<Option<Reason>> {
        self.tick(u64::MAX, observer)?;
        let object = self.objects.get(id).ok_or_else(|| Error::internal("an unknown object"))?;
        let class = self.classes.get(&object.artifact);
        let class = class.ok_or_else(|| Error::internal("an unknown class"))?;
        let (model, layout) = (&class.artifact.model, &class.artifact.layout);
        let state = state_of(class, &object.image)?;
        let slot = layout.requests.iter().position(|slot| slot.rule == rule);
        let open = slot.and_then(|slot| state.requests[slot].as_ref());
        let Some(open) = open else { return Ok(Some(Reason::NO_REQUEST)) };
        let mut by = blank(&state, role, key)?;
        (by.counter, by.not_after) = (0, open.deadline);
        sign(&mut by, key, |by| consent_bytes(model, id, rule, &open.params, by));
        self.offer(id, OfferKind::Consent(Consent { rule, by }), observer)
    }

    /// Puts something before an object, and records what comes of it.
    fn offer(
        &mut self,
        id: &Bytes32,
        kind: OfferKind,
        observer: &mut dyn Observer,
    ) -> Result<Option<Reason>> {
        let now = self.clock.now();
        let speaker = speaker(&kind).map(|key| (*id, key));
        if let Some(speaker) = speaker
            && self.patience.is_over(speaker, now)
        {
            let text = format!("slow_down: {MOST} messages of this key were refused in a minute");
            return Err(Error::refused(text).help("say it again in a minute"));
        }
        let inputs = self.inputs(id, now);
        let object =
            self.objects.get_mut(id).ok_or_else(|| Error::internal("an unknown object"))?;
        if let Some(why) = &object.parked {
            return Err(Error::refused(format!("{} is parked: {why}", object.name)));
        }
        let class = self
            .classes
            .get_mut(&object.artifact)
            .ok_or_else(|| Error::internal("an unknown class"))?;
        let (served, ignored) = (object.served, object.ignored);
        let offer = Offer { kind, observed: now, served, ignored, inputs };
        let answer = class.step(&object.image, &offer, self.random.as_mut())?;
        match answer.admitted {
            Some(admitted) => {
                object.ignored = 0;
                let refused = answer.reply.is_some_and(|reason| reason != Reason::WAITS);
                if let Some(speaker) = speaker.filter(|_| refused) {
                    self.patience.note(speaker, now);
                }
                self.record(*id, admitted, answer.served, answer.next_due);
            }
            None => object.ignored = object.ignored.saturating_add(1),
        }
        self.commit(observer)?;
        self.deliver(now, observer);
        self.report_faults(observer);
        Ok(answer.reply)
    }

    /// A key for a role: a file, a key of this name, or the one that this store made for the role.
    pub fn key_for(&self, role: &str, named: Option<&Path>) -> Result<Key> {
        let disk = self.store.disk.as_ref();
        if let Some(file) = named
            && disk.read(file).is_ok()
        {
            return Key::read(disk, file);
        }
        let names = match named {
            Some(named) => vec![named.display().to_string()],
            None => vec![role.to_owned(), format!("{role}_1")],
        };
        let candidates = names.iter().flat_map(|name| {
            let own = keys::development_path(&self.store.directory, name);
            let person =
                keys::people_directory().map(|directory| directory.join(format!("{name}.pem")));
            std::iter::once(own).chain(person)
        });
        match candidates.into_iter().find(|path| disk.read(path).is_ok()) {
            Some(path) => Key::read(disk, &path),
            None => {
                let what = named.map_or(role.to_owned(), |named| named.display().to_string());
                Err(Error::refused(format!("no key for `{what}` is at hand")).help(format!(
                    "name its file: `--key FILE`, or make one: `aqr key new {role}`"
                )))
            }
        }
    }
}

/// The key that is shown to speak.
fn speaker(kind: &OfferKind) -> Option<Bytes32> {
    let by = match kind {
        OfferKind::Message(message) => message.envelope,
        OfferKind::Consent(consent) => Some(consent.by),
        OfferKind::Birth(_) | OfferKind::Tick | OfferKind::Bind(_) | OfferKind::Fork(_) => None,
    };
    by.filter(|by| by.verified).map(|by| by.key)
}

fn state_of(class: &Class, image: &[u8]) -> Result<State> {
    let image = Image::decode(&class.artifact.model, &class.artifact.layout, image);
    image.map(|image| image.state).ok_or_else(|| Error::internal("an image is damaged"))
}

/// An envelope of a role's next message, not yet signed.
fn blank(state: &State, role: u16, key: &Key) -> Result<Envelope> {
    let held = state.roles.get(usize::from(role));
    let held = held.ok_or_else(|| Error::internal("an unknown role"))?;
    let key = key.public();
    Ok(Envelope {
        role,
        key,
        epoch: held.epoch,
        counter: held.key(&key).map_or(0, |known| known.counter).saturating_add(1),
        not_after: 0,
        signature: [0; 64],
        verified: false,
    })
}

fn sign(envelope: &mut Envelope, key: &Key, bytes: impl FnOnce(&Envelope) -> Vec<u8>) {
    let signed = bytes(envelope);
    envelope.signature = key.sign(&signed);
    envelope.verified = keys::is_signed(&envelope.key, &signed, &envelope.signature);
}
