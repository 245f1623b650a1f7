//! `was` on some declarations of a drawn program, and the lock from before they were called otherwise.
//!
//! Invariant: without a lock a program says the same with and without its marks; under the lock each
//! mark gives its declaration the number of the old name.

use super::program::Part;
use crate::chance::Chance;
use crate::gaps::spread;

/// Words before a name that may be said to have had another.
const NAMED: [&str; 7] = ["role ", "input ", "message ", "event ", "rule ", "enum ", "record "];

/// The name that something had.
fn old(name: &str) -> String {
    let is_type = name.starts_with(|first: char| first.is_ascii_uppercase());
    format!("{}{name}", if is_type { "Old" } else { "old_" })
}

/// Marks some declarations of every fourth program.
pub(super) fn mark(parts: &mut [Part], seed: u64) {
    if seed % 4 != 3 {
        return;
    }
    let mut chance = Chance::new(seed ^ 0x6e61_6d65);
    // Parts of one name in two records are renamed together: a lock's lines are found by name.
    let renamed: Vec<String> =
        (0..3).map(|number| format!("x{number}")).filter(|_| chance.percent(40)).collect();
    for part in parts {
        let name = part.name.clone();
        if chance.percent(40) {
            if let Some(word) = NAMED.iter().find(|word| part.head.starts_with(**word)) {
                let place = word.len() + name_at(&part.head[word.len()..]).len();
                let was = format!(" was {}", old(name_at(&part.head[word.len()..])));
                part.head.insert_str(place, &was);
            } else if part.head.starts_with("field ") {
                part.head += &format!(" was {}", old(&name));
            }
        }
        if part.head.starts_with("record ") {
            for name in &renamed {
                let was = format!("{name} was {}:", old(name));
                part.head = part.head.replacen(&format!("{name}:"), &was, 1);
            }
        } else if part.head.starts_with("enum ") && chance.percent(60) {
            let last = part.head.rfind('V').unwrap_or_default();
            let variant = name_at(&part.head[last..]).to_owned();
            part.head.insert_str(last + variant.len(), &format!(" was {}", old(&variant)));
        }
    }
}

/// The name that a text begins with.
fn name_at(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// A lock with gaps for a marked text, of the names that it has and of those that it had; none where
/// nothing is marked. `lock` is what a build of it writes where there is none.
pub(super) fn locks(text: &str, lock: &str) -> Option<[String; 2]> {
    let names: Vec<&str> = text.split(" was ").skip(1).map(name_at).collect();
    if names.is_empty() {
        return None;
    }
    let now = spread(lock);
    let mut before = now.clone();
    for was in names {
        let name = was.strip_prefix("Old").or_else(|| was.strip_prefix("old_"))?;
        before = before.replace(&format!("\n{name} = "), &format!("\n{was} = "));
        before = before.replace(&format!("\"drawn.{name}\""), &format!("\"drawn.{was}\""));
    }
    Some([now, before])
}
