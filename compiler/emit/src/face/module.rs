//! The module around the core: the functions of the world by the canonical ABI.

use super::abi::{Abi, discriminant};
use super::arena::Arena;
use super::world::World;
use super::{lifecycle, typed};
use crate::code::Code;
use crate::core::{Regions, export};
use crate::ir::{Exp, Func, FuncId, Stm, Ty, Var, at, load32, load64};
use crate::memory::size;
use crate::unit::Unit;
use crate::wasm::Module;
use aqo_model::Model;
use aqo_model::layout::{Layout, outcome, state, tail};
use aqo_model::policy::Reason;

/// The module that the face imports the step from.
const MAIN: &str = "__main_module__";
/// The module that the face imports the memory from.
const ENV: &str = "env";
/// The step of the core.
const STEP: FuncId = FuncId(0);

/// The face under construction.
pub(crate) struct Face<'m> {
    pub(crate) model: &'m Model,
    pub(crate) layout: &'m Layout,
    pub(crate) world: &'m World,
    pub(crate) regions: Regions,
    pub(crate) arena: Arena,
    pub(crate) enum_sizes: Vec<Option<usize>>,
    funcs: Vec<Func>,
    exports: Vec<(String, FuncId)>,
    /// Puts the offer before the instance's own image.
    pub(crate) submit: FuncId,
    /// `() -> result`: what the outcome says, as a reply or a refusal.
    pub(crate) reply: FuncId,
    /// `(case) -> result`: a refusal.
    pub(crate) refuse: FuncId,
    /// `(envelope) -> truth`: writes an envelope into the offer; whether it has its form.
    pub(crate) envelope: FuncId,
}

/// The bytes of the module.
pub(crate) fn face_module(
    model: &Model,
    layout: &Layout,
    world: &World,
    regions: Regions,
) -> Vec<u8> {
    let enums = &model.schema.types.enums;
    let enum_sizes: Vec<Option<usize>> =
        enums.iter().map(|e| e.is_plain().then_some(e.variants.len())).collect();
    let fields = world.fields.iter().map(|field| Abi::of(&field.ty, &enum_sizes));
    let arena = Arena::of(&regions, layout, &Abi::Record(fields.collect()), &model.full_name());
    let mut face = Face {
        model,
        layout,
        world,
        regions,
        arena,
        enum_sizes,
        funcs: Vec::new(),
        exports: Vec::new(),
        submit: STEP,
        reply: STEP,
        refuse: STEP,
        envelope: STEP,
    };
    let realloc = face.define(&[Ty::I32; 4], Some(Ty::I32), realloc);
    face.exports.push(("cabi_realloc".to_owned(), realloc));
    face.submit = face.define(&[], None, submit);
    face.refuse = face.define(&[Ty::I32], Some(Ty::I32), refuse);
    face.reply = face.define(&[], Some(Ty::I32), reply);
    face.envelope = typed::define_envelope(&mut face);
    lifecycle::define(&mut face);
    typed::define(&mut face);
    let module = Module {
        imports: vec![(MAIN, export::STEP, Vec::new(), None)],
        memory_from: Some((ENV, face.regions.pages)),
        funcs: face.funcs,
        exports: face.exports,
        ..Module::default()
    };
    module.encode()
}

impl<'m> Face<'m> {
    /// A new function.
    pub(crate) fn define(
        &mut self,
        params: &[Ty],
        result: Option<Ty>,
        build: impl FnOnce(&Face<'m>, &mut Code<'_, '_>),
    ) -> FuncId {
        // The builder wants a module to call routines of; a face calls none.
        let mut unit = Unit::new(self.model, self.layout);
        let mut code = Code::new(&mut unit, params);
        build(self, &mut code);
        let func = code.finish(result);
        self.funcs.push(func);
        // The step, which is imported, has the first number.
        FuncId(size(self.funcs.len()))
    }

    /// A new function of an interface.
    pub(crate) fn export(
        &mut self,
        interface: &str,
        name: &str,
        params: &[Ty],
        result: Ty,
        build: impl FnOnce(&Face<'m>, &mut Code<'_, '_>),
    ) {
        let id = self.define(params, Some(result), build);
        self.exports.push((format!("{interface}#{name}"), id));
    }

    /// Ends a function with a refusal that no offer brought about.
    pub(crate) fn refuse_with(&self, code: &mut Code<'_, '_>, case: usize) {
        let case = i32::try_from(case).expect("reasons are few");
        code.ret(Exp::Call(self.refuse, vec![Exp::I32(case)], Ty::I32));
    }

    /// The case of an offer that has not the form of one.
    pub(crate) fn malformed(&self) -> usize {
        usize::from(Reason::MALFORMED.0) - 1
    }

    /// The case of an object that is not born.
    pub(crate) fn unborn(&self) -> usize {
        self.world.refusals.len() - 1
    }

    /// Whether the instance holds an object.
    pub(crate) fn is_born(&self) -> Exp {
        let sequence = self.arena.own + size(self.layout.state_size + tail::SEQUENCE);
        load64(0, sequence).ne(0i64)
    }

    /// Copies an image.
    pub(crate) fn copy_image(&self, code: &mut Code<'_, '_>, to: Exp, from: Exp) {
        let len = Exp::I32(size(self.layout.image_size).cast_signed());
        code.push(Stm::Copy(to, from, len));
    }

    /// The arguments of the call are gone.
    pub(crate) fn release(&self, code: &mut Code<'_, '_>) {
        code.store(4, 0, self.arena.heap, 0);
    }

    /// A field of the outcome.
    pub(crate) fn outcome(&self, offset: usize) -> u32 {
        self.regions.outcome + size(offset)
    }

    /// Answers the offer on the image region.
    pub(crate) fn step(&self, code: &mut Code<'_, '_>) {
        code.push(Stm::Call(STEP, Vec::new()));
    }
}

/// `(old, old size, align, new size) -> address`: the next free place. Where there is none left, the
/// caller passes more than an object can use, and the call traps.
fn realloc(face: &Face<'_>, code: &mut Code<'_, '_>) {
    let [old, old_size, align, new_size] = code.params();
    let arena = &face.arena;
    let heap = code.bind(load32(4, 0, arena.heap));
    let heap = code.bind(heap.get().select(at(arena.start), heap));
    let place = code.bind((heap + (align - 1)) & (Exp::I32(0) - align));
    let left = at(arena.end) - place;
    code.when(left.lt_u(new_size), |code| code.push(Stm::Trap));
    let kept = old_size.get().select(new_size, old_size.get().lt_u(new_size));
    code.push(Stm::Copy(place.get(), old.get(), kept));
    code.store(4, 0, arena.heap, place + new_size);
    code.ret(place);
}

/// `()`: the offer region before the image that the instance holds.
fn submit(face: &Face<'_>, code: &mut Code<'_, '_>) {
    let (own, image) = (at(face.arena.own), at(face.regions.image));
    face.copy_image(code, image.clone(), own.clone());
    face.step(code);
    code.when(load32(1, 0, face.outcome(outcome::STATUS)), |code| {
        face.copy_image(code, own, image);
        let served = load64(0, face.outcome(outcome::SERVED));
        code.store(8, 0, face.arena.served, served);
        let next_due = load64(0, face.outcome(outcome::NEXT_DUE));
        code.store(8, 0, face.arena.next_due, next_due);
    });
    code.leave();
}

/// Offsets in a `result<reply, refusal>`.
mod result {
    /// 0 for a reply, 1 for a refusal.
    pub(super) const CASE: u32 = 0;
    /// What either holds.
    pub(super) const HELD: u32 = 8;
    /// Of a reply: whether there is an entry, where and how long it is, and the next due instant.
    pub(super) const ENTRY: [u32; 3] = [HELD, HELD + 4, HELD + 8];
    pub(super) const NEXT_DUE: u32 = HELD + 16;
}

/// `(case) -> result`
fn refuse(face: &Face<'_>, code: &mut Code<'_, '_>) {
    let [case] = code.params();
    let result = face.arena.result;
    code.store(1, 0, result + result::CASE, 1);
    let width = discriminant(face.world.refusals.len());
    code.store(width as u8, 0, result + result::HELD, case);
    face.release(code);
    code.ret(at(result));
}

/// `() -> result`
fn reply(face: &Face<'_>, code: &mut Code<'_, '_>) {
    let result = face.arena.result;
    let reason = code.bind(load32(2, 0, face.outcome(outcome::REPLY)));
    code.when(reason, |code| {
        // Built-in reasons count from 1; the object's own come after them.
        let own = i32::from(Reason::FIRST_OWN);
        let built_in = Reason::BUILT_IN.len() as i32;
        let own_case = own_case(face, code, reason, (own, built_in));
        let case = (reason - 1).select(own_case, reason.get().lt_u(own));
        code.ret(Exp::Call(face.refuse, vec![case], Ty::I32));
    });
    let [there, from, len] = result::ENTRY;
    code.store(1, 0, result + result::CASE, 0);
    code.store(1, 0, result + there, load32(1, 0, face.outcome(outcome::STATUS)));
    code.store(4, 0, result + from, at(face.outcome(outcome::BODY)));
    code.store(4, 0, result + len, load32(4, 0, face.outcome(outcome::LENGTH)));
    code.store(8, 0, result + result::NEXT_DUE, load64(0, face.outcome(outcome::NEXT_DUE)));
    face.release(code);
    code.ret(at(result));
}

/// The case of a reason of the object's own.
fn own_case(
    face: &Face<'_>,
    code: &mut Code<'_, '_>,
    reason: Var,
    (own, built_in): (i32, i32),
) -> Exp {
    let policy = &face.model.policy;
    if policy.reason_numbers.are_indices() {
        return reason - (own - built_in);
    }
    // Its index is how many of them have a lower number.
    let below = (1..policy.reasons.len() as u16).map(|index| {
        let number = i32::from(policy.own_reason(index).0);
        Exp::I32(number - 1).lt_u(reason)
    });
    let index = below.reduce(|a, b| a + b).unwrap_or(Exp::I32(0));
    let index = code.bind(index);
    index + built_in
}

/// The logical time of an image.
pub(crate) fn time_of(image: u32) -> Exp {
    load64(0, image + size(state::NOW))
}
