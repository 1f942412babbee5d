//! Failover between sites, by a manual clock.

use super::id;
use core::time::Duration;
use proptest::prelude::*;
use purlin_lb::policy::{Failover, RoundRobin, ZoneMap};
use purlin_lb::{Cluster, ConfigError, Health, Instant, NodeId, Request, Upstream, Zone};

const SITES: [&str; 3] = ["near", "mid", "far"];

fn latencies() -> ZoneMap<Duration> {
    let millis = [5, 30, 90].map(Duration::from_millis);
    SITES.into_iter().zip(millis).collect()
}

fn policy(latencies: &ZoneMap<Duration>) -> Failover<RoundRobin> {
    Failover::seeded(latencies.clone(), RoundRobin::from(0), 1).hold(Duration::from_secs(60))
}

type Sites = Cluster<u64, Failover<RoundRobin>>;

/// Four endpoints at each site: 0.., 10.., 20...
fn cluster(policy: Failover<RoundRobin>) -> Sites {
    let nodes = (0..3).flat_map(|site| site * 10..site * 10 + 4);
    let site = |node: u64| SITES[usize::try_from(node / 10).expect("few sites")];
    Cluster::new(
        policy,
        nodes.map(|node| Upstream::new(node).zone(site(node))),
    )
    .expect("no two alike")
}

fn set(cluster: &Sites, nodes: impl IntoIterator<Item = u64>, health: Health) {
    for node in nodes {
        cluster
            .set_health_at(Instant::ORIGIN, id(node), health)
            .expect("it is there");
        cluster.check_invariants();
    }
}

/// Which site gets a request at that second.
fn at(cluster: &Sites, secs: u64) -> &'static str {
    let lease = cluster.pick_at(Instant::from_secs(secs), &Request::new());
    SITES[usize::try_from(lease.expect("something is open").node() / 10).expect("few sites")]
}

#[test]
fn fails_over_at_once_and_back_after_the_hold() {
    let cluster = cluster(policy(&latencies()));
    assert_eq!(cluster.load().policy().site(), None);
    assert_eq!(at(&cluster, 1), "near");
    // Half of it is enough.
    set(&cluster, 0..2, Health::Unhealthy);
    assert_eq!(at(&cluster, 2), "near");
    set(&cluster, 2..3, Health::Unhealthy);
    assert_eq!(at(&cluster, 3), "mid");
    set(&cluster, 0..3, Health::Healthy);
    assert_eq!((at(&cluster, 10), at(&cluster, 69)), ("mid", "mid"));
    // It fails again meanwhile: all begins anew.
    set(&cluster, 0..3, Health::Unhealthy);
    set(&cluster, 0..3, Health::Healthy);
    assert_eq!((at(&cluster, 70), at(&cluster, 129)), ("mid", "mid"));
    assert_eq!((at(&cluster, 130), at(&cluster, 131)), ("near", "near"));
    assert_eq!(cluster.load().policy().site(), Some(Zone::new("near")));
}

#[test]
fn each_site_has_a_time_of_its_own() {
    let cluster = cluster(policy(&latencies()));
    set(&cluster, (0..4).chain(10..14), Health::Unhealthy);
    assert_eq!(at(&cluster, 1), "far");
    set(&cluster, 10..14, Health::Healthy);
    assert_eq!(at(&cluster, 100), "far");
    set(&cluster, 0..4, Health::Healthy);
    assert_eq!((at(&cluster, 130), at(&cluster, 159)), ("far", "far"));
    assert_eq!((at(&cluster, 160), at(&cluster, 189)), ("mid", "mid"));
    assert_eq!(at(&cluster, 190), "near");
    // The one that serves fails while nobody nearer has held: the nearest that works, at once.
    set(&cluster, 0..4, Health::Unhealthy);
    assert_eq!(at(&cluster, 200), "mid");
    set(&cluster, 0..4, Health::Healthy);
    set(&cluster, 10..14, Health::Unhealthy);
    assert_eq!(at(&cluster, 201), "near");
}

#[test]
fn without_a_hold_it_is_back_at_once() {
    let cluster = cluster(policy(&latencies()).hold(Duration::ZERO));
    set(&cluster, 0..4, Health::Unhealthy);
    assert_eq!(at(&cluster, 1), "mid");
    set(&cluster, 0..4, Health::Healthy);
    assert_eq!(at(&cluster, 1), "near");
}

#[test]
fn latencies_that_waver_move_nothing_and_those_that_stay_do() {
    let latencies = latencies();
    let cluster = cluster(policy(&latencies));
    assert_eq!(at(&cluster, 0), "near");
    for secs in (1..200).step_by(20) {
        latencies.set("mid", Duration::from_millis(4));
        assert_eq!(at(&cluster, secs), "near");
        latencies.set("mid", Duration::from_millis(6));
        assert_eq!(at(&cluster, secs + 10), "near");
    }
    latencies.set("mid", Duration::from_millis(4));
    assert_eq!(
        (at(&cluster, 300), at(&cluster, 359), at(&cluster, 360)),
        ("near", "near", "mid")
    );
    // A site of which nothing is known is the last; by now that is `mid`.
    latencies.remove("mid");
    assert_eq!((at(&cluster, 400), at(&cluster, 460)), ("mid", "near"));
}

#[test]
fn updates_change_neither_the_site_nor_the_hold() {
    let latencies = latencies();
    // A site that comes later and is the nearest then.
    latencies.set("another", Duration::from_millis(1));
    let cluster = cluster(policy(&latencies));
    set(&cluster, 0..4, Health::Unhealthy);
    assert_eq!(at(&cluster, 1), "mid");
    set(&cluster, 0..4, Health::Healthy);
    assert_eq!(at(&cluster, 10), "mid");
    let upstream = |node: u64, site: &str| Upstream::new(node).zone(site);
    for (node, site) in [(4, "near"), (40, "another"), (14, "mid")] {
        cluster
            .insert_at(Instant::ORIGIN, upstream(node, site))
            .unwrap();
        cluster.check_invariants();
        assert_eq!(at(&cluster, 69), "mid");
    }
    cluster.remove(id(40)).unwrap();
    assert_eq!((at(&cluster, 69), at(&cluster, 70)), ("mid", "near"));
    // A site that goes altogether.
    for node in 0..5 {
        cluster.remove(id(node)).unwrap();
    }
    cluster.check_invariants();
    assert_eq!(at(&cluster, 71), "mid");
}

#[test]
fn with_no_site_that_works_all_are_one_pool() {
    let cluster = cluster(policy(&latencies()).min_available(75).unwrap());
    set(&cluster, [0, 1, 10, 11, 20, 21], Health::Unhealthy);
    let found: Vec<_> = (0..6).map(|secs| at(&cluster, secs)).collect();
    assert!(SITES.iter().all(|site| found.contains(site)), "{found:?}");
    assert_eq!(cluster.load().policy().site(), None);
    set(&cluster, [20], Health::Healthy);
    assert_eq!(at(&cluster, 10), "far");
}

#[test]
fn spill_goes_to_the_next_that_works() {
    let cluster = cluster(policy(&latencies()).spill(0.1).unwrap());
    let share = |site| (0..1000).filter(|_| at(&cluster, 1) == site).count();
    assert!((95..=105).contains(&share("mid")));
    set(&cluster, 10..14, Health::Unhealthy);
    assert!((95..=105).contains(&share("far")));
    set(&cluster, 20..24, Health::Unhealthy);
    assert_eq!(share("near"), 1000);
}

#[test]
fn a_request_that_excludes_its_site_goes_to_the_next() {
    let cluster = cluster(policy(&latencies()));
    let near: Vec<NodeId> = (0..4).map(id).collect();
    let request = Request::new().exclude(&near);
    let lease = cluster.pick_at(Instant::ORIGIN, &request).unwrap();
    assert!((10..14).contains(lease.node()));
}

#[test]
fn what_cannot_be_is_refused() {
    let policy = || policy(&latencies());
    assert!(matches!(
        policy().min_available(101),
        Err(ConfigError::OutOfRange {
            field: "min_available",
            ..
        })
    ));
    for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            policy().spill(share),
            Err(ConfigError::OutOfRange { field: "spill", .. })
        ));
    }
}

/// What the docs say, with a memory of everything: when each site began to work, and the last instants
/// at which somebody looked.
struct Model {
    serving: Option<usize>,
    works: [bool; 3],
    since: [Option<u64>; 3],
}

impl Model {
    fn pick(&mut self, now: u64, hold: u64) -> Option<usize> {
        let serving = self.serving.filter(|site| self.works[*site]);
        self.serving = match serving {
            None => (0..3).find(|site| self.works[*site]),
            Some(serving) => {
                for site in 0..serving {
                    if self.works[site] && self.since[site].is_none_or(|since| now < since) {
                        self.since[site] = Some(now);
                    }
                }
                let held = |site: &usize| {
                    self.works[*site] && self.since[*site].is_some_and(|since| now - since >= hold)
                };
                Some((0..serving).find(held).unwrap_or(serving))
            }
        };
        self.serving
    }
}

proptest! {
    #[test]
    fn goes_where_the_docs_say(
        steps in proptest::collection::vec((0_u64..3, any::<bool>(), 0_u64..100, any::<bool>()), 1..60),
    ) {
        let cluster = cluster(policy(&latencies()));
        let mut model = Model { serving: None, works: [true; 3], since: [None; 3] };
        let mut now = 0_u64;
        for (site, healthy, step, back) in steps {
            let health = if healthy { Health::Healthy } else { Health::Unhealthy };
            set(&cluster, site * 10..site * 10 + 4, health);
            let at_site = usize::try_from(site).unwrap();
            if model.works[at_site] != healthy {
                model.works[at_site] = healthy;
                model.since[at_site] = None;
            }
            // A clock that goes backwards now and then.
            now = if back { now.saturating_sub(step / 10) } else { now + step };
            let expected = model.pick(now, 60);
            let found = at(&cluster, now);
            if let Some(expected) = expected {
                prop_assert_eq!(found, SITES[expected]);
            }
            let site = expected.map(|site| Zone::new(SITES[site]));
            prop_assert_eq!(cluster.load().policy().site(), site);
        }
    }
}
