//! One rule: elected by its guard, admitted by the policy, and its updates taken together.
//!
//! Admission, in this order; the first failure is the reason: what the host lacks, demands, limits,
//! the body's own refusals, `flow`, `always`. Ranges need no check here: the Model is verified.

use super::eval::{Scope, Stop};
use super::{Seen, Step};
use crate::entry::{Said, Verdict};
use crate::expr::{Expr, Shape, Stmt};
use crate::image::State;
use crate::model::Model;
use crate::policy::{Reason, Rule};
use crate::value::Value;

/// What the body of a rule would do.
#[derive(Default)]
struct Candidate {
    fields: Vec<(u16, Value)>,
    said: Vec<(u16, Vec<Value>)>,
    foretold: Vec<(u16, Vec<Value>)>,
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
        let outcome = match self.gate(index, rule) {
            Some(reason) => {
                let verdict = Verdict::Held(reason);
                (self.watch)(Seen::Judged { rule: index, verdict });
                return Some(verdict);
            }
            None => run(&rule.body, &mut scope, &mut candidate),
        };
        let verdict = match outcome {
            Err(Stop::Refused(reason)) => Verdict::Refused(reason),
            Err(Stop::Fails) => unreachable!("verify lets nothing partial stand outside an `else`"),
            Ok(()) => match self.violated(&candidate) {
                Some(reason) => Verdict::Refused(reason),
                None => Verdict::Committed,
            },
        };
        (self.watch)(Seen::Judged { rule: index, verdict });
        if verdict == Verdict::Committed {
            self.commit(index, candidate);
        }
        Some(verdict)
    }

    /// What says "not now": the host, a demand, a limit.
    fn gate(&self, index: usize, rule: &Rule) -> Option<Reason> {
        if rule.assured {
            return None;
        }
        if self.model.lacking(rule, self.state.capabilities) {
            return Some(Reason::OBSERVING);
        }
        if !rule.needs.is_empty() {
            let trust = Scope::of_step(self, &[]).trust();
            if !rule.needs.iter().all(|need| need.met(trust)) {
                return Some(Reason::TRUST);
            }
        }
        let limits = self.model.policy.limits.iter().zip(&self.state.limits).enumerate();
        let mut full = limits.filter(|(number, (limit, kept))| {
            let counts = limit.rules.contains(&(index as u16));
            let is_full = counts && kept.is_full(self.now, limit.per);
            if counts {
                (self.watch)(Seen::Limit { limit: *number, holds: !is_full });
            }
            is_full
        });
        full.next().map(|(_, (limit, _))| Reason(limit.reason))
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
                Value::Variant(number) => number,
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
        for (field, value) in candidate.fields {
            self.state.fields[usize::from(field)] = value;
            self.written[usize::from(field)] = true;
            let signed = self.message.is_some_and(|message| message.envelope.is_some());
            if let Some(slot) = self.layout.signed.iter().position(|(f, _)| *f == field) {
                self.state.signed[slot] = signed;
            }
        }
        for (limit, kept) in self.model.policy.limits.iter().zip(&mut self.state.limits) {
            if limit.rules.contains(&(index as u16)) {
                kept.stamp(self.now);
            }
        }
        for (event, args) in candidate.said {
            let withheld = self.model.is_withheld(event, self.state.capabilities);
            self.said.push(Said { event, args, withheld });
        }
        for (prediction, captures) in candidate.foretold {
            self.foretell(prediction, captures);
        }
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
            Stmt::Set(field, value) => candidate.fields.push((*field, scope.eval(value)?)),
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
