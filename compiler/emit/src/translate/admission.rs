//! Admission: what says "not now" before a rule's body runs, and what refuses what it would do.

use crate::bound::{Part, Rounds};
use crate::code::Code;
use crate::ir::{Exp, Label, Var, load32, load64};
use crate::memory::size;
use crate::translate::body::Candidate;
use crate::translate::expr;
use crate::translate::rule::{held, refuse};
use crate::translate::schedule::indices;
use crate::translate::scope::{Fields, Next, Scope, now};
use crate::translate::value::Val;
use crate::unit::Routine;
use aqo_model::Model;
use aqo_model::expr::Stmt;
use aqo_model::layout::state;
use aqo_model::policy::{Flow, Reason, Rule};

/// Returns where the host, a demand or a limit holds the rule. Notes what a commit comes to in each
/// limit with a sum.
pub(crate) fn gate(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, index: u16) {
    let model = code.unit.model;
    let rule = &model.policy.rules[usize::from(index)];
    let mut place = code.unit.amounts(index);
    let mut amounts = Vec::new();
    for (limit, _, amount) in model.policy.sums_of(index) {
        let amount = expr::value(code, scope, amount).number();
        code.store(8, 0, place, amount);
        amounts.push((limit, place));
        place += 8;
    }
    if rule.assured {
        return;
    }
    let needed = capabilities_of(model, rule);
    if needed != 0 {
        let lacks = if needed.is_power_of_two() {
            (offered(code).shr_u(i64::from(needed.trailing_zeros())).wrap() & 1).eqz()
        } else {
            (offered(code) & needed.cast_signed()).ne(needed.cast_signed())
        };
        code.when(lacks, |code| code.ret(held(rule.on, Reason::OBSERVING)));
    }
    for need in &rule.needs {
        let measured = expr::trust(code, need.of);
        let met = Exp::I64(need.bound).le_s(measured);
        let unmet = if need.at_least { met.eqz() } else { met };
        code.when(unmet, |code| code.ret(held(rule.on, Reason::TRUST)));
    }
    for (number, limit) in indices(model.policy.limits.len()).zip(&model.policy.limits) {
        if limit.rules.contains(&index) {
            let (offset, count) = code.unit.layout.limits[usize::from(number)];
            let oldest = oldest(code, size(offset), count);
            // A free stamp lies before every window.
            let full = (now() - limit.per).lt_s(load64(oldest, 0));
            code.when(full, |code| code.ret(held(rule.on, Reason(limit.reason))));
            if let Some((_, place)) = amounts.iter().find(|(of, _)| *of == usize::from(number)) {
                let left = code.call(Routine::Left(number), []);
                let over = left.lt_s(load64(0, *place));
                code.when(over, |code| code.ret(held(rule.on, Reason(limit.reason))));
            }
        }
    }
}

/// `() -> left`: what is left of the limit with this index.
pub(crate) fn left(code: &mut Code<'_, '_>, index: u16) {
    let limit = &code.unit.model.policy.limits[usize::from(index)];
    let (offset, count) = code.unit.layout.limits[usize::from(index)];
    let stamps = code.unit.map.image + size(offset + 2);
    let amounts = stamps + 8 * u32::from(count);
    let start = code.bind(now() - limit.per);
    let left = code.bind(i64::from(limit.count));
    let spent = code.bind(0i64);
    code.each(Rounds::stamps(u32::from(count)), i32::from(count), |code, k| {
        code.when(start.get().lt_s(load64(k << 3, stamps)), |code| {
            code.set(left, left - 1i64);
            if limit.sum.is_some() {
                code.set(spent, spent + load64(k << 3, amounts));
            }
        });
    });
    let Some(sum) = &limit.sum else { return code.ret(left) };
    code.when(left.get().le_s(0i64), |code| code.ret(0i64));
    let mut scope = Scope::new(Fields::Image, &sum.locals);
    let most = expr::value(code, &mut scope, &sum.most).number();
    let rest = code.bind(most - spent);
    code.ret(rest.get().select(0i64, Exp::I64(0).lt_s(rest)));
}

/// What the present host offers, bit by bit.
pub(crate) fn offered(code: &Code<'_, '_>) -> Exp {
    load64(0, code.unit.map.image + size(state::CAPABILITIES))
}

/// What carries out the events that a rule says, bit by bit.
fn capabilities_of(model: &Model, rule: &Rule) -> u64 {
    let mut needed = 0;
    for stmt in &rule.body {
        stmt.walk(&mut |stmt| {
            if let Stmt::Emit(event, _) = stmt
                && let Some(bit) = model.schema.events[usize::from(*event)].via
            {
                needed |= 1 << bit;
            }
        });
    }
    needed
}

/// The address of a limit's oldest stamp.
fn oldest(code: &Code<'_, '_>, offset: u32, count: u16) -> Exp {
    let record = code.unit.map.image + offset;
    let stamps = crate::ir::at(record + 2);
    if count == 1 { stamps } else { (load32(2, 0, record) << 3) + stamps }
}

/// Notes a commit in each limit that names the rule, and what it comes to.
pub(crate) fn stamp(code: &mut Code<'_, '_>, index: u16) {
    let model = code.unit.model;
    let mut place = code.unit.amounts(index);
    for (limit, (offset, count)) in model.policy.limits.iter().zip(&code.unit.layout.limits) {
        if limit.rules.contains(&index) {
            let oldest = oldest(code, size(*offset), *count);
            let oldest = code.atom(oldest);
            code.store(8, oldest.clone(), 0, now());
            if limit.sum.is_some() {
                code.store(8, oldest, 8 * u32::from(*count), load64(0, place));
                place += 8;
            }
            if *count > 1 {
                let record = code.unit.map.image + size(*offset);
                let next = code.bind(load32(2, 0, record) + 1);
                let wraps = next.get().eq(i32::from(*count));
                code.store(2, 0, record, Exp::I32(0).select(next, wraps));
            }
        }
    }
}

/// Refuses where a `flow` or an `always` does not let the candidate through. A clause that reads
/// nothing of it held before and holds still.
pub(crate) fn violated(
    code: &mut Code<'_, '_>,
    candidate: &Candidate,
    verdict: Var,
    refused: Label,
) {
    let model = code.unit.model;
    for flow in &model.policy.flows {
        if let Some(next) = candidate.fields.get(&flow.field) {
            code.part(Part::Flow(flow.field), |code| {
                let allowed = allowed(code, flow, next);
                code.when(allowed.eqz(), |code| refuse(code, (verdict, refused), Reason::FLOW));
            });
        }
    }
    for clause in &model.policy.always {
        let sets = |field| candidate.fields.contains_key(&field);
        if expr::reads_field(code, &clause.holds, &sets) {
            code.part(Part::Clause(clause.reason), |code| {
                let mut scope = Scope::new(Fields::Next(&candidate.fields), &clause.locals);
                let holds = expr::truth(code, &mut scope, &clause.holds);
                let reason = Reason(clause.reason);
                code.when(holds.eqz(), |code| refuse(code, (verdict, refused), reason));
            });
        }
    }
}

/// Whether a flow lets a field go from what it is to what it would be. Staying is allowed.
fn allowed(code: &mut Code<'_, '_>, flow: &Flow, next: &Next) -> Exp {
    let slot = &code.unit.layout.fields[usize::from(flow.field)];
    let from = Val::of_slot(slot, code.unit.map.image).variant();
    let to = &next.value.clone().variant();
    let follows = |from: usize, to: usize| from == to || flow.next[from] >> to & 1 == 1;
    let allowed = if let Exp::I32(to) = *to {
        let to = usize::try_from(to).expect("a variant's number is not negative");
        let before = (0..flow.next.len()).filter(|from| follows(*from, to));
        let set = before.fold(0u64, |set, from| set | 1 << from);
        match u32::try_from(set) {
            Ok(set) => Exp::I32(set.cast_signed()).shr_u(from) & 1,
            Err(_) => (Exp::I64(set.cast_signed()).shr_u(from.extend()) & 1i64).wrap(),
        }
    } else {
        let sets = flow.next.iter().enumerate().map(|(from, next)| next | 1 << from);
        let table: Vec<u8> = sets.flat_map(u64::to_le_bytes).collect();
        let table = code.unit.constant(&table);
        (load64(from << 3, table).shr_u(to.clone().extend()) & 1i64).wrap()
    };
    match next.set {
        None => allowed,
        Some(set) => set.get().choose(allowed, 1),
    }
}
