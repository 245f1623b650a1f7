//! `aqc inspect`: what a component carries, in the words of the language.

mod body;
pub(crate) mod cost;
mod reads;

use self::body::{expr, statements};
use aqo_compiler::emit::{Artifact, Seal};
use aqo_compiler::model::Model;
use aqo_compiler::model::policy::{Happening, Otherwise, Quorum, Reason, Rule, Trigger};
use aqo_compiler::model::schema::{CatchUp, Change, Cycle, Default as FieldDefault, Schedule};
use aqo_compiler::model::text::{show_decimal, show_duration};
use aqo_compiler::model::types::Param;
use aqo_compiler::model::types::Type;
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use serde_json::json;
use std::path::Path;

/// Prints a component.
pub(crate) fn inspect(path: &Path, json: bool, with_cost: bool) -> Result<()> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, &e))?;
    let artifact = aqo_compiler::emit::read_unsealed(&bytes)
        .map_err(|e| Error::refused(format!("{}: {e}", path.display())))?;
    if json {
        print(&as_json(&artifact).to_string());
    } else if with_cost {
        cost::tree(&artifact.cost).iter().for_each(|line| print(line));
    } else {
        as_text(&artifact, bytes.len()).iter().for_each(|line| print(line));
    }
    Ok(())
}

fn seal(artifact: &Artifact) -> String {
    match artifact.seal {
        Seal::Sealed => "sealed: the core is exactly what schema and policy say".to_owned(),
        Seal::Broken => "BROKEN: the core is not what schema and policy say".to_owned(),
        Seal::NotComparable { emit } => format!("not comparable: emit version {emit} made it"),
    }
}

fn as_json(artifact: &Artifact) -> serde_json::Value {
    json!({
        "version": 1,
        "name": artifact.model.full_name(),
        "class": artifact.model.class().to_string(),
        "sealed": matches!(artifact.seal, Seal::Sealed),
        "descriptor": artifact.descriptor,
        "schema": artifact.model.schema,
        "policy": artifact.model.policy,
        "cost": cost::as_json(&artifact.cost),
        "reads": reads::as_json(&artifact.model),
    })
}

fn as_text(artifact: &Artifact, size: usize) -> Vec<String> {
    let (model, descriptor) = (&artifact.model, &artifact.descriptor);
    let mut lines = vec![
        format!("{} version {}", model.full_name(), model.schema.version),
        format!("  {}", model.schema.intent),
        format!("  class    {}", model.class()),
        format!("  {}", seal(artifact)),
        format!("  bytes    {size}, core {}", artifact.core.len()),
        format!(
            "  sizes    image {}, offer {}, entry at most {}",
            descriptor.sizes.image, descriptor.sizes.offer, descriptor.sizes.entry
        ),
        format!("  cost     {}", cost::line(&artifact.cost)),
        format!("  versions Model {}, emit {}", descriptor.model, descriptor.emit),
        String::new(),
        "schema".to_owned(),
    ];
    lines.extend(schema(model));
    lines.extend([String::new(), "cycle".to_owned()]);
    let cycles = model.schema.cycles.iter();
    lines.extend(cycles.map(cycle));
    let pauses = [("dormant", &model.policy.dormant), ("ends", &model.policy.ends)];
    for (word, pause) in pauses {
        let pause = pause.iter().map(|pause| expr(model, &pause.holds, &[]));
        lines.extend(pause.map(|holds| format!("  {word} when {holds}")));
    }
    // Ticks at which nothing of this has changed come to nothing.
    lines.extend([String::new(), "what may change a tick".to_owned()]);
    lines.extend(reads::lines(model));
    lines.extend([String::new(), "policy".to_owned()]);
    lines.extend(policy(model));
    lines
}

/// `midnight: daily at 0s`
fn cycle(cycle: &Cycle) -> String {
    let name = cycle.name.as_ref().map_or(String::new(), |name| format!("{name}: "));
    let schedule = match cycle.schedule {
        Schedule::Every(every) => format!("every {}", show_duration(every)),
        Schedule::Backoff { first, most } => {
            format!("every {} ..= {}", show_duration(first), show_duration(most))
        }
        Schedule::Daily(at) => format!("daily at {}", show_duration(at)),
        Schedule::Monthly(day, at) => format!("monthly on {day} at {}", show_duration(at)),
        Schedule::OnMessage => "on message".to_owned(),
        Schedule::OnTime => "on time".to_owned(),
    };
    let catch_up = match cycle.catch_up {
        CatchUp::One => String::new(),
        CatchUp::Skip => " catch_up skip".to_owned(),
        CatchUp::All(most) => format!(" catch_up all {most}"),
    };
    format!("  {name}{schedule}{catch_up}")
}

/// `2 of approvers within 1h`
fn quorum(model: &Model, quorum: &Quorum) -> String {
    let names = quorum.roles.iter().map(|r| model.schema.roles[usize::from(*r)].name.as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    match quorum.within {
        0 => names,
        within => format!("{} of {names} within {}", quorum.count, show_duration(within)),
    }
}

fn ty(model: &Model, ty: &Type) -> String {
    ty.describe(&model.schema.types)
}

fn params(model: &Model, params: &[Param]) -> String {
    let shown: Vec<String> =
        params.iter().map(|param| format!("{}: {}", param.name, ty(model, &param.ty))).collect();
    shown.join(", ")
}

/// Enums, records and functions.
fn types(model: &Model) -> Vec<String> {
    let schema = &model.schema;
    let enums = schema.types.enums.iter().map(|e| {
        let variants = e.variants.iter().map(|variant| match variant.params.is_empty() {
            true => variant.name.clone(),
            false => format!("{}({})", variant.name, params(model, &variant.params)),
        });
        format!("  enum {} {{ {} }}", e.name, variants.collect::<Vec<_>>().join(", "))
    });
    let records =
        schema.types.records.iter().map(|record| {
            format!("  record {} {{ {} }}", record.name, params(model, &record.fields))
        });
    let functions = schema.functions.iter().map(|function| {
        format!(
            "  fn {}({}) -> {} {{ {} }}",
            function.name,
            params(model, &function.params),
            ty(model, &function.result),
            expr(model, &function.value, &[])
        )
    });
    enums.chain(records).chain(functions).collect()
}

fn private(is: bool) -> &'static str {
    if is { ", private" } else { "" }
}

fn schema(model: &Model) -> Vec<String> {
    let schema = &model.schema;
    let role = |index: &u16| schema.roles[usize::from(*index)].name.clone();
    let declared = schema.roles.iter().filter(|role| !role.open);
    let roles = declared.map(|role| format!("  role {}", role.name));
    let fields = schema.fields.iter().map(|field| {
        let default = match &field.default {
            Some(FieldDefault::Value(value)) => {
                format!(" = {}", value.show(&field.ty, &schema.types))
            }
            Some(FieldDefault::Born) => " = born".to_owned(),
            None => " (birth value)".to_owned(),
        };
        let attested =
            field.attested.as_ref().map_or(String::new(), |r| format!(", attested by {}", role(r)));
        let change = match field.change {
            Change::Any => "",
            Change::Once => ", once",
            Change::Up => ", only up",
            Change::Down => ", only down",
        };
        let ty = ty(model, &field.ty);
        let private = private(field.private);
        format!("  field {}: {ty}{default}{attested}{change}{private}", field.name)
    });
    let derives = schema.derives.iter().map(|derive| {
        format!(
            "  derive {}: {} = {}{}",
            derive.name,
            ty(model, &derive.ty),
            expr(model, &derive.value, &[]),
            private(derive.private)
        )
    });
    let inputs = schema.inputs.iter().map(|input| {
        let fresh =
            input.fresh.map_or(String::new(), |fresh| format!(", fresh {}", show_duration(fresh)));
        let from = input.from.iter().map(|index| format!(" from {}", role(index)));
        let from: String = from.collect();
        let private = private(input.private);
        format!("  input {}: {}{from}{fresh}{private}", input.name, ty(model, &input.ty))
    });
    let messages = schema.messages.iter().map(|message| {
        let from: Vec<String> = message.from.iter().map(role).collect();
        let from = if from.is_empty() { "anyone".to_owned() } else { from.join(", ") };
        let waits = message.waits.map_or(String::new(), |d| format!(" waits {}", show_duration(d)));
        let hidden = message.private.iter().map(|index| &message.params[usize::from(*index)].name);
        let hidden: String = hidden.map(|name| format!(", {name} private")).collect();
        let params = params(model, &message.params);
        format!("  message {}({params}) from {from}{waits}{hidden}", message.name)
    });
    let events = schema.events.iter().map(|event| {
        let via = event
            .via
            .map_or(String::new(), |via| format!(" via {}", schema.capabilities[usize::from(via)]));
        let expires =
            event.expires.map_or(String::new(), |span| format!(" expires {}", show_duration(span)));
        format!("  event {}({}){via}{expires}", event.name, params(model, &event.params))
    });
    let types = types(model).into_iter();
    types
        .chain(roles)
        .chain(fields)
        .chain(derives)
        .chain(inputs)
        .chain(messages)
        .chain(events)
        .collect()
}

fn policy(model: &Model) -> Vec<String> {
    let (schema, policy) = (&model.schema, &model.policy);
    let mut lines: Vec<String> = policy.rules.iter().flat_map(|r| rule(model, r)).collect();
    for flow in &policy.flows {
        let field = &schema.fields[usize::from(flow.field)];
        let Type::Enum(index) = field.ty else { continue };
        let variants = &schema.types.enums[usize::from(index)].variants;
        let arrows =
            flow.next.iter().enumerate().filter(|(_, next)| **next != 0).map(|(from, next)| {
                let to: Vec<&str> = (variants.iter().enumerate())
                    .filter(|(number, _)| next >> number & 1 == 1)
                    .map(|(_, variant)| variant.name.as_str())
                    .collect();
                format!("{} -> {}", variants[from].name, to.join(" | "))
            });
        lines.push(format!(
            "  flow {} {{ {} }}",
            field.name,
            arrows.collect::<Vec<_>>().join(", ")
        ));
    }
    for clause in &policy.always {
        lines.push(format!(
            "  always {}: {}",
            policy.reason_name(Reason(clause.reason)),
            expr(model, &clause.holds, &[])
        ));
    }
    for limit in &policy.limits {
        let rules: Vec<&str> =
            limit.rules.iter().map(|r| policy.rules[usize::from(*r)].name.as_str()).collect();
        let (name, per) = (policy.reason_name(Reason(limit.reason)), show_duration(limit.per));
        let sum = limit.sum.as_ref().map_or(String::new(), |sum| {
            let of = sum.of.first().zip(limit.rules.first()).map(|(of, rule)| {
                let rule = &policy.rules[usize::from(*rule)];
                let kind = rule.on.message().map(|kind| &schema.messages[usize::from(kind)]);
                expr(model, of, kind.map_or(&[], |kind| &kind.params))
            });
            format!(", {} of {}", expr(model, &sum.most, &[]), of.unwrap_or_default())
        });
        let (rules, count) = (rules.join(", "), limit.count);
        lines.push(format!("  limit {name}: {rules} to {count}{sum} per {per}"));
    }
    lines.extend(trust(model));
    if let Some(hosts) = &policy.hosts {
        let need: Vec<&str> = (schema.capabilities.iter().enumerate())
            .filter(|(bit, _)| hosts.need >> bit & 1 == 1)
            .map(|(_, name)| name.as_str())
            .collect();
        let otherwise = match hosts.otherwise {
            Otherwise::Observe => "observe",
            Otherwise::Dormant => "dormant",
        };
        lines.push(format!("  hosts need {} else {otherwise}", need.join(", ")));
    }
    lines.push(match &policy.upgrade {
        Some(upgrade) => format!("  upgrade by {}", quorum(model, upgrade)),
        None => "  never upgraded".to_owned(),
    });
    lines.extend(policy.retain.map(|span| format!("  retain {}", show_duration(span))));
    lines
}

fn trust(model: &Model) -> Vec<String> {
    let Some(trust) = &model.policy.trust else { return Vec::new() };
    let policy = &model.policy;
    let happening = |on: Happening| match on {
        Happening::Kept(index) => format!("{}.kept", policy.predictions[usize::from(index)].name),
        Happening::Broken(index) => {
            format!("{}.broken", policy.predictions[usize::from(index)].name)
        }
        Happening::Lapsed(index) => {
            format!("{}.lapsed", policy.predictions[usize::from(index)].name)
        }
        Happening::Rule(index) => policy.rules[usize::from(index)].name.clone(),
        Happening::Refused(index) => {
            format!("refused.{}", model.schema.roles[usize::from(index)].name)
        }
    };
    let gains = trust
        .gains
        .iter()
        .map(|s| format!("  trust gain {} on {}", show_decimal(s.amount, 6), happening(s.on)));
    let losses = trust
        .losses
        .iter()
        .map(|s| format!("  trust loss {} on {}", show_decimal(s.amount, 6), happening(s.on)));
    gains
        .chain(losses)
        .chain([
            format!("  trust half_life: {}", show_duration(trust.half_life)),
            format!("  trust penalty: {}", show_decimal(trust.penalty, 6)),
            format!("  trust recovery: {}", trust.recovery),
        ])
        .collect()
}

fn foretold(model: &Model, index: u16, how: &str) -> String {
    format!("{}.{how}", model.policy.predictions[usize::from(index)].name)
}

fn rule(model: &Model, rule: &Rule) -> Vec<String> {
    let (on, names): (String, &[Param]) = match rule.on {
        Trigger::Tick => ("tick".to_owned(), &[]),
        Trigger::Cycle(index) => {
            let name = model.schema.cycles[usize::from(index)].name.clone();
            (name.unwrap_or_default(), &[])
        }
        Trigger::Kept(index) => (foretold(model, index, "kept"), &[]),
        Trigger::Broken(index) => (foretold(model, index, "broken"), &[]),
        Trigger::Lapsed(index) => (foretold(model, index, "lapsed"), &[]),
        Trigger::Arrive => ("arrive".to_owned(), &[]),
        Trigger::Expired(kind) => {
            let message = &model.schema.messages[usize::from(kind)];
            (format!("{}.expired", message.name), &message.params)
        }
        Trigger::Message(kind) => {
            let message = &model.schema.messages[usize::from(kind)];
            (message.name.clone(), &message.params)
        }
    };
    let mut head = format!("  rule {} on {on}", rule.name);
    if let Some(when) = &rule.when {
        head.push_str(&format!(" when {}", expr(model, when, names)));
    }
    for need in &rule.needs {
        let sign = if need.at_least { ">=" } else { "<" };
        head.push_str(&format!(" needs {} {sign} {}", need.of.name(), show_decimal(need.bound, 6)));
    }
    if let Some(needed) = &rule.quorum {
        head.push_str(&format!(" needs {}", quorum(model, needed)));
    }
    if rule.assured {
        head.push_str(" assured");
    }
    let mut lines = vec![head];
    statements(model, &rule.body, names, 2, &mut lines);
    lines
}
