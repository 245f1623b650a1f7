//! Shared helpers of the suites.

pub mod chance;
pub mod compiled;
pub mod corpus;
pub mod gaps;
pub mod meter;
pub mod models;
pub mod offers;
pub mod programs;
pub mod reader;
pub mod walked;
pub mod zeros;
