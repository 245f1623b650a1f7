//! Until when ticks come to nothing: to the microsecond, and not a tick later.

use aqo_model::Model;
use aqo_model::image::Image;
use aqo_model::layout::Layout;
use aqo_model::offer::{Bind, Birth, Message, Offer, OfferKind, View};
use aqo_model::step::{Quiet, step};
use aqo_model::trust::Gain;
use aqo_model::types::NEVER;
use aqo_model::value::{Bytes32, Value};
use aqo_tests::offers::START;
use aqo_tests::programs::check::check;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;

/// An object that was born at the start and is ticked each second.
struct Life {
    model: Model,
    layout: Layout,
    image: Image,
    served: i64,
    inputs: Vec<Option<View>>,
}

impl Life {
    fn new(members: &str) -> Life {
        let text = format!("module demo.quiet\n\nobject Quiet version 1 {{\n{members}\n}}\n");
        let model = check(&text).expect("it checks");
        let layout = Layout::of(&model);
        let image = Image::unborn(&model, &layout);
        let bind = Bind { host: Bytes32([7; 32]), nonce: [0; 16], capabilities: u64::MAX };
        let roles = model.schema.roles.iter().map(|_| vec![Bytes32([9; 32])]).collect();
        let birth = Birth { creator: Bytes32([8; 32]), bind, values: Vec::new(), roles };
        let inputs = vec![None; model.schema.inputs.len()];
        let mut life = Life { model, layout, image, served: START, inputs };
        assert!(life.offer(OfferKind::Birth(birth), START), "it is born");
        life
    }

    fn at(kind: OfferKind, life: &Life, now: i64) -> Offer {
        let inputs = life.inputs.clone();
        Offer { kind, observed: now, served: life.served, ignored: 0, inputs }
    }

    /// Makes an offer; whether it leaves an entry.
    fn offer(&mut self, kind: OfferKind, now: i64) -> bool {
        let offer = Life::at(kind, self, now);
        let stepped = step(&self.model, &self.layout, &self.image, &offer);
        (self.image, self.served) = (stepped.image, stepped.served);
        stepped.entry.is_some()
    }

    fn say(&mut self, kind: u16, now: i64) {
        let message = Message { kind, params: Vec::new(), envelope: None };
        assert!(self.offer(OfferKind::Message(message), now), "it is heard");
    }

    /// Until when ticks come to nothing, after one at an instant that did.
    fn until(&mut self, now: i64) -> i64 {
        let offer = Life::at(OfferKind::Tick, self, now);
        let quiet = Quiet::of(&self.model, &self.layout);
        let ticking = quiet.ticking(&self.image, now, self.served);
        assert_eq!(ticking, Some(vec![0]), "its cycle ticks, and nothing else happens");
        let stepped = step(&self.model, &self.layout, &self.image, &offer);
        assert_eq!(stepped.entry, None, "it is idle at {now}");
        let until = quiet.until(&self.image, &offer, 0);
        self.served = stepped.served;
        until
    }

    /// Ticks come to nothing until exactly then.
    fn acts_at(&mut self, instant: i64) {
        assert_eq!(self.image.state.now.max(instant), instant);
        assert!(!self.offer(OfferKind::Tick, instant - 1), "a microsecond before it is idle");
        // The grid of its cycle need not lie there: what was served is taken back.
        self.served = instant - 2 * SECOND;
        assert!(self.offer(OfferKind::Tick, instant), "it leaves an entry then");
    }
}

#[test]
fn a_comparison_of_time_turns_at_its_instant() {
    let mut life = Life::new(
        "field on: bool = false
        field since: instant = born
        message heat() from anyone
        cycle every 1s
        rule take on heat() when not on { set on = true  set since = now }
        rule cut_off on tick when on and now - since >= 30s { set on = false }",
    );
    assert_eq!(life.until(START + SECOND), NEVER, "while it is off only an entry changes that");
    life.say(0, START + 1_500_000);
    assert_eq!(life.until(START + 2 * SECOND), START + 31_500_000);
    life.acts_at(START + 31_500_000);
}

#[test]
fn a_reading_is_no_longer_fresh() {
    let mut life = Life::new(
        "field alarm: bool = false
        input room: int? in 0 ..= 50 fresh 10s
        input other: int? in 0 ..= 50 fresh 1s
        cycle every 1s
        rule blind on tick when room is none and not alarm { set alarm = true }",
    );
    let view = |at| Some(View { value: Value::Int(20), at, word: None });
    life.inputs = vec![view(START + SECOND), view(START + SECOND)];
    assert_eq!(life.until(START + SECOND), START + 11 * SECOND + 1);
    life.acts_at(START + 11 * SECOND + 1);
}

#[test]
fn a_limit_frees() {
    let mut life = Life::new(
        "field rings: int in 0 ..= 9 = 0
        cycle every 1s
        rule ring on tick when rings < 9 { set rings = rings + 1 }
        policy { limit hourly: ring to 1 per 1h }",
    );
    assert!(life.offer(OfferKind::Tick, START + SECOND), "it rings");
    assert!(life.offer(OfferKind::Tick, START + 2 * SECOND), "it is held");
    assert_eq!(life.until(START + 3 * SECOND), START + SECOND + HOUR);
    life.acts_at(START + SECOND + HOUR);
}

#[test]
fn what_is_left_of_a_limit_is_more() {
    let mut life = Life::new(
        "field rings: int in 0 ..= 9 = 0
        field told: bool = false
        message ring() from anyone
        cycle every 1s
        rule take on ring() { set rings = clamp(rings + 1)  set told = false }
        rule tell_all on tick when rings > 0 and not told and hourly.left + 1 > 3 { set told = true }
        policy { limit hourly: take to 3 per 1h }",
    );
    life.say(0, START + 200_000);
    life.say(0, START + 300_000);
    assert_eq!(life.until(START + SECOND), START + 200_000 + HOUR);
    assert_eq!(life.until(START + 200_000 + HOUR), START + 300_000 + HOUR);
    life.acts_at(START + 300_000 + HOUR);
}

const TRUSTED: &str = "role clerk
        field on: bool = true
        field count: int in 0 ..= 1 = 1
        message ask() from clerk
        cycle every 1s
        rule take on ask() {}";

#[test]
fn trust_decays_below_a_demand() {
    let mut life = Life::new(&format!(
        "{TRUSTED}
        rule act on tick when on needs trust >= 0.10 {{ set count = count + 1 else refuse worn_out }}
        policy {{ trust {{ half_life: 1h  window_long: 1d  window_short: 1h  gain 0.20 on take  loss 0.20 on refused.clerk }} }}"
    ));
    let policy = life.model.policy.trust.clone().expect("declared");
    let mut gain = [Gain { amount: 200_000, source: 1, claim: 1 }];
    let trust = life.image.state.trust.as_mut().expect("declared");
    trust.settle(&policy, (START, START), 0, &mut gain, false);
    let below = trust.falls_below(&policy, (START, START), 100_000).expect("it falls");
    assert!(life.offer(OfferKind::Tick, START + SECOND), "refused: worn_out");
    assert_eq!(life.until(START + 2 * SECOND), below);
    life.acts_at(below);
}

#[test]
fn a_slope_forgets_a_loss() {
    let mut life = Life::new(&format!(
        "{TRUSTED}
        rule act on tick when on needs slope >= 0.00 {{ set on = false }}
        policy {{ trust {{ half_life: 1h  window_short: 8min  window_long: 16min  loss 0.20 on refused.clerk }} }}"
    ));
    let policy = life.model.policy.trust.clone().expect("declared");
    let trust = life.image.state.trust.as_mut().expect("declared");
    trust.settle(&policy, (START, START + 1), 200_000, &mut [], false);
    life.image.state.now = START + 1;
    assert!(life.offer(OfferKind::Tick, START + SECOND), "held: trust");
    // The grid has a minute; what the ninth instant after the loss reads is forgotten.
    let until = life.until(START + 2 * SECOND);
    assert_eq!(until, START + 9 * 60 * SECOND);
    life.acts_at(until);
}

/// What changes with each tick, or in a way from which no instant is told, is looked at each time.
#[test]
fn some_ticks_are_never_skipped() {
    let here = START + SECOND;
    let missed = "field late: int in 0 ..= 9 = 0
        cycle every 1s
        rule count on tick when missed > 3 { set late = clamp(late + 1) }";
    assert_eq!(Life::new(missed).until(here), here);
    let body = |on: bool| {
        format!(
            "field on: bool = {on}
        field until: instant = @2261-01-01
        field left: duration in 0s ..= 1h = 0s
        cycle every 1s
        rule look on tick when on {{ set left = until - now else refuse far }}"
        )
    };
    let mut life = Life::new(&body(true));
    assert!(life.offer(OfferKind::Tick, here), "refused: far");
    assert_eq!(life.until(here + SECOND), here + SECOND, "the body reads time");
    assert_eq!(Life::new(&body(false)).until(here), NEVER, "but who asks");
    let foretold = "field due_at: instant = born
        message go() from anyone
        cycle every 1s
        rule take on go() { predict late: now - due_at > 2s within 1min }";
    let mut life = Life::new(foretold);
    assert_eq!(life.until(here), NEVER);
    life.say(0, here);
    assert_eq!(life.until(here + SECOND), here + SECOND, "it is looked at");
    let sleepy = "field a: instant = born
        field b: bool = false
        cycle every 1s
        rule wake on tick when b { set b = false }
        dormant when (now - a > 1h) == b";
    let mut life = Life::new(sleepy);
    life.image.state.resting = false;
    life.image.state.fields[1] = Value::Bool(true);
    life.image.state.outcomes.fill(0);
    let offer = Life::at(OfferKind::Tick, &life, here);
    assert_eq!(Quiet::of(&life.model, &life.layout).until(&life.image, &offer, 0), here);
}

#[test]
fn a_message_that_waits_for_an_instant_is_offered_each_time() {
    let mut life = Life::new(
        "role clerk
        field since: instant = born
        field taken: bool = false
        message ask() from clerk waits 1min
        cycle every 1s
        rule take on ask() when now - since > 10s { set taken = true }",
    );
    let here = START + SECOND;
    assert_eq!(life.until(here), NEVER);
    life.image.state.waiting[0].push(aqo_model::waiting::WaitingMessage {
        number: 1,
        by: (0, Bytes32([9; 32])),
        arrived: here,
        params: Vec::new(),
    });
    assert_eq!(life.until(here + SECOND), here + SECOND);
}
