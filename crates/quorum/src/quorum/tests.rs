//! The arithmetic against what quorums are: sets of nodes, enumerated.

use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;
use purlin_core::node::Weight;

/// All sets of so many nodes, as bits.
fn sets(nodes: usize) -> impl Iterator<Item = usize> {
    0..1 << nodes
}

fn members(set: usize) -> impl Iterator<Item = usize> {
    (0..usize::BITS as usize).filter(move |node| set >> node & 1 == 1)
}

/// The best that any quorum has reached; a quorum has what all of it have. 0 without a quorum.
fn best(reached: &[u64], is_quorum: &dyn Fn(usize) -> bool) -> u64 {
    let quorums = sets(reached.len()).filter(|&set| set != 0 && is_quorum(set));
    let of_set = |set| {
        members(set)
            .map(|node| reached[node])
            .min()
            .expect("not empty")
    };
    quorums.map(of_set).max().unwrap_or(0)
}

/// Whether yes wins in all, in some or in none of the ways that the open votes may fall.
fn outcome(votes: &[Option<bool>], is_quorum: &dyn Fn(usize) -> bool) -> VoteResult {
    let agrees = |set: usize| {
        let mut answers = votes.iter().enumerate();
        answers.all(|(node, vote)| vote.is_none_or(|vote| vote == (set >> node & 1 == 1)))
    };
    let ends: Vec<bool> = sets(votes.len())
        .filter(|&set| agrees(set))
        .map(is_quorum)
        .collect();
    match (ends.iter().all(|&won| won), ends.iter().any(|&won| won)) {
        (true, _) => VoteResult::Won,
        (false, true) => VoteResult::Pending,
        (false, false) => VoteResult::Lost,
    }
}

fn index(node: NodeId) -> usize {
    usize::try_from(node.0).expect("a small number") - 1
}

fn nodes(count: usize) -> Vec<NodeId> {
    (1..=count as u64).map(NodeId).collect()
}

fn majority_of(count: usize) -> impl Fn(usize) -> bool {
    move |set| 2 * members(set).count() > count
}

fn weight() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..4, any::<u32>(), Just(u32::MAX)]
}

/// What nodes have reached: ties are frequent, the ends occur.
fn value() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..6, any::<u64>(), Just(u64::MAX)]
}

proptest! {
    // Past nine nodes another branch counts.
    #[test]
    fn majority_commits_what_the_best_majority_has(reached in prop::collection::vec(value(), 1..13)) {
        let nodes = nodes(reached.len());
        let committed = Majority(&nodes).committed(|node| reached[index(node)]);
        prop_assert_eq!(committed, Some(best(&reached, &majority_of(nodes.len()))));
    }

    #[test]
    fn majority_votes_as_every_end_of_the_vote_says(
        votes in prop::collection::vec(any::<Option<bool>>(), 1..12),
    ) {
        let nodes = nodes(votes.len());
        let result = Majority(&nodes).vote_result(|node| votes[index(node)]);
        prop_assert_eq!(result, outcome(&votes, &majority_of(nodes.len())));
    }

    #[test]
    fn weighted_commits_what_the_best_quorum_has(
        of_nodes in prop::collection::vec((value(), weight()), 1..13),
    ) {
        let (reached, weights): (Vec<u64>, Vec<u32>) = of_nodes.into_iter().unzip();
        let weighed = weighed(&weights);
        let committed = Weighted(&weighed).committed(|node| reached[index(node)]);
        prop_assert_eq!(committed, Some(best(&reached, &heavier_half(&weights))));
    }

    #[test]
    fn weighted_votes_as_every_end_of_the_vote_says(
        of_nodes in prop::collection::vec((any::<Option<bool>>(), weight()), 1..12),
    ) {
        let (votes, weights): (Vec<_>, Vec<u32>) = of_nodes.into_iter().unzip();
        let weighed = weighed(&weights);
        let result = Weighted(&weighed).vote_result(|node| votes[index(node)]);
        prop_assert_eq!(result, outcome(&votes, &heavier_half(&weights)));
    }

    #[test]
    fn joint_quorums_are_quorums_of_both(
        reached in prop::collection::vec(value(), 8),
        votes in prop::collection::vec(any::<Option<bool>>(), 8),
        one in prop::collection::btree_set(1_u64..=8, 1..8),
        other in prop::collection::btree_set(1_u64..=8, 1..8),
    ) {
        let list = |set: &alloc::collections::BTreeSet<u64>| -> Vec<NodeId> {
            set.iter().copied().map(NodeId).collect()
        };
        let (one, other) = (list(&one), list(&other));
        let of = |half: &[NodeId], set: usize| {
            2 * half.iter().filter(|&&node| set >> index(node) & 1 == 1).count() > half.len()
        };
        let is_quorum = |set| of(&one, set) && of(&other, set);
        let joint = Joint(Majority(&one), Majority(&other));
        let committed = joint.committed(|node| reached[index(node)]);
        prop_assert_eq!(committed, Some(best(&reached, &is_quorum)));

        // Only whether it can be won and whether it can be lost is told by the ends: while it can
        // be won no more in one half, and the other is open, it is lost.
        let result = joint.vote_result(|node| votes[index(node)]);
        prop_assert_eq!(result == VoteResult::Won, outcome(&votes, &is_quorum) == VoteResult::Won);
        let halves = [&one, &other].map(|half| outcome(&votes, &|set| of(half, set)));
        prop_assert_eq!(result == VoteResult::Lost, halves.contains(&VoteResult::Lost));
    }

    #[test]
    fn first_answers_stand(answers in prop::collection::vec((1_u64..6, any::<bool>()), 0..20)) {
        let mut votes = Votes::new();
        let mut backwards = Votes::new();
        for (at, &(node, granted)) in answers.iter().enumerate() {
            let first = answers.iter().position(|&(other, _)| other == node);
            prop_assert_eq!(votes.record(NodeId(node), granted), first == Some(at));
        }
        for node in (0..7).rev() {
            let first = answers.iter().find(|&&(other, _)| other == node);
            prop_assert_eq!(votes.get(NodeId(node)), first.map(|&(_, granted)| granted));
            if let Some(&(_, granted)) = first {
                backwards.record(NodeId(node), granted);
            }
        }
        prop_assert_eq!(votes, backwards, "the order of answers means nothing");
    }
}

fn weighed(weights: &[u32]) -> Vec<(NodeId, Weight)> {
    nodes(weights.len())
        .into_iter()
        .zip(weights.iter().copied().map(Weight::new))
        .collect()
}

fn heavier_half(weights: &[u32]) -> impl Fn(usize) -> bool {
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    move |set| {
        2 * members(set)
            .map(|node| u128::from(weights[node]))
            .sum::<u128>()
            > total
    }
}

#[test]
fn nobody_holds_nothing_back() {
    for (committed, result) in [
        (
            Majority(&[]).committed(|_| 7),
            Majority(&[]).vote_result(|_| None),
        ),
        (
            Weighted(&[]).committed(|_| 7),
            Weighted(&[]).vote_result(|_| None),
        ),
    ] {
        assert_eq!((committed, result), (None, VoteResult::Won));
    }
}

#[test]
fn weightless_nodes_decide_nothing() {
    let nodes = weighed(&[0, 0]);
    assert_eq!(Weighted(&nodes).committed(|_| 7), Some(0));
    assert_eq!(
        Weighted(&nodes).vote_result(|_| Some(true)),
        VoteResult::Lost
    );
}

#[test]
fn up_to_nine_nodes_nothing_is_allocated() {
    let reached = |node: NodeId| node.0 * 37 % 11;
    for count in 1..=9 {
        let (nodes, weighed) = (nodes(count), weighed(&[3, 1, 4, 1, 5, 9, 2, 6, 5][..count]));
        let counted = allocation_counter::measure(|| {
            let joint = Joint(Majority(&nodes), Weighted(&weighed));
            assert!(core::hint::black_box(joint.committed(reached)).is_some());
            joint.vote_result(|node| Some(node.0 > 2));
        });
        assert_eq!(counted.count_total, 0, "{count} nodes");
    }
    let many = nodes(10);
    let counted = allocation_counter::measure(|| {
        assert!(core::hint::black_box(Majority(&many).committed(reached)).is_some());
    });
    assert_eq!(counted.count_total, 1, "the counter counts");
}
