//! Random crashes, cuts and losses: what replicas say of proposals is true.

use crate::group::Group;
use alloc::collections::BTreeMap;
use purlin_core::node::NodeId;
use purlin_core::random::{Random as _, RandomExt as _, SplitMix64};
use purlin_quorum::raft::replica::Event;
use purlin_quorum::raft::{Position, RoleKind};

/// A proposal and how often its node said what became of it.
struct Proposal {
    node: u64,
    /// How often its node had started.
    start: u64,
    position: Position,
    said: Vec<Event<usize>>,
}

/// Commands are unique, so that the journals at the end tell what really became of each.
#[test]
fn what_is_said_of_proposals_is_true() {
    let mut told = [0; 3];
    for seed in 0..150 {
        let (proposals, journal) = storm(seed);
        for (number, proposal) in &proposals {
            let applied = journal
                .iter()
                .filter(|command| **command == *number)
                .count();
            match proposal.said[..] {
                [Event::Applied(..)] => {
                    assert_eq!(applied, 1, "seed {seed}: {number} was acknowledged");
                }
                [Event::Lost(_)] => {
                    assert_eq!(applied, 0, "seed {seed}: {number} was said to be lost");
                }
                [Event::Unknown(_)] | [] => assert!(applied <= 1, "seed {seed}: {number}"),
                ref more => panic!("seed {seed}: {number}: {more:?}"),
            }
            match proposal.said[..] {
                [Event::Applied(..)] => told[0] += 1,
                [Event::Lost(_)] => told[1] += 1,
                [Event::Unknown(_)] => told[2] += 1,
                _ => {}
            }
        }
    }
    println!("applied, lost, unknown: {told:?}");
    assert!(told.iter().all(|&count| count > 20), "too calm: {told:?}");
}

/// All proposals, by their commands, and the commands that all nodes have applied in the end.
fn storm(seed: u64) -> (BTreeMap<u64, Proposal>, Vec<u64>) {
    let mut random = SplitMix64::new(seed);
    let mut group = Group::new();
    group.snapshot_after = 200 + random.below(1500);
    (1..=3).for_each(|id| group.restart(id, None));
    let mut proposals = BTreeMap::new();
    let mut starts = [0; 3];
    for number in 0..600 {
        let id = 1 + random.below(3);
        let place = usize::try_from(id - 1).expect("small");
        match random.below(100) {
            0 => {
                let torn = random.next_u64();
                starts[place] += 1;
                group.restart(id, Some(torn));
            }
            1 | 2 => drop(group.cut.insert(id)),
            3..=8 => drop(group.cut.remove(&id)),
            9..=60 if group.nodes[&id].raft().role() == RoleKind::Leader => {
                let position = group.propose(id, &number.to_string());
                let start = starts[place];
                proposals.insert(
                    number,
                    Proposal {
                        node: id,
                        start,
                        position,
                        said: Vec::new(),
                    },
                );
            }
            _ => {}
        }
        group.mail.retain(|_| random.below(50) > 0);
        for _ in 0..random.below(8) {
            group.step();
        }
        hear(&mut group, &mut proposals, starts);
    }
    group.cut.clear();
    group.until("all have applied the same", |group| {
        let leader = group.leader().map(|leader| group.nodes[&leader].raft());
        leader.is_some_and(|leader| {
            let own_term = leader.log_term(leader.commit_index()) == Some(leader.term());
            own_term
                && group
                    .nodes
                    .values()
                    .all(|node| node.raft().applied_index() == leader.last_position().index)
        })
    });
    hear(&mut group, &mut proposals, starts);
    let first = &group.nodes[&1].machine().0;
    for node in group.nodes.values() {
        assert_eq!(node.machine().0, *first, "seed {seed}");
        assert!(node.raft().configuration().is_voter(NodeId(1)));
    }
    let number = |command: &[u8]| core::str::from_utf8(command).ok()?.parse().ok();
    let journal = first
        .iter()
        .filter_map(|(_, command)| number(command))
        .collect();
    (proposals, journal)
}

/// Notes what was said since, for the proposals of nodes that have not started anew.
fn hear(group: &mut Group, proposals: &mut BTreeMap<u64, Proposal>, starts: [u64; 3]) {
    for (id, event) in group.events.drain(..) {
        let (Event::Applied(at, _) | Event::Lost(at) | Event::Unknown(at)) = event else {
            continue;
        };
        let proposal = proposals.values_mut().find(|proposal| {
            let start = starts[usize::try_from(id - 1).expect("small")];
            (proposal.node, proposal.start, proposal.position) == (id, start, at)
        });
        proposal.expect("an answer to a proposal").said.push(event);
    }
}
