//! The members of an object and the clauses of its policy to the stream.
//!
//! Invariant: what may follow a member's name and type is a clause; a member that does not fit on
//! one line has one clause a line.
//!
//! Knows nothing of the order that members should have.

use super::stream::{Printer, Wrap};
use crate::token::Kind;
use crate::tree::{
    Act, Arrow, Change, Clause, ClauseKind, Cycle, Demand, Evolve, Expr, Field, HostMode, Input,
    Mark, MemberKind, Message, Name, Pause, PauseKind, Quota, Rule, Schedule, Score, Sig, Trigger,
};

impl Printer<'_> {
    pub(super) fn member(&mut self, member: &MemberKind) {
        self.group(|p| match member {
            MemberKind::Intent(_) => {
                p.lead(Kind::Intent);
                p.any();
            }
            MemberKind::Role(role) => {
                p.lead(Kind::Role);
                p.any();
                p.was(role.was.as_ref());
                if role.size.is_some() {
                    p.word(Kind::Lt);
                    p.any();
                    p.word(Kind::Gt);
                }
            }
            MemberKind::Field(field) => p.field(field),
            MemberKind::Derive(derive) => {
                p.lead(Kind::Derive);
                p.param(&derive.param);
                p.assigned(&derive.value);
            }
            MemberKind::Input(input) => p.input(input),
            MemberKind::Message(message) => p.message(message),
            MemberKind::Event(event) => {
                p.lead(Kind::Event);
                p.sig(&event.sig);
                if event.via.is_some() {
                    p.clause(|p| {
                        p.lead(Kind::Via);
                        p.any();
                    });
                }
                p.clause_of(Kind::Expires, event.expires.as_ref());
            }
            MemberKind::Cycle(cycle) => p.cycle(cycle),
            MemberKind::Pause(pause) => p.pause(pause),
            MemberKind::Children(children) => {
                p.lead(Kind::Children);
                p.any();
                p.was(children.was.as_ref());
                p.of_type(Some(&children.ty));
                if !children.split.is_empty() {
                    p.clause(|p| {
                        p.lead(Kind::Split);
                        p.names(&children.split);
                    });
                }
            }
            MemberKind::Rule(rule) => p.rule(rule),
            MemberKind::Policy(policy) => {
                p.lead(Kind::Policy);
                p.word(Kind::OpenBrace);
                p.block(Wrap::Never, &policy.clauses, Printer::policy_clause);
            }
            MemberKind::Evolve(evolve) => p.evolve(evolve),
            MemberKind::Damaged => p.fail("a member was unreadable"),
        });
    }

    /// `was name`, where there is one.
    pub(super) fn was(&mut self, was: Option<&Name>) {
        if was.is_some() {
            self.infix(Kind::Was);
            self.any();
        }
    }

    /// A word and an expression, where there is one.
    fn clause_of(&mut self, word: Kind, value: Option<&Expr>) {
        if let Some(value) = value {
            self.clause(|p| {
                p.lead(word);
                p.expr(value);
            });
        }
    }

    fn field(&mut self, field: &Field) {
        self.lead(Kind::Field);
        self.param(&field.param);
        if let Some(default) = &field.default {
            self.assigned(default);
        }
        for mark in &field.marks {
            self.clause(|p| match mark {
                Mark::AttestedBy(_) => {
                    p.lead(Kind::Attested);
                    p.lead(Kind::By);
                    p.any();
                }
                Mark::Was(_) => {
                    p.lead(Kind::Was);
                    p.any();
                }
                Mark::Once(_) | Mark::OnlyUp(_) | Mark::OnlyDown(_) | Mark::Private(_) => p.any(),
            });
        }
    }

    fn input(&mut self, input: &Input) {
        self.lead(Kind::Input);
        self.any();
        self.was(input.was.as_ref());
        self.of_type(Some(&input.ty));
        self.sender(input.from.as_ref());
        self.clause_of(Kind::Fresh, input.fresh.as_ref());
    }

    fn message(&mut self, message: &Message) {
        self.lead(Kind::Message);
        self.sig(&message.sig);
        self.clause(|p| {
            p.lead(Kind::From);
            p.names(&message.from);
        });
        self.clause_of(Kind::Waits, message.waits.as_ref());
    }

    fn sig(&mut self, sig: &Sig) {
        self.any();
        self.was(sig.was.as_ref());
        self.list(Kind::OpenParen, &sig.params, Printer::param);
    }

    fn cycle(&mut self, cycle: &Cycle) {
        self.lead(Kind::Cycle);
        if cycle.name.is_some() {
            self.any();
            self.lead(Kind::Colon);
        }
        match &cycle.schedule {
            Schedule::Every { period, most } => {
                self.lead(Kind::Every);
                self.expr(period);
                if let Some(most) = most {
                    self.infix(Kind::DotDotEq);
                    self.expr(most);
                }
            }
            Schedule::Daily { at_time } => {
                self.lead(Kind::Daily);
                self.lead(Kind::At);
                self.expr(at_time);
            }
            Schedule::Monthly { day, at_time } => {
                self.lead(Kind::Monthly);
                self.lead(Kind::On);
                self.expr(day);
                self.infix(Kind::At);
                self.expr(at_time);
            }
            Schedule::On(_) => {
                self.lead(Kind::On);
                self.any();
            }
        }
        if let Some(catch_up) = &cycle.catch_up {
            self.clause(|p| {
                p.lead(Kind::CatchUp);
                p.any();
                if catch_up.count.is_some() {
                    p.space();
                    p.any();
                }
            });
        }
    }

    fn pause(&mut self, pause: &Pause) {
        self.lead(match pause.kind {
            PauseKind::Dormant => Kind::Dormant,
            PauseKind::Ends => Kind::Ends,
        });
        self.lead(Kind::When);
        self.expr(&pause.when);
    }

    fn rule(&mut self, rule: &Rule) {
        match &rule.act {
            Act::Block(block) => {
                let header = self.header(|p| p.rule_clauses(rule));
                self.stmts(block, Wrap::Own(header));
            }
            Act::Refuse(refuse) => {
                self.rule_clauses(rule);
                self.clause(|p| p.refuse(refuse));
            }
            Act::Damaged => self.fail("a rule was unreadable"),
        }
    }

    fn rule_clauses(&mut self, rule: &Rule) {
        self.lead(Kind::Rule);
        self.any();
        self.was(rule.was.as_ref());
        self.infix(Kind::On);
        self.trigger(&rule.trigger);
        self.clause_of(Kind::When, rule.when.as_ref());
        if !rule.needs.is_empty() {
            self.clause(|p| {
                p.lead(Kind::Needs);
                p.series(&rule.needs, Printer::demand);
            });
        }
        if rule.assured.is_some() {
            self.clause(|p| p.word(Kind::Assured));
        }
    }

    fn trigger(&mut self, trigger: &Trigger) {
        self.any();
        self.part(trigger.part.as_ref());
        if let Some(params) = &trigger.params {
            self.list(Kind::OpenParen, params, |p, _| p.any());
        }
    }

    /// `.name`, where there is one.
    fn part(&mut self, part: Option<&Name>) {
        if part.is_some() {
            self.word(Kind::Dot);
            self.any();
        }
    }

    fn demand(&mut self, demand: &Demand) {
        self.expr(&demand.expr);
        if let Some(quorum) = &demand.quorum {
            self.infix(Kind::Of);
            self.names(&quorum.of);
            self.infix(Kind::Within);
            self.expr(&quorum.within);
        }
    }

    fn evolve(&mut self, evolve: &Evolve) {
        let header = self.header(|p| {
            p.lead(Kind::Evolve);
            p.lead(Kind::From);
            p.any();
        });
        self.block(Wrap::Own(header), &evolve.changes, |p, change| match change {
            Change::Set { value, .. } => {
                p.lead(Kind::Set);
                p.any();
                p.assigned(value);
            }
            Change::Discard(_) => {
                p.lead(Kind::Discard);
                p.any();
            }
        });
    }

    fn policy_clause(&mut self, clause: &Clause) {
        self.group(|p| match &clause.kind {
            ClauseKind::Flow { arrows, .. } => {
                p.lead(Kind::Flow);
                p.any();
                p.space();
                p.braced(arrows, Printer::arrow);
            }
            ClauseKind::Always { holds, .. } => {
                p.lead(Kind::Always);
                p.any();
                p.lead(Kind::Colon);
                p.expr(holds);
            }
            ClauseKind::Limit { rules, quotas, per, .. } => {
                p.lead(Kind::Limit);
                p.any();
                p.lead(Kind::Colon);
                p.names(rules);
                p.clause(|p| {
                    p.lead(Kind::To);
                    p.series(quotas, Printer::quota);
                });
                p.clause_of(Kind::Per, Some(per));
            }
            ClauseKind::Trust(scores) => {
                let header = p.header(|p| p.word(Kind::Trust));
                p.block(Wrap::Own(header), scores, Printer::score);
            }
            ClauseKind::Hosts { need, otherwise } => {
                p.lead(Kind::Hosts);
                p.lead(Kind::Need);
                p.names(need);
                p.clause(|p| {
                    p.lead(Kind::Else);
                    p.word(match otherwise {
                        HostMode::Observe => Kind::Observe,
                        HostMode::Dormant => Kind::Dormant,
                    });
                });
            }
            ClauseKind::Retain(span) => {
                p.lead(Kind::Retain);
                p.expr(span);
            }
            ClauseKind::Upgrade(demand) => {
                p.lead(Kind::Upgrade);
                p.lead(Kind::By);
                p.demand(demand);
            }
            ClauseKind::Damaged => p.fail("a clause was unreadable"),
        });
    }

    fn arrow(&mut self, arrow: &Arrow) {
        self.states(&arrow.from.names);
        self.infix(Kind::Arrow);
        self.states(&arrow.to.names);
    }

    fn states(&mut self, names: &[Name]) {
        for index in 0..names.len() {
            if index > 0 {
                self.infix(Kind::Bar);
            }
            self.any();
        }
    }

    fn quota(&mut self, quota: &Quota) {
        self.expr(&quota.amount);
        if quota.of.is_some() {
            self.infix(Kind::Of);
            self.any();
        }
    }

    fn score(&mut self, score: &Score) {
        match score {
            Score::Gain { amount, part, .. } | Score::Loss { amount, part, .. } => {
                self.any();
                self.space();
                self.expr(amount);
                self.infix(Kind::On);
                self.any();
                self.part(part.as_ref());
            }
            Score::Setting { value, .. } => {
                self.any();
                self.lead(Kind::Colon);
                self.expr(value);
            }
            Score::Damaged => self.fail("a score was unreadable"),
        }
    }
}
