//! A text to its tokens and what stood between them: comments, and whether a line was left blank.
//!
//! Invariant: every comment of the text is in exactly one gap, in order. Only the first comment of
//! a gap may stand on the line of the token before it.
//!
//! Knows nothing of the tree.

use crate::token::{Kind, lex};

/// A comment without the white space after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'t> {
    pub(super) text: &'t str,
    /// It describes what follows, so it must not pass a token.
    is_doc: bool,
    /// It stands on a line of its own, not behind a token.
    pub(super) own_line: bool,
    pub(super) blank_before: bool,
}

/// What stands before a token, or at the end of the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Gap<'t> {
    pub(super) comments: Vec<Comment<'t>>,
    /// Between the last comment, or else the token before, and the token.
    pub(super) blank_at_end: bool,
}

/// A text cut into tokens and gaps.
pub(super) struct Source<'t> {
    pub(super) tokens: Vec<(Kind, &'t str)>,
    /// One before each token, and one at the end.
    pub(super) gaps: Vec<Gap<'t>>,
}

pub(super) fn gaps(text: &str) -> Source<'_> {
    let mut source = Source { tokens: Vec::new(), gaps: Vec::new() };
    let mut gap = Gap::default();
    let mut newlines = 0;
    for lexeme in lex(text).lexemes {
        let slice = lexeme.span.of(text);
        if lexeme.kind == Kind::White {
            newlines += newlines_in(slice);
        } else if lexeme.kind.is_trivia() {
            let is_doc = lexeme.kind != Kind::Comment;
            let is_first = gap.comments.is_empty() && !source.tokens.is_empty();
            gap.comments.push(Comment {
                text: slice.trim_end(),
                is_doc,
                own_line: is_doc || newlines > 0 || !is_first,
                blank_before: newlines > 1,
            });
            newlines = 0;
        } else {
            gap.blank_at_end = newlines > 1;
            source.gaps.push(std::mem::take(&mut gap));
            source.tokens.push((lexeme.kind, slice));
            newlines = 0;
        }
    }
    source.gaps.push(gap);
    source
}

/// Ends of lines: `\n`, `\r\n` or `\r`.
fn newlines_in(white: &str) -> usize {
    let pairs = white.matches("\r\n").count();
    white.matches(['\r', '\n']).count() - pairs
}

impl Gap<'_> {
    /// Whether a comment here describes the token that follows.
    pub(super) fn has_doc(&self) -> bool {
        self.comments.iter().any(|comment| comment.is_doc)
    }
}

impl Source<'_> {
    /// Moves the comments before a comma behind it, to the front of the next gap.
    pub(super) fn pass_comma(&mut self, comma: usize) {
        let moved = std::mem::take(&mut self.gaps[comma].comments);
        if moved.is_empty() {
            return;
        }
        let next = &mut self.gaps[comma + 1].comments;
        next.iter_mut().for_each(|comment| comment.own_line = true);
        next.splice(0..0, moved);
    }
}
