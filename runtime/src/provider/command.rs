//! A provider that is a child process: one line of JSON out, one line in.
//!
//! ```text
//! {"read":["room"],"now":1798761600000000}              -> {"room":"18.00","at":1798761600000000}
//! {"read":["heat"],"now":1798761600000000}              -> {"heat":{"value":"21.00","at":1798761600000000,
//!                                                             "key":"…","epoch":0,"signature":"…"}}
//! {"event":"heater","id":"…","args":{"on":true}}         -> {"ack":"…"}
//! ```
//! The second answer is of a signed input: the line that `aqr sign` prints, passed on as it is.
//! The child finds the store's directory in the variable `AQO_STORE`; what it wants to remember it
//! may keep there. No answer within a second is none. A child that has ended is started again at the next question,
//! at most once a second.

use super::{Outgoing, Provider, Reading, SignedWord};
use crate::keys::bytes64;
use aqo_model::value::Bytes32;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(1);

/// A child process that answers in lines.
pub struct Command {
    words: Vec<String>,
    directory: PathBuf,
    store: PathBuf,
    running: Option<Running>,
    tried: Option<Instant>,
    fault: Option<String>,
}

struct Running {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Command {
    /// A command of these words, to be run in a directory for a store.
    pub fn new(words: Vec<String>, directory: PathBuf, store: PathBuf) -> Command {
        Command { words, directory, store, running: None, tried: None, fault: None }
    }

    fn start(&mut self) -> Option<&mut Running> {
        if self.running.is_none() {
            let now = machine_instant();
            if self.tried.is_some_and(|tried| now.duration_since(tried) < PATIENCE) {
                return None;
            }
            self.tried = Some(now);
            match spawn(&self.words, &self.directory, &self.store) {
                Ok(running) => self.running = Some(running),
                Err(error) => {
                    self.fault = Some(format!("`{}` does not start: {error}", self.words.join(" ")))
                }
            }
        }
        self.running.as_mut()
    }

    /// Asks one question. A child that does not answer in time is ended: its late answer would be
    /// taken for the answer to the next question.
    fn ask(&mut self, question: &Value) -> Option<Value> {
        let running = self.start()?;
        let line = format!("{question}\n");
        let asked = running.input.write_all(line.as_bytes()).and_then(|()| running.input.flush());
        let answer = asked.ok().and_then(|()| running.lines.recv_timeout(PATIENCE).ok());
        let Some(answer) = answer else {
            self.end();
            self.fault = Some(format!("`{}` gave no answer within a second", self.words.join(" ")));
            return None;
        };
        let parsed = serde_json::from_str(&answer).ok();
        if parsed.is_none() {
            self.fault =
                Some(format!("`{}` answered what is no JSON: {answer}", self.words.join(" ")));
        }
        parsed
    }

    fn end(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.input);
            // It has been told by the end of its input; killing what has ended already is no error.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how often a child is started is no part of any step"
)]
fn machine_instant() -> Instant {
    Instant::now()
}

/// Keeps a terminal's Ctrl-C from the child: it would fall silent before the objects stop, and they
/// would act on its silence.
#[cfg(unix)]
fn apart(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn apart(_command: &mut std::process::Command) {}

fn spawn(words: &[String], directory: &Path, store: &Path) -> std::io::Result<Running> {
    let nothing = || std::io::Error::other("the command has no words");
    let (program, args) = words.split_first().ok_or_else(nothing)?;
    // A path is meant from the configuration's directory, a bare word from the search path.
    let program = if program.contains('/') { directory.join(program) } else { program.into() };
    let mut command = std::process::Command::new(program);
    command
        .args(args)
        .current_dir(directory)
        .env("AQO_STORE", store)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    apart(&mut command);
    let mut child = command.spawn()?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let (input, output) = pipes.ok_or_else(|| std::io::Error::other("the child has no pipes"))?;
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok(Running { child, input, lines })
}

/// A reading from its JSON: a value alone, or a signed one with all that proves it.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn reading(answer: &Value, at: i64) -> Result<Option<Reading>, String> {
    let Some(signature) = answer.get("signature") else {
        return Ok(text(answer).map(|text| Reading { text, at, word: None }));
    };
    let lacks = |part: &str| format!("what is signed but has no proper `{part}`");
    let key = answer.get("key").and_then(Value::as_str).and_then(Bytes32::from_hex);
    let epoch = answer.get("epoch").and_then(Value::as_u64).and_then(|epoch| epoch.try_into().ok());
    let word = SignedWord {
        key: key.ok_or_else(|| lacks("key"))?,
        epoch: epoch.ok_or_else(|| lacks("epoch"))?,
        signature: signature.as_str().and_then(bytes64).ok_or_else(|| lacks("signature"))?,
    };
    let text = answer.get("value").and_then(text).ok_or_else(|| lacks("value"))?;
    let at = answer.get("at").and_then(Value::as_i64).ok_or_else(|| lacks("at"))?;
    return Ok(Some(Reading { text, at, word: Some(word) }));

    fn text(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }
}

impl Provider for Command {
    fn read(&mut self, names: &[&str], now: i64) -> BTreeMap<String, Reading> {
        let Some(answer) = self.ask(&json!({ "read": names, "now": now })) else {
            return BTreeMap::new();
        };
        let at = answer.get("at").and_then(Value::as_i64).unwrap_or(now);
        let mut readings = BTreeMap::new();
        for name in names {
            match answer.get(*name).map(|value| reading(value, at)) {
                None | Some(Ok(None)) => {}
                Some(Ok(Some(reading))) => {
                    readings.insert((*name).to_owned(), reading);
                }
                Some(Err(what)) => {
                    let words = self.words.join(" ");
                    self.fault = Some(format!("`{words}` answered for `{name}` {what}"));
                }
            }
        }
        readings
    }

    fn deliver(&mut self, event: &Outgoing) -> bool {
        let args: serde_json::Map<String, Value> = event.args.iter().cloned().collect();
        let id = event.id.to_string();
        let answer = self.ask(&json!({ "event": event.name, "id": id, "args": args }));
        answer.is_some_and(|answer| answer.get("ack").and_then(Value::as_str) == Some(&id))
    }

    fn fault(&mut self) -> Option<String> {
        self.fault.take()
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        self.end();
    }
}
