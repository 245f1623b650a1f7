//! A part of a tree to all its expressions.
//!
//! Invariant: every expression of the part is given exactly once, the outer before the inner. The
//! tree is shallow, so this recurses.
//!
//! Knows nothing of what the expressions are looked at for.

use crate::tree::{
    Act, Args, Binder, Block, Body, Change, Clause, ClauseKind, Demand, Domain, ElseExpr, ElseStmt,
    Entry, Expr, ExprKind, IfExpr, IfStmt, ItemKind, Let, MemberKind, Otherwise, Param, Place,
    PlacePart, Range, Schedule, Score, Script, Sig, Step, StepKind, Stmt, StmtKind, Type, TypeArg,
};

/// Collects expressions.
#[derive(Default)]
pub(crate) struct Walk<'t> {
    pub(crate) exprs: Vec<&'t Expr>,
}

impl<'t> Walk<'t> {
    /// All of an item but an object's members, which are parts of their own.
    pub(crate) fn item(&mut self, item: &'t ItemKind) {
        match item {
            ItemKind::Use(_) | ItemKind::Unit(_) | ItemKind::Object(_) | ItemKind::Damaged => {}
            ItemKind::Alias(alias) => self.ty(&alias.ty),
            ItemKind::Enum(item) => {
                item.variants.iter().for_each(|variant| self.params(&variant.params))
            }
            ItemKind::Record(item) => item.fields.iter().for_each(|field| self.ty(&field.ty)),
            ItemKind::Const(item) => {
                self.param(&item.param);
                self.expr(&item.value);
            }
            ItemKind::Fn(item) => {
                self.params(&item.params);
                self.ty(&item.result);
                self.body(&item.body);
            }
            ItemKind::Scenario(item) => self.script(&item.script),
            ItemKind::Property(item) => {
                self.params(&item.params);
                self.script(&item.script);
            }
        }
    }

    /// All of a member but what a rule does, which [`act`](Walk::act) gives.
    pub(crate) fn member(&mut self, member: &'t MemberKind) {
        match member {
            MemberKind::Intent(_) | MemberKind::Role(_) | MemberKind::Damaged => {}
            MemberKind::Field(field) => {
                self.param(&field.param);
                self.each(&field.default);
            }
            MemberKind::Derive(derive) => {
                self.param(&derive.param);
                self.expr(&derive.value);
            }
            MemberKind::Input(input) => {
                self.ty(&input.ty);
                self.each(&input.fresh);
            }
            MemberKind::Message(message) => {
                self.sig(&message.sig);
                self.each(&message.waits);
            }
            MemberKind::Event(event) => {
                self.sig(&event.sig);
                self.each(&event.expires);
            }
            MemberKind::Cycle(cycle) => self.schedule(&cycle.schedule),
            MemberKind::Pause(pause) => self.expr(&pause.when),
            MemberKind::Children(children) => self.ty(&children.ty),
            MemberKind::Rule(rule) => {
                self.each(&rule.when);
                rule.needs.iter().for_each(|demand| self.demand(demand));
            }
            MemberKind::Policy(policy) => {
                policy.clauses.iter().for_each(|clause| self.clause(clause))
            }
            MemberKind::Evolve(evolve) => evolve.changes.iter().for_each(|change| match change {
                Change::Set { value, .. } => self.expr(value),
                Change::Discard(_) => {}
            }),
        }
    }

    pub(crate) fn act(&mut self, act: &'t Act) {
        match act {
            Act::Block(block) => self.block(block),
            Act::Refuse(_) | Act::Damaged => {}
        }
    }

    fn schedule(&mut self, schedule: &'t Schedule) {
        match schedule {
            Schedule::Every { period, most } => {
                self.expr(period);
                self.each(most);
            }
            Schedule::Daily { at_time } => self.expr(at_time),
            Schedule::Monthly { day, at_time } => {
                self.expr(day);
                self.expr(at_time);
            }
            Schedule::On(_) => {}
        }
    }

    fn clause(&mut self, clause: &'t Clause) {
        match &clause.kind {
            ClauseKind::Flow { .. } | ClauseKind::Hosts { .. } | ClauseKind::Damaged => {}
            ClauseKind::Always { holds, .. } => self.expr(holds),
            ClauseKind::Limit { quotas, per, .. } => {
                quotas.iter().for_each(|quota| self.expr(&quota.amount));
                self.expr(per);
            }
            ClauseKind::Trust(scores) => scores.iter().for_each(|score| match score {
                Score::Gain { amount, .. } | Score::Loss { amount, .. } => self.expr(amount),
                Score::Setting { value, .. } => self.expr(value),
                Score::Damaged => {}
            }),
            ClauseKind::Retain(duration) => self.expr(duration),
            ClauseKind::Upgrade(demand) => self.demand(demand),
        }
    }

    fn demand(&mut self, demand: &'t Demand) {
        self.expr(&demand.expr);
        if let Some(quorum) = &demand.quorum {
            self.expr(&quorum.within);
        }
    }

    fn sig(&mut self, sig: &'t Sig) {
        self.params(&sig.params);
    }

    fn params(&mut self, params: &'t [Param]) {
        params.iter().for_each(|param| self.param(param));
    }

    fn param(&mut self, param: &'t Param) {
        self.ty(&param.ty);
    }

    fn ty(&mut self, ty: &'t Type) {
        ty.args.iter().for_each(|arg| match arg {
            TypeArg::Type(ty) => self.ty(ty),
            TypeArg::Int(_) | TypeArg::Unit(_) => {}
        });
        if let Some(range) = &ty.range {
            self.range(range);
        }
    }

    fn range(&mut self, range: &'t Range) {
        self.expr(&range.low);
        self.expr(&range.high);
    }

    fn block(&mut self, block: &'t Block) {
        block.stmts.iter().for_each(|stmt| self.stmt(stmt));
    }

    fn stmt(&mut self, stmt: &'t Stmt) {
        match &stmt.kind {
            StmtKind::Let(item) => self.binding(item),
            StmtKind::Set { place, value }
            | StmtKind::Add { value, to: place, .. }
            | StmtKind::Remove { value, from: place, .. } => {
                self.place(place);
                self.expr(value);
            }
            StmtKind::Emit(call) => self.args(&call.args),
            StmtKind::Predict { holds, span, .. } => {
                self.expr(holds);
                self.expr(span);
            }
            StmtKind::Tell { key, call, .. } => {
                self.each(key);
                self.args(&call.args);
            }
            StmtKind::Spawn { key, args, .. } => {
                self.expr(key);
                self.args(args);
            }
            StmtKind::Close { key, .. } => self.each(key),
            StmtKind::Refuse(_) | StmtKind::Damaged => {}
            StmtKind::If(item) => self.if_stmt(item),
            StmtKind::Match { subject, arms } => {
                self.expr(subject);
                arms.iter().for_each(|arm| self.block(&arm.block));
            }
        }
    }

    fn if_stmt(&mut self, item: &'t IfStmt) {
        self.expr(&item.cond);
        self.block(&item.then);
        match item.otherwise.as_deref() {
            Some(ElseStmt::Block(block)) => self.block(block),
            Some(ElseStmt::If(next)) => self.if_stmt(next),
            None => {}
        }
    }

    fn place(&mut self, place: &'t Place) {
        for part in &place.parts {
            match part {
                PlacePart::Index(index) => self.expr(index),
                PlacePart::Field(_) => {}
            }
        }
    }

    fn script(&mut self, script: &'t Script) {
        script.steps.iter().for_each(|step| self.step(step));
    }

    fn step(&mut self, step: &'t Step) {
        match &step.kind {
            StepKind::Given(inits) => inits.iter().for_each(|(_, value)| self.expr(value)),
            StepKind::Send { call, .. } | StepKind::ExpectEmitted { call, .. } => {
                self.args(&call.args)
            }
            StepKind::Offer { place, value } => {
                self.place(place);
                self.expr(value);
            }
            StepKind::Advance(value) | StepKind::Expect(value) => self.expr(value),
            StepKind::Repeat { count, script } => {
                self.expr(count);
                self.script(script);
            }
            StepKind::People(_)
            | StepKind::Approve { .. }
            | StepKind::Tick
            | StepKind::Host { .. }
            | StepKind::Damaged => {}
        }
    }

    fn each(&mut self, expr: &'t Option<Expr>) {
        expr.iter().for_each(|expr| self.expr(expr));
    }

    fn expr(&mut self, expr: &'t Expr) {
        self.exprs.push(expr);
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Damaged => {}
            ExprKind::Upper { args, .. } => args.iter().for_each(|args| self.args(args)),
            ExprKind::Call(call) => self.args(&call.args),
            ExprKind::Variant { of, args, .. } => {
                self.expr(of);
                args.iter().for_each(|args| self.args(args));
            }
            ExprKind::With { of, args } => {
                self.expr(of);
                self.args(args);
            }
            ExprKind::Index { of: left, index: right } | ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Field { of: inner, .. }
            | ExprKind::Neg(inner)
            | ExprKind::Not(inner)
            | ExprKind::Paren(inner)
            | ExprKind::Is { value: inner, .. } => self.expr(inner),
            ExprKind::In { value, domain, .. } => {
                self.expr(value);
                match domain {
                    Domain::Range(range) => self.range(range),
                    Domain::Set(set) => self.expr(set),
                }
            }
            ExprKind::Else { value, otherwise } => {
                self.expr(value);
                match otherwise.as_ref() {
                    Otherwise::Expr(other) => self.expr(other),
                    Otherwise::Refuse(_) => {}
                }
            }
            ExprKind::Quant { binder, body, .. } => self.bound(binder, body),
            ExprKind::Fold { acc, start, binder, body } => {
                self.param(acc);
                self.expr(start);
                self.bound(binder, body);
            }
            ExprKind::List(entries) => entries.iter().for_each(|entry| self.entry(entry)),
            ExprKind::Comprehension { entry, binder, filter } => {
                self.entry(entry);
                self.expr(&binder.within);
                filter.iter().for_each(|filter| self.expr(filter));
            }
            ExprKind::If(item) => self.if_expr(item),
            ExprKind::Match { subject, arms } => {
                self.expr(subject);
                arms.iter().for_each(|arm| self.expr(&arm.value));
            }
        }
    }

    fn bound(&mut self, binder: &'t Binder, body: &'t Expr) {
        self.expr(&binder.within);
        self.expr(body);
    }

    fn entry(&mut self, entry: &'t Entry) {
        self.expr(&entry.first);
        self.each(&entry.second);
    }

    fn if_expr(&mut self, item: &'t IfExpr) {
        self.expr(&item.cond);
        self.body(&item.then);
        match &item.otherwise {
            ElseExpr::Body(body) => self.body(body),
            ElseExpr::If(next) => self.expr(next),
        }
    }

    fn body(&mut self, body: &'t Body) {
        body.lets.iter().for_each(|item| self.binding(item));
        self.expr(&body.value);
    }

    fn binding(&mut self, item: &'t Let) {
        item.ty.iter().for_each(|ty| self.ty(ty));
        self.expr(&item.value);
    }

    fn args(&mut self, args: &'t Args) {
        args.args.iter().for_each(|arg| self.expr(&arg.value));
    }
}
