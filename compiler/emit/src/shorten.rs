//! Functions in the [`ir`](crate::ir) into shorter ones that do the same: conditions without double
//! negation, breaks without a block around them, no local for what is read once and at once, and no
//! zero for what is zero.
//!
//! What costs count and what is emitted is what comes out here. It knows no Model.

use crate::ir::{Binary, Exp, Stm, Ty, Unary, Var};
use std::collections::HashSet;

/// The same statements of a function with so many parameters, shorter.
pub(crate) fn shorten(params: usize, mut body: Vec<Stm>) -> Vec<Stm> {
    let mut reads = Vec::new();
    body.iter().for_each(|stm| count(stm, &mut reads));
    all(&mut body, &reads);
    let mut set: HashSet<u32> = (0u32..).take(params).collect();
    drop_zeros(&mut body, &mut set);
    body
}

/// A local is zero until it is set. In a loop, it may have been set by the round before.
fn drop_zeros(stms: &mut Vec<Stm>, set: &mut HashSet<u32>) {
    stms.retain_mut(|stm| match stm {
        Stm::Set(var, value) => {
            !set.insert(var.index) || !matches!(value, Exp::I32(0) | Exp::I64(0))
        }
        Stm::If(_, then, otherwise) => {
            drop_zeros(then, set);
            drop_zeros(otherwise, set);
            true
        }
        Stm::Block(_, body) | Stm::Part(_, body) => {
            drop_zeros(body, set);
            true
        }
        Stm::Loop(_, _, body) => {
            body.iter().for_each(|stm| sets(stm, set));
            true
        }
        Stm::Store(..)
        | Stm::Break(_)
        | Stm::BreakIf(..)
        | Stm::Return(_)
        | Stm::Call(..)
        | Stm::Copy(..)
        | Stm::Fill(..)
        | Stm::Trap => true,
    });
}

/// Which locals a statement sets.
fn sets(stm: &Stm, set: &mut HashSet<u32>) {
    if let Stm::Set(var, _) = stm {
        set.insert(var.index);
    }
    bodies(stm).into_iter().flatten().for_each(|stm| sets(stm, set));
}

/// How often each local is read.
fn count(stm: &Stm, reads: &mut Vec<u32>) {
    operands(stm).into_iter().for_each(|exp| count_in(exp, reads));
    bodies(stm).into_iter().flatten().for_each(|stm| count(stm, reads));
}

fn count_in(exp: &Exp, reads: &mut Vec<u32>) {
    if let Exp::Var(var) = exp {
        let index = var.index as usize;
        reads.resize(reads.len().max(index + 1), 0);
        reads[index] += 1;
    }
    parts(exp).into_iter().for_each(|part| count_in(part, reads));
}

fn parts(exp: &Exp) -> Vec<&Exp> {
    match exp {
        Exp::I32(_) | Exp::I64(_) | Exp::Var(_) => Vec::new(),
        Exp::Load(_, a, _) | Exp::Unary(_, a) | Exp::AtMost(a, _) => vec![a],
        Exp::Binary(_, a, b) => vec![a, b],
        Exp::If(a, b, c) | Exp::Select(a, b, c) => vec![a, b, c],
        Exp::Call(_, args, _) => args.iter().collect(),
    }
}

fn operands(stm: &Stm) -> Vec<&Exp> {
    match stm {
        Stm::Set(_, a) | Stm::If(a, ..) | Stm::BreakIf(_, a) | Stm::Return(Some(a)) => vec![a],
        Stm::Store(_, a, _, b) => vec![a, b],
        Stm::Copy(a, b, c) | Stm::Fill(a, b, c) => vec![a, b, c],
        Stm::Call(_, args) => args.iter().collect(),
        Stm::Block(..)
        | Stm::Loop(..)
        | Stm::Break(_)
        | Stm::Return(None)
        | Stm::Part(..)
        | Stm::Trap => Vec::new(),
    }
}

fn bodies(stm: &Stm) -> [&[Stm]; 2] {
    match stm {
        Stm::If(_, then, otherwise) => [then, otherwise],
        Stm::Block(_, body) | Stm::Loop(_, _, body) | Stm::Part(_, body) => [body, &[]],
        Stm::Set(..)
        | Stm::Store(..)
        | Stm::Break(_)
        | Stm::BreakIf(..)
        | Stm::Return(_)
        | Stm::Call(..)
        | Stm::Copy(..)
        | Stm::Fill(..)
        | Stm::Trap => [&[], &[]],
    }
}

fn all(stms: &mut Vec<Stm>, reads: &[u32]) {
    for mut stm in std::mem::take(stms) {
        within(&mut stm, reads);
        // What was set just now and is read here alone, and first, stands here itself.
        while let Some(Stm::Set(var, _)) = stms.last()
            && reads.get(var.index as usize) == Some(&1)
            && let Some(place) = first(&mut stm, *var)
            && let Some(Stm::Set(_, value)) = stms.pop()
        {
            *place = value;
        }
        stms.push(stm);
    }
}

/// The operand that a statement evaluates first, where it is this local.
fn first(stm: &mut Stm, var: Var) -> Option<&mut Exp> {
    match stm {
        Stm::Set(_, exp)
        | Stm::If(exp, ..)
        | Stm::BreakIf(_, exp)
        | Stm::Return(Some(exp))
        | Stm::Store(_, exp, ..)
        | Stm::Copy(exp, ..)
        | Stm::Fill(exp, ..) => first_of(exp, var),
        Stm::Call(_, args) => first_of(args.first_mut()?, var),
        Stm::Block(..)
        | Stm::Loop(..)
        | Stm::Break(_)
        | Stm::Return(None)
        | Stm::Part(..)
        | Stm::Trap => None,
    }
}

fn first_of(exp: &mut Exp, var: Var) -> Option<&mut Exp> {
    match exp {
        Exp::Var(found) if found.index == var.index => Some(exp),
        Exp::I32(_) | Exp::I64(_) | Exp::Var(_) => None,
        Exp::Load(_, a, _)
        | Exp::Unary(_, a)
        | Exp::AtMost(a, _)
        | Exp::Binary(_, a, _)
        | Exp::If(a, ..)
        | Exp::Select(a, ..) => first_of(a, var),
        Exp::Call(_, args, _) => first_of(args.first_mut()?, var),
    }
}

fn within(stm: &mut Stm, reads: &[u32]) {
    match stm {
        Stm::Set(_, exp) | Stm::Return(Some(exp)) => value(exp),
        Stm::Store(_, base, _, exp) => [base, exp].into_iter().for_each(value),
        Stm::Copy(a, b, c) | Stm::Fill(a, b, c) => [a, b, c].into_iter().for_each(value),
        Stm::Call(_, args) => args.iter_mut().for_each(value),
        Stm::BreakIf(_, cond) => condition(cond),
        Stm::Block(_, body) | Stm::Loop(_, _, body) | Stm::Part(_, body) => all(body, reads),
        Stm::Break(_) | Stm::Return(None) | Stm::Trap => {}
        Stm::If(cond, then, otherwise) => {
            condition(cond);
            all(then, reads);
            all(otherwise, reads);
            if let ([Stm::Break(label)], []) = (&then[..], &otherwise[..]) {
                *stm = Stm::BreakIf(*label, take(cond));
            } else if let Exp::Unary(Unary::Eqz, inner) = cond
                && inner.ty() == Ty::I32
                && !otherwise.is_empty()
            {
                *cond = take(inner);
                std::mem::swap(then, otherwise);
            }
        }
    }
}

fn take(exp: &mut Exp) -> Exp {
    std::mem::replace(exp, Exp::I32(0))
}

/// An expression of which only matters whether it is zero.
fn condition(exp: &mut Exp) {
    value(exp);
    match exp {
        Exp::Unary(Unary::Eqz, inner) => {
            if let Exp::Unary(Unary::Eqz, twice) = &mut **inner
                && twice.ty() == Ty::I32
            {
                *exp = take(twice);
                condition(exp);
            }
        }
        Exp::Binary(Binary::Ne, a, b) if matches!(**b, Exp::I32(0)) => {
            *exp = take(a);
            condition(exp);
        }
        Exp::I32(_)
        | Exp::I64(_)
        | Exp::Var(_)
        | Exp::Load(..)
        | Exp::Unary(..)
        | Exp::Binary(..)
        | Exp::If(..)
        | Exp::Select(..)
        | Exp::Call(..)
        | Exp::AtMost(..) => {}
    }
}

fn value(exp: &mut Exp) {
    match exp {
        Exp::I32(_) | Exp::I64(_) | Exp::Var(_) => {}
        Exp::Load(_, a, _) | Exp::AtMost(a, _) => value(a),
        Exp::Call(_, args, _) => args.iter_mut().for_each(value),
        Exp::If(cond, a, b) | Exp::Select(a, b, cond) => {
            condition(cond);
            [a, b].into_iter().for_each(|part| value(part));
        }
        Exp::Binary(op, a, b) => {
            [&mut *a, &mut *b].into_iter().for_each(|part| value(part));
            if *op == Binary::Eq && matches!(**b, Exp::I32(0) | Exp::I64(0)) {
                *exp = Exp::Unary(Unary::Eqz, Box::new(take(a)));
                value(exp);
            }
        }
        Exp::Unary(op, a) => {
            value(a);
            if let (Unary::Eqz, Exp::Binary(of, x, y)) = (op, &mut **a)
                && let Some(opposite) = of.opposite()
            {
                *exp = Exp::Binary(opposite, Box::new(take(x)), Box::new(take(y)));
            }
        }
    }
}
