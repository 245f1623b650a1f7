//! What `private` hides, and what it cannot hide.
//!
//! A field is private because its author says so. What comes from outside and goes into it, decides
//! whether something does, or is held against it, a parameter of a message or an input, is private with
//! it; and so is a derive that reads it. Hidden is what an object records *by itself*: its entries are
//! chained in a form that has commitments in place of such values (see [`crate::entry`]). What a rule
//! sets elsewhere, says or binds is its author's own word, and open; so is which rules and branches ran.
//! A few things are kept openly by what they are: [`Told`] lists them.

use crate::expr::{Expr, Shape, Stmt};
use crate::model::Model;
use crate::policy::{Happening, Pause, Rule};
use crate::reads::reads_time;
use crate::wake::{flatten, has_wakes};
use std::collections::{BTreeMap, BTreeSet};

/// What would record a private value openly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// This message waits, parameters and all.
    Waiting(u16),
    /// People consent to what this rule would do, and have to see it.
    Consent(u16),
    /// This rule raises trust, by a claim that is made of its parameters.
    Claim(u16),
    /// This limit keeps what commits of this rule come to.
    Sum(u16, u16),
    /// This rule makes this prediction, which keeps what it captures.
    Captured(u16, u16),
    /// By this rule's guard a cycle on time is due at an instant that tells it.
    Due(u16),
    /// `dormant` or `ends` turns at an instant that tells it.
    Pause,
}

/// What an expression is made of, as far as it can be private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leaf {
    Field(u16),
    Derive(u16),
    Left(u16),
    Input(u16),
    Param(u16),
}

/// Marks everything that is private because a field is.
pub fn mark(model: &mut Model) {
    let Marks { derives, inputs, params } = marks(model);
    let schema = &mut model.schema;
    schema.derives.iter_mut().zip(derives).for_each(|(derive, is)| derive.private = is);
    schema.inputs.iter_mut().zip(inputs).for_each(|(input, is)| input.private = is);
    for (message, params) in schema.messages.iter_mut().zip(params) {
        message.private = params.into_iter().collect();
    }
}

/// Whether exactly that is marked which is private because a field is.
pub(crate) fn is_marked(model: &Model) -> bool {
    let (schema, marks) = (&model.schema, marks(model));
    schema.derives.iter().zip(&marks.derives).all(|(derive, is)| derive.private == *is)
        && schema.inputs.iter().zip(&marks.inputs).all(|(input, is)| input.private == *is)
        && (schema.messages.iter().zip(&marks.params))
            .all(|(message, params)| message.private.iter().eq(params))
}

/// What would record a private value of a marked Model openly.
pub fn told(model: &Model) -> Vec<Told> {
    let (schema, policy) = (&model.schema, &model.policy);
    let mut told = Vec::new();
    if !has_private(model) {
        return told;
    }
    let waiting = (0u16..).zip(&schema.messages);
    let waiting =
        waiting.filter(|(_, message)| message.waits.is_some() && !message.private.is_empty());
    told.extend(waiting.map(|(kind, _)| Told::Waiting(kind)));
    for (index, rule) in (0u16..).zip(&policy.rules) {
        let of_private = rule
            .on
            .message()
            .is_some_and(|kind| !schema.messages[usize::from(kind)].private.is_empty());
        if of_private && rule.quorum.is_some() {
            told.push(Told::Consent(index));
        }
        let mut gains = policy.trust.iter().flat_map(|trust| &trust.gains);
        if of_private && gains.any(|gain| gain.on == Happening::Rule(index)) {
            told.push(Told::Claim(index));
        }
        told_by_rule(model, index, rule, &mut told);
    }
    if policy.dormant.iter().chain(&policy.ends).any(|pause| pause_tells(model, pause)) {
        told.push(Told::Pause);
    }
    told
}

fn told_by_rule(model: &Model, index: u16, rule: &Rule, told: &mut Vec<Told>) {
    let (marks, sources) = (Marks::of(model), Sources::of(rule));
    let private = |expr: &Expr| {
        sources.leaves(expr).into_iter().any(|leaf| marks.has(model, rule.on.carries(), leaf))
    };
    for (number, limit) in (0u16..).zip(&model.policy.limits) {
        let place = limit.rules.iter().position(|counted| *counted == index);
        let amount = place.and_then(|place| limit.sum.as_ref()?.of.get(place));
        told.extend(amount.filter(|amount| private(amount)).map(|_| Told::Sum(number, index)));
    }
    rule.body.iter().for_each(|stmt| {
        stmt.walk(&mut |stmt| {
            if let Stmt::Predict(prediction, captured) = stmt
                && captured.iter().any(private)
            {
                told.push(Told::Captured(index, *prediction));
            }
        });
    });
    if has_wakes(model) && rule.on.is_tick() {
        let mut parts = Vec::new();
        rule.when.iter().for_each(|when| flatten(when, &mut parts));
        if parts.into_iter().any(|part| reads_time(model, part) && private(part)) {
            told.push(Told::Due(index));
        }
    }
}

/// Whether the instant at which an object falls asleep, wakes or ends tells of a private field.
pub fn pause_tells(model: &Model, pause: &Pause) -> bool {
    let (mut parts, mut sources) = (Vec::new(), Sources::default());
    flatten(&pause.holds, &mut parts);
    sources.see(&pause.holds);
    let private = |leaf| match leaf {
        Leaf::Field(field) => model.schema.fields[usize::from(field)].private,
        Leaf::Derive(index) => reads_private(model, &Expr::Derive(index)),
        Leaf::Left(limit) => reads_private(model, &Expr::Left(limit)),
        Leaf::Input(_) | Leaf::Param(_) => false,
    };
    let tells =
        |part: &&Expr| reads_time(model, part) && sources.leaves(part).into_iter().any(private);
    parts.iter().any(tells)
}

/// Why a parameter of a message is private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It goes into this field, or decides whether something does.
    GoesInto(u16),
    /// It is held against this field.
    HeldAgainst(u16),
}

/// Why a parameter of a message is private; none where it is by way of something else.
pub fn because(model: &Model, kind: u16, param: u16) -> Option<Because> {
    let rules = || model.policy.rules.iter().filter(|rule| rule.on.carries() == Some(kind));
    let mut stored = rules().flat_map(|rule| stored_privately(model, rule, &Sources::of(rule)));
    let stored = stored.find(|(_, leaves)| leaves.contains(&Leaf::Param(param)));
    let against = || {
        rules().flat_map(|rule| compared(rule, &Sources::of(rule))).find_map(|leaves| {
            let field = leaves.iter().find_map(|leaf| match leaf {
                Leaf::Field(field) if model.schema.fields[usize::from(*field)].private => {
                    Some(*field)
                }
                Leaf::Field(_)
                | Leaf::Derive(_)
                | Leaf::Left(_)
                | Leaf::Input(_)
                | Leaf::Param(_) => None,
            });
            field.filter(|_| leaves.contains(&Leaf::Param(param)))
        })
    };
    let stored = stored.map(|(field, _)| Because::GoesInto(field));
    stored.or_else(|| against().map(Because::HeldAgainst))
}

fn has_private(model: &Model) -> bool {
    model.schema.fields.iter().any(|field| field.private)
}

/// Whether an expression reads a private field, by way of derives and limits too.
fn reads_private(model: &Model, expr: &Expr) -> bool {
    reads_private_but(model, expr, &mut BTreeSet::new())
}

/// The same, but by way of these limits: one whose sum reads what is left of it is no sound one, and
/// is asked about all the same.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others read no field")]
fn reads_private_but(model: &Model, expr: &Expr, seen: &mut BTreeSet<u16>) -> bool {
    let schema = &model.schema;
    let mut found = false;
    expr.walk(&mut |expr| {
        found |= match expr {
            Expr::Field(field) => schema.fields[usize::from(*field)].private,
            // One reads those above it, and what is left of limits.
            Expr::Derive(index) => {
                reads_private_but(model, &schema.derives[usize::from(*index)].value, seen)
            }
            Expr::Left(limit) if seen.insert(*limit) => {
                let limit = model.policy.limits.get(usize::from(*limit));
                let sum = limit.and_then(|limit| limit.sum.as_ref());
                sum.is_some_and(|sum| reads_private_but(model, &sum.most, seen))
            }
            _ => false,
        };
    });
    found
}

/// What is private because a field is.
#[derive(Clone, PartialEq, Eq)]
struct Marks {
    derives: Vec<bool>,
    inputs: Vec<bool>,
    /// The parameters of each message.
    params: Vec<BTreeSet<u16>>,
}

impl Marks {
    /// Those of a marked Model.
    fn of(model: &Model) -> Marks {
        let schema = &model.schema;
        Marks {
            derives: schema.derives.iter().map(|derive| derive.private).collect(),
            inputs: schema.inputs.iter().map(|input| input.private).collect(),
            params: (schema.messages.iter())
                .map(|message| message.private.iter().copied().collect())
                .collect(),
        }
    }

    /// Whether what is read, where this message is at hand, is private.
    fn has(&self, model: &Model, kind: Option<u16>, leaf: Leaf) -> bool {
        match leaf {
            Leaf::Field(field) => model.schema.fields[usize::from(field)].private,
            Leaf::Derive(derive) => self.derives[usize::from(derive)],
            Leaf::Left(limit) => reads_private(model, &Expr::Left(limit)),
            Leaf::Input(input) => self.inputs[usize::from(input)],
            Leaf::Param(param) => {
                kind.is_some_and(|kind| self.params[usize::from(kind)].contains(&param))
            }
        }
    }

    /// What comes from outside among these is private.
    fn take(&mut self, kind: Option<u16>, leaves: &BTreeSet<Leaf>) {
        for leaf in leaves {
            match (*leaf, kind) {
                (Leaf::Input(input), _) => self.inputs[usize::from(input)] = true,
                (Leaf::Param(param), Some(kind)) => {
                    self.params[usize::from(kind)].insert(param);
                }
                (Leaf::Param(_), None) | (Leaf::Field(_) | Leaf::Derive(_) | Leaf::Left(_), _) => {}
            }
        }
    }
}

fn marks(model: &Model) -> Marks {
    let (schema, policy) = (&model.schema, &model.policy);
    let mut marks = Marks {
        derives: vec![false; schema.derives.len()],
        inputs: vec![false; schema.inputs.len()],
        params: vec![BTreeSet::new(); schema.messages.len()],
    };
    if !has_private(model) {
        return marks;
    }
    marks.derives =
        schema.derives.iter().map(|derive| reads_private(model, &derive.value)).collect();
    let mut held: Vec<(Option<u16>, BTreeSet<Leaf>)> = Vec::new();
    for rule in &policy.rules {
        let (kind, sources) = (rule.on.carries(), Sources::of(rule));
        for (_, leaves) in stored_privately(model, rule, &sources) {
            marks.take(kind, &leaves);
        }
        held.extend(compared(rule, &sources).into_iter().map(|leaves| (kind, leaves)));
    }
    for prediction in &policy.predictions {
        let mut sources = Sources::default();
        sources.see(&prediction.holds);
        held.extend(sources.compared(&prediction.holds).into_iter().map(|leaves| (None, leaves)));
    }
    // What is held against what is private is private; so is what is held against that.
    loop {
        let before = marks.clone();
        for (kind, leaves) in &held {
            if leaves.iter().any(|leaf| marks.has(model, *kind, *leaf)) {
                marks.take(*kind, leaves);
            }
        }
        if marks == before {
            return marks;
        }
    }
}

/// What a rule's private fields are set to, or change by, is made of, and what decides whether.
fn stored_privately(
    model: &Model,
    rule: &Rule,
    sources: &Sources<'_>,
) -> Vec<(u16, BTreeSet<Leaf>)> {
    if !has_private(model) {
        return Vec::new();
    }
    let mut stores = Stores { model, sources, found: Vec::new() };
    let guard = rule.when.iter().flat_map(|when| sources.leaves(when)).collect();
    stores.block(&rule.body, guard);
    stores.found
}

/// Stores to private fields, on their way through a body.
struct Stores<'s> {
    model: &'s Model,
    sources: &'s Sources<'s>,
    found: Vec<(u16, BTreeSet<Leaf>)>,
}

impl Stores<'_> {
    /// The statements of a block; `decided` is what decides whether it runs.
    fn block(&mut self, stmts: &[Stmt], mut decided: BTreeSet<Leaf>) {
        for stmt in stmts {
            let own = || stmt.exprs().into_iter().flat_map(|expr| self.sources.leaves(expr));
            match stmt {
                Stmt::Set(field, _) | Stmt::Edit(field, ..) => {
                    let leaves = decided.iter().copied().chain(own()).collect();
                    if self.model.schema.fields[usize::from(*field)].private {
                        self.found.push((*field, leaves));
                    }
                }
                Stmt::If(_, then, otherwise) => {
                    let inner: BTreeSet<Leaf> = decided.iter().copied().chain(own()).collect();
                    self.block(then, inner.clone());
                    self.block(otherwise, inner.clone());
                    if Stmt::always_refuse(then) || Stmt::always_refuse(otherwise) {
                        decided = inner;
                    }
                }
                Stmt::Match(_, arms) => {
                    let inner: BTreeSet<Leaf> = decided.iter().copied().chain(own()).collect();
                    arms.iter().for_each(|(_, body)| self.block(body, inner.clone()));
                    if arms.iter().any(|(_, body)| Stmt::always_refuse(body)) {
                        decided = inner;
                    }
                }
                Stmt::Let(..)
                | Stmt::Bind(..)
                | Stmt::Emit(..)
                | Stmt::Predict(..)
                | Stmt::Refuse(_) => {}
            }
        }
    }
}

/// What each comparison of a rule is made of.
fn compared(rule: &Rule, sources: &Sources<'_>) -> Vec<BTreeSet<Leaf>> {
    let mut found: Vec<_> = rule.when.iter().flat_map(|when| sources.compared(when)).collect();
    rule.body.iter().for_each(|stmt| {
        stmt.walk(&mut |stmt| {
            found.extend(stmt.exprs().into_iter().flat_map(|expr| sources.compared(expr)));
        });
    });
    found
}

/// What each local of a rule or a derive is made of.
#[derive(Default)]
struct Sources<'e> {
    of: BTreeMap<u16, Vec<&'e Expr>>,
}

impl<'e> Sources<'e> {
    fn of(rule: &'e Rule) -> Sources<'e> {
        let mut sources = Sources::default();
        rule.when.iter().for_each(|when| sources.see(when));
        rule.body.iter().for_each(|stmt| {
            stmt.walk(&mut |stmt| {
                match stmt {
                    Stmt::Let(local, value) => sources.bind([local], value),
                    Stmt::Match(subject, arms) => {
                        let shapes = arms.iter().flat_map(|(shapes, _)| shapes);
                        sources.bind(shapes.flat_map(Shape::binders), subject);
                    }
                    Stmt::Set(..)
                    | Stmt::Edit(..)
                    | Stmt::Bind(..)
                    | Stmt::Emit(..)
                    | Stmt::Predict(..)
                    | Stmt::Refuse(_)
                    | Stmt::If(..) => {}
                }
                stmt.exprs().into_iter().for_each(|expr| sources.see(expr));
            });
        });
        sources
    }

    fn bind<'l>(&mut self, locals: impl IntoIterator<Item = &'l u16>, value: &'e Expr) {
        locals.into_iter().for_each(|local| self.of.entry(*local).or_default().push(value));
    }

    /// Takes in what an expression binds.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others bind nothing")]
    fn see(&mut self, expr: &'e Expr) {
        expr.walk(&mut |expr| match expr {
            Expr::Let(local, value, _) => self.bind([local], value),
            Expr::Is(subject, shapes) => {
                self.bind(shapes.iter().flat_map(Shape::binders), subject);
            }
            Expr::Match(subject, arms) => {
                let shapes = arms.iter().flat_map(|(shapes, _)| shapes);
                self.bind(shapes.flat_map(Shape::binders), subject);
            }
            Expr::Each(_, binders, source, _) => self.bind(binders, source),
            Expr::Collect(_, collect) => self.bind(&collect.binders, &collect.source),
            Expr::Fold(so_far, first, binders, source, next) => {
                self.bind([so_far], first);
                self.bind([so_far], next);
                self.bind(binders, source);
            }
            _ => {}
        });
    }

    /// What each comparison in an expression is made of.
    fn compared(&self, expr: &Expr) -> Vec<BTreeSet<Leaf>> {
        let mut found = Vec::new();
        expr.walk(&mut |expr| {
            let compares = matches!(
                expr,
                Expr::Compare(..)
                    | Expr::Equal(..)
                    | Expr::Within(..)
                    | Expr::Has(..)
                    | Expr::Get(..)
                    | Expr::StartsWith(..)
            );
            found.extend(compares.then(|| self.leaves(expr)));
        });
        found
    }

    /// What an expression is made of, by way of locals too.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others read nothing")]
    fn leaves(&self, expr: &Expr) -> BTreeSet<Leaf> {
        let (mut leaves, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            expr.walk(&mut |expr| {
                let leaf = match expr {
                    Expr::Field(index) => Leaf::Field(*index),
                    Expr::Derive(index) => Leaf::Derive(*index),
                    Expr::Left(index) => Leaf::Left(*index),
                    Expr::Input(index) => Leaf::Input(*index),
                    Expr::Param(index) => Leaf::Param(*index),
                    Expr::Local(local) if seen.insert(*local) => {
                        open.extend(self.of.get(local).into_iter().flatten());
                        return;
                    }
                    _ => return,
                };
                leaves.insert(leaf);
            });
        }
        leaves
    }
}
