//! The registry of diagnostic codes: the one place that says which exist and what each is about.
//!
//! `E0` and `E1` come from the grammar; the rest are made here. A code is never used again. Its
//! page, which `aqc explain` prints, is `codes/<code>.md`; a test holds code and page together.

use aqo_grammar::SyntaxErrorKind;

macro_rules! codes {
    ($($name:ident $code:literal $title:literal)*) => {
        /// What is wrong with a program, or worth a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the title says it")]
        pub enum Code {
            $($name,)*
            Syntax(SyntaxErrorKind),
        }

        impl Code {
            /// The codes of names, types, policy and lowering, in order.
            pub const MEANING: &[Code] = &[$(Code::$name,)*];

            /// `E3002`
            pub fn id(self) -> &'static str {
                match self {
                    $(Code::$name => $code,)*
                    Code::Syntax(kind) => kind.code(),
                }
            }

            /// What it is about, without the particulars of a program.
            pub fn title(self) -> &'static str {
                match self {
                    $(Code::$name => $title,)*
                    Code::Syntax(kind) => kind.title(),
                }
            }

            /// Its page: why it is a rule, a program that breaks it and one that does not. Markdown.
            pub fn page(self) -> &'static str {
                match self {
                    $(Code::$name => include_str!(concat!("codes/", $code, ".md")),)*
                    Code::Syntax(kind) => syntax_page(kind),
                }
            }
        }
    };
}

codes! {
    UnknownName "E2001" "unknown name"
    NameTaken "E2002" "name already taken"
    UnknownType "E2003" "unknown type"
    UnknownVariant "E2004" "unknown variant"
    UnknownUnit "E2005" "unknown unit"
    LooseBinder "E2006" "binder where the pattern need not hold"
    Arguments "E2007" "arguments that do not fit"
    NotHere "E2008" "value that cannot be read here"
    ModuleTaken "E2009" "module named by two files"
    UnknownModule "E2010" "unknown module"
    CircularUse "E2011" "modules that use each other"
    NotUsable "E2012" "something that a `use` cannot bring"
    BadWas "E2013" "`was` that cannot be"
    BadLock "E2014" "lock that cannot be read"
    Mismatch "E3001" "value of another type"
    OutOfRange "E3002" "value may leave its range"
    Overflow "E3003" "number may leave 64 bits"
    Divisor "E3004" "divisor may be zero"
    Absent "E3005" "value may be absent"
    Units "E3006" "units do not agree"
    Digits "E3007" "more digits than its place has"
    SayRange "E3008" "type without its range"
    MissingArm "E3009" "match leaves values out"
    ReadsOld "E3010" "message reads a field that the same rule sets"
    SetTwice "E3011" "field set twice on one path"
    ClampNowhere "E3012" "`clamp` without a place"
    NotConstant "E3013" "value that is not constant"
    LostElse "E3014" "refusal after an update"
    CannotSet "E3015" "something that cannot be set"
    BadType "E3016" "malformed type"
    NoItemType "E3017" "brackets of no known type"
    MayBeFull "E3018" "collection that may be full"
    Recursion "E4001" "function that calls itself"
    TooDear "E4002" "step that costs too much"
    Attested "E5001" "attested field set to another word"
    BrokenFlow "E5002" "flow that does not fit its field"
    MovingAlways "E5003" "`always` that can change by itself"
    TrustLaw "E5004" "trust that breaks its laws"
    LimitOfRefusal "E5005" "limit of a rule that only refuses"
    NeedsOther "E5006" "demand that is not of trust"
    NeverAllowed "E5007" "transition that no flow allows"
    NeverHappens "E5008" "trust for what can never happen"
    ReservedReason "E5009" "reason with a built-in name"
    BadLimit "E5010" "limit that cannot be kept"
    Blinds "E5011" "clause that would blind the object"
    CannotWait "E5012" "unsigned message that waits"
    KeptOpenly "E5013" "private value that is kept openly"
    Refusable "E6001" "assured rule that could be refused"
    NotAsDeclared "E6002" "change that is not shown to be allowed"
    NotYet "E8001" "construct that is not yet supported"
    TooMany "E8002" "limit of the language"
    NameCollision "E8003" "two names become one outside"
    Unused "W2001" "name that is brought and not used"
    NeedlessElse "W3001" "`else` that is never needed"
    OpenMessage "W5001" "message that some guard may leave untaken"
    Restless "W5002" "rule that fires on every tick"
    OwnWord "W5003" "gain that nobody outside speaks for"
    ShutTrust "W5004" "trust that can never be earned"
    KeepsOn "W5005" "refusal that keeps something on"
    Untold "W5006" "time that wakes nobody"
    NextTick "W5007" "rule that serves one above it"
    OpenHand "W5008" "signed decision that anyone may undo"
}

fn syntax_page(kind: SyntaxErrorKind) -> &'static str {
    match kind {
        SyntaxErrorKind::UnknownText => include_str!("codes/E0001.md"),
        SyntaxErrorKind::BadName => include_str!("codes/E0002.md"),
        SyntaxErrorKind::BadNumber => include_str!("codes/E0003.md"),
        SyntaxErrorKind::BadTime => include_str!("codes/E0004.md"),
        SyntaxErrorKind::OpenText => include_str!("codes/E0005.md"),
        SyntaxErrorKind::BadEscape => include_str!("codes/E0006.md"),
        SyntaxErrorKind::BidiControl => include_str!("codes/E0007.md"),
        SyntaxErrorKind::ForeignOperator => include_str!("codes/E0008.md"),
        SyntaxErrorKind::Semicolon => include_str!("codes/E0009.md"),
        SyntaxErrorKind::TextTooLong => include_str!("codes/E0010.md"),
        SyntaxErrorKind::Unexpected => include_str!("codes/E1001.md"),
        SyntaxErrorKind::Unclosed => include_str!("codes/E1002.md"),
        SyntaxErrorKind::StrayCloser => include_str!("codes/E1003.md"),
        SyntaxErrorKind::MissingBrace => include_str!("codes/E1004.md"),
        SyntaxErrorKind::OutsideObject => include_str!("codes/E1005.md"),
        SyntaxErrorKind::TooDeep => include_str!("codes/E1006.md"),
        SyntaxErrorKind::MissingModule => include_str!("codes/E1007.md"),
        SyntaxErrorKind::ReservedWord => include_str!("codes/E1008.md"),
        SyntaxErrorKind::MixedAndOr => include_str!("codes/E1009.md"),
        SyntaxErrorKind::ChainedComparison => include_str!("codes/E1010.md"),
        SyntaxErrorKind::AssignOrEqual => include_str!("codes/E1011.md"),
        SyntaxErrorKind::MissingColon => include_str!("codes/E1012.md"),
        SyntaxErrorKind::IsThenOr => include_str!("codes/E1013.md"),
        SyntaxErrorKind::BarAfterEqual => include_str!("codes/E1014.md"),
        SyntaxErrorKind::IsNotNone => include_str!("codes/E1015.md"),
        SyntaxErrorKind::ElseBeforeComparison => include_str!("codes/E1016.md"),
        SyntaxErrorKind::SoftFunction => include_str!("codes/E1017.md"),
        SyntaxErrorKind::GluedMarks => include_str!("codes/E1018.md"),
        SyntaxErrorKind::WrongCase => include_str!("codes/E1019.md"),
        SyntaxErrorKind::RefuseOutsideRule => include_str!("codes/E1020.md"),
        SyntaxErrorKind::TooManyErrors => include_str!("codes/E1021.md"),
        SyntaxErrorKind::LooseDoc => include_str!("codes/W1001.md"),
    }
}

impl Code {
    /// All codes: of the grammar, then of the compiler.
    pub fn all() -> impl Iterator<Item = Code> {
        let syntax = SyntaxErrorKind::ALL.iter().copied().map(Code::Syntax);
        syntax.chain(Code::MEANING.iter().copied())
    }

    /// Whether it is a warning.
    pub fn is_warning(self) -> bool {
        self.id().starts_with('W')
    }

    /// The code with this id.
    pub fn named(id: &str) -> Option<Code> {
        Code::all().find(|code| code.id().eq_ignore_ascii_case(id))
    }
}
