use super::MAX_LIMIT;
use crate::sync::{AtomicU64, Ordering};

/// One call in flight: the upper half of the word counts them.
const ONE: u64 = 1 << 32;
/// Somebody waits for admission, so nobody else is admitted.
const WAITING: u64 = 1 << 31;
/// The limit: what is left of the lower half.
const LIMIT: u64 = WAITING - 1;

/// Nothing more may be in flight at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{in_flight} in flight, of at most {limit}")]
pub struct AtLimit {
    /// The limit when the call was refused.
    pub limit: u32,
    /// How many were in flight. More than the limit after that was lowered; fewer when others
    /// wait for what is free.
    pub in_flight: u32,
}

/// Counts what is in flight against a limit, in one atomic word.
///
/// For those who keep the account themselves: each success of [`try_acquire`](Self::try_acquire) is
/// to be answered by one [`release`](Self::release). `ConcurrencyLimiter` makes permits of this
/// that release themselves.
///
/// Any thread may call anything at any time; the limit is never exceeded, and the count is exact.
/// All operations are lock-free and take constant time. Whatever was written before a `release` is
/// seen after a `try_acquire` that it made room for.
///
/// ```
/// use purlin_ratelimit::concurrency::{AtLimit, ConcurrencyLimit};
///
/// let limit = ConcurrencyLimit::new(2);
/// assert_eq!(limit.try_acquire(), Ok(1));
/// assert_eq!(limit.try_acquire(), Ok(2));
/// assert_eq!(limit.try_acquire(), Err(AtLimit { limit: 2, in_flight: 2 }));
///
/// limit.set_limit(1); // takes nothing back
/// limit.release();
/// assert_eq!(limit.try_acquire(), Err(AtLimit { limit: 1, in_flight: 1 }));
/// limit.release();
/// assert_eq!(limit.try_acquire(), Ok(1));
/// ```
#[derive(Debug)]
pub struct ConcurrencyLimit(AtomicU64);

impl ConcurrencyLimit {
    /// Nothing in flight, and at most `limit`. Zero admits nothing; more than [`MAX_LIMIT`] is
    /// taken for that.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self(AtomicU64::new(limit.min(MAX_LIMIT).into()))
    }

    /// Admits one more and answers how many are in flight with it.
    ///
    /// # Errors
    ///
    /// When as many as the limit, or more, are in flight.
    #[inline]
    pub fn try_acquire(&self) -> Result<u32, AtLimit> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if is_full(word) || word & WAITING != 0 {
                return Err(AtLimit {
                    limit: limit_of(word),
                    in_flight: in_flight_of(word),
                });
            }
            match self.exchange(word, word + ONE) {
                Ok(()) => return Ok(in_flight_of(word) + 1),
                Err(now) => word = now,
            }
        }
    }

    /// One that was admitted is no longer in flight. When nothing is in flight, nothing happens.
    #[inline]
    pub fn release(&self) {
        self.release_seeing_waiters();
    }

    /// Changes the limit. Lowering it below what is in flight takes nothing back: it refuses new
    /// ones until enough have ended. More than [`MAX_LIMIT`] is taken for that.
    pub fn set_limit(&self, limit: u32) {
        self.set_limit_seeing_waiters(limit);
    }

    /// How many may be in flight.
    #[must_use]
    pub fn limit(&self) -> u32 {
        limit_of(self.0.load(Ordering::Relaxed))
    }

    /// How many are in flight.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        in_flight_of(self.0.load(Ordering::Relaxed))
    }

    /// As `release`; whether somebody waits for the place that became free.
    #[inline]
    pub(super) fn release_seeing_waiters(&self) -> bool {
        // ORDERING: what was done under the place is seen by whoever takes it next.
        let word = self.0.fetch_sub(ONE, Ordering::Release);
        if in_flight_of(word) == 0 {
            // One release too many. The count is the upper half, so it wrapped around without
            // touching the limit, and admits nothing until it is wrapped back.
            self.0.fetch_add(ONE, Ordering::Relaxed);
        }
        word & WAITING != 0
    }

    /// As `set_limit`; whether somebody waits.
    pub(super) fn set_limit_seeing_waiters(&self, limit: u32) -> bool {
        let limit = u64::from(limit.min(MAX_LIMIT));
        let mut word = self.0.load(Ordering::Relaxed);
        while let Err(now) = self.exchange(word, word & !LIMIT | limit) {
            word = now;
        }
        word & WAITING != 0
    }

    #[inline]
    fn exchange(&self, old: u64, new: u64) -> Result<(), u64> {
        // ORDERING: whoever takes a place sees what was done under it before. A release sequence
        // goes on through every read-modify-write, so these need not release.
        self.0
            .compare_exchange_weak(old, new, Ordering::Acquire, Ordering::Relaxed)
            .map(drop)
    }
}

/// What the queue and the shares in front of the word need.
#[cfg(feature = "std")]
impl ConcurrencyLimit {
    /// Admits one although the limit is reached: for shares that are guaranteed.
    pub(super) fn acquire_beyond_limit(&self) -> u32 {
        // ORDERING: as in `exchange`.
        in_flight_of(self.0.fetch_add(ONE, Ordering::Acquire)).saturating_add(1)
    }

    /// Admits one if there is room and `is_first` in the queue; else marks that somebody waits, so
    /// that any release from then on answers so. For holders of the queue's lock.
    pub(super) fn acquire_or_mark_waiting(&self, is_first: bool) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let is_admitted = is_first && !is_full(word);
            let next = if is_admitted {
                word + ONE
            } else {
                word | WAITING
            };
            match self.exchange(word, next) {
                Ok(()) => return is_admitted,
                Err(now) => word = now,
            }
        }
    }

    /// Admits the first of the queue if there is room; `is_last` when nobody waits behind it. For
    /// holders of the queue's lock.
    pub(super) fn acquire_for_waiter(&self, is_last: bool) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while !is_full(word) {
            let mark = if is_last { 0 } else { WAITING };
            match self.exchange(word, (word + ONE) & !WAITING | mark) {
                Ok(()) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Nobody waits any more. For holders of the queue's lock.
    pub(super) fn unmark_waiting(&self) {
        self.0.fetch_and(!WAITING, Ordering::Relaxed);
    }

    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(super) fn is_marked_waiting(&self) -> bool {
        self.0.load(Ordering::Relaxed) & WAITING != 0
    }
}

const fn limit_of(word: u64) -> u32 {
    (word & LIMIT) as u32
}

const fn in_flight_of(word: u64) -> u32 {
    (word >> 32) as u32
}

const fn is_full(word: u64) -> bool {
    in_flight_of(word) >= limit_of(word)
}
