mod climber;

use super::parts::list::{Links, List};
use super::parts::per_slot::PerSlot;
use super::tiny_lfu::Filter;
use super::{Policy, Slot};
use climber::{Climber, WHOLE};

/// The window's share at first: 1 %.
const WINDOW: i64 = WHOLE / 100;
/// Of the main part at first, this much is protected: as much as the window can take at most.
const PROTECTED: i64 = (WHOLE - WINDOW) * 8 / 10;
/// So many entries at most change their segment in one operation because a share has changed.
const TRANSFERS: usize = 16;

/// W-TinyLFU: a window for what is new, before the door of [`TinyLfu`](super::TinyLfu), and behind it a segmented LRU.
///
/// New entries go to the window, an LRU. The one that leaves it is the candidate for the main part, and is compared with
/// that part's victim: who was used less often lately leaves the cache. The main part is a segmented LRU, 80 % of it protected. The window has
/// 1 % of the entries at first, and then what hill climbing finds: after every 10 requests for each entry its
/// share takes a step on, if the hit ratio has risen, or back. Take it as a default: it does well on skewed, scanning and
/// looping requests, and with time on those that want recency. Do not take it for short lives or small numbers of
/// requests, in which it has no time to adapt. A hit changes the order, so hits exclude each other.
///
/// O(1) for every operation, but O(n) once in about 10 n operations, when the sketch ages; 17 bytes an entry and 8 to 16
/// for the sketch. Einziger, Friedman, Manes: "TinyLFU: a highly efficient cache admission policy", ACM
/// Transactions on Storage 2017; Einziger, Eytan, Friedman, Manes: "Adaptive software cache management",
/// Middleware 2018. The parameters are those of Caffeine 3.
///
/// ```
/// use purlin_cache::policy::{Policy, Slot, WTinyLfu};
///
/// let mut policy = WTinyLfu::new(100);
/// for slot in 0..100 {
///     policy.miss(slot.into());
///     policy.insert(Slot(slot), slot.into());
///     policy.hit(Slot(slot), slot.into()); // all are used twice
/// }
/// policy.miss(1_000);
/// let slot = policy.evict().unwrap();
/// policy.insert(slot, 1_000);
/// policy.miss(1_001);
/// assert_eq!(policy.evict(), Some(slot)); // the window is for one entry; it was used less often than the others
/// ```
#[derive(Clone, Debug)]
pub struct WTinyLfu {
    links: Links,
    window: List,
    probation: List,
    protected: List,
    segments: PerSlot<Segment>,
    hashes: PerSlot<u64>,
    filter: Filter,
    /// `None` when the window's share is fixed.
    climber: Option<Climber>,
    capacity: usize,
    window_share: i64,
    window_target: usize,
    protected_target: usize,
    /// Whether a key has missed that is not here yet.
    arriving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    Window,
    Probation,
    Protected,
}

impl WTinyLfu {
    /// A policy for so many entries. Its memory grows with them.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        Self::with_seed(entries, 0)
    }

    /// With a seed of your own: for the one admission in 128 of a key that was used often, but less often than the victim, which an attacker must not foresee.
    #[must_use]
    pub fn with_seed(entries: usize, seed: u64) -> Self {
        let mut policy = Self {
            links: Links::new(),
            window: List::new(),
            probation: List::new(),
            protected: List::new(),
            segments: PerSlot::new(),
            hashes: PerSlot::new(),
            filter: Filter::new(seed),
            climber: Some(Climber::new()),
            capacity: entries,
            window_share: WINDOW,
            window_target: 0,
            protected_target: 0,
            arriving: false,
        };
        policy.set_capacity(entries);
        policy
    }

    /// The window keeps its 1 %: W-TinyLFU as it was first published.
    #[must_use]
    pub fn with_fixed_window(mut self) -> Self {
        self.climber = None;
        self
    }

    /// How many entries the window should have.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window_target
    }

    fn record(&mut self, hit: bool) {
        let period = (self.capacity as u64).max(1).saturating_mul(10);
        if let Some(climber) = &mut self.climber
            && let Some(step) = climber.record(hit, period)
        {
            self.window_share = (self.window_share + step).clamp(0, WINDOW + PROTECTED);
            self.lay_out();
        }
    }

    fn lay_out(&mut self) {
        let window = part(self.capacity, self.window_share);
        self.window_target = window.max(1);
        self.protected_target = part(self.capacity, WINDOW + PROTECTED - self.window_share);
    }

    fn list(&mut self, slot: Slot) -> (&mut Links, &mut List) {
        let list = match self.segments[slot] {
            Segment::Window => &mut self.window,
            Segment::Probation => &mut self.probation,
            Segment::Protected => &mut self.protected,
        };
        (&mut self.links, list)
    }

    /// Puts an entry to the front of a segment.
    fn transfer(&mut self, slot: Slot, segment: Segment) {
        let (links, list) = self.list(slot);
        links.unlink(list, slot);
        self.segments[slot] = segment;
        let (links, list) = self.list(slot);
        links.push_front(list, slot);
    }

    /// What a segment has too many moves to probation, a few at a time. (A window that should have more
    /// gets them as they come.)
    fn settle(&mut self) {
        for _ in 0..TRANSFERS {
            let surplus = if self.protected.len() > self.protected_target {
                self.protected.back()
            } else if self.window.len() > self.window_target {
                self.window.back()
            } else {
                None
            };
            let Some(slot) = surplus else { return };
            self.transfer(slot, Segment::Probation);
        }
    }

    /// The one who leaves: the victim of the main part, unless the window's candidate is worth less.
    fn choose(&mut self) -> Option<Slot> {
        let victim = self.probation.back().or_else(|| self.protected.back());
        let full = self.window.len() + usize::from(self.arriving) > self.window_target;
        let candidate = self.window.back().filter(|_| full || victim.is_none());
        let (Some(candidate), Some(victim)) = (candidate, victim) else {
            return candidate.or(victim);
        };
        let (new, old) = (self.hashes[candidate], self.hashes[victim]);
        if !self.filter.admits(new, old) {
            return Some(candidate);
        }
        self.transfer(candidate, Segment::Probation);
        Some(victim)
    }
}

/// So much of a number of entries. There are no more than `u32::MAX` slots.
fn part(entries: usize, share: i64) -> usize {
    let entries = i64::from(u32::try_from(entries).unwrap_or(u32::MAX));
    usize::try_from(entries * share / WHOLE).unwrap_or(0)
}

impl Policy for WTinyLfu {
    fn miss(&mut self, hash: u64) {
        self.filter.increment(hash);
        self.record(false);
        self.arriving = true;
    }

    fn insert(&mut self, slot: Slot, hash: u64) {
        self.arriving = false;
        self.hashes.set(slot, hash);
        self.segments.set(slot, Segment::Window);
        self.links.push_front(&mut self.window, slot);
        self.filter.cover(self.len());
        self.settle();
    }

    fn hit(&mut self, slot: Slot, hash: u64) {
        self.filter.increment(hash);
        self.record(true);
        match self.segments[slot] {
            Segment::Window => self.links.move_to_front(&mut self.window, slot),
            Segment::Probation => self.transfer(slot, Segment::Protected),
            Segment::Protected => self.links.move_to_front(&mut self.protected, slot),
        }
        self.settle();
    }

    fn evict(&mut self) -> Option<Slot> {
        let slot = self.choose()?;
        let (links, list) = self.list(slot);
        links.unlink(list, slot);
        Some(slot)
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        let (links, list) = self.list(slot);
        links.unlink(list, slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        let (links, list) = self.list(from);
        links.relocate(list, from, to);
        self.segments.set(to, self.segments[from]);
        self.hashes.set(to, self.hashes[from]);
    }

    fn set_capacity(&mut self, entries: usize) {
        self.capacity = entries;
        self.arriving = false;
        self.filter.set_capacity(entries);
        self.lay_out();
    }

    /// A guess: probation, the window, then what is protected. O(n).
    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        for list in [&self.probation, &self.window, &self.protected] {
            self.links.from_back(list).for_each(&mut *visit);
        }
    }

    fn len(&self) -> usize {
        self.window.len() + self.probation.len() + self.protected.len()
    }

    fn check_invariants(&self) {
        let lists = [
            (&self.window, Segment::Window),
            (&self.probation, Segment::Probation),
            (&self.protected, Segment::Protected),
        ];
        for (list, segment) in lists {
            self.links.check(list);
            for slot in self.links.from_back(list) {
                assert_eq!(self.segments[slot], segment, "segment of {slot:?}");
            }
        }
    }
}
