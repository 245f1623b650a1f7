//! A program as parts that can be taken away one by one.
//!
//! Invariant: the text is its parts in order, each on lines of its own; a span belongs to one part.

use std::ops::Range;

/// Where a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Beside the object.
    Item,
    /// In the object.
    Member,
    /// A rule.
    Rule,
    /// In the policy.
    Clause,
}

/// A declaration, a rule or a clause.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where it stands.
    pub level: Level,
    /// What it is called, if anything.
    pub name: String,
    /// Its text, up to its statements.
    pub head: String,
    /// The statements of a rule; the lines of a clause.
    pub stmts: Vec<String>,
    /// What closes it.
    pub tail: String,
}

impl Part {
    /// A part without statements.
    pub fn whole(level: Level, name: &str, head: String) -> Self {
        Part { level, name: name.to_owned(), head, stmts: Vec::new(), tail: String::new() }
    }

    /// Takes away the statement at this byte of its text, if one stands there.
    pub fn drop_line(&mut self, at: usize) -> bool {
        let mut start = self.head.len();
        for index in 0..self.stmts.len() {
            let end = start + "\n        ".len() + self.stmts[index].len();
            if (start..end).contains(&at) {
                self.stmts.remove(index);
                return true;
            }
            start = end;
        }
        false
    }

    fn text(&self) -> String {
        let mut text = self.head.clone();
        for stmt in &self.stmts {
            text.push_str("\n        ");
            text.push_str(stmt);
        }
        if !self.tail.is_empty() {
            text.push_str("\n    ");
            text.push_str(&self.tail);
        }
        text
    }
}

/// A program.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its parts.
    pub parts: Vec<Part>,
}

impl Program {
    /// The source text, and which bytes of it each part is.
    pub fn text(&self) -> (String, Vec<Range<usize>>) {
        let mut text = String::from("module drawn\n");
        let mut spans = vec![0..0; self.parts.len()];
        let mut put = |text: &mut String, is: fn(Level) -> bool| {
            for (index, part) in self.parts.iter().enumerate().filter(|(_, p)| is(p.level)) {
                text.push_str("\n    ");
                let start = text.len();
                text.push_str(&part.text());
                spans[index] = start..text.len();
            }
        };
        put(&mut text, |level| level == Level::Item);
        text.push_str("\nobject Drawn version 1 {");
        put(&mut text, |level| matches!(level, Level::Member | Level::Rule));
        text.push_str("\n    policy {");
        put(&mut text, |level| level == Level::Clause);
        text.push_str("\n    }\n}\n");
        (text, spans)
    }

    /// How many rules it has.
    pub fn rules(&self) -> usize {
        self.parts.iter().filter(|part| part.level == Level::Rule).count()
    }

    /// The program without one part.
    pub fn without(&self, part: usize) -> Program {
        let mut parts = self.parts.clone();
        parts.remove(part);
        Program { parts }
    }

    /// The program without one statement of a part.
    pub fn without_stmt(&self, part: usize, stmt: usize) -> Program {
        let mut parts = self.parts.clone();
        parts[part].stmts.remove(stmt);
        Program { parts }
    }
}
