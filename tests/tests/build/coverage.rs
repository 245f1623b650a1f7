//! Which forms of expression and statement a set of Models uses.

use aqo_model::Model;
use aqo_model::expr::{Expr, Stmt};
use std::collections::BTreeSet;

const EXPRESSIONS: [&str; 43] = [
    "Abs",
    "Add",
    "And",
    "Born",
    "Captured",
    "Clamp",
    "Compare",
    "Derive",
    "Div",
    "Due",
    "Else",
    "Equal",
    "Field",
    "Fit",
    "If",
    "Input",
    "Is",
    "Len",
    "Let",
    "Local",
    "Match",
    "Max",
    "Min",
    "Missed",
    "Mul",
    "Neg",
    "None",
    "Not",
    "Now",
    "Or",
    "Param",
    "Refuse",
    "Rem",
    "Role",
    "Shift",
    "Some",
    "StartsWith",
    "Sub",
    "Trust",
    "Unwrap",
    "Value",
    "Variant",
    "Within",
];
const STATEMENTS: [&str; 7] = ["Emit", "If", "Let", "Match", "Predict", "Refuse", "Set"];

/// The name of a variant, as `Debug` begins.
fn name(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// The forms that stand somewhere in the Models.
fn forms(models: &[Model]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut exprs, mut stmts) = (BTreeSet::new(), BTreeSet::new());
    let mut see = |expr: &Expr| {
        expr.walk(&mut |expr| {
            exprs.insert(name(expr));
        })
    };
    for model in models {
        let policy = &model.policy;
        model.schema.derives.iter().for_each(|derive| see(&derive.value));
        policy.predictions.iter().for_each(|prediction| see(&prediction.holds));
        policy.always.iter().for_each(|clause| see(&clause.holds));
        for rule in &policy.rules {
            rule.when.iter().for_each(&mut see);
            for stmt in &rule.body {
                stmt.walk(&mut |stmt: &Stmt| {
                    stmts.insert(name(stmt));
                    stmt.exprs().into_iter().for_each(&mut see);
                });
            }
        }
    }
    (exprs, stmts)
}

/// Prints how many forms the Models use.
pub(crate) fn print(models: &[Model]) {
    let (exprs, stmts) = forms(models);
    println!("{} forms of expression, {} of statement", exprs.len(), stmts.len());
}

/// Asserts that every form of expression and statement stands somewhere in the Models.
pub(crate) fn assert_all(models: &[Model]) {
    print(models);
    let (exprs, stmts) = forms(models);
    assert!(EXPRESSIONS.iter().all(|name| exprs.contains(*name)), "{exprs:?}");
    assert!(STATEMENTS.iter().all(|name| stmts.contains(*name)), "{stmts:?}");
}
