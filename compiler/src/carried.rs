//! An object with all that its file can name to the object with what it reaches, which is all that
//! it carries.
//!
//! Invariant: what comes of it depends on what the object reaches alone: neither on the order of
//! `use` lines, nor on what else is declared or imported. Types of the object's own module stand in order
//! of their stable numbers and functions of it in text order, after those of others, which stand in the order of their modules and
//! names; callees stand before their callers, and no two have one name outside.

use crate::globals::Globals;
use crate::indices::{self, Index, Kind, closure, collected, renumber};
use aqo_model::Model;
use aqo_model::label::label;
use aqo_model::schema::Function;
use aqo_model::types::{Enum, Record};
use std::collections::{BTreeMap, BTreeSet};

/// The object with what it reaches.
pub(crate) fn carried(globals: &Globals, wide: &Model) -> Model {
    let mut model = wide.clone();
    let roots = collected(|see| indices::of_object(&mut model, see));
    let (types, functions) = (&wide.schema.types, &wide.schema.functions);
    let reached = closure(types, functions, roots);
    let order = Order { globals, wide, reached: &reached };
    let (enums, records) = (order.sorted(Kind::Enum), order.sorted(Kind::Record));
    let calls = order.callees_first();
    let mut numbers = BTreeMap::new();
    for (kind, list) in [(Kind::Enum, &enums), (Kind::Record, &records), (Kind::Function, &calls)] {
        numbers.extend((0u16..).zip(list).map(|(number, old)| ((kind, *old), number)));
    }
    let schema = &mut model.schema;
    schema.types.enums = enums.iter().map(|old| types.enums[usize::from(*old)].clone()).collect();
    schema.types.records =
        records.iter().map(|old| types.records[usize::from(*old)].clone()).collect();
    schema.functions = calls.iter().map(|old| functions[usize::from(*old)].clone()).collect();
    let mut see = renumber(&numbers);
    let variants = schema.types.enums.iter_mut().flat_map(|e| &mut e.variants);
    variants.for_each(|variant| indices::of_params(&mut variant.params, &mut see));
    let records_in = schema.types.records.iter_mut();
    records_in.for_each(|record| indices::of_params(&mut record.fields, &mut see));
    schema.functions.iter_mut().for_each(|function| indices::of_function(function, &mut see));
    indices::of_object(&mut model, &mut see);
    let homes = |kind, list: &[u16]| -> Vec<&str> {
        list.iter().map(|old| globals.home(kind, *old)).collect()
    };
    let object = model.schema.object.clone();
    let types = &mut model.schema.types;
    apart(&mut types.enums, &homes(Kind::Enum, &enums), &globals.module, &[&object]);
    apart(&mut types.records, &homes(Kind::Record, &records), &globals.module, &[]);
    let functions = &mut model.schema.functions;
    apart(functions, &homes(Kind::Function, &calls), &globals.module, &[]);
    model
}

/// The order in which what is reached stands.
struct Order<'o> {
    globals: &'o Globals,
    wide: &'o Model,
    reached: &'o BTreeSet<Index>,
}

impl Order<'_> {
    /// What is reached of one kind.
    fn sorted(&self, kind: Kind) -> Vec<u16> {
        let mut found: Vec<u16> =
            self.reached.iter().filter(|(of, _)| *of == kind).map(|(_, index)| *index).collect();
        found.sort_by_key(|index| self.rank(kind, *index));
        found
    }

    /// Others by module and name, then the own ones: types by their numbers, functions as they are.
    fn rank(&self, kind: Kind, index: u16) -> (bool, &str, &str, u16) {
        let home = self.globals.home(kind, index);
        if home == self.globals.module {
            let order = self.globals.order.get(&(kind, index)).copied();
            return (true, "", "", order.unwrap_or(index));
        }
        let schema = &self.wide.schema;
        let at = usize::from(index);
        let name = match kind {
            Kind::Enum => &schema.types.enums[at].name,
            Kind::Record => &schema.types.records[at].name,
            Kind::Function => &schema.functions[at].name,
        };
        (false, home, name, index)
    }

    fn callees_first(&self) -> Vec<u16> {
        let mut done = Vec::new();
        for index in self.sorted(Kind::Function) {
            self.with_callees(index, &mut done);
        }
        done
    }

    fn with_callees(&self, index: u16, done: &mut Vec<u16>) {
        if done.contains(&index) {
            return;
        }
        let schema = &self.wide.schema;
        let named = indices::named_by(&schema.types, &schema.functions, (Kind::Function, index));
        let mut callees: Vec<u16> =
            named.iter().filter(|(kind, _)| *kind == Kind::Function).map(|(_, of)| *of).collect();
        callees.sort_by_key(|callee| self.rank(Kind::Function, *callee));
        callees.into_iter().for_each(|callee| self.with_callees(callee, done));
        done.push(index);
    }
}

/// Something with a name.
trait Called {
    /// Its name.
    fn name(&mut self) -> &mut String;
    /// Its name with that of its module.
    fn full(module: &str, name: &str) -> String;
}

impl Called for Enum {
    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn full(module: &str, name: &str) -> String {
        upper(module) + name
    }
}

impl Called for Record {
    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn full(module: &str, name: &str) -> String {
        upper(module) + name
    }
}

impl Called for Function {
    fn name(&mut self) -> &mut String {
        &mut self.name
    }

    fn full(module: &str, name: &str) -> String {
        format!("{}_{name}", module.replace('.', "_"))
    }
}

/// `shop.money` as `ShopMoney`.
fn upper(module: &str) -> String {
    let words = module.split(['.', '_']).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// Gives what came from another module, and whose name is taken, a name with its module's.
fn apart<T: Called>(list: &mut [T], homes: &[&str], own: &str, taken: &[&str]) {
    let mut seen: BTreeSet<String> = taken.iter().map(|name| label(name)).collect();
    for (called, home) in list.iter_mut().zip(homes) {
        if *home == own {
            seen.insert(label(called.name()));
        }
    }
    for (called, home) in list.iter_mut().zip(homes).filter(|(_, home)| **home != own) {
        while !seen.insert(label(called.name())) {
            let full = T::full(home, called.name());
            *called.name() = full;
        }
    }
}
