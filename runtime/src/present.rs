//! Objects and entries as lines for people and as JSON for tools.

use crate::class::Class;
use crate::error::{Error, Result};
use crate::host::{Observer, Recorded, Resident};
use aqo_model::Model;
use aqo_model::edit::inside;
use aqo_model::entry::{Cause, Change, Entry, Mode, Settled, Verdict};
use aqo_model::expr::{Edit, Step};
use aqo_model::image::Image;
use aqo_model::layout::{Layout, state};
use aqo_model::policy::{Reason, Trigger};
use aqo_model::request::RequestState;
use aqo_model::step;
use aqo_model::text::{show_decimal, show_instant};
use aqo_model::trust;
use aqo_model::types::{NEVER, Type};
use aqo_model::value::{Bytes32, Value};
use serde_json::{Value as Json, json};
use std::io::Write;

/// The version of every JSON form here.
const JSON_VERSION: u32 = 1;

/// Text in which nothing acts on a terminal or begins a line of its own.
pub fn plain(text: &str) -> String {
    let escaped = |c: char| c.is_control().then(|| c.escape_default().to_string());
    text.chars().map(|c| escaped(c).unwrap_or_else(|| c.to_string())).collect()
}

/// What an entry answers, in a few words: `tick`, `adjust(to: 21.50) by operator`.
pub fn cause(model: &Model, entry: &Entry) -> String {
    match &entry.cause {
        Cause::Birth { .. } => "birth".to_owned(),
        Cause::Tick(ticks) if ticks.is_empty() => "deadline".to_owned(),
        Cause::Tick(ticks) => {
            let names: Vec<String> = (ticks.iter())
                .filter_map(|tick| model.schema.cycles[usize::from(tick.cycle)].name.clone())
                .collect();
            let missed: u64 = ticks.iter().map(|tick| tick.missed).sum();
            let which =
                if names.is_empty() { String::new() } else { format!(" {}", names.join(", ")) };
            let missed = if missed > 0 { format!(" (+{missed} missed)") } else { String::new() };
            format!("tick{which}{missed}")
        }
        Cause::Message { kind, params, envelope } => {
            let declared = &model.schema.messages[usize::from(*kind)];
            let args = (0u16..).zip(declared.params.iter().zip(params));
            let args: Vec<String> = (args)
                .map(|(index, (param, value))| match declared.private.contains(&index) {
                    true => format!("{}: private", param.name),
                    false => {
                        format!("{}: {}", param.name, value.show(&param.ty, &model.schema.types))
                    }
                })
                .collect();
            let by = envelope.as_ref().map_or(String::new(), |envelope| {
                format!(" by {}", model.schema.roles[usize::from(envelope.role)].name)
            });
            format!("{}({}){by}", declared.name, args.join(", "))
        }
        Cause::Bind(_) => "bind".to_owned(),
        Cause::Consent(consent) => format!(
            "consent to {} by {} {}",
            model.policy.rules[usize::from(consent.rule)].name,
            model.schema.roles[usize::from(consent.by.role)].name,
            consent.by.key.short()
        ),
        Cause::Fork(fork) => format!("forked: entry {} has a twin", fork.at),
    }
}

/// What became of rules and predictions: `start`, `start held trust`, `warm kept`.
pub fn outcomes(model: &Model, entry: &Entry) -> Vec<String> {
    let policy = &model.policy;
    let rules = entry.outcomes.iter().map(|outcome| {
        let rule = outcome.rule.map(|rule| policy.rules[usize::from(rule)].name.as_str());
        let became = match (rule, outcome.verdict) {
            (Some(rule), Verdict::Committed) => rule.to_owned(),
            (Some(rule), Verdict::Held(reason)) => {
                format!("{rule} held: {}", policy.reason_name(reason))
            }
            (Some(rule), Verdict::Refused(reason)) => {
                format!("{rule} refused: {}", policy.reason_name(reason))
            }
            (None, Verdict::Refused(reason) | Verdict::Held(reason)) => {
                format!("refused: {}", policy.reason_name(reason))
            }
            (Some(rule), Verdict::Waits) => format!("{rule} waits for consent"),
            (None, Verdict::Waits) => "waits".to_owned(),
            (None, Verdict::Committed) => "committed".to_owned(),
        };
        let of = outcome.of.map(|number| format!(", of entry {number}"));
        became + &of.unwrap_or_default()
    });
    let foretold = entry.predictions.iter().flat_map(|foretold| {
        let name = &policy.predictions[usize::from(foretold.prediction)].name;
        let settled = match foretold.settled {
            Settled::No => None,
            Settled::Seen => Some("seen"),
            Settled::Kept => Some("kept"),
            Settled::Broken => Some("broken"),
            Settled::Lapsed => Some("lapsed"),
        };
        let made = foretold.made.as_ref().map(|_| format!("{name} foretold"));
        settled.map(|settled| format!("{name} {settled}")).into_iter().chain(made)
    });
    let lapsed = entry
        .lapsed
        .iter()
        .map(|rule| format!("{} expired", policy.rules[usize::from(*rule)].name));
    let bound = entry.bound.iter().map(|(role, edit)| {
        let name = &model.schema.roles[usize::from(*role)].name;
        let key = edit.value().show(&Type::Key, &model.schema.types);
        let short: String = key.chars().take(12).collect();
        match edit {
            Edit::Put(_) => format!("{name} is now {short}"),
            Edit::Add(_) => format!("{name} add {short}"),
            Edit::Remove(_) => format!("{name} remove {short}"),
        }
    });
    let mode = entry.mode.map(|mode| match mode {
        Mode::Awake => "awake".to_owned(),
        Mode::Dormant => "dormant".to_owned(),
        Mode::Ended => "ended".to_owned(),
    });
    rules.chain(foretold).chain(lapsed).chain(bound).chain(mode).collect()
}

/// Fields that changed: `mode Idle -> Heating`, `payees add acme`; at birth, all of them.
pub fn changes(model: &Model, before: &Image, entry: &Entry) -> Vec<String> {
    let is_birth = entry.sequence == 0;
    let changed = entry.changes.iter().filter(|change| match (&change.edit, &change.path[..]) {
        (Edit::Put(value), []) => {
            let index = usize::from(change.field);
            // That a private field stays as it is would tell its value.
            let hidden = model.schema.fields[index].private;
            is_birth || hidden || before.state.fields[index] != *value
        }
        (Edit::Put(_) | Edit::Add(_) | Edit::Remove(_), _) => true,
    });
    changed.map(|change| changed_text(model, before, change, is_birth)).collect()
}

fn changed_text(model: &Model, before: &Image, change: &Change, is_birth: bool) -> String {
    let types = &model.schema.types;
    let field = &model.schema.fields[usize::from(change.field)];
    if field.private {
        return format!("{} is set, privately", field.name);
    }
    let mut name = field.name.clone();
    let mut ty = &field.ty;
    for step in &change.path {
        match (step, ty) {
            (Step::Part(part), Type::Record(index)) => {
                let Some(part) = types.parts(*index).get(usize::from(*part)) else { break };
                name = format!("{name}.{}", part.name);
                ty = &part.ty;
            }
            (Step::At(key), _) => {
                let Some((wanted, held)) = inside(ty) else { break };
                name = format!("{name}[{}]", key.show(&wanted, types));
                ty = held;
            }
            (Step::Part(_), _) => break,
        }
    }
    let item = ty.items().map_or(ty, |(item, _)| item);
    match &change.edit {
        Edit::Put(value) if is_birth => format!("{name} {}", value.show(ty, types)),
        Edit::Put(value) if change.path.is_empty() => {
            let old = &before.state.fields[usize::from(change.field)];
            format!("{name} {} -> {}", old.show(ty, types), value.show(ty, types))
        }
        Edit::Put(value) => format!("{name} = {}", value.show(ty, types)),
        Edit::Add(value) => format!("{name} add {}", value.show(item, types)),
        Edit::Remove(value) => format!("{name} remove {}", value.show(item, types)),
    }
}

/// Events that were said: `heater(on: true)`.
pub fn events(model: &Model, entry: &Entry) -> Vec<String> {
    let said = entry.events.iter().map(|said| {
        let declared = &model.schema.events[usize::from(said.event)];
        let args: Vec<String> = (declared.params.iter().zip(&said.args))
            .map(|(param, value)| {
                format!("{}: {}", param.name, value.show(&param.ty, &model.schema.types))
            })
            .collect();
        let withheld = if said.withheld { " (withheld)" } else { "" };
        format!("{}({}){withheld}", declared.name, args.join(", "))
    });
    said.collect()
}

/// One line for an entry: number, time, cause, what came of it, head.
pub fn line(model: &Model, before: &Image, entry: &Entry, head: &Bytes32) -> String {
    let mut parts = outcomes(model, entry);
    parts.extend(changes(model, before, entry));
    parts.extend(events(model, entry).into_iter().map(|event| format!("emits {event}")));
    if let Some(change) = &entry.trust {
        parts.push(format!("trust {}", show_decimal(change.x >> 10, 6)));
    }
    let what = if parts.is_empty() { String::new() } else { format!("  {}", parts.join(", ")) };
    plain(&format!(
        "{:>5}  {}  {}{what}  [{}]",
        entry.sequence,
        show_instant(entry.now),
        cause(model, entry),
        head.short()
    ))
}

/// An entry as JSON.
pub fn entry_json(
    model: &Model,
    object: &str,
    before: &Image,
    entry: &Entry,
    head: &Bytes32,
) -> Json {
    json!({
        "version": JSON_VERSION,
        "object": object,
        "sequence": entry.sequence,
        "now": entry.now,
        "observed": entry.observed,
        "cause": cause(model, entry),
        "outcomes": outcomes(model, entry),
        "changes": changes(model, before, entry),
        "events": events(model, entry),
        "trust": entry.trust.as_ref().map(|change| show_decimal(change.x >> 10, 6)),
        "head": head.to_string(),
    })
}

/// An object and its present state, line by line.
pub fn object(resident: &Resident, class: &Class, now: i64) -> Vec<String> {
    let (model, layout) = (&class.artifact.model, &class.artifact.layout);
    let mut lines = vec![
        format!("{}  {}", resident.name, resident.id),
        format!(
            "  {} version {}, class {}",
            model.full_name(),
            model.schema.version,
            class.id.short()
        ),
        format!(
            "  {}",
            if class.is_sealed() { "sealed" } else { "checked: another emit version made it" }
        ),
    ];
    if let Some(why) = &resident.parked {
        lines.push(format!("  parked: {why}"));
    }
    let Some(image) = Image::decode(model, layout, &resident.image) else {
        lines.push("  its image is damaged".to_owned());
        return lines;
    };
    lines.push(format!("  {} entries, head {}", image.tail.sequence, image.tail.head.short()));
    lines.push(format!("  next due {}", show_instant(resident.next_due)));
    let forked = format!("forked: entry {} has a twin; dormant", image.state.forked);
    let is_forked = image.state.forked != 0 && !image.state.ended;
    let modes = [
        (image.state.observing, "observing: this host lacks what it needs"),
        (image.state.dormant, "dormant: this host lacks what it needs"),
        (is_forked, forked.as_str()),
        (image.state.resting && !is_forked, "dormant: it says so itself"),
        (image.state.ended, "ended"),
    ];
    lines.extend(modes.iter().filter(|(is, _)| *is).map(|(_, said)| format!("  {said}")));
    lines.extend(values(model, &image, now.max(image.state.now)));
    lines.extend(last_outcomes(model, layout, &image));
    let held = model.schema.roles.iter().zip(&image.state.roles);
    for (role, held) in held.filter(|(role, _)| !role.open) {
        let keys: Vec<String> = held.keys.iter().map(|known| known.key.short()).collect();
        let keys = if keys.is_empty() { "nobody".to_owned() } else { keys.join(", ") };
        let epoch = if held.epoch == 0 { String::new() } else { format!(", epoch {}", held.epoch) };
        lines.push(format!("  role {} {keys}{epoch}", role.name));
    }
    let open = layout.requests.iter().zip(&image.state.requests);
    lines.extend(open.filter_map(|(slot, open)| request(model, slot.rule, open.as_ref()?)));
    for (slot, queue) in layout.queues.iter().zip(&image.state.waiting) {
        let declared = &model.schema.messages[usize::from(slot.kind)];
        lines.extend(queue.iter().map(|waiting| {
            let until = waiting.deadline(declared.waits.unwrap_or(NEVER));
            let said = said(model, slot.kind, &waiting.params);
            format!("  {said} waits until {}, from {}", show_instant(until), waiting.by.1.short())
        }));
    }
    lines
}

/// What an object holds, what it derives of that, and its trust.
fn values(model: &Model, image: &Image, now: i64) -> Vec<String> {
    let mut lines = Vec::new();
    for (field, value) in model.schema.fields.iter().zip(&image.state.fields) {
        lines.push(match field.private {
            true => format!("  {} is private", field.name),
            false => {
                let value = plain(&value.show(&field.ty, &model.schema.types));
                format!("  {} = {value}", field.name)
            }
        });
    }
    let derived = step::derived(model, &image.state, now);
    for (derive, value) in model.schema.derives.iter().zip(derived) {
        let value = plain(&value.show(&derive.ty, &model.schema.types));
        let shown = format!("  derived {} = {value}", derive.name);
        lines.push(if derive.private {
            format!("  derived {} is private", derive.name)
        } else {
            shown
        });
    }
    lines.extend(trust::show(model, &image.state, now).map(|trust| format!("  trust = {trust}")));
    lines
}

/// What became of tick rules that are held or refused since they last acted.
fn last_outcomes(model: &Model, layout: &Layout, image: &Image) -> Vec<String> {
    let outcomes = layout.outcomes.iter().zip(&image.state.outcomes);
    let kept = outcomes.filter_map(|((rule, _), code)| {
        let name = &model.policy.rules[usize::from(*rule)].name;
        let reason = model.policy.reason_name(Reason(code & !(state::HELD | state::REFUSED)));
        let became = match (code & state::HELD != 0, code & state::REFUSED != 0) {
            (true, _) => "held",
            (false, true) => "refused",
            (false, false) => return None,
        };
        Some(format!("  {name} {became}: {reason}"))
    });
    kept.collect()
}

/// A message, as it is written in the language.
fn said(model: &Model, kind: u16, params: &[Value]) -> String {
    let message = &model.schema.messages[usize::from(kind)];
    let params = message.params.iter().zip(params).map(|(param, value)| {
        format!("{}: {}", param.name, plain(&value.show(&param.ty, &model.schema.types)))
    });
    format!("{}({})", message.name, params.collect::<Vec<_>>().join(", "))
}

/// What a rule waits for.
fn request(model: &Model, rule: u16, open: &RequestState) -> Option<String> {
    let rule = &model.policy.rules[usize::from(rule)];
    let quorum = rule.quorum.as_ref()?;
    let asked = match rule.on {
        Trigger::Message(kind) => said(model, kind, &open.params),
        Trigger::Tick
        | Trigger::Expired(_)
        | Trigger::Cycle(_)
        | Trigger::Kept(_)
        | Trigger::Broken(_)
        | Trigger::Lapsed(_)
        | Trigger::Arrive => "a tick".to_owned(),
    };
    let roles = quorum.roles.iter().map(|role| model.schema.roles[usize::from(*role)].name.clone());
    Some(format!(
        "  {} waits for {} of {} until {}, for {asked}; {} so far",
        rule.name,
        quorum.count,
        roles.collect::<Vec<_>>().join(", "),
        show_instant(open.deadline),
        open.votes.len()
    ))
}

/// An object and its present state as JSON.
pub fn object_json(resident: &Resident, class: &Class, now: i64) -> Json {
    let (model, layout) = (&class.artifact.model, &class.artifact.layout);
    let image = Image::decode(model, layout, &resident.image);
    let fields: serde_json::Map<String, Json> = (image.iter())
        .flat_map(|image| model.schema.fields.iter().zip(&image.state.fields))
        .filter(|(field, _)| !field.private)
        .map(|(field, value)| {
            (field.name.clone(), Json::String(value.show(&field.ty, &model.schema.types)))
        })
        .collect();
    let derived = image.iter().flat_map(|image| {
        let values = step::derived(model, &image.state, now.max(image.state.now));
        model.schema.derives.iter().zip(values).filter(|(derive, _)| !derive.private)
    });
    let derives: serde_json::Map<String, Json> = derived
        .map(|(derive, value)| {
            (derive.name.clone(), Json::String(value.show(&derive.ty, &model.schema.types)))
        })
        .collect();
    let roles: serde_json::Map<String, Json> = (image.iter())
        .flat_map(|image| model.schema.roles.iter().zip(&image.state.roles))
        .filter(|(role, _)| !role.open)
        .map(|(role, held)| {
            let keys: Vec<String> = held.keys.iter().map(|known| known.key.to_string()).collect();
            (role.name.clone(), json!({ "keys": keys, "epoch": held.epoch }))
        })
        .collect();
    json!({
        "version": JSON_VERSION,
        "name": resident.name,
        "id": resident.id.to_string(),
        "class": class.id.to_string(),
        "sealed": class.is_sealed(),
        "parked": resident.parked,
        "entries": image.as_ref().map(|image| image.tail.sequence),
        "head": image.as_ref().map(|image| image.tail.head.to_string()),
        "next_due": resident.next_due,
        "forked": image.as_ref().map(|image| image.state.forked).filter(|at| *at != 0),
        "fields": fields,
        "derives": derives,
        "roles": roles,
        "trust": image.as_ref().and_then(|image| trust::show(model, &image.state, now.max(image.state.now))),
    })
}

/// A recorded entry as a line of text, or of JSON.
pub fn recorded_line(recorded: &Recorded<'_>, json: bool) -> String {
    let model = &recorded.class.artifact.model;
    let (before, entry, head) = (recorded.before, recorded.entry, &recorded.head);
    if json {
        entry_json(model, &recorded.object.name, before, entry, head).to_string()
    } else {
        line(model, before, entry, head)
    }
}

/// Prints each entry as a line to standard output, and notes to standard error.
pub struct Lines {
    /// JSON instead of text.
    pub json: bool,
    fault: Option<std::io::Error>,
}

impl Lines {
    /// Lines of text, or of JSON.
    pub fn new(json: bool) -> Lines {
        Lines { json, fault: None }
    }

    /// An error if lines could not be written; a closed pipe is none.
    pub fn written(self) -> Result<()> {
        match self.fault {
            Some(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Error::usage(format!("lines could not be written: {error}")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Observer for Lines {
    fn recorded(&mut self, recorded: &Recorded<'_>) {
        let line = recorded_line(recorded, self.json);
        self.fault = self.fault.take().or(writeln!(std::io::stdout(), "{line}").err());
    }

    fn is_gone(&self) -> bool {
        self.fault.is_some()
    }

    fn note(&mut self, note: &str) {
        // A closed pipe is no reason to stop an object.
        let _ = writeln!(std::io::stderr(), "note: {note}");
    }
}

/// At the end of a program: whether everything printed has gone out. A closed pipe is quiet.
pub fn flushed() -> Result<()> {
    match std::io::stdout().flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::usage(format!("lines could not be written: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints text, line by line; what cannot be written stays behind and is told by [`flushed`].
pub fn print(text: &str) {
    for line in text.split('\n') {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}
