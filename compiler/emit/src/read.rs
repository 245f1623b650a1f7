//! A component back into the object that it carries.
//!
//! Sections count only where they stand at the outermost level, once. Everything that a descriptor
//! says is held to what the sections say, and the code to what the Model lowers to. Knows no file,
//! and runs nothing. Any bytes are answered: nothing here takes them for granted.

use crate::EMIT_VERSION;
use crate::core::core_module;
use crate::cost::{Cost, cost};
use crate::sections::{described, step_costs};
use aqo_model::DecodeError;
use aqo_model::artifact::{self, Descriptor, SectionError, Source, Verdict};
use aqo_model::layout::Layout;
use aqo_model::limits;
use aqo_model::{MODEL_VERSION, Model};
use std::collections::BTreeMap;
use wasmparser::{Encoding, Parser, Payload};

/// An object as a component carries it.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// What it is.
    pub model: Model,
    /// Where everything lies in its images and offers.
    pub layout: Layout,
    /// What the component says of itself.
    pub descriptor: Descriptor,
    /// What its steps cost at most, as this version of the lowering counts it.
    pub cost: Cost,
    /// The inner core module.
    pub core: Vec<u8>,
    /// The source, or its digest alone.
    pub source: Option<Source>,
    /// What is known of its claims.
    pub proof: Vec<Verdict>,
    /// Whether the code is what the Model says.
    pub seal: Seal,
}

/// Whether a core module is what its Model lowers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Byte for byte.
    Sealed,
    /// Another version of the lowering made it, so its bytes say nothing either way.
    NotComparable {
        /// That version.
        emit: u16,
    },
    /// It is not; only [`read_unsealed`] lets that pass.
    Broken,
}

/// Why a component is no object that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// More bytes than [`limits::ARTIFACT_BYTES`].
    TooLong,
    /// Not WebAssembly, or damaged; the text says what and where.
    NotWasm(String),
    /// A core module, which carries no sections.
    CoreModule,
    /// A component without any of the sections.
    NotAnObject,
    /// Sections, but not this one.
    Missing(&'static str),
    /// This one twice.
    Duplicated(&'static str),
    /// This one inside an inner module or component, and not at the outermost level.
    Nested(&'static str),
    /// A version of this section that this program does not know; `None` where it is empty.
    Version(&'static str, Option<u8>),
    /// This section is not of its form; the text says what is wrong.
    Malformed(&'static str, String),
    /// A version of the Model that this program does not know.
    Model(u16),
    /// The Model cannot be run safely; the text says why.
    Flawed(String),
    /// This part has another digest than the descriptor says.
    Digest(&'static str),
    /// The descriptor names another class than schema and policy have.
    Class,
    /// The descriptor says something else of the object than schema and policy do.
    Descriptor,
    /// The descriptor says other costs than follow from the Model.
    Cost,
    /// There is no inner core module.
    NoCore,
    /// The core module is not what its Model lowers to.
    Unsealed,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ReadError::TooLong => write!(f, "longer than {} bytes", limits::ARTIFACT_BYTES),
            // The validator dumps what it saw over many lines; the first says it all.
            ReadError::NotWasm(what) => {
                let first = what.lines().next().unwrap_or_default();
                write!(
                    f,
                    "not WebAssembly: {}",
                    first.split(" - expected").next().unwrap_or_default()
                )
            }
            ReadError::CoreModule => f.write_str("a core module, not a component"),
            ReadError::NotAnObject => f.write_str("a component, but not an aqo object"),
            ReadError::Missing(name) => write!(f, "section {name} is missing"),
            ReadError::Duplicated(name) => write!(f, "section {name} stands twice"),
            ReadError::Nested(name) => {
                write!(f, "section {name} stands inside an inner module, where it does not count")
            }
            ReadError::Version(name, Some(version)) => {
                write!(f, "version {version} of section {name} is not known")
            }
            ReadError::Version(name, None) => write!(f, "section {name} is empty"),
            ReadError::Malformed(name, what) => write!(f, "section {name} is malformed: {what}"),
            ReadError::Model(version) => {
                write!(
                    f,
                    "Model version {version} is not known; this program knows {MODEL_VERSION}"
                )
            }
            ReadError::Flawed(what) => write!(f, "the Model cannot be run: {what}"),
            ReadError::Digest(name) => {
                write!(f, "{name} has another digest than the descriptor says")
            }
            ReadError::Class => f.write_str("the descriptor names another class"),
            ReadError::Descriptor => f.write_str("the descriptor describes another object"),
            ReadError::Cost => f.write_str("the descriptor says other costs than the Model has"),
            ReadError::NoCore => f.write_str("there is no inner core module"),
            ReadError::Unsealed => f.write_str("the code is not what the Model says"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a component. Code that differs from what the Model lowers to is refused.
pub fn read(bytes: &[u8]) -> Result<Artifact, ReadError> {
    match read_unsealed(bytes)? {
        Artifact { seal: Seal::Broken, .. } => Err(ReadError::Unsealed),
        artifact => Ok(artifact),
    }
}

/// Reads a component whatever its code is; every step of such code must be checked.
pub fn read_unsealed(bytes: &[u8]) -> Result<Artifact, ReadError> {
    if bytes.len() > limits::ARTIFACT_BYTES {
        return Err(ReadError::TooLong);
    }
    let found = find(bytes)?;
    let descriptor: Descriptor = found.decode(artifact::DESCRIPTOR)?;
    let model = found.model(&descriptor)?;
    let cost = cost(&model);
    // Another version of the lowering counts other instructions.
    if descriptor.emit == EMIT_VERSION && descriptor.costs != step_costs(&cost) {
        return Err(ReadError::Cost);
    }
    let source = match descriptor.source {
        None if found.sections.contains_key(artifact::SOURCE) => {
            return Err(ReadError::Digest(artifact::SOURCE));
        }
        None => None,
        Some(digest) => {
            found.hold(artifact::SOURCE, digest)?;
            Some(found.decode(artifact::SOURCE)?)
        }
    };
    found.hold(artifact::PROOF, descriptor.proof)?;
    let proof = found.decode(artifact::PROOF)?;
    let core = found.core.ok_or(ReadError::NoCore)?;
    if artifact::core_digest(core) != descriptor.core {
        return Err(ReadError::Digest("the core module"));
    }
    let seal = match descriptor.emit {
        EMIT_VERSION if core_module(&model) == core => Seal::Sealed,
        EMIT_VERSION => Seal::Broken,
        emit => Seal::NotComparable { emit },
    };
    let layout = Layout::of(&model);
    Ok(Artifact { model, layout, descriptor, cost, core: core.to_vec(), source, proof, seal })
}

/// What stands in a component.
#[derive(Default)]
struct Found<'b> {
    /// At the outermost level.
    sections: BTreeMap<&'static str, &'b [u8]>,
    /// A section further in.
    nested: Option<&'static str>,
    /// The first module, however deep.
    core: Option<&'b [u8]>,
}

/// The sections that this reader knows.
const NAMES: [&str; 5] =
    [artifact::DESCRIPTOR, artifact::SCHEMA, artifact::POLICY, artifact::SOURCE, artifact::PROOF];

#[expect(clippy::wildcard_enum_match_arm, reason = "every other part says nothing of an object")]
fn find(bytes: &[u8]) -> Result<Found<'_>, ReadError> {
    let mut found = Found::default();
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| ReadError::NotWasm(error.to_string()))? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(ReadError::CoreModule);
            }
            Payload::ModuleSection { unchecked_range, .. } => {
                depth += 1;
                if found.core.is_none() {
                    found.core = bytes.get(unchecked_range.start..unchecked_range.end);
                }
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) => {
                let Some(name) = NAMES.into_iter().find(|name| *name == section.name()) else {
                    continue;
                };
                if depth > 0 {
                    found.nested.get_or_insert(name);
                } else if found.sections.insert(name, section.data()).is_some() {
                    return Err(ReadError::Duplicated(name));
                }
            }
            _ => {}
        }
    }
    match found.nested {
        _ if !found.sections.is_empty() => Ok(found),
        Some(name) => Err(ReadError::Nested(name)),
        None => Err(ReadError::NotAnObject),
    }
}

impl Artifact {
    /// The most core instructions of a step, also where another version of the lowering counted them.
    pub fn step_instructions(&self) -> u64 {
        let said = self.descriptor.costs.iter().map(|cost| cost.most).max();
        self.cost.most().max(said.unwrap_or(0))
    }
}

impl Found<'_> {
    fn section(&self, name: &'static str) -> Result<&[u8], ReadError> {
        self.sections.get(name).copied().ok_or(match self.nested {
            Some(nested) if nested == name => ReadError::Nested(name),
            Some(_) | None => ReadError::Missing(name),
        })
    }

    fn decode<T: serde::Serialize + serde::de::DeserializeOwned>(
        &self,
        name: &'static str,
    ) -> Result<T, ReadError> {
        artifact::decode(self.section(name)?).map_err(|error| section_error(name, error))
    }

    /// Holds a section to the digest that the descriptor says.
    fn hold(&self, name: &'static str, digest: aqo_model::value::Bytes32) -> Result<(), ReadError> {
        let same = artifact::section_digest(self.section(name)?) == digest;
        if same { Ok(()) } else { Err(ReadError::Digest(name)) }
    }

    fn model(&self, descriptor: &Descriptor) -> Result<Model, ReadError> {
        let content = |name| {
            artifact::content(self.section(name)?).map_err(|error| section_error(name, error))
        };
        let (schema, policy) = (content(artifact::SCHEMA)?, content(artifact::POLICY)?);
        self.hold(artifact::SCHEMA, descriptor.schema)?;
        self.hold(artifact::POLICY, descriptor.policy)?;
        let name = |part: &str| if part == "schema" { artifact::SCHEMA } else { artifact::POLICY };
        let model = Model::decode(schema, policy).map_err(|error| match &error {
            DecodeError::TooLong(part)
            | DecodeError::Malformed(part, _)
            | DecodeError::NotCanonical(part) => {
                ReadError::Malformed(name(part), error.to_string())
            }
            DecodeError::Version(version) => ReadError::Model(*version),
            DecodeError::Flawed(flaw) => ReadError::Flawed(flaw.to_string()),
        })?;
        if descriptor.class != model.class() {
            return Err(ReadError::Class);
        }
        let wanted = Descriptor {
            emit: descriptor.emit,
            schema: descriptor.schema,
            policy: descriptor.policy,
            source: descriptor.source,
            proof: descriptor.proof,
            core: descriptor.core,
            costs: descriptor.costs.clone(),
            docs: descriptor.docs.clone(),
            ..described(&model)
        };
        if wanted == *descriptor { Ok(model) } else { Err(ReadError::Descriptor) }
    }
}

fn section_error(name: &'static str, error: SectionError) -> ReadError {
    match error {
        SectionError::Version(version) => ReadError::Version(name, version),
        SectionError::Malformed(what) => ReadError::Malformed(name, what),
    }
}
