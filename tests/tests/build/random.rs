//! Random rules over the schema of [`models::everything`]: expressions drawn by kind, kept where
//! `verify` lets them stand, lived through by the interpreter and the compiled core.

use crate::core::counting;
use crate::coverage;
use crate::lives::Life;
use aqo_model::Model;
use aqo_model::expr::{Expr, Order, Rounding, Shape, Stmt};
use aqo_model::layout::Layout;
use aqo_model::policy::{Measure, Otherwise, Rule, Trigger};
use aqo_model::private;
use aqo_model::types::{Kind, Type};
use aqo_model::value::{Bytes32, Value};
use aqo_model::verify::verify;
use aqo_tests::chance::Chance;
use aqo_tests::models;

/// Rules of each random object: as many as the clauses of the base speak of.
const RULES: usize = 10;
/// Reasons of the base.
const REASONS: u64 = 8;

/// Draws expressions for one rule.
struct Draw<'d> {
    model: &'d Model,
    chance: &'d mut Chance,
    params: Vec<Type>,
    tick: bool,
    /// Types of the rule's locals.
    locals: Vec<Type>,
    /// Which of them are bound here.
    bound: Vec<u16>,
    /// Whether something partial may stand here.
    fallible: bool,
    refuses: bool,
}

impl Draw<'_> {
    fn boxed(&mut self, kind: &Kind, depth: u32) -> Box<Expr> {
        Box::new(self.expr(kind, depth))
    }

    /// Everything of this kind that can be read without computing.
    fn atoms(&self, kind: &Kind) -> Vec<Expr> {
        let schema = &self.model.schema;
        let fields = schema.fields.iter().map(|f| f.ty.kind());
        let mut atoms: Vec<Expr> = fields
            .enumerate()
            .filter(|(_, k)| k == kind)
            .map(|(i, _)| Expr::Field(i as u16))
            .collect();
        let params = self.params.iter().enumerate().filter(|(_, ty)| ty.kind() == *kind);
        atoms.extend(params.map(|(i, _)| Expr::Param(i as u16)));
        let inputs = schema.inputs.iter().map(|i| Kind::Option(Box::new(i.ty.kind())));
        atoms.extend(
            inputs.enumerate().filter(|(_, k)| k == kind).map(|(i, _)| Expr::Input(i as u16)),
        );
        let derives = schema.derives.iter().map(|d| d.ty.kind());
        atoms.extend(
            derives.enumerate().filter(|(_, k)| k == kind).map(|(i, _)| Expr::Derive(i as u16)),
        );
        let bound = self.bound.iter().filter(|l| self.locals[usize::from(**l)].kind() == *kind);
        atoms.extend(bound.map(|local| Expr::Local(*local)));
        match kind {
            Kind::Number => {
                atoms.extend([Expr::Now, Expr::Born, Expr::Trust(Measure::Trust)]);
                atoms.extend(if self.tick { vec![Expr::Due, Expr::Missed] } else { Vec::new() });
            }
            Kind::Bytes32 => atoms.extend([Expr::Role(0), Expr::Role(1)]),
            Kind::Bool
            | Kind::Enum(_)
            | Kind::Text
            | Kind::Option(_)
            | Kind::Record(_)
            | Kind::Bytes
            | Kind::List(_)
            | Kind::Set(_)
            | Kind::Map(..) => {}
        }
        atoms
    }

    fn constant(&mut self, kind: &Kind) -> Expr {
        match kind {
            Kind::Bool => Expr::Value(Value::Bool(self.chance.percent(50))),
            Kind::Number => Expr::number(self.chance.between(-1_000, 1_000)),
            Kind::Enum(index) => {
                let variants =
                    self.model.schema.types.enums[usize::from(*index)].variants.len() as u64;
                Expr::Variant(*index, self.chance.below(variants) as u16, Vec::new())
            }
            Kind::Text => {
                let texts = ["", "a", "hello", "über"];
                Expr::Value(Value::Text((*self.chance.pick(&texts)).to_owned()))
            }
            Kind::Bytes32 => Expr::Value(Value::Bytes32(Bytes32([self.chance.below(5) as u8; 32]))),
            Kind::Option(inner) => {
                let ty = match **inner {
                    Kind::Bool => Type::Bool,
                    Kind::Number => models::int(-100, 100),
                    Kind::Enum(index) => Type::Enum(index),
                    Kind::Text => Type::Text { max: 12 },
                    Kind::Bytes32 => Type::Key,
                    Kind::Option(_)
                    | Kind::Record(_)
                    | Kind::Bytes
                    | Kind::List(_)
                    | Kind::Set(_)
                    | Kind::Map(..) => unreachable!("options here hold scalars"),
                };
                Expr::None(Type::Option(Box::new(ty)))
            }
            Kind::Record(_) | Kind::Bytes | Kind::List(_) | Kind::Set(_) | Kind::Map(..) => {
                unreachable!("not drawn: the base has no such field")
            }
        }
    }

    fn expr(&mut self, kind: &Kind, depth: u32) -> Expr {
        if depth == 0 || self.chance.percent(18) {
            let atoms = self.atoms(kind);
            return if atoms.is_empty() || self.chance.percent(25) {
                self.constant(kind)
            } else {
                self.chance.pick(&atoms).clone()
            };
        }
        let depth = depth - 1;
        match self.chance.below(9) {
            0 => Expr::If(
                self.boxed(&Kind::Bool, depth),
                self.boxed(kind, depth),
                self.boxed(kind, depth),
            ),
            1 => self.matched(kind, depth),
            2 => {
                // What stands left may fail; what stands right answers.
                let outer = std::mem::replace(&mut self.fallible, true);
                let left = self.boxed(kind, depth);
                self.fallible = outer;
                let right = if self.refuses && self.chance.percent(30) {
                    Box::new(Expr::Refuse(64 + self.chance.below(REASONS) as u16))
                } else {
                    self.boxed(kind, depth)
                };
                Expr::Else(left, right)
            }
            3 if self.fallible && !matches!(kind, Kind::Option(_)) => {
                Expr::Unwrap(self.boxed(&Kind::Option(Box::new(kind.clone())), depth))
            }
            _ => match kind {
                Kind::Bool => self.condition(depth),
                Kind::Number => self.number(depth),
                Kind::Option(inner) => Expr::Some(self.boxed(inner, depth)),
                Kind::Enum(_)
                | Kind::Text
                | Kind::Bytes32
                | Kind::Record(_)
                | Kind::Bytes
                | Kind::List(_)
                | Kind::Set(_)
                | Kind::Map(..) => self.expr(kind, depth),
            },
        }
    }

    fn matched(&mut self, kind: &Kind, depth: u32) -> Expr {
        let subject = Kind::Option(Box::new(Kind::Number));
        let inputs = [Expr::Input(0), Expr::Field(14)];
        let (subject, ty) = if self.chance.percent(50) {
            (self.chance.pick(&inputs).clone(), Some(models::int(-1_000, 1_000)))
        } else {
            (self.expr(&subject, depth), None)
        };
        let (some, bound) = self.binder(ty);
        let first = self.expr(kind, depth);
        self.bound.truncate(bound);
        let mut arms = vec![(vec![some], first), (vec![Shape::None], self.expr(kind, depth))];
        if self.chance.percent(40) {
            arms[1].0 = vec![Shape::Any];
        }
        Expr::Match(Box::new(subject), arms)
    }

    /// A shape of something there, which may bind it; and how many locals were bound before.
    fn binder(&mut self, ty: Option<Type>) -> (Shape, usize) {
        let before = self.bound.len();
        let Some(ty) = ty else { return (Shape::Some(None), before) };
        let local = self.locals.len() as u16;
        self.locals.push(ty);
        self.bound.push(local);
        (Shape::Some(Some(local)), before)
    }

    fn condition(&mut self, depth: u32) -> Expr {
        let kinds = [
            Kind::Bool,
            Kind::Number,
            Kind::Enum(0),
            Kind::Enum(1),
            Kind::Text,
            Kind::Bytes32,
            Kind::Option(Box::new(Kind::Number)),
            Kind::Option(Box::new(Kind::Text)),
            Kind::Option(Box::new(Kind::Bytes32)),
            Kind::Option(Box::new(Kind::Enum(0))),
        ];
        match self.chance.below(9) {
            0 => Expr::Not(self.boxed(&Kind::Bool, depth)),
            1 => Expr::And(self.boxed(&Kind::Bool, depth), self.boxed(&Kind::Bool, depth)),
            2 => Expr::Or(self.boxed(&Kind::Bool, depth), self.boxed(&Kind::Bool, depth)),
            3 => {
                let kind = self.chance.pick(&kinds).clone();
                Expr::Equal(self.boxed(&kind, depth), self.boxed(&kind, depth))
            }
            4 => Expr::Within(
                self.boxed(&Kind::Number, depth),
                self.boxed(&Kind::Number, depth),
                self.boxed(&Kind::Number, depth),
            ),
            5 => Expr::StartsWith(self.boxed(&Kind::Text, depth), self.boxed(&Kind::Text, depth)),
            6 => Expr::Is(
                self.boxed(&Kind::Enum(0), depth),
                vec![Shape::Variant(0, Vec::new()), Shape::Variant(2, Vec::new())],
            ),
            7 => {
                Expr::Is(self.boxed(&Kind::Option(Box::new(Kind::Text)), depth), vec![Shape::None])
            }
            _ => {
                let order = *self.chance.pick(&[Order::Less, Order::AtMost]);
                Expr::Compare(
                    order,
                    self.boxed(&Kind::Number, depth),
                    self.boxed(&Kind::Number, depth),
                )
            }
        }
    }

    fn number(&mut self, depth: u32) -> Expr {
        let number = Kind::Number;
        // Clamped first, so that most sums and products are proved to fit.
        let small = |draw: &mut Self| {
            let inner = draw.boxed(&number, depth);
            Box::new(Expr::Clamp(
                inner,
                Box::new(Expr::number(-50_000)),
                Box::new(Expr::number(50_000)),
            ))
        };
        let roundings = [
            Rounding::Floor,
            Rounding::Ceil,
            Rounding::Trunc,
            Rounding::HalfUp,
            Rounding::HalfEven,
        ];
        match self.chance.below(12) {
            0 => Expr::Neg(small(self)),
            1 => Expr::Add(small(self), small(self)),
            2 => Expr::Sub(small(self), small(self)),
            3 => Expr::Mul(small(self), small(self)),
            4 => {
                let divisor = *self.chance.pick(&[-7, -2, 2, 3, 10]);
                Expr::Div(
                    *self.chance.pick(&roundings),
                    small(self),
                    Box::new(Expr::number(divisor)),
                )
            }
            5 => Expr::Rem(small(self), Box::new(Expr::number(7))),
            6 => Expr::Shift(Box::new(Expr::Now), small(self)),
            7 => Expr::Min(self.boxed(&number, depth), self.boxed(&number, depth)),
            8 => Expr::Max(self.boxed(&number, depth), self.boxed(&number, depth)),
            9 => Expr::Abs(small(self)),
            10 => Expr::Len(self.boxed(&Kind::Text, depth)),
            _ if self.fallible => Expr::Fit(self.boxed(&number, depth), -500, 500),
            _ => *small(self),
        }
    }

    /// A value that a place of this type takes.
    fn stored(&mut self, ty: &Type, depth: u32) -> Expr {
        match ty.bounds() {
            Some(bounds) => {
                let inner = self.boxed(&Kind::Number, depth);
                Expr::Clamp(
                    inner,
                    Box::new(Expr::number(bounds.low)),
                    Box::new(Expr::number(bounds.high)),
                )
            }
            None => self.expr(&ty.kind(), depth),
        }
    }

    fn body(&mut self, depth: u32, set: &mut Vec<u16>) -> Vec<Stmt> {
        let schema = &self.model.schema;
        let mut stmts = Vec::new();
        for _ in 0..=self.chance.below(4) {
            match self.chance.below(8) {
                0 if depth > 0 => {
                    let cond = self.expr(&Kind::Bool, 2);
                    let mut other = set.clone();
                    let then = self.body(depth - 1, set);
                    let otherwise = self.body(depth - 1, &mut other);
                    set.extend(other);
                    stmts.push(Stmt::If(cond, then, otherwise));
                }
                1 => {
                    let event = self.chance.below(schema.events.len() as u64) as u16;
                    let params = schema.events[usize::from(event)].params.iter();
                    stmts.push(Stmt::Emit(
                        event,
                        params.map(|param| self.stored(&param.ty, 2)).collect(),
                    ));
                }
                2 if depth > 0 => {
                    let value = self.stored(&models::int(-900, 900), 2);
                    let local = self.locals.len() as u16;
                    self.locals.push(models::int(-900, 900));
                    self.bound.push(local);
                    stmts.push(Stmt::Let(local, value));
                }
                _ => {
                    let field = self.chance.below(schema.fields.len() as u64) as u16;
                    if !set.contains(&field) && schema.fields[usize::from(field)].attested.is_none()
                    {
                        set.push(field);
                        let ty = &schema.fields[usize::from(field)].ty;
                        stmts.push(Stmt::Set(field, self.stored(ty, 3)));
                    }
                }
            }
        }
        stmts
    }
}

fn rule(model: &Model, chance: &mut Chance, number: u16) -> Rule {
    let on = if chance.percent(60) {
        Trigger::Tick
    } else {
        Trigger::Message(chance.below(model.schema.messages.len() as u64) as u16)
    };
    let params = if let Trigger::Message(kind) = on {
        let params = model.schema.messages[usize::from(kind)].params.iter();
        params.map(|param| param.ty.clone()).collect()
    } else {
        Vec::new()
    };
    let mut draw = Draw {
        model,
        chance,
        params,
        tick: on == Trigger::Tick,
        locals: Vec::new(),
        bound: Vec::new(),
        fallible: false,
        refuses: false,
    };
    let when = draw.chance.percent(60).then(|| draw.expr(&Kind::Bool, 3));
    draw.bound.clear();
    draw.refuses = true;
    let body = draw.body(2, &mut Vec::new());
    let locals = draw.locals;
    Rule {
        number,
        name: format!("rule_{number}"),
        on,
        when,
        needs: Vec::new(),
        quorum: None,
        assured: false,
        body,
        locals,
    }
}

/// A random object, and how many drawn rules `verify` turned down on the way.
fn object(chance: &mut Chance) -> (Model, usize) {
    let mut model = models::everything(Otherwise::Observe);
    if let Some(trust) = &mut model.policy.trust {
        let most = trust.losses.iter().map(|loss| loss.amount).max().unwrap_or(1);
        trust.penalty = chance.between(most, trust.lowest);
        trust.sources = chance.between(1, 3) as u8;
        trust.recovery = chance.between(trust.sources.into(), 5) as u8;
    }
    let empty = |number: usize| Rule {
        number: number as u16,
        name: format!("rule_{number}"),
        on: Trigger::Tick,
        when: None,
        needs: Vec::new(),
        quorum: None,
        assured: false,
        body: Vec::new(),
        locals: Vec::new(),
    };
    model.policy.rules = (0..RULES).map(empty).collect();
    let mut refused = 0;
    for index in 0..RULES {
        for _ in 0..40 {
            let drawn = rule(&model, chance, index as u16);
            let before = std::mem::replace(&mut model.policy.rules[index], drawn);
            private::mark(&mut model);
            if verify(&model).is_ok() {
                break;
            }
            refused += 1;
            model.policy.rules[index] = before;
            private::mark(&mut model);
        }
    }
    (model, refused)
}

#[test]
fn random_objects_agree() {
    let engine = counting();
    let mut chance = Chance::new(2027);
    let (mut objects, mut refused) = (Vec::new(), 0);
    for _ in 0..40 {
        let (model, turned_down) = object(&mut chance);
        refused += turned_down;
        let layout = Layout::of(&model);
        let mut life = Life::new(&engine, &model, &layout, chance.draw());
        life.live(120);
        objects.push(model);
    }
    println!("{} objects, {refused} drawn rules turned down", objects.len());
    coverage::print(&objects);
}
