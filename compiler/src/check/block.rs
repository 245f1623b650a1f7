//! The body of a rule: what it sets, says and foretells on each path.

use super::{Captures, Checker, Meaning, Named, Reach};
use crate::codes::Code;
use crate::diagnostic::Problem;
use crate::globals::unknown;
use crate::shape::{Def, Slot};
use aqo_grammar::SyntaxErrorKind;
use aqo_grammar::tree::{self, Block, ElseStmt, Name, PredictForm, Refuse, StmtKind};
use aqo_model::expr::{Expr, Stmt};
use aqo_model::policy::{Prediction, Reason, Source};
use aqo_model::types::{Bounds, Type};
use std::collections::{BTreeMap, BTreeSet};

/// What a path has done so far, and what the statements around it may do.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    /// Fields, and parts of them, set so far, and where: a field, then the parts on the way.
    pub(super) set: BTreeMap<Vec<u16>, aqo_grammar::tree::At>,
    /// Roles bound anew so far, and where.
    pub(super) bound: BTreeMap<u16, aqo_grammar::tree::At>,
    /// Whether it has set, said or foretold anything.
    pub(super) acted: bool,
    /// Fields that some statement of the same path sets: what is said must not read them.
    around: BTreeSet<u16>,
    /// The value that a `set` in progress goes to may read old values freely.
    saying: bool,
}

impl Checker<'_> {
    /// The statements of a block, in order.
    pub fn block(&mut self, block: &Block) -> Vec<Stmt> {
        let scope = self.names.len();
        let mut stmts = Vec::new();
        let around = self.path.around.clone();
        let mut problems_before = self.problems.len();
        for (index, stmt) in block.stmts.iter().enumerate() {
            self.path.around = around.clone();
            for (other, stmt) in block.stmts.iter().enumerate() {
                if other != index || !matches!(stmt.kind, StmtKind::If(_) | StmtKind::Match { .. })
                {
                    self.fields_set(&stmt.kind);
                }
            }
            let before = index.checked_sub(1).and_then(|before| block.stmts.get(before));
            let follows_set = before.is_some_and(|stmt| {
                matches!(
                    stmt.kind,
                    StmtKind::Set { .. } | StmtKind::Add { .. } | StmtKind::Remove { .. }
                )
            });
            let first_problem = self.problems.len();
            stmts.extend(self.stmt(stmt, follows_set));
            if follows_set
                && self.problems.last().is_some_and(|problem| problem.code == Code::LostElse)
            {
                // The `else` that was lost would have answered for what can fail in the line above.
                let later = self.problems.split_off(first_problem);
                let above = self.problems.split_off(problems_before);
                let answered = |problem: &Problem| {
                    matches!(problem.code, Code::OutOfRange | Code::Absent | Code::MayBeFull)
                };
                self.problems.extend(above.into_iter().filter(|problem| !answered(problem)));
                self.problems.extend(later);
            }
            problems_before = first_problem;
        }
        self.path.around = around;
        self.names.truncate(scope);
        stmts
    }

    /// Adds the fields that a statement, or one below it, sets.
    fn fields_set(&mut self, stmt: &StmtKind) {
        match stmt {
            StmtKind::Set { place, .. }
            | StmtKind::Add { to: place, .. }
            | StmtKind::Remove { from: place, .. } => {
                if let Some(Def::Field(index)) = self.shape.def(&place.name.text) {
                    self.path.around.insert(index);
                }
            }
            StmtKind::If(stmt) => self.fields_set_if(stmt),
            StmtKind::Match { arms, .. } => {
                arms.iter()
                    .flat_map(|arm| &arm.block.stmts)
                    .for_each(|stmt| self.fields_set(&stmt.kind));
            }
            StmtKind::Let(_)
            | StmtKind::Emit(_)
            | StmtKind::Predict { .. }
            | StmtKind::Tell { .. }
            | StmtKind::Spawn { .. }
            | StmtKind::Close { .. }
            | StmtKind::Refuse(_)
            | StmtKind::Damaged => {}
        }
    }

    fn fields_set_if(&mut self, stmt: &tree::IfStmt) {
        stmt.then.stmts.iter().for_each(|stmt| self.fields_set(&stmt.kind));
        match stmt.otherwise.as_deref() {
            Some(ElseStmt::Block(block)) => {
                block.stmts.iter().for_each(|stmt| self.fields_set(&stmt.kind))
            }
            Some(ElseStmt::If(stmt)) => self.fields_set_if(stmt),
            None => {}
        }
    }

    /// What is said reads a field that the same path sets: which value is meant?
    pub(super) fn reads_old(&mut self, field: u16, at: aqo_grammar::tree::At) {
        if self.path.saying && self.path.around.contains(&field) {
            let name = self.model.schema.fields[usize::from(field)].name.clone();
            let message = format!("`{name}` is set by this rule, and its old value would be said");
            let problem = self.problem(Code::ReadsOld, at, message);
            problem.label = "the old value".to_owned();
            problem.help = Some(format!(
                "name the value that you mean: `let next = …  set {name} = next`, or `let before = {name}` for the old one"
            ));
        }
    }

    /// The same where a derived value, or one behind it, follows from such a field.
    pub(super) fn follows_old(&mut self, derive: &str, value: &Expr, at: aqo_grammar::tree::At) {
        if !self.path.saying {
            return;
        }
        let derives = &self.model.schema.derives;
        let (mut fields, mut open) = (BTreeSet::new(), vec![value]);
        while let Some(value) = open.pop() {
            fields.extend(super::fields_of(value));
            value.walk(&mut |part| {
                if let Expr::Derive(index) = part {
                    open.extend(derives.get(usize::from(*index)).map(|derive| &derive.value));
                }
            });
        }
        let Some(field) = fields.intersection(&self.path.around).next() else { return };
        let name = self.model.schema.fields[usize::from(*field)].name.clone();
        let message = format!(
            "`{derive}` follows from `{name}`, which this rule sets: its old value would be said"
        );
        let problem = self.problem(Code::ReadsOld, at, message);
        problem.label = "the old value".to_owned();
        problem.help = Some(format!("say what you mean: `let before = {derive}` for the old one"));
    }

    fn stmt(&mut self, stmt: &tree::Stmt, follows_set: bool) -> Option<Stmt> {
        match &stmt.kind {
            StmtKind::Let(stmt) => {
                self.bind_let(stmt).map(|(local, value)| Stmt::Let(local, value))
            }
            StmtKind::Set { place, value } => self.set(place, value),
            StmtKind::Emit(call) => self.emit(call),
            StmtKind::Predict { name, holds, form, span } => self.predict(name, holds, *form, span),
            StmtKind::Refuse(refuse) => {
                if self.path.acted {
                    let problem = self.problem(
                        Code::LostElse,
                        refuse.at,
                        "this path has already acted, and then refuses: nothing of it would happen",
                    );
                    problem.label = "refuses what stands above".to_owned();
                    problem.help =
                        Some("did you mean `else refuse`, on the line above?".to_owned());
                    if follows_set {
                        problem.fix = Some(format!("else refuse {}", refuse.reason.text));
                    }
                    return None;
                }
                self.reason(refuse).map(Stmt::Refuse)
            }
            StmtKind::If(stmt) => self.if_stmt(stmt),
            StmtKind::Match { subject, arms } => self.match_stmt(subject, arms, stmt.at),
            StmtKind::Add { value, to, otherwise } => self.add_to(value, to, otherwise.as_ref()),
            StmtKind::Remove { value, from, otherwise } => {
                self.remove_from(value, from, otherwise.as_ref())
            }
            StmtKind::Tell { .. } => self.leave_out(stmt, "`tell`"),
            StmtKind::Spawn { .. } => self.leave_out(stmt, "`spawn`"),
            StmtKind::Close { .. } => self.leave_out(stmt, "`close`"),
            StmtKind::Damaged => None,
        }
    }

    fn leave_out(&mut self, stmt: &tree::Stmt, construct: &str) -> Option<Stmt> {
        self.later_stmt(stmt.at, construct);
        None
    }

    /// `let name: T = value`
    pub(super) fn bind_let(&mut self, stmt: &tree::Let) -> Option<(u16, Expr)> {
        let declared = match &stmt.ty {
            Some(ty) => {
                let mut problems = Vec::new();
                let ty = crate::types::resolve_loose(self.globals, self.part, ty, &mut problems);
                self.problems.append(&mut problems);
                Some(ty)
            }
            None => None,
        };
        let want = declared.clone().flatten();
        let typed = self.expr(&stmt.value, want.as_ref());
        let known = typed.ty.is_some();
        let (expr, ty) = match declared {
            Some(Some(ty)) => {
                let place = format!("`{}`", stmt.name.text);
                (known.then(|| self.store_as(typed, &ty, &place)).flatten(), Some(ty))
            }
            Some(None) => (None, None),
            None => {
                let ty = known.then(|| self.narrowed(&typed)).flatten();
                (ty.is_some().then_some(typed.expr), ty)
            }
        };
        let Some(ty) = ty else {
            self.name(&stmt.name, Meaning::Local(0), None);
            return None;
        };
        let local = self.local(ty.clone());
        self.name(&stmt.name, Meaning::Local(local), Some(ty.clone()));
        if let Some(expr) = &expr {
            self.facts.alias(local, expr);
        }
        self.facts.bind(local, ty);
        expr.map(|expr| (local, expr))
    }

    fn emit(&mut self, call: &tree::Call) -> Option<Stmt> {
        self.path.acted = true;
        let name = &call.name;
        let Some(Def::Event(index)) = self.shape.def(&name.text) else {
            let events = self.model.schema.events.iter().map(|event| event.name.as_str());
            let problem =
                unknown(Code::UnknownName, self.loc(name.at), "event", &name.text, events);
            self.push(problem);
            return None;
        };
        if self.shape.untyped.contains(&Slot::Event(index)) {
            return None;
        }
        let params = self.model.schema.events.get(usize::from(index))?.params.clone();
        self.path.saying = true;
        let args = self.arguments(&call.args, &params, &name.text);
        self.path.saying = false;
        args.map(|args| Stmt::Emit(index, args))
    }

    /// The number of a reason.
    pub(super) fn reason(&mut self, refuse: &Refuse) -> Option<u16> {
        if self.captures.is_some() {
            let code = Code::Syntax(SyntaxErrorKind::RefuseOutsideRule);
            let problem = self.problem(
                code,
                refuse.at,
                "a prediction is only looked at, so it cannot refuse",
            );
            problem.help = Some("give a value after `else`".to_owned());
            return None;
        }
        if !self.reach.refuses {
            // The grammar's judge has said so.
            return None;
        }
        let name = &refuse.reason.text;
        let built_in = Reason::BUILT_IN.iter().any(|(_, built_in)| built_in == name);
        if built_in || Reason::RESERVED.contains(&name.as_str()) {
            let problem = self.problem(
                Code::ReservedReason,
                refuse.reason.at,
                format!("`{name}` is a built-in reason"),
            );
            problem.help = Some("choose a word of your own".to_owned());
            return None;
        }
        let index = self.shape.reasons.iter().position(|reason| reason == name)?;
        u16::try_from(index).ok().map(|index| self.model.policy.own_reason(index).0)
    }

    fn if_stmt(&mut self, stmt: &tree::IfStmt) -> Option<Stmt> {
        let (saved, start) = (self.facts.clone(), self.path.clone());
        let guard = self.guard(&stmt.cond);
        let scope = guard.as_ref().map_or(self.names.len(), |(_, scope)| *scope);
        if let Some((cond, _)) = &guard {
            self.learn(&cond.clone(), true);
        }
        let then = self.block(&stmt.then);
        self.names.truncate(scope);
        let then_path = std::mem::replace(&mut self.path, start);
        self.facts = saved.clone();
        if let Some((cond, _)) = &guard {
            self.learn(&cond.clone(), false);
        }
        let otherwise = match stmt.otherwise.as_deref() {
            None => Vec::new(),
            Some(ElseStmt::Block(block)) => self.block(block),
            Some(ElseStmt::If(stmt)) => self.if_stmt(stmt).into_iter().collect(),
        };
        self.facts = saved;
        self.join_path(then_path);
        if let Some((cond, _)) = &guard {
            let leaves = Stmt::always_refuse(&then);
            if leaves || Stmt::always_refuse(&otherwise) {
                self.learn(&cond.clone(), !leaves);
            }
        }
        guard.map(|(cond, _)| Stmt::If(cond, then, otherwise))
    }

    fn join_path(&mut self, other: Path) {
        self.path.set.extend(other.set);
        self.path.acted |= other.acted;
    }

    fn match_stmt(
        &mut self,
        subject: &tree::Expr,
        arms: &[tree::StmtArm],
        at: aqo_grammar::tree::At,
    ) -> Option<Stmt> {
        let subject = self.expr(subject, None);
        let (saved, start) = (self.facts.clone(), self.path.clone());
        let mut rest = saved.clone();
        let mut whole = subject.ty.is_some();
        let mut built = Vec::new();
        let mut ends = Vec::new();
        for arm in arms {
            let (shapes, binders) = self.head(&subject, &arm.head);
            self.facts = rest.clone();
            if let Some(shapes) = &shapes {
                self.learn(&Expr::Is(Box::new(subject.expr.clone()), shapes.clone()), true);
                rest.assume_shape(&subject.expr, shapes, false);
            }
            self.path = start.clone();
            let scope = self.names.len();
            self.names.extend(binders);
            let body = self.block(&arm.block);
            self.names.truncate(scope);
            ends.push(self.path.clone());
            match shapes {
                Some(shapes) => built.push((shapes, body)),
                None => whole = false,
            }
        }
        self.facts = saved;
        self.path = start;
        ends.into_iter().for_each(|end| self.join_path(end));
        if !whole {
            return None;
        }
        let shapes: Vec<_> = built.iter().map(|(shapes, _)| shapes.clone()).collect();
        self.covered(&subject, &shapes, at).then_some(Stmt::Match(subject.expr, built))
    }

    /// `predict name: holds within span`: parameters, lets and binders are taken along by value;
    /// fields and inputs are read when it is settled.
    fn predict(
        &mut self,
        name: &Name,
        holds: &tree::Expr,
        form: PredictForm,
        span: &tree::Expr,
    ) -> Option<Stmt> {
        self.path.acted = true;
        let Some(Def::Prediction(index)) = self.shape.def(&name.text) else { return None };
        let span = self.span(span)?;
        let (holds, locals, captures) = self.foretold(holds)?;
        let source = self.source(&holds);
        self.predictions.push(Prediction {
            name: name.text.clone(),
            span,
            throughout: form == PredictForm::For,
            holds,
            captures: captures.types,
            locals,
            source,
        });
        Some(Stmt::Predict(index, captures.values))
    }

    /// What a positive duration may be.
    pub const SPAN: Type = Type::Duration(Bounds { low: 1, high: Bounds::DURATION.high / 16 });

    /// A constant, positive duration.
    pub fn span(&mut self, expr: &tree::Expr) -> Option<i64> {
        let ty = Self::SPAN;
        let typed = self.expr(expr, Some(&ty));
        typed.ty.as_ref()?;
        let stored = self.store_as(typed, &ty, "a positive duration")?;
        let Expr::Value(value) = self.fold(stored, expr.at)? else { return None };
        value.int()
    }

    fn foretold(&mut self, holds: &tree::Expr) -> Option<(Expr, Vec<Type>, Captures)> {
        let outer: Vec<Named> = self.names.clone();
        let mut captures = Captures::default();
        for named in &mut self.names {
            let value = match named.what {
                Meaning::Param(index) => Expr::Param(index),
                Meaning::Local(index) => Expr::Local(index),
                Meaning::Captured(index) => Expr::Captured(index),
                // A scenario foretells nothing.
                Meaning::Person(_) => continue,
            };
            if let Some(ty) = &named.ty {
                named.what = Meaning::Captured(captures.types.len() as u16);
                captures.types.push(ty.clone());
                captures.values.push(value);
            }
        }
        let locals = std::mem::take(&mut self.locals);
        let facts = std::mem::take(&mut self.facts);
        let reach = std::mem::replace(
            &mut self.reach,
            Reach { tick: false, refuses: false, ..Reach::TICK },
        );
        self.captures = Some(captures);
        let typed = self.whole_condition(holds);
        let mut captures = self.captures.take().unwrap_or_default();
        self.reach = reach;
        self.facts = facts;
        let inner = std::mem::replace(&mut self.locals, locals);
        self.names = outer;
        let mut holds = typed.ty.is_some().then_some(typed.expr)?;
        keep_used(&mut holds, &mut captures);
        Some((holds, inner, captures))
    }

    /// Whose word settles a prediction: the lowest input that it reads, else the lowest attested field.
    fn source(&self, holds: &Expr) -> Option<Source> {
        let mut inputs = BTreeSet::new();
        holds.walk(&mut |expr| {
            if let Expr::Input(index) = expr {
                inputs.insert(*index);
            }
        });
        let mut fields = BTreeSet::new();
        self.fields_behind(holds, &mut fields);
        let attested = fields.into_iter().find(|field| {
            self.model
                .schema
                .fields
                .get(usize::from(*field))
                .is_some_and(|field| field.attested.is_some())
        });
        inputs.first().map(|index| Source::Input(*index)).or(attested.map(Source::Field))
    }

    /// The fields that an expression reads, by way of derives too.
    fn fields_behind(&self, expr: &Expr, fields: &mut BTreeSet<u16>) {
        fields.extend(super::fields_of(expr));
        let mut derives = BTreeSet::new();
        expr.walk(&mut |expr| {
            if let Expr::Derive(index) = expr {
                derives.insert(*index);
            }
        });
        for derive in derives.iter().filter_map(|d| self.model.schema.derives.get(usize::from(*d)))
        {
            self.fields_behind(&derive.value, fields);
        }
    }
}

/// Drops what a prediction does not read, and counts the rest anew.
fn keep_used(holds: &mut Expr, captures: &mut Captures) {
    let mut used = BTreeSet::new();
    holds.walk(&mut |expr| {
        if let Expr::Captured(index) = expr {
            used.insert(*index);
        }
    });
    let used: Vec<u16> = used.into_iter().collect();
    holds.map_leaves(&mut |leaf| {
        if let Expr::Captured(index) = leaf
            && let Ok(place) = used.binary_search(index)
        {
            *index = place as u16;
        }
    });
    let pick = |index: &u16| usize::from(*index);
    captures.types = used.iter().map(|index| captures.types[pick(index)].clone()).collect();
    captures.values = used.iter().map(|index| captures.values[pick(index)].clone()).collect();
}
