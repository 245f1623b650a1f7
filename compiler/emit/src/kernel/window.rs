//! The keys of a role, and the replay window of each: `image::KeyState::is_fresh` and `burn` (RFC 4303, appendix A2).

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, load32, load64};
use crate::memory::size;
use crate::unit::Routine;
use aqo_model::layout::role;

/// `(role record, key) -> address`
pub(crate) fn find_key(code: &mut Code<'_, '_>) {
    let [record, key] = code.params();
    let known = code.bind(record + size(role::KEYS).cast_signed());
    let most = code.unit.model.schema.roles.iter().map(|role| role.size()).max();
    let rounds = Rounds::keys(size(most.unwrap_or(0)));
    code.each(rounds, load32(2, record, size(role::COUNT)), |code, _| {
        let same = code.call(Routine::SameBytes32, [known.get(), key.get()]);
        code.when(same, |code| code.ret(known));
        code.set(known, known + size(role::STRIDE).cast_signed());
    });
    code.ret(0);
}

/// `(key record, counter) -> truth`
pub(crate) fn is_fresh(code: &mut Code<'_, '_>) {
    let [record, counter] = code.params();
    code.when(counter.get().eqz(), |code| code.ret(0));
    let highest = code.bind(load64(record, size(role::COUNTER)));
    code.when(highest.get().lt_u(counter), |code| code.ret(1));
    let back = code.bind(highest - counter);
    let seen = load64(record, size(role::WINDOW)).shr_u(back) & 1i64;
    code.ret(back.get().lt_u(64i64).and_then(seen.eqz()));
}

/// `(key record, counter)`: the counter is fresh.
pub(crate) fn burn(code: &mut Code<'_, '_>) {
    let [record, counter] = code.params();
    let highest = code.bind(load64(record, size(role::COUNTER)));
    let window = code.bind(load64(record, size(role::WINDOW)));
    code.either(
        highest.get().lt_u(counter),
        |code| {
            let ahead = code.bind(counter - highest);
            let moved = (window << ahead).select(0i64, ahead.get().lt_u(64i64));
            code.store(8, record, size(role::WINDOW), moved | 1i64);
            code.store(8, record, size(role::COUNTER), counter);
        },
        |code| {
            let bit = Exp::I64(1) << (highest - counter);
            code.store(8, record, size(role::WINDOW), window | bit);
        },
    );
}
