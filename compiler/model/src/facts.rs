//! What is known about values at one place of a program: intervals of linear terms, sets of
//! variants, and which locals are bound.
//!
//! A comparison becomes `low <= Σ c·x <= high` on a *term*, a sum of atoms divided by the greatest
//! common factor of its coefficients. The interval of an expression is the best of what its shape
//! gives and what is known of its own term. There is no search: what is known of two terms is
//! never combined to learn about a third.

use crate::expr::{Expr, Order, Shape};
use crate::policy::Measure;
use crate::types::{Bounds, Kind, Type};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Inclusive bounds, wide enough that no sum or product of two 64-bit numbers leaves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The least value.
    pub low: i128,
    /// The greatest value.
    pub high: i128,
}

/// Something whose value does not change while a rule looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// A field.
    Field(u16),
    /// What an input holds.
    Input(u16),
    /// A parameter.
    Param(u16),
    /// A local.
    Local(u16),
    /// A captured value.
    Captured(u16),
    /// A derived value.
    Derive(u16),
    /// Logical time.
    Now,
    /// The instant of the tick.
    Due,
    /// Ticks missed.
    Missed,
    /// The instant of birth.
    Born,
    /// Trust, or a slope of it.
    Trust(Measure),
    /// What is left of a limit.
    Left(u16),
    /// A part of a record.
    Part(Root, u16),
    /// Bytes of a text, items of a collection.
    Len(Root),
}

/// Something of which a part or a length can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// A field.
    Field(u16),
    /// A parameter.
    Param(u16),
    /// A local.
    Local(u16),
    /// A captured value.
    Captured(u16),
    /// A derived value.
    Derive(u16),
}

impl Atom {
    fn is_of_local(self, local: u16) -> bool {
        let root = Root::Local(local);
        match self {
            Atom::Local(index) => index == local,
            Atom::Part(of, _) | Atom::Len(of) => of == root,
            Atom::Field(_)
            | Atom::Input(_)
            | Atom::Param(_)
            | Atom::Captured(_)
            | Atom::Derive(_)
            | Atom::Now
            | Atom::Due
            | Atom::Missed
            | Atom::Born
            | Atom::Left(_)
            | Atom::Trust(_) => false,
        }
    }

    fn is_of_any_local(self) -> bool {
        match self {
            Atom::Local(_) | Atom::Part(Root::Local(_), _) | Atom::Len(Root::Local(_)) => true,
            Atom::Part(..)
            | Atom::Len(_)
            | Atom::Field(_)
            | Atom::Input(_)
            | Atom::Param(_)
            | Atom::Captured(_)
            | Atom::Derive(_)
            | Atom::Now
            | Atom::Due
            | Atom::Missed
            | Atom::Born
            | Atom::Left(_)
            | Atom::Trust(_) => false,
        }
    }
}

/// `Σ c·x + constant`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Linear {
    terms: BTreeMap<Atom, i128>,
    constant: i128,
}

/// What is known at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What many places share, of no local; what stands beside it here is what it has become.
    shared: Option<Arc<Facts>>,
    terms: BTreeMap<Vec<(Atom, i128)>, Interval>,
    /// The variants that an atom may still be; of a bool false is 0, of an option none is 0.
    variants: BTreeMap<Atom, u64>,
    bound: BTreeMap<u16, Type>,
    aliases: BTreeMap<u16, Linear>,
}

impl Interval {
    /// Everything that 64 bits hold.
    pub const I64: Interval = Interval { low: i64::MIN as i128, high: i64::MAX as i128 };

    /// One number.
    pub fn point(value: i128) -> Interval {
        Interval { low: value, high: value }
    }

    /// Whether all of it lies in `other`.
    pub fn is_within(self, other: Interval) -> bool {
        other.low <= self.low && self.high <= other.high
    }

    /// What lies in both; `None` where nothing does.
    pub fn meet(self, other: Interval) -> Option<Interval> {
        let both = Interval { low: self.low.max(other.low), high: self.high.min(other.high) };
        (both.low <= both.high).then_some(both)
    }

    /// The least interval that holds both.
    pub fn join(self, other: Interval) -> Interval {
        Interval { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The interval of the results of a monotone operation on the corners.
    pub fn corners(self, other: Interval, op: impl Fn(i128, i128) -> i128) -> Interval {
        let all = [
            op(self.low, other.low),
            op(self.low, other.high),
            op(self.high, other.low),
            op(self.high, other.high),
        ];
        all.into_iter().map(Interval::point).reduce(Interval::join).unwrap_or(Interval::I64)
    }

    /// The interval of squares of what it holds.
    pub fn squared(self) -> Interval {
        let (low, high) = (self.low * self.low, self.high * self.high);
        let least = if self.low <= 0 && self.high >= 0 { 0 } else { low.min(high) };
        Interval { low: least, high: low.max(high) }
    }

    fn scaled(self, factor: i128) -> Interval {
        self.corners(Interval::point(factor), |a, b| a.saturating_mul(b))
    }

    fn plus(self, other: Interval) -> Interval {
        Interval {
            low: self.low.saturating_add(other.low),
            high: self.high.saturating_add(other.high),
        }
    }
}

impl From<Bounds> for Interval {
    fn from(bounds: Bounds) -> Self {
        Interval { low: bounds.low.into(), high: bounds.high.into() }
    }
}

/// The atom that an expression is, if it is one.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
pub fn atom(expr: &Expr) -> Option<Atom> {
    Some(match expr {
        Expr::Field(index) => Atom::Field(*index),
        Expr::Input(index) => Atom::Input(*index),
        Expr::Param(index) => Atom::Param(*index),
        Expr::Local(index) => Atom::Local(*index),
        Expr::Captured(index) => Atom::Captured(*index),
        Expr::Derive(index) => Atom::Derive(*index),
        Expr::Now => Atom::Now,
        Expr::Due => Atom::Due,
        Expr::Missed => Atom::Missed,
        Expr::Born => Atom::Born,
        Expr::Trust(measure) => Atom::Trust(*measure),
        Expr::Left(limit) => Atom::Left(*limit),
        Expr::Part(of, part) => Atom::Part(root(of)?, *part),
        Expr::Len(of) => Atom::Len(root(of)?),
        _ => return None,
    })
}

/// The expression that an atom is, of those that stand for one number.
pub fn expr_of(atom: Atom) -> Option<Expr> {
    Some(match atom {
        Atom::Field(index) => Expr::Field(index),
        Atom::Param(index) => Expr::Param(index),
        Atom::Local(index) => Expr::Local(index),
        Atom::Captured(index) => Expr::Captured(index),
        Atom::Derive(index) => Expr::Derive(index),
        Atom::Now => Expr::Now,
        Atom::Due => Expr::Due,
        Atom::Missed => Expr::Missed,
        Atom::Born => Expr::Born,
        Atom::Trust(measure) => Expr::Trust(measure),
        Atom::Left(limit) => Expr::Left(limit),
        Atom::Input(_) | Atom::Part(..) | Atom::Len(_) => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn root(expr: &Expr) -> Option<Root> {
    Some(match expr {
        Expr::Field(index) => Root::Field(*index),
        Expr::Param(index) => Root::Param(*index),
        Expr::Local(index) => Root::Local(*index),
        Expr::Captured(index) => Root::Captured(*index),
        Expr::Derive(index) => Root::Derive(*index),
        _ => return None,
    })
}

impl Linear {
    fn plus(mut self, other: &Linear, factor: i128) -> Option<Linear> {
        for (atom, count) in &other.terms {
            let sum = self.terms.entry(*atom).or_insert(0);
            *sum = sum.checked_add(count.checked_mul(factor)?)?;
        }
        self.terms.retain(|_, count| *count != 0);
        self.constant = self.constant.checked_add(other.constant.checked_mul(factor)?)?;
        Some(self)
    }
}

impl Facts {
    /// The same without its locals, and cheap to clone: every condition in a condition clones.
    pub fn shared(mut self) -> Facts {
        self.forget_locals();
        Facts { shared: Some(Arc::new(self.whole())), ..Facts::default() }
    }

    /// The same in one piece, cheap to add to.
    pub fn whole(mut self) -> Facts {
        let Some(shared) = self.shared.take() else { return self };
        let mut whole = (*shared).clone();
        whole.terms.append(&mut self.terms);
        whole.variants.append(&mut self.variants);
        whole.bound.append(&mut self.bound);
        whole.aliases.append(&mut self.aliases);
        whole
    }

    fn term(&self, term: &[(Atom, i128)]) -> Option<Interval> {
        let own = self.terms.get(term).copied();
        own.or_else(|| self.shared.as_ref().and_then(|shared| shared.term(term)))
    }

    fn variants(&self, atom: Atom) -> Option<u64> {
        let own = self.variants.get(&atom).copied();
        own.or_else(|| self.shared.as_ref().and_then(|shared| shared.variants(atom)))
    }

    /// Binds a local, which has this type from here on.
    pub fn bind(&mut self, local: u16, ty: Type) {
        self.bound.insert(local, ty);
    }

    /// Forgets what was known of a local, before it is bound to something else.
    pub fn forget(&mut self, local: u16) {
        self.aliases.remove(&local);
        self.variants.retain(|atom, _| !atom.is_of_local(local));
        self.terms.retain(|term, _| term.iter().all(|(part, _)| !part.is_of_local(local)));
    }

    /// Forgets every local.
    pub fn forget_locals(&mut self) {
        self.aliases.clear();
        self.bound.clear();
        self.variants.retain(|atom, _| !atom.is_of_any_local());
        self.terms.retain(|term, _| !term.iter().any(|(atom, _)| atom.is_of_any_local()));
    }

    /// The type of a local that is bound here.
    pub fn local(&self, local: u16) -> Option<&Type> {
        self.bound.get(&local)
    }

    /// Notes that a local, just bound, equals an expression.
    pub fn alias(&mut self, local: u16, expr: &Expr) {
        let linear = self.linear(expr);
        self.forget(local);
        if let Some(linear) = linear {
            self.aliases.insert(local, linear);
        }
        if let Some(set) = atom(expr).and_then(|atom| self.variants(atom)) {
            self.variants.insert(Atom::Local(local), set);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn linear(&self, expr: &Expr) -> Option<Linear> {
        match expr {
            Expr::Value(Value::Int(value)) => {
                Some(Linear { constant: i128::from(*value), ..Linear::default() })
            }
            Expr::Add(a, b) => self.linear(a)?.plus(&self.linear(b)?, 1),
            Expr::Sub(a, b) => self.linear(a)?.plus(&self.linear(b)?, -1),
            Expr::Neg(a) => Linear::default().plus(&self.linear(a)?, -1),
            Expr::Mul(a, b) => {
                let (a, b) = (self.linear(a)?, self.linear(b)?);
                let (linear, factor) = if b.terms.is_empty() { (a, b) } else { (b, a) };
                if !factor.terms.is_empty() {
                    return None;
                }
                Linear::default().plus(&linear, factor.constant)
            }
            // Where these go on, they are what they hold.
            Expr::Fit(a, ..) => self.linear(a),
            Expr::Else(a, b) if matches!(**b, Expr::Refuse(_)) => self.linear(a),
            Expr::Local(index) if self.aliases.contains_key(index) => {
                self.aliases.get(index).cloned()
            }
            _ => atom(expr).map(|atom| Linear { terms: BTreeMap::from([(atom, 1)]), constant: 0 }),
        }
    }

    /// The interval of an expression, no wider than `shape`, which its parts give.
    pub fn narrow(&self, expr: &Expr, shape: Interval) -> Interval {
        let known = self.linear(expr).and_then(|linear| self.known(&linear));
        known.and_then(|known| known.meet(shape)).unwrap_or(shape)
    }

    /// The interval of `a - b` as one sum, in which what stands on both sides falls away; `of` gives
    /// the interval of an atom by itself. `None` where either is no sum.
    pub fn difference(
        &self,
        a: &Expr,
        b: &Expr,
        of: &dyn Fn(Atom) -> Option<Interval>,
    ) -> Option<Interval> {
        let linear = self.linear(a)?.plus(&self.linear(b)?, -1)?;
        let mut all = Interval::point(linear.constant);
        for (atom, count) in &linear.terms {
            all = all.plus(of(*atom)?.scaled(*count));
        }
        Some(self.known(&linear).and_then(|known| known.meet(all)).unwrap_or(all))
    }

    /// What is known of a linear form's own term.
    fn known(&self, linear: &Linear) -> Option<Interval> {
        let (term, factor) = normal(linear)?;
        let known = self.term(&term)?.scaled(factor);
        Some(known.plus(Interval::point(linear.constant)))
    }

    /// The variants that an expression may be, of `count`; bit by bit.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    pub fn possible(&self, expr: &Expr, count: usize) -> u64 {
        let all = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
        match expr {
            Expr::Variant(_, number, _) => 1 << number,
            Expr::Value(Value::Bool(value)) => 1 << u8::from(*value),
            Expr::If(_, a, b) | Expr::Else(a, b) => {
                self.possible(a, count) | self.possible(b, count)
            }
            Expr::Match(_, arms) => {
                arms.iter().fold(0, |set, (_, value)| set | self.possible(value, count))
            }
            Expr::Let(_, _, value) => self.possible(value, count),
            Expr::Refuse(_) => 0,
            _ => atom(expr).and_then(|atom| self.variants(atom)).map_or(all, |set| set & all),
        }
    }

    /// Limits the variants that an atom may be.
    pub fn restrict(&mut self, atom: Atom, set: u64) {
        let known = self.variants(atom).unwrap_or(u64::MAX);
        self.variants.insert(atom, known & set);
    }

    /// Whether what was assumed contradicts itself, so that nothing ever comes here.
    pub fn is_impossible(&self) -> bool {
        self.variants.values().any(|set| *set == 0)
            || self.terms.values().any(|i| i.low > i.high)
            || self.shared.as_ref().is_some_and(|shared| shared.is_impossible())
    }

    /// Takes it that a condition is true, or false.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    pub fn assume(&mut self, cond: &Expr, truth: bool) {
        match cond {
            Expr::Not(a) => self.assume(a, !truth),
            Expr::And(a, b) if truth => {
                self.assume(a, true);
                self.assume(b, true);
            }
            Expr::Or(a, b) if !truth => {
                self.assume(a, false);
                self.assume(b, false);
            }
            Expr::Compare(Order::Less, a, b) if truth => self.at_most(a, b, -1),
            Expr::Compare(Order::AtMost, a, b) if truth => self.at_most(a, b, 0),
            Expr::Compare(Order::Less, a, b) => self.at_most(b, a, 0),
            Expr::Compare(Order::AtMost, a, b) => self.at_most(b, a, -1),
            Expr::Within(a, low, high) if truth => {
                self.at_most(low, a, 0);
                self.at_most(a, high, 0);
            }
            Expr::Equal(a, b) => self.assume_equal(a, b, truth),
            Expr::Is(a, shapes) => self.assume_shape(a, shapes, truth),
            Expr::Value(Value::Bool(value)) if *value != truth => {
                self.terms.insert(Vec::new(), Interval { low: 1, high: 0 });
            }
            _ => {
                if let Some(atom) = atom(cond) {
                    self.restrict(atom, 1 << u8::from(truth));
                }
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn assume_equal(&mut self, a: &Expr, b: &Expr, truth: bool) {
        if truth {
            self.at_most(a, b, 0);
            self.at_most(b, a, 0);
        }
        for (side, other) in [(a, b), (b, a)] {
            let set = match other {
                // Of two variants that carry something, only these are known to differ.
                Expr::Variant(_, _, args) if !truth && !args.is_empty() => continue,
                Expr::Variant(_, number, _) => 1u64 << number,
                Expr::Value(Value::Bool(value)) => 1 << u8::from(*value),
                Expr::None(_) => 1,
                _ => continue,
            };
            if let Some(atom) = atom(side) {
                self.restrict(atom, if truth { set } else { !set });
            }
        }
    }

    /// A value has, or has not, one of these shapes. A binder becomes known by [`Facts::bind`].
    pub fn assume_shape(&mut self, value: &Expr, shapes: &[Shape], truth: bool) {
        let mut set = 0u64;
        for shape in shapes {
            set |= match shape {
                Shape::Any => u64::MAX,
                Shape::None => 1,
                Shape::Some(_) => 2,
                Shape::Variant(number, _) => 1 << number,
            };
        }
        if let Some(atom) = atom(value) {
            self.restrict(atom, if truth { set } else { !set });
            if let (true, [Shape::Some(Some(local))]) = (truth, shapes) {
                let held = Linear { terms: BTreeMap::from([(atom, 1)]), constant: 0 };
                self.aliases.insert(*local, held);
            }
        }
    }

    /// `a <= b + slack`
    fn at_most(&mut self, a: &Expr, b: &Expr, slack: i128) {
        let difference = |a: &Expr, b: &Expr| self.linear(a)?.plus(&self.linear(b)?, -1);
        let Some(linear) = difference(a, b) else { return };
        let Some(limit) = slack.checked_sub(linear.constant) else { return };
        let Some((term, factor)) = normal(&linear) else {
            if limit < 0 {
                self.terms.insert(Vec::new(), Interval { low: 1, high: 0 });
            }
            return;
        };
        // factor * term <= limit
        let known = self.term(&term).unwrap_or(Interval { low: i128::MIN, high: i128::MAX });
        let known = self.terms.entry(term).or_insert(known);
        if factor > 0 {
            known.high = known.high.min(limit.div_euclid(factor));
        } else {
            known.low = known.low.max(-(limit.div_euclid(-factor)));
        }
    }
}

/// The term of a linear form, and the factor that leads back to it; `None` for a constant.
fn normal(linear: &Linear) -> Option<(Vec<(Atom, i128)>, i128)> {
    let first = *linear.terms.values().next()?;
    let common = linear.terms.values().fold(0, |a: i128, b| gcd(a, *b));
    let factor = if first < 0 { -common } else { common };
    Some((linear.terms.iter().map(|(atom, count)| (*atom, count / factor)).collect(), factor))
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.saturating_abs() } else { gcd(b, a % b) }
}

/// How many variants a kind has for [`Facts::possible`].
pub fn variant_count(kind: &Kind, enum_sizes: &[usize]) -> usize {
    match kind {
        Kind::Bool | Kind::Option(_) => 2,
        Kind::Enum(index) => enum_sizes.get(usize::from(*index)).copied().unwrap_or(0),
        Kind::Number
        | Kind::Text
        | Kind::Bytes
        | Kind::Bytes32
        | Kind::Record(_)
        | Kind::List(_)
        | Kind::Set(_)
        | Kind::Map(..) => 0,
    }
}

/// The locals that a condition binds where it is true, or false.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
pub fn binders(cond: &Expr, truth: bool, found: &mut BTreeSet<u16>) {
    match cond {
        Expr::And(a, b) if truth => {
            binders(a, true, found);
            binders(b, true, found);
        }
        Expr::Or(a, b) if !truth => {
            binders(a, false, found);
            binders(b, false, found);
        }
        Expr::Not(a) => binders(a, !truth, found),
        Expr::Is(_, shapes) if truth => {
            if let [shape] = &shapes[..] {
                found.extend(shape.binders());
            }
        }
        _ => {}
    }
}
