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
use aqo_model::image::Image;
use aqo_model::offer::{View, Word};
use aqo_model::step::{self, Doubt};
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
                let found = view(model, id, index, &reading);
                let doubt = match &found {
                    Err((doubt, why)) => Some((*doubt, why.clone())),
                    Ok(view) => image.as_ref().and_then(|image| {
                        let now = now.max(image.state.now);
                        let doubt = step::doubt(model, layout, &image.state, (index, view), now)?;
                        Some((Useless::Doubted(doubt), told(model, (index, view), doubt)))
                    }),
                };
                // What the object does not count it is offered all the same: that is its to say.
                views[usize::from(index)] = found.ok();
                let key = (*id, index);
                match doubt {
                    None => drop(self.unusable.remove(&key)),
                    Some((useless, why)) => {
                        if self.unusable.insert(key, useless) != Some(useless) {
                            let input = format!("`{input}` of {whose}");
                            self.doubts.push(format!(
                                "provider {name}: {input} counts as not there: {why}"
                            ));
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
pub(super) enum Useless {
    /// It is no value of its type.
    Shape,
    /// It lies out of bounds.
    Range,
    /// Nobody signed it.
    Unsigned,
    /// The signature is not good.
    Forged,
    /// The object does not count it.
    Doubted(Doubt),
}

/// Why an object does not count a reading, of which the signature is good.
fn told(model: &Model, (index, view): (u16, &View), doubt: Doubt) -> String {
    let role = model.schema.inputs[usize::from(index)].from;
    let role = role.map_or("", |role| model.schema.roles[usize::from(role)].name.as_str());
    let (epoch, key) = view.word.map_or((0, Bytes32::ZERO), |word| (word.epoch, word.key));
    match doubt {
        Doubt::Unproved => format!("`{role}` is to sign it"),
        Doubt::Epoch(now) => format!("it is signed for epoch {epoch} of `{role}`, which is {now}"),
        Doubt::Stranger => format!("{} does not hold `{role}`", key.short()),
        Doubt::Older(latest) => format!("one of {} is recorded already", show_instant(latest)),
        Doubt::Ahead => {
            format!("it is of {}, more than 10 minutes ahead", show_instant(view.at))
        }
    }
}

/// A reading as an offer says it, or why it cannot be used.
fn view(
    model: &Model,
    object: &Bytes32,
    index: u16,
    reading: &Reading,
) -> Result<View, (Useless, String)> {
    let (schema, input) = (&model.schema, &model.schema.inputs[usize::from(index)]);
    let value = Value::parse(&reading.text, &input.ty, &schema.types);
    // What is private is not told by a note either.
    let hidden = || "what was read is no such value, and private".to_owned();
    let value =
        value.map_err(|why| (Useless::Shape, if input.private { hidden() } else { why }))?;
    if !value.in_range(&input.ty, &schema.types) {
        let wanted = input.ty.describe(&schema.types);
        let why = format!("{} is not {wanted}", reading.text);
        return Err((Useless::Range, if input.private { hidden() } else { why }));
    }
    let mut view = View { value, at: reading.at, word: None };
    let Some(role) = input.from else { return Ok(view) };
    let role = &schema.roles[usize::from(role)].name;
    let Some(SignedWord { key, epoch, signature }) = reading.word else {
        return Err((Useless::Unsigned, format!("it is not signed, and `{role}` is to sign it")));
    };
    let mut word = Word { key, epoch, signature, verified: false };
    let signed = reading_bytes(model, object, index, &view, &word);
    word.verified = is_signed(&key, &signed, &signature);
    if !word.verified {
        let why = format!("what {} signed is not this object, value and time", key.short());
        return Err((Useless::Forged, why));
    }
    view.word = Some(word);
    Ok(view)
}
