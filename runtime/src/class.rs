//! A class of objects on this host: its artifact, its engine, and the admission of each step.
//!
//! An outcome is admitted when its entry decodes, follows the image, and takes the image to exactly
//! the one that the engine left. Where the code is not shown to be what the Model says, the
//! interpreter derives the step again and both must agree in every byte.

use crate::engine::{Engine, Outcome};
use crate::environment::Random;
use crate::error::{Error, Result};
use aqo_emit::{Artifact, Seal};
use aqo_model::entry::{Entry, Salt, Whole};
use aqo_model::image::Image;
use aqo_model::layout::tail;
use aqo_model::offer::Offer;
use aqo_model::policy::Reason;
use aqo_model::step;
use aqo_model::value::Bytes32;

/// A class of objects.
pub struct Class {
    /// What the component carries.
    pub artifact: Artifact,
    /// The digest of the component's file.
    pub digest: Bytes32,
    /// The identity of schema and policy.
    pub id: Bytes32,
    engine: Engine,
}

/// A step that may be recorded. Only admission makes one.
pub struct Admitted {
    entry: Entry,
    bytes: Vec<u8>,
    image: Vec<u8>,
    previous: Bytes32,
    head: Bytes32,
}

/// What came of an offer.
pub struct Answer {
    /// The step, if it left an entry.
    pub admitted: Option<Admitted>,
    /// Why the offer was refused; `None` where it was not.
    pub reply: Option<Reason>,
    /// Ticks up to here have been judged.
    pub served: i64,
    /// When the object wants to be ticked next.
    pub next_due: i64,
}

impl Admitted {
    /// What was recorded.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The whole entry, as a store keeps it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The image after it, head included.
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// The digest of its predecessor.
    pub fn previous(&self) -> Bytes32 {
        self.previous
    }

    /// Its digest.
    pub fn head(&self) -> Bytes32 {
        self.head
    }
}

impl Class {
    /// Reads a component and makes it ready.
    pub fn load(bytes: &[u8]) -> Result<Class> {
        let artifact = aqo_emit::read(bytes).map_err(|error| {
            Error::refused(format!("this component cannot be run: {error}"))
                .help("`aqc inspect FILE` shows what a component carries")
        })?;
        let engine = Engine::new(&artifact)?;
        let id = artifact.model.class();
        let digest = Bytes32(*blake3::hash(bytes).as_bytes());
        Ok(Class { artifact, digest, id, engine })
    }

    /// Whether a host affords each step; one that may cost more is never begun.
    pub fn require_affordable(&self, most: u64) -> Result<()> {
        let cost = self.artifact.step_instructions();
        if cost <= most {
            return Ok(());
        }
        let name = self.artifact.model.full_name();
        let text =
            format!("a step of {name} may cost {cost} instructions, and this host affords {most}");
        Err(Error::refused(text).help("raise `step_instructions` under `[limits]` in host.toml"))
    }

    /// Whether the code is shown to be exactly what the Model says.
    pub fn is_sealed(&self) -> bool {
        matches!(self.artifact.seal, Seal::Sealed)
    }

    /// A new engine, as after a restart.
    pub fn rebuild(&mut self) -> Result<()> {
        self.engine = Engine::new(&self.artifact)?;
        Ok(())
    }

    /// The bytes of the image before birth.
    pub fn unborn(&self) -> Vec<u8> {
        Image::unborn(&self.artifact.model, &self.artifact.layout).encode(&self.artifact.layout)
    }

    /// Computes one step and admits it. Of an entry that hides something, the salt is random.
    pub fn step(&mut self, image: &[u8], offer: &Offer, random: &mut dyn Random) -> Result<Answer> {
        let layout = &self.artifact.layout;
        let outcome = self.engine.step(image, &offer.encode(layout))?;
        if !self.is_sealed() {
            self.derive_again(image, offer, &outcome)?;
        }
        let reply = (outcome.reply != 0).then_some(Reason(outcome.reply));
        let (served, next_due) = (outcome.served, outcome.next_due);
        let admitted = match &outcome.body {
            Some(body) => Some(self.admit(image, body, &outcome.image, random)?),
            None => None,
        };
        Ok(Answer { admitted, reply, served, next_due })
    }

    fn admit(
        &self,
        before: &[u8],
        body: &[u8],
        after: &[u8],
        random: &mut dyn Random,
    ) -> Result<Admitted> {
        let fault = |what: String| Error::refused(format!("a step was not admitted: {what}"));
        let (model, layout) = (&self.artifact.model, &self.artifact.layout);
        let entry = Entry::decode(model, body).map_err(|e| fault(e.to_string()))?;
        let mut image = if entry.sequence == 0 {
            Image::unborn(model, layout)
        } else {
            let before = Image::decode(model, layout, before);
            before.ok_or_else(|| fault("the image before it is damaged".to_owned()))?
        };
        let previous = if entry.sequence == 0 { self.id } else { image.tail.head };
        step::apply(model, layout, &mut image, &entry).map_err(|e| fault(e.to_string()))?;
        let mut taken = image.encode(layout);
        if taken != after {
            return Err(fault("the image is not what the entry says".to_owned()));
        }
        let mut salt = Salt::ZERO;
        if entry.hides(model) {
            random.fill(&mut salt.0);
        }
        let state = &taken[..layout.state_size];
        let Whole { bytes, head } = entry.whole((model, layout), &previous, body, state, &salt);
        let at = layout.state_size + tail::HEAD;
        taken[at..at + 32].copy_from_slice(&head.0);
        Ok(Admitted { entry, bytes, image: taken, previous, head })
    }

    fn derive_again(&self, image: &[u8], offer: &Offer, outcome: &Outcome) -> Result<()> {
        let (model, layout) = (&self.artifact.model, &self.artifact.layout);
        let fault =
            || Error::refused("a step was not admitted: the Model says otherwise than the code");
        let image = match offer.kind {
            aqo_model::offer::OfferKind::Birth(_) => Image::unborn(model, layout),
            aqo_model::offer::OfferKind::Tick
            | aqo_model::offer::OfferKind::Message(_)
            | aqo_model::offer::OfferKind::Bind(_)
            | aqo_model::offer::OfferKind::Consent(_)
            | aqo_model::offer::OfferKind::Fork(_) => {
                Image::decode(model, layout, image).ok_or_else(fault)?
            }
        };
        let derived = step::step(model, layout, &image, offer);
        let body = derived.entry.as_ref().map(|entry| entry.encode(model));
        let agrees = body == outcome.body
            && derived.reply.map_or(0, |reason| reason.0) == outcome.reply
            && derived.next_due == outcome.next_due
            && derived.served == outcome.served
            && (body.is_none() || derived.image.encode(layout) == outcome.image);
        if agrees { Ok(()) } else { Err(fault()) }
    }
}
