//! Scenarios: what a life is fed and what is expected of it, as data that [`walk`] goes through.

pub mod coverage;
pub mod draw;
pub mod property;
pub mod search;
mod show;
pub mod story;
pub mod walk;

use crate::check::{Checker, Reach};
use crate::codes::Code;
use crate::constant;
use crate::db::CheckedModel;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, not_yet, unknown};
use crate::shape::{Def, Shape};
use crate::types::without_bounds;
use aqo_grammar::tree::{self, Name, StepKind};
use aqo_model::expr::Expr;
use aqo_model::layout::Layout;
use aqo_model::policy::{Measure, Reason};
use aqo_model::step;
use aqo_model::text::parse_instant;
use aqo_model::types::{Bounds, Param, Type, Unit};
use aqo_model::value::{Bytes32, Value};
use std::rc::Rc;
use std::sync::Arc;

/// The instant at which a scenario starts that says none: 2027-01-01.
pub const START: i64 = 1_798_761_600_000_000;

/// A scenario, ready to run if nothing is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its title.
    pub title: String,
    /// The item of its object; `None` where there is no such object, or it has errors.
    pub object: Option<usize>,
    /// Its object.
    pub model: Option<Arc<CheckedModel>>,
    /// The instant at which it starts.
    pub start: i64,
    /// What happens.
    pub steps: Vec<Step>,
    /// Where it stands.
    pub at: Loc,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// A line of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub kind: Kind,
    /// Where it stands.
    pub at: Loc,
}

/// What a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The object starts with these values of fields and keys of roles.
    Given {
        /// Fields by index.
        fields: Vec<(u16, Value)>,
        /// Roles by index.
        roles: Vec<(u16, Vec<Bytes32>)>,
    },
    /// These people are there from the start.
    People,
    /// Somebody says something, and this must come of it.
    Send {
        /// The index of the message.
        message: u16,
        /// In order of its declaration.
        params: Vec<Value>,
        /// Who says it; `None` for anyone.
        by: Option<Speaker>,
        /// What must come of it.
        wanted: Wanted,
    },
    /// Somebody consents to what a rule would do, and this must come of it.
    Approve {
        /// The index of the rule.
        rule: u16,
        /// Who consents.
        by: Speaker,
        /// What must come of it.
        wanted: Wanted,
    },
    /// The host has this from now on; `None`: nothing.
    Offer {
        /// The index of the input.
        input: u16,
        /// What it is.
        value: Option<Value>,
    },
    /// To the next due instant.
    Tick,
    /// So many microseconds pass.
    Advance(i64),
    /// The host gives, or takes, these capabilities.
    Host {
        /// Whether it gives.
        gives: bool,
        /// Bit by bit.
        capabilities: u64,
    },
    /// The same again, so often.
    Repeat(u64, Vec<Step>),
    /// Must be true.
    Expect {
        /// What.
        holds: Expr,
        /// Types of its locals.
        locals: Vec<Type>,
    },
    /// Must have been said, or not, since the last line that is not an `expect`.
    Emitted {
        /// Whether it must not have been said.
        negated: bool,
        /// The index of the event.
        event: u16,
        /// In order of its declaration.
        args: Vec<Value>,
    },
}

/// Who speaks in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The holder of the role with this index.
    Role(u16),
    /// Whoever holds this key, in whatever role it has.
    Person(Bytes32),
}

/// What must come of something that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It is taken.
    Taken,
    /// It is refused, for this reason.
    Refused(Reason),
    /// It waits for consent, or to be taken.
    Waits,
    /// Anything: a property says only what holds whatever comes.
    Anything,
}

/// An object that scenarios can run: its item, names and Model.
pub type Target = (usize, Arc<Shape>, Arc<CheckedModel>);

/// Reads a scenario. Without a target only its header is checked: the object's own errors say why.
pub fn scenario(
    globals: &Globals,
    part: PartId,
    tree: &tree::Scenario,
    is_known: bool,
    target: Option<Target>,
) -> Scenario {
    let at = Loc { part, at: tree.title.at };
    let mut problems = Vec::new();
    if !is_known {
        let at = Loc { part, at: tree.object.at };
        let names = globals.places.keys().map(String::as_str);
        problems.push(unknown(Code::UnknownName, at, "object", &tree.object.text, names));
    }
    let start = tree.start.as_ref().map_or(Some(START), |start| parse_instant(&start.text));
    let title = aqo_grammar::unquote(&tree.title.text);
    let (object, model, steps) = match target {
        Some((object, shape, model)) => {
            let mut reader = Reader::new(globals, &shape, &model, part, Wanted::Taken);
            let steps = reader.steps(&tree.script);
            problems.append(&mut reader.problems);
            (Some(object), Some(model), steps)
        }
        None => (None, None, Vec::new()),
    };
    Scenario { title, object, model, start: start.unwrap_or(START), steps, at, problems }
}

/// The keys that a value is, or holds.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn keys_in(value: &Value) -> Vec<Bytes32> {
    match value {
        Value::Bytes32(key) => vec![*key],
        Value::List(items) => items.iter().flat_map(keys_in).collect(),
        _ => Vec::new(),
    }
}

struct Reader<'r> {
    globals: &'r Globals,
    shape: &'r Shape,
    model: &'r CheckedModel,
    part: PartId,
    /// What must come of a message of which nothing is said.
    bare: Wanted,
    /// Parameters that have no value yet: then types are checked and no value counts.
    open: Option<(Vec<Name>, Vec<Param>)>,
    /// People, by name, and their keys.
    people: Vec<(Name, Bytes32)>,
    layout: Rc<Layout>,
    problems: Vec<Problem>,
}

impl<'r> Reader<'r> {
    fn new(
        globals: &'r Globals,
        shape: &'r Shape,
        model: &'r CheckedModel,
        part: PartId,
        bare: Wanted,
    ) -> Reader<'r> {
        let layout = Rc::new(Layout::of(model.wide()));
        Reader {
            globals,
            shape,
            model,
            part,
            bare,
            open: None,
            people: Vec::new(),
            layout,
            problems: Vec::new(),
        }
    }
}

impl Reader<'_> {
    fn loc(&self, at: tree::At) -> Loc {
        Loc { part: self.part, at }
    }

    fn steps(&mut self, script: &tree::Script) -> Vec<Step> {
        let steps = script.steps.iter();
        steps
            .filter_map(|step| {
                let kind = self.step(step)?;
                Some(Step { kind, at: self.loc(step.at) })
            })
            .collect()
    }

    fn step(&mut self, step: &tree::Step) -> Option<Kind> {
        match &step.kind {
            StepKind::Given(values) => self.given(values),
            StepKind::Send { call, from, outcome } => {
                self.send(call, from.as_ref(), outcome.as_ref())
            }
            StepKind::Offer { place, value } => self.offer(place, value),
            StepKind::Tick => Some(Kind::Tick),
            StepKind::Advance(span) => {
                let span = self.constant_of(span, &Checker::SPAN, "a positive duration")?;
                Some(Kind::Advance(span.int()?))
            }
            StepKind::Host { gives, names } => self.host(*gives, names),
            StepKind::Repeat { count, script } => {
                let within = Bounds { low: 1, high: 1_000_000 };
                let ty = Type::Number { scale: 0, unit: Unit::default(), within };
                let given = script.steps.iter().filter(|s| matches!(s.kind, StepKind::Given(_)));
                for step in given {
                    let message = "`given` says how an object begins, and here it has begun";
                    let problem = Problem::new(Code::CannotSet, self.loc(step.at), message);
                    self.problems.push(problem.help("move it to the beginning"));
                }
                let count = self.constant(count, &ty)?.int()?;
                Some(Kind::Repeat(count.unsigned_abs(), self.steps(script)))
            }
            StepKind::Expect(holds) => self.expect(holds),
            StepKind::ExpectEmitted { negated, call } => {
                let (event, args) = self.event(call)?;
                Some(Kind::Emitted { negated: *negated, event, args })
            }
            StepKind::People(names) => {
                self.meet(names);
                Some(Kind::People)
            }
            StepKind::Approve { rule, from, outcome } => self.approve(rule, from, outcome.as_ref()),
            StepKind::Damaged => None,
        }
    }

    fn later(&mut self, at: tree::At, construct: &str) -> Option<Kind> {
        let problem = not_yet(self.loc(at), construct);
        self.problems.push(problem);
        None
    }

    fn with<T>(&mut self, reach: Reach, read: impl FnOnce(&mut Checker<'_>) -> T) -> T {
        let mut checker =
            Checker::new(self.globals, self.shape, self.model.wide(), self.part, reach)
                .with_limits(self.model.limits());
        if let Some((names, params)) = &self.open {
            checker = checker.with_params(names, params, true);
            // That was said when the parameters were declared.
            checker.problems.clear();
        }
        checker = checker.with_people(&self.people);
        let result = read(&mut checker);
        self.problems.append(&mut checker.problems);
        result
    }

    fn constant(&mut self, expr: &tree::Expr, ty: &Type) -> Option<Value> {
        self.constant_of(expr, ty, "its place")
    }

    fn constant_of(&mut self, expr: &tree::Expr, ty: &Type, place: &str) -> Option<Value> {
        let (open, layout) = (self.open.is_some(), Rc::clone(&self.layout));
        let model = self.model.wide();
        self.with(Reach::NOTHING, |checker| {
            let typed = checker.expr(expr, Some(ty));
            typed.ty.as_ref()?;
            let stored = checker.store_as(typed, ty, place)?;
            if open {
                return draw::edges(ty, &model.schema.types).into_iter().next();
            }
            folded(checker, &layout, stored, expr.at)
        })
    }

    fn unknown<'n>(&mut self, name: &Name, what: &str, known: impl Iterator<Item = &'n str>) {
        let problem = unknown(Code::UnknownName, self.loc(name.at), what, &name.text, known);
        self.problems.push(problem);
    }

    fn given(&mut self, values: &[(Name, tree::Expr)]) -> Option<Kind> {
        let model = self.model;
        let schema = &model.wide().schema;
        let (mut given, mut roles) = (Vec::new(), Vec::new());
        for (name, value) in values {
            match self.shape.def(&name.text) {
                Some(Def::Field(index)) => {
                    let ty = &schema.fields[usize::from(index)].ty;
                    given.push((index, self.constant(value, ty)?));
                }
                Some(Def::Role(index)) => {
                    let max = schema.roles[usize::from(index)].max;
                    let ty = match max {
                        None => Type::Key,
                        Some(max) => Type::Set { item: Box::new(Type::Key), max },
                    };
                    let keys = keys_in(&self.constant(value, &ty)?);
                    roles.push((index, keys));
                }
                _ => self.unknown(
                    name,
                    "field",
                    schema.fields.iter().map(|field| field.name.as_str()),
                ),
            }
        }
        Some(Kind::Given { fields: given, roles })
    }

    /// `people ada, bo`
    fn meet(&mut self, names: &[Name]) {
        for name in names {
            let first = self.people.iter().find(|(known, _)| known.text == name.text);
            let first = first.map(|(known, _)| self.loc(known.at));
            let first = first.or_else(|| self.shape.place_of(&name.text));
            if let Some(first) = first {
                let problem = crate::globals::taken(name, self.loc(name.at), first);
                self.problems.push(problem);
                continue;
            }
            let key = blake3::hash(format!("aqo scenario person {}", name.text).as_bytes());
            self.people.push((name.clone(), Bytes32(*key.as_bytes())));
        }
    }

    /// A role or a person.
    fn speaker(&mut self, name: &Name) -> Option<Speaker> {
        if let Some((_, key)) = self.people.iter().find(|(known, _)| known.text == name.text) {
            return Some(Speaker::Person(*key));
        }
        let schema = &self.model.wide().schema;
        match self.shape.def(&name.text) {
            Some(Def::Role(role)) if schema.roles[usize::from(role)].max.is_none() => {
                Some(Speaker::Role(role))
            }
            Some(Def::Role(_)) => {
                let message = format!("`{}` has several keys: whose is meant?", name.text);
                let problem = Problem::new(Code::Arguments, self.loc(name.at), message);
                self.problems.push(problem.help(format!(
                    "name people: `people ada, bo`, `given {{ {} = [ada, bo] }}`, `from ada`",
                    name.text
                )));
                None
            }
            _ => {
                let people: Vec<String> =
                    self.people.iter().map(|(name, _)| name.text.clone()).collect();
                let roles = schema.roles.iter().map(|role| role.name.as_str());
                let known: Vec<String> = roles.map(str::to_owned).chain(people).collect();
                self.unknown(name, "role or person", known.iter().map(String::as_str));
                None
            }
        }
    }

    fn approve(
        &mut self,
        rule: &Name,
        from: &Name,
        outcome: Option<&tree::Outcome>,
    ) -> Option<Kind> {
        let rules = &self.model.wide().policy.rules;
        let found = rules.iter().position(|r| r.name == rule.text && r.quorum.is_some());
        let Some(found) = found else {
            let known = rules.iter().filter(|rule| rule.quorum.is_some());
            let known: Vec<String> = known.map(|rule| rule.name.clone()).collect();
            let what = "rule that asks for consent";
            self.unknown(rule, what, known.iter().map(String::as_str));
            return None;
        };
        let by = self.speaker(from)?;
        let wanted = self.wanted(outcome)?;
        // One more consent is taken, whether it is the last that is needed or not.
        Some(Kind::Approve { rule: found as u16, by, wanted })
    }

    fn wanted(&mut self, outcome: Option<&tree::Outcome>) -> Option<Wanted> {
        let model = self.model;
        match outcome {
            None => Some(self.bare),
            Some(tree::Outcome::Waits(_)) => Some(Wanted::Waits),
            Some(tree::Outcome::Refused(name)) => {
                match model.wide().policy.reason_named(&name.text) {
                    Some(reason) => Some(Wanted::Refused(reason)),
                    None => {
                        let own = model.wide().policy.reasons.iter().map(String::as_str);
                        let known = own.chain(Reason::BUILT_IN.iter().map(|(_, name)| *name));
                        self.unknown(name, "reason", known);
                        None
                    }
                }
            }
        }
    }

    fn send(
        &mut self,
        call: &tree::Call,
        from: Option<&Name>,
        outcome: Option<&tree::Outcome>,
    ) -> Option<Kind> {
        let model = self.model;
        let schema = &model.wide().schema;
        let Some(Def::Message(message)) = self.shape.def(&call.name.text) else {
            self.unknown(&call.name, "message", schema.messages.iter().map(|m| m.name.as_str()));
            return None;
        };
        let declared = &schema.messages[usize::from(message)];
        let params = self.arguments(&call.args, &declared.params, &declared.name)?;
        let by = match from {
            None if declared.from.is_empty() => None,
            None => {
                let at = self.loc(call.at);
                let roles: Vec<&str> = declared
                    .from
                    .iter()
                    .map(|r| schema.roles[usize::from(*r)].name.as_str())
                    .collect();
                let message = format!("`{}` is signed, so somebody sends it", declared.name);
                let problem = Problem::new(Code::Arguments, at, message);
                self.problems
                    .push(problem.help(format!("add `from {}`", roles.join("` or `from "))));
                return None;
            }
            Some(name) if declared.from.is_empty() => {
                let message =
                    format!("`{}` is not signed, so nobody in particular sends it", declared.name);
                let problem = Problem::new(Code::Arguments, self.loc(name.at), message);
                self.problems.push(problem.help("leave out `from`: whoever sends it is not known"));
                return None;
            }
            Some(name) => Some(self.speaker(name)?),
        };
        let wanted = self.wanted(outcome)?;
        Some(Kind::Send { message, params, by, wanted })
    }

    /// Constant arguments, of the declared shape and perhaps out of range: that is a way to be refused.
    fn arguments(&mut self, args: &tree::Args, params: &[Param], of: &str) -> Option<Vec<Value>> {
        let wide: Vec<Param> = params
            .iter()
            .map(|param| Param { name: param.name.clone(), ty: without_bounds(&param.ty) })
            .collect();
        let (at, open, layout) = (args.at, self.open.is_some(), Rc::clone(&self.layout));
        self.with(Reach::NOTHING, |checker| {
            let given = checker.arguments(args, &wide, of)?;
            if open {
                return Some(Vec::new());
            }
            given.into_iter().map(|expr| folded(checker, &layout, expr, at)).collect()
        })
    }

    fn event(&mut self, call: &tree::Call) -> Option<(u16, Vec<Value>)> {
        let model = self.model;
        let events = &model.wide().schema.events;
        let Some(Def::Event(event)) = self.shape.def(&call.name.text) else {
            self.unknown(&call.name, "event", events.iter().map(|event| event.name.as_str()));
            return None;
        };
        let declared = &events[usize::from(event)];
        Some((event, self.arguments(&call.args, &declared.params, &declared.name)?))
    }

    fn offer(&mut self, place: &tree::Place, value: &tree::Expr) -> Option<Kind> {
        let model = self.model;
        let inputs = &model.wide().schema.inputs;
        if !place.parts.is_empty() {
            return self.later(place.at, "an input of a child");
        }
        let Some(Def::Input(input)) = self.shape.def(&place.name.text) else {
            self.unknown(&place.name, "input", inputs.iter().map(|input| input.name.as_str()));
            return None;
        };
        let ty = Type::Option(Box::new(without_bounds(&inputs[usize::from(input)].ty)));
        let value = self.constant(value, &ty)?;
        let value = if let Value::Some(value) = value { Some(*value) } else { None };
        Some(Kind::Offer { input, value })
    }

    fn host(&mut self, gives: bool, names: &[Name]) -> Option<Kind> {
        let model = self.model;
        let known = &model.wide().schema.capabilities;
        let mut capabilities = 0;
        for name in names {
            match known.iter().position(|capability| *capability == name.text) {
                Some(bit) => capabilities |= 1u64 << bit,
                None => self.unknown(name, "capability", known.iter().map(String::as_str)),
            }
        }
        Some(Kind::Host { gives, capabilities })
    }

    fn expect(&mut self, holds: &tree::Expr) -> Option<Kind> {
        let holds_at = holds.at;
        let (holds, locals) = self.with(Reach::DERIVE, |checker| {
            let guard = checker.guard(holds);
            (guard.map(|(cond, _)| cond), std::mem::take(&mut checker.locals))
        });
        let cond = holds?;
        self.slopes_are_kept(&cond, holds_at);
        Some(Kind::Expect { holds: cond, locals })
    }

    /// A slope that the object itself never reads has no samples to be read from.
    fn slopes_are_kept(&mut self, cond: &Expr, at: tree::At) {
        for measure in [Measure::Slope, Measure::SlopeLong] {
            let mut asked = false;
            cond.walk(&mut |expr| asked |= *expr == Expr::Trust(measure));
            if asked && !self.model.model().reads(measure) {
                let name = measure.name();
                let text = format!("this object never reads `{name}`, so it keeps none");
                let problem =
                    Problem::new(Code::NeverHappens, self.loc(at), text).label("not kept").help(
                        format!("a rule, a derive or a demand that reads `{name}` makes it kept"),
                    );
                self.problems.push(problem);
            }
        }
    }
}

/// The value of a constant, by the interpreter: an `else` in it may have answered.
fn folded(checker: &mut Checker<'_>, layout: &Layout, expr: Expr, at: tree::At) -> Option<Value> {
    match step::value_of(checker.model(), layout, &expr, &checker.locals) {
        Some(value) => Some(value),
        None => constant::value(checker.fold(expr, at)?),
    }
}
