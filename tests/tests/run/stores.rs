//! Stores: continued, killed, torn, flipped, fought over.

use crate::world::{EXAMPLES, Heads, birth_of, component, development, example, host, room, run};
use aqo_model::value::Bytes32;
use aqo_runtime::config::{HostConfig, Limits};
use aqo_runtime::environment::RealDisk;
use aqo_runtime::host::Host;
use aqo_runtime::lineage::Break;
use aqo_runtime::store::Store;
use aqo_runtime::store::log::{self, Record};
use aqo_runtime::verify::{self, Depth, Lineage};
use std::path::Path;

pub(crate) fn store() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn thermostat(directory: &Path, heads: &mut Heads) -> Host {
    let mut host = host(directory, Some(room()), heads).unwrap();
    let artifact = host.load(&component("thermostat")).unwrap();
    if host.find("thermostat").is_err() {
        host.birth(&artifact, "thermostat", &development(), heads).unwrap();
    }
    host
}

/// The lineage of the one object of a store, every step derived again.
pub(crate) fn lineage_of(directory: &Path) -> Lineage {
    let store = Store::look(directory, Box::new(RealDisk)).unwrap();
    let reading = verify::read(&store, Depth { rederive: true }).unwrap();
    reading.lineages.into_values().next().expect("one object lives here")
}

fn heads_on_disk(directory: &Path) -> Vec<String> {
    let lineage = lineage_of(directory);
    assert_eq!(lineage.fault, None);
    lineage.entries.iter().map(|(_, head)| head.to_string()).collect()
}

#[test]
fn a_second_run_goes_on_where_the_first_stopped() {
    let directory = store();
    let mut heads = Heads::default();
    let mut first = thermostat(directory.path(), &mut heads);
    run(&mut first, 6, &mut heads);
    first.stop().unwrap();
    let mut second = thermostat(directory.path(), &mut heads);
    run(&mut second, 6, &mut heads);
    second.stop().unwrap();
    assert_eq!(heads.heads.len(), 13, "a birth and twelve entries");
    assert_eq!(heads_on_disk(directory.path()), heads.heads);
}

/// Without a clean stop nothing is written at the end: what is on the disk is what a kill leaves.
#[test]
fn what_was_recorded_survives_without_a_clean_stop() {
    let directory = store();
    let mut heads = Heads::default();
    for _ in 0..4 {
        let mut host = thermostat(directory.path(), &mut heads);
        run(&mut host, 3, &mut heads);
        drop(host);
    }
    assert_eq!(heads_on_disk(directory.path()), heads.heads);
    // The images are a shortcut: without them the start gives the same.
    let mut host = thermostat(directory.path(), &mut heads);
    host.checkpoint().unwrap();
    drop(host);
    let head = |host: &Host| {
        let (object, class) = host.objects().next().expect("one object lives here");
        aqo_runtime::host::head(object, class)
    };
    let with = head(&thermostat(directory.path(), &mut heads));
    std::fs::remove_dir_all(directory.path().join("images")).unwrap();
    assert_eq!(head(&thermostat(directory.path(), &mut heads)), with);
}

#[test]
fn a_process_that_is_killed_loses_nothing_that_it_printed() {
    use std::io::{BufRead, BufReader};
    let directory = store();
    let binary = binary("aqr");
    let wasm = directory.path().join("thermostat.wasm");
    std::fs::write(&wasm, component("thermostat")).unwrap();
    let home = directory.path().join("home");
    let config = example("thermostat").join("host.toml");
    let mut printed = Vec::new();
    for round in 0..5 {
        let mut child = std::process::Command::new(&binary)
            .arg("run")
            .arg(&wasm)
            .args(["--development", "--json", "--speed", "max", "--store"])
            .arg(&home)
            .arg("--host")
            .arg(&config)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.take(3 + round).map_while(Result::ok) {
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
            printed.push(entry["head"].as_str().unwrap().to_owned());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = heads_on_disk(&home);
        for head in &printed {
            assert!(kept.contains(head), "round {round}: {head} was printed and is lost");
        }
    }
}

/// The binary that this build made.
pub(crate) fn binary(name: &str) -> std::path::PathBuf {
    let status = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--workspace", "--bin", name])
        .status()
        .unwrap();
    assert!(status.success());
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join(name)
}

/// The same source gives the same component in any directory, and what it carries can be read back.
#[test]
fn a_build_is_the_same_in_two_directories() {
    let directory = store();
    let aqc = binary("aqc");
    let mut built = Vec::new();
    for place in ["one", "two/deeper"] {
        let home = directory.path().join(place);
        copy(&example("thermostat"), &home);
        let out = home.join("out.wasm");
        let status = std::process::Command::new(&aqc)
            .current_dir(&home)
            .args(["build", ".", "-o"])
            .arg(&out)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        built.push(std::fs::read(&out).unwrap());
    }
    assert!(built[0] == built[1], "two directories gave two components");
    let out = directory.path().join("one/out.wasm");
    let inspected = std::process::Command::new(&aqc).arg("inspect").arg(&out).output().unwrap();
    let text = String::from_utf8(inspected.stdout).unwrap();
    for part in ["field setpoint", "every 5s", "flow mode", "limit short_cycling", "sealed"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn every_flipped_byte_of_the_log_is_found_or_harmless() {
    let directory = store();
    let mut heads = Heads::default();
    let mut host = thermostat(directory.path(), &mut heads);
    run(&mut host, 3, &mut heads);
    drop(host);
    let path = directory.path().join("log/0000000000000000.log");
    let whole = std::fs::read(&path).unwrap();
    let end = log::scan(&RealDisk, &directory.path().join("log")).unwrap().end.1 as usize;
    let (mut found, mut named) = (0, 0);
    for at in 0..end {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&path, &flipped).unwrap();
        let store = Store::look(directory.path(), Box::new(RealDisk)).unwrap();
        match verify::read(&store, Depth::default()) {
            Err(_) => found += 1,
            Ok(reading) => {
                assert!(
                    reading.scan.damage.is_some(),
                    "byte {at} was flipped and nothing was noticed"
                );
                found += 1;
                named +=
                    usize::from(reading.lineages.values().any(|lineage| lineage.fault.is_some()));
            }
        }
    }
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(found, end);
    assert!(named * 2 > end, "most damage lies in entries, and is named: {named} of {end}");
    println!("{end} bytes flipped, {named} named as an entry");
}

#[test]
fn a_torn_tail_is_cut_off_and_corruption_stops_the_start() {
    let directory = store();
    let mut heads = Heads::default();
    let mut host = thermostat(directory.path(), &mut heads);
    run(&mut host, 4, &mut heads);
    drop(host);
    let path = directory.path().join("log/0000000000000000.log");
    let log_directory = directory.path().join("log");
    let whole = std::fs::read(&path).unwrap();
    let scan = log::scan(&RealDisk, &log_directory).unwrap();
    let last = scan
        .records
        .iter()
        .rev()
        .find(|found| matches!(found.record, Record::Entry { .. }))
        .unwrap();
    let mut torn = whole.clone();
    torn[last.offset as usize + 60..].fill(0);
    std::fs::write(&path, &torn).unwrap();
    let mut notes = Heads::default();
    let reopened = thermostat(directory.path(), &mut notes);
    assert!(notes.notes.iter().any(|note| note.contains("torn")), "{:?}", notes.notes);
    drop(reopened);
    let kept = heads_on_disk(directory.path());
    assert_eq!(kept, heads.heads[..heads.heads.len() - 1]);

    let mut corrupt = whole;
    corrupt[scan.records[2].offset as usize + 100] ^= 1;
    std::fs::write(&path, &corrupt).unwrap();
    std::fs::remove_dir_all(directory.path().join("images")).unwrap();
    let error = host_error(directory.path());
    assert!(error.contains("damaged at segment 0") && error.contains("entry 1"), "{error}");
}

fn host_error(directory: &Path) -> String {
    match host(directory, Some(room()), &mut Heads::default()) {
        Ok(_) => panic!("the store must not open"),
        Err(error) => error.to_string(),
    }
}

/// A checkpoint knows how far the log once went: what is missing is not taken for what never was.
#[test]
fn a_log_that_lost_its_end_is_noticed() {
    let directory = store();
    let mut heads = Heads::default();
    let mut living = thermostat(directory.path(), &mut heads);
    run(&mut living, 3, &mut heads);
    living.stop().unwrap();
    let path = directory.path().join("log/0000000000000000.log");
    let whole = std::fs::read(&path).unwrap();
    let scan = log::scan(&RealDisk, &directory.path().join("log")).unwrap();
    let last = scan.records.last().unwrap().offset as usize;
    let mut short = whole.clone();
    short[last..].fill(0);
    for lost in [short, Vec::new(), vec![7; 4_000]] {
        std::fs::write(&path, &lost).unwrap();
        let error = host_error(directory.path());
        assert!(error.contains("checkpoint") || error.contains("damaged"), "{error}");
        let store = Store::look(directory.path(), Box::new(RealDisk)).unwrap();
        let reading = verify::read(&store, Depth::default()).unwrap();
        assert!(reading.lost.is_some() || reading.scan.damage.is_some());
        assert_eq!(std::fs::read(&path).unwrap(), lost, "nothing was cut off");
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(host(directory.path(), Some(room()), &mut heads).is_ok());
}

#[test]
fn what_people_say_cannot_act_on_a_terminal() {
    assert_eq!(aqo_runtime::present::plain("a\u{1b}[31m\n  9 forged"), "a\\u{1b}[31m\\n  9 forged");
    let directory = store();
    let mut heads = Heads::default();
    let mut host = host(directory.path(), None, &mut heads).unwrap();
    let artifact = host.load(&component("thermostat")).unwrap();
    for name in ["", "a\nb", "../evil"] {
        assert!(host.birth(&artifact, name, &development(), &mut heads).is_err(), "{name:?}");
    }
}

/// While a host owns the store, others speak through its door; afterwards the door is gone.
#[test]
fn somebody_speaks_to_an_object_that_runs() {
    use aqo_runtime::door::{Wake, ask};
    use aqo_runtime::host::Saying;
    use aqo_runtime::run::{Options, Speed, Wakes, run};
    let directory = store();
    let wakes = Wakes::default();
    let stop = wakes.sender();
    let home = directory.path().to_owned();
    let running = std::thread::spawn(move || {
        let options = Options {
            store: Some(home),
            steps: None,
            speed: Speed::Times(60.0),
            config: room(),
            name: None,
            birth: development(),
        };
        let mut heads = Heads::default();
        let summary = run(&component("thermostat"), options, &wakes, &mut heads).unwrap();
        (summary.head.to_string(), heads.heads)
    });
    let saying = |value: &str| Saying {
        object: "thermostat".to_owned(),
        message: "adjust".to_owned(),
        values: vec![("to".to_owned(), value.to_owned())],
        role: Some("operator".to_owned()),
        key: None,
        consents: false,
        signed: None,
        json: true,
    };
    let taken = loop {
        // The door opens when the object has been born.
        match ask(directory.path(), &saying("21.50")).unwrap() {
            Some(said) => break said,
            None => std::thread::yield_now(),
        }
    };
    assert_eq!((taken.refused, taken.wrong), (None, None));
    assert!(taken.lines.last().is_some_and(|line| line.contains("21.50")), "{:?}", taken.lines);
    let refused = ask(directory.path(), &saying("99.00")).unwrap().unwrap();
    assert_eq!(refused.refused.as_deref(), Some("range"));
    let wrong = ask(directory.path(), &saying("warm")).unwrap().unwrap();
    assert!(wrong.wrong.is_some_and(|wrong| wrong.contains("`warm` is not a decimal")));
    stop.send(Wake::Stop).unwrap();
    let (head, heads) = running.join().unwrap();
    assert_eq!(heads.last(), Some(&head));
    assert_eq!(heads_on_disk(directory.path()), heads);
    assert!(ask(directory.path(), &saying("20.00")).unwrap().is_none(), "the door is closed");
}

#[test]
fn a_store_has_one_owner() {
    let directory = store();
    let mut heads = Heads::default();
    let host = thermostat(directory.path(), &mut heads);
    let error = host_error(directory.path());
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    drop(host);
    assert!(crate::world::host(directory.path(), Some(room()), &mut heads).is_ok());
}

#[test]
fn every_example_is_born_and_verifies() {
    for name in EXAMPLES {
        let directory = store();
        let mut heads = Heads::default();
        let mut host = host(directory.path(), None, &mut heads).unwrap();
        let artifact = host.load(&component(name)).unwrap();
        host.birth(&artifact, name, &birth_of(name), &mut heads).unwrap();
        host.stop().unwrap();
        assert_eq!(heads_on_disk(directory.path()), heads.heads);
    }
}

/// As its README says: with its own host, and by the store verified afterwards.
#[test]
fn every_example_runs_and_ends() {
    for name in EXAMPLES {
        let directory = store();
        let at = directory.path().to_str().unwrap();
        let path = example(name);
        // Most wait for somebody to speak at some time, and would wait for ever.
        let steps = match name {
            "thermostat" | "pump_station" | "machine_twin" => "5",
            "medicine_cabinet" => "1",
            _ => "0",
        };
        let run = ["run", path.to_str().unwrap(), "--store", at, "--steps", steps];
        let verify = ["verify", "--store", at, "--rederive"];
        let calls = [("aqc", &run[..], " birth  "), ("aqr", &verify[..], " hold")];
        for (program, arguments, mark) in calls {
            let done =
                std::process::Command::new(binary(program)).args(arguments).output().unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (out, err) = (text(&done.stdout), text(&done.stderr));
            assert!(done.status.success() && out.contains(mark), "{name}: {out}{err}");
        }
    }
}

#[test]
fn a_birth_lists_all_that_is_missing() {
    let directory = store();
    let mut heads = Heads::default();
    let mut host = host(directory.path(), None, &mut heads).unwrap();
    let artifact = host.load(&component("thermostat")).unwrap();
    let error =
        host.birth(&artifact, "t", &Default::default(), &mut heads).err().unwrap().to_string();
    assert!(error.contains("--role operator=") && error.contains("--role service="), "{error}");
}

#[test]
fn a_forged_signature_is_found() {
    use aqo_model::policy::Reason;
    use aqo_model::value::Value;
    use aqo_runtime::environment::RealRandom;
    use aqo_runtime::keys::Key;
    let directory = store();
    let mut heads = Heads::default();
    let mut host = thermostat(directory.path(), &mut heads);
    let id = host.find("thermostat").unwrap();
    let stranger = Key::generate(&mut RealRandom);
    let reply =
        host.send(&id, 0, vec![Value::Int(2_100)], Some((0, &stranger)), &mut heads).unwrap();
    assert_eq!(reply, Some(Reason::ROLE), "a key that holds no role");
    assert_eq!(heads.heads.len(), 1, "what anybody could have sent leaves no entry");
    let operator = host.key_for("operator", None).unwrap();
    let reply =
        host.send(&id, 0, vec![Value::Int(2_100)], Some((0, &operator)), &mut heads).unwrap();
    assert_eq!(reply, None);
    drop(host);
    let fault = forge(directory.path(), |record| {
        if let Record::Entry { height: 1, entry, .. } = record {
            let at = entry
                .windows(2)
                .position(|pair| pair == [0x58, 0x40])
                .expect("a signature of 64 bytes");
            entry[at + 2] ^= 1;
        }
    });
    assert_eq!(fault.sequence, 1);
    assert!(fault.what.contains("its message is not signed"), "{fault}");
}

/// What verification finds where a lying host wrote its log anew with other records.
pub(crate) fn forge(directory: &Path, change: impl Fn(&mut Record)) -> Break {
    let scan = log::scan(&RealDisk, &directory.join("log")).unwrap();
    let mut records: Vec<Record> = scan.records.into_iter().map(|found| found.record).collect();
    records.iter_mut().for_each(change);
    rewritten(directory, records).fault.expect("a fault")
}

/// The lineage of the one object of a store whose log holds these records.
pub(crate) fn rewritten(directory: &Path, records: Vec<Record>) -> Lineage {
    let store = Store::look(directory, Box::new(RealDisk)).unwrap();
    let mut forged = log::Scan::default();
    let other = self::store();
    forged.end = (0, 0);
    let mut log = log::Log::open(&RealDisk, &other.path().join("log"), &forged).unwrap();
    records.into_iter().for_each(|record| log.push(record));
    log.commit(&RealDisk).unwrap();
    for part in ["artifacts", "store.json"] {
        copy(&store.directory.join(part), &other.path().join(part));
    }
    let store = Store::look(other.path(), Box::new(RealDisk)).unwrap();
    let reading = verify::read(&store, Depth { rederive: true }).unwrap();
    reading.lineages.into_values().next().unwrap()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

fn digest_of(component: &[u8]) -> Bytes32 {
    Bytes32(*blake3::hash(component).as_bytes())
}

#[test]
fn what_costs_too_much_is_not_taken_in() {
    let directory = store();
    let component = component("thermostat");
    let cost = aqo_emit::read(&component).unwrap().step_instructions();
    let config = |most: u64| HostConfig {
        limits: Limits { step_instructions: most },
        ..HostConfig::default()
    };
    let mut heads = Heads::default();
    let mut poor = host(directory.path(), Some(config(cost - 1)), &mut heads).unwrap();
    let refused = poor.load(&component).unwrap_err().to_string();
    assert!(refused.contains(&format!("may cost {cost} instructions")), "{refused}");
    assert!(poor.objects().next().is_none() && poor.class(&digest_of(&component)).is_none());
    drop(poor);

    let mut able = host(directory.path(), Some(config(cost)), &mut heads).unwrap();
    let artifact = able.load(&component).unwrap();
    able.birth(&artifact, "thermostat", &development(), &mut heads).unwrap();
    drop(able);
    // Nor is what lives there when a host can no longer afford it.
    assert!(host(directory.path(), Some(config(cost - 1)), &mut heads).is_err());
    host(directory.path(), None, &mut heads).unwrap();
}
