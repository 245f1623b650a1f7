//! `aqc check`: sources to diagnostics, and to the objects that have no errors.

use crate::project::Project;
use aqo_compiler::db::{self, CheckedModel};
use aqo_compiler::levels::Levels;
use aqo_compiler::sarif::{Sheet, sarif};
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
    /// Its file, among the checked ones.
    pub file: usize,
    /// Its place in the file.
    pub item: usize,
    /// The text of its file.
    pub text: String,
    /// What it is.
    pub model: Arc<CheckedModel>,
}

/// A source file that has been checked.
pub(crate) struct File {
    /// As it was found.
    pub path: PathBuf,
    /// Its text in the database.
    pub source: SourceFile,
}

/// A project that has been checked.
#[derive(Default)]
pub(crate) struct Checked {
    /// What knows the rest.
    pub database: Database,
    /// In the order of their names.
    pub files: Vec<File>,
    /// Objects in text order.
    pub objects: Vec<Object>,
    /// How many errors there were.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
    /// How many warnings were allowed.
    pub allowed: usize,
}

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people, to standard error.
    Text,
    /// JSON lines, to standard output.
    Json,
    /// One SARIF 2.1.0 log, to standard output.
    Sarif,
}

impl Format {
    /// What `--json` means.
    pub(crate) fn of_json(json: bool) -> Format {
        if json { Format::Json } else { Format::Text }
    }
}

/// Checks a project and prints what is wrong at these levels.
pub(crate) fn check(project: &Project, levels: &Levels, format: Format) -> Checked {
    let mut checked = Checked::default();
    let database = checked.database.clone();
    let mut found = Vec::new();
    for (number, source) in project.sources.iter().enumerate() {
        let path = source.path.display().to_string();
        let file = SourceFile::new(&database, path.clone(), source.text.clone());
        let judged = levels.judge(db::diagnostics(&database, file));
        let errors = judged.shown.iter().filter(|d| d.severity == Severity::Error).count();
        checked.errors += errors;
        checked.warnings += judged.shown.len() - errors;
        checked.allowed += judged.allowed;
        found.push((path, judged.shown));
        for (item, name) in db::objects(&database, file) {
            if let Some(model) = &db::object_of(&database, file, item).model {
                let (text, model) = (source.text.clone(), model.clone());
                checked.objects.push(Object { name, file: number, item, text, model });
            }
        }
        checked.files.push(File { path: source.path.clone(), source: file });
    }
    report(project, &found, format);
    checked
}

/// Prints diagnostics of one file for a person.
pub(crate) fn report_text(path: &str, text: &str, diagnostics: &[Diagnostic]) {
    let text = render::text(path, text, diagnostics, std::io::stderr().is_terminal());
    // Nobody may be listening.
    let _ = write!(std::io::stderr(), "{text}");
}

fn report(project: &Project, found: &[(String, Vec<Diagnostic>)], format: Format) {
    let files = project.sources.iter().zip(found);
    match format {
        Format::Text => {
            for (source, (path, diagnostics)) in files {
                report_text(path, &source.text, diagnostics);
            }
        }
        Format::Json => {
            for (path, diagnostics) in found {
                render::json(path, diagnostics).lines().for_each(print);
            }
        }
        Format::Sarif => {
            let sheets: Vec<Sheet<'_>> = files
                .map(|(source, (path, diagnostics))| Sheet {
                    path,
                    text: &source.text,
                    diagnostics,
                })
                .collect();
            print(sarif(&sheets).trim_end());
        }
    }
}

impl Checked {
    /// `Thermostat: no errors, 1 warning, 2 allowed`
    pub(crate) fn summary(&self) -> String {
        let names: Vec<&str> = self.objects.iter().map(|object| object.name.as_str()).collect();
        let warnings = match self.warnings {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            count => format!(", {count} warnings"),
        };
        let allowed = match self.allowed {
            0 => String::new(),
            count => format!(", {count} allowed"),
        };
        format!("{}: no errors{warnings}{allowed}", names.join(", "))
    }

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
