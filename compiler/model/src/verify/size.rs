//! Whether an object is small enough: how much its expressions take, derived values written out
//! and functions where they are used, and how many bytes its images and entries have.

use super::schema::limit;
use super::{At, Check, Fault, Flaw};
use crate::expr::{Expr, Stmt};
use crate::layout::Layout;
use crate::model::Model;
use crate::types::Type;
use crate::{extent, limits};

/// Nodes and levels of a tree in which derived values and functions are written out, and how many
/// nodes are evaluated at most, each walk through a collection taken in full.
#[derive(Clone, Copy, Default)]
struct Extent {
    nodes: usize,
    levels: usize,
    work: usize,
}

/// Derives and functions, which are written out where they are used.
struct Sizes<'m> {
    model: &'m Model,
    functions: Vec<Extent>,
    derives: Vec<Extent>,
}

/// Trees together, and the deepest of them.
pub(super) fn of_trees(model: &Model) -> Result<(), Flaw> {
    let mut sizes = Sizes { model, functions: Vec::new(), derives: Vec::new() };
    for function in &model.schema.functions {
        let extent = sizes.of(&function.value);
        sizes.functions.push(extent);
    }
    for derive in &model.schema.derives {
        let extent = sizes.of(&derive.value);
        sizes.derives.push(extent);
    }
    let policy = &model.policy;
    let shared = sizes.functions.iter().chain(&sizes.derives).copied();
    let mut all = shared.fold(Extent::default(), together);
    let whens = policy.rules.iter().filter_map(|rule| rule.when.as_ref());
    let clauses = policy.always.iter().map(|clause| &clause.holds);
    let foretold = policy.predictions.iter().map(|prediction| &prediction.holds);
    let pauses = policy.dormant.iter().chain(&policy.ends).map(|pause| &pause.holds);
    let sums = policy.limits.iter().filter_map(|limit| Some(&limit.sum.as_ref()?.most));
    for expr in whens.chain(clauses).chain(foretold).chain(pauses).chain(sums) {
        all = together(all, sizes.of(expr));
    }
    for rule in &policy.rules {
        statements(&rule.body, limits::DEPTH).at(|| format!("rule {}", rule.name))?;
        for stmt in &rule.body {
            stmt.walk(&mut |stmt| {
                all.nodes = all.nodes.saturating_add(1);
                for expr in stmt.exprs() {
                    all = together(all, sizes.of(expr));
                }
            });
        }
    }
    limit(all.nodes, limits::NODES, "nodes, derived values and functions written out")
        .and_then(|()| limit(all.levels, limits::DEPTH, "levels, derived values written out"))
        .and_then(|()| limit(all.work, limits::WORK, "nodes evaluated in one step"))
        .at(|| "expressions".to_owned())
}

fn together(a: Extent, b: Extent) -> Extent {
    Extent {
        nodes: a.nodes.saturating_add(b.nodes),
        levels: a.levels.max(b.levels),
        work: a.work.saturating_add(b.work),
    }
}

impl Sizes<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn of(&self, expr: &Expr) -> Extent {
        let parts = expr.parts().into_iter().map(|part| self.of(part));
        let mut below = parts.fold(Extent::default(), together);
        let shared =
            |list: &[Extent], index: u16| list.get(usize::from(index)).copied().unwrap_or_default();
        match expr {
            Expr::Derive(index) => below = shared(&self.derives, *index),
            Expr::Call(index, _) => {
                let called = shared(&self.functions, *index);
                below = Extent {
                    levels: below.levels.saturating_add(called.levels),
                    ..together(below, called)
                };
            }
            // A collection is no longer than its type says; what its own parts cost is counted once
            // too often, which does no harm.
            Expr::Each(..) | Expr::Fold(..) | Expr::Collect(..) | Expr::Median(_) => {
                below.work = below.work.saturating_mul(self.longest(expr));
            }
            Expr::List(..)
            | Expr::Map(..)
            | Expr::Get(..)
            | Expr::Has(..)
            | Expr::Equal(..)
            | Expr::Present(_) => below.work = below.work.saturating_add(limits::ITEMS),
            _ => {}
        }
        Extent {
            nodes: below.nodes.saturating_add(1),
            levels: below.levels.saturating_add(1),
            work: below.work.saturating_add(1),
        }
    }

    /// The most items of a collection that an expression may go through.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn longest(&self, expr: &Expr) -> usize {
        let mut most = 1;
        expr.walk(&mut |expr| {
            let ty = match expr {
                Expr::List(ty, _) | Expr::Map(ty, _) | Expr::Collect(ty, _) => Some(ty),
                _ => None,
            };
            most = most.max(ty.map_or(0, longest));
        });
        let schema = &self.model.schema;
        let fields = schema.fields.iter().map(|field| &field.ty);
        let params = schema.messages.iter().flat_map(|m| &m.params).map(|param| &param.ty);
        let inputs = schema.inputs.iter().map(|input| &input.ty);
        let records = schema.types.records.iter().flat_map(|r| &r.fields).map(|part| &part.ty);
        let variants = schema.types.enums.iter().flat_map(|e| &e.variants);
        let variants = variants.flat_map(|v| &v.params).map(|part| &part.ty);
        let all = fields.chain(params).chain(inputs).chain(records).chain(variants);
        all.map(longest).fold(most, usize::max)
    }
}

/// The most items of a collection in a type.
fn longest(ty: &Type) -> usize {
    match ty {
        Type::Option(inner) => longest(inner),
        Type::List { item, max } | Type::Ring { item, max } | Type::Set { item, max } => {
            longest(item).max((*max).into())
        }
        Type::Map { key, value, max } => longest(key).max(longest(value)).max((*max).into()),
        Type::Bool
        | Type::Number { .. }
        | Type::Duration(_)
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_) => 1,
    }
}

/// Refuses statements nested too deeply to walk.
fn statements(stmts: &[Stmt], left: usize) -> Check {
    let left = left.checked_sub(1);
    let left = left.ok_or(Fault::Limit { what: "levels of statements", most: limits::DEPTH })?;
    stmts.iter().try_for_each(|stmt| match stmt {
        Stmt::If(_, then, otherwise) => {
            statements(then, left).and_then(|()| statements(otherwise, left))
        }
        Stmt::Match(_, arms) => arms.iter().try_for_each(|(_, body)| statements(body, left)),
        Stmt::Let(..)
        | Stmt::Set(..)
        | Stmt::Edit(..)
        | Stmt::Bind(..)
        | Stmt::Emit(..)
        | Stmt::Predict(..)
        | Stmt::Refuse(_) => Ok(()),
    })
}

/// Images and entries.
pub(super) fn of_bytes(model: &Model) -> Result<(), Flaw> {
    let layout = Layout::of(model);
    limit(layout.image_size, limits::IMAGE_BYTES, "bytes of an image")
        .and_then(|()| limit(layout.offer_size, limits::IMAGE_BYTES, "bytes of an offer"))
        .and_then(|()| limit(extent::entry_bytes(model), limits::ENTRY_BYTES, "bytes of an entry"))
        .at(|| "object".to_owned())
}
