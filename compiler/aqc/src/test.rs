//! `aqc test`: every scenario on the reference interpreter and on the compiled core, which must
//! agree in every entry.

use crate::build;
use crate::check::Checked;
use aqo_compiler::model::Model;
use aqo_compiler::model::layout::Layout;
use aqo_compiler::model::offer::Offer;
use aqo_compiler::scenario::Scenario;
use aqo_compiler::scenario::walk::{Computed, walk_both};
use aqo_runtime::engine::Engine;
use aqo_runtime::error::{Error, Result};
use aqo_runtime::present::print;
use serde_json::json;
use std::collections::BTreeMap;

/// Runs every scenario and prints how it went.
pub(crate) fn test(checked: &Checked, json: bool) -> Result<()> {
    let mut engines = BTreeMap::new();
    for object in &checked.objects {
        let component = build::component(object, false)?;
        let artifact =
            aqo_compiler::emit::read(&component).map_err(|e| Error::internal(e.to_string()))?;
        engines.insert(object.model.model().class(), Engine::new(&artifact)?);
    }
    let (mut passed, mut failed) = (0, 0);
    for (path, line, scenario) in &checked.scenarios {
        let Some(model) = &scenario.model else { continue };
        let engine = engines.get_mut(&model.model().class());
        let engine =
            engine.ok_or_else(|| Error::internal("a scenario of an object that was not built"))?;
        let failure = run_both(scenario, model.model(), engine);
        let place = format!("{}:{line}", path.display());
        if json {
            let failure = failure.as_deref();
            print(&json!({ "version": 1, "scenario": scenario.title, "at": place, "passed": failure.is_none(), "failure": failure }).to_string());
        } else {
            match &failure {
                None => print(&format!("ok      {}", scenario.title)),
                Some(what) => {
                    print(&format!("FAILED  {} ({place})\n        {what}", scenario.title))
                }
            }
        }
        if failure.is_none() { passed += 1 } else { failed += 1 }
    }
    if !json {
        print(&format!(
            "{passed} passed, {failed} failed; each on the interpreter and on the component"
        ));
    }
    if failed == 0 { Ok(()) } else { Err(Error::refused(format!("{failed} scenarios failed"))) }
}

fn run_both(scenario: &Scenario, model: &Model, engine: &mut Engine) -> Option<String> {
    let layout = Layout::of(model);
    let mut compiled = |image: &[u8], offer: &Offer| {
        let outcome = engine.step(image, &offer.encode(&layout)).map_err(|e| e.to_string())?;
        let (body, reply) = (outcome.body, outcome.reply);
        Ok(Computed {
            body,
            reply,
            served: outcome.served,
            next_due: outcome.next_due,
            image: outcome.image,
        })
    };
    walk_both(scenario, model, &mut compiled)
}
