//! The typed world as WIT text, doc comments included.

use super::world::{Named, STATE, TICK, World};
use crate::names::{written, written_package};
use aqo_model::Model;
use aqo_model::types::{Type, Unit};
use std::fmt::Write;

/// The WIT package of an object: its typed interface and its world.
pub(crate) fn package_text(model: &Model, world: &World, docs: &[(String, String)]) -> String {
    let mut text = Text { out: String::new(), docs };
    let (package, version) = (written_package(&world.package), world.version);
    let interface = written(&world.interface);
    text.line(0, &format!("package {package}@{version}.0.0;"));
    text.line(0, "");
    text.doc(0, &model.schema.intent);
    text.docs(0, "object");
    text.line(0, &format!("interface {interface} {{"));
    text.types(model, world);
    text.functions(model, world);
    text.line(0, "}");
    text.line(0, "");
    text.doc(0, "Runs on any component host: it imports nothing.");
    text.line(0, "world standalone {");
    text.line(1, &format!("export {};", aqo_stdlib::LIFECYCLE));
    text.line(1, &format!("export {interface};"));
    text.line(0, "}");
    text.out
}

/// What an envelope holds.
const ENVELOPE: [(&str, &str, &str); 7] = [
    ("role", "role", "Who speaks."),
    ("key", "key", "With which key of the role."),
    ("epoch", "u32", "How often the role was bound anew."),
    ("counter", "u64", "The signer's counter, which is used once."),
    ("not-after", "instant-us", "Not valid later."),
    ("signature", "list<u8>", "Ed25519, 64 bytes."),
    ("verified", "bool", "Whether this host has checked the signature against the role's key."),
];

/// What proves whose word a reading is.
const WORD: [(&str, &str, &str); 5] = [
    ("key", "key", "A key of the input's role."),
    ("epoch", "u32", "How often the role was bound anew."),
    ("at", "instant-us", "When it was so."),
    ("signature", "list<u8>", "Ed25519, 64 bytes."),
    ("verified", "bool", "Whether this host has checked the signature against the key."),
];

struct Text<'d> {
    out: String,
    docs: &'d [(String, String)],
}

impl Text<'_> {
    fn line(&mut self, indent: usize, line: &str) {
        if !line.is_empty() {
            self.out.extend(std::iter::repeat_n("    ", indent));
            self.out.push_str(line);
        }
        self.out.push('\n');
    }

    fn doc(&mut self, indent: usize, doc: &str) {
        for line in doc.lines() {
            // Nothing that an author writes can end the comment.
            let line: String = line.chars().filter(|c| !c.is_control()).collect();
            self.line(indent, format!("/// {line}").trim_end());
        }
    }

    /// The author's comment on what this path names.
    fn docs(&mut self, indent: usize, path: &str) {
        for (_, doc) in self.docs.iter().filter(|(of, _)| of == path) {
            self.doc(indent, doc);
        }
    }

    fn types(&mut self, model: &Model, world: &World) {
        for (name, target, doc) in [
            ("instant-us", "s64", "Microseconds since 1970-01-01T00:00:00Z."),
            ("duration-us", "s64", "Microseconds."),
            ("key", "list<u8>", "An Ed25519 public key, 32 bytes."),
            ("digest", "list<u8>", "A BLAKE3 digest, 32 bytes."),
        ] {
            self.doc(1, doc);
            self.line(1, &format!("type {name} = {target};"));
        }
        for (e, (name, variants)) in model.schema.types.enums.iter().zip(&world.enums) {
            self.line(0, "");
            self.docs(1, &format!("enum {}", e.name));
            self.cases(name, variants);
        }
        if !world.roles.is_empty() {
            self.line(0, "");
            self.doc(1, "Who may speak to the object.");
            self.cases("role", &world.roles);
            self.line(0, "");
            self.doc(1, "What proves who says something.");
            self.record("envelope", &ENVELOPE);
        }
        if world.inputs.iter().any(|(_, signed)| *signed) {
            self.line(0, "");
            self.doc(1, "What proves whose word a reading is.");
            self.record("word", &WORD);
        }
        self.line(0, "");
        self.doc(1, "Why something was refused. A refusal may be recorded all the same.");
        self.cases("refusal", &world.refusals);
        self.line(0, "");
        self.doc(1, "What came of it.");
        self.line(1, "record reply {");
        self.doc(2, "The body of the entry; none where there is nothing to record.");
        self.line(2, "entry: option<list<u8>>,");
        self.doc(2, "When the object wants to be ticked next.");
        self.line(2, "next-due: instant-us,");
        self.line(1, "}");
        if !world.fields.is_empty() {
            self.line(0, "");
            self.doc(1, "What the object holds.");
            self.line(1, "record fields {");
            let public = model.schema.fields.iter().filter(|field| !field.private);
            for (field, named) in public.zip(&world.fields) {
                self.docs(2, &format!("field {}", field.name));
                self.meaning(2, &named.ty);
                self.line(
                    2,
                    &format!("{}: {},", written(&named.label), type_name(&named.ty, world)),
                );
            }
            self.line(1, "}");
        }
    }

    fn record(&mut self, name: &str, parts: &[(&str, &str, &str)]) {
        self.line(1, &format!("record {name} {{"));
        for (name, ty, doc) in parts {
            self.doc(2, doc);
            self.line(2, &format!("{name}: {ty},"));
        }
        self.line(1, "}");
    }

    fn cases(&mut self, name: &str, cases: &[String]) {
        self.line(1, &format!("enum {} {{", written(name)));
        cases.iter().for_each(|case| self.line(2, &format!("{},", written(case))));
        self.line(1, "}");
    }

    /// What a number counts, where its type does not say so.
    fn meaning(&mut self, indent: usize, ty: &Type) {
        if let Some(meaning) = meaning(ty) {
            self.doc(indent, &meaning);
        }
    }

    fn functions(&mut self, model: &Model, world: &World) {
        for (message, (label, params, signed)) in model.schema.messages.iter().zip(&world.messages)
        {
            self.line(0, "");
            self.docs(1, &format!("message {}", message.name));
            self.parameters(params.iter());
            let by = signed.then(|| "by: envelope".to_owned());
            let typed = params.iter().map(|named| (named, type_name(&named.ty, world)));
            let list = listed(typed).chain(by);
            self.function(label, list, "result<reply, refusal>");
        }
        self.line(0, "");
        self.doc(1, "Time has passed; these are the inputs that are known now.");
        self.parameters(world.inputs.iter().map(|(named, _)| named));
        let inputs = world.inputs.iter().map(|(named, signed)| {
            let ty = type_name(&named.ty, world);
            let view = if *signed { format!("tuple<{ty}, word>") } else { ty };
            (named, format!("option<{view}>"))
        });
        let list = listed(inputs);
        self.function(TICK, list, "result<reply, refusal>");
        if !world.fields.is_empty() {
            self.line(0, "");
            self.doc(1, "What the object holds now; none before it is born.");
            self.function(STATE, std::iter::empty(), "option<fields>");
        }
    }

    fn parameters<'w>(&mut self, params: impl Iterator<Item = &'w Named>) {
        for named in params {
            if let Some(meaning) = meaning(&named.ty) {
                self.doc(1, &format!("`{}`: {meaning}", named.label));
            }
        }
    }

    fn function(&mut self, name: &str, params: impl Iterator<Item = String>, result: &str) {
        let params: Vec<String> = params.collect();
        let name = written(name);
        self.line(1, &format!("{name}: func({}) -> {result};", params.join(", ")));
    }
}

/// The time, and then each parameter with its type.
fn listed<'w>(params: impl Iterator<Item = (&'w Named, String)>) -> impl Iterator<Item = String> {
    let each = params.map(|(named, ty)| format!("{}: {ty}", written(&named.label)));
    std::iter::once("at: instant-us".to_owned()).chain(each)
}

fn type_name(ty: &Type, world: &World) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::Number { .. } => "s64".to_owned(),
        Type::Duration(_) => "duration-us".to_owned(),
        Type::Instant(_) => "instant-us".to_owned(),
        Type::Text { .. } => "string".to_owned(),
        Type::Key => "key".to_owned(),
        Type::Hash => "digest".to_owned(),
        Type::Enum(index) if world.plain[usize::from(*index)] => {
            written(&world.enums[usize::from(*index)].0)
        }
        Type::Bytes { .. }
        | Type::Enum(_)
        | Type::Record(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => "list<u8>".to_owned(),
        Type::Option(inner) => format!("option<{}>", type_name(inner, world)),
    }
}

/// What a value of this type means, beyond its WIT type.
fn meaning(ty: &Type) -> Option<String> {
    match ty {
        Type::Number { scale, unit, within } => {
            let mut meaning = format!("{}..={}", within.low, within.high);
            if *scale > 0 {
                // Writing to a text cannot fail.
                let _ = write!(meaning, ", in units of 10^-{scale}");
            }
            if !unit.0.is_empty() {
                let _ = write!(meaning, " {}", unit_name(unit));
            }
            Some(meaning)
        }
        Type::Duration(within) => Some(format!("{}..={}", within.low, within.high)),
        Type::Text { max } => Some(format!("at most {max} bytes")),
        Type::Option(inner) => meaning(inner),
        Type::Bytes { max } => Some(format!("at most {max} bytes")),
        Type::Record(_)
        | Type::List { .. }
        | Type::Ring { .. }
        | Type::Set { .. }
        | Type::Map { .. } => Some("in its form of the Model, all bytes".to_owned()),
        Type::Bool | Type::Instant(_) | Type::Key | Type::Hash | Type::Enum(_) => None,
    }
}

fn unit_name(unit: &Unit) -> String {
    let factors = unit.0.iter().map(|(name, power)| match power {
        1 => name.clone(),
        power => format!("{name}^{power}"),
    });
    factors.collect::<Vec<_>>().join(" ")
}
