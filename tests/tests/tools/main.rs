//! The binary `aqc` as people and machines call it: flags and files to what is printed, what is
//! written, and the exit code.
//!
//! Each test works in a directory of its own. Golden files lie in `fixtures/tools`; `BLESS=1`
//! rewrites them. Knows the compiler's library only to hold what was printed against it.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on shall stop where it stands"
)]

mod begin;
mod book;
mod costs;
mod documents;
mod fixes;
mod levels;
mod locks;
mod projects;
mod properties;
mod reads;
mod sarif;
mod scenarios;
mod stdlib;
mod watching;

mod helpers;
mod html;
