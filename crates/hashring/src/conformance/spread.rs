//! Replicas over zones, racks and hosts, by a naive reading of the rule.

use super::draw::{self, Draw};
use super::subject::{Case, Subject};
use crate::{Locality, Membership, NodeIdx};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

/// The names of a node's zone, rack and host: each begins with the one it is in. A node of which no
/// host is said is one of its own.
type Place = [Vec<Option<u64>>; 3];

fn place(locality: Locality, index: NodeIdx) -> Place {
    let Locality { zone, rack, host } = locality;
    let alone = host.is_none().then(|| u64::from(index.0));
    [vec![zone], vec![zone, rack], vec![zone, rack, host, alone]]
}

fn places(placement: &dyn Membership<Node = u64>) -> BTreeMap<NodeIdx, Place> {
    (placement.roster().iter())
        .filter(|member| !member.weight.is_drain())
        .map(|member| (member.index, place(member.locality, member.index)))
        .collect()
}

/// How many replicas of a key and how many nodes that take keys are in each zone, rack or host.
fn occupancy<'a>(
    places: &'a BTreeMap<NodeIdx, Place>,
    replicas: &[NodeIdx],
    level: usize,
) -> BTreeMap<&'a [Option<u64>], (usize, usize)> {
    let mut domains = BTreeMap::new();
    for (node, place) in places {
        let (taken, nodes) = domains.entry(&place[level][..]).or_insert((0, 0));
        *taken += usize::from(replicas.contains(node));
        *nodes += 1;
    }
    domains
}

/// Zones hold equally many replicas of a key, or differ by one, unless the lesser has no more nodes;
/// the same is true of the racks of one zone and of the hosts of one rack.
#[track_caller]
pub fn spread(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "spread",
        seed,
    };
    let mut draw = Draw::new(subject, seed).located();
    let placement = subject.build(case, draw.members());
    let places = places(&*placement);
    for key in draw.keys(60) {
        let mut out = vec![NodeIdx::default(); 1 + draw.below(places.len())];
        let found = placement.replicas(key, &mut out);
        let replicas = &out[..found];
        for level in 0..3 {
            let domains = occupancy(&places, replicas, level);
            for (domain, &(taken, nodes)) in &domains {
                let parent = &domain[..level];
                let most = (domains.iter())
                    .filter(|(other, _)| &other[..level] == parent)
                    .map(|(_, &(taken, _))| taken);
                let most = most.max().unwrap_or(0);
                case.check(
                    taken == nodes || taken + 1 >= most,
                    format_args!(
                        "{found} replicas of {key:?}: {taken} in {domain:?}, which has {nodes} nodes, \
                         but {most} in another"
                    ),
                );
            }
        }
    }
}

/// Replicas are chosen one by one: the most preferred node among those whose zone holds the fewest
/// replicas so far, then whose rack does, then whose host does. Where [`spread`] is not promised,
/// this is tried without zones only: replicas are the most preferred nodes.
#[track_caller]
pub fn replicas_follow_preference(subject: &Subject<'_>, seed: u64) {
    let case = Case {
        property: "replicas_follow_preference",
        seed,
    };
    let located = (subject.capabilities().spread).then(|| Draw::new(subject, seed).located());
    for mut draw in [Draw::new(subject, seed)].into_iter().chain(located) {
        let placement = subject.build(case, draw.members());
        let places = places(&*placement);
        for key in draw.keys(40) {
            let order = draw::preference(&*placement, key);
            let mut expected: Vec<NodeIdx> = Vec::new();
            while expected.len() < order.len() {
                let crowding = |node: &&NodeIdx| -> [usize; 3] {
                    [0, 1, 2].map(|level| {
                        let mine = &places[*node][level];
                        let shares = |other: &&NodeIdx| &places[*other][level] == mine;
                        expected.iter().filter(shares).count()
                    })
                };
                let rest = order.iter().filter(|node| !expected.contains(node));
                // The first of the least: the most preferred.
                let Some(&next) = rest.min_by_key(crowding) else {
                    break;
                };
                expected.push(next);
            }
            let mut out = vec![NodeIdx::default(); order.len()];
            let found = placement.replicas(key, &mut out);
            out.truncate(found);
            let what = format_args!("replicas of {key:?}, whose preference is {order:?}");
            case.equal(&out, &expected, what);
        }
    }
}
