//! What servers say of themselves.

use super::NOW;
use core::time::Duration;
use proptest::prelude::*;
use purlin_lb::Instant;
use purlin_lb::policy::ServerLoad;

proptest! {
    /// Up to 8 requests in flight each number is by itself: a list of all that ended says the same.
    #[test]
    fn it_is_the_median_of_the_last_nine_with_as_many_in_flight(
        steps in prop::collection::vec((0..3_u8, 0..8_usize, 0..1_000_u64), 0..300),
    ) {
        let load = ServerLoad::new();
        let mut serving = Vec::new();
        let mut ended: Vec<(usize, u128)> = Vec::new();
        let mut now = NOW;
        for (step, which, millis) in steps {
            now += Duration::from_millis(millis);
            if step == 0 && serving.len() < 8 {
                serving.push((serving.len(), now, load.begin_at(now)));
            } else if !serving.is_empty() {
                let at = which % serving.len();
                let (rif, since, token) = serving.remove(at);
                if step == 1 {
                    load.cancel(token);
                } else {
                    load.end_at(token, now);
                    ended.push((rif, (now - since).as_millis()));
                }
            }
            let (rif, latency) = load.get();
            prop_assert_eq!(rif as usize, serving.len());
            // Of levels that are as near, either.
            let near = ended.iter().map(|(level, _)| level.abs_diff(serving.len())).min();
            let expected: Vec<u128> = [serving.len().wrapping_sub(near.unwrap_or(0)), serving.len() + near.unwrap_or(0)]
                .iter()
                .filter_map(|level| {
                    let mut of: Vec<u128> = ended.iter().rev().filter(|(other, _)| other == level).take(9).map(|(_, millis)| *millis).collect();
                    of.sort_unstable();
                    of.get(of.len() / 2).copied()
                })
                .collect();
            if expected.is_empty() {
                prop_assert_eq!(latency, Duration::ZERO);
            } else {
                prop_assert!(expected.contains(&latency.as_millis()), "{:?} {:?}", expected, latency);
            }
        }
    }
}

/// Where a request takes a millisecond for each that is there already, that is what is said, to
/// within a quarter.
#[test]
fn it_follows_what_is_in_flight_now() {
    let load = ServerLoad::new();
    let mut there = Vec::new();
    let millis = |millis: usize| Duration::from_millis(millis as u64);
    for level in 0..2_000 {
        for _ in 0..9 {
            let token = load.begin_at(NOW);
            load.end_at(token, NOW + millis(level));
        }
        there.push(load.begin_at(NOW));
    }
    while let Some(token) = there.pop() {
        load.cancel(token);
        let level = there.len();
        let (rif, said) = load.get();
        assert_eq!(rif as usize, level);
        assert!(
            said >= millis(level) * 3 / 4 && said <= millis(level) * 5 / 4,
            "{level}: {said:?}"
        );
    }
}

#[test]
fn a_clock_that_goes_back_makes_a_latency_of_none() {
    let load = ServerLoad::new();
    let token = load.begin_at(NOW);
    load.end_at(token, Instant::ORIGIN);
    assert_eq!(load.get(), (0, Duration::ZERO));
}
