//! How far the rate that a limiter keeps is from the one it was told.

use core::time::Duration;

use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_ratelimit::{Gcra, Instant, Limiter as _, Quota, Shared};

use super::single::DAY;
use crate::error::LabError;
use crate::settings::Settings;
use crate::versus::{Counted, Samples};

const SECOND: Duration = Duration::from_secs(1);

/// So many tokens a period.
#[derive(Debug, Clone, Copy)]
struct Rate {
    count: u64,
    period: Duration,
}

impl Rate {
    const fn per_second(count: u64) -> Self {
        Self {
            count,
            period: SECOND,
        }
    }

    /// One each.
    const fn every(period: Duration) -> Self {
        Self { count: 1, period }
    }

    /// As many tokens as take 11 days to come, or a hundred of them.
    fn many(&self) -> u64 {
        const SPAN: u128 = 1_000_000_000_000_000;
        let many = SPAN * u128::from(self.count) / self.period.as_nanos();
        u64::try_from(many).unwrap_or(u64::MAX).max(100)
    }

    /// The relative error of a limiter that lets `tokens` wait so long, beyond the part of a
    /// nanosecond to which it has to round up.
    fn error(&self, tokens: u64, wait: Duration) -> f64 {
        let exact = u128::from(tokens) * self.period.as_nanos();
        let found = wait.as_nanos() * u128::from(self.count);
        let rounding = u128::from(self.count);
        let beyond = if found > exact {
            (found - exact).saturating_sub(rounding)
        } else {
            exact - found
        };
        beyond as f64 / exact as f64
    }
}

/// Where others go wrong, primes, and the ends of what is promised.
const RATES: [Rate; 16] = [
    Rate::every(DAY),
    Rate::every(Duration::from_secs(60 * 60)),
    Rate::every(Duration::from_secs(7)),
    Rate::per_second(1),
    Rate::per_second(3),
    Rate::per_second(7),
    Rate::per_second(1_000),
    Rate::per_second(7_919),
    Rate::per_second(300_000),
    Rate::per_second(15_485_863),
    Rate::per_second(300_000_000),
    Rate::per_second(700_000_000),
    Rate::per_second(982_451_653),
    Rate::per_second(1_500_000_000),
    Rate::per_second(3_999_999_979),
    Rate::per_second(4_000_000_000),
];

/// Random ones beside them.
const RANDOM: usize = 1_000;

/// The same for everybody: as many below one a second as above it, of every magnitude.
fn rates(seed: u64) -> Vec<Rate> {
    let mut random = SplitMix64::new(seed);
    let mut rates = RATES.to_vec();
    rates.extend((0..RANDOM).map(|index| {
        let below: u32 = if index % 2 == 0 {
            4_000_000_000
        } else {
            86_400
        };
        let magnitude = random.f64() * f64::from(below).ln();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 1 to 4e9"
        )]
        let number = (magnitude.exp() as u64).clamp(1, u64::from(below));
        if index % 2 == 0 {
            Rate::per_second(number)
        } else {
            Rate::every(Duration::from_secs(number))
        }
    }));
    rates
}

/// The worst of all rates, measured by what an empty limiter answers: how long many tokens take.
pub(super) fn worst(settings: &Settings) -> Result<Samples, LabError> {
    let counted = Counted::over_seeds(settings).ours("Shared<Gcra>", |seed| {
        let mut errors = rates(seed).into_iter().map(ours);
        errors.try_fold(0.0, |worst: f64, error| Ok(worst.max(error?)))
    })?;
    #[cfg(feature = "rivals")]
    let counted = counted.rival("governor", |seed| {
        Ok(rates(seed).into_iter().map(governor).fold(0.0, f64::max))
    })?;
    Ok(counted.samples())
}

fn ours(rate: Rate) -> Result<f64, LabError> {
    let tokens = rate.many();
    let quota = Quota::new(rate.count, rate.period)?.with_burst(tokens)?;
    let limiter = Shared::new(Gcra::new(quota)?);
    let now = Instant::ORIGIN + DAY;
    let wait = match limiter.try_acquire_at(now, tokens) {
        Ok(()) => limiter.peek_at(now, tokens).retry_after(),
        Err(_) => None,
    };
    Ok(wait.map_or(f64::INFINITY, |wait| rate.error(tokens, wait)))
}

#[cfg(feature = "rivals")]
fn governor(rate: Rate) -> f64 {
    use core::num::NonZeroU32;
    use governor::clock::Clock as _;

    // Its bursts end at 2^32, and wrap where they take longer than 584 years.
    let tokens = u32::try_from(rate.many()).unwrap_or(u32::MAX);
    let cells = NonZeroU32::new(tokens).unwrap_or(NonZeroU32::MIN);
    let quota = if rate.period == SECOND {
        let count = u32::try_from(rate.count).unwrap_or(u32::MAX);
        super::rivals::quota(count, tokens)
    } else {
        super::rivals::one_each(rate.period).allow_burst(cells)
    };
    let (limiter, clock) = super::rivals::governor::<9>(quota);
    while matches!(limiter.check_n(cells), Ok(Ok(()))) {}
    match limiter.check_n(cells) {
        Ok(Err(denied)) => rate.error(u64::from(tokens), denied.wait_time_from(clock.now())),
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_and_forgive_the_last_nanosecond() {
        let thirds = Rate::per_second(3);
        assert!(thirds.error(1, Duration::from_nanos(333_333_334)) < 1e-18);
        assert!(thirds.error(1, Duration::from_nanos(333_333_333)) > 1e-10);
        let half = Rate::per_second(1).error(10, Duration::from_secs(5));
        assert!((half - 0.5).abs() < 1e-12, "{half}");
    }
}
