//! Who may know whom: the edges between the crates, against the list of the architecture, and what
//! no crate reaches, however far away.
//!
//! Reads what cargo says of the workspace. Tests and builds of a crate (dev and build dependencies)
//! may know more than what is shipped.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What each crate may depend on, of ours.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("aqo-grammar", &[]),
    ("aqo-stdlib", &[]),
    ("aqo-model", &[]),
    ("aqo-emit", &["aqo-model", "aqo-stdlib"]),
    ("aqo-compiler", &["aqo-grammar", "aqo-stdlib", "aqo-model", "aqo-emit"]),
    ("aqo-runtime", &["aqo-model", "aqo-emit"]),
    ("aqc", &["aqo-compiler", "aqo-runtime", "aqo-model"]),
    ("aqo-lsp", &["aqo-compiler", "aqo-grammar"]),
    (
        "aqo-tests",
        &[
            "aqo-grammar",
            "aqo-stdlib",
            "aqo-model",
            "aqo-emit",
            "aqo-compiler",
            "aqo-runtime",
            "aqo-lsp",
        ],
    ),
];

/// What a crate never reaches, at any distance.
const OUT_OF_REACH: [(&str, &[&str]); 6] = [
    ("aqo-runtime", &["salsa", "lalrpop", "lalrpop-util", "logos"]),
    ("aqo-compiler", &["wasmtime", "cranelift-codegen", "tokio"]),
    ("aqo-lsp", &["wasmtime", "cranelift-codegen"]),
    ("aqo-emit", &["salsa", "wasmtime", "tokio"]),
    ("aqo-model", &["wasm-encoder", "wasmparser", "salsa", "wasmtime", "tokio"]),
    ("aqo-grammar", &["salsa", "wasmparser", "wasmtime", "tokio", "serde"]),
];

fn metadata(flags: &[&str]) -> Value {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--manifest-path", manifest])
        .args(flags)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[test]
fn each_crate_knows_only_what_it_may() {
    let metadata = metadata(&["--no-deps"]);
    let packages = list(&metadata["packages"]);
    let ours: BTreeSet<&str> = packages.iter().map(|package| text(&package["name"])).collect();
    let listed: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, listed, "crates, and crates of the list");
    for package in packages {
        let name = text(&package["name"]);
        let (_, allowed) = ALLOWED.iter().find(|(known, _)| *known == name).unwrap();
        for dependency in list(&package["dependencies"]) {
            let other = text(&dependency["name"]);
            let ships = dependency["kind"].is_null();
            let known = !ours.contains(other) || allowed.contains(&other);
            assert!(!ships || known, "{name} depends on {other}, which is not in the list");
        }
    }
}

/// The crates that each crate ships with, by id.
fn shipped_edges(metadata: &Value) -> BTreeMap<&str, Vec<&str>> {
    let ships = |dependency: &&Value| {
        list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null())
    };
    let nodes = list(&metadata["resolve"]["nodes"]).iter();
    nodes
        .map(|node| {
            let dependencies = list(&node["deps"]).iter().filter(ships);
            (text(&node["id"]), dependencies.map(|dependency| text(&dependency["pkg"])).collect())
        })
        .collect()
}

fn reached<'m>(edges: &BTreeMap<&'m str, Vec<&'m str>>, from: &'m str) -> BTreeSet<&'m str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(&edges[id]);
        }
    }
    seen
}

fn host() -> String {
    let output = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

#[test]
fn nothing_reaches_what_it_must_not_know() {
    let metadata = metadata(&["--filter-platform", &host()]);
    let names: BTreeMap<&str, &str> = list(&metadata["packages"])
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let edges = shipped_edges(&metadata);
    for (from, never) in OUT_OF_REACH {
        let (id, _) = names.iter().find(|(_, name)| **name == from).unwrap();
        for reached in reached(&edges, id) {
            assert!(!never.contains(&names[reached]), "{from} reaches {}", names[reached]);
        }
    }
}
