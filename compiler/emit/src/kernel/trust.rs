//! Trust: the compiled twin of the model's `trust`, for the object's own settings. All products fit
//! 64 bits, as they do there.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Ty, Var, load32, load64};
use crate::memory::{cell, gain as positive, size};
use crate::unit::Routine;
use aqo_model::extent;
use aqo_model::layout::{state, trust as record};
use aqo_model::policy::Trust;
use aqo_model::trust::EMPTIED;
use aqo_model::types::NEVER;

/// Guard bits of X.
pub(super) const GUARD: i64 = 10;
/// How many positives novelty remembers.
const RING: i32 = 16;
/// How long a positive is remembered, in instants of the grid.
const REMEMBERED: i64 = 8;
/// The prime of FNV-1a, 32 bits.
const FNV_PRIME: i32 = 0x0100_0193;

/// The positives of one step.
fn positives(code: &Code<'_, '_>) -> Rounds {
    Rounds::positives(size(extent::gains(code.unit.model)))
}

/// What novelty remembers, the positives of the step included.
fn known_positives(code: &Code<'_, '_>) -> Rounds {
    positives(code).and(size(record::CAPACITY))
}

/// The settings, and the address of the record.
pub(super) fn settings<'m>(code: &Code<'_, 'm>) -> (&'m Trust, u32) {
    let trust = code.unit.model.policy.trust.as_ref();
    let offset = code.unit.layout.trust.expect("an object with trust has a record of it");
    (trust.expect("trust is computed where it is declared"), code.unit.map.image + size(offset))
}

pub(super) fn born(code: &Code<'_, '_>) -> Exp {
    load64(0, code.unit.map.image + size(state::BORN))
}

/// `(instant) -> quanta of decay since birth`
pub(crate) fn quanta(code: &mut Code<'_, '_>) {
    let [instant] = code.params();
    let (policy, _) = settings(code);
    let age = instant - born(code);
    code.ret((age << 8i64).div_u(policy.half_life));
}

/// `() -> X now`
pub(crate) fn now(code: &mut Code<'_, '_>) {
    let (_, at) = settings(code);
    let x = code.bind(load64(0, at + size(record::X)));
    code.when(x.get().le_s(0i64), |code| code.ret(x));
    let until = code.call(Routine::Quanta, [load64(0, cell::NOW)]);
    let since = code.call(Routine::Quanta, [load64(0, at + size(record::T0))]);
    let passed = code.bind(until - since);
    code.when(passed.get().le_s(0i64), |code| code.ret(x));
    let halvings = code.bind(passed.get().shr_u(8i64));
    code.when(halvings.get().gt_u(63i64), |code| code.ret(0i64));
    let step = code.bind((passed & 255i64).wrap());
    code.when(step, |code| {
        let factor = factor(code, step);
        code.set(x, (x * factor).shr_u(32i64));
    });
    code.ret(x.get().shr_u(halvings));
}

/// `DECAY` at a step, from tables of 16 and 16: 2^(-step/256) is 2^(-high/16) less a small part of
/// it, in fixed point with [`BITS`] bits. [`tables`] says how; a test holds it to each entry.
fn factor(code: &mut Code<'_, '_>, step: Var) -> Exp {
    // Six bytes of each hold all of it; with the two before them they are one load.
    let bytes = |number: i64| number.to_le_bytes().into_iter().take(6);
    let bytes: Vec<u8> = tables().into_iter().flat_map(bytes).collect();
    let table = code.unit.constant(&bytes) - 2;
    let whole = code.bind(load64(step.get().shr_u(4) * 6, table).shr_u(16i64));
    let part = code.bind(load64((step & 15) * 6, table + 6 * 16).shr_u(16i64));
    let high = whole * part.get().shr_u(HALF);
    let low = (whole * (part & ((1i64 << HALF) - 1))).shr_u(HALF);
    let less = (high + low).shr_u(BITS - HALF);
    ((whole - less) + (1i64 << (BITS - 33))).shr_u(BITS - 32)
}

/// `() -> trust as rules read it`
pub(crate) fn read(code: &mut Code<'_, '_>) {
    let (policy, _) = settings(code);
    let x = code.call(Routine::TrustNow, []);
    let e = code.bind(x.shr_s(GUARD) - load64(0, cell::LOSSES));
    code.ret(e.get().select(-policy.lowest, Exp::I64(-policy.lowest).lt_s(e)));
}

/// `(below) -> instant`: the first after now at which E is less than this, if nothing but time passes;
/// never, where it is so already or never will be.
pub(crate) fn falls_below(code: &mut Code<'_, '_>) {
    let [below] = code.params();
    let (policy, at) = settings(code);
    let half_life = policy.half_life;
    let kept = code.bind(load64(0, cell::NOW));
    let e = code.call(Routine::ReadTrust, []);
    code.when(below.get().le_s(0i64) | e.lt_s(below), |code| code.ret(NEVER));
    let from = code.call(Routine::Quanta, [load64(0, at + size(record::T0))]);
    let from = code.bind(from);
    let passed = code.call(Routine::Quanta, [kept.get()]);
    let not_yet = code.bind(passed - from);
    let less = code.bind(EMPTIED);
    let middle = code.var(Ty::I64);
    let born = code.bind(born(code));
    // The first instant after so many quanta.
    let start = |quanta: Var| ((from + quanta) * half_life + 255i64).shr_u(8i64) + born;
    code.repeat(Rounds::halvings(EMPTIED as u32), |code, again| {
        code.when(Exp::I64(1).lt_s(less - not_yet), |code| {
            code.set(middle, (less + not_yet).shr_u(1i64));
            code.store(8, 0, cell::NOW, start(middle));
            let e = code.call(Routine::ReadTrust, []);
            code.either(
                e.lt_s(below),
                |code| code.set(less, middle),
                |code| code.set(not_yet, middle),
            );
            code.stop(again);
        });
    });
    code.store(8, 0, cell::NOW, kept);
    code.ret(start(less));
}

/// `(amount, source, claim)`: a positive of this step, in its place by amount, source and claim.
pub(crate) fn gain(code: &mut Code<'_, '_>) {
    let [amount, source, claim] = code.params();
    let gains = code.unit.map.gains;
    let stride = positive::SIZE;
    let count = code.bind(load32(4, 0, cell::GAINS));
    code.store(4, 0, cell::GAINS, count + 1);
    let key = code.bind((source.get().extend() << 32i64) | claim.get().extend());
    let place = code.bind(count * stride.cast_signed());
    let rounds = positives(code);
    code.block(|code, found| {
        code.repeat(rounds, |code, again| {
            code.stop_if(found, place.get().eqz());
            let before = code.bind(place - stride.cast_signed());
            let other = code.bind(load64(before, gains + positive::AMOUNT));
            code.stop_if(found, other.get().lt_s(amount));
            let stays = load64(before, gains + positive::CLAIM).le_u(key);
            code.stop_if(found, other.get().eq(amount) & stays);
            code.store(8, place, gains + positive::AMOUNT, other);
            let beside = load64(before, gains + positive::CLAIM);
            code.store(8, place, gains + positive::CLAIM, beside);
            code.set(place, before);
            code.stop(again);
        });
    });
    code.store(8, place, gains + positive::AMOUNT, amount);
    code.store(8, place, gains + positive::CLAIM, key);
}

/// `() -> truth`: applies the evidence of the step; whether there was any.
pub(crate) fn settle(code: &mut Code<'_, '_>) {
    let (policy, at) = settings(code);
    let losses = code.bind(load64(0, cell::LOSSES));
    let count = code.bind(load32(4, 0, cell::GAINS));
    let broken = code.bind(load32(4, 0, cell::BROKEN));
    let none = (count | broken).eqz() & losses.get().eqz();
    code.when(none, |code| code.ret(0));
    let start = code.call(Routine::TrustNow, []);
    let found = code.atom(start);
    let x = code.bind(found.clone() - (losses << GUARD));
    if !policy.gains.is_empty() {
        let grid = (load64(0, cell::NOW) - born(code)).div_u(policy.window_long / 8);
        let grid = code.bind(grid);
        let recovering = code.bind(load32(1, 0, at + size(record::RECOVERING)));
        take_gains(code, policy, at, x, (count, grid, recovering));
        code.when(recovering, |code| recover(code, policy, at, grid));
    }
    code.when(broken, |code| {
        let lost = (x & x.get().shr_s(63i64)) - (policy.penalty << GUARD);
        code.set(x, lost);
        code.store(1, 0, at + size(record::RECOVERING), broken);
        // What was said comes before the break.
        let (ring, stride) = (at + size(record::RING), size(record::STRIDE));
        let rounds = Rounds::positives(size(record::CAPACITY));
        code.each(rounds, RING, |code, k| {
            code.store(1, k * stride.cast_signed(), ring + 12, 0);
        });
    });
    let low = code.bind(-(policy.lowest << GUARD));
    code.set(x, low.get().select(x, x.get().lt_s(low)));
    let high = code.bind(policy.ceiling << GUARD);
    code.set(x, high.get().select(x, high.get().lt_s(x)));
    code.store(8, 0, at + size(record::X), x);
    if let Some(slopes) = code.unit.layout.slopes {
        code.run(Routine::FillSlopes, []);
        let sum = code.unit.map.image + size(slopes.sum);
        let jump = x.get().shr_s(GUARD) - found.shr_s(GUARD);
        code.store(4, 0, sum, load32(4, 0, sum) + jump.wrap());
    }
    code.store(8, 0, at + size(record::T0), load64(0, cell::NOW));
    code.ret(1);
}

/// Recovery ends where enough has been said since the break, by enough.
fn recover(code: &mut Code<'_, '_>, policy: &Trust, at: u32, grid: Var) {
    let claims = code.call(Routine::Remembered, [grid.get(), Exp::I32(distinct_claims(policy))]);
    let mut few = claims.clone().lt_u(i32::from(policy.recovery));
    if policy.sources > 1 {
        let claims = code.bind(claims);
        let sources = code.call(Routine::Distinct, [claims.get()]);
        few =
            claims.get().lt_u(i32::from(policy.recovery)) | sources.lt_u(i32::from(policy.sources));
    }
    code.store(1, 0, at + size(record::RECOVERING), few);
}

/// How many claims are to be told apart to see whether recovery ends: all, where it takes several
/// sources.
fn distinct_claims(policy: &Trust) -> i32 {
    if policy.sources > 1 { RING } else { policy.recovery.into() }
}

fn take_gains(
    code: &mut Code<'_, '_>,
    policy: &Trust,
    at: u32,
    x: Var,
    (count, grid, recovering): (Var, Var, Var),
) {
    let (gains, live) = (code.unit.map.gains, code.unit.map.live);
    let known = code.call(Routine::Remembered, [grid.get(), Exp::I32(0)]);
    let known = code.bind(known);
    let diversity = (policy.sources > 1).then(|| {
        // The sources of this step count as well.
        code.each(positives(code), count, |code, k| {
            code.store(8, (known + k) << 3, live, load64(k << 4, gains + positive::CLAIM));
        });
        let distinct = code.call(Routine::Distinct, [known + count]);
        let distinct = code.bind(distinct.extend());
        let most = i64::from(policy.sources);
        code.bind(distinct.get().select(most, distinct.get().lt_s(most)))
    });
    let rate = code.bind(recovering.get().extend() + 1i64);
    code.each(positives(code), count, |code, k| {
        let key = code.bind(load64(k << 4, gains + positive::CLAIM));
        let most = size(record::CAPACITY + extent::gains(code.unit.model));
        let repeats = code.call(Routine::Known, [key.get(), known.get().at_most(most)]);
        let repeats = code.bind(repeats);
        // What was said before in this step is known as well.
        code.store(8, known << 3, live, key);
        code.set(known, known + 1);
        code.set(repeats, repeats.get().select(RING, repeats.get().lt_s(RING)));
        let e = code.bind(x.get().shr_s(GUARD));
        // Never negative: a gain is at most the room that there was.
        let room = Exp::I64(policy.ceiling) - e.get().select(0i64, Exp::I64(0).lt_s(e));
        let amount = load64(k << 4, gains + positive::AMOUNT);
        let amount = diversity.into_iter().fold(amount, |amount, factor| amount * factor);
        let whole = i64::from(policy.sources) * policy.ceiling;
        let parts = (repeats.get().extend() + 1i64) * whole * rate;
        code.set(x, x + ((amount * room).div_u(parts) << GUARD));
        remember(code, at, key, grid);
    });
}

/// `(claim, count) -> how many`: of so many in the novelty list are this one.
pub(crate) fn known(code: &mut Code<'_, '_>) {
    let [key, count] = code.params();
    let live = code.unit.map.live;
    let same = code.var(Ty::I32);
    code.each(Rounds::positives_of(count), count, |code, other| {
        code.set(same, same + load64(other << 3, live).eq(key));
    });
    code.ret(same);
}

/// `(grid, apart) -> count`: lists what novelty still remembers; or, where `apart` is not 0, so many
/// different claims of it that were made since a break.
pub(crate) fn remembered(code: &mut Code<'_, '_>) {
    let [grid, apart] = code.params();
    let (policy, at) = settings(code);
    let (live, ring) = (code.unit.map.live, at + size(record::RING));
    let known = code.var(Ty::I32);
    let rounds = Rounds::positives(size(record::CAPACITY));
    code.each(rounds, load32(1, 0, at + size(record::LEN)), |code, k| {
        let entry = code.bind(k * size(record::STRIDE).cast_signed());
        // The ring has the source first; as one number it stands above the claim.
        let key = code.bind(load64(entry, ring).rotl(32i64));
        let stamp = load32(4, entry, ring + 8).extend();
        let since = load32(1, entry, ring + 12) | apart.get().eqz();
        let before = known.get().select(0, apart).at_most(distinct_claims(policy).unsigned_abs());
        let twice = code.call(Routine::Known, [key.get(), before]);
        let listed = (grid - stamp).le_s(REMEMBERED) & since & twice.eqz();
        code.when(listed, |code| {
            code.store(8, known << 3, live, key);
            code.set(known, known + 1);
            code.when(known.get().eq(apart), |code| code.ret(known));
        });
    });
    code.ret(known);
}

/// Puts a positive into the ring, whose oldest makes room.
fn remember(code: &mut Code<'_, '_>, at: u32, key: Var, grid: Var) {
    let (ring, stride) = (at + size(record::RING), size(record::STRIDE));
    let len = code.bind(load32(1, 0, at + size(record::LEN)));
    code.when(len.get().eq(RING), |code| {
        let kept = (size(record::CAPACITY) - 1) * stride;
        let from = Exp::I32((ring + stride).cast_signed());
        code.push(crate::ir::Stm::Copy(crate::ir::at(ring), from, Exp::I32(kept.cast_signed())));
        code.set(len, RING - 1);
    });
    let entry = code.bind(len * stride.cast_signed());
    code.store(8, entry, ring, key.get().rotl(32i64));
    code.store(4, entry, ring + 8, grid);
    code.store(1, entry, ring + 12, 1);
    code.store(1, 0, at + size(record::LEN), len + 1);
}

/// `(count) -> how many distinct sources`: of so many in the novelty list.
pub(crate) fn distinct(code: &mut Code<'_, '_>) {
    let [count] = code.params();
    let sources = code.unit.map.live + 4;
    let found = code.var(Ty::I32);
    let rounds = known_positives(code);
    code.each(rounds, count, |code, k| {
        let source = code.bind(load32(4, k << 3, sources));
        let other = code.bind(0);
        code.block(|code, known| {
            code.repeat(rounds, |code, again| {
                code.when(other.get().eq(k), |code| {
                    code.set(found, found + 1);
                    code.stop(known);
                });
                code.stop_if(known, load32(4, other << 3, sources).eq(source));
                code.set(other, other + 1);
                code.stop(again);
            });
        });
    });
    code.ret(found);
}

/// `(hash, from, to) -> claim`
pub(crate) fn claim(code: &mut Code<'_, '_>) {
    let [hash, from, to] = code.params();
    // The parameters of a message, as an entry has them.
    let rounds = Rounds::bytes(size(aqo_model::extent::message_bytes(code.unit.model)));
    code.block(|code, done| {
        code.repeat(rounds, |code, again| {
            code.stop_if(done, to.get().le_u(from));
            code.set(hash, (hash ^ load32(1, from, 0)) * FNV_PRIME);
            code.set(from, from + 1);
            code.stop(again);
        });
    });
    code.ret(hash);
}

/// Bits after the point of the tables of [`factor`].
const BITS: i64 = 43;
/// Bits of the lower part of a small factor, so that no product leaves 64 bits.
const HALF: i64 = 20;

/// 2^(-k/16) and 1 - 2^(-k/256) for k in 0..16, in [`BITS`] bits: square roots by integers.
fn tables() -> [i64; 32] {
    // The root of a number with twice as many bits after the point has as many as the tables.
    let root = |number: u128| (number << BITS).isqrt();
    let mut roots = [1u128 << BITS >> 1; 9];
    // roots[n] is 2^(-1/2^n).
    for n in 1..9 {
        roots[n] = root(roots[n - 1]);
    }
    let power = |k: u32, unit: usize| {
        let bits = (0..4u32).filter(|bit| k >> bit & 1 == 1);
        bits.fold(1u128 << BITS, |product, bit| (product * roots[unit - bit as usize]) >> BITS)
    };
    std::array::from_fn(|at| {
        let k = at as u32 % 16;
        let exact = if at < 16 { power(k, 4) } else { (1 << BITS) - power(k, 8) };
        exact as i64
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aqo_model::trust::DECAY;

    /// What [`factor`] computes.
    fn computed(step: usize) -> u64 {
        let tables = tables();
        let (whole, part) = (tables[step >> 4], tables[16 + (step & 15)]);
        let high = whole.checked_mul(part >> HALF).expect("fits");
        let low = whole.checked_mul(part & ((1 << HALF) - 1)).expect("fits") >> HALF;
        let less = high.checked_add(low).expect("fits") >> (BITS - HALF);
        ((whole - less + (1 << (BITS - 33))) >> (BITS - 32)) as u64
    }

    #[test]
    fn factors_are_those_of_the_model() {
        for (step, factor) in DECAY.iter().enumerate() {
            assert_eq!(computed(step), *factor, "step {step}");
        }
    }
}
