//! What `private` hides, and what it cannot hide.
//!
//! A field is private because its author says so. What comes from outside and goes into it, a parameter
//! of a message or an input, is private with it, and so is a derive that reads it. Hidden is what an
//! object records *by itself*: its entries are chained in a form that has commitments in place of such
//! values (see [`crate::entry`]). What a rule sets elsewhere, says or binds is its author's own word,
//! and open. A few things are kept openly by what they are: [`Told`] lists them.

use crate::expr::{Expr, Shape, Stmt};
use crate::model::Model;
use crate::policy::{Happening, Rule};
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
}

/// What an expression is made of, as far as it can be private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leaf {
    Field(u16),
    Derive(u16),
    Input(u16),
    Param(u16),
}

/// What is private because a field is.
struct Marks {
    derives: Vec<bool>,
    inputs: Vec<bool>,
    /// The parameters of each message.
    params: Vec<BTreeSet<u16>>,
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
    if !schema.fields.iter().any(|field| field.private) {
        return told;
    }
    let waiting = (0u16..).zip(&schema.messages);
    let waiting = waiting.filter(|(_, message)| message.waits.is_some() && hides(message));
    told.extend(waiting.map(|(kind, _)| Told::Waiting(kind)));
    for (index, rule) in (0u16..).zip(&policy.rules) {
        let sources = Sources::of(rule);
        let private = |expr: &Expr| {
            sources.leaves(expr).into_iter().any(|leaf| is_private(model, rule, leaf))
        };
        let of_private =
            rule.on.message().is_some_and(|kind| hides(&schema.messages[usize::from(kind)]));
        if of_private && rule.quorum.is_some() {
            told.push(Told::Consent(index));
        }
        let mut gains = policy.trust.iter().flat_map(|trust| &trust.gains);
        if of_private && gains.any(|gain| gain.on == Happening::Rule(index)) {
            told.push(Told::Claim(index));
        }
        for (number, limit) in (0u16..).zip(&policy.limits) {
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
    }
    told
}

/// The private field for which a parameter of a message is private.
pub fn holder(model: &Model, kind: u16, param: u16) -> Option<u16> {
    let rules = model.policy.rules.iter().filter(|rule| rule.on.carries() == Some(kind));
    let mut stored = rules.flat_map(|rule| stored_privately(model, rule));
    stored.find(|(_, leaves)| leaves.contains(&Leaf::Param(param))).map(|(field, _)| field)
}

fn hides(message: &crate::schema::Message) -> bool {
    !message.private.is_empty()
}

/// Whether what a rule reads is private.
fn is_private(model: &Model, rule: &Rule, leaf: Leaf) -> bool {
    let schema = &model.schema;
    match leaf {
        Leaf::Field(field) => schema.fields[usize::from(field)].private,
        Leaf::Derive(derive) => schema.derives[usize::from(derive)].private,
        Leaf::Input(input) => schema.inputs[usize::from(input)].private,
        Leaf::Param(param) => (rule.on.carries())
            .is_some_and(|kind| schema.messages[usize::from(kind)].private.contains(&param)),
    }
}

fn marks(model: &Model) -> Marks {
    let schema = &model.schema;
    let mut marks = Marks {
        derives: Vec::new(),
        inputs: vec![false; schema.inputs.len()],
        params: vec![BTreeSet::new(); schema.messages.len()],
    };
    if !schema.fields.iter().any(|field| field.private) {
        marks.derives = vec![false; schema.derives.len()];
        return marks;
    }
    for derive in &schema.derives {
        let mut sources = Sources::default();
        sources.see(&derive.value);
        let private = sources.leaves(&derive.value).into_iter().any(|leaf| match leaf {
            Leaf::Field(field) => schema.fields[usize::from(field)].private,
            // One reads only those above it.
            Leaf::Derive(above) => marks.derives.get(usize::from(above)) == Some(&true),
            Leaf::Input(_) | Leaf::Param(_) => false,
        });
        marks.derives.push(private);
    }
    for rule in &model.policy.rules {
        for leaf in stored_privately(model, rule).into_iter().flat_map(|(_, leaves)| leaves) {
            match (leaf, rule.on.carries()) {
                (Leaf::Input(input), _) => marks.inputs[usize::from(input)] = true,
                (Leaf::Param(param), Some(kind)) => {
                    marks.params[usize::from(kind)].insert(param);
                }
                (Leaf::Param(_), None) | (Leaf::Field(_) | Leaf::Derive(_), _) => {}
            }
        }
    }
    marks
}

/// What a rule's private fields are set to, or change by, is made of.
fn stored_privately(model: &Model, rule: &Rule) -> Vec<(u16, BTreeSet<Leaf>)> {
    let is_private = |field: &u16| model.schema.fields[usize::from(*field)].private;
    let mut stored = Vec::new();
    if !model.schema.fields.iter().any(|field| field.private) {
        return stored;
    }
    let sources = Sources::of(rule);
    rule.body.iter().for_each(|stmt| {
        stmt.walk(&mut |stmt| {
            if let Stmt::Set(field, _) | Stmt::Edit(field, ..) = stmt
                && is_private(field)
            {
                let leaves = stmt.exprs().into_iter().flat_map(|expr| sources.leaves(expr));
                stored.push((*field, leaves.collect()));
            }
        });
    });
    stored
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

    /// What an expression is made of, by way of locals too.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others read nothing")]
    fn leaves(&self, expr: &'e Expr) -> BTreeSet<Leaf> {
        let (mut leaves, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec![expr];
        while let Some(expr) = open.pop() {
            expr.walk(&mut |expr| {
                let leaf = match expr {
                    Expr::Field(index) => Leaf::Field(*index),
                    Expr::Derive(index) => Leaf::Derive(*index),
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
