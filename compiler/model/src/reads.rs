//! What tick rules read, and what can change what comes of them between two entries: the ground on
//! which a host may skip ticks ([`crate::step::Quiet`]).
//!
//! Invariant: it follows from the Model alone, so an artifact carries it by carrying its policy.

use crate::expr::Expr;
use crate::model::Model;
use crate::policy::Rule;
use crate::wake::{Flips, flatten, flips_of, mentions};
use std::collections::BTreeSet;

/// What a tick rule reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reads<'m> {
    /// What its guard joins by `and`, in order, each with what turns it by time alone.
    pub guard: Vec<(&'m Expr, Flips<'m>)>,
    /// Inputs, by index. What they hold is the host's word; how long it is fresh, time's.
    pub inputs: BTreeSet<u16>,
    /// Limits that count it or of which it reads what is left, by index: each stamp that leaves its
    /// window may change what comes of it.
    pub limits: BTreeSet<u16>,
    /// Whether its body reads time or trust, so that the same refusal need not come of it twice.
    pub moves: bool,
}

impl<'m> Reads<'m> {
    /// What the tick rule with this index reads.
    pub fn of(model: &'m Model, index: u16, rule: &'m Rule) -> Reads<'m> {
        let mut parts = Vec::new();
        rule.when.iter().for_each(|when| flatten(when, &mut parts));
        let mut guard: Vec<(&Expr, Flips<'_>)> = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let mut flips = flips_of(model, &rule.locals, part, &parts[..place], true);
            flips.foreseen &= !mentions(model, part, &is_of_a_tick);
            guard.push((part, flips));
        }
        let (mut inputs, mut limits) = (BTreeSet::new(), BTreeSet::new());
        let mut moves = false;
        rule.body.iter().for_each(|stmt| {
            stmt.walk(&mut |stmt| {
                for expr in stmt.exprs() {
                    moves |= mentions(model, expr, &moving);
                    outside(model, expr, &mut inputs, &mut limits);
                }
            });
        });
        // The sums of limits are of fields and of what the guard binds.
        guard.iter().for_each(|(part, _)| outside(model, part, &mut inputs, &mut limits));
        let counts = (0u16..).zip(&model.policy.limits);
        let counts = counts.filter(|(_, limit)| limit.rules.contains(&index));
        limits.extend(counts.map(|(limit, _)| limit));
        Reads { guard, inputs, limits, moves }
    }
}

/// Whether a condition may change by time in any way, or with each tick.
pub fn reads_time(model: &Model, cond: &Expr) -> bool {
    mentions(model, cond, &moving)
}

/// The inputs and limits that an expression reads, itself or by way of derives.
pub fn outside(model: &Model, expr: &Expr, inputs: &mut BTreeSet<u16>, limits: &mut BTreeSet<u16>) {
    expr.walk(&mut |expr| {
        if let Expr::Input(index) = expr {
            inputs.insert(*index);
        }
        if let Expr::Left(index) = expr {
            limits.insert(*index);
        }
        if let Expr::Derive(index) = expr {
            outside(model, &model.schema.derives[usize::from(*index)].value, inputs, limits);
        }
    });
}

/// What each tick has of its own.
fn is_of_a_tick(expr: &Expr) -> bool {
    matches!(expr, Expr::Due | Expr::Missed)
}

fn moving(expr: &Expr) -> bool {
    is_of_a_tick(expr) || matches!(expr, Expr::Now | Expr::Trust(_))
}
