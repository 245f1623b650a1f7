//! Objects that live: four lineages that must be equal, stores that lose nothing, tampering that is
//! found. And `aqc fmt` as a process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so at once")]

mod absence;
mod config;
mod corpus;
mod forks;
mod formatting;
mod lineages;
mod private;
mod show;
mod signing;
mod stores;
mod world;
