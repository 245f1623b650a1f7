//! Expressions and statements of the tree to those of the Model: names resolved, types and units
//! agreed, everything implicit made explicit, every interval checked where it is stored.
//!
//! A [`Checker`] works on one part at a time. It goes on after an error: what has no type takes part
//! in nothing further, so one mistake gives one problem.

mod any;
mod block;
mod call;
mod collection;
mod condition;
mod edit;
mod expr;
mod listing;
mod literal;
mod made;
mod operator;
mod quotient;
mod store;

pub(crate) use any::decides;
pub(crate) use store::short_type;

use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, PREDECLARED, predeclared, taken, unknown};
use crate::shape::{Def, Shape};
use aqo_grammar::tree::{At, Name};
use aqo_model::Model;
use aqo_model::expr::Expr;
use aqo_model::facts::{Facts, Interval};
use aqo_model::types::Param;
use aqo_model::types::{Bounds, Type, Unit};
use aqo_model::value::Bytes32;
use aqo_model::verify::{self, Checked, Fault, Place};
use std::collections::{BTreeMap, BTreeSet};

/// An expression and what is known of it; without a type where it could not be understood.
#[derive(Clone, Debug)]
pub struct Typed {
    /// The expression.
    pub expr: Expr,
    /// Its type. Bounds are those of the declaration, not of what is known here.
    pub ty: Option<Type>,
    /// Where it stands.
    pub at: At,
}

/// What a name in scope stands for.
#[derive(Clone, Debug)]
enum Meaning {
    Param(u16),
    Local(u16),
    Captured(u16),
    /// A person of a scenario.
    Person(Bytes32),
}

/// A name in scope.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    what: Meaning,
    ty: Option<Type>,
    at: At,
}

/// What a prediction takes with it.
#[derive(Default)]
struct Captures {
    values: Vec<Expr>,
    types: Vec<Type>,
}

/// Where an expression stands, and what it may read there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// `due`, `missed`.
    pub tick: bool,
    /// Inputs.
    pub inputs: bool,
    /// `now`, trust, roles.
    pub moving: bool,
    /// `refuse`.
    pub refuses: bool,
    /// Fields at all.
    pub fields: bool,
}

impl Reach {
    /// Constants alone.
    pub const NOTHING: Reach =
        Reach { tick: false, inputs: false, moving: false, refuses: false, fields: false };
    /// Fields alone.
    pub const FIELDS: Reach = Reach { fields: true, ..Reach::NOTHING };
    /// Fields, time and trust.
    pub const DERIVE: Reach = Reach { moving: true, ..Reach::FIELDS };
    /// A message rule.
    pub const MESSAGE: Reach = Reach { inputs: true, refuses: true, ..Reach::DERIVE };
    /// A tick rule.
    pub const TICK: Reach = Reach { tick: true, ..Reach::MESSAGE };
}

/// Checks the expressions of one part.
pub struct Checker<'c> {
    globals: &'c Globals,
    shape: &'c Shape,
    pub(crate) model: &'c Model,
    part: PartId,
    reach: Reach,
    params: Vec<Param>,
    /// The roles that may have sent the message that a rule answers.
    from: Option<Vec<u16>>,
    /// Where the flows of the policy stand.
    flow_places: &'c [Loc],
    /// What is left of each limit: its name, its index and the type of the rest.
    limits: &'c [(String, u16, Type)],
    /// Names that were bound where nothing is bound; that has been said.
    loose: BTreeSet<String>,
    /// The units of arguments that were looked at before their place was known.
    units: BTreeMap<u32, Option<Unit>>,
    /// How many derives may be read.
    derives: usize,
    /// Types of the locals made so far.
    pub locals: Vec<Type>,
    names: Vec<Named>,
    facts: Facts,
    captures: Option<Captures>,
    /// How many `else` answer for what fails here.
    answered: u32,
    path: block::Path,
    /// Predictions that the rule makes.
    pub predictions: Vec<aqo_model::policy::Prediction>,
    /// What was wrong.
    pub problems: Vec<Problem>,
}

impl<'c> Checker<'c> {
    /// For expressions of an object's part.
    pub fn new(
        globals: &'c Globals,
        shape: &'c Shape,
        model: &'c Model,
        part: PartId,
        reach: Reach,
    ) -> Checker<'c> {
        Checker {
            globals,
            shape,
            model,
            part,
            reach,
            params: Vec::new(),
            from: None,
            flow_places: &[],
            limits: &[],
            loose: BTreeSet::new(),
            units: BTreeMap::new(),
            derives: model.schema.derives.len(),
            locals: Vec::new(),
            names: Vec::new(),
            facts: Facts::default(),
            captures: None,
            answered: 0,
            path: block::Path::default(),
            predictions: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// For constants, which read nothing.
    pub fn of_constants(globals: &'c Globals, model: &'c Model, part: PartId) -> Checker<'c> {
        Checker::new(globals, Shape::empty(), model, part, Reach::NOTHING)
    }

    /// For a function, which reads its parameters: they are its first locals.
    pub fn of_function(
        globals: &'c Globals,
        model: &'c Model,
        part: PartId,
        names: &[aqo_grammar::tree::Param],
        params: &[Param],
    ) -> Checker<'c> {
        let mut checker = Checker::of_constants(globals, model, part);
        for (written, param) in names.iter().zip(params) {
            let local = checker.local(param.ty.clone());
            checker.facts.bind(local, param.ty.clone());
            checker.name(&written.name, Meaning::Local(local), Some(param.ty.clone()));
        }
        checker
    }

    /// Lets the names of a message's parameters be read; types only where all are `understood`.
    pub fn with_params(mut self, names: &[Name], params: &[Param], understood: bool) -> Self {
        self.params = params.to_vec();
        for (index, (name, param)) in names.iter().zip(params).enumerate() {
            let ty = understood.then(|| param.ty.clone());
            self.name(name, Meaning::Param(index as u16), ty);
        }
        self
    }

    /// Lets people be named; their names were looked at where they were introduced.
    pub fn with_people(mut self, people: &[(Name, Bytes32)]) -> Self {
        for (name, key) in people {
            let what = Meaning::Person(*key);
            let (name, at) = (name.text.clone(), name.at);
            self.names.push(Named { name, what, ty: Some(Type::Key), at });
        }
        self
    }

    /// Lets only the first derives be read.
    pub fn with_derives(mut self, derives: usize) -> Self {
        self.derives = derives;
        self
    }

    /// Says where flows stand, for messages.
    pub fn with_flows(mut self, places: &'c [Loc]) -> Self {
        self.flow_places = places;
        self
    }

    /// Lets what is left of limits be read.
    pub fn with_limits(mut self, limits: &'c [(String, u16, Type)]) -> Self {
        self.limits = limits;
        self
    }

    /// Begins with what always holds.
    pub fn with_facts(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }

    /// Says who may have sent the message: roles by index, none of them for anyone; `None` where that
    /// was not understood.
    pub fn with_sender(mut self, from: Option<Vec<u16>>) -> Self {
        self.from = from;
        self
    }

    /// What a function gives: its body as a value of its result's type.
    pub fn function(
        &mut self,
        body: &aqo_grammar::tree::Body,
        result: &Type,
        name: &str,
    ) -> Option<Expr> {
        let facts = self.facts.clone();
        let typed = self.body(body, Some(result));
        self.facts = facts;
        typed.ty.as_ref()?;
        self.store_as(typed, result, &format!("what `{name}` gives"))
    }

    /// The object's Model, as far as it is known.
    pub fn model(&self) -> &'c Model {
        self.model
    }

    /// The part that is checked.
    pub fn part(&self) -> PartId {
        self.part
    }

    /// Takes the rule's guard to be true from here on.
    pub fn learn_guard(&mut self, when: &Expr) {
        self.learn(when, true);
    }

    /// What is known where the rule's guard was false, besides what was known before it.
    pub fn let_pass(&self, when: &Expr, below: Facts) -> Facts {
        verify::let_pass(&self.place(), when, below)
    }

    /// The number of the reason of a rule that only refuses.
    pub fn refusal(&mut self, refuse: &aqo_grammar::tree::Refuse) -> Option<u16> {
        self.reason(refuse)
    }

    fn loc(&self, at: At) -> Loc {
        Loc { part: self.part, at }
    }

    fn problem(&mut self, code: Code, at: At, message: impl Into<String>) -> &mut Problem {
        self.problems.push(Problem::new(code, self.loc(at), message));
        self.problems.last_mut().expect("a problem was just pushed")
    }

    fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn wrong(&self, at: At) -> Typed {
        Typed { expr: Expr::number(0), ty: None, at }
    }

    fn typed(&self, expr: Expr, ty: Type, at: At) -> Typed {
        Typed { expr, ty: Some(ty), at }
    }

    /// Brings a name into scope. Nothing shadows anything.
    fn name(&mut self, name: &Name, what: Meaning, ty: Option<Type>) {
        let at = self.loc(name.at);
        if PREDECLARED.contains(&name.text.as_str()) {
            self.push(predeclared(name, at));
        } else if let Some(first) = self.names.iter().find(|named| named.name == name.text) {
            let first = self.loc(first.at);
            self.push(taken(name, at, first));
        } else if let Some(first) = self.shape.place_of(&name.text) {
            self.push(taken(name, at, first));
        } else if let Some(first) =
            self.globals.consts.get(&name.text).and(self.globals.places.get(&name.text))
        {
            let problem = self.globals.taken(name, at, *first);
            self.push(problem);
        }
        self.names.push(Named { name: name.text.clone(), what, ty, at: name.at });
    }

    /// Makes a local, without a name.
    fn local(&mut self, ty: Type) -> u16 {
        self.locals.push(ty);
        (self.locals.len() - 1) as u16
    }

    fn place(&self) -> Place<'_> {
        Place {
            model: self.model,
            params: &self.params,
            locals: &self.locals,
            captures: self.captures.as_ref().map_or(&[], |captures| &captures.types),
            derives: self.derives,
            tick: self.reach.tick,
            inputs: self.reach.inputs,
            moving: self.reach.moving,
            refuses: self.reach.refuses,
            functions: self.model.schema.functions.len(),
            object: self.reach.fields,
            sender: self.has_sender(),
        }
    }

    /// Whether somebody signed the message at hand.
    fn has_sender(&self) -> bool {
        self.from.as_ref().is_some_and(|from| !from.is_empty())
    }

    /// The role of this name; a problem where there is none.
    pub fn role_named(&mut self, name: &Name) -> Option<u16> {
        if let Some(Def::Role(role)) = self.shape.def(&name.text) {
            return Some(role);
        }
        let roles = self.model.schema.roles.iter().map(|role| role.name.as_str());
        let problem = unknown(Code::UnknownName, self.loc(name.at), "role", &name.text, roles);
        self.push(problem);
        None
    }

    /// How many keys these roles have together, at most.
    pub fn keys_of(&self, roles: &[u16]) -> i64 {
        let roles = roles.iter().filter_map(|role| self.model.schema.roles.get(usize::from(*role)));
        roles.map(|role| role.size() as i64).sum()
    }

    /// The interval of a number that was checked here.
    pub fn interval_of(&self, expr: &Expr) -> Option<Interval> {
        self.checked(expr).ok().and_then(|checked| checked.interval)
    }

    /// What the Model's own check says of an expression here.
    fn checked(&self, expr: &Expr) -> Result<Checked, Fault> {
        verify::check(&self.place(), expr, &self.facts)
    }

    /// The interval of an expression, or all that 64 bits hold.
    fn interval(&self, expr: &Expr) -> Interval {
        let checked = self.checked(expr).ok();
        checked.and_then(|checked| checked.interval).unwrap_or(Interval::I64)
    }

    /// Reports what the Model's check says of a node that was just built.
    fn sound(&mut self, typed: Typed) -> Typed {
        let Some(ty) = &typed.ty else { return typed };
        match self.checked(&typed.expr) {
            Ok(_) => typed,
            Err(fault) => {
                let ty = ty.clone();
                self.fault(&fault, typed.at, &ty);
                self.wrong(typed.at)
            }
        }
    }

    /// Says a fault of the Model in the words of the language.
    fn fault(&mut self, fault: &Fault, at: At, ty: &Type) {
        match fault {
            Fault::Overflow(interval) => {
                let shown = store::show_interval(*interval, ty, &self.model.schema.types);
                let problem = self.problem(Code::Overflow, at, "this number may not fit 64 bits");
                problem.label = format!("may be {shown}");
                problem.help =
                    Some("bound the operands with a narrower range or a guard".to_owned());
            }
            Fault::Divisor(interval) => {
                self.divisor(*interval, at, ty);
            }
            Fault::Bounds { .. } => {
                let problem = self.problem(Code::OutOfRange, at, "the bounds of `clamp` may cross");
                problem.help = Some("the second argument must never exceed the third".to_owned());
            }
            Fault::Unreadable(what) => drop(self.problem(Code::NotHere, at, *what)),
            Fault::Limit { what, most } => {
                self.problem(Code::TooMany, at, format!("more than {most} {what}"));
            }
            Fault::Type { found, allowed } => {
                let types = &self.model.schema.types;
                let (found, allowed) = (found.describe(types), allowed.describe(types));
                let message = format!("this is {found}, its place takes {allowed}");
                self.problem(Code::Mismatch, at, message);
            }
            Fault::Structure(_)
            | Fault::Kind { .. }
            | Fault::Partial
            | Fault::Change(_)
            | Fault::Unbound(_)
            | Fault::Uncovered(_)
            | Fault::SetTwice(_)
            | Fault::Attested(_)
            | Fault::Assured(_) => {
                self.problem(Code::Mismatch, at, format!("this does not fit here: {fault:?}"));
            }
        }
    }

    fn divisor(&mut self, interval: Interval, at: At, ty: &Type) {
        let shown = store::show_interval(interval, ty, &self.model.schema.types);
        let certain = interval == Interval::point(0);
        let message = match certain {
            true => "the divisor is zero",
            false if interval.high < 0 => "the divisor of `%` must be greater than zero",
            false => "the divisor may be zero",
        };
        let problem = self.problem(Code::Divisor, at, message);
        if !certain {
            problem.label = format!("the divisor may be {shown}");
            problem.help =
                Some("guard it: `when n > 0`, or declare a range without zero".to_owned());
        }
    }

    /// Takes a condition to be true from here on.
    fn learn(&mut self, cond: &Expr, truth: bool) {
        let mut facts = std::mem::take(&mut self.facts);
        verify::learn(&self.place(), cond, truth, &mut facts);
        self.facts = facts;
    }

    /// The type that a local has which holds this value: its own, as narrow as is known here.
    fn narrowed(&self, typed: &Typed) -> Option<Type> {
        let interval = self.checked(&typed.expr).ok().and_then(|checked| checked.interval);
        Some(with_interval(typed.ty.clone()?, interval))
    }
}

/// A type with the bounds of an interval, where it has bounds.
fn with_interval(ty: Type, interval: Option<Interval>) -> Type {
    let bounds = |all: Bounds| match interval {
        Some(i) => Bounds {
            low: i64::try_from(i.low).unwrap_or(all.low).max(all.low),
            high: i64::try_from(i.high).unwrap_or(all.high).min(all.high),
        },
        None => all,
    };
    match ty {
        Type::Number { scale, unit, .. } => {
            Type::Number { scale, unit, within: bounds(Bounds::ALL) }
        }
        Type::Duration(_) => Type::Duration(bounds(Bounds::DURATION)),
        Type::Instant(_) => Type::Instant(bounds(Bounds::INSTANT)),
        Type::Option(inner) => Type::Option(Box::new(with_interval(*inner, interval))),
        Type::Bool
        | Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => ty,
    }
}

/// A type whose numbers have no bounds: what an operand of another operand's type may be.
fn unbounded(ty: &Type) -> Type {
    with_interval(ty.clone(), None)
}

/// Fields that an expression reads.
fn fields_of(expr: &Expr) -> BTreeSet<u16> {
    let mut fields = BTreeSet::new();
    expr.walk(&mut |expr| {
        if let Expr::Field(field) = expr {
            fields.insert(*field);
        }
    });
    fields
}
