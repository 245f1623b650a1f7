//! What is learned from a condition is true: of random conditions and expressions over small fields,
//! the interval that is proved holds every value that brute force finds, and no divisor is zero.

use aqo_compiler::{Database, SourceFile, db};
use aqo_model::Model;
use aqo_model::expr::{Expr, Order, Rounding};
use aqo_model::facts::Facts;
use aqo_model::value::Value;
use aqo_model::verify::{self, Place};

use crate::helpers::{PATH, Random};

const RANGES: [(i64, i64); 3] = [(-3, 4), (0, 5), (2, 6)];

fn model() -> Model {
    let fields: String = RANGES
        .iter()
        .zip(["a", "b", "c"])
        .map(|((low, high), name)| format!("field {name}: int in {low} ..= {high} = {high}\n"))
        .collect();
    let text = format!("module demo object O version 1 {{ {fields} }}");
    let db = Database::default();
    let file = SourceFile::new(&db, PATH.to_owned(), text);
    let (object, _) = db::objects(&db, file)[0];
    db::object_of(&db, file, object).model.as_ref().unwrap().model().clone()
}

fn states() -> Vec<[i64; 3]> {
    let [a, b, c] = RANGES.map(|(low, high)| low..=high);
    a.flat_map(|a| b.clone().map(move |b| (a, b)))
        .flat_map(|(a, b)| c.clone().map(move |c| [a, b, c]))
        .collect()
}

fn number(random: &mut Random, depth: usize) -> Expr {
    let field = |random: &mut Random| Expr::Field(random.below(3) as u16);
    if depth == 0 || random.below(4) == 0 {
        let constant = Expr::number(random.below(9) as i64 - 3);
        return if random.below(3) == 0 { constant } else { field(random) };
    }
    let mut next = || Box::new(number(random, depth - 1));
    let (a, b) = (next(), next());
    let roundings =
        [Rounding::Floor, Rounding::Ceil, Rounding::Trunc, Rounding::HalfUp, Rounding::HalfEven];
    match random.below(11) {
        0 | 1 => Expr::Add(a, b),
        2 | 3 => Expr::Sub(a, b),
        4 => Expr::Mul(a, b),
        5 => Expr::Mul(a.clone(), a),
        6 => Expr::Neg(a),
        7 => Expr::Min(a, b),
        8 => Expr::Abs(a),
        9 => Expr::Div(roundings[random.below(5)], a, b),
        _ => Expr::Rem(a, b),
    }
}

fn condition(random: &mut Random, depth: usize) -> Expr {
    if depth == 0 || random.below(3) == 0 {
        let mut side = || Box::new(number(random, 2));
        let (a, b, c) = (side(), side(), side());
        return match random.below(4) {
            0 => Expr::Compare(Order::Less, a, b),
            1 => Expr::Compare(Order::AtMost, a, b),
            2 => Expr::Equal(a, b),
            _ => Expr::Within(a, b, c),
        };
    }
    let mut next = || Box::new(condition(random, depth - 1));
    let (a, b) = (next(), next());
    match random.below(3) {
        0 => Expr::And(a, b),
        1 => Expr::Or(a, b),
        _ => Expr::Not(a),
    }
}

/// The value of an expression in a state; bools are 0 and 1, `None` where it divides by zero.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other expression is generated")]
fn eval(expr: &Expr, state: &[i64; 3]) -> Option<i128> {
    let of = |expr: &Expr| eval(expr, state);
    let truth = |truth: bool| Some(i128::from(truth));
    match expr {
        Expr::Value(Value::Int(value)) => Some((*value).into()),
        Expr::Field(field) => Some(state[usize::from(*field)].into()),
        Expr::Add(a, b) => Some(of(a)? + of(b)?),
        Expr::Sub(a, b) => Some(of(a)? - of(b)?),
        Expr::Mul(a, b) => Some(of(a)? * of(b)?),
        Expr::Neg(a) => Some(-of(a)?),
        Expr::Min(a, b) => Some(of(a)?.min(of(b)?)),
        Expr::Abs(a) => Some(of(a)?.abs()),
        Expr::Div(rounding, a, b) => {
            let (a, b) = (of(a)?, of(b)?);
            (b != 0).then(|| rounding.divide(a, b))
        }
        Expr::Rem(a, b) => {
            let (a, b) = (of(a)?, of(b)?);
            (b > 0).then(|| a.rem_euclid(b))
        }
        Expr::Compare(Order::Less, a, b) => truth(of(a)? < of(b)?),
        Expr::Compare(Order::AtMost, a, b) => truth(of(a)? <= of(b)?),
        Expr::Equal(a, b) => truth(of(a)? == of(b)?),
        Expr::Within(a, low, high) => truth(of(low)? <= of(a)? && of(a)? <= of(high)?),
        Expr::Not(a) => truth(of(a)? == 0),
        Expr::And(a, b) => {
            if of(a)? == 1 {
                of(b)
            } else {
                Some(0)
            }
        }
        Expr::Or(a, b) => {
            if of(a)? == 0 {
                of(b)
            } else {
                Some(1)
            }
        }
        other => panic!("{other:?} is not generated"),
    }
}

#[test]
fn what_is_proved_is_true() {
    let model = model();
    let place = Place::of_derive(&model);
    let states = states();
    let mut random = Random(23);
    let mut proved = 0;
    for _ in 0..4_000 {
        let (cond, expr) = (condition(&mut random, 3), number(&mut random, 3));
        let truth = random.below(2) == 1;
        if verify::check(&place, &cond, &Facts::default()).is_err() {
            continue;
        }
        let mut facts = Facts::default();
        verify::learn(&place, &cond, truth, &mut facts);
        let Ok(checked) = verify::check(&place, &expr, &facts) else { continue };
        let interval = checked.interval.unwrap();
        for state in &states {
            let holds = eval(&cond, state).expect("a checked condition divides by nothing");
            if holds == i128::from(truth) {
                let value = eval(&expr, state);
                let value =
                    value.unwrap_or_else(|| panic!("{expr:?} divides by zero in {state:?}"));
                let within = interval.low <= value && value <= interval.high;
                assert!(within, "{expr:?} is {value} in {state:?}, not in {interval:?}: {cond:?}");
                assert!(!facts.is_impossible(), "{cond:?} is possible in {state:?}");
                proved += 1;
            }
        }
    }
    assert!(proved > 50_000, "{proved} values were looked at");
}

#[test]
fn quotients_are_rounded_as_they_say() {
    let quotients = [(7, 2), (-7, 2), (7, -2), (5, 2), (-5, 2), (6, 3), (-1, 3), (2, 3), (0, 5)];
    for (a, b) in quotients {
        let exact = a as f64 / b as f64;
        let rounded = [
            (Rounding::Floor, exact.floor()),
            (Rounding::Ceil, exact.ceil()),
            (Rounding::Trunc, exact.trunc()),
            (Rounding::HalfUp, exact.round()),
            (Rounding::HalfEven, exact.round_ties_even()),
        ];
        for (rounding, wanted) in rounded {
            assert_eq!(rounding.divide(a, b) as f64, wanted, "{rounding:?} of {a} / {b}");
        }
    }
}
