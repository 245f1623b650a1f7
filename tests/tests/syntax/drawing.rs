//! A tree to a compact text for fixtures, without positions.
//!
//! Reads what derived `Debug` prints, so that one small reader draws every node there is or will be;
//! leaves out what is absent and every layer that says nothing of its own.

use aqo_grammar::tree::File;

/// What derived `Debug` output says, so that one small reader draws every node.
#[derive(Clone)]
enum Value {
    Atom(String),
    List(Vec<Value>),
    Node(String, Vec<(String, Value)>),
}

struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn skip(&mut self, mark: char) -> bool {
        self.0 = self.0.trim_start();
        let rest = self.0.strip_prefix(mark);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn word(&mut self) -> String {
        self.0 = self.0.trim_start();
        let end = if self.0.starts_with('"') {
            let mut escaped = false;
            let closes = |c: char| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            };
            self.0[1..].find(closes).unwrap() + 2
        } else {
            self.0.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.0.len())
        };
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word.to_owned()
    }

    fn value(&mut self) -> Value {
        if self.skip('[') {
            return Value::List(self.fields(']').into_iter().map(|(_, value)| value).collect());
        }
        let name = self.word();
        if self.skip('{') {
            return Value::Node(name, self.fields('}'));
        }
        if self.skip('(') {
            return Value::Node(name, self.fields(')'));
        }
        Value::Atom(name)
    }

    fn fields(&mut self, end: char) -> Vec<(String, Value)> {
        let mut fields = Vec::new();
        while !self.skip(end) {
            let mut field = (String::new(), self.value());
            if let Value::Atom(label) = &field.1
                && self.skip(':')
            {
                field = (label.clone(), self.value());
            }
            fields.push(field);
            self.skip(',');
        }
        fields
    }
}

/// A tree without positions, as nested lists.
pub(crate) fn drawn(file: &File) -> String {
    let debug = format!("{file:?}");
    let mut out = String::new();
    draw(&plain(Reader(&debug).value()), 0, &mut out);
    out.push('\n');
    out
}

/// Leaves out positions and what is absent, and every layer that says nothing of its own.
fn plain(value: Value) -> Value {
    let (name, fields) = match value {
        Value::List(values) => return Value::List(values.into_iter().map(plain).collect()),
        Value::Atom(_) => return value,
        Value::Node(name, fields) => (name, fields),
    };
    let hidden = |label: &str| matches!(label, "at" | "op_at" | "span" | "spans");
    let absent = |label: &str, value: &Value| match value {
        Value::Atom(atom) => !label.is_empty() && matches!(atom.as_str(), "None" | "false"),
        Value::List(values) => !label.is_empty() && values.is_empty(),
        Value::Node(name, _) => name == "At",
    };
    let mut fields: Vec<(String, Value)> = fields
        .into_iter()
        .filter(|(label, value)| {
            !(absent(label, value)
                || hidden(label) && !matches!(value, Value::Node(name, _) if name == "Expr"))
        })
        .map(|(label, value)| (label, plain(value)))
        .collect();
    match (name.as_str(), fields.as_mut_slice()) {
        ("Name", [(_, Value::Atom(text))]) => Value::Atom(text.trim_matches('"').to_owned()),
        ("Literal", [_, (_, Value::Atom(text))]) => {
            Value::Atom(text[1..text.len() - 1].replace("\\\"", "\"").replace("\\\\", "\\"))
        }
        (
            "Some" | "Expr" | "Stmt" | "Step" | "Clause" | "Head" | "Case" | "Part" | "Literal"
            | "Path",
            [(_, only)],
        ) => only.clone(),
        (outer, [(_, Value::Node(inner, _))]) if outer == inner => fields.remove(0).1,
        ("Binary", [(_, Value::Atom(op)), left, right]) => {
            Value::Node(op.clone(), vec![left.clone(), right.clone()])
        }
        (_, []) => Value::Atom(name),
        _ => Value::Node(name, fields),
    }
}

fn flat(value: &Value) -> String {
    let field = |(label, value): &(String, Value)| match label.as_str() {
        "" | "kind" | "node" | "left" | "right" => flat(value),
        _ => format!("{label}: {}", flat(value)),
    };
    match value {
        Value::Atom(atom) => atom.clone(),
        Value::List(values) => {
            format!("[{}]", values.iter().map(flat).collect::<Vec<_>>().join(" "))
        }
        Value::Node(name, fields) => {
            format!("({name} {})", fields.iter().map(field).collect::<Vec<_>>().join(" "))
        }
    }
}

fn draw(value: &Value, indent: usize, out: &mut String) {
    let line = flat(value);
    let newline = |out: &mut String| out.push_str(&format!("\n{}", " ".repeat(indent + 2)));
    match value {
        _ if line.len() + indent <= 100 => out.push_str(&line),
        Value::Atom(atom) => out.push_str(atom),
        Value::List(values) => {
            out.push('[');
            for value in values {
                newline(out);
                draw(value, indent + 2, out);
            }
            out.push(']');
        }
        Value::Node(name, fields) => {
            out.push_str(&format!("({name}"));
            for (label, value) in fields {
                newline(out);
                if !matches!(label.as_str(), "" | "kind" | "node" | "left" | "right") {
                    out.push_str(&format!("{label}: "));
                }
                draw(value, indent + 2, out);
            }
            out.push(')');
        }
    }
}
