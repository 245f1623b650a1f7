//! What is private: kept by the host, told to nobody, and chained as commitments.

use crate::signing::aqr;
use crate::stores::{binary, forge, lineage_of, store};
use crate::world::{Heads, component_of, host as host_of, model_of, run};
use aqo_model::entry::{Entry, Salt, chain, state_digest};
use aqo_model::image::Image;
use aqo_model::layout::Layout;
use aqo_model::value::{Bytes32, Value};
use aqo_runtime::config::HostConfig;
use aqo_runtime::environment::{RealDisk, RealRandom};
use aqo_runtime::host::{BirthValues, Host};
use aqo_runtime::keys::Key;
use aqo_runtime::store::log::{self, Record};
use aqo_tests::reader::{Item, commitments, read};
use std::path::Path;

const PAYROLL: &str = "
module demo.payroll

object Payroll version 1 {
    role clerk

    field salary: int in 0 ..= 9_999_999_999_999 private
    field why: text<20> = \"\" private
    field raises: int in 0 ..= 1_000 = 0

    derive yearly: int in 0 ..= 119_999_999_999_988 = salary * 12

    input market: int? in 0 ..= 9_999_999_999_999

    message raise(to: int in 0 ..= 9_999_999_999_999, because: text<20>, loud: bool) from clerk

    cycle every 1h

    rule take_raise on raise(to, because, loud) {
        set salary = to
        set why = because
        if loud { set raises = clamp(raises + 1) }
    }
    rule follow on tick when market is some(m) and m > salary { set salary = m }
}
";

/// What nobody may read: birth value, message and input. No digest shows so many digits by chance.
const SECRETS: [&str; 4] = ["7771000111222", "8882000111222", "9993000111222", "a secret of hers"];

/// A host on which a salary was born, raised, and raised again by what the market pays.
fn payroll(directory: &Path) -> (Host, Bytes32, Heads) {
    let script = "while read -r question; do echo '{\"market\":\"9993000111222\"}'; done";
    let config = format!(
        "[providers.street]\ncommand = [\"sh\", \"-c\", '''{script}''']\n[inputs]\nmarket = \"street\"\n"
    );
    std::fs::write(directory.join("host.toml"), config).unwrap();
    let config = HostConfig::read(&directory.join("host.toml")).unwrap();
    let mut heads = Heads::default();
    let mut host = host_of(&directory.join("home"), Some(config), &mut heads).unwrap();
    let artifact = host.load(&component_of(PAYROLL)).unwrap();
    let clerk = Key::generate(&mut RealRandom);
    let birth = BirthValues {
        fields: [("salary".to_owned(), SECRETS[0].to_owned())].into(),
        roles: [("clerk".to_owned(), vec![clerk.public()])].into(),
        development: false,
    };
    let id = host.birth(&artifact, "ann", &birth, &mut heads).unwrap();
    let raise =
        vec![Value::Int(8_882_000_111_222), Value::Text(SECRETS[3].to_owned()), Value::Bool(true)];
    assert_eq!(host.send(&id, 0, raise, Some((0, &clerk)), &mut heads).unwrap(), None);
    run(&mut host, 1, &mut heads);
    (host, id, heads)
}

/// The entries of a store as it keeps them.
fn kept(directory: &Path) -> Vec<Vec<u8>> {
    let scan = log::scan(&RealDisk, &directory.join("home/log")).unwrap();
    let entries = scan.records.into_iter().filter_map(|found| match found.record {
        Record::Entry { entry, .. } => Some(entry),
        Record::Object { .. } | Record::Cursor { .. } => None,
    });
    entries.collect()
}

#[test]
fn who_has_the_chained_form_follows_it_and_reads_no_secret() {
    let directory = store();
    let (host, id, heads) = payroll(directory.path());
    drop(host);
    let checked = model_of("payroll", PAYROLL.to_owned());
    let model = checked.model();
    let mut head = model.class();
    let mut hidden = Vec::new();
    for (kept, wanted) in kept(directory.path()).iter().zip(&heads.heads) {
        let (entry, body) = Entry::decode_prefix(model, kept).unwrap();
        let salt = entry.salt(model, kept).expect("each of these hides something");
        hidden.push(commitments(model, &entry, &salt).unwrap());
        // What a reader is given: the closed body, and the digest of the state where there is one.
        let mut given = entry.close(model, &salt);
        given.extend(&kept[body..kept.len() - 34]);
        let text = SECRETS[3].as_bytes();
        assert!(!given.windows(text.len()).any(|part| part == text));
        if entry.sequence == 0 {
            let birth = blake3::derive_key("aqo object 1", &entry.close(model, &salt));
            assert_eq!(Bytes32(birth), id, "the id tells nothing either");
        }
        head = chain(&head, &given);
        assert_eq!(&head.to_string(), wanted);
    }
    // Birth: salary and why. Raise: two parameters, the signature, two fields. Market: input and field.
    assert_eq!(hidden, [2, 5, 2]);
    assert_eq!(lineage_of(&directory.path().join("home")).fault, None);
}

/// A commitment, from what is published of it alone.
#[test]
fn a_commitment_opens_with_its_value_and_its_salt() {
    let directory = store();
    let (host, ..) = payroll(directory.path());
    drop(host);
    let checked = model_of("payroll", PAYROLL.to_owned());
    let kept = &kept(directory.path())[1];
    let (entry, _) = Entry::decode_prefix(checked.model(), kept).unwrap();
    let salt = entry.salt(checked.model(), kept).unwrap();
    let closed = read(&mut entry.close(checked.model(), &salt).as_slice()).unwrap();
    let params = &closed.list()[5].list()[1];
    // `because` is the second that is hidden: place 1.
    let mut place = salt.0.to_vec();
    place.extend(1_u32.to_le_bytes());
    let mut value = blake3::derive_key("aqo salt 1", &place).to_vec();
    value.push(0x60 | SECRETS[3].len() as u8);
    value.extend(SECRETS[3].as_bytes());
    let commitment = blake3::derive_key("aqo private 1", &value).to_vec();
    assert_eq!(params.list()[1], Item::Bytes(commitment));
    assert_eq!(params.list()[2], Item::Plain(7, 21), "`loud` is nobody's secret");
}

#[test]
fn queries_tell_no_secret() {
    let directory = store();
    let (host, ..) = payroll(directory.path());
    drop(host);
    let home = directory.path().join("home").display().to_string();
    let mut said = String::new();
    for arguments in [&["show", "ann"][..], &["log", "ann"], &["ls"], &["verify", "--rederive"]] {
        for json in [&[][..], &["--json"]] {
            let (code, text) = aqr(&[arguments, &["--store", &home], json].concat());
            assert!(code == 0 || text.contains("unexpected argument '--json'"), "{text}");
            said += &text;
        }
    }
    assert!(SECRETS.iter().all(|secret| !said.contains(secret)), "{said}");
    for told in [
        "salary is private",
        "derived yearly is private",
        "raises = 1",
        "raise(to: private, because: private, loud: true) by clerk",
        "salary is set, privately",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
}

/// What follows from the mark of a field is listed with what the component carries.
#[test]
fn inspect_lists_what_is_private() {
    let directory = store();
    let wasm = directory.path().join("payroll.wasm");
    std::fs::write(&wasm, component_of(PAYROLL)).unwrap();
    let output = std::process::Command::new(binary("aqc")).arg("inspect").arg(wasm).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let private = |start: &str, end: &str| {
        text.lines().any(|line| line.trim_start().starts_with(start) && line.ends_with(end))
    };
    assert!(private("field salary", ", private") && private("field why", ", private"), "{text}");
    assert!(
        private("derive yearly", ", private") && private("input market", ", private"),
        "{text}"
    );
    assert!(private("message raise(", "from clerk, to private, because private"), "{text}");
    assert!(!private("field raises", "private"), "{text}");
}

#[test]
fn a_host_goes_on_with_what_it_kept() {
    let directory = store();
    let (first, id, mut heads) = payroll(directory.path());
    drop(first);
    let home = directory.path().join("home");
    let mut host = host_of(&home, None, &mut heads).unwrap();
    let (object, class) = host.object(&id).unwrap();
    let (model, layout) = (&class.artifact.model, &class.artifact.layout);
    let image = Image::decode(model, layout, &object.image).unwrap();
    assert_eq!(image.state.fields[0], Value::Int(9_993_000_111_222), "the host itself knows");
    let clerk = Key::generate(&mut RealRandom);
    let raise = vec![Value::Int(1), Value::Text("no".to_owned()), Value::Bool(false)];
    let reply = host.send(&id, 0, raise, Some((0, &clerk)), &mut heads).unwrap();
    assert_eq!(reply, Some(aqo_model::policy::Reason::ROLE));
}

/// Another salt is another commitment, so what comes after does not follow; without one nothing does.
#[test]
fn a_changed_or_missing_salt_is_found() {
    let directory = store();
    let (host, ..) = payroll(directory.path());
    drop(host);
    let home = directory.path().join("home");
    let fault = forge(&home, |record| {
        if let Record::Entry { height: 1, entry, .. } = record {
            *entry.last_mut().unwrap() ^= 1;
        }
    });
    assert_eq!((fault.sequence, fault.what.contains("as its predecessor")), (2, true), "{fault}");
    let fault = forge(&home, |record| {
        if let Record::Entry { height: 1, entry, .. } = record {
            entry.truncate(entry.len() - 34);
        }
    });
    assert_eq!(fault.to_string(), "entry 1: it holds private values, and no salt");
    let fault = forge(&home, |record| {
        if let Record::Entry { height: 0, entry, .. } = record {
            *entry.last_mut().unwrap() ^= 1;
        }
    });
    assert_eq!(fault.to_string(), "entry 0: the object's id is not the digest of its birth");
}

#[test]
fn the_digest_of_a_state_does_not_depend_on_what_is_private() {
    let checked = model_of("payroll", PAYROLL.to_owned());
    let layout = Layout::of(checked.model());
    let digest = |salary: i64, raises: i64| {
        let mut image = Image::unborn(checked.model(), &layout);
        image.state.fields[0] = Value::Int(salary);
        image.state.fields[2] = Value::Int(raises);
        state_digest(&layout, &image.encode(&layout)[..layout.state_size])
    };
    assert_eq!(digest(1, 0), digest(2, 0));
    assert_ne!(digest(1, 0), digest(1, 1));
}

/// A reading that cannot be used is told of, and not what it was.
#[test]
fn a_note_tells_no_private_reading() {
    let directory = store();
    let (host, _, mut heads) = payroll(directory.path());
    let script = |market: &str| {
        let file = directory.path().join("says.json");
        std::fs::write(file, format!("{{\"market\":\"{market}\"}}\n")).unwrap();
    };
    drop(host);
    let line = "while read -r question; do cat says.json; done";
    let config = format!(
        "[providers.street]\ncommand = [\"sh\", \"-c\", '{line}']\n[inputs]\nmarket = \"street\"\n"
    );
    std::fs::write(directory.path().join("host.toml"), config).unwrap();
    for market in ["98765000111222", "much_more"] {
        script(market);
        let config = HostConfig::read(&directory.path().join("host.toml")).unwrap();
        let home = directory.path().join("home");
        let mut host = host_of(&home, Some(config), &mut heads).unwrap();
        heads.notes.clear();
        let due = host.next_due();
        host.clock().idle_until(due);
        host.tick(1, &mut heads).unwrap();
        let notes = heads.notes.join("\n");
        assert!(notes.contains("what was read is no such value, and private"), "{notes}");
        assert!(!notes.contains(market), "{notes}");
        drop(host);
    }
}

/// The same life twice is two lineages: nobody can try values against a head.
#[test]
fn salts_are_drawn_anew() {
    let [one, other] = [(); 2].map(|()| {
        let directory = store();
        drop(payroll(directory.path()));
        let kept = kept(directory.path());
        kept.iter().map(|kept| kept[kept.len() - 32..].to_vec()).collect::<Vec<_>>()
    });
    let mut salts = [one, other].concat();
    assert!(!salts.contains(&Salt::ZERO.0.to_vec()));
    salts.sort();
    salts.dedup();
    assert_eq!(salts.len(), 6);
}
