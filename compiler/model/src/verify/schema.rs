//! The schema by itself: counts, numbers, names, types, defaults.

use super::{At, Check, Fault, Flaw, expr};
use crate::expr::Expr;
use crate::facts::Facts;
use crate::limits;
use crate::model::Model;
use crate::numbers::Numbers;
use crate::schema::{CatchUp, Change, Cycle, Default, Field, Input, Role, Schedule, Schema};
use crate::types::{Bounds, NEVER, Param, Type};

pub(super) fn verify(model: &Model) -> Result<(), Flaw> {
    let (schema, types) = (&model.schema, &model.schema.types);
    counts(schema).at(|| "schema".to_owned())?;
    for e in &types.enums {
        let named = e.variants.iter().all(|variant| is_name(&variant.name)) && is_name(&e.name);
        let sized = !e.variants.is_empty() && e.variants.len() <= limits::VARIANTS;
        require(named && sized, "an enum without a name, without variants or with too many")
            .and_then(|()| e.variants.iter().try_for_each(|v| params(schema, &v.params)))
            .and_then(|()| numbers(&e.numbers, e.variants.len()))
            .at(|| format!("enum {}", e.name))?;
    }
    for record in &types.records {
        require(is_name(&record.name) && !record.fields.is_empty(), "a record without parts")
            .and_then(|()| params(schema, &record.fields))
            .and_then(|()| numbers(&record.numbers, record.fields.len()))
            .at(|| format!("record {}", record.name))?;
    }
    functions(model)?;
    for role in &schema.roles {
        let sized = role.max.is_none_or(|max| (1..=limits::KEYS).contains(&max));
        require(sized, "the size of a role").at(|| format!("role {}", role.name))?;
    }
    for declared in &schema.fields {
        field(model, declared).at(|| format!("field {}", declared.name))?;
    }
    for declared in &schema.inputs {
        input(schema, declared).at(|| format!("input {}", declared.name))?;
    }
    for message in &schema.messages {
        let ascending = message.from.is_sorted_by(|a, b| a < b);
        params(schema, &message.params)
            .and_then(|()| require(ascending, "roles out of order"))
            .and_then(|()| {
                let open = model.is_open(message);
                require(!open || message.from.len() == 1, "an open role beside another")?;
                let signed = !message.from.is_empty() && !open;
                let span = message.waits.is_none_or(|span| signed && (1..=NEVER).contains(&span));
                require(span, "a message that cannot wait, or for no time")
            })
            .and_then(|()| message.from.iter().try_for_each(|r| role(schema, Some(*r))))
            .at(|| format!("message {}", message.name))?;
    }
    let open = |role: &Role| !role.open || role.max == Some(limits::OPEN_KEYS);
    require(schema.roles.iter().all(open), "an open role of another size")
        .at(|| "roles".to_owned())?;
    for event in &schema.events {
        let known = event.via.is_none_or(|via| usize::from(via) < schema.capabilities.len());
        params(schema, &event.params)
            .and_then(|()| require(known, "a capability that is not declared"))
            .and_then(|()| {
                require(event.expires.is_none_or(|expires| expires > 0), "an expiry of nothing")
            })
            .at(|| format!("event {}", event.name))?;
    }
    schema.cycles.iter().try_for_each(cycle).at(|| "cycle".to_owned())?;
    let all = schema.cycles.iter().filter(|cycle| matches!(cycle.catch_up, CatchUp::All(_)));
    require(all.count() < 2, "two cycles that catch all up").at(|| "cycle".to_owned())?;
    let timed = schema.cycles.iter().filter(|cycle| cycle.schedule == Schedule::OnTime);
    require(timed.count() <= 1, "two cycles on time").at(|| "cycle".to_owned())?;
    derives(model)
}

fn input(schema: &Schema, input: &Input) -> Check {
    held(schema, &input.ty)?;
    require(!matches!(input.ty, Type::Option(_)), "an input of an option")?;
    require(input.fresh.is_none_or(|fresh| fresh >= 0), "a negative freshness")?;
    role(schema, input.from)?;
    let signer = input.from.and_then(|role| schema.roles.get(usize::from(role)));
    require(signer.is_none_or(|role| !role.open), "an input of an open role")
}

fn field(model: &Model, field: &Field) -> Check {
    let (schema, types) = (&model.schema, &model.schema.types);
    held(schema, &field.ty)?;
    match &field.default {
        Some(Default::Value(value)) => {
            let fits = value.fits_shape(&field.ty, types) && value.in_range(&field.ty, types);
            require(fits, "a default that does not fit its type")?;
        }
        Some(Default::Born) => {
            require(field.ty == Type::Instant(Bounds::INSTANT), "only an instant can be `born`")?;
        }
        None => {}
    }
    role(schema, field.attested)?;
    let fits = match field.change {
        Change::Any => true,
        Change::Once => matches!(field.ty, Type::Option(_)),
        Change::Up | Change::Down => field.ty.bounds().is_some(),
    };
    require(fits, "a change that the field's type does not know")
}

fn cycle(cycle: &Cycle) -> Check {
    const DAY: i64 = 86_400_000_000;
    let period = |us: i64| (limits::PERIOD_MIN..=Bounds::DURATION.high / 4).contains(&us);
    let allowed = match cycle.schedule {
        Schedule::Every(every) => period(every),
        Schedule::Backoff { first, most } => period(first) && period(most) && first <= most,
        Schedule::Daily(at) => (0..DAY).contains(&at),
        Schedule::Monthly(day, at) => (1..=31).contains(&day) && (0..DAY).contains(&at),
        Schedule::OnMessage => !matches!(cycle.catch_up, CatchUp::All(_)),
        Schedule::OnTime => cycle.catch_up == CatchUp::One,
    };
    require(allowed, "a period below 1 ms, or no time of day or month")?;
    let caught = match cycle.catch_up {
        CatchUp::All(most) => (1..=limits::CATCH_UP).contains(&most),
        CatchUp::One | CatchUp::Skip => true,
    };
    require(caught, "how many ticks are caught up")
}

/// A derive reads what stands before it.
fn derives(model: &Model) -> Result<(), Flaw> {
    for (index, derive) in model.schema.derives.iter().enumerate() {
        let place =
            expr::Place { derives: index, locals: &derive.locals, ..expr::Place::of_derive(model) };
        held(&model.schema, &derive.ty)
            .and_then(|()| depth(&derive.value))
            .and_then(|()| expr::check_store(&place, &derive.value, &derive.ty, &Facts::default()))
            .at(|| format!("derive {}", derive.name))?;
    }
    Ok(())
}

fn counts(schema: &Schema) -> Check {
    let counts = [
        (schema.types.enums.len(), "enums"),
        (schema.types.records.len(), "records"),
        (schema.functions.len(), "functions"),
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
        require(number <= limits::NUMBER, "a stable number that is too high")?;
        require(is_name(name), "a declaration without a name")?;
        last = Some(number);
    }
    Ok(())
}

fn numbers(numbers: &Numbers, count: usize) -> Check {
    let fit = numbers.fit(count) && numbers.highest() <= limits::NUMBER;
    require(fit, "the stable numbers of variants or parts")
}

fn params(schema: &Schema, params: &[Param]) -> Check {
    named(schema, params)?;
    params.iter().try_for_each(|param| held(schema, &param.ty))
}

fn named(schema: &Schema, params: &[Param]) -> Check {
    limit(params.len(), limits::PARAMETERS, "parameters")?;
    for param in params {
        require(is_name(&param.name), "a parameter without a name")?;
        type_of(schema, &param.ty)?;
    }
    Ok(())
}

/// Whether the type of what an object holds, hears or says is well formed: in a function alone a unit
/// may be any.
fn held(schema: &Schema, ty: &Type) -> Check {
    require(!ty.is_in_any_unit(), "`any` outside a function")?;
    type_of(schema, ty)
}

/// A function reads its parameters and calls what stands before it.
fn functions(model: &Model) -> Result<(), Flaw> {
    for (index, function) in model.schema.functions.iter().enumerate() {
        let at = || format!("fn {}", function.name);
        let declared = function.params.iter().map(|param| &param.ty);
        let first = function.locals.iter().take(function.params.len());
        require(is_name(&function.name) && declared.eq(first), "parameters and locals differ")
            .and_then(|()| named(&model.schema, &function.params))
            .and_then(|()| limit(function.locals.len(), limits::DECLARATIONS, "locals"))
            .and_then(|()| function.locals.iter().try_for_each(|ty| type_of(&model.schema, ty)))
            .and_then(|()| type_of(&model.schema, &function.result))
            .and_then(|()| depth(&function.value))
            .at(at)?;
        let place = expr::Place::of_function(model, index, &function.locals);
        let mut facts = Facts::default();
        for (local, param) in (0u16..).zip(&function.params) {
            facts.bind(local, param.ty.clone());
        }
        expr::check_store(&place, &function.value, &function.result, &facts).at(at)?;
    }
    Ok(())
}

/// Whether a type is well formed: its names exist, it holds nothing of its own kind, and with all
/// that it holds it is no larger than [`limits::TYPE_PARTS`].
pub(super) fn type_of(schema: &Schema, ty: &Type) -> Check {
    parts_of(schema, ty, &mut limits::TYPE_PARTS.clone())
}

fn parts_of(schema: &Schema, ty: &Type, left: &mut usize) -> Check {
    // A type that holds itself never ends, and so runs out of parts.
    *left = left
        .checked_sub(1)
        .ok_or(Fault::Limit { what: "parts of a type", most: limits::TYPE_PARTS })?;
    let mut all =
        |params: &[Param]| params.iter().try_for_each(|param| parts_of(schema, &param.ty, left));
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
        Type::Bytes { max } => {
            require((1..=limits::BYTES).contains(&usize::from(*max)), "the size of bytes")
        }
        Type::Enum(index) => {
            let found = schema.types.enums.get(usize::from(*index));
            let found = found.ok_or(Fault::Structure("an enum that is not declared"))?;
            found.variants.iter().try_for_each(|variant| all(&variant.params))
        }
        Type::Record(index) => {
            let found = schema.types.records.get(usize::from(*index));
            all(&found.ok_or(Fault::Structure("a record that is not declared"))?.fields)
        }
        Type::Option(inner) => {
            require(!matches!(**inner, Type::Option(_)), "an option of an option")?;
            parts_of(schema, inner, left)
        }
        Type::List { item, max } | Type::Ring { item, max } => {
            several(*max)?;
            parts_of(schema, item, left)
        }
        Type::Set { item, max } => {
            several(*max)?;
            parts_of(schema, item, left)?;
            require(item.is_key(&schema.types), "a set of what has no order")
        }
        Type::Map { key, value, max } => {
            several(*max)?;
            parts_of(schema, key, left)?;
            parts_of(schema, value, left)?;
            require(key.is_key(&schema.types), "a map of keys that have no order")
        }
    }
}

fn several(max: u16) -> Check {
    require((1..=limits::ITEMS).contains(&usize::from(max)), "the size of a collection")
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
