//! Failures of many endpoints at once are no reason to send everything to one.

use super::{NOW, cluster, lease};
use alloc::collections::BTreeMap;
use core::time::Duration;
use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_lb::policy::{Ewma, LeastRequest};
use purlin_lb::{
    AnyBalancer, Cluster, ClusterBuilder, Identity, Instant, Lease, Request, SlowStart, Upstream,
};

/// Requests that come at even intervals, whatever becomes of those before.
struct Traffic {
    cluster: Cluster<u64, AnyBalancer>,
    now: Instant,
    interval: Duration,
    random: SplitMix64,
    /// By when they end; whether they succeed.
    flying: BTreeMap<(Instant, u64), (Lease<u64>, bool)>,
    sent: u64,
}

impl Traffic {
    fn new(cluster: Cluster<u64, AnyBalancer>, interval: Duration) -> Self {
        Self {
            cluster,
            now: NOW,
            interval,
            random: SplitMix64::new(42),
            flying: BTreeMap::new(),
            sent: 0,
        }
    }

    /// So many requests of 5 to 15 ms, of which this part fails; how many each endpoint got.
    fn send(&mut self, requests: u32, fails: impl Fn(u64) -> f64) -> Vec<u32> {
        let mut counts = vec![0; self.cluster.load().pool().len()];
        for _ in 0..requests {
            self.finish();
            let lease = self.cluster.pick_at(self.now, &Request::new());
            let lease = lease.expect("all are open");
            let node = *lease.node();
            counts[usize::try_from(node).expect("small")] += 1;
            let well = self.random.f64() >= fails(node);
            let end = self.now + Duration::from_millis(10).mul_f64(0.5 + self.random.f64());
            self.flying.insert((end, self.sent), (lease, well));
            self.sent += 1;
            self.now += self.interval;
        }
        counts
    }

    fn finish(&mut self) {
        while let Some(first) = self.flying.first_entry()
            && first.key().0 <= self.now
        {
            let ((end, _), (lease, well)) = first.remove_entry();
            if well {
                lease.success_at(end);
            } else {
                lease.failure_at(end);
            }
        }
    }
}

fn policies() -> [(&'static str, AnyBalancer); 4] {
    [
        ("ewma", AnyBalancer::new(Ewma::seeded(1))),
        ("ewma of 5", AnyBalancer::new(Ewma::seeded(1).full_scan(0))),
        (
            "least",
            AnyBalancer::new(LeastRequest::seeded(1).full_scan(32)),
        ),
        (
            "least of 2",
            AnyBalancer::new(LeastRequest::seeded(1).full_scan(0)),
        ),
    ]
}

/// The part of them that the fullest endpoint got.
fn largest(counts: &[u32]) -> f64 {
    let sum: u32 = counts.iter().sum();
    f64::from(counts.iter().copied().max().unwrap_or(0)) / f64::from(sum)
}

#[test]
fn all_alike_fail_now_and_then() {
    for (name, policy) in policies() {
        for fails in [0.02, 0.05, 0.1] {
            let cluster = cluster(policy.clone(), 10, &[1]);
            let mut traffic = Traffic::new(cluster, Duration::from_micros(200));
            let windows = (0..200).map(|_| largest(&traffic.send(500, |_| fails)));
            let worst = windows.skip(10).fold(0.0, f64::max);
            assert!(worst < 0.3, "{name}: a share of {worst} at {fails}");
        }
    }
}

/// All break, at once or one after the other, and all are well again at once.
#[test]
fn all_fail_and_recover() {
    for (name, policy) in policies() {
        for step in [0, 2_000] {
            let cluster = cluster(policy.clone(), 20, &[1]);
            let mut traffic = Traffic::new(cluster, Duration::from_millis(1));
            traffic.send(5_000, |_| 0.0);
            for broken in 0..20 {
                traffic.send(step, |node| f64::from(u8::from(node <= broken)));
            }
            traffic.send(20_000, |_| 1.0);
            let windows = (0..20).map(|_| largest(&traffic.send(1_000, |_| 0.0)));
            let worst = windows.fold(0.0, f64::max);
            assert!(worst < 0.3, "{name}: a share of {worst} after {step}");
        }
    }
}

/// What broke alone still gets next to nothing, however fast it fails.
#[test]
fn one_that_fails_is_found_out() {
    for (name, policy) in policies() {
        let cluster = cluster(policy, 10, &[1]);
        let mut traffic = Traffic::new(cluster, Duration::from_millis(1));
        traffic.send(5_000, |_| 0.0);
        let broken = |node| f64::from(u8::from(node == 3));
        let first = traffic.send(1_000, broken)[3];
        assert!(first <= 10, "{name}: {first} of the first 1,000");
        traffic.send(14_000, broken);
        let later = traffic.send(20_000, broken)[3];
        assert!(later <= 20, "{name}: {later} of 20,000");
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

/// Times that were an hour ahead once, and then right.
#[test]
fn an_estimate_moves_after_a_clock_that_was_ahead() {
    let cluster = cluster(Ewma::seeded(1), 2, &[1]);
    for node in 0..2 {
        let ahead = NOW + HOUR;
        lease(&cluster, node, ahead).success_at(ahead + Duration::from_millis(10));
    }
    let mut slow = 0;
    for step in 0..1_000 {
        let now = NOW + Duration::from_secs(1) * step;
        let lease = cluster.pick_at(now, &Request::new()).expect("all are open");
        let is_slow = *lease.node() == 0;
        slow += u32::from(is_slow);
        lease.success_at(now + Duration::from_millis(if is_slow { 900 } else { 10 }));
    }
    assert!(slow < 250, "{slow} of 1,000");
}

/// Even where nothing is sent to it that could move its estimate.
#[test]
fn probation_finds_what_was_heard_of_in_the_future() {
    let cluster = cluster(Ewma::seeded(1), 2, &[1]);
    lease(&cluster, 0, NOW).success_at(NOW + HOUR);
    lease(&cluster, 1, NOW).success_at(NOW + Duration::from_millis(10));
    let mut found = 0;
    for step in 0..60_000 {
        let now = NOW + Duration::from_millis(1) * step;
        let lease = cluster.pick_at(now, &Request::new()).expect("all are open");
        found += u32::from(*lease.node() == 0);
        lease.success_at(now + Duration::from_millis(10));
    }
    assert!(found > 3, "{found}");
}

#[test]
fn what_is_avoided_for_ever_is_not_avoided() {
    for (name, policy) in policies() {
        let cluster = cluster(policy, 3, &[1]);
        for _ in 0..5 {
            lease(&cluster, 0, Instant::MAX).failure_at(Instant::MAX);
        }
        let hit = (0..10_000).any(|step| {
            let now = NOW + Duration::from_millis(1) * step;
            let lease = cluster.pick_at(now, &Request::new()).expect("all are open");
            let hit = *lease.node() == 0;
            lease.success_at(now + Duration::from_millis(10));
            hit
        });
        assert!(hit, "{name}");
    }
}

#[test]
fn a_success_ends_avoidance() {
    let cluster = cluster(LeastRequest::seeded(1), 2, &[1]);
    let state = cluster.endpoint(0_u64.id()).expect("a member");
    for _ in 0..5 {
        lease(&cluster, 0, NOW).failure_at(NOW);
    }
    assert_eq!(state.avoided_until(), NOW + Duration::from_secs(1));
    lease(&cluster, 0, NOW).success_at(NOW);
    assert_eq!(state.avoided_until(), Instant::ORIGIN);
}

/// With 100 in flight: an endpoint that has a tenth of its weight has about a tenth of the requests.
#[test]
fn slow_start_holds_under_load() {
    let ramp = SlowStart::new(HOUR).expect("above zero");
    for (name, policy) in policies() {
        let builder = ClusterBuilder::new(policy).slow_start(ramp);
        let cluster = builder.build((0..20).map(Upstream::new)).expect("distinct");
        let mut traffic = Traffic::new(cluster, Duration::from_micros(100));
        traffic.send(10_000, |_| 0.0);
        traffic.cluster.insert_at(traffic.now, 20).expect("new");
        let share = f64::from(traffic.send(40_000, |_| 0.0)[20]) * 21.0 / 40_000.0;
        assert!(
            (0.05..0.2).contains(&share),
            "{name}: {share} of a full share"
        );
    }
}
