//! What is known of an entry, in a byte.

use crate::policy::Slot;

/// Hits since the queue last looked at it.
pub(super) const HITS: u8 = 0b0000_0011;
/// Whether it is in the main queue.
pub(super) const MAIN: u8 = 0b0000_0100;
/// Whether its frequency is that of odd or even generations.
pub(super) const ODD: u8 = 0b0000_1000;
/// How often it was asked for.
pub(super) const FREQUENCY: u8 = 0b1111_0000;
pub(super) const FREQUENCY_SHIFT: u32 = 4;
pub(super) const MOST_FREQUENT: u8 = 15;

/// What a byte is in this generation: in the one after its own, its frequency is half of what it was.
#[inline]
pub(super) fn current(byte: u8, generation: u8) -> u8 {
    if byte & ODD == generation {
        return byte;
    }
    let halved = byte >> 1 & FREQUENCY >> 1 & FREQUENCY;
    byte & (HITS | MAIN) | generation | halved
}

/// The byte of an entry that was hit, when the hand passes it: one hit becomes frequency.
#[inline]
pub(super) fn after_a_hit(byte: u8) -> u8 {
    let frequency = ((byte >> FREQUENCY_SHIFT) + 1).min(MOST_FREQUENT);
    ((byte & !FREQUENCY) - 1) | (frequency << FREQUENCY_SHIFT)
}

/// What an entry has to put into a fight.
#[inline]
pub(super) fn strength(byte: u8) -> u8 {
    (byte >> FREQUENCY_SHIFT) + (byte & HITS)
}

/// A slot and its strength, by which they are ordered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ranked(u64);

impl Ranked {
    /// Stronger than all.
    pub(super) const NOBODY: Self = Self(u64::MAX);

    #[inline]
    pub(super) fn new(slot: Slot, byte: u8) -> Self {
        Self(u64::from(strength(byte)) << 32 | u64::from(slot.0))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lower half is the slot"
    )]
    pub(super) fn slot(self) -> Option<Slot> {
        (self != Self::NOBODY).then_some(Slot(self.0 as u32))
    }
}
