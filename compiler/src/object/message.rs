//! The messages of an object: who may send them, and how long they wait.

use super::Builder;
use crate::codes::Code;
use crate::diagnostic::{Loc, PartId, Problem};
use crate::lock::Kind;
use crate::shape::Slot;
use aqo_grammar::tree;
use aqo_model::limits;
use aqo_model::schema::{Message, Role};

impl Builder<'_> {
    pub(super) fn message(&mut self, message: &tree::Message, doc: Option<&str>, part: PartId) {
        self.doc(&format!("message {}", message.sig.name.text), doc);
        let index = self.schema.messages.len() as u16;
        let number = self.number(Kind::Message, &message.sig.name);
        let params = self.params(&message.sig, part, Slot::Message(index));
        let mut from = Vec::new();
        for role in &message.from {
            match role.text.as_str() {
                "anyone" if message.from.len() == 1 => {}
                "signer" if message.from.len() == 1 => from.push(self.open_role()),
                "parent" => {
                    self.shape.untyped.insert(Slot::Sender(index));
                    self.later(Loc { part, at: role.at }, &format!("`from {}`", role.text));
                }
                _ => match self.role(role, part) {
                    Some(role) => from.push(role),
                    None => drop(self.shape.untyped.insert(Slot::Sender(index))),
                },
            }
        }
        from.sort_unstable();
        from.dedup();
        let waits = message.waits.as_ref().and_then(|waits| {
            let span = self.span(waits, part)?;
            let open = message.from.iter().any(|role| role.text == "signer");
            let known = !from.is_empty() || self.shape.untyped.contains(&Slot::Sender(index));
            let signed = known && !open;
            if !signed {
                let at = Loc { part, at: waits.at };
                let text = "what anyone may send cannot wait: anyone could fill the queue";
                let problem = Problem::new(Code::CannotWait, at, text).label("no role");
                let help = "say who may send it: `from` and a role";
                self.shape.problems.push(problem.help(help));
            }
            signed.then_some(span)
        });
        self.schema.messages.push(Message {
            number,
            name: message.sig.name.text.clone(),
            params,
            from,
            waits,
            private: Vec::new(),
        });
    }

    /// The role that any valid key has. New, it stands behind all others.
    pub(super) fn open_role(&mut self) -> u16 {
        let known = self.schema.roles.iter().position(|role| role.open);
        let index = known.unwrap_or_else(|| {
            let index = self.schema.roles.len() as u16;
            let number = self.numbers.open_role().unwrap_or(index);
            let (name, max) = ("signer".to_owned(), Some(limits::OPEN_KEYS));
            self.schema.roles.push(Role { number, name, max, open: true });
            usize::from(index)
        });
        index as u16
    }
}
