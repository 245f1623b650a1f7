//! The policy: every rule's guard and body, every clause.

use super::expr::{
    arm, bind, check, check_condition, check_store, covers, known_reason, learn, place_of_rule,
    rule_facts,
};
use super::schema::{depth, limit, numbered, require, type_of};
use super::{At, Check, Fault, Flaw, Place, assured};
use crate::expr::{Expr, Stmt};
use crate::facts::Facts;
use crate::limits;
use crate::model::Model;
use crate::policy::{Happening, Policy, Prediction, Rule, Source, Trigger, Trust};
use crate::types::{Bounds, Type};
use std::collections::BTreeSet;

pub(super) fn verify(model: &Model) -> Result<(), Flaw> {
    let policy = &model.policy;
    counts(policy).at(|| "policy".to_owned())?;
    clauses(model).at(|| "policy".to_owned())?;
    for rule in &policy.rules {
        rule_is_sound(model, rule).at(|| format!("rule {}", rule.name))?;
    }
    for prediction in &policy.predictions {
        foretold(model, prediction).at(|| format!("predict {}", prediction.name))?;
    }
    if let Some(trust) = &policy.trust {
        trust_is_sound(model, trust).at(|| "trust".to_owned())?;
    }
    for (index, rule) in policy.rules.iter().enumerate() {
        let sound = assured::refusable(model, index).map_or(Ok(()), |why| Err(Fault::Assured(why)));
        if rule.assured {
            sound.at(|| format!("rule {}", rule.name))?;
        }
    }
    Ok(())
}

fn counts(policy: &Policy) -> Check {
    limit(policy.rules.len(), limits::DECLARATIONS, "rules")?;
    limit(policy.predictions.len(), limits::DECLARATIONS, "predictions")?;
    limit(policy.always.len(), limits::DECLARATIONS, "always clauses")?;
    limit(policy.limits.len(), limits::DECLARATIONS, "limits")?;
    limit(policy.flows.len(), limits::DECLARATIONS, "flows")?;
    limit(policy.reasons.len(), limits::DECLARATIONS, "reasons")?;
    numbered(policy.rules.iter().map(|rule| (rule.number, rule.name.as_str())))
}

fn rule_is_sound(model: &Model, rule: &Rule) -> Check {
    if let Trigger::Message(kind) = rule.on {
        require(usize::from(kind) < model.schema.messages.len(), "a message that is not declared")?;
    }
    limit(rule.locals.len(), limits::DECLARATIONS, "locals")?;
    rule.locals.iter().try_for_each(|ty| type_of(&model.schema, ty))?;
    let place = place_of_rule(model, rule);
    let mut facts = rule_facts(&place, rule)?;
    let place = Place { refuses: true, ..place };
    let mut path = Path { rule, set: BTreeSet::new(), foretold: BTreeSet::new() };
    body(&place, &rule.body, &mut facts, &mut path, limits::DEPTH)
}

/// What has been done on the way to a statement.
#[derive(Clone)]
struct Path<'r> {
    rule: &'r Rule,
    set: BTreeSet<u16>,
    foretold: BTreeSet<u16>,
}

impl Path<'_> {
    fn join(&mut self, other: Path<'_>) {
        self.set.extend(other.set);
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
    if !path.set.insert(field) {
        return Err(Fault::SetTwice(field));
    }
    if let Some(role) = declared.attested
        && !is_word_of(place.model, path.rule, value, role)
    {
        return Err(Fault::Attested(field));
    }
    check_store(place, value, &declared.ty, facts)
}

/// Whether a value is a constant, or an unchanged parameter that only this role can have sent.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
pub fn is_word_of(model: &Model, rule: &Rule, value: &Expr, role: u16) -> bool {
    match value {
        Expr::Value(_) | Expr::Variant(..) | Expr::None(_) => true,
        Expr::Some(inner) => is_word_of(model, rule, inner, role),
        Expr::Param(_) => match rule.on {
            Trigger::Message(kind) => model.schema.messages[usize::from(kind)].from == [role],
            Trigger::Tick => false,
        },
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
        let count = schema.enums[usize::from(*index)].variants.len();
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
    }
    if let Some(hosts) = &policy.hosts {
        let all = u64::MAX.checked_shr(64 - schema.capabilities.len() as u32).unwrap_or(0);
        require(hosts.need & !all == 0, "a capability that is not declared")?;
    }
    if let Some(upgrade) = &policy.upgrade {
        let known = usize::from(upgrade.role) < schema.roles.len() && upgrade.count == 1;
        require(known, "an upgrade by whom")?;
    }
    Ok(())
}

/// The laws of trust: a gain is never more than a loss, and neither leaves the bounds.
fn trust_is_sound(model: &Model, trust: &Trust) -> Check {
    const MOST: i64 = 4_000_000;
    const SECOND: i64 = 1_000_000;
    let bounds = (1..=MOST).contains(&trust.ceiling) && (1..=MOST).contains(&trust.lowest);
    let half_life = (SECOND..=3_660 * 86_400 * SECOND).contains(&trust.half_life);
    let window = trust.window_long.checked_rem(8_000) == Some(0)
        && trust.window_long >= 60 * SECOND
        && trust.window_long / 256 <= trust.half_life;
    require(bounds && half_life && window, "the bounds, half-life or window of trust")?;
    require((1..=16).contains(&trust.sources), "the sources of trust")?;
    let most = trust.gains.iter().map(|gain| gain.amount).max().unwrap_or(0);
    let least = trust.losses.iter().map(|loss| loss.amount).min().unwrap_or(i64::MAX);
    let gains = trust.gains.iter().all(|gain| (1_000..=trust.ceiling).contains(&gain.amount));
    let losses = trust.losses.iter().all(|loss| (1_000..=trust.lowest).contains(&loss.amount));
    require(gains && losses && most <= least, "the amounts of trust")?;
    let once = |scores: &[crate::policy::Score]| {
        scores.iter().enumerate().all(|(k, score)| scores[..k].iter().all(|s| s.on != score.on))
    };
    require(once(&trust.gains) && once(&trust.losses), "two amounts for one happening")?;
    for score in trust.gains.iter().chain(&trust.losses) {
        let (index, count) = match score.on {
            Happening::Kept(p) | Happening::Broken(p) | Happening::Lapsed(p) => {
                (p, model.policy.predictions.len())
            }
            Happening::Rule(rule) => (rule, model.policy.rules.len()),
            Happening::Refused(role) => (role, model.schema.roles.len()),
        };
        require(usize::from(index) < count, "a happening that is not declared")?;
    }
    Ok(())
}
