//! The bytes of a body back to its entry: canonical CBOR of the one form that encoding gives, with
//! names that exist in the Model and values of the declared kinds.

use super::{
    Cause, Change, ELEMENTS, Entry, Foretold, Mode, Outcome, Read, Said, Settled, Tick,
    TrustChange, Verdict, kind,
};
use crate::cbor::{Malformed, Reader};
use crate::edit;
use crate::expr::{Edit, Step};
use crate::model::Model;
use crate::offer::{Bind, Consent, Envelope, Fork, View, Word};
use crate::policy::{Reason, Rule};
use crate::types::{Type, Types};
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

/// The index of the rule with a stable number: rules stand in order of election, not of numbers.
fn rule_of(r: &mut Reader, rules: &[Rule]) -> Result<u16, Malformed> {
    let wrong = r.wrong("the number of a rule");
    let found = r.u16()?;
    let index = rules.iter().position(|rule| rule.number == found).ok_or(wrong)?;
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
    declared: impl ExactSizeIterator<Item = &'t Type> + 't,
    types: &Types,
) -> Result<Vec<Value>, Malformed> {
    r.array_of(declared.len(), "one value for each declared one")?;
    declared.map(|ty| r.value(ty, types)).collect()
}

fn decode_body(model: &Model, r: &mut Reader) -> Result<Entry, Malformed> {
    r.array_of(ELEMENTS, "an entry of 13 elements")?;
    let kind = r.uint()?;
    let sequence = r.uint()?;
    let now = r.int()?;
    let wrong_time = r.wrong("a time");
    let observed = r.int()?.checked_add(now).ok_or(wrong_time)?;
    let ignored = r.u32()?;
    let cause = decode_cause(model, r, kind, now)?;
    let schema = &model.schema;
    let inputs = list(r, |r| decode_read(model, r, now))?;
    let outcomes = list(r, |r| decode_outcome(model, r))?;
    let changes = list(r, |r| decode_change(model, r))?;
    let events = list(r, |r| {
        r.array_of(3, "an event")?;
        let event = index_of(r, &schema.events, |e| e.number, "the number of an event")?;
        let params = &schema.events[usize::from(event)].params;
        let args = values(r, params.iter().map(|param| &param.ty), &schema.types)?;
        Ok(Said { event, args, withheld: r.bool()? })
    })?;
    let predictions = list(r, |r| decode_foretold(model, r))?;
    let trust = decode_trust(r)?;
    let (lapsed, bound, mode) = decode_rest(model, r)?;
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
        lapsed,
        bound,
        mode,
    })
}

fn decode_read(model: &Model, r: &mut Reader, now: i64) -> Result<Read, Malformed> {
    let (schema, wrong) = (&model.schema, r.wrong("an input"));
    let len = r.array()?;
    let input = index_of(r, &schema.inputs, |i| i.number, "the number of an input")?;
    let declared = &schema.inputs[usize::from(input)];
    let value = if r.null() { None } else { Some(r.value(&declared.ty, &schema.types)?) };
    let is_signed = value.is_some() && declared.from.is_some();
    if len != 3 + usize::from(is_signed) {
        return Err(wrong);
    }
    let wrong_time = r.wrong("a time");
    let at = now.checked_sub(r.int()?).ok_or(wrong_time)?;
    let word = if is_signed { Some(decode_word(r)?) } else { None };
    Ok(Read { input, view: value.map(|value| View { value, at, word }) })
}

fn decode_word(r: &mut Reader) -> Result<Word, Malformed> {
    r.array_of(3, "whose word a reading is")?;
    Ok(Word {
        key: r.bytes32()?,
        epoch: r.u32()?,
        signature: r.array_bytes("64 bytes")?,
        verified: true,
    })
}

/// Lapsed requests, roles bound anew, a change of mode.
type Rest = (Vec<u16>, Vec<(u16, Edit<Value>)>, Option<Mode>);

fn decode_rest(model: &Model, r: &mut Reader) -> Result<Rest, Malformed> {
    if r.null() {
        return Ok((Vec::new(), Vec::new(), None));
    }
    let (wrong, rules) = (r.wrong("what else happened"), &model.policy.rules);
    r.array_of(3, "what else happened")?;
    let lapsed = list(r, |r| rule_of(r, rules))?;
    let bound = list(r, |r| {
        r.array_of(3, "a role bound anew")?;
        let role = index_of(r, &model.schema.roles, |r| r.number, "the number of a role")?;
        let wrong = r.wrong("a known change");
        let op = r.uint()?;
        let key = Value::Bytes32(r.bytes32()?);
        let edit = match (op, model.schema.roles[usize::from(role)].max) {
            (0, None) => Edit::Put(key),
            (1, Some(_)) => Edit::Add(key),
            (2, Some(_)) => Edit::Remove(key),
            _ => return Err(wrong),
        };
        Ok((role, edit))
    })?;
    let mode = if r.null() {
        None
    } else {
        let wrong = r.wrong("a known mode");
        let number = usize::try_from(r.uint()?).map_err(|_| wrong)?;
        Some(*Mode::ALL.get(number).ok_or(wrong)?)
    };
    if lapsed.is_empty() && bound.is_empty() && mode.is_none() {
        return Err(wrong);
    }
    Ok((lapsed, bound, mode))
}

fn decode_cause(model: &Model, r: &mut Reader, kind: u64, now: i64) -> Result<Cause, Malformed> {
    let schema = &model.schema;
    match kind {
        kind::BIRTH => {
            r.array_of(6, "the cause of a birth")?;
            let (class, creator, bind) = (r.bytes32()?, r.bytes32()?, decode_bind(r)?);
            let roles = list(r, |r| list(r, |r| r.bytes32()))?;
            let fit = roles.iter().zip(&schema.roles).all(|(keys, role)| match role.max {
                None => keys.len() == 1,
                Some(max) => keys.len() <= usize::from(max),
            });
            if roles.len() != schema.roles.len() || !fit {
                return Err(r.wrong("the keys of each role"));
            }
            Ok(Cause::Birth { class, creator, bind, roles })
        }
        kind::TICK => {
            let wrong = r.wrong("cycles in order");
            let ticks = list(r, |r| {
                r.array_of(3, "a tick")?;
                let wrong = r.wrong("a known cycle");
                let cycle = r.u16()?;
                if usize::from(cycle) >= schema.cycles.len() {
                    return Err(wrong);
                }
                let wrong_time = r.wrong("a time");
                let due = now.checked_sub(r.int()?).ok_or(wrong_time)?;
                Ok(Tick { cycle, due, missed: r.uint()? })
            })?;
            let sorted = ticks.is_sorted_by(|a, b| a.cycle < b.cycle);
            if sorted { Ok(Cause::Tick(ticks)) } else { Err(wrong) }
        }
        kind::MESSAGE => {
            r.array_of(3, "the cause of a message")?;
            let kind = index_of(r, &schema.messages, |m| m.number, "the number of a message")?;
            let params = &schema.messages[usize::from(kind)].params;
            let params = values(r, params.iter().map(|param| &param.ty), &schema.types)?;
            if r.null() {
                return Ok(Cause::Message { kind, params, envelope: None });
            }
            let envelope = Some(decode_envelope(model, r)?);
            Ok(Cause::Message { kind, params, envelope })
        }
        kind::CONSENT => {
            r.array_of(2, "the cause of a consent")?;
            let wrong = r.wrong("a rule that needs consent");
            let rules = &model.policy.rules;
            let rule = rule_of(r, rules)?;
            if rules[usize::from(rule)].quorum.is_none() {
                return Err(wrong);
            }
            Ok(Cause::Consent(Consent { rule, by: decode_envelope(model, r)? }))
        }
        kind::BIND => {
            r.array_of(3, "the cause of a bind")?;
            Ok(Cause::Bind(decode_bind(r)?))
        }
        kind::FORK => {
            r.array_of(3, "the cause of a fork")?;
            let (at, ours, theirs) = (r.uint()?, r.bytes32()?, r.bytes32()?);
            Ok(Cause::Fork(Fork { at, ours, theirs, verified: true }))
        }
        _ => Err(r.wrong("a known kind of entry")),
    }
}

fn decode_envelope(model: &Model, r: &mut Reader) -> Result<Envelope, Malformed> {
    r.array_of(6, "an envelope")?;
    Ok(Envelope {
        role: index_of(r, &model.schema.roles, |role| role.number, "the number of a role")?,
        key: r.bytes32()?,
        epoch: r.u32()?,
        counter: r.uint()?,
        not_after: r.int()?,
        signature: r.array_bytes("64 bytes")?,
        verified: true,
    })
}

fn decode_change(model: &Model, r: &mut Reader) -> Result<Change, Malformed> {
    let (schema, types) = (&model.schema, &model.schema.types);
    let wrong = r.wrong("a change");
    let len = r.array()?;
    let field = index_of(r, &schema.fields, |f| f.number, "the number of a field")?;
    let declared = &schema.fields[usize::from(field)];
    let mut ty = &declared.ty;
    let attested = declared.attested.is_some();
    let word = |r: &mut Reader| if attested { r.bool() } else { Ok(false) };
    let len = len.saturating_sub(usize::from(attested));
    if len == 2 {
        let whole = Change::whole(field, r.value(ty, types)?);
        return Ok(Change { signed: word(r)?, ..whole });
    }
    if len != 4 {
        return Err(wrong);
    }
    let mut path = Vec::new();
    for _ in 0..r.array()? {
        let wrong = r.wrong("a step to a part");
        if let Type::Record(index) = ty {
            let part = types.part_numbers(*index).index_of(r.u16()?);
            let part = part.ok_or(wrong)?;
            path.push(Step::Part(part));
            ty = &types.parts(*index).get(usize::from(part)).ok_or(wrong)?.ty;
        } else {
            let (key, held) = edit::inside(ty).ok_or(wrong)?;
            path.push(Step::At(r.value(&key, types)?));
            ty = held;
        }
    }
    let wrong = r.wrong("a known change");
    let op = r.uint()?;
    let edit = match (op, ty.items()) {
        (0, _) => Edit::Put(r.value(ty, types)?),
        (1, Some((item, _))) => Edit::Add(r.value(item, types)?),
        (2, Some((item, _))) => Edit::Remove(r.value(item, types)?),
        _ => return Err(wrong),
    };
    Ok(Change { field, path, edit, signed: word(r)? })
}

fn decode_outcome(model: &Model, r: &mut Reader) -> Result<Outcome, Malformed> {
    let wrong = r.wrong("an outcome");
    let len = r.array()?;
    let rule = if r.null() { None } else { Some(rule_of(r, &model.policy.rules)?) };
    let unknown = r.wrong("a known outcome");
    let verdict = r.uint()?;
    let reason = Reason(r.u16()?);
    let verdict = match (verdict, reason.0) {
        (1, _) => Verdict::Held(reason),
        (2, _) => Verdict::Refused(reason),
        (3, 0) => Verdict::Committed,
        (4, 0) => Verdict::Waits,
        _ => return Err(unknown),
    };
    let sums = rule.map_or(0, |rule| model.policy.sums_of(rule).count());
    let wanted = if verdict == Verdict::Committed { sums } else { 0 };
    let amounts = match len {
        3 if wanted == 0 => Vec::new(),
        4 if wanted > 0 => list(r, |r| r.int())?,
        5 => list(r, |r| r.int())?,
        _ => return Err(wrong),
    };
    let of = if len == 5 { Some(r.uint()?) } else { None };
    if amounts.len() == wanted { Ok(Outcome { rule, verdict, amounts, of }) } else { Err(wrong) }
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
        Some((r.bool()?, values(r, declared.captures.iter(), &model.schema.types)?))
    };
    Ok(Foretold { prediction, settled, made, dropped: r.u16()? })
}

fn decode_trust(r: &mut Reader) -> Result<Option<TrustChange>, Malformed> {
    if r.null() {
        return Ok(None);
    }
    let wrong = r.wrong("a change of trust");
    let parts = r.array()?;
    if !(3..=4).contains(&parts) {
        return Err(wrong);
    }
    let (x, recovering) = (r.int()?, r.bool()?);
    let positives = list(r, |r| {
        r.array_of(2, "a positive")?;
        Ok((r.u32()?, r.u32()?))
    })?;
    let wrong = r.wrong("a sum of 32 bits");
    let sum = if parts == 4 { Some(i32::try_from(r.int()?).map_err(|_| wrong)?) } else { None };
    Ok(Some(TrustChange { x, recovering, positives, sum }))
}
