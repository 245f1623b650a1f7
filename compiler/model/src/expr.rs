//! Expressions and statements: checked, typed trees in which everything that the source leaves
//! implicit stands as a node of its own.
//!
//! Names are indices, literals are scaled, `T` into `T?` is [`Expr::Some`], a change of scale is a
//! multiplication, and whatever can fail is one of the *partial* nodes ([`Expr::Fit`],
//! [`Expr::Unwrap`]), which stand only under the left side of an [`Expr::Else`]. A tree that passes
//! [`verify`](crate::verify) cannot overflow, divide by zero or store a value out of bounds.

use crate::policy::Measure;
use crate::types::Type;
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// An expression. Each variant's serialised name is its operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expr {
    /// A constant; a number's value is scaled.
    #[serde(rename = "v")]
    Value(Value),
    /// The variant `.1` of the enum with index `.0`, and what it carries.
    #[serde(rename = "e")]
    Variant(u16, u16, Vec<Expr>),
    /// A record of the type with this index, part by part.
    #[serde(rename = "record")]
    Record(u16, Vec<Expr>),
    /// A list, ring or set of this type. Of a set, what stands twice counts once.
    #[serde(rename = "list")]
    List(Type, Vec<Expr>),
    /// A map of this type. Of a key that stands twice, the last value counts.
    #[serde(rename = "map")]
    Map(Type, Vec<(Expr, Expr)>),
    /// `none` of an option of this type.
    #[serde(rename = "none")]
    None(Type),
    /// `e` where `T?` is wanted.
    #[serde(rename = "some")]
    Some(Box<Expr>),

    /// A field, as the rule found it.
    #[serde(rename = "f")]
    Field(u16),
    /// The key of a role, or the set of its keys.
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
    /// The key of who sent the message.
    #[serde(rename = "sender")]
    Sender,
    /// What is left of the limit with this index: of its sum, or else of its count.
    #[serde(rename = "left")]
    Left(u16),
    /// Trust in this object or a slope of it, a `decimal<6>`, with the losses of this step and without
    /// its gains.
    #[serde(rename = "trust")]
    Trust(Measure),

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
    /// `a * b / c`, the product in 128 bits, rounded once.
    #[serde(rename = "*/")]
    MulDiv(Rounding, Box<Expr>, Box<Expr>, Box<Expr>),
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
    /// Bytes of a text or of bytes, items of a collection.
    #[serde(rename = "len")]
    Len(Box<Expr>),
    /// Whether text `.0` begins with text `.1`.
    #[serde(rename = "begins")]
    StartsWith(Box<Expr>, Box<Expr>),

    /// A part of a record.
    #[serde(rename = "part")]
    Part(Box<Expr>, u16),
    /// A record with some parts replaced, in ascending order.
    #[serde(rename = "with")]
    With(Box<Expr>, Vec<(u16, Expr)>),
    /// The item at a place, from 0, or the value of a key; an option.
    #[serde(rename = "get")]
    Get(Box<Expr>, Box<Expr>),
    /// The first item of a list or set, an option.
    #[serde(rename = "first")]
    First(Box<Expr>),
    /// The last item of a list or set, an option.
    #[serde(rename = "last")]
    Last(Box<Expr>),
    /// Whether a collection holds an item, or a map a key.
    #[serde(rename = "has")]
    Has(Box<Expr>, Box<Expr>),
    /// Asks all items of a collection.
    #[serde(rename = "each")]
    Each(Quantifier, Vec<u16>, Box<Expr>, Box<Expr>),
    /// `fold(local = first, binders in collection: next)`
    #[serde(rename = "fold")]
    Fold(u16, Box<Expr>, Vec<u16>, Box<Expr>, Box<Expr>),
    /// A collection of this type from the items of another.
    #[serde(rename = "collect")]
    Collect(Type, Box<Collect>),
    /// The items of a list of options that are there, in order.
    #[serde(rename = "present")]
    Present(Box<Expr>),
    /// The middle of a list of numbers in order of size, the lower of two; an option.
    #[serde(rename = "median")]
    Median(Box<Expr>),
    /// The function with this index.
    #[serde(rename = "call")]
    Call(u16, Vec<Expr>),

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

/// What is asked of all items of a collection.
///
/// One binder is the item, or the key of a map; two are the place and the item, or key and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantifier {
    /// Whether it holds for one at least.
    Any,
    /// Whether it holds for each.
    All,
    /// For how many it holds.
    Count,
    /// The sum of a number.
    Sum,
    /// The first for which it holds, or its key; an option.
    Find,
}

/// `[key: value for binders in source if cond]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collect {
    /// The locals that each item binds.
    pub binders: Vec<u16>,
    /// The collection that is gone through.
    pub source: Expr,
    /// Which items are taken.
    #[serde(rename = "if")]
    pub cond: Option<Expr>,
    /// The key, where a map comes of it.
    pub key: Option<Expr>,
    /// What is held.
    pub value: Expr,
}

/// A step on the way from a field to a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step<E = Expr> {
    /// A part of a record.
    Part(u16),
    /// An item of a list, or the value of a map's key.
    At(E),
}

/// What is done to a part of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edit<E = Expr> {
    /// It becomes this; a key of a map that is not there is added.
    Put(E),
    /// A list, ring or set takes this in.
    Add(E),
    /// A set or map drops this item or key, if it is there.
    Remove(E),
}

impl<E> Edit<E> {
    /// The value that it works with.
    pub fn value(&self) -> &E {
        match self {
            Edit::Put(value) | Edit::Add(value) | Edit::Remove(value) => value,
        }
    }

    /// Its number in an entry.
    pub fn number(&self) -> u64 {
        match self {
            Edit::Put(_) => 0,
            Edit::Add(_) => 1,
            Edit::Remove(_) => 2,
        }
    }

    /// The same with another value.
    pub fn with<F>(&self, value: F) -> Edit<F> {
        match self {
            Edit::Put(_) => Edit::Put(value),
            Edit::Add(_) => Edit::Add(value),
            Edit::Remove(_) => Edit::Remove(value),
        }
    }
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Anything: `else`.
    Any,
    /// `none`
    None,
    /// `some`, or `some(local)`.
    Some(Option<u16>),
    /// This variant; the locals name all that it carries, or nothing.
    Variant(u16, Vec<u16>),
}

impl Shape {
    /// The locals that it binds.
    pub fn binders(&self) -> &[u16] {
        match self {
            Shape::Any | Shape::None | Shape::Some(None) => &[],
            Shape::Some(Some(local)) => std::slice::from_ref(local),
            Shape::Variant(_, locals) => locals,
        }
    }
}

/// A statement of a rule's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stmt {
    /// Names a value.
    Let(u16, Expr),
    /// Gives a field its next value.
    Set(u16, Expr),
    /// Changes a part of a field, or what a collection holds. Where it cannot (a list's place or a
    /// map's key on the way is not there, the collection is full) the rule ends with the reason.
    Edit(u16, Vec<Step>, Edit, Option<u16>),
    /// Gives a role another key, or takes a key into its set or out of it; with the reason for which
    /// the rule ends where there is no room.
    Bind(u16, Edit, Option<u16>),
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
            | Expr::Sender
            | Expr::Left(_)
            | Expr::Trust(_)
            | Expr::Refuse(_) => Vec::new(),
            Expr::Variant(_, _, all)
            | Expr::Record(_, all)
            | Expr::List(_, all)
            | Expr::Call(_, all) => all.$iter().collect(),
            Expr::Map(_, pairs) => pairs.$iter().flat_map(|(key, value)| [key, value]).collect(),
            Expr::With(record, parts) => {
                let parts = parts.$iter().map(|(_, value)| value);
                std::iter::once(&$($mutable)? **record).chain(parts).collect()
            }
            Expr::Collect(_, collect) => {
                let Collect { source, cond, key, value, .. } = &$($mutable)? **collect;
                [Some(source), cond.into(), key.into(), Some(value)].into_iter().flatten().collect()
            }
            Expr::Some(a)
            | Expr::Neg(a)
            | Expr::Abs(a)
            | Expr::Len(a)
            | Expr::Part(a, _)
            | Expr::First(a)
            | Expr::Last(a)
            | Expr::Present(a)
            | Expr::Median(a)
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
            | Expr::Get(a, b)
            | Expr::Has(a, b)
            | Expr::Each(_, _, a, b)
            | Expr::Compare(_, a, b)
            | Expr::Equal(a, b)
            | Expr::And(a, b)
            | Expr::Or(a, b)
            | Expr::Else(a, b)
            | Expr::Let(_, a, b) => vec![a, b],
            Expr::Clamp(a, b, c)
            | Expr::MulDiv(_, a, b, c)
            | Expr::Within(a, b, c)
            | Expr::Fold(_, a, _, b, c)
            | Expr::If(a, b, c) => vec![a, b, c],
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
            Stmt::Let(..)
            | Stmt::Set(..)
            | Stmt::Edit(..)
            | Stmt::Bind(..)
            | Stmt::Emit(..)
            | Stmt::Predict(..) => false,
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
            | Stmt::Edit(..)
            | Stmt::Bind(..)
            | Stmt::Emit(..)
            | Stmt::Predict(..)
            | Stmt::Refuse(_) => {}
        }
    }

    /// The statement's own expressions, without those of statements below it.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Stmt::Let(_, e) | Stmt::Set(_, e) | Stmt::If(e, ..) | Stmt::Match(e, _) => vec![e],
            Stmt::Edit(_, path, edit, _) => {
                let keys = path.iter().filter_map(|step| match step {
                    Step::Part(_) => None,
                    Step::At(key) => Some(key),
                });
                keys.chain(std::iter::once(edit.value())).collect()
            }
            Stmt::Bind(_, edit, _) => vec![edit.value()],
            Stmt::Emit(_, args) | Stmt::Predict(_, args) => args.iter().collect(),
            Stmt::Refuse(_) => Vec::new(),
        }
    }
}
