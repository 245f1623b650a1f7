//! Which constructs of the Model stand in programs, and which were executed.
//!
//! Invariant: every variant is named in an exhaustive `match`, so a new one does not build until it
//! is counted; the lists of names below are made by the same matches.

use aqo_model::Model;
use aqo_model::expr::{Edit, Expr, Order, Quantifier, Rounding, Shape, Step, Stmt};
use aqo_model::policy::{Happening, Measure, Otherwise, Source, Trigger};
use aqo_model::schema::{CatchUp, Change, Default, Schedule};
use aqo_model::types::Type;
use aqo_model::wake;
use std::collections::BTreeMap;

/// How often each construct stood in a program, and in one where it was executed.
#[derive(Default)]
pub(crate) struct Constructs(pub(crate) BTreeMap<&'static str, (u64, u64)>);

/// A `match` from variants to names, and the list of these names.
macro_rules! named {
    ($function:ident, $of:ty, $list:ident, $($pattern:pat => $name:literal,)+) => {
        const $list: &[&str] = &[$($name),+];
        fn $function(value: &$of) -> &'static str {
            match value { $($pattern => $name,)+ }
        }
    };
}

named! { expr_name, Expr, EXPRESSIONS,
    Expr::Value(_) => "expression value", Expr::Variant(..) => "expression variant",
    Expr::Record(..) => "expression record", Expr::List(..) => "expression list",
    Expr::Map(..) => "expression map", Expr::None(_) => "expression none",
    Expr::Some(_) => "expression some", Expr::Field(_) => "expression field",
    Expr::Role(_) => "expression role", Expr::Derive(_) => "expression derive",
    Expr::Input(_) => "expression input", Expr::Param(_) => "expression param",
    Expr::Local(_) => "expression local", Expr::Captured(_) => "expression captured",
    Expr::Now => "expression now", Expr::Due => "expression due",
    Expr::Missed => "expression missed", Expr::Born => "expression born",
    Expr::Sender => "expression sender", Expr::Left(_) => "expression left",
    Expr::Trust(Measure::Trust) => "expression trust",
    Expr::Trust(Measure::Slope) => "expression slope",
    Expr::Trust(Measure::SlopeLong) => "expression slope_long", Expr::Neg(_) => "expression neg",
    Expr::Add(..) => "expression add", Expr::Sub(..) => "expression sub",
    Expr::Mul(..) => "expression mul", Expr::Div(..) => "expression div",
    Expr::Rem(..) => "expression rem", Expr::MulDiv(..) => "expression muldiv",
    Expr::Shift(..) => "expression shift", Expr::Min(..) => "expression min",
    Expr::Max(..) => "expression max", Expr::Abs(_) => "expression abs",
    Expr::Clamp(..) => "expression clamp", Expr::Len(_) => "expression len",
    Expr::StartsWith(..) => "expression starts_with", Expr::Part(..) => "expression part",
    Expr::With(..) => "expression with", Expr::Get(..) => "expression get",
    Expr::First(_) => "expression first", Expr::Last(_) => "expression last",
    Expr::Has(..) => "expression has", Expr::Each(..) => "expression each",
    Expr::Fold(..) => "expression fold", Expr::Collect(..) => "expression collect",
    Expr::Present(_) => "expression present", Expr::Median(_) => "expression median",
    Expr::Call(..) => "expression call", Expr::Compare(..) => "expression compare",
    Expr::Equal(..) => "expression equal", Expr::Within(..) => "expression within",
    Expr::Is(..) => "expression is", Expr::Not(_) => "expression not",
    Expr::And(..) => "expression and", Expr::Or(..) => "expression or",
    Expr::Fit(..) => "expression fit", Expr::Unwrap(_) => "expression unwrap",
    Expr::Else(..) => "expression else", Expr::Refuse(_) => "expression refuse",
    Expr::If(..) => "expression if", Expr::Match(..) => "expression match",
    Expr::Let(..) => "expression let",
}
named! { stmt_name, Stmt, STATEMENTS,
    Stmt::Let(..) => "statement let", Stmt::Set(..) => "statement set",
    Stmt::Edit(..) => "statement edit", Stmt::Bind(..) => "statement bind",
    Stmt::Emit(..) => "statement emit", Stmt::Predict(..) => "statement predict",
    Stmt::Refuse(_) => "statement refuse", Stmt::If(..) => "statement if",
    Stmt::Match(..) => "statement match",
}
named! { edit_name, Edit, EDITS,
    Edit::Put(_) => "edit put", Edit::Add(_) => "edit add", Edit::Remove(_) => "edit remove",
}
named! { bind_name, Edit, BINDINGS,
    Edit::Put(_) => "bind put", Edit::Add(_) => "bind add", Edit::Remove(_) => "bind remove",
}
named! { step_name, Step, STEPS, Step::Part(_) => "step part", Step::At(_) => "step at", }
named! { shape_name, Shape, SHAPES,
    Shape::Any => "shape any", Shape::None => "shape none", Shape::Some(_) => "shape some",
    Shape::Variant(..) => "shape variant",
}
named! { quantifier_name, Quantifier, QUANTIFIERS,
    Quantifier::Any => "quantifier any", Quantifier::All => "quantifier all",
    Quantifier::Count => "quantifier count", Quantifier::Sum => "quantifier sum",
    Quantifier::Find => "quantifier find",
}
named! { rounding_name, Rounding, ROUNDINGS,
    Rounding::Floor => "rounding floor", Rounding::Ceil => "rounding ceil",
    Rounding::Trunc => "rounding trunc", Rounding::HalfUp => "rounding half_up",
    Rounding::HalfEven => "rounding half_even",
}
named! { order_name, Order, ORDERS,
    Order::Less => "order less", Order::AtMost => "order at_most",
}
named! { type_name, Type, TYPES,
    Type::Bool => "type bool", Type::Number { .. } => "type number",
    Type::Duration(_) => "type duration", Type::Instant(_) => "type instant",
    Type::Text { .. } => "type text", Type::Key => "type key", Type::Hash => "type hash",
    Type::Bytes { .. } => "type bytes", Type::Enum(_) => "type enum",
    Type::Record(_) => "type record", Type::Option(_) => "type option",
    Type::List { .. } => "type list", Type::Ring { .. } => "type ring",
    Type::Set { .. } => "type set", Type::Map { .. } => "type map",
}
named! { trigger_name, Trigger, TRIGGERS,
    Trigger::Tick => "trigger tick", Trigger::Cycle(_) => "trigger cycle",
    Trigger::Message(_) => "trigger message", Trigger::Expired(_) => "trigger expired", Trigger::Kept(_) => "trigger kept",
    Trigger::Broken(_) => "trigger broken", Trigger::Lapsed(_) => "trigger lapsed",
    Trigger::Arrive => "trigger arrive",
}
named! { schedule_name, Schedule, SCHEDULES,
    Schedule::Every(_) => "schedule every", Schedule::Backoff { .. } => "schedule backoff",
    Schedule::Daily(_) => "schedule daily", Schedule::Monthly(..) => "schedule monthly",
    Schedule::OnMessage => "schedule on message",
    Schedule::OnTime => "schedule on time",
}
named! { catch_up_name, CatchUp, CATCH_UPS,
    CatchUp::Skip => "catch up skip", CatchUp::One => "catch up one", CatchUp::All(_) => "catch up all",
}
named! { change_name, Change, CHANGES,
    Change::Any => "change any", Change::Once => "change once", Change::Up => "change up",
    Change::Down => "change down",
}
named! { default_name, Option<Default>, DEFAULTS,
    Some(Default::Value(_)) => "default value", Some(Default::Born) => "default born",
    None => "default of birth",
}
named! { happening_name, Happening, HAPPENINGS,
    Happening::Kept(_) => "score kept", Happening::Broken(_) => "score broken",
    Happening::Lapsed(_) => "score lapsed", Happening::Rule(_) => "score rule",
    Happening::Refused(_) => "score refused",
}
named! { source_name, Option<Source>, SOURCES,
    Some(Source::Input(_)) => "source input", Some(Source::Field(_)) => "source field",
    None => "source itself",
}
named! { otherwise_name, Otherwise, OTHERWISE,
    Otherwise::Observe => "hosts observe", Otherwise::Dormant => "hosts dormant",
}

/// Parts of an object that are there or not.
const PARTS: &[&str] = &[
    "attested",
    "consent",
    "several roles consent",
    "trust demand",
    "assured",
    "guard",
    "within",
    "for",
    "captures",
    "flow",
    "always",
    "limit",
    "sum",
    "dormant",
    "ends",
    "upgrade",
    "retain",
    "role of several",
    "from anyone",
    "from several",
    "message waits",
    "from signer",
    "via",
    "expires",
    "fresh",
    "signed input",
    "mode by time",
    "mode by trust",
    "units",
    "collect if",
    "collect map",
    "edit reason",
    "edit of a part of a part",
    "flow over time",
    "binder of two",
    "payload",
    "private field",
    "private parameter",
    "private input",
    "private derive",
    "numbers of variants",
    "numbers of parts",
    "numbers of reasons",
    "numbers of rules",
    "penalty",
    "recovery",
    "fork answered",
    "fork refused",
    "fork broke trust",
    "recovery ended",
];

impl Constructs {
    /// All that can be drawn, and how often each was.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let lists = [
            EXPRESSIONS,
            STATEMENTS,
            EDITS,
            BINDINGS,
            STEPS,
            SHAPES,
            QUANTIFIERS,
            ROUNDINGS,
            ORDERS,
            TYPES,
            TRIGGERS,
            SCHEDULES,
            CATCH_UPS,
            CHANGES,
            DEFAULTS,
            HAPPENINGS,
            SOURCES,
            OTHERWISE,
            PARTS,
        ];
        let all = lists.into_iter().flatten().copied();
        all.filter(|name| self.0.get(name).is_none_or(|(_, executed)| *executed == 0)).collect()
    }

    /// Counts what happened in a trace.
    pub(crate) fn note(&mut self, name: &'static str, executed: bool) {
        let counts = self.0.entry(name).or_default();
        counts.0 += 1;
        counts.1 += u64::from(executed);
    }

    fn note_if(&mut self, there: bool, name: &'static str, executed: bool) {
        if there {
            self.note(name, executed);
        }
    }

    /// Adds what others counted.
    pub(crate) fn add(&mut self, other: Constructs) {
        for (name, (stood, executed)) in other.0 {
            let counts = self.0.entry(name).or_default();
            counts.0 += stood;
            counts.1 += executed;
        }
    }

    /// Counts the constructs of a program; `ran` says which rules did something.
    pub(crate) fn see(&mut self, model: &Model, lived: bool, ran: &dyn Fn(usize) -> bool) {
        self.schema(model, lived);
        self.policy(model, lived);
        for (index, rule) in model.policy.rules.iter().enumerate() {
            let executed = ran(index);
            self.note(trigger_name(&rule.on), executed);
            self.note_if(rule.assured, "assured", executed);
            self.note_if(!rule.needs.is_empty(), "trust demand", executed);
            if let Some(quorum) = &rule.quorum {
                self.note("consent", executed);
                self.note_if(quorum.roles.len() > 1, "several roles consent", executed);
            }
            rule.locals.iter().for_each(|ty| self.ty(ty, executed));
            if let Some(when) = &rule.when {
                self.note("guard", executed);
                self.expr(when, executed);
            }
            for stmt in &rule.body {
                stmt.walk(&mut |stmt| self.stmt(stmt, executed));
            }
        }
    }

    fn schema(&mut self, model: &Model, lived: bool) {
        let schema = &model.schema;
        let (enums, records) = (&schema.types.enums, &schema.types.records);
        let variants = enums.iter().any(|found| !found.numbers.are_indices());
        let parts = records.iter().any(|found| !found.numbers.are_indices());
        let reasons = !model.policy.reason_numbers.are_indices();
        let rules = model.policy.rules.windows(2).any(|two| two[0].number > two[1].number);
        self.note_if(variants, "numbers of variants", lived);
        self.note_if(parts, "numbers of parts", lived);
        self.note_if(reasons, "numbers of reasons", lived);
        self.note_if(rules, "numbers of rules", lived);
        for field in &schema.fields {
            self.ty(&field.ty, lived);
            self.note(change_name(&field.change), lived);
            self.note(default_name(&field.default), lived);
            self.note_if(field.attested.is_some(), "attested", lived);
            self.note_if(field.private, "private field", lived);
        }
        for cycle in &schema.cycles {
            self.note(schedule_name(&cycle.schedule), lived);
            self.note(catch_up_name(&cycle.catch_up), lived);
        }
        for derive in &schema.derives {
            self.expr(&derive.value, lived);
            self.note_if(derive.private, "private derive", lived);
        }
        for function in &schema.functions {
            self.expr(&function.value, lived);
        }
        let several = schema.roles.iter().any(|role| role.max.is_some());
        self.note_if(several, "role of several", lived);
        for message in &schema.messages {
            self.note_if(message.from.is_empty(), "from anyone", lived);
            self.note_if(message.from.len() > 1, "from several", lived);
            self.note_if(message.waits.is_some(), "message waits", lived);
            self.note_if(!message.private.is_empty(), "private parameter", lived);
            self.note_if(model.is_open(message), "from signer", lived);
        }
        for event in &schema.events {
            self.note_if(event.via.is_some(), "via", lived);
            self.note_if(event.expires.is_some(), "expires", lived);
        }
        self.note_if(schema.inputs.iter().any(|input| input.fresh.is_some()), "fresh", lived);
        self.note_if(schema.inputs.iter().any(|input| input.from.is_some()), "signed input", lived);
        self.note_if(schema.inputs.iter().any(|input| input.private), "private input", lived);
        let plain = |e: &aqo_model::types::Enum| e.is_plain();
        self.note_if(!schema.types.enums.iter().all(plain), "payload", lived);
    }

    fn policy(&mut self, model: &Model, lived: bool) {
        let policy = &model.policy;
        for prediction in &policy.predictions {
            self.note(if prediction.throughout { "for" } else { "within" }, lived);
            self.note(source_name(&prediction.source), lived);
            self.note_if(!prediction.captures.is_empty(), "captures", lived);
            self.expr(&prediction.holds, lived);
        }
        self.note_if(!policy.flows.is_empty(), "flow", lived);
        let flips = wake::flips(model);
        self.note_if(!flips.times.is_empty(), "mode by time", lived);
        self.note_if(!flips.falls.is_empty(), "mode by trust", lived);
        for always in &policy.always {
            self.note("always", lived);
            self.expr(&always.holds, lived);
        }
        for limit in &policy.limits {
            self.note("limit", lived);
            self.note_if(limit.sum.is_some(), "sum", lived);
        }
        if let Some(trust) = &policy.trust {
            let scores = trust.gains.iter().chain(&trust.losses);
            scores.for_each(|score| self.note(happening_name(&score.on), lived));
            let (plain, least) = (500_000.min(trust.lowest), trust.sources.max(3));
            self.note_if(trust.penalty != plain, "penalty", lived);
            self.note_if(trust.recovery != least, "recovery", lived);
        }
        if let Some(hosts) = &policy.hosts {
            self.note(otherwise_name(&hosts.otherwise), lived);
        }
        for (pause, name) in [(&policy.dormant, "dormant"), (&policy.ends, "ends")] {
            if let Some(pause) = pause {
                self.note(name, lived);
                self.expr(&pause.holds, lived);
            }
        }
        self.note_if(policy.upgrade.is_some(), "upgrade", lived);
        self.note_if(policy.retain.is_some(), "retain", lived);
    }

    fn ty(&mut self, ty: &Type, executed: bool) {
        self.note(type_name(ty), executed);
        if let Type::Number { unit, .. } = ty {
            self.note_if(!unit.0.is_empty(), "units", executed);
        }
        if let Type::Option(inner) = ty {
            self.ty(inner, executed);
        }
        if let Some((item, _)) = ty.items() {
            self.ty(item, executed);
        }
        if let Type::Map { key, value, .. } = ty {
            self.ty(key, executed);
            self.ty(value, executed);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, executed: bool) {
        self.note(stmt_name(stmt), executed);
        stmt.exprs().into_iter().for_each(|expr| self.expr(expr, executed));
        if let Stmt::Edit(_, path, edit, reason) = stmt {
            self.note(edit_name(edit), executed);
            path.iter().for_each(|step| self.note(step_name(step), executed));
            self.note_if(reason.is_some(), "edit reason", executed);
            let is_nested = matches!(path[..], [Step::Part(_), Step::Part(_), ..]);
            self.note_if(is_nested, "edit of a part of a part", executed);
        }
        if let Stmt::Bind(_, edit, _) = stmt {
            self.note(bind_name(edit), executed);
        }
        if let Stmt::Match(_, arms) = stmt {
            let shapes = arms.iter().flat_map(|(shapes, _)| shapes);
            shapes.for_each(|shape| self.note(shape_name(shape), executed));
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the names of all are taken above")]
    fn expr(&mut self, expr: &Expr, executed: bool) {
        expr.walk(&mut |expr| {
            self.note(expr_name(expr), executed);
            let shapes: Vec<&Shape> = match expr {
                Expr::Is(_, shapes) => shapes.iter().collect(),
                Expr::Match(_, arms) => arms.iter().flat_map(|(shapes, _)| shapes).collect(),
                _ => Vec::new(),
            };
            shapes.into_iter().for_each(|shape| self.note(shape_name(shape), executed));
            match expr {
                Expr::Div(rounding, _, by) | Expr::MulDiv(rounding, _, _, by) => {
                    self.note(rounding_name(rounding), executed);
                    self.note_if(is_of_flow(by), "flow over time", executed);
                }
                Expr::Compare(order, ..) => self.note(order_name(order), executed),
                Expr::Each(quantifier, binders, ..) => {
                    self.note(quantifier_name(quantifier), executed);
                    self.note_if(binders.len() > 1, "binder of two", executed);
                }
                Expr::Collect(_, collect) => {
                    self.note_if(collect.cond.is_some(), "collect if", executed);
                    self.note_if(collect.key.is_some(), "collect map", executed);
                }
                _ => {}
            }
        });
    }
}

/// Whether a divisor is that of a flow: no other quotient that is drawn is by 7 h. Where the place
/// of the flow has other digits than its number, a power of ten is multiplied with it.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about two of many shapes")]
fn is_of_flow(by: &Expr) -> bool {
    match by {
        Expr::Mul(by, _) => is_of_flow(by),
        Expr::Value(value) => value.int() == Some(7 * 3_600_000_000),
        _ => false,
    }
}
