//! Checked sources to what their modules declare: the value that `aqc doc` prints.
//!
//! Invariant: what stands here as source stands so in a file, but for its indentation. What a type
//! means is said by the Model, in words; everything else by the tree. The shapes below are those of
//! the JSON, so a change of them is a new version.

use super::member;
use crate::check::{Checked, File};
use crate::project::Project;
use aqo_compiler::db;
use aqo_compiler::grammar::token::lex;
use aqo_compiler::grammar::tree::{At, ItemKind, MemberKind, Name, Object as ObjectTree, Part};
use aqo_compiler::grammar::unquote;
use aqo_compiler::model::Model;
use serde::Serialize;

/// The version of the JSON.
const JSON_VERSION: u32 = 1;

/// What a project declares.
#[derive(Serialize)]
pub(crate) struct Declared {
    pub version: u32,
    /// What `[package]` says, where it says something.
    pub name: Option<String>,
    pub package_version: Option<String>,
    pub modules: Vec<Module>,
}

#[derive(Serialize)]
pub(crate) struct Module {
    pub name: String,
    pub file: String,
    pub doc: Option<String>,
    /// Units, types, constants and functions.
    pub items: Vec<Item>,
    pub objects: Vec<Object>,
    pub scenarios: Vec<Scenario>,
}

/// Something that is shown as it stands.
#[derive(Serialize)]
pub(crate) struct Item {
    pub kind: &'static str,
    pub name: String,
    pub doc: Option<String>,
    pub source: String,
}

#[derive(Serialize)]
pub(crate) struct Object {
    pub name: String,
    pub version: String,
    pub doc: Option<String>,
    pub intent: Option<String>,
    pub roles: Vec<Item>,
    pub fields: Vec<Value>,
    pub derives: Vec<Value>,
    pub inputs: Vec<Value>,
    pub messages: Vec<Said>,
    pub events: Vec<Said>,
    pub children: Vec<Item>,
    /// Cycles, and what makes the object rest or end.
    pub cycles: Vec<Item>,
    pub rules: Vec<Rule>,
    pub policy: Policy,
    pub evolves: Vec<Item>,
}

/// A field, a derive, an input or a parameter.
#[derive(Serialize)]
pub(crate) struct Value {
    pub name: String,
    pub doc: Option<String>,
    /// As written, with its unit.
    pub r#type: String,
    /// In words, with its range.
    pub means: Option<String>,
    /// A field's default; what a derive is.
    pub value: Option<String>,
    /// The role whose own word it holds, or that signs it.
    pub attested_by: Option<String>,
    /// How old an input may be.
    pub fresh: Option<String>,
    pub marks: Vec<String>,
}

/// A message or an event.
#[derive(Serialize)]
pub(crate) struct Said {
    pub name: String,
    pub doc: Option<String>,
    pub parameters: Vec<Value>,
    /// Who may send a message.
    pub from: Vec<String>,
    /// The capability that an event needs.
    pub via: Option<String>,
    /// How long a message waits, or how long an event is worth handing over.
    pub lasts: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Rule {
    pub name: String,
    pub doc: Option<String>,
    pub on: String,
    pub when: Option<String>,
    pub needs: Vec<String>,
    pub assured: bool,
    pub body: String,
}

#[derive(Default, Serialize)]
pub(crate) struct Policy {
    pub flows: Vec<Flow>,
    pub always: Vec<Item>,
    pub limits: Vec<Limit>,
    pub trust: Vec<Score>,
    pub hosts: Option<Hosts>,
    pub retain: Option<String>,
    /// `None`: it stays what it is for ever.
    pub upgrade: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Flow {
    pub field: String,
    pub doc: Option<String>,
    /// From, to.
    pub arrows: Vec<(String, String)>,
}

#[derive(Serialize)]
pub(crate) struct Limit {
    pub name: String,
    pub doc: Option<String>,
    pub rules: Vec<String>,
    pub to: Vec<String>,
    pub per: String,
}

/// `gain`, `loss` or a setting.
#[derive(Serialize)]
pub(crate) struct Score {
    pub kind: String,
    pub amount: String,
    pub on: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Hosts {
    pub need: Vec<String>,
    pub otherwise: &'static str,
}

#[derive(Serialize)]
pub(crate) struct Scenario {
    /// `scenario` or `property`.
    pub kind: &'static str,
    pub title: String,
    pub object: String,
    pub doc: Option<String>,
    pub source: String,
}

/// A part of a tree, with the text that it stands in.
pub(crate) struct Place<'p, T> {
    pub text: &'p str,
    pub part: &'p Part<T>,
}

impl<T> Clone for Place<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Place<'_, T> {}

impl<T> Place<'_, T> {
    /// The source at a position.
    pub(crate) fn at(&self, at: At) -> String {
        dedented(trimmed(self.part.span(at).of(self.text)))
    }

    /// The source of the whole part.
    pub(crate) fn whole(&self) -> String {
        dedented(trimmed(self.part.span.of(self.text)))
    }

    pub(crate) fn item(&self, kind: &'static str, name: &Name) -> Item {
        let (name, doc) = (name.text.clone(), self.part.doc.clone());
        Item { kind, name, doc, source: self.whole() }
    }
}

/// What a project declares.
pub(crate) fn declared(project: &Project, checked: &Checked) -> Declared {
    let package = &project.manifest.package;
    let files = checked.files.iter().enumerate();
    Declared {
        version: JSON_VERSION,
        name: package.name.clone(),
        package_version: package.version.clone(),
        modules: files.map(|(number, file)| module(checked, number, file)).collect(),
    }
}

fn module(checked: &Checked, number: usize, file: &File) -> Module {
    let tree = db::tree_of(&checked.database, file.source);
    let text = file.source.text(&checked.database);
    let names = tree.file.module.iter().flat_map(|part| &part.node.names);
    let mut module = Module {
        name: names.map(|name| name.text.as_str()).collect::<Vec<_>>().join("."),
        file: file.path.display().to_string(),
        doc: tree.file.doc.clone(),
        items: Vec::new(),
        objects: Vec::new(),
        scenarios: Vec::new(),
    };
    for (index, part) in tree.file.items.iter().enumerate() {
        let place = Place { text, part };
        match &part.node {
            ItemKind::Use(part) => {
                module.items.extend(part.path.names.last().map(|name| place.item("use", name)));
            }
            ItemKind::Unit(names) => {
                module.items.extend(names.first().map(|name| place.item("unit", name)));
            }
            ItemKind::Alias(alias) => module.items.push(place.item("type", &alias.name)),
            ItemKind::Enum(of) => module.items.push(place.item("enum", &of.name)),
            ItemKind::Record(record) => module.items.push(place.item("record", &record.name)),
            ItemKind::Const(of) => module.items.push(place.item("const", &of.param.name)),
            ItemKind::Fn(function) => module.items.push(place.item("fn", &function.name)),
            ItemKind::Object(tree) => {
                let is_it =
                    |object: &&crate::check::Object| object.file == number && object.item == index;
                let model = checked.objects.iter().find(is_it);
                let model = model.map(|object| object.model.model());
                module.objects.push(object(place, tree, model));
            }
            ItemKind::Scenario(of) => {
                let title = unquote(&of.title.text);
                module.scenarios.push(scenario(place, "scenario", title, &of.object));
            }
            ItemKind::Property(of) => {
                let title = unquote(&of.title.text);
                module.scenarios.push(scenario(place, "property", title, &of.object));
            }
            ItemKind::Damaged => {}
        }
    }
    module
}

fn scenario<T>(place: Place<'_, T>, kind: &'static str, title: String, of: &Name) -> Scenario {
    let (object, doc) = (of.text.clone(), place.part.doc.clone());
    Scenario { kind, title, object, doc, source: place.whole() }
}

fn object(place: Place<'_, ItemKind>, tree: &ObjectTree, model: Option<&Model>) -> Object {
    let mut object = Object {
        name: tree.name.text.clone(),
        version: tree.version.text.clone(),
        doc: place.part.doc.clone(),
        intent: None,
        roles: Vec::new(),
        fields: Vec::new(),
        derives: Vec::new(),
        inputs: Vec::new(),
        messages: Vec::new(),
        events: Vec::new(),
        children: Vec::new(),
        cycles: Vec::new(),
        rules: Vec::new(),
        policy: Policy::default(),
        evolves: Vec::new(),
    };
    for part in &tree.members {
        let place = Place { text: place.text, part };
        match &part.node {
            MemberKind::Intent(text) => object.intent = Some(unquote(&text.text)),
            MemberKind::Role(role) => object.roles.push(place.item("role", &role.name)),
            MemberKind::Field(field) => object.fields.push(member::field(place, field, model)),
            MemberKind::Derive(derive) => object.derives.push(member::derive(place, derive, model)),
            MemberKind::Input(input) => object.inputs.push(member::input(place, input, model)),
            MemberKind::Message(of) => object.messages.push(member::message(place, of, model)),
            MemberKind::Event(event) => object.events.push(member::event(place, event, model)),
            MemberKind::Cycle(cycle) => object.cycles.push(member::cycle(place, cycle)),
            MemberKind::Pause(pause) => object.cycles.push(member::pause(place, pause)),
            MemberKind::Children(of) => object.children.push(place.item("children", &of.name)),
            MemberKind::Rule(rule) => object.rules.push(member::rule(place, rule)),
            MemberKind::Policy(policy) => member::policy(place, policy, &mut object.policy),
            MemberKind::Evolve(evolve) => object.evolves.push(member::evolve(place, evolve)),
            MemberKind::Damaged => {}
        }
    }
    object
}

/// A piece of source up to its last token: positions of what may end in nothing reach to the next.
fn trimmed(source: &str) -> &str {
    let tape = lex(source);
    let last = tape.lexemes.iter().rev().find(|lexeme| !lexeme.kind.is_trivia());
    last.map_or("", |last| &source[..last.span.end as usize])
}

/// A piece of source whose later lines stand as far left as the first.
fn dedented(source: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let later = source.lines().skip(1).filter(|line| !line.trim().is_empty());
    let by = later.map(indent).min().unwrap_or(0);
    let lines = source.lines().enumerate().map(|(number, line)| match number {
        0 => line,
        _ => line.get(by..).unwrap_or_default(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{dedented, trimmed};

    #[test]
    fn nothing_stands_after_the_last_token() {
        assert_eq!(trimmed("role a // b\n\n/// c\n"), "role a");
        assert_eq!(trimmed("\"a // b\""), "\"a // b\"");
        assert_eq!(trimmed(" // b"), "");
    }

    #[test]
    fn later_lines_move_to_the_left() {
        assert_eq!(
            dedented("{\n        set a = b\n\n        é\n    }"),
            "{\n    set a = b\n\n    é\n}"
        );
        assert_eq!(dedented("a == b"), "a == b");
        assert_eq!(dedented("a\nb"), "a\nb");
    }
}
