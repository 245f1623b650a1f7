//! The projects of open documents: which files belong to them, what those say that no client has
//! open, and what their locks say.
//!
//! Invariant: a document that is open says what the client says, every other file what lay on the disk
//! when it was looked at last: when a document of its project was opened, saved or closed, or when
//! the client told of a change. Knows nothing of diagnostics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aqo_compiler::files::{below, project_above};
use aqo_compiler::lock::LOCK;
use aqo_compiler::{Database, Project, SourceFile};
use tower_lsp::ls_types::Uri;

/// Files by what tells them apart: their path, or the address of what is no file.
#[derive(Default)]
pub(crate) struct Projects {
    files: BTreeMap<String, SourceFile>,
    projects: BTreeMap<PathBuf, Project>,
}

impl Projects {
    /// The input of an address; a new one says nothing.
    pub(crate) fn file(&mut self, db: &Database, uri: &Uri) -> SourceFile {
        let key = path_of(uri).map_or_else(|| uri.as_str().to_owned(), |path| name(&path));
        self.named(db, key)
    }

    fn named(&mut self, db: &Database, key: String) -> SourceFile {
        let new = || SourceFile::new(db, key.clone(), String::new());
        *self.files.entry(key.clone()).or_insert_with(new)
    }

    /// Looks at the project that an address lies in, whose other files or lock may have changed, and
    /// gives it. These files are open, so the disk does not say what they say.
    pub(crate) fn look(
        &mut self,
        db: &mut Database,
        uri: &Uri,
        open: &[SourceFile],
    ) -> Option<Project> {
        let path = path_of(uri)?;
        let root = path.parent().and_then(project_above).map(Path::to_owned)?;
        // What cannot be read is not there.
        let found = below(&root).ok()?;
        let mut files = Vec::new();
        for source in found.sources {
            let file = self.named(db, name(&source));
            if !open.contains(&file) {
                let text = std::fs::read_to_string(&source).unwrap_or_default();
                file.replace_text(db, text);
            }
            files.push(file);
        }
        // A document may be open that has not been saved yet.
        let file = self.named(db, name(&path));
        if open.contains(&file) && !files.contains(&file) {
            files.push(file);
        }
        let new = || Project::new(db, Vec::new());
        let lock = root.join(LOCK);
        let project = *self.projects.entry(root).or_insert_with(new);
        project.join(db, files);
        // What cannot be read is not there, as with sources.
        project.replace_lock(db, std::fs::read_to_string(lock).ok());
        Some(project)
    }
}

/// The path of a file, with what is written for its directory's links.
fn path_of(uri: &Uri) -> Option<PathBuf> {
    let path = uri.to_file_path()?;
    let place = path.parent().and_then(|parent| parent.canonicalize().ok());
    Some(match (place, path.file_name()) {
        (Some(place), Some(name)) => place.join(name),
        _ => path.into_owned(),
    })
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
