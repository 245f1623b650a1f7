//! What a component carries about its object, section by section: the names, and the bytes of each.
//!
//! A section is one version byte and then its content:
//! ```text
//! aqo:descriptor  DAG-CBOR of Descriptor        aqo:schema  canonical schema
//! aqo:policy      canonical policy              aqo:source  DAG-CBOR of Source
//! aqo:proof       DAG-CBOR of the list of Verdict
//! ```
//! The descriptor names the digest of every other section. Where sections stand in a file, and that
//! each stands there once, is the business of whoever reads WebAssembly.

use crate::model::Model;
use crate::schema::Cycle;
use crate::value::Bytes32;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version byte of every section.
pub const SECTION_VERSION: u8 = 1;
/// Name of the section of the [`Descriptor`].
pub const DESCRIPTOR: &str = "aqo:descriptor";
/// Name of the section of the schema.
pub const SCHEMA: &str = "aqo:schema";
/// Name of the section of the policy.
pub const POLICY: &str = "aqo:policy";
/// Name of the section of the [`Source`].
pub const SOURCE: &str = "aqo:source";
/// Name of the section of the [`Verdict`]s.
pub const PROOF: &str = "aqo:proof";

/// What an artifact says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// The module.
    pub package: String,
    /// The object.
    pub object: String,
    /// Its version.
    pub version: u32,
    /// The version of the Model.
    pub model: u16,
    /// The version of the lowering.
    pub emit: u16,
    /// The identity of schema and policy, which is also what a birth names as its predecessor.
    pub class: Bytes32,
    /// The digest of the schema's section.
    pub schema: Bytes32,
    /// The digest of the policy's section.
    pub policy: Bytes32,
    /// The digest of the source's section.
    pub source: Option<Bytes32>,
    /// The digest of the section of proofs.
    pub proof: Bytes32,
    /// The digest of the inner core module.
    pub core: Bytes32,
    /// The capabilities that the object asks for.
    pub capabilities: Vec<String>,
    /// When it acts by itself.
    pub cycles: Vec<Cycle>,
    /// Bytes of an image, of an offer, and the most of an entry's body.
    pub sizes: Sizes,
    /// The most core instructions of a step, one for each kind of offer.
    pub costs: Vec<StepCost>,
    /// Doc comments by path: `field setpoint`.
    pub docs: Vec<(String, String)>,
}

/// What a step costs at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCost {
    /// The kind of offer: `tick`, `message adjust`, `consent`, `bind`, `birth`.
    pub offer: String,
    /// Core instructions that are executed.
    pub most: u64,
}

/// How large things are, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// An image.
    pub image: u32,
    /// An offer.
    pub offer: u32,
    /// The longest body of an entry.
    pub entry: u32,
}

/// The source, or its digest alone: the object's module, then those of the project that it uses, each
/// after an empty line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// BLAKE3 of the text.
    pub digest: Bytes32,
    /// The text, unless it was stripped.
    pub text: Option<String>,
}

/// What is known of one clause or claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// `rule fail_safe assured`, `flow mode`.
    pub claim: String,
    /// Proved when it was compiled; otherwise checked whenever it matters.
    pub proved: bool,
}

/// The digest of a section: of its version byte and content.
pub fn section_digest(section: &[u8]) -> Bytes32 {
    Bytes32(blake3::derive_key("aqo section 1", section))
}

/// The digest of an inner core module.
pub fn core_digest(module: &[u8]) -> Bytes32 {
    Bytes32(blake3::derive_key("aqo core 1", module))
}

/// Why bytes are not a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionError {
    /// A version that this program does not know; `None` where there is no byte at all.
    Version(Option<u8>),
    /// Not DAG-CBOR of the expected form, or not its canonical encoding.
    Malformed(String),
}

/// The content of a section after its version byte.
pub fn content(section: &[u8]) -> Result<&[u8], SectionError> {
    match section.split_first() {
        Some((&SECTION_VERSION, content)) => Ok(content),
        other => Err(SectionError::Version(other.map(|(version, _)| *version))),
    }
}

/// Reads a section of DAG-CBOR; accepts exactly what [`encode`] gives.
pub fn decode<T: Serialize + DeserializeOwned>(section: &[u8]) -> Result<T, SectionError> {
    let decoded: T = serde_ipld_dagcbor::from_slice(content(section)?)
        .map_err(|error| SectionError::Malformed(error.to_string()))?;
    if encode(&decoded) == section {
        Ok(decoded)
    } else {
        Err(SectionError::Malformed("it is not in canonical form".to_owned()))
    }
}

/// The bytes of a section of DAG-CBOR.
pub fn encode<T: Serialize>(content: &T) -> Vec<u8> {
    let content = serde_ipld_dagcbor::to_vec(content).expect("plain data has an encoding");
    with_version(content)
}

/// The bytes of a section with this content.
pub fn with_version(content: Vec<u8>) -> Vec<u8> {
    let mut section = vec![SECTION_VERSION];
    section.extend(content);
    section
}

/// What is known of each claim of a Model.
pub fn verdicts(model: &Model) -> Vec<Verdict> {
    let policy = &model.policy;
    let assured = policy.rules.iter().filter(|rule| rule.assured);
    let assured =
        assured.map(|rule| Verdict { claim: format!("rule {} assured", rule.name), proved: true });
    let flows = policy.flows.iter().map(|flow| Verdict {
        claim: format!("flow {}", model.schema.fields[usize::from(flow.field)].name),
        proved: false,
    });
    let always = policy.always.iter().map(|clause| Verdict {
        claim: format!("always {}", policy.reason_name(crate::policy::Reason(clause.reason))),
        proved: false,
    });
    assured.chain(flows).chain(always).collect()
}
