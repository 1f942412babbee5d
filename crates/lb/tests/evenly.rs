//! Round robin and random picks where endpoints are closed: nobody gets the share of another, and
//! one that is open is found.

use core::sync::atomic::{AtomicBool, Ordering};
use purlin_hashring::Identity as _;
use purlin_lb::policy::{Random, RoundRobin};
use purlin_lb::{Balancer, Cluster, ClusterBuilder, Health, Instant, Request, Upstream};
use std::thread;

const NOW: Instant = Instant::from_secs(1_000);

/// Endpoint i is the number i and stands at position i. Without panics, however few are open.
fn cluster<P: Balancer + Clone>(policy: P, len: u64, closed: &[u64]) -> Cluster<u64, P> {
    let builder = ClusterBuilder::new(policy).panic_threshold(0);
    let builder = builder.expect("a percentage");
    let cluster = builder.build((0..len).map(Upstream::new));
    let cluster = cluster.expect("different names");
    for id in closed {
        close(&cluster, *id);
    }
    cluster
}

fn close<P: Balancer + Clone>(cluster: &Cluster<u64, P>, id: u64) {
    let closed = cluster.set_health_at(NOW, id.id(), Health::Unhealthy);
    assert_eq!(closed, Ok(true));
}

fn counts<P: Balancer + Clone>(cluster: &Cluster<u64, P>, len: u64, picks: u64) -> Vec<u64> {
    let mut counts = vec![0; usize::try_from(len).expect("a small number")];
    for _ in 0..picks {
        let lease = cluster
            .pick_at(NOW, &Request::new())
            .expect("some are open");
        counts[usize::try_from(*lease.node()).expect("a small number")] += 1;
    }
    counts
}

/// Closed in a row, at either end and in the middle, and here and there.
fn closures(len: u64) -> [Vec<u64>; 6] {
    [
        (0..len / 2).collect(),
        (len / 3..len * 9 / 10).collect(),
        (len / 2..len).collect(),
        (0..len - 1).collect(),
        (0..len).filter(|id| id % 7 < 6).collect(),
        (0..len).filter(|id| (id / 5) % 2 == 0).collect(),
    ]
}

#[test]
fn round_robin_is_exactly_even_whatever_is_closed() {
    for len in [10, 100, 1_000] {
        for closed in closures(len) {
            let cluster = cluster(RoundRobin::from(3), len, &closed);
            let open = len - closed.len() as u64;
            let mut counts = counts(&cluster, len, 20 * open);
            for id in closed.iter().rev() {
                let id = usize::try_from(*id).expect("a small number");
                assert_eq!(counts.remove(id), 0, "{id} is closed");
            }
            let what = format!("{open} of {len} are open");
            assert_eq!(counts, vec![20; counts.len()], "{what}");
        }
    }
}

#[test]
fn round_robin_is_even_in_two_threads() {
    let closed: Vec<u64> = (20..80).collect();
    let cluster = cluster(RoundRobin::from(0), 100, &closed);
    let all = thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| counts(&cluster, 100, 100_000)));
        threads.map(|thread| thread.join().expect("it panicked"))
    });
    for id in (0..20).chain(80..100) {
        let count = all[0][id] + all[1][id];
        assert!(count.abs_diff(5_000) < 500, "{id} got {count} of 5,000");
    }
}

#[test]
fn round_robin_begins_anywhere() {
    for turn in [u64::MAX, u64::MAX - 1, 1 << 63] {
        let cluster = cluster(RoundRobin::from(turn), 7, &[]);
        let first = cluster.pick_at(NOW, &Request::new()).expect("it is open");
        assert_eq!(*first.node(), turn % 7);
        assert_eq!(counts(&cluster, 7, 70), [10; 7]);
    }
}

/// Picks while the last of many endpoints comes and goes all the time; the first one is open.
fn beside_a_flapping_one<P: Balancer + Clone>(policy: P) {
    let last = 3_199_u64;
    let closed: Vec<u64> = (1..=last).collect();
    let cluster = cluster(policy, last + 1, &closed);
    let done = AtomicBool::new(false);
    let nowhere = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let opened = cluster.set_health_at(NOW, last.id(), Health::Healthy);
                assert_eq!(opened, Ok(true));
                close(&cluster, last);
            }
        });
        let pick = |_: &u32| cluster.pick_at(NOW, &Request::new()).is_err();
        let nowhere = (0..300_000).filter(pick).count();
        done.store(true, Ordering::Relaxed);
        nowhere
    });
    assert_eq!(nowhere, 0, "the first one is open");
}

#[test]
fn what_is_open_is_found_while_another_comes_and_goes() {
    beside_a_flapping_one(Random::seeded(1));
    beside_a_flapping_one(RoundRobin::from(0));
}
