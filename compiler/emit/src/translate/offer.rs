//! Phase 0: whether an offer has its form, and which of its inputs may be used.

use crate::code::Code;
use crate::ir::{Exp, load32, load64};
use crate::memory::{cell, size};
use crate::translate::schedule::indices;
use crate::translate::value::{self, Val};
use crate::translate::wake;
use aqo_model::types::NEVER;

/// `() -> truth`: whether each input is there or not there, and has its form where it is.
pub(crate) fn valid_inputs(code: &mut Code<'_, '_>) {
    let layout = code.unit.layout;
    for (present, slot) in &layout.inputs {
        let offer = code.unit.map.offer;
        let present = load32(1, 0, offer + size(*present));
        let valid = value::valid(code, &slot.form, Exp::I32(0), offer + size(slot.offset));
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
        let (present, slot) = &layout.inputs[usize::from(index)];
        let instant = load64(0, map.offer + size(present + 1));
        let mut usable =
            load32(1, 0, map.offer + size(*present)) & value::between(instant.clone(), 0, NEVER);
        if let Some(fresh) = input.fresh {
            usable = usable & (now - instant).le_s(fresh);
        }
        if let Some(within) = Val::of_slot(slot, map.offer).within(&input.ty, code) {
            // What is not there need not have its form, and is not walked through.
            usable = usable.and_then(within);
        }
        code.store(1, 0, map.usable + u32::from(index), usable);
    }
    wake::before(code);
    code.leave();
}

/// No input may be used: what is past is not judged by the inputs of the day.
pub(crate) fn blind(code: &mut Code<'_, '_>) {
    let (usable, inputs) = (code.unit.map.usable, code.unit.model.schema.inputs.len());
    code.zero(crate::ir::at(usable), size(inputs));
}
