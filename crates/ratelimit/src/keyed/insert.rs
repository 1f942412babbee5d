//! Keys that have no entry yet, and keys that change to another plan.
//!
//! All that gives a key an entry, or takes it away from a key that is known, happens under the lock of
//! that key. So nobody else can give it one meanwhile, and it never has two. A slot in which others may
//! be interested, under other locks, is fought for by the protocol of `slot`.

use super::address::{Address, EMPTY, plan_of};
use super::slot::Content;
use super::table::{Place, Seen};
use super::{Keyed, LOCKS, Slot, WhenFull, carry_over};
use crate::algorithm::{Algorithm, Carry, Reconfigure};
use crate::decision::{Denied, Reason};
use crate::sync::{MutexGuard, update};
use core::time::Duration;
use purlin_core::hash::{KeyHash, KeyHasher};
use purlin_core::time::Instant;
use std::sync::PoisonError;

/// Where a key goes on that has no entry under its plan.
pub(super) enum Start<'a> {
    /// In this slot, with this state.
    In(Seen<'a>, u64),
    /// With all others that have no entry.
    Overflow,
    /// Nowhere.
    Full,
}

impl<A: Algorithm<State = u64> + Reconfigure, H: KeyHasher> Keyed<A, H> {
    /// [`update`](Self::update) for a key that was not found, or not under this plan.
    #[cold]
    pub(super) fn update_locked<R>(
        &self,
        hash: KeyHash,
        plan: u8,
        now: Instant,
        mut update: impl FnMut(&A, &mut u64) -> R,
    ) -> Result<R, Denied> {
        let algorithm = self.plan(plan);
        let address = &self.address(hash);
        let _guard = self.lock(address);
        // Somebody else was faster whenever it begins again.
        loop {
            let place = self.table.place(address, &self.plans, now);
            if let Place::Entry((slot, content)) = place
                && plan_of(content.tag) == plan
            {
                if let Some(result) = slot.update(content.tag, |state| update(algorithm, state)) {
                    return Ok(result);
                }
                continue;
            }
            match self.start(&place, address, plan, now) {
                Start::In((slot, content), start) => {
                    let mut state = start;
                    let result = update(algorithm, &mut state);
                    // What was refused, or cost nothing, makes no entry and evicts none.
                    let nothing = state == start;
                    if nothing || slot.replace(content, address.owner, plan, state) {
                        let evicted = matches!(place, Place::None) && !nothing;
                        self.counters.evictions.add(u64::from(evicted));
                        return Ok(result);
                    }
                }
                Start::Overflow => {
                    self.counters.overflows.add(1);
                    return Ok(self.overflow(|state| update(self.plan(0), state)));
                }
                Start::Full => {
                    self.counters.overflows.add(1);
                    let mut state = 0;
                    update(algorithm, &mut state);
                    return Err(self.full(address, now, state != 0));
                }
            }
        }
    }

    /// From where a key goes on that has that place, but no entry under this plan.
    pub(super) fn start<'a>(
        &'a self,
        place: &Place<'a>,
        address: &Address,
        plan: u8,
        now: Instant,
    ) -> Start<'a> {
        let carried = |seen: Seen<'a>| Start::In(seen, self.carried(seen.1, plan, now));
        match *place {
            Place::Entry(seen) => carried(seen),
            Place::Free(seen) => Start::In(seen, 0),
            Place::None => match self.when_full {
                WhenFull::EvictNearestIdle => {
                    let nearest = self.table.nearest_to_idle(address, &self.plans, now);
                    // None only if all slots are changing hands at this moment.
                    nearest.map_or(Start::Full, carried)
                }
                WhenFull::SharedBucket => Start::Overflow,
                WhenFull::Deny => Start::Full,
            },
        }
    }

    /// The refusal of a key that has no room. It has when the first of those in its way is idle: that is
    /// when to come back, if the request `fits` a limiter that is as good as new.
    pub(super) fn full(&self, address: &Address, now: Instant, fits: bool) -> Denied {
        let nearest = self.table.nearest_to_idle(address, &self.plans, now);
        let wait = nearest.map_or(Duration::MAX, |(_, content)| {
            let plan = self.plan(plan_of(content.tag));
            plan.inspect(&content.state, now, 0).reset_after
        });
        if fits && wait < Duration::MAX {
            Denied::full_until(now, now.saturating_add(wait))
        } else {
            Denied::because(now, Reason::Full)
        }
    }

    /// The state of an entry under another plan.
    pub(super) fn carried(&self, content: Content, plan: u8, now: Instant) -> u64 {
        let from = plan_of(content.tag);
        if from == plan {
            return content.state;
        }
        let (old, new) = (self.plan(from), self.plan(plan));
        carry_over(old, new, content.state, now, Carry::AsIs)
    }

    /// Changes the state that those share who have no entry.
    pub(super) fn overflow<R>(&self, change: impl FnMut(&mut u64) -> R) -> R {
        update(&self.overflow, change)
    }

    pub(super) fn remove_entry(&self, address: &Address) -> bool {
        let _guard = self.lock(address);
        while let Some((slot, content)) = self.table.entry(address) {
            if slot.replace(content, EMPTY, 0, 0) {
                return true;
            }
        }
        false
    }

    /// Between this and the guard's end nobody else gives or takes the key an entry.
    pub(super) fn lock(&self, address: &Address) -> MutexGuard<'_, ()> {
        // Poison: only an algorithm can panic, and none is asked while a slot is claimed.
        let lock = &self.locks[address.start % LOCKS];
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Nobody's again, while nobody else looks.
    pub(super) fn reset(&self) {
        if let Some(content) = self.content(self.tag()) {
            self.replace(content, EMPTY, 0, 0);
        }
    }
}
