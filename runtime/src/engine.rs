//! A compiled core module, kept ready: bytes of an image and an offer in, bytes of an outcome out.
//!
//! An engine has no state of its own: the image is copied in before a step and out after it, so one
//! engine serves every object of its class.

use crate::error::{Error, Result};
use aqo_emit::Artifact;
use aqo_model::layout::outcome;
use std::sync::LazyLock;
use wasmtime::{Config, Instance, Memory, Module, OptLevel, Store, TypedFunc};

/// How core modules run: nothing that differs between machines, no address space set aside.
static WASM: LazyLock<std::result::Result<wasmtime::Engine, String>> = LazyLock::new(|| {
    let mut config = Config::new();
    config
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        .signals_based_traps(false)
        .memory_reservation(0)
        .memory_reservation_for_growth(0)
        .memory_guard_size(0)
        .memory_init_cow(false)
        .wasm_relaxed_simd(false);
    wasmtime::Engine::new(&config).map_err(|error| error.to_string())
});

/// A core module, ready to compute steps.
pub struct Engine {
    store: Store<()>,
    memory: Memory,
    step: TypedFunc<(), ()>,
    image: (usize, usize),
    offer: (usize, usize),
    outcome: usize,
}

/// What the module says came of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The entry's body, if there is one.
    pub body: Option<Vec<u8>>,
    /// Why the offer was refused, or 0.
    pub reply: u16,
    /// Ticks up to here have been judged.
    pub served: i64,
    /// When the object wants to be ticked next.
    pub next_due: i64,
    /// The image afterwards; its head is that of the predecessor.
    pub image: Vec<u8>,
}

impl Engine {
    /// Compiles the core module of an artifact.
    pub fn new(artifact: &Artifact) -> Result<Engine> {
        let wasm =
            WASM.as_ref().map_err(|e| Error::internal(format!("no WebAssembly here: {e}")))?;
        let module = Module::new(wasm, &artifact.core);
        let module =
            module.map_err(|e| Error::refused(format!("the core module does not compile: {e}")))?;
        let mut store = Store::new(wasm, ());
        let instance = Instance::new(&mut store, &module, &[]);
        let instance =
            instance.map_err(|e| Error::refused(format!("the core module does not start: {e}")))?;
        let lacks = |what: &str| {
            Error::refused(format!("the core module exports no `{what}`"))
                .help("build the source again with this version of aqc")
        };
        let memory = instance.get_memory(&mut store, "memory").ok_or_else(|| lacks("memory"))?;
        let step = instance.get_typed_func(&mut store, "step").map_err(|_| lacks("step"))?;
        let mut address = |name: &str| {
            let global = instance.get_global(&mut store, name).ok_or_else(|| lacks(name))?;
            let value = global.get(&mut store).i32().ok_or_else(|| lacks(name))?;
            usize::try_from(value).map_err(|_| lacks(name))
        };
        let (image, offer, outcome) = (address("image")?, address("offer")?, address("outcome")?);
        Ok(Engine {
            memory,
            step,
            image: (image, artifact.layout.image_size),
            offer: (offer, artifact.layout.offer_size),
            outcome,
            store,
        })
    }

    /// Computes one step. An error is a fault of the module; nothing has happened.
    pub fn step(&mut self, image: &[u8], offer: &[u8]) -> Result<Outcome> {
        let fault = |what: &str| Error::refused(format!("the core module is at fault: {what}"));
        self.put(self.image, image).ok_or_else(|| fault("its image does not fit"))?;
        self.put(self.offer, offer).ok_or_else(|| fault("its offer does not fit"))?;
        self.step.call(&mut self.store, ()).map_err(|error| fault(&error.to_string()))?;
        self.outcome().ok_or_else(|| fault("its outcome is not in its memory"))
    }

    fn put(&mut self, (at, size): (usize, usize), bytes: &[u8]) -> Option<()> {
        let memory = self.memory.data_mut(&mut self.store).get_mut(at..at + size)?;
        (bytes.len() == size).then(|| memory.copy_from_slice(bytes))
    }

    fn outcome(&self) -> Option<Outcome> {
        let memory = self.memory.data(&self.store);
        let at = |offset: usize, len: usize| memory.get(self.outcome + offset..)?.get(..len);
        let word = |offset| Some(i64::from_le_bytes(at(offset, 8)?.try_into().ok()?));
        let has_entry = *at(outcome::STATUS, 1)?.first()? == 1;
        let len = u32::from_le_bytes(at(outcome::LENGTH, 4)?.try_into().ok()?);
        let body = if has_entry { Some(at(outcome::BODY, len as usize)?.to_vec()) } else { None };
        Some(Outcome {
            body,
            reply: u16::from_le_bytes(at(outcome::REPLY, 2)?.try_into().ok()?),
            served: word(outcome::SERVED)?,
            next_due: word(outcome::NEXT_DUE)?,
            image: memory.get(self.image.0..self.image.0 + self.image.1)?.to_vec(),
        })
    }
}
