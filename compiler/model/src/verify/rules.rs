//! The policy: every rule's guard and body, every clause.

use super::expr::{
    Below, arm, bind, check, check_condition, check_store, covers, from_the_top, known_reason,
    place_of_rule, rule_facts,
};
use super::learn::learn;
use super::schema::{depth, limit, numbered, require, type_of};
use super::{At, Check, Fault, Flaw, Place, assured};
use crate::expr::{Edit, Expr, Step, Stmt};
use crate::facts::{Facts, Interval, expr_of};
use crate::limits;
use crate::model::Model;
use crate::policy::{Limit, Policy, Prediction, Quorum, Rule, Source, Sum, Trigger};
use crate::schema::{Change, Role};
use crate::types::{Bounds, Kind, NEVER, Type};
use crate::wake;
use std::collections::BTreeSet;

pub(super) fn verify(model: &Model) -> Result<(), Flaw> {
    let policy = &model.policy;
    counts(policy).at(|| "policy".to_owned())?;
    clauses(model).at(|| "policy".to_owned())?;
    let mut below = Below::new(model);
    for (index, rule) in policy.rules.iter().enumerate() {
        rule_is_sound(model, index, &below).at(|| format!("rule {}", rule.name))?;
        below.pass(model, rule);
    }
    for prediction in &policy.predictions {
        foretold(model, prediction).at(|| format!("predict {}", prediction.name))?;
    }
    if let Some(trust) = &policy.trust {
        super::trust::verify(model, trust).at(|| "trust".to_owned())?;
    }
    for (index, rule, below) in from_the_top(model).filter(|(_, rule, _)| rule.assured) {
        if let Some(why) = assured::refusable(model, index, &below) {
            return Err(Fault::Assured(why)).at(|| format!("rule {}", rule.name));
        }
    }
    let conditions = wake::wakes(model).conditions.len();
    limit(conditions, limits::CONDITIONS, "conditions of a cycle on time").at(|| "cycle".to_owned())
}

fn counts(policy: &Policy) -> Check {
    limit(policy.rules.len(), limits::DECLARATIONS, "rules")?;
    limit(policy.predictions.len(), limits::DECLARATIONS, "predictions")?;
    limit(policy.always.len(), limits::DECLARATIONS, "always clauses")?;
    limit(policy.limits.len(), limits::DECLARATIONS, "limits")?;
    limit(policy.flows.len(), limits::DECLARATIONS, "flows")?;
    limit(policy.reasons.len(), limits::DECLARATIONS, "reasons")?;
    let reasons = &policy.reason_numbers;
    let fit = reasons.fit(policy.reasons.len()) && reasons.highest() <= limits::NUMBER;
    require(fit, "the stable numbers of reasons")?;
    // They stand in order of election.
    let mut rules: Vec<_> = policy.rules.iter().map(|r| (r.number, r.name.as_str())).collect();
    rules.sort_unstable();
    numbered(rules.into_iter())
}

fn rule_is_sound(model: &Model, number: usize, below: &Below) -> Check {
    let rule = &model.policy.rules[number];
    let (index, count) = match rule.on {
        Trigger::Tick | Trigger::Arrive => (0, 1),
        Trigger::Cycle(index) => (index, model.schema.cycles.len()),
        Trigger::Message(index) | Trigger::Expired(index) => (index, model.schema.messages.len()),
        Trigger::Kept(index) | Trigger::Broken(index) | Trigger::Lapsed(index) => {
            (index, model.policy.predictions.len())
        }
    };
    require(usize::from(index) < count, "a trigger that is not declared")?;
    if let Trigger::Expired(kind) = rule.on {
        let waits = model.schema.messages[usize::from(kind)].waits;
        require(waits.is_some(), "the expiry of a message that does not wait")?;
    }
    let asks = rule.on.is_tick() || rule.on.message().is_some();
    require(asks || rule.quorum.is_none(), "consent to what has happened")?;
    limit(rule.locals.len(), limits::DECLARATIONS, "locals")?;
    rule.locals.iter().try_for_each(|ty| type_of(&model.schema, ty))?;
    let place = place_of_rule(model, rule);
    let mut facts = rule_facts(&place, rule, below)?;
    if let Some(quorum) = &rule.quorum {
        quorum_is_sound(model, quorum)?;
    }
    for (_, sum, amount) in model.policy.sums_of(u16::try_from(number).unwrap_or(u16::MAX)) {
        depth(amount)?;
        let amount = check(&place, amount, &facts)?;
        let within = Interval { low: 0, high: sum.each.into() };
        require(amount.kind == Kind::Number && !amount.partial, "an amount that is no number")?;
        let found = amount.interval.unwrap_or(Interval::I64);
        if !found.is_within(within) {
            return Err(Fault::Bounds { found, allowed: within });
        }
    }
    let place = Place { refuses: true, ..place };
    let mut path =
        Path { rule, set: BTreeSet::new(), bound: BTreeSet::new(), foretold: BTreeSet::new() };
    body(&place, &rule.body, &mut facts, &mut path, limits::DEPTH)
}

/// What has been done on the way to a statement.
#[derive(Clone)]
struct Path<'r> {
    rule: &'r Rule,
    /// The way to each part that is set: a field, then parts of records.
    set: BTreeSet<Vec<u16>>,
    bound: BTreeSet<u16>,
    foretold: BTreeSet<u16>,
}

impl Path<'_> {
    fn join(&mut self, other: Path<'_>) {
        self.set.extend(other.set);
        self.bound.extend(other.bound);
        self.foretold.extend(other.foretold);
    }
}

fn body(
    place: &Place<'_>,
    stmts: &[Stmt],
    facts: &mut Facts,
    path: &mut Path<'_>,
    left: usize,
) -> Check {
    let left = left.checked_sub(1);
    let left = left.ok_or(Fault::Limit { what: "levels of statements", most: limits::DEPTH })?;
    for stmt in stmts {
        stmt.exprs().into_iter().try_for_each(depth)?;
        match stmt {
            Stmt::Let(local, value) => {
                let checked = check(place, value, facts)?;
                if checked.partial {
                    return Err(Fault::Partial);
                }
                bind(place, *local, value, &checked, facts)?;
            }
            Stmt::Set(field, value) => set(place, *field, value, facts, path)?,
            Stmt::Edit(field, path_to, edit, reason) => {
                change(place, (*field, path_to, edit, *reason), facts, path)?;
            }
            Stmt::Bind(role, edit, reason) => {
                bind_role(place, (*role, edit, *reason), facts, path)?;
            }
            Stmt::Emit(event, args) => {
                let event = place.model.schema.events.get(usize::from(*event));
                let event = event.ok_or(Fault::Structure("an event that is not declared"))?;
                require(event.params.len() == args.len(), "one argument for each parameter")?;
                for (param, arg) in event.params.iter().zip(args) {
                    check_store(place, arg, &param.ty, facts)?;
                }
            }
            Stmt::Predict(index, captures) => {
                let prediction = place.model.policy.predictions.get(usize::from(*index));
                let prediction =
                    prediction.ok_or(Fault::Structure("a prediction that is not declared"))?;
                require(path.foretold.insert(*index), "a prediction made twice on one path")?;
                require(prediction.captures.len() == captures.len(), "one value for each capture")?;
                for (ty, capture) in prediction.captures.iter().zip(captures) {
                    check_store(place, capture, ty, facts)?;
                }
            }
            Stmt::Refuse(reason) => known_reason(place.model, *reason)?,
            Stmt::If(cond, then, otherwise) => {
                branches(place, cond, [then, otherwise], facts, path, left)?;
            }
            Stmt::Match(subject, arms) => {
                let checked = check(place, subject, facts)?;
                if checked.partial {
                    return Err(Fault::Partial);
                }
                let start = path.clone();
                let mut rest = facts.clone();
                for (shapes, stmts) in arms {
                    let mut arm_facts = arm(place, subject, &checked, shapes, &mut rest)?;
                    let mut arm_path = start.clone();
                    body(place, stmts, &mut arm_facts, &mut arm_path, left)?;
                    path.join(arm_path);
                }
                covers(place, &checked, arms.iter().map(|(shapes, _)| &shapes[..]))?;
            }
        }
    }
    Ok(())
}

/// Both branches of an `if`. After one that always refuses, the other was taken.
fn branches(
    place: &Place<'_>,
    cond: &Expr,
    [then, otherwise]: [&[Stmt]; 2],
    facts: &mut Facts,
    path: &mut Path<'_>,
    left: usize,
) -> Check {
    let (mut then_facts, mut else_facts) = (facts.clone(), facts.clone());
    check_condition(place, cond, &mut then_facts)?;
    learn(place, cond, false, &mut else_facts);
    let mut other = path.clone();
    body(place, then, &mut then_facts, path, left)?;
    body(place, otherwise, &mut else_facts, &mut other, left)?;
    path.join(other);
    if Stmt::always_refuse(then) {
        learn(place, cond, false, facts);
    } else if Stmt::always_refuse(otherwise) {
        learn(place, cond, true, facts);
    }
    Ok(())
}

fn set(
    place: &Place<'_>,
    field: u16,
    value: &Expr,
    facts: &mut Facts,
    path: &mut Path<'_>,
) -> Check {
    let declared = place.model.schema.fields.get(usize::from(field));
    let declared = declared.ok_or(Fault::Structure("a field that is not declared"))?;
    path.take(field, vec![field])?;
    if let Some(role) = declared.attested
        && !is_word_of(place.model, path.rule, value, role)
    {
        return Err(Fault::Attested(field));
    }
    check_store(place, value, &declared.ty, facts)?;
    if changes_as_declared(place, field, value, facts)? {
        Ok(())
    } else {
        Err(Fault::Change(field))
    }
}

/// Whether a store keeps to what the field's declaration says of its changes. The store is sound.
pub fn changes_as_declared(
    place: &Place<'_>,
    field: u16,
    value: &Expr,
    facts: &Facts,
) -> Result<bool, Fault> {
    let before = Expr::Field(field);
    match place.model.schema.fields[usize::from(field)].change {
        Change::Any => Ok(true),
        Change::Once => Ok(facts.possible(&before, 2) == 1),
        Change::Up => moves(place, &before, value, true, facts),
        Change::Down => moves(place, &before, value, false, facts),
    }
}

/// Whether a value is, where its rule goes on, nothing less than a field, or nothing more.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is known of a few of many shapes")]
fn moves(
    place: &Place<'_>,
    field: &Expr,
    value: &Expr,
    up: bool,
    facts: &Facts,
) -> Result<bool, Fault> {
    let goes = |value: &Expr| moves(place, field, value, up, facts);
    // What is added is of the right sign.
    let signed = |value: &Expr, up: bool| -> Check<bool> {
        let interval = check(place, value, facts)?.interval;
        Ok(interval.is_some_and(|known| if up { known.low >= 0 } else { known.high <= 0 }))
    };
    Ok(match value {
        Expr::Else(value, otherwise) if matches!(**otherwise, Expr::Refuse(_)) => goes(value)?,
        Expr::Fit(value, ..) => goes(value)?,
        Expr::Else(a, b) => goes(a)? && goes(b)?,
        Expr::Max(a, b) if up => goes(a)? || goes(b)?,
        Expr::Min(a, b) if !up => goes(a)? || goes(b)?,
        Expr::Max(a, b) | Expr::Min(a, b) => goes(a)? && goes(b)?,
        Expr::Add(a, b) if goes(a)? => signed(b, up)?,
        Expr::Add(a, b) if goes(b)? => signed(a, up)?,
        Expr::Sub(a, b) if goes(a)? => signed(b, !up)?,
        Expr::If(cond, a, b) => {
            let (mut then, mut otherwise) = (facts.clone(), facts.clone());
            learn(place, cond, true, &mut then);
            learn(place, cond, false, &mut otherwise);
            moves(place, field, a, up, &then)? && moves(place, field, b, up, &otherwise)?
        }
        value if value == field => true,
        value => {
            let (from, to) = if up { (field, value) } else { (value, field) };
            let difference = Expr::Sub(Box::new(to.clone()), Box::new(from.clone()));
            // A difference beyond 64 bits shows nothing.
            let shape = check(place, &difference, facts).ok().and_then(|known| known.interval);
            let of = |atom| check(place, &expr_of(atom)?, facts).ok()?.interval;
            let sum = facts.difference(to, from, &of);
            shape.into_iter().chain(sum).any(|interval| interval.low >= 0)
        }
    })
}

fn change(
    place: &Place<'_>,
    (field, way, edit, reason): (u16, &[Step], &Edit, Option<u16>),
    facts: &mut Facts,
    path: &mut Path<'_>,
) -> Check {
    let model = place.model;
    let declared = model.schema.fields.get(usize::from(field));
    let declared = declared.ok_or(Fault::Structure("a field that is not declared"))?;
    reason.map_or(Ok(()), |reason| known_reason(model, reason))?;
    require(!way.is_empty() || !matches!(edit, Edit::Put(_)), "an edit of a whole field")?;
    require(declared.change == Change::Any, "an edit of a field that changes as a whole")?;
    let mut words = vec![edit.value()];
    let mut part = vec![field];
    let mut is_static = true;
    for step in way {
        match step {
            Step::Part(index) if is_static => part.push(*index),
            Step::Part(_) => {}
            Step::At(key) => {
                is_static = false;
                words.push(key);
            }
        }
    }
    path.take(field, part)?;
    if let Some(role) = declared.attested
        && !words.iter().all(|word| is_word_of(model, path.rule, word, role))
    {
        return Err(Fault::Attested(field));
    }
    let may_fail = place_of_edit(place, field, way, edit, facts)?;
    if may_fail && reason.is_none() { Err(Fault::Partial) } else { Ok(()) }
}

/// Checks an edit; gives whether there may be no place for it.
pub fn place_of_edit(
    place: &Place<'_>,
    field: u16,
    way: &[Step],
    edit: &Edit,
    facts: &Facts,
) -> Result<bool, Fault> {
    let types = &place.model.schema.types;
    let mut ty = &place.model.schema.fields[usize::from(field)].ty;
    let mut may_fail = false;
    for (k, step) in way.iter().enumerate() {
        let is_last = k + 1 == way.len();
        match (step, ty) {
            (Step::Part(part), Type::Record(index)) => {
                let declared = types.parts(*index).get(usize::from(*part));
                ty = &declared.ok_or(Fault::Structure("a part that is not declared"))?.ty;
            }
            (Step::At(key), Type::List { item, .. }) => {
                let checked = check(place, key, facts)?;
                require(checked.kind == Kind::Number, "a place that is no number")?;
                require(!checked.partial, "a place that can fail")?;
                may_fail = true;
                ty = item;
            }
            (Step::At(key), Type::Map { key: wanted, value, max }) => {
                check_store(place, key, wanted, facts)?;
                let adds = is_last && matches!(edit, Edit::Put(_));
                let holds_all = wanted.count(types).is_some_and(|few| few <= usize::from(*max));
                let len = Expr::Len(Box::new(Expr::Field(field)));
                let room = way.len() == 1 && has_room(place, &len, *max, facts)?;
                may_fail |= !(adds && (holds_all || room));
                ty = value;
            }
            (Step::Part(_) | Step::At(_), _) => {
                return Err(Fault::Structure("a step into what has no such parts"));
            }
        }
    }
    match edit {
        Edit::Put(value) => check_store(place, value, ty, facts)?,
        Edit::Add(value) => {
            let (Type::List { item, max } | Type::Ring { item, max } | Type::Set { item, max }) =
                ty
            else {
                return Err(Fault::Structure("an `add` to what takes nothing in"));
            };
            check_store(place, value, item, facts)?;
            let holds_all = matches!(ty, Type::Set { .. })
                && item.count(types).is_some_and(|few| few <= usize::from(*max));
            let len = Expr::Len(Box::new(Expr::Field(field)));
            let room = way.is_empty() && has_room(place, &len, *max, facts)?;
            may_fail |= !(holds_all || room || matches!(ty, Type::Ring { .. }));
        }
        Edit::Remove(value) => {
            let (Type::Set { item, .. } | Type::Map { key: item, .. }) = ty else {
                return Err(Fault::Structure("a `remove` from what is no set and no map"));
            };
            check_store(place, value, item, facts)?;
        }
    }
    Ok(may_fail)
}

/// Whether facts say that a collection is not full.
fn has_room(place: &Place<'_>, len: &Expr, max: u16, facts: &Facts) -> Check<bool> {
    let known = check(place, len, facts)?.interval;
    Ok(known.is_some_and(|known| known.high < i128::from(max)))
}

impl Path<'_> {
    /// Notes that a part is set: neither it, nor what holds it, nor what it holds may be set again.
    fn take(&mut self, field: u16, part: Vec<u16>) -> Check {
        let overlaps = |set: &Vec<u16>| set.starts_with(&part) || part.starts_with(set);
        if self.set.iter().any(overlaps) {
            return Err(Fault::SetTwice(field));
        }
        self.set.insert(part);
        Ok(())
    }
}

/// A role is bound anew, by a signed message alone, once on a path.
fn bind_role(
    place: &Place<'_>,
    (role, edit, reason): (u16, &Edit, Option<u16>),
    facts: &Facts,
    path: &mut Path<'_>,
) -> Check {
    let model = place.model;
    let declared = model.schema.roles.get(usize::from(role));
    let declared = declared.ok_or(Fault::Structure("a role that is not declared"))?;
    require(place.sender, "a role is bound by a signed message alone")?;
    require(path.bound.insert(role), "a role bound twice on one path")?;
    reason.map_or(Ok(()), |reason| known_reason(model, reason))?;
    check_store(place, edit.value(), &Type::Key, facts)?;
    match (edit, declared.max) {
        (Edit::Put(_), None) | (Edit::Remove(_), Some(_)) => Ok(()),
        (Edit::Add(_), Some(_)) if reason.is_some() => Ok(()),
        (Edit::Add(_), Some(_)) => Err(Fault::Partial),
        (Edit::Put(_), Some(_)) | (Edit::Add(_) | Edit::Remove(_), None) => {
            Err(Fault::Structure("another change of a role than its kind knows"))
        }
    }
}

fn quorum_is_sound(model: &Model, quorum: &Quorum) -> Check {
    require(quorum.roles.is_sorted_by(|a, b| a < b), "roles out of order")?;
    let sizes =
        quorum.roles.iter().map(|role| model.schema.roles.get(usize::from(*role)).map(Role::size));
    let sizes: Option<Vec<usize>> = sizes.collect();
    let closed = |role: &u16| model.schema.roles.get(usize::from(*role)).is_none_or(|r| !r.open);
    require(quorum.roles.iter().all(closed), "the consent of anyone")?;
    let all: usize = sizes.ok_or(Fault::Structure("a role that is not declared"))?.iter().sum();
    limit(all, limits::VOTERS, "keys that may consent to one rule")?;
    require((1..=all).contains(&usize::from(quorum.count)), "consent of more keys than there are")?;
    require((0..=Bounds::DURATION.high / 16).contains(&quorum.within), "the time for consent")
}

/// Whether a value is a constant, or an unchanged parameter that only this role can have sent.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
pub fn is_word_of(model: &Model, rule: &Rule, value: &Expr, role: u16) -> bool {
    match value {
        Expr::Value(_) | Expr::None(_) => true,
        Expr::Variant(_, _, parts) | Expr::Record(_, parts) | Expr::List(_, parts) => {
            parts.iter().all(|part| is_word_of(model, rule, part, role))
        }
        Expr::Some(inner) => is_word_of(model, rule, inner, role),
        Expr::Param(_) => {
            let message = rule.on.message().map(|kind| &model.schema.messages[usize::from(kind)]);
            message.is_some_and(|message| message.from == [role])
        }
        _ => false,
    }
}

fn foretold(model: &Model, prediction: &Prediction) -> Check {
    prediction
        .captures
        .iter()
        .chain(&prediction.locals)
        .try_for_each(|ty| type_of(&model.schema, ty))?;
    limit(prediction.captures.len(), limits::PARAMETERS, "captured values")?;
    require(
        (1..=Bounds::DURATION.high / 16).contains(&prediction.span),
        "the span of a prediction",
    )?;
    depth(&prediction.holds)?;
    let place = Place {
        captures: &prediction.captures,
        locals: &prediction.locals,
        inputs: true,
        derives: model.schema.derives.len(),
        ..Place::of_derive(model)
    };
    check_condition(&place, &prediction.holds, &mut Facts::default())?;
    match prediction.source {
        Some(Source::Input(index)) => {
            require(usize::from(index) < model.schema.inputs.len(), "an input that is not declared")
        }
        Some(Source::Field(index)) => {
            let field = model.schema.fields.get(usize::from(index));
            require(
                field.is_some_and(|field| field.attested.is_some()),
                "a source that nobody attests",
            )
        }
        None => Ok(()),
    }
}

fn clauses(model: &Model) -> Check {
    let (schema, policy) = (&model.schema, &model.policy);
    let mut seen = BTreeSet::new();
    for flow in &policy.flows {
        let field = schema.fields.get(usize::from(flow.field));
        let Some(Type::Enum(index)) = field.map(|field| &field.ty) else {
            return Err(Fault::Structure("a flow of what is no enum field"));
        };
        require(seen.insert(flow.field), "two flows of one field")?;
        let count = schema.types.enums[usize::from(*index)].variants.len();
        require(flow.next.len() == count, "a flow with another number of states than its enum")?;
    }
    for clause in &policy.always {
        known_reason(model, clause.reason)?;
        clause.locals.iter().try_for_each(|ty| type_of(schema, ty))?;
        depth(&clause.holds)?;
        check_condition(
            &Place::of_always(model, &clause.locals),
            &clause.holds,
            &mut Facts::default(),
        )?;
    }
    for limit in &policy.limits {
        known_reason(model, limit.reason)?;
        require((1..=limits::LIMIT_COUNT).contains(&limit.count), "the count of a limit")?;
        require((1..=Bounds::DURATION.high).contains(&limit.per), "the window of a limit")?;
        require(limit.rules.is_sorted_by(|a, b| a < b), "rules of a limit out of order")?;
        let known = limit.rules.iter().all(|rule| usize::from(*rule) < policy.rules.len());
        require(known, "a limit of a rule that is not declared")?;
        limit.sum.iter().try_for_each(|sum| sum_is_sound(model, limit, sum))?;
    }
    if let Some(hosts) = &policy.hosts {
        let all = u64::MAX.checked_shr(64 - schema.capabilities.len() as u32).unwrap_or(0);
        require(hosts.need & !all == 0, "a capability that is not declared")?;
    }
    for pause in policy.dormant.iter().chain(&policy.ends) {
        pause.locals.iter().try_for_each(|ty| type_of(schema, ty))?;
        depth(&pause.holds)?;
        let derives = schema.derives.len();
        let place = Place { locals: &pause.locals, derives, ..Place::of_derive(model) };
        check_condition(&place, &pause.holds, &mut Facts::default())?;
    }
    let window = policy.trust.as_ref().map_or(1, |trust| trust.window_long);
    let kept = policy.retain.is_none_or(|span| (window..=NEVER).contains(&span));
    require(kept, "entries kept for less than the windows of trust")?;
    policy.upgrade.iter().try_for_each(|quorum| quorum_is_sound(model, quorum))
}

fn sum_is_sound(model: &Model, limit: &Limit, sum: &Sum) -> Check {
    require(sum.of.len() == limit.rules.len(), "one amount for each rule of a limit")?;
    require(sum.each >= 0 && sum.highest >= 0, "a sum of less than nothing")?;
    let all = sum.each.checked_mul(i64::from(limit.count));
    require(all.is_some(), "amounts whose sum leaves 64 bits")?;
    sum.locals.iter().try_for_each(|ty| type_of(&model.schema, ty))?;
    depth(&sum.most)?;
    let most = check(&Place::of_always(model, &sum.locals), &sum.most, &Facts::default())?;
    require(most.kind == Kind::Number && !most.partial, "the sum of a limit is a number")?;
    let known = most.interval.is_some_and(|interval| interval.high == sum.highest.max(0).into());
    require(known, "the highest sum of a limit is another")
}
