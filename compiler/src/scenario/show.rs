//! State and events of a life, in the words of its author: for the messages of failed scenarios.

use aqo_model::Model;
use aqo_model::entry::Said;
use aqo_model::image::Image;
use aqo_model::trust;

/// `mode = Idle, starts = 0, trust = 0.000000`
pub(super) fn state(model: &Model, image: &Image, now: i64) -> String {
    let fields = model.schema.fields.iter().zip(&image.state.fields);
    let mut parts: Vec<String> = fields
        .map(|(field, value)| {
            format!("{} = {}", field.name, value.show(&field.ty, &model.schema.types))
        })
        .collect();
    parts.extend(trust::show(model, &image.state, now).map(|trust| format!("trust = {trust}")));
    parts.join(", ")
}

/// `heater(on: true)`
pub(super) fn said(model: &Model, said: &Said) -> String {
    let declared = &model.schema.events[usize::from(said.event)];
    let args: Vec<String> = (declared.params.iter().zip(&said.args))
        .map(|(param, value)| {
            format!("{}: {}", param.name, value.show(&param.ty, &model.schema.types))
        })
        .collect();
    format!("{}({})", declared.name, args.join(", "))
}
