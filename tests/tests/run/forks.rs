//! Forks: how an object answers one, and what readers of its lineage make of that.

use crate::stores::{lineage_of, rewritten, store};
use crate::world::{Heads, component, component_of, development, host, room, run};
use aqo_model::entry::{Cause, Entry, Mode};
use aqo_model::image::Image;
use aqo_model::offer::{Bind, Birth, Fork, Message, Offer, OfferKind};
use aqo_model::policy::Reason;
use aqo_model::types::NEVER;
use aqo_model::value::{Bytes32, Value};
use aqo_runtime::class::{Answer, Class};
use aqo_runtime::environment::RealDisk;
use aqo_runtime::lineage::{Follower, offer_of};
use aqo_runtime::present;
use aqo_runtime::store::log::{self, Record};
use aqo_tests::zeros::Zeros;

const START: i64 = 1_798_761_600_000_000;
const SECOND: i64 = 1_000_000;

/// Counts seconds, without trust.
const COUNTER: &str = "
module demo.counter

object Counter version 1 {
    field count: int in 0 ..= 9 = 0

    message more(n: int in 0 ..= 9) from anyone

    cycle every 1s

    rule step on tick when count < 9 { set count = count + 1 }
    rule take on more(n) { set count = clamp(count + n) }
}
";

/// The same, asleep at first, over at some time, and asked about its trust.
const MORTAL: &str = "
module demo.mortal

object Mortal version 1 {
    field count: int in 0 ..= 9 = 0

    message more(n: int in 0 ..= 9) from anyone

    cycle every 1s

    rule step on tick when count < 9 { set count = count + 1 }
    rule take on more(n) { set count = clamp(count + n) }

    dormant when now < born + 5s

    ends when now >= born + 1h or count == 9

    policy {
        trust {
            lowest: -0.75
            penalty: 0.5
            recovery: 4
        }
    }
}
";

/// An object on an engine, and the lineage that it leaves.
struct Life {
    class: Class,
    image: Vec<u8>,
    entries: Vec<(Entry, Vec<u8>, Bytes32)>,
    served: i64,
    next_due: i64,
}

impl Life {
    fn of(text: &str) -> Life {
        let class = Class::load(&component_of(text)).unwrap();
        let bind = Bind { host: Bytes32([1; 32]), nonce: [0; 16], capabilities: u64::MAX };
        let (creator, values, roles) = (Bytes32([2; 32]), Vec::new(), Vec::new());
        let image = class.unborn();
        let mut life = Life { class, image, entries: Vec::new(), served: 0, next_due: 0 };
        let birth = Birth { creator, bind, values, roles };
        assert_eq!(life.put(OfferKind::Birth(birth), START), None);
        life
    }

    /// Puts something before the object; gives why it is refused.
    fn put(&mut self, kind: OfferKind, observed: i64) -> Option<Reason> {
        let offer = Offer { kind, ..Offer::tick(observed, self.served, Vec::new()) };
        let answer = self.class.step(&self.image, &offer, &mut Zeros).unwrap();
        let Answer { admitted, reply, served, next_due } = answer;
        (self.served, self.next_due) = (served, next_due);
        if let Some(admitted) = admitted {
            self.image = admitted.image().to_vec();
            let (entry, bytes) = (admitted.entry().clone(), admitted.bytes().to_vec());
            self.entries.push((entry, bytes, admitted.head()));
        }
        reply
    }

    fn tick(&mut self, observed: i64) -> Option<Reason> {
        self.put(OfferKind::Tick, observed)
    }

    /// A fork of the entry with this number.
    fn fork(&self, at: u64) -> Fork {
        let ours = self.entries.get(at as usize).map_or(Bytes32([3; 32]), |(_, _, head)| *head);
        Fork { at, ours, theirs: Bytes32([4; 32]), verified: true }
    }

    fn forked(&mut self, at: u64, observed: i64) -> Option<Reason> {
        let fork = self.fork(at);
        self.put(OfferKind::Fork(fork), observed)
    }

    fn decoded(&self) -> Image {
        let artifact = &self.class.artifact;
        Image::decode(&artifact.model, &artifact.layout, &self.image)
            .expect("an image of its class")
    }

    fn count(&self) -> Value {
        self.decoded().state.fields[0].clone()
    }
}

fn more(n: i64) -> OfferKind {
    OfferKind::Message(Message { kind: 0, params: vec![Value::Int(n)], envelope: None })
}

#[test]
fn a_forked_object_sleeps_and_still_hears() {
    let mut life = Life::of(COUNTER);
    for second in 1..=3 {
        assert_eq!(life.tick(START + second * SECOND), None);
    }
    let now = START + 3 * SECOND;
    assert_eq!(life.forked(2, now), None);
    let (entry, ..) = life.entries.last().unwrap();
    assert_eq!(entry.cause, Cause::Fork(life.fork(2)));
    assert_eq!((entry.mode, &entry.trust, entry.names_state()), (Some(Mode::Dormant), &None, true));
    assert_eq!(life.next_due, NEVER, "it is due no more");
    // Ticks are nothing, messages and binds are heard, and nothing wakes it.
    assert_eq!((life.tick(now + 60 * SECOND), life.entries.len()), (None, 5));
    assert_eq!(life.put(more(2), now + 60 * SECOND), None);
    assert_eq!(life.count(), Value::Int(5));
    let bind = Bind { host: Bytes32([7; 32]), nonce: [0; 16], capabilities: 0 };
    assert_eq!(life.put(OfferKind::Bind(bind), now + 61 * SECOND), None);
    assert_eq!((life.tick(now + 120 * SECOND), life.next_due), (None, NEVER));
    assert_eq!(life.entries.len(), 7);
    // A second fork changes nothing but what was answered.
    assert_eq!(life.forked(4, now + 120 * SECOND), None);
    assert_eq!(life.entries.last().unwrap().0.mode, None);
    assert_eq!(life.decoded().state.forked, 4);
}

#[test]
fn what_is_no_proof_of_a_fork_leaves_no_entry() {
    let mut life = Life::of(COUNTER);
    (1..=3).for_each(|second| assert_eq!(life.tick(START + second * SECOND), None));
    let (now, good) = (START + 3 * SECOND, life.fork(2));
    let refused = [
        (Fork { theirs: good.ours, ..good }, Reason::MALFORMED),
        (Fork { at: 0, ..good }, Reason::MALFORMED),
        (Fork { at: 4, ..good }, Reason::MALFORMED),
        (Fork { at: u64::MAX, ..good }, Reason::MALFORMED),
        (Fork { at: 4, verified: false, ..good }, Reason::MALFORMED),
        (Fork { verified: false, ..good }, Reason::EVIDENCE),
    ];
    for (fork, reason) in refused {
        assert_eq!(life.put(OfferKind::Fork(fork), now), Some(reason), "{fork:?}");
    }
    assert_eq!(life.forked(2, now), None);
    for at in [1, 2] {
        assert_eq!(life.forked(at, now), Some(Reason::REPLAY));
        let unproved = Fork { verified: false, ..life.fork(at) };
        assert_eq!(life.put(OfferKind::Fork(unproved), now), Some(Reason::EVIDENCE));
    }
    assert_eq!(life.forked(3, now), None);
    assert_eq!(life.entries.len(), 6);
}

#[test]
fn it_ends_though_it_sleeps_of_a_fork() {
    for by_message in [false, true] {
        let mut life = Life::of(MORTAL);
        life.tick(START + 5 * SECOND);
        let now = START + 7 * SECOND;
        (6..=7).for_each(|second| assert_eq!(life.tick(START + second * SECOND), None));
        assert_eq!(life.forked(1, now), None);
        let (entry, ..) = life.entries.last().unwrap();
        let trust = entry.trust.clone().expect("a break");
        assert_eq!((trust.x, trust.recovering), (-500_000 << 10, true));
        let (model, layout) = (&life.class.artifact.model, &life.class.artifact.layout);
        let unbroken = Entry { sequence: entry.sequence + 1, trust: None, ..entry.clone() };
        let cause = Cause::Fork(life.fork(3));
        let unbroken = Entry { cause, ..unbroken };
        let kept = aqo_model::step::apply(model, layout, &mut life.decoded(), &unbroken);
        assert_eq!(kept, Err(aqo_model::step::Misfit::Trust), "a break costs trust");
        assert_eq!(life.next_due, START + 3_600 * SECOND, "it is due at its end, and not before");
        assert_eq!(life.forked(2, START + 7_200 * SECOND), Some(Reason::DUE_FIRST));
        assert_eq!(life.forked(2, now), None);
        let trust = life.entries.last().unwrap().0.trust.clone().expect("a break");
        assert_eq!(trust.x, -750_000 << 10, "cut at the lowest");
        let end =
            if by_message { life.put(more(9), now) } else { life.tick(START + 3_600 * SECOND) };
        assert_eq!((end, life.next_due), (None, NEVER));
        assert_eq!(life.entries.last().unwrap().0.mode, Some(Mode::Ended));
        assert_eq!(life.forked(3, START + 3_601 * SECOND), Some(Reason::ENDED));
    }
}

#[test]
fn time_does_not_wake_what_sleeps_of_a_fork() {
    let mut life = Life::of(MORTAL);
    // It is asleep by its own condition when it is forked: the mode does not change.
    assert_eq!(life.put(more(1), START + SECOND), None);
    assert_eq!(life.forked(1, START + 2 * SECOND), None);
    assert_eq!(life.entries.last().unwrap().0.mode, None);
    assert_eq!(life.next_due, START + 3_600 * SECOND, "it would have woken after 5 s");
    assert_eq!((life.tick(START + 60 * SECOND), life.entries.len()), (None, 3));
}

/// An image of what is forked and awake is none, and neither is an entry that would make one.
#[test]
fn no_lineage_wakes_what_sleeps_of_a_fork() {
    let mut life = Life::of(COUNTER);
    (1..=3).for_each(|second| assert_eq!(life.tick(START + second * SECOND), None));
    assert_eq!(life.forked(2, START + 3 * SECOND), None);
    let artifact = &life.class.artifact;
    let (model, layout) = (&artifact.model, &artifact.layout);
    let altered = |change: fn(&mut Image)| {
        let mut image = life.decoded();
        change(&mut image);
        Image::decode(model, layout, &image.encode(layout)).is_some()
    };
    assert!(altered(|_| {}));
    assert!(!altered(|image| image.state.resting = false));
    assert!(!altered(|image| image.state.forked = 4), "the entry that answers it is no twin");
    assert!(altered(|image| image.state.forked = 3));
    let mut follower = Follower::unborn(artifact);
    for (entry, bytes, head) in &life.entries {
        let before = follower.image.clone();
        let followed = follower.follow(artifact, &before.tail.head, bytes).unwrap();
        assert_eq!((&followed, follower.head()), (entry, *head));
        if entry.sequence > 0 {
            let offer = offer_of(model, layout, &before, entry);
            let again = aqo_model::step::step(model, layout, &before, &offer);
            assert_eq!(again.entry.as_ref(), Some(entry));
        }
        let Cause::Fork(fork) = entry.cause else { continue };
        for fork in
            [Fork { at: 0, ..fork }, Fork { at: 4, ..fork }, Fork { theirs: fork.ours, ..fork }]
        {
            let wrong = Entry { cause: Cause::Fork(fork), ..entry.clone() };
            let answered = aqo_model::step::apply(model, layout, &mut before.clone(), &wrong);
            assert_eq!(answered, Err(aqo_model::step::Misfit::Fork));
        }
        // It follows, but what it leaves is no image.
        let mut awake = before.clone();
        let wrong = Entry { mode: None, ..entry.clone() };
        assert_eq!(aqo_model::step::apply(model, layout, &mut awake, &wrong), Ok(()));
        assert!(Image::decode(model, layout, &awake.encode(layout)).is_none());
    }
}

/// A store of a thermostat to whose log somebody adds the answer to a fork.
#[test]
fn readers_tell_of_a_fork_and_find_one_of_another_lineage() {
    let directory = store();
    let mut heads = Heads::default();
    let mut host = host(directory.path(), Some(room()), &mut heads).unwrap();
    let artifact = host.load(&component("thermostat")).unwrap();
    host.birth(&artifact, "thermostat", &development(), &mut heads).unwrap();
    run(&mut host, 8, &mut heads);
    host.stop().unwrap();
    let lineage = lineage_of(directory.path());
    let mut class = Class::load(&component("thermostat")).unwrap();
    let scan = log::scan(&RealDisk, &directory.path().join("log")).unwrap();
    let records: Vec<Record> = scan.records.into_iter().map(|found| found.record).collect();
    let mut with = |ours: Bytes32| {
        let image = lineage.follower.bytes(&class.artifact);
        let observed = lineage.follower.image.state.now;
        let fork = Fork { at: 5, ours, theirs: Bytes32([9; 32]), verified: true };
        let offer = Offer { kind: OfferKind::Fork(fork), ..Offer::tick(observed, 0, vec![None]) };
        let step = class.step(&image, &offer, &mut Zeros).unwrap().admitted.expect("an entry");
        let height = step.entry().sequence;
        let (previous, entry) = (step.previous(), step.bytes().to_vec());
        let record = Record::Entry { object: lineage.id, height, previous, entry };
        rewritten(directory.path(), [&records[..], &[record]].concat())
    };
    let good = with(lineage.entries[5].1);
    assert_eq!(good.fault, None);
    let (entry, head) = good.entries.last().unwrap();
    let other = with(lineage.entries[4].1).fault.expect("a fault");
    assert_eq!(other.what, "it answers a fork of another lineage");
    assert_eq!(other.sequence, entry.sequence);

    let model = &class.artifact.model;
    let said = present::line(model, &lineage.follower.image, entry, head);
    assert!(said.contains("forked: entry 5 has a twin  dormant, "), "{said}");
    let shown = present::object(&good.resident(&class), &class, entry.now);
    let mode: Vec<&String> = shown.iter().filter(|line| line.contains("dormant")).collect();
    assert_eq!(mode, ["  forked: entry 5 has a twin; dormant"]);
    assert!(shown.iter().any(|line| line == "  trust = -0.500000"), "{shown:?}");
    let json = present::object_json(&good.resident(&class), &class, entry.now);
    assert_eq!(json["forked"], 5);
    let json = present::entry_json(model, "thermostat", &lineage.follower.image, entry, head);
    assert_eq!(json["cause"], "forked: entry 5 has a twin");
    assert_eq!(json["trust"], "-0.500000");
}
