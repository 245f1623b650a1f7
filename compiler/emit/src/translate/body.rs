//! A rule's body: statements run against the state as the rule found it, and what they would change
//! is kept apart until the rule commits.
//!
//! Next values live in locals. Texts and keys are addresses; where a rule sets two of them, one may
//! be the other's old value, so each is copied before any is stored. Events are written where the
//! step collects them, and count once the rule commits.

use crate::code::Code;
use crate::ir::{Exp, Stm, Var, at, load32};
use crate::kernel::cbor;
use crate::memory::{cell, foretold, size};
use crate::translate::admission::{offered, stamp};
use crate::translate::expr::{self, stands_in_memory};
use crate::translate::foretell::observing;
use crate::translate::out::Out;
use crate::translate::rule::refuse;
use crate::translate::scope::{self, Next, Scope, now, prediction_record};
use crate::translate::value::Val;
use crate::unit::Routine;
use aqo_model::Model;
use aqo_model::expr::{Edit, Shape, Stmt};
use aqo_model::form::Form;
use aqo_model::layout::{prediction, role as role_at};
use aqo_model::policy::{Reason, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// Whether any rule sets a field.
pub(crate) fn sets(model: &Model, field: u16) -> bool {
    model.policy.rules.iter().any(|rule| fields_set(rule).contains(&field))
}

fn fields_set(rule: &Rule) -> BTreeSet<u16> {
    let mut fields = fields_edited(rule);
    for stmt in &rule.body {
        stmt.walk(&mut |stmt| {
            if let Stmt::Set(field, _) = stmt {
                fields.insert(*field);
            }
        });
    }
    fields
}

/// Fields of which a rule changes parts.
fn fields_edited(rule: &Rule) -> BTreeSet<u16> {
    let mut fields = BTreeSet::new();
    for stmt in &rule.body {
        stmt.walk(&mut |stmt| {
            if let Stmt::Edit(field, ..) = stmt {
                fields.insert(*field);
            }
        });
    }
    fields
}

/// Whether any statement of a rule is such a one.
fn does(rule: &Rule, such: &dyn Fn(&Stmt) -> bool) -> bool {
    let mut does = false;
    for stmt in &rule.body {
        stmt.walk(&mut |stmt| does |= such(stmt));
    }
    does
}

/// What a rule writes for the entry while it runs; it counts once the rule commits.
struct Noted {
    /// Where the next one goes.
    next: Var,
    /// How many every path writes, and how many more this one does.
    count: (i32, Option<Var>),
    /// The cells of bytes and of how many, and where they are collected.
    cells: (u32, u32),
    buffer: u32,
}

impl Noted {
    fn new(code: &mut Code<'_, '_>, bytes: u32, count: u32, buffer: u32) -> Noted {
        let next = code.bind(load32(4, 0, bytes) + buffer.cast_signed());
        Noted { next, count: (0, None), cells: (bytes, count), buffer }
    }

    fn one_more(&mut self, code: &mut Code<'_, '_>, always: bool) {
        if always {
            self.count.0 += 1;
        } else {
            let more = *self.count.1.get_or_insert_with(|| code.var(crate::ir::Ty::I32));
            code.set(more, more + 1);
        }
    }

    fn commit(self, code: &mut Code<'_, '_>) {
        let (bytes, count) = self.cells;
        code.store(4, 0, bytes, self.next - self.buffer.cast_signed());
        let (all, more) = self.count;
        let total = load32(4, 0, count) + all;
        let total = more.into_iter().fold(total, |total, more| total + more);
        code.store(4, 0, count, total);
    }
}

/// What the body of a rule would do.
pub(crate) struct Candidate {
    /// Next values.
    pub(crate) fields: BTreeMap<u16, Next>,
    /// What is captured by each prediction, and whether the path makes it.
    foretold: BTreeMap<u16, (Vec<Val>, Option<Var>)>,
    events: Option<Noted>,
    changes: Option<Noted>,
    /// Roles that are bound anew: how, where the key is kept, and whether the path does so.
    bound: Vec<(u16, i32, u32, Option<Var>)>,
    /// Fields of which parts are changed, which stand in their stage, and whether the path does so.
    pub(crate) edited: BTreeMap<u16, Var>,
    /// Whether texts and keys are copied before they are stored.
    stages: bool,
    assured: bool,
    /// Whether a signed message's word is written.
    signed: bool,
}

impl Candidate {
    /// Runs the body.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what verify leaves possible, of many shapes"
    )]
    pub(crate) fn of(code: &mut Code<'_, '_>, rule: &Rule, scope: &mut Scope<'_>) -> Candidate {
        let fields = &code.unit.model.schema.fields;
        let types = &code.unit.model.schema.types;
        let in_memory = (fields_set(rule).into_iter())
            .filter(|f| stands_in_memory(&fields[usize::from(*f)].ty, types));
        let stages = in_memory.count() > 1;
        let map = code.unit.map.clone();
        let events = does(rule, &|stmt| matches!(stmt, Stmt::Emit(..)))
            .then(|| Noted::new(code, cell::EVENTS, cell::EVENT_COUNT, map.events));
        let model = code.unit.model;
        let logs = |stmt: &Stmt| match stmt {
            Stmt::Set(field, _) | Stmt::Edit(field, ..) => model.is_logged(*field),
            _ => false,
        };
        let changes = does(rule, &logs)
            .then(|| Noted::new(code, cell::CHANGES, cell::CHANGE_COUNT, map.changes));
        let mut candidate = Candidate {
            fields: BTreeMap::new(),
            foretold: BTreeMap::new(),
            events,
            changes,
            bound: Vec::new(),
            edited: BTreeMap::new(),
            stages,
            assured: rule.assured,
            signed: model.is_signed(rule),
        };
        for field in fields_edited(rule) {
            candidate.stage_field(code, field);
        }
        candidate.run(code, scope, &rule.body, true);
        candidate
    }

    /// Runs statements; `always` where every path that commits comes here.
    fn run(
        &mut self,
        code: &mut Code<'_, '_>,
        scope: &mut Scope<'_>,
        stmts: &[Stmt],
        always: bool,
    ) {
        for stmt in stmts {
            match stmt {
                Stmt::Let(local, value) => {
                    let value = expr::value(code, scope, value).atoms(code);
                    scope.locals.insert(*local, value);
                }
                Stmt::Set(field, value) => {
                    let value = expr::value(code, scope, value);
                    if code.unit.model.is_logged(*field) {
                        let value = value.clone().atoms(code);
                        let ty = &code.unit.model.schema.fields[usize::from(*field)].ty;
                        self.log(code, *field, always, |code, out| out.value(code, value, ty));
                    }
                    self.set(code, *field, value, always);
                }
                Stmt::Edit(field, path, edit, reason) => {
                    let change = (*field, &path[..], edit, *reason);
                    self.edit(code, scope, change, always);
                }
                Stmt::Bind(role, edit, reason) => {
                    let key = expr::value(code, scope, edit.value());
                    self.bind_role(code, scope, (*role, edit, *reason), key, always);
                }
                Stmt::Emit(event, args) => {
                    let args: Vec<Val> =
                        args.iter().map(|arg| expr::value(code, scope, arg)).collect();
                    self.say(code, *event, args, always);
                }
                Stmt::Predict(index, captures) => {
                    let captures =
                        captures.iter().map(|capture| expr::value(code, scope, capture)).collect();
                    self.foretell(code, *index, captures, always);
                }
                Stmt::Refuse(reason) => {
                    let refuses = scope.refuses.expect("a rule's body can refuse");
                    refuse(code, refuses, Reason(*reason));
                }
                Stmt::If(cond, then, otherwise) => {
                    let cond = expr::truth(code, scope, cond);
                    let then = code.nested(|code| self.run(code, scope, then, false));
                    let otherwise = code.nested(|code| self.run(code, scope, otherwise, false));
                    code.push(Stm::If(cond, then, otherwise));
                }
                Stmt::Match(subject, arms) => {
                    let subject = expr::value(code, scope, subject).atoms(code);
                    self.select(code, scope, &subject, arms);
                }
            }
        }
    }

    /// The first arm that fits; the last one fits where none before it does.
    fn select(
        &mut self,
        code: &mut Code<'_, '_>,
        scope: &mut Scope<'_>,
        subject: &Val,
        arms: &[(Vec<Shape>, Vec<Stmt>)],
    ) {
        code.block(|code, done| {
            for (index, (shapes, body)) in arms.iter().enumerate() {
                let fits = expr::fits(scope, subject, shapes);
                let mut stms = code.nested(|code| self.run(code, scope, body, false));
                if index + 1 == arms.len() {
                    stms.into_iter().for_each(|stm| code.push(stm));
                } else {
                    stms.push(Stm::Break(done));
                    code.push(Stm::If(fits, stms, Vec::new()));
                }
            }
        });
    }

    fn set(&mut self, code: &mut Code<'_, '_>, field: u16, value: Val, always: bool) {
        if let Some(flag) = self.edited.get(&field) {
            let form = code.unit.layout.fields[usize::from(field)].form.clone();
            value.store(code, &form, Exp::I32(0), stage_of(code, field));
            code.set(*flag, 1);
            return;
        }
        let value = if self.stages {
            let place = stage_of(code, field);
            let form = code.unit.layout.fields[usize::from(field)].form.clone();
            stage(code, value, &form, place)
        } else {
            value
        };
        if always {
            let value = settled(code, value);
            self.fields.insert(field, Next { value, set: None });
            return;
        }
        // Another path may set it to a collection that holds more, or fewer.
        let form = &code.unit.layout.fields[usize::from(field)].form;
        let form = if let Form::Option(form) = form { form } else { form }.clone();
        let value = value.widened(code, &form);
        let next = self.fields.entry(field).or_insert_with(|| {
            let (value, _) = value.vars(code);
            Next { value, set: Some(code.var(crate::ir::Ty::I32)) }
        });
        assign(code, &next.value, value);
        if let Some(set) = next.set {
            code.set(set, 1);
        }
    }

    /// Writes a change of a whole field for the entry.
    fn log(
        &mut self,
        code: &mut Code<'_, '_>,
        field: u16,
        always: bool,
        put: impl FnOnce(&mut Code<'_, '_>, &mut Out),
    ) {
        self.note_change(code, field, 2, always, put);
    }

    /// Writes a change of a part of a field for the entry.
    pub(crate) fn log_part(
        &mut self,
        code: &mut Code<'_, '_>,
        field: u16,
        always: bool,
        put: impl FnOnce(&mut Code<'_, '_>, &mut Out),
    ) {
        self.note_change(code, field, 4, always, put);
    }

    fn note_change(
        &mut self,
        code: &mut Code<'_, '_>,
        field: u16,
        elements: usize,
        always: bool,
        put: impl FnOnce(&mut Code<'_, '_>, &mut Out),
    ) {
        let noted = self.changes.as_mut().expect("a rule that changes such a field logs it");
        let declared = &code.unit.model.schema.fields[usize::from(field)];
        let attested = declared.attested.is_some();
        let mut out = Out::new(noted.next);
        out.array(elements + usize::from(attested));
        out.uint(declared.number);
        put(code, &mut out);
        if attested {
            out.truth(code, Exp::I32(self.signed.into()));
        }
        out.end(code);
        noted.one_more(code, always);
    }

    /// A role is to be bound anew; the rule is refused where there is no room for the key.
    fn bind_role(
        &mut self,
        code: &mut Code<'_, '_>,
        scope: &Scope<'_>,
        (role, edit, reason): (u16, &Edit, Option<u16>),
        key: Val,
        always: bool,
    ) {
        let place = code.unit.room(&Form::Bytes32);
        key.store(code, &Form::Bytes32, Exp::I32(0), place);
        let operation = match edit {
            Edit::Put(_) => 0,
            Edit::Add(_) => 1,
            Edit::Remove(_) => 2,
        };
        let max = code.unit.model.schema.roles[usize::from(role)].max;
        if let (Edit::Add(_), Some(reason), Some(max)) = (edit, reason, max) {
            let record = scope::role(code, role);
            let known = code.call(Routine::FindKey, [at(record), at(place)]);
            let full = Exp::I32(max.into()).le_u(load32(2, 0, record + size(role_at::COUNT)));
            let refuses = scope.refuses.expect("a rule's body can refuse");
            code.when(full & known.eqz(), |code| refuse(code, refuses, Reason(reason)));
        }
        let flag = (!always).then(|| {
            let flag = code.var(crate::ir::Ty::I32);
            code.set(flag, 1);
            flag
        });
        self.bound.push((role, operation, place, flag));
    }

    fn say(&mut self, code: &mut Code<'_, '_>, event: u16, args: Vec<Val>, always: bool) {
        let noted = self.events.as_mut().expect("a rule that says something collects it");
        let declared = &code.unit.model.schema.events[usize::from(event)];
        let mut out = Out::new(noted.next);
        out.array(3);
        out.uint(declared.number);
        out.array(args.len());
        for (arg, param) in args.into_iter().zip(&declared.params) {
            out.value(code, arg, &param.ty);
        }
        match declared.via {
            // Any other rule is held where the host lacks what carries this out.
            Some(bit) if self.assured => {
                let has = offered(code).shr_u(i64::from(bit)) & 1i64;
                out.truth(code, has.eqz());
            }
            Some(_) | None => out.bytes(&[cbor::FALSE]),
        }
        out.end(code);
        noted.one_more(code, always);
    }

    fn foretell(&mut self, code: &mut Code<'_, '_>, index: u16, captures: Vec<Val>, always: bool) {
        if always {
            let captures = captures.into_iter().map(|capture| settled(code, capture)).collect();
            self.foretold.insert(index, (captures, None));
            return;
        }
        let (kept, made) = self.foretold.entry(index).or_insert_with(|| {
            let kept = captures.iter().map(|capture| capture.vars(code).0).collect();
            (kept, Some(code.var(crate::ir::Ty::I32)))
        });
        let made = made.expect("a prediction is made once on a path");
        for (kept, capture) in kept.iter().zip(captures) {
            assign(code, kept, capture);
        }
        code.set(made, 1);
    }

    /// Takes everything together. Predictions come first: what they capture may be the old value of
    /// a text that is set.
    pub(crate) fn commit(self, code: &mut Code<'_, '_>, index: u16) {
        for (prediction, (captures, made)) in self.foretold {
            guarded(code, made, |code| make(code, prediction, captures));
        }
        let (layout, map) = (code.unit.layout, code.unit.map.clone());
        for (field, next) in self.fields {
            guarded(code, next.set, |code| {
                let slot = &layout.fields[usize::from(field)];
                next.value.store(code, &slot.form, Exp::I32(0), map.image + size(slot.offset));
                if !code.unit.model.is_logged(field) {
                    code.store(1, 0, map.written + u32::from(field), 1);
                }
                if let Some(flag) = scope::signed(layout, map.image, field) {
                    code.store(1, 0, flag, i32::from(self.signed));
                }
            });
        }
        stamp(code, index);
        for (role, operation, place, flag) in self.bound {
            guarded(code, flag, |code| {
                code.run(Routine::BindRole(role), [Exp::I32(operation), at(place)]);
                note_binding(code, role, operation, place);
            });
        }
        self.events.into_iter().chain(self.changes).for_each(|noted| noted.commit(code));
    }
}

/// Writes for the entry that a role was bound anew.
fn note_binding(code: &mut Code<'_, '_>, role: u16, operation: i32, place: u32) {
    let buffer = code.unit.map.bound;
    let number = code.unit.model.schema.roles[usize::from(role)].number;
    let next = code.bind(load32(4, 0, cell::BOUND) + buffer.cast_signed());
    let mut out = Out::new(next);
    out.array(3);
    out.uint(number);
    out.uint(operation as u16);
    out.from(code, Routine::PutBytes32, at(place));
    let end = out.end(code);
    code.store(4, 0, cell::BOUND, end - buffer.cast_signed());
    code.store(4, 0, cell::BOUND_COUNT, load32(4, 0, cell::BOUND_COUNT) + 1);
}

/// On the paths that a flag marks; everywhere without one.
fn guarded(code: &mut Code<'_, '_>, flag: Option<Var>, fill: impl FnOnce(&mut Code<'_, '_>)) {
    match flag {
        None => fill(code),
        Some(flag) => {
            let body = code.nested(|code| fill(code));
            code.push(Stm::If(flag.get(), body, Vec::new()));
        }
    }
}

fn assign(code: &mut Code<'_, '_>, vars: &Val, value: Val) {
    for (var, part) in vars.clone().parts().into_iter().zip(value.parts()) {
        let Exp::Var(var) = var else { unreachable!("a value is assigned to locals") };
        code.set(var, part);
    }
}

/// A value in operands that no store changes: constants, locals, and what the offer says.
fn settled(code: &mut Code<'_, '_>, value: Val) -> Val {
    let offer = code.unit.map.offer..code.unit.map.outcome;
    value.map(&mut |part| match &part {
        Exp::I32(_) | Exp::I64(_) | Exp::Var(_) => part,
        Exp::Load(_, base, offset) if matches!(**base, Exp::I32(0)) && offer.contains(offset) => {
            part
        }
        Exp::Load(..)
        | Exp::Unary(..)
        | Exp::Binary(..)
        | Exp::If(..)
        | Exp::Select(..)
        | Exp::AtMost(..)
        | Exp::Call(..) => code.bind(part).get(),
    })
}

/// Where a field's next value is kept before it is stored.
pub(crate) fn stage_of(code: &Code<'_, '_>, field: u16) -> u32 {
    let before = &code.unit.layout.fields[..usize::from(field)];
    let bytes: u32 = before.iter().map(|slot| size(slot.form.size()).next_multiple_of(8)).sum();
    code.unit.map.stage + bytes
}

/// Copies what stands in memory to a place of its own.
fn stage(code: &mut Code<'_, '_>, value: Val, form: &Form, place: u32) -> Val {
    match (value, form) {
        (Val::Text(from), _) => Val::Text(stage_bytes(code, from, form, place)),
        (Val::Bytes(from), _) => Val::Bytes(stage_bytes(code, from, form, place)),
        (Val::Bytes32(from), _) => {
            code.copy(at(place), from, 32);
            Val::Bytes32(at(place))
        }
        (Val::Whole(found, from), _) => {
            Val::Whole(found, from).store(code, form, Exp::I32(0), place);
            Val::Whole(form.clone(), at(place))
        }
        (Val::Option(tag, held), Form::Option(form)) => {
            let tag = code.atom(tag);
            let (body, held) = code.nested_with(|code| stage(code, *held, form, place));
            // Where nothing is held, nothing needs a place.
            if tag.constant() != Some(0) {
                code.push(Stm::If(tag.clone(), body, Vec::new()));
            }
            Val::Option(tag, Box::new(held))
        }
        (value, _) => value,
    }
}

fn stage_bytes(code: &mut Code<'_, '_>, from: Exp, form: &Form, place: u32) -> Exp {
    let from = code.atom(from);
    let whole = (load32(2, from.clone(), 0) + 2).at_most(size(form.size()));
    code.push(Stm::Copy(at(place), from, whole));
    at(place)
}

/// A prediction is made; while it is open, a second one is dropped.
fn make(code: &mut Code<'_, '_>, index: u16, captures: Vec<Val>) {
    let (record, _) = prediction_record(code, index);
    let note = code.unit.map.foretold + foretold::SIZE * u32::from(index);
    let observing = observing(code);
    let (layout, image) = (code.unit.layout, code.unit.map.image);
    code.when(observing.eqz(), |code| {
        code.either(
            load32(1, 0, record + size(prediction::OPEN)),
            |code| {
                // A step makes it at most once for each rule, so the count fits.
                let dropped = load32(2, 0, note + foretold::DROPPED) + 1;
                code.store(2, 0, note + foretold::DROPPED, dropped);
            },
            |code| {
                code.store(1, 0, note + foretold::MADE, 1);
                // Open and, until it is looked at, worth something.
                code.bytes(at(record), size(prediction::OPEN), &[1, 1]);
                code.store(8, 0, record + size(prediction::MADE), now());
                let (_, slots) = &layout.predictions[usize::from(index)];
                for (slot, capture) in slots.iter().zip(captures) {
                    capture.store(code, &slot.form, Exp::I32(0), image + size(slot.offset));
                }
            },
        );
    });
}
