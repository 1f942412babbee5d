//! Arrivals in bursts: a Poisson process whose rate is switched.

use core::time::Duration;

use purlin_core::random::Random;

use super::exponential::exponential;
use super::{Gaps, WorkloadError, require, seconds};

/// One of the two states of [`Bursty`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// Arrivals a second while it lasts; 0 for silence.
    pub rate: f64,
    /// How long it lasts on average.
    pub mean_duration: Duration,
}

/// A Markov-modulated Poisson process of two states: bursts and lulls, each of exponential length,
/// Poisson arrivals within each.
///
/// Unlike plain [`Poisson`](super::Poisson) arrivals it does not even out over longer windows: the
/// variance of the arrivals in a window grows to many times their mean. O(1) a gap, plus O(1) a
/// change of state.
///
/// Source: W. Fischer and K. Meier-Hellstern, "The Markov-modulated Poisson process (MMPP)
/// cookbook", Performance Evaluation 18, 1993.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_benches::workload::{Bursty, Gaps, Phase};
/// use purlin_core::random::SplitMix64;
///
/// let burst = Phase { rate: 1_000.0, mean_duration: Duration::from_millis(100) };
/// let lull = Phase { rate: 0.0, mean_duration: Duration::from_millis(900) };
/// let mut arrivals = Bursty::new(burst, lull, SplitMix64::new(1))?;
/// assert_eq!(arrivals.mean_rate(), 100.0);
/// let longest = (0..10_000).map(|_| arrivals.next_gap()).max();
/// assert!(longest > Some(Duration::from_secs(2)), "a lull");
/// # Ok::<(), purlin_benches::workload::WorkloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bursty<R> {
    phases: [Phase; 2],
    current: usize,
    /// How long the current phase still lasts, in seconds.
    left: f64,
    random: R,
}

impl<R: Random> Bursty<R> {
    /// Arrivals that begin with a burst.
    ///
    /// # Errors
    ///
    /// When a rate is negative or not finite, both are 0, or a phase has no duration.
    pub fn new(burst: Phase, lull: Phase, mut random: R) -> Result<Self, WorkloadError> {
        for phase in [burst, lull] {
            require(
                phase.rate.is_finite() && phase.rate >= 0.0,
                "bursty",
                "rate",
                "at least 0 and finite",
                phase.rate,
            )?;
            let lasts = phase.mean_duration > Duration::ZERO;
            require(
                lasts,
                "bursty",
                "mean duration",
                "longer than 0",
                phase.mean_duration.as_secs_f64(),
            )?;
        }
        require(
            burst.rate + lull.rate > 0.0,
            "bursty",
            "rate",
            "positive in one phase",
            0,
        )?;
        let left = exponential(burst.mean_duration.as_secs_f64(), &mut random);
        Ok(Self {
            phases: [burst, lull],
            current: 0,
            left,
            random,
        })
    }

    /// Arrivals a second in the long run.
    #[must_use]
    pub fn mean_rate(&self) -> f64 {
        let [burst, lull] = self.phases;
        let (on, off) = (
            burst.mean_duration.as_secs_f64(),
            lull.mean_duration.as_secs_f64(),
        );
        (burst.rate * on + lull.rate * off) / (on + off)
    }
}

impl<R: Random> Gaps for Bursty<R> {
    fn next_gap(&mut self) -> Duration {
        let mut gap = 0.0;
        loop {
            // A rate of 0 makes this infinite, which is later than the end of any phase.
            let arrival = exponential(1.0 / self.phases[self.current].rate, &mut self.random);
            if arrival < self.left {
                self.left -= arrival;
                return seconds(gap + arrival);
            }
            // Waiting has no memory: the arrival that would have come later is drawn anew in the
            // next phase.
            gap += self.left;
            self.current = 1 - self.current;
            self.left = exponential(
                self.phases[self.current].mean_duration.as_secs_f64(),
                &mut self.random,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use purlin_core::random::Xoshiro256PlusPlus;

    use super::*;
    use crate::workload::statistics::{assert_close, moments};

    fn phase(rate: f64, millis: u64) -> Phase {
        Phase {
            rate,
            mean_duration: Duration::from_millis(millis),
        }
    }

    fn counts_per_second(arrivals: &mut impl Gaps, windows: usize) -> Vec<f64> {
        let mut counts = vec![0.0; windows];
        let mut now = 0.0;
        loop {
            now += arrivals.next_gap().as_secs_f64();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a window's index"
            )]
            match counts.get_mut(now as usize) {
                Some(count) => *count += 1.0,
                None => return counts,
            }
        }
    }

    #[test]
    fn mean_and_dispersion_follow_theory() {
        for (burst, lull) in [
            (phase(400.0, 200), phase(20.0, 600)),
            (phase(300.0, 100), phase(0.0, 300)),
        ] {
            let mut arrivals =
                Bursty::new(burst, lull, Xoshiro256PlusPlus::from_seed(11)).expect("in range");
            let mean_rate = arrivals.mean_rate();
            let (mean, variance) = moments(&counts_per_second(&mut arrivals, 20_000));
            assert_close("arrivals a second", mean, mean_rate, 0.02);
            // The index of dispersion of the counts in a window of t = 1 s, from the cookbook.
            let (out, back) = (
                1.0 / burst.mean_duration.as_secs_f64(),
                1.0 / lull.mean_duration.as_secs_f64(),
            );
            let sum = out + back;
            let excess = 2.0 * (burst.rate - lull.rate).powi(2) * out * back
                / (sum.powi(2) * (burst.rate * back + lull.rate * out));
            let dispersion = 1.0 + excess * (1.0 - (1.0 - (-sum).exp()) / sum);
            assert_close("dispersion", variance / mean, dispersion, 0.05);
        }
    }

    #[test]
    fn equal_phases_are_a_poisson_process() {
        let mut arrivals = Bursty::new(
            phase(100.0, 50),
            phase(100.0, 70),
            Xoshiro256PlusPlus::from_seed(2),
        )
        .expect("in range");
        let (mean, variance) = moments(&counts_per_second(&mut arrivals, 20_000));
        assert_close("mean", mean, 100.0, 0.01);
        assert_close("dispersion", variance / mean, 1.0, 0.05);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let refused =
            |burst, lull| Bursty::new(burst, lull, Xoshiro256PlusPlus::from_seed(1)).is_err();
        assert!(
            refused(phase(0.0, 10), phase(0.0, 10)),
            "nothing would ever arrive"
        );
        assert!(
            refused(phase(-1.0, 10), phase(1.0, 10))
                && refused(phase(f64::NAN, 10), phase(1.0, 10))
        );
        assert!(refused(phase(1.0, 0), phase(1.0, 10)));
    }
}
