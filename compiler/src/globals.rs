//! What a file declares outside its objects, and what it uses of other modules: units, enums, records,
//! type aliases, constants, functions.
//!
//! What is used comes first, then names, so that records and enums name each other in any order. Then
//! what their parts need (aliases and plain constants, in text order), the parts, the other constants,
//! the functions.
//!
//! Invariant: `types` and `functions` also hold what something used needs and nobody here may name;
//! only what stands in a name table is seen by a name. What was used stands before what is declared.

use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem, closest};
use crate::indices::{self, Index, Kind};
use crate::lock::{self, Numbered};
use crate::outside::Labels;
use crate::types::{self, Asked};
use crate::uses::{self, Modules};
use aqo_grammar::tree::{self, At, Const, File, ItemKind, Name, Param};
use aqo_model::expr::Expr;
use aqo_model::numbers::Numbers;
use aqo_model::schema::Function;
use aqo_model::types::{Enum, Record, Type, Types, Unit, Variant};
use std::collections::{BTreeMap, BTreeSet};

/// The values that the language gives a name, so that nobody else does.
pub const PREDECLARED: [&str; 10] =
    ["now", "due", "missed", "born", "never", "trust", "slope", "slope_long", "sender", "parent"];

/// The functions that the language declares, so that nobody else does.
pub const BUILT_IN: [&str; 13] = [
    "min",
    "max",
    "abs",
    "clamp",
    "median",
    "square",
    "present",
    "half_even",
    "half_up",
    "floor",
    "ceil",
    "trunc",
    "starts_with",
];

/// The names of a file, as its objects see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globals {
    /// `edge.thermostat`
    pub module: String,
    /// Declared units.
    pub units: Vec<String>,
    /// Enums and records: those of other modules, then the own ones in text order; their variants and
    /// parts stand in order of their numbers.
    pub types: Types,
    /// Where each enum is declared, or used.
    pub enum_places: Vec<Loc>,
    /// Where each record is declared, or used.
    pub record_places: Vec<Loc>,
    /// Functions; each calls only those before it.
    pub functions: Vec<Function>,
    /// The enums, records and functions that have a name here.
    named: BTreeMap<(Kind, String), u16>,
    /// The stable numbers of the enums and records that are declared here.
    pub(crate) order: BTreeMap<Index, u16>,
    /// The modules that declare enums, records and functions, where that is not this one.
    pub(crate) homes: BTreeMap<Index, String>,
    /// The module of each name that a `use` brought.
    pub used: BTreeMap<String, String>,
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
        self.index_of(Kind::Enum, name)
    }

    /// The index of a record.
    pub fn record_named(&self, name: &str) -> Option<u16> {
        self.index_of(Kind::Record, name)
    }

    /// The index of a function.
    pub fn function_named(&self, name: &str) -> Option<u16> {
        self.index_of(Kind::Function, name)
    }

    /// What has this name here.
    pub(crate) fn index_of(&self, kind: Kind, name: &str) -> Option<u16> {
        self.named.get(&(kind, name.to_owned())).copied()
    }

    /// The enums that have a name here, by index.
    pub fn enums(&self) -> Vec<u16> {
        let mut enums: Vec<u16> = self.all_named(Kind::Enum).map(|(_, index)| index).collect();
        enums.sort_unstable();
        enums
    }

    /// The names of all of one kind.
    pub(crate) fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.all_named(kind).map(|(name, _)| name)
    }

    fn all_named(&self, kind: Kind) -> impl Iterator<Item = (&str, u16)> {
        let all = self.named.iter().filter(move |((of, _), _)| *of == kind);
        all.map(|((_, name), index)| (name.as_str(), *index))
    }

    /// The module that declares an enum, a record or a function.
    pub(crate) fn home(&self, kind: Kind, index: u16) -> &str {
        self.homes.get(&(kind, index)).unwrap_or(&self.module)
    }

    /// Whether another module declares an enum or a record.
    pub(crate) fn is_used(&self, ty: &Type) -> bool {
        let found = indices::collected(|see| indices::of_type(&mut ty.clone(), see));
        found.iter().any(|index| self.homes.contains_key(index))
    }

    /// Gives a name to what stands last in its list, or further on; the first of a name has it.
    pub(crate) fn call(&mut self, kind: Kind, name: &str, index: usize) {
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        self.named.entry((kind, name.to_owned())).or_insert(index);
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
            let mut problem = unknown(code, at, what, name, known);
            if let Some(module) = uses::module_of_std(what, name) {
                problem.help = Some(format!("`{module}` has it: `use {module}.{{{name}}}`"));
                problem.fix = None;
            }
            return Some(problem);
        };
        Some(
            Problem::new(code, at, format!("`{name}` is declared further down"))
                .label("not known yet")
                .related(*ahead, "declared here")
                .help("declare it above its first use"),
        )
    }

    /// Takes a name; a problem, and `false`, where it is taken already.
    pub(crate) fn declare(&mut self, name: &Name, part: PartId) -> bool {
        let at = Loc { part, at: name.at };
        self.ahead.remove(&name.text);
        if PREDECLARED.contains(&name.text.as_str()) {
            self.problems.push(predeclared(name, at));
        }
        let Some(first) = self.places.get_mut(&name.text) else {
            self.places.insert(name.text.clone(), at);
            return true;
        };
        // Types and constants are read after the rest; the second is who stands below.
        let swaps = at.part < first.part && !self.used.contains_key(&name.text);
        let later = if swaps { std::mem::replace(first, at) } else { at };
        let first = *first;
        self.problems.push(self.taken(name, later, first));
        false
    }

    /// The problem of a name that this file has declared, or brought, at `first`.
    pub(crate) fn taken(&self, name: &Name, at: Loc, first: Loc) -> Problem {
        let mut problem = taken(name, at, first);
        if let Some(module) = self.used.get(&name.text) {
            problem.related = vec![(first, format!("used from `{module}`"))];
        }
        problem
    }

    /// The place of an enum or a record, and what is said of it there.
    pub(crate) fn place_of(&self, kind: Kind, index: u16) -> Option<(Loc, String)> {
        let places = match kind {
            Kind::Enum => &self.enum_places,
            Kind::Record => &self.record_places,
            Kind::Function => return None,
        };
        let place = *places.get(usize::from(index))?;
        Some(match self.homes.get(&(kind, index)) {
            Some(home) => (place, format!("declared in `{home}`")),
            None => (place, "declared here".to_owned()),
        })
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

/// Reads the global declarations of a file that may use these modules, and whose names have these
/// numbers.
pub fn globals(file: &File, modules: &Modules<'_>, numbers: &Numbered) -> Globals {
    let module = file.module.as_ref().map(|module| uses::joined(&module.node.names));
    let mut globals = Globals { module: module.unwrap_or_default(), ..Globals::default() };
    globals.problems.extend(numbers.problems.iter().cloned());
    uses::bring(&mut globals, file, modules);
    let items = || {
        let id = |item| PartId { item, member: None };
        file.items.iter().enumerate().map(move |(item, part)| (&part.node, id(item)))
    };
    let mut labels = Labels::default();
    for (item, id) in items() {
        if let ItemKind::Enum(tree::Enum { name, .. })
        | ItemKind::Object(tree::Object { name, .. }) = item
        {
            let at = Loc { part: id, at: name.at };
            globals.problems.extend(labels.add(&name.text, at));
        }
        globals.name_item(item, id, numbers);
    }
    let mut asked = Vec::new();
    let mut rest = Vec::new();
    for (item, id) in items() {
        match item {
            ItemKind::Alias(alias) => globals.alias(alias, id, &mut asked),
            ItemKind::Const(constant) if globals.is_plain(&constant.param.ty) => {
                globals.constant(constant, id);
            }
            ItemKind::Const(constant) => rest.push((constant, id)),
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
    }
    crate::parts::declare(&mut globals, file, numbers, &mut asked);
    let mut problems = Vec::new();
    for asked in asked {
        asked.holds(&globals, &mut problems);
    }
    globals.problems.append(&mut problems);
    for (constant, id) in rest {
        globals.constant(constant, id);
    }
    crate::functions::declare(&mut globals, file);
    globals
}

impl Globals {
    /// First pass: names, and whatever needs no type.
    fn name_item(&mut self, item: &ItemKind, id: PartId, numbers: &Numbered) {
        match item {
            ItemKind::Unit(names) => {
                for name in names {
                    self.declare(name, id);
                    if name.text == Unit::ANY {
                        let problem = predeclared(name, Loc { part: id, at: name.at });
                        self.problems.push(problem);
                    }
                    self.units.push(name.text.clone());
                }
            }
            ItemKind::Enum(e) => declare_enum(self, e, id, numbers),
            ItemKind::Record(r) => {
                self.declare(&r.name, id);
                let at = Loc { part: id, at: r.name.at };
                let index = self.types.records.len();
                self.call(Kind::Record, &r.name.text, index);
                let number = numbers.of(&self.module, None, lock::Kind::Record, &r.name.text);
                self.order.insert((Kind::Record, index as u16), number);
                let (name, numbers) = (r.name.text.clone(), Numbers::NONE);
                self.types.records.push(Record { name, fields: Vec::new(), numbers });
                self.record_places.push(at);
            }
            ItemKind::Fn(f) => {
                if BUILT_IN.contains(&f.name.text.as_str()) {
                    self.problems.push(predeclared(&f.name, Loc { part: id, at: f.name.at }));
                }
                self.declare(&f.name, id);
            }
            ItemKind::Object(object) => drop(self.declare(&object.name, id)),
            ItemKind::Alias(tree::Alias { name, .. })
            | ItemKind::Const(Const { param: Param { name, .. }, .. }) => {
                self.ahead.insert(name.text.clone(), Loc { part: id, at: name.at });
            }
            ItemKind::Use(_)
            | ItemKind::Scenario(_)
            | ItemKind::Property(_)
            | ItemKind::Damaged => {}
        }
    }

    /// Whether a type, as written, holds no record, no enum and no collection.
    fn is_plain(&self, ty: &tree::Type) -> bool {
        match self.aliases.get(&ty.name.text) {
            Some(alias) => types::parts(alias, &Types::default()).is_empty(),
            None => {
                let name = ty.name.text.as_str();
                let is_collection = matches!(name, "list" | "ring" | "set" | "map");
                let is_own = self.enum_named(name).is_some() || self.record_named(name).is_some();
                !is_collection && !is_own
            }
        }
    }

    fn alias(&mut self, alias: &tree::Alias, id: PartId, asked: &mut Vec<Asked>) {
        self.declare(&alias.name, id);
        let mut problems = Vec::new();
        let (found, more) = types::resolve_early(self, id, &alias.ty, &mut problems);
        asked.extend(more);
        match found {
            Some(ty) => drop(self.aliases.insert(alias.name.text.clone(), ty)),
            None => drop(self.broken.insert(alias.name.text.clone())),
        }
        self.problems.append(&mut problems);
    }

    fn constant(&mut self, constant: &Const, id: PartId) {
        self.declare(&constant.param.name, id);
        let mut problems = Vec::new();
        let ty = types::resolve(self, id, &constant.param.ty, &mut problems);
        let value = ty.and_then(|ty| {
            let place = "this constant";
            let value = types::constant(self, id, &constant.value, &ty, place, &mut problems)?;
            Some((ty, value))
        });
        let name = constant.param.name.text.clone();
        match value {
            Some(value) => drop(self.consts.insert(name, value)),
            None => drop(self.broken.insert(name)),
        }
        self.problems.append(&mut problems);
    }
}

fn declare_enum(globals: &mut Globals, e: &tree::Enum, id: PartId, numbers: &Numbered) {
    globals.declare(&e.name, id);
    let mut names: Vec<&Name> = Vec::new();
    let mut labels = Labels::default();
    for variant in &e.variants {
        let at = Loc { part: id, at: variant.name.at };
        if let Some(first) = names.iter().find(|name| name.text == variant.name.text) {
            globals.problems.push(taken(&variant.name, at, Loc { part: id, at: first.at }));
        }
        globals.problems.extend(labels.add(&variant.name.text, at));
        names.push(&variant.name);
    }
    let most = aqo_model::limits::VARIANTS;
    if names.is_empty() || names.len() > most {
        let at = Loc { part: id, at: e.name.at };
        let message =
            format!("an enum has 1 to {most} variants, `{}` has {}", e.name.text, names.len());
        globals.problems.push(Problem::new(Code::TooMany, at, message));
    }
    let bare = |place: &usize| Variant { name: names[*place].text.clone(), params: Vec::new() };
    let (places, of_variants) = variants_in_order(globals, e, numbers);
    let variants = places.iter().map(bare).collect();
    let (name, index) = (e.name.text.clone(), globals.types.enums.len());
    globals.call(Kind::Enum, &name, index);
    let number = numbers.of(&globals.module, None, lock::Kind::Enum, &name);
    globals.order.insert((Kind::Enum, index as u16), number);
    globals.types.enums.push(Enum { name, variants, numbers: of_variants });
    globals.enum_places.push(Loc { part: id, at: e.name.at });
}

/// The variants of an enum in order of their numbers: the place of each in the text, and the numbers.
pub(crate) fn variants_in_order(
    globals: &Globals,
    e: &tree::Enum,
    numbers: &Numbered,
) -> (Vec<usize>, Numbers) {
    let names = e.variants.iter().map(|variant| variant.name.text.as_str());
    numbers.sorted(&globals.module, Some(&e.name.text), lock::Kind::Variant, names)
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
