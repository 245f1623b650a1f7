//! Constants as expressions and as values.

use aqo_model::expr::Expr;
use aqo_model::types::{Param, Type, Types};
use aqo_model::value::Value;

/// The value of an expression that has been folded.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other expression is no constant")]
pub(crate) fn value(expr: Expr) -> Option<Value> {
    let all = |parts: Vec<Expr>| parts.into_iter().map(value).collect::<Option<Vec<_>>>();
    match expr {
        Expr::Value(value) => Some(value),
        Expr::Variant(_, number, parts) => all(parts).map(|parts| Value::Variant(number, parts)),
        Expr::Record(_, parts) => all(parts).map(Value::Record),
        Expr::List(ty, parts) => {
            let mut items = all(parts)?;
            if matches!(ty, Type::Set { .. }) {
                items.sort();
                items.dedup();
            }
            Some(Value::List(items))
        }
        Expr::Map(_, pairs) => {
            let mut map = std::collections::BTreeMap::new();
            for (key, held) in pairs {
                map.insert(value(key)?, value(held)?);
            }
            Some(Value::Map(map.into_iter().collect()))
        }
        Expr::None(_) => Some(Value::None),
        Expr::Some(inner) => value(*inner).map(|value| Value::Some(Box::new(value))),
        _ => None,
    }
}

/// A value as an expression of its type.
pub(crate) fn expr(value: &Value, ty: &Type, types: &Types) -> Expr {
    let parts = |params: &[Param], values: &[Value]| {
        params.iter().zip(values).map(|(part, value)| expr(value, &part.ty, types)).collect()
    };
    match (ty, value) {
        (Type::Option(inner), Value::Some(value)) => {
            Expr::Some(Box::new(expr(value, inner, types)))
        }
        (Type::Option(_), Value::None) => Expr::None(ty.clone()),
        (Type::Enum(index), Value::Variant(number, args)) => {
            Expr::Variant(*index, *number, parts(types.payload(*index, *number), args))
        }
        (Type::Record(index), Value::Record(values)) => {
            Expr::Record(*index, parts(types.parts(*index), values))
        }
        (
            Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. },
            Value::List(items),
        ) => Expr::List(ty.clone(), items.iter().map(|value| expr(value, item, types)).collect()),
        (Type::Map { key, value, .. }, Value::Map(pairs)) => {
            let pair = |(k, v): &(Value, Value)| (expr(k, key, types), expr(v, value, types));
            Expr::Map(ty.clone(), pairs.iter().map(pair).collect())
        }
        (
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
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. },
            _,
        ) => Expr::Value(value.clone()),
    }
}
