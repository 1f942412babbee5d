//! Made input: keys, arrivals and service times, each from a seed.
//!
//! | shape | generators |
//! |---|---|
//! | [`Keys`]: which key is asked for | [`Uniform`], [`Zipf`], [`Scan`], [`Looping`], [`HotSet`], [`StackDistance`] |
//! | [`Gaps`]: how long until the next request | [`Poisson`], [`Bursty`] |
//! | [`ServiceTimes`]: how long a request takes | [`LogNormal`] |
//!
//! All draw from a [`Random`](purlin_core::random::Random) and compute with `libm`, not with the
//! system's mathematics: the same seed gives the same stream on every machine.

mod bursty;
mod exponential;
mod hot_set;
mod lognormal;
mod looping;
mod poisson;
mod scan;
mod stack_distance;
#[cfg(test)]
mod statistics;
mod uniform;
mod zipf;

use core::time::Duration;

pub use self::bursty::{Bursty, Phase};
pub use self::hot_set::HotSet;
pub use self::lognormal::LogNormal;
pub use self::looping::Looping;
pub use self::poisson::Poisson;
pub use self::scan::Scan;
pub use self::stack_distance::StackDistance;
pub use self::uniform::Uniform;
pub use self::zipf::Zipf;

/// An endless stream of keys.
///
/// # Examples
///
/// ```
/// use purlin_benches::workload::{Keys, Looping};
///
/// let mut keys = Looping::new(3)?;
/// assert_eq!([0; 5].map(|_| keys.next_key()), [0, 1, 2, 0, 1]);
/// # Ok::<(), purlin_benches::workload::WorkloadError>(())
/// ```
pub trait Keys {
    /// The key of the next request.
    fn next_key(&mut self) -> u64;

    /// The keys of the next `count` requests.
    fn take_keys(&mut self, count: usize) -> Vec<u64> {
        (0..count).map(|_| self.next_key()).collect()
    }
}

/// An endless stream of gaps between requests.
pub trait Gaps {
    /// How long after the last request the next one comes.
    fn next_gap(&mut self) -> Duration;
}

/// An endless stream of service times.
pub trait ServiceTimes {
    /// How long the next request takes.
    fn next_service_time(&mut self) -> Duration;
}

/// A parameter of a generator is out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{workload}: {parameter} must be {bound}, not {given}")]
pub struct WorkloadError {
    /// The generator.
    pub workload: &'static str,
    /// The parameter.
    pub parameter: &'static str,
    /// Its range, in words.
    pub bound: &'static str,
    /// What was given.
    pub given: String,
}

/// Refuses a parameter that does not hold.
fn require(
    holds: bool,
    workload: &'static str,
    parameter: &'static str,
    bound: &'static str,
    given: impl ToString,
) -> Result<(), WorkloadError> {
    if holds {
        Ok(())
    } else {
        Err(WorkloadError {
            workload,
            parameter,
            bound,
            given: given.to_string(),
        })
    }
}

/// Seconds as a duration; what does not fit becomes the longest there is.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
