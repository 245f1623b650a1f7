//! Names that would be one outside: two declarations of one kind whose labels are equal.
//!
//! Knows only names; how a component spells them is `aqo_model::label`.

use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::lock::each_reason;
use aqo_grammar::tree::{self, Event, MemberKind, Message, Name};
use aqo_model::label::label;
use aqo_model::policy::Reason;
use std::collections::BTreeMap;

/// The names of one kind, each with its place.
#[derive(Default)]
pub(crate) struct Labels {
    seen: BTreeMap<String, (String, Loc)>,
}

impl Labels {
    /// Adds a name; a problem where another has its label. The same name twice is none of this.
    pub(crate) fn add(&mut self, name: &str, at: Loc) -> Option<Problem> {
        let label = label(name);
        let Some((first, place)) = self.seen.get(&label) else {
            self.seen.insert(label, (name.to_owned(), at));
            return None;
        };
        let message = format!("outside, `{name}` and `{first}` would both be `{label}`");
        (first != name).then(|| {
            Problem::new(Code::NameCollision, at, message)
                .label("the same name outside")
                .related(*place, format!("`{first}` is declared here"))
                .help("rename one of them")
        })
    }
}

/// The members of an object, and the parameters of each, whose labels are equal.
pub(crate) fn collisions(item: usize, object: &tree::Object) -> Vec<Problem> {
    let mut kinds: [Labels; 6] = Default::default();
    let [state, inputs, messages, events, roles, rules] = &mut kinds;
    let mut problems = reasons(item, object);
    for (member, part) in object.members.iter().enumerate() {
        let id = PartId { item, member: Some(member) };
        let at = |name: &Name| Loc { part: id, at: name.at };
        let (kind, name) = match &part.node {
            MemberKind::Field(field) => (&mut *state, &field.param.name),
            MemberKind::Derive(derive) => (&mut *state, &derive.param.name),
            MemberKind::Input(input) => {
                let name = &input.name;
                problems.extend((label(&name.text) == "at").then(|| beside_instant(at(name))));
                (&mut *inputs, name)
            }
            MemberKind::Message(message) => (&mut *messages, &message.sig.name),
            MemberKind::Event(event) => (&mut *events, &event.sig.name),
            MemberKind::Role(role) => (&mut *roles, &role.name),
            MemberKind::Rule(rule) => (&mut *rules, &rule.name),
            MemberKind::Intent(_)
            | MemberKind::Cycle(_)
            | MemberKind::Pause(_)
            | MemberKind::Children(_)
            | MemberKind::Policy(_)
            | MemberKind::Evolve(_)
            | MemberKind::Damaged => continue,
        };
        problems.extend(kind.add(&name.text, at(name)));
        if let MemberKind::Message(Message { sig, .. }) | MemberKind::Event(Event { sig, .. }) =
            &part.node
        {
            let is_signed =
                matches!(&part.node, MemberKind::Message(message) if is_signed(message));
            let by = sig.params.iter().find(|param| is_signed && label(&param.name.text) == "by");
            problems.extend(by.map(|param| beside_envelope(at(&param.name))));
            let is_message = matches!(&part.node, MemberKind::Message(_));
            let when =
                sig.params.iter().find(|param| is_message && label(&param.name.text) == "at");
            problems.extend(when.map(|param| beside_instant(at(&param.name))));
            let mut params = Labels::default();
            let names = sig.params.iter().map(|param| &param.name);
            problems.extend(names.filter_map(|name| params.add(&name.text, at(name))));
        }
    }
    problems
}

/// Reasons whose labels are equal: an object's own, and those that are built in.
fn reasons(item: usize, object: &tree::Object) -> Vec<Problem> {
    let mut seen: BTreeMap<String, (String, Option<Loc>)> = BTreeMap::new();
    let built_in = Reason::BUILT_IN.iter().map(|(_, name)| *name).chain(["unborn"]);
    seen.extend(built_in.map(|name| (label(name), (name.to_owned(), None))));
    let mut problems = Vec::new();
    each_reason(object, &mut |member, name| {
        let (outside, part) = (label(&name.text), PartId { item, member: Some(member) });
        let at = Loc { part, at: name.at };
        let (first, place) =
            seen.entry(outside.clone()).or_insert_with(|| (name.text.clone(), Some(at)));
        if *first == name.text {
            return;
        }
        let text =
            format!("outside, the reasons `{}` and `{first}` would both be `{outside}`", name.text);
        let mut problem =
            Problem::new(Code::NameCollision, at, text).label("the same name outside");
        problem.help = Some("rename one of them".to_owned());
        problem.related.extend(place.map(|place| (place, format!("`{first}` is named here"))));
        problems.push(problem);
    });
    problems
}

fn is_signed(message: &Message) -> bool {
    message.from.iter().any(|role| role.text != "anyone")
}

/// The problem of a parameter that has the name of the envelope in which its message travels.
fn beside_envelope(at: Loc) -> Problem {
    let message = "outside, `by` would be both this parameter and the sender's envelope";
    Problem::new(Code::NameCollision, at, message)
        .label("the envelope's name outside")
        .help("rename it, or let the message come `from anyone`, without an envelope")
}

/// The problem of a parameter or input that has the name of the instant that is offered beside it.
fn beside_instant(at: Loc) -> Problem {
    let message = "outside, `at` would be both this and the instant of the offer";
    Problem::new(Code::NameCollision, at, message)
        .label("the instant's name outside")
        .help("rename it")
}
