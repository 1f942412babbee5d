//! What clients and the administrator ask of a node, and how the latter's wishes are made up.

use super::scenario::Plan;
use purlin_core::node::NodeId;
use purlin_core::random::{Random, RandomExt as _, SplitMix64};
use purlin_quorum::raft::{Change, Configuration, MembershipChange, Transition};
use purlin_sim::model::{RegisterOp, RegisterRet};

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Request {
    /// Read a register.
    Get(u8, Path),
    /// Change a register.
    Put(u8, RegisterOp<u64>),
    /// Something for the administrator.
    Order(Order),
}

/// Which way a read goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Path {
    /// `ReadMode::Index`.
    Index,
    /// `ReadMode::Lease`.
    Lease,
    /// `Raft::lease_read`, which asks nobody.
    Fast,
}

/// What the administrator wants. Numbers are draws, from which the node makes what fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    ChangeMembers(u64),
    Transfer(u64),
    Campaign,
    ForgetLeader,
    Compact,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    Register(RegisterRet<u64>),
    /// To an order: it was accepted.
    Done,
}

impl Request {
    /// Which register it is about, and what is done to that.
    pub(crate) fn about(&self) -> Option<(u8, RegisterOp<u64>)> {
        match *self {
            Self::Get(key, _) => Some((key, RegisterOp::Read)),
            Self::Put(key, op) => Some((key, op)),
            Self::Order(_) => None,
        }
    }
}

/// A change of members that makes sense now. A node that was a witness never becomes a full voter:
/// its log lacks commands.
pub(crate) fn membership_change(
    draw: u64,
    now: &Configuration,
    plan: &Plan,
    can_vote: impl Fn(NodeId) -> bool,
) -> MembershipChange {
    if now.is_joint() {
        return MembershipChange::leave();
    }
    let random = &mut SplitMix64::new(draw);
    let others: Vec<NodeId> = (1..=plan.nodes as u64)
        .map(NodeId)
        .filter(|&node| !now.is_voter(node) && can_vote(node))
        .collect();
    let voter = pick(random, now.voters());
    let other = pick(random, &others);
    let learner = pick(random, now.learners());
    let is_small = now.voters().len() <= 2;
    let joint = |auto_leave| Transition::Joint { auto_leave };
    let (transition, changes) = match random.below(12) {
        0 | 1 => (Transition::Auto, vec![remove(voter), add(other)]),
        2 => (joint(false), vec![remove(voter), add(other)]),
        3 => (joint(true), vec![remove(voter), add(other)]),
        4 | 5 if is_small => (Transition::Auto, vec![add(other)]),
        4 => (Transition::Auto, vec![remove(voter)]),
        5 => (joint(false), vec![remove(voter)]),
        6 if now.voters().len() < 5 => (Transition::Auto, vec![add(other)]),
        7 => (Transition::Auto, vec![other.map(Change::AddLearner)]),
        8 if !is_small => (joint(true), vec![voter.map(Change::AddLearner), add(other)]),
        9 => (Transition::Auto, vec![add(learner)]),
        10 => (Transition::Auto, vec![remove(learner)]),
        11 if plan.witnesses => (Transition::Auto, vec![voter.map(Change::AddWitness)]),
        _ => {
            let two = others
                .iter()
                .take(2)
                .map(|&node| Some(Change::AddVoter(node)));
            (
                joint(random.below(2) == 0),
                two.chain([remove(voter)]).collect(),
            )
        }
    };
    MembershipChange {
        transition,
        changes: changes.into_iter().flatten().collect(),
    }
}

fn add(node: Option<NodeId>) -> Option<Change> {
    node.map(Change::AddVoter)
}

fn remove(node: Option<NodeId>) -> Option<Change> {
    node.map(Change::Remove)
}

/// One of the nodes.
pub(crate) fn pick(random: &mut impl Random, nodes: &[NodeId]) -> Option<NodeId> {
    let place = random.below(nodes.len().max(1) as u64);
    nodes.get(usize::try_from(place).ok()?).copied()
}
