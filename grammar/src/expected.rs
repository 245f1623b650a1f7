//! The tokens that the parser would have taken, to a short list in words.
//!
//! Invariant: never more than a handful of names, however many tokens fit; what an expression or a
//! name may begin with, and the operators that may follow one, are each told as one thing. `{` is
//! left out wherever anything else fits.

use std::collections::BTreeSet;

use crate::error::shown;
use crate::token::{Kind, SOFT};

/// How many things a message lists.
const LISTED_MAX: usize = 4;

/// Tokens that are told as one thing when at least `least` of them fit.
struct Group {
    name: &'static str,
    tokens: &'static [&'static str],
    least: usize,
}

const OPERATORS: &[&str] = &[
    "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "is", "in", "not", "and", "or",
    "implies", "else", ".", "[", "with", "..=",
];

const GROUPS: &[Group] = &[
    Group {
        name: "an item (`object`, `enum`, `fn`, …)",
        tokens: &[
            "use", "unit", "type", "enum", "record", "const", "fn", "object", "scenario",
            "property",
        ],
        least: 8,
    },
    Group {
        name: "a member of the object (`field`, `rule`, `policy`, …)",
        tokens: &[
            "intent", "role", "field", "derive", "input", "message", "event", "cycle", "dormant",
            "ends", "children", "rule", "policy", "evolve",
        ],
        least: 10,
    },
    Group {
        name: "a clause (`flow`, `always`, `limit`, …)",
        tokens: &["flow", "always", "limit", "trust", "hosts", "retain", "upgrade"],
        least: 6,
    },
    Group {
        name: "a statement (`set`, `let`, `emit`, …)",
        tokens: &[
            "let", "set", "add", "remove", "emit", "predict", "tell", "spawn", "close", "refuse",
            "if", "match",
        ],
        least: 9,
    },
    Group {
        name: "a step (`send`, `advance`, `expect`, …)",
        tokens: &[
            "given", "people", "send", "approve", "offer", "tick", "advance", "host", "repeat",
            "expect",
        ],
        least: 7,
    },
    Group {
        name: "an expression",
        tokens: &[
            "int", "decimal", "duration", "time", "hex", "text", "(", "[", "-", "false", "fold",
            "if", "match", "none", "not", "true", "upper", "lower",
        ],
        least: 12,
    },
    Group { name: "an operator", tokens: OPERATORS, least: 4 },
];

/// `expected` in words: "`:`, a name or an operator".
pub(crate) fn list(expected: &BTreeSet<&str>) -> String {
    let mut left = expected.clone();
    left.remove("soft_name");
    let mut names: Vec<String> = Vec::new();
    let fits_name = left.contains("lower")
        && SOFT.iter().filter(|word| left.contains(*word)).count() * 2 > SOFT.len();
    if fits_name {
        left.retain(|word| !SOFT.contains(word));
    }
    for group in GROUPS {
        let fitting = group
            .tokens
            .iter()
            .filter(|token| expected.contains(*token) && left.contains(*token))
            .count();
        if fitting >= group.least {
            left.retain(|word| !group.tokens.contains(word));
            names.push(group.name.to_owned());
        }
    }
    if fits_name && left.remove("lower") {
        names.push("a name".to_owned());
    }
    if !names.is_empty() || left.len() > 1 {
        left.remove("{");
    }
    names.extend(left.iter().map(|word| shape_name(word)));
    join(&names)
}

fn join(names: &[String]) -> String {
    let shown = names.len().min(LISTED_MAX);
    let (last, first) = match names[..shown].split_last() {
        Some(split) => split,
        None => return String::new(),
    };
    let mut text = first.join(", ");
    if !first.is_empty() {
        text.push_str(if names.len() > shown { ", " } else { " or " });
    }
    text.push_str(last);
    if names.len() > shown {
        text.push_str(", …");
    }
    text
}

/// A token as the grammar calls it, in words.
fn shape_name(word: &str) -> String {
    let shape = match word {
        "lower" => Kind::Lower,
        "upper" => Kind::Upper,
        "int" => Kind::Int,
        "decimal" => Kind::Decimal,
        "duration" => Kind::Duration,
        "time" => Kind::Time,
        "hex" => Kind::Hex,
        "text" => Kind::Text,
        _ => return format!("`{word}`"),
    };
    shape.text().to_owned()
}

/// The one word that fits here and differs from `word` in a slip of the fingers.
pub(crate) fn meant<'s>(word: &str, expected: &BTreeSet<&'s str>) -> Option<&'s str> {
    let shapes =
        ["lower", "upper", "int", "decimal", "duration", "time", "hex", "text", "soft_name"];
    let is_word = |known: &&&str| {
        !shapes.contains(known) && known.starts_with(|c: char| c.is_ascii_lowercase())
    };
    let mut close = expected.iter().filter(is_word).filter(|known| is_slip(word, known));
    let only = close.next().copied();
    only.filter(|_| close.next().is_none())
}

/// Whether one letter was lost, added, changed, or swapped with the next.
fn is_slip(word: &str, known: &str) -> bool {
    let same = word.bytes().zip(known.bytes()).take_while(|(a, b)| a == b).count();
    let (word, known) = (&word.as_bytes()[same..], &known.as_bytes()[same..]);
    match (word, known) {
        ([_, word @ ..], []) => word.is_empty(),
        ([], [_, known @ ..]) => known.is_empty(),
        ([a, word_rest @ ..], [b, known_rest @ ..]) => {
            let swapped = word_rest.first() == Some(b) && known_rest.first() == Some(a);
            word_rest == known
                || word == known_rest
                || word_rest == known_rest
                || swapped && word_rest[1..] == known_rest[1..]
        }
        ([], []) => false,
    }
}

/// What was met instead.
pub(crate) fn found(kind: Kind, text: &str) -> String {
    if kind == Kind::Lower || kind.is_soft() {
        format!("the name `{}`", shown(text))
    } else {
        format!("`{}`", shown(text))
    }
}

pub(crate) fn is_comparison(kind: Kind) -> bool {
    matches!(kind, Kind::Eq | Kind::Ne | Kind::Lt | Kind::Le | Kind::Gt | Kind::Ge)
}
