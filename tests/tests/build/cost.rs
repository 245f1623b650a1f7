//! What a step costs at most is never less than what an engine counts, and not far from it. Every
//! step of this suite is held to its bound where a core runs; here stand the objects for which that
//! matters most.

use crate::core::{Core, counting};
use crate::lives::Life;
use aqo_compiler::scenario::walk::{interpret, walk};
use aqo_compiler::{CheckedModel, Database, SourceFile, db};
use aqo_model::layout::Layout;
use aqo_tests::meter::{OTHER, UNITS};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmtime::Engine;

/// How many times what is measured a bound may be.
const ABSURD: u64 = 200;

fn root(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

/// The texts of the files with this ending in a directory.
fn texts(directory: &Path, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == ending));
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).expect("a text")).collect()
}

/// The most instructions of each kind of offer, and its bound.
type Measured = BTreeMap<String, (u64, u64)>;

/// Goes through the scenarios and through random lives of every object of a source that has no
/// errors.
fn measure(engine: &Engine, text: &str) -> Vec<(String, Measured)> {
    let database = Database::default();
    let file = SourceFile::new(&database, "source.aqo".to_owned(), text.to_owned());
    let mut found = Vec::new();
    for (index, name) in db::objects(&database, file) {
        let Some(checked) = db::object_of(&database, file, index).model.clone() else { continue };
        let layout = Layout::of(checked.model());
        let mut core = Core::new(engine, checked.model(), &layout);
        for scenario in db::scenarios(&database, file) {
            if scenario.object == Some(index) && scenario.problems.is_empty() {
                let mut compute = |image: &[u8], offer: &aqo_model::offer::Offer| {
                    core.step(image, &offer.encode(&layout));
                    interpret(checked.model(), &layout, image, offer)
                };
                walk(&scenario, checked.model(), &mut compute);
            }
        }
        live(engine, &checked, &layout, &mut core);
        let measured = core.meter.measured.iter();
        let measured = measured
            .filter(|(kind, _)| *kind != OTHER)
            .map(|(kind, units)| (kind.clone(), (units / UNITS, core.meter.bound(kind))))
            .collect();
        found.push((name, measured));
    }
    found
}

fn live(engine: &Engine, checked: &Arc<CheckedModel>, layout: &Layout, core: &mut Core) {
    for seed in 0..4 {
        let mut life = Life::new(engine, checked.model(), layout, seed);
        life.live(250);
        for (kind, units) in life.core.meter.measured {
            let most = core.meter.measured.entry(kind).or_default();
            *most = units.max(*most);
        }
    }
}

#[test]
fn examples_stay_within_their_bounds_and_not_far_below() {
    let engine = counting();
    let mut kinds = 0;
    for example in std::fs::read_dir(root("../examples")).expect("examples") {
        for text in texts(&example.expect("an example").path(), "aqo") {
            for (name, measured) in measure(&engine, &text) {
                for (kind, (used, bound)) in measured {
                    let ratio = bound as f64 / used as f64;
                    println!(
                        "{name:12} {kind:16} at most {bound:6}, measured {used:6}: {ratio:.1}"
                    );
                    assert!(bound <= ABSURD * used, "{name}, {kind}: {bound} for {used}");
                    kinds += 1;
                }
            }
        }
    }
    assert!(kinds >= 15, "every kind of offer of every example: {kinds}");
}

#[test]
fn objects_of_all_chapters_stay_within_their_bounds() {
    let engine = counting();
    let (mut objects, mut furthest) = (0, (0.0, String::new()));
    for chapter in texts(&root("spec"), "md") {
        for block in chapter.split("\n```aqo").skip(1) {
            let (_, block) = block.split_once('\n').expect("a fence ends its line");
            let block = block.split("\n```").next().expect("a block");
            for (name, measured) in measure(&engine, block) {
                objects += 1;
                for (kind, (used, bound)) in measured {
                    let ratio = bound as f64 / used as f64;
                    if ratio > furthest.0 {
                        furthest = (ratio, format!("{name}, {kind}: {bound} for {used}"));
                    }
                }
            }
        }
    }
    println!("{objects} objects, furthest off: {} ({:.1})", furthest.1, furthest.0);
    assert!(objects >= 20, "{objects} objects");
}

/// An object that walks through its list.
fn with_list(max: usize) -> String {
    let items = vec!["1"; max].join(", ");
    format!(
        "module cost\n\nobject Log version 1 {{\n    role owner\n    \
         field items: list<int in 0 ..= 9, {max}> = [{items}]\n    \
         field total: int in 0 ..= 1000 = 0\n    message add_up() from owner\n    \
         rule tally on add_up() {{ set total = sum(n in items: n) }}\n}}\n"
    )
}

#[test]
fn a_bound_of_too_few_rounds_is_found_out() {
    let engine = counting();
    let bounds = |max: usize| measure(&engine, &with_list(max)).remove(0).1["message add_up"];
    let ((_, for_few), (used, for_many)) = (bounds(8), bounds(100));
    assert!(used <= for_many, "{used} of {for_many}");
    assert!(used > for_few, "a walk through 100 items is not within {for_few}: {used}");
}

/// An object that is born with a text.
fn with_text(max: usize) -> String {
    let text = "x".repeat(max);
    format!(
        "module cost\n\nobject Note version 1 {{\n    field text: text<{max}> = \"{text}\"\n\n    \
         message read() from anyone\n    rule look on read() when text == \"\" {{ refuse empty }}\n}}\n"
    )
}

#[test]
fn a_bound_of_too_few_bytes_is_found_out() {
    let engine = counting();
    let bounds = |max: usize| measure(&engine, &with_text(max)).remove(0).1["birth"];
    let ((_, for_few), (used, for_many)) = (bounds(8), bounds(800));
    assert!(used <= for_many, "{used} of {for_many}");
    assert!(used > for_few, "800 bytes are not within {for_few}: {used}");
}
