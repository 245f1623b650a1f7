//! The chapters of the language to a table that the binary carries: name and text, in order.
//!
//! Knows nothing of what a chapter says; the folder alone says which there are.

#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts by the environment")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../tests/spec");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".md").map(str::to_owned));
    }
    names.sort();
    let mut table = String::from("&[\n");
    for name in names {
        let path = folder.join(format!("{name}.md")).canonicalize()?;
        writeln!(table, "    ({name:?}, include_str!({path:?})),")?;
    }
    table.push_str("]\n");
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("chapters.rs"), table)?;
    Ok(())
}
