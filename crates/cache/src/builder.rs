use crate::expiry::{Expiry, Jitter};
use crate::lifetime::Lifetimes;
use crate::listener::RemovalCause;
use crate::policy::{Adaptive, Policy};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;
use foldhash::fast::RandomState;
use purlin_core::time::Clock;
#[cfg(feature = "std")]
use purlin_core::time::SystemClock;

pub(crate) type Weigher<K, V> = Box<dyn Fn(&K, &V) -> u64 + Send + Sync>;
pub(crate) type Listener<K, V> = Box<dyn Fn(&K, V, RemovalCause) + Send + Sync>;
pub(crate) type PolicyFactory<P> = Box<dyn Fn(usize) -> P + Send + Sync>;

/// What a cache is to be like. See `sync::Cache::builder` and `unsync::Cache::builder`.
pub struct Builder<K, V, P = Adaptive, S = RandomState> {
    pub(crate) max_capacity: u64,
    pub(crate) weigher: Option<Weigher<K, V>>,
    pub(crate) listener: Option<Listener<K, V>>,
    pub(crate) policy: PolicyFactory<P>,
    pub(crate) lifetimes: Lifetimes<K, V>,
    pub(crate) hasher: S,
    pub(crate) shards: Option<usize>,
    pub(crate) records_stats: bool,
}

impl<K, V> Builder<K, V> {
    /// For so many entries, or for so much weight if there is a [`weigher`](Self::weigher).
    ///
    /// A capacity of zero makes a cache that holds nothing: every insertion is
    /// [`Rejected`](RemovalCause::Rejected).
    #[must_use]
    pub fn new(max_capacity: u64) -> Self {
        #[cfg(feature = "std")]
        let clock = SystemClock::new();
        #[cfg(not(feature = "std"))]
        let clock = crate::lifetime::Stopped;
        Self {
            max_capacity,
            lifetimes: Lifetimes::new(Arc::new(clock)),
            weigher: None,
            listener: None,
            policy: default_policy(max_capacity),
            hasher: RandomState::default(),
            shards: None,
            records_stats: false,
        }
    }
}

/// One for all shards to learn together, where there can be shards.
fn default_policy(max_capacity: u64) -> PolicyFactory<Adaptive> {
    #[cfg(feature = "std")]
    return Box::new(Adaptive::family(
        usize::try_from(max_capacity).unwrap_or(usize::MAX),
    ));
    #[cfg(not(feature = "std"))]
    {
        let _ = max_capacity;
        Box::new(Adaptive::new)
    }
}

impl<K, V, P: Policy, S> Builder<K, V, P, S> {
    /// What an entry weighs, asked once when a value is put in. A weight of zero counts as one, so that the number of
    /// entries is bounded by the capacity in any case.
    ///
    /// An entry as heavy as the whole capacity is admissible; a heavier one is
    /// [`Rejected`](RemovalCause::Rejected).
    #[must_use]
    pub fn weigher(mut self, weigher: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        self.weigher = Some(Box::new(weigher));
        self
    }

    /// Is told of every entry that leaves and why, after it has left, outside of all locks: it may use the cache.
    ///
    /// It runs in the thread whose operation made the entry leave. If it panics, the panic goes to the
    /// caller of that operation, which is done; entries that left by the same operation are dropped untold.
    #[must_use]
    pub fn eviction_listener(
        mut self,
        listener: impl Fn(&K, V, RemovalCause) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    /// Entries live so long after their value was put in, and leave then. Zero: no entry is ever seen.
    #[must_use]
    pub fn time_to_live(mut self, duration: Duration) -> Self {
        self.lifetimes.time_to_live = Some(duration);
        self
    }

    /// Entries live so long after they were last used: put in, or found by a lookup that counts as a use. Zero:
    /// no entry is ever seen. With [`time_to_live`](Self::time_to_live) too, whichever is over first.
    #[must_use]
    pub fn time_to_idle(mut self, duration: Duration) -> Self {
        self.lifetimes.time_to_idle = Some(duration);
        self
    }

    /// Each entry has a time of its own, which `expiry` says; it is asked under the lock of the entry's shard and
    /// must not use the cache. With the times above too, whichever is over first.
    #[must_use]
    pub fn expire_after(mut self, expiry: impl Expiry<K, V> + Send + Sync + 'static) -> Self {
        self.lifetimes.expiry = Some(Box::new(expiry));
        self
    }

    /// Takes a part that depends on the key off every time to live, so that what came in together does not have to
    /// be loaded again at once. Times to idle stay as they are.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.lifetimes.jitter = Some(jitter);
        self
    }

    /// Another clock, for tests and where there is no `SystemClock`. It is read only where entries do not live
    /// for ever. Without `std` and without this, time stands still.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + Send + Sync + 'static) -> Self {
        self.lifetimes.clock = Arc::new(clock);
        self
    }

    /// Another eviction policy: a function that makes one for so many entries, called for each shard.
    #[must_use]
    pub fn policy<P2: Policy>(
        self,
        policy: impl Fn(usize) -> P2 + Send + Sync + 'static,
    ) -> Builder<K, V, P2, S> {
        Builder {
            max_capacity: self.max_capacity,
            weigher: self.weigher,
            listener: self.listener,
            lifetimes: self.lifetimes,
            policy: Box::new(policy),
            hasher: self.hasher,
            shards: self.shards,
            records_stats: self.records_stats,
        }
    }

    /// Another hasher. All 64 bits of its hashes must be well mixed, as those of foldhash, ahash and
    /// SipHash are.
    #[must_use]
    pub fn hasher<S2>(self, hasher: S2) -> Builder<K, V, P, S2> {
        Builder {
            max_capacity: self.max_capacity,
            weigher: self.weigher,
            listener: self.listener,
            lifetimes: self.lifetimes,
            policy: self.policy,
            hasher,
            shards: self.shards,
            records_stats: self.records_stats,
        }
    }

    /// How many shards a concurrent cache has, rounded up to a power of two and to at most 1,024; it chooses
    /// by its capacity otherwise.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Counts hits and misses, for some nanoseconds a lookup.
    #[must_use]
    pub fn record_stats(mut self) -> Self {
        self.records_stats = true;
        self
    }
}

impl<K, V, P, S> fmt::Debug for Builder<K, V, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("max_capacity", &self.max_capacity)
            .field("shards", &self.shards)
            .field("records_stats", &self.records_stats)
            .finish_non_exhaustive()
    }
}
