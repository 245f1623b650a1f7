//! `aqc fmt`: sources to the same sources laid out.
//!
//! Invariant: a file is replaced whole or not at all, and only by a text that says the same; one
//! that cannot be read stays as it is. What goes wrong with one file does not keep the others from
//! being laid out.
//!
//! Knows nothing of objects: every file stands for itself.

use crate::check::report_text;
use crate::diff::diff;
use crate::project::{Source, source};
use crate::replace::replace;
use aqo_compiler::{Unformatted, format};
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// How standard input is called where a path is.
const STANDARD_INPUT: &str = "-";

/// What is done with a text that changes.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// It is listed, not written.
    pub check: bool,
    /// What changes is shown.
    pub diff: bool,
}

/// How many files came out how.
#[derive(Default)]
struct Tally {
    changed: usize,
    unchanged: usize,
    unread: usize,
    /// The worst of the faults that were told, and how many there were.
    fault: Option<Error>,
    faults: usize,
}

/// Lays out every file that the paths name.
pub(crate) fn fmt(paths: &[PathBuf], options: Options) -> Result<()> {
    let mut tally = Tally::default();
    let reads_input = paths.iter().any(|path| path.as_os_str() == STANDARD_INPUT);
    if reads_input {
        let done = standard_input(options, &mut tally);
        tally.note(done);
    }
    for path in files(paths)?.into_values() {
        let done = file(path, options, &mut tally);
        tally.note(done);
    }
    tally.told(options, reads_input)
}

impl Tally {
    fn note(&mut self, done: Result<()>) {
        let Err(error) = done else { return };
        self.faults += 1;
        match &self.fault {
            Some(worst) if worst.exit_code() >= error.exit_code() => tell(&error),
            Some(worst) => {
                tell(worst);
                self.fault = Some(error);
            }
            None => self.fault = Some(error),
        }
    }

    fn told(self, options: Options, reads_input: bool) -> Result<()> {
        let counted = |count: usize| match count {
            1 => "1 file".to_owned(),
            count => format!("{count} files"),
        };
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.unread > 0 {
            let unread = format!("{} could not be read and stayed as before", counted(self.unread));
            return Err(Error::refused(unread));
        }
        if options.check && self.changed > 0 {
            return Err(Error::refused(format!("{} not formatted", counted(self.changed)))
                .help("the same command without `--check` formats them"));
        }
        if !reads_input {
            let unchanged = format!("{} unchanged", counted(self.unchanged));
            print(&match self.changed {
                0 => unchanged,
                changed => format!("{} formatted, {unchanged}", counted(changed)),
            });
        }
        Ok(())
    }
}

fn tell(error: &Error) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr(), "error: {error}");
}

/// Files as they were named first, by what they are called in full.
type Files = BTreeMap<PathBuf, PathBuf>;

fn insert(files: &mut Files, path: PathBuf) {
    // What cannot be found is told when it is read.
    files.entry(path.canonicalize().unwrap_or_else(|_| path.clone())).or_insert(path);
}

/// The files that paths name, each once, in the order of their names.
fn files(paths: &[PathBuf]) -> Result<Files> {
    let mut files = Files::new();
    for path in paths.iter().filter(|path| path.as_os_str() != STANDARD_INPUT) {
        if path.is_dir() {
            let mut found = Files::new();
            collect(path, &mut found)?;
            if found.is_empty() {
                return Err(Error::usage(format!("{} holds no .aqo file", path.display()))
                    .help("name an .aqo file, or a directory that holds one"));
            }
            found.into_values().for_each(|path| insert(&mut files, path));
        } else {
            insert(&mut files, path.clone());
        }
    }
    Ok(files)
}

/// The sources of a directory and those below it, but for hidden ones. Links to directories are not
/// followed: they may lead back.
fn collect(directory: &Path, files: &mut Files) -> Result<()> {
    let cannot = |e: std::io::Error| Error::io("read", directory, &e);
    for entry in std::fs::read_dir(directory).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(cannot)?.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "aqo") && path.is_file() {
            insert(files, path);
        }
    }
    Ok(())
}

fn standard_input(options: Options, tally: &mut Tally) -> Result<()> {
    let path = PathBuf::from("standard input");
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.map_err(|e| Error::io("read", &path, &e))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::usage(format!("{} is not UTF-8 text", path.display())))?;
    let source = Source { path, text, is_named: true };
    let Some(formatted) = formatted(&source, tally)? else { return Ok(()) };
    show(&source, &formatted, options, tally);
    if !options.check && !options.diff {
        // What ends the text ends the last line that is printed.
        print(formatted.strip_suffix('\n').unwrap_or(&formatted));
    }
    Ok(())
}

fn file(path: PathBuf, options: Options, tally: &mut Tally) -> Result<()> {
    let source = source(path, true)?;
    let Some(formatted) = formatted(&source, tally)? else { return Ok(()) };
    if formatted != source.text && !options.check {
        replace(&source.path, &source.text, &formatted)?;
    }
    show(&source, &formatted, options, tally);
    Ok(())
}

/// `None`: it cannot be read, which has been told.
fn formatted(source: &Source, tally: &mut Tally) -> Result<Option<String>> {
    match format(&source.text) {
        Ok(formatted) => Ok(Some(formatted)),
        Err(Unformatted::Unread(diagnostics)) => {
            report_text(&source.path.display().to_string(), &source.text, &diagnostics);
            tally.unread += 1;
            Ok(None)
        }
        Err(Unformatted::Fault(fault)) => {
            let place = source.path.display();
            Err(Error::internal(format!(
                "{place} was not formatted, and stayed as before: {fault}"
            )))
        }
    }
}

/// Counts a text, and tells what was asked of it.
fn show(source: &Source, formatted: &str, options: Options, tally: &mut Tally) {
    if source.text == formatted {
        tally.unchanged += 1;
        return;
    }
    tally.changed += 1;
    let name = source.path.display().to_string();
    if options.check {
        print(&name);
    }
    if options.diff {
        let shown = diff(&name, &source.text, formatted);
        print(shown.strip_suffix('\n').unwrap_or(&shown));
    }
}
