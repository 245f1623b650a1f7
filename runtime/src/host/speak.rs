//! What is said to an object: messages, in the name of a role or of anyone.

use super::{Host, Observer};
use crate::error::{Error, Result};
use crate::keys::{self, Key};
use aqo_model::entry::signed_bytes;
use aqo_model::image::Image;
use aqo_model::offer::{Envelope, Message, Offer, OfferKind};
use aqo_model::policy::Reason;
use aqo_model::value::{Bytes32, Value};
use std::path::Path;

/// How long a message that is signed here is valid, in microseconds: 1 h.
const ENVELOPE_LIFE: i64 = 3_600_000_000;

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
        let model = &class.artifact.model;
        let envelope = match signer {
            None => None,
            Some((role, key)) => {
                let image = Image::decode(model, &class.artifact.layout, &object.image)
                    .ok_or_else(|| Error::internal("an image is damaged"))?;
                let held = image.state.roles.get(usize::from(role)).copied();
                let held = held.ok_or_else(|| Error::internal("an unknown role"))?;
                let mut envelope = Envelope {
                    role,
                    epoch: held.epoch,
                    counter: held.counter + 1,
                    not_after: now.saturating_add(ENVELOPE_LIFE),
                    signature: [0; 64],
                    verified: false,
                };
                let signed = signed_bytes(model, id, kind, &params, &envelope);
                envelope.signature = key.sign(&signed);
                envelope.verified = keys::is_signed(&held.key, &signed, &envelope.signature);
                Some(envelope)
            }
        };
        let message = Message { kind, params, envelope };
        let offer = Offer {
            kind: OfferKind::Message(message),
            observed: now,
            served: object.served,
            ignored: object.ignored,
            inputs,
        };
        let answer = class.step(&object.image, &offer)?;
        match answer.admitted {
            Some(admitted) => {
                object.ignored = 0;
                self.record(*id, admitted, answer.served, answer.next_due);
            }
            None => object.ignored = object.ignored.saturating_add(1),
        }
        self.commit(observer)?;
        self.deliver(now, observer);
        Ok(answer.reply)
    }

    /// A key for a role: from a file, or the one that this store made.
    pub fn key_for(&self, role: &str, file: Option<&Path>) -> Result<Key> {
        if let Some(file) = file {
            return Key::read(self.store.disk.as_ref(), file);
        }
        let own = keys::development_path(&self.store.directory, role);
        let person =
            keys::people_directory().map(|directory| directory.join(format!("{role}.pem")));
        let candidates = std::iter::once(own).chain(person);
        let found = candidates.into_iter().find(|path| self.store.disk.read(path).is_ok());
        match found {
            Some(path) => Key::read(self.store.disk.as_ref(), &path),
            None => Err(Error::refused(format!("no key for `{role}` is at hand"))
                .help(format!("name its file: `--key FILE`, or make one: `aqr key new {role}`"))),
        }
    }
}
