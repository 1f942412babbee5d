use super::{Tagged, Tags, Ticket};
use crate::load::LoadError;
use crate::policy::{Adaptive, Policy};
use crate::primitives::Mutex;
use crate::sync::{Cache, Place};
use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use foldhash::fast::RandomState;
use std::sync::PoisonError;

/// A [`sync::Cache`](Cache) whose entries can be invalidated by tag. See [`tags`](super).
///
/// Entries that died by a tag are never found. They leave when they are looked up, by [`sweep`](Self::sweep), or when the policy
/// evicts them; until then they take their room, and `len` and `weighted_size` of the cache count them; its statistics count a
/// look that finds one as a hit. The eviction listener
/// gets them with the cause that made them leave in the end.
///
/// # Examples
///
/// ```
/// use purlin_cache::sync::Cache;
/// use purlin_cache::tags::{TaggedCache, Tags};
///
/// let pages: TaggedCache<&str, String, String> = TaggedCache::new(Cache::new(1_000));
/// let home = pages.get_with("/", ["template", "user:1"], || "<h1>Ada</h1>".into());
/// assert_eq!(pages.get("/"), Some(home));
/// pages.invalidate_tag("template");
/// assert_eq!(pages.get("/"), None);
/// ```
pub struct TaggedCache<K, V, T, P = Adaptive, S = RandomState> {
    cache: Cache<K, Tagged<V>, P, S>,
    tags: Tags<T>,
    place: Mutex<Place>,
}

impl<K, V, T, P, S> TaggedCache<K, V, T, P, S>
where
    K: Hash + Eq,
    V: Clone,
    T: Hash + Eq,
    P: Policy,
    S: BuildHasher,
{
    /// On top of this cache.
    #[must_use]
    pub fn new(cache: Cache<K, Tagged<V>, P, S>) -> Self {
        Self {
            cache,
            tags: Tags::new(),
            place: Mutex::new(Place::new()),
        }
    }

    /// The value of a key, if it is here and no tag of it was invalidated. A dead one leaves.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let tagged = self.cache.get(key)?;
        if tagged.is_alive() {
            return Some(tagged.value);
        }
        self.bury(key);
        None
    }

    /// Puts in a value with a ticket that was taken before the value was read. It is dead at once if a tag was
    /// invalidated meanwhile.
    ///
    /// The ticket does not notice an invalidation of the *key* meanwhile: for that, use [`get_with`](Self::get_with),
    /// or make the key a tag.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    /// use purlin_cache::tags::TaggedCache;
    ///
    /// let users: TaggedCache<u32, &str, u32> = TaggedCache::new(Cache::new(100));
    /// let ticket = users.tags().ticket([&7]);
    /// let row = "Ada"; // read from the database, while somebody changes it:
    /// users.invalidate_tag(&7);
    /// users.insert(7, row, ticket);
    /// assert_eq!(users.get(&7), None);
    /// ```
    pub fn insert(&self, key: K, value: V, ticket: Ticket) {
        self.cache.insert(key, Tagged { value, ticket });
    }

    /// The value of a key; loaded if it is not here or dead, once for all who ask for it meanwhile (see [`load`](crate::load)).
    ///
    /// The tags count from before the load. Whoever asks after an invalidation does not get what was read before it,
    /// not from a load under way either.
    ///
    /// # Panics
    ///
    /// As [`Cache::get_with`].
    pub fn get_with<'q, Q>(
        &self,
        key: K,
        tags: impl IntoIterator<Item = &'q Q>,
        load: impl FnOnce() -> V,
    ) -> V
    where
        K: Clone,
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized + 'q,
    {
        let mut load = Some((tags, load));
        loop {
            if let Some(value) = self.get(&key) {
                return value;
            }
            let mut own = None;
            let tagged = self.cache.load_with(key.clone(), || {
                let tagged = self.fill(&mut load);
                own = Some(tagged.value.clone());
                tagged
            });
            if tagged.is_alive() {
                return tagged.value;
            }
            // One's own was asked for before what has killed it; that of others maybe not.
            if let Some(own) = own {
                return own;
            }
            self.bury(&key);
        }
    }

    /// [`get_with`](Self::get_with) by a load that may fail. Errors are not kept.
    ///
    /// # Errors
    ///
    /// As [`Cache::try_get_with`].
    pub fn try_get_with<'q, Q, E>(
        &self,
        key: K,
        tags: impl IntoIterator<Item = &'q Q>,
        load: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, LoadError<E>>
    where
        K: Clone,
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized + 'q,
        E: Send + Sync + 'static,
    {
        let mut load = Some((tags, load));
        loop {
            if let Some(value) = self.get(&key) {
                return Ok(value);
            }
            let mut own = None;
            let tagged = self.cache.try_load(key.clone(), || {
                let Tagged { value, ticket } = self.fill(&mut load);
                let value = value?;
                own = Some(value.clone());
                Ok(Tagged { value, ticket })
            })?;
            if tagged.is_alive() {
                return Ok(tagged.value);
            }
            if let Some(own) = own {
                return Ok(own);
            }
            self.bury(&key);
        }
    }

    /// Takes the ticket, then loads. The cache asks for one load at most, as it then has a value or an error.
    fn fill<'q, Q, R>(
        &self,
        load: &mut Option<(impl IntoIterator<Item = &'q Q>, impl FnOnce() -> R)>,
    ) -> Tagged<R>
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized + 'q,
    {
        let (tags, load) = load.take().expect("one load a call");
        let ticket = self.tags.ticket(tags);
        let value = load();
        Tagged { value, ticket }
    }

    /// All entries with this tag are dead, in time that does not depend on how many they are.
    pub fn invalidate_tag<Q>(&self, tag: &Q)
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized,
    {
        self.tags.invalidate(tag);
    }

    /// The same for entries with any of these tags.
    pub fn invalidate_tags<'q, Q>(&self, tags: impl IntoIterator<Item = &'q Q>)
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized + 'q,
    {
        self.tags.invalidate_each(tags);
    }

    /// Looks at so many entries, from where the last call ended, and lets the dead ones leave. Returns how many
    /// did.
    ///
    /// Nobody has to call it: it gives memory back earlier. Locks a shard at a time, for as many looks as fall into it.
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::sync::Cache;
    /// use purlin_cache::tags::TaggedCache;
    ///
    /// let users: TaggedCache<u32, &str, String> = TaggedCache::new(Cache::new(100));
    /// users.insert(1, "Ada", users.tags().ticket(["staff"]));
    /// users.insert(2, "Bob", users.tags().ticket(["guests"]));
    /// users.invalidate_tag("staff");
    /// assert_eq!(users.cache().len(), 2);
    /// assert_eq!(users.sweep(100), 1);
    /// assert_eq!(users.cache().len(), 1);
    /// ```
    pub fn sweep(&self, looks: usize) -> usize {
        let lock = || self.place.lock().unwrap_or_else(PoisonError::into_inner);
        // Not held meanwhile: a listener may sweep, too.
        let start = *lock();
        let (removed, end) = self
            .cache
            .invalidate_some(start, looks, |_, tagged| !tagged.is_alive());
        *lock() = end;
        removed
    }

    /// The cache below, for everything else.
    pub const fn cache(&self) -> &Cache<K, Tagged<V>, P, S> {
        &self.cache
    }

    /// The tags, for tickets.
    pub const fn tags(&self) -> &Tags<T> {
        &self.tags
    }

    fn bury<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // What is being loaded in the place of one that another has buried, stays in flight.
        self.cache.take_out_if(key, |tagged| !tagged.is_alive());
    }
}

impl<K, V, T, P, S> fmt::Debug for TaggedCache<K, V, T, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaggedCache")
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}
