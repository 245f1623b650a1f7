//! Every limit of an object, in one place. Past a limit: an error that names it with its number.

/// Fields, roles, inputs, messages, events, rules, derives, functions, enums, records of one object,
/// each.
pub const DECLARATIONS: usize = 256;
/// Inputs of one object. A set of them is one 64-bit word.
pub const INPUTS: usize = 64;
/// Cycles of one object.
pub const CYCLES: usize = 16;
/// Guards of an object with a `cycle on time` that an entry may turn true. A set of them is one 64-bit word.
pub const CONDITIONS: usize = 64;
/// Variants of one enum. A set of variants is one 64-bit word.
pub const VARIANTS: usize = 64;
/// The highest stable number. With [`Reason::FIRST_OWN`](crate::policy::Reason::FIRST_OWN) it leaves
/// the two marks of a verdict free.
pub const NUMBER: u16 = 16_000;
/// Parameters of one message or event.
pub const PARAMETERS: usize = 32;
/// Capabilities that the events of one object may name. A set of them is one 64-bit word.
pub const CAPABILITIES: usize = 64;
/// Bytes of a `text<N>`.
pub const TEXT_BYTES: usize = 4_096;
/// Bytes of a `bytes<N>`.
pub const BYTES: usize = 4_096;
/// Items of a collection.
pub const ITEMS: usize = 4_096;
/// Parts of one type, those of what it holds included.
pub const TYPE_PARTS: usize = 1_024;
/// Digits after the point of a decimal.
pub const SCALE: u8 = 12;
/// Stamps that one `limit` keeps.
pub const LIMIT_COUNT: u16 = 64;
/// Keys of one role.
pub const KEYS: u16 = 64;
/// Keys that may consent to what one rule would do.
pub const VOTERS: usize = 64;
/// Messages of one kind that may wait.
pub const WAITING: usize = 8;
/// Messages of one kind that may wait, of one of those who share a role.
pub const WAITING_OF_ONE: usize = WAITING / 2;
/// Levels of an expression tree or of nested statements.
pub const DEPTH: usize = 128;
/// Nodes of all expression trees of one object.
pub const NODES: usize = 100_000;
/// Nodes that one step may evaluate, each walk through a collection taken in full.
pub const WORK: usize = 100_000_000;
/// Bytes of an image.
pub const IMAGE_BYTES: usize = 1 << 20;
/// Bytes of the canonical schema and of the canonical policy, each.
pub const SECTION_BYTES: usize = 4 << 20;
/// Bytes of an entry's body.
pub const ENTRY_BYTES: usize = 1 << 20;
/// Bytes of a component.
pub const ARTIFACT_BYTES: usize = 32 << 20;
/// Bytes of a name.
pub const NAME_BYTES: usize = 64;
/// How long ahead a signed message may be valid, in microseconds: 7 days.
pub const NOT_AFTER: i64 = 7 * 86_400_000_000;
/// How long ahead a message of an open role may be valid, in microseconds: 10 min.
pub const OPEN_NOT_AFTER: i64 = 600_000_000;
/// How far ahead of an object's time a signed reading may lie, in microseconds: 10 min.
pub const READING_AHEAD: i64 = 600_000_000;
/// Keys of an open role whose messages are still valid.
pub const OPEN_KEYS: u16 = 16;
/// Missed ticks that a cycle may catch up one by one.
pub const CATCH_UP: u16 = 64;
/// The shortest period of a cycle, in microseconds.
pub const PERIOD_MIN: i64 = 1_000;
