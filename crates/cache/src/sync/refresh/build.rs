use super::{Refreshing, Staleness, Timed};
use crate::builder::{Builder, Listener, Weigher};
use crate::expiry::Expiry;
use crate::lifetime::Lifetimes;
use crate::policy::Policy;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;
use purlin_core::time::Instant;

impl<K: 'static, V: 'static, P: Policy, S> Builder<K, V, P, S> {
    /// A cache for many threads that refreshes values, and serves stale ones as far as it is allowed to. See
    /// [`sync::refresh`](crate::sync::refresh).
    ///
    /// Entries keep 8 bytes more each, and stay in memory, and in [`len`](Refreshing::len), until they are too stale for
    /// everything. The listener is told of them then. A time to idle is not extended.
    #[must_use]
    pub fn build_refreshing(self, staleness: Staleness) -> Refreshing<K, V, P, S> {
        let builder: Builder<K, Timed<V>, P, S> = Builder {
            max_capacity: self.max_capacity,
            weigher: self.weigher.map(of_values),
            listener: self.listener.map(to_values),
            policy: self.policy,
            lifetimes: Lifetimes {
                clock: self.lifetimes.clock,
                expiry: self
                    .lifetimes
                    .expiry
                    .map(|expiry| Box::new(OfValues(expiry)) as _),
                time_to_live: self.lifetimes.time_to_live,
                time_to_idle: self.lifetimes.time_to_idle,
                jitter: self.lifetimes.jitter,
                grace: staleness.grace(),
            },
            hasher: self.hasher,
            shards: self.shards,
            records_stats: self.records_stats,
        };
        Refreshing {
            cache: Arc::new(builder.build()),
            staleness,
        }
    }
}

fn of_values<K: 'static, V: 'static>(weigh: Weigher<K, V>) -> Weigher<K, Timed<V>> {
    Box::new(move |key, timed| weigh(key, &timed.value))
}

fn to_values<K: 'static, V: 'static>(listener: Listener<K, V>) -> Listener<K, Timed<V>> {
    Box::new(move |key, timed, cause| listener(key, timed.value, cause))
}

/// An `Expiry` that knows nothing of when values were written.
struct OfValues<K, V>(Box<dyn Expiry<K, V> + Send + Sync>);

impl<K, V> Expiry<K, Timed<V>> for OfValues<K, V> {
    fn expire_after_create(&self, key: &K, timed: &Timed<V>, now: Instant) -> Option<Duration> {
        self.0.expire_after_create(key, &timed.value, now)
    }

    fn expire_after_update(
        &self,
        key: &K,
        timed: &Timed<V>,
        now: Instant,
        current: Option<Duration>,
    ) -> Option<Duration> {
        self.0.expire_after_update(key, &timed.value, now, current)
    }

    fn expire_after_read(
        &self,
        key: &K,
        timed: &Timed<V>,
        now: Instant,
        current: Option<Duration>,
    ) -> Option<Duration> {
        self.0.expire_after_read(key, &timed.value, now, current)
    }
}
