//! The builder of one function: statements are written in order, blocks nest as closures, and other
//! functions are called by what they do.

use crate::bound::{Part, Rounds};
use crate::ir::{Exp, Func, Label, Stm, Ty, Var, load32};
use crate::shorten::shorten;
use crate::unit::{Routine, Unit};

/// A function under construction.
pub(crate) struct Code<'u, 'm> {
    /// The module that it will stand in.
    pub(crate) unit: &'u mut Unit<'m>,
    params: Vec<Ty>,
    locals: Vec<Ty>,
    labels: u32,
    stms: Vec<Stm>,
}

impl<'u, 'm> Code<'u, 'm> {
    pub(crate) fn new(unit: &'u mut Unit<'m>, params: &[Ty]) -> Self {
        Code { unit, params: params.to_vec(), locals: Vec::new(), labels: 0, stms: Vec::new() }
    }

    pub(crate) fn finish(self, result: Option<Ty>) -> Func {
        let body = shorten(self.params.len(), self.stms);
        Func { params: self.params, result, locals: self.locals, body }
    }

    /// The parameters, in order.
    pub(crate) fn params<const N: usize>(&self) -> [Var; N] {
        assert_eq!(N, self.params.len(), "a routine takes what its signature says");
        std::array::from_fn(|index| Var {
            index: u32::try_from(index).expect("a routine has few parameters"),
            ty: self.params[index],
        })
    }

    /// All parameters, however many.
    pub(crate) fn all_params(&self) -> Vec<Var> {
        (0u32..).zip(&self.params).map(|(index, ty)| Var { index, ty: *ty }).collect()
    }

    /// A new local, zero until it is set.
    pub(crate) fn var(&mut self, ty: Ty) -> Var {
        let index = self.params.len() + self.locals.len();
        self.locals.push(ty);
        Var {
            index: u32::try_from(index).expect("a function has fewer locals than 32 bits count"),
            ty,
        }
    }

    /// A new local that holds this value.
    pub(crate) fn bind(&mut self, value: impl Into<Exp>) -> Var {
        let value = value.into();
        let var = self.var(value.ty());
        self.set(var, value);
        var
    }

    /// The value as something that may stand more than once.
    pub(crate) fn atom(&mut self, value: Exp) -> Exp {
        if value.is_atom() { value } else { self.bind(value).get() }
    }

    pub(crate) fn push(&mut self, stm: Stm) {
        self.stms.push(stm);
    }

    pub(crate) fn set(&mut self, var: Var, value: impl Into<Exp>) {
        let value = value.into();
        assert_eq!(var.ty, value.ty(), "a local keeps its type");
        self.push(Stm::Set(var, value));
    }

    /// Stores so many low bytes.
    pub(crate) fn store(
        &mut self,
        bytes: u8,
        base: impl Into<Exp>,
        offset: u32,
        value: impl Into<Exp>,
    ) {
        self.push(Stm::Store(bytes, base.into(), offset, value.into()));
    }

    /// The statements that `fill` writes, apart.
    pub(crate) fn nested(&mut self, fill: impl FnOnce(&mut Self)) -> Vec<Stm> {
        let outer = std::mem::take(&mut self.stms);
        fill(self);
        std::mem::replace(&mut self.stms, outer)
    }

    /// The statements that `fill` writes, apart, and the value that it gives.
    pub(crate) fn nested_with<T>(&mut self, fill: impl FnOnce(&mut Self) -> T) -> (Vec<Stm>, T) {
        let outer = std::mem::take(&mut self.stms);
        let value = fill(self);
        (std::mem::replace(&mut self.stms, outer), value)
    }

    pub(crate) fn when(&mut self, cond: impl Into<Exp>, then: impl FnOnce(&mut Self)) {
        let then = self.nested(then);
        self.push(Stm::If(cond.into(), then, Vec::new()));
    }

    pub(crate) fn either(
        &mut self,
        cond: impl Into<Exp>,
        then: impl FnOnce(&mut Self),
        otherwise: impl FnOnce(&mut Self),
    ) {
        let then = self.nested(then);
        let otherwise = self.nested(otherwise);
        self.push(Stm::If(cond.into(), then, otherwise));
    }

    pub(crate) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    /// A block; breaking to its label leaves it.
    pub(crate) fn block(&mut self, fill: impl FnOnce(&mut Self, Label)) {
        let label = self.label();
        let body = self.nested(|code| fill(code, label));
        self.push(Stm::Block(label, body));
    }

    /// A loop; breaking to its label starts it anew, at most so often.
    pub(crate) fn repeat(&mut self, rounds: Rounds, fill: impl FnOnce(&mut Self, Label)) {
        let label = self.label();
        let body = self.nested(|code| fill(code, label));
        self.push(Stm::Loop(rounds, label, body));
    }

    /// `body` for each `index` below `count`, which is an I32 and at most as many as there are rounds.
    pub(crate) fn each(
        &mut self,
        rounds: Rounds,
        count: impl Into<Exp>,
        body: impl FnOnce(&mut Self, Var),
    ) {
        let index = self.bind(0);
        let count = self.atom(count.into());
        self.repeat(rounds, |code, again| {
            code.when(index.get().lt_u(count), |code| {
                body(code, index);
                code.set(index, index + 1);
                code.stop(again);
            });
        });
    }

    /// Statements that are told apart where costs are.
    pub(crate) fn part(&mut self, part: Part, fill: impl FnOnce(&mut Self)) {
        let body = self.nested(fill);
        self.push(Stm::Part(part, body));
    }

    pub(crate) fn stop(&mut self, label: Label) {
        self.push(Stm::Break(label));
    }

    pub(crate) fn stop_if(&mut self, label: Label, cond: impl Into<Exp>) {
        self.push(Stm::BreakIf(label, cond.into()));
    }

    pub(crate) fn ret(&mut self, value: impl Into<Exp>) {
        self.push(Stm::Return(Some(value.into())));
    }

    pub(crate) fn leave(&mut self) {
        self.push(Stm::Return(None));
    }

    /// The result of a routine.
    pub(crate) fn call<const N: usize>(&mut self, routine: Routine, args: [Exp; N]) -> Exp {
        let (id, result) = self.unit.routine(routine, &args);
        Exp::Call(id, args.into(), result.expect("a routine that is called for its result has one"))
    }

    /// A routine without a result.
    pub(crate) fn run<const N: usize>(&mut self, routine: Routine, args: [Exp; N]) {
        let (id, result) = self.unit.routine(routine, &args);
        assert!(result.is_none(), "a result is not dropped");
        self.push(Stm::Call(id, args.into()));
    }

    /// Copies a constant number of bytes between places that do not overlap. Few go by registers.
    pub(crate) fn copy(&mut self, to: impl Into<Exp>, from: impl Into<Exp>, len: u32) {
        const UNROLLED: u32 = 64;
        let (to, from) = (to.into(), from.into());
        if len > UNROLLED {
            self.push(Stm::Copy(to, from, Exp::I32(len.cast_signed())));
            return;
        }
        let (to, from) = (self.atom(to), self.atom(from));
        let mut done = 0;
        while done < len {
            let bytes = chunk(len - done);
            let value = match bytes {
                8 => crate::ir::load64(from.clone(), done),
                _ => load32(bytes, from.clone(), done),
            };
            self.store(bytes, to.clone(), done, value);
            done += u32::from(bytes);
        }
    }

    /// Fills a constant number of bytes with zeros.
    pub(crate) fn zero(&mut self, to: impl Into<Exp>, len: u32) {
        const UNROLLED: u32 = 64;
        let to = to.into();
        if len > UNROLLED {
            self.push(Stm::Fill(to, Exp::I32(0), Exp::I32(len.cast_signed())));
            return;
        }
        let to = self.atom(to);
        let mut done = 0;
        while done < len {
            let bytes = chunk(len - done);
            let zero = if bytes == 8 { Exp::I64(0) } else { Exp::I32(0) };
            self.store(bytes, to.clone(), done, zero);
            done += u32::from(bytes);
        }
    }

    /// Writes constant bytes; may touch up to three beyond their end.
    pub(crate) fn bytes(&mut self, to: impl Into<Exp>, offset: u32, bytes: &[u8]) {
        let to = self.atom(to.into());
        let mut done = 0;
        while done < bytes.len() {
            let left = (bytes.len() - done).min(8);
            // One store may touch some beyond the end.
            let width = left.next_power_of_two();
            let mut wide = [0; 8];
            wide[..left].copy_from_slice(&bytes[done..done + left]);
            let value = u64::from_le_bytes(wide);
            let value = match u32::try_from(value) {
                Ok(value) if width < 8 => Exp::I32(value.cast_signed()),
                Ok(_) | Err(_) => Exp::I64(value.cast_signed()),
            };
            let offset = offset + u32::try_from(done).expect("constants are short");
            self.store(width as u8, to.clone(), offset, value);
            done += left;
        }
    }
}

/// The widest access within so many bytes.
fn chunk(left: u32) -> u8 {
    match left {
        8.. => 8,
        4..=7 => 4,
        2..=3 => 2,
        _ => 1,
    }
}
