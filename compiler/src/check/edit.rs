//! What a rule does to a field: `set`, `add`, `remove`, of the whole or of a part.
//!
//! Invariant: no two statements of one path change the same part, or a part and what holds it.

use super::Checker;
use crate::codes::Code;
use crate::diagnostic::Problem;
use crate::globals::{PREDECLARED, unknown};
use crate::shape::{Def, Slot};
use aqo_grammar::tree::{self, At, ExprKind, Name, Otherwise, Place, PlacePart, Refuse};
use aqo_model::expr::{Edit, Expr, Step, Stmt};
use aqo_model::schema::Change;
use aqo_model::types::{Bounds, Type, Unit};
use aqo_model::verify;

/// A value, and the reason of a last `else refuse`.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn parted(value: &tree::Expr) -> (&tree::Expr, Option<&Refuse>) {
    match &value.kind {
        ExprKind::Else { value: inner, otherwise } => match &**otherwise {
            Otherwise::Refuse(refuse) => (inner, Some(refuse)),
            Otherwise::Expr(_) => (value, None),
        },
        _ => (value, None),
    }
}

/// A place as it is written, up to the first key.
fn spelled(place: &Place) -> String {
    let parts = place.parts.iter().map_while(|part| match part {
        PlacePart::Field(name) => Some(name.text.as_str()),
        PlacePart::Index(_) => None,
    });
    [place.name.text.as_str()].into_iter().chain(parts).collect::<Vec<_>>().join(".")
}

/// A part of a field that a statement changes.
struct Target {
    field: u16,
    way: Vec<Step>,
    /// Its name, with the names of parts before the first key.
    name: String,
    /// The type of the part.
    ty: Type,
    /// The type of the map or list that the last key was looked up in.
    held_by: Option<Type>,
    at: At,
}

impl Checker<'_> {
    pub(super) fn set(&mut self, place: &Place, value: &tree::Expr) -> Option<Stmt> {
        if let Some(role) = self.role_to_bind(place) {
            let (value, refuse) = parted(value);
            return self.bind_role(role, place, value, refuse, Edit::Put(()));
        }
        if !place.parts.is_empty() {
            return self.set_part(place, value);
        }
        let index = self.field_to_change(place)?;
        self.take(vec![index], place);
        if self.shape.untyped.contains(&Slot::Field(index)) {
            return None;
        }
        let field = self.model.schema.fields.get(usize::from(index))?;
        let (name, ty) = (field.name.clone(), field.ty.clone());
        let typed = self.expr(value, Some(&ty));
        typed.ty.as_ref()?;
        let stored = self.store_as(typed, &ty, &format!("field `{name}`"));
        if stored.is_none() {
            self.relate_field(index);
        }
        if let Some(stored) = &stored {
            self.attested_word(index, &[stored], value.at);
            self.allowed_by_flow(index, stored, place.at);
            self.changes_as_declared(index, stored, value.at);
        }
        stored.map(|value| Stmt::Set(index, value))
    }

    fn field_to_change(&mut self, place: &Place) -> Option<u16> {
        self.path.acted = true;
        match self.shape.def(&place.name.text) {
            Some(Def::Field(index)) => Some(index),
            _ => {
                self.cannot_set(&place.name);
                None
            }
        }
    }

    /// Notes that a part is changed; a problem where it overlaps one that is changed already.
    fn take(&mut self, part: Vec<u16>, place: &Place) {
        let overlaps = |set: &Vec<u16>| set.starts_with(&part) || part.starts_with(set);
        if let Some((_, first)) = self.path.set.iter().find(|(set, _)| overlaps(set)) {
            let first = self.loc(*first);
            let message = format!("`{}` is set twice on this path", spelled(place));
            let problem = self.problem(Code::SetTwice, place.at, message);
            problem.related.push((first, "set here already".to_owned()));
        }
        self.path.set.insert(part, place.at);
    }

    /// The part that a place names: its way is taken, its keys are checked.
    fn target(&mut self, place: &Place) -> Option<Target> {
        let field = self.field_to_change(place)?;
        let declared = self.model.schema.fields.get(usize::from(field))?;
        if self.shape.untyped.contains(&Slot::Field(field)) {
            self.take(vec![field], place);
            return None;
        }
        let (name, ty) = (spelled(place), declared.ty.clone());
        let mut target = Target { field, way: Vec::new(), name, ty, held_by: None, at: place.at };
        let found = place.parts.iter().try_for_each(|part| match part {
            PlacePart::Field(name) => self.step_to_part(&mut target, name),
            PlacePart::Index(index) => self.step_to_item(&mut target, index),
        });
        // Of two keys it is not known whether they differ: a collection is changed by one statement.
        let parts = target.way.iter().map_while(|step| match step {
            Step::Part(part) => Some(*part),
            Step::At(_) => None,
        });
        self.take([field].into_iter().chain(parts).collect(), place);
        found.map(|()| target)
    }

    fn step_to_part(&mut self, target: &mut Target, name: &Name) -> Option<()> {
        let Type::Record(index) = target.ty else {
            let shown = self.shown(&target.ty);
            let message = format!("only a record has parts to set, this is {shown}");
            let is_option = matches!(target.ty, Type::Option(_));
            let help = "bind an option first: `is some(x)`, then set the whole".to_owned();
            self.problem(Code::Mismatch, name.at, message).help = Some(help).filter(|_| is_option);
            return None;
        };
        let (part, ty) = self.part_of(index, name)?;
        target.way.push(Step::Part(part));
        target.ty = ty;
        Some(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn step_to_item(&mut self, target: &mut Target, index: &tree::Expr) -> Option<()> {
        let (wanted, held) = match &target.ty {
            Type::List { item, .. } => {
                let unit = Unit::default();
                (Type::Number { scale: 0, unit, within: Bounds::ALL }, (**item).clone())
            }
            Type::Map { key, value, .. } => ((**key).clone(), (**value).clone()),
            ty => {
                let shown = self.shown(ty);
                let message = format!("{shown} has no places to set");
                let problem = self.problem(Code::Mismatch, target.at, message);
                problem.help = Some("`add` to it, or make it anew: `set xs = […]`".to_owned());
                return None;
            }
        };
        let key = self.expr(index, Some(&wanted));
        key.ty.as_ref()?;
        let key = self.store_as(key, &wanted, "this key")?;
        target.way.push(Step::At(key));
        target.held_by = Some(std::mem::replace(&mut target.ty, held));
        Some(())
    }

    /// `set a.b = v`, `set m[k] = v`: a last `else refuse` also answers where there is no place.
    fn set_part(&mut self, place: &Place, value: &tree::Expr) -> Option<Stmt> {
        let target = self.target(place)?;
        let (value, refuse) = parted(value);
        self.edit(target, value, refuse, Edit::Put(()))
    }

    /// `add v to xs`
    pub(super) fn add_to(
        &mut self,
        value: &tree::Expr,
        to: &Place,
        refuse: Option<&Refuse>,
    ) -> Option<Stmt> {
        if let Some(role) = self.role_to_bind(to) {
            return self.bind_role(role, to, value, refuse, Edit::Add(()));
        }
        let target = self.target(to)?;
        self.edit(target, value, refuse, Edit::Add(()))
    }

    /// `remove v from xs`
    pub(super) fn remove_from(
        &mut self,
        value: &tree::Expr,
        from: &Place,
        refuse: Option<&Refuse>,
    ) -> Option<Stmt> {
        if let Some(role) = self.role_to_bind(from) {
            return self.bind_role(role, from, value, refuse, Edit::Remove(()));
        }
        let target = self.target(from)?;
        self.edit(target, value, refuse, Edit::Remove(()))
    }

    /// The role that a statement binds anew.
    fn role_to_bind(&self, place: &Place) -> Option<u16> {
        match self.shape.def(&place.name.text) {
            Some(Def::Role(role)) if place.parts.is_empty() => Some(role),
            _ => None,
        }
    }

    /// `set custodian = k`, `add k to approvers`, `remove k from approvers`
    fn bind_role(
        &mut self,
        role: u16,
        place: &Place,
        value: &tree::Expr,
        refuse: Option<&Refuse>,
        how: Edit<()>,
    ) -> Option<Stmt> {
        self.path.acted = true;
        let declared = self.model.schema.roles.get(usize::from(role))?;
        let (name, max) = (declared.name.clone(), declared.max);
        self.binds_as_declared(place, &name, &how, max)?;
        if !self.has_sender() {
            let message = format!("only a rule for a signed message binds `{name}` anew");
            self.problem(Code::NotHere, place.at, message).help =
                Some("a role that nobody answers for could be taken by anybody".to_owned());
            return None;
        }
        if let Some(first) = self.path.bound.insert(role, place.at) {
            let first = self.loc(first);
            let message = format!("`{name}` is bound twice on this path");
            let problem = self.problem(Code::SetTwice, place.at, message);
            problem.related.push((first, "bound here already".to_owned()));
        }
        let reason = match refuse {
            Some(refuse) => Some(self.reason(refuse)?),
            None => None,
        };
        self.answered += u32::from(reason.is_some());
        let typed = self.expr(value, Some(&Type::Key));
        let place_name = format!("role `{name}`");
        let stored =
            typed.ty.is_some().then(|| self.store_as(typed, &Type::Key, &place_name)).flatten();
        self.answered -= u32::from(reason.is_some());
        let stored = stored?;
        let partial = self.checked(&stored).is_ok_and(|checked| checked.partial);
        let stored = match (partial, reason) {
            (true, Some(reason)) => Expr::Else(Box::new(stored), Box::new(Expr::Refuse(reason))),
            _ => stored,
        };
        let adds = matches!(how, Edit::Add(()));
        match refuse {
            None if adds => {
                let message = format!("`{name}` may be full");
                self.problem(Code::MayBeFull, place.at, message).help =
                    Some("say what happens: `… else refuse no_room`".to_owned());
                return None;
            }
            Some(refuse) if !adds && !partial => {
                let message = "nothing here can fail, so this `else` is never needed";
                self.problem(Code::NeedlessElse, refuse.at, message).help =
                    Some("remove it".to_owned());
            }
            _ => {}
        }
        Some(Stmt::Bind(role, how.with(stored), reason.filter(|_| adds)))
    }

    /// A role of one key is bound anew, to a role of several keys are added.
    fn binds_as_declared(
        &mut self,
        place: &Place,
        name: &str,
        how: &Edit<()>,
        max: Option<u16>,
    ) -> Option<()> {
        let (message, help) = match (how, max) {
            (Edit::Put(()), None) | (Edit::Add(()) | Edit::Remove(()), Some(_)) => return Some(()),
            (Edit::Add(()) | Edit::Remove(()), None) => {
                (format!("`{name}` has one key"), format!("bind it anew: `set {name} = key`"))
            }
            (Edit::Put(()), Some(_)) => (
                format!("`{name}` has several keys"),
                format!("`add key to {name} else refuse no_room`, `remove key from {name}`"),
            ),
        };
        self.problem(Code::Mismatch, place.at, message).help = Some(help);
        None
    }

    /// What an edit takes in, by the type of what it changes.
    fn wanted(&mut self, target: &Target, how: &Edit<()>) -> Option<Type> {
        let found = match (how, &target.ty) {
            (Edit::Put(()), ty) => Some(ty.clone()),
            (
                Edit::Add(()),
                Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. },
            )
            | (Edit::Remove(()), Type::Set { item, .. } | Type::Map { key: item, .. }) => {
                Some((**item).clone())
            }
            (Edit::Add(()) | Edit::Remove(()), _) => None,
        };
        if found.is_none() {
            let shown = self.shown(&target.ty);
            let (message, help) = match how {
                Edit::Add(()) => (
                    format!("`add` goes to a list, a ring or a set, this is {shown}"),
                    "a map takes `set m[k] = v`",
                ),
                Edit::Put(()) | Edit::Remove(()) => (
                    format!("`remove` is from a set or a map, this is {shown}"),
                    "make a list anew: `set xs = [x for x in xs if …]`",
                ),
            };
            self.problem(Code::Mismatch, target.at, message).help = Some(help.to_owned());
        }
        found
    }

    fn edit(
        &mut self,
        target: Target,
        value: &tree::Expr,
        refuse: Option<&Refuse>,
        how: Edit<()>,
    ) -> Option<Stmt> {
        let wanted = self.wanted(&target, &how)?;
        let reason = match refuse {
            Some(refuse) => Some(self.reason(refuse)?),
            None => None,
        };
        let place = if target.way.is_empty() { "an item" } else { "this part" };
        let place = format!("{place} of `{}`", self.field_name(target.field));
        self.answered += u32::from(reason.is_some());
        let typed = self.expr(value, Some(&wanted));
        let stored = typed.ty.is_some().then(|| self.store_as(typed, &wanted, &place)).flatten();
        self.answered -= u32::from(reason.is_some());
        let stored = stored?;
        let keys = target.way.iter().filter_map(|step| match step {
            Step::Part(_) => None,
            Step::At(key) => Some(key),
        });
        let words: Vec<&Expr> = keys.chain([&stored]).collect();
        self.attested_word(target.field, &words, value.at);
        let partial = self.checked(&stored).is_ok_and(|checked| checked.partial);
        let stored = match (partial, reason) {
            (true, Some(reason)) => Expr::Else(Box::new(stored), Box::new(Expr::Refuse(reason))),
            _ => stored,
        };
        let edit = how.with(stored);
        let Target { field, way, .. } = &target;
        let may_fail = match verify::place_of_edit(&self.place(), *field, way, &edit, &self.facts) {
            Ok(may_fail) => may_fail,
            Err(fault) => {
                self.fault(&fault, target.at, &wanted);
                return None;
            }
        };
        match (may_fail, refuse) {
            (true, None) => {
                self.no_place(&target, &edit);
                return None;
            }
            (false, Some(refuse)) if !partial => {
                let message = "nothing here can fail, so this `else` is never needed";
                self.problem(Code::NeedlessElse, refuse.at, message).help =
                    Some("remove it".to_owned());
            }
            _ => {}
        }
        Some(Stmt::Edit(target.field, target.way, edit, reason.filter(|_| may_fail)))
    }

    fn field_name(&self, field: u16) -> String {
        self.model.schema.fields[usize::from(field)].name.clone()
    }

    /// There may be no place for an edit, and nothing answers for that.
    fn no_place(&mut self, target: &Target, edit: &Edit) {
        let name = &target.name;
        let steps = target.way.iter().filter(|step| matches!(step, Step::At(_))).count();
        let is_last = matches!(target.way.last(), Some(Step::At(_)));
        let holder = match edit {
            Edit::Put(_) => target
                .held_by
                .as_ref()
                .filter(|ty| steps == 1 && is_last && matches!(ty, Type::Map { .. })),
            Edit::Add(_) => Some(&target.ty).filter(|_| steps == 0),
            Edit::Remove(_) => None,
        };
        let place = self.shape.field_places.get(usize::from(target.field)).copied();
        let problem = if let Some(whole) = holder {
            let most = whole.items().map_or(0, |(_, max)| max);
            let problem = self.problem(Code::MayBeFull, target.at, format!("`{name}` may be full"));
            problem.label = format!("holds {most} at most");
            problem
        } else {
            let message = format!("`{name}` may have no such place");
            let problem = self.problem(Code::Absent, target.at, message);
            problem.label = "may not be there".to_owned();
            problem
        };
        let reason = if matches!(edit, Edit::Remove(_)) { "gone" } else { "no_room" };
        problem.help = Some(format!("say what happens: `… else refuse {reason}`"));
        problem.related.extend(place.map(|place| (place, "declared here".to_owned())));
    }

    /// A field with `once`, `only_up` or `only_down` keeps to it.
    fn changes_as_declared(&mut self, field: u16, value: &Expr, at: At) {
        let name = self.field_name(field);
        let (mark, help) = match self.model.schema.fields[usize::from(field)].change {
            Change::Any => return,
            Change::Once => {
                ("once", format!("set it only where it is not set: `when {name} is none`"))
            }
            Change::Up => {
                ("only_up", format!("guard it: `when … >= {name}`, or set it to `max({name}, …)`"))
            }
            Change::Down => (
                "only_down",
                format!("guard it: `when … <= {name}`, or set it to `min({name}, …)`"),
            ),
        };
        match verify::changes_as_declared(&self.place(), field, value, &self.facts) {
            Ok(true) => {}
            Ok(false) => {
                let place = self.shape.field_places.get(usize::from(field)).copied();
                let message = format!("`{name}` is `{mark}`, and this is not shown to keep to it");
                let problem = self.problem(Code::NotAsDeclared, at, message);
                problem.help = Some(help);
                problem.related.extend(place.map(|place| (place, "declared here".to_owned())));
            }
            Err(fault) => {
                let ty = self.model.schema.fields[usize::from(field)].ty.clone();
                self.fault(&fault, at, &ty);
            }
        }
    }

    /// An attested field holds its role's unchanged word, or a constant of the source.
    fn attested_word(&mut self, field: u16, words: &[&Expr], at: At) {
        let Some(role) = self.model.schema.fields[usize::from(field)].attested else { return };
        if words.iter().all(|word| self.is_word_of(word, role)) {
            return;
        }
        let place = self.shape.field_places.get(usize::from(field)).copied();
        let declared = self.model.schema.roles.get(usize::from(role));
        let role = declared.map_or("its role", |role| &role.name).to_owned();
        let name = self.field_name(field);
        let message =
            format!("`{name}` is attested by `{role}`, and this is not its unchanged word");
        let problem = self.problem(Code::Attested, at, message);
        problem.label = format!("not a parameter that only `{role}` can have sent");
        problem.help =
            Some(format!("set it to a parameter of a message `from {role}`, or to a constant"));
        problem.related.extend(place.map(|place| (place, "attested here".to_owned())));
    }

    /// Whether a value is made of constants and of parameters that only this role can have sent.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn is_word_of(&self, value: &Expr, role: u16) -> bool {
        match value {
            Expr::Value(_) | Expr::None(_) => true,
            Expr::Variant(_, _, parts) | Expr::Record(_, parts) | Expr::List(_, parts) => {
                parts.iter().all(|part| self.is_word_of(part, role))
            }
            Expr::Some(inner) => self.is_word_of(inner, role),
            Expr::Param(_) => self.from.as_ref().is_none_or(|from| *from == [role]),
            _ => false,
        }
    }

    /// A transition that the flow can never allow would refuse the rule whenever it is elected.
    fn allowed_by_flow(&mut self, field: u16, value: &Expr, at: At) {
        let Some(flow) = self.model.policy.flows.iter().find(|flow| flow.field == field) else {
            return;
        };
        let count = flow.next.len();
        let from = self.facts.possible(&Expr::Field(field), count);
        let to = self.facts.possible(value, count);
        let allowed = |state: usize| to & (flow.next[state] | 1 << state) != 0;
        // From nowhere: the guards above leave nothing over, so it never comes here.
        if to == 0 || from == 0 || (0..count).any(|state| from >> state & 1 == 1 && allowed(state))
        {
            return;
        }
        let Type::Enum(e) = self.model.schema.fields[usize::from(field)].ty else { return };
        let variants = &self.model.schema.types.enums[usize::from(e)].variants;
        let names = |set: u64| {
            let of_set = variants.iter().enumerate().filter(|(number, _)| set >> number & 1 == 1);
            of_set.map(|(_, variant)| variant.name.as_str()).collect::<Vec<_>>().join(" or ")
        };
        let message = format!(
            "the flow never allows {} -> {}, so this rule is always refused",
            names(from),
            names(to)
        );
        let clause = self.model.policy.flows.iter().position(|flow| flow.field == field);
        let clause = clause.and_then(|clause| self.flow_places.get(clause)).copied();
        let problem = self.problem(Code::NeverAllowed, at, message);
        problem.related.extend(clause.map(|clause| (clause, "this flow".to_owned())));
        problem.help = Some("add the transition to the flow, or change the guard".to_owned());
    }

    /// Points from the newest problem to the field's declaration.
    fn relate_field(&mut self, index: u16) {
        let place = self.shape.field_places.get(usize::from(index)).copied();
        if let (Some(place), Some(problem)) = (place, self.problems.last_mut())
            && problem.code == Code::OutOfRange
        {
            problem.related.push((place, "declared here".to_owned()));
        }
    }

    fn cannot_set(&mut self, name: &Name) {
        let at = self.loc(name.at);
        let problem = match self.shape.def(&name.text) {
            Some(Def::Role(_)) => crate::globals::not_yet(at, "binding a role anew"),
            None if !self.is_known(&name.text) => {
                let fields = self.model.schema.fields.iter().map(|field| field.name.as_str());
                unknown(Code::UnknownName, at, "field", &name.text, fields)
            }
            Some(_) | None => Problem::new(
                Code::CannotSet,
                at,
                format!("`{}` is not a field, so it cannot be set", name.text),
            )
            .label("not a field"),
        };
        self.push(problem);
    }

    /// Whether a name that is no member means something here: a parameter, a `let`, a constant, a
    /// value of the language.
    fn is_known(&self, name: &str) -> bool {
        self.names.iter().any(|named| named.name == name)
            || self.globals.consts.contains_key(name)
            || PREDECLARED.contains(&name)
    }
}
