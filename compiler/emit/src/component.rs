//! A Model into a component of the `standalone` world, with its sections.

use crate::core::lower;
use crate::face::{World, face_module, package_text};
use crate::read::{ReadError, read};
use crate::sections::{Options, append, sections};
use aqo_model::Model;
use aqo_model::layout::Layout;
use aqo_model::verify::{self, Flaw};
use wasm_encoder::{Component, RawSection, SectionId};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The world that a component is of.
const WORLD: &str = "standalone";
/// What the face is called inside the component.
const FACE: &str = "face";

/// Why a Model has no component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmitError {
    /// The Model cannot be run safely.
    Flawed(Flaw),
    /// Two names of the object are one in WIT; the texts are what they were.
    Collision(String, String),
    /// The result is not WebAssembly that engines accept; the text says why.
    Invalid(String),
    /// The result does not read back as the Model.
    Unread(ReadError),
}

impl std::fmt::Display for EmitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EmitError::Flawed(flaw) => flaw.fmt(f),
            EmitError::Collision(a, b) => write!(f, "{a} and {b} are one name in WIT"),
            EmitError::Invalid(what) => write!(f, "what was emitted is not valid: {what}"),
            EmitError::Unread(error) => write!(f, "what was emitted cannot be read back: {error}"),
        }
    }
}

impl std::error::Error for EmitError {}

/// The component of a Model. It is validated, read back and compared before it is given out.
pub fn component(model: &Model, options: &Options) -> Result<Vec<u8>, EmitError> {
    verify::verify(model).map_err(EmitError::Flawed)?;
    let world = World::of(model)?;
    let (core, regions) = lower(model);
    let face = face_module(model, &Layout::of(model), &world, regions);
    let text = package_text(model, &world, &options.docs);
    let mut component = wrap(&core, face, &text).map_err(EmitError::Invalid)?;
    append(&mut component, &sections(model, options, &core));
    check(model, options, &component)?;
    Ok(component)
}

/// The WIT package of a Model: its typed interface and its world.
pub fn wit(model: &Model, options: &Options) -> Result<String, EmitError> {
    Ok(package_text(model, &World::of(model)?, &options.docs))
}

/// The core and its face as one component of the world that the text says.
fn wrap(core: &[u8], mut face: Vec<u8>, text: &str) -> Result<Vec<u8>, String> {
    let say = |error: &dyn std::fmt::Display| format!("{error:#}");
    let mut resolve = Resolve::default();
    resolve.push_source("lifecycle.wit", aqo_stdlib::LIFECYCLE_WIT).map_err(|error| say(&error))?;
    let package = resolve.push_source("object.wit", text).map_err(|error| say(&error))?;
    let world = resolve.select_world(&[package], Some(WORLD)).map_err(|error| say(&error))?;
    embed_component_metadata(&mut face, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| say(&error))?;
    let encoder = ComponentEncoder::default().module(core).map_err(|error| say(&error))?;
    let encoder = encoder.adapter(FACE, &face).map_err(|error| say(&error))?;
    let component = encoder.validate(false).encode().map_err(|error| say(&error))?;
    without_names(&component).map_err(|error| say(&error))
}

/// The same component without the custom sections that its encoder added: names that nothing reads.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other part stays on its level")]
fn without_names(component: &[u8]) -> wasmparser::Result<Vec<u8>> {
    let mut kept = Component::new();
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        let section = payload.as_section().filter(|_| depth == 0);
        if let Some((id, range)) = section
            && id != SectionId::Custom as u8
        {
            kept.section(&RawSection { id, data: &component[range] });
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(kept.finish())
}

fn check(model: &Model, options: &Options, component: &[u8]) -> Result<(), EmitError> {
    Validator::new_with_features(WasmFeatures::default())
        .validate_all(component)
        .map_err(|error| EmitError::Invalid(error.to_string()))?;
    let artifact = read(component).map_err(EmitError::Unread)?;
    let same = artifact.model == *model
        && artifact.source == options.source
        && artifact.descriptor.docs == options.docs;
    if same { Ok(()) } else { Err(EmitError::Unread(ReadError::Descriptor)) }
}
