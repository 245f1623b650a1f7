//! Text to a tape of tokens.
//!
//! Invariant: the tape is lossless. Its spans touch, cover the whole text, and never overlap; white
//! space, comments and text that is no token at all are tokens too. One table below names every
//! word and mark of the language; the parser, the messages and the editors' highlighting follow it.
//!
//! Knows nothing of order: whether a token may stand where it stands is the grammar's business.

use logos::Logos;

use crate::tree::Span;

/// Builds [`Kind`] and what derives from it out of the one table of tokens.
macro_rules! token_table {
    (
        reserved { $($reserved:ident $reserved_text:literal)* }
        soft { $($soft:ident $soft_text:literal)* }
        marks { $($mark:ident $mark_text:tt)* }
        foreign { $($foreign:ident $foreign_text:tt [$($meant:ident)?])* }
        shapes { $($(#[$($rule:tt)*])* $shape:ident $shape_text:literal)* }
    ) => {
        /// What a token is.
        #[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "a variant is its text, which the table gives")]
        pub enum Kind {
            $($reserved,)*
            $($soft,)*
            $(#[token($mark_text)] $mark,)*
            $(#[token($foreign_text)] $foreign,)*
            $($(#[$($rule)*])* $shape,)*
        }

        /// The words that can never be a name.
        pub const RESERVED: &[&str] = &[$($reserved_text),*];

        /// The words that have a meaning where the grammar expects it and are names elsewhere.
        pub const SOFT: &[&str] = &[$($soft_text),*];

        /// Operators and punctuation.
        pub const MARKS: &[&str] = &[$($mark_text),*];

        impl Kind {
            /// Every kind, in the order of the table.
            pub const ALL: &[Kind] = &[
                $(Kind::$reserved,)* $(Kind::$soft,)* $(Kind::$mark,)*
                $(Kind::$foreign,)* $(Kind::$shape,)*
            ];

            /// The word or mark itself, or the name of the shape.
            pub fn text(self) -> &'static str {
                match self {
                    $(Kind::$reserved => $reserved_text,)*
                    $(Kind::$soft => $soft_text,)*
                    $(Kind::$mark => $mark_text,)*
                    $(Kind::$foreign => $foreign_text,)*
                    $(Kind::$shape => $shape_text,)*
                }
            }

            /// Whether this is a reserved word.
            pub fn is_reserved(self) -> bool {
                self < Kind::FIRST_SOFT
            }

            /// Whether this is a soft word.
            pub fn is_soft(self) -> bool {
                (Kind::FIRST_SOFT..Kind::FIRST_MARK).contains(&self) || self == Kind::SoftName
            }

            /// Whether this is punctuation of other languages, which each text is told about.
            pub fn is_foreign(self) -> bool {
                matches!(self, $(Kind::$foreign)|*)
            }

            /// What an operator of another language is called here: `&&` is `and`. Nothing is
            /// called for `;`.
            pub fn meant(self) -> Option<Kind> {
                $($(if self == Kind::$foreign {
                    return Some(Kind::$meant);
                })?)*
                None
            }

            fn of_word(word: &str) -> Kind {
                match word {
                    $($reserved_text => Kind::$reserved,)*
                    $($soft_text => Kind::$soft,)*
                    _ => Kind::Lower,
                }
            }
        }
    };
}

token_table! {
    reserved {
        Add "add" Advance "advance" Always "always" And "and" Approve "approve"
        Assured "assured" Attested "attested" CatchUp "catch_up" Children "children"
        Close "close" Const "const" Cycle "cycle" Derive "derive" Discard "discard"
        Dormant "dormant" Else "else" Emit "emit" Emitted "emitted" Ends "ends" Enum "enum"
        Every "every" Evolve "evolve" Expect "expect" Expires "expires" False "false"
        Field "field" Fn "fn" Fold "fold" For "for" Fresh "fresh" Give "give" Given "given"
        Hosts "hosts" If "if" Implies "implies" In "in" Intent "intent" Is "is" Let "let"
        Match "match" Module "module" Need "need" Needs "needs" None "none" Not "not"
        Object "object" Or "or" People "people" Policy "policy" Predict "predict"
        Property "property" Refuse "refuse" Remove "remove" Repeat "repeat" Retain "retain"
        Rule "rule" Scenario "scenario" Set "set" Some "some" Spawn "spawn" Split "split"
        Tell "tell" True "true" Upgrade "upgrade" Use "use" Waits "waits" Was "was"
        When "when" With "with" Within "within"
    }
    soft {
        All "all" Any "any" At "at" By "by" Count "count" Daily "daily" Event "event"
        Find "find" Flow "flow" From "from" Gain "gain" Gives "gives" Host "host"
        Input "input" Limit "limit" Loss "loss" Message "message" Monthly "monthly"
        Observe "observe" Of "of" Offer "offer" On "on" Once "once" OnlyDown "only_down"
        OnlyUp "only_up" Per "per" Private "private" Record "record" Refused "refused"
        Role "role" Send "send" Sum "sum" Takes "takes" Tick "tick" To "to" Trust "trust"
        Type "type" Unit "unit" Version "version" Via "via"
    }
    marks {
        OpenBrace "{" CloseBrace "}" OpenParen "(" CloseParen ")" OpenBracket "["
        CloseBracket "]" Comma "," Colon ":" Dot "." DotDotEq "..=" Question "?"
        Assign "=" Eq "==" Ne "!=" Lt "<" Le "<=" Gt ">" Ge ">=" Arrow "->" FatArrow "=>"
        Plus "+" Minus "-" Star "*" Slash "/" Percent "%" Bar "|"
    }
    foreign {
        AmpAmp "&&" [And] BarBar "||" [Or] Bang "!" [Not] Semicolon ";" []
    }
    shapes {
        #[regex("[a-z][a-z0-9_]*", |lexer| Kind::of_word(lexer.slice()))]
        Lower "a name"
        SoftName "a soft word that can only be a name where it stands"
        #[regex("[A-Z][A-Za-z0-9]*")]
        Upper "a type, variant or object"
        #[regex("[0-9]+(_[0-9]+)*", priority = 8)]
        Int "a whole number"
        #[regex(r"[0-9]+(_[0-9]+)*\.[0-9]+(_[0-9]+)*", priority = 8)]
        Decimal "a decimal number"
        #[regex("([0-9]+(_[0-9]+)*(us|ms|s|min|h|d))+", priority = 8)]
        Duration "a duration"
        #[regex("@[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9](T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z)?", priority = 8)]
        Time "an instant"
        #[regex("0x([0-9A-Fa-f]+(_[0-9A-Fa-f]+)*)?", priority = 8)]
        Hex "hexadecimal bytes"
        #[regex(r#""([^"\\\r\n]|\\[^\r\n])*""#)]
        Text "a text"
        #[regex(r"[ \t\r\n\f\u{FEFF}]+")]
        White "white space"
        #[regex(r"//[^\r\n]*", priority = 4, allow_greedy = true)]
        Comment "a comment"
        #[regex(r"///([^/\r\n][^\r\n]*)?", priority = 8, allow_greedy = true)]
        Doc "a doc comment"
        #[regex(r"//![^\r\n]*", priority = 8, allow_greedy = true)]
        ModuleDoc "the module's doc comment"
        #[regex(r"[0-9][0-9A-Za-z_]*(\.[0-9][0-9A-Za-z_]*)?", priority = 2)]
        BadNumber "a number that runs into letters"
        #[regex(r"@([0-9A-Za-z:+.\-]*[0-9A-Za-z+.\-])?", priority = 2)]
        BadTime "an unreadable instant"
        #[regex(r#""([^"\\\r\n]|\\[^\r\n])*\\?"#, priority = 2)]
        OpenText "a text without its closing quote"
        #[regex("[A-Z][A-Za-z0-9]*_[A-Za-z0-9_]*|[a-z][a-z0-9_]*[A-Z][A-Za-z0-9_]*|_[A-Za-z0-9_]*", priority = 2)]
        BadName "a name of mixed spelling"
        Unknown "unknown text"
    }
}

impl Kind {
    const FIRST_SOFT: Kind = Kind::All;
    const FIRST_MARK: Kind = Kind::OpenBrace;

    /// Whether it opens a bracket.
    pub fn is_opener(self) -> bool {
        matches!(self, Kind::OpenBrace | Kind::OpenParen | Kind::OpenBracket)
    }

    /// Whether it closes a bracket.
    pub fn is_closer(self) -> bool {
        matches!(self, Kind::CloseBrace | Kind::CloseParen | Kind::CloseBracket)
    }

    /// Whether the parser never sees it: white space and comments.
    pub fn is_trivia(self) -> bool {
        (Kind::White..=Kind::ModuleDoc).contains(&self)
    }

    /// Whether it is no token of the language.
    pub fn is_bad(self) -> bool {
        self >= Kind::BadNumber
    }
}

/// A token of the parser: its kind and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'t>(pub Kind, pub &'t str);

/// A token of the tape: its kind and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexeme {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// All tokens of a text, in order, nothing left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tape {
    /// Their spans touch.
    pub lexemes: Vec<Lexeme>,
}

/// Cuts `text` into tokens. Never fails: what is no token becomes [`Kind::Unknown`].
///
/// The text must be shorter than 4 GiB; [`parse`](crate::parse) refuses far shorter ones.
pub fn lex(text: &str) -> Tape {
    let mut lexemes: Vec<Lexeme> = Vec::new();
    for (kind, range) in Kind::lexer(text).spanned() {
        let kind = kind.unwrap_or(Kind::Unknown);
        let span = Span::from(range);
        match lexemes.last_mut() {
            Some(last) if kind == Kind::Unknown && last.kind == Kind::Unknown => {
                last.span.end = span.end;
            }
            _ => lexemes.push(Lexeme { kind, span }),
        }
    }
    Tape { lexemes }
}

impl From<std::ops::Range<usize>> for Span {
    /// Of byte positions, which a source text has fewer of than 2^32.
    fn from(range: std::ops::Range<usize>) -> Span {
        let position = |byte| u32::try_from(byte).expect("a source text is shorter than 4 GiB");
        Span { start: position(range.start), end: position(range.end) }
    }
}

impl Span {
    /// The part of `text` that it covers.
    pub fn of(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }
}
