//! Entries whose time comes.

use super::{Budget, Entry, Outbox, Shard};
use crate::expiry::Times;
use crate::lifetime::{Life, Lifetimes};
use crate::listener::RemovalCause;
use crate::policy::{Policy, Slot};
use alloc::boxed::Box;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use purlin_core::time::Instant;

/// What a reader does when it has found an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is there.
    Alive,
    /// It is there, and has now to leave earlier than before.
    AliveUntil(Instant),
    /// Its time is over.
    Expired,
}

impl<K, V, P: Policy> Shard<K, V, P> {
    /// Whether any entry may have to leave.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        self.times.is_some()
    }

    /// When an entry has to leave however much it is used; [`Instant::MAX`] for never.
    pub(crate) fn deadline(&self, slot: Slot) -> Instant {
        let times = self.times.as_ref();
        times
            .and_then(|times| times.deadline(slot))
            .unwrap_or(Instant::MAX)
    }

    /// How long an entry lives on if nobody uses it; [`Duration::MAX`] for ever.
    pub(crate) fn time_left(&self, slot: Slot, now: Instant) -> Duration {
        let times = self.times.as_ref();
        let end = times.and_then(|times| times.expires_at(slot));
        end.map_or(Duration::MAX, |end| end - now)
    }

    /// The entry of a key, unless its time is over.
    #[inline]
    pub(crate) fn find_live<Q>(
        &self,
        hash: u64,
        key: &Q,
        now: impl FnOnce() -> Instant,
    ) -> Option<Slot>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let slot = self.find(hash, key)?;
        self.is_live(slot, now).then_some(slot)
    }

    #[inline]
    pub(crate) fn is_live(&self, slot: Slot, now: impl FnOnce() -> Instant) -> bool {
        let times = self.times.as_ref();
        times.is_none_or(|times| !times.is_expired(slot, now()))
    }

    /// The entries whose time is not over.
    pub(crate) fn live(&self, now: Instant) -> impl Iterator<Item = &Entry<K, V>> {
        let slots = (0..).map(Slot).zip(self.entries());
        slots
            .filter(move |(slot, _)| self.is_live(*slot, || now))
            .map(|(_, entry)| entry)
    }

    /// A lookup that counts as a use has found an entry.
    #[inline]
    pub(crate) fn read(
        &self,
        slot: Slot,
        lifetimes: &Lifetimes<K, V>,
        now: Option<Instant>,
    ) -> Seen {
        match &self.times {
            None => Seen::Alive,
            Some(times) => self.read_timed(times, slot, lifetimes, now),
        }
    }

    // Out of the way of those for whom no time passes.
    #[inline(never)]
    fn read_timed(
        &self,
        times: &Times,
        slot: Slot,
        lifetimes: &Lifetimes<K, V>,
        now: Option<Instant>,
    ) -> Seen {
        let now = now.unwrap_or_else(|| lifetimes.clock.now());
        if times.is_expired(slot, now) {
            return Seen::Expired;
        }
        times.touch(slot, now);
        if lifetimes.expiry.is_none() {
            return Seen::Alive;
        }
        let (entry, current) = (self.entry(slot), self.deadline(slot));
        match lifetimes.deadline_after_read(&entry.key, &entry.value, now, current) {
            None => Seen::Alive,
            Some(deadline) if deadline < current => Seen::AliveUntil(deadline),
            Some(deadline) => {
                // If not, it is as late already, or nearly.
                let _put_off = times.postpone(slot, now, deadline);
                Seen::Alive
            }
        }
    }

    /// Gives an entry that has come in, or whose value was replaced, its time.
    #[inline]
    pub(crate) fn settle(
        &mut self,
        slot: Slot,
        hash: u64,
        replaced: Option<Instant>,
        life: Life,
        lifetimes: &Lifetimes<K, V>,
        now: Option<Instant>,
    ) {
        if self.is_timed() || !matches!(life, Life::Usual) {
            self.settle_timed(slot, hash, replaced, life, lifetimes, now);
        }
    }

    #[inline(never)]
    fn settle_timed(
        &mut self,
        slot: Slot,
        hash: u64,
        replaced: Option<Instant>,
        life: Life,
        lifetimes: &Lifetimes<K, V>,
        now: Option<Instant>,
    ) {
        if self.times.is_none() {
            self.times = Some(Box::new(Times::new(None)));
        }
        let now = now.unwrap_or_else(|| lifetimes.clock.now());
        let entry = self.entry(slot);
        let deadline = lifetimes.deadline(&entry.key, &entry.value, hash, now, life, replaced);
        self.set_deadline(slot, now, deadline);
    }

    pub(crate) fn set_deadline(&mut self, slot: Slot, now: Instant, deadline: Instant) {
        if let Some(times) = &mut self.times {
            times.set(slot, now, deadline);
        }
    }

    /// Lets entries leave whose time is over, in so many steps at most. False if there may be more.
    pub(crate) fn expire<S: BuildHasher>(
        &mut self,
        now: Instant,
        mut steps: usize,
        hasher: &S,
        budget: &mut impl Budget,
        out: &mut Outbox<K, V>,
    ) -> bool
    where
        K: Hash,
    {
        loop {
            // The wheel has forgotten an entry before its hash is known.
            self.torn = true;
            let times = self.times.as_mut();
            let slot = times.and_then(|times| times.pop_expired(now, &mut steps));
            let expired = slot.map(|slot| (slot, hasher.hash_one(&self.entry(slot).key)));
            self.torn = false;
            let Some((slot, hash)) = expired else {
                break;
            };
            self.expel(slot, hash, RemovalCause::Expired, hasher, budget, out);
        }
        steps > 0
    }
}
