//! The limits of a source text, so that every later stage may recurse over a tree and keep byte
//! positions in 32 bits.
//!
//! Knows nothing of the limits of the language itself (ranges, capacities, costs): they belong to
//! the model.

/// The longest text that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 4 << 20;

/// How deep a tree may be: open brackets, and operators whose operands have not ended, together.
pub const DEPTH_MAX: u32 = 128;

/// Of how many places that could not be read it is kept what would have fitted there; most of them
/// follow from others and are never told.
pub const EXPLAINED_MAX: usize = 10 * ERRORS_MAX;

/// How many errors of one text are reported; one more says that others were left out.
pub const ERRORS_MAX: usize = 200;
