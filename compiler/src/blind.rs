//! Clauses that would keep an object from seeing what is the case.

use crate::codes::Code;
use crate::diagnostic::{Loc, Problem};
use crate::shape::Shape;
use aqo_model::Model;
use aqo_model::expr::{Expr, Shape as Pattern, Stmt};
use aqo_model::policy::Rule;
use aqo_model::verify::{self, Refusable};
use std::collections::BTreeSet;

/// An `always` that can refuse a rule which writes down what an input says: the object would act on
/// what was, since it may not know what is.
pub(crate) fn blind_clauses(shape: &Shape, model: &Model, clauses: &[Loc]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, rule, below) in verify::from_the_top(model) {
        let recorded = recorded(rule);
        if recorded.is_empty() {
            continue;
        }
        let refusing = verify::refusing_clauses(model, index, &below);
        for (number, clause) in model.policy.always.iter().enumerate() {
            let read = recorded.iter().find(|field| reads(model, &clause.holds, **field));
            let (Some(field), true) = (read, refusing.contains(&Refusable::Always(number))) else {
                continue;
            };
            let field = &model.schema.fields[usize::from(*field)].name;
            let text =
                format!("`{}` writes down what is measured, and this may refuse it", rule.name);
            let problem = Problem::new(Code::Blinds, clauses[number], text)
                .label(format!("would hide `{field}`"))
                .related(shape.rule_places[index], "this rule")
                .help("let the object react, `set mode = Fault`, and let the clause speak of that");
            problems.push(problem);
        }
    }
    problems
}

/// The fields that a rule sets to exactly what an input says.
fn recorded(rule: &Rule) -> Vec<u16> {
    let mut seen = BTreeSet::new();
    let mut ask = |expr: &Expr| {
        expr.walk(&mut |expr| {
            if let Expr::Is(of, patterns) = expr
                && matches!(**of, Expr::Input(_))
            {
                seen.extend(patterns.iter().flat_map(Pattern::binders).copied());
            }
        });
    };
    rule.when.iter().for_each(&mut ask);
    rule.body.iter().for_each(|stmt| {
        stmt.walk(&mut |stmt| stmt.exprs().into_iter().for_each(&mut ask));
    });
    let mut fields = Vec::new();
    rule.body.iter().for_each(|stmt| {
        stmt.walk(&mut |stmt| {
            if let Stmt::Match(Expr::Input(_), arms) = stmt {
                let patterns = arms.iter().flat_map(|(patterns, _)| patterns);
                seen.extend(patterns.flat_map(Pattern::binders).copied());
            }
            if let Stmt::Set(field, Expr::Local(local)) = stmt
                && seen.contains(local)
            {
                fields.push(*field);
            }
        });
    });
    fields
}

/// Whether an expression reads a field, itself or by way of a derive.
fn reads(model: &Model, expr: &Expr, field: u16) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        if let Expr::Derive(index) = expr {
            let derive = &model.schema.derives[usize::from(*index)];
            found |= reads(model, &derive.value, field);
        }
        found |= matches!(expr, Expr::Field(index) if *index == field);
    });
    found
}
