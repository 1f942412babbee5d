use crate::bucket::{flip, rehash};
use crate::{Identity, Member, Membership, Memento, Placement};
use alloc::vec::Vec;
use proptest::prelude::*;
use purlin_core::hash::KeyHash;
use purlin_core::node::NodeIdx;
use purlin_core::random::{Random, SplitMix64};

/// Removal as the papers define it, step by step: all buckets stand in a list; the one that goes is
/// replaced by the last, and its keys are spread over the list that is left.
pub(crate) fn naive_owner(
    key: KeyHash,
    first: u32,
    buckets: u32,
    gone: impl IntoIterator<Item = u32>,
) -> Option<NodeIdx> {
    let mut list: Vec<u32> = (0..buckets).collect();
    let mut owner = first;
    for bucket in gone {
        let place = list.iter().position(|&other| other == bucket)?;
        list.swap_remove(place);
        let left = u32::try_from(list.len()).ok().filter(|&left| left > 0)?;
        if owner == bucket {
            owner = list[rehash(key, bucket, left) as usize];
        }
    }
    Some(NodeIdx(owner))
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Add,
    /// The member at this place of the roster, modulo its length.
    Remove(usize),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Add),
        3 => any::<usize>().prop_map(Step::Remove),
    ];
    prop::collection::vec(step, 1..60)
}

/// Makes a step and answers the index of the node that came or went.
pub(crate) fn make(
    placement: &mut impl Membership<Node = u64>,
    step: &Step,
    id: u64,
) -> Option<NodeIdx> {
    match step {
        Step::Add => placement.add(Member::new(id)).ok(),
        Step::Remove(place) => {
            let roster = placement.roster();
            let member = roster.iter().nth(place % roster.len().max(1))?;
            let (id, index) = (member.id, member.index);
            placement.remove(id).ok()?;
            Some(index)
        }
    }
}

/// Checks that only keys of the changed node move, and that `owner` is `model`'s, after every step.
pub(crate) fn churn<P: Membership<Node = u64>>(
    placement: &mut P,
    steps: &[Step],
    model: impl Fn(&P, KeyHash) -> Option<NodeIdx>,
) -> Result<(), TestCaseError> {
    let mut random = SplitMix64::new(7);
    let keys: Vec<_> = (0..200).map(|_| KeyHash(random.next_u64())).collect();
    for (id, step) in (1_000..).zip(steps) {
        let before: Vec<_> = keys.iter().map(|&key| placement.owner(key)).collect();
        let members = placement.len();
        let Some(changed) = make(placement, step, id) else {
            prop_assert_eq!(placement.len(), members);
            continue;
        };
        placement.check_invariants();
        for (&key, before) in keys.iter().zip(before) {
            let after = placement.owner(key);
            prop_assert_eq!(after, model(placement, key));
            prop_assert_eq!(after.is_none(), placement.is_empty());
            if placement.len() > members {
                prop_assert!(after == before || after == Some(changed));
            } else {
                prop_assert_eq!(after != before, before == Some(changed));
            }
        }
    }
    Ok(())
}

fn model(placement: &Memento<u64>, key: KeyHash) -> Option<NodeIdx> {
    let seats = &placement.roster().seats;
    let buckets = u32::try_from(seats.bound()).ok()?;
    let gone = seats.gaps().iter().map(|gap| gap.0);
    naive_owner(key, flip(key, buckets)?, buckets, gone)
}

proptest! {
    #[test]
    fn follows_the_step_by_step_model(nodes in 0..40_u64, steps in steps()) {
        let mut placement = Memento::new(0..nodes).expect("distinct nodes");
        churn(&mut placement, &steps, model)?;
    }

    #[test]
    fn what_comes_back_gets_what_it_had(nodes in 1..200_u64, gone in any::<u64>()) {
        let mut placement = Memento::new(0..nodes).expect("distinct nodes");
        let mut random = SplitMix64::new(gone);
        let keys: Vec<_> = (0..200).map(|_| KeyHash(random.next_u64())).collect();
        let before: Vec<_> = keys.iter().map(|&key| placement.owner(key)).collect();
        let mut away = Vec::new();
        for node in 0..nodes {
            if random.next_u64().is_multiple_of(2) {
                away.push(placement.remove(node.id()).expect("a member"));
            }
        }
        while let Some(member) = away.pop() {
            placement.add(member).expect("not there any more");
        }
        let after: Vec<_> = keys.iter().map(|&key| placement.owner(key)).collect();
        prop_assert_eq!(before, after);
    }
}
