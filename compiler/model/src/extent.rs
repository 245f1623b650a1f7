//! How large what a step writes can become: bounds by types alone, for buffers and for limits.

use crate::expr::Stmt;
use crate::model::Model;
use crate::policy::{Rule, Trigger};
use crate::schema::Param;
use crate::types::Type;

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
pub fn value_bytes(ty: &Type) -> usize {
    match ty {
        Type::Bool => 1,
        Type::Number { .. } | Type::Duration(_) | Type::Instant(_) => HEAD,
        Type::Text { max } => SHORT + usize::from(*max),
        Type::Key | Type::Hash => BYTES32,
        Type::Enum(_) => SHORT,
        Type::Option(inner) => value_bytes(inner),
    }
}

/// The most bytes of all outcomes of one step.
pub fn outcome_bytes(model: &Model) -> usize {
    let ticks = model.policy.rules.iter().filter(|rule| rule.on == Trigger::Tick).count();
    OUTCOME * ticks.max(1)
}

/// The most bytes of all events of one step.
pub fn event_bytes(model: &Model) -> usize {
    let params = |event: u16| params_bytes(&model.schema.events[usize::from(event)].params);
    each_event(model, &|event| EVENT + params(event))
}

/// The most events of one step.
pub fn events(model: &Model) -> usize {
    each_event(model, &|_| 1)
}

/// The most that all events of one step come to, by what each comes to.
fn each_event(model: &Model, size: &dyn Fn(u16) -> usize) -> usize {
    let of = |rule: &Rule| on_one_path(&rule.body, size);
    let (ticks, messages): (Vec<_>, Vec<_>) =
        model.policy.rules.iter().partition(|rule| rule.on == Trigger::Tick);
    let ticks = ticks.into_iter().map(of).fold(0, usize::saturating_add);
    ticks.max(messages.into_iter().map(of).max().unwrap_or(0))
}

/// The most that the events on one path through statements come to.
fn on_one_path(stmts: &[Stmt], size: &dyn Fn(u16) -> usize) -> usize {
    let bytes = stmts.iter().map(|stmt| match stmt {
        Stmt::Emit(event, _) => size(*event),
        Stmt::If(_, then, otherwise) => on_one_path(then, size).max(on_one_path(otherwise, size)),
        Stmt::Match(_, arms) => {
            arms.iter().map(|(_, body)| on_one_path(body, size)).max().unwrap_or(0)
        }
        Stmt::Let(..) | Stmt::Set(..) | Stmt::Predict(..) | Stmt::Refuse(_) => 0,
    });
    bytes.fold(0, usize::saturating_add)
}

fn params_bytes(params: &[Param]) -> usize {
    params.iter().map(|param| value_bytes(&param.ty)).sum()
}

/// The most bytes of an entry's body.
pub fn entry_bytes(model: &Model) -> usize {
    let (schema, policy) = (&model.schema, &model.policy);
    let start = 2 + 4 * HEAD;
    let bind = BYTES32 + 17 + HEAD;
    let birth = 1 + 2 * BYTES32 + bind + SHORT + BYTES32 * schema.roles.len();
    let envelope = 1 + 2 * SHORT + 2 * HEAD + 2 + 64;
    let message = schema.messages.iter().map(|message| params_bytes(&message.params)).max();
    let message = 1 + 2 * SHORT + message.unwrap_or(0) + envelope;
    let cause = birth.max(message).max(1 + 2 * HEAD);
    let inputs: usize = schema.inputs.iter().map(|i| 1 + SHORT + value_bytes(&i.ty) + HEAD).sum();
    let changes: usize = schema.fields.iter().map(|f| 1 + SHORT + value_bytes(&f.ty)).sum();
    let predictions: usize = (policy.predictions.iter())
        .map(|p| 2 * SHORT + 4 + SHORT + p.captures.iter().map(value_bytes).sum::<usize>() + SHORT)
        .sum();
    let trust = 2 + 2 * HEAD + (1 + 2 * 5) * (policy.predictions.len() + 1);
    let lists = 5 * HEAD;
    (start + cause + inputs + outcome_bytes(model) + changes + predictions + trust + lists)
        .saturating_add(event_bytes(model))
}
