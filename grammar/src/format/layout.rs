//! A stream to text: which groups are broken, and where the comments go.
//!
//! Invariant: a group stands on one line if it fits there together with what must follow it on that
//! line, and if nothing in it ends a line. Two tokens that would be read as another when they touch
//! are kept apart. No line ends in white space; the text ends in one `\n`.
//!
//! Knows nothing of what the tokens mean.

use super::gaps::Gap;
use super::stream::{Blank, Item, Line, Shape, Stream};
use crate::token::{Kind, lex};

/// How far a line may reach.
const COLUMNS_MAX: usize = 100;

/// How far a level is set in.
const INDENT: usize = 4;

pub(super) fn layout(stream: &Stream<'_>) -> String {
    let widths: Vec<usize> =
        stream.source.tokens.iter().map(|(_, text)| text.chars().count()).collect();
    let groups = measure(stream, &widths);
    let mut layout = Layout {
        stream,
        widths,
        groups,
        broken: vec![false; stream.groups],
        open: Vec::new(),
        level: 0,
        start: 0,
        out: String::new(),
        column: 0,
        space: false,
        last: None,
    };
    for index in 0..stream.items.len() {
        layout.item(index);
    }
    layout.out
}

/// What a group takes.
#[derive(Clone, Copy)]
struct Extent {
    /// Columns on one line; `None` where something in it ends a line.
    width: Option<usize>,
    /// The item that closes it.
    end: usize,
}

fn measure(stream: &Stream<'_>, widths: &[usize]) -> Vec<Extent> {
    let mut extents = vec![Extent { width: None, end: stream.items.len() }; stream.groups];
    let mut open: Vec<(usize, Option<usize>)> = Vec::new();
    for (index, item) in stream.items.iter().enumerate() {
        let width = match item {
            Item::Token(token) => Some(widths[*token]),
            Item::Space => Some(1),
            Item::Line(line) => line_width(line),
            Item::TrailingComma | Item::Indent | Item::Dedent => Some(0),
            Item::Open { id, .. } => {
                open.push((*id, Some(0)));
                continue;
            }
            Item::Close => {
                let Some((id, width)) = open.pop() else { continue };
                extents[id] = Extent { width, end: index };
                width
            }
        };
        if let Some((_, sum)) = open.last_mut() {
            *sum = sum.zip(width).map(|(sum, width)| sum + width);
        }
    }
    extents
}

/// `None`: it is broken in any case.
fn line_width(line: &Line) -> Option<usize> {
    match line.shape {
        _ if line.has_comments => None,
        Shape::Hard => None,
        Shape::Space => Some(1),
        Shape::Nothing => Some(0),
    }
}

struct Layout<'s, 't> {
    stream: &'s Stream<'t>,
    /// Of each token.
    widths: Vec<usize>,
    groups: Vec<Extent>,
    /// By group, as far as they were opened.
    broken: Vec<bool>,
    /// The groups around this place: whether they are broken.
    open: Vec<bool>,
    level: usize,
    /// The level of this line.
    start: usize,
    out: String,
    /// How many characters this line has.
    column: usize,
    /// A space is due before the next token on this line.
    space: bool,
    /// The token before, on this line.
    last: Option<usize>,
}

impl Layout<'_, '_> {
    fn item(&mut self, index: usize) {
        match self.stream.items[index] {
            Item::Token(token) => self.token(token),
            Item::TrailingComma if self.is_broken() => {
                self.write(",");
                self.last = None;
            }
            Item::TrailingComma => {}
            Item::Space => self.space = true,
            Item::Line(line) if self.is_broken() => self.end_line(&line),
            Item::Line(line) => self.space |= line.shape == Shape::Space,
            Item::Open { id, follows } => {
                let is_broken = self.is_broken()
                    && (follows.is_some_and(|header| self.broken[header]) || !self.fits(id));
                self.broken[id] = is_broken;
                self.open.push(is_broken);
            }
            Item::Close => {
                self.open.pop();
            }
            Item::Indent => self.level += 1,
            Item::Dedent => self.level -= 1,
        }
    }

    /// Whether the lines of this place are broken; those outside all groups are.
    fn is_broken(&self) -> bool {
        self.open.last().copied().unwrap_or(true)
    }

    fn fits(&self, group: usize) -> bool {
        let Extent { width: Some(width), end } = self.groups[group] else { return false };
        let start = if self.column == 0 { self.start * INDENT } else { self.column };
        let mut column = start + usize::from(self.space) + width;
        // Whatever follows up to the next line stays behind it: that line may be broken.
        for item in &self.stream.items[end..] {
            column += match item {
                Item::Token(token) => self.widths[*token],
                Item::Space | Item::TrailingComma => 1,
                Item::Line(_) => break,
                Item::Open { .. } | Item::Close | Item::Indent | Item::Dedent => 0,
            };
            if column > COLUMNS_MAX {
                return false;
            }
        }
        column <= COLUMNS_MAX
    }

    fn token(&mut self, token: usize) {
        let text = self.stream.source.tokens[token].1;
        if let Some(last) = self.last.filter(|_| !self.space) {
            self.space = would_join(self.stream.source.tokens[last], text);
        }
        self.write(text);
        self.last = Some(token);
    }

    fn write(&mut self, text: &str) {
        if self.column == 0 {
            self.set_in(self.start);
        } else if self.space {
            self.out.push(' ');
            self.column += 1;
        }
        self.space = false;
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn set_in(&mut self, level: usize) {
        self.out.extend(std::iter::repeat_n(' ', level * INDENT));
        self.column = level * INDENT;
    }

    fn end_line(&mut self, line: &Line) {
        let gap: &Gap<'_> = &self.stream.source.gaps[line.gap];
        let mut is_first = true;
        let comments = if line.has_comments { gap.comments.as_slice() } else { &[] };
        for comment in comments {
            if comment.own_line {
                self.newline(match (line.blank, is_first) {
                    (Blank::Never, _) | (Blank::AfterOpener, true) => false,
                    (Blank::Always, true) => true,
                    (Blank::Always | Blank::AfterOpener, false) => comment.blank_before,
                    (Blank::Kept | Blank::BeforeCloser | Blank::AtEnd, _) => comment.blank_before,
                });
                // Before a bracket that closes, they belong to what it closes.
                self.set_in(self.level + usize::from(line.blank == Blank::BeforeCloser));
                is_first = false;
            } else if self.column > 0 {
                self.out.push(' ');
            }
            self.out.push_str(comment.text);
            self.column += comment.text.chars().count();
        }
        self.newline(match (line.blank, is_first) {
            (Blank::Never | Blank::BeforeCloser | Blank::AtEnd, _) | (Blank::AfterOpener, true) => {
                false
            }
            (Blank::Always, true) => true,
            (Blank::Always | Blank::AfterOpener, false) | (Blank::Kept, _) => gap.blank_at_end,
        });
    }

    fn newline(&mut self, blank: bool) {
        if !self.out.is_empty() {
            self.out.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.start = self.level;
        self.column = 0;
        self.space = false;
        self.last = None;
    }
}

/// Whether the lexer would read two tokens differently if they touched: `1` and `.len`.
fn would_join((kind, text): (Kind, &str), next: &str) -> bool {
    if kind.is_opener() || kind == Kind::Text || next == "," {
        return false;
    }
    let lexemes = lex(&format!("{text}{next}")).lexemes;
    lexemes.len() != 2 || lexemes[0].kind != kind || lexemes[0].span.end as usize != text.len()
}
