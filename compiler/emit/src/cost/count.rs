//! Functions in the [`ir`](crate::ir) into the most core instructions that a call of each executes,
//! counted as [`wasm`](crate::wasm) writes them.
//!
//! What is counted is never less than what is executed: of two branches the dearer one counts, a
//! loop turns as often as it says, a path that is left early counts up to where it is left. `else`
//! and `end` are no instructions; `memory.copy` and `memory.fill` are one, and one more for eight
//! bytes. Sums stay at the end of 64 bits. It knows no Model.

use super::sum::{Label, Sum};
use crate::bound::Rounds;
use crate::ir::{self, Binary, Exp, Func, FuncId, Stm};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// How a path leaves the statements that it stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exit {
    To(ir::Label),
    /// Out of the function.
    Gone,
}

/// What the dearest way through some statements costs, by how it ends.
struct Paths {
    /// At their end; `None` where none ends there.
    fall: Option<Sum>,
    exits: Exits,
}

#[derive(Default)]
struct Exits(Vec<(Exit, Sum)>);

impl Exits {
    fn add(&mut self, exit: Exit, sum: Sum) {
        match self.0.iter_mut().find(|(known, _)| *known == exit) {
            Some((_, known)) if known.all >= sum.all => {}
            Some((_, known)) => *known = sum,
            None => self.0.push((exit, sum)),
        }
    }

    fn take(&mut self, exit: Exit) -> Option<Sum> {
        let place = self.0.iter().position(|(known, _)| *known == exit)?;
        Some(self.0.swap_remove(place).1)
    }
}

/// What is known of each parameter: the most that it is, where that is known.
type Given = Vec<Option<u32>>;

/// Functions whose costs are asked for.
pub(crate) struct Counter<'f> {
    funcs: &'f [Func],
    /// What the functions are called where they are told apart.
    labels: &'f [Option<Label>],
    known: HashMap<(FuncId, Given), Rc<Sum>>,
    /// Those at hand; no function comes back to itself.
    open: Vec<FuncId>,
    /// No path through these is looked at.
    shut: Vec<FuncId>,
    /// Those that may be shut.
    doors: Vec<FuncId>,
    /// Those that lead to a door, so that their costs depend on what is shut.
    before: HashSet<FuncId>,
}

impl<'f> Counter<'f> {
    pub(crate) fn new(funcs: &'f [Func], labels: &'f [Option<Label>], doors: Vec<FuncId>) -> Self {
        let (known, before) = (HashMap::new(), HashSet::new());
        Counter { funcs, labels, known, open: Vec::new(), shut: Vec::new(), doors, before }
    }

    /// What a call without arguments costs, where a path may lead through these doors alone.
    pub(crate) fn cost(&mut self, func: FuncId, ajar: &[FuncId]) -> Sum {
        let before = &self.before;
        self.known.retain(|(func, _), _| !before.contains(func));
        self.shut = self.doors.iter().copied().filter(|door| !ajar.contains(door)).collect();
        Sum::clone(&self.function(func, Given::new()))
    }

    fn function(&mut self, id: FuncId, given: Given) -> Rc<Sum> {
        let key = (id, given);
        if self.doors.contains(&id) || self.before.contains(&id) {
            self.before.extend(&self.open);
        }
        if let Some(sum) = self.known.get(&key) {
            return sum.clone();
        }
        let Some(func) = self.funcs.get(id.0 as usize).filter(|_| !self.open.contains(&id)) else {
            return Rc::new(Sum::endless());
        };
        self.open.push(id);
        let mut body = Body { counter: self, given: &key.1, just_set: None };
        let mut paths = match func.body.split_last() {
            // What is returned at the very end just stays on the stack.
            Some((Stm::Return(value), before)) => {
                let mut paths = body.stms(before);
                if let Some(sum) = &mut paths.fall {
                    value.iter().for_each(|value| body.exp(value, sum));
                }
                paths
            }
            Some(_) | None => body.stms(&func.body),
        };
        self.open.pop();
        let gone = paths.exits.take(Exit::Gone);
        // Where no path comes through, the function is never called.
        let sum = Rc::new(Sum::dearer(paths.fall, gone).unwrap_or_default());
        self.known.insert(key, sum.clone());
        sum
    }
}

/// The body of one function.
struct Body<'c, 'f> {
    counter: &'c mut Counter<'f>,
    given: &'c Given,
    /// The local that the last instruction sets: to get it at once is one instruction with that.
    just_set: Option<u32>,
}

impl Body<'_, '_> {
    fn op(&mut self, sum: &mut Sum) {
        self.just_set = None;
        sum.instructions(1);
    }

    fn stms(&mut self, stms: &[Stm]) -> Paths {
        let (mut sum, mut exits) = (Sum::default(), Exits::default());
        for stm in stms {
            if !self.stm(stm, &mut sum, &mut exits) {
                return Paths { fall: None, exits };
            }
        }
        Paths { fall: Some(sum), exits }
    }

    /// Adds a statement to a path; whether the path goes on behind it.
    fn stm(&mut self, stm: &Stm, sum: &mut Sum, exits: &mut Exits) -> bool {
        match stm {
            Stm::Set(var, value) => {
                self.exp(value, sum);
                self.op(sum);
                self.just_set = Some(var.index);
            }
            Stm::Store(_, base, _, value) => {
                self.base(base, sum);
                self.exp(value, sum);
                self.op(sum);
            }
            Stm::If(cond, then, otherwise) => {
                self.exp(cond, sum);
                self.op(sum);
                return self.branch(then, otherwise, sum, exits);
            }
            Stm::Block(label, body) => {
                self.op(sum);
                let mut paths = self.stms(body);
                self.just_set = None;
                let left = paths.exits.take(Exit::To(*label));
                let fall = Sum::dearer(paths.fall, left);
                return join(sum, exits, Paths { fall, exits: paths.exits });
            }
            Stm::Loop(rounds, label, body) => return self.turns(*rounds, *label, body, sum, exits),
            Stm::Part(part, body) => {
                let paths = self.stms(body);
                let label = Label::Part(*part);
                let exits_of = paths.exits.0.into_iter();
                let exits_of = exits_of.map(|(exit, sum)| (exit, sum.under(label))).collect();
                let fall = paths.fall.map(|sum| sum.under(label));
                return join(sum, exits, Paths { fall, exits: Exits(exits_of) });
            }
            Stm::Break(label) => {
                self.op(sum);
                exits.add(Exit::To(*label), sum.clone());
                return false;
            }
            Stm::BreakIf(label, cond) => {
                self.exp(cond, sum);
                self.op(sum);
                exits.add(Exit::To(*label), sum.clone());
            }
            Stm::Return(value) => {
                value.iter().for_each(|value| self.exp(value, sum));
                self.op(sum);
                exits.add(Exit::Gone, sum.clone());
                return false;
            }
            Stm::Call(id, args) => return self.call(*id, args, sum),
            Stm::Copy(to, other, len) | Stm::Fill(to, other, len) => {
                [to, other, len].into_iter().for_each(|part| self.exp(part, sum));
                self.op(sum);
                match self.most(len) {
                    Some(bytes) => sum.instructions(u64::from(bytes.div_ceil(8))),
                    None => sum.add(&Sum::endless()),
                }
            }
            Stm::Trap => {
                self.op(sum);
                exits.add(Exit::Gone, sum.clone());
                return false;
            }
        }
        true
    }

    fn branch(
        &mut self,
        then: &[Stm],
        otherwise: &[Stm],
        sum: &mut Sum,
        exits: &mut Exits,
    ) -> bool {
        let mut then = self.stms(then);
        self.just_set = None;
        let otherwise = self.stms(otherwise);
        self.just_set = None;
        for (exit, sum) in otherwise.exits.0 {
            then.exits.add(exit, sum);
        }
        let fall = Sum::dearer(then.fall, otherwise.fall);
        join(sum, exits, Paths { fall, exits: then.exits })
    }

    fn turns(
        &mut self,
        rounds: Rounds,
        label: ir::Label,
        body: &[Stm],
        sum: &mut Sum,
        exits: &mut Exits,
    ) -> bool {
        self.just_set = None;
        let mut paths = self.stms(body);
        self.just_set = None;
        // The loop itself, once for each time it is started.
        sum.instructions(1);
        if let Some(mut round) = paths.exits.take(Exit::To(label)) {
            round.instructions(1);
            match self.times(rounds) {
                Some(times) => sum.add(&round.walk(rounds.what, times)),
                None => sum.add(&Sum::endless()),
            }
        }
        join(sum, exits, paths)
    }

    /// How often a loop turns at most.
    fn times(&self, rounds: Rounds) -> Option<u32> {
        let of = match rounds.of {
            None => 0,
            Some((param, at_a_time)) => {
                let given = *self.given.get(param as usize)?;
                given?.div_ceil(at_a_time)
            }
        };
        Some(of.saturating_add(rounds.more))
    }

    /// A call; whether the path goes on behind it.
    fn call(&mut self, id: FuncId, args: &[Exp], sum: &mut Sum) -> bool {
        args.iter().for_each(|arg| self.exp(arg, sum));
        self.op(sum);
        if self.counter.shut.contains(&id) {
            let counter = &mut *self.counter;
            counter.before.extend(&counter.open);
            return false;
        }
        let given = args.iter().map(|arg| self.most(arg)).collect();
        let callee = self.counter.function(id, given);
        match self.counter.labels.get(id.0 as usize).copied().flatten() {
            Some(label) => sum.add(&Sum::clone(&callee).under(label)),
            None => sum.add(&callee),
        }
        true
    }

    fn exp(&mut self, exp: &Exp, sum: &mut Sum) {
        match exp {
            Exp::I32(_) | Exp::I64(_) => self.op(sum),
            Exp::Var(var) => {
                if self.just_set.take() != Some(var.index) {
                    self.op(sum);
                }
            }
            Exp::Load(_, base, _) => {
                self.base(base, sum);
                self.op(sum);
            }
            Exp::Unary(_, a) => {
                self.exp(a, sum);
                self.op(sum);
            }
            Exp::Binary(_, a, b) => {
                self.exp(a, sum);
                self.exp(b, sum);
                self.op(sum);
            }
            Exp::If(cond, a, b) => {
                self.exp(cond, sum);
                self.op(sum);
                let (mut then, mut otherwise) = (Sum::default(), Sum::default());
                self.exp(a, &mut then);
                self.just_set = None;
                self.exp(b, &mut otherwise);
                self.just_set = None;
                sum.add(if then.all >= otherwise.all { &then } else { &otherwise });
            }
            Exp::Select(a, b, cond) => {
                [a, b, cond].into_iter().for_each(|part| self.exp(part, sum));
                self.op(sum);
            }
            Exp::Call(id, args, _) => {
                self.call(*id, args, sum);
            }
            Exp::AtMost(of, _) => self.exp(of, sum),
        }
    }

    /// The base of an access: a constant one is an offset from zero.
    fn base(&mut self, base: &Exp, sum: &mut Sum) {
        if let Exp::I32(_) = base { self.op(sum) } else { self.exp(base, sum) }
    }

    /// The most that a length or a count is, without sign. What is taken from a length leaves a
    /// length.
    fn most(&self, exp: &Exp) -> Option<u32> {
        match exp {
            Exp::I32(value) => u32::try_from(*value).ok(),
            Exp::Var(var) => self.given.get(var.index as usize).copied().flatten(),
            Exp::AtMost(_, most) => Some(*most),
            Exp::Binary(Binary::Sub, a, _) if matches!(**a, Exp::I32(_) | Exp::Var(_)) => {
                self.most(a)
            }
            Exp::I64(_)
            | Exp::Load(..)
            | Exp::Unary(..)
            | Exp::Binary(..)
            | Exp::If(..)
            | Exp::Select(..)
            | Exp::Call(..) => None,
        }
    }
}

/// Sets what comes next behind a path; whether it goes on.
fn join(sum: &mut Sum, exits: &mut Exits, next: Paths) -> bool {
    for (exit, more) in next.exits.0 {
        let mut whole = sum.clone();
        whole.add(&more);
        exits.add(exit, whole);
    }
    let Some(more) = next.fall else { return false };
    sum.add(&more);
    true
}
