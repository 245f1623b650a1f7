//! A store: one directory, one owner, everything that a host keeps.
//!
//! ```text
//! STORE/store.json      format version, kind of clock, whether development keys were made
//! STORE/LOCK            held by its owner
//! STORE/log/            every entry, see `log`
//! STORE/images/         checkpoints, see `checkpoint`; a shortcut, never needed
//! STORE/artifacts/      components by digest
//! STORE/keys/           the host's key, and development keys
//! ```

pub mod checkpoint;
pub mod log;

use crate::environment::Disk;
use crate::error::{Error, Result};
use aqo_model::value::Bytes32;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The version of the format.
const FORMAT: u32 = 1;

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The version of the format.
    pub format: u32,
    /// Whether its time is virtual; then it is so for good.
    pub is_virtual: bool,
    /// Whether it has made keys for roles by itself.
    pub development: bool,
}

/// A store's directory, and the lock on it.
pub struct Store {
    /// The directory.
    pub directory: PathBuf,
    /// What it says of itself.
    pub about: About,
    /// Files.
    pub disk: Box<dyn Disk>,
    _lock: Option<std::fs::File>,
}

impl Store {
    /// Opens a store for its owner, making it if there is none.
    pub fn own(directory: &Path, disk: Box<dyn Disk>, is_virtual: Option<bool>) -> Result<Store> {
        disk.create_dir(directory).map_err(|e| Error::io("create", directory, &e))?;
        let lock = lock(directory)?;
        let about = match read_about(disk.as_ref(), directory)? {
            Some(about) => check_clock(about, is_virtual, directory)?,
            None => About {
                format: FORMAT,
                is_virtual: is_virtual.unwrap_or(false),
                development: false,
            },
        };
        let store = Store { directory: directory.to_owned(), about, disk, _lock: Some(lock) };
        for part in ["log", "images", "artifacts", "keys"] {
            let path = store.directory.join(part);
            store.disk.create_dir(&path).map_err(|e| Error::io("create", &path, &e))?;
        }
        store.write_about()?;
        Ok(store)
    }

    /// Opens a store to read it, whoever owns it.
    pub fn look(directory: &Path, disk: Box<dyn Disk>) -> Result<Store> {
        let Some(about) = read_about(disk.as_ref(), directory)? else {
            return Err(Error::usage(format!("{} is not a store", directory.display()))
                .help("name the directory that `--store` named when it was made"));
        };
        Ok(Store { directory: directory.to_owned(), about, disk, _lock: None })
    }

    fn write_about(&self) -> Result<()> {
        let path = self.directory.join("store.json");
        let text = serde_json::to_vec_pretty(&self.about).expect("plain data has a JSON form");
        self.disk.replace(&path, &text, false).map_err(|e| Error::io("write", &path, &e))
    }

    /// Notes that the store holds keys that it made for roles.
    pub fn mark_development(&mut self) -> Result<()> {
        if !self.about.development {
            self.about.development = true;
            self.write_about()?;
        }
        Ok(())
    }

    /// The directory of the log.
    pub fn log_directory(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Keeps a component, and gives its digest.
    pub fn keep_artifact(&self, bytes: &[u8]) -> Result<Bytes32> {
        let digest = Bytes32(*blake3::hash(bytes).as_bytes());
        let path = self.artifact_path(&digest);
        if self.disk.read(&path).is_ok_and(|kept| kept == bytes) {
            return Ok(digest);
        }
        self.disk.replace(&path, bytes, false).map_err(|e| Error::io("write", &path, &e))?;
        Ok(digest)
    }

    /// A component by its digest, which is checked.
    pub fn artifact(&self, digest: &Bytes32) -> Result<Vec<u8>> {
        let path = self.artifact_path(digest);
        let bytes = self.disk.read(&path).map_err(|e| Error::io("read", &path, &e))?;
        if blake3::hash(&bytes).as_bytes() == &digest.0 {
            return Ok(bytes);
        }
        Err(Error::refused(format!("{} is not what its name says", path.display())).help(
            "restore the file from a backup, or build the same source again and copy it there",
        ))
    }

    fn artifact_path(&self, digest: &Bytes32) -> PathBuf {
        self.directory.join("artifacts").join(format!("{digest}.wasm"))
    }
}

fn read_about(disk: &dyn Disk, directory: &Path) -> Result<Option<About>> {
    let path = directory.join("store.json");
    let bytes = match disk.read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &path, &error)),
    };
    let about: About = serde_json::from_slice(&bytes)
        .map_err(|e| Error::usage(format!("{} cannot be read: {e}", path.display())))?;
    if about.format == FORMAT {
        return Ok(Some(about));
    }
    Err(Error::usage(format!("the store has format {}, this program knows {FORMAT}", about.format))
        .help("use the program that made it, or a newer one"))
}

fn check_clock(about: About, is_virtual: Option<bool>, directory: &Path) -> Result<About> {
    match is_virtual {
        Some(wanted) if wanted != about.is_virtual => {
            let (had, asked) =
                if about.is_virtual { ("virtual", "real") } else { ("real", "virtual") };
            let text = format!(
                "{} has {had} time, and a {asked} clock was asked for",
                directory.display()
            );
            Err(Error::usage(text)
                .help("a store keeps its kind of time for good: use another directory"))
        }
        Some(_) | None => Ok(about),
    }
}

/// Takes the lock of a store, or says who holds it.
fn lock(directory: &Path) -> Result<std::fs::File> {
    use std::io::{Read, Seek, Write};
    let path = directory.join("LOCK");
    let io = |e: std::io::Error| Error::io("lock", &path, &e);
    let options = || {
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options
    };
    let mut file = options().open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            let text = format!("{} is in use by process {}", directory.display(), owner.trim());
            return Err(Error::refused(text).help("stop it, or use another store"));
        }
        Err(std::fs::TryLockError::Error(error)) => return Err(io(error)),
    }
    file.set_len(0).map_err(io)?;
    file.rewind().map_err(io)?;
    writeln!(file, "{}", std::process::id()).map_err(io)?;
    Ok(file)
}
