//! A node in front of an origin, as a content delivery network has them.
//!
//! The origin says with each response how long it may be used ([`Freshness`]: what HTTP says in `Cache-Control`), and the node
//! answers accordingly:
//!
//! | the copy | the answer | is |
//! |---|---|---|
//! | is fresh: younger than its `ttl` (RFC 9111, 4.2) | the copy | [`Hit`](State::Hit) |
//! | is past it by less than `stale_while_revalidate` (RFC 5861, 3) | the copy, and a [`Revalidation`] for one of those who ask | [`Stale`](State::Stale) |
//! | is older, or there is none | what the origin says now, asked once for all | [`Miss`](State::Miss) |
//! | the same, and the origin fails, less than `stale_if_error` past its `ttl` (RFC 5861, 4) | the copy | [`StaleIfError`](State::StaleIfError) |
//!
//! No thread is started: the [`Revalidation`] is a value that the caller runs wherever it likes, after having answered.
//!
//! Copies are purged by key, by tag, by version, or all. **What was asked of the origin before a purge is not kept after it**, and who asks
//! after a purge does not get it either. "There is nothing" is kept like a value, with its own time.
//! All times are those of the clock of the [`Builder`] that the node is made of.

mod answer;
mod cache_control;
mod fetch;
mod freshness;
mod origin;
mod revalidation;

pub use answer::{Answer, State};
pub use freshness::{Freshness, Held};
pub use origin::{Origin, Response};
pub use revalidation::Revalidation;

use crate::builder::Builder;
use crate::expiry::Jitter;
use crate::load::LoadError;
use crate::policy::{Adaptive, Policy};
use crate::primitives::Mutex;
use crate::sync::Cache;
use crate::tags::Tags;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use foldhash::fast::RandomState;
use freshness::UntilUseless;
use std::collections::HashSet;

/// A node in front of an [`Origin`]. See [`edge`](self). A clone is the same node.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::Builder;
/// use purlin_cache::edge::{Edge, Freshness, Response, State};
/// use purlin_core::time::ManualClock;
///
/// let minute = Duration::from_secs(60);
/// let origin = |path: &&str| match *path {
///     "/" => Ok::<_, String>(Response::Found(
///         "<h1>news</h1>",
///         Freshness::new(minute).stale_while_revalidate(minute).tags(["news"]),
///     )),
///     _ => Ok(Response::NotFound(None)),
/// };
/// let clock = ManualClock::new();
/// let edge = Edge::new(Builder::new(1_000).clock(clock.clone()), origin);
/// assert_eq!(edge.get(&"/")?.state, State::Miss);
/// assert_eq!(edge.get(&"/")?.state, State::Hit);
///
/// clock.advance(minute);
/// let answer = edge.get(&"/")?;
/// assert_eq!((answer.state, answer.age), (State::Stale, minute));
/// answer.revalidation.expect("the first to see it").run()?; // here, or in a thread of yours
/// assert_eq!(edge.get(&"/")?.state, State::Hit);
///
/// edge.purge_tag("news");
/// assert_eq!(edge.get(&"/")?.state, State::Miss);
/// assert_eq!(edge.get(&"/favicon.ico")?.value, None);
/// # Ok::<_, purlin_cache::LoadError<String>>(())
/// ```
pub struct Edge<K, V, O, P = Adaptive, S = RandomState> {
    inner: Arc<Inner<K, V, O, P, S>>,
}

struct Inner<K, V, O, P, S> {
    copies: Cache<K, Held<V>, P, S>,
    /// Holds nothing: it is here for its flights.
    fetches: Cache<K, Held<V>>,
    origin: O,
    /// Keys as tags: when each was purged.
    purges: Tags<K>,
    tags: Tags<String>,
    /// For whom there is a `Revalidation`.
    claimed: Mutex<HashSet<K, RandomState>>,
    not_found: Freshness,
    jitter: Option<Jitter>,
}

impl<K, V, O> Edge<K, V, O>
where
    K: Hash + Eq + Clone,
    V: Clone,
    O: Origin<K, V, Error: Send + Sync + 'static>,
{
    /// A node that keeps so many copies, with everything else as it comes.
    #[must_use]
    pub fn with_capacity(max_capacity: u64, origin: O) -> Self {
        Self::new(Builder::new(max_capacity), origin)
    }
}

impl<K, V, O, P, S> Edge<K, V, O, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    O: Origin<K, V, Error: Send + Sync + 'static>,
    P: Policy,
    S: BuildHasher,
{
    /// A node whose copies are in such a cache. An `expire_after` of the builder has no effect: copies leave when they are of no use
    /// any more.
    #[must_use]
    pub fn new(builder: Builder<K, Held<V>, P, S>, origin: O) -> Self {
        let inner = Inner {
            copies: builder.expire_after(UntilUseless).build(),
            fetches: Cache::builder(0).shards(16).build(),
            origin,
            purges: Tags::new(),
            tags: Tags::new(),
            claimed: Mutex::new(HashSet::default()),
            not_found: Freshness::default(),
            jitter: None,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// How long "there is nothing" is kept where the origin does not say it ([`Response::NotFound`] with `None`). Not at all
    /// by default.
    ///
    /// # Panics
    ///
    /// If the node was cloned before.
    #[must_use]
    pub fn not_found(mut self, freshness: Freshness) -> Self {
        self.configure().not_found = freshness;
        self
    }

    /// Takes a part that depends on the key off every `ttl`, so that what came in together is not fetched again
    /// at once.
    ///
    /// # Panics
    ///
    /// If the node was cloned before.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.configure().jitter = Some(jitter);
        self
    }

    fn configure(&mut self) -> &mut Inner<K, V, O, P, S> {
        Arc::get_mut(&mut self.inner).expect("a node is configured before it is cloned")
    }

    /// What the node has to say about a key. Blocks while the origin is asked for it, unless there is a copy that may be used.
    ///
    /// # Errors
    ///
    /// The origin failed, and there is no copy that may be used all the same. See [`LoadError`].
    #[expect(
        clippy::type_complexity,
        reason = "an alias would hide what comes back"
    )]
    pub fn get(
        &self,
        key: &K,
    ) -> Result<Answer<V, Revalidation<K, V, O, P, S>>, LoadError<O::Error>> {
        let now = self.inner.copies.now();
        let held = self.usable(key, now);
        if let Some(held) = &held {
            if held.is_fresh(now) {
                return Ok(Answer::new(held, State::Hit, now));
            }
            if held.may_be_stale(now) {
                let revalidation = Revalidation::claim(self, key);
                let answer = Answer::new(held, State::Stale, now);
                return Ok(Answer {
                    revalidation,
                    ..answer
                });
            }
        }
        let fetched = self.fetch(key);
        let now = self.inner.copies.now();
        match (fetched, held) {
            (Ok(new), _) => Ok(Answer::new(&new, State::Miss, now)),
            (Err(_), Some(held)) if held.may_stand_in(now) => {
                Ok(Answer::new(&held, State::StaleIfError, now))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Drops the copy of a key. What is being fetched for it is not kept.
    pub fn purge(&self, key: &K) {
        // First what refuses a fill, then what one may have filled.
        self.inner.purges.invalidate(key);
        self.inner.fetches.invalidate(key);
        self.inner.copies.invalidate(key);
    }

    /// Drops the copy of a key if it is older than this version, or has none; and keeps older ones from coming in later, as long
    /// as the cache has room to remember that.
    ///
    /// For who publishes a version and tells the nodes: a fetch that is under way, or one that a replica answers which is behind,
    /// does not bring the old one back.
    pub fn purge_older(&self, key: K, version: u64) {
        // What a fetch brings that is under way may have no version.
        self.inner.purges.invalidate(&key);
        self.inner.fetches.invalidate(&key);
        self.inner
            .copies
            .insert_if(key, Held::purged(version), |old| {
                old.is_none_or(|old| old.version().is_none_or(|old| old < version))
            });
    }

    /// Drops all copies with a tag, in time that does not depend on how many they are. They leave the memory when they
    /// are asked for or evicted.
    pub fn purge_tag(&self, tag: &str) {
        self.inner.tags.invalidate(tag);
    }

    /// Drops everything.
    pub fn purge_all(&self) {
        self.inner.purges.invalidate_all();
        self.inner.fetches.invalidate_all();
        self.inner.copies.invalidate_all();
    }

    /// The copies, stale and purged ones too, for statistics and capacity.
    #[must_use]
    pub fn copies(&self) -> &Cache<K, Held<V>, P, S> {
        &self.inner.copies
    }
}

impl<K, V, O, P, S> Clone for Edge<K, V, O, P, S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<K, V, O, P, S> fmt::Debug for Edge<K, V, O, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge")
            .field("copies", &self.inner.copies)
            .finish_non_exhaustive()
    }
}
