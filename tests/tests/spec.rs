//! The chapters of the language, whose code blocks are its tests: reference and test are one text.
//!
//! ```text
//! ```aqo              a module without errors and warnings
//! ```aqo module       the same, which the other blocks of its chapter may use
//! ```aqo E3002 …      a module that gives exactly these codes
//! ```aqo scenario     a module whose scenarios and properties pass, on the interpreter and on the compiled core
//! ```aqo scenario away     the same, by a host that offers no tick in the first hour
//! ```toml lock             the `aqo.lock` of the blocks that follow in its chapter
//! ```toml built            the lock after a build of the block before it, alone in its project
//! ```
//! Blocks of other languages are prose.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on shall stop where it stands"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use aqo_compiler::model::layout::Layout;
use aqo_compiler::model::offer::Offer;
use aqo_compiler::modules::lock_after;
use aqo_compiler::scenario::search::{Settings, search};
use aqo_compiler::scenario::walk::{difference, interpret, walk};
use aqo_compiler::{Code, Database, Diagnostic, Project, SourceFile, db, emit, render};
use aqo_runtime::engine::Engine;
use aqo_tests::walked::{AWAY, compute, left_alone};

/// A code block of a chapter.
struct Block {
    /// `02-types.md:31`
    place: String,
    /// The words after `aqo`.
    words: Vec<String>,
    program: String,
    /// The modules of its chapter.
    beside: Vec<(String, String)>,
    /// The lock that it stands under.
    lock: Option<String>,
    /// The lock after a build of it.
    built: Option<String>,
}

/// The blocks of a chapter in order.
fn blocks(chapter: &str, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lock = None;
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let place = format!("{chapter}:{}", number + 1);
        let mut program = String::new();
        loop {
            let (_, line) = lines.next().unwrap_or_else(|| panic!("{place}: the block is open"));
            if line == "```" {
                break;
            }
            program += line;
            program.push('\n');
        }
        let mut words = language.split_whitespace().map(str::to_owned);
        let language = words.next();
        let (words, beside) = (words.collect::<Vec<String>>(), Vec::new());
        match (language.as_deref(), words.first().map(String::as_str)) {
            (Some("aqo"), _) => {
                let lock = lock.clone();
                blocks.push(Block { place, words, program, beside, lock, built: None });
            }
            (Some("toml"), Some("lock")) => lock = Some(program),
            (Some("toml"), Some("built")) => blocks.last_mut().unwrap().built = Some(program),
            _ => {}
        }
    }
    let modules = blocks.iter().filter(|block| block.words == ["module"]);
    let modules: Vec<(String, String)> =
        modules.map(|block| (block.place.clone(), block.program.clone())).collect();
    for block in blocks.iter_mut().filter(|block| block.words != ["module"]) {
        block.beside.clone_from(&modules);
    }
    blocks
}

/// Every chapter: its file name and its text.
fn chapters() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec");
    let mut chapters: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    chapters.sort();
    chapters
}

fn every_block() -> Vec<Block> {
    chapters().iter().flat_map(|(name, text)| blocks(name, text)).collect()
}

/// What is wrong with a block, or nothing.
fn fault(block: &Block) -> Option<String> {
    let mut database = Database::default();
    let new =
        |(place, text): &(String, String)| SourceFile::new(&database, place.clone(), text.clone());
    let mut files: Vec<SourceFile> = block.beside.iter().map(new).collect();
    let file = new(&(block.place.clone(), block.program.clone()));
    files.push(file);
    let project = Project::new(&database, Vec::new());
    project.join(&mut database, files);
    project.replace_lock(&mut database, block.lock.clone());
    let found = db::diagnostics(&database, file);
    let wanted: BTreeSet<&str> = match is_scenario(block) || block.words == ["module"] {
        true => BTreeSet::new(),
        false => block.words.iter().map(String::as_str).collect(),
    };
    let codes: BTreeSet<&str> = found.iter().map(|diagnostic| diagnostic.code.id()).collect();
    if codes != wanted {
        return Some(format!("{wanted:?} is wanted, not {codes:?}\n{}", shown(block, &found)));
    }
    let is_away = block.words.len() > 1;
    is_scenario(block).then(|| failures(&database, file, is_away)).flatten()
}

fn shown(block: &Block, found: &[Diagnostic]) -> String {
    render::text(&block.place, &block.program, found, false)
}

/// The lock after a build of a block that is alone in its project.
fn built(block: &Block) -> String {
    let mut database = Database::default();
    let file = SourceFile::new(&database, block.place.clone(), block.program.clone());
    let project = Project::new(&database, Vec::new());
    project.join(&mut database, vec![file]);
    project.replace_lock(&mut database, block.lock.clone());
    lock_after(&database, project).unwrap().text()
}

/// The scenarios of a module that fail, and why.
fn failures(database: &Database, file: SourceFile, is_away: bool) -> Option<String> {
    let scenarios = db::scenarios(database, file);
    if scenarios.is_empty() {
        return Some("there is no scenario here".to_owned());
    }
    let mut failures = String::new();
    for scenario in scenarios {
        let model = scenario.model.as_ref().unwrap().model();
        let component = emit::component(model, &emit::Options::default()).unwrap();
        let mut engine = Engine::new(&emit::read(&component).unwrap()).unwrap();
        let layout = Layout::of(model);
        let back = if is_away { scenario.start + AWAY } else { scenario.start };
        let mut interpreted = |image: &[u8], offer: &Offer| {
            left_alone(image, offer, back)
                .map_or_else(|| interpret(model, &layout, image, offer), Ok)
        };
        let mut compiled = |image: &[u8], offer: &Offer| {
            left_alone(image, offer, back)
                .map_or_else(|| compute(&mut engine, &layout, image, offer), Ok)
        };
        let by_interpreter = walk(&scenario, model, &mut interpreted);
        let by_component = walk(&scenario, model, &mut compiled);
        if let Some(what) = difference(by_interpreter, by_component) {
            writeln!(failures, "`{}`: {what}", scenario.title).unwrap();
        }
    }
    for property in db::properties(database, file) {
        let model = property.model().unwrap().model();
        let component = emit::component(model, &emit::Options::default()).unwrap();
        let mut engine = Engine::new(&emit::read(&component).unwrap()).unwrap();
        let layout = Layout::of(model);
        let mut compiled =
            |image: &[u8], offer: &Offer| compute(&mut engine, &layout, image, offer);
        if let Some(found) = search(&property, Settings::default(), None, &mut compiled) {
            writeln!(failures, "`{}`: {}", property.title, found.failure).unwrap();
        }
    }
    (!failures.is_empty()).then_some(failures)
}

fn faults(blocks: impl Iterator<Item = Block>) -> String {
    let faults = blocks.filter_map(|block| Some((fault(&block)?, block.place)));
    faults.map(|(fault, place)| format!("{place}: {fault}\n")).collect()
}

fn is_scenario(block: &Block) -> bool {
    block.words == ["scenario"] || block.words == ["scenario", "away"]
}

#[test]
fn programs_check_and_mistakes_give_their_codes() {
    let faults = faults(every_block().into_iter().filter(|block| !is_scenario(block)));
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn scenarios_pass_on_the_interpreter_and_on_the_compiled_core() {
    let faults = faults(every_block().into_iter().filter(is_scenario));
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn builds_write_the_locks_that_are_shown() {
    let all = every_block();
    let shown = all.iter().filter_map(|block| Some((block, block.built.as_ref()?)));
    let mut count = 0;
    for (block, wanted) in shown {
        let written = built(block);
        // The first line says what the file is.
        let (_, tables) = written.split_once('\n').unwrap();
        assert_eq!(tables, wanted, "{}", block.place);
        count += 1;
    }
    assert!(count > 0, "no chapter shows a lock");
}

#[test]
fn the_words_after_aqo_are_known() {
    for block in every_block() {
        let known = is_scenario(&block)
            || block.words == ["module"]
            || block.words.iter().all(|id| Code::named(id).is_some());
        assert!(known, "{}: {:?}", block.place, block.words);
    }
}

#[test]
fn every_chapter_has_its_share_of_blocks() {
    let all = every_block();
    let scenarios = all.iter().filter(|block| is_scenario(block)).count();
    let mistakes = all
        .iter()
        .filter(|block| block.words.iter().any(|word| Code::named(word).is_some()))
        .count();
    assert!(all.len() >= 60 && scenarios >= 20 && mistakes >= 20);
    for (name, text) in chapters() {
        assert!(blocks(&name, &text).len() >= 4, "{name} has too few blocks");
        assert!(text.starts_with("# "), "{name} begins with its title");
    }
}

/// A scenario that expects what does not come must fail: the suite would notice.
#[test]
fn a_scenario_that_is_wrong_fails() {
    let program = "module demo.demo\n\nobject Demo version 1 {\n    field n: int in 0 ..= 9 = 0\n}\n\
                   scenario \"wrong\" for Demo { expect n == 1 }\n";
    let text = format!("```aqo scenario\n{program}```\n");
    let fault = fault(&blocks("demo", &text)[0]).unwrap();
    assert!(fault.contains("n = 0"), "{fault}");
}

/// Nobody signs what a role says that nobody holds.
#[test]
fn an_offer_that_nobody_signs_fails() {
    let program = "module demo.demo\n\nobject Demo version 1 {\n    role probes<2>\n\n    \
                   input heat: int? in 0 ..= 9 from probes\n\n    cycle every 1s\n}\n\
                   scenario \"nobody\" for Demo { offer heat = 1 }\n";
    let text = format!("```aqo scenario\n{program}```\n");
    let fault = fault(&blocks("demo", &text)[0]).unwrap();
    assert!(fault.contains("nobody holds `probes`, so nobody signs `heat`"), "{fault}");
}
