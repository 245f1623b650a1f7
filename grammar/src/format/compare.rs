//! A source and what was made of it to whether they say the same.
//!
//! Invariant: three checks, each by itself enough to refuse: the same tokens but for commas before
//! a closing bracket, the same comments in the same order, and the same tree.
//!
//! Knows nothing of how the text was made, so that it cannot share a mistake with what it checks.

use crate::parse;
use crate::token::{Kind, lex};
use crate::tree::{File, ItemKind, Part, Span};

pub(super) fn compare(source: &str, tree: File, formatted: &str) -> Result<(), &'static str> {
    let (before, after) = (Words::of(source), Words::of(formatted));
    if before.tokens != after.tokens {
        return Err("the tokens would not be the same");
    }
    if before.comments != after.comments {
        return Err("the comments would not be the same");
    }
    if without_places(tree) != without_places(parse(formatted).file) {
        return Err("the tree would not be the same");
    }
    Ok(())
}

/// The words of a text, without white space and trailing commas.
struct Words<'t> {
    tokens: Vec<&'t str>,
    comments: Vec<&'t str>,
}

impl Words<'_> {
    fn of(text: &str) -> Words<'_> {
        let mut words = Words { tokens: Vec::new(), comments: Vec::new() };
        for lexeme in lex(text).lexemes {
            let word = lexeme.span.of(text);
            if lexeme.kind == Kind::White {
                continue;
            }
            if lexeme.kind.is_trivia() {
                words.comments.push(word.trim_end());
                continue;
            }
            if lexeme.kind.is_closer() && words.tokens.last() == Some(&",") {
                words.tokens.pop();
            }
            words.tokens.push(word);
        }
        words
    }
}

/// The tree alone: positions stand beside its parts.
fn without_places(mut file: File) -> File {
    file.module.iter_mut().for_each(forget);
    for item in &mut file.items {
        forget(item);
        match &mut item.node {
            ItemKind::Object(object) => object.members.iter_mut().for_each(forget),
            ItemKind::Use(_)
            | ItemKind::Unit(_)
            | ItemKind::Alias(_)
            | ItemKind::Enum(_)
            | ItemKind::Record(_)
            | ItemKind::Const(_)
            | ItemKind::Fn(_)
            | ItemKind::Scenario(_)
            | ItemKind::Property(_)
            | ItemKind::Damaged => {}
        }
    }
    file
}

fn forget<T>(part: &mut Part<T>) {
    part.spans.clear();
    part.span = Span { start: 0, end: 0 };
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::parse;

    #[test]
    fn each_check_refuses_what_it_is_there_for() {
        let source = "module a\n/// A.\nenum E { A, B, } // b\nunit c";
        let told = |formatted: &str| compare(source, parse(source).file, formatted);
        assert_eq!(told(source), Ok(()));
        assert_eq!(told("module a /// A.\nenum E{A,B}// b\n\n\nunit c"), Ok(()));
        let tokens = Err("the tokens would not be the same");
        assert_eq!(told("module a\n/// A.\nenum E { A, B } // b"), tokens);
        assert_eq!(told("module a\n/// A.\nenum E { A, B, B } // b\nunit c"), tokens);
        assert_eq!(told("module a\n/// A.\nenum E { B, A } // b\nunit c"), tokens);
        let comments = Err("the comments would not be the same");
        assert_eq!(told("module a\n/// A.\nenum E { A, B } unit c"), comments);
        assert_eq!(told("module a // b\n/// A.\nenum E { A, B } unit c"), comments);
        let tree = Err("the tree would not be the same");
        assert_eq!(told("module a\nenum\n/// A.\nE { A, B } // b\nunit c"), tree);
    }
}
