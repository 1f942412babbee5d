//! The detector, rule by rule.

use crate::traffic::{apply, cluster, ejected, lease, serve, sweep};
use core::time::Duration;
use purlin_lb::health::{Detector, OutlierConfig, OutlierDetector, Verdict};
use purlin_lb::policy::RoundRobin;
use purlin_lb::{Cluster, Instant, NodeId, Request, Upstream};

fn at(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

fn ids(verdicts: &[Verdict]) -> Vec<u64> {
    let ids = verdicts.iter().map(|verdict| match verdict {
        Verdict::Eject { id, .. } | Verdict::Readmit { id } => id.0,
    });
    ids.collect()
}

/// Of which up to all may be ejected.
fn all() -> OutlierConfig {
    OutlierConfig::new()
        .max_ejection_percent(100)
        .expect("valid")
}

#[test]
fn what_was_before_the_first_sweep_counts_for_nothing_but_a_row_of_failures() {
    let cluster = cluster(6);
    for id in 0..5 {
        serve(&cluster, id, 200, 0);
    }
    serve(&cluster, 5, 0, 200);
    serve(&cluster, 5, 1, 4);
    let mut detector = OutlierDetector::seeded(all(), 0);
    assert_eq!(detector.poll_timeout(), Instant::ORIGIN);
    assert_eq!(sweep(&mut detector, &cluster, at(5)), []);
    assert_eq!(detector.poll_timeout(), at(15));
    assert_eq!(detector.stats().mean_success_rate, None);
    serve(&cluster, 5, 0, 1);
    assert_eq!(ids(&sweep(&mut detector, &cluster, at(15))), [5]);
}

#[test]
fn the_worst_go_first_where_there_is_no_room_for_all() {
    let cluster = cluster(10);
    let mut detector = OutlierDetector::seeded(OutlierConfig::new(), 0);
    assert_eq!(sweep(&mut detector, &cluster, at(0)), []);
    serve(&cluster, 2, 0, 6);
    serve(&cluster, 7, 0, 9);
    serve(&cluster, 8, 0, 5);
    let verdicts = sweep(&mut detector, &cluster, at(10));
    let eject = Verdict::Eject {
        id: NodeId(7),
        detector: Detector::ConsecutiveFailures,
        until: at(40),
    };
    assert_eq!(verdicts, [eject]);
    let found = detector.stats().consecutive_failures;
    assert_eq!((found.detected, found.ejected, found.at_limit), (3, 1, 2));

    // By their rates: 1 of 10 is out, so nobody else is, until a fifth may be.
    let config = OutlierConfig::new()
        .max_ejection_percent(20)
        .and_then(|it| it.success_rate_stdev_factor(1.0))
        .and_then(|it| it.consecutive_failures(u32::MAX))
        .expect("valid");
    let mut detector = OutlierDetector::seeded(config, 0);
    assert_eq!(sweep(&mut detector, &cluster, at(50)), []);
    assert_eq!(detector.stats().ejected, 1, "it is out already");
    for id in 0..10 {
        let failures = match id {
            3 => 60,
            4 => 61,
            _ => 0,
        };
        serve(&cluster, id, 100 - failures, failures);
    }
    assert_eq!(ids(&sweep(&mut detector, &cluster, at(60))), [4]);
    assert_eq!(ejected(&cluster), [4, 7]);
    assert_eq!(detector.stats().success_rate.at_limit, 1);
}

/// With so many endpoints and percent, so many are ejected of those that all fail.
#[test]
fn how_many_may_be_out() {
    let rows = [
        // endpoints, percent, strict, min_ejected: ejected
        (1, 10, false, 0, 1),
        (5, 10, false, 0, 1),
        (10, 10, false, 0, 1),
        (11, 10, false, 0, 2),
        (15, 10, false, 0, 2),
        (5, 0, false, 0, 0),
        (5, 0, false, 1, 1),
        (5, 100, false, 0, 5),
        (5, 10, true, 0, 0),
        (5, 10, true, 1, 1),
        (10, 10, true, 0, 1),
        (15, 10, true, 0, 1),
        (19, 10, true, 0, 1),
        (20, 10, true, 0, 2),
        (5, 100, true, 0, 5),
        (5, 50, true, 3, 3),
        (5, 50, true, 9, 5),
    ];
    for (endpoints, percent, strict, least, expected) in rows {
        let cluster = cluster(endpoints);
        let config = OutlierConfig::new()
            .max_ejection_percent(percent)
            .expect("valid")
            .strict_percent(strict)
            .min_ejected(least);
        let mut detector = OutlierDetector::seeded(config, 0);
        assert_eq!(sweep(&mut detector, &cluster, at(0)), []);
        for id in 0..endpoints {
            serve(&cluster, id, 0, 5);
        }
        let row = (endpoints, percent, strict, least);
        let verdicts = sweep(&mut detector, &cluster, at(10));
        assert_eq!(verdicts.len(), expected, "{row:?}");
    }
}

#[test]
fn each_ejection_is_longer_until_it_is_forgiven() {
    let cluster = cluster(5);
    let mut detector = OutlierDetector::seeded(OutlierConfig::new(), 0);
    assert_eq!(sweep(&mut detector, &cluster, at(0)), []);
    let mut now = 0;
    let mut out_for = |well: u64| {
        for _ in 0..well {
            now += 10;
            assert_eq!(sweep(&mut detector, &cluster, at(now)), []);
        }
        serve(&cluster, 1, 0, 5);
        now += 10;
        assert_eq!(ids(&sweep(&mut detector, &cluster, at(now))), [1]);
        let ejected = now;
        loop {
            now += 10;
            if ids(&sweep(&mut detector, &cluster, at(now))) == [1] {
                return now - ejected;
            }
        }
    };
    // Strictly after 30 s is at the sweep after 40 s.
    assert_eq!(out_for(0), 40);
    assert_eq!(out_for(0), 70);
    assert_eq!(out_for(0), 100);
    assert_eq!(out_for(2), 70, "two of three were forgiven");
    assert_eq!(out_for(5), 40);
    let times: Vec<u64> = (0..12).map(|_| out_for(0)).collect();
    assert_eq!(times[..3], [70, 100, 130]);
    assert_eq!(times[11], 310, "300 s at most");
    for _ in 0..100 {
        out_for(0);
    }
    assert_eq!(out_for(10), 40, "no more than ten had counted");
}

/// Ten of a hundred fail; before the first sweep nobody knows that they are a tenth.
#[test]
fn what_is_observed_before_the_first_sweep_is_left_to_it() {
    let cluster = cluster(100);
    let config = OutlierConfig::new().strict_percent(true);
    let mut detector = OutlierDetector::seeded(config, 0);
    for id in 0..10 {
        serve(&cluster, id, 0, 5);
        let endpoint = cluster.endpoint(NodeId(id)).expect("it is there");
        assert_eq!(detector.observe_at(at(1), &endpoint), None);
    }
    let verdicts = sweep(&mut detector, &cluster, at(2));
    assert_eq!(ids(&verdicts), Vec::from_iter(0..10));
}

#[test]
fn a_base_above_the_maximum_counts() {
    let config = all()
        .base_ejection_time(Duration::from_secs(60))
        .expect("valid")
        .max_ejection_time(Duration::from_secs(20));
    let cluster = cluster(1);
    let mut detector = OutlierDetector::seeded(config, 0);
    serve(&cluster, 0, 0, 5);
    let verdicts = sweep(&mut detector, &cluster, at(0));
    let [Verdict::Eject { until, .. }] = verdicts[..] else {
        panic!("one is out: {verdicts:?}");
    };
    assert_eq!(until, at(60));
}

/// Rounding must not make outliers: sevenths and tenths are no binary fractions.
#[test]
fn of_equals_none_is_an_outlier() {
    for factor in [0.0, 0.5, 1.9] {
        for (well, failed) in [(90, 10), (1, 6), (3, 7), (99, 1), (2, 1)] {
            for endpoints in [1, 2, 3, 5, 6, 7, 10, 49] {
                let config = all()
                    .success_rate_stdev_factor(factor)
                    .and_then(|it| it.consecutive_failures(u32::MAX))
                    .expect("valid")
                    .success_rate_minimum_hosts(0)
                    .success_rate_request_volume(0);
                let cluster = cluster(endpoints);
                let mut detector = OutlierDetector::seeded(config, 0);
                assert_eq!(sweep(&mut detector, &cluster, at(0)), []);
                for id in 0..endpoints {
                    serve(&cluster, id, well, failed);
                }
                assert_eq!(sweep(&mut detector, &cluster, at(10)), []);
                let stats = detector.stats();
                assert_eq!(stats.mean_success_rate, stats.success_rate_threshold);
                assert!(stats.mean_success_rate.is_some());
            }
        }
    }
}

#[test]
fn rates_of_few_endpoints_or_of_few_requests_do_not_count() {
    // endpoints, requests of each: whether one that fails all is found by its rate
    for (endpoints, requests, found) in [(5, 100, true), (4, 100, false), (5, 99, false)] {
        let cluster = cluster(endpoints);
        let config = all().consecutive_failures(u32::MAX).expect("valid");
        let mut detector = OutlierDetector::seeded(config, 0);
        assert_eq!(sweep(&mut detector, &cluster, at(0)), []);
        serve(&cluster, 0, 0, requests);
        for id in 1..endpoints {
            serve(&cluster, id, requests, 0);
        }
        let verdicts = sweep(&mut detector, &cluster, at(10));
        assert_eq!(ids(&verdicts) == [0], found);
        assert_eq!(detector.stats().mean_success_rate.is_some(), found);
    }
}

#[test]
fn a_rule_that_is_not_enforced_is_counted() {
    let cluster = cluster(5);
    let config = all()
        .enforcing_success_rate(0)
        .and_then(|it| it.consecutive_failures(u32::MAX))
        .expect("valid");
    let mut detector = OutlierDetector::seeded(config, 0);
    assert_eq!(sweep(&mut detector, &cluster, at(0)), []);
    serve(&cluster, 0, 0, 100);
    for id in 1..5 {
        serve(&cluster, id, 100, 0);
    }
    assert_eq!(sweep(&mut detector, &cluster, at(10)), []);
    let stats = detector.stats();
    for found in [stats.success_rate, stats.failure_percentage] {
        assert_eq!((found.detected, found.ejected, found.at_limit), (1, 0, 0));
    }
}

/// The sum of 2,000 draws of 30 percent has a standard deviation of 20.5; six of them are 123.
#[test]
fn a_rule_is_enforced_by_chance() {
    let config = all()
        .enforcing_consecutive_failures(30)
        .and_then(|it| it.consecutive_failures(1))
        .expect("valid");
    let cluster = cluster(2_000);
    let mut detector = OutlierDetector::seeded(config, 11);
    for id in 0..2_000 {
        serve(&cluster, id, 0, 1);
    }
    let verdicts = detector.sweep_at(at(0), &cluster.load());
    assert!((477..=723).contains(&verdicts.len()), "{}", verdicts.len());
    let found = detector.stats().consecutive_failures;
    assert_eq!(
        (found.detected, found.ejected),
        (2_000, verdicts.len() as u64)
    );
    let again = OutlierDetector::seeded(config, 11).sweep_at(at(0), &cluster.load());
    assert_eq!(again, verdicts, "a seed makes the draws");
}

#[test]
fn what_a_new_endpoint_did_before_its_first_sweep_counts() {
    let cluster = cluster(4);
    let config = all().consecutive_failures(u32::MAX).expect("valid");
    let mut detector = OutlierDetector::seeded(config, 0);
    assert_eq!(sweep(&mut detector, &cluster, at(0)), []);
    assert!(cluster.insert_at(at(1), Upstream::new(NodeId(4))).is_ok());
    for id in 0..4 {
        serve(&cluster, id, 100, 0);
    }
    serve(&cluster, 4, 0, 100);
    assert_eq!(ids(&sweep(&mut detector, &cluster, at(10))), [4]);
}

#[test]
fn one_that_was_added_again_is_another() {
    let cluster = cluster(3);
    let config = all();
    let mut detector = OutlierDetector::seeded(config, 0);
    assert_eq!(sweep(&mut detector, &cluster, at(0)), []);
    serve(&cluster, 0, 1_000, 4);
    serve(&cluster, 1, 0, 5);
    assert_eq!(ids(&sweep(&mut detector, &cluster, at(10))), [1]);
    let late = lease(&cluster, 0);
    let gone = late.endpoint().clone();
    for id in [0, 1] {
        assert!(cluster.remove(NodeId(id)).is_ok());
        let again = cluster.insert_at(at(11), Upstream::new(NodeId(id)));
        assert!(again.is_ok());
    }
    // The last failure of the one that is gone says nothing of the new one.
    late.failure_at(at(12));
    assert!(config.suspects(&gone));
    assert_eq!(detector.observe_at(at(12), &gone), None);
    // The new one of an ejected one is in, and found anew.
    serve(&cluster, 1, 0, 5);
    let endpoint = cluster.endpoint(NodeId(1)).expect("it is there");
    let verdict = detector.observe_at(at(13), &endpoint);
    assert_eq!(ids(&apply(&cluster, at(13), Vec::from_iter(verdict))), [1]);
    assert_eq!(detector.stats().ejected, 1);
    serve(&cluster, 0, 3, 1);
    assert_eq!(sweep(&mut detector, &cluster, at(20)), []);
    assert_eq!(detector.stats().endpoints, 3);
    assert_eq!(ejected(&cluster), [1]);
}

#[test]
fn a_new_detector_takes_over_what_a_former_one_ejected() {
    let cluster = cluster(2);
    assert_eq!(cluster.eject(NodeId(1)), Ok(true));
    let mut detector = OutlierDetector::seeded(OutlierConfig::new(), 0);
    assert_eq!(sweep(&mut detector, &cluster, at(100)), []);
    assert_eq!(detector.stats().ejected, 1);
    assert_eq!(sweep(&mut detector, &cluster, at(130)), []);
    let id = NodeId(1);
    assert_eq!(
        sweep(&mut detector, &cluster, at(140)),
        [Verdict::Readmit { id }]
    );
    assert_eq!(detector.stats().readmitted, 1);
}

#[test]
fn ten_thousand_endpoints_of_which_a_hundred_fail() {
    let upstreams = (0..10_000).map(|id| Upstream::new(NodeId(id)));
    let cluster = Cluster::new(RoundRobin::from(0), upstreams).expect("distinct");
    let config = OutlierConfig::new()
        .consecutive_failures(u32::MAX)
        .expect("valid")
        .success_rate_request_volume(4);
    let mut detector = OutlierDetector::seeded(config, 0);
    assert_eq!(detector.sweep_at(at(0), &cluster.load()), []);
    for _ in 0..40_000 {
        let lease = cluster
            .pick_at(at(1), &Request::new())
            .expect("all are open");
        if lease.node().0 % 100 == 17 {
            lease.failure_at(at(1));
        } else {
            lease.success_at(at(1));
        }
    }
    let verdicts = detector.sweep_at(at(10), &cluster.load());
    let failing: Vec<u64> = (0..10_000).filter(|id| id % 100 == 17).collect();
    assert_eq!(ids(&verdicts), failing);
    let stats = detector.stats();
    assert_eq!((stats.endpoints, stats.ejected), (10_000, 100));
    assert_eq!(stats.mean_success_rate, Some(0.99));
}
