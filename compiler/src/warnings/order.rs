//! A tick rule that lets one above it act, which has had its turn.
//!
//! Told only where it is sure: the guard of the one above asks a field for a variant or a truth, and
//! the one below sets exactly that.

use crate::codes::Code;
use crate::diagnostic::Problem;
use crate::shape::Shape;
use aqo_model::Model;
use aqo_model::calendar;
use aqo_model::expr::{Expr, Shape as Pattern, Stmt};
use aqo_model::policy::{Rule, Trigger};
use aqo_model::schema::Schedule;
use aqo_model::text::show_duration;
use aqo_model::types::NEVER;
use aqo_model::value::Value;

/// So long a wait is worth a word.
const LONG: i64 = 3_600_000_000;

pub(super) fn serves_above(shape: &Shape, model: &Model) -> Vec<Problem> {
    let rules = &model.policy.rules;
    let mut problems = Vec::new();
    for (below, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.on.is_tick()) {
        let served = rules[..below].iter().enumerate().find_map(|(above, other)| {
            let delay = delay(model, other);
            let waits = other.on.is_tick() && delay > LONG && enables(rule, other);
            waits.then_some((above, &other.name, delay))
        });
        let Some((above, name, delay)) = served else { continue };
        let when = if delay < NEVER {
            format!("up to {} later", show_duration(delay))
        } else {
            "at the next message, whenever that is".to_owned()
        };
        let text = format!("`{}` lets `{name}` act, which stands above it: {when}", rule.name);
        problems.push(
            Problem::new(Code::NextTick, shape.rule_places[below], text)
                .label("runs after it")
                .related(shape.rule_places[above], "has had its turn")
                .help("exchange them, or add `cycle on time`"),
        );
    }
    problems
}

/// The longest time to the next tick that a rule answers; `NEVER` where that is nothing of time's.
fn delay(model: &Model, rule: &Rule) -> i64 {
    let cycles = &model.schema.cycles;
    let own = cycles.iter().enumerate().filter(|(index, cycle)| match rule.on {
        // One on time ticks for every tick rule that a new entry lets act.
        Trigger::Cycle(of) => usize::from(of) == *index || cycle.schedule == Schedule::OnTime,
        Trigger::Tick
        | Trigger::Message(_)
        | Trigger::Expired(_)
        | Trigger::Kept(_)
        | Trigger::Broken(_)
        | Trigger::Lapsed(_)
        | Trigger::Arrive => true,
    });
    own.map(|(_, cycle)| longest(cycle.schedule)).min().unwrap_or(NEVER)
}

fn longest(schedule: Schedule) -> i64 {
    match schedule {
        Schedule::Every(period) => period,
        Schedule::Backoff { most, .. } => most,
        Schedule::Daily(_) => calendar::shortest(schedule),
        Schedule::Monthly(..) => 31 * 86_400_000_000,
        Schedule::OnMessage => NEVER,
        Schedule::OnTime => 0,
    }
}

/// Whether what one rule sets is what the other's guard asks for, and not what both ask for.
fn enables(rule: &Rule, other: &Rule) -> bool {
    let asked = other.when.as_ref().map_or(Vec::new(), asked);
    let known = rule.when.as_ref().map_or(Vec::new(), self::asked);
    let mut sets = false;
    rule.body.iter().for_each(|stmt| {
        stmt.walk(&mut |stmt| {
            if let Stmt::Set(field, value) = stmt
                && let Some(value) = constant(value)
            {
                let wanted = (*field, value);
                sets |= asked.contains(&wanted) && !known.contains(&wanted);
            }
        });
    });
    sets
}

/// The variants and truths that a guard asks fields for.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn asked(when: &Expr) -> Vec<(u16, i64)> {
    match when {
        Expr::And(a, b) => asked(a).into_iter().chain(asked(b)).collect(),
        Expr::Field(field) => vec![(*field, 1)],
        Expr::Not(inner) => match **inner {
            Expr::Field(field) => vec![(field, 0)],
            _ => Vec::new(),
        },
        Expr::Equal(a, b) => match (&**a, &**b) {
            (Expr::Field(field), value) | (value, Expr::Field(field)) => {
                constant(value).map(|value| (*field, value)).into_iter().collect()
            }
            _ => Vec::new(),
        },
        Expr::Is(of, shapes) => match (&**of, &shapes[..]) {
            (Expr::Field(field), [Pattern::Variant(number, _)]) => vec![(*field, (*number).into())],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A variant that carries nothing, or a truth, as a number.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn constant(value: &Expr) -> Option<i64> {
    match value {
        Expr::Variant(_, number, args) if args.is_empty() => Some((*number).into()),
        Expr::Value(Value::Bool(truth)) => Some((*truth).into()),
        _ => None,
    }
}
