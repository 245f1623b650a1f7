//! A core module under an engine.

use aqo_model::policy::Otherwise;
pub(crate) use aqo_tests::compiled::{Core, counting, engine};
use aqo_tests::models;
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
