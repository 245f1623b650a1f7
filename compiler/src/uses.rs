//! The `use` items of a file to what they bring: names, and all that what is named needs.
//!
//! Invariant: what one module declares is there once, whichever way it came; what is brought refers to
//! nothing that is not. A name of another module that is wrong there is noted as broken, and its uses
//! here say nothing. Knows no database: which modules there are is asked of [`Modules`].

use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem, closest};
use crate::globals::{Globals, unknown};
use crate::indices::{self, Index, Kind, closure, collected, renumber};
use aqo_grammar::tree::{File, ItemKind, Name, Use};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What stands under a module's name.
pub enum Found {
    /// What it declares.
    Module(Arc<Globals>),
    /// It comes back to who asks: the modules on the way, its own name first.
    Circle(Vec<String>),
    /// There is no such module.
    Unknown,
}

/// The modules that a file may use.
pub struct Modules<'m> {
    /// The module of a name.
    pub find: &'m dyn Fn(&str) -> Found,
    /// Whether a module's text could not be read whole, so that a name in it may be lost.
    pub is_damaged: &'m dyn Fn(&str) -> bool,
    /// The names of all modules.
    pub names: &'m dyn Fn() -> Vec<String>,
}

/// What a `use` names: a module, and names of it.
pub(crate) struct Named<'t> {
    /// `shop.money`
    pub(crate) module: String,
    /// What it brings.
    pub(crate) names: Vec<&'t Name>,
}

impl<'t> Named<'t> {
    /// With braces the path is the module; without, its last word is a name of the module before it.
    pub(crate) fn of(tree: &'t Use) -> Named<'t> {
        let path = &tree.path.names;
        match (&tree.names, path.split_last()) {
            (None, Some((last, module))) => Named { module: joined(module), names: vec![last] },
            (names, _) => Named { module: joined(path), names: names.iter().flatten().collect() },
        }
    }
}

/// `a.b.c`
pub(crate) fn joined(names: &[Name]) -> String {
    names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".")
}

/// The module of `std` that declares what is called a function, a type, a value or a record.
pub(crate) fn module_of_std(what: &str, name: &str) -> Option<&'static str> {
    let words: &[&str] = match what {
        "function" => &["fn "],
        "value" => &["const "],
        "type" => &["type ", "enum ", "record "],
        "record or variant" => &["record "],
        _ => &[],
    };
    // A declaration begins its line, since sources are laid out.
    let declares = |line: &str| {
        let rest = words.iter().find_map(|word| line.strip_prefix(word)?.strip_prefix(name));
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let mut modules = aqo_stdlib::MODULES.iter();
    modules.find(|(_, text)| text.lines().any(declares)).map(|(module, _)| *module)
}

/// Brings all that a file uses into its globals.
pub(crate) fn bring(globals: &mut Globals, file: &File, modules: &Modules<'_>) {
    for (item, part) in file.items.iter().enumerate() {
        if let ItemKind::Use(tree) = &part.node {
            let part = PartId { item, member: None };
            Bringer { globals, modules, part, tree, named: Named::of(tree) }.bring();
        }
    }
}

struct Bringer<'b> {
    globals: &'b mut Globals,
    modules: &'b Modules<'b>,
    part: PartId,
    tree: &'b Use,
    named: Named<'b>,
}

impl Bringer<'_> {
    fn bring(mut self) {
        let whole = joined(&self.tree.path.names);
        let found = match self.named.module.as_str() {
            "" => Found::Unknown,
            module => (self.modules.find)(module),
        };
        match found {
            Found::Module(from) => {
                let names = std::mem::take(&mut self.named.names);
                names.into_iter().for_each(|name| self.name(&from, name));
                return;
            }
            Found::Circle(way) => self.circle(&way),
            Found::Unknown if self.is_whole(&whole) => {}
            Found::Unknown => self.unknown_module(),
        }
        let lost = self.named.names.iter().map(|name| name.text.clone());
        self.globals.broken.extend(lost);
    }

    fn at(&self) -> Loc {
        Loc { part: self.part, at: self.tree.path.at }
    }

    fn circle(&mut self, way: &[String]) {
        let (own, shown) = (&self.globals.module, way.join(" -> "));
        let message = format!("the module `{own}` uses itself: {shown} -> {own}");
        let problem = Problem::new(Code::CircularUse, self.at(), message)
            .label("comes back here")
            .help("move what both need into a module of its own");
        self.globals.problems.push(problem);
    }

    /// Whether a path without braces is that of a module; says so.
    fn is_whole(&mut self, whole: &str) -> bool {
        if self.tree.names.is_some() {
            return false;
        }
        let names = match (self.modules.find)(whole) {
            Found::Unknown => return false,
            Found::Circle(_) => Vec::new(),
            Found::Module(module) => module.offered(),
        };
        let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
        let more = match (shown.len(), names.len()) {
            (0, _) => "…",
            (shown, all) if shown < all => ", …",
            _ => "",
        };
        // It was meant to bring them.
        self.globals.broken.extend(names.iter().cloned());
        let message =
            format!("`{whole}` is a module, and a `use` says which of its names it brings");
        let problem = Problem::new(Code::NotUsable, self.at(), message)
            .label("a whole module")
            .help(format!("name them: `use {whole}.{{{}{more}}}`", shown.join(", ")));
        self.globals.problems.push(problem);
        true
    }

    fn unknown_module(&mut self) {
        let names = (self.modules.names)();
        // Without braces it may be meant as a module or as a name of one.
        let (module, tail) = match (self.named.module.as_str(), &self.tree.names) {
            ("", _) => (joined(&self.tree.path.names), String::new()),
            (module, None) => {
                let last = self.tree.path.names.last();
                (module.to_owned(), last.map_or(String::new(), |name| format!(".{}", name.text)))
            }
            (module, Some(_)) => (module.to_owned(), String::new()),
        };
        let message = format!("no module is called `{module}`");
        let mut problem = Problem::new(Code::UnknownModule, self.at(), message).label("not known");
        if let Some(near) = closest(&module, names.iter().map(String::as_str)) {
            problem = problem.suggest(Some(&format!("{near}{tail}")));
        } else {
            problem = problem.help(
                "a module is a file of the project, under the name that its first line gives it, or \
                 one of `std`",
            );
        }
        self.globals.problems.push(problem);
    }

    /// Brings one name.
    fn name(&mut self, from: &Globals, name: &Name) {
        let at = Loc { part: self.part, at: name.at };
        let is_own = !from.used.contains_key(&name.text);
        let Some(thing) = Thing::of(from, &name.text).filter(|_| is_own) else {
            self.not_there(from, name, at);
            self.globals.broken.insert(name.text.clone());
            return;
        };
        if !self.globals.declare(name, self.part) {
            return;
        }
        self.globals.used.insert(name.text.clone(), from.module.clone());
        let reached = closure(&from.types, &from.functions, thing.roots());
        if thing.is_broken(from, &name.text) || reached.iter().any(|of| is_broken(from, *of)) {
            self.globals.broken.insert(name.text.clone());
            return;
        }
        let numbers = self.globals.take(from, &reached, at);
        self.globals.name_brought(thing, &name.text, &numbers);
    }

    fn not_there(&mut self, from: &Globals, name: &Name, at: Loc) {
        let (module, text) = (&from.module, &name.text);
        if from.broken.contains(text) && !from.used.contains_key(text) {
            return;
        }
        if let Some(home) = from.used.get(text) {
            let message = format!("`{module}` uses `{text}` itself, and does not declare it");
            let problem = Problem::new(Code::NotUsable, at, message).label("declared elsewhere");
            let help = format!("use it from where it is declared: `use {home}.{{{text}}}`");
            self.globals.problems.push(problem.help(help));
            return;
        }
        if from.places.contains_key(text) {
            let message = format!("`{text}` is an object, and objects are not brought by a `use`");
            let problem = Problem::new(Code::NotUsable, at, message).label("an object");
            self.globals
                .problems
                .push(problem.help("use the types and functions that it is made of"));
            return;
        }
        if (self.modules.is_damaged)(module) {
            return;
        }
        let names = from.offered();
        let what = format!("name of `{module}`");
        let names = || names.iter().map(String::as_str);
        // Whoever meant that name says it further down.
        self.globals.broken.extend(closest(text, names()).map(str::to_owned));
        self.globals.problems.push(unknown(Code::UnknownName, at, &what, text, names()));
    }
}

fn is_broken(globals: &Globals, (kind, index): Index) -> bool {
    let at = usize::from(index);
    let name = match kind {
        Kind::Enum => globals.types.enums.get(at).map(|e| &e.name),
        Kind::Record => globals.types.records.get(at).map(|record| &record.name),
        Kind::Function => globals.functions.get(at).map(|function| &function.name),
    };
    globals.home(kind, index) == globals.module
        && name.is_some_and(|name| globals.broken.contains(name))
}

/// What a name of a module stands for.
enum Thing {
    Unit,
    Indexed(Index),
    Alias(aqo_model::types::Type),
    Const(Box<(aqo_model::types::Type, aqo_model::expr::Expr)>),
    /// A function or type that was not understood.
    Broken,
}

impl Thing {
    fn of(from: &Globals, name: &str) -> Option<Thing> {
        if !from.places.contains_key(name) {
            return None;
        }
        if from.units.iter().any(|unit| unit == name) {
            return Some(Thing::Unit);
        }
        if let Some(ty) = from.aliases.get(name) {
            return Some(Thing::Alias(ty.clone()));
        }
        if let Some(constant) = from.consts.get(name) {
            return Some(Thing::Const(Box::new(constant.clone())));
        }
        let indexed = [Kind::Enum, Kind::Record, Kind::Function].into_iter();
        let indexed = indexed.filter_map(|kind| Some((kind, from.index_of(kind, name)?)));
        let found = indexed.map(Thing::Indexed).next();
        found.or_else(|| from.broken.contains(name).then_some(Thing::Broken))
    }

    /// The enums, records and functions that it names.
    fn roots(&self) -> BTreeSet<Index> {
        match self {
            Thing::Unit | Thing::Broken => BTreeSet::new(),
            Thing::Indexed(index) => BTreeSet::from([*index]),
            Thing::Alias(ty) => collected(|see| indices::of_type(&mut ty.clone(), see)),
            Thing::Const(constant) => collected(|see| {
                let (mut ty, mut value) = (**constant).clone();
                indices::of_type(&mut ty, see);
                indices::of_expr(&mut value, see);
            }),
        }
    }

    fn is_broken(&self, from: &Globals, name: &str) -> bool {
        matches!(self, Thing::Broken) || from.broken.contains(name)
    }
}

impl Globals {
    /// The names that a `use` of this module may bring.
    pub(crate) fn offered(&self) -> Vec<String> {
        let own = |name: &&String| !self.used.contains_key(*name);
        let names = self.places.keys().filter(own);
        names.filter(|name| Thing::of(self, name).is_some()).cloned().collect()
    }

    /// Takes what another module's names need, unless it is here; gives the number of each here.
    fn take(&mut self, from: &Globals, reached: &BTreeSet<Index>, at: Loc) -> BTreeMap<Index, u16> {
        let mut numbers = BTreeMap::new();
        let mut new = Vec::new();
        for (kind, old) in reached {
            let home = from.home(*kind, *old);
            let here = match self.find(*kind, home, from, *old) {
                Some(here) => here,
                None => {
                    let here = self.push(*kind, from, *old, at);
                    self.homes.insert((*kind, here), home.to_owned());
                    new.push((*kind, here));
                    here
                }
            };
            numbers.insert((*kind, *old), here);
        }
        let mut see = renumber(&numbers);
        for (kind, here) in new {
            let here = usize::from(here);
            match kind {
                Kind::Enum => {
                    let variants = self.types.enums[here].variants.iter_mut();
                    variants.for_each(|v| indices::of_params(&mut v.params, &mut see));
                }
                Kind::Record => indices::of_params(&mut self.types.records[here].fields, &mut see),
                Kind::Function => indices::of_function(&mut self.functions[here], &mut see),
            }
        }
        drop(see);
        numbers
    }

    /// What was taken from this module under this name before.
    fn find(&self, kind: Kind, home: &str, from: &Globals, old: u16) -> Option<u16> {
        let old = usize::from(old);
        let mut all = self.homes.iter().filter(|((of, _), module)| *of == kind && *module == home);
        let found = all.find(|((_, here), _)| {
            let here = usize::from(*here);
            match kind {
                Kind::Enum => self.types.enums[here].name == from.types.enums[old].name,
                Kind::Record => self.types.records[here].name == from.types.records[old].name,
                Kind::Function => self.functions[here].name == from.functions[old].name,
            }
        });
        found.map(|((_, here), _)| *here)
    }

    fn push(&mut self, kind: Kind, from: &Globals, old: u16, at: Loc) -> u16 {
        let old = usize::from(old);
        let count = match kind {
            Kind::Enum => {
                self.types.enums.push(from.types.enums[old].clone());
                self.enum_places.push(at);
                self.types.enums.len()
            }
            Kind::Record => {
                self.types.records.push(from.types.records[old].clone());
                self.record_places.push(at);
                self.types.records.len()
            }
            Kind::Function => {
                self.functions.push(from.functions[old].clone());
                self.functions.len()
            }
        };
        u16::try_from(count - 1).unwrap_or(u16::MAX)
    }

    fn name_brought(&mut self, thing: Thing, name: &str, numbers: &BTreeMap<Index, u16>) {
        let mut see = renumber(numbers);
        match thing {
            Thing::Broken => {}
            Thing::Unit => self.units.push(name.to_owned()),
            Thing::Indexed(index) => {
                if let Some(here) = numbers.get(&index) {
                    self.call(index.0, name, usize::from(*here));
                }
            }
            Thing::Alias(mut ty) => {
                indices::of_type(&mut ty, &mut see);
                self.aliases.insert(name.to_owned(), ty);
            }
            Thing::Const(constant) => {
                let (mut ty, mut value) = *constant;
                indices::of_type(&mut ty, &mut see);
                indices::of_expr(&mut value, &mut see);
                self.consts.insert(name.to_owned(), (ty, value));
            }
        }
    }
}
