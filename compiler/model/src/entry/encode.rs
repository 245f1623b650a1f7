//! An entry to the canonical bytes of its body.

use super::{Cause, ELEMENTS, Entry, Verdict, kind};
use crate::cbor::Writer;
use crate::model::Model;
use crate::offer::Bind;

impl Entry {
    /// The canonical bytes of the body.
    pub fn encode(&self, model: &Model) -> Vec<u8> {
        let schema = &model.schema;
        let mut w = Writer::default();
        w.array(ELEMENTS);
        w.uint(match &self.cause {
            Cause::Birth { .. } => kind::BIRTH,
            Cause::Tick(_) => kind::TICK,
            Cause::Message { .. } => kind::MESSAGE,
            Cause::Bind(_) => kind::BIND,
        });
        w.uint(self.sequence);
        w.int(self.now);
        w.int(self.observed - self.now);
        w.uint(u64::from(self.ignored));
        self.encode_cause(model, &mut w);
        w.array(self.inputs.len());
        for read in &self.inputs {
            w.array(3);
            w.uint(u64::from(schema.inputs[usize::from(read.input)].number));
            match &read.view {
                Some((value, at)) => {
                    w.value(value);
                    w.int(self.now - at);
                }
                None => {
                    w.null();
                    w.int(0);
                }
            }
        }
        w.array(self.outcomes.len());
        for outcome in &self.outcomes {
            w.array(3);
            match outcome.rule {
                Some(rule) => w.uint(u64::from(model.policy.rules[usize::from(rule)].number)),
                None => w.null(),
            }
            let (verdict, reason) = match outcome.verdict {
                Verdict::Held(reason) => (1, reason.0),
                Verdict::Refused(reason) => (2, reason.0),
                Verdict::Committed => (3, 0),
            };
            w.uint(verdict);
            w.uint(u64::from(reason));
        }
        w.array(self.changes.len());
        for (field, value) in &self.changes {
            w.array(2);
            w.uint(u64::from(schema.fields[usize::from(*field)].number));
            w.value(value);
        }
        w.array(self.events.len());
        for said in &self.events {
            w.array(3);
            w.uint(u64::from(schema.events[usize::from(said.event)].number));
            w.array(said.args.len());
            said.args.iter().for_each(|arg| w.value(arg));
            w.bool(said.withheld);
        }
        self.encode_predictions(&mut w);
        match &self.trust {
            None => w.null(),
            Some(change) => {
                w.array(3);
                w.int(change.x);
                w.bool(change.recovering);
                w.array(change.positives.len());
                for (source, claim) in &change.positives {
                    w.array(2);
                    w.uint(u64::from(*source));
                    w.uint(u64::from(*claim));
                }
            }
        }
        w.bytes
    }

    fn encode_cause(&self, model: &Model, w: &mut Writer) {
        match &self.cause {
            Cause::Birth { class, creator, bind, roles } => {
                w.array(6);
                w.bytes(&class.0);
                w.bytes(&creator.0);
                encode_bind(w, bind);
                w.array(roles.len());
                roles.iter().for_each(|key| w.bytes(&key.0));
            }
            Cause::Tick(None) => w.null(),
            Cause::Tick(Some(tick)) => {
                w.array(2);
                w.int(self.now - tick.due);
                w.uint(tick.missed);
            }
            Cause::Message { kind, params, envelope } => {
                w.array(3);
                w.uint(u64::from(model.schema.messages[usize::from(*kind)].number));
                w.array(params.len());
                params.iter().for_each(|param| w.value(param));
                match envelope {
                    None => w.null(),
                    Some(envelope) => {
                        w.array(5);
                        w.uint(u64::from(model.schema.roles[usize::from(envelope.role)].number));
                        w.uint(u64::from(envelope.epoch));
                        w.uint(envelope.counter);
                        w.int(envelope.not_after);
                        w.bytes(&envelope.signature);
                    }
                }
            }
            Cause::Bind(bind) => {
                w.array(3);
                encode_bind(w, bind);
            }
        }
    }

    fn encode_predictions(&self, w: &mut Writer) {
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
                    captures.iter().for_each(|capture| w.value(capture));
                }
            }
            w.uint(u64::from(foretold.dropped));
        }
    }
}

fn encode_bind(w: &mut Writer, bind: &Bind) {
    w.bytes(&bind.host.0);
    w.bytes(&bind.nonce);
    w.uint(bind.capabilities);
}
