//! Models built by hand, for suites that want an object without a compiler.
//!
//! [`thermostat`] is the example of that name; [`everything`] uses each form of type, expression,
//! statement and clause at least once.

use aqo_model::Model;
use aqo_model::expr::{Expr, Order, Rounding, Shape, Stmt};
use aqo_model::numbers::Numbers;
use aqo_model::policy::{
    Always, Flow, Happening, Hosts, Limit, Measure, Otherwise, Policy, Prediction, Quorum, Rule,
    Score, Source, Trigger, Trust, TrustDemand,
};
use aqo_model::private;
use aqo_model::schema::{
    CatchUp, Change, Cycle, Default, Derive, Event, Field, Input, Message, Role, Schedule, Schema,
};
use aqo_model::types::{Bounds, Enum, Param, Type, Types, Unit, Variant};
use aqo_model::value::{Bytes32, Value};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Shorthand: a boxed expression.
fn b(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

fn n(value: i64) -> Expr {
    Expr::number(value)
}

fn lt(a: Expr, c: Expr) -> Expr {
    Expr::Compare(Order::Less, b(a), b(c))
}

fn le(a: Expr, c: Expr) -> Expr {
    Expr::Compare(Order::AtMost, b(a), b(c))
}

fn eq(a: Expr, c: Expr) -> Expr {
    Expr::Equal(b(a), b(c))
}

fn add(a: Expr, c: Expr) -> Expr {
    Expr::Add(b(a), b(c))
}

fn sub(a: Expr, c: Expr) -> Expr {
    Expr::Sub(b(a), b(c))
}

fn or_else(a: Expr, c: Expr) -> Expr {
    Expr::Else(b(a), b(c))
}

fn fit(a: Expr, low: i64, high: i64) -> Expr {
    Expr::Fit(b(a), low, high)
}

fn is_some(a: Expr, local: u16) -> Expr {
    Expr::Is(b(a), vec![Shape::Some(Some(local))])
}

fn bounds(low: i64, high: i64) -> Bounds {
    Bounds { low, high }
}

/// `int in low ..= high`
pub fn int(low: i64, high: i64) -> Type {
    Type::Number { scale: 0, unit: Unit::default(), within: bounds(low, high) }
}

fn option(ty: Type) -> Type {
    Type::Option(Box::new(ty))
}

fn text(max: u16) -> Type {
    Type::Text { max }
}

fn celsius(low: i64, high: i64) -> Type {
    Type::Number {
        scale: 2,
        unit: Unit(vec![("celsius".to_owned(), 1)]),
        within: bounds(low, high),
    }
}

fn value(value: Value) -> Option<Default> {
    Some(Default::Value(value))
}

fn param(name: &str, ty: Type) -> Param {
    Param { name: name.to_owned(), ty }
}

fn enums(enums: Vec<Enum>) -> Types {
    Types { enums, records: Vec::new() }
}

/// An enum whose variants carry nothing.
fn plain(name: &str, variants: &[&str]) -> Enum {
    let bare = |name: &&str| Variant { name: (*name).to_owned(), params: Vec::new() };
    Enum {
        name: name.to_owned(),
        variants: variants.iter().map(bare).collect(),
        numbers: Numbers::NONE,
    }
}

/// One of 30 variants.
fn big() -> Enum {
    let variants = (0..30).map(|k| Variant { name: format!("V{k}"), params: Vec::new() });
    Enum { name: "Big".to_owned(), variants: variants.collect(), numbers: Numbers::NONE }
}

fn field(number: u16, name: &str, ty: Type, default: Option<Default>) -> Field {
    Field {
        number,
        name: name.to_owned(),
        ty,
        default,
        attested: None,
        change: Change::Any,
        private: false,
    }
}

fn role(number: u16, name: &str) -> Role {
    Role { number, name: name.to_owned(), max: None, open: false }
}

fn message(number: u16, name: &str, params: Vec<Param>, from: Vec<u16>) -> Message {
    Message { number, name: name.to_owned(), params, from, waits: None, private: Vec::new() }
}

fn rule(number: u16, name: &str, on: Trigger, when: Option<Expr>, body: Vec<Stmt>) -> Rule {
    Rule {
        number,
        name: name.to_owned(),
        on,
        when,
        needs: Vec::new(),
        quorum: None,
        assured: false,
        body,
        locals: Vec::new(),
    }
}

/// The thermostat of the examples.
pub fn thermostat() -> Model {
    const ROOM: Expr = Expr::Input(0);
    const SETPOINT: Expr = Expr::Field(0);
    let (idle, heating, fault) = (0, 1, 2);
    let mode = |variant| Expr::Variant(0, variant, Vec::new());
    let mode_is = |variant| eq(Expr::Field(1), mode(variant));
    let set_mode = |variant| Stmt::Set(1, mode(variant));
    let heater = |on: bool| Stmt::Emit(0, vec![Expr::Value(Value::Bool(on))]);
    let room = celsius(-4_000, 12_500);
    let room_or = or_else(Expr::Unwrap(b(ROOM)), n(12_500));
    let schema = Schema {
        model: aqo_model::MODEL_VERSION,
        package: "edge.thermostat".to_owned(),
        object: "Thermostat".to_owned(),
        version: 1,
        intent: "Keep the room at the setpoint".to_owned(),
        types: enums(vec![plain("Mode", &["Idle", "Heating", "Fault"])]),
        functions: Vec::new(),
        roles: vec![role(0, "operator"), role(1, "service")],
        fields: vec![
            Field {
                attested: Some(0),
                ..field(0, "setpoint", celsius(500, 3_000), value(Value::Int(2_000)))
            },
            field(1, "mode", Type::Enum(0), value(Value::variant(idle))),
            field(2, "starts", int(0, 1_000_000), value(Value::Int(0))),
        ],
        derives: Vec::new(),
        inputs: vec![Input {
            number: 0,
            name: "room".to_owned(),
            ty: room.clone(),
            from: None,
            fresh: Some(30 * SECOND),
            private: false,
        }],
        messages: vec![
            message(0, "adjust", vec![param("to", celsius(500, 3_000))], vec![0]),
            message(1, "reset", Vec::new(), vec![1]),
            message(2, "vouch", Vec::new(), vec![1]),
        ],
        events: vec![Event {
            number: 0,
            name: "heater".to_owned(),
            params: vec![param("on", Type::Bool)],
            via: Some(0),
            expires: Some(10 * SECOND),
        }],
        capabilities: vec!["relay".to_owned()],
        cycles: vec![Cycle {
            name: None,
            schedule: Schedule::Every(5 * SECOND),
            catch_up: CatchUp::One,
        }],
    };
    let start = Rule {
        needs: vec![TrustDemand { of: Measure::Trust, at_least: true, bound: -500_000 }],
        locals: vec![room.clone()],
        ..rule(
            2,
            "start",
            Trigger::Tick,
            Some(mode_is(idle).and(is_some(ROOM, 0)).and(lt(Expr::Local(0), sub(SETPOINT, n(50))))),
            vec![
                set_mode(heating),
                Stmt::Set(
                    2,
                    or_else(fit(add(Expr::Field(2), n(1)), 0, 1_000_000), Expr::Refuse(64)),
                ),
                heater(true),
                Stmt::Predict(0, Vec::new()),
            ],
        )
    };
    let policy = Policy {
        rules: vec![
            rule(0, "take_setpoint", Trigger::Message(0), None, vec![Stmt::Set(0, Expr::Param(0))]),
            Rule {
                assured: true,
                ..rule(
                    1,
                    "fail_safe",
                    Trigger::Tick,
                    Some(mode_is(heating).and(lt(n(3_500), room_or))),
                    vec![set_mode(fault), heater(false)],
                )
            },
            start,
            Rule {
                locals: vec![room.clone()],
                ..rule(
                    3,
                    "stop",
                    Trigger::Tick,
                    Some(
                        mode_is(heating)
                            .and(is_some(ROOM, 0))
                            .and(lt(add(SETPOINT, n(50)), Expr::Local(0))),
                    ),
                    vec![set_mode(idle), heater(false)],
                )
            },
            rule(4, "recover", Trigger::Message(1), Some(mode_is(fault)), vec![set_mode(idle)]),
            rule(5, "take_vouch", Trigger::Message(2), None, Vec::new()),
        ],
        predictions: vec![Prediction {
            name: "warm".to_owned(),
            span: 30 * MINUTE,
            throughout: false,
            holds: is_some(ROOM, 0).and(le(sub(SETPOINT, n(50)), Expr::Local(0))),
            captures: Vec::new(),
            locals: vec![room],
            source: Some(Source::Input(0)),
        }],
        flows: vec![Flow { field: 1, next: vec![0b110, 0b101, 0b001] }],
        always: Vec::new(),
        limits: vec![Limit { reason: 65, rules: vec![2], count: 6, per: HOUR, sum: None }],
        trust: Some(Trust {
            gains: vec![
                Score { amount: 20_000, on: Happening::Kept(0) },
                Score { amount: 200_000, on: Happening::Rule(5) },
            ],
            losses: vec![Score { amount: 200_000, on: Happening::Broken(0) }],
            half_life: 7 * DAY,
            ceiling: 1_000_000,
            lowest: 1_000_000,
            window_short: DAY,
            window_long: 14 * DAY,
            sources: 1,
            penalty: 500_000,
            recovery: 3,
        }),
        hosts: Some(Hosts { need: 1, otherwise: Otherwise::Observe }),
        upgrade: Some(Quorum { count: 1, roles: vec![1], within: 0 }),
        retain: None,
        dormant: None,
        ends: None,
        reasons: vec!["worn_out".to_owned(), "short_cycling".to_owned()],
        reason_numbers: Numbers::NONE,
    };
    Model { schema, policy }
}

/// Fields of [`everything`], by index.
mod f {
    pub(super) const FLAG: u16 = 0;
    pub(super) const SMALL: u16 = 1;
    pub(super) const MID: u16 = 2;
    pub(super) const LARGE: u16 = 3;
    pub(super) const HUGE: u16 = 4;
    pub(super) const SPAN: u16 = 6;
    pub(super) const SINCE: u16 = 7;
    pub(super) const TITLE: u16 = 8;
    pub(super) const NOTE: u16 = 9;
    pub(super) const OWNER: u16 = 10;
    pub(super) const DIGEST: u16 = 11;
    pub(super) const COLOR: u16 = 12;
    pub(super) const BIG: u16 = 13;
    pub(super) const MAYBE: u16 = 14;
    pub(super) const MAYBE_TEXT: u16 = 15;
    pub(super) const MAYBE_KEY: u16 = 16;
    pub(super) const MAYBE_COLOR: u16 = 17;
    pub(super) const MAYBE_FLAG: u16 = 18;
    pub(super) const WORD: u16 = 19;
    pub(super) const COUNT: u16 = 20;
}

/// Reasons of [`everything`]: each clause and refusal has its own.
const REASONS: [&str; 8] =
    ["worn", "too_big", "blank", "often", "seldom", "in_order", "titled", "not_now"];

fn reason(name: &str) -> u16 {
    let index = REASONS.iter().position(|reason| *reason == name).expect("a known reason");
    64 + index as u16
}

fn everything_schema() -> Schema {
    let color = Type::Enum(0);
    let fields = vec![
        field(0, "flag", Type::Bool, value(Value::Bool(true))),
        field(1, "small", int(-10, 10), value(Value::Int(0))),
        field(2, "mid", int(0, 30_000), value(Value::Int(5))),
        field(4, "large", int(-2_000_000_000, 2_000_000_000), value(Value::Int(-70_000))),
        field(5, "huge", int(i64::MIN / 4, i64::MAX / 4), value(Value::Int(1 << 40))),
        field(6, "price", celsius(0, 100_000), None),
        field(7, "span", Type::Duration(bounds(-DAY, DAY)), value(Value::Int(MINUTE))),
        field(8, "since", Type::Instant(Bounds::INSTANT), Some(Default::Born)),
        field(9, "title", text(12), value(Value::Text("hello".to_owned()))),
        Field { private: true, ..field(10, "note", text(40), value(Value::Text(String::new()))) },
        Field { attested: Some(0), ..field(11, "owner", Type::Key, None) },
        Field {
            private: true,
            ..field(12, "digest", Type::Hash, value(Value::Bytes32(Bytes32::ZERO)))
        },
        field(13, "color", color.clone(), value(Value::variant(1))),
        field(14, "big", Type::Enum(1), value(Value::variant(29))),
        field(15, "maybe", option(int(-100, 100)), value(Value::None)),
        field(16, "maybe_text", option(text(12)), None),
        field(17, "maybe_key", option(Type::Key), value(Value::None)),
        field(
            18,
            "maybe_color",
            option(color.clone()),
            value(Value::Some(Box::new(Value::variant(2)))),
        ),
        field(300, "maybe_flag", option(Type::Bool), value(Value::None)),
        Field { attested: Some(0), ..field(301, "word", int(0, 100), value(Value::Int(1))) },
        field(302, "count", int(0, 1_000_000), value(Value::Int(0))),
    ];
    let input = |number, name: &str, ty, fresh| Input {
        number,
        name: name.to_owned(),
        ty,
        from: None,
        fresh,
        private: false,
    };
    let event = |number, name: &str, params, via| Event {
        number,
        name: name.to_owned(),
        params,
        via,
        expires: None,
    };
    Schema {
        model: aqo_model::MODEL_VERSION,
        package: "test.everything.here".to_owned(),
        object: "EveryThing".to_owned(),
        version: 3,
        intent: "Use each form once".to_owned(),
        types: enums(vec![plain("Color", &["Red", "Green", "Blue"]), big()]),
        functions: Vec::new(),
        roles: vec![role(0, "boss"), role(3, "aide")],
        fields,
        derives: vec![
            Derive {
                name: "total".to_owned(),
                ty: int(-10, 30_010),
                value: add(Expr::Field(f::MID), Expr::Field(f::SMALL)),
                locals: Vec::new(),
                private: false,
            },
            Derive {
                name: "double".to_owned(),
                ty: int(-20, 60_020),
                value: Expr::Let(0, b(Expr::Derive(0)), b(add(Expr::Local(0), Expr::Local(0)))),
                locals: vec![int(-10, 30_010)],
                private: false,
            },
            Derive {
                name: "later".to_owned(),
                ty: Type::Instant(Bounds::INSTANT),
                value: Expr::Shift(b(Expr::Now), b(Expr::Field(f::SPAN))),
                locals: Vec::new(),
                private: false,
            },
        ],
        inputs: vec![
            input(0, "temp", int(-1_000, 1_000), Some(30 * SECOND)),
            Input { from: Some(1), ..input(1, "tag", text(8), None) },
            input(2, "shade", color.clone(), None),
            input(5, "okay", Type::Bool, Some(0)),
            input(6, "who", Type::Key, None),
        ],
        messages: vec![
            message(
                0,
                "set_all",
                vec![
                    param("n", int(-10, 10)),
                    param("t", text(12)),
                    param("k", Type::Key),
                    param("c", color.clone()),
                    param("mo", option(int(-100, 100))),
                    param("mt", option(text(12))),
                    param("b", Type::Bool),
                    param("d", Type::Duration(bounds(-DAY, DAY))),
                    param("h", Type::Hash),
                ],
                vec![0],
            ),
            Message {
                waits: Some(20 * SECOND),
                ..message(1, "poke", vec![param("x", int(0, 1_000))], vec![0, 1])
            },
            message(2, "shout", vec![param("t", text(40))], Vec::new()),
            message(7, "quiet", Vec::new(), vec![1]),
        ],
        events: vec![
            event(
                0,
                "bell",
                vec![param("n", int(-100_000, 100_000)), param("t", text(12))],
                Some(0),
            ),
            event(1, "report", vec![param("o", option(text(12))), param("c", color)], None),
            event(40, "ping", Vec::new(), Some(1)),
        ],
        capabilities: vec!["horn".to_owned(), "lamp".to_owned()],
        cycles: vec![
            Cycle { name: None, schedule: Schedule::Every(5 * SECOND), catch_up: CatchUp::One },
            Cycle {
                name: Some("slow".to_owned()),
                schedule: Schedule::Every(7 * SECOND),
                catch_up: CatchUp::One,
            },
        ],
    }
}

/// What a signed message does: swaps, copies, chooses.
fn message_rules() -> Vec<Rule> {
    let field = Expr::Field;
    let set_all = vec![
        Stmt::Set(f::SMALL, Expr::Param(0)),
        Stmt::Set(f::TITLE, Expr::Param(1)),
        Stmt::Set(f::OWNER, Expr::Param(2)),
        Stmt::Set(f::COLOR, Expr::Param(3)),
        Stmt::Set(f::MAYBE, Expr::Param(4)),
        // Old values: what is set above is read as it was.
        Stmt::Set(f::NOTE, Expr::If(b(Expr::Param(6)), b(field(f::TITLE)), b(Expr::Param(1)))),
        Stmt::Set(
            f::MAYBE_TEXT,
            Expr::If(b(Expr::Param(6)), b(Expr::Some(b(field(f::TITLE)))), b(Expr::Param(5))),
        ),
        Stmt::Set(f::FLAG, Expr::Param(6)),
        Stmt::Set(f::SPAN, Expr::Param(7)),
        Stmt::Set(f::DIGEST, Expr::Param(8)),
        Stmt::Set(f::MAYBE_KEY, Expr::Some(b(field(f::OWNER)))),
        Stmt::Set(f::WORD, n(7)),
        Stmt::Emit(1, vec![Expr::Some(b(field(f::TITLE))), field(f::COLOR)]),
        Stmt::Emit(0, vec![Expr::Param(0), Expr::Param(1)]),
        Stmt::Predict(1, vec![field(f::TITLE), Expr::Some(b(field(f::MID)))]),
    ];
    let poke = vec![
        Stmt::Let(0, Expr::Clamp(b(sub(Expr::Param(0), field(f::MID))), b(n(-10)), b(n(10)))),
        Stmt::If(
            Expr::Not(b(eq(Expr::Local(0), n(10)))),
            vec![
                Stmt::Set(f::SMALL, Expr::Local(0)),
                Stmt::Set(
                    f::MID,
                    or_else(
                        fit(add(field(f::MID), Expr::Param(0)), 0, 30_000),
                        Expr::Refuse(reason("too_big")),
                    ),
                ),
            ],
            vec![Stmt::Match(
                field(f::MAYBE),
                vec![
                    (
                        vec![Shape::Some(Some(1))],
                        vec![
                            Stmt::Set(f::LARGE, Expr::Mul(b(Expr::Local(1)), b(Expr::Param(0)))),
                            Stmt::Predict(0, Vec::new()),
                        ],
                    ),
                    (vec![Shape::None], vec![Stmt::Refuse(reason("blank"))]),
                ],
            )],
        ),
    ];
    let shout_when = Expr::And(
        b(Expr::StartsWith(b(Expr::Param(0)), b(Expr::Value(Value::Text("a".to_owned()))))),
        b(Expr::Or(
            b(le(Expr::Len(b(Expr::Param(0))), n(20))),
            b(eq(Expr::Param(0), field(f::NOTE))),
        )),
    );
    vec![
        rule(0, "take_all", Trigger::Message(0), None, set_all),
        Rule {
            locals: vec![int(-10, 10), int(-100, 100)],
            ..rule(
                1,
                "poked",
                Trigger::Message(1),
                Some(Expr::Is(
                    b(field(f::COLOR)),
                    vec![Shape::Variant(0, Vec::new()), Shape::Variant(1, Vec::new())],
                )),
                poke,
            )
        },
        rule(
            2,
            "poked_blue",
            Trigger::Message(1),
            Some(lt(n(500), Expr::Param(0))),
            vec![
                Stmt::Set(f::COLOR, Expr::Variant(0, 0, Vec::new())),
                Stmt::Set(f::MAYBE_COLOR, Expr::None(option(Type::Enum(0)))),
            ],
        ),
        rule(
            3,
            "heard",
            Trigger::Message(2),
            Some(shout_when),
            vec![
                Stmt::Set(f::NOTE, Expr::Param(0)),
                Stmt::Set(f::COUNT, or_else(fit(add(field(f::COUNT), n(1)), 0, 1_000_000), n(0))),
            ],
        ),
        Rule {
            needs: vec![TrustDemand { of: Measure::Trust, at_least: false, bound: 900_000 }],
            ..rule(4, "hushed", Trigger::Message(3), None, vec![Stmt::Emit(2, Vec::new())])
        },
    ]
}

/// What it does by itself.
fn tick_rules() -> Vec<Rule> {
    let field = Expr::Field;
    let div = |rounding, a, c| Expr::Div(rounding, b(a), b(c));
    let temp = || Expr::Input(0);
    let counted = Stmt::Set(f::COUNT, Expr::Rem(b(add(field(f::COUNT), n(1))), b(n(1_000_000))));
    let arithmetic = vec![
        Stmt::Set(
            f::LARGE,
            Expr::Clamp(
                b(add(
                    div(Rounding::Floor, field(f::LARGE), add(Expr::Abs(b(field(f::SMALL))), n(3))),
                    sub(
                        div(Rounding::Ceil, field(f::LARGE), n(-7)),
                        add(
                            div(
                                Rounding::HalfUp,
                                field(f::LARGE),
                                sub(n(-2), Expr::Abs(b(field(f::SMALL)))),
                            ),
                            add(
                                div(Rounding::HalfEven, field(f::LARGE), n(4)),
                                div(Rounding::Trunc, field(f::LARGE), n(-3)),
                            ),
                        ),
                    ),
                )),
                b(n(-2_000_000_000)),
                b(n(2_000_000_000)),
            ),
        ),
        Stmt::Set(
            f::HUGE,
            Expr::Max(
                b(n(i64::MIN / 4)),
                b(Expr::Min(b(Expr::Neg(b(field(f::HUGE)))), b(n(i64::MAX / 4)))),
            ),
        ),
        counted,
        Stmt::Set(
            f::BIG,
            Expr::If(
                b(Expr::Within(b(Expr::Missed), b(n(1)), b(n(3)))),
                b(Expr::Variant(1, 24, Vec::new())),
                b(Expr::Variant(1, 3, Vec::new())),
            ),
        ),
        Stmt::Set(f::SINCE, Expr::Shift(b(Expr::Due), b(sub(Expr::Now, Expr::Born)))),
    ];
    let sum = Expr::Clamp(
        b(or_else(
            add(Expr::Unwrap(b(temp())), Expr::Unwrap(b(field(f::MAYBE)))),
            Expr::Unwrap(b(Expr::Some(b(n(3))))),
        )),
        b(n(-100)),
        b(n(100)),
    );
    let sensed = vec![
        Stmt::Match(
            Expr::Input(2),
            vec![
                (
                    vec![Shape::Some(Some(0))],
                    vec![
                        Stmt::Set(f::MAYBE_COLOR, Expr::Some(b(Expr::Local(0)))),
                        Stmt::Set(f::COLOR, Expr::Local(0)),
                    ],
                ),
                (
                    vec![Shape::None],
                    vec![Stmt::Set(f::MAYBE_COLOR, Expr::None(option(Type::Enum(0))))],
                ),
            ],
        ),
        Stmt::Set(f::MAYBE_TEXT, Expr::Input(1)),
        Stmt::Set(
            f::MAYBE_KEY,
            Expr::Match(
                b(Expr::Input(4)),
                vec![
                    (vec![Shape::Some(None)], Expr::Input(4)),
                    (vec![Shape::Any], Expr::Some(b(Expr::Role(1)))),
                ],
            ),
        ),
        Stmt::Set(
            f::MAYBE_FLAG,
            Expr::If(
                b(eq(Expr::Input(3), Expr::Some(b(field(f::FLAG))))),
                b(Expr::None(option(Type::Bool))),
                b(Expr::Some(b(or_else(Expr::Unwrap(b(Expr::Input(3))), field(f::FLAG))))),
            ),
        ),
        // The general form of `else`: the left side may fail twice, and the right side refuses.
        Stmt::Set(
            f::MAYBE,
            Expr::Some(b(or_else(unless_42(sum), Expr::Refuse(reason("not_now"))))),
        ),
        Stmt::Emit(
            0,
            vec![
                Expr::Let(1, b(Expr::Derive(1)), b(add(Expr::Local(1), n(-1)))),
                or_else(Expr::Unwrap(b(Expr::Input(1))), field(f::TITLE)),
            ],
        ),
    ];
    let warm = vec![
        Stmt::Set(
            f::SMALL,
            or_else(
                fit(or_else(Expr::Unwrap(b(temp())), Expr::Refuse(reason("blank"))), -10, 10),
                Expr::Refuse(reason("worn")),
            ),
        ),
        Stmt::Predict(0, Vec::new()),
    ];
    vec![
        Rule {
            locals: Vec::new(),
            ..rule(
                5,
                "reckon",
                Trigger::Tick,
                Some(Expr::Or(
                    b(lt(Expr::Trust(Measure::SlopeLong), n(100_000))),
                    b(lt(Expr::Derive(2), Expr::Now)),
                )),
                arithmetic,
            )
        },
        Rule {
            locals: vec![Type::Enum(0), int(-20, 60_020)],
            ..rule(
                6,
                "sense",
                Trigger::Tick,
                Some(Expr::Is(b(temp()), vec![Shape::Some(None)])),
                sensed,
            )
        },
        Rule {
            needs: vec![
                TrustDemand { of: Measure::Trust, at_least: true, bound: -300_000 },
                TrustDemand { of: Measure::Slope, at_least: true, bound: -900_000_000 },
            ],
            ..rule(7, "warm_up", Trigger::Tick, Some(le(Expr::Field(f::SMALL), n(8))), warm)
        },
        Rule {
            assured: true,
            ..rule(
                8,
                "alarm",
                Trigger::Tick,
                Some(eq(Expr::Field(f::FLAG), Expr::Value(Value::Bool(false)))),
                vec![Stmt::Set(f::FLAG, Expr::Value(Value::Bool(true))), Stmt::Emit(2, Vec::new())],
            )
        },
        rule(
            9,
            "digest",
            Trigger::Tick,
            Some(eq(Expr::Field(f::DIGEST), Expr::Field(f::OWNER)).negated()),
            vec![Stmt::If(
                eq(Expr::Field(f::MAYBE_KEY), Expr::Some(b(Expr::Field(f::OWNER)))),
                vec![
                    Stmt::Set(f::DIGEST, Expr::Value(Value::Bytes32(Bytes32([7; 32])))),
                    Stmt::Set(f::TITLE, Expr::Value(Value::Text("grüße".to_owned()))),
                ],
                vec![Stmt::Set(
                    f::TITLE,
                    or_else(
                        Expr::Unwrap(b(Expr::Field(f::MAYBE_TEXT))),
                        Expr::Value(Value::Text(String::new())),
                    ),
                )],
            )],
        ),
        rule(
            11,
            "unheard",
            Trigger::Expired(1),
            Some(lt(n(200), Expr::Param(0))),
            vec![Stmt::Set(
                f::COUNT,
                or_else(fit(add(field(f::COUNT), Expr::Param(0)), 0, 1_000_000), n(0)),
            )],
        ),
    ]
}

/// A number that must not be 42.
fn unless_42(number: Expr) -> Expr {
    or_else(fit(number.clone(), -100, 41), fit(number, 43, 100))
}

/// An object that uses each form. `otherwise` says what it does on a host without a horn.
pub fn everything(otherwise: Otherwise) -> Model {
    let field = Expr::Field;
    let policy = Policy {
        rules: message_rules().into_iter().chain(tick_rules()).collect(),
        predictions: vec![
            Prediction {
                name: "warm".to_owned(),
                span: 40 * SECOND,
                throughout: false,
                holds: is_some(Expr::Input(0), 0).and(lt(field(f::SMALL), Expr::Local(0))),
                captures: Vec::new(),
                locals: vec![int(-1_000, 1_000)],
                source: Some(Source::Input(0)),
            },
            Prediction {
                name: "steady".to_owned(),
                span: 80 * SECOND,
                throughout: true,
                holds: Expr::Or(
                    b(eq(Expr::Captured(0), field(f::NOTE))),
                    b(le(or_else(Expr::Unwrap(b(Expr::Captured(1))), n(0)), field(f::MID))),
                ),
                captures: vec![text(12), option(int(0, 30_000))],
                locals: Vec::new(),
                source: Some(Source::Field(f::WORD)),
            },
        ],
        flows: vec![Flow { field: f::COLOR, next: vec![0b010, 0b100, 0b001] }],
        always: vec![
            Always {
                reason: reason("in_order"),
                holds: le(Expr::Derive(0), n(20_000)),
                locals: Vec::new(),
            },
            Always {
                reason: reason("titled"),
                holds: Expr::Or(
                    b(Expr::Not(b(eq(field(f::TITLE), field(f::NOTE))))),
                    b(lt(Expr::Len(b(field(f::TITLE))), n(3))),
                ),
                locals: Vec::new(),
            },
        ],
        limits: vec![
            Limit {
                reason: reason("often"),
                rules: vec![1, 6],
                count: 3,
                per: 20 * SECOND,
                sum: None,
            },
            Limit {
                reason: reason("seldom"),
                rules: vec![7],
                count: 1,
                per: 9 * SECOND,
                sum: None,
            },
        ],
        trust: Some(Trust {
            gains: vec![
                Score { amount: 30_000, on: Happening::Kept(0) },
                Score { amount: 90_000, on: Happening::Kept(1) },
                Score { amount: 200_000, on: Happening::Rule(1) },
                Score { amount: 50_000, on: Happening::Rule(4) },
            ],
            losses: vec![
                Score { amount: 200_000, on: Happening::Broken(0) },
                Score { amount: 210_000, on: Happening::Lapsed(0) },
                Score { amount: 220_000, on: Happening::Broken(1) },
                Score { amount: 230_000, on: Happening::Refused(1) },
            ],
            half_life: HOUR,
            ceiling: 1_500_000,
            lowest: 1_000_000,
            window_short: 2 * MINUTE,
            window_long: 8 * MINUTE,
            sources: 2,
            penalty: 400_000,
            recovery: 3,
        }),
        hosts: Some(Hosts { need: 1, otherwise }),
        upgrade: None,
        retain: None,
        dormant: None,
        ends: None,
        reasons: REASONS.map(str::to_owned).to_vec(),
        reason_numbers: Numbers::NONE,
    };
    let mut model = Model { schema: everything_schema(), policy };
    private::mark(&mut model);
    model
}
