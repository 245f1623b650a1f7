//! The database: source texts in, queries kept until what they read changes.
//!
//! Each query reads the one below: text, tree, part, globals, shape, head, guard, rule, object. A part
//! is compared without its positions, so an edit of white space checks nothing again, an edit inside
//! the body of a rule checks that rule alone, and one of its guard also the rules below it on the same
//! message.

use crate::carried::carried;
use crate::codes::Code;
use crate::cost::too_dear;
use crate::diagnostic::{Diagnostic, Loc, PartId, Problem, Severity};
use crate::globals::Globals;
use crate::modules::{globals_in, numbers_of, uses_are_sound};
use crate::object::shape;
use crate::policy::{Head, head};
use crate::rule::{CheckedRule, Context, check_guard, check_rule, refusable_problem};
use crate::scenario::property::{Property, property};
use crate::scenario::{Scenario, Target, scenario};
use crate::shape::{Def, Shape};
use crate::silence::Unread;
pub use crate::source::SourceFile;
use crate::unused::unused;
use aqo_grammar::tree::{self, At, ItemKind, MemberKind, Span};
use aqo_grammar::{Parse, parse};
use aqo_model::Model;
use aqo_model::facts::Facts;
use aqo_model::private;
use aqo_model::types::Type;
use aqo_model::verify;
use std::sync::Arc;

/// How much stack a thread needs that asks queries: the checker recurses over trees, which the
/// grammar keeps at most 128 deep, and a build without optimisation takes much of it.
pub const STACK_BYTES: usize = 64 << 20;

/// The compiler's state.
#[salsa::db]
#[derive(Clone, Default)]
pub struct Database {
    storage: salsa::Storage<Self>,
}

#[salsa::db]
impl salsa::Database for Database {}

impl Database {
    /// A database that names each query before it runs it, as `rule_of(…)`.
    pub fn watched(see: impl Fn(String) + Send + Sync + 'static) -> Database {
        let callback = move |event: salsa::Event| {
            if let salsa::EventKind::WillExecute { database_key } = event.kind {
                see(format!("{database_key:?}"));
            }
        };
        Database { storage: salsa::Storage::new(Some(Box::new(callback))) }
    }
}

/// A checked object. It exists only without errors, and is the only key to a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedModel {
    model: Model,
    wide: Model,
    docs: Vec<(String, String)>,
    limits: Vec<(String, u16, Type)>,
}

impl CheckedModel {
    /// The Model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The same with all types and functions that its file can name, which are what expressions of
    /// its scenarios refer to. It is another class where the object carries fewer.
    pub fn wide(&self) -> &Model {
        &self.wide
    }

    /// Doc comments by path: `field setpoint`.
    pub fn docs(&self) -> &[(String, String)] {
        &self.docs
    }

    /// What is left of each limit, by name: its index and the type of the rest.
    pub(crate) fn limits(&self) -> &[(String, u16, Type)] {
        &self.limits
    }
}

/// What checking an object gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedObject {
    /// The object, if nothing is wrong with it.
    pub model: Option<Arc<CheckedModel>>,
    /// What is wrong, and warnings.
    pub problems: Vec<Problem>,
}

/// The tree of a text.
#[salsa::tracked(returns(clone))]
pub fn tree_of(db: &dyn salsa::Database, file: SourceFile) -> Arc<Parse> {
    Arc::new(parse(file.text(db)))
}

/// Whether a text has errors of its syntax.
#[salsa::tracked]
pub(crate) fn is_damaged(db: &dyn salsa::Database, file: SourceFile) -> bool {
    tree_of(db, file)
        .errors
        .iter()
        .any(|error| error.kind.severity() == aqo_grammar::Severity::Error)
}

/// An item without positions.
#[salsa::tracked(returns(clone))]
fn item(
    db: &dyn salsa::Database,
    file: SourceFile,
    item: usize,
) -> Option<Arc<(ItemKind, Option<String>)>> {
    let tree = tree_of(db, file);
    let part = tree.file.items.get(item)?;
    Some(Arc::new((without_spans(&part.node), part.doc.clone())))
}

/// A rule without positions.
#[salsa::tracked(returns(clone))]
fn rule_tree(db: &dyn salsa::Database, file: SourceFile, part: PartKey) -> Option<Arc<tree::Rule>> {
    let tree = tree_of(db, file);
    let ItemKind::Object(object) = &tree.file.items.get(part.0)?.node else { return None };
    let MemberKind::Rule(rule) = &object.members.get(part.1)?.node else { return None };
    Some(Arc::new(rule.clone()))
}

/// An item, and a member of it.
type PartKey = (usize, usize);

/// An item whose parts have no positions, so that it equals itself after an edit of white space.
fn without_spans(node: &ItemKind) -> ItemKind {
    let ItemKind::Object(object) = node else { return node.clone() };
    let mut object = object.clone();
    for member in &mut object.members {
        member.spans = Vec::new();
        member.span = Span { start: 0, end: 0 };
    }
    ItemKind::Object(object)
}

/// Units, enums, aliases and constants, its own and those that it uses.
#[salsa::tracked(returns(clone))]
pub fn globals_of(db: &dyn salsa::Database, file: SourceFile) -> Arc<Globals> {
    Arc::new(globals_in(db, file, &tree_of(db, file).file))
}

/// The names of an object.
#[salsa::tracked(returns(clone))]
pub fn shape_of(db: &dyn salsa::Database, file: SourceFile, index: usize) -> Arc<Shape> {
    let globals = globals_of(db, file);
    match item(db, file, index).as_deref() {
        Some((ItemKind::Object(object), doc)) => {
            let numbers = numbers_of(db, file);
            Arc::new(shape(&globals, &numbers, index, object, doc.as_deref()))
        }
        _ => Arc::new(Shape::default()),
    }
}

/// Schema and policy of an object, without its rules.
#[salsa::tracked(returns(clone))]
pub fn head_of(db: &dyn salsa::Database, file: SourceFile, index: usize) -> Option<Arc<Head>> {
    let (globals, shape) = (globals_of(db, file), shape_of(db, file, index));
    match item(db, file, index).as_deref() {
        Some((ItemKind::Object(object), _)) => {
            Some(Arc::new(head(&globals, &shape, index, object)))
        }
        _ => None,
    }
}

/// One rule.
#[salsa::tracked(returns(clone))]
pub fn rule_of(
    db: &dyn salsa::Database,
    file: SourceFile,
    part: PartKey,
    index: u16,
) -> Option<Arc<CheckedRule>> {
    let (globals, shape) = (globals_of(db, file), shape_of(db, file, part.0));
    let head = head_of(db, file, part.0)?;
    let rule = rule_tree(db, file, part)?;
    let below = facts_below(db, file, &head, part, index);
    let part = PartId { item: part.0, member: Some(part.1) };
    let ctx = Context { globals: &globals, shape: &shape, head: &head, part, index };
    Some(Arc::new(check_rule(ctx, &rule, below)))
}

/// What is known below a rule that has let its message pass. It is a query of its own, so that an
/// edit of a body, which leaves the guard as it was, checks no rule below it.
#[salsa::tracked(returns(clone))]
fn passed_by(
    db: &dyn salsa::Database,
    file: SourceFile,
    part: PartKey,
    index: u16,
) -> Option<Facts> {
    let (globals, shape) = (globals_of(db, file), shape_of(db, file, part.0));
    let head = head_of(db, file, part.0)?;
    let rule = rule_tree(db, file, part)?;
    let below = facts_below(db, file, &head, part, index);
    let part = PartId { item: part.0, member: Some(part.1) };
    let ctx = Context { globals: &globals, shape: &shape, head: &head, part, index };
    check_guard(ctx, &rule, below)
}

/// What a rule answers, by name.
#[salsa::tracked(returns(clone))]
fn trigger_of(db: &dyn salsa::Database, file: SourceFile, part: PartKey) -> Option<String> {
    let rule = rule_tree(db, file, part)?;
    rule.trigger.part.is_none().then(|| rule.trigger.name.text.clone())
}

/// What is known where the guard of a rule is looked at.
fn facts_below(
    db: &dyn salsa::Database,
    file: SourceFile,
    head: &Head,
    part: PartKey,
    index: u16,
) -> Facts {
    let standing = || verify::standing_facts(&head.model);
    let Some(name) = trigger_of(db, file, part) else { return standing() };
    let shape = shape_of(db, file, part.0);
    if !matches!(shape.def(&name), Some(Def::Message(_))) {
        return standing();
    }
    let above = (0..index).zip(&shape.rule_places);
    let above = above.filter_map(|(rule, place)| Some((rule, (part.0, place.part.member?))));
    let rivals = above.filter(|(_, part)| trigger_of(db, file, *part).as_ref() == Some(&name));
    // From the top, so that none of them has to ask for all above it first.
    let passed = rivals.filter_map(|(rule, part)| passed_by(db, file, part, rule));
    passed.last().unwrap_or_else(standing)
}

/// A whole object.
#[salsa::tracked(returns(clone))]
pub fn object_of(db: &dyn salsa::Database, file: SourceFile, index: usize) -> Arc<CheckedObject> {
    let shape = shape_of(db, file, index);
    let mut problems = shape.problems.clone();
    let Some(head) = head_of(db, file, index) else {
        return Arc::new(CheckedObject { model: None, problems });
    };
    problems.extend(head.problems.iter().cloned());
    let mut model = head.model.clone();
    let mut whole = true;
    for (rule, place) in shape.rule_places.iter().enumerate() {
        let Some(member) = place.part.member else { continue };
        let Some(checked) = rule_of(db, file, (index, member), rule as u16) else { continue };
        problems.extend(checked.problems.iter().cloned());
        model.policy.predictions.extend(checked.predictions.iter().cloned());
        match &checked.rule {
            Some(rule) => model.policy.rules.push(rule.clone()),
            None => whole = false,
        }
    }
    let damaged = is_damaged(db, file);
    let globals = globals_of(db, file);
    let mut known = problems.iter().chain(&globals.problems);
    let sound = known.all(|problem| problem.code.is_warning()) && *uses_are_sound(db, file);
    if !(whole && sound && !damaged) {
        return Arc::new(CheckedObject { model: None, problems });
    }
    private::mark(&mut model);
    let (wide, model) = (model.clone(), carried(&globals, &model));
    problems.extend(whole_object(&shape, &head, &model, index));
    let sound = problems.iter().all(|problem| problem.code.is_warning());
    let (docs, limits) = (shape.docs.clone(), head.limits.clone());
    let model = sound.then(|| Arc::new(CheckedModel { model, wide, docs, limits }));
    Arc::new(CheckedObject { model, problems })
}

/// What only the whole object shows: assured rules, messages nobody takes, and the Model's own check.
fn whole_object(shape: &Shape, head: &Head, model: &Model, item: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    let rules = &model.policy.rules;
    for (index, _, below) in verify::from_the_top(model).filter(|(_, rule, _)| rule.assured) {
        if let Some(why) = verify::refusable(model, index, &below) {
            problems.push(refusable_problem(head, rules, index, shape.rule_places[index], &why));
        }
    }
    problems.extend(crate::policy::moving_sums(head, model));
    problems.extend(crate::hidden::told(shape, head, model));
    problems.extend(crate::blind::blind_clauses(shape, model, &head.always_places));
    problems.extend(crate::warnings::warnings(shape, model));
    if problems.iter().all(|problem| problem.code.is_warning())
        && let Err(flaw) = verify::verify(model)
    {
        let at = crate::globals::whole(PartId { item, member: None });
        problems.push(
            Problem::new(
                Code::TooMany,
                at,
                format!("this object is more than the language allows: {flaw}"),
            )
            .help("make it smaller, or split it"),
        );
    }
    problems
}

/// A scenario.
#[salsa::tracked(returns(clone))]
pub fn scenario_of(
    db: &dyn salsa::Database,
    file: SourceFile,
    index: usize,
) -> Option<Arc<Scenario>> {
    let node = item(db, file, index)?;
    let ItemKind::Scenario(tree) = &node.0 else { return None };
    let of = object_named(db, file, &tree.object.text);
    let globals = globals_of(db, file);
    let part = PartId { item: index, member: None };
    let target = of.and_then(|object| target(db, file, object));
    Some(Arc::new(scenario(&globals, part, tree, of.is_some(), target)))
}

/// An object for scenarios to run, if nothing is wrong with it.
fn target(db: &dyn salsa::Database, file: SourceFile, object: usize) -> Option<Target> {
    let checked = object_of(db, file, object);
    Some((object, shape_of(db, file, object), checked.model.clone()?))
}

/// A property.
#[salsa::tracked(returns(clone))]
pub fn property_of(
    db: &dyn salsa::Database,
    file: SourceFile,
    index: usize,
) -> Option<Arc<Property>> {
    let node = item(db, file, index)?;
    let ItemKind::Property(tree) = &node.0 else { return None };
    let of = object_named(db, file, &tree.object.text);
    let part = PartId { item: index, member: None };
    let target = of.and_then(|object| target(db, file, object));
    Some(Arc::new(property(globals_of(db, file), part, tree, of.is_some(), target)))
}

/// The item that declares an object of this name.
fn object_named(db: &dyn salsa::Database, file: SourceFile, name: &str) -> Option<usize> {
    objects(db, file).into_iter().find(|(_, object)| object == name).map(|(index, _)| index)
}

/// The items that are objects, by name; not those whose header could not be read.
#[salsa::tracked(returns(clone))]
pub fn objects(db: &dyn salsa::Database, file: SourceFile) -> Vec<(usize, String)> {
    let tree = tree_of(db, file);
    let items = tree.file.items.iter().enumerate();
    items
        .filter_map(|(index, part)| {
            let ItemKind::Object(object) = &part.node else { return None };
            let name = object.name.text.clone();
            (!name.is_empty()).then_some((index, name))
        })
        .collect()
}

/// The items that are scenarios.
pub fn scenarios(db: &dyn salsa::Database, file: SourceFile) -> Vec<Arc<Scenario>> {
    let count = tree_of(db, file).file.items.len();
    (0..count).filter_map(|index| scenario_of(db, file, index)).collect()
}

/// The items that are properties.
pub fn properties(db: &dyn salsa::Database, file: SourceFile) -> Vec<Arc<Property>> {
    let count = tree_of(db, file).file.items.len();
    (0..count).filter_map(|index| property_of(db, file, index)).collect()
}

/// Everything that is wrong with a file, in text order.
pub fn diagnostics(db: &dyn salsa::Database, file: SourceFile) -> Vec<Diagnostic> {
    let tree = tree_of(db, file);
    let mut found: Vec<Diagnostic> = tree.errors.iter().map(syntax).collect();
    let mut problems = globals_of(db, file).problems.clone();
    for (index, _) in objects(db, file) {
        problems.extend(object_of(db, file, index).problems.iter().cloned());
        problems.extend(too_dear(db, file, index));
    }
    for scenario in scenarios(db, file) {
        problems.extend(scenario.problems.iter().cloned());
    }
    for property in properties(db, file) {
        problems.extend(property.problems.iter().cloned());
    }
    let text = file.text(db);
    if tree.errors.is_empty() {
        problems.extend(unused(&globals_of(db, file), &tree.file, text));
    }
    let unread = if tree.errors.is_empty() { Unread::default() } else { Unread::of(&tree, text) };
    let placed = problems.iter().map(|problem| (problem, place(&tree.file, problem)));
    let own = placed.filter(|(problem, placed)| !unread.explains(problem, placed.span.of(text)));
    found.extend(own.map(|(_, placed)| placed));
    found.sort_by_key(|d| (d.span, d.code, d.message.clone()));
    found.dedup();
    found
}

pub(crate) fn syntax(error: &aqo_grammar::SyntaxError) -> Diagnostic {
    Diagnostic {
        code: Code::Syntax(error.kind),
        severity: match error.kind.severity() {
            aqo_grammar::Severity::Error => Severity::Error,
            aqo_grammar::Severity::Warning => Severity::Warning,
        },
        span: error.span,
        message: error.message.clone(),
        label: error.label.clone(),
        related: error.related.iter().cloned().collect(),
        help: error.help.clone(),
        fix: error.fix.as_ref().map(|fix| (fix.span, fix.text.clone())),
    }
}

/// A problem at its place in the text.
fn place(file: &tree::File, problem: &Problem) -> Diagnostic {
    let span = span_of(file, problem.at);
    Diagnostic {
        code: problem.code,
        severity: if problem.code.is_warning() { Severity::Warning } else { Severity::Error },
        span,
        message: problem.message.clone(),
        label: problem.label.clone(),
        related: problem
            .related
            .iter()
            .map(|(at, what)| (span_of(file, *at), what.clone()))
            .collect(),
        help: problem.help.clone(),
        fix: problem.fix.as_ref().map(|text| {
            let whole = Loc { part: problem.at.part, at: At(u32::MAX) };
            (if problem.is_of_part { span_of(file, whole) } else { span }, text.clone())
        }),
    }
}

/// The byte range of a position.
pub fn span_of(file: &tree::File, loc: Loc) -> Span {
    let Some(item) = file.items.get(loc.part.item) else { return Span { start: 0, end: 0 } };
    match (&item.node, loc.part.member) {
        (ItemKind::Object(object), Some(member)) => {
            object.members.get(member).map_or(item.span, |part| part.span(loc.at))
        }
        _ => item.span(loc.at),
    }
}
