//! Several files that are one project: what is wrong between them, what an object carries of another
//! module, and what an edit in one makes the others do again.
//!
//! `fixtures/modules/*/` are projects, each with what is wrong with its files in `expected.txt`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use aqo_compiler::model::Model;
use aqo_compiler::{Database, Project, SourceFile, db, render};

use crate::helpers::{Random, expect_file};

/// Files by their names.
type Texts = Vec<(String, String)>;

fn projects() -> Vec<(PathBuf, Texts)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/modules");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.into_iter().map(|folder| (folder.clone(), texts(&folder))).collect()
}

fn texts(folder: &Path) -> Texts {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut texts: Texts = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "aqo"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    texts.sort();
    texts
}

/// A project that has been diagnosed, and the queries that it ran since.
struct Watched {
    db: Database,
    files: Vec<SourceFile>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    fn new(texts: &[(&str, &str)]) -> Watched {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&log);
        let mut db = Database::watched(move |query| seen.lock().unwrap().push(query));
        let new = |(path, text): &(&str, &str)| {
            SourceFile::new(&db, (*path).to_owned(), (*text).to_owned())
        };
        let files: Vec<SourceFile> = texts.iter().map(new).collect();
        Project::new(&db, Vec::new()).join(&mut db, files.clone());
        let watched = Watched { db, files, log };
        watched.ran();
        watched
    }

    /// The queries that diagnosing everything runs now.
    fn ran(&self) -> Vec<String> {
        self.log.lock().unwrap().clear();
        self.files.iter().for_each(|file| drop(db::diagnostics(&self.db, *file)));
        self.log.lock().unwrap().clone()
    }

    fn edit(&mut self, file: usize, text: &str) -> Vec<String> {
        self.files[file].replace_text(&mut self.db, text.to_owned());
        self.ran()
    }

    /// All that is wrong, as text.
    fn told(&self) -> String {
        let told = self.files.iter().map(|file| {
            let found = db::diagnostics(&self.db, *file);
            render::text(file.path(&self.db), file.text(&self.db), &found, false)
        });
        told.collect()
    }

    /// The only object of a file.
    fn model(&self, file: usize) -> Model {
        let (item, _) = db::objects(&self.db, self.files[file])[0];
        let checked = db::object_of(&self.db, self.files[file], item);
        checked.model.as_ref().unwrap_or_else(|| panic!("{}", self.told())).model().clone()
    }
}

fn borrowed(texts: &Texts) -> Vec<(&str, &str)> {
    texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

fn count(ran: &[String], query: &str) -> usize {
    ran.iter().filter(|name| name.starts_with(&format!("{query}("))).count()
}

#[test]
fn projects_give_their_diagnostics() {
    for (folder, texts) in projects() {
        let told = Watched::new(&borrowed(&texts)).told();
        expect_file(&folder.join("expected.txt"), &told);
    }
}

const BASE: &str = "module base\n\ntype Level = int in 0 ..= 9\n\nrecord Pair { a: Level, b: Level }\n\n\
    enum Mode { Low, High }\n\nfn next(n: Level) -> Level { clamp(n + 1) }\n\n\
    fn twice(n: Level) -> Level { next(next(n)) }\n";

const USER: &str = "module user\n\nuse base.{Level, twice}\n\nobject User version 1 {\n    \
    field n: Level = 0\n\n    message go() from anyone\n\n    rule take on go() { set n = twice(n) }\n}\n";

fn pair(base: &str, user: &str) -> Watched {
    Watched::new(&[("base.aqo", base), ("user.aqo", user)])
}

#[test]
fn an_object_carries_what_it_reaches_and_no_more() {
    let model = pair(BASE, USER).model(1);
    let names: Vec<&str> = model.schema.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["next", "twice"]);
    assert!(model.schema.types.enums.is_empty() && model.schema.types.records.is_empty());
}

#[test]
fn a_class_does_not_hang_on_what_is_not_reached() {
    let class = pair(BASE, USER).model(1).class();
    let swapped = BASE.replace("enum Mode { Low, High }\n\n", "") + "\nenum Mode { Low, High }\n";
    let more = BASE.replace("enum", "unit metre\n\nfn idle(n: Level) -> Level { n }\n\nenum");
    for base in [swapped, more] {
        assert_eq!(pair(&base, USER).model(1).class(), class, "{base}");
    }
    let uses = [
        "use base.{twice, Level}",
        "use base.{Level, Mode, Pair, next, twice}",
        "use base.twice\nuse std.time.{date}\nuse base.Level",
    ];
    for other in uses {
        let user = USER.replace("use base.{Level, twice}", other);
        let user = user.replace("object", "fn unreached(n: Level) -> Level { n }\n\nobject");
        assert_eq!(pair(BASE, &user).model(1).class(), class, "{user}");
    }
}

#[test]
fn names_that_nobody_says_do_not_clash() {
    let user = USER
        .replace("object", "fn next(n: Level) -> Level { n }\n\nenum Mode { Off }\n\nobject")
        .replace("twice(n) }", "next(twice(n)) }");
    let watched = pair(BASE, &user);
    assert_eq!(watched.told(), "");
    let model = watched.model(1);
    let names: Vec<&str> = model.schema.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["base_next", "twice", "next"]);
}

#[test]
fn types_that_nobody_says_do_not_clash() {
    let base = BASE.to_owned() + "\nrecord Held { mode: Mode }\n";
    let user = USER
        .replace("{Level, twice}", "{Held, Level, twice}")
        .replace("object", "enum Mode { Off, Low }\n\nobject")
        .replace(
            "    field n",
            "    field mode: Mode = Low\n    field held: Held = Held(mode: High)\n    field n",
        );
    let watched = pair(&base, &user);
    assert_eq!(watched.told(), "");
    let model = watched.model(1);
    let names: Vec<&str> = model.schema.types.enums.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["BaseMode", "Mode"]);
}

#[test]
fn a_type_that_came_two_ways_is_one_type() {
    let left = "module left\n\nuse base.{Pair}\n\nfn of_left(p: Pair) -> Pair { p }\n";
    let right = "module right\n\nuse base.{Pair}\n\nfn of_right(p: Pair) -> Pair { p }\n";
    let user = "module user\n\nuse left.{of_left}\nuse right.{of_right}\nuse base.{Pair}\n\n\
        object User version 1 {\n    field p: Pair = Pair(a: 1, b: 2)\n\n    \
        message go() from anyone\n\n    rule take on go() { set p = of_left(of_right(p)) }\n}\n";
    let texts = [("base.aqo", BASE), ("left.aqo", left), ("right.aqo", right), ("user.aqo", user)];
    let watched = Watched::new(&texts);
    assert_eq!(watched.told(), "");
    assert_eq!(watched.model(3).schema.types.records.len(), 1);
}

#[test]
fn white_space_in_a_used_module_checks_no_user_again() {
    let mut watched = pair(BASE, USER);
    let spaced = BASE.replace('\n', "\n  ").replace("type Level", "// How high.\ntype   Level");
    let ran = watched.edit(0, &spaced);
    assert_eq!(count(&ran, "tree_of"), 1, "{ran:?}");
    assert_eq!(count(&ran, "globals_of"), 1, "{ran:?}");
    for query in ["rule_of", "head_of", "shape_of", "object_of"] {
        assert_eq!(count(&ran, query), 0, "{query}: {ran:?}");
    }
}

#[test]
fn what_is_not_used_of_a_module_checks_no_user_again() {
    let mut watched = pair(BASE, USER);
    let ran = watched.edit(0, &BASE.replace("Low, High", "Low, Middle, High"));
    assert_eq!(count(&ran, "globals_of"), 2, "{ran:?}");
    assert_eq!(count(&ran, "rule_of"), 0, "{ran:?}");
}

#[test]
fn what_is_used_of_a_module_checks_its_users_again() {
    let mut watched = pair(BASE, USER);
    let edited = BASE.replace("0 ..= 9\n\nrecord", "0 ..= 7\n\nrecord");
    let ran = watched.edit(0, &edited);
    assert_eq!(count(&ran, "rule_of"), 1, "{ran:?}");
    assert_eq!(watched.model(1).class(), pair(&edited, USER).model(1).class());
    // An error there is said there, and what uses it is built no more; then all is well again.
    let broken = BASE.replace("clamp(n + 1)", "n + 1");
    watched.edit(0, &broken);
    let told = watched.told();
    assert!(told.contains("base.aqo") && !told.contains("user.aqo"), "{told}");
    let item = db::objects(&watched.db, watched.files[1])[0].0;
    assert!(db::object_of(&watched.db, watched.files[1], item).model.is_none());
    watched.edit(0, BASE);
    assert_eq!(watched.model(1).class(), pair(BASE, USER).model(1).class());
}

#[test]
fn a_file_that_comes_later_is_known() {
    let mut watched = Watched::new(&[("user.aqo", USER)]);
    assert!(watched.told().contains("no module is called `base`"), "{}", watched.told());
    let base = SourceFile::new(&watched.db, "base.aqo".to_owned(), BASE.to_owned());
    let project = watched.files[0].project(&watched.db).unwrap();
    watched.files.push(base);
    project.join(&mut watched.db, watched.files.clone());
    assert_eq!(watched.told(), "");
}

/// Every module of `std` is free of errors and warnings, and is what it is called.
#[test]
fn std_is_sound() {
    for (name, text) in aqo_stdlib::MODULES {
        let db = Database::default();
        let file = SourceFile::new(&db, format!("{name}.aqo"), (*text).to_owned());
        let found = db::diagnostics(&db, file);
        assert_eq!(render::text(name, text, &found, false), "");
        assert_eq!(aqo_compiler::modules::name_of(&db, file).as_deref(), Some(*name));
        assert_eq!(aqo_compiler::modules::taken(&db, &[file]), []);
    }
}

#[test]
fn no_file_of_a_project_is_a_module_of_std() {
    let watched =
        Watched::new(&[("mine.aqo", "module std.mine\n"), ("time.aqo", "module std.time\n")]);
    let taken = aqo_compiler::modules::taken(&watched.db, &watched.files);
    let told: Vec<&str> = taken.iter().map(|(_, told)| told.code.id()).collect();
    assert_eq!(told, ["E2009", "E2009"]);
}

/// A module that uses some of the others, and says some of what it may have brought.
fn drawn(name: &str, random: &mut Random) -> String {
    const USES: [&str; 14] = [
        "use a.{T, next}",
        "use a.T",
        "use a.b",
        "use a.b.{T}",
        "use a.b.{T, next, most}",
        "use a.b.next",
        "use b.{next}",
        "use b.a",
        "use b.a.{most, R}",
        "use b",
        "use a",
        "use std.time.{date, Date}",
        "use std.time",
        "use c.{T}",
    ];
    const ITEMS: [&str; 10] = [
        "type T = int in 0 ..= 9",
        "type T = U",
        "fn next(n: int in 0 ..= 9) -> int in 0 ..= 9 { clamp(n + 1) }",
        "fn next(n: T) -> T { n }",
        "fn twice(n: T) -> T { next(next(n)) }",
        "const most: T = 5",
        "const most: int in 0 ..= 9 = 10",
        "record R { t: T, e: E }",
        "enum E { One, Two(t: T) }",
        "object O version 1 {\n    field t: T = most\n    derive u: T = next(t)\n}",
    ];
    let mut text = format!("module {name}\n\n");
    for _ in 0..random.below(4) {
        text += &format!("{}\n", USES[random.below(USES.len())]);
    }
    for _ in 0..random.below(7) {
        text += &format!("{}\n", ITEMS[random.below(ITEMS.len())]);
    }
    if random.below(8) == 0 {
        text.truncate(text.len() * 2 / 3);
    }
    text
}

#[test]
fn after_any_edits_a_project_says_what_a_fresh_one_says() {
    let names = ["a", "a.b", "b", "b.a"];
    let mut random = Random(29);
    for _ in 0..20 {
        let mut texts: Vec<String> = names.iter().map(|name| drawn(name, &mut random)).collect();
        let pairs = |texts: &[String]| -> Texts {
            names
                .iter()
                .zip(texts)
                .map(|(name, text)| (format!("{name}.aqo"), text.clone()))
                .collect()
        };
        let mut watched = Watched::new(&borrowed(&pairs(&texts)));
        for _ in 0..25 {
            let changed = random.below(names.len());
            texts[changed] = drawn(names[changed], &mut random);
            watched.edit(changed, &texts[changed]);
            let fresh = Watched::new(&borrowed(&pairs(&texts)));
            assert_eq!(watched.told(), fresh.told(), "{texts:#?}");
            for file in 0..names.len() {
                let built = |of: &Watched| -> Vec<bool> {
                    let objects = db::objects(&of.db, of.files[file]).into_iter();
                    let checked =
                        objects.map(|(item, _)| db::object_of(&of.db, of.files[file], item));
                    checked.map(|checked| checked.model.is_some()).collect()
                };
                let all = built(&watched);
                assert_eq!(all, built(&fresh), "{texts:#?}");
                let is_told = fresh.told().contains("error[");
                assert!(is_told || all.iter().all(|built| *built), "{texts:#?}");
            }
        }
    }
}
