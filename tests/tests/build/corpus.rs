//! The programs of the corpus that pass: told no more than they are marked with, laid out, and
//! built: a core that is valid, and a component that reads back as what was built.

use aqo_compiler::{Database, SourceFile, db, format};
use aqo_emit::Options;
use aqo_tests::corpus::{Program, line_of, marks, programs};
use wasmtime::Module;

use crate::core::engine;

/// What is wrong with a program that should pass.
fn fault(program: &Program, objects: &mut usize) -> Option<String> {
    let database = Database::default();
    let file = SourceFile::new(&database, program.name.clone(), program.text.clone());
    let mut found: Vec<(usize, String)> = (db::diagnostics(&database, file).iter())
        .map(|d| (line_of(&program.text, d.span.start as usize), d.code.id().to_owned()))
        .collect();
    found.sort();
    let wanted = marks(&program.text);
    if found != wanted || wanted.iter().any(|(_, code)| !code.starts_with('W')) {
        return Some(format!("{wanted:?} is marked, {found:?} is told"));
    }
    match format(&program.text) {
        Ok(laid) if laid == program.text => {}
        Ok(_) => return Some("`aqc fmt` would change it".to_owned()),
        Err(why) => return Some(format!("not laid out: {why:?}")),
    }
    for (object, name) in db::objects(&database, file) {
        let checked = db::object_of(&database, file, object);
        let Some(model) = checked.model.as_ref().map(|model| model.model()) else {
            return Some(format!("`{name}` has no Model"));
        };
        if let Err(why) = Module::validate(&engine(), &aqo_emit::core_module(model)) {
            return Some(format!("the core of `{name}` is not valid: {why:?}"));
        }
        let component = match aqo_emit::component(model, &Options::default()) {
            Ok(component) => component,
            Err(why) => return Some(format!("`{name}` is no component: {why}")),
        };
        match aqo_emit::read(&component) {
            Ok(artifact) if artifact.model.class() == model.class() => {}
            Ok(_) => return Some(format!("`{name}` reads back as another class")),
            Err(why) => return Some(format!("`{name}` does not read back: {why}")),
        }
        *objects += 1;
    }
    None
}

#[test]
fn programs_that_pass_are_built() {
    let (programs, mut objects) = (programs("pass"), 0);
    let faults: String = programs
        .iter()
        .filter_map(|program| {
            Some(format!("{}: {}\n", program.name, fault(program, &mut objects)?))
        })
        .collect();
    assert!(faults.is_empty(), "\n{faults}");
    println!("{} programs, {objects} objects built", programs.len());
    assert!(programs.len() >= 200, "only {} programs pass", programs.len());
}
