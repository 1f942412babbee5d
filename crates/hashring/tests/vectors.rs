//! Published facts about other systems' rings and tables: every case of `tests/vectors/*.json`.

#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test is never built without std"
)]

use purlin_hashring::compat::{EnvoyMaglev, EnvoyRing, Ketama, KetamaDialect, NginxKetama};
use purlin_hashring::{KeyHash, Placement};
use purlin_vectors::Case;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn vectors() {
    purlin_vectors::run(env!("CARGO_MANIFEST_DIR"), "hashring", |suite| {
        suite.schema("hashring/ketama_md5@1", |file| {
            file.cases("key_hash", |case| {
                let hash = Ketama::hash_key(case.read::<String>("key"));
                case.check_eq("hash", hash, upper(case.read("hash")));
            });
            file.cases("point_hash", ketama_point);
            file.cases("maps", ketama_map);
            file.cases("weighted", |case| {
                let labels: Vec<String> = case.read("labels");
                let weights: Vec<u32> = case.read("weights");
                let nodes = labels.iter().zip(weights).zip(0..);
                let ring = Ketama::new(nodes.map(|((label, weight), node)| (label, weight, node)));
                let ring = ring.expect("a valid list");
                lookups(case, |key| ring.lookup(key).copied());
            });
        });
        suite.schema("hashring/ketama_nginx_crc32@1", |file| {
            file.cases("maps", |case| {
                let labels: Vec<String> = case.read("nodes");
                let weights: Vec<u32> = case.read("weights");
                let nodes = labels.iter().zip(weights).zip(0..);
                let nodes = nodes.map(|((label, weight), node)| (label, weight, node));
                let ring = NginxKetama::new(nodes).expect("a valid list");
                lookups(case, |key| ring.lookup(key).copied());
            });
        });
        suite.schema("hashring/envoy_ring_xxh64@1", |file| {
            file.ignore(&["address_format"]);
            let expected: BTreeMap<String, [u64; 2]> = file.read("points");
            let ring = EnvoyRing::builder()
                .minimum_ring_size(file.read("min_ring_size"))
                .build(expected.keys().map(|label| (label, 1, label.clone())))
                .expect("a valid list");
            file.cases("points", |case| {
                let own = ring
                    .points()
                    .filter(|(_, node)| ring.node(*node).unwrap() == case.name());
                let own: BTreeSet<u64> = own.map(|(point, _)| point).collect();
                case.check_eq("points", own, expected[case.name()].into());
            });
            file.cases("lookups", |case| {
                let (hash, label): (u64, String) = case.decode();
                let owner = ring.owner(KeyHash(hash)).expect("there are nodes");
                case.check_eq("owner", ring.node(owner), Some(&label));
            });
        });
        suite.schema("hashring/maglev@1", |file| {
            file.ignore(&["algorithm_envoy"]);
            file.cases("envoy", |case| {
                let hosts: Vec<String> = case.read("hosts");
                let table = EnvoyMaglev::builder()
                    .table_size(case.read("M"))
                    .build(hosts.iter().map(|label| (label, 1, ())))
                    .expect("a valid list");
                let owners: Vec<u32> = table.slots().map(|node| node.0).collect();
                case.check_eq("table", owners.clone(), case.read("table"));
                for (hash, owner) in (0..).zip(owners) {
                    case.check_eq(
                        "owner",
                        table.owner(KeyHash(hash)).map(|node| node.0),
                        Some(owner),
                    );
                }
            });
        });
    });
}

/// `label-digest` and which of its four points.
fn ketama_point(case: &Case<'_>) {
    let input: String = case.read("input");
    let alignment: usize = case.read("alignment");
    let expected: u32 = case.read("hash");
    let (label, digest) = input.rsplit_once('-').expect("label and number");
    let digest: usize = digest.parse().expect("a number");
    let ring = Ketama::new([(label, 1, ())]).expect("a valid list");
    case.check(
        "it is a point of the label",
        ring.points().any(|(point, _)| point == expected),
    );
    case.check("it is among the 160 points", digest < 40 && alignment < 4);
    if alignment == 0 {
        case.check_eq("as a key", Ketama::hash_key(&input), upper(expected));
    }
}

fn ketama_map(case: &Case<'_>) {
    let labels: Vec<String> = case.read("nodes");
    case.ignore(&["labels_are"]);
    let ring = Ketama::builder()
        .dialect(KetamaDialect::Spymemcached)
        .build(labels.iter().zip(0..).map(|(label, node)| (label, 1, node)))
        .expect("a valid list");
    if let Some(last) = case.read::<Option<u32>>("max_point") {
        case.check_eq(
            "last point",
            ring.points().map(|(point, _)| point).max(),
            Some(last),
        );
    }
    lookups(case, |key| ring.lookup(key).copied());
}

fn lookups(case: &Case<'_>, lookup: impl Fn(&str) -> Option<u32>) {
    let rows: Vec<(String, u32)> = case.read("lookups");
    case.check("there are lookups", !rows.is_empty());
    for (key, node) in rows {
        case.check_eq(&key, lookup(&key), Some(node));
    }
}

/// Hashes of 32 bits are the upper half of a [`KeyHash`].
fn upper(hash: u32) -> KeyHash {
    KeyHash(u64::from(hash) << 32)
}
