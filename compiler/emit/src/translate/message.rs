//! Phase 2: a message, from its bytes to its verdict. The twin of `step::hear` and `step::begin`.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Label, Stm, Ty, Var, load32, load64};
use crate::kernel::cbor;
use crate::memory::{cell, size, tick};
use crate::translate::entry::{ENDED, kind, run_mode};
use crate::translate::expr::refusal;
use crate::translate::foretell::{is_not_host, lose, observing, score_gain, score_loss, signer};
use crate::translate::out::Out;
use crate::translate::outcome::{COMMITTED, NO_RULE, REASON, WAITS, decline, note_rule};
use crate::translate::schedule::{has_deadlines, indices, mode, overdue};
use crate::translate::scope::{self, now};
use crate::translate::step::{logical_time, offer_waiting, run_tick_rules};
use crate::translate::value::{self, Val};
use crate::unit::Routine;
use aqo_model::form::Form;
use aqo_model::layout::{offer::message as at, outcome, role, state};
use aqo_model::limits;
use aqo_model::offer::NO_ROLE;
use aqo_model::policy::{Happening, Reason, Trigger};
use aqo_model::schema::{Message, Schedule};

/// Bytes of a signature.
const SIGNATURE: u32 = 64;

/// The address of a part of the message in the offer.
pub(crate) fn part(code: &Code<'_, '_>, offset: usize) -> u32 {
    code.unit.map.offer + size(code.unit.layout.payload + offset)
}

fn messages<'m>(code: &Code<'_, 'm>) -> &'m [Message] {
    &code.unit.model.schema.messages
}

/// `() -> truth`: a known kind, an envelope exactly where one is wanted, parameters of their forms.
pub(crate) fn valid(code: &mut Code<'_, '_>) {
    let roles = code.unit.model.schema.roles.len();
    let kinds = messages(code);
    let number = code.bind(load32(2, 0, part(code, at::KIND)));
    let sender = code.bind(load32(2, 0, part(code, at::ROLE)));
    let verified = load32(1, 0, part(code, at::VERIFIED));
    code.when(Exp::from(kinds.len() as i32).le_u(number), |code| code.ret(0));
    let proper = sender.get().lt_u(roles as i32) & verified.lt_u(2);
    let all_signed = kinds.iter().all(|message| !message.from.is_empty());
    let enveloped = code.bind(if all_signed { 1 } else { 0 });
    if all_signed {
        // No role stands for none, so this says that there is an envelope, too.
        code.when(proper.eqz(), |code| code.ret(0));
    } else {
        code.set(enveloped, sender.get().ne(i32::from(NO_ROLE)));
        code.when(enveloped & proper.eqz(), |code| code.ret(0));
    }
    let (layout, offer) = (code.unit.layout, code.unit.map.offer);
    for (index, message) in indices(kinds.len()).zip(kinds) {
        let slots = &layout.params[usize::from(index)];
        if all_signed && slots.iter().all(|slot| any_bytes(&slot.form)) {
            continue;
        }
        code.when(number.get().eq(i32::from(index)), |code| {
            if !all_signed {
                let wanted = i32::from(!message.from.is_empty());
                code.when(enveloped.get().ne(wanted), |code| code.ret(0));
            }
            for slot in slots {
                if let Some(valid) =
                    value::valid(code, &slot.form, Exp::I32(0), offer + size(slot.offset))
                {
                    code.when(valid.eqz(), |code| code.ret(0));
                }
            }
        });
    }
    code.ret(1);
}

/// `()`: hears a message, or declines it without a trace.
pub(crate) fn message(code: &mut Code<'_, '_>) {
    let has_deadlines = has_deadlines(code);
    let all_signed = messages(code).iter().all(|message| !message.from.is_empty());
    let none_signed = messages(code).iter().all(|message| message.from.is_empty());
    let reply = code.var(Ty::I32);
    code.block(|code, declined| {
        let mut decline_if = |code: &mut Code<'_, '_>, reason: Reason, cond: Exp| {
            code.set(reply, i32::from(reason.0));
            code.stop_if(declined, cond);
        };
        let valid = code.call(Routine::ValidMessage, []);
        decline_if(code, Reason::MALFORMED, valid.eqz());
        if code.unit.model.policy.ends.is_some() {
            let ended = mode(code, state::ENDED);
            decline_if(code, Reason::ENDED, ended);
        }
        let now = logical_time(code);
        if let Some(overdue) = overdue(code, &now) {
            decline_if(code, Reason::DUE_FIRST, overdue);
        }
        let enveloped = load32(2, 0, part(code, at::ROLE)).ne(i32::from(NO_ROLE));
        let known = code.var(Ty::I32);
        let proof = code.nested(|code| authenticate(code, &now, known, &mut decline_if));
        let burn = code.nested(|code| {
            let counter = load64(0, part(code, at::COUNTER));
            if let Some(open) = open_role(code) {
                let signs = is_of(code, open);
                code.when(signs, |code| {
                    let kept = code.call(Routine::Admit(open), []);
                    code.set(known, kept);
                });
            }
            code.run(Routine::Burn, [known.get(), counter]);
        });
        let where_signed = |code: &mut Code<'_, '_>, stms: Vec<Stm>| {
            if all_signed {
                stms.into_iter().for_each(|stm| code.push(stm));
            } else if !none_signed {
                code.push(Stm::If(enveloped.clone(), stms, Vec::new()));
            }
        };
        where_signed(code, proof);
        code.run(Routine::Begin, [now]);
        where_signed(code, burn);
        if has_deadlines {
            code.run(Routine::SettleDeadlines, []);
        }
        offer_waiting(code);
        hear_kind(code);
    });
    decline(code, reply.get());
}

/// Hears a message of one of the known kinds.
fn hear_kind(code: &mut Code<'_, '_>) {
    let number = code.bind(load32(2, 0, part(code, at::KIND)));
    let last = indices(messages(code).len()).last();
    for index in indices(messages(code).len()) {
        let hear = code.nested(|code| {
            code.run(Routine::Hear(index), []);
            code.leave();
        });
        if Some(index) == last {
            hear.into_iter().for_each(|stm| code.push(stm));
        } else {
            code.push(Stm::If(number.get().eq(i32::from(index)), hear, Vec::new()));
        }
    }
}

/// Whether all bytes are a value of this form.
fn any_bytes(form: &Form) -> bool {
    match form {
        Form::Number(_) | Form::Bytes32 => true,
        Form::Record(parts) => parts.iter().all(any_bytes),
        Form::Bool
        | Form::Enum(..)
        | Form::Union(_)
        | Form::Text(_)
        | Form::Bytes(_)
        | Form::Option(_)
        | Form::List(..)
        | Form::Set(..)
        | Form::Map(..) => false,
    }
}

/// The record of the role that sent the message.
pub(crate) fn sender(code: &mut Code<'_, '_>) -> Exp {
    let index = load32(2, 0, part(code, at::ROLE));
    let image = code.unit.map.image;
    let layout = code.unit.layout;
    if let [only] = &layout.roles[..] {
        return crate::ir::at(image + size(*only));
    }
    // Roles of as many keys stand at even distances.
    if let [first, second, ..] = layout.roles[..]
        && layout.roles.windows(2).all(|two| two[1] - two[0] == second - first)
    {
        return index * size(second - first).cast_signed() + (image + size(first)).cast_signed();
    }
    let table: Vec<u8> =
        layout.roles.iter().flat_map(|offset| (image + size(*offset)).to_le_bytes()).collect();
    let table = code.unit.constant(&table);
    load32(4, index << 2, table)
}

/// The record of the key that sent the message, in the role that it claims; 0 where it is none.
fn known_sender(code: &mut Code<'_, '_>) -> Exp {
    let record = sender(code);
    let key = crate::ir::at(sender_key(code));
    code.call(Routine::FindKey, [record, key])
}

/// Where the key of the sender stands.
pub(crate) fn sender_key(code: &Code<'_, '_>) -> u32 {
    part(code, at::KEY)
}

/// Declines a message that is not proved to be its role's word, now and for the first time. The record
/// of the sender's key is `known` from then on.
fn authenticate(
    code: &mut Code<'_, '_>,
    now: &Exp,
    known: Var,
    decline_if: &mut dyn FnMut(&mut Code<'_, '_>, Reason, Exp),
) {
    let verified = load32(1, 0, part(code, at::VERIFIED));
    decline_if(code, Reason::EVIDENCE, verified.eqz());
    if let Some(open) = open_role(code) {
        let signs = is_of(code, open);
        let anyone = code.nested(|code| authenticate_anyone(code, now, open, decline_if));
        let member = code.nested(|code| authenticate_member(code, now, known, decline_if));
        code.push(Stm::If(signs, anyone, member));
    } else {
        authenticate_member(code, now, known, decline_if);
    }
}

/// The role that any valid key has.
fn open_role(code: &Code<'_, '_>) -> Option<u16> {
    let roles = &code.unit.model.schema.roles;
    indices(roles.len()).zip(roles).find(|(_, role)| role.open).map(|(index, _)| index)
}

/// Whether the sender claims this role.
fn is_of(code: &Code<'_, '_>, role: u16) -> Exp {
    load32(2, 0, part(code, at::ROLE)).eq(i32::from(role))
}

/// Declines what a role that any valid key has may not say, now and for the first time.
fn authenticate_anyone(
    code: &mut Code<'_, '_>,
    now: &Exp,
    open: u16,
    decline_if: &mut dyn FnMut(&mut Code<'_, '_>, Reason, Exp),
) {
    let record = scope::role(code, open);
    let number = load32(2, 0, part(code, at::KIND));
    let kinds = messages(code);
    let may = indices(kinds.len()).zip(kinds).filter(|(_, kind)| kind.from.contains(&open));
    let may = may.map(|(index, _)| number.clone().eq(i32::from(index)));
    let may = may.reduce(|a, b| a | b).unwrap_or(Exp::I32(0));
    let other = load32(4, 0, part(code, at::EPOCH)).ne(load32(4, 0, record + size(role::EPOCH)));
    decline_if(code, Reason::ROLE, other | may.eqz());
    let end = code.bind(load64(0, part(code, at::NOT_AFTER)));
    let late = end.get().lt_s(now.clone()) | (now.clone() + limits::OPEN_NOT_AFTER).lt_s(end);
    decline_if(code, Reason::LATE, late);
    let counter = code.bind(load64(0, part(code, at::COUNTER)));
    decline_if(code, Reason::REPLAY, counter.get().ne(end));
    let known = known_sender(code);
    let known = code.bind(known);
    code.when(known, |code| {
        let fresh = code.call(Routine::IsFresh, [known.get(), counter.get()]);
        decline_if(code, Reason::REPLAY, fresh.eqz());
    });
    let live = code.bind(0);
    let keys = record + size(role::KEYS);
    let rounds = Rounds::keys(u32::from(limits::OPEN_KEYS));
    code.each(rounds, load32(2, 0, record + size(role::COUNT)), |code, k| {
        let until = load64(k * size(role::STRIDE).cast_signed(), keys + size(role::COUNTER));
        code.set(live, live + now.clone().le_s(until));
    });
    let full = Exp::I32(limits::OPEN_KEYS.into()).le_u(live) & known.get().eqz();
    decline_if(code, Reason::FULL, full);
}

/// `() -> address`: the record of the sender's key in the open role with this index, which forgets
/// those keys of which nothing is valid any more.
pub(crate) fn admit(code: &mut Code<'_, '_>, open: u16) {
    let record = scope::role(code, open);
    let (count_at, keys) = (record + size(role::COUNT), record + size(role::KEYS));
    let (stride, most) = (size(role::STRIDE), u32::from(limits::OPEN_KEYS));
    let count = load32(2, 0, count_at);
    let to = code.bind(crate::ir::at(keys));
    code.each(Rounds::keys(most), count, |code, k| {
        let from = code.bind(k * stride.cast_signed() + keys.cast_signed());
        let until = load64(from, size(role::COUNTER));
        code.when(scope::now().le_s(until), |code| {
            code.push(Stm::Copy(to.get(), from.get(), Exp::I32(stride.cast_signed())));
            code.set(to, to + stride.cast_signed());
        });
    });
    let end = keys + stride * most;
    let rest = (Exp::I32(end.cast_signed()) - to).at_most(stride * most);
    code.push(Stm::Fill(to.get(), Exp::I32(0), rest));
    let live = (to - keys.cast_signed()).div_u(stride.cast_signed());
    code.store(2, 0, count_at, live);
    let key = crate::ir::at(sender_key(code));
    let known = code.call(Routine::FindKey, [crate::ir::at(record), key.clone()]);
    let known = code.bind(known);
    code.when(known, |code| code.ret(known));
    // Behind every key that is less.
    let place = code.bind(crate::ir::at(keys));
    code.block(|code, done| {
        code.each(Rounds::keys(most), load32(2, 0, count_at), |code, _| {
            let args = [place.get(), key.clone(), Exp::I32(32)];
            let order = code.call(Routine::OrderBytes, args);
            code.stop_if(done, Exp::I32(0).lt_s(order));
            code.set(place, place + stride.cast_signed());
        });
    });
    let behind = (to - place).at_most(stride * most);
    code.push(Stm::Copy(place + stride.cast_signed(), place.get(), behind));
    code.copy(place, key, 32);
    code.zero(place + 32, stride - 32);
    code.store(2, 0, count_at, load32(2, 0, count_at) + 1);
    code.ret(place);
}

/// Declines a message of a role that is not proved to be its word, now and for the first time.
fn authenticate_member(
    code: &mut Code<'_, '_>,
    now: &Exp,
    known: Var,
    decline_if: &mut dyn FnMut(&mut Code<'_, '_>, Reason, Exp),
) {
    let record = sender(code);
    let record = code.bind(record);
    let epoch = load32(4, 0, part(code, at::EPOCH));
    let found = known_sender(code);
    code.set(known, found);
    let other = epoch.ne(load32(4, record, size(role::EPOCH))) | known.get().eqz();
    decline_if(code, Reason::ROLE, other);
    let end = code.bind(load64(0, part(code, at::NOT_AFTER)));
    let late = end.get().lt_s(now.clone()) | (now.clone() + limits::NOT_AFTER).lt_s(end);
    decline_if(code, Reason::LATE, late);
    let counter = load64(0, part(code, at::COUNTER));
    let fresh = code.call(Routine::IsFresh, [known.get(), counter]);
    decline_if(code, Reason::REPLAY, fresh.eqz());
}

/// `()`: a message of the kind with this index, which is authentic: it leaves an entry.
pub(crate) fn hear(code: &mut Code<'_, '_>, index: u16) {
    let start = code.call(Routine::Head, [Exp::I32(kind::MESSAGE)]);
    let next = code.bind(start);
    let params = put_cause(code, next, index);
    let queue = code.unit.layout.queues.iter().position(|slot| slot.kind == index);
    let untaken = |code: &mut Code<'_, '_>| match queue {
        Some(queue) => code.call(Routine::Enqueue(queue as u16), []),
        None => Exp::I32(refusal(Reason::NO_RULE.0)),
    };
    elect(code, index, params, next, untaken, |code, verdict, turned_away| {
        authorise(code, index, verdict, turned_away);
    });
    code.leave();
}

/// The first rule whose guard is true takes a message, unless it is turned away before; where none
/// is, it becomes what `untaken` says. Then the step ends. The body goes on at `next`.
pub(crate) fn elect(
    code: &mut Code<'_, '_>,
    index: u16,
    params: (Var, Var),
    next: Var,
    untaken: impl FnOnce(&mut Code<'_, '_>) -> Exp,
    allow: impl FnOnce(&mut Code<'_, '_>, Var, Label),
) {
    let message = &messages(code)[usize::from(index)];
    let verdict = code.var(Ty::I32);
    code.block(|code, decided| {
        code.block(|code, turned_away| {
            allow(code, verdict, turned_away);
            let rules = &code.unit.model.policy.rules;
            for (rule, declared) in indices(rules.len()).zip(rules) {
                if declared.on != Trigger::Message(index) {
                    continue;
                }
                let judged = code.call(Routine::Rule(rule), []);
                code.set(verdict, judged);
                let take = code.nested(|code| {
                    note_rule(code, rule, verdict.get());
                    if !message.from.is_empty() {
                        gain_by_rule(code, rule, verdict.get().eq(COMMITTED), params);
                    }
                    code.stop(decided);
                });
                if declared.when.is_none() {
                    // It always answers: nothing comes after it.
                    take.into_iter().for_each(|stm| code.push(stm));
                    return;
                }
                code.push(Stm::If(verdict.get(), take, Vec::new()));
            }
            let untaken = untaken(code);
            code.set(verdict, untaken);
        });
        code.run(Routine::Note, [Exp::I32(NO_RULE), verdict.get()]);
    });
    code.run(Routine::Heard, [next.get(), verdict.get()]);
}

/// `(next, verdict)`: what was made of a message; the body goes on at `next`.
pub(crate) fn heard(code: &mut Code<'_, '_>) {
    let [next, verdict] = code.params();
    lose_by_refusal(code, (verdict & REASON).ne(0));
    let cycles = &code.unit.model.schema.cycles;
    let also = cycles.iter().filter(|cycle| cycle.schedule == Schedule::OnMessage).count();
    if also > 0 {
        for (index, cycle) in indices(cycles.len()).zip(cycles) {
            let record = code.unit.map.ticks + tick::SIZE * u32::from(index);
            let due = if cycle.schedule == Schedule::OnMessage { now() } else { Exp::I64(-1) };
            code.store(8, 0, record + tick::DUE, due);
            code.store(8, 0, record + tick::MISSED, 0i64);
        }
        code.store(8, 0, cell::DUE, now());
        code.store(8, 0, cell::MISSED, also as i64 - 1);
        if code.unit.layout.requests.is_empty() {
            run_tick_rules(code);
        } else {
            // Consent is no message: no tick comes with it.
            code.when(load32(4, 0, cell::MET).eqz(), run_tick_rules);
        }
    }
    end(
        code,
        next,
        Exp::I32(Reason::WAITS.0.into()).select(verdict & REASON, verdict.get().eq(WAITS)),
    );
    code.leave();
}

/// Ends a step that leaves an entry, with what it replies.
pub(crate) fn end(code: &mut Code<'_, '_>, next: Var, reply: Exp) {
    if !code.unit.model.policy.predictions.is_empty() {
        code.run(Routine::Look, []);
    }
    run_mode(code);
    let reply = if code.unit.model.policy.ends.is_some() {
        let reply = code.bind(reply);
        // Nothing waits for what is over.
        let over = reply.get().eq(i32::from(Reason::WAITS.0)) & load32(4, 0, cell::MODE).eq(ENDED);
        Exp::I32(Reason::ENDED.0.into()).select(reply, over)
    } else {
        reply
    };
    code.run(Routine::Finish, [next.get()]);
    code.run(Routine::Close, [Exp::I32(1), reply]);
}

/// Writes the cause; gives where its parameters begin and end, which is what evidence claims.
fn put_cause(code: &mut Code<'_, '_>, next: Var, index: u16) -> (Var, Var) {
    let (map, layout) = (code.unit.map.clone(), code.unit.layout);
    let message = &messages(code)[usize::from(index)];
    let mut out = Out::new(next);
    out.array(3);
    out.uint(message.number);
    let from = out.place(code);
    let from = code.bind(from);
    out.array(message.params.len());
    for (slot, param) in layout.params[usize::from(index)].iter().zip(&message.params) {
        out.value(code, Val::of_slot(slot, map.offer), &param.ty);
    }
    let to = out.place(code);
    let to = code.bind(to);
    if message.from.is_empty() {
        out.bytes(&[cbor::NULL]);
    } else {
        let start = out.place(code);
        out.moved(code, Routine::PutEnvelope, [start]);
    }
    out.end(code);
    (from, to)
}

/// What evidence claims: the parameters of the message in the offer, written where the body begins,
/// and then over it.
pub(crate) fn claimed(code: &mut Code<'_, '_>, index: u16) -> (Var, Var) {
    let body = code.unit.map.outcome + size(outcome::BODY);
    let next = code.bind(crate::ir::at(body));
    claimed_at(code, index, next)
}

/// What evidence claims, written where the body will go on, and then over it.
pub(crate) fn claimed_at(code: &mut Code<'_, '_>, index: u16, next: Var) -> (Var, Var) {
    let (from, to) = (code.bind(next), code.bind(next));
    let mut out = Out::new(to);
    let (slots, offer) = (&code.unit.layout.params[usize::from(index)], code.unit.map.offer);
    out.array(slots.len());
    let params = &messages(code)[usize::from(index)].params;
    for (slot, param) in slots.iter().zip(params) {
        out.value(code, Val::of_slot(slot, offer), &param.ty);
    }
    out.end(code);
    (from, to)
}

/// `(to) -> end`: the envelope in a cause.
pub(crate) fn put_envelope(code: &mut Code<'_, '_>) {
    let [to] = code.params();
    let mut out = Out::new(to);
    out.array(6);
    let role = role_number(code);
    out.head(code, 0, role.extend());
    let key = crate::ir::at(sender_key(code));
    out.from(code, Routine::PutBytes32, key);
    out.head(code, 0, load32(4, 0, part(code, at::EPOCH)).extend());
    out.head(code, 0, load64(0, part(code, at::COUNTER)));
    out.int(code, load64(0, part(code, at::NOT_AFTER)));
    let signature = crate::ir::at(part(code, at::SIGNATURE));
    out.bytes(&cbor::head(cbor::BYTES, SIGNATURE));
    let to = out.place(code);
    let length = Exp::I32(SIGNATURE.cast_signed());
    code.push(Stm::Copy(to, signature, length));
    out.skip(SIGNATURE);
    let end = out.end(code);
    code.ret(end);
}

/// The stable number of the sender's role.
fn role_number(code: &mut Code<'_, '_>) -> Exp {
    let roles = &code.unit.model.schema.roles;
    let index = load32(2, 0, part(code, at::ROLE));
    if indices(roles.len()).zip(roles).all(|(index, role)| role.number == index) {
        return index;
    }
    let numbers: Vec<u8> = roles.iter().flat_map(|role| role.number.to_le_bytes()).collect();
    let table = code.unit.constant(&numbers);
    load32(2, index << 1, table)
}

/// Whether who speaks may say this, within its bounds.
fn authorise(code: &mut Code<'_, '_>, index: u16, verdict: Var, decided: Label) {
    let (model, layout) = (code.unit.model, code.unit.layout);
    let message = &messages(code)[usize::from(index)];
    let refuse_unless = |code: &mut Code<'_, '_>, holds: Exp, reason: Reason| {
        code.set(verdict, refusal(reason.0));
        code.stop_if(decided, holds.eqz());
    };
    if !message.from.is_empty() && message.from.len() < model.schema.roles.len() {
        let sender = code.bind(load32(2, 0, part(code, at::ROLE)));
        let any = message.from.iter().map(|role| sender.get().eq(i32::from(*role)));
        let any = any.reduce(|a, b| a | b).unwrap_or(Exp::I32(0));
        refuse_unless(code, any, Reason::ROLE);
    }
    for (param, slot) in message.params.iter().zip(&layout.params[usize::from(index)]) {
        let value = Val::of_slot(slot, code.unit.map.offer);
        if let Some(within) = value.within(&param.ty, code) {
            refuse_unless(code, within, Reason::RANGE);
        }
    }
}

/// Evidence by a rule that committed for a signed message.
pub(crate) fn gain_by_rule(
    code: &mut Code<'_, '_>,
    rule: u16,
    committed: Exp,
    (from, to): (Var, Var),
) {
    let amount = score_gain(code.unit.model, Happening::Rule(rule));
    if amount == 0 {
        return;
    }
    let number = code.unit.model.policy.rules[usize::from(rule)].number;
    let key = crate::ir::at(sender_key(code));
    let other = is_not_host(code, key.clone());
    let counts = committed & (other & observing(code).eqz());
    code.when(counts, |code| {
        let start = aqo_model::trust::claim(1, number, &[]).cast_signed();
        let claim = code.call(Routine::Claim, [Exp::I32(start), from.get(), to.get()]);
        code.run(Routine::Gain, [Exp::I64(amount), signer(key), claim]);
    });
}

/// A refusal may cost its sender's role trust.
pub(crate) fn lose_by_refusal(code: &mut Code<'_, '_>, refused: Exp) {
    for index in indices(code.unit.model.schema.roles.len()) {
        let amount = score_loss(code.unit.model, Happening::Refused(index));
        if amount > 0 {
            let by_him = load32(2, 0, part(code, at::ROLE)).eq(i32::from(index));
            code.when(refused.clone() & by_him, |code| lose(code, amount));
        }
    }
}
