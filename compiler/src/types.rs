//! Types as written to types as meant, and the constants that ranges and defaults need.

use crate::check::Checker;
use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, not_yet, unknown};
use aqo_grammar::tree::{self, At, TypeArg};
use aqo_model::expr::Expr;
use aqo_model::limits;
use aqo_model::types::{Bounds, Type, Unit};

/// The built-in types that this version knows, for suggestions.
const BUILT_IN: [&str; 8] =
    ["bool", "int", "decimal", "duration", "instant", "text", "key", "hash"];
/// Built-in types of later versions.
const LATER: [&str; 5] = ["list", "ring", "set", "map", "bytes"];

/// Whether a type must say its range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ranges {
    Required,
    Optional,
}

/// The type of something that is stored or carried: numbers must say their range.
pub fn resolve(
    globals: &Globals,
    part: PartId,
    ty: &tree::Type,
    problems: &mut Vec<Problem>,
) -> Option<Type> {
    Resolver { globals, part, problems }.resolve(ty, Ranges::Required)
}

/// The type of a `let`: a bare number is whatever 64 bits hold.
pub fn resolve_loose(
    globals: &Globals,
    part: PartId,
    ty: &tree::Type,
    problems: &mut Vec<Problem>,
) -> Option<Type> {
    Resolver { globals, part, problems }.resolve(ty, Ranges::Optional)
}

/// A constant of a type.
pub fn constant(
    globals: &Globals,
    part: PartId,
    expr: &tree::Expr,
    ty: &Type,
    place: &str,
    problems: &mut Vec<Problem>,
) -> Option<Expr> {
    let model = crate::object::empty_model(globals);
    let mut checker = Checker::of_constants(globals, &model, part);
    let typed = checker.expr(expr, Some(ty));
    let stored = checker.store_as(typed, ty, place);
    let value = stored.and_then(|stored| checker.fold(stored, expr.at));
    problems.append(&mut checker.problems);
    value
}

struct Resolver<'r> {
    globals: &'r Globals,
    part: PartId,
    problems: &'r mut Vec<Problem>,
}

impl Resolver<'_> {
    fn loc(&self, at: At) -> Loc {
        Loc { part: self.part, at }
    }

    fn problem(&mut self, code: Code, at: At, message: String) -> Option<Type> {
        self.problems.push(Problem::new(code, self.loc(at), message));
        None
    }

    fn resolve(&mut self, ty: &tree::Type, ranges: Ranges) -> Option<Type> {
        let base = self.base(ty)?;
        let base = match &ty.range {
            Some(range) => self.with_range(base, range)?,
            None => base,
        };
        if ranges == Ranges::Required && is_bare(&base) {
            let message = format!("`{}` needs a range here", ty.name.text);
            self.problems.push(
                Problem::new(Code::SayRange, self.loc(ty.at), message).label("no range").help(
                    format!(
                        "say which values it may have: `{} in {}`",
                        ty.name.text,
                        example_range(&base)
                    ),
                ),
            );
            return None;
        }
        if !ty.optional {
            return Some(base);
        }
        if matches!(base, Type::Option(_)) {
            return self.problem(
                Code::BadType,
                ty.at,
                "an option of an option does not exist".to_owned(),
            );
        }
        Some(Type::Option(Box::new(base)))
    }

    fn base(&mut self, ty: &tree::Type) -> Option<Type> {
        let name = ty.name.text.as_str();
        if let Some(alias) = self.globals.aliases.get(name) {
            return self.without_args(ty, alias.clone());
        }
        if let Some(index) = self.globals.enum_named(name) {
            return self.without_args(ty, Type::Enum(index));
        }
        match name {
            "bool" => self.without_args(ty, Type::Bool),
            "key" => self.without_args(ty, Type::Key),
            "hash" => self.without_args(ty, Type::Hash),
            "instant" => self.without_args(ty, Type::Instant(Bounds::INSTANT)),
            "duration" => self.without_args(ty, Type::Duration(Bounds::DURATION)),
            "int" => {
                let unit = self.unit_of(ty, 0)?;
                Some(Type::Number { scale: 0, unit, within: Bounds::ALL })
            }
            "decimal" => self.decimal(ty),
            "text" => self.text(ty),
            _ if LATER.contains(&name) => {
                self.problems.push(not_yet(self.loc(ty.at), &format!("the type `{name}`")));
                None
            }
            _ => {
                let aliases = self.globals.aliases.keys().map(String::as_str);
                let enums = self.globals.enums.iter().map(|e| e.name.as_str());
                let known = BUILT_IN.into_iter().chain(aliases).chain(enums);
                let at = self.loc(ty.name.at);
                self.problems.extend(self.globals.unknown(
                    Code::UnknownType,
                    at,
                    "type",
                    name,
                    known,
                ));
                None
            }
        }
    }

    fn without_args(&mut self, ty: &tree::Type, meant: Type) -> Option<Type> {
        if ty.args.is_empty() {
            return Some(meant);
        }
        self.problem(Code::BadType, ty.at, format!("`{}` takes nothing in `< >`", ty.name.text))
    }

    fn decimal(&mut self, ty: &tree::Type) -> Option<Type> {
        let scale = match ty.args.first() {
            Some(TypeArg::Int(literal)) => {
                literal.text.parse().ok().filter(|s| (1..=limits::SCALE).contains(s))
            }
            Some(TypeArg::Type(_) | TypeArg::Unit(_)) | None => None,
        };
        let Some(scale) = scale else {
            let message =
                format!("`decimal` begins with its digits after the point, 1 to {}", limits::SCALE);
            return self.problem(Code::BadType, ty.at, message);
        };
        let unit = self.unit_of(ty, 1)?;
        Some(Type::Number { scale, unit, within: Bounds::ALL })
    }

    fn text(&mut self, ty: &tree::Type) -> Option<Type> {
        let max = match &ty.args[..] {
            [TypeArg::Int(literal)] => literal.text.replace('_', "").parse::<u16>().ok(),
            _ => None,
        };
        match max.filter(|max| (1..=limits::TEXT_BYTES).contains(&usize::from(*max))) {
            Some(max) => Some(Type::Text { max }),
            None => {
                let message = format!(
                    "`text` needs its capacity in bytes, 1 to {}: `text<64>`",
                    limits::TEXT_BYTES
                );
                self.problem(Code::BadType, ty.at, message)
            }
        }
    }

    /// The unit at this place of the brackets, if there is one, and nothing after it.
    fn unit_of(&mut self, ty: &tree::Type, place: usize) -> Option<Unit> {
        if ty.args.len() > place + 1 {
            self.problem(Code::BadType, ty.at, "too much between `<` and `>`".to_owned());
            return None;
        }
        match ty.args.get(place) {
            None => Some(Unit::default()),
            Some(TypeArg::Type(unit))
                if unit.args.is_empty() && !unit.optional && unit.range.is_none() =>
            {
                self.unit_power(&unit.name).map(|name| Unit(vec![(name, 1)]))
            }
            Some(TypeArg::Unit(term)) => {
                let mut unit = Unit(vec![(self.unit_power(&term.first)?, 1)]);
                for (times, name) in &term.rest {
                    let power = Unit(vec![(self.unit_power(name)?, if *times { 1 } else { -1 })]);
                    unit = product(&unit, &power, 1);
                }
                Some(unit)
            }
            Some(TypeArg::Type(_) | TypeArg::Int(_)) => {
                self.problem(Code::BadType, ty.at, "a unit was expected here".to_owned());
                None
            }
        }
    }

    fn unit_power(&mut self, name: &tree::Name) -> Option<String> {
        if self.globals.units.contains(&name.text) {
            return Some(name.text.clone());
        }
        let known = self.globals.units.iter().map(String::as_str);
        let problem = unknown(Code::UnknownUnit, self.loc(name.at), "unit", &name.text, known);
        let help =
            problem.help.clone().unwrap_or_else(|| format!("declare it: `unit {}`", name.text));
        self.problems.push(problem.help(help));
        None
    }

    fn with_range(&mut self, base: Type, range: &tree::Range) -> Option<Type> {
        let Some(outer) = base.bounds() else {
            return self.problem(
                Code::BadType,
                range.at,
                "only numbers and times have a range".to_owned(),
            );
        };
        let mut bound = |expr: &tree::Expr| {
            let value =
                constant(self.globals, self.part, expr, &base, "this range", self.problems)?;
            if let Expr::Value(value) = value { value.int() } else { None }
        };
        let (low, high) = (bound(&range.low)?, bound(&range.high)?);
        if low > high || low < outer.low || high > outer.high {
            return self.problem(
                Code::BadType,
                range.at,
                "the lower end of a range comes first".to_owned(),
            );
        }
        let within = Bounds { low, high };
        Some(match base {
            Type::Number { scale, unit, .. } => Type::Number { scale, unit, within },
            Type::Duration(_) => Type::Duration(within),
            Type::Instant(_) => Type::Instant(within),
            Type::Bool
            | Type::Text { .. }
            | Type::Key
            | Type::Hash
            | Type::Enum(_)
            | Type::Option(_) => base,
        })
    }
}

fn example_range(ty: &Type) -> String {
    match ty {
        Type::Duration(_) => "0s ..= 1h".to_owned(),
        Type::Number { scale, .. } if *scale > 0 => {
            let part = "0".repeat(usize::from(*scale));
            format!("0.{part} ..= 100.{part}")
        }
        Type::Number { .. }
        | Type::Bool
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Option(_) => "0 ..= 100".to_owned(),
    }
}

/// A number or a duration that says no range.
fn is_bare(ty: &Type) -> bool {
    match ty {
        Type::Number { within, .. } => *within == Bounds::ALL,
        Type::Duration(within) => *within == Bounds::DURATION,
        Type::Bool
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Option(_) => false,
    }
}

/// `a * b^power`
pub fn product(a: &Unit, b: &Unit, power: i8) -> Unit {
    let mut powers = std::collections::BTreeMap::new();
    let mut add = |name: &String, count: i8| {
        let power: &mut i8 = powers.entry(name.clone()).or_insert(0);
        *power = power.saturating_add(count);
    };
    for (name, count) in &a.0 {
        add(name, *count);
    }
    for (name, count) in &b.0 {
        add(name, count.saturating_mul(power));
    }
    Unit(powers.into_iter().filter(|(_, count)| *count != 0).collect())
}
