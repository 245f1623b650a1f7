//! Routines that know no Model: numbers, bytes, CBOR, trust, replay. Each is the compiled twin of a
//! function of `aqo-model`, which its comment names and with which it must agree.

pub(crate) mod bytes;
pub(crate) mod calendar;
pub(crate) mod cbor;
pub(crate) mod number;
pub(crate) mod slope;
pub(crate) mod trust;
pub(crate) mod utf8;
pub(crate) mod wide;
pub(crate) mod window;
