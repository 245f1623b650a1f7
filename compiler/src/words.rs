//! The words that a rule's body brings with it: reasons of its refusals and names of its
//! predictions, in text order.
//!
//! Invariant: finds each `refuse` that the checker meets, wherever it stands. Knows no types.

use aqo_grammar::tree::{
    self, Block, Domain, ElseStmt, ExprKind, Name, Otherwise, PlacePart, Refuse, StmtKind,
};

/// The reasons and predictions in a body, in text order.
#[derive(Default)]
pub(crate) struct Words<'w> {
    /// Own reasons, each as often as it is said.
    pub(crate) reasons: Vec<&'w Refuse>,
    /// Names of predictions.
    pub(crate) predictions: Vec<&'w Name>,
}

impl<'w> Words<'w> {
    pub(crate) fn block(&mut self, block: &'w Block) {
        for stmt in &block.stmts {
            match &stmt.kind {
                StmtKind::Let(stmt) => self.expr(&stmt.value),
                StmtKind::Set { place, value } => {
                    self.place(place);
                    self.expr(value);
                }
                StmtKind::Add { value, to: place, otherwise }
                | StmtKind::Remove { value, from: place, otherwise } => {
                    self.expr(value);
                    self.place(place);
                    self.reasons.extend(otherwise);
                }
                StmtKind::Emit(call) => self.args(&call.args),
                StmtKind::Predict { name, .. } => self.predictions.push(name),
                StmtKind::Refuse(refuse) => self.reasons.push(refuse),
                StmtKind::If(stmt) => self.if_stmt(stmt),
                StmtKind::Match { subject, arms } => {
                    self.expr(subject);
                    arms.iter().for_each(|arm| self.block(&arm.block));
                }
                StmtKind::Tell { .. }
                | StmtKind::Spawn { .. }
                | StmtKind::Close { .. }
                | StmtKind::Damaged => {}
            }
        }
    }

    fn if_stmt(&mut self, stmt: &'w tree::IfStmt) {
        self.expr(&stmt.cond);
        self.block(&stmt.then);
        match stmt.otherwise.as_deref() {
            Some(ElseStmt::Block(block)) => self.block(block),
            Some(ElseStmt::If(stmt)) => self.if_stmt(stmt),
            None => {}
        }
    }

    /// `else refuse`, which stands outermost or in parentheses and branches.
    fn expr(&mut self, expr: &'w tree::Expr) {
        match &expr.kind {
            ExprKind::Else { value, otherwise } => {
                self.expr(value);
                match &**otherwise {
                    Otherwise::Refuse(refuse) => self.reasons.push(refuse),
                    Otherwise::Expr(expr) => self.expr(expr),
                }
            }
            ExprKind::Paren(inner) | ExprKind::Neg(inner) | ExprKind::Not(inner) => {
                self.expr(inner)
            }
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Call(call) => self.args(&call.args),
            ExprKind::If(choice) => {
                self.expr(&choice.cond);
                self.body(&choice.then);
                match &choice.otherwise {
                    tree::ElseExpr::Body(body) => self.body(body),
                    tree::ElseExpr::If(expr) => self.expr(expr),
                }
            }
            ExprKind::Match { subject, arms } => {
                self.expr(subject);
                arms.iter().for_each(|arm| self.expr(&arm.value));
            }
            ExprKind::Is { value, .. } => self.expr(value),
            ExprKind::In { value, domain, .. } => {
                self.expr(value);
                self.domain(domain);
            }
            ExprKind::Field { of, .. } => self.expr(of),
            ExprKind::Upper { args, .. } | ExprKind::Variant { args, .. } => {
                args.iter().for_each(|args| self.args(args));
            }
            ExprKind::With { of, args } => {
                self.expr(of);
                self.args(args);
            }
            ExprKind::Index { of, index } => {
                self.expr(of);
                self.expr(index);
            }
            ExprKind::Quant { binder, body, .. } => {
                self.expr(&binder.within);
                self.expr(body);
            }
            ExprKind::Fold { start, binder, body, .. } => {
                self.expr(start);
                self.expr(&binder.within);
                self.expr(body);
            }
            ExprKind::List(entries) => entries.iter().for_each(|entry| self.entry(entry)),
            ExprKind::Comprehension { entry, binder, filter } => {
                self.entry(entry);
                self.expr(&binder.within);
                filter.iter().for_each(|filter| self.expr(filter));
            }
            ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Damaged => {}
        }
    }

    fn domain(&mut self, domain: &'w Domain) {
        match domain {
            Domain::Set(whole) => self.expr(whole),
            Domain::Range(range) => {
                self.expr(&range.low);
                self.expr(&range.high);
            }
        }
    }

    fn args(&mut self, args: &'w tree::Args) {
        args.args.iter().for_each(|arg| self.expr(&arg.value));
    }

    fn entry(&mut self, entry: &'w tree::Entry) {
        self.expr(&entry.first);
        entry.second.iter().for_each(|second| self.expr(second));
    }

    fn place(&mut self, place: &'w tree::Place) {
        for part in &place.parts {
            match part {
                PlacePart::Index(index) => self.expr(index),
                PlacePart::Field(_) => {}
            }
        }
    }

    fn body(&mut self, body: &'w tree::Body) {
        body.lets.iter().for_each(|stmt| self.expr(&stmt.value));
        self.expr(&body.value);
    }
}
