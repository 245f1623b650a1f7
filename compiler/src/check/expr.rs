//! Expressions: names, choices and `else`. Operators, calls, conditions, what is made of parts and
//! collections have files of their own.

use super::{Checker, Meaning, Reach, Typed, unbounded};
use crate::codes::Code;
use crate::globals::not_yet;
use crate::shape::{Def, Slot};
use aqo_grammar::tree::{self, At, BinaryOp, Body, ElseExpr, ExprKind, Otherwise};
use aqo_model::expr::Expr;
use aqo_model::policy::Measure;
use aqo_model::types::{Bounds, NEVER, Type, Unit};
use aqo_model::value::Value;
use aqo_model::verify::Fault;

impl Checker<'_> {
    /// An expression, where a value of type `want` is wanted: literals and bare variants take it.
    pub fn expr(&mut self, expr: &tree::Expr, want: Option<&Type>) -> Typed {
        let at = expr.at;
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, false, at, want),
            ExprKind::Name(name) => self.value_named(name, at),
            ExprKind::Upper { name, args } => self.upper(name, args.as_ref(), want, at),
            ExprKind::Variant { of, name, args } => self.qualified(of, name, args.as_ref(), at),
            ExprKind::Call(call) => self.call(call, at, want),
            ExprKind::Field { of, name } => self.property(of, name, at),
            ExprKind::Neg(inner) => self.negation(inner, at, want),
            ExprKind::Binary { op, left, right, .. } => match op {
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => {
                    self.arithmetic(*op, left, right, at, want)
                }
                BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge => self.comparison(*op, left, right, at),
                BinaryOp::And | BinaryOp::Or | BinaryOp::Implies => self.whole_condition(expr),
            },
            ExprKind::Not(_) | ExprKind::Is { .. } => self.whole_condition(expr),
            ExprKind::In { value, negated, domain } => self.domain(value, *negated, domain, at),
            ExprKind::Else { value, otherwise } => self.otherwise(value, otherwise, at, want),
            ExprKind::If(choice) => self.choice(choice, at, want),
            ExprKind::Match { subject, arms } => self.arms(subject, arms, at, want),
            ExprKind::Paren(inner) => self.expr(inner, want),
            ExprKind::Index { of, index } => self.index(of, index, at),
            ExprKind::With { of, args } => self.with(of, args, at),
            ExprKind::Quant { kind, binder, body } => self.quantifier(*kind, binder, body, at),
            ExprKind::Fold { acc, start, binder, body } => {
                self.fold_items(acc, start, binder, body, at)
            }
            ExprKind::List(entries) => self.listing(entries, at, want),
            ExprKind::Comprehension { entry, binder, filter } => {
                self.comprehension(entry, binder, filter.as_deref(), at, want)
            }
            ExprKind::Damaged => self.wrong(at),
        }
    }

    pub(super) fn later(&mut self, at: At, construct: &str) -> Typed {
        let problem = not_yet(self.loc(at), construct);
        self.push(problem);
        self.wrong(at)
    }

    fn value_named(&mut self, name: &str, at: At) -> Typed {
        if let Some(index) = self.names.iter().position(|named| named.name == name) {
            return self.local_named(index, at);
        }
        if let Some((ty, value)) = self.globals.consts.get(name) {
            return self.typed(value.clone(), ty.clone(), at);
        }
        let plain = |scale| Type::Number { scale, unit: Unit::default(), within: Bounds::ALL };
        let instant = Type::Instant(Bounds::INSTANT);
        let built_in = match name {
            "now" => Some((Expr::Now, instant, self.reach.moving)),
            "due" => Some((Expr::Due, instant, self.reach.tick)),
            "missed" => Some((Expr::Missed, plain(0), self.reach.tick)),
            "born" => Some((Expr::Born, instant, self.reach.fields)),
            "never" => Some((Expr::number(NEVER), instant, true)),
            "trust" | "slope" | "slope_long" => {
                let measure = Measure::named(name).unwrap_or(Measure::Trust);
                Some((Expr::Trust(measure), plain(6), self.reach.moving))
            }
            "sender" => Some((Expr::Sender, Type::Key, self.has_sender())),
            "parent" => return self.later(at, "`parent`"),
            _ => None,
        };
        if let Some((expr, ty, readable)) = built_in {
            let is_trust = matches!(expr, Expr::Trust(_));
            if is_trust && self.model.policy.trust.is_none() && readable {
                let problem = self.problem(
                    Code::NeverHappens,
                    at,
                    "this object declares no `trust`, so it is always 0",
                );
                problem.help = Some("declare it in the policy: `trust { gain … on … }`".to_owned());
            }
            return if readable {
                self.typed(expr, ty, at)
            } else {
                self.unreadable_here(name, at)
            };
        }
        self.declared(name, at)
    }

    fn declared(&mut self, name: &str, at: At) -> Typed {
        let schema = &self.model.schema;
        let understood = |slot| !self.shape.untyped.contains(&slot);
        let Some(def) = self.shape.def(name) else {
            if self.loose.contains(name) {
                return self.wrong(at);
            }
            let known =
                self.shape.values().chain(self.names.iter().map(|named| named.name.as_str()));
            let known = known.chain(self.globals.consts.keys().map(String::as_str));
            let problem =
                self.globals.unknown(Code::UnknownName, self.loc(at), "value", name, known);
            self.problems.extend(problem);
            return self.wrong(at);
        };
        let (expr, ty, readable) = match def {
            // Its declaration has been answered.
            Def::Children => return self.wrong(at),
            Def::Field(index) => {
                let ty = schema.fields.get(usize::from(index)).map(|field| field.ty.clone());
                let ty = ty.filter(|_| understood(Slot::Field(index)));
                self.reads_old(index, at);
                (Expr::Field(index), ty, self.reach.fields)
            }
            Def::Derive(index) => {
                let ty = self.shape.derive_types.get(usize::from(index)).cloned().flatten();
                let expr = Expr::Derive(index);
                let above = usize::from(index) < self.derives;
                if let (true, Some(derive)) = (above, schema.derives.get(usize::from(index))) {
                    self.follows_old(name, &derive.value, at);
                }
                let still =
                    self.reach.moving || !matches!(self.checked(&expr), Err(Fault::Unreadable(_)));
                (expr, ty, self.reach.fields && above && still)
            }
            Def::Input(index) => {
                let ty = schema.inputs.get(usize::from(index));
                let ty = ty.filter(|_| understood(Slot::Input(index)));
                let ty = ty.map(|input| Type::Option(Box::new(input.ty.clone())));
                (Expr::Input(index), ty, self.reach.inputs)
            }
            Def::Role(index) => {
                let role = schema.roles.get(usize::from(index));
                let ty = role.map(|role| match role.max {
                    None => Type::Key,
                    Some(max) => Type::Set { item: Box::new(Type::Key), max },
                });
                (Expr::Role(index), ty, self.reach.moving)
            }
            Def::Message(_)
            | Def::Event(_)
            | Def::Rule(_)
            | Def::Clause
            | Def::Limit
            | Def::Prediction(_)
            | Def::Cycle(_) => {
                let problem =
                    self.problem(Code::UnknownName, at, format!("`{name}` is not a value"));
                problem.label = "has no value".to_owned();
                return self.wrong(at);
            }
        };
        match (ty, readable) {
            (Some(ty), true) => self.typed(expr, ty, at),
            (Some(_), false) => self.unreadable_here(name, at),
            (None, _) => self.wrong(at),
        }
    }

    pub(super) fn unreadable_here(&mut self, name: &str, at: At) -> Typed {
        if self.reach == Reach::FIELDS {
            let message = format!("`{name}` changes by itself, and what stands here must not");
            let problem = self.problem(Code::MovingAlways, at, message);
            problem.label = "not a field".to_owned();
            problem.help =
                Some("time and trust belong in guards (`when`) and demands (`needs`)".to_owned());
            return self.wrong(at);
        }
        let problem = self.problem(Code::NotHere, at, format!("`{name}` cannot be read here"));
        problem.label = "not readable here".to_owned();
        let help = match name {
            "sender" => "only a rule for a signed message knows who sent it",
            "due" | "missed" => "only a rule on a tick knows for when it was meant",
            _ => {
                "a derive, `dormant when` and `ends when` read no inputs, a derive only what stands above it, a constant and a default nothing; `born` may be a default by itself"
            }
        };
        problem.help = Some(help.to_owned());
        self.wrong(at)
    }

    fn local_named(&mut self, index: usize, at: At) -> Typed {
        let named = self.names[index].clone();
        let Some(ty) = named.ty else { return self.wrong(at) };
        let expr = match named.what {
            Meaning::Param(index) => Expr::Param(index),
            Meaning::Local(index) => Expr::Local(index),
            Meaning::Captured(index) => Expr::Captured(index),
            Meaning::Person(key) => Expr::Value(Value::Bytes32(key)),
        };
        self.typed(expr, ty, at)
    }

    /// `value else otherwise`: answers for everything in `value` that can fail, its range included.
    fn otherwise(
        &mut self,
        value: &tree::Expr,
        otherwise: &Otherwise,
        at: At,
        want: Option<&Type>,
    ) -> Typed {
        self.answered += 1;
        let left = self.expr(value, want);
        let left = match want {
            Some(want) if left.ty.is_some() => {
                let stored = self.store_as(left, want, "its place");
                stored.map(|expr| self.typed(expr, want.clone(), at))
            }
            _ if left.ty.is_some() => self.present(left),
            _ => None,
        };
        self.answered -= 1;
        let right = match otherwise {
            Otherwise::Refuse(refuse) => {
                let reason = self.reason(refuse);
                reason.map(|reason| (Expr::Refuse(reason), None))
            }
            Otherwise::Expr(expr) => {
                let ty = want
                    .cloned()
                    .or_else(|| left.as_ref().and_then(|left| left.ty.as_ref()).map(unbounded));
                let right = self.expr(expr, ty.as_ref());
                match (&right.ty, ty) {
                    (Some(_), Some(ty)) => {
                        self.store_as(right, &ty, "its place").map(|expr| (expr, Some(ty)))
                    }
                    _ => None,
                }
            }
        };
        let (Some(left), Some((right, _))) = (left, right) else { return self.wrong(at) };
        let partial = self.checked(&left.expr).map(|checked| checked.partial);
        if partial == Ok(false) {
            let problem = self.problem(
                Code::NeedlessElse,
                at,
                "nothing here can fail, so this `else` is never needed",
            );
            problem.help = Some("remove it".to_owned());
        }
        let Some(ty) = left.ty else { return self.wrong(at) };
        let typed = self.typed(Expr::Else(Box::new(left.expr), Box::new(right)), ty, at);
        self.sound(typed)
    }

    fn choice(&mut self, choice: &tree::IfExpr, at: At, want: Option<&Type>) -> Typed {
        let saved = self.facts.clone();
        let Some((cond, scope)) = self.guard(&choice.cond) else {
            return self.wrong(at);
        };
        self.learn(&cond, true);
        let then = self.body(&choice.then, want);
        self.names.truncate(scope);
        self.facts = saved.clone();
        self.learn(&cond, false);
        let want_here = want.cloned().or_else(|| then.ty.as_ref().map(unbounded));
        let otherwise = match &choice.otherwise {
            ElseExpr::Body(body) => self.body(body, want_here.as_ref()),
            ElseExpr::If(expr) => self.expr(expr, want_here.as_ref()),
        };
        self.facts = saved;
        let Some(ty) = want_here else { return self.wrong(at) };
        match (self.adapted(then, &ty), self.adapted(otherwise, &ty)) {
            (Some(then), Some(otherwise)) => {
                let expr = Expr::If(Box::new(cond), Box::new(then), Box::new(otherwise));
                let typed = self.typed(expr, ty, at);
                self.sound(typed)
            }
            _ => self.wrong(at),
        }
    }

    fn adapted(&mut self, typed: Typed, ty: &Type) -> Option<Expr> {
        typed.ty.as_ref()?;
        self.adapt(typed, ty).map(|typed| typed.expr)
    }

    /// `{ e }`, or lets and `give e`.
    pub(super) fn body(&mut self, body: &Body, want: Option<&Type>) -> Typed {
        let scope = self.names.len();
        let mut lets = Vec::new();
        for stmt in &body.lets {
            if let Some((local, value)) = self.bind_let(stmt) {
                lets.push((local, value));
            }
        }
        let mut value = self.expr(&body.value, want);
        self.names.truncate(scope);
        for (local, bound) in lets.into_iter().rev() {
            value.expr = Expr::Let(local, Box::new(bound), Box::new(value.expr));
        }
        value
    }

    fn arms(
        &mut self,
        subject: &tree::Expr,
        arms: &[tree::ExprArm],
        at: At,
        want: Option<&Type>,
    ) -> Typed {
        let subject = self.expr(subject, None);
        let saved = self.facts.clone();
        let mut rest = saved.clone();
        let mut ty = want.cloned();
        let mut whole = subject.ty.is_some();
        let mut built = Vec::new();
        for arm in arms {
            let (shapes, binders) = self.head(&subject, &arm.head);
            self.facts = rest.clone();
            if let Some(shapes) = &shapes {
                self.learn(&Expr::Is(Box::new(subject.expr.clone()), shapes.clone()), true);
                rest.assume_shape(&subject.expr, shapes, false);
            }
            let scope = self.names.len();
            self.names.extend(binders);
            let value = self.expr(&arm.value, ty.as_ref());
            self.names.truncate(scope);
            ty = ty.or_else(|| value.ty.as_ref().map(unbounded));
            let value = ty.clone().and_then(|ty| self.adapted(value, &ty));
            match (shapes, value) {
                (Some(shapes), Some(value)) => built.push((shapes, value)),
                _ => whole = false,
            }
        }
        self.facts = saved;
        let (true, Some(ty)) = (whole, ty) else { return self.wrong(at) };
        let shapes: Vec<_> = built.iter().map(|(shapes, _)| shapes.clone()).collect();
        if !self.covered(&subject, &shapes, at) {
            return self.wrong(at);
        }
        let typed = self.typed(Expr::Match(Box::new(subject.expr), built), ty, at);
        self.sound(typed)
    }
}
