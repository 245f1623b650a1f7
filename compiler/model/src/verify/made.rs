//! Records, variants that carry something, and calls: each part fits its declared type.

use super::expr::{Checked, Place, check, stored};
use super::schema::require;
use super::{Check, Fault};
use crate::expr::Expr;
use crate::facts::Facts;
use crate::types::{Kind, Param, Type};

#[expect(clippy::wildcard_enum_match_arm, reason = "`check` sends only these here")]
pub(super) fn made(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Check<Checked> {
    let schema = &place.model.schema;
    let types = &schema.types;
    match expr {
        Expr::Variant(index, number, args) => {
            let known = types.enums.get(usize::from(*index));
            let known = known.is_some_and(|e| usize::from(*number) < e.variants.len());
            require(known, "a variant that is not declared")?;
            let partial = parts(place, types.payload(*index, *number), args, facts)?;
            Ok(Checked::typed(&Type::Enum(*index)).or_partial(partial))
        }
        Expr::Record(index, args) => {
            require(usize::from(*index) < types.records.len(), "a record that is not declared")?;
            let partial = parts(place, types.parts(*index), args, facts)?;
            Ok(Checked::typed(&Type::Record(*index)).or_partial(partial))
        }
        Expr::Part(of, part) => {
            let of = check(place, of, facts)?;
            let Kind::Record(index) = of.kind else {
                return Err(Fault::Kind { wanted: None, found: of.kind });
            };
            let declared = types.parts(index).get(usize::from(*part));
            let declared = declared.ok_or(Fault::Structure("a part that is not declared"))?;
            let part = Checked::typed(&declared.ty).or_partial(of.partial);
            let narrowed = part.interval.map(|interval| match part.kind {
                Kind::Number => facts.narrow(expr, interval),
                _ => interval,
            });
            Ok(Checked { interval: narrowed, ..part })
        }
        Expr::With(of, changes) => {
            let of = check(place, of, facts)?;
            let Kind::Record(index) = of.kind else {
                return Err(Fault::Kind { wanted: None, found: of.kind });
            };
            require(changes.is_sorted_by(|a, b| a.0 < b.0), "parts out of order")?;
            let mut partial = of.partial;
            for (part, value) in changes {
                let declared = types.parts(index).get(usize::from(*part));
                let declared = declared.ok_or(Fault::Structure("a part that is not declared"))?;
                partial |= stored(place, value, &declared.ty, facts)?;
            }
            Ok(of.or_partial(partial))
        }
        Expr::Call(index, args) => {
            let at = usize::from(*index);
            require(at < place.functions, "a function that stands further down")?;
            let function = &schema.functions[at];
            let partial = parts(place, &function.params, args, facts)?;
            Ok(Checked::typed(&function.result).or_partial(partial))
        }
        _ => Err(Fault::Structure("nothing that is made of parts")),
    }
}

/// One value for each part; gives whether one can fail.
fn parts(place: &Place<'_>, declared: &[Param], values: &[Expr], facts: &Facts) -> Check<bool> {
    require(declared.len() == values.len(), "one value for each part")?;
    let mut partial = false;
    for (part, value) in declared.iter().zip(values) {
        partial |= stored(place, value, &part.ty, facts)?;
    }
    Ok(partial)
}
