//! What every object builds on, as data: the WIT packages. Nothing here is computed.

/// The WIT package `aqo:object@1.0.0`: the interface that every component of an object exports.
pub const LIFECYCLE_WIT: &str = include_str!("../wit/lifecycle.wit");

/// The full name of that interface.
pub const LIFECYCLE: &str = "aqo:object/lifecycle@1.0.0";
