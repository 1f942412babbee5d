use crate::breaker::{Open, State};
use crate::concurrency::{AcquireError, AtLimit};
use crate::decision::{Decision, Denied, Reason};
use crate::error::ConfigError;
use crate::headers::{Headers, seconds};
use crate::limiter::Limiter;
use crate::rate_limiter::RateLimiter;
use core::fmt;
use core::time::Duration;
use purlin_core::time::Clock;

/// Why a guarded service did not answer.
///
/// The [source](core::error::Error::source) of a refusal is the [`Rejected`], which says more.
///
/// It is never `Unpin`, which only matters to a future written by hand that holds one; see
/// [`MaybeRejected`](super::MaybeRejected).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError<E> {
    /// The guard refused; the service never saw the request.
    #[error("refused by a guard")]
    Rejected(#[from] Rejected),
    /// The service's own error.
    #[error(transparent)]
    Inner(E),
}

impl<E> ServiceError<ServiceError<E>> {
    /// The error of one guard around another, as if they were one.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_ratelimit::tower::ServiceError;
    ///
    /// let answer: Result<(), _> = Err(ServiceError::Inner(ServiceError::Inner("broken")));
    /// assert_eq!(answer.map_err(ServiceError::flatten), Err(ServiceError::Inner("broken")));
    /// ```
    pub fn flatten(self) -> ServiceError<E> {
        match self {
            Self::Rejected(rejected) => ServiceError::Rejected(rejected),
            Self::Inner(inner) => inner,
        }
    }
}

/// A request that was not passed on, with what its response needs: [`status`](Self::status) and
/// [`headers`](Self::headers).
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::tower::Rejected;
/// use purlin_ratelimit::{Gcra, Instant, Limiter, Quota, Shared};
///
/// let limiter = Shared::new(Gcra::new(Quota::per_minute(2)?)?);
/// limiter.check_at(Instant::from_secs(0), 2);
/// let rejected = Rejected::RateLimited(limiter.check_at(Instant::from_millis(100), 1));
///
/// assert_eq!(rejected.status(), 429);
/// let fields: Vec<_> = rejected
///     .headers("tenant")?
///     .map(|(name, value)| format!("{name}: {value}"))
///     .collect();
/// assert_eq!(
///     fields,
///     [
///         "ratelimit-policy: \"tenant\";q=2;w=60",
///         "ratelimit: \"tenant\";r=0;t=30",
///         "retry-after: 30",
///     ],
/// );
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejected {
    /// Beyond the rate. The decision's outcome says why, the rest how the limiter stands.
    RateLimited(Decision),
    /// Too many are in flight.
    Overloaded(AtLimit),
    /// Too many are in flight, and waiting was in vain.
    WaitedInVain(AcquireError),
    /// The service was in trouble lately.
    CircuitOpen(Open),
}

impl Rejected {
    /// What a limiter just refused, with how it stands a moment later.
    pub(super) fn by<L: Limiter, C: Clock>(limiter: &RateLimiter<L, C>, denied: Denied) -> Self {
        Self::RateLimited(Decision {
            outcome: Err(denied),
            ..limiter.peek()
        })
    }

    /// The status of an HTTP response: 429 (Too Many Requests, RFC 6585) where the client asked too
    /// much, 503 (Service Unavailable) where the trouble is on this side.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::RateLimited(decision) => match &decision.outcome {
                Err(denied) => match denied.reason() {
                    Reason::Exhausted | Reason::TooLarge => 429,
                    Reason::Full | Reason::Horizon | Reason::Store => 503,
                },
                Ok(()) => 429,
            },
            Self::Overloaded(_) | Self::WaitedInVain(_) | Self::CircuitOpen(_) => 503,
        }
    }

    /// How long after the request it makes sense to ask again. `None` where that is not known, or
    /// never: so of a circuit that is being probed, which may close at any moment.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(decision) => decision.outcome.err()?.retry_after(),
            Self::Overloaded(_) | Self::WaitedInVain(_) => None,
            Self::CircuitOpen(open) => (open.state == State::Open).then_some(open.retry_after),
        }
    }

    /// The same in whole seconds, as the header `Retry-After` has it: rounded up, so that nobody
    /// comes back too early.
    #[must_use]
    pub fn retry_after_secs(&self) -> Option<u64> {
        seconds(self.retry_after()?)
    }

    /// The fields of an HTTP response. Where a rate was exceeded: how the limiter stands, under the
    /// name of a policy, as by [`Decision::headers`]. In all cases: `retry-after` where that is known.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for a name with other than printable ASCII characters, where a
    /// rate was exceeded.
    pub fn headers<'a>(&self, policy: &'a str) -> Result<Headers<'a>, ConfigError> {
        match self {
            Self::RateLimited(decision) => decision.headers(policy),
            Self::Overloaded(_) | Self::WaitedInVain(_) | Self::CircuitOpen(_) => {
                Ok(Headers::retry_after(self.retry_after_secs()))
            }
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RateLimited(decision) => match decision.outcome {
                Err(denied) => denied.fmt(f),
                Ok(()) => f.write_str("limit exceeded"),
            },
            Self::Overloaded(at_limit) => at_limit.fmt(f),
            Self::WaitedInVain(error) => error.fmt(f),
            Self::CircuitOpen(open) => open.fmt(f),
        }
    }
}

impl core::error::Error for Rejected {}
