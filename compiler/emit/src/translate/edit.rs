//! Changes of parts of fields: the twin of `aqo_model::edit`.
//!
//! A field of which a rule changes parts is copied to its stage before the body runs; the parts are
//! changed there, while everything that is read still stands in the image.

use crate::code::Code;
use crate::ir::{Exp, Ty, Var, at, load32};
use crate::memory::size;
use crate::translate::body::{Candidate, stage_of};
use crate::translate::collection::{key_to_find, key_to_keep, part_of};
use crate::translate::expr::{self, literal};
use crate::translate::out::Out;
use crate::translate::rule::refuse;
use crate::translate::scope::{Next, Scope};
use crate::translate::value::{Val, beyond};
use crate::unit::Routine;
use aqo_model::expr::{Edit, Expr, Step};
use aqo_model::form::{COUNT, Form};
use aqo_model::policy::Reason;
use aqo_model::types::Type;

/// Where a part stands: its form and its address.
struct Part {
    form: Form,
    base: Exp,
    offset: u32,
}

/// A step, as the code takes it: the index of a part, or a key.
enum Way {
    Part(u16),
    Key(Val),
}

impl Candidate {
    /// Copies a field to where its parts are changed.
    pub(crate) fn stage_field(&mut self, code: &mut Code<'_, '_>, field: u16) {
        let place = stage_of(code, field);
        let slot = &code.unit.layout.fields[usize::from(field)];
        let from = code.unit.map.image + size(slot.offset);
        code.copy(at(place), at(from), size(slot.form.size()));
        let value = Val::load(&slot.form, Exp::I32(0), place);
        let set = code.var(Ty::I32);
        self.edited.insert(field, set);
        self.fields.insert(field, Next { value, set: Some(set) });
    }

    /// Changes a part; the rule is refused where it has no place.
    pub(crate) fn edit(
        &mut self,
        code: &mut Code<'_, '_>,
        scope: &mut Scope<'_>,
        (field, path, edit, reason): (u16, &[Step], &Edit, Option<u16>),
        always: bool,
    ) {
        let (steps, value) = operands(code, scope, path, edit.value());
        let logged = value.clone();
        let mut written = Vec::new();
        let form = code.unit.layout.fields[usize::from(field)].form.clone();
        let mut part = Part { form, base: Exp::I32(0), offset: stage_of(code, field) };
        let mut ty = code.unit.model.schema.fields[usize::from(field)].ty.clone();
        let place = Place { scope, reason };
        for (k, (step, way)) in path.iter().zip(&steps).enumerate() {
            let adds = k + 1 == steps.len() && matches!(edit, Edit::Put(_));
            part = place.step(code, part, way, adds);
            written.push(written_step(code, &ty, way));
            ty = inside(code, &ty, step);
        }
        match edit {
            Edit::Put(_) => value.store(code, &part.form, part.base, part.offset),
            Edit::Add(_) => place.add(code, &part, &ty, value),
            Edit::Remove(_) => remove(code, &part, value),
        }
        let put = if let Edit::Put(_) = edit { &ty } else { item_of(&ty) };
        self.log_edit(code, field, always, (written, edit, logged, put));
        code.set(self.edited[&field], 1);
    }

    fn log_edit(
        &mut self,
        code: &mut Code<'_, '_>,
        field: u16,
        always: bool,
        (steps, edit, value, ty): (Vec<Written>, &Edit, Val, &Type),
    ) {
        let op = match edit {
            Edit::Put(_) => 0,
            Edit::Add(_) => 1,
            Edit::Remove(_) => 2,
        };
        self.log_part(code, field, always, |code, out: &mut Out| {
            out.array(steps.len());
            for step in steps {
                match step {
                    Written::Part(number) => out.uint(number),
                    Written::Key(key, ty) => out.value(code, key, &ty),
                }
            }
            out.uint(op);
            out.value(code, value, ty);
        });
    }
}

/// The keys on the way and the value, in operands that may stand more than once.
fn operands(
    code: &mut Code<'_, '_>,
    scope: &mut Scope<'_>,
    path: &[Step],
    value: &Expr,
) -> (Vec<Way>, Val) {
    let steps = path.iter().map(|step| match step {
        Step::Part(part) => Way::Part(*part),
        Step::At(key) => Way::Key(expr::value(code, scope, key).atoms(code)),
    });
    let steps = steps.collect();
    let value = expr::value(code, scope, value).atoms(code);
    (steps, value)
}

/// A step as an entry has it: the stable number of a part, or a key of a type.
enum Written {
    Part(u16),
    Key(Val, Type),
}

fn written_step(code: &Code<'_, '_>, ty: &Type, way: &Way) -> Written {
    match (way, ty) {
        (Way::Part(part), Type::Record(index)) => {
            Written::Part(code.unit.model.schema.types.part_numbers(*index).at(*part))
        }
        (Way::Key(key), ty) => {
            let (of, _) = aqo_model::edit::inside(ty).expect("verify steps into what has parts");
            Written::Key(key.clone(), of)
        }
        (Way::Part(_), _) => unreachable!("verify steps into what has parts"),
    }
}

/// What a collection holds, or what a map looks up.
fn item_of(ty: &Type) -> &Type {
    ty.items().expect("verify adds to and removes from collections").0
}

fn inside(code: &Code<'_, '_>, ty: &Type, step: &Step) -> Type {
    match (step, ty) {
        (Step::Part(part), Type::Record(index)) => {
            code.unit.model.schema.types.parts(*index)[usize::from(*part)].ty.clone()
        }
        (Step::At(_), _) => {
            let (_, held) = aqo_model::edit::inside(ty).expect("verify steps into what has parts");
            held.clone()
        }
        (Step::Part(_), _) => unreachable!("verify steps into what has parts"),
    }
}

/// What happens where there is no place.
struct Place<'s, 'p> {
    scope: &'s Scope<'p>,
    reason: Option<u16>,
}

impl Place<'_, '_> {
    fn unless(&self, code: &mut Code<'_, '_>, holds: Exp) {
        // Without a reason there always is a place.
        let Some(reason) = self.reason else { return };
        let refuses = self.scope.refuses.expect("a rule's body can refuse");
        code.when(holds.eqz(), |code| refuse(code, refuses, Reason(reason)));
    }

    fn step(&self, code: &mut Code<'_, '_>, part: Part, way: &Way, adds: bool) -> Part {
        match (way, &part.form) {
            (Way::Part(index), form) => {
                let (form, offset) = part_of(form, *index);
                Part { form: form.clone(), base: part.base, offset: part.offset + offset }
            }
            (Way::Key(key), Form::List(item, _)) => {
                let list = code.bind(beyond(part.base, part.offset));
                let place = code.atom(key.clone().number());
                let there = place.clone().lt_u(load32(2, list, 0).extend());
                self.unless(code, there);
                let stride = size(item.size()).cast_signed();
                let base = code.bind(list + place.wrap() * stride);
                Part { form: (**item).clone(), base: base.get(), offset: size(COUNT) }
            }
            (Way::Key(key), Form::Map(key_form, held, _)) => {
                let map = beyond(part.base.clone(), part.offset);
                let base = self.item(code, (&part.form, key_form), map, key, adds);
                let offset = size(key_form.size());
                Part { form: (**held).clone(), base: base.get(), offset }
            }
            _ => unreachable!("verify steps into what has parts"),
        }
    }

    /// The address of a key's item, which is added where that is wanted.
    fn item(
        &self,
        code: &mut Code<'_, '_>,
        (form, key_form): (&Form, &Form),
        map: Exp,
        key: &Val,
        adds: bool,
    ) -> Var {
        let number = code.unit.form(form);
        if adds {
            let key = key_to_keep(code, key_form, key.clone());
            let item = code.call(Routine::Insert(number), [map, key]);
            let item = code.bind(item);
            self.unless(code, item.get().ne(0));
            return item;
        }
        let (stride, _) = form.items().expect("a map has items");
        let map = code.bind(map);
        let key = key_to_find(code, key_form, key.clone());
        let found = code.call(Routine::Seek(number), [map.get(), key]);
        let found = code.bind(found);
        self.unless(code, found & 1);
        let place = found.get().shr_u(1) * size(stride).cast_signed();
        code.bind((map + size(COUNT).cast_signed()) + place)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what verify leaves possible, of many shapes"
    )]
    fn add(&self, code: &mut Code<'_, '_>, part: &Part, ty: &Type, value: Val) {
        let number = code.unit.form(&part.form);
        let coll = code.bind(beyond(part.base.clone(), part.offset));
        match &part.form {
            Form::Set(item, _) => {
                let key = key_to_keep(code, item, value);
                let place = code.call(Routine::Insert(number), [coll.get(), key]);
                let place = code.bind(place);
                self.unless(code, place.get().ne(0));
            }
            Form::List(item, max) => {
                if !matches!(ty, Type::Ring { .. }) {
                    let room = load32(2, coll, 0).lt_u(literal(usize::from(*max)));
                    self.unless(code, room);
                }
                let place = code.call(Routine::Grow(number), [coll.get()]);
                let place = code.bind(place);
                value.store(code, item, place.get(), 0);
            }
            _ => unreachable!("verify adds to collections"),
        }
    }
}

fn remove(code: &mut Code<'_, '_>, part: &Part, value: Val) {
    let (Form::Set(key_form, _) | Form::Map(key_form, ..)) = &part.form else {
        unreachable!("verify removes from sets and maps");
    };
    let number = code.unit.form(&part.form);
    let coll = beyond(part.base.clone(), part.offset);
    let key = key_to_find(code, key_form, value);
    code.run(Routine::Remove(number), [coll, key]);
}
