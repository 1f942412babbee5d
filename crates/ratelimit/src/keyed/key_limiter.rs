//! The limiter of one key.

use super::Keyed;
use super::address::plan_of;
use super::insert::Start;
use super::table::Place;
use crate::algorithm::{Algorithm, Reconfigure};
use crate::decision::{Decision, Denied, Reservation};
use crate::limiter::Limiter;
use core::fmt;
use core::time::Duration;
use purlin_core::hash::{KeyHash, KeyHasher};
use purlin_core::time::Instant;

/// The limiter of one key in a [`Keyed`], under one plan: a hash and a reference.
///
/// Made by [`Keyed::of`] and [`Keyed::of_plan`]. It holds nothing in the table: the key has an entry
/// from its first request that is admitted until it is idle.
///
/// * [`refund_at`](Limiter::refund_at) and [`cancel_at`](Limiter::cancel_at) change nothing when the key
///   has no entry: it is as good as new, or was [evicted](super::WhenFull).
/// * A reservation is of the plan under which it was made. Cancel it under that one, before the key
///   changes to another.
///
/// ```
/// use core::time::Duration;
/// use purlin_ratelimit::{Gcra, Instant, Keyed, Limiter, Quota};
///
/// let limiter = Keyed::new(Gcra::new(Quota::per_second(10)?.with_burst(1)?)?, 100)?;
/// let now = Instant::from_secs(1);
/// let alice = limiter.of("alice");
///
/// assert!(alice.try_acquire_at(now, 1).is_ok());
/// let turn = alice.reserve_at(now, 1, Duration::from_secs(1)).unwrap();
/// assert_eq!(turn.wait_from(now), Duration::from_millis(100));
/// assert_eq!(alice.cancel_at(now, turn), 1);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
pub struct KeyLimiter<'a, A, H> {
    keyed: &'a Keyed<A, H>,
    hash: KeyHash,
    plan: u8,
}

impl<'a, A, H> KeyLimiter<'a, A, H> {
    #[inline]
    pub(super) const fn new(keyed: &'a Keyed<A, H>, hash: KeyHash, plan: u8) -> Self {
        Self { keyed, hash, plan }
    }

    /// The key's hash. It is a [`Key`](super::Key) of the same table, that need not be computed again.
    #[must_use]
    pub const fn hash(&self) -> KeyHash {
        self.hash
    }

    /// The index of its plan.
    #[must_use]
    pub const fn plan(&self) -> usize {
        self.plan as usize
    }
}

impl<A: Algorithm<State = u64> + Reconfigure, H: KeyHasher> KeyLimiter<'_, A, H> {
    fn algorithm(&self) -> &A {
        self.keyed.plan(self.plan)
    }

    /// The decision of one for whom there is no room.
    fn full(&self, now: Instant, denied: Denied) -> Decision {
        let mut decision = self.algorithm().inspect(&0, now, 0);
        decision.outcome = Err(denied);
        decision.remaining = 0;
        decision
    }

    /// Changes the state if there is an entry.
    fn update_entry<R: Default>(&self, now: Instant, update: impl Fn(&A, &mut u64) -> R) -> R {
        let (keyed, algorithm) = (self.keyed, self.algorithm());
        if let Some(result) = keyed.update_found(self.hash, self.plan, &update) {
            return result;
        }
        let address = keyed.address(self.hash);
        let _guard = keyed.lock(&address);
        while let Place::Entry((slot, content)) = keyed.table.place(&address, &keyed.plans, now) {
            let result = if plan_of(content.tag) == self.plan {
                slot.update(content.tag, |state| update(algorithm, state))
            } else {
                let start = keyed.carried(content, self.plan, now);
                let mut state = start;
                let result = update(algorithm, &mut state);
                let done = state == start || slot.replace(content, address.owner, self.plan, state);
                done.then_some(result)
            };
            if let Some(result) = result {
                return result;
            }
        }
        R::default()
    }
}

impl<A, H> Clone for KeyLimiter<'_, A, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, H> Copy for KeyLimiter<'_, A, H> {}

impl<A: Algorithm<State = u64> + Reconfigure, H: KeyHasher> Limiter for KeyLimiter<'_, A, H> {
    #[inline]
    fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        self.keyed.acquire(self.hash, self.plan, now, cost)
    }

    fn check_at(&self, now: Instant, cost: u64) -> Decision {
        let checked = self
            .keyed
            .update(self.hash, self.plan, now, |algorithm, state| {
                let outcome = algorithm.decide(state, now, cost);
                let mut decision = algorithm.inspect(state, now, 0);
                decision.outcome = outcome;
                decision
            });
        checked.unwrap_or_else(|denied| self.full(now, denied))
    }

    /// As of [`Limiter`]; it takes the key's lock, so that it sees no entry half changed.
    fn peek_at(&self, now: Instant, cost: u64) -> Decision {
        let keyed = self.keyed;
        let address = keyed.address(self.hash);
        let _guard = keyed.lock(&address);
        let place = keyed.table.place(&address, &keyed.plans, now);
        match keyed.start(&place, &address, self.plan, now) {
            Start::In(_, state) => self.algorithm().inspect(&state, now, cost),
            Start::Overflow => keyed.overflow(|state| keyed.plan(0).inspect(state, now, cost)),
            Start::Full => {
                let fits = cost > 0 && self.algorithm().inspect(&0, now, cost).is_allowed();
                self.full(now, keyed.full(&address, now, fits))
            }
        }
    }

    fn reserve_at(
        &self,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        self.keyed
            .update(self.hash, self.plan, now, |algorithm, state| {
                algorithm.reserve(state, now, cost, max_wait)
            })?
    }

    fn cancel_at(&self, now: Instant, reservation: Reservation) -> u64 {
        self.update_entry(now, |algorithm, state| {
            algorithm.cancel(state, now, &reservation)
        })
    }

    fn refund_at(&self, now: Instant, cost: u64) {
        self.update_entry(now, |algorithm, state| algorithm.refund(state, now, cost));
    }

    fn limit(&self) -> u64 {
        self.algorithm().limit()
    }
}

impl<A, H> fmt::Debug for KeyLimiter<'_, A, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLimiter")
            .field("hash", &self.hash)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
