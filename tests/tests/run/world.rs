//! What the tests of this suite share: examples as classes, hosts with scripted inputs.

use aqo_compiler::{CheckedModel, Database, SourceFile, db, emit};
use aqo_runtime::config::HostConfig;
use aqo_runtime::environment::{RealDisk, RealRandom, VirtualClock};
use aqo_runtime::host::{BirthValues, Host, Observer, Parts, Recorded};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The directory of an example.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// The Model of an example.
pub(crate) fn model(name: &str) -> Arc<CheckedModel> {
    let path = example(name).join(format!("{name}.aqo"));
    model_of(name, std::fs::read_to_string(path).unwrap())
}

pub(crate) fn model_of(name: &str, text: String) -> Arc<CheckedModel> {
    let database = Database::default();
    let file = SourceFile::new(&database, name.to_owned(), text);
    let object = db::objects(&database, file)[0].0;
    let checked = db::object_of(&database, file, object);
    checked.model.clone().unwrap_or_else(|| panic!("{name}: {:#?}", checked.problems))
}

/// The component of a text.
pub(crate) fn component_of(text: &str) -> Vec<u8> {
    let model = model_of("text", text.to_owned());
    emit::component(model.model(), &emit::Options::default()).unwrap()
}

/// The component of an example.
pub(crate) fn component(name: &str) -> Vec<u8> {
    emit::component(model(name).model(), &emit::Options::default()).unwrap()
}

/// Every example.
pub(crate) const EXAMPLES: [&str; 8] = [
    "spending_guard",
    "cold_chain",
    "thermostat",
    "pump_station",
    "milestones",
    "machine_twin",
    "lease",
    "medicine_cabinet",
];

/// Keeps the heads of what was recorded.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    pub(crate) heads: Vec<String>,
    pub(crate) notes: Vec<String>,
}

impl Observer for Heads {
    fn recorded(&mut self, recorded: &Recorded<'_>) {
        self.heads.push(recorded.head.to_string());
    }

    fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }
}

/// A host on a virtual clock that jumps.
pub(crate) fn host(
    directory: &Path,
    config: Option<HostConfig>,
    observer: &mut dyn Observer,
) -> aqo_runtime::error::Result<Host> {
    let start = 1_798_761_600_000_000;
    let parts = Parts {
        disk: Box::new(RealDisk),
        clock: Box::new(move |last| {
            Box::new(VirtualClock::new(if last > 0 { last } else { start }, None))
        }),
        random: Box::new(RealRandom),
        config: config.unwrap_or_default(),
        is_virtual: Some(true),
    };
    Host::open(directory, parts, observer)
}

/// The thermostat's own room.
pub(crate) fn room() -> HostConfig {
    HostConfig::read(&example("thermostat").join("host.toml")).unwrap()
}

/// Births for development.
pub(crate) fn development() -> BirthValues {
    BirthValues { development: true, ..BirthValues::default() }
}

/// The same with an example's own birth values: the lines below `[run.birth]` of its manifest.
pub(crate) fn birth_of(name: &str) -> BirthValues {
    let manifest = std::fs::read_to_string(example(name).join("aqo.toml")).unwrap();
    let lines = manifest.lines().skip_while(|line| *line != "[run.birth]").skip(1);
    let pairs = lines.filter_map(|line| line.split_once(" = "));
    let fields =
        pairs.map(|(field, value)| (field.to_owned(), value.trim_matches(['"', '\'']).to_owned()));
    BirthValues { fields: fields.collect(), ..development() }
}

/// Runs a host until it has recorded so many entries more.
pub(crate) fn run(host: &mut Host, entries: u64, observer: &mut dyn Observer) {
    let mut count = 0;
    while count < entries {
        count += host.tick(entries - count, observer).unwrap();
        let due = host.next_due();
        host.clock().idle_until(due);
    }
}
