//! The syntax tree: what `aqo.lalrpop` builds, one type a production, named after it.
//!
//! Invariant: a tree holds no position, only [`At`] numbers that count the positions of one *part*
//! (a module header, an item without members, an object's header, or one member) in the order in
//! which the parser reduced them. The positions stand beside the part, in [`Part::spans`]. An edit
//! of white space or of another part therefore leaves a part's tree equal, and whoever caches by
//! equality does no work again.
//!
//! Longer than other files because the language's tree has one home. Knows nothing of names, types
//! or meaning. A [`Damaged`](ItemKind::Damaged) part or an
//! [`ExprKind::Damaged`] stands where text could not be read; its error has been reported.
#![expect(missing_docs, reason = "fields bear the names that grammar gives them in its own words")]

/// A byte range of one source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

/// The number of a position in [`Part::spans`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct At(pub u32);

/// A piece of tree with its positions beside it and its doc comment (`///` lines, joined).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<T> {
    pub node: T,
    pub doc: Option<String>,
    pub spans: Vec<Span>,
    /// From the first to the last token.
    pub span: Span,
}

impl<T> Part<T> {
    /// The position that `at` counts; the whole part where `at` is not one of this part's.
    pub fn span(&self, at: At) -> Span {
        self.spans.get(at.0 as usize).copied().unwrap_or(self.span)
    }
}

/// A word of the source: a name, an operator, a literal's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub names: Vec<Name>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// `//!` lines at the top, joined.
    pub doc: Option<String>,
    /// None where the file does not begin with `module`; that has been reported.
    pub module: Option<Part<Path>>,
    pub items: Vec<Part<ItemKind>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    Use(Use),
    Unit(Vec<Name>),
    Alias(Alias),
    Enum(Enum),
    Record(Record),
    Const(Const),
    Fn(Fn),
    Object(Object),
    Scenario(Scenario),
    Property(Property),
    Damaged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    pub path: Path,
    /// `None`: no braces. The names are lower or upper.
    pub names: Option<Vec<Name>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    pub name: Name,
    pub ty: Type,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    pub name: Name,
    pub was: Option<Name>,
    pub variants: Vec<Variant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    pub name: Name,
    pub was: Option<Name>,
    /// Empty where the variant carries nothing.
    pub params: Vec<Param>,
    pub doc: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub name: Name,
    pub was: Option<Name>,
    pub fields: Vec<RField>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RField {
    pub name: Name,
    pub was: Option<Name>,
    pub ty: Type,
    pub doc: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Const {
    pub param: Param,
    pub value: Expr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fn {
    pub name: Name,
    pub params: Vec<Param>,
    pub result: Type,
    pub body: Body,
}

/// `{ e }`, or lets and `give e`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    pub lets: Vec<Let>,
    pub value: Box<Expr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    pub name: Name,
    pub ty: Type,
}

/// `Base ["?"] ["in" Range]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// `int`, `set`, `Temperature`, …
    pub name: Name,
    pub args: Vec<TypeArg>,
    pub optional: bool,
    pub range: Option<Box<Range>>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeArg {
    /// Also a bare unit: which of the two is meant is judged when the type's name is known.
    Type(Type),
    Int(Literal),
    /// A product or quotient of at least two units.
    Unit(UnitTerm),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitTerm {
    pub first: Name,
    /// `(true, u)` multiplies by `u`, `(false, u)` divides.
    pub rest: Vec<(bool, Name)>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub low: Expr,
    pub high: Expr,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub name: Name,
    pub was: Option<Name>,
    pub version: Literal,
    pub members: Vec<Part<MemberKind>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberKind {
    Intent(Literal),
    Role(Role),
    Field(Field),
    Derive(Derive),
    Input(Input),
    Message(Message),
    Event(Event),
    Cycle(Cycle),
    Pause(Pause),
    Children(Children),
    Rule(Rule),
    Policy(Policy),
    Evolve(Evolve),
    Damaged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub name: Name,
    pub was: Option<Name>,
    /// Present: a set of at most so many keys.
    pub size: Option<Literal>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub param: Param,
    pub default: Option<Expr>,
    pub marks: Vec<Mark>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    AttestedBy(Name),
    Was(Name),
    Once(At),
    OnlyUp(At),
    OnlyDown(At),
    Private(At),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derive {
    pub param: Param,
    pub value: Expr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub name: Name,
    pub was: Option<Name>,
    pub ty: Type,
    pub from: Option<Name>,
    pub fresh: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sig {
    pub name: Name,
    pub was: Option<Name>,
    pub params: Vec<Param>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub sig: Sig,
    pub from: Vec<Name>,
    pub waits: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub sig: Sig,
    pub via: Option<Name>,
    pub expires: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    pub name: Option<Name>,
    pub schedule: Schedule,
    pub catch_up: Option<CatchUp>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    Every {
        period: Expr,
        most: Option<Expr>,
    },
    Daily {
        at_time: Expr,
    },
    Monthly {
        day: Expr,
        at_time: Expr,
    },
    /// `on time`, `on message`: which words are allowed is judged later.
    On(Name),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchUp {
    pub how: Name,
    pub count: Option<Literal>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub kind: PauseKind,
    pub when: Expr,
    pub at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseKind {
    Dormant,
    Ends,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Children {
    pub name: Name,
    pub was: Option<Name>,
    pub ty: Type,
    pub split: Vec<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: Name,
    pub was: Option<Name>,
    pub trigger: Trigger,
    pub when: Option<Expr>,
    pub needs: Vec<Demand>,
    pub assured: Option<At>,
    pub act: Act,
}

/// `tick`, `adjust(to)`, `warm.broken`: at most two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    pub name: Name,
    pub part: Option<Name>,
    /// `None`: no parentheses.
    pub params: Option<Vec<Name>>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    pub expr: Expr,
    pub quorum: Option<Quorum>,
    pub at: At,
}

/// `of role, … within D`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    pub of: Vec<Name>,
    pub within: Expr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Block(Block),
    Refuse(Refuse),
    Damaged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evolve {
    pub from: Literal,
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Set { name: Name, value: Expr },
    Discard(Name),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub clauses: Vec<Clause>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    pub kind: ClauseKind,
    pub doc: Option<String>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClauseKind {
    Flow { field: Name, arrows: Vec<Arrow> },
    Always { name: Name, holds: Expr },
    Limit { name: Name, rules: Vec<Name>, quotas: Vec<Quota>, per: Expr },
    Trust(Vec<Score>),
    Hosts { need: Vec<Name>, otherwise: HostMode },
    Retain(Expr),
    Upgrade(Demand),
    Damaged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostMode {
    Observe,
    Dormant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    pub from: States,
    pub to: States,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct States {
    /// In text order; `any` is the name `any`.
    pub names: Vec<Name>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    pub amount: Expr,
    pub of: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Score {
    Gain { amount: Expr, on: Name, part: Option<Name> },
    Loss { amount: Expr, on: Name, part: Option<Name> },
    Setting { name: Name, value: Expr },
    Damaged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub stmts: Vec<Stmt>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stmt {
    pub kind: StmtKind,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StmtKind {
    Let(Let),
    Set { place: Place, value: Expr },
    Add { value: Expr, to: Place, otherwise: Option<Refuse> },
    Remove { value: Expr, from: Place, otherwise: Option<Refuse> },
    Emit(Call),
    Predict { name: Name, holds: Expr, form: PredictForm, span: Expr },
    Tell { child: Name, key: Option<Expr>, call: Call },
    Spawn { child: Name, key: Expr, args: Args, otherwise: Option<Refuse> },
    Close { child: Name, key: Option<Expr> },
    Refuse(Refuse),
    If(IfStmt),
    Match { subject: Expr, arms: Vec<StmtArm> },
    Damaged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictForm {
    Within,
    For,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Let {
    pub name: Name,
    pub ty: Option<Type>,
    pub value: Expr,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub name: Name,
    /// The steps from the name to what is meant; none for the whole.
    pub parts: Vec<PlacePart>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlacePart {
    Field(Name),
    Index(Expr),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: Name,
    pub args: Args,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    pub args: Vec<Arg>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arg {
    pub label: Option<Name>,
    pub value: Expr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuse {
    pub reason: Name,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfStmt {
    pub cond: Expr,
    pub then: Block,
    pub otherwise: Option<Box<ElseStmt>>,
    pub at: At,
}

#[expect(clippy::large_enum_variant, reason = "it only ever stands in a box")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElseStmt {
    Block(Block),
    If(IfStmt),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StmtArm {
    pub head: Head,
    pub block: Block,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub kind: HeadKind,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadKind {
    Pattern(Pattern),
    Else,
}

/// Cases that `|` joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub cases: Vec<Case>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub kind: CaseKind,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseKind {
    None,
    /// The binder, where there is one.
    Some(Option<Name>),
    Variant {
        name: Name,
        binders: Vec<Name>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    pub kind: ExprKind,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    Literal(Literal),
    /// A lower name in value position.
    Name(String),
    /// `Idle`, `Fail(code)`, `Payment(ticket: 1, …)`: a variant or a record.
    Upper {
        name: Name,
        args: Option<Args>,
    },
    /// A call of a function: `lower(…)`.
    Call(Call),
    Field {
        of: Box<Expr>,
        name: Name,
    },
    /// `Mode.Idle`, `Mode.Fail(code)`: the qualifier is an [`ExprKind::Upper`] without arguments.
    Variant {
        of: Box<Expr>,
        name: Name,
        args: Option<Args>,
    },
    Index {
        of: Box<Expr>,
        index: Box<Expr>,
    },
    With {
        of: Box<Expr>,
        args: Args,
    },
    Neg(Box<Expr>),
    Not(Box<Expr>),
    Binary {
        op: BinaryOp,
        op_at: At,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Is {
        value: Box<Expr>,
        pattern: Pattern,
    },
    In {
        value: Box<Expr>,
        negated: bool,
        domain: Domain,
    },
    Else {
        value: Box<Expr>,
        otherwise: Box<Otherwise>,
    },
    Quant {
        kind: Quantifier,
        binder: Binder,
        body: Box<Expr>,
    },
    Fold {
        acc: Param,
        start: Box<Expr>,
        binder: Binder,
        body: Box<Expr>,
    },
    List(Vec<Entry>),
    Comprehension {
        entry: Box<Entry>,
        binder: Binder,
        filter: Option<Box<Expr>>,
    },
    If(Box<IfExpr>),
    Match {
        subject: Box<Expr>,
        arms: Vec<ExprArm>,
    },
    /// Parentheses as written: `a and (b or c)` needs them.
    Paren(Box<Expr>),
    Damaged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Implies,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Domain {
    Range(Box<Range>),
    Set(Box<Expr>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Otherwise {
    Expr(Expr),
    Refuse(Refuse),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    Any,
    All,
    Count,
    Sum,
    Find,
}

/// `x in xs`, `k, v in m`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binder {
    pub first: Name,
    pub second: Option<Name>,
    pub within: Box<Expr>,
}

/// `e`, or `k: v`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub first: Expr,
    pub second: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfExpr {
    pub cond: Expr,
    pub then: Body,
    pub otherwise: ElseExpr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElseExpr {
    Body(Body),
    If(Box<Expr>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprArm {
    pub head: Head,
    pub value: Expr,
}

/// A literal as written; what it is worth is judged by its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    pub kind: LiteralKind,
    /// The source text, quotes and underscores included.
    pub text: String,
    pub at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    Int,
    Decimal,
    Duration,
    Time,
    Text,
    Hex,
    True,
    False,
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub title: Literal,
    pub object: Name,
    pub start: Option<Literal>,
    pub script: Script,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    pub title: Literal,
    pub object: Name,
    pub params: Vec<Param>,
    pub script: Script,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub steps: Vec<Step>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub kind: StepKind,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    Given(Vec<(Name, Expr)>),
    People(Vec<Name>),
    Send { call: Call, from: Option<Name>, outcome: Option<Outcome> },
    Approve { rule: Name, from: Name, outcome: Option<Outcome> },
    Offer { place: Place, value: Expr },
    Tick,
    Advance(Expr),
    Host { gives: bool, names: Vec<Name> },
    Repeat { count: Expr, script: Script },
    Expect(Expr),
    ExpectEmitted { negated: bool, call: Call },
    Damaged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Refused(Name),
    Waits(At),
}
