//! What went wrong, and what to do about it.

use std::fmt;
use std::path::Path;

/// How a failure ends a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something was refused or found wanting: 1.
    Refused,
    /// Wrong use, or the file system said no: 2.
    Usage,
    /// A fault of this program: 3.
    Internal,
}

/// An error of the runtime: what happened, outermost first, and what to do.
#[derive(Debug)]
pub struct Error {
    what: String,
    help: Option<String>,
    exit: Exit,
}

/// The result of anything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Something was refused or found wanting.
    pub fn refused(what: impl Into<String>) -> Error {
        Error { what: what.into(), help: None, exit: Exit::Refused }
    }

    /// Wrong use, or an unusable file.
    pub fn usage(what: impl Into<String>) -> Error {
        Error { what: what.into(), help: None, exit: Exit::Usage }
    }

    /// A fault of this program.
    pub fn internal(what: impl Into<String>) -> Error {
        Error {
            what: what.into(),
            help: Some("this is a fault of the runtime: please report it".to_owned()),
            exit: Exit::Internal,
        }
    }

    /// The file system said no.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Error {
        Error::usage(format!("cannot {doing} {}: {error}", path.display()))
    }

    /// What another process told.
    pub fn told(what: String, exit: Exit) -> Error {
        Error { what, help: None, exit }
    }

    /// With advice.
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.help = Some(help.into());
        self
    }

    /// The exit code that fits: 1, 2 or 3.
    pub fn exit_code(&self) -> u8 {
        match self.exit {
            Exit::Refused => 1,
            Exit::Usage => 2,
            Exit::Internal => 3,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
