//! Trust: what kept and broken promises are worth, in integers.
//!
//! E lies in `-lowest ..= ceiling`, in millionths. It is kept as X = E * 1024 at the instant t0 of
//! the last evidence, and while positive it halves every half-life, by quanta of half_life / 256
//! counted from birth. It is written only by a step with evidence, so time alone leaves no trace.
//! All products fit 64 bits.

use crate::image::State;
use crate::model::Model;
use crate::policy::{Measure, Trust};
use crate::slope::{Slopes, Standing};
use crate::text::show_decimal;

/// Guard bits of X.
const GUARD: u32 = 10;
/// A millionth, as X counts it.
pub const ONE: i64 = 1 << GUARD;
/// How many positives novelty remembers.
const RING: usize = 16;
/// Quanta after which no trust is left: 22 half-lives.
pub const EMPTIED: i64 = 22 * 256;
/// How much less a gain is worth in recovery.
const RECOVERY: i64 = 2;

/// Trust, as an image keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustState {
    /// E at `t0`, in 1/1024 millionths.
    pub x: i64,
    /// The last evidence; birth before the first.
    pub t0: i64,
    /// Whether a break has not yet been made good.
    pub recovering: bool,
    /// The newest positives, oldest first.
    pub ring: Vec<Positive>,
    /// What its slopes are read from, where any is read.
    pub slopes: Option<Slopes>,
}

/// A positive that novelty remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positive {
    /// Who said so.
    pub source: u32,
    /// What was said.
    pub claim: u32,
    /// When: the number of the grid instant before.
    pub stamp: u32,
    /// Whether it came after the last break.
    pub since_break: bool,
}

/// A positive of the present step. Ordered as it is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gain {
    /// In millionths.
    pub amount: i64,
    /// Who says so.
    pub source: u32,
    /// What is said.
    pub claim: u32,
}

/// The number of whole quanta of decay from birth to `t`.
fn quanta(t: i64, born: i64, half_life: i64) -> i64 {
    // Ages fit 54 bits, so 256 times an age fits 63.
    (t - born) * 256 / half_life
}

/// X after `quanta` of decay.
pub fn decay(x: i64, quanta: i64) -> i64 {
    let (halvings, step) = (quanta >> 8, quanta & 255);
    if x <= 0 || quanta <= 0 {
        return x;
    }
    if halvings > 63 {
        return 0;
    }
    let factor = DECAY[usize::try_from(step).expect("a number below 256")];
    let scaled = if step == 0 { x as u64 } else { (x as u64).wrapping_mul(factor) >> 32 };
    (scaled >> halvings) as i64
}

impl TrustState {
    /// No trust, at birth.
    pub fn at_birth(born: i64, slopes: Option<Slopes>) -> TrustState {
        TrustState { x: 0, t0: born, recovering: false, ring: Vec::new(), slopes }
    }

    /// X at `now`.
    fn x_at(&self, policy: &Trust, born: i64, now: i64) -> i64 {
        let passed = quanta(now, born, policy.half_life) - quanta(self.t0, born, policy.half_life);
        decay(self.x, passed)
    }

    /// What rules read: E at `now` less the losses of the step so far, in millionths.
    pub fn read(&self, policy: &Trust, born: i64, now: i64, losses: i64) -> i64 {
        ((self.x_at(policy, born, now) >> GUARD) - losses).max(-policy.lowest)
    }

    /// The first instant after `now` at which E is less than this, in millionths, if nothing but time
    /// passes; `None` where it is so already, or never will be.
    pub fn falls_below(&self, policy: &Trust, (born, now): (i64, i64), below: i64) -> Option<i64> {
        if below <= 0 || self.read(policy, born, now, 0) < below {
            return None;
        }
        let from = quanta(self.t0, born, policy.half_life);
        // It is not less after so many quanta, and is after so many: nothing is left after those.
        let mut not_yet = quanta(now, born, policy.half_life) - from;
        let mut less = EMPTIED;
        while less - not_yet > 1 {
            let middle = (less + not_yet) / 2;
            if decay(self.x, middle) >> GUARD < below { less = middle } else { not_yet = middle }
        }
        Some(born.saturating_add(((from + less) * policy.half_life + 255) / 256))
    }

    /// What rules read of trust or of a slope of it, in millionths (a day).
    pub fn measure(
        &self,
        policy: &Trust,
        (born, now): (i64, i64),
        losses: i64,
        measure: Measure,
    ) -> i64 {
        let e = self.read(policy, born, now, losses);
        match (measure, &self.slopes) {
            (Measure::Trust, _) => e,
            (Measure::Slope | Measure::SlopeLong, None) => 0,
            (Measure::Slope | Measure::SlopeLong, Some(slopes)) => {
                let pending = e - (self.x_at(policy, born, now) >> GUARD);
                slopes.read(policy, Standing { born, t0: self.t0, now }, measure, pending)
            }
        }
    }

    /// Applies the evidence of a step, once, at its end. `gains` are sorted here; a break comes last.
    pub fn settle(
        &mut self,
        policy: &Trust,
        (born, now): (i64, i64),
        losses: i64,
        gains: &mut [Gain],
        is_break: bool,
    ) {
        if losses == 0 && gains.is_empty() && !is_break {
            return;
        }
        gains.sort_unstable();
        let grid = (now - born) / (policy.window_long / 8);
        let found = self.x_at(policy, born, now);
        let mut x = found - (losses << GUARD);
        let mut live: Vec<(u32, u32)> = (self.ring.iter())
            .filter(|p| grid - i64::from(p.stamp) <= 8)
            .map(|p| (p.source, p.claim))
            .collect();
        let sources = i64::from(policy.sources);
        let diversity =
            distinct(live.iter().map(|(s, _)| *s).chain(gains.iter().map(|g| g.source)));
        let diversity = diversity.min(sources);
        let rate = if self.recovering { RECOVERY } else { 1 };
        for gain in gains.iter() {
            let claim = (gain.source, gain.claim);
            let repeats = live.iter().filter(|seen| **seen == claim).count().min(RING) as i64;
            let room = (policy.ceiling - (x >> GUARD)).clamp(0, policy.ceiling);
            x += (gain.amount * diversity * room
                / ((1 + repeats) * sources * policy.ceiling * rate))
                << GUARD;
            live.push(claim);
            self.ring.push(Positive {
                source: gain.source,
                claim: gain.claim,
                stamp: grid as u32,
                since_break: true,
            });
        }
        let surplus = self.ring.len().saturating_sub(RING);
        self.ring.drain(..surplus);
        let lowest = -(policy.lowest << GUARD);
        self.x = x.clamp(lowest, policy.ceiling << GUARD);
        self.recovering &= !self.is_recovered(policy, grid);
        if is_break {
            self.x = (self.x.min(0) - (policy.penalty << GUARD)).max(lowest);
            self.recovering = true;
            self.date_before_break();
        }
        if let Some(slopes) = &mut self.slopes {
            slopes.fill(policy, Standing { born, t0: self.t0, now });
            let jump = (self.x >> GUARD) - (found >> GUARD);
            slopes.sum = slopes.sum.wrapping_add(jump as i32);
        }
        self.t0 = now;
    }

    /// Whether what has been said since the last break, and is remembered, makes it good.
    fn is_recovered(&self, policy: &Trust, grid: i64) -> bool {
        let since = self.ring.iter().filter(|p| p.since_break && grid - i64::from(p.stamp) <= 8);
        let mut claims: Vec<(u32, u32)> = since.map(|p| (p.source, p.claim)).collect();
        claims.sort_unstable();
        claims.dedup();
        claims.len() >= usize::from(policy.recovery)
            && distinct(claims.iter().map(|(source, _)| *source)) >= i64::from(policy.sources)
    }

    /// What has been said comes before the break. It stays remembered: a break makes nothing novel.
    pub(crate) fn date_before_break(&mut self) {
        self.ring.iter_mut().for_each(|p| p.since_break = false);
    }
}

/// Trust at an instant, as text; `None` where it is not declared.
pub fn show(model: &Model, state: &State, now: i64) -> Option<String> {
    let (policy, trust) = (model.policy.trust.as_ref()?, state.trust.as_ref()?);
    Some(show_decimal(trust.read(policy, state.born, now, 0), 6))
}

fn distinct(sources: impl Iterator<Item = u32>) -> i64 {
    let mut sources: Vec<u32> = sources.collect();
    sources.sort_unstable();
    sources.dedup();
    sources.len() as i64
}

/// The source of a signer: the first four bytes of his key, marked.
pub fn signer(key: &crate::value::Bytes32) -> u32 {
    u32::from_le_bytes([key.0[0], key.0[1], key.0[2], key.0[3]]) | 1 << 31
}

/// The claim of a happening (FNV-1a, 32 bits): 0 and a prediction, or 1, a rule and its parameters.
pub fn claim(kind: u8, number: u16, params: &[u8]) -> u32 {
    let number = number.to_le_bytes();
    let bytes = std::iter::once(kind).chain(number).chain(params.iter().copied());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// round(2^32 * 2^(-s/256))
#[rustfmt::skip]
pub const DECAY: [u64; 256] = [
    4294967296, 4283353945, 4271771996, 4260221365, 4248701965, 4237213713, 4225756525, 4214330316,
    4202935003, 4191570503, 4180236731, 4168933606, 4157661043, 4146418961, 4135207276, 4124025908,
    4112874773, 4101753790, 4090662878, 4079601955, 4068570940, 4057569753, 4046598312, 4035656537,
    4024744348, 4013861665, 4003008408, 3992184498, 3981389855, 3970624400, 3959888054, 3949180739,
    3938502376, 3927852886, 3917232192, 3906640216, 3896076880, 3885542107, 3875035819, 3864557939,
    3854108391, 3843687099, 3833293984, 3822928972, 3812591987, 3802282952, 3792001792, 3781748432,
    3771522796, 3761324810, 3751154399, 3741011488, 3730896002, 3720807869, 3710747013, 3700713361,
    3690706840, 3680727376, 3670774895, 3660849326, 3650950594, 3641078629, 3631233356, 3621414705,
    3611622603, 3601856978, 3592117759, 3582404874, 3572718252, 3563057822, 3553423514, 3543815256,
    3534232978, 3524676610, 3515146082, 3505641324, 3496162267, 3486708840, 3477280975, 3467878602,
    3458501653, 3449150059, 3439823750, 3430522660, 3421246719, 3411995860, 3402770014, 3393569115,
    3384393094, 3375241885, 3366115421, 3357013633, 3347936457, 3338883824, 3329855670, 3320851927,
    3311872529, 3302917412, 3293986508, 3285079754, 3276197082, 3267338429, 3258503729, 3249692918,
    3240905930, 3232142703, 3223403170, 3214687269, 3205994934, 3197326104, 3188680714, 3180058700,
    3171459999, 3162884549, 3154332287, 3145803149, 3137297074, 3128813999, 3120353861, 3111916599,
    3103502151, 3095110456, 3086741451, 3078395075, 3070071267, 3061769967, 3053491112, 3045234644,
    3037000500, 3028788621, 3020598946, 3012431416, 3004285971, 2996162550, 2988061094, 2979981545,
    2971923842, 2963887926, 2955873740, 2947881223, 2939910317, 2931960965, 2924033107, 2916126685,
    2908241642, 2900377920, 2892535461, 2884714207, 2876914102, 2869135087, 2861377107, 2853640104,
    2845924021, 2838228802, 2830554390, 2822900730, 2815267765, 2807655439, 2800063696, 2792492481,
    2784941738, 2777411411, 2769901447, 2762411789, 2754942382, 2747493172, 2740064105, 2732655125,
    2725266179, 2717897212, 2710548171, 2703219000, 2695909648, 2688620059, 2681350181, 2674099961,
    2666869345, 2659658279, 2652466713, 2645294591, 2638141863, 2631008476, 2623894376, 2616799513,
    2609723834, 2602667287, 2595629821, 2588611383, 2581611923, 2574631389, 2567669730, 2560726895,
    2553802834, 2546897494, 2540010826, 2533142779, 2526293303, 2519462348, 2512649863, 2505855799,
    2499080105, 2492322733, 2485583632, 2478862753, 2472160047, 2465475465, 2458808958, 2452160476,
    2445529972, 2438917396, 2432322700, 2425745836, 2419186755, 2412645410, 2406121752, 2399615734,
    2393127307, 2386656425, 2380203040, 2373767105, 2367348571, 2360947394, 2354563524, 2348196917,
    2341847524, 2335515300, 2329200197, 2322902170, 2316621173, 2310357160, 2304110083, 2297879899,
    2291666561, 2285470023, 2279290240, 2273127167, 2266980759, 2260850970, 2254737756, 2248641071,
    2242560872, 2236497113, 2230449750, 2224418739, 2218404036, 2212405596, 2206423375, 2200457330,
    2194507417, 2188573592, 2182655811, 2176754033, 2170868212, 2164998306, 2159144272, 2153306067,
];

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;

    fn policy() -> Trust {
        Trust {
            gains: Vec::new(),
            losses: Vec::new(),
            half_life: 7 * DAY,
            ceiling: 1_000_000,
            lowest: 1_000_000,
            window_short: DAY,
            window_long: 14 * DAY,
            sources: 1,
            penalty: 500_000,
            recovery: 3,
        }
    }

    fn gain(amount: i64, source: u32, claim: u32) -> Gain {
        Gain { amount, source, claim }
    }

    #[test]
    fn decay_agrees_with_the_vectors() {
        let cases = [
            (0, 1_024_000_000),
            (1, 1_021_231_161),
            (255, 513_388_172),
            (256, 512_000_000),
            (257, 510_615_580),
            (5632, 244),
        ];
        for (quanta, x) in cases {
            assert_eq!(decay(1_024_000_000, quanta), x);
        }
        for (quanta, x) in [(1, 4_084_924_645), (5631, 979), (5632, 976), (8191, 0), (8192, 0)] {
            assert_eq!(decay(4_096_000_000, quanta), x);
        }
        assert_eq!(decay(-5, 300), -5);
    }

    /// What the published life of one object shows after a step.
    #[derive(Debug, PartialEq, Eq)]
    struct Shown {
        x: i64,
        a: i32,
        e: i64,
        slope: i64,
        slope_long: i64,
        recovering: bool,
    }

    /// Stands for a break where losses do.
    const BREAK: i64 = -1;

    /// The published life of one object: instant, losses, gains, and what is seen afterwards.
    #[test]
    fn a_life_agrees_with_the_vectors() {
        let p = policy();
        let kept = Some([0; crate::slope::SAMPLES]);
        let slopes = Slopes { sum: 0, short: kept, long: kept };
        let mut state = TrustState::at_birth(0, Some(slopes));
        let g = 200_000;
        let several = || vec![gain(g, 9, 3), gain(g, 9, 4), gain(g, 9, 3)];
        let twenty = || (20..40).map(|claim| gain(g, 9, claim)).collect();
        let none = Vec::new;
        #[rustfmt::skip]
        let rows = [
            (0, 0, none(), [0, 0, 0, 0, 0]),
            (HOUR, 0, vec![gain(20_000, 1, 1)], [20_480_000, 20_000, 20_000, 20_000, 1_428]),
            (HOUR, 0, vec![gain(20_000, 1, 1)], [30_515_200, 29_800, 29_800, 29_800, 2_128]),
            (2 * HOUR, 0, vec![gain(g, 9, 2)], [229_080_128, 223_872, 223_711, 223_872, 15_990]),
            (3 * HOUR, 0, none(), [229_080_128, 223_872, 223_106, 223_872, 15_990]),
            (12 * HOUR, 0, several(), [560_873_752, 556_793, 547_728, 556_793, 39_770]),
            (7 * DAY, 0, none(), [560_873_752, 556_793, 287_542, 0, 39_770]),
            (8 * DAY, g, vec![gain(g, 9, 9)], [254_636_930, 544_625, 248_668, -12_168, 38_901]),
            (9 * DAY - 1, 0, none(), [254_636_930, 544_625, 224_964, -12_168, 38_901]),
            (9 * DAY, 0, none(), [254_636_930, 544_625, 224_964, 0, 38_901]),
            (10 * DAY, 3 * g, none(), [-405_431_510, -55_375, -395_930, -600_000, -3_956]),
            (10 * DAY + 3 * HOUR, 3 * g, vec![gain(g, 9, 10)],
                [-815_031_510, -455_375, -795_930, -1_000_000, -32_527]),
            (11 * DAY, 0, none(), [-815_031_510, -455_375, -795_930, -400_000, -32_527]),
            (11 * DAY + 3 * HOUR, 0, none(), [-815_031_510, -455_375, -795_930, 0, -32_527]),
            (12 * DAY, 0, vec![gain(g, 9, 5)],
                [-610_231_510, -255_375, -595_930, 200_000, -18_242]),
            (13 * DAY, BREAK, none(), [-1_024_000_000, -659_445, -1_000_000, -404_070, -47_104]),
            (13 * DAY, 0, vec![gain(g, 9, 6)],
                [-921_600_000, -559_445, -900_000, -304_070, -39_961]),
            (14 * DAY, 0, vec![gain(g, 9, 7), gain(20_000, 1, 1)],
                [-815_787_008, -456_112, -796_667, 103_333, -32_580]),
            (15 * DAY, 0, vec![gain(g, 9, 8)],
                [-610_987_008, -256_112, -596_667, 200_000, -18_294]),
            (60 * DAY, 0, vec![gain(g, 9, 8)],
                [-406_187_008, -56_112, -396_667, 200_000, 14_285]),
            (60 * DAY, 0, twenty(), [1_005_613_056, 1_322_599, 982_044, 1_578_711, 112_765]),
            (67 * DAY, 0, none(), [1_005_613_056, 1_322_599, 491_022, 0, 112_765]),
            (220 * DAY, 0, none(), [1_005_613_056, 1_322_599, 0, 0, 0]),
        ];
        for (row, (now, losses, mut gains, [x, a, e, slope, slope_long])) in
            rows.into_iter().enumerate()
        {
            let is_break = losses == BREAK;
            let losses = if is_break { 0 } else { losses };
            state.settle(&p, (0, now), losses, &mut gains, is_break);
            let measure = |of| state.measure(&p, (0, now), 0, of);
            let shown = Shown {
                x: state.x,
                a: state.slopes.as_ref().map_or(0, |slopes| slopes.sum),
                e: measure(Measure::Trust),
                slope: measure(Measure::Slope),
                slope_long: measure(Measure::SlopeLong),
                recovering: state.recovering,
            };
            let a = i32::try_from(a).unwrap();
            let recovering = (15..=16).contains(&row);
            assert_eq!(shown, Shown { x, a, e, slope, slope_long, recovering }, "row {row}");
        }
    }

    /// The instant at which trust falls below a bound is the first one: not a microsecond too late.
    #[test]
    fn a_fall_is_foreseen_to_the_microsecond() {
        let mut falls = 0;
        for half_life in [1_000_000, HOUR, 7 * DAY + 12_345, 3_660 * DAY] {
            let p = Trust { half_life, ..policy() };
            for (x, below) in
                [(1_024_000_000, 500_000), (204_800_000, 1), (30_515_200, 29_799), (5_120, 5)]
            {
                for (t0, now) in [(0, 0), (HOUR + 7, HOUR + 7), (DAY, DAY + half_life / 3)] {
                    let state = TrustState { x, t0, ..TrustState::at_birth(0, None) };
                    let e = |t| state.read(&p, 0, t, 0);
                    match state.falls_below(&p, (0, now), below) {
                        Some(at) => {
                            assert!(e(at) < below && e(at - 1) >= below && at > now);
                            falls += 1;
                        }
                        None => assert!(e(now) < below),
                    }
                }
            }
        }
        assert!(falls > 30, "{falls}");
        let state = TrustState { x: -5 * ONE, ..TrustState::at_birth(0, None) };
        assert_eq!(state.falls_below(&policy(), (0, 0), 0), None, "what is lost stays lost");
        assert_eq!(state.falls_below(&policy(), (0, 0), -9), None);
    }

    #[test]
    fn laws() {
        let p = policy();
        // A gain and an equal loss in one step leave E no higher, in whatever order they came.
        let mut state = TrustState::at_birth(0, None);
        state.settle(&p, (0, HOUR), 50_000, &mut [gain(50_000, 1, 1)], false);
        assert!(state.read(&p, 0, HOUR, 0) <= 0);
        // Losses stop at the lowest bound, gains at the ceiling.
        state.settle(&p, (0, 2 * HOUR), 9_000_000, &mut [], false);
        assert_eq!(state.read(&p, 0, 2 * HOUR, 0), -1_000_000);
        for k in 0..2_000 {
            let before = state.read(&p, 0, 2 * HOUR, 0);
            state.settle(&p, (0, 2 * HOUR), 0, &mut [gain(200_000, k, k)], false);
            let after = state.read(&p, 0, 2 * HOUR, 0);
            assert!(before <= after && after <= 1_000_000);
        }
        // Time alone never raises it.
        let later: Vec<i64> =
            (0..50).map(|k| state.read(&p, 0, 2 * HOUR + k * 12 * HOUR, 0)).collect();
        assert!(later.is_sorted_by(|a, b| a >= b));
    }
}
