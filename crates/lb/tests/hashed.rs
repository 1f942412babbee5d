//! Consistent hashing, bounded loads and sticky sessions, from outside.

extern crate alloc;

#[path = "hashed/bounded.rs"]
mod bounded;
#[path = "hashed/movement.rs"]
mod movement;
#[path = "hashed/sticky.rs"]
mod sticky;

use purlin_hashring::{Maglev, Ring, SlotTable};
use purlin_lb::conformance::{self, Subject};
use purlin_lb::policy::{BoundedLoad, Hashed, RoundRobin, Sticky};
use purlin_lb::{
    AnyBalancer, Balancer, Capabilities, Cluster, Instant, KeyHash, NodeId, Request, Shares,
    Upstream,
};

const NOW: Instant = Instant::from_secs(1);

/// A table that is built in no time, but uneven.
fn small_table() -> Hashed {
    let table = SlotTable::builder().slots(1 << 12).replicas(2);
    Hashed::over(table.build::<NodeId>([]).expect("within bounds"))
}

/// Its keys of closed endpoints go on from slot to slot: uneven too.
fn small_maglev() -> Hashed<Maglev<NodeId>> {
    let table = Maglev::builder().table_size(4_093);
    Hashed::over(table.build::<NodeId>([]).expect("a prime"))
}

/// Where a key goes, if one request of it were sent now.
fn goes<P: Balancer>(cluster: &Cluster<u64, P>, key: u64) -> Option<u64> {
    let request = Request::new().key(key.to_le_bytes());
    let snapshot = cluster.load();
    let picked = snapshot.pick(&request, NOW).ok()?;
    Some(*picked.node())
}

fn upstreams(ids: impl IntoIterator<Item = u64>) -> impl Iterator<Item = Upstream<u64>> {
    ids.into_iter().map(Upstream::new)
}

fn cluster<P: Balancer + Clone>(policy: &P, ids: impl IntoIterator<Item = u64>) -> Cluster<u64, P> {
    Cluster::new(policy.clone(), upstreams(ids)).expect("distinct")
}

/// What a policy by keys promises, with so much unevenness that is not luck's.
fn keyed(error: f64) -> Capabilities {
    let mut promised = Capabilities::ANY;
    promised.shares = Shares::Weighted(error);
    promised.keyed = true;
    promised
}

fn conforms(capabilities: Capabilities, build: impl Fn(u64) -> AnyBalancer) {
    let subject = Subject::new(capabilities, build);
    for seed in 0..6 {
        conformance::all(&subject, seed);
    }
}

#[test]
fn a_slot_table_conforms() {
    conforms(keyed(0.3), |seed| {
        AnyBalancer::new(small_table().seeded(seed))
    });
}

#[test]
fn a_ring_conforms() {
    conforms(keyed(0.5), |seed| {
        AnyBalancer::new(Hashed::ring().seeded(seed))
    });
}

#[test]
fn maglev_conforms() {
    conforms(keyed(0.3), |seed| {
        AnyBalancer::new(small_maglev().seeded(seed))
    });
}

#[test]
fn rendezvous_conforms() {
    conforms(keyed(0.0), |seed| {
        AnyBalancer::new(Hashed::rendezvous().seeded(seed))
    });
}

#[test]
fn bounded_loads_conform() {
    conforms(keyed(0.3), |seed| {
        AnyBalancer::new(BoundedLoad::new(small_table().seeded(seed)))
    });
}

#[test]
fn sticky_conforms_where_nobody_has_a_session() {
    conforms(Capabilities::EQUAL, |seed| {
        AnyBalancer::new(Sticky::new(RoundRobin::from(seed >> 8)))
    });
}

/// Requests without a key spread by weight over those that are open, and a seed repeats them.
#[test]
fn without_a_key_it_is_any_by_weight() {
    let picks = |seed| {
        let policy = Hashed::rendezvous().seeded(seed);
        let weights = [1, 3, 4].into_iter().zip(1_u64..);
        let upstreams = weights.map(|(weight, id)| Upstream::new(id).weight(weight));
        let cluster = Cluster::new(policy, upstreams).expect("distinct");
        cluster.eject(NodeId(3)).expect("it is there");
        let pick = || {
            cluster
                .pick_at(NOW, &Request::new())
                .map(|lease| *lease.node())
        };
        (0..8_000)
            .map(|_| pick().expect("two are open"))
            .collect::<Vec<_>>()
    };
    let picked = picks(7);
    let ones = picked.iter().filter(|id| **id == 1).count();
    // A quarter of 8,000, and six standard deviations of 39.
    assert!((1_768..2_232).contains(&ones), "{ones}");
    assert!(!picked.contains(&3));
    assert_eq!(picks(7), picked);
    assert_ne!(picks(8), picked);
}

/// Where keys go is a promise from version to version: caches are not to go cold by an upgrade.
#[test]
fn keys_stay_from_version_to_version() {
    fn sum<P: Balancer>(policy: P) -> u64 {
        let names = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"];
        let upstreams = names.into_iter().zip(1_u32..);
        let upstreams = upstreams.map(|(name, weight)| Upstream::new(name).weight(weight));
        let cluster = Cluster::new(policy, upstreams).expect("distinct");
        let snapshot = cluster.load();
        let picked = (0..2_000).map(|key: u64| {
            let request = Request::new().key(format!("user:{key}"));
            let picked = snapshot.pick(&request, NOW).expect("all are open").node();
            names
                .iter()
                .position(|name| name == picked)
                .expect("one of them") as u64
        });
        picked.fold(0, |sum, at| sum.wrapping_mul(1_000_003).wrapping_add(at))
    }
    let sums = [
        sum(Hashed::slot_table()),
        sum(Hashed::ring()),
        sum(Hashed::maglev()),
        sum(Hashed::rendezvous()),
        sum(BoundedLoad::default()),
    ];
    assert_eq!(sums[4], sums[0], "nothing is in flight");
    let promised = [
        9_160_034_650_080_482_994,
        12_287_642_682_258_401_083,
        15_423_436_008_679_423_641,
        16_527_955_227_190_579_508,
    ];
    assert_eq!(sums[..4], promised);
}

/// More than a placement takes is served all the same.
#[test]
fn what_does_not_fit_is_left_out_until_all_others_are_closed() {
    let tiny = Maglev::builder().table_size(7).build::<NodeId>([]);
    let policy = Hashed::over(tiny.expect("a prime"));
    let cluster = cluster(&policy, (0..9).rev());
    let owners = |cluster: &Cluster<u64, _>| {
        let mut owners: Vec<_> = (0..200).filter_map(|key| goes(cluster, key)).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    };
    assert_eq!(owners(&cluster), (0..7).collect::<Vec<_>>());
    cluster.check_invariants();
    // Room is made for the next, and taken by whoever precedes them.
    cluster.remove(NodeId(3)).expect("it is there");
    assert_eq!(owners(&cluster), [0, 1, 2, 4, 5, 6, 7]);
    cluster.insert_at(NOW, 3).expect("it is gone");
    assert_eq!(owners(&cluster), (0..7).collect::<Vec<_>>());
    for id in 0..7 {
        cluster.eject(NodeId(id)).expect("it is there");
    }
    assert_eq!(owners(&cluster), [7, 8]);
}

/// Weights that would take more points than a ring has are halved until they fit.
#[test]
fn a_ring_halves_weights_that_are_too_large() {
    let ring = || {
        let ring = Ring::builder().points_per_weight(10).max_points(1_000);
        Hashed::over(ring.build::<NodeId>([]).expect("within bounds"))
    };
    let points = |weights: &[u32]| {
        let weights = weights.iter().zip(0_u64..);
        let upstreams = weights.map(|(weight, id)| Upstream::new(id).weight(*weight));
        let cluster = Cluster::new(ring(), upstreams).expect("distinct");
        cluster.check_invariants();
        assert!(goes(&cluster, 5).is_some());
        cluster.load().policy().placement().points()
    };
    assert_eq!(points(&[60, 40]), 1_000);
    assert_eq!(points(&[60, 41]), (30 + 20) * 10);
    assert_eq!(points(&[u32::MAX, u32::MAX, 1]), (31 + 31 + 1) * 10);
    assert_eq!(points(&[0, 7]), 70);
    // More endpoints than points for them.
    assert_eq!(points(&[1; 150]), 1_000);
    // None at all.
    let none = Ring::builder().points_per_weight(10).max_points(5);
    let none = Hashed::over(none.build::<NodeId>([]).expect("within bounds"));
    let unplaced = cluster(&none, 0..3);
    assert!(goes(&unplaced, 1).is_some());
}

/// The key is the hash: of bytes it is XXH3, and who hashes otherwise gives it so.
#[test]
fn a_hash_may_be_given_for_a_key() {
    let policy = Hashed::slot_table();
    let cluster = cluster(&policy, 0..50);
    let snapshot = cluster.load();
    let pick = |request: &Request<'_>| snapshot.pick(request, NOW).map(|picked| picked.id());
    let mut seen = alloc::collections::BTreeSet::new();
    for key in 0..100_u64 {
        let by_key = Request::new().key(key.to_le_bytes());
        let hash = by_key.hash().expect("it has one");
        let by_hash = Request::new().key_hash(hash);
        assert_eq!(pick(&by_key), pick(&by_hash));
        seen.insert(pick(&by_key).expect("all are open"));
    }
    assert!(seen.len() > 30, "{}", seen.len());
    assert!(pick(&Request::new().key_hash(KeyHash(u64::MAX))).is_ok());
}
