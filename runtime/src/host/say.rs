//! What somebody wants to say, in text form, made into a message of the object that is meant.

use super::{Host, Observer};
use crate::error::{Error, Result};
use crate::keys::Key;
use crate::sign::SignedMessage;
use aqo_model::Model;
use aqo_model::value::{Bytes32, Value};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What somebody wants to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saying {
    /// To whom: a name, an id, or the beginning of an id.
    pub object: String,
    /// The message, or the rule that is consented to.
    pub message: String,
    /// Whether it is a consent.
    pub consents: bool,
    /// What it carries, in text form.
    pub values: Vec<(String, String)>,
    /// In the name of which role; `None` for anyone.
    pub role: Option<String>,
    /// The file of the key; otherwise the role's own, if it is at hand.
    pub key: Option<PathBuf>,
    /// A message that was signed before, which stands for the message, its values, role and key.
    #[serde(default)]
    pub signed: Option<SignedMessage>,
    /// Whether the answer is wanted as JSON.
    pub json: bool,
}

impl Host {
    /// Says it. Gives the name of the reason where it is refused.
    pub fn say(&mut self, saying: &Saying, observer: &mut dyn Observer) -> Result<Option<String>> {
        let id = self.find(&saying.object)?;
        let (_, class) = self.object(&id).ok_or_else(|| Error::internal("an unknown object"))?;
        let model = class.artifact.model.clone();
        if saying.consents {
            return self.say_yes(&id, &model, saying, observer);
        }
        if let Some(signed) = &saying.signed {
            let reply = self.pass_on(&id, signed.message(&model)?, observer)?;
            return Ok(reply.map(|reason| model.policy.reason_name(reason).to_owned()));
        }
        let (kind, params) = message_of(&model, &saying.message, &saying.values)?;
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

impl Host {
    /// Consents to what a rule would do.
    fn say_yes(
        &mut self,
        id: &Bytes32,
        model: &Model,
        saying: &Saying,
        observer: &mut dyn Observer,
    ) -> Result<Option<String>> {
        let rules = &model.policy.rules;
        let asks =
            |name: &str| rules.iter().position(|rule| rule.name == name && rule.quorum.is_some());
        let Some(rule) = asks(&saying.message).and_then(|rule| u16::try_from(rule).ok()) else {
            let names: Vec<&str> = (rules.iter().filter(|rule| rule.quorum.is_some()))
                .map(|rule| rule.name.as_str())
                .collect();
            let text = format!("no rule `{}` asks for consent", saying.message);
            let help = if names.is_empty() { "none does".to_owned() } else { names.join(", ") };
            return Err(Error::refused(text).help(format!("those that do: {help}")));
        };
        let quorum = rules[usize::from(rule)].quorum.as_ref();
        let roles: Vec<(u16, &str)> = (quorum.iter())
            .flat_map(|quorum| &quorum.roles)
            .map(|role| (*role, model.schema.roles[usize::from(*role)].name.as_str()))
            .collect();
        let (role, key) = self.voter(id, &roles, saying)?;
        let reply = self.consent(id, rule, (role, &key), observer)?;
        Ok(reply.map(|reason| model.policy.reason_name(reason).to_owned()))
    }

    /// Who consents: the role that was named and its key, or the first of those that have a say which
    /// the key holds that was named or is at hand.
    fn voter(&self, id: &Bytes32, roles: &[(u16, &str)], saying: &Saying) -> Result<(u16, Key)> {
        let names: Vec<&str> = roles.iter().map(|(_, name)| *name).collect();
        if let Some(wanted) = &saying.role {
            let Some((role, _)) = roles.iter().find(|(_, name)| name == wanted) else {
                let text = format!("that role has no say in `{}`", saying.message);
                return Err(Error::refused(text).help(format!("add `--as {}`", names.join(" or "))));
            };
            return Ok((*role, self.key_for(wanted, saying.key.as_deref())?));
        }
        if let ([(role, name)], None) = (roles, &saying.key) {
            return Ok((*role, self.key_for(name, None)?));
        }
        let state = self.state(id)?;
        let held = |(role, name): &(u16, &str)| {
            let key = self.key_for(name, saying.key.as_deref()).ok()?;
            state.roles[usize::from(*role)].key(&key.public())?;
            Some((*role, key))
        };
        if let Some(voter) = roles.iter().find_map(held) {
            return Ok(voter);
        }
        let of_whom = names.join(", ");
        Err(match saying.key.as_deref() {
            Some(named) => {
                self.key_for(names.first().unwrap_or(&"role"), Some(named))?;
                let text = format!("this key has no say in `{}`", saying.message);
                Error::refused(text).help(format!("those that have: a key of {of_whom}"))
            }
            None => {
                let text = format!("no key that has a say in `{}` is at hand", saying.message);
                Error::refused(text).help(format!("name one of {of_whom}: `--key FILE`"))
            }
        })
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
pub fn message_of(
    model: &Model,
    name: &str,
    values: &[(String, String)],
) -> Result<(u16, Vec<Value>)> {
    let messages = &model.schema.messages;
    let Some(kind) = messages.iter().position(|message| message.name == name) else {
        let known: Vec<&str> = messages.iter().map(|m| m.name.as_str()).collect();
        return Err(Error::refused(format!("the object takes no message `{name}`"))
            .help(format!("it takes {}", known.join(", "))));
    };
    let declared = &messages[kind];
    let mut wrong: Vec<String> = (values.iter())
        .filter(|(name, _)| !declared.params.iter().any(|param| param.name == *name))
        .map(|(name, _)| format!("  {name}: not a parameter"))
        .collect();
    for param in &declared.params {
        if values.iter().filter(|(name, _)| *name == param.name).count() > 1 {
            wrong.push(format!("  {}: given more than once", param.name));
        }
    }
    let mut params = Vec::new();
    for param in &declared.params {
        let given = values.iter().find(|(name, _)| *name == param.name);
        match given.map(|(_, text)| Value::parse(text, &param.ty, &model.schema.types)) {
            Some(Ok(value)) => params.push(value),
            Some(Err(error)) => wrong.push(format!("  {}: {error}", param.name)),
            None => wrong.push(format!(
                "  {}: {}; for example {}={}",
                param.name,
                param.ty.describe(&model.schema.types),
                param.name,
                param.ty.example(&model.schema.types)
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
