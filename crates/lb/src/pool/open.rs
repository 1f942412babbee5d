//! Which endpoints of a pool take requests: a bit each.

use crate::slow_start::SlowStart;
use crate::state::State;
use crate::status::Status;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use alloc::boxed::Box;
use purlin_core::node::Weight;
use purlin_core::random::{RandomExt as _, SharedRandom};
use purlin_core::time::Instant;

/// What a cluster is built with, that its pools go by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// In percent of those that take requests at all. `None`: it is told when to panic, as a group is.
    pub(crate) panic_threshold: Option<u8>,
    pub(crate) slow_start: Option<SlowStart>,
}

/// Three bits for each position. Picks read `open` only; the other two are what it is made of, and
/// change under the lock of the cluster's writers.
#[derive(Debug)]
pub(crate) struct OpenSet {
    open: Bits,
    /// Open without a panic: available, and of a weight above 0.
    sound: Bits,
    /// Open in a panic: neither drained nor of weight 0.
    present: Bits,
    panicking: AtomicU32,
    /// Until when some endpoint is in slow start.
    warming_until: AtomicU64,
    /// Draws for slow start, and nothing else.
    chance: SharedRandom,
    settings: Settings,
}

#[derive(Debug)]
struct Bits {
    words: Box<[AtomicU64]>,
    count: AtomicU32,
}

// ORDERING: all relaxed. A pick that sees a bit late picks as if it had come earlier; nothing else
// is read on the strength of a bit. Writers hold a lock.

impl OpenSet {
    /// For `len` endpoints, none of them open yet.
    pub(crate) fn new(len: usize, settings: Settings) -> Self {
        Self {
            open: Bits::new(len),
            sound: Bits::new(len),
            present: Bits::new(len),
            panicking: AtomicU32::new(0),
            warming_until: AtomicU64::new(0),
            chance: SharedRandom::new(0),
            settings,
        }
    }

    /// For a group of `len` of these endpoints, none of them open yet, that panics when it is told to.
    pub(crate) fn for_group(&self, len: usize) -> Self {
        let settings = Settings {
            panic_threshold: None,
            ..self.settings
        };
        let group = Self {
            chance: SharedRandom::new(self.chance.next_u64()),
            ..Self::new(len, settings)
        };
        group.warm_with(self);
        group
    }

    /// The same for another number of endpoints: those there are keep their bits.
    pub(crate) fn resized(&self, len: usize) -> Self {
        Self {
            open: self.open.resized(len),
            sound: self.sound.resized(len),
            present: self.present.resized(len),
            panicking: AtomicU32::new(self.panicking.load(Ordering::Relaxed)),
            warming_until: AtomicU64::new(self.warming_until.load(Ordering::Relaxed)),
            chance: SharedRandom::new(self.chance.next_u64()),
            settings: self.settings,
        }
    }

    #[inline]
    pub(crate) fn contains(&self, position: usize) -> bool {
        self.open.contains(position)
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.open.count.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn is_panicking(&self) -> bool {
        self.panicking.load(Ordering::Relaxed) != 0
    }

    /// The first open position from this one on.
    pub(crate) fn next_at(&self, position: usize) -> Option<usize> {
        self.open.next_at(position)
    }

    #[inline]
    pub(crate) fn is_warming(&self, now: Instant) -> bool {
        now.as_nanos() < self.warming_until.load(Ordering::Relaxed)
    }

    /// Whether an endpoint that may be in slow start gets this one.
    pub(crate) fn lets_in(&self, state: &State, now: Instant) -> bool {
        let factor = self.factor(state, now);
        factor >= 1.0 || (&self.chance).f64() < factor
    }

    /// The part of its weight that an endpoint gets, which may be in slow start.
    pub(crate) fn factor(&self, state: &State, now: Instant) -> f64 {
        let since = state.warm_since();
        let ramp = self.settings.slow_start.filter(|_| since > Instant::ORIGIN);
        ramp.map_or(1.0, |ramp| {
            ramp.factor(now.saturating_duration_since(since))
        })
    }

    /// An endpoint begins slow start, if there is such a thing.
    pub(crate) fn warm_up(&self, state: &State, now: Instant) {
        if let Some(ramp) = self.settings.slow_start {
            // The origin of time stands for always.
            let now = now.max(Instant::from_nanos(1));
            state.set_warm_since(now);
            self.warm_until(ramp.end(now));
        }
    }

    /// Some endpoint may be in slow start for as long as one of those is.
    pub(crate) fn warm_with(&self, others: &Self) {
        self.warming_until.fetch_max(
            others.warming_until.load(Ordering::Relaxed),
            Ordering::Relaxed,
        );
    }

    fn warm_until(&self, end: Instant) {
        self.warming_until
            .fetch_max(end.as_nanos(), Ordering::Relaxed);
    }

    /// The endpoint at that position has this status and weight now. O(1), unless a panic begins or
    /// ends, then O(len / 64).
    pub(crate) fn refresh(&self, position: usize, (status, weight): (Status, Weight)) {
        let works = !weight.is_drain();
        self.set(
            position,
            works && status.is_available(),
            works && status.takes_in_panic(),
        );
    }

    /// The last position goes, or what was there moves.
    pub(crate) fn clear(&self, position: usize) {
        self.set(position, false, false);
    }

    /// Whether an endpoint is open without a panic, and whether it is in one.
    pub(crate) fn set(&self, position: usize, sound: bool, present: bool) {
        self.sound.set(position, sound);
        self.present.set(position, present);
        let panic = match self.settings.panic_threshold {
            Some(percent) => self.sound.count() * 100 < u64::from(percent) * self.present.count(),
            None => self.is_panicking(),
        };
        if !self.set_panicking(panic) {
            let source = if panic { &self.present } else { &self.sound };
            self.open.set(position, source.contains(position));
        }
    }

    /// The same for all `len` endpoints, of a group that does not panic yet.
    pub(crate) fn fill(&self, len: usize, mut bits: impl FnMut(usize) -> (bool, bool)) {
        for (word, start) in (0..len).step_by(64).enumerate() {
            let (mut sound, mut present) = (0, 0);
            for at in start..len.min(start + 64) {
                let (is_sound, is_present) = bits(at);
                sound |= u64::from(is_sound) << (at - start);
                present |= u64::from(is_present) << (at - start);
            }
            self.sound.set_word(word, sound);
            self.present.set_word(word, present);
        }
        self.open.copy(&self.sound);
    }

    /// Begins or ends a panic. Answers whether that is new. O(1) if not, else O(len / 64).
    pub(crate) fn set_panicking(&self, panic: bool) -> bool {
        if panic == self.is_panicking() {
            return false;
        }
        let source = if panic { &self.present } else { &self.sound };
        self.panicking.store(panic.into(), Ordering::Relaxed);
        self.open.copy(source);
        true
    }

    /// Whether the endpoint at that position is open without a panic, and whether it is in one.
    pub(crate) fn bits(&self, position: usize) -> (bool, bool) {
        (
            self.sound.contains(position),
            self.present.contains(position),
        )
    }

    /// How many endpoints are open without a panic, and how many in one.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.sound.count(), self.present.count())
    }

    /// Panics where the bits do not follow from one another.
    #[cfg(any(test, fuzzing, feature = "conformance"))]
    pub(crate) fn check_invariants(&self, len: usize) {
        let source = if self.is_panicking() {
            &self.present
        } else {
            &self.sound
        };
        for bits in [&self.open, &self.sound, &self.present] {
            let ones = (0..len).filter(|at| bits.contains(*at)).count() as u64;
            assert_eq!(ones, bits.count(), "a count of bits");
        }
        for at in 0..len {
            assert_eq!(
                self.contains(at),
                source.contains(at),
                "whether {at} is open"
            );
            assert!(
                !self.sound.contains(at) || self.present.contains(at),
                "{at} is sound and not there"
            );
        }
    }
}

impl Clone for OpenSet {
    fn clone(&self) -> Self {
        self.resized(self.open.words.len() * 64)
    }
}

impl Bits {
    fn new(len: usize) -> Self {
        Self {
            words: (0..len.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            count: AtomicU32::new(0),
        }
    }

    fn resized(&self, len: usize) -> Self {
        let kept = self.words.iter().map(|word| word.load(Ordering::Relaxed));
        Self {
            words: kept
                .chain(core::iter::repeat(0))
                .take(len.div_ceil(64))
                .map(AtomicU64::new)
                .collect(),
            count: AtomicU32::new(self.count.load(Ordering::Relaxed)),
        }
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed).into()
    }

    #[inline]
    fn contains(&self, position: usize) -> bool {
        self.words
            .get(position / 64)
            .is_some_and(|word| word.load(Ordering::Relaxed) >> (position % 64) & 1 != 0)
    }

    fn set(&self, position: usize, one: bool) {
        let (word, bit) = (&self.words[position / 64], 1 << (position % 64));
        let before = if one {
            word.fetch_or(bit, Ordering::Relaxed)
        } else {
            word.fetch_and(!bit, Ordering::Relaxed)
        };
        match (before & bit != 0, one) {
            (false, true) => self.count.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.count.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
    }

    fn set_word(&self, word: usize, ones: u64) {
        let before = self.words[word].swap(ones, Ordering::Relaxed);
        // Around the end, and back.
        let more = ones.count_ones().wrapping_sub(before.count_ones());
        self.count.fetch_add(more, Ordering::Relaxed);
    }

    fn copy(&self, other: &Self) {
        for (to, from) in self.words.iter().zip(&other.words) {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let count = other.count.load(Ordering::Relaxed);
        self.count.store(count, Ordering::Relaxed);
    }

    fn next_at(&self, position: usize) -> Option<usize> {
        let mut at = position / 64;
        let mut mask = u64::MAX << (position % 64);
        loop {
            let ones = self.words.get(at)?.load(Ordering::Relaxed) & mask;
            if ones != 0 {
                return Some(at * 64 + ones.trailing_zeros() as usize);
            }
            (at, mask) = (at + 1, u64::MAX);
        }
    }
}
