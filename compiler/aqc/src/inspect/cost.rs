//! What steps cost at most, as one line, as a tree and as JSON.
//!
//! Every number is one of the tree that the compiler computes; nothing is added up here.

use aqo_compiler::cost::grouped;
use aqo_compiler::emit::{Cost, Factor, Node};
use serde_json::json;

/// `tick 12,034, message adjust 20,100, bind 3,002 instructions`
pub(crate) fn line(cost: &Cost) -> String {
    let offers = cost.offers.iter();
    let offers: Vec<String> =
        offers.map(|offer| format!("{} {}", offer.name, number(offer.most))).collect();
    format!("{} instructions", offers.join(", "))
}

/// A part a line, below what it is a part of, the dearest first.
pub(crate) fn tree(cost: &Cost) -> Vec<String> {
    let mut lines = Vec::new();
    cost.offers.iter().for_each(|offer| branch(offer, 0, &mut lines));
    lines
}

fn branch(node: &Node, depth: usize, lines: &mut Vec<String>) {
    /// Wide enough for the names of most parts.
    const WIDTH: usize = 36;
    let name = format!("{}{}", "  ".repeat(depth), node.name);
    let most = number(node.most);
    let factor = node
        .factor
        .map_or(String::new(), |factor| format!("  ({factor}: {})", number(factor.most)));
    lines.push(format!("{name:WIDTH$} {most:>14}{factor}"));
    node.parts.iter().for_each(|part| branch(part, depth + 1, lines));
    let parts = node.parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.most));
    let rest = node.most.saturating_sub(parts);
    if depth == 0 && rest > 0 {
        let rest = number(rest);
        lines.push(format!("{:WIDTH$} {rest:>14}", "  housekeeping"));
    }
}

/// The tree.
pub(crate) fn as_json(cost: &Cost) -> serde_json::Value {
    json!({
        "instructions": cost.most(),
        "offers": cost.offers.iter().map(node_as_json).collect::<Vec<_>>(),
    })
}

fn node_as_json(node: &Node) -> serde_json::Value {
    let factor = node.factor.map(|Factor { walks, what, each, most }| {
        json!({ "walks": walks, "through": what, "each": each, "instructions": most })
    });
    json!({
        "name": node.name,
        "instructions": node.most,
        "factor": factor,
        "parts": node.parts.iter().map(node_as_json).collect::<Vec<_>>(),
    })
}

/// `12,034`
fn number(number: u64) -> String {
    grouped(number, ',')
}
