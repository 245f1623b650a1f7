//! Text of an `.aqo` file to a syntax tree, and to the same text well laid out.
//!
//! [`parse`] names the phases in order, and [`format`] those after it. Reading never fails: what cannot be read leaves a `Damaged` part
//! and an error, and everything around it is read all the same.
//!
//! Invariant: the same text gives the same tree and the same errors, in the order of the text.
//! Knows nothing of names, types or meaning.

pub mod limits;
pub mod token;

mod sift;

mod balance;
mod depth;

mod builder;
pub mod tree;

mod expected;
mod explain;

mod judge;
mod walk;

pub mod error;

mod format;

pub use error::{Edit, Severity, SyntaxError, SyntaxErrorKind};
pub use format::{FormatError, format};
pub use sift::unquote;

lalrpop_util::lalrpop_mod!(
    #[expect(
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::panic,
        clippy::unwrap_used,
        unreachable_pub,
        unused_imports,
        reason = "lalrpop generates it"
    )]
    aqo
);

/// A file's tree and what is wrong with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parse {
    /// Damaged where the text could not be read.
    pub file: tree::File,
    /// In text order, at most [`limits::ERRORS_MAX`] and one that says that there are more.
    pub errors: Vec<SyntaxError>,
}

/// Reads a file.
pub fn parse(text: &str) -> Parse {
    if text.len() > limits::TEXT_BYTES_MAX {
        return Parse { file: empty_file(), errors: vec![SyntaxError::too_long(text.len())] };
    }
    let mut errors = Vec::new();
    let tape = token::lex(text);
    let sifted = sift::sift(&tape, text, &mut errors);
    let balanced = balance::balance(&sifted.tokens, text, &mut errors);
    let tokens = depth::limit_depth(balanced.tokens, &mut errors);
    let mut builder = builder::Builder::new(sifted.docs);
    let read = aqo::FileParser::new().parse(&mut builder, tokens.iter().copied());
    let mut file = read.unwrap_or_else(|error| {
        builder.lose_all(error, text);
        empty_file()
    });
    file.doc = sifted.module_doc;
    explain::explain(&builder.losses, &tokens, &balanced.unclosed, &mut errors);
    judge::judge(&file, text, &mut errors);
    judge::judge_module(&tokens, &mut errors);
    judge::judge_docs(&builder, &mut errors);
    error::settle(&mut errors);
    Parse { file, errors }
}

/// All expressions of an item but those of an object's members, the outer before the inner.
pub fn expressions(item: &tree::ItemKind) -> Vec<&tree::Expr> {
    let mut walk = walk::Walk::default();
    walk.item(item);
    walk.exprs
}

fn empty_file() -> tree::File {
    tree::File { doc: None, module: None, items: Vec::new() }
}

/// How large the generated parser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParserSize {
    /// The length of its source.
    pub bytes: usize,
    /// The rows of its tables.
    pub states: usize,
}

/// The size of this build's parser; a test keeps it small enough to compile quickly.
pub const PARSER_SIZE: ParserSize = include!(concat!(env!("OUT_DIR"), "/parser_size.rs"));
