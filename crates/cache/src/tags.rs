//! Invalidation by tag.
//!
//! An entry that is made of several things (a page of a user, a template and three articles) has to go when one of them changes. Each of
//! them is a *tag*. Whoever is about to read a value from its origin takes a [`Ticket`] of its tags first, and keeps it with
//! the value; [`Tags::invalidate`] makes all tickets of a tag worthless at once, in time that does not depend on how
//! many there are.
//!
//! **No stale fill.** A ticket counts from when it was taken. What was read before an invalidation and comes into
//! the cache after it, is dead when it comes. Where the tags are known only when the value is there (the origin tells
//! them), a [`Mark`] is taken first and [`Tags::ticket_since`] makes the ticket.
//!
//! [`TaggedCache`] does it for a [`sync::Cache`](crate::sync::Cache). Caches without tags pay nothing for it.

mod cache;
mod ticket;

pub use cache::TaggedCache;
pub use ticket::{Tagged, Ticket};

use crate::primitives::{Mutex, MutexGuard};
use alloc::borrow::ToOwned;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::hash::Hash;
use core::sync::atomic::{AtomicBool, Ordering};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::PoisonError;

/// Tags without a ticket that are remembered at least, before room is made.
const IDLE_AT_LEAST: usize = 1024;

/// Which tags there are, and when they were invalidated.
///
/// A tag needs no declaration. It takes memory while a ticket of it exists, and is forgotten some time after the last one is
/// gone; invalidated tags are remembered for a while for the sake of [`ticket_since`](Self::ticket_since). Any number
/// of threads may use it at once: taking tickets and invalidating goes through one lock for a few hash look-ups, asking a
/// ticket through none.
///
/// # Examples
///
/// ```
/// use purlin_cache::tags::Tags;
///
/// let tags: Tags<String> = Tags::new();
/// let page = tags.ticket(["user:1", "template"]);
/// let other = tags.ticket(["user:2", "template"]);
/// tags.invalidate("user:1");
/// assert!(!page.is_alive() && other.is_alive());
/// assert!(tags.ticket(["user:1"]).is_alive()); // taken after it
/// ```
pub struct Tags<T> {
    known: Mutex<Known<T>>,
}

struct Known<T> {
    /// Counts invalidations.
    sequence: u64,
    /// Of what was forgotten, nothing was invalidated after this.
    forgotten: u64,
    tags: HashMap<T, Tag, RandomState>,
    /// When to forget next.
    limit: usize,
}

/// What a tag has been since it was invalidated last.
struct Tag {
    is_valid: Arc<AtomicBool>,
    /// Which invalidation it was; zero if there was none that is remembered.
    since: u64,
}

impl Tag {
    fn new(since: u64) -> Self {
        let is_valid = Arc::new(AtomicBool::new(true));
        Self { is_valid, since }
    }

    fn invalidate(&self) {
        // ORDERING: who reads it as false sees what was done before the invalidation, say, a changed row.
        self.is_valid.store(false, Ordering::Release);
    }
}

impl<T: Hash + Eq> Tags<T> {
    /// No tags yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            known: Mutex::new(Known {
                sequence: 0,
                forgotten: 0,
                tags: HashMap::default(),
                limit: IDLE_AT_LEAST,
            }),
        }
    }

    /// A ticket that is alive until one of these tags is invalidated. To be taken *before* the value is read from its
    /// origin. Without tags it lives for ever, and takes no memory. O(tags).
    #[must_use]
    pub fn ticket<'q, Q>(&self, tags: impl IntoIterator<Item = &'q Q>) -> Ticket
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized + 'q,
    {
        self.issue(None, tags)
    }

    /// Now, as far as invalidations are concerned.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.lock().sequence)
    }

    /// A ticket as if it had been taken at the mark: it is dead at once if one of the tags was invalidated since.
    ///
    /// It may be dead without need after a thousand and more other tags were invalidated since the mark: they are not
    /// remembered for ever. O(tags).
    ///
    /// # Examples
    ///
    /// ```
    /// use purlin_cache::tags::Tags;
    ///
    /// let tags: Tags<String> = Tags::new();
    /// let before = tags.mark();
    /// let (body, found) = ("<h1>news</h1>", ["news", "front"]); // from the origin, meanwhile:
    /// tags.invalidate("news");
    /// let ticket = tags.ticket_since(before, found);
    /// assert!(!ticket.is_alive(), "{body} is out of date");
    /// assert!(tags.ticket_since(before, ["front"]).is_alive());
    /// ```
    #[must_use]
    pub fn ticket_since<'q, Q>(&self, mark: Mark, tags: impl IntoIterator<Item = &'q Q>) -> Ticket
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized + 'q,
    {
        self.issue(Some(mark), tags)
    }

    /// Whether a tag was surely not invalidated since the mark. As [`ticket_since`](Self::ticket_since), without a ticket.
    #[must_use]
    pub fn is_untouched<Q>(&self, mark: Mark, tag: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.lock().is_untouched(mark, tag)
    }

    /// Makes all tickets of a tag worthless that exist when this is called. O(1).
    pub fn invalidate<Q>(&self, tag: &Q)
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized,
    {
        self.invalidate_each([tag]);
    }

    /// Makes all tickets of any of these tags worthless, at one moment for those who take new ones.
    pub fn invalidate_each<'q, Q>(&self, tags: impl IntoIterator<Item = &'q Q>)
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized + 'q,
    {
        // The user's iterator runs before the lock is taken.
        let tags: Vec<&Q> = tags.into_iter().collect();
        let mut known = self.lock();
        known.sequence += 1;
        let since = known.sequence;
        for tag in tags {
            if let Some(tag) = known.tags.get_mut(tag) {
                core::mem::replace(tag, Tag::new(since)).invalidate();
            } else {
                known.make_room();
                known.tags.insert(tag.to_owned(), Tag::new(since));
            }
        }
    }

    /// Makes all tickets worthless but those without tags. O(tags).
    pub fn invalidate_all(&self) {
        let mut known = self.lock();
        known.sequence += 1;
        known.forgotten = known.sequence;
        known.limit = IDLE_AT_LEAST;
        for (_, tag) in known.tags.drain() {
            tag.invalidate();
        }
    }

    /// How many tags are known: those with tickets, and some that had one or were invalidated.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().tags.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn issue<'q, Q>(&self, mark: Option<Mark>, tags: impl IntoIterator<Item = &'q Q>) -> Ticket
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized + 'q,
    {
        let tags: Vec<&Q> = tags.into_iter().collect();
        if tags.is_empty() {
            return Ticket::default();
        }
        let mut known = self.lock();
        if mark.is_some_and(|mark| !tags.iter().all(|tag| known.is_untouched(mark, *tag))) {
            return Ticket::dead();
        }
        let mut flags = Vec::with_capacity(tags.len());
        for tag in tags {
            flags.push(known.flag(tag));
        }
        Ticket::new(flags)
    }

    fn lock(&self) -> MutexGuard<'_, Known<T>> {
        // A panic of the user's `Hash`, `Eq` or `ToOwned` leaves every tag as it was or as it was to be.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Hash + Eq> Known<T> {
    fn is_untouched<Q>(&self, mark: Mark, tag: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // A known tag may be one that was forgotten and came back.
        let since = self.tags.get(tag).map_or(0, |tag| tag.since);
        since.max(self.forgotten) <= mark.0
    }

    fn flag<Q>(&mut self, tag: &Q) -> Arc<AtomicBool>
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = T> + ?Sized,
    {
        if let Some(known) = self.tags.get(tag) {
            return Arc::clone(&known.is_valid);
        }
        self.make_room();
        let new = Tag::new(0);
        let flag = Arc::clone(&new.is_valid);
        self.tags.insert(tag.to_owned(), new);
        flag
    }

    /// Forgets tags without tickets, when there are as many new ones as were left the last time: O(1) amortized.
    fn make_room(&mut self) {
        if self.tags.len() < self.limit {
            return;
        }
        let forgotten = &mut self.forgotten;
        self.tags.retain(|_, tag| {
            // Tickets are made under the lock that is held, and from tickets: one is none.
            let has_ticket = Arc::strong_count(&tag.is_valid) > 1;
            if !has_ticket {
                *forgotten = (*forgotten).max(tag.since);
            }
            has_ticket
        });
        self.limit = self.tags.len().saturating_mul(2).max(IDLE_AT_LEAST);
    }
}

impl<T: Hash + Eq> Default for Tags<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Tags<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tags").finish_non_exhaustive()
    }
}

/// A moment in the life of [`Tags`], before or after each invalidation. Means nothing to others.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u64);
