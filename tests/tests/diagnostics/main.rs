//! Sources to diagnostics: the page of each code, rendered fixtures, damaged texts, and what an
//! edit makes the database do again.
//!
//! `fixtures/diagnostics/*.aqo` give the text of their `*.txt`, and some the lines of their
//! `*.jsonl`; `BLESS=1` rewrites both. Knows the compiler's queries alone, no runtime.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on shall stop where it stands; `BLESS` rewrites fixtures"
)]

mod above;
mod corpus;
mod damage;
mod edits;
mod facts;
mod locks;
mod modules;
mod pages;
mod rendered;

mod helpers;
