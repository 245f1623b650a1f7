//! A path to the project that it names: every `.aqo` file below the nearest `aqo.toml` above it.
//!
//! Invariant: no file is read twice. Where there is no `aqo.toml` at all, a file stands alone and a
//! directory is a project. Which files are one is the compiler's to say. Knows nothing of what
//! sources say.

use crate::lock;
use aqo_compiler::files::{Below, MANIFEST, below, project_above};
use aqo_compiler::levels::Lint;
use aqo_runtime::error::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A source file.
pub(crate) struct Source {
    /// As it was found; for messages.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
    /// Whether the path names it. The others are there for what it shares with them.
    pub is_named: bool,
}

/// Sources that belong together.
pub(crate) struct Project {
    /// Where `aqo.toml`, `host.toml` and the output lie.
    pub directory: PathBuf,
    /// In the order of their names.
    pub sources: Vec<Source>,
    /// What `aqo.toml` says.
    pub manifest: Manifest,
    /// What `aqo.lock` says, where there is one: a lock that can be read.
    pub lock: Option<String>,
}

/// `aqo.toml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// `[package]`
    #[serde(default)]
    pub package: Package,
    /// `[run]`
    #[serde(default)]
    pub run: Run,
    /// `[build]`
    #[serde(default)]
    pub build: Build,
    /// `[lint]`
    #[serde(default)]
    pub lint: Lint,
}

/// `[package]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// `[build]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    /// The most core instructions that a step may cost.
    pub max_cost: Option<u64>,
}

/// `[run]`: what `aqc run` does unless told otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    /// The object, where there are several.
    pub object: Option<String>,
    /// How fast time passes: a number or "max".
    pub speed: Option<SpeedSetting>,
    /// Birth values in text form.
    #[serde(default)]
    pub birth: BTreeMap<String, String>,
}

/// `speed = 60` or `speed = "max"`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum SpeedSetting {
    /// So many times as fast.
    Times(f64),
    /// `max`
    Word(String),
}

impl SpeedSetting {
    /// As the flag spells it.
    pub(crate) fn text(&self) -> String {
        match self {
            SpeedSetting::Times(times) => times.to_string(),
            SpeedSetting::Word(word) => word.clone(),
        }
    }
}

impl Project {
    /// Finds the sources that a path names, and those that belong to them.
    pub(crate) fn find(path: &Path) -> Result<Project> {
        let (directory, paths) = files(path)?;
        let (manifest, lock) = (manifest(&directory)?, lock::read(&directory)?);
        let named = paths.into_iter().map(|(path, is_named)| source(path, is_named));
        Ok(Project { directory, sources: named.collect::<Result<_>>()?, manifest, lock })
    }
}

/// The directory of a project, and its files in the order of their names, each with whether the
/// path names it.
pub(crate) fn files(path: &Path) -> Result<(PathBuf, Vec<(PathBuf, bool)>)> {
    let is_file = path.is_file();
    let beside = path.parent().map_or(Path::new("."), shown);
    let place = if is_file { beside } else { path };
    let cannot = |e: std::io::Error| {
        Error::io("read", path, &e).help("name an .aqo file, or a directory that holds one")
    };
    let real = place.canonicalize().map_err(cannot)?;
    let root = project_above(&real);
    let directory = match root {
        Some(root) => as_named(place, root),
        None => place.to_owned(),
    };
    if is_file && root.is_none() {
        return Ok((directory, vec![(path.to_owned(), true)]));
    }
    let Below { sources: found, others } =
        below(&directory).map_err(|(path, e)| Error::io("read", &path, &e))?;
    let name = |file: &Path| Some(real.join(file.file_name()?));
    let mut named: Vec<(PathBuf, bool)> = Vec::new();
    for found in found {
        let full = found.canonicalize().map_err(cannot)?;
        let is_named = if is_file { name(path) == Some(full) } else { full.starts_with(&real) };
        named.push(if is_file && is_named { (path.to_owned(), true) } else { (found, is_named) });
    }
    if named.iter().any(|(_, is_named)| *is_named) {
        return Ok((directory, named));
    }
    if is_file {
        // A link, or in a place where none is looked for.
        named.push((path.to_owned(), true));
        return Ok((directory, named));
    }
    let help = match others.first() {
        Some(other) => format!("it holds projects; name one, as {}", other.display()),
        None => "name an .aqo file, or a directory that holds one".to_owned(),
    };
    Err(Error::usage(format!("{} holds no .aqo file", path.display())).help(help))
}

/// The directory above `place` that is `root`, as `place` spells it where it can.
fn as_named(place: &Path, root: &Path) -> PathBuf {
    let is_root = |above: &&Path| shown(above).canonicalize().is_ok_and(|full| full == root);
    place.ancestors().find(is_root).map_or_else(|| root.to_owned(), |above| shown(above).to_owned())
}

/// What is written where a path is empty.
fn shown(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// Reads a source file.
pub(crate) fn source(path: PathBuf, is_named: bool) -> Result<Source> {
    let bytes = std::fs::read(&path).map_err(|e| Error::io("read", &path, &e))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::usage(format!("{} is not UTF-8 text", path.display())))?;
    Ok(Source { path, text, is_named })
}

fn manifest(directory: &Path) -> Result<Manifest> {
    let path = directory.join(MANIFEST);
    if !path.exists() {
        return Ok(Manifest::default());
    }
    let text = std::fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
    toml::from_str(&text)
        .map_err(|e| Error::usage(format!("{} cannot be read: {e}", path.display())))
}
