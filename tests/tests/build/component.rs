//! The component on a stock engine: typed calls say what the interpreter says.

use crate::core::engine;
use aqo_compiler::{Database, db};
use aqo_emit::Options;
use aqo_model::Model;
use aqo_model::layout::Layout;
use aqo_model::layout::outcome;
use aqo_model::offer::{Bind, Birth, Envelope, Message, Offer, OfferKind, View, Word};
use aqo_model::policy::Otherwise;
use aqo_model::step::step_bytes;
use aqo_model::value::{Bytes32, Value};
use aqo_tests::gaps::under_gaps;
use aqo_tests::models;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, Linker, Val};

const START: i64 = 1_798_761_600_000_000;
const SECOND: i64 = 1_000_000;

/// A live component, and the interpreter beside it.
struct Twin {
    model: Model,
    layout: Layout,
    store: Store<()>,
    instance: Instance,
    typed: String,
    image: Vec<u8>,
}

impl Twin {
    fn new(model: Model, typed: &str) -> Self {
        let bytes = aqo_emit::component(&model, &Options::default()).expect("a component");
        let engine = engine();
        let component = Component::new(&engine, &bytes).expect("a valid component");
        let mut store = Store::new(&engine, ());
        let linker = Linker::new(&engine);
        let instance = linker.instantiate(&mut store, &component).expect("it imports nothing");
        let layout = Layout::of(&model);
        let image = vec![0; layout.image_size];
        Twin { model, layout, store, instance, typed: typed.to_owned(), image }
    }

    fn call(&mut self, interface: &str, name: &str, args: &[Val]) -> Val {
        let (_, interface) =
            (self.instance.get_export(&mut self.store, None, interface)).expect("exported");
        let (_, func) =
            (self.instance.get_export(&mut self.store, Some(&interface), name)).expect("exported");
        let func = self.instance.get_func(&mut self.store, func).expect("a function");
        let mut results = [Val::Bool(false)];
        func.call(&mut self.store, args, &mut results).expect("the call does not trap");
        results[0].clone()
    }

    fn typed(&mut self, name: &str, args: &[Val]) -> Val {
        let interface = self.typed.clone();
        self.call(&interface, name, args)
    }

    /// What the interpreter makes of an offer: the reply's reason, and the body.
    fn interpreted(&mut self, offer: &Offer) -> (u16, Option<Vec<u8>>) {
        let bytes = offer.encode(&self.layout);
        let answer = step_bytes(&self.model, &self.layout, &self.image, &bytes).expect("an image");
        self.image = answer.image;
        let reply = [answer.outcome[outcome::REPLY], answer.outcome[outcome::REPLY + 1]];
        let entry = answer.outcome[outcome::STATUS] == 1;
        (u16::from_le_bytes(reply), entry.then(|| answer.outcome[outcome::BODY..].to_vec()))
    }

    fn birth(&mut self, values: Vec<Value>) {
        let bind = Bind { host: Bytes32([1; 32]), nonce: [2; 16], capabilities: 3 };
        let roles = self.model.schema.roles.iter().map(|_| vec![Bytes32([5; 32])]).collect();
        let birth = Birth { creator: Bytes32([4; 32]), bind, values, roles };
        let inputs = vec![None; self.model.schema.inputs.len()];
        let offer =
            Offer { kind: OfferKind::Birth(birth), observed: START, served: 0, ignored: 0, inputs };
        let bytes = list(&offer.encode(&self.layout));
        let (_, body) = self.interpreted(&offer);
        let said = self.call("aqo:object/lifecycle@1.0.0", "birth", &[bytes]);
        assert_eq!(field(&said, "entry"), Val::Option(body.map(|body| Box::new(list(&body)))));
        assert_eq!(field(&said, "image"), list(&self.image));
    }
}

fn list(bytes: &[u8]) -> Val {
    Val::List(bytes.iter().map(|byte| Val::U8(*byte)).collect())
}

fn record(fields: &[(&str, Val)]) -> Val {
    Val::Record(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn some(value: Val) -> Val {
    Val::Option(Some(Box::new(value)))
}

fn field(value: &Val, name: &str) -> Val {
    let Val::Record(fields) = value else { unreachable!("{value:?} is no record") };
    fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).expect("such a field")
}

fn envelope(role: u16, counter: u64, now: i64) -> Envelope {
    Envelope {
        role,
        key: Bytes32([5; 32]),
        epoch: 0,
        counter,
        not_after: now + SECOND,
        signature: [8; 64],
        verified: true,
    }
}

fn enveloped(role: &str, envelope: &Envelope) -> Val {
    record(&[
        ("role", Val::Enum(role.to_owned())),
        ("key", list(&envelope.key.0)),
        ("epoch", Val::U32(envelope.epoch)),
        ("counter", Val::U64(envelope.counter)),
        ("not-after", Val::S64(envelope.not_after)),
        ("signature", list(&envelope.signature)),
        ("verified", Val::Bool(envelope.verified)),
    ])
}

fn message(
    model: &Model,
    kind: u16,
    params: Vec<Value>,
    envelope: Option<Envelope>,
    now: i64,
    served: i64,
) -> Offer {
    Offer {
        kind: OfferKind::Message(Message { kind, params, envelope }),
        observed: now,
        served,
        ignored: 0,
        inputs: vec![None; model.schema.inputs.len()],
    }
}

/// The entry that a typed call answers, where it does.
fn entry(said: &Val) -> Val {
    let Val::Result(Ok(Some(reply))) = said else { unreachable!("{said:?} is no reply") };
    field(reply, "entry")
}

fn refusal(reason: &str) -> Val {
    Val::Result(Err(Some(Box::new(Val::Enum(reason.to_owned())))))
}

#[test]
fn a_thermostat_answers_typed_calls() {
    let mut twin = Twin::new(models::thermostat(), "edge:thermostat/thermostat@1.0.0");
    let now = START + SECOND;
    let first = envelope(0, 1, now);
    let adjust =
        |to, envelope: &Envelope| [Val::S64(now), Val::S64(to), enveloped("operator", envelope)];
    assert_eq!(twin.typed("adjust", &adjust(2_150, &first)), refusal("unborn"));
    assert_eq!(twin.typed("state", &[]), Val::Option(None));
    twin.birth(Vec::new());

    let offer = message(&twin.model, 0, vec![Value::Int(2_150)], Some(first), now, START);
    let (_, body) = twin.interpreted(&offer);
    let said = twin.typed("adjust", &adjust(2_150, &first));
    assert_eq!(entry(&said), some(list(&body.expect("an entry"))));

    let second = envelope(0, 2, now);
    let (_, body) = twin.interpreted(&message(
        &twin.model,
        0,
        vec![Value::Int(9_999)],
        Some(second),
        now,
        START,
    ));
    assert!(body.is_some(), "a refusal is recorded");
    assert_eq!(twin.typed("adjust", &adjust(9_999, &second)), refusal("range"));
    assert_eq!(twin.typed("adjust", &adjust(2_000, &second)), refusal("replay"));

    let later = START + 5 * SECOND;
    let view = View { value: Value::Int(1_800), at: later, word: None };
    let (_, body) = twin.interpreted(&Offer::tick(later, START, vec![Some(view)]));
    let said = twin.typed("tick", &[Val::S64(later), some(Val::S64(1_800))]);
    assert_eq!(entry(&said), some(list(&body.expect("it begins to heat"))));
    let said = twin.typed("tick", &[Val::S64(later), Val::Option(None)]);
    assert_eq!(entry(&said), Val::Option(None));

    let state = record(&[
        ("setpoint-e2", Val::S64(2_150)),
        ("mode", Val::Enum("heating".to_owned())),
        ("starts", Val::S64(1)),
    ]);
    assert_eq!(twin.typed("state", &[]), some(state));
}

#[test]
fn the_lifecycle_saves_restores_and_steps() {
    const LIFECYCLE: &str = "aqo:object/lifecycle@1.0.0";
    let mut twin = Twin::new(models::thermostat(), "edge:thermostat/thermostat@1.0.0");
    twin.birth(Vec::new());
    let described = twin.call(LIFECYCLE, "describe", &[]);
    assert_eq!(field(&described, "object"), Val::String("edge.thermostat.Thermostat".to_owned()));
    assert_eq!(field(&described, "class"), list(&twin.model.class().0));
    assert_eq!(twin.call(LIFECYCLE, "wake", &[]), Val::S64(START + 5 * SECOND));
    let saved = twin.call(LIFECYCLE, "save", &[]);
    assert_eq!(saved, list(&twin.image));
    // One step of another object, and many: what this instance holds stays.
    for tick in 1..200 {
        let offer = Offer::tick(START + tick * SECOND, START, vec![None]).encode(&twin.layout);
        let said = twin.call(LIFECYCLE, "step", &[saved.clone(), list(&offer)]);
        let answer = step_bytes(&twin.model, &twin.layout, &twin.image, &offer).expect("an image");
        assert_eq!(field(&said, "image"), list(&answer.image));
    }
    assert_eq!(twin.call(LIFECYCLE, "save", &[]), saved);
    assert_eq!(twin.call(LIFECYCLE, "restore", &[list(&[1, 2, 3])]), Val::Bool(false));
    assert_eq!(twin.call(LIFECYCLE, "restore", &[saved]), Val::Bool(true));
    let said = twin.call(LIFECYCLE, "tick", &[list(&[1, 2, 3])]);
    assert_eq!(field(&said, "reply"), Val::U16(11));
}

#[test]
fn a_refusal_is_named_whatever_its_number() {
    let source = "module demo.gate

object Gate version 1 {
    field last: int in 0 ..= 9 = 0

    message open(way: int in 0 ..= 9) from anyone

    rule first on open(way) when way == 1 refuse shut
    rule second on open(way) when way == 2 refuse worn
    rule third on open(way) when way == 3 refuse stuck
}
";
    let mut database = Database::default();
    let file = under_gaps(&mut database, "gate.aqo", source);
    let checked = db::object_of(&database, file, 0);
    let model = checked.model.as_ref().expect("a Model").model().clone();
    let numbers = ["shut", "worn", "stuck"].map(|name| model.policy.reason_named(name).unwrap().0);
    assert_eq!(numbers, [79, 72, 65]);
    let mut twin = Twin::new(model, "demo:gate/gate@1.0.0");
    twin.birth(Vec::new());
    for (way, (name, number)) in (1..).zip([("shut", 79), ("worn", 72), ("stuck", 65)]) {
        let now = START + way * SECOND;
        let offer = message(&twin.model, 0, vec![Value::Int(way)], None, now, START);
        assert_eq!(twin.interpreted(&offer).0, number);
        assert_eq!(twin.typed("open", &[Val::S64(now), Val::S64(way)]), refusal(name));
    }
    // One that is built in comes from before them.
    let said = twin.typed("open", &[Val::S64(START + 9 * SECOND), Val::S64(4)]);
    assert_eq!(said, refusal("no-rule"));
}

#[test]
fn every_type_is_lifted_and_lowered() {
    let mut twin =
        Twin::new(models::everything(Otherwise::Observe), "test:everything-here/every-thing@3.0.0");
    let maybe_text = Value::Some(Box::new(Value::Text("old".to_owned())));
    twin.birth(vec![Value::Int(1_250), Value::Bytes32(Bytes32([6; 32])), maybe_text]);
    let now = START + SECOND;
    let first = envelope(0, 1, now);
    let params = vec![
        Value::Int(-3),
        Value::Text("grüße".to_owned()),
        Value::Bytes32(Bytes32([7; 32])),
        Value::variant(2),
        Value::Some(Box::new(Value::Int(-99))),
        Value::None,
        Value::Bool(true),
        Value::Int(-5),
        Value::Bytes32(Bytes32([9; 32])),
    ];
    let offer = message(&twin.model, 0, params, Some(first), now, START);
    let (reply, body) = twin.interpreted(&offer);
    assert_eq!(reply, 0);
    let args = [
        Val::S64(now),
        Val::S64(-3),
        Val::String("grüße".to_owned()),
        list(&[7; 32]),
        Val::Enum("blue".to_owned()),
        some(Val::S64(-99)),
        Val::Option(None),
        Val::Bool(true),
        Val::S64(-5),
        list(&[9; 32]),
        enveloped("boss", &first),
    ];
    let said = twin.typed("set-all", &args);
    assert_eq!(entry(&said), some(list(&body.expect("an entry"))));
    let mut short = args.clone();
    short[3] = list(&[7; 31]);
    assert_eq!(twin.typed("set-all", &short), refusal("malformed"));
    let mut long = args;
    long[2] = Val::String("a".repeat(13));
    assert_eq!(twin.typed("set-all", &long), refusal("malformed"));

    let Val::Option(Some(state)) = twin.typed("state", &[]) else { unreachable!("it is born") };
    assert_eq!(field(&state, "title"), Val::String("grüße".to_owned()));
    // `note` and `digest` are private, so the face has no place for them.
    let Val::Record(names) = &*state else { unreachable!("{state:?} is no record") };
    let everything = models::everything(Otherwise::Observe);
    let public = everything.schema.fields.iter().filter(|field| !field.private).count();
    assert_eq!(names.len(), public);
    assert!(names.iter().all(|(name, _)| name != "note" && name != "digest"), "{names:?}");
    assert_eq!(field(&state, "price-e2"), Val::S64(1_250));
    assert_eq!(field(&state, "maybe"), some(Val::S64(-99)));
    assert_eq!(field(&state, "maybe-text"), some(Val::String("hello".to_owned())));
    assert_eq!(field(&state, "big"), Val::Enum("v29".to_owned()));
    assert_eq!(field(&state, "maybe-key"), some(list(&[6; 32])));

    let later = START + 5 * SECOND;
    let views = [
        Some(Value::Int(5)),
        Some(Value::Text("tag".to_owned())),
        Some(Value::variant(0)),
        None,
        Some(Value::Bytes32(Bytes32([3; 32]))),
    ];
    let mut views = views.map(|view| view.map(|value| View { value, at: later, word: None }));
    let word = Word { key: Bytes32([5; 32]), epoch: 0, signature: [8; 64], verified: true };
    if let Some(tag) = &mut views[1] {
        (tag.at, tag.word) = (later - 3, Some(word));
    }
    let (_, body) = twin.interpreted(&Offer::tick(later, START, views.to_vec()));
    let tick = |key: &[u8], signature: &[u8]| {
        let word = record(&[
            ("key", list(key)),
            ("epoch", Val::U32(0)),
            ("at", Val::S64(later - 3)),
            ("signature", list(signature)),
            ("verified", Val::Bool(true)),
        ]);
        [
            Val::S64(later),
            some(Val::S64(5)),
            some(Val::Tuple(vec![Val::String("tag".to_owned()), word])),
            some(Val::Enum("red".to_owned())),
            Val::Option(None),
            some(list(&[3; 32])),
        ]
    };
    let key = word.key.0;
    assert_eq!(twin.typed("tick", &tick(&key[1..], &[8; 64])), refusal("malformed"));
    assert_eq!(twin.typed("tick", &tick(&key, &[8; 63])), refusal("malformed"));
    let said = twin.typed("tick", &tick(&key, &[8; 64]));
    let body = body.expect("an entry");
    assert!(body.windows(64).any(|bytes| bytes == [8; 64]), "the signature stands in the entry");
    assert_eq!(entry(&said), some(list(&body)));
}
