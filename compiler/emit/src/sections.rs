//! What a component carries about its object: the sections of `aqo_model::artifact`, and who made it.

use crate::EMIT_VERSION;
use crate::cost::{Cost, cost};
use aqo_model::Model;
use aqo_model::artifact::{self, Descriptor, Sizes, Source, StepCost};
use aqo_model::extent;
use aqo_model::layout::Layout;
use wasm_encoder::{Component, CustomSection, ProducersField, ProducersSection};

/// The program that components are made by.
const PRODUCER: &str = "aqc";
/// Its version.
const PRODUCER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a component carries besides its Model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The source, or its digest alone.
    pub source: Option<Source>,
    /// Doc comments by path: `field setpoint`, `message adjust`.
    pub docs: Vec<(String, String)>,
}

/// The sections of a component, each with its name, in the order in which they stand.
pub(crate) fn sections(
    model: &Model,
    options: &Options,
    core: &[u8],
) -> Vec<(&'static str, Vec<u8>)> {
    let schema = artifact::with_version(model.schema_bytes());
    let policy = artifact::with_version(model.policy_bytes());
    let source = options.source.as_ref().map(artifact::encode);
    let proof = artifact::encode(&artifact::verdicts(model));
    let descriptor = Descriptor {
        emit: EMIT_VERSION,
        schema: artifact::section_digest(&schema),
        policy: artifact::section_digest(&policy),
        source: source.as_deref().map(artifact::section_digest),
        proof: artifact::section_digest(&proof),
        core: artifact::core_digest(core),
        docs: options.docs.clone(),
        costs: step_costs(&cost(model)),
        ..described(model)
    };
    let mut sections = vec![
        (artifact::DESCRIPTOR, artifact::encode(&descriptor)),
        (artifact::SCHEMA, schema),
        (artifact::POLICY, policy),
    ];
    sections.extend(source.map(|source| (artifact::SOURCE, source)));
    sections.push((artifact::PROOF, proof));
    sections
}

/// The costs as a descriptor says them.
pub(crate) fn step_costs(cost: &Cost) -> Vec<StepCost> {
    let offers = cost.offers.iter();
    offers.map(|offer| StepCost { offer: offer.name.clone(), most: offer.most }).collect()
}

/// What a descriptor says that follows from the Model alone; digests and costs are left out.
pub(crate) fn described(model: &Model) -> Descriptor {
    let layout = Layout::of(model);
    let size = |bytes: usize| u32::try_from(bytes).expect("limits keep sizes far below 32 bits");
    let zero = aqo_model::value::Bytes32::ZERO;
    Descriptor {
        package: model.schema.package.clone(),
        object: model.schema.object.clone(),
        version: model.schema.version,
        model: model.schema.model,
        emit: 0,
        class: model.class(),
        schema: zero,
        policy: zero,
        source: None,
        proof: zero,
        core: zero,
        capabilities: model.schema.capabilities.clone(),
        cycles: model.schema.cycles.clone(),
        sizes: Sizes {
            image: size(layout.image_size),
            offer: size(layout.offer_size),
            entry: size(extent::entry_bytes(model)),
        },
        costs: Vec::new(),
        docs: Vec::new(),
    }
}

/// Appends the sections at the outermost level of a component.
pub(crate) fn append(component: &mut Vec<u8>, sections: &[(&'static str, Vec<u8>)]) {
    for (name, content) in sections {
        let section = CustomSection { name: (*name).into(), data: content.into() };
        append_section(component, &section);
    }
    let mut field = ProducersField::new();
    field.value(PRODUCER, PRODUCER_VERSION);
    let mut producers = ProducersSection::new();
    producers.field("processed-by", &field);
    append_section(component, &producers);
}

/// A section is one byte that names its kind, its length and its content, wherever it stands.
fn append_section(component: &mut Vec<u8>, section: &impl wasm_encoder::ComponentSection) {
    /// The magic number and version of an empty component.
    const HEADER: usize = 8;
    let mut alone = Component::new();
    alone.section(section);
    component.extend_from_slice(&alone.finish()[HEADER..]);
}
