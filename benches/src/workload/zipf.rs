//! Zipf-distributed keys by rejection-inversion.

use purlin_core::random::{Random, RandomExt};

use super::{Keys, WorkloadError, require};

/// Keys whose popularity falls with a power of their rank: key `k` of `0..items` has a probability
/// proportional to `(k + 1)^-exponent`.
///
/// Exponent 0 is uniform; web and cache traffic is mostly found between 0.6 and 1.2. Sampling is
/// **exact** for every exponent, 1 included, by rejection-inversion: the discrete distribution is
/// covered by a continuous one whose integral can be inverted, and on average fewer than 1.3 draws
/// are needed. No table: O(1) time to set up and to draw, 56 bytes.
///
/// Source: W. Hörmann and G. Derflinger, "Rejection-inversion to generate variates from monotone
/// discrete distributions", ACM TOMACS 6(3), 1996.
///
/// # Examples
///
/// ```
/// use purlin_benches::workload::{Keys, Zipf};
/// use purlin_core::random::SplitMix64;
///
/// let mut keys = Zipf::new(1_000_000, 1.0, SplitMix64::new(1))?;
/// let first = keys.take_keys(100_000).into_iter().filter(|key| *key == 0).count();
/// // 1 / H(1,000,000) = 6.95 %
/// assert!((6_600..7_300).contains(&first));
/// # Ok::<(), purlin_benches::workload::WorkloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Zipf<R> {
    items: f64,
    exponent: f64,
    /// The integral of the hat over rank 1, whose left half is cut to its share: from here ...
    integral_first: f64,
    /// ... to here every rank has its interval.
    integral_last: f64,
    /// Below this distance from its rank a draw is accepted without computing anything.
    shortcut: f64,
    random: R,
}

/// Above it not every rank has a floating-point number of its own.
const ITEMS_MAX: u64 = 1 << 52;

impl<R: Random> Zipf<R> {
    /// Keys of `0..items`, the most popular first.
    ///
    /// # Errors
    ///
    /// When `items` is not in `1..=2^52`, or `exponent` is negative or not finite.
    pub fn new(items: u64, exponent: f64, random: R) -> Result<Self, WorkloadError> {
        require(
            (1..=ITEMS_MAX).contains(&items),
            "zipf",
            "items",
            "from 1 to 2^52",
            items,
        )?;
        require(
            exponent.is_finite() && exponent >= 0.0,
            "zipf",
            "exponent",
            "at least 0 and finite",
            exponent,
        )?;
        let items = items as f64;
        Ok(Self {
            items,
            exponent,
            integral_first: integral(1.5, exponent) - 1.0,
            integral_last: integral(items + 0.5, exponent),
            shortcut: 2.0 - inverse(integral(2.5, exponent) - density(2.0, exponent), exponent),
            random,
        })
    }
}

impl<R: Random> Keys for Zipf<R> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank from 1 to 2^52"
    )]
    fn next_key(&mut self) -> u64 {
        loop {
            let area =
                self.integral_last + self.random.f64() * (self.integral_first - self.integral_last);
            let point = inverse(area, self.exponent);
            let rank = libm::round(point).clamp(1.0, self.items);
            let accepted = rank - point <= self.shortcut
                || area >= integral(rank + 0.5, self.exponent) - density(rank, self.exponent);
            if accepted {
                return rank as u64 - 1;
            }
        }
    }
}

/// h(x) = x^-s, the density of the hat.
fn density(x: f64, exponent: f64) -> f64 {
    libm::exp(-exponent * libm::log(x))
}

/// H(x), the integral of the density from 1 to x: (x^(1-s) - 1) / (1-s), and ln x at s = 1, without
/// a step between the two.
fn integral(x: f64, exponent: f64) -> f64 {
    let log = libm::log(x);
    exp_m1_over((1.0 - exponent) * log) * log
}

/// The inverse of H.
fn inverse(area: f64, exponent: f64) -> f64 {
    // Rounding may carry the argument of the logarithm below its domain.
    let scaled = (area * (1.0 - exponent)).max(-1.0);
    libm::exp(log_1p_over(scaled) * area)
}

/// (e^x - 1) / x, continued to x = 0 by its series.
fn exp_m1_over(x: f64) -> f64 {
    if x.abs() > 1e-8 {
        libm::expm1(x) / x
    } else {
        1.0 + x / 2.0
    }
}

/// ln(1 + x) / x, continued to x = 0 by its series.
fn log_1p_over(x: f64) -> f64 {
    if x.abs() > 1e-8 {
        libm::log1p(x) / x
    } else {
        1.0 - x / 2.0
    }
}

#[cfg(test)]
mod tests {
    use purlin_core::random::Xoshiro256PlusPlus;

    use super::*;
    use crate::workload::statistics::assert_fits;

    fn zipf(items: u64, exponent: f64) -> Zipf<Xoshiro256PlusPlus> {
        Zipf::new(items, exponent, Xoshiro256PlusPlus::from_seed(7)).expect("in range")
    }

    #[test]
    fn every_exponent_fits_its_probabilities() {
        for exponent in [0.0, 0.3, 0.99, 1.0 - 1e-12, 1.0, 1.0 + 1e-7, 1.2, 2.0, 6.0] {
            let weight = |rank: u64| ((rank + 1) as f64).powf(-exponent);
            let total: f64 = (0..200).map(weight).sum();
            let keys = zipf(200, exponent).take_keys(200_000);
            assert_fits(&keys, |rank| weight(rank) / total, 200);
        }
    }

    #[test]
    fn a_large_population_reaches_from_end_to_end() {
        let keys = zipf(ITEMS_MAX, 0.5).take_keys(10_000);
        assert!(keys.iter().all(|key| *key < ITEMS_MAX));
        // P(rank > n/2) = 1 - sqrt(1/2) at exponent 1/2.
        let upper = keys.iter().filter(|key| **key > ITEMS_MAX / 2).count() as f64 / 10_000.0;
        assert!((upper - 0.293).abs() < 0.03, "{upper}");
    }

    #[test]
    fn few_draws_are_rejected() {
        /// Counts what is drawn.
        struct Counted<'a>(Xoshiro256PlusPlus, &'a mut u32);
        impl Random for Counted<'_> {
            fn next_u64(&mut self) -> u64 {
                *self.1 += 1;
                self.0.next_u64()
            }
        }
        for (items, exponent) in [
            (2, 1.0),
            (10, 0.5),
            (1_000, 1.0),
            (1 << 40, 0.9),
            (1_000, 1.5),
            (1_000, 3.0),
        ] {
            let mut drawn = 0;
            let counted = Counted(Xoshiro256PlusPlus::from_seed(3), &mut drawn);
            Zipf::new(items, exponent, counted)
                .expect("in range")
                .take_keys(10_000);
            assert!(
                drawn < 13_000,
                "{drawn} draws for 10,000 keys of {items}, exponent {exponent}"
            );
        }
    }

    #[test]
    fn one_item_is_always_it() {
        assert_eq!(zipf(1, 1.0).take_keys(5), [0; 5]);
        assert_eq!(zipf(1_000, 500.0).take_keys(5), [0; 5]);
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let refused =
            |items, exponent| Zipf::new(items, exponent, Xoshiro256PlusPlus::from_seed(1)).is_err();
        assert!(refused(0, 1.0) && refused(ITEMS_MAX + 1, 1.0));
        assert!(refused(10, -0.1) && refused(10, f64::NAN) && refused(10, f64::INFINITY));
    }
}
