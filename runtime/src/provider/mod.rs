//! Providers: where inputs come from and where events go. They are bound by name in the host's
//! configuration and have no way to touch an object's state.

mod command;

pub use command::Command;

use aqo_model::value::Bytes32;
use std::collections::BTreeMap;

/// What a provider knows of an input: the text form of a value, and when it was so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// `18.00`
    pub text: String,
    /// Microseconds since 1970.
    pub at: i64,
    /// What proves whose word it is, where the provider passes on what somebody signed.
    pub word: Option<SignedWord>,
}

/// What proves whose word a reading is; nobody has checked it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedWord {
    /// The public key.
    pub key: Bytes32,
    /// The epoch of the role that its holder knows.
    pub epoch: u32,
    /// Ed25519.
    pub signature: [u8; 64],
}

/// An event on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The same at every attempt, so that a receiver can drop repeats.
    pub id: Bytes32,
    /// `heater`
    pub name: String,
    /// Arguments in text form.
    pub args: Vec<(String, serde_json::Value)>,
    /// When it was said.
    pub at: i64,
    /// Withdrawn when older.
    pub expires: Option<i64>,
}

/// A source of inputs and a sink of events.
pub trait Provider: Send {
    /// What it knows of these inputs at `now`; what it does not know is left out.
    fn read(&mut self, names: &[&str], now: i64) -> BTreeMap<String, Reading>;
    /// Hands an event over. Whether it was taken.
    fn deliver(&mut self, event: &Outgoing) -> bool;
    /// What has gone wrong since this was asked last.
    fn fault(&mut self) -> Option<String>;
}
