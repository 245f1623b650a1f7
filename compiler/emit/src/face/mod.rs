//! The face of an object: the typed world of its component, and the module that lifts and lowers it
//! around the core module.
//!
//! The core has the memory and the step; the face imports both and has neither data nor state of its
//! own: what it keeps stands in the core's arena.

mod abi;
mod arena;
mod lifecycle;
mod module;
mod text;
mod typed;
mod world;

pub(crate) use module::face_module;
pub(crate) use text::package_text;
pub(crate) use world::World;
