//! Numbers, durations and instants: every operator and built-in function.
//!
//! Invariant: what goes into a sum or a product is cut first, so that most of them are proved to fit.
#![expect(clippy::wildcard_enum_match_arm, reason = "questions about a few of many shapes")]

use super::draw::{Draw, same_kind};
use super::types::amount;
use super::world::{int, number, wide};
use aqo_model::types::{Type, Unit};

/// Where what is computed with is cut.
const MOST: i64 = 50_000;
/// The words that round.
const WORDS: [&str; 5] = ["floor", "ceil", "trunc", "half_up", "half_even"];

impl Draw<'_> {
    /// A number of this scale and unit, or a duration, or an instant; anywhere in its range.
    pub fn number(&mut self, ty: &Type, depth: u32) -> String {
        if depth == 0 || self.chance.percent(15) {
            return self.leaf(ty);
        }
        let depth = depth - 1;
        match ty {
            Type::Instant(_) => self.instant(depth),
            Type::Duration(_) if self.chance.percent(40) => self.duration(depth),
            Type::Number { scale: 0, unit, .. }
                if *unit == Unit::default() && self.chance.percent(45) =>
            {
                self.counted(depth)
            }
            _ => self.computed(ty, depth),
        }
    }

    /// What is read or written as it is.
    fn leaf(&mut self, ty: &Type) -> String {
        match self.atom(|found| same_kind(ty, found)) {
            Some(atom) if self.chance.percent(85) => atom.name,
            _ => self.spelled(ty),
        }
    }

    /// A constant near zero; an instant anywhere.
    fn spelled(&mut self, ty: &Type) -> String {
        if let Type::Instant(_) = ty {
            return self.literal(ty);
        }
        let value = self.chance.between(-20, 200);
        format!("({})", amount(ty, value))
    }

    /// A number that is cut, unless it is known to be small.
    fn small(&mut self, ty: &Type, depth: u32) -> String {
        let little = |found: &Type| {
            let bounds = found.bounds();
            let near = bounds.is_some_and(|b| b.low >= -10 * MOST && b.high <= 10 * MOST);
            near && same_kind(ty, found)
        };
        if (depth == 0 || self.chance.percent(60))
            && let Some(atom) = self.atom(little)
        {
            return atom.name;
        }
        let inner = self.number(ty, depth);
        format!("clamp({inner}, {}, {})", amount(ty, -MOST), amount(ty, MOST))
    }

    fn computed(&mut self, ty: &Type, depth: u32) -> String {
        let wide = wide(ty);
        let ty = &wide;
        match self.chance.below(16) {
            0 | 1 => format!("({} + {})", self.small(ty, depth), self.small(ty, depth)),
            2 | 3 => format!("({} - {})", self.small(ty, depth), self.small(ty, depth)),
            4 | 5 => self.product(ty, depth),
            6 => format!("(-{})", self.small(ty, depth)),
            7 => format!("abs({})", self.small(ty, depth)),
            8 => format!("min({}, {})", self.number(ty, depth), self.number(ty, depth)),
            9 => format!("max({}, {})", self.number(ty, depth), self.number(ty, depth)),
            10 => {
                let by = self.chance.between(1, 60);
                format!("({} % {})", self.small(ty, depth), amount(ty, by))
            }
            11 => {
                let (a, b) = (self.number(ty, depth), self.number(ty, depth));
                format!("median({a}, {b}, {})", self.number(ty, depth))
            }
            12 => {
                let option =
                    |found: &Type| matches!(found, Type::Option(inner) if same_kind(ty, inner));
                let found = match self.chance.below(2) {
                    0 => self.atom(option).map(|atom| atom.name),
                    _ => self.found(ty, false, depth),
                };
                match found {
                    Some(found) => format!("({found} else {})", self.number(ty, depth)),
                    None => self.leaf(ty),
                }
            }
            13 => match self.summed(ty, depth) {
                Some(sum) => sum,
                None => self.leaf(ty),
            },
            14 => match self.call(|found| same_kind(ty, found), depth) {
                Some(call) => call,
                None => self.leaf(ty),
            },
            _ => {
                let (cond, bound) = self.guard(depth);
                let before = self.names.len();
                self.names.extend(bound);
                let then = self.number(ty, depth);
                self.names.truncate(before);
                let text = format!("if {cond} {{ {then} }} else {{ {} }}", self.number(ty, depth));
                format!("({text})")
            }
        }
    }

    fn product(&mut self, ty: &Type, depth: u32) -> String {
        match ty {
            Type::Number { scale, unit, .. } => {
                if *unit != Unit::default() {
                    let count = int(i64::MIN, i64::MAX);
                    return match self.atom(|found| same_kind(ty, found)) {
                        Some(atom) => {
                            let ends = (amount(ty, -MOST), amount(ty, MOST));
                            let cut = format!("clamp({}, {}, {})", atom.name, ends.0, ends.1);
                            format!("({cut} * {})", self.small(&count, depth))
                        }
                        None => self.spelled(ty),
                    };
                }
                let first = self.chance.below(u64::from(*scale) + 1) as u8;
                let a = number(first, unit.clone(), i64::MIN, i64::MAX);
                let b = number(scale - first, Unit::default(), i64::MIN, i64::MAX);
                if first == *scale && scale % 2 == 0 && self.chance.percent(30) {
                    let half = number(scale / 2, Unit::default(), i64::MIN, i64::MAX);
                    return format!("square({})", self.small(&half, depth));
                }
                format!("({} * {})", self.small(&a, depth), self.small(&b, depth))
            }
            _ => {
                let count = int(i64::MIN, i64::MAX);
                format!("({} * {})", self.small(ty, depth), self.small(&count, depth))
            }
        }
    }

    fn instant(&mut self, depth: u32) -> String {
        let ty = Type::Instant(aqo_model::types::Bounds::INSTANT);
        let span = Type::Duration(aqo_model::types::Bounds::DURATION);
        match self.chance.below(6) {
            0 | 1 => format!("({} + {})", self.leaf(&ty), self.small(&span, depth)),
            2 => format!("({} - {})", self.leaf(&ty), self.small(&span, depth)),
            3 => "never".to_owned(),
            _ => self.leaf(&ty),
        }
    }

    fn duration(&mut self, depth: u32) -> String {
        let span = Type::Duration(aqo_model::types::Bounds::DURATION);
        let instant = Type::Instant(aqo_model::types::Bounds::INSTANT);
        match self.chance.below(3) {
            0 => format!("({} - {})", self.number(&instant, depth), self.number(&instant, depth)),
            1 => {
                let by = self.divisor();
                let word = *self.chance.pick(&WORDS);
                format!("{word}({} / {by})", self.small(&span, depth))
            }
            _ => self.small(&span, depth),
        }
    }

    fn divisor(&mut self) -> String {
        let positive = |found: &Type| {
            matches!(found, Type::Number { scale: 0, unit, within }
                if *unit == Unit::default() && within.low > 0 && within.high < 1_000)
        };
        match self.atom(positive) {
            Some(atom) if self.chance.percent(70) => atom.name,
            _ => (*self.chance.pick(&["2", "3", "7", "(-4)", "10"])).to_owned(),
        }
    }

    /// A whole number that counts something.
    fn counted(&mut self, depth: u32) -> String {
        let sized = |ty: &Type| matches!(ty, Type::Text { .. } | Type::Bytes { .. }) || many(ty);
        match self.chance.below(10) {
            8 | 9 => self.exact(depth),
            0 | 1 => match self.atom(sized) {
                Some(atom) => format!("{}.len", atom.name),
                None => "3".to_owned(),
            },
            2 | 3 => match self.binder() {
                Some((binder, bound)) => {
                    let cond = self.under(bound, |draw| draw.condition(depth));
                    format!("count({binder}: {cond})")
                }
                None => "4".to_owned(),
            },
            4 => {
                let span = Type::Duration(aqo_model::types::Bounds::DURATION);
                let word = *self.chance.pick(&WORDS);
                let by = *self.chance.pick(&["1s", "1min", "250ms", "(-3s)"]);
                format!("{word}({} / {by})", self.number(&span, depth))
            }
            5 => {
                let scale = 1 + self.chance.below(3) as u8;
                let of = number(scale, Unit::default(), i64::MIN, i64::MAX);
                let word = *self.chance.pick(&WORDS);
                format!("{word}({})", self.number(&of, depth))
            }
            6 => {
                let by = *self.chance.pick(&["2", "3", "10"]);
                let ty = int(i64::MIN, i64::MAX);
                format!("(abs({}) / {by})", self.small(&ty, depth))
            }
            _ => {
                let ty = int(i64::MIN, i64::MAX);
                let by = self.divisor();
                let word = *self.chance.pick(&WORDS);
                format!("{word}({} * {} / {by})", self.small(&ty, depth), self.wider(&ty, depth))
            }
        }
    }

    /// A product that may be beyond 64 bits, divided at once; or the middle of a list.
    fn exact(&mut self, depth: u32) -> String {
        let ty = int(i64::MIN, i64::MAX);
        let numbers = |found: &Type| match found {
            Type::List { item, .. } | Type::Ring { item, .. } => same_kind(&ty, item),
            _ => false,
        };
        if self.chance.percent(40)
            && let Some(atom) = self.atom(numbers)
        {
            return format!("(median({}) else {})", atom.name, self.leaf(&ty));
        }
        let options = |found: &Type| match found {
            Type::List { item, .. } | Type::Ring { item, .. } => {
                matches!(&**item, Type::Option(inner) if same_kind(&ty, inner))
            }
            _ => false,
        };
        if self.chance.percent(60)
            && let Some(atom) = self.atom(options)
        {
            return match self.chance.below(2) {
                0 => format!("(median(present({})) else {})", atom.name, self.leaf(&ty)),
                _ => format!("present({}).len", atom.name),
            };
        }
        let word = *self.chance.pick(&WORDS);
        let by = *self.chance.pick(&["3_999_999_999_999_999", "(-4_000_000_000_000_000)"]);
        format!("{word}({} * {} / {by})", self.wider(&ty, depth), self.wider(&ty, depth))
    }

    /// A number that may be large, for a product that is divided at once.
    fn wider(&mut self, ty: &Type, depth: u32) -> String {
        let large = |found: &Type| {
            same_kind(ty, found) && found.bounds().is_some_and(|bounds| bounds.high > 1 << 40)
        };
        match self.atom(large) {
            Some(atom) if self.chance.percent(60) => atom.name,
            _ => self.small(ty, depth),
        }
    }

    /// What a rate comes to in a time, in either order; the rate is cut, the time need not be.
    fn flow(&mut self, rate: &str, depth: u32) -> String {
        let span = Type::Duration(aqo_model::types::Bounds::DURATION);
        let word = *self.chance.pick(&WORDS);
        let by = *self.chance.pick(&["1min", "7h", "250ms", "(-3s)"]);
        let ran = match self.chance.below(3) {
            0 => self.atom(|found| same_kind(&span, found)).map(|atom| atom.name),
            _ => None,
        };
        let ran = ran.unwrap_or_else(|| self.small(&span, depth));
        match self.chance.below(2) {
            0 => format!("{word}({rate} * {ran} / {by})"),
            _ => format!("{word}({ran} * {rate} / {by})"),
        }
    }

    /// A quotient or a product, rounded to the digits of its place.
    pub fn rounded(&mut self, ty: &Type, depth: u32) -> String {
        let word = *self.chance.pick(&WORDS);
        let Type::Number { scale, unit, .. } = ty else {
            let by = self.divisor();
            return format!("{word}({} / {by})", self.small(ty, depth));
        };
        if *unit != Unit::default() {
            // A constant that stands alone has no unit.
            let by = self.divisor();
            return match self.atom(|found| same_kind(ty, found)) {
                Some(atom) if self.chance.percent(40) => {
                    let rate = format!(
                        "clamp({}, {}, {})",
                        atom.name,
                        amount(ty, -MOST),
                        amount(ty, MOST)
                    );
                    self.flow(&rate, depth)
                }
                Some(atom) => format!("{word}({} / {by})", atom.name),
                None => self.number(&wide(ty), depth),
            };
        }
        let finer = number(scale + 2, unit.clone(), i64::MIN, i64::MAX);
        let same = number(*scale, unit.clone(), i64::MIN, i64::MAX);
        let by = self.divisor();
        let plain = number(self.chance.below(3) as u8, Unit::default(), i64::MIN, i64::MAX);
        match self.chance.below(5) {
            0 => format!("{word}({})", self.small(&finer, depth)),
            1 => format!("{word}({} / {by})", self.small(&same, depth)),
            2 => format!("{word}({} * {})", self.small(&same, depth), self.small(&plain, depth)),
            3 => {
                let digits = 1 + self.chance.below(3) as u8;
                let rate = number(digits, Unit::default(), i64::MIN, i64::MAX);
                let rate = self.small(&rate, depth);
                self.flow(&rate, depth)
            }
            _ => {
                let (a, b) = (self.small(&same, depth), self.small(&plain, depth));
                format!("{word}({a} * {b} / {by})")
            }
        }
    }
}

/// Whether a type holds items.
pub fn many(ty: &Type) -> bool {
    ty.items().is_some() || matches!(ty, Type::Map { .. })
}
