//! Replicas over zones, racks and hosts: the rule read naively, examples worked by hand, and what a
//! change of members does to replica sets.

use proptest::prelude::*;
use purlin_core::hash::{KeyHasher, Xxh3};
use purlin_hashring::{
    KeyHash, Locality, Member, Membership, NodeId, NodeIdx, Placement, Preference, Rendezvous,
    Weight,
};

/// A node and the names of its zone, rack and host; 0 where nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    name: u64,
    weight: u32,
    place: [u8; 3],
}

impl Node {
    fn member(self) -> Member<u64> {
        let [zone, rack, host] = self.place;
        let mut place = match zone {
            0 => Locality::default(),
            zone => Locality::zone([zone]),
        };
        if rack > 0 {
            place = place.rack([rack]);
        }
        if host > 0 {
            place = place.host([host]);
        }
        Member::new(self.name).weight(self.weight).locality(place)
    }

    /// Whether both are in one zone (level 0), one rack of it (1), or on one host of that (2).
    /// Nodes of which no host is said stand alone.
    fn shares(self, other: Self, level: usize) -> bool {
        self.place[..=level] == other.place[..=level]
            && (level < 2 || self.place[2] > 0 || self.name == other.name)
    }
}

fn nodes(most: usize) -> impl Strategy<Value = Vec<Node>> {
    let place = [0..4_u8, 0..3, 0..3];
    let node = (0..4_u32, place).prop_map(|(weight, place)| Node {
        name: 0,
        weight,
        place,
    });
    prop::collection::vec(node, 1..most).prop_map(|mut nodes| {
        for (name, node) in (1..).zip(&mut nodes) {
            node.name = name;
        }
        nodes
    })
}

fn build(nodes: &[Node]) -> Rendezvous<u64> {
    Rendezvous::new(nodes.iter().map(|node| node.member())).expect("no twins")
}

fn replicas(placement: &Rendezvous<u64>, key: KeyHash, count: usize) -> Vec<u64> {
    let mut out = vec![NodeIdx::default(); count];
    let found = placement.replicas(key, &mut out);
    let name = |index: &NodeIdx| *placement.node(*index).expect("a member");
    out[..found].iter().map(name).collect()
}

/// All nodes that take keys, most preferred first.
fn preference(placement: &Rendezvous<u64>, key: KeyHash) -> Vec<u64> {
    let mut order: Vec<NodeIdx> = Vec::new();
    while let Some(next) = placement.owner_where(key, &mut |node| !order.contains(&node)) {
        order.push(next);
    }
    let name = |index: &NodeIdx| *placement.node(*index).expect("a member");
    order.iter().map(name).collect()
}

/// The rule, as it is written at the head of `spread.rs`.
fn by_the_rule(nodes: &[Node], order: &[u64], count: usize) -> Vec<u64> {
    let node = |name: u64| nodes[usize::try_from(name - 1).expect("a small name")];
    let mut chosen: Vec<u64> = Vec::new();
    while chosen.len() < count.min(order.len()) {
        let crowding = |name: &u64| {
            [0, 1, 2].map(|level| {
                let shares = |&&other: &&u64| node(other).shares(node(*name), level);
                chosen.iter().filter(shares).count()
            })
        };
        let rest = order.iter().filter(|name| !chosen.contains(name));
        let next = rest
            .min_by_key(|name| crowding(name))
            .expect("there are more");
        chosen.push(*next);
    }
    chosen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn replicas_are_those_of_the_rule(nodes in nodes(16), key: u64, count in 0..18_usize) {
        let placement = build(&nodes);
        let key = KeyHash(key);
        let order = preference(&placement, key);
        prop_assert_eq!(order.len(), nodes.iter().filter(|node| node.weight > 0).count());
        prop_assert_eq!(replicas(&placement, key, count), by_the_rule(&nodes, &order, count));
    }

    /// Zones differ by one replica at most, unless one has no more nodes; so do racks of a zone and
    /// hosts of a rack.
    #[test]
    fn domains_are_balanced(nodes in nodes(24), key: u64, count in 1..24_usize) {
        let placement = build(&nodes);
        let chosen = replicas(&placement, KeyHash(key), count);
        let active: Vec<Node> = nodes.iter().copied().filter(|node| node.weight > 0).collect();
        let taken = |of: Node, level| {
            active.iter().filter(|n| n.shares(of, level) && chosen.contains(&n.name)).count()
        };
        for level in 0..3 {
            for &one in &active {
                for &other in &active {
                    let siblings = level == 0 || one.shares(other, level - 1);
                    let full = active.iter().filter(|n| n.shares(one, level)).count();
                    let (less, more) = (taken(one, level), taken(other, level));
                    prop_assert!(
                        !siblings || less == full || less + 1 >= more,
                        "{one:?} has {less} of {full} at level {level}, {other:?} has {more}: {chosen:?}"
                    );
                }
            }
        }
    }

    /// A node that is no replica goes without a trace; for one that goes exactly one comes in. Coming
    /// is going backwards.
    #[test]
    fn replica_sets_change_by_one(
        nodes in nodes(16), key: u64, count in 1..8_usize, leaver: prop::sample::Index,
    ) {
        let mut placement = build(&nodes);
        let key = KeyHash(key);
        let with = replicas(&placement, key, count);
        let leaver = leaver.get(&nodes).name;
        placement.remove(NodeId(leaver)).expect("a member");
        let without = replicas(&placement, key, count);
        let lost: Vec<u64> = with.iter().copied().filter(|name| !without.contains(name)).collect();
        let gained = without.iter().filter(|name| !with.contains(name)).count();
        if with.contains(&leaver) {
            prop_assert_eq!(lost, vec![leaver]);
            prop_assert!(gained <= 1);
        } else {
            prop_assert_eq!(with, without);
        }
    }

    /// Draining is going, for replicas.
    #[test]
    fn a_drained_node_is_as_good_as_gone(nodes in nodes(12), key: u64, count in 1..12_usize) {
        let (mut drained, mut gone) = (build(&nodes), build(&nodes));
        let first = NodeId(nodes[0].name);
        drained.set_weight(first, Weight::DRAIN).expect("a member");
        gone.remove(first).expect("a member");
        let key = KeyHash(key);
        prop_assert_eq!(replicas(&drained, key, count), replicas(&gone, key, count));
        prop_assert_eq!(preference(&drained, key), preference(&gone, key));
    }
}

/// `count` nodes in each of these zones.
fn zones(sizes: &[usize]) -> Vec<Node> {
    let places = (1..)
        .zip(sizes)
        .flat_map(|(zone, &size)| vec![[zone, 0, 0]; size]);
    (1..)
        .zip(places)
        .map(|(name, place)| Node {
            name,
            weight: 1,
            place,
        })
        .collect()
}

/// How many of some replicas are in each zone, for every one of some keys.
fn per_zone(nodes: &[Node], count: usize) -> Vec<Vec<usize>> {
    let placement = build(nodes);
    let zones = nodes
        .iter()
        .map(|node| node.place[0])
        .max()
        .expect("a zone");
    let tally = |chosen: Vec<u64>| -> Vec<usize> {
        let zone = |name: &u64| {
            nodes
                .iter()
                .find(|n| n.name == *name)
                .expect("a node")
                .place[0]
        };
        let of = |wanted: u8| chosen.iter().filter(|&name| zone(name) == wanted).count();
        (1..=zones).map(of).collect()
    };
    (0..200_u64)
        .map(|key| tally(replicas(&placement, Xxh3::new().hash_u64(key), count)))
        .collect()
}

#[test]
fn three_replicas_are_in_three_zones() {
    for counts in per_zone(&zones(&[5, 1, 9]), 3) {
        assert_eq!(counts, [1, 1, 1]);
    }
}

/// Cassandra, Cortex and others ignore or refuse this; the rule has an answer.
#[test]
fn more_replicas_than_zones() {
    let mut seen = [false; 2];
    for counts in per_zone(&zones(&[6, 6]), 5) {
        assert!(counts == [2, 3] || counts == [3, 2], "{counts:?}");
        seen[usize::from(counts == [3, 2])] = true;
    }
    assert_eq!(
        seen, [true; 2],
        "the odd replica is always in the same zone"
    );
}

#[test]
fn a_small_zone_is_exhausted() {
    for counts in per_zone(&zones(&[1, 2, 9]), 8) {
        assert_eq!(counts, [1, 2, 5]);
    }
}

#[test]
fn more_replicas_than_nodes() {
    for counts in per_zone(&zones(&[2, 3]), 20) {
        assert_eq!(counts, [2, 3]);
    }
}

/// Two racks of one name in two zones are two racks.
#[test]
fn racks_belong_to_their_zones() {
    let place = |name, zone, rack| Node {
        name,
        weight: 1,
        place: [zone, rack, 0],
    };
    let nodes = [
        place(1, 1, 1),
        place(2, 1, 1),
        place(3, 1, 2),
        place(4, 2, 1),
        place(5, 2, 1),
        place(6, 2, 2),
    ];
    let placement = build(&nodes);
    for key in 0..200_u64 {
        let chosen = replicas(&placement, Xxh3::new().hash_u64(key), 4);
        // Both zones, and in each of them both racks.
        assert!(chosen.contains(&3) && chosen.contains(&6), "{chosen:?}");
    }
}
