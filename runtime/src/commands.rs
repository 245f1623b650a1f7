//! The commands of `aqr`.

mod keys;

use aqo_model::image::Image;
use aqo_model::value::Bytes32;
use aqo_runtime::class::Class;
use aqo_runtime::config::HostConfig;
use aqo_runtime::door;
use aqo_runtime::environment::RealDisk;
use aqo_runtime::error::{Error, Result};
use aqo_runtime::host::{BirthValues, Saying, pick};
use aqo_runtime::present::{self, Lines, print};
use aqo_runtime::run::{self, Options, Speed};
use aqo_runtime::sign::SignedMessage;
use aqo_runtime::store::Store;
use aqo_runtime::verify::{self, Depth};
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use serde_json::json;
use std::path::{Path, PathBuf};

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 refused or found wanting, 2 wrong use or file system, 3 internal fault.";

/// Keeps aqo objects resident: ticks them, admits each step, records every decision.
#[derive(Parser)]
#[command(name = "aqr", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a component until Ctrl-C.
    ///
    /// Example: aqr run thermostat.wasm --store home --host host.toml
    Run(Run),
    /// Give birth to an object in a store.
    ///
    /// Example: aqr birth thermostat.wasm --store home --role operator=ann.pem --role service=bo.pem
    Birth(Birth),
    /// List the objects of a store.
    ///
    /// Example: aqr ls --store home
    Ls(Look),
    /// Show an object: its state, trust, roles and head.
    ///
    /// Example: aqr show thermostat --store home
    Show(One),
    /// Say something to an object.
    ///
    /// Example: aqr send thermostat adjust to=21.50 --as operator --store home
    Send(Send),
    /// Sign a message or a reading, away from every store.
    ///
    /// Examples:
    /// aqr sign thermostat.wasm adjust to=21.50 --object 6f…41 --as operator --key ann
    /// aqr sign shed.wasm heat=21 --object 6f…41 --key probe
    ///
    /// It prints a line: of a message for `aqr send --signed`, of a reading what a provider answers.
    #[command(verbatim_doc_comment)]
    Sign(keys::Sign),
    /// Consent to what a rule of an object would do.
    ///
    /// Example: aqr approve purse pay_by_consent --as approvers --key ann --store home
    Approve(Approve),
    /// Print the lineage of an object, an entry a line.
    ///
    /// Example: aqr log thermostat --store home
    Log(One),
    /// Check every lineage of a store from birth: chain, states, signatures.
    ///
    /// Example: aqr verify --store home --rederive
    Verify(Verify),
    /// Make keys.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Print what makes a shell complete commands and flags.
    ///
    /// Example: aqr completions bash > ~/.local/share/bash-completion/completions/aqr
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Args)]
struct Look {
    /// The store.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// JSON, an object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct One {
    /// Its name, its id, or the beginning of its id.
    object: String,
    #[command(flatten)]
    look: Look,
}

#[derive(Args)]
struct Run {
    /// The component.
    component: PathBuf,
    /// The store; without it a temporary directory, which is printed.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// What inputs and events are bound to.
    #[arg(long, value_name = "FILE")]
    host: Option<PathBuf>,
    /// Stop after so many entries; time runs at `max` then, unless told otherwise.
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// How fast time passes: a number, or `max`. Anything but 1 is a virtual clock.
    #[arg(long, value_name = "K")]
    speed: Option<Speed>,
    #[command(flatten)]
    values: Values,
    /// JSON, an entry a line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Birth {
    /// The component.
    component: PathBuf,
    /// The store.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// What inputs and events are bound to.
    #[arg(long, value_name = "FILE")]
    host: Option<PathBuf>,
    #[command(flatten)]
    values: Values,
    /// JSON, an entry a line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Values {
    /// What to call the object here.
    #[arg(long)]
    name: Option<String>,
    /// A birth value.
    #[arg(long = "with", value_name = "FIELD=VALUE", value_parser = pair)]
    with: Vec<(String, String)>,
    /// The key of a role: its file, its name, or 64 hex digits of a public key; of a set several, with
    /// commas.
    #[arg(long = "role", value_name = "ROLE=KEY", value_parser = pair)]
    role: Vec<(String, String)>,
    /// Make keys for roles that have none, and keep them in the store.
    #[arg(long)]
    development: bool,
}

#[derive(Args)]
struct Send {
    /// The object: its name, its id, or the beginning of its id.
    object: String,
    /// The message.
    #[arg(required_unless_present = "signed")]
    message: Option<String>,
    /// What it carries.
    #[arg(value_name = "NAME=VALUE", value_parser = pair)]
    values: Vec<(String, String)>,
    /// A message that `aqr sign` made: its file, or `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["message", "values", "role", "key"])]
    signed: Option<PathBuf>,
    /// The role in whose name it is sent.
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
    /// The key that signs it; otherwise the role's own, if it is at hand.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// What inputs and events are bound to.
    #[arg(long, value_name = "FILE")]
    host: Option<PathBuf>,
    #[command(flatten)]
    look: Look,
}

#[derive(Args)]
struct Approve {
    /// The object: its name, its id, or the beginning of its id.
    object: String,
    /// The rule.
    rule: String,
    /// The role in whose name it is; otherwise the first that has a say and that the key holds.
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
    /// The key that signs it: a file, or a name under which it is kept.
    #[arg(long, value_name = "KEY")]
    key: Option<PathBuf>,
    #[command(flatten)]
    look: Look,
}

#[derive(Args)]
struct Verify {
    #[command(flatten)]
    look: Look,
    /// Also derive every step again from the rules.
    #[arg(long)]
    rederive: bool,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Make a key in your configuration directory, and print its public half.
    ///
    /// Example: aqr key new operator
    New {
        /// What to call it.
        name: String,
        /// Where to put it instead.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

fn pair(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Does what the arguments say.
pub(crate) fn execute(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Command::Run(run) => run_component(run),
        Command::Birth(birth) => give_birth(birth),
        Command::Ls(look) => list(&look),
        Command::Show(one) => show(&one),
        Command::Send(send) => send_message(&send),
        Command::Sign(arguments) => keys::sign(&arguments),
        Command::Approve(approve) => consent(&approve),
        Command::Log(one) => log(&one),
        Command::Verify(verify) => verify_store(&verify),
        Command::Key { command: KeyCommand::New { name, out } } => keys::make(&name, out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "aqr", &mut script);
            print(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
    }
}

/// The configuration that is named, or the one in the store.
fn config(path: Option<&Path>, store: Option<&Path>) -> Result<Option<HostConfig>> {
    let kept = || store.map(|store| store.join("host.toml")).filter(|path| path.exists());
    path.map(Path::to_owned).or_else(kept).map(|path| HostConfig::read(&path)).transpose()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::io("read", path, &e))
}

fn birth_values(values: &Values) -> Result<BirthValues> {
    let mut roles = std::collections::BTreeMap::new();
    for (role, keys) in &values.role {
        let held: &mut Vec<_> = roles.entry(role.clone()).or_default();
        for key in keys.split(',').filter(|key| !key.is_empty()) {
            held.push(match Bytes32::from_hex(key) {
                Some(public) => public,
                None => keys::person_key(Path::new(key))?.public(),
            });
        }
    }
    Ok(BirthValues {
        fields: values.with.iter().cloned().collect(),
        roles,
        development: values.development,
    })
}

fn run_component(arguments: Run) -> Result<()> {
    let component = read(&arguments.component)?;
    let default = if arguments.steps.is_some() { Speed::Max } else { Speed::Real };
    let options = Options {
        config: config(arguments.host.as_deref(), arguments.store.as_deref())?.unwrap_or_default(),
        store: arguments.store,
        steps: arguments.steps,
        speed: arguments.speed.unwrap_or(default),
        name: arguments.values.name.clone(),
        birth: birth_values(&arguments.values)?,
    };
    let mut lines = Lines::new(arguments.json);
    let summary = run::run(&component, options, &run::Wakes::on_signal()?, &mut lines)?;
    if !arguments.json {
        print(&format!("stopped after {} entries, head {}", summary.entries, summary.head.short()));
    }
    lines.written()
}

fn give_birth(arguments: Birth) -> Result<()> {
    let component = read(&arguments.component)?;
    let config = config(arguments.host.as_deref(), Some(&arguments.store))?.unwrap_or_default();
    let mut lines = Lines::new(arguments.json);
    let is_new = !arguments.store.join("store.json").exists();
    let mut host = if is_new {
        run::open(&arguments.store, Some(Speed::Real), config, &mut lines)?
    } else {
        run::open_as_it_is(&arguments.store, config, &mut lines)?
    };
    let artifact = host.load(&component)?;
    let class =
        host.class(&artifact).ok_or_else(|| Error::internal("the class was just loaded"))?;
    let name = arguments.values.name.clone();
    let name = name.unwrap_or_else(|| run::snake(&class.artifact.model.schema.object));
    let id = host.birth(&artifact, &name, &birth_values(&arguments.values)?, &mut lines)?;
    if !arguments.json {
        print(&format!("born: {name} {id}"));
    }
    host.stop()
}

fn list(look: &Look) -> Result<()> {
    let reading = reading(look, Depth::default())?;
    for lineage in reading.lineages.values() {
        let image = &lineage.follower.image;
        let line = if look.json {
            json!({
                "version": 1, "name": lineage.name, "id": lineage.id.to_string(),
                "entries": image.tail.sequence, "head": image.tail.head.to_string(),
            })
            .to_string()
        } else {
            format!(
                "{}  {}  {} entries  head {}",
                lineage.id.short(),
                lineage.name,
                image.tail.sequence,
                image.tail.head.short()
            )
        };
        print(&line);
    }
    Ok(())
}

fn reading(look: &Look, depth: Depth) -> Result<verify::Reading> {
    let store = Store::look(&look.store, Box::new(RealDisk))?;
    verify::read(&store, depth)
}

/// The lineage that is meant, and its class.
fn find<'r>(reading: &'r verify::Reading, name: &str) -> Result<(&'r verify::Lineage, &'r Class)> {
    let known: Vec<_> = reading.lineages.values().map(|l| (l.name.as_str(), l.id)).collect();
    let lineage = reading.lineages.get(&pick(name, &known)?);
    let class = lineage.and_then(|lineage| reading.classes.get(&lineage.artifact));
    lineage.zip(class).ok_or_else(|| Error::internal("an object without a class"))
}

fn show(one: &One) -> Result<()> {
    let reading = reading(&one.look, Depth::default())?;
    let (lineage, class) = find(&reading, &one.object)?;
    let image = &lineage.follower.image;
    let resident = lineage.resident(class);
    if one.look.json {
        print(&present::object_json(&resident, class, image.state.now).to_string());
    } else {
        present::object(&resident, class, image.state.now).iter().for_each(|line| print(line));
    }
    Ok(())
}

fn log(one: &One) -> Result<()> {
    let reading = reading(&one.look, Depth::default())?;
    let (lineage, class) = find(&reading, &one.object)?;
    let (model, layout) = (&class.artifact.model, &class.artifact.layout);
    let mut image = Image::unborn(model, layout);
    for (entry, head) in &lineage.entries {
        let line = if one.look.json {
            present::entry_json(model, &lineage.name, &image, entry, head).to_string()
        } else {
            present::line(model, &image, entry, head)
        };
        print(&line);
        if aqo_model::step::apply(model, layout, &mut image, entry).is_err() {
            break;
        }
    }
    match &lineage.fault {
        Some(fault) => {
            Err(Error::refused(format!("the lineage of {} ends here: {fault}", lineage.name)))
        }
        None => Ok(()),
    }
}

fn verify_store(arguments: &Verify) -> Result<()> {
    let reading = reading(&arguments.look, Depth { rederive: arguments.rederive })?;
    let mut faults = Vec::new();
    for lineage in reading.lineages.values() {
        let count = lineage.entries.len();
        let line = if arguments.look.json {
            json!({
                "version": 1, "name": lineage.name, "id": lineage.id.to_string(), "entries": count,
                "head": lineage.follower.head().to_string(), "fault": lineage.fault.as_ref().map(ToString::to_string),
            })
            .to_string()
        } else {
            match &lineage.fault {
                None => format!(
                    "{}: {count} entries hold, head {}",
                    lineage.name,
                    lineage.follower.head().short()
                ),
                Some(fault) => format!("{}: {count} entries hold, then {fault}", lineage.name),
            }
        };
        print(&line);
        faults.extend(lineage.fault.as_ref().map(|fault| format!("{}: {fault}", lineage.name)));
    }
    faults.extend(reading.lost.clone());
    if let (Some(damage), true) = (&reading.scan.damage, faults.is_empty()) {
        faults.push(format!(
            "the log is damaged at segment {}, byte {}",
            damage.segment, damage.offset
        ));
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!("the store does not verify:\n  {}", faults.join("\n  ")))
        .help("restore it from a backup; what holds can still be read with `aqr log`"))
}

fn send_message(arguments: &Send) -> Result<()> {
    let signed = arguments.signed.as_deref().map(|file| {
        let line = if file == Path::new("-") {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(file)
        };
        let line = line.map_err(|e| Error::io("read", file, &e))?;
        SignedMessage::read(line.trim())
    });
    let saying = Saying {
        object: arguments.object.clone(),
        message: arguments.message.clone().unwrap_or_default(),
        consents: false,
        values: arguments.values.clone(),
        role: arguments.role.clone(),
        key: key_named(arguments.key.as_deref())?,
        signed: signed.transpose()?,
        json: arguments.look.json,
    };
    say(&saying, &arguments.look, arguments.host.as_deref())
}

fn consent(arguments: &Approve) -> Result<()> {
    let saying = Saying {
        object: arguments.object.clone(),
        message: arguments.rule.clone(),
        consents: true,
        values: Vec::new(),
        role: arguments.role.clone(),
        key: key_named(arguments.key.as_deref())?,
        signed: None,
        json: arguments.look.json,
    };
    say(&saying, &arguments.look, None)
}

/// A key's file wherever the store is looked at from, or the name of a key.
fn key_named(key: Option<&Path>) -> Result<Option<PathBuf>> {
    match key {
        Some(key) if key.exists() => std::path::absolute(key)
            .map(Some)
            .map_err(|e| Error::usage(format!("the key file cannot be found: {e}"))),
        Some(key) => Ok(Some(key.to_owned())),
        None => Ok(None),
    }
}

/// Says it through the door of whoever owns the store, or as its owner.
fn say(saying: &Saying, look: &Look, host: Option<&Path>) -> Result<()> {
    if let Some(said) = door::ask(&look.store, saying)? {
        said.lines.iter().for_each(|line| print(line));
        return said.result();
    }
    let mut lines = Lines::new(look.json);
    let config = config(host, Some(&look.store))?;
    let rebinds = config.is_some();
    let config = config.unwrap_or_default();
    let mut host = run::open_as_it_is(&look.store, config, &mut lines)?;
    if rebinds {
        let id = host.find(&saying.object)?;
        host.rebind(&id, &mut lines)?;
    }
    let refused = host.say(saying, &mut lines)?;
    host.stop()?;
    door::end(refused)
}
