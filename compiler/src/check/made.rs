//! What is made of parts: records, variants that carry something, and what is read of them.

use super::{Checker, Typed};
use crate::codes::Code;
use crate::globals::unknown;
use crate::indices::Kind;
use crate::shape::Def;
use aqo_grammar::tree::{self, Args, At, ExprKind, Name};
use aqo_model::expr::Expr;
use aqo_model::types::{Bounds, Enum, Param, Type, Unit};

impl Checker<'_> {
    /// `Idle`, `Card(number: 4)`, `Payment(ticket: n)`: a variant of the enum that is wanted, else a
    /// record, else a variant of the only enum that has it.
    pub(super) fn upper(
        &mut self,
        name: &Name,
        args: Option<&Args>,
        want: Option<&Type>,
        at: At,
    ) -> Typed {
        if self.globals.broken.contains(&name.text) {
            return self.wrong(at);
        }
        let wanted = match want.map(super::store::held) {
            Some(Type::Enum(index)) => Some(*index),
            Some(_) | None => None,
        };
        let record = self.globals.record_named(&name.text);
        let enums = &self.model.schema.types.enums;
        let is_wanted = wanted.and_then(|index| enums[usize::from(index)].named(&name.text));
        match (wanted, record) {
            (_, Some(record)) if is_wanted.is_none() => self.record(record, name, args, at),
            (Some(index), _) => match self.variant_of(index, name) {
                Some(number) => self.carrying(index, number, args, at),
                None => self.wrong(at),
            },
            (None, _) => self.variant(name, args, at),
        }
    }

    /// A bare variant of the only enum that has it.
    fn variant(&mut self, name: &Name, args: Option<&Args>, at: At) -> Typed {
        let enums = &self.model.schema.types.enums;
        let seen: Vec<(u16, &Enum)> = (self.globals.enums().into_iter())
            .filter_map(|index| Some((index, enums.get(usize::from(index))?)))
            .collect();
        let found: Vec<(u16, u16)> =
            seen.iter().filter_map(|(index, e)| Some((*index, e.named(&name.text)?))).collect();
        match found[..] {
            [(index, number)] => self.carrying(index, number, args, at),
            [] => {
                let records = self.globals.names(Kind::Record);
                let known = seen.iter().flat_map(|(_, e)| e.names()).chain(records);
                let what = if args.is_some() { "record or variant" } else { "variant" };
                let at_name = self.loc(name.at);
                let problem =
                    self.globals.unknown(Code::UnknownVariant, at_name, what, &name.text, known);
                self.problems.extend(problem);
                self.wrong(at)
            }
            [first, ..] => {
                let qualified = format!("{}.{}", enums[usize::from(first.0)].name, name.text);
                let message = format!("`{}` is a variant of several enums", name.text);
                self.problem(Code::UnknownVariant, name.at, message).help =
                    Some(format!("say which: `{qualified}`"));
                self.wrong(at)
            }
        }
    }

    /// `Mode.Idle`, `Kind.Card(number: 4)`
    pub(super) fn qualified(
        &mut self,
        of: &tree::Expr,
        name: &Name,
        args: Option<&Args>,
        at: At,
    ) -> Typed {
        let ExprKind::Upper { name: of_name, args: None } = &of.kind else {
            let message = "only an enum has variants: `Mode.Idle`";
            self.problem(Code::UnknownVariant, name.at, message);
            return self.wrong(at);
        };
        if self.globals.broken.contains(&of_name.text) {
            return self.wrong(at);
        }
        let Some(index) = self.globals.enum_named(&of_name.text) else {
            let enums = self.globals.names(Kind::Enum);
            let problem =
                unknown(Code::UnknownType, self.loc(of_name.at), "enum", &of_name.text, enums);
            self.push(problem);
            return self.wrong(at);
        };
        match self.variant_of(index, name) {
            Some(number) => self.carrying(index, number, args, at),
            None => self.wrong(at),
        }
    }

    /// A variant with what it carries.
    fn carrying(&mut self, index: u16, number: u16, args: Option<&Args>, at: At) -> Typed {
        let e = &self.model.schema.types.enums[usize::from(index)];
        if self.globals.broken.contains(&e.name) {
            return self.wrong(at);
        }
        let variant = &e.variants[usize::from(number)];
        let place = self.globals.place_of(Kind::Enum, index);
        let parts = match args {
            Some(args) if variant.params.is_empty() => {
                let message = format!("`{}` carries nothing", variant.name);
                self.problem(Code::Arguments, args.at, message).help =
                    Some(format!("write `{}`", variant.name));
                None
            }
            Some(args) => self.parts(args, &variant.params, &variant.name),
            None => self.bare(&variant.params, &variant.name, at),
        };
        self.made(
            parts.map(|parts| Expr::Variant(index, number, parts)),
            Type::Enum(index),
            at,
            place,
        )
    }

    fn record(&mut self, index: u16, name: &Name, args: Option<&Args>, at: At) -> Typed {
        let params = self.model.schema.types.parts(index);
        let place = self.globals.place_of(Kind::Record, index);
        let parts = match args {
            Some(args) => self.parts(args, params, &name.text),
            None => self.bare(params, &name.text, at),
        };
        self.made(parts.map(|parts| Expr::Record(index, parts)), Type::Record(index), at, place)
    }

    fn made(
        &mut self,
        expr: Option<Expr>,
        ty: Type,
        at: At,
        place: Option<(crate::diagnostic::Loc, String)>,
    ) -> Typed {
        match expr {
            Some(expr) => self.typed(expr, ty, at),
            None => {
                if let (Some(place), Some(problem)) = (place, self.problems.last_mut())
                    && problem.code == Code::Arguments
                {
                    problem.related.push(place);
                }
                self.wrong(at)
            }
        }
    }

    /// A name that needs its parts, without any.
    fn bare(&mut self, params: &[Param], of: &str, at: At) -> Option<Vec<Expr>> {
        if params.is_empty() {
            return Some(Vec::new());
        }
        let names: Vec<String> = params.iter().map(|param| format!("{}: …", param.name)).collect();
        let message = format!("`{of}` needs its parts");
        self.problem(Code::Arguments, at, message).help =
            Some(format!("write `{of}({})`", names.join(", ")));
        None
    }

    /// All parts, by name; one alone needs no name.
    fn parts(&mut self, args: &Args, params: &[Param], of: &str) -> Option<Vec<Expr>> {
        match (&args.args[..], params) {
            ([arg], [_]) if arg.label.is_none() => self.in_order(args, params, of),
            _ => self.arguments(args, params, of),
        }
    }

    /// `p with (amount: 2)`
    pub(super) fn with(&mut self, of: &tree::Expr, args: &Args, at: At) -> Typed {
        let of = self.expr(of, None);
        let Some(of) = of.ty.is_some().then(|| self.present(of)).flatten() else {
            return self.wrong(at);
        };
        let Some(Type::Record(index)) = of.ty else {
            let shown = of.ty.as_ref().map(|ty| self.shown(ty)).unwrap_or_default();
            let message = format!("only a record has parts to replace, this is {shown}");
            self.problem(Code::Mismatch, of.at, message);
            return self.wrong(at);
        };
        let record = &self.model.schema.types.records[usize::from(index)];
        let Some(given) = self.labelled(args, &record.fields, &record.name) else {
            return self.made(None, Type::Record(index), at, None);
        };
        let named = args.args.iter().filter(|arg| arg.label.is_some()).count();
        let changes: Vec<(u16, Expr)> =
            (0..).zip(given).filter_map(|(part, value)| Some((part, value?))).collect();
        if changes.len() < named {
            return self.wrong(at);
        }
        self.typed(Expr::With(Box::new(of.expr), changes), Type::Record(index), at)
    }

    /// What is left of a limit.
    fn left_of(&mut self, limit: &str, at: At) -> Typed {
        if !self.reach.moving {
            return self.unreadable_here(&format!("{limit}.left"), at);
        }
        let found = self.limits.iter().find(|(name, ..)| name == limit).cloned();
        match found {
            Some((_, index, ty)) => self.typed(Expr::Left(index), ty, at),
            // Its declaration was not understood.
            None => self.wrong(at),
        }
    }

    /// `p.amount`, `xs.len`, `xs.first`
    pub(super) fn property(&mut self, of: &tree::Expr, name: &Name, at: At) -> Typed {
        if let (ExprKind::Name(limit), "left") = (&of.kind, name.text.as_str())
            && let Some(Def::Limit) = self.shape.def(limit)
        {
            return self.left_of(limit, at);
        }
        let value = self.expr(of, None);
        let Some(value) = value.ty.is_some().then(|| self.present(value)).flatten() else {
            return self.wrong(at);
        };
        let Some(ty) = value.ty.clone() else { return self.wrong(at) };
        let of = Box::new(value.expr);
        let is_whole = matches!(ty, Type::Text { .. } | Type::Bytes { .. }) || ty.items().is_some();
        match (&ty, name.text.as_str()) {
            (Type::Record(index), _) => match self.part_of(*index, name) {
                Some((part, ty)) => self.typed(Expr::Part(of, part), ty, at),
                None => self.wrong(at),
            },
            (_, "len") if is_whole => {
                let ty = Type::Number { scale: 0, unit: Unit::default(), within: Bounds::ALL };
                self.typed(Expr::Len(of), ty, at)
            }
            (
                Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. },
                "first" | "last",
            ) => {
                let Some(ty) = self.optional(item, at) else { return self.wrong(at) };
                let expr = if name.text == "first" { Expr::First(of) } else { Expr::Last(of) };
                self.typed(expr, ty, at)
            }
            _ => {
                let shown = self.shown(&ty);
                let message = format!("{shown} has no `{}`", name.text);
                let problem = self.problem(Code::UnknownName, name.at, message);
                if matches!(ty, Type::Map { .. }) {
                    problem.help = Some("a map has `len`; look up with `m[k]`".to_owned());
                } else if ty.items().is_some() {
                    problem.help = Some("it has `len`, `first`, `last`".to_owned());
                }
                self.wrong(at)
            }
        }
    }

    /// A part of a record: its number and its type.
    pub(super) fn part_of(&mut self, index: u16, name: &Name) -> Option<(u16, Type)> {
        let record = &self.model.schema.types.records[usize::from(index)];
        if self.globals.broken.contains(&record.name) {
            return None;
        }
        let found = record.fields.iter().position(|part| part.name == name.text);
        if let Some(found) = found {
            return Some((u16::try_from(found).ok()?, record.fields[found].ty.clone()));
        }
        let parts: Vec<&str> = record.fields.iter().map(|part| part.name.as_str()).collect();
        let what = format!("part of `{}`", record.name);
        let known = parts.iter().copied();
        let mut problem = unknown(Code::UnknownName, self.loc(name.at), &what, &name.text, known);
        if let Some(place) = self.globals.record_places.get(usize::from(index)) {
            problem = problem.related(*place, format!("it has {}", parts.join(", ")));
        }
        self.push(problem);
        None
    }

    /// A type in a few words.
    pub(super) fn shown(&self, ty: &Type) -> String {
        super::store::short_type(ty, &self.model.schema.types)
    }

    /// The option of a type; a problem where it is one already.
    pub(super) fn optional(&mut self, ty: &Type, at: At) -> Option<Type> {
        if matches!(ty, Type::Option(_)) {
            let message = "this would be an option of an option, which does not exist";
            let problem = self.problem(Code::Mismatch, at, message);
            problem.help =
                Some("`present(xs)` is the list of those options that are some".to_owned());
            return None;
        }
        Some(Type::Option(Box::new(ty.clone())))
    }
}
