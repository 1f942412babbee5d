//! What is known of each zone, and may change at any time.

use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock, try_lock};
use crate::upstream::Zone;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

/// A value for each zone that policies go by and that may be set at any time: the number of clients
/// there, for [`ZoneAware`](crate::policy::ZoneAware), or its latency, for [`Failover`](crate::policy::Failover).
///
/// A clone is a handle to the same: keep one, give the policy the other. The next pick of every policy
/// that has it knows of a change. O(log zones), and a lock that picks do not wait for.
///
/// ```
/// use core::time::Duration;
/// use purlin_lb::policy::ZoneMap;
///
/// let latencies = ZoneMap::from_iter([("eu", Duration::from_millis(3))]);
/// latencies.set("us", Duration::from_millis(80));
/// assert_eq!(latencies.get("us"), Some(Duration::from_millis(80)));
/// latencies.remove("us");
/// assert_eq!(latencies.get("us"), None);
/// ```
#[derive(Debug)]
pub struct ZoneMap<V> {
    inner: Arc<Inner<V>>,
}

#[derive(Debug)]
struct Inner<V> {
    /// Counts changes. Apart from the values, as every pick reads it.
    version: AtomicU64,
    values: Mutex<BTreeMap<Zone, V>>,
}

impl<V: Copy> ZoneMap<V> {
    /// Without any zone.
    #[must_use]
    pub fn new() -> Self {
        Self::of(BTreeMap::new())
    }

    fn of(values: BTreeMap<Zone, V>) -> Self {
        Self {
            inner: Arc::new(Inner {
                version: AtomicU64::new(1),
                values: Mutex::new(values),
            }),
        }
    }

    /// The value of a zone.
    #[must_use]
    pub fn get(&self, zone: impl Into<Zone>) -> Option<V> {
        lock(&self.inner.values).get(&zone.into()).copied()
    }

    /// Sets the value of a zone.
    pub fn set(&self, zone: impl Into<Zone>, value: V) {
        self.change(|values| {
            values.insert(zone.into(), value);
        });
    }

    /// Forgets a zone.
    pub fn remove(&self, zone: impl Into<Zone>) {
        self.change(|values| {
            values.remove(&zone.into());
        });
    }

    /// These zones with these values, and no others.
    pub fn replace<Z: Into<Zone>>(&self, values: impl IntoIterator<Item = (Z, V)>) {
        let next = values.into_iter().map(|(zone, value)| (zone.into(), value));
        let next = next.collect();
        self.change(|values| *values = next);
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<Zone, V>)) {
        let mut values = lock(&self.inner.values);
        change(&mut values);
        // ORDERING: what it tells of is read under the lock.
        self.inner.version.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it has changed.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.inner.version.load(Ordering::Relaxed)
    }

    /// The values, which stay as they are while this is held.
    pub(crate) fn read(&self) -> MutexGuard<'_, BTreeMap<Zone, V>> {
        lock(&self.inner.values)
    }

    /// The same, unless somebody else has them.
    pub(crate) fn try_read(&self) -> Option<MutexGuard<'_, BTreeMap<Zone, V>>> {
        try_lock(&self.inner.values)
    }
}

impl<V: Copy> Default for ZoneMap<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Clone for ZoneMap<V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<Z: Into<Zone>, V: Copy> FromIterator<(Z, V)> for ZoneMap<V> {
    fn from_iter<I: IntoIterator<Item = (Z, V)>>(values: I) -> Self {
        let values = values.into_iter();
        Self::of(values.map(|(zone, value)| (zone.into(), value)).collect())
    }
}
