//! Priority levels in a cluster.

use super::{id, picks, share};
use alloc::collections::BTreeSet;
use purlin_lb::group::LevelLoad;
use purlin_lb::policy::{Priority, Random, RoundRobin};
use purlin_lb::{Cluster, ClusterBuilder, Health, Instant, NodeId, Request, Upstream};

const NOW: Instant = Instant::ORIGIN;

/// Level `n / 10` for endpoint `n`.
fn upstreams(count: u64) -> impl Iterator<Item = Upstream<u64>> {
    (0..count).map(|n| Upstream::new(n).priority(u8::try_from(n / 10).expect("few levels")))
}

fn cluster(count: u64) -> Cluster<u64, Priority<RoundRobin>> {
    let policy = Priority::seeded(RoundRobin::from(0), 1);
    Cluster::new(policy, upstreams(count)).expect("no two alike")
}

fn set(
    cluster: &Cluster<u64, Priority<RoundRobin>>,
    nodes: impl IntoIterator<Item = u64>,
    health: Health,
) {
    for node in nodes {
        cluster
            .set_health_at(NOW, id(node), health)
            .expect("it is there");
        cluster.check_invariants();
    }
}

fn loads(cluster: &Cluster<u64, Priority<RoundRobin>>) -> Vec<LevelLoad> {
    cluster
        .load()
        .policy()
        .loads()
        .map(|(_, load)| load)
        .collect()
}

const fn load(healthy: u8, degraded: u8, panic: bool) -> LevelLoad {
    LevelLoad {
        healthy,
        degraded,
        panic,
    }
}

#[test]
fn the_first_level_gets_everything_while_it_can_carry_it() {
    let cluster = cluster(20);
    set(&cluster, 0..2, Health::Unhealthy);
    let counts = picks(&cluster, 800);
    assert!(counts.keys().copied().eq(2..10));
    assert!(counts.values().all(|count| *count == 100), "{counts:?}");
}

#[test]
fn levels_get_the_shares_of_the_rule_and_closed_endpoints_nothing() {
    let cluster = cluster(20);
    // Envoy's table: half of a level carries 70 %.
    set(&cluster, [0, 1, 2, 3, 4, 12], Health::Unhealthy);
    assert_eq!(loads(&cluster), [load(70, 0, false), load(30, 0, false)]);
    let counts = picks(&cluster, 10_000);
    let first = share(&counts, |node| node < 10);
    assert!((first - 0.7).abs() < 0.002, "{first}");
    assert!(
        [0, 1, 2, 3, 4, 12]
            .iter()
            .all(|node| !counts.contains_key(node))
    );
}

#[test]
fn degraded_endpoints_come_after_the_healthy_ones_of_all_levels() {
    let cluster = cluster(20);
    set(&cluster, 0..5, Health::Degraded);
    set(&cluster, 11..20, Health::Unhealthy);
    // 70 + 14 by healthy ones; half of the first level, degraded, could carry 70.
    assert_eq!(loads(&cluster), [load(70, 16, false), load(14, 0, false)]);
    let counts = picks(&cluster, 10_000);
    let degraded = share(&counts, |node| node < 5);
    assert!((degraded - 0.16).abs() < 0.002, "{degraded}");
    assert!((share(&counts, |node| node == 10) - 0.14).abs() < 0.002);
    // And as the level heals, they get nothing.
    set(&cluster, 0..3, Health::Healthy);
    set(&cluster, 11..14, Health::Healthy);
    assert!(!picks(&cluster, 1000).contains_key(&3));
}

#[test]
fn a_level_panics_by_itself_and_for_as_long_as_others_cannot_help() {
    let cluster = cluster(20);
    set(&cluster, 0..8, Health::Unhealthy);
    set(&cluster, 10..14, Health::Unhealthy);
    // 28 + 84: they carry everything.
    assert_eq!(loads(&cluster), [load(28, 0, false), load(72, 0, false)]);
    assert!(!picks(&cluster, 1000).contains_key(&0));
    set(&cluster, 14..15, Health::Unhealthy);
    // 28 + 70: the first level is below its threshold and all of it takes part.
    assert_eq!(loads(&cluster), [load(29, 0, true), load(71, 0, false)]);
    let counts = picks(&cluster, 1000);
    assert!((0..10).all(|node| counts.contains_key(&node)));
    assert!((10..15).all(|node| !counts.contains_key(&node)));
    cluster.drain(id(0)).unwrap();
    assert!(
        !picks(&cluster, 1000).contains_key(&0),
        "drained in a panic"
    );
    set(&cluster, 14..15, Health::Healthy);
    assert!(!picks(&cluster, 1000).contains_key(&1), "the panic is over");
}

#[test]
fn with_nothing_available_levels_share_by_size() {
    let cluster = cluster(15);
    set(&cluster, 0..15, Health::Unhealthy);
    assert_eq!(loads(&cluster), [load(67, 0, true), load(33, 0, true)]);
    let counts = picks(&cluster, 1000);
    assert_eq!(counts.len(), 15);
    // But not if nobody may take any: then the pool is closed.
    for node in 0..15 {
        cluster.drain(id(node)).unwrap();
    }
    cluster.check_invariants();
    assert!(cluster.pick_at(NOW, &Request::new()).is_err());
}

#[test]
fn a_request_that_excludes_its_level_goes_to_another() {
    let cluster = cluster(11);
    let first: Vec<NodeId> = (0..10).map(id).collect();
    let request = Request::new().exclude(&first);
    assert_eq!(*cluster.pick_at(NOW, &request).unwrap().node(), 10);
    let all: Vec<NodeId> = (0..11).map(id).collect();
    assert!(cluster.pick_at(NOW, &Request::new().exclude(&all)).is_err());
}

#[test]
fn what_the_cluster_opens_in_a_panic_of_its_own_is_found() {
    let policy = Priority::seeded(RoundRobin::from(0), 1)
        .panic_threshold(0)
        .unwrap();
    let cluster = ClusterBuilder::new(policy).panic_threshold(90).unwrap();
    let cluster = cluster.build(upstreams(10)).unwrap();
    cluster
        .set_health_at(NOW, id(0), Health::Unhealthy)
        .unwrap();
    cluster
        .set_health_at(NOW, id(1), Health::Unhealthy)
        .unwrap();
    cluster.check_invariants();
    assert_eq!(picks(&cluster, 100).len(), 10);
    cluster.set_health_at(NOW, id(1), Health::Healthy).unwrap();
    assert_eq!(picks(&cluster, 100).len(), 9);
}

/// Equal keys stay at one level while shares stay; all keys together are divided as they ask.
#[test]
fn keys_are_divided_by_themselves() {
    let cluster = cluster(20);
    set(&cluster, 0..5, Health::Unhealthy);
    let level = |key: u32| {
        let request = Request::new().key(key.to_le_bytes());
        *cluster.pick_at(NOW, &request).unwrap().node() / 10
    };
    let first: Vec<_> = (0..4000).map(level).collect();
    assert!(first.iter().copied().eq((0..4000).map(level)));
    let share = first.iter().filter(|level| **level == 0).count() as f64 / 4000.0;
    // 70 % with a standard deviation of 0.72 %.
    assert!((share - 0.7).abs() < 0.03, "{share}");
}

/// Level 0 has two endpoints that take turns, whatever happens to level 1.
#[test]
fn the_phase_of_a_level_outlives_updates() {
    let policy = Priority::seeded(RoundRobin::from(0), 1);
    let cluster = Cluster::new(policy, (0..2_u64).map(Upstream::new)).unwrap();
    let mut nodes = Vec::new();
    for round in 0..50 {
        nodes.extend(picks(&cluster, 1).into_keys());
        cluster
            .insert_at(NOW, Upstream::new(100 + round).priority(1))
            .unwrap();
        cluster.check_invariants();
    }
    assert!(
        nodes
            .chunks(2)
            .all(|pair| BTreeSet::from([pair[0], pair[1]]).len() == 2),
        "{nodes:?}"
    );
}

#[test]
fn an_empty_cluster_and_one_that_empties_have_nothing() {
    let cluster =
        Cluster::new(Priority::new(Random::new()), (0..1_u64).map(Upstream::new)).unwrap();
    cluster.remove(id(0)).unwrap();
    cluster.check_invariants();
    assert_eq!(cluster.load().policy().loads().count(), 0);
    assert!(cluster.pick_at(NOW, &Request::new()).is_err());
}
