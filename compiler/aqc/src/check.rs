//! `aqc check`: sources to diagnostics, and to the objects that have no errors.

use crate::project::Project;
use aqo_compiler::db::{self, CheckedModel};
use aqo_compiler::scenario::Scenario;
use aqo_compiler::{Database, Diagnostic, Severity, SourceFile, render};
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// An object without errors, and where it comes from.
pub(crate) struct Object {
    /// Its name.
    pub name: String,
    /// The text of its file.
    pub text: String,
    /// What it is.
    pub model: Arc<CheckedModel>,
}

/// A project that has been checked.
pub(crate) struct Checked {
    /// Objects in text order.
    pub objects: Vec<Object>,
    /// Scenarios with the path of their file and their line.
    pub scenarios: Vec<(PathBuf, usize, Arc<Scenario>)>,
    /// How many errors there were.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
}

/// Checks a project and prints what is wrong: text to standard error, JSON lines to standard output.
pub(crate) fn check(project: &Project, json: bool) -> Checked {
    let database = Database::default();
    let mut checked =
        Checked { objects: Vec::new(), scenarios: Vec::new(), errors: 0, warnings: 0 };
    for source in &project.sources {
        let path = source.path.display().to_string();
        let file = SourceFile::new(&database, path.clone(), source.text.clone());
        let diagnostics = db::diagnostics(&database, file);
        report(&path, &source.text, &diagnostics, json);
        let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        checked.errors += errors;
        checked.warnings += diagnostics.len() - errors;
        for (index, name) in db::objects(&database, file) {
            if let Some(model) = &db::object_of(&database, file, index).model {
                let text = source.text.clone();
                checked.objects.push(Object { name, text, model: model.clone() });
            }
        }
        for scenario in db::scenarios(&database, file) {
            let tree = db::tree_of(&database, file);
            let start = db::span_of(&tree.file, scenario.at).start as usize;
            let line = source.text[..start.min(source.text.len())].matches('\n').count() + 1;
            checked.scenarios.push((source.path.clone(), line, scenario));
        }
    }
    checked
}

/// Prints diagnostics of one file.
pub(crate) fn report(path: &str, text: &str, diagnostics: &[Diagnostic], json: bool) {
    if json {
        render::json(path, diagnostics).lines().for_each(print);
    } else {
        let text = render::text(path, text, diagnostics, std::io::stderr().is_terminal());
        // Nobody may be listening.
        let _ = write!(std::io::stderr(), "{text}");
    }
}

impl Checked {
    /// An error if anything was wrong.
    pub(crate) fn require_sound(&self) -> Result<()> {
        match self.errors {
            0 => Ok(()),
            1 => Err(Error::refused("1 error; nothing was built")),
            count => Err(Error::refused(format!("{count} errors; nothing was built"))),
        }
    }

    /// The only object, or the one that is named.
    pub(crate) fn one(&self, name: Option<&str>) -> Result<&Object> {
        let found: Vec<&Object> = self
            .objects
            .iter()
            .filter(|object| name.is_none_or(|name| object.name == name))
            .collect();
        match found[..] {
            [object] => Ok(object),
            [] => Err(Error::refused(match name {
                Some(name) => format!("there is no object `{name}`"),
                None => "there is no object here".to_owned(),
            })),
            _ => {
                let names: Vec<&str> = found.iter().map(|object| object.name.as_str()).collect();
                Err(Error::refused(format!("there are several objects: {}", names.join(", ")))
                    .help("name one: `--object NAME`, or `[run] object` in aqo.toml"))
            }
        }
    }
}
