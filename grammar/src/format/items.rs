//! A file and its items to the stream.
//!
//! Invariant: one blank line between items, but for neighbours without a body (`use`, `unit`,
//! `type`, `const`, `enum`, `record`) that the author wrote together.
//!
//! Knows nothing of their meaning, and does not sort.

use super::stream::{Blank, Printer, Shape, Wrap};
use crate::token::Kind;
use crate::tree::{
    Alias, Const, Enum, File, Fn, ItemKind, Object, Property, RField, Record, Scenario, Use,
    Variant,
};

impl Printer<'_> {
    pub(super) fn file(&mut self, file: &File) {
        self.line(Shape::Hard, Blank::AfterOpener);
        if let Some(module) = &file.module {
            self.lead(Kind::Module);
            self.path(module.node.names.len());
        }
        let mut before_is_brief = false;
        for item in &file.items {
            let is_brief = is_brief(&item.node);
            let blank = if is_brief && before_is_brief { Blank::Kept } else { Blank::Always };
            self.line(Shape::Hard, blank);
            self.group(|p| p.item(&item.node));
            before_is_brief = is_brief;
        }
        self.line(Shape::Hard, Blank::AtEnd);
    }

    fn path(&mut self, names: usize) {
        for index in 0..names {
            if index > 0 {
                self.word(Kind::Dot);
            }
            self.any();
        }
    }

    fn item(&mut self, item: &ItemKind) {
        match item {
            ItemKind::Use(item) => self.use_names(item),
            ItemKind::Unit(names) => {
                self.lead(Kind::Unit);
                self.names(names);
            }
            ItemKind::Alias(Alias { ty, .. }) => {
                self.lead(Kind::Type);
                self.any();
                self.infix(Kind::Assign);
                self.ty(ty);
            }
            ItemKind::Enum(item) => self.enumeration(item),
            ItemKind::Record(item) => self.record(item),
            ItemKind::Const(Const { param, value }) => {
                self.lead(Kind::Const);
                self.param(param);
                self.assigned(value);
            }
            ItemKind::Fn(item) => self.function(item),
            ItemKind::Object(object) => self.object(object),
            ItemKind::Scenario(scenario) => self.scenario(scenario),
            ItemKind::Property(property) => self.property(property),
            ItemKind::Damaged => self.fail("an item was unreadable"),
        }
    }

    fn use_names(&mut self, item: &Use) {
        self.lead(Kind::Use);
        self.path(item.path.names.len());
        if let Some(names) = &item.names {
            self.word(Kind::Dot);
            self.list(Kind::OpenBrace, names, |p, _| p.any());
        }
    }

    /// A comma list in braces with spaces inside them.
    pub(super) fn braced<T>(&mut self, elements: &[T], each: impl FnMut(&mut Self, &T)) {
        self.word(Kind::OpenBrace);
        self.listed(Shape::Space, None, elements, each);
    }

    fn enumeration(&mut self, item: &Enum) {
        self.lead(Kind::Enum);
        self.any();
        self.was(item.was.as_ref());
        self.space();
        self.braced(&item.variants, |p, Variant { was, params, .. }| {
            p.any();
            p.was(was.as_ref());
            if !params.is_empty() {
                p.list(Kind::OpenParen, params, Printer::param);
            }
        });
    }

    fn record(&mut self, item: &Record) {
        self.lead(Kind::Record);
        self.any();
        self.was(item.was.as_ref());
        self.space();
        self.braced(&item.fields, |p, RField { was, ty, .. }| {
            p.any();
            p.was(was.as_ref());
            p.of_type(Some(ty));
        });
    }

    fn function(&mut self, item: &Fn) {
        let header = self.open(None);
        self.lead(Kind::Fn);
        self.any();
        self.list(Kind::OpenParen, &item.params, Printer::param);
        self.infix(Kind::Arrow);
        self.ty(&item.result);
        self.space();
        self.word(Kind::OpenBrace);
        self.close();
        self.body(&item.body, Wrap::Own(header));
    }

    fn object(&mut self, object: &Object) {
        self.lead(Kind::Object);
        self.any();
        self.was(object.was.as_ref());
        self.infix(Kind::Version);
        self.any();
        self.space();
        self.word(Kind::OpenBrace);
        self.block(Wrap::Never, &object.members, |p, member| p.member(&member.node));
    }

    fn scenario(&mut self, scenario: &Scenario) {
        self.header(|p| {
            p.lead(Kind::Scenario);
            p.any();
            p.clause(|p| {
                p.lead(Kind::For);
                p.any();
            });
            if scenario.start.is_some() {
                p.clause(|p| {
                    p.lead(Kind::At);
                    p.any();
                });
            }
        });
        self.steps(&scenario.script, Wrap::Never);
    }

    fn property(&mut self, property: &Property) {
        self.header(|p| {
            p.lead(Kind::Property);
            p.any();
            p.clause(|p| {
                p.lead(Kind::For);
                p.any();
                p.space();
                p.list(Kind::OpenParen, &property.params, Printer::param);
            });
        });
        self.steps(&property.script, Wrap::Never);
    }
}

/// Whether it says one thing and has no body.
fn is_brief(item: &ItemKind) -> bool {
    match item {
        ItemKind::Use(_)
        | ItemKind::Unit(_)
        | ItemKind::Alias(_)
        | ItemKind::Const(_)
        | ItemKind::Enum(_)
        | ItemKind::Record(_) => true,
        ItemKind::Fn(_)
        | ItemKind::Object(_)
        | ItemKind::Scenario(_)
        | ItemKind::Property(_)
        | ItemKind::Damaged => false,
    }
}
