//! The stable numbers of an object's names, and the order of its members by them.
//!
//! Invariant: members of one kind keep the places that members of that kind have in the text, so that
//! nothing moves where numbers are those of declaration order. Rules keep their order, which is that of
//! election.

use crate::lock::{Kind, Numbered, numbered_member};
use aqo_grammar::tree::{self, MemberKind};
use aqo_model::numbers::Numbers;

/// The numbers of one object's names.
#[derive(Clone, Copy)]
pub(super) struct NumbersOf<'n> {
    pub(super) numbered: &'n Numbered,
    pub(super) module: &'n str,
    pub(super) object: &'n str,
}

impl NumbersOf<'_> {
    pub(super) fn of(self, kind: Kind, name: &str) -> u16 {
        self.numbered.of(self.module, Some(self.object), kind, name)
    }

    /// The number of the role that any valid key has, where a message names it.
    pub(super) fn open_role(self) -> Option<u16> {
        self.numbered.known(self.module, Some(self.object), Kind::Role, "signer")
    }

    /// The order of the object's own reasons, and their numbers.
    pub(super) fn reasons(self, names: &[String]) -> (Vec<usize>, Numbers) {
        let names = names.iter().map(String::as_str);
        self.numbered.sorted(self.module, Some(self.object), Kind::Reason, names)
    }

    /// The members in the order in which they get their indices.
    pub(super) fn order(self, object: &tree::Object) -> Vec<usize> {
        let mut order: Vec<usize> = (0..object.members.len()).collect();
        let number = |place: usize| {
            let (kind, name) = kind_of(&object.members[place].node)?;
            Some((kind, self.of(kind, name)))
        };
        for wanted in [Kind::Role, Kind::Field, Kind::Input, Kind::Message, Kind::Event] {
            let places = (0..object.members.len()).filter_map(|place| {
                let (kind, number) = number(place)?;
                (kind == wanted).then_some((number, place))
            });
            let places: Vec<(u16, usize)> = places.collect();
            let mut sorted = places.clone();
            sorted.sort_unstable();
            for ((_, place), (_, member)) in places.into_iter().zip(sorted) {
                order[place] = member;
            }
        }
        order
    }
}

fn kind_of(member: &MemberKind) -> Option<(Kind, &str)> {
    numbered_member(member).map(|(kind, name, _)| (kind, name.text.as_str()))
}
