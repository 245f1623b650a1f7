//! What the tests of this suite share: the binary, directories to call it in, and golden files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

/// A lamp with one warning: no rule need take `dim`.
pub(crate) const LAMP: &str = "module demo

object Lamp version 1 {
    field level: int in 0 ..= 100 = 0

    message dim(to: int in 0 ..= 100) from anyone

    rule darker on dim(to) when to < level { set level = to }
    rule brighter on dim(to) when to > level { set level = to }
}
";

/// The binary `aqc` that this build made.
pub(crate) fn aqc() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| binary("aqc"))
}

/// A binary that this build made.
pub(crate) fn binary(name: &str) -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--workspace", "--bin", name])
        .status()
        .unwrap();
    assert!(status.success());
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join(name)
}

/// A directory with these files.
pub(crate) fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Calls `aqc` in a directory.
pub(crate) fn call(directory: &Path, arguments: &[&str]) -> Called {
    let output: Output =
        Command::new(aqc()).current_dir(directory).args(arguments).output().unwrap();
    Called {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Calls `aqc` in a directory of these files.
pub(crate) fn call_on(files: &[(&str, &str)], arguments: &[&str]) -> Called {
    call(directory(files).path(), arguments)
}

pub(crate) fn expect_file(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tools").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(expected, actual, "{name} differs; BLESS=1 rewrites it");
}
