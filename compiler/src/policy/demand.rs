//! What a rule needs beyond its guard: trust, and people who agree.

use crate::check::Checker;
use crate::codes::Code;
use crate::diagnostic::{Loc, Problem};
use aqo_grammar::tree::{self, BinaryOp, ExprKind, Name};
use aqo_model::expr::Expr;
use aqo_model::policy::{Measure, Quorum, TrustDemand};
use aqo_model::slope;
use aqo_model::types::{Bounds, Type, Unit};
use aqo_model::value::Value;

/// The roles of a quorum, by index.
pub(super) fn quorum_roles(checker: &mut Checker<'_>, names: &[Name]) -> Option<Vec<u16>> {
    let mut roles = Vec::new();
    for name in names {
        roles.push(checker.role_named(name)?);
    }
    roles.sort_unstable();
    roles.dedup();
    Some(roles)
}

/// `k of role, … within D`
pub(super) fn quorum_of(
    checker: &mut Checker<'_>,
    demand: &tree::Demand,
    quorum: &tree::Quorum,
) -> Option<Quorum> {
    let roles = quorum_roles(checker, &quorum.of);
    let within = checker.span(&quorum.within);
    let roles = roles?;
    let most = checker.keys_of(&roles);
    let bounds = Bounds { low: 1, high: most.max(1) };
    let ty = Type::Number { scale: 0, unit: Unit::default(), within: bounds };
    let typed = checker.expr(&demand.expr, Some(&ty));
    typed.ty.as_ref()?;
    let stored = checker.store_as(typed, &ty, "how many must consent")?;
    let Expr::Value(Value::Int(count)) = checker.fold(stored, demand.expr.at)? else { return None };
    Some(Quorum { count: u16::try_from(count).ok()?, roles, within: within? })
}

/// A demand of a rule.
pub enum Demand {
    /// A comparison of trust with a constant.
    Trust(TrustDemand),
    /// Consent.
    Quorum(Quorum),
}

/// Reads a demand of a rule.
pub fn demand(checker: &mut Checker<'_>, demand: &tree::Demand) -> Option<Demand> {
    match &demand.quorum {
        Some(quorum) => quorum_of(checker, demand, quorum).map(Demand::Quorum),
        None => trust_demand(checker, demand).map(Demand::Trust),
    }
}

fn trust_demand(checker: &mut Checker<'_>, demand: &tree::Demand) -> Option<TrustDemand> {
    let part = checker.part();
    let loc = |at| Loc { part, at };
    let compared = compared(&demand.expr);
    let measured = compared.and_then(|(name, op, at)| Some((Measure::named(name)?, op, at)));
    let Some((of, op, bound)) = measured else {
        checker.problems.push(
            Problem::new(
                Code::NeedsOther,
                loc(demand.at),
                "a demand compares trust, or a slope of it, with a constant",
            )
            .help("put other conditions in `when`"),
        );
        return None;
    };
    if checker.model.policy.trust.is_none() {
        let message = "this object declares no `trust`, so it is always 0";
        checker.problems.push(
            Problem::new(Code::NeverHappens, loc(demand.at), message)
                .help("declare it in the policy: `trust { gain … on … }`"),
        );
        return None;
    }
    let most = match of {
        Measure::Trust => 4_000_000,
        Measure::Slope | Measure::SlopeLong => slope::MOST,
    };
    let within = Bounds { low: -most, high: most };
    let ty = Type::Number { scale: 6, unit: Unit::default(), within };
    let typed = checker.expr(bound, Some(&ty));
    typed.ty.as_ref()?;
    let stored = checker.store_as(typed, &ty, "a demand")?;
    let Expr::Value(Value::Int(bound)) = checker.fold(stored, demand.expr.at)? else { return None };
    match op {
        BinaryOp::Ge => Some(TrustDemand { of, at_least: true, bound }),
        BinaryOp::Gt => Some(TrustDemand { of, at_least: true, bound: bound + 1 }),
        BinaryOp::Lt => Some(TrustDemand { of, at_least: false, bound }),
        BinaryOp::Le => Some(TrustDemand { of, at_least: false, bound: bound + 1 }),
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Implies => {
            checker.problems.push(
                Problem::new(
                    Code::NeedsOther,
                    loc(demand.at),
                    "trust is demanded with `>=`, `>`, `<=` or `<`",
                )
                .help("trust moves in millionths: an exact value is hardly ever met"),
            );
            None
        }
    }
}

/// `name op right`
fn compared(expr: &tree::Expr) -> Option<(&str, BinaryOp, &tree::Expr)> {
    let ExprKind::Binary { op, left, right, .. } = &expr.kind else { return None };
    let ExprKind::Name(name) = &left.kind else { return None };
    Some((name, *op, right))
}
