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
use aqo_model::extent;
use aqo_model::form::Form;
use aqo_model::layout::Layout;
use aqo_model::policy::Measure;
use aqo_model::types::Type;

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
    /// `(a, b, length) -> order`: -1, 0 or 1, byte by byte.
    OrderBytes,
    /// `(numbers, count)`: numbers of 8 bytes in ascending order.
    Sort,
    /// `(bytes, capacity) -> truth`: a length within, then zeros.
    ValidBytes,
    /// `(to, bytes) -> end`: a CBOR byte string.
    PutBytes,
    /// `(a, b, c) -> a * b / c`, the product in 128 bits.
    MulDiv(Rounding),
    /// `(address) -> truth`: whether what stands there is a value of the form with this number.
    Valid(u16),
    /// `(address) -> truth`: whether a value of the type with this number lies within its bounds.
    Within(u16),
    /// `(to, address) -> end`: CBOR of a value of the form with this number.
    PutWhole(u16),
    /// `(a, b) -> order`: -1, 0 or 1 for two values of the form with this number.
    Order(u16),
    /// `(collection, key) -> place`: twice the place of a key in a set or map of the form with this
    /// number, and one more where it is there.
    Seek(u16),
    /// `(collection, key) -> address`: the item of a key, which is added where it is not there; 0 where
    /// there is no room.
    Insert(u16),
    /// `(collection, key)`: without the item of this key.
    Remove(u16),
    /// `(list) -> address`: the place of an item that is added at the end, where the list has room; a
    /// ring makes room.
    Grow(u16),
    /// `(from, length) -> truth`
    AllZero,
    /// `(a, b) -> quotient`
    Divide(Rounding),
    /// `(instant) -> quanta of decay since birth`
    Quanta,
    /// `(below) -> instant`: when trust is less than this by decay.
    FallsBelow,
    /// `() -> X now`
    TrustNow,
    /// `() -> trust as rules read it`
    ReadTrust,
    /// `() -> slope`: this slope of trust, as rules read it.
    Slope(Measure),
    /// `()`: the samples of the instants that have passed since the last evidence.
    FillSlopes,
    /// `(amount, source, claim)`: a positive of this step, in its place.
    Gain,
    /// `() -> truth`: applies the evidence of the step; whether there was any.
    SettleTrust,
    /// `(claim, count) -> how many of the novelty list are this one`
    Known,
    /// `(grid, apart) -> count`: lists what novelty remembers, or some claims made since a break.
    Remembered,
    /// `(count) -> how many distinct sources` of the novelty list
    Distinct,
    /// `(hash, from, to) -> claim`: FNV-1a.
    Claim,
    /// `(role record, key) -> address`: the record of a key; 0 where the role has it not.
    FindKey,
    /// `() -> address`: the record of the sender's key in the open role with this index.
    Admit(u16),
    /// `(key record, counter) -> truth`
    IsFresh,
    /// `(key record, counter)`
    Burn,
    /// `(operation, key)`: binds the role with this index anew.
    BindRole(u16),
    /// `(month) -> day`: the first day of a month, both counted from their zeros.
    MonthStart,
    /// `(instant) -> month`
    MonthOf,
    /// `(instant) -> count`: how many instants of the cycle with this index lie up to here.
    CountTicks(u16),
    /// `(number) -> instant`: of the cycle with this index.
    TickInstant(u16),
    /// `(after) -> instant`: the earliest instant of a cycle on time after this one.
    NextWake,
    /// `(after, upto) -> instant`: the latest of those after the one and not after the other; or -1.
    LatestWake,
    /// `() -> set`: which guards of an object with a cycle on time hold, bit by bit.
    Truths,
    /// `() -> left`: of the limit with this index.
    Left(u16),
    /// `() -> verdict`: asks for consent to the rule with this index; 0 where it has enough.
    Ask(u16),
    /// `(votes) -> truth`: whether enough of these keys may consent to the rule with this index.
    IsMet(u16),
    /// `()`: a consent.
    Consent,
    /// `()`: an authentic consent to the rule of the request with this index.
    Count(u16),
    /// `()`: whether the object is awake, where that changes.
    Mode,
    /// `() -> mode`: what the mode changes to; 0 where it does not.
    ModeNow,
    /// `(verdict)`: an outcome of the rule with this index, with what its commit comes to.
    NoteAmounts(u16),
    /// `()`: the tick rules, of the ticks at hand.
    TickRules,
    /// `()`: the tick rules that read no input, for an older tick of the cycle with this index.
    OlderRules(u16),
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
    /// `()`: a fork.
    Fork,
    /// `() -> instant`: the logical time at which the offer is answered.
    LogicalTime,
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
    /// `()`: messages that nobody took in time.
    Expire,
    /// `()`: messages that wait when the object ends.
    TurnAway,
    /// `()`: each message that waits is offered once more, the oldest first.
    OfferWaiting,
    /// `(record)`: one message of the queue with this index, to the rules of its kind.
    OfferOne(u16),
    /// `() -> verdict`: the message in the offer, of the queue with this index, waits from now on.
    Enqueue(u16),
    /// `(next, verdict)`: what was made of a message.
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
    /// `(ticks, served)`: the end of a tick, or of a deadline alone.
    FinishTick,
    /// `() -> truth`: the same of an older tick; false where it leaves no entry.
    FinishOlder,
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
    /// Forms and types that routines are made for, by their numbers.
    forms: Vec<Form>,
    /// What is written into entries, likewise.
    written: Vec<(Form, Type)>,
    types: Vec<Type>,
    /// Per rule, where what its commit comes to in limits with a sum is kept.
    amounts: Vec<u32>,
    /// Where the next constant, or room for a value, goes.
    end: u32,
    /// The most bytes of a text or a byte string.
    pub(crate) longest: u32,
}

/// A module's parts.
pub(crate) struct Built {
    pub(crate) map: Map,
    /// What each function does.
    pub(crate) routines: Vec<Routine>,
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
        let mut end = map.constants;
        let amounts = (0..model.policy.rules.len()).map(|rule| {
            let start = end;
            end += 8 * size(model.policy.sums_of(rule as u16).count());
            start
        });
        let amounts = amounts.collect();
        Unit {
            model,
            layout,
            map,
            known: Vec::new(),
            funcs: Vec::new(),
            data: Vec::new(),
            forms: Vec::new(),
            written: Vec::new(),
            types: Vec::new(),
            amounts,
            end,
            longest: size(extent::text_bytes(model)),
        }
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

    /// The address of room for a value that is being made. Each place in the code has its own, so a
    /// value stays until the same place makes another.
    pub(crate) fn room(&mut self, form: &Form) -> u32 {
        let address = self.end;
        self.end = (address + size(form.size())).next_multiple_of(8);
        address
    }

    /// Where it is kept what a commit of a rule comes to in limits with a sum, in their order.
    pub(crate) fn amounts(&self, rule: u16) -> u32 {
        self.amounts[usize::from(rule)]
    }

    /// The number of a form.
    pub(crate) fn form(&mut self, form: &Form) -> u16 {
        number_of(&mut self.forms, form)
    }

    /// The form with this number.
    pub(crate) fn form_numbered(&self, number: u16) -> Form {
        self.forms[usize::from(number)].clone()
    }

    /// The number of what is written into entries: a form, and a type whose values it holds. Types of
    /// one form are written alike unless a stable number in one of them is not an index.
    pub(crate) fn written(&mut self, form: &Form, ty: &Type) -> u16 {
        let types = &self.model.schema.types;
        let alike =
            |known: &Type| known == ty || !(types.are_numbered(known) || types.are_numbered(ty));
        let known = self.written.iter().position(|(of, known)| of == form && alike(known));
        let index = known.unwrap_or_else(|| {
            self.written.push((form.clone(), ty.clone()));
            self.written.len() - 1
        });
        u16::try_from(index).expect("a Model has fewer types than 16 bits count")
    }

    /// What is written under this number.
    pub(crate) fn written_numbered(&self, number: u16) -> (Form, Type) {
        self.written[usize::from(number)].clone()
    }

    /// The number of a type.
    pub(crate) fn ty(&mut self, ty: &Type) -> u16 {
        number_of(&mut self.types, ty)
    }

    /// The type with this number.
    pub(crate) fn type_numbered(&self, number: u16) -> Type {
        self.types[usize::from(number)].clone()
    }

    /// The form in which a value of this type stands inside another.
    pub(crate) fn wide(&self, ty: &Type) -> Form {
        Form::wide(ty, &self.model.schema.types)
    }

    /// The address of the class's digest.
    pub(crate) fn class(&mut self) -> u32 {
        self.constant(&self.model.class().0)
    }

    /// Whether the index of every variant is one byte of CBOR.
    pub(crate) fn small_enums(&self) -> bool {
        self.model.schema.types.enums.iter().all(|e| e.variants.len() <= 24)
    }

    /// What was built.
    pub(crate) fn finish(self) -> Built {
        Built {
            map: self.map,
            routines: self.known,
            funcs: self.funcs,
            data: self.data,
            end: self.end,
        }
    }
}

fn number_of<T: Clone + PartialEq>(known: &mut Vec<T>, wanted: &T) -> u16 {
    let index = known.iter().position(|known| known == wanted).unwrap_or_else(|| {
        known.push(wanted.clone());
        known.len() - 1
    });
    u16::try_from(index).expect("a Model has fewer types than 16 bits count")
}

impl Routine {
    /// What it takes and gives.
    pub(crate) fn signature(self) -> (&'static [Ty], Option<Ty>) {
        use Ty::{I32, I64};
        match self {
            Routine::PutHead => (&[I32, I32, I64], Some(I32)),
            Routine::PutInt | Routine::IsFresh => (&[I32, I64], Some(I32)),
            Routine::PutText
            | Routine::PutBytes
            | Routine::PutBytes32
            | Routine::PutBind
            | Routine::PutWhole(_)
            | Routine::Order(_)
            | Routine::Seek(_)
            | Routine::Insert(_)
            | Routine::ValidBytes
            | Routine::SameText
            | Routine::StartsWith
            | Routine::SameBytes32
            | Routine::ValidText
            | Routine::AllZero
            | Routine::FindKey => (&[I32, I32], Some(I32)),
            Routine::Append | Routine::SameBytes | Routine::OrderBytes | Routine::Claim => {
                (&[I32, I32, I32], Some(I32))
            }
            Routine::Known | Routine::Remembered => (&[I64, I32], Some(I32)),
            Routine::Divide(_) | Routine::LatestWake => (&[I64, I64], Some(I64)),
            Routine::MulDiv(_) => (&[I64, I64, I64], Some(I64)),
            Routine::Valid(_)
            | Routine::Within(_)
            | Routine::Grow(_)
            | Routine::IsMet(_)
            | Routine::Distinct
            | Routine::Head
            | Routine::PutEnvelope => (&[I32], Some(I32)),
            Routine::Quanta
            | Routine::FallsBelow
            | Routine::NextDue
            | Routine::MonthStart
            | Routine::MonthOf
            | Routine::CountTicks(_)
            | Routine::TickInstant(_)
            | Routine::NextWake => (&[I64], Some(I64)),
            Routine::TrustNow
            | Routine::ReadTrust
            | Routine::Slope(_)
            | Routine::Left(_)
            | Routine::Truths
            | Routine::LogicalTime
            | Routine::NextDeadline => (&[], Some(I64)),
            Routine::ValidInputs
            | Routine::ValidMessage
            | Routine::Rule(_)
            | Routine::Ask(_)
            | Routine::Enqueue(_)
            | Routine::Admit(_)
            | Routine::BirthFault
            | Routine::Holds(_)
            | Routine::ModeNow
            | Routine::FinishOlder
            | Routine::SettleTrust => (&[], Some(I32)),
            Routine::Step
            | Routine::Bind
            | Routine::Tick
            | Routine::Message
            | Routine::Hear(_)
            | Routine::Consent
            | Routine::Fork
            | Routine::Count(_)
            | Routine::Mode
            | Routine::FillSlopes
            | Routine::Expire
            | Routine::TurnAway
            | Routine::OfferWaiting
            | Routine::TickRules
            | Routine::OlderRules(_)
            | Routine::SettleDeadlines
            | Routine::Look => (&[], None),
            Routine::Settle(_)
            | Routine::Finish
            | Routine::FinishTick
            | Routine::NoteAmounts(_)
            | Routine::OfferOne(_)
            | Routine::Birth => (&[I32], None),
            Routine::Begin | Routine::SettleAt(_) => (&[I64], None),
            Routine::Remove(_)
            | Routine::Sort
            | Routine::BindRole(_)
            | Routine::Note
            | Routine::Heard
            | Routine::Close => (&[I32, I32], None),
            Routine::Burn | Routine::TakeBind => (&[I32, I64], None),
            Routine::Gain => (&[I64, I32, I32], None),
            Routine::NoteTick => (&[I32, I32, I32], None),
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
            Routine::OrderBytes => kernel::bytes::order_bytes(code),
            Routine::Sort => kernel::bytes::sort(code),
            Routine::ValidBytes => kernel::bytes::valid_bytes(code),
            Routine::PutBytes => kernel::cbor::put_bytes(code),
            Routine::MulDiv(rounding) => kernel::wide::mul_div(code, rounding),
            Routine::Valid(form) => translate::whole::valid(code, form),
            Routine::Within(ty) => translate::whole::within(code, ty),
            Routine::PutWhole(written) => translate::whole::put(code, written),
            Routine::Order(form) => translate::sorted::order(code, form),
            Routine::Seek(form) => translate::sorted::seek(code, form),
            Routine::Insert(form) => translate::sorted::insert(code, form),
            Routine::Remove(form) => translate::sorted::remove(code, form),
            Routine::Grow(form) => translate::whole::grow(code, form),
            Routine::AllZero => kernel::bytes::all_zero(code),
            Routine::Divide(rounding) => kernel::number::divide(code, rounding),
            Routine::Quanta => kernel::trust::quanta(code),
            Routine::FallsBelow => kernel::trust::falls_below(code),
            Routine::TrustNow => kernel::trust::now(code),
            Routine::ReadTrust => kernel::trust::read(code),
            Routine::Slope(measure) => kernel::slope::read(code, measure),
            Routine::FillSlopes => kernel::slope::fill(code),
            Routine::Gain => kernel::trust::gain(code),
            Routine::SettleTrust => kernel::trust::settle(code),
            Routine::Known => kernel::trust::known(code),
            Routine::Remembered => kernel::trust::remembered(code),
            Routine::Distinct => kernel::trust::distinct(code),
            Routine::Claim => kernel::trust::claim(code),
            Routine::FindKey => kernel::window::find_key(code),
            Routine::Admit(role) => translate::message::admit(code, role),
            Routine::BindRole(role) => translate::consent::bind_role(code, role),
            Routine::MonthStart => kernel::calendar::month_start(code),
            Routine::MonthOf => kernel::calendar::month_of(code),
            Routine::CountTicks(cycle) => translate::schedule::count_ticks(code, cycle),
            Routine::TickInstant(cycle) => translate::schedule::tick_instant(code, cycle),
            Routine::NextWake => translate::wake::next(code),
            Routine::LatestWake => translate::wake::latest(code),
            Routine::Truths => translate::wake::truths(code),
            Routine::Left(limit) => translate::admission::left(code, limit),
            Routine::Ask(rule) => translate::consent::ask(code, rule),
            Routine::IsMet(rule) => translate::consent::is_met(code, rule),
            Routine::Consent => translate::consent::consent(code),
            Routine::Count(slot) => translate::consent::count(code, slot),
            Routine::Mode => translate::entry::mode(code),
            Routine::ModeNow => translate::entry::mode_now(code),
            Routine::NoteAmounts(rule) => translate::outcome::note_amounts(code, rule),
            Routine::TickRules => translate::step::tick_rules(code),
            Routine::OlderRules(cycle) => translate::step::older_rules(code, cycle),
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
            Routine::Fork => translate::fork::fork(code),
            Routine::LogicalTime => translate::step::find_time(code),
            Routine::Tick => translate::step::tick(code),
            Routine::Begin => translate::offer::begin(code),
            Routine::ValidInputs => translate::offer::valid_inputs(code),
            Routine::ValidMessage => translate::message::valid(code),
            Routine::Message => translate::message::message(code),
            Routine::Hear(index) => translate::message::hear(code, index),
            Routine::Expire => translate::waiting::expire(code),
            Routine::TurnAway => translate::waiting::turn_away(code),
            Routine::OfferWaiting => translate::waiting::offer(code),
            Routine::OfferOne(queue) => translate::waiting::offer_one(code, queue),
            Routine::Enqueue(queue) => translate::waiting::enqueue(code, queue),
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
            Routine::FinishOlder => translate::entry::finish_older(code),
            Routine::Finish => translate::entry::finish(code),
            Routine::Close => translate::outcome::close(code),
        }
    }
}
