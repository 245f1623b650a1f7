//! What the walkers write: tokens in their order, and between them lines that may be broken.
//!
//! Invariant: every token is written by [`Printer::any`], which takes them from the source one after
//! the other; what a walker expects and does not find is a fault. Each gap with comments belongs to
//! exactly one line, which is then broken; where the walkers offered none, one is put there. So no
//! token and no comment can be lost.
//!
//! Knows nothing of the tree and nothing of columns.

use super::gaps::Source;
use crate::token::Kind;

/// A number for each group, in the order in which they open.
pub(super) type GroupId = usize;

/// What a line is where it is not broken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Nothing,
    Space,
    /// It is always broken.
    Hard,
}

/// Where a broken line may leave a blank one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blank {
    /// Nowhere: it is inside a statement.
    Never,
    /// Where the author did: it is between siblings.
    Kept,
    /// Before whatever comes first, and where the author did.
    Always,
    /// Where the author did, but not after the bracket that opens.
    AfterOpener,
    /// Where the author did, but not before the bracket that closes.
    BeforeCloser,
    /// Where the author did, but not at the end of the text.
    AtEnd,
}

#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) shape: Shape,
    pub(super) blank: Blank,
    /// The gap that it stands in.
    pub(super) gap: usize,
    /// The comments of the gap are written here.
    pub(super) has_comments: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Item {
    Token(usize),
    /// A comma, where the group is broken.
    TrailingComma,
    Space,
    Line(Line),
    /// A group is broken as a whole or not at all; it is also broken where `follows` is.
    Open {
        id: GroupId,
        follows: Option<GroupId>,
    },
    Close,
    Indent,
    Dedent,
}

/// Everything that the layout needs.
pub(super) struct Stream<'t> {
    pub(super) source: Source<'t>,
    pub(super) items: Vec<Item>,
    pub(super) groups: usize,
}

/// How a block stands among groups.
#[derive(Clone, Copy)]
pub(super) enum Wrap {
    /// One element is kept on the line of the header, unless that is broken.
    Own(GroupId),
    /// Broken where the group around it is: the blocks of an `if` and its `else`.
    Shared,
    /// Always one element a line.
    Never,
}

pub(super) struct Printer<'t> {
    source: Source<'t>,
    /// The token that is next.
    next: usize,
    items: Vec<Item>,
    groups: usize,
    fault: Option<&'static str>,
}

impl<'t> Printer<'t> {
    pub(super) fn new(source: Source<'t>) -> Printer<'t> {
        Printer { source, next: 0, items: Vec::new(), groups: 0, fault: None }
    }

    /// The stream, with a line for each gap that has comments.
    pub(super) fn finish(self) -> Result<Stream<'t>, &'static str> {
        let Printer { source, next, items, groups, fault } = self;
        match fault {
            Some(fault) => Err(fault),
            None if next < source.tokens.len() => Err("a token was left over"),
            None => {
                let items = place_comments(items, &source)?;
                Ok(Stream { source, items, groups })
            }
        }
    }

    pub(super) fn fail(&mut self, fault: &'static str) {
        self.fault.get_or_insert(fault);
    }

    fn peek(&self) -> Option<Kind> {
        self.source.tokens.get(self.next).map(|token| token.0)
    }

    /// The next token, whatever it is: the only way to write one.
    pub(super) fn any(&mut self) {
        if self.next < self.source.tokens.len() {
            self.items.push(Item::Token(self.next));
            self.next += 1;
        } else {
            self.fail("a token was missing");
        }
    }

    /// The next token, which is of this kind.
    pub(super) fn word(&mut self, kind: Kind) {
        if self.peek() != Some(kind) {
            self.fail("another token was expected");
        }
        self.any();
    }

    /// A word and a space.
    pub(super) fn lead(&mut self, kind: Kind) {
        self.word(kind);
        self.space();
    }

    /// A word between two spaces.
    pub(super) fn infix(&mut self, kind: Kind) {
        self.space();
        self.lead(kind);
    }

    pub(super) fn space(&mut self) {
        self.items.push(Item::Space);
    }

    pub(super) fn line(&mut self, shape: Shape, blank: Blank) {
        self.items.push(Item::Line(Line { shape, blank, gap: self.next, has_comments: false }));
    }

    /// A line inside a statement that is a space where it is not broken.
    pub(super) fn fold(&mut self) {
        self.line(Shape::Space, Blank::Never);
    }

    pub(super) fn open(&mut self, follows: Option<GroupId>) -> GroupId {
        let id = self.groups;
        self.groups += 1;
        self.items.push(Item::Open { id, follows });
        id
    }

    pub(super) fn close(&mut self) {
        self.items.push(Item::Close);
    }

    pub(super) fn group(&mut self, within: impl FnOnce(&mut Self)) {
        self.open(None);
        within(self);
        self.close();
    }

    pub(super) fn indented(&mut self, within: impl FnOnce(&mut Self)) {
        self.items.push(Item::Indent);
        within(self);
        self.items.push(Item::Dedent);
    }

    /// One clause of a header: on its own line, indented, where the header is broken.
    pub(super) fn clause(&mut self, within: impl FnOnce(&mut Self)) {
        self.indented(|p| {
            p.fold();
            within(p);
        });
    }

    /// A header and the brace that opens its block; where the header is broken, the brace stands
    /// alone.
    pub(super) fn header(&mut self, within: impl FnOnce(&mut Self)) -> GroupId {
        let id = self.open(None);
        within(self);
        self.fold();
        self.word(Kind::OpenBrace);
        self.close();
        id
    }

    /// Elements without a comma between them, after the brace that opens and with the one that
    /// closes.
    pub(super) fn block<T>(
        &mut self,
        wrap: Wrap,
        elements: &[T],
        mut each: impl FnMut(&mut Self, &T),
    ) {
        self.block_of(wrap, elements.len(), |p, index| each(p, &elements[index]));
    }

    /// As [`Printer::block`], by number.
    pub(super) fn block_of(
        &mut self,
        wrap: Wrap,
        count: usize,
        mut each: impl FnMut(&mut Self, usize),
    ) {
        // An empty block of its own is never broken for want of room.
        let (has_group, follows) = match wrap {
            Wrap::Own(header) if count == 1 => (true, Some(header)),
            Wrap::Own(_) | Wrap::Never => (count == 0, None),
            Wrap::Shared => (false, None),
        };
        let shape = match wrap {
            _ if count == 0 => Shape::Nothing,
            Wrap::Own(_) | Wrap::Shared if count == 1 => Shape::Space,
            Wrap::Own(_) | Wrap::Shared | Wrap::Never => Shape::Hard,
        };
        if has_group {
            self.open(follows);
        }
        self.indented(|p| {
            for index in 0..count {
                match index {
                    0 => p.line(shape, Blank::AfterOpener),
                    _ => p.line(Shape::Hard, Blank::Kept),
                }
                each(p, index);
            }
        });
        self.line(shape, Blank::BeforeCloser);
        self.word(Kind::CloseBrace);
        if has_group {
            self.close();
        }
    }

    /// A comma that is no trailing one. Comments before it pass behind it.
    pub(super) fn comma(&mut self) {
        if self.peek() == Some(Kind::Comma) && !self.source.gaps[self.next].has_doc() {
            self.source.pass_comma(self.next);
        }
        self.word(Kind::Comma);
    }

    /// Names or the like with commas between them, and none at the end.
    pub(super) fn series<T>(&mut self, elements: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.group(|p| {
            p.indented(|p| {
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        p.comma();
                        p.fold();
                    }
                    each(p, element);
                }
            });
        });
    }

    /// So many names.
    pub(super) fn names<T>(&mut self, names: &[T]) {
        self.series(names, |p, _| p.any());
    }

    /// `( x, y )` and `[ x, y ]`, tight where they fit.
    pub(super) fn list<T>(
        &mut self,
        opener: Kind,
        elements: &[T],
        each: impl FnMut(&mut Self, &T),
    ) {
        self.word(opener);
        self.listed(Shape::Nothing, None, elements, each);
    }

    /// The elements and the closing bracket of a comma list, after the bracket that opens.
    pub(super) fn listed<T>(
        &mut self,
        shape: Shape,
        follows: Option<GroupId>,
        elements: &[T],
        mut each: impl FnMut(&mut Self, &T),
    ) {
        let shape = if elements.is_empty() { Shape::Nothing } else { shape };
        self.open(follows);
        self.indented(|p| {
            for (index, element) in elements.iter().enumerate() {
                if index == 0 {
                    p.line(shape, Blank::AfterOpener);
                } else {
                    p.comma();
                    p.line(Shape::Space, Blank::Kept);
                }
                each(p, element);
            }
        });
        if !elements.is_empty() {
            self.trailing_comma();
        }
        self.line(shape, Blank::BeforeCloser);
        self.any();
        self.close();
    }

    fn trailing_comma(&mut self) {
        if self.peek() == Some(Kind::Comma) {
            self.source.pass_comma(self.next);
            self.next += 1;
        }
        self.items.push(Item::TrailingComma);
    }
}

/// Gives the comments of each gap to the line that stands in it, or else to a new one before its
/// token. A fault where two lines would stand in one gap.
fn place_comments(items: Vec<Item>, source: &Source<'_>) -> Result<Vec<Item>, &'static str> {
    let gaps = &source.gaps;
    let mut has_line = vec![false; gaps.len()];
    for item in &items {
        if let Item::Line(line) = item
            && std::mem::replace(&mut has_line[line.gap], true)
        {
            return Err("two lines would stand between two tokens");
        }
    }
    let mut placed = Vec::with_capacity(items.len());
    // Where a new line would go: after whatever the token before it has ended.
    let mut joint = 0;
    for mut item in items {
        match &mut item {
            Item::Token(token) if !gaps[*token].comments.is_empty() && !has_line[*token] => {
                // What follows a block, such as its `else`, stands as far left as the block ends.
                let ends_block =
                    *token > 0 && matches!(source.tokens[*token - 1].0, Kind::CloseBrace);
                let (shape, blank, has_comments) = (Shape::Hard, Blank::Never, true);
                let line = Item::Line(Line { shape, blank, gap: *token, has_comments });
                let set_in = [Item::Indent, line, Item::Dedent];
                let added = if ends_block { &set_in[1..2] } else { &set_in };
                placed.splice(joint..joint, added.iter().copied());
            }
            Item::Line(line) => line.has_comments = !gaps[line.gap].comments.is_empty(),
            Item::Token(_)
            | Item::TrailingComma
            | Item::Space
            | Item::Open { .. }
            | Item::Close
            | Item::Indent
            | Item::Dedent => {}
        }
        placed.push(item);
        match item {
            Item::Token(_) | Item::TrailingComma | Item::Line(_) | Item::Close | Item::Dedent => {
                joint = placed.len();
            }
            Item::Space | Item::Open { .. } | Item::Indent => {}
        }
    }
    Ok(placed)
}
