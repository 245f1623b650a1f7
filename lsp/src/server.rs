//! Messages of the protocol to events of the worker, and its publications to the client.
//!
//! Invariant: a handler's first act, before any await, is to queue its event, since handlers run
//! several at a time and their order is lost after the first await. No handler asks the client
//! anything. Knows no text and no database.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use aqo_compiler::Code;
use aqo_compiler::db::STACK_BYTES;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, CodeActionProviderCapability,
    CodeActionResponse, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    InitializeParams, InitializeResult, LSPAny, ServerCapabilities, ServerInfo,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions,
};
use tower_lsp::{Client, LanguageServer, LspService, Server};

use crate::frames::Frames;
use crate::text::Encoding;
use crate::worker::{Event, Publication, work};

/// How a client went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It asked for a shutdown before.
    Orderly,
    /// It did not.
    Abrupt,
}

/// Serves one client until it says `exit` or its input ends. The output is made inside the runtime
/// that writes to it.
pub fn serve<W: AsyncWrite>(
    input: impl Read + Send + 'static,
    output: impl FnOnce() -> W,
) -> std::io::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let frames = Frames::of(input)?;
    let (events, waiting) = channel();
    let (publish, publications) = unbounded_channel();
    let worker = std::thread::Builder::new().name("worker".to_owned()).stack_size(STACK_BYTES);
    let worker = worker.spawn(move || work(&waiting, &publish))?;
    let is_shut_down = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_shut_down);
    runtime.block_on(async move {
        let build = LspService::build(|client| {
            tokio::spawn(show(client, publications));
            Backend { events, is_shut_down: flag }
        });
        let (service, socket) = build.custom_method("aqo/explain", Backend::explain).finish();
        Server::new(frames, output(), socket).serve(service).await;
    });
    // A write to a client that reads no more may never end.
    runtime.shutdown_background();
    // The backend has gone and its queue is closed, so the worker ends; a panic of it was told.
    let _ = worker.join();
    let is_orderly = is_shut_down.load(Ordering::Relaxed);
    Ok(if is_orderly { Ending::Orderly } else { Ending::Abrupt })
}

/// Shows publications to the client, of those that wait for one document only the last.
async fn show(client: Client, mut publications: UnboundedReceiver<Publication>) {
    while let Some(first) = publications.recv().await {
        let mut waiting = vec![first];
        while let Ok(next) = publications.try_recv() {
            waiting.retain(|earlier| earlier.uri != next.uri);
            waiting.push(next);
        }
        for Publication { uri, version, diagnostics } in waiting {
            client.publish_diagnostics(uri, diagnostics, version).await;
        }
    }
}

struct Backend {
    events: Sender<Event>,
    is_shut_down: Arc<AtomicBool>,
}

impl Backend {
    /// Queues an event. The worker outlives every handler, or the server is ending.
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// `aqo/explain {code}`: the page of a code, as Markdown.
    async fn explain(&self, params: LSPAny) -> Result<String> {
        let code = params.get("code").and_then(LSPAny::as_str).and_then(Code::named);
        let unknown = || Error::invalid_params("`code` is a code such as \"E3002\"");
        code.map(|code| code.page().to_owned()).ok_or_else(unknown)
    }
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..TextDocumentSyncOptions::default()
        })),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let general = params.capabilities.general;
        let offered = general.and_then(|general| general.position_encodings);
        let encoding = Encoding::agreed(&offered.unwrap_or_default());
        self.tell(Event::Agreed(encoding));
        Ok(InitializeResult {
            capabilities: capabilities(encoding),
            server_info: Some(ServerInfo {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn shutdown(&self) -> Result<()> {
        self.is_shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        self.tell(Event::Open {
            uri: document.uri,
            version: document.version,
            text: document.text,
        });
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        let changes = params.content_changes;
        self.tell(Event::Edit { uri: document.uri, version: document.version, changes });
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.tell(Event::Look { uri: params.text_document.uri });
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        params.changes.into_iter().for_each(|change| self.tell(Event::Look { uri: change.uri }));
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.tell(Event::Close { uri: params.text_document.uri });
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let (reply, fixes) = oneshot::channel();
        self.tell(Event::Fixes { uri: params.text_document.uri, within: params.range, reply });
        // Without a reply the document is not open, or the compiler failed on it.
        Ok(fixes.await.ok())
    }
}
