//! The schema by itself: counts, numbers, names, types, defaults.

use super::{At, Check, Fault, Flaw, expr};
use crate::expr::Expr;
use crate::facts::Facts;
use crate::limits;
use crate::model::Model;
use crate::schema::{Default, Param, Schema};
use crate::types::{Bounds, Type};

pub(super) fn verify(model: &Model) -> Result<(), Flaw> {
    let schema = &model.schema;
    counts(schema).at(|| "schema".to_owned())?;
    for e in &schema.enums {
        let named = e.variants.iter().all(|name| is_name(name)) && is_name(&e.name);
        let sized = !e.variants.is_empty() && e.variants.len() <= limits::VARIANTS;
        require(named && sized, "an enum without a name, without variants or with too many")
            .at(|| format!("enum {}", e.name))?;
    }
    for field in &schema.fields {
        type_of(schema, &field.ty)
            .and_then(|()| match &field.default {
                Some(Default::Value(value)) => {
                    let fits =
                        value.fits_shape(&field.ty, &schema.enums) && value.in_range(&field.ty);
                    require(fits, "a default that does not fit its type")
                }
                Some(Default::Born) => require(
                    field.ty == Type::Instant(Bounds::INSTANT),
                    "only an instant can be `born`",
                ),
                None => Ok(()),
            })
            .and_then(|()| role(schema, field.attested))
            .at(|| format!("field {}", field.name))?;
    }
    for input in &schema.inputs {
        type_of(schema, &input.ty)
            .and_then(|()| require(!matches!(input.ty, Type::Option(_)), "an input of an option"))
            .and_then(|()| {
                require(input.fresh.is_none_or(|fresh| fresh >= 0), "a negative freshness")
            })
            .at(|| format!("input {}", input.name))?;
    }
    for message in &schema.messages {
        let ascending = message.from.is_sorted_by(|a, b| a < b);
        params(schema, &message.params)
            .and_then(|()| require(ascending, "roles out of order"))
            .and_then(|()| message.from.iter().try_for_each(|r| role(schema, Some(*r))))
            .at(|| format!("message {}", message.name))?;
    }
    for event in &schema.events {
        let known = event.via.is_none_or(|via| usize::from(via) < schema.capabilities.len());
        params(schema, &event.params)
            .and_then(|()| require(known, "a capability that is not declared"))
            .and_then(|()| {
                require(event.expires.is_none_or(|expires| expires > 0), "an expiry of nothing")
            })
            .at(|| format!("event {}", event.name))?;
    }
    for cycle in &schema.cycles {
        let allowed = (limits::PERIOD_MIN..=Bounds::DURATION.high).contains(&cycle.every);
        require(allowed, "a period below 1 ms").at(|| "cycle".to_owned())?;
    }
    derives(model)
}

/// A derive reads what stands before it.
fn derives(model: &Model) -> Result<(), Flaw> {
    for (index, derive) in model.schema.derives.iter().enumerate() {
        let place =
            expr::Place { derives: index, locals: &derive.locals, ..expr::Place::of_derive(model) };
        type_of(&model.schema, &derive.ty)
            .and_then(|()| depth(&derive.value))
            .and_then(|()| {
                expr::check_store(&place, &derive.value, &derive.ty, &mut Facts::default())
            })
            .at(|| format!("derive {}", derive.name))?;
    }
    Ok(())
}

fn counts(schema: &Schema) -> Check {
    let counts = [
        (schema.enums.len(), "enums"),
        (schema.roles.len(), "roles"),
        (schema.fields.len(), "fields"),
        (schema.derives.len(), "derives"),
        (schema.messages.len(), "messages"),
        (schema.events.len(), "events"),
    ];
    for (count, what) in counts {
        limit(count, limits::DECLARATIONS, what)?;
    }
    limit(schema.inputs.len(), limits::INPUTS, "inputs")?;
    limit(schema.capabilities.len(), limits::CAPABILITIES, "capabilities")?;
    limit(schema.cycles.len(), limits::CYCLES, "cycles")?;
    let package = schema.package.split('.').all(is_name);
    require(package && is_name(&schema.object), "a module or object without a name")?;
    require(schema.capabilities.iter().all(|name| is_name(name)), "a capability without a name")?;
    numbered(schema.roles.iter().map(|x| (x.number, x.name.as_str())))?;
    numbered(schema.fields.iter().map(|x| (x.number, x.name.as_str())))?;
    numbered(schema.inputs.iter().map(|x| (x.number, x.name.as_str())))?;
    numbered(schema.messages.iter().map(|x| (x.number, x.name.as_str())))?;
    numbered(schema.events.iter().map(|x| (x.number, x.name.as_str())))
}

/// Numbers ascend, names are names.
pub(super) fn numbered<'n>(list: impl Iterator<Item = (u16, &'n str)>) -> Check {
    let mut last = None;
    for (number, name) in list {
        require(last.is_none_or(|last| last < number), "stable numbers out of order")?;
        require(is_name(name), "a declaration without a name")?;
        last = Some(number);
    }
    Ok(())
}

fn params(schema: &Schema, params: &[Param]) -> Check {
    limit(params.len(), limits::PARAMETERS, "parameters")?;
    for param in params {
        require(is_name(&param.name), "a parameter without a name")?;
        type_of(schema, &param.ty)?;
    }
    Ok(())
}

/// Whether a type is well formed.
pub(super) fn type_of(schema: &Schema, ty: &Type) -> Check {
    match ty {
        Type::Bool | Type::Key | Type::Hash => Ok(()),
        Type::Number { scale, within, .. } => require(
            within.low <= within.high && *scale <= limits::SCALE,
            "bounds or scale of a number",
        ),
        Type::Duration(within) => bounded(*within, Bounds::DURATION),
        Type::Instant(within) => bounded(*within, Bounds::INSTANT),
        Type::Text { max } => {
            require((1..=limits::TEXT_BYTES).contains(&usize::from(*max)), "the size of a text")
        }
        Type::Enum(index) => {
            require(usize::from(*index) < schema.enums.len(), "an enum that is not declared")
        }
        Type::Option(inner) => {
            require(!matches!(**inner, Type::Option(_)), "an option of an option")?;
            type_of(schema, inner)
        }
    }
}

fn bounded(within: Bounds, all: Bounds) -> Check {
    let sound = all.low <= within.low && within.low <= within.high && within.high <= all.high;
    require(sound, "bounds outside those of the type")
}

fn role(schema: &Schema, role: Option<u16>) -> Check {
    require(
        role.is_none_or(|role| usize::from(role) < schema.roles.len()),
        "a role that is not declared",
    )
}

pub(super) fn require(sound: bool, what: &'static str) -> Check {
    if sound { Ok(()) } else { Err(Fault::Structure(what)) }
}

pub(super) fn limit(count: usize, most: usize, what: &'static str) -> Check {
    if count <= most { Ok(()) } else { Err(Fault::Limit { what, most }) }
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    first && name.len() <= limits::NAME_BYTES && name.chars().all(allowed)
}

/// Refuses trees too deep to walk. Whoever builds or decodes one keeps it shallow enough to ask.
pub(super) fn depth(expr: &Expr) -> Check {
    fn deeper(expr: &Expr, left: usize) -> bool {
        left > 0 && expr.parts().into_iter().all(|part| deeper(part, left - 1))
    }
    let sound = deeper(expr, limits::DEPTH);
    if sound {
        Ok(())
    } else {
        Err(Fault::Limit { what: "levels of an expression", most: limits::DEPTH })
    }
}
