//! What parses and is wrong all the same, as far as the tree alone shows it.
//!
//! Invariant: what is an error here is one whatever the names in it mean. The rest is left to the
//! checker: whether a call in `expect` is an event or a function, whether `else` before a comparison
//! of names gives the bool that it reads as, which words a schedule or a score takes.
//!
//! Sees trees, never tokens: what does not parse is told by `explain.rs`.

use crate::builder::Builder;
use crate::error::{Edit, SyntaxError, SyntaxErrorKind};
use crate::sift::Placed;
use crate::token::Kind;
use crate::tree::{
    BinaryOp, Expr, ExprKind, File, ItemKind, LiteralKind, MemberKind, Otherwise, Part, Span,
};
use crate::walk::Walk;

pub(crate) fn judge(file: &File, text: &str, errors: &mut Vec<SyntaxError>) {
    for item in &file.items {
        let mut walk = Walk::default();
        walk.item(&item.node);
        judge_exprs(item, &walk, Body::Other, text, errors);
        if let ItemKind::Object(object) = &item.node {
            for member in &object.members {
                judge_member(member, text, errors);
            }
        }
    }
}

/// Warns of doc comments that nothing took, but for those of text that was not read.
pub(crate) fn judge_docs(builder: &Builder, errors: &mut Vec<SyntaxError>) {
    let mut unread = builder.losses.iter().map(|loss| loss.span).peekable();
    let mut unread_to = 0;
    for doc in builder.docs.iter().filter(|doc| doc.text.is_some()) {
        while let Some(span) = unread.next_if(|span| span.start <= doc.before) {
            unread_to = unread_to.max(span.end);
        }
        if doc.before >= unread_to {
            let message = "this `///` describes nothing";
            errors.push(SyntaxError::new(SyntaxErrorKind::LooseDoc, doc.span, message).with_help(
                "`///` stands before an item, a member, a clause, a variant or a record's \
                     field; write `//` elsewhere",
            ));
        }
    }
}

/// A file begins by saying which module it is.
pub(crate) fn judge_module(tokens: &[Placed<'_>], errors: &mut Vec<SyntaxError>) {
    if tokens.first().is_some_and(|token| token.1.0 == Kind::Module) {
        return;
    }
    let start = tokens.first().map_or(0, |token| token.0);
    if errors.iter().any(|error| error.span.start == start) {
        return;
    }
    let span = Span { start, end: start };
    errors.push(
        SyntaxError::new(
            SyntaxErrorKind::MissingModule,
            span,
            "the file does not say which module it is",
        )
        .with_help("begin with a line such as `module edge.thermostat`"),
    );
}

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    OfRule,
    Other,
}

fn judge_member(member: &Part<MemberKind>, text: &str, errors: &mut Vec<SyntaxError>) {
    let mut walk = Walk::default();
    walk.member(&member.node);
    judge_exprs(member, &walk, Body::Other, text, errors);
    if let MemberKind::Rule(rule) = &member.node {
        let mut walk = Walk::default();
        walk.act(&rule.act);
        judge_exprs(member, &walk, Body::OfRule, text, errors);
    }
}

fn judge_exprs<T>(
    part: &Part<T>,
    walk: &Walk<'_>,
    body: Body,
    text: &str,
    errors: &mut Vec<SyntaxError>,
) {
    for expr in &walk.exprs {
        if let ExprKind::Binary { op: BinaryOp::Or, op_at, left, right } = &expr.kind {
            errors.extend(or_between_cases(part, left, part.span(*op_at), right));
        }
        if let ExprKind::Else { value, otherwise } = &expr.kind {
            errors.extend(match otherwise.as_ref() {
                Otherwise::Expr(other) => else_before_comparison(part, value, other, text),
                Otherwise::Refuse(refuse) if body == Body::Other => {
                    Some(refuse_outside_rule(part.span(refuse.at)))
                }
                Otherwise::Refuse(_) => None,
            });
        }
    }
}

fn refuse_outside_rule(span: Span) -> SyntaxError {
    let message = "only what a rule does can be refused";
    SyntaxError::new(SyntaxErrorKind::RefuseOutsideRule, span, message)
        .with_help("give a value after `else`, or move this into the rule's braces")
}

/// `x is A or B`, `x == A or B`: `B` is no condition.
fn or_between_cases<T>(part: &Part<T>, left: &Expr, or: Span, right: &Expr) -> Option<SyntaxError> {
    let ExprKind::Upper { name, args: None } = &right.kind else {
        return None;
    };
    let error = SyntaxError::new(
        SyntaxErrorKind::IsThenOr,
        part.span(right.at),
        format!("`{}` is no condition", name.text),
    )
    .with_help(format!("write `x is A | {}`", name.text));
    if let ExprKind::Is { .. } = &left.kind {
        return Some(error.with_fix(Edit { span: or, text: "|".to_owned() }));
    }
    matches!(left.kind, ExprKind::Binary { op: BinaryOp::Eq, .. }).then_some(error)
}

/// `room else 125.00 > 35.00`: a comparison that begins with a number is not what was meant.
fn else_before_comparison<T>(
    part: &Part<T>,
    value: &Expr,
    other: &Expr,
    text: &str,
) -> Option<SyntaxError> {
    let ExprKind::Binary { op, left, .. } = &other.kind else {
        return None;
    };
    let compares = matches!(
        op,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge
    );
    if !compares || !is_number(left) {
        return None;
    }
    let span = Span { start: part.span(last_operand(value).at).start, end: part.span(left.at).end };
    let meant = format!("({})", span.of(text));
    Some(
        SyntaxError::new(
            SyntaxErrorKind::ElseBeforeComparison,
            part.span(other.at),
            "`else` reaches over this whole comparison",
        )
        .with_help(format!("write `{}`", crate::error::shown(&meant)))
        .with_fix(Edit { span, text: meant }),
    )
}

fn is_number(expr: &Expr) -> bool {
    let expr = if let ExprKind::Neg(inner) = &expr.kind { inner } else { expr };
    let ExprKind::Literal(literal) = &expr.kind else {
        return false;
    };
    matches!(literal.kind, LiteralKind::Int | LiteralKind::Decimal | LiteralKind::Duration)
}

/// The last of the conditions that `and`, `or` and `implies` join.
fn last_operand(expr: &Expr) -> &Expr {
    if let ExprKind::Binary {
        op: BinaryOp::And | BinaryOp::Or | BinaryOp::Implies, right, ..
    } = &expr.kind
    {
        return last_operand(right);
    }
    expr
}
