//! Conditions, and the names that patterns bind where a condition is true.

use super::{Checker, Meaning, Named, Typed};
use crate::codes::Code;
use crate::globals::{taken, unknown};
use aqo_grammar::tree::{
    self, At, BinaryOp, CaseKind, Domain, ExprKind, Head, HeadKind, Name, Pattern,
};
use aqo_model::expr::{Expr, Shape};
use aqo_model::types::Type;

/// Names that are bound where a condition is true.
pub(super) type Binders = Vec<Named>;

impl Checker<'_> {
    /// A condition for a guard or a branch: a bool in which nothing can fail.
    pub fn guard(&mut self, expr: &tree::Expr) -> Option<(Expr, usize)> {
        let before = self.names.len();
        let (typed, binders) = self.condition(expr);
        let cond = self.adapt(typed, &Type::Bool)?;
        self.names.extend(binders);
        Some((cond.expr, before))
    }

    /// A condition and what it binds. The binders are not in scope yet.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other expression binds nothing")]
    pub(super) fn condition(&mut self, expr: &tree::Expr) -> (Typed, Binders) {
        match &expr.kind {
            ExprKind::Paren(inner) => self.condition(inner),
            ExprKind::Not(inner) => {
                let inner = self.without_binders(inner);
                (self.map_bool(inner, expr.at, Expr::negated), Vec::new())
            }
            ExprKind::Binary { op: BinaryOp::And, left, right, .. } => {
                self.conjunction(left, right, expr.at)
            }
            ExprKind::Binary { op: BinaryOp::Or, left, right, .. } => {
                let left = self.without_binders(left);
                let saved = self.facts.clone();
                self.learn(&left.expr, false);
                let right = self.without_binders(right);
                self.facts = saved;
                (self.join_bools(left, right, expr.at, Expr::Or), Vec::new())
            }
            ExprKind::Binary { op: BinaryOp::Implies, left, right, .. } => {
                let (left, binders) = self.condition(left);
                let left = self.map_bool(left, expr.at, Expr::negated);
                let scope = self.names.len();
                let saved = self.facts.clone();
                self.learn(&left.expr, false);
                self.names.extend(binders);
                let right = self.whole_condition(right);
                self.names.truncate(scope);
                self.facts = saved;
                (self.join_bools(left, right, expr.at, Expr::Or), Vec::new())
            }
            ExprKind::Is { value, pattern } => self.is(value, pattern, expr.at),
            _ => {
                let typed = self.expr(expr, Some(&Type::Bool));
                (self.as_bool(typed), Vec::new())
            }
        }
    }

    fn conjunction(&mut self, left: &tree::Expr, right: &tree::Expr, at: At) -> (Typed, Binders) {
        let (left, mut binders) = self.condition(left);
        let scope = self.names.len();
        let saved = self.facts.clone();
        if left.ty.is_some() {
            self.learn(&left.expr, true);
        }
        self.names.extend(binders.iter().cloned());
        let (right, more) = self.condition(right);
        self.names.truncate(scope);
        self.facts = saved;
        binders.extend(more);
        (self.join_bools(left, right, at, Expr::And), binders)
    }

    /// A condition that binds nothing: it need not be true where the names would be read.
    pub(super) fn without_binders(&mut self, expr: &tree::Expr) -> Typed {
        let (typed, binders) = self.condition(expr);
        for binder in binders {
            self.loose.insert(binder.name.clone());
            let message = format!("`{}` is bound where the pattern need not hold", binder.name);
            let problem = self.problem(Code::LooseBinder, binder.at, message);
            problem.label = "not bound by `or` and `not`".to_owned();
            problem.help = Some("write a bare `is some`, or bind it under `and`".to_owned());
        }
        typed
    }

    /// A whole condition: what it binds is bound for its own parts alone.
    pub(super) fn whole_condition(&mut self, expr: &tree::Expr) -> Typed {
        let (typed, _) = self.condition(expr);
        let at = typed.at;
        if typed.ty.is_none() {
            return typed;
        }
        self.adapt(typed, &Type::Bool).unwrap_or_else(|| self.wrong(at))
    }

    fn as_bool(&mut self, typed: Typed) -> Typed {
        let at = typed.at;
        self.adapt(typed, &Type::Bool).unwrap_or_else(|| self.wrong(at))
    }

    fn map_bool(&self, typed: Typed, at: At, map: impl Fn(Expr) -> Expr) -> Typed {
        match typed.ty {
            Some(_) => self.typed(map(typed.expr), Type::Bool, at),
            None => self.wrong(at),
        }
    }

    fn join_bools(
        &self,
        a: Typed,
        b: Typed,
        at: At,
        node: fn(Box<Expr>, Box<Expr>) -> Expr,
    ) -> Typed {
        match (&a.ty, &b.ty) {
            (Some(_), Some(_)) => {
                self.typed(node(Box::new(a.expr), Box::new(b.expr)), Type::Bool, at)
            }
            _ => self.wrong(at),
        }
    }

    fn is(&mut self, value: &tree::Expr, pattern: &Pattern, at: At) -> (Typed, Binders) {
        let value = self.expr(value, None);
        let (shapes, binders) = self.pattern(&value, pattern);
        match (value.ty, shapes) {
            (Some(_), Some(shapes)) => {
                (self.typed(Expr::Is(Box::new(value.expr), shapes), Type::Bool, at), binders)
            }
            _ => (self.wrong(at), binders),
        }
    }

    /// A pattern against a value.
    pub(super) fn pattern(
        &mut self,
        value: &Typed,
        pattern: &Pattern,
    ) -> (Option<Vec<Shape>>, Binders) {
        let mut shapes = Vec::new();
        let mut binders = Vec::new();
        for case in &pattern.cases {
            let shape = match (&case.kind, &value.ty) {
                (_, None) => {
                    // Names are bound all the same, so that their use is no second mistake.
                    let names = match &case.kind {
                        CaseKind::Some(name) => name.as_slice(),
                        CaseKind::Variant { binders, .. } => binders,
                        CaseKind::None => &[],
                    };
                    for name in names {
                        binders.extend(self.binder(name, None));
                    }
                    None
                }
                (CaseKind::None, Some(Type::Option(_))) => Some(Shape::None),
                (CaseKind::Some(None), Some(Type::Option(_))) => Some(Shape::Some(None)),
                (CaseKind::Some(Some(name)), Some(Type::Option(_))) => {
                    let held = self.narrowed(value).map(|ty| super::store::held(&ty).clone());
                    let binder = self.binder(name, held);
                    let shape = match binder.as_ref().map(|binder| &binder.what) {
                        Some(Meaning::Local(local)) => Some(Shape::Some(Some(*local))),
                        Some(Meaning::Param(_) | Meaning::Captured(_) | Meaning::Person(_))
                        | None => None,
                    };
                    binders.extend(binder);
                    if pattern.cases.len() > 1 {
                        self.problem(
                            Code::LooseBinder,
                            name.at,
                            "a binder stands alone in its pattern",
                        );
                        None
                    } else {
                        shape
                    }
                }
                (CaseKind::Variant { name, binders: names }, Some(Type::Enum(index))) => {
                    let (shape, bound) = self.variant_shape(*index, name, names, pattern);
                    binders.extend(bound);
                    shape
                }
                (CaseKind::None | CaseKind::Some(_) | CaseKind::Variant { .. }, Some(ty)) => {
                    let found = super::store::short_type(ty, &self.model.schema.types);
                    let problem = self.problem(
                        Code::Mismatch,
                        case.at,
                        format!("this pattern does not fit {found}"),
                    );
                    problem.label = format!("the value is {found}");
                    None
                }
            };
            shapes.push(shape);
        }
        (shapes.into_iter().collect(), binders)
    }

    /// A variant in a pattern, and the names of what it carries.
    fn variant_shape(
        &mut self,
        index: u16,
        name: &Name,
        names: &[Name],
        pattern: &Pattern,
    ) -> (Option<Shape>, Binders) {
        let number = self.variant_of(index, name);
        let params = number.map(|number| self.model.schema.types.payload(index, number));
        let mut binders: Binders = Vec::new();
        let mut locals = Vec::new();
        for (place, binder) in names.iter().enumerate() {
            let ty = params.and_then(|params| params.get(place)).map(|param| param.ty.clone());
            if let Some(first) = names[..place].iter().find(|first| first.text == binder.text) {
                let (at, first) = (self.loc(binder.at), self.loc(first.at));
                self.push(taken(binder, at, first));
            }
            let named = self.binder(binder, ty);
            if let Some(Meaning::Local(local)) = named.as_ref().map(|named| &named.what) {
                locals.push(*local);
            }
            binders.extend(named);
        }
        let (Some(number), Some(params)) = (number, params) else { return (None, binders) };
        if self.globals.broken.contains(&self.model.schema.types.enums[usize::from(index)].name) {
            return (None, binders);
        }
        if names.is_empty() {
            return (Some(Shape::Variant(number, Vec::new())), binders);
        }
        if pattern.cases.len() > 1 {
            let message = "a binder stands alone in its pattern";
            self.problem(Code::LooseBinder, name.at, message);
            return (None, binders);
        }
        if names.len() != params.len() {
            let parts: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
            let (name_text, count) = (&name.text, names.len());
            let carried = if parts.is_empty() {
                format!("`{name_text}` carries nothing")
            } else {
                format!("`{name_text}` carries {}: `{}`", parts.len(), parts.join("`, `"))
            };
            let help = match parts.is_empty() {
                true => format!("write `{name_text}`"),
                false => {
                    format!("write `{name_text}({})`, or a bare `{name_text}`", parts.join(", "))
                }
            };
            let message = format!("{carried}, and this pattern names {count}");
            self.problem(Code::Arguments, name.at, message).help = Some(help);
            return (None, binders);
        }
        (Some(Shape::Variant(number, locals)), binders)
    }

    /// A new local for a binder; in scope only when its pattern holds.
    fn binder(&mut self, name: &Name, ty: Option<Type>) -> Option<Named> {
        let scope = self.names.len();
        let local = self.local(ty.clone().unwrap_or(Type::Bool));
        self.name(name, Meaning::Local(local), ty);
        let named = self.names.pop();
        self.names.truncate(scope);
        named
    }

    /// A variant of a known enum.
    pub(super) fn variant_of(&mut self, index: u16, name: &Name) -> Option<u16> {
        let e = self.model.schema.types.enums.get(usize::from(index))?;
        let found = e.named(&name.text);
        if found.is_none() {
            let variants = e.names();
            let place = self.globals.enum_places.get(usize::from(index)).copied();
            let what = format!("variant of `{}`", e.name);
            let mut problem =
                unknown(Code::UnknownVariant, self.loc(name.at), &what, &name.text, variants);
            if let Some(place) = place {
                problem = problem
                    .related(place, format!("it has {}", e.names().collect::<Vec<_>>().join(", ")));
            }
            self.push(problem);
        }
        found
    }

    /// `x in low ..= high`
    pub(super) fn domain(
        &mut self,
        value: &tree::Expr,
        negated: bool,
        domain: &Domain,
        at: At,
    ) -> Typed {
        let range = match domain {
            Domain::Range(range) => range,
            Domain::Set(whole) => return self.held_in(value, negated, whole, at),
        };
        let value = self.expr(value, None);
        let Some(value) = value.ty.is_some().then(|| self.present(value)).flatten() else {
            return self.wrong(at);
        };
        let ty = value.ty.as_ref().map(super::unbounded);
        let (low, high) = (self.expr(&range.low, ty.as_ref()), self.expr(&range.high, ty.as_ref()));
        let Some(ty) = ty else { return self.wrong(at) };
        let (Some(low), Some(high)) = (self.adapt(low, &ty), self.adapt(high, &ty)) else {
            return self.wrong(at);
        };
        let within = Expr::Within(Box::new(value.expr), Box::new(low.expr), Box::new(high.expr));
        let typed = self.typed(if negated { within.negated() } else { within }, Type::Bool, at);
        self.sound(typed)
    }

    /// The head of an arm: its shapes and binders.
    pub(super) fn head(&mut self, subject: &Typed, head: &Head) -> (Option<Vec<Shape>>, Binders) {
        match &head.kind {
            HeadKind::Pattern(pattern) => self.pattern(subject, pattern),
            HeadKind::Else => (Some(vec![Shape::Any]), Vec::new()),
        }
    }

    /// Whether the arms of a match cover every value; says which are missing.
    pub(super) fn covered(&mut self, subject: &Typed, arms: &[Vec<Shape>], at: At) -> bool {
        let Ok(checked) = self.checked(&subject.expr) else { return false };
        let shapes = arms.iter().map(Vec::as_slice);
        let missing = match aqo_model::verify::covers(&self.place(), &checked, shapes) {
            Ok(()) => return true,
            Err(aqo_model::verify::Fault::Uncovered(missing)) => missing,
            Err(_) => return false,
        };
        let names: Vec<String> = match &subject.ty {
            Some(Type::Enum(index)) => {
                let variants = &self.model.schema.types.enums[usize::from(*index)].variants;
                let left =
                    variants.iter().enumerate().filter(|(number, _)| missing >> number & 1 == 1);
                left.map(|(_, variant)| variant.name.clone()).collect()
            }
            Some(Type::Option(_)) if missing == 1 => vec!["none".to_owned()],
            Some(Type::Option(_)) => vec!["some(x)".to_owned()],
            Some(_) | None => vec!["else".to_owned()],
        };
        let problem = self.problem(
            Code::MissingArm,
            at,
            format!("this match leaves out {}", names.join(", ")),
        );
        problem.label = format!("no arm for {}", names.join(", "));
        problem.help = Some(format!(
            "add {}, or `else => …`",
            names.iter().map(|n| format!("`{n} => …`")).collect::<Vec<_>>().join(", ")
        ));
        false
    }
}
