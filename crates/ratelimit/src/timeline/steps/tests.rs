//! Stepped timelines against plain division.

use super::{HORIZON, Steps};
use crate::error::ConfigError;
use crate::timeline::Timeline;
use core::time::Duration;
use proptest::prelude::*;
use purlin_core::time::Instant;

/// Numbers of all magnitudes up to 2^57, and those at the edges of powers of two.
fn up_to_horizon() -> impl Strategy<Value = u64> {
    prop_oneof![
        (0_u32..=57, any::<u64>()).prop_map(|(bits, number)| (number >> 7) >> (57 - bits)),
        (0_u32..=57, 0_u64..3).prop_map(|(bits, off)| (1_u64 << bits).saturating_sub(off)),
        (0_u32..57, 0_u64..3).prop_map(|(bits, off)| (1_u64 << bits) + off),
    ]
    .prop_map(|number| number.min(HORIZON))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// The reciprocal divides as division does, for every period and up to the horizon.
    #[test]
    fn a_stepped_timeline_counts_whole_periods(
        period in up_to_horizon().prop_map(|period| period.max(1)),
        elapsed in up_to_horizon(),
        near in 0_u64..3,
        origin in any::<u32>(),
    ) {
        let origin = Instant::from_nanos(origin.into());
        let scale = Steps::new(1, Duration::from_nanos(period), 1, origin);
        let scale = scale.expect("a step of one always fits");
        // As drawn, and about the nearest end of a period, where a wrong quotient would show.
        let end = (elapsed / period * period).saturating_sub(1) + near;
        for elapsed in [elapsed, end.min(HORIZON)] {
            let now = Instant::from_nanos(origin.as_nanos() + elapsed);
            prop_assert_eq!(scale.at(now), (elapsed / period, elapsed / period));
        }
    }

    /// The instant of a unit is the first one at which as many steps came.
    #[test]
    fn the_instant_of_a_unit_is_the_end_of_its_period(
        period in up_to_horizon().prop_map(|period| period.max(1)),
        step in 1_u64..=16,
        units in any::<u64>(),
    ) {
        let Ok(scale) = Steps::new(step, Duration::from_nanos(period), 0, Instant::default())
        else {
            return Ok(());
        };
        let units = units % (HORIZON / period * step + 1);
        let expected = units.div_ceil(step) * period;
        prop_assert_eq!(scale.instant(units), Some(Instant::from_nanos(expected)));
    }

    /// No configuration panics, and one that is accepted counts up to the horizon and the burst
    /// beyond without an overflow.
    #[test]
    fn any_step_is_accepted_or_refused(
        step in any::<u64>(),
        seconds in any::<u64>(),
        nanos in 0_u32..1_000_000_000,
        burst in any::<u64>(),
    ) {
        for period in [Duration::new(seconds, nanos), Duration::new(seconds >> 34, nanos)] {
            if let Ok(scale) = Steps::new(step, period, burst, Instant::default()) {
                let (last, _) = scale.at(Instant::from_nanos(u64::MAX));
                prop_assert_eq!(
                    u128::from(last),
                    u128::from(HORIZON) / period.as_nanos() * u128::from(step)
                );
                prop_assert!(last.checked_add(burst).is_some());
            }
        }
    }
}

/// By the names that they have in a quota.
#[test]
fn a_refusal_names_what_is_too_large() {
    let refused = |step, period| {
        let steps = Steps::new(step, Duration::from_nanos(period), 1, Instant::default());
        match steps.expect_err("a word cannot count that") {
            ConfigError::TooLarge { field, .. } => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(u64::MAX, 1), "count");
    assert_eq!(refused(1, HORIZON + 1), "period");
}
