//! The functions of a file: what each takes and gives, and how, callees before callers.
//!
//! Invariant: no function calls itself, not by way of others either, so every call ends. One that
//! was not understood is noted as broken, so that its calls are no second mistake.

use crate::check::{self, Checker};
use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, taken};
use crate::indices::Kind;
use crate::types;
use aqo_grammar::tree::{self, ExprKind, File, ItemKind};
use aqo_model::expr::Expr;
use aqo_model::limits;
use aqo_model::schema::Function;
use aqo_model::types::{Param, Type, Unit};

/// A function as written, with what it calls.
struct Written<'t> {
    tree: &'t tree::Fn,
    part: PartId,
    calls: Vec<&'t tree::Call>,
}

/// Reads every function, in an order in which each calls only those before it.
pub(crate) fn declare(globals: &mut Globals, file: &File) {
    let mut written = Vec::new();
    for (item, part) in file.items.iter().enumerate() {
        let ItemKind::Fn(tree) = &part.node else { continue };
        let exprs = aqo_grammar::expressions(&part.node).into_iter();
        let calls =
            exprs.filter_map(
                |expr| {
                    if let ExprKind::Call(call) = &expr.kind { Some(call) } else { None }
                },
            );
        let calls = calls.collect();
        written.push(Written { tree, part: PartId { item, member: None }, calls });
    }
    // Inside a function `any` is a unit.
    globals.units.push(Unit::ANY.to_owned());
    for index in order(globals, &written) {
        define(globals, &written[index]);
    }
    globals.units.retain(|unit| unit != Unit::ANY);
}

/// Callees first, otherwise as in the text; those that call themselves are left out.
fn order(globals: &mut Globals, written: &[Written<'_>]) -> Vec<usize> {
    let mut done: Vec<usize> = Vec::new();
    let named = |name: &str| written.iter().position(|f| f.tree.name.text == name);
    let callees =
        |index: usize| written[index].calls.iter().filter_map(|call| named(&call.name.text));
    while let Some(next) = (0..written.len())
        .find(|index| !done.contains(index) && callees(*index).all(|callee| done.contains(&callee)))
    {
        done.push(next);
    }
    let mut left: Vec<usize> = (0..written.len()).filter(|index| !done.contains(index)).collect();
    for index in &left {
        globals.broken.insert(written[*index].tree.name.text.clone());
    }
    while let Some(start) = left.first().copied() {
        // Each of these calls another of them, so whoever goes on comes back.
        let mut way: Vec<usize> = vec![start];
        let circle = loop {
            let last = way[way.len() - 1];
            let Some(next) = callees(last).find(|callee| left.contains(callee)) else {
                break Vec::new();
            };
            match way.iter().position(|seen| *seen == next) {
                Some(first) => break way.split_off(first),
                None => way.push(next),
            }
        };
        if !circle.is_empty() {
            globals.problems.push(recursion(written, &circle));
        }
        // What only calls into the circle is no mistake of its own.
        let guilty = if circle.is_empty() { way } else { circle };
        left.retain(|index| !guilty.contains(index));
        left.retain(|index| callees(*index).all(|callee| !guilty.contains(&callee)));
    }
    done
}

fn recursion(written: &[Written<'_>], circle: &[usize]) -> Problem {
    let name = |index: &usize| written[*index].tree.name.text.as_str();
    let first = &written[circle[0]];
    let names: Vec<&str> = circle.iter().map(name).collect();
    let shown = names.join(" -> ");
    let message = format!("`{0}` calls itself: {shown} -> {0}", names[0]);
    let next = circle.get(1).map_or(names[0], name);
    let call = first.calls.iter().find(|call| call.name.text == next);
    let at = Loc { part: first.part, at: call.map_or(first.tree.name.at, |call| call.name.at) };
    let mut problem = Problem::new(Code::Recursion, at, message).label("this call");
    for index in circle {
        let other = &written[*index];
        let at = Loc { part: other.part, at: other.tree.name.at };
        problem.related.push((at, format!("`{}` is declared here", other.tree.name.text)));
    }
    problem.help("go through a collection: `fold`, `sum`, `count`")
}

fn define(globals: &mut Globals, written: &Written<'_>) {
    let (tree, part) = (written.tree, written.part);
    let mut problems = Vec::new();
    let mut params: Vec<Param> = Vec::new();
    for (place, param) in tree.params.iter().enumerate() {
        let same = |first: &&tree::Param| first.name.text == param.name.text;
        if let Some(first) = tree.params[..place].iter().find(same) {
            let (at, first) = (param.name.at, first.name.at);
            problems.push(taken(&param.name, Loc { part, at }, Loc { part, at: first }));
        }
        if let Some(ty) = types::resolve(globals, part, &param.ty, &mut problems) {
            params.push(Param { name: param.name.text.clone(), ty });
        }
    }
    let (count, most) = (tree.params.len(), limits::PARAMETERS);
    let name = tree.name.text.clone();
    if count > most {
        let message = format!("`{name}` has {count} parameters, at most {most} are allowed");
        problems.push(Problem::new(Code::TooMany, Loc { part, at: tree.name.at }, message));
    }
    let result = types::resolve(globals, part, &tree.result, &mut problems);
    let is_any = params.iter().map(|param| &param.ty).chain(&result).any(Type::is_in_any_unit);
    if is_any && !params.iter().any(|param| check::decides(&param.ty)) {
        let at = Loc { part, at: tree.name.at };
        let message = format!("no argument of `{name}` says which unit `any` is");
        problems.push(
            Problem::new(Code::BadType, at, message)
                .help("let one parameter be in `any`, as `x: decimal<2, any> in 0 ..= 100`"),
        );
    }
    if let (Some(result), true) = (result, params.len() == tree.params.len() && problems.is_empty())
    {
        let model = crate::object::empty_model(globals);
        let mut checker = Checker::of_function(globals, &model, part, &tree.params, &params);
        let value = checker.function(&tree.body, &result, &name);
        problems.append(&mut checker.problems);
        let locals = checker.locals;
        let value = value.unwrap_or(Expr::number(0));
        globals.call(Kind::Function, &name, globals.functions.len());
        globals.functions.push(Function { name, params, result, value, locals });
    } else {
        globals.broken.insert(name);
    }
    globals.problems.append(&mut problems);
}
