//! A lineage read back: each entry chained, decoded and folded into an image.
//!
//! Recovery, `aqr verify` and every replay go through [`Follower`]; what it accepts is a lineage
//! that an object of its class can have had.

use aqo_emit::Artifact;
use aqo_model::Model;
use aqo_model::entry::{Cause, Entry};
use aqo_model::image::Image;
use aqo_model::layout::{Layout, tail};
use aqo_model::offer::{Birth, Message, Offer, OfferKind, View};
use aqo_model::step;
use aqo_model::value::Bytes32;

/// Follows the lineage of one object.
pub struct Follower {
    /// The image after the last entry; its head is that entry's digest.
    pub image: Image,
}

/// Where a lineage stops being one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The number of the entry.
    pub sequence: u64,
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for Break {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "entry {}: {}", self.sequence, self.what)
    }
}

impl Follower {
    /// Before birth.
    pub fn unborn(artifact: &Artifact) -> Follower {
        let mut image = Image::unborn(&artifact.model, &artifact.layout);
        image.tail.head = artifact.model.class();
        Follower { image }
    }

    /// From an image.
    pub fn from_image(artifact: &Artifact, bytes: &[u8]) -> Option<Follower> {
        Image::decode(&artifact.model, &artifact.layout, bytes).map(|image| Follower { image })
    }

    /// Takes the next entry.
    pub fn follow(
        &mut self,
        artifact: &Artifact,
        previous: &Bytes32,
        bytes: &[u8],
    ) -> Result<Entry, Break> {
        let sequence = self.image.tail.sequence;
        let wrong = |what: String| Break { sequence, what };
        if *previous != self.image.tail.head {
            return Err(wrong(format!(
                "it names {} as its predecessor, which is {}",
                previous.short(),
                self.image.tail.head.short()
            )));
        }
        let (model, layout) = (&artifact.model, &artifact.layout);
        let (entry, len) = Entry::decode_prefix(model, bytes).map_err(|e| wrong(e.to_string()))?;
        let mut image = self.image.clone();
        step::apply(model, layout, &mut image, &entry).map_err(|e| wrong(e.to_string()))?;
        let state = image.encode(layout);
        if Image::decode(model, layout, &state).is_none() {
            return Err(wrong("it leaves a state that the schema does not allow".to_owned()));
        }
        let salt = entry.salt(model, bytes);
        if entry.hides(model) && salt.is_none() {
            return Err(wrong("it holds private values, and no salt".to_owned()));
        }
        let (body, salt) = (&bytes[..len], salt.unwrap_or(Bytes32::ZERO));
        let state = &state[..layout.state_size];
        let whole = entry.whole((model, layout), previous, body, state, &salt);
        if whole.bytes != bytes {
            return Err(wrong("the digest of the state after it does not fit".to_owned()));
        }
        image.tail.head = whole.head;
        self.image = image;
        Ok(entry)
    }

    /// The bytes of the image.
    pub fn bytes(&self, artifact: &Artifact) -> Vec<u8> {
        self.image.encode(&artifact.layout)
    }

    /// The digest of the last entry.
    pub fn head(&self) -> Bytes32 {
        self.image.tail.head
    }
}

/// The head in the bytes of an image.
pub fn head_of(artifact: &Artifact, image: &[u8]) -> Bytes32 {
    let at = artifact.layout.state_size + tail::HEAD;
    image.get(at..at + 32).and_then(|bytes| bytes.try_into().ok()).map_or(Bytes32::ZERO, Bytes32)
}

/// Up to where ticks have been judged after an entry, as far as the lineage alone tells. What was
/// settled at a past instant says nothing of the ticks up to it.
pub fn served_after(served: i64, entry: &Entry) -> i64 {
    if entry.now >= entry.observed { served.max(entry.now) } else { served }
}

/// The offer that an entry answers, as far as it matters: putting it before the image before the
/// entry gives the entry again.
pub fn offer_of(model: &Model, layout: &Layout, before: &Image, entry: &Entry) -> Offer {
    let mut inputs: Vec<Option<View>> = vec![None; model.schema.inputs.len()];
    for read in &entry.inputs {
        if let Some(view) = inputs.get_mut(usize::from(read.input)) {
            view.clone_from(&read.view);
        }
    }
    let mut served = before.state.now.max(entry.observed);
    let kind = match &entry.cause {
        Cause::Birth { creator, bind, roles, .. } => OfferKind::Birth(Birth {
            creator: *creator,
            bind: *bind,
            values: layout
                .births
                .iter()
                .filter_map(|(field, _)| entry.changes.iter().find(|change| change.field == *field))
                .map(|change| change.edit.value().clone())
                .collect(),
            roles: roles.clone(),
        }),
        Cause::Tick(ticks) => {
            if !ticks.is_empty() {
                let observed = before.state.now.max(entry.observed);
                let times = (entry.now, observed);
                served = step::served_before(model, layout, &before.state, times, ticks);
            }
            OfferKind::Tick
        }
        Cause::Message { kind, params, envelope } => {
            OfferKind::Message(Message { kind: *kind, params: params.clone(), envelope: *envelope })
        }
        Cause::Bind(bind) => OfferKind::Bind(*bind),
        Cause::Consent(consent) => OfferKind::Consent(*consent),
        Cause::Fork(fork) => OfferKind::Fork(*fork),
    };
    Offer { kind, observed: entry.observed, served, ignored: entry.ignored, inputs }
}
