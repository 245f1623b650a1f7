//! What follows from a condition that holds, or does not: facts, binders, and what derives say.

use super::expr::Place;
use crate::expr::Expr;
use crate::facts::Facts;

/// Takes a condition to be true, or false: its facts hold and its binders are bound.
pub fn learn(place: &Place<'_>, cond: &Expr, truth: bool, facts: &mut Facts) {
    let mut bound = std::collections::BTreeSet::new();
    crate::facts::binders(cond, truth, &mut bound);
    for local in bound {
        if let Some(ty) = place.locals.get(usize::from(local)) {
            facts.forget(local);
            facts.bind(local, ty.clone());
        }
    }
    facts.assume(cond, truth);
    super::bounds::of_sides(place, cond, truth, facts);
    learn_derives(place, cond, truth, facts);
}

/// What a condition says by way of derives, which read what it reads.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn learn_derives(place: &Place<'_>, cond: &Expr, truth: bool, facts: &mut Facts) {
    match cond {
        Expr::Not(a) => learn_derives(place, a, !truth, facts),
        Expr::And(a, b) | Expr::Or(a, b) if matches!(cond, Expr::And(..)) == truth => {
            learn_derives(place, a, truth, facts);
            learn_derives(place, b, truth, facts);
        }
        Expr::Derive(index) => {
            let derive = place.model.schema.derives.get(usize::from(*index));
            // Its locals are not those of this place.
            if let Some(derive) = derive.filter(|derive| derive.locals.is_empty()) {
                learn(place, &derive.value, truth, facts);
            }
        }
        _ => {}
    }
}
