//! An entry to the canonical bytes of its body.

use super::digest::commitment;
use super::{Cause, Change, ELEMENTS, Entry, Read, Salt, Verdict, kind};
use crate::cbor::Writer;
use crate::edit;
use crate::expr::{Edit, Step};
use crate::model::Model;
use crate::offer::{Bind, Envelope};
use crate::schema::{Field, Input};
use crate::types::{Type, Types};
use crate::value::Value;

/// Writes private values as they are, or commitments in their place.
struct Veil<'s> {
    salt: Option<&'s Salt>,
    /// How many commitments there are so far.
    next: u32,
}

impl Veil<'_> {
    fn write(&mut self, w: &mut Writer, private: bool, value: impl FnOnce(&mut Writer)) {
        let Some(salt) = self.salt.filter(|_| private) else { return value(w) };
        let mut open = Writer::default();
        value(&mut open);
        w.bytes(&commitment(salt, self.next, &open.bytes).0);
        self.next += 1;
    }

    /// The same of an element that begins with a number, which stays open.
    fn element(
        &mut self,
        w: &mut Writer,
        (number, private): (u16, bool),
        element: impl FnOnce(&mut Writer),
    ) {
        if private && self.salt.is_some() {
            w.array(2);
            w.uint(u64::from(number));
        }
        self.write(w, private, element);
    }
}

impl Entry {
    /// The canonical bytes of the body.
    pub fn encode(&self, model: &Model) -> Vec<u8> {
        self.write(model, Veil { salt: None, next: 0 })
    }

    /// The canonical bytes of the body that is chained: with commitments for what is private.
    pub fn close(&self, model: &Model, salt: &Salt) -> Vec<u8> {
        self.write(model, Veil { salt: Some(salt), next: 0 })
    }

    fn write(&self, model: &Model, mut veil: Veil<'_>) -> Vec<u8> {
        let schema = &model.schema;
        let mut w = Writer::default();
        w.array(ELEMENTS);
        w.uint(match &self.cause {
            Cause::Birth { .. } => kind::BIRTH,
            Cause::Tick(_) => kind::TICK,
            Cause::Message { .. } => kind::MESSAGE,
            Cause::Bind(_) => kind::BIND,
            Cause::Consent(_) => kind::CONSENT,
            Cause::Fork(_) => kind::FORK,
        });
        w.uint(self.sequence);
        w.int(self.now);
        w.int(self.observed - self.now);
        w.uint(u64::from(self.ignored));
        self.encode_cause(model, &mut veil, &mut w);
        w.array(self.inputs.len());
        for read in &self.inputs {
            let input = &schema.inputs[usize::from(read.input)];
            veil.element(&mut w, (input.number, input.private), |w| {
                self.encode_read(read, input, &schema.types, w);
            });
        }
        self.encode_outcomes(model, &mut w);
        w.array(self.changes.len());
        for change in &self.changes {
            let field = &schema.fields[usize::from(change.field)];
            veil.element(&mut w, (field.number, field.private), |w| {
                change.encode(field, &schema.types, w);
            });
        }
        w.array(self.events.len());
        for said in &self.events {
            w.array(3);
            let event = &schema.events[usize::from(said.event)];
            w.uint(u64::from(event.number));
            w.array(said.args.len());
            w.values(&said.args, &event.params, &schema.types);
            w.bool(said.withheld);
        }
        self.encode_predictions(model, &mut w);
        match &self.trust {
            None => w.null(),
            Some(change) => {
                w.array(3 + usize::from(change.sum.is_some()));
                w.int(change.x);
                w.bool(change.recovering);
                w.array(change.positives.len());
                for (source, claim) in &change.positives {
                    w.array(2);
                    w.uint(u64::from(*source));
                    w.uint(u64::from(*claim));
                }
                change.sum.iter().for_each(|sum| w.int(i64::from(*sum)));
            }
        }
        self.encode_rest(model, &mut w);
        w.bytes
    }

    fn encode_outcomes(&self, model: &Model, w: &mut Writer) {
        w.array(self.outcomes.len());
        for outcome in &self.outcomes {
            let has_amounts = !outcome.amounts.is_empty();
            w.array(if outcome.of.is_some() { 5 } else { 3 + usize::from(has_amounts) });
            match outcome.rule {
                Some(rule) => w.uint(u64::from(model.policy.rules[usize::from(rule)].number)),
                None => w.null(),
            }
            let (verdict, reason) = match outcome.verdict {
                Verdict::Held(reason) => (1, reason.0),
                Verdict::Refused(reason) => (2, reason.0),
                Verdict::Committed => (3, 0),
                Verdict::Waits => (4, 0),
            };
            w.uint(verdict);
            w.uint(u64::from(reason));
            if has_amounts || outcome.of.is_some() {
                w.array(outcome.amounts.len());
                outcome.amounts.iter().for_each(|amount| w.int(*amount));
            }
            outcome.of.iter().for_each(|number| w.uint(*number));
        }
    }

    fn encode_rest(&self, model: &Model, w: &mut Writer) {
        if self.lapsed.is_empty() && self.bound.is_empty() && self.mode.is_none() {
            w.null();
            return;
        }
        w.array(3);
        w.array(self.lapsed.len());
        for rule in &self.lapsed {
            w.uint(u64::from(model.policy.rules[usize::from(*rule)].number));
        }
        w.array(self.bound.len());
        for (role, edit) in &self.bound {
            w.array(3);
            w.uint(u64::from(model.schema.roles[usize::from(*role)].number));
            w.uint(edit.number());
            w.value(edit.value(), &Type::Key, &model.schema.types);
        }
        match self.mode {
            None => w.null(),
            Some(mode) => w.uint(mode.number()),
        }
    }

    fn encode_read(&self, read: &Read, input: &Input, types: &Types, w: &mut Writer) {
        let word = read.view.as_ref().and_then(|view| view.word);
        w.array(3 + usize::from(word.is_some()));
        w.uint(u64::from(input.number));
        match &read.view {
            Some(view) => {
                w.value(&view.value, &input.ty, types);
                w.int(self.now - view.at);
            }
            None => {
                w.null();
                w.int(0);
            }
        }
        if let Some(word) = word {
            w.array(3);
            w.bytes(&word.key.0);
            w.uint(u64::from(word.epoch));
            w.bytes(&word.signature);
        }
    }

    fn encode_cause(&self, model: &Model, veil: &mut Veil<'_>, w: &mut Writer) {
        match &self.cause {
            Cause::Birth { class, creator, bind, roles } => {
                w.array(6);
                w.bytes(&class.0);
                w.bytes(&creator.0);
                encode_bind(w, bind);
                w.array(roles.len());
                for keys in roles {
                    w.array(keys.len());
                    keys.iter().for_each(|key| w.bytes(&key.0));
                }
            }
            Cause::Tick(ticks) => {
                w.array(ticks.len());
                for tick in ticks {
                    w.array(3);
                    w.uint(u64::from(tick.cycle));
                    w.int(self.now - tick.due);
                    w.uint(tick.missed);
                }
            }
            Cause::Message { kind, params, envelope } => {
                w.array(3);
                let message = &model.schema.messages[usize::from(*kind)];
                w.uint(u64::from(message.number));
                w.array(params.len());
                for (index, (value, param)) in (0u16..).zip(params.iter().zip(&message.params)) {
                    let private = message.private.contains(&index);
                    veil.write(w, private, |w| w.value(value, &param.ty, &model.schema.types));
                }
                match envelope {
                    None => w.null(),
                    Some(envelope) => {
                        encode_by(model, w, envelope);
                        // A guess at what is private could be held against it.
                        let private = !message.private.is_empty();
                        veil.write(w, private, |w| w.bytes(&envelope.signature));
                    }
                }
            }
            Cause::Consent(consent) => {
                w.array(2);
                w.uint(u64::from(model.policy.rules[usize::from(consent.rule)].number));
                encode_by(model, w, &consent.by);
                w.bytes(&consent.by.signature);
            }
            Cause::Bind(bind) => {
                w.array(3);
                encode_bind(w, bind);
            }
            Cause::Fork(fork) => {
                w.array(3);
                w.uint(fork.at);
                w.bytes(&fork.ours.0);
                w.bytes(&fork.theirs.0);
            }
        }
    }

    fn encode_predictions(&self, model: &Model, w: &mut Writer) {
        w.array(self.predictions.len());
        for foretold in &self.predictions {
            w.array(4);
            w.uint(u64::from(foretold.prediction));
            w.uint(foretold.settled.number());
            match &foretold.made {
                None => w.null(),
                Some((worth, captures)) => {
                    w.array(2);
                    w.bool(*worth);
                    w.array(captures.len());
                    let declared = &model.policy.predictions[usize::from(foretold.prediction)];
                    for (capture, ty) in captures.iter().zip(&declared.captures) {
                        w.value(capture, ty, &model.schema.types);
                    }
                }
            }
            w.uint(u64::from(foretold.dropped));
        }
    }
}

impl Change {
    /// The canonical bytes of a change of this field.
    pub(crate) fn encode(&self, field: &Field, types: &Types, w: &mut Writer) {
        let (op, value) = (self.edit.number(), self.edit.value());
        let mut ty = &field.ty;
        let is_whole = self.path.is_empty() && op == 0;
        let attested = field.attested.is_some();
        w.array(if is_whole { 2 } else { 4 } + usize::from(attested));
        w.uint(u64::from(field.number));
        if !is_whole {
            w.array(self.path.len());
            for step in &self.path {
                ty = encode_step(w, step, ty, types);
            }
            w.uint(op);
        }
        match &self.edit {
            Edit::Put(_) => w.value(value, ty, types),
            Edit::Add(_) | Edit::Remove(_) => {
                let (item, _) = ty.items().expect("what is added to holds items");
                w.value(value, item, types);
            }
        }
        if attested {
            w.bool(self.signed);
        }
    }
}

/// A step into a value of a type; gives the type of what it finds.
fn encode_step<'t>(w: &mut Writer, step: &Step<Value>, ty: &'t Type, types: &'t Types) -> &'t Type {
    if let (Step::Part(part), Type::Record(index)) = (step, ty) {
        w.uint(u64::from(types.part_numbers(*index).at(*part)));
        return &types.parts(*index)[usize::from(*part)].ty;
    }
    let (key, held) = edit::inside(ty).expect("a step leads into what has parts");
    if let Step::At(at) = step {
        w.value(at, &key, types);
    }
    held
}

/// An envelope up to its signature.
fn encode_by(model: &Model, w: &mut Writer, envelope: &Envelope) {
    w.array(6);
    w.uint(u64::from(model.schema.roles[usize::from(envelope.role)].number));
    w.bytes(&envelope.key.0);
    w.uint(u64::from(envelope.epoch));
    w.uint(envelope.counter);
    w.int(envelope.not_after);
}

fn encode_bind(w: &mut Writer, bind: &Bind) {
    w.bytes(&bind.host.0);
    w.bytes(&bind.nonce);
    w.uint(bind.capabilities);
}
