//! The ranking of all buckets that [`choose_k`](super::choose_k) documents, from the best on.

use super::{BucketHash, GAMMA, fold};
use core::hint::select_unpredictable;
use purlin_core::hash::KeyHash;

/// How many ranks [`find`] goes through, which bounds its memory.
pub(crate) const RANKED: usize = 32;

/// The first bucket that is accepted of the [`RANKED`] best.
#[inline(always)]
pub(crate) fn find<H: BucketHash>(
    key: KeyHash,
    buckets: u32,
    mut accept: impl FnMut(u32) -> bool,
) -> Option<u32> {
    let best = Three::of::<H>(key, buckets);
    if let Some(Three { ranks, .. }) = best {
        let accepted = ranks.into_iter().find(|&bucket| accept(bucket));
        if accepted.is_some() {
            return accepted;
        }
    }
    find_further::<H>(key, buckets, best, &mut accept)
}

/// Out of line: few replicas are the common case.
#[inline(never)]
fn find_further<H: BucketHash>(
    key: KeyHash,
    buckets: u32,
    best: Option<Three>,
    accept: &mut dyn FnMut(u32) -> bool,
) -> Option<u32> {
    let mut ranking = best.map_or_else(Ranking::default, Ranking::from);
    while ranking.known < RANKED {
        let bucket = ranking.next::<H>(key, buckets)?;
        if accept(bucket) {
            return Some(bucket);
        }
    }
    None
}

/// The first three ranks.
#[derive(Clone, Copy)]
struct Three {
    ranks: [u32; 3],
    newest: [u32; 3],
    own: [u32; 3],
}

impl Three {
    /// All at once, without branches: each would go either way for half of the keys, which costs
    /// more than the hash it might save. `None` for fewer than three buckets, and in the rare
    /// case that the first two ranks last fired at the same one.
    #[inline(always)]
    fn of<H: BucketHash>(key: KeyHash, buckets: u32) -> Option<Self> {
        if buckets < 3 {
            return None;
        }
        let keys = [key, rank_key(key, 1), rank_key(key, 2)];
        let own = |rank, end| own::<H>(keys[rank as usize], rank, end);
        let [zeroth, first, second] = [0, 1, 2].map(|rank| own(rank, buckets));
        let before = own(0, zeroth);
        let is_newer = first > zeroth;
        let other = select_unpredictable(is_newer, first, before);
        // Whichever of the two came last, the bucket that its rank had before may be the third.
        let key = select_unpredictable(is_newer, keys[1], keys[0]);
        let earlier = self::own::<H>(key, u32::from(is_newer), other);
        if zeroth == first {
            return None;
        }
        let own = [
            select_unpredictable(is_newer, before, earlier),
            select_unpredictable(is_newer, earlier, first),
            second,
        ];
        let (newer, older) = (zeroth.max(other), zeroth.min(other));
        let mut third = select_unpredictable(own[1] > older, own[1], own[0]);
        third = select_unpredictable(second > newer, second, third);
        Some(Self {
            ranks: [zeroth, other, third],
            newest: [
                newer.max(third),
                older.max(newer.min(third)),
                older.min(third),
            ],
            own,
        })
    }
}

/// What the next rank depends on.
#[derive(Default)]
struct Ranking {
    known: usize,
    /// The buckets of the known ranks, the newest first.
    newest: [u32; RANKED],
    /// By rank: its own last bucket, for the `end` it was last asked about. From rank to rank
    /// these ends only come down, so a value below the end holds there too.
    own: [u32; RANKED],
}

impl Ranking {
    fn next<H: BucketHash>(&mut self, key: KeyHash, buckets: u32) -> Option<u32> {
        let last = self.known;
        let mut rank = u32::try_from(last).ok().filter(|&last| last < buckets)?;
        let mut end = buckets;
        *self.own.get_mut(last)? = end;
        for at in 0..=last {
            let own = &mut self.own[last - at];
            if *own >= end {
                *own = self::own::<H>(rank_key(key, rank), rank, end);
            }
            if rank == 0 || *own > self.newest[at] {
                // Its place among the newest is here, after those that came later.
                self.newest.copy_within(at..last, at + 1);
                self.newest[at] = *own;
                self.known += 1;
                return Some(*own);
            }
            end = self.newest[at];
            rank -= 1;
        }
        None
    }
}

impl From<Three> for Ranking {
    fn from(three: Three) -> Self {
        let mut ranking = Self {
            known: 3,
            ..Self::default()
        };
        ranking.newest[..3].copy_from_slice(&three.newest);
        ranking.own[..3].copy_from_slice(&three.own);
        ranking
    }
}

/// The bucket after those of `above`, which are all ranks before it.
#[cold]
pub(crate) fn after<H: BucketHash>(key: KeyHash, buckets: u32, above: &[u32]) -> Option<u32> {
    let last = u32::try_from(above.len())
        .ok()
        .filter(|&last| last < buckets)?;
    let mut end = buckets;
    for rank in (0..=last).rev() {
        let own = own::<H>(rank_key(key, rank), rank, end);
        match above.iter().copied().filter(|&bucket| bucket < end).max() {
            Some(newest) if newest >= own => end = newest,
            _ => return Some(own),
        }
    }
    None
}

/// The key of a rank's own hash.
#[inline(always)]
pub(crate) const fn rank_key(key: KeyHash, rank: u32) -> KeyHash {
    if rank == 0 {
        return key;
    }
    let word = key.0 ^ (rank as u64).wrapping_mul(GAMMA);
    KeyHash(fold(word, 0xe703_7ed1_a0b4_28db))
}

/// The last bucket below `end` at which a rank fired, given the rank's key. If `end` does not
/// exceed the rank, so that there is none, some number that is not less than `end`.
#[inline(always)]
fn own<H: BucketHash>(rank_key: KeyHash, rank: u32, end: u32) -> u32 {
    let buckets = end.saturating_sub(rank).max(1);
    H::bucket(rank_key, buckets)
        .unwrap_or(0)
        .saturating_add(rank)
}
