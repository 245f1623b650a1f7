//! The slope of trust: the compiled twin of the model's `slope`, for the object's own windows.

use super::trust::{GUARD, born, settings};
use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, Ty, load32, load64};
use crate::memory::{cell, size};
use crate::unit::Routine;
use aqo_model::expr::Rounding;
use aqo_model::layout::trust as record;
use aqo_model::policy::Measure;
use aqo_model::slope::SAMPLES;

/// Spans of the grid in a window.
const SPANS: i64 = 8;
/// Milliseconds of a day: what a slope over a window in milliseconds is multiplied by.
const DAY_MS: i64 = 86_400_000;

/// Where the samples of each slope that is kept lie, and its window.
fn kept(code: &Code<'_, '_>) -> Vec<(u32, i64)> {
    let (policy, _) = settings(code);
    let image = code.unit.map.image;
    let slots = code.unit.layout.slopes;
    let both = slots
        .iter()
        .flat_map(|slots| [(slots.short, policy.window_short), (slots.long, policy.window_long)]);
    both.filter_map(|(slot, window)| Some((image + size(slot?), window))).collect()
}

/// `() -> slope`
pub(crate) fn read(code: &mut Code<'_, '_>, measure: Measure) {
    let (policy, at) = settings(code);
    let slots = code.unit.layout.slopes.expect("a slope that is read is kept");
    let (slot, window) = match measure {
        Measure::Slope => (slots.short, policy.window_short),
        Measure::Trust | Measure::SlopeLong => (slots.long, policy.window_long),
    };
    let samples = code.unit.map.image + size(slot.expect("a slope that is read is kept"));
    let span = window / SPANS;
    let sum = code.bind(load32(4, 0, code.unit.map.image + size(slots.sum)));
    let age = load64(0, cell::NOW) - born(code);
    let start = code.bind(age.div_u(span) - SPANS);
    let before = code.var(Ty::I32);
    code.when(Exp::I64(0).le_s(start), |code| {
        let instant = (start * span) + born(code);
        let is_newer = load64(0, at + size(record::T0)).le_s(instant);
        code.either(
            is_newer,
            |code| code.set(before, sum),
            |code| {
                let place = (start.get().rem_s(SAMPLES as i64) << 2i64).wrap();
                code.set(before, load32(4, place, samples));
            },
        );
    });
    let e = code.call(Routine::ReadTrust, []);
    let x = code.call(Routine::TrustNow, []);
    let pending = e - x.shr_s(GUARD);
    let moved = code.bind((sum + pending.wrap()) - before);
    // With its sign in 64 bits.
    let moved = (moved.get().extend() << 32i64).shr_s(32i64);
    let slope =
        code.call(Routine::Divide(Rounding::Floor), [moved * DAY_MS, Exp::I64(window / 1_000)]);
    code.ret(slope);
}

/// `()`: the samples of the instants that have passed since the last evidence.
pub(crate) fn fill(code: &mut Code<'_, '_>) {
    let (_, at) = settings(code);
    let slots = code.unit.layout.slopes.expect("samples are written where a slope is kept");
    let sum = code.bind(load32(4, 0, code.unit.map.image + size(slots.sum)));
    for (samples, window) in kept(code) {
        let span = window / SPANS;
        let since = load64(0, at + size(record::T0)) - born(code);
        let first = code.bind((since + (span - 1)).div_u(span));
        let age = load64(0, cell::NOW) - born(code);
        let oldest = code.bind(age.div_u(span) - SPANS);
        code.set(first, oldest.get().select(first, first.get().lt_s(oldest)));
        code.block(|code, done| {
            code.repeat(Rounds::samples(SAMPLES as u32), |code, again| {
                let instant = (first * span) + born(code);
                code.stop_if(done, load64(0, cell::NOW).le_s(instant));
                let place = (first.get().rem_s(SAMPLES as i64) << 2i64).wrap();
                code.store(4, place, samples, sum);
                code.set(first, first + 1i64);
                code.stop(again);
            });
        });
    }
    code.leave();
}
