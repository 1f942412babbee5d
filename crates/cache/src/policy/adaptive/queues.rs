use super::memory::Memory;
use crate::policy::Slot;
use crate::policy::list::{Links, List};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

/// The bits of a slot's byte: hits since the queue last looked at it, whether it is in the main queue, and how
/// often it was asked for.
const HITS: u8 = 0b0000_0011;
const MAIN: u8 = 0b0000_0100;
const FREQUENCY: u8 = 0b1111_0000;
const FREQUENCY_SHIFT: u32 = 4;
const MOST_FREQUENT: u8 = 15;

/// Hits that bring an entry from the small queue into the main one without a fight. One hit is no more than the second half
/// of a pair, and pairs of requests are common where the next one never comes.
const PROMOTED_AT: u8 = 2;
/// Entries of the main queue without recent hits that are compared before one has to fight.
const COMPARED: u32 = 3;
/// The longest walk of the hand for one eviction.
const MOST_STEPS: u32 = 16;
/// Entries that move from the small to the main queue with each eviction after the small one was told to shrink.
const MOVED_AT_ONCE: u32 = 8;
/// All frequencies are halved in the time of so many requests for each entry of the capacity: as long as
/// fifteen steps of frequency can count it for an entry that is requested somewhat more than the average.
const LIFETIME: u64 = 40;
/// Keys remembered that are not here, for each entry.
const REMEMBERED: usize = 2;
/// Cells of the memory's bucket, so that its aging keeps step with that of the slots.
const SLOTS_PER_BUCKET: u64 = 16;

/// How much of the capacity newcomers have for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// So many percent, and then they have to fight.
    Small(u8),
    /// No fight: one queue of all, a CLOCK.
    Clock,
}

/// A small queue for newcomers and a main queue, with a byte and two links for each slot.
#[derive(Debug)]
pub(super) struct Queues {
    rule: Rule,
    capacity: usize,
    bytes: Vec<AtomicU8>,
    links: Links,
    small: List,
    main: List,
    memory: Memory,
    /// Counted requests: misses, and hits as far as the hand has seen them.
    events: u64,
    /// Whether it was full once.
    is_warm: bool,
}

impl Queues {
    pub(super) fn new(capacity: usize, rule: Rule) -> Self {
        Self {
            rule,
            capacity,
            bytes: Vec::new(),
            links: Links::new(),
            small: List::new(),
            main: List::new(),
            memory: Memory::default(),
            events: 0,
            is_warm: false,
        }
    }

    pub(super) fn set_rule(&mut self, rule: Rule) {
        self.rule = rule;
    }

    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.fit_memory();
    }

    /// The memory is for as many as have been here at once: of a great capacity that few heavy entries fill, that is
    /// little.
    fn fit_memory(&mut self) {
        let entries = self.capacity.min(self.bytes.len());
        let keys = entries.saturating_mul(REMEMBERED);
        // It forgets all when it grows: that must not happen often.
        if self.is_warm && (entries == self.capacity || keys > 2 * self.memory.keys()) {
            self.memory.resize(keys);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.small.len() + self.main.len()
    }

    /// At most a store into the slot's byte; of hits at once, one may count for several.
    #[inline]
    pub(super) fn hit(&self, slot: Slot) {
        let Some(byte) = self.bytes.get(slot.index()) else {
            return;
        };
        // ORDERING: a count for its own sake. What moves entries has the cache for itself.
        let seen = byte.load(Ordering::Relaxed);
        if seen & HITS < HITS {
            byte.store(seen + 1, Ordering::Relaxed);
        }
    }

    pub(super) fn insert(&mut self, slot: Slot, hash: u64) {
        self.count(1);
        let frequency = (self.memory.take(hash) + 1).min(MOST_FREQUENT);
        if self.bytes.len() <= slot.index() {
            let missing = slot.index() + 1 - self.bytes.len();
            if self.bytes.capacity() <= slot.index() {
                // Up to the capacity by doubling, so that nothing is left over in the end.
                let doubled = self
                    .bytes
                    .len()
                    .max(16)
                    .min(self.capacity.saturating_sub(self.bytes.len()));
                self.bytes.reserve_exact(doubled.max(missing));
            }
            self.bytes.resize_with(slot.index() + 1, AtomicU8::default);
        }
        *self.byte(slot) = frequency << FREQUENCY_SHIFT;
        let is_main = self.rule == Rule::Clock;
        self.push(slot, is_main);
    }

    /// An entry leaves that nothing has chosen.
    pub(super) fn remove(&mut self, slot: Slot, hash: u64) {
        self.unlink(slot);
        self.departed(slot, hash);
    }

    /// Remembers the entry that was in this slot.
    pub(super) fn departed(&mut self, slot: Slot, hash: u64) {
        let frequency = (self.frequency(slot) + self.hits(slot)).min(MOST_FREQUENT);
        self.memory.put(hash, frequency);
    }

    pub(super) fn relocate(&mut self, from: Slot, to: Slot) {
        let byte = *self.byte(from);
        *self.byte(to) = byte;
        let queue = if byte & MAIN == 0 {
            &mut self.small
        } else {
            &mut self.main
        };
        self.links.relocate(queue, from, to);
    }

    /// Takes the entry out that has to leave, when all places are taken.
    pub(super) fn evict(&mut self) -> Option<Slot> {
        self.shrink_small();
        let victim = self.choose()?;
        self.unlink(victim);
        Some(victim)
    }

    /// From what leaves first to what leaves last, if nothing else happens.
    pub(super) fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        self.links.from_back(&self.small).for_each(&mut *visit);
        self.links.from_back(&self.main).for_each(visit);
    }

    pub(super) fn check_invariants(&self) {
        self.links.check(&self.small);
        self.links.check(&self.main);
        for (queue, main) in [(&self.small, 0), (&self.main, MAIN)] {
            for slot in self.links.from_back(queue) {
                let byte = self.bytes[slot.index()].load(Ordering::Relaxed);
                assert_eq!(
                    byte & MAIN,
                    main,
                    "{slot:?} is in the other queue than it says"
                );
            }
        }
    }

    /// The end of the small queue fights against the weakest of some in the main one.
    fn choose(&mut self) -> Option<Slot> {
        if self.rule == Rule::Clock {
            return self.weakest(1).or(self.small.back());
        }
        loop {
            let Some(newcomer) = self.small.back() else {
                return self.weakest(1);
            };
            if self.main.is_empty() {
                return Some(newcomer);
            }
            if self.small.len() < self.small_capacity() {
                return self.weakest(1);
            }
            let hits = self.hits(newcomer);
            if hits < PROMOTED_AT {
                let weakest = self.weakest(COMPARED)?;
                let its = self.frequency(weakest) + self.hits(weakest);
                if self.frequency(newcomer) + hits <= its {
                    return Some(newcomer);
                }
                self.enter_main(newcomer);
                return Some(weakest);
            }
            self.enter_main(newcomer);
        }
    }

    /// Walks the hand over the main queue, to the least frequent of so many entries without recent hits. It stays at
    /// the hand, so that the next walk begins with the weakest that was seen so far.
    fn weakest(&mut self, compared: u32) -> Option<Slot> {
        let mut best: Option<Slot> = None;
        let (mut seen, mut steps) = (0, 0);
        loop {
            let next = match best {
                None => self.main.back(),
                Some(best) => self.links.toward_front(best),
            };
            let Some(slot) = next else { return best };
            steps += 1;
            let is_last = steps == MOST_STEPS;
            if self.hits(slot) > 0 && !is_last {
                self.spare(slot);
                continue;
            }
            let weaker = |best: Slot| {
                self.frequency(slot) + self.hits(slot) < self.frequency(best) + self.hits(best)
            };
            let loser = match best {
                None => None,
                Some(best) if weaker(best) => Some(best),
                Some(_) => Some(slot),
            };
            best = if loser == best { Some(slot) } else { best };
            if let Some(loser) = loser {
                self.links.move_to_front(&mut self.main, loser);
            }
            seen += 1;
            if seen == compared || is_last {
                return best;
            }
        }
    }

    /// The hand passes an entry that was hit: one hit becomes frequency.
    fn spare(&mut self, slot: Slot) {
        let frequency = (self.frequency(slot) + 1).min(MOST_FREQUENT);
        let byte = self.byte(slot);
        *byte = (*byte & !FREQUENCY) - 1 | frequency << FREQUENCY_SHIFT;
        self.links.move_to_front(&mut self.main, slot);
        self.count(1);
    }

    /// A newcomer stays. Its hits decided that; frequency they are not, since in the beginning they come in bursts.
    fn enter_main(&mut self, slot: Slot) {
        *self.byte(slot) &= !HITS;
        self.unlink(slot);
        self.push(slot, true);
    }

    /// What the small queue has too much goes to the main one: once when the cache has filled, and little by little
    /// after the rule has changed.
    fn shrink_small(&mut self) {
        let mut left = if self.is_warm {
            MOVED_AT_ONCE
        } else {
            u32::MAX
        };
        self.is_warm = true;
        self.fit_memory();
        while left > 0 && self.small.len() > self.small_capacity() {
            let Some(slot) = self.small.back() else {
                return;
            };
            self.unlink(slot);
            self.push(slot, true);
            left -= 1;
        }
    }

    fn small_capacity(&self) -> usize {
        match self.rule {
            // Of what is here: with weights, or while it shrinks, that is not the capacity.
            Rule::Small(percent) => (self.len() * usize::from(percent) / 100).max(1),
            Rule::Clock => 0,
        }
    }

    /// Counts requests, and lets frequencies age by so much: slot after slot is halved, and bucket after bucket of
    /// the memory, so that no request pays for all.
    fn count(&mut self, requests: u64) {
        let before = self.events / LIFETIME;
        self.events += requests;
        let step = self.events / LIFETIME;
        if step == before || self.bytes.is_empty() {
            return;
        }
        let slot = Slot((step % self.bytes.len() as u64) as u32);
        let byte = self.byte(slot);
        *byte = *byte & !FREQUENCY | *byte >> 1 & FREQUENCY >> 1 & FREQUENCY;
        if step.is_multiple_of(SLOTS_PER_BUCKET) && self.memory.buckets() > 0 {
            let bucket = step / SLOTS_PER_BUCKET % self.memory.buckets() as u64;
            self.memory.halve(bucket as usize);
        }
    }

    fn push(&mut self, slot: Slot, to_main: bool) {
        let byte = self.byte(slot);
        if to_main {
            *byte |= MAIN;
            self.links.push_front(&mut self.main, slot);
        } else {
            *byte &= !MAIN;
            self.links.push_front(&mut self.small, slot);
        }
    }

    fn unlink(&mut self, slot: Slot) {
        let is_main = *self.byte(slot) & MAIN != 0;
        let queue = if is_main {
            &mut self.main
        } else {
            &mut self.small
        };
        self.links.unlink(queue, slot);
    }

    fn byte(&mut self, slot: Slot) -> &mut u8 {
        self.bytes[slot.index()].get_mut()
    }

    fn hits(&self, slot: Slot) -> u8 {
        self.bytes[slot.index()].load(Ordering::Relaxed) & HITS
    }

    fn frequency(&self, slot: Slot) -> u8 {
        self.bytes[slot.index()].load(Ordering::Relaxed) >> FREQUENCY_SHIFT
    }
}
