//! What a file declares outside its objects: units, enums, type aliases, constants.

use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem, closest};
use crate::outside::Labels;
use crate::types;
use aqo_grammar::tree::{self, At, Const, File, ItemKind, Name, Param};
use aqo_model::expr::Expr;
use aqo_model::schema::Enum;
use aqo_model::types::Type;
use std::collections::{BTreeMap, BTreeSet};

/// The values that the language gives a name, so that nobody else does.
pub const PREDECLARED: [&str; 10] =
    ["now", "due", "missed", "born", "never", "trust", "slope", "slope_long", "sender", "parent"];

/// The names of a file, as its objects see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globals {
    /// `edge.thermostat`
    pub module: String,
    /// Declared units.
    pub units: Vec<String>,
    /// Enums in text order.
    pub enums: Vec<Enum>,
    /// Where each enum is declared.
    pub enum_places: Vec<Loc>,
    /// Type aliases.
    pub aliases: BTreeMap<String, Type>,
    /// Constants: type and value.
    pub consts: BTreeMap<String, (Type, Expr)>,
    /// Names whose declarations were not understood: their uses are not looked at.
    pub broken: BTreeSet<String>,
    /// Types and constants that are declared further down.
    ahead: BTreeMap<String, Loc>,
    /// Every global name, and where.
    pub places: BTreeMap<String, Loc>,
    /// What is wrong with the declarations.
    pub problems: Vec<Problem>,
}

impl Globals {
    /// The index of an enum.
    pub fn enum_named(&self, name: &str) -> Option<u16> {
        let index = self.enums.iter().position(|e| e.name == name)?;
        u16::try_from(index).ok()
    }

    /// The problem of a name that is not known here, with the one that was perhaps meant; none
    /// where its declaration was not understood.
    pub fn unknown<'n>(
        &self,
        code: Code,
        at: Loc,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'n str>,
    ) -> Option<Problem> {
        if self.broken.contains(name) {
            return None;
        }
        let Some(ahead) = self.ahead.get(name) else {
            return Some(unknown(code, at, what, name, known));
        };
        Some(
            Problem::new(code, at, format!("`{name}` is declared further down"))
                .label("not known yet")
                .related(*ahead, "declared here")
                .help("declare it above its first use"),
        )
    }

    /// Takes a name; a problem where it is taken already.
    fn declare(&mut self, name: &Name, part: PartId) {
        let at = Loc { part, at: name.at };
        self.ahead.remove(&name.text);
        if PREDECLARED.contains(&name.text.as_str()) {
            self.problems.push(predeclared(name, at));
        }
        if let Some(first) = self.places.get(&name.text) {
            self.problems.push(taken(name, at, *first));
        } else {
            self.places.insert(name.text.clone(), at);
        }
    }
}

/// The problem of a name that is taken.
pub fn taken(name: &Name, at: Loc, first: Loc) -> Problem {
    Problem::new(Code::NameTaken, at, format!("`{}` is declared already", name.text))
        .label("second declaration")
        .related(first, "first declared here")
        .help("nothing shadows anything: choose another name")
}

/// The problem of a name that the language has taken.
pub fn predeclared(name: &Name, at: Loc) -> Problem {
    Problem::new(
        Code::NameTaken,
        at,
        format!("`{}` means something already: the language declares it", name.text),
    )
    .label("a name of the language")
    .help("nothing shadows anything: choose another name")
}

/// The problem of a construct that later versions will know.
pub fn not_yet(at: Loc, construct: &str) -> Problem {
    Problem::new(Code::NotYet, at, format!("{construct}: not yet supported"))
        .label("not yet supported")
        .help("`aqc explain E8001` lists what this version leaves out")
}

/// Reads the global declarations of a file: units and enums first, because types name them, then
/// types and constants in text order.
pub fn globals(file: &File) -> Globals {
    let mut globals = Globals {
        module: file.module.as_ref().map_or(String::new(), |module| {
            module.node.names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".")
        }),
        ..Globals::default()
    };
    let items = || file.items.iter().enumerate();
    let mut labels = Labels::default();
    for (item, part) in items() {
        if let ItemKind::Enum(tree::Enum { name, .. })
        | ItemKind::Object(tree::Object { name, .. }) = &part.node
        {
            let at = Loc { part: PartId { item, member: None }, at: name.at };
            globals.problems.extend(labels.add(&name.text, at));
        }
        globals.name_item(&part.node, PartId { item, member: None });
    }
    for (item, part) in items() {
        globals.type_item(&part.node, PartId { item, member: None });
    }
    globals
}

impl Globals {
    /// First pass: names, and whatever needs no type.
    fn name_item(&mut self, item: &ItemKind, id: PartId) {
        let mut later = |at, construct: &str| {
            self.problems.push(not_yet(Loc { part: id, at }, construct));
        };
        match item {
            ItemKind::Unit(names) => {
                for name in names {
                    self.declare(name, id);
                    self.units.push(name.text.clone());
                }
            }
            ItemKind::Enum(e) => declare_enum(self, e, id),
            ItemKind::Use(u) => {
                later(u.path.at, "`use` of another module");
                let last = u.path.names.last();
                let names = u.names.iter().flatten().chain(last);
                self.broken.extend(names.map(|name| name.text.clone()));
            }
            ItemKind::Record(r) => {
                later(r.name.at, "`record`");
                self.broken.insert(r.name.text.clone());
            }
            ItemKind::Fn(f) => {
                later(f.name.at, "`fn`");
                self.broken.insert(f.name.text.clone());
            }
            ItemKind::Object(object) => self.declare(&object.name, id),
            ItemKind::Alias(tree::Alias { name, .. })
            | ItemKind::Const(Const { param: Param { name, .. }, .. }) => {
                self.ahead.insert(name.text.clone(), Loc { part: id, at: name.at });
            }
            ItemKind::Scenario(_) | ItemKind::Property(_) | ItemKind::Damaged => {}
        }
    }

    /// Second pass: types and constants, each of which knows what stands above it.
    fn type_item(&mut self, item: &ItemKind, id: PartId) {
        let mut problems = Vec::new();
        match item {
            ItemKind::Alias(alias) => {
                self.declare(&alias.name, id);
                match types::resolve(self, id, &alias.ty, &mut problems) {
                    Some(ty) => drop(self.aliases.insert(alias.name.text.clone(), ty)),
                    None => drop(self.broken.insert(alias.name.text.clone())),
                }
            }
            ItemKind::Const(constant) => {
                self.declare(&constant.param.name, id);
                let ty = types::resolve(self, id, &constant.param.ty, &mut problems);
                let value = ty.and_then(|ty| {
                    let value = types::constant(
                        self,
                        id,
                        &constant.value,
                        &ty,
                        "this constant",
                        &mut problems,
                    )?;
                    Some((ty, value))
                });
                let name = constant.param.name.text.clone();
                match value {
                    Some(value) => drop(self.consts.insert(name, value)),
                    None => drop(self.broken.insert(name)),
                }
            }
            ItemKind::Use(_)
            | ItemKind::Unit(_)
            | ItemKind::Enum(_)
            | ItemKind::Record(_)
            | ItemKind::Fn(_)
            | ItemKind::Object(_)
            | ItemKind::Scenario(_)
            | ItemKind::Property(_)
            | ItemKind::Damaged => {}
        }
        self.problems.append(&mut problems);
    }
}

fn declare_enum(globals: &mut Globals, e: &aqo_grammar::tree::Enum, id: PartId) {
    globals.declare(&e.name, id);
    let mut names: Vec<&Name> = Vec::new();
    let mut labels = Labels::default();
    for variant in &e.variants {
        let at = Loc { part: id, at: variant.name.at };
        if let Some(first) = names.iter().find(|name| name.text == variant.name.text) {
            globals.problems.push(taken(&variant.name, at, Loc { part: id, at: first.at }));
        }
        globals.problems.extend(labels.add(&variant.name.text, at));
        if !variant.params.is_empty() {
            globals.problems.push(not_yet(at, "a variant with a payload"));
        }
        names.push(&variant.name);
    }
    let most = aqo_model::limits::VARIANTS;
    if names.is_empty() || names.len() > most {
        let at = Loc { part: id, at: e.name.at };
        let message =
            format!("an enum has 1 to {most} variants, `{}` has {}", e.name.text, names.len());
        globals.problems.push(Problem::new(Code::TooMany, at, message));
    }
    let variants = names.iter().map(|name| name.text.clone()).collect();
    globals.enums.push(Enum { name: e.name.text.clone(), variants });
    globals.enum_places.push(Loc { part: id, at: e.name.at });
}

/// The problem of an unknown name, with the one that was perhaps meant.
pub fn unknown<'n>(
    code: Code,
    at: Loc,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'n str>,
) -> Problem {
    Problem::new(code, at, format!("no {what} is called `{name}`"))
        .label("not known")
        .suggest(closest(name, known))
}

/// The position of a whole part, for problems that belong to no word of it.
pub fn whole(part: PartId) -> Loc {
    Loc { part, at: At(u32::MAX) }
}
