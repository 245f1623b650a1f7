//! A whole entry: what a store keeps of it, and what of that is chained.

use super::digest::object_id;
use super::{Cause, Entry, chain, state_digest};
use crate::cbor::Writer;
use crate::layout::Layout;
use crate::model::Model;
use crate::value::Bytes32;

/// What makes the commitments of one entry: 32 bytes that its host draws, and nobody can guess.
pub type Salt = Bytes32;

/// Bytes of a digest or a salt as canonical CBOR.
const STRING: usize = 34;

/// A whole entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// What a store keeps.
    pub bytes: Vec<u8>,
    /// The digest of what is chained.
    pub head: Bytes32,
}

impl Entry {
    /// Whether it holds private values, and so is kept with a salt.
    pub fn hides(&self, model: &Model) -> bool {
        let schema = &model.schema;
        let told = match &self.cause {
            Cause::Message { kind, .. } => !schema.messages[usize::from(*kind)].private.is_empty(),
            Cause::Birth { .. }
            | Cause::Tick(_)
            | Cause::Bind(_)
            | Cause::Consent(_)
            | Cause::Fork(_) => false,
        };
        told || self.inputs.iter().any(|read| schema.inputs[usize::from(read.input)].private)
            || self.changes.iter().any(|change| schema.fields[usize::from(change.field)].private)
    }

    /// The whole entry, from its body and the bytes of the state after it. The salt is looked at only
    /// where the entry holds private values.
    pub fn whole(
        &self,
        (model, layout): (&Model, &Layout),
        previous: &Bytes32,
        body: &[u8],
        state: &[u8],
        salt: &Salt,
    ) -> Whole {
        let mut w = Writer { bytes: body.to_vec() };
        if self.names_state() {
            w.bytes(&state_digest(layout, state).0);
        }
        if self.hides(model) {
            w.bytes(&salt.0);
        }
        let head = self.head(model, previous, &w.bytes, body.len());
        Whole { bytes: w.bytes, head }
    }

    /// Its digest, from what a store keeps of it, of which so many bytes are its body.
    pub fn head(&self, model: &Model, previous: &Bytes32, kept: &[u8], body: usize) -> Bytes32 {
        let Some(salt) = self.salt(model, kept) else { return chain(previous, kept) };
        let mut closed = self.close(model, &salt);
        closed.extend(kept.get(body..kept.len() - STRING).unwrap_or_default());
        chain(previous, &closed)
    }

    /// The id of the object whose birth this is, from what a store keeps of it.
    pub fn object_id(&self, model: &Model, kept: &[u8]) -> Bytes32 {
        let salt = self.salt(model, kept).unwrap_or(Salt::ZERO);
        object_id(&self.close(model, &salt))
    }

    /// The salt with which a store keeps it; none where it holds nothing private, or where the bytes
    /// do not end in one.
    pub fn salt(&self, model: &Model, kept: &[u8]) -> Option<Salt> {
        let (_, last) = kept.split_at_checked(kept.len().checked_sub(STRING)?)?;
        let salt = last.strip_prefix(&[0x58, 0x20]).filter(|_| self.hides(model))?;
        salt.try_into().ok().map(Bytes32)
    }
}
