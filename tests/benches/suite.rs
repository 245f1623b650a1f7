//! The common work of `tests/benches/tick.aqo`, ours beside its native limit, in one run.
//!
//! ```text
//! cargo bench -p aqo-tests --bench suite
//! ```
//! Both sides make the same transitions, chain each with BLAKE3 and append it to a log with one sync
//! a group. The native side is a plain Rust program with records of 128 bytes. Times are CPU times
//! of this process, medians of `ROUNDS` rounds that alternate; the ratio is what counts.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot run says so at once")]

use aqo_compiler::{Database, SourceFile, db, emit};
use aqo_model::offer::{Bind, Birth, Message, Offer, OfferKind};
use aqo_model::value::{Bytes32, Value};
use aqo_runtime::class::Class;
use aqo_runtime::environment::{RealDisk, RealRandom};
use aqo_runtime::store::log::{self, Log, Record};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

const OBJECTS: usize = 1_000;
const TICKS: u64 = 20;
/// Steps that one sync makes durable.
const GROUP: usize = 1_000;
const ROUNDS: usize = 5;

fn main() {
    let class = class();
    println!(
        "{} objects, {TICKS} ticks each, groups of {GROUP}, median of {ROUNDS} rounds",
        OBJECTS
    );
    let (mut ours, mut native) = (Vec::new(), Vec::new());
    let mut class = class;
    for _ in 0..ROUNDS {
        native.push(run_native());
        ours.push(run_ours(&mut class));
    }
    let (ours, native) = (median(ours), median(native));
    let steps = (OBJECTS as u64 * TICKS) as f64;
    let each = |time: Duration| time.as_secs_f64() * 1e9 / steps;
    println!("{:<44}{:>12}{:>16}{:>8}", "what", "ours", "native limit", "ratio");
    println!(
        "{:<44}{:>9.0} ns{:>13.0} ns{:>8.2}",
        "sealed tick, durable and grouped, CPU",
        each(ours),
        each(native),
        each(ours) / each(native)
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// CPU time of this process, user and system, from the kernel's own account.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    let nanoseconds: u64 = stat.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(nanoseconds)
}

fn class() -> Class {
    let database = Database::default();
    let file =
        SourceFile::new(&database, "tick.aqo".to_owned(), include_str!("tick.aqo").to_owned());
    let object = db::object_of(&database, file, db::objects(&database, file)[0].0);
    let model = object.model.as_ref().unwrap_or_else(|| panic!("{:#?}", object.problems));
    let component = emit::component(model.model(), &emit::Options::default()).unwrap();
    Class::load(&component).unwrap()
}

fn run_ours(class: &mut Class) -> Duration {
    let directory = tempfile::tempdir().unwrap();
    let scan = log::scan(&RealDisk, directory.path()).unwrap();
    let mut log = Log::open(&RealDisk, directory.path(), &scan).unwrap();
    let mut images = vec![born(class); OBJECTS];
    let start = cpu_time();
    let mut waiting = 0;
    for n in 1..=TICKS {
        for (index, image) in images.iter_mut().enumerate() {
            let message = Message { kind: 0, params: vec![Value::Int(n as i64)], envelope: None };
            let offer = Offer {
                kind: OfferKind::Message(message),
                observed: (n * 1_000_000) as i64,
                served: 0,
                ignored: 0,
                inputs: Vec::new(),
            };
            let answer = class.step(image, &offer, &mut RealRandom).unwrap();
            let admitted = answer.admitted.unwrap();
            assert_eq!(answer.reply, None, "every step commits");
            image.copy_from_slice(admitted.image());
            let mut object = [0; 32];
            object[..8].copy_from_slice(&(index as u64).to_le_bytes());
            log.push(Record::Entry {
                object: Bytes32(object),
                height: n,
                previous: admitted.previous(),
                entry: admitted.bytes().to_vec(),
            });
            waiting += 1;
            if waiting == GROUP {
                log.commit(&RealDisk).unwrap();
                waiting = 0;
            }
        }
    }
    log.commit(&RealDisk).unwrap();
    cpu_time() - start
}

fn born(class: &mut Class) -> Vec<u8> {
    let bind = Bind { host: Bytes32::ZERO, nonce: [0; 16], capabilities: 0 };
    let birth = Birth { creator: Bytes32::ZERO, bind, values: Vec::new(), roles: Vec::new() };
    let offer = Offer {
        kind: OfferKind::Birth(birth),
        observed: 1,
        served: 1,
        ignored: 0,
        inputs: Vec::new(),
    };
    let unborn = class.unborn();
    class.step(&unborn, &offer, &mut RealRandom).unwrap().admitted.unwrap().image().to_vec()
}

/// The native twin's state.
#[derive(Clone)]
struct Native {
    setpoint: i64,
    reading: i64,
    mode: u8,
    ticks: i64,
    switches: i64,
    heat: i64,
    score: i64,
    last: i64,
    head: [u8; 32],
}

impl Native {
    fn step(&mut self, n: i64) -> bool {
        const COUNT: i64 = 1_000_000_000_000;
        if self.score < 100 || !(5_000..=35_000).contains(&self.setpoint) || n != self.last + 1 {
            return false;
        }
        let push = n * 37 % 101 - 50 + [0, 40, -40][usize::from(self.mode)];
        self.reading = (self.reading + push).clamp(-1_000_000, 1_000_000);
        let off = self.reading - self.setpoint;
        let then = match off {
            ..-500 => 1,
            501.. => 2,
            -100..=100 => 0,
            _ => self.mode,
        };
        self.ticks = (self.ticks + 1).min(COUNT);
        self.heat = (self.heat + i64::from(then == 1)).min(COUNT);
        if then == self.mode {
            self.score = (self.score + 1).min(1_000);
        } else {
            self.switches = (self.switches + 1).min(COUNT);
            self.score = (self.score - 1).max(100);
        }
        self.mode = then;
        self.last = n;
        true
    }

    /// A record of 128 bytes, chained.
    fn record(&mut self) -> [u8; 128] {
        let mut record = [0; 128];
        record[..32].copy_from_slice(&self.head);
        let words = [
            self.setpoint,
            self.reading,
            i64::from(self.mode),
            self.ticks,
            self.switches,
            self.heat,
            self.score,
            self.last,
        ];
        for (slot, word) in record[32..96].chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        self.head = *blake3::hash(&record).as_bytes();
        record
    }
}

fn run_native() -> Duration {
    let directory = tempfile::tempdir().unwrap();
    let path: &Path = &directory.path().join("log");
    let mut file = std::fs::File::create(path).unwrap();
    let native = Native {
        setpoint: 21_000,
        reading: 19_000,
        mode: 0,
        ticks: 0,
        switches: 0,
        heat: 0,
        score: 500,
        last: 0,
        head: [0; 32],
    };
    let mut objects = vec![native; OBJECTS];
    let mut group = Vec::with_capacity(128 * GROUP);
    let start = cpu_time();
    for n in 1..=TICKS {
        for object in &mut objects {
            assert!(object.step(n as i64), "every step commits");
            group.extend(object.record());
            if group.len() == 128 * GROUP {
                file.write_all(&group).and_then(|()| file.sync_data()).unwrap();
                group.clear();
            }
        }
    }
    file.write_all(&group).and_then(|()| file.sync_data()).unwrap();
    cpu_time() - start
}
