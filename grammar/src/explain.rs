//! What the parser could not read, to errors for a person.
//!
//! Invariant: one cause, one error. Silent are a loss at a token that was reported before the
//! parser (unreadable, or added to match a bracket), a loss inside a round or square bracket that
//! never closes, and a loss that goes on where the one before it ended, unless that one ended with a
//! block or this one begins with the word of a part of its own.
//!
//! Sees tokens, never the tree: what parses and is wrong all the same is told by `judge.rs`.

use std::collections::BTreeSet;

use crate::balance::{begins_part, follows_a_name};
use crate::builder::Loss;
use crate::error::{Edit, SyntaxError, SyntaxErrorKind, shown};
use crate::expected::{self, is_comparison};
use crate::sift::Placed;
use crate::token::{Kind, Token};
use crate::tree::Span;

/// Adds an error for each loss that has a cause of its own. `losses` are in text order.
pub(crate) fn explain(
    losses: &[Loss],
    tokens: &[Placed<'_>],
    unclosed: &[Span],
    errors: &mut Vec<SyntaxError>,
) {
    let mut before: Option<Span> = None;
    for loss in losses {
        let scene = Scene::of(loss, tokens);
        let goes_on = before.is_some_and(|before| scene.goes_on_after(before));
        let told = scene.is_reported() || scene.stands_within(unclosed);
        before = (!loss.is_closed).then_some(loss.span);
        if !goes_on && !told {
            errors.push(scene.error());
        }
    }
}

/// A loss among the tokens around it.
struct Scene<'s, 't> {
    loss: &'s Loss,
    tokens: &'s [Placed<'t>],
    /// The place of the token that did not fit; the number of tokens at the end of the file.
    found: usize,
    expected: BTreeSet<&'s str>,
}

impl<'s, 't> Scene<'s, 't> {
    fn of(loss: &'s Loss, tokens: &'s [Placed<'t>]) -> Scene<'s, 't> {
        let found = loss.found.map_or(tokens.len(), |(kind, at)| {
            let first = tokens.partition_point(|token| token.0 < at.start);
            let here = tokens[first..].iter().take_while(|token| token.0 == at.start);
            first + here.take_while(|token| token.1.0 != kind || token.2 != at.end).count()
        });
        let expected = loss.expected.iter().map(|word| word.trim_matches('"')).collect();
        Scene { loss, tokens, found, expected }
    }

    fn is_reported(&self) -> bool {
        self.tokens.get(self.found).is_some_and(|(l, token, r)| token.0 == Kind::Unknown || l == r)
    }

    fn stands_within(&self, regions: &[Span]) -> bool {
        let at = self.span();
        let after = regions.partition_point(|region| region.start < at.start);
        after > 0 && at.end <= regions[after - 1].end
    }

    fn goes_on_after(&self, before: Span) -> bool {
        let first = self.tokens.partition_point(|token| token.0 < self.loss.span.start);
        let touches = first == 0 || self.tokens[first - 1].2 <= before.end;
        let own_word = begins_part(self.tokens, first)
            || self.tokens.get(first).is_some_and(|token| begins_softly(token.1.0));
        touches && !(own_word && first < self.found)
    }

    /// The token so many places after the one that did not fit.
    fn near(&self, offset: isize) -> Option<Placed<'t>> {
        let index = self.found.checked_add_signed(offset)?;
        self.tokens.get(index).copied()
    }

    fn kind(&self, offset: isize) -> Option<Kind> {
        self.near(offset).map(|token| token.1.0)
    }

    fn expects(&self, word: &str) -> bool {
        self.expected.contains(word)
    }

    fn span(&self) -> Span {
        match self.loss.found {
            Some((_, at)) => at,
            None => Span { start: self.loss.span.end, end: self.loss.span.end },
        }
    }

    fn error(&self) -> SyntaxError {
        let Some((_, Token(kind, text), _)) = self.near(0) else {
            return self.unexpected();
        };
        self.operator_error(kind)
            .or_else(|| self.name_error(kind, text))
            .or_else(|| self.mark_error(kind))
            .unwrap_or_else(|| self.unexpected())
    }

    /// Operators that do not go together.
    fn operator_error(&self, kind: Kind) -> Option<SyntaxError> {
        let span = self.span();
        if kind == Kind::Assign && self.expects("==") {
            return Some(self.other_mark("`=` gives a value; `==` compares", "=="));
        }
        if kind == Kind::Eq && self.expects("=") {
            return Some(self.other_mark("`==` compares; `=` gives a value", "="));
        }
        let mixed =
            (kind == Kind::Or && self.expects("and")) || (kind == Kind::And && self.expects("or"));
        if mixed {
            return Some(
                SyntaxError::new(
                    SyntaxErrorKind::MixedAndOr,
                    span,
                    "`and` and `or` stand side by side",
                )
                .with_help("put one of them in parentheses: `a and (b or c)`"),
            );
        }
        if kind == Kind::Not && self.kind(-1) == Some(Kind::Is) {
            return Some(self.is_not());
        }
        let after_test = self.expects("and") || self.expects("or") || self.expects("implies");
        if kind == Kind::Bar && after_test {
            return Some(self.bar_after_equal());
        }
        if after_test && (is_comparison(kind) || matches!(kind, Kind::Is | Kind::In | Kind::Not)) {
            return Some(
                SyntaxError::new(
                    SyntaxErrorKind::ChainedComparison,
                    span,
                    "comparisons do not chain",
                )
                .with_help("join two of them with `and`: `a < b and b < c`"),
            );
        }
        None
    }

    fn other_mark(&self, message: &str, meant: &str) -> SyntaxError {
        let (span, text) = (self.span(), meant.to_owned());
        SyntaxError::new(SyntaxErrorKind::AssignOrEqual, span, message)
            .with_help(format!("write `{meant}`"))
            .with_fix(Edit { span, text })
    }

    fn is_not(&self) -> SyntaxError {
        let none = self.near(1).filter(|token| token.1.0 == Kind::None);
        let Some((_, _, end)) = none else {
            return SyntaxError::new(
                SyntaxErrorKind::IsNotNone,
                self.span(),
                "`is not` does not exist",
            )
            .with_help("write `not (x is A)`");
        };
        let span = Span { start: self.span().start, end };
        SyntaxError::new(SyntaxErrorKind::IsNotNone, span, "`is not none` is written `is some`")
            .with_help("write `is some`, or `is some(x)` to name the value")
            .with_fix(Edit { span, text: "some".to_owned() })
    }

    fn bar_after_equal(&self) -> SyntaxError {
        let error = SyntaxError::new(
            SyntaxErrorKind::BarAfterEqual,
            self.span(),
            "`|` joins the cases of an `is`",
        )
        .with_help("write `x is A | B`");
        match (self.near(-2), self.kind(-1)) {
            (Some((start, Token(Kind::Eq, _), end)), Some(Kind::Upper)) => {
                error.with_fix(Edit { span: Span { start, end }, text: "is".to_owned() })
            }
            _ => error,
        }
    }

    /// Words that cannot be a name here.
    fn name_error(&self, kind: Kind, text: &str) -> Option<SyntaxError> {
        let span = self.span();
        let asks_lower = self.expects("lower") && !self.expects("upper");
        let asks_upper = self.expects("upper") && !self.expects("lower");
        if kind.is_soft() && asks_lower && !self.expects(text) {
            return Some(self.soft_function(text));
        }
        let quantifier = self.near(-2).filter(|token| is_quantifier(token.1.0));
        if let (true, Some((_, Token(_, word), _)), Some(Kind::OpenParen)) =
            (self.expected.len() == 1 && asks_lower, quantifier, self.kind(-1))
        {
            return Some(
                SyntaxError::new(
                    SyntaxErrorKind::SoftFunction,
                    span,
                    format!("`{word}(…)` asks of a collection; a name for its elements is missing"),
                )
                .with_help(format!(
                    "write `{word}(x in xs: …)`; no function can be called `{word}`"
                )),
            );
        }
        let soft_call = kind == Kind::OpenParen && self.kind(-1).is_some_and(Kind::is_soft);
        if soft_call && self.kind(-2) != Some(Kind::Dot) && self.expects("+") {
            let word = self.near(-1).map_or("", |token| token.1.1);
            return Some(self.soft_function(word));
        }
        if kind.is_reserved() && self.expects("lower") && self.kind(1).is_some_and(follows_a_name) {
            return Some(SyntaxError::reserved(text, span));
        }
        if (kind == Kind::Upper && asks_lower)
            || ((kind == Kind::Lower || kind.is_soft()) && asks_upper)
        {
            return Some(self.wrong_case(text, asks_upper));
        }
        None
    }

    fn soft_function(&self, word: &str) -> SyntaxError {
        SyntaxError::new(
            SyntaxErrorKind::SoftFunction,
            self.span(),
            format!("`{word}` is a word of the language: no function or binder is called that"),
        )
        .with_help("choose another name; fields, messages and parameters may bear it")
    }

    fn wrong_case(&self, text: &str, asks_upper: bool) -> SyntaxError {
        let text = shown(text);
        let message = if asks_upper {
            format!(
                "`{text}` begins with a small letter; types, variants and objects are `UpperCamel`"
            )
        } else {
            format!("`{text}` begins with a capital; only types, variants and objects do")
        };
        SyntaxError::new(SyntaxErrorKind::WrongCase, self.span(), message)
    }

    /// Marks that are missing or run together.
    fn mark_error(&self, kind: Kind) -> Option<SyntaxError> {
        let span = self.span();
        if kind == Kind::Ge && self.expects(">") && !self.expects(">=") {
            return Some(
                SyntaxError::new(
                    SyntaxErrorKind::GluedMarks,
                    span,
                    "`>=` compares; a space is missing",
                )
                .with_help("write `> =`")
                .with_fix(Edit { span, text: "> =".to_owned() }),
            );
        }
        let labels = self.expects(":") && self.expected.len() <= 2;
        let assigns = self.expects("=") && self.kind(1) != Some(Kind::Assign);
        let colon_only = labels && !assigns;
        let (_, _, end) = self.near(-1)?;
        if colon_only
            && matches!(kind, Kind::Lower | Kind::Upper | Kind::Set | Kind::Int | Kind::Decimal)
        {
            let gap = Span { start: end, end };
            return Some(
                SyntaxError::new(
                    SyntaxErrorKind::MissingColon,
                    span,
                    "a `:` is missing before this",
                )
                .with_help("every label has a colon")
                .with_fix(Edit { span: gap, text: ":".to_owned() }),
            );
        }
        None
    }

    fn unexpected(&self) -> SyntaxError {
        let found = match self.near(0) {
            None => "the end of the file".to_owned(),
            Some((_, Token(kind, text), _)) => expected::found(kind, text),
        };
        let wanted = expected::list(&self.expected);
        let message = if wanted.is_empty() {
            format!("{found} cannot stand here")
        } else {
            format!("expected {wanted}, found {found}")
        };
        let error = SyntaxError::new(SyntaxErrorKind::Unexpected, self.span(), message);
        let meant = self.near(0).filter(|token| token.1.0 == Kind::Lower);
        let meant = meant.and_then(|token| expected::meant(token.1.1, &self.expected));
        match (meant, self.help()) {
            (Some(word), _) => error.with_help(format!("did you mean `{word}`?")),
            (None, Some(help)) => error.with_help(help),
            (None, None) => error,
        }
    }

    fn help(&self) -> Option<&'static str> {
        if self.expected.len() == 1 && self.expects("else") {
            return Some("an `if` that gives a value needs its `else`");
        }
        if self.kind(0) == Some(Kind::OpenParen) && self.kind(-2) == Some(Kind::Dot) {
            return Some("nothing is called after a dot: write `f(x)`, not `x.f()`");
        }
        if self.kind(0) == Some(Kind::OpenBrace) && self.kind(-1) == Some(Kind::Upper) {
            return Some("records are written with parentheses: `Point(x: 1, y: 2)`");
        }
        None
    }
}

/// Words that may begin a part and may stand elsewhere too.
fn begins_softly(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::If
            | Kind::Match
            | Kind::Refuse
            | Kind::Type
            | Kind::Unit
            | Kind::Record
            | Kind::Role
            | Kind::Input
            | Kind::Message
            | Kind::Event
            | Kind::Flow
            | Kind::Limit
            | Kind::Trust
            | Kind::Gain
            | Kind::Loss
            | Kind::Send
            | Kind::Offer
    )
}

fn is_quantifier(kind: Kind) -> bool {
    matches!(kind, Kind::Any | Kind::All | Kind::Count | Kind::Sum | Kind::Find)
}
