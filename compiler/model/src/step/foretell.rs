//! Phases 1 and 3a: what was foretold is looked at, and settled.

use super::schedule::{self, CHECKPOINTS};
use super::{Step, eval};
use crate::entry::Settled;
use crate::expr::Expr;
use crate::policy::{Happening, Source, Trigger};
use crate::trust::{self, Gain};
use crate::value::Value;

impl Step<'_> {
    /// Phase 1: requests lapse, messages expire, then every prediction whose instant has come is settled, earliest
    /// first.
    pub(super) fn settle_deadlines(&mut self) {
        self.lapse_requests();
        self.expire_messages();
        let predictions = self.model.policy.predictions.iter().zip(&self.state.predictions);
        let mut due: Vec<(i64, usize)> = (predictions.enumerate())
            .filter_map(|(index, (prediction, open))| {
                let instant = schedule::deadline(prediction, open.as_ref()?);
                (instant <= self.now).then_some((instant, index))
            })
            .collect();
        due.sort_unstable();
        for (instant, index) in due {
            let settled = self.settlement(index, instant);
            self.settle(index, settled);
        }
    }

    /// How the prediction with this index is settled at its instant.
    fn settlement(&self, index: usize, instant: i64) -> Settled {
        let prediction = &self.model.policy.predictions[index];
        let late = self.observed.saturating_sub(instant) > schedule::grace(self.model);
        if late || self.is_blind(&prediction.holds) {
            return Settled::Lapsed;
        }
        let seen = self.state.predictions[index].as_ref().map_or(0, |open| i64::from(open.seen));
        match (self.foretold_holds(index), prediction.throughout) {
            (false, _) => Settled::Broken,
            (true, true) if seen + 1 < CHECKPOINTS => Settled::Seen,
            (true, _) => Settled::Kept,
        }
    }

    /// Whether it reads inputs and none of them is there.
    fn is_blind(&self, holds: &Expr) -> bool {
        let mut inputs = Vec::new();
        holds.walk(&mut |expr| {
            if let Expr::Input(index) = expr {
                inputs.push(usize::from(*index));
            }
        });
        inputs.iter().for_each(|index| self.read.set(self.read.get() | 1 << index));
        !inputs.is_empty() && inputs.iter().all(|index| self.views[*index].is_none())
    }

    /// Phase 3a: what holds now is kept; what was made just now is worth something if it is false.
    pub(super) fn look_at_predictions(&mut self) {
        for index in 0..self.foretold.len() {
            let prediction = &self.model.policy.predictions[index];
            if self.foretold[index].made.is_none()
                && let Some(open) = &self.state.predictions[index]
                && !prediction.throughout
                && self.now <= open.made + prediction.span
                && self.foretold_holds(index)
            {
                self.settle(index, Settled::Kept);
            }
        }
        for index in 0..self.foretold.len() {
            if self.foretold[index].made.is_none() {
                continue;
            }
            let worth =
                self.model.policy.predictions[index].throughout || !self.foretold_holds(index);
            if let Some((made_worth, _)) = &mut self.foretold[index].made {
                *made_worth = worth;
            }
        }
    }

    /// Whether an open prediction holds in the working state.
    fn foretold_holds(&self, index: usize) -> bool {
        let Some(open) = &self.state.predictions[index] else { return false };
        let prediction = &self.model.policy.predictions[index];
        let mut scope = eval::Scope::of_step(self, &prediction.locals);
        scope.captured = &open.captures;
        scope.holds(&prediction.holds)
    }

    /// Notes how a prediction was settled, and what that is worth.
    fn settle(&mut self, index: usize, settled: Settled) {
        let number = index as u16;
        self.foretold[index].settled = settled;
        match settled {
            Settled::No => return,
            Settled::Seen => {
                if let Some(open) = &mut self.state.predictions[index] {
                    open.seen += 1;
                }
                return;
            }
            Settled::Kept => self.gain_by_keeping(index),
            Settled::Broken => self.losses += self.score_loss(Happening::Broken(number)),
            Settled::Lapsed => self.losses += self.score_loss(Happening::Lapsed(number)),
        }
        self.state.predictions[index] = None;
        match settled {
            Settled::Kept => self.react(Trigger::Kept(number)),
            Settled::Broken => self.react(Trigger::Broken(number)),
            Settled::Lapsed => self.react(Trigger::Lapsed(number)),
            Settled::No | Settled::Seen => {}
        }
    }

    /// A kept prediction is evidence where somebody outside speaks for it.
    fn gain_by_keeping(&mut self, index: usize) {
        let amount = self.score_gain(Happening::Kept(index as u16));
        let worth = self.state.predictions[index].as_ref().is_some_and(|open| open.worth);
        let Some(source) = self.outside_source(index) else { return };
        if amount > 0 && worth && !self.state.observing {
            // Evidence stands in the entry, also where the prediction held without looking at it.
            if let Some(Source::Input(input)) = self.model.policy.predictions[index].source {
                self.read.set(self.read.get() | 1 << input);
            }
            self.gains.push(Gain { amount, source, claim: trust::claim(0, index as u16, &[]) });
        }
    }

    fn outside_source(&self, index: usize) -> Option<u32> {
        match self.model.policy.predictions[index].source? {
            Source::Input(input) => {
                self.views[usize::from(input)].as_ref()?;
                Some(u32::from(self.model.schema.inputs[usize::from(input)].number))
            }
            Source::Field(field) => {
                let signed = self.layout.signed.iter().position(|(f, _)| *f == field)?;
                let role = self.model.schema.fields[usize::from(field)].attested?;
                // Of a set of keys the first speaks for all.
                let key = self.state.roles[usize::from(role)].keys.first()?.key;
                (self.state.signed[signed] && key != self.state.host).then(|| trust::signer(&key))
            }
        }
    }

    /// A rule foretells. While the prediction is open, a second one is dropped.
    pub(super) fn foretell(&mut self, index: u16, captures: Vec<Value>) {
        let slot = usize::from(index);
        if self.state.observing {
            return;
        }
        if self.state.predictions[slot].is_some() {
            self.foretold[slot].dropped = self.foretold[slot].dropped.saturating_add(1);
            return;
        }
        self.foretold[slot].made = Some((true, captures.clone()));
        self.state.predictions[slot] =
            Some(crate::image::PredictionState { worth: true, seen: 0, made: self.now, captures });
    }
}
