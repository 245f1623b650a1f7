//! What `aqr show` says of an object besides its fields.

use crate::stores::store;
use crate::world::{Heads, component_of, development, host, run};
use aqo_runtime::present;

const BELL: &str = "
module demo.bell

object Bell version 1 {
    field rings: int in 0 ..= 9 = 0

    derive loud: bool = rings > 0
    derive next: int in 1 ..= 10 = rings + 1

    cycle every 1s

    rule ring on tick when rings < 9 { set rings = rings + 1 }
    rule worn on tick when loud refuse worn_out

    policy {
        limit hourly: ring to 1 per 1h
    }
}
";

#[test]
fn an_object_shows_what_is_derived_and_what_its_rules_wait_for() {
    let directory = store();
    let mut heads = Heads::default();
    let mut host = host(directory.path(), None, &mut heads).unwrap();
    let artifact = host.load(&component_of(BELL)).unwrap();
    let id = host.birth(&artifact, "bell", &development(), &mut heads).unwrap();
    run(&mut host, 2, &mut heads);
    let (object, class) = host.object(&id).unwrap();
    let lines = present::object(object, class, 0);
    for wanted in [
        "  rings = 1",
        "  derived loud = true",
        "  derived next = 2",
        "  ring held: hourly",
        "  worn refused: worn_out",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted}: {lines:#?}");
    }
    let json = present::object_json(object, class, 0);
    assert_eq!(json["derives"]["next"], "2");
}
