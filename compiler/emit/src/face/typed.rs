//! The typed interface of an object: messages, `tick` and `state`, lifted into an offer and lowered
//! from the instance's own image.

use super::abi::{Abi, MAX_FLAT, discriminant};
use super::module::Face;
use super::world::{STATE, TICK};
use crate::code::Code;
use crate::ir::{Exp, FuncId, Stm, Ty, Var, at, load_number, load32, load64};
use crate::memory::size;
use aqo_model::form::Form;
use aqo_model::layout::{Slot, offer};
use aqo_model::offer::NO_ROLE;

/// Adds the functions of the interface.
pub(crate) fn define(face: &mut Face<'_>) {
    let interface = face.world.full_name();
    let world = face.world;
    for (index, (name, params, signed)) in world.messages.iter().enumerate() {
        let mut abis = vec![Abi::S64];
        abis.extend(params.iter().map(|param| Abi::of(&param.ty, &face.enum_sizes)));
        if *signed {
            abis.push(envelope(face));
        }
        let (types, passed) = Passed::of(abis);
        face.export(&interface, name, &types, Ty::I32, |face, code| {
            message(face, code, &passed, index, *signed);
        });
    }
    let mut abis = vec![Abi::S64];
    abis.extend(world.inputs.iter().map(|(input, signed)| {
        let value = Abi::of(&input.ty, &face.enum_sizes);
        let view = if *signed { Abi::Record(vec![value, word()]) } else { value };
        Abi::Option(Box::new(view))
    }));
    let (types, passed) = Passed::of(abis);
    face.export(&interface, TICK, &types, Ty::I32, |face, code| tick(face, code, &passed));
    if !world.fields.is_empty() {
        face.export(&interface, STATE, &[], Ty::I32, state);
    }
}

fn envelope(face: &Face<'_>) -> Abi {
    let role = Abi::Enum(face.world.roles.len());
    Abi::Record(vec![role, Abi::Bytes, Abi::U32, Abi::U64, Abi::S64, Abi::Bytes, Abi::Bool])
}

/// What proves whose word a reading is.
fn word() -> Abi {
    Abi::Record(vec![Abi::Bytes, Abi::U32, Abi::S64, Abi::Bytes, Abi::Bool])
}

/// How the parameters of a function come: as operands, or in memory where they are many.
struct Passed {
    parts: Vec<Abi>,
    in_memory: bool,
}

impl Passed {
    fn of(parts: Vec<Abi>) -> (Vec<Ty>, Passed) {
        let flat = Abi::Record(parts.clone()).flat();
        let in_memory = flat.len() > MAX_FLAT;
        let types = if in_memory { vec![Ty::I32] } else { flat };
        (types, Passed { parts, in_memory })
    }

    /// The operands of each parameter.
    fn operands(&self, code: &Code<'_, '_>) -> Vec<Vec<Exp>> {
        if self.in_memory {
            let base = Var { index: 0, ty: Ty::I32 };
            let offsets = Abi::offsets(&self.parts);
            return self
                .parts
                .iter()
                .zip(offsets)
                .map(|(part, offset)| stored(part, base, offset))
                .collect();
        }
        let mut vars = code.all_params().into_iter().map(Exp::Var);
        self.parts.iter().map(|part| vars.by_ref().take(part.flat().len()).collect()).collect()
    }
}

/// The operands of what is stored at an offset.
fn stored(abi: &Abi, base: Var, offset: u32) -> Vec<Exp> {
    match abi {
        Abi::Bool => vec![load32(1, base, offset)],
        Abi::Enum(cases) => vec![load32(discriminant(*cases) as u8, base, offset)],
        Abi::U32 => vec![load32(4, base, offset)],
        Abi::S64 | Abi::U64 => vec![load64(base, offset)],
        Abi::Bytes => vec![load32(4, base, offset), load32(4, base, offset + 4)],
        Abi::Option(inner) => {
            let mut operands = vec![load32(1, base, offset)];
            operands.extend(stored(inner, base, offset + inner.align()));
            operands
        }
        Abi::Record(parts) => {
            let offsets = Abi::offsets(parts);
            parts
                .iter()
                .zip(offsets)
                .flat_map(|(part, at)| stored(part, base, offset + at))
                .collect()
        }
    }
}

/// Begins an offer of this kind.
fn begin(face: &Face<'_>, code: &mut Code<'_, '_>, kind: u8, at_instant: Exp) {
    code.when(face.is_born().eqz(), |code| face.refuse_with(code, face.unborn()));
    let to = face.regions.offer;
    let len = Exp::I32(size(face.layout.offer_size).cast_signed());
    code.push(Stm::Fill(at(to), Exp::I32(0), len));
    code.store(1, 0, to + size(offer::KIND), i32::from(kind));
    code.store(8, 0, to + size(offer::OBSERVED), at_instant);
    code.store(8, 0, to + size(offer::SERVED), load64(0, face.arena.served));
}

/// Ends with what the object says to the offer.
fn submit(face: &Face<'_>, code: &mut Code<'_, '_>) {
    code.push(Stm::Call(face.submit, Vec::new()));
    code.ret(Exp::Call(face.reply, Vec::new(), Ty::I32));
}

fn message(face: &Face<'_>, code: &mut Code<'_, '_>, passed: &Passed, index: usize, signed: bool) {
    let mut operands = passed.operands(code).into_iter();
    let mut next = || operands.next().expect("one list of operands for each parameter");
    let instant = next().remove(0);
    begin(face, code, offer::MESSAGE, instant);
    for slot in &face.layout.params[index] {
        lift(face, code, next(), slot);
    }
    let part = |offset: usize| face.regions.offer + size(face.layout.payload + offset);
    code.store(2, 0, part(offer::message::KIND), index as i32);
    if signed {
        let proper = Exp::Call(face.envelope, next(), Ty::I32);
        code.when(proper.eqz(), |code| face.refuse_with(code, face.malformed()));
    } else {
        code.store(2, 0, part(offer::message::ROLE), i32::from(NO_ROLE));
    }
    submit(face, code);
}

/// The function that all signed messages share.
pub(crate) fn define_envelope(face: &mut Face<'_>) -> FuncId {
    let types = envelope(face).flat();
    face.define(&types, Some(Ty::I32), |face, code| {
        const SIGNATURE: i32 = 64;
        let [role, key, key_len, epoch, counter, not_after, from, len, verified] = code.params();
        let part = |offset: usize| face.regions.offer + size(face.layout.payload + offset);
        code.store(2, 0, part(offer::message::ROLE), role);
        code.store(4, 0, part(offer::message::EPOCH), epoch);
        code.store(8, 0, part(offer::message::COUNTER), counter);
        code.store(8, 0, part(offer::message::NOT_AFTER), not_after);
        code.store(1, 0, part(offer::message::VERIFIED), verified);
        code.when(key_len.get().ne(32) | len.get().ne(SIGNATURE), |code| code.ret(0));
        code.push(Stm::Copy(at(part(offer::message::KEY)), key.get(), Exp::I32(32)));
        let to = at(part(offer::message::SIGNATURE));
        code.push(Stm::Copy(to, from.get(), Exp::I32(SIGNATURE)));
        code.ret(1);
    })
}

fn tick(face: &Face<'_>, code: &mut Code<'_, '_>, passed: &Passed) {
    let mut operands = passed.operands(code).into_iter();
    let mut next = || operands.next().expect("one list of operands for each parameter");
    let instant = next().remove(0);
    begin(face, code, offer::TICK, instant.clone());
    for (slot, (_, signed)) in face.layout.inputs.iter().zip(&face.world.inputs) {
        let mut given = next();
        let tag = given.remove(0);
        let body = code.nested(|code| {
            let record = face.regions.offer + size(slot.record);
            code.store(1, 0, record + size(offer::input::PRESENT), 1);
            if *signed {
                let word = given.split_off(given.len() - word().flat().len());
                lift_word(face, code, record, word);
            } else {
                code.store(8, 0, record + size(offer::input::AT), instant.clone());
            }
            lift(face, code, given, &slot.value);
        });
        code.push(Stm::If(tag, body, Vec::new()));
    }
    submit(face, code);
}

/// Writes whose word a reading is, and when it was so; ends with a refusal where it has not its form.
fn lift_word(face: &Face<'_>, code: &mut Code<'_, '_>, record: u32, word: Vec<Exp>) {
    const KEY: i32 = 32;
    const SIGNATURE: i32 = 64;
    let word: [Exp; 7] = word.try_into().expect("as many operands as `word` has");
    let [key, key_len, epoch, instant, from, len, verified] = word;
    code.when(key_len.ne(KEY) | len.ne(SIGNATURE), |code| face.refuse_with(code, face.malformed()));
    let part = |offset: usize| record + size(offset);
    code.store(8, 0, part(offer::input::AT), instant);
    code.store(4, 0, part(offer::input::EPOCH), epoch);
    code.store(1, 0, part(offer::input::VERIFIED), verified);
    code.push(Stm::Copy(at(part(offer::input::KEY)), key, Exp::I32(KEY)));
    code.push(Stm::Copy(at(part(offer::input::SIGNATURE)), from, Exp::I32(SIGNATURE)));
}

/// Writes a value into its slot of the offer; ends with a refusal where it has not its form.
fn lift(face: &Face<'_>, code: &mut Code<'_, '_>, operands: Vec<Exp>, slot: &Slot) {
    lift_to(face, code, operands, &slot.form, face.regions.offer + size(slot.offset));
}

fn lift_to(face: &Face<'_>, code: &mut Code<'_, '_>, mut operands: Vec<Exp>, form: &Form, to: u32) {
    let first = operands.remove(0);
    match form {
        Form::Bool => code.store(1, 0, to, first),
        Form::Number(width) | Form::Enum(width, _) => code.store(*width, 0, to, first),
        Form::Text(capacity) | Form::Bytes(capacity) => {
            let len = operands.remove(0);
            let too_long = Exp::I32(i32::from(*capacity)).lt_u(len.clone());
            code.when(too_long, |code| face.refuse_with(code, face.malformed()));
            code.store(2, 0, to, len.clone());
            code.push(Stm::Copy(at(to + 2), first, len));
        }
        Form::Bytes32 => {
            let other = operands.remove(0).ne(32);
            code.when(other, |code| face.refuse_with(code, face.malformed()));
            code.copy(at(to), first, 32);
        }
        Form::Union(_) | Form::Record(_) | Form::List(..) | Form::Set(..) | Form::Map(..) => {
            let len = size(form.size());
            let other = operands.remove(0).ne(len.cast_signed());
            code.when(other, |code| face.refuse_with(code, face.malformed()));
            code.copy(at(to), first, len);
        }
        Form::Option(form) => {
            code.store(1, 0, to, first.clone());
            let body = code.nested(|code| lift_to(face, code, operands, form, to + 1));
            code.push(Stm::If(first, body, Vec::new()));
        }
    }
}

/// What the object holds in the open, where it is born.
fn state(face: &Face<'_>, code: &mut Code<'_, '_>) {
    let result = face.arena.result;
    code.store(1, 0, result, face.is_born());
    let abis = face.world.fields.iter().map(|field| Abi::of(&field.ty, &face.enum_sizes));
    let abis: Vec<Abi> = abis.collect();
    let held = result + Abi::Record(abis.clone()).align();
    let offsets = Abi::offsets(&abis);
    let slots = face.layout.fields.iter().zip(&face.model.schema.fields);
    let public = slots.filter(|(_, field)| !field.private).map(|(slot, _)| slot);
    for ((slot, abi), offset) in public.zip(&abis).zip(offsets) {
        lower(code, &slot.form, face.arena.own + size(slot.offset), abi, held + offset);
    }
    code.ret(at(result));
}

/// Writes what stands in an image as a result.
fn lower(code: &mut Code<'_, '_>, form: &Form, from: u32, abi: &Abi, to: u32) {
    match (form, abi) {
        (Form::Bool, _) => code.store(1, 0, to, load32(1, 0, from)),
        (Form::Number(width), _) => code.store(8, 0, to, load_number(*width, 0, from)),
        (Form::Enum(width, variants), _) => {
            let bytes = discriminant(usize::from(*variants)) as u8;
            code.store(bytes, 0, to, load32(*width, 0, from));
        }
        (Form::Text(_) | Form::Bytes(_), _) => {
            code.store(4, 0, to, at(from + 2));
            code.store(4, 0, to + 4, load32(2, 0, from));
        }
        (Form::Bytes32, _) => {
            code.store(4, 0, to, at(from));
            code.store(4, 0, to + 4, 32);
        }
        (Form::Union(_) | Form::Record(_) | Form::List(..) | Form::Set(..) | Form::Map(..), _) => {
            code.store(4, 0, to, at(from));
            code.store(4, 0, to + 4, size(form.size()).cast_signed());
        }
        (Form::Option(form), Abi::Option(abi)) => {
            code.store(1, 0, to, load32(1, 0, from));
            lower(code, form, from + 1, abi, to + abi.align());
        }
        (
            Form::Option(_),
            Abi::Bool | Abi::S64 | Abi::U32 | Abi::U64 | Abi::Enum(_) | Abi::Bytes | Abi::Record(_),
        ) => unreachable!("an option is passed as one"),
    }
}
