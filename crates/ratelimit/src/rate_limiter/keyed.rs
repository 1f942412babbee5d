//! A limiter per key with a clock.

use crate::algorithm::gcra::Gcra;
use crate::algorithm::{Algorithm, Reconfigure};
use crate::decision::{Decision, Denied};
use crate::error::ConfigError;
use crate::keyed::{Key, Keyed};
use crate::limiter::Limiter as _;
use crate::quota::Quota;
use purlin_core::hash::{KeyHasher, SipHash13};
use purlin_core::time::{Clock, SystemClock};

/// A [`Keyed`] limiter that reads a clock: a quota for each key, of as many keys at a time as there is
/// room for.
///
/// All calls take `&self` and may come from any thread. For plans, another rule, another hash or
/// another answer when the table is full, build the [`Keyed`] and hand it
/// [over](Self::from_table).
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::KeyedRateLimiter;
///
/// // 100 a second for each of up to 50,000 keys that were seen lately.
/// let limiter = KeyedRateLimiter::per_second(100, 50_000)?;
/// assert!(limiter.try_acquire("api-key-7").is_ok());
/// let decision = limiter.check(&8_u64);
/// assert_eq!((decision.is_allowed(), decision.remaining), (true, 99));
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct KeyedRateLimiter<A = Gcra, C = SystemClock, H = SipHash13> {
    table: Keyed<A, H>,
    clock: C,
}

impl KeyedRateLimiter {
    /// `count` tokens a second for each key, all of which may come at once, by the system's clock.
    ///
    /// # Errors
    ///
    /// Those of [`Quota::per_second`], [`Gcra::new`] and [`Keyed::new`].
    pub fn per_second(count: u64, capacity: usize) -> Result<Self, ConfigError> {
        Self::new(Quota::per_second(count)?, capacity)
    }

    /// That quota for each key, by the system's clock.
    ///
    /// # Errors
    ///
    /// Those of [`Gcra::new`] and [`Keyed::new`].
    pub fn new(quota: Quota, capacity: usize) -> Result<Self, ConfigError> {
        Self::with_clock(quota, capacity, SystemClock::new())
    }
}

impl<C: Clock> KeyedRateLimiter<Gcra, C> {
    /// That quota for each key, by a clock of yours.
    ///
    /// # Errors
    ///
    /// Those of [`Gcra::new`] and [`Keyed::new`].
    pub fn with_clock(quota: Quota, capacity: usize, clock: C) -> Result<Self, ConfigError> {
        let rule = Gcra::starting_at(quota, clock.now())?;
        Ok(Self::from_table(Keyed::new(rule, capacity)?, clock))
    }
}

impl<A, C, H> KeyedRateLimiter<A, C, H>
where
    A: Algorithm<State = u64> + Reconfigure,
    C: Clock,
    H: KeyHasher,
{
    /// A table of your own, of which the rules count from about the clock's now.
    pub const fn from_table(table: Keyed<A, H>, clock: C) -> Self {
        Self { table, clock }
    }

    /// Takes a token of the key.
    ///
    /// # Errors
    ///
    /// [`Denied`], and nothing was taken.
    #[inline]
    pub fn try_acquire<K: Key + ?Sized>(&self, key: &K) -> Result<(), Denied> {
        self.try_acquire_n(key, 1)
    }

    /// Takes `cost` tokens of the key.
    ///
    /// # Errors
    ///
    /// [`Denied`], and nothing was taken.
    #[inline]
    pub fn try_acquire_n<K: Key + ?Sized>(&self, key: &K, cost: u64) -> Result<(), Denied> {
        self.table.try_acquire_at(key, self.clock.now(), cost)
    }

    /// Takes a token of the key if there is one, and tells how the key stands afterwards.
    pub fn check<K: Key + ?Sized>(&self, key: &K) -> Decision {
        self.check_n(key, 1)
    }

    /// Takes `cost` tokens of the key if there are as many, and tells how the key stands afterwards.
    pub fn check_n<K: Key + ?Sized>(&self, key: &K, cost: u64) -> Decision {
        self.table.check_at(key, self.clock.now(), cost)
    }

    /// What [`check`](Self::check) would decide, and how the key stands now. Takes nothing.
    pub fn peek<K: Key + ?Sized>(&self, key: &K) -> Decision {
        self.table.of(key).peek_at(self.clock.now(), 1)
    }

    /// The table: for plans, reservations, refunds, statistics.
    #[must_use]
    pub const fn table(&self) -> &Keyed<A, H> {
        &self.table
    }

    /// The table, to reconfigure it.
    #[must_use]
    pub const fn table_mut(&mut self) -> &mut Keyed<A, H> {
        &mut self.table
    }

    /// The clock.
    #[must_use]
    pub const fn clock(&self) -> &C {
        &self.clock
    }
}
