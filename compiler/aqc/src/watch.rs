//! `--watch`: the same command again whenever a source or `aqo.toml` changes.
//!
//! Invariant: what is compared is names, sizes and times of change of the files that the command
//! reads, taken before it reads them, so no change is missed. Ends only from outside.

use aqo_runtime::error::Result;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often files are looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// What a file looks like from outside.
type Look = (PathBuf, u64, Option<SystemTime>);

/// Runs a command, and again after each change at the path.
pub(crate) fn watch(path: &Path, mut command: impl FnMut() -> Result<()>) -> Result<()> {
    if !path.exists() {
        // A path that was mistyped never comes to be.
        return command();
    }
    loop {
        let seen = look(path);
        let said = command().err().map(|error| format!("error: {error}\n"));
        aqo_runtime::present::flushed()?;
        let place = path.display();
        if writeln!(std::io::stderr(), "{}watching {place}; Ctrl-C ends", said.unwrap_or_default())
            .is_err()
        {
            // Nobody is listening any more.
            return Ok(());
        }
        while look(path) == seen {
            std::thread::sleep(PAUSE);
        }
    }
}

/// The files that a command on this path reads.
fn look(path: &Path) -> Vec<Look> {
    let mut files = Vec::new();
    if path.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()).filter(|path| is_read(path)));
        files.sort();
    } else {
        files.push(path.to_owned());
        files.extend(path.parent().map(|parent| parent.join("aqo.toml")));
    }
    let looks = files.into_iter().map(|path| {
        let metadata = std::fs::metadata(&path);
        let len = metadata.as_ref().map_or(0, std::fs::Metadata::len);
        (path, len, metadata.and_then(|metadata| metadata.modified()).ok())
    });
    looks.collect()
}

fn is_read(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "aqo")
        || path.file_name().is_some_and(|name| name == "aqo.toml")
}
