//! The typed world of an object: its names in WIT, and which reason is which refusal.

use crate::component::EmitError;
use crate::names::{Space, label, package};
use aqo_model::Model;
use aqo_model::policy::Reason;
use aqo_model::types::Type;

/// What a refusal is called that no reason of the Model stands for.
pub(crate) const UNBORN: &str = "unborn";
/// Names of the interface itself.
const RESERVED: [&str; 10] = [
    "instant-us",
    "duration-us",
    "key",
    "digest",
    "role",
    "envelope",
    "word",
    "refusal",
    "reply",
    "fields",
];
/// Functions that every object has.
pub(crate) const TICK: &str = "tick";
/// See [`TICK`].
pub(crate) const STATE: &str = "state";

/// A parameter or a field: its label and its type.
pub(crate) struct Named {
    pub(crate) label: String,
    pub(crate) ty: Type,
}

/// The typed world.
pub(crate) struct World {
    /// `edge:thermostat`
    pub(crate) package: String,
    /// `thermostat`
    pub(crate) interface: String,
    /// The object's version.
    pub(crate) version: u32,
    /// One per enum: its label and those of its variants.
    pub(crate) enums: Vec<(String, Vec<String>)>,
    /// Which enums carry nothing: only these are enums there.
    pub(crate) plain: Vec<bool>,
    /// One per role.
    pub(crate) roles: Vec<String>,
    /// Built-in reasons, the object's own, and [`UNBORN`].
    pub(crate) refusals: Vec<String>,
    /// One per public field.
    pub(crate) fields: Vec<Named>,
    /// With each, whether it is signed.
    pub(crate) inputs: Vec<(Named, bool)>,
    /// One per message: its label, its parameters, and whether it is signed.
    pub(crate) messages: Vec<(String, Vec<Named>, bool)>,
}

impl World {
    /// The world of a Model.
    pub(crate) fn of(model: &Model) -> Result<World, EmitError> {
        let schema = &model.schema;
        let mut items = Space::default();
        for reserved in RESERVED.into_iter().chain([TICK, STATE]) {
            items.take(reserved.to_owned(), reserved)?;
        }
        let mut messages = Vec::new();
        for message in &schema.messages {
            let label = items.take_or(label(&message.name), &message.name, "message")?;
            let signed = !message.from.is_empty();
            let mut space = Space::default();
            space.take("at".to_owned(), "at")?;
            if signed {
                space.take("by".to_owned(), "by")?;
            }
            let params = message.params.iter().map(|param| (param.name.as_str(), &param.ty));
            messages.push((label, named(&mut space, params)?, signed));
        }
        let mut enums = Vec::new();
        for e in &schema.types.enums {
            // A type's name is never written in a value, so it may give way.
            let name = items.take_or(label(&e.name), &e.name, "type")?;
            let mut space = Space::default();
            let variants = e.names().map(|variant| space.take(label(variant), variant));
            enums.push((name, variants.collect::<Result<_, _>>()?));
        }
        let mut space = Space::default();
        let roles = schema.roles.iter().map(|role| space.take(label(&role.name), &role.name));
        let roles = roles.collect::<Result<_, _>>()?;
        let mut space = Space::default();
        let built_in = Reason::BUILT_IN.iter().map(|(_, name)| *name);
        let reasons =
            built_in.chain(model.policy.reasons.iter().map(String::as_str)).chain([UNBORN]);
        let refusals = reasons.map(|reason| space.take(label(reason), reason));
        let refusals = refusals.collect::<Result<_, _>>()?;
        let fields = schema.fields.iter().filter(|field| !field.private);
        let fields = fields.map(|field| (field.name.as_str(), &field.ty));
        let mut input_space = Space::default();
        input_space.take("at".to_owned(), "at")?;
        let inputs = schema.inputs.iter().map(|input| (input.name.as_str(), &input.ty));
        let signed = schema.inputs.iter().map(|input| input.from.is_some());
        Ok(World {
            package: package(&schema.package),
            interface: label(&schema.object),
            version: schema.version,
            enums,
            plain: schema.types.enums.iter().map(aqo_model::types::Enum::is_plain).collect(),
            roles,
            refusals,
            fields: named(&mut Space::default(), fields)?,
            inputs: named(&mut input_space, inputs)?.into_iter().zip(signed).collect(),
            messages,
        })
    }

    /// The name of the typed interface, with its package and version.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}@{}.0.0", self.package, self.interface, self.version)
    }
}

fn named<'n>(
    space: &mut Space,
    list: impl Iterator<Item = (&'n str, &'n Type)>,
) -> Result<Vec<Named>, EmitError> {
    list.map(|(name, ty)| {
        let label = space.take(scaled(label(name), ty), name)?;
        Ok(Named { label, ty: ty.clone() })
    })
    .collect()
}

/// A decimal is offered as a whole number, so its label says how many digits are after the point.
fn scaled(label: String, ty: &Type) -> String {
    match ty {
        Type::Number { scale: 1.., .. } => {
            let scale = scale_of(ty);
            format!("{label}-e{scale}")
        }
        Type::Option(inner) => scaled(label, inner),
        Type::Bool
        | Type::Number { .. }
        | Type::Duration(_)
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => label,
    }
}

/// Digits after the point.
fn scale_of(ty: &Type) -> u8 {
    match ty {
        Type::Number { scale, .. } => *scale,
        Type::Option(inner) => scale_of(inner),
        Type::Bool
        | Type::Duration(_)
        | Type::Instant(_)
        | Type::Text { .. }
        | Type::Bytes { .. }
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => 0,
    }
}
