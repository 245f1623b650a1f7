//! Birth: entry 0, with the values and keys that its creator gives.

use super::{Host, Observer, Resident};
use crate::class::Class;
use crate::error::{Error, Result};
use crate::keys::{self, Key};
use crate::store::log::Record;
use aqo_model::offer::{Birth, Offer, OfferKind};
use aqo_model::policy::Reason;
use aqo_model::schema::Role;
use aqo_model::value::{Bytes32, Value};
use std::collections::BTreeMap;

/// The longest name of an object.
const NAME_BYTES: usize = 64;

/// What an object is to be born with, in text form.
#[derive(Clone, Debug, Default)]
pub struct BirthValues {
    /// Fields by name.
    pub fields: BTreeMap<String, String>,
    /// Role keys by name: one, or those of a set.
    pub roles: BTreeMap<String, Vec<Bytes32>>,
    /// Whether absent roles get development keys.
    pub development: bool,
}

impl Host {
    /// Gives birth to an object of a class.
    pub fn birth(
        &mut self,
        artifact: &Bytes32,
        name: &str,
        values: &BirthValues,
        observer: &mut dyn Observer,
    ) -> Result<Bytes32> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > NAME_BYTES || !name.chars().all(allowed) {
            return Err(Error::refused(format!("{name:?} is no name for an object"))
                .help(format!("use 1 to {NAME_BYTES} letters, digits, `-` and `_`")));
        }
        if self.objects.values().any(|object| object.name == name) {
            return Err(Error::refused(format!("an object called `{name}` lives here already"))
                .help("give this one another name: `--name other`"));
        }
        let observed = self.clock.now();
        let bind = self.bind_record(artifact, name);
        let roles = self.role_keys(artifact, values, observer)?;
        let class =
            self.classes.get_mut(artifact).ok_or_else(|| Error::internal("an unknown artifact"))?;
        let values = birth_values(class, values)?;
        let birth = Birth { creator: self.key.public(), bind, values, roles };
        let offer = Offer {
            kind: OfferKind::Birth(birth),
            observed,
            served: observed,
            ignored: 0,
            inputs: Vec::new(),
        };
        let unborn = class.unborn();
        let answer = class.step(&unborn, &offer, self.random.as_mut())?;
        let Some(admitted) = answer.admitted else {
            let reason = answer.reply.unwrap_or(Reason::MALFORMED);
            let reason = class.artifact.model.policy.reason_name(reason);
            return Err(Error::refused(format!("nothing was born: {reason}"))
                .help("a birth value is out of its range, or an `always` does not hold"));
        };
        let id = admitted.entry().object_id(&class.artifact.model, admitted.bytes());
        let mut resident = Resident::new(id, name.to_owned(), *artifact, answer.served);
        (resident.image, resident.next_due) = (unborn, answer.next_due);
        self.log.push(Record::Object { object: id, artifact: *artifact, name: name.to_owned() });
        self.objects.insert(id, resident);
        self.record(id, admitted, answer.served, answer.next_due);
        self.commit(observer)?;
        Ok(id)
    }

    /// The keys of each role; what is absent is listed, or made if the birth is for development.
    fn role_keys(
        &mut self,
        artifact: &Bytes32,
        values: &BirthValues,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Vec<Bytes32>>> {
        let Some(class) = self.classes.get(artifact) else { return Ok(Vec::new()) };
        let roles: Vec<Role> = class.artifact.model.schema.roles.clone();
        let names: Vec<&str> =
            roles.iter().filter(|role| !role.open).map(|role| role.name.as_str()).collect();
        if let Some(unknown) = values.roles.keys().find(|name| !names.contains(&name.as_str())) {
            let text = format!("the object has no role `{unknown}`");
            return Err(Error::refused(text).help(format!("it has {}", names.join(", "))));
        }
        let missing: Vec<&Role> =
            roles.iter().filter(|r| !r.open && !values.roles.contains_key(&r.name)).collect();
        let needed: Vec<&&Role> = missing.iter().filter(|role| role.max.is_none()).collect();
        if !needed.is_empty() && !values.development {
            let flags: Vec<String> =
                needed.iter().map(|role| format!("  --role {}=KEYFILE", role.name)).collect();
            return Err(Error::refused(format!(
                "a birth needs the keys of its roles:\n{}",
                flags.join("\n")
            ))
            .help("`aqr key new NAME` makes a key"));
        }
        if !missing.is_empty() && values.development {
            self.store.mark_development()?;
            let text = missing.iter().map(|role| role.name.as_str()).collect::<Vec<_>>().join(", ");
            observer.note(&format!(
                "made development keys for {text} (in {}/keys)",
                self.store.directory.display()
            ));
        }
        let mut keys = Vec::new();
        for role in &roles {
            let mut held = match values.roles.get(&role.name) {
                _ if role.open => Vec::new(),
                Some(given) => given.clone(),
                None => self.development_keys(role, values.development)?,
            };
            held.sort_unstable();
            let wrong = |text: String| Err(Error::refused(text));
            if held.windows(2).any(|pair| pair[0] == pair[1]) {
                return wrong(format!("role `{}` names one key twice", role.name));
            }
            if held.contains(&Bytes32::ZERO) {
                return wrong(format!("role `{}` has a key that nobody can hold", role.name));
            }
            match role.max {
                None if held.len() != 1 => {
                    return wrong(format!("role `{}` has exactly one key", role.name));
                }
                Some(max) if held.len() > usize::from(max) => {
                    return wrong(format!("role `{}` has at most {max} keys", role.name));
                }
                None | Some(_) => keys.push(held),
            }
        }
        Ok(keys)
    }

    /// Keys that this store makes for a role; of a set three, or as many as it takes.
    fn development_keys(&mut self, role: &Role, makes: bool) -> Result<Vec<Bytes32>> {
        let names = match role.max {
            None => vec![role.name.clone()],
            Some(max) if makes => (1..=max.min(3)).map(|k| format!("{}_{k}", role.name)).collect(),
            Some(_) => Vec::new(),
        };
        let mut keys = Vec::new();
        for name in names {
            let path = keys::development_path(&self.store.directory, &name);
            let made = Key::read_or_make(self.store.disk.as_ref(), &path, self.random.as_mut())?;
            keys.push(made.0.public());
        }
        Ok(keys)
    }
}

/// Birth values in the order of the schema; what is absent or wrong is listed, all at once.
fn birth_values(class: &Class, given: &BirthValues) -> Result<Vec<Value>> {
    let schema = &class.artifact.model.schema;
    let wanted: Vec<_> =
        class.artifact.layout.births.iter().map(|(f, _)| &schema.fields[usize::from(*f)]).collect();
    let mut wrong: Vec<String> = (given.fields.keys())
        .filter(|name| !wanted.iter().any(|field| field.name == **name))
        .map(|name| format!("  {name}: not a birth value"))
        .collect();
    let mut values = Vec::new();
    for field in wanted {
        match given.fields.get(&field.name) {
            None => wrong.push(format!(
                "  {}: {}; for example --with {}={}",
                field.name,
                field.ty.describe(&schema.types),
                field.name,
                field.ty.example(&schema.types)
            )),
            Some(text) => match Value::parse(text, &field.ty, &schema.types) {
                Ok(value) if value.in_range(&field.ty, &schema.types) => values.push(value),
                Ok(_) => wrong.push(format!(
                    "  {}: {text} is not {}",
                    field.name,
                    field.ty.describe(&schema.types)
                )),
                Err(error) => wrong.push(format!("  {}: {error}", field.name)),
            },
        }
    }
    if wrong.is_empty() {
        return Ok(values);
    }
    Err(Error::refused(format!("a birth needs these values:\n{}", wrong.join("\n"))))
}
