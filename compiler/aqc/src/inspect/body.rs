//! What rules do and compute, in the words of the language.

use aqo_compiler::model::Model;
use aqo_compiler::model::edit::inside;
use aqo_compiler::model::expr::{Edit, Expr, Order, Quantifier, Rounding, Shape, Step, Stmt};
use aqo_compiler::model::policy::Reason;
use aqo_compiler::model::text::show_duration;
use aqo_compiler::model::types::{Param, Type};
use aqo_compiler::model::value::Value;

pub(super) fn statements(
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
            Stmt::Edit(field, way, edit, reason) => {
                let place = place(model, *field, way, names);
                lines.push(format!("{indent}{}", edited(model, edit, &place, *reason, names)));
            }
            Stmt::Bind(role, edit, reason) => {
                let place = &model.schema.roles[usize::from(*role)].name;
                lines.push(format!("{indent}{}", edited(model, edit, place, *reason, names)));
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

/// One `set`, `add` or `remove`.
fn edited(model: &Model, edit: &Edit, place: &str, reason: Option<u16>, names: &[Param]) -> String {
    let value = expr(model, edit.value(), names);
    let done = match edit {
        Edit::Put(_) => format!("set {place} = {value}"),
        Edit::Add(_) => format!("add {value} to {place}"),
        Edit::Remove(_) => format!("remove {value} from {place}"),
    };
    match reason {
        Some(reason) => format!("{done} else refuse {}", model.policy.reason_name(Reason(reason))),
        None => done,
    }
}

/// A field, or the way to a part of it.
fn place(model: &Model, field: u16, way: &[Step], names: &[Param]) -> String {
    let field = &model.schema.fields[usize::from(field)];
    let mut shown = field.name.clone();
    let mut ty = &field.ty;
    for step in way {
        match step {
            Step::Part(part) => {
                let parts = if let Type::Record(index) = ty {
                    model.schema.types.parts(*index)
                } else {
                    &[]
                };
                let Some(part) = parts.get(usize::from(*part)) else { break };
                shown = format!("{shown}.{}", part.name);
                ty = &part.ty;
            }
            Step::At(key) => {
                shown = format!("{shown}[{}]", expr(model, key, names));
                ty = inside(ty).map_or(ty, |(_, held)| held);
            }
        }
    }
    shown
}

fn bound(locals: &[u16]) -> String {
    locals.iter().map(|local| format!("v{local}")).collect::<Vec<_>>().join(", ")
}

fn shapes(model: &Model, shapes: &[Shape], of: Option<u16>) -> String {
    let shown = shapes.iter().map(|shape| match shape {
        Shape::Any => "else".to_owned(),
        Shape::None => "none".to_owned(),
        Shape::Some(None) => "some".to_owned(),
        Shape::Some(Some(local)) => format!("some(v{local})"),
        Shape::Variant(number, locals) => {
            let name = match of.and_then(|index| model.schema.types.enums.get(usize::from(index))) {
                Some(e) => e.variants[usize::from(*number)].name.clone(),
                None => format!("variant {number}"),
            };
            if locals.is_empty() { name } else { format!("{name}({})", bound(locals)) }
        }
    });
    shown.collect::<Vec<_>>().join(" | ")
}

/// What an instant is shifted by: `+ 30s` where that is constant.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn shift(e: &Expr, show: &dyn Fn(&Expr) -> String) -> String {
    match e {
        Expr::Value(Value::Int(span)) => format!("+ {}", show_duration(*span)),
        Expr::Neg(inner) => match **inner {
            Expr::Value(Value::Int(span)) => format!("- {}", show_duration(span)),
            _ => format!("- {}", show(inner)),
        },
        _ => format!("+ {}", show(e)),
    }
}

/// An expression as text. Numbers are scaled; names of locals are lost.
pub(super) fn expr(model: &Model, e: &Expr, names: &[Param]) -> String {
    let show = |e: &Expr| expr(model, e, names);
    let infix = |a: &Expr, op: &str, b: &Expr| format!("({} {op} {})", show(a), show(b));
    match e {
        Expr::Value(_)
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
        | Expr::Sender
        | Expr::Left(_)
        | Expr::Trust(_) => leaf(model, e, names),
        Expr::Variant(..)
        | Expr::Record(..)
        | Expr::List(..)
        | Expr::Map(..)
        | Expr::Part(..)
        | Expr::With(..)
        | Expr::Get(..)
        | Expr::First(_)
        | Expr::Last(_)
        | Expr::Has(..)
        | Expr::Each(..)
        | Expr::Fold(..)
        | Expr::Collect(..)
        | Expr::Present(_)
        | Expr::Median(_)
        | Expr::Call(..) => made(model, e, names),
        Expr::Some(inner) | Expr::Unwrap(inner) | Expr::Fit(inner, ..) => show(inner),
        Expr::Neg(a) => format!("-{}", show(a)),
        Expr::Shift(a, b) => format!("({} {})", show(a), shift(b, &show)),
        Expr::Add(a, b) => infix(a, "+", b),
        Expr::Sub(a, b) => infix(a, "-", b),
        Expr::Mul(a, b) => infix(a, "*", b),
        Expr::Div(rounding, a, b) => format!("{}{}", word(*rounding), infix(a, "/", b)),
        Expr::MulDiv(rounding, a, b, c) => {
            format!("{}({} * {} / {})", word(*rounding), show(a), show(b), show(c))
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
        Expr::If(..) | Expr::Match(..) | Expr::Let(..) => choice(model, e, names),
    }
}

/// `if`, `match` and `let`.
#[expect(clippy::wildcard_enum_match_arm, reason = "asked of what chooses")]
fn choice(model: &Model, e: &Expr, names: &[Param]) -> String {
    let show = |e: &Expr| expr(model, e, names);
    match e {
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
        _ => String::new(),
    }
}

fn word(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::Floor => "floor",
        Rounding::Ceil => "ceil",
        Rounding::Trunc => "trunc",
        Rounding::HalfUp => "half_up",
        Rounding::HalfEven => "half_even",
    }
}

fn asked(quantifier: Quantifier) -> &'static str {
    match quantifier {
        Quantifier::Any => "any",
        Quantifier::All => "all",
        Quantifier::Count => "count",
        Quantifier::Sum => "sum",
        Quantifier::Find => "find",
    }
}

/// What is made of parts or asked of a collection. Numbers of parts stand for their names where the
/// record is computed.
#[expect(clippy::wildcard_enum_match_arm, reason = "asked of what is made of parts")]
fn made(model: &Model, e: &Expr, names: &[Param]) -> String {
    let types = &model.schema.types;
    let show = |e: &Expr| expr(model, e, names);
    let all = |list: &[Expr]| list.iter().map(show).collect::<Vec<_>>().join(", ");
    let parts = |params: &[Param], list: &[Expr]| {
        let each = params.iter().zip(list);
        let each = each.map(|(part, value)| format!("{}: {}", part.name, show(value)));
        format!("({})", each.collect::<Vec<_>>().join(", "))
    };
    match e {
        Expr::Variant(index, number, args) => {
            let name = &types.enums[usize::from(*index)].variants[usize::from(*number)].name;
            let carried = types.payload(*index, *number);
            if args.is_empty() { name.clone() } else { format!("{name}{}", parts(carried, args)) }
        }
        Expr::Record(index, args) => {
            let name = &types.records[usize::from(*index)].name;
            format!("{name}{}", parts(types.parts(*index), args))
        }
        Expr::List(_, items) => format!("[{}]", all(items)),
        Expr::Map(_, pairs) => {
            let each = pairs.iter().map(|(key, value)| format!("{}: {}", show(key), show(value)));
            format!("[{}]", each.collect::<Vec<_>>().join(", "))
        }
        Expr::Part(of, part) => match record_of(model, of).map(|index| types.parts(index)) {
            Some(parts) => format!("{}.{}", show(of), parts[usize::from(*part)].name),
            None => format!("{}.{part}", show(of)),
        },
        Expr::With(of, changes) => {
            let declared = record_of(model, of).map_or(&[][..], |index| types.parts(index));
            let each = changes.iter().map(|(part, value)| {
                let name = declared.get(usize::from(*part)).map(|part| part.name.clone());
                format!("{}: {}", name.unwrap_or_else(|| part.to_string()), show(value))
            });
            format!("({} with ({}))", show(of), each.collect::<Vec<_>>().join(", "))
        }
        Expr::Get(of, key) => format!("{}[{}]", show(of), show(key)),
        Expr::First(of) => format!("{}.first", show(of)),
        Expr::Last(of) => format!("{}.last", show(of)),
        Expr::Has(of, item) => format!("({} in {})", show(item), show(of)),
        Expr::Each(quantifier, binders, of, ask) => {
            let word = asked(*quantifier);
            format!("{word}({} in {}: {})", bound(binders), show(of), show(ask))
        }
        Expr::Fold(local, first, binders, of, next) => format!(
            "fold(v{local} = {}, {} in {}: {})",
            show(first),
            bound(binders),
            show(of),
            show(next)
        ),
        Expr::Collect(_, collect) => {
            let key = collect.key.as_ref().map_or(String::new(), |key| show(key) + ": ");
            let cond =
                collect.cond.as_ref().map_or(String::new(), |cond| format!(" if {}", show(cond)));
            let (binders, source) = (bound(&collect.binders), show(&collect.source));
            format!("[{key}{} for {binders} in {source}{cond}]", show(&collect.value))
        }
        Expr::Present(of) => format!("present({})", show(of)),
        Expr::Median(of) => format!("median({})", show(of)),
        Expr::Call(index, args) => {
            format!("{}({})", model.schema.functions[usize::from(*index)].name, all(args))
        }
        _ => String::new(),
    }
}

/// The record of a field or of what one is made as, where an expression is one.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn record_of(model: &Model, e: &Expr) -> Option<u16> {
    match e {
        Expr::Record(index, _) => Some(*index),
        Expr::With(of, _) => record_of(model, of),
        Expr::Field(index) => match model.schema.fields[usize::from(*index)].ty {
            Type::Record(index) => Some(index),
            _ => None,
        },
        _ => None,
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
            Value::Bytes(_) => value.show(&Type::Bytes { max: u16::MAX }, &schema.types),
            Value::Bytes32(bytes) => format!("0x{bytes}"),
            Value::Variant(..)
            | Value::None
            | Value::Some(_)
            | Value::Record(_)
            | Value::List(_)
            | Value::Map(_) => format!("{value:?}"),
        },
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
        Expr::Sender => "sender".to_owned(),
        Expr::Left(limit) => {
            let reason = model.policy.limits[usize::from(*limit)].reason;
            format!("{}.left", model.policy.reason_name(Reason(reason)))
        }
        Expr::Trust(measure) => measure.name().to_owned(),
        _ => String::new(),
    }
}
