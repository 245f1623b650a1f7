//! Collections: what is put in fits, what is asked is of the right kind, sums stay within 64 bits.

use super::expr::{Checked, Place, check, condition, number, stored, wants};
use super::learn::learn;
use super::schema::{limit, require, type_of};
use super::{Check, Fault};
use crate::expr::{Collect, Expr, Quantifier};
use crate::facts::{Facts, Interval};
use crate::types::{Bounds, Kind, Type, Unit};

#[expect(clippy::wildcard_enum_match_arm, reason = "`check` sends only these here")]
pub(super) fn collection(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Check<Checked> {
    match expr {
        Expr::List(..) | Expr::Map(..) => listed(place, expr, facts),
        Expr::Len(of) => {
            let of = check(place, of, facts)?;
            let most = match (&of.kind, &of.ty) {
                (Kind::Text | Kind::Bytes, _) => of.interval.unwrap_or(Interval::I64),
                (_, Some(ty)) => up_to(many(ty)?),
                (_, None) => return Err(Fault::Kind { wanted: None, found: of.kind }),
            };
            Ok(Checked::number(facts.narrow(expr, most)).or_partial(of.partial))
        }
        Expr::Get(of, key) => {
            let (of, ty) = whole(place, of, facts)?;
            let (partial, held) = match &ty {
                Type::List { item, .. } | Type::Ring { item, .. } => {
                    (number(place, key, facts)?.partial, item)
                }
                Type::Map { key: wanted, value, .. } => (asked(place, key, wanted, facts)?, value),
                _ => return Err(Fault::Kind { wanted: None, found: of.kind }),
            };
            Ok(held_of(held)?.or_partial(of.partial || partial))
        }
        Expr::First(of) | Expr::Last(of) => {
            let (of, ty) = whole(place, of, facts)?;
            let (Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. }) = &ty
            else {
                return Err(Fault::Kind { wanted: None, found: of.kind });
            };
            Ok(held_of(item)?.or_partial(of.partial))
        }
        Expr::Has(of, item) => {
            let (of, ty) = whole(place, of, facts)?;
            let (wanted, _) = ty.items().ok_or(Fault::Structure("`in` what holds nothing"))?;
            let partial = asked(place, item, wanted, facts)?;
            Ok(Checked::of(Kind::Bool).or_partial(of.partial || partial))
        }
        Expr::Each(quantifier, binders, of, ask) => {
            let (of, ty) = whole(place, of, facts)?;
            let inner = bind_items(place, binders, &ty, facts)?;
            let result = each(place, *quantifier, &ty, ask, &inner)?;
            Ok(result.or_partial(of.partial))
        }
        Expr::Fold(local, first, binders, of, next) => {
            let (of, ty) = whole(place, of, facts)?;
            let sum = place.locals.get(usize::from(*local)).ok_or(Fault::Unbound(*local))?;
            let first = stored(place, first, sum, facts)?;
            let mut inner = bind_items(place, binders, &ty, facts)?;
            bind_to(&mut inner, *local, sum)?;
            let next = stored(place, next, sum, &inner)?;
            Ok(Checked::typed(sum).or_partial(first || next || of.partial))
        }
        Expr::Collect(ty, collect) => gathered(place, ty, collect, facts),
        Expr::Present(_) | Expr::Median(_) => reduced(place, expr, facts),
        _ => Err(Fault::Structure("no collection")),
    }
}

/// A collection written out.
#[expect(clippy::wildcard_enum_match_arm, reason = "`collection` sends only these here")]
fn listed(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Check<Checked> {
    match expr {
        Expr::List(ty, items) => {
            let (Type::List { item, max } | Type::Ring { item, max } | Type::Set { item, max }) =
                ty
            else {
                return Err(Fault::Structure("a list of what is no list"));
            };
            type_of(&place.model.schema, ty)?;
            limit(items.len(), usize::from(*max), "items")?;
            let mut partial = false;
            for value in items {
                partial |= stored(place, value, item, facts)?;
            }
            Ok(Checked::typed(ty).or_partial(partial))
        }
        Expr::Map(ty, pairs) => {
            let Type::Map { key, value, max } = ty else {
                return Err(Fault::Structure("a map of what is no map"));
            };
            type_of(&place.model.schema, ty)?;
            limit(pairs.len(), usize::from(*max), "items")?;
            let mut partial = false;
            for (found, held) in pairs {
                partial |= stored(place, found, key, facts)?;
                partial |= stored(place, held, value, facts)?;
            }
            Ok(Checked::typed(ty).or_partial(partial))
        }
        _ => Err(Fault::Structure("no collection")),
    }
}

/// What a list or ring comes to as a whole.
#[expect(clippy::wildcard_enum_match_arm, reason = "`collection` sends only these here")]
fn reduced(place: &Place<'_>, expr: &Expr, facts: &Facts) -> Check<Checked> {
    match expr {
        Expr::Present(of) => {
            let (of, ty) = whole(place, of, facts)?;
            let (Type::List { item, max } | Type::Ring { item, max }) = &ty else {
                return Err(Fault::Kind { wanted: None, found: of.kind });
            };
            let Type::Option(item) = &**item else {
                return Err(Fault::Kind { wanted: None, found: of.kind });
            };
            let ty = Type::List { item: item.clone(), max: *max };
            Ok(Checked::typed(&ty).or_partial(of.partial))
        }
        Expr::Median(of) => {
            let (of, ty) = whole(place, of, facts)?;
            let (Type::List { item, .. } | Type::Ring { item, .. }) = &ty else {
                return Err(Fault::Kind { wanted: None, found: of.kind });
            };
            require(item.kind() == Kind::Number, "the median of what are no numbers")?;
            Ok(held_of(item)?.or_partial(of.partial))
        }
        _ => Err(Fault::Structure("no collection")),
    }
}

/// A collection, and its type.
fn whole(place: &Place<'_>, of: &Expr, facts: &Facts) -> Check<(Checked, Type)> {
    let of = check(place, of, facts)?;
    let is_option = matches!(of.kind, Kind::Option(_));
    match of.ty.clone().filter(|ty| ty.items().is_some() && !is_option) {
        Some(ty) => Ok((of, ty)),
        None => Err(Fault::Kind { wanted: None, found: of.kind }),
    }
}

fn many(ty: &Type) -> Check<u16> {
    ty.items().map(|(_, max)| max).ok_or(Fault::Structure("the length of what has none"))
}

fn up_to(max: u16) -> Interval {
    Interval { low: 0, high: max.into() }
}

/// An option of a value of this type.
fn held_of(ty: &Type) -> Check<Checked> {
    Checked::typed(ty).optional()
}

/// A value that is looked for: of the same kind and, inside, of the same bytes; its bounds and its
/// length do not matter, since what does not fit is not found.
fn asked(place: &Place<'_>, item: &Expr, wanted: &Type, facts: &Facts) -> Check<bool> {
    let item = check(place, item, facts)?;
    wants(&item, &wanted.kind())?;
    if let Some(found) = &item.ty
        && !wanted.compares_to(found)
    {
        return Err(Fault::Type {
            found: Box::new(found.clone()),
            allowed: Box::new(wanted.clone()),
        });
    }
    Ok(item.partial)
}

fn bind_to(facts: &mut Facts, local: u16, ty: &Type) -> Check {
    if facts.local(local).is_some() {
        return Err(Fault::Unbound(local));
    }
    facts.forget(local);
    facts.bind(local, ty.clone());
    Ok(())
}

/// The facts inside a walk through a collection of this type.
fn bind_items(place: &Place<'_>, binders: &[u16], ty: &Type, facts: &Facts) -> Check<Facts> {
    let place_type = |max: u16| Type::Number {
        scale: 0,
        unit: Unit::default(),
        within: Bounds { low: 0, high: i64::from(max) - 1 },
    };
    let (first, second) = if let Type::Map { key, value, .. } = ty {
        ((**key).clone(), (**value).clone())
    } else {
        let (item, max) = ty.items().ok_or(Fault::Structure("a walk through no collection"))?;
        (place_type(max), item.clone())
    };
    let is_map = matches!(ty, Type::Map { .. });
    let bound: Vec<(u16, Type)> = match binders {
        [alone] => vec![(*alone, if is_map { first } else { second })],
        [one, other] => vec![(*one, first), (*other, second)],
        _ => return Err(Fault::Structure("a walk binds one name or two")),
    };
    let mut inner = facts.clone();
    for (local, found) in bound {
        let declared = place.locals.get(usize::from(local)).ok_or(Fault::Unbound(local))?;
        if !declared.takes(&found) {
            return Err(Fault::Type {
                found: Box::new(found),
                allowed: Box::new(declared.clone()),
            });
        }
        bind_to(&mut inner, local, declared)?;
    }
    Ok(inner)
}

fn each(
    place: &Place<'_>,
    quantifier: Quantifier,
    ty: &Type,
    ask: &Expr,
    inner: &Facts,
) -> Check<Checked> {
    let count = up_to(many(ty)?);
    match quantifier {
        Quantifier::Sum => {
            let item = number(place, ask, inner)?;
            let each = item.interval.unwrap_or(Interval::I64);
            let zero = Interval::point(0);
            let all = each.join(zero).corners(count, |a, b| a.saturating_mul(b)).join(zero);
            if !all.is_within(Interval::I64) {
                return Err(Fault::Overflow(all));
            }
            Ok(Checked::number(all).or_partial(item.partial))
        }
        Quantifier::Any | Quantifier::All => condition(place, ask, inner),
        Quantifier::Count => {
            let partial = condition(place, ask, inner)?.partial;
            Ok(Checked::number(count).or_partial(partial))
        }
        Quantifier::Find => {
            let partial = condition(place, ask, inner)?.partial;
            let (item, _) = ty.items().ok_or(Fault::Structure("a walk through no collection"))?;
            Ok(held_of(item)?.or_partial(partial))
        }
    }
}

fn gathered(place: &Place<'_>, ty: &Type, collect: &Collect, facts: &Facts) -> Check<Checked> {
    type_of(&place.model.schema, ty)?;
    let (source, found) = whole(place, &collect.source, facts)?;
    let mut inner = bind_items(place, &collect.binders, &found, facts)?;
    let mut partial = source.partial;
    if let Some(cond) = &collect.cond {
        partial |= condition(place, cond, &inner)?.partial;
        learn(place, cond, true, &mut inner);
    }
    let (item, max) = ty.items().ok_or(Fault::Structure("a collection that is none"))?;
    match (ty, &collect.key) {
        (Type::Map { key, value, .. }, Some(made)) => {
            partial |= stored(place, made, key, &inner)?;
            partial |= stored(place, &collect.value, value, &inner)?;
        }
        (Type::List { .. } | Type::Ring { .. } | Type::Set { .. }, None) => {
            partial |= stored(place, &collect.value, item, &inner)?;
        }
        _ => return Err(Fault::Structure("keys where there is no map, or none where there is")),
    }
    let overflows = many(&found)? > max && !matches!(ty, Type::Ring { .. });
    Ok(Checked::typed(ty).or_partial(partial || overflows))
}
