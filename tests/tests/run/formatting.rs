//! `aqc fmt` as a process: what it prints, what it writes, what it leaves alone, and how it exits.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::stores::binary;

const LOOSE: &str = "module a\nunit  b\r\nfn f() -> int { 1 } // one";
const NEAT: &str = "module a\n\nunit b\n\nfn f() -> int { 1 } // one\n";
const BROKEN: &str = "module a unit fn";

/// Exit code, standard output and standard error.
fn fmt(directory: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    static AQC: OnceLock<PathBuf> = OnceLock::new();
    let mut child = Command::new(AQC.get_or_init(|| binary("aqc")))
        .arg("fmt")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}

#[test]
fn files_are_rewritten_where_they_change() {
    let files =
        [("a.aqo", LOOSE), ("in/deeper/b.aqo", LOOSE), ("neat.aqo", NEAT), ("c.txt", LOOSE)];
    let directory = folder(&files);
    let home = directory.path();
    let read = |name: &str| std::fs::read_to_string(home.join(name)).unwrap();
    let modified = || std::fs::metadata(home.join("neat.aqo")).unwrap().modified().unwrap();
    let before = modified();

    let (code, out, err) = fmt(home, &["--check", "."], "");
    assert_eq!((code, out.as_str()), (1, "./a.aqo\n./in/deeper/b.aqo\n"), "{err}");
    assert!(err.contains("2 files not formatted"), "{err}");
    assert_eq!(read("a.aqo"), LOOSE);

    let (code, out, _) = fmt(home, &["--check", "--diff", "a.aqo"], "");
    assert_eq!(code, 1);
    let shown = "a.aqo\n--- a.aqo\n+++ a.aqo\n@@ -1,3 +1,5 @@\n module a\n";
    assert!(out.starts_with(shown), "{out}");
    assert!(out.contains("-unit  b\r\n") && out.contains("+unit b\n"), "{out}");
    assert_eq!(read("a.aqo"), LOOSE);

    let (code, out, _) = fmt(home, &[".", "a.aqo", "in"], "");
    assert_eq!((code, out.as_str()), (0, "2 files formatted, 1 file unchanged\n"));
    for name in ["a.aqo", "in/deeper/b.aqo", "neat.aqo"] {
        assert_eq!(read(name), NEAT);
    }
    assert_eq!(read("c.txt"), LOOSE);
    assert_eq!(modified(), before, "a file that does not change is not written");
    let left = std::fs::read_dir(home).unwrap().count();
    assert_eq!(left, 4, "nothing is left beside the sources");
    assert_eq!(fmt(home, &["--check", "."], "").0, 0);
}

#[test]
fn what_cannot_be_read_stays_and_the_rest_is_formatted() {
    let directory = folder(&[("broken.aqo", BROKEN), ("loose.aqo", LOOSE)]);
    let home = directory.path();
    let (code, _, err) = fmt(home, &["."], "");
    assert_eq!(code, 1);
    assert!(err.contains("error[E1") && err.contains("./broken.aqo:1:"), "{err}");
    assert_eq!(std::fs::read_to_string(home.join("broken.aqo")).unwrap(), BROKEN);
    assert_eq!(std::fs::read_to_string(home.join("loose.aqo")).unwrap(), NEAT);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let directory = folder(&[]);
    let home = directory.path();
    assert_eq!(fmt(home, &["-"], LOOSE), (0, NEAT.to_owned(), String::new()));
    assert_eq!(fmt(home, &["-", "--check"], NEAT), (0, String::new(), String::new()));
    let (code, out, _) = fmt(home, &["-", "--check"], LOOSE);
    assert_eq!((code, out.as_str()), (1, "standard input\n"));
    let (code, out, err) = fmt(home, &["-"], BROKEN);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("standard input:1:"), "{err}");
}

#[test]
fn wrong_use_exits_with_two() {
    let directory = folder(&[("empty/c.txt", ""), ("loose.aqo", LOOSE)]);
    let home = directory.path();
    std::fs::write(home.join("bytes.aqo"), [0xff, 0xfe]).unwrap();
    for arguments in [&[][..], &["absent.aqo"], &["empty"], &["bytes.aqo"], &["--wrong", "."]] {
        let (code, out, err) = fmt(home, arguments, "");
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.starts_with("error: "), "{err}");
    }
    let (code, _, err) = fmt(home, &["."], "");
    assert_eq!(code, 2, "{err}");
    assert_eq!(std::fs::read_to_string(home.join("loose.aqo")).unwrap(), NEAT);
}

#[cfg(unix)]
#[test]
fn links_and_permissions_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let directory = folder(&[("real/a.aqo", LOOSE), ("real/fixed.aqo", LOOSE)]);
    let home = directory.path();
    let mode = |name: &str, mode: u32| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(home.join(name), permissions).unwrap();
    };
    mode("real/a.aqo", 0o640);
    mode("real/fixed.aqo", 0o444);
    std::os::unix::fs::symlink("real/a.aqo", home.join("link.aqo")).unwrap();
    assert_eq!(fmt(home, &["link.aqo"], "").0, 0);
    assert!(home.join("link.aqo").is_symlink());
    assert_eq!(std::fs::read_to_string(home.join("real/a.aqo")).unwrap(), NEAT);
    let kept = std::fs::metadata(home.join("real/a.aqo")).unwrap().permissions().mode();
    assert_eq!(kept & 0o777, 0o640);
    let (code, _, err) = fmt(home, &["real/fixed.aqo"], "");
    assert_eq!(code, 2);
    assert!(err.contains("read-only"), "{err}");
}
