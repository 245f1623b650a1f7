//! Programs whose stable numbers have gaps and another order than the text: the compiled core and the
//! interpreter answer the same offers, byte for byte, and the component reads back.

use crate::core::counting;
use crate::lives::{Life, Tally};
use aqo_compiler::modules::lock_after;
use aqo_compiler::{Database, Project, SourceFile, db};
use aqo_emit::Options;
use aqo_model::Model;
use aqo_model::image::Image;
use aqo_model::layout::Layout;
use aqo_model::numbers::Numbers;
use aqo_model::step::step;
use aqo_tests::corpus::programs;
use aqo_tests::gaps::under_gaps;
use aqo_tests::offers::{Offers, START};

/// Which kinds of numbers a Model has that are not indices.
fn gaps(model: &Model) -> Vec<&'static str> {
    let (schema, policy) = (&model.schema, &model.policy);
    let types = &schema.types;
    let odd = |numbers: &mut dyn Iterator<Item = u16>| {
        numbers.enumerate().any(|(index, number)| index != usize::from(number))
    };
    let carries = |e: &aqo_model::types::Enum| !e.is_plain() && !e.numbers.are_indices();
    let plain = |e: &aqo_model::types::Enum| e.is_plain() && !e.numbers.are_indices();
    let found = [
        (types.enums.iter().any(plain), "variants"),
        (types.enums.iter().any(carries), "variants that carry something"),
        (types.records.iter().any(|record| !record.numbers.are_indices()), "parts"),
        (!policy.reason_numbers.are_indices(), "reasons"),
        (odd(&mut schema.roles.iter().map(|role| role.number)), "roles"),
        (odd(&mut schema.fields.iter().map(|field| field.number)), "fields"),
        (odd(&mut schema.inputs.iter().map(|input| input.number)), "inputs"),
        (odd(&mut schema.messages.iter().map(|message| message.number)), "messages"),
        (odd(&mut schema.events.iter().map(|event| event.number)), "events"),
        (odd(&mut policy.rules.iter().map(|rule| rule.number)), "rules"),
        (policy.rules.windows(2).any(|two| two[0].number > two[1].number), "rules out of order"),
    ];
    found.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect()
}

/// What has another number in a Model than in its lock.
fn strays<'m>(model: &'m Model, lock: &str) -> Vec<String> {
    let (schema, policy, types) = (&model.schema, &model.policy, &model.schema.types);
    let object = format!("{}.{}", schema.package, schema.object);
    let mut all: Vec<(String, &'m str, u16)> = Vec::new();
    let mut add = |of: &str, kind: &str, named: &mut dyn Iterator<Item = (&'m str, u16)>| {
        let header = format!("[\"{of}\".{kind}]");
        all.extend(named.map(|(name, number)| (header.clone(), name, number)));
    };
    add(&object, "roles", &mut schema.roles.iter().map(|x| (x.name.as_str(), x.number)));
    add(&object, "fields", &mut schema.fields.iter().map(|x| (x.name.as_str(), x.number)));
    add(&object, "inputs", &mut schema.inputs.iter().map(|x| (x.name.as_str(), x.number)));
    add(&object, "messages", &mut schema.messages.iter().map(|x| (x.name.as_str(), x.number)));
    add(&object, "events", &mut schema.events.iter().map(|x| (x.name.as_str(), x.number)));
    add(&object, "rules", &mut policy.rules.iter().map(|x| (x.name.as_str(), x.number)));
    let reason = |(index, name)| (name, policy.own_reason(index).0);
    let reasons = policy.reasons.iter().map(String::as_str);
    add(&object, "reasons", &mut (0..).zip(reasons).map(reason));
    for e in &types.enums {
        let of = format!("{}.{}", schema.package, e.name);
        let number = |(index, name)| (name, e.numbers.at(index));
        add(&of, "variants", &mut (0..).zip(e.names()).map(number));
    }
    for record in &types.records {
        let of = format!("{}.{}", schema.package, record.name);
        let names = record.fields.iter().map(|part| part.name.as_str());
        let number = |(index, name)| (name, record.numbers.at(index));
        add(&of, "parts", &mut (0..).zip(names).map(number));
    }
    let is_there = |(header, name, number): &(String, &str, u16)| {
        let mut tables = lock.split("\n\n").filter(|table| table.starts_with(header.as_str()));
        // What is of `std` stands in no lock.
        tables
            .next()
            .is_none_or(|table| table.lines().any(|line| line == format!("{name} = {number}")))
    };
    let strays = all.iter().filter(|known| !is_there(known));
    strays.map(|(header, name, number)| format!("{header} {name} = {number}")).collect()
}

#[test]
fn programs_whose_numbers_have_gaps_agree() {
    let engine = counting();
    let (mut kinds, mut tally) = (Tally::new(), Tally::new());
    for (number, program) in programs("pass").iter().chain(&programs("run")).enumerate() {
        let mut database = Database::default();
        let file = under_gaps(&mut database, &program.name, &program.text);
        for (object, name) in db::objects(&database, file) {
            let checked = db::object_of(&database, file, object);
            let Some(checked) = &checked.model else { panic!("{}: {name}", program.name) };
            let model = checked.model();
            let bytes = aqo_emit::component(model, &Options::default()).expect("a component");
            assert!(aqo_emit::read(&bytes).is_ok_and(|read| read.model == *model), "{name}");
            let lock = file.project(&database).and_then(|project| project.lock(&database).clone());
            assert_eq!(strays(model, &lock.expect("a lock")), [""; 0], "{}: {name}", program.name);
            let layout = Layout::of(model);
            let mut life = Life::new(&engine, model, &layout, number as u64);
            life.live(60);
            for (name, count) in life.tally {
                *tally.entry(name).or_default() += count;
            }
            gaps(model)
                .into_iter()
                .for_each(|kind| *kinds.entry(kind.to_owned()).or_default() += 1);
        }
    }
    println!("{kinds:?}\n{} kinds of happenings", tally.len());
    assert_eq!(kinds.len(), 11, "{kinds:?}");
    assert!(kinds.values().all(|count| *count >= 10), "{kinds:?}");
}

/// Each list of a Model whose order a lock keeps, turned round in the text.
const THIS_WAY: &str = "module demo.way

enum Mode { Off, On(level: int in 0 ..= 9), Held }

record Reading { room: int in 0 ..= 9, mode: Mode }

object Lamp version 1 {
    role owner
    role guest

    field last: Reading? = none
    field mode: Mode = Off

    input room: int? in 0 ..= 9
    input hall: int? in 0 ..= 9

    message note(mode: Mode) from owner, guest
    message drop(key: key) from signer

    event noted(mode: Mode) via lamp
    event dropped(key: key) via bin

    rule keep on note(told) {
        set last = Reading(room: room else refuse dark, mode: told)
        set mode = told
        emit noted(mode: told)
    }
    rule forget on drop(key) when hall is some(h) and h > 3 {
        if last is none { refuse empty }
        set last = none
        emit dropped(key: key)
    }
}
";

const THE_OTHER: &str = "module demo.way

record Reading { mode: Mode, room: int in 0 ..= 9 }

enum Mode { Held, On(level: int in 0 ..= 9), Off }

object Lamp version 1 {
    event dropped(key: key) via bin
    event noted(mode: Mode) via lamp

    message drop(key: key) from signer
    message note(mode: Mode) from guest, owner

    input hall: int? in 0 ..= 9
    input room: int? in 0 ..= 9

    field mode: Mode = Off
    field last: Reading? = none

    role guest
    role owner

    rule keep on note(told) {
        set last = Reading(room: room else refuse dark, mode: told)
        set mode = told
        emit noted(mode: told)
    }
    rule forget on drop(key) when hall is some(h) and h > 3 {
        if last is none { refuse empty }
        set last = none
        emit dropped(key: key)
    }
}
";

/// The one object of a text under a lock.
fn under(lock: Option<&str>, text: &str) -> (Model, String) {
    let mut database = Database::default();
    let file = SourceFile::new(&database, "way.aqo".to_owned(), text.to_owned());
    let project = Project::new(&database, Vec::new());
    project.join(&mut database, vec![file]);
    project.replace_lock(&mut database, lock.map(str::to_owned));
    let next = lock_after(&database, project).expect("a sound lock").text();
    let (object, _) = db::objects(&database, file)[0];
    let checked = db::object_of(&database, file, object);
    let found = db::diagnostics(&database, file);
    assert!(checked.model.is_some(), "{found:?}");
    (checked.model.as_ref().expect("a Model").model().clone(), next)
}

/// The bytes of the entries and the last image of a life under offers that the seed draws.
fn lineage(model: &Model) -> Vec<Vec<u8>> {
    let layout = Layout::of(model);
    let (mut offers, mut image) = (Offers::new(model, &layout, 5), None::<Image>);
    let (mut entries, mut due) = (Vec::new(), START);
    for _ in 0..400 {
        offers.pass_time(due);
        let offer = offers.offer(image.as_ref(), offers.now);
        let before = image.clone().unwrap_or_else(|| Image::unborn(model, &layout));
        let stepped = step(model, &layout, &before, &offer);
        due = stepped.next_due;
        let Some(entry) = stepped.entry else { continue };
        entries.push(entry.encode(model));
        image = Some(stepped.image);
    }
    entries.extend(image.map(|image| image.encode(&layout)));
    entries
}

#[test]
fn the_order_of_declarations_is_nothing_under_a_lock() {
    let (first, lock) = under(None, THIS_WAY);
    let (turned, same) = under(Some(&lock), THE_OTHER);
    assert_eq!(lock, same);
    assert_eq!(first, turned);
    assert_eq!(first.class(), turned.class());
    assert_eq!(aqo_emit::core_module(&first), aqo_emit::core_module(&turned));
    assert_eq!(lineage(&first), lineage(&turned));
    assert!(lineage(&first).len() > 40, "a life of {} entries", lineage(&first).len());
    // Without the lock it is another class, and says other things.
    let (alone, other) = under(None, THE_OTHER);
    assert_ne!(lock, other);
    assert_ne!(first.class(), alone.class());
    assert_ne!(lineage(&first)[1..], lineage(&alone)[1..]);
}

#[test]
fn a_role_that_comes_later_stands_behind_the_open_one() {
    let (_, lock) = under(None, THIS_WAY);
    let lock = lock.replace("signer = 2", "signer = 5");
    let late = THIS_WAY.replace("    role owner\n", "    role late\n    role owner\n");
    let late = late.replace("from owner, guest", "from late, owner, guest");
    let (model, next) = under(Some(&lock), &late);
    let roles: Vec<(&str, u16, bool)> = model
        .schema
        .roles
        .iter()
        .map(|role| (role.name.as_str(), role.number, role.open))
        .collect();
    let wanted =
        [("owner", 0, false), ("guest", 1, false), ("signer", 5, true), ("late", 6, false)];
    assert_eq!(roles, wanted);
    assert!(next.contains("signer = 5\nlate = 6\n"), "{next}");
    assert_eq!(aqo_model::verify::verify(&model), Ok(()));
    let layout = Layout::of(&model);
    Life::new(&counting(), &model, &layout, 11).live(300);
}

/// A Model is refused whose numbers are not those of a lock.
#[test]
fn numbers_that_nobody_gave_are_refused() {
    let (model, _) = under(None, THIS_WAY);
    let refused = |change: &dyn Fn(&mut Model)| {
        let mut model = model.clone();
        change(&mut model);
        Model::decode(&model.schema_bytes(), &model.policy_bytes()).is_err()
    };
    let numbers = |numbers: &[u16]| -> Numbers {
        // As bytes have them: any numbers, in any order.
        serde_json::from_value(serde_json::json!(numbers)).expect("a list of numbers")
    };
    assert!(!refused(&|_| {}));
    let variants = |given: &[u16]| {
        let numbers = numbers(given);
        refused(&|model| model.schema.types.enums[0].numbers = numbers.clone())
    };
    assert!(!variants(&[0, 3, 9]) && !variants(&[]));
    assert!(variants(&[0, 1, 2]), "a second form of the same");
    assert!(variants(&[0, 3]) && variants(&[0, 3, 9, 12]), "not one for each");
    assert!(variants(&[3, 0, 9]) && variants(&[0, 3, 3]), "out of order");
    assert!(variants(&[0, 3, 16_001]) && !variants(&[0, 3, 16_000]), "too high");
    let parts = numbers(&[4, 2]);
    assert!(refused(&|model| model.schema.types.records[0].numbers = parts.clone()));
    let reasons = numbers(&[1, 2, 3]);
    assert!(refused(&|model| model.policy.reason_numbers = reasons.clone()));
    assert!(refused(&|model| model.policy.rules[1].number = model.policy.rules[0].number));
    assert!(
        !refused(&|model| model.policy.rules[0].number = 40),
        "rules stand in order of election"
    );
    assert!(refused(&|model| model.policy.rules[0].number = 16_001));
    assert!(
        refused(&|model| model.schema.fields[0].number = 40),
        "fields stand in order of numbers"
    );
}
