//! A value on its way to a place: the place's scale and option-ness, and its range.

use super::{Checker, Typed};
use crate::codes::Code;
use crate::indices;
use aqo_grammar::tree::At;
use aqo_model::expr::{Collect, Expr, Shape};
use aqo_model::facts::Interval;
use aqo_model::types::{Bounds, Kind, Type, Types};
use aqo_model::value::Value;

impl Checker<'_> {
    /// The value as its place wants it, proved to lie in the place's range; or, where an `else`
    /// answers, a test of it. Messages call the place by `place`.
    pub fn store_as(&mut self, typed: Typed, target: &Type, place: &str) -> Option<Expr> {
        let at = typed.at;
        let typed = self.adapt(typed, target)?;
        let Some(bounds) = held(target).bounds() else {
            return self.fits_whole(typed, target, place);
        };
        let allowed = Interval::from(bounds);
        let found = match self.checked(&typed.expr) {
            Ok(checked) => match checked.interval {
                Some(found) => found,
                None => return Some(typed.expr),
            },
            Err(fault) => {
                self.fault(&fault, at, target);
                return None;
            }
        };
        if found.is_within(allowed) {
            return Some(typed.expr);
        }
        if self.answered > 0 && !matches!(target, Type::Option(_)) {
            return Some(Expr::Fit(Box::new(typed.expr), bounds.low, bounds.high));
        }
        let enums = &self.model.schema.types;
        let shown = show_interval(found, held(target), enums);
        let range = show_interval(allowed, held(target), enums);
        let help = if self.reach.refuses {
            "say what happens: `… else refuse too_much`, `… else 0`, `clamp(…)`, or guard it with `when`"
        } else {
            "say what happens: `clamp(…)` or `… else 0`"
        };
        let constant = found.low == found.high;
        let problem = self.problem(
            Code::OutOfRange,
            at,
            format!("this value may leave the range of {place}"),
        );
        if constant {
            problem.message = format!("this value is outside the range of {place}");
        } else {
            problem.help = Some(help.to_owned());
        }
        problem.label = format!("the value here is {shown}, {place} allows {range}");
        None
    }

    /// A value that is no number, in a place that may be too narrow for it.
    fn fits_whole(&mut self, typed: Typed, target: &Type, place: &str) -> Option<Expr> {
        let at = typed.at;
        let ty = typed.ty.as_ref().map(held)?;
        let what = match (held(target), ty) {
            (Type::Text { max }, Type::Text { max: len }) => {
                (len > max).then_some(("text", len, max))
            }
            (Type::Bytes { max }, Type::Bytes { max: len }) => {
                (len > max).then_some(("bytes", len, max))
            }
            _ => return self.fits_parts(typed, target, place),
        };
        let Some((what, len, max)) = what else { return Some(typed.expr) };
        let message = format!("this {what} may have {len} bytes, its place holds {max}");
        self.problem(Code::OutOfRange, at, message);
        None
    }

    /// A record, an enum or a collection: what it holds fits what its place holds.
    fn fits_parts(&mut self, typed: Typed, target: &Type, place: &str) -> Option<Expr> {
        let found = match self.checked(&typed.expr) {
            Ok(checked) => checked.ty,
            Err(fault) => {
                self.fault(&fault, typed.at, target);
                return None;
            }
        };
        let Some(found) = found.filter(|found| !held(target).takes(found)) else {
            return Some(typed.expr);
        };
        let types = &self.model.schema.types;
        let (found, allowed) = (found.describe(types), held(target).describe(types));
        let message = format!("this value may not fit {place}");
        let problem = self.problem(Code::OutOfRange, typed.at, message);
        problem.label = format!("this is {found}, {place} takes {allowed}");
        problem.help =
            Some("make it anew, item by item: `[clamp(x) for x in xs] else …`".to_owned());
        None
    }

    /// The value in kind, unit and scale of `target`; bounds are not looked at.
    pub(super) fn adapt(&mut self, typed: Typed, target: &Type) -> Option<Typed> {
        let at = typed.at;
        let ty = typed.ty.clone()?;
        if let (Type::Option(inner), false) = (target, matches!(ty, Type::Option(_))) {
            let held = self.adapt(typed, inner)?;
            return Some(self.typed(Expr::Some(Box::new(held.expr)), target.clone(), at));
        }
        match (&ty, target) {
            (Type::Option(inner), Type::Option(wanted)) => {
                if inner.compares_to(wanted) && inner.same_units(wanted) {
                    return Some(typed);
                }
                if widens(inner, wanted) {
                    return self.widened_option(typed, inner, wanted);
                }
                self.mismatch(&ty, target, at);
                None
            }
            (Type::Option(_), _) => {
                let present = self.present(typed)?;
                self.adapt(present, target)
            }
            (
                Type::Number { scale, unit, .. },
                Type::Number { scale: wanted, unit: unit_wanted, .. },
            ) => {
                if unit != unit_wanted {
                    let problem = self.problem(Code::Units, at, "the units do not agree");
                    problem.label = format!(
                        "in {}, its place is in {}",
                        show_unit(unit),
                        show_unit(unit_wanted)
                    );
                    return None;
                }
                self.rescale(typed, *scale, *wanted, target)
            }
            _ if ty.compares_to(target) && ty.same_units(target) => Some(typed),
            _ if widens_items(&ty, target) => self.widened(typed, target),
            _ => {
                self.mismatch(&ty, target, at);
                None
            }
        }
    }

    /// The collection with more digits, item by item, which is exact.
    fn widened(&mut self, typed: Typed, target: &Type) -> Option<Typed> {
        let (at, ty) = (typed.at, typed.ty.clone()?);
        let ((item, max), (wanted, _)) = (ty.items()?, target.items()?);
        let (local, value) = self.widened_item(item, wanted, at)?;
        let made = Type::List { item: Box::new(scaled(item, wanted)?), max };
        let collect = Collect {
            binders: vec![local],
            source: typed.expr,
            cond: None,
            key: None,
            value: value.expr,
        };
        let typed = self.typed(Expr::Collect(made.clone(), Box::new(collect)), made, at);
        let typed = self.sound(typed);
        typed.ty.is_some().then_some(typed)
    }

    /// The option with more digits.
    fn widened_option(&mut self, typed: Typed, inner: &Type, wanted: &Type) -> Option<Typed> {
        let at = typed.at;
        let (local, value) = self.widened_item(inner, wanted, at)?;
        let ty = Type::Option(Box::new(scaled(inner, wanted)?));
        let arms = vec![
            (vec![Shape::Some(Some(local))], Expr::Some(Box::new(value.expr))),
            (vec![Shape::None], Expr::None(ty.clone())),
        ];
        let typed = self.typed(Expr::Match(Box::new(typed.expr), arms), ty, at);
        let typed = self.sound(typed);
        typed.ty.is_some().then_some(typed)
    }

    /// A local that is an item, and that item with the digits of another.
    fn widened_item(&mut self, item: &Type, wanted: &Type, at: At) -> Option<(u16, Typed)> {
        let local = self.local(item.clone());
        let facts = self.facts.clone();
        self.facts.forget(local);
        self.facts.bind(local, item.clone());
        let value = self.typed(Expr::Local(local), item.clone(), at);
        let value = self.adapt(value, wanted);
        self.facts = facts;
        Some((local, value?))
    }

    /// What an option holds, where an `else` answers for its absence.
    pub(super) fn present(&mut self, typed: Typed) -> Option<Typed> {
        let ty = typed.ty.clone()?;
        let Type::Option(inner) = ty else { return Some(typed) };
        if self.answered > 0 {
            return Some(self.typed(Expr::Unwrap(Box::new(typed.expr)), *inner, typed.at));
        }
        let problem = self.problem(Code::Absent, typed.at, "this value may be absent");
        problem.label = "may be none".to_owned();
        problem.help =
            Some("bind it with `is some(x)`, or answer with `(… else value)`".to_owned());
        None
    }

    fn rescale(&mut self, typed: Typed, scale: u8, wanted: u8, target: &Type) -> Option<Typed> {
        let at = typed.at;
        if scale == wanted {
            return Some(typed);
        }
        if scale > wanted {
            let message =
                format!("the value has {scale} digits after the point, its place has {wanted}");
            let problem = self.problem(Code::Digits, at, message);
            problem.help = Some(
                "say how it is rounded: `half_even(…)`, `half_up`, `floor`, `ceil` or `trunc`"
                    .to_owned(),
            );
            return None;
        }
        let factor = 10i64.checked_pow(u32::from(wanted - scale))?;
        let constant = if let Expr::Value(value) = &typed.expr { value.int() } else { None };
        let constant = constant.and_then(|value| value.checked_mul(factor));
        let scaled = match constant {
            Some(value) => Expr::number(value),
            None => Expr::Mul(Box::new(typed.expr), Box::new(Expr::number(factor))),
        };
        let typed = self.typed(scaled, target.clone(), at);
        let typed = self.sound(typed);
        typed.ty.is_some().then_some(typed)
    }

    pub(super) fn mismatch(&mut self, found: &Type, wanted: &Type, at: At) {
        let types = &self.model.schema.types;
        let (mut shown, mut place) = (short_type(found, types), short_type(wanted, types));
        if shown == place {
            // Two modules have a type of this name.
            shown += &self.home_of(found);
            place += &self.home_of(wanted);
        }
        let (found, wanted) = (shown, place);
        let message = format!("{wanted} was expected, this is {found}");
        self.problem(Code::Mismatch, at, message).label = format!("this is {found}");
    }

    /// ` of \`shop.money\``, where a type has a home.
    fn home_of(&self, ty: &Type) -> String {
        let found = indices::collected(|see| indices::of_type(&mut ty.clone(), see));
        let home = found.first().map(|(kind, index)| self.globals.home(*kind, *index));
        home.map_or_else(String::new, |home| format!(" of `{home}`"))
    }

    /// The value of an expression that reads nothing.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is made of parts, and all else")]
    pub fn fold(&mut self, expr: Expr, at: At) -> Option<Expr> {
        let mut all = |parts: Vec<Expr>| -> Option<Vec<Expr>> {
            parts.into_iter().map(|part| self.fold(part, at)).collect()
        };
        match expr {
            Expr::Value(_) | Expr::None(_) => Some(expr),
            Expr::Variant(index, number, parts) => Some(Expr::Variant(index, number, all(parts)?)),
            Expr::Record(index, parts) => Some(Expr::Record(index, all(parts)?)),
            Expr::List(ty, parts) => Some(Expr::List(ty, all(parts)?)),
            Expr::Map(ty, pairs) => {
                let pairs = pairs.into_iter();
                let pairs = pairs.map(|(k, v)| Some((self.fold(k, at)?, self.fold(v, at)?)));
                Some(Expr::Map(ty, pairs.collect::<Option<_>>()?))
            }
            Expr::Some(inner) => Some(Expr::Some(Box::new(self.fold(*inner, at)?))),
            other => self.fold_number(&other, at),
        }
    }

    fn fold_number(&mut self, expr: &Expr, at: At) -> Option<Expr> {
        let checked = self.checked(expr).ok();
        let number = checked.filter(|checked| checked.kind == Kind::Number);
        match number.and_then(|checked| checked.interval) {
            Some(interval) if interval.low == interval.high => {
                i64::try_from(interval.low).ok().map(Expr::number)
            }
            Some(_) | None => {
                let problem = self.problem(Code::NotConstant, at, "a constant was expected here");
                problem.label = "not constant".to_owned();
                None
            }
        }
    }
}

/// Whether numbers become others by having more digits.
fn widens(ty: &Type, target: &Type) -> bool {
    match (ty, target) {
        (
            Type::Number { scale, unit, .. },
            Type::Number { scale: wanted, unit: unit_wanted, .. },
        ) => scale < wanted && unit == unit_wanted,
        _ => false,
    }
}

/// Whether a list or ring becomes another by giving its numbers more digits.
fn widens_items(ty: &Type, target: &Type) -> bool {
    match (ty, target) {
        (
            Type::List { item, .. } | Type::Ring { item, .. },
            Type::List { item: wanted, .. } | Type::Ring { item: wanted, .. },
        ) => widens(item, wanted),
        _ => false,
    }
}

/// The type of a number that has been given the digits of another: its own range in them.
fn scaled(ty: &Type, wanted: &Type) -> Option<Type> {
    let (Type::Number { scale, within, .. }, Type::Number { scale: digits, unit, .. }) =
        (ty, wanted)
    else {
        return None;
    };
    let factor = 10i64.checked_pow(u32::from(digits - scale))?;
    let ends = (within.low.checked_mul(factor)?, within.high.checked_mul(factor)?);
    let within = Bounds { low: ends.0, high: ends.1 };
    Some(Type::Number { scale: *digits, unit: unit.clone(), within })
}

/// The type of what an option holds, or the type itself.
pub(super) fn held(ty: &Type) -> &Type {
    if let Type::Option(inner) = ty { inner } else { ty }
}

/// `19.50 ..= 21.00`, in the digits of a type.
pub(super) fn show_interval(interval: Interval, ty: &Type, types: &Types) -> String {
    let show = |value: i128| match i64::try_from(value) {
        Ok(value) => Value::Int(value).show(held(ty), types),
        Err(_) => beyond_64_bits(value, held(ty)),
    };
    if interval.low == interval.high {
        return show(interval.low);
    }
    format!("{} ..= {}", show(interval.low), show(interval.high))
}

/// A number that only an intermediate can be, in the digits of a type.
fn beyond_64_bits(value: i128, ty: &Type) -> String {
    let scale = match ty {
        Type::Number { scale, .. } => usize::from(*scale),
        Type::Duration(_) | Type::Instant(_) => 6,
        Type::Bool
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
        | Type::Map { .. } => 0,
    };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    let seconds = if matches!(ty, Type::Duration(_) | Type::Instant(_)) { " s" } else { "" };
    format!("{sign}{whole}{point}{part}{seconds}")
}

/// A unit in words.
pub(super) fn show_unit(unit: &aqo_model::types::Unit) -> String {
    if unit.0.is_empty() {
        return "no unit".to_owned();
    }
    let mut text = String::new();
    for (name, power) in &unit.0 {
        for _ in 0..power.unsigned_abs() {
            let sign = if *power < 0 { "/" } else { "*" };
            if !text.is_empty() || *power < 0 {
                text.push_str(sign);
            }
            text.push_str(name);
        }
    }
    text
}

/// A type in a few words, without its range.
pub(crate) fn short_type(ty: &Type, types: &Types) -> String {
    match ty {
        Type::Bool => "a bool".to_owned(),
        Type::Number { scale: 0, unit, .. } if unit.0.is_empty() => "an int".to_owned(),
        Type::Number { scale: 0, unit, .. } => format!("an int in {}", show_unit(unit)),
        Type::Number { scale, unit, .. } if unit.0.is_empty() => format!("a decimal<{scale}>"),
        Type::Number { scale, unit, .. } => format!("a decimal<{scale}, {}>", show_unit(unit)),
        Type::Duration(_) => "a duration".to_owned(),
        Type::Instant(_) => "an instant".to_owned(),
        Type::Text { .. } => "text".to_owned(),
        Type::Key => "a key".to_owned(),
        Type::Hash => "a hash".to_owned(),
        Type::Bytes { .. } => "bytes".to_owned(),
        Type::Enum(index) => match types.enums.get(usize::from(*index)) {
            Some(e) => format!("a `{}`", e.name),
            None => "an enum".to_owned(),
        },
        Type::Record(index) => match types.records.get(usize::from(*index)) {
            Some(record) => format!("a `{}`", record.name),
            None => "a record".to_owned(),
        },
        Type::Option(inner) => format!("{} or none", short_type(inner, types)),
        Type::List { item, max } => format!("a list of at most {max}: {}", short_type(item, types)),
        Type::Ring { item, max } => format!("a ring of at most {max}: {}", short_type(item, types)),
        Type::Set { item, max } => format!("a set of at most {max}: {}", short_type(item, types)),
        Type::Map { key, value, max } => {
            let (key, value) = (short_type(key, types), short_type(value, types));
            format!("a map of at most {max}: {key} to {value}")
        }
    }
}
