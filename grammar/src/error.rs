//! What may be wrong with a text, told to a person.
//!
//! Invariant: each kind has one code that never changes its meaning, and a title; `E0…` is what the
//! lexer finds, `E1…` what the grammar finds, `W1…` a warning. A fix is an edit after which that
//! error is gone; it is offered only where it is certain.
//!
//! Knows nothing of files, colours or editors: the compiler maps it to its own diagnostics.

use crate::limits::{ERRORS_MAX, TEXT_BYTES_MAX};
use crate::token::Kind;
use crate::tree::Span;

/// How much of a piece of source text a message shows.
const SHOWN_CHARACTERS_MAX: usize = 40;

/// A replacement of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub text: String,
}

/// Whether a text may be compiled all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// It may not.
    Error,
    /// It may.
    Warning,
}

/// One thing that is wrong, or one cause of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Which page explains it.
    pub kind: SyntaxErrorKind,
    /// The smallest guilty text.
    pub span: Span,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What stands at `span`, in a few words for the margin; empty where the message says it all.
    pub label: String,
    /// Another place that has to do with it.
    pub related: Option<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// The edit that mends it, where it is certain.
    pub fix: Option<Edit>,
}

macro_rules! kinds {
    ($($kind:ident $code:literal $title:literal)*) => {
        /// Everything that may be wrong with a text before its names are looked at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the title says it")]
        pub enum SyntaxErrorKind {
            $($kind,)*
        }

        impl SyntaxErrorKind {
            /// All kinds, by code.
            pub const ALL: &[SyntaxErrorKind] = &[$(SyntaxErrorKind::$kind,)*];

            /// The stable code.
            pub fn code(self) -> &'static str {
                match self {
                    $(SyntaxErrorKind::$kind => $code,)*
                }
            }

            /// What the kind is about, without the particulars of a text.
            pub fn title(self) -> &'static str {
                match self {
                    $(SyntaxErrorKind::$kind => $title,)*
                }
            }
        }
    };
}

kinds! {
    UnknownText "E0001" "text that is no part of the language"
    BadName "E0002" "name of mixed spelling"
    BadNumber "E0003" "number that runs into letters"
    BadTime "E0004" "unreadable instant"
    OpenText "E0005" "text without its closing quote"
    BadEscape "E0006" "unknown escape in a text"
    BidiControl "E0007" "control character that reorders text"
    ForeignOperator "E0008" "operator of another language"
    Semicolon "E0009" "semicolon"
    TextTooLong "E0010" "text too long"
    Unexpected "E1001" "something else was expected here"
    Unclosed "E1002" "bracket without its partner"
    StrayCloser "E1003" "closing bracket that closes nothing"
    MissingBrace "E1004" "missing opening brace"
    OutsideObject "E1005" "member outside every object"
    TooDeep "E1006" "nested too deeply"
    MissingModule "E1007" "file without a module line"
    ReservedWord "E1008" "reserved word used as a name"
    MixedAndOr "E1009" "`and` and `or` mixed without parentheses"
    ChainedComparison "E1010" "comparison of a comparison"
    AssignOrEqual "E1011" "`=` and `==` confused"
    MissingColon "E1012" "missing colon"
    IsThenOr "E1013" "`or` between the cases of an `is`"
    BarAfterEqual "E1014" "`|` after `==`"
    IsNotNone "E1015" "`is not`"
    ElseBeforeComparison "E1016" "`else` reaches over the comparison"
    SoftFunction "E1017" "word of the language used as a function or binder"
    GluedMarks "E1018" "missing space between `>` and `=`"
    WrongCase "E1019" "name in the wrong case"
    RefuseOutsideRule "E1020" "`else refuse` outside a rule"
    TooManyErrors "E1021" "more errors than are shown"
    LooseDoc "W1001" "doc comment that belongs to nothing"
}

impl SyntaxErrorKind {
    /// Errors, but for the kinds whose code begins with `W`.
    pub fn severity(self) -> Severity {
        if self.code().starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl SyntaxError {
    /// The stable code of its kind.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The title of its kind.
    pub fn title(&self) -> &'static str {
        self.kind.title()
    }

    /// Error or warning.
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }

    pub(crate) fn new(
        kind: SyntaxErrorKind,
        span: Span,
        message: impl Into<String>,
    ) -> SyntaxError {
        let (message, label) = (message.into(), String::new());
        SyntaxError { kind, span, message, label, related: None, help: None, fix: None }
    }

    pub(crate) fn with_label(self, label: &str) -> SyntaxError {
        SyntaxError { label: label.to_owned(), ..self }
    }

    pub(crate) fn with_help(self, help: impl Into<String>) -> SyntaxError {
        SyntaxError { help: Some(help.into()), ..self }
    }

    pub(crate) fn with_fix(self, fix: Edit) -> SyntaxError {
        SyntaxError { fix: Some(fix), ..self }
    }

    pub(crate) fn with_related(self, span: Span, label: impl Into<String>) -> SyntaxError {
        SyntaxError { related: Some((span, label.into())), ..self }
    }

    pub(crate) fn unclosed(opener: Kind, closer: Kind, span: Span, end: u32) -> SyntaxError {
        SyntaxError::new(
            SyntaxErrorKind::Unclosed,
            span,
            format!("this `{}` has no `{}`", opener.text(), closer.text()),
        )
        .with_label("opened here")
        .with_related(
            Span { start: end, end },
            format!("`{}` is missing here at the latest", closer.text()),
        )
    }

    pub(crate) fn stray(closer: Kind, span: Span) -> SyntaxError {
        let message = format!("this `{}` closes nothing", closer.text());
        SyntaxError::new(SyntaxErrorKind::StrayCloser, span, message)
    }

    /// A member behind the `}` of its object, which stands in a line.
    pub(crate) fn outside(member: (Kind, Span), closer: Span, line: usize) -> SyntaxError {
        let (kind, span) = member;
        let message =
            format!("`{}` belongs inside an object, which is closed at line {line}", kind.text());
        SyntaxError::new(SyntaxErrorKind::OutsideObject, span, message)
            .with_related(closer, "closed here".to_owned())
            .with_help("move it above that `}`")
    }

    pub(crate) fn too_long(bytes: usize) -> SyntaxError {
        let message = format!("the text has {bytes} bytes; at most {TEXT_BYTES_MAX} are read");
        SyntaxError::new(SyntaxErrorKind::TextTooLong, Span { start: 0, end: 0 }, message)
    }

    pub(crate) fn reserved(word: &str, span: Span) -> SyntaxError {
        SyntaxError::new(
            SyntaxErrorKind::ReservedWord,
            span,
            format!("`{word}` is a reserved word and names nothing"),
        )
        .with_help(format!("choose another name, such as `{word}_`"))
    }

    /// Punctuation of another language.
    pub(crate) fn foreign(kind: Kind, span: Span) -> SyntaxError {
        let Some(meant) = kind.meant() else {
            let message = "no semicolons: the next word ends a line";
            return SyntaxError::new(SyntaxErrorKind::Semicolon, span, message)
                .with_help("remove it")
                .with_fix(Edit { span, text: String::new() });
        };
        let message = format!("`{}` is written `{}`", kind.text(), meant.text());
        let space = if kind == Kind::Bang { " " } else { "" };
        SyntaxError::new(SyntaxErrorKind::ForeignOperator, span, message)
            .with_help(format!("write `{}`", meant.text()))
            .with_fix(Edit { span, text: format!("{}{space}", meant.text()) })
    }

    /// A token that the lexer could not make out.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of the kinds that are no token all others are unknown text"
    )]
    pub(crate) fn unreadable(kind: Kind, slice: &str, span: Span) -> SyntaxError {
        match kind {
            Kind::BadNumber => SyntaxError::new(
                SyntaxErrorKind::BadNumber,
                span,
                format!("`{}` is neither a number nor a duration", shown(slice)),
            )
            .with_help("durations are `1d`, `2h30min`, `5s`, `10ms`, `3us`; digits may be grouped as in `1_000`"),
            Kind::BadTime => SyntaxError::new(SyntaxErrorKind::BadTime, span, format!("`{}` is no instant", shown(slice)))
                .with_help("instants are `@2027-01-31` or `@2027-01-31T06:00:00Z`"),
            Kind::OpenText => {
                SyntaxError::new(SyntaxErrorKind::OpenText, span, "this text has no closing `\"` on its line")
            }
            Kind::BadName => SyntaxError::new(SyntaxErrorKind::BadName, span, format!("`{}` is no name", shown(slice)))
                .with_help("types, variants and objects are `UpperCamel`, everything else is `lower_snake`"),
            _ => SyntaxError::new(
                SyntaxErrorKind::UnknownText,
                span,
                format!("`{}` is no part of the language", shown(slice)),
            ),
        }
    }

    pub(crate) fn escape(escaped: char, span: Span) -> SyntaxError {
        SyntaxError::new(
            SyntaxErrorKind::BadEscape,
            span,
            format!("`\\{}` means nothing in a text", escaped.escape_debug()),
        )
        .with_help("the escapes are `\\\"`, `\\\\`, `\\n` and `\\t`")
    }

    pub(crate) fn bidi(character: char, span: Span) -> SyntaxError {
        SyntaxError::new(
            SyntaxErrorKind::BidiControl,
            span,
            format!("U+{:04X} makes text look different from what it says", character as u32),
        )
        .with_help("remove it")
        .with_fix(Edit { span, text: String::new() })
    }
}

/// Puts errors in text order, once each, and only counts those beyond the limit.
pub(crate) fn settle(errors: &mut Vec<SyntaxError>) {
    errors.sort_by_key(|error| (error.span, error.kind));
    errors.dedup();
    let left_out = errors.len().saturating_sub(ERRORS_MAX);
    if left_out > 0 {
        let span = errors[ERRORS_MAX].span;
        errors.truncate(ERRORS_MAX);
        let message = format!("{left_out} more errors from here on");
        errors.push(SyntaxError::new(SyntaxErrorKind::TooManyErrors, span, message));
    }
}

/// A piece of source text for a message: short, and without characters that would act.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(SHOWN_CHARACTERS_MAX).flat_map(char::escape_debug).collect();
    shown = shown.replace("\\\"", "\"").replace("\\\'", "'");
    if text.chars().nth(SHOWN_CHARACTERS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
