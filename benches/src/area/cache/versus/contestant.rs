//! A cache of words, as all rows see it: ours and everybody else's.

use purlin_cache::sync::Cache;

use crate::versus::Role;

/// A cache of words for many threads, in the cheapest configuration that does the work.
pub(super) trait Contestant: Send + Sync + Sized + 'static {
    /// The crate, and its hasher where that is another than ours.
    const NAME: &'static str;
    /// On whose behalf it runs.
    const ROLE: Role = Role::Rival;
    /// Whether it is a cache at all. A map that only grows shows what eviction costs the others.
    const EVICTS: bool = true;

    /// An empty one for so many entries.
    fn new(capacity: usize) -> Self;

    /// The value of a key, which counts as a use.
    fn get(&self, key: u64) -> Option<u64>;

    /// Puts a value in, whoever has to leave for it.
    fn insert(&self, key: u64, value: u64);

    /// What a miss is followed by: the value is computed (it is the key) and put in. Returns whether the key
    /// was there.
    fn get_or_insert(&self, key: u64) -> bool {
        let hit = self.get(key).is_some();
        if !hit {
            self.insert(key, key);
        }
        hit
    }
}

/// Does something with every contestant: a row is entered by a value of this kind.
pub(super) trait Visitor: Sized {
    /// With one of them.
    #[must_use]
    fn visit<C: Contestant>(self) -> Self;
}

/// Ours first, then the rivals and the floor if they are compiled in.
pub(super) fn everybody<V: Visitor>(visitor: V) -> V {
    let visitor = visitor.visit::<Ours>();
    #[cfg(feature = "rivals")]
    let visitor = super::rivals::visit_all(visitor);
    visitor
}

/// As `sync::Cache::new` makes it: nothing is chosen.
pub(super) type Ours = Cache<u64, u64>;

impl Contestant for Ours {
    const NAME: &'static str = "purlin";
    const ROLE: Role = Role::Ours;

    fn new(capacity: usize) -> Self {
        Self::new(capacity as u64)
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    #[inline]
    fn insert(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
}
