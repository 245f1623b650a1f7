//! Model to component and back: what is emitted means what the reference interpreter says, carries
//! what the Model says, and is read back as what it was.

mod component;
mod core;
mod corpus;
mod cost;
mod coverage;
mod gaps;
mod lives;
mod quiet;
mod random;
mod read;
mod trust;
