//! What the guards above a rule say is asked of every Model that is read, not of sources alone: the
//! same Model with a guard, a trigger or an order changed is no longer sound.

use aqo_compiler::{Database, SourceFile, db};
use aqo_model::Model;
use aqo_model::expr::{Expr, Order};
use aqo_model::policy::Trigger;
use aqo_model::verify::{self, Fault};

use crate::helpers::PATH;

const TEXT: &str = "
module demo
object Tank version 1 {
    role owner
    field level: int in 0 ..= 100 = 0
    field seen: int in 0 ..= 200 = 0
    message fill(to: int in 0 ..= 200, more: int in 0 ..= 9) from owner waits 1h
    message pour(to: int in 0 ..= 200, more: int in 0 ..= 9) from owner
    cycle every 1s
    rule full on fill(to, more) when to > 100 refuse too_high
    rule take on fill(high, low) { set level = high }
}";

fn model() -> Model {
    let db = Database::default();
    let file = SourceFile::new(&db, PATH.to_owned(), TEXT.to_owned());
    let (object, _) = db::objects(&db, file)[0];
    db::object_of(&db, file, object).model.as_ref().unwrap().model().clone()
}

/// What is wrong with the Model after a change; the rule that it is said of is the second.
fn fault(change: impl FnOnce(&mut Model)) -> Option<Fault> {
    let mut model = model();
    change(&mut model);
    let flaw = verify::verify(&model).err()?;
    assert_eq!(flaw.at, "rule take");
    Some(flaw.fault)
}

fn is_bounds(fault: &Option<Fault>) -> bool {
    matches!(fault, Some(Fault::Bounds { .. }))
}

fn more_than(what: Expr, bound: i64) -> Expr {
    Expr::Compare(Order::Less, Box::new(Expr::number(bound)), Box::new(what))
}

fn guard(model: &mut Model) -> &mut Option<Expr> {
    &mut model.policy.rules[0].when
}

#[test]
fn the_model_as_it_was_built_is_sound_and_stays_so_when_read() {
    assert_eq!(fault(|_| {}), None);
    assert_eq!(fault(|model| *guard(model) = Some(more_than(Expr::Param(0), 99))), None);
}

#[test]
fn the_guard_above_is_what_proves_the_store() {
    assert!(is_bounds(&fault(|model| *guard(model) = None)));
    assert!(is_bounds(&fault(|model| *guard(model) = Some(more_than(Expr::Param(0), 101)))));
    // A parameter is known by its place, whatever each rule calls it.
    assert!(is_bounds(&fault(|model| *guard(model) = Some(more_than(Expr::Param(1), 100)))));
}

#[test]
fn of_or_both_sides_are_false_and_of_and_neither_is_known_to_be() {
    let open = more_than(Expr::Field(1), 150);
    let joined = |node: fn(Box<Expr>, Box<Expr>) -> Expr| {
        let open = open.clone();
        fault(move |model| {
            let when = guard(model).take().unwrap();
            *guard(model) = Some(node(Box::new(open), Box::new(when)));
        })
    };
    assert_eq!(joined(Expr::Or), None);
    assert!(is_bounds(&joined(Expr::And)));
}

#[test]
fn only_a_rule_above_on_the_same_message_has_let_it_pass() {
    assert!(is_bounds(&fault(|model| model.policy.rules[0].on = Trigger::Message(1))));
    assert!(is_bounds(&fault(|model| model.policy.rules[0].on = Trigger::Expired(0))));
    let expired = fault(|model| {
        model.policy.rules.iter_mut().for_each(|rule| rule.on = Trigger::Expired(0));
    });
    assert!(is_bounds(&expired));
    let turned = fault(|model| {
        model.policy.rules.reverse();
        (0..).zip(&mut model.policy.rules).for_each(|(number, rule)| rule.number = number);
    });
    assert!(is_bounds(&turned));
}

#[test]
fn rules_of_a_tick_learn_nothing_from_those_above() {
    let on = |on: Trigger| {
        fault(move |model| {
            *guard(model) = Some(more_than(Expr::Field(1), 100));
            for rule in &mut model.policy.rules {
                rule.on = on;
            }
            let aqo_model::expr::Stmt::Set(_, value) = &mut model.policy.rules[1].body[0] else {
                unreachable!("the rule sets a field");
            };
            *value = Expr::Field(1);
        })
    };
    assert_eq!(on(Trigger::Message(0)), None);
    assert_eq!(on(Trigger::Message(1)), None);
    for tick in [Trigger::Tick, Trigger::Cycle(0), Trigger::Arrive] {
        assert!(is_bounds(&on(tick)), "{tick:?}");
    }
}
