#![expect(
    clippy::cast_possible_truncation,
    reason = "the numbers of these tests are small"
)]

use super::table::{self, Turns};
use super::{Core, Maglev};
use crate::{
    BuildError, Identity, KeyHash, Locality, Member, Membership, MembershipError, NodeId,
    Placement, Preference,
};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;
use purlin_core::node::NodeIdx;

fn members(weights: &[u32]) -> impl Iterator<Item = Member<u64>> {
    (0..)
        .zip(weights)
        .map(|(id, &weight)| Member::new(id).weight(weight))
}

fn even(nodes: u64) -> Maglev<u64> {
    Maglev::new(0..nodes).expect("few nodes")
}

/// The owners of all slots by identity, which does not change with the order of changes.
fn owners(table: &Maglev<u64>) -> Vec<u64> {
    table
        .slots()
        .map(|index| *table.node(index).expect("a member"))
        .collect()
}

fn shares(table: &Maglev<u64>) -> BTreeMap<u64, usize> {
    let mut shares = BTreeMap::new();
    for owner in owners(table) {
        *shares.entry(owner).or_insert(0) += 1;
    }
    shares
}

/// The pseudo code of the paper (listing 1): whole permutations, all nodes looked at in every
/// round. With Envoy's rule for weights, in whole numbers.
fn naive(core: &Core, members: &[(NodeId, NodeIdx, u32)]) -> Vec<NodeIdx> {
    let size = u64::from(core.size);
    let mut members: Vec<_> = members.iter().filter(|member| member.2 > 0).collect();
    members.sort_by_key(|member| member.0);
    let permutations: Vec<Vec<usize>> = members
        .iter()
        .map(|member| {
            let sequence = core.sequence(member.0, member.1);
            let slot = |j| (u64::from(sequence.next) + j * u64::from(sequence.skip)) % size;
            (0..size).map(|j| slot(j) as usize).collect()
        })
        .collect();
    let heaviest = members
        .iter()
        .map(|member| u64::from(member.2))
        .max()
        .unwrap_or(0);
    let mut entry = vec![None; core.size as usize];
    let (mut next, mut turns) = (vec![0; members.len()], vec![0_u64; members.len()]);
    let mut filled = 0;
    for round in 1.. {
        for (i, &&(_, index, weight)) in members.iter().enumerate() {
            if round * u64::from(weight) < turns[i] * heaviest {
                continue;
            }
            turns[i] += 1;
            while entry[permutations[i][next[i]]].is_some() {
                next[i] += 1;
            }
            entry[permutations[i][next[i]]] = Some(index);
            filled += 1;
            if filled == entry.len() {
                return entry.into_iter().flatten().collect();
            }
        }
        if members.is_empty() {
            break;
        }
    }
    Vec::new()
}

fn weights() -> impl Strategy<Value = Vec<u32>> {
    let weight = prop_oneof![Just(0), Just(1), Just(1), 1..9_u32, 1..2_000_u32];
    prop_oneof![
        prop::collection::vec(weight, 0..40),
        (0..40_usize).prop_map(|nodes| vec![3; nodes]),
    ]
}

proptest! {
    #[test]
    fn is_the_table_of_the_paper(
        weights in weights(),
        seed in any::<u64>(),
        size in prop::sample::select(vec![41_u64, 101, 251, 1_009]),
    ) {
        let table = Maglev::builder().seed(seed).table_size(size).build(members(&weights)).unwrap();
        let ids = |at: usize| ((at as u64).id(), NodeIdx(at as u32), weights[at]);
        let listed: Vec<_> = (0..weights.len()).map(ids).collect();
        prop_assert_eq!(table.slots().collect::<Vec<_>>(), naive(&table.placed.strategy, &listed));
        table.check_invariants();
    }

    #[test]
    fn history_does_not_matter(
        first in weights(),
        changes in prop::collection::vec((0..50_u64, 0..4_u32), 0..12),
    ) {
        let builder = Maglev::builder().table_size(101);
        let mut table = builder.build(members(&first)).unwrap();
        let mut model: BTreeMap<u64, u32> = (0..).zip(first).collect();
        for (id, weight) in changes {
            if model.contains_key(&id) && weight == 3 {
                table.remove(id.id()).unwrap();
                model.remove(&id);
            } else if model.insert(id, weight).is_some() {
                table.set_weight(id.id(), weight.into()).unwrap();
            } else {
                table.add(Member::new(id).weight(weight)).unwrap();
            }
            table.check_invariants();
        }
        let anew = model.iter().rev().map(|(&id, &weight)| Member::new(id).weight(weight));
        prop_assert_eq!(owners(&table), owners(&builder.build(anew).unwrap()));
    }

    #[test]
    fn any_node_that_takes_keys_can_be_found(
        weights in weights(),
        key in any::<u64>(),
        wanted in 0..40_u32,
    ) {
        let table = Maglev::builder().table_size(101).build(members(&weights)).unwrap();
        let takes = |index: NodeIdx| weights.get(index.get()).is_some_and(|&weight| weight > 0);
        let key = KeyHash(key);
        let mut asked_others = false;
        let found = table.owner_where(key, &mut |index| {
            asked_others |= !takes(index);
            index.0 == wanted
        });
        prop_assert!(!asked_others, "asks only about nodes that take keys");
        prop_assert_eq!(found, Some(NodeIdx(wanted)).filter(|&index| takes(index)));
        prop_assert_eq!(table.owner_where(key, &mut |_| true), table.owner(key));
    }

    #[test]
    fn replicas_are_distinct_and_as_by_preference(
        weights in weights(),
        key in any::<u64>(),
        wanted in 0..9_usize,
    ) {
        let table = Maglev::builder().table_size(101).build(members(&weights)).unwrap();
        let mut out = vec![NodeIdx(u32::MAX); wanted];
        let count = table.replicas(KeyHash(key), &mut out);
        let takers = weights.iter().filter(|&&weight| weight > 0).count();
        prop_assert_eq!(count, wanted.min(takers));
        for at in 0..count {
            let before = &out[..at];
            let next = table.owner_where(KeyHash(key), &mut |index| !before.contains(&index));
            prop_assert_eq!(next, Some(out[at]));
        }
    }

    #[test]
    fn shares_follow_weights(weights in prop::collection::vec(1..1_000_u32, 1..100)) {
        let size = 10_007_u64;
        let table = Maglev::builder().table_size(size).build(members(&weights)).unwrap();
        let shares = shares(&table);
        let total: u64 = weights.iter().copied().map(u64::from).sum();
        for (id, &weight) in (0_u64..).zip(&weights) {
            // In exact fractions of `total`; see the type's docs.
            let share = i128::from(shares[&id] as u64 * total);
            let due = i128::from(size * u64::from(weight));
            let nodes = weights.len() as u64;
            let short = i128::from(nodes * u64::from(weight) + total);
            let bounds = due - short..=due + 2 * i128::from(total);
            prop_assert!(bounds.contains(&share), "{id}: {share} of {due}");
        }
    }
}

#[test]
fn equal_weights_differ_by_a_slot_at_most() {
    for nodes in [1, 2, 10, 100, 650] {
        let shares = shares(&even(nodes));
        let (least, most) = (
            65_537 / nodes as usize,
            65_537_usize.div_ceil(nodes as usize),
        );
        assert_eq!(shares.len() as u64, nodes);
        assert!(
            shares
                .values()
                .all(|&share| share == least || share == most),
            "{nodes} nodes"
        );
    }
}

/// Moved slots, and how many had to: those of the node that came or went.
fn moved(before: &Maglev<u64>, after: &Maglev<u64>, changed: u64) -> (usize, usize) {
    let (before, after) = (owners(before), owners(after));
    let pairs = || before.iter().zip(&after).filter(|(from, to)| from != to);
    let needed = pairs().filter(|(from, to)| **from == changed || **to == changed);
    (pairs().count(), needed.count())
}

/// The sums of `moved` over several nodes, each of which joins and leaves.
fn disruption(nodes: u64) -> (usize, usize) {
    let (mut all, mut needed) = (0, 0);
    for changed in (0..nodes).step_by((nodes as usize).div_ceil(8)) {
        let with = even(nodes);
        let mut without = with.clone();
        without.remove(NodeId(changed)).expect("a member");
        let (moves, owned) = moved(&with, &without, changed);
        assert_eq!(
            owned,
            shares(&with)[&changed],
            "all slots of the node, once"
        );
        assert_eq!(
            moved(&without, &with, changed),
            (moves, owned),
            "the way back is the same"
        );
        all += moves;
        needed += owned;
    }
    (all, needed)
}

#[test]
fn a_change_moves_more_than_it_must() {
    for (nodes, percent) in [(10, 110), (100, 200), (1_000, 800)] {
        let (all, needed) = disruption(nodes);
        assert!(
            all * 100 <= percent * needed,
            "{nodes} nodes: {all} moved, {needed} needed"
        );
    }
}

#[test]
fn slots_are_ranges_of_hashes() {
    let table = Maglev::builder()
        .table_size(101)
        .build(0..7_u64)
        .expect("few nodes");
    for (slot, owner) in (0_u128..).zip(table.slots()) {
        let first = (slot << 64).div_ceil(101) as u64;
        let last = (((slot + 1) << 64).div_ceil(101) - 1) as u64;
        for key in [first, last] {
            assert_eq!(table.owner(KeyHash(key)), Some(owner), "slot {slot}");
        }
    }
}

#[test]
fn does_not_change_between_versions() {
    let table = Maglev::builder()
        .table_size(23)
        .build(["a", "b", "c", "d"])
        .expect("few nodes");
    let slots: Vec<_> = table.slots().map(|index| index.0).collect();
    let expected = [
        0, 3, 3, 0, 2, 2, 1, 0, 2, 3, 3, 3, 0, 1, 0, 2, 1, 2, 2, 1, 1, 3, 1,
    ];
    assert_eq!(slots, expected);
}

#[test]
fn nobody_to_take_keys() {
    let mut table = Maglev::new([Member::new(1_u64).weight(0)]).expect("a list");
    assert_eq!(
        (table.len(), table.owner(KeyHash(7)), table.slots().len()),
        (1, None, 0)
    );
    assert_eq!(table.replicas(KeyHash(7), &mut [NodeIdx(0)]), 0);
    assert_eq!(table.owner_where(KeyHash(7), &mut |_| true), None);
    table.set_weight(NodeId(1), 1.into()).expect("a member");
    assert_eq!(table.owner(KeyHash(7)), Some(NodeIdx(0)));
    table.set_weight(NodeId(1), 0.into()).expect("a member");
    assert_eq!(table.owner(KeyHash(7)), None);
}

#[test]
fn replicas_stand_in_different_zones() {
    let zones = ["a", "a", "a", "b", "b", "c"];
    let members = (0_u64..)
        .zip(zones)
        .map(|(id, zone)| Member::new(id).locality(Locality::zone(zone)));
    let table = Maglev::builder()
        .table_size(101)
        .build(members)
        .expect("few nodes");
    for key in (0..100).map(|i| KeyHash(i << 57)) {
        let mut out = [NodeIdx(0); 3];
        assert_eq!(table.replicas(key, &mut out), 3);
        let mut found = out.map(|index| zones[index.get()]);
        found.sort_unstable();
        assert_eq!(found, ["a", "b", "c"]);
    }
}

#[test]
fn lookups_do_not_allocate() {
    let table = even(100);
    let allocated = allocation_counter::measure(|| {
        let mut out = [NodeIdx(0); 3];
        for key in (0..100).map(|i| KeyHash(i << 57)) {
            assert_eq!(table.replicas(key, &mut out), 3);
            assert_eq!(table.owner(key), Some(out[0]));
            assert_eq!(table.owner_where(key, &mut |_| false), None);
        }
    });
    assert_eq!(allocated.count_total, 0);
}

#[test]
fn sizes_are_prime_and_bounded() {
    for size in [2, 3, 5, 251, 65_537, 655_373, 5_000_011] {
        assert!(table::is_table_size(size), "{size}");
    }
    for size in [
        0,
        1,
        4,
        9,
        15,
        65_535,
        65_536,
        5_000_009,
        5_000_077,
        u64::from(u32::MAX) + 3,
        u64::MAX,
    ] {
        let refused = Maglev::builder()
            .table_size(size)
            .build([1_u64])
            .expect_err("no table size");
        let BuildError::Option { option, value, .. } = refused else {
            panic!("{refused}")
        };
        assert_eq!((option, value), ("table_size", size));
    }
}

#[test]
fn no_more_nodes_than_slots() {
    let builder = Maglev::builder().table_size(5);
    let refused = builder.build(0..6_u64).expect_err("six nodes");
    let reason = MembershipError::TooManyNodes { limit: 5 };
    assert_eq!(
        refused,
        BuildError::Member {
            position: 5,
            reason: reason.clone()
        }
    );

    let mut table = builder.build(0..5_u64).expect("five nodes");
    let before = owners(&table);
    let refused = table.add(Member::new(5)).expect_err("a sixth node");
    assert_eq!((refused.member.node, refused.reason), (5, reason));
    assert_eq!((owners(&table), table.len()), (before, 5));
}

#[test]
fn at_most_65_535_nodes() {
    let builder = Maglev::builder().table_size(131_071);
    let refused = builder.build(0..65_536_u64).expect_err("one too many");
    let reason = MembershipError::TooManyNodes { limit: 65_535 };
    assert_eq!(
        refused,
        BuildError::Member {
            position: 65_535,
            reason
        }
    );
    let table = builder.build(0..65_535_u64).expect("the limit");
    assert_eq!(shares(&table).len(), 65_535, "everyone has a slot");
}

/// Rounds are skipped, not walked: 65,535 nodes * 4.9 million rounds would take minutes.
#[test]
fn lopsided_weights_take_no_longer() {
    let mut weights = vec![1; 60_000];
    weights[7] = u32::MAX;
    let table = Maglev::builder()
        .table_size(4_999_999)
        .build(members(&weights))
        .expect("the limit");
    let shares = shares(&table);
    assert_eq!(shares[&7], 4_999_999 - 59_999);
    assert_eq!(shares.values().filter(|&&share| share == 1).count(), 59_999);
}

#[test]
fn turns_come_by_round_then_by_place() {
    // The second node has a turn in every third round.
    let turns = Turns::new(2, |place| if place == 1 { 3 } else { 0 });
    let mut rounds = 0;
    let every_third = turns.take(5).inspect(|_| rounds += 1).collect::<Vec<_>>();
    assert_eq!((every_third, rounds), (vec![0, 1, 0, 0, 1], 5));
}
