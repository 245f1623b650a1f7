//! The same life four ways: on the compiled core, replayed from its own lineage, with the engine
//! rebuilt at every step, and on the interpreter. All four lineages must be equal in every byte.

use crate::world::{EXAMPLES, component, model};
use aqo_model::Model;
use aqo_model::image::Image;
use aqo_model::layout::{Layout, tail};
use aqo_model::offer::{Bind, Offer, OfferKind};
use aqo_model::value::Bytes32;
use aqo_runtime::class::Class;
use aqo_runtime::lineage::{Follower, offer_of};
use aqo_tests::offers::{Offers, START};
use aqo_tests::zeros::Zeros;

/// A lineage: whole entries, and the last image.
#[derive(PartialEq, Eq, Debug, Default)]
struct Life {
    entries: Vec<Vec<u8>>,
    image: Vec<u8>,
}

/// Lives on the compiled core; with `rebuild`, on a new engine at every step. Gives the offers too.
fn live(class: &mut Class, seed: u64, steps: usize, rebuild: bool) -> (Life, Vec<Offer>) {
    let (model, layout) = (class.artifact.model.clone(), class.artifact.layout.clone());
    let mut source = Offers::new(&model, &layout, seed);
    let (mut life, mut offers) = (Life::default(), Vec::new());
    let (mut served, mut due) = (0, 0);
    for step in 0..=steps {
        if rebuild {
            class.rebuild().unwrap();
        }
        let offer = if step == 0 {
            let kind = OfferKind::Birth(source.birth(0));
            Offer { kind, observed: START, served: START, ignored: 0, inputs: Vec::new() }
        } else {
            source.pass_time(due);
            let image = Image::decode(&model, &layout, &life.image).expect("an image of its class");
            source.offer(Some(&image), served)
        };
        let before = if step == 0 { class.unborn() } else { life.image.clone() };
        let answer = class.step(&before, &offer, &mut Zeros).unwrap();
        (served, due) = (answer.served, answer.next_due);
        if let Some(admitted) = answer.admitted {
            life.entries.push(admitted.bytes().to_vec());
            life.image = admitted.image().to_vec();
        } else {
            assert!(step > 0, "it is born");
        }
        offers.push(offer);
    }
    (life, offers)
}

/// The same offers on the interpreter.
fn interpret(model: &Model, layout: &Layout, offers: &[Offer]) -> Life {
    let mut image = Image::unborn(model, layout);
    image.tail.head = model.class();
    let mut life = Life::default();
    for offer in offers {
        let previous = image.tail.head;
        // As the core reads it: a value out of bounds may be another one in the offer's bytes.
        let Some(offer) = Offer::decode(model, layout, &offer.encode(layout)) else { continue };
        let stepped = aqo_model::step::step(model, layout, &image, &offer);
        let Some(entry) = stepped.entry else { continue };
        image = stepped.image;
        let state = image.encode(layout);
        let (body, state) = (entry.encode(model), &state[..layout.state_size]);
        let whole = entry.whole((model, layout), &previous, &body, state, &Bytes32::ZERO);
        image.tail.head = whole.head;
        life.entries.push(whole.bytes);
    }
    life.image = image.encode(layout);
    life
}

/// The offers that the entries of a lineage show, put before a fresh engine.
fn replay(class: &mut Class, lineage: &Life) -> Life {
    let artifact = aqo_emit::read(&component_of(class)).unwrap();
    let mut follower = Follower::unborn(&artifact);
    let mut life = Life::default();
    let mut image = class.unborn();
    for bytes in &lineage.entries {
        let before = follower.image.clone();
        let entry = follower.follow(&artifact, &before.tail.head.clone(), bytes).unwrap();
        let offer = offer_of(&artifact.model, &artifact.layout, &before, &entry);
        let answer = class.step(&image, &offer, &mut Zeros).unwrap();
        let admitted =
            answer.admitted.unwrap_or_else(|| panic!("entry {} is left again", entry.sequence));
        life.entries.push(admitted.bytes().to_vec());
        image = admitted.image().to_vec();
    }
    life.image = image;
    life
}

fn component_of(class: &Class) -> Vec<u8> {
    aqo_emit::component(&class.artifact.model, &aqo_emit::Options::default()).unwrap()
}

#[test]
fn four_lineages_are_equal() {
    for name in EXAMPLES {
        let mut class = Class::load(&component(name)).unwrap();
        let mut entries = 0;
        for seed in 0..24 {
            let (lived, offers) = live(&mut class, seed, 120, false);
            entries += lived.entries.len();
            let checked = model(name);
            let interpreted = interpret(checked.model(), &class.artifact.layout.clone(), &offers);
            assert_eq!(lived.entries.len(), interpreted.entries.len(), "{name}, seed {seed}");
            assert_eq!(lived, interpreted, "{name}, seed {seed}: the interpreter");
            assert_eq!(lived, replay(&mut class, &lived), "{name}, seed {seed}: replayed");
        }
        let (lived, _) = live(&mut class, 99, 40, false);
        let (rebuilt, _) = live(&mut class, 99, 40, true);
        assert_eq!(lived, rebuilt, "{name}: the engine rebuilt at every step");
        println!("{name}: {entries} entries, equal four ways");
        assert!(entries > 300, "{name}: the lives leave too few entries to show anything");
    }
}

#[test]
fn a_changed_byte_of_an_entry_breaks_the_chain() {
    let mut class = Class::load(&component("thermostat")).unwrap();
    let (lived, _) = live(&mut class, 5, 60, false);
    let artifact = aqo_emit::read(&component("thermostat")).unwrap();
    let heads = |entries: &[Vec<u8>]| {
        let mut follower = Follower::unborn(&artifact);
        let mut head = follower.head();
        for bytes in entries {
            if follower.follow(&artifact, &head, bytes).is_err() {
                return None;
            }
            head = follower.head();
        }
        Some(head)
    };
    let whole = heads(&lived.entries).expect("the lineage holds");
    let mut found = 0;
    for (index, entry) in lived.entries.iter().enumerate() {
        for at in 0..entry.len() {
            let mut changed = lived.entries.clone();
            changed[index][at] ^= 1;
            assert_ne!(heads(&changed), Some(whole), "entry {index}, byte {at}");
            found += 1;
        }
    }
    assert!(found > 1_000);
    let mut missing = lived.entries.clone();
    missing.remove(1);
    assert_eq!(heads(&missing), None, "a deleted entry");
    let mut swapped = lived.entries;
    swapped.swap(1, 2);
    assert_eq!(heads(&swapped), None, "two entries exchanged");
}

#[test]
fn a_step_whose_image_was_changed_is_not_admitted() {
    let mut class = Class::load(&component("thermostat")).unwrap();
    let (newborn, _) = live(&mut class, 3, 0, false);
    let layout = class.artifact.layout.clone();
    let bind = Bind { host: Bytes32([1; 32]), nonce: [0; 16], capabilities: 0 };
    let offer =
        Offer { kind: OfferKind::Bind(bind), ..Offer::tick(1_798_761_600_000_001, 0, Vec::new()) };
    assert!(
        class.step(&newborn.image, &offer, &mut Zeros).unwrap().admitted.is_some(),
        "a bind leaves an entry"
    );
    // Starts beyond their range: an image that no object of the class can have.
    let mut image = newborn.image.clone();
    let at = layout.fields[2].offset;
    image[at..at + 4].copy_from_slice(&2_000_000i32.to_le_bytes());
    let error = class.step(&image, &offer, &mut Zeros).err().expect("it is not admitted");
    assert!(error.to_string().contains("not admitted"), "{error}");
    // Another sequence: the entry would not follow the lineage that is there.
    let mut image = newborn.image;
    image[layout.state_size + tail::SEQUENCE] ^= 2;
    let admitted =
        class.step(&image, &offer, &mut Zeros).unwrap().admitted.expect("a bind leaves an entry");
    assert_ne!(admitted.entry().sequence, 1);
}
