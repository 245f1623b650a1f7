//! The instants of cycles, as closed forms: how many there are up to an instant, and when each is.
//!
//! Instants are POSIX microseconds, UTC, with days of 86 400 s.

use crate::schema::Schedule;
use crate::text::{civil_from_days, days_from_civil};

const DAY: i64 = 86_400_000_000;

/// How many instants of a schedule lie in `(from, to]`, where `from` is birth or, of one that backs
/// off, its F.
pub fn count(schedule: Schedule, from: i64, to: i64) -> i64 {
    match schedule {
        Schedule::Every(every) => (to - from) / every,
        Schedule::Backoff { first, most } => {
            let (doublings, reach) = doublings(first, most);
            let passed = to - from;
            if passed >= reach {
                return doublings + (passed - reach) / most;
            }
            // The greatest k with first * (2^k - 1) <= passed.
            i64::from((passed / first + 1).ilog2())
        }
        Schedule::Daily(at) => day_of(to, at) - day_of(from, at),
        Schedule::Monthly(day, at) => month_of(to, day, at) - month_of(from, day, at),
        Schedule::OnMessage | Schedule::OnTime => 0,
    }
}

/// The instant with this number, from 1, after `from`.
pub fn instant(schedule: Schedule, from: i64, number: i64) -> i64 {
    match schedule {
        Schedule::Every(every) => from.saturating_add(every.saturating_mul(number)),
        Schedule::Backoff { first, most } => {
            let (doublings, reach) = doublings(first, most);
            let passed = if number > doublings {
                reach.saturating_add(most.saturating_mul(number - doublings))
            } else {
                first * ((1 << number) - 1)
            };
            from.saturating_add(passed)
        }
        Schedule::Daily(at) => (day_of(from, at) + number) * DAY + at,
        Schedule::Monthly(day, at) => in_month(month_of(from, day, at) + number, day, at),
        Schedule::OnMessage | Schedule::OnTime => crate::types::NEVER,
    }
}

/// How long after an instant its tick still counts where missed ticks are nothing: half a period, or
/// a second.
pub fn patience(schedule: Schedule) -> i64 {
    let period = match schedule {
        Schedule::Every(period) | Schedule::Backoff { first: period, .. } => period,
        Schedule::Daily(_) | Schedule::Monthly(..) | Schedule::OnMessage | Schedule::OnTime => DAY,
    };
    (period / 2).min(1_000_000)
}

/// The shortest time from one instant to the next.
pub fn shortest(schedule: Schedule) -> i64 {
    match schedule {
        Schedule::Every(period) | Schedule::Backoff { first: period, .. } => period,
        Schedule::Daily(_) => DAY,
        Schedule::Monthly(..) => 28 * DAY,
        Schedule::OnMessage | Schedule::OnTime => crate::types::NEVER,
    }
}

/// How many gaps double before the longest is reached, and how far they reach together.
pub fn doublings(first: i64, most: i64) -> (i64, i64) {
    let doublings = i64::from((most / first).ilog2()) + 1;
    (doublings, first * ((1 << doublings) - 1))
}

/// The number of the last day of which the time of day has come.
fn day_of(instant: i64, at: i64) -> i64 {
    (instant - at).div_euclid(DAY)
}

/// The number of the last month, from year 0, of which the instant has come.
fn month_of(instant: i64, day: u8, at: i64) -> i64 {
    let (year, month, _) = civil_from_days(instant.div_euclid(DAY));
    let this = year * 12 + month - 1;
    if in_month(this, day, at) <= instant { this } else { this - 1 }
}

/// The instant in a month.
fn in_month(month: i64, day: u8, at: i64) -> i64 {
    let start = |month: i64| days_from_civil(month.div_euclid(12), month.rem_euclid(12) + 1, 1);
    let (first, next) = (start(month), start(month + 1));
    (first + i64::from(day).min(next - first) - 1) * DAY + at
}
