//! `aqc test`: every scenario and property on the reference interpreter and on the compiled core,
//! which must agree in every entry.
//!
//! Invariant: the same sources and flags give the same lines; nothing that is printed says how long
//! anything took.

use crate::check::{Checked, File};
use crate::{build, cover, junit};
use aqo_compiler::db;
use aqo_compiler::model::layout::Layout;
use aqo_compiler::model::offer::Offer;
use aqo_compiler::model::value::Bytes32;
use aqo_compiler::scenario::coverage::Coverage;
use aqo_compiler::scenario::property::Property;
use aqo_compiler::scenario::search::{CASES, Settings, search};
use aqo_compiler::scenario::walk::{Computed, STEPS_MAX, walk_both};
use aqo_compiler::scenario::{Scenario, story};
use aqo_runtime::engine::Engine;
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use clap::Args;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The version of the JSON lines.
pub(crate) const JSON_VERSION: u32 = 2;

/// What to run, and how to say it.
#[derive(Args)]
pub(crate) struct Options {
    /// JSON lines: one for each scenario and property, and with --coverage one for each object.
    #[arg(long)]
    pub json: bool,
    /// Write the results as JUnit XML as well, for a CI system.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Run only those whose title has this text in it.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Say what no scenario and no property has reached.
    #[arg(long)]
    pub coverage: bool,
    /// How many cases of each property are tried.
    #[arg(long, value_name = "N", default_value_t = CASES, value_parser = clap::value_parser!(u32).range(1..))]
    pub cases: u32,
    /// What the values of properties are drawn from; another seed tries other values.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// The most steps of a scenario, and of a case of a property.
    #[arg(long, value_name = "N", default_value_t = STEPS_MAX, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_steps: u64,
}

/// Whether something is a scenario, or how a property was tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Scenario,
    Property { cases: u32, seed: u64 },
}

/// How a scenario or property went.
pub(crate) struct Outcome {
    pub what: What,
    /// Its title.
    pub name: String,
    /// The name of its object.
    pub object: String,
    /// The path of its file, as it was given.
    pub file: String,
    /// Where it stands.
    pub line: usize,
    /// Why it failed, if it did.
    pub failure: Option<Failed>,
}

/// Why something failed.
pub(crate) struct Failed {
    /// What was expected and what came.
    pub what: String,
    /// The line that failed.
    pub line: usize,
    /// Of a property: which case, its values, and a scenario that fails in the same way.
    pub example: Option<(u32, String, String)>,
}

/// What runs objects: by class, the compiled core and what the interpreter evaluated.
type Engines = BTreeMap<Bytes32, (Engine, RefCell<Coverage>)>;

/// Runs what is asked for and prints how it went.
pub(crate) fn test(checked: &Checked, options: &Options) -> Result<()> {
    let mut engines = engines(checked)?;
    let mut outcomes = Vec::new();
    for file in &checked.files {
        for outcome in run_file(checked, file, options, &mut engines)? {
            say(&outcome, options.json);
            outcomes.push(outcome);
        }
    }
    if let (Some(only), true) = (&options.only, outcomes.is_empty()) {
        return Err(Error::usage(format!("no scenario and no property has `{only}` in its title"))
            .help("`aqc test` without --only prints the titles"));
    }
    if options.coverage {
        for object in &checked.objects {
            let (_, seen) = &engines[&object.model.model().class()];
            cover::print_coverage(checked, object, &seen.borrow(), options.json);
        }
    }
    if let Some(path) = &options.junit {
        build::write(path, junit::junit(&outcomes).as_bytes())?;
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    if !options.json {
        let passed = outcomes.len() - failed;
        print(&format!(
            "{passed} passed, {failed} failed; each on the interpreter and on the component"
        ));
    }
    match failed {
        0 => Ok(()),
        1 => Err(Error::refused("1 test failed")),
        _ => Err(Error::refused(format!("{failed} tests failed"))),
    }
}

fn engines(checked: &Checked) -> Result<Engines> {
    let mut engines = BTreeMap::new();
    for object in &checked.objects {
        let component = build::component(object, false)?;
        let artifact =
            aqo_compiler::emit::read(&component).map_err(|e| Error::internal(e.to_string()))?;
        let model = object.model.model();
        let seen = RefCell::new(Coverage::new(model));
        engines.insert(model.class(), (Engine::new(&artifact)?, seen));
    }
    Ok(engines)
}

/// What a file holds, in the order of its lines.
fn run_file(
    checked: &Checked,
    file: &File,
    options: &Options,
    engines: &mut Engines,
) -> Result<Vec<Outcome>> {
    let wanted = |title: &str| options.only.as_ref().is_none_or(|only| title.contains(only));
    let mut outcomes = Vec::new();
    for scenario in db::scenarios(&checked.database, file.source) {
        if wanted(&scenario.title) {
            outcomes.extend(run_scenario(checked, file, &scenario, options, engines)?);
        }
    }
    for property in db::properties(&checked.database, file.source) {
        if wanted(&property.title) {
            outcomes.extend(run_property(checked, file, &property, options, engines)?);
        }
    }
    outcomes.sort_by_key(|outcome| outcome.line);
    Ok(outcomes)
}

fn engine<'e>(
    engines: &'e mut Engines,
    class: &Bytes32,
) -> Result<(&'e mut Engine, &'e RefCell<Coverage>)> {
    let found = engines.get_mut(class);
    let (engine, seen) =
        found.ok_or_else(|| Error::internal("a scenario of an object that was not built"))?;
    Ok((engine, seen))
}

fn run_scenario(
    checked: &Checked,
    file: &File,
    scenario: &Scenario,
    options: &Options,
    engines: &mut Engines,
) -> Result<Option<Outcome>> {
    let Some(model) = &scenario.model else { return Ok(None) };
    let model = model.model();
    let (engine, seen) = engine(engines, &model.class())?;
    let layout = Layout::of(model);
    let mut compiled = |image: &[u8], offer: &Offer| compute(engine, &layout, image, offer);
    let (_, failure) = walk_both(scenario, model, options.max_steps, Some(seen), &mut compiled);
    let line = |at| line(checked, file, at);
    Ok(Some(Outcome {
        what: What::Scenario,
        name: scenario.title.clone(),
        object: model.schema.object.clone(),
        file: file.path.display().to_string(),
        line: line(scenario.at),
        failure: failure.map(|failure| Failed {
            what: failure.what,
            line: line(failure.at),
            example: None,
        }),
    }))
}

fn run_property(
    checked: &Checked,
    file: &File,
    property: &Property,
    options: &Options,
    engines: &mut Engines,
) -> Result<Option<Outcome>> {
    let Some(model) = property.model() else { return Ok(None) };
    let model = model.model();
    let (engine, seen) = engine(engines, &model.class())?;
    let layout = Layout::of(model);
    let mut compiled = |image: &[u8], offer: &Offer| compute(engine, &layout, image, offer);
    let settings =
        Settings { cases: options.cases, seed: options.seed, steps_max: options.max_steps };
    let found = search(property, settings, Some(seen), &mut compiled);
    let tree = db::tree_of(&checked.database, file.source);
    let text = file.source.text(&checked.database);
    let line = |at| line(checked, file, at);
    let failure = found.map(|found| Failed {
        what: found.failure.what.clone(),
        line: line(found.failure.at),
        example: Some((
            found.case,
            story::values(property, &found),
            story::scenario(property, &found, &tree.file, text),
        )),
    });
    Ok(Some(Outcome {
        what: What::Property { cases: options.cases, seed: options.seed },
        name: property.title.clone(),
        object: model.schema.object.clone(),
        file: file.path.display().to_string(),
        line: line(property.at),
        failure,
    }))
}

fn line(checked: &Checked, file: &File, at: aqo_compiler::diagnostic::Loc) -> usize {
    let tree = db::tree_of(&checked.database, file.source);
    story::line_of(&tree.file, file.source.text(&checked.database), at)
}

/// One step of the compiled core.
fn compute(
    engine: &mut Engine,
    layout: &Layout,
    image: &[u8],
    offer: &Offer,
) -> std::result::Result<Computed, String> {
    let outcome = engine.step(image, &offer.encode(layout)).map_err(|e| e.to_string())?;
    let (body, reply, image) = (outcome.body, outcome.reply, outcome.image);
    Ok(Computed { body, reply, served: outcome.served, next_due: outcome.next_due, image })
}

fn say(outcome: &Outcome, json: bool) {
    if json {
        print(&as_json(outcome).to_string());
    } else {
        as_text(outcome).iter().for_each(|line| print(line));
    }
}

fn as_text(outcome: &Outcome) -> Vec<String> {
    let tried = match outcome.what {
        What::Scenario => String::new(),
        What::Property { cases, seed } => format!(" [{cases} cases, seed {seed}]"),
    };
    let Some(failed) = &outcome.failure else {
        return vec![format!("ok      {}{tried}", outcome.name)];
    };
    let mut lines = vec![
        format!("FAILED  {} ({}:{}){tried}", outcome.name, outcome.file, outcome.line),
        format!("        line {}: {}", failed.line, failed.what),
    ];
    if let Some((case, values, scenario)) = &failed.example {
        let with =
            if values.is_empty() { String::new() } else { format!(", made small: {values}") };
        lines.push(format!("        case {case}{with}; this scenario fails in the same way:"));
        lines.push(String::new());
        lines.extend(scenario.lines().map(str::to_owned));
        lines.push(String::new());
    }
    lines
}

fn as_json(outcome: &Outcome) -> Value {
    let mut line = json!({
        "version": JSON_VERSION,
        "kind": "scenario",
        "name": outcome.name,
        "object": outcome.object,
        "file": outcome.file,
        "line": outcome.line,
        "outcome": if outcome.failure.is_none() { "passed" } else { "failed" },
    });
    if let What::Property { cases, seed } = outcome.what {
        line["kind"] = json!("property");
        line["cases"] = json!(cases);
        line["seed"] = json!(seed);
    }
    if let Some(failed) = &outcome.failure {
        line["failure"] = json!({ "what": failed.what, "line": failed.line });
        if let Some((case, values, scenario)) = &failed.example {
            line["failure"]["case"] = json!(case);
            line["failure"]["values"] = json!(values);
            line["failure"]["scenario"] = json!(scenario);
        }
    }
    line
}
