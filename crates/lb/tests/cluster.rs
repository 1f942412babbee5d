//! Updates of a cluster: batches, lists in any order, what changes nothing, endpoints that are drained.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use purlin_lb::policy::{RoundRobin, WeightedRoundRobin};
use purlin_lb::{
    Batch, Cluster, ClusterBuilder, Instant, NodeId, Request, SlowStart, Unavailable, UpdateError,
    Upstream,
};
use std::thread;

const NOW: Instant = Instant::from_secs(1);

type Numbers = Cluster<u64, WeightedRoundRobin>;

fn cluster(ids: core::ops::Range<u64>) -> Numbers {
    Cluster::new(WeightedRoundRobin::seeded(1), ids.map(Upstream::new)).expect("they are distinct")
}

fn update(cluster: &Numbers, change: impl FnOnce(&mut Batch<u64>) -> Result<(), UpdateError>) {
    cluster.update_at(NOW, change).expect("it can be done");
    cluster.check_invariants();
}

fn ids(cluster: &Numbers) -> Vec<u64> {
    let snapshot = cluster.load();
    snapshot.iter().map(|endpoint| endpoint.id().0).collect()
}

#[test]
fn a_batch_leaves_what_is_there_in_the_end() {
    for len in [0, 1, 5, 63, 64, 65, 200] {
        let cluster = cluster(0..len);
        update(&cluster, |batch| {
            let id = batch.insert(1_000).expect("it is new");
            batch.remove(id).map(drop)
        });
        assert_eq!(ids(&cluster), (0..len).collect::<Vec<_>>());
        update(&cluster, |batch| {
            batch.replace((0..len + 70).map(Upstream::new))?;
            batch.replace((0..2).map(Upstream::new)).map(drop)
        });
        assert_eq!(ids(&cluster).len(), 2);
        assert_eq!(cluster.load().pool().open_len(), 2);
    }
}

#[test]
fn removals_and_a_replacement_in_one_batch() {
    let cluster = cluster(0..10);
    update(&cluster, |batch| {
        for id in 0..5 {
            batch.remove(NodeId(id))?;
        }
        batch.replace((7..10).map(Upstream::new)).map(drop)
    });
    assert_eq!(cluster.load().pool().open_len(), 3);
    assert_eq!(cluster.load().len(), 3);
}

#[test]
fn an_update_that_fails_changes_nothing() {
    let cluster = cluster(0..3);
    let failed = cluster.update_at(NOW, |batch| {
        batch.remove(NodeId(0))?;
        batch.set_weight(NodeId(1), 9)?;
        batch.remove(NodeId(77))
    });
    assert_eq!(failed.unwrap_err(), UpdateError::Unknown { id: NodeId(77) });
    assert_eq!(ids(&cluster), [0, 1, 2]);
    assert_eq!(cluster.endpoint(NodeId(1)).unwrap().weight().get(), 1);
}

/// Discovery that rotates its list must not move the turn with it.
#[test]
fn a_list_in_another_order_moves_nobody() {
    let cluster = Cluster::new(RoundRobin::from(0), (0..4_u64).map(Upstream::new)).unwrap();
    let mut counts = [0; 4];
    for round in 0..400 {
        let rotated = (0..4).map(|at| Upstream::new((at + round) % 4));
        cluster.replace_at(NOW, rotated).unwrap();
        let lease = cluster.pick_at(NOW, &Request::new()).unwrap();
        counts[usize::try_from(*lease.node()).unwrap()] += 1;
    }
    assert_eq!(counts, [100; 4]);
}

#[test]
fn what_changes_nothing_makes_no_version() {
    let cluster = cluster(0..100);
    let before = cluster.load().epoch();
    cluster.set_weight(NodeId(3), 1).unwrap();
    cluster
        .replace_at(NOW, (0..100).map(Upstream::new))
        .unwrap();
    assert_eq!(cluster.load().epoch(), before);
    let info = allocation_counter::measure(|| cluster.set_weight(NodeId(3), 1).unwrap());
    assert!(info.bytes_total < 8_192, "{info:?}");
    cluster.set_weight(NodeId(3), 2).unwrap();
    assert_eq!(cluster.load().epoch(), before.next());
}

#[test]
fn slow_start_begins_at_the_origin_of_time_and_with_a_weight() {
    let ramp = SlowStart::new(Duration::from_secs(60)).unwrap();
    let cluster = ClusterBuilder::new(RoundRobin::from(0))
        .slow_start(ramp)
        .build((0..4_u64).map(Upstream::new))
        .unwrap();
    let share = |cluster: &Cluster<u64, RoundRobin>, id: u64| {
        let at = |_| {
            *cluster
                .pick_at(Instant::ORIGIN, &Request::new())
                .unwrap()
                .node()
        };
        (0..2_000).map(at).filter(|picked| *picked == id).count()
    };
    cluster.insert_at(Instant::ORIGIN, 9).unwrap();
    assert!((10..100).contains(&share(&cluster, 9)));
    cluster.set_weight(NodeId(2), 0).unwrap();
    assert_eq!(share(&cluster, 2), 0);
    cluster.set_weight(NodeId(2), 1).unwrap();
    assert!((10..100).contains(&share(&cluster, 2)));
}

/// Once a drained endpoint is idle, no request comes to it: its connection can be closed.
#[test]
fn an_idle_endpoint_that_is_drained_stays_idle() {
    let cluster = cluster(0..2);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                match cluster.pick_at(NOW, &Request::new()) {
                    Ok(lease) => lease.success_at(NOW),
                    Err(error) => assert_eq!(error, Unavailable::Closed),
                }
            }
        });
        let endpoint = cluster.endpoint(NodeId(0)).unwrap();
        for _ in 0..20_000 {
            cluster.drain(NodeId(0)).unwrap();
            if endpoint.is_idle() {
                let before = endpoint.completed();
                core::hint::spin_loop();
                assert_eq!(endpoint.completed(), before);
            }
            cluster.undrain_at(NOW, NodeId(0)).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
}
