//! Zone-aware routing in a cluster.

use super::{id, picks, share};
use purlin_lb::policy::{RoundRobin, ZoneAware, ZoneMap};
use purlin_lb::{Balancer, Cluster, ClusterBuilder, Health, Instant, NodeId, Request, Upstream};

const NOW: Instant = Instant::ORIGIN;
const ZONES: [&str; 3] = ["a", "b", "c"];

fn zone(node: u64) -> usize {
    usize::try_from(node / 100).expect("few zones")
}

/// So many endpoints in each zone: 0.., 100.., 200...
fn upstreams(counts: [u64; 3]) -> impl Iterator<Item = Upstream<u64>> {
    let nodes = (0..)
        .zip(counts)
        .flat_map(|(zone, count)| zone * 100..zone * 100 + count);
    nodes.map(|node| Upstream::new(node).zone(ZONES[zone(node)]))
}

fn policy() -> ZoneAware<RoundRobin> {
    ZoneAware::seeded("a", RoundRobin::from(0), 1)
}

fn cluster(policy: ZoneAware<RoundRobin>, counts: [u64; 3]) -> Cluster<u64, ZoneAware<RoundRobin>> {
    Cluster::new(policy, upstreams(counts)).expect("no two alike")
}

fn zones<P: Balancer>(cluster: &Cluster<u64, P>) -> [f64; 3] {
    let counts = picks(cluster, 12_000);
    [0, 1, 2].map(|at| share(&counts, |node| zone(node) == at))
}

fn assert_near(found: [f64; 3], expected: [f64; 3]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 0.002, "{found}, not {expected}");
    }
}

#[test]
fn all_stays_while_all_is_well() {
    let cluster = cluster(policy(), [2, 4, 6]);
    assert_near(zones(&cluster), [1.0, 0.0, 0.0]);
    cluster.check_invariants();
}

/// The docs' example of Envoy: half of the clients and a quarter of the endpoints are here.
#[test]
fn what_is_too_much_goes_where_there_is_room() {
    let clients = ZoneMap::from_iter([("a", 2), ("b", 1), ("c", 1)]);
    let cluster = cluster(policy().origin_counts(clients.clone()), [2, 2, 4]);
    assert_near(zones(&cluster), [0.5, 0.0, 0.5]);
    // Clients move, and the next pick knows.
    clients.set("a", 1);
    assert_near(zones(&cluster), [0.75, 0.0, 0.25]);
    clients.replace([("a", 1), ("c", 3)]);
    assert_near(zones(&cluster), [1.0, 0.0, 0.0]);
    clients.replace([("b", 1)]);
    clients.remove("b");
    assert_near(zones(&cluster), [1.0, 0.0, 0.0]);
}

/// An outage here of half of the endpoints: 1 of 5 is available here where 2 of 6 clients are.
#[test]
fn endpoints_that_fail_send_requests_away_in_measure() {
    let cluster = cluster(policy().min_endpoints(0), [2, 2, 2]);
    cluster.eject(id(0)).unwrap();
    cluster.check_invariants();
    let counts = picks(&cluster, 12_000);
    assert!(!counts.contains_key(&0));
    assert_near(zones(&cluster), [0.6, 0.2, 0.2]);
    cluster.eject(id(1)).unwrap();
    assert_near(zones(&cluster), [0.0, 0.5, 0.5]);
    cluster.readmit_at(NOW, id(0)).unwrap();
    cluster.readmit_at(NOW, id(1)).unwrap();
    cluster.check_invariants();
    assert_near(zones(&cluster), [1.0, 0.0, 0.0]);
}

#[test]
fn weights_count_as_much_as_endpoints() {
    let clients = ZoneMap::from_iter([("a", 1), ("b", 1)]);
    let cluster = cluster(policy().origin_counts(clients).min_endpoints(0), [2, 2, 0]);
    cluster.set_weight(id(100), 5).unwrap();
    cluster.check_invariants();
    // 2 of 8.
    assert_near(zones(&cluster), [0.5, 0.5, 0.0]);
    cluster.set_weight(id(0), 0).unwrap();
    cluster.check_invariants();
    // 1 of 7.
    assert_near(zones(&cluster), [2.0 / 7.0, 5.0 / 7.0, 0.0]);
}

#[test]
fn zones_do_not_matter_to_few_endpoints_in_a_panic_or_without_a_choice() {
    let third = 1.0 / 3.0;
    let few = cluster(policy(), [1, 2, 2]);
    assert_eq!(few.load().policy().local_share(), None);
    few.insert_at(NOW, Upstream::new(1).zone("a")).unwrap();
    assert_eq!(few.load().policy().local_share(), Some(1.0));

    let panicking = ClusterBuilder::new(policy()).panic_threshold(60).unwrap();
    let panicking = panicking.build(upstreams([4, 4, 4])).unwrap();
    for node in [0, 1, 2, 100, 101] {
        panicking
            .set_health_at(NOW, id(node), Health::Unhealthy)
            .unwrap();
        panicking.check_invariants();
    }
    assert_eq!(panicking.load().policy().local_share(), None);
    assert_near(zones(&panicking), [third; 3]);
    panicking
        .set_health_at(NOW, id(0), Health::Healthy)
        .unwrap();
    panicking.check_invariants();
    assert!(panicking.load().policy().local_share().is_some());
    assert!(!picks(&panicking, 1000).contains_key(&100));

    let nowhere = cluster(ZoneAware::new("elsewhere", RoundRobin::from(0)), [4, 4, 4]);
    assert_eq!(nowhere.load().policy().local_share(), None);
    assert_near(zones(&nowhere), [third; 3]);
    let clients = ZoneMap::from_iter([("elsewhere", 1), ("a", 1)]);
    let policy = ZoneAware::new("elsewhere", RoundRobin::from(0)).origin_counts(clients);
    assert_near(zones(&cluster(policy, [4, 2, 2])), [0.0, 0.5, 0.5]);
}

#[test]
fn a_request_that_excludes_its_zone_goes_to_another() {
    let cluster = cluster(policy(), [3, 3, 3]);
    let here: Vec<NodeId> = (0..3).map(id).collect();
    let request = Request::new().exclude(&here);
    assert!(*cluster.pick_at(NOW, &request).unwrap().node() >= 100);
}
