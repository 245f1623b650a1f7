//! `aqc inspect`: what a component carries, in the words of the language.

use aqo_compiler::emit::{Artifact, Seal};
use aqo_compiler::model::Model;
use aqo_compiler::model::expr::{Expr, Order, Rounding, Shape, Stmt};
use aqo_compiler::model::policy::{Happening, Otherwise, Reason, Rule, Trigger};
use aqo_compiler::model::schema::{Default as FieldDefault, Param};
use aqo_compiler::model::types::Type;
use aqo_compiler::model::value::{Value, show_decimal, show_duration};
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use serde_json::json;
use std::path::Path;

/// Prints a component.
pub(crate) fn inspect(path: &Path, json: bool) -> Result<()> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, &e))?;
    let artifact = aqo_compiler::emit::read_unsealed(&bytes)
        .map_err(|e| Error::refused(format!("{}: {e}", path.display())))?;
    if json {
        print(&as_json(&artifact).to_string());
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
        format!("  versions Model {}, emit {}", descriptor.model, descriptor.emit),
        String::new(),
        "schema".to_owned(),
    ];
    lines.extend(schema(model));
    lines.extend([String::new(), "cycle".to_owned()]);
    let cycles = model.schema.cycles.iter();
    lines.extend(cycles.map(|cycle| format!("  every {}", show_duration(cycle.every))));
    lines.extend([String::new(), "policy".to_owned()]);
    lines.extend(policy(model));
    lines
}

fn ty(model: &Model, ty: &Type) -> String {
    ty.describe(&model.schema.enums)
}

fn params(model: &Model, params: &[Param]) -> String {
    let shown: Vec<String> =
        params.iter().map(|param| format!("{}: {}", param.name, ty(model, &param.ty))).collect();
    shown.join(", ")
}

fn schema(model: &Model) -> Vec<String> {
    let schema = &model.schema;
    let role = |index: &u16| schema.roles[usize::from(*index)].name.clone();
    let roles = schema.roles.iter().map(|role| format!("  role {}", role.name));
    let fields = schema.fields.iter().map(|field| {
        let default = match &field.default {
            Some(FieldDefault::Value(value)) => {
                format!(" = {}", value.show(&field.ty, &schema.enums))
            }
            Some(FieldDefault::Born) => " = born".to_owned(),
            None => " (birth value)".to_owned(),
        };
        let attested =
            field.attested.as_ref().map_or(String::new(), |r| format!(", attested by {}", role(r)));
        format!("  field {}: {}{default}{attested}", field.name, ty(model, &field.ty))
    });
    let derives = schema.derives.iter().map(|derive| {
        format!(
            "  derive {}: {} = {}",
            derive.name,
            ty(model, &derive.ty),
            expr(model, &derive.value, &[])
        )
    });
    let inputs = schema.inputs.iter().map(|input| {
        let fresh =
            input.fresh.map_or(String::new(), |fresh| format!(", fresh {}", show_duration(fresh)));
        format!("  input {}: {}{fresh}", input.name, ty(model, &input.ty))
    });
    let messages = schema.messages.iter().map(|message| {
        let from: Vec<String> = message.from.iter().map(role).collect();
        let from = if from.is_empty() { "anyone".to_owned() } else { from.join(", ") };
        format!("  message {}({}) from {from}", message.name, params(model, &message.params))
    });
    let events = schema.events.iter().map(|event| {
        let via = event
            .via
            .map_or(String::new(), |via| format!(" via {}", schema.capabilities[usize::from(via)]));
        let expires =
            event.expires.map_or(String::new(), |span| format!(" expires {}", show_duration(span)));
        format!("  event {}({}){via}{expires}", event.name, params(model, &event.params))
    });
    roles.chain(fields).chain(derives).chain(inputs).chain(messages).chain(events).collect()
}

fn policy(model: &Model) -> Vec<String> {
    let (schema, policy) = (&model.schema, &model.policy);
    let mut lines: Vec<String> = policy.rules.iter().flat_map(|r| rule(model, r)).collect();
    for flow in &policy.flows {
        let field = &schema.fields[usize::from(flow.field)];
        let Type::Enum(index) = field.ty else { continue };
        let variants = &schema.enums[usize::from(index)].variants;
        let arrows =
            flow.next.iter().enumerate().filter(|(_, next)| **next != 0).map(|(from, next)| {
                let to: Vec<&str> = (variants.iter().enumerate())
                    .filter(|(number, _)| next >> number & 1 == 1)
                    .map(|(_, name)| name.as_str())
                    .collect();
                format!("{} -> {}", variants[from], to.join(" | "))
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
        lines.push(format!("  limit {name}: {} to {} per {per}", rules.join(", "), limit.count));
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
        Some(upgrade) => format!("  upgrade by {}", schema.roles[usize::from(upgrade.role)].name),
        None => "  never upgraded".to_owned(),
    });
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
        .chain([format!("  trust half_life: {}", show_duration(trust.half_life))])
        .collect()
}

fn rule(model: &Model, rule: &Rule) -> Vec<String> {
    let (on, names): (String, &[Param]) = match rule.on {
        Trigger::Tick => ("tick".to_owned(), &[]),
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
        head.push_str(&format!(" needs trust {sign} {}", show_decimal(need.bound, 6)));
    }
    if rule.assured {
        head.push_str(" assured");
    }
    let mut lines = vec![head];
    statements(model, &rule.body, names, 2, &mut lines);
    lines
}

fn statements(
    model: &Model,
    stmts: &[Stmt],
    names: &[Param],
    depth: usize,
    lines: &mut Vec<String>,
) {
    let indent = "  ".repeat(depth);
    for stmt in stmts {
        match stmt {
            Stmt::Let(local, value) => {
                lines.push(format!("{indent}let v{local} = {}", expr(model, value, names)))
            }
            Stmt::Set(field, value) => {
                let field = &model.schema.fields[usize::from(*field)].name;
                lines.push(format!("{indent}set {field} = {}", expr(model, value, names)));
            }
            Stmt::Emit(event, args) => {
                let event = &model.schema.events[usize::from(*event)];
                let args: Vec<String> = (event.params.iter().zip(args))
                    .map(|(param, arg)| format!("{}: {}", param.name, expr(model, arg, names)))
                    .collect();
                lines.push(format!("{indent}emit {}({})", event.name, args.join(", ")));
            }
            Stmt::Predict(index, _) => {
                let prediction = &model.policy.predictions[usize::from(*index)];
                let form = if prediction.throughout { "for" } else { "within" };
                let (holds, span) =
                    (expr(model, &prediction.holds, names), show_duration(prediction.span));
                lines.push(format!("{indent}predict {}: {holds} {form} {span}", prediction.name));
            }
            Stmt::Refuse(reason) => {
                lines.push(format!("{indent}refuse {}", model.policy.reason_name(Reason(*reason))));
            }
            Stmt::If(cond, then, otherwise) => {
                lines.push(format!("{indent}if {}", expr(model, cond, names)));
                statements(model, then, names, depth + 1, lines);
                if !otherwise.is_empty() {
                    lines.push(format!("{indent}else"));
                    statements(model, otherwise, names, depth + 1, lines);
                }
            }
            Stmt::Match(subject, arms) => {
                lines.push(format!("{indent}match {}", expr(model, subject, names)));
                for (shapes, body) in arms {
                    lines.push(format!("{indent}  {} =>", self::shapes(model, shapes, None)));
                    statements(model, body, names, depth + 2, lines);
                }
            }
        }
    }
}

fn shapes(model: &Model, shapes: &[Shape], of: Option<u16>) -> String {
    let shown = shapes.iter().map(|shape| match shape {
        Shape::Any => "else".to_owned(),
        Shape::None => "none".to_owned(),
        Shape::Some(None) => "some".to_owned(),
        Shape::Some(Some(local)) => format!("some(v{local})"),
        Shape::Variant(number) => {
            match of.and_then(|index| model.schema.enums.get(usize::from(index))) {
                Some(e) => e.variants[usize::from(*number)].clone(),
                None => format!("variant {number}"),
            }
        }
    });
    shown.collect::<Vec<_>>().join(" | ")
}

/// An expression as text. Numbers are scaled; names of locals are lost.
fn expr(model: &Model, e: &Expr, names: &[Param]) -> String {
    let show = |e: &Expr| expr(model, e, names);
    let infix = |a: &Expr, op: &str, b: &Expr| format!("({} {op} {})", show(a), show(b));
    match e {
        Expr::Value(_)
        | Expr::Variant(..)
        | Expr::None(_)
        | Expr::Field(_)
        | Expr::Role(_)
        | Expr::Derive(_)
        | Expr::Input(_)
        | Expr::Param(_)
        | Expr::Local(_)
        | Expr::Captured(_)
        | Expr::Now
        | Expr::Due
        | Expr::Missed
        | Expr::Born
        | Expr::Trust => leaf(model, e, names),
        Expr::Some(inner) | Expr::Unwrap(inner) | Expr::Fit(inner, ..) => show(inner),
        Expr::Neg(a) => format!("-{}", show(a)),
        Expr::Add(a, b) | Expr::Shift(a, b) => infix(a, "+", b),
        Expr::Sub(a, b) => infix(a, "-", b),
        Expr::Mul(a, b) => infix(a, "*", b),
        Expr::Div(rounding, a, b) => {
            let word = match rounding {
                Rounding::Floor => "floor",
                Rounding::Ceil => "ceil",
                Rounding::Trunc => "trunc",
                Rounding::HalfUp => "half_up",
                Rounding::HalfEven => "half_even",
            };
            format!("{word}{}", infix(a, "/", b))
        }
        Expr::Rem(a, b) => infix(a, "%", b),
        Expr::Min(a, b) => format!("min({}, {})", show(a), show(b)),
        Expr::Max(a, b) => format!("max({}, {})", show(a), show(b)),
        Expr::Abs(a) => format!("abs({})", show(a)),
        Expr::Clamp(a, low, high) => format!("clamp({}, {}, {})", show(a), show(low), show(high)),
        Expr::Len(a) => format!("{}.len", show(a)),
        Expr::StartsWith(a, b) => format!("starts_with({}, {})", show(a), show(b)),
        Expr::Compare(Order::Less, a, b) => infix(a, "<", b),
        Expr::Compare(Order::AtMost, a, b) => infix(a, "<=", b),
        Expr::Equal(a, b) => infix(a, "==", b),
        Expr::Within(a, low, high) => format!("({} in {} ..= {})", show(a), show(low), show(high)),
        Expr::Is(a, patterns) => {
            format!("({} is {})", show(a), shapes(model, patterns, enum_of(model, a)))
        }
        Expr::Not(a) => format!("not {}", show(a)),
        Expr::And(a, b) => infix(a, "and", b),
        Expr::Or(a, b) => infix(a, "or", b),
        Expr::Else(a, b) => infix(a, "else", b),
        Expr::Refuse(reason) => format!("refuse {}", model.policy.reason_name(Reason(*reason))),
        Expr::If(cond, a, b) => {
            format!("if {} {{ {} }} else {{ {} }}", show(cond), show(a), show(b))
        }
        Expr::Match(subject, arms) => {
            let of = enum_of(model, subject);
            let arms = arms
                .iter()
                .map(|(p, value)| format!("{} => {}", shapes(model, p, of), show(value)));
            format!("match {} {{ {} }}", show(subject), arms.collect::<Vec<_>>().join(", "))
        }
        Expr::Let(local, a, b) => format!("let v{local} = {} give {}", show(a), show(b)),
    }
}

/// The enum of a field, where an expression is one.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn enum_of(model: &Model, e: &Expr) -> Option<u16> {
    match e {
        Expr::Field(index) => match model.schema.fields[usize::from(*index)].ty {
            Type::Enum(index) => Some(index),
            _ => None,
        },
        _ => None,
    }
}

/// What has no parts.
#[expect(clippy::wildcard_enum_match_arm, reason = "asked of what has no parts")]
fn leaf(model: &Model, e: &Expr, names: &[Param]) -> String {
    let schema = &model.schema;
    match e {
        Expr::Value(value) => match value {
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Text(text) => format!("{text:?}"),
            Value::Bytes32(bytes) => format!("0x{bytes}"),
            Value::Variant(_) | Value::None | Value::Some(_) => format!("{value:?}"),
        },
        Expr::Variant(index, number) => {
            schema.enums[usize::from(*index)].variants[usize::from(*number)].clone()
        }
        Expr::None(_) => "none".to_owned(),
        Expr::Field(index) => schema.fields[usize::from(*index)].name.clone(),
        Expr::Role(index) => schema.roles[usize::from(*index)].name.clone(),
        Expr::Derive(index) => schema.derives[usize::from(*index)].name.clone(),
        Expr::Input(index) => schema.inputs[usize::from(*index)].name.clone(),
        Expr::Param(index) => {
            names.get(usize::from(*index)).map_or(format!("p{index}"), |p| p.name.clone())
        }
        Expr::Local(index) => format!("v{index}"),
        Expr::Captured(index) => format!("c{index}"),
        Expr::Now => "now".to_owned(),
        Expr::Due => "due".to_owned(),
        Expr::Missed => "missed".to_owned(),
        Expr::Born => "born".to_owned(),
        Expr::Trust => "trust".to_owned(),
        _ => String::new(),
    }
}
