//! What a project and its caller make of warnings: named levels to a level for each code.
//!
//! Invariant: an error is an error at every level; only warnings are allowed or denied. What is said
//! later counts: a group after a code covers the code, the command line after `aqo.toml` covers
//! that. Knows no file and no command line: whoever reads them says where a word stood.

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Severity, closest};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The group of all warnings.
pub const GROUP: &str = "warnings";

/// What becomes of a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// It is counted and not shown.
    Allow,
    /// It is shown.
    #[default]
    Warn,
    /// It counts as an error.
    Deny,
}

/// The level of each warning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    all: Level,
    of: BTreeMap<Code, Level>,
}

/// `[lint]` of `aqo.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lint {
    /// Warnings that are meant, each with its reason.
    #[serde(default)]
    pub allow: Vec<Allowed>,
    /// Warnings that are errors here.
    #[serde(default)]
    pub deny: Vec<String>,
}

/// A warning that is meant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// `W5003`, or `warnings`.
    pub code: String,
    /// Why it is meant.
    pub reason: Option<String>,
}

/// Diagnostics after their levels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// What is shown, in text order; a denied warning is an error.
    pub shown: Vec<Diagnostic>,
    /// How many warnings were allowed.
    pub allowed: usize,
}

impl Levels {
    /// Gives the warning with this id, or all of the group, a level. The error says what is wrong
    /// with the word.
    pub fn set(&mut self, word: &str, level: Level) -> Result<(), String> {
        if word == GROUP {
            self.all = level;
            self.of.clear();
            return Ok(());
        }
        let Some(code) = Code::named(word) else { return Err(unknown(word)) };
        if code.is_warning() {
            self.of.insert(code, level);
            return Ok(());
        }
        match level {
            Level::Deny => Ok(()),
            Level::Allow => Err(format!("{} is an error and cannot be allowed", code.id())),
            Level::Warn => Err(format!("{} is an error and cannot be a warning", code.id())),
        }
    }

    /// Takes in `[lint]`: what is denied, then what is allowed. The error names the key.
    pub fn lint(&mut self, lint: &Lint) -> Result<(), String> {
        for (index, word) in lint.deny.iter().enumerate() {
            self.set(word, Level::Deny).map_err(|what| format!("[lint] deny[{index}]: {what}"))?;
        }
        for (index, allowed) in lint.allow.iter().enumerate() {
            let key = format!("[lint] allow[{index}]");
            if allowed.reason.as_ref().is_none_or(|reason| reason.trim().is_empty()) {
                let code = &allowed.code;
                return Err(format!("{key}: say why {code} is allowed: reason = \"…\""));
            }
            self.set(&allowed.code, Level::Allow).map_err(|what| format!("{key}: {what}"))?;
        }
        Ok(())
    }

    /// The level of a code.
    pub fn of(&self, code: Code) -> Level {
        match code.is_warning() {
            true => self.of.get(&code).copied().unwrap_or(self.all),
            false => Level::Deny,
        }
    }

    /// Diagnostics at their levels.
    pub fn judge(&self, diagnostics: Vec<Diagnostic>) -> Judged {
        let mut judged = Judged::default();
        for mut diagnostic in diagnostics {
            match self.of(diagnostic.code) {
                Level::Allow => judged.allowed += 1,
                Level::Warn => judged.shown.push(diagnostic),
                Level::Deny => {
                    diagnostic.severity = Severity::Error;
                    judged.shown.push(diagnostic);
                }
            }
        }
        judged
    }
}

fn unknown(word: &str) -> String {
    let upper = word.to_ascii_uppercase();
    let known = Code::all().map(Code::id);
    // Codes are so short that one wrong digit is much; the nearest is of the same phase.
    let near = closest(&upper, known.chain([GROUP]))
        .or_else(|| closest(&word.to_ascii_lowercase(), [GROUP].into_iter()));
    match near {
        Some(near) => format!("no code is called `{word}`: did you mean `{near}`?"),
        None => format!("no code is called `{word}`; codes look like W5001, and `{GROUP}` are all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_last_counts() {
        let mut levels = Levels::default();
        levels.set("W5001", Level::Allow).unwrap();
        levels.set("w5002", Level::Deny).unwrap();
        assert_eq!(levels.of(Code::OpenMessage), Level::Allow);
        assert_eq!(levels.of(Code::Restless), Level::Deny);
        assert_eq!(levels.of(Code::NeedlessElse), Level::Warn);
        levels.set(GROUP, Level::Deny).unwrap();
        assert_eq!(levels.of(Code::OpenMessage), Level::Deny);
        levels.set("W5001", Level::Warn).unwrap();
        assert_eq!(levels.of(Code::OpenMessage), Level::Warn);
        assert_eq!(levels.of(Code::NeedlessElse), Level::Deny);
    }

    #[test]
    fn an_error_stays_an_error() {
        let mut levels = Levels::default();
        let allowed = levels.set("E3002", Level::Allow).unwrap_err();
        assert!(allowed.contains("E3002 is an error and cannot be allowed"), "{allowed}");
        levels.set("E3002", Level::Warn).unwrap_err();
        levels.set("E3002", Level::Deny).unwrap();
        levels.set(GROUP, Level::Allow).unwrap();
        assert_eq!(levels.of(Code::OutOfRange), Level::Deny);
    }

    #[test]
    fn an_unknown_code_gives_the_nearest() {
        let mut levels = Levels::default();
        let near = levels.set("W5091", Level::Deny).unwrap_err();
        assert!(near.contains("did you mean `W5001`?"), "{near}");
        let group = levels.set("warning", Level::Deny).unwrap_err();
        assert!(group.contains("did you mean `warnings`?"), "{group}");
        let far = levels.set("style", Level::Deny).unwrap_err();
        assert!(far.contains("no code is called `style`"), "{far}");
    }

    #[test]
    fn the_manifest_gives_reasons() {
        let allowed = |code: &str, reason: Option<&str>| Lint {
            allow: vec![Allowed { code: code.to_owned(), reason: reason.map(str::to_owned) }],
            deny: Vec::new(),
        };
        let mut levels = Levels::default();
        levels.lint(&allowed("W5001", Some("a lamp that ignores is a lamp"))).unwrap();
        assert_eq!(levels.of(Code::OpenMessage), Level::Allow);
        for (lint, wanted) in [
            (allowed("W5001", None), "[lint] allow[0]: say why W5001"),
            (allowed("W5001", Some(" ")), "[lint] allow[0]: say why W5001"),
            (allowed("E3002", Some("no")), "[lint] allow[0]: E3002 is an error"),
            (allowed("W9999", Some("no")), "[lint] allow[0]: no code is called `W9999`"),
        ] {
            let error = Levels::default().lint(&lint).unwrap_err();
            assert!(error.starts_with(wanted), "{error}");
        }
    }
}
