//! A Model into what a step of it costs at most, in core instructions that are executed: a tree for
//! each kind of offer, each part with its number and what it mostly goes to.
//!
//! The numbers follow from the functions that the core module is made of, so they bound what is
//! emitted and nothing else. They know no engine: how long an instruction takes is its business.

mod count;
mod sum;

use self::count::Counter;
use self::sum::{Label, Sum};
use crate::bound::Part;
use crate::core::{STEP, built};
use crate::ir::FuncId;
use crate::unit::Routine;
use aqo_model::Model;
use aqo_model::layout::Layout;
use aqo_model::policy::Reason;

/// What the steps of a class cost at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// One for each kind of offer: `tick`, `message adjust`, `consent`, `bind`, `birth`, `fork`.
    pub offers: Vec<Node>,
}

/// What a part of a step costs at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// `rule audit`
    pub name: String,
    /// The index of the rule that it is.
    pub rule: Option<u16>,
    /// In core instructions; `u64::MAX` stands for anything above.
    pub most: u64,
    /// What it mostly goes to, where it goes through anything.
    pub factor: Option<Factor>,
    /// What it is made of, the dearest first. What is left is its own.
    pub parts: Vec<Node>,
}

/// Walks that a part mostly goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// How many walks there are.
    pub walks: u64,
    /// Through what: `items`.
    pub what: &'static str,
    /// Through how many at most, each.
    pub each: u32,
    /// What they come to together.
    pub most: u64,
}

impl std::fmt::Display for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Factor { walks, what, each, .. } = self;
        match walks {
            1 => write!(f, "a walk through up to {each} {what}"),
            2 => write!(f, "two walks through up to {each} {what} each"),
            3 => write!(f, "three walks through up to {each} {what} each"),
            _ => write!(f, "{walks} walks through up to {each} {what} each"),
        }
    }
}

impl Cost {
    /// The most of any step.
    pub fn most(&self) -> u64 {
        self.offers.iter().map(|offer| offer.most).max().unwrap_or(0)
    }

    /// The dearest kind of offer.
    pub fn dearest(&self) -> Option<&Node> {
        self.offers.iter().max_by_key(|offer| offer.most)
    }
}

impl Node {
    /// The dearest rule in it, itself included.
    pub fn dearest_rule(&self) -> Option<&Node> {
        let own = self.rule.is_some().then_some(self);
        own.or_else(|| {
            let inside = self.parts.iter().filter_map(Node::dearest_rule);
            inside.max_by_key(|rule| rule.most)
        })
    }
}

/// What the steps of a class cost at most. The Model must be one that `verify` accepts.
pub fn cost(model: &Model) -> Cost {
    let layout = Layout::of(model);
    let (built, _) = built(model, &layout);
    let labels: Vec<Option<Label>> = built.routines.iter().map(|routine| label(*routine)).collect();
    let find = |routine: Routine| {
        let index = built.routines.iter().position(|known| *known == routine)?;
        Some(FuncId(crate::memory::size(index)))
    };
    let kind = |name: &str, routine| Some((name.to_owned(), find(routine)?));
    let message = find(Routine::Message);
    let hears = (0u16..).zip(&model.schema.messages).filter_map(|(index, _)| {
        Some((name(model, Label::Message(index)), find(Routine::Hear(index))?))
    });
    let hears: Vec<(String, FuncId)> = hears.collect();
    let own: Vec<(String, FuncId)> = [
        kind("tick", Routine::Tick),
        kind("consent", Routine::Consent),
        kind("bind", Routine::Bind),
        kind("birth", Routine::Birth),
        kind("fork", Routine::Fork),
    ]
    .into_iter()
    .flatten()
    .collect();
    let kinds = own.iter().chain(&hears).map(|(_, door)| *door);
    let mut counter = Counter::new(&built.funcs, &labels, kinds.chain(message).collect());
    // A consent may lead to a message of any kind.
    let all: Vec<FuncId> = hears.iter().map(|(_, door)| *door).collect();
    let mut offers = Vec::new();
    for (name, door) in &own {
        let sum = counter.cost(STEP, &[&all[..], &[*door]].concat());
        offers.push(node(model, name.clone(), &sum));
    }
    let heard = hears.iter().map(|(name, door)| {
        let ajar: Vec<FuncId> = message.into_iter().chain([*door]).collect();
        node(model, name.clone(), &counter.cost(STEP, &ajar))
    });
    let heard: Vec<Node> = heard.collect();
    offers.splice(1..1, heard);
    Cost { offers }
}

fn node(model: &Model, name_of: String, sum: &Sum) -> Node {
    let walks = sum.walks.iter().filter(|((_, each), _)| *each > 1);
    let factor = walks.max_by_key(|(_, (_, most))| *most).map(|((what, each), (walks, most))| {
        Factor { walks: *walks, what: what.words(), each: *each, most: *most }
    });
    let mut parts: Vec<Node> = sum
        .parts
        .iter()
        .map(|(label, sum)| Node {
            rule: if let Label::Rule(index) = label { Some(*index) } else { None },
            ..node(model, name(model, *label), sum)
        })
        .collect();
    parts.sort_by(|a, b| b.most.cmp(&a.most).then_with(|| a.name.cmp(&b.name)));
    Node { name: name_of, rule: None, most: sum.all, factor, parts }
}

fn name(model: &Model, label: Label) -> String {
    let (schema, policy) = (&model.schema, &model.policy);
    match label {
        Label::Inputs => "inputs".to_owned(),
        Label::Form => "form of the message".to_owned(),
        Label::Message(index) => {
            let message = schema.messages.get(usize::from(index));
            format!("message {}", message.map_or("", |message| &message.name))
        }
        Label::Predictions => "predictions".to_owned(),
        Label::Waiting => "messages that wait".to_owned(),
        Label::Rule(index) => {
            let rule = policy.rules.get(usize::from(index));
            format!("rule {}", rule.map_or("", |rule| &rule.name))
        }
        Label::Part(Part::Clause(reason)) => {
            format!("always {}", policy.reason_name(Reason(reason)))
        }
        Label::Part(Part::Flow(field)) => {
            let field = schema.fields.get(usize::from(field));
            format!("flow {}", field.map_or("", |field| &field.name))
        }
        Label::Trust => "trust".to_owned(),
        Label::Schedule => "schedule".to_owned(),
        Label::Entry => "entry".to_owned(),
    }
}

/// What a function is called where it is told apart.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn label(routine: Routine) -> Option<Label> {
    match routine {
        Routine::ValidInputs | Routine::Begin => Some(Label::Inputs),
        Routine::ValidMessage => Some(Label::Form),
        Routine::Hear(index) => Some(Label::Message(index)),
        Routine::SettleDeadlines | Routine::Look => Some(Label::Predictions),
        Routine::OfferWaiting | Routine::Expire | Routine::TurnAway => Some(Label::Waiting),
        Routine::Rule(index) => Some(Label::Rule(index)),
        Routine::SettleTrust => Some(Label::Trust),
        Routine::NextDue | Routine::NextWake | Routine::LatestWake | Routine::Truths => {
            Some(Label::Schedule)
        }
        Routine::Finish => Some(Label::Entry),
        _ => None,
    }
}
