//! How much a node may have.

use purlin_core::node::Weight;

/// The bound on every node's load: `factor` times its share, by weight, of what is in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    /// The factor in percent, at least 100.
    pub(super) percent: u32,
    pub(super) total_weight: u64,
}

impl Bound {
    /// The most a node may have: ceil(percent / 100 * in_flight * weight / total_weight), or
    /// `usize::MAX` where that is less. `in_flight` counts the assignment that is being made.
    pub(super) fn capacity(self, weight: Weight, in_flight: usize) -> usize {
        let capacity = match self.parts() {
            0 => 0,
            parts => self.claim(weight, in_flight).div_ceil(parts),
        };
        usize::try_from(capacity).unwrap_or(usize::MAX)
    }

    /// Whether a node that has `load` may have one more: `load < capacity`.
    ///
    /// For a whole number that is the same as being below the capacity before it is rounded up, and
    /// that takes no division of 128-bit numbers.
    #[inline]
    pub(super) fn has_room(self, load: usize, weight: Weight, in_flight: usize) -> bool {
        // Saturates only above every claim.
        (load as u128).saturating_mul(self.parts()) < self.claim(weight, in_flight)
    }

    /// Below 2^128, as its factors are below 2^32, 2^64 and 2^32.
    fn claim(self, weight: Weight, in_flight: usize) -> u128 {
        u128::from(self.percent) * in_flight as u128 * u128::from(weight.get())
    }

    fn parts(self) -> u128 {
        100 * u128::from(self.total_weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, by counting up.
    fn by_hand(percent: u64, in_flight: u64, weight: u64, total: u64) -> usize {
        let mut capacity = 0;
        while capacity * 100 * total < percent * in_flight * weight {
            capacity += 1;
        }
        usize::try_from(capacity).expect("small")
    }

    proptest::proptest! {
        #[test]
        fn both_forms_are_the_definition(
            percent in 100_u32..400, in_flight in 1_usize..60, weight in 0_u32..20, others in 0_u64..100,
        ) {
            let total_weight = u64::from(weight) + others + 1;
            let bound = Bound { percent, total_weight };
            let expected = by_hand(percent.into(), in_flight as u64, weight.into(), total_weight);
            let weight = Weight::new(weight);
            assert_eq!(bound.capacity(weight, in_flight), expected);
            for load in 0..=expected + 1 {
                assert_eq!(bound.has_room(load, weight, in_flight), load < expected);
            }
        }
    }

    /// Where the products need all of 128 bits, or more.
    #[test]
    fn both_forms_agree_at_the_ends() {
        let largest = usize::MAX;
        for (percent, total_weight) in [(100, u64::MAX), (u32::MAX, u64::MAX), (u32::MAX, 1)] {
            let bound = Bound {
                percent,
                total_weight,
            };
            for weight in [Weight::new(0), Weight::ONE, Weight::MAX] {
                for in_flight in [1, largest - 1, largest] {
                    let capacity = bound.capacity(weight, in_flight);
                    for load in [0, 1, capacity.saturating_sub(1), capacity, largest - 1] {
                        // A load of `usize::MAX` there cannot be.
                        let load = load.min(largest - 1);
                        let room = bound.has_room(load, weight, in_flight);
                        assert_eq!(
                            room,
                            load < capacity,
                            "{bound:?} {weight} {in_flight} {load}"
                        );
                    }
                }
            }
        }
    }
}
