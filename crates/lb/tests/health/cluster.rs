//! What checks and ejections do to a cluster.

use alloc::collections::BTreeMap;
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_lb::health::{
    HealthChecker, HealthConfig, HealthInput, HealthOutput, Outcome, OutlierConfig,
    OutlierDetector, Verdict,
};
use purlin_lb::policy::RoundRobin;
use purlin_lb::{Cluster, ClusterBuilder, Health, Instant, NodeId, Request, Unavailable, Upstream};

type Robin = Cluster<NodeId, RoundRobin>;

fn at(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

fn cluster(endpoints: u64, panic_threshold: u8) -> Robin {
    let builder = ClusterBuilder::new(RoundRobin::from(0)).panic_threshold(panic_threshold);
    let upstreams = (0..endpoints).map(|id| Upstream::new(NodeId(id)));
    builder.expect("valid").build(upstreams).expect("distinct")
}

/// Who gets so many requests, of which those to the endpoints named fail.
fn requests(cluster: &Robin, now: Instant, count: usize, failing: &[u64]) -> BTreeMap<u64, usize> {
    let mut got = BTreeMap::new();
    for _ in 0..count {
        let lease = cluster
            .pick_at(now, &Request::new())
            .expect("some are open");
        let id = lease.node().0;
        *got.entry(id).or_default() += 1;
        if failing.contains(&id) {
            lease.failure_at(now);
        } else {
            lease.success_at(now);
        }
    }
    got
}

fn sweep(detector: &mut OutlierDetector, cluster: &Robin, now: Instant) {
    for verdict in detector.sweep_at(now, &cluster.load()) {
        let flipped = match verdict {
            Verdict::Eject { id, .. } => cluster.eject(id),
            Verdict::Readmit { id } => cluster.readmit_at(now, id),
        };
        assert_eq!(flipped, Ok(true));
    }
    cluster.check_invariants();
}

#[test]
fn an_ejected_endpoint_gets_nothing_until_it_is_readmitted() {
    let cluster = cluster(4, 1);
    let mut detector = OutlierDetector::seeded(OutlierConfig::new(), 0);
    sweep(&mut detector, &cluster, at(0));
    assert_eq!(requests(&cluster, at(1), 40, &[2])[&2], 10);
    sweep(&mut detector, &cluster, at(10));
    for now in [11, 20, 30, 40] {
        sweep(&mut detector, &cluster, at(now));
        assert!(!requests(&cluster, at(now), 30, &[]).contains_key(&2));
    }
    sweep(&mut detector, &cluster, at(50));
    assert_eq!(requests(&cluster, at(51), 40, &[])[&2], 10);
}

#[test]
fn when_all_are_ejected_there_is_a_panic_or_nothing() {
    for (panic_threshold, panics) in [(1, true), (0, false)] {
        let cluster = cluster(4, panic_threshold);
        let config = OutlierConfig::new().max_ejection_percent(100);
        let mut detector = OutlierDetector::seeded(config.expect("valid"), 0);
        let all = [0, 1, 2, 3];
        requests(&cluster, at(0), 40, &all);
        sweep(&mut detector, &cluster, at(0));
        assert_eq!(detector.stats().ejected, 4);
        assert_eq!(cluster.load().pool().is_panicking(), panics);
        let picked = cluster.pick_at(at(1), &Request::new());
        assert_eq!(picked.is_ok(), panics);
        if panics {
            drop(picked);
            let got = requests(&cluster, at(1), 40, &[]);
            assert_eq!(got, BTreeMap::from(all.map(|id| (id, 10))));
        } else {
            assert_eq!(picked.err(), Some(Unavailable::Closed));
        }
    }
}

/// Each of the two has its own say.
#[test]
fn a_probe_that_passes_does_not_readmit_and_a_readmission_does_not_heal() {
    let cluster = cluster(2, 1);
    let id = NodeId(1);
    let is_open = || cluster.load().pool().is_open(1);
    assert_eq!(cluster.eject(id), Ok(true));
    assert_eq!(
        cluster.set_health_at(at(1), id, Health::Unhealthy),
        Ok(true)
    );
    assert_eq!(cluster.set_health_at(at(2), id, Health::Healthy), Ok(true));
    assert!(!is_open());
    assert_eq!(
        cluster.set_health_at(at(3), id, Health::Unhealthy),
        Ok(true)
    );
    assert_eq!(cluster.readmit_at(at(4), id), Ok(true));
    assert!(!is_open());
    assert_eq!(cluster.set_health_at(at(5), id, Health::Healthy), Ok(true));
    assert!(is_open());
}

/// An endpoint that breaks and recovers, with probes that take 20 ms, or for ever while it is
/// broken: how long it goes on to get requests, and how long it gets none after.
#[test]
fn a_broken_endpoint_is_out_within_the_time_that_the_settings_promise() {
    let config = HealthConfig::new()
        .interval(Duration::from_secs(2))
        .and_then(|it| it.timeout(Duration::from_millis(500)))
        .expect("valid");
    for seed in 0..20 {
        let cluster = cluster(3, 1);
        let mut checker = HealthChecker::seeded(config, seed);
        for id in 0..3 {
            let added = checker.handle(Instant::ORIGIN, HealthInput::Add(NodeId(id)));
            assert_eq!(added, Ok(()));
        }
        let (breaks, recovers) = (at(20), at(60));
        let mut answers = BTreeMap::new();
        let (mut out, mut back) = (None, None);
        let mut now = Instant::ORIGIN;
        while now < at(100) {
            while let Some(output) = checker.poll_output() {
                match output {
                    HealthOutput::Probe { id, number, .. } => {
                        let broken = id == NodeId(1) && (breaks..recovers).contains(&now);
                        if !broken {
                            answers.insert((now + Duration::from_millis(20), number), id);
                        }
                    }
                    HealthOutput::Changed { id, health } => {
                        assert!(cluster.set_health_at(now, id, health).is_ok());
                        match health {
                            Health::Unhealthy => out = Some((id, now)),
                            _ if out.is_some() => back = Some((id, now)),
                            _ => {}
                        }
                    }
                }
            }
            let timeout = checker.poll_timeout().expect("three are checked");
            match answers.first_key_value() {
                Some((&(at, number), &id)) if at <= timeout => {
                    now = at;
                    answers.remove(&(at, number));
                    let outcome = Outcome::Success;
                    let probed = HealthInput::Probed {
                        id,
                        number,
                        outcome,
                    };
                    assert_eq!(checker.handle(now, probed), Ok(()));
                }
                _ => {
                    now = timeout;
                    checker.handle_timeout(now);
                }
            }
        }
        let within = |event: Option<(NodeId, Instant)>, since: Instant, least, most| {
            let (id, when) = event.expect("it happened");
            assert_eq!(id, NodeId(1));
            let millis = when.saturating_duration_since(since).as_millis();
            assert!((least..=most).contains(&millis), "{millis} ms, seed {seed}");
        };
        // Three timeouts and two intervals; one more interval before the first, at most.
        within(out, breaks, 5_500, 3 * 500 + 3 * 2_200 + 20);
        // Two answers and an interval; before the first one more, and a timeout.
        within(back, recovers, 2_040, 2 * 20 + 2 * 2_200 + 500);
    }
}
