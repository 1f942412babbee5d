//! The rules, one by one.

use super::{NOW, answer, cluster, fetch, node, pick, told};
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;
use purlin_core::machine::Machine as _;
use purlin_lb::policy::Prequal;
use purlin_lb::{ConfigError, Identity as _, Request};

/// Requests in flight and latency of eight endpoints. Half of them have 6 or more in flight.
const EIGHT: [(u32, u64); 8] = [
    (1, 90),
    (2, 40),
    (3, 30),
    (5, 20),
    (6, 15),
    (7, 10),
    (8, 5),
    (9, 1),
];

fn says(node: u64) -> (u32, u64) {
    EIGHT[usize::try_from(node).expect("small")]
}

/// By hand: of those below the quantile the one with the lowest latency; nobody is below that of 0,
/// and everybody below that of 1.
#[test]
fn of_cold_endpoints_the_fastest_and_of_hot_ones_the_emptiest() {
    for (quantile, expected) in [(0.0, 0), (0.25, 1), (0.5, 3), (0.75, 5), (1.0, 7)] {
        let policy = Prequal::seeded(1).hot_quantile(quantile).unwrap();
        let (cluster, _) = told(8, policy, says);
        assert_eq!(pick(&cluster, NOW), expected, "{quantile}");
    }
}

/// Unless it is said, half are cold of few and 84 in a hundred of many.
#[test]
fn more_endpoints_are_cold_where_there_are_more() {
    for (len, cold) in [(8, 0.5), (20, 0.5), (35, 0.67), (50, 0.84), (300, 0.84)] {
        let found = (0..40).map(|seed| part_below(len, seed));
        let highest = found.fold(0.0, f64::max);
        assert!(highest < cold && highest > cold - 0.04, "{len}: {highest}");
    }
}

/// Endpoints say that they have 0 to 99 in flight, and that the more they have the faster they are:
/// the one that gets a request is the last below the quantile, of those that are in the pool.
fn part_below(len: u64, seed: u64) -> f64 {
    let policy = Prequal::seeded(seed).pool_size(64).expect("in range");
    let (cluster, mut probes) = cluster(policy, len);
    let mut asked = Vec::new();
    // Nothing is used up before all is said.
    while asked.len() < 100 {
        pick(&cluster, NOW);
        asked.extend(fetch(&mut probes));
    }
    let mut last = BTreeMap::new();
    for (index, probe) in (0..100_u32).zip(asked) {
        let rif = index * 37 % 100;
        let says = (rif, 1_000 - u64::from(rif));
        answer(&mut probes, NOW, probe.number, says);
        last.insert(probe.endpoint, rif);
    }
    let picked = pick(&cluster, NOW).id();
    f64::from(last[&picked]) / 100.0
}

/// A request goes where the answer was best, and is one more there for the next.
#[test]
fn each_use_adds_a_request_in_flight() {
    let policy = Prequal::seeded(1).hot_quantile(0.0).unwrap();
    let (cluster, _) = told(8, policy, |node| (if node == 3 { 0 } else { 4 }, node));
    // The answers that go with each request are the oldest and the worst, in turn: node 3 stays but
    // for the turn of the oldest, and the first worst is 7.
    let picks: Vec<_> = (0..2).map(|_| pick(&cluster, NOW)).collect();
    assert_eq!(picks, [3, 3]);
}

#[test]
fn what_was_said_is_forgotten_with_age() {
    for (age, is_known) in [(999, true), (1_000, true), (1_001, false)] {
        let mut others = 0;
        for seed in 0..40 {
            let (cluster, _) = told(8, Prequal::seeded(seed), says);
            let picked = pick(&cluster, NOW + Duration::from_millis(age));
            others += u32::from(picked != 3);
        }
        assert_eq!(others == 0, is_known, "{age} ms");
    }
}

#[test]
fn answers_that_are_late_or_doubled_or_of_no_question_count_for_nothing() {
    let late = NOW + Duration::from_millis(1_001);
    for (at, numbers) in [
        (late, &[0, 1, 2][..]),
        // One answer is no choice.
        (NOW, &[0, 0, 0]),
        (NOW, &[3, 4, u64::MAX]),
    ] {
        let mut picked = BTreeSet::new();
        for seed in 0..60 {
            let (cluster, mut probes) = cluster(Prequal::seeded(seed), 8);
            pick(&cluster, NOW);
            assert_eq!(fetch(&mut probes).len(), 3);
            for number in numbers {
                answer(&mut probes, at, *number, (0, 0));
            }
            picked.insert(pick(&cluster, at));
        }
        assert_eq!(picked.len(), 8, "{numbers:?}: any endpoint");
    }
}

#[test]
fn an_endpoint_that_fails_is_passed_over_until_its_penalty_is_over() {
    let (cluster, mut probes) = told(8, Prequal::seeded(1), |node| (u32::from(node != 2), 5));
    for _ in 0..5 {
        let others: Vec<_> = (0..8_u64)
            .filter(|node| *node != 2)
            .map(|node| node.id())
            .collect();
        let lease = cluster
            .pick_at(NOW, &Request::new().exclude(&others))
            .unwrap();
        assert_eq!(*lease.node(), 2);
        lease.failure_at(NOW);
    }
    let mut say_again = |now| {
        for probe in fetch(&mut probes) {
            let rif = u32::from(node(probe.endpoint) != 2);
            answer(&mut probes, now, probe.number, (rif, 5));
        }
    };
    say_again(NOW);
    assert!((0..20).all(|_| pick(&cluster, NOW) != 2));
    let after = NOW + Duration::from_millis(1_001);
    pick(&cluster, after);
    say_again(after);
    assert_eq!(pick(&cluster, after), 2);
}

#[test]
fn without_answers_too_those_that_fail_are_rarely_picked() {
    let (cluster, _) = cluster(Prequal::seeded(1), 4);
    let others: Vec<_> = (1..4_u64).map(|node| node.id()).collect();
    for _ in 0..5 {
        let request = Request::new().exclude(&others);
        cluster.pick_at(NOW, &request).unwrap().failure_at(NOW);
    }
    let failing = (0..4_000).filter(|_| pick(&cluster, NOW) == 0).count();
    // All of four draws fall on it: one in 256.
    assert!(failing < 40, "{failing}");
}

#[test]
fn what_is_known_stays_through_updates_and_not_of_those_that_go() {
    let (cluster, _) = told(8, Prequal::seeded(1), says);
    // The last endpoint moves to where this one was.
    cluster.remove(0_u64.id()).unwrap();
    cluster.insert_at(NOW, 100).unwrap();
    assert_eq!(pick(&cluster, NOW), 3);
    cluster.remove(3_u64.id()).unwrap();
    assert_eq!(pick(&cluster, NOW), 2, "the next of those that are cold");
}

#[test]
fn a_request_goes_nowhere_it_is_not_to_go() {
    let (cluster, _) = told(8, Prequal::seeded(1), says);
    let excluded = [3_u64.id()];
    let lease = cluster
        .pick_at(NOW, &Request::new().exclude(&excluded))
        .unwrap();
    assert_eq!(*lease.node(), 2);
    cluster.drain(2_u64.id()).unwrap();
    let lease = cluster
        .pick_at(NOW, &Request::new().exclude(&excluded))
        .unwrap();
    assert_eq!(*lease.node(), 1);
}

#[test]
fn a_client_that_is_idle_keeps_its_pool_warm_if_told_to() {
    let policy = Prequal::seeded(1)
        .keep_warm(Duration::from_millis(400))
        .unwrap();
    let (cluster, mut probes) = cluster(policy, 8);
    assert_eq!(probes.poll_timeout(), None, "nobody is known yet");
    pick(&cluster, NOW);
    let first: BTreeSet<_> = fetch(&mut probes)
        .into_iter()
        .map(|probe| {
            answer(&mut probes, NOW, probe.number, (1, 1));
            probe.endpoint
        })
        .collect();
    let due = probes.poll_timeout().unwrap();
    assert_eq!(due, NOW + Duration::from_millis(400));
    probes.handle_timeout(due.saturating_sub(Duration::from_nanos(1)));
    assert_eq!(probes.poll_output(), None, "too early");
    probes.handle_timeout(due);
    let again: BTreeSet<_> = fetch(&mut probes)
        .into_iter()
        .map(|probe| probe.endpoint)
        .collect();
    assert_eq!(again, first);
    assert!(probes.poll_timeout().unwrap() > due);
    // Nobody answers: there is nobody left to ask.
    probes.handle_timeout(due + Duration::from_secs(2));
    assert_eq!(probes.poll_output(), None);
    assert_eq!(probes.poll_timeout(), None);
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |result: Result<Prequal, ConfigError>| result.unwrap_err().to_string();
    for probes in [0.0, 0.09, 16.1, -1.0, f64::NAN, f64::INFINITY] {
        let error = refused(Prequal::new().probes_per_request(probes));
        assert_eq!(error, "probes must be from 0.1 to 16");
    }
    for size in [0, 1, 65, usize::MAX] {
        assert_eq!(
            refused(Prequal::new().pool_size(size)),
            "answers must be from 2 to 64"
        );
    }
    for quantile in [-0.1, 1.1, f64::NAN] {
        let error = refused(Prequal::new().hot_quantile(quantile));
        assert_eq!(error, "quantile must be from 0 to 1");
    }
    assert_eq!(
        refused(Prequal::new().max_age(Duration::ZERO)),
        "max_age must be above zero"
    );
    assert_eq!(
        refused(Prequal::new().keep_warm(Duration::ZERO)),
        "every must be above zero"
    );
}
