//! The slope of trust: how much evidence has moved it lately, a day.
//!
//! Beside E an object keeps A, the running sum of all jumps of E by evidence, and for each slope that
//! it reads nine samples of A, at instants of a grid of an eighth of the window from birth on. Decay
//! is no evidence, so silence leaves nothing to keep: samples are written only by a step with
//! evidence, and are functions of what that step found.

use crate::layout::SlopeSlots;
use crate::model::Model;
use crate::policy::{Measure, Trust};

/// Samples of a slope: the ends of eight spans, and the one that ends now.
pub const SAMPLES: usize = 9;
/// Spans of the grid in a window.
pub const SPANS: i64 = 8;
/// Instants of the grid after the last evidence at which a slope may change by time alone, and the one
/// that may be under way.
pub const GRID: i64 = 10;
/// The most that a slope comes to, in millionths a day, either way: every jump of 31 bits in the
/// shortest window.
pub const MOST: i64 = (1 << 31) * (DAY / 60_000_000);
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// What an object keeps for its slopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slopes {
    /// A: the sum of the jumps of E by evidence, in millionths. It wraps.
    pub sum: i32,
    /// Samples for `slope`, by the number of their instant modulo [`SAMPLES`].
    pub short: Option<[i32; SAMPLES]>,
    /// Samples for `slope_long`.
    pub long: Option<[i32; SAMPLES]>,
}

/// Where an object stands when its slopes are read or written.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The instant of birth.
    pub born: i64,
    /// The last evidence; birth before the first.
    pub t0: i64,
    /// The present.
    pub now: i64,
}

impl Slopes {
    /// At birth, with what the Model reads; `None` where it reads no slope.
    pub fn at_birth(model: &Model) -> Option<Slopes> {
        let kept = |measure| model.reads(measure).then_some([0; SAMPLES]);
        let slopes = Slopes { sum: 0, short: kept(Measure::Slope), long: kept(Measure::SlopeLong) };
        (slopes.short.is_some() || slopes.long.is_some()).then_some(slopes)
    }

    /// Writes the samples of the instants that have passed since the last evidence.
    pub fn fill(&mut self, policy: &Trust, at: Standing) {
        let (sum, windows) = (self.sum, [policy.window_short, policy.window_long]);
        for (samples, window) in [&mut self.short, &mut self.long].into_iter().zip(windows) {
            let Some(samples) = samples else { continue };
            let span = window / SPANS;
            let first = (at.t0 - at.born + span - 1) / span;
            let latest = (at.now - at.born) / span;
            for k in first.max(latest - SPANS).max(0)..=latest {
                if at.born + k * span < at.now {
                    samples[place(k)] = sum;
                }
            }
        }
    }

    /// Into an image.
    pub fn write(&self, at: &SlopeSlots, bytes: &mut [u8]) {
        let mut put =
            |at: usize, number: i32| bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        put(at.sum, self.sum);
        for (at, samples) in [(at.short, &self.short), (at.long, &self.long)] {
            let (Some(at), Some(samples)) = (at, samples) else { continue };
            samples.iter().enumerate().for_each(|(k, sample)| put(at + 4 * k, *sample));
        }
    }

    /// Out of an image; `None` where it is too short.
    pub fn read_back(at: &SlopeSlots, bytes: &[u8]) -> Option<Slopes> {
        let number = |at: usize| Some(i32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let samples = |at: Option<usize>| {
            let Some(at) = at else { return Some(None) };
            let mut samples = [0; SAMPLES];
            for (k, sample) in samples.iter_mut().enumerate() {
                *sample = number(at + 4 * k)?;
            }
            Some(Some(samples))
        };
        let (short, long) = (samples(at.short)?, samples(at.long)?);
        Some(Slopes { sum: number(at.sum)?, short, long })
    }

    /// A slope in millionths a day, if E stands `pending` from where it stood before this step.
    pub fn read(&self, policy: &Trust, at: Standing, measure: Measure, pending: i64) -> i64 {
        let (samples, window) = match measure {
            Measure::Trust => return 0,
            Measure::Slope => (&self.short, policy.window_short),
            Measure::SlopeLong => (&self.long, policy.window_long),
        };
        let Some(samples) = samples else { return 0 };
        let span = window / SPANS;
        let start = (at.now - at.born) / span - SPANS;
        let before = if start < 0 {
            0
        } else if at.born + start * span >= at.t0 {
            self.sum
        } else {
            samples[place(start)]
        };
        let moved = self.sum.wrapping_add(pending as i32).wrapping_sub(before);
        (i64::from(moved) * (DAY / 1_000)).div_euclid(window / 1_000)
    }
}

/// Where the sample of the instant with this number stands.
fn place(instant: i64) -> usize {
    usize::try_from(instant).expect("no instant lies before birth") % SAMPLES
}
