//! The `use` items of a file whose names nothing in it says.
//!
//! Invariant: a name that is said anywhere else in the text counts as used, so what is warned of can
//! be taken out. An enum is used by its variants too. Knows no types.

use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::Globals;
use crate::indices::Kind;
use aqo_grammar::token::lex;
use aqo_grammar::tree::{File, ItemKind, Name, Use};
use std::collections::BTreeSet;

/// A warning for each `use` of which something is not used, with the item as it may stand.
pub(crate) fn unused(globals: &Globals, file: &File, text: &str) -> Vec<Problem> {
    let uses: Vec<_> = (file.items.iter().enumerate())
        .filter_map(|(item, part)| match &part.node {
            ItemKind::Use(tree) => Some((PartId { item, member: None }, part.span, tree)),
            ItemKind::Unit(_)
            | ItemKind::Alias(_)
            | ItemKind::Enum(_)
            | ItemKind::Record(_)
            | ItemKind::Const(_)
            | ItemKind::Fn(_)
            | ItemKind::Object(_)
            | ItemKind::Scenario(_)
            | ItemKind::Property(_)
            | ItemKind::Damaged => None,
        })
        .collect();
    if uses.is_empty() {
        return Vec::new();
    }
    let inside =
        |start: u32| uses.iter().any(|(_, span, _)| span.start <= start && start < span.end);
    let tape = lex(text);
    let outside = tape.lexemes.iter().filter(|token| !inside(token.span.start));
    let said: BTreeSet<&str> = outside.map(|token| token.span.of(text)).collect();
    let all = uses.iter();
    all.filter_map(|(part, _, tree)| warning(globals, *part, tree, &said)).collect()
}

/// Whether a name that was brought is said, or a variant of it.
fn is_said(globals: &Globals, name: &str, said: &BTreeSet<&str>) -> bool {
    let index = globals.index_of(Kind::Enum, name).map(usize::from);
    let variants = index.and_then(|index| globals.types.enums.get(index));
    let mut variants = variants.into_iter().flat_map(|e| e.names());
    said.contains(name) || variants.any(|variant| said.contains(variant))
}

fn warning(globals: &Globals, part: PartId, tree: &Use, said: &BTreeSet<&str>) -> Option<Problem> {
    let last = tree.path.names.last().filter(|_| tree.names.is_none());
    let names: Vec<&Name> = tree.names.iter().flatten().chain(last).collect();
    let is_brought =
        |name: &Name| globals.used.contains_key(&name.text) && !globals.broken.contains(&name.text);
    let (unused, left): (Vec<&Name>, Vec<&Name>) =
        names.iter().partition(|name| is_brought(name) && !is_said(globals, &name.text, said));
    let is_empty = tree.names.as_ref().is_some_and(Vec::is_empty);
    let at = match unused.first() {
        Some(first) => first.at,
        None if is_empty => tree.path.at,
        None => return None,
    };
    let shown: Vec<String> = unused.iter().map(|name| format!("`{}`", name.text)).collect();
    let message = match (&shown[..], is_empty) {
        (_, true) => "this `use` brings nothing".to_owned(),
        ([one], _) => format!("{one} is brought, and not used"),
        _ => format!("{} are brought, and not used", shown.join(", ")),
    };
    let mut problem = Problem::new(Code::Unused, Loc { part, at }, message).label("not used");
    let others = unused.iter().skip(1);
    problem.related.extend(others.map(|name| (Loc { part, at: name.at }, "nor this".to_owned())));
    let module = crate::uses::joined(&tree.path.names);
    let left: Vec<&str> = left.iter().map(|name| name.text.as_str()).collect();
    let mended = match left.is_empty() {
        true => String::new(),
        false => format!("use {module}.{{{}}}", left.join(", ")),
    };
    Some(problem.help("take it out").instead_of_part(mended))
}
