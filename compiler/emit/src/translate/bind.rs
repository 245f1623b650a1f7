//! A host takes the object: the twin of `step::begin::bind`, and what birth shares with it.

use crate::code::Code;
use crate::ir::{Exp, Stm, at, load32, load64};
use crate::memory::size;
use crate::translate::entry::kind;
use crate::translate::foretell::observing;
use crate::translate::message;
use crate::translate::out::Out;
use crate::translate::outcome::decline;
use crate::translate::schedule::{grace, is_dormant, overdue, serve};
use crate::translate::step::{logical_time, react};
use crate::unit::Routine;
use aqo_model::layout::{offer::bind as record, state};
use aqo_model::policy::{Otherwise, Reason, Trigger};

/// Bytes of a nonce.
const NONCE: u32 = 16;

/// `()`: binds the object to a host.
pub(crate) fn bind(code: &mut Code<'_, '_>) {
    let now = logical_time(code);
    if let Some(overdue) = overdue(code, &now) {
        code.when(overdue, |code| decline(code, Exp::I32(Reason::DUE_FIRST.0.into())));
    }
    if observes(code) {
        let bound = load64(0, code.unit.map.image + size(state::BOUND));
        let soon = now.clone().lt_s(bound + grace(code.unit.model));
        let too_soon = observing(code) & soon;
        code.when(too_soon, |code| decline(code, Exp::I32(Reason::OBSERVING.0.into())));
    }
    if let Some(asleep) = is_dormant(code) {
        code.when(asleep, |code| serve(code, &now));
    }
    code.run(Routine::Begin, [now.clone()]);
    let start = code.call(Routine::Head, [Exp::I32(kind::BIND)]);
    let next = code.bind(start);
    let given = at(code.unit.map.offer + size(code.unit.layout.payload));
    let mut out = Out::new(next);
    out.array(3);
    out.from(code, Routine::PutBind, given.clone());
    let next = out.end(code);
    code.run(Routine::TakeBind, [given, now]);
    react(code, Trigger::Arrive);
    message::end(code, next, Exp::I32(0));
    code.leave();
}

/// Whether objects of this class ever only observe.
fn observes(code: &Code<'_, '_>) -> bool {
    let hosts = code.unit.model.policy.hosts.as_ref();
    hosts.is_some_and(|hosts| hosts.otherwise == Otherwise::Observe)
}

/// `(to, record) -> end`: host, nonce and capabilities in a cause.
pub(crate) fn put(code: &mut Code<'_, '_>) {
    let [to, given] = code.params();
    let mut out = Out::new(to);
    out.from(code, Routine::PutBytes32, given + size(record::HOST).cast_signed());
    out.byte_string(code, given + size(record::NONCE).cast_signed(), NONCE);
    out.head(code, 0, load64(given, size(record::CAPABILITIES)));
    let end = out.end(code);
    code.ret(end);
}

/// `(record, now)`: the host, what it offers, and how the object behaves there.
pub(crate) fn take(code: &mut Code<'_, '_>) {
    let [given, now] = code.params();
    let image = code.unit.map.image;
    let host = given + size(record::HOST).cast_signed();
    code.push(Stm::Copy(at(image + size(state::HOST)), host, Exp::I32(32)));
    let offered = code.bind(load64(given, size(record::CAPABILITIES)));
    code.store(8, 0, image + size(state::CAPABILITIES), offered);
    code.store(8, 0, image + size(state::BOUND), now);
    let mode = match &code.unit.model.policy.hosts {
        None => load32(1, 0, image + size(state::MODE)),
        Some(hosts) => {
            let kept =
                load32(1, 0, image + size(state::MODE)) & i32::from(state::RESTING | state::ENDED);
            let need = hosts.need.cast_signed();
            let mode = match hosts.otherwise {
                Otherwise::Observe => state::OBSERVING,
                Otherwise::Dormant => state::DORMANT,
            };
            kept | Exp::I32(mode.into()).select(0, (offered & need).ne(need))
        }
    };
    code.store(1, 0, image + size(state::MODE), mode);
    code.leave();
}
