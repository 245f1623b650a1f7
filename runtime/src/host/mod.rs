//! A host: a store, its objects, and what they are bound to.
//!
//! One turn of the loop ticks every object that is due, takes what was sent, makes everything
//! durable with one sync, and only then lets anything out: images, events, answers, lines for people.

mod bind;
mod birth;
mod deliver;
mod inputs;
mod patience;
mod recover;
mod say;
mod speak;

pub use birth::BirthValues;
pub use say::{Saying, message_of};

use crate::class::{Admitted, Answer, Class};
use crate::config::HostConfig;
use crate::environment::{Clock, Disk, Random};
use crate::error::{Error, Result};
use crate::keys::{self, Key};
use crate::lineage;
use crate::provider::Provider;
use crate::store::Store;
use crate::store::checkpoint::{self, Checkpoint, Kept};
use crate::store::log::{Log, Record};
use aqo_model::entry::Entry;
use aqo_model::image::Image;
use aqo_model::layout::tail;
use aqo_model::offer::Offer;
use aqo_model::value::Bytes32;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

/// An entry after which a checkpoint is written, counted over all objects.
const CHECKPOINT_EVERY: u64 = 4_096;

/// An object that lives here.
pub struct Resident {
    /// Its id.
    pub id: Bytes32,
    /// What people call it here.
    pub name: String,
    /// The digest of its artifact.
    pub artifact: Bytes32,
    /// Its image; never ahead of the lineage.
    pub image: Vec<u8>,
    /// Up to where its ticks have been judged.
    pub served: i64,
    /// When it wants to be ticked next.
    pub next_due: i64,
    /// What keeps it from being ticked.
    pub parked: Option<String>,
    /// Messages turned away without an entry since the last one.
    pub ignored: u32,
    outbox: VecDeque<deliver::Waiting>,
}

impl Resident {
    /// An object of which nothing is known but its name.
    pub fn new(id: Bytes32, name: String, artifact: Bytes32, served: i64) -> Resident {
        let outbox = VecDeque::new();
        Resident {
            id,
            name,
            artifact,
            image: Vec::new(),
            served,
            next_due: 0,
            parked: None,
            ignored: 0,
            outbox,
        }
    }
}

/// A durable entry, for whoever watches.
pub struct Recorded<'r> {
    /// Whose.
    pub object: &'r Resident,
    /// Its class.
    pub class: &'r Class,
    /// The state before.
    pub before: &'r Image,
    /// The entry.
    pub entry: &'r Entry,
    /// Its digest.
    pub head: Bytes32,
}

/// Told of what happens, after it is durable.
pub trait Observer {
    /// An entry is durable.
    fn recorded(&mut self, recorded: &Recorded<'_>);
    /// Something that a person should know.
    fn note(&mut self, note: &str);
    /// Whether nobody watches any more, as when a pipe was closed.
    fn is_gone(&self) -> bool {
        false
    }
}

/// A host.
pub struct Host {
    store: Store,
    log: Log,
    key: Key,
    config: HostConfig,
    providers: BTreeMap<String, Box<dyn Provider>>,
    clock: Box<dyn Clock>,
    random: Box<dyn Random>,
    classes: BTreeMap<Bytes32, Class>,
    objects: BTreeMap<Bytes32, Resident>,
    since_checkpoint: u64,
    pending: Vec<Pending>,
    /// The last fault of each provider that was told of.
    told: BTreeMap<String, String>,
    /// Inputs of which the last reading could not be used, and why.
    unusable: BTreeMap<(Bytes32, u16), inputs::Useless>,
    /// What is to be told of them.
    doubts: Vec<String>,
    patience: patience::Patience,
}

/// A step that waits to be durable.
struct Pending {
    object: Bytes32,
    before: Vec<u8>,
    admitted: Admitted,
}

/// What a host is made from.
pub struct Parts {
    /// Files.
    pub disk: Box<dyn Disk>,
    /// Makes the clock from the last instant of the store.
    pub clock: Box<dyn FnOnce(i64) -> Box<dyn Clock>>,
    /// Randomness.
    pub random: Box<dyn Random>,
    /// What is bound.
    pub config: HostConfig,
    /// Whether time is virtual; `None` leaves it to the store.
    pub is_virtual: Option<bool>,
}

impl Host {
    /// Opens a store as its owner and recovers its objects.
    pub fn open(directory: &Path, parts: Parts, observer: &mut dyn Observer) -> Result<Host> {
        let mut random = parts.random;
        let store = Store::own(directory, parts.disk, parts.is_virtual)?;
        let (key, _) =
            Key::read_or_make(store.disk.as_ref(), &keys::host_path(directory), random.as_mut())?;
        let recovered = recover::recover(&store)?;
        for note in &recovered.notes {
            observer.note(note);
        }
        let log = Log::open(store.disk.as_ref(), &store.log_directory(), &recovered.scan)?;
        let config = parts.config;
        for class in recovered.classes.values() {
            class.require_affordable(config.limits.step_instructions)?;
        }
        let mut host = Host {
            log,
            key,
            providers: config.providers(&whole(&store.directory)),
            config,
            clock: (parts.clock)(recovered.last_now),
            random,
            classes: recovered.classes,
            objects: recovered.objects,
            since_checkpoint: 0,
            pending: Vec::new(),
            told: BTreeMap::new(),
            unusable: BTreeMap::new(),
            doubts: Vec::new(),
            patience: patience::Patience::default(),
            store,
        };
        host.hold_back(recovered.last_now, observer);
        Ok(host)
    }

    /// The objects that live here.
    pub fn objects(&self) -> impl Iterator<Item = (&Resident, &Class)> {
        self.objects
            .values()
            .filter_map(|object| Some((object, self.classes.get(&object.artifact)?)))
    }

    /// The object of this name, id or unique beginning of an id.
    pub fn find(&self, name: &str) -> Result<Bytes32> {
        let known: Vec<_> = self.objects.values().map(|o| (o.name.as_str(), o.id)).collect();
        pick(name, &known)
    }

    /// The object with this id, and its class.
    pub fn object(&self, id: &Bytes32) -> Option<(&Resident, &Class)> {
        let object = self.objects.get(id)?;
        Some((object, self.classes.get(&object.artifact)?))
    }

    /// The earliest instant at which anything is due.
    pub fn next_due(&self) -> i64 {
        let due = self
            .objects
            .values()
            .filter(|object| object.parked.is_none())
            .map(|object| object.next_due);
        due.min().unwrap_or(aqo_model::types::NEVER)
    }

    /// The clock.
    pub fn clock(&mut self) -> &mut dyn Clock {
        self.clock.as_mut()
    }

    /// Takes a component into the store.
    pub fn load(&mut self, component: &[u8]) -> Result<Bytes32> {
        let class = Class::load(component)?;
        class.require_affordable(self.config.limits.step_instructions)?;
        let digest = self.store.keep_artifact(component)?;
        self.classes.entry(digest).or_insert(class);
        Ok(digest)
    }

    /// The class of an artifact.
    pub fn class(&self, artifact: &Bytes32) -> Option<&Class> {
        self.classes.get(artifact)
    }

    /// Offers every due tick, object by object, until nothing is due, and makes it durable. Says how
    /// many entries there were.
    pub fn tick(&mut self, most: u64, observer: &mut dyn Observer) -> Result<u64> {
        let now = self.clock.now();
        let mut count = 0;
        let due: Vec<Bytes32> = (self.objects.values())
            .filter(|object| object.parked.is_none() && object.next_due <= now)
            .map(|object| object.id)
            .collect();
        for id in due {
            // An object may owe several deadlines, each a step of its own.
            while count < most
                && self.objects.get(&id).is_some_and(|o| o.parked.is_none() && o.next_due <= now)
            {
                let before = self.objects.get(&id).map_or(0, |object| object.next_due);
                let entry = self.offer_tick(id, now, observer);
                count += u64::from(entry);
                let after = self.objects.get(&id).map_or(0, |object| object.next_due);
                if !entry && after <= before {
                    self.park(id, "it asks to be ticked without end", observer);
                }
            }
        }
        self.commit(observer)?;
        self.deliver(now, observer);
        self.report_faults(observer);
        Ok(count)
    }

    /// Tells of providers that have begun to fail; each is told of once, until it says otherwise. Of
    /// what they say, see [`inputs`].
    pub(super) fn report_faults(&mut self, observer: &mut dyn Observer) {
        for (name, provider) in &mut self.providers {
            if let Some(fault) = provider.fault()
                && self.told.insert(name.clone(), fault.clone()).as_ref() != Some(&fault)
            {
                observer.note(&format!("provider {name}: {fault}"));
            }
        }
        for doubt in std::mem::take(&mut self.doubts) {
            observer.note(&doubt);
        }
    }

    /// One tick of one object. Whether it leaves an entry.
    fn offer_tick(&mut self, id: Bytes32, now: i64, observer: &mut dyn Observer) -> bool {
        let inputs = self.inputs(&id, now);
        let Some(object) = self.objects.get_mut(&id) else { return false };
        let Some(class) = self.classes.get_mut(&object.artifact) else { return false };
        let offer = Offer { ignored: object.ignored, ..Offer::tick(now, object.served, inputs) };
        match class.step(&object.image, &offer, self.random.as_mut()) {
            Ok(Answer { admitted: Some(admitted), served, next_due, .. }) => {
                object.ignored = 0;
                self.record(id, admitted, served, next_due);
                true
            }
            Ok(Answer { admitted: None, served, next_due, .. }) => {
                object.served = served;
                object.next_due = next_due;
                false
            }
            Err(error) => {
                self.park(id, &error.to_string(), observer);
                false
            }
        }
    }

    pub(super) fn park(&mut self, id: Bytes32, why: &str, observer: &mut dyn Observer) {
        if let Some(object) = self.objects.get_mut(&id) {
            object.parked = Some(why.to_owned());
            observer.note(&format!("{} is parked: {why}", object.name));
        }
    }

    fn record(&mut self, object: Bytes32, admitted: Admitted, served: i64, next_due: i64) {
        self.log.push(Record::Entry {
            object,
            height: admitted.entry().sequence,
            previous: admitted.previous(),
            entry: admitted.bytes().to_vec(),
        });
        let Some(resident) = self.objects.get_mut(&object) else { return };
        let image = admitted.image().to_vec();
        let before = std::mem::replace(&mut resident.image, image);
        resident.served = served;
        resident.next_due = next_due;
        self.pending.push(Pending { object, before, admitted });
    }

    /// Makes all steps since the last commit durable, and lets their effects out.
    pub fn commit(&mut self, observer: &mut dyn Observer) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.log.commit(self.store.disk.as_ref())?;
        let pending = std::mem::take(&mut self.pending);
        self.since_checkpoint += pending.len() as u64;
        for step in pending {
            let Some(object) = self.objects.get_mut(&step.object) else { continue };
            let Some(class) = self.classes.get(&object.artifact) else { continue };
            let (entry, head) = (step.admitted.entry(), step.admitted.head());
            object.outbox.extend(deliver::waiting(&class.artifact.model, entry, &head));
            let (model, layout) = (&class.artifact.model, &class.artifact.layout);
            let before = if entry.sequence == 0 {
                Image::unborn(model, layout)
            } else {
                Image::decode(model, layout, &step.before)
                    .ok_or_else(|| Error::internal("an image is damaged"))?
            };
            observer.recorded(&Recorded { object, class, before: &before, entry, head });
        }
        if self.since_checkpoint >= CHECKPOINT_EVERY {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Writes the images of all objects, so that the next start is short.
    pub fn checkpoint(&mut self) -> Result<()> {
        let objects = self.objects.values().map(|object| Kept {
            object: object.id,
            artifact: object.artifact,
            name: object.name.clone(),
            served: object.served,
            image: object.image.clone(),
        });
        let checkpoint = Checkpoint { position: self.log.end(), objects: objects.collect() };
        self.since_checkpoint = 0;
        checkpoint::write(
            self.store.disk.as_ref(),
            &self.store.directory.join("images"),
            &checkpoint,
        )
    }

    /// A clean stop: notes up to where ticks have been judged, and writes a checkpoint.
    pub fn stop(mut self) -> Result<()> {
        for object in self.objects.values() {
            self.log.push(cursor(object, self.classes.get(&object.artifact)));
        }
        self.log.commit(self.store.disk.as_ref())?;
        self.checkpoint()
    }

    /// What is bound.
    pub fn config(&self) -> &HostConfig {
        &self.config
    }

    /// The directory of the store.
    pub fn directory(&self) -> &Path {
        &self.store.directory
    }
}

/// The one of these objects that has this name, or whose id begins with it.
pub fn pick(wanted: &str, known: &[(&str, Bytes32)]) -> Result<Bytes32> {
    let named: Vec<_> = known.iter().filter(|(name, _)| *name == wanted).collect();
    let begins =
        |(_, id): &&(&str, Bytes32)| wanted.len() >= 4 && id.to_string().starts_with(wanted);
    let found = if named.is_empty() { known.iter().filter(begins).collect() } else { named };
    match found[..] {
        [(_, id)] => Ok(*id),
        [] => {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Err(Error::refused(format!("no object here is called `{wanted}`"))
                .help(format!("there is {names}")))
        }
        _ => Err(Error::refused(format!("several objects are called `{wanted}`"))
            .help("use more of the id")),
    }
}

/// The directory as a child process finds it, wherever it runs.
fn whole(directory: &Path) -> std::path::PathBuf {
    directory.canonicalize().unwrap_or_else(|_| directory.to_owned())
}

/// What is to be known of an object beside its lineage.
fn cursor(object: &Resident, class: Option<&Class>) -> Record {
    let at = class.map_or(0, |class| class.artifact.layout.state_size) + tail::DELIVERED;
    let delivered = object.image.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
    let delivered = delivered.map_or(0, u64::from_le_bytes);
    Record::Cursor { object: object.id, served: object.served, delivered }
}

/// The head of an object's lineage.
pub fn head(object: &Resident, class: &Class) -> Bytes32 {
    lineage::head_of(&class.artifact, &object.image)
}
