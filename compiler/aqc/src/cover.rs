//! Coverage of one object: a short table, and by name what was never reached.

use crate::check::{Checked, Object};
use crate::test::JSON_VERSION;
use aqo_compiler::scenario::coverage::{Coverage, Group};
use aqo_runtime::present::print;
use serde_json::{Value, json};

/// Prints what was reached of an object.
pub(crate) fn print_coverage(checked: &Checked, object: &Object, seen: &Coverage, json: bool) {
    let file = &checked.files[object.file];
    let model = object.model.model();
    let groups = seen.groups(&checked.database, file.source, object.item, model);
    let path = file.path.display().to_string();
    if json {
        print(&as_json(object, seen, &groups, &path).to_string());
        return;
    }
    print(&format!("coverage of {}", object.name));
    for group in groups.iter().filter(|group| group.of > 0) {
        print(&format!("  {:<20}{:>4} of {}", group.name, group.reached, group.of));
    }
    for (what, line) in groups.iter().flat_map(|group| &group.missed) {
        print(&format!("  never   {path}:{line}: {what}"));
    }
}

fn as_json(object: &Object, seen: &Coverage, groups: &[Group], path: &str) -> Value {
    let rules = object.model.model().policy.rules.iter().zip(&seen.rules);
    json!({
        "version": JSON_VERSION,
        "kind": "coverage",
        "object": object.name,
        "file": path,
        "rules": rules.map(|(rule, seen)| json!({
            "name": rule.name,
            "elected": seen.elected,
            "committed": seen.committed,
            "held": seen.held,
            "refused": seen.refused,
        })).collect::<Vec<_>>(),
        "groups": groups.iter().map(|group| json!({
            "name": group.name,
            "reached": group.reached,
            "of": group.of,
            "missed": group.missed.iter().map(|(what, line)| {
                json!({ "what": what, "line": line })
            }).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}
