//! Phases 1 and 3a: what was foretold is looked at, and settled. The twin of `step::foretell`.

use crate::bound::Rounds;
use crate::code::Code;
use crate::ir::{Exp, load32, load64};
use crate::memory::{cell, foretold, size};
use crate::translate::schedule::{CHECKPOINTS, deadline, grace, indices, is_open};
use crate::translate::scope::{self, Fields, Scope, now, prediction_record};
use crate::translate::step::observed;
use crate::translate::step::react;
use crate::translate::{consent, expr};
use crate::unit::Routine;
use aqo_model::Model;
use aqo_model::expr::Expr;
use aqo_model::layout::{prediction, role, state};
use aqo_model::policy::{Happening, Source, Trigger};
use aqo_model::trust;
use std::collections::BTreeSet;

/// How a prediction is settled, as an entry says it.
mod how {
    pub(super) const SEEN: i32 = 1;
    pub(super) const KEPT: i32 = 2;
    pub(super) const BROKEN: i32 = 3;
    pub(super) const LAPSED: i32 = 4;
}

fn note(code: &Code<'_, '_>, index: u16) -> u32 {
    code.unit.map.foretold + foretold::SIZE * u32::from(index)
}

/// `()`: settles every prediction whose instant has come, earliest first.
pub(crate) fn settle_deadlines(code: &mut Code<'_, '_>) {
    consent::lapse(code);
    if !code.unit.layout.queues.is_empty() {
        code.run(Routine::Expire, []);
    }
    let predictions = code.unit.model.policy.predictions.len();
    if predictions == 0 {
        return code.leave();
    }
    if predictions == 1 {
        let (open, instant) = (is_open(code, 0), deadline(code, 0));
        code.when(open.and_then(instant.clone().le_s(now())), |code| {
            code.run(Routine::SettleAt(0), [instant]);
        });
        return code.leave();
    }
    code.repeat(Rounds::predictions(size(predictions)), |code, again| {
        let earliest = code.bind(i64::MAX);
        let which = code.bind(-1);
        for index in indices(predictions) {
            let unsettled = load32(1, 0, note(code, index) + foretold::SETTLED).eqz();
            let open = is_open(code, index);
            code.when(open & unsettled, |code| {
                let instant = code.bind(deadline(code, index));
                let due = instant.get().le_s(now()) & instant.get().lt_s(earliest);
                code.when(due, |code| {
                    code.set(earliest, instant);
                    code.set(which, i32::from(index));
                });
            });
        }
        for index in indices(predictions) {
            code.when(which.get().eq(i32::from(index)), |code| {
                code.run(Routine::SettleAt(index), [earliest.get()]);
                code.stop(again);
            });
        }
    });
    code.leave();
}

/// `(instant)`: settles the prediction with this index at its instant.
pub(crate) fn settle_at(code: &mut Code<'_, '_>, index: u16) {
    let [instant] = code.params();
    let model = code.unit.model;
    let declared = &model.policy.predictions[usize::from(index)];
    let lapse = |code: &mut Code<'_, '_>| {
        code.run(Routine::Settle(index), [Exp::I32(how::LAPSED)]);
        code.leave();
    };
    code.when((observed(code) - instant).gt_s(grace(model)), lapse);
    let inputs = inputs_of(&declared.holds);
    inputs.iter().for_each(|input| expr::read(code, *input));
    let usable = inputs.iter().map(|input| expr::usable(code, *input));
    if let Some(any) = usable.reduce(|a, b| a | b) {
        code.when(any.eqz(), lapse);
    }
    let holds = code.call(Routine::Holds(index), []);
    let settled = if declared.throughout {
        let (record, _) = prediction_record(code, index);
        let seen = load32(1, 0, record + size(prediction::SEEN)) + 1;
        let last = Exp::from(CHECKPOINTS as i32).le_u(seen);
        Exp::I32(how::KEPT).select(how::SEEN, last)
    } else {
        Exp::I32(how::KEPT)
    };
    code.run(Routine::Settle(index), [settled.select(how::BROKEN, holds)]);
    code.leave();
}

/// The inputs that an expression reads.
fn inputs_of(holds: &Expr) -> BTreeSet<u16> {
    let mut inputs = BTreeSet::new();
    holds.walk(&mut |expr| {
        if let Expr::Input(index) = expr {
            inputs.insert(*index);
        }
    });
    inputs
}

/// `() -> truth`: whether the prediction, which is open, holds.
pub(crate) fn holds(code: &mut Code<'_, '_>, index: u16) {
    let declared = &code.unit.model.policy.predictions[usize::from(index)];
    let mut scope =
        Scope { prediction: Some(index), ..Scope::new(Fields::Image, &declared.locals) };
    let holds = expr::truth(code, &mut scope, &declared.holds);
    code.ret(holds);
}

/// `(how)`: notes how the prediction was settled, and what that is worth.
pub(crate) fn settle(code: &mut Code<'_, '_>, index: u16) {
    let [settled] = code.params();
    let (record, bytes) = prediction_record(code, index);
    let note = note(code, index) + foretold::SETTLED;
    code.store(1, 0, note, settled);
    if code.unit.model.policy.predictions[usize::from(index)].throughout {
        code.when(settled.get().eq(how::SEEN), |code| {
            let seen = record + size(prediction::SEEN);
            code.store(1, 0, seen, load32(1, 0, seen) + 1);
            code.leave();
        });
    }
    gain_by_keeping(code, index, settled.get().eq(how::KEPT));
    for (happening, number) in
        [(Happening::Broken(index), how::BROKEN), (Happening::Lapsed(index), how::LAPSED)]
    {
        let amount = score_loss(code.unit.model, happening);
        if amount > 0 {
            code.when(settled.get().eq(number), |code| lose(code, amount));
        }
    }
    code.zero(crate::ir::at(record), bytes);
    let reactions = [
        (how::KEPT, Trigger::Kept(index)),
        (how::BROKEN, Trigger::Broken(index)),
        (how::LAPSED, Trigger::Lapsed(index)),
    ];
    for (number, on) in reactions {
        if code.unit.model.policy.rules.iter().any(|rule| rule.on == on) {
            code.when(settled.get().eq(number), |code| react(code, on));
        }
    }
    code.leave();
}

/// A kept prediction is evidence where somebody outside speaks for it.
fn gain_by_keeping(code: &mut Code<'_, '_>, index: u16, kept: Exp) {
    let model = code.unit.model;
    let amount = score_gain(model, Happening::Kept(index));
    let declared = &model.policy.predictions[usize::from(index)];
    let Some((source, known)) = declared.source.and_then(|source| outside(code, source)) else {
        return;
    };
    if amount > 0 {
        let (record, _) = prediction_record(code, index);
        let worth = load32(1, 0, record + size(prediction::WORTH));
        let counts = (kept & worth) & (known & observing(code).eqz());
        let claim = trust::claim(0, index, &[]).cast_signed();
        code.when(counts, |code| {
            // Evidence stands in the entry, also where the prediction held without looking at it.
            if let Some(Source::Input(input)) = declared.source {
                expr::read(code, input);
            }
            code.run(Routine::Gain, [Exp::I64(amount), source, Exp::I32(claim)]);
        });
    }
}

/// Who speaks for a prediction, and whether he does.
fn outside(code: &mut Code<'_, '_>, source: Source) -> Option<(Exp, Exp)> {
    let model = code.unit.model;
    match source {
        Source::Input(input) => {
            let number = model.schema.inputs[usize::from(input)].number;
            Some((Exp::I32(number.into()), expr::usable(code, input)))
        }
        Source::Field(field) => {
            let signed = scope::signed(code.unit.layout, code.unit.map.image, field)?;
            let role = model.schema.fields[usize::from(field)].attested?;
            // Of a set of keys the first speaks for all.
            let record = scope::role(code, role);
            let key = crate::ir::at(record + size(role::KEYS));
            let some = load32(2, 0, record + size(role::COUNT)).ne(0);
            let other = is_not_host(code, key.clone());
            Some((signer(key), (load32(1, 0, signed) & other) & some))
        }
    }
}

/// Whether a key is not that of the present host.
pub(crate) fn is_not_host(code: &mut Code<'_, '_>, key: Exp) -> Exp {
    let host = crate::ir::at(code.unit.map.image + size(state::HOST));
    code.call(Routine::SameBytes32, [key, host]).eqz()
}

/// The source that the holder of a key is: `trust::signer`.
pub(crate) fn signer(key: Exp) -> Exp {
    load32(4, key, 0) | i32::MIN
}

/// Whether the object lets no effect out.
pub(crate) fn observing(code: &Code<'_, '_>) -> Exp {
    load32(1, 0, code.unit.map.image + size(state::MODE)) & i32::from(state::OBSERVING)
}

/// What a happening earns.
pub(crate) fn score_gain(model: &Model, on: Happening) -> i64 {
    let gains = model.policy.trust.iter().flat_map(|trust| &trust.gains);
    gains.filter(|score| score.on == on).map(|score| score.amount).sum()
}

/// What a happening costs.
pub(crate) fn score_loss(model: &Model, on: Happening) -> i64 {
    let losses = model.policy.trust.iter().flat_map(|trust| &trust.losses);
    losses.filter(|score| score.on == on).map(|score| score.amount).sum()
}

/// Losses count at once.
pub(crate) fn lose(code: &mut Code<'_, '_>, amount: i64) {
    code.store(8, 0, cell::LOSSES, load64(0, cell::LOSSES) + amount);
}

/// `()`: what holds now is kept; what was made just now is worth something if it is false.
pub(crate) fn look(code: &mut Code<'_, '_>) {
    let predictions = &code.unit.model.policy.predictions;
    // What is to hold throughout is worth something from the start, as it was stored.
    let once = || indices(predictions.len()).zip(predictions).filter(|(_, p)| !p.throughout);
    for (index, declared) in once() {
        let (record, _) = prediction_record(code, index);
        let made = load32(1, 0, note(code, index) + foretold::MADE);
        let end = load64(0, record + size(prediction::MADE)) + declared.span;
        let open = is_open(code, index).and_then(now().le_s(end));
        code.when(made.eqz().and_then(open), |code| {
            let holds = code.call(Routine::Holds(index), []);
            code.when(holds, |code| code.run(Routine::Settle(index), [Exp::I32(how::KEPT)]));
        });
    }
    for (index, _) in once() {
        let (record, _) = prediction_record(code, index);
        code.when(load32(1, 0, note(code, index) + foretold::MADE), |code| {
            let holds = code.call(Routine::Holds(index), []);
            code.store(1, 0, record + size(prediction::WORTH), holds.eqz());
        });
    }
    code.leave();
}
