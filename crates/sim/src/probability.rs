use core::fmt;
use purlin_core::random::{Random, RandomExt};

/// A probability in parts per million.
///
/// An integer, so that a schedule prints and parses without rounding and a seed means the same on
/// every platform.
///
/// ```
/// use purlin_sim::Probability;
///
/// assert_eq!(Probability::percent(5), Probability::ppm(50_000));
/// assert_eq!(Probability::ppm(2_500).to_string(), "0.25%");
/// assert_eq!(Probability::percent(250), Probability::ALWAYS);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probability(u32);

impl Probability {
    /// Impossible.
    pub const NEVER: Self = Self(0);
    /// Certain.
    pub const ALWAYS: Self = Self(1_000_000);

    /// This many in a hundred; more than 100 is [`ALWAYS`](Self::ALWAYS).
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        Self::ppm(percent.saturating_mul(10_000))
    }

    /// This many in a million; more than a million is [`ALWAYS`](Self::ALWAYS).
    #[must_use]
    pub const fn ppm(ppm: u32) -> Self {
        if ppm > 1_000_000 {
            Self::ALWAYS
        } else {
            Self(ppm)
        }
    }

    /// Parts per million, at most a million.
    #[must_use]
    pub const fn as_ppm(self) -> u32 {
        self.0
    }

    /// That of either of two independent events.
    pub(crate) fn or(self, other: Self) -> Self {
        let neither = u64::from(1_000_000 - self.0) * u64::from(1_000_000 - other.0) / 1_000_000;
        Self(1_000_000 - u32::try_from(neither).unwrap_or(1_000_000))
    }

    /// Draws: true with this probability. Impossible and certain events draw nothing.
    pub(crate) fn happens(self, random: &mut impl Random) -> bool {
        match self {
            Self::NEVER => false,
            Self::ALWAYS => true,
            Self(ppm) => random.below(1_000_000) < u64::from(ppm),
        }
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            write!(f, "{whole}%")
        } else {
            let rest = format!("{rest:04}");
            write!(f, "{whole}.{}%", rest.trim_end_matches('0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Probability;
    use purlin_core::random::SplitMix64;

    #[test]
    fn probabilities_combine_and_happen_as_often_as_they_say() {
        let mut random = SplitMix64::new(2);
        let hits = (0..100_000)
            .filter(|_| Probability::percent(20).happens(&mut random))
            .count();
        assert!((19_500..20_500).contains(&hits));
        assert_eq!(
            Probability::percent(50).or(Probability::percent(50)),
            Probability::percent(75)
        );
        assert_eq!(
            Probability::ALWAYS.or(Probability::NEVER),
            Probability::ALWAYS
        );
    }
}
