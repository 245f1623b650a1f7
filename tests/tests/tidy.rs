//! The house in order: what stands at the top, how files begin, how long files and functions are,
//! what no file says, and that no heavy dependency is built twice.
//!
//! Looks at text, not at syntax trees: sources are formatted, so a function ends at the brace that
//! stands as far left as its first word. An exception is listed here with its reason. That every
//! code has a page is held by the suite `diagnostics`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop where it stands")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// What may stand at the top, beside dotfiles and the build directory.
const TOP_LEVEL: [&str; 11] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "compiler",
    "examples",
    "grammar",
    "lsp",
    "runtime",
    "stdlib",
    "tests",
];

/// Files that may be longer.
const LONG_FILES: [(&str, &str); 1] =
    [("grammar/src/tree.rs", "the language's tree has one home, a type a production")];

/// Functions that may be longer.
const LONG_FUNCTIONS: [(&str, &str, &str); 8] = [
    ("compiler/emit/src/translate/expr.rs", "value", "one arm for each kind of expression"),
    ("compiler/emit/src/unit.rs", "build", "one line for each routine"),
    ("compiler/emit/src/unit.rs", "signature", "one line for each routine"),
    ("compiler/model/src/layout.rs", "of", "the layout of the image, slot by slot in order"),
    ("compiler/model/src/verify/expr.rs", "check", "one arm for each kind of expression"),
    ("compiler/model/src/verify/leaf.rs", "leaf", "one arm for each kind of leaf"),
    ("compiler/model/src/step/eval.rs", "eval", "one arm for each kind of expression"),
    ("compiler/model/src/image.rs", "read_image", "the layout of the bytes, slot by slot in order"),
];

/// Crates that take long to build: one version each, but for those with a reason.
const HEAVY: [&str; 11] = [
    "cranelift-codegen",
    "lalrpop",
    "regex-automata",
    "salsa",
    "serde",
    "syn",
    "tokio",
    "wasm-encoder",
    "wasmparser",
    "wasmtime",
    "wit-component",
];
const BUILT_TWICE: [(&str, &str); 1] =
    [("syn", "some derives of our dependencies have moved to version 3, others have not")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Files below the top that end in one of these, by their path from there.
fn files(ends: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
                    open.push(path);
                }
            } else if ends.iter().any(|end| name.ends_with(end)) {
                let from_top = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.insert(from_top, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

fn sources() -> BTreeMap<String, String> {
    files(&[".rs"])
}

/// Whether a source is part of what is shipped, and no test.
fn is_shipped(path: &str) -> bool {
    !path.split('/').any(|folder| folder == "tests" || folder == "benches" || folder == "fuzz")
}

fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]").next().unwrap()
}

/// The functions of a source: name and lines.
fn functions(source: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    for (first, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let before = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "default"];
        let Some(at) = words.iter().position(|word| !before.contains(word)) else { continue };
        if words[at] != "fn" {
            continue;
        }
        let name = words[at + 1].split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = name.clone().next().unwrap().to_owned();
        let indent = line.len() - line.trim_start().len();
        let closes = format!("{}}}", " ".repeat(indent));
        let last = lines[first..].iter().position(|line| **line == closes);
        let ends_at_once = line.ends_with('}') || line.ends_with(';');
        found.push((name, if ends_at_once { 1 } else { last.unwrap_or(0) + 1 }));
    }
    found
}

#[test]
fn the_top_holds_what_it_may() {
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let allowed = TOP_LEVEL.contains(&name.as_str()) || name == "target";
        assert!(allowed || name.starts_with('.'), "{name} stands at the top");
    }
}

#[test]
fn every_source_says_what_it_is() {
    for (path, source) in sources() {
        assert!(source.starts_with("//! "), "{path} does not open with a `//!` paragraph");
    }
}

#[test]
fn files_are_short() {
    let mut long = Vec::new();
    for (path, source) in sources().iter().filter(|(path, _)| is_shipped(path)) {
        let lines = without_tests(source).lines().count();
        let listed = LONG_FILES.iter().any(|(long, _)| long == path);
        assert!(lines >= FILE_LINES_MAX || !listed, "{path} need not be listed any more");
        if lines >= FILE_LINES_MAX && !listed {
            long.push(format!("{path} has {lines} lines\n"));
        }
    }
    assert_eq!(long.concat(), "");
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    let mut needless: Vec<(&str, &str)> =
        LONG_FUNCTIONS.iter().map(|(path, name, _)| (*path, *name)).collect();
    for (path, source) in sources().iter().filter(|(path, _)| is_shipped(path)) {
        for (name, lines) in functions(without_tests(source)) {
            let listed = needless.iter().position(|known| *known == (path.as_str(), name.as_str()));
            match (lines >= FUNCTION_LINES_MAX, listed) {
                (true, Some(at)) => drop(needless.remove(at)),
                (true, None) => long.push(format!("{path}: {name} has {lines} lines\n")),
                (false, _) => {}
            }
        }
    }
    assert_eq!(long.concat(), "");
    assert_eq!(needless, [("", ""); 0], "need not be listed any more");
}

#[test]
fn nothing_is_left_to_do() {
    // Put together here, so that this file does not contain them.
    let never = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("#[", "ignore"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    for (path, source) in sources() {
        for word in never {
            assert!(!source.contains(word), "{path} contains `{word}`");
        }
    }
}

#[test]
fn nothing_names_a_machine() {
    let paths = [
        concat!("/ho", "me/"),
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("/tm", "p/"),
        concat!("C:", "\\"),
    ];
    let ends = [
        ".rs", ".md", ".toml", ".lock", ".lalrpop", ".aqo", ".wit", ".txt", ".json", ".jsonl",
        ".tree", ".ts", ".yml", ".yaml", ".sh",
    ];
    for (path, text) in files(&ends) {
        for machine in paths {
            assert!(!text.contains(machine), "{path} contains `{machine}`");
        }
    }
}

#[test]
fn heavy_crates_are_built_once() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lock.lines() {
        if let Some(name) = line.strip_prefix("name = \"") {
            *versions.entry(name.trim_end_matches('"')).or_insert(0) += 1;
        }
    }
    for name in HEAVY {
        let listed = BUILT_TWICE.iter().any(|(twice, _)| *twice == name);
        let count = versions.get(name).copied().unwrap_or(0);
        assert!(count <= 1 || listed, "{name} is built in {count} versions");
        assert!(count > 1 || !listed, "{name} need not be listed any more");
    }
}
