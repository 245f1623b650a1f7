//! Tokens to tokens whose brackets match, so that damage in one part stays there.
//!
//! Invariant: in what comes out every bracket has its partner, `( )` and `[ ]` never reach across a
//! brace, and no token moved. A word that can stand at one depth only closes what is open around
//! it; so does the end of the file. A closer that fits nothing is left out, and a member outside
//! all braces gets a brace before it. Each of these is reported here, at the bracket or member to
//! blame; the tokens added have no width, so the parser's own complaints about them are dropped.
//!
//! Knows nothing of the grammar but the depth of a few words.

use crate::error::{Edit, SyntaxError, SyntaxErrorKind};
use crate::sift::Placed;
use crate::token::{Kind, Token};
use crate::tree::Span;

/// How many open brackets a closer of another kind may skip.
const SKIPPED_MAX: usize = 16;

/// Where a word can stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Outside all braces: it begins an item.
    Item,
    /// Inside one brace: it begins a member of an object.
    Member,
    /// Inside two braces: it begins a clause of a policy.
    Clause,
    /// Directly inside a brace: it begins a statement or step.
    Line,
    Anywhere,
}

/// Tokens whose brackets match.
pub(crate) struct Balanced<'t> {
    pub(crate) tokens: Vec<Placed<'t>>,
    /// What round and square brackets without a partner hold, in text order; none holds another.
    pub(crate) unclosed: Vec<Span>,
}

pub(crate) fn balance<'t>(
    tokens: &[Placed<'t>],
    text: &str,
    errors: &mut Vec<SyntaxError>,
) -> Balanced<'t> {
    let mut balancer = Balancer {
        text,
        lines: (0, 1),
        early: None,
        out: Vec::with_capacity(tokens.len()),
        unclosed: Vec::new(),
        open: Vec::new(),
        braces: Vec::new(),
        item: None,
        errors,
    };
    for (index, &(l, token, r)) in tokens.iter().enumerate() {
        let span = Span { start: l, end: r };
        if is_misused(tokens, index) {
            balancer.errors.push(SyntaxError::reserved(token.1, span));
            balancer.out.push((l, Token(Kind::Unknown, token.1), r));
            continue;
        }
        balancer.heed(token.0, reach(tokens, index), span);
        let token = Token(balancer.placed(token.0), token.1);
        if token.0.is_closer() {
            let member =
                tokens.get(index + 1).map(|(l, token, r)| (token.0, Span { start: *l, end: *r }));
            let member = member.filter(|_| reach(tokens, index + 1) == Reach::Member);
            if !balancer.close(token.0, span, member) {
                continue;
            }
        } else if token.0.is_opener() {
            balancer.push(token.0, span);
        }
        balancer.out.push((l, token, r));
    }
    balancer.close_to(0);
    Balanced { tokens: balancer.out, unclosed: balancer.unclosed }
}

/// Whether a word that begins something stands where only a name can: `field rule: int`. It would
/// make the parser believe that the next part has come.
fn is_misused(tokens: &[Placed<'_>], index: usize) -> bool {
    let kind = tokens[index].1.0;
    let kind_at = |index: usize| tokens.get(index).map(|token| token.1.0);
    let before = index.checked_sub(1).and_then(kind_at);
    let reach = reach(tokens, index);
    let begins_part = matches!(reach, Reach::Item | Reach::Member);
    kind.is_reserved()
        && reach != Reach::Anywhere
        && kind_at(index + 1)
            .is_some_and(|after| follows_a_name(after) || begins_part && after == Kind::OpenParen)
        && before.is_some_and(|before| before == Kind::OpenParen || asks_for_a_name(before))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "of some 170 kinds only these stand at one depth"
)]
fn reach(tokens: &[Placed<'_>], index: usize) -> Reach {
    let kind_at = |index: usize| tokens.get(index).map(|token| token.1.0);
    let Some(kind) = kind_at(index) else {
        return Reach::Anywhere;
    };
    let before = index.checked_sub(1).and_then(kind_at);
    let after = (kind_at(index + 1), kind_at(index + 2));
    match kind {
        Kind::Use
        | Kind::Enum
        | Kind::Const
        | Kind::Fn
        | Kind::Object
        | Kind::Scenario
        | Kind::Property
        | Kind::Module => Reach::Item,
        Kind::Dormant if before == Some(Kind::Else) => Reach::Anywhere,
        Kind::Rule
        | Kind::Field
        | Kind::Derive
        | Kind::Intent
        | Kind::Cycle
        | Kind::Children
        | Kind::Dormant
        | Kind::Ends
        | Kind::Policy
        | Kind::Evolve => Reach::Member,
        Kind::Always | Kind::Hosts | Kind::Retain | Kind::Upgrade => Reach::Clause,
        Kind::Set if before.is_some_and(precedes_a_type) => Reach::Anywhere,
        Kind::Let
        | Kind::Set
        | Kind::Add
        | Kind::Remove
        | Kind::Emit
        | Kind::Predict
        | Kind::Tell
        | Kind::Spawn
        | Kind::Close
        | Kind::Approve
        | Kind::Advance
        | Kind::Expect
        | Kind::Repeat
        | Kind::People
        | Kind::Given => Reach::Line,
        _ if before.is_some_and(may_end_a_part) => soft_reach(kind, after),
        _ => Reach::Anywhere,
    }
}

/// Whether the token begins a part of the file by its shape alone, however damaged the text.
pub(crate) fn begins_part(tokens: &[Placed<'_>], index: usize) -> bool {
    reach(tokens, index) != Reach::Anywhere
}

/// Two names never stand side by side, so what follows a soft word shows what it is.
fn soft_reach(kind: Kind, after: (Option<Kind>, Option<Kind>)) -> Reach {
    let (Some(first), Some(second)) = after else {
        return Reach::Anywhere;
    };
    let names = first == Kind::Lower || first.is_soft();
    let signs = matches!(kind, Kind::Message | Kind::Event);
    if kind == Kind::Role && first == Kind::Lower
        || kind == Kind::Input && names && matches!(second, Kind::Colon | Kind::Was)
        || signs && names && matches!(second, Kind::OpenParen | Kind::Was)
    {
        Reach::Member
    } else if kind == Kind::Limit && names && second == Kind::Colon
        || kind == Kind::Flow && names && second == Kind::OpenBrace
    {
        Reach::Clause
    } else if kind == Kind::Type && first == Kind::Upper && second == Kind::Assign
        || kind == Kind::Record
            && first == Kind::Upper
            && matches!(second, Kind::OpenBrace | Kind::Was)
    {
        Reach::Item
    } else {
        Reach::Anywhere
    }
}

/// Marks that show that the word before them was meant as a name.
pub(crate) fn follows_a_name(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Colon
            | Kind::Comma
            | Kind::CloseParen
            | Kind::CloseBracket
            | Kind::Assign
            | Kind::Dot
    )
}

/// `set` is a type after these and a statement elsewhere.
fn precedes_a_type(kind: Kind) -> bool {
    matches!(kind, Kind::Colon | Kind::Lt | Kind::Comma | Kind::Assign | Kind::Arrow)
}

/// After these a soft word is a name.
fn asks_for_a_name(kind: Kind) -> bool {
    let soft = matches!(
        kind,
        Kind::On
            | Kind::From
            | Kind::Of
            | Kind::By
            | Kind::To
            | Kind::Via
            | Kind::Role
            | Kind::Input
            | Kind::Message
            | Kind::Event
    );
    soft || kind.is_reserved() || matches!(kind, Kind::Comma | Kind::Dot | Kind::Colon)
}

/// Whether a part may end with it or, for a brace, begin after it. After anything else a soft word
/// is an operand.
fn may_end_a_part(kind: Kind) -> bool {
    let ends = matches!(
        kind,
        Kind::Lower
            | Kind::Upper
            | Kind::Int
            | Kind::Decimal
            | Kind::Duration
            | Kind::Time
            | Kind::Hex
            | Kind::Text
            | Kind::True
            | Kind::False
            | Kind::None
            | Kind::Some
            | Kind::Dormant
            | Kind::Question
            | Kind::Gt
            | Kind::OpenBrace
    );
    ends || kind.is_closer() || kind.is_soft() && !asks_for_a_name(kind)
}

struct Open {
    kind: Kind,
    span: Span,
}

/// A `}` that would end an object, though a member follows it. Which of the two is wrong, the end of
/// the object shows: where another `}` ends it, this one closed nothing, and otherwise the member
/// stands outside.
struct Early {
    closer: Span,
    line: usize,
    member: (Kind, Span),
}

struct Balancer<'t, 'e> {
    text: &'e str,
    /// A place in the text, and its line; places are asked for in text order.
    lines: (usize, usize),
    early: Option<Early>,
    out: Vec<Placed<'t>>,
    unclosed: Vec<Span>,
    open: Vec<Open>,
    /// The places of the braces in `open`.
    braces: Vec<usize>,
    /// The word that began the item that is being read.
    item: Option<Kind>,
    errors: &'e mut Vec<SyntaxError>,
}

impl Balancer<'_, '_> {
    /// Closes what a word shows to be open by mistake.
    fn heed(&mut self, kind: Kind, reach: Reach, span: Span) {
        match reach {
            Reach::Item => {
                self.close_to(0);
                self.item = Some(kind);
            }
            Reach::Member => {
                self.close_to(self.inside(1));
                if self.braces.is_empty() {
                    self.open_for(kind, span);
                }
            }
            Reach::Clause => self.close_to(self.inside(2)),
            Reach::Line => self.close_to(self.inside(usize::MAX)),
            Reach::Anywhere => {}
        }
    }

    /// A soft word that begins a part stands at one depth; elsewhere it can only be a name, and must
    /// not tempt the parser to look for such a part when it recovers.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only these soft words begin a part at one depth"
    )]
    fn placed(&self, kind: Kind) -> Kind {
        let depth = match kind {
            Kind::Type | Kind::Unit | Kind::Record => 0,
            Kind::Role | Kind::Input | Kind::Message | Kind::Event => 1,
            Kind::Flow | Kind::Limit | Kind::Trust => 2,
            _ => return kind,
        };
        if self.braces.len() == depth { kind } else { Kind::SoftName }
    }

    /// Closes what stands open inside the partner of a closer, and the partner. `false`: it has
    /// none, or a `member` follows that can only belong to the object that it would end.
    fn close(&mut self, closer: Kind, span: Span, member: Option<(Kind, Span)>) -> bool {
        let partner = if closer == Kind::CloseBrace {
            self.braces.last().copied()
        } else {
            self.partner(closer)
        };
        let ends_object =
            partner == Some(0) && closer == Kind::CloseBrace && self.item == Some(Kind::Object);
        let early = member.filter(|_| ends_object);
        match (partner, early) {
            (Some(index), None) => {
                self.close_to(index + 1);
                self.pop();
                if self.open.is_empty() {
                    self.closed_nothing();
                    self.item = None;
                }
                return true;
            }
            (Some(_), Some(member)) => {
                self.closed_nothing();
                let line = self.line(span.start);
                self.early = Some(Early { closer: span, line, member });
            }
            (None, _) => self.errors.push(SyntaxError::stray(closer, span)),
        }
        false
    }

    /// Says of a `}` before a member that it closed nothing: the object ends later.
    fn closed_nothing(&mut self) {
        if let Some(early) = self.early.take() {
            let error = SyntaxError::stray(Kind::CloseBrace, early.closer);
            self.errors.push(error.with_help("members of the object go on after it"));
        }
    }

    /// The line of a place behind those that were asked for before.
    fn line(&mut self, place: u32) -> usize {
        let (from, line) = self.lines;
        let place = (place as usize).max(from);
        let more = self.text.as_bytes()[from..place].iter().filter(|byte| **byte == b'\n').count();
        self.lines = (place, line + more);
        line + more
    }

    /// The bracket that a `)` or `]` closes. What it would leave open inside is short, or this one
    /// closes nothing: a search through all that is open would not stay linear.
    fn partner(&self, closer: Kind) -> Option<usize> {
        let floor = self.inside(usize::MAX).max(self.open.len().saturating_sub(SKIPPED_MAX));
        let found = self.open[floor..].iter().rposition(|open| closer_of(open.kind) == closer);
        found.map(|index| floor + index)
    }

    fn push(&mut self, kind: Kind, span: Span) {
        if kind == Kind::OpenBrace {
            self.braces.push(self.open.len());
        }
        self.open.push(Open { kind, span });
    }

    fn pop(&mut self) -> Option<Open> {
        let open = self.open.pop()?;
        if open.kind == Kind::OpenBrace {
            self.braces.pop();
        }
        Some(open)
    }

    /// How many brackets are open up to and with the innermost brace that is at most so deep.
    fn inside(&self, depth: usize) -> usize {
        let braces = &self.braces[..depth.min(self.braces.len())];
        braces.last().map_or(0, |index| index + 1)
    }

    /// Closes all but so many brackets. Of those the outermost brace and the outermost other bracket
    /// are reported: the rest have their cause.
    fn close_to(&mut self, depth: usize) {
        let end = self.out.last().map_or(0, |last| last.2);
        let (mut brace, mut inner) = (None, None);
        while self.open.len() > depth {
            let open = self.pop().expect("more brackets are open than shall remain");
            let closer = closer_of(open.kind);
            self.out.push((end, Token(closer, closer.text()), end));
            if open.span.start == open.span.end {
                continue;
            }
            if self.open.is_empty()
                && let Some(early) = self.early.take()
            {
                self.errors.push(SyntaxError::outside(early.member, early.closer, early.line));
                continue;
            }
            let error = Some(SyntaxError::unclosed(open.kind, closer, open.span, end));
            *(if open.kind == Kind::OpenBrace { &mut brace } else { &mut inner }) = error;
        }
        if let Some(error) = &inner {
            let held = Span { start: error.span.start, end };
            self.unclosed.truncate(self.unclosed.partition_point(|other| other.end <= held.start));
            self.unclosed.push(held);
        }
        self.errors.extend(brace.into_iter().chain(inner));
        if self.open.is_empty() {
            self.closed_nothing();
        }
    }

    /// Opens a brace before a member that stands outside all braces.
    fn open_for(&mut self, member: Kind, span: Span) {
        let end = self.out.last().map_or(span.start, |last| last.2);
        let nowhere = Span { start: end, end };
        self.out.push((end, Token(Kind::OpenBrace, "{"), end));
        self.push(Kind::OpenBrace, nowhere);
        self.errors.push(if self.item == Some(Kind::Object) {
            SyntaxError::new(
                SyntaxErrorKind::MissingBrace,
                span,
                "the object's `{` is missing before its first member",
            )
            .with_fix(Edit { span: nowhere, text: " {".to_owned() })
        } else {
            let message = format!("`{}` stands outside every object", member.text());
            SyntaxError::new(SyntaxErrorKind::OutsideObject, span, message)
        });
        self.item = Some(Kind::Object);
    }
}

fn closer_of(opener: Kind) -> Kind {
    if opener == Kind::OpenParen {
        Kind::CloseParen
    } else if opener == Kind::OpenBracket {
        Kind::CloseBracket
    } else {
        Kind::CloseBrace
    }
}
