//! Tokens with matching brackets to tokens whose tree is shallow.
//!
//! Invariant: the tree of what comes out is nowhere deeper than a small multiple of [`DEPTH_MAX`],
//! so nobody who recurses over it can run out of stack. Depth is counted without a grammar: each
//! open bracket is one, and each operator in the run of operands that the bracket holds is one more,
//! until a comma or a word that no expression holds ends the run. What lies deeper is left out, one
//! unreadable token stands for it, and one error tells.
//!
//! Knows nothing of what the operators mean or how they group.

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::limits::DEPTH_MAX;
use crate::sift::Placed;
use crate::token::{Kind, Token};
use crate::tree::Span;

/// What an open bracket holds so far.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators since the run began.
    operators: u32,
    /// `<` without its `>`: a comma does not end what they hold.
    angles: u32,
}

/// How a token changes the depth.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Opener,
    Closer,
    Operator,
    Less,
    Greater,
    Comma,
    /// A name, literal or word that begins an operand.
    Operand,
    /// A word that no expression holds: what follows is a sibling of what came before.
    Divider,
    Other,
}

pub(crate) fn limit_depth<'t>(
    tokens: Vec<Placed<'t>>,
    errors: &mut Vec<SyntaxError>,
) -> Vec<Placed<'t>> {
    let mut gauge = Gauge {
        outer: Vec::new(),
        here: Level::default(),
        depth: 0,
        muted_at: None,
        after_operand: false,
    };
    let mut out = Vec::with_capacity(tokens.len());
    for (l, token, r) in tokens {
        let was_muted = gauge.muted_at.is_some();
        gauge.read(token.0);
        if gauge.muted_at.is_none() {
            out.push((l, token, r));
        } else if !was_muted {
            out.push((l, Token(Kind::Unknown, ""), r));
            errors.push(
                SyntaxError::new(
                    SyntaxErrorKind::TooDeep,
                    Span { start: l, end: r },
                    format!("this is nested more than {DEPTH_MAX} deep"),
                )
                .with_help("give parts of it a name with `let`, `derive` or `fn`"),
            );
        }
    }
    out
}

struct Gauge {
    outer: Vec<Level>,
    here: Level,
    /// The sum over all levels.
    depth: u32,
    /// The number of open brackets around the text that is left out.
    muted_at: Option<usize>,
    after_operand: bool,
}

impl Gauge {
    fn read(&mut self, kind: Kind) {
        let role = role(kind);
        let begins_sibling = role == Role::Divider || (role == Role::Operand && self.after_operand);
        match role {
            Role::Opener => {
                // `a[i][j]…` and `f(x)[i]…` deepen to the left, each by its own bracket.
                if self.after_operand && kind != Kind::OpenBrace {
                    self.deepen(|level| &mut level.operators);
                }
                self.outer.push(std::mem::take(&mut self.here));
                self.depth += 1;
            }
            Role::Closer => self.close(),
            Role::Operator => self.deepen(|level| &mut level.operators),
            Role::Less => self.deepen(|level| &mut level.angles),
            Role::Greater if self.here.angles > 0 => {
                self.here.angles -= 1;
                self.depth -= 1;
            }
            Role::Greater => self.deepen(|level| &mut level.operators),
            Role::Comma => self.end_run(false),
            Role::Operand | Role::Divider if begins_sibling => self.end_run(true),
            Role::Operand | Role::Divider | Role::Other => {}
        }
        let begins_only = matches!(kind, Kind::If | Kind::Match | Kind::Fold);
        self.after_operand =
            role == Role::Closer || kind == Kind::Question || role == Role::Operand && !begins_only;
        if self.depth > DEPTH_MAX && self.muted_at.is_none() {
            let inside = usize::from(role == Role::Opener);
            self.muted_at = Some(self.outer.len() - inside);
        }
    }

    fn deepen(&mut self, count: impl FnOnce(&mut Level) -> &mut u32) {
        *count(&mut self.here) += 1;
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= self.here.operators + self.here.angles;
        if let Some(outer) = self.outer.pop() {
            self.here = outer;
            self.depth -= 1;
        }
        if self.muted_at.is_some_and(|depth| self.outer.len() < depth) {
            self.muted_at = None;
        }
    }

    fn end_run(&mut self, with_angles: bool) {
        self.depth -= self.here.operators;
        self.here.operators = 0;
        if with_angles {
            self.depth -= self.here.angles;
            self.here.angles = 0;
        }
        if self.muted_at == Some(self.outer.len()) && self.depth <= DEPTH_MAX {
            self.muted_at = None;
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the marks that are left do not change the depth"
)]
fn role(kind: Kind) -> Role {
    match kind {
        opener if opener.is_opener() => Role::Opener,
        closer if closer.is_closer() => Role::Closer,
        Kind::Lt => Role::Less,
        Kind::Gt => Role::Greater,
        Kind::Comma => Role::Comma,
        Kind::And
        | Kind::Or
        | Kind::Implies
        | Kind::Else
        | Kind::Not
        | Kind::In
        | Kind::Is
        | Kind::With
        | Kind::Dot
        | Kind::DotDotEq
        | Kind::Eq
        | Kind::Ne
        | Kind::Le
        | Kind::Ge
        | Kind::Plus
        | Kind::Minus
        | Kind::Star
        | Kind::Slash
        | Kind::Percent => Role::Operator,
        Kind::True
        | Kind::False
        | Kind::None
        | Kind::Some
        | Kind::Fold
        | Kind::If
        | Kind::Match
        | Kind::Set
        | Kind::Lower
        | Kind::Upper
        | Kind::Int
        | Kind::Decimal
        | Kind::Duration
        | Kind::Time
        | Kind::Hex
        | Kind::Text => Role::Operand,
        soft if soft.is_soft() => Role::Operand,
        word if word.is_reserved() => Role::Divider,
        _ => Role::Other,
    }
}
