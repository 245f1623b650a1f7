//! The interface `aqo:object/lifecycle`: everything in bytes.

use super::module::{Face, time_of};
use crate::code::Code;
use crate::ir::{Exp, Stm, Ty, at, load32, load64};
use crate::memory::size;
use aqo_model::layout::{offer, outcome};
use aqo_model::policy::Reason;

/// Offsets in an `outcome`.
mod answer {
    pub(super) const ENTRY: [u32; 3] = [0, 4, 8];
    pub(super) const IMAGE: [u32; 2] = [12, 16];
    pub(super) const REPLY: u32 = 20;
    pub(super) const SERVED: u32 = 24;
    pub(super) const NEXT_DUE: u32 = 32;
}

/// Offsets in a `description`.
mod description {
    pub(super) const OBJECT: [u32; 2] = [0, 4];
    pub(super) const VERSION: u32 = 8;
    pub(super) const CLASS: [u32; 2] = [12, 16];
    pub(super) const IMAGE_SIZE: u32 = 20;
    pub(super) const OFFER_SIZE: u32 = 24;
}

/// Bytes of a digest.
const DIGEST: u32 = 32;

/// Adds the functions of the interface.
pub(crate) fn define(face: &mut Face<'_>) {
    let interface = aqo_stdlib::LIFECYCLE;
    face.export(interface, "describe", &[], Ty::I32, describe);
    for (name, kind) in
        [("birth", offer::BIRTH), ("tick", offer::TICK), ("message", offer::MESSAGE)]
    {
        face.export(interface, name, &[Ty::I32; 2], Ty::I32, |face, code| hear(face, code, kind));
    }
    face.export(interface, "save", &[], Ty::I32, save);
    face.export(interface, "restore", &[Ty::I32; 2], Ty::I32, restore);
    face.export(interface, "wake", &[], Ty::I64, |face, code| {
        code.ret(load64(0, face.arena.next_due))
    });
    face.export(interface, "step", &[Ty::I32; 4], Ty::I32, step);
}

fn put_list(
    code: &mut Code<'_, '_>,
    result: u32,
    [from_at, len_at]: [u32; 2],
    from: Exp,
    len: Exp,
) {
    code.store(4, 0, result + from_at, from);
    code.store(4, 0, result + len_at, len);
}

fn number(number: u32) -> Exp {
    at(number)
}

fn describe(face: &Face<'_>, code: &mut Code<'_, '_>) {
    let (result, name) = (face.arena.result, face.model.full_name());
    code.bytes(at(face.arena.name), 0, name.as_bytes());
    put_list(code, result, description::OBJECT, at(face.arena.name), number(size(name.len())));
    code.store(4, 0, result + description::VERSION, number(face.model.schema.version));
    put_list(code, result, description::CLASS, at(face.regions.class), number(DIGEST));
    let sizes = [
        (description::IMAGE_SIZE, face.layout.image_size),
        (description::OFFER_SIZE, face.layout.offer_size),
    ];
    for (offset, bytes) in sizes {
        code.store(4, 0, result + offset, number(size(bytes)));
    }
    code.ret(at(result));
}

/// An offer of one kind before the instance's own image.
fn hear(face: &Face<'_>, code: &mut Code<'_, '_>, kind: u8) {
    let [from, len] = code.params();
    let wanted = number(size(face.layout.offer_size));
    let own = (at(face.arena.own), number(size(face.layout.image_size)));
    let mut proper = len.get().eq(wanted.clone()).and_then(load32(1, from, 0).eq(i32::from(kind)));
    if kind != offer::BIRTH {
        proper = proper.and_then(face.is_born());
    }
    code.when(proper.eqz(), |code| decline(face, code, own.clone()));
    code.push(Stm::Copy(at(face.regions.offer), from.get(), wanted));
    code.push(Stm::Call(face.submit, Vec::new()));
    answered(face, code, own);
}

fn step(face: &Face<'_>, code: &mut Code<'_, '_>) {
    let [image, image_len, from, len] = code.params();
    let image_size = number(size(face.layout.image_size));
    let offer_size = number(size(face.layout.offer_size));
    let proper = image_len.get().eq(image_size.clone()) & len.get().eq(offer_size.clone());
    code.when(proper.eqz(), |code| decline(face, code, (image.get(), image_len.get())));
    face.copy_image(code, at(face.regions.image), image.get());
    code.push(Stm::Copy(at(face.regions.offer), from.get(), offer_size));
    face.step(code);
    answered(face, code, (at(face.regions.image), image_size));
}

/// Ends with what the outcome says.
fn answered(face: &Face<'_>, code: &mut Code<'_, '_>, image: (Exp, Exp)) {
    let result = face.arena.result;
    let [there, from, len] = answer::ENTRY;
    code.store(1, 0, result + there, load32(1, 0, face.outcome(outcome::STATUS)));
    put_list(
        code,
        result,
        [from, len],
        at(face.outcome(outcome::BODY)),
        load32(4, 0, face.outcome(outcome::LENGTH)),
    );
    let reply = load32(2, 0, face.outcome(outcome::REPLY));
    let served = load64(0, face.outcome(outcome::SERVED));
    let next_due = load64(0, face.outcome(outcome::NEXT_DUE));
    end(face, code, image, reply, served, next_due);
}

/// Ends with the answer to what is no offer: everything is as it was.
fn decline(face: &Face<'_>, code: &mut Code<'_, '_>, image: (Exp, Exp)) {
    code.store(1, 0, face.arena.result + answer::ENTRY[0], 0);
    let reply = Exp::I32(Reason::MALFORMED.0.into());
    let served = load64(0, face.arena.served);
    let next_due = load64(0, face.arena.next_due);
    end(face, code, image, reply, served, next_due);
}

fn end(
    face: &Face<'_>,
    code: &mut Code<'_, '_>,
    (image, len): (Exp, Exp),
    reply: Exp,
    served: Exp,
    next_due: Exp,
) {
    let result = face.arena.result;
    put_list(code, result, answer::IMAGE, image, len);
    code.store(2, 0, result + answer::REPLY, reply);
    code.store(8, 0, result + answer::SERVED, served);
    code.store(8, 0, result + answer::NEXT_DUE, next_due);
    face.release(code);
    code.ret(at(result));
}

fn save(face: &Face<'_>, code: &mut Code<'_, '_>) {
    let len = number(size(face.layout.image_size));
    put_list(code, face.arena.result, [0, 4], at(face.arena.own), len);
    code.ret(at(face.arena.result));
}

fn restore(face: &Face<'_>, code: &mut Code<'_, '_>) {
    let [from, len] = code.params();
    face.release(code);
    let other = len.get().ne(number(size(face.layout.image_size)));
    code.when(other, |code| code.ret(0));
    face.copy_image(code, at(face.arena.own), from.get());
    // Where nobody says what was judged since, it was judged up to the last entry.
    code.store(8, 0, face.arena.served, time_of(face.arena.own));
    code.store(8, 0, face.arena.next_due, 0i64);
    code.ret(1);
}
