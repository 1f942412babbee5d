//! A limiter a key, whose states lie in a store.

use super::{Attempt, AttemptError, CasStore, Step, StoredState};
use crate::algorithm::Algorithm;
use crate::decision::{Decision, Denied, Reason, Reservation};
use crate::limiter::Limiter;
use core::time::Duration;
use purlin_core::time::{Instant, UnixTime};

/// How often a swap is tried unless said otherwise.
const TRIES: u32 = 10;

/// Limiters of several processes that share one store: one a key, each with a state of some bytes
/// that vanishes when it says nothing any more.
///
/// Every call reads, decides and writes on condition that nobody was faster, so that what is admitted
/// together is what one process alone would admit. A refusal writes nothing. A store that fails, or
/// that is contended for too long, refuses ([`Reason::Store`]) and never admits; what to do then
/// (refuse, or go on with a limiter of the process) is yours to say.
///
/// # Time
///
/// Processes share no clock but that of the day: instants count from an `epoch` that all have to give
/// alike, [`instant`](Self::instant) makes them. A process whose clock is behind finds fewer tokens,
/// never more; one that is ahead finds those of its own time. Where the store tells the time
/// ([`Read::now`](super::Read)), that one counts. `Gcra<u128>` has no horizon: take it for a fixed
/// epoch. A `Gcra<u64>` needs one of the last four years.
///
/// # Another quota
///
/// A state counts in units of the rule that wrote it, whose [fingerprint](Algorithm::fingerprint) stands
/// before it. Under another rule or quota it says nothing: a key that has such a state is refused
/// ([`Reason::Store`], [`AttemptError::AnotherRule`] from [`update`](Self::update)) until the state's
/// time to live is over, which is when all its tokens would have come back; as long as processes with
/// the old quota go on to use the key, that does not come. To change a quota at once, let the keys begin
/// with something that changes with it, a version say: all tokens are there again. To take what was
/// used along, read the old states by the old rule and write what
/// [`migrate`](crate::Reconfigure::migrate) makes of them under the new keys. Processes that give
/// different epochs are not told apart.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::store::{MemoryStore, Stored};
/// use purlin_ratelimit::{Gcra, Limiter, ManualClock, Quota};
/// use purlin_core::time::{UnixTime, WallClock};
///
/// let clock = ManualClock::new();
/// clock.set_unix_now(UnixTime::from_secs(1_800_000_000));
/// // In production a client of Redis or the like, for which you implement `CasStore`.
/// let store = MemoryStore::new(clock.clone(), 10_000);
///
/// let rule = Gcra::wide(Quota::per_minute(30)?.with_burst(2)?)?;
/// let limiter = Stored::new(rule, &store, UnixTime::EPOCH);
///
/// let now = limiter.instant(clock.unix_now());
/// assert!(limiter.key(b"alice").try_acquire_at(now, 2).is_ok());
/// assert!(limiter.key(b"alice").try_acquire_at(now, 1).is_err());
/// assert!(limiter.key(b"bob").try_acquire_at(now, 1).is_ok());
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stored<A, S> {
    algorithm: A,
    store: S,
    epoch: UnixTime,
    tries: u32,
}

/// The limiter of one key of a [`Stored`].
#[derive(Clone, Copy, Debug)]
pub struct StoredKey<'a, A, S> {
    stored: &'a Stored<A, S>,
    key: &'a [u8],
}

/// Why a [`Stored`] has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError<E> {
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] E),
    /// The store answered, and it was of no use.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
}

impl<A: Algorithm<State: StoredState>, S: CasStore> Stored<A, S> {
    /// Limiters by that rule in that store, of which instants count from `epoch`.
    pub const fn new(algorithm: A, store: S, epoch: UnixTime) -> Self {
        Self {
            algorithm,
            store,
            epoch,
            tries: TRIES,
        }
    }

    /// The same with another number of tries than ten, at least one.
    #[must_use]
    pub fn with_tries(self, tries: u32) -> Self {
        Self { tries, ..self }
    }

    /// The instant of a time of the day, which is that of the epoch if it is earlier.
    pub const fn instant(&self, time: UnixTime) -> Instant {
        let since = time.saturating_duration_since(self.epoch);
        Instant::ORIGIN.saturating_add(since)
    }

    /// The limiter of a key.
    pub const fn key<'a>(&'a self, key: &'a [u8]) -> StoredKey<'a, A, S> {
        StoredKey { stored: self, key }
    }

    /// The rule.
    pub const fn algorithm(&self) -> &A {
        &self.algorithm
    }

    /// Lets `update` work on the state of a key, and writes what it made of it. It is called again
    /// with another state if somebody was faster.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store failed, was contended too long or holds something else, as the state
    /// of [another rule](AttemptError::AnotherRule).
    pub fn update<R>(
        &self,
        key: &[u8],
        now: Instant,
        update: impl FnMut(&A, &mut A::State, Instant) -> R,
    ) -> Result<R, StoreError<S::Error>> {
        let mut attempt = Attempt::new(&self.algorithm, now, self.tries, update);
        loop {
            match attempt.step() {
                Step::Read => {
                    let read = self.store.get(key).map_err(StoreError::Store)?;
                    attempt.read(read.entry, read.now.map(|time| self.instant(time)));
                }
                Step::Swap {
                    expected,
                    value,
                    ttl,
                } => {
                    let swapped = self.store.swap(key, expected, value, ttl);
                    attempt.swapped(swapped.map_err(StoreError::Store)?);
                }
                Step::Done => return Ok(attempt.finish()?),
            }
        }
    }
}

impl<A: Algorithm<State: StoredState>, S: CasStore> Limiter for StoredKey<'_, A, S> {
    fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        let decide = |rule: &A, state: &mut A::State, now| rule.decide(state, now, cost);
        let outcome = self.stored.update(self.key, now, decide);
        outcome.unwrap_or_else(|_| Err(Denied::because(now, Reason::Store)))
    }

    fn check_at(&self, now: Instant, cost: u64) -> Decision {
        let check = |rule: &A, state: &mut A::State, now| {
            let outcome = rule.decide(state, now, cost);
            let mut decision = rule.inspect(state, now, 0);
            decision.outcome = outcome;
            decision
        };
        let decision = self.stored.update(self.key, now, check);
        decision.unwrap_or_else(|_| self.unknown(now))
    }

    fn peek_at(&self, now: Instant, cost: u64) -> Decision {
        let peek = |rule: &A, state: &mut A::State, now| rule.inspect(state, now, cost);
        let decision = self.stored.update(self.key, now, peek);
        decision.unwrap_or_else(|_| self.unknown(now))
    }

    fn reserve_at(
        &self,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        let reserve =
            |rule: &A, state: &mut A::State, now| rule.reserve(state, now, cost, max_wait);
        let reservation = self.stored.update(self.key, now, reserve);
        reservation.unwrap_or_else(|_| Err(Denied::because(now, Reason::Store)))
    }

    /// None if the store failed.
    fn cancel_at(&self, now: Instant, reservation: Reservation) -> u64 {
        let cancel = |rule: &A, state: &mut A::State, now| rule.cancel(state, now, &reservation);
        self.stored.update(self.key, now, cancel).unwrap_or(0)
    }

    /// Puts nothing back if the store failed.
    fn refund_at(&self, now: Instant, cost: u64) {
        let refund = |rule: &A, state: &mut A::State, now| rule.refund(state, now, cost);
        // Tokens that stay taken harm nobody but this caller.
        let _ = self.stored.update(self.key, now, refund);
    }

    fn limit(&self) -> u64 {
        self.stored.algorithm.limit()
    }
}

impl<A: Algorithm<State: StoredState>, S: CasStore> StoredKey<'_, A, S> {
    /// Of a store that failed: refused, with nothing left that is known of.
    fn unknown(&self, now: Instant) -> Decision {
        let unused = self.stored.algorithm.inspect(&A::State::default(), now, 0);
        let outcome = Err(Denied::because(now, Reason::Store));
        Decision::new(outcome, unused.limit, 0, Duration::MAX, unused.window)
    }
}
