//! A core module under an engine.

use crate::meter::{self, Meter};
use aqo_model::Model;
use aqo_model::layout::{Layout, outcome};
use aqo_model::policy::Otherwise;
use aqo_tests::models;
use wasmtime::{Config, Engine, Instance, Memory, Module, Mutability, OptLevel, Store, TypedFunc};

/// Far more than any step takes.
const FUEL: u64 = 1 << 50;

/// The engine of these suites: quick to compile for, and no tricks with signals.
pub(crate) fn engine() -> Engine {
    Engine::new(&config()).expect("a known configuration")
}

/// The same, and it counts instructions.
pub(crate) fn counting() -> Engine {
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
pub(crate) struct Core {
    store: Store<()>,
    memory: Memory,
    step: TypedFunc<(), ()>,
    image: usize,
    offer: usize,
    outcome: usize,
    class: usize,
    image_size: usize,
    pub(crate) meter: Meter,
}

impl Core {
    pub(crate) fn new(engine: &Engine, model: &Model, layout: &Layout) -> Self {
        let bytes = aqo_emit::core_module(model);
        let module = Module::new(engine, &bytes).expect("a core module is valid");
        let mut store = Store::new(engine, ());
        store.set_fuel(FUEL).expect("the engine counts");
        let instance = Instance::new(&mut store, &module, &[]).expect("it imports nothing");
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
    pub(crate) fn class(&self) -> &[u8] {
        &self.memory.data(&self.store)[self.class..self.class + 32]
    }

    /// The image and the outcome after an offer.
    pub(crate) fn step(&mut self, image: &[u8], offer: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let data = self.memory.data_mut(&mut self.store);
        data[self.image..self.image + image.len()].copy_from_slice(image);
        data[self.offer..self.offer + offer.len()].copy_from_slice(offer);
        self.store.set_fuel(FUEL).expect("the engine counts");
        self.step.call(&mut self.store, ()).expect("a step never traps");
        let used = FUEL - self.store.get_fuel().expect("the engine counts");
        self.meter.take(offer, used).expect("a step stays within its bound");
        let data = self.memory.data(&self.store);
        let image = data[self.image..self.image + self.image_size].to_vec();
        let at = self.outcome + outcome::LENGTH;
        let length = u32::from_le_bytes(data[at..at + 4].try_into().expect("four bytes"));
        let end = self.outcome + outcome::BODY + length as usize;
        (image, data[self.outcome..end].to_vec())
    }
}

#[test]
fn a_core_imports_nothing_and_never_grows() {
    use wasmtime::ExternType;
    for model in [models::thermostat(), models::everything(Otherwise::Dormant)] {
        let module = Module::new(&engine(), aqo_emit::core_module(&model)).expect("valid");
        assert_eq!(module.imports().count(), 0);
        for export in module.exports() {
            match export.ty() {
                ExternType::Memory(memory) => assert_eq!(Some(memory.minimum()), memory.maximum()),
                ExternType::Global(global) => assert_eq!(global.mutability(), Mutability::Const),
                ExternType::Func(_) => assert_eq!(export.name(), aqo_emit::export::STEP),
                ExternType::Table(_) | ExternType::Tag(_) => unreachable!("neither is exported"),
            }
        }
    }
}
