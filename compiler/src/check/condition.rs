//! Conditions, and the names that patterns bind where a condition is true.

use super::{Checker, Meaning, Named, Typed};
use crate::codes::Code;
use crate::globals::{not_yet, unknown};
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
                let right = self.without_binders(right);
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
                    if let CaseKind::Some(Some(name)) = &case.kind {
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
                        Some(Meaning::Param(_) | Meaning::Captured(_)) | None => None,
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
                (CaseKind::Variant { name, binders }, Some(Type::Enum(index))) => {
                    if !binders.is_empty() {
                        let problem = not_yet(self.loc(case.at), "a variant with a payload");
                        self.push(problem);
                    }
                    self.variant_of(*index, name).map(Shape::Variant)
                }
                (CaseKind::None | CaseKind::Some(_) | CaseKind::Variant { .. }, Some(ty)) => {
                    let found = super::store::short_type(ty, &self.model.schema.enums);
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
        let e = self.model.schema.enums.get(usize::from(index))?;
        let found = e.variants.iter().position(|variant| *variant == name.text);
        if found.is_none() {
            let variants = e.variants.iter().map(String::as_str);
            let place = self.globals.enum_places.get(usize::from(index)).copied();
            let what = format!("variant of `{}`", e.name);
            let mut problem =
                unknown(Code::UnknownVariant, self.loc(name.at), &what, &name.text, variants);
            if let Some(place) = place {
                problem = problem.related(place, format!("it has {}", e.variants.join(", ")));
            }
            self.push(problem);
        }
        found.and_then(|number| u16::try_from(number).ok())
    }

    /// `x in low ..= high`
    pub(super) fn domain(
        &mut self,
        value: &tree::Expr,
        negated: bool,
        domain: &Domain,
        at: At,
    ) -> Typed {
        let Domain::Range(range) = domain else {
            let problem = not_yet(self.loc(at), "`in` a collection");
            self.push(problem);
            return self.wrong(at);
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
                let variants = &self.model.schema.enums[usize::from(*index)].variants;
                let left =
                    variants.iter().enumerate().filter(|(number, _)| missing >> number & 1 == 1);
                left.map(|(_, name)| name.clone()).collect()
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
