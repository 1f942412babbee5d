//! Moving averages of latency.

use super::{NOW, cluster, lease};
use core::time::Duration;
use proptest::prelude::*;
use purlin_lb::conformance::{self, Subject};
use purlin_lb::policy::Ewma;
use purlin_lb::{
    AnyBalancer, Capabilities, Cluster, ConfigError, Identity, Instant, Request, Upstream,
};

const MS: Duration = Duration::from_millis(1);

/// Answers with a sample for each endpoint in turn.
fn answered(policy: Ewma, latencies: &[u64], weights: &[u32]) -> Cluster<u64, Ewma> {
    let cluster = cluster(policy, latencies.len() as u64, weights);
    for (node, millis) in latencies.iter().enumerate() {
        let latency = Duration::from_millis(*millis);
        lease(&cluster, node as u64, NOW - latency).success_at(NOW);
    }
    cluster
}

fn without_probes(seed: u64) -> Ewma {
    Ewma::seeded(seed)
        .probe_interval(Duration::MAX)
        .expect("above zero")
}

#[test]
fn is_what_it_promises() {
    let policies: [fn(u64) -> Ewma; 3] = [
        Ewma::seeded,
        |seed| Ewma::seeded(seed).peak(),
        |seed| Ewma::seeded(seed).full_scan(0).choices(2).unwrap(),
    ];
    for policy in policies {
        let subject = Subject::new(Capabilities::ANY, |seed| AnyBalancer::new(policy(seed)));
        for seed in 0..20 {
            conformance::all(&subject, seed);
        }
    }
}

proptest! {
    /// The oracle is the formula.
    #[test]
    fn a_full_scan_finds_the_cheapest(
        endpoints in proptest::collection::vec((1_u64..1_000, 1_u32..10, 0_u32..5), 2..20),
        seed: u64,
    ) {
        let latencies: Vec<u64> = endpoints.iter().map(|endpoint| endpoint.0).collect();
        let weights: Vec<u32> = endpoints.iter().map(|endpoint| endpoint.1).collect();
        let cluster = answered(without_probes(seed), &latencies, &weights);
        let held: Vec<_> = endpoints
            .iter()
            .zip(0..)
            .flat_map(|(endpoint, node)| (0..endpoint.2).map(move |_| node))
            .map(|node| lease(&cluster, node, NOW))
            .collect();
        let cost = |(millis, weight, in_flight): (u64, u32, u32)| {
            millis as f64 * f64::from(in_flight + 1) / f64::from(weight)
        };
        let least = endpoints.iter().copied().map(cost).fold(f64::MAX, f64::min);
        let chosen = cluster.pick_at(NOW, &Request::new()).unwrap();
        let found = cost(endpoints[usize::try_from(*chosen.node()).unwrap()]);
        prop_assert!(found <= least * (1.0 + 1e-9), "{} above {}", found, least);
        drop(held);
    }
}

/// The better of so many distinct ones never is among the worst but one fewer.
#[test]
fn choices_are_distinct() {
    let latencies: Vec<u64> = (1..=10).collect();
    let policy = without_probes(1).full_scan(0).choices(4).unwrap();
    let cluster = answered(policy, &latencies, &[1]);
    let mut counts = [0; 10];
    for _ in 0..20_000 {
        let chosen = *cluster.pick_at(NOW, &Request::new()).unwrap().node();
        counts[usize::try_from(chosen).unwrap()] += 1;
    }
    assert_eq!(counts[7..], [0; 3]);
    // The best is among 4 of 10; of the 210 sets, 84 hold it, and 56 the second but not it.
    assert!((7_500..8_500).contains(&counts[0]), "{counts:?}");
    assert!((4_800..5_850).contains(&counts[1]), "{counts:?}");
}

/// A new one is tried, and given little until it has answered.
#[test]
fn a_new_one_is_tried_and_not_flooded() {
    let cluster = answered(without_probes(1), &[10; 9], &[1]);
    cluster.insert_at(NOW, Upstream::new(9)).unwrap();
    let held: Vec<_> = (0..910)
        .map(|_| cluster.pick_at(NOW, &Request::new()).unwrap())
        .collect();
    // The square of ten is the hundred that the others have by then.
    let new = cluster.endpoint(9_u64.id()).unwrap();
    assert!((8..=11).contains(&new.in_flight()), "{new:?}");
    drop(held);
    // Nothing has been said of it by requests that were cancelled.
    assert_eq!(new.latency_nanos(), None);
    // Where all are idle, only probation finds it.
    let cluster = answered(Ewma::seeded(1), &[10; 9], &[1]);
    cluster.insert_at(NOW, Upstream::new(9)).unwrap();
    let tried = (0..5_000).any(|step| {
        let now = NOW + MS * step;
        let lease = cluster.pick_at(now, &Request::new()).unwrap();
        let is_new = *lease.node() == 9;
        lease.success_at(now + MS * 10);
        is_new
    });
    assert!(tried);
}

/// When each of its requests was sent to endpoint 0, in a second of a thousand requests each.
fn probes(policy: Ewma, seconds: u32, end: fn(purlin_lb::Lease<u64>, Instant)) -> Vec<Instant> {
    let cluster = answered(policy, &[1_000, 10, 10, 10, 10], &[1]);
    let mut probes = Vec::new();
    for step in 0..seconds * 1_000 {
        let now = NOW + MS * step;
        let lease = cluster.pick_at(now, &Request::new()).expect("all are open");
        if *lease.node() == 0 {
            probes.push(now);
            end(lease, now);
        } else {
            lease.success_at(now + MS * 10);
        }
    }
    probes
}

#[test]
fn probation_is_bounded() {
    let slow = |lease: purlin_lb::Lease<u64>, now| lease.success_at(now + MS * 500);
    let spacing = |probes: &[Instant]| {
        let pairs = probes.windows(2);
        pairs
            .map(|pair| pair[1] - pair[0])
            .min()
            .expect("two probes")
    };
    let found = probes(Ewma::seeded(1), 100, slow);
    assert!((15..=20).contains(&found.len()), "{found:?}");
    assert!(spacing(&found) >= Duration::from_millis(3_750), "{found:?}");
    // What is cancelled says nothing, and is no reason to try again at once.
    let found = probes(Ewma::seeded(1), 100, |lease, _| drop(lease));
    assert!((15..=27).contains(&found.len()), "{found:?}");
    assert!(spacing(&found) >= Duration::from_millis(3_750), "{found:?}");
    // What fails waits longer each time, from the seventh on: 8, 16, 32 ...
    let found = probes(Ewma::seeded(1), 100, |lease, now| lease.failure_at(now));
    assert!((8..=12).contains(&found.len()), "{found:?}");
    assert!(probes(without_probes(1), 100, slow).is_empty());
}

/// It does not stay slow for ever.
#[test]
fn what_has_recovered_is_found_out() {
    let fast = |lease: purlin_lb::Lease<u64>, now| lease.success_at(now + MS);
    let found = probes(Ewma::seeded(1), 40, fast);
    // By a few probes, and not by the first.
    assert!(found[2] >= NOW + MS * 8_000, "{:?}", &found[..3]);
    assert!(found.len() > 15_000, "{}", found.len());
}

#[test]
fn what_fails_fast_draws_nothing() {
    for policy in [Ewma::seeded(1), Ewma::seeded(1).peak()] {
        let cluster = cluster(policy, 4, &[1]);
        let mut failures = 0;
        for step in 0..10_000 {
            let now = NOW + MS * step;
            let lease = cluster.pick_at(now, &Request::new()).unwrap();
            if *lease.node() == 0 {
                failures += 1;
                lease.failure_at(now);
            } else {
                lease.success_at(now + MS * 10);
            }
        }
        assert!((1..=4).contains(&failures), "{failures}");
    }
}

/// One failure in a hundred, at all alike, does not hide which one is slow.
#[test]
fn a_few_failures_hide_nothing() {
    for policy in [Ewma::seeded(1), Ewma::seeded(1).peak()] {
        let cluster = cluster(policy, 8, &[1]);
        let mut to_slow = 0;
        for step in 0..40_000_u32 {
            let now = NOW + MS * step;
            let lease = cluster.pick_at(now, &Request::new()).unwrap();
            let slow = *lease.node() == 0;
            to_slow += u32::from(slow);
            if step.wrapping_mul(0x9e37_79b9) >> 16 < 655 {
                lease.failure_at(now + MS);
            } else {
                lease.success_at(now + MS * if slow { 300 } else { 10 });
            }
        }
        assert!(to_slow < 40, "{to_slow} of 40,000");
    }
}

/// Times and latencies that cannot be are still no reason not to answer, nor to lose an endpoint.
#[test]
fn clocks_that_jump() {
    let cluster = cluster(Ewma::seeded(1), 3, &[1, u32::MAX]);
    let instants = [u64::MAX, 0, 1, u64::MAX / 2, 5_000_000_000, u64::MAX];
    for (began, ended) in instants
        .iter()
        .flat_map(|began| instants.map(|ended| (*began, ended)))
    {
        for node in 0..3 {
            let lease = lease(&cluster, node, Instant::from_nanos(began));
            let ended = Instant::from_nanos(ended);
            if node == 1 {
                lease.failure_at(ended);
            } else {
                lease.success_at(ended);
            }
            let state = cluster.endpoint(node.id()).unwrap();
            let latency = state.latency_nanos().unwrap();
            assert!(latency.is_finite() && latency >= 0.5, "{latency}");
        }
        let now = Instant::from_nanos(began);
        assert!(cluster.pick_at(now, &Request::new()).is_ok());
    }
}

/// After a clock that went back, probation goes on by the new time.
#[test]
fn probation_after_a_clock_went_back() {
    let policy = Ewma::seeded(1);
    let cluster = cluster(policy, 4, &[1]);
    let late = NOW + Duration::from_secs(1_000_000);
    for _ in 0..100 {
        let lease = cluster.pick_at(late, &Request::new()).unwrap();
        drop(lease);
    }
    for node in 0..3 {
        lease(&cluster, node, NOW - MS).success_at(NOW);
    }
    let tried = (0..10_000).any(|step| {
        let lease = cluster.pick_at(NOW + MS * step, &Request::new()).unwrap();
        *lease.node() == 3
    });
    assert!(tried);
}

#[test]
fn settings_have_bounds() {
    let zero = Ewma::new().probe_interval(Duration::ZERO).unwrap_err();
    assert_eq!(zero, ConfigError::Zero { field: "interval" });
    assert!(Ewma::new().choices(1).is_err() && Ewma::new().choices(16).is_ok());
}
