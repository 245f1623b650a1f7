//! `aqr verify`: every entry of every object of a store, from birth, without trusting any image.

use crate::class::Class;
use crate::error::{Error, Result};
use crate::host::Resident;
use crate::keys::is_signed;
use crate::lineage::{Break, Follower, offer_of, served_after};
use crate::store::Store;
use crate::store::checkpoint;
use crate::store::log::{self, Record, Scan};
use aqo_emit::Artifact;
use aqo_model::entry::{Cause, Entry, consent_bytes, reading_bytes, signed_bytes};
use aqo_model::step;
use aqo_model::value::Bytes32;
use std::collections::BTreeMap;

/// The lineage of one object, as far as it holds.
pub struct Lineage {
    /// Its id.
    pub id: Bytes32,
    /// What people call it here.
    pub name: String,
    /// The digest of its artifact.
    pub artifact: Bytes32,
    /// Its entries with their digests, from birth.
    pub entries: Vec<(Entry, Bytes32)>,
    /// After the last of them.
    pub follower: Follower,
    /// Where it stops holding.
    pub fault: Option<Break>,
}

/// A store read from its log alone.
pub struct Reading {
    /// Classes by the digest of their artifact.
    pub classes: BTreeMap<Bytes32, Class>,
    /// Objects in the order of their ids.
    pub lineages: BTreeMap<Bytes32, Lineage>,
    /// The log.
    pub scan: Scan,
    /// What a checkpoint holds that the log has lost.
    pub lost: Option<String>,
}

/// What is verified beyond the chain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Depth {
    /// Whether every step is derived again by the interpreter.
    pub rederive: bool,
}

/// Reads every lineage of a store.
pub fn read(store: &Store, depth: Depth) -> Result<Reading> {
    let scan = log::scan(store.disk.as_ref(), &store.log_directory())?;
    let mut reading = Reading {
        classes: BTreeMap::new(),
        lineages: BTreeMap::new(),
        scan: Scan::default(),
        lost: None,
    };
    for found in &scan.records {
        match &found.record {
            Record::Object { object, artifact, name } => {
                if !reading.classes.contains_key(artifact) {
                    reading.classes.insert(*artifact, Class::load(&store.artifact(artifact)?)?);
                }
                let class = reading
                    .classes
                    .get(artifact)
                    .ok_or_else(|| Error::internal("a class was just loaded"))?;
                let lineage = Lineage {
                    id: *object,
                    name: name.clone(),
                    artifact: *artifact,
                    entries: Vec::new(),
                    follower: Follower::unborn(&class.artifact),
                    fault: None,
                };
                reading.lineages.entry(*object).or_insert(lineage);
            }
            Record::Entry { object, previous, entry, .. } => {
                let Some(lineage) = reading.lineages.get_mut(object) else {
                    return Err(Error::refused(format!(
                        "an entry of {} stands before its birth",
                        object.short()
                    )));
                };
                let class = reading.classes.get(&lineage.artifact);
                let class = class.ok_or_else(|| Error::internal("a class was just loaded"))?;
                lineage.take(&class.artifact, previous, entry, depth);
            }
            Record::Cursor { .. } => {}
        }
    }
    let kept = checkpoint::newest(store.disk.as_ref(), &store.directory.join("images"))?;
    reading.lost = kept.and_then(|kept| kept.ahead_of(scan.end));
    reading.scan = scan;
    reading.name_the_damage();
    Ok(reading)
}

impl Reading {
    /// A damaged record is a fault of the lineage that it belongs to.
    fn name_the_damage(&mut self) {
        let Some(damage) = &self.scan.damage else { return };
        if let Some(Record::Entry { object, .. }) = &damage.record
            && let Some(lineage) = self.lineages.get_mut(object)
            && lineage.fault.is_none()
        {
            let what = format!(
                "its checksum does not fit (segment {}, byte {})",
                damage.segment, damage.offset
            );
            lineage.fault = Some(Break { sequence: lineage.entries.len() as u64, what });
        }
    }
}

impl Lineage {
    /// The object as it is after the last entry that holds.
    pub fn resident(&self, class: &Class) -> Resident {
        let image = &self.follower.image;
        let (id, name) = (self.id, self.name.clone());
        let served = self.entries.iter().fold(0, |served, (entry, _)| served_after(served, entry));
        let mut resident = Resident::new(id, name, self.artifact, served);
        resident.next_due =
            step::next_due(&class.artifact.model, &class.artifact.layout, &image.state, served);
        resident.image = self.follower.bytes(&class.artifact);
        resident
    }

    fn take(&mut self, artifact: &Artifact, previous: &Bytes32, bytes: &[u8], depth: Depth) {
        if self.fault.is_some() {
            return;
        }
        let before = self.follower.image.clone();
        match self.follower.follow(artifact, previous, bytes) {
            Ok(entry) => {
                self.fault = self.judge(artifact, &before, (&entry, bytes), depth);
                self.entries.push((entry, self.follower.head()));
            }
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn judge(
        &self,
        artifact: &Artifact,
        before: &aqo_model::image::Image,
        (entry, bytes): (&Entry, &[u8]),
        depth: Depth,
    ) -> Option<Break> {
        let wrong = |what: &str| Some(Break { sequence: entry.sequence, what: what.to_owned() });
        let model = &artifact.model;
        if entry.sequence == 0 && entry.object_id(model, bytes) != self.id {
            return wrong("the object's id is not the digest of its birth");
        }
        if let Cause::Birth { class, .. } = &entry.cause
            && *class != model.class()
        {
            return wrong("it is the birth of another class");
        }
        if let Cause::Message { kind, params, envelope: Some(envelope) } = &entry.cause {
            let signed = signed_bytes(model, &self.id, *kind, params, envelope);
            let role = usize::from(envelope.role);
            let held = model.schema.roles[role].open
                || before.state.roles[role].key(&envelope.key).is_some();
            if !held || !is_signed(&envelope.key, &signed, &envelope.signature) {
                return wrong("its message is not signed by the role that it names");
            }
        }
        if let Cause::Fork(fork) = &entry.cause {
            let ours = usize::try_from(fork.at).ok().and_then(|at| self.entries.get(at));
            if ours.is_none_or(|(_, digest)| *digest != fork.ours) {
                return wrong("it answers a fork of another lineage");
            }
        }
        for read in &entry.inputs {
            let proved = read.view.as_ref().is_none_or(|view| {
                view.word.is_none_or(|word| {
                    let signed = reading_bytes(model, &self.id, read.input, view, &word);
                    is_signed(&word.key, &signed, &word.signature)
                })
            });
            if !proved {
                return wrong("a reading of it is not signed by the key that it names");
            }
        }
        if let Cause::Consent(consent) = &entry.cause {
            let layout = &artifact.layout;
            let slot = layout.requests.iter().position(|slot| slot.rule == consent.rule);
            let open = slot.and_then(|slot| before.state.requests[slot].as_ref());
            let Some(open) = open else { return wrong("it consents to what nobody asked") };
            let by = &consent.by;
            let signed = consent_bytes(model, &self.id, consent.rule, &open.params, by);
            if !is_signed(&by.key, &signed, &by.signature) {
                return wrong("its consent is not signed by the key that it names");
            }
        }
        if depth.rederive {
            let offer = offer_of(model, &artifact.layout, before, entry);
            let derived = step::step(model, &artifact.layout, before, &offer);
            if derived.entry.as_ref() != Some(entry) {
                return wrong("the rules give another entry");
            }
        }
        None
    }
}
