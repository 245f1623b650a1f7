//! A directory to the files of the project that it is: every `.aqo` below it.
//!
//! Invariant: none is found through a link, so no walk goes round, and none twice. A directory that
//! has an `aqo.toml` of its own is another project. The one module here that looks at the file
//! system; it reads names and no text.

use std::io;
use std::path::{Path, PathBuf};

/// What makes a directory a project.
pub const MANIFEST: &str = "aqo.toml";

/// Where builds lie; no sources are looked for there.
const BUILT: &str = "target";

/// What lies below a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// The sources of the project, in the order of their names.
    pub sources: Vec<PathBuf>,
    /// The directories of other projects.
    pub others: Vec<PathBuf>,
}

/// The directory of the project that a real path lies in, if it lies in one.
pub fn project_above(real: &Path) -> Option<&Path> {
    real.ancestors().find(|above| above.join(MANIFEST).is_file())
}

/// The sources below a directory. An error names the directory that could not be read.
pub fn below(directory: &Path) -> Result<Below, (PathBuf, io::Error)> {
    let mut found = Below::default();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        look(&directory, &mut found, &mut open).map_err(|error| (directory, error))?;
    }
    found.sources.sort();
    found.others.sort();
    Ok(found)
}

fn look(directory: &Path, found: &mut Below, open: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type()?;
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if kind.is_file() && path.extension().is_some_and(|extension| extension == "aqo") {
            found.sources.push(path);
        } else if kind.is_dir() && path.join(MANIFEST).is_file() {
            found.others.push(path);
        } else if kind.is_dir() && name != BUILT {
            open.push(path);
        }
    }
    Ok(())
}
