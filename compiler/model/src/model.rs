//! The Model: one definition of what an object is, with its canonical bytes and its identity.
//!
//! Canonical bytes are DAG-CBOR (deterministic CBOR with text keys). Decoding accepts exactly the
//! bytes that encoding gives, and ends in [`verify`](crate::verify): a decoded Model is safe to run
//! and to lower.

use crate::expr::Expr;
use crate::limits;
use crate::policy::{Measure, Policy};
use crate::schema::Schema;
use crate::value::Bytes32;
use crate::verify::{self, Flaw};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of schema, policy and expression bytes, and of the meaning that they have.
pub const MODEL_VERSION: u16 = 1;

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// What it holds, hears and says.
    pub schema: Schema,
    /// What may happen to it.
    pub policy: Policy,
}

/// Why bytes are not a Model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// More bytes than [`limits::SECTION_BYTES`].
    TooLong(&'static str),
    /// Not DAG-CBOR of the expected form; the text says what and where.
    Malformed(&'static str, String),
    /// Another encoding than the canonical one.
    NotCanonical(&'static str),
    /// A version of the Model that this program does not know.
    Version(u16),
    /// Well-formed, but no Model that could be run safely.
    Flawed(Flaw),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DecodeError::TooLong(part) => {
                write!(f, "the {part} is longer than {} bytes", limits::SECTION_BYTES)
            }
            DecodeError::Malformed(part, what) => write!(f, "the {part} is malformed: {what}"),
            DecodeError::NotCanonical(part) => write!(f, "the {part} is not in canonical form"),
            DecodeError::Version(found) => {
                write!(f, "Model version {found} is not known; this program knows {MODEL_VERSION}")
            }
            DecodeError::Flawed(flaw) => flaw.fmt(f),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Model {
    /// The canonical bytes of the schema.
    pub fn schema_bytes(&self) -> Vec<u8> {
        encode(&self.schema)
    }

    /// The canonical bytes of the policy.
    pub fn policy_bytes(&self) -> Vec<u8> {
        encode(&self.policy)
    }

    /// Reads a Model back and verifies it.
    pub fn decode(schema: &[u8], policy: &[u8]) -> Result<Model, DecodeError> {
        let model = Model { schema: decode("schema", schema)?, policy: decode("policy", policy)? };
        if model.schema.model != MODEL_VERSION {
            return Err(DecodeError::Version(model.schema.model));
        }
        verify::verify(&model).map_err(DecodeError::Flawed)?;
        Ok(model)
    }

    /// The identity of the object's class: schema and policy, and nothing else.
    pub fn class(&self) -> Bytes32 {
        let mut hasher = blake3::Hasher::new_derive_key("aqo class 1");
        for part in [self.schema_bytes(), self.policy_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(&part);
        }
        Bytes32(*hasher.finalize().as_bytes())
    }

    /// Whether a rule, a derive, a prediction or a pause reads this of trust.
    pub fn reads(&self, measure: Measure) -> bool {
        let policy = &self.policy;
        let mut found = policy.rules.iter().flat_map(|rule| &rule.needs).any(|n| n.of == measure);
        let mut see = |expr: &Expr| {
            expr.walk(&mut |expr| found |= *expr == Expr::Trust(measure));
        };
        policy.rules.iter().flat_map(|rule| &rule.when).for_each(&mut see);
        policy.rules.iter().flat_map(|rule| &rule.body).for_each(|stmt| {
            stmt.walk(&mut |stmt| stmt.exprs().into_iter().for_each(&mut see));
        });
        policy.predictions.iter().for_each(|prediction| see(&prediction.holds));
        policy.dormant.iter().chain(&policy.ends).for_each(|pause| see(&pause.holds));
        self.schema.derives.iter().for_each(|derive| see(&derive.value));
        found
    }

    /// The WIT package and interface that name the object: `edge:thermostat`, `thermostat`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema.package, self.schema.object)
    }
}

fn encode<T: Serialize>(part: &T) -> Vec<u8> {
    serde_ipld_dagcbor::to_vec(part).expect("a Model holds only integers, text, bytes and lists")
}

/// Decodes one part and refuses every encoding but the canonical one.
fn decode<T: Serialize + DeserializeOwned>(
    name: &'static str,
    bytes: &[u8],
) -> Result<T, DecodeError> {
    if bytes.len() > limits::SECTION_BYTES {
        return Err(DecodeError::TooLong(name));
    }
    let part: T = serde_ipld_dagcbor::from_slice(bytes)
        .map_err(|error| DecodeError::Malformed(name, error.to_string()))?;
    if encode(&part) == bytes { Ok(part) } else { Err(DecodeError::NotCanonical(name)) }
}
