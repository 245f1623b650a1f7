//! Rules: triggers, guards, demands and the statements of a body.
//!
//! Invariant: on a path no part of a field is set twice, and what is said reads no field that the
//! rule sets.
#![expect(clippy::wildcard_enum_match_arm, reason = "questions about a few of many shapes")]

use super::draw::{Draw, REASONS, Reach, fits};
use super::number::many;
use super::program::{Level, Part};
use super::types::amount;
use super::world::{Field, Mark, Named, On, Plan, World, wide};
use crate::chance::Chance;
use aqo_model::types::{Bounds, Param, Type};
use std::collections::BTreeSet;

/// Draws the statements of one rule.
struct Body<'d, 'w> {
    draw: &'d mut Draw<'w>,
    plan: &'d Plan,
    /// Fields that the rule may set.
    writes: Vec<Field>,
    /// Fields and roles set on this path.
    taken: BTreeSet<String>,
    /// Only this role can have sent the message.
    sender: Option<usize>,
    foretold: bool,
    assured: bool,
}

/// Draws a rule.
pub fn rule(world: &World, chance: &mut Chance, plan: &Plan) -> Part {
    let message = match &plan.on {
        On::Message(index) | On::Expired(index) => Some(&world.messages[*index]),
        On::Tick | On::Cycle(_) | On::Settled(_) | On::Arrive => None,
    };
    let tick = matches!(plan.on, On::Tick | On::Cycle(_));
    let expired = matches!(plan.on, On::Expired(_));
    let signed = !expired && message.is_some_and(|message| !message.from.is_empty());
    let reach = Reach {
        fields: true,
        moving: true,
        inputs: true,
        tick,
        sender: signed,
        limits: true,
        refuses: false,
    };
    let mut draw = Draw::new(world, chance, reach);
    let mut head = format!("rule {} on {}", plan.name, trigger(world, &plan.on));
    if let Some(message) = message {
        draw.names.extend(message.params.clone());
    }
    let limited = world.limited.contains(&plan.name);
    if plan.refuses {
        let cond = draw.condition(2);
        let text = format!("{head} when {cond} refuse {}", draw.chance.pick(&REASONS));
        return Part::whole(Level::Rule, &plan.name, text);
    }
    let assured = !limited && draw.chance.percent(7);
    let mut writes = writes(world, draw.chance);
    writes.retain(|field| field.mark != Mark::Once || !assured || tick);
    if let Some(guard) = guard(&mut draw, &writes, assured, tick) {
        head.push_str(&guard);
    }
    draw.reach.refuses = !assured;
    if !assured {
        head.push_str(&demands(world, draw.chance, !expired && (tick || message.is_some())));
    } else {
        head.push_str(" assured");
    }
    let sender = message.filter(|m| !expired && m.from.len() == 1).map(|m| m.from[0]);
    let mut body = Body {
        draw: &mut draw,
        plan,
        writes,
        taken: BTreeSet::new(),
        sender,
        foretold: false,
        assured,
    };
    let count = 1 + body.draw.chance.below(if plan.foretells.is_some() { 2 } else { 4 });
    let mut stmts: Vec<String> = Vec::new();
    for _ in 0..count {
        stmts.extend(body.stmt(2, signed));
    }
    if plan.foretells.is_some() && !body.foretold {
        stmts.push(body.predict());
    }
    Part {
        level: Level::Rule,
        name: plan.name.clone(),
        head: format!("{head} {{"),
        stmts,
        tail: "}".into(),
    }
}

/// A guard, which asks whether what is set once is not set yet.
fn guard(draw: &mut Draw<'_>, writes: &[Field], assured: bool, tick: bool) -> Option<String> {
    let once = writes.iter().filter(|field| field.mark == Mark::Once);
    let mut conds: Vec<String> =
        once.map(|field| format!("{} is none", field.named.name)).collect();
    if (!assured || tick) && draw.chance.percent(if tick { 85 } else { 35 }) {
        let (cond, bound) = draw.guard(3);
        draw.names.extend(bound);
        conds.push(cond);
    }
    (!conds.is_empty()).then(|| format!(" when {}", conds.join(" and ")))
}

fn trigger(world: &World, on: &On) -> String {
    match on {
        On::Tick => "tick".to_owned(),
        On::Cycle(name) | On::Settled(name) => name.clone(),
        On::Arrive => "arrive".to_owned(),
        On::Message(index) | On::Expired(index) => {
            let message = &world.messages[*index];
            let names: Vec<&str> = message.params.iter().map(|p| p.name.as_str()).collect();
            let what = if matches!(on, On::Expired(_)) { ".expired" } else { "" };
            format!("{}{what}({})", message.name, names.join(", "))
        }
    }
}

/// Some of the fields.
fn writes(world: &World, chance: &mut Chance) -> Vec<Field> {
    world.fields.iter().filter(|_| chance.percent(50)).cloned().collect()
}

fn demands(world: &World, chance: &mut Chance, consents: bool) -> String {
    let mut needs = Vec::new();
    if world.trust && chance.percent(15) {
        let word = *chance.pick(&[">=", ">", "<", "<="]);
        let of = *chance.pick(&["trust", "slope", "slope_long"]);
        let bound = if word.starts_with('>') { "-0.30" } else { "0.90" };
        needs.push(format!("{of} {word} {bound}"));
    }
    if consents && !world.roles.is_empty() && chance.percent(12) {
        let first = chance.pick(&world.roles).clone();
        let mut roles = vec![first.name.clone()];
        if chance.percent(40) {
            roles.push(chance.pick(&world.roles).name.clone());
            roles.dedup();
        }
        let most = if first.max.is_some_and(|max| max > 1) || roles.len() > 1 { 2 } else { 1 };
        let count = 1 + chance.below(most);
        let within = *chance.pick(&["10s", "1min", "1h"]);
        needs.push(format!("{count} of {} within {within}", roles.join(", ")));
    }
    if needs.is_empty() { String::new() } else { format!(" needs {}", needs.join(", ")) }
}

impl Body<'_, '_> {
    /// One or two statements.
    fn stmt(&mut self, depth: u32, signed: bool) -> Vec<String> {
        match self.draw.chance.below(20) {
            0 | 1 if depth > 0 => vec![self.choice(depth - 1, signed)],
            2 if depth > 0 => self.matched(depth - 1, signed).into_iter().collect(),
            3 | 4 => vec![self.bind_name()],
            5 | 6 if !self.draw.world.events.is_empty() => vec![self.emit()],
            7 if signed && !self.assured => self.bind_role().into_iter().collect(),
            8 if !self.assured && self.taken.is_empty() => self.refusal(),
            9..=12 if !self.assured => self.edit().into_iter().collect(),
            13 if self.plan.foretells.is_some() && !self.foretold => vec![self.predict()],
            _ => self.set().into_iter().collect(),
        }
    }

    fn block(&mut self, depth: u32, signed: bool) -> String {
        let names = self.draw.names.len();
        let mut stmts = Vec::new();
        for _ in 0..self.draw.chance.below(3) {
            stmts.extend(self.stmt(depth, signed));
        }
        self.draw.names.truncate(names);
        format!("{{ {} }}", stmts.join(" "))
    }

    fn choice(&mut self, depth: u32, signed: bool) -> String {
        let refuses = std::mem::replace(&mut self.draw.reach.refuses, false);
        let (cond, bound) = self.draw.guard(2);
        self.draw.reach.refuses = refuses;
        let (names, taken) = (self.draw.names.len(), self.taken.clone());
        self.draw.names.extend(bound);
        let then = self.block(depth, signed);
        self.draw.names.truncate(names);
        if self.draw.chance.percent(40) {
            return format!("if {cond} {then}");
        }
        let after = std::mem::replace(&mut self.taken, taken);
        let other = self.block(depth, signed);
        self.taken.extend(after);
        format!("if {cond} {then} else {other}")
    }

    fn matched(&mut self, depth: u32, signed: bool) -> Option<String> {
        let (subject, arms) = self.draw.arms()?;
        let before = self.taken.clone();
        let mut after = before.clone();
        let mut text = format!("match {subject} {{ ");
        for (head, bound) in arms {
            let names = self.draw.names.len();
            self.draw.names.extend(bound);
            self.taken.clone_from(&before);
            let block = self.block(depth, signed);
            after.extend(self.taken.clone());
            self.draw.names.truncate(names);
            text.push_str(&format!("{head} => {block} "));
        }
        self.taken = after;
        Some(format!("{text}}}"))
    }

    fn refusal(&mut self) -> Vec<String> {
        let refuses = std::mem::replace(&mut self.draw.reach.refuses, false);
        let cond = self.draw.condition(2);
        self.draw.reach.refuses = refuses;
        vec![format!("if {cond} {{ refuse {} }}", self.draw.chance.pick(&REASONS))]
    }

    fn bind_name(&mut self) -> String {
        let ty = self.draw.world.ty(self.draw.chance, 1);
        let value = self.draw.value(&ty, 2);
        let written = self.draw.world.write(&ty, self.draw.chance);
        let name = self.draw.name();
        self.draw.names.push(Named::new(name.clone(), ty));
        format!("let {name}: {written} = {value}")
    }

    /// Draws what may not read a field that the rule sets.
    fn said<T>(&mut self, draw: impl FnOnce(&mut Draw<'_>) -> T) -> T {
        self.draw.hidden = self.writes.iter().map(|field| field.named.name.clone()).collect();
        let drawn = draw(self.draw);
        self.draw.hidden.clear();
        drawn
    }

    fn emit(&mut self) -> String {
        let event = self.draw.chance.pick(&self.draw.world.events).clone();
        let params: Vec<Param> = (event.params.iter())
            .map(|p| Param { name: p.name.clone(), ty: p.ty.clone() })
            .collect();
        let args = self.said(|draw| draw.arguments(&params, 1));
        self.taken.insert("something said".to_owned());
        format!("emit {}{args}", event.name)
    }

    fn predict(&mut self) -> String {
        self.foretold = true;
        self.taken.insert("something said".to_owned());
        let name = self.plan.foretells.clone().unwrap_or_default();
        let tick = std::mem::replace(&mut self.draw.reach.tick, false);
        let refuses = std::mem::replace(&mut self.draw.reach.refuses, false);
        let sender = std::mem::replace(&mut self.draw.reach.sender, false);
        let cond = self.said(|draw| draw.guard(2).0);
        let reach = &mut self.draw.reach;
        (reach.tick, reach.refuses, reach.sender) = (tick, refuses, sender);
        let form = *self.draw.chance.pick(&["within", "for"]);
        let span = *self.draw.chance.pick(&["8s", "20s", "1min", "5min"]);
        format!("predict {name}: {cond} {form} {span}")
    }

    fn bind_role(&mut self) -> Option<String> {
        let role = self.draw.chance.pick(&self.draw.world.roles).clone();
        if !self.taken.insert(role.name.clone()) {
            return None;
        }
        let key = self.draw.value(&Type::Key, 1);
        let name = role.name;
        Some(match role.max {
            None => format!("set {name} = {key}"),
            Some(_) if self.draw.chance.percent(50) => format!("remove {key} from {name}"),
            Some(_) => format!("add {key} to {name} else refuse no_room"),
        })
    }

    /// A field that nothing on this path sets yet.
    fn field(&mut self, is: impl Fn(&Field) -> bool) -> Option<Field> {
        let free: Vec<Field> = (self.writes.iter())
            .filter(|field| !self.taken.contains(&field.named.name) && is(field))
            .cloned()
            .collect();
        if free.is_empty() {
            return None;
        }
        let field = self.draw.chance.pick(&free).clone();
        self.taken.insert(field.named.name.clone());
        Some(field)
    }

    fn set(&mut self) -> Option<String> {
        let field = self.field(|_| true)?;
        let (name, ty) = (&field.named.name, &field.named.ty);
        let value = match field.mark {
            Mark::Plain | Mark::Once => self.draw.value(ty, 3),
            Mark::Attested(role) => self.word_of(role, ty),
            Mark::Up | Mark::Down => self.one_way(&field),
        };
        Some(format!("set {name} = {value}"))
    }

    /// A value that a field that only goes up, or down, may become.
    fn one_way(&mut self, field: &Field) -> String {
        let Named { name, ty } = &field.named;
        let bounds = ty.bounds().unwrap_or(Bounds::ALL);
        let value = self.draw.number(&wide(ty), 2);
        match field.mark == Mark::Up {
            true => format!("max({name}, min({}, {value}))", amount(ty, bounds.high)),
            false => format!("min({name}, max({}, {value}))", amount(ty, bounds.low)),
        }
    }

    /// The unchanged word of a role, or a constant.
    fn word_of(&mut self, role: usize, ty: &Type) -> String {
        if self.sender == Some(role)
            && let On::Message(index) = self.plan.on
        {
            let params = self.draw.world.messages[index].params.iter();
            let words: Vec<String> =
                params.filter(|p| fits(ty, &p.ty)).map(|p| p.name.clone()).collect();
            if !words.is_empty() {
                return self.draw.chance.pick(&words).clone();
            }
        }
        self.draw.literal(ty)
    }

    /// `set f.part = v`, `set xs[i] = v`, `add v to xs`, `remove v from xs`
    fn edit(&mut self) -> Option<String> {
        let parted = |field: &Field| {
            let ty = &field.named.ty;
            field.mark == Mark::Plain && (many(ty) || matches!(ty, Type::Record(_)))
        };
        let Some(field) = self.field(parted) else { return self.set() };
        let name = field.named.name.clone();
        match &field.named.ty {
            Type::Record(index) => {
                let mut parts = self.draw.world.types.records[usize::from(*index)].fields.clone();
                let nested = parts.iter().position(|part| matches!(part.ty, Type::Record(_)));
                let any = self.draw.chance.below(parts.len() as u64) as usize;
                let first = parts.swap_remove(nested.unwrap_or(any));
                let first = self.deeper(&format!("{name}.{}", first.name), &first.ty, false);
                if parts.is_empty() || self.draw.chance.percent(60) {
                    return Some(first);
                }
                let other = self.draw.chance.pick(&parts).clone();
                let other = self.deeper(&format!("{name}.{}", other.name), &other.ty, false);
                Some(format!("{first} {other}"))
            }
            Type::List { item, .. } => {
                let place = self.place();
                match self.draw.chance.below(3) {
                    0 => Some(self.added(item, &name, self.assured)),
                    1 if !many(item) => Some(self.answered(&format!("{name}[{place}]"), item)),
                    _ => Some(self.deeper(&format!("{name}[{place}]"), item, true)),
                }
            }
            Type::Ring { item, .. } => Some(self.added(item, &name, true)),
            Type::Set { item, .. } => Some(if self.draw.chance.percent(60) {
                self.added(item, &name, false)
            } else {
                format!("remove {} from {name}", self.draw.value(item, 2))
            }),
            Type::Map { key, value, .. } => {
                let place = self.draw.value(key, 1);
                Some(match self.draw.chance.below(3) {
                    0 => format!("remove {place} from {name}"),
                    1 => self.deeper(&format!("{name}[{place}]"), value, true),
                    _ => self.answered(&format!("{name}[{place}]"), value),
                })
            }
            _ => None,
        }
    }

    /// A place of a list: often the first, which is likely to be there.
    fn place(&mut self) -> String {
        match self.draw.chance.below(2) {
            0 => "0".to_owned(),
            _ => self.draw.number(&super::world::int(i64::MIN, i64::MAX), 1),
        }
    }

    fn added(&mut self, item: &Type, to: &str, never_full: bool) -> String {
        let value = self.draw.value(item, 2);
        match never_full {
            true => format!("add {value} to {to}"),
            false => format!("add {value} to {to} else refuse no_room"),
        }
    }

    fn answered(&mut self, place: &str, ty: &Type) -> String {
        let refuses = std::mem::replace(&mut self.draw.reach.refuses, false);
        let value = if ty.bounds().is_some() && self.draw.chance.percent(50) {
            self.draw.number(&wide(ty), 2)
        } else {
            self.draw.value(ty, 2)
        };
        self.draw.reach.refuses = refuses;
        format!("set {place} = {value} else refuse no_room")
    }

    /// A change of a part, or of a part of it; behind a key there may be no such place.
    fn deeper(&mut self, place: &str, held: &Type, keyed: bool) -> String {
        match held {
            Type::Record(index) if self.draw.chance.percent(70) => {
                let parts = self.draw.world.types.records[usize::from(*index)].fields.clone();
                let part = self.draw.chance.pick(&parts).clone();
                self.deeper(&format!("{place}.{}", part.name), &part.ty, keyed)
            }
            Type::List { item, .. } if self.draw.chance.percent(60) => {
                let key = self.place();
                self.deeper(&format!("{place}[{key}]"), item, true)
            }
            Type::Map { key, value, .. } if self.draw.chance.percent(70) => {
                let key = self.draw.value(key, 1);
                self.deeper(&format!("{place}[{key}]"), value, true)
            }
            Type::Set { item, .. } if keyed && self.draw.chance.percent(40) => {
                format!("remove {} from {place} else refuse gone", self.draw.value(item, 1))
            }
            Type::Ring { item, .. } => self.added(item, place, !keyed),
            Type::List { item, .. } | Type::Set { item, .. } => self.added(item, place, false),
            _ if keyed => self.answered(place, held),
            _ => self.into(place, held),
        }
    }
    /// A part that is always there, and what may go wrong with it.
    fn into(&mut self, place: &str, ty: &Type) -> String {
        match ty {
            Type::List { item, .. } | Type::Set { item, .. } if self.draw.chance.percent(60) => {
                self.added(item, place, false)
            }
            Type::Ring { item, .. } if self.draw.chance.percent(60) => {
                self.added(item, place, true)
            }
            Type::Map { key, .. } if self.draw.chance.percent(40) => {
                format!("remove {} from {place}", self.draw.value(key, 1))
            }
            _ => format!("set {place} = {}", self.draw.value(ty, 2)),
        }
    }
}
