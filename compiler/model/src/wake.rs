//! Wakes of a `cycle on time`: the instants at which a comparison turns true by time alone, and the
//! guards that an entry may turn true, read off the guards of tick rules. And flips, the instants at
//! which a comparison in `dormant` or `ends` turns by time alone, which need no cycle.
//!
//! Invariant: an instant is an expression that reads no time, so it is the same until an entry changes
//! the object.

use crate::expr::{Expr, Order};
use crate::model::Model;
use crate::policy::Measure;
use crate::schema::Schedule;
use crate::types::Type;

/// What a tick rule waits for, as far as it can be known without an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition<'m> {
    /// What its guard joins by `and`, and what it demands of trust; all must hold.
    pub all: Vec<Expr>,
    /// The types of the locals of the guard.
    pub locals: &'m [Type],
}

/// A comparison that time alone turns true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake<'m> {
    /// What must hold for it to mean anything; it binds locals, in this order.
    pub given: Vec<&'m Expr>,
    /// The instant at which it turns true.
    pub at: Expr,
    /// The types of the locals of its guard.
    pub locals: &'m [Type],
}

/// A comparison of trust that decay turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fall<'m> {
    /// What must hold for it to mean anything; it binds locals, in this order.
    pub given: Vec<&'m Expr>,
    /// It turns when trust is less than this and so many millionths.
    pub below: (&'m Expr, i64),
    /// The types of the locals of its guard.
    pub locals: &'m [Type],
}

/// What wakes an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wakes<'m> {
    /// Comparisons that time turns true.
    pub times: Vec<Wake<'m>>,
    /// What an entry may turn true, one for each tick rule with a guard or a demand.
    pub conditions: Vec<Condition<'m>>,
    /// Limits whose release wakes, by index: those that name a tick rule, or that its guard reads.
    pub limits: Vec<usize>,
    /// Tick rules whose guard reads time in a way that no instant can be told from, by index.
    pub unforeseen: Vec<u16>,
}

/// Whether an object has a `cycle on time`.
pub fn has_wakes(model: &Model) -> bool {
    model.schema.cycles.iter().any(|cycle| cycle.schedule == Schedule::OnTime)
}

/// What wakes an object; nothing where it has no `cycle on time`.
pub fn wakes(model: &Model) -> Wakes<'_> {
    let mut found = Wakes::default();
    if !has_wakes(model) {
        return found;
    }
    for (index, rule) in (0u16..).zip(&model.policy.rules) {
        if !rule.on.is_tick() {
            continue;
        }
        let mut guard = Guard::of_rule(model, &rule.locals, &mut found);
        let mut all = Vec::new();
        if let Some(when) = &rule.when {
            all = guard.known(when);
            guard.times(when, true, &[]);
        }
        if !guard.foreseen {
            found.unforeseen.push(index);
        }
        for need in &rule.needs {
            let (bound, value) = (Box::new(Expr::number(need.bound)), Expr::Trust(need.of));
            let holds = Expr::Compare(Order::AtMost, bound, Box::new(value));
            all.push(if need.at_least { holds } else { Expr::Not(Box::new(holds)) });
        }
        if !all.is_empty() {
            found.conditions.push(Condition { all, locals: &rule.locals });
        }
    }
    found.limits = limits(model);
    found
}

/// When time alone may change a condition, such as whether an object is awake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flips<'m> {
    /// Comparisons that time turns, either way.
    pub times: Vec<Wake<'m>>,
    /// Those of trust that decay turns.
    pub falls: Vec<Fall<'m>>,
    /// The slopes that are compared: each may change where its window forgets, on its grid.
    pub slopes: Vec<Measure>,
    /// Whether nothing else changes it between entries, as a comparison does from which no instant can
    /// be told.
    pub foreseen: bool,
}

impl Flips<'_> {
    /// Whether trust or a slope of it is compared.
    pub fn reads_trust(&self) -> bool {
        !self.falls.is_empty() || !self.slopes.is_empty()
    }

    /// Whether time changes nothing.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty() && self.falls.is_empty() && self.slopes.is_empty()
    }
}

/// When time alone may change whether an object is awake.
pub fn flips(model: &Model) -> Flips<'_> {
    let mut all =
        Flips { times: Vec::new(), falls: Vec::new(), slopes: Vec::new(), foreseen: true };
    for pause in model.policy.dormant.iter().chain(&model.policy.ends) {
        let one = flips_of(model, &pause.locals, &pause.holds, &[], false);
        all.times.extend(one.times);
        all.falls.extend(one.falls);
        all.slopes.extend(one.slopes);
        all.foreseen &= one.foreseen;
    }
    all.slopes.sort_unstable();
    all.slopes.dedup();
    all
}

/// When time alone may change a condition, where those before it hold. `limited` says that whoever
/// asks looks anew whenever a limit frees.
pub(crate) fn flips_of<'m>(
    model: &'m Model,
    locals: &'m [Type],
    cond: &'m Expr,
    before: &[&'m Expr],
    limited: bool,
) -> Flips<'m> {
    let (mut found, mut falls, mut slopes) = (Wakes::default(), Vec::new(), Vec::new());
    let trust = Some((&mut falls, &mut slopes));
    let mut guard = Guard { model, locals, foreseen: true, found: &mut found, trust, limited };
    guard.times(cond, true, before);
    guard.times(cond, false, before);
    let foreseen = guard.foreseen;
    Flips { times: found.times, falls, slopes, foreseen }
}

fn limits(model: &Model) -> Vec<usize> {
    let policy = &model.policy;
    let ticks = |rule: &u16| policy.rules[usize::from(*rule)].on.is_tick();
    let reads = |limit: usize| {
        let guards = policy.rules.iter().filter(|rule| rule.on.is_tick());
        let guards = guards.filter_map(|rule| rule.when.as_ref());
        guards.into_iter().any(|when| {
            mentions(
                model,
                when,
                &|expr| matches!(expr, Expr::Left(read) if usize::from(*read) == limit),
            )
        })
    };
    let named = policy.limits.iter().enumerate();
    let named = named.filter(|(index, limit)| limit.rules.iter().any(ticks) || reads(*index));
    named.map(|(index, _)| index).collect()
}

/// Whether an expression, or a derive that it reads, holds such a node.
pub(crate) fn mentions(model: &Model, expr: &Expr, is: &dyn Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        found |= is(expr);
        if let Expr::Derive(index) = expr {
            let derive = model.schema.derives.get(usize::from(*index));
            found |= derive.is_some_and(|derive| mentions(model, &derive.value, is));
        }
    });
    found
}

/// One guard on its way.
struct Guard<'m, 'f> {
    model: &'m Model,
    locals: &'m [Type],
    /// Whether an instant could be told from every comparison of time.
    foreseen: bool,
    found: &'f mut Wakes<'m>,
    /// What comparisons of trust go to, where they matter: a tick rule's are looked at after entries.
    trust: Option<(&'f mut Vec<Fall<'m>>, &'f mut Vec<Measure>)>,
    /// Whether what is left of a limit is looked at whenever the limit frees.
    limited: bool,
}

impl<'m, 'f> Guard<'m, 'f> {
    fn of_rule(model: &'m Model, locals: &'m [Type], found: &'f mut Wakes<'m>) -> Self {
        Guard { model, locals, foreseen: true, found, trust: None, limited: false }
    }

    /// What a guard joins by `and`, but for what only an offer can tell.
    fn known(&self, when: &'m Expr) -> Vec<Expr> {
        let mut parts = Vec::new();
        flatten(when, &mut parts);
        let mut known: Vec<&'m Expr> = Vec::new();
        for part in parts {
            if !mentions(self.model, part, &is_offered) && self.given(&known, part).is_some() {
                known.push(part);
            }
        }
        known.into_iter().cloned().collect()
    }

    /// Of the conditions before it, those that bind what an expression reads; `None` where something
    /// else binds it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn given(&self, before: &[&'m Expr], expr: &Expr) -> Option<Vec<&'m Expr>> {
        let mut open: Vec<u16> = Vec::new();
        let mut own = Vec::new();
        expr.walk(&mut |expr| match expr {
            Expr::Local(local) => open.push(*local),
            Expr::Is(_, shapes) => own.extend(shapes.iter().flat_map(|shape| shape.binders())),
            _ => {}
        });
        bound_inside(expr, &mut own);
        open.retain(|local| !own.contains(local));
        let binds = |part: &Expr, local: u16| {
            let mut binds = false;
            part.walk(&mut |expr| {
                if let Expr::Is(_, shapes) = expr {
                    binds |= shapes.iter().any(|shape| shape.binders().contains(&local));
                }
            });
            binds
        };
        let known = |local: &u16| before.iter().any(|part| binds(part, *local));
        if !open.iter().all(known) {
            return None;
        }
        let wanted = before.iter().filter(|part| open.iter().any(|local| binds(part, *local)));
        let wanted: Vec<&'m Expr> = wanted.copied().collect();
        // What they read themselves is bound before them.
        let mut all: Vec<&'m Expr> = Vec::new();
        for part in &wanted {
            let place = before.iter().position(|other| std::ptr::eq(*other, *part))?;
            for other in self.given(&before[..place], part)? {
                if !all.iter().any(|known| std::ptr::eq(*known, other)) {
                    all.push(other);
                }
            }
            all.push(part);
        }
        Some(all)
    }

    /// Comparisons that turn a condition to `truth` by time.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn times(&mut self, cond: &'m Expr, truth: bool, given: &[&'m Expr]) {
        match cond {
            Expr::And(a, b) | Expr::Or(a, b) => {
                self.times(a, truth, given);
                let mut inner = given.to_vec();
                if matches!(cond, Expr::And(..)) {
                    let mut parts = Vec::new();
                    flatten(a, &mut parts);
                    inner.extend(parts);
                }
                self.times(b, truth, &inner);
            }
            Expr::Not(inner) => self.times(inner, !truth, given),
            Expr::Compare(order, a, b) if truth => self.turns(*order, a, b, given),
            // Not a <= b is b < a.
            Expr::Compare(order, a, b) => self.turns(opposite(*order), b, a, given),
            Expr::Within(a, low, high) if truth => {
                self.turns(Order::AtMost, low, a, given);
                self.turns(Order::AtMost, a, high, given);
            }
            Expr::Within(a, low, high) => {
                self.turns(Order::Less, a, low, given);
                self.turns(Order::Less, high, a, given);
            }
            Expr::Derive(index) => {
                let derive = &self.model.schema.derives[usize::from(*index)];
                // Its locals are its own.
                let (model, found) = (self.model, &mut *self.found);
                let trust =
                    self.trust.as_mut().map(|(falls, slopes)| (&mut **falls, &mut **slopes));
                let locals = &derive.locals;
                let limited = self.limited;
                let mut inner = Guard { model, locals, foreseen: true, found, trust, limited };
                inner.times(&derive.value, truth, &[]);
                self.foreseen &= inner.foreseen;
            }
            other => self.foreseen &= !self.reads_time(other) && !self.slides(other),
        }
    }

    /// Whether trust or a limit says it, where that matters.
    fn slides(&self, expr: &Expr) -> bool {
        let slides = |expr: &Expr| {
            matches!(expr, Expr::Trust(_)) || (!self.limited && matches!(expr, Expr::Left(_)))
        };
        self.trust.is_some() && mentions(self.model, expr, &slides)
    }

    /// When a comparison of trust, or of a slope of it, turns true.
    fn slips(&mut self, order: Order, left: &'m Expr, right: &'m Expr, given: &[&'m Expr]) {
        let (measure, bound, falls) = match (left, right) {
            (Expr::Trust(measure), bound) => (*measure, bound, true),
            (bound, Expr::Trust(measure)) => (*measure, bound, false),
            _ => {
                self.foreseen = false;
                return;
            }
        };
        let given = self.given(given, bound).filter(|given| {
            let known = |expr: &Expr| !self.moves(expr) && !mentions(self.model, expr, &is_offered);
            known(bound) && given.iter().all(|part| known(part))
        });
        let (Some(given), Some((all, slopes))) = (given, &mut self.trust) else {
            self.foreseen = false;
            return;
        };
        match measure {
            Measure::Slope | Measure::SlopeLong => slopes.push(measure),
            // Time never raises it.
            Measure::Trust if !falls => {}
            Measure::Trust => {
                let more = i64::from(order == Order::AtMost);
                all.push(Fall { given, below: (bound, more), locals: self.locals });
            }
        }
    }

    /// When `left <= right`, or `left < right`, turns true.
    fn turns(&mut self, order: Order, left: &'m Expr, right: &'m Expr, given: &[&'m Expr]) {
        let (left, right) = (self.open(left), self.open(right));
        if self.slides(left) || self.slides(right) {
            return self.slips(order, left, right, given);
        }
        let at = match (self.reads_time(left), self.reads_time(right)) {
            (false, false) => return,
            (true, true) => None,
            (false, true) => since(right, left),
            (true, false) => until(left, right),
        };
        let at = match at {
            // It turns false, never true.
            Some(None) => return,
            Some(Some(at)) if !self.moves(&at) && !mentions(self.model, &at, &is_offered) => at,
            Some(Some(_)) | None => {
                self.foreseen = false;
                return;
            }
        };
        let Some(given) = self.given(given, &at) else {
            self.foreseen = false;
            return;
        };
        let unsure = |part: &&Expr| self.moves(part) || mentions(self.model, part, &is_offered);
        if given.iter().any(unsure) {
            self.foreseen = false;
            return;
        }
        let at = match order {
            Order::AtMost => at,
            Order::Less => Expr::Shift(Box::new(at), Box::new(Expr::number(1))),
        };
        self.found.times.push(Wake { given, at, locals: self.locals });
    }

    /// What a derive that has no locals says.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
    fn open(&self, expr: &'m Expr) -> &'m Expr {
        match expr {
            Expr::Derive(index) => {
                let derive = &self.model.schema.derives[usize::from(*index)];
                if derive.locals.is_empty() { self.open(&derive.value) } else { expr }
            }
            other => other,
        }
    }

    fn reads_time(&self, expr: &Expr) -> bool {
        mentions(self.model, expr, &|expr| matches!(expr, Expr::Now))
    }

    /// Whether it changes by other ways than entries.
    fn moves(&self, expr: &Expr) -> bool {
        let moving = |expr: &Expr| matches!(expr, Expr::Now | Expr::Trust(_) | Expr::Left(_));
        mentions(self.model, expr, &moving)
    }
}

/// Whether an input or a tick says it, which is not known when no offer is at hand.
fn is_offered(expr: &Expr) -> bool {
    matches!(expr, Expr::Input(_) | Expr::Due | Expr::Missed)
}

/// The parts that `and` joins, in order.
pub(crate) fn flatten<'m>(cond: &'m Expr, parts: &mut Vec<&'m Expr>) {
    if let Expr::And(a, b) = cond {
        flatten(a, parts);
        flatten(b, parts);
    } else {
        parts.push(cond);
    }
}

/// Locals that an expression binds for itself.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn bound_inside(expr: &Expr, own: &mut Vec<u16>) {
    expr.walk(&mut |expr| match expr {
        Expr::Let(local, ..) => own.push(*local),
        Expr::Each(_, binders, ..) => own.extend(binders),
        Expr::Fold(local, _, binders, ..) => {
            own.push(*local);
            own.extend(binders);
        }
        Expr::Collect(_, collect) => own.extend(&collect.binders),
        Expr::Match(_, arms) => {
            let shapes = arms.iter().flat_map(|(shapes, _)| shapes);
            own.extend(shapes.flat_map(|shape| shape.binders()));
        }
        _ => {}
    });
}

fn opposite(order: Order) -> Order {
    match order {
        Order::Less => Order::AtMost,
        Order::AtMost => Order::Less,
    }
}

/// The instant from which on `bound <= moving`; the inner `None` where time never turns it true.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn since(moving: &Expr, bound: &Expr) -> Option<Option<Expr>> {
    let shift = |at: &Expr, by: Expr| Expr::Shift(Box::new(at.clone()), Box::new(by));
    Some(match moving {
        Expr::Now => Some(bound.clone()),
        // bound <= now - e
        Expr::Sub(a, e) if **a == Expr::Now => Some(shift(e, bound.clone())),
        // bound <= now + d
        Expr::Shift(a, d) if **a == Expr::Now => Some(shift(bound, Expr::Neg(d.clone()))),
        // bound <= e - now
        Expr::Sub(_, b) if **b == Expr::Now => None,
        _ => return None,
    })
}

/// The instant from which on `moving <= bound`.
#[expect(clippy::wildcard_enum_match_arm, reason = "a question about a few of many shapes")]
fn until(moving: &Expr, bound: &Expr) -> Option<Option<Expr>> {
    Some(match moving {
        Expr::Now => None,
        Expr::Sub(a, _) | Expr::Shift(a, _) if **a == Expr::Now => None,
        // e - now <= bound
        Expr::Sub(e, b) if **b == Expr::Now => {
            let by = Expr::Neg(Box::new(bound.clone()));
            Some(Expr::Shift(e.clone(), Box::new(by)))
        }
        _ => return None,
    })
}
