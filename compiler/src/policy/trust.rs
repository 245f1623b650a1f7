//! The `trust` clause: what raises and lowers trust, its settings, and its laws.
//!
//! Invariant: each happening has one amount. Knows no rule's body.

use super::Reader;
use crate::codes::Code;
use crate::diagnostic::Problem;
use crate::rule::only_refuses;
use crate::shape::{Def, Slot};
use aqo_grammar::tree::{self, At, MemberKind, Name, Part};
use aqo_model::policy::{Happening, Score, Trust};
use aqo_model::types::{Bounds, Type, Unit};

/// What becomes of the prediction with an index.
type Ending = fn(u16) -> Happening;

/// `gain` or `loss` on every prediction that has no amount of its own.
struct Loose {
    is_gain: bool,
    amount: i64,
    on: Ending,
    at: At,
}

/// What a break does, where the clause says so, and where it does.
#[derive(Default)]
struct Break {
    penalty: Option<(i64, At)>,
    recovery: Option<(u8, At)>,
}

const DAY: i64 = 86_400_000_000;
/// What a break costs where nothing is said.
const PENALTY: i64 = 500_000;
/// Distinct claims that make a break good where nothing is said.
const RECOVERY: u8 = 3;
/// Distinct sources for full gain where a role is held by several keys, and nothing is said.
const SOURCES: u8 = 3;

impl Reader<'_> {
    pub(super) fn trust(&mut self, scores: &[tree::Score], at: At) {
        if self.head.model.policy.trust.is_some() {
            self.problem(Code::NameTaken, at, "trust is declared twice");
            return;
        }
        let mut roles = self.head.model.schema.roles.iter();
        let mut trust = Trust {
            gains: Vec::new(),
            losses: Vec::new(),
            half_life: 30 * DAY,
            ceiling: 1_000_000,
            lowest: 1_000_000,
            window_short: 0,
            window_long: 14 * DAY,
            sources: if roles.any(|role| role.max.is_some() && !role.open) { SOURCES } else { 1 },
            penalty: 0,
            recovery: 0,
        };
        let (mut loose, mut broken) = (Vec::new(), Break::default());
        for score in scores {
            match score {
                tree::Score::Setting { name, value } => {
                    self.setting(&mut trust, &mut broken, name, value);
                }
                tree::Score::Gain { amount, on, part } => {
                    self.score(&mut trust, &mut loose, true, amount, on, part.as_ref());
                }
                tree::Score::Loss { amount, on, part } => {
                    self.score(&mut trust, &mut loose, false, amount, on, part.as_ref());
                }
                tree::Score::Damaged => {}
            }
        }
        if trust.window_short == 0 {
            trust.window_short = short_of(trust.window_long);
        }
        self.spread(&mut trust, &loose);
        self.laws(&trust, at);
        self.break_laws(&mut trust, &broken);
        self.head.model.policy.trust = Some(trust);
    }

    fn setting(&mut self, trust: &mut Trust, broken: &mut Break, name: &Name, value: &tree::Expr) {
        let millionths = |high| Type::Number {
            scale: 6,
            unit: Unit::default(),
            within: Bounds { low: 1, high },
        };
        match name.text.as_str() {
            "half_life" => {
                if let Some(span) = self.constant(value, |checker, expr| checker.span(expr)) {
                    trust.half_life = span;
                }
            }
            "window_short" => {
                if let Some(span) = self.constant(value, |checker, expr| checker.span(expr)) {
                    trust.window_short = span;
                }
            }
            "window_long" => {
                if let Some(span) = self.constant(value, |checker, expr| checker.span(expr)) {
                    trust.window_long = span;
                }
            }
            "ceiling" => {
                trust.ceiling = self.number(value, &millionths(4_000_000)).unwrap_or(trust.ceiling)
            }
            "lowest" => {
                let ty = Type::Number {
                    scale: 6,
                    unit: Unit::default(),
                    within: Bounds { low: -4_000_000, high: -1 },
                };
                trust.lowest = self.number(value, &ty).map_or(trust.lowest, |lowest| -lowest);
            }
            "sources" => trust.sources = self.count(value).unwrap_or(trust.sources),
            "penalty" => {
                let penalty = self.number(value, &millionths(4_000_000));
                broken.penalty = penalty.map(|penalty| (penalty, name.at));
            }
            "recovery" => broken.recovery = self.count(value).map(|count| (count, name.at)),
            _ => self.unknown(name, "setting of trust", SETTINGS.into_iter()),
        }
    }

    /// A number of sources or of claims.
    fn count(&mut self, value: &tree::Expr) -> Option<u8> {
        let within = Bounds { low: 1, high: 16 };
        let ty = Type::Number { scale: 0, unit: Unit::default(), within };
        self.number(value, &ty).and_then(|count| u8::try_from(count).ok())
    }

    fn score(
        &mut self,
        trust: &mut Trust,
        loose: &mut Vec<Loose>,
        is_gain: bool,
        amount: &tree::Expr,
        on: &Name,
        part: Option<&Name>,
    ) {
        let amount = self.number(amount, &share());
        if let (None, Some((of, raises))) = (part, ending(&on.text)) {
            if is_gain != raises {
                let message = "what is kept raises trust, what is broken or lapsed lowers it";
                self.problem(Code::TrustLaw, on.at, message);
            } else if let Some(amount) = amount {
                loose.push(Loose { is_gain, amount, on: of, at: on.at });
            }
            return;
        }
        let happening = match (on.text.as_str(), part.map(|part| part.text.as_str())) {
            ("refused", Some(role)) => match self.shape.def(role) {
                Some(Def::Role(role)) if !is_gain => Some(Happening::Refused(role)),
                _ => None,
            },
            (name, part) => match (self.shape.def(name), part.map(ending)) {
                (Some(Def::Children), _) => return,
                (Some(Def::Prediction(index)), Some(Some((of, raises)))) if raises == is_gain => {
                    Some(of(index))
                }
                (Some(Def::Rule(index)), None) if is_gain && self.answers_signed(name) => {
                    Some(Happening::Rule(index))
                }
                _ => None,
            },
        };
        let place = on.at;
        match (happening, amount) {
            (Some(on), Some(amount)) => {
                let list = if is_gain { &mut trust.gains } else { &mut trust.losses };
                self.add_score(list, Score { amount, on }, place);
            }
            (None, _) => {
                let shown =
                    part.map_or(on.text.clone(), |part| format!("{}.{}", on.text, part.text));
                let verb = if is_gain { "raise" } else { "lower" };
                let problem = self.problem(
                    Code::NeverHappens,
                    on.at,
                    format!("`{shown}` is nothing that can {verb} trust"),
                );
                problem.help = Some(
                    "a gain is on `kept`, `name.kept` or a rule for a signed message; a loss on `broken`, `lapsed`, `name.broken`, `name.lapsed` or `refused.role`"
                        .to_owned(),
                );
            }
            (Some(_), None) => {}
        }
    }

    /// Whether a rule may commit for a signed message; also where its trigger was not understood.
    fn answers_signed(&self, rule: &str) -> bool {
        let is_rule = |part: &&Part<MemberKind>| matches!(&part.node, MemberKind::Rule(r) if r.name.text == rule);
        let Some(MemberKind::Rule(rule)) =
            self.object.members.iter().find(is_rule).map(|part| &part.node)
        else {
            return true;
        };
        if only_refuses(rule) {
            return false;
        }
        let trigger = &rule.trigger;
        match self.shape.def(&trigger.name.text) {
            Some(Def::Message(kind)) => {
                let message = self.head.model.schema.messages.get(usize::from(kind));
                self.shape.untyped.contains(&Slot::Sender(kind))
                    || message.is_none_or(|message| {
                        !message.from.is_empty() && !self.head.model.is_open(message)
                    })
            }
            // What a cycle, a promise or a move brings about is nobody's word.
            Some(_) => false,
            None => !matches!(trigger.name.text.as_str(), "tick" | "arrive" | "upgraded"),
        }
    }

    /// `kept`, `broken` and `lapsed` stand for every prediction that has no amount of its own.
    fn spread(&mut self, trust: &mut Trust, loose: &[Loose]) {
        let count =
            self.shape.names().filter(|(_, def, _)| matches!(def, Def::Prediction(_))).count()
                as u16;
        for Loose { is_gain, amount, on, at } in loose {
            if count == 0 {
                let problem =
                    self.problem(Code::NeverHappens, *at, "this object foretells nothing");
                problem.help = Some("add a `predict`, or remove this line".to_owned());
            }
            let list = if *is_gain { &mut trust.gains } else { &mut trust.losses };
            for index in 0..count {
                let on = on(index);
                if !list.iter().any(|score| score.on == on) {
                    self.scores.push((on, *at));
                    list.push(Score { amount: *amount, on });
                }
            }
        }
    }

    /// The laws of trust as a whole; those of one amount are its type's.
    fn laws(&mut self, trust: &Trust, at: At) {
        let most = trust.gains.iter().max_by_key(|gain| gain.amount);
        let least = trust.losses.iter().min_by_key(|loss| loss.amount);
        if let (Some(gain), Some(loss)) = (most, least)
            && gain.amount > loss.amount
        {
            let other = self.place_of_score(loss.on, at);
            let other = self.loc(other);
            let problem =
                self.law(self.place_of_score(gain.on, at), "this gain is larger than a loss");
            problem.related.push((other, "this loss".to_owned()));
            problem.help = Some("trust must be harder to earn than to lose".to_owned());
        } else if let Some(gain) = most.filter(|gain| gain.amount > trust.ceiling) {
            self.law(self.place_of_score(gain.on, at), "this gain is larger than the ceiling");
        }
        if let Some(loss) = trust.losses.iter().find(|loss| loss.amount > trust.lowest) {
            self.law(self.place_of_score(loss.on, at), "this loss is larger than the lowest trust");
        }
        if !(1_000_000..=3_660 * 86_400_000_000).contains(&trust.half_life) {
            self.law(at, "the half-life is outside 1 s ..= 3660 d");
        } else if [trust.window_short, trust.window_long]
            .iter()
            .any(|window| window % 8_000 != 0 || *window < 60_000_000)
        {
            self.law(at, "a window is a multiple of 8 ms and at least 1 min");
        } else if trust.window_short >= trust.window_long {
            let problem = self.law(at, "the short window is not shorter than the long one");
            problem.help = Some("they are 1 d and 14 d where nothing is said".to_owned());
        } else if trust.window_long / 256 > trust.half_life {
            self.law(at, "the window is longer than 256 half-lives");
        }
    }

    /// What a break costs, and what makes it good, with the laws of both.
    fn break_laws(&mut self, trust: &mut Trust, broken: &Break) {
        let dearest = trust.losses.iter().max_by_key(|loss| loss.amount).copied();
        let least = dearest.map_or(PENALTY, |loss| loss.amount.max(PENALTY));
        trust.penalty = broken.penalty.map_or(least.min(trust.lowest), |(penalty, _)| penalty);
        if let Some((penalty, at)) = broken.penalty {
            if let Some(loss) = dearest.filter(|loss| loss.amount > penalty) {
                let other = self.place_of_score(loss.on, at);
                let other = self.loc(other);
                let problem = self.law(at, "a break costs less than a loss");
                problem.related.push((other, "this loss".to_owned()));
                problem.help = Some("no loss may be larger than the penalty".to_owned());
            } else if penalty > trust.lowest {
                self.law(at, "the penalty is larger than the lowest trust");
            }
        }
        trust.recovery = broken.recovery.map_or(RECOVERY.max(trust.sources), |(count, _)| count);
        if let Some((_, at)) = broken.recovery.filter(|(count, _)| *count < trust.sources) {
            let problem = self.law(at, "recovery takes fewer claims than sources");
            let sources = trust.sources;
            problem.help = Some(format!("`sources` is {sources}: each of them says something"));
        }
    }

    fn law(&mut self, at: At, message: &str) -> &mut Problem {
        self.problem(Code::TrustLaw, at, message)
    }

    /// Where the amount for a happening stands, or else the whole clause.
    fn place_of_score(&self, on: Happening, clause: At) -> At {
        let place = self.scores.iter().find(|(happening, _)| *happening == on);
        place.map_or(clause, |(_, at)| *at)
    }

    /// Takes an amount; each happening has one.
    fn add_score(&mut self, list: &mut Vec<Score>, score: Score, at: At) {
        if let Some((_, first)) = self.scores.iter().find(|(on, _)| *on == score.on) {
            let first = self.loc(*first);
            let problem = self.law(at, "this happening has an amount already");
            problem.related.push((first, "here".to_owned()));
            return;
        }
        self.scores.push((score.on, at));
        list.push(score);
    }
}

/// All settings, by name.
const SETTINGS: [&str; 8] = [
    "half_life",
    "window_short",
    "window_long",
    "ceiling",
    "lowest",
    "sources",
    "penalty",
    "recovery",
];

/// The short window where none is said: a day, or an eighth of a long one that is no longer than that.
fn short_of(window_long: i64) -> i64 {
    const GRAIN: i64 = 8_000;
    let eighth = window_long / 8 / GRAIN * GRAIN;
    if window_long > DAY { DAY } else { eighth.max(60_000_000) }
}

/// How a prediction may end, and whether that raises trust.
fn ending(word: &str) -> Option<(Ending, bool)> {
    match word {
        "kept" => Some((Happening::Kept, true)),
        "broken" => Some((Happening::Broken, false)),
        "lapsed" => Some((Happening::Lapsed, false)),
        _ => None,
    }
}

/// What one gain or loss may be.
fn share() -> Type {
    let within = Bounds { low: 1_000, high: 4_000_000 };
    Type::Number { scale: 6, unit: Unit::default(), within }
}
