//! A program from a seed: its declarations in order, each knowing what stands above it.
//!
//! Invariant: the same seed gives the same text.
#![expect(clippy::wildcard_enum_match_arm, reason = "questions about a few of many shapes")]

use super::body;
use super::draw::{Draw, Reach};
use super::policy;
use super::program::{Level, Part, Program};
use super::renamed;
use super::world::{Derived, Field, Form, Mark, Named, On, Plan, Role, World, int};
use crate::chance::Chance;
use aqo_model::numbers::Numbers;
use aqo_model::types::{Enum, Param, Record, Type, Variant};

/// What is drawn so far.
pub(super) struct Drawing {
    pub(super) world: World,
    pub(super) chance: Chance,
    pub(super) parts: Vec<Part>,
}

/// The program of a seed.
pub fn draw(seed: u64) -> Program {
    let (world, chance) = (World::default(), Chance::new(seed));
    let mut drawing = Drawing { world, chance, parts: Vec::new() };
    drawing.types();
    drawing.consts();
    drawing.functions();
    drawing.roles();
    drawing.plan();
    policy::announce(&mut drawing);
    drawing.inputs();
    drawing.fields();
    drawing.derives();
    drawing.events();
    drawing.cycles();
    drawing.pauses();
    policy::clauses(&mut drawing);
    let Drawing { world, mut chance, mut parts } = drawing;
    for plan in world.plans.clone() {
        parts.push(body::rule(&world, &mut chance, &plan));
    }
    renamed::mark(&mut parts, seed);
    Program { parts }
}

impl Drawing {
    pub(super) fn push(&mut self, level: Level, name: &str, text: String) {
        self.parts.push(Part::whole(level, name, text));
    }

    fn params(&mut self, names: &str, most: u64, depth: u32) -> Vec<Param> {
        let count = 1 + self.chance.below(most);
        (0..count)
            .map(|number| Param {
                name: format!("{names}{number}"),
                ty: self.world.ty(&mut self.chance, depth),
            })
            .collect()
    }

    fn written(&mut self, params: &[Param]) -> String {
        let each: Vec<String> = (params.iter())
            .map(|p| format!("{}: {}", p.name, self.world.write(&p.ty, &mut self.chance)))
            .collect();
        each.join(", ")
    }

    fn types(&mut self) {
        self.world.units = vec!["metre".to_owned(), "eur".to_owned()];
        self.push(Level::Item, "metre", "unit metre, eur".to_owned());
        for index in 0..1 + self.chance.below(2) {
            let name = format!("E{index}");
            let mut text = Vec::new();
            let mut variants = Vec::new();
            let plain = index == 0 && self.chance.percent(60);
            for number in 0..2 + self.chance.below(3) {
                let variant = format!("V{index}{number}");
                let carries = !plain && self.chance.percent(50);
                let params = if carries { self.params("a", 2, 1) } else { Vec::new() };
                let shown =
                    if carries { format!("({})", self.written(&params)) } else { String::new() };
                text.push(format!("{variant}{shown}"));
                variants.push(Variant { name: variant, params });
            }
            self.world.types.enums.push(Enum {
                name: name.clone(),
                variants,
                numbers: Numbers::NONE,
            });
            self.push(Level::Item, &name, format!("enum {name} {{ {} }}", text.join(", ")));
        }
        for index in 0..self.chance.below(3) {
            let name = format!("R{index}");
            let mut fields = self.params("x", 3, if index == 0 { 0 } else { 1 });
            if index > 0 && self.chance.percent(60) {
                fields[0].ty = Type::Record(index as u16 - 1);
            }
            let text = self.written(&fields);
            self.world.types.records.push(Record {
                name: name.clone(),
                fields,
                numbers: Numbers::NONE,
            });
            self.push(Level::Item, &name, format!("record {name} {{ {text} }}"));
        }
        for index in 0..self.chance.below(3) {
            let name = format!("T{index}");
            let ty = self.world.ty(&mut self.chance, 1);
            let text = format!("type {name} = {}", self.world.write(&ty, &mut self.chance));
            self.push(Level::Item, &name, text);
            self.world.aliases.push(Named::new(name, ty));
        }
    }

    fn consts(&mut self) {
        for index in 0..self.chance.below(3) {
            let name = format!("c{index}");
            let ty = self.world.ty(&mut self.chance, 1);
            let value = if self.chance.percent(94) {
                self.world.literal(&ty, &mut self.chance)
            } else {
                Draw::new(&self.world, &mut self.chance, Reach::default()).value(&ty, 2)
            };
            let written = self.world.write(&ty, &mut self.chance);
            self.push(Level::Item, &name, format!("const {name}: {written} = {value}"));
            self.world.consts.push(Named::new(name, ty));
        }
    }

    fn functions(&mut self) {
        for index in 0..1 + self.chance.below(3) {
            let name = format!("f{index}");
            let params = self.params("q", 2, 1);
            let shown = self.written(&params);
            let result = match self.chance.below(4) {
                0 => self.world.ty(&mut self.chance, 1),
                1 => Type::Bool,
                2 => int(0, 99),
                _ => self.world.amount(&mut self.chance),
            };
            let written = self.world.write(&result, &mut self.chance);
            let params: Vec<Named> = params.into_iter().map(|p| Named::new(p.name, p.ty)).collect();
            let mut draw = Draw::new(&self.world, &mut self.chance, Reach::default());
            draw.names.clone_from(&params);
            let value = draw.value(&result, 3);
            let text = format!("fn {name}({shown}) -> {written} {{ {value} }}");
            self.push(Level::Item, &name, text);
            let form = Form { name, params, result: Some(result), from: Vec::new(), waits: false };
            self.world.functions.push(form);
        }
    }

    fn roles(&mut self) {
        for index in 0..1 + self.chance.below(3) {
            let name = format!("role{index}");
            let max = self.chance.percent(40).then(|| *self.chance.pick(&[1, 2, 3]));
            let many = max.map_or(String::new(), |max| format!("<{max}>"));
            self.push(Level::Member, &name, format!("role {name}{many}"));
            self.world.roles.push(Role { name, max });
        }
    }

    /// Messages, and which rule answers to what.
    fn plan(&mut self) {
        for index in 0..1 + self.chance.below(3) {
            let name = format!("m{index}");
            let params = match self.chance.below(5) {
                0 => Vec::new(),
                _ => self.params("p", 3, 2),
            };
            let mut from = Vec::new();
            let mut senders = "anyone".to_owned();
            if self.chance.percent(75) {
                let roles = self.world.roles.len() as u64;
                from.push(self.chance.below(roles) as usize);
                if self.chance.percent(30) {
                    from.push(self.chance.below(roles) as usize);
                }
                from.sort_unstable();
                from.dedup();
                let names: Vec<&str> =
                    from.iter().map(|role| self.world.roles[*role].name.as_str()).collect();
                senders = names.join(", ");
            } else if self.chance.percent(50) {
                senders = "signer".to_owned();
            }
            let shown = self.written(&params);
            let waits = !from.is_empty() && self.chance.percent(35);
            let span = *self.chance.pick(&["5s", "30s", "3min"]);
            let waiting = if waits { format!(" waits {span}") } else { String::new() };
            let text = format!("message {name}({shown}) from {senders}{waiting}");
            self.push(Level::Member, &name, text);
            let params = params.into_iter().map(|p| Named::new(p.name, p.ty)).collect();
            self.world.messages.push(Form { name, params, result: None, from, waits });
        }
        let rules = 3 + self.chance.below(4);
        let foretold = self.chance.below(4).min(2);
        for index in 0..rules {
            let on = match self.chance.below(20) {
                0..=7 => On::Tick,
                8 | 9 => On::Cycle(format!("cycle{}", self.chance.below(2))),
                10 => On::Arrive,
                11 | 12 if foretold > 0 => {
                    let how = *self.chance.pick(&["kept", "broken", "lapsed"]);
                    On::Settled(format!("k{}.{how}", self.chance.below(foretold)))
                }
                other => {
                    let message = self.chance.below(self.world.messages.len() as u64) as usize;
                    let expires = other == 13 && self.world.messages[message].waits;
                    if expires { On::Expired(message) } else { On::Message(message) }
                }
            };
            let foretells = (index < foretold).then(|| format!("k{index}"));
            let refuses =
                matches!(on, On::Message(_)) && index > foretold && self.chance.percent(8);
            let name = format!("r{index}");
            self.world.plans.push(Plan { name, on, refuses, foretells });
        }
    }

    fn inputs(&mut self) {
        for index in 0..self.chance.below(4) {
            let name = format!("i{index}");
            let inner = match self.world.ty(&mut self.chance, 1) {
                Type::Option(inner) => *inner,
                ty => ty,
            };
            let ty = Type::Option(Box::new(inner));
            let fresh = if self.chance.percent(50) { " fresh 30s" } else { "" };
            let signer = self.chance.below(self.world.roles.len() as u64) as usize;
            let signed = self.chance.percent(30);
            let from = signed.then(|| format!(" from {}", self.world.roles[signer].name));
            let (ty_text, from) =
                (self.world.write(&ty, &mut self.chance), from.unwrap_or_default());
            let text = format!("input {name}: {ty_text}{from}{fresh}");
            self.push(Level::Member, &name, text);
            self.world.inputs.push(Named::new(name, ty));
        }
    }

    fn fields(&mut self) {
        for index in 0..4 + self.chance.below(5) {
            let name = format!("s{index}");
            let ty = match index {
                0 => int(1, 20),
                1 => Type::Enum(0),
                2 => self.world.notable(&mut self.chance),
                _ => self.world.ty(&mut self.chance, 2),
            };
            let mark = match self.chance.below(12) {
                0 => Mark::Attested(self.chance.below(self.world.roles.len() as u64) as usize),
                1 if ty.bounds().is_some() && index > 1 => Mark::Up,
                2 if index > 1 && ty.bounds().is_some() => Mark::Down,
                1..=4 if matches!(ty, Type::Option(_)) => Mark::Once,
                _ => Mark::Plain,
            };
            let marked = match mark {
                Mark::Plain => String::new(),
                Mark::Attested(role) => format!(" attested by {}", self.world.roles[role].name),
                Mark::Once => " once".to_owned(),
                Mark::Up => " only_up".to_owned(),
                Mark::Down => " only_down".to_owned(),
            };
            let private = if self.chance.percent(12) { " private" } else { "" };
            let value = match (&ty, mark) {
                (Type::Instant(_), _) if self.chance.percent(60) => " = born".to_owned(),
                _ if index == 0 => format!(" = {}", 1 + self.chance.below(12)),
                (_, Mark::Once) => " = none".to_owned(),
                _ if self.chance.percent(15) => String::new(),
                _ => format!(" = {}", self.world.literal(&ty, &mut self.chance)),
            };
            let written = self.world.write(&ty, &mut self.chance);
            self.push(
                Level::Member,
                &name,
                format!("field {name}: {written}{value}{marked}{private}"),
            );
            self.world.fields.push(Field { named: Named::new(name, ty), mark });
        }
    }

    fn derives(&mut self) {
        for index in 0..self.chance.below(4) {
            let name = format!("d{index}");
            let ty = self.world.ty(&mut self.chance, 1);
            let moving = self.chance.percent(40);
            let reach = Reach { fields: true, moving, limits: moving, ..Reach::default() };
            let value = Draw::new(&self.world, &mut self.chance, reach).value(&ty, 3);
            let written = self.world.write(&ty, &mut self.chance);
            self.push(Level::Member, &name, format!("derive {name}: {written} = {value}"));
            self.world.derives.push(Derived { named: Named::new(name, ty), moving });
        }
    }

    fn events(&mut self) {
        for index in 0..self.chance.below(3) {
            let name = format!("e{index}");
            let params = if self.chance.percent(80) { self.params("p", 3, 2) } else { Vec::new() };
            let shown = self.written(&params);
            let via = match self.chance.below(3) {
                0 => format!(" via horn{index} expires 5s"),
                1 => " via horn0".to_owned(),
                _ => String::new(),
            };
            self.push(Level::Member, &name, format!("event {name}({shown}){via}"));
            let params = params.into_iter().map(|p| Named::new(p.name, p.ty)).collect();
            self.world.events.push(Form {
                name,
                params,
                result: None,
                from: Vec::new(),
                waits: false,
            });
        }
    }

    fn cycles(&mut self) {
        let schedules = [
            "every 5s",
            "every 7s",
            "every 2s ..= 20s",
            "every 1s ..= 1s",
            "daily at 6h30min",
            "daily at 0h",
            "monthly on 31 at 1h",
            "on message",
            "on time",
            "every 1min",
        ];
        for index in 0..3 {
            let name = if index == 2 { String::new() } else { format!("cycle{index}: ") };
            if index == 2 && self.chance.percent(50) {
                continue;
            }
            let every = *self.chance.pick(&schedules);
            let late = [
                "",
                "",
                " catch_up skip",
                " catch_up one",
                " catch_up all 1",
                " catch_up all 2",
                " catch_up all 5",
            ];
            let late = *self.chance.pick(&late);
            let late = if every.starts_with("on ") { "" } else { late };
            self.push(
                Level::Member,
                &format!("cycle{index}"),
                format!("cycle {name}{every}{late}"),
            );
        }
    }

    fn pauses(&mut self) {
        for word in ["dormant", "ends"] {
            if !self.chance.percent(10) {
                continue;
            }
            let reach = Reach { fields: true, moving: true, limits: true, ..Reach::default() };
            let mut draw = Draw::new(&self.world, &mut self.chance, reach);
            let cond = draw.condition(2);
            let timed = [
                "now - born >= 40s",
                "now < born + 25s",
                "now >= born + 10s and now < born + 90s",
                "not (now - born < 70s)",
            ];
            let trusted = [
                "trust < 0.01",
                "trust >= 0.05",
                "slope < 0.0",
                "trust >= -0.2 and (slope_long <= 0.0 or trust <= 0.02)",
            ];
            let cond = match self.chance.below(4) {
                0 | 1 => cond,
                2 if self.world.trust => (*self.chance.pick(&trusted)).to_owned(),
                _ => (*self.chance.pick(&timed)).to_owned(),
            };
            let more = if word == "ends" { format!("({cond} and s0 > 18)") } else { cond };
            self.push(Level::Member, "", format!("{word} when {more}"));
        }
    }
}
