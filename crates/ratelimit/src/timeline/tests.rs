//! Timelines against rational arithmetic.

use super::{Even as _, HORIZON, Scale, Steps, Timeline as _, WideScale};
use crate::quota::Quota;
use core::time::Duration;
use proptest::prelude::*;
use purlin_core::time::Instant;

/// A quota of any size that a word may hold.
fn quotas() -> impl Strategy<Value = Quota> {
    let number = |bits: u32| (1..=bits).prop_flat_map(|bits| 1..=(u64::MAX >> (64 - bits)));
    (number(40), number(50), number(40)).prop_map(|(count, period, burst)| {
        let quota = Quota::new(count, Duration::from_nanos(period)).unwrap();
        quota.with_burst(burst).unwrap()
    })
}

/// Instants near the origin, near the horizon and between.
fn instants() -> impl Strategy<Value = u64> {
    (0_u32..=57).prop_flat_map(|bits| 0..=(1_u64 << bits))
}

/// `a * b` compared with `c * d`, of numbers up to 2^128 and 2^64: in 64-bit digits.
fn product(wide: u128, narrow: u64) -> (u128, u128) {
    let word = u128::from(u64::MAX);
    let low = (wide & word) * u128::from(narrow);
    let high = (wide >> 64) * u128::from(narrow) + (low >> 64);
    (high >> 64, (high << 64) | (low & word))
}

proptest! {
    /// An instant lies between its two units, and no unit is worth more than the rate allows.
    #[test]
    fn even_scales_bracket_the_rational_instant(quota in quotas(), nanos in instants()) {
        let Ok((scale, token, burst)) = Scale::even(&quota, Instant::default()) else {
            return Ok(());
        };
        let (n, p) = quota.reduced();
        let (floor, ceil) = scale.at(Instant::from_nanos(nanos));
        prop_assert_eq!(u128::from(burst), u128::from(token) * u128::from(quota.burst()));
        prop_assert!(floor.checked_add(burst).is_some());
        // Tokens until then are nanos * n / p, and units / token: never more.
        prop_assert!(product(u128::from(floor) * u128::from(p), 1)
            <= product(u128::from(nanos) * u128::from(n), token));
        if scale.is_exact() {
            prop_assert_eq!(floor, ceil);
            prop_assert_eq!(u128::from(floor), u128::from(nanos) * u128::from(n));
        } else {
            prop_assert_eq!(floor + 1, ceil);
            // A multiplier rounded down by up to 2^-63 costs less than two units in 2^64.
            prop_assert!(product((u128::from(ceil) + 2) * u128::from(p), 1)
                >= product(u128::from(nanos) * u128::from(n), token));
        }
    }

    /// The instant of a unit is the first that is not before it.
    #[test]
    fn an_instant_is_the_first_of_its_unit(quota in quotas(), nanos in instants()) {
        let Ok((scale, ..)) = Scale::even(&quota, Instant::from_nanos(17)) else {
            return Ok(());
        };
        let (floor, ceil) = scale.at(Instant::from_nanos(17 + nanos));
        for unit in [floor, ceil, floor.saturating_add(1 << 20)] {
            let Some(first) = scale.instant(unit).filter(|first| *first < scale.horizon()) else {
                continue;
            };
            prop_assert!(scale.at(first).0 >= unit);
            if first.as_nanos() > 17 {
                let before = Instant::from_nanos(first.as_nanos() - 1);
                prop_assert!(scale.at(before).0 < unit);
            }
        }
    }

    /// Steps come at the ends of periods, and nowhere else.
    #[test]
    fn stepped_scales_count_whole_periods(
        period in (0_u32..=63).prop_flat_map(|bits| 1..=(1_u64 << bits)),
        step in 1..1000_u64,
        nanos in instants(),
    ) {
        let Ok(scale) = Steps::new(step, Duration::from_nanos(period), step, Instant::default())
        else {
            return Ok(());
        };
        for nanos in [nanos, nanos / period * period, (nanos / period * period).saturating_sub(1)] {
            let units = nanos.min(HORIZON) / period * step;
            prop_assert_eq!(scale.at(Instant::from_nanos(nanos)), (units, units));
            let first = units.div_ceil(step) * period;
            prop_assert_eq!(scale.instant(units), Some(Instant::from_nanos(first)));
        }
    }

    #[test]
    fn wide_scales_are_exact(quota in quotas(), nanos: u64) {
        let Ok((scale, token, burst)) = WideScale::even(&quota, Instant::default()) else {
            return Ok(());
        };
        let (n, p) = quota.reduced();
        prop_assert_eq!(token, u128::from(p));
        prop_assert_eq!(burst, token * u128::from(quota.burst()));
        let units = u128::from(nanos) * u128::from(n);
        prop_assert_eq!(scale.at(Instant::from_nanos(nanos)), (units, units));
        prop_assert_eq!(scale.instant(units), Some(Instant::from_nanos(nanos)));
    }

    /// Whatever the numbers: a timeline or an error.
    #[test]
    fn constructors_never_panic(count: u64, period: u64, burst: u64, origin: u64, now: u64) {
        let origin = Instant::from_nanos(origin);
        let quota = Quota::new(count, Duration::from_nanos(period))
            .and_then(|quota| quota.with_burst(burst));
        if let Ok(quota) = quota {
            if let Ok((scale, _, burst)) = Scale::even(&quota, origin) {
                let (floor, ceil) = scale.at(Instant::from_nanos(now));
                prop_assert!(floor <= ceil && floor.checked_add(burst).is_some());
            }
            if let Ok((scale, _, burst)) = WideScale::even(&quota, origin) {
                prop_assert!(scale.at(Instant::from_nanos(now)).0.checked_add(burst).is_some());
            }
        }
        let stepped = Steps::new(count, Duration::from_nanos(period.max(1)), burst, origin);
        if let Ok(scale) = stepped {
            prop_assert!(scale.at(Instant::from_nanos(now)).0.checked_add(burst).is_some());
        }
    }
}

#[test]
fn usual_rates_are_exact() {
    let exact = |count, period| {
        let quota = Quota::new(count, Duration::from_secs(period)).unwrap();
        let (scale, ..) = Scale::even(&quota, Instant::default()).unwrap();
        scale.is_exact()
    };
    for (count, period) in [(7, 1), (100, 1), (97, 60), (1, 86_400), (300_000_000, 1)] {
        assert!(exact(count, period), "{count} per {period} s");
    }
    for (count, period) in [(33_333, 1), (4_000_000_007, 60)] {
        assert!(!exact(count, period), "{count} per {period} s");
    }
}
