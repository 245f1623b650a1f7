//! The parts of records and of variants that carry something, once every name is known.
//!
//! Invariant: afterwards no record and no enum holds itself and none is too large; one that did or
//! was has no parts and is noted as broken, so that its uses are no second mistake.

use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::{Globals, taken, variants_in_order};
use crate::lock::{Kind, Numbered};
use crate::types::{self, Asked};
use aqo_grammar::tree::{self, File, ItemKind, Name};
use aqo_model::limits;
use aqo_model::numbers::Numbers;
use aqo_model::types::{Param, Type};

/// Reads the parts of every record and every variant.
pub(crate) fn declare(
    globals: &mut Globals,
    file: &File,
    numbers: &Numbered,
    asked: &mut Vec<Asked>,
) {
    let written =
        |is: fn(&ItemKind) -> bool| file.items.iter().filter(|part| is(&part.node)).count();
    // What is used of other modules stands before what is written here.
    let mut enums = globals.types.enums.len() - written(|item| matches!(item, ItemKind::Enum(_)));
    let mut records =
        globals.types.records.len() - written(|item| matches!(item, ItemKind::Record(_)));
    for (item, part) in file.items.iter().enumerate() {
        let mut reader = Reader { globals, asked, part: PartId { item, member: None } };
        if let ItemKind::Enum(e) = &part.node {
            let (places, _) = variants_in_order(reader.globals, e, numbers);
            for (index, place) in places.into_iter().enumerate() {
                let variant = &e.variants[place];
                let all = variant.params.iter().map(|param| (&param.name, &param.ty)).collect();
                let params = reader.parts(&e.name, &variant.name, all);
                reader.globals.types.enums[enums].variants[index].params = params;
            }
            enums += 1;
        } else if let ItemKind::Record(r) = &part.node {
            let names = r.fields.iter().map(|field| field.name.text.as_str());
            let of = Some(r.name.text.as_str());
            let (places, of_parts) = numbers.sorted(&reader.globals.module, of, Kind::Part, names);
            let fields = places.iter().map(|place| &r.fields[*place]);
            let all: Vec<_> = fields.map(|field| (&field.name, &field.ty)).collect();
            if all.is_empty() {
                let message = format!("`{}` has no parts", r.name.text);
                reader.problem(Code::BadType, &r.name, message);
                reader.globals.broken.insert(r.name.text.clone());
            }
            let fields = reader.parts(&r.name, &r.name, all);
            let record = &mut reader.globals.types.records[records];
            (record.fields, record.numbers) = (fields, of_parts);
            records += 1;
        }
    }
    circles(globals);
    sizes(globals);
}

struct Reader<'r> {
    globals: &'r mut Globals,
    asked: &'r mut Vec<Asked>,
    part: PartId,
}

impl Reader<'_> {
    fn problem(&mut self, code: Code, name: &Name, message: String) {
        let at = Loc { part: self.part, at: name.at };
        self.globals.problems.push(Problem::new(code, at, message));
    }

    /// The parts of `of`, which is declared under the name `whole`.
    fn parts(&mut self, whole: &Name, of: &Name, all: Vec<(&Name, &tree::Type)>) -> Vec<Param> {
        let mut params: Vec<Param> = Vec::new();
        let (count, most) = (all.len(), limits::PARAMETERS);
        if count > most {
            let message = format!("`{}` has {count} parts, at most {most} are allowed", of.text);
            self.problem(Code::TooMany, of, message);
            self.globals.broken.insert(whole.text.clone());
        }
        for (place, (name, ty)) in all.iter().enumerate() {
            if let Some((first, _)) = all[..place].iter().find(|(first, _)| first.text == name.text)
            {
                let at = |name: &Name| Loc { part: self.part, at: name.at };
                let problem = taken(name, at(name), at(first));
                self.globals.problems.push(problem);
            }
            let mut problems = Vec::new();
            let (found, more) = types::resolve_early(self.globals, self.part, ty, &mut problems);
            self.globals.problems.append(&mut problems);
            self.asked.extend(more);
            if found.is_none() {
                self.globals.broken.insert(whole.text.clone());
            }
            params.push(Param { name: name.text.clone(), ty: found.unwrap_or(Type::Bool) });
        }
        params
    }
}

/// Every record and enum, as a type.
fn all(globals: &Globals) -> Vec<Type> {
    let count = |count: usize| 0..u16::try_from(count).unwrap_or(u16::MAX);
    let enums = count(globals.types.enums.len()).map(Type::Enum);
    enums.chain(count(globals.types.records.len()).map(Type::Record)).collect()
}

fn name_and_place(globals: &Globals, ty: &Type) -> Option<(String, Loc)> {
    if let Type::Enum(index) = ty {
        let index = usize::from(*index);
        Some((globals.types.enums[index].name.clone(), globals.enum_places[index]))
    } else if let Type::Record(index) = ty {
        let index = usize::from(*index);
        Some((globals.types.records[index].name.clone(), globals.record_places[index]))
    } else {
        None
    }
}

/// Takes the parts of a type away.
fn empty(globals: &mut Globals, ty: &Type) {
    globals.broken.extend(name_and_place(globals, ty).map(|(name, _)| name));
    if let Type::Enum(index) = ty {
        let e = &mut globals.types.enums[usize::from(*index)];
        e.variants.iter_mut().for_each(|variant| variant.params.clear());
    } else if let Type::Record(index) = ty {
        let record = &mut globals.types.records[usize::from(*index)];
        record.fields.clear();
        record.numbers = Numbers::NONE;
    }
}

/// Records and enums that hold themselves, each circle once, with the way round.
fn circles(globals: &mut Globals) {
    for start in all(globals) {
        let mut seen = Vec::new();
        let Some(way) = way_back(globals, &start, &start, &mut seen) else { continue };
        let named: Vec<_> = way.iter().filter_map(|ty| name_and_place(globals, ty)).collect();
        let Some((name, at)) = named.first().cloned() else { continue };
        let shown: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
        let message = format!("`{name}` holds itself: {} -> {name}", shown.join(" -> "));
        let mut problem = Problem::new(Code::BadType, at, message).label("never ends");
        let others = named.iter().skip(1);
        problem.related.extend(others.map(|(_, at)| (*at, "on the way round".to_owned())));
        globals.problems.push(problem.help("keep the others in a `map` of the object, by key"));
        way.iter().for_each(|ty| empty(globals, ty));
    }
}

/// The types on the way from `from` back to `goal`, `from` first.
fn way_back(
    globals: &Globals,
    from: &Type,
    goal: &Type,
    seen: &mut Vec<Type>,
) -> Option<Vec<Type>> {
    for (_, part) in types::parts(from, &globals.types) {
        if part == goal {
            return Some(vec![from.clone()]);
        }
        if seen.contains(part) {
            continue;
        }
        seen.push(part.clone());
        if let Some(mut way) = way_back(globals, part, goal, seen) {
            way.insert(0, from.clone());
            return Some(way);
        }
    }
    None
}

/// Records and enums with more parts than a type may have.
fn sizes(globals: &mut Globals) {
    // The innermost of those that are too large is said: whatever holds it is so as well.
    for ty in all(globals) {
        let Some(path) = types::too_large(&ty, &globals.types) else { continue };
        let inner = types::parts(&ty, &globals.types);
        if inner.iter().any(|(_, part)| types::too_large(part, &globals.types).is_some()) {
            continue;
        }
        let Some((name, at)) = name_and_place(globals, &ty) else { continue };
        if globals.is_used(&ty) {
            // Its own module says so.
            continue;
        }
        let most = limits::TYPE_PARTS;
        let message = format!("`{name}` has more than {most} parts: {name} -> {path}");
        globals.problems.push(Problem::new(Code::TooMany, at, message));
    }
    let large: Vec<Type> = all(globals)
        .into_iter()
        .filter(|ty| types::too_large(ty, &globals.types).is_some())
        .collect();
    large.iter().for_each(|ty| empty(globals, ty));
}
