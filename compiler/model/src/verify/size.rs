//! Whether an object is small enough: how much its expressions take, derived values written out
//! where they are read, and how many bytes its images and entries have.

use super::schema::limit;
use super::{At, Check, Fault, Flaw};
use crate::expr::{Expr, Stmt};
use crate::layout::Layout;
use crate::model::Model;
use crate::{extent, limits};

/// Nodes and levels of a tree in which derived values are written out.
#[derive(Clone, Copy, Default)]
struct Extent {
    nodes: usize,
    levels: usize,
}

/// Trees together, and the deepest of them.
pub(super) fn of_trees(model: &Model) -> Result<(), Flaw> {
    let mut derives = Vec::new();
    for derive in &model.schema.derives {
        let extent = extent_of(&derive.value, &derives);
        derives.push(extent);
    }
    let policy = &model.policy;
    let mut all = derives.iter().copied().fold(Extent::default(), together);
    let whens = policy.rules.iter().filter_map(|rule| rule.when.as_ref());
    let clauses = policy.always.iter().map(|clause| &clause.holds);
    let foretold = policy.predictions.iter().map(|prediction| &prediction.holds);
    for expr in whens.chain(clauses).chain(foretold) {
        all = together(all, extent_of(expr, &derives));
    }
    for rule in &policy.rules {
        statements(&rule.body, limits::DEPTH).at(|| format!("rule {}", rule.name))?;
        for stmt in &rule.body {
            stmt.walk(&mut |stmt| {
                all.nodes = all.nodes.saturating_add(1);
                for expr in stmt.exprs() {
                    all = together(all, extent_of(expr, &derives));
                }
            });
        }
    }
    limit(all.nodes, limits::NODES, "nodes, derived values written out")
        .and_then(|()| limit(all.levels, limits::DEPTH, "levels, derived values written out"))
        .at(|| "expressions".to_owned())
}

fn together(a: Extent, b: Extent) -> Extent {
    Extent { nodes: a.nodes.saturating_add(b.nodes), levels: a.levels.max(b.levels) }
}

fn extent_of(expr: &Expr, derives: &[Extent]) -> Extent {
    let below = if let Expr::Derive(index) = expr {
        derives.get(usize::from(*index)).copied().unwrap_or_default()
    } else {
        let parts = expr.parts().into_iter().map(|part| extent_of(part, derives));
        parts.fold(Extent::default(), together)
    };
    Extent { nodes: below.nodes.saturating_add(1), levels: below.levels.saturating_add(1) }
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
        Stmt::Let(..) | Stmt::Set(..) | Stmt::Emit(..) | Stmt::Predict(..) | Stmt::Refuse(_) => {
            Ok(())
        }
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
