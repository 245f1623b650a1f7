//! A client of the language server: starts the binary, speaks, and waits for what it needs.
//!
//! Invariant: it never waits for ever; what does not come in time fails the test.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

/// The server, built as cargo builds it for whoever runs this suite.
static SERVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "-p", "aqo-lsp", "--bin", "aqo-lsp"])
        .args(["--message-format", "json", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let messages = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let path = |message: Value| message["executable"].as_str().map(PathBuf::from);
    messages.filter_map(path).next_back().unwrap()
});

pub(crate) struct Client {
    server: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// Notifications that nobody has waited for yet.
    kept: VecDeque<Value>,
    /// Versions of publications in the order in which they came, by document.
    published: Vec<(String, Value)>,
    asked: u64,
    /// What the server agreed to.
    pub(crate) encoding: String,
}

impl Client {
    pub(crate) fn start() -> Client {
        Client::start_with(&Value::Null)
    }

    /// Starts a server and offers it these position encodings.
    pub(crate) fn start_with(encodings: &Value) -> Client {
        let mut command = Command::new(&*SERVER);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = piped.spawn().unwrap();
        let (sender, messages) = channel();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        std::thread::spawn(move || {
            while let Some(message) = next_message(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut client = Client {
            input: server.stdin.take(),
            server,
            messages,
            kept: VecDeque::new(),
            published: Vec::new(),
            asked: 0,
            encoding: String::new(),
        };
        let general = json!({ "positionEncodings": encodings });
        let params = json!({ "capabilities": { "general": general } });
        let result = client.request("initialize", &params).unwrap();
        client.encoding = result["capabilities"]["positionEncoding"].as_str().unwrap().to_owned();
        client.notify("initialized", &json!({}));
        client
    }

    /// Writes bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn say(&mut self, message: &Value) {
        let body = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if !params.is_null() {
            message["params"] = params.clone();
        }
        self.say(&message);
    }

    /// Asks, and waits for the result or the error.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        self.asked += 1;
        let id = self.asked;
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if !params.is_null() {
            message["params"] = params.clone();
        }
        self.say(&message);
        loop {
            let mut message = self.next();
            if message["id"] == id {
                let error = message["error"].take();
                return if error.is_null() { Ok(message["result"].take()) } else { Err(error) };
            }
            self.kept.push_back(message);
        }
    }

    fn next(&mut self) -> Value {
        let message = self.messages.recv_timeout(PATIENCE).expect("the server answers in time");
        if message["method"] == "textDocument/publishDiagnostics" {
            let uri = message["params"]["uri"].as_str().unwrap().to_owned();
            self.published.push((uri, message["params"]["version"].clone()));
        }
        message
    }

    pub(crate) fn open(&mut self, uri: &str, version: u32, text: &str) {
        let document = json!({ "uri": uri, "languageId": "aqo", "version": version, "text": text });
        self.notify("textDocument/didOpen", &json!({ "textDocument": document }));
    }

    pub(crate) fn edit(&mut self, uri: &str, version: u32, changes: Value) {
        let document = json!({ "uri": uri, "version": version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.notify("textDocument/didChange", &params);
    }

    /// Waits for the diagnostics of this version; of no version after a close.
    pub(crate) fn diagnostics(&mut self, uri: &str, version: Option<u32>) -> Vec<Value> {
        loop {
            let message = match self.kept.pop_front() {
                Some(message) => message,
                None => self.next(),
            };
            let params = &message["params"];
            if message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == uri
                && params["version"] == json!(version)
            {
                return params["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    /// Whether no version of a document was published after a later one.
    pub(crate) fn versions_ascend(&self, uri: &str) -> bool {
        let of_document = self.published.iter().filter(|(published, _)| published == uri);
        of_document.map(|(_, version)| version.as_i64()).is_sorted()
    }

    /// The code actions of a range.
    pub(crate) fn fixes(&mut self, uri: &str, range: &Value) -> Vec<Value> {
        let params = json!({
            "textDocument": { "uri": uri }, "range": range, "context": { "diagnostics": [] },
        });
        let actions = self.request("textDocument/codeAction", &params).unwrap();
        actions.as_array().unwrap().clone()
    }

    /// Closes the server's input, and gives its exit code.
    pub(crate) fn hang_up(&mut self) -> i32 {
        self.input = None;
        self.ended()
    }

    /// Waits for the server to end by itself, and gives its exit code.
    pub(crate) fn ended(&mut self) -> i32 {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.server.try_wait().unwrap() {
                return status.code().unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the server does not end");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn next_message(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.strip_prefix("Content-Length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
