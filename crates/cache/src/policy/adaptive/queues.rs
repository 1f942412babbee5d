use super::memory::Memory;
use crate::policy::Slot;
use crate::policy::list::{Links, List};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

/// The bits of a slot's byte: hits since the queue last looked at it, whether it is in the main queue, whether its
/// frequency is that of odd or even generations, and how often it was asked for.
const HITS: u8 = 0b0000_0011;
const MAIN: u8 = 0b0000_0100;
const ODD: u8 = 0b0000_1000;
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
/// A generation is so many requests for each entry of the capacity; then all frequencies are halved: after fifteen steps
/// of frequency, even an entry that is requested somewhat more than the average has not used them up.
const GENERATION: u64 = 40;
/// Keys remembered that are not here, for each entry.
const REMEMBERED: usize = 3;

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
    /// A ring: behind its back comes its front again.
    main: List,
    /// What the walk over the main queue comes to next.
    hand: Option<Slot>,
    /// The weakest that it has passed.
    weakest: Option<Slot>,
    memory: Memory,
    /// Counted requests of this generation: misses, and hits as far as the hand has seen them.
    events: u64,
    /// [`ODD`] or nothing: what the bytes say that belong to this generation.
    generation: u8,
    /// The first slot that may still belong to the last one.
    swept: usize,
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
            hand: None,
            weakest: None,
            memory: Memory::default(),
            events: 0,
            generation: 0,
            swept: 0,
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
        self.count();
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
            self.fit_memory();
        }
        *self.byte(slot) = frequency << FREQUENCY_SHIFT | self.generation;
        let is_main = self.rule == Rule::Clock;
        self.push(slot, is_main);
        if !self.is_warm && self.small.len() > self.small_capacity() {
            // While there is room, the queues grow side by side.
            self.shift_small();
        }
    }

    /// An entry leaves that nothing has chosen.
    pub(super) fn remove(&mut self, slot: Slot, hash: u64) {
        self.unlink(slot);
        self.departed(slot, hash);
    }

    /// Remembers the entry that was in this slot.
    pub(super) fn departed(&mut self, slot: Slot, hash: u64) {
        let frequency = strength(self.refresh(slot)).min(MOST_FREQUENT);
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
        for pointer in [&mut self.hand, &mut self.weakest] {
            if *pointer == Some(from) {
                *pointer = Some(to);
            }
        }
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
        let ring = || self.links.from_back(&self.main);
        let is_before_hand = |slot: &Slot| Some(*slot) != self.hand;
        ring().skip_while(is_before_hand).for_each(&mut *visit);
        ring().take_while(is_before_hand).for_each(visit);
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
        for promotions in 0.. {
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
            if hits < PROMOTED_AT || promotions == MOST_STEPS {
                let weakest = self.weakest(COMPARED)?;
                if strength(self.refresh(newcomer)) <= strength(self.refresh(weakest)) {
                    return Some(newcomer);
                }
                self.enter_main(newcomer);
                return Some(weakest);
            }
            self.enter_main(newcomer);
        }
        None
    }

    /// Walks the hand over so many entries without recent hits, and answers with the weakest that it has passed and that is
    /// still here, of this walk and those before.
    fn weakest(&mut self, compared: u32) -> Option<Slot> {
        let mut weakest = self.weakest;
        let mut least = weakest.map_or(u8::MAX, |slot| strength(self.refresh(slot)));
        let mut seen = u32::from(weakest.is_some());
        for step in 1..=MOST_STEPS {
            let slot = self.hand?;
            let byte = self.refresh(slot);
            self.hand = self.links.toward_front(slot).or(self.main.back());
            if byte & HITS > 0 && step < MOST_STEPS {
                self.spare(slot, byte);
                continue;
            }
            if strength(byte) < least {
                (least, weakest) = (strength(byte), Some(slot));
            }
            seen += 1;
            if seen >= compared {
                break;
            }
        }
        self.weakest = weakest;
        weakest
    }

    /// The hand passes an entry that was hit: one hit becomes frequency.
    fn spare(&mut self, slot: Slot, byte: u8) {
        let frequency = ((byte >> FREQUENCY_SHIFT) + 1).min(MOST_FREQUENT);
        *self.byte(slot) = (byte & !FREQUENCY) - 1 | frequency << FREQUENCY_SHIFT;
        self.count();
    }

    /// A newcomer stays. Its hits decided that; frequency they are not, since in the beginning they come in bursts.
    fn enter_main(&mut self, slot: Slot) {
        *self.byte(slot) &= !HITS;
        self.unlink(slot);
        self.push(slot, true);
    }

    /// What the small queue has too much goes to the main one, little by little after the rule has changed.
    fn shrink_small(&mut self) {
        if !self.is_warm {
            self.is_warm = true;
            self.fit_memory();
        }
        for _ in 0..MOVED_AT_ONCE {
            if self.small.len() <= self.small_capacity() {
                return;
            }
            self.shift_small();
        }
    }

    /// The oldest of the small queue goes on to the main one.
    fn shift_small(&mut self) {
        if let Some(slot) = self.small.back() {
            self.unlink(slot);
            self.push(slot, true);
        }
    }

    fn small_capacity(&self) -> usize {
        match self.rule {
            // Of what is here: with weights, or while it shrinks, that is not the capacity.
            Rule::Small(percent) => (self.len() * usize::from(percent) / 100).max(1),
            Rule::Clock => 0,
        }
    }

    /// Counts requests. At the end of a generation all frequencies are halved at once, for who looks at them: those of the
    /// last one are recognized by their bit. In the meantime they are brought up to date, one by one.
    fn count(&mut self) {
        self.events += 1;
        if self.events >= GENERATION * self.bytes.len() as u64 {
            self.events = 0;
            self.generation ^= ODD;
            self.swept = 0;
            self.memory.next_generation();
        }
        if self.swept < self.bytes.len() {
            self.refresh(Slot(self.swept as u32));
            self.swept += 1;
        }
        self.memory.sweep();
    }

    /// Brings a slot's frequency up to date, and answers with its byte.
    #[inline]
    fn refresh(&mut self, slot: Slot) -> u8 {
        let generation = self.generation;
        let byte = self.byte(slot);
        if *byte & ODD != generation {
            let halved = *byte >> 1 & FREQUENCY >> 1 & FREQUENCY;
            *byte = *byte & (HITS | MAIN) | generation | halved;
        }
        *byte
    }

    /// Puts a slot where the walk over its queue comes last.
    fn push(&mut self, slot: Slot, to_main: bool) {
        let byte = self.byte(slot);
        if !to_main {
            *byte &= !MAIN;
            return self.links.push_front(&mut self.small, slot);
        }
        *byte |= MAIN;
        let behind = self.hand.and_then(|hand| self.links.toward_back(hand));
        match behind {
            Some(behind) => self.links.push_before(&mut self.main, slot, behind),
            // The hand is at the back: the front is behind it.
            None => self.links.push_front(&mut self.main, slot),
        }
        self.hand.get_or_insert(slot);
    }

    fn unlink(&mut self, slot: Slot) {
        if *self.byte(slot) & MAIN == 0 {
            return self.links.unlink(&mut self.small, slot);
        }
        if self.weakest == Some(slot) {
            self.weakest = None;
        }
        if self.hand == Some(slot) {
            let next = self.links.toward_front(slot).or(self.main.back());
            self.hand = next.filter(|next| *next != slot);
        }
        self.links.unlink(&mut self.main, slot);
    }

    fn byte(&mut self, slot: Slot) -> &mut u8 {
        self.bytes[slot.index()].get_mut()
    }

    fn hits(&self, slot: Slot) -> u8 {
        self.bytes[slot.index()].load(Ordering::Relaxed) & HITS
    }
}

/// What an entry has to put into a fight.
fn strength(byte: u8) -> u8 {
    (byte >> FREQUENCY_SHIFT) + (byte & HITS)
}
