//! Whether a local means one thing at a time: nothing binds it again where it is bound. So it does
//! not matter whether whoever runs the Model keeps locals by place or by number.

use super::{At, Check, Fault, Flaw};
use crate::expr::{Expr, Shape, Stmt};
use crate::facts::binders;
use crate::model::Model;
use std::collections::BTreeSet;

type Bound = BTreeSet<u16>;

pub(super) fn verify(model: &Model) -> Result<(), Flaw> {
    let policy = &model.policy;
    for function in &model.schema.functions {
        let params = (0u16..).take(function.params.len()).collect();
        within(&function.value, &params).at(|| format!("fn {}", function.name))?;
    }
    for derive in &model.schema.derives {
        within(&derive.value, &Bound::new()).at(|| format!("derive {}", derive.name))?;
    }
    for rule in &policy.rules {
        let mut bound = Bound::new();
        if let Some(when) = &rule.when {
            within(when, &bound).at(|| format!("rule {}", rule.name))?;
            binders(when, true, &mut bound);
        }
        body(&rule.body, bound).at(|| format!("rule {}", rule.name))?;
    }
    for prediction in &policy.predictions {
        within(&prediction.holds, &Bound::new()).at(|| format!("predict {}", prediction.name))?;
    }
    for pause in policy.dormant.iter().chain(&policy.ends) {
        within(&pause.holds, &Bound::new()).at(|| "policy".to_owned())?;
    }
    for sum in policy.limits.iter().filter_map(|limit| limit.sum.as_ref()) {
        within(&sum.most, &Bound::new()).at(|| "policy".to_owned())?;
    }
    for clause in &policy.always {
        within(&clause.holds, &Bound::new()).at(|| "policy".to_owned())?;
    }
    Ok(())
}

fn and(bound: &Bound, cond: &Expr, truth: bool) -> Bound {
    let mut bound = bound.clone();
    binders(cond, truth, &mut bound);
    bound
}

fn with(bound: &Bound, local: u16) -> Check<Bound> {
    let mut bound = bound.clone();
    if bound.insert(local) { Ok(bound) } else { Err(Fault::Unbound(local)) }
}

fn arm(bound: &Bound, shapes: &[Shape]) -> Check<Bound> {
    let binders = if let [shape] = shapes { shape.binders() } else { &[] };
    with_all(bound, binders)
}

fn with_all(bound: &Bound, locals: &[u16]) -> Check<Bound> {
    locals.iter().try_fold(bound.clone(), |bound, local| with(&bound, *local))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all others bind nothing and have parts alone")]
fn within(expr: &Expr, bound: &Bound) -> Check {
    match expr {
        Expr::And(a, b) | Expr::Or(a, b) => {
            within(a, bound)?;
            within(b, &and(bound, a, matches!(expr, Expr::And(..))))
        }
        Expr::If(cond, a, b) => {
            within(cond, bound)?;
            within(a, &and(bound, cond, true))?;
            within(b, &and(bound, cond, false))
        }
        Expr::Let(local, a, b) => {
            within(a, bound)?;
            within(b, &with(bound, *local)?)
        }
        Expr::Is(a, shapes) => {
            within(a, bound)?;
            arm(bound, shapes).map(drop)
        }
        Expr::Match(subject, arms) => {
            within(subject, bound)?;
            arms.iter().try_for_each(|(shapes, value)| within(value, &arm(bound, shapes)?))
        }
        Expr::Each(_, binders, of, ask) => {
            within(of, bound)?;
            within(ask, &with_all(bound, binders)?)
        }
        Expr::Fold(local, first, binders, of, next) => {
            within(first, bound)?;
            within(of, bound)?;
            within(next, &with(&with_all(bound, binders)?, *local)?)
        }
        Expr::Collect(_, collect) => {
            within(&collect.source, bound)?;
            let mut inner = with_all(bound, &collect.binders)?;
            if let Some(cond) = &collect.cond {
                within(cond, &inner)?;
                inner = and(&inner, cond, true);
            }
            collect.key.iter().try_for_each(|key| within(key, &inner))?;
            within(&collect.value, &inner)
        }
        _ => expr.parts().into_iter().try_for_each(|part| within(part, bound)),
    }
}

fn body(stmts: &[Stmt], mut bound: Bound) -> Check {
    for stmt in stmts {
        stmt.exprs().into_iter().try_for_each(|expr| within(expr, &bound))?;
        match stmt {
            Stmt::Let(local, _) => bound = with(&bound, *local)?,
            Stmt::If(cond, then, otherwise) => {
                body(then, and(&bound, cond, true))?;
                body(otherwise, and(&bound, cond, false))?;
                // Where one side always refuses, what follows is the other side's.
                if Stmt::always_refuse(then) {
                    binders(cond, false, &mut bound);
                } else if Stmt::always_refuse(otherwise) {
                    binders(cond, true, &mut bound);
                }
            }
            Stmt::Match(_, arms) => {
                arms.iter().try_for_each(|(shapes, stmts)| body(stmts, arm(&bound, shapes)?))?;
            }
            Stmt::Set(..)
            | Stmt::Edit(..)
            | Stmt::Bind(..)
            | Stmt::Emit(..)
            | Stmt::Predict(..)
            | Stmt::Refuse(_) => {}
        }
    }
    Ok(())
}
