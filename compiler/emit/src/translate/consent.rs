//! Consent: the twin of `step::consent`. A request that enough people consent to is put where a
//! message stands in the offer, so that its rules find it as they would have found the message.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Stm, Var, at, load32, load64};
use crate::memory::{cell, size};
use crate::translate::entry::kind;
use crate::translate::expr::refusal;
use crate::translate::message::{claimed_at, elect, end, part, sender, sender_key};
use crate::translate::out::Out;
use crate::translate::outcome::{COMMITTED, REASON, WAITS, decline, note_rule};
use crate::translate::rule::{held, tick_cells};
use crate::translate::schedule::{deadline_of_all, indices, mode};
use crate::translate::scope::{self, now};
use crate::translate::step::{logical_time, offer_waiting};
use crate::unit::Routine;
use aqo_model::form::Form;
use aqo_model::layout::{RequestSlot, offer::message as given, request, role, state};
use aqo_model::offer::NO_ROLE;
use aqo_model::policy::{Quorum, Reason};
use aqo_model::types::NEVER;

/// Bytes of a role's index and of a key, which stand side by side in a request and in an offer.
const SENDER: u32 = 34;

fn quorum<'m>(code: &Code<'_, 'm>, rule: u16) -> &'m Quorum {
    let quorum = code.unit.model.policy.rules[usize::from(rule)].quorum.as_ref();
    quorum.expect("only rules that need consent have a request")
}

/// The address of a request's record, and how many bytes it takes with its votes.
fn record(code: &Code<'_, '_>, slot: &RequestSlot) -> (u32, u32) {
    let bytes = slot.votes + 2 + 32 * slot.most - slot.record;
    (code.unit.map.image + size(slot.record), size(bytes))
}

/// Requests that nobody will answer any more.
pub(crate) fn lapse(code: &mut Code<'_, '_>) {
    for (index, slot) in indices(code.unit.layout.requests.len()).zip(&code.unit.layout.requests) {
        let (record, bytes) = record(code, slot);
        let past = load64(0, record + size(request::DEADLINE)).lt_s(now());
        let open = load32(1, 0, record + size(request::OPEN));
        code.when(open & past, |code| {
            code.zero(at(record), bytes);
            code.store(1, 0, code.unit.map.lapsed + u32::from(index), 1);
        });
    }
}

/// `()`: a consent, or none.
pub(crate) fn consent(code: &mut Code<'_, '_>) {
    let roles = code.unit.model.schema.roles.len();
    let number = code.bind(load32(2, 0, part(code, given::KIND)));
    let by = load32(2, 0, part(code, given::ROLE));
    let verified = load32(1, 0, part(code, given::VERIFIED));
    let proper = by.lt_u(roles as i32) & verified.lt_u(2);
    code.when(proper, |code| {
        for (index, slot) in
            indices(code.unit.layout.requests.len()).zip(&code.unit.layout.requests)
        {
            code.when(number.get().eq(i32::from(slot.rule)), |code| {
                hear(code, index, slot);
                code.leave();
            });
        }
    });
    decline(code, Exp::I32(Reason::MALFORMED.0.into()));
}

/// Declines what anybody could have sent again; counts what is new.
fn hear(code: &mut Code<'_, '_>, index: u16, slot: &RequestSlot) {
    let decline_if = |code: &mut Code<'_, '_>, reason: Reason, cond: Exp| {
        code.when(cond, |code| decline(code, Exp::I32(reason.0.into())));
    };
    if code.unit.model.policy.ends.is_some() {
        let ended = mode(code, state::ENDED);
        decline_if(code, Reason::ENDED, ended);
    }
    let now = logical_time(code);
    let deadline = deadline_of_all(code);
    decline_if(code, Reason::DUE_FIRST, deadline.le_s(now.clone()));
    let (record, _) = record(code, slot);
    let open = load32(1, 0, record + size(request::OPEN));
    decline_if(code, Reason::NO_REQUEST, open.eqz());
    decline_if(code, Reason::EVIDENCE, load32(1, 0, part(code, given::VERIFIED)).eqz());
    let by = code.bind(load32(2, 0, part(code, given::ROLE)));
    let holder = sender(code);
    let holder = code.bind(holder);
    let key = at(sender_key(code));
    let known = code.call(Routine::FindKey, [holder.get(), key.clone()]);
    let epoch = load32(4, 0, part(code, given::EPOCH)).eq(load32(4, holder, size(role::EPOCH)));
    let counts = quorum(code, slot.rule).roles.iter().map(|role| by.get().eq(i32::from(*role)));
    let counts = counts.reduce(|a, b| a | b).unwrap_or(Exp::I32(0));
    let holds = (known.ne(0) & epoch) & counts;
    decline_if(code, Reason::ROLE, holds.eqz());
    let until = load64(0, part(code, given::NOT_AFTER));
    let other = until.ne(load64(0, record + size(request::DEADLINE)));
    decline_if(code, Reason::NO_REQUEST, other);
    let votes = code.unit.map.image + size(slot.votes);
    let rounds = Rounds::votes(size(slot.most));
    code.each(rounds, load32(2, 0, votes), |code, k| {
        let vote = (k << 5) + (votes + 2).cast_signed();
        let same = code.call(Routine::SameBytes32, [vote, key.clone()]);
        decline_if(code, Reason::TWICE, same);
    });
    code.run(Routine::Begin, [now]);
    offer_waiting(code);
    code.run(Routine::Count(index), []);
}

/// `()`: one more consents to the request with this index; where that is enough, the rule gets its
/// way or is refused for good.
pub(crate) fn count(code: &mut Code<'_, '_>, index: u16) {
    let layout = code.unit.layout;
    let slot = &layout.requests[usize::from(index)];
    let start = code.call(Routine::Head, [Exp::I32(kind::CONSENT)]);
    let next = code.bind(start);
    let number = code.unit.model.policy.rules[usize::from(slot.rule)].number;
    let mut out = Out::new(next);
    out.array(2);
    out.uint(number);
    let place = out.place(code);
    out.moved(code, Routine::PutEnvelope, [place]);
    out.end(code);
    let votes = code.unit.map.image + size(slot.votes);
    let count = code.bind(load32(2, 0, votes));
    let key = at(sender_key(code));
    code.copy((count << 5) + (votes + 2).cast_signed(), key, 32);
    code.store(2, 0, votes, count + 1);
    let met = code.call(Routine::IsMet(slot.rule), [at(votes)]);
    code.when(met.eqz(), |code| {
        end(code, next, Exp::I32(Reason::WAITS.0.into()));
        code.leave();
    });
    fire(code, slot, next);
    code.leave();
}

/// The request takes the place of the message in the offer, and is judged as one.
fn fire(code: &mut Code<'_, '_>, slot: &RequestSlot, next: Var) {
    let (model, layout, map) = (code.unit.model, code.unit.layout, code.unit.map.clone());
    let (record, bytes) = record(code, slot);
    code.copy(at(part(code, given::ROLE)), at(record + size(request::ROLE)), SENDER);
    let params: usize = slot.params.iter().map(|slot| slot.form.size()).sum();
    if params > 0 {
        let to = at(part(code, given::PARAMS));
        code.copy(to, at(record + size(request::PARAMS)), size(params));
    }
    code.zero(at(record), bytes);
    code.store(4, 0, cell::MET, i32::from(slot.rule) + 1);
    let signed = code.bind(load32(2, 0, part(code, given::ROLE)).ne(i32::from(NO_ROLE)));
    let rule = slot.rule;
    if let Some(kind) = model.policy.rules[usize::from(rule)].on.message() {
        let params = claimed_at(code, kind, next);
        let untaken = |_: &mut Code<'_, '_>| Exp::I32(refusal(Reason::NO_RULE.0));
        elect(code, kind, params, next, untaken, |code, verdict, turned_away| {
            // Nobody signed what anyone may send: there is no role to look into.
            let open = model.is_open(&model.schema.messages[usize::from(kind)]);
            let member = if open { Exp::I32(0) } else { signed.get() };
            code.when(member, |code| {
                let holder = sender(code);
                let key = at(sender_key(code));
                let known = code.call(Routine::FindKey, [holder, key]);
                code.when(known.eqz(), |code| {
                    code.set(verdict, refusal(Reason::ROLE.0));
                    code.stop(turned_away);
                });
            });
        });
        return;
    }
    // No tick is at hand: it is due now.
    let (due, missed) = tick_cells(&map, model.policy.rules[usize::from(rule)].on);
    code.store(8, 0, due, now());
    code.store(8, 0, missed, 0i64);
    let verdict = code.call(Routine::Rule(rule), []);
    let verdict = code.bind(verdict);
    // What it would be held for refuses who consented.
    let held = verdict.get().shr_u(14).eq(1);
    code.set(verdict, (verdict ^ COMMITTED).select(verdict, held));
    let none = refusal(Reason::NO_RULE.0);
    code.set(verdict, verdict.get().select(none, verdict));
    // The image keeps what became of it, as of any tick.
    if let Some((_, kept)) = layout.outcomes.iter().find(|(index, _)| *index == rule) {
        let last = Exp::I32(0).select(verdict, verdict.get().eq(COMMITTED));
        code.store(2, 0, map.image + size(*kept), last);
    }
    note_rule(code, rule, verdict.get());
    end(code, next, verdict & REASON);
}

/// `() -> verdict`: the rule with this index asks for consent; 0 where it has enough.
pub(crate) fn ask(code: &mut Code<'_, '_>, rule: u16) {
    let (model, layout) = (code.unit.model, code.unit.layout);
    let quorum = quorum(code, rule);
    let slot = layout.requests.iter().find(|slot| slot.rule == rule);
    let slot = slot.expect("a rule that needs consent has a place for its request");
    let (record, _) = record(code, slot);
    let kind = model.policy.rules[usize::from(rule)].on.message();
    let from = kind.map_or(&[][..], |kind| &model.schema.messages[usize::from(kind)].from);
    let by = load32(2, 0, part(code, given::ROLE));
    let counts = quorum.roles.iter().filter(|role| from.contains(role));
    let counts = counts.map(|role| by.clone().eq(i32::from(*role)));
    let counts = counts.reduce(|a, b| a | b);
    let key = sender_key(code);
    if let Some(counts) = &counts {
        // Whoever proposes consents, if that counts.
        let form = Form::List(Box::new(Form::Bytes32), 1);
        let alone = code.unit.room(&form);
        code.store(2, 0, alone, counts.clone());
        code.copy(at(alone + 2), at(key), 32);
        let met = code.call(Routine::IsMet(rule), [at(alone)]);
        code.when(met, |code| code.ret(0));
    }
    let busy = if kind.is_some() { Reason::BUSY } else { Reason::WAITS };
    let busy = held(model.policy.rules[usize::from(rule)].on, busy);
    code.when(load32(1, 0, record + size(request::OPEN)), |code| code.ret(busy));
    code.store(1, 0, record + size(request::OPEN), 1);
    if kind.is_some() && !from.is_empty() {
        let by = part(code, given::ROLE);
        code.copy(at(record + size(request::ROLE)), at(by), SENDER);
    } else {
        code.store(2, 0, record + size(request::ROLE), i32::from(NO_ROLE));
    }
    let end = code.bind(now() + quorum.within);
    let end = end.get().select(NEVER, end.get().lt_s(NEVER));
    code.store(8, 0, record + size(request::DEADLINE), end);
    let params: usize = slot.params.iter().map(|slot| slot.form.size()).sum();
    if params > 0 {
        let from = at(part(code, given::PARAMS));
        code.copy(at(record + size(request::PARAMS)), from, size(params));
    }
    if let Some(counts) = counts {
        let votes = code.unit.map.image + size(slot.votes);
        code.when(counts, |code| {
            code.store(2, 0, votes, 1);
            code.copy(at(votes + 2), at(key), 32);
        });
    }
    code.ret(WAITS);
}

/// `(votes) -> truth`: whether enough of these keys still hold a role that counts.
pub(crate) fn is_met(code: &mut Code<'_, '_>, rule: u16) {
    let [votes] = code.params();
    let quorum = quorum(code, rule);
    let held = code.bind(0);
    let slot = code.unit.layout.requests.iter().find(|slot| slot.rule == rule);
    let most = slot.map_or(0, |slot| slot.most).max(1);
    let rounds = Rounds::votes(size(most));
    code.each(rounds, load32(2, votes, 0), |code, k| {
        let vote = code.bind((votes + 2) + (k << 5));
        let found = code.bind(0);
        for role in &quorum.roles {
            let record = at(scope::role(code, *role));
            let known = code.call(Routine::FindKey, [record, vote.get()]);
            code.set(found, found | known);
        }
        code.set(held, held + found.get().ne(0));
    });
    code.ret(Exp::I32(i32::from(quorum.count)).le_u(held));
}

/// `(operation, key)`: binds the role with this index anew: what was signed before is void.
pub(crate) fn bind_role(code: &mut Code<'_, '_>, index: u16) {
    let [operation, key] = code.params();
    let record = scope::role(code, index);
    let count_at = record + size(role::COUNT);
    let keys = record + size(role::KEYS);
    let stride = size(role::STRIDE);
    let epoch = record + size(role::EPOCH);
    let before = code.bind(load32(4, 0, epoch));
    let last = before.get().eq(-1);
    code.store(4, 0, epoch, before + last.eqz());
    if code.unit.model.schema.roles[usize::from(index)].max.is_none() {
        code.copy(at(keys), key, 32);
        code.zero(at(keys + 32), stride - 32);
        return code.leave();
    }
    let known = code.call(Routine::FindKey, [at(record), key.get()]);
    let known = code.bind(known);
    let most = size(code.unit.model.schema.roles[usize::from(index)].size());
    let count = code.bind(load32(2, 0, count_at));
    let end = code.bind(count * stride.cast_signed() + keys.cast_signed());
    code.either(
        operation.get().eq(1),
        |code| {
            code.when(known, |code| code.leave());
            // Behind every key that is less.
            let place = code.bind(at(keys));
            code.block(|code, done| {
                code.each(Rounds::keys(most), count, |code, _| {
                    let order =
                        code.call(Routine::OrderBytes, [place.get(), key.get(), Exp::I32(32)]);
                    code.stop_if(done, Exp::I32(0).lt_s(order));
                    code.set(place, place + stride.cast_signed());
                });
            });
            let behind = (end - place).at_most(most * stride);
            code.push(Stm::Copy(place + stride.cast_signed(), place.get(), behind));
            code.copy(place, key, 32);
            code.zero(place + 32, stride - 32);
            code.store(2, 0, count_at, count + 1);
        },
        |code| {
            code.when(known, |code| {
                let after = code.bind(known + stride.cast_signed());
                let behind = (end - after).at_most(most * stride);
                code.push(Stm::Copy(known.get(), after.get(), behind));
                code.zero(end - stride.cast_signed(), stride);
                code.store(2, 0, count_at, count - 1);
            });
        },
    );
    code.leave();
}
