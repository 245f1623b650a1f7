//! Fuel of an engine as a count of core instructions, held to the bound of each step.
//!
//! An instruction is eight units and a byte that is copied or filled is one, so that both are counted
//! as a bound counts them. The engine charges one unit for each function that is entered; a call is
//! charged seven for that.

use aqo_emit::Cost;
use aqo_model::Model;
use aqo_model::layout::{Layout, offer as at};
use std::collections::BTreeMap;
use wasmtime::{Config, OperatorCost};

/// Units of one instruction.
pub const UNITS: u64 = 8;

/// What an offer is whose kind the object does not know.
pub const OTHER: &str = "other";

/// Charges every instruction that a core module is made of.
macro_rules! charged {
    ($cost:ident: $($op:ident)*) => { $($cost.$op = UNITS as u8;)* };
}

/// Makes an engine count.
pub fn count(config: &mut Config) {
    let mut cost = OperatorCost::new();
    charged!(cost:
        Unreachable Block Loop If Br BrIf Return Select LocalGet LocalSet LocalTee
        I32Load I64Load I32Load8S I32Load8U I32Load16S I32Load16U I64Load8S I64Load8U I64Load16S
        I64Load16U I64Load32S I64Load32U I32Store I64Store I32Store8 I32Store16 I64Store8
        I64Store16 I64Store32 I32Const I64Const I32Eqz I32Eq I32Ne I32LtS I32LtU I32LeS I32LeU
        I64Eqz I64Eq I64Ne I64LtS I64LtU I64LeS I64LeU I32Add I32Sub I32Mul I32DivS I32DivU I32RemS
        I32And I32Or I32Xor I32Shl I32ShrS I32ShrU I32Rotl I64Add I64Sub I64Mul I64DivS I64DivU
        I64RemS I64And I64Or I64Xor I64Shl I64ShrS I64ShrU I64Rotl I32WrapI64 I64ExtendI32U
        MemoryCopy MemoryFill
    );
    cost.Call = UNITS as u8 - 1;
    cost.variable.memory_copy_per_byte = 1;
    cost.variable.memory_fill_per_byte = 1;
    config.consume_fuel(true).operator_cost(cost);
}

/// The bounds of a class, and the most that was measured of each.
pub struct Meter {
    cost: Cost,
    /// The name of each kind of message.
    messages: Vec<String>,
    payload: usize,
    /// By kind of offer, in units.
    pub measured: BTreeMap<String, u64>,
}

impl Meter {
    /// The bounds of a class; nothing measured.
    pub fn new(model: &Model, layout: &Layout) -> Self {
        let messages = model.schema.messages.iter();
        Meter {
            cost: aqo_emit::cost(model),
            messages: messages.map(|message| format!("message {}", message.name)).collect(),
            payload: layout.payload,
            measured: BTreeMap::new(),
        }
    }

    /// The most instructions of a kind; of one that the object does not know, of any.
    pub fn bound(&self, kind: &str) -> u64 {
        let offer = self.cost.offers.iter().find(|offer| offer.name == kind);
        offer.map_or(self.cost.most(), |offer| offer.most)
    }

    /// Takes note of a step; whether it was within its bound.
    pub fn take(&mut self, offer: &[u8], units: u64) -> Result<(), String> {
        let message = self.payload + at::message::KIND;
        let kind = match offer[at::KIND] {
            at::TICK => "tick",
            at::BIND => "bind",
            at::BIRTH => "birth",
            at::CONSENT => "consent",
            at::MESSAGE => {
                let index = u16::from_le_bytes([offer[message], offer[message + 1]]);
                self.messages.get(usize::from(index)).map_or(OTHER, String::as_str)
            }
            _ => OTHER,
        };
        let most = self.measured.entry(kind.to_owned()).or_default();
        *most = units.max(*most);
        let bound = self.bound(kind);
        // The step itself is entered without a call.
        if units <= (UNITS * bound).saturating_add(1) {
            return Ok(());
        }
        Err(format!("{kind}: {} instructions, and {bound} at most", units / UNITS))
    }
}
