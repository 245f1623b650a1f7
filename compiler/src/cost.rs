//! An object without errors to what its steps cost at most, and to a problem where that is more than
//! its project allows.
//!
//! Invariant: the numbers are those that a component of the object carries. Knows no file: whoever
//! reads `aqo.toml` sets `max_cost` of a source.

use crate::codes::Code;
use crate::db::{object_of, shape_of};
use crate::diagnostic::{PartId, Problem};
use crate::globals::whole;
use crate::shape::Shape;
use crate::source::SourceFile;
use aqo_emit::{Cost, Node};
use std::sync::Arc;

/// The most core instructions of a step, unless `aqo.toml` says otherwise.
pub const MAX_COST: u64 = 10_000_000;

/// What the steps of an object cost at most; `None` where it has errors.
#[salsa::tracked(returns(clone))]
pub fn cost_of(db: &dyn salsa::Database, file: SourceFile, index: usize) -> Option<Arc<Cost>> {
    let checked = object_of(db, file, index);
    let model = checked.model.as_ref()?;
    Some(Arc::new(aqo_emit::cost(model.model())))
}

/// That a step may cost too much.
pub(crate) fn too_dear(
    db: &dyn salsa::Database,
    file: SourceFile,
    index: usize,
) -> Option<Problem> {
    let most = file.max_cost(db).unwrap_or(MAX_COST);
    let cost = cost_of(db, file, index)?;
    let offer = cost.dearest().filter(|offer| offer.most > most)?;
    Some(problem(&shape_of(db, file, index), index, offer, most))
}

fn problem(shape: &Shape, item: usize, offer: &Node, most: u64) -> Problem {
    // The rule that most of it goes to, if there is one.
    let rule = offer.dearest_rule().filter(|rule| rule.most >= offer.most / 2);
    let place = rule.and_then(|rule| shape.rule_places.get(usize::from(rule.rule?)));
    let at = place.copied().unwrap_or_else(|| whole(PartId { item, member: None }));
    let (name, factor) = match rule {
        Some(rule) => (backed(&rule.name), rule.factor),
        None => (backed(&offer.name), offer.factor),
    };
    let why = factor.map_or(String::new(), |factor| format!(": {name}: {factor}"));
    let message = format!(
        "a step may cost {} instructions, and {} is the most{why}",
        grouped(offer.most, '_'),
        grouped(most, '_')
    );
    Problem::new(Code::TooDear, at, message)
        .label(format!("the dearest of `{}`", offer.name))
        .help("let collections hold less, or raise `[build] max_cost` in aqo.toml")
}

/// `rule audit` with its name marked.
fn backed(name: &str) -> String {
    match name.split_once(' ') {
        Some((kind, name)) => format!("{kind} `{name}`"),
        None => name.to_owned(),
    }
}

/// `12_034_000`, with this sign between groups of digits.
pub fn grouped(number: u64, between: char) -> String {
    if number == u64::MAX {
        return "without bound".to_owned();
    }
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(between);
        }
        shown.push(digit);
    }
    shown
}
