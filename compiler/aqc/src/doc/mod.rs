//! `aqc doc`: a project, or the language itself, to one page of HTML or to JSON.
//!
//! Invariant: HTML and JSON are two prints of one value, made from checked sources alone, so the
//! same sources give the same bytes. Knows no network and no clock.

mod book;
mod code;
mod declared;
mod drawn;
mod markdown;
mod member;
mod page;

use crate::build;
use crate::check::Checked;
use crate::project::Project;
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use std::path::Path;

/// Writes what the sources of a project declare.
pub(crate) fn project(
    project: &Project,
    checked: &Checked,
    json: bool,
    out: Option<&Path>,
) -> Result<()> {
    let declared = declared::declared(project, checked);
    let text = match json {
        true => {
            serde_json::to_string(&declared).map_err(|e| Error::internal(e.to_string()))? + "\n"
        }
        false => drawn::drawn(&declared),
    };
    written(&text, out)
}

/// Writes the reference of the language.
pub(crate) fn book(out: Option<&Path>) -> Result<()> {
    written(&book::book(), out)
}

/// Into a file, or to standard output.
fn written(text: &str, out: Option<&Path>) -> Result<()> {
    let Some(path) = out else {
        print(text.trim_end());
        return Ok(());
    };
    build::write(path, text.as_bytes())?;
    print(&format!("{}: {} bytes", path.display(), text.len()));
    Ok(())
}
