//! What a host is told beside its objects: bindings that nothing has, and who consents with a key.

use crate::world::{Heads, development, host};
use aqo_compiler::{Database, SourceFile, db, emit};
use aqo_runtime::config::HostConfig;
use aqo_runtime::environment::{RealDisk, RealRandom};
use aqo_runtime::error::Result;
use aqo_runtime::host::{Host, Saying};
use aqo_runtime::keys::{Key, development_path};
use aqo_runtime::run::{Options, Speed, Wakes, run};
use std::path::{Path, PathBuf};

const PURSE: &str = "module demo
object Purse version 1 {
    role owner
    role clerk
    role guest
    field spent: int in 0 ..= 100 = 0
    input rate: int? in 0 ..= 9
    message pay(amount: int in 0 ..= 100) from guest
    message report() from owner
    event paid(amount: int in 0 ..= 109) via bank
    rule take on pay(amount) needs 1 of owner, clerk within 1h { set spent = amount }
    rule say_it on report() { emit paid(amount: (rate else 0) + spent) }
}";

fn component() -> Vec<u8> {
    let database = Database::default();
    let file = SourceFile::new(&database, "purse.aqo".to_owned(), PURSE.to_owned());
    let object = db::objects(&database, file)[0].0;
    let checked = db::object_of(&database, file, object);
    let model = checked.model.as_ref().unwrap_or_else(|| panic!("{:#?}", checked.problems));
    emit::component(model.model(), &emit::Options::default()).unwrap()
}

/// What a run with this configuration notes.
fn notes(config: &str) -> Vec<String> {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("host.toml");
    std::fs::write(&path, config).unwrap();
    let options = Options {
        store: Some(directory.path().join("home")),
        steps: Some(0),
        speed: Speed::Max,
        config: HostConfig::read(&path).unwrap(),
        name: None,
        birth: development(),
    };
    let mut heads = Heads::default();
    run(&component(), options, &Wakes::default(), &mut heads).unwrap();
    heads.notes.retain(|note| note.contains("names"));
    heads.notes
}

#[test]
fn what_is_bound_and_nothing_has_is_said() {
    let bound = "[providers.desk]\ncommand = [\"true\"]\n";
    let right = "[inputs]\nrate = \"desk\"\n[events]\nbank = \"desk\"\n\"purse.bank\" = \"desk\"\n\
                 [capabilities]\nbank = false\n";
    assert_eq!(notes(&format!("{bound}{right}")), [""; 0]);
    let wrong = "[inputs]\nrates = \"desk\"\n\"purse.bank\" = \"desk\"\n[events]\nrate = \"desk\"\n\
                 paid = \"desk\"\n\"other.bank\" = \"desk\"\n[capabilities]\nbanks = true\n";
    let told = notes(&format!("{bound}{wrong}"));
    assert_eq!(
        told,
        [
            "`[inputs]` names `purse.bank`, which no object here reads",
            "`[inputs]` names `rates`, which no object here reads",
            "`[events]` names `other.bank`, which no event here goes via",
            "`[events]` names `paid`, which no event here goes via",
            "`[events]` names `rate`, which no event here goes via",
            "`[capabilities]` names `banks`, which no event here goes via",
        ]
    );
}

/// A purse that somebody asked to pay.
fn asked(directory: &Path, heads: &mut Heads) -> Host {
    let mut host = host(directory, None, heads).unwrap();
    let artifact = host.load(&component()).unwrap();
    host.birth(&artifact, "purse", &development(), heads).unwrap();
    let pay = Saying {
        message: "pay".to_owned(),
        consents: false,
        values: vec![("amount".to_owned(), "7".to_owned())],
        ..yes(Some("guest"), None)
    };
    assert_eq!(host.say(&pay, heads).unwrap().as_deref(), Some("waits"));
    host
}

fn yes(role: Option<&str>, key: Option<PathBuf>) -> Saying {
    Saying {
        object: "purse".to_owned(),
        message: "take".to_owned(),
        consents: true,
        values: Vec::new(),
        role: role.map(str::to_owned),
        key,
        signed: None,
        json: false,
    }
}

/// What comes of a consent: the reason of a refusal, none where it was enough.
fn consent(role: Option<&str>, key: impl Fn(&Path) -> Option<PathBuf>) -> Result<Option<String>> {
    let directory = tempfile::TempDir::new().unwrap();
    let mut heads = Heads::default();
    let mut host = asked(directory.path(), &mut heads);
    host.say(&yes(role, key(directory.path())), &mut heads)
}

#[test]
fn the_role_that_holds_the_key_consents() {
    let of = |role: &'static str| move |home: &Path| Some(development_path(home, role));
    for role in ["owner", "clerk"] {
        assert_eq!(consent(None, of(role)).unwrap(), None, "{role}");
        assert_eq!(consent(Some(role), of(role)).unwrap(), None, "{role}");
    }
    // A role that is named is taken at its word: the object says that the key does not hold it.
    assert_eq!(consent(Some("owner"), of("clerk")).unwrap().as_deref(), Some("role"));
    let stranger = |home: &Path| {
        let path = home.join("stranger.pem");
        Key::generate(&mut RealRandom).write(&RealDisk, &path).unwrap();
        Some(path)
    };
    for error in [consent(None, of("guest")), consent(None, stranger)] {
        let told = error.err().unwrap().to_string();
        assert!(told.contains("has no say in `take`"), "{told}");
        assert!(told.contains("owner, clerk"), "{told}");
    }
    let missing = consent(None, |home| Some(home.join("nobody.pem"))).err().unwrap().to_string();
    assert!(missing.contains("no key for") && missing.contains("nobody.pem"), "{missing}");
}

#[test]
fn without_a_key_the_first_at_hand_that_is_held_consents() {
    assert_eq!(consent(None, |_| None).unwrap(), None);
    let without = |lost: &'static [&'static str]| {
        consent(None, move |home| {
            for role in lost {
                std::fs::remove_file(development_path(home, role)).unwrap();
            }
            None
        })
    };
    assert_eq!(without(&["owner"]).unwrap(), None);
    let told = without(&["owner", "clerk"]).err().unwrap().to_string();
    assert!(told.contains("no key that has a say in `take`"), "{told}");
    assert!(told.contains("owner, clerk"), "{told}");
}
