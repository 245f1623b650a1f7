//! A Model into a WebAssembly component, and back: core module, typed world, sections; and the
//! reader of such components. Pure functions: the same Model gives the same bytes.
//!
//! The meaning is `aqo_model::step`; what is emitted agrees with it byte for byte. Knows no source
//! text, no file and no WebAssembly engine.

mod bound;
mod code;
mod component;
mod core;
mod cost;
mod face;
mod ir;
mod kernel;
mod memory;
mod names;
mod read;
mod sections;
mod shorten;
mod translate;
mod unit;
mod wasm;

pub use crate::component::{EmitError, component, wit};
pub use crate::core::{core_module, export};
pub use crate::cost::{Cost, Factor, Node, cost};
pub use crate::read::{Artifact, ReadError, Seal, read, read_unsealed};
pub use crate::sections::Options;

/// The version of the lowering: the same Model under the same version gives the same bytes.
pub const EMIT_VERSION: u16 = 1;
