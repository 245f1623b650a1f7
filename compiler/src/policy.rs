//! The clauses of a policy, and the head of a Model: everything but its rules.

mod trust;

use crate::check::{Checker, Reach};
use crate::codes::Code;
use crate::derive::with_derives;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, not_yet, unknown};
use crate::object::empty_policy;
use crate::shape::{Def, Shape, Slot};
use aqo_grammar::tree::{self, At, BinaryOp, ClauseKind, ExprKind, HostMode, MemberKind, Name};
use aqo_model::Model;
use aqo_model::expr::Expr;
use aqo_model::policy::{
    Always, Flow, Happening, Hosts, Limit, Otherwise, Reason, TrustDemand, Upgrade,
};
use aqo_model::types::{Bounds, Type, Unit};
use aqo_model::value::Value;
use aqo_model::verify;

/// A Model without rules, and what is wrong with its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Schema, derives and clauses.
    pub model: Model,
    /// Where each `always`, flow and limit stands, in the Model's order.
    pub always_places: Vec<Loc>,
    /// Where each flow stands.
    pub flow_places: Vec<Loc>,
    /// Where each limit stands.
    pub limit_places: Vec<Loc>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Reads derives and policy of the object that is item `item`.
pub fn head(globals: &Globals, shape: &Shape, item: usize, object: &tree::Object) -> Head {
    let schema = shape.schema.as_deref().cloned();
    let schema = schema.unwrap_or_else(|| crate::object::empty_model(globals).schema);
    let mut model = Model { schema, policy: empty_policy() };
    model.policy.reasons.clone_from(&shape.reasons);
    let mut problems = Vec::new();
    // Trust comes first: derives may read it.
    let mut reader = Reader {
        globals,
        shape,
        object,
        part: PartId { item, member: None },
        head: Head {
            model,
            always_places: Vec::new(),
            flow_places: Vec::new(),
            limit_places: Vec::new(),
            problems: Vec::new(),
        },
        scores: Vec::new(),
    };
    reader.clauses(|kind| matches!(kind, ClauseKind::Trust(_)));
    with_derives(globals, shape, item, object, &mut reader.head.model, &mut problems);
    reader.head.problems.append(&mut problems);
    reader.clauses(|kind| !matches!(kind, ClauseKind::Trust(_)));
    reader.head
}

struct Reader<'r> {
    globals: &'r Globals,
    shape: &'r Shape,
    object: &'r tree::Object,
    part: PartId,
    head: Head,
    /// Where the amount for each happening of trust stands.
    scores: Vec<(Happening, At)>,
}

impl Reader<'_> {
    fn clauses(&mut self, which: impl Fn(&ClauseKind) -> bool) {
        for (member, part) in self.object.members.iter().enumerate() {
            let MemberKind::Policy(policy) = &part.node else { continue };
            self.part.member = Some(member);
            for clause in policy.clauses.iter().filter(|clause| which(&clause.kind)) {
                self.clause(&clause.kind, clause.at);
            }
        }
    }

    fn loc(&self, at: At) -> Loc {
        Loc { part: self.part, at }
    }

    fn problem(&mut self, code: Code, at: At, message: impl Into<String>) -> &mut Problem {
        self.head.problems.push(Problem::new(code, self.loc(at), message));
        self.head.problems.last_mut().expect("a problem was just pushed")
    }

    fn later(&mut self, at: At, construct: &str) {
        let problem = not_yet(self.loc(at), construct);
        self.head.problems.push(problem);
    }

    fn unknown<'n>(&mut self, name: &Name, what: &str, known: impl Iterator<Item = &'n str>) {
        let problem = unknown(Code::UnknownName, self.loc(name.at), what, &name.text, known);
        self.head.problems.push(problem);
    }

    fn clause(&mut self, clause: &ClauseKind, at: At) {
        match clause {
            ClauseKind::Flow { field, arrows } => self.flow(field, arrows, at),
            ClauseKind::Always { name, holds } => self.always(name, holds),
            ClauseKind::Limit { name, rules, quotas, per } => self.limit(name, rules, quotas, per),
            ClauseKind::Trust(scores) => self.trust(scores, at),
            ClauseKind::Hosts { need, otherwise } => self.hosts(need, *otherwise, at),
            ClauseKind::Retain(_) => self.later(at, "`retain`"),
            ClauseKind::Upgrade(demand) => self.upgrade(demand),
            ClauseKind::Damaged => {}
        }
    }

    fn flow(&mut self, field: &Name, arrows: &[tree::Arrow], at: At) {
        let Some(Def::Field(index)) = self.shape.def(&field.text) else {
            let fields: Vec<String> =
                self.head.model.schema.fields.iter().map(|f| f.name.clone()).collect();
            return self.unknown(field, "field", fields.iter().map(String::as_str));
        };
        if self.shape.untyped.contains(&Slot::Field(index)) {
            return;
        }
        let Some(Type::Enum(e)) =
            self.head.model.schema.fields.get(usize::from(index)).map(|f| f.ty.clone())
        else {
            let place = self.shape.field_places.get(usize::from(index)).copied();
            let problem = self.problem(
                Code::BrokenFlow,
                field.at,
                format!("`{}` is not a field of an enum", field.text),
            );
            problem.help = Some("a flow says which variant may follow which".to_owned());
            problem.related.extend(place.map(|place| (place, "declared here".to_owned())));
            return;
        };
        if self.head.model.policy.flows.iter().any(|flow| flow.field == index) {
            self.problem(
                Code::BrokenFlow,
                field.at,
                format!("`{}` has a flow already", field.text),
            );
            return;
        }
        let variants = self.head.model.schema.enums[usize::from(e)].variants.clone();
        let mut next = vec![0u64; variants.len()];
        for arrow in arrows {
            let from = self.states(&arrow.from, e, &variants, true);
            let to = self.states(&arrow.to, e, &variants, false);
            for (state, next) in next.iter_mut().enumerate() {
                if from >> state & 1 == 1 {
                    *next |= to;
                }
            }
        }
        self.head.model.policy.flows.push(Flow { field: index, next });
        let place = self.loc(at);
        self.head.flow_places.push(place);
    }

    /// A set of states, bit by bit.
    fn states(
        &mut self,
        states: &tree::States,
        e: u16,
        variants: &[String],
        is_source: bool,
    ) -> u64 {
        let mut set = 0u64;
        for name in &states.names {
            if name.text == "any" {
                if !is_source {
                    let problem = self.problem(
                        Code::BrokenFlow,
                        name.at,
                        "`any` stands left of the arrow alone",
                    );
                    problem.help = Some("name the states that may follow".to_owned());
                }
                set |= u64::MAX >> (64 - variants.len().clamp(1, 64));
                continue;
            }
            match variants.iter().position(|variant| *variant == name.text) {
                Some(number) => set |= 1 << number,
                None => {
                    let what = format!(
                        "variant of `{}`",
                        self.head.model.schema.enums[usize::from(e)].name
                    );
                    let at = self.loc(name.at);
                    let known = variants.iter().map(String::as_str);
                    let mut problem = unknown(Code::BrokenFlow, at, &what, &name.text, known);
                    if let Some(place) = self.globals.enum_places.get(usize::from(e)) {
                        problem =
                            problem.related(*place, format!("it has {}", variants.join(", ")));
                    }
                    self.head.problems.push(problem);
                }
            }
        }
        set
    }

    fn own_reason(&mut self, name: &Name) -> Option<u16> {
        let built_in = Reason::BUILT_IN.iter().any(|(_, built_in)| *built_in == name.text);
        if built_in || Reason::RESERVED.contains(&name.text.as_str()) {
            let message = format!("`{}` is a built-in reason", name.text);
            self.problem(Code::ReservedReason, name.at, message).help =
                Some("choose another name".to_owned());
            return None;
        }
        let index = self.shape.reasons.iter().position(|reason| *reason == name.text)?;
        u16::try_from(index).ok().map(|index| Reason::own(index).0)
    }

    fn always(&mut self, name: &Name, holds: &tree::Expr) {
        let reason = self.own_reason(name);
        let model = self.head.model.clone();
        let mut checker = Checker::new(self.globals, self.shape, &model, self.part, Reach::FIELDS);
        let cond = checker.guard(holds);
        let locals = std::mem::take(&mut checker.locals);
        let mut problems = std::mem::take(&mut checker.problems);
        if let Some((holds, _)) = cond {
            let place = verify::Place::of_always(&model, &locals);
            match verify::check(&place, &holds, &aqo_model::facts::Facts::default()) {
                Ok(_) => {
                    if let Some(reason) = reason {
                        self.head.model.policy.always.push(Always { reason, holds, locals });
                        let place = self.loc(name.at);
                        self.head.always_places.push(place);
                    }
                }
                Err(fault) => {
                    let at = self.loc(name.at);
                    let flaw = verify::Flaw { at: format!("`{}`", name.text), fault };
                    let message = format!("this cannot always hold by itself: {flaw}");
                    problems.push(
                        Problem::new(Code::MovingAlways, at, message)
                            .help("time and trust belong in guards and demands"),
                    );
                }
            }
        }
        self.head.problems.append(&mut problems);
    }

    fn limit(&mut self, name: &Name, rules: &[Name], quotas: &[tree::Quota], per: &tree::Expr) {
        let reason = self.own_reason(name);
        let mut indices = Vec::new();
        for rule in rules {
            match self.shape.def(&rule.text) {
                Some(Def::Rule(index)) => indices.push(index),
                _ => {
                    let rules: Vec<String> = self.rules();
                    self.unknown(rule, "rule", rules.iter().map(String::as_str));
                }
            }
        }
        indices.sort_unstable();
        indices.dedup();
        let per = self.constant(per, |checker, expr| checker.span(expr));
        let count = match quotas {
            [quota] if quota.of.is_none() => {
                let most = i64::from(aqo_model::limits::LIMIT_COUNT);
                let within = Bounds { low: 1, high: most };
                let ty = Type::Number { scale: 0, unit: Unit::default(), within };
                self.number(&quota.amount, &ty)
            }
            _ => {
                self.later(name.at, "a limit of a sum");
                None
            }
        };
        if let (Some(reason), Some(per), Some(count)) = (reason, per, count) {
            let count = u16::try_from(count).unwrap_or(1);
            self.head.model.policy.limits.push(Limit { reason, rules: indices, count, per });
            let place = self.loc(name.at);
            self.head.limit_places.push(place);
        }
    }

    fn rules(&self) -> Vec<String> {
        self.shape
            .names()
            .filter(|(_, def, _)| matches!(def, Def::Rule(_)))
            .map(|(name, ..)| name.to_owned())
            .collect()
    }

    fn constant<T>(
        &mut self,
        expr: &tree::Expr,
        read: impl FnOnce(&mut Checker<'_>, &tree::Expr) -> Option<T>,
    ) -> Option<T> {
        let mut checker =
            Checker::new(self.globals, self.shape, &self.head.model, self.part, Reach::NOTHING);
        let value = read(&mut checker, expr);
        let mut problems = checker.problems;
        self.head.problems.append(&mut problems);
        value
    }

    /// A constant number of a type.
    fn number(&mut self, expr: &tree::Expr, ty: &Type) -> Option<i64> {
        self.constant(expr, |checker, expr| {
            let typed = checker.expr(expr, Some(ty));
            typed.ty.as_ref()?;
            let stored = checker.store_as(typed, ty, "this setting")?;
            let Expr::Value(value) = checker.fold(stored, expr.at)? else { return None };
            value.int()
        })
    }

    fn hosts(&mut self, need: &[Name], otherwise: HostMode, at: At) {
        if self.head.model.policy.hosts.is_some() {
            self.problem(Code::NameTaken, at, "what a host needs is said twice");
            return;
        }
        let capabilities = &self.head.model.schema.capabilities;
        let mut set = 0u64;
        for name in need {
            if let Some(bit) = capabilities.iter().position(|capability| *capability == name.text) {
                set |= 1u64.checked_shl(bit as u32).unwrap_or(0);
            }
        }
        let otherwise = match otherwise {
            HostMode::Observe => Otherwise::Observe,
            HostMode::Dormant => Otherwise::Dormant,
        };
        self.head.model.policy.hosts = Some(Hosts { need: set, otherwise });
    }

    fn upgrade(&mut self, demand: &tree::Demand) {
        let ExprKind::Name(name) = &demand.expr.kind else {
            return self.later(demand.at, "an upgrade by several keys");
        };
        match self.shape.def(name) {
            Some(Def::Role(role)) if demand.quorum.is_none() => {
                self.head.model.policy.upgrade = Some(Upgrade { count: 1, role });
            }
            Some(Def::Role(_)) => self.later(demand.at, "an upgrade by several keys"),
            _ => {
                let roles: Vec<String> =
                    self.head.model.schema.roles.iter().map(|r| r.name.clone()).collect();
                let name = Name { text: name.clone(), at: demand.expr.at };
                self.unknown(&name, "role", roles.iter().map(String::as_str));
            }
        }
    }
}

/// A demand of a rule: a comparison of trust with a constant.
pub fn demand(checker: &mut Checker<'_>, demand: &tree::Demand) -> Option<TrustDemand> {
    let part = checker.part();
    let loc = |at| Loc { part, at };
    if demand.quorum.is_some() {
        checker.problems.push(not_yet(loc(demand.at), "a quorum"));
        return None;
    }
    let compared = compared(&demand.expr);
    if compared.is_some_and(|(name, ..)| name.starts_with("slope")) {
        checker.problems.push(not_yet(loc(demand.at), "the slope of trust"));
        return None;
    }
    let Some(("trust", op, bound)) = compared else {
        checker.problems.push(
            Problem::new(
                Code::NeedsOther,
                loc(demand.at),
                "a demand compares trust with a constant",
            )
            .help("put other conditions in `when`"),
        );
        return None;
    };
    let within = Bounds { low: -4_000_000, high: 4_000_000 };
    let ty = Type::Number { scale: 6, unit: Unit::default(), within };
    let typed = checker.expr(bound, Some(&ty));
    typed.ty.as_ref()?;
    let stored = checker.store_as(typed, &ty, "a demand")?;
    let Expr::Value(Value::Int(bound)) = checker.fold(stored, demand.expr.at)? else { return None };
    match op {
        BinaryOp::Ge => Some(TrustDemand { at_least: true, bound }),
        BinaryOp::Gt => Some(TrustDemand { at_least: true, bound: bound + 1 }),
        BinaryOp::Lt => Some(TrustDemand { at_least: false, bound }),
        BinaryOp::Le => Some(TrustDemand { at_least: false, bound: bound + 1 }),
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Implies => {
            checker.problems.push(
                Problem::new(
                    Code::NeedsOther,
                    loc(demand.at),
                    "trust is demanded with `>=`, `>`, `<=` or `<`",
                )
                .help("trust moves in millionths: an exact value is hardly ever met"),
            );
            None
        }
    }
}

/// `name op right`
fn compared(expr: &tree::Expr) -> Option<(&str, BinaryOp, &tree::Expr)> {
    let ExprKind::Binary { op, left, right, .. } = &expr.kind else { return None };
    let ExprKind::Name(name) = &left.kind else { return None };
    Some((name, *op, right))
}
