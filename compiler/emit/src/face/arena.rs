//! What the face keeps in the core's arena.
//!
//! ```text
//! heap i32 | served i64 | next due i64 | result | name | the instance's own image | arguments …
//! ```
//! The heap is where the next argument goes: arguments are written one after the other and are gone
//! when the call ends. Memory begins as zeros, so a heap of 0 stands for its start.

use super::abi::Abi;
use crate::core::Regions;
use crate::memory::size;
use crate::wasm::PAGE;
use aqo_model::layout::Layout;

/// Bytes of the longest result besides that of `state`.
const RESULT: u32 = 40;

/// Addresses in the arena.
pub(crate) struct Arena {
    /// Where the next argument goes; 0 before the first.
    pub(crate) heap: u32,
    /// Up to where ticks have been judged.
    pub(crate) served: u32,
    /// When the object wants to be ticked next.
    pub(crate) next_due: u32,
    /// Where results are written.
    pub(crate) result: u32,
    /// The object's full name.
    pub(crate) name: u32,
    /// The image that the instance holds.
    pub(crate) own: u32,
    /// Where arguments begin.
    pub(crate) start: u32,
    /// The end of the memory.
    pub(crate) end: u32,
}

impl Arena {
    pub(crate) fn of(regions: &Regions, layout: &Layout, fields: &Abi, name: &str) -> Arena {
        let mut next = regions.arena;
        let mut take = |bytes: u32| {
            let address = next.next_multiple_of(8);
            next = address + bytes;
            address
        };
        let fields = Abi::Option(Box::new(fields.clone())).size();
        Arena {
            heap: take(4),
            served: take(8),
            next_due: take(8),
            result: take(RESULT.max(fields)),
            name: take(size(name.len())),
            own: take(size(layout.image_size)),
            start: take(0),
            end: regions.pages * PAGE,
        }
    }
}
