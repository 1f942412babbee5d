//! Differences of placements against brute force.

extern crate alloc;

use alloc::collections::BTreeSet;
use proptest::prelude::*;
use purlin_core::random::SplitMix64;
use purlin_hashring::{
    Epoch, Handover, HashRange, Identity, KeyHash, Locality, Member, Membership, NodeId, NodeIdx,
    Placement, Ranged, RangedExt, Ring, Weight, diff, diff_replicas,
};

type Any<'a> = &'a dyn Ranged<Node = u64>;

fn id(placement: Any<'_>, node: Option<NodeIdx>) -> Option<u64> {
    placement.node(node?).copied()
}

fn set(placement: Any<'_>, key: KeyHash, replicas: usize) -> BTreeSet<u64> {
    let mut out = vec![NodeIdx(0); replicas];
    let count = placement.replicas(key, &mut out);
    out[..count]
        .iter()
        .filter_map(|&node| id(placement, Some(node)))
        .collect()
}

/// Hashes on both sides of every boundary, and some others.
fn interesting(placements: [Any<'_>; 2]) -> Vec<KeyHash> {
    let mut keys: Vec<_> = (0..50).map(SplitMix64::mix).map(KeyHash).collect();
    for placement in placements {
        let mut from = 0;
        loop {
            let (last, _) = placement.next_boundary(KeyHash(from));
            keys.extend([KeyHash(from), last, KeyHash(from + (last.0 - from) / 2)]);
            match last.0.checked_add(1) {
                Some(next) => from = next,
                None => break,
            }
        }
    }
    keys
}

fn check_diff(old: Any<'_>, new: Any<'_>) {
    let moves: Vec<_> = diff(old, new).collect();
    for pair in moves.windows(2) {
        assert!(
            pair[0].range.end < pair[1].range.start,
            "in order, without overlap"
        );
        let adjacent = pair[0].range.end + 1 == pair[1].range.start;
        assert!(
            !adjacent || (pair[0].from, pair[0].to) != (pair[1].from, pair[1].to),
            "joined"
        );
    }
    for key in interesting([old, new]) {
        let (from, to) = (old.owner(key), new.owner(key));
        let moved = moves.iter().find(|moved| moved.range.contains(key));
        let moved = moved.map(|moved| (moved.from, moved.to));
        let expected = (id(old, from) != id(new, to)).then_some((from, to));
        assert_eq!(moved, expected, "at {key:?}");
    }
}

fn check_replicas(old: Any<'_>, new: Any<'_>, replicas: usize) {
    let all: Vec<_> = diff_replicas(old, new, replicas).collect();
    for pair in all.windows(2) {
        let (a, b) = (pair[0].range, pair[1].range);
        assert!(a == b || a.end < b.start, "in order");
    }
    for key in interesting([old, new]) {
        let (before, after) = (set(old, key, replicas), set(new, key, replicas));
        let here: Vec<&Handover> = all.iter().filter(|copy| copy.range.contains(key)).collect();
        let mut holders = before.clone();
        for copy in &here {
            let (from, to) = (id(old, copy.from), id(new, copy.to));
            assert_eq!(from.is_none(), before.is_empty());
            assert!(
                from.is_none_or(|from| before.contains(&from)),
                "copied from who has it"
            );
            assert!(copy.retires || to.is_some(), "there is something to do");
            let stays = from.is_some_and(|from| after.contains(&from));
            let nobody_stays = before.is_disjoint(&after);
            assert!(copy.retires != stays || nobody_stays, "{copy:?}");
            assert!(
                to.is_none_or(|to| holders.insert(to)),
                "copied where it is missing, once"
            );
        }
        for copy in here.iter().filter(|copy| copy.retires) {
            let from = id(old, copy.from).expect("who retires was there");
            assert!(holders.remove(&from), "each retires once");
        }
        assert_eq!(holders, after);
        let copies = here.iter().filter(|copy| copy.to.is_some()).count();
        assert_eq!(copies, after.difference(&before).count());
        let replaced = here
            .iter()
            .filter(|copy| copy.to.is_some() && copy.retires)
            .count();
        assert_eq!(replaced, copies.min(before.difference(&after).count()));
    }
}

fn members() -> impl Strategy<Value = Vec<Member<u64>>> {
    let member = (0..3_u32, 0..3_u8);
    proptest::collection::btree_map(0..10_u64, member, 0..8).prop_map(|members| {
        let member = |(node, (weight, zone))| {
            let member = Member::new(node).weight(weight);
            if zone == 0 {
                member
            } else {
                member.locality(Locality::zone([zone]))
            }
        };
        members.into_iter().map(member).collect()
    })
}

fn ring(seed: u64, points: u32, members: Vec<Member<u64>>) -> Ring<u64> {
    let builder = Ring::builder().seed(seed).points_per_weight(points);
    builder.build(members).expect("distinct, and few")
}

/// Slices of equal size, which are no ring.
struct Slices(Vec<u64>);

impl Placement for Slices {
    type Node = u64;

    fn owner(&self, key: KeyHash) -> Option<NodeIdx> {
        let slice = (u128::from(key.0) * self.0.len() as u128) >> 64;
        let slice = u32::try_from(slice).ok()?;
        (!self.0.is_empty()).then_some(NodeIdx(slice))
    }

    fn replicas(&self, key: KeyHash, out: &mut [NodeIdx]) -> usize {
        let count = out.len().min(self.0.len());
        let first = self.owner(key).map_or(0, |node| node.0);
        let indices = (0..).take(self.0.len()).map(NodeIdx).cycle();
        for (slot, index) in out[..count].iter_mut().zip(indices.skip(first as usize)) {
            *slot = index;
        }
        count
    }

    fn node(&self, index: NodeIdx) -> Option<&u64> {
        self.0.get(index.get())
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn epoch(&self) -> Epoch {
        Epoch(0)
    }
}

impl Ranged for Slices {
    fn next_boundary(&self, from: KeyHash) -> (KeyHash, Option<NodeIdx>) {
        let owner = self.owner(from);
        let slices = self.0.len().max(1) as u128;
        let next = (owner.map_or(0, |node| u128::from(node.0)) + 1) << 64;
        let last = u64::try_from(next.div_ceil(slices) - 1);
        (KeyHash(last.unwrap_or(u64::MAX)), owner)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn rings(
        old in members(),
        new in members(),
        seeds in (0..2_u64, 0..2_u64),
        points in (1..6_u32, 1..6_u32),
        replicas in 0..5_usize,
    ) {
        let (old, new) = (ring(seeds.0, points.0, old), ring(seeds.1, points.1, new));
        check_diff(&old, &new);
        check_replicas(&old, &new, replicas);
        prop_assert_eq!(diff(&old, &old).count(), 0);
        prop_assert_eq!(diff_replicas(&new, &new, replicas).count(), 0);
    }

    #[test]
    fn of_different_kinds(
        members in members(),
        slices in proptest::collection::btree_set(0..10_u64, 0..6),
        replicas in 1..4_usize,
    ) {
        let (ring, slices) = (ring(0, 3, members), Slices(slices.into_iter().collect()));
        check_diff(&ring, &slices);
        check_diff(&slices, &ring);
        check_replicas(&ring, &slices, replicas);
        check_replicas(&slices, &ring, replicas);
    }

    /// What is given up goes to whom the change favours, and nothing else moves.
    #[test]
    fn one_change_moves_no_more_than_it_must(members in members(), change in 0..3_u8, replicas in 1..4_usize) {
        let old = ring(0, 8, members);
        let mut new = old.clone();
        let favoured = match change {
            0 => {
                new.add(Member::new(99)).expect("new");
                99
            }
            1 => {
                new.add(Member::new(99).weight(0)).expect("new");
                new.set_weight(NodeId(99), Weight::new(2)).expect("a member");
                99
            }
            _ => {
                let Some(member) = old.roster().iter().next() else { return Ok(()) };
                new.set_weight(member.id, Weight::new(member.weight.get() + 1)).expect("a member");
                *member.node
            }
        };
        for moved in diff(&old, &new) {
            prop_assert_eq!(id(&new, moved.to), Some(favoured));
        }
        // And backwards.
        for moved in diff(&new, &old) {
            prop_assert_eq!(id(&new, moved.from), Some(favoured));
        }
        let located = old.roster().iter().any(|member| member.locality != Locality::default());
        if !located {
            for copy in diff_replicas(&old, &new, replicas) {
                prop_assert_eq!(id(&new, copy.to), Some(favoured));
            }
        }
    }
}

/// Nodes of another type are the same if their identities are.
#[test]
fn identity_decides() {
    let old = Ring::new(["a".to_string(), "b".to_string()]).expect("distinct");
    let new = Ring::new(["b", "c", "a"]).expect("distinct");
    let moved: Vec<_> = diff(&old, &new).collect();
    assert!(!moved.is_empty());
    assert!(
        moved
            .iter()
            .all(|moved| moved.to == new.roster().find("c".id()))
    );
}

#[test]
fn to_and_from_nobody() {
    let nobody = Ring::new([0_u64; 0]).expect("nothing is wrong with nobody");
    let one = Ring::new([7_u64]).expect("distinct");
    let first: Vec<_> = diff(&nobody, &one).collect();
    assert_eq!(first.len(), 1);
    assert_eq!(
        (first[0].range, first[0].from, first[0].to),
        (HashRange::ALL, None, Some(NodeIdx(0)))
    );
    assert_eq!(
        nobody.ranges().collect::<Vec<_>>(),
        [(HashRange::ALL, None)]
    );
    let copies: Vec<_> = diff_replicas(&nobody, &one, 3).collect();
    assert_eq!(
        (
            copies.len(),
            copies[0].from,
            copies[0].to,
            copies[0].retires
        ),
        (1, None, Some(NodeIdx(0)), false)
    );
    let last: Vec<_> = diff_replicas(&one, &nobody, usize::MAX).collect();
    assert_eq!(
        (last.len(), last[0].from, last[0].to, last[0].retires),
        (1, Some(NodeIdx(0)), None, true)
    );
}
