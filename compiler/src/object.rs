//! The declarations of one object to its [`Shape`] and its schema.
//!
//! Invariant: a declaration that was not understood keeps its place and is noted, so that its uses
//! are no second mistake. Knows no rule's body but the words in it.

mod cycle;
mod message;
mod order;

use self::order::NumbersOf;
use crate::check::Checker;
use crate::codes::Code;
use crate::constant;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, PREDECLARED, not_yet, predeclared, taken, unknown};
use crate::lock::{Kind, Numbered, own_reasons};
use crate::outside::collisions;
use crate::shape::{Def, Shape, Slot};
use crate::types;
use crate::words::Words;
use aqo_grammar::tree::{self, Act, At, ExprKind, Mark, MemberKind, Name, Part};
use aqo_model::Model;
use aqo_model::expr::Expr;
use aqo_model::limits;
use aqo_model::numbers::Numbers;
use aqo_model::policy::Policy;
use aqo_model::schema::{
    Change, Default as FieldDefault, Derive, Event, Field, Input, Role, Schema,
};
use aqo_model::types::{Bounds, Param, Type};

/// A Model that declares the types and functions of a file and nothing else.
pub fn empty_model(globals: &Globals) -> Model {
    Model { schema: empty_schema(globals), policy: empty_policy() }
}

fn empty_schema(globals: &Globals) -> Schema {
    Schema {
        model: aqo_model::MODEL_VERSION,
        package: globals.module.clone(),
        object: String::new(),
        version: 1,
        intent: String::new(),
        types: globals.types.clone(),
        roles: Vec::new(),
        fields: Vec::new(),
        functions: globals.functions.clone(),
        derives: Vec::new(),
        inputs: Vec::new(),
        messages: Vec::new(),
        events: Vec::new(),
        capabilities: Vec::new(),
        cycles: Vec::new(),
    }
}

/// A policy that allows nothing, because it has no rules.
pub fn empty_policy() -> Policy {
    Policy {
        rules: Vec::new(),
        predictions: Vec::new(),
        flows: Vec::new(),
        always: Vec::new(),
        limits: Vec::new(),
        trust: None,
        hosts: None,
        upgrade: None,
        retain: None,
        dormant: None,
        ends: None,
        reasons: Vec::new(),
        reason_numbers: Numbers::NONE,
    }
}

/// Reads the declarations of the object that is item `item` of its file.
pub fn shape(
    globals: &Globals,
    numbered: &Numbered,
    item: usize,
    object: &tree::Object,
    doc: Option<&str>,
) -> Shape {
    let numbers = NumbersOf { numbered, module: &globals.module, object: &object.name.text };
    let mut builder = Builder {
        globals,
        numbers,
        item,
        cycles: 0,
        shape: Shape::default(),
        schema: empty_schema(globals),
    };
    builder.doc("object", doc);
    builder.header(object);
    builder.reasons(object);
    let order = builder.numbers.order(object);
    for member in &order {
        builder.names(*member, &object.members[*member].node);
    }
    for member in &order {
        builder.declare(*member, &object.members[*member]);
    }
    builder.counts(object);
    builder.shape.problems.extend(collisions(item, object));
    builder.shape.schema = Some(Box::new(builder.schema));
    builder.shape
}

struct Builder<'b> {
    globals: &'b Globals,
    numbers: NumbersOf<'b>,
    item: usize,
    /// How many cycles were named.
    cycles: usize,
    shape: Shape,
    schema: Schema,
}

impl Builder<'_> {
    fn part(&self, member: usize) -> PartId {
        PartId { item: self.item, member: Some(member) }
    }

    fn doc(&mut self, path: &str, doc: Option<&str>) {
        if let Some(doc) = doc {
            self.shape.docs.push((path.to_owned(), doc.to_owned()));
        }
    }

    fn header(&mut self, object: &tree::Object) {
        self.schema.object = object.name.text.clone();
        let at = Loc { part: PartId { item: self.item, member: None }, at: object.version.at };
        match object.version.text.replace('_', "").parse() {
            Ok(version) if version > 0 => self.schema.version = version,
            _ => self.shape.problems.push(Problem::new(
                Code::OutOfRange,
                at,
                "a version is a whole number from 1",
            )),
        }
    }

    /// First pass: every name, so that order means nothing. Of each kind the lowest number comes first.
    fn names(&mut self, member: usize, node: &MemberKind) {
        let part = self.part(member);
        let next = |list: usize| u16::try_from(list).unwrap_or(u16::MAX);
        match node {
            MemberKind::Role(role) => {
                let (number, name) = (self.number(Kind::Role, &role.name), role.name.text.clone());
                if self.numbers.open_role().is_some_and(|open| open < number) {
                    self.open_role();
                }
                let index = next(self.schema.roles.len());
                self.define(&role.name, Def::Role(index), part);
                let max = role.size.as_ref().and_then(|size| self.role_size(size, part));
                self.schema.roles.push(Role { number, name, max, open: false });
            }
            MemberKind::Field(field) => {
                let index = next(self.shape.field_places.len());
                let place = self.define(&field.param.name, Def::Field(index), part);
                self.shape.field_places.push(place);
            }
            MemberKind::Derive(derive) => {
                let index = next(self.shape.derive_types.len());
                self.define(&derive.param.name, Def::Derive(index), part);
                self.shape.derive_types.push(None);
            }
            MemberKind::Input(input) => {
                let index = next(self.count(|def| matches!(def, Def::Input(_))));
                self.define(&input.name, Def::Input(index), part);
            }
            MemberKind::Message(message) => {
                let index = next(self.count(|def| matches!(def, Def::Message(_))));
                self.define(&message.sig.name, Def::Message(index), part);
            }
            MemberKind::Event(event) => {
                let index = next(self.count(|def| matches!(def, Def::Event(_))));
                self.define(&event.sig.name, Def::Event(index), part);
            }
            MemberKind::Cycle(cycle) => {
                let index = next(self.cycles);
                self.cycles += 1;
                if let Some(name) = &cycle.name {
                    self.define(name, Def::Cycle(index), part);
                }
            }
            MemberKind::Children(children) => {
                self.define(&children.name, Def::Children, part);
            }
            MemberKind::Rule(rule) => {
                let index = next(self.shape.rule_places.len());
                let place = self.define(&rule.name, Def::Rule(index), part);
                self.shape.rule_places.push(place);
                let number = self.number(Kind::Rule, &rule.name);
                self.shape.rule_numbers.push(number);
                self.predictions(rule, part);
            }
            MemberKind::Policy(policy) => self.words_of_policy(policy, part),
            MemberKind::Intent(_)
            | MemberKind::Pause(_)
            | MemberKind::Evolve(_)
            | MemberKind::Damaged => {}
        }
    }

    fn count(&self, is: impl Fn(&Def) -> bool) -> usize {
        self.shape.defs.values().filter(|(def, _)| is(def)).count()
    }

    fn define(&mut self, name: &Name, def: Def, part: PartId) -> Loc {
        let at = Loc { part, at: name.at };
        let first = self.shape.place_of(&name.text);
        if is_of_the_language(def, &name.text) {
            self.shape.problems.push(predeclared(name, at));
        }
        let global = self.globals.places.get(&name.text).copied();
        if let Some(first) = first.or(global) {
            self.shape.problems.push(self.globals.taken(name, at, first));
            // The count of its kind goes on, under a name that no source can spell.
            self.shape.defs.insert(format!("{} {}", name.text, self.shape.defs.len()), (def, at));
        } else {
            self.shape.defs.insert(name.text.clone(), (def, at));
        }
        at
    }

    fn number(&self, kind: Kind, name: &Name) -> u16 {
        self.numbers.of(kind, &name.text)
    }

    fn reasons(&mut self, object: &tree::Object) {
        let found = own_reasons(object);
        let (places, numbers) = self.numbers.reasons(&found);
        self.shape.reasons = places.into_iter().map(|place| found[place].clone()).collect();
        self.shape.reason_numbers = numbers;
    }

    /// Predictions that a rule makes.
    fn predictions(&mut self, rule: &tree::Rule, part: PartId) {
        match &rule.act {
            Act::Block(block) => {
                let mut words = Words::default();
                words.block(block);
                for name in words.predictions {
                    let index = self.count(|def| matches!(def, Def::Prediction(_)));
                    self.define(
                        name,
                        Def::Prediction(u16::try_from(index).unwrap_or(u16::MAX)),
                        part,
                    );
                }
            }
            Act::Refuse(_) | Act::Damaged => {}
        }
    }

    fn words_of_policy(&mut self, policy: &tree::Policy, part: PartId) {
        for clause in &policy.clauses {
            match &clause.kind {
                tree::ClauseKind::Always { name, .. } => {
                    self.define(name, Def::Clause, part);
                }
                tree::ClauseKind::Limit { name, .. } => {
                    self.define(name, Def::Limit, part);
                }
                tree::ClauseKind::Hosts { need, .. } => {
                    need.iter().for_each(|name| self.capability(&name.text));
                }
                tree::ClauseKind::Flow { .. }
                | tree::ClauseKind::Trust(_)
                | tree::ClauseKind::Retain(_)
                | tree::ClauseKind::Upgrade(_)
                | tree::ClauseKind::Damaged => {}
            }
        }
    }

    fn capability(&mut self, name: &str) {
        if !self.schema.capabilities.iter().any(|known| known == name) {
            self.schema.capabilities.push(name.to_owned());
        }
    }

    /// Second pass: types and defaults.
    fn declare(&mut self, member: usize, part: &Part<MemberKind>) {
        let id = self.part(member);
        match &part.node {
            MemberKind::Intent(text) => self.schema.intent = aqo_grammar::unquote(&text.text),
            MemberKind::Role(role) => {
                self.doc(&format!("role {}", role.name.text), part.doc.as_deref());
            }
            MemberKind::Field(field) => self.field(field, part.doc.as_deref(), id),
            MemberKind::Derive(derive) => self.derive(derive, part.doc.as_deref(), id),
            MemberKind::Input(input) => self.input(input, part.doc.as_deref(), id),
            MemberKind::Message(message) => self.message(message, part.doc.as_deref(), id),
            MemberKind::Event(event) => self.event(event, part.doc.as_deref(), id),
            MemberKind::Cycle(cycle) => self.cycle(cycle, id),
            MemberKind::Children(children) => {
                self.later(Loc { part: id, at: children.name.at }, "`children`");
            }
            MemberKind::Evolve(evolve) => {
                self.later(Loc { part: id, at: evolve.from.at }, "`evolve`")
            }
            MemberKind::Rule(rule) => {
                self.doc(&format!("rule {}", rule.name.text), part.doc.as_deref());
            }
            MemberKind::Policy(_) | MemberKind::Pause(_) | MemberKind::Damaged => {}
        }
    }

    /// The most keys of a role.
    fn role_size(&mut self, size: &tree::Literal, part: PartId) -> Option<u16> {
        let most = limits::KEYS;
        let found = size.text.replace('_', "").parse().ok().filter(|n| (1..=most).contains(n));
        if found.is_none() {
            let at = Loc { part, at: size.at };
            let message = format!("a role has 1 to {most} keys");
            self.shape.problems.push(Problem::new(Code::OutOfRange, at, message));
        }
        found
    }

    fn later(&mut self, at: Loc, construct: &str) {
        self.shape.problems.push(not_yet(at, construct));
    }

    fn ty(&mut self, part: PartId, ty: &tree::Type) -> Option<Type> {
        types::resolve(self.globals, part, ty, &mut self.shape.problems)
    }

    fn field(&mut self, field: &tree::Field, doc: Option<&str>, part: PartId) {
        let name = field.param.name.text.clone();
        self.doc(&format!("field {name}"), doc);
        let ty = self.ty(part, &field.param.ty);
        let index = self.schema.fields.len() as u16;
        let mut attested = None;
        let mut private = false;
        let mut change = Change::Any;
        for mark in &field.marks {
            match mark {
                Mark::AttestedBy(role) => {
                    if attested.is_some() {
                        self.marked_twice(Loc { part, at: role.at }, "attested by");
                    }
                    attested = self.role(role, part);
                }
                // Seen where names get their numbers.
                Mark::Was(_) => {}
                Mark::Once(at) => self.change(&mut change, Change::Once, *at, &ty, part),
                Mark::OnlyUp(at) => self.change(&mut change, Change::Up, *at, &ty, part),
                Mark::OnlyDown(at) => self.change(&mut change, Change::Down, *at, &ty, part),
                Mark::Private(at) => {
                    if std::mem::replace(&mut private, true) {
                        self.marked_twice(Loc { part, at: *at }, "private");
                    }
                }
            }
        }
        let default = match (&field.default, &ty) {
            (Some(expr), Some(ty)) => self.default(&field.param.name.text, expr, ty, part),
            _ => None,
        };
        let ty = self.understood(ty, Slot::Field(index));
        let number = self.number(Kind::Field, &field.param.name);
        self.schema.fields.push(Field { number, name, ty, default, attested, change, private });
    }

    fn marked_twice(&mut self, at: Loc, mark: &str) {
        let text = format!("a field is marked `{mark}` once");
        self.shape.problems.push(Problem::new(Code::BadType, at, text).help("remove one of them"));
    }

    /// `once`, `only_up`, `only_down`, which want a type that can change so.
    fn change(
        &mut self,
        change: &mut Change,
        mark: Change,
        at: At,
        ty: &Option<Type>,
        part: PartId,
    ) {
        let Some(ty) = ty else { return };
        let fits = match mark {
            Change::Any => true,
            Change::Once => matches!(ty, Type::Option(_)),
            Change::Up | Change::Down => ty.bounds().is_some(),
        };
        let message = match (fits, *change == Change::Any) {
            (true, true) => {
                *change = mark;
                return;
            }
            (true, false) => "a field has one of `once`, `only_up` and `only_down`",
            (false, _) if mark == Change::Once => {
                "`once` is for an option, which is none until it is set"
            }
            (false, _) => "only a number or a time can go up or down",
        };
        let problem = Problem::new(Code::BadType, Loc { part, at }, message);
        self.shape.problems.push(problem);
    }

    fn default(
        &mut self,
        name: &str,
        expr: &tree::Expr,
        ty: &Type,
        part: PartId,
    ) -> Option<FieldDefault> {
        let is_born = matches!(&expr.kind, ExprKind::Name(name) if name == "born");
        if is_born && *ty == Type::Instant(Bounds::INSTANT) {
            return Some(FieldDefault::Born);
        }
        let value = types::constant(
            self.globals,
            part,
            expr,
            ty,
            &format!("field `{name}`"),
            &mut self.shape.problems,
        )?;
        constant::value(value).map(FieldDefault::Value)
    }

    fn role(&mut self, name: &Name, part: PartId) -> Option<u16> {
        match self.shape.def(&name.text) {
            Some(Def::Role(index)) => Some(index),
            _ => {
                let roles = self.schema.roles.iter().map(|role| role.name.as_str());
                let at = Loc { part, at: name.at };
                self.shape.problems.push(unknown(Code::UnknownName, at, "role", &name.text, roles));
                None
            }
        }
    }

    fn derive(&mut self, derive: &tree::Derive, doc: Option<&str>, part: PartId) {
        let name = derive.param.name.text.clone();
        self.doc(&format!("derive {name}"), doc);
        let ty = self.ty(part, &derive.param.ty);
        let index = self.schema.derives.len();
        self.shape.derive_types[index].clone_from(&ty);
        let ty = ty.unwrap_or(Type::Bool);
        // The expression follows when all names have types: see `with_derives`.
        self.schema.derives.push(Derive {
            name,
            ty,
            value: Expr::number(0),
            locals: Vec::new(),
            private: false,
        });
    }

    fn input(&mut self, input: &tree::Input, doc: Option<&str>, part: PartId) {
        self.doc(&format!("input {}", input.name.text), doc);
        let from = input.from.as_ref().and_then(|role| self.role(role, part));
        let index = self.schema.inputs.len() as u16;
        let ty = match self.ty(part, &input.ty) {
            Some(Type::Option(inner)) => Some(*inner),
            Some(ty) => {
                let at = Loc { part, at: input.ty.at };
                let problem = Problem::new(
                    Code::BadType,
                    at,
                    "a host may have no value, so an input is an option",
                );
                self.shape.problems.push(problem.help(format!("write `{}?`", input.ty.name.text)));
                Some(ty)
            }
            None => None,
        };
        let ty = self.understood(ty, Slot::Input(index));
        let number = self.number(Kind::Input, &input.name);
        let fresh = input.fresh.as_ref().and_then(|fresh| self.span(fresh, part));
        let name = input.name.text.clone();
        self.schema.inputs.push(Input { number, name, ty, from, fresh, private: false });
    }

    /// The type, or any where it is unknown: nothing is built from that.
    fn understood(&mut self, ty: Option<Type>, slot: Slot) -> Type {
        ty.unwrap_or_else(|| {
            self.shape.untyped.insert(slot);
            Type::Bool
        })
    }

    fn span(&mut self, expr: &tree::Expr, part: PartId) -> Option<i64> {
        let model = empty_model(self.globals);
        let mut checker = Checker::of_constants(self.globals, &model, part);
        let span = checker.span(expr);
        self.shape.problems.append(&mut checker.problems);
        span
    }

    fn params(&mut self, sig: &tree::Sig, part: PartId, slot: Slot) -> Vec<Param> {
        let mut params: Vec<Param> = Vec::new();
        for param in &sig.params {
            if let Some(first) = sig
                .params
                .iter()
                .find(|p| p.name.text == param.name.text && p.name.at != param.name.at)
                && params.iter().any(|p| p.name == param.name.text)
            {
                let at = Loc { part, at: param.name.at };
                self.shape.problems.push(taken(&param.name, at, Loc { part, at: first.name.at }));
            }
            let ty = self.ty(part, &param.ty);
            let ty = self.understood(ty, slot);
            params.push(Param { name: param.name.text.clone(), ty });
        }
        let (count, most) = (params.len(), limits::PARAMETERS);
        if count > most {
            let message =
                format!("`{}` has {count} parameters, at most {most} are allowed", sig.name.text);
            let at = Loc { part, at: sig.name.at };
            self.shape.problems.push(Problem::new(Code::TooMany, at, message));
        }
        params
    }

    fn event(&mut self, event: &tree::Event, doc: Option<&str>, part: PartId) {
        self.doc(&format!("event {}", event.sig.name.text), doc);
        let index = self.schema.events.len() as u16;
        let number = self.number(Kind::Event, &event.sig.name);
        let params = self.params(&event.sig, part, Slot::Event(index));
        if let Some(via) = &event.via {
            self.capability(&via.text);
        }
        let via = event.via.as_ref().and_then(|via| {
            let index = self.schema.capabilities.iter().position(|name| *name == via.text)?;
            u16::try_from(index).ok()
        });
        let expires = event.expires.as_ref().and_then(|expires| self.span(expires, part));
        self.schema.events.push(Event {
            number,
            name: event.sig.name.text.clone(),
            params,
            via,
            expires,
        });
    }

    /// More of anything than the language allows.
    fn counts(&mut self, object: &tree::Object) {
        let at = Loc { part: PartId { item: self.item, member: None }, at: object.name.at };
        let most = limits::DECLARATIONS;
        let counts = [
            (self.schema.roles.len(), most, "roles"),
            (self.schema.fields.len(), most, "fields"),
            (self.schema.derives.len(), most, "derives"),
            (self.schema.inputs.len(), limits::INPUTS, "inputs"),
            (self.schema.messages.len(), most, "messages"),
            (self.schema.events.len(), most, "events"),
            (self.schema.capabilities.len(), limits::CAPABILITIES, "capabilities"),
            (self.shape.rule_places.len(), most, "rules"),
            (self.shape.reasons.len(), most, "reasons"),
        ];
        for (count, most, what) in counts {
            if count > most {
                let message = format!("an object has at most {most} {what}, this one has {count}");
                self.shape.problems.push(Problem::new(Code::TooMany, at, message));
            }
        }
    }
}

/// Whether the language gives this name a meaning wherever such a declaration is named.
fn is_of_the_language(def: Def, name: &str) -> bool {
    let own: &[&str] = match def {
        Def::Message(_) => &["tick", "arrive", "upgraded"],
        Def::Role(_) => &["anyone", "signer"],
        Def::Rule(_) | Def::Prediction(_) => &["kept", "broken", "lapsed", "refused"],
        Def::Field(_)
        | Def::Derive(_)
        | Def::Input(_)
        | Def::Event(_)
        | Def::Clause
        | Def::Limit
        | Def::Cycle(_)
        | Def::Children => &[],
    };
    PREDECLARED.contains(&name) || own.contains(&name)
}
