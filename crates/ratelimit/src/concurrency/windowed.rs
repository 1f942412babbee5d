use super::limit_algorithm::whole;
use super::{LimitAlgorithm, Outcome, Sample};
use crate::ConfigError;
use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::time::Instant;

/// What stands for the rtts of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Statistic {
    /// Their mean.
    Average,
    /// The value that this part of them does not exceed, above 0 and at most 1, by nearest rank.
    /// Exact up to `max_samples` a window; of more, the latest so many.
    Percentile(f64),
}

/// Gives another algorithm one sample a window instead of one a call.
///
/// As Netflix `WindowedLimit`. The sample has the mean or a percentile of the rtts, the greatest
/// number in flight, and is dropped if one of its calls was. It makes an algorithm steadier, and
/// the busier the service the less often that is asked.
///
/// A window is over with the first call that ends `min_window` or two of its shortest rtts after it
/// opened, whichever is later (a change shows only after a round trip), and not before it holds
/// `min_samples`; until then it stays open. (Netflix discards a window of too few samples, so that
/// a quiet service never learns.) Where the clock stepped backwards, the window counts from there.
///
/// Time is constant per call, and linear in `max_samples` at the end of a window of percentiles;
/// space is at most `max_samples` durations.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::Instant;
/// use purlin_ratelimit::concurrency::{Aimd, LimitAlgorithm, Outcome, Sample, Windowed};
///
/// let aimd = Aimd::builder().initial(10).build()?;
/// let window = Duration::from_secs(1);
/// let mut limit = Windowed::builder(aimd).min_window(window).min_samples(10).build()?;
/// for call in 0..=20 {
///     limit.update(&Sample {
///         started: Instant::from_millis(call * 50),
///         rtt: Duration::from_millis(20),
///         in_flight: 10,
///         outcome: Outcome::Success,
///     });
/// }
/// assert_eq!(limit.limit(), 11); // a second, twenty-one calls, one step
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Windowed<A> {
    config: WindowedBuilder<A>,
    window: Option<Window>,
    /// The rtts of the present window, for percentiles: a ring.
    rtts: Vec<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    opened: Instant,
    samples: u64,
    min_rtt: Duration,
    total_rtt: Duration,
    max_in_flight: u32,
    outcome: Outcome,
}

impl<A: LimitAlgorithm> Windowed<A> {
    /// Around `inner`, starts from the defaults: windows of a second and 10 samples at least,
    /// averages, and 1000 rtts kept where percentiles are asked for.
    pub fn builder(inner: A) -> WindowedBuilder<A> {
        WindowedBuilder {
            inner,
            min_window: Duration::from_secs(1),
            min_samples: 10,
            max_samples: 1000,
            statistic: Statistic::Average,
        }
    }

    /// The algorithm that sees the windows.
    #[must_use]
    pub fn inner(&self) -> &A {
        &self.config.inner
    }

    fn keep(&mut self, rtt: Duration, nth: u64) {
        if self.config.statistic == Statistic::Average {
            return;
        }
        let max = u64::from(self.config.max_samples);
        match usize::try_from(nth % max)
            .ok()
            .and_then(|at| self.rtts.get_mut(at))
        {
            Some(oldest) => *oldest = rtt,
            None => self.rtts.push(rtt),
        }
    }

    fn representative(&mut self, window: &Window) -> Duration {
        match self.config.statistic {
            Statistic::Average => {
                let nanos = window.total_rtt.as_nanos() / u128::from(window.samples);
                u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
            }
            Statistic::Percentile(part) => {
                let rank = whole(self.rtts.len() as f64 * part + 0.5).max(1) as usize - 1;
                let rank = rank.min(self.rtts.len() - 1);
                let (_, rtt, _) = self.rtts.select_nth_unstable(rank);
                *rtt
            }
        }
    }
}

impl<A: LimitAlgorithm> LimitAlgorithm for Windowed<A> {
    fn update(&mut self, sample: &Sample) -> u32 {
        let ended = sample.started + sample.rtt;
        let window = self.window.get_or_insert(Window {
            opened: ended,
            samples: 0,
            min_rtt: Duration::MAX,
            total_rtt: Duration::ZERO,
            max_in_flight: 0,
            outcome: Outcome::Success,
        });
        let nth = window.samples;
        window.add(sample, ended);
        let window = *window;
        self.keep(sample.rtt, nth);

        let length = self.config.min_window.max(window.min_rtt.saturating_mul(2));
        let is_over = ended - window.opened >= length;
        if !is_over || window.samples < u64::from(self.config.min_samples) {
            return self.limit();
        }
        let of_window = Sample {
            started: sample.started,
            rtt: self.representative(&window),
            in_flight: window.max_in_flight,
            outcome: window.outcome,
        };
        self.rtts.clear();
        self.window = None;
        self.config.inner.update(&of_window)
    }

    fn limit(&self) -> u32 {
        self.config.inner.limit()
    }

    fn is_adaptive(&self) -> bool {
        self.config.inner.is_adaptive()
    }
}

impl Window {
    fn add(&mut self, sample: &Sample, ended: Instant) {
        // A clock that stepped back must not keep the window open until it has caught up.
        self.opened = self.opened.min(ended);
        self.samples += 1;
        self.min_rtt = self.min_rtt.min(sample.rtt);
        self.total_rtt = self.total_rtt.saturating_add(sample.rtt);
        self.max_in_flight = self.max_in_flight.max(sample.in_flight);
        if sample.outcome == Outcome::Dropped {
            self.outcome = Outcome::Dropped;
        }
    }
}

/// Configures [`Windowed`].
#[derive(Clone, Debug)]
#[must_use]
pub struct WindowedBuilder<A> {
    inner: A,
    min_window: Duration,
    min_samples: u32,
    max_samples: u32,
    statistic: Statistic,
}

impl<A: LimitAlgorithm> WindowedBuilder<A> {
    /// No window is shorter.
    pub fn min_window(mut self, length: Duration) -> Self {
        self.min_window = length;
        self
    }

    /// No window has fewer samples.
    pub fn min_samples(mut self, samples: u32) -> Self {
        self.min_samples = samples;
        self
    }

    /// How many rtts are kept for a percentile.
    pub fn max_samples(mut self, samples: u32) -> Self {
        self.max_samples = samples;
        self
    }

    /// What stands for the rtts of a window.
    pub fn statistic(mut self, statistic: Statistic) -> Self {
        self.statistic = statistic;
        self
    }

    /// The algorithm.
    ///
    /// # Errors
    ///
    /// When `min_samples` is zero, `max_samples` is below it, or a percentile is not in its range.
    pub fn build(self) -> Result<Windowed<A>, ConfigError> {
        if self.min_samples == 0 {
            return Err(ConfigError::Zero {
                field: "min_samples",
            });
        }
        if self.max_samples < self.min_samples {
            return Err(ConfigError::TooSmall {
                field: "max_samples",
                value: self.max_samples.into(),
                min: self.min_samples.into(),
            });
        }
        if let Statistic::Percentile(part) = self.statistic
            && !(part > 0.0 && part <= 1.0)
        {
            return Err(ConfigError::OutOfRange {
                field: "percentile",
                expected: "above 0 and at most 1",
            });
        }
        Ok(Windowed {
            config: self,
            window: None,
            rtts: Vec::new(),
        })
    }
}
