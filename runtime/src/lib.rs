//! Artifacts to living objects: a store that loses nothing, a tick that is one atomic step, a
//! lineage that anyone can check.
//!
//! Everything is seen from one rule: an object is its image and its lineage; instances are only
//! engines that compute the next step. The path of a tick: [`host`] finds what is due and asks
//! providers, [`class`] computes and admits the step, [`store::log`] makes it durable, and only then
//! does anything leave.

pub mod class;
pub mod config;
pub mod door;
pub mod engine;
pub mod environment;
pub mod error;
pub mod host;
pub mod keys;
pub mod lineage;
pub mod present;
pub mod provider;
pub mod run;
pub mod sign;
pub mod store;
pub mod verify;
