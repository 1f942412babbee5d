//! Picks while everything changes, and what a pick costs.

use super::id;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use purlin_lb::policy::{Failover, Priority, RoundRobin, ZoneAware, ZoneMap};
use purlin_lb::{Balancer, Cluster, Health, Instant, Request, Upstream};
use std::thread;

const ZONES: [&str; 3] = ["a", "b", "c"];

fn upstream(node: u64) -> Upstream<u64> {
    let zone = ZONES[usize::try_from(node % 3).expect("below 3")];
    Upstream::new(node)
        .zone(zone)
        .priority(u8::from(node.is_multiple_of(7)))
}

fn latencies() -> ZoneMap<Duration> {
    ZONES
        .into_iter()
        .zip((1..).map(Duration::from_millis))
        .collect()
}

/// Endpoint 0 is never touched: there is always somebody.
fn churn<P: Balancer + Clone + 'static>(policy: P, disturb: impl Fn(u64)) {
    let cluster = Cluster::new(policy, (0..30).map(upstream)).expect("no two alike");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut picked = 0_u64;
                while !done.load(Ordering::Relaxed) || picked < 1000 {
                    picked += 1;
                    let now = Instant::from_nanos(picked);
                    let lease = cluster.pick_at(now, &Request::new()).expect("0 is open");
                    assert!(*lease.node() < 60);
                }
            });
        }
        for round in 0..3000_u64 {
            let node = 1 + round * 7919 % 29;
            let health = [Health::Healthy, Health::Unhealthy, Health::Degraded]
                [usize::try_from(round % 3).expect("below 3")];
            cluster
                .set_health_at(Instant::ORIGIN, id(node), health)
                .expect("it is there");
            if round % 10 == 0 {
                let other = 30 + round % 30;
                if cluster.insert_at(Instant::ORIGIN, upstream(other)).is_err() {
                    cluster.remove(id(other)).expect("it is there");
                }
            }
            disturb(round);
        }
        done.store(true, Ordering::Relaxed);
    });
    cluster.check_invariants();
}

#[test]
fn picks_go_on_while_levels_and_zones_change() {
    let clients = ZoneMap::from_iter([("a", 1)]);
    let zones = ZoneAware::new("a", RoundRobin::new()).origin_counts(clients.clone());
    churn(Priority::new(zones), |round| clients.set("a", round));
}

#[test]
fn picks_go_on_while_sites_change() {
    let latencies = latencies();
    let sites = Failover::new(latencies.clone(), Priority::new(RoundRobin::new()));
    let sites = sites.hold(Duration::from_nanos(5)).spill(0.3).unwrap();
    churn(sites, |round| {
        latencies.set("b", Duration::from_nanos(round * 7919 % 3_000_000));
    });
}

fn allocations<P: Balancer + Clone>(policy: P, between: impl Fn()) -> u64 {
    let cluster = Cluster::new(policy, (0..30).map(upstream)).expect("no two alike");
    for node in 0..10 {
        cluster
            .set_health_at(Instant::ORIGIN, id(node), Health::Unhealthy)
            .expect("it is there");
    }
    let snapshot = cluster.load();
    let excluded: Vec<_> = (0..30).map(id).collect();
    let requests = [
        Request::new(),
        Request::new().key("a"),
        Request::new().exclude(&excluded),
    ];
    let measured = allocation_counter::measure(|| {
        for (round, request) in (0_u64..).zip(requests.into_iter().cycle().take(300)) {
            let _picked = snapshot.pick(&request, Instant::from_secs(round));
        }
    });
    between();
    let after = allocation_counter::measure(|| {
        let _picked = snapshot.pick(&requests[0], Instant::ORIGIN);
    });
    measured.count_total + after.count_total
}

#[test]
fn picks_allocate_nothing() {
    let clients = ZoneMap::from_iter([("a", 5), ("b", 1)]);
    let zones = ZoneAware::new("a", RoundRobin::new()).origin_counts(clients.clone());
    let levels = Priority::new(zones);
    assert_eq!(allocations(levels.clone(), || clients.set("c", 3)), 0);
    let latencies = latencies();
    let sites = Failover::new(latencies.clone(), levels).spill(0.5).unwrap();
    assert_eq!(allocations(sites, || latencies.set("c", Duration::ZERO)), 0);
}
