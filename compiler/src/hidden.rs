//! Private values that the object would have to keep openly.

use crate::codes::Code;
use crate::diagnostic::{Loc, Problem};
use crate::policy::Head;
use crate::shape::Shape;
use aqo_model::Model;
use aqo_model::private::{self, Because, Told};

/// What would record a private value in the open, in the order of the rules.
pub(crate) fn told(shape: &Shape, head: &Head, model: &Model) -> Vec<Problem> {
    let problems =
        private::told(model).into_iter().filter_map(|told| problem(shape, head, model, told));
    problems.collect()
}

fn problem(shape: &Shape, head: &Head, model: &Model, told: Told) -> Option<Problem> {
    let (schema, policy) = (&model.schema, &model.policy);
    let rule = |rule: u16| &policy.rules[usize::from(rule)];
    let place = |rule: u16| shape.rule_places[usize::from(rule)];
    let new = |at, text: String| Problem::new(Code::KeptOpenly, at, text);
    let (mut problem, because) = match told {
        Told::Waiting(kind) => {
            let name = &schema.messages[usize::from(kind)].name;
            let text = format!("`{name}` carries what is private, and what waits is kept openly");
            let problem = new(shape.place_of(name)?, text)
                .help("let it be taken when it arrives, or not at all: without `waits`");
            (problem, private_param(shape, model, kind))
        }
        Told::Consent(index) => {
            let name = &rule(index).name;
            let text = format!("who consents to `{name}` has to see what is private");
            let problem = new(place(index), text)
                .help("let one role do it, without `needs … of`; or let the field be public");
            (problem, private_param(shape, model, rule(index).on.message()?))
        }
        Told::Claim(index) => {
            let name = &rule(index).name;
            let text = format!("trust remembers what `{name}` hears, and that is private");
            let problem = new(place(index), text)
                .help("remove the gain on it, or let another message raise trust");
            (problem, private_param(shape, model, rule(index).on.message()?))
        }
        Told::Sum(limit, index) => {
            let name = &rule(index).name;
            let text = format!("this limit keeps what `{name}` comes to, which is private");
            let problem = new(head.limit_places[usize::from(limit)], text)
                .help("limit how often, without a sum; or let the field be public");
            (problem, Some((place(index), "this rule".to_owned())))
        }
        Told::Due(index) => {
            let name = &rule(index).name;
            let text =
                format!("when the object is due tells what is private: `{name}` waits for it");
            let problem =
                new(place(index), text).help("let a cycle with a period look, not one `on time`");
            (problem, None)
        }
        // Told where the clause stands.
        Told::Pause => return None,
        Told::Captured(index, prediction) => {
            let name = &policy.predictions[usize::from(prediction)].name;
            let text = format!("`{name}` keeps what it captures, which is private");
            let problem = new(shape.place_of(name)?, text)
                .help("let it read the field itself: fields are read when it is settled");
            (problem, Some((place(index), "made by this rule".to_owned())))
        }
    };
    problem.related.extend(because);
    Some(problem)
}

/// The first private parameter of a message: the field that makes it so, and words for that.
fn private_param(shape: &Shape, model: &Model, kind: u16) -> Option<(Loc, String)> {
    let message = &model.schema.messages[usize::from(kind)];
    let mut known =
        message.private.iter().filter_map(|p| Some((*p, private::because(model, kind, *p)?)));
    let (param, because) = known.next()?;
    let (field, does) = match because {
        Because::GoesInto(field) => (field, "goes into"),
        Because::HeldAgainst(field) => (field, "is held against"),
    };
    let place = shape.field_places.get(usize::from(field))?;
    let param = &message.params[usize::from(param)].name;
    let field = &model.schema.fields[usize::from(field)].name;
    Some((*place, format!("`{param}` {does} `{field}`, which is private")))
}
