//! Calls of functions, built in and declared, and the arguments of events.

use super::{Checker, Typed, unbounded};
use crate::codes::Code;
use crate::globals::{BUILT_IN, not_yet, unknown};
use crate::indices::Kind;
use crate::shape::Def;
use aqo_grammar::tree::{self, Args, At, Call};
use aqo_model::expr::{Expr, Rounding};
use aqo_model::types::Param;
use aqo_model::types::{Bounds, Type};

impl Checker<'_> {
    pub(super) fn call(&mut self, call: &Call, at: At, want: Option<&Type>) -> Typed {
        let name = call.name.text.as_str();
        if self.globals.broken.contains(name) {
            return self.wrong(at);
        }
        if let Some(index) = self.globals.function_named(name) {
            return self.function_call(index, call, at, want);
        }
        let label = call.args.args.iter().find_map(|arg| arg.label.as_ref());
        if let Some(arg) = label.filter(|_| BUILT_IN.contains(&name)) {
            self.problem(
                Code::Arguments,
                arg.at,
                format!("the arguments of `{name}` have no names"),
            );
            return self.wrong(at);
        }
        let args: Vec<&tree::Expr> = call.args.args.iter().map(|arg| &arg.value).collect();
        let rounding = match name {
            "floor" => Some(Rounding::Floor),
            "ceil" => Some(Rounding::Ceil),
            "trunc" => Some(Rounding::Trunc),
            "half_up" => Some(Rounding::HalfUp),
            "half_even" => Some(Rounding::HalfEven),
            _ => None,
        };
        match (name, &args[..]) {
            ("min", [a, b]) => self.pair(a, b, at, want, Expr::Min),
            ("max", [a, b]) => self.pair(a, b, at, want, Expr::Max),
            ("abs", [a]) => self.absolute(a, at, want),
            ("square", [a]) => self.square(a, at),
            ("clamp", [a]) => self.clamp_to_place(a, at, want),
            ("clamp", [a, low, high]) => self.clamp(a, low, high, at, want),
            ("median", [a, b, c]) => self.median(a, b, c, at, want),
            ("starts_with", [a, b]) => self.starts_with(a, b, at),
            (_, [a]) if rounding.is_some() => match rounding {
                Some(rounding) => self.rounded(rounding, a, at, want),
                None => self.wrong(at),
            },
            ("median", [xs]) => self.median_of(xs, at),
            ("present", [xs]) => self.present_of(xs, at),
            (known, _) if BUILT_IN.contains(&known) => {
                self.problem(
                    Code::Arguments,
                    call.at,
                    format!("`{name}` takes another number of arguments than {}", args.len()),
                );
                self.wrong(at)
            }
            _ => {
                let at = self.loc(call.name.at);
                let own = self.globals.names(Kind::Function);
                let known = BUILT_IN.into_iter().chain(own);
                let mut problem =
                    self.globals.unknown(Code::UnknownName, at, "function", name, known);
                if let (Some(problem), Some(Def::Event(_))) = (&mut problem, self.shape.def(name)) {
                    problem.help =
                        Some(format!("to ask what was said: `expect emitted {name}(…)`"));
                }
                self.problems.extend(problem);
                self.wrong(call.at)
            }
        }
    }

    fn amount(&mut self, expr: &tree::Expr, want: Option<&Type>) -> Option<Typed> {
        let typed = self.expr(expr, want);
        typed.ty.as_ref()?;
        self.present(typed)
    }

    fn pair(
        &mut self,
        a: &tree::Expr,
        b: &tree::Expr,
        at: At,
        want: Option<&Type>,
        node: fn(Box<Expr>, Box<Expr>) -> Expr,
    ) -> Typed {
        let want = want.map(unbounded);
        let Some(a) = self.amount(a, want.as_ref()) else { return self.wrong(at) };
        let ty = a.ty.as_ref().map(unbounded);
        let Some(b) = self.amount(b, ty.as_ref()) else { return self.wrong(at) };
        match self.aligned(a, b, at) {
            Some((a, b, ty)) => {
                let typed = self.typed(node(Box::new(a.expr), Box::new(b.expr)), ty, at);
                self.sound(typed)
            }
            None => self.wrong(at),
        }
    }

    fn absolute(&mut self, a: &tree::Expr, at: At, want: Option<&Type>) -> Typed {
        let want = want.map(unbounded);
        let Some(a) = self.amount(a, want.as_ref()) else { return self.wrong(at) };
        match a.ty.clone() {
            Some(ty @ (Type::Number { .. } | Type::Duration(_))) => {
                let typed = self.typed(Expr::Abs(Box::new(a.expr)), unbounded(&ty), at);
                self.sound(typed)
            }
            Some(ty) => {
                let number = Type::Duration(Bounds::DURATION);
                self.mismatch(&ty, &number, at);
                self.wrong(at)
            }
            None => self.wrong(at),
        }
    }

    fn square(&mut self, a: &tree::Expr, at: At) -> Typed {
        let Some(mut a) = self.amount(a, None) else { return self.wrong(at) };
        let Some(Type::Number { scale, unit, .. }) = a.ty.clone() else {
            return self.no_operator(&a, &a, at);
        };
        let Some(scale) = self.scale_of_product(scale, scale, at) else { return self.wrong(at) };
        let unit = crate::types::product(&unit, &unit, 1);
        let ty = Type::Number { scale, unit, within: Bounds::ALL };
        let first = self.computed_once(&mut a);
        let twice = Box::new(a.expr);
        let square = with_lets([first], Expr::Mul(twice.clone(), twice));
        let typed = self.typed(square, ty, at);
        self.sound(typed)
    }

    /// Makes an operand that is read twice a local, unless to read it costs nothing.
    fn computed_once(&mut self, typed: &mut Typed) -> Option<(u16, Expr)> {
        if typed.expr.parts().is_empty() {
            return None;
        }
        let ty = self.narrowed(typed)?;
        let local = self.local(ty);
        Some((local, std::mem::replace(&mut typed.expr, Expr::Local(local))))
    }

    /// `clamp(e)`: to the range of the place that it goes to.
    fn clamp_to_place(&mut self, a: &tree::Expr, at: At, want: Option<&Type>) -> Typed {
        let bounds = want
            .map(super::store::held)
            .and_then(Type::bounds)
            .filter(|bounds| *bounds != Bounds::ALL);
        let (Some(want), Some(bounds)) = (want.map(super::store::held), bounds) else {
            let problem =
                self.problem(Code::ClampNowhere, at, "this `clamp` goes to no place with a range");
            problem.help = Some("give the range: `clamp(e, low, high)`".to_owned());
            return self.wrong(at);
        };
        let wide = unbounded(want);
        let Some(a) = self.amount(a, Some(&wide)) else { return self.wrong(at) };
        let Some(a) = self.adapt(a, &wide) else { return self.wrong(at) };
        let (low, high) = (Box::new(Expr::number(bounds.low)), Box::new(Expr::number(bounds.high)));
        let typed = self.typed(Expr::Clamp(Box::new(a.expr), low, high), want.clone(), at);
        self.sound(typed)
    }

    /// Three numbers of the first one's type.
    fn three(
        &mut self,
        [a, b, c]: [&tree::Expr; 3],
        want: Option<&Type>,
    ) -> Option<([Typed; 3], Type)> {
        let a = self.amount(a, want.map(unbounded).as_ref())?;
        let ty = a.ty.as_ref().map(unbounded)?;
        let (b, c) = (self.amount(b, Some(&ty)), self.amount(c, Some(&ty)));
        let (b, c) = b.zip(c)?;
        let (b, c) = (self.adapt(b, &ty), self.adapt(c, &ty));
        let (b, c) = b.zip(c)?;
        Some(([a, b, c], ty))
    }

    fn clamp(
        &mut self,
        a: &tree::Expr,
        low: &tree::Expr,
        high: &tree::Expr,
        at: At,
        want: Option<&Type>,
    ) -> Typed {
        let Some(([a, low, high], ty)) = self.three([a, low, high], want) else {
            return self.wrong(at);
        };
        let clamp = Expr::Clamp(Box::new(a.expr), Box::new(low.expr), Box::new(high.expr));
        let typed = self.typed(clamp, ty, at);
        self.sound(typed)
    }

    /// The middle of three: max(min(a, b), min(max(a, b), c)).
    fn median(
        &mut self,
        a: &tree::Expr,
        b: &tree::Expr,
        c: &tree::Expr,
        at: At,
        want: Option<&Type>,
    ) -> Typed {
        let Some(([mut a, mut b, c], ty)) = self.three([a, b, c], want) else {
            return self.wrong(at);
        };
        let lets = [self.computed_once(&mut a), self.computed_once(&mut b)];
        let (a, b, c) = (Box::new(a.expr), Box::new(b.expr), Box::new(c.expr));
        let low = Box::new(Expr::Min(a.clone(), b.clone()));
        let high = Box::new(Expr::Min(Box::new(Expr::Max(a, b)), c));
        let typed = self.typed(with_lets(lets, Expr::Max(low, high)), ty, at);
        self.sound(typed)
    }

    fn starts_with(&mut self, a: &tree::Expr, b: &tree::Expr, at: At) -> Typed {
        let (a, b) = (self.expr(a, None), self.expr(b, None));
        match (&a.ty, &b.ty) {
            (Some(Type::Text { .. }), Some(Type::Text { .. })) => {
                self.typed(Expr::StartsWith(Box::new(a.expr), Box::new(b.expr)), Type::Bool, at)
            }
            (Some(_), Some(_)) => {
                self.problem(Code::Mismatch, at, "`starts_with` takes two texts");
                self.wrong(at)
            }
            _ => self.wrong(at),
        }
    }

    /// `f(a, b)` or `f(x: a, y: b)`: each argument fits its parameter, which is all that `f` knows.
    fn function_call(&mut self, index: u16, call: &Call, at: At, want: Option<&Type>) -> Typed {
        let function = &self.globals.functions[usize::from(index)];
        let (params, result) = (&function.params, function.result.clone());
        let name = &call.name.text;
        if params.iter().any(|param| param.ty.is_in_any_unit()) {
            return self.call_in_any_unit(index, call, at, want);
        }
        let bare = call.args.args.iter().all(|arg| arg.label.is_none());
        let before = self.problems.len();
        let args = match bare && !params.is_empty() && !call.args.args.is_empty() {
            true => self.in_order(&call.args, params, name),
            false => self.arguments(&call.args, params, name),
        };
        if let (None, Some(problem), Some(place)) =
            (&args, self.problems.get_mut(before), self.globals.places.get(name))
        {
            problem.related.push(match self.globals.used.get(name) {
                Some(module) => (*place, format!("`{name}` is declared in `{module}`")),
                None => (*place, format!("`{name}` is declared here")),
            });
        }
        match args {
            Some(args) => {
                let typed = self.typed(Expr::Call(index, args), result, at);
                self.sound(typed)
            }
            None => self.wrong(at),
        }
    }

    /// Arguments without names, in the order of the parameters.
    pub(super) fn in_order(
        &mut self,
        args: &Args,
        params: &[Param],
        of: &str,
    ) -> Option<Vec<Expr>> {
        let count = args.args.len();
        if count != params.len() {
            let names: Vec<&str> = params.iter().map(|param| param.name.as_str()).collect();
            let (wanted, names) = (names.len(), names.join("`, `"));
            let message = format!("`{of}` takes {wanted}, `{names}`, and {count} are given");
            self.problem(Code::Arguments, args.at, message);
            return None;
        }
        let stored: Vec<Option<Expr>> = (args.args.iter().zip(params))
            .map(|(arg, param)| self.argument(&arg.value, param, of))
            .collect();
        stored.into_iter().collect()
    }

    fn argument(&mut self, value: &tree::Expr, param: &Param, of: &str) -> Option<Expr> {
        let value = self.expr(value, Some(&param.ty));
        value.ty.as_ref()?;
        self.store_as(value, &param.ty, &format!("`{}` of `{of}`", param.name))
    }

    /// Named arguments against declared parameters, in the order of the declaration.
    pub fn arguments(&mut self, args: &Args, params: &[Param], of: &str) -> Option<Vec<Expr>> {
        let given = self.labelled(args, params, of)?;
        let named = |param: &Param| {
            args.args.iter().any(|arg| arg.label.as_ref().is_some_and(|l| l.text == param.name))
        };
        let missing: Vec<&str> =
            params.iter().filter(|p| !named(p)).map(|p| p.name.as_str()).collect();
        if !missing.is_empty() {
            let message = format!("`{of}` also needs `{}`", missing.join("`, `"));
            self.problem(Code::Arguments, args.at, message).label = "missing arguments".to_owned();
            return None;
        }
        given.into_iter().collect()
    }

    /// Some named arguments, by parameter; `None` where their names are wrong.
    pub(super) fn labelled(
        &mut self,
        args: &Args,
        params: &[Param],
        of: &str,
    ) -> Option<Vec<Option<Expr>>> {
        let mut given: Vec<Option<Expr>> = vec![None; params.len()];
        if let Some(arg) = args.args.iter().find(|arg| arg.label.is_none()) {
            let at = arg.value.at;
            let problem =
                self.problem(Code::Arguments, at, format!("the arguments of `{of}` are named"));
            problem.help = Some(format!(
                "write `{of}({})`",
                params.iter().map(|p| format!("{}: …", p.name)).collect::<Vec<_>>().join(", ")
            ));
            return None;
        }
        let mut strangers = false;
        let mut seen: Vec<&str> = Vec::new();
        for arg in &args.args {
            let Some(label) = &arg.label else { continue };
            let Some(index) = params.iter().position(|param| param.name == label.text) else {
                let is_given = |name: &str| {
                    args.args.iter().any(|arg| arg.label.as_ref().is_some_and(|l| l.text == name))
                };
                let names =
                    params.iter().map(|param| param.name.as_str()).filter(|name| !is_given(name));
                let what = format!("parameter of `{of}`");
                let problem =
                    unknown(Code::Arguments, self.loc(label.at), &what, &label.text, names);
                self.push(problem);
                strangers = true;
                continue;
            };
            if seen.contains(&label.text.as_str()) {
                self.problem(Code::Arguments, label.at, format!("`{}` is given twice", label.text));
            }
            seen.push(&label.text);
            given[index] = self.argument(&arg.value, &params[index], of);
        }
        (!strangers).then_some(given)
    }

    /// The problem of a construct that is left out, as a statement.
    pub(super) fn later_stmt(&mut self, at: At, construct: &str) {
        let problem = not_yet(self.loc(at), construct);
        self.push(problem);
    }
}

/// An expression under the locals that it reads.
fn with_lets<const N: usize>(lets: [Option<(u16, Expr)>; N], expr: Expr) -> Expr {
    lets.into_iter()
        .rev()
        .flatten()
        .fold(expr, |expr, (local, value)| Expr::Let(local, Box::new(value), Box::new(expr)))
}
