//! The laws of trust, so that its arithmetic is exact and it is hard to earn and easy to lose.

use super::Check;
use super::schema::require;
use crate::model::Model;
use crate::policy::{Happening, Score, Trust};

/// A gain is never more than a loss, no loss more than a break costs, and nothing leaves the bounds.
pub(super) fn verify(model: &Model, trust: &Trust) -> Check {
    const MOST: i64 = 4_000_000;
    const SECOND: i64 = 1_000_000;
    let bounds = (1..=MOST).contains(&trust.ceiling) && (1..=MOST).contains(&trust.lowest);
    let half_life = (SECOND..=3_660 * 86_400 * SECOND).contains(&trust.half_life);
    let windows = [trust.window_short, trust.window_long];
    let whole = windows.iter().all(|window| window % 8_000 == 0 && *window >= 60 * SECOND);
    let ordered = trust.window_short < trust.window_long;
    let window = whole && ordered && trust.window_long / 256 <= trust.half_life;
    require(bounds && half_life && window, "the bounds, half-life or window of trust")?;
    require((1..=16).contains(&trust.sources), "the sources of trust")?;
    let most = trust.gains.iter().map(|gain| gain.amount).max().unwrap_or(0);
    let least = trust.losses.iter().map(|loss| loss.amount).min().unwrap_or(i64::MAX);
    let gains = trust.gains.iter().all(|gain| (1_000..=trust.ceiling).contains(&gain.amount));
    let losses = trust.losses.iter().all(|loss| (1_000..=trust.lowest).contains(&loss.amount));
    require(gains && losses && most <= least, "the amounts of trust")?;
    let dearest = trust.losses.iter().map(|loss| loss.amount).max().unwrap_or(1);
    require((dearest..=trust.lowest).contains(&trust.penalty), "the penalty of a break")?;
    require((trust.sources..=16).contains(&trust.recovery), "the claims that make it good")?;
    let once = |scores: &[Score]| {
        scores.iter().enumerate().all(|(k, score)| scores[..k].iter().all(|s| s.on != score.on))
    };
    require(once(&trust.gains) && once(&trust.losses), "two amounts for one happening")?;
    for score in trust.gains.iter().chain(&trust.losses) {
        let (index, count) = match score.on {
            Happening::Kept(p) | Happening::Broken(p) | Happening::Lapsed(p) => {
                (p, model.policy.predictions.len())
            }
            Happening::Rule(rule) => {
                let of = model.policy.rules.get(usize::from(rule));
                require(of.is_some_and(|rule| model.is_signed(rule)), "a gain that nobody signs")?;
                (rule, model.policy.rules.len())
            }
            Happening::Refused(role) => (role, model.schema.roles.len()),
        };
        require(usize::from(index) < count, "a happening that is not declared")?;
    }
    Ok(())
}
