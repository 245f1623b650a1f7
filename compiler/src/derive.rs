//! The expressions of derived values, once every name of the object has a type.
//!
//! Invariant: a derived value reads what stands above it, so that none reads itself.

use crate::check::{Checker, Reach};
use crate::diagnostic::{PartId, Problem};
use crate::globals::Globals;
use crate::policy::Head;
use crate::shape::Shape;
use aqo_grammar::tree::{self, MemberKind};

/// The schema with the expressions of its derives, each of which reads what stands above it.
pub(crate) fn with_derives(
    globals: &Globals,
    shape: &Shape,
    item: usize,
    object: &tree::Object,
    head: &mut Head,
    problems: &mut Vec<Problem>,
) {
    let mut index = 0;
    for (member, part) in object.members.iter().enumerate() {
        let MemberKind::Derive(derive) = &part.node else { continue };
        let Some(Some(ty)) = shape.derive_types.get(index) else {
            index += 1;
            continue;
        };
        let id = PartId { item, member: Some(member) };
        let (value, locals) = {
            let mut checker = Checker::new(globals, shape, &head.model, id, Reach::DERIVE)
                .with_derives(index)
                .with_limits(&head.limits);
            let typed = checker.expr(&derive.value, Some(ty));
            let value = if typed.ty.is_some() {
                checker.store_as(typed, ty, &format!("`{}`", derive.param.name.text))
            } else {
                None
            };
            problems.append(&mut checker.problems);
            (value, checker.locals)
        };
        if let Some(value) = value {
            head.model.schema.derives[index].value = value;
            head.model.schema.derives[index].locals = locals;
        }
        index += 1;
    }
}
