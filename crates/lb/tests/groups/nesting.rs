//! Groups of groups, and what any sequence of changes leaves behind.

use super::{id, picks, share};
use alloc::collections::BTreeSet;
use core::time::Duration;
use proptest::prelude::*;
use purlin_lb::policy::{Failover, Priority, RoundRobin, ZoneAware, ZoneMap};
use purlin_lb::{
    Balancer, Cluster, ClusterBuilder, Health, Instant, Request, SlowStart, Status, Upstream,
};

const NOW: Instant = Instant::ORIGIN;
const ZONES: [&str; 2] = ["a", "b"];

type Nested = Priority<ZoneAware<RoundRobin>>;

fn nested() -> Nested {
    let zones = ZoneAware::seeded("a", RoundRobin::from(0), 1).min_endpoints(0);
    Priority::seeded(zones, 2)
}

/// Bit 0 is the zone, bit 1 the level.
fn upstream(node: u64) -> Upstream<u64> {
    let zone = ZONES[usize::from(node & 1 != 0)];
    Upstream::new(node)
        .zone(zone)
        .priority(u8::from(node & 2 != 0))
}

fn level(node: u64) -> u64 {
    node >> 1 & 1
}

#[test]
fn a_level_keeps_to_the_zone() {
    let cluster = Cluster::new(nested(), (0..40).map(upstream)).unwrap();
    cluster.check_invariants();
    let counts = picks(&cluster, 1000);
    assert!(counts.keys().all(|node| node & 3 == 0), "{counts:?}");
    assert_eq!(counts.len(), 10);

    // 4 of 10 are left here at the first level, and 10 there: it carries 98 %, and in it, 4/14 of
    // the endpoints for half of the clients keep 8/14 of its requests.
    for node in (0..40).filter(|node| node & 3 == 0).take(6) {
        cluster
            .set_health_at(NOW, id(node), Health::Unhealthy)
            .unwrap();
        cluster.check_invariants();
    }
    let counts = picks(&cluster, 100_000);
    let first = share(&counts, |node| level(node) == 0);
    assert!((first - 0.98).abs() < 0.001, "{first}");
    let stays = share(&counts, |node| node & 3 == 0) / first;
    assert!((stays - 8.0 / 14.0).abs() < 0.002, "{stays}");
    assert!(
        picks(&cluster, 1000)
            .keys()
            .all(|node| level(*node) == 1 && node & 1 == 0 || level(*node) == 0)
    );
}

/// The level and the zone of a key do not hang together.
#[test]
fn keys_are_divided_within_levels_as_over_levels() {
    let cluster = Cluster::new(nested(), (0..40).map(upstream)).unwrap();
    // 2 of 10 here and 4 of 10 there: 42 % for the level, 2/3 of which stay.
    for node in [0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21] {
        cluster
            .set_health_at(NOW, id(node), Health::Unhealthy)
            .unwrap();
    }
    let nodes: Vec<u64> = (0..20_000_u32)
        .map(|key| {
            let request = Request::new().key(key.to_le_bytes());
            *cluster.pick_at(NOW, &request).unwrap().node()
        })
        .collect();
    let count = |of: fn(u64) -> bool| nodes.iter().filter(|node| of(**node)).count() as f64;
    let level = count(|node| level(node) == 0);
    assert!((level / 20_000.0 - 0.42).abs() < 0.02, "{level}");
    let stays = count(|node| node & 3 == 0) / level;
    assert!((stays - 2.0 / 3.0).abs() < 0.03, "{stays}");
}

/// In a level that panics, zones do not matter, and its unhealthy endpoints take part.
#[test]
fn a_panic_of_a_level_reaches_its_zones() {
    let cluster = Cluster::new(nested(), (0..40).map(upstream)).unwrap();
    let sick: Vec<u64> = (0..40).filter(|node| node & 31 > 3).collect();
    for node in &sick {
        cluster
            .set_health_at(NOW, id(*node), Health::Unhealthy)
            .unwrap();
        cluster.check_invariants();
    }
    assert!(cluster.load().policy().loads().all(|(_, load)| load.panic));
    assert_eq!(picks(&cluster, 400).len(), 40);
    for node in sick {
        cluster
            .set_health_at(NOW, id(node), Health::Healthy)
            .unwrap();
        cluster.check_invariants();
    }
    assert!(picks(&cluster, 400).keys().all(|node| node & 3 == 0));
}

#[test]
fn degraded_endpoints_of_a_level_keep_to_the_zone_too() {
    let cluster = Cluster::new(nested(), (0..40).map(upstream)).unwrap();
    for node in 0..40 {
        cluster
            .set_health_at(NOW, id(node), Health::Degraded)
            .unwrap();
        cluster.check_invariants();
    }
    let counts = picks(&cluster, 400);
    assert!(counts.keys().all(|node| node & 3 == 0), "{counts:?}");
    assert_eq!(counts.len(), 10);
    // And through an update.
    cluster.insert_at(NOW, upstream(40)).unwrap();
    cluster.check_invariants();
    cluster
        .set_health_at(NOW, id(40), Health::Degraded)
        .unwrap();
    cluster.check_invariants();
    assert!(picks(&cluster, 400).contains_key(&40));
}

#[test]
fn sites_hold_levels() {
    let latencies = ZoneMap::from_iter([
        ("a", Duration::from_millis(1)),
        ("b", Duration::from_millis(2)),
    ]);
    let policy = Failover::seeded(latencies, Priority::seeded(RoundRobin::from(0), 1), 2);
    let cluster = Cluster::new(policy, (0..40).map(upstream)).unwrap();
    assert!(picks(&cluster, 100).keys().all(|node| node & 3 == 0));
    for node in (0..40).filter(|node| node & 3 == 0) {
        cluster.eject(id(node)).unwrap();
        cluster.check_invariants();
    }
    // The second level at the first site, half of which is still there.
    assert!(picks(&cluster, 100).keys().all(|node| node & 3 == 2));
    cluster.eject(id(2)).unwrap();
    cluster.check_invariants();
    assert!(picks(&cluster, 100).keys().all(|node| node & 3 == 1));
}

/// An endpoint that is in slow start in the cluster is in slow start in its groups: 8, whether it is
/// new or healed.
fn assert_slow_start(begin: impl Fn(&Cluster<u64, Nested>, Instant)) {
    let ramp = SlowStart::new(Duration::from_secs(100)).expect("above zero");
    let builder = ClusterBuilder::new(nested()).slow_start(ramp);
    let cluster = builder.build((0..8).map(|n| upstream(n * 4)));
    let cluster = cluster.expect("no two alike");
    let now = Instant::from_secs(1000);
    begin(&cluster, now);
    let share_at = |secs| {
        let picked = (0..8000).filter(|_| {
            let lease = cluster.pick_at(now + Duration::from_secs(secs), &Request::new());
            *lease.expect("it is open").node() == 8
        });
        picked.count()
    };
    let (early, late) = (share_at(0), share_at(100));
    assert!(early < 250 && late >= 800, "{early}, then {late}");
}

#[test]
fn slow_start_reaches_groups() {
    assert_slow_start(|cluster, now| {
        cluster.remove(id(8)).unwrap();
        cluster.insert_at(now, upstream(8)).unwrap();
    });
    assert_slow_start(|cluster, now| {
        let set = |health| cluster.set_health_at(now, id(8), health).unwrap();
        set(Health::Unhealthy);
        set(Health::Healthy);
    });
}

#[derive(Clone, Debug)]
enum Change {
    Insert(u64),
    Remove(u64),
    Weight(u64, u32),
    Health(u64, Health),
    Eject(u64),
    Readmit(u64),
    Drain(u64),
    Undrain(u64),
}

fn change() -> impl Strategy<Value = Change> {
    let node = || 0_u64..24;
    let health = prop_oneof![
        Just(Health::Healthy),
        Just(Health::Degraded),
        Just(Health::Unhealthy)
    ];
    prop_oneof![
        2 => node().prop_map(Change::Insert),
        1 => node().prop_map(Change::Remove),
        1 => (node(), 0_u32..3).prop_map(|(node, weight)| Change::Weight(node, weight)),
        4 => (node(), health).prop_map(|(node, health)| Change::Health(node, health)),
        2 => node().prop_map(Change::Eject),
        1 => node().prop_map(Change::Readmit),
        1 => node().prop_map(Change::Drain),
        1 => node().prop_map(Change::Undrain),
    ]
}

/// Applies what can be; answers false for what cannot.
fn apply<P: Balancer + Clone>(cluster: &Cluster<u64, P>, change: &Change) -> bool {
    match *change {
        Change::Insert(node) => cluster.insert_at(NOW, upstream(node)).is_ok(),
        Change::Remove(node) => cluster.remove(id(node)).is_ok(),
        Change::Weight(node, weight) => cluster.set_weight(id(node), weight).is_ok(),
        Change::Health(node, health) => cluster.set_health_at(NOW, id(node), health).is_ok(),
        Change::Eject(node) => cluster.eject(id(node)).is_ok(),
        Change::Readmit(node) => cluster.readmit_at(NOW, id(node)).is_ok(),
        Change::Drain(node) => cluster.drain(id(node)).is_ok(),
        Change::Undrain(node) => cluster.undrain_at(NOW, id(node)).is_ok(),
    }
}

/// A new cluster of the same endpoints in the same status.
fn anew<P: Balancer + Clone>(cluster: &Cluster<u64, P>, policy: P) -> Cluster<u64, P> {
    let present = cluster.load();
    let listed = present.iter().map(|endpoint| {
        let weight = endpoint.weight().get();
        upstream(*endpoint.node()).weight(weight)
    });
    let fresh = ClusterBuilder::new(policy)
        .panic_threshold(30)
        .expect("below 100");
    let fresh = fresh.build(listed).expect("no two alike");
    for endpoint in present.iter() {
        let (node, status): (_, Status) = (*endpoint.node(), endpoint.status());
        fresh
            .set_health_at(NOW, id(node), status.health())
            .expect("it is there");
        if status.is_ejected() {
            fresh.eject(id(node)).expect("it is there");
        }
        if status.is_draining() {
            fresh.drain(id(node)).expect("it is there");
        }
    }
    fresh
}

/// Whom it picks, of many times.
fn reached<P: Balancer>(cluster: &Cluster<u64, P>) -> BTreeSet<u64> {
    let picks = (0..2000).filter_map(|_| cluster.pick_at(NOW, &Request::new()).ok());
    picks.map(|lease| *lease.node()).collect()
}

fn churned<P: Balancer + Clone>(policy: &P, changes: &[Change]) -> Cluster<u64, P> {
    let cluster = ClusterBuilder::new(policy.clone())
        .panic_threshold(30)
        .expect("below 100");
    let cluster = cluster.build((0..12).map(upstream)).expect("no two alike");
    for change in changes {
        apply(&cluster, change);
        cluster.check_invariants();
    }
    cluster
}

proptest! {
    #[test]
    fn churn_ends_where_a_new_cluster_begins(changes in proptest::collection::vec(change(), 0..60)) {
        let cluster = churned(&nested(), &changes);
        let fresh = anew(&cluster, nested());
        fresh.check_invariants();
        prop_assert!(cluster.load().policy().loads().eq(fresh.load().policy().loads()));
        prop_assert_eq!(reached(&cluster), reached(&fresh));
        let latencies = ZoneMap::from_iter([("a", Duration::from_millis(1)), ("b", Duration::from_millis(2))]);
        let sites = Failover::seeded(latencies, nested(), 3).hold(Duration::ZERO);
        let cluster = churned(&sites, &changes);
        let fresh = anew(&cluster, sites);
        prop_assert_eq!(reached(&cluster), reached(&fresh));
        prop_assert_eq!(cluster.load().policy().site(), fresh.load().policy().site());
    }
}
