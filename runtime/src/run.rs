//! `run`: a component, resident and ticking, until it is told to stop.

use crate::config::HostConfig;
use crate::door::{Door, Said, Wake};
use crate::environment::{Clock, Random, RealClock, RealDisk, RealRandom, VirtualClock};
use crate::error::{Error, Result};
use crate::host::{BirthValues, Host, Observer, Parts, Recorded, Saying};
use crate::present;
use aqo_model::types::NEVER;
use aqo_model::value::Bytes32;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// How fast time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As on the machine's clock.
    Real,
    /// So many times as fast, on a virtual clock.
    Times(f64),
    /// A virtual clock that jumps to whatever is due next.
    Max,
}

/// The first instant of a virtual clock that has no past: 2027-01-01.
const VIRTUAL_START: i64 = 1_798_761_600_000_000;
/// How long to wait at most before looking again whether to stop.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// What `run` is told.
pub struct Options {
    /// The store; a temporary directory if there is none.
    pub store: Option<PathBuf>,
    /// Stop after so many entries, births excluded.
    pub steps: Option<u64>,
    /// How fast time passes.
    pub speed: Speed,
    /// What is bound.
    pub config: HostConfig,
    /// What to call a new object; its own name if none.
    pub name: Option<String>,
    /// What a new object is born with.
    pub birth: BirthValues,
}

/// How a run ended.
pub struct Summary {
    /// The store.
    pub store: PathBuf,
    /// Entries recorded, births excluded.
    pub entries: u64,
    /// The object.
    pub id: Bytes32,
    /// The digest of its last entry.
    pub head: Bytes32,
}

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Speed, String> {
        if text == "max" {
            return Ok(Speed::Max);
        }
        match text.parse::<f64>() {
            Ok(1.0) => Ok(Speed::Real),
            Ok(times) if (0.001..=1e9).contains(&times) => Ok(Speed::Times(times)),
            Ok(_) | Err(_) => {
                Err("a speed is `max` or a number from 0.001 to 1000000000, such as 60".to_owned())
            }
        }
    }
}

/// Opens a host at a directory.
pub fn open(
    directory: &Path,
    speed: Option<Speed>,
    config: HostConfig,
    observer: &mut dyn Observer,
) -> Result<Host> {
    let is_virtual = speed.map(|speed| speed != Speed::Real);
    let clock = move |last: i64| -> Box<dyn Clock> {
        let start = if last > 0 { last } else { VIRTUAL_START };
        match speed {
            Some(Speed::Real) => Box::new(RealClock),
            Some(Speed::Times(times)) => Box::new(VirtualClock::new(start, Some(times))),
            Some(Speed::Max) => Box::new(VirtualClock::new(start, None)),
            None => Box::new(RealClock),
        }
    };
    let parts = Parts {
        disk: Box::new(RealDisk),
        clock: Box::new(clock),
        random: Box::new(RealRandom),
        config,
        is_virtual,
    };
    Host::open(directory, parts, observer)
}

/// Opens a store as it is, with the kind of clock that it has.
pub fn open_as_it_is(
    directory: &Path,
    config: HostConfig,
    observer: &mut dyn Observer,
) -> Result<Host> {
    let about = crate::store::Store::look(directory, Box::new(RealDisk))?.about;
    let speed = if about.is_virtual { Speed::Max } else { Speed::Real };
    open(directory, Some(speed), config, observer)
}

/// Runs a component until it is told to stop, or has recorded as many entries as were asked for.
pub fn run(
    component: &[u8],
    options: Options,
    wakes: &Wakes,
    observer: &mut dyn Observer,
) -> Result<Summary> {
    let directory = match &options.store {
        Some(store) => store.clone(),
        None => temporary(observer)?,
    };
    let mut host = open(&directory, Some(options.speed), options.config, observer)?;
    let artifact = host.load(component)?;
    let id = resident(&mut host, &artifact, options.name, &options.birth, observer)?;
    host.rebind(&id, observer)?;
    unbound(&host, &id, observer);
    let _door = Door::open(&directory, wakes.sender.clone())?;
    let mut entries = 0;
    loop {
        if host.clock().now() >= NEVER {
            observer.note("the clock has come to the end of time: nothing is due any more");
            break;
        }
        let most = options.steps.map_or(u64::MAX, |steps| steps - entries);
        entries += host.tick(most, observer)?;
        if options.steps.is_some_and(|steps| entries >= steps) || observer.is_gone() {
            break;
        }
        let due = host.next_due();
        if due == NEVER && options.speed == Speed::Max {
            observer.note("nothing is due any more");
            break;
        }
        host.clock().idle_until(due);
        match wakes.receiver.recv_timeout(host.clock().until(due).min(PATIENCE)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Wake::Say(saying, asker)) => entries += say(&mut host, &saying, &asker, observer),
            Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let (object, class) = host.object(&id).ok_or_else(|| Error::internal("the object has gone"))?;
    let head = crate::host::head(object, class);
    host.stop()?;
    Ok(Summary { store: directory, entries, id, head })
}

/// What may wake a run: Ctrl-C, a request to terminate, somebody at the door.
pub struct Wakes {
    sender: Sender<Wake>,
    receiver: Receiver<Wake>,
}

impl Default for Wakes {
    fn default() -> Wakes {
        let (sender, receiver) = std::sync::mpsc::channel();
        Wakes { sender, receiver }
    }
}

impl Wakes {
    /// What wakes the run from another thread.
    pub fn sender(&self) -> Sender<Wake> {
        self.sender.clone()
    }

    /// Wakes by the signals of this process. A process has one of these.
    pub fn on_signal() -> Result<Wakes> {
        let wakes = Wakes::default();
        let stop = wakes.sender();
        ctrlc::set_handler(move || {
            // The receiver has gone when the run has ended by itself.
            let _ = stop.send(Wake::Stop);
        })
        .map_err(|error| Error::internal(format!("signals cannot be caught: {error}")))?;
        Ok(wakes)
    }
}

/// Passes everything on, and keeps the lines for whoever asked.
struct Overheard<'o> {
    observer: &'o mut dyn Observer,
    json: bool,
    lines: Vec<String>,
}

impl Observer for Overheard<'_> {
    fn recorded(&mut self, recorded: &Recorded<'_>) {
        self.lines.push(present::recorded_line(recorded, self.json));
        self.observer.recorded(recorded);
    }

    fn note(&mut self, note: &str) {
        self.observer.note(note);
    }
}

/// Says what somebody at the door wants to say, and answers. Gives how many entries that left.
fn say(host: &mut Host, saying: &Saying, asker: &Sender<Said>, observer: &mut dyn Observer) -> u64 {
    let mut overheard = Overheard { observer, json: saying.json, lines: Vec::new() };
    let result = host.say(saying, &mut overheard);
    let lines = overheard.lines;
    let count = lines.len() as u64;
    let (refused, wrong) = match result {
        Ok(refused) => (refused, None),
        Err(error) => (None, Some(error.to_string())),
    };
    // Whoever asked may have gone; what was said is recorded all the same.
    let _ = asker.send(Said { lines, refused, wrong });
    count
}

fn temporary(observer: &mut dyn Observer) -> Result<PathBuf> {
    let mut bytes = [0; 8];
    RealRandom.fill(&mut bytes);
    let name = format!("aqo-{:016x}", u64::from_le_bytes(bytes));
    let directory = temp_dir().join(name);
    observer.note(&format!("no --store was named: the lineage goes to {}", directory.display()));
    Ok(directory)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a run without a store goes where the environment says"
)]
fn temp_dir() -> PathBuf {
    std::env::temp_dir()
}

/// The object that the component continues, or a new one.
fn resident(
    host: &mut Host,
    artifact: &Bytes32,
    name: Option<String>,
    birth: &BirthValues,
    observer: &mut dyn Observer,
) -> Result<Bytes32> {
    let class = host.class(artifact).ok_or_else(|| Error::internal("the class was just loaded"))?;
    let name = name.unwrap_or_else(|| snake(&class.artifact.model.schema.object));
    let id = class.id;
    let existing = host.objects().find(|(object, _)| object.name == name);
    match existing.map(|(object, class)| (object.id, class.id)) {
        None => host.birth(artifact, &name, birth, observer),
        Some((object, class)) if class == id => Ok(object),
        Some((_, class)) => {
            let text = format!(
                "`{name}` lives here with class {}, and this component is class {}",
                class.short(),
                id.short()
            );
            Err(Error::refused(text).help("use another store, or another name: `--name other`"))
        }
    }
}

/// Says which inputs and capabilities are bound to nothing, and what is bound that nothing has.
fn unbound(host: &Host, id: &Bytes32, observer: &mut dyn Observer) {
    let Some((object, class)) = host.object(id) else { return };
    let schema = &class.artifact.model.schema;
    let inputs = schema
        .inputs
        .iter()
        .filter(|input| host.config().input(&object.name, &input.name).is_none());
    let capabilities =
        schema.capabilities.iter().filter(|c| host.config().capability(&object.name, c).is_none());
    for name in inputs.map(|input| &input.name) {
        observer.note(&format!("no provider is bound to the input `{name}`: it is none"));
    }
    for name in capabilities {
        observer.note(&format!(
            "no provider is bound to `{name}`: what it carries out is withheld or held"
        ));
    }
    let objects: Vec<_> = (host.objects())
        .map(|(object, class)| (object.name.as_str(), &class.artifact.model.schema))
        .collect();
    host.config().idle(&objects).iter().for_each(|note| observer.note(note));
}

/// `SpendingGuard`: `spending_guard`.
pub fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (place, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && place > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
