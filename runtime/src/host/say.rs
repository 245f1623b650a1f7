//! What somebody wants to say, in text form, made into a message of the object that is meant.

use super::{Host, Observer};
use crate::error::{Error, Result};
use aqo_model::Model;
use aqo_model::value::Value;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What somebody wants to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saying {
    /// To whom: a name, an id, or the beginning of an id.
    pub object: String,
    /// The message.
    pub message: String,
    /// What it carries, in text form.
    pub values: Vec<(String, String)>,
    /// In the name of which role; `None` for anyone.
    pub role: Option<String>,
    /// The file of the key; otherwise the role's own, if it is at hand.
    pub key: Option<PathBuf>,
    /// Whether the answer is wanted as JSON.
    pub json: bool,
}

impl Host {
    /// Says it. Gives the name of the reason where it is refused.
    pub fn say(&mut self, saying: &Saying, observer: &mut dyn Observer) -> Result<Option<String>> {
        let id = self.find(&saying.object)?;
        let (_, class) = self.object(&id).ok_or_else(|| Error::internal("an unknown object"))?;
        let model = class.artifact.model.clone();
        let (kind, params) = message(&model, saying)?;
        let role = role(&model, kind, saying)?;
        let signer = match &role {
            None => None,
            Some((index, name)) => Some((*index, self.key_for(name, saying.key.as_deref())?)),
        };
        let signer = signer.as_ref().map(|(role, key)| (*role, key));
        let reply = self.send(&id, kind, params, signer, observer)?;
        Ok(reply.map(|reason| model.policy.reason_name(reason).to_owned()))
    }
}

/// The role in whose name a message is sent: its index and its name.
fn role(model: &Model, kind: u16, saying: &Saying) -> Result<Option<(u16, String)>> {
    let declared = &model.schema.messages[usize::from(kind)];
    let Some(role) = &saying.role else {
        if declared.from.is_empty() {
            return Ok(None);
        }
        let name = |role: &u16| model.schema.roles[usize::from(*role)].name.as_str();
        let names: Vec<&str> = declared.from.iter().map(name).collect();
        let text = format!("`{}` is signed, so somebody sends it", declared.name);
        return Err(Error::refused(text).help(format!("add `--as {}`", names.join(" or "))));
    };
    let index = model.schema.roles.iter().position(|r| r.name == *role);
    match index.and_then(|index| u16::try_from(index).ok()) {
        Some(index) => Ok(Some((index, role.clone()))),
        None => {
            let roles: Vec<&str> = model.schema.roles.iter().map(|r| r.name.as_str()).collect();
            Err(Error::refused(format!("the object has no role `{role}`"))
                .help(format!("it has {}", roles.join(", "))))
        }
    }
}

/// The message that was meant, and its parameters in order.
fn message(model: &Model, saying: &Saying) -> Result<(u16, Vec<Value>)> {
    let messages = &model.schema.messages;
    let Some(kind) = messages.iter().position(|m| m.name == saying.message) else {
        let known: Vec<&str> = messages.iter().map(|m| m.name.as_str()).collect();
        return Err(Error::refused(format!("the object takes no message `{}`", saying.message))
            .help(format!("it takes {}", known.join(", "))));
    };
    let declared = &messages[kind];
    let mut wrong: Vec<String> = (saying.values.iter())
        .filter(|(name, _)| !declared.params.iter().any(|param| param.name == *name))
        .map(|(name, _)| format!("  {name}: not a parameter"))
        .collect();
    let mut params = Vec::new();
    for param in &declared.params {
        let given = saying.values.iter().find(|(name, _)| *name == param.name);
        match given.map(|(_, text)| Value::parse(text, &param.ty, &model.schema.enums)) {
            Some(Ok(value)) => params.push(value),
            Some(Err(error)) => wrong.push(format!("  {}: {error}", param.name)),
            None => wrong.push(format!(
                "  {}: {}; for example {}={}",
                param.name,
                param.ty.describe(&model.schema.enums),
                param.name,
                param.ty.example(&model.schema.enums)
            )),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::refused(format!(
            "`{}` needs these values:\n{}",
            declared.name,
            wrong.join("\n")
        )));
    }
    let kind =
        u16::try_from(kind).map_err(|_| Error::internal("more messages than limits allow"))?;
    Ok((kind, params))
}
