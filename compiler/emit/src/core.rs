//! A Model into its core module: fixed memory, no import, no table, no start, no mutable global.

use crate::ir::FuncId;
use crate::memory::pages;
use crate::unit::{Built, Routine, Unit};
use crate::wasm::Module;
use aqo_model::Model;
use aqo_model::layout::Layout;

/// The names that a core module exports.
pub mod export {
    /// Its memory.
    pub const MEMORY: &str = "memory";
    /// The address of the image.
    pub const IMAGE: &str = "image";
    /// The address of the offer.
    pub const OFFER: &str = "offer";
    /// The address of the outcome.
    pub const OUTCOME: &str = "outcome";
    /// The address of the class's digest.
    pub const CLASS: &str = "class";
    /// The address of memory that a step does not touch, up to the memory's end.
    pub const ARENA: &str = "arena";
    /// `func()`: answers the offer.
    pub const STEP: &str = "step";
}

/// The step.
pub(crate) const STEP: FuncId = FuncId(0);

/// Where the regions of a core module lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Regions {
    pub(crate) image: u32,
    pub(crate) offer: u32,
    pub(crate) outcome: u32,
    pub(crate) class: u32,
    pub(crate) arena: u32,
    pub(crate) pages: u32,
}

/// The core module of a class. The same Model gives the same bytes, everywhere and always, for one
/// [`EMIT_VERSION`](crate::EMIT_VERSION). The Model must be one that `verify` accepts.
pub fn core_module(model: &Model) -> Vec<u8> {
    lower(model).0
}

/// Builds every function of a core module; gives where the class's digest stands, too.
pub(crate) fn built(model: &Model, layout: &Layout) -> (Built, u32) {
    let mut unit = Unit::new(model, layout);
    let class = unit.class();
    let (step, _) = unit.routine(Routine::Step, &[]);
    assert_eq!(step, STEP, "the step is the first function");
    unit.build();
    (unit.finish(), class)
}

/// The core module, and where its regions lie.
pub(crate) fn lower(model: &Model) -> (Vec<u8>, Regions) {
    let layout = Layout::of(model);
    let (Built { map, funcs, data, end: arena, .. }, class) = built(model, &layout);
    let regions = Regions {
        image: map.image,
        offer: map.offer,
        outcome: map.outcome,
        class,
        arena,
        pages: pages(model, &layout, arena),
    };
    let module = Module {
        pages: Some(regions.pages),
        funcs,
        exports: vec![(export::STEP.to_owned(), STEP)],
        constants: vec![
            (export::IMAGE, regions.image),
            (export::OFFER, regions.offer),
            (export::OUTCOME, regions.outcome),
            (export::CLASS, regions.class),
            (export::ARENA, regions.arena),
        ],
        data,
        ..Module::default()
    };
    (module.encode(), regions)
}
