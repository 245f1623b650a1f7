//! Builds the parser from `src/aqo.lalrpop` and tells its size, which a test bounds.

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=src/aqo.lalrpop");
    lalrpop::Configuration::new()
        .use_cargo_dir_conventions()
        .process()
        .expect("the grammar is LR(1); lalrpop has printed where it is not");
    #[expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment")]
    let out = std::env::var_os("OUT_DIR").expect("cargo names a directory for generated files");
    let out = PathBuf::from(out);
    let parser =
        std::fs::read_to_string(out.join("aqo.rs")).expect("lalrpop has just written the parser");
    let rows = parser.lines().filter_map(|line| line.trim().strip_prefix("// State "));
    let states = rows.filter_map(|row| row.parse::<usize>().ok()).max().map_or(0, |last| last + 1);
    let size = format!("ParserSize {{ bytes: {}, states: {states} }}", parser.len());
    std::fs::write(out.join("parser_size.rs"), size).expect("the directory is ours to write to");
}
