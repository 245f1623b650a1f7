//! The clauses of a policy.
//!
//! Invariant: what rules may read of a policy is announced before they are drawn.
#![expect(clippy::wildcard_enum_match_arm, reason = "questions about a few of many shapes")]

use super::declare::Drawing;
use super::draw::{Draw, Reach};
use super::program::{Level, Part};
use super::world::{Named, On, int, number};
use aqo_model::types::Type;

/// Limits and trust: rules and derives read them.
pub(super) fn announce(drawing: &mut Drawing) {
    drawing.world.trust = drawing.chance.percent(60);
    for index in 0..drawing.chance.below(3) {
        limit(drawing, index);
    }
}

fn limit(drawing: &mut Drawing, index: u64) {
    let name = format!("lim{index}");
    let plans: Vec<_> = drawing.world.plans.iter().filter(|plan| !plan.refuses).cloned().collect();
    let plan = drawing.chance.pick(&plans).clone();
    let mut rules = vec![plan.name.clone()];
    drawing.world.limited.push(plan.name.clone());
    let count = *drawing.chance.pick(&[1, 2, 3, 8]);
    let per = *drawing.chance.pick(&["10s", "1min", "1h"]);
    let sum = match plan.on {
        On::Message(message) => {
            let params = drawing.world.messages[message].params.iter();
            params.clone().find(|p| countable(&p.ty)).cloned()
        }
        On::Tick | On::Cycle(_) | On::Settled(_) | On::Expired(_) | On::Arrive => None,
    };
    if let Some(param) = sum.filter(|_| drawing.chance.percent(70)) {
        let most = drawing.world.literal(&param.ty, &mut drawing.chance);
        let text =
            format!("limit {name}: {} to {count}, {most} of {} per {per}", plan.name, param.name);
        drawing.push(Level::Clause, &name, text);
        let high = param.ty.bounds().map_or(0, |bounds| bounds.high);
        let ty = match &param.ty {
            Type::Number { scale, unit, .. } => number(*scale, unit.clone(), 0, high),
            ty => ty.clone(),
        };
        drawing.world.limits.push(Named::new(format!("{name}.left"), ty));
        return;
    }
    let other = drawing.chance.pick(&plans).name.clone();
    if other != plan.name && drawing.chance.percent(40) {
        drawing.world.limited.push(other.clone());
        rules.push(other);
    }
    let text = format!("limit {name}: {} to {count} per {per}", rules.join(", "));
    drawing.push(Level::Clause, &name, text);
    drawing.world.limits.push(Named::new(format!("{name}.left"), int(0, count)));
}

/// Whether a sum may be of such a parameter.
fn countable(ty: &Type) -> bool {
    matches!(ty, Type::Number { within, .. } | Type::Duration(within)
        if within.low >= 0 && within.high < 1 << 50)
}

/// All other clauses.
pub(super) fn clauses(drawing: &mut Drawing) {
    flow(drawing);
    for index in 0..drawing.chance.below(3) {
        let reach = Reach { fields: true, ..Reach::default() };
        let mut draw = Draw::new(&drawing.world, &mut drawing.chance, reach);
        let cond = draw.condition(2);
        let text = match draw.chance.below(6) {
            0 => format!("always a{index}: {cond}"),
            _ => format!("always a{index}: ({cond} or s0 < 18)"),
        };
        drawing.push(Level::Clause, &format!("a{index}"), text);
    }
    if drawing.world.trust {
        trust(drawing);
    }
    if drawing.chance.percent(30) {
        let mode = *drawing.chance.pick(&["observe", "dormant"]);
        let need = *drawing.chance.pick(&["horn0", "horn1", "horn0, horn1"]);
        drawing.push(Level::Clause, "", format!("hosts need {need} else {mode}"));
    }
    if drawing.chance.percent(20) {
        drawing.push(Level::Clause, "", "retain 365d".to_owned());
    }
    let roles = drawing.world.roles.clone();
    let role = drawing.chance.pick(&roles).clone();
    match drawing.chance.below(3) {
        0 => drawing.push(Level::Clause, "", format!("upgrade by {}", role.name)),
        1 => {
            let text = format!("upgrade by 1 of {} within 7d", role.name);
            drawing.push(Level::Clause, "", text);
        }
        _ => {}
    }
}

fn flow(drawing: &mut Drawing) {
    let plain = drawing.world.types.enums[0].clone();
    if !drawing.chance.percent(50) {
        return;
    }
    let mut arrows = Vec::new();
    for _ in 0..2 + drawing.chance.below(3) {
        let (from, to) = (drawing.chance.pick(&plain.variants), plain.variants.clone());
        let from = match drawing.chance.below(4) {
            0 => "any".to_owned(),
            1 => format!("{} | {}", from.name, plain.variants[0].name),
            _ => from.name.clone(),
        };
        arrows.push(format!("{from} -> {}", drawing.chance.pick(&to).name));
    }
    drawing.push(Level::Clause, "", format!("flow s1 {{ {} }}", arrows.join(", ")));
}

fn trust(drawing: &mut Drawing) {
    let mut lines = Vec::new();
    let plans = drawing.world.plans.clone();
    let foretold: Vec<String> = plans.iter().filter_map(|plan| plan.foretells.clone()).collect();
    for plan in &plans {
        let On::Message(message) = plan.on else { continue };
        let signed = !drawing.world.messages[message].from.is_empty();
        if signed && !plan.refuses && drawing.chance.percent(50) {
            lines.push(format!("gain 0.0{} on {}", 1 + drawing.chance.below(9), plan.name));
        }
    }
    if !foretold.is_empty() {
        lines.push("gain 0.05 on kept".to_owned());
        lines.push("loss 0.10 on broken".to_owned());
    }
    for name in foretold {
        if drawing.chance.percent(50) {
            lines.push(format!("loss 0.25 on {name}.lapsed"));
            lines.push(format!("gain 0.04 on {name}.kept"));
        }
        if drawing.chance.percent(50) {
            lines.push(format!("loss 0.20 on {name}.broken"));
        }
    }
    let role = drawing.chance.pick(&drawing.world.roles).name.clone();
    lines.push(format!("loss 0.15 on refused.{role}"));
    for (setting, chance) in [
        ("half_life: 1h window_short: 2min window_long: 8min", 40),
        ("ceiling: 0.75", 30),
        ("lowest: -0.80", 30),
        ("penalty: 0.40", 30),
        ("recovery: 5", 20),
        ("sources: 1 recovery: 1", 40),
    ] {
        if drawing.chance.percent(chance) {
            lines.push(setting.to_owned());
        }
    }
    drawing.parts.push(Part {
        level: Level::Clause,
        name: "trust".to_owned(),
        head: "trust {".to_owned(),
        stmts: lines,
        tail: "}".to_owned(),
    });
}
