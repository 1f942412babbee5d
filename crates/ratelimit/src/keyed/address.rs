//! Where a key's entry may lie, and by what it is told from others.

use purlin_core::hash::KeyHash;

/// The tag of a slot that never was anybody's. The upper 48 bits of a key's tag are not zero.
pub(super) const EMPTY: u64 = 0;

const PLAN: u64 = 0xff;
const GENERATION: u64 = 0xff00;
const OWNER: u64 = !(PLAN | GENERATION);

/// The plan in a tag.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lowest byte")]
pub(super) const fn plan_of(tag: u64) -> u8 {
    tag as u8
}

/// The part of a tag that says whose it is.
#[inline]
pub(super) const fn owner_of(tag: u64) -> u64 {
    tag & OWNER
}

/// Whether it is the tag of an owner's entry under a plan.
#[inline]
pub(super) const fn is_of(tag: u64, owner: u64, plan: u8) -> bool {
    tag & !GENERATION == owner | plan as u64
}

/// The tag of a slot's next owner.
pub(super) const fn next_tag(last: u64, owner: u64, plan: u8) -> u64 {
    let generation = last.wrapping_add(PLAN + 1) & GENERATION;
    owner | generation | plan as u64
}

/// The places of a key in a table, by its hash.
///
/// The tag keeps the lower 48 bits of the hash, the primary bucket depends on the upper ones. Two
/// keys are taken for each other if they agree in 48 bits and share a bucket, which is rarer than
/// that two of `n` random hashes are the same, `n² / 2⁶⁵`, plus `n / 2⁴⁴`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    /// Of [`owner_of`].
    pub(super) owner: u64,
    pub(super) primary: usize,
    /// Random bits, to choose a line of a bucket, and a lock.
    pub(super) start: usize,
}

impl Address {
    /// In a table of so many buckets, which are at least one and at most 2³².
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "below `buckets`")]
    pub(super) fn new(hash: KeyHash, buckets: usize) -> Self {
        let KeyHash(hash) = hash;
        let owner = hash << 16;
        let owner = if owner == 0 { 1 << 16 } else { owner };
        // Lemire 2019: a product's upper half instead of a remainder.
        let primary = ((u128::from(hash) * buckets as u128) >> 64) as usize;
        let start = (hash >> 32) as usize;
        Self {
            owner,
            primary,
            start,
        }
    }

    /// The other bucket, in a table of so many.
    #[inline]
    pub(super) const fn alternate(&self, buckets: usize) -> usize {
        alternate(self.owner, self.primary, buckets)
    }
}

/// The other bucket of a key that is in `bucket` by its hash. Another one, if there is another.
#[inline]
pub(super) const fn alternate(owner: u64, bucket: usize, buckets: usize) -> usize {
    let random = (owner >> 16) & 0xffff_ffff;
    let step = 1 + ((random * (buckets as u64 - 1)) >> 32) as usize;
    let before_end = buckets - bucket;
    if step < before_end {
        bucket + step
    } else {
        // One bucket only: a step of one from it to itself.
        step - before_end
    }
}
