//! Months of the proleptic Gregorian calendar, from 1970 on: `text::days_from_civil` and
//! `civil_from_days` (H. Hinnant). A month is counted from that of the year 0, a day from 1970.

use crate::code::Code;
use crate::ir::Exp;

/// Days from the start of the calendar's era, in a March, to 1970.
const ERA: i64 = 719_468;
const DAY: i64 = 86_400_000_000;

/// `(month) -> day`: the first day of a month.
pub(crate) fn month_start(code: &mut Code<'_, '_>) {
    let [month] = code.params();
    // Years begin in March here.
    let year = code.bind((month - 2i64).div_u(12i64));
    let of_year = code.bind((month - 2i64) - year * 12i64);
    let days = (of_year * 153i64 + 2i64).div_u(5i64);
    let era = code.bind(year.get().div_u(400i64));
    let of_era = code.bind(year - era * 400i64);
    let leaps = of_era.get().div_u(4i64) - of_era.get().div_u(100i64);
    let before = (era * 146_097i64 + of_era * 365i64) + leaps;
    code.ret((before + days) - ERA);
}

/// `(instant) -> month`
pub(crate) fn month_of(code: &mut Code<'_, '_>) {
    let [instant] = code.params();
    let days = code.bind(instant.get().div_u(DAY) + ERA);
    let era = code.bind(days.get().div_u(146_097i64));
    let of_era = code.bind(days - era * 146_097i64);
    let leaps = (of_era.get().div_u(1_460i64) + of_era.get().div_u(146_096i64))
        - of_era.get().div_u(36_524i64);
    let year = code.bind((of_era - leaps).div_u(365i64));
    let before = (year * 365i64 + year.get().div_u(4i64)) - year.get().div_u(100i64);
    let of_year = code.bind(of_era - before);
    let shifted = (of_year * 5i64 + 2i64).div_u(153i64);
    let years: Exp = year + era * 400i64;
    code.ret((years * 12i64 + shifted) + 2i64);
}
