//! Whether a rule could be refused: the proof behind `assured`.
//!
//! Level 0: the facts along each path of the body, and a case split on the enum fields that it sets.
//! An `always` is proved by evaluating it in three values (true, false, unknown) on what is known of
//! the state after the rule.

use super::expr::{Below, Place, check, place_of_rule, rule_facts};
use crate::expr::{Expr, Shape, Stmt};
use crate::facts::expr_of;
use crate::facts::{Facts, Interval, atom};
use crate::model::Model;
use crate::policy::Trigger;
use crate::types::{Kind, Type};
use crate::value::Value;
use std::collections::BTreeMap;

/// What could refuse a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusable {
    /// It answers a message and has a guard, so it need not take it.
    Guard,
    /// It demands trust, or consent.
    Demand,
    /// The limit with this index.
    Limit(usize),
    /// Its own `refuse`, with this reason.
    Own(u16),
    /// The flow with this index, from a state to a state.
    Flow(usize, u16, u16),
    /// The `always` with this index.
    Always(usize),
    /// More ways through its body than are looked at.
    Paths,
}

/// The most ways through a body that are looked at.
const PATHS: usize = 4_096;

impl std::fmt::Display for Refusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusable::Guard => f.write_str("its guard may be false"),
            Refusable::Demand => f.write_str("it demands trust or consent"),
            Refusable::Limit(index) => write!(f, "limit {index}"),
            Refusable::Own(reason) => write!(f, "its own refusal {reason}"),
            Refusable::Flow(index, from, to) => write!(f, "flow {index} from {from} to {to}"),
            Refusable::Always(index) => write!(f, "always {index}"),
            Refusable::Paths => f.write_str("too many ways through its body"),
        }
    }
}

/// The first thing that could refuse the rule with this index, `below` those above it; `None` proves
/// that nothing can.
pub fn refusable(model: &Model, index: usize, below: &Below) -> Option<Refusable> {
    let rule = &model.policy.rules[index];
    if rule.when.is_some() && matches!(rule.on, Trigger::Message(_)) {
        return Some(Refusable::Guard);
    }
    if !rule.needs.is_empty() || rule.quorum.is_some() {
        return Some(Refusable::Demand);
    }
    let limits = model.policy.limits.iter();
    if let Some(limit) =
        limits.clone().position(|limit| limit.rules.iter().any(|r| usize::from(*r) == index))
    {
        return Some(Refusable::Limit(limit));
    }
    let place = Place { refuses: true, ..place_of_rule(model, rule) };
    let facts = rule_facts(&place, rule, below).ok()?;
    let mut proof = Proof { place, own: true, paths: 0, found: Vec::new() };
    proof.walk(&rule.body, facts, Updates::default(), Vec::new());
    proof.found.pop()
}

/// The clauses of the policy that could refuse a commit of the rule with this index, `below` those
/// above it.
pub fn refusing_clauses(model: &Model, index: usize, below: &Below) -> Vec<Refusable> {
    let rule = &model.policy.rules[index];
    let place = Place { refuses: true, ..place_of_rule(model, rule) };
    let Ok(facts) = rule_facts(&place, rule, below) else { return vec![Refusable::Paths] };
    let mut proof = Proof { place, own: false, paths: 0, found: Vec::new() };
    let number = u16::try_from(index).unwrap_or(u16::MAX);
    for (limit, clause) in model.policy.limits.iter().enumerate() {
        if clause.rules.contains(&number) && !proof.leaves_room(limit, number, &facts) {
            proof.found.push(Refusable::Limit(limit));
        }
    }
    proof.walk(&rule.body, facts, Updates::default(), Vec::new());
    proof.found
}

/// What is looked for along the ways through a body.
struct Proof<'p> {
    place: Place<'p>,
    /// Whether the first refusal ends the search, its own included; otherwise clauses alone count,
    /// and all of them.
    own: bool,
    paths: usize,
    found: Vec<Refusable>,
}

/// A statement to come, and those after it.
type Rest<'p> = Vec<&'p [Stmt]>;

/// What one path has set so far.
#[derive(Clone, Default)]
struct Updates {
    /// Sets of variants, by field.
    variants: BTreeMap<u16, u64>,
    /// Intervals, by field.
    numbers: BTreeMap<u16, Interval>,
    /// Fields of which nothing is known any more.
    unknown: Vec<u16>,
}

impl<'p> Proof<'p> {
    /// Whether the guard says that there is room in a limit.
    fn leaves_room(&self, limit: usize, rule: u16, facts: &Facts) -> bool {
        let clause = &self.place.model.policy.limits[limit];
        let left = Expr::Left(u16::try_from(limit).unwrap_or(u16::MAX));
        let of = |atom| check(&self.place, &expr_of(atom)?, facts).ok()?.interval;
        let at = clause.rules.iter().position(|known| *known == rule);
        let amount = clause.sum.as_ref().and_then(|sum| sum.of.get(at?));
        let amount = amount.cloned().unwrap_or(Expr::number(1));
        let some = check(&self.place, &amount, facts).ok().and_then(|checked| checked.interval);
        some.is_some_and(|some| some.low > 0)
            && facts.difference(&left, &amount, &of).is_some_and(|room| room.low >= 0)
    }

    fn is_done(&self) -> bool {
        self.own && !self.found.is_empty() || self.paths > PATHS
    }

    fn own_refusal(&mut self, reason: u16) {
        if self.own && self.found.is_empty() {
            self.found.push(Refusable::Own(reason));
        }
    }

    fn walk(&mut self, stmts: &'p [Stmt], mut facts: Facts, mut done: Updates, rest: Rest<'p>) {
        if self.is_done() || facts.is_impossible() {
            return;
        }
        for (at, stmt) in stmts.iter().enumerate() {
            for expr in stmt.exprs() {
                self.refusals(expr);
            }
            match stmt {
                Stmt::Let(local, value) => {
                    facts.alias(*local, value);
                    if let Some(ty) = self.place.locals.get(usize::from(*local)) {
                        facts.bind(*local, ty.clone());
                    }
                }
                Stmt::Set(field, value) => self.set(*field, value, &facts, &mut done),
                Stmt::Edit(field, _, _, reason) => {
                    done.unknown.push(*field);
                    reason.iter().for_each(|reason| self.own_refusal(*reason));
                }
                Stmt::Bind(_, _, reason) => {
                    reason.iter().for_each(|reason| self.own_refusal(*reason));
                }
                Stmt::Emit(..) | Stmt::Predict(..) => {}
                Stmt::Refuse(reason) => {
                    self.own_refusal(*reason);
                    return;
                }
                Stmt::If(cond, then, otherwise) => {
                    let rest = after(&rest, &stmts[at + 1..]);
                    let mut then_facts = facts.clone();
                    super::learn::learn(&self.place, cond, true, &mut then_facts);
                    self.walk(then, then_facts, done.clone(), rest.clone());
                    super::learn::learn(&self.place, cond, false, &mut facts);
                    self.walk(otherwise, facts, done, rest);
                    return;
                }
                Stmt::Match(subject, arms) => {
                    let rest = after(&rest, &stmts[at + 1..]);
                    for (shapes, body) in arms {
                        let mut arm_facts = facts.clone();
                        let bound = if let [shape] = &shapes[..] { shape.binders() } else { &[] };
                        bound.iter().for_each(|local| arm_facts.forget(*local));
                        arm_facts.assume_shape(subject, shapes, true);
                        for local in bound {
                            if let Some(ty) = self.place.locals.get(usize::from(*local)) {
                                arm_facts.bind(*local, ty.clone());
                            }
                        }
                        self.walk(body, arm_facts, done.clone(), rest.clone());
                        facts.assume_shape(subject, shapes, false);
                    }
                    return;
                }
            }
            if self.is_done() {
                return;
            }
        }
        match rest.split_last() {
            Some((next, rest)) => self.walk(next, facts, done, rest.to_vec()),
            None => self.end(&facts, &done),
        }
    }

    /// `else refuse` anywhere in an expression.
    fn refusals(&mut self, expr: &Expr) {
        expr.walk(&mut |expr| {
            if let Expr::Refuse(reason) = expr {
                self.own_refusal(*reason);
            }
        });
    }

    fn set(&mut self, field: u16, value: &Expr, facts: &Facts, done: &mut Updates) {
        let count = self.variants_of(field);
        if count > 0 {
            done.variants.insert(field, facts.possible(value, count));
            return;
        }
        let checked = check(&self.place, value, facts).ok();
        let number = checked.filter(|checked| checked.kind == Kind::Number);
        match number.and_then(|checked| checked.interval) {
            Some(interval) => drop(done.numbers.insert(field, interval)),
            None => done.unknown.push(field),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn variants_of(&self, field: u16) -> usize {
        let schema = &self.place.model.schema;
        match &schema.fields[usize::from(field)].ty {
            Type::Enum(index) => schema.types.enums[usize::from(*index)].variants.len(),
            Type::Bool => 2,
            _ => 0,
        }
    }

    /// The end of a path: does every clause let it through?
    fn end(&mut self, facts: &Facts, done: &Updates) {
        self.paths += 1;
        if self.paths > PATHS {
            self.found.push(Refusable::Paths);
            return;
        }
        let policy = &self.place.model.policy;
        for (index, flow) in policy.flows.iter().enumerate() {
            let Some(to) = done.variants.get(&flow.field) else { continue };
            let from = facts.possible(&Expr::Field(flow.field), flow.next.len());
            for (state, next) in flow.next.iter().enumerate() {
                let refused = to & !next & !(1 << state);
                if from >> state & 1 == 1 && refused != 0 {
                    let to = refused.trailing_zeros() as u16;
                    self.add(Refusable::Flow(index, state as u16, to));
                }
            }
        }
        for (index, clause) in policy.always.iter().enumerate() {
            let touched = touches(&clause.holds, self.place.model, done);
            if touched && self.truth(&clause.holds, facts, done) != Some(true) {
                self.add(Refusable::Always(index));
            }
        }
    }

    fn add(&mut self, clause: Refusable) {
        if !(self.own && !self.found.is_empty() || self.found.contains(&clause)) {
            self.found.push(clause);
        }
    }

    /// Whether two values are equal, on the state after the path.
    fn equal(&self, left: &Expr, right: &Expr, facts: &Facts, done: &Updates) -> Option<bool> {
        let sets = (self.variants(left, facts, done), self.variants(right, facts, done));
        if let (Some(a), Some(b)) = sets {
            // Two of one variant may still carry different things.
            let carries = |of: &Expr| !self.is_plain(of);
            let equal = equal_sets(a, b);
            let unsure = equal == Some(true) && (carries(left) || carries(right));
            return equal.filter(|_| !unsure);
        }
        let (a, b) = (self.interval(left, facts, done)?, self.interval(right, facts, done)?);
        if a.low == a.high && a == b { Some(true) } else { a.meet(b).is_none().then_some(false) }
    }

    /// A clause in three values, on the state after the path.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn truth(&self, expr: &Expr, facts: &Facts, done: &Updates) -> Option<bool> {
        match expr {
            Expr::Value(Value::Bool(value)) => Some(*value),
            Expr::Not(a) => self.truth(a, facts, done).map(|truth| !truth),
            Expr::And(a, b) => match (self.truth(a, facts, done), self.truth(b, facts, done)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                (None, _) | (_, None) => None,
            },
            Expr::Or(a, b) => match (self.truth(a, facts, done), self.truth(b, facts, done)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                (None, _) | (_, None) => None,
            },
            Expr::Compare(order, a, b) => {
                let (a, b) = (self.interval(a, facts, done)?, self.interval(b, facts, done)?);
                let strict = i128::from(*order == crate::expr::Order::Less);
                if a.high + strict <= b.low {
                    Some(true)
                } else if a.low + strict > b.high {
                    Some(false)
                } else {
                    None
                }
            }
            Expr::Within(a, low, high) => {
                let a = self.interval(a, facts, done)?;
                let (low, high) =
                    (self.interval(low, facts, done)?, self.interval(high, facts, done)?);
                (low.high <= a.low && a.high <= high.low).then_some(true)
            }
            Expr::Equal(a, b) => self.equal(a, b, facts, done),
            Expr::Is(a, shapes) => {
                let set = self.variants(a, facts, done)?;
                let wanted = shapes.iter().fold(0u64, |wanted, shape| match shape {
                    Shape::Variant(number, _) => wanted | 1 << number,
                    Shape::Any => u64::MAX,
                    Shape::None | Shape::Some(_) => wanted,
                });
                match (set & wanted, set & !wanted) {
                    (_, 0) => Some(true),
                    (0, _) => Some(false),
                    _ => None,
                }
            }
            Expr::Field(_) => match self.variants(expr, facts, done)? {
                1 => Some(false),
                2 => Some(true),
                _ => None,
            },
            _ => None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn variants(&self, expr: &Expr, facts: &Facts, done: &Updates) -> Option<u64> {
        match expr {
            Expr::Variant(_, number, _) => Some(1 << number),
            Expr::Value(Value::Bool(value)) => Some(1 << u8::from(*value)),
            Expr::Field(field) => {
                let count = self.variants_of(*field);
                let before = || (count > 0).then(|| facts.possible(expr, count));
                done.variants.get(field).copied().or_else(before)
            }
            _ => None,
        }
    }

    /// Whether values of an operand carry nothing.
    fn is_plain(&self, expr: &Expr) -> bool {
        let of = check(&self.place, expr, &Facts::default()).ok().and_then(|checked| checked.ty);
        !matches!(of, Some(Type::Enum(index))
            if !self.place.model.schema.types.enums[usize::from(index)].is_plain())
    }

    fn interval(&self, expr: &Expr, facts: &Facts, done: &Updates) -> Option<Interval> {
        if let Expr::Field(field) = expr {
            if done.unknown.contains(field) {
                return None;
            }
            if let Some(set) = done.numbers.get(field) {
                return Some(*set);
            }
        }
        if touches(expr, self.place.model, done) {
            return None;
        }
        let untouched = atom(expr).is_some() || matches!(expr, Expr::Value(Value::Int(_)));
        let checked = untouched.then(|| check(&self.place, expr, facts).ok())??;
        checked.interval.filter(|_| checked.kind == Kind::Number)
    }
}

fn equal_sets(a: u64, b: u64) -> Option<bool> {
    if a & b == 0 { Some(false) } else { (a == b && a.count_ones() == 1).then_some(true) }
}

fn after<'p>(rest: &Rest<'p>, next: &'p [Stmt]) -> Rest<'p> {
    let mut rest = rest.clone();
    rest.push(next);
    rest
}

/// Whether a clause reads anything that a path sets.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn touches(expr: &Expr, model: &Model, done: &Updates) -> bool {
    let own = match expr {
        Expr::Field(field) => {
            done.variants.contains_key(field)
                || done.numbers.contains_key(field)
                || done.unknown.contains(field)
        }
        Expr::Derive(index) => {
            touches(&model.schema.derives[usize::from(*index)].value, model, done)
        }
        _ => false,
    };
    own || expr.parts().into_iter().any(|part| touches(part, model, done))
}
