//! Leases, flips and updates under every interleaving of two threads:
//! `RUSTFLAGS="--cfg purlin_loom" cargo test --release -p purlin-lb --test loom`.

#![cfg(purlin_loom)]

use core::time::Duration;
use loom::thread;
use purlin_lb::policy::{BoundedLoad, Hashed, RoundRobin};
use purlin_lb::{Cluster, ClusterBuilder, Health, Instant, NodeId, Request, Upstream};

const NOW: Instant = Instant::from_secs(1);

fn cluster(ids: &[u64]) -> Cluster<u64, RoundRobin> {
    Cluster::new(RoundRobin::from(0), ids.iter().copied().map(Upstream::new))
        .expect("they are distinct")
}

#[test]
fn leases_are_counted_through_an_update() {
    loom::model(|| {
        let cluster = cluster(&[1]);
        let endpoint = cluster.endpoint(NodeId(1)).expect("it is there");
        let picker = {
            let cluster = cluster.clone();
            thread::spawn(move || {
                let lease = cluster.pick_at(NOW, &Request::new()).expect("one is open");
                assert_eq!(lease.endpoint().in_flight(), 1);
                lease.success_at(NOW + Duration::from_millis(1));
            })
        };
        cluster.insert_at(NOW, 2).expect("it is new");
        let kept = cluster.endpoint(NodeId(1)).expect("it stayed");
        picker.join().expect("it does not panic");
        assert_eq!(endpoint.in_flight(), 0);
        // The record is one and the same in both versions.
        assert_eq!(kept.completed(), (1, 0));
        cluster.check_invariants();
    });
}

#[test]
fn a_flip_is_not_lost_to_an_update() {
    loom::model(|| {
        let cluster = cluster(&[1, 2]);
        let checker = {
            let cluster = cluster.clone();
            thread::spawn(move || {
                cluster
                    .set_health_at(NOW, NodeId(1), Health::Unhealthy)
                    .expect("it is there");
            })
        };
        cluster.remove(NodeId(2)).expect("it is there");
        cluster.insert_at(NOW, 3).expect("it is new");
        checker.join().expect("it does not panic");
        cluster.check_invariants();
        for _ in 0..3 {
            let lease = cluster.pick_at(NOW, &Request::new()).expect("one is open");
            assert_eq!(*lease.node(), 3);
        }
    });
}

#[test]
fn a_flip_is_seen_by_the_next_pick_and_a_panic_is_whole() {
    loom::model(|| {
        let cluster = ClusterBuilder::new(RoundRobin::from(0))
            .panic_threshold(60)
            .expect("a percentage")
            .build([1_u64, 2].map(Upstream::new))
            .expect("they are distinct");
        let picker = {
            let cluster = cluster.clone();
            // Whatever it sees of the panic that begins, someone is open.
            thread::spawn(move || cluster.pick_at(NOW, &Request::new()).map(drop))
        };
        cluster
            .set_health_at(NOW, NodeId(1), Health::Unhealthy)
            .expect("it is there");
        picker
            .join()
            .expect("it does not panic")
            .expect("one is open");
        assert!(cluster.load().pool().is_panicking());
        cluster.check_invariants();
    });
}

#[test]
fn updates_take_turns() {
    loom::model(|| {
        let cluster = cluster(&[1]);
        let other = {
            let cluster = cluster.clone();
            thread::spawn(move || cluster.insert_at(NOW, 2).expect("it is new"))
        };
        cluster.set_weight(NodeId(1), 5).expect("it is there");
        other.join().expect("it does not panic");
        let snapshot = cluster.load();
        assert_eq!(snapshot.len(), 2);
        assert_eq!(snapshot.epoch().0, 3);
        let heavy = snapshot.find(NodeId(1)).expect("it stayed");
        assert_eq!(heavy.weight().get(), 5);
    });
}

#[test]
fn leases_of_two_threads_are_two() {
    loom::model(|| {
        let cluster = cluster(&[1]);
        let use_it = |cluster: &Cluster<u64, RoundRobin>| {
            let lease = cluster.pick_at(NOW, &Request::new()).expect("one is open");
            lease.success_at(NOW);
        };
        let other = {
            let cluster = cluster.clone();
            thread::spawn(move || use_it(&cluster))
        };
        use_it(&cluster);
        other.join().expect("it does not panic");
        let endpoint = cluster.endpoint(NodeId(1)).expect("it is there");
        assert_eq!(endpoint.in_flight(), 0);
        assert_eq!(endpoint.completed(), (2, 0));
    });
}

#[test]
fn a_picker_sees_what_happened_before() {
    loom::model(|| {
        let cluster = cluster(&[1]);
        let mut picker = cluster.picker();
        let other = {
            let cluster = cluster.clone();
            thread::spawn(move || cluster.replace_at(NOW, [Upstream::new(2)]).map(drop))
        };
        let before = *picker
            .pick_at(NOW, &Request::new())
            .expect("one is open")
            .node();
        assert!([1, 2].contains(&before));
        other
            .join()
            .expect("it does not panic")
            .expect("no duplicates");
        let after = *picker
            .pick_at(NOW, &Request::new())
            .expect("one is open")
            .node();
        assert_eq!(after, 2);
    });
}

/// Those who look at endpoints at once leave sums that are the sums of what they saw.
#[test]
fn bounded_loads_add_up() {
    loom::model(|| {
        let policy = BoundedLoad::new(Hashed::rendezvous().seeded(0));
        let cluster = Cluster::new(policy, [1_u64, 2].map(Upstream::new)).expect("distinct");
        let hot = Request::new().key("hot");
        let first = cluster.pick_at(NOW, &hot).expect("both are open");
        let other = {
            let (cluster, id) = (cluster.clone(), first.endpoint().id());
            thread::spawn(move || {
                cluster.eject(id).expect("it is there");
            })
        };
        let second = cluster.pick_at(NOW, &hot).expect("one is open");
        other.join().expect("it does not panic");
        cluster.check_invariants();
        drop((first, second));
    });
}

#[test]
fn a_drained_endpoint_that_is_idle_gets_nothing() {
    loom::model(|| {
        let cluster = cluster(&[1]);
        let endpoint = cluster.endpoint(NodeId(1)).expect("it is there");
        let picker = {
            let cluster = cluster.clone();
            thread::spawn(move || {
                // Refused, or answered before it was seen to be idle.
                if let Ok(lease) = cluster.pick_at(NOW, &Request::new()) {
                    lease.success_at(NOW);
                }
            })
        };
        cluster.drain(NodeId(1)).expect("it is there");
        let idle = endpoint.is_idle().then(|| endpoint.completed());
        picker.join().expect("it does not panic");
        if let Some(completed) = idle {
            assert_eq!(endpoint.completed(), completed);
        }
    });
}
