//! The compatible rings and tables beyond the vectors: weights, walks, edges, bad lists.

#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test is never built without std"
)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "the numbers of these tests are small"
)]

use proptest::prelude::*;
use purlin_hashring::compat::{EnvoyMaglev, EnvoyRing, Ketama, KetamaDialect, NginxKetama};
use purlin_hashring::{
    BuildError, Identity, KeyHash, MembershipError, NodeIdx, Placement, Preference, Weight,
};
use std::collections::BTreeMap;

type List = Vec<(String, u32, usize)>;

/// Hosts `127.0.0.1:90` and up, as in Envoy's tests.
fn local(weights: &[u32]) -> List {
    let hosts = weights.iter().enumerate();
    hosts
        .map(|(i, &weight)| (format!("127.0.0.1:{}", 90 + i), weight, i))
        .collect()
}

/// How many points each node has.
fn counts(points: impl Iterator<Item = NodeIdx>) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for node in points {
        *counts.entry(node.0).or_insert(0) += 1;
    }
    counts
}

/// The distinct nodes of a key's walk, in order.
fn preference(placement: &impl Preference, key: KeyHash) -> Vec<u32> {
    let mut order: Vec<u32> = Vec::new();
    while let Some(next) = placement.owner_where(key, &mut |node| !order.contains(&node.0)) {
        order.push(next.0);
    }
    order
}

/// The shares as C computes them: the expression in libmemcached's `hosts.cc`, compiled and run.
#[test]
fn ketama_shares_are_rounded_as_in_c() {
    let lists: [&[(u32, usize)]; 4] = [
        &[(1, 80), (2, 160), (3, 240)],
        &[(7, 508), (1, 72), (1, 72), (1, 72), (1, 72)],
        &[(4096, 316), (1, 0)],
        &[(3, 72), (3, 72), (5, 124), (8, 200), (13, 324)],
    ];
    for list in lists {
        let nodes = list
            .iter()
            .zip(0..)
            .map(|((weight, _), i)| (format!("10.0.0.{i}:11311"), *weight, i));
        for dialect in [
            KetamaDialect::Libmemcached,
            KetamaDialect::SpymemcachedWeighted,
        ] {
            let ring = Ketama::builder()
                .dialect(dialect)
                .build(nodes.clone())
                .unwrap();
            let counts = counts(ring.points().map(|(_, node)| node));
            for (node, &(_, points)) in (0..).zip(list) {
                assert_eq!(counts.get(&node).copied().unwrap_or(0), points, "{list:?}");
            }
        }
    }
    // In single precision, 1/25 * 160 / 4 * 25 is below 40.
    let odd = [25, 47, 50, 55, 61];
    for nodes in 24..62_usize {
        let list = (0..nodes).map(|i| (format!("10.0.0.{i}:11211"), 1, i));
        let ring = Ketama::new(list.clone()).unwrap();
        let each = if odd.contains(&nodes) { 156 } else { 160 };
        assert_eq!(ring.points().count(), nodes * each, "{nodes} nodes");
        let builder = Ketama::builder().dialect(KetamaDialect::Spymemcached);
        assert_eq!(builder.build(list).unwrap().points().count(), nodes * 160);
    }
}

/// spymemcached's KetamaNodeKeyFormatterTest: what is hashed for which address.
#[test]
fn ketama_labels() {
    let points = |dialect, label: &str| -> Vec<u32> {
        let ring = Ketama::builder()
            .dialect(dialect)
            .build([(label, 1, ())])
            .unwrap();
        ring.points().map(|(point, _)| point).collect()
    };
    let (lib, spy) = (KetamaDialect::Libmemcached, KetamaDialect::Spymemcached);
    assert_eq!(points(lib, "localhost:11211"), points(spy, "localhost"));
    assert_eq!(
        points(lib, "localhost:11212"),
        points(spy, "localhost:11212")
    );
    assert_eq!(points(spy, "/1.2.3.4:11211"), points(spy, "1.2.3.4:11211"));
    assert_ne!(points(spy, "1.2.3.4:11211"), points(lib, "1.2.3.4:11211"));
    let named = points(spy, "localhost/127.0.0.1:11211");
    assert!(named.contains(&((Ketama::hash_key("localhost/127.0.0.1:11211-1").0 >> 32) as u32)));
}

#[test]
fn spymemcached_without_weights_takes_none() {
    let builder = Ketama::builder().dialect(KetamaDialect::Spymemcached);
    let refused = builder
        .build([("a", 1, ()), ("b", 0, ()), ("c", 2, ())])
        .unwrap_err();
    let BuildError::Member {
        position,
        reason: MembershipError::Unweighted { id, weight, .. },
    } = refused
    else {
        panic!("{refused}")
    };
    assert_eq!((position, id, weight), (2, "c".id(), Weight::new(2)));
}

/// Of thousands of nodes, a few share points; the list decides whose those are.
#[test]
fn shared_points_go_by_the_list() {
    let nodes = 2_000;
    let forward = || (0..nodes).map(|i| (format!("node-{i}"), 1, i));
    let spy = || Ketama::builder().dialect(KetamaDialect::Spymemcached);
    let last: Vec<_> = spy().build(forward()).unwrap().points().collect();
    assert!(last.len() < nodes * 160, "some points are shared");
    let reversed = spy().build(forward().rev()).unwrap();
    let differ = reversed.points().zip(&last);
    let differ = differ
        .filter(|((_, a), (_, b))| a.get() != nodes - 1 - b.get())
        .count();
    assert_eq!(
        differ,
        nodes * 160 - last.len(),
        "each has the other owner then"
    );
}

/// pingora-ketama, tests `node_iter` and `test_ipv6_ring`: walks over points of nginx's ring.
#[test]
fn nginx_walks() {
    let key = NginxKetama::hash_key("doghash");
    let ports = |host: &str, ports: &[u32]| {
        let list = ports
            .iter()
            .map(|port| (format!("{host}:{port}"), 1, *port));
        let ring = NginxKetama::new(list).unwrap();
        let order: Vec<u32> = preference(&ring, key)
            .into_iter()
            .map(|i| *ring.node(NodeIdx(i)).unwrap())
            .collect();
        let mut replicas = [NodeIdx(0); 2];
        assert_eq!(ring.replicas(key, &mut replicas), 2);
        assert_eq!(replicas.map(|node| *ring.node(node).unwrap()), order[..2]);
        order
    };
    assert_eq!(ports("127.0.0.1", &[7777, 7778, 7779]), [7778, 7779, 7777]);
    assert_eq!(ports("127.0.0.1", &[7777, 7779]), [7779, 7777]);
    assert_eq!(ports("::1", &[7777, 7778, 7779]), [7777, 7778, 7779]);
}

/// What nginx hashes of a server: `host 0x00 port` and the point before.
#[test]
fn nginx_labels() {
    let first = |bytes: &[u8]| crc32fast::hash(&[bytes, &[0; 4]].concat());
    let cases: [(&str, &[u8]); 8] = [
        ("10.0.0.1:443", b"10.0.0.1\x00443"),
        ("backend", b"backend\x00"),
        ("backend:", b"backend\x00"),
        ("[::1]:80", b"[::1]\x0080"),
        ("[::1]", b"[::1]\x00"),
        ("backend:http", b"backend:http\x00"),
        ("unix:/run/app.sock:1", b"/run/app.sock:1\x00"),
        ("UNIX:/run/app.sock", b"/run/app.sock\x00"),
    ];
    for (label, hashed) in cases {
        let ring = NginxKetama::new([(label, 1, ())]).unwrap();
        assert!(
            ring.points().any(|(point, _)| point == first(hashed)),
            "{label}"
        );
    }
}

/// envoyproxy/envoy, ring_hash_lb_test.cc: `HostWeightedTinyRing`, `UnevenHosts`.
#[test]
fn envoy_ring_of_weighted_hosts() {
    let ring = EnvoyRing::builder()
        .minimum_ring_size(6)
        .maximum_ring_size(6);
    let ring = ring.build(local(&[1, 2, 3])).unwrap();
    let points: Vec<_> = ring.points().map(|(point, node)| (point, node.0)).collect();
    let expected = [
        (928_266_305_478_181_108, 2),
        (4_443_673_547_860_492_590, 2),
        (5_583_722_120_771_150_861, 1),
        (6_311_230_543_546_372_928, 1),
        (13_444_792_449_719_432_967, 2),
        (16_117_243_373_044_804_889, 0),
    ];
    assert_eq!(points, expected);

    let hosts = [("127.0.0.1:80", 1, 80), ("127.0.0.1:81", 1, 81)];
    let ring = EnvoyRing::builder()
        .minimum_ring_size(3)
        .build(hosts)
        .unwrap();
    let points: Vec<_> = ring.points().map(|(point, node)| (point, node.0)).collect();
    let expected = [
        (5_454_692_015_285_649_509, 0),
        (7_859_399_908_942_313_493, 1),
        (13_838_424_394_637_650_569, 0),
        (16_064_866_803_292_627_174, 1),
    ];
    assert_eq!(points, expected);
}

/// envoyproxy/envoy, ring_hash_lb_test.cc: `HostWeightedLargeRing`,
/// `HostAndLocalityWeightedLargeRing` (localities multiplied in), `LargeFractionalScale`,
/// `SmallFractionalScale`; hits of hashes at equal distances.
#[test]
fn envoy_ring_histograms() {
    type Row = (
        u64,
        Option<u64>,
        &'static [u32],
        &'static [usize],
        &'static [usize],
    );
    let rows: [Row; 3] = [
        (
            6144,
            None,
            &[1, 2, 3],
            &[1024, 2048, 3072],
            &[987, 1932, 3081],
        ),
        (
            9216,
            None,
            &[1, 2, 2, 4],
            &[1024, 2048, 2048, 4096],
            &[924, 2009, 2053, 4014],
        ),
        (1023, Some(1023), &[1, 1], &[512, 511], &[526, 497]),
    ];
    for (min, max, weights, points, hits) in rows {
        let mut builder = EnvoyRing::builder().minimum_ring_size(min);
        if let Some(max) = max {
            builder = builder.maximum_ring_size(max);
        }
        let ring = builder.build(local(weights)).unwrap();
        let by_node = counts(ring.points().map(|(_, node)| node));
        assert_eq!(by_node.into_values().collect::<Vec<_>>(), points);
        let keys = hits.iter().sum::<usize>() as u64;
        let hit = (0..keys).map(|i| ring.owner(KeyHash(i * (u64::MAX / keys))).unwrap());
        assert_eq!(counts(hit).into_values().collect::<Vec<_>>(), hits);
    }
    let two = EnvoyRing::builder()
        .minimum_ring_size(2)
        .maximum_ring_size(2);
    let ring = two.build(local(&[1; 4])).unwrap();
    assert_eq!(
        counts(ring.points().map(|(_, node)| node))
            .into_values()
            .collect::<Vec<_>>(),
        [1, 1]
    );
    // Two nodes own no keys: they are no replicas either.
    assert_eq!(ring.replicas(KeyHash(0), &mut [NodeIdx(9); 4]), 2);
}

/// envoyproxy/envoy, ring_hash_lb_test.cc: `BasicWithRetryHostPredicate`.
#[test]
fn envoy_ring_walk() {
    let ring = EnvoyRing::builder()
        .minimum_ring_size(12)
        .build(local(&[1; 6]))
        .unwrap();
    assert_eq!(preference(&ring, KeyHash(0))[..3], [4, 2, 0]);
}

/// envoyproxy/envoy, maglev_lb_test.cc: `Weighted`, `LocalityWeightedSameLocalityWeights`,
/// `LocalityWeightedDifferentLocalityWeights`, `BasicWithHostName`.
#[test]
fn envoy_maglev_tables() {
    let table = |size, list: List| -> Vec<u32> {
        let table = EnvoyMaglev::builder().table_size(size).build(list).unwrap();
        table.slots().map(|node| node.0).collect()
    };
    let expected = [1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1];
    assert_eq!(table(17, local(&[1, 2])), expected);
    let expected = [1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1];
    assert_eq!(table(17, local(&[1, 1])), expected);
    let expected = [1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    assert_eq!(table(17, local(&[8, 2, 0])), expected);
    let by_name = (90..96)
        .zip(0..)
        .map(|(name, i)| (name.to_string(), 1, i))
        .collect();
    assert_eq!(table(7, by_name), [2, 5, 0, 3, 4, 1, 0]);
}

/// envoyproxy/envoy, maglev_lb_test.cc: `LocalityWeightedLopsided`.
#[test]
fn envoy_maglev_of_lopsided_weights() {
    let hosts = (0..1024).map(|i| {
        (
            format!("127.0.0.1:{i}"),
            if i == 0 { 127 * 1023 } else { 1 },
            i,
        )
    });
    let table = EnvoyMaglev::new(hosts).unwrap();
    let mut counts = counts(table.slots());
    assert_eq!(counts.remove(&0), Some(65_537 - 1023));
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [1; 1023]);
}

/// Envoy's loop as its comments describe it: every host looked at in every round.
fn naive_envoy_maglev(size: u64, list: &List) -> Vec<u32> {
    use xxhash_rust::xxh64::xxh64;
    let total: u64 = list.iter().map(|host| u64::from(host.1)).sum();
    let mut hosts: Vec<_> = list.iter().filter(|host| host.1 > 0).collect();
    hosts.sort_by(|a, b| a.0.cmp(&b.0));
    let weights: Vec<f64> = hosts
        .iter()
        .map(|host| f64::from(host.1) / total as f64)
        .collect();
    let greatest = weights.iter().copied().fold(0.0, f64::max);
    let mut targets = vec![0.0; hosts.len()];
    let mut next = vec![0_u64; hosts.len()];
    let mut table = vec![None; size as usize];
    for round in 1_u32.. {
        for (i, host) in hosts.iter().enumerate() {
            if f64::from(round) * weights[i] < targets[i] {
                continue;
            }
            targets[i] += greatest;
            let (offset, skip) = (
                xxh64(host.0.as_bytes(), 0) % size,
                xxh64(host.0.as_bytes(), 1) % (size - 1) + 1,
            );
            while table[((offset + skip * next[i]) % size) as usize].is_some() {
                next[i] += 1;
            }
            table[((offset + skip * next[i]) % size) as usize] = Some(host.2 as u32);
            if table.iter().all(Option::is_some) {
                return table.into_iter().flatten().collect();
            }
        }
    }
    unreachable!("a round has turns")
}

fn lists() -> impl Strategy<Value = List> {
    let weight = prop_oneof![Just(0), Just(1), 1..9_u32, 1..70_000_u32];
    prop::collection::vec(weight, 0..24).prop_map(|weights| local(&weights))
}

/// What every placement must keep, however its keys are hashed.
fn is_a_placement(
    placement: &impl Preference,
    owners: usize,
    key: KeyHash,
) -> Result<(), TestCaseError> {
    let order = preference(placement, key);
    prop_assert_eq!(order.len(), owners);
    prop_assert_eq!(
        placement.owner(key),
        order.first().map(|&node| NodeIdx(node))
    );
    let mut out = [NodeIdx(u32::MAX); 5];
    let count = placement.replicas(key, &mut out);
    prop_assert_eq!(count, owners.min(5));
    prop_assert!(
        out[..count]
            .iter()
            .map(|node| node.0)
            .eq(order.into_iter().take(5))
    );
    Ok(())
}

proptest! {
    #[test]
    fn envoy_maglev_is_the_naive_loop(
        list in lists(),
        size in prop::sample::select(vec![2_u64, 11, 101, 1009]),
    ) {
        let table = EnvoyMaglev::builder().table_size(size).build(list.clone()).unwrap();
        let slots: Vec<u32> = table.slots().map(|node| node.0).collect();
        if list.iter().all(|host| host.1 == 0) {
            prop_assert!(slots.is_empty());
        } else {
            prop_assert_eq!(slots, naive_envoy_maglev(size, &list));
        }
    }

    #[test]
    fn all_are_placements(mut list in lists(), key in any::<u64>()) {
        // Shares of some weights are no point at all; nginx has many points for large ones.
        list.iter_mut().for_each(|host| host.1 = host.1.min(3));
        let takers = list.iter().filter(|host| host.1 > 0).count();
        let (lists, key) = (|| list.clone(), KeyHash(key));
        is_a_placement(&Ketama::new(lists()).unwrap(), takers, key)?;
        is_a_placement(&NginxKetama::new(lists()).unwrap(), takers, key)?;
        is_a_placement(&EnvoyRing::new(lists()).unwrap(), takers, key)?;
        is_a_placement(&EnvoyMaglev::builder().table_size(101).build(lists()).unwrap(), takers, key)?;
    }

    /// A drained node is, but for the numbering, as if it were not in the list.
    #[test]
    fn weight_zero_is_not_in_the_list(
        mut list in lists(),
        keys in prop::collection::vec(any::<u64>(), 20),
    ) {
        list.iter_mut().for_each(|host| host.1 = host.1.min(3));
        let without: List = list.iter().filter(|host| host.1 > 0).cloned().collect();
        let owners = |list: &List| -> Vec<Option<usize>> {
            let placements: [&dyn Placement<Node = usize>; 4] = [
                &Ketama::new(list.clone()).unwrap(),
                &NginxKetama::new(list.clone()).unwrap(),
                &EnvoyRing::new(list.clone()).unwrap(),
                &EnvoyMaglev::builder().table_size(101).build(list.clone()).unwrap(),
            ];
            let owner = |key, placement: &dyn Placement<Node = usize>| {
                placement.owner(KeyHash(key)).and_then(|node| placement.node(node).copied())
            };
            let of_key = |&key| placements.map(|placement| owner(key, placement));
            keys.iter().flat_map(of_key).collect()
        };
        prop_assert_eq!(owners(&list), owners(&without));
    }
}

#[test]
fn lookups_do_not_allocate() {
    let list = || local(&[1; 100]);
    let (ketama, nginx) = (
        Ketama::new(list()).unwrap(),
        NginxKetama::new(list()).unwrap(),
    );
    let (ring, maglev) = (
        EnvoyRing::new(list()).unwrap(),
        EnvoyMaglev::new(list()).unwrap(),
    );
    let placements: [&dyn Preference<Node = usize>; 4] = [&ketama, &nginx, &ring, &maglev];
    let allocated = allocation_counter::measure(|| {
        assert_eq!(ketama.lookup("some key"), ketama.lookup("some key"));
        for key in (0..100).map(|i| KeyHash(i << 57)) {
            for placement in placements {
                let mut out = [NodeIdx(0); 3];
                assert_eq!(placement.replicas(key, &mut out), 3);
                assert_eq!(placement.owner(key), Some(out[0]));
                assert_eq!(placement.owner_where(key, &mut |_| false), None);
            }
        }
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn labels_are_distinct() {
    let twice = [("a:1", 1, ()), ("b:1", 1, ()), ("a:1", 0, ())];
    let expected = BuildError::Member {
        position: 2,
        reason: MembershipError::Duplicate { id: "a:1".id() },
    };
    assert_eq!(Ketama::new(twice).unwrap_err(), expected);
    assert_eq!(NginxKetama::new(twice).unwrap_err(), expected);
    assert_eq!(EnvoyRing::new(twice).unwrap_err(), expected);
    assert_eq!(EnvoyMaglev::new(twice).unwrap_err(), expected);
    // To libmemcached these are one.
    let refused = Ketama::new([("a:11211", 1, ()), ("a", 1, ())]).unwrap_err();
    assert!(matches!(
        refused,
        BuildError::Member {
            position: 1,
            reason: MembershipError::Duplicate { .. }
        }
    ));
}

#[test]
fn points_have_a_limit() {
    let list = [("a", 1, ()), ("b", u32::MAX, ())];
    let too_many = |points, limit| BuildError::Member {
        position: 1,
        reason: MembershipError::TooManyPoints { points, limit },
    };
    assert_eq!(
        NginxKetama::new(list).unwrap_err(),
        too_many(160 << 32, 1 << 24)
    );
    let two = [("a", 1, ()), ("b", 1, ())];
    assert_eq!(
        NginxKetama::builder()
            .max_points(319)
            .build(two)
            .unwrap_err(),
        too_many(320, 319)
    );
    assert_eq!(
        NginxKetama::builder()
            .max_points(320)
            .build(two)
            .unwrap()
            .points()
            .count(),
        320
    );
    assert_eq!(
        Ketama::builder().max_points(319).build(two).unwrap_err(),
        too_many(320, 319)
    );
    assert_eq!(
        Ketama::builder()
            .max_points(320)
            .build(two)
            .unwrap()
            .points()
            .count(),
        320
    );
}

#[test]
fn sizes_have_bounds() {
    let ring = EnvoyRing::builder;
    let refused = [
        (ring().maximum_ring_size(0), "maximum_ring_size", 0),
        (
            ring().maximum_ring_size(8_388_609),
            "maximum_ring_size",
            8_388_609,
        ),
        (ring().minimum_ring_size(0), "minimum_ring_size", 0),
        (ring().maximum_ring_size(1023), "minimum_ring_size", 1024),
    ];
    for (builder, name, asked) in refused {
        let error = builder.build([("a", 1, ())]).unwrap_err();
        assert!(
            matches!(error, BuildError::Option { option, value, .. } if option == name && value == asked)
        );
    }
    for size in [0, 1, 8, 5_000_077] {
        let error = EnvoyMaglev::builder()
            .table_size(size)
            .build([("a", 1, ())])
            .unwrap_err();
        assert!(
            matches!(error, BuildError::Option { option: "table_size", value, .. } if value == size)
        );
    }
    let hosts = (0..65_536).map(|i| (i.to_string(), 1, ()));
    let reason = MembershipError::TooManyNodes { limit: 65_535 };
    assert_eq!(
        EnvoyMaglev::new(hosts).unwrap_err(),
        BuildError::Member {
            position: 65_535,
            reason
        }
    );
}

#[test]
fn nobody_to_take_keys() {
    let drained = [("a", 0, ())];
    let placements: [&dyn Placement<Node = ()>; 4] = [
        &Ketama::new(drained).unwrap(),
        &NginxKetama::new(drained).unwrap(),
        &EnvoyRing::new(drained).unwrap(),
        &EnvoyMaglev::new(drained).unwrap(),
    ];
    for placement in placements {
        assert_eq!((placement.len(), placement.owner(KeyHash(7))), (1, None));
        assert_eq!(placement.replicas(KeyHash(7), &mut [NodeIdx(0)]), 0);
    }
    assert!(
        Ketama::new::<&str, Weight>([] as [(_, _, ()); 0])
            .unwrap()
            .is_empty()
    );
}
