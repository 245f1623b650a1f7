//! One rule: elected by its guard, admitted by the policy, and its updates taken together.
//!
//! Admission, in this order; the first failure is the reason: what the host lacks, demands, limits,
//! the body's own refusals, `flow`, `always`. Ranges need no check here: the Model is verified.

use super::eval::{Scope, Stop};
use super::{Seen, Step};
use crate::edit::{NoPlace, edit};
use crate::entry::{Change, Said, Verdict};
use crate::expr::{Edit, Expr, Shape, Step as Stair, Stmt};
use crate::image::{LimitState, State};
use crate::model::Model;
use crate::policy::{Limit, Reason, Rule};
use crate::schema::Message;
use crate::value::Value;
use std::collections::BTreeMap;

/// What the body of a rule would do.
#[derive(Default)]
struct Candidate {
    /// In the order of the statements.
    changes: Vec<Change>,
    /// The values that fields would have.
    fields: BTreeMap<u16, Value>,
    said: Vec<(u16, Vec<Value>)>,
    foretold: Vec<(u16, Vec<Value>)>,
    bound: Vec<(u16, Edit<Value>)>,
    /// What a commit comes to in each limit with a sum.
    amounts: Vec<i64>,
}

impl Step<'_> {
    /// `None` where the guard is false.
    pub(super) fn judge(&mut self, index: usize) -> Option<Verdict> {
        let model = self.model;
        let rule = &model.policy.rules[index];
        let mut scope = Scope::of_step(self, &rule.locals);
        let holds = rule.when.as_ref().is_none_or(|when| scope.holds(when));
        (self.watch)(Seen::Guard { rule: index, holds });
        if !holds {
            return None;
        }
        let mut candidate = Candidate::default();
        let outcome = match self.gate(index, rule, &mut scope) {
            Err(reason) => {
                let verdict = Verdict::Held(reason);
                (self.watch)(Seen::Judged { rule: index, verdict });
                return Some(verdict);
            }
            Ok(amounts) => {
                candidate.amounts = amounts;
                run(&rule.body, &mut scope, &mut candidate)
            }
        };
        let verdict = match outcome {
            Err(Stop::Refused(reason)) => Verdict::Refused(reason),
            Err(Stop::Fails) => unreachable!("verify lets nothing partial stand outside an `else`"),
            Ok(()) => match self.violated(&candidate) {
                Some(reason) => Verdict::Refused(reason),
                None => self.ask(index),
            },
        };
        (self.watch)(Seen::Judged { rule: index, verdict });
        if verdict == Verdict::Committed {
            self.commit(index, candidate);
        }
        Some(verdict)
    }

    /// What says "not now": the host, a demand, a limit. Gives what a commit comes to in each limit
    /// with a sum.
    fn gate(&self, index: usize, rule: &Rule, scope: &mut Scope) -> Result<Vec<i64>, Reason> {
        let policy = &self.model.policy;
        let sums = policy.sums_of(index as u16);
        let amounts: Vec<(usize, i64)> = sums
            .map(|(limit, _, amount)| {
                let amount = scope.int(amount);
                (limit, amount.expect("verify lets nothing fail here"))
            })
            .collect();
        let given = amounts.iter().map(|(_, amount)| *amount).collect();
        if rule.assured {
            return Ok(given);
        }
        if self.model.lacking(rule, self.state.capabilities) {
            return Err(Reason::OBSERVING);
        }
        if !rule.needs.is_empty() {
            let scope = Scope::of_step(self, &[]);
            if !rule.needs.iter().all(|need| need.met(scope.trust(need.of))) {
                return Err(Reason::TRUST);
            }
        }
        for (number, (limit, kept)) in policy.limits.iter().zip(&self.state.limits).enumerate() {
            if limit.rules.contains(&(index as u16)) {
                let amount = amounts.iter().find(|(of, _)| *of == number);
                let holds = !kept.is_full(self.now, limit.per)
                    && amount.is_none_or(|(_, amount)| *amount <= self.left(number));
                (self.watch)(Seen::Limit { limit: number, holds });
                if !holds {
                    return Err(Reason(limit.reason));
                }
            }
        }
        Ok(given)
    }

    /// What is left of a limit.
    fn left(&self, limit: usize) -> i64 {
        Scope::of_step(self, &[]).left(limit)
    }

    /// The first `flow` or `always` that the candidate would violate.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn violated(&self, candidate: &Candidate) -> Option<Reason> {
        let mut next = None;
        for (field, value) in &candidate.fields {
            let next = next.get_or_insert_with(|| self.state.clone());
            next.fields[usize::from(*field)] = value.clone();
        }
        let next = next?;
        for (number, flow) in self.model.policy.flows.iter().enumerate() {
            let of = |state: &State| match state.fields[usize::from(flow.field)] {
                Value::Variant(number, _) => number,
                _ => unreachable!("verify lets only enum fields have a flow"),
            };
            let (from, to) = (of(&self.state), of(&next));
            (self.watch)(Seen::Flow { flow: number, from, to });
            if from != to && flow.next[usize::from(from)] >> to & 1 == 0 {
                return Some(Reason::FLOW);
            }
        }
        failing(self.model, &next, self.watch)
    }

    fn commit(&mut self, index: usize, candidate: Candidate) {
        let signed = self.model.is_signed(&self.model.policy.rules[index]);
        let attests = |field| self.layout.signed.iter().position(|(f, _)| *f == field);
        for change in candidate.changes {
            if self.model.is_logged(change.field) {
                let signed = signed && attests(change.field).is_some();
                self.logged.push(Change { signed, ..change });
            }
        }
        for (field, value) in candidate.fields {
            self.state.fields[usize::from(field)] = value;
            self.written[usize::from(field)] = true;
            if let Some(slot) = attests(field) {
                self.state.signed[slot] = signed;
            }
        }
        let counted =
            |(limit, _): &(&Limit, &mut LimitState)| limit.rules.contains(&(index as u16));
        let mut amounts = candidate.amounts.iter();
        let limits = self.model.policy.limits.iter().zip(&mut self.state.limits);
        for (limit, kept) in limits.filter(counted) {
            let amount = limit.sum.as_ref().and_then(|_| amounts.next());
            kept.stamp(self.now, amount.copied().unwrap_or(0));
        }
        for (role, edit) in &candidate.bound {
            self.state.roles[usize::from(*role)].bind(edit);
        }
        self.bound.extend(candidate.bound);
        self.amounts = candidate.amounts;
        for (event, args) in candidate.said {
            let withheld = self.model.is_withheld(event, self.state.capabilities);
            self.said.push(Said { event, args, withheld });
        }
        for (prediction, captures) in candidate.foretold {
            self.foretell(prediction, captures);
        }
    }
}

impl Candidate {
    fn change(&mut self, scope: &Scope, change: Change) -> Result<(), NoPlace> {
        let (field, schema) = (usize::from(change.field), &scope.model.schema);
        let next = self.fields.entry(change.field);
        let next = next.or_insert_with(|| scope.state.fields[field].clone());
        let ty = &schema.fields[field].ty;
        edit(next, ty, &schema.types, &change.path, change.edit.clone())?;
        self.changes.push(change);
        Ok(())
    }
}

/// Runs statements against the state as the rule found it.
fn run(stmts: &[Stmt], scope: &mut Scope, candidate: &mut Candidate) -> Result<(), Stop> {
    for stmt in stmts {
        match stmt {
            Stmt::Let(local, value) => {
                let value = scope.eval(value)?;
                scope.bind(*local, value);
            }
            Stmt::Set(field, value) => {
                let change = Change::whole(*field, scope.eval(value)?);
                candidate.change(scope, change).expect("a whole field has its place");
            }
            Stmt::Edit(field, path, edit, reason) => {
                let mut way = Vec::new();
                for step in path {
                    way.push(match step {
                        Stair::Part(part) => Stair::Part(*part),
                        Stair::At(key) => Stair::At(scope.eval(key)?),
                    });
                }
                let edit = edit.with(scope.eval(edit.value())?);
                let change = Change { field: *field, path: way, edit, signed: false };
                if candidate.change(scope, change).is_err() {
                    let reason =
                        reason.expect("verify asks for a reason where there may be no place");
                    return Err(Stop::Refused(Reason(reason)));
                }
            }
            Stmt::Bind(role, edit, reason) => {
                let edit = edit.with(scope.eval(edit.value())?);
                if scope.is_full(*role, &edit) {
                    let reason =
                        reason.expect("verify asks for a reason where there may be no room");
                    return Err(Stop::Refused(Reason(reason)));
                }
                candidate.bound.push((*role, edit));
            }
            Stmt::Emit(event, args) => candidate.said.push((*event, all(args, scope)?)),
            Stmt::Predict(index, captures) => {
                candidate.foretold.push((*index, all(captures, scope)?));
            }
            Stmt::Refuse(reason) => return Err(Stop::Refused(Reason(*reason))),
            Stmt::If(cond, then, otherwise) => {
                let branch = if scope.truth(cond)? { then } else { otherwise };
                run(branch, scope, candidate)?;
            }
            Stmt::Match(subject, arms) => {
                let subject = scope.eval(subject)?;
                let arm =
                    arms.iter().find(|(shapes, _): &&(Vec<Shape>, _)| scope.fits(&subject, shapes));
                let (_, body) = arm.expect("verify lets a match cover every value");
                run(body, scope, candidate)?;
            }
        }
    }
    Ok(())
}

fn all(exprs: &[Expr], scope: &mut Scope) -> Result<Vec<Value>, Stop> {
    exprs.iter().map(|expr| scope.eval(expr)).collect()
}

/// The first `always` that a state fails.
pub fn failing_always(model: &Model, state: &State) -> Option<Reason> {
    failing(model, state, &|_| {})
}

fn failing(model: &Model, state: &State, watch: &dyn Fn(Seen)) -> Option<Reason> {
    let mut clauses = model.policy.always.iter().enumerate();
    let failing = clauses.find(|(number, clause)| {
        let holds = Scope::of_state(model, state, &clause.locals).holds(&clause.holds);
        watch(Seen::Always { clause: *number, holds });
        !holds
    });
    failing.map(|(_, clause)| Reason(clause.reason))
}

impl Model {
    /// Whether any rule changes a part of a field, so that its writes are recorded one by one.
    pub fn is_logged(&self, field: u16) -> bool {
        let mut logged = false;
        for stmt in self.policy.rules.iter().flat_map(|rule| &rule.body) {
            stmt.walk(&mut |stmt| {
                logged |= matches!(stmt, Stmt::Edit(edited, ..) if *edited == field);
            });
        }
        logged
    }

    /// Whether a rule answers a message that a role signed: what it writes is that role's word.
    pub fn is_signed(&self, rule: &Rule) -> bool {
        let kind = rule.on.message().and_then(|kind| self.schema.messages.get(usize::from(kind)));
        kind.is_some_and(|message| !message.from.is_empty() && !self.is_open(message))
    }

    /// Whether a rule reads an input: in its guard, its body, or what it foretells.
    pub fn reads_inputs(&self, rule: &Rule) -> bool {
        let mut found = false;
        let mut see = |expr: &Expr| {
            expr.walk(&mut |expr| found |= matches!(expr, Expr::Input(_)));
        };
        rule.when.iter().for_each(&mut see);
        for stmt in &rule.body {
            stmt.walk(&mut |stmt| {
                stmt.exprs().into_iter().for_each(&mut see);
                if let Stmt::Predict(index, _) = stmt {
                    see(&self.policy.predictions[usize::from(*index)].holds);
                }
            });
        }
        found
    }

    /// Whether any valid key may sign a message.
    pub fn is_open(&self, message: &Message) -> bool {
        let roles = &self.schema.roles;
        message.from.iter().any(|role| roles.get(usize::from(*role)).is_some_and(|role| role.open))
    }

    /// Whether a rule says an event that a host with these capabilities cannot carry out.
    pub fn lacking(&self, rule: &Rule, capabilities: u64) -> bool {
        let mut lacking = false;
        for stmt in &rule.body {
            stmt.walk(&mut |stmt| {
                if let Stmt::Emit(event, _) = stmt {
                    lacking |= self.is_withheld(*event, capabilities);
                }
            });
        }
        lacking
    }

    /// Whether a host with these capabilities cannot carry out an event.
    pub fn is_withheld(&self, event: u16, capabilities: u64) -> bool {
        let via = self.schema.events[usize::from(event)].via;
        via.is_some_and(|bit| capabilities >> bit & 1 == 0)
    }
}
