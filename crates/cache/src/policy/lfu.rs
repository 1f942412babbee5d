use super::parts::list::{Links, List};
use super::parts::per_slot::PerSlot;
use super::{Policy, Slot};
use alloc::vec::Vec;

/// Least frequently used: the entry with the fewest uses since it came leaves, of equals the one
/// whose last use is the longest ago.
///
/// Take it where the popularity of keys differs much and stays as it is. Do not take it, without
/// [aging](Self::with_aging), where popularity drifts: what was popular once stays for ever, and
/// among such entries each new one leaves next. The frequency of an entry is forgotten when it
/// leaves. A hit changes the order, so hits exclude each other.
///
/// Entries of one frequency share a bucket, and the buckets are in a list by frequency: O(1) for
/// every operation. 12 bytes an entry and 32 a frequency that occurs: for new frequencies it may
/// allocate while it is full, a logarithmic number of times in all. Shah, Mitra, Matani: "An O(1)
/// algorithm for implementing the LFU cache eviction scheme" (2010).
///
/// ```
/// use purlin_cache::policy::{Lfu, Policy, Slot};
///
/// let mut policy = Lfu::new(3);
/// for slot in 0..3 {
///     policy.insert(Slot(slot), slot.into());
/// }
/// for used in [2, 2, 1, 0] {
///     policy.hit(Slot(used), used.into());
/// }
/// assert_eq!(policy.evict(), Some(Slot(1))); // as often as 0, but not as lately
/// assert_eq!(policy.evict(), Some(Slot(0)));
/// ```
#[derive(Clone, Debug)]
pub struct Lfu {
    links: Links,
    bucket_of: PerSlot<BucketId>,
    buckets: Vec<Bucket>,
    /// Of `by_frequency` and `spare`: a bucket is in one of them.
    bucket_links: Links,
    /// The least frequent at the back. None is empty.
    by_frequency: List,
    spare: List,
    len: usize,
    /// The sum of the frequencies of all entries.
    total: u64,
    greatest_mean: Option<u64>,
}

/// Buckets are linked as slots are.
type BucketId = Slot;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    frequency: u64,
    /// Last used at the front.
    entries: List,
}

impl Lfu {
    /// A policy for so many entries, without aging. Nothing is allocated yet.
    #[must_use]
    pub const fn new(entries: usize) -> Self {
        let _ = entries;
        Self {
            links: Links::new(),
            bucket_of: PerSlot::new(),
            buckets: Vec::new(),
            bucket_links: Links::new(),
            by_frequency: List::new(),
            spare: List::new(),
            len: 0,
            total: 0,
            greatest_mean: None,
        }
    }

    /// A policy that forgets: whenever a hit lifts the mean frequency above `mean`, all frequencies
    /// are halved, rounded up. Of entries that become equal, those that were more frequent leave
    /// later.
    ///
    /// A `mean` less than 2 counts as 2. Small ones, 3 to 5, do best where popularity drifts: on the OLTP
    /// trace of the ARC paper 1,000 entries hit 39.0 % with 5, 31.9 % with 10 and 13.8 % without aging
    /// (LRU 32.8 %).
    ///
    /// The halving is O(n), and there are hits or removals in proportion to n between two of them: hits are
    /// O(1) amortized. Robinson, Devarakonda: "Data cache management using frequency-based
    /// replacement", SIGMETRICS 1990.
    ///
    /// ```
    /// use purlin_cache::policy::{Lfu, Policy, Slot};
    ///
    /// /// Whether an entry stays that had 100 hits, of late none, where two others are now in use.
    /// let keeps_the_past = |mut policy: Lfu| {
    ///     for slot in 0..3 {
    ///         policy.insert(Slot(slot), slot.into());
    ///     }
    ///     for slot in [[0, 0]; 50].into_iter().chain([[1, 2]; 60]).flatten() {
    ///         policy.hit(Slot(slot), slot.into());
    ///     }
    ///     policy.evict() != Some(Slot(0))
    /// };
    /// assert!(keeps_the_past(Lfu::new(3)));
    /// assert!(!keeps_the_past(Lfu::with_aging(3, 5)));
    /// ```
    #[must_use]
    pub fn with_aging(entries: usize, mean: u32) -> Self {
        Self {
            greatest_mean: Some(u64::from(mean.max(2))),
            ..Self::new(entries)
        }
    }

    fn bucket(&mut self, bucket: BucketId) -> &mut Bucket {
        &mut self.buckets[bucket.index()]
    }

    /// A bucket without entries, which is in no list yet.
    fn open(&mut self, frequency: u64) -> BucketId {
        let bucket = Bucket {
            frequency,
            entries: List::new(),
        };
        if let Some(spare) = self.bucket_links.pop_back(&mut self.spare) {
            self.buckets[spare.index()] = bucket;
            return spare;
        }
        self.buckets.push(bucket);
        #[expect(clippy::cast_possible_truncation, reason = "one an entry at most")]
        Slot(self.buckets.len() as u32 - 1)
    }

    fn join(&mut self, slot: Slot, bucket: BucketId) {
        self.bucket_of.set(slot, bucket);
        let entries = &mut self.buckets[bucket.index()].entries;
        self.links.push_front(entries, slot);
    }

    fn leave(&mut self, slot: Slot) {
        let bucket = self.bucket_of[slot];
        let entries = &mut self.buckets[bucket.index()].entries;
        self.links.unlink(entries, slot);
        if entries.is_empty() {
            self.close(bucket);
        }
    }

    fn close(&mut self, bucket: BucketId) {
        self.bucket_links.unlink(&mut self.by_frequency, bucket);
        self.bucket_links.push_back(&mut self.spare, bucket);
    }

    fn halve(&mut self) {
        self.total = 0;
        let mut less: Option<BucketId> = None;
        let mut next = self.by_frequency.back();
        while let Some(bucket) = next {
            next = self.bucket_links.toward_front(bucket);
            let halved = self.bucket(bucket).frequency.div_ceil(2);
            self.total += halved * self.bucket(bucket).entries.len() as u64;
            match less {
                Some(less) if self.bucket(less).frequency == halved => self.merge(bucket, less),
                _ => {
                    self.bucket(bucket).frequency = halved;
                    less = Some(bucket);
                }
            }
        }
    }

    fn merge(&mut self, from: BucketId, into: BucketId) {
        let mut entries = self.bucket(from).entries;
        while let Some(slot) = self.links.pop_back(&mut entries) {
            self.join(slot, into);
        }
        self.close(from);
    }
}

impl Policy for Lfu {
    fn insert(&mut self, slot: Slot, _hash: u64) {
        let least = self.by_frequency.back();
        let once = least.filter(|bucket| self.buckets[bucket.index()].frequency == 1);
        let once = once.unwrap_or_else(|| {
            let bucket = self.open(1);
            self.bucket_links.push_back(&mut self.by_frequency, bucket);
            bucket
        });
        self.join(slot, once);
        self.len += 1;
        self.total += 1;
    }

    fn hit(&mut self, slot: Slot, _hash: u64) {
        let old = self.bucket_of[slot];
        let Bucket { frequency, entries } = self.buckets[old.index()];
        let frequency = frequency + 1;
        let next = self.bucket_links.toward_front(old);
        let next = next.filter(|next| self.buckets[next.index()].frequency == frequency);
        if next.is_none() && entries.len() == 1 {
            self.bucket(old).frequency = frequency;
        } else {
            let new = next.unwrap_or_else(|| {
                let bucket = self.open(frequency);
                self.bucket_links
                    .push_before(&mut self.by_frequency, bucket, old);
                bucket
            });
            self.leave(slot);
            self.join(slot, new);
        }
        self.total += 1;
        if self
            .greatest_mean
            .is_some_and(|mean| self.total > mean.saturating_mul(self.len as u64))
        {
            self.halve();
        }
    }

    fn evict(&mut self) -> Option<Slot> {
        let least = self.by_frequency.back()?;
        let slot = self.buckets[least.index()].entries.back()?;
        self.remove(slot, 0);
        Some(slot)
    }

    fn remove(&mut self, slot: Slot, _hash: u64) {
        let bucket = self.bucket_of[slot];
        self.total -= self.bucket(bucket).frequency;
        self.len -= 1;
        self.leave(slot);
    }

    fn relocate(&mut self, from: Slot, to: Slot) {
        let bucket = self.bucket_of[from];
        let entries = &mut self.buckets[bucket.index()].entries;
        self.links.relocate(entries, from, to);
        self.bucket_of.set(to, bucket);
    }

    fn set_capacity(&mut self, _entries: usize) {}

    fn for_each_coldest(&self, visit: &mut dyn FnMut(Slot)) {
        for bucket in self.bucket_links.from_back(&self.by_frequency) {
            let entries = &self.buckets[bucket.index()].entries;
            self.links.from_back(entries).for_each(&mut *visit);
        }
    }

    fn len(&self) -> usize {
        self.len
    }

    fn check_invariants(&self) {
        self.bucket_links.check(&self.by_frequency);
        self.bucket_links.check(&self.spare);
        let (mut len, mut total, mut less) = (0, 0, 0);
        for id in self.bucket_links.from_back(&self.by_frequency) {
            let Bucket { frequency, entries } = &self.buckets[id.index()];
            assert!(*frequency > less, "buckets in disorder at {frequency}");
            assert!(!entries.is_empty(), "an empty bucket of {frequency}");
            self.links.check(entries);
            for slot in self.links.from_back(entries) {
                assert_eq!(self.bucket_of[slot], id, "bucket of {slot:?}");
            }
            len += entries.len();
            total += *frequency * entries.len() as u64;
            less = *frequency;
        }
        assert_eq!((len, total), (self.len, self.total));
        assert!(self.buckets.len() == self.by_frequency.len() + self.spare.len());
    }
}
