//! An index and some counts in one integer.

use crate::algorithm::gcra::Width;
use core::ops::{Add, BitAnd, BitOr, Shl, Shr, Sub};

/// An integer to pack into.
pub(crate) trait Word:
    Width
    + Copy
    + Default
    + Ord
    + From<u64>
    + Into<u128>
    + TryFrom<u128>
    + Add<Output = Self>
    + Sub<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    const BITS: u32;

    /// Its lower 64 bits.
    fn low(self) -> u64;
}

impl Word for u64 {
    const BITS: u32 = Self::BITS;

    #[inline]
    fn low(self) -> u64 {
        self
    }
}

impl Word for u128 {
    const BITS: u32 = Self::BITS;

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the lower bits are wanted")]
    fn low(self) -> u64 {
        self as u64
    }
}

/// `[index | newest count | .. | oldest count]`. The index is highest, so that a word grows with time
/// and with every count; the oldest count is lowest, so that ageing is one shift.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// Of one count.
    bits: u32,
    /// Of all counts but the oldest.
    newer: u32,
}

impl Layout {
    /// For an index up to `last` and that many counts, of which each gets as much room as there is.
    /// `None` where there is none.
    pub(super) fn new<W: Word>(last: u64, counts: u32) -> Option<Self> {
        let index = (u64::BITS - last.leading_zeros()).max(1);
        let bits = ((W::BITS - index) / counts).min(u64::BITS);
        let newer = bits * (counts - 1);
        (bits > 0).then_some(Self { bits, newer })
    }

    /// The greatest count.
    pub(super) const fn max(&self) -> u64 {
        u64::MAX >> (u64::BITS - self.bits)
    }

    #[inline]
    pub(super) fn unpack<W: Word>(&self, word: W) -> (u64, W) {
        let index = word >> (self.newer + self.bits);
        (index.low(), word - (index << (self.newer + self.bits)))
    }

    #[inline]
    pub(super) fn pack<W: Word>(&self, index: u64, counts: W) -> W {
        (W::from(index) << (self.newer + self.bits)) | counts
    }

    /// The counts as they are that many sub-windows later.
    #[inline]
    pub(super) fn aged<W: Word>(&self, counts: W, by: u64) -> W {
        match u32::try_from(by)
            .ok()
            .and_then(|by| by.checked_mul(self.bits))
        {
            Some(shift) if shift <= self.newer => counts >> shift,
            _ => W::default(),
        }
    }

    /// The oldest count, and the sum of the others.
    #[inline]
    pub(super) fn weigh<W: Word>(&self, counts: W) -> (u64, u64) {
        let (mut newer, mut shift) = (0, self.newer);
        while shift > 0 {
            newer += self.read(counts, shift);
            shift -= self.bits;
        }
        (self.read(counts, 0), newer)
    }

    /// The count of the sub-window that many before the newest; zero where that is not counted.
    pub(super) fn count<W: Word>(&self, counts: W, before: u64) -> u64 {
        self.shift(before)
            .map_or(0, |shift| self.read(counts, shift))
    }

    /// That many more in the newest.
    #[inline]
    pub(super) fn add<W: Word>(&self, counts: W, count: u64) -> W {
        counts + (W::from(count) << self.newer)
    }

    /// Up to that many fewer in the sub-window that many before the newest, and how many.
    pub(super) fn take<W: Word>(&self, counts: W, before: u64, count: u64) -> (W, u64) {
        let Some(shift) = self.shift(before) else {
            return (counts, 0);
        };
        let taken = self.read(counts, shift).min(count);
        (counts - (W::from(taken) << shift), taken)
    }

    /// Counts from those of each sub-window, by how many before the newest it is.
    pub(super) fn gather<W: Word>(&self, mut count: impl FnMut(u64) -> u64) -> W {
        let (mut counts, mut before) = (W::default(), 0);
        while let Some(shift) = self.shift(before) {
            let count = count(before).min(self.max());
            counts = counts | (W::from(count) << shift);
            before += 1;
        }
        counts
    }

    #[inline]
    fn read<W: Word>(&self, counts: W, shift: u32) -> u64 {
        (counts >> shift).low() & self.max()
    }

    fn shift(&self, before: u64) -> Option<u32> {
        let below = u32::try_from(before).ok()?.checked_mul(self.bits)?;
        self.newer.checked_sub(below)
    }
}
