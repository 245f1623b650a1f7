//! A compiled core under an engine, for suites that compare it with the interpreter.
//!
//! Invariant: what a step reads and writes is what it was given and what it answers, nothing else,
//! and no step costs more than its bound.

use crate::meter::{self, Meter};
use aqo_model::Model;
use aqo_model::layout::{Layout, outcome};
use wasmtime::{Config, Engine, Instance, Memory, Module, OptLevel, Store, TypedFunc};

/// Far more than any step takes.
const FUEL: u64 = 1 << 50;

/// The engine of these suites: quick to compile for, and no tricks with signals.
pub fn engine() -> Engine {
    Engine::new(&config()).expect("a known configuration")
}

/// The same, and it counts instructions.
pub fn counting() -> Engine {
    let mut config = config();
    meter::count(&mut config);
    Engine::new(&config).expect("a known configuration")
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::None)
        .signals_based_traps(false)
        .memory_reservation(0)
        .memory_guard_size(0)
        .memory_reservation_for_growth(0)
        .memory_init_cow(false);
    config
}

/// A live core module.
pub struct Core {
    store: Store<()>,
    memory: Memory,
    step: TypedFunc<(), ()>,
    image: usize,
    offer: usize,
    outcome: usize,
    class: usize,
    image_size: usize,
    /// What its steps cost.
    pub meter: Meter,
}

impl Core {
    /// Compiles a Model.
    pub fn new(engine: &Engine, model: &Model, layout: &Layout) -> Self {
        let module = Module::new(engine, aqo_emit::core_module(model)).expect("a valid core");
        Core::of(engine, &module, model, layout)
    }

    /// Instantiates a compiled core; its engine counts.
    pub fn of(engine: &Engine, module: &Module, model: &Model, layout: &Layout) -> Self {
        let mut store = Store::new(engine, ());
        store.set_fuel(FUEL).expect("the engine counts");
        let instance = Instance::new(&mut store, module, &[]).expect("it imports nothing");
        let mut global = |name| {
            let global = instance.get_global(&mut store, name).expect("an exported address");
            usize::try_from(global.get(&mut store).unwrap_i32()).expect("an address")
        };
        use aqo_emit::export;
        let (image, offer) = (global(export::IMAGE), global(export::OFFER));
        let (outcome, class) = (global(export::OUTCOME), global(export::CLASS));
        let memory = instance.get_memory(&mut store, export::MEMORY).expect("an exported memory");
        let step = instance.get_typed_func(&mut store, export::STEP).expect("an exported step");
        Core {
            store,
            memory,
            step,
            image,
            offer,
            outcome,
            class,
            image_size: layout.image_size,
            meter: Meter::new(model, layout),
        }
    }

    /// The class's digest.
    pub fn class(&self) -> &[u8] {
        &self.memory.data(&self.store)[self.class..self.class + 32]
    }

    /// The image and the outcome after an offer.
    ///
    /// # Panics
    /// Where the core traps or costs more than its bound, which none may.
    pub fn step(&mut self, image: &[u8], offer: &[u8]) -> (Vec<u8>, Vec<u8>) {
        self.try_step(image, offer).expect("a step neither traps nor leaves its bound")
    }

    /// The image and the outcome after an offer, or what no step may do.
    pub fn try_step(&mut self, image: &[u8], offer: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
        let data = self.memory.data_mut(&mut self.store);
        data[self.image..self.image + image.len()].copy_from_slice(image);
        data[self.offer..self.offer + offer.len()].copy_from_slice(offer);
        self.store.set_fuel(FUEL).expect("the engine counts");
        self.step.call(&mut self.store, ()).map_err(|trap| format!("a trap: {trap:?}"))?;
        let used = FUEL - self.store.get_fuel().expect("the engine counts");
        self.meter.take(offer, used)?;
        let data = self.memory.data(&self.store);
        let image = data[self.image..self.image + self.image_size].to_vec();
        let at = self.outcome + outcome::LENGTH;
        let length = u32::from_le_bytes(data[at..at + 4].try_into().expect("four bytes"));
        let end = self.outcome + outcome::BODY + length as usize;
        Ok((image, data[self.outcome..end].to_vec()))
    }
}
