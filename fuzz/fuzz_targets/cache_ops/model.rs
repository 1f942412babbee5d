//! Who is in a cache, by what its listener says; and when what it says cannot be.

use crate::caches::Caches;
use crate::{Call, Case, Key, TIME_TO_IDLE, TIME_TO_LIVE, life, weight};
use core::time::Duration;
use purlin_cache::RemovalCause::{self, Cleared, Expired, Explicit, Rejected, Replaced, Size};
use purlin_core::time::{Clock, Instant, ManualClock};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The time at which something ends, which uses need not put off exactly: from the first to the second.
type Span = (Instant, Instant);

const NEVER: Span = (Instant::MAX, Instant::MAX);

#[derive(Clone, Copy, Debug)]
struct Entry {
    value: u64,
    weight: u64,
    pinned: bool,
    /// By its own life, and by not being used.
    ends: Span,
    idle_ends: Span,
}

impl Entry {
    fn is_surely_expired(&self, now: Instant) -> bool {
        now >= self.ends.1 || now >= self.idle_ends.1
    }

    fn is_perhaps_expired(&self, now: Instant) -> bool {
        now >= self.ends.0 || now >= self.idle_ends.0
    }
}

pub(crate) struct Model {
    entries: BTreeMap<u8, Entry>,
    capacity: u64,
    weighted: bool,
    rejects: bool,
    lives: u8,
    /// Values that were cleared and not told yet.
    dying: Vec<(u8, u64)>,
    /// How many came in, how many left by each cause.
    inserted: u64,
    left: BTreeMap<u8, u64>,
    values: u64,
    now: Instant,
}

impl Model {
    pub(crate) fn new(case: &Case, rejects: bool) -> Self {
        Self {
            entries: BTreeMap::new(),
            capacity: case.capacity.into(),
            weighted: case.weighted,
            rejects,
            lives: case.lives,
            dying: Vec::new(),
            inserted: 0,
            left: BTreeMap::new(),
            values: 0,
            now: Instant::ORIGIN,
        }
    }

    fn size(&self) -> u64 {
        self.entries.values().map(|entry| entry.weight).sum()
    }

    /// One that was never there before.
    fn new_value(&mut self, low: u8) -> u64 {
        self.values += 1;
        self.values << 8 | u64::from(low)
    }

    /// Calls, hears what has left, and compares everything that can be seen.
    pub(crate) fn step(
        &mut self,
        cache: &mut dyn Caches,
        clock: &ManualClock,
        call: Call,
        told: &Mutex<Vec<(u8, u64, RemovalCause)>>,
    ) {
        match call {
            Call::Pass(micros) => clock.advance(Duration::from_micros(micros.into())),
            Call::PassLong(millis) => {
                clock.advance(Duration::from_millis((millis % 100_000).into()))
            }
            _ => {}
        }
        self.now = clock.now();
        self.apply(cache, call, told);
        for (key, value, cause) in told.lock().expect("no panic").drain(..) {
            self.hear(key, value, cause);
        }
        assert!(
            self.size() <= self.capacity || self.only_pinned_exceed(),
            "over capacity after {call:?}"
        );
        self.compare(cache, call);
    }

    fn apply(
        &mut self,
        cache: &mut dyn Caches,
        call: Call,
        told: &Mutex<Vec<(u8, u64, RemovalCause)>>,
    ) {
        match call {
            Call::Get(Key(key)) => {
                let got = cache.get(key);
                self.looked_up(key, got, true);
            }
            Call::GetMany(keys) => {
                let keys = keys.map(|Key(key)| key);
                let got = cache.get_many(keys);
                for (key, got) in keys.into_iter().zip(got) {
                    self.looked_up(key, got, true);
                }
            }
            Call::Peek(Key(key)) => self.looked_up(key, cache.peek(key), false),
            Call::Insert(Key(key), low) => {
                let value = self.new_value(low);
                cache.insert(key, value);
                self.inserted(key, value, None, told);
            }
            Call::InsertLiving(Key(key), low, millis) => {
                let (value, time) = (self.new_value(low), Duration::from_millis(millis.into()));
                cache.insert_with_ttl(key, value, time);
                self.inserted(key, value, Some(time), told);
            }
            Call::Load(Key(key), low) => {
                let value = self.new_value(low);
                let got = cache.get_with(key, value);
                if got == value {
                    let there = self.entries.get(&key);
                    let may_load = there.is_none_or(|entry| entry.is_perhaps_expired(self.now));
                    assert!(may_load, "loaded what is here");
                    self.inserted(key, value, None, told);
                } else {
                    self.looked_up(key, Some(got), true);
                }
            }
            Call::Remove(Key(key)) => {
                let got = cache.remove(key);
                self.looked_up(key, got, false);
                if got.is_some() {
                    self.entries.remove(&key);
                    *self.left.entry(Explicit as u8).or_default() += 1;
                }
            }
            Call::Invalidate(Key(key)) => {
                let was_here = cache.invalidate(key);
                let was = self.entries.get(&key);
                assert!(!was_here || was.is_some(), "invalidated nothing");
                let alive = was.is_some_and(|entry| !entry.is_perhaps_expired(self.now));
                assert!(was_here || !alive, "not invalidated");
            }
            Call::InvalidateIf(bits) => {
                cache.invalidate_if(bits);
                let spared = told.lock().expect("no panic").len();
                let meant = self.entries.keys().filter(|key| *key & bits != 0).count();
                assert_eq!(spared, meant, "as many left as were meant");
            }
            Call::InvalidateAll => {
                cache.invalidate_all();
                let all = std::mem::take(&mut self.entries);
                self.dying
                    .extend(all.into_iter().map(|(key, entry)| (key, entry.value)));
            }
            Call::Resize(capacity) => {
                self.capacity = capacity.into();
                cache.set_max_capacity(self.capacity);
            }
            Call::Pin(Key(key)) | Call::Unpin(Key(key)) => {
                self.pin(cache, key, matches!(call, Call::Pin(_)))
            }
            Call::Pass(_) | Call::PassLong(_) => {}
            Call::RunPending => {
                cache.run_pending();
                for (key, value, cause) in told.lock().expect("no panic").drain(..) {
                    self.hear(key, value, cause);
                }
                assert!(self.dying.is_empty(), "something cleared is still untold");
            }
        }
    }

    fn pin(&mut self, cache: &mut dyn Caches, key: u8, pin: bool) {
        let entry = self.entries.get_mut(&key);
        let done = if pin {
            cache.pin(key)
        } else {
            cache.unpin(key)
        };
        match entry {
            Some(entry) if !entry.is_perhaps_expired(self.now) => {
                assert_eq!(done, pin || entry.pinned);
                entry.pinned = pin;
            }
            Some(entry) => {
                // It may be, and is, as good as gone.
                if done || !pin {
                    entry.pinned = pin;
                }
            }
            None => assert!(!done, "there is nothing to pin"),
        }
    }

    /// An answer of the cache about a key, which counts as a use or not.
    fn looked_up(&mut self, key: u8, got: Option<u64>, uses: bool) {
        let (now, lives) = (self.now, self.lives);
        let entry = self.entries.get_mut(&key);
        match (entry, got) {
            (None, got) => assert_eq!(got, None, "{key} left before"),
            (Some(entry), None) => {
                assert!(entry.is_perhaps_expired(now), "{key} is lost: {entry:?}")
            }
            (Some(entry), Some(got)) => {
                assert_eq!(got, entry.value, "a stale value of {key}");
                assert!(
                    !entry.is_surely_expired(now),
                    "{key} has expired: {entry:?} at {now:?}"
                );
                if !uses {
                    return;
                }
                if lives & 4 != 0 {
                    let until = life(got, 2).map_or(Instant::MAX, |life| now + life);
                    entry.ends = put_off(entry.ends, now, until);
                }
                if lives & 2 != 0 {
                    entry.idle_ends = put_off(entry.idle_ends, now, now + TIME_TO_IDLE);
                }
            }
        }
    }

    /// A value was put in, and what it did was told.
    fn inserted(
        &mut self,
        key: u8,
        value: u64,
        own: Option<Duration>,
        told: &Mutex<Vec<(u8, u64, RemovalCause)>>,
    ) {
        let weight = if self.weighted { weight(value) } else { 1 };
        let told = std::mem::take(&mut *told.lock().expect("no panic"));
        let old = self.entries.get(&key).copied();
        let mut rejected = false;
        let mut replaced = false;
        let mut evicted = false;
        let before = self.size();
        for (who, what, cause) in told {
            replaced |= cause == Replaced;
            evicted |= cause == Size;
            if cause == Rejected {
                assert_eq!((who, what), (key, value), "only what comes in is rejected");
                rejected = true;
                *self.left.entry(Rejected as u8).or_default() += 1;
                continue;
            }
            self.hear(who, what, cause);
        }
        assert!(
            !self.entries.contains_key(&key),
            "{key} was replaced and nobody told"
        );
        if evicted {
            assert!(
                before + weight > self.capacity,
                "evicted where there was room"
            );
        }
        if rejected {
            let pinned: u64 = self
                .entries
                .values()
                .filter(|entry| entry.pinned)
                .map(|entry| entry.weight)
                .sum();
            let has_to = pinned + weight > self.capacity;
            assert!(has_to || self.rejects, "{key} was turned away");
            return;
        }
        self.inserted += 1;
        let occasion = u64::from(replaced && old.is_some());
        let grown_old = old.filter(|_| replaced);
        let usual = if self.lives & 4 != 0 {
            life(value, occasion)
        } else {
            None
        };
        let time_to_live = (self.lives & 1 != 0).then_some(TIME_TO_LIVE);
        let until = |own: Option<Duration>| {
            let life = [own, time_to_live].into_iter().flatten().min();
            life.map_or(Instant::MAX, |life| self.now + life)
        };
        let mut ends = (until(own.or(usual)), until(own.or(usual)));
        if own.is_none() && occasion == 1 && self.lives & 4 != 0 {
            // One that was taken out before others had to leave comes in as new.
            let other = until(life(value, 0));
            ends = (ends.0.min(other), ends.1.max(other));
        }
        let idle = self.lives & 2 != 0;
        self.entries.insert(
            key,
            Entry {
                value,
                weight,
                pinned: grown_old
                    .is_some_and(|old| old.pinned && self.keeps_pin(old.weight, weight, before)),
                ends,
                idle_ends: if idle {
                    (self.now + TIME_TO_IDLE, self.now + TIME_TO_IDLE)
                } else {
                    NEVER
                },
            },
        );
    }

    /// Whether a pinned entry is replaced in its place: it has not grown, or there was room.
    fn keeps_pin(&self, old: u64, new: u64, before: u64) -> bool {
        new <= old || before - old + new <= self.capacity
    }

    fn hear(&mut self, key: u8, value: u64, cause: RemovalCause) {
        *self.left.entry(cause as u8).or_default() += 1;
        if cause == Cleared {
            let at = self.dying.iter().position(|one| *one == (key, value));
            self.dying.swap_remove(at.expect("it was cleared"));
            return;
        }
        let entry = self
            .entries
            .remove(&key)
            .unwrap_or_else(|| panic!("{key} left twice: {cause}"));
        assert_eq!(entry.value, value, "another value of {key} left: {cause}");
        match cause {
            Size => assert!(!entry.pinned, "{key} is pinned and was evicted"),
            Expired => assert!(
                entry.is_perhaps_expired(self.now),
                "{key} was not to expire: {entry:?}"
            ),
            Replaced | Explicit => {}
            _ => panic!("{key} left for no reason: {cause}"),
        }
    }

    fn only_pinned_exceed(&self) -> bool {
        self.entries.values().all(|entry| entry.pinned)
    }

    fn compare(&mut self, cache: &dyn Caches, call: Call) {
        cache.check_invariants();
        assert_eq!(
            cache.size(),
            (self.entries.len(), self.size()),
            "after {call:?}"
        );
        let all = cache.all();
        for (key, value) in &all {
            self.looked_up(*key, Some(*value), false);
        }
        let alive = self
            .entries
            .values()
            .filter(|entry| !entry.is_perhaps_expired(self.now));
        assert!(
            all.len() >= alive.count(),
            "somebody is lost after {call:?}"
        );
    }

    /// Everything was cleared and told: it has left as often as it came in.
    pub(crate) fn end(mut self, cache: &dyn Caches, told: &Mutex<Vec<(u8, u64, RemovalCause)>>) {
        let all = std::mem::take(&mut self.entries);
        self.dying
            .extend(all.into_iter().map(|(key, entry)| (key, entry.value)));
        for (key, value, cause) in told.lock().expect("no panic").drain(..) {
            self.hear(key, value, cause);
        }
        assert!(self.dying.is_empty(), "never told: {:?}", self.dying);
        let stats = cache.stats();
        assert_eq!((stats.inserted, stats.entries), (self.inserted, 0));
        for cause in [Expired, Explicit, Replaced, Size, Rejected, Cleared] {
            let left = self.left.get(&(cause as u8)).copied().unwrap_or(0);
            assert_eq!(stats.removed(cause), left, "{cause}");
        }
    }
}

/// After a use, which may go unrecorded if it makes little difference.
fn put_off((first, last): Span, now: Instant, until: Instant) -> Span {
    let life = if until == Instant::MAX {
        Duration::MAX
    } else {
        until - now
    };
    let slack = Duration::from_millis(1).min(life / 64);
    let earliest = Instant::from_nanos(until.as_nanos().saturating_sub(slack.as_nanos() as u64));
    let _ = last;
    (first.max(earliest).min(until), until)
}
