//! The language server as an editor meets it: the binary itself over its standard streams.
//!
//! What it publishes is compared with what the compiler says of the same text. Knows nothing of how
//! the server works inside.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on shall stop where it stands, or when its time is over"
)]

mod client;

use aqo_compiler::{Database, SourceFile, db};
use serde_json::{Value, json};

use client::Client;

const URI: &str = "file:///demo.aqo";

fn thermostat() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/syntax/ok/thermostat.aqo");
    std::fs::read_to_string(path).unwrap()
}

/// The thermostat with a misspelt field.
fn misspelt() -> String {
    thermostat().replace("t > setpoint + 0.50", "t > setpiont + 0.50")
}

/// Line and character of a byte, in UTF-16.
fn position(text: &str, byte: u32) -> Value {
    let before = &text[..byte as usize];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    json!({ "line": line, "character": before[start..].encode_utf16().count() })
}

/// Code and range of all that the compiler says of a text.
fn expected(text: &str) -> Vec<Value> {
    let db = Database::default();
    let file = SourceFile::new(&db, "demo.aqo".to_owned(), text.to_owned());
    let found = db::diagnostics(&db, file);
    let shown = found.iter().map(|d| {
        let (start, end) = (position(text, d.span.start), position(text, d.span.end));
        json!({ "code": d.code.id(), "range": { "start": start, "end": end } })
    });
    shown.collect()
}

fn told(diagnostics: &[Value]) -> Vec<Value> {
    let short = |d: &Value| json!({ "code": d["code"], "range": d["range"] });
    diagnostics.iter().map(short).collect()
}

#[test]
fn an_open_document_is_diagnosed() {
    let mut client = Client::start();
    client.open(URI, 7, &misspelt());
    let diagnostics = client.diagnostics(URI, Some(7));
    assert_eq!(told(&diagnostics), expected(&misspelt()));
    let [only] = &diagnostics[..] else { panic!("{diagnostics:?}") };
    assert_eq!(only["severity"], 1);
    assert_eq!(only["source"], "aqo");
    assert_eq!(only["codeDescription"]["href"], "aqo-explain:/E2001.md");
    assert!(only["message"].as_str().unwrap().contains("did you mean `setpoint`?"));
    client.open("file:///fine.aqo", 1, &thermostat());
    assert_eq!(client.diagnostics("file:///fine.aqo", Some(1)), [Value::Null; 0]);
}

#[test]
fn the_other_party_is_shown() {
    let mut client = Client::start();
    client.open(URI, 1, &thermostat().replace("set mode = Idle", "set mode = Idel"));
    let diagnostics = client.diagnostics(URI, Some(1));
    let related = &diagnostics[0]["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], URI);
    assert_eq!(related["location"]["range"]["start"], json!({ "line": 7, "character": 5 }));
}

#[test]
fn a_code_is_explained() {
    let mut client = Client::start();
    let page = client.request("aqo/explain", &json!({ "code": "E3002" })).unwrap();
    assert!(page.as_str().unwrap().starts_with("# E3002: "));
    assert!(client.request("aqo/explain", &json!({ "code": "E9999" })).is_err());
}

#[test]
fn a_burst_of_edits_ends_in_what_the_last_one_says() {
    let mut client = Client::start();
    let mut text = thermostat();
    client.open(URI, 0, &text);
    for version in 1..=500u32 {
        // Somewhere in the text, a word comes; every third time one goes again.
        let byte = (version * 97) % text.len() as u32;
        let (word, end) = if version % 3 == 0 { ("", byte + 4) } else { (" set é𝄞 ", byte) };
        let end = end.min(text.len() as u32);
        if !text.is_char_boundary(byte as usize) || !text.is_char_boundary(end as usize) {
            client.edit(URI, version, json!([]));
            continue;
        }
        let range = json!({ "start": position(&text, byte), "end": position(&text, end) });
        client.edit(URI, version, json!([{ "range": range, "text": word }]));
        text.replace_range(byte as usize..end as usize, word);
    }
    let diagnostics = client.diagnostics(URI, Some(500));
    assert_eq!(told(&diagnostics), expected(&text));
    assert!(client.versions_ascend(URI));
}

#[test]
fn positions_count_what_was_agreed() {
    let text = "module demo\nconst a: text<9> = \"é𝄞\"; const b: bool = c\n";
    for (encoding, character) in [("utf-8", 27), ("utf-16", 24), ("utf-32", 23)] {
        let mut client = Client::start_with(&json!([encoding]));
        assert_eq!(client.encoding, encoding);
        client.open(URI, 1, text);
        let diagnostics = client.diagnostics(URI, Some(1));
        let starts: Vec<&Value> =
            diagnostics.iter().map(|d| &d["range"]["start"]["character"]).collect();
        assert_eq!(starts, [&json!(character), &json!(character + 18)], "{encoding}");
        // The semicolon goes, counted in the same way.
        let at = |character: u32| json!({ "line": 1, "character": character });
        let range = json!({ "start": at(character), "end": at(character + 1) });
        client.edit(URI, 2, json!([{ "range": range, "text": "" }]));
        assert_eq!(client.diagnostics(URI, Some(2)).len(), 1, "{encoding}");
    }
    assert_eq!(Client::start_with(&json!(["utf-7"])).encoding, "utf-16");
}

#[test]
fn a_fix_is_offered_and_mends() {
    let mut client = Client::start();
    client.open(URI, 1, &misspelt());
    let diagnostics = client.diagnostics(URI, Some(1));
    let range = &diagnostics[0]["range"];
    let actions = client.fixes(URI, range);
    let [action] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(action["title"], "Write `setpoint`");
    assert_eq!(action["kind"], "quickfix");
    assert_eq!(action["diagnostics"][0], diagnostics[0]);
    let edits = action["edit"]["changes"][URI].clone();
    client.edit(URI, 2, json!([{ "range": edits[0]["range"], "text": edits[0]["newText"] }]));
    assert_eq!(client.diagnostics(URI, Some(2)), [Value::Null; 0]);
    assert_eq!(client.fixes(URI, range), [Value::Null; 0]);
}

#[test]
fn requests_between_edits_see_the_edits_before_them() {
    let mut client = Client::start();
    client.open(URI, 0, &thermostat());
    let everything =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 999, "character": 0 } });
    for version in 1..=150u32 {
        let text = if version % 2 == 1 { misspelt() } else { thermostat() };
        client.edit(URI, version, json!([{ "text": text }]));
        let fixes = client.fixes(URI, &everything);
        assert_eq!(fixes.len() as u32, version % 2, "version {version}");
    }
}

#[test]
fn closing_clears() {
    let mut client = Client::start();
    client.open(URI, 1, &misspelt());
    assert_eq!(client.diagnostics(URI, Some(1)).len(), 1);
    client.notify("textDocument/didClose", &json!({ "textDocument": { "uri": URI } }));
    assert_eq!(client.diagnostics(URI, None), [Value::Null; 0]);
    client.edit(URI, 2, json!([{ "text": misspelt() }]));
    client.open(URI, 3, &misspelt());
    assert_eq!(client.diagnostics(URI, Some(3)).len(), 1);
}

#[test]
fn garbage_does_not_kill_it() {
    let mut client = Client::start();
    let bodies = [
        "{",
        "[1, 2]",
        "null",
        "\"\"",
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"1.0","method":"m"}"#,
    ];
    for body in bodies {
        client.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }
    client.raw(
        b"\x00\xff\xfe\r\n\r\nContent-Length: -1\r\n\r\nContent-Length: 99999999999\r\n\r\n\n",
    );
    client.notify("textDocument/didOpen", &json!({ "textDocument": { "uri": 5 } }));
    client.notify("textDocument/didOpen", &json!({}));
    client.notify("textDocument/didChange", &json!([1]));
    client.notify("no/such/thing", &json!({ "a": 1 }));
    assert!(client.request("no/such/request", &json!({})).is_err());
    assert!(client.request("textDocument/codeAction", &json!({ "range": 1 })).is_err());
    assert!(client.request("initialize", &json!({ "capabilities": {} })).is_err());
    client.open(URI, 1, "\u{feff}");
    client.diagnostics(URI, Some(1));
    let far = json!({ "line": 4_294_967_295u32, "character": 4_294_967_295u32 });
    let back = json!([{ "range": { "start": far, "end": { "line": 0, "character": 0 } }, "text": misspelt() }]);
    client.edit(URI, 2, back);
    assert_eq!(told(&client.diagnostics(URI, Some(2))), expected(&misspelt()));
}

#[test]
fn every_prefix_is_diagnosed() {
    let mut client = Client::start();
    let text = thermostat();
    client.open(URI, 0, "");
    let mut version = 0;
    for end in (0..text.len()).step_by(37).filter(|end| text.is_char_boundary(*end)) {
        version += 1;
        client.edit(URI, version, json!([{ "text": &text[..end] }]));
        assert_eq!(told(&client.diagnostics(URI, Some(version))), expected(&text[..end]));
    }
}

#[test]
fn the_deepest_text_is_diagnosed() {
    let mut client = Client::start();
    let (open, close) = ("if (".repeat(120), ") > 1 { 1 } else { 2 }".repeat(120));
    client.open(URI, 1, &format!("module demo const a: int in 0 ..= 9 = {open}1{close}"));
    client.diagnostics(URI, Some(1));
    client.open(URI, 2, &misspelt());
    assert_eq!(client.diagnostics(URI, Some(2)).len(), 1);
}

#[test]
fn it_ends_when_its_input_does() {
    let mut client = Client::start();
    client.open(URI, 1, &misspelt());
    assert_eq!(client.hang_up(), 1);
}

#[test]
fn it_ends_in_order() {
    let mut client = Client::start();
    client.request("shutdown", &Value::Null).unwrap();
    client.notify("exit", &Value::Null);
    assert_eq!(client.ended(), 0);
    let mut impolite = Client::start();
    impolite.notify("exit", &Value::Null);
    assert_eq!(impolite.ended(), 1);
}

const USER: &str = "module user\n\nuse base.{Level}\nuse std.time.{date}\n\nobject User version 1 {\n    \
    field n: Level = 7\n\n    derive year: int in 1970 ..= 2261 = date(now).year\n}\n";

/// Codes of what is published next of the first version of a document.
fn codes(client: &mut Client, uri: &str) -> Vec<String> {
    let found = client.diagnostics(uri, Some(1));
    found.iter().map(|d| d["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_document_uses_the_other_files_of_its_project_and_std() {
    let place = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    let base = "module base\n\ntype Level = int in 0 ..= 9\n";
    write("aqo.toml", "");
    write("base.aqo", base);
    write("user.aqo", USER);
    let folder = place.path().canonicalize().unwrap();
    let uri = |name: &str| format!("file://{}", folder.join(name).display());
    let mut client = Client::start();
    // Nobody has opened the other file: it is read.
    client.open(&uri("user.aqo"), 1, USER);
    assert_eq!(client.diagnostics(&uri("user.aqo"), Some(1)), [Value::Null; 0]);
    // Now somebody has, and what he types counts before it is saved.
    client.open(&uri("base.aqo"), 1, base);
    assert_eq!(client.diagnostics(&uri("base.aqo"), Some(1)), [Value::Null; 0]);
    let narrow = base.replace("0 ..= 9", "0 ..= 5");
    client.edit(&uri("base.aqo"), 2, json!([{ "text": narrow }]));
    assert_eq!(codes(&mut client, &uri("user.aqo")), ["E3002"]);
    client.edit(&uri("base.aqo"), 3, json!([{ "text": base.replace("Level", "Height") }]));
    assert_eq!(codes(&mut client, &uri("user.aqo")), ["E2001"]);
    // Without saving he goes, and the disk counts again.
    let document = json!({ "textDocument": { "uri": uri("base.aqo") } });
    client.notify("textDocument/didClose", &document);
    assert_eq!(codes(&mut client, &uri("user.aqo")), [""; 0]);
    // Something else writes there, and the client says so.
    write("base.aqo", &narrow);
    let changes = json!({ "changes": [{ "uri": uri("base.aqo"), "type": 2 }] });
    client.notify("workspace/didChangeWatchedFiles", &changes);
    assert_eq!(codes(&mut client, &uri("user.aqo")), ["E3002"]);
    // Two files of one name.
    client.open(&uri("zwei.aqo"), 1, base);
    assert_eq!(codes(&mut client, &uri("zwei.aqo")), ["E2009"]);
}

#[test]
fn the_lock_of_a_project_is_seen_and_may_be_wrong() {
    let place = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
    let text = "module meter\n\nobject Meter version 1 {\n    \
        field used: int in 0 ..= 9 = 0 was spent\n}\n";
    write("aqo.toml", "");
    write("meter.aqo", text);
    let folder = place.path().canonicalize().unwrap();
    let uri = |name: &str| format!("file://{}", folder.join(name).display());
    let mut client = Client::start();
    client.open(&uri("meter.aqo"), 1, text);
    assert_eq!(codes(&mut client, &uri("meter.aqo")), [""; 0]);
    let mut looked = |lock: &str| {
        write("aqo.lock", lock);
        let changes = json!({ "changes": [{ "uri": uri("aqo.lock"), "type": 2 }] });
        client.notify("workspace/didChangeWatchedFiles", &changes);
        codes(&mut client, &uri("meter.aqo"))
    };
    let with = |name: &str| format!("version = 1\n\n[\"meter.Meter\".fields]\n{name} = 4\n");
    assert_eq!(looked(&with("other")), ["E2013"]);
    assert_eq!(looked(&with("spent")), [""; 0]);
    assert_eq!(looked(&format!("<<<<<<< mine\n{}", with("spent"))), ["E2014"]);
    assert_eq!(looked(&with("used")), [""; 0]);
}
