//! `aqo.lock`: written by `aqc build` and read by every command, kept whole, and never guessed.

use std::path::Path;

use tempfile::TempDir;

use crate::helpers::{Called, call, call_on, directory};

const MANIFEST: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n";

const MONEY: &str = "module shop.money

enum Kind { Coin, Note, Card }

record Payment { amount: int in 1 ..= 9, kind: Kind }
";

const TILL: &str = "module shop.till

use shop.money.{Kind, Payment}

object Till version 1 {
    role owner
    role clerk

    field cash: int in 0 ..= 1_000 = 0
    field last: Payment? = none

    input drawer: bool?

    message pay(amount: int in 1 ..= 9, kind: Kind) from clerk
    message empty() from owner

    event paid(amount: int in 1 ..= 9)
    event emptied()

    rule take on pay(amount, kind) when cash + amount <= 1_000 {
        set cash = cash + amount
        set last = Payment(amount: amount, kind: kind)
        emit paid(amount: amount)
    }
    rule no_room on pay(amount, kind) refuse too_much
    rule clear on empty() {
        if cash == 0 { refuse nothing_there }
        if drawer == false { refuse shut }
        set cash = 0
        emit emptied()
    }

    policy { always sane: cash >= 0 }
}
";

fn project() -> TempDir {
    directory(&[("aqo.toml", MANIFEST), ("money.aqo", MONEY), ("till.aqo", TILL)])
}

/// A project that was built.
fn built() -> TempDir {
    let place = project();
    let called = build(&place, &[]);
    assert_eq!(called.code, 0, "{}", called.err);
    place
}

fn build(place: &TempDir, more: &[&str]) -> Called {
    call(place.path(), &[&["build", ".", "-o", "till.wasm"], more].concat())
}

fn write(place: &TempDir, name: &str, text: &str) {
    std::fs::write(place.path().join(name), text).unwrap();
}

/// Replaces what stands in a text once.
fn edit(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from}");
    text.replace(from, to)
}

fn lock(place: &TempDir) -> String {
    std::fs::read_to_string(place.path().join("aqo.lock")).unwrap()
}

/// The lines of a table, or none.
fn table<'l>(lock: &'l str, header: &str) -> Vec<&'l str> {
    let mut lines = lock.lines().skip_while(|line| *line != header).skip(1);
    std::iter::from_fn(|| lines.next().filter(|line| !line.is_empty())).collect()
}

/// The class of what was built, as it is printed.
fn class(called: &Called) -> &str {
    assert_eq!(called.code, 0, "{}", called.err);
    called.out.split("class ").nth(1).unwrap().lines().next().unwrap()
}

fn names(place: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(place).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_build_writes_the_lock_and_only_when_it_changes() {
    let place = project();
    let first = build(&place, &[]);
    assert!(first.out.contains("aqo.lock: written; commit it beside aqo.toml"), "{}", first.out);
    let text = lock(&place);
    assert!(text.starts_with("# The stable number of each name"), "{text}");
    assert_eq!(text.lines().nth(1), Some("version = 1"));
    assert_eq!(
        table(&text, "[\"shop.money.Kind\".variants]"),
        ["Coin = 0", "Note = 1", "Card = 2"]
    );
    assert_eq!(table(&text, "[\"shop.money.Payment\".parts]"), ["amount = 0", "kind = 1"]);
    let reasons = ["too_much = 64", "nothing_there = 65", "shut = 66", "sane = 67"];
    assert_eq!(table(&text, "[\"shop.till.Till\".reasons]"), reasons);
    assert_eq!(
        table(&text, "[\"shop.till.Till\".rules]"),
        ["take = 0", "no_room = 1", "clear = 2"]
    );
    let mut headers: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
    let written = headers.clone();
    headers.sort_unstable();
    assert_eq!(headers, written, "tables are sorted");
    let before = std::fs::metadata(place.path().join("aqo.lock")).unwrap().modified().unwrap();
    let second = build(&place, &[]);
    assert!(!second.out.contains("aqo.lock"), "{}", second.out);
    let after = std::fs::metadata(place.path().join("aqo.lock")).unwrap().modified().unwrap();
    assert_eq!((before, text), (after, lock(&place)));
    assert_eq!(names(place.path()), ["aqo.lock", "aqo.toml", "money.aqo", "till.aqo", "till.wasm"]);
}

#[test]
fn only_a_build_writes_it_and_only_in_a_project() {
    let place = project();
    for arguments in [
        &["check", "."][..],
        &["check", ".", "--fix"],
        &["test", "."],
        &["doc", ".", "--out", "till.html"],
        &["run", ".", "--steps", "1"],
    ] {
        let called = call(place.path(), arguments);
        assert_eq!(called.code, 0, "{arguments:?}: {}", called.err);
        assert!(!place.path().join("aqo.lock").exists(), "{arguments:?}");
    }
    let alone = directory(&[("money.aqo", MONEY), ("till.aqo", TILL)]);
    assert_eq!(call(alone.path(), &["build", "."]).code, 0);
    assert_eq!(call(alone.path(), &["build", ".", "--locked"]).code, 0, "there is nothing to lock");
    assert_eq!(names(alone.path()), ["money.aqo", "till.aqo", "till.wasm"]);
}

#[test]
fn a_lock_changes_nothing_until_the_source_does() {
    let alone = directory(&[("money.aqo", MONEY), ("till.aqo", TILL)]);
    let place = project();
    let (alone, before) = (build(&alone, &[]), build(&place, &[]));
    let after = build(&place, &[]);
    assert_eq!(class(&alone), class(&before));
    assert_eq!(class(&before), class(&after));
}

#[test]
fn declarations_move_and_the_class_stays() {
    let place = built();
    let before = build(&place, &[]);
    let text = lock(&place);
    let moved = [
        ("    role owner\n    role clerk\n", "    role clerk\n    role owner\n"),
        (
            "    field cash: int in 0 ..= 1_000 = 0\n    field last: Payment? = none\n",
            "    field last: Payment? = none\n    field cash: int in 0 ..= 1_000 = 0\n",
        ),
        (
            "    event paid(amount: int in 1 ..= 9)\n    event emptied()\n",
            "    event emptied()\n    event paid(amount: int in 1 ..= 9)\n",
        ),
        (
            "    message pay(amount: int in 1 ..= 9, kind: Kind) from clerk\n    message empty() from owner\n",
            "    message empty() from owner\n    message pay(amount: int in 1 ..= 9, kind: Kind) from clerk\n",
        ),
    ];
    let till = moved.iter().fold(TILL.to_owned(), |text, (from, to)| edit(&text, from, to));
    assert_ne!(till, TILL);
    write(&place, "till.aqo", &till);
    let money = edit(MONEY, "Coin, Note, Card", "Card, Coin, Note");
    let money =
        edit(&money, "amount: int in 1 ..= 9, kind: Kind", "kind: Kind, amount: int in 1 ..= 9");
    write(&place, "money.aqo", &money);
    let after = build(&place, &["--locked"]);
    assert_eq!(class(&before), class(&after));
    assert_eq!(lock(&place), text);
    // The negative: without the lock the same texts are another class.
    std::fs::remove_file(place.path().join("aqo.lock")).unwrap();
    assert_ne!(class(&before), class(&build(&place, &[])));
}

#[test]
fn reasons_and_rules_move_and_keep_their_numbers() {
    let place = built();
    let text = lock(&place);
    let rule = "    rule no_room on pay(amount, kind) refuse too_much\n";
    let moved = edit(TILL, rule, "");
    let moved = edit(&moved, "    policy {", &format!("{rule}\n    policy {{"));
    write(&place, "till.aqo", &moved);
    assert_eq!(build(&place, &["--locked"]).code, 0);
    assert_eq!(lock(&place), text);
}

#[test]
fn a_new_name_takes_the_number_of_the_old_one() {
    let place = built();
    let before = lock(&place);
    let till = edit(TILL, "object Till version", "object Desk was Till version");
    let till = edit(&till, "role clerk", "role cashier was clerk");
    let till = edit(&till, ", kind: Kind) from clerk", ", kind: Kind) from cashier");
    let till = edit(&till, "field last: Payment? = none", "field latest: Payment? = none was last");
    let till = edit(&till, "set last =", "set latest =");
    let till = edit(&till, "input drawer:", "input box was drawer:").replace("drawer ==", "box ==");
    let till = edit(&till, "message empty()", "message drain was empty()");
    let till = edit(&till, "rule clear on empty()", "rule wipe was clear on drain()");
    let till = edit(&till, "event emptied()", "event drained was emptied()");
    let till = edit(&till, "emit emptied()", "emit drained()").replace("Payment", "Paid");
    let money = edit(MONEY, "enum Kind { Coin,", "enum Sort was Kind { Metal was Coin,");
    let money = edit(&money, "record Payment {", "record Paid was Payment {");
    write(&place, "money.aqo", &edit(&money, "kind: Kind", "sort was kind: Sort"));
    write(&place, "till.aqo", &till.replace("Kind", "Sort").replace("kind: kind", "sort: kind"));
    let locked = build(&place, &["--locked"]);
    assert_eq!(locked.code, 1, "a renaming changes the lock");
    assert!(locked.err.contains("shop.till.Desk (objects) gets 0, was Till"), "{}", locked.err);
    let called = build(&place, &[]);
    assert_eq!(called.code, 0, "{}", called.err);
    let renamed = [
        ("shop.money.Kind", "shop.money.Sort"),
        ("shop.money.Payment", "shop.money.Paid"),
        ("shop.till.Till", "shop.till.Desk"),
        ("\nKind = ", "\nSort = "),
        ("\nPayment = ", "\nPaid = "),
        ("\nTill = ", "\nDesk = "),
        ("\nCoin = ", "\nMetal = "),
        ("\nkind = ", "\nsort = "),
        ("\nclerk = ", "\ncashier = "),
        ("\nlast = ", "\nlatest = "),
        ("\ndrawer = ", "\nbox = "),
        ("\nempty = ", "\ndrain = "),
        ("\nclear = ", "\nwipe = "),
        ("\nemptied = ", "\ndrained = "),
    ];
    let wanted = renamed.iter().fold(before, |text, (from, to)| text.replace(from, to));
    let sorted = |text: &str| {
        let mut tables: Vec<String> = text.split("\n\n").map(|t| t.trim().to_owned()).collect();
        tables.sort();
        tables
    };
    assert_eq!(sorted(&lock(&place)), sorted(&wanted));
    // It may stay for good, and may go.
    assert_eq!(build(&place, &["--locked"]).code, 0);
    let without = edit(&till.replace("Kind", "Sort"), " was last", "");
    write(&place, "till.aqo", &without.replace("kind: kind", "sort: kind"));
    assert_eq!(build(&place, &["--locked"]).code, 0);
}

#[test]
fn what_is_gone_leaves_a_gap_and_what_is_new_comes_behind() {
    let place = built();
    write(&place, "money.aqo", &edit(MONEY, "Coin, Note, Card", "Note, Card"));
    let without = edit(TILL, "        if drawer == false { refuse shut }\n", "");
    write(&place, "till.aqo", &without);
    let called = build(&place, &[]);
    assert!(called.out.contains("Coin (variants) is gone: 0 is retired"), "{}", called.out);
    let gone = lock(&place);
    assert_eq!(table(&gone, "[\"shop.money.Kind\".variants]"), ["Note = 1", "Card = 2"]);
    assert_eq!(table(&gone, "[\"shop.money.Kind\".retired_variants]"), ["0 = \"Coin\""]);
    assert_eq!(table(&gone, "[\"shop.till.Till\".retired_reasons]"), ["66 = \"shut\""]);
    // What comes back under its old name is new all the same.
    write(&place, "money.aqo", &edit(MONEY, "Coin, Note, Card", "Cheque, Coin, Note, Card"));
    write(&place, "till.aqo", &without.replace("refuse too_much", "refuse full_up"));
    assert_eq!(build(&place, &[]).code, 0);
    let back = lock(&place);
    let variants = ["Note = 1", "Card = 2", "Cheque = 3", "Coin = 4"];
    assert_eq!(table(&back, "[\"shop.money.Kind\".variants]"), variants);
    assert_eq!(table(&back, "[\"shop.money.Kind\".retired_variants]"), ["0 = \"Coin\""]);
    let reasons = ["nothing_there = 65", "sane = 67", "full_up = 68"];
    assert_eq!(table(&back, "[\"shop.till.Till\".reasons]"), reasons);
    let retired = ["64 = \"too_much\"", "66 = \"shut\""];
    assert_eq!(table(&back, "[\"shop.till.Till\".retired_reasons]"), retired);
    // A whole object that goes keeps its numbers, too.
    write(
        &place,
        "till.aqo",
        "module shop.till\n\nobject Other version 1 { field n: int in 0 ..= 1 = 0 }\n",
    );
    assert_eq!(build(&place, &[]).code, 0);
    let gone = lock(&place);
    assert_eq!(table(&gone, "[\"shop.till\".objects]"), ["Other = 1"]);
    assert_eq!(table(&gone, "[\"shop.till.Till\".fields]"), [""; 0]);
    assert_eq!(
        table(&gone, "[\"shop.till.Till\".retired_fields]"),
        ["0 = \"cash\"", "1 = \"last\""]
    );
    assert_eq!(build(&place, &["--locked"]).code, 0, "what it wrote it takes");
}

#[test]
fn locked_says_what_would_change() {
    let place = project();
    let called = build(&place, &["--locked"]);
    assert_eq!(called.code, 1);
    assert!(called.err.contains("aqo.lock is missing"), "{}", called.err);
    assert_eq!(names(place.path()), ["aqo.toml", "money.aqo", "till.aqo"], "nothing was built");
    assert_eq!(build(&place, &[]).code, 0);
    assert_eq!(build(&place, &["--locked"]).code, 0);
    std::fs::remove_file(place.path().join("till.wasm")).unwrap();
    let text = lock(&place);
    write(&place, "money.aqo", &edit(MONEY, "Coin, ", "Coin, Cheque, "));
    let called = build(&place, &["--locked"]);
    assert_eq!(called.code, 1);
    assert!(called.err.contains("aqo.lock would change"), "{}", called.err);
    assert!(called.err.contains("shop.money.Kind.Cheque (variants) gets 3"), "{}", called.err);
    assert!(called.err.contains("help: run `aqc build` without `--locked`"), "{}", called.err);
    assert_eq!(lock(&place), text);
    assert!(!place.path().join("till.wasm").exists(), "something was built");
}

#[test]
fn the_same_numbers_are_checked_run_and_built() {
    let place = built();
    write(&place, "money.aqo", &edit(MONEY, "Coin, Note, Card", "Card, Cheque, Note, Coin"));
    // What is new has its number before a build writes it.
    let run = |store: &str| {
        let called = call(place.path(), &["run", ".", "--steps", "1", "--store", store]);
        assert_eq!(called.code, 0, "{}", called.err);
        std::fs::read(place.path().join(store).join("log/0000000000000000.log")).unwrap()
    };
    let (unwritten, class) = (run("one"), class(&build(&place, &[])).to_owned());
    // A birth names its class, of which a build prints the first six bytes.
    let digits = (0..6).map(|at| u8::from_str_radix(&class[2 * at..2 * at + 2], 16).unwrap());
    let digits: Vec<u8> = digits.collect();
    let names_it = |log: &[u8]| log.windows(6).any(|bytes| bytes == digits);
    assert!(names_it(&unwritten) && names_it(&run("two")));
    write(&place, "money.aqo", MONEY);
    assert!(!names_it(&run("three")), "another class has the same digest");
}

/// Malformed locks, each with what is said of it.
const MALFORMED: [(&str, &str); 18] = [
    ("", ":1: `version = 1` is missing"),
    ("# a comment\n\n[\"shop.till\".objects]\n", ":3: `version = 1` stands before the first table"),
    ("version = 2\n", ":1: version 2 of the format: this program knows version 1"),
    ("version = 1\nversion = 1\n", ":2: `version = 1` stands first, then tables"),
    ("version = 1\nTill = 0\n", ":2: `version = 1` stands first, then tables"),
    ("version = 1\n\n<<<<<<< mine\n", ":3: a merge conflict was not resolved"),
    ("version = 1\n=======\n", ":2: a merge conflict was not resolved"),
    ("version = 1\n[\"shop.till\".actors]\n", ":2: `actors` is no kind of name that has numbers"),
    ("version = 1\n[shop.till.objects]\n", ":2: `[shop.till.objects]` is not of the form"),
    ("version = 1\n[\"shop..till\".objects]\n", ":2: `shop..till` is not the name of a module"),
    (
        "version = 1\n[\"a\".enums]\nA = 0\n[\"a\".enums]\nB = 1\n",
        ":4: the table `[\"a\".enums]` stands here twice",
    ),
    ("version = 1\n[\"a\".enums]\nA = 0\nB = 0\n", ":4: `B` has the number 0, which `A` has, too"),
    (
        "version = 1\n[\"a\".enums]\nA = 3\n[\"a\".retired_enums]\n3 = \"B\"\n",
        ":5: `B` has the number 3, which `A` has, too",
    ),
    ("version = 1\n[\"a\".enums]\nA = 0\nA = 1\n", ":4: `A` stands here twice"),
    ("version = 1\n[\"a\".enums]\nA = -1\n", ":3: `-1` is no number that enums may have"),
    ("version = 1\n[\"a\".enums]\nA = 99999\n", ":3: `99999` is no number that enums may have"),
    ("version = 1\n[\"a.A\".reasons]\nx = 63\n", ":3: `63` is no number that reasons may have"),
    ("version = 1\n[\"a\".enums]\nnonsense\n", ":3: `nonsense` is neither a table nor a number"),
];

#[test]
fn what_is_malformed_is_told_with_its_line_and_kept() {
    for (text, wanted) in MALFORMED {
        let place = project();
        write(&place, "aqo.lock", text);
        for command in [&["build", "."][..], &["check", "."], &["build", ".", "--locked"]] {
            let called = call(place.path(), command);
            assert_eq!(called.code, 1, "{text:?}: {}", called.err);
            assert!(called.err.contains(&format!("aqo.lock{wanted}")), "{text:?}: {}", called.err);
            assert!(called.err.contains("help: take the file as it was committed last"));
        }
        assert_eq!(lock(&place), text);
        assert_eq!(names(place.path()), ["aqo.lock", "aqo.toml", "money.aqo", "till.aqo"]);
    }
    for command in ["test", "run", "doc"] {
        let files = [("aqo.toml", MANIFEST), ("aqo.lock", "version = 0\n"), ("money.aqo", MONEY)];
        let called = call_on(&files, &[command, "."]);
        assert!(called.err.contains("aqo.lock:1: version 0"), "{command}: {}", called.err);
    }
    let place = project();
    std::fs::write(place.path().join("aqo.lock"), [0xff, 0xfe]).unwrap();
    let called = build(&place, &[]);
    assert!(
        called.code == 2 && called.err.contains("aqo.lock is not UTF-8 text"),
        "{}",
        called.err
    );
}

#[test]
fn comments_and_line_ends_are_not_a_change() {
    let place = built();
    let other = lock(&place).replace('\n', "\r\n") + "\r\n# checked by hand\r\n";
    write(&place, "aqo.lock", &other);
    assert_eq!(build(&place, &["--locked"]).code, 0);
    assert_eq!(build(&place, &[]).code, 0);
    assert_eq!(lock(&place), other);
}

#[test]
fn a_lock_that_may_not_be_written_stays_and_nothing_is_built() {
    let place = built();
    let text = lock(&place);
    std::fs::remove_file(place.path().join("till.wasm")).unwrap();
    write(&place, "money.aqo", &edit(MONEY, "Coin, ", "Coin, Cheque, "));
    let path = place.path().join("aqo.lock");
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    let called = build(&place, &[]);
    assert!(called.code == 2 && called.err.contains("it is read-only"), "{}", called.err);
    assert_eq!(lock(&place), text);
    assert_eq!(names(place.path()), ["aqo.lock", "aqo.toml", "money.aqo", "till.aqo"]);
}

#[test]
fn an_error_keeps_the_lock_as_it_is() {
    let place = built();
    let text = lock(&place);
    write(&place, "till.aqo", &edit(TILL, "set cash = 0", "set cash = 5_000"));
    assert_eq!(build(&place, &[]).code, 1);
    assert_eq!(lock(&place), text);
    // A file that is not named, and that nobody can read, keeps what it had.
    write(&place, "till.aqo", TILL);
    write(
        &place,
        "other.aqo",
        "module shop.other\n\nobject Other version 1 { field n: bool = false }\n",
    );
    assert_eq!(call(place.path(), &["build", "other.aqo"]).code, 0);
    let text = lock(&place);
    assert!(text.contains("[\"shop.other.Other\".fields]"), "{text}");
    write(&place, "till.aqo", &edit(TILL, "object Till version 1 {", "object Till version {"));
    assert_eq!(call(place.path(), &["build", "other.aqo"]).code, 0);
    assert_eq!(lock(&place), text);
    // One that is gone is gone.
    std::fs::remove_file(place.path().join("till.aqo")).unwrap();
    assert_eq!(call(place.path(), &["build", "other.aqo"]).code, 0);
    assert_eq!(table(&lock(&place), "[\"shop.till\".retired_objects]"), ["0 = \"Till\""]);
}

#[test]
fn a_lock_contradicts_a_renaming_that_never_was() {
    let place = built();
    let told = |text: &str, wanted: &str| {
        write(&place, "till.aqo", text);
        let called = call(place.path(), &["check", "."]);
        assert_eq!(called.code, 1, "{}", called.err);
        assert!(
            called.err.contains("error[E2013]") && called.err.contains(wanted),
            "{}",
            called.err
        );
    };
    let new = "    field last: Payment? = none\n    field drawn: int in 0 ..= 9 = 0 was drwan\n";
    let new = edit(TILL, "    field last: Payment? = none\n", new);
    told(&new, "`aqo.lock` knows neither `drwan` nor `drawn`");
    // A build has seen the name go: its number is retired.
    let without = edit(TILL, "    event emptied()\n", "").replace("        emit emptied()\n", "");
    write(&place, "till.aqo", &without);
    assert_eq!(build(&place, &[]).code, 0);
    let late = edit(TILL, "event emptied()", "event drained was emptied()");
    told(&edit(&late, "emit emptied()", "emit drained()"), "`aqo.lock` has retired `emptied`");
    // So it is where the new name has a number already.
    let built_without =
        late.replace(" was emptied", "").replace("emit emptied()", "emit drained()");
    write(&place, "till.aqo", &built_without);
    assert_eq!(build(&place, &[]).code, 0);
    told(&edit(&late, "emit emptied()", "emit drained()"), "`aqo.lock` has retired `emptied`");
    // Both were there at once.
    let gone = edit(TILL, "    field cash: int in 0 ..= 1_000 = 0\n", "");
    let gone = gone.replace("cash + amount", "1").replace("cash == 0", "last is none");
    let gone = gone.replace("cash >= 0", "last is none or last is some(_)");
    let gone = gone.replace("        set cash = 1\n", "").replace("        set cash = 0\n", "");
    let gone =
        edit(&gone, "event emptied()", "event drained()").replace("emit emptied", "emit drained");
    let both = edit(&gone, "Payment? = none", "Payment? = none was cash");
    told(&both, "`aqo.lock` has `last` beside `cash`, so `last` was not it");
    // An object takes no name that another had.
    write(&place, "till.aqo", &built_without.replace("object Till ", "object Desk "));
    assert_eq!(build(&place, &[]).code, 0);
    let back = built_without.replace("object Till ", "object Till was Desk ");
    told(&back, "`aqo.lock` has retired numbers of another `Till`");
    // Without a lock there is nothing to contradict it.
    assert_eq!(call_on(&[("till.aqo", &new), ("money.aqo", MONEY)], &["check", "."]).code, 0);
}

/// Each example has its lock, which changes nothing of it.
#[test]
fn examples_are_built_locked() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let place = directory(&[]);
    let mut count = 0;
    for name in names(&examples) {
        let example = examples.join(&name);
        let out = place.path().join("example.wasm");
        let arguments = ["build", &example.to_string_lossy(), "--locked", "-o"];
        let locked = call(place.path(), &[&arguments[..], &[&out.to_string_lossy()]].concat());
        let alone = directory(&[]);
        for file in names(&example).iter().filter(|file| file.ends_with(".aqo")) {
            std::fs::copy(example.join(file), alone.path().join(file)).unwrap();
        }
        let unlocked = call(alone.path(), &["build", ".", "-o", "example.wasm"]);
        assert_eq!(class(&locked), class(&unlocked), "{name}");
        count += 1;
    }
    assert!(count >= 8, "{count} examples");
}

#[test]
fn where_no_number_is_left_nothing_is_built() {
    let place = built();
    let text = lock(&place).replace("Card = 2", "Card = 16000");
    write(&place, "aqo.lock", &text);
    write(&place, "alone.aqo", "module shop.alone\n\nenum Sort { A, B }\n");
    let spent =
        text.replace("version = 1\n", "version = 1\n\n[\"shop.alone.Sort\".variants]\nA = 16000\n");
    write(&place, "aqo.lock", &spent);
    let called = build(&place, &[]);
    assert_eq!(called.code, 1, "{}", called.out);
    assert!(
        called.err.contains("shop.alone.Sort (variants): every number is used"),
        "{}",
        called.err
    );
    assert_eq!(lock(&place), spent);
    // Up to the last, each is as good as another.
    write(&place, "alone.aqo", "module shop.alone\n\nenum Sort { A }\n");
    assert_eq!(build(&place, &[]).code, 0);
}
