//! Reading a component back: every part of it, and every way in which one can be wrong.

use aqo_emit::{Options, ReadError, Seal, component, read, read_unsealed};
use aqo_model::Model;
use aqo_model::artifact::{self, Descriptor, Source};
use aqo_model::policy::Otherwise;
use aqo_model::types::{Type, Unit};
use aqo_model::value::Bytes32;
use aqo_model::verify;
use aqo_tests::models;

/// A section: its kind and its content.
type Section = (u8, Vec<u8>);

const CUSTOM: u8 = 0;
const CORE_MODULE: u8 = 1;
const HEADER: usize = 8;

fn unsigned(bytes: &[u8], at: &mut usize) -> usize {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

fn put_unsigned(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn split(component: &[u8]) -> Vec<Section> {
    let (mut at, mut sections) = (HEADER, Vec::new());
    while at < component.len() {
        let id = component[at];
        at += 1;
        let len = unsigned(component, &mut at);
        sections.push((id, component[at..at + len].to_vec()));
        at += len;
    }
    sections
}

fn join(header: &[u8], sections: &[Section]) -> Vec<u8> {
    let mut bytes = header[..HEADER].to_vec();
    for (id, content) in sections {
        bytes.push(*id);
        put_unsigned(&mut bytes, content.len());
        bytes.extend(content);
    }
    bytes
}

fn custom(name: &str, data: &[u8]) -> Section {
    let mut content = Vec::new();
    put_unsigned(&mut content, name.len());
    content.extend(name.as_bytes());
    content.extend(data);
    (CUSTOM, content)
}

fn is_named(section: &Section, name: &str) -> bool {
    section.0 == CUSTOM
        && section.1[1..].starts_with(name.as_bytes())
        && usize::from(section.1[0]) == name.len()
}

fn data_of(component: &[u8], name: &str) -> Vec<u8> {
    let sections = split(component);
    let found = sections.iter().find(|section| is_named(section, name)).expect("the section");
    found.1[1 + name.len()..].to_vec()
}

/// The component with this section's data changed.
fn with(component: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    let sections: Vec<Section> = (split(component).into_iter())
        .map(|section| if is_named(&section, name) { custom(name, data) } else { section })
        .collect();
    join(component, &sections)
}

fn without(component: &[u8], name: &str) -> Vec<u8> {
    let sections: Vec<Section> =
        split(component).into_iter().filter(|s| !is_named(s, name)).collect();
    join(component, &sections)
}

fn described(component: &[u8], change: impl FnOnce(&mut Descriptor)) -> Vec<u8> {
    let section = data_of(component, artifact::DESCRIPTOR);
    let mut descriptor: Descriptor = artifact::decode(&section).expect("a descriptor");
    change(&mut descriptor);
    with(component, artifact::DESCRIPTOR, &artifact::encode(&descriptor))
}

fn options() -> Options {
    let text = "object Thermostat".to_owned();
    Options {
        source: Some(Source { digest: Bytes32([9; 32]), text: Some(text) }),
        docs: vec![
            ("field setpoint".to_owned(), "What a person asked for.".to_owned()),
            ("message adjust".to_owned(), "Sets */ it.\nTwice.".to_owned()),
        ],
    }
}

fn thermostat() -> (Model, Vec<u8>) {
    let model = models::thermostat();
    let bytes = component(&model, &options()).expect("a component");
    (model, bytes)
}

const ALL: [&str; 5] =
    [artifact::DESCRIPTOR, artifact::SCHEMA, artifact::POLICY, artifact::SOURCE, artifact::PROOF];

/// What `read` says of bytes that are wrong.
fn wrong(bytes: &[u8]) -> ReadError {
    read(bytes).expect_err("these bytes are wrong")
}

#[test]
fn a_component_reads_back_as_what_it_was() {
    let (model, bytes) = thermostat();
    let artifact = read(&bytes).expect("reads");
    assert_eq!(artifact.model, model);
    assert_eq!(artifact.seal, Seal::Sealed);
    assert_eq!(artifact.core, aqo_emit::core_module(&model));
    assert_eq!(artifact.source, options().source);
    assert_eq!(artifact.descriptor.docs, options().docs);
    assert_eq!(artifact.descriptor.class, model.class());
    let wit = aqo_emit::wit(&model, &options()).expect("a world");
    assert!(wit.contains("    /// What a person asked for.\n        /// 500..=3000"), "{wit}");
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    for model in [models::thermostat(), models::everything(Otherwise::Observe)] {
        let again = Model::decode(&model.schema_bytes(), &model.policy_bytes()).expect("canonical");
        assert_eq!(aqo_emit::core_module(&model), aqo_emit::core_module(&again));
        assert_eq!(component(&model, &options()), component(&again, &options()));
    }
}

#[test]
fn sizes_stay_small() {
    let model = models::thermostat();
    let core = aqo_emit::core_module(&model).len();
    let whole = component(&model, &Options::default()).expect("a component").len();
    println!("thermostat: core module {core} bytes, component {whole} bytes");
    assert!(core <= CORE_MOST && whole <= 17 << 10);
}

/// The most bytes of the thermostat's core module.
const CORE_MOST: usize = 6_700;

#[test]
fn what_is_no_object_is_told_apart() {
    let (model, bytes) = thermostat();
    assert!(matches!(wrong(b""), ReadError::NotWasm(_)));
    assert!(matches!(wrong(b"plain text"), ReadError::NotWasm(_)));
    assert_eq!(wrong(&aqo_emit::core_module(&model)), ReadError::CoreModule);
    assert_eq!(wrong(&bytes[..HEADER]), ReadError::NotAnObject);
    assert!(matches!(wrong(&bytes[..bytes.len() - 1]), ReadError::NotWasm(_)));
}

#[test]
fn each_section_stands_once_at_the_outermost_level() {
    let (_, bytes) = thermostat();
    for name in ALL {
        assert_eq!(wrong(&without(&bytes, name)), ReadError::Missing(name));
        let mut twice = split(&bytes);
        twice.push(custom(name, &data_of(&bytes, name)));
        assert_eq!(wrong(&join(&bytes, &twice)), ReadError::Duplicated(name));
        // The same section, but inside a module.
        let mut inner = b"\0asm\x01\0\0\0".to_vec();
        let (id, content) = custom(name, &data_of(&bytes, name));
        inner.push(id);
        put_unsigned(&mut inner, content.len());
        inner.extend(content);
        let mut nested = split(&without(&bytes, name));
        nested.push((CORE_MODULE, inner.clone()));
        assert_eq!(wrong(&join(&bytes, &nested)), ReadError::Nested(name));
        assert_eq!(wrong(&join(&bytes, &[(CORE_MODULE, inner)])), ReadError::Nested(name));
    }
}

#[test]
fn each_section_has_a_version_a_form_and_a_digest() {
    let (_, bytes) = thermostat();
    for name in ALL {
        let data = data_of(&bytes, name);
        let next = [&[2], &data[1..]].concat();
        let versioned = with(&bytes, name, &next);
        let digest_first = [artifact::SOURCE, artifact::PROOF].contains(&name);
        let wanted =
            if digest_first { ReadError::Digest(name) } else { ReadError::Version(name, Some(2)) };
        assert_eq!(wrong(&versioned), wanted);
        let digest = artifact::section_digest(&next);
        if name == artifact::SOURCE {
            let held = described(&versioned, |d| d.source = Some(digest));
            assert_eq!(wrong(&held), ReadError::Version(name, Some(2)));
        }
        let longer = [&data[..], &[0]].concat();
        let longer_held = described_with(&with(&bytes, name, &longer), name, &longer);
        assert!(matches!(wrong(&longer_held), ReadError::Malformed(n, _) if n == name), "{name}");
        if name != artifact::DESCRIPTOR {
            assert_eq!(wrong(&with(&bytes, name, &longer)), ReadError::Digest(name));
        }
    }
    assert_eq!(
        wrong(&with(&bytes, artifact::SCHEMA, &[])),
        ReadError::Version(artifact::SCHEMA, None)
    );
}

/// The component with a descriptor that says the digest of this section.
fn described_with(component: &[u8], name: &str, section: &[u8]) -> Vec<u8> {
    if name == artifact::DESCRIPTOR {
        return component.to_vec();
    }
    let digest = artifact::section_digest(section);
    described(component, |descriptor| match name {
        artifact::SCHEMA => descriptor.schema = digest,
        artifact::POLICY => descriptor.policy = digest,
        artifact::SOURCE => descriptor.source = Some(digest),
        _ => descriptor.proof = digest,
    })
}

#[test]
fn the_descriptor_is_held_to_the_model() {
    let (model, bytes) = thermostat();
    assert_eq!(wrong(&described(&bytes, |d| d.class = Bytes32::ZERO)), ReadError::Class);
    assert_eq!(wrong(&described(&bytes, |d| d.version = 7)), ReadError::Descriptor);
    assert_eq!(wrong(&described(&bytes, |d| d.sizes.entry += 1)), ReadError::Descriptor);
    assert_eq!(wrong(&described(&bytes, |d| d.costs[0].most -= 1)), ReadError::Cost);
    assert_eq!(wrong(&described(&bytes, |d| drop(d.costs.pop()))), ReadError::Cost);
    let core = "the core module";
    assert_eq!(wrong(&described(&bytes, |d| d.core = Bytes32::ZERO)), ReadError::Digest(core));
    assert_eq!(wrong(&described(&bytes, |d| d.source = None)), ReadError::Digest(artifact::SOURCE));
    // A Model of a version to come, and one that could not be run.
    let mut later = model.clone();
    later.schema.model = 2;
    let section = artifact::with_version(later.schema_bytes());
    let changed =
        described_with(&with(&bytes, artifact::SCHEMA, &section), artifact::SCHEMA, &section);
    assert_eq!(wrong(&changed), ReadError::Model(2));
    let mut flawed = model;
    flawed.policy.limits[0].count = 0;
    let section = artifact::with_version(flawed.policy_bytes());
    let changed =
        described_with(&with(&bytes, artifact::POLICY, &section), artifact::POLICY, &section);
    assert!(matches!(wrong(&changed), ReadError::Flawed(_)));
}

/// A unit may be any in a function, and nowhere else.
#[test]
fn what_an_object_holds_says_its_unit() {
    let mut flawed = models::thermostat();
    assert_eq!(verify::verify(&flawed), Ok(()));
    let number = flawed.schema.fields.iter_mut().find_map(|field| {
        if let Type::Number { unit, .. } = &mut field.ty { Some(unit) } else { None }
    });
    *number.unwrap() = Unit(vec![(Unit::ANY.to_owned(), 1)]);
    assert!(verify::verify(&flawed).is_err());
}

#[test]
fn code_that_is_not_what_the_model_says_is_refused() {
    let (_, bytes) = thermostat();
    let mut sections = split(&bytes);
    let place = sections.iter().position(|(id, _)| *id == CORE_MODULE).expect("a core module");
    let last = sections[place].1.len() - 1;
    sections[place].1[last] ^= 1;
    let digest = artifact::core_digest(&sections[place].1);
    let other = described(&join(&bytes, &sections), |d| d.core = digest);
    assert_eq!(wrong(&other), ReadError::Unsealed);
    assert_eq!(read_unsealed(&other).expect("asked for by name").seal, Seal::Broken);
    let later = described(&other, |d| d.emit = 2);
    assert_eq!(read(&later).expect("another version").seal, Seal::NotComparable { emit: 2 });
    // What it counted cannot be counted again, so it is never taken for less.
    let dear = described(&other, |d| (d.emit, d.costs[0].most) = (2, u64::MAX));
    assert_eq!(read(&dear).expect("another version").step_instructions(), u64::MAX);
    let cheap = described(&other, |d| (d.emit, d.costs) = (2, Vec::new()));
    let own = read(&bytes).expect("an object").step_instructions();
    assert_eq!(read(&cheap).expect("another version").step_instructions(), own);
    let none: Vec<Section> = split(&bytes).into_iter().filter(|(id, _)| *id == CUSTOM).collect();
    assert_eq!(wrong(&join(&bytes, &none)), ReadError::NoCore);
}

#[test]
fn any_bytes_are_answered() {
    let (_, bytes) = thermostat();
    let mut chance = aqo_tests::chance::Chance::new(11);
    for _ in 0..1_500 {
        let mut damaged = bytes.clone();
        match chance.below(3) {
            0 => damaged.truncate(chance.below(bytes.len() as u64) as usize),
            1 => {
                for _ in 0..=chance.below(4) {
                    let place = chance.below(bytes.len() as u64) as usize;
                    damaged[place] = chance.draw() as u8;
                }
            }
            _ => {
                let place = chance.below(bytes.len() as u64) as usize;
                damaged[place] ^= 1 << chance.below(8);
            }
        }
        // Only what no section or code depends on may change without notice.
        if let Ok(artifact) = read(&damaged) {
            assert_eq!(artifact.model, models::thermostat());
        }
    }
}
