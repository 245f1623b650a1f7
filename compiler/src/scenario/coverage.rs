//! What the interpreter evaluated while scenarios ran, to what they never reached.
//!
//! Invariant: nothing is counted that was not evaluated; what could happen is read off the Model,
//! what did happen is told by its interpreter. Knows no second meaning of any rule.

use crate::db::{self, SourceFile};
use crate::diagnostic::Loc;
use aqo_model::Model;
use aqo_model::entry::Verdict;
use aqo_model::expr::{Expr, Stmt};
use aqo_model::policy::{Reason, Trigger};
use aqo_model::step::Seen;
use aqo_model::verify::{self, Refusable};
use std::collections::BTreeSet;

/// How often a rule was elected, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Its guard held.
    pub elected: u64,
    /// It committed.
    pub committed: u64,
    /// It was held.
    pub held: u64,
    /// It was refused.
    pub refused: u64,
}

/// What was seen of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// By index.
    pub rules: Vec<Rule>,
    /// Whether the guard of a rule was false, and true.
    guards: Vec<[bool; 2]>,
    always: Vec<[bool; 2]>,
    limits: Vec<[bool; 2]>,
    reasons: BTreeSet<u16>,
    transitions: BTreeSet<(usize, u16, u16)>,
    /// Transitions of a rule of which is not known yet whether it commits.
    open: Vec<(usize, u16, u16)>,
}

/// Things of one kind: how many were reached, and which were not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `guards, both ways`
    pub name: &'static str,
    /// How many were reached.
    pub reached: usize,
    /// How many there are.
    pub of: usize,
    /// What was not reached, and the line at which it stands.
    pub missed: Vec<(String, usize)>,
}

impl Coverage {
    /// Of an object of which nothing was seen yet.
    pub fn new(model: &Model) -> Coverage {
        let policy = &model.policy;
        Coverage {
            rules: vec![Rule::default(); policy.rules.len()],
            guards: vec![[false; 2]; policy.rules.len()],
            always: vec![[false; 2]; policy.always.len()],
            limits: vec![[false; 2]; policy.limits.len()],
            reasons: BTreeSet::new(),
            transitions: BTreeSet::new(),
            open: Vec::new(),
        }
    }

    /// Takes in what the interpreter tells.
    pub fn see(&mut self, seen: Seen) {
        match seen {
            Seen::Guard { rule, holds } => {
                self.guards[rule][usize::from(holds)] = true;
                self.rules[rule].elected += u64::from(holds);
            }
            Seen::Judged { rule, verdict } => {
                let open = std::mem::take(&mut self.open);
                match verdict {
                    Verdict::Committed => {
                        self.rules[rule].committed += 1;
                        self.transitions.extend(open);
                    }
                    Verdict::Held(reason) => {
                        self.rules[rule].held += 1;
                        self.reasons.insert(reason.0);
                    }
                    Verdict::Waits => self.rules[rule].held += 1,
                    Verdict::Refused(reason) => {
                        self.rules[rule].refused += 1;
                        self.reasons.insert(reason.0);
                    }
                }
            }
            Seen::Limit { limit, holds } => self.limits[limit][usize::from(holds)] = true,
            Seen::Always { clause, holds } => self.always[clause][usize::from(holds)] = true,
            Seen::Flow { flow, from, to } if from != to => self.open.push((flow, from, to)),
            Seen::Flow { .. } => {}
        }
    }

    /// Takes in why a message was refused.
    pub fn refused(&mut self, reason: u16) {
        if reason != 0 {
            self.reasons.insert(reason);
        }
    }

    /// What was reached and what was not, for the object that is this item of a file.
    pub fn groups(
        &self,
        db: &dyn salsa::Database,
        file: SourceFile,
        item: usize,
        model: &Model,
    ) -> Vec<Group> {
        let places = Places::new(db, file, item);
        vec![
            self.elected(model, &places),
            self.committed(model, &places),
            self.guards(model, &places),
            self.reasons(model, &places),
            self.clauses(model, &places),
            self.transitions(model, &places),
        ]
    }

    fn elected(&self, model: &Model, places: &Places) -> Group {
        let mut group = Group::new("rules elected");
        for (index, rule) in model.policy.rules.iter().enumerate() {
            let line = places.rule(index);
            group.count(self.rules[index].elected > 0, || {
                (format!("rule `{}` was never elected", rule.name), line)
            });
        }
        group
    }

    fn committed(&self, model: &Model, places: &Places) -> Group {
        let mut group = Group::new("rules committed");
        for (index, rule) in model.policy.rules.iter().enumerate() {
            if matches!(rule.body[..], [Stmt::Refuse(_)]) {
                continue;
            }
            let line = places.rule(index);
            group.count(self.rules[index].committed > 0, || {
                (format!("rule `{}` never committed", rule.name), line)
            });
            if self.rules[index].elected == 0 {
                // That has been said.
                group.missed.pop();
            }
        }
        group
    }

    fn guards(&self, model: &Model, places: &Places) -> Group {
        let mut group = Group::new("guards, both ways");
        for (index, rule) in model.policy.rules.iter().enumerate() {
            if rule.when.is_none() {
                continue;
            }
            for (way, word) in [(1, "true"), (0, "false")] {
                let line = places.rule(index);
                group.count(self.guards[index][way], || {
                    (format!("the guard of `{}` was never {word}", rule.name), line)
                });
                if way == 1 && self.rules[index].elected == 0 {
                    // That has been said.
                    group.missed.pop();
                }
            }
        }
        group
    }

    fn reasons(&self, model: &Model, places: &Places) -> Group {
        let mut group = Group::new("refusal reasons");
        for (reason, line) in possible(model, places) {
            let name = model.policy.reason_name(reason);
            group.count(self.reasons.contains(&reason.0), || {
                (format!("nothing was refused `{name}`"), line)
            });
        }
        group
    }

    fn clauses(&self, model: &Model, places: &Places) -> Group {
        let mut group = Group::new("clauses, both ways");
        let policy = &model.policy;
        let refusing = refusing(model);
        let may = |clause| refusing.contains(&clause) || refusing.contains(&Refusable::Paths);
        let always = policy.always.iter().zip(&self.always).enumerate();
        let always = always.map(|(at, (a, seen))| (a.reason, seen, may(Refusable::Always(at))));
        let limits = policy.limits.iter().zip(&self.limits).enumerate();
        let limits = limits.map(|(at, (l, seen))| (l.reason, seen, may(Refusable::Limit(at))));
        for (reason, seen, may_refuse) in always.chain(limits) {
            let name = policy.reason_name(Reason(reason));
            for (way, word) in [(1, "satisfied"), (0, "refused")] {
                // A clause that is proved refuses nothing.
                if way == 0 && !may_refuse {
                    continue;
                }
                let line = places.named(name);
                group.count(seen[way], || (format!("`{name}` never {word}"), line));
            }
        }
        group
    }

    fn transitions(&self, model: &Model, places: &Places) -> Group {
        let mut group = Group::new("transitions");
        for (number, flow) in model.policy.flows.iter().enumerate() {
            let field = &model.schema.fields[usize::from(flow.field)];
            let variant = |number: u16| {
                aqo_model::value::Value::variant(number).show(&field.ty, &model.schema.types)
            };
            for (from, next) in flow.next.iter().enumerate() {
                let from = u16::try_from(from).unwrap_or(u16::MAX);
                for to in (0..64).filter(|to| *to != from && next >> to & 1 == 1) {
                    let line = places.flow(number);
                    group.count(self.transitions.contains(&(number, from, to)), || {
                        let (from, to) = (variant(from), variant(to));
                        (format!("`{}` never went {from} -> {to}", field.name), line)
                    });
                }
            }
        }
        group
    }
}

impl Group {
    fn new(name: &'static str) -> Group {
        Group { name, reached: 0, of: 0, missed: Vec::new() }
    }

    fn count(&mut self, reached: bool, missed: impl FnOnce() -> (String, usize)) {
        self.of += 1;
        match reached {
            true => self.reached += 1,
            false => self.missed.push(missed()),
        }
    }
}

/// The reasons for which something of this object can be refused or held, each with the first line
/// that gives it. Left out is what only a host or a stranger brings about: signatures, counters,
/// shapes.
fn possible(model: &Model, places: &Places) -> Vec<(Reason, usize)> {
    let policy = &model.policy;
    let mut found: Vec<(Reason, usize)> = Vec::new();
    let mut add = |reason, line| {
        if !found.iter().any(|(known, _)| *known == reason) {
            found.push((reason, line));
        }
    };
    for (index, rule) in policy.rules.iter().enumerate() {
        for reason in refusals(&rule.body) {
            add(Reason(reason), places.rule(index));
        }
        if !rule.needs.is_empty() {
            add(Reason::TRUST, places.rule(index));
        }
        if !rule.assured && model.lacking(rule, 0) {
            add(Reason::OBSERVING, places.rule(index));
        }
    }
    for clause in refusing(model) {
        match clause {
            Refusable::Limit(index) => {
                let reason = Reason(policy.limits[index].reason);
                add(reason, places.named(policy.reason_name(reason)));
            }
            Refusable::Always(index) => {
                let reason = Reason(policy.always[index].reason);
                add(reason, places.named(policy.reason_name(reason)));
            }
            Refusable::Flow(index, ..) => add(Reason::FLOW, places.flow(index)),
            Refusable::Guard | Refusable::Demand | Refusable::Own(_) | Refusable::Paths => {}
        }
    }
    for (index, message) in model.schema.messages.iter().enumerate() {
        let line = places.named(&message.name);
        if message.params.iter().any(|param| param.ty.bounds().is_some()) {
            add(Reason::RANGE, line);
        }
        if !message.from.is_empty() && message.from.len() < model.schema.roles.len() {
            add(Reason::ROLE, line);
        }
        let on = |rule: &&aqo_model::policy::Rule| rule.on == Trigger::Message(index as u16);
        let untaken = policy.rules.iter().filter(on).all(|rule| rule.when.is_some());
        if untaken && message.waits.is_some() {
            add(Reason::EXPIRED, line);
            add(Reason::FULL, line);
        } else if untaken {
            add(Reason::NO_RULE, line);
        }
    }
    found
}

/// The clauses that could refuse some rule: the others are proved never to.
fn refusing(model: &Model) -> Vec<Refusable> {
    let rules = verify::from_the_top(model);
    rules.flat_map(|(rule, _, below)| verify::refusing_clauses(model, rule, &below)).collect()
}

/// The reasons that statements refuse with.
fn refusals(body: &[Stmt]) -> Vec<u16> {
    let mut reasons = Vec::new();
    for stmt in body {
        stmt.walk(&mut |stmt| {
            if let Stmt::Refuse(reason)
            | Stmt::Edit(.., Some(reason))
            | Stmt::Bind(.., Some(reason)) = stmt
            {
                reasons.push(*reason);
            }
            for expr in stmt.exprs() {
                expr.walk(&mut |expr| {
                    if let Expr::Refuse(reason) = expr {
                        reasons.push(*reason);
                    }
                });
            }
        });
    }
    reasons
}

/// Where an object's declarations stand.
struct Places {
    lines: Vec<usize>,
    flows: Vec<usize>,
    names: Vec<(String, usize)>,
    object: usize,
}

impl Places {
    fn new(db: &dyn salsa::Database, file: SourceFile, item: usize) -> Places {
        let tree = db::tree_of(db, file);
        let text = file.text(db);
        let line = |at: Loc| super::story::line_of(&tree.file, text, at);
        let shape = db::shape_of(db, file, item);
        let head = db::head_of(db, file, item);
        let flows = head.map(|head| head.flow_places.clone()).unwrap_or_default();
        let whole = crate::globals::whole(crate::diagnostic::PartId { item, member: None });
        Places {
            lines: shape.rule_places.iter().map(|at| line(*at)).collect(),
            flows: flows.into_iter().map(line).collect(),
            names: shape.names().map(|(name, _, at)| (name.to_owned(), line(at))).collect(),
            object: line(whole),
        }
    }

    fn rule(&self, index: usize) -> usize {
        self.lines.get(index).copied().unwrap_or(self.object)
    }

    fn flow(&self, index: usize) -> usize {
        self.flows.get(index).copied().unwrap_or(self.object)
    }

    fn named(&self, name: &str) -> usize {
        let named = self.names.iter().find(|(known, _)| known == name);
        named.map_or(self.object, |(_, line)| *line)
    }
}
