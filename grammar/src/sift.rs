//! A tape to the tokens that the parser reads, with the doc comments set aside.
//!
//! Invariant: tokens keep their places and order. What is no token becomes one token that the
//! grammar takes nowhere, and is reported here, so that the parser need not report it again. An
//! operator of another language becomes the one that was meant.
//!
//! Knows nothing of brackets or of what may follow what.

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::token::{Kind, Tape, Token};
use crate::tree::Span;

/// A token between two positions, as the parser wants it. One that stands for a missing token has
/// no width.
pub(crate) type Placed<'t> = (u32, Token<'t>, u32);

/// The lines of one doc comment, and the token that they stand before.
pub(crate) struct Doc {
    pub(crate) span: Span,
    /// `None` once something has taken it.
    pub(crate) text: Option<String>,
    /// Where the next token starts; the text's length at the end of the file.
    pub(crate) before: u32,
}

/// What is left of a tape without white space and comments.
pub(crate) struct Sifted<'t> {
    pub(crate) tokens: Vec<Placed<'t>>,
    /// `///` comments, in order.
    pub(crate) docs: Vec<Doc>,
    /// The `//!` lines before the first token.
    pub(crate) module_doc: Option<String>,
}

pub(crate) fn sift<'t>(tape: &Tape, text: &'t str, errors: &mut Vec<SyntaxError>) -> Sifted<'t> {
    let mut sifted = Sifted { tokens: Vec::new(), docs: Vec::new(), module_doc: None };
    let mut open_doc: Option<Doc> = None;
    report_bidi(text, errors);
    for lexeme in &tape.lexemes {
        let (kind, span) = (lexeme.kind, lexeme.span);
        let slice = span.of(text);
        if kind == Kind::Doc {
            let line = line_text(slice);
            match &mut open_doc {
                Some(doc) => {
                    join_line(&mut doc.text, line);
                    doc.span.end = span.end;
                }
                None => open_doc = Some(Doc { span, text: Some(line.to_owned()), before: 0 }),
            }
        } else if kind == Kind::ModuleDoc {
            sift_module_doc(&mut sifted, slice, span, errors);
        } else if !kind.is_trivia() {
            if let Some(doc) = open_doc.take() {
                sifted.docs.push(Doc { before: span.start, ..doc });
            }
            if let Some(token) = significant(kind, slice, span, errors) {
                sifted.tokens.push((span.start, token, span.end));
            }
        }
    }
    let end = tape.lexemes.last().map_or(0, |last| last.span.end);
    sifted.docs.extend(open_doc.map(|doc| Doc { before: end, ..doc }));
    sifted
}

/// The text of a doc line without its marker and one space.
fn line_text(slice: &str) -> &str {
    let text = &slice[3..];
    text.strip_prefix(' ').unwrap_or(text).trim_end()
}

fn join_line(text: &mut Option<String>, line: &str) {
    match text {
        Some(text) => {
            text.push('\n');
            text.push_str(line);
        }
        None => *text = Some(line.to_owned()),
    }
}

fn sift_module_doc(
    sifted: &mut Sifted<'_>,
    slice: &str,
    span: Span,
    errors: &mut Vec<SyntaxError>,
) {
    if !sifted.tokens.is_empty() {
        errors.push(SyntaxError::new(
            SyntaxErrorKind::LooseDoc,
            span,
            "`//!` describes the module and stands before everything else",
        ));
        return;
    }
    join_line(&mut sifted.module_doc, line_text(slice));
}

/// The token that the parser sees, after reporting what is wrong with it. `None`: it is left out.
fn significant<'t>(
    kind: Kind,
    slice: &'t str,
    span: Span,
    errors: &mut Vec<SyntaxError>,
) -> Option<Token<'t>> {
    if kind.is_foreign() {
        errors.push(SyntaxError::foreign(kind, span));
        return kind.meant().map(|meant| Token(meant, meant.text()));
    }
    if kind == Kind::Text {
        report_escapes(slice, span, errors);
    }
    if !kind.is_bad() {
        return Some(Token(kind, slice));
    }
    if !slice.chars().all(is_bidi) {
        errors.push(SyntaxError::unreadable(kind, slice, span));
    }
    Some(Token(Kind::Unknown, slice))
}

fn report_escapes(slice: &str, span: Span, errors: &mut Vec<SyntaxError>) {
    let mut characters = slice.char_indices();
    while let Some((start, character)) = characters.next() {
        let escaped = if character == '\\' { characters.next() } else { None };
        if let Some((_, escaped)) = escaped
            && unescape(escaped).is_none()
        {
            let end = start + 1 + escaped.len_utf8();
            let within = Span::from(start..end);
            let span = Span { start: span.start + within.start, end: span.start + within.end };
            errors.push(SyntaxError::escape(escaped, span));
        }
    }
}

fn unescape(escaped: char) -> Option<char> {
    match escaped {
        '"' | '\\' => Some(escaped),
        'n' => Some('\n'),
        't' => Some('\t'),
        _ => None,
    }
}

/// What a text literal says: without its quotes, each escape replaced. An unknown escape stands for
/// the character after the backslash; it has been reported.
pub fn unquote(literal: &str) -> String {
    let inner = literal.strip_prefix('"').unwrap_or(literal);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut said = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => said.extend(characters.next().map(|next| unescape(next).unwrap_or(next))),
            plain => said.push(plain),
        }
    }
    said
}

/// Characters that reorder the text around them can make a rule read as what it is not.
fn report_bidi(text: &str, errors: &mut Vec<SyntaxError>) {
    for (start, character) in text.char_indices().filter(|found| is_bidi(found.1)) {
        let span = Span::from(start..start + character.len_utf8());
        errors.push(SyntaxError::bidi(character, span));
    }
}

fn is_bidi(character: char) -> bool {
    matches!(character, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
