//! The tree of a file to the names in it that have numbers.
//!
//! Invariant: names stand in text order, which is the order of new numbers. Knows no lock.

use super::Kind;
use crate::diagnostic::{Loc, PartId};
use crate::uses::joined;
use crate::words::Words;
use aqo_grammar::tree::{
    Act, ClauseKind, Enum, File, ItemKind, Mark, MemberKind, Name, Object, Policy, Record, Rule,
};

/// A name that has a number.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) at: Loc,
    /// What it was called, and where that is said.
    pub(super) was: Option<(String, Loc)>,
}

/// The names of one kind of one thing.
pub(super) struct Group {
    pub(super) kind: Kind,
    /// `shop.till`, `shop.till.Till`
    pub(super) of: String,
    /// What `of` was called.
    pub(super) was: Option<String>,
    pub(super) names: Vec<Declared>,
}

/// All names of a file that have numbers, and `was` marks that a declaration has beside another.
pub(super) fn declared(file: &File) -> (Vec<Group>, Vec<Loc>) {
    let module = file.module.as_ref().map(|module| joined(&module.node.names));
    let module = module.unwrap_or_default();
    let group = |kind| Group { kind, of: module.clone(), was: None, names: Vec::new() };
    let mut reader = Reader { module: module.clone(), groups: Vec::new(), twice: Vec::new() };
    let mut own = [Kind::Object, Kind::Enum, Kind::Record].map(group);
    for (item, part) in file.items.iter().enumerate() {
        let id = PartId { item, member: None };
        match &part.node {
            ItemKind::Object(object) if !object.name.text.is_empty() => {
                own[0].names.push(one(&object.name, object.was.as_ref(), id));
                reader.object(object, item);
            }
            ItemKind::Enum(e) => {
                own[1].names.push(one(&e.name, e.was.as_ref(), id));
                reader.variants(e, id);
            }
            ItemKind::Record(record) => {
                own[2].names.push(one(&record.name, record.was.as_ref(), id));
                reader.parts(record, id);
            }
            ItemKind::Object(_)
            | ItemKind::Use(_)
            | ItemKind::Unit(_)
            | ItemKind::Alias(_)
            | ItemKind::Const(_)
            | ItemKind::Fn(_)
            | ItemKind::Scenario(_)
            | ItemKind::Property(_)
            | ItemKind::Damaged => {}
        }
    }
    reader.groups.extend(own);
    (reader.groups, reader.twice)
}

fn one(name: &Name, was: Option<&Name>, part: PartId) -> Declared {
    let at = |name: &Name| Loc { part, at: name.at };
    let was = was.map(|was| (was.text.clone(), at(was)));
    Declared { name: name.text.clone(), at: at(name), was }
}

struct Reader {
    module: String,
    groups: Vec<Group>,
    twice: Vec<Loc>,
}

impl Reader {
    fn group(&mut self, kind: Kind, of: &Name, was: Option<&Name>, names: Vec<Declared>) {
        let full = |name: &Name| format!("{}.{}", self.module, name.text);
        self.groups.push(Group { kind, of: full(of), was: was.map(full), names });
    }

    fn variants(&mut self, e: &Enum, id: PartId) {
        let names = e.variants.iter().map(|v| one(&v.name, v.was.as_ref(), id)).collect();
        self.group(Kind::Variant, &e.name, e.was.as_ref(), names);
    }

    fn parts(&mut self, record: &Record, id: PartId) {
        let names = record.fields.iter().map(|f| one(&f.name, f.was.as_ref(), id)).collect();
        self.group(Kind::Part, &record.name, record.was.as_ref(), names);
    }

    fn object(&mut self, object: &Object, item: usize) {
        let kinds = [Kind::Role, Kind::Field, Kind::Input, Kind::Message, Kind::Event, Kind::Rule];
        let mut found: Vec<(Kind, Vec<Declared>)> =
            kinds.map(|kind| (kind, Vec::new())).into_iter().collect();
        let mut open = None;
        for (member, part) in object.members.iter().enumerate() {
            let id = PartId { item, member: Some(member) };
            let Some((kind, name, was)) = numbered(&part.node) else { continue };
            let mut declared = one(name, was, id);
            if let MemberKind::Field(field) = &part.node {
                self.field_marks(&mut declared, &field.marks, id);
            }
            if let MemberKind::Message(message) = &part.node
                && message.from.iter().any(|role| role.text == "signer")
            {
                open.get_or_insert(declared.at);
            }
            if let Some((_, names)) = found.iter_mut().find(|(of, _)| *of == kind) {
                names.push(declared);
            }
        }
        // The role that any key has is declared by whoever names it.
        if let (Some(at), Some((_, roles))) = (open, found.first_mut()) {
            roles.push(Declared { name: "signer".to_owned(), at, was: None });
        }
        let nowhere = Loc { part: PartId { item, member: None }, at: object.name.at };
        let reasons = own_reasons(object).into_iter();
        let reasons = reasons.map(|name| Declared { name, at: nowhere, was: None }).collect();
        found.push((Kind::Reason, reasons));
        for (kind, names) in found {
            self.group(kind, &object.name, object.was.as_ref(), names);
        }
    }

    fn field_marks(&mut self, declared: &mut Declared, marks: &[Mark], part: PartId) {
        let was = marks.iter().filter_map(|mark| match mark {
            Mark::Was(was) => Some((was.text.clone(), Loc { part, at: was.at })),
            Mark::AttestedBy(_)
            | Mark::Once(_)
            | Mark::OnlyUp(_)
            | Mark::OnlyDown(_)
            | Mark::Private(_) => None,
        });
        for (name, at) in was {
            match declared.was {
                None => declared.was = Some((name, at)),
                Some(_) => self.twice.push(at),
            }
        }
    }
}

/// What a member declares that has a number of its own.
pub(crate) fn numbered(member: &MemberKind) -> Option<(Kind, &Name, Option<&Name>)> {
    match member {
        MemberKind::Role(role) => Some((Kind::Role, &role.name, role.was.as_ref())),
        MemberKind::Field(field) => Some((Kind::Field, &field.param.name, None)),
        MemberKind::Input(input) => Some((Kind::Input, &input.name, input.was.as_ref())),
        MemberKind::Message(message) => {
            Some((Kind::Message, &message.sig.name, message.sig.was.as_ref()))
        }
        MemberKind::Event(event) => Some((Kind::Event, &event.sig.name, event.sig.was.as_ref())),
        MemberKind::Rule(rule) => Some((Kind::Rule, &rule.name, rule.was.as_ref())),
        MemberKind::Intent(_)
        | MemberKind::Derive(_)
        | MemberKind::Cycle(_)
        | MemberKind::Children(_)
        | MemberKind::Policy(_)
        | MemberKind::Pause(_)
        | MemberKind::Evolve(_)
        | MemberKind::Damaged => None,
    }
}

/// The reasons that an object's author names, each once: of refusals, limits and `always`, in text
/// order.
pub(crate) fn own_reasons(object: &Object) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    each_reason(object, &mut |_, name| {
        if !found.contains(&name.text) {
            found.push(name.text.clone());
        }
    });
    found
}

/// Every place where an object names a reason of its own, by member.
pub(crate) fn each_reason<'o>(object: &'o Object, see: &mut dyn FnMut(usize, &'o Name)) {
    for (member, part) in object.members.iter().enumerate() {
        let mut add = |name: &'o Name| see(member, name);
        match &part.node {
            MemberKind::Rule(rule) => of_rule(rule, &mut add),
            MemberKind::Policy(policy) => of_policy(policy, &mut add),
            MemberKind::Intent(_)
            | MemberKind::Role(_)
            | MemberKind::Field(_)
            | MemberKind::Derive(_)
            | MemberKind::Input(_)
            | MemberKind::Message(_)
            | MemberKind::Event(_)
            | MemberKind::Cycle(_)
            | MemberKind::Children(_)
            | MemberKind::Pause(_)
            | MemberKind::Evolve(_)
            | MemberKind::Damaged => {}
        }
    }
}

fn of_rule<'o>(rule: &'o Rule, add: &mut dyn FnMut(&'o Name)) {
    match &rule.act {
        Act::Refuse(refuse) => add(&refuse.reason),
        Act::Block(block) => {
            let mut words = Words::default();
            words.block(block);
            words.reasons.iter().for_each(|reason| add(&reason.reason));
        }
        Act::Damaged => {}
    }
}

fn of_policy<'o>(policy: &'o Policy, add: &mut dyn FnMut(&'o Name)) {
    for clause in &policy.clauses {
        match &clause.kind {
            ClauseKind::Always { name, .. } | ClauseKind::Limit { name, .. } => add(name),
            ClauseKind::Hosts { .. }
            | ClauseKind::Flow { .. }
            | ClauseKind::Trust(_)
            | ClauseKind::Retain(_)
            | ClauseKind::Upgrade(_)
            | ClauseKind::Damaged => {}
        }
    }
}
