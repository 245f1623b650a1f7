//! A host that was away, and that stops or is killed before it has caught up: nothing that was due is
//! lost.

use crate::stores::{lineage_of, store};
use crate::world::{Heads, component_of, development, host};
use aqo_model::entry::Cause;
use aqo_model::types::NEVER;
use aqo_runtime::config::HostConfig;
use aqo_runtime::environment::{RealDisk, RealRandom, VirtualClock};
use aqo_runtime::host::{Host, Parts};
use std::path::Path;

const METER: &str = "
module demo.meter

object Meter version 1 {
    field n: int in 0 ..= 1_000 = 0
    field days: int in 0 ..= 1_000 = 0
    field cut: bool = false

    cycle ten: every 500ms catch_up all 64
    cycle day: every 4s
    cycle clock: on time

    rule cut_off on clock when not cut and now - born > 1s { set cut = true }
    rule book on ten when n < 1_000 { set n = n + 1 }
    rule note_day on day when days < 1_000 { set days = clamp(days + 1 + missed) }
}
";

/// When the host comes back, in microseconds after birth.
const BACK: i64 = 5_800_000;

/// Lets so many entries be left, from a time long after birth on, and stops cleanly or not at all.
fn run(directory: &Path, entries: u64, clean: bool) {
    let mut heads = Heads::default();
    let mut host = host(directory, None, &mut heads).unwrap();
    let artifact = host.load(&component_of(METER)).unwrap();
    if host.find("meter").is_err() {
        host.birth(&artifact, "meter", &development(), &mut heads).unwrap();
    }
    host.clock().idle_until(1_798_761_600_000_000 + BACK);
    host.tick(entries, &mut heads).unwrap();
    if clean {
        host.stop().unwrap();
    }
}

/// When each entry was, and which ticks it answers.
fn life(directory: &Path) -> Vec<(i64, Cause)> {
    let lineage = lineage_of(directory);
    assert_eq!(lineage.fault, None);
    let entries = lineage.entries.into_iter().skip(1);
    entries.map(|(entry, _)| (entry.now, entry.cause)).collect()
}

#[test]
fn a_host_that_stops_while_it_catches_up_loses_no_tick() {
    let whole = store();
    run(whole.path(), u64::MAX, true);
    let wanted = life(whole.path());
    assert_eq!(wanted.len(), 11, "ten ticks before the present, and one in it");
    let Some((_, Cause::Tick(last))) = wanted.last() else { panic!("a tick is the last entry") };
    let cycles: Vec<u16> = last.iter().map(|tick| tick.cycle).collect();
    assert_eq!(cycles, [0, 1, 2], "the present answers every cycle");
    for clean in [true, false] {
        for first in [1, 3, 9, 10] {
            let parted = store();
            run(parted.path(), first, clean);
            run(parted.path(), u64::MAX, clean);
            assert_eq!(life(parted.path()), wanted, "after {first} entries, clean: {clean}");
        }
    }
}

/// An object that lived by a clock that ran ahead waits on a host whose clock is right.
#[test]
fn a_host_far_behind_an_objects_time_leaves_it_alone() {
    let directory = store();
    run(directory.path(), 3, true);
    let behind = |by: i64| {
        let mut heads = Heads::default();
        let parts = Parts {
            disk: Box::new(RealDisk),
            clock: Box::new(move |last| Box::new(VirtualClock::new(last - by, None))),
            random: Box::new(RealRandom),
            config: HostConfig::default(),
            is_virtual: Some(true),
        };
        (Host::open(directory.path(), parts, &mut heads).unwrap(), heads)
    };
    let (mut host, mut heads) = behind(600_000_001);
    let id = host.find("meter").unwrap();
    assert!(heads.notes[0].contains("meter is parked: clock_ahead: its time is @"), "{heads:?}");
    let error = host.rebind(&id, &mut heads).unwrap_err().to_string();
    assert!(error.contains("clock_ahead"), "{error}");
    assert_eq!((host.next_due(), host.tick(9, &mut heads).unwrap()), (NEVER, 0));
    drop(host);
    let (mut host, mut heads) = behind(600_000_000);
    host.rebind(&id, &mut heads).unwrap();
    assert!(host.next_due() < NEVER && heads.notes.is_empty(), "ten minutes are nothing");
}
