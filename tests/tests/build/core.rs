//! A core module under an engine.

use aqo_model::layout::Layout;
use aqo_model::offer::{Offer, OfferKind};
use aqo_model::policy::Otherwise;
use aqo_model::step::step_bytes;
pub(crate) use aqo_tests::compiled::{Core, counting, engine};
use aqo_tests::models;
use aqo_tests::offers::{Offers, START};
use aqo_tests::programs::check::check;
use wasmtime::{Module, Mutability};

#[test]
fn a_core_imports_nothing_and_never_grows() {
    use wasmtime::ExternType;
    for model in [models::thermostat(), models::everything(Otherwise::Dormant)] {
        let module = Module::new(&engine(), aqo_emit::core_module(&model)).expect("valid");
        assert_eq!(module.imports().count(), 0);
        for export in module.exports() {
            match export.ty() {
                ExternType::Memory(memory) => assert_eq!(Some(memory.minimum()), memory.maximum()),
                ExternType::Global(global) => assert_eq!(global.mutability(), Mutability::Const),
                ExternType::Func(_) => assert_eq!(export.name(), aqo_emit::export::STEP),
                ExternType::Table(_) | ExternType::Tag(_) => unreachable!("neither is exported"),
            }
        }
    }
}

/// What an offer says of an input that is not there may be any bytes: a count beyond all memory, too.
#[test]
fn what_is_not_there_is_not_walked_through() {
    let text = "module demo\n\
        enum Mark { Plain, Bent, Counted(n: int in 0 ..= 9) }\n\
        object Log version 1 {\n\
            input marks: list<Mark, 3>?\n\
            field seen: int in 0 ..= 9 = 0\n\
            cycle every 1s\n\
            rule look on tick when marks is some(found) and found.len > seen { set seen = 9 }\n\
        }\n";
    let model = check(text).expect("it checks");
    let layout = Layout::of(&model);
    let mut core = Core::new(&counting(), &model, &layout);
    let mut source = Offers::new(&model, &layout, 1);
    let birth =
        Offer { kind: OfferKind::Birth(source.birth(0)), ..Offer::tick(START, START, vec![None]) };
    let unborn = vec![0; layout.image_size];
    let (image, _) = core.step(&unborn, &birth.encode(&layout));
    let mut tick = Offer::tick(START + 1_000_000, START, vec![None]).encode(&layout);
    let slot = &layout.inputs[0];
    assert_eq!(tick[slot.record], 0);
    tick[slot.value.offset..slot.value.offset + 2].fill(0xff);
    let wanted = step_bytes(&model, &layout, &image, &tick).expect("the image is its own");
    let (after, outcome) = core.try_step(&image, &tick).expect("no trap");
    assert_eq!((after, outcome), (wanted.image, wanted.outcome));
}
