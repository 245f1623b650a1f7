//! Bytes of a client to whole messages, and those to the bytes that the protocol library reads.
//!
//! Invariant: what passes is a frame with a length, whose body is JSON with a method or an id. The
//! library stops reading for good at the first frame that is not, so nothing else reaches it; what
//! is dropped is told on standard error. Knows nothing of what messages mean.

use std::io::{BufRead, BufReader, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use serde_json::Value;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The longest body that is read. A text of the language is far shorter.
const BODY_BYTES_MAX: usize = 64 << 20;
/// The longest line of a header.
const HEADER_BYTES_MAX: u64 = 4_096;

/// The messages of an input, as bytes that can be awaited.
pub(crate) struct Frames {
    messages: UnboundedReceiver<Vec<u8>>,
    current: Vec<u8>,
    read: usize,
}

impl Frames {
    /// Reads an input to its end, on a thread of its own: reading blocks.
    pub(crate) fn of(input: impl Read + Send + 'static) -> std::io::Result<Frames> {
        let (sender, messages) = unbounded_channel();
        let reader = std::thread::Builder::new().name("reader".to_owned());
        reader.spawn(move || forward(&mut BufReader::new(input), &sender))?;
        Ok(Frames { messages, current: Vec::new(), read: 0 })
    }
}

impl AsyncRead for Frames {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        while self.read == self.current.len() {
            match ready!(self.messages.poll_recv(cx)) {
                Some(message) => (self.current, self.read) = (message, 0),
                None => return Poll::Ready(Ok(())),
            }
        }
        let rest = &self.current[self.read..];
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        self.read += count;
        Poll::Ready(Ok(()))
    }
}

/// Passes whole messages on until the input ends or nobody listens.
fn forward(input: &mut impl BufRead, messages: &UnboundedSender<Vec<u8>>) {
    while let Some(body) = next_body(input) {
        if !is_message(&body) {
            eprintln!("aqo-lsp: a message that is none was left out");
            continue;
        }
        let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        frame.extend(body);
        if messages.send(frame).is_err() {
            return;
        }
    }
}

/// The next body that has a length; `None` at the end. Lines that are no header are passed over.
fn next_body(input: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        let count = input.by_ref().take(HEADER_BYTES_MAX).read_until(b'\n', &mut line).ok()?;
        if count == 0 {
            return None;
        }
        let line = line.trim_ascii();
        if let (true, Some(length)) = (line.is_empty(), length.take()) {
            return body(input, length);
        }
        length = content_length(line).or(length);
    }
}

fn content_length(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?;
    // Garbage may stand before it on its line.
    let (_, value) = line.rsplit_once("Content-Length:")?;
    value.trim().parse().ok().filter(|length| *length <= BODY_BYTES_MAX)
}

fn body(input: &mut impl BufRead, length: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let most = u64::try_from(length).ok()?;
    let count = input.by_ref().take(most).read_to_end(&mut body).ok()?;
    (count == length).then_some(body)
}

/// Whether the library can take it: a request, a notification or a response.
fn is_message(body: &[u8]) -> bool {
    let Ok(Value::Object(message)) = serde_json::from_slice(body) else { return false };
    let id = message.get("id");
    let id_is_sound = id.is_none_or(|id| id.is_string() || id.as_i64().is_some() || id.is_null());
    let version_is_sound = message.get("jsonrpc").is_some_and(|version| version == "2.0");
    let asks = message.get("method").is_some_and(Value::is_string);
    let answers = id.is_some() && (message.contains_key("result") || has_error(&message));
    let params = message.get("params");
    let params_are_sound =
        params.is_none_or(|params| params.is_object() || params.is_array() || params.is_null());
    id_is_sound && version_is_sound && params_are_sound && (asks || answers)
}

fn has_error(message: &serde_json::Map<String, Value>) -> bool {
    let error = message.get("error").and_then(Value::as_object);
    error.is_some_and(|error| {
        error.get("code").is_some_and(|code| code.as_i64().is_some())
            && error.get("message").is_some_and(Value::is_string)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(input: &[u8]) -> Vec<String> {
        let (sender, mut messages) = unbounded_channel();
        forward(&mut BufReader::new(input), &sender);
        let mut found = Vec::new();
        while let Ok(frame) = messages.try_recv() {
            found.push(String::from_utf8_lossy(&frame).into_owned());
        }
        found
    }

    const HELLO: &str = r#"{"jsonrpc":"2.0","method":"hello"}"#;

    fn frame(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn messages_pass_as_they_are() {
        let two = format!("{0}{0}", frame(HELLO));
        assert_eq!(bodies(two.as_bytes()), [frame(HELLO), frame(HELLO)]);
    }

    #[test]
    fn what_is_no_message_is_passed_over() {
        let garbage = [
            "\0\x01\u{7f}\r\n\r\n",
            "{}",
            "\r\n\r\n\r\n",
            "Content-Length: x\r\n\r\n",
            "Content-Length: 99999999999\r\n\r\n",
        ];
        for garbage in garbage {
            let input = format!("{garbage}\n{}", frame(HELLO));
            assert_eq!(bodies(input.as_bytes()), [frame(HELLO)], "{garbage:?}");
        }
        for body in
            ["", "{", "[]", "null", r#"{"method":1}"#, r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#]
        {
            let input = format!("{}{}", frame(body), frame(HELLO));
            assert_eq!(bodies(input.as_bytes()), [frame(HELLO)], "{body:?}");
        }
    }

    #[test]
    fn an_input_may_end_anywhere() {
        let whole = frame(HELLO);
        for end in 0..whole.len() {
            assert_eq!(bodies(&whole.as_bytes()[..end]), [""; 0]);
        }
    }
}
