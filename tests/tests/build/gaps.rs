//! Programs whose stable numbers have gaps and another order than the text: the compiled core and the
//! interpreter answer the same offers, byte for byte, and the component reads back.

use crate::core::counting;
use crate::lives::{Life, Tally};
use aqo_compiler::{Database, db};
use aqo_emit::Options;
use aqo_model::Model;
use aqo_model::layout::Layout;
use aqo_tests::corpus::programs;
use aqo_tests::gaps::under_gaps;

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
