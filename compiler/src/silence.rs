//! What follows from text that could not be read, and is therefore not said: one cause, one error.
//!
//! A part with an error of its syntax may mean something other than its tree, and a name that is
//! not known may be declared in text that was lost. Knows no types.

use crate::codes::Code;
use crate::diagnostic::{PartId, Problem};
use aqo_grammar::token::lex;
use aqo_grammar::tree::{File, ItemKind, MemberKind, Object, Span};
use aqo_grammar::{Parse, SyntaxErrorKind};
use std::collections::BTreeSet;

/// The parts of a file that could not be read as they were meant.
#[derive(Default)]
pub(crate) struct Unread<'t> {
    parts: BTreeSet<PartId>,
    words: BTreeSet<&'t str>,
}

impl<'t> Unread<'t> {
    /// Finds them.
    pub(crate) fn of(parse: &Parse, text: &'t str) -> Unread<'t> {
        let mut unread = Unread::default();
        let guilty = parse.errors.iter().filter(|error| !keeps_meaning(error.kind));
        for error in guilty {
            unread.parts.extend(part_at(&parse.file, error.span));
        }
        for (index, item) in parse.file.items.iter().enumerate() {
            let id = PartId { item: index, member: None };
            match &item.node {
                ItemKind::Damaged => unread.lose(id, item.span, text),
                ItemKind::Object(object) => unread.members(id, object, item.span, text),
                ItemKind::Use(_)
                | ItemKind::Unit(_)
                | ItemKind::Alias(_)
                | ItemKind::Enum(_)
                | ItemKind::Record(_)
                | ItemKind::Const(_)
                | ItemKind::Fn(_)
                | ItemKind::Scenario(_)
                | ItemKind::Property(_) => {
                    if unread.parts.contains(&id) {
                        unread.lose(id, item.span, text);
                    }
                }
            }
        }
        unread
    }

    fn members(&mut self, id: PartId, object: &Object, span: Span, text: &'t str) {
        if object.name.text.is_empty() {
            let end = object.members.first().map_or(span.end, |member| member.span.start);
            self.lose(id, Span { end, ..span }, text);
        }
        for (member, part) in object.members.iter().enumerate() {
            let id = PartId { member: Some(member), ..id };
            if part.node == MemberKind::Damaged || self.parts.contains(&id) {
                self.lose(id, part.span, text);
            }
        }
    }

    fn lose(&mut self, part: PartId, span: Span, text: &'t str) {
        self.parts.insert(part);
        let lost = span.of(text);
        self.words.extend(lex(lost).lexemes.into_iter().map(|lexeme| lexeme.span.of(lost)));
    }

    /// Whether a problem, which stands at `name`, follows from what could not be read.
    pub(crate) fn explains(&self, problem: &Problem, name: &str) -> bool {
        let is_unknown = matches!(
            problem.code,
            Code::UnknownName | Code::UnknownType | Code::UnknownVariant | Code::UnknownUnit
        );
        let by_absence = (is_unknown && self.words.contains(name))
            || (problem.code == Code::NeverHappens && !self.parts.is_empty());
        let other_party = problem.related.iter().any(|(at, _)| self.parts.contains(&at.part));
        by_absence || other_party || self.parts.contains(&problem.at.part)
    }
}

/// The part that a position belongs to.
fn part_at(file: &File, span: Span) -> Option<PartId> {
    let holds = |part: Span| part.start <= span.start && span.start <= part.end;
    let (item, part) = file.items.iter().enumerate().find(|(_, part)| holds(part.span))?;
    let member = match &part.node {
        ItemKind::Object(object) => object.members.iter().position(|member| holds(member.span)),
        ItemKind::Use(_)
        | ItemKind::Unit(_)
        | ItemKind::Alias(_)
        | ItemKind::Enum(_)
        | ItemKind::Record(_)
        | ItemKind::Const(_)
        | ItemKind::Fn(_)
        | ItemKind::Scenario(_)
        | ItemKind::Property(_)
        | ItemKind::Damaged => None,
    };
    Some(PartId { item, member })
}

/// Whether the tree is, all the same, what was meant.
fn keeps_meaning(kind: SyntaxErrorKind) -> bool {
    match kind {
        SyntaxErrorKind::BidiControl
        | SyntaxErrorKind::ForeignOperator
        | SyntaxErrorKind::Semicolon
        | SyntaxErrorKind::MissingBrace
        | SyntaxErrorKind::MissingColon
        | SyntaxErrorKind::GluedMarks
        | SyntaxErrorKind::TooManyErrors
        | SyntaxErrorKind::LooseDoc => true,
        SyntaxErrorKind::UnknownText
        | SyntaxErrorKind::BadName
        | SyntaxErrorKind::BadNumber
        | SyntaxErrorKind::BadTime
        | SyntaxErrorKind::OpenText
        | SyntaxErrorKind::BadEscape
        | SyntaxErrorKind::TextTooLong
        | SyntaxErrorKind::Unexpected
        | SyntaxErrorKind::Unclosed
        | SyntaxErrorKind::StrayCloser
        | SyntaxErrorKind::OutsideObject
        | SyntaxErrorKind::TooDeep
        | SyntaxErrorKind::MissingModule
        | SyntaxErrorKind::ReservedWord
        | SyntaxErrorKind::MixedAndOr
        | SyntaxErrorKind::ChainedComparison
        | SyntaxErrorKind::AssignOrEqual
        | SyntaxErrorKind::IsThenOr
        | SyntaxErrorKind::BarAfterEqual
        | SyntaxErrorKind::IsNotNone
        | SyntaxErrorKind::ElseBeforeComparison
        | SyntaxErrorKind::SoftFunction
        | SyntaxErrorKind::WrongCase
        | SyntaxErrorKind::RefuseOutsideRule => false,
    }
}
