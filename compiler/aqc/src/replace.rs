//! A file's new text in place of its old one, whole or not at all.
//!
//! Invariant: a reader sees the old text or the new one, never a part; what another has written
//! since the old text was read is not lost. A link stays a link, permissions stay, and a file that
//! nobody may write is not written. Knows nothing of what texts say.

use aqo_runtime::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// How many names are tried for what is written first: others may be left from a crash.
const TRIES: u32 = 100;

/// Replaces the text of a file that still says `old`.
pub(crate) fn replace(path: &Path, old: &str, new: &str) -> Result<()> {
    whole(path, old, new).map_err(|error| Error::io("write", path, &error))
}

fn whole(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let permissions = std::fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "it is read-only"));
    }
    let (temporary, mut file) = temporary(&path)?;
    let write = || {
        file.write_all(new.as_bytes())?;
        file.set_permissions(permissions)?;
        file.sync_all()?;
        if std::fs::read(&path)? != old.as_bytes() {
            return Err(io::Error::other("it was changed meanwhile; nothing was written"));
        }
        std::fs::rename(&temporary, &path)
    };
    write().inspect_err(|_| {
        // The first failure is the one to tell.
        let _ = std::fs::remove_file(&temporary);
    })
}

/// A new hidden file beside another.
fn temporary(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0;
    loop {
        let temporary = path.with_file_name(format!(".{name}.{number}.new"));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < TRIES => number += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn what_another_wrote_meanwhile_stays() {
        let place = tempfile::TempDir::new().unwrap();
        let path = place.path().join("a.aqo");
        std::fs::write(&path, "theirs").unwrap();
        let error = replace(&path, "old", "new").unwrap_err().to_string();
        assert!(error.contains("changed meanwhile"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
        replace(&path, "theirs", "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "something was left");
    }
}
