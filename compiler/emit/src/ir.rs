//! A small structured form of WebAssembly functions, between the Model and bytes: expressions are
//! typed trees, statements are blocks, locals and labels have names of their own.
//!
//! A tree that this module lets one build is valid WebAssembly once lowered: operators check their
//! operands' types as they are applied. It knows no memory map, no Model and no byte encoding.

use crate::bound::{Part, Rounds};
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Shl, Sub};

/// The type of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    /// An address, a length, a truth or a variant.
    I32,
    /// A number.
    I64,
}

/// A parameter or local of the function at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Var {
    pub(crate) index: u32,
    pub(crate) ty: Ty,
}

/// The end of a block or the start of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(pub(crate) u32);

/// A function of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FuncId(pub(crate) u32);

/// Operators of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Eqz,
    Wrap,
    ExtendU,
}

/// Operators of two operands of one type. `S` takes them as signed, `U` as unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    DivS,
    DivU,
    RemS,
    And,
    Or,
    Xor,
    Shl,
    ShrS,
    ShrU,
    Rotl,
    Eq,
    Ne,
    LtS,
    LtU,
    LeS,
    LeU,
    GtS,
    GtU,
    GeS,
    GeU,
}

/// How wide a memory access is, and how its value is widened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) ty: Ty,
    pub(crate) bytes: u8,
    pub(crate) signed: bool,
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) enum Exp {
    I32(i32),
    I64(i64),
    Var(Var),
    /// At base + offset.
    Load(Access, Box<Exp>, u32),
    Unary(Unary, Box<Exp>),
    Binary(Binary, Box<Exp>, Box<Exp>),
    /// Only the chosen branch is evaluated.
    If(Box<Exp>, Box<Exp>, Box<Exp>),
    /// Both are evaluated; the first where the condition is true.
    Select(Box<Exp>, Box<Exp>, Box<Exp>),
    Call(FuncId, Vec<Exp>, Ty),
    /// The same value, which without sign is never more than this. It costs and changes nothing.
    AtMost(Box<Exp>, u32),
}

/// A statement.
#[derive(Clone, Debug)]
pub(crate) enum Stm {
    Set(Var, Exp),
    /// So many low bytes of a value, at base + offset.
    Store(u8, Exp, u32, Exp),
    If(Exp, Vec<Stm>, Vec<Stm>),
    /// A break to the label leaves it.
    Block(Label, Vec<Stm>),
    /// A break to the label starts it anew, at most so often; its end leaves it.
    Loop(Rounds, Label, Vec<Stm>),
    Break(Label),
    BreakIf(Label, Exp),
    Return(Option<Exp>),
    /// A call without a result.
    Call(FuncId, Vec<Exp>),
    /// `memory.copy(to, from, length)`
    Copy(Exp, Exp, Exp),
    /// `memory.fill(to, byte, length)`
    Fill(Exp, Exp, Exp),
    /// These, which are told apart where costs are.
    Part(Part, Vec<Stm>),
    /// The instance is at its end.
    Trap,
}

/// A function.
#[derive(Clone, Debug)]
pub(crate) struct Func {
    pub(crate) params: Vec<Ty>,
    pub(crate) result: Option<Ty>,
    /// Without the parameters.
    pub(crate) locals: Vec<Ty>,
    pub(crate) body: Vec<Stm>,
}

impl From<i32> for Exp {
    fn from(value: i32) -> Exp {
        Exp::I32(value)
    }
}

impl From<i64> for Exp {
    fn from(value: i64) -> Exp {
        Exp::I64(value)
    }
}

impl From<Var> for Exp {
    fn from(var: Var) -> Exp {
        Exp::Var(var)
    }
}

/// An address as an operand.
pub(crate) fn at(address: u32) -> Exp {
    Exp::I32(address.cast_signed())
}

impl Exp {
    pub(crate) fn ty(&self) -> Ty {
        match self {
            Exp::I32(_) => Ty::I32,
            Exp::I64(_) => Ty::I64,
            Exp::Var(var) => var.ty,
            Exp::Load(access, ..) => access.ty,
            Exp::Unary(Unary::Eqz | Unary::Wrap, _) => Ty::I32,
            Exp::Unary(Unary::ExtendU, _) => Ty::I64,
            Exp::Binary(op, a, _) => {
                if op.compares() {
                    Ty::I32
                } else {
                    a.ty()
                }
            }
            Exp::If(_, a, _) | Exp::Select(a, ..) => a.ty(),
            Exp::Call(_, _, ty) => *ty,
            Exp::AtMost(of, _) => of.ty(),
        }
    }

    /// Whether it costs next to nothing, has no effect and stays what it is while an expression or a
    /// rule is looked at, so that it may stand more than once.
    pub(crate) fn is_atom(&self) -> bool {
        match self {
            Exp::I32(_) | Exp::I64(_) | Exp::Var(_) => true,
            Exp::Load(_, base, _) => matches!(**base, Exp::I32(_)),
            Exp::AtMost(of, _) => of.is_atom(),
            Exp::Unary(..) | Exp::Binary(..) | Exp::If(..) | Exp::Select(..) | Exp::Call(..) => {
                false
            }
        }
    }

    /// The number that it is, where it is a constant.
    pub(crate) fn constant(&self) -> Option<i64> {
        match self {
            Exp::I32(value) => Some(i64::from(*value)),
            Exp::I64(value) => Some(*value),
            Exp::AtMost(of, _) => of.constant(),
            Exp::Var(_)
            | Exp::Load(..)
            | Exp::Unary(..)
            | Exp::Binary(..)
            | Exp::If(..)
            | Exp::Select(..)
            | Exp::Call(..) => None,
        }
    }

    /// Whether it is quicker to evaluate than a branch around it: a few operators that neither call
    /// nor divide.
    pub(crate) fn is_cheap(&self) -> bool {
        fn weigh(exp: &Exp) -> Option<u32> {
            match exp {
                Exp::I32(_) | Exp::I64(_) | Exp::Var(_) => Some(0),
                Exp::Load(_, base, _) => Some(1 + weigh(base)?),
                Exp::Unary(_, a) => Some(1 + weigh(a)?),
                Exp::AtMost(of, _) => weigh(of),
                Exp::Binary(Binary::DivS | Binary::DivU | Binary::RemS, ..) => None,
                Exp::Binary(_, a, b) => Some(1 + weigh(a)? + weigh(b)?),
                Exp::If(..) | Exp::Select(..) | Exp::Call(..) => None,
            }
        }
        weigh(self).is_some_and(|weight| weight <= 8)
    }

    fn binary(self, op: Binary, other: Exp) -> Exp {
        assert_eq!(self.ty(), other.ty(), "both sides of {op:?} have one type");
        Exp::Binary(op, Box::new(self), Box::new(other))
    }

    fn unary(self, op: Unary, from: Ty) -> Exp {
        assert_eq!(self.ty(), from, "{op:?} takes the other type");
        Exp::Unary(op, Box::new(self))
    }

    /// The same value, which without sign is never more than this.
    pub(crate) fn at_most(self, most: u32) -> Exp {
        assert_eq!(self.ty(), Ty::I32, "lengths and counts are I32");
        Exp::AtMost(Box::new(self), most)
    }

    /// The low half of a number.
    pub(crate) fn wrap(self) -> Exp {
        self.unary(Unary::Wrap, Ty::I64)
    }

    /// A number from an unsigned half.
    pub(crate) fn extend(self) -> Exp {
        self.unary(Unary::ExtendU, Ty::I32)
    }

    /// Whether it is zero; of a truth, its opposite.
    pub(crate) fn eqz(self) -> Exp {
        Exp::Unary(Unary::Eqz, Box::new(self))
    }

    pub(crate) fn div_s(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::DivS, other.into())
    }

    pub(crate) fn div_u(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::DivU, other.into())
    }

    pub(crate) fn rem_s(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::RemS, other.into())
    }

    pub(crate) fn shr_s(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::ShrS, other.into())
    }

    pub(crate) fn shr_u(self, other: impl Into<Exp>) -> Exp {
        let other = other.into();
        if other.constant() == Some(0) { self } else { self.binary(Binary::ShrU, other) }
    }

    pub(crate) fn rotl(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::Rotl, other.into())
    }

    pub(crate) fn eq(self, other: impl Into<Exp>) -> Exp {
        let other = other.into();
        if other.constant() == Some(0) { self.eqz() } else { self.binary(Binary::Eq, other) }
    }

    pub(crate) fn ne(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::Ne, other.into())
    }

    pub(crate) fn lt_s(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::LtS, other.into())
    }

    pub(crate) fn lt_u(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::LtU, other.into())
    }

    pub(crate) fn le_s(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::LeS, other.into())
    }

    pub(crate) fn le_u(self, other: impl Into<Exp>) -> Exp {
        self.binary(Binary::LeU, other.into())
    }

    pub(crate) fn gt_s(self, other: impl Into<Exp>) -> Exp {
        other.into().binary(Binary::LtS, self)
    }

    pub(crate) fn gt_u(self, other: impl Into<Exp>) -> Exp {
        other.into().binary(Binary::LtU, self)
    }

    /// This where `cond` is true, else `other`; both are evaluated.
    pub(crate) fn select(self, other: impl Into<Exp>, cond: impl Into<Exp>) -> Exp {
        let (other, cond) = (other.into(), cond.into());
        assert_eq!(self.ty(), other.ty(), "both sides of a choice have one type");
        Exp::Select(Box::new(self), Box::new(other), Box::new(cond))
    }

    /// `then` where this is true, else `otherwise`; only that one is evaluated.
    pub(crate) fn choose(self, then: impl Into<Exp>, otherwise: impl Into<Exp>) -> Exp {
        let (then, otherwise) = (then.into(), otherwise.into());
        assert_eq!(then.ty(), otherwise.ty(), "both sides of a choice have one type");
        Exp::If(Box::new(self), Box::new(then), Box::new(otherwise))
    }

    /// Both are true; the second is evaluated only where the first is.
    pub(crate) fn and_then(self, other: impl Into<Exp>) -> Exp {
        match (self, other.into()) {
            (Exp::I32(1), other) => other,
            (this, Exp::I32(1)) => this,
            (this, other) if other.is_cheap() => this & other,
            (this, other) => this.choose(other, 0),
        }
    }

    /// Either is true; the second may be evaluated only where the first is not.
    pub(crate) fn or_else(self, other: Exp) -> Exp {
        if other.is_cheap() { self | other } else { self.choose(1, other) }
    }
}

impl Var {
    /// Its value.
    pub(crate) fn get(self) -> Exp {
        Exp::Var(self)
    }
}

/// The operators that read as themselves, on expressions and on locals.
macro_rules! operators {
    ($($op:ident $method:ident $binary:ident),*) => {$(
        impl<R: Into<Exp>> $op<R> for Exp {
            type Output = Exp;

            fn $method(self, other: R) -> Exp {
                self.binary(Binary::$binary, other.into())
            }
        }

        impl<R: Into<Exp>> $op<R> for Var {
            type Output = Exp;

            fn $method(self, other: R) -> Exp {
                Exp::Var(self).binary(Binary::$binary, other.into())
            }
        }
    )*};
}

operators!(
    Add add Add,
    Sub sub Sub,
    Mul mul Mul,
    BitAnd bitand And,
    BitOr bitor Or,
    BitXor bitxor Xor,
    Shl shl Shl
);

impl Binary {
    /// Whether the result is a truth.
    pub(crate) fn compares(self) -> bool {
        self.opposite().is_some()
    }

    /// Of a comparison, the one that is true where it is false.
    pub(crate) fn opposite(self) -> Option<Binary> {
        match self {
            Binary::Eq => Some(Binary::Ne),
            Binary::Ne => Some(Binary::Eq),
            Binary::LtS => Some(Binary::GeS),
            Binary::LtU => Some(Binary::GeU),
            Binary::LeS => Some(Binary::GtS),
            Binary::LeU => Some(Binary::GtU),
            Binary::GtS => Some(Binary::LeS),
            Binary::GtU => Some(Binary::LeU),
            Binary::GeS => Some(Binary::LtS),
            Binary::GeU => Some(Binary::LtU),
            Binary::Add
            | Binary::Sub
            | Binary::Mul
            | Binary::DivS
            | Binary::DivU
            | Binary::RemS
            | Binary::And
            | Binary::Or
            | Binary::Xor
            | Binary::Shl
            | Binary::ShrS
            | Binary::ShrU
            | Binary::Rotl => None,
        }
    }
}

/// An unsigned load of 1, 2 or 4 bytes as an I32.
pub(crate) fn load32(bytes: u8, base: impl Into<Exp>, offset: u32) -> Exp {
    Exp::Load(Access { ty: Ty::I32, bytes, signed: false }, Box::new(base.into()), offset)
}

/// A load of 8 bytes.
pub(crate) fn load64(base: impl Into<Exp>, offset: u32) -> Exp {
    Exp::Load(Access { ty: Ty::I64, bytes: 8, signed: false }, Box::new(base.into()), offset)
}

/// A signed load of so many bytes as a number.
pub(crate) fn load_number(bytes: u8, base: impl Into<Exp>, offset: u32) -> Exp {
    Exp::Load(Access { ty: Ty::I64, bytes, signed: true }, Box::new(base.into()), offset)
}
