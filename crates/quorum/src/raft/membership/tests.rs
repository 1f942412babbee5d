//! Configurations against what they mean: sets of voters, enumerated.

use super::*;
use crate::raft::position::Index;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString as _;
use alloc::sync::Arc;
use alloc::vec;
use proptest::prelude::*;

/// Nodes 1 to this take part; 0 is nobody.
const NODES: u64 = 6;

fn change() -> impl Strategy<Value = Change> {
    let node = (0..=NODES).prop_map(NodeId);
    (0..4_u8, node).prop_map(|(kind, node)| match kind {
        0 => Change::AddVoter(node),
        1 => Change::AddLearner(node),
        2 => Change::AddWitness(node),
        _ => Change::Remove(node),
    })
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(change(), 0..7)
}

/// Any configuration that changes lead to, outside of a joint one.
fn settled() -> impl Strategy<Value = Configuration> {
    let founders = prop::collection::vec((1..=NODES).prop_map(NodeId), 1..6);
    (founders, prop::collection::vec(change(), 0..12)).prop_map(|(founders, changes)| {
        changes
            .into_iter()
            .fold(Configuration::new(founders), |configuration, change| {
                configuration.simple(&[change]).unwrap_or(configuration)
            })
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Voter,
    Witness,
    Learner,
}

/// What everybody is; the incoming half, and the learners that do not wait.
fn roles(configuration: &Configuration) -> BTreeMap<NodeId, Role> {
    let voters = configuration.voters().iter().map(|&node| {
        let witness = configuration.witnesses().contains(&node);
        (node, if witness { Role::Witness } else { Role::Voter })
    });
    let learners = configuration
        .learners()
        .iter()
        .map(|&node| (node, Role::Learner));
    voters.chain(learners).collect()
}

/// Only the last step about a node counts.
fn after(configuration: &Configuration, changes: &[Change]) -> BTreeMap<NodeId, Role> {
    let mut roles = roles(configuration);
    for node in (1..=NODES).map(NodeId) {
        match changes.iter().rfind(|change| change.node() == node) {
            Some(Change::AddVoter(_)) => roles.insert(node, Role::Voter),
            Some(Change::AddWitness(_)) => roles.insert(node, Role::Witness),
            Some(Change::AddLearner(_)) => roles.insert(node, Role::Learner),
            Some(Change::Remove(_)) => roles.remove(&node),
            None => None,
        };
    }
    roles
}

fn of(roles: &BTreeMap<NodeId, Role>, wanted: &[Role]) -> BTreeSet<NodeId> {
    let those = roles.iter().filter(|(_, role)| wanted.contains(role));
    those.map(|(&node, _)| node).collect()
}

const VOTING: [Role; 2] = [Role::Voter, Role::Witness];

/// Whether at least half and one of `voters` are among `some`.
fn majority(voters: &BTreeSet<NodeId>, some: &BTreeSet<NodeId>) -> bool {
    !voters.is_empty() && 2 * voters.intersection(some).count() > voters.len()
}

/// What a change has to be refused for, if it goes as far as to be looked at.
fn refusal(before: &BTreeMap<NodeId, Role>, after: &BTreeMap<NodeId, Role>) -> Option<ChangeError> {
    let (old, new) = (of(before, &VOTING), of(after, &VOTING));
    let witnesses = &of(before, &[Role::Witness]) | &of(after, &[Role::Witness]);
    let keeper = |role: Option<&Role>| matches!(role, Some(Role::Voter | Role::Learner));
    let keeps = |node: &&NodeId| keeper(after.get(node));
    let kept = |node: &&NodeId| keeper(before.get(node));
    if new.is_empty() {
        Some(ChangeError::RemovedAllVoters)
    } else if let Some(&node) = of(before, &[Role::Witness]).iter().find(keeps) {
        Some(ChangeError::WitnessForLife(node))
    } else if let Some(&node) = of(after, &[Role::Witness]).iter().find(kept) {
        Some(ChangeError::WitnessForLife(node))
    } else if majority(&old, &witnesses) || majority(&new, &witnesses) {
        Some(ChangeError::TooManyWitnesses)
    } else {
        None
    }
}

/// All sets of nodes that decide: a majority of each half.
fn quorums(configuration: &Configuration) -> Vec<BTreeSet<NodeId>> {
    let set = |list: &[NodeId]| list.iter().copied().collect::<BTreeSet<_>>();
    let (incoming, outgoing) = (set(configuration.voters()), set(configuration.outgoing()));
    let all = (0..1_u64 << NODES).map(|bits| -> BTreeSet<NodeId> {
        (0..NODES)
            .filter(|bit| bits >> bit & 1 == 1)
            .map(|bit| NodeId(bit + 1))
            .collect()
    });
    let is_quorum = |some: &BTreeSet<NodeId>| {
        majority(&incoming, some) && (outgoing.is_empty() || majority(&outgoing, some))
    };
    all.filter(is_quorum).collect()
}

/// Quorums before and after a step meet; and whoever decided before, somebody of them kept what was
/// decided, and goes on keeping it.
fn check_step(before: &Configuration, after: &Configuration) {
    let (old, new) = (quorums(before), quorums(after));
    assert!(!old.is_empty() && !new.is_empty());
    for one in &old {
        assert!(
            new.iter().all(|other| !one.is_disjoint(other)),
            "{before:?} then {after:?}"
        );
        let keeps = |node: &NodeId| !before.is_witness(*node) && !after.is_witness(*node);
        assert!(
            one.iter().any(keeps),
            "{one:?} keep nothing: {before:?} then {after:?}"
        );
    }
}

fn parts(configuration: &Configuration) -> ConfigurationParts {
    ConfigurationParts {
        incoming: configuration.voters().to_vec(),
        outgoing: configuration.outgoing().to_vec(),
        learners: configuration.learners().to_vec(),
        learners_next: configuration.learners_next().to_vec(),
        witnesses: configuration.witnesses().to_vec(),
        auto_leave: configuration.auto_leave(),
    }
}

proptest! {
    #[test]
    fn a_simple_change_is_its_net_effect(before in settled(), changes in changes()) {
        let expected = after(&before, &changes);
        let (old, new) = (of(&roles(&before), &VOTING), of(&expected, &VOTING));
        let refusal = match refusal(&roles(&before), &expected) {
            Some(ChangeError::RemovedAllVoters) => Some(ChangeError::RemovedAllVoters),
            _ if (&old ^ &new).len() > 1 => Some(ChangeError::MoreThanOneVoter),
            other => other,
        };
        let changed = before.simple(&changes);
        prop_assert_eq!(changed.as_ref().err(), refusal.as_ref());
        if let Ok(changed) = changed {
            prop_assert_eq!(roles(&changed), expected);
            prop_assert!(!changed.is_joint() && changed.learners_next().is_empty());
            prop_assert_eq!(Configuration::from_parts(parts(&changed)), Ok(changed.clone()));
            check_step(&before, &changed);
        }
    }

    #[test]
    fn joint_changes_go_there_in_two_steps(
        before in settled(),
        changes in changes(),
        auto_leave in any::<bool>(),
    ) {
        let expected = after(&before, &changes);
        let joint = before.enter_joint(&changes, auto_leave);
        let refusal = refusal(&roles(&before), &expected);
        prop_assert_eq!(joint.as_ref().err(), refusal.as_ref());
        let Ok(joint) = joint else { return Ok(()) };

        prop_assert_eq!(joint.outgoing(), before.voters());
        prop_assert_eq!(joint.auto_leave(), auto_leave);
        prop_assert_eq!(Configuration::from_parts(parts(&joint)), Ok(joint.clone()));
        check_step(&before, &joint);
        for &node in joint.outgoing() {
            let leaves = !joint.voters().contains(&node);
            let stays_what_it_was = joint.is_witness(node) == before.is_witness(node);
            prop_assert!(!leaves || stays_what_it_was, "{} in {:?}", node, joint);
        }
        prop_assert_eq!(joint.enter_joint(&changes, false), Err(ChangeError::AlreadyJoint));
        prop_assert_eq!(joint.simple(&changes), Err(ChangeError::JointInProgress));

        let left = joint.leave_joint().expect("it is joint");
        prop_assert_eq!(roles(&left), expected);
        prop_assert!(!left.is_joint() && !left.auto_leave() && left.learners_next().is_empty());
        prop_assert_eq!(Configuration::from_parts(parts(&left)), Ok(left.clone()));
        check_step(&joint, &left);
        prop_assert_eq!(left.leave_joint(), Err(ChangeError::NotJoint));
    }

    #[test]
    fn auto_is_simple_where_that_is_enough(before in settled(), changes in changes()) {
        let voters = of(&after(&before, &changes), &VOTING);
        let moved = (&voters ^ &of(&roles(&before), &VOTING)).len();
        let change = MembershipChange { transition: Transition::Auto, changes };
        if let Ok(changed) = before.change(&change) {
            prop_assert_eq!((changed.is_joint(), changed.auto_leave()), (moved > 1, moved > 1));
        }
        let slow = Transition::Joint { auto_leave: false };
        let change = MembershipChange { transition: slow, ..change };
        let joint = if change.changes.is_empty() {
            Err(ChangeError::NoChanges)
        } else {
            before.enter_joint(&change.changes, false)
        };
        prop_assert_eq!(before.change(&change), joint);
        let leave = MembershipChange { transition: Transition::Leave, ..change };
        let left = if leave.changes.is_empty() {
            Err(ChangeError::NotJoint)
        } else {
            Err(ChangeError::LeaveAlone)
        };
        prop_assert_eq!(before.change(&leave), left);
    }

    #[test]
    fn only_what_holds_together_is_put_together(
        // Rich in near misses: few nodes, and lists that rather suit each other.
        roles in prop::collection::vec(0..8_u8, 5),
        stray in prop::option::of((0..5_usize, 0..=5_u64)),
        auto_leave in prop::bool::weighted(0.2),
    ) {
        let mut lists: [Vec<NodeId>; 5] = Default::default();
        for (role, node) in roles.into_iter().zip((1..).map(NodeId)) {
            // incoming, outgoing, learners, learners_next, witnesses
            let into: &[usize] = match role {
                0 => &[0],
                1 => &[0, 1],
                2 => &[1],
                3 => &[1, 3],
                4 => &[2],
                5 => &[0, 4],
                6 => &[1, 4],
                _ => &[],
            };
            into.iter().for_each(|&list| lists[list].push(node));
        }
        if let Some((list, node)) = stray {
            lists[list].push(NodeId(node));
        }
        let sets = lists.clone().map(|list| list.into_iter().collect::<BTreeSet<_>>());
        let [incoming, outgoing, learners, learners_next, witnesses] = &sets;
        let voters = incoming | outgoing;
        let holds = sets.iter().all(|set| !set.contains(&NodeId(0)))
            && (!incoming.is_empty() || sets.iter().all(BTreeSet::is_empty))
            && learners.is_disjoint(&voters)
            && learners_next.is_subset(&(outgoing - incoming))
            && witnesses.is_subset(&voters)
            && !majority(incoming, witnesses)
            && !majority(outgoing, witnesses)
            && (!auto_leave || !outgoing.is_empty());

        let [incoming, outgoing, learners, learners_next, witnesses] = lists;
        let mut parts =
            ConfigurationParts { incoming, outgoing, learners, learners_next, witnesses, auto_leave };
        let made = Configuration::from_parts(parts.clone());
        prop_assert_eq!(made.is_ok(), holds, "{:?}", made);
        parts.incoming.reverse();
        parts.learners.extend_from_within(..);
        prop_assert_eq!(Configuration::from_parts(parts), made, "order and repetitions");
    }

    #[test]
    fn history_is_the_last_one_before(steps in prop::collection::vec((0..3_u8, 0..8_u64), 0..60)) {
        let founders = Arc::new(Configuration::new([NodeId(1)]));
        let mut history = History::new(Arc::clone(&founders));
        // The whole log, compacted or not: what each entry brought.
        let mut log: Vec<Option<Arc<Configuration>>> = Vec::new();
        let mut compacted = 0_usize;
        for (number, (kind, by)) in steps.into_iter().enumerate() {
            let by = usize::try_from(by).expect("small");
            match kind {
                0 => {
                    log.resize(log.len() + by, None);
                    let new = Arc::new(Configuration::new([NodeId(number as u64 + 2)]));
                    log.push(Some(Arc::clone(&new)));
                    history.push(Index(log.len() as u64), new);
                }
                1 => {
                    let keep = log.len().saturating_sub(by).max(compacted);
                    let gone = log.split_off(keep);
                    let any = history.truncate(Index(keep as u64 + 1));
                    prop_assert_eq!(any, gone.iter().any(Option::is_some));
                }
                _ => {
                    compacted = (compacted + by).min(log.len());
                    history.compact(Index(compacted as u64));
                }
            }
            for index in compacted..=log.len() {
                let expected = log[..index].iter().flatten().last().unwrap_or(&founders);
                prop_assert_eq!(history.at(Index(index as u64)), expected);
            }
            prop_assert_eq!(history.current(), history.at(Index(log.len() as u64)));
            let last = log.iter().rposition(Option::is_some).filter(|&at| at >= compacted);
            prop_assert_eq!(history.index(), Index(last.map_or(0, |at| at as u64 + 1)));
        }
    }
}

#[test]
fn nobody_is_nowhere() {
    let group = Configuration::new([0, 2, 1, 2].map(NodeId));
    assert_eq!(group.voters(), [1, 2].map(NodeId));
    assert_eq!(
        group.simple(&[Change::AddVoter(NOBODY), Change::Remove(NOBODY)]),
        Ok(group)
    );
}

#[test]
fn a_group_of_nobody_decides_nothing() {
    let nobody = Configuration::default();
    assert_eq!(nobody.vote_result(|_| Some(true)), VoteResult::Pending);
    assert_eq!(nobody.committed(|_| 9), 0);
    assert_eq!(nobody.enter_joint(&[], false), Err(ChangeError::NoVoters));
    let parts = ConfigurationParts {
        learners: vec![NodeId(1)],
        ..Default::default()
    };
    assert_eq!(
        Configuration::from_parts(parts),
        Err(ConfigurationError::NoVoters)
    );
}

#[test]
fn errors_name_whom_they_are_about() {
    let ids = |ids: &[u64]| ids.iter().copied().map(NodeId).collect::<Vec<_>>();
    let group = ConfigurationParts {
        incoming: ids(&[1, 2, 3]),
        outgoing: ids(&[2, 3, 4]),
        ..Default::default()
    };
    let cases = [
        (
            ConfigurationParts {
                learners: ids(&[5, 4]),
                ..group.clone()
            },
            ConfigurationError::LearnerVotes(NodeId(4)),
        ),
        (
            ConfigurationParts {
                learners_next: ids(&[3, 4]),
                ..group.clone()
            },
            ConfigurationError::NotLeaving(NodeId(3)),
        ),
        (
            ConfigurationParts {
                witnesses: ids(&[7, 1]),
                ..group.clone()
            },
            ConfigurationError::WitnessNotVoter(NodeId(7)),
        ),
        (
            ConfigurationParts {
                witnesses: ids(&[3, 4]),
                ..group.clone()
            },
            ConfigurationError::TooManyWitnesses,
        ),
        (
            ConfigurationParts {
                outgoing: Vec::new(),
                auto_leave: true,
                ..group.clone()
            },
            ConfigurationError::AutoLeaveNotJoint,
        ),
        (
            ConfigurationParts {
                outgoing: ids(&[0, 1]),
                ..group
            },
            ConfigurationError::NodeZero,
        ),
    ];
    for (parts, error) in cases {
        assert_eq!(Configuration::from_parts(parts), Err(error));
    }
}

#[cfg(feature = "serde")]
#[test]
fn what_is_deserialised_is_checked() {
    let group = Configuration::new([1, 2, 3].map(NodeId));
    let changes = [Change::AddLearner(NodeId(1)), Change::AddWitness(NodeId(4))];
    let joint = group.enter_joint(&changes, true).expect("a valid change");

    let text = serde_json::to_string(&joint).expect("serialises");
    assert_eq!(
        serde_json::from_str::<Configuration>(&text).expect("the same"),
        joint
    );
    let bytes = postcard::to_allocvec(&joint).expect("serialises");
    assert_eq!(
        postcard::from_bytes::<Configuration>(&bytes).expect("the same"),
        joint
    );

    let wrong = text.replace(r#""learners":[]"#, r#""learners":[2]"#);
    let error = serde_json::from_str::<Configuration>(&wrong).expect_err("2 votes");
    assert!(
        error
            .to_string()
            .contains("n2 is both a voter and a learner"),
        "{error}"
    );
}
