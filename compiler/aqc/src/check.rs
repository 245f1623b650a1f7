//! `aqc check`: sources to diagnostics, and to the objects that have no errors.

use crate::project::{Project, Source};
use aqo_compiler::db::{self, CheckedModel};
use aqo_compiler::levels::Levels;
use aqo_compiler::modules::{taken, used_files};
use aqo_compiler::sarif::{Sheet, sarif};
use aqo_compiler::{Database, Diagnostic, Severity, SourceFile, render};
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use std::collections::HashSet;
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
    /// The text of its file, and those of the files that this one uses: all that it was made of, but
    /// for `std`.
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
    /// The files as one project.
    pub project: Option<aqo_compiler::Project>,
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
    let (together, sources) = inputs(project, &mut checked.database);
    checked.project = Some(together);
    let database = checked.database.clone();
    // One that is named is told of the others, not they of it.
    let (named, others): (Vec<_>, Vec<_>) =
        sources.into_iter().partition(|(source, _)| source.is_named);
    let every: Vec<SourceFile> = others.iter().chain(&named).map(|(_, file)| *file).collect();
    let taken = taken(&database, &every);
    let mut found = Vec::new();
    for (source, file) in &named {
        let diagnostics = with_taken(db::diagnostics(&database, *file), *file, &taken);
        found.push((*source, checked.judge(diagnostics, levels)));
        for (item, name) in db::objects(&database, *file) {
            if let Some(model) = &db::object_of(&database, *file, item).model {
                let used = used_files(&database, *file).into_iter();
                let texts = used.map(|other| other.text(&database).clone());
                let texts: Vec<String> =
                    std::iter::once(source.text.clone()).chain(texts).collect();
                let (text, model) = (texts.join("\n"), model.clone());
                let file = checked.files.len();
                checked.objects.push(Object { name, file, item, text, model });
            }
        }
        checked.files.push(File { path: source.path.clone(), source: *file });
    }
    // What is wrong with a file that only these use keeps them from being built, so it is said.
    let used: HashSet<SourceFile> =
        named.iter().flat_map(|(_, file)| used_files(&database, *file)).collect();
    for (source, file) in others.iter().filter(|(_, file)| used.contains(file)) {
        let mut diagnostics = with_taken(db::diagnostics(&database, *file), *file, &taken);
        diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
        found.push((*source, checked.judge(diagnostics, levels)));
    }
    report(&found, format);
    checked
}

/// What is wrong with a file, with what is wrong between it and others, in text order.
fn with_taken(
    mut found: Vec<Diagnostic>,
    file: SourceFile,
    taken: &[(SourceFile, Diagnostic)],
) -> Vec<Diagnostic> {
    let between = taken.iter().filter(|(of, _)| *of == file);
    found.extend(between.map(|(_, diagnostic)| diagnostic.clone()));
    found.sort_by_key(|diagnostic| diagnostic.span);
    found
}

/// The sources of a project in a database, as the files of one project with its lock.
fn inputs<'p>(
    project: &'p Project,
    database: &mut Database,
) -> (aqo_compiler::Project, Vec<(&'p Source, SourceFile)>) {
    let sources: Vec<(&Source, SourceFile)> = (project.sources.iter())
        .map(|source| {
            let file = SourceFile::builder(name(source), source.text.clone());
            (source, file.max_cost(project.manifest.build.max_cost).new(database))
        })
        .collect();
    let together = aqo_compiler::Project::new(database, Vec::new());
    together.join(database, sources.iter().map(|(_, file)| *file).collect());
    together.replace_lock(database, project.lock.clone());
    (together, sources)
}

/// Prints diagnostics of one file for a person.
pub(crate) fn report_text(path: &str, text: &str, diagnostics: &[Diagnostic]) {
    let text = render::text(path, text, diagnostics, std::io::stderr().is_terminal());
    // Nobody may be listening.
    let _ = write!(std::io::stderr(), "{text}");
}

/// How a source is called in messages.
fn name(source: &Source) -> String {
    source.path.display().to_string()
}

fn report(found: &[(&Source, Vec<Diagnostic>)], format: Format) {
    let files = found.iter().map(|(source, diagnostics)| (name(source), source, diagnostics));
    match format {
        Format::Text => {
            for (path, source, diagnostics) in files {
                report_text(&path, &source.text, diagnostics);
            }
        }
        Format::Json => {
            for (path, _, diagnostics) in files {
                render::json(&path, diagnostics).lines().for_each(print);
            }
        }
        Format::Sarif => {
            let files: Vec<_> = files.collect();
            let sheets = files.iter().map(|(path, source, diagnostics)| Sheet {
                path,
                text: &source.text,
                diagnostics,
            });
            print(sarif(&sheets.collect::<Vec<_>>()).trim_end());
        }
    }
}

impl Checked {
    /// Counts what is wrong with a file, and gives what is shown of it.
    fn judge(&mut self, diagnostics: Vec<Diagnostic>, levels: &Levels) -> Vec<Diagnostic> {
        let judged = levels.judge(diagnostics);
        let errors = judged.shown.iter().filter(|d| d.severity == Severity::Error).count();
        self.errors += errors;
        self.warnings += judged.shown.len() - errors;
        self.allowed += judged.allowed;
        judged.shown
    }

    /// `Thermostat: no errors, 1 warning, 2 allowed`; without objects no name.
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
        let whose = if names.is_empty() { String::new() } else { names.join(", ") + ": " };
        format!("{whose}no errors{warnings}{allowed}")
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
