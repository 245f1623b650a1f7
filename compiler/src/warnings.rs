//! What compiles and is probably not meant.

use crate::codes::Code;
use crate::diagnostic::Problem;
use crate::shape::Shape;
use aqo_model::Model;
use aqo_model::expr::{Expr, Stmt};
use aqo_model::facts::Facts;
use aqo_model::policy::Trigger;

/// The warnings of a whole object.
pub fn warnings(shape: &Shape, model: &Model) -> Vec<Problem> {
    let mut problems = open_messages(shape, model);
    problems.extend(restless(shape, model));
    problems
}

/// A message with two or more rules of which none need take it is refused `no_rule` where all
/// guards are false.
fn open_messages(shape: &Shape, model: &Model) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (kind, message) in model.schema.messages.iter().enumerate() {
        let answers = |rule: &&aqo_model::policy::Rule| rule.on == Trigger::Message(kind as u16);
        let rules: Vec<_> = model.policy.rules.iter().filter(answers).collect();
        if rules.len() < 2 {
            continue;
        }
        let mut facts = Facts::default();
        for rule in &rules {
            match &rule.when {
                Some(when) => facts.assume(when, false),
                None => facts.assume(&Expr::Value(aqo_model::value::Value::Bool(true)), false),
            }
        }
        let place = shape.place_of(&message.name);
        if let (false, Some(at)) = (facts.is_impossible(), place) {
            let text = format!(
                "`{}` may be left untaken: the guards of its rules may all be false",
                message.name
            );
            problems.push(Problem::new(Code::OpenMessage, at, text).help(
                "it is refused `no_rule` then; end with a rule without `when` to say so yourself",
            ));
        }
    }
    problems
}

/// A tick rule without a guard that acts, and no limit of it: every tick leaves an entry.
fn restless(shape: &Shape, model: &Model) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, rule) in model.policy.rules.iter().enumerate() {
        let limited = model
            .policy
            .limits
            .iter()
            .any(|limit| limit.rules.iter().any(|r| usize::from(*r) == index));
        let acts = rule
            .body
            .iter()
            .any(|stmt| matches!(stmt, Stmt::Set(..) | Stmt::Emit(..) | Stmt::Predict(..)));
        if rule.on == Trigger::Tick && rule.when.is_none() && acts && !limited {
            let text =
                format!("`{}` acts on every tick, and every tick leaves an entry", rule.name);
            problems.push(
                Problem::new(Code::Restless, shape.rule_places[index], text)
                    .help("say when: `when …`, or how often: a `limit` in the policy"),
            );
        }
    }
    problems
}
