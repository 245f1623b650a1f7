//! A fork: the twin of `step::fork`.

use crate::code::Code;
use crate::ir::{Exp, Ty, at, load32, load64};
use crate::memory::{cell, size};
use crate::translate::entry::{DORMANT, changes_mode, kind};
use crate::translate::message::{end, part};
use crate::translate::out::Out;
use crate::translate::outcome::decline;
use crate::translate::schedule::{has_deadlines, mode, overdue};
use crate::translate::step::{logical_time, offer_waiting};
use crate::unit::Routine;
use aqo_model::layout::{offer::fork as given, state, tail};
use aqo_model::policy::Reason;

/// `()`: answers a fork, or declines it without a trace.
pub(crate) fn fork(code: &mut Code<'_, '_>) {
    let forked = code.unit.map.image + size(state::FORKED);
    let sequence = code.unit.map.image + size(code.unit.layout.state_size + tail::SEQUENCE);
    let number = code.bind(load64(0, part(code, given::AT)));
    let verified = load32(1, 0, part(code, given::VERIFIED));
    let [ours, theirs] = [given::OURS, given::THEIRS].map(|digest| at(part(code, digest)));
    let reply = code.var(Ty::I32);
    code.block(|code, declined| {
        let decline_if = |code: &mut Code<'_, '_>, reason: Reason, cond: Exp| {
            code.set(reply, i32::from(reason.0));
            code.stop_if(declined, cond);
        };
        let same = code.call(Routine::SameBytes32, [ours.clone(), theirs.clone()]);
        // Neither the birth nor what is not there yet has a twin.
        let absent = (load64(0, sequence) - 1i64).le_u(number - 1i64);
        decline_if(code, Reason::MALFORMED, (same | absent) | verified.clone().gt_u(1));
        if code.unit.model.policy.ends.is_some() {
            let ended = mode(code, state::ENDED);
            decline_if(code, Reason::ENDED, ended);
        }
        let now = logical_time(code);
        if let Some(overdue) = overdue(code, &now) {
            decline_if(code, Reason::DUE_FIRST, overdue);
        }
        decline_if(code, Reason::EVIDENCE, verified.eqz());
        decline_if(code, Reason::REPLAY, number.get().le_u(load64(0, forked)));
        code.run(Routine::Begin, [now]);
        code.store(8, 0, forked, number);
        if code.unit.layout.trust.is_some() {
            code.store(4, 0, cell::BROKEN, 1);
        }
        if has_deadlines(code) {
            code.run(Routine::SettleDeadlines, []);
        }
        offer_waiting(code);
        if !changes_mode(code) {
            // Nothing else changes it: where it rests, it was a fork that brought it there.
            let wakes = mode(code, state::RESTING).eqz();
            code.store(4, 0, cell::MODE, wakes * DORMANT);
        }
        let start = code.call(Routine::Head, [Exp::I32(kind::FORK)]);
        let next = code.bind(start);
        let mut out = Out::new(next);
        out.array(3);
        out.head(code, 0, number.get());
        out.from(code, Routine::PutBytes32, ours);
        out.from(code, Routine::PutBytes32, theirs);
        let next = out.end(code);
        end(code, next, Exp::I32(0));
        code.leave();
    });
    decline(code, reply.get());
}
