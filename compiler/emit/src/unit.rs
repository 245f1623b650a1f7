//! The core module under construction: its functions are made when they are first called, so that a
//! module holds what its object needs and nothing else.
//!
//! Numbers of functions, and so bytes, depend on the Model alone.

use crate::code::Code;
use crate::ir::{Exp, Func, FuncId, Ty};
use crate::memory::{Map, size};
use crate::{kernel, translate};
use aqo_model::Model;
use aqo_model::expr::Rounding;
use aqo_model::layout::Layout;

/// What a function of the module does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routine {
    /// `(to, major, argument) -> end`: the head of a CBOR item; `major` is in place.
    PutHead,
    /// `(to, number) -> end`: a CBOR integer.
    PutInt,
    /// `(to, text) -> end`: a CBOR text string.
    PutText,
    /// `(to, bytes) -> end`: a CBOR byte string of 32 bytes.
    PutBytes32,
    /// `(to, from, length) -> end`: bytes; may touch some beyond the end.
    Append,
    /// `(text, text) -> truth`: the same bytes.
    SameText,
    /// `(text, start) -> truth`
    StartsWith,
    /// `(a, b) -> truth`: the same 32 bytes.
    SameBytes32,
    /// `(a, b, length) -> truth`: the same bytes.
    SameBytes,
    /// `(text, capacity) -> truth`: a length within, UTF-8, then zeros.
    ValidText,
    /// `(from, length) -> truth`
    AllZero,
    /// `(a, b) -> quotient`
    Divide(Rounding),
    /// `(instant) -> quanta of decay since birth`
    Quanta,
    /// `() -> X now`
    TrustNow,
    /// `() -> trust as rules read it`
    ReadTrust,
    /// `(amount, source, claim)`: a positive of this step, in its place.
    Gain,
    /// `() -> truth`: applies the evidence of the step; whether there was any.
    SettleTrust,
    /// `(from, count) -> how many distinct sources`
    Distinct,
    /// `(hash, from, to) -> claim`: FNV-1a.
    Claim,
    /// `(role record, counter) -> truth`
    IsFresh,
    /// `(role record, counter)`
    Burn,
    /// `(number, verdict)`: an outcome of this step.
    Note,
    /// `(slot, number, verdict)`: the outcome of a tick rule, noted where it changes.
    NoteTick,

    /// `()`: the step.
    Step,
    /// `(valid)`: a birth.
    Birth,
    /// `()`: a bind.
    Bind,
    /// `()`: a tick.
    Tick,
    /// `()`: a message.
    Message,
    /// `(now)`: clears the cells and looks at the inputs.
    Begin,
    /// `() -> truth`: whether everything that an offer says of inputs has its form.
    ValidInputs,
    /// `() -> truth`: whether the message has the form of its kind.
    ValidMessage,
    /// `()`: an authentic message of the kind with this index.
    Hear(u16),
    /// `(to) -> end`: an envelope in a cause.
    PutEnvelope,
    /// `(next, number, verdict)`: what a rule made of a message.
    Heard,
    /// `() -> verdict`: the rule with this index.
    Rule(u16),
    /// `() -> reason`: the first `always` that a birth fails; 0 where none does.
    BirthFault,
    /// `()`: settles what is past its deadline.
    SettleDeadlines,
    /// `(instant)`: settles the prediction with this index at its instant.
    SettleAt(u16),
    /// `(how)`: notes how the prediction with this index was settled.
    Settle(u16),
    /// `() -> truth`: whether the prediction with this index holds.
    Holds(u16),
    /// `()`: the last look at what is foretold.
    Look,
    /// `() -> instant`: the earliest deadline.
    NextDeadline,
    /// `(served) -> instant`: when the object wants to be ticked next.
    NextDue,
    /// `(kind) -> end`: the start of a body.
    Head,
    /// `(due, count, served)`: the end of a tick; a negative instant stands for none.
    FinishTick,
    /// `(from)`: the rest of a body, and what it leaves in the image.
    Finish,
    /// `(status, reply, served)`: the outcome's own fields.
    Close,
    /// `(to, record) -> end`: a bind record in a cause.
    PutBind,
    /// `(record, now)`: a bind record into the image.
    TakeBind,
}

/// The module under construction.
pub(crate) struct Unit<'m> {
    pub(crate) model: &'m Model,
    pub(crate) layout: &'m Layout,
    pub(crate) map: Map,
    known: Vec<Routine>,
    funcs: Vec<Func>,
    /// Bytes that the memory starts with; what is wanted twice stands once.
    data: Vec<(u32, Vec<u8>)>,
    /// Where the next constant goes.
    end: u32,
}

/// A module's parts.
pub(crate) struct Built {
    pub(crate) map: Map,
    /// In order of their numbers.
    pub(crate) funcs: Vec<Func>,
    /// Bytes that the memory starts with, by address.
    pub(crate) data: Vec<(u32, Vec<u8>)>,
    /// The first address that is free.
    pub(crate) end: u32,
}

impl<'m> Unit<'m> {
    pub(crate) fn new(model: &'m Model, layout: &'m Layout) -> Self {
        let map = Map::of(model, layout);
        let end = map.constants;
        Unit { model, layout, map, known: Vec::new(), funcs: Vec::new(), data: Vec::new(), end }
    }

    /// The function that does this, which is made if it is new, and its result.
    pub(crate) fn routine(&mut self, routine: Routine, args: &[Exp]) -> (FuncId, Option<Ty>) {
        let (params, result) = routine.signature();
        assert!(
            args.iter().map(Exp::ty).eq(params.iter().copied()),
            "{routine:?} is called with what it takes"
        );
        let known = self.known.iter().position(|known| *known == routine);
        let index = known.unwrap_or_else(|| {
            self.known.push(routine);
            self.known.len() - 1
        });
        (FuncId(size(index)), result)
    }

    /// Builds every function that is called, the first ones and what they call in turn.
    pub(crate) fn build(&mut self) {
        while let Some(routine) = self.known.get(self.funcs.len()).copied() {
            let (params, result) = routine.signature();
            let mut code = Code::new(self, params);
            routine.build(&mut code);
            let func = code.finish(result);
            self.funcs.push(func);
        }
    }

    /// The address of constant bytes.
    pub(crate) fn constant(&mut self, bytes: &[u8]) -> u32 {
        if let Some((address, _)) = self.data.iter().find(|(_, known)| known == bytes) {
            return *address;
        }
        let address = self.end;
        self.end = (address + size(bytes.len())).next_multiple_of(8);
        self.data.push((address, bytes.to_vec()));
        address
    }

    /// The address of the class's digest.
    pub(crate) fn class(&mut self) -> u32 {
        self.constant(&self.model.class().0)
    }

    /// Whether the number of every variant is one byte of CBOR.
    pub(crate) fn small_enums(&self) -> bool {
        self.model.schema.enums.iter().all(|e| e.variants.len() <= 24)
    }

    /// What was built.
    pub(crate) fn finish(self) -> Built {
        Built { map: self.map, funcs: self.funcs, data: self.data, end: self.end }
    }
}

impl Routine {
    /// What it takes and gives.
    pub(crate) fn signature(self) -> (&'static [Ty], Option<Ty>) {
        use Ty::{I32, I64};
        match self {
            Routine::PutHead => (&[I32, I32, I64], Some(I32)),
            Routine::PutInt => (&[I32, I64], Some(I32)),
            Routine::PutText | Routine::PutBytes32 | Routine::PutBind => (&[I32, I32], Some(I32)),
            Routine::Append | Routine::SameBytes | Routine::Claim => (&[I32, I32, I32], Some(I32)),
            Routine::SameText
            | Routine::StartsWith
            | Routine::SameBytes32
            | Routine::ValidText
            | Routine::AllZero
            | Routine::Distinct => (&[I32, I32], Some(I32)),
            Routine::Divide(_) => (&[I64, I64], Some(I64)),
            Routine::Quanta | Routine::NextDue => (&[I64], Some(I64)),
            Routine::TrustNow | Routine::ReadTrust | Routine::NextDeadline => (&[], Some(I64)),
            Routine::Gain => (&[I64, I32, I32], None),
            Routine::IsFresh => (&[I32, I64], Some(I32)),
            Routine::Burn | Routine::TakeBind => (&[I32, I64], None),
            Routine::Note => (&[I32, I32], None),
            Routine::NoteTick | Routine::Heard => (&[I32, I32, I32], None),
            Routine::Step
            | Routine::Bind
            | Routine::Tick
            | Routine::Message
            | Routine::Hear(_)
            | Routine::SettleDeadlines
            | Routine::Look => (&[], None),
            Routine::Begin | Routine::SettleAt(_) => (&[I64], None),
            Routine::ValidInputs
            | Routine::ValidMessage
            | Routine::Rule(_)
            | Routine::BirthFault
            | Routine::Holds(_)
            | Routine::SettleTrust => (&[], Some(I32)),
            Routine::Settle(_) | Routine::Finish | Routine::Birth => (&[I32], None),
            Routine::Head | Routine::PutEnvelope => (&[I32], Some(I32)),
            Routine::FinishTick => (&[I64, I64, I64], None),
            Routine::Close => (&[I32, I32, I64], None),
        }
    }

    fn build(self, code: &mut Code<'_, '_>) {
        match self {
            Routine::PutHead => kernel::cbor::put_head(code),
            Routine::PutInt => kernel::cbor::put_int(code),
            Routine::PutText => kernel::cbor::put_text(code),
            Routine::PutBytes32 => kernel::cbor::put_bytes32(code),
            Routine::Append => kernel::bytes::append(code),
            Routine::SameText => kernel::bytes::same_text(code),
            Routine::StartsWith => kernel::bytes::starts_with(code),
            Routine::SameBytes32 => kernel::bytes::same_bytes32(code),
            Routine::SameBytes => kernel::bytes::same_bytes(code),
            Routine::ValidText => kernel::utf8::valid_text(code),
            Routine::AllZero => kernel::bytes::all_zero(code),
            Routine::Divide(rounding) => kernel::number::divide(code, rounding),
            Routine::Quanta => kernel::trust::quanta(code),
            Routine::TrustNow => kernel::trust::now(code),
            Routine::ReadTrust => kernel::trust::read(code),
            Routine::Gain => kernel::trust::gain(code),
            Routine::SettleTrust => kernel::trust::settle(code),
            Routine::Distinct => kernel::trust::distinct(code),
            Routine::Claim => kernel::trust::claim(code),
            Routine::IsFresh => kernel::window::is_fresh(code),
            Routine::Burn => kernel::window::burn(code),
            Routine::Note => translate::outcome::note(code),
            Routine::NoteTick => translate::outcome::note_tick(code),
            Routine::Step => translate::step::step(code),
            Routine::Birth => translate::birth::birth(code),
            Routine::BirthFault => translate::birth::fault(code),
            Routine::Bind => translate::bind::bind(code),
            Routine::PutBind => translate::bind::put(code),
            Routine::TakeBind => translate::bind::take(code),
            Routine::Tick => translate::step::tick(code),
            Routine::Begin => translate::offer::begin(code),
            Routine::ValidInputs => translate::offer::valid_inputs(code),
            Routine::ValidMessage => translate::message::valid(code),
            Routine::Message => translate::message::message(code),
            Routine::Hear(index) => translate::message::hear(code, index),
            Routine::PutEnvelope => translate::message::put_envelope(code),
            Routine::Heard => translate::message::heard(code),
            Routine::Rule(index) => translate::rule::rule(code, index),
            Routine::SettleDeadlines => translate::foretell::settle_deadlines(code),
            Routine::SettleAt(index) => translate::foretell::settle_at(code, index),
            Routine::Settle(index) => translate::foretell::settle(code, index),
            Routine::Holds(index) => translate::foretell::holds(code, index),
            Routine::Look => translate::foretell::look(code),
            Routine::NextDeadline => translate::schedule::next_deadline(code),
            Routine::NextDue => translate::schedule::next_due(code),
            Routine::Head => translate::entry::head(code),
            Routine::FinishTick => translate::entry::finish_tick(code),
            Routine::Finish => translate::entry::finish(code),
            Routine::Close => translate::outcome::close(code),
        }
    }
}
