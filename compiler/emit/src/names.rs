//! Names of the language into labels of WIT: `fail_safe` and `FailSafe` into `fail-safe`.
//!
//! Labels that WAVE reads as values get a word more. Two names of an object that are one label are
//! an error of its author, so nothing is made up to keep them apart. How words become labels is
//! known to the model.

use crate::component::EmitError;
use std::collections::BTreeMap;

/// Words that WAVE, the text form of values, keeps for itself.
const WAVE: [&str; 8] = ["true", "false", "some", "none", "ok", "err", "inf", "nan"];

/// Words of WIT itself, which a text marks with `%` where they are names.
const KEYWORDS: [&str; 43] = [
    "as",
    "async",
    "bool",
    "borrow",
    "char",
    "constructor",
    "enum",
    "error-context",
    "export",
    "f32",
    "f64",
    "flags",
    "from",
    "func",
    "future",
    "import",
    "include",
    "interface",
    "list",
    "map",
    "option",
    "own",
    "package",
    "record",
    "resource",
    "result",
    "s16",
    "s32",
    "s64",
    "s8",
    "static",
    "stream",
    "string",
    "tuple",
    "type",
    "u16",
    "u32",
    "u64",
    "u8",
    "use",
    "variant",
    "with",
    "world",
];

/// The label of a name.
pub(crate) fn label(name: &str) -> String {
    let label = aqo_model::label::label(name);
    if WAVE.contains(&label.as_str()) { format!("{label}-value") } else { label }
}

/// A label as WIT text writes it.
pub(crate) fn written(label: &str) -> String {
    if KEYWORDS.contains(&label) { format!("%{label}") } else { label.to_owned() }
}

/// A package as it is written in WIT text.
pub(crate) fn written_package(package: &str) -> String {
    package.split(':').map(written).collect::<Vec<_>>().join(":")
}

/// The package of a module: `a.b` is `a:b`, deeper modules join with hyphens, one alone is local.
pub(crate) fn package(module: &str) -> String {
    let labels: Vec<String> = module.split('.').map(label).collect();
    match &labels[..] {
        [only] => format!("local:{only}"),
        [first, rest @ ..] => format!("{first}:{}", rest.join("-")),
        [] => "local:object".to_owned(),
    }
}

/// Labels of one name space, each with the name that it came from.
#[derive(Default)]
pub(crate) struct Space(BTreeMap<String, String>);

impl Space {
    /// Takes a label for a name.
    pub(crate) fn take(&mut self, label: String, name: &str) -> Result<String, EmitError> {
        match self.0.insert(label.clone(), name.to_owned()) {
            None => Ok(label),
            Some(other) => Err(EmitError::Collision(other, name.to_owned())),
        }
    }

    /// Takes a label for a name, with a word more where it is taken.
    pub(crate) fn take_or(
        &mut self,
        label: String,
        name: &str,
        word: &str,
    ) -> Result<String, EmitError> {
        let label = if self.0.contains_key(&label) { format!("{label}-{word}") } else { label };
        self.take(label, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for (name, wanted) in [
            ("fail_safe", "fail-safe"),
            ("FailSafe", "fail-safe"),
            ("HTTPServer", "http-server"),
            ("x_2", "x2"),
            ("None", "none-value"),
            ("A1b", "a1b"),
        ] {
            assert_eq!(label(name), wanted);
        }
        assert_eq!(package("edge.thermostat"), "edge:thermostat");
        assert_eq!(package("one"), "local:one");
        assert_eq!(package("a.b_c.d"), "a:b-c-d");
    }
}
