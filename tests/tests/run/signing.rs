//! What is signed away from the store: readings that a provider passes on, and messages that somebody
//! carries.

use crate::stores::{binary, forge, lineage_of, store};
use crate::world::{Heads, component_of, host, run};
use aqo_model::value::{Bytes32, Value};
use aqo_runtime::config::HostConfig;
use aqo_runtime::environment::RealRandom;
use aqo_runtime::host::{BirthValues, Host};
use aqo_runtime::keys::{Key, bytes64, is_signed};
use aqo_runtime::sign::Signer;
use aqo_runtime::store::log::Record;
use std::path::Path;
use std::process::{Command, Stdio};

const SHED: &str = "
module demo.shed

object Shed version 1 {
    role probe
    role owner

    field last: int in -40 ..= 60 = 0

    input heat: int? in -40 ..= 60 from probe fresh 1min

    message pass_on(to: key) from owner
    message fix(to: int in -40 ..= 60) from owner

    cycle every 1s

    rule take_pass_on on pass_on(to) { set probe = to }
    rule take_fix on fix(to) { set last = to }
    rule note on tick when heat is some(x) and x != last { set last = x }
}
";

/// A shed on a host whose provider says what stands in a file.
struct Shed {
    directory: tempfile::TempDir,
    host: Host,
    id: Bytes32,
    component: Vec<u8>,
    heads: Heads,
}

impl Shed {
    fn new(probe: &Key, owner: &Key) -> Shed {
        let directory = store();
        let script = "while read -r question; do cat says.json; done";
        let config = format!(
            "[providers.probe]\ncommand = [\"sh\", \"-c\", '{script}']\n[inputs]\nheat = \"probe\"\n"
        );
        std::fs::write(directory.path().join("host.toml"), config).unwrap();
        std::fs::write(directory.path().join("says.json"), "{}\n").unwrap();
        let config = HostConfig::read(&directory.path().join("host.toml")).unwrap();
        let mut heads = Heads::default();
        let mut host = host(&directory.path().join("home"), Some(config), &mut heads).unwrap();
        let component = component_of(SHED);
        let artifact = host.load(&component).unwrap();
        let roles = [("probe", probe), ("owner", owner)];
        let roles = roles.map(|(role, key)| (role.to_owned(), vec![key.public()]));
        let birth = BirthValues { roles: roles.into(), ..BirthValues::default() };
        let id = host.birth(&artifact, "shed", &birth, &mut heads).unwrap();
        Shed { directory, host, id, component, heads }
    }

    fn now(&mut self) -> i64 {
        self.host.clock().now()
    }

    /// What a probe of this key says.
    fn reading(&self, key: &Key, value: &str, at: i64, epoch: u32) -> String {
        let (_, class) = self.host.object(&self.id).unwrap();
        let model = &class.artifact.model;
        let signer = Signer { model, object: self.id, key, epoch, now: at };
        signer.reading("heat", value, at).unwrap().to_string()
    }

    /// Lets a second pass while the provider says this; gives how many entries that left.
    fn hear(&mut self, line: &str) -> usize {
        // Another file under the name: the child may still be reading the one before.
        let (says, next) =
            (self.directory.path().join("says.json"), self.directory.path().join("next"));
        std::fs::write(&next, format!("{line}\n")).unwrap();
        std::fs::rename(&next, &says).unwrap();
        let before = self.heads.heads.len();
        let later = self.now() + 1_000_000;
        self.host.clock().idle_until(later);
        self.host.tick(u64::MAX, &mut self.heads).unwrap();
        self.heads.heads.len() - before
    }

    fn last_note(&self) -> &str {
        self.heads.notes.last().map_or("", String::as_str)
    }
}

fn keys() -> [Key; 3] {
    std::array::from_fn(|_| Key::generate(&mut RealRandom))
}

#[test]
fn a_signed_reading_counts_and_others_do_not() {
    let [probe, owner, stranger] = keys();
    let mut shed = Shed::new(&probe, &owner);
    let start = shed.now();
    assert_eq!(shed.hear("{\"heat\":\"21\"}"), 0);
    assert!(shed.last_note().contains("not signed, and `probe` is to sign it"));
    let line = shed.reading(&probe, "21", start, 0);
    assert_eq!(shed.hear(&line.replace("\"21\"", "\"22\"")), 0, "another value");
    assert!(shed.last_note().contains("signed is not this object, value"), "{}", shed.last_note());
    assert_eq!(shed.hear(&line), 1);
    assert_eq!(shed.hear(&line), 0, "the same again is nothing new");
    let strange = shed.reading(&stranger, "22", start + 1, 0);
    assert_eq!(shed.hear(&strange), 0, "who holds no role");
    assert!(shed.last_note().contains("does not hold `probe`"), "{}", shed.last_note());
    let older = shed.reading(&probe, "22", start - 1, 0);
    assert_eq!(shed.hear(&older), 0, "from before the one that is recorded");
    assert!(shed.last_note().contains("is recorded already"), "{}", shed.last_note());
    let ahead = shed.now() + 700_000_000;
    let ahead = shed.reading(&probe, "22", ahead, 0);
    assert_eq!(shed.hear(&ahead), 0, "more than ten minutes ahead");
    assert!(shed.last_note().contains("10 minutes ahead"), "{}", shed.last_note());
    let newer = shed.reading(&probe, "22", start + 2, 0);
    assert_eq!(shed.hear(&newer), 1);
    // The probe is exchanged: what it signed, and what is signed for its epoch, is void.
    let key = Value::Bytes32(stranger.public());
    let owner = Some((1, &owner));
    assert_eq!(shed.host.send(&shed.id, 0, vec![key], owner, &mut shed.heads).unwrap(), None);
    let old = shed.reading(&probe, "23", start + 3, 0);
    assert_eq!(shed.hear(&old), 0);
    let early = shed.reading(&stranger, "23", start + 3, 0);
    assert_eq!(shed.hear(&early), 0, "it does not know of its role");
    assert!(shed.last_note().contains("epoch 0 of `probe`, which is 1"), "{}", shed.last_note());
    let good = shed.reading(&stranger, "23", start + 3, 1);
    assert_eq!(shed.hear(&good), 1);
    let home = shed.directory.path().join("home");
    drop(shed.host);
    assert_eq!(lineage_of(&home).fault, None);
}

#[test]
fn a_damaged_answer_is_told_of() {
    let [probe, owner, _] = keys();
    let mut shed = Shed::new(&probe, &owner);
    let now = shed.now();
    let line = shed.reading(&probe, "21", now, 0);
    let key = probe.public().to_string();
    for (wrong, what) in [
        (line.replace(&key, &key[1..]), "no proper `key`"),
        (line.replace("\"epoch\":0", "\"epoch\":-1"), "no proper `epoch`"),
        (line.replace("\"at\"", "\"when\""), "no proper `at`"),
        (line.replace("\"signature\":\"", "\"signature\":\"x"), "no proper `signature`"),
        (line.replace("\"21\"", "null"), "no proper `value`"),
        (line.replace("\"21\"", "\"warm\""), "`warm` is not a whole number"),
        (line.replace("\"21\"", "\"99\""), "99 is not a whole number in -40 ..= 60"),
    ] {
        assert_ne!(wrong, line);
        assert_eq!(shed.hear("{}"), 0);
        shed.heads.notes.clear();
        assert_eq!(shed.hear(&wrong), 0);
        assert!(shed.last_note().contains(what), "{what}: {}", shed.last_note());
        shed.heads.notes.clear();
        assert_eq!(shed.hear(&wrong), 0);
        assert_eq!(shed.last_note(), "", "it is told once");
        // What is good again makes the next fault news; its value is the one that is kept.
        shed.hear(&line);
    }
}

#[test]
fn a_reading_with_a_forged_signature_is_found() {
    let [probe, owner, _] = keys();
    let mut shed = Shed::new(&probe, &owner);
    let now = shed.now();
    let line = shed.reading(&probe, "21", now, 0);
    assert_eq!(shed.hear(&line), 1);
    run(&mut shed.host, 0, &mut shed.heads);
    let home = shed.directory.path().join("home");
    drop(shed.host);
    let fault = forge(&home, |record| {
        if let Record::Entry { height: 1, entry, .. } = record {
            let at = entry.windows(2).position(|pair| pair == [0x58, 0x40]);
            entry[at.expect("a signature of 64 bytes") + 2] ^= 1;
        }
    });
    assert_eq!(fault.sequence, 1);
    assert!(fault.what.contains("a reading of it is not signed"), "{fault}");
}

/// Each refusal is an entry: who floods is not offered, and nobody else is silenced by it.
#[test]
fn a_key_that_is_refused_too_often_is_slowed_down() {
    let [probe, owner, stranger] = keys();
    let mut shed = Shed::new(&probe, &owner);
    let fix = |shed: &mut Shed, key: &Key, role: u16, value: i64| {
        let by = Some((role, key));
        let reply = shed.host.send(&shed.id, 1, vec![Value::Int(value)], by, &mut shed.heads);
        reply.map(|reply| reply.map(|reason| reason.0)).map_err(|error| error.to_string())
    };
    let range = Some(aqo_model::policy::Reason::RANGE.0);
    for _ in 0..16 {
        assert_eq!(fix(&mut shed, &owner, 1, 99), Ok(range));
    }
    let entries = shed.heads.heads.len();
    let told = fix(&mut shed, &owner, 1, 7).unwrap_err();
    assert!(told.contains("slow_down: 16 messages"), "{told}");
    assert_eq!(shed.heads.heads.len(), entries, "it was not offered");
    // Another key is heard: it may not say this, which is recorded.
    let role = Some(aqo_model::policy::Reason::ROLE.0);
    assert_eq!(fix(&mut shed, &probe, 0, 7), Ok(role));
    assert_eq!(fix(&mut shed, &stranger, 1, 7), Ok(role), "who holds no role leaves no entry");
    let later = shed.now() + 60_000_000;
    shed.host.clock().idle_until(later);
    assert_eq!(fix(&mut shed, &owner, 1, 7), Ok(None), "its counter was not burnt");
}

/// The id of an object, its component in a file, and a key in a file, as the command line has them.
fn outside(shed: &Shed, key: &Key) -> [String; 3] {
    let (wasm, pem) =
        (shed.directory.path().join("shed.wasm"), shed.directory.path().join("k.pem"));
    std::fs::write(&wasm, &shed.component).unwrap();
    key.write(&aqo_runtime::environment::RealDisk, &pem).unwrap();
    [shed.id.to_string(), wasm.display().to_string(), pem.display().to_string()]
}

/// Calls `aqr`: its exit code and all that it said.
pub(crate) fn aqr(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(binary("aqr")).args(arguments).stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn a_message_is_signed_in_one_place_and_sent_from_another() {
    let [probe, owner, stranger] = keys();
    let shed = Shed::new(&probe, &owner);
    let [id, wasm, pem] = outside(&shed, &owner);
    let home = shed.directory.path().join("home").display().to_string();
    let Shed { host, directory, .. } = shed;
    drop(host);
    let sign = |more: &[&str]| {
        let head = ["sign", &wasm, "fix", "to=7", "--object", &id, "--key", &pem];
        // The shed's clock stands at the beginning of 2027.
        aqr(&[&head[..], &["--at", "2027-01-01T00:00:01Z"], more].concat())
    };
    let (code, line) = sign(&[]);
    assert_eq!(code, 0, "{line}");
    let file = directory.path().join("fix.json").display().to_string();
    std::fs::write(&file, &line).unwrap();
    let send = || aqr(&["send", "shed", "--signed", &file, "--store", &home]);
    let (code, said) = send();
    assert_eq!(code, 0, "{said}");
    let (code, said) = send();
    assert!(code == 1 && said.contains("refused: replay"), "{said}");
    std::fs::write(&file, line.replace("\"7\"", "\"8\"")).unwrap();
    let (code, said) = send();
    assert!(code == 1 && said.contains("refused: evidence"), "{said}");
    std::fs::write(&file, sign(&["--valid", "30min"]).1.replace("\"fix\"", "\"fux\"")).unwrap();
    let (code, said) = send();
    assert!(code == 1 && said.contains("takes no message `fux`"), "{said}");
    std::fs::write(&file, "{}").unwrap();
    let (code, said) = send();
    assert!(code == 1 && said.contains("no signed message"), "{said}");
    for (wrong, what) in [
        (&["--valid", "8d"][..], "valid for 1us to 7d"),
        (&["--as", "probe"], "add `--as owner`"),
        (&["--valid", "soon"], "is no duration"),
    ] {
        let (code, said) = sign(wrong);
        assert!(code > 0 && said.contains(what), "{said}");
    }
    let reading =
        |what: &str, object: &str| aqr(&["sign", &wasm, what, "--object", object, "--key", &pem]);
    assert!(reading("cold=7", &id).1.contains("there is heat"));
    let (_, said) = reading("heat=99", &id);
    assert!(said.contains("99 is not a whole number in -40 ..= 60"), "{said}");
    assert!(reading("heat=9", "abc").1.contains("64 hex digits"));
    let (code, said) = aqr(&["sign", &wasm, "heat=9", "--object", &id, "--key", "nobody"]);
    assert!(code == 1 && said.contains("no key `nobody` is at hand"), "{said}");
    let both = ["sign", &wasm, "heat=9", "cold=7", "--object", &id, "--key", &pem];
    let (code, said) = aqr(&both);
    assert!(code == 2 && said.contains("a reading is one INPUT=VALUE"), "{said}");
    let (code, said) = reading("heat=9", &id);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, said["heat"]["value"].as_str()), (0, Some("9")));
    drop(stranger);
    assert_eq!(lineage_of(Path::new(&home)).entries.len(), 2);
}

/// A key that `aqr key new` made is named wherever a key is.
#[test]
fn a_key_goes_by_its_name() {
    let directory = store();
    let wasm = directory.path().join("shed.wasm").display().to_string();
    std::fs::write(&wasm, component_of(SHED)).unwrap();
    let home = directory.path().join("home").display().to_string();
    let call = |arguments: &[&str]| {
        let mut command = Command::new(binary("aqr"));
        let command = command.args(arguments).stdin(Stdio::null());
        let output = command.env("XDG_CONFIG_HOME", directory.path()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    };
    for name in ["ann", "bo"] {
        assert_eq!(call(&["key", "new", name]).0, 0);
    }
    let birth = |owner: &str| {
        let owner = format!("owner={owner}");
        call(&["birth", &wasm, "--store", &home, "--role", "probe=bo", "--role", &owner])
    };
    let (code, said) = birth("cy");
    assert!(code == 1 && said.contains("no key `cy` is at hand"), "{said}");
    let (code, said) = birth("ann");
    assert_eq!(code, 0, "{said}");
    let send = ["send", "shed", "fix", "to=7", "--as", "owner", "--key", "ann", "--store", &home];
    let (code, said) = call(&send);
    assert_eq!(code, 0, "{said}");
}

/// All encodings of points of small order, those that are not canonical included.
const SMALL: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// The order of the group: 2^252 + 27742317777372353535851937790883648493, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A key of small order signs whatever it likes: with s = 0 and an R of small order, the equation
/// holds for one message in a few. None of these is anybody's word.
#[test]
fn keys_and_points_of_small_order_sign_nothing() {
    let point = |hex: &str| Bytes32::from_hex(hex).unwrap();
    for key in SMALL.map(point) {
        for r in SMALL.map(point) {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&r.0);
            for message in 0..16_u8 {
                assert!(!is_signed(&key, &[message], &signature), "{key} {r}");
            }
        }
    }
    let [owner, ..] = keys();
    for r in SMALL.map(point) {
        let mut signature = owner.sign(b"a");
        signature[..32].copy_from_slice(&r.0);
        assert!(!is_signed(&owner.public(), b"a", &signature), "{r}");
    }
}

/// A signature has one form: s and s + the group's order would say the same.
#[test]
fn a_signature_cannot_be_written_twice() {
    let [owner, ..] = keys();
    let signature = owner.sign(b"a");
    assert!(is_signed(&owner.public(), b"a", &signature));
    let (mut other, mut carry) = (signature, 0);
    for (byte, add) in other[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
    assert!(!is_signed(&owner.public(), b"a", &other));
}

/// Published edge cases: points with a part of small order, forms that are not canonical.
#[test]
fn published_edge_cases_are_judged_strictly() {
    let vectors = include_str!("../../fixtures/ed25519.txt");
    let lines = vectors.lines().filter(|line| !line.starts_with('#'));
    let mut accepted = 0;
    for line in lines {
        let [accept, key, signature, message, flags] =
            line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let signature = bytes64(signature).unwrap();
        let message = message.replace('_', " ");
        let key = Bytes32::from_hex(key).unwrap();
        let good = is_signed(&key, message.as_bytes(), &signature);
        assert_eq!(good, accept == "1", "{flags}: {message}");
        accepted += usize::from(good);
    }
    assert_eq!(accepted, 43, "cofactorless: parts of small order that cancel out are accepted");
}
