//! What every object builds on, as data: the modules of `std` and the WIT packages. Nothing here is
//! computed.

/// The modules of `std`: the name of each, and its text.
pub const MODULES: &[(&str, &str)] = &[
    ("std.access", include_str!("../std/access.aqo")),
    ("std.control", include_str!("../std/control.aqo")),
    ("std.limits", include_str!("../std/limits.aqo")),
    ("std.math", include_str!("../std/math.aqo")),
    ("std.stats", include_str!("../std/stats.aqo")),
    ("std.time", include_str!("../std/time.aqo")),
];

/// The WIT package `aqo:object@1.0.0`: the interface that every component of an object exports.
pub const LIFECYCLE_WIT: &str = include_str!("../wit/lifecycle.wit");

/// The full name of that interface.
pub const LIFECYCLE: &str = "aqo:object/lifecycle@1.0.0";
