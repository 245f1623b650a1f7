//! Functions in the [`ir`](crate::ir) into the bytes of a core module.
//!
//! Labels become depths, expressions become stack code in the order in which they are written. It
//! knows WebAssembly and nothing of objects.

use crate::ir::{Access, Binary, Exp, Func, FuncId, Label, Stm, Ty, Unary};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection,
    Function, FunctionSection, GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg,
    MemorySection, MemoryType, TypeSection, ValType,
};

/// What a module is made of besides its functions.
#[derive(Default)]
pub(crate) struct Module {
    /// Module and name, signature: these have the first function numbers.
    pub(crate) imports: Vec<(&'static str, &'static str, Vec<Ty>, Option<Ty>)>,
    /// A memory of its own: how many pages.
    pub(crate) pages: Option<u32>,
    /// The module that the memory comes from, where it has none of its own.
    pub(crate) memory_from: Option<(&'static str, u32)>,
    pub(crate) funcs: Vec<Func>,
    /// Exported functions.
    pub(crate) exports: Vec<(String, FuncId)>,
    /// Exported constants.
    pub(crate) constants: Vec<(&'static str, u32)>,
    /// Bytes that the memory starts with, by address.
    pub(crate) data: Vec<(u32, Vec<u8>)>,
}

/// Bytes of a page.
pub(crate) const PAGE: u32 = 65_536;

impl Module {
    /// The bytes of the module.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut types = Types::default();
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        let mut imports = ImportSection::new();
        for (module, name, params, result) in &self.imports {
            imports.import(module, name, EntityType::Function(types.index(params, *result)));
        }
        for func in &self.funcs {
            functions.function(types.index(&func.params, func.result));
            code.function(&lower(func));
        }
        if let Some((from, pages)) = self.memory_from {
            imports.import(from, "memory", EntityType::Memory(memory_type(pages)));
        }
        let mut module = wasm_encoder::Module::new();
        module.section(&types.section());
        if !imports.is_empty() {
            module.section(&imports);
        }
        module.section(&functions);
        if let Some(pages) = self.pages {
            let mut memories = MemorySection::new();
            memories.memory(memory_type(pages));
            module.section(&memories);
        }
        let (globals, exports) = self.exported();
        if !globals.is_empty() {
            module.section(&globals);
        }
        module.section(&exports);
        module.section(&code);
        if !self.data.is_empty() {
            let mut data = DataSection::new();
            for (address, bytes) in &self.segments() {
                data.active(0, &ConstExpr::i32_const(address.cast_signed()), bytes.iter().copied());
            }
            module.section(&data);
        }
        module.finish()
    }

    /// The bytes that the memory starts with, those that stand close together in one piece.
    fn segments(&self) -> Vec<(u32, Vec<u8>)> {
        /// Bytes of a piece's head.
        const HEAD: usize = 7;
        let mut pieces: Vec<(u32, Vec<u8>)> = Vec::new();
        for (address, bytes) in &self.data {
            let place = |start: u32| address.checked_sub(start).map(|gap| gap as usize);
            match pieces.last_mut() {
                Some((start, piece))
                    if place(*start)
                        .is_some_and(|at| (0..HEAD).contains(&(at.wrapping_sub(piece.len())))) =>
                {
                    piece.resize(place(*start).unwrap_or_default(), 0);
                    piece.extend(bytes);
                }
                Some(_) | None => pieces.push((*address, bytes.clone())),
            }
        }
        pieces
    }

    fn exported(&self) -> (GlobalSection, ExportSection) {
        let mut globals = GlobalSection::new();
        let mut exports = ExportSection::new();
        if self.pages.is_some() {
            exports.export("memory", ExportKind::Memory, 0);
        }
        for (index, (name, value)) in (0u32..).zip(&self.constants) {
            let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
            globals.global(ty, &ConstExpr::i32_const(value.cast_signed()));
            exports.export(name, ExportKind::Global, index);
        }
        for (name, FuncId(index)) in &self.exports {
            exports.export(name, ExportKind::Func, *index);
        }
        (globals, exports)
    }
}

fn memory_type(pages: u32) -> MemoryType {
    let pages = u64::from(pages);
    MemoryType {
        minimum: pages,
        maximum: Some(pages),
        memory64: false,
        shared: false,
        page_size_log2: None,
    }
}

/// The types of functions, each once.
#[derive(Default)]
struct Types(Vec<(Vec<Ty>, Option<Ty>)>);

impl Types {
    fn index(&mut self, params: &[Ty], result: Option<Ty>) -> u32 {
        let known = self.0.iter().position(|(p, r)| p == params && *r == result);
        let index = known.unwrap_or_else(|| {
            self.0.push((params.to_vec(), result));
            self.0.len() - 1
        });
        u32::try_from(index).expect("a module has fewer functions than 32 bits count")
    }

    fn section(&self) -> TypeSection {
        let mut section = TypeSection::new();
        for (params, result) in &self.0 {
            section.ty().function(params.iter().map(|ty| val(*ty)), result.map(val));
        }
        section
    }
}

fn val(ty: Ty) -> ValType {
    match ty {
        Ty::I32 => ValType::I32,
        Ty::I64 => ValType::I64,
    }
}

fn lower(func: &Func) -> Function {
    let (types, numbers) = by_type(func);
    let mut lowering = Lowering { bytes: Vec::new(), labels: Vec::new(), last_set: None, numbers };
    match func.body.split_last() {
        // What is returned at the very end just stays on the stack.
        Some((Stm::Return(value), before)) => {
            lowering.stms(before);
            value.iter().for_each(|value| lowering.exp(value));
        }
        Some(_) | None => lowering.stms(&func.body),
    }
    lowering.out().end();
    let mut function = Function::new_with_locals_types(types.into_iter().map(val));
    function.raw(lowering.bytes);
    function
}

/// The types of the locals, those of one type together, which is shortest; and the new number of
/// each parameter and local.
fn by_type(func: &Func) -> (Vec<Ty>, Vec<u32>) {
    let mut types = Vec::new();
    let mut numbers: Vec<u32> = (0u32..).take(func.params.len() + func.locals.len()).collect();
    for wanted in [Ty::I32, Ty::I64] {
        for (local, ty) in func.locals.iter().enumerate() {
            if *ty == wanted {
                let number = func.params.len() + types.len();
                numbers[func.params.len() + local] =
                    u32::try_from(number).expect("a function has fewer locals than 32 bits count");
                types.push(*ty);
            }
        }
    }
    (types, numbers)
}

struct Lowering {
    bytes: Vec<u8>,
    /// The enclosing blocks, outermost first; `None` where nothing can break to one.
    labels: Vec<Option<Label>>,
    /// The local that the last instruction sets, and where that instruction begins and ends.
    last_set: Option<(u32, usize, usize)>,
    /// The number of each parameter and local.
    numbers: Vec<u32>,
}

impl Lowering {
    fn out(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.bytes)
    }

    fn set(&mut self, local: u32) {
        let start = self.bytes.len();
        self.out().local_set(local);
        self.last_set = Some((local, start, self.bytes.len()));
    }

    /// A local that was set just now is still at hand: `set` and `get` are one `tee`.
    fn get(&mut self, local: u32) {
        match self.last_set {
            Some((set, start, end)) if set == local && end == self.bytes.len() => {
                self.bytes.truncate(start);
                self.last_set = None;
                self.out().local_tee(local);
            }
            Some(_) | None => drop(self.out().local_get(local)),
        }
    }

    fn depth(&self, label: Label) -> u32 {
        let depth = self.labels.iter().rev().position(|l| *l == Some(label));
        let depth = depth.expect("a break stands inside the block that it leaves");
        u32::try_from(depth).expect("blocks nest less deeply than 32 bits count")
    }

    fn within(&mut self, label: Option<Label>, fill: impl FnOnce(&mut Self)) {
        self.labels.push(label);
        fill(self);
        self.labels.pop();
    }

    fn stms(&mut self, stms: &[Stm]) {
        stms.iter().for_each(|stm| self.stm(stm));
    }

    fn stm(&mut self, stm: &Stm) {
        match stm {
            Stm::Set(var, value) => {
                self.exp(value);
                self.set(self.numbers[var.index as usize]);
            }
            Stm::Store(bytes, base, offset, value) => {
                let offset = self.base(base, *offset);
                self.exp(value);
                self.store(*bytes, value.ty(), offset);
            }
            Stm::If(cond, then, otherwise) => {
                self.exp(cond);
                self.out().if_(BlockType::Empty);
                self.within(None, |l| {
                    l.stms(then);
                    if !otherwise.is_empty() {
                        l.out().else_();
                        l.stms(otherwise);
                    }
                });
                self.out().end();
            }
            Stm::Block(label, body) => {
                self.out().block(BlockType::Empty);
                self.within(Some(*label), |l| l.stms(body));
                self.out().end();
            }
            Stm::Loop(_, label, body) => {
                self.out().loop_(BlockType::Empty);
                self.within(Some(*label), |l| l.stms(body));
                self.out().end();
            }
            Stm::Break(label) => {
                let depth = self.depth(*label);
                self.out().br(depth);
            }
            Stm::BreakIf(label, cond) => {
                self.exp(cond);
                let depth = self.depth(*label);
                self.out().br_if(depth);
            }
            Stm::Return(value) => {
                value.iter().for_each(|value| self.exp(value));
                self.out().return_();
            }
            Stm::Call(FuncId(index), args) => {
                args.iter().for_each(|arg| self.exp(arg));
                self.out().call(*index);
            }
            Stm::Copy(to, from, len) => {
                [to, from, len].into_iter().for_each(|part| self.exp(part));
                self.out().memory_copy(0, 0);
            }
            Stm::Fill(to, byte, len) => {
                [to, byte, len].into_iter().for_each(|part| self.exp(part));
                self.out().memory_fill(0);
            }
            Stm::Part(_, body) => self.stms(body),
            Stm::Trap => drop(self.out().unreachable()),
        }
    }

    fn exp(&mut self, exp: &Exp) {
        match exp {
            Exp::I32(value) => drop(self.out().i32_const(*value)),
            Exp::I64(value) => drop(self.out().i64_const(*value)),
            Exp::Var(var) => self.get(self.numbers[var.index as usize]),
            Exp::AtMost(of, _) => self.exp(of),
            Exp::Load(access, base, offset) => {
                let offset = self.base(base, *offset);
                self.load(*access, offset);
            }
            Exp::Unary(op, a) => {
                self.exp(a);
                self.unary(*op, a.ty());
            }
            Exp::Binary(op, a, b) => {
                self.exp(a);
                self.exp(b);
                binary(&mut self.out(), *op, a.ty());
            }
            Exp::If(cond, a, b) => {
                self.exp(cond);
                self.out().if_(BlockType::Result(val(exp.ty())));
                self.within(None, |l| {
                    l.exp(a);
                    l.out().else_();
                    l.exp(b);
                });
                self.out().end();
            }
            Exp::Select(a, b, cond) => {
                [a, b, cond].into_iter().for_each(|part| self.exp(part));
                self.out().select();
            }
            Exp::Call(FuncId(index), args, _) => {
                args.iter().for_each(|arg| self.exp(arg));
                self.out().call(*index);
            }
        }
    }

    /// The base of an access, and its offset: a constant address is shortest as an offset.
    fn base(&mut self, base: &Exp, offset: u32) -> u32 {
        if let Exp::I32(address) = base {
            self.out().i32_const(0);
            return address.cast_unsigned() + offset;
        }
        self.exp(base);
        offset
    }

    fn unary(&mut self, op: Unary, ty: Ty) {
        match (op, ty) {
            (Unary::Eqz, Ty::I32) => self.out().i32_eqz(),
            (Unary::Eqz, Ty::I64) => self.out().i64_eqz(),
            (Unary::Wrap, _) => self.out().i32_wrap_i64(),
            (Unary::ExtendU, _) => self.out().i64_extend_i32_u(),
        };
    }

    fn load(&mut self, access: Access, offset: u32) {
        let place = place(offset);
        match (access.ty, access.bytes, access.signed) {
            (Ty::I32, 1, false) => self.out().i32_load8_u(place),
            (Ty::I32, 1, true) => self.out().i32_load8_s(place),
            (Ty::I32, 2, false) => self.out().i32_load16_u(place),
            (Ty::I32, 2, true) => self.out().i32_load16_s(place),
            (Ty::I32, _, _) => self.out().i32_load(place),
            (Ty::I64, 1, false) => self.out().i64_load8_u(place),
            (Ty::I64, 1, true) => self.out().i64_load8_s(place),
            (Ty::I64, 2, false) => self.out().i64_load16_u(place),
            (Ty::I64, 2, true) => self.out().i64_load16_s(place),
            (Ty::I64, 4, false) => self.out().i64_load32_u(place),
            (Ty::I64, 4, true) => self.out().i64_load32_s(place),
            (Ty::I64, _, _) => self.out().i64_load(place),
        };
    }

    fn store(&mut self, bytes: u8, ty: Ty, offset: u32) {
        let place = place(offset);
        match (ty, bytes) {
            (Ty::I32, 1) => self.out().i32_store8(place),
            (Ty::I32, 2) => self.out().i32_store16(place),
            (Ty::I32, _) => self.out().i32_store(place),
            (Ty::I64, 1) => self.out().i64_store8(place),
            (Ty::I64, 2) => self.out().i64_store16(place),
            (Ty::I64, 4) => self.out().i64_store32(place),
            (Ty::I64, _) => self.out().i64_store(place),
        };
    }
}

/// Nothing in an image is aligned, so nothing is promised.
fn place(offset: u32) -> MemArg {
    MemArg { offset: u64::from(offset), align: 0, memory_index: 0 }
}

fn binary(out: &mut InstructionSink<'_>, op: Binary, ty: Ty) {
    match (op, ty) {
        (Binary::Add, Ty::I32) => out.i32_add(),
        (Binary::Add, Ty::I64) => out.i64_add(),
        (Binary::Sub, Ty::I32) => out.i32_sub(),
        (Binary::Sub, Ty::I64) => out.i64_sub(),
        (Binary::Mul, Ty::I32) => out.i32_mul(),
        (Binary::Mul, Ty::I64) => out.i64_mul(),
        (Binary::DivS, Ty::I32) => out.i32_div_s(),
        (Binary::DivS, Ty::I64) => out.i64_div_s(),
        (Binary::DivU, Ty::I32) => out.i32_div_u(),
        (Binary::DivU, Ty::I64) => out.i64_div_u(),
        (Binary::RemS, Ty::I32) => out.i32_rem_s(),
        (Binary::RemS, Ty::I64) => out.i64_rem_s(),
        (Binary::And, Ty::I32) => out.i32_and(),
        (Binary::And, Ty::I64) => out.i64_and(),
        (Binary::Or, Ty::I32) => out.i32_or(),
        (Binary::Or, Ty::I64) => out.i64_or(),
        (Binary::Xor, Ty::I32) => out.i32_xor(),
        (Binary::Xor, Ty::I64) => out.i64_xor(),
        (Binary::Shl, Ty::I32) => out.i32_shl(),
        (Binary::Shl, Ty::I64) => out.i64_shl(),
        (Binary::ShrS, Ty::I32) => out.i32_shr_s(),
        (Binary::ShrS, Ty::I64) => out.i64_shr_s(),
        (Binary::ShrU, Ty::I32) => out.i32_shr_u(),
        (Binary::ShrU, Ty::I64) => out.i64_shr_u(),
        (Binary::Rotl, Ty::I32) => out.i32_rotl(),
        (Binary::Rotl, Ty::I64) => out.i64_rotl(),
        (Binary::Eq, Ty::I32) => out.i32_eq(),
        (Binary::Eq, Ty::I64) => out.i64_eq(),
        (Binary::Ne, Ty::I32) => out.i32_ne(),
        (Binary::Ne, Ty::I64) => out.i64_ne(),
        (Binary::LtS, Ty::I32) => out.i32_lt_s(),
        (Binary::LtS, Ty::I64) => out.i64_lt_s(),
        (Binary::LtU, Ty::I32) => out.i32_lt_u(),
        (Binary::LtU, Ty::I64) => out.i64_lt_u(),
        (Binary::LeS, Ty::I32) => out.i32_le_s(),
        (Binary::LeS, Ty::I64) => out.i64_le_s(),
        (Binary::LeU, Ty::I32) => out.i32_le_u(),
        (Binary::LeU, Ty::I64) => out.i64_le_u(),
        (Binary::GtS, Ty::I32) => out.i32_gt_s(),
        (Binary::GtS, Ty::I64) => out.i64_gt_s(),
        (Binary::GtU, Ty::I32) => out.i32_gt_u(),
        (Binary::GtU, Ty::I64) => out.i64_gt_u(),
        (Binary::GeS, Ty::I32) => out.i32_ge_s(),
        (Binary::GeS, Ty::I64) => out.i64_ge_s(),
        (Binary::GeU, Ty::I32) => out.i32_ge_u(),
        (Binary::GeU, Ty::I64) => out.i64_ge_u(),
    };
}
