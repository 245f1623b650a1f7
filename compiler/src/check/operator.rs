//! Arithmetic and comparisons: scales and units, time and durations. Quotients are a file of their own.

use super::quotient::{FLOW_HELP, is_flow};
use super::store::show_unit;
use super::{Checker, Typed, unbounded};
use crate::codes::Code;
use crate::types::product;
use aqo_grammar::tree::{self, At, BinaryOp, ExprKind, LiteralKind};
use aqo_model::expr::{Expr, Order};
use aqo_model::types::{Bounds, Type, Unit};

/// The most digits after the point of a number that is only computed with: 10^18 fits 64 bits.
pub(super) const SCALE_MAX: u8 = 18;

impl Checker<'_> {
    /// `a + b`, `a - b`, `a * b`, `a / b`, `a % b`.
    pub(super) fn arithmetic(
        &mut self,
        op: BinaryOp,
        left: &tree::Expr,
        right: &tree::Expr,
        at: At,
        want: Option<&Type>,
    ) -> Typed {
        if op == BinaryOp::Div {
            return self.divided(left, right, at);
        }
        let (a, b) = if op == BinaryOp::Mul {
            (self.operand(left, None), self.operand(right, None))
        } else {
            self.operands(left, right, want)
        };
        let (Some(a), Some(b)) = (a, b) else { return self.wrong(at) };
        let typed = match op {
            BinaryOp::Add => self.add(a, b, at),
            BinaryOp::Sub => self.sub(a, b, at),
            BinaryOp::Mul => self.mul(a, b, at),
            BinaryOp::Rem => self.rem(a, b, at),
            BinaryOp::Div
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Implies => self.wrong(at),
        };
        self.sound(typed)
    }

    /// An operand that is there; where it may be absent, an `else` must answer.
    pub(super) fn operand(&mut self, expr: &tree::Expr, want: Option<&Type>) -> Option<Typed> {
        let typed = self.expr(expr, want);
        typed.ty.as_ref()?;
        self.present(typed)
    }

    /// Two operands of one type: a bare literal takes its from the other side.
    fn operands(
        &mut self,
        left: &tree::Expr,
        right: &tree::Expr,
        want: Option<&Type>,
    ) -> (Option<Typed>, Option<Typed>) {
        let want = want.map(unbounded);
        if takes_type(left) && !takes_type(right) {
            let b = self.operand(right, None);
            let ty = b.as_ref().and_then(|b| b.ty.as_ref()).map(unbounded);
            (ty.and_then(|ty| self.operand(left, Some(&ty))), b)
        } else {
            let both = if takes_type(right) && takes_type(left) { want.as_ref() } else { None };
            let a = self.operand(left, both);
            let ty = a.as_ref().and_then(|a| a.ty.as_ref()).map(unbounded);
            let means_something = ty.is_some() || !takes_type(right);
            (a, means_something.then(|| self.operand(right, ty.as_ref())).flatten())
        }
    }

    fn add(&mut self, a: Typed, b: Typed, at: At) -> Typed {
        match (&a.ty, &b.ty) {
            (Some(Type::Duration(_)), Some(Type::Duration(_))) => {
                self.typed(binary(Expr::Add, a, b), Type::Duration(Bounds::DURATION), at)
            }
            (Some(Type::Instant(_)), Some(Type::Duration(_))) => {
                self.typed(binary(Expr::Shift, a, b), Type::Instant(Bounds::INSTANT), at)
            }
            (Some(Type::Duration(_)), Some(Type::Instant(_))) => {
                self.typed(binary(Expr::Shift, b, a), Type::Instant(Bounds::INSTANT), at)
            }
            _ => match self.aligned(a, b, at) {
                Some((a, b, Type::Instant(_))) => self.no_operator(&a, &b, at),
                Some((a, b, ty)) => self.typed(binary(Expr::Add, a, b), ty, at),
                None => self.wrong(at),
            },
        }
    }

    fn sub(&mut self, a: Typed, b: Typed, at: At) -> Typed {
        match (&a.ty, &b.ty) {
            (Some(Type::Duration(_)), Some(Type::Duration(_)))
            | (Some(Type::Instant(_)), Some(Type::Instant(_))) => {
                self.typed(binary(Expr::Sub, a, b), Type::Duration(Bounds::DURATION), at)
            }
            (Some(Type::Instant(_)), Some(Type::Duration(_))) => {
                let back = Expr::Neg(Box::new(b.expr));
                let expr = Expr::Shift(Box::new(a.expr), Box::new(back));
                self.typed(expr, Type::Instant(Bounds::INSTANT), at)
            }
            _ => match self.aligned(a, b, at) {
                Some((a, b, ty)) => self.typed(binary(Expr::Sub, a, b), ty, at),
                None => self.wrong(at),
            },
        }
    }

    pub(super) fn mul(&mut self, a: Typed, b: Typed, at: At) -> Typed {
        match (&a.ty, &b.ty) {
            (
                Some(Type::Number { scale, unit, .. }),
                Some(Type::Number { scale: s, unit: u, .. }),
            ) => {
                let unit = product(unit, u, 1);
                match self.scale_of_product(*scale, *s, at) {
                    Some(scale) => self.typed(binary(Expr::Mul, a, b), number(scale, unit), at),
                    None => self.wrong(at),
                }
            }
            (Some(Type::Duration(_)), Some(ty)) | (Some(ty), Some(Type::Duration(_)))
                if is_count(ty) =>
            {
                self.typed(binary(Expr::Mul, a, b), Type::Duration(Bounds::DURATION), at)
            }
            _ => {
                let typed = self.no_operator(&a, &b, at);
                if let (true, Some(problem)) = (is_flow(&a, &b), self.problems.last_mut()) {
                    problem.help = Some(FLOW_HELP.to_owned());
                }
                typed
            }
        }
    }

    /// The digits of a product; a problem where they are more than a number can have.
    pub(super) fn scale_of_product(&mut self, a: u8, b: u8, at: At) -> Option<u8> {
        let scale = a.saturating_add(b);
        if scale <= SCALE_MAX {
            return Some(scale);
        }
        let message = format!(
            "this product has {scale} digits after the point, at most {SCALE_MAX} are computed with"
        );
        self.problem(Code::Digits, at, message).help =
            Some("round a factor first: `half_even(…)` in a `let` with a type".to_owned());
        None
    }

    fn rem(&mut self, a: Typed, b: Typed, at: At) -> Typed {
        let divisor = self.interval(&b.expr);
        if divisor.low <= 0 {
            return self.zero(&b, divisor, at);
        }
        match self.aligned(a, b, at) {
            Some((a, b, Type::Instant(_))) => self.no_operator(&a, &b, at),
            Some((a, b, ty)) => self.typed(binary(Expr::Rem, a, b), ty, at),
            None => self.wrong(at),
        }
    }

    /// Two numbers in one unit and the larger scale; two durations or two instants as they are.
    pub(super) fn aligned(&mut self, a: Typed, b: Typed, at: At) -> Option<(Typed, Typed, Type)> {
        match (a.ty.clone()?, b.ty.clone()?) {
            (Type::Number { scale, unit, .. }, Type::Number { scale: s, unit: u, .. }) => {
                if unit != u {
                    let problem = self.problem(Code::Units, at, "the units do not agree");
                    problem.label = format!("{} against {}", show_unit(&unit), show_unit(&u));
                    return None;
                }
                let ty = number(scale.max(s), unit);
                let (a, b) = (self.adapt(a, &ty)?, self.adapt(b, &ty)?);
                Some((a, b, ty))
            }
            (ty @ Type::Duration(_), Type::Duration(_))
            | (ty @ Type::Instant(_), Type::Instant(_)) => Some((a, b, unbounded(&ty))),
            _ => {
                self.no_operator(&a, &b, at);
                None
            }
        }
    }

    pub(super) fn no_operator(&mut self, a: &Typed, b: &Typed, at: At) -> Typed {
        let enums = &self.model.schema.types;
        let show = |typed: &Typed| {
            typed.ty.as_ref().map_or(String::new(), |ty| super::store::short_type(ty, enums))
        };
        let message = format!("this operator does not take {} and {}", show(a), show(b));
        self.problem(Code::Mismatch, at, message);
        self.wrong(at)
    }

    /// `a < b` and its kin.
    pub(super) fn comparison(
        &mut self,
        op: BinaryOp,
        left: &tree::Expr,
        right: &tree::Expr,
        at: At,
    ) -> Typed {
        let equality = matches!(op, BinaryOp::Eq | BinaryOp::Ne);
        let (a, b) =
            if equality { self.equals(left, right) } else { self.operands(left, right, None) };
        let (Some(a), Some(b)) = (a, b) else { return self.wrong(at) };
        let ordered = |ty: &Option<Type>| {
            matches!(ty, Some(Type::Number { .. } | Type::Duration(_) | Type::Instant(_)))
        };
        let (a, b) = if ordered(&a.ty) && ordered(&b.ty) {
            match self.aligned(a, b, at) {
                Some((a, b, _)) => (a, b),
                None => return self.wrong(at),
            }
        } else if equality {
            let Some(ty) = a.ty.clone() else { return self.wrong(at) };
            match self.adapt(b, &ty) {
                Some(b) => (a, b),
                None => return self.wrong(at),
            }
        } else {
            return self.no_operator(&a, &b, at);
        };
        let (a, b) = (Box::new(a.expr), Box::new(b.expr));
        let expr = match op {
            BinaryOp::Eq => Expr::Equal(a, b),
            BinaryOp::Ne => Expr::Equal(a, b).negated(),
            BinaryOp::Lt => Expr::Compare(Order::Less, a, b),
            BinaryOp::Le => Expr::Compare(Order::AtMost, a, b),
            BinaryOp::Gt => Expr::Compare(Order::Less, b, a),
            BinaryOp::Ge
            | BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Implies => Expr::Compare(Order::AtMost, b, a),
        };
        self.typed(expr, Type::Bool, at)
    }

    /// The sides of an equality: of one type, perhaps options.
    fn equals(&mut self, left: &tree::Expr, right: &tree::Expr) -> (Option<Typed>, Option<Typed>) {
        let some = |typed: Typed| typed.ty.is_some().then_some(typed);
        if takes_type(left) && !takes_type(right) {
            let b = some(self.expr(right, None));
            let ty = b.as_ref().and_then(|b| b.ty.as_ref()).map(unbounded);
            return (ty.and_then(|ty| some(self.expr(left, Some(&ty)))), b);
        }
        let a = some(self.expr(left, None));
        let ty = a.as_ref().and_then(|a| a.ty.as_ref()).map(unbounded);
        if ty.is_none() && takes_type(right) {
            return (None, None);
        }
        let b = some(self.expr(right, ty.as_ref()));
        match (a, b) {
            (Some(a), Some(b)) => {
                // `T == T?`: the option's side decides.
                let lifted =
                    matches!(b.ty, Some(Type::Option(_))) && !matches!(a.ty, Some(Type::Option(_)));
                if lifted { (Some(b), Some(a)) } else { (Some(a), Some(b)) }
            }
            sides => sides,
        }
    }

    /// `-a`
    pub(super) fn negation(&mut self, inner: &tree::Expr, at: At, want: Option<&Type>) -> Typed {
        if let ExprKind::Literal(literal) = &inner.kind
            && matches!(
                literal.kind,
                LiteralKind::Int | LiteralKind::Decimal | LiteralKind::Duration
            )
        {
            return self.literal(literal, true, at, want);
        }
        let Some(typed) = self.operand(inner, want) else { return self.wrong(at) };
        match typed.ty.clone() {
            Some(ty @ (Type::Number { .. } | Type::Duration(_))) => {
                let typed = self.typed(Expr::Neg(Box::new(typed.expr)), unbounded(&ty), at);
                self.sound(typed)
            }
            _ => self.no_operator(&typed, &typed, at),
        }
    }
}

pub(super) fn binary(node: impl Fn(Box<Expr>, Box<Expr>) -> Expr, a: Typed, b: Typed) -> Expr {
    node(Box::new(a.expr), Box::new(b.expr))
}

pub(super) fn number(scale: u8, unit: Unit) -> Type {
    Type::Number { scale, unit, within: Bounds::ALL }
}

/// A whole number without unit.
pub(super) fn is_count(ty: &Type) -> bool {
    matches!(ty, Type::Number { scale: 0, unit, .. } if unit.0.is_empty())
}

pub(super) fn without_parens(expr: &tree::Expr) -> &tree::Expr {
    if let ExprKind::Paren(inner) = &expr.kind { without_parens(inner) } else { expr }
}

/// Whether an expression takes its type from the other side: a literal or a bare variant.
fn takes_type(expr: &tree::Expr) -> bool {
    if let ExprKind::Neg(inner) | ExprKind::Paren(inner) = &expr.kind {
        return takes_type(inner);
    }
    matches!(
        expr.kind,
        ExprKind::Literal(_)
            | ExprKind::Upper { .. }
            | ExprKind::List(_)
            | ExprKind::Comprehension { .. }
    )
}
