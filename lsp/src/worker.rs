//! The one thread that owns the database: applies edits in the order in which they came, answers
//! requests, publishes diagnostics.
//!
//! Invariant: nothing is computed on stale text, because every event that was queued earlier has
//! been applied; diagnostics bear the version of the text that they are of, and are not published
//! where a newer one waits. A panic loses one computation and no more. Knows nothing of how events
//! come or publications go.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Receiver;

use aqo_compiler::{Database, Diagnostic, SourceFile, db};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tower_lsp::ls_types::{
    CodeActionOrCommand, Diagnostic as Shown, Range, TextDocumentContentChangeEvent, Uri,
};

use crate::convert;
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
            if let (true, Some(publication)) = (is_latest, publication) {
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
}

#[derive(Default)]
struct Worker {
    db: Database,
    encoding: Encoding,
    documents: BTreeMap<Uri, Document>,
    /// Inputs of the database by address: one that was closed is used again.
    files: BTreeMap<Uri, SourceFile>,
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
                let file = self.file(&uri);
                self.documents.insert(uri.clone(), Document { file, version, text });
                self.changed.insert(uri);
            }
            Event::Edit { uri, version, changes } => {
                if let Some(document) = self.documents.get_mut(&uri) {
                    apply(&mut document.text, changes, self.encoding);
                    document.version = version;
                    self.changed.insert(uri);
                }
            }
            Event::Close { uri } => self.close(uri, publish),
            Event::Fixes { uri, within, reply } => {
                // Whoever asked may have cancelled; a reply that is dropped is an error to it.
                if let Some(fixes) = self.fixes(&uri, within) {
                    let _ = reply.send(fixes);
                }
            }
        }
    }

    fn file(&mut self, uri: &Uri) -> SourceFile {
        let new = || SourceFile::new(&self.db, uri.as_str().to_owned(), String::new());
        *self.files.entry(uri.clone()).or_insert_with(new)
    }

    fn close(&mut self, uri: Uri, publish: &UnboundedSender<Publication>) {
        let Some(document) = self.documents.remove(&uri) else { return };
        self.changed.remove(&uri);
        document.file.replace_text(&mut self.db, String::new());
        let _ = publish.send(Publication { uri, version: None, diagnostics: Vec::new() });
    }

    /// What is wrong with a document now; `None` if it is not open, or the compiler failed.
    fn diagnose(&mut self, uri: &Uri) -> Option<Vec<Diagnostic>> {
        let document = self.documents.get(uri)?;
        let (file, text) = (document.file, document.text.clone());
        let db = &mut self.db;
        let diagnosed = catch_unwind(AssertUnwindSafe(|| {
            file.replace_text(db, text);
            db::diagnostics(db, file)
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

    fn fixes(&mut self, uri: &Uri, within: Range) -> Option<Vec<CodeActionOrCommand>> {
        let found = self.diagnose(uri)?;
        let document = self.documents.get(uri)?;
        let lines = Lines::new(&document.text, self.encoding);
        Some(convert::quick_fixes(uri, &lines, &document.text, &found, within))
    }
}
