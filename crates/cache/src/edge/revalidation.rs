use super::{Edge, Origin};
use crate::load::LoadError;
use crate::policy::{Adaptive, Policy};
use core::fmt;
use core::hash::{BuildHasher, Hash};
use foldhash::fast::RandomState;
use std::sync::PoisonError;

/// The duty to renew a stale copy. One at a time for a key.
///
/// [`run`](Self::run) it here, in a thread or in a blocking task, after the stale answer has been given: it owns what it needs. Dropped
/// without, it leaves the duty to the next who gets the stale copy; so does one that fails.
#[must_use = "nobody else revalidates while it is here"]
pub struct Revalidation<K, V, O, P = Adaptive, S = RandomState>
where
    K: Hash + Eq,
{
    edge: Edge<K, V, O, P, S>,
    key: K,
}

impl<K, V, O, P, S> Revalidation<K, V, O, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    O: Origin<K, V, Error: Send + Sync + 'static>,
    P: Policy,
    S: BuildHasher,
{
    /// None if somebody has it.
    pub(super) fn claim(edge: &Edge<K, V, O, P, S>, key: &K) -> Option<Self> {
        let claimed = edge.inner.claimed.lock();
        let mut claimed = claimed.unwrap_or_else(PoisonError::into_inner);
        if claimed.contains(key) {
            return None;
        }
        // Cloned before it is claimed: a panic leaves no claim without an owner.
        let (edge, own) = (edge.clone(), key.clone());
        claimed.insert(key.clone());
        Some(Self { edge, key: own })
    }

    /// Asks the origin, and keeps what it says. Waits for one who asks already.
    ///
    /// # Errors
    ///
    /// The origin failed. The stale copy stays.
    pub fn run(self) -> Result<(), LoadError<O::Error>> {
        self.edge.fetch(&self.key).map(drop)
    }

    /// Of what.
    pub const fn key(&self) -> &K {
        &self.key
    }
}

impl<K, V, O, P, S> Drop for Revalidation<K, V, O, P, S>
where
    K: Hash + Eq,
{
    fn drop(&mut self) {
        let claimed = self.edge.inner.claimed.lock();
        let mut claimed = claimed.unwrap_or_else(PoisonError::into_inner);
        let key = claimed.take(&self.key);
        drop(claimed);
        drop(key);
    }
}

impl<K: Hash + Eq + fmt::Debug, V, O, P, S> fmt::Debug for Revalidation<K, V, O, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revalidation")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
