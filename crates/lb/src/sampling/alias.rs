//! Walker's alias method: a draw by weight from one word and one slot of a table.

use super::proportion::Whole;
use crate::pool::Pool;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Positions, each drawn as often as its weight asks.
///
/// Every position has a slot as wide as all others. A light one fills its slot in part and lends the
/// rest to a heavy one, its alias. So a draw is one multiplication and 8 bytes of memory, whatever
/// the weights; where all are equal there is no table at all. A clone shares it.
///
/// A. J. Walker, "An efficient method for generating discrete random variables with general
/// distributions", ACM TOMS 3(3), 1977; filled in one sweep without work lists as in
/// Hübschle-Schneider and Sanders, "Parallel weighted random sampling", ACM TOMS 48(3), 2022.
#[derive(Clone, Debug, Default)]
pub(crate) struct AliasTable {
    len: usize,
    /// None where all weights are equal.
    slots: Arc<[Slot]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The position's own part of the slot, of 2^32.
    threshold: u32,
    /// Whose the rest is.
    alias: u32,
}

impl AliasTable {
    /// By the weights of a pool, whether its endpoints are open or not. O(endpoints).
    pub(crate) fn of(pool: Pool<'_>) -> Self {
        let weights = (0..pool.len()).map(|position| pool.weight(position).get());
        Self::new(&weights.collect::<Vec<_>>())
    }

    /// A position below the number of weights, from a random word; 0 if there are none. One of
    /// weight 0 is never drawn, unless all are.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the upper half is below len, the lower is meant to be cut"
    )]
    pub(crate) fn draw(&self, word: u64) -> usize {
        let place = u128::from(word) * self.len as u128;
        let (slot, within) = ((place >> 64) as usize, (place as u64 >> 32) as u32);
        match self.slots.get(slot) {
            Some(lent) if within >= lent.threshold => lent.alias as usize,
            _ => slot,
        }
    }

    fn new(weights: &[u32]) -> Self {
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let equal = weights.windows(2).all(|pair| pair[0] == pair[1]);
        let slots = match Whole::new(total) {
            Some(total_of) if !equal => filled(weights, total, total_of),
            _ => Vec::new(),
        };
        Self {
            len: weights.len(),
            slots: slots.into(),
        }
    }
}

/// In units of 1 / (positions * total), in which a weight is `weight * positions`, a slot `total`
/// wide, and everything exact but the thresholds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "positions have 32 bits, thresholds are cut to 32"
)]
fn filled(weights: &[u32], total: u64, total_of: Whole) -> Vec<Slot> {
    let width = |position: usize| u64::from(weights[position]) * weights.len() as u64;
    let threshold = |part: u64| {
        let fraction = (total_of.fraction(part) >> 32) as u32;
        fraction.max(u32::from(part > 0))
    };
    // Whoever is not written to has a slot to itself.
    let mut slots: Vec<Slot> = (0..weights.len())
        .map(|position| Slot {
            threshold: u32::MAX,
            alias: position as u32,
        })
        .collect();
    let mut light = (0..weights.len()).filter(|position| width(*position) < total);
    let mut heavy = (0..weights.len()).filter(|position| width(*position) >= total);
    let Some(mut lender) = heavy.next() else {
        return slots;
    };
    // What of the lender is in no slot yet. The lights it fills up are whole at once; when less than
    // a slot is left of it, it is light itself, and the next heavy one fills it up.
    let mut rest = width(lender);
    loop {
        let (filled, part) = if rest >= total {
            let Some(next) = light.next() else {
                return slots;
            };
            let part = width(next);
            rest -= total - part;
            (next, part)
        } else {
            let (Some(next), former) = (heavy.next(), lender) else {
                return slots;
            };
            let part = rest;
            (lender, rest) = (next, width(next) - (total - part));
            (former, part)
        };
        slots[filled] = Slot {
            threshold: threshold(part),
            alias: lender as u32,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What each position gets of all words, in units of 2^-32 of a slot.
    fn shares(table: &AliasTable) -> Vec<u64> {
        let mut shares = alloc::vec![0; table.len];
        for (position, slot) in table.slots.iter().enumerate() {
            shares[position] += u64::from(slot.threshold);
            shares[slot.alias as usize] += (1 << 32) - u64::from(slot.threshold);
        }
        shares
    }

    #[test]
    fn no_table_for_equal_weights() {
        for weights in [&[][..], &[7], &[3, 3, 3], &[0, 0], &[u32::MAX; 5]] {
            assert!(AliasTable::new(weights).slots.is_empty(), "{weights:?}");
        }
        assert_eq!(AliasTable::default().draw(u64::MAX), 0);
        assert_eq!(AliasTable::new(&[3, 3, 3]).draw(u64::MAX), 2);
    }

    #[test]
    fn a_draw_goes_by_the_slot_it_falls_in() {
        // Slots of 1/2: the first is a quarter 0 and three quarters 1.
        let table = AliasTable::new(&[1, 7]);
        let draws = [0, 0x1fff, 0x2001, 0x7fff, 0x8000, 0xffff];
        let drawn = draws.map(|word: u64| table.draw(word << 48));
        assert_eq!(drawn, [0, 0, 1, 1, 1, 1]);
    }

    proptest! {
        #[test]
        fn shares_are_the_weights(
            weights in proptest::collection::vec(prop_oneof![
                0_u32..4, 0_u32..1_000, Just(u32::MAX), any::<u32>(),
            ], 1..80),
        ) {
            let table = AliasTable::new(&weights);
            let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
            if !table.slots.is_empty() {
                let shares = shares(&table);
                for (position, weight) in weights.iter().enumerate() {
                    let all = (weights.len() as u128) << 32;
                    let exact = all * u128::from(*weight) / u128::from(total);
                    let off = exact.abs_diff(u128::from(shares[position]));
                    // A rounding for each slot that it has a part in.
                    prop_assert!(off <= 2 * weights.len() as u128, "{}: {}", position, off);
                    prop_assert_eq!(*weight == 0, shares[position] == 0);
                }
            }
        }
    }
}
