//! Expressions and statements: checked, typed trees in which everything that the source leaves
//! implicit stands as a node of its own.
//!
//! Names are indices, literals are scaled, `T` into `T?` is [`Expr::Some`], a change of scale is a
//! multiplication, and whatever can fail is one of the *partial* nodes ([`Expr::Fit`],
//! [`Expr::Unwrap`]), which stand only under the left side of an [`Expr::Else`]. A tree that passes
//! [`verify`](crate::verify) cannot overflow, divide by zero or store a value out of bounds.

use crate::types::Type;
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// An expression. Each variant's serialised name is its operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expr {
    /// A constant; a number's value is scaled.
    #[serde(rename = "v")]
    Value(Value),
    /// The variant `.1` of the enum with index `.0`.
    #[serde(rename = "e")]
    Variant(u16, u16),
    /// `none` of an option of this type.
    #[serde(rename = "none")]
    None(Type),
    /// `e` where `T?` is wanted.
    #[serde(rename = "some")]
    Some(Box<Expr>),

    /// A field, as the rule found it.
    #[serde(rename = "f")]
    Field(u16),
    /// The key of a role.
    #[serde(rename = "r")]
    Role(u16),
    /// A derived value.
    #[serde(rename = "d")]
    Derive(u16),
    /// An input, an option.
    #[serde(rename = "i")]
    Input(u16),
    /// A parameter of the message.
    #[serde(rename = "p")]
    Param(u16),
    /// A `let` or a binder of the rule.
    #[serde(rename = "l")]
    Local(u16),
    /// What a prediction captured when it was made.
    #[serde(rename = "c")]
    Captured(u16),
    /// The step's logical time, an instant.
    #[serde(rename = "now")]
    Now,
    /// The instant for which this tick was meant.
    #[serde(rename = "due")]
    Due,
    /// How many ticks it stands for besides its own.
    #[serde(rename = "missed")]
    Missed,
    /// The instant of birth.
    #[serde(rename = "born")]
    Born,
    /// Trust in this object, a `decimal<6>`, with the losses of this step and without its gains.
    #[serde(rename = "trust")]
    Trust,

    /// `-a`
    #[serde(rename = "neg")]
    Neg(Box<Expr>),
    /// `a + b`
    #[serde(rename = "+")]
    Add(Box<Expr>, Box<Expr>),
    /// `a - b`
    #[serde(rename = "-")]
    Sub(Box<Expr>, Box<Expr>),
    /// `a * b`
    #[serde(rename = "*")]
    Mul(Box<Expr>, Box<Expr>),
    /// `a / b`, rounded once.
    #[serde(rename = "/")]
    Div(Rounding, Box<Expr>, Box<Expr>),
    /// `a % b`, in `0..b`; `b > 0`.
    #[serde(rename = "%")]
    Rem(Box<Expr>, Box<Expr>),
    /// instant + duration, cut at the first and the last instant.
    #[serde(rename = "at")]
    Shift(Box<Expr>, Box<Expr>),
    /// The lesser.
    #[serde(rename = "min")]
    Min(Box<Expr>, Box<Expr>),
    /// The greater.
    #[serde(rename = "max")]
    Max(Box<Expr>, Box<Expr>),
    /// The distance from zero.
    #[serde(rename = "abs")]
    Abs(Box<Expr>),
    /// `clamp(a, low, high)`; `low <= high`.
    #[serde(rename = "clamp")]
    Clamp(Box<Expr>, Box<Expr>, Box<Expr>),
    /// Bytes of a text.
    #[serde(rename = "len")]
    Len(Box<Expr>),
    /// Whether text `.0` begins with text `.1`.
    #[serde(rename = "begins")]
    StartsWith(Box<Expr>, Box<Expr>),

    /// A comparison of numbers.
    #[serde(rename = "<")]
    Compare(Order, Box<Expr>, Box<Expr>),
    /// Structural equality.
    #[serde(rename = "=")]
    Equal(Box<Expr>, Box<Expr>),
    /// `a in low ..= high`
    #[serde(rename = "in")]
    Within(Box<Expr>, Box<Expr>, Box<Expr>),
    /// Whether a value has one of these shapes; binds what a shape names.
    #[serde(rename = "is")]
    Is(Box<Expr>, Vec<Shape>),
    /// `not a`
    #[serde(rename = "not")]
    Not(Box<Expr>),
    /// `a and b`; `b` is looked at only where `a` is true.
    #[serde(rename = "and")]
    And(Box<Expr>, Box<Expr>),
    /// `a or b`; `b` is looked at only where `a` is false.
    #[serde(rename = "or")]
    Or(Box<Expr>, Box<Expr>),

    /// `a` where it lies in `low ..= high`; fails elsewhere.
    #[serde(rename = "fit")]
    Fit(Box<Expr>, i64, i64),
    /// What an option holds; fails on `none`.
    #[serde(rename = "un")]
    Unwrap(Box<Expr>),
    /// `a`, or `b` where something in `a` fails.
    #[serde(rename = "else")]
    Else(Box<Expr>, Box<Expr>),
    /// Ends the rule with a reason. Stands only right of [`Expr::Else`], in a rule's body.
    #[serde(rename = "refuse")]
    Refuse(u16),

    /// `if c { a } else { b }`
    #[serde(rename = "if")]
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// The first arm whose shapes fit; the arms cover every value.
    #[serde(rename = "match")]
    Match(Box<Expr>, Vec<(Vec<Shape>, Expr)>),
    /// `let local = a` before `b`.
    #[serde(rename = "let")]
    Let(u16, Box<Expr>, Box<Expr>),
}

/// How a quotient becomes a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Toward minus infinity.
    Floor,
    /// Toward plus infinity.
    Ceil,
    /// Toward zero.
    Trunc,
    /// To the nearest, ties away from zero.
    HalfUp,
    /// To the nearest, ties to the even neighbour.
    HalfEven,
}

impl Rounding {
    /// `a / b`, rounded once. `b` is not zero; neither is beyond 64 bits.
    pub fn divide(self, a: i128, b: i128) -> i128 {
        let (quotient, rest) = (a / b, a % b);
        let up = if (rest < 0) == (b < 0) { 1 } else { -1 };
        let (twice, size) = (rest.abs() * 2, b.abs());
        let away = match self {
            Rounding::Trunc => false,
            Rounding::Floor => rest != 0 && up < 0,
            Rounding::Ceil => rest != 0 && up > 0,
            Rounding::HalfUp => twice >= size && rest != 0,
            Rounding::HalfEven => twice > size || (twice == size && quotient % 2 != 0),
        };
        if away { quotient + up } else { quotient }
    }
}

/// A comparison of numbers. The other two are these with the sides exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    AtMost,
}

/// One shape of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Anything: `else`.
    Any,
    /// `none`
    None,
    /// `some`, or `some(local)`.
    Some(Option<u16>),
    /// This variant.
    Variant(u16),
}

/// A statement of a rule's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stmt {
    /// Names a value.
    Let(u16, Expr),
    /// Gives a field its next value.
    Set(u16, Expr),
    /// Says an event.
    Emit(u16, Vec<Expr>),
    /// Makes the prediction with this index; the expressions are what it captures.
    Predict(u16, Vec<Expr>),
    /// Ends the rule with a reason.
    Refuse(u16),
    /// Chooses by a condition.
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// Chooses the first arm that fits; the arms cover every value.
    Match(Expr, Vec<(Vec<Shape>, Vec<Stmt>)>),
}

/// The direct parts of an expression, in the order in which they are looked at: to read, or to change.
macro_rules! parts {
    ($expr:expr, $iter:ident $(, $mutable:tt)?) => {
        match $expr {
            Expr::Value(_)
            | Expr::Variant(..)
            | Expr::None(_)
            | Expr::Field(_)
            | Expr::Role(_)
            | Expr::Derive(_)
            | Expr::Input(_)
            | Expr::Param(_)
            | Expr::Local(_)
            | Expr::Captured(_)
            | Expr::Now
            | Expr::Due
            | Expr::Missed
            | Expr::Born
            | Expr::Trust
            | Expr::Refuse(_) => Vec::new(),
            Expr::Some(a)
            | Expr::Neg(a)
            | Expr::Abs(a)
            | Expr::Len(a)
            | Expr::Is(a, _)
            | Expr::Not(a)
            | Expr::Fit(a, ..)
            | Expr::Unwrap(a) => vec![a],
            Expr::Add(a, b)
            | Expr::Sub(a, b)
            | Expr::Mul(a, b)
            | Expr::Div(_, a, b)
            | Expr::Rem(a, b)
            | Expr::Shift(a, b)
            | Expr::Min(a, b)
            | Expr::Max(a, b)
            | Expr::StartsWith(a, b)
            | Expr::Compare(_, a, b)
            | Expr::Equal(a, b)
            | Expr::And(a, b)
            | Expr::Or(a, b)
            | Expr::Else(a, b)
            | Expr::Let(_, a, b) => vec![a, b],
            Expr::Clamp(a, b, c) | Expr::Within(a, b, c) | Expr::If(a, b, c) => vec![a, b, c],
            Expr::Match(subject, arms) => {
                let arms = arms.$iter().map(|(_, value)| value);
                std::iter::once(&$($mutable)? **subject).chain(arms).collect()
            }
        }
    };
}

impl Expr {
    /// A number.
    pub fn number(value: i64) -> Expr {
        Expr::Value(Value::Int(value))
    }

    /// `a and b`
    pub fn and(self, other: Expr) -> Expr {
        Expr::And(Box::new(self), Box::new(other))
    }

    /// `not a`
    pub fn negated(self) -> Expr {
        Expr::Not(Box::new(self))
    }

    /// The direct parts, in the order in which they are looked at.
    pub fn parts(&self) -> Vec<&Expr> {
        parts!(self, iter)
    }

    /// The direct parts, to be changed.
    pub fn parts_mut(&mut self) -> Vec<&mut Expr> {
        parts!(self, iter_mut, mut)
    }

    /// Calls `change` on every node without parts.
    pub fn map_leaves(&mut self, change: &mut dyn FnMut(&mut Expr)) {
        let parts = self.parts_mut();
        if parts.is_empty() {
            change(self);
        } else {
            parts.into_iter().for_each(|part| part.map_leaves(change));
        }
    }

    /// Calls `see` on this node and all below it, outermost first.
    pub fn walk<'e>(&'e self, see: &mut dyn FnMut(&'e Expr)) {
        see(self);
        for part in self.parts() {
            part.walk(see);
        }
    }
}

impl Stmt {
    /// Whether every path through these statements ends in a refusal.
    pub fn always_refuse(stmts: &[Stmt]) -> bool {
        stmts.iter().any(|stmt| match stmt {
            Stmt::Refuse(_) => true,
            Stmt::If(_, then, otherwise) => {
                Stmt::always_refuse(then) && Stmt::always_refuse(otherwise)
            }
            Stmt::Match(_, arms) => arms.iter().all(|(_, body)| Stmt::always_refuse(body)),
            Stmt::Let(..) | Stmt::Set(..) | Stmt::Emit(..) | Stmt::Predict(..) => false,
        })
    }

    /// Calls `see` on this statement and all below it.
    pub fn walk<'s>(&'s self, see: &mut dyn FnMut(&'s Stmt)) {
        see(self);
        match self {
            Stmt::If(_, then, otherwise) => {
                then.iter().chain(otherwise).for_each(|stmt| stmt.walk(see));
            }
            Stmt::Match(_, arms) => {
                arms.iter().flat_map(|(_, body)| body).for_each(|stmt| stmt.walk(see));
            }
            Stmt::Let(..)
            | Stmt::Set(..)
            | Stmt::Emit(..)
            | Stmt::Predict(..)
            | Stmt::Refuse(_) => {}
        }
    }

    /// The statement's own expressions, without those of statements below it.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Stmt::Let(_, e) | Stmt::Set(_, e) | Stmt::If(e, ..) | Stmt::Match(e, _) => vec![e],
            Stmt::Emit(_, args) | Stmt::Predict(_, args) => args.iter().collect(),
            Stmt::Refuse(_) => Vec::new(),
        }
    }
}
