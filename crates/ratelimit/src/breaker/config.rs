use super::rules::Rules;
use super::window::Window;
use super::word::MAX_PROBES;
use crate::ConfigError;
use crate::backoff::Backoff;
use core::time::Duration;

/// When a [`CircuitBreaker`](super::CircuitBreaker) opens, for how long, and when it closes again.
///
/// At least one of the three rules must be given; with several, whichever holds first opens it.
///
/// | rule | opens when |
/// |---|---|
/// | [`consecutive_failures`](Self::consecutive_failures) | so many calls in a row failed |
/// | [`failure_rate`](Self::failure_rate) | so many percent of the calls in the window failed |
/// | [`slow_call_rate`](Self::slow_call_rate) | so many percent of the calls in the window were slow |
///
/// Values are checked when the breaker is made.
///
/// With feature `serde` it is an object with the methods' names as fields, all of them optional but
/// for a rule, and checked when it is read: `{"failure_rate": 50, "window": {"calls": 20}}`.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::ConfigError;
/// use purlin_ratelimit::breaker::{BreakerConfig, CircuitBreaker, Window};
///
/// let config = BreakerConfig::new()
///     .failure_rate(50)
///     .slow_call_rate(80, Duration::from_secs(2))
///     .window(Window::Time(Duration::from_secs(30)))
///     .minimum_calls(20)
///     .open_for(Duration::from_secs(5));
/// assert!(CircuitBreaker::new(config).is_ok());
///
/// let refused = CircuitBreaker::new(config.failure_rate(0)).unwrap_err();
/// assert_eq!(refused, ConfigError::Zero { field: "failure_rate" });
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "super::serialized::Serialized",
        into = "super::serialized::Serialized"
    )
)]
pub struct BreakerConfig {
    pub(super) consecutive_failures: Option<u32>,
    pub(super) failure_rate: Option<u32>,
    pub(super) slow_call_rate: Option<(u32, Duration)>,
    pub(super) window: Window,
    pub(super) minimum_calls: Option<u32>,
    pub(super) open: Opening,
    pub(super) probes: u32,
    pub(super) probe_successes: u32,
    pub(super) probe_failures: u32,
    pub(super) probe_timeout: Duration,
}

/// How long to stay open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Opening {
    For(Duration),
    Growing(Backoff),
}

impl BreakerConfig {
    /// No rule yet; a window of the last 100 calls, of which at least 10 must have been made; open
    /// for 60 seconds; one probe at a time, which closes or re-opens, and is given up after 60
    /// seconds.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            consecutive_failures: None,
            failure_rate: None,
            slow_call_rate: None,
            window: Window::Calls(100),
            minimum_calls: None,
            open: Opening::For(Duration::from_secs(60)),
            probes: 1,
            probe_successes: 1,
            probe_failures: 1,
            probe_timeout: Duration::from_secs(60),
        }
    }

    /// Opens when this many calls failed without a success between them. Needs no window.
    #[must_use]
    pub const fn consecutive_failures(mut self, failures: u32) -> Self {
        self.consecutive_failures = Some(failures);
        self
    }

    /// Opens when at least this many percent of the calls in the window failed, 1 to 100.
    ///
    /// Judged whenever a call fails and, in a [`Window::Calls`], by the call that fills the minimum
    /// however it ended; after no other could the rate be too high. In a [`Window::Time`] a rate also
    /// rises while old successes leave it. There a success opens nothing, since to sum up the
    /// window after each would cost more than all the rest: the next failure does.
    #[must_use]
    pub const fn failure_rate(mut self, percent: u32) -> Self {
        self.failure_rate = Some(percent);
        self
    }

    /// Opens when at least this many percent of the calls in the window, 1 to 100, took `duration`
    /// or longer, whether they failed or not. Judged as [`failure_rate`](Self::failure_rate), by
    /// calls that were slow. In half-open, a slow probe counts as a bad one.
    #[must_use]
    pub const fn slow_call_rate(mut self, percent: u32, duration: Duration) -> Self {
        self.slow_call_rate = Some((percent, duration));
        self
    }

    /// Which calls the rates are taken of.
    #[must_use]
    pub const fn window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// No rate is judged by fewer calls. From 1 to the size of a [`Window::Calls`], to 2,047 in a
    /// [`Window::Time`]. Unless given, 10, or the size of the window where that is smaller.
    #[must_use]
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        self.minimum_calls = Some(calls);
        self
    }

    /// How long the circuit stays open before it lets probes through; shorter by at most 131 us.
    #[must_use]
    pub const fn open_for(mut self, duration: Duration) -> Self {
        self.open = Opening::For(duration);
        self
    }

    /// Stays open for the first delay of this backoff, and each time that a probe fails for the
    /// next one, until the circuit closes. Of the backoff only base, factor and cap count. After 15
    /// openings in a row it grows no more.
    #[must_use]
    pub const fn open_growing(mut self, backoff: Backoff) -> Self {
        self.open = Opening::Growing(backoff);
        self
    }

    /// How many probes may be out at once while half-open, 1 to 31.
    #[must_use]
    pub const fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// How many good probes close the circuit, 1 to 31.
    ///
    /// "Close unless `r` percent of `n` probes fail", as resilience4j has it, is `probe_failures(f)`
    /// with `f = ceil(n * r / 100)` and `probe_successes(n - f + 1)`: the same verdict, as soon as
    /// it is certain.
    #[must_use]
    pub const fn probe_successes(mut self, successes: u32) -> Self {
        self.probe_successes = successes;
        self
    }

    /// How many bad probes open the circuit again, 1 to 31.
    #[must_use]
    pub const fn probe_failures(mut self, failures: u32) -> Self {
        self.probe_failures = failures;
        self
    }

    /// When all probes are out, and none was let through for this long, they count as lost, their
    /// results will be ignored, and probing begins anew: a probe that never reports cannot keep the
    /// circuit half-open for ever. Later by at most 4.3 s.
    #[must_use]
    pub const fn probe_timeout(mut self, timeout: Duration) -> Self {
        self.probe_timeout = timeout;
        self
    }

    pub(super) fn validate(self) -> Result<Rules, ConfigError> {
        let no_rule = self.consecutive_failures.is_none() && !self.has_rates();
        if no_rule {
            return Err(ConfigError::OutOfRange {
                field: "rules",
                expected: "at least one of consecutive_failures, failure_rate, slow_call_rate",
            });
        }
        if let Some(failures) = self.consecutive_failures {
            in_range("consecutive_failures", failures, u32::MAX)?;
        }
        if let Some(percent) = self.failure_rate {
            in_range("failure_rate", percent, 100)?;
        }
        if let Some((percent, duration)) = self.slow_call_rate {
            in_range("slow_call_rate", percent, 100)?;
            not_zero("slow_call_duration", duration)?;
        }
        self.window.validate()?;
        if let Some(calls) = self.minimum_calls {
            in_range("minimum_calls", calls, self.window.max_minimum_calls())?;
        }
        in_range("probes", self.probes, MAX_PROBES)?;
        in_range("probe_successes", self.probe_successes, MAX_PROBES)?;
        in_range("probe_failures", self.probe_failures, MAX_PROBES)?;
        not_zero("probe_timeout", self.probe_timeout)?;
        let open = match self.open {
            Opening::For(duration) => {
                not_zero("open_for", duration)?;
                Backoff::fixed(duration)?
            }
            Opening::Growing(backoff) => backoff,
        };
        let most = self.window.max_minimum_calls();
        let window = self.has_rates().then_some(self.window);
        let times_calls = self.slow_call_rate.is_some();
        Ok(Rules {
            minimum_calls: self.minimum_calls.unwrap_or_else(|| most.min(10)),
            open,
            window,
            times_calls,
            needs_time: times_calls || matches!(window, Some(Window::Time(_))),
            config: self,
        })
    }

    const fn has_rates(&self) -> bool {
        self.failure_rate.is_some() || self.slow_call_rate.is_some()
    }
}

impl Default for BreakerConfig {
    /// Opens on the fifth failure in a row; otherwise as [`new`](Self::new).
    fn default() -> Self {
        Self::new().consecutive_failures(5)
    }
}

fn in_range(field: &'static str, value: u32, max: u32) -> Result<(), ConfigError> {
    match value {
        0 => Err(ConfigError::Zero { field }),
        _ if value > max => Err(ConfigError::TooLarge {
            field,
            value: value.into(),
            max: max.into(),
        }),
        _ => Ok(()),
    }
}

fn not_zero(field: &'static str, duration: Duration) -> Result<(), ConfigError> {
    if duration.is_zero() {
        return Err(ConfigError::Zero { field });
    }
    Ok(())
}
