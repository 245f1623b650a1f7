//! What providers know of inputs, as an offer says it: values of their types, and signed ones with the
//! answer to whether their signature is good.
//!
//! Invariant: what cannot be used counts as not there, and is told of once, until it can be again
//! or cannot for another reason.

use super::Host;
use crate::keys::is_signed;
use crate::provider::{Reading, SignedWord};
use aqo_model::Model;
use aqo_model::entry::reading_bytes;
use aqo_model::image::{Image, State};
use aqo_model::layout::Layout;
use aqo_model::limits;
use aqo_model::offer::{View, Word};
use aqo_model::text::show_instant;
use aqo_model::value::{Bytes32, Value};
use std::collections::BTreeMap;

impl Host {
    /// What providers know of an object's inputs.
    pub(super) fn inputs(&mut self, id: &Bytes32, now: i64) -> Vec<Option<View>> {
        let Some(object) = self.objects.get(id) else { return Vec::new() };
        let Some(class) = self.classes.get(&object.artifact) else { return Vec::new() };
        let (model, whose) = (&class.artifact.model, object.name.clone());
        let layout = &class.artifact.layout;
        let is_signed = !layout.readings.is_empty();
        let image = is_signed.then(|| Image::decode(model, layout, &object.image)).flatten();
        let mut views = vec![None; model.schema.inputs.len()];
        let mut asked: BTreeMap<&str, Vec<(u16, &str)>> = BTreeMap::new();
        for (index, input) in (0u16..).zip(&model.schema.inputs) {
            if let Some(provider) = self.config.input(&object.name, &input.name) {
                asked.entry(provider).or_default().push((index, &input.name));
            }
        }
        for (name, inputs) in asked {
            let Some(provider) = self.providers.get_mut(name) else { continue };
            let names: Vec<&str> = inputs.iter().map(|(_, input)| *input).collect();
            let mut readings = provider.read(&names, now);
            for (index, input) in inputs {
                let Some(reading) = readings.remove(input) else { continue };
                let found = view(model, id, index, &reading).and_then(|view| {
                    let state = image.as_ref().map(|image| &image.state);
                    doubt((model, layout), state, index, &view, now).map_or(Ok(view), Err)
                });
                match found {
                    Ok(view) => {
                        self.unusable.remove(&(*id, index));
                        views[usize::from(index)] = Some(view);
                    }
                    Err((doubt, why)) => {
                        if self.unusable.insert((*id, index), doubt) != Some(doubt) {
                            let doubt = format!(
                                "provider {name}: `{input}` of {whose} counts as not there: {why}"
                            );
                            self.doubts.push(doubt);
                        }
                    }
                }
            }
        }
        views
    }
}

/// Why a reading cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is no value of its type.
    Shape,
    /// It lies out of bounds.
    Range,
    /// Nobody signed it.
    Unsigned,
    /// The signature is not good.
    Forged,
    /// It is signed for another epoch of the role.
    Epoch,
    /// Who signed it does not hold the role.
    Stranger,
    /// A later one is recorded already.
    Older,
    /// It lies too far ahead.
    Ahead,
}

/// Why an object would not count a signed reading, of which the signature is good.
fn doubt(
    (model, layout): (&Model, &Layout),
    state: Option<&State>,
    index: u16,
    view: &View,
    now: i64,
) -> Option<(Doubt, String)> {
    let (state, word) = (state?, view.word?);
    let role = model.schema.inputs[usize::from(index)].from?;
    let (held, name) =
        (&state.roles[usize::from(role)], &model.schema.roles[usize::from(role)].name);
    let slot = layout.readings.iter().position(|(input, _)| *input == index)?;
    let ahead = now.max(state.now).saturating_add(limits::READING_AHEAD);
    if word.epoch != held.epoch {
        let why =
            format!("it is signed for epoch {} of `{name}`, which is {}", word.epoch, held.epoch);
        return Some((Doubt::Epoch, why));
    }
    if held.key(&word.key).is_none() {
        return Some((Doubt::Stranger, format!("{} does not hold `{name}`", word.key.short())));
    }
    if view.at < state.readings[slot] {
        let latest = show_instant(state.readings[slot]);
        return Some((Doubt::Older, format!("one of {latest} is recorded already")));
    }
    (view.at > ahead).then(|| {
        let at = show_instant(view.at);
        (Doubt::Ahead, format!("it is of {at}, more than 10 minutes ahead"))
    })
}

/// A reading as an offer says it, or why it cannot be used.
fn view(
    model: &Model,
    object: &Bytes32,
    index: u16,
    reading: &Reading,
) -> Result<View, (Doubt, String)> {
    let (schema, input) = (&model.schema, &model.schema.inputs[usize::from(index)]);
    let value = Value::parse(&reading.text, &input.ty, &schema.types);
    let value = value.map_err(|why| (Doubt::Shape, why))?;
    if !value.in_range(&input.ty, &schema.types) {
        let wanted = input.ty.describe(&schema.types);
        return Err((Doubt::Range, format!("{} is not {wanted}", reading.text)));
    }
    let mut view = View { value, at: reading.at, word: None };
    let Some(role) = input.from else { return Ok(view) };
    let role = &schema.roles[usize::from(role)].name;
    let Some(SignedWord { key, epoch, signature }) = reading.word else {
        return Err((Doubt::Unsigned, format!("it is not signed, and `{role}` is to sign it")));
    };
    let mut word = Word { key, epoch, signature, verified: false };
    let signed = reading_bytes(model, object, index, &view, &word);
    word.verified = is_signed(&key, &signed, &signature);
    if !word.verified {
        let why = format!("what {} signed is not this object, value and time", key.short());
        return Err((Doubt::Forged, why));
    }
    view.word = Some(word);
    Ok(view)
}
