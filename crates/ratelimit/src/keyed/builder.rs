//! How a table is made.

use super::stats::Counters;
use super::table::{BUCKET, Table};
use super::{Keyed, LOCKS};
use crate::algorithm::{Algorithm, Reconfigure};
use crate::error::ConfigError;
use crate::sync::{AtomicU64, Mutex};
use alloc::vec;
use alloc::vec::Vec;
use core::array;
use core::hash::BuildHasher;
use purlin_core::hash::{KeyHasher, SipHash13};
use std::collections::hash_map::RandomState;

/// What becomes of a new key when all slots in which its entry could lie are busy.
///
/// No table of fixed size serves everybody when more keys are busy than it holds, and somebody who has
/// many keys can fill it. The question is who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WhenFull {
    /// It takes the place of the entry that will be idle first, *and goes on from how that one stands*:
    /// what the old key took counts for the new one. If that leaves too little for the request, it is
    /// refused and nothing changes.
    ///
    /// So all keys together never get more than one key's rate a slot, however many there are: a flood of
    /// new keys competes with itself for the slots of those who use the least. A key may get less than
    /// its rate while the table is full, and lose an entry with little debt and come back to another
    /// with more, or with less. (The Space-Saving sketch of Metwally, Agrawal and El Abbadi, ICDT 2005,
    /// replaces its counters by the same rule, per bucket here.)
    #[default]
    EvictNearestIdle,
    /// It is refused with [`Reason::Full`](crate::Reason::Full), to come back when one of those entries
    /// is idle. Keys that have an entry are served exactly; whoever fills the table locks everybody else
    /// out.
    Deny,
    /// It shares one limiter, under the first plan, with all others that find no room. Keys that have an
    /// entry are served exactly; whoever fills the table leaves everybody else one budget together.
    /// Nothing is refunded to it.
    SharedBucket,
}

/// What a [`Keyed`] is made of. See [`Keyed::builder`].
///
/// ```
/// use purlin_core::hash::SipHash13;
/// use purlin_ratelimit::{Gcra, Instant, Keyed, Quota, WhenFull};
///
/// let limiter = Keyed::builder(Gcra::new(Quota::per_minute(60)?)?, 1_000_000)
///     .plan(Gcra::new(Quota::per_minute(6000)?)?)
///     .when_full(WhenFull::Deny)
///     .hasher(SipHash13::new(*b"of a secret file"))
///     .build()?;
/// assert!(limiter.memory() < 20_000_000);
/// # Ok::<(), purlin_ratelimit::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct KeyedBuilder<A, H = SipHash13> {
    plans: Vec<A>,
    capacity: usize,
    when_full: WhenFull,
    hasher: H,
}

impl<A> KeyedBuilder<A> {
    pub(super) fn new(algorithm: A, capacity: usize) -> Self {
        Self {
            plans: vec![algorithm],
            capacity,
            when_full: WhenFull::default(),
            hasher: secret(),
        }
    }
}

/// A hasher of which nobody knows the key: the standard library has one from the system.
fn secret() -> SipHash13 {
    let random = RandomState::new();
    let mut key = [0; 16];
    for (index, half) in key.chunks_exact_mut(8).enumerate() {
        half.copy_from_slice(&random.hash_one(index).to_le_bytes());
    }
    SipHash13::new(key)
}

impl<A, H> KeyedBuilder<A, H> {
    /// One plan more, with the next index; the first one has 0.
    pub fn plan(mut self, algorithm: A) -> Self {
        self.plans.push(algorithm);
        self
    }

    /// What becomes of new keys when there is no room.
    pub const fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Another hasher. One without a secret lets those who choose their keys aim at a bucket.
    pub fn hasher<G: KeyHasher>(self, hasher: G) -> KeyedBuilder<A, G> {
        KeyedBuilder {
            plans: self.plans,
            capacity: self.capacity,
            when_full: self.when_full,
            hasher,
        }
    }

    /// The table.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Zero`] for a capacity of zero, [`ConfigError::TooLarge`] for more than 256 plans or
    /// a table that no address space holds, [`ConfigError::OutOfRange`] for one for which there is no
    /// memory.
    pub fn build(self) -> Result<Keyed<A, H>, ConfigError>
    where
        A: Algorithm<State = u64> + Reconfigure,
        H: KeyHasher,
    {
        let plans = u128::try_from(self.plans.len()).unwrap_or(u128::MAX);
        if plans > MAX_PLANS {
            return Err(ConfigError::TooLarge {
                field: "plans",
                value: plans,
                max: MAX_PLANS,
            });
        }
        let table = Table::new(buckets(self.capacity)?).ok_or(ConfigError::OutOfRange {
            field: "capacity",
            expected: "so small that there is memory for it",
        })?;
        Ok(Keyed {
            table,
            plans: self.plans.into_boxed_slice(),
            hasher: self.hasher,
            locks: array::from_fn::<_, LOCKS, _>(|_| Mutex::new(())),
            when_full: self.when_full,
            overflow: AtomicU64::new(0),
            counters: Counters::new(),
            capacity: self.capacity,
        })
    }
}

const MAX_PLANS: u128 = 256;

/// As many as have slots for 20 keys for every 17.
fn buckets(capacity: usize) -> Result<usize, ConfigError> {
    if capacity == 0 {
        return Err(ConfigError::Zero { field: "capacity" });
    }
    // Of no address space more than half can be one allocation, and an address has 2³² buckets.
    let max = (isize::MAX as u64 / Table::BUCKET_BYTES as u64).min(1 << 32);
    let slots = (capacity as u128 * 20).div_ceil(17);
    let buckets = slots.div_ceil(BUCKET as u128);
    let fits = u64::try_from(buckets).ok().filter(|&count| count <= max);
    let buckets = fits.and_then(|count| usize::try_from(count).ok());
    buckets.ok_or_else(|| ConfigError::TooLarge {
        field: "capacity",
        value: capacity as u128,
        max: u128::from(max) * BUCKET as u128 * 17 / 20,
    })
}
