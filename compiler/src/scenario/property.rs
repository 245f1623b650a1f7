//! Properties: scenarios with parameters, to the scenario of each choice of values.
//!
//! Invariant: a property is checked once with its parameters as declared, so whatever values of their
//! types are chosen, the scenario that comes of them is well formed. Knows no way to choose.

use super::{Reader, START, Scenario, Target, Wanted};
use crate::check::{Checker, Reach};
use crate::codes::Code;
use crate::constant;
use crate::db::CheckedModel;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, unknown};
use crate::types;
use aqo_grammar::tree;
use aqo_model::limits;
use aqo_model::types::Param;
use aqo_model::value::Value;
use std::sync::Arc;

/// A property, ready to be tried if nothing is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its title.
    pub title: String,
    /// Its object; `None` where there is no such object, or it has errors.
    pub target: Option<Target>,
    /// What is chosen.
    pub params: Vec<Param>,
    /// Where it stands.
    pub at: Loc,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    tree: tree::Property,
    globals: Arc<Globals>,
}

/// Reads a property. Without a target only its header is checked.
pub fn property(
    globals: Arc<Globals>,
    part: PartId,
    tree: &tree::Property,
    is_known: bool,
    target: Option<Target>,
) -> Property {
    let loc = |at| Loc { part, at };
    let mut problems = Vec::new();
    if !is_known {
        let (at, name) = (loc(tree.object.at), &tree.object.text);
        let names = globals.places.keys().map(String::as_str);
        problems.push(unknown(Code::UnknownName, at, "object", name, names));
    }
    let mut params = Vec::new();
    for param in &tree.params {
        if let Some(ty) = types::resolve(&globals, part, &param.ty, &mut problems) {
            params.push(Param { name: param.name.text.clone(), ty });
        }
    }
    if tree.params.len() > limits::PARAMETERS {
        let (count, most) = (tree.params.len(), limits::PARAMETERS);
        let message = format!("this property has {count} parameters, at most {most} are allowed");
        problems.push(Problem::new(Code::TooMany, loc(tree.title.at), message));
    }
    let whole = params.len() == tree.params.len();
    if let (true, Some((_, shape, model))) = (whole, &target) {
        let names: Vec<tree::Name> = tree.params.iter().map(|param| param.name.clone()).collect();
        let checker = Checker::new(&globals, shape, model.wide(), part, Reach::NOTHING);
        problems.extend(checker.with_params(&names, &params, true).problems);
        let mut reader = Reader::new(&globals, shape, model, part, Wanted::Anything);
        reader.open = Some((names, params.clone()));
        reader.steps(&tree.script);
        problems.append(&mut reader.problems);
    }
    let title = aqo_grammar::unquote(&tree.title.text);
    let at = loc(tree.title.at);
    let target = target.filter(|_| problems.is_empty());
    Property { title, target, params, at, problems, tree: tree.clone(), globals }
}

impl Property {
    /// The object's Model.
    pub fn model(&self) -> Option<&CheckedModel> {
        self.target.as_ref().map(|(_, _, model)| model.as_ref())
    }

    /// The name of its object.
    pub fn object(&self) -> &str {
        &self.tree.object.text
    }

    /// The scenario of these values, one for each parameter: a parameter is a constant in it.
    pub fn instance(&self, values: &[Value]) -> Option<Scenario> {
        let (object, shape, model) = self.target.as_ref()?;
        let mut globals = (*self.globals).clone();
        for (param, value) in self.params.iter().zip(values) {
            let constant =
                (param.ty.clone(), constant::expr(value, &param.ty, &self.globals.types));
            globals.consts.insert(param.name.clone(), constant);
        }
        let part = self.at.part;
        let mut reader = Reader::new(&globals, shape, model, part, Wanted::Anything);
        let steps = reader.steps(&self.tree.script);
        Some(Scenario {
            title: self.title.clone(),
            object: Some(*object),
            model: Some(Arc::clone(model)),
            start: START,
            steps,
            at: self.at,
            problems: reader.problems,
        })
    }
}
