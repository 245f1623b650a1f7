//! The host's configuration, `host.toml`: which provider answers which input and takes which events.
//!
//! ```toml
//! [providers.room]
//! command = ["./room.sh"]
//! [inputs]
//! room = "room"            # or, for one object alone: "thermostat.room" = "room"
//! [events]
//! relay = "room"           # the capability after `via`
//! [capabilities]
//! relay = true             # false takes the capability away although it is bound
//! [limits]
//! step_instructions = 50_000_000   # what may cost more is not taken in
//! ```

use crate::error::{Error, Result};
use crate::provider::{Command, Provider};
use aqo_model::schema::Schema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a host has bound.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostConfig {
    /// Providers by name.
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Inputs by name, qualified or not, to providers.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// Capabilities by name, qualified or not, to providers.
    #[serde(default)]
    pub events: BTreeMap<String, String>,
    /// Capabilities that are taken away.
    #[serde(default)]
    pub capabilities: BTreeMap<String, bool>,
    /// What this host affords.
    #[serde(default)]
    pub limits: Limits,
    /// The directory in which commands run.
    #[serde(skip)]
    pub directory: PathBuf,
}

/// `[limits]`: what a host affords.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most core instructions of one step.
    pub step_instructions: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { step_instructions: 50_000_000 }
    }
}

/// How to reach a provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// The words of a command.
    pub command: Vec<String>,
}

impl HostConfig {
    /// Reads a configuration.
    pub fn read(path: &Path) -> Result<HostConfig> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, &e))?;
        let mut config: HostConfig = toml::from_str(&text)
            .map_err(|e| Error::usage(format!("{} cannot be read: {e}", path.display())))?;
        let whole = path.canonicalize().map_err(|e| Error::io("find", path, &e))?;
        config.directory = whole.parent().map_or_else(PathBuf::new, Path::to_owned);
        for provider in config.inputs.values().chain(config.events.values()) {
            if !config.providers.contains_key(provider) {
                let text = format!("{}: no provider is called `{provider}`", path.display());
                return Err(Error::usage(text)
                    .help(format!("add `[providers.{provider}]` with its `command`")));
            }
        }
        Ok(config)
    }

    /// The provider of an object's input.
    pub fn input(&self, object: &str, input: &str) -> Option<&str> {
        bound(&self.inputs, object, input).map(String::as_str)
    }

    /// The provider that carries out a capability for an object.
    pub fn capability(&self, object: &str, capability: &str) -> Option<&str> {
        let provider = bound(&self.events, object, capability)?;
        let given = bound(&self.capabilities, object, capability).copied().unwrap_or(true);
        given.then_some(provider.as_str())
    }

    /// What is bound, or given or taken away, that none of these objects has: an object is its name and
    /// its schema.
    pub fn idle(&self, objects: &[(&str, &Schema)]) -> Vec<String> {
        let input = |schema: &Schema, name: &str| schema.inputs.iter().any(|i| i.name == name);
        let capability =
            |schema: &Schema, name: &str| schema.capabilities.iter().any(|known| known == name);
        let is_meant = |key: &str, has: &dyn Fn(&Schema, &str) -> bool| {
            objects.iter().any(|(object, schema)| {
                let own = key.strip_prefix(object).and_then(|rest| rest.strip_prefix('.'));
                has(schema, key) || own.is_some_and(|name| has(schema, name))
            })
        };
        let inputs = self.inputs.keys().filter(|key| !is_meant(key, &input));
        let events = self.events.keys().filter(|key| !is_meant(key, &capability));
        let given = self.capabilities.keys().filter(|key| !is_meant(key, &capability));
        let inputs =
            inputs.map(|key| format!("`[inputs]` names `{key}`, which no object here reads"));
        let events =
            events.map(|key| format!("`[events]` names `{key}`, which no event here goes via"));
        let given = given
            .map(|key| format!("`[capabilities]` names `{key}`, which no event here goes via"));
        inputs.chain(events).chain(given).collect()
    }

    /// Makes the providers, for a store.
    pub fn providers(&self, store: &Path) -> BTreeMap<String, Box<dyn Provider>> {
        let make = |config: &ProviderConfig| -> Box<dyn Provider> {
            Box::new(Command::new(config.command.clone(), self.directory.clone(), store.to_owned()))
        };
        self.providers.iter().map(|(name, config)| (name.clone(), make(config))).collect()
    }
}

fn bound<'m, T>(map: &'m BTreeMap<String, T>, object: &str, name: &str) -> Option<&'m T> {
    map.get(&format!("{object}.{name}")).or_else(|| map.get(name))
}
