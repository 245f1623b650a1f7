//! What somebody signs away from every store: a message for an object, or a reading of an input, as a
//! line of JSON that anyone may carry.
//!
//! ```text
//! {"message":"adjust","values":{"to":"21.50"},"role":"operator","key":"…","epoch":0,
//!  "counter":1798761600000000,"not_after":1798765200000000,"signature":"…"}
//! {"heat":{"value":"21.00","at":1798761600000000,"key":"…","epoch":0,"signature":"…"}}
//! ```
//! The second is what a provider answers. The signature is over what the values mean, not over the
//! line. Knows the class of the object and its id, and nothing of its state: a counter is a clock's.

use crate::error::{Error, Result};
use crate::host::message_of;
use crate::keys::{Key, bytes64, hex64};
use aqo_model::Model;
use aqo_model::entry::{reading_bytes, signed_bytes};
use aqo_model::limits;
use aqo_model::offer::{Envelope, Message, View, Word};
use aqo_model::text::show_duration;
use aqo_model::value::{Bytes32, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// A message and what proves who says it, in text form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedMessage {
    /// The message.
    pub message: String,
    /// What it carries.
    pub values: BTreeMap<String, String>,
    /// In the name of which role.
    pub role: String,
    /// The public key, as hex digits.
    pub key: String,
    /// The epoch of the role that the signer knows.
    pub epoch: u32,
    /// The signer's counter.
    pub counter: u64,
    /// Not valid later, microseconds since 1970.
    pub not_after: i64,
    /// Ed25519, as hex digits.
    pub signature: String,
}

/// What a signer knows of an object, and what he decides.
pub struct Signer<'s> {
    /// The object's class.
    pub model: &'s Model,
    /// The object.
    pub object: Bytes32,
    /// The key.
    pub key: &'s Key,
    /// How often the role was bound anew, as far as he knows.
    pub epoch: u32,
    /// His clock, microseconds since 1970.
    pub now: i64,
}

impl Signer<'_> {
    /// Signs a message. `counter`: his clock's, unless he counts; `life`: how long it is valid, in
    /// microseconds.
    pub fn message(
        &self,
        name: &str,
        values: &[(String, String)],
        role: Option<&str>,
        (counter, life): (Option<u64>, i64),
    ) -> Result<SignedMessage> {
        let (kind, params) = message_of(self.model, name, values)?;
        let from = &self.model.schema.messages[usize::from(kind)].from;
        let role = self.role(name, from, role)?;
        let declared = &self.model.schema.roles[usize::from(role)];
        let most = if declared.open { limits::OPEN_NOT_AFTER } else { limits::NOT_AFTER };
        if !(1..=most).contains(&life) {
            let most = show_duration(most);
            return Err(Error::usage(format!(
                "a message of `{}` is valid for 1us to {most}",
                declared.name
            )));
        }
        let not_after = self.now.saturating_add(life);
        let clock = if declared.open { not_after } else { self.now };
        let counter = counter.unwrap_or_else(|| u64::try_from(clock).unwrap_or(0));
        let mut by = Envelope {
            role,
            key: self.key.public(),
            epoch: self.epoch,
            counter,
            not_after,
            signature: [0; 64],
            verified: false,
        };
        by.signature = self.key.sign(&signed_bytes(self.model, &self.object, kind, &params, &by));
        Ok(SignedMessage {
            message: name.to_owned(),
            values: values.iter().cloned().collect(),
            role: declared.name.clone(),
            key: by.key.to_string(),
            epoch: by.epoch,
            counter,
            not_after,
            signature: hex64(&by.signature),
        })
    }

    /// Signs a reading, as a provider hands it on.
    pub fn reading(&self, input: &str, text: &str, at: i64) -> Result<Json> {
        let schema = &self.model.schema;
        let signed = schema.inputs.iter().position(|i| i.name == input && i.from.is_some());
        let Some(index) = signed.and_then(|index| u16::try_from(index).ok()) else {
            let signed = schema.inputs.iter().filter(|input| input.from.is_some());
            let names: Vec<&str> = signed.map(|input| input.name.as_str()).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Error::refused(format!("no signed input is called `{input}`"))
                .help(format!("there is {names}")));
        };
        let declared = &schema.inputs[usize::from(index)];
        let value = Value::parse(text, &declared.ty, &schema.types).map_err(Error::refused)?;
        if !value.in_range(&declared.ty, &schema.types) {
            let ty = declared.ty.describe(&schema.types);
            return Err(Error::refused(format!("{text} is not {ty}")));
        }
        let shown = value.show(&declared.ty, &schema.types);
        let view = View { value, at, word: None };
        let (key, epoch) = (self.key.public(), self.epoch);
        let word = Word { key, epoch, signature: [0; 64], verified: false };
        let signature =
            self.key.sign(&reading_bytes(self.model, &self.object, index, &view, &word));
        let reading = json!({
            "value": shown, "at": at, "key": key.to_string(), "epoch": epoch,
            "signature": hex64(&signature),
        });
        Ok(json!({ input: reading }))
    }

    fn role(&self, message: &str, from: &[u16], role: Option<&str>) -> Result<u16> {
        let name = |role: &u16| self.model.schema.roles[usize::from(*role)].name.as_str();
        let named = from.iter().find(|index| role.is_none_or(|role| role == name(index)));
        match (named, from, role) {
            (Some(role), [_], _) | (Some(role), _, Some(_)) => Ok(*role),
            (_, [], _) => {
                Err(Error::refused(format!("`{message}` is not signed: anyone may send it")))
            }
            (_, _, None) | (None, _, Some(_)) => {
                let names: Vec<&str> = from.iter().map(name).collect();
                let text = format!("`{message}` is signed by one of its roles");
                Err(Error::refused(text).help(format!("add `--as {}`", names.join(" or "))))
            }
        }
    }
}

impl SignedMessage {
    /// Reads the line that signing gave.
    pub fn read(line: &str) -> Result<SignedMessage> {
        serde_json::from_str(line).map_err(|error| {
            Error::refused(format!("this is no signed message: {error}"))
                .help("it is the line that `aqr sign` prints")
        })
    }

    /// The message that it is for an object of this class; nobody has checked its signature yet.
    pub fn message(&self, model: &Model) -> Result<Message> {
        let values: Vec<_> = self.values.clone().into_iter().collect();
        let (kind, params) = message_of(model, &self.message, &values)?;
        let role = model.schema.roles.iter().position(|role| role.name == self.role);
        let role = role.and_then(|role| u16::try_from(role).ok());
        let no_role = || Error::refused(format!("the object has no role `{}`", self.role));
        let wrong =
            |part: &str| Error::refused(format!("the signed message has no proper `{part}`"));
        let envelope = Envelope {
            role: role.ok_or_else(no_role)?,
            key: Bytes32::from_hex(&self.key).ok_or_else(|| wrong("key"))?,
            epoch: self.epoch,
            counter: self.counter,
            not_after: self.not_after,
            signature: bytes64(&self.signature).ok_or_else(|| wrong("signature"))?,
            verified: false,
        };
        Ok(Message { kind, params, envelope: Some(envelope) })
    }
}
