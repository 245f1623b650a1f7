//! Types, expressions and patterns to the stream.
//!
//! Invariant: a run of operators of one level is one group, broken before each of them or nowhere.
//!
//! Knows nothing of what binds tighter: the tree does.

use super::stream::{Blank, Printer, Shape, Wrap};
use crate::token::Kind;
use crate::tree::{
    Args, BinaryOp, Binder, Body, Call, CaseKind, Domain, ElseExpr, Entry, Expr, ExprArm, ExprKind,
    Head, HeadKind, IfExpr, Let, Otherwise, Param, Pattern, Place, PlacePart, Range, Refuse, Type,
    TypeArg, UnitTerm,
};

/// Which operators stand in one run: those that the grammar chains with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Product,
    Sum,
    Compare,
    And,
    Or,
    Implies,
}

fn level(op: BinaryOp) -> Level {
    match op {
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => Level::Product,
        BinaryOp::Add | BinaryOp::Sub => Level::Sum,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            Level::Compare
        }
        BinaryOp::And => Level::And,
        BinaryOp::Or => Level::Or,
        BinaryOp::Implies => Level::Implies,
    }
}

/// Whether nothing in it can be broken.
fn is_solid(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Name(_) => true,
        ExprKind::Upper { args, .. } => args.is_none(),
        ExprKind::Variant { of, args, .. } => args.is_none() && is_solid(of),
        ExprKind::Field { of: inner, .. } | ExprKind::Neg(inner) | ExprKind::Not(inner) => {
            is_solid(inner)
        }
        ExprKind::Call(_)
        | ExprKind::Index { .. }
        | ExprKind::With { .. }
        | ExprKind::Binary { .. }
        | ExprKind::Is { .. }
        | ExprKind::In { .. }
        | ExprKind::Else { .. }
        | ExprKind::Quant { .. }
        | ExprKind::Fold { .. }
        | ExprKind::List(_)
        | ExprKind::Comprehension { .. }
        | ExprKind::If(_)
        | ExprKind::Match { .. }
        | ExprKind::Paren(_)
        | ExprKind::Damaged => false,
    }
}

impl Printer<'_> {
    pub(super) fn param(&mut self, param: &Param) {
        self.any();
        self.lead(Kind::Colon);
        self.ty(&param.ty);
    }

    /// `: Type`, where there is one.
    pub(super) fn of_type(&mut self, ty: Option<&Type>) {
        if let Some(ty) = ty {
            self.lead(Kind::Colon);
            self.ty(ty);
        }
    }

    pub(super) fn ty(&mut self, ty: &Type) {
        self.any();
        if !ty.args.is_empty() {
            self.type_args(&ty.args);
        }
        if ty.optional {
            self.word(Kind::Question);
        }
        if let Some(range) = &ty.range {
            self.infix(Kind::In);
            self.range(range);
        }
    }

    fn type_args(&mut self, args: &[TypeArg]) {
        self.word(Kind::Lt);
        self.group(|p| {
            p.indented(|p| {
                for (index, arg) in args.iter().enumerate() {
                    if index > 0 {
                        p.comma();
                        p.fold();
                    } else {
                        p.line(Shape::Nothing, Blank::Never);
                    }
                    match arg {
                        TypeArg::Type(ty) => p.ty(ty),
                        TypeArg::Int(_) => p.any(),
                        TypeArg::Unit(term) => p.unit_term(term),
                    }
                }
            });
            p.line(Shape::Nothing, Blank::Never);
            p.word(Kind::Gt);
        });
    }

    fn unit_term(&mut self, term: &UnitTerm) {
        self.any();
        for (multiplies, _) in &term.rest {
            self.word(if *multiplies { Kind::Star } else { Kind::Slash });
            self.any();
        }
    }

    pub(super) fn range(&mut self, range: &Range) {
        self.infix_run(
            |p| p.expr(&range.low),
            |p| {
                p.lead(Kind::DotDotEq);
                p.expr(&range.high);
            },
        );
    }

    /// Something, and on a line of its own where the two do not fit, an operator and the rest.
    fn infix_run(&mut self, left: impl FnOnce(&mut Self), right: impl FnOnce(&mut Self)) {
        self.group(|p| {
            p.indented(|p| {
                left(p);
                p.fold();
                right(p);
            });
        });
    }

    pub(super) fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Name(_) => self.any(),
            ExprKind::Upper { args, .. } => {
                self.any();
                args.iter().for_each(|args| self.args(args));
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Field { of, .. } => {
                self.expr(of);
                self.word(Kind::Dot);
                self.any();
            }
            ExprKind::Variant { of, args, .. } => {
                self.expr(of);
                self.word(Kind::Dot);
                self.any();
                args.iter().for_each(|args| self.args(args));
            }
            ExprKind::Index { of, index } => {
                self.expr(of);
                self.index(index);
            }
            ExprKind::With { of, args } => {
                self.expr(of);
                self.infix(Kind::With);
                self.args(args);
            }
            ExprKind::Neg(inner) => {
                self.word(Kind::Minus);
                self.expr(inner);
            }
            ExprKind::Not(inner) => {
                self.lead(Kind::Not);
                self.expr(inner);
            }
            ExprKind::Paren(inner) => {
                self.word(Kind::OpenParen);
                self.expr(inner);
                self.word(Kind::CloseParen);
            }
            ExprKind::Binary { op, .. } => self.binary(level(*op), expr),
            ExprKind::Is { .. } | ExprKind::In { .. } => self.test(expr),
            ExprKind::Else { .. } => self.else_run(expr),
            ExprKind::Quant { .. }
            | ExprKind::Fold { .. }
            | ExprKind::List(_)
            | ExprKind::Comprehension { .. } => self.collection(expr),
            ExprKind::If(item) => self.group(|p| p.if_expr(item)),
            ExprKind::Match { subject, arms } => self.match_expr(subject, arms),
            ExprKind::Damaged => self.fail("an expression was unreadable"),
        }
    }

    /// `= value`. One that cannot be broken itself goes to the next line where it does not fit.
    pub(super) fn assigned(&mut self, value: &Expr) {
        self.space();
        self.word(Kind::Assign);
        if is_solid(value) {
            self.group(|p| p.clause(|p| p.expr(value)));
        } else {
            self.space();
            self.expr(value);
        }
    }

    fn binary(&mut self, run: Level, expr: &Expr) {
        self.group(|p| p.indented(|p| p.operands(run, expr)));
    }

    /// The operands of a run, flat whichever side it grows to.
    fn operands(&mut self, run: Level, expr: &Expr) {
        match &expr.kind {
            ExprKind::Binary { op, left, right, .. } if level(*op) == run => {
                self.operands(run, left);
                self.fold();
                self.any();
                self.space();
                self.operands(run, right);
            }
            ExprKind::Binary { .. }
            | ExprKind::Literal(_)
            | ExprKind::Name(_)
            | ExprKind::Upper { .. }
            | ExprKind::Call(_)
            | ExprKind::Field { .. }
            | ExprKind::Variant { .. }
            | ExprKind::Index { .. }
            | ExprKind::With { .. }
            | ExprKind::Neg(_)
            | ExprKind::Not(_)
            | ExprKind::Is { .. }
            | ExprKind::In { .. }
            | ExprKind::Else { .. }
            | ExprKind::Quant { .. }
            | ExprKind::Fold { .. }
            | ExprKind::List(_)
            | ExprKind::Comprehension { .. }
            | ExprKind::If(_)
            | ExprKind::Match { .. }
            | ExprKind::Paren(_)
            | ExprKind::Damaged => self.expr(expr),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "its caller hands it two kinds of node")]
    fn test(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Is { value, pattern } => self.infix_run(
                |p| p.expr(value),
                |p| {
                    p.lead(Kind::Is);
                    p.pattern(pattern);
                },
            ),
            ExprKind::In { value, negated, domain } => self.infix_run(
                |p| p.expr(value),
                |p| {
                    if *negated {
                        p.lead(Kind::Not);
                    }
                    p.lead(Kind::In);
                    match domain {
                        Domain::Range(range) => p.range(range),
                        Domain::Set(set) => p.expr(set),
                    }
                },
            ),
            _ => self.fail("a test was expected"),
        }
    }

    /// `a else b else refuse c`: one run, since each covers all that follows it.
    fn else_run(&mut self, expr: &Expr) {
        self.group(|p| {
            p.indented(|p| {
                let mut rest = expr;
                while let ExprKind::Else { value, otherwise } = &rest.kind {
                    p.expr(value);
                    p.fold();
                    p.lead(Kind::Else);
                    match otherwise.as_ref() {
                        Otherwise::Expr(other) => rest = other,
                        Otherwise::Refuse(refuse) => return p.refuse(refuse),
                    }
                }
                p.expr(rest);
            });
        });
    }

    pub(super) fn refuse(&mut self, _: &Refuse) {
        self.lead(Kind::Refuse);
        self.any();
    }

    /// `else refuse reason`, on a line of its own where a statement does not fit.
    pub(super) fn else_refuse(&mut self, otherwise: Option<&Refuse>) {
        if let Some(refuse) = otherwise {
            self.clause(|p| {
                p.lead(Kind::Else);
                p.refuse(refuse);
            });
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "its caller hands it four kinds of node")]
    fn collection(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Quant { binder, body, .. } => {
                self.any();
                self.bracketed(|p| p.bound(binder, body));
            }
            ExprKind::Fold { acc, start, binder, body } => {
                self.word(Kind::Fold);
                self.bracketed(|p| {
                    p.param(acc);
                    p.assigned(start);
                    p.comma();
                    p.fold();
                    p.bound(binder, body);
                });
            }
            ExprKind::List(entries) => {
                self.list(Kind::OpenBracket, entries, |p, entry| p.entry(entry));
            }
            ExprKind::Comprehension { entry, binder, filter } => self.bracketed(|p| {
                p.entry(entry);
                p.fold();
                p.lead(Kind::For);
                p.binder(binder);
                if let Some(filter) = filter {
                    p.fold();
                    p.lead(Kind::If);
                    p.expr(filter);
                }
            }),
            _ => self.fail("a collection was expected"),
        }
    }

    /// What stands in brackets and is no comma list.
    fn bracketed(&mut self, within: impl FnOnce(&mut Self)) {
        self.any();
        self.group(|p| {
            p.indented(|p| {
                p.line(Shape::Nothing, Blank::AfterOpener);
                within(p);
            });
            p.line(Shape::Nothing, Blank::BeforeCloser);
            p.any();
        });
    }

    fn bound(&mut self, binder: &Binder, body: &Expr) {
        self.binder(binder);
        self.word(Kind::Colon);
        self.fold();
        self.expr(body);
    }

    fn binder(&mut self, binder: &Binder) {
        self.any();
        if binder.second.is_some() {
            self.comma();
            self.space();
            self.any();
        }
        self.infix(Kind::In);
        self.expr(&binder.within);
    }

    fn entry(&mut self, entry: &Entry) {
        self.expr(&entry.first);
        if let Some(second) = &entry.second {
            self.lead(Kind::Colon);
            self.expr(second);
        }
    }

    pub(super) fn index(&mut self, index: &Expr) {
        self.bracketed(|p| p.expr(index));
    }

    pub(super) fn call(&mut self, call: &Call) {
        self.any();
        self.args(&call.args);
    }

    pub(super) fn args(&mut self, args: &Args) {
        self.list(Kind::OpenParen, &args.args, |p, arg| {
            if arg.label.is_some() {
                p.any();
                p.lead(Kind::Colon);
            }
            p.expr(&arg.value);
        });
    }

    pub(super) fn place(&mut self, place: &Place) {
        self.any();
        for part in &place.parts {
            match part {
                PlacePart::Field(_) => {
                    self.word(Kind::Dot);
                    self.any();
                }
                PlacePart::Index(index) => self.index(index),
            }
        }
    }

    /// Inside a group that all its blocks share.
    fn if_expr(&mut self, item: &IfExpr) {
        self.header(|p| {
            p.lead(Kind::If);
            p.expr(&item.cond);
        });
        self.body(&item.then, Wrap::Shared);
        self.infix(Kind::Else);
        match &item.otherwise {
            ElseExpr::Body(body) => {
                self.word(Kind::OpenBrace);
                self.body(body, Wrap::Shared);
            }
            ElseExpr::If(next) => match &next.kind {
                ExprKind::If(next) => self.if_expr(next),
                ExprKind::Literal(_)
                | ExprKind::Name(_)
                | ExprKind::Upper { .. }
                | ExprKind::Call(_)
                | ExprKind::Field { .. }
                | ExprKind::Variant { .. }
                | ExprKind::Index { .. }
                | ExprKind::With { .. }
                | ExprKind::Neg(_)
                | ExprKind::Not(_)
                | ExprKind::Binary { .. }
                | ExprKind::Is { .. }
                | ExprKind::In { .. }
                | ExprKind::Else { .. }
                | ExprKind::Quant { .. }
                | ExprKind::Fold { .. }
                | ExprKind::List(_)
                | ExprKind::Comprehension { .. }
                | ExprKind::Match { .. }
                | ExprKind::Paren(_)
                | ExprKind::Damaged => self.fail("an `if` was expected"),
            },
        }
    }

    /// The lets and the value of a body, after its opening brace.
    pub(super) fn body(&mut self, body: &Body, wrap: Wrap) {
        self.block_of(wrap, body.lets.len() + 1, |p, index| match body.lets.get(index) {
            Some(item) => p.binding(item),
            None => {
                if !body.lets.is_empty() {
                    p.lead(Kind::Give);
                }
                p.expr(&body.value);
            }
        });
    }

    pub(super) fn binding(&mut self, item: &Let) {
        self.lead(Kind::Let);
        self.any();
        self.of_type(item.ty.as_ref());
        self.assigned(&item.value);
    }

    fn match_expr(&mut self, subject: &Expr, arms: &[ExprArm]) {
        let header = self.header(|p| {
            p.lead(Kind::Match);
            p.expr(subject);
        });
        self.listed(Shape::Space, Some(header), arms, |p, arm| {
            p.head(&arm.head);
            p.infix(Kind::FatArrow);
            p.expr(&arm.value);
        });
    }

    pub(super) fn head(&mut self, head: &Head) {
        match &head.kind {
            HeadKind::Pattern(pattern) => self.pattern(pattern),
            HeadKind::Else => self.word(Kind::Else),
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.group(|p| {
            p.indented(|p| {
                for (index, case) in pattern.cases.iter().enumerate() {
                    if index > 0 {
                        p.fold();
                        p.lead(Kind::Bar);
                    }
                    p.any();
                    match &case.kind {
                        CaseKind::None | CaseKind::Some(None) => {}
                        CaseKind::Some(Some(_)) => p.bracketed(Printer::any),
                        CaseKind::Variant { binders, .. } if binders.is_empty() => {}
                        CaseKind::Variant { binders, .. } => {
                            p.list(Kind::OpenParen, binders, |p, _| p.any());
                        }
                    }
                }
            });
        });
    }
}
