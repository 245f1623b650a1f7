//! `--watch`: a change runs the command again. Each test ends the process that it started.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::helpers::{LAMP, aqc, call, directory};

/// A watching process, and the lines of both its outputs as they come.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(place: &Path, arguments: &[&str]) -> Watching {
        let mut child = Command::new(aqc())
            .current_dir(place)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let of_err = send.clone();
        std::thread::spawn(move || {
            BufReader::new(out)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| drop(send.send(line)));
        });
        std::thread::spawn(move || {
            let lines = BufReader::new(err).lines().map_while(Result::ok);
            lines.for_each(|line| drop(of_err.send(line)));
        });
        Watching { child, lines }
    }

    /// Waits until each of these has come, in any order; the rest is passed over.
    fn wait_for(&self, wanted: &[&str]) {
        let mut left = wanted.to_vec();
        let mut seen = Vec::new();
        while !left.is_empty() {
            let line = self.lines.recv_timeout(Duration::from_secs(20));
            let line = line.unwrap_or_else(|_| panic!("{left:?} did not come after {seen:?}"));
            if let Some(at) = left.iter().position(|wanted| line.contains(wanted)) {
                left.remove(at);
            }
            seen.push(line);
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_change_is_checked_again() {
    let place = directory(&[("lamp.aqo", LAMP)]);
    let watching = Watching::start(place.path(), &["check", ".", "--watch"]);
    watching.wait_for(&["Lamp: no errors, 1 warning", "watching ."]);
    let path = place.path().join("lamp.aqo");
    std::fs::write(&path, LAMP.replace("= to }", "= two }")).unwrap();
    watching.wait_for(&["error[E2001]", "error: 2 errors", "watching ."]);
    std::fs::write(&path, LAMP).unwrap();
    watching.wait_for(&["Lamp: no errors, 1 warning", "watching ."]);
    std::fs::write(place.path().join("aqo.toml"), "[lint]\ndeny = [\"W5001\"]\n").unwrap();
    watching.wait_for(&["error[W5001]", "watching ."]);
}

#[test]
fn a_change_is_tested_again() {
    let scenario = "scenario \"dark at first\" for Lamp { expect level == 0 }\n";
    let text = format!("{LAMP}\n{scenario}");
    let place = directory(&[("lamp.aqo", &text)]);
    let watching = Watching::start(place.path(), &["test", "lamp.aqo", "--watch"]);
    watching.wait_for(&["1 passed, 0 failed", "watching lamp.aqo"]);
    std::fs::write(place.path().join("lamp.aqo"), text.replace("level == 0", "level == 1"))
        .unwrap();
    watching.wait_for(&["0 passed, 1 failed", "error: 1 test failed", "watching lamp.aqo"]);
}

#[test]
fn what_is_not_there_is_not_watched() {
    let place = directory(&[]);
    let called = call(place.path(), &["check", "nowhere", "--watch"]);
    assert_eq!(called.code, 2);
    assert!(called.err.contains("nowhere"), "{}", called.err);
    assert_eq!(call(place.path(), &["check", ".", "--watch", "--fix"]).code, 2);
}
