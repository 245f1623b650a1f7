//! One change of a part of a value: what a statement does to a field, and what an entry does to an
//! image, are this one function.
//!
//! Invariant: a value that fits its type fits it afterwards, provided that what is put into it fits.

use crate::expr::{Edit, Step};
use crate::types::{Bounds, Type, Types, Unit};
use crate::value::Value;

/// Why a part cannot be changed: it is not there, or there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPlace;

/// What a step into a list or a map looks up, and what it finds.
pub fn inside(ty: &Type) -> Option<(Type, &Type)> {
    let place = || Type::Number { scale: 0, unit: Unit::default(), within: Bounds::ALL };
    match ty {
        Type::List { item, .. } => Some((place(), item)),
        Type::Map { key, value, .. } => Some(((**key).clone(), value)),
        Type::Bool
        | Type::Number { .. }
        | Type::Duration(_)
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_)
        | Type::Option(_)
        | Type::Ring { .. }
        | Type::Set { .. } => None,
    }
}

/// Changes a part of a value of type `ty`.
pub fn edit(
    value: &mut Value,
    ty: &Type,
    types: &Types,
    path: &[Step<Value>],
    edit: Edit<Value>,
) -> Result<(), NoPlace> {
    let Some((step, rest)) = path.split_first() else {
        return at_the_end(value, ty, edit);
    };
    match (step, value, ty) {
        (Step::Part(part), Value::Record(parts), Type::Record(index)) => {
            let place = usize::from(*part);
            let declared = types.parts(*index).get(place).ok_or(NoPlace)?;
            self::edit(parts.get_mut(place).ok_or(NoPlace)?, &declared.ty, types, rest, edit)
        }
        (Step::At(Value::Int(place)), Value::List(items), Type::List { item, .. }) => {
            let place = usize::try_from(*place).map_err(|_| NoPlace)?;
            self::edit(items.get_mut(place).ok_or(NoPlace)?, item, types, rest, edit)
        }
        (Step::At(key), Value::Map(pairs), Type::Map { value, max, .. }) => {
            match (pairs.binary_search_by(|pair| pair.0.cmp(key)), edit) {
                (Ok(found), edit) => self::edit(&mut pairs[found].1, value, types, rest, edit),
                (Err(place), Edit::Put(value))
                    if rest.is_empty() && pairs.len() < usize::from(*max) =>
                {
                    pairs.insert(place, (key.clone(), value));
                    Ok(())
                }
                (Err(_), Edit::Put(_) | Edit::Add(_) | Edit::Remove(_)) => Err(NoPlace),
            }
        }
        (Step::Part(_) | Step::At(_), _, _) => Err(NoPlace),
    }
}

fn at_the_end(value: &mut Value, ty: &Type, edit: Edit<Value>) -> Result<(), NoPlace> {
    let max = usize::from(ty.items().map_or(0, |(_, max)| max));
    match (edit, value) {
        (Edit::Put(new), value) => *value = new,
        (Edit::Add(item), Value::List(items)) => {
            let place = if matches!(ty, Type::Set { .. }) {
                match items.binary_search(&item) {
                    Ok(_) => return Ok(()),
                    Err(place) => place,
                }
            } else {
                items.len()
            };
            if items.len() < max {
                items.insert(place, item);
            } else if matches!(ty, Type::Ring { .. }) && max > 0 {
                items.remove(0);
                items.push(item);
            } else {
                return Err(NoPlace);
            }
        }
        (Edit::Remove(item), Value::List(items)) if matches!(ty, Type::Set { .. }) => {
            if let Ok(found) = items.binary_search(&item) {
                items.remove(found);
            }
        }
        (Edit::Remove(key), Value::Map(pairs)) => {
            if let Ok(found) = pairs.binary_search_by(|pair| pair.0.cmp(&key)) {
                pairs.remove(found);
            }
        }
        (Edit::Add(_) | Edit::Remove(_), _) => return Err(NoPlace),
    }
    Ok(())
}
