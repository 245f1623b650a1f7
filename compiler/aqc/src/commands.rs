//! The commands of `aqc`.

use crate::check::{Checked, Format, check};
use crate::levels::Flags;
use crate::project::Project;
use crate::{build, doc, fix, fmt, inspect, lock, new, test, watch};
use aqo_compiler::Code;
use aqo_compiler::cost::cost_of;
use aqo_compiler::levels::Levels;
use aqo_runtime::config::HostConfig;
use aqo_runtime::error::{Error, Result};
use aqo_runtime::host::BirthValues;
use aqo_runtime::present::{Lines, print};
use aqo_runtime::run::{self, Options, Speed};
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 errors or refused, 2 wrong use or file system, 3 internal fault.";

/// Compiles aqo objects to WebAssembly components, and runs them.
#[derive(Parser)]
#[command(name = "aqc", version = long_version(), after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a directory with an object to begin with, its scenarios and aqo.toml.
    ///
    /// Example: aqc new night_watch
    New {
        /// The directory; its last part names module and object.
        path: PathBuf,
    },
    /// Check sources and print what is wrong.
    ///
    /// Example: aqc check examples/thermostat -D warnings --format sarif
    Check(Check),
    /// Compile an object to a component, and keep the numbers of the project's names in aqo.lock.
    ///
    /// Example: aqc build examples/thermostat -o thermostat.wasm
    Build(Build),
    /// Compile an object and run it on the bundled runtime until Ctrl-C.
    ///
    /// Example: aqc run examples/thermostat --steps 20
    Run(Run),
    /// Run every scenario and property, on the interpreter and on the component.
    ///
    /// Example: aqc test examples/thermostat --coverage --junit results.xml
    Test(Test),
    /// Lay sources out: four spaces, a hundred columns, every comment kept.
    ///
    /// Example: aqc fmt examples --check --diff
    Fmt(Fmt),
    /// Explain a code: why it is a rule, a wrong program, a mended one.
    ///
    /// Example: aqc explain E3002
    Explain {
        /// The code.
        code: String,
    },
    /// Write down what sources declare, or the language itself, as one HTML page.
    ///
    /// Example: aqc doc examples/thermostat --out thermostat.html
    Doc(Doc),
    /// Print what a component carries: schema, policy, cycle, sizes, seal.
    ///
    /// Example: aqc inspect thermostat.wasm
    Inspect {
        /// The component.
        component: PathBuf,
        /// Only what steps cost at most, as a tree: the dearest part first.
        #[arg(long)]
        cost: bool,
        /// JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print what makes a shell complete commands and flags.
    ///
    /// Example: aqc completions bash > ~/.local/share/bash-completion/completions/aqc
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Args)]
struct Sources {
    /// An .aqo file, or a directory of them.
    path: PathBuf,
    #[command(flatten)]
    levels: Flags,
}

#[derive(Args)]
struct Check {
    #[command(flatten)]
    sources: Sources,
    /// How diagnostics are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// JSON lines: the same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Make the edits that diagnostics offer, then check what is left.
    ///
    /// Example: aqc check examples/thermostat --fix --dry-run
    #[arg(long)]
    fix: bool,
    /// With --fix: print what would change as a diff, and write nothing.
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// Also print what steps cost at most, as a tree: the dearest part first.
    #[arg(long)]
    cost: bool,
    /// Check again whenever a source, aqo.toml or aqo.lock changes, until Ctrl-C.
    ///
    /// Example: aqc check examples/thermostat --watch
    #[arg(long, conflicts_with = "fix")]
    watch: bool,
}

#[derive(Args)]
struct Test {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    options: test::Options,
    /// Test again whenever a source, aqo.toml or aqo.lock changes, until Ctrl-C.
    ///
    /// Example: aqc test examples/thermostat --watch
    #[arg(long)]
    watch: bool,
}

#[derive(Args)]
struct Fmt {
    /// .aqo files, directories that hold some at any depth, or - for standard input to output.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; list what would change, and exit with 1 if there is any.
    #[arg(long)]
    check: bool,
    /// Show what changes, line by line; for standard input, instead of its text.
    #[arg(long)]
    diff: bool,
}

#[derive(Args)]
struct Doc {
    /// An .aqo file, or a project.
    #[arg(required_unless_present = "book")]
    path: Option<PathBuf>,
    /// The reference of the language instead.
    ///
    /// Example: aqc doc --book --out aqo.html
    #[arg(long, conflicts_with_all = ["path", "json"])]
    book: bool,
    /// Where the page goes; otherwise to standard output.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// JSON instead of HTML.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Build {
    #[command(flatten)]
    sources: Sources,
    /// The object, where there are several.
    #[arg(long)]
    object: Option<String>,
    /// Where the component goes; otherwise beside the source.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Leave the source out, and its digest in.
    #[arg(long)]
    strip_source: bool,
    /// Fail where aqo.lock is missing or would change: for CI.
    ///
    /// Example: aqc build examples/thermostat --locked
    #[arg(long)]
    locked: bool,
}

#[derive(Args)]
struct Run {
    /// An .aqo file, or a directory of them.
    path: PathBuf,
    /// The object, where there are several.
    #[arg(long)]
    object: Option<String>,
    /// The store; without it a temporary directory, which is printed.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Stop after so many entries; time runs at `max` then, unless told otherwise.
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// How fast time passes: a number, or `max`. Anything but 1 is a virtual clock.
    #[arg(long, value_name = "K")]
    speed: Option<Speed>,
    /// What inputs and events are bound to; otherwise host.toml beside the source.
    #[arg(long, value_name = "FILE")]
    host: Option<PathBuf>,
    /// JSON, an entry a line.
    #[arg(long)]
    json: bool,
}

fn long_version() -> String {
    format!(
        "{} (language 1, Model {}, emit {}, store 1)",
        env!("CARGO_PKG_VERSION"),
        aqo_compiler::model::MODEL_VERSION,
        aqo_compiler::emit::EMIT_VERSION
    )
}

/// Does what the arguments say.
pub(crate) fn execute(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Command::New { path } => new::new(&path),
        Command::Check(arguments) if arguments.watch => {
            watch::watch(&arguments.sources.path, || check_sources(&arguments))
        }
        Command::Check(arguments) => check_sources(&arguments),
        Command::Build(arguments) => build_object(&arguments),
        Command::Run(arguments) => run_object(arguments),
        Command::Test(arguments) if arguments.watch => {
            watch::watch(&arguments.sources.path, || test_sources(&arguments))
        }
        Command::Fmt(Fmt { paths, check, diff }) => fmt::fmt(&paths, fmt::Options { check, diff }),
        Command::Test(arguments) => test_sources(&arguments),
        Command::Explain { code } => explain(&code),
        Command::Doc(arguments) => document(&arguments),
        Command::Inspect { component, cost, json } => inspect::inspect(&component, json, cost),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "aqc", &mut script);
            print(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
    }
}

impl Sources {
    /// Finds and checks them.
    fn check(&self, format: Format) -> Result<(Project, Checked)> {
        let (project, levels) = self.find()?;
        let checked = check(&project, &levels, format);
        Ok((project, checked))
    }

    fn find(&self) -> Result<(Project, Levels)> {
        let project = Project::find(&self.path)?;
        let levels = self.levels.levels(&project)?;
        Ok((project, levels))
    }
}

fn check_sources(arguments: &Check) -> Result<()> {
    let format = if arguments.json { Format::Json } else { arguments.format };
    let (mut project, levels) = arguments.sources.find()?;
    if arguments.fix {
        fix::fix(&mut project, &levels, arguments.dry_run)?;
    }
    if arguments.dry_run {
        return Ok(());
    }
    let checked = check(&project, &levels, format);
    checked.require_sound()?;
    if format == Format::Text {
        print(&checked.summary());
    }
    if arguments.cost {
        print_costs(&checked, format);
    }
    Ok(())
}

/// What the steps of each object cost at most.
fn print_costs(checked: &Checked, format: Format) {
    for object in &checked.objects {
        let file = checked.files[object.file].source;
        let Some(cost) = cost_of(&checked.database, file, object.item) else { continue };
        match format {
            Format::Text => {
                print(&format!("\n{}", object.name));
                inspect::cost::tree(&cost).iter().for_each(|line| print(line));
            }
            Format::Json => {
                let cost = inspect::cost::as_json(&cost);
                print(&serde_json::json!({ "object": object.name, "cost": cost }).to_string());
            }
            // One log and nothing else.
            Format::Sarif => {}
        }
    }
}

fn test_sources(arguments: &Test) -> Result<()> {
    let options = &arguments.options;
    let (_, checked) = arguments.sources.check(Format::of_json(options.json))?;
    checked.require_sound()?;
    test::test(&checked, options)
}

fn build_object(arguments: &Build) -> Result<()> {
    let (project, checked) = arguments.sources.check(Format::Text)?;
    checked.require_sound()?;
    let name = arguments.object.as_deref().or(project.manifest.run.object.as_deref());
    let object = checked.one(name)?;
    let component = build::component(object, arguments.strip_source)?;
    lock::settle(&project, &checked, arguments.locked)?;
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| project.directory.join(format!("{}.wasm", run::snake(&object.name))));
    build::write(&out, &component)?;
    let artifact =
        aqo_compiler::emit::read(&component).map_err(|e| Error::internal(e.to_string()))?;
    print(&format!(
        "{}: {} bytes, core {} bytes, class {}",
        out.display(),
        component.len(),
        artifact.core.len(),
        artifact.model.class().short()
    ));
    print(&format!("  a step costs at most {}", inspect::cost::line(&artifact.cost)));
    Ok(())
}

fn document(arguments: &Doc) -> Result<()> {
    let out = arguments.out.as_deref();
    let Some(path) = &arguments.path else { return doc::book(out) };
    let project = Project::find(path)?;
    let checked = check(&project, &Flags::default().levels(&project)?, Format::Text);
    checked.require_sound()?;
    doc::project(&project, &checked, arguments.json, out)
}

fn run_object(arguments: Run) -> Result<()> {
    let project = Project::find(&arguments.path)?;
    let checked = check(&project, &Flags::default().levels(&project)?, Format::Text);
    checked.require_sound()?;
    let settings = &project.manifest.run;
    let object = checked.one(arguments.object.as_deref().or(settings.object.as_deref()))?;
    let component = build::component(object, false)?;
    let beside = project.directory.join("host.toml");
    let config = match arguments.host {
        Some(path) => HostConfig::read(&path)?,
        None if beside.exists() => HostConfig::read(&beside)?,
        None => HostConfig::default(),
    };
    let options = Options {
        store: arguments.store,
        steps: arguments.steps,
        speed: speed(arguments.speed, arguments.steps, settings.speed.as_ref())?,
        config,
        name: None,
        birth: BirthValues {
            fields: settings.birth.clone(),
            roles: Default::default(),
            development: true,
        },
    };
    let mut lines = Lines::new(arguments.json);
    let summary = run::run(&component, options, &run::Wakes::on_signal()?, &mut lines)?;
    if !arguments.json {
        let plural = if summary.entries == 1 { "entry" } else { "entries" };
        print(&format!(
            "stopped after {} {plural}, head {}",
            summary.entries,
            summary.head.short()
        ));
    }
    lines.written()
}

/// The flag, else `max` for a run of so many steps, else what the manifest says, else real time.
fn speed(
    flag: Option<Speed>,
    steps: Option<u64>,
    setting: Option<&crate::project::SpeedSetting>,
) -> Result<Speed> {
    match (flag, steps, setting) {
        (Some(speed), _, _) => Ok(speed),
        (None, Some(_), _) => Ok(Speed::Max),
        (None, None, Some(setting)) => setting
            .text()
            .parse()
            .map_err(|e: String| Error::usage(format!("aqo.toml, [run] speed: {e}"))),
        (None, None, None) => Ok(Speed::Real),
    }
}

fn explain(id: &str) -> Result<()> {
    match Code::named(id) {
        Some(code) => {
            print(code.page().trim_end());
            Ok(())
        }
        None => Err(Error::usage(format!("no code is called `{id}`"))
            .help("codes look like E3002 or W5001; every diagnostic shows its own")),
    }
}
