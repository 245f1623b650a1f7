//! What the actions of the grammar call: makes tree nodes and keeps the table of positions.
//!
//! Invariant: a part's table begins where the part before it ended, so its [`At`] numbers count
//! from nought whatever stands around it. An object's own numbers are made last, after its members
//! have taken theirs; nothing of its header is numbered while they are read.
//!
//! Knows nothing of tokens that were dropped or added before the parser.

use lalrpop_util::{ErrorRecovery, ParseError};

use crate::limits::EXPLAINED_MAX;
use crate::sift::Doc;
use crate::token::{Kind, Token};
use crate::tree::{
    At, BinaryOp, Expr, ExprKind, ItemKind, Literal, LiteralKind, MemberKind, Name, Object, Part,
    Span,
};

/// A word of an object's header, not yet numbered.
pub(crate) struct Raw<'t> {
    pub(crate) l: u32,
    pub(crate) text: &'t str,
    pub(crate) r: u32,
}

/// Where the parser could not go on, what it met there and what it would have taken.
pub(crate) struct Loss {
    /// What was given up.
    pub(crate) span: Span,
    /// The token that did not fit; `None` is the end of the file.
    pub(crate) found: Option<(Kind, Span)>,
    /// Whether it ends with a whole block, so that what is wrong after it has a cause of its own.
    pub(crate) is_closed: bool,
    /// The words and marks that would have fitted, as the grammar spells them; empty beyond
    /// [`EXPLAINED_MAX`].
    pub(crate) expected: Vec<String>,
}

/// Makes the nodes of one file.
pub(crate) struct Builder {
    spans: Vec<Span>,
    /// What could not be read, in text order.
    pub(crate) losses: Vec<Loss>,
    /// Doc comments that nothing has taken yet have their text.
    pub(crate) docs: Vec<Doc>,
}

impl Raw<'_> {
    pub(crate) fn missing(at: u32) -> Raw<'static> {
        Raw { l: at, text: "", r: at }
    }
}

impl Loss {
    pub(crate) fn new(span: Span, error: ParseError<u32, Token<'_>, ()>) -> Loss {
        let (found, expected) = match error {
            ParseError::UnrecognizedToken { token: (start, token, end), expected } => {
                (Some((token.0, Span { start, end })), expected)
            }
            ParseError::UnrecognizedEof { expected, .. } => (None, expected),
            ParseError::InvalidToken { .. }
            | ParseError::ExtraToken { .. }
            | ParseError::User { .. } => (None, Vec::new()),
        };
        Loss { span, found, is_closed: false, expected }
    }
}

impl Builder {
    pub(crate) fn new(docs: Vec<Doc>) -> Builder {
        Builder { spans: Vec::new(), losses: Vec::new(), docs }
    }

    pub(crate) fn at(&mut self, l: u32, r: u32) -> At {
        let at =
            At(u32::try_from(self.spans.len()).expect("a part has fewer positions than bytes"));
        self.spans.push(Span { start: l, end: r });
        at
    }

    /// Ends a part: takes all positions since the part before it.
    pub(crate) fn part<T>(&mut self, l: u32, node: T, r: u32) -> Part<T> {
        Part {
            node,
            doc: self.doc(l),
            spans: std::mem::take(&mut self.spans),
            span: Span { start: l, end: r },
        }
    }

    /// Takes the doc comment before the token at `l`.
    pub(crate) fn doc(&mut self, l: u32) -> Option<String> {
        let index = self.docs.binary_search_by_key(&l, |doc| doc.before).ok()?;
        self.docs[index].text.take()
    }

    pub(crate) fn name(&mut self, l: u32, text: &str, r: u32) -> Name {
        Name { text: text.to_owned(), at: self.at(l, r) }
    }

    pub(crate) fn literal(&mut self, l: u32, kind: LiteralKind, text: &str, r: u32) -> Literal {
        Literal { kind, text: text.to_owned(), at: self.at(l, r) }
    }

    pub(crate) fn expr(&mut self, l: u32, kind: ExprKind, r: u32) -> Expr {
        Expr { kind, at: self.at(l, r) }
    }

    pub(crate) fn binary(
        &mut self,
        l: u32,
        left: Expr,
        op: (BinaryOp, At),
        right: Expr,
        r: u32,
    ) -> Expr {
        let (op, op_at) = op;
        self.expr(
            l,
            ExprKind::Binary { op, op_at, left: Box::new(left), right: Box::new(right) },
            r,
        )
    }

    /// Of a header that could not be read, the name and version are empty.
    pub(crate) fn object(
        &mut self,
        name: Raw<'_>,
        was: Option<Raw<'_>>,
        version: Raw<'_>,
        members: Vec<Part<MemberKind>>,
    ) -> Object {
        Object {
            name: self.name(name.l, name.text, name.r),
            was: was.map(|was| self.name(was.l, was.text, was.r)),
            version: self.literal(version.l, LiteralKind::Int, version.text, version.r),
            members,
        }
    }

    /// Members in braces whose owner could not be read are kept, in an object without a name.
    pub(crate) fn stray_members(
        &mut self,
        l: u32,
        members: Vec<Part<MemberKind>>,
        r: u32,
    ) -> ItemKind {
        self.forget_within(l, r);
        self.close_loss();
        if members.iter().all(|member| member.node == MemberKind::Damaged) {
            return ItemKind::Damaged;
        }
        ItemKind::Object(self.object(Raw::missing(l), None, Raw::missing(l), members))
    }

    /// A member of which only the block could be read.
    pub(crate) fn stray_member(&mut self) -> MemberKind {
        self.close_loss();
        MemberKind::Damaged
    }

    fn close_loss(&mut self) {
        if let Some(loss) = self.losses.last_mut() {
            loss.is_closed = true;
        }
    }

    pub(crate) fn lost(&mut self, l: u32, recovery: ErrorRecovery<u32, Token<'_>, ()>, r: u32) {
        let mut loss = Loss::new(Span { start: l, end: r }, recovery.error);
        if self.losses.len() >= EXPLAINED_MAX {
            loss.expected = Vec::new();
        }
        self.losses.push(loss);
    }

    /// Nothing of the text could be kept.
    pub(crate) fn lose_all(&mut self, error: ParseError<u32, Token<'_>, ()>, text: &str) {
        let end = u32::try_from(text.len()).expect("the text is within its limit");
        self.losses.push(Loss::new(Span { start: 0, end }, error));
    }

    /// Forgets the positions of an item that was lost, before members that are kept take theirs.
    pub(crate) fn forget_positions(&mut self) {
        self.spans.clear();
    }

    /// Adds a block without an owner to the loss before it, which caused all losses inside it.
    pub(crate) fn forget_within(&mut self, l: u32, r: u32) {
        while self.losses.last().is_some_and(|loss| loss.span.start >= l) {
            self.losses.pop();
        }
        if let Some(cause) = self.losses.last_mut() {
            cause.span.end = r;
        }
    }
}
