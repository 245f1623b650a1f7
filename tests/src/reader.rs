//! What somebody reads who was given the chained form of an entry: an independent reader of CBOR, and
//! what of the form must be closed, and what open.

use aqo_model::Model;
use aqo_model::entry::{Cause, Entry, Salt};

/// An item of CBOR, as far as entries use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A number, `true`, `false` or `null`: major type and argument.
    Plain(u8, u64),
    /// A byte or text string.
    Bytes(Vec<u8>),
    /// An array.
    List(Vec<Item>),
}

impl Item {
    /// The items of an array.
    pub fn list(&self) -> &[Item] {
        match self {
            Item::List(items) => items,
            Item::Plain(..) | Item::Bytes(_) => &[],
        }
    }

    fn is_commitment(&self) -> bool {
        matches!(self, Item::Bytes(bytes) if bytes.len() == 32)
    }
}

/// Reads one item; what follows it is left.
pub fn read(bytes: &mut &[u8]) -> Option<Item> {
    let (first, rest) = bytes.split_first()?;
    let (major, short) = (first >> 5, first & 31);
    let long = match short {
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => 0,
    };
    let (argument, rest) = rest.split_at_checked(long)?;
    let argument = argument.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let argument = if long == 0 { u64::from(short) } else { argument };
    *bytes = rest;
    match major {
        2 | 3 => {
            let (string, rest) = rest.split_at_checked(usize::try_from(argument).ok()?)?;
            *bytes = rest;
            Some(Item::Bytes(string.to_vec()))
        }
        4 => (0..argument).map(|_| read(bytes)).collect::<Option<_>>().map(Item::List),
        _ => Some(Item::Plain(major, argument)),
    }
}

/// Holds the closed form of an entry against its open one: where it must be closed there is a
/// commitment, and all else is equal. Gives how many commitments there are.
pub fn commitments(model: &Model, entry: &Entry, salt: &Salt) -> Result<usize, String> {
    let (open, closed) = (entry.encode(model), entry.close(model, salt));
    let whole = |mut bytes: &[u8]| read(&mut bytes).filter(|_| bytes.is_empty());
    let (Some(open), Some(closed)) = (whole(&open), whole(&closed)) else {
        return Err("no CBOR".to_owned());
    };
    let mut reader = Reader { count: 0, wrong: None };
    for (place, (open, closed)) in open.list().iter().zip(closed.list()).enumerate() {
        match place {
            5 => reader.cause(model, entry, open, closed),
            6 => {
                let inputs = entry.inputs.iter().map(|read| usize::from(read.input));
                let private = inputs.map(|input| model.schema.inputs[input].private);
                reader.elements(private, open, closed);
            }
            8 => {
                let fields = entry.changes.iter().map(|change| usize::from(change.field));
                let private = fields.map(|field| model.schema.fields[field].private);
                reader.elements(private, open, closed);
            }
            _ => reader.same(open, closed),
        }
    }
    if open.list().len() != closed.list().len() {
        return Err("another length".to_owned());
    }
    match reader.wrong {
        Some(wrong) => Err(wrong),
        None if (reader.count > 0) != entry.hides(model) => Err("it hides otherwise".to_owned()),
        None => Ok(reader.count),
    }
}

struct Reader {
    count: usize,
    wrong: Option<String>,
}

impl Reader {
    fn same(&mut self, open: &Item, closed: &Item) {
        if open != closed {
            self.wrong = Some(format!("{open:?} became {closed:?}"));
        }
    }

    fn value(&mut self, private: bool, open: &Item, closed: &Item) {
        if !private {
            return self.same(open, closed);
        }
        self.count += 1;
        if !closed.is_commitment() || open == closed {
            self.wrong = Some(format!("{closed:?} is no commitment to {open:?}"));
        }
    }

    fn elements(&mut self, private: impl Iterator<Item = bool>, open: &Item, closed: &Item) {
        let pairs = open.list().iter().zip(closed.list());
        for (private, (open, closed)) in private.zip(pairs) {
            match (private, closed.list()) {
                (false, _) => self.same(open, closed),
                (true, [number, commitment]) => {
                    self.same(&open.list()[0], number);
                    self.value(true, open, commitment);
                }
                (true, _) => self.wrong = Some(format!("{closed:?} is not closed")),
            }
        }
        if open.list().len() != closed.list().len() {
            self.wrong = Some("elements are lost".to_owned());
        }
    }

    fn cause(&mut self, model: &Model, entry: &Entry, open: &Item, closed: &Item) {
        let Cause::Message { kind, .. } = &entry.cause else { return self.same(open, closed) };
        let private = &model.schema.messages[usize::from(*kind)].private;
        let ([number, params, by], [same, hidden, signed]) = (open.list(), closed.list()) else {
            self.wrong = Some("no message".to_owned());
            return;
        };
        self.same(number, same);
        for (index, (open, closed)) in (0..).zip(params.list().iter().zip(hidden.list())) {
            self.value(private.contains(&index), open, closed);
        }
        let last = by.list().len().saturating_sub(1);
        if by.list().is_empty() {
            self.same(by, signed);
        }
        for (place, (open, closed)) in by.list().iter().zip(signed.list()).enumerate() {
            self.value(place == last && !private.is_empty(), open, closed);
        }
    }
}
