use super::{Edge, Held, Origin, Response};
use crate::load::LoadError;
use crate::policy::Policy;
use alloc::string::String;
use core::hash::{BuildHasher, Hash};
use foldhash::fast::FixedState;
use purlin_core::time::Instant;

impl<K, V, O, P, S> Edge<K, V, O, P, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    O: Origin<K, V, Error: Send + Sync + 'static>,
    P: Policy,
    S: BuildHasher,
{
    /// The copy of a key, however old, unless it was purged.
    pub(super) fn usable(&self, key: &K, now: Instant) -> Option<Held<V>> {
        let held = self.inner.copies.get_at(now, key)?;
        if held.is_alive() {
            return (!held.is_tombstone()).then_some(held);
        }
        self.inner.copies.remove_if(key, |held| !held.is_alive());
        None
    }

    /// What the origin says, once for all who ask for it at the same time.
    pub(super) fn fetch(&self, key: &K) -> Result<Held<V>, LoadError<O::Error>> {
        let mut leads = false;
        loop {
            let fetched = self.inner.fetches.try_get_with(key.clone(), || {
                leads = true;
                self.ask(key)
            })?;
            // What others asked for before a purge is not for who asks after it.
            if leads || fetched.is_alive() {
                return Ok(fetched);
            }
        }
    }

    fn ask(&self, key: &K) -> Result<Held<V>, O::Error> {
        let inner = &*self.inner;
        // The age counts from the question (RFC 9111, 4.2.3), and so do purges.
        let requested = inner.copies.now();
        let (purges, tags) = (inner.purges.mark(), inner.tags.mark());
        // What is here now: another one may have landed, and what was purged is not to be renewed.
        let held = inner.copies.peek(key);
        let held = held.filter(|held| held.is_alive() && !held.is_tombstone());
        if let Some(held) = &held
            && held.is_fresh(requested)
        {
            return Ok(held.clone());
        }
        let (value, freshness) = match inner.origin.fetch(key, held.as_ref())? {
            Response::Found(value, freshness) => (Some(value), freshness),
            Response::NotFound(freshness) => {
                (None, freshness.unwrap_or_else(|| inner.not_found.clone()))
            }
        };
        let ticket = inner
            .tags
            .ticket_since(tags, freshness.tags.iter().map(String::as_str));
        let ttl = inner.jitter.map_or(freshness.ttl, |jitter| {
            jitter.spread(freshness.ttl, FixedState::default().hash_one(key))
        });
        let new = Held::new(value, requested, ttl, &freshness, ticket);
        if new.is_useless(inner.copies.now()) {
            inner
                .copies
                .remove_if(key, |old| new.may_replace(old) && !old.is_tombstone());
        } else {
            inner.copies.insert_if(key.clone(), new.clone(), |old| {
                // A purge after this takes out what comes in.
                inner.purges.is_untouched(purges, key) && old.is_none_or(|old| new.may_replace(old))
            });
        }
        Ok(new)
    }
}
