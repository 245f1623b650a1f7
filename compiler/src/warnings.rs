//! What compiles and is probably not meant.

mod order;

use crate::codes::Code;
use crate::diagnostic::Problem;
use crate::shape::Shape;
use aqo_model::Model;
use aqo_model::expr::{Expr, Stmt};
use aqo_model::facts::{Atom, Facts};
use aqo_model::policy::{Happening, Measure, Rule, Trigger};
use aqo_model::schema::{Cycle, Default, Message, Schedule};
use aqo_model::text::show_decimal;
use aqo_model::types::Type;
use aqo_model::value::Value;
use aqo_model::verify;
use aqo_model::wake;

/// The warnings of a whole object.
pub fn warnings(shape: &Shape, model: &Model) -> Vec<Problem> {
    let mut problems = open_messages(shape, model);
    problems.extend(restless(shape, model));
    problems.extend(own_words(shape, model));
    problems.extend(shut_trust(shape, model));
    problems.extend(keeps_on(shape, model));
    problems.extend(untold(shape, model));
    problems.extend(order::serves_above(shape, model));
    problems.extend(open_hands(shape, model));
    problems
}

/// A message with two or more rules of which none need take it is refused `no_rule` where all
/// guards are false.
fn open_messages(shape: &Shape, model: &Model) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (kind, message) in model.schema.messages.iter().enumerate() {
        let answers = |rule: &&aqo_model::policy::Rule| rule.on == Trigger::Message(kind as u16);
        let rules: Vec<_> = model.policy.rules.iter().filter(answers).collect();
        // One that waits is left untaken on purpose.
        if rules.len() < 2 || message.waits.is_some() {
            continue;
        }
        let mut facts = only_declared(model, message);
        for rule in &rules {
            match &rule.when {
                Some(when) => facts.assume(when, false),
                None => facts.assume(&Expr::Value(aqo_model::value::Value::Bool(true)), false),
            }
        }
        let place = shape.place_of(&message.name);
        if let (false, Some(at)) = (facts.is_impossible(), place) {
            let text = format!(
                "`{}` may be left untaken: the guards of its rules may all be false",
                message.name
            );
            problems.push(Problem::new(Code::OpenMessage, at, text).help(
                "it is refused `no_rule` then; end with a rule without `when` to say so yourself",
            ));
        }
    }
    problems
}

/// What is known before any guard: fields and parameters are what their types have, and nothing else.
fn only_declared(model: &Model, message: &Message) -> Facts {
    let schema = &model.schema;
    let fields = schema.fields.iter().map(|field| &field.ty).zip((0..).map(Atom::Field));
    let params = message.params.iter().map(|param| &param.ty).zip((0..).map(Atom::Param));
    let mut facts = Facts::default();
    for (ty, atom) in fields.chain(params) {
        let count = match ty {
            Type::Enum(index) => schema.types.enums[usize::from(*index)].variants.len(),
            Type::Bool | Type::Option(_) => 2,
            Type::Number { .. }
            | Type::Duration(_)
            | Type::Instant(_)
            | Type::Text { .. }
            | Type::Bytes { .. }
            | Type::Key
            | Type::Hash
            | Type::Record(_)
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. } => continue,
        };
        facts.restrict(atom, u64::MAX >> (64 - count.clamp(1, 64)));
    }
    facts
}

/// A rule on ticks in seconds or hours that acts without a guard, and no limit of it: every tick leaves
/// an entry.
fn restless(shape: &Shape, model: &Model) -> Vec<Problem> {
    let mut problems = Vec::new();
    let beats =
        |cycle: &Cycle| matches!(cycle.schedule, Schedule::Every(_) | Schedule::Backoff { .. });
    let cycles = &model.schema.cycles;
    for (index, rule) in model.policy.rules.iter().enumerate() {
        let on_beat = match rule.on {
            Trigger::Tick => cycles.iter().any(beats),
            Trigger::Cycle(cycle) => cycles.get(usize::from(cycle)).is_some_and(beats),
            Trigger::Message(_)
            | Trigger::Expired(_)
            | Trigger::Kept(_)
            | Trigger::Broken(_)
            | Trigger::Lapsed(_)
            | Trigger::Arrive => false,
        };
        let number = u16::try_from(index).unwrap_or(u16::MAX);
        let limited = model.policy.limits.iter().any(|limit| limit.rules.contains(&number));
        let acts = rule.body.iter().any(|stmt| {
            matches!(stmt, Stmt::Set(..) | Stmt::Edit(..) | Stmt::Emit(..) | Stmt::Predict(..))
        });
        if on_beat && rule.when.is_none() && acts && !limited {
            let text =
                format!("`{}` acts on every tick, and every tick leaves an entry", rule.name);
            problems.push(
                Problem::new(Code::Restless, shape.rule_places[index], text)
                    .help("say when: `when …`, or how often: a `limit` in the policy"),
            );
        }
    }
    problems
}

/// A gain for a prediction that reads only what the object itself decides.
fn own_words(shape: &Shape, model: &Model) -> Vec<Problem> {
    let gains = model.policy.trust.iter().flat_map(|trust| &trust.gains);
    let own = gains.filter_map(|gain| {
        let Happening::Kept(index) = gain.on else { return None };
        let prediction = model.policy.predictions.get(usize::from(index))?;
        let at = shape.place_of(&prediction.name).filter(|_| prediction.source.is_none())?;
        let text =
            format!("keeping `{}` gains nothing: nobody outside speaks for it", prediction.name);
        Some(Problem::new(Code::OwnWord, at, text).help(
            "let it read an input, or a field that only a signed message sets; or remove its gain",
        ))
    });
    own.collect()
}

/// Every rule that could raise trust demands trust first.
fn shut_trust(shape: &Shape, model: &Model) -> Vec<Problem> {
    let Some(trust) = &model.policy.trust else { return Vec::new() };
    let earns = |index: usize, rule: &Rule| {
        trust.gains.iter().any(|gain| match gain.on {
            Happening::Rule(earning) => usize::from(earning) == index,
            Happening::Kept(kept) => foretells(rule, kept),
            Happening::Broken(_) | Happening::Lapsed(_) | Happening::Refused(_) => false,
        })
    };
    let rules = model.policy.rules.iter().enumerate();
    let earning: Vec<(usize, &Rule)> = rules.filter(|(index, rule)| earns(*index, rule)).collect();
    let demanded = |rule: &Rule| {
        let floors =
            rule.needs.iter().filter(|demand| demand.of == Measure::Trust && demand.at_least);
        floors.map(|demand| demand.bound).max()
    };
    let lowest = earning.iter().map(|(_, rule)| demanded(rule)).min().flatten();
    let (Some(lowest), Some((first, rule))) = (lowest, earning.first()) else { return Vec::new() };
    let text = if lowest > 0 {
        "trust begins at 0, and every rule that could raise it demands more".to_owned()
    } else if lowest > -trust.lowest && !trust.losses.is_empty() {
        let floor = show_decimal(lowest, 6);
        format!("below {floor} trust is lost for good: every rule that could raise it demands more")
    } else {
        return Vec::new();
    };
    vec![
        Problem::new(Code::ShutTrust, shape.rule_places[*first], text)
            .label(format!("`{}` is the first of them", rule.name))
            .help("let somebody vouch: a gain on a rule for a signed message that demands nothing"),
    ]
}

/// Whether a rule makes this prediction.
fn foretells(rule: &Rule, prediction: u16) -> bool {
    let mut found = false;
    rule.body.iter().for_each(|stmt| {
        stmt.walk(&mut |stmt| found |= matches!(stmt, Stmt::Predict(p, _) if *p == prediction));
    });
    found
}

/// A rule that sets an enum field back to its default, and may be refused.
fn keeps_on(shape: &Shape, model: &Model) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, rule, below) in verify::from_the_top(model) {
        let mut off = None;
        let mut refuses = false;
        rule.body.iter().for_each(|stmt| {
            stmt.walk(&mut |stmt| {
                refuses |= matches!(stmt, Stmt::Edit(.., Some(_)) | Stmt::Bind(.., Some(_)));
                for expr in stmt.exprs() {
                    expr.walk(&mut |expr| refuses |= matches!(expr, Expr::Refuse(_)));
                }
                if let Stmt::Set(field, value) = stmt
                    && is_default(model, *field, value)
                {
                    off.get_or_insert((*field, value.clone()));
                }
            });
        });
        let Some((field, Expr::Variant(of, variant, _))) = off else { continue };
        let may_refuse = refuses || !verify::refusing_clauses(model, index, &below).is_empty();
        if rule.assured || !may_refuse {
            continue;
        }
        let field = &model.schema.fields[usize::from(field)].name;
        let variants = &model.schema.types.enums[usize::from(of)].variants;
        let name = &variants[usize::from(variant)].name;
        let text =
            format!("a refusal of `{}` keeps `{field}` from going back to `{name}`", rule.name);
        problems.push(
            Problem::new(Code::KeepsOn, shape.rule_places[index], text).help(
                "answer with `clamp` or another value, so that it can always be switched off",
            ),
        );
    }
    problems
}

/// A guard that reads time where nothing wakes the object for it, and a tick rule without any tick.
fn untold(shape: &Shape, model: &Model) -> Vec<Problem> {
    if model.schema.cycles.is_empty() {
        let rules = shape.rule_places.iter().zip(&model.policy.rules);
        let ticks = rules.filter(|(_, rule)| rule.on.is_tick());
        let problems = ticks.map(|(place, rule)| {
            let text = format!("nothing wakes `{}`: the object has no cycle", rule.name);
            Problem::new(Code::Untold, *place, text)
                .label("never runs")
                .help("say when it ticks: `cycle every 5s`, `cycle on message`, `cycle on time`")
        });
        return problems.collect();
    }
    let beats = |cycle: &Cycle| !matches!(cycle.schedule, Schedule::OnTime | Schedule::OnMessage);
    if model.schema.cycles.iter().any(beats) {
        return Vec::new();
    }
    let unforeseen = wake::wakes(model).unforeseen.into_iter();
    let problems = unforeseen.map(|index| {
        let name = &model.policy.rules[usize::from(index)].name;
        let text = format!("nothing wakes `{name}` when its time comes");
        Problem::new(Code::Untold, shape.rule_places[usize::from(index)], text)
            .label("no instant can be told from its guard")
            .help("write `now >= e`, `now - f >= d` or `e - now <= d`, or add a `cycle every`")
    });
    problems.collect()
}

/// A rule for what nobody signed that sets a field which a rule for what somebody signed sets, too.
fn open_hands(shape: &Shape, model: &Model) -> Vec<Problem> {
    let rules = &model.policy.rules;
    let mut problems = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let unsigned = rule.on.message().is_some() && !model.is_signed(rule);
        let number = u16::try_from(index).unwrap_or(u16::MAX);
        let limited = model.policy.limits.iter().any(|limit| limit.rules.contains(&number));
        if !unsigned || rule.assured || limited || rule.quorum.is_some() {
            continue;
        }
        let own = fields_set(rule);
        let signed = rules.iter().filter(|other| model.is_signed(other));
        let shared = signed.into_iter().find_map(|other| {
            let field = fields_set(other).into_iter().find(|field| own.contains(field))?;
            Some((&other.name, field))
        });
        let Some((other, field)) = shared else { continue };
        let field = &model.schema.fields[usize::from(field)].name;
        let text = format!("anyone may set `{field}`, which `{other}` sets for those who sign");
        problems.push(
            Problem::new(Code::OpenHand, shape.rule_places[index], text)
                .label("for a message that nobody signs")
                .help("say who may send it, bound it with a `limit`, or make the rule `assured`"),
        );
    }
    problems
}

/// The fields that a rule sets or changes.
fn fields_set(rule: &Rule) -> Vec<u16> {
    let mut fields = Vec::new();
    rule.body.iter().for_each(|stmt| {
        stmt.walk(&mut |stmt| match stmt {
            Stmt::Set(field, _) | Stmt::Edit(field, ..) => fields.push(*field),
            Stmt::Let(..)
            | Stmt::Bind(..)
            | Stmt::Emit(..)
            | Stmt::Predict(..)
            | Stmt::Refuse(_)
            | Stmt::If(..)
            | Stmt::Match(..) => {}
        });
    });
    fields
}

/// Whether a value is the constant default of an enum field.
fn is_default(model: &Model, field: u16, value: &Expr) -> bool {
    let Some(Default::Value(Value::Variant(default, _))) =
        &model.schema.fields[usize::from(field)].default
    else {
        return false;
    };
    matches!(value, Expr::Variant(_, variant, _) if variant == default)
}
