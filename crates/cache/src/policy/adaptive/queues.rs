use super::byte::{
    FREQUENCY_SHIFT, HITS, MAIN, MOST_FREQUENT, ODD, Ranked, after_a_hit, current, strength,
};
use super::memory::Memory;
use super::newcomers::Newcomers;
use crate::policy::Slot;
use alloc::vec::Vec;
use core::hint::select_unpredictable;
use core::sync::atomic::{AtomicU8, Ordering};

/// Hits that bring an entry from the small queue into the main one without a fight. One hit is no more than the second half
/// of a pair, and pairs of requests are common where the next one never comes.
const PROMOTED_AT: u8 = 2;
/// Entries of the main queue without recent hits that are compared before one has to fight.
const COMPARED: u32 = 3;
/// The longest walk of the hand for one eviction: entries looked at, and slots passed.
const MOST_STEPS: u32 = 16;
const MOST_SLOTS: usize = 64;
/// Entries that move from the small to the main queue with each eviction after the small one was told to shrink.
const MOVED_AT_ONCE: u32 = 8;
/// A generation is so many requests for each entry of the capacity; then all frequencies are halved: after fifteen steps
/// of frequency, even an entry that is requested somewhat more than the average has not used them up.
const GENERATION: u64 = 40;
/// Keys remembered that are not here, for each entry.
const REMEMBERED: usize = 3;

/// Percent of all entries that the small queue has at most.
pub(super) const MOST_SMALL: u8 = 20;

/// How much of the capacity newcomers have for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// So many percent, and then they have to fight.
    Small(u8),
    /// No fight: one queue of all, a CLOCK.
    Clock,
}

/// A small queue for newcomers, and a main queue of all others: a byte for each slot says which one it is in.
///
/// The main queue has no order of its own: the hand goes over the slots, one after the other, so that the bytes that it looks at are
/// side by side. The small one has.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Queues {
    /// First, for all that a hit needs.
    bytes: Vec<AtomicU8>,
    rule: Rule,
    capacity: usize,
    small: Newcomers,
    main: usize,
    /// The slot that the walk over the main queue comes to next.
    hand: usize,
    /// The weakest that it has passed.
    weakest: Option<Slot>,
    /// The byte of the entry that was evicted last.
    victim: u8,
    memory: Memory,
    /// Counted requests of this generation: misses, and hits as far as the hand has seen them.
    events: u64,
    /// [`ODD`] or nothing: what the bytes say that belong to this generation.
    generation: u8,
    /// The first slot that may still belong to the last one.
    swept: usize,
    /// Whether anything may still belong to the last one.
    sweeps: bool,
    /// Whether it was full once.
    is_warm: bool,
}

impl Queues {
    pub(super) fn new(capacity: usize, rule: Rule) -> Self {
        Self {
            rule,
            capacity,
            bytes: Vec::new(),
            small: Newcomers::default(),
            main: 0,
            hand: 0,
            weakest: None,
            victim: 0,
            memory: Memory::default(),
            events: 0,
            generation: 0,
            swept: 0,
            sweeps: false,
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
            self.small.reserve(entries * usize::from(MOST_SMALL) / 100);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.small.len() + self.main
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
        self.cover(slot);
        *self.byte(slot) = frequency << FREQUENCY_SHIFT | self.generation;
        if self.rule == Rule::Clock {
            *self.byte(slot) |= MAIN;
            self.main += 1;
        } else {
            self.small.push(slot);
        }
        if !self.is_warm && self.small.len() > self.small_capacity() {
            // While there is room, the queues grow side by side.
            self.shift_small();
        }
    }

    /// An entry leaves that nothing has chosen.
    pub(super) fn remove(&mut self, slot: Slot, hash: u64) {
        self.take_out(slot);
        self.departed(hash);
    }

    /// Remembers the entry that was taken out last.
    #[inline]
    pub(super) fn departed(&mut self, hash: u64) {
        let frequency = strength(self.victim).min(MOST_FREQUENT);
        self.memory.put(hash, frequency);
    }

    pub(super) fn relocate(&mut self, from: Slot, to: Slot) {
        let byte = core::mem::take(self.byte(from));
        *self.byte(to) = byte;
        if byte & MAIN == 0 {
            self.small.relocate(from, to);
        }
        if self.weakest == Some(from) {
            self.weakest = Some(to);
        }
    }

    /// Takes the entry out that has to leave, when all places are taken.
    pub(super) fn evict(&mut self) -> Option<Slot> {
        if self.len() == 0 {
            return None;
        }
        self.shrink_small();
        let victim = self.choose().or_else(|| self.any())?;
        self.take_out(victim);
        Some(victim)
    }

    /// From what leaves first to what leaves last, if nothing else happens.
    pub(super) fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        self.small.iter().for_each(&mut *visit);
        let all = self.bytes.len();
        for slot in (0..all).map(|step| (self.hand + step) % all) {
            if self.bytes[slot].load(Ordering::Relaxed) & MAIN != 0 {
                visit(Slot::at(slot));
            }
        }
    }

    pub(super) fn check_invariants(&self) {
        let bytes = || self.bytes.iter().map(|byte| byte.load(Ordering::Relaxed));
        assert_eq!(self.main, bytes().filter(|byte| byte & MAIN != 0).count());
        for slot in self.small.iter() {
            let byte = self.bytes[slot.index()].load(Ordering::Relaxed);
            assert_eq!(byte & MAIN, 0, "{slot:?} is in both queues");
        }
        self.small.check_invariants();
    }

    /// The oldest newcomer fights against the weakest of some in the main queue.
    fn choose(&mut self) -> Option<Slot> {
        let room_for_newcomers = self.small_capacity();
        if self.small.len() < room_for_newcomers || self.rule == Rule::Clock {
            let (weakest, spared) = self.weakest(1);
            // Where all that the hand has passed was hit, a newcomer that was not is worth less.
            return weakest.or_else(|| self.oldest_idle()).or(spared);
        }
        // Before any newcomer joins those among whom it is chosen.
        let (weakest, spared) = self.weakest(COMPARED);
        let weakest = weakest.or(spared);
        for _ in 0..MOST_STEPS {
            let newcomer = self.small.oldest()?;
            let byte = self.refresh(newcomer);
            if byte & HITS < PROMOTED_AT {
                let beaten = weakest.filter(|slot| strength(byte) > strength(self.refresh(*slot)));
                if beaten.is_some() {
                    self.enter_main(newcomer);
                }
                return beaten.or(Some(newcomer));
            }
            if weakest.is_none() {
                return Some(newcomer);
            }
            self.enter_main(newcomer);
            if self.small.len() < room_for_newcomers {
                return weakest;
            }
        }
        weakest
    }

    /// Walks the hand over so many entries without recent hits, and answers with the weakest that it has passed and that is
    /// still here, of this walk and those before; and with the weakest of those that were hit, in case that all were.
    fn weakest(&mut self, compared: u32) -> (Option<Slot>, Option<Slot>) {
        let (mut weakest, mut spared) = (Ranked::NOBODY, Ranked::NOBODY);
        let (mut idle, mut hit) = (0, 0);
        if let Some(slot) = self.weakest {
            let byte = self.refresh(slot);
            // Unless it was hit since.
            if byte & HITS == 0 {
                weakest = Ranked::new(slot, byte);
                idle = 1;
            }
        }
        // Once round at most: who was spared is not looked at again.
        for _ in 0..self.bytes.len().min(MOST_SLOTS) {
            let slot = Slot::at(self.hand);
            let Some(byte) = self.bytes.get_mut(self.hand) else {
                self.hand = 0;
                continue;
            };
            self.hand += 1;
            let (byte, generation) = (byte.get_mut(), self.generation);
            let now = current(*byte, generation);
            if now & MAIN == 0 {
                continue;
            }
            let was_hit = now & HITS > 0;
            let ranked = Ranked::new(slot, now);
            spared = spared.min(select_unpredictable(was_hit, ranked, Ranked::NOBODY));
            weakest = weakest.min(select_unpredictable(was_hit, Ranked::NOBODY, ranked));
            *byte = select_unpredictable(was_hit, after_a_hit(now), now);
            hit += u32::from(was_hit);
            idle += u32::from(!was_hit);
            if idle >= compared || idle + hit >= MOST_STEPS {
                break;
            }
        }
        self.count(hit);
        self.weakest = weakest.slot();
        (self.weakest, spared.slot())
    }

    /// The oldest newcomer, if it was hit no more than once.
    fn oldest_idle(&mut self) -> Option<Slot> {
        let slot = self.small.oldest()?;
        (self.refresh(slot) & HITS < PROMOTED_AT).then_some(slot)
    }

    /// Whoever is found first: the hand has come by none, for so few are in the main queue.
    fn any(&mut self) -> Option<Slot> {
        let main = |byte: &AtomicU8| byte.load(Ordering::Relaxed) & MAIN != 0;
        let found = self.bytes.iter().position(main);
        found.map(Slot::at).or_else(|| self.small.oldest())
    }

    /// A newcomer stays. Its hits decided that; frequency they are not, since in the beginning they come in bursts.
    fn enter_main(&mut self, slot: Slot) {
        let byte = self.byte(slot);
        *byte = *byte & !HITS | MAIN;
        self.small.remove(slot);
        self.main += 1;
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

    /// The oldest newcomer goes on to the main queue, with what it has.
    fn shift_small(&mut self) {
        if let Some(slot) = self.small.oldest() {
            *self.byte(slot) |= MAIN;
            self.small.remove(slot);
            self.main += 1;
        }
    }

    fn small_capacity(&self) -> usize {
        match self.rule {
            // Of what is here: with weights, or while it shrinks, that is not the capacity.
            Rule::Small(percent) => (self.len() * usize::from(percent) / 100).max(1),
            Rule::Clock => 0,
        }
    }

    fn take_out(&mut self, slot: Slot) {
        self.victim = self.refresh(slot);
        *self.byte(slot) = 0;
        if self.victim & MAIN == 0 {
            self.small.remove(slot);
        } else {
            self.main -= 1;
        }
        if self.weakest == Some(slot) {
            self.weakest = None;
        }
    }

    /// Counts requests. At the end of a generation all frequencies are halved at once, for who looks at them: those of the
    /// last one are recognized by their bit. In the meantime they are brought up to date, one by one.
    #[inline]
    fn count(&mut self, requests: u32) {
        self.events += u64::from(requests);
        if self.events >= GENERATION * self.bytes.len() as u64 {
            self.events = 0;
            self.generation ^= ODD;
            self.swept = 0;
            self.memory.next_generation();
            self.sweeps = true;
        }
        if self.sweeps {
            self.sweep(requests);
        }
    }

    /// Brings so many more slots and buckets of the memory up to date.
    #[cold]
    fn sweep(&mut self, steps: u32) {
        for _ in 0..steps {
            if self.swept < self.bytes.len() {
                self.refresh(Slot::at(self.swept));
                self.swept += 1;
            }
            self.memory.sweep();
        }
        self.sweeps = self.swept < self.bytes.len() || self.memory.sweeps();
    }

    /// Brings a slot's frequency up to date, and answers with its byte.
    #[inline]
    fn refresh(&mut self, slot: Slot) -> u8 {
        let generation = self.generation;
        let byte = self.byte(slot);
        *byte = current(*byte, generation);
        *byte
    }

    /// Makes the array as long as it takes.
    fn cover(&mut self, slot: Slot) {
        if self.bytes.len() > slot.index() {
            return;
        }
        let (len, missing) = (self.bytes.len(), slot.index() + 1 - self.bytes.len());
        if self.bytes.capacity() <= slot.index() {
            // Up to the capacity by doubling, so that nothing is left over in the end.
            let doubled = len.max(16).min(self.capacity.saturating_sub(len));
            self.bytes.reserve_exact(doubled.max(missing));
        }
        self.bytes.resize_with(slot.index() + 1, AtomicU8::default);
        self.small.cover(self.bytes.len(), self.bytes.capacity());
        self.fit_memory();
    }

    fn byte(&mut self, slot: Slot) -> &mut u8 {
        self.bytes[slot.index()].get_mut()
    }
}
