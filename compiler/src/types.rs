//! Types as written to types as meant, and the constants that ranges and defaults need.
//!
//! Invariant: records and enums are named by index, so a type may be resolved before the parts of
//! what it names are known; whether those let it be a key, and how large it is, is then asked later.

use crate::check::Checker;
use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, unknown};
use crate::indices::Kind;
use aqo_grammar::tree::{self, At, TypeArg};
use aqo_model::expr::Expr;
use aqo_model::limits;
use aqo_model::types::{Bounds, Type, Types, Unit};

/// The built-in types, for suggestions.
const BUILT_IN: [&str; 13] = [
    "bool", "int", "decimal", "duration", "instant", "text", "bytes", "key", "hash", "list",
    "ring", "set", "map",
];

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
    let (found, asked) = resolve_early(globals, part, ty, problems);
    let whole = asked.iter().all(|asked| asked.holds(globals, problems));
    found.filter(|_| whole)
}

/// The same while the parts of records and enums are not known: what must be asked once they are.
pub fn resolve_early(
    globals: &Globals,
    part: PartId,
    ty: &tree::Type,
    problems: &mut Vec<Problem>,
) -> (Option<Type>, Vec<Asked>) {
    let mut resolver = Resolver { globals, part, problems, asked: Vec::new() };
    let found = resolver.resolve(ty, Ranges::Required);
    let at = resolver.loc(ty.at);
    let mut asked = resolver.asked;
    asked.extend(found.clone().map(|ty| Asked { at, ty, what: What::Size }));
    (found, asked)
}

/// The type of a `let`: a bare number is whatever 64 bits hold.
pub fn resolve_loose(
    globals: &Globals,
    part: PartId,
    ty: &tree::Type,
    problems: &mut Vec<Problem>,
) -> Option<Type> {
    let mut resolver = Resolver { globals, part, problems, asked: Vec::new() };
    let found = resolver.resolve(ty, Ranges::Optional);
    let asked = resolver.asked;
    let whole = asked.iter().all(|asked| asked.holds(globals, problems));
    found.filter(|_| whole)
}

/// Something that a type must be, which depends on the parts of records and enums.
#[derive(Clone, Debug)]
pub struct Asked {
    at: Loc,
    ty: Type,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// Its values have one order: Y14.
    Key,
    /// It is no larger than a type may be.
    Size,
}

impl Asked {
    /// Whether it is; a problem where it is not.
    pub fn holds(&self, globals: &Globals, problems: &mut Vec<Problem>) -> bool {
        let types = &globals.types;
        match self.what {
            What::Key if !self.ty.is_key(types) => {
                let shown = crate::check::short_type(&self.ty, types);
                let message = format!("{shown} has no order, so no set and no map is sorted by it");
                let problem = Problem::new(Code::BadType, self.at, message).label("no key");
                problems.push(problem.help(
                    "a key is a number, a time, a text, bytes, a plain enum, or a record of these",
                ));
                false
            }
            What::Size => match too_large(&self.ty, types) {
                Some(path) => {
                    let most = limits::TYPE_PARTS;
                    let message = format!("this type has more than {most} parts: {path}");
                    problems.push(Problem::new(Code::TooMany, self.at, message));
                    false
                }
                None => true,
            },
            What::Key => true,
        }
    }
}

/// How many parts a type has, those of what it holds included; no more than one too many.
fn size(ty: &Type, types: &Types) -> usize {
    fn count(ty: &Type, types: &Types, left: &mut usize) {
        if let Some(less) = left.checked_sub(1) {
            *left = less;
            parts(ty, types).into_iter().for_each(|(_, part)| count(part, types, left));
        }
    }
    let most = limits::TYPE_PARTS + 1;
    let mut left = most;
    count(ty, types, &mut left);
    most - left
}

/// The names on the way to the most parts, where a type has too many.
pub(crate) fn too_large(ty: &Type, types: &Types) -> Option<String> {
    if size(ty, types) <= limits::TYPE_PARTS {
        return None;
    }
    let mut path = Vec::new();
    let mut ty = ty;
    while let Some((name, part)) =
        parts(ty, types).into_iter().max_by_key(|(_, part)| size(part, types))
    {
        path.extend(name);
        ty = part;
    }
    Some(path.join(" -> "))
}

/// What a type holds, with the name of each part that has one.
pub(crate) fn parts<'t>(ty: &'t Type, types: &'t Types) -> Vec<(Option<&'t str>, &'t Type)> {
    match ty {
        Type::Record(index) => {
            types.parts(*index).iter().map(|part| (Some(part.name.as_str()), &part.ty)).collect()
        }
        Type::Enum(index) => {
            let variants = types.enums.get(usize::from(*index)).map_or(&[][..], |e| &e.variants);
            let params = variants.iter().flat_map(|variant| &variant.params);
            params.map(|part| (Some(part.name.as_str()), &part.ty)).collect()
        }
        Type::Option(item)
        | Type::List { item, .. }
        | Type::Ring { item, .. }
        | Type::Set { item, .. } => vec![(None, item)],
        Type::Map { key, value, .. } => vec![(None, key), (None, value)],
        Type::Bool
        | Type::Number { .. }
        | Type::Duration(_)
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash => Vec::new(),
    }
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
    asked: Vec<Asked>,
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
        if self.globals.broken.contains(name) {
            return None;
        }
        if let Some(index) = self.globals.enum_named(name) {
            return self.without_args(ty, Type::Enum(index));
        }
        if let Some(index) = self.globals.record_named(name) {
            return self.without_args(ty, Type::Record(index));
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
            "text" => self.bytes(ty, limits::TEXT_BYTES, "text<64>").map(|max| Type::Text { max }),
            "bytes" => self.bytes(ty, limits::BYTES, "bytes<32>").map(|max| Type::Bytes { max }),
            "list" | "ring" | "set" | "map" => self.collection(ty),
            _ => {
                let aliases = self.globals.aliases.keys().map(String::as_str);
                let enums = self.globals.names(Kind::Enum);
                let records = self.globals.names(Kind::Record);
                let known = BUILT_IN.into_iter().chain(aliases).chain(enums).chain(records);
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

    /// The capacity of a text or of bytes.
    fn bytes(&mut self, ty: &tree::Type, most: usize, example: &str) -> Option<u16> {
        let max = match &ty.args[..] {
            [TypeArg::Int(literal)] => literal.text.replace('_', "").parse::<u16>().ok(),
            _ => None,
        };
        let max = max.filter(|max| (1..=most).contains(&usize::from(*max)));
        if max.is_none() {
            let name = &ty.name.text;
            let message = format!("`{name}` needs its capacity in bytes, 1 to {most}: `{example}`");
            self.problem(Code::BadType, ty.at, message);
        }
        max
    }

    /// `list<T, N>` and its kin.
    fn collection(&mut self, ty: &tree::Type) -> Option<Type> {
        let name = ty.name.text.as_str();
        let (held, count) = match &ty.args[..] {
            [TypeArg::Type(item), TypeArg::Int(count)] if name != "map" => (vec![item], count),
            [TypeArg::Type(key), TypeArg::Type(value), TypeArg::Int(count)] if name == "map" => {
                (vec![key, value], count)
            }
            _ => {
                let wanted = if name == "map" { "map<text<8>, bool, 16>" } else { "<bool, 16>" };
                let wanted =
                    if name == "map" { wanted.to_owned() } else { name.to_owned() + wanted };
                let message =
                    format!("`{name}` says what it holds, and how many at most: `{wanted}`");
                return self.problem(Code::BadType, ty.at, message);
            }
        };
        let most = limits::ITEMS;
        let max = count.text.replace('_', "").parse::<u16>().ok();
        let max = max.filter(|max| (1..=most).contains(&usize::from(*max)));
        if max.is_none() {
            let message = format!("a collection holds 1 to {most} at most");
            self.problem(Code::BadType, count.at, message);
        }
        let mut types = Vec::new();
        for ty in &held {
            types.push(self.resolve(ty, Ranges::Required).map(Box::new));
        }
        let mut types = types.into_iter();
        let (item, value, max) = (types.next()??, types.next(), max?);
        if let (true, Some(first)) = (matches!(name, "set" | "map"), held.first()) {
            let at = self.loc(first.at);
            self.asked.push(Asked { at, ty: (*item).clone(), what: What::Key });
        }
        Some(match name {
            "list" => Type::List { item, max },
            "ring" => Type::Ring { item, max },
            "set" => Type::Set { item, max },
            _ => Type::Map { key: item, value: value??, max },
        })
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
        let help = match name.text == Unit::ANY {
            true => "`any` stands for a unit in a function, and there alone".to_owned(),
            false => {
                let near = problem.help.clone();
                near.unwrap_or_else(|| format!("declare it: `unit {}`", name.text))
            }
        };
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
            | Type::Bytes { .. }
            | Type::Key
            | Type::Hash
            | Type::Enum(_)
            | Type::Record(_)
            | Type::Option(_)
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. } => base,
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
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_)
        | Type::Option(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => "0 ..= 100".to_owned(),
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
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_)
        | Type::Option(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => false,
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

/// The type without the bounds of its numbers, but for those inside records, enums and
/// collections.
pub fn without_bounds(ty: &Type) -> Type {
    match ty {
        Type::Number { scale, unit, .. } => {
            Type::Number { scale: *scale, unit: unit.clone(), within: Bounds::ALL }
        }
        Type::Duration(_) => Type::Duration(Bounds::DURATION),
        Type::Instant(_) => Type::Instant(Bounds::INSTANT),
        Type::Option(inner) => Type::Option(Box::new(without_bounds(inner))),
        Type::Bool
        | Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => ty.clone(),
    }
}
