//! What an expression may read at one place, and where that stands.

use crate::code::Code;
use crate::ir::{Exp, Label, Var, load64};
use crate::memory::{cell, size};
use crate::translate::value::Val;
use aqo_model::layout::{Layout, offer, prediction, state};
use aqo_model::schema::Default;
use aqo_model::types::Type;
use std::collections::BTreeMap;

/// A field's next value.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    pub(crate) value: Val,
    /// Whether the path set it; `None` where every path does.
    pub(crate) set: Option<Var>,
}

/// How fields are read.
#[derive(Clone, Copy)]
pub(crate) enum Fields<'s> {
    /// As the image has them.
    Image,
    /// As they would be after a rule.
    Next(&'s BTreeMap<u16, Next>),
    /// As a birth would make them.
    Birth,
}

/// What an expression may read, and where it goes when it has no value.
pub(crate) struct Scope<'s> {
    pub(crate) fields: Fields<'s>,
    /// The kind of the message at hand.
    pub(crate) message: Option<u16>,
    /// Where `due` and `missed` stand.
    pub(crate) tick: (u32, u32),
    /// The prediction whose captures can be read.
    pub(crate) prediction: Option<u16>,
    /// What each local is, where it is bound.
    pub(crate) locals: BTreeMap<u16, Val>,
    /// The types of all locals.
    pub(crate) types: Vec<Type>,
    /// Where a partial node goes that fails.
    pub(crate) fails: Option<Label>,
    /// The verdict of a rule, and where its refusal goes.
    pub(crate) refuses: Option<(Var, Label)>,
}

impl<'s> Scope<'s> {
    pub(crate) fn new(fields: Fields<'s>, types: &[Type]) -> Self {
        Scope {
            fields,
            types: types.to_vec(),
            message: None,
            tick: (cell::DUE, cell::MISSED),
            prediction: None,
            locals: BTreeMap::new(),
            fails: None,
            refuses: None,
        }
    }

    /// A field's value.
    pub(crate) fn field(&self, code: &mut Code<'_, '_>, index: u16) -> Val {
        let slot = &code.unit.layout.fields[usize::from(index)];
        let now = Val::of_slot(slot, code.unit.map.image);
        match self.fields {
            Fields::Image => now,
            Fields::Birth => birth_field(code, index),
            Fields::Next(next) => match next.get(&index) {
                None => now,
                Some(Next { value, set: None }) => value.clone(),
                Some(Next { value, set: Some(set) }) => {
                    let mut old = now.parts().into_iter();
                    value.clone().map(&mut |part| {
                        let old = old.next().expect("a field's values have one shape");
                        part.select(old, *set)
                    })
                }
            },
        }
    }

    /// A parameter of the message.
    pub(crate) fn param(&self, code: &Code<'_, '_>, index: u16) -> Val {
        let kind = self.message.expect("verify lets only rules on messages read parameters");
        let slot = &code.unit.layout.params[usize::from(kind)][usize::from(index)];
        Val::of_slot(slot, code.unit.map.offer)
    }

    /// What a prediction captured.
    pub(crate) fn captured(&self, code: &Code<'_, '_>, index: u16) -> Val {
        let prediction = self.prediction.expect("verify lets only predictions read captures");
        let (_, slots) = &code.unit.layout.predictions[usize::from(prediction)];
        Val::of_slot(&slots[usize::from(index)], code.unit.map.image)
    }

    /// The instant of birth.
    pub(crate) fn born(&self, code: &Code<'_, '_>) -> Exp {
        match self.fields {
            Fields::Birth => load64(0, code.unit.map.offer + size(offer::OBSERVED)),
            Fields::Image | Fields::Next(_) => load64(0, code.unit.map.image + size(state::BORN)),
        }
    }
}

/// A field as a birth makes it: its default, or what the offer gives.
pub(crate) fn birth_field(code: &mut Code<'_, '_>, index: u16) -> Val {
    let field = &code.unit.model.schema.fields[usize::from(index)];
    match &field.default {
        Some(Default::Value(value)) => {
            let form = code.unit.layout.fields[usize::from(index)].form.clone();
            Val::constant(code, value, &form)
        }
        Some(Default::Born) => Val::Number(load64(0, code.unit.map.offer + size(offer::OBSERVED))),
        None => {
            let births = &code.unit.layout.births;
            let given = births.iter().find(|(field, _)| *field == index);
            let (_, slot) = given.expect("a field without default is a birth value");
            Val::of_slot(slot, code.unit.map.offer)
        }
    }
}

/// The step's logical time.
pub(crate) fn now() -> Exp {
    load64(0, cell::NOW)
}

/// The address of a role's record.
pub(crate) fn role(code: &Code<'_, '_>, index: u16) -> u32 {
    code.unit.map.image + size(code.unit.layout.roles[usize::from(index)])
}

/// The address of a prediction's record, and how many bytes it and its captures take.
pub(crate) fn prediction_record(code: &Code<'_, '_>, index: u16) -> (u32, u32) {
    let (record, slots) = &code.unit.layout.predictions[usize::from(index)];
    let captures: usize = slots.iter().map(|slot| slot.form.size()).sum();
    (code.unit.map.image + size(*record), size(prediction::CAPTURES + captures))
}

/// The address of the byte that says whether an attested field was last written by its role.
pub(crate) fn signed(layout: &Layout, image: u32, field: u16) -> Option<u32> {
    let slot = layout.signed.iter().find(|(index, _)| *index == field);
    slot.map(|(_, offset)| image + size(*offset))
}
