use super::jitter::Walk;
use super::{Backoff, nanos};
use crate::Instant;
use core::time::Duration;
use purlin_core::random::Random;

/// The delays of one operation: made by [`Backoff::start_at`], asked after each failed call.
///
/// ```
/// use core::time::Duration;
/// use purlin_core::random::SplitMix64;
/// use purlin_ratelimit::Instant;
/// use purlin_ratelimit::backoff::Backoff;
///
/// let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(1))?
///     .with_deadline(Duration::from_secs(30));
/// let mut retries = backoff.start_at(Instant::ORIGIN);
/// let mut random = SplitMix64::new(1);
///
/// // "Retry-After: 5" is honoured although the cap is a second,
/// let now = Instant::from_secs(1);
/// let asked = Some(Duration::from_secs(5));
/// assert_eq!(retries.next_delay(now, &mut random, asked), asked);
/// // and "Retry-After: 60" means to give up now: the operation's time ends before.
/// let asked = Some(Duration::from_secs(60));
/// assert_eq!(retries.next_delay(now, &mut random, asked), None);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Retries {
    backoff: Backoff,
    started: Instant,
    given: u32,
    /// The latest delay of the policy's own, in nanoseconds, at least the base.
    previous: u64,
}

impl Retries {
    pub(super) const fn new(backoff: Backoff, started: Instant) -> Self {
        Self {
            backoff,
            started,
            given: 0,
            previous: backoff.base,
        }
    }

    /// How long to wait from `now` before the next call; `None` to give up.
    ///
    /// `retry_after` is what the server asked for (a `Retry-After` header, a
    /// [`RateLimited`](https://www.rfc-editor.org/rfc/rfc6585#section-4) answer), as a duration from
    /// `now`. It is a floor: the delay is the larger of it and the policy's own, **above the cap
    /// too**, since to come back earlier only earns another refusal.
    ///
    /// Gives up when the retries are used up, or when the delay would end after the deadline; then
    /// nothing has changed. The deadline counts from `started`: a clock that steps back gives time,
    /// the number of retries bounds it all the same.
    ///
    /// O(log of the retries given). Draws once from `random`, except with
    /// [`Jitter::None`](super::Jitter::None).
    pub fn next_delay<R>(
        &mut self,
        now: Instant,
        random: &mut R,
        retry_after: Option<Duration>,
    ) -> Option<Duration>
    where
        R: Random + ?Sized,
    {
        let backoff = &self.backoff;
        if backoff.max_retries.is_some_and(|max| self.given >= max) {
            return None;
        }
        let walk = Walk {
            base: backoff.base,
            previous: self.previous,
        };
        let scheduled = backoff.delay_nanos(self.given);
        let own = backoff.jitter.apply(scheduled, walk, backoff.cap, random);
        let delay = own.max(retry_after.map_or(0, nanos));
        let delay = Duration::from_nanos(delay);
        if let Some(deadline) = backoff.deadline {
            let end = self.started + deadline;
            if now > end || delay > end - now {
                return None;
            }
        }
        self.given = self.given.saturating_add(1);
        self.previous = own.max(backoff.base);
        Some(delay)
    }

    /// How many delays were given out.
    #[must_use]
    pub const fn given(&self) -> u32 {
        self.given
    }

    /// When the operation began.
    #[must_use]
    pub const fn started(&self) -> Instant {
        self.started
    }
}
