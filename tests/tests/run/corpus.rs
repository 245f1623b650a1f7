//! The programs of the corpus that live: each scenario is walked through on the interpreter and on the
//! component, whose entries must be equal, and what `aqr log` would print of them is kept beside the
//! program.
//!
//! ```text
//! fixtures/corpus/run/limits/pace.aqo       the program and its scenarios
//! fixtures/corpus/run/limits/pace.lineage   a scenario's title, and a line an entry
//! fixtures/corpus/run/away/…                the same, by a host that offers no tick in the first hour
//! ```
//! `BLESS=1` rewrites the lineages.

use aqo_compiler::scenario::Scenario;
use aqo_compiler::scenario::walk::{Computed, difference, interpret, walk};
use aqo_compiler::{Database, SourceFile, db, emit, format};
use aqo_model::Model;
use aqo_model::entry::Entry;
use aqo_model::image::Image;
use aqo_model::layout::Layout;
use aqo_model::offer::{Offer, OfferKind};
use aqo_runtime::engine::Engine;
use aqo_runtime::present;
use aqo_tests::corpus::{Program, programs};
use aqo_tests::walked::{AWAY, compute, left_alone};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What a program's scenarios leave, or why not.
fn lineage(program: &Program) -> Result<String, String> {
    let database = Database::default();
    let file = SourceFile::new(&database, program.name.clone(), program.text.clone());
    let told = db::diagnostics(&database, file);
    if let Some(first) = told.first() {
        return Err(format!("{}: {}", first.code.id(), first.message));
    }
    if format(&program.text).as_ref() != Ok(&program.text) {
        return Err("`aqc fmt` would change it".to_owned());
    }
    let mut text = String::new();
    for scenario in db::scenarios(&database, file) {
        let left = lived(&scenario, program.name.starts_with("run/away/"))
            .map_err(|why| format!("`{}`: {why}", scenario.title))?;
        let gap = if text.is_empty() { "" } else { "\n" };
        write!(text, "{gap}{}\n{left}", scenario.title).unwrap();
    }
    Ok(text)
}

/// A scenario's entries, line by line.
fn lived(scenario: &Scenario, is_away: bool) -> Result<String, String> {
    let model = scenario.model.as_ref().unwrap().model();
    let component = emit::component(model, &emit::Options::default()).unwrap();
    let mut engine = Engine::new(&emit::read(&component).unwrap()).unwrap();
    let layout = Layout::of(model);
    let back = if is_away { scenario.start + AWAY } else { scenario.start };
    let mut left = Vec::new();
    let mut interpreted = |image: &[u8], offer: &Offer| {
        let computed = left_alone(image, offer, back)
            .map_or_else(|| interpret(model, &layout, image, offer), Ok)?;
        left.extend(entry_of(model, &layout, image, offer, &computed));
        Ok(computed)
    };
    let by_interpreter = walk(scenario, model, &mut interpreted);
    let mut compiled = |image: &[u8], offer: &Offer| {
        left_alone(image, offer, back)
            .map_or_else(|| compute(&mut engine, &layout, image, offer), Ok)
    };
    let by_component = walk(scenario, model, &mut compiled);
    let heads = by_interpreter.heads.clone();
    if let Some(what) = difference(by_interpreter, by_component) {
        return Err(what.to_string());
    }
    assert_eq!(left.len(), heads.len(), "a head for each entry");
    let lines = left.iter().zip(&heads);
    let lines = lines.map(|((before, entry), head)| present::line(model, before, entry, head));
    Ok(lines.map(|line| line + "\n").collect())
}

/// The entry that a step left, with the image that it found.
fn entry_of(
    model: &Model,
    layout: &Layout,
    image: &[u8],
    offer: &Offer,
    computed: &Computed,
) -> Option<(Image, Entry)> {
    let entry = Entry::decode(model, computed.body.as_ref()?).unwrap();
    let before = match offer.kind {
        OfferKind::Birth(_) => Image::unborn(model, layout),
        OfferKind::Tick
        | OfferKind::Message(_)
        | OfferKind::Bind(_)
        | OfferKind::Consent(_)
        | OfferKind::Fork(_) => Image::decode(model, layout, image).unwrap(),
    };
    Some((before, entry))
}

#[test]
fn lives_leave_the_lineages_that_are_kept() {
    let programs = programs("run");
    let (mut faults, mut kept) = (String::new(), BTreeSet::new());
    for program in &programs {
        let path = program.path.with_extension("lineage");
        match lineage(program) {
            Ok(text) if text.is_empty() => writeln!(faults, "{}: nothing lives", program.name),
            Ok(text) => {
                if std::env::var_os("BLESS").is_some() {
                    std::fs::write(&path, &text).unwrap();
                }
                let wanted = std::fs::read_to_string(&path).unwrap_or_default();
                let same = text == wanted;
                let what = || format!("another life; BLESS=1 keeps it\n{text}");
                if same { Ok(()) } else { writeln!(faults, "{}: {}", program.name, what()) }
            }
            Err(why) => writeln!(faults, "{}: {why}", program.name),
        }
        .unwrap();
        kept.insert(path);
    }
    assert!(faults.is_empty(), "\n{faults}");
    assert!(programs.len() >= 40, "only {} programs live", programs.len());
    for path in programs.iter().filter_map(|program| program.path.parent()) {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let is_lineage = path.extension().is_some_and(|extension| extension == "lineage");
            assert!(!is_lineage || kept.contains(&path), "{path:?} is of no program");
        }
    }
}
