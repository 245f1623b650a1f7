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
use crate::translate::rule::refuse;
use crate::translate::scope::{self, Next, Scope, now, prediction_record};
use crate::translate::value::{Out, Val};
use aqo_model::Model;
use aqo_model::expr::{Shape, Stmt};
use aqo_model::layout::prediction;
use aqo_model::policy::{Reason, Rule, Trigger};
use std::collections::{BTreeMap, BTreeSet};

/// Whether any rule sets a field.
pub(crate) fn sets(model: &Model, field: u16) -> bool {
    model.policy.rules.iter().any(|rule| fields_set(rule).contains(&field))
}

fn fields_set(rule: &Rule) -> BTreeSet<u16> {
    let mut fields = BTreeSet::new();
    for stmt in &rule.body {
        stmt.walk(&mut |stmt| {
            if let Stmt::Set(field, _) = stmt {
                fields.insert(*field);
            }
        });
    }
    fields
}

fn says(rule: &Rule) -> bool {
    let mut says = false;
    for stmt in &rule.body {
        stmt.walk(&mut |stmt| says |= matches!(stmt, Stmt::Emit(..)));
    }
    says
}

/// What the body of a rule would do.
pub(crate) struct Candidate {
    /// Next values.
    pub(crate) fields: BTreeMap<u16, Next>,
    /// What is captured by each prediction, and whether the path makes it.
    foretold: BTreeMap<u16, (Vec<Val>, Option<Var>)>,
    /// Where the next event goes.
    events: Option<Var>,
    /// How many events every path says, and how many more this one does.
    said: (i32, Option<Var>),
    /// Whether texts and keys are copied before they are stored.
    stages: bool,
    assured: bool,
}

impl Candidate {
    /// Runs the body.
    pub(crate) fn of(code: &mut Code<'_, '_>, rule: &Rule, scope: &mut Scope<'_>) -> Candidate {
        let fields = &code.unit.model.schema.fields;
        let in_memory =
            fields_set(rule).into_iter().filter(|f| stands_in_memory(&fields[usize::from(*f)].ty));
        let stages = in_memory.count() > 1;
        let events = says(rule).then(|| {
            let buffer = code.unit.map.events.cast_signed();
            code.bind(load32(4, 0, cell::EVENTS) + buffer)
        });
        let mut candidate = Candidate {
            fields: BTreeMap::new(),
            foretold: BTreeMap::new(),
            events,
            said: (0, None),
            stages,
            assured: rule.assured,
        };
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
                    self.set(code, *field, value, always);
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
        let value = if self.stages {
            let place = stage_of(code, field);
            stage(code, value, place)
        } else {
            value
        };
        if always {
            let value = settled(code, value);
            self.fields.insert(field, Next { value, set: None });
            return;
        }
        let next = self.fields.entry(field).or_insert_with(|| {
            let (value, _) = value.vars(code);
            Next { value, set: Some(code.var(crate::ir::Ty::I32)) }
        });
        assign(code, &next.value, value);
        if let Some(set) = next.set {
            code.set(set, 1);
        }
    }

    fn say(&mut self, code: &mut Code<'_, '_>, event: u16, args: Vec<Val>, always: bool) {
        let next = self.events.expect("a rule that says something collects it");
        let declared = &code.unit.model.schema.events[usize::from(event)];
        let mut out = Out::new(next);
        out.array(3);
        out.uint(declared.number);
        out.array(args.len());
        for arg in args {
            out.value(code, arg);
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
        if always {
            self.said.0 += 1;
        } else {
            let more = *self.said.1.get_or_insert_with(|| code.var(crate::ir::Ty::I32));
            code.set(more, more + 1);
        }
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
        let signed = match code.unit.model.policy.rules[usize::from(index)].on {
            Trigger::Tick => 0,
            Trigger::Message(kind) => {
                i32::from(!code.unit.model.schema.messages[usize::from(kind)].from.is_empty())
            }
        };
        let (layout, map) = (code.unit.layout, code.unit.map.clone());
        for (field, next) in self.fields {
            guarded(code, next.set, |code| {
                let slot = &layout.fields[usize::from(field)];
                next.value.store(code, &slot.form, map.image + size(slot.offset));
                code.store(1, 0, map.written + u32::from(field), 1);
                if let Some(flag) = scope::signed(layout, map.image, field) {
                    code.store(1, 0, flag, signed);
                }
            });
        }
        stamp(code, index);
        if let Some(next) = self.events {
            code.store(4, 0, cell::EVENTS, next - map.events.cast_signed());
            let (all, more) = self.said;
            let count = load32(4, 0, cell::EVENT_COUNT) + all;
            let count = more.into_iter().fold(count, |count, more| count + more);
            code.store(4, 0, cell::EVENT_COUNT, count);
        }
    }
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
        | Exp::Call(..) => code.bind(part).get(),
    })
}

/// Where a field's next value is kept before it is stored.
fn stage_of(code: &Code<'_, '_>, field: u16) -> u32 {
    let before = &code.unit.layout.fields[..usize::from(field)];
    let bytes: u32 = before.iter().map(|slot| size(slot.form.size()).next_multiple_of(8)).sum();
    code.unit.map.stage + bytes
}

/// Copies a text or key to a place of its own.
fn stage(code: &mut Code<'_, '_>, value: Val, place: u32) -> Val {
    match value {
        Val::Text(from) => {
            let from = code.atom(from);
            let whole = load32(2, from.clone(), 0) + 2;
            code.push(Stm::Copy(at(place), from, whole));
            Val::Text(at(place))
        }
        Val::Bytes32(from) => {
            code.copy(at(place), from, 32);
            Val::Bytes32(at(place))
        }
        Val::Option(tag, held) => {
            let tag = code.atom(tag);
            let (body, held) = code.nested_with(|code| stage(code, *held, place));
            // Where nothing is held, nothing needs a place.
            if tag.constant() != Some(0) {
                code.push(Stm::If(tag.clone(), body, Vec::new()));
            }
            Val::Option(tag, Box::new(held))
        }
        Val::Bool(_) | Val::Number(_) | Val::Variant(_) => value,
    }
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
                    capture.store(code, &slot.form, image + size(slot.offset));
                }
            },
        );
    });
}
