//! One rule: its trigger, guard, demands and body, against the head of its object.

use crate::check::{Checker, Reach};
use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, not_yet, unknown};
use crate::policy::{Demand, Head, demand};
use crate::shape::{Def, Shape, Slot};
use aqo_grammar::tree::{self, Act, ElseStmt, StmtKind};
use aqo_model::expr::Stmt;
use aqo_model::facts::Facts;
use aqo_model::policy::{Prediction, Quorum, Reason, Rule, Trigger, TrustDemand};
use aqo_model::schema::Message;
use aqo_model::types::Type;
use aqo_model::verify;

/// A rule, and what it foretells; `None` where something is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRule {
    /// The rule, whole only if no problem is an error.
    pub rule: Option<Rule>,
    /// The predictions that it makes, in text order.
    pub predictions: Vec<Prediction>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// An object around its rules, and one of them: which, and where.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    /// What its file can name.
    pub globals: &'c Globals,
    /// The names of the object.
    pub shape: &'c Shape,
    /// Its schema and policy.
    pub head: &'c Head,
    /// The member that the rule is.
    pub part: PartId,
    /// Its index.
    pub index: u16,
}

/// What is known below a rule that let its message pass; `below` is what is known where its guard is
/// looked at. `None` where it answers no message, has no guard, or where something is wrong with that.
pub fn check_guard(ctx: Context<'_>, rule: &tree::Rule, below: Facts) -> Option<Facts> {
    let mut problems = Vec::new();
    let (on, names) = trigger(ctx.shape, ctx.head, ctx.part, rule, &mut problems)?;
    on.message()?;
    let mut checker = begun(ctx, on, names, below.clone());
    let (when, _) = checker.guard(rule.when.as_ref()?)?;
    problems.append(&mut checker.problems);
    let sound = problems.iter().all(|problem| problem.code.is_warning());
    sound.then(|| checker.let_pass(&when, below))
}

/// What checks a rule, where its guard begins; `below` is what is known there.
fn begun<'c>(
    Context { globals, shape, head, part, .. }: Context<'c>,
    on: Trigger,
    names: &[tree::Name],
    below: Facts,
) -> Checker<'c> {
    let message = on.carries().and_then(|kind| head.model.schema.messages.get(usize::from(kind)));
    let reach = if on.is_tick() { Reach::TICK } else { Reach::MESSAGE };
    let params = message.map_or(&[][..], |message| &message.params);
    let understood = |slot: fn(u16) -> Slot| {
        on.carries().is_none_or(|kind| !shape.untyped.contains(&slot(kind)))
    };
    // What has expired is nobody's word any more.
    let senders = |message: &Message| on.message().map_or(Vec::new(), |_| message.from.clone());
    let from = message.map(senders).filter(|_| understood(Slot::Sender));
    Checker::new(globals, shape, &head.model, part, reach)
        .with_facts(below)
        .with_sender(from)
        .with_limits(&head.limits)
        .with_flows(&head.flow_places)
        .with_params(names, params, understood(Slot::Message))
}

/// Checks a rule; `below` is what is known where its guard is looked at.
pub fn check_rule(ctx: Context<'_>, rule: &tree::Rule, below: Facts) -> CheckedRule {
    let Context { shape, head, part, index, .. } = ctx;
    let mut problems = Vec::new();
    let Some((on, names)) = trigger(shape, head, part, rule, &mut problems) else {
        return CheckedRule { rule: None, predictions: Vec::new(), problems };
    };
    let mut checker = begun(ctx, on, names, below);
    let when = rule.when.as_ref().and_then(|when| checker.guard(when)).map(|(when, _)| when);
    if let Some(when) = &when {
        checker.learn_guard(when);
    }
    let (needs, quorum) = demands(&mut checker, on, rule);
    let body = match &rule.act {
        Act::Block(block) => checker.block(block),
        Act::Refuse(refuse) => checker.refusal(refuse).into_iter().map(Stmt::Refuse).collect(),
        Act::Damaged => Vec::new(),
    };
    if only_refuses(rule) {
        limit_of_refusal(&mut checker, head, index, rule);
    }
    let (locals, predictions) = (checker.locals.clone(), checker.predictions.clone());
    problems.append(&mut checker.problems);
    let whole = problems.iter().all(|problem| problem.code.is_warning())
        && !matches!(rule.act, Act::Damaged);
    let name = rule.name.text.clone();
    let assured = rule.assured.is_some();
    let number = shape.rule_numbers.get(usize::from(index)).copied().unwrap_or(index);
    let checked = Rule { number, name, on, when, needs, quorum, assured, body, locals };
    CheckedRule { rule: whole.then_some(checked), predictions, problems }
}

/// What a rule demands: comparisons of trust, and the consent of one quorum.
fn demands(
    checker: &mut Checker<'_>,
    on: Trigger,
    rule: &tree::Rule,
) -> (Vec<TrustDemand>, Option<Quorum>) {
    let (mut needs, mut quorum) = (Vec::new(), None);
    for need in &rule.needs {
        let at = Loc { part: checker.part(), at: need.at };
        match demand(checker, need) {
            Some(Demand::Trust(demand)) => needs.push(demand),
            Some(Demand::Quorum(_)) if quorum.is_some() => {
                let message = "a rule asks for consent once";
                let problem = Problem::new(Code::NeedsOther, at, message);
                checker
                    .problems
                    .push(problem.help("name several roles: `needs 2 of a, b within 1h`"));
            }
            Some(Demand::Quorum(_)) if !on.is_tick() && on.message().is_none() => {
                let message = "nobody can consent to what has happened already";
                checker.problems.push(Problem::new(Code::NeedsOther, at, message));
            }
            Some(Demand::Quorum(found)) => quorum = Some(found),
            None => {}
        }
    }
    (needs, quorum)
}

/// What a rule answers to, and the names that it gives the parameters.
fn trigger<'r>(
    shape: &Shape,
    head: &Head,
    part: PartId,
    rule: &'r tree::Rule,
    problems: &mut Vec<Problem>,
) -> Option<(Trigger, &'r [tree::Name])> {
    let trigger = &rule.trigger;
    let at = Loc { part, at: trigger.at };
    let given = trigger.params.as_deref().unwrap_or(&[]);
    let bare = match (trigger.name.text.as_str(), shape.def(&trigger.name.text), &trigger.part) {
        (_, Some(Def::Prediction(index)), Some(how)) => match ending(index, how, part) {
            Ok(on) => Some(on),
            Err(problem) => {
                problems.push(*problem);
                return None;
            }
        },
        (_, Some(Def::Message(kind)), Some(how)) => {
            let message = head.model.schema.messages.get(usize::from(kind))?;
            let on = expiry(kind, message, how, part, problems)?;
            return takes(shape, message, on, given, at, problems);
        }
        (_, Some(Def::Children), Some(_)) => {
            problems.push(not_yet(at, "a rule on a child"));
            return None;
        }
        (name, _, Some(_)) => {
            let at = Loc { part, at: trigger.name.at };
            let happens = |def: &Def| matches!(def, Def::Prediction(_) | Def::Message(_));
            let known = shape.defs.iter().filter(|(_, (def, _))| happens(def));
            let known = known.map(|(name, _)| name.as_str());
            problems.push(unknown(Code::UnknownName, at, "prediction or message", name, known));
            return None;
        }
        ("tick", _, None) => Some(Trigger::Tick),
        ("arrive", _, None) => Some(Trigger::Arrive),
        (_, Some(Def::Cycle(index)), None) => Some(Trigger::Cycle(index)),
        ("upgraded", _, None) => {
            problems.push(not_yet(at, "a rule on upgrade"));
            return None;
        }
        (_, _, None) => None,
    };
    if let Some(on) = bare {
        if let Some(extra) = given.first() {
            let at = Loc { part, at: extra.at };
            problems.push(Problem::new(Code::Arguments, at, "this carries nothing"));
        }
        return Some((on, &[]));
    }
    let Some(Def::Message(kind)) = shape.def(&trigger.name.text) else {
        let messages = head.model.schema.messages.iter().map(|message| message.name.as_str());
        let at = Loc { part, at: trigger.name.at };
        let cycles = head.model.schema.cycles.iter().filter_map(|cycle| cycle.name.as_deref());
        let known = messages.chain(["tick", "arrive"]).chain(cycles);
        problems.push(unknown(Code::UnknownName, at, "message", &trigger.name.text, known));
        return None;
    };
    let message = head.model.schema.messages.get(usize::from(kind))?;
    takes(shape, message, Trigger::Message(kind), given, at, problems)
}

/// A rule that names what a message carries.
fn takes<'r>(
    shape: &Shape,
    message: &Message,
    on: Trigger,
    given: &'r [tree::Name],
    at: Loc,
    problems: &mut Vec<Problem>,
) -> Option<(Trigger, &'r [tree::Name])> {
    if message.params.len() != given.len() {
        let what = if on.message().is_some() { "" } else { ".expired" };
        let mut problem = other_count(message, what, given.len(), at);
        let declared = shape.place_of(&message.name);
        problem.related.extend(declared.map(|place| (place, "declared here".to_owned())));
        problems.push(problem);
        return None;
    }
    Some((on, given))
}

/// `message.expired`
fn expiry(
    kind: u16,
    message: &Message,
    how: &tree::Name,
    part: PartId,
    problems: &mut Vec<Problem>,
) -> Option<Trigger> {
    let at = Loc { part, at: how.at };
    if how.text != "expired" {
        let known = ["expired"].into_iter();
        problems.push(unknown(Code::UnknownName, at, "end of a message", &how.text, known));
        return None;
    }
    if message.waits.is_none() {
        let text = format!("`{}` does not wait, so it never expires", message.name);
        let problem = Problem::new(Code::NeverHappens, at, text);
        problems.push(problem.help("say how long it may: `waits 1h` after its `from`"));
        return None;
    }
    Some(Trigger::Expired(kind))
}

/// How a prediction ends.
fn ending(index: u16, how: &tree::Name, part: PartId) -> Result<Trigger, Box<Problem>> {
    match how.text.as_str() {
        "kept" => Ok(Trigger::Kept(index)),
        "broken" => Ok(Trigger::Broken(index)),
        "lapsed" => Ok(Trigger::Lapsed(index)),
        other => {
            let at = Loc { part, at: how.at };
            let known = ["kept", "broken", "lapsed"].into_iter();
            Err(Box::new(unknown(Code::UnknownName, at, "end of a prediction", other, known)))
        }
    }
}

/// A rule that names more or fewer values than its message carries.
fn other_count(message: &Message, what: &str, given: usize, at: Loc) -> Problem {
    let names: Vec<&str> = message.params.iter().map(|param| param.name.as_str()).collect();
    let wanted = format!("on {}{what}({})", message.name, names.join(", "));
    let carried = counted(names.len());
    let text = format!("`{}` carries {carried}, and this rule names {given}", message.name);
    Problem::new(Code::Arguments, at, text).help(format!("write `{wanted}`"))
}

fn counted(values: usize) -> String {
    match values {
        0 => "nothing".to_owned(),
        1 => "1 value".to_owned(),
        more => format!("{more} values"),
    }
}

/// Whether each way through a rule ends in a refusal, so that it never commits.
pub(crate) fn only_refuses(rule: &tree::Rule) -> bool {
    match &rule.act {
        Act::Block(block) => always_refuses(block),
        Act::Refuse(_) => true,
        Act::Damaged => false,
    }
}

fn always_refuses(block: &tree::Block) -> bool {
    block.stmts.iter().any(|stmt| match &stmt.kind {
        StmtKind::Refuse(_) => true,
        StmtKind::If(stmt) => both_refuse(stmt),
        StmtKind::Match { arms, .. } => arms.iter().all(|arm| always_refuses(&arm.block)),
        StmtKind::Let(_)
        | StmtKind::Set { .. }
        | StmtKind::Add { .. }
        | StmtKind::Remove { .. }
        | StmtKind::Emit(_)
        | StmtKind::Predict { .. }
        | StmtKind::Tell { .. }
        | StmtKind::Spawn { .. }
        | StmtKind::Close { .. }
        | StmtKind::Damaged => false,
    })
}

fn both_refuse(stmt: &tree::IfStmt) -> bool {
    let otherwise = match stmt.otherwise.as_deref() {
        Some(ElseStmt::Block(block)) => always_refuses(block),
        Some(ElseStmt::If(stmt)) => both_refuse(stmt),
        None => false,
    };
    otherwise && always_refuses(&stmt.then)
}

/// A rule that only refuses never commits, so a limit of it counts nothing.
fn limit_of_refusal(checker: &mut Checker<'_>, head: &Head, index: u16, rule: &tree::Rule) {
    let limits = head.model.policy.limits.iter().zip(&head.limit_places);
    for (_, place) in limits.filter(|(limit, _)| limit.rules.contains(&index)) {
        let at = Loc { part: checker.part(), at: rule.name.at };
        let message = format!("`{}` only refuses, so a limit of it counts nothing", rule.name.text);
        checker
            .problems
            .push(Problem::new(Code::LimitOfRefusal, at, message).related(*place, "this limit"));
    }
    if !rule.needs.is_empty() {
        let at = Loc { part: checker.part(), at: rule.name.at };
        checker.problems.push(Problem::new(
            Code::LimitOfRefusal,
            at,
            "a rule that only refuses demands nothing",
        ));
    }
}

/// Says in words what could refuse an assured rule.
pub fn refusable_problem(
    head: &Head,
    rules: &[Rule],
    index: usize,
    at: Loc,
    why: &verify::Refusable,
) -> Problem {
    let name = &rules[index].name;
    let base = |message: String| Problem::new(Code::Refusable, at, message).label("assured");
    let variant = |flow: usize, number: u16| {
        let field = &head.model.schema.fields[usize::from(head.model.policy.flows[flow].field)];
        let Type::Enum(e) = field.ty else { return number.to_string() };
        head.model.schema.types.enums[usize::from(e)].variants[usize::from(number)].name.clone()
    };
    match why {
        verify::Refusable::Guard => {
            base(format!("`{name}` need not take its message: it has a guard"))
                .help("move the condition into the body: `{ if … { … } }`")
        }
        verify::Refusable::Demand => {
            base(format!("`{name}` demands trust or consent, which may be missing"))
                .help("remove `needs`: what is assured demands nothing")
        }
        verify::Refusable::Limit(limit) => {
            base(format!("`{name}` is under a limit, which may be full"))
                .related(head.limit_places[*limit], "this limit")
                .help("take the rule out of the limit")
        }
        verify::Refusable::Own(reason) => {
            let reason = head.model.policy.reason_name(Reason(*reason)).to_owned();
            base(format!("`{name}` may refuse by itself: `{reason}`")).help(
                "answer with a value, or with `clamp`; what may have no place is not changed here",
            )
        }
        verify::Refusable::Flow(flow, from, to) => {
            let (from, to) = (variant(*flow, *from), variant(*flow, *to));
            base(format!("`{name}` may be refused by this flow: {from} -> {to} is not allowed"))
                .related(head.flow_places[*flow], format!("allow `{from} -> {to}` here"))
                .help("allow the transition, or leave the field alone in that state")
        }
        verify::Refusable::Always(clause) => {
            base(format!("`{name}` may be refused by this `always`"))
                .related(head.always_places[*clause], "not proved for what the rule sets")
                .help("set what the clause needs as well, or act only where it holds")
        }
        verify::Refusable::Paths => base(format!("`{name}` has too many ways through its body"))
            .help("split it into several rules, or choose values with `if` in place of paths"),
    }
}
