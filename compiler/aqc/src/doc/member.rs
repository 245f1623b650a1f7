//! Members of an object's tree to what `aqc doc` says of them.
//!
//! Knows nothing of files and of HTML. Where there is no Model, what a type means is left out.

use super::declared::{Flow, Hosts, Item, Limit, Place, Policy, Rule, Said, Score, Value};
use aqo_compiler::grammar::tree::{
    self, Act, Clause, ClauseKind, Cycle, Derive, Event, Evolve, Expr, Field, HostMode, Input,
    Mark, MemberKind, Message, Name, Param, Pause, PauseKind, Type as TypeTree,
};
use aqo_compiler::model::Model;
use aqo_compiler::model::types::{Param as Typed, Type};

type Member<'p> = Place<'p, MemberKind>;

/// A value of which nothing is known but its name and type.
fn value(place: Member<'_>, name: &Name, ty: &TypeTree, means: Option<String>) -> Value {
    Value {
        name: name.text.clone(),
        doc: None,
        r#type: place.at(ty.at),
        means,
        value: None,
        attested_by: None,
        fresh: None,
        marks: Vec::new(),
    }
}

fn means(model: Option<&Model>, find: impl FnOnce(&Model) -> Option<&Type>) -> Option<String> {
    let model = model?;
    Some(described(model, find(model)?))
}

fn described(model: &Model, ty: &Type) -> String {
    ty.describe(&model.schema.types)
}

fn text(place: Member<'_>, expr: &Expr) -> String {
    place.at(expr.at)
}

fn names(names: &[Name]) -> Vec<String> {
    names.iter().map(|name| name.text.clone()).collect()
}

pub(crate) fn field(place: Member<'_>, field: &Field, model: Option<&Model>) -> Value {
    let name = &field.param.name;
    let means = means(model, |model| {
        model.schema.fields.iter().find(|known| known.name == name.text).map(|known| &known.ty)
    });
    let mut value = Value {
        doc: place.part.doc.clone(),
        value: field.default.as_ref().map(|default| text(place, default)),
        ..value(place, name, &field.param.ty, means)
    };
    for mark in &field.marks {
        match mark {
            Mark::AttestedBy(role) => value.attested_by = Some(role.text.clone()),
            Mark::Was(name) => value.marks.push(format!("was {}", name.text)),
            Mark::Once(_) => value.marks.push("once".to_owned()),
            Mark::OnlyUp(_) => value.marks.push("only_up".to_owned()),
            Mark::OnlyDown(_) => value.marks.push("only_down".to_owned()),
            Mark::Private(_) => value.marks.push("private".to_owned()),
        }
    }
    value
}

pub(crate) fn derive(place: Member<'_>, derive: &Derive, model: Option<&Model>) -> Value {
    let name = &derive.param.name;
    let means = means(model, |model| {
        model.schema.derives.iter().find(|known| known.name == name.text).map(|known| &known.ty)
    });
    Value {
        doc: place.part.doc.clone(),
        value: Some(text(place, &derive.value)),
        ..value(place, name, &derive.param.ty, means)
    }
}

pub(crate) fn input(place: Member<'_>, input: &Input, model: Option<&Model>) -> Value {
    let means = means(model, |model| {
        let mut inputs = model.schema.inputs.iter();
        inputs.find(|known| known.name == input.name.text).map(|known| &known.ty)
    });
    Value {
        doc: place.part.doc.clone(),
        attested_by: input.from.as_ref().map(|role| role.text.clone()),
        fresh: input.fresh.as_ref().map(|fresh| text(place, fresh)),
        ..value(place, &input.name, &input.ty, means)
    }
}

fn parameters(
    place: Member<'_>,
    params: &[Param],
    model: Option<&Model>,
    known: &[Typed],
) -> Vec<Value> {
    let params = params.iter().map(|param| {
        let typed = known.iter().find(|known| known.name == param.name.text);
        let means = typed.zip(model).map(|(typed, model)| described(model, &typed.ty));
        value(place, &param.name, &param.ty, means)
    });
    params.collect()
}

pub(crate) fn message(place: Member<'_>, message: &Message, model: Option<&Model>) -> Said {
    let name = &message.sig.name.text;
    let known = model.and_then(|model| model.schema.messages.iter().find(|m| m.name == *name));
    let known = known.map_or(&[][..], |message| &message.params);
    Said {
        name: name.clone(),
        doc: place.part.doc.clone(),
        parameters: parameters(place, &message.sig.params, model, known),
        from: names(&message.from),
        via: None,
        lasts: message.waits.as_ref().map(|waits| text(place, waits)),
    }
}

pub(crate) fn event(place: Member<'_>, event: &Event, model: Option<&Model>) -> Said {
    let name = &event.sig.name.text;
    let known = model.and_then(|model| model.schema.events.iter().find(|e| e.name == *name));
    let known = known.map_or(&[][..], |event| &event.params);
    Said {
        name: name.clone(),
        doc: place.part.doc.clone(),
        parameters: parameters(place, &event.sig.params, model, known),
        from: Vec::new(),
        via: event.via.as_ref().map(|via| via.text.clone()),
        lasts: event.expires.as_ref().map(|expires| text(place, expires)),
    }
}

pub(crate) fn cycle(place: Member<'_>, cycle: &Cycle) -> Item {
    let name = cycle.name.as_ref().map_or_else(String::new, |name| name.text.clone());
    Item { kind: "cycle", name, doc: place.part.doc.clone(), source: place.whole() }
}

pub(crate) fn pause(place: Member<'_>, pause: &Pause) -> Item {
    let kind = match pause.kind {
        PauseKind::Dormant => "dormant",
        PauseKind::Ends => "ends",
    };
    Item { kind, name: String::new(), doc: place.part.doc.clone(), source: place.whole() }
}

pub(crate) fn evolve(place: Member<'_>, evolve: &Evolve) -> Item {
    let name = evolve.from.text.clone();
    Item { kind: "evolve", name, doc: place.part.doc.clone(), source: place.whole() }
}

pub(crate) fn rule(place: Member<'_>, rule: &tree::Rule) -> Rule {
    Rule {
        name: rule.name.text.clone(),
        doc: place.part.doc.clone(),
        on: place.at(rule.trigger.at),
        when: rule.when.as_ref().map(|when| text(place, when)),
        needs: rule.needs.iter().map(|demand| place.at(demand.at)).collect(),
        assured: rule.assured.is_some(),
        body: match &rule.act {
            Act::Block(block) => place.at(block.at),
            Act::Refuse(refuse) => place.at(refuse.at),
            Act::Damaged => String::new(),
        },
    }
}

pub(crate) fn policy(place: Member<'_>, policy: &tree::Policy, into: &mut Policy) {
    for clause in &policy.clauses {
        let doc = clause.doc.clone();
        match &clause.kind {
            ClauseKind::Flow { field, arrows } => {
                let arrows =
                    arrows.iter().map(|arrow| (place.at(arrow.from.at), place.at(arrow.to.at)));
                into.flows.push(Flow { field: field.text.clone(), doc, arrows: arrows.collect() });
            }
            ClauseKind::Always { name, holds } => into.always.push(Item {
                kind: "always",
                name: name.text.clone(),
                doc,
                source: text(place, holds),
            }),
            ClauseKind::Limit { .. } => into.limits.extend(limit(place, clause)),
            ClauseKind::Trust(scores) => {
                into.trust.extend(scores.iter().filter_map(|of| score(place, of)));
            }
            ClauseKind::Hosts { need, otherwise } => {
                let otherwise = match otherwise {
                    HostMode::Observe => "observe",
                    HostMode::Dormant => "dormant",
                };
                into.hosts = Some(Hosts { need: names(need), otherwise });
            }
            ClauseKind::Retain(span) => into.retain = Some(text(place, span)),
            ClauseKind::Upgrade(demand) => into.upgrade = Some(place.at(demand.at)),
            ClauseKind::Damaged => {}
        }
    }
}

fn limit(place: Member<'_>, clause: &Clause) -> Option<Limit> {
    let ClauseKind::Limit { name, rules, quotas, per } = &clause.kind else { return None };
    let to = quotas.iter().map(|quota| {
        let of = quota.of.as_ref().map_or(String::new(), |of| format!(" of {}", of.text));
        text(place, &quota.amount) + &of
    });
    Some(Limit {
        name: name.text.clone(),
        doc: clause.doc.clone(),
        rules: names(rules),
        to: to.collect(),
        per: text(place, per),
    })
}

fn score(place: Member<'_>, score: &tree::Score) -> Option<Score> {
    let (kind, amount, on) = match score {
        tree::Score::Gain { amount, on, part } => ("gain", amount, Some((on, part))),
        tree::Score::Loss { amount, on, part } => ("loss", amount, Some((on, part))),
        tree::Score::Setting { name, value } => (name.text.as_str(), value, None),
        tree::Score::Damaged => return None,
    };
    let on = on.map(|(on, part)| match part {
        Some(part) => format!("{}.{}", on.text, part.text),
        None => on.text.clone(),
    });
    Some(Score { kind: kind.to_owned(), amount: text(place, amount), on })
}
