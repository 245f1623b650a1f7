//! The cycles of an object: when it ticks by itself.

use super::Builder;
use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::globals::unknown;
use crate::types;
use aqo_grammar::tree;
use aqo_model::expr::Expr;
use aqo_model::limits;
use aqo_model::schema::{CatchUp, Cycle, Schedule};
use aqo_model::types::{Bounds, Type, Unit};

impl Builder<'_> {
    pub(super) fn cycle(&mut self, cycle: &tree::Cycle, part: PartId) {
        let catch_up = match &cycle.catch_up {
            None => Some(CatchUp::One),
            Some(catch_up) => self.catch_up(catch_up, part),
        };
        let schedule = self.schedule(&cycle.schedule, part);
        let catch_up = match (&cycle.catch_up, &schedule) {
            (Some(written), Some(Schedule::OnTime | Schedule::OnMessage)) => {
                let at = Loc { part, at: written.how.at };
                let text = "this cycle has no beat, so it misses nothing";
                let problem = Problem::new(Code::UnknownName, at, text);
                self.shape.problems.push(problem.help("leave `catch_up` out"));
                None
            }
            _ => catch_up,
        };
        let name = cycle.name.as_ref().map(|name| name.text.clone());
        // A cycle that was not understood keeps its place.
        let schedule = schedule.unwrap_or(Schedule::OnMessage);
        let catch_up = catch_up.unwrap_or(CatchUp::One);
        self.schema.cycles.push(Cycle { name, schedule, catch_up });
    }

    fn catch_up(&mut self, catch_up: &tree::CatchUp, part: PartId) -> Option<CatchUp> {
        let (how, most) = (&catch_up.how, limits::CATCH_UP);
        let at = Loc { part, at: how.at };
        let problem = match (how.text.as_str(), &catch_up.count) {
            ("one", None) => return Some(CatchUp::One),
            ("skip", None) => return Some(CatchUp::Skip),
            ("one" | "skip", Some(count)) => {
                let at = Loc { part, at: count.at };
                let text = format!("`catch_up {}` has no number", how.text);
                Problem::new(Code::UnknownName, at, text)
                    .help(format!("`catch_up all {}` judges so many, one by one", count.text))
            }
            ("all", None) => Problem::new(Code::OutOfRange, at, "how many of them?")
                .help(format!("write `catch_up all 5`: 1 to {most}, the newest")),
            ("all", Some(count)) => {
                let number = count.text.replace('_', "").parse();
                let all = |cycle: &Cycle| matches!(cycle.catch_up, CatchUp::All(_));
                if self.schema.cycles.iter().any(all) {
                    let text = "another cycle of this object catches all up already";
                    Problem::new(Code::NameTaken, at, text)
                        .help("one tick may stand for all here: `catch_up one`")
                } else if let Some(number) = number.ok().filter(|n| (1..=most).contains(n)) {
                    return Some(CatchUp::All(number));
                } else {
                    let at = Loc { part, at: count.at };
                    let text = format!("a cycle catches 1 to {most} ticks up");
                    Problem::new(Code::OutOfRange, at, text)
                }
            }
            (other, _) => {
                let known = ["skip", "one", "all"].into_iter();
                unknown(Code::UnknownName, at, "way to catch up", other, known)
            }
        };
        self.shape.problems.push(problem);
        None
    }

    fn schedule(&mut self, schedule: &tree::Schedule, part: PartId) -> Option<Schedule> {
        match schedule {
            tree::Schedule::Every { period, most: None } => {
                self.period(period, part).map(Schedule::Every)
            }
            tree::Schedule::Every { period, most: Some(most) } => {
                let (first, longest) = (self.period(period, part)?, self.period(most, part)?);
                if longest < first {
                    let message = "the first period is the shortest";
                    self.out_of_range(most, part, message);
                    return None;
                }
                Some(Schedule::Backoff { first, most: longest })
            }
            tree::Schedule::Daily { at_time } => {
                self.time_of_day(at_time, part).map(Schedule::Daily)
            }
            tree::Schedule::Monthly { day, at_time } => {
                let at = self.time_of_day(at_time, part)?;
                let within = Bounds { low: 1, high: 31 };
                let ty = Type::Number { scale: 0, unit: Unit::default(), within };
                let problems = &mut self.shape.problems;
                let value = types::constant(self.globals, part, day, &ty, "the day", problems)?;
                let Expr::Value(value) = value else { return None };
                let day = u8::try_from(value.int()?).ok()?;
                Some(Schedule::Monthly(day, at))
            }
            tree::Schedule::On(name) if name.text == "message" => Some(Schedule::OnMessage),
            tree::Schedule::On(name) if name.text == "time" => {
                if self.schema.cycles.iter().any(|cycle| cycle.schedule == Schedule::OnTime) {
                    let at = Loc { part, at: name.at };
                    let text = "this object has a cycle on time already";
                    self.shape.problems.push(Problem::new(Code::NameTaken, at, text));
                    return None;
                }
                Some(Schedule::OnTime)
            }
            tree::Schedule::On(name) => {
                let at = Loc { part, at: name.at };
                let known = ["message", "time"].into_iter();
                let problem = unknown(Code::UnknownName, at, "cycle", &name.text, known);
                self.shape.problems.push(problem);
                None
            }
        }
    }

    fn out_of_range(&mut self, expr: &tree::Expr, part: PartId, message: &str) {
        let at = Loc { part, at: expr.at };
        self.shape.problems.push(Problem::new(Code::OutOfRange, at, message));
    }

    fn period(&mut self, expr: &tree::Expr, part: PartId) -> Option<i64> {
        let period = self.span(expr, part)?;
        if period < limits::PERIOD_MIN {
            self.out_of_range(expr, part, "a period is at least 1 ms");
            return None;
        }
        Some(period)
    }

    /// How long after midnight: less than a day, midnight itself included.
    fn time_of_day(&mut self, expr: &tree::Expr, part: PartId) -> Option<i64> {
        let ty = Type::Duration(Bounds { low: 0, high: 86_400_000_000 - 1 });
        let problems = &mut self.shape.problems;
        let value = types::constant(self.globals, part, expr, &ty, "a time of day", problems)?;
        if let Expr::Value(value) = value { value.int() } else { None }
    }
}
