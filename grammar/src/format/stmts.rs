//! Statements and the steps of scenarios to the stream.
//!
//! Invariant: a block of one statement may share its header's line; of several, each has its own.
//!
//! Knows nothing of what a statement does.

use super::stream::{Printer, Wrap};
use crate::token::Kind;
use crate::tree::{
    Block, Call, ElseStmt, Expr, IfStmt, Name, Outcome, PredictForm, Script, Step, StepKind, Stmt,
    StmtKind,
};

impl Printer<'_> {
    /// The statements of a block, after its opening brace.
    pub(super) fn stmts(&mut self, block: &Block, wrap: Wrap) {
        self.block(wrap, &block.stmts, Printer::stmt);
    }

    fn stmt(&mut self, stmt: &Stmt) {
        self.group(|p| match &stmt.kind {
            StmtKind::Let(item) => p.binding(item),
            StmtKind::Set { place, value } => {
                p.lead(Kind::Set);
                p.place(place);
                p.assigned(value);
            }
            StmtKind::Add { value, to, otherwise } => {
                p.lead(Kind::Add);
                p.expr(value);
                p.clause(|p| {
                    p.lead(Kind::To);
                    p.place(to);
                });
                p.else_refuse(otherwise.as_ref());
            }
            StmtKind::Remove { value, from, otherwise } => {
                p.lead(Kind::Remove);
                p.expr(value);
                p.clause(|p| {
                    p.lead(Kind::From);
                    p.place(from);
                });
                p.else_refuse(otherwise.as_ref());
            }
            StmtKind::Emit(call) => {
                p.lead(Kind::Emit);
                p.call(call);
            }
            StmtKind::Predict { holds, form, span, .. } => p.predict(holds, *form, span),
            StmtKind::Tell { key, call, .. } => p.tell(key.as_ref(), call),
            StmtKind::Spawn { key, args, otherwise, .. } => {
                p.lead(Kind::Spawn);
                p.any();
                p.index(key);
                p.args(args);
                p.else_refuse(otherwise.as_ref());
            }
            StmtKind::Close { key, .. } => {
                p.lead(Kind::Close);
                p.any();
                key.iter().for_each(|key| p.index(key));
            }
            StmtKind::Refuse(refuse) => p.refuse(refuse),
            StmtKind::If(item) => p.if_stmt(item),
            StmtKind::Match { subject, arms } => {
                p.header(|p| {
                    p.lead(Kind::Match);
                    p.expr(subject);
                });
                p.block(Wrap::Never, arms, |p, arm| {
                    let header = p.header(|p| {
                        p.head(&arm.head);
                        p.space();
                        p.word(Kind::FatArrow);
                    });
                    p.stmts(&arm.block, Wrap::Own(header));
                });
            }
            StmtKind::Damaged => p.fail("a statement was unreadable"),
        });
    }

    fn predict(&mut self, holds: &Expr, form: PredictForm, span: &Expr) {
        self.lead(Kind::Predict);
        self.any();
        self.lead(Kind::Colon);
        self.expr(holds);
        self.clause(|p| {
            p.lead(match form {
                PredictForm::Within => Kind::Within,
                PredictForm::For => Kind::For,
            });
            p.expr(span);
        });
    }

    fn tell(&mut self, key: Option<&Expr>, call: &Call) {
        self.lead(Kind::Tell);
        self.any();
        key.into_iter().for_each(|key| self.index(key));
        self.word(Kind::Dot);
        self.call(call);
    }

    /// Inside a group that all its blocks share.
    fn if_stmt(&mut self, item: &IfStmt) {
        self.header(|p| {
            p.lead(Kind::If);
            p.expr(&item.cond);
        });
        self.stmts(&item.then, Wrap::Shared);
        if let Some(otherwise) = item.otherwise.as_deref() {
            self.infix(Kind::Else);
            match otherwise {
                ElseStmt::Block(block) => {
                    self.word(Kind::OpenBrace);
                    self.stmts(block, Wrap::Shared);
                }
                ElseStmt::If(next) => self.if_stmt(next),
            }
        }
    }

    /// The steps of a script, after its opening brace.
    pub(super) fn steps(&mut self, script: &Script, wrap: Wrap) {
        self.block(wrap, &script.steps, Printer::step);
    }

    fn step(&mut self, step: &Step) {
        self.group(|p| match &step.kind {
            StepKind::Given(inits) => {
                p.lead(Kind::Given);
                p.given(inits);
            }
            StepKind::People(names) => {
                p.lead(Kind::People);
                p.names(names);
            }
            StepKind::Send { call, from, outcome } => {
                p.lead(Kind::Send);
                p.call(call);
                p.sender(from.as_ref());
                p.outcome(outcome.as_ref());
            }
            StepKind::Approve { from, outcome, .. } => {
                p.lead(Kind::Approve);
                p.any();
                p.sender(Some(from));
                p.outcome(outcome.as_ref());
            }
            StepKind::Offer { place, value } => {
                p.lead(Kind::Offer);
                p.place(place);
                p.assigned(value);
            }
            StepKind::Tick => p.word(Kind::Tick),
            StepKind::Advance(span) => {
                p.lead(Kind::Advance);
                p.expr(span);
            }
            StepKind::Host { gives, names } => {
                p.lead(Kind::Host);
                p.lead(if *gives { Kind::Gives } else { Kind::Takes });
                p.names(names);
            }
            StepKind::Repeat { count, script } => {
                let header = p.header(|p| {
                    p.lead(Kind::Repeat);
                    p.expr(count);
                });
                p.steps(script, Wrap::Own(header));
            }
            StepKind::Expect(holds) => {
                p.lead(Kind::Expect);
                p.expr(holds);
            }
            StepKind::ExpectEmitted { negated, call } => {
                p.lead(Kind::Expect);
                if *negated {
                    p.lead(Kind::Not);
                }
                p.lead(Kind::Emitted);
                p.call(call);
            }
            StepKind::Damaged => p.fail("a step was unreadable"),
        });
    }

    fn given(&mut self, inits: &[(Name, Expr)]) {
        self.braced(inits, |p, (_, value)| {
            p.any();
            p.assigned(value);
        });
    }

    /// `from name`, where there is one.
    pub(super) fn sender(&mut self, from: Option<&Name>) {
        if from.is_some() {
            self.clause(|p| {
                p.lead(Kind::From);
                p.any();
            });
        }
    }

    fn outcome(&mut self, outcome: Option<&Outcome>) {
        match outcome {
            None => {}
            Some(Outcome::Refused(_)) => self.clause(|p| {
                p.lead(Kind::Refused);
                p.any();
            }),
            Some(Outcome::Waits(_)) => self.clause(|p| p.word(Kind::Waits)),
        }
    }
}
