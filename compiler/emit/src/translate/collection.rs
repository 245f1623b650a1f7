//! Expressions about records and collections: the twin of `step::collection`.
//!
//! What is made stands in room of its own, one for each place in the code. Where a walk goes round,
//! what it made before is made anew, so whatever outlives a round is kept elsewhere.

use crate::code::Code;
use crate::ir::{Exp, Stm, Ty, Var, at, load32, load64};
use crate::memory::size;
use crate::translate::expr::{self, literal, truth, value};
use crate::translate::scope::Scope;
use crate::translate::value::Val;
use crate::translate::whole;
use crate::unit::Routine;
use aqo_model::expr::{Collect, Expr, Quantifier};
use aqo_model::form::{COUNT, Form};
use aqo_model::types::Type;

/// Something that holds others.
#[expect(clippy::wildcard_enum_match_arm, reason = "`value` sends only these here")]
pub(crate) fn collection(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, expr: &Expr) -> Val {
    match expr {
        Expr::List(ty, items) => {
            let (form, room) = made(code, ty, items.is_empty());
            for item in items {
                let item = value(code, scope, item);
                push(code, &form, room, None, item);
            }
            Val::Whole(form, at(room))
        }
        Expr::Map(ty, pairs) => {
            let (form, room) = made(code, ty, pairs.is_empty());
            for (key, held) in pairs {
                let key = value(code, scope, key);
                let held = value(code, scope, held);
                push(code, &form, room, Some(key), held);
            }
            Val::Whole(form, at(room))
        }
        Expr::Len(of) => match value(code, scope, of) {
            Val::Text(address) | Val::Bytes(address) | Val::Whole(_, address) => {
                Val::Number(load32(2, address, 0).extend())
            }
            _ => unreachable!("verify gives `len` what has one"),
        },
        Expr::Get(of, key) => {
            let (form, of) = value(code, scope, of).whole();
            let of = code.bind(of);
            let key = value(code, scope, key);
            get(code, &form, of, key)
        }
        Expr::First(of) => end(code, scope, of, |_| Exp::I32(0)),
        Expr::Last(of) => end(code, scope, of, |count| count - 1),
        Expr::Has(of, item) => {
            let (form, of) = value(code, scope, of).whole();
            let of = code.bind(of);
            let item = value(code, scope, item);
            Val::Bool(has(code, &form, of, item))
        }
        Expr::Each(quantifier, binders, of, ask) => {
            each(code, scope, *quantifier, (binders, of), ask)
        }
        Expr::Fold(local, first, binders, of, next) => {
            fold(code, scope, (*local, first), (binders, of), next)
        }
        Expr::Collect(ty, parts) => collect(code, scope, ty, parts),
        Expr::Present(of) => {
            let (form, of) = value(code, scope, of).whole();
            let of = code.bind(of);
            let Form::List(option, max) = &form else { unreachable!("a list of options") };
            let Form::Option(held) = &**option else { unreachable!("a list of options") };
            let result = Form::List(held.clone(), *max);
            let room = code.unit.room(&result);
            code.push(Stm::Fill(at(room), Exp::I32(0), literal(result.size())));
            whole::walk(code, &form, of, |code, item, _| {
                let (tag, held) = Val::load(option, item.get(), 0).option();
                code.when(tag, |code| push(code, &result, room, None, held));
            });
            Val::Whole(result, at(room))
        }
        Expr::Median(of) => median(code, scope, of),
        _ => unreachable!("only collections come here"),
    }
}

/// Room for a collection of this type, empty; nothing ever writes to one that stays so.
fn made(code: &mut Code<'_, '_>, ty: &Type, stays: bool) -> (Form, u32) {
    let form = code.unit.wide(ty);
    let room = code.unit.room(&form);
    if !stays {
        code.push(Stm::Fill(at(room), Exp::I32(0), literal(form.size())));
    }
    (form, room)
}

/// The address of a key to look for: where it stands, or a copy of a number in its form.
pub(crate) fn key_to_find(code: &mut Code<'_, '_>, form: &Form, key: Val) -> Exp {
    match key {
        Val::Text(address) | Val::Bytes(address) | Val::Bytes32(address) => address,
        Val::Whole(_, address) => address,
        Val::Bool(_) | Val::Number(_) | Val::Variant(_) | Val::Option(..) => {
            key_to_keep(code, form, key)
        }
    }
}

/// The address of a copy of a key in its form.
pub(crate) fn key_to_keep(code: &mut Code<'_, '_>, form: &Form, key: Val) -> Exp {
    let room = code.unit.room(form);
    key.store(code, form, Exp::I32(0), room);
    at(room)
}

/// Puts an item into a collection, which has room for it.
fn push(code: &mut Code<'_, '_>, form: &Form, room: u32, key: Option<Val>, item: Val) {
    let number = code.unit.form(form);
    match (form, key) {
        (Form::Set(item_form, _), _) => {
            let item = key_to_keep(code, item_form, item);
            let place = code.call(Routine::Insert(number), [at(room), item]);
            code.bind(place);
        }
        (Form::Map(key_form, held, _), Some(key)) => {
            let key = key_to_keep(code, key_form, key);
            let item = settled(code, item);
            let place = code.call(Routine::Insert(number), [at(room), key]);
            let place = code.bind(place);
            item.store(code, held, place.get(), size(key_form.size()));
        }
        (Form::List(item_form, _), _) => {
            let item = settled(code, item);
            let place = code.call(Routine::Grow(number), [at(room)]);
            let place = code.bind(place);
            item.store(code, item_form, place.get(), 0);
        }
        _ => unreachable!("only collections take items"),
    }
}

/// The same value in operands that nothing changes.
#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
pub(crate) fn settled(code: &mut Code<'_, '_>, value: Val) -> Val {
    value.map(&mut |part| match part {
        Exp::I32(_) | Exp::I64(_) => part,
        part => code.bind(part).get(),
    })
}

/// The item at a place, or the value of a key.
#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
fn get(code: &mut Code<'_, '_>, form: &Form, of: Var, key: Val) -> Val {
    let (stride, _) = form.items().expect("a collection has items");
    let (tag, place, held, offset) = match form {
        Form::Map(key_form, held, _) => {
            let number = code.unit.form(form);
            let key = key_to_find(code, key_form, key);
            let found = code.call(Routine::Seek(number), [of.get(), key]);
            let found = code.bind(found);
            (found & 1, found.get().shr_u(1), held, COUNT + key_form.size())
        }
        Form::List(item, _) => {
            let place = code.atom(key.number());
            let there = place.clone().lt_u(load32(2, of, 0).extend());
            (there, place.wrap(), item, COUNT)
        }
        _ => unreachable!("verify lets only lists and maps be looked into"),
    };
    option_at(code, (of, stride), tag, place, (held, size(offset)))
}

/// What stands at a place of a collection, where a tag says that something does.
fn option_at(
    code: &mut Code<'_, '_>,
    (of, stride): (Var, usize),
    tag: Exp,
    place: Exp,
    (held, offset): (&Form, u32),
) -> Val {
    let tag = code.bind(tag);
    // Where there is nothing, the first place is looked at: it exists.
    let place = place.select(0, tag);
    let item = code.bind(of + place * size(stride).cast_signed());
    Val::Option(tag.get(), Box::new(Val::load(held, item.get(), offset)))
}

/// The first or the last item.
fn end(
    code: &mut Code<'_, '_>,
    scope: &mut Scope<'_>,
    of: &Expr,
    place: impl FnOnce(Var) -> Exp,
) -> Val {
    let (form, of) = value(code, scope, of).whole();
    let of = code.bind(of);
    let (Form::List(item, _) | Form::Set(item, _)) = &form else {
        unreachable!("verify gives only lists and sets an end");
    };
    let count = code.bind(load32(2, of, 0));
    let some = count.get().ne(0);
    option_at(code, (of, item.size()), some, place(count), (item, size(COUNT)))
}

/// Whether a collection holds an item, or a map a key.
fn has(code: &mut Code<'_, '_>, form: &Form, of: Var, item: Val) -> Exp {
    if let Form::Set(key, _) | Form::Map(key, ..) = form {
        let number = code.unit.form(form);
        let key = key_to_find(code, key, item);
        let found = code.call(Routine::Seek(number), [of.get(), key]);
        return code.bind(found & 1).get();
    }
    let Form::List(held, _) = form else { unreachable!("only collections hold items") };
    let item = settled(code, item);
    let found = code.bind(0);
    code.block(|code, done| {
        whole::walk(code, form, of, |code, place, _| {
            let same = Val::load(held, place.get(), 0).equals(item, code);
            code.set(found, same);
            code.stop_if(done, found);
        });
    });
    found.get()
}

/// Binds what a walk names: one name is the item or the key of a map, two are the place and the item
/// or key and value.
#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
fn bind(scope: &mut Scope<'_>, binders: &[u16], form: &Form, item: Var, k: Var) {
    let (first, second) = match form {
        Form::Map(key, held, _) => {
            (Val::load(key, item.get(), 0), Some(Val::load(held, item.get(), size(key.size()))))
        }
        Form::List(of, _) | Form::Set(of, _) => (Val::load(of, item.get(), 0), None),
        _ => unreachable!("only collections are gone through"),
    };
    match (binders, second) {
        ([alone], _) => drop(scope.locals.insert(*alone, first)),
        ([key, held], Some(value)) => {
            scope.locals.insert(*key, first);
            scope.locals.insert(*held, value);
        }
        ([place, of], None) => {
            scope.locals.insert(*place, Val::Number(k.get().extend()));
            scope.locals.insert(*of, first);
        }
        _ => unreachable!("verify gives a walk one name or two"),
    }
}

fn each(
    code: &mut Code<'_, '_>,
    scope: &mut Scope<'_>,
    quantifier: Quantifier,
    (binders, of): (&[u16], &Expr),
    ask: &Expr,
) -> Val {
    let (form, of) = value(code, scope, of).whole();
    let of = code.bind(of);
    if quantifier == Quantifier::Find {
        return find(code, scope, (&form, of), binders, ask);
    }
    let result = match quantifier {
        Quantifier::Any | Quantifier::Find => code.bind(0),
        Quantifier::All => code.bind(1),
        Quantifier::Count | Quantifier::Sum => code.bind(0i64),
    };
    code.block(|code, done| {
        whole::walk(code, &form, of, |code, item, k| {
            bind(scope, binders, &form, item, k);
            let answer = value(code, scope, ask);
            match quantifier {
                Quantifier::Any | Quantifier::Find => {
                    code.set(result, answer.truth());
                    code.stop_if(done, result);
                }
                Quantifier::All => {
                    code.set(result, answer.truth());
                    code.stop_if(done, result.get().eqz());
                }
                Quantifier::Count => code.set(result, result + answer.truth().extend()),
                Quantifier::Sum => code.set(result, result + answer.number()),
            }
        });
    });
    if result.ty == Ty::I32 { Val::Bool(result.get()) } else { Val::Number(result.get()) }
}

/// The first item for which it holds, or its key.
fn find(
    code: &mut Code<'_, '_>,
    scope: &mut Scope<'_>,
    (form, of): (&Form, Var),
    binders: &[u16],
    ask: &Expr,
) -> Val {
    let (Form::List(held, _) | Form::Set(held, _) | Form::Map(held, ..)) = form else {
        unreachable!("only collections are gone through");
    };
    let found = code.bind(0);
    // The first place exists, even where nothing is there.
    let place = code.bind(of + size(COUNT).cast_signed());
    code.block(|code, done| {
        whole::walk(code, form, of, |code, item, k| {
            bind(scope, binders, form, item, k);
            let holds = truth(code, scope, ask);
            code.set(found, holds);
            code.set(place, item);
            code.stop_if(done, found);
        });
    });
    Val::Option(found.get(), Box::new(Val::load(held, place.get(), 0)))
}

fn fold(
    code: &mut Code<'_, '_>,
    scope: &mut Scope<'_>,
    (local, first): (u16, &Expr),
    (binders, of): (&[u16], &Expr),
    next: &Expr,
) -> Val {
    let form = code.unit.wide(&scope.types[usize::from(local)]);
    let room = code.unit.room(&form);
    let kept = Val::load(&form, Exp::I32(0), room);
    let first = value(code, scope, first);
    settled(code, first).store(code, &form, Exp::I32(0), room);
    let (source, of) = value(code, scope, of).whole();
    let of = code.bind(of);
    whole::walk(code, &source, of, |code, item, k| {
        bind(scope, binders, &source, item, k);
        scope.locals.insert(local, kept.clone());
        let next = value(code, scope, next);
        settled(code, next).store(code, &form, Exp::I32(0), room);
    });
    kept
}

fn collect(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, ty: &Type, parts: &Collect) -> Val {
    let (source, of) = value(code, scope, &parts.source).whole();
    let of = code.bind(of);
    let (form, room) = made(code, ty, false);
    let ring = matches!(ty, Type::Ring { .. });
    let (_, max) = form.items().expect("a collection has items");
    let overflows = source.items().is_some_and(|(_, most)| most > max) && !ring;
    whole::walk(code, &source, of, |code, item, k| {
        bind(scope, &parts.binders, &source, item, k);
        let taken = parts.cond.as_ref().map(|cond| truth(code, scope, cond));
        let body = code.nested(|code| {
            let key = parts.key.as_ref().map(|key| {
                let key = value(code, scope, key);
                settled(code, key)
            });
            let held = value(code, scope, &parts.value);
            if overflows {
                let fits = has_room(code, &form, room, key.clone().unwrap_or(held.clone()));
                expr::fail_unless(code, scope, fits);
            }
            push(code, &form, room, key, held);
        });
        match taken {
            Some(taken) => code.push(Stm::If(taken, body, Vec::new())),
            None => body.into_iter().for_each(|stm| code.push(stm)),
        }
    });
    Val::Whole(form, at(room))
}

/// Whether a collection that is being made takes one more item, or has it already.
#[expect(clippy::wildcard_enum_match_arm, reason = "what verify leaves possible, of many shapes")]
fn has_room(code: &mut Code<'_, '_>, form: &Form, room: u32, key: Val) -> Exp {
    let (_, max) = form.items().expect("a collection has items");
    let room_left = load32(2, 0, room).lt_u(literal(max));
    match form {
        Form::Set(key_form, _) | Form::Map(key_form, ..) => {
            let number = code.unit.form(form);
            let key = key_to_find(code, key_form, key);
            let found = code.call(Routine::Seek(number), [at(room), key]);
            room_left | (found & 1)
        }
        _ => room_left,
    }
}

/// The middle of a list of numbers in order of size.
fn median(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, of: &Expr) -> Val {
    let (form, of) = value(code, scope, of).whole();
    let (_, max) = form.items().expect("a list has items");
    let most = size(max);
    let of = code.bind(of);
    let room = code.unit.room(&form);
    let numbers = room + size(COUNT);
    let count = code.bind(load32(2, of, 0));
    let from = of + size(COUNT).cast_signed();
    code.push(Stm::Copy(at(numbers), from, (count << 3).at_most(8 * most)));
    code.run(Routine::Sort, [at(numbers), count.get().at_most(most)]);
    let some = code.bind(count.get().ne(0));
    let middle = (count - 1).shr_u(1).select(0, some);
    let number = code.bind(load64(middle << 3, numbers));
    Val::Option(some.get(), Box::new(Val::Number(number.get())))
}

/// A record, a variant that carries something, a part, or what a function gives.
#[expect(clippy::wildcard_enum_match_arm, reason = "`value` sends only these here")]
pub(crate) fn whole(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, expr: &Expr) -> Val {
    match expr {
        Expr::Variant(index, number, args) => {
            let form = code.unit.wide(&Type::Enum(*index));
            let Form::Union(cases) = &form else {
                return Val::Variant(Exp::I32(i32::from(*number)));
            };
            let room = code.unit.room(&form);
            let args = values(code, scope, args);
            code.push(Stm::Fill(at(room), Exp::I32(0), literal(form.size())));
            code.store(2, 0, room, i32::from(*number));
            keep(code, &cases[usize::from(*number)], room + size(COUNT), args);
            Val::Whole(form, at(room))
        }
        Expr::Record(index, args) => {
            let form = code.unit.wide(&Type::Record(*index));
            let Form::Record(parts) = &form else { unreachable!("a record has its form") };
            let room = code.unit.room(&form);
            let args = values(code, scope, args);
            keep(code, parts, room, args);
            Val::Whole(form, at(room))
        }
        Expr::Part(of, part) => {
            let (form, of) = value(code, scope, of).whole();
            let of = code.atom(of);
            let (form, offset) = part_of(&form, *part);
            Val::load(form, of, offset)
        }
        Expr::With(of, changes) => {
            let (form, of) = value(code, scope, of).whole();
            let room = code.unit.room(&form);
            let mut news = Vec::new();
            for (part, change) in changes {
                let change = value(code, scope, change);
                news.push((*part, settled(code, change)));
            }
            code.copy(at(room), of, size(form.size()));
            for (part, change) in news {
                let (form, offset) = part_of(&form, part);
                change.store(code, form, Exp::I32(0), room + offset);
            }
            Val::Whole(form, at(room))
        }
        Expr::Call(index, args) => {
            // A function is written out where it is called.
            let function = &code.unit.model.schema.functions[usize::from(*index)];
            let args = values(code, scope, args);
            let outer = std::mem::replace(&mut scope.locals, (0u16..).zip(args).collect());
            let types = std::mem::replace(&mut scope.types, function.locals.clone());
            let value = value(code, scope, &function.value);
            scope.locals = outer;
            scope.types = types;
            value
        }
        _ => unreachable!("only what is made of parts comes here"),
    }
}

fn values(code: &mut Code<'_, '_>, scope: &mut Scope<'_>, exprs: &[Expr]) -> Vec<Val> {
    let mut values = Vec::new();
    for expr in exprs {
        let value = value(code, scope, expr);
        values.push(value.atoms(code));
    }
    values
}

fn keep(code: &mut Code<'_, '_>, forms: &[Form], start: u32, values: Vec<Val>) {
    let mut values = values.into_iter();
    whole::parts(forms, start, |form, offset| {
        let value = values.next().expect("one value for each part");
        value.store(code, form, Exp::I32(0), offset);
    });
}

/// The form of a part of a record, and how far from its start it is.
pub(crate) fn part_of(form: &Form, part: u16) -> (&Form, u32) {
    let Form::Record(parts) = form else { unreachable!("only records have parts") };
    let before: usize = parts[..usize::from(part)].iter().map(Form::size).sum();
    (&parts[usize::from(part)], size(before))
}
