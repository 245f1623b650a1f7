//! Phase 0: whether an offer has its form, and which of its inputs may be used.

use crate::code::Code;
use crate::ir::{Exp, load32, load64};
use crate::memory::{cell, size};
use crate::translate::schedule::indices;
use crate::translate::scope;
use crate::translate::value::{self, Val};
use crate::translate::wake;
use crate::unit::Routine;
use aqo_model::layout::offer::input as at;
use aqo_model::layout::role::EPOCH;
use aqo_model::limits;
use aqo_model::types::NEVER;

/// `() -> truth`: whether each input is there or not there, and has its form where it is.
pub(crate) fn valid_inputs(code: &mut Code<'_, '_>) {
    let layout = code.unit.layout;
    for (slot, input) in layout.inputs.iter().zip(&code.unit.model.schema.inputs) {
        let offer = code.unit.map.offer;
        let record = offer + size(slot.record);
        let present = load32(1, 0, record + size(at::PRESENT));
        let (form, value) = (&slot.value.form, offer + size(slot.value.offset));
        let mut valid = value::valid(code, form, Exp::I32(0), value);
        if input.from.is_some() {
            let proved = load32(1, 0, record + size(at::VERIFIED)).lt_u(2);
            valid = Some(valid.map_or(proved.clone(), |valid| proved & valid));
        }
        code.when(Exp::I32(1).lt_u(present.clone()), |code| code.ret(0));
        if let Some(valid) = valid {
            code.when(present.and_then(valid.eqz()), |code| code.ret(0));
        }
    }
    code.ret(1);
}

/// `(now)`: clears what the last step noted and looks at the inputs.
pub(crate) fn begin(code: &mut Code<'_, '_>) {
    let [now] = code.params();
    let map = code.unit.map.clone();
    code.store(8, 0, cell::NOW, now);
    code.zero(crate::ir::at(cell::CLEARED), map.cleared - cell::CLEARED);
    let (model, layout) = (code.unit.model, code.unit.layout);
    for (index, input) in indices(model.schema.inputs.len()).zip(&model.schema.inputs) {
        let slot = &layout.inputs[usize::from(index)];
        let record = map.offer + size(slot.record);
        let instant = load64(0, record + size(at::AT));
        let present = load32(1, 0, record + size(at::PRESENT));
        let mut usable = present & value::between(instant.clone(), 0, NEVER);
        if let Some(fresh) = input.fresh {
            usable = usable & (now - instant.clone()).le_s(fresh);
        }
        if let Some(within) = Val::of_slot(&slot.value, map.offer).within(&input.ty, code) {
            // What is not there need not have its form, and is not walked through.
            usable = usable.and_then(within);
        }
        if let Some(role) = input.from {
            let latest = load64(0, latest(code, index));
            let ahead = now + limits::READING_AHEAD;
            let timed = latest.le_s(instant.clone()) & instant.le_s(ahead);
            let proved = vouches(code, record, role);
            usable = usable.and_then(timed & proved);
        }
        code.store(1, 0, map.usable + u32::from(index), usable);
    }
    wake::before(code);
    code.leave();
}

/// Where the instant of the latest reading of a signed input stands.
pub(crate) fn latest(code: &Code<'_, '_>, input: u16) -> u32 {
    let slot = code.unit.layout.readings.iter().find(|(index, _)| *index == input);
    let (_, offset) = slot.expect("a signed input has a place for its latest reading");
    code.unit.map.image + size(*offset)
}

/// Whether a reading is proved to be a role's word.
fn vouches(code: &mut Code<'_, '_>, record: u32, role: u16) -> Exp {
    let holders = scope::role(code, role);
    let epoch = load32(4, 0, record + size(at::EPOCH)).eq(load32(4, 0, holders + size(EPOCH)));
    let key = crate::ir::at(record + size(at::KEY));
    let known = code.call(Routine::FindKey, [crate::ir::at(holders), key]);
    load32(1, 0, record + size(at::VERIFIED)) & epoch & known.ne(0)
}

/// No input may be used: what is past is not judged by the inputs of the day.
pub(crate) fn blind(code: &mut Code<'_, '_>) {
    let (usable, inputs) = (code.unit.map.usable, code.unit.model.schema.inputs.len());
    code.zero(crate::ir::at(usable), size(inputs));
}
