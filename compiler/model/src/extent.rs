//! How large what a step writes can become: bounds by types alone, for buffers and for limits.

use crate::edit;
use crate::expr::{Edit, Step, Stmt};
use crate::limits;
use crate::model::Model;
use crate::policy::{Rule, Trigger};
use crate::types::{Param, Type, Types};

/// The longest head of a CBOR item.
const HEAD: usize = 9;
/// The longest head of an item below 2^16.
const SHORT: usize = 3;
/// A byte string of 32 bytes.
const BYTES32: usize = 34;
/// What stands around an event: the list of three, its number, its list of arguments, withheld.
const EVENT: usize = 1 + SHORT + SHORT + 1;
/// One outcome: the list of three, a rule, a verdict, a reason.
const OUTCOME: usize = 1 + SHORT + 1 + SHORT;

/// The most bytes of a value of this type in an entry.
pub fn value_bytes(ty: &Type, types: &Types) -> usize {
    let all = |parts: &[Param]| params_bytes(parts, types);
    let several = |item: usize, max: &u16| {
        item.saturating_add(1).saturating_mul(usize::from(*max)).saturating_add(SHORT)
    };
    match ty {
        Type::Bool => 1,
        Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => HEAD,
        Type::Text { max } | Type::Bytes { max } => SHORT + usize::from(*max),
        Type::Key | Type::Hash => BYTES32,
        Type::Enum(index) => {
            let found = types.enums.get(usize::from(*index));
            let variants = found.map_or(&[][..], |found| &found.variants);
            let payload = variants.iter().map(|variant| all(&variant.params)).max().unwrap_or(0);
            payload.saturating_add(SHORT + SHORT)
        }
        Type::Record(index) => all(types.parts(*index)).saturating_add(SHORT),
        Type::Option(inner) => value_bytes(inner, types),
        Type::List { item, max } | Type::Ring { item, max } | Type::Set { item, max } => {
            several(value_bytes(item, types), max)
        }
        Type::Map { key, value, max } => {
            several(value_bytes(key, types).saturating_add(value_bytes(value, types)), max)
        }
    }
}

/// The most bytes of one text or byte string that stands anywhere in an object.
pub fn text_bytes(model: &Model) -> usize {
    let (schema, policy) = (&model.schema, &model.policy);
    let params = |params: &[Param]| params.iter().map(|p| text_of(&p.ty)).max().unwrap_or(0);
    let types = |types: &[Type]| types.iter().map(text_of).max().unwrap_or(0);
    let most = |sizes: &mut dyn Iterator<Item = usize>| sizes.max().unwrap_or(0);
    let variants = schema.types.enums.iter().flat_map(|found| &found.variants);
    let limits = policy.limits.iter().filter_map(|limit| limit.sum.as_ref());
    let pauses = policy.dormant.iter().chain(&policy.ends);
    let parts = [
        most(&mut variants.map(|variant| params(&variant.params))),
        most(&mut schema.types.records.iter().map(|record| params(&record.fields))),
        most(&mut schema.functions.iter().map(|f| types(&f.locals).max(text_of(&f.result)))),
        most(&mut schema.derives.iter().map(|d| types(&d.locals).max(text_of(&d.ty)))),
        most(&mut schema.fields.iter().map(|field| text_of(&field.ty))),
        most(&mut schema.inputs.iter().map(|input| text_of(&input.ty))),
        most(&mut schema.messages.iter().map(|message| params(&message.params))),
        most(&mut schema.events.iter().map(|event| params(&event.params))),
        most(&mut policy.rules.iter().map(|rule| types(&rule.locals))),
        most(&mut policy.predictions.iter().map(|p| types(&p.locals).max(types(&p.captures)))),
        most(&mut policy.always.iter().map(|clause| types(&clause.locals))),
        most(&mut limits.map(|sum| types(&sum.locals))),
        most(&mut pauses.map(|pause| types(&pause.locals))),
    ];
    most(&mut parts.into_iter())
}

/// The most bytes of a text or byte string that a value of this type holds; of what enums and
/// records hold, they tell themselves.
fn text_of(ty: &Type) -> usize {
    match ty {
        Type::Text { max } | Type::Bytes { max } => usize::from(*max),
        Type::Option(inner) => text_of(inner),
        Type::List { item, .. } | Type::Ring { item, .. } | Type::Set { item, .. } => text_of(item),
        Type::Map { key, value, .. } => text_of(key).max(text_of(value)),
        Type::Bool
        | Type::Number { .. }
        | Type::Duration(_)
        | Type::Instant(_)
        | Type::Key
        | Type::Hash
        | Type::Enum(_)
        | Type::Record(_) => 0,
    }
}

/// The most bytes of the parameters of one message, as a list in an entry.
pub fn message_bytes(model: &Model) -> usize {
    let types = &model.schema.types;
    let messages = model.schema.messages.iter();
    messages.map(|m| params_bytes(&m.params, types).saturating_add(SHORT)).max().unwrap_or(0)
}

/// The most bytes of all outcomes of one step.
pub fn outcome_bytes(model: &Model) -> usize {
    let of = SHORT + HEAD;
    let one = |rule: &Rule| {
        let index = model.policy.rules.iter().position(|other| std::ptr::eq(other, rule));
        let sums = index.map_or(0, |index| model.policy.sums_of(index as u16).count());
        OUTCOME + of + HEAD * sums
    };
    // What no rule takes has an outcome, too.
    OUTCOME + of + (OUTCOME + of) * waiting(model) + of_rules(model, &one)
}

/// The most outcomes of one step.
pub fn outcomes(model: &Model) -> usize {
    1 + waiting(model) + of_rules(model, &|_| 1)
}

/// How many messages may wait at once.
pub fn waiting(model: &Model) -> usize {
    limits::WAITING * model.schema.messages.iter().filter(|kind| kind.waits.is_some()).count()
}

/// The most positives of one step: one for each prediction, and one that a rule says for each message.
pub fn gains(model: &Model) -> usize {
    model.policy.predictions.len() + 1 + waiting(model)
}

/// How many roles a step binds anew at most.
pub fn bindings(model: &Model) -> usize {
    in_one_step(model, &|stmt| usize::from(matches!(stmt, Stmt::Bind(..))))
}

/// The most bytes of all roles that a step binds anew.
pub fn binding_bytes(model: &Model) -> usize {
    (2 + SHORT + BYTES32) * bindings(model)
}

/// The most bytes of the keys of all roles in a birth.
fn key_bytes(model: &Model) -> usize {
    model.schema.roles.iter().map(|role| SHORT + BYTES32 * role.size()).sum()
}

/// The most bytes of all events of one step.
pub fn event_bytes(model: &Model) -> usize {
    let schema = &model.schema;
    let params =
        |event: u16| params_bytes(&schema.events[usize::from(event)].params, &schema.types);
    in_one_step(model, &|stmt| match stmt {
        Stmt::Emit(event, _) => params(*event).saturating_add(EVENT),
        Stmt::Let(..)
        | Stmt::Set(..)
        | Stmt::Edit(..)
        | Stmt::Bind(..)
        | Stmt::Predict(..)
        | Stmt::Refuse(_)
        | Stmt::If(..)
        | Stmt::Match(..) => 0,
    })
}

/// The most events of one step.
pub fn events(model: &Model) -> usize {
    in_one_step(model, &|stmt| usize::from(matches!(stmt, Stmt::Emit(..))))
}

/// The most bytes of all logged changes of one step: those of fields of which rules change parts.
pub fn logged_bytes(model: &Model) -> usize {
    in_one_step(model, &|stmt| logged_change(model, stmt).unwrap_or(0))
}

/// The most logged changes of one step.
pub fn logged(model: &Model) -> usize {
    in_one_step(model, &|stmt| usize::from(logged_change(model, stmt).is_some()))
}

/// The most bytes of the change that a statement makes, if it is logged.
fn logged_change(model: &Model, stmt: &Stmt) -> Option<usize> {
    let types = &model.schema.types;
    let of = |field: &u16| &model.schema.fields[usize::from(*field)].ty;
    match stmt {
        Stmt::Set(field, _) if model.is_logged(*field) => {
            Some(value_bytes(of(field), types).saturating_add(2 + SHORT))
        }
        Stmt::Edit(field, path, edit, _) => {
            let mut ty = of(field).clone();
            let mut bytes = 2 + SHORT + SHORT + 1;
            for step in path {
                let (key, next) = match step {
                    Step::Part(part) => {
                        let Type::Record(index) = ty else { return Some(bytes) };
                        (SHORT, types.parts(index).get(usize::from(*part))?.ty.clone())
                    }
                    Step::At(_) => {
                        let (key, held) = edit::inside(&ty)?;
                        (value_bytes(&key, types), held.clone())
                    }
                };
                bytes = bytes.saturating_add(key);
                ty = next;
            }
            let item = match edit {
                Edit::Put(_) => Some(&ty),
                Edit::Add(_) | Edit::Remove(_) => ty.items().map(|(item, _)| item),
            };
            Some(item.map_or(0, |item| value_bytes(item, types)).saturating_add(bytes))
        }
        Stmt::Set(..)
        | Stmt::Let(..)
        | Stmt::Bind(..)
        | Stmt::Emit(..)
        | Stmt::Predict(..)
        | Stmt::Refuse(_)
        | Stmt::If(..)
        | Stmt::Match(..) => None,
    }
}

/// The most that the statements of one step come to, by what each by itself comes to.
fn in_one_step(model: &Model, size: &dyn Fn(&Stmt) -> usize) -> usize {
    of_rules(model, &|rule| on_one_path(&rule.body, size))
}

/// The most that the rules of one step come to, by what each by itself comes to: those of one message
/// rule, those of all messages that wait, and all others.
fn of_rules(model: &Model, of: &dyn Fn(&Rule) -> usize) -> usize {
    let rules = &model.policy.rules;
    let most = |answers: &dyn Fn(Trigger) -> bool| {
        rules.iter().filter(|rule| answers(rule.on)).map(of).max().unwrap_or(0)
    };
    let arrived = most(&|on| on.message().is_some());
    let waited = (0u16..).zip(&model.schema.messages).filter(|(_, kind)| kind.waits.is_some());
    let waited = waited.map(|(kind, _)| most(&|on| on == Trigger::Message(kind)));
    let waited = waited.map(|each| each.saturating_mul(limits::WAITING));
    let others = rules.iter().filter(|rule| rule.on.message().is_none()).map(|rule| {
        let times = if rule.on.carries().is_some() { limits::WAITING } else { 1 };
        of(rule).saturating_mul(times)
    });
    waited.chain(others).fold(arrived, usize::saturating_add)
}

/// The most that the statements on one path come to.
fn on_one_path(stmts: &[Stmt], size: &dyn Fn(&Stmt) -> usize) -> usize {
    let bytes = stmts.iter().map(|stmt| match stmt {
        Stmt::If(_, then, otherwise) => on_one_path(then, size).max(on_one_path(otherwise, size)),
        Stmt::Match(_, arms) => {
            arms.iter().map(|(_, body)| on_one_path(body, size)).max().unwrap_or(0)
        }
        Stmt::Let(..)
        | Stmt::Set(..)
        | Stmt::Edit(..)
        | Stmt::Bind(..)
        | Stmt::Emit(..)
        | Stmt::Predict(..)
        | Stmt::Refuse(_) => size(stmt),
    });
    bytes.fold(0, usize::saturating_add)
}

fn params_bytes(params: &[Param], types: &Types) -> usize {
    params.iter().map(|param| value_bytes(&param.ty, types)).fold(0, usize::saturating_add)
}

/// The most bytes of an entry's body.
pub fn entry_bytes(model: &Model) -> usize {
    let (schema, policy, types) = (&model.schema, &model.policy, &model.schema.types);
    let sum = |sizes: &mut dyn Iterator<Item = usize>| sizes.fold(0, usize::saturating_add);
    let value = |ty: &Type| value_bytes(ty, types);
    let start = 2 + 4 * HEAD;
    let bind = BYTES32 + 17 + HEAD;
    let birth = 1 + 2 * BYTES32 + bind + SHORT + key_bytes(model);
    let envelope = 1 + 2 * SHORT + BYTES32 + 2 * HEAD + 2 + 64;
    let message = schema.messages.iter().map(|message| params_bytes(&message.params, types)).max();
    let message = (1 + 2 * SHORT + envelope).saturating_add(message.unwrap_or(0));
    let ticks = SHORT + (1 + SHORT + 2 * HEAD) * schema.cycles.len();
    let cause = birth.max(message).max(ticks);
    let word = 1 + BYTES32 + HEAD + 2 + 64;
    let inputs = sum(&mut schema.inputs.iter().map(|input| {
        let word = if input.from.is_some() { word } else { 0 };
        value(&input.ty).saturating_add(1 + SHORT + HEAD + word)
    }));
    // A birth writes every field whole; a step writes logged ones part by part.
    let changes = sum(&mut schema.fields.iter().map(|f| value(&f.ty).saturating_add(2 + SHORT)));
    let predictions = sum(&mut policy
        .predictions
        .iter()
        .map(|p| sum(&mut p.captures.iter().map(value)).saturating_add(4 * SHORT + 4)));
    let trust = 2 + 2 * HEAD + SHORT + 2 + (1 + 2 * 5) * gains(model);
    let lapsed = SHORT * policy.rules.len();
    let rest = 2 * HEAD + lapsed + binding_bytes(model);
    let lists = 5 * HEAD;
    let parts = [
        start,
        cause,
        inputs,
        outcome_bytes(model),
        changes,
        logged_bytes(model),
        event_bytes(model),
        predictions,
        trust,
        rest,
        lists,
    ];
    sum(&mut parts.into_iter())
}
