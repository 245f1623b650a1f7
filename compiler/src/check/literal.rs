//! Literals, worth what their place makes of them.

use super::{Checker, Typed};
use crate::codes::Code;
use aqo_grammar::tree::{At, Literal, LiteralKind};
use aqo_model::expr::Expr;
use aqo_model::text::{parse_decimal, parse_duration, parse_instant};
use aqo_model::types::{Bounds, Type, Types, Unit};
use aqo_model::value::{Bytes32, Value};

impl Checker<'_> {
    /// A literal where a value of type `want` is wanted; a pure number where nothing is.
    pub(super) fn literal(
        &mut self,
        literal: &Literal,
        negative: bool,
        at: At,
        want: Option<&Type>,
    ) -> Typed {
        let want = match want {
            Some(Type::Option(inner)) if literal.kind != LiteralKind::None => Some(&**inner),
            other => other,
        };
        let text = format!("{}{}", if negative { "-" } else { "" }, literal.text);
        match literal.kind {
            LiteralKind::Int | LiteralKind::Decimal => self.number(&text, at, want),
            LiteralKind::Duration => {
                match parse_duration(&text).filter(|d| Bounds::DURATION.contains(*d)) {
                    Some(value) => {
                        self.typed(Expr::number(value), Type::Duration(Bounds::DURATION), at)
                    }
                    None => self.unreadable(&text, "a duration of at most 292 years", at),
                }
            }
            LiteralKind::Time => match parse_instant(&text) {
                Some(value) => self.typed(Expr::number(value), Type::Instant(Bounds::INSTANT), at),
                None => self.unreadable(&text, "an instant from 1970 to 2261", at),
            },
            LiteralKind::Text => {
                let text = aqo_grammar::unquote(&literal.text);
                let Ok(max) = u16::try_from(text.len().max(1)) else {
                    return self.unreadable("this", "a text of at most 4096 bytes", at);
                };
                self.typed(Expr::Value(Value::Text(text)), Type::Text { max }, at)
            }
            LiteralKind::Hex => self.hex(&literal.text, at, want),
            LiteralKind::True => self.typed(Expr::Value(Value::Bool(true)), Type::Bool, at),
            LiteralKind::False => self.typed(Expr::Value(Value::Bool(false)), Type::Bool, at),
            LiteralKind::None => match want {
                Some(ty @ Type::Option(_)) => self.typed(Expr::None(ty.clone()), ty.clone(), at),
                Some(_) | None => {
                    let problem = self.problem(
                        Code::Mismatch,
                        at,
                        "`none` stands here for a value that must be there",
                    );
                    problem.label = "only an option can be none".to_owned();
                    problem.help = Some("test an option with `x is none`".to_owned());
                    self.wrong(at)
                }
            },
        }
    }

    /// A bare number takes unit and scale of its place.
    fn number(&mut self, text: &str, at: At, want: Option<&Type>) -> Typed {
        let digits = text.split_once('.').map_or(0, |(_, part)| part.replace('_', "").len());
        let digits = u8::try_from(digits).unwrap_or(u8::MAX);
        let (scale, ty) = match want {
            Some(Type::Number { scale, unit, .. }) => {
                (*scale, Type::Number { scale: *scale, unit: unit.clone(), within: Bounds::ALL })
            }
            Some(_) | None => {
                (digits, Type::Number { scale: digits, unit: Unit::default(), within: Bounds::ALL })
            }
        };
        if digits > scale {
            let places = if scale == 1 { "digit" } else { "digits" };
            let message =
                format!("`{text}` has {digits} digits after the point, its place has {scale}");
            let problem = self.problem(Code::Digits, at, message);
            problem.label = format!("{scale} {places} after the point here");
            return self.wrong(at);
        }
        match parse_decimal(text, scale) {
            Some(value) => self.typed(Expr::number(value), ty, at),
            None => self.unreadable(text, "a number that fits 64 bits", at),
        }
    }

    fn hex(&mut self, text: &str, at: At, want: Option<&Type>) -> Typed {
        if let Some(Type::Bytes { .. }) = want {
            return match Value::parse(text, &Type::Bytes { max: u16::MAX }, &Types::default()) {
                Ok(value @ Value::Bytes(_)) => {
                    let max = u16::try_from((text.len() / 2).max(2) - 1).unwrap_or(u16::MAX);
                    self.typed(Expr::Value(value), Type::Bytes { max }, at)
                }
                Ok(_) | Err(_) => self.unreadable(text, "hex digits in pairs", at),
            };
        }
        let Some(ty @ (Type::Key | Type::Hash)) = want else {
            self.problem(
                Code::Mismatch,
                at,
                "hex digits are bytes, a key or a hash, and none of them is wanted here",
            );
            return self.wrong(at);
        };
        match Bytes32::from_hex(text.strip_prefix("0x").unwrap_or(text)) {
            Some(bytes) => self.typed(Expr::Value(Value::Bytes32(bytes)), ty.clone(), at),
            None if text == "0x" => {
                let what = if *ty == Type::Key { "key" } else { "hash" };
                let message = format!("`0x` is no bytes at all, and a {what} has 64 hex digits");
                self.problem(Code::OutOfRange, at, message);
                self.wrong(at)
            }
            None => self.unreadable(text, "exactly 64 hex digits", at),
        }
    }

    fn unreadable(&mut self, text: &str, wanted: &str, at: At) -> Typed {
        self.problem(Code::OutOfRange, at, format!("`{text}` is not {wanted}"));
        self.wrong(at)
    }
}
