//! Least request.

use super::{NOW, cluster, counts, lease};
use core::time::Duration;
use proptest::prelude::*;
use purlin_lb::conformance::{self, Subject};
use purlin_lb::policy::{LeastRequest, Random};
use purlin_lb::{
    AnyBalancer, Balancer, Capabilities, Cluster, ConfigError, Health, Identity, Instant, Request,
};

fn sampled(seed: u64) -> LeastRequest {
    LeastRequest::seeded(seed).full_scan(0)
}

#[test]
fn is_what_it_promises() {
    let policies: [fn(u64) -> LeastRequest; 3] = [LeastRequest::seeded, sampled, |seed| {
        sampled(seed).choices(5).unwrap()
    }];
    for policy in policies {
        let subject = Subject::new(Capabilities::WEIGHTED, |seed| {
            AnyBalancer::new(policy(seed))
        });
        for seed in 0..20 {
            conformance::all(&subject, seed);
        }
    }
}

/// Two distinct choices of three never take the one that is fuller than both others; with choices
/// that could be the same twice they would, one time in nine.
#[test]
fn choices_are_distinct() {
    let cluster = cluster(sampled(3), 3, &[1]);
    let _busy = lease(&cluster, 1, NOW);
    let counts = counts(&cluster, 3, 10_000);
    // Eight draws in a row of the same endpoint are one choice.
    assert!(counts[1] < 12, "{counts:?}");
    assert!(counts[0].abs_diff(counts[2]) < 600, "{counts:?}");
}

/// The fullest of 10,000 bins after 10,000 balls: 6 to 8 if each is thrown at random, 3 to 4 if at the
/// better of two (Azar, Broder, Karlin and Upfal, "Balanced Allocations").
#[test]
fn the_fullest_of_ten_thousand() {
    fn fullest<P: Balancer>(policy: P) -> u32 {
        let cluster = cluster(policy, 10_000, &[1]);
        let pick = |_| cluster.pick_at(NOW, &Request::new());
        let leases: Vec<_> = (0..10_000).map(pick).collect();
        let snapshot = cluster.load();
        let fullest = snapshot.iter().map(|endpoint| endpoint.in_flight()).max();
        assert!(leases.iter().all(Result::is_ok));
        fullest.expect("there are some")
    }
    for seed in 0..5 {
        let random = fullest(Random::seeded(seed));
        let two = fullest(LeastRequest::seeded(seed));
        let eight = fullest(LeastRequest::seeded(seed).choices(8).unwrap());
        assert!((6..=9).contains(&random), "{random}");
        assert!((3..=4).contains(&two), "{two}");
        assert!(eight < two, "{eight}");
    }
}

#[test]
fn in_flight_is_by_weight_under_load() {
    for full_scan in [0, usize::MAX] {
        let weights = [1, 2, 5, 10];
        let policy = LeastRequest::seeded(7).full_scan(full_scan);
        let cluster = cluster(policy, 40, &weights);
        let leases: Vec<_> = (0..18_000)
            .map(|_| cluster.pick_at(NOW, &Request::new()).unwrap())
            .collect();
        for endpoint in cluster.load().iter() {
            // 100 requests for each unit of weight.
            let expected = 100.0 * f64::from(endpoint.weight().get());
            let found = f64::from(endpoint.in_flight());
            assert!((found / expected - 1.0).abs() < 0.15, "{endpoint:?}");
        }
        drop(leases);
    }
}

/// The oracle is the definition: nothing that could be taken is less loaded for its weight.
fn is_least(cluster: &Cluster<u64, LeastRequest>, chosen: u64) -> bool {
    let snapshot = cluster.load();
    let least = snapshot.find(chosen.id()).expect("a member");
    snapshot.iter().all(|other| {
        let ours = u64::from(least.in_flight()) * u64::from(other.weight().get());
        let theirs = u64::from(other.in_flight()) * u64::from(least.weight().get());
        !other.status().is_available() || other.weight().is_drain() || ours <= theirs
    })
}

proptest! {
    #[test]
    fn a_full_scan_finds_the_least(
        weights in proptest::collection::vec(prop_oneof![0_u32..5, Just(u32::MAX)], 1..12),
        seed: u64,
        closed in proptest::collection::vec(any::<bool>(), 12),
        held in 1_usize..60,
    ) {
        let len = weights.len() as u64;
        let cluster = cluster(LeastRequest::seeded(seed).full_scan(12), len, &weights);
        for (node, _) in (0..len).zip(&closed).filter(|(_, closed)| **closed) {
            cluster.drain(node.id()).expect("a member");
        }
        let mut leases = Vec::new();
        for _ in 0..held {
            let chosen = cluster.load().pick(&Request::new(), NOW).map(|found| *found.node());
            if let Ok(chosen) = chosen {
                prop_assert!(is_least(&cluster, chosen), "{} in {:?}", chosen, cluster);
            }
            leases.extend(cluster.pick_at(NOW, &Request::new()));
        }
        let open = weights.iter().zip(&closed).any(|(weight, closed)| *weight > 0 && !closed);
        prop_assert_eq!(leases.is_empty(), !open);
    }
}

/// One that fails at once never has anything in flight.
#[test]
fn what_fails_fast_draws_nothing() {
    for full_scan in [0, 8] {
        let cluster = cluster(LeastRequest::seeded(1).full_scan(full_scan), 4, &[1]);
        let mut failures = 0;
        let held: Vec<_> = (0..400)
            .filter_map(|_| {
                let lease = cluster.pick_at(NOW, &Request::new()).unwrap();
                if *lease.node() == 0 {
                    failures += 1;
                    lease.failure_at(NOW);
                    return None;
                }
                Some(lease)
            })
            .collect();
        assert_eq!((failures, held.len()), (5, 395));
        // After the penalty it is tried again, and avoided for twice as long.
        for (after, avoided) in [(999, true), (1_000, false), (2_999, true), (3_000, false)] {
            let now = NOW + Duration::from_millis(after);
            let chosen = *cluster.pick_at(now, &Request::new()).unwrap().node();
            assert!(chosen != 0 || !avoided, "after {after} ms");
            if !avoided {
                lease(&cluster, 0, now).failure_at(now);
            }
        }
        // The only one there is takes it all the same.
        for node in 1..4_u64 {
            cluster.drain(node.id()).unwrap();
        }
        assert_eq!(*cluster.pick_at(NOW, &Request::new()).unwrap().node(), 0);
    }
}

/// Ten requests that were there when it broke are not ten reasons to avoid it for long.
#[test]
fn failures_at_once_are_avoided_once() {
    let cluster = cluster(LeastRequest::seeded(1), 2, &[1]);
    let leases: Vec<_> = (0..10).map(|_| lease(&cluster, 0, NOW)).collect();
    for lease in leases {
        lease.failure_at(NOW);
    }
    let state = cluster.endpoint(0_u64.id()).unwrap();
    assert_eq!(state.avoided_until(), NOW + Duration::from_secs(1));
    assert_eq!(state.consecutive_failures(), 10);
    // One success, and it begins anew.
    lease(&cluster, 0, NOW).success_at(NOW);
    assert_eq!(state.consecutive_failures(), 0);
}

#[test]
fn closed_and_excluded_ones_get_nothing() {
    let cluster = cluster(LeastRequest::seeded(5), 100, &[1, 3]);
    for node in 0..97_u64 {
        let health = Health::Unhealthy;
        cluster.set_health_at(NOW, node.id(), health).unwrap();
    }
    let exclude = [98_u64.id()];
    let request = Request::new().exclude(&exclude);
    for _ in 0..1_000 {
        let chosen = *cluster.pick_at(NOW, &request).unwrap().node();
        assert!([97, 99].contains(&chosen), "{chosen}");
    }
}

/// A clock that went back a little keeps what was avoided for longer; one that went back further than
/// any penalty does not.
#[test]
fn a_clock_that_goes_back() {
    let cluster = cluster(LeastRequest::seeded(2), 2, &[1]);
    for _ in 0..5 {
        lease(&cluster, 0, NOW).failure_at(NOW);
    }
    let to_it = |now| {
        let picks = (0..100).map(|_| *cluster.pick_at(now, &Request::new()).unwrap().node());
        picks.filter(|node| *node == 0).count()
    };
    assert_eq!(
        to_it(Instant::from_secs(NOW.as_nanos() / 1_000_000_000 - 20)),
        0
    );
    assert!((25..75).contains(&to_it(Instant::ORIGIN)));
}

#[test]
fn choices_have_bounds() {
    for wrong in [0, 1, 17, usize::MAX] {
        let error = LeastRequest::new().choices(wrong).unwrap_err();
        assert!(matches!(
            error,
            ConfigError::OutOfRange {
                field: "choices",
                ..
            }
        ));
    }
}
