//! What has no parts: constants and everything that is read. Whether it may be read here, and what
//! is known of it.

use super::expr::{Checked, Place};
use super::schema::require;
use super::{Check, Fault};
use crate::expr::Expr;
use crate::facts::{Facts, Interval};
use crate::model::Model;
use crate::policy::Measure;
use crate::slope;
use crate::types::{Bounds, Kind, NEVER, Type};
use crate::value::Value;

#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
pub(super) fn leaf(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Check<Checked> {
    let schema = &place.model.schema;
    let nowhere = Fault::Structure("an index that points nowhere");
    let instant = Checked::number(Bounds::INSTANT.into());
    let moving = |checked| {
        if place.moving {
            Ok(checked)
        } else {
            Err(Fault::Unreadable("only fields may be read here"))
        }
    };
    let checked = match expr {
        Expr::Value(value) => match value {
            Value::Bool(_) => Checked::of(Kind::Bool),
            Value::Int(value) => Checked::number(Interval::point((*value).into())),
            Value::Text(text) if text.len() <= crate::limits::TEXT_BYTES => {
                Checked::of_length(Kind::Text, text.len())
            }
            Value::Bytes(bytes) if bytes.len() <= crate::limits::BYTES => {
                Checked::of_length(Kind::Bytes, bytes.len())
            }
            Value::Bytes32(_) => Checked::of(Kind::Bytes32),
            Value::Text(_)
            | Value::Bytes(_)
            | Value::Variant(..)
            | Value::None
            | Value::Some(_)
            | Value::Record(_)
            | Value::List(_)
            | Value::Map(_) => return Err(Fault::Structure("a constant of another kind")),
        },
        Expr::None(ty) => {
            super::schema::type_of(schema, ty)?;
            require(matches!(ty, Type::Option(_)), "`none` of what is no option")?;
            Checked::of(ty.kind())
        }
        Expr::Field(_)
        | Expr::Role(_)
        | Expr::Derive(_)
        | Expr::Input(_)
        | Expr::Left(_)
        | Expr::Born
            if !place.object =>
        {
            return Err(Fault::Unreadable("a function reads its parameters alone"));
        }
        Expr::Field(index) => {
            Checked::typed(&schema.fields.get(usize::from(*index)).ok_or(nowhere)?.ty)
        }
        Expr::Role(index) => {
            let role = schema.roles.get(usize::from(*index)).ok_or(nowhere)?;
            moving(match role.max {
                None => Checked::of(Kind::Bytes32),
                Some(max) => Checked::typed(&Type::Set { item: Box::new(Type::Key), max }),
            })?
        }
        Expr::Sender if !place.sender => {
            return Err(Fault::Unreadable("only a signed message has a sender"));
        }
        Expr::Sender => Checked::of(Kind::Bytes32),
        Expr::Left(index) => {
            let limit = place.model.policy.limits.get(usize::from(*index)).ok_or(nowhere)?;
            let most = match &limit.sum {
                None => i64::from(limit.count),
                Some(sum) => sum.highest,
            };
            moving(Checked::number(Interval { low: 0, high: most.into() }))?
        }
        Expr::Derive(index) => {
            let derive = schema.derives.get(usize::from(*index)).ok_or(nowhere)?;
            require(usize::from(*index) < place.derives, "a derive that stands further down")?;
            if !place.moving && is_moving(place.model, &derive.value) {
                return Err(Fault::Unreadable("this derive reads more than fields"));
            }
            Checked::typed(&derive.ty)
        }
        Expr::Input(index) => {
            let input = schema.inputs.get(usize::from(*index)).ok_or(nowhere)?;
            if !place.inputs {
                return Err(Fault::Unreadable("an input may not be read here"));
            }
            Checked::typed(&Type::Option(Box::new(input.ty.clone())))
        }
        Expr::Param(index) => {
            Checked::typed(&place.params.get(usize::from(*index)).ok_or(nowhere)?.ty)
        }
        Expr::Local(index) => Checked::typed(facts.local(*index).ok_or(Fault::Unbound(*index))?),
        Expr::Captured(index) => {
            Checked::typed(place.captures.get(usize::from(*index)).ok_or(nowhere)?)
        }
        Expr::Now => moving(instant)?,
        Expr::Born => instant,
        Expr::Due | Expr::Missed if !place.tick => {
            return Err(Fault::Unreadable("only a tick has `due` and `missed`"));
        }
        Expr::Due => instant,
        Expr::Missed => Checked::number(Interval { low: 0, high: NEVER.into() }),
        Expr::Trust(measure) => {
            let all = place.model.policy.trust.as_ref().map(|trust| match measure {
                Measure::Trust => (-trust.lowest, trust.ceiling),
                Measure::Slope | Measure::SlopeLong => (-slope::MOST, slope::MOST),
            });
            let (low, high) = all.unwrap_or((0, 0));
            moving(Checked::number(Interval { low: low.into(), high: high.into() }))?
        }
        _ => return Err(nowhere),
    };
    let narrowed = checked.interval.map(|interval| match checked.kind {
        Kind::Number => facts.narrow(expr, interval),
        _ => interval,
    });
    Ok(Checked { interval: narrowed, ..checked })
}

/// Whether an expression reads anything but fields and constants: something that can change by itself
/// or by other ways than rules.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
pub(super) fn is_moving(model: &Model, expr: &Expr) -> bool {
    let own = matches!(
        expr,
        Expr::Now | Expr::Trust(_) | Expr::Left(_) | Expr::Sender | Expr::Role(_) | Expr::Input(_)
    );
    let derived = match expr {
        Expr::Derive(index) => {
            let derive = model.schema.derives.get(usize::from(*index));
            derive.is_some_and(|derive| is_moving(model, &derive.value))
        }
        _ => false,
    };
    own || derived || expr.parts().into_iter().any(|part| is_moving(model, part))
}
