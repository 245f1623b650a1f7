//! What a path names: one `.aqo` file, or a directory of them with `aqo.toml` and `host.toml` beside.

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
}

/// Sources that belong together.
pub(crate) struct Project {
    /// Where `aqo.toml`, `host.toml` and the output lie.
    pub directory: PathBuf,
    /// In the order of their names.
    pub sources: Vec<Source>,
    /// What `aqo.toml` says.
    pub manifest: Manifest,
}

/// `aqo.toml`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// `[package]`
    #[serde(default)]
    #[expect(dead_code, reason = "read so that a misspelt key is an error")]
    package: Package,
    /// `[run]`
    #[serde(default)]
    pub run: Run,
    /// `[lint]`
    #[serde(default)]
    pub lint: Lint,
}

/// `[package]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read so that a misspelt key is an error")]
struct Package {
    /// Its name.
    name: Option<String>,
    /// Its version.
    version: Option<String>,
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
    /// Finds the sources that a path names.
    pub(crate) fn find(path: &Path) -> Result<Project> {
        if path.is_file() {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let directory = parent.unwrap_or(Path::new(".")).to_owned();
            let manifest = manifest(&directory)?;
            return Ok(Project { directory, sources: vec![source(path.to_owned())?], manifest });
        }
        let entries = std::fs::read_dir(path).map_err(|e| {
            Error::io("read", path, &e).help("name an .aqo file, or a directory that holds one")
        })?;
        let mut paths = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| Error::io("read", path, &e))?.path();
            if entry.extension().is_some_and(|extension| extension == "aqo") {
                paths.push(entry);
            }
        }
        paths.sort();
        if paths.is_empty() {
            return Err(Error::usage(format!("{} holds no .aqo file", path.display()))
                .help("name an .aqo file, or a directory that holds one"));
        }
        let sources = paths.into_iter().map(source).collect::<Result<_>>()?;
        Ok(Project { directory: path.to_owned(), sources, manifest: manifest(path)? })
    }
}

/// Reads a source file.
pub(crate) fn source(path: PathBuf) -> Result<Source> {
    let bytes = std::fs::read(&path).map_err(|e| Error::io("read", &path, &e))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::usage(format!("{} is not UTF-8 text", path.display())))?;
    Ok(Source { path, text })
}

fn manifest(directory: &Path) -> Result<Manifest> {
    let path = directory.join("aqo.toml");
    if !path.exists() {
        return Ok(Manifest::default());
    }
    let text = std::fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
    toml::from_str(&text)
        .map_err(|e| Error::usage(format!("{} cannot be read: {e}", path.display())))
}
