//! The laws of trust, on random lives under random settings: what a promise may be worth, and that
//! anybody can recompute it.
//!
//! The account here shares only the table of decay with the product, and holds that to the powers of
//! two it stands for. It keeps the whole history, where the object keeps nine samples.

use aqo_model::policy::{Measure, Trust};
use aqo_model::slope::{SAMPLES, Slopes};
use aqo_model::trust::{DECAY, Gain, TrustState};
use aqo_tests::chance::Chance;
use std::collections::BTreeSet;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Random lives of each law.
const LIVES: u64 = 1_500;

/// Everything that ever happened, as the specification says it, in numbers of 128 bits.
struct Account {
    policy: Trust,
    born: i64,
    x: i128,
    t0: i64,
    /// Instant and jump of E, of every step with evidence.
    jumps: Vec<(i64, i128)>,
    /// Source, claim and grid number of every positive.
    said: Vec<(u32, u32, i64)>,
    /// Since the last break that is not made good: how many positives came before it.
    broken: Option<usize>,
}

impl Account {
    fn x_at(&self, now: i64) -> i128 {
        let half_life = i128::from(self.policy.half_life);
        let quanta = |t: i64| i128::from(t - self.born) * 256 / half_life;
        let passed = quanta(now) - quanta(self.t0);
        if self.x <= 0 || passed == 0 {
            return self.x;
        }
        if passed >= 64 * 256 {
            return 0;
        }
        let step = usize::try_from(passed % 256).expect("a number below 256");
        let scaled = if step == 0 { self.x } else { self.x * i128::from(DECAY[step]) / (1 << 32) };
        scaled >> (passed / 256)
    }

    fn e_at(&self, now: i64) -> i128 {
        self.x_at(now).div_euclid(1_024)
    }

    fn settle(&mut self, now: i64, losses: i64, gains: &[Gain], is_break: bool) {
        if losses == 0 && gains.is_empty() && !is_break {
            return;
        }
        let grid = (now - self.born) / (self.policy.window_long / 8);
        let newest = self.said.len().saturating_sub(16);
        let mut live: Vec<(u32, u32)> = (self.said[newest..].iter())
            .filter(|(_, _, stamp)| grid - stamp <= 8)
            .map(|(source, claim, _)| (*source, *claim))
            .collect();
        let mut sources: Vec<u32> = live.iter().map(|(source, _)| *source).collect();
        sources.extend(gains.iter().map(|gain| gain.source));
        sources.sort_unstable();
        sources.dedup();
        let all = i128::from(self.policy.sources);
        let diversity = i128::try_from(sources.len()).expect("few sources").min(all);
        let before = self.e_at(now);
        let (ceiling, lowest) =
            (i128::from(self.policy.ceiling), i128::from(self.policy.lowest) * 1_024);
        let mut x = self.x_at(now) - i128::from(losses) * 1_024;
        let mut ordered = gains.to_vec();
        ordered.sort_by_key(|gain| (gain.amount, gain.source, gain.claim));
        for gain in ordered {
            let same = live.iter().filter(|seen| **seen == (gain.source, gain.claim)).count();
            let repeats = i128::try_from(same.min(16)).expect("at most 16");
            let room = (ceiling - x.div_euclid(1_024)).max(0).min(ceiling);
            let worth = i128::from(gain.amount) * diversity * room;
            let rate = if self.broken.is_some() { 2 } else { 1 };
            x += worth / ((1 + repeats) * all * ceiling * rate) * 1_024;
            live.push((gain.source, gain.claim));
            self.said.push((gain.source, gain.claim, grid));
        }
        self.x = x.clamp(-lowest, ceiling * 1_024);
        if self.is_made_good(grid) {
            self.broken = None;
        }
        if is_break {
            let lost = self.x.min(0) - i128::from(self.policy.penalty) * 1_024;
            (self.x, self.broken) = (lost.max(-lowest), Some(self.said.len()));
        }
        self.t0 = now;
        self.jumps.push((now, self.e_at(now) - before));
    }

    /// Whether enough claims of enough sources stand among the newest sixteen, since the break.
    fn is_made_good(&self, grid: i64) -> bool {
        let Some(before) = self.broken else { return false };
        let from = self.said.len().saturating_sub(16).max(before);
        let live = self.said[from..].iter().filter(|(_, _, stamp)| grid - stamp <= 8);
        let claims: BTreeSet<(u32, u32)> =
            live.map(|(source, claim, _)| (*source, *claim)).collect();
        let sources: BTreeSet<u32> = claims.iter().map(|(source, _)| *source).collect();
        let enough = |count: usize, least: u8| count >= usize::from(least);
        enough(claims.len(), self.policy.recovery) && enough(sources.len(), self.policy.sources)
    }

    /// The slope over a window: what counts lies after the grid instant eight spans back.
    fn slope(&self, now: i64, window: i64) -> i128 {
        let span = window / 8;
        let from = self.born + ((now - self.born) / span - 8) * span;
        let counted = self.jumps.iter().filter(|(at, _)| *at > from && *at <= now);
        let moved: i128 = counted.map(|(_, jump)| *jump).sum();
        (moved * 86_400_000).div_euclid(i128::from(window / 1_000))
    }
}

fn settings(chance: &mut Chance) -> Trust {
    let window_short = MINUTE + 8_000 * chance.between(0, 3_000_000);
    let window_long = window_short + 8_000 * chance.between(1, 40_000_000);
    let lowest = chance.between(1_000, 4_000_000);
    let sources = if chance.percent(50) { chance.between(1, 4) } else { chance.between(1, 16) };
    Trust {
        gains: Vec::new(),
        losses: Vec::new(),
        half_life: chance.between((window_long / 256).max(HOUR), 400 * DAY),
        ceiling: chance.between(1_000, 4_000_000),
        lowest,
        penalty: chance.between(1_000, lowest),
        recovery: chance.between(sources, 16) as u8,
        window_short,
        window_long,
        sources: sources as u8,
    }
}

fn newborn(born: i64) -> TrustState {
    let kept = Some([0; SAMPLES]);
    TrustState::at_birth(born, Some(Slopes { sum: 0, short: kept, long: kept }))
}

fn gain(chance: &mut Chance, policy: &Trust) -> Gain {
    let amount = chance.between(1_000, policy.ceiling.min(policy.lowest).max(1_000));
    Gain { amount, source: chance.below(4) as u32, claim: chance.below(6) as u32 }
}

/// Some time: none, a moment, a part of a window, several half-lives.
fn pause(chance: &mut Chance, policy: &Trust) -> i64 {
    match chance.below(6) {
        0 => 0,
        1 => chance.between(0, 2 * SECOND),
        2 => policy.window_short / 8,
        3 => chance.between(0, 2 * policy.window_short),
        4 => chance.between(0, 2 * policy.window_long),
        _ => chance.between(0, 5 * policy.half_life),
    }
}

/// Lives through steps of evidence, and shows the state before each, at its instant.
fn live(seed: u64, mut see: impl FnMut(&mut Chance, &Trust, &TrustState, i64, i64)) {
    let mut chance = Chance::new(seed);
    let policy = settings(&mut chance);
    let born = chance.between(0, 60 * 365 * DAY);
    let mut state = newborn(born);
    let mut now = born;
    for _ in 0..24 {
        now += pause(&mut chance, &policy);
        see(&mut chance, &policy, &state, born, now);
        let losses = if chance.percent(40) { chance.between(1_000, policy.lowest) } else { 0 };
        let count = chance.below(4);
        let mut gains: Vec<Gain> = (0..count).map(|_| gain(&mut chance, &policy)).collect();
        let is_break = chance.percent(10);
        state.settle(&policy, (born, now), losses, &mut gains, is_break);
    }
}

fn e(state: &TrustState, policy: &Trust, born: i64, now: i64) -> i64 {
    state.read(policy, born, now, 0)
}

#[test]
fn the_table_of_decay_holds_the_powers_of_two() {
    for (step, factor) in DECAY.iter().enumerate() {
        let exact = 2f64.powi(32) * 2f64.powf(-(step as f64) / 256.0);
        assert!((exact - *factor as f64).abs() <= 0.5 + 1e-5, "step {step}");
    }
}

#[test]
fn anybody_can_recompute_it() {
    let (mut evidence, mut breaks, mut ended) = (0, 0, 0);
    for seed in 0..LIVES {
        let mut chance = Chance::new(seed);
        let policy = settings(&mut chance);
        let born = chance.between(0, 60 * 365 * DAY);
        let mut state = newborn(born);
        let (jumps, said) = (Vec::new(), Vec::new());
        let (x, t0, broken) = (0, born, None);
        let mut account = Account { policy: policy.clone(), born, x, t0, jumps, said, broken };
        let mut now = born;
        for _ in 0..40 {
            now += pause(&mut chance, &policy);
            let losses = if chance.percent(40) { chance.between(1_000, policy.lowest) } else { 0 };
            let count = chance.below(4);
            let mut gains: Vec<Gain> = (0..count).map(|_| gain(&mut chance, &policy)).collect();
            let is_break = chance.percent(8);
            let was = account.broken;
            account.settle(now, losses, &gains, is_break);
            evidence += usize::from(losses > 0 || !gains.is_empty());
            breaks += usize::from(is_break);
            ended += usize::from(was.is_some() && account.broken.is_none());
            state.settle(&policy, (born, now), losses, &mut gains, is_break);
            assert_eq!(i128::from(state.x), account.x, "seed {seed}");
            assert_eq!(state.recovering, account.broken.is_some(), "seed {seed}");
            for later in [0, 1, pause(&mut chance, &policy)] {
                let at = now + later;
                let measure = |of| i128::from(state.measure(&policy, (born, at), 0, of));
                assert_eq!(measure(Measure::Trust), account.e_at(at), "seed {seed}");
                let short = account.slope(at, policy.window_short);
                assert_eq!(measure(Measure::Slope), short, "seed {seed}, {later} later");
                let long = account.slope(at, policy.window_long);
                assert_eq!(measure(Measure::SlopeLong), long, "seed {seed}, {later} later");
            }
        }
    }
    assert!(evidence > 20_000, "{evidence} steps with evidence");
    assert!(breaks > 3_000 && ended > 300, "{breaks} breaks, {ended} made good");
}

#[test]
fn it_stays_in_its_range_and_time_never_raises_it() {
    for seed in 0..LIVES {
        live(seed, |chance, policy, state, born, now| {
            let found = e(state, policy, born, now);
            assert!((-policy.lowest..=policy.ceiling).contains(&found), "seed {seed}");
            let mut at = now;
            let mut last = found;
            for _ in 0..6 {
                at += pause(chance, policy);
                let later = e(state, policy, born, at);
                assert!(later <= last, "seed {seed}: silence raised it");
                last = later;
            }
            // A step without evidence leaves nothing.
            let mut idle = state.clone();
            idle.settle(policy, (born, now), 0, &mut [], false);
            assert_eq!(&idle, state, "seed {seed}");
        });
    }
}

#[test]
fn a_loss_outweighs_an_equal_gain() {
    let mut cut = 0;
    for seed in 0..LIVES {
        live(seed, |chance, policy, state, born, now| {
            let found = e(state, policy, born, now);
            let good = gain(chance, policy);
            let loss = chance.between(good.amount, policy.lowest.max(good.amount));
            let after = |steps: &[(i64, &[Gain])]| {
                let mut state = state.clone();
                for (losses, gains) in steps {
                    state.settle(policy, (born, now), *losses, &mut gains.to_vec(), false);
                }
                e(&state, policy, born, now)
            };
            assert!(after(&[(loss, &[good])]) <= found, "seed {seed}: in one step");
            assert!(after(&[(0, &[good]), (loss, &[])]) <= found, "seed {seed}: gain, then loss");
            let turned = after(&[(loss, &[]), (0, &[good])]);
            if found - loss >= -policy.lowest {
                assert!(turned <= found, "seed {seed}: loss, then gain");
            } else {
                cut += 1;
                assert!(turned <= -policy.lowest + good.amount, "seed {seed}: cut at the lowest");
            }
        });
    }
    assert!(cut > 100, "{cut} losses were cut at the lowest");
}

#[test]
fn gains_fade_towards_the_ceiling_and_always_leave_zero() {
    for seed in 0..LIVES {
        live(seed, |chance, policy, state, born, now| {
            let good = gain(chance, policy);
            let won = |x: i64| {
                let mut state = TrustState { x: x << 10, t0: now, ..state.clone() };
                state.settle(policy, (born, now), 0, &mut [good], false);
                e(&state, policy, born, now) - x
            };
            let low = chance.between(0, policy.ceiling);
            let high = chance.between(low, policy.ceiling);
            assert!(won(high) <= won(low), "seed {seed}: more trust, larger gain");
            assert_eq!(won(policy.ceiling), 0, "seed {seed}: at the ceiling");
            assert!(won(0) > 0, "seed {seed}: the first evidence counts");
            assert!(won(-chance.between(1, policy.lowest)) > 0, "seed {seed}: below zero too");
        });
    }
}

#[test]
fn the_order_of_what_is_said_in_one_step_does_not_matter() {
    for seed in 0..LIVES {
        live(seed, |chance, policy, state, born, now| {
            let mut gains: Vec<Gain> = (0..5).map(|_| gain(chance, policy)).collect();
            let mut first = state.clone();
            first.settle(policy, (born, now), 2_000, &mut gains.clone(), false);
            for turn in 0..4 {
                let other = chance.below(5) as usize;
                gains.swap(turn, other);
                let mut second = state.clone();
                second.settle(policy, (born, now), 2_000, &mut gains.clone(), false);
                assert_eq!(first, second, "seed {seed}");
            }
        });
    }
}

#[test]
fn a_sudden_drop_shuts_a_slope_gate_for_one_window_and_at_most_an_eighth_more() {
    for seed in 0..LIVES {
        let mut chance = Chance::new(seed);
        let policy = settings(&mut chance);
        let born = chance.between(0, 60 * 365 * DAY);
        let mut state = newborn(born);
        let fall = born + pause(&mut chance, &policy);
        state.settle(&policy, (born, fall), chance.between(1_000, policy.lowest), &mut [], false);
        for (measure, window) in
            [(Measure::Slope, policy.window_short), (Measure::SlopeLong, policy.window_long)]
        {
            let is_open = |at: i64| state.measure(&policy, (born, at), 0, measure) >= 0;
            let span = window / 8;
            for part in 0..8 {
                let at = fall + part * span + chance.between(0, span - 1);
                assert!(!is_open(at), "seed {seed}: open {part} spans after the fall");
            }
            assert!(!is_open(fall + window - 1), "seed {seed}: open before a window has passed");
            let later = fall + window + span;
            assert!(is_open(later), "seed {seed}: shut after 9/8 of a window");
            // It opens at an instant of the grid, and stays open.
            let opens = (fall..=later).step_by(usize::try_from(span / 4 + 1).unwrap());
            let shut: Vec<bool> = opens.map(|at| !is_open(at)).collect();
            assert!(shut.is_sorted_by(|a, b| a >= b), "seed {seed}: it opened twice");
        }
    }
}

/// A break is worth exactly the penalty below zero, and no more trust than there was.
#[test]
fn a_break_takes_what_was_earned_and_the_penalty() {
    let mut cut = 0;
    for seed in 0..LIVES {
        live(seed, |_, policy, state, born, now| {
            let found = e(state, policy, born, now);
            let mut broken = state.clone();
            broken.settle(policy, (born, now), 0, &mut [], true);
            let exact = i128::from(state.x.min(0)) - i128::from(policy.penalty) * 1_024;
            let least = -i128::from(policy.lowest) * 1_024;
            assert_eq!(i128::from(broken.x), exact.max(least), "seed {seed}");
            assert!(e(&broken, policy, born, now) <= found.min(0), "seed {seed}");
            assert!(broken.recovering && broken.ring.iter().all(|said| !said.since_break));
            let kept = |state: &TrustState| -> Vec<(u32, u32, u32)> {
                state.ring.iter().map(|said| (said.source, said.claim, said.stamp)).collect()
            };
            assert_eq!(kept(&broken), kept(state), "seed {seed}: a break makes nothing novel");
            cut += usize::from(exact < least);
        });
    }
    assert!(cut > 1_000, "{cut} breaks were cut at the lowest");
}

#[test]
fn in_recovery_a_gain_is_worth_at_most_half() {
    for seed in 0..LIVES {
        live(seed, |chance, policy, state, born, now| {
            let good = gain(chance, policy);
            let won = |recovering: bool| {
                let mut state = TrustState { recovering, ..state.clone() };
                let found = e(&state, policy, born, now);
                state.settle(policy, (born, now), 0, &mut [good], false);
                e(&state, policy, born, now) - found
            };
            assert!(2 * won(true) <= won(false), "seed {seed}");
        });
    }
}

/// Losses and gains of the step of a break come before it, and their claims do not make it good.
#[test]
fn a_break_comes_last_in_its_step() {
    for seed in 0..LIVES {
        live(seed, |chance, policy, state, born, now| {
            let losses = chance.between(0, policy.lowest);
            let gains: Vec<Gain> = (0..chance.below(6)).map(|_| gain(chance, policy)).collect();
            let (mut together, mut apart) = (state.clone(), state.clone());
            together.settle(policy, (born, now), losses, &mut gains.clone(), true);
            apart.settle(policy, (born, now), losses, &mut gains.clone(), false);
            apart.settle(policy, (born, now), 0, &mut [], true);
            assert_eq!(together, apart, "seed {seed}");
            // The other way round, what was said counts for making it good.
            let mut after = state.clone();
            after.settle(policy, (born, now), 0, &mut [], true);
            after.settle(policy, (born, now), losses, &mut gains.clone(), false);
            let since = after.ring.iter().filter(|said| said.since_break).count();
            assert_eq!(since, gains.len(), "seed {seed}");
        });
    }
}

/// Recovery ends with the claim that is enough, not before: the same said again is no other.
#[test]
fn recovery_ends_with_enough_claims_of_enough_sources() {
    let (mut by_claims, mut by_sources) = (0, 0);
    for seed in 0..LIVES {
        let mut chance = Chance::new(seed);
        let policy = settings(&mut chance);
        let mut state = newborn(0);
        state.settle(&policy, (0, HOUR), 0, &mut [], true);
        let (mut claims, mut sources) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..16 {
            let source = chance.below(2 * u64::from(policy.sources)) as u32;
            let good = Gain { amount: 1_000, source, claim: chance.below(5) as u32 };
            assert!(state.recovering, "seed {seed}: it ended before");
            claims.insert((good.source, good.claim));
            sources.insert(good.source);
            state.settle(&policy, (0, HOUR), 0, &mut [good], false);
            let said = claims.len() >= usize::from(policy.recovery);
            let several = sources.len() >= usize::from(policy.sources);
            assert_eq!(state.recovering, !(said && several), "seed {seed}");
            by_claims += usize::from(said && !several);
            by_sources += usize::from(!said && several);
            if !state.recovering {
                break;
            }
        }
    }
    assert!(by_claims > 100 && by_sources > 100, "{by_claims} and {by_sources} were not enough");
}

/// The laws that hold for trust as a whole hold for what a break costs, and for what makes it good.
#[test]
fn no_model_breaks_the_laws_of_a_break() {
    let judged = |change: fn(&mut Trust)| {
        let mut model = aqo_tests::models::thermostat();
        model.policy.trust.iter_mut().for_each(change);
        aqo_model::verify::verify(&model).is_ok()
    };
    assert!(judged(|trust| (trust.penalty, trust.recovery) = (200_000, 1)));
    assert!(judged(|trust| (trust.penalty, trust.recovery) = (1_000_000, 16)));
    assert!(!judged(|trust| trust.penalty = 199_999), "less than a loss");
    assert!(!judged(|trust| trust.penalty = 1_000_001), "more than there is");
    assert!(!judged(|trust| (trust.losses, trust.penalty) = (Vec::new(), 0)), "nothing");
    assert!(!judged(|trust| trust.recovery = 0));
    assert!(!judged(|trust| trust.recovery = 17));
    assert!(!judged(|trust| (trust.sources, trust.recovery) = (4, 3)), "fewer than sources");
    assert!(judged(|trust| (trust.sources, trust.recovery) = (4, 4)));
}
