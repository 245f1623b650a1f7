//! A failing case of a property to the text of a scenario that fails in the same way.
//!
//! Each line is the source's own, with values in place of parameters and with what came of each
//! message; lines that come again and again become a `repeat`. Knows no meaning of a line.

use super::Kind;
use super::draw::{literal, quoted};
use super::property::Property;
use super::search::Found;
use super::walk::Done;
use crate::diagnostic::Loc;
use aqo_grammar::tree::{ExprKind, File, Span};
use aqo_model::policy::Reason;

/// The longest run of lines that is looked for as one that repeats itself.
const PERIOD_MAX: usize = 12;

/// `to = 5.00, n = 3`
pub fn values(property: &Property, found: &Found) -> String {
    let Some(model) = property.model() else { return String::new() };
    let types = &model.wide().schema.types;
    let shown = property.params.iter().zip(&found.values);
    let shown = shown
        .map(|(param, value)| format!("{} = {}", param.name, literal(value, &param.ty, types)));
    shown.collect::<Vec<_>>().join(", ")
}

/// The scenario, ready to stand in the file of the property.
pub fn scenario(property: &Property, found: &Found, file: &File, text: &str) -> String {
    let given = || {
        let steps = found.scenario.steps.iter();
        let steps = steps.filter(|step| matches!(step.kind, Kind::Given { .. } | Kind::People));
        steps.map(|step| Done { at: step.at, reply: None }).collect()
    };
    // One that is not even born has gone through nothing, but for what it was given.
    let done = if found.done.is_empty() { given() } else { found.done.clone() };
    let replaced = replaced(property, found, file);
    let lines: Vec<String> =
        done.iter().map(|done| line(property, done, file, text, &replaced)).collect();
    let title = match values(property, found) {
        values if values.is_empty() => property.title.clone(),
        values => format!("{}: {values}", property.title),
    };
    let mut out = format!("scenario {} for {} {{\n", quoted(&title), property.object());
    fold(&lines, &mut out);
    out.push_str("}\n");
    out
}

/// Where a parameter is read, and what stands there instead.
fn replaced(property: &Property, found: &Found, file: &File) -> Vec<(Span, String)> {
    let (Some(item), Some(model)) = (file.items.get(property.at.part.item), property.model())
    else {
        return Vec::new();
    };
    let types = &model.wide().schema.types;
    let mut replaced = Vec::new();
    for expr in aqo_grammar::expressions(&item.node) {
        let ExprKind::Name(name) = &expr.kind else { continue };
        let param = property.params.iter().position(|param| param.name == *name);
        if let Some((param, value)) =
            param.and_then(|index| Some((&property.params[index], found.values.get(index)?)))
        {
            replaced.push((item.span(expr.at), literal(value, &param.ty, types)));
        }
    }
    replaced.sort();
    replaced
}

fn line(
    property: &Property,
    done: &Done,
    file: &File,
    text: &str,
    replaced: &[(Span, String)],
) -> String {
    let span = crate::db::span_of(file, done.at);
    let mut at = span.start;
    let mut line = String::new();
    let inside = replaced.iter().filter(|(r, _)| span.start <= r.start && r.end <= span.end);
    for (place, value) in inside {
        line.push_str(Span { start: at, end: place.start }.of(text));
        line.push_str(value);
        at = place.end;
    }
    line.push_str(Span { start: at, end: span.end }.of(text));
    if let Some(outcome) = outcome(property, done, &line) {
        line.push_str(&outcome);
    }
    // The source's own indentation, less what the property's body has.
    let rows = line.lines().map(str::trim_end);
    let least = rows.clone().skip(1).map(|row| row.len() - row.trim_start().len()).min();
    let rows = rows.enumerate().map(|(index, row)| match index {
        0 => row,
        _ => row.get(least.unwrap_or(0)..).unwrap_or(row),
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// What came of a message, where the line does not say it.
fn outcome(property: &Property, done: &Done, line: &str) -> Option<String> {
    let reply = done.reply.filter(|reply| *reply != 0)?;
    let name = property.model()?.model().policy.reason_name(Reason(reply)).to_owned();
    let says = line.split_whitespace().rev().nth(1) == Some("refused");
    (!says).then(|| format!(" refused {name}"))
}

/// Writes lines; a run that comes at least twice more becomes a `repeat`.
fn fold(lines: &[String], out: &mut String) {
    let mut at = 0;
    while at < lines.len() {
        let rest = &lines[at..];
        let run = (1..=PERIOD_MAX.min(rest.len() / 3)).find_map(|period| {
            let unit = &rest[..period];
            let times = rest.chunks_exact(period).take_while(|chunk| *chunk == unit).count();
            (times >= 3).then_some((period, times))
        });
        match run {
            Some((period, times)) => {
                out.push_str(&format!("    repeat {times} {{\n"));
                rest[..period].iter().for_each(|line| indented(line, 8, out));
                out.push_str("    }\n");
                at += period * times;
            }
            None => {
                indented(&lines[at], 4, out);
                at += 1;
            }
        }
    }
}

fn indented(line: &str, by: usize, out: &mut String) {
    for row in line.lines() {
        out.push_str(&format!("{:by$}{row}\n", ""));
    }
}

/// The line of a position, from 1.
pub fn line_of(file: &File, text: &str, at: Loc) -> usize {
    let start = crate::db::span_of(file, at).start as usize;
    text.get(..start).unwrap_or(text).matches('\n').count() + 1
}
