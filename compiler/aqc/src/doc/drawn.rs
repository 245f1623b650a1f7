//! What a project declares to one page of HTML.
//!
//! Invariant: every `id` is a path of declared names, or of such and a word that no name can be, so
//! none stands twice in a checked project.

use super::code::{block, inline, name};
use super::declared::{Declared, Item, Module, Object, Policy, Rule, Said, Scenario, Value};
use super::markdown::comment;
use super::page::{Entry, escaped, page};

/// The page.
pub(crate) fn drawn(declared: &Declared) -> String {
    let version = declared.package_version.as_ref().map(|version| format!(" {version}"));
    let first = declared.modules.first().map(|module| module.name.clone());
    let title = declared.name.clone().or(first).unwrap_or_default();
    let title = title + &version.unwrap_or_default();
    let mut contents = Vec::new();
    let body: String =
        declared.modules.iter().map(|module| drawn_module(module, &mut contents)).collect();
    page(&title, &contents, &body)
}

/// A heading, and its line of the contents.
fn heading(contents: &mut Vec<Entry>, depth: usize, id: &str, text: &str, shown: &str) -> String {
    contents.push(Entry { id: id.to_owned(), text: text.to_owned(), depth });
    let level = depth + 2;
    format!("<h{level} id=\"{}\">{shown}</h{level}>\n", escaped(id))
}

fn doc(doc: &Option<String>) -> String {
    doc.as_deref().map_or_else(String::new, comment)
}

fn drawn_module(module: &Module, contents: &mut Vec<Entry>) -> String {
    let shown = format!("module {}", name(&module.name));
    let mut out = heading(contents, 0, &module.name, &module.name, &shown);
    out.push_str(&format!("<p class=\"dim\">{}</p>\n{}", escaped(&module.file), doc(&module.doc)));
    for item in &module.items {
        out.push_str(&format!("<section>\n{}{}</section>\n", doc(&item.doc), block(&item.source)));
    }
    for object in &module.objects {
        out.push_str(&drawn_object(module, object, contents));
    }
    out
}

fn drawn_object(module: &Module, object: &Object, contents: &mut Vec<Entry>) -> String {
    let id = format!("{}.{}", module.name, object.name);
    let shown = format!(
        "object {} <span class=\"dim\">version {}</span>",
        name(&object.name),
        escaped(&object.version)
    );
    let mut out = heading(contents, 1, &id, &object.name, &shown);
    if let Some(intent) = &object.intent {
        out.push_str(&format!("<p><strong>{}</strong></p>\n", escaped(intent)));
    }
    out.push_str(&doc(&object.doc));
    let mut part = |title: &str, body: String| {
        if !body.is_empty() {
            let id = format!("{id}.-{}", title.to_lowercase());
            out.push_str(&heading(contents, 2, &id, title, title));
            out.push_str(&body);
        }
    };
    part("Roles", items(&object.roles));
    part("Fields", values(&object.fields, "Default", "Attested by"));
    part("Derives", values(&object.derives, "Is", ""));
    part("Inputs", values(&object.inputs, "", "Signed by"));
    part("Messages", object.messages.iter().map(|said| message(said, &id)).collect());
    part("Events", object.events.iter().map(|said| message(said, &id)).collect());
    part("Children", items(&object.children));
    part("Cycles", items(&object.cycles));
    part("Rules", object.rules.iter().map(|of| rule(of, &id)).collect());
    part("Policy", policy(&object.policy));
    part("Evolution", items(&object.evolves));
    let own = module.scenarios.iter().filter(|scenario| scenario.object == object.name);
    part("Scenarios", own.map(scenario).collect());
    out
}

fn items(items: &[Item]) -> String {
    let drawn =
        |item: &Item| format!("<section>\n{}{}</section>\n", block(&item.source), doc(&item.doc));
    items.iter().map(drawn).collect()
}

/// A table; a column without a title is left out, and so is one in which nothing stands.
fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let stands = |column: usize| {
        let cell = |row: &Vec<String>| row.get(column).is_some_and(|cell| !cell.is_empty());
        !titles[column].is_empty() && rows.iter().any(cell)
    };
    let columns: Vec<usize> = (0..titles.len()).filter(|column| stands(*column)).collect();
    let head: String = columns.iter().map(|at| format!("<th>{}</th>", titles[*at])).collect();
    let mut out = format!("<section>\n<table>\n<thead><tr>{head}</tr></thead><tbody>\n");
    for row in rows {
        let cells = columns.iter().filter_map(|at| row.get(*at));
        let cells: String = cells.map(|cell| format!("<td>{cell}</td>")).collect();
        out.push_str(&format!("<tr>{cells}</tr>\n"));
    }
    out + "</tbody></table>\n</section>\n"
}

fn source(text: &Option<String>) -> String {
    text.as_deref().map_or_else(String::new, inline)
}

fn values(values: &[Value], value: &str, attested: &str) -> String {
    let rows = values.iter().map(|of| {
        vec![
            name(&of.name),
            inline(&of.r#type),
            of.means.as_deref().map_or_else(String::new, escaped),
            source(&of.value),
            source(&of.attested_by),
            source(&of.fresh),
            escaped(&of.marks.join(", ")),
            doc(&of.doc),
        ]
    });
    let titles = ["Name", "Type", "Which is", value, attested, "Not older than", "Marks", "About"];
    table(&titles, &rows.collect::<Vec<_>>())
}

fn message(said: &Said, object: &str) -> String {
    let id = format!("{object}.{}", escaped(&said.name));
    let mut out = format!("<section>\n<h5 id=\"{id}\">{}</h5>\n", name(&said.name));
    out.push_str(&doc(&said.doc));
    let mut facts = Vec::new();
    let list =
        |words: &[String]| words.iter().map(|word| name(word)).collect::<Vec<_>>().join(", ");
    if !said.from.is_empty() {
        facts.push(("from", list(&said.from)));
    }
    if let Some(via) = &said.via {
        facts.push(("via", name(via)));
    }
    if let Some(lasts) = &said.lasts {
        facts.push((if said.from.is_empty() { "expires" } else { "waits" }, inline(lasts)));
    }
    out.push_str(&list_of(&facts));
    out.push_str(&values(&said.parameters, "", ""));
    out + "</section>\n"
}

fn list_of(facts: &[(&str, String)]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let lines = facts.iter().map(|(name, text)| format!("<dt>{name}</dt><dd>{text}</dd>\n"));
    format!("<dl>\n{}</dl>\n", lines.collect::<String>())
}

fn rule(rule: &Rule, object: &str) -> String {
    let id = format!("{object}.{}", escaped(&rule.name));
    let mut facts = vec![("on", inline(&rule.on))];
    facts.extend(rule.when.iter().map(|when| ("when", inline(when))));
    facts.extend(rule.needs.iter().map(|needs| ("needs", inline(needs))));
    if rule.assured {
        facts.push(("assured", "nothing can refuse it, as the compiler has proved".to_owned()));
    }
    format!(
        "<section>\n<h5 id=\"{id}\">{}</h5>\n{}{}{}</section>\n",
        name(&rule.name),
        doc(&rule.doc),
        list_of(&facts),
        block(&rule.body)
    )
}

fn policy(policy: &Policy) -> String {
    let mut out = String::new();
    for flow in &policy.flows {
        out.push_str(&format!("<p>flow of {}</p>\n{}", name(&flow.field), doc(&flow.doc)));
        let rows = flow.arrows.iter().map(|(from, to)| vec![inline(from), inline(to)]);
        out.push_str(&table(&["From", "To"], &rows.collect::<Vec<_>>()));
    }
    let always = policy.always.iter();
    let always = always.map(|of| vec![name(&of.name), inline(&of.source), doc(&of.doc)]);
    out.push_str(&table(&["Always", "Holds", "About"], &always.collect::<Vec<_>>()));
    let limits = policy.limits.iter().map(|limit| {
        let (rules, to) = (limit.rules.join(", "), limit.to.join(", "));
        vec![name(&limit.name), inline(&rules), inline(&to), inline(&limit.per), doc(&limit.doc)]
    });
    let titles = ["Limit", "Rules", "To", "Per", "About"];
    out.push_str(&table(&titles, &limits.collect::<Vec<_>>()));
    let trust = policy.trust.iter();
    let trust = trust.map(|of| vec![inline(&of.kind), inline(&of.amount), source(&of.on)]);
    out.push_str(&table(&["Trust", "Amount", "On"], &trust.collect::<Vec<_>>()));
    let mut facts = Vec::new();
    if let Some(hosts) = &policy.hosts {
        let need = inline(&hosts.need.join(", "));
        facts.push(("hosts", format!("need {need}, else {}", inline(hosts.otherwise))));
    }
    facts.extend(policy.retain.iter().map(|retain| ("retain", inline(retain))));
    facts.push(match &policy.upgrade {
        Some(upgrade) => ("upgrade", format!("by {}", inline(upgrade))),
        None => ("upgrade", "never: it stays what it is".to_owned()),
    });
    out + "<section>\n" + &list_of(&facts) + "</section>\n"
}

fn scenario(scenario: &Scenario) -> String {
    format!(
        "<section>\n<p>{} <strong>{}</strong></p>\n{}{}</section>\n",
        scenario.kind,
        escaped(&scenario.title),
        doc(&scenario.doc),
        block(&scenario.source)
    )
}
