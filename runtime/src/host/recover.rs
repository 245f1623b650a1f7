//! Recovery: the newest checkpoint that verifies, then every entry after it. No rule runs.

use super::{Resident, deliver};
use crate::class::Class;
use crate::error::{Error, Result};
use crate::lineage::{Follower, served_after};
use crate::store::Store;
use crate::store::checkpoint::{self, Checkpoint};
use crate::store::log::{self, Damage, Found, Record, Scan};
use aqo_model::entry::Entry;
use aqo_model::step::next_due;
use aqo_model::value::Bytes32;
use std::collections::BTreeMap;

/// What was found in a store.
pub(super) struct Recovered {
    pub(super) scan: Scan,
    pub(super) classes: BTreeMap<Bytes32, Class>,
    pub(super) objects: BTreeMap<Bytes32, Resident>,
    /// The latest logical time of any object.
    pub(super) last_now: i64,
    pub(super) notes: Vec<String>,
}

pub(super) fn recover(store: &Store) -> Result<Recovered> {
    let disk = store.disk.as_ref();
    let scan = log::scan(disk, &store.log_directory())?;
    let mut notes = Vec::new();
    if let Some(damage) = &scan.damage {
        // A store that was ever used begins with a sound record.
        if damage.is_corruption || scan.records.is_empty() {
            return Err(corruption(damage));
        }
        notes.push(format!(
            "the last write was torn at segment {}, byte {}; what it held was never acknowledged",
            damage.segment, damage.offset
        ));
    }
    let kept = checkpoint::newest(disk, &store.directory.join("images"))?;
    if let Some(lost) = kept.as_ref().and_then(|kept| kept.ahead_of(scan.end)) {
        return Err(Error::refused(lost).help(
            "what was acknowledged is missing, so nothing goes on from here; restore the log from a backup",
        ));
    }
    let mut recovery = Recovery { store, classes: BTreeMap::new(), living: BTreeMap::new() };
    let from = match kept {
        Some(kept) => recovery.start_from(kept)?,
        None => (0, 0),
    };
    for found in &scan.records {
        recovery.take(found, (found.segment, found.offset) >= from)?;
    }
    let last_now = recovery.living.values().map(|l| l.follower.image.state.now).max().unwrap_or(0);
    let Recovery { classes, living, .. } = recovery;
    let objects = living
        .into_iter()
        .filter_map(|(id, living)| {
            let class = classes.get(&living.resident.artifact)?;
            Some((id, living.settle(class)))
        })
        .collect();
    Ok(Recovered { scan, classes, objects, last_now, notes })
}

fn corruption(damage: &Damage) -> Error {
    let whose = match &damage.record {
        Some(Record::Entry { object, height, .. }) => {
            format!(" (entry {height} of {})", object.short())
        }
        Some(Record::Object { .. } | Record::Cursor { .. }) | None => String::new(),
    };
    let text =
        format!("the log is damaged at segment {}, byte {}{whose}", damage.segment, damage.offset);
    Error::refused(text).help(
        "entries stand after the damage, so nothing was cut off; restore the segment from a backup",
    )
}

struct Living {
    resident: Resident,
    follower: Follower,
}

impl Living {
    fn settle(mut self, class: &Class) -> Resident {
        let (model, image) = (&class.artifact.model, &self.follower.image);
        let served = self.resident.served;
        self.resident.next_due = next_due(model, &class.artifact.layout, &image.state, served);
        self.resident.image = self.follower.bytes(&class.artifact);
        self.resident
    }
}

struct Recovery<'s> {
    store: &'s Store,
    classes: BTreeMap<Bytes32, Class>,
    living: BTreeMap<Bytes32, Living>,
}

impl Recovery<'_> {
    fn class(&mut self, artifact: &Bytes32) -> Result<&Class> {
        if !self.classes.contains_key(artifact) {
            let class = Class::load(&self.store.artifact(artifact)?)?;
            self.classes.insert(*artifact, class);
        }
        self.classes.get(artifact).ok_or_else(|| Error::internal("a class was just loaded"))
    }

    fn start_from(&mut self, kept: Checkpoint) -> Result<(u64, u64)> {
        for object in kept.objects {
            let class = self.class(&object.artifact)?;
            let Some(follower) = Follower::from_image(&class.artifact, &object.image) else {
                return Err(Error::refused(format!(
                    "the image of {} in a checkpoint is not one of its class",
                    object.name
                ))
                .help("remove the directory `images`: it is made again from the log"));
            };
            let resident =
                Resident::new(object.object, object.name, object.artifact, object.served);
            self.living.insert(object.object, Living { resident, follower });
        }
        Ok(kept.position)
    }

    fn take(&mut self, found: &Found, is_new: bool) -> Result<()> {
        match &found.record {
            Record::Object { object, artifact, name } => {
                if is_new && !self.living.contains_key(object) {
                    let follower = Follower::unborn(&self.class(artifact)?.artifact);
                    let resident = Resident::new(*object, name.clone(), *artifact, 0);
                    self.living.insert(*object, Living { resident, follower });
                }
                Ok(())
            }
            Record::Cursor { object, served, delivered } => {
                if let (Some(living), true) = (self.living.get_mut(object), is_new) {
                    living.resident.served = *served;
                    living.follower.image.tail.delivered = *delivered;
                    living.resident.outbox.retain(|waiting| waiting.sequence() >= *delivered);
                }
                Ok(())
            }
            Record::Entry { object, height, previous, entry } => {
                self.take_entry(found, (object, *height), previous, entry, is_new)
            }
        }
    }

    fn take_entry(
        &mut self,
        found: &Found,
        (object, height): (&Bytes32, u64),
        previous: &Bytes32,
        bytes: &[u8],
        is_new: bool,
    ) -> Result<()> {
        let wrong = |name: &str, what: &str| {
            Error::refused(format!(
                "the lineage of {name} breaks at entry {height} (segment {}, byte {}): {what}",
                found.segment, found.offset
            ))
            .help("`aqr verify --store DIR` checks the whole store; restore it from a backup")
        };
        let Some(living) = self.living.get_mut(object) else {
            return Err(wrong(&object.short(), "no such object is declared before it"));
        };
        let Some(class) = self.classes.get(&living.resident.artifact) else { return Ok(()) };
        let artifact = &class.artifact;
        let name = living.resident.name.clone();
        let (entry, head) = if is_new {
            let entry = living
                .follower
                .follow(artifact, previous, bytes)
                .map_err(|e| wrong(&name, &e.what))?;
            if height == 0 && entry.object_id(&artifact.model, bytes) != *object {
                return Err(wrong(&name, "the object's id is not the digest of its birth"));
            }
            living.resident.served = served_after(living.resident.served, &entry);
            (entry, living.follower.head())
        } else if height >= living.follower.image.tail.delivered {
            // Before the checkpoint, but its events may not have been handed over.
            let (entry, body) = Entry::decode_prefix(&artifact.model, bytes)
                .map_err(|e| wrong(&name, &e.to_string()))?;
            let head = entry.head(&artifact.model, previous, bytes, body);
            (entry, head)
        } else {
            return Ok(());
        };
        living.resident.outbox.extend(deliver::waiting(&artifact.model, &entry, &head));
        Ok(())
    }
}
