//! The clauses of a policy, and the head of a Model: everything but its rules.

mod demand;
mod trust;

pub use self::demand::{Demand, demand};
use self::demand::{quorum_of, quorum_roles};
use crate::check::{Checker, Reach};
use crate::codes::Code;
use crate::derive::with_derives;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, unknown};
use crate::object::empty_policy;
use crate::shape::{Def, Shape, Slot};
use aqo_grammar::tree::{self, At, ClauseKind, ExprKind, HostMode, MemberKind, Name, PauseKind};
use aqo_model::Model;
use aqo_model::expr::Expr;
use aqo_model::policy::{
    Always, Flow, Happening, Hosts, Limit, Otherwise, Pause, Quorum, Reason, Sum,
};
use aqo_model::private;
use aqo_model::reads;
use aqo_model::schema::{Cycle, Schedule};
use aqo_model::text::show_duration;
use aqo_model::types::{Bounds, Type, Unit};
use aqo_model::verify;
use aqo_model::wake;
use std::collections::BTreeSet;

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
    /// What is left of each limit, by name: its index and the type of the rest.
    pub limits: Vec<(String, u16, Type)>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Reads derives and policy of the object that is item `item`.
pub fn head(globals: &Globals, shape: &Shape, item: usize, object: &tree::Object) -> Head {
    let schema = shape.schema.as_deref().cloned();
    let schema = schema.unwrap_or_else(|| crate::object::empty_model(globals).schema);
    let mut model = Model { schema, policy: empty_policy() };
    model.policy.reasons.clone_from(&shape.reasons);
    model.policy.reason_numbers.clone_from(&shape.reason_numbers);
    let mut problems = Vec::new();
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
            limits: Vec::new(),
            problems: Vec::new(),
        },
        scores: Vec::new(),
    };
    // Trust and limits come first: derives may read them.
    let first = |kind: &ClauseKind| matches!(kind, ClauseKind::Trust(_) | ClauseKind::Limit { .. });
    reader.clauses(first);
    with_derives(globals, shape, item, object, &mut reader.head, &mut problems);
    reader.head.problems.append(&mut problems);
    reader.clauses(|kind| !first(kind));
    reader.pauses();
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
            ClauseKind::Retain(span) => self.retain(span, at),
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
        let declared = &self.head.model.schema.types.enums[usize::from(e)];
        let variants: Vec<String> = declared.names().map(str::to_owned).collect();
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
                        self.head.model.schema.types.enums[usize::from(e)].name
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
        u16::try_from(index).ok().map(|index| self.head.model.policy.own_reason(index).0)
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
        let most = i64::from(aqo_model::limits::LIMIT_COUNT);
        let within = Bounds { low: 1, high: most };
        let counted = Type::Number { scale: 0, unit: Unit::default(), within };
        let (count, sum) = match quotas {
            [count] if count.of.is_none() => (self.number(&count.amount, &counted), Some(None)),
            [count, sum] if count.of.is_none() && sum.of.is_some() => {
                let of = sum.of.as_ref().unwrap_or(name);
                let count = self.number(&count.amount, &counted);
                (count, self.sum(&sum.amount, of, &indices, count.unwrap_or(1)).map(Some))
            }
            _ => {
                let message = "a limit is a count, or a count and a sum";
                let problem = self.problem(Code::BadLimit, name.at, message);
                problem.help = Some("write `to 40 per 1d` or `to 40, 200 of amount per 1d`; the count says how many commits are kept".to_owned());
                (None, None)
            }
        };
        if let (Some(reason), Some(per), Some(count), Some(sum)) = (reason, per, count, sum) {
            let index = self.head.model.policy.limits.len() as u16;
            let (sum, left) = match sum {
                Some((sum, ty)) => (Some(sum), ty),
                None => {
                    let within = Bounds { low: 0, high: count };
                    (None, Type::Number { scale: 0, unit: Unit::default(), within })
                }
            };
            let count = u16::try_from(count).unwrap_or(1);
            self.head.model.policy.limits.push(Limit { reason, rules: indices, count, per, sum });
            let place = self.loc(name.at);
            self.head.limit_places.push(place);
            self.head.limits.push((name.text.clone(), index, left));
        }
    }

    /// The sum of a limit, and the type of what is left of it.
    fn sum(
        &mut self,
        most: &tree::Expr,
        of: &Name,
        rules: &[u16],
        count: i64,
    ) -> Option<(Sum, Type)> {
        let mut amounts = Vec::new();
        let mut ty: Option<Type> = None;
        let mut each = 0;
        for rule in rules {
            let (param, found) = self.amount(*rule, of)?;
            amounts.push(Expr::Param(param));
            let counted = matches!(found, Type::Number { .. } | Type::Duration(_));
            let high = found.bounds().filter(|bounds| counted && bounds.low >= 0).map(|b| b.high);
            each = each.max(high.unwrap_or(0));
            let wide = unbounded(&found);
            if high.is_none() || ty.as_ref().is_some_and(|ty| *ty != wide) {
                let message = format!("`{}` is not everywhere one kind of amount from 0", of.text);
                self.problem(Code::BadLimit, of.at, message);
                return None;
            }
            ty = Some(wide);
        }
        let ty = ty?;
        if each.checked_mul(count).is_none() {
            self.problem(Code::BadLimit, of.at, "what these amounts come to leaves 64 bits");
            return None;
        }
        let model = self.head.model.clone();
        let mut checker = Checker::new(self.globals, self.shape, &model, self.part, Reach::FIELDS);
        let typed = checker.expr(most, Some(&ty));
        let stored = typed.ty.is_some().then(|| checker.store_as(typed, &ty, "a sum")).flatten();
        let interval = stored.as_ref().and_then(|most| checker.interval_of(most));
        let locals = std::mem::take(&mut checker.locals);
        let mut problems = std::mem::take(&mut checker.problems);
        self.head.problems.append(&mut problems);
        let highest = i64::try_from(interval?.high.max(0)).ok()?;
        let within = Bounds { low: 0, high: highest };
        let left = with_bounds(&ty, within);
        Some((Sum { most: stored?, locals, highest, each, of: amounts }, left))
    }

    /// The parameter that a rule calls so, and its type.
    fn amount(&mut self, rule: u16, of: &Name) -> Option<(u16, Type)> {
        let place = *self.shape.rule_places.get(usize::from(rule))?;
        let member = self.object.members.get(place.part.member?)?;
        let MemberKind::Rule(rule) = &member.node else { return None };
        let names = rule.trigger.params.as_deref().unwrap_or(&[]);
        let found = names.iter().position(|name| name.text == of.text);
        let (Some(found), Some(Def::Message(kind))) =
            (found, self.shape.def(&rule.trigger.name.text))
        else {
            let message = format!("`{}` names no parameter `{}`", rule.name.text, of.text);
            let problem = self.problem(Code::BadLimit, of.at, message);
            problem.related.push((place, "this rule".to_owned()));
            problem.help =
                Some("a sum is of a parameter that each rule of the limit names so".to_owned());
            return None;
        };
        if self.shape.untyped.contains(&Slot::Message(kind)) {
            return None;
        }
        let message = self.head.model.schema.messages.get(usize::from(kind))?;
        let ty = message.params.get(found)?.ty.clone();
        u16::try_from(found).ok().map(|found| (found, ty))
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

    fn retain(&mut self, span: &tree::Expr, at: At) {
        if self.head.model.policy.retain.is_some() {
            self.problem(Code::NameTaken, at, "how long entries are kept is said twice");
            return;
        }
        let Some(kept) = self.constant(span, |checker, expr| checker.span(expr)) else { return };
        let window = self.head.model.policy.trust.as_ref().map(|trust| trust.window_long);
        if kept < window.unwrap_or(1) {
            let text = format!("entries that are kept for {} do not last", show_duration(kept));
            let problem = self.problem(Code::OutOfRange, span.at, text);
            problem.help = Some(match window {
                Some(window) => format!(
                    "whoever checks trust reads back {}, its long window",
                    show_duration(window)
                ),
                None => "say how long: `retain 365d`".to_owned(),
            });
            return;
        }
        self.head.model.policy.retain = Some(kept);
    }

    fn upgrade(&mut self, demand: &tree::Demand) {
        let model = self.head.model.clone();
        let mut checker = Checker::new(self.globals, self.shape, &model, self.part, Reach::NOTHING);
        let quorum = match (&demand.expr.kind, &demand.quorum) {
            (ExprKind::Name(name), None) => {
                let name = Name { text: name.clone(), at: demand.expr.at };
                quorum_roles(&mut checker, std::slice::from_ref(&name)).map(|roles| Quorum {
                    count: 1,
                    roles,
                    within: 0,
                })
            }
            (_, Some(quorum)) => quorum_of(&mut checker, demand, quorum),
            (_, None) => {
                let at = self.loc(demand.at);
                let problem =
                    Problem::new(Code::NeedsOther, at, "an upgrade is signed by somebody");
                checker.problems.push(
                    problem.help("write `upgrade by role`, or `upgrade by 2 of role within 7d`"),
                );
                None
            }
        };
        let mut problems = checker.problems;
        self.head.problems.append(&mut problems);
        if self.head.model.policy.upgrade.is_some() {
            self.problem(Code::NameTaken, demand.at, "who may upgrade is said twice");
        }
        self.head.model.policy.upgrade = quorum;
    }

    /// `dormant when` and `ends when`.
    fn pauses(&mut self) {
        for (member, part) in self.object.members.iter().enumerate() {
            let MemberKind::Pause(pause) = &part.node else { continue };
            self.part.member = Some(member);
            let model = self.head.model.clone();
            let mut checker =
                Checker::new(self.globals, self.shape, &model, self.part, Reach::DERIVE)
                    .with_limits(&self.head.limits);
            let cond = checker.guard(&pause.when);
            let locals = std::mem::take(&mut checker.locals);
            let mut problems = std::mem::take(&mut checker.problems);
            self.head.problems.append(&mut problems);
            let taken = match pause.kind {
                PauseKind::Dormant => &self.head.model.policy.dormant,
                PauseKind::Ends => &self.head.model.policy.ends,
            };
            if taken.is_some() {
                self.problem(Code::NameTaken, pause.at, "this is said twice; join them with `or`");
                continue;
            }
            let made = cond.map(|(holds, _)| Pause { holds, locals });
            self.untold(pause.at, made.as_ref());
            self.private(pause.at, made.as_ref());
            match pause.kind {
                PauseKind::Dormant => self.head.model.policy.dormant = made,
                PauseKind::Ends => self.head.model.policy.ends = made,
            }
        }
    }
}

impl Reader<'_> {
    /// A condition that turns at an instant which tells of a private field.
    fn private(&mut self, at: At, pause: Option<&Pause>) {
        if pause.is_some_and(|pause| private::pause_tells(&self.head.model, pause)) {
            let text = "when the object is due tells what is private: this turns at that instant";
            let help = "let a rule look, and set a public field that this reads";
            self.problem(Code::KeptOpenly, at, text).help = Some(help.to_owned());
        }
    }

    /// A condition that time turns at no instant that can be told, where no beat has it looked at.
    fn untold(&mut self, at: At, pause: Option<&Pause>) {
        let beats =
            |cycle: &Cycle| !matches!(cycle.schedule, Schedule::OnTime | Schedule::OnMessage);
        if self.head.model.schema.cycles.iter().any(beats) {
            return;
        }
        let mut alone = self.head.model.clone();
        (alone.policy.dormant, alone.policy.ends) = (pause.cloned(), None);
        if wake::flips(&alone).foreseen {
            return;
        }
        let problem = self.problem(Code::Untold, at, "nothing looks when this comes true by time");
        problem.help = Some(
            "write `now >= e`, `now - f >= d` or `e - now <= d`, or add a `cycle every`".to_owned(),
        );
    }
}

/// Limits of which a derive changes the sum by itself.
pub(crate) fn moving_sums(head: &Head, model: &Model) -> Vec<Problem> {
    let moves = |most: &Expr| {
        let (mut inputs, mut limits) = (BTreeSet::new(), BTreeSet::new());
        reads::outside(model, most, &mut inputs, &mut limits);
        reads::reads_time(model, most) || !limits.is_empty()
    };
    let limits = model.policy.limits.iter().zip(&head.limit_places);
    let moving = limits.filter(|(limit, _)| limit.sum.iter().any(|sum| moves(&sum.most)));
    let problems = moving.map(|(_, place)| {
        let text = "what this limit allows changes by itself, and must not";
        let problem = Problem::new(Code::MovingAlways, *place, text);
        problem.help("its sum is of fields and constants: let a rule set a field to it")
    });
    problems.collect()
}

fn unbounded(ty: &Type) -> Type {
    with_bounds(ty, Bounds::ALL)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn with_bounds(ty: &Type, within: Bounds) -> Type {
    match ty {
        Type::Number { scale, unit, .. } => {
            Type::Number { scale: *scale, unit: unit.clone(), within }
        }
        Type::Duration(_) => Type::Duration(within),
        other => other.clone(),
    }
}
