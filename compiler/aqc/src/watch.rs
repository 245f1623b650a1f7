//! `--watch`: the same command again whenever a source, `aqo.toml` or `aqo.lock` changes.
//!
//! Invariant: what is compared is names, sizes and times of change of the files that the command
//! reads, taken before it reads them, so no change is missed. Ends only from outside.

use crate::project::files;
use aqo_compiler::files::MANIFEST;
use aqo_compiler::lock::LOCK;
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

/// The files that a command on this path reads. Where they cannot be found, none: that is a change
/// too, as is their return.
fn look(path: &Path) -> Vec<Look> {
    let (directory, sources) = files(path).unwrap_or_default();
    let sources = sources.into_iter().map(|(source, _)| source);
    let looks = sources.chain([directory.join(MANIFEST), directory.join(LOCK)]).map(|path| {
        let metadata = std::fs::metadata(&path);
        let len = metadata.as_ref().map_or(0, std::fs::Metadata::len);
        (path, len, metadata.and_then(|metadata| metadata.modified()).ok())
    });
    looks.collect()
}
