//! Shares of a limit, against a model of two rules: room in the whole, or in the share.

use proptest::prelude::*;
use purlin_ratelimit::concurrency::{ConcurrencyLimiter, Fixed, PartitionedLimiter};
use purlin_ratelimit::{ConfigError, ManualClock};

const SHARES: [(&str, u32); 3] = [("batch", 15), ("live", 60), ("probe", 1)];
/// The last has no share.
const NAMES: [&str; 4] = ["batch", "live", "probe", "unknown"];

fn partitioned(limit: u32) -> PartitionedLimiter<Fixed, ManualClock> {
    let fixed = Fixed::new(limit).expect("a limit");
    let whole = ConcurrencyLimiter::with_clock(fixed, ManualClock::new());
    PartitionedLimiter::new(whole, SHARES).expect("at most a whole")
}

proptest! {
    #[test]
    fn agrees_with_the_two_rules(
        mut limit in 1..30_u32,
        steps in prop::collection::vec((0..4_usize, 0..8_u32, 1..30_u32), 1..100),
    ) {
        let limiter = partitioned(limit);
        let mut held: [Vec<_>; 4] = Default::default();
        for (of, what, new_limit) in steps {
            match what {
                0 => {
                    limit = new_limit;
                    limiter.whole().set_limit(limit).expect("a limit");
                }
                1 | 2 => drop(held[of].pop()),
                _ => {
                    let total: usize = held.iter().map(Vec::len).sum();
                    let percent = SHARES.get(of).map_or(0, |(_, percent)| *percent);
                    let share = (f64::from(limit) * f64::from(percent) / 100.0).ceil();
                    let has_room = total < limit as usize || (held[of].len() as f64) < share;
                    let permit = limiter.try_acquire(NAMES[of]);
                    prop_assert_eq!(permit.is_ok(), has_room);
                    held[of].extend(permit);
                }
            }
            for (name, held) in NAMES.iter().zip(&held) {
                prop_assert_eq!(limiter.in_flight(name) as usize, held.len());
            }
            let total: usize = held.iter().map(Vec::len).sum();
            prop_assert_eq!(limiter.whole().in_flight() as usize, total);
        }
        drop(held);
        prop_assert_eq!(limiter.whole().in_flight(), 0);
    }
}

#[test]
fn shares_follow_the_limit() {
    let limiter = partitioned(10);
    let shares = || NAMES.map(|name| limiter.share(name));
    assert_eq!(shares(), [Some(2), Some(6), Some(1), None]);
    limiter.whole().set_limit(1000).expect("a limit");
    assert_eq!(shares(), [Some(150), Some(600), Some(10), None]);
}

#[test]
fn bad_shares_are_refused_by_name() {
    let build = |shares: &[(&str, u32)]| {
        let whole = ConcurrencyLimiter::new(Fixed::new(1).expect("a limit"));
        PartitionedLimiter::new(whole, shares.iter().copied()).err()
    };
    let zero = |field| Some(ConfigError::Zero { field });
    assert_eq!(build(&[]), zero("number of partitions"));
    assert_eq!(build(&[("a", 50), ("b", 0)]), zero("percent"));
    let too_large = |value| ConfigError::TooLarge {
        field: "sum of percents",
        value,
        max: 100,
    };
    assert_eq!(build(&[("a", 50), ("b", 51)]), Some(too_large(101)));
    let huge = u128::from(u32::MAX);
    assert_eq!(
        build(&[("a", 1), ("b", u32::MAX)]),
        Some(too_large(huge + 1))
    );
    let twice = build(&[("a", 1), ("a", 1)]).expect("a name twice");
    assert_eq!(twice.to_string(), "partition name must be unique");
    assert_eq!(build(&[("a", 50), ("b", 50)]), None);
}
