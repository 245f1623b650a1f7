//! The one thread that owns the database: applies edits in the order in which they came, answers
//! requests, publishes diagnostics.
//!
//! Invariant: nothing is computed on stale text, because every event that was queued earlier has
//! been applied; diagnostics bear the version of the text that they are of, and are not published
//! where a newer one waits. An edit is told to every open document of its project, and published
//! where something else is wrong than before. A panic loses one computation and no more. Knows nothing
//! of how events come or publications go.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;

use aqo_compiler::modules::{bad_lock, taken};
use aqo_compiler::{Database, Diagnostic, Project, SourceFile, db};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tower_lsp::ls_types::{
    CodeActionOrCommand, Diagnostic as Shown, Range, TextDocumentContentChangeEvent, Uri,
};

use crate::convert;
use crate::project::Projects;
use crate::text::{Encoding, Lines, apply};

/// What a client says.
pub(crate) enum Event {
    /// How positions count, before anything else.
    Agreed(Encoding),
    /// A document is the client's from now on.
    Open { uri: Uri, version: i32, text: String },
    /// It changed.
    Edit { uri: Uri, version: i32, changes: Vec<TextDocumentContentChangeEvent> },
    /// It is the client's no more.
    Close { uri: Uri },
    /// Something changed on the disk: a document was saved, or the client saw it.
    Look { uri: Uri },
    /// What could be done about the problems in a range?
    Fixes { uri: Uri, within: Range, reply: oneshot::Sender<Vec<CodeActionOrCommand>> },
}

/// What is wrong with a version of a document; without a version it is closed.
pub(crate) struct Publication {
    pub(crate) uri: Uri,
    pub(crate) version: Option<i32>,
    pub(crate) diagnostics: Vec<Shown>,
}

/// Works until nobody can send events any more.
pub(crate) fn work(events: &Receiver<Event>, publish: &UnboundedSender<Publication>) {
    let mut worker = Worker::default();
    while let Ok(event) = events.recv() {
        worker.take(event, publish);
        worker.take_waiting(events, publish);
        while let Some(uri) = worker.changed.pop_first() {
            let publication = worker.publication(&uri);
            worker.take_waiting(events, publish);
            let is_latest = !worker.changed.contains(&uri) && worker.documents.contains_key(&uri);
            if let (true, Some(publication)) = (is_latest, publication)
                && worker.is_news(&publication)
            {
                // The receiver goes away when the server ends, and so does this thread.
                let _ = publish.send(publication);
            }
        }
    }
}

struct Document {
    file: SourceFile,
    version: i32,
    text: String,
    /// What was published last, and of which version.
    published: Option<(i32, Vec<Shown>)>,
}

#[derive(Default)]
struct Worker {
    db: Database,
    encoding: Encoding,
    documents: BTreeMap<Uri, Document>,
    /// Inputs of the database, and which belong together: one that was closed is used again.
    projects: Projects,
    /// Documents whose diagnostics are not published yet.
    changed: BTreeSet<Uri>,
}

impl Worker {
    fn take_waiting(&mut self, events: &Receiver<Event>, publish: &UnboundedSender<Publication>) {
        while let Ok(event) = events.try_recv() {
            self.take(event, publish);
        }
    }

    fn take(&mut self, event: Event, publish: &UnboundedSender<Publication>) {
        match event {
            Event::Agreed(encoding) => self.encoding = encoding,
            Event::Open { uri, version, text } => {
                let file = self.projects.file(&self.db, &uri);
                let document = Document { file, version, text, published: None };
                self.documents.insert(uri.clone(), document);
                self.look(&uri);
                self.changed.insert(uri);
            }
            Event::Edit { uri, version, changes } => {
                if let Some(document) = self.documents.get_mut(&uri) {
                    apply(&mut document.text, changes, self.encoding);
                    document.version = version;
                    self.concern(&uri);
                    self.changed.insert(uri);
                }
            }
            Event::Look { uri } => self.look(&uri),
            Event::Close { uri } => self.close(uri, publish),
            Event::Fixes { uri, within, reply } => {
                // Whoever asked may have cancelled; a reply that is dropped is an error to it.
                if let Some(fixes) = self.fixes(&uri, within) {
                    let _ = reply.send(fixes);
                }
            }
        }
    }

    /// Looks at the project of an address again.
    fn look(&mut self, uri: &Uri) {
        let open: Vec<SourceFile> = self.documents.values().map(|document| document.file).collect();
        let looked = self.projects.look(&mut self.db, uri, &open);
        self.diagnose_again(looked);
    }

    /// Has the open documents of the same project diagnosed again.
    fn concern(&mut self, uri: &Uri) {
        let project = *self.projects.file(&self.db, uri).project(&self.db);
        self.diagnose_again(project);
    }

    fn diagnose_again(&mut self, project: Option<Project>) {
        if project.is_none() {
            return;
        }
        let others = self.documents.iter();
        let same = others.filter(|(_, document)| *document.file.project(&self.db) == project);
        self.changed.extend(same.map(|(uri, _)| uri.clone()));
    }

    fn close(&mut self, uri: Uri, publish: &UnboundedSender<Publication>) {
        let Some(document) = self.documents.remove(&uri) else { return };
        self.changed.remove(&uri);
        document.file.replace_text(&mut self.db, String::new());
        self.look(&uri);
        let _ = publish.send(Publication { uri, version: None, diagnostics: Vec::new() });
    }

    /// What is wrong with a document now; `None` if it is not open, or the compiler failed.
    fn diagnose(&mut self, uri: &Uri) -> Option<Vec<Diagnostic>> {
        let file = self.documents.get(uri)?.file;
        let (db, documents) = (&mut self.db, &self.documents);
        let diagnosed = catch_unwind(AssertUnwindSafe(|| {
            for document in documents.values() {
                document.file.replace_text(db, document.text.clone());
            }
            let mut found = db::diagnostics(db, file);
            if let Some(project) = *file.project(db) {
                let taken = taken(db, project.files(db)).into_iter();
                found.extend(taken.filter(|(of, _)| *of == file).map(|(_, problem)| problem));
                found.extend(bad_lock(db, file));
                found.sort_by_key(|diagnostic| diagnostic.span);
            }
            found
        }));
        diagnosed.ok()
    }

    fn publication(&mut self, uri: &Uri) -> Option<Publication> {
        let found = self.diagnose(uri)?;
        let document = self.documents.get(uri)?;
        let lines = Lines::new(&document.text, self.encoding);
        let shown = found.iter().map(|diagnostic| convert::diagnostic(uri, &lines, diagnostic));
        Some(Publication {
            uri: uri.clone(),
            version: Some(document.version),
            diagnostics: shown.collect(),
        })
    }

    /// Whether a publication says what the last one of its document did not; it is the last from now
    /// on.
    fn is_news(&mut self, publication: &Publication) -> bool {
        let Some(document) = self.documents.get_mut(&publication.uri) else { return false };
        let now = Some((document.version, publication.diagnostics.clone()));
        let is_news = document.published != now;
        document.published = now;
        is_news
    }

    fn fixes(&mut self, uri: &Uri, within: Range) -> Option<Vec<CodeActionOrCommand>> {
        let found = self.diagnose(uri)?;
        let document = self.documents.get(uri)?;
        let lines = Lines::new(&document.text, self.encoding);
        Some(convert::quick_fixes(uri, &lines, &document.text, &found, within))
    }
}
