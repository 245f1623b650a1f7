//! The door of a store: while a host owns it, others speak to its objects through `STORE/aqr.sock`,
//! one line of JSON each way. The socket is for its owner alone, as the store is.

use crate::environment::{Disk, RealDisk};
use crate::error::{Error, Exit, Result};
use crate::host::Saying;
use aqo_model::policy::Reason;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest path of a socket that every Unix takes.
const PATH_BYTES: usize = 100;

/// What wakes a run before anything is due.
pub enum Wake {
    /// It is to stop.
    Stop,
    /// Somebody wants to say something, and waits for the answer.
    Say(Box<Saying>, Sender<Said>),
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Said {
    /// The entries that it left, a line each.
    pub lines: Vec<String>,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
    /// What was wrong with it, if it could not be said.
    pub wrong: Option<String>,
}

impl Said {
    /// As a command ends.
    pub fn result(self) -> Result<()> {
        match (self.refused, self.wrong) {
            (None, Some(wrong)) => Err(Error::told(wrong, Exit::Refused)),
            (refused, _) => end(refused),
        }
    }
}

/// How a command ends that was answered: what waits is not refused.
pub fn end(refused: Option<String>) -> Result<()> {
    let waits = |reason: &str| Reason::BUILT_IN.contains(&(Reason::WAITS, reason));
    match refused {
        None => Ok(()),
        Some(reason) if waits(&reason) => {
            eprintln!(
                "note: it waits; `aqr show` says how long, or for whose consent (`aqr approve`)"
            );
            Ok(())
        }
        Some(reason) => Err(Error::refused(format!("refused: {reason}"))),
    }
}

/// An open door; it is closed when this is dropped.
pub struct Door {
    path: PathBuf,
}

impl Door {
    /// Opens the door of a store that the caller owns. `None` where the path is too long for a socket.
    pub fn open(directory: &Path, wakes: Sender<Wake>) -> Result<Option<Door>> {
        let path = path_of(directory);
        if path.as_os_str().len() > PATH_BYTES {
            return Ok(None);
        }
        let io = |e: std::io::Error| Error::io("open the socket", &path, &e);
        if path.exists() {
            // Whoever left it there no longer owns the store.
            RealDisk.remove(&path).map_err(io)?;
        }
        let listener = UnixListener::bind(&path).map_err(io)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(io)?;
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(std::result::Result::ok) {
                let wakes = wakes.clone();
                std::thread::spawn(move || answer(&stream, &wakes));
            }
        });
        Ok(Some(Door { path }))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // A socket that stays behind is removed by the next owner.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn path_of(directory: &Path) -> PathBuf {
    directory.join("aqr.sock")
}

/// One question and its answer. Whatever goes wrong, the asker sees a closed line.
fn answer(stream: &UnixStream, wakes: &Sender<Wake>) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    let saying: Saying = serde_json::from_str(&line).ok()?;
    let (sender, receiver) = channel();
    wakes.send(Wake::Say(Box::new(saying), sender)).ok()?;
    let said = receiver.recv_timeout(PATIENCE).ok()?;
    let mut stream = stream;
    writeln!(stream, "{}", serde_json::to_string(&said).ok()?).ok()
}

/// Says something through the door; `None` where nobody has it open.
pub fn ask(directory: &Path, saying: &Saying) -> Result<Option<Said>> {
    let path = path_of(directory);
    let Ok(mut stream) = UnixStream::connect(&path) else { return Ok(None) };
    let lost = || {
        Error::refused("the process that owns the store gave no answer")
            .help("look at the lineage with `aqr log` before you say it again")
    };
    let line = serde_json::to_string(saying).map_err(|e| Error::internal(e.to_string()))?;
    writeln!(stream, "{line}").map_err(|_| lost())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|_| lost())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(|_| lost())?;
    serde_json::from_str(&answer).map(Some).map_err(|_| lost())
}
