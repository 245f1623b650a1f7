//! The policy: the rules that may change an object, and what every change must satisfy.

use crate::expr::{Expr, Order, Stmt};
use crate::numbers::Numbers;
use crate::types::Type;
use serde::{Deserialize, Serialize};

/// The rules of an object and the clauses that bind them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// In source order, which is the order of election.
    pub rules: Vec<Rule>,
    /// What the object may foretell.
    pub predictions: Vec<Prediction>,
    /// Which changes of an enum field are allowed.
    pub flows: Vec<Flow>,
    /// What holds after every step.
    pub always: Vec<Always>,
    /// How often rules may commit.
    pub limits: Vec<Limit>,
    /// How trust is earned and lost.
    pub trust: Option<Trust>,
    /// What a host must offer.
    pub hosts: Option<Hosts>,
    /// Who may sign a successor; `None` makes the object immutable for ever.
    pub upgrade: Option<Quorum>,
    /// For how many microseconds, at least, a host keeps each entry; `None`: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain: Option<i64>,
    /// While it holds, tick rules do not run.
    pub dormant: Option<Pause>,
    /// Once it holds, the object's life is over.
    pub ends: Option<Pause>,
    /// The authors' own reasons and the names of clauses, in order of their stable numbers; see
    /// [`Reason`].
    pub reasons: Vec<String>,
    /// The stable numbers of the reasons, less [`Reason::FIRST_OWN`].
    #[serde(default, skip_serializing_if = "Numbers::are_indices")]
    pub reason_numbers: Numbers,
}

/// A rule: when it is elected, what it demands, what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Stable number.
    pub number: u16,
    /// `take_setpoint`
    pub name: String,
    /// What it answers to.
    pub on: Trigger,
    /// Its guard.
    pub when: Option<Expr>,
    /// Comparisons of trust with a constant, all of which must hold.
    pub needs: Vec<TrustDemand>,
    /// Who must consent.
    pub quorum: Option<Quorum>,
    /// Whether it can never be refused.
    pub assured: bool,
    /// What it does.
    pub body: Vec<Stmt>,
    /// The types of its locals.
    pub locals: Vec<Type>,
}

/// What a rule answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// Any tick.
    Tick,
    /// A tick of the cycle with this index.
    Cycle(u16),
    /// The message with this index.
    Message(u16),
    /// A message with this index waited, and nobody took it in time.
    Expired(u16),
    /// The prediction with this index was kept.
    Kept(u16),
    /// It was broken.
    Broken(u16),
    /// Nobody could tell.
    Lapsed(u16),
    /// The object came to a host.
    Arrive,
}

impl Trigger {
    /// Whether it answers to time alone.
    pub fn is_tick(self) -> bool {
        match self {
            Trigger::Tick | Trigger::Cycle(_) => true,
            Trigger::Message(_)
            | Trigger::Expired(_)
            | Trigger::Kept(_)
            | Trigger::Broken(_)
            | Trigger::Lapsed(_)
            | Trigger::Arrive => false,
        }
    }

    /// The message that it answers to.
    pub fn message(self) -> Option<u16> {
        match self {
            Trigger::Message(kind) => Some(kind),
            Trigger::Tick
            | Trigger::Cycle(_)
            | Trigger::Expired(_)
            | Trigger::Kept(_)
            | Trigger::Broken(_)
            | Trigger::Lapsed(_)
            | Trigger::Arrive => None,
        }
    }

    /// The message whose parameters it can read.
    pub fn carries(self) -> Option<u16> {
        match self {
            Trigger::Message(kind) | Trigger::Expired(kind) => Some(kind),
            Trigger::Tick
            | Trigger::Cycle(_)
            | Trigger::Kept(_)
            | Trigger::Broken(_)
            | Trigger::Lapsed(_)
            | Trigger::Arrive => None,
        }
    }
}

/// What can be read of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Trust itself, E.
    Trust,
    /// What evidence has moved it a day, over the short window.
    Slope,
    /// The same over the long window.
    SlopeLong,
}

impl Measure {
    /// As the language spells it.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Trust => "trust",
            Measure::Slope => "slope",
            Measure::SlopeLong => "slope_long",
        }
    }

    /// The measure of this name.
    pub fn named(name: &str) -> Option<Measure> {
        let all = [Measure::Trust, Measure::Slope, Measure::SlopeLong];
        all.into_iter().find(|measure| measure.name() == name)
    }
}

/// `trust >= bound` (`at_least`) or `trust < bound`, or the same of a slope, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustDemand {
    /// What is compared.
    pub of: Measure,
    /// `true`: at least the bound; `false`: below it.
    pub at_least: bool,
    /// In millionths.
    pub bound: i64,
}

/// Something that the object may foretell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// `warm`
    pub name: String,
    /// Microseconds from the moment it is made to its deadline.
    pub span: i64,
    /// `true`: holds throughout (`for`); `false`: holds once (`within`).
    pub throughout: bool,
    /// What is foretold.
    pub holds: Expr,
    /// The types of what it captures when it is made.
    pub captures: Vec<Type>,
    /// The types of the locals of `holds`.
    pub locals: Vec<Type>,
    /// Whose word settles it; `None`: its own, so keeping it earns nothing.
    pub source: Option<Source>,
}

/// Who speaks for the truth of a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The input with this index, the lowest that the prediction reads.
    Input(u16),
    /// The field with this index, which a role attests.
    Field(u16),
}

/// `flow mode { Idle -> Heating, … }`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// The index of the field.
    pub field: u16,
    /// For each variant, the set of variants that may follow it, bit by bit. Staying is allowed.
    pub next: Vec<u64>,
}

/// `always name: holds`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Always {
    /// The reason of a refusal; its text is the clause's name.
    pub reason: u16,
    /// What must hold; reads fields only.
    pub holds: Expr,
    /// The types of the locals of `holds`.
    pub locals: Vec<Type>,
}

/// `limit name: rule, … to count, most of amount per span`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The reason of a refusal; its text is the clause's name.
    pub reason: u16,
    /// Indices of the rules whose commits count, ascending.
    pub rules: Vec<u16>,
    /// How many commits.
    pub count: u16,
    /// In how many microseconds.
    pub per: i64,
    /// How much they may come to together.
    pub sum: Option<Sum>,
}

/// The sum of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// The most; of fields and constants.
    pub most: Expr,
    /// The types of the locals of `most`.
    pub locals: Vec<Type>,
    /// The greatest value of `most`.
    pub highest: i64,
    /// The most that one commit may come to.
    pub each: i64,
    /// What a commit of each rule comes to, in the order of the limit's rules: a parameter, or what
    /// the guard binds.
    pub of: Vec<Expr>,
}

/// `trust { … }`, amounts in millionths. The arithmetic is in [`crate::trust`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// What raises it.
    pub gains: Vec<Score>,
    /// What lowers it.
    pub losses: Vec<Score>,
    /// Microseconds in which positive trust halves.
    pub half_life: i64,
    /// The most.
    pub ceiling: i64,
    /// The least is minus this.
    pub lowest: i64,
    /// What a break costs, at least.
    pub penalty: i64,
    /// Distinct claims that make a break good.
    pub recovery: u8,
    /// Microseconds over which `slope` is read.
    pub window_short: i64,
    /// Microseconds over which `slope_long` is read, and that a positive stays in the novelty window.
    pub window_long: i64,
    /// Distinct sources for full gain.
    pub sources: u8,
}

/// So much trust for such a happening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// In millionths.
    pub amount: i64,
    /// The happening.
    pub on: Happening,
}

/// What trust is earned and lost by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Happening {
    /// The prediction with this index was kept.
    Kept(u16),
    /// It was broken.
    Broken(u16),
    /// Nobody could tell.
    Lapsed(u16),
    /// The rule with this index committed for a signed message.
    Rule(u16),
    /// A message from the role with this index was refused.
    Refused(u16),
}

/// `hosts need relay, … else observe`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosts {
    /// The set of capabilities, bit by bit.
    pub need: u64,
    /// What the object does where one is missing.
    pub otherwise: Otherwise,
}

/// What an object does on a host that lacks what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// Decides, but lets no effect out.
    Observe,
    /// Does not tick.
    Dormant,
}

/// `k of role, … within D`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// How many keys.
    pub count: u16,
    /// The indices of the roles whose keys count, ascending.
    pub roles: Vec<u16>,
    /// In how many microseconds.
    pub within: i64,
}

/// A condition of fields, time and trust, looked at when each step ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When it is so.
    pub holds: Expr,
    /// The types of the locals of `holds`.
    pub locals: Vec<Type>,
}

/// Why something was refused or held: a stable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(pub u16);

impl Reason {
    /// A parameter outside its declared range.
    pub const RANGE: Reason = Reason(1);
    /// A sender whose role may not send this.
    pub const ROLE: Reason = Reason(2);
    /// A signature, or the proof of a fork, that nobody checked.
    pub const EVIDENCE: Reason = Reason(3);
    /// Trust too low, or too high.
    pub const TRUST: Reason = Reason(4);
    /// A transition that no `flow` allows.
    pub const FLOW: Reason = Reason(5);
    /// No rule took it.
    pub const NO_RULE: Reason = Reason(6);
    /// A capability that this host does not offer.
    pub const OBSERVING: Reason = Reason(7);
    /// A counter used before; a fork that was answered, or one before it.
    pub const REPLAY: Reason = Reason(8);
    /// Past its time, or valid for too long.
    pub const LATE: Reason = Reason(9);
    /// Offered before what is due: the host must tick first.
    pub const DUE_FIRST: Reason = Reason(10);
    /// An offer that does not have this object's shape.
    pub const MALFORMED: Reason = Reason(11);
    /// A request of the same rule is open.
    pub const BUSY: Reason = Reason(12);
    /// A consent that was given before.
    pub const TWICE: Reason = Reason(13);
    /// A consent to what nobody asks for.
    pub const NO_REQUEST: Reason = Reason(14);
    /// Not taken in time.
    pub const EXPIRED: Reason = Reason(15);
    /// The object's life is over.
    pub const ENDED: Reason = Reason(16);
    /// No room for another that waits, or for another key.
    pub const FULL: Reason = Reason(17);
    /// The object became another while it waited.
    pub const UPGRADED: Reason = Reason(18);
    /// A reply, not a refusal: it waits for consent, or to be taken.
    pub const WAITS: Reason = Reason(19);
    /// The first number that a reason of an author may have: 0 in [`Policy::reason_numbers`].
    pub const FIRST_OWN: u16 = 64;

    /// The built-in reasons by name.
    pub const BUILT_IN: [(Reason, &'static str); 19] = [
        (Reason::RANGE, "range"),
        (Reason::ROLE, "role"),
        (Reason::EVIDENCE, "evidence"),
        (Reason::TRUST, "trust"),
        (Reason::FLOW, "flow"),
        (Reason::NO_RULE, "no_rule"),
        (Reason::OBSERVING, "observing"),
        (Reason::REPLAY, "replay"),
        (Reason::LATE, "late"),
        (Reason::DUE_FIRST, "due_first"),
        (Reason::MALFORMED, "malformed"),
        (Reason::BUSY, "busy"),
        (Reason::TWICE, "twice"),
        (Reason::NO_REQUEST, "no_request"),
        (Reason::EXPIRED, "expired"),
        (Reason::ENDED, "ended"),
        (Reason::FULL, "full"),
        (Reason::UPGRADED, "upgraded"),
        (Reason::WAITS, "waits"),
    ];

    /// Names that authors may not use, besides those of [`Reason::BUILT_IN`].
    pub const RESERVED: [&'static str; 1] = ["missing"];
}

impl Trust {
    /// The window of a slope, in microseconds; trust itself forgets over the long one.
    pub fn window(&self, measure: Measure) -> i64 {
        match measure {
            Measure::Slope => self.window_short,
            Measure::SlopeLong | Measure::Trust => self.window_long,
        }
    }
}

impl Policy {
    /// The name of a reason.
    pub fn reason_name(&self, reason: Reason) -> &str {
        let built_in = Reason::BUILT_IN.iter().find(|(r, _)| *r == reason).map(|(_, name)| *name);
        let own = || {
            let index = self.own_index(reason)?;
            self.reasons.get(usize::from(index)).map(String::as_str)
        };
        built_in.or_else(own).unwrap_or("unknown")
    }

    /// The own reason with this index.
    pub fn own_reason(&self, index: u16) -> Reason {
        Reason(Reason::FIRST_OWN.saturating_add(self.reason_numbers.at(index)))
    }

    /// The index of an own reason; of one that is none, `None` or an index beyond the last.
    pub fn own_index(&self, reason: Reason) -> Option<u16> {
        self.reason_numbers.index_of(reason.0.checked_sub(Reason::FIRST_OWN)?)
    }

    /// The reason of this name.
    pub fn reason_named(&self, name: &str) -> Option<Reason> {
        let built_in = Reason::BUILT_IN.iter().find(|(_, n)| *n == name).map(|(r, _)| *r);
        let own = || {
            let index = self.reasons.iter().position(|n| n == name)?;
            u16::try_from(index).ok().map(|index| self.own_reason(index))
        };
        built_in.or_else(own)
    }
}

impl Policy {
    /// The limits with a sum that count commits of the rule with this index: each with its own index,
    /// its sum, and what a commit comes to.
    pub fn sums_of(&self, rule: u16) -> impl Iterator<Item = (usize, &Sum, &Expr)> {
        self.limits.iter().enumerate().filter_map(move |(index, limit)| {
            let sum = limit.sum.as_ref()?;
            let place = limit.rules.binary_search(&rule).ok()?;
            Some((index, sum, sum.of.get(place)?))
        })
    }
}

impl TrustDemand {
    /// Whether so much of what it compares, in millionths, meets it.
    pub fn met(self, value: i64) -> bool {
        (value >= self.bound) == self.at_least
    }
}

/// The comparison of an [`Order`].
impl Order {
    /// Whether `a` stands so to `b`.
    pub fn holds(self, a: i64, b: i64) -> bool {
        match self {
            Order::Less => a < b,
            Order::AtMost => a <= b,
        }
    }
}
