//! A hierarchical timer wheel over slots: which entries' time has come.
//!
//! Time is cut into ticks, about a millisecond each. A level has 64 buckets, a bucket of level `l` spans `64^l`
//! ticks, and an entry is in the bucket where its deadline's tick and the tick that the wheel stands at first
//! differ, read as numbers to the base of 64. So level 0 holds what is due in this round of 64 ticks, level 1
//! what is due in this round of 64 × 64, and so on; what is on a lower level is due before everything on a higher one.
//! The wheel goes from one occupied bucket to the next: it moves to the bucket's first tick, hands out
//! what is due in it, and puts the rest to the lower levels where it now belongs. An entry moves once a level
//! in its life, twice or three times for most. Varghese, Lauck: "Hashed and hierarchical
//! timing wheels" (1987), scheme 7; with a digit's round for a level, as the timers of Linux had it.
//!
//! **Empty buckets cost nothing**: a word for each level says which are occupied, so that a wheel that nobody looked
//! at for a year finds its next bucket as fast as any other. Eight levels reach to the end of time, hence there is
//! no list of what is too far away; the buckets of a level take memory only once it is needed.
//!
//! **Any call does bounded work.** Entries leave a due bucket one by one, each counts as a step, and a wheel that
//! has run out of steps stands where it is, in the middle of a bucket perhaps. That does no harm: nothing
//! can be added to a bucket above level 0 while the wheel stands at it (a deadline within its span belongs to a
//! lower level), so what is left in it becomes less with every call, and the wheel does not go on to another
//! before it is empty. A million entries that are due at once leave over as many calls as the caller likes.
//!
//! **Deadlines are exact**, a word of nanoseconds for each slot, and those who read ask them. The wheel decides only
//! when memory is freed, up to a tick later and never earlier. A deadline may be put off by those who share the wheel
//! ([`Wheel::postpone`]): the entry stays where it is and goes to its new bucket when its old one is due.

mod deadline;

pub(crate) use deadline::Deadline;

use crate::policy::Slot;
use crate::policy::parts::list::{Links, List};
use alloc::vec::Vec;
use core::time::Duration;
use purlin_core::time::Instant;

/// The bits of a tick that choose the bucket on its level.
const BITS: u32 = 6;
const BUCKETS: usize = 1 << BITS;
const LEVELS: usize = 8;
/// The shortest tick of which eight levels reach to the end of time, and the longest that is of use (over a minute).
const SHIFTS: core::ops::RangeInclusive<u32> = 17..=36;
const DEFAULT_SHIFT: u32 = 20;
/// The place of a slot that is in no bucket.
const NOWHERE: u16 = u16::MAX;

/// A hierarchical timer wheel: deadlines of slots, and which of them have come. See the [module](self).
///
/// Scheduling, descheduling, relocating and each step of an advance are O(1) with no allocation once the arrays have
/// grown to the highest slot. 18 bytes a slot, and up to 6 KiB for the buckets.
///
/// [`Instant::MAX`] is no deadline: an entry with it is not in the wheel. What is due within the last tick before it
/// stays in the wheel for ever, as no later tick comes. A clock that goes backwards does nothing until it is where it was.
///
/// ```
/// use core::time::Duration;
/// use purlin_cache::policy::Slot;
/// use purlin_cache::wheel::Wheel;
/// use purlin_core::time::Instant;
///
/// let mut wheel = Wheel::new();
/// wheel.schedule(Slot(0), Instant::from_secs(60));
/// wheel.schedule(Slot(1), Instant::from_secs(3_600));
/// assert!(!wheel.is_expired(Slot(0), Instant::from_secs(59)));
/// assert!(wheel.is_expired(Slot(0), Instant::from_secs(60)));
///
/// let mut freed = Vec::new();
/// wheel.advance(Instant::from_secs(61), 16, |slot| freed.push(slot));
/// assert_eq!(freed, [Slot(0)]);
/// assert_eq!(wheel.deadline(Slot(1)), Some(Instant::from_secs(3_600)));
/// ```
#[derive(Debug)]
pub struct Wheel {
    /// A tick is 2^shift nanoseconds.
    shift: u32,
    /// The tick that it stands at. Later than none of those that are in a bucket, but for those of the bucket
    /// that is being drained.
    tick: u64,
    /// A bit for each bucket with anything in it, a word for each level.
    occupied: [u64; LEVELS],
    /// Those of all levels so far; level `l` begins at `64 * l`.
    buckets: Vec<List>,
    /// The bucket it stands at, from which not all have left when the steps ran out.
    draining: Option<u16>,
    len: usize,
    links: Links,
    /// The bucket that each slot is in.
    places: Vec<u16>,
    deadlines: Vec<Deadline>,
}

impl Default for Wheel {
    fn default() -> Self {
        Self::new()
    }
}

impl Wheel {
    /// An empty wheel with ticks of 2^20 nanoseconds, about a millisecond. Nothing is allocated yet.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_shift(DEFAULT_SHIFT)
    }

    /// An empty wheel with other ticks: the next power of two of nanoseconds, at least 2^17 (0.13 ms) and
    /// at most 2^36 (69 s). Longer ones free memory later and move entries less often.
    ///
    /// ```
    /// use core::time::Duration;
    /// use purlin_cache::wheel::Wheel;
    ///
    /// assert_eq!(Wheel::with_tick(Duration::from_secs(1)).tick(), Duration::from_nanos(1 << 30));
    /// ```
    #[must_use]
    pub fn with_tick(tick: Duration) -> Self {
        let longest = 1_u128 << SHIFTS.end();
        let nanos = tick.as_nanos().min(longest).next_power_of_two();
        Self::with_shift(nanos.ilog2().max(*SHIFTS.start()))
    }

    const fn with_shift(shift: u32) -> Self {
        Self {
            shift,
            tick: 0,
            occupied: [0; LEVELS],
            buckets: Vec::new(),
            draining: None,
            len: 0,
            links: Links::new(),
            places: Vec::new(),
            deadlines: Vec::new(),
        }
    }

    /// How long a tick is: by how much memory may be freed too late.
    #[must_use]
    pub const fn tick(&self) -> Duration {
        Duration::from_nanos(1 << self.shift)
    }

    /// How many entries have a place in the wheel.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none has.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets the deadline of a slot, in the place of the one it may have. One that has passed is as good as
    /// any other; [`Instant::ORIGIN`] has passed for ever, [`Instant::MAX`] is none.
    pub fn schedule(&mut self, slot: Slot, deadline: Instant) {
        self.cover(slot);
        self.deadlines[slot.index()].set(deadline);
        self.put(slot, deadline);
    }

    /// Takes the deadline of a slot away, if it has one.
    pub fn deschedule(&mut self, slot: Slot) {
        if slot.index() < self.places.len() {
            self.deadlines[slot.index()].set(Instant::MAX);
            self.take(slot);
        }
    }

    /// The entry of slot `from` is in slot `to` now, and brings its deadline with it. What `to` had is forgotten.
    pub fn relocate(&mut self, from: Slot, to: Slot) {
        if from == to {
            return;
        }
        self.deschedule(to);
        let place = self.place(from);
        if place == NOWHERE {
            return;
        }
        self.cover(to);
        let bucket = &mut self.buckets[usize::from(place)];
        self.links.relocate(bucket, from, to);
        self.places.swap(from.index(), to.index());
        self.deadlines.swap(from.index(), to.index());
    }

    /// The deadline of a slot, if it has one. [`Instant::ORIGIN`] once it [`is_expired`](Self::is_expired).
    #[must_use]
    #[inline]
    pub fn deadline(&self, slot: Slot) -> Option<Instant> {
        let deadline = self.deadlines.get(slot.index())?.get();
        (deadline < Instant::MAX).then_some(deadline)
    }

    /// Whether a slot has a deadline and it has been reached.
    ///
    /// Once that was answered with yes it stays so until the slot is scheduled again, also for a clock that goes
    /// backwards and for others who [`postpone`](Self::postpone) it at the same moment.
    #[must_use]
    #[inline]
    pub fn is_expired(&self, slot: Slot, now: Instant) -> bool {
        self.deadlines
            .get(slot.index())
            .is_some_and(|deadline| deadline.has_passed(now))
    }

    /// Puts the deadline of a slot off, for callers that share the wheel.
    ///
    /// The later deadline of two that do so at once holds. Nothing is written if less than `slack` is gained or
    /// the slot is expired already. False if there is none, or an earlier one is wanted, which is not done:
    /// that takes [`schedule`](Self::schedule).
    #[must_use = "false says that nothing was done"]
    #[inline]
    pub fn postpone(&self, slot: Slot, deadline: Instant, slack: Duration) -> bool {
        self.deadlines
            .get(slot.index())
            .is_some_and(|word| word.postpone(deadline, slack))
    }

    /// Takes the next entry out whose deadline has come; `None` when there is none or no budget is left.
    ///
    /// Each entry that is taken out or moved to a lower level takes one off the budget. What is due earlier comes
    /// earlier, but within the span of a bucket, where the first that was put in comes first.
    ///
    /// To be called in a loop, in which entries may be scheduled, descheduled and relocated:
    ///
    /// ```
    /// use purlin_cache::policy::Slot;
    /// use purlin_cache::wheel::Wheel;
    /// use purlin_core::time::Instant;
    ///
    /// let mut entries = vec!["a", "b", "c"];
    /// let mut wheel = Wheel::new();
    /// wheel.schedule(Slot(0), Instant::from_secs(1));
    /// wheel.schedule(Slot(2), Instant::from_secs(2));
    ///
    /// let mut budget = 16;
    /// while let Some(slot) = wheel.pop_expired(Instant::from_secs(5), &mut budget) {
    ///     entries.swap_remove(slot.index());
    ///     wheel.relocate(Slot(entries.len() as u32), slot);
    /// }
    /// assert_eq!(entries, ["b"]);
    /// ```
    pub fn pop_expired(&mut self, now: Instant, budget: &mut usize) -> Option<Slot> {
        let present = now.as_nanos() >> self.shift;
        while *budget > 0 {
            let slot = self.next_of_due_bucket(present)?;
            *budget -= 1;
            let deadline = self.deadlines[slot.index()].get();
            if deadline <= now && deadline < Instant::MAX {
                self.deschedule(slot);
                return Some(slot);
            }
            self.put(slot, deadline);
        }
        None
    }

    /// Takes entries out whose deadline has come, in at most `budget` steps. False if the budget was too small
    /// and there may be more.
    pub fn advance(&mut self, now: Instant, budget: usize, mut expired: impl FnMut(Slot)) -> bool {
        let mut left = budget;
        while let Some(slot) = self.pop_expired(now, &mut left) {
            expired(slot);
        }
        left > 0 || self.poll_timeout().is_none_or(|due| now < due)
    }

    /// When there is something to do for [`advance`](Self::advance): the first instant at which it takes an entry
    /// out or moves one. That is at most a tick later than the earliest deadline, and may be long before it. `None` if
    /// nothing is scheduled.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let tick = match self.draining() {
            Some(_) => self.tick,
            None => self.first()?.1,
        };
        let nanos = u128::from(tick) << self.shift;
        Some(u64::try_from(nanos).map_or(Instant::MAX, Instant::from_nanos))
    }

    /// Forgets all deadlines. Memory is kept.
    pub fn clear(&mut self) {
        self.occupied = [0; LEVELS];
        self.buckets.clear();
        self.draining = None;
        self.len = 0;
        self.places.clear();
        self.deadlines.clear();
    }

    /// The entry that a bucket whose time has come holds the longest, which stays in it. Moves on to the next such bucket
    /// when one is empty.
    fn next_of_due_bucket(&mut self, present: u64) -> Option<Slot> {
        if present < self.tick {
            return None;
        }
        if self.draining().is_none() {
            let due = self.first().filter(|(_, start)| *start <= present);
            self.tick = due.map_or(present, |(_, start)| start);
            self.draining = due.map(|(bucket, _)| bucket);
        }
        self.buckets[usize::from(self.draining?)].back()
    }

    /// The bucket that is not empty yet although the wheel has come to it.
    fn draining(&self) -> Option<u16> {
        self.draining
            .filter(|bucket| !self.buckets[usize::from(*bucket)].is_empty())
    }

    /// The first occupied bucket and the tick where it begins, if none is being drained.
    fn first(&self) -> Option<(u16, u64)> {
        let mut levels = (0..).zip(self.occupied);
        let (level, buckets) = levels.find(|(_, buckets)| *buckets != 0)?;
        let bucket = u64::from(buckets.trailing_zeros());
        let low = BITS * level;
        let round = self.tick >> (low + BITS) << (low + BITS);
        Some((place_of(level, bucket), round | bucket << low))
    }

    /// The bucket for a deadline. It begins at the deadline or before, unless that is earlier than the wheel.
    fn bucket_of(&self, deadline: Instant) -> u16 {
        let nanos = deadline.as_nanos();
        // Rounded up: when the tick has come, so has the deadline.
        let partial = u64::from(nanos.trailing_zeros() < self.shift);
        let tick = ((nanos >> self.shift) + partial).max(self.tick);
        let level = (tick ^ self.tick | 1).ilog2() / BITS;
        place_of(level, tick >> (BITS * level))
    }

    /// Puts a slot into the bucket for its deadline, out of the one it may be in.
    fn put(&mut self, slot: Slot, deadline: Instant) {
        if deadline == Instant::MAX {
            return self.take(slot);
        }
        let place = self.bucket_of(deadline);
        if self.place(slot) == place {
            return;
        }
        self.take(slot);
        let (bucket, level) = (usize::from(place), usize::from(place) / BUCKETS);
        if self.buckets.len() <= bucket {
            self.buckets.resize((level + 1) * BUCKETS, List::new());
        }
        self.links.push_front(&mut self.buckets[bucket], slot);
        self.occupied[level] |= 1 << (bucket % BUCKETS);
        self.places[slot.index()] = place;
        self.len += 1;
    }

    /// Takes a slot out of the bucket it may be in.
    fn take(&mut self, slot: Slot) {
        let bucket = usize::from(self.place(slot));
        let Some(list) = self.buckets.get_mut(bucket) else {
            return;
        };
        self.links.unlink(list, slot);
        if list.is_empty() {
            self.occupied[bucket / BUCKETS] &= !(1 << (bucket % BUCKETS));
        }
        self.places[slot.index()] = NOWHERE;
        self.len -= 1;
    }

    fn cover(&mut self, slot: Slot) {
        let len = slot.index() + 1;
        if self.places.len() < len {
            self.places.resize(len, NOWHERE);
            self.deadlines.resize_with(len, Deadline::never);
        }
    }

    fn place(&self, slot: Slot) -> u16 {
        self.places.get(slot.index()).copied().unwrap_or(NOWHERE)
    }

    /// Verifies that buckets, places and deadlines fit each other, for tests. O(n).
    ///
    /// # Panics
    ///
    /// When they do not.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub fn check_invariants(&self) {
        let mut len = 0;
        for (bucket, list) in self.buckets.iter().enumerate() {
            self.links.check(list);
            let bit = self.occupied[bucket / BUCKETS] >> (bucket % BUCKETS) & 1;
            assert_eq!(bit == 0, list.is_empty(), "the bit of bucket {bucket}");
            for slot in self.links.from_back(list) {
                assert_eq!(usize::from(self.place(slot)), bucket, "place of {slot:?}");
            }
            len += list.len();
        }
        assert_eq!(self.len, len, "the length is that of all buckets");
        let placed = self.places.iter().filter(|place| **place != NOWHERE);
        assert_eq!(placed.count(), len, "slots with a place are in a bucket");
        assert_eq!(self.places.len(), self.deadlines.len(), "as many of each");
    }
}

/// Where a bucket of a level is among all; what `number` has beyond 64 counts for nothing.
#[expect(clippy::cast_possible_truncation, reason = "8 levels of 64 buckets")]
fn place_of(level: u32, number: u64) -> u16 {
    (level * BUCKETS as u32) as u16 + (number % BUCKETS as u64) as u16
}
