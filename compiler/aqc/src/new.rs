//! `aqc new`: a name to a directory with an object that checks, is tested and runs.
//!
//! Invariant: nothing that exists is written over. The templates lie beside this file.

use crate::build;
use aqo_compiler::{Database, SourceFile, db};
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use std::path::Path;

const SOURCE: &str = include_str!("new/object.aqo");
const MANIFEST: &str = include_str!("new/aqo.toml");
const IGNORED: &str = include_str!("new/gitignore");

/// Makes the directory. Its last part is the name of module and object.
pub(crate) fn new(path: &Path) -> Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !is_name(name) {
        return Err(Error::usage(format!("`{name}` cannot name an object's module")).help(
            "a name begins with a lower-case letter and goes on with those, digits and `_`; \
             words of the language are taken: try `my_object`",
        ));
    }
    if path.exists() {
        return Err(Error::usage(format!("{} exists already", path.display()))
            .help("choose another name; nothing was written"));
    }
    std::fs::create_dir_all(path).map_err(|e| Error::io("create", path, &e))?;
    let files = [("aqo.toml", MANIFEST), (&format!("{name}.aqo"), SOURCE), (".gitignore", IGNORED)];
    for (file, template) in files {
        let text = template.replace("NAME", name).replace("OBJECT", &upper(name));
        build::write(&path.join(file), text.as_bytes())?;
    }
    let shown = path.display();
    print(&format!("{shown} is ready: aqc test {shown}; aqc run {shown} --steps 3"));
    Ok(())
}

/// Whether a module may be called so: the language itself says.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(plain) || upper(name).is_empty() {
        return false;
    }
    let text = format!("module {name}\n\nobject {} version 1 {{\n}}\n", upper(name));
    let database = Database::default();
    let file = SourceFile::new(&database, name.to_owned(), text);
    db::diagnostics(&database, file).is_empty()
}

/// `my_object` as `MyObject`.
fn upper(name: &str) -> String {
    let words = name.split('_').filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
