//! The bytes of a body back to its entry: canonical CBOR of the one form that encoding gives, with
//! names that exist in the Model and values of the declared kinds.

use super::{
    Cause, ELEMENTS, Entry, Foretold, Outcome, Read, Said, Settled, Tick, TrustChange, Verdict,
    kind,
};
use crate::cbor::{Malformed, Reader};
use crate::model::Model;
use crate::offer::{Bind, Envelope};
use crate::policy::Reason;
use crate::types::Kind;
use crate::value::Value;

impl Entry {
    /// Reads a body. Names must exist in the Model; values must have the declared kinds.
    pub fn decode(model: &Model, bytes: &[u8]) -> Result<Entry, Malformed> {
        let mut r = Reader::new(bytes);
        let entry = decode_body(model, &mut r)?;
        r.end()?;
        Ok(entry)
    }

    /// Reads a body at the start of `bytes`: the entry, and how long its body is.
    pub fn decode_prefix(model: &Model, bytes: &[u8]) -> Result<(Entry, usize), Malformed> {
        let mut r = Reader::new(bytes);
        let entry = decode_body(model, &mut r)?;
        Ok((entry, r.offset()))
    }
}

fn decode_bind(r: &mut Reader) -> Result<Bind, Malformed> {
    Ok(Bind {
        host: r.bytes32()?.to_owned(),
        nonce: r.array_bytes("16 bytes")?,
        capabilities: r.uint()?,
    })
}

/// The index of a stable number in a list that is sorted by it.
fn index_of<T>(
    r: &mut Reader,
    list: &[T],
    number: impl Fn(&T) -> u16,
    wanted: &'static str,
) -> Result<u16, Malformed> {
    let wrong = r.wrong(wanted);
    let found = r.u16()?;
    let index = list.binary_search_by_key(&found, number).map_err(|_| wrong)?;
    u16::try_from(index).map_err(|_| wrong)
}

fn list<T>(
    r: &mut Reader,
    mut item: impl FnMut(&mut Reader) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let len = r.array()?;
    (0..len).map(|_| item(r)).collect()
}

fn values<'t>(
    r: &mut Reader,
    kinds: impl ExactSizeIterator<Item = Kind> + 't,
) -> Result<Vec<Value>, Malformed> {
    r.array_of(kinds.len(), "one value for each declared one")?;
    kinds.map(|kind| r.value(&kind)).collect()
}

fn decode_body(model: &Model, r: &mut Reader) -> Result<Entry, Malformed> {
    r.array_of(ELEMENTS, "an entry of 12 elements")?;
    let kind = r.uint()?;
    let sequence = r.uint()?;
    let now = r.int()?;
    let wrong_time = r.wrong("a time");
    let observed = r.int()?.checked_add(now).ok_or(wrong_time)?;
    let ignored = r.u32()?;
    let cause = decode_cause(model, r, kind, now)?;
    let schema = &model.schema;
    let inputs = list(r, |r| {
        r.array_of(3, "an input")?;
        let input = index_of(r, &schema.inputs, |i| i.number, "the number of an input")?;
        let view = if r.null() {
            None
        } else {
            Some(r.value(&schema.inputs[usize::from(input)].ty.kind())?)
        };
        let wrong_time = r.wrong("a time");
        let at = now.checked_sub(r.int()?).ok_or(wrong_time)?;
        Ok(Read { input, view: view.map(|value| (value, at)) })
    })?;
    let outcomes = list(r, |r| decode_outcome(model, r))?;
    let changes = list(r, |r| {
        r.array_of(2, "a change")?;
        let field = index_of(r, &schema.fields, |f| f.number, "the number of a field")?;
        Ok((field, r.value(&schema.fields[usize::from(field)].ty.kind())?))
    })?;
    let events = list(r, |r| {
        r.array_of(3, "an event")?;
        let event = index_of(r, &schema.events, |e| e.number, "the number of an event")?;
        let params = &schema.events[usize::from(event)].params;
        let args = values(r, params.iter().map(|param| param.ty.kind()))?;
        Ok(Said { event, args, withheld: r.bool()? })
    })?;
    let predictions = list(r, |r| decode_foretold(model, r))?;
    let trust = decode_trust(r)?;
    Ok(Entry {
        sequence,
        now,
        observed,
        ignored,
        cause,
        inputs,
        outcomes,
        changes,
        events,
        predictions,
        trust,
    })
}

fn decode_cause(model: &Model, r: &mut Reader, kind: u64, now: i64) -> Result<Cause, Malformed> {
    let schema = &model.schema;
    match kind {
        kind::BIRTH => {
            r.array_of(6, "the cause of a birth")?;
            let (class, creator, bind) = (r.bytes32()?, r.bytes32()?, decode_bind(r)?);
            let roles = list(r, |r| r.bytes32())?;
            if roles.len() != schema.roles.len() {
                return Err(r.wrong("one key for each role"));
            }
            Ok(Cause::Birth { class, creator, bind, roles })
        }
        kind::TICK if r.null() => Ok(Cause::Tick(None)),
        kind::TICK => {
            r.array_of(2, "the cause of a tick")?;
            let wrong_time = r.wrong("a time");
            let due = now.checked_sub(r.int()?).ok_or(wrong_time)?;
            Ok(Cause::Tick(Some(Tick { due, missed: r.uint()? })))
        }
        kind::MESSAGE => {
            r.array_of(3, "the cause of a message")?;
            let kind = index_of(r, &schema.messages, |m| m.number, "the number of a message")?;
            let params = &schema.messages[usize::from(kind)].params;
            let params = values(r, params.iter().map(|param| param.ty.kind()))?;
            if r.null() {
                return Ok(Cause::Message { kind, params, envelope: None });
            }
            r.array_of(5, "an envelope")?;
            let envelope = Envelope {
                role: index_of(r, &schema.roles, |role| role.number, "the number of a role")?,
                epoch: r.u32()?,
                counter: r.uint()?,
                not_after: r.int()?,
                signature: r.array_bytes("64 bytes")?,
                verified: true,
            };
            Ok(Cause::Message { kind, params, envelope: Some(envelope) })
        }
        kind::BIND => {
            r.array_of(3, "the cause of a bind")?;
            Ok(Cause::Bind(decode_bind(r)?))
        }
        _ => Err(r.wrong("a known kind of entry")),
    }
}

fn decode_outcome(model: &Model, r: &mut Reader) -> Result<Outcome, Malformed> {
    r.array_of(3, "an outcome")?;
    let rule = if r.null() {
        None
    } else {
        Some(index_of(r, &model.policy.rules, |rule| rule.number, "the number of a rule")?)
    };
    let wrong = r.wrong("a known outcome");
    let verdict = r.uint()?;
    let reason = Reason(r.u16()?);
    let verdict = match (verdict, reason.0) {
        (1, _) => Verdict::Held(reason),
        (2, _) => Verdict::Refused(reason),
        (3, 0) => Verdict::Committed,
        _ => return Err(wrong),
    };
    Ok(Outcome { rule, verdict })
}

fn decode_foretold(model: &Model, r: &mut Reader) -> Result<Foretold, Malformed> {
    r.array_of(4, "a prediction")?;
    let wrong = r.wrong("a known prediction");
    let prediction = r.u16()?;
    let declared = model.policy.predictions.get(usize::from(prediction)).ok_or(wrong)?;
    let wrong = r.wrong("a known settlement");
    let settled = usize::try_from(r.uint()?).ok().and_then(|number| Settled::ALL.get(number));
    let settled = *settled.ok_or(wrong)?;
    let made = if r.null() {
        None
    } else {
        r.array_of(2, "a new prediction")?;
        Some((r.bool()?, values(r, declared.captures.iter().map(|ty| ty.kind()))?))
    };
    Ok(Foretold { prediction, settled, made, dropped: r.u16()? })
}

fn decode_trust(r: &mut Reader) -> Result<Option<TrustChange>, Malformed> {
    if r.null() {
        return Ok(None);
    }
    r.array_of(3, "a change of trust")?;
    let (x, recovering) = (r.int()?, r.bool()?);
    let positives = list(r, |r| {
        r.array_of(2, "a positive")?;
        Ok((r.u32()?, r.u32()?))
    })?;
    Ok(Some(TrustChange { x, recovering, positives }))
}
