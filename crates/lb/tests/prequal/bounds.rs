//! How many probes there are, and of whom.

use super::{NOW, answer, cluster, fetch, pick};
use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;
use purlin_lb::policy::Prequal;
use purlin_lb::{Health, Identity as _};

#[test]
fn there_are_as_many_probes_as_are_asked_for() {
    for (rate, expected) in [
        (0.25, 250),
        (0.5, 500),
        (1.0, 1_000),
        (2.5, 2_500),
        (16.0, 16_000),
    ] {
        let policy = Prequal::seeded(1).probes_per_request(rate).unwrap();
        let (cluster, mut probes) = cluster(policy, 100);
        let mut asked = 0;
        for _ in 0..1_000 {
            pick(&cluster, NOW);
            for probe in fetch(&mut probes) {
                answer(&mut probes, NOW, probe.number, (1, 1));
                asked += 1;
            }
        }
        assert_eq!(asked, expected, "{rate}");
    }
}

#[test]
fn probes_that_nobody_fetches_or_answers_do_not_pile_up() {
    let (cluster, mut probes) = cluster(Prequal::seeded(1), 100);
    for _ in 0..5_000 {
        pick(&cluster, NOW);
    }
    assert_eq!(fetch(&mut probes).len(), 16, "as many as the pool holds");
    let mut waiting = 16;
    for _ in 0..5_000 {
        pick(&cluster, NOW);
        waiting += fetch(&mut probes).len();
    }
    assert_eq!(waiting, 1_024);
    // They are given up, and others are asked.
    let later = NOW + Duration::from_millis(1_001);
    pick(&cluster, later);
    let numbers: Vec<_> = fetch(&mut probes)
        .iter()
        .map(|probe| probe.number)
        .collect();
    assert_eq!(numbers, [1_024, 1_025, 1_026]);
}

#[test]
fn a_request_asks_different_endpoints_and_all_of_them_in_time() {
    let (cluster, mut probes) = cluster(Prequal::seeded(1), 20);
    let mut counts = BTreeMap::new();
    for _ in 0..10_000 {
        pick(&cluster, NOW);
        let asked: BTreeSet<_> = fetch(&mut probes)
            .into_iter()
            .map(|probe| {
                answer(&mut probes, NOW, probe.number, (1, 1));
                *counts.entry(probe.endpoint).or_insert(0) += 1;
                probe.endpoint
            })
            .collect();
        assert_eq!(asked.len(), 3);
    }
    // 1,500 each; 36 is the deviation.
    assert!(
        counts.values().all(|count| (1_300..1_700).contains(count)),
        "{counts:?}"
    );
    assert_eq!(counts.len(), 20);
}

#[test]
fn only_open_endpoints_are_asked_however_few_they_are() {
    let (cluster, mut probes) = cluster(Prequal::seeded(1), 500);
    for node in 0..500_u64 {
        if !matches!(node, 7 | 300) {
            cluster
                .set_health_at(NOW, node.id(), Health::Unhealthy)
                .unwrap();
            cluster.drain(node.id()).unwrap();
        }
    }
    let expected = BTreeSet::from([7_u64.id(), 300_u64.id()]);
    for _ in 0..20 {
        pick(&cluster, NOW);
        let asked = fetch(&mut probes);
        let endpoints: BTreeSet<_> = asked.iter().map(|probe| probe.endpoint).collect();
        assert_eq!((asked.len(), &endpoints), (2, &expected));
        for probe in asked {
            answer(&mut probes, NOW, probe.number, (1, 1));
        }
    }
}

#[test]
fn neither_picks_nor_answers_allocate() {
    let (cluster, mut probes) = cluster(Prequal::seeded(1), 100);
    let snapshot = cluster.load();
    let info = allocation_counter::measure(|| {
        for round in 0..2_000_u32 {
            let request = purlin_lb::Request::new();
            assert!(snapshot.pick(&request, NOW).is_ok());
            use purlin_core::machine::Machine as _;
            while let Some(probe) = probes.poll_output() {
                // Every other is lost.
                if probe.number % 2 == 0 {
                    answer(&mut probes, NOW, probe.number, (round % 10, 1));
                }
            }
        }
    });
    assert_eq!(info.count_total, 0);
}
