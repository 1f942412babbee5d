//! Who asks when: three kinds of traffic, each for ten windows.

use core::time::Duration;

use purlin_core::random::SplitMix64;
use purlin_ratelimit::Instant;

use crate::error::LabError;
use crate::workload::{Bursty, Gaps, Phase, Poisson};

/// The span that the limit is for.
pub(super) const WINDOW: Duration = Duration::from_secs(1);

/// How many of them a run lasts.
pub(super) const WINDOWS: u32 = 10;

/// Everything happens later than this: no limiter is as young as its clock.
pub(super) const START: Instant = Instant::from_secs(1000);

/// The arrivals of so many requests around a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    arrivals: fn(u64, u64) -> Result<Vec<Instant>, LabError>,
}

impl Traffic {
    /// The instants of all requests, in order, for a limit and a seed.
    pub(super) fn arrivals(&self, limit: u64, seed: u64) -> Result<Vec<Instant>, LabError> {
        (self.arrivals)(limit, seed)
    }
}

/// All of them.
pub(super) const TRAFFICS: [Traffic; 3] = [
    Traffic {
        name: "steady",
        about: "Poisson arrivals, half as many again as the limit",
        arrivals: steady,
    },
    Traffic {
        name: "bursty",
        about: "bursts of five times the limit for a fifth of a window, then as many as a fifth of the limit for three",
        arrivals: bursty,
    },
    Traffic {
        name: "boundary attack",
        about: "twice the limit at once, a millisecond before the windows' boundaries and a millisecond after; nothing else",
        arrivals: boundary_attack,
    },
];

fn steady(limit: u64, seed: u64) -> Result<Vec<Instant>, LabError> {
    let rate = 1.5 * limit as f64 / WINDOW.as_secs_f64();
    Ok(until_the_end(Poisson::new(rate, SplitMix64::new(seed))?))
}

fn bursty(limit: u64, seed: u64) -> Result<Vec<Instant>, LabError> {
    let rate = limit as f64 / WINDOW.as_secs_f64();
    let burst = Phase {
        rate: 5.0 * rate,
        mean_duration: WINDOW / 5,
    };
    let lull = Phase {
        rate: 0.2 * rate,
        mean_duration: 3 * WINDOW,
    };
    let arrivals = Bursty::new(burst, lull, SplitMix64::new(seed))?;
    Ok(until_the_end(arrivals))
}

fn until_the_end(mut gaps: impl Gaps) -> Vec<Instant> {
    let end = START + WINDOWS * WINDOW;
    let mut now = START;
    let next = || {
        now += gaps.next_gap();
        (now < end).then_some(now)
    };
    core::iter::from_fn(next).collect()
}

/// Every other boundary, so that what was admitted is forgotten before the next pair.
#[expect(clippy::unnecessary_wraps, reason = "the others may fail")]
fn boundary_attack(limit: u64, _: u64) -> Result<Vec<Instant>, LabError> {
    const MARGIN: Duration = Duration::from_millis(1);
    let boundaries = (2..WINDOWS).step_by(3).map(|index| START + index * WINDOW);
    let bursts = boundaries.flat_map(|boundary| {
        let before = Instant::from_nanos(boundary.as_nanos() - nanoseconds(MARGIN));
        [before, boundary + MARGIN]
    });
    let requests = |at| (0..2 * limit).map(move |_| at);
    Ok(bursts.flat_map(requests).collect())
}

fn nanoseconds(duration: Duration) -> u64 {
    Instant::ORIGIN.saturating_add(duration).as_nanos()
}
