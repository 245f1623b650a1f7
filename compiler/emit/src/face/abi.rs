//! The part of the canonical ABI that an object's world uses: how values are passed and stored.

use crate::ir::Ty;
use aqo_model::types::Type;

/// A type of the world, as it is passed.
#[derive(Clone, Debug)]
pub(crate) enum Abi {
    Bool,
    S64,
    U32,
    U64,
    /// An enum of at most 256 cases, or of more.
    Enum(usize),
    /// A string or a list of bytes: where and how long.
    Bytes,
    Option(Box<Abi>),
    Record(Vec<Abi>),
}

/// More operands than this are passed in memory.
pub(crate) const MAX_FLAT: usize = 16;

impl Abi {
    /// How values of a type of the Model are passed. Of an enum counts how many cases it has, where
    /// none of them carries anything.
    pub(crate) fn of(ty: &Type, enum_sizes: &[Option<usize>]) -> Abi {
        match ty {
            Type::Bool => Abi::Bool,
            Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => Abi::S64,
            Type::Text { .. }
            | Type::Bytes { .. }
            | Type::Key
            | Type::Hash
            | Type::Record(_)
            | Type::List { .. }
            | Type::Ring { .. }
            | Type::Set { .. }
            | Type::Map { .. } => Abi::Bytes,
            Type::Enum(index) => enum_sizes[usize::from(*index)].map_or(Abi::Bytes, Abi::Enum),
            Type::Option(inner) => Abi::Option(Box::new(Abi::of(inner, enum_sizes))),
        }
    }

    /// What it must be a multiple of where it is stored.
    pub(crate) fn align(&self) -> u32 {
        match self {
            Abi::Bool => 1,
            Abi::Enum(cases) => discriminant(*cases),
            Abi::U32 | Abi::Bytes => 4,
            Abi::S64 | Abi::U64 => 8,
            Abi::Option(inner) => inner.align(),
            Abi::Record(parts) => parts.iter().map(Abi::align).max().unwrap_or(1),
        }
    }

    /// Bytes that it takes where it is stored.
    pub(crate) fn size(&self) -> u32 {
        match self {
            Abi::Bool => 1,
            Abi::Enum(cases) => discriminant(*cases),
            Abi::U32 => 4,
            Abi::S64 | Abi::U64 | Abi::Bytes => 8,
            Abi::Option(inner) => (inner.align() + inner.size()).next_multiple_of(self.align()),
            Abi::Record(parts) => {
                let end = parts.iter().fold(0, end_of);
                end.next_multiple_of(self.align())
            }
        }
    }

    /// Where each part of a record stands.
    pub(crate) fn offsets(parts: &[Abi]) -> Vec<u32> {
        let mut end = 0;
        let mut offsets = Vec::new();
        for part in parts {
            offsets.push(u32::next_multiple_of(end, part.align()));
            end = end_of(end, part);
        }
        offsets
    }

    /// The operands that it is passed in.
    pub(crate) fn flat(&self) -> Vec<Ty> {
        match self {
            Abi::Bool | Abi::Enum(_) | Abi::U32 => vec![Ty::I32],
            Abi::S64 | Abi::U64 => vec![Ty::I64],
            Abi::Bytes => vec![Ty::I32, Ty::I32],
            Abi::Option(inner) => [vec![Ty::I32], inner.flat()].concat(),
            Abi::Record(parts) => parts.iter().flat_map(Abi::flat).collect(),
        }
    }
}

fn end_of(start: u32, part: &Abi) -> u32 {
    start.next_multiple_of(part.align()) + part.size()
}

/// Bytes of the number that says which case it is.
pub(crate) fn discriminant(cases: usize) -> u32 {
    if cases <= 256 { 1 } else { 2 }
}
