//! A limiter per key, in memory that does not grow.

mod address;
mod builder;
mod insert;
mod key;
mod key_limiter;
mod slot;
mod stats;
mod table;

pub use builder::{KeyedBuilder, WhenFull};
pub use key::Key;
pub use key_limiter::KeyLimiter;
pub use stats::{KeyedEntry, KeyedStats};

use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::decision::{Decision, Denied};
use crate::error::ConfigError;
use crate::sync::{AtomicU64, Mutex};
use address::{Address, plan_of};
use alloc::boxed::Box;
use core::fmt;
use purlin_core::hash::{KeyHash, KeyHasher, SipHash13};
use purlin_core::time::Instant;
use slot::Slot;
use stats::Counters;
use table::Table;

/// A limiter per key: a table of fixed size, of two words a slot.
///
/// A key that was not seen for a while, so that its limiter is as good as new, is the same as one that
/// was never seen. So there is nothing to expire and nothing to sweep: a new key takes the place of
/// any such entry in its two buckets of 16 slots. No call does more than to look at those 32 slots.
///
/// # Memory
///
/// All of it is allocated at once: 16 bytes a slot, and slots for `capacity / 0.85` keys, which is
/// just under 19 bytes a key. It never grows, however many keys come. As long as no more than
/// `capacity` keys are busy at once, one new key in some 70,000 finds its 32 slots busy; what becomes
/// of that one, and of those that come when the table is full, is up to [`WhenFull`].
///
/// # Keys
///
/// A [`Key`] is known by its 64-bit hash. Unless you choose another hasher, that is SipHash-1-3 with a
/// random key of the table, so that nobody can aim at a bucket, or at another's entry. Two keys of one
/// hash share a budget; among `n` keys that are busy at once there is such a pair with a probability
/// of at most `n² / 2⁶⁵ + n / 2⁴⁴`, which is one in eleven million for a million keys.
///
/// # Plans
///
/// Up to 256 rules of one type can be in force in one table. Which one is a key's, the caller says with
/// every request ([`of_plan`](Self::of_plan)); the methods without a plan mean the first. The table
/// remembers under which plan an entry is, and when a key comes under another one, what it has left goes
/// with it ([`Carry::AsIs`]), in one step. An entry of which nothing counts any more is no entry: under a
/// larger plan that key is as new.
///
/// # Concurrency
///
/// All threads may call at any time. A key that has an entry is decided on without a lock: a refusal
/// writes nothing, an admission is one compare-and-swap. A key that has none takes one of 64
/// locks, by its hash, to become an entry. What is admitted to a key by all threads together never
/// exceeds what its rule admits one after the other. See the source of `slot` for the protocol and its
/// proof.
///
/// An entry that one thread finds as good as new may be gone for all, also for a thread whose `now` is
/// earlier: it is the latest `now` of all threads that counts.
///
/// # Examples
///
/// ```
/// use purlin_ratelimit::{Gcra, Instant, Keyed, Limiter, Quota};
///
/// let free = Gcra::new(Quota::per_second(1)?.with_burst(2)?)?;
/// let gold = Gcra::new(Quota::per_second(100)?)?;
/// let limiter = Keyed::builder(free, 10_000).plan(gold).build()?;
///
/// let now = Instant::from_secs(1);
/// assert!(limiter.try_acquire_at("alice", now, 2).is_ok());
/// assert!(limiter.try_acquire_at("alice", now, 1).is_err());
/// assert!(limiter.try_acquire_at("bob", now, 1).is_ok());
/// assert!(limiter.of_plan("carol", 1)?.try_acquire_at(now, 50).is_ok());
///
/// // Everything else that a limiter can do, for one key.
/// assert_eq!(limiter.of("bob").peek_at(now, 1).remaining, 1);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
pub struct Keyed<A, H = SipHash13> {
    table: Table,
    /// One at least, and 256 at most.
    plans: Box<[A]>,
    hasher: H,
    locks: [Mutex<()>; LOCKS],
    when_full: WhenFull,
    /// The state, under the first plan, of those who found no room.
    overflow: AtomicU64,
    counters: Counters,
    capacity: usize,
}

/// Keys that have no entry wait for each other if their hashes share a lock.
const LOCKS: usize = if cfg!(purlin_loom) { 2 } else { 64 };

impl<A: Algorithm<State = u64> + Reconfigure> Keyed<A> {
    /// A table for so many keys at once, under one rule.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a capacity of zero, or one for which there is no memory.
    pub fn new(algorithm: A, capacity: usize) -> Result<Self, ConfigError> {
        Self::builder(algorithm, capacity).build()
    }

    /// A table for so many keys at once, with more plans than this first one, another hasher, or another
    /// way when it is full.
    pub fn builder(algorithm: A, capacity: usize) -> KeyedBuilder<A> {
        KeyedBuilder::new(algorithm, capacity)
    }
}

impl<A: Algorithm<State = u64> + Reconfigure, H: KeyHasher> Keyed<A, H> {
    /// Takes `cost` tokens of the key, under the first plan.
    ///
    /// # Errors
    ///
    /// [`Denied`], and nothing was taken. With [`Reason::Full`](crate::Reason::Full) there was no room
    /// for the key.
    #[inline]
    pub fn try_acquire_at<K: Key + ?Sized>(
        &self,
        key: &K,
        now: Instant,
        cost: u64,
    ) -> Result<(), Denied> {
        let hash = key.key_hash(&self.hasher);
        self.acquire(hash, 0, now, cost)
    }

    /// The same, with how the key stands afterwards.
    pub fn check_at<K: Key + ?Sized>(&self, key: &K, now: Instant, cost: u64) -> Decision {
        crate::Limiter::check_at(&self.of(key), now, cost)
    }

    /// The limiter of one key, under the first plan. It costs a hash, and makes no entry.
    #[inline]
    pub fn of<K: Key + ?Sized>(&self, key: &K) -> KeyLimiter<'_, A, H> {
        KeyLimiter::new(self, key.key_hash(&self.hasher), 0)
    }

    /// The limiter of one key, under a plan: 0 is the first. Whatever plan the key was under before, its
    /// next request changes to this one.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] when there is no such plan.
    #[inline]
    pub fn of_plan<K: Key + ?Sized>(
        &self,
        key: &K,
        plan: usize,
    ) -> Result<KeyLimiter<'_, A, H>, ConfigError> {
        let index = u8::try_from(plan).ok();
        let index = index.filter(|_| plan < self.plans.len());
        let index = index.ok_or(NO_SUCH_PLAN)?;
        Ok(KeyLimiter::new(self, key.key_hash(&self.hasher), index))
    }

    /// Forgets the key: it is as good as new. Answers whether there was an entry.
    pub fn remove<K: Key + ?Sized>(&self, key: &K) -> bool {
        let address = self.address(key.key_hash(&self.hasher));
        self.remove_entry(&address)
    }

    /// Forgets all keys. O(capacity).
    pub fn clear(&mut self) {
        for slot in self.table.slots() {
            slot.reset();
        }
        self.overflow = AtomicU64::new(0);
    }

    /// Replaces a plan, for all keys that are under it. O(capacity).
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] when there is no such plan.
    pub fn reconfigure(
        &mut self,
        now: Instant,
        plan: usize,
        algorithm: A,
        carry: Carry,
    ) -> Result<(), ConfigError> {
        let old = self.plans.get(plan).ok_or(NO_SUCH_PLAN)?;
        let migrate = |state: &mut u64| *state = carry_over(old, &algorithm, *state, now, carry);
        for slot in self.table.slots() {
            let tag = slot.tag();
            if usize::from(plan_of(tag)) == plan {
                slot.update(tag, migrate);
            }
        }
        if plan == 0 {
            self.overflow(migrate);
        }
        self.plans[plan] = algorithm;
        Ok(())
    }

    /// The plans: at least one.
    #[must_use]
    pub const fn plans(&self) -> &[A] {
        &self.plans
    }

    /// How the key is hashed.
    #[must_use]
    pub const fn hasher(&self) -> &H {
        &self.hasher
    }

    /// The keys for which it was made.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// The bytes that it takes, all told. They never become more.
    #[must_use]
    pub fn memory(&self) -> usize {
        let table = self.table.buckets() * Table::BUCKET_BYTES;
        size_of::<Self>() + table + size_of_val(&*self.plans)
    }

    fn address(&self, hash: KeyHash) -> Address {
        Address::new(hash, self.table.buckets())
    }

    /// The rule of a plan that exists.
    fn plan(&self, plan: u8) -> &A {
        self.plans.get(usize::from(plan)).unwrap_or(&self.plans[0])
    }

    #[inline]
    fn acquire(&self, hash: KeyHash, plan: u8, now: Instant, cost: u64) -> Result<(), Denied> {
        self.update_found(hash, plan, |algorithm, state| {
            algorithm.decide(state, now, cost)
        })
        // By its own arguments, which are in registers: a closure would have to be stored before.
        .unwrap_or_else(|| self.acquire_locked(hash, plan, now, cost))
    }

    #[cold]
    #[inline(never)]
    fn acquire_locked(
        &self,
        hash: KeyHash,
        plan: u8,
        now: Instant,
        cost: u64,
    ) -> Result<(), Denied> {
        self.update_locked(hash, plan, now, |algorithm, state| {
            algorithm.decide(state, now, cost)
        })?
    }

    /// Changes the state of a key: of its entry, or of the one that it then gets.
    ///
    /// # Errors
    ///
    /// [`Reason::Full`](crate::Reason::Full).
    fn update<R>(
        &self,
        hash: KeyHash,
        plan: u8,
        now: Instant,
        mut update: impl FnMut(&A, &mut u64) -> R,
    ) -> Result<R, Denied> {
        match self.update_found(hash, plan, &mut update) {
            Some(result) => Ok(result),
            None => self.update_locked(hash, plan, now, update),
        }
    }

    /// Changes the state of a key's entry under that plan, if it is found.
    #[inline]
    fn update_found<R>(
        &self,
        hash: KeyHash,
        plan: u8,
        mut update: impl FnMut(&A, &mut u64) -> R,
    ) -> Option<R> {
        let (slot, tag) = self.table.find(&self.address(hash), plan)?;
        let algorithm = self.plan(plan);
        slot.update(tag, |state| update(algorithm, state))
    }
}

/// The state under another rule. What is idle is as good as no entry, of which nothing is carried over.
fn carry_over<A>(old: &A, new: &A, state: u64, now: Instant, carry: Carry) -> u64
where
    A: Algorithm<State = u64> + Reconfigure,
{
    if old.is_idle(&state, now) {
        0
    } else {
        new.migrate(old, &state, now, carry)
    }
}

const NO_SUCH_PLAN: ConfigError = ConfigError::OutOfRange {
    field: "plan",
    expected: "the index of a plan of the table",
};

impl<A: fmt::Debug, H> fmt::Debug for Keyed<A, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed")
            .field("plans", &self.plans)
            .field("capacity", &self.capacity)
            .field("when_full", &self.when_full)
            .finish_non_exhaustive()
    }
}
