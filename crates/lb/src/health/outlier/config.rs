//! What makes an endpoint an outlier for an [`OutlierDetector`](super::OutlierDetector), and for
//! how long.

mod fields;

use super::Detector;
use crate::error::ConfigError;
use crate::state::State;
use core::time::Duration;
use fields::Fields;

/// What makes an endpoint an outlier, how many may be ejected, and for how long.
///
/// The names are Envoy's, and so are the defaults.
///
/// | | unless said otherwise |
/// |---|---|
/// | [`interval`](Self::interval) | 10 s |
/// | [`base_ejection_time`](Self::base_ejection_time) | 30 s |
/// | [`max_ejection_time`](Self::max_ejection_time) | 300 s |
/// | [`max_ejection_percent`](Self::max_ejection_percent) | 10 |
/// | [`strict_percent`](Self::strict_percent) | no |
/// | [`min_ejected`](Self::min_ejected) | 0 |
/// | [`consecutive_failures`](Self::consecutive_failures) | 5, enforced to 100 percent |
/// | [`success_rate_stdev_factor`](Self::success_rate_stdev_factor) | 1.9, enforced to 100 percent |
/// | [`success_rate_minimum_hosts`](Self::success_rate_minimum_hosts) | 5 |
/// | [`success_rate_request_volume`](Self::success_rate_request_volume) | 100 |
/// | [`failure_percentage_threshold`](Self::failure_percentage_threshold) | 85, not enforced |
/// | [`failure_percentage_minimum_hosts`](Self::failure_percentage_minimum_hosts) | 5 |
/// | [`failure_percentage_request_volume`](Self::failure_percentage_request_volume) | 50 |
///
/// With feature `serde` it is an object with these names and those of the `enforcing_` methods as
/// fields, all of them optional, and checked when it is read.
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::ConfigError;
/// use purlin_lb::health::OutlierConfig;
///
/// let config = OutlierConfig::new()
///     .interval(Duration::from_secs(1))?
///     .consecutive_failures(3)?
///     .enforcing_success_rate(0)?
///     .max_ejection_percent(50)?
///     .strict_percent(true);
/// let refused = config.success_rate_stdev_factor(f64::NAN).unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "success_rate_stdev_factor must be at least zero and finite",
/// );
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Fields", into = "Fields"))]
pub struct OutlierConfig(Fields);

impl Default for OutlierConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl OutlierConfig {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self(Fields::default())
    }

    /// How long after a sweep the next one is due.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn interval(mut self, interval: Duration) -> Result<Self, ConfigError> {
        self.0.interval = interval;
        self.0.try_into()
    }

    /// For how long an endpoint is ejected: so long times the ejections of it that are not forgiven
    /// yet. Each sweep that finds it in forgives one. No more count than it takes to come to
    /// [`max_ejection_time`](Self::max_ejection_time), so that all are forgiven after that many sweeps,
    /// 10 by the defaults, however often it was ejected.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn base_ejection_time(mut self, time: Duration) -> Result<Self, ConfigError> {
        self.0.base_ejection_time = time;
        self.0.try_into()
    }

    /// For how long at most, unless [`base_ejection_time`](Self::base_ejection_time) is longer.
    #[must_use]
    pub const fn max_ejection_time(mut self, time: Duration) -> Self {
        self.0.max_ejection_time = time;
        self
    }

    /// No endpoint is ejected while so many percent of all are out already. That is looked at before
    /// each ejection, as gRPC does: of few endpoints one can always be, unless this is 0 or
    /// [`strict_percent`](Self::strict_percent).
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub fn max_ejection_percent(mut self, percent: u8) -> Result<Self, ConfigError> {
        self.0.max_ejection_percent = percent;
        self.0.try_into()
    }

    /// Whether an endpoint is also not ejected if that would make them more than
    /// [`max_ejection_percent`](Self::max_ejection_percent), as Envoy does since its change 27909: with
    /// 10 percent of 5 endpoints, none.
    #[must_use]
    pub const fn strict_percent(mut self, strict: bool) -> Self {
        self.0.strict_percent = strict;
        self
    }

    /// So many endpoints may be ejected whatever part of all they are. 1 is Envoy's
    /// `always_eject_one_host`.
    #[must_use]
    pub const fn min_ejected(mut self, endpoints: u32) -> Self {
        self.0.min_ejected = endpoints;
        self
    }

    /// An endpoint that failed so many times since its last success is an outlier. If it was not
    /// ejected for it, it takes as many again; and as many after it was readmitted.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`].
    pub fn consecutive_failures(mut self, failures: u32) -> Result<Self, ConfigError> {
        self.0.consecutive_failures = failures;
        self.0.try_into()
    }

    /// So many percent of these outliers are ejected, by chance.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub fn enforcing_consecutive_failures(mut self, percent: u8) -> Result<Self, ConfigError> {
        self.0.enforcing_consecutive_failures = percent;
        self.0.try_into()
    }

    /// An endpoint is an outlier if its rate of success is below the mean of all less so many standard
    /// deviations (of the population). Envoy and gRPC write it in thousandths.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for what is negative, infinite or no number.
    pub fn success_rate_stdev_factor(mut self, factor: f64) -> Result<Self, ConfigError> {
        self.0.success_rate_stdev_factor = factor;
        self.0.try_into()
    }

    /// With fewer endpoints that had enough requests, none is an outlier by its rate of success.
    #[must_use]
    pub const fn success_rate_minimum_hosts(mut self, endpoints: u32) -> Self {
        self.0.success_rate_minimum_hosts = endpoints;
        self
    }

    /// With fewer requests since the last sweep, an endpoint's rate of success does not count.
    #[must_use]
    pub const fn success_rate_request_volume(mut self, requests: u32) -> Self {
        self.0.success_rate_request_volume = requests;
        self
    }

    /// So many percent of these outliers are ejected, by chance.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub fn enforcing_success_rate(mut self, percent: u8) -> Result<Self, ConfigError> {
        self.0.enforcing_success_rate = percent;
        self.0.try_into()
    }

    /// An endpoint is an outlier if more than so many percent of its requests failed: more, as gRPC
    /// has it, and not as many, which Envoy's documentation says.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub fn failure_percentage_threshold(mut self, percent: u8) -> Result<Self, ConfigError> {
        self.0.failure_percentage_threshold = percent;
        self.0.try_into()
    }

    /// With fewer endpoints that had enough requests, none is an outlier by its percentage of
    /// failures.
    #[must_use]
    pub const fn failure_percentage_minimum_hosts(mut self, endpoints: u32) -> Self {
        self.0.failure_percentage_minimum_hosts = endpoints;
        self
    }

    /// With fewer requests since the last sweep, an endpoint's percentage of failures does not count.
    #[must_use]
    pub const fn failure_percentage_request_volume(mut self, requests: u32) -> Self {
        self.0.failure_percentage_request_volume = requests;
        self
    }

    /// So many percent of these outliers are ejected, by chance.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] above 100.
    pub fn enforcing_failure_percentage(mut self, percent: u8) -> Result<Self, ConfigError> {
        self.0.enforcing_failure_percentage = percent;
        self.0.try_into()
    }

    /// Whether an endpoint failed so often in a row that
    /// [`observe_at`](super::OutlierDetector::observe_at) may find it to be an outlier. Reads two
    /// atomics.
    #[must_use]
    #[inline]
    pub fn suspects(&self, state: &State) -> bool {
        state.consecutive_failures() >= self.0.consecutive_failures && !state.status().is_ejected()
    }

    pub(super) const fn sweep_interval(&self) -> Duration {
        self.0.interval
    }

    pub(super) const fn failures_in_a_row(&self) -> u32 {
        self.0.consecutive_failures
    }

    /// The fewest endpoints, and the fewest requests of each.
    pub(super) const fn success_rate_basis(&self) -> (usize, u32) {
        (
            self.0.success_rate_minimum_hosts as usize,
            self.0.success_rate_request_volume,
        )
    }

    pub(super) const fn deviations(&self) -> f64 {
        self.0.success_rate_stdev_factor
    }

    /// The fewest endpoints, and the fewest requests of each.
    pub(super) const fn failure_percentage_basis(&self) -> (usize, u32) {
        (
            self.0.failure_percentage_minimum_hosts as usize,
            self.0.failure_percentage_request_volume,
        )
    }

    pub(super) const fn failures_of_100(&self) -> u64 {
        self.0.failure_percentage_threshold as u64
    }

    pub(super) const fn enforced_percent(&self, detector: Detector) -> u64 {
        match detector {
            Detector::ConsecutiveFailures => self.0.enforcing_consecutive_failures as u64,
            Detector::SuccessRate => self.0.enforcing_success_rate as u64,
            Detector::FailurePercentage => self.0.enforcing_failure_percentage as u64,
        }
    }

    /// For how long an endpoint is out that was ejected so many times.
    pub(super) fn time_out(&self, ejections: u32) -> Duration {
        let base = self.0.base_ejection_time;
        base.saturating_mul(ejections)
            .min(base.max(self.0.max_ejection_time))
    }

    /// So many ejections take the longest time; more do not count.
    pub(super) fn most_ejections(&self) -> u32 {
        let base = self.0.base_ejection_time;
        let longest = base.max(self.0.max_ejection_time);
        // Above zero, as the base is.
        let most = longest.as_nanos().div_ceil(base.as_nanos());
        u32::try_from(most).unwrap_or(u32::MAX)
    }

    /// Whether one more of so many endpoints may be ejected.
    pub(super) const fn has_room(&self, ejected: usize, all: usize) -> bool {
        let (ejected, all) = (ejected as u64, all as u64);
        let most = self.0.max_ejection_percent as u64 * all;
        if ejected < self.0.min_ejected as u64 {
            true
        } else if self.0.strict_percent {
            (ejected + 1) * 100 <= most
        } else {
            ejected * 100 < most
        }
    }
}
