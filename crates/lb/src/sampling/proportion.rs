//! Parts of a whole as fractions of 2^64, one multiplication each.

/// A whole, to take parts of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    shift: u32,
    /// 2^127 by the whole, once that is shifted to 64 significant bits.
    reciprocal: u64,
}

impl Whole {
    /// A sum of weights: 2^32 of 32 bits each stay below 2^64. `None` for zero.
    #[expect(clippy::cast_possible_truncation, reason = "held to 64 bits")]
    pub(crate) fn new(sum: u64) -> Option<Self> {
        let shift = sum.leading_zeros();
        let reciprocal = (1_u128 << 127).checked_div(u128::from(sum) << (shift % 64))?;
        Some(Self {
            shift,
            reciprocal: reciprocal.min(u128::from(u64::MAX)) as u64,
        })
    }

    /// `part` by the whole, as a fraction of 2^64: never too much, too little by less than 2^-62 of
    /// it and one; all of it is `u64::MAX` at most. `part` is not above the whole.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "held to 64 bits")]
    pub(crate) fn fraction(self, part: u64) -> u64 {
        let fraction = (u128::from(part << self.shift) * u128::from(self.reciprocal)) >> 63;
        fraction.min(u128::from(u64::MAX)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_no_parts() {
        assert!(Whole::new(0).is_none());
    }

    proptest! {
        #[test]
        fn is_the_quotient(sum in (0_u32..64).prop_flat_map(|bits| 1_u64..=u64::MAX >> bits), at: u64) {
            let part = at % sum;
            let exact = (u128::from(part) << 64) / u128::from(sum);
            let fraction = u128::from(Whole::new(sum).unwrap().fraction(part));
            prop_assert!(fraction <= exact);
            prop_assert!(exact - fraction <= (exact >> 62) + 1, "{} for {}", fraction, exact);
        }
    }
}
