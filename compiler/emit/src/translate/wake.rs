//! When a `cycle on time` ticks, and when time changes whether the object is awake: the twin of
//! `step::wake`.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Label, Ty, Var, load64};
use crate::memory::{cell, size};
use crate::translate::expr;
use crate::translate::schedule::indices;
use crate::translate::scope::{Fields, Scope, now};
use crate::unit::Routine;
use aqo_model::expr::Expr;
use aqo_model::layout::state;
use aqo_model::limits::PERIOD_MIN;
use aqo_model::slope::{GRID, SPANS};
use aqo_model::types::NEVER;
use aqo_model::wake::{flips, wakes};

/// Leaves where one of these does not hold; binds what they name.
fn given(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, given: &[&Expr], otherwise: Label) {
    for cond in given {
        let holds = expr::truth(code, scope, cond);
        code.stop_if(otherwise, holds.eqz());
    }
}

/// Each instant at which the object wants to be ticked, of what turned true, or freed, after an instant.
fn each(code: &mut Code<'_, '_>, after: Var, fill: &mut dyn FnMut(&mut Code<'_, '_>, Var)) {
    let (model, layout) = (code.unit.model, code.unit.layout);
    let image = code.unit.map.image;
    let last = code.bind(load64(0, image + size(state::NOW)));
    let born = load64(0, image + size(state::BORN));
    code.set(after, born.clone().select(after, after.get().lt_s(born)));
    let mut ahead = |code: &mut Code<'_, '_>, instant: Exp| {
        let instant = code.bind(instant);
        let is_ahead = after.get().lt_s(instant) & instant.get().lt_s(NEVER);
        code.when(is_ahead, |code| {
            // Never closer than this to the step before.
            let soon = last + PERIOD_MIN;
            code.set(instant, instant.get().select(soon.clone(), soon.lt_s(instant)));
            fill(code, instant);
        });
    };
    let found = wakes(model);
    for wake in &found.times {
        code.block(|code, skipped| {
            let mut scope = Scope::new(Fields::Image, wake.locals);
            given(code, &mut scope, &wake.given, skipped);
            let instant = expr::value(code, &mut scope, &wake.at).number();
            ahead(code, instant);
        });
    }
    for limit in found.limits {
        let (offset, count) = layout.limits[limit];
        let (stamps, per) = (image + size(offset + 2), model.policy.limits[limit].per);
        code.each(Rounds::stamps(u32::from(count)), i32::from(count), |code, k| {
            let stamp = code.bind(load64(k << 3, stamps));
            code.when(stamp.get().ne(state::FREE), |code| ahead(code, stamp + per));
        });
    }
    if let Some(offset) = layout.wake {
        ahead(code, load64(0, image + size(offset)));
    }
}

/// The next instant at which the object falls asleep, wakes or ends by time alone, if that is before the
/// one in `earliest`.
pub(crate) fn next_flip(code: &mut Code<'_, '_>, earliest: Var) {
    let flips = flips(code.unit.model);
    if flips.is_empty() {
        return;
    }
    let last = code.bind(load64(0, code.unit.map.image + size(state::NOW)));
    let kept = code.bind(now());
    code.store(8, 0, cell::LOSSES, 0i64);
    // Where the mode changes there, and nowhere earlier.
    let candidate = |code: &mut Code<'_, '_>, instant: Exp| {
        let instant = code.bind(instant);
        let ahead = last.get().lt_s(instant) & instant.get().lt_s(earliest);
        code.when(ahead, |code| {
            code.store(8, 0, cell::NOW, instant);
            let mode = code.call(Routine::ModeNow, []);
            code.when(mode, |code| code.set(earliest, instant));
        });
    };
    if flips.reads_trust() {
        // Trust settles after the mode: what an entry made of it is looked at soon.
        candidate(code, last + PERIOD_MIN);
    }
    for wake in &flips.times {
        code.store(8, 0, cell::NOW, last);
        code.block(|code, skipped| {
            let mut scope = Scope::new(Fields::Image, wake.locals);
            given(code, &mut scope, &wake.given, skipped);
            let instant = expr::value(code, &mut scope, &wake.at).number();
            candidate(code, instant);
        });
    }
    for fall in &flips.falls {
        code.store(8, 0, cell::NOW, last);
        code.block(|code, skipped| {
            let mut scope = Scope::new(Fields::Image, fall.locals);
            given(code, &mut scope, &fall.given, skipped);
            let (below, more) = fall.below;
            let below = expr::value(code, &mut scope, below).number() + more;
            let instant = code.call(Routine::FallsBelow, [below]);
            candidate(code, instant);
        });
    }
    for measure in flips.slopes {
        let policy = code.unit.model.policy.trust.as_ref();
        let span = policy.map_or(NEVER, |policy| policy.window(measure) / SPANS);
        let born = code.bind(load64(0, code.unit.map.image + size(state::BORN)));
        let next = code.bind(born + ((last - born).div_u(span) + 1i64) * span);
        code.each(Rounds::samples(GRID as u32), GRID as i32, |code, _| {
            candidate(code, next.get());
            code.set(next, next + span);
        });
    }
    code.store(8, 0, cell::NOW, kept);
}

/// `(after) -> instant`: the earliest of what turned after this one, or never.
pub(crate) fn next(code: &mut Code<'_, '_>) {
    let [after] = code.params();
    let earliest = code.bind(NEVER);
    each(code, after, &mut |code, instant| {
        code.set(earliest, instant.get().select(earliest, instant.get().lt_s(earliest)));
    });
    code.ret(earliest);
}

/// `(after, upto) -> instant`: the latest of what turned after the one, that is due not after the other,
/// or -1.
pub(crate) fn latest(code: &mut Code<'_, '_>) {
    let [after, upto] = code.params();
    let latest = code.bind(-1i64);
    each(code, after, &mut |code, instant| {
        let later = instant.get().le_s(upto) & latest.get().lt_s(instant);
        code.when(later, |code| code.set(latest, instant));
    });
    code.ret(latest);
}

/// `() -> set`: which guards hold now, as far as they are known, bit by bit.
pub(crate) fn truths(code: &mut Code<'_, '_>) {
    let found = wakes(code.unit.model);
    let set = code.var(Ty::I64);
    for (bit, condition) in indices(found.conditions.len()).zip(&found.conditions) {
        code.block(|code, skipped| {
            let mut scope = Scope::new(Fields::Image, condition.locals);
            let all: Vec<&Expr> = condition.all.iter().collect();
            given(code, &mut scope, &all, skipped);
            code.set(set, set | (1i64 << bit));
        });
    }
    code.ret(set);
}

/// What held before the step.
pub(crate) fn before(code: &mut Code<'_, '_>) {
    if code.unit.layout.wake.is_some() {
        let truths = code.call(Routine::Truths, []);
        code.store(8, 0, cell::TRUTHS, truths);
    }
}

/// When an entry turned a guard true, it is looked at soon.
pub(crate) fn after(code: &mut Code<'_, '_>) {
    let Some(offset) = code.unit.layout.wake else { return };
    // They have been taken off.
    code.store(8, 0, cell::LOSSES, 0i64);
    let truths = code.call(Routine::Truths, []);
    let before = load64(0, cell::TRUTHS);
    let turned = (truths & (before ^ -1i64)).ne(0i64);
    let wake = (now() + PERIOD_MIN).select(0i64, turned);
    code.store(8, 0, code.unit.map.image + size(offset), wake);
}
