use crate::policy::Slot;
use crate::wheel::{Deadline, Wheel};
use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::time::Instant;

/// Uses of an entry within this time count as one, or within a 64th of the time to idle where that is shorter.
///
/// An entry may thus expire so much too early: no more than a clock of milliseconds is wrong by, and under 2 % for
/// short times. In return a key that all cores read all the time is written a thousand times a second
/// and not some ten million times: its cache line stays with every core nearly always.
const SAME_USE: Duration = Duration::from_millis(1);

/// When the entry of each slot expires, by its deadline and by how long it was idle, whichever comes first.
///
/// Readers that share it ask [`is_expired`](Self::is_expired), one load, and say [`touch`](Self::touch), which now and
/// then is a store. Neither moves anything: an entry that was used is found in the [`Wheel`] where it would have
/// expired had it not been, and only then goes on to where it belongs. 18 bytes a slot, and 8 more with a time to idle.
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::expiry::Times;
/// use purlin_cache::policy::Slot;
/// use purlin_core::time::Instant;
///
/// // Entries live for an hour, and no longer than a minute unused.
/// let (slot, mut now) = (Slot(0), Instant::ORIGIN);
/// let mut times = Times::new(Some(Duration::from_secs(60)));
/// times.set(slot, now, now + Duration::from_secs(3_600));
///
/// now += Duration::from_secs(59);
/// assert!(!times.is_expired(slot, now));
/// times.touch(slot, now);
///
/// now += Duration::from_secs(61);
/// assert!(times.is_expired(slot, now));
/// assert_eq!(times.pop_expired(now, &mut 16), Some(slot));
/// ```
#[derive(Debug)]
pub struct Times {
    wheel: Wheel,
    idle: Option<Idle>,
    /// The deadlines that no use puts off. Only with a time to idle: else they are those of the wheel.
    bounds: Vec<Deadline>,
}

#[derive(Clone, Copy, Debug)]
struct Idle {
    time: Duration,
    /// Uses within so much of each other count as one.
    slack: Duration,
}

impl Times {
    /// For entries that expire when they were not used for some time, or only by their deadline.
    #[must_use]
    pub fn new(time_to_idle: Option<Duration>) -> Self {
        Self {
            wheel: Wheel::new(),
            idle: time_to_idle.map(|time| Idle {
                time,
                slack: slack(time),
            }),
            bounds: Vec::new(),
        }
    }

    /// Gives a slot a deadline, [`Instant::MAX`] for none, and counts as a use: when its entry comes in, when
    /// its value is replaced, or when its deadline comes nearer. One that is not after `now` has passed for ever. O(1).
    pub fn set(&mut self, slot: Slot, now: Instant, deadline: Instant) {
        if self.idle.is_some() {
            if self.bounds.len() <= slot.index() {
                self.bounds.resize_with(slot.index() + 1, Deadline::never);
            }
            self.bounds[slot.index()].set(deadline);
        }
        let first = self
            .idle
            .map_or(deadline, |idle| deadline.min(now + idle.time));
        let passed = first <= now;
        self.wheel
            .schedule(slot, if passed { Instant::ORIGIN } else { first });
    }

    /// Whether the entry has expired. A slot that was never [`set`](Self::set) has not. O(1).
    ///
    /// Once that was answered with yes it stays so until the slot is set again, also for a clock that goes backwards.
    #[must_use]
    #[inline]
    pub fn is_expired(&self, slot: Slot, now: Instant) -> bool {
        self.wheel.is_expired(slot, now)
    }

    /// Records a use of the entry: it may be idle from now on for the whole time again. O(1).
    ///
    /// Nothing is written for a use at nearly the time of the last (a millisecond, or a 64th of the time to idle), nor for one
    /// before it, nor once the entry has expired. The latest of those that happen at once counts.
    #[inline]
    pub fn touch(&self, slot: Slot, now: Instant) {
        if let (Some(idle), Some(bound)) = (self.idle, self.bounds.get(slot.index())) {
            let deadline = bound.get().min(now + idle.time);
            // False is of no interest: a use by a clock that is behind, or close to the entry's own deadline.
            let _ = self.wheel.postpone(slot, deadline, idle.slack);
        }
    }

    /// Puts the deadline off, for readers that share it, and counts as a use. False if it would come nearer, which
    /// is not done: that takes [`set`](Self::set). O(1).
    ///
    /// As with [`touch`](Self::touch), nothing is written that would gain less than a millisecond, or a 64th of the time from
    /// now to the deadline.
    #[must_use = "false says that the deadline is the old one"]
    pub fn postpone(&self, slot: Slot, now: Instant, deadline: Instant) -> bool {
        let slack = slack(deadline - now);
        if self.idle.is_none() {
            return self.wheel.postpone(slot, deadline, slack);
        }
        let later = |bound: &Deadline| bound.postpone(deadline, slack);
        let done = self.bounds.get(slot.index()).is_some_and(later);
        self.touch(slot, now);
        done
    }

    /// The deadline that the slot was given, however soon it expires for being idle. `None` for no deadline.
    #[must_use]
    pub fn deadline(&self, slot: Slot) -> Option<Instant> {
        if self.idle.is_none() {
            return self.wheel.deadline(slot);
        }
        let bound = self.bounds.get(slot.index())?.get();
        (bound < Instant::MAX).then_some(bound)
    }

    /// When the entry expires if it is not used again: at its deadline, or for being idle. `None` for never, and
    /// [`Instant::ORIGIN`] once it [`is_expired`](Self::is_expired).
    #[must_use]
    pub fn expires_at(&self, slot: Slot) -> Option<Instant> {
        self.wheel.deadline(slot)
    }

    /// Forgets a slot whose entry has left. O(1).
    pub fn remove(&mut self, slot: Slot) {
        self.wheel.deschedule(slot);
        if let Some(bound) = self.bounds.get_mut(slot.index()) {
            bound.set(Instant::MAX);
        }
    }

    /// The entry of slot `from` is now in slot `to`, whose entry has left. O(1).
    pub fn relocate(&mut self, from: Slot, to: Slot) {
        let bound = self.deadline(from).unwrap_or(Instant::MAX);
        self.wheel.relocate(from, to);
        if from != to && self.idle.is_some() {
            self.remove(from);
            if self.bounds.len() <= to.index() {
                self.bounds.resize_with(to.index() + 1, Deadline::never);
            }
            self.bounds[to.index()].set(bound);
        }
    }

    /// Forgets the next entry that has expired, and says which; `None` if there is none or the budget is used up. See
    /// [`Wheel::pop_expired`].
    pub fn pop_expired(&mut self, now: Instant, budget: &mut usize) -> Option<Slot> {
        let slot = self.wheel.pop_expired(now, budget)?;
        self.remove(slot);
        Some(slot)
    }

    /// When [`pop_expired`](Self::pop_expired) has something to do. See [`Wheel::poll_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wheel.poll_timeout()
    }

    /// Verifies the wheel, for tests. O(n).
    ///
    /// # Panics
    ///
    /// When it is not sound.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        self.wheel.check_invariants();
    }

    /// Forgets all slots. Memory is kept.
    pub fn clear(&mut self) {
        self.wheel.clear();
        self.bounds.clear();
    }
}

/// What a lifetime may be short of, so that not every use is written down.
fn slack(lifetime: Duration) -> Duration {
    SAME_USE.min(lifetime / 64)
}
