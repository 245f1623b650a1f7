//! Byte offsets of a text to positions of the protocol and back, and edits of a text.
//!
//! A position is a line and a count of code units in it, of UTF-8, UTF-16 or UTF-32 as client and
//! server agreed. A line ends with `\n`, `\r\n` or `\r`. Invariant: an offset stands between two
//! characters of the text, whatever the client sends. Knows no document.

use tower_lsp::ls_types::{Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent};

/// What the characters of a position count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// Bytes.
    Utf8,
    /// What every client speaks.
    #[default]
    Utf16,
    /// Code points.
    Utf32,
}

impl Encoding {
    /// The first of a client's that is known; UTF-16 where it names none.
    pub(crate) fn agreed(offered: &[PositionEncodingKind]) -> Encoding {
        let known = |kind: &PositionEncodingKind| match kind.as_str() {
            "utf-8" => Some(Encoding::Utf8),
            "utf-16" => Some(Encoding::Utf16),
            "utf-32" => Some(Encoding::Utf32),
            _ => None,
        };
        offered.iter().find_map(known).unwrap_or_default()
    }

    /// Its name in the protocol.
    pub(crate) fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn units(self, character: char) -> usize {
        match self {
            Encoding::Utf8 => character.len_utf8(),
            Encoding::Utf16 => character.len_utf16(),
            Encoding::Utf32 => 1,
        }
    }
}

/// The lines of a text.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    /// Finds them.
    pub(crate) fn new(text: &'t str, encoding: Encoding) -> Lines<'t> {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Lines { text, starts, encoding }
    }

    /// The byte at a position; the nearest one before it where there is no such position.
    pub(crate) fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).copied() else { return self.text.len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let content = self.text[start..end].trim_end_matches(['\r', '\n']);
        let mut left = position.character as usize;
        for (at, character) in content.char_indices() {
            let units = self.encoding.units(character);
            if units > left {
                return start + at;
            }
            left -= units;
        }
        start + content.len()
    }

    /// The position of a byte, which stands between two characters or at an end.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let before = &self.text[self.starts[line]..offset];
        let character: usize = before.chars().map(|character| self.encoding.units(character)).sum();
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Position::new(number(line), number(character))
    }

    /// The range of two bytes.
    pub(crate) fn range(&self, start: usize, end: usize) -> Range {
        Range::new(self.position(start), self.position(end))
    }
}

/// Applies edits to a text, one after another.
pub(crate) fn apply(
    text: &mut String,
    changes: Vec<TextDocumentContentChangeEvent>,
    encoding: Encoding,
) {
    for change in changes {
        let Some(range) = change.range else {
            *text = change.text;
            continue;
        };
        let lines = Lines::new(text, encoding);
        let (start, end) = (lines.offset(range.start), lines.offset(range.end));
        text.replace_range(start.min(end)..end.max(start), &change.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\n  é𝄞x\r\n\rlast";
    const ALL: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    #[test]
    fn characters_count_what_was_agreed() {
        let x = TEXT.find('x').expect("the text has an x");
        for (encoding, character) in
            [(Encoding::Utf8, 8), (Encoding::Utf16, 5), (Encoding::Utf32, 4)]
        {
            let lines = Lines::new(TEXT, encoding);
            assert_eq!(lines.position(x), Position::new(1, character));
            assert_eq!(lines.offset(Position::new(1, character)), x);
        }
    }

    #[test]
    fn every_byte_has_its_position() {
        for encoding in ALL {
            let lines = Lines::new(TEXT, encoding);
            for (at, character) in TEXT.char_indices() {
                if !['\r', '\n'].contains(&character) {
                    assert_eq!(lines.offset(lines.position(at)), at);
                }
            }
            assert_eq!(lines.offset(lines.position(TEXT.len())), TEXT.len());
        }
    }

    #[test]
    fn positions_that_do_not_exist_are_near_ones() {
        for encoding in ALL {
            let lines = Lines::new(TEXT, encoding);
            assert_eq!(lines.offset(Position::new(0, 99)), 1);
            assert_eq!(lines.offset(Position::new(99, 0)), TEXT.len());
            assert_eq!(lines.offset(Position::new(u32::MAX, u32::MAX)), TEXT.len());
            for character in 0..12 {
                assert!(TEXT.is_char_boundary(lines.offset(Position::new(1, character))));
            }
        }
    }

    #[test]
    fn edits_follow_one_another() {
        let change = |range, text: &str| TextDocumentContentChangeEvent {
            range,
            range_length: None,
            text: text.to_owned(),
        };
        let at =
            |line, from, to| Some(Range::new(Position::new(line, from), Position::new(line, to)));
        let mut text = String::from("one\ntwo\n");
        let changes =
            vec![change(at(1, 0, 3), "2"), change(at(0, 0, 0), "0\n"), change(at(9, 0, 0), "!")];
        apply(&mut text, changes, Encoding::Utf16);
        assert_eq!(text, "0\none\n2\n!");
        apply(&mut text, vec![change(at(1, 3, 1), ""), change(None, "all")], Encoding::Utf16);
        assert_eq!(text, "all");
    }

    #[test]
    fn the_clients_first_known_encoding_is_taken() {
        let kinds = |names: &[&'static str]| -> Vec<PositionEncodingKind> {
            names.iter().map(|name| PositionEncodingKind::new(name)).collect()
        };
        assert_eq!(Encoding::agreed(&kinds(&["utf-7", "utf-32", "utf-8"])), Encoding::Utf32);
        assert_eq!(Encoding::agreed(&kinds(&["utf-7"])), Encoding::Utf16);
        assert_eq!(Encoding::agreed(&[]), Encoding::Utf16);
    }
}
