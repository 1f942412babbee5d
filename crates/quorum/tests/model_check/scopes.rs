//! The scopes that are searched.

use super::scope::{Budget, Scope};
use purlin_core::node::NodeId;
use purlin_quorum::raft::{Change, MembershipChange, Transition};

/// The scopes to choose from: each part of the protocol in the smallest group that shows it.
pub(crate) fn scopes() -> Vec<Scope> {
    use Budget::{Changes, Compactions, Crashes, Duplicates, Heartbeats, Lapses, Proposals};
    use Budget::{Reads, Transfers};
    let add = |node| simple(Change::AddVoter(NodeId(node)));
    let remove = |node| simple(Change::Remove(NodeId(node)));
    vec![
        Scope::new("pair", 2).mail(3).limit(Proposals, 1).limit(Crashes, 1).slow_disk(),
        Scope::new("pair-repeat", 2).mail(3).limit(Proposals, 1).limit(Duplicates, 1).limit(Heartbeats, 1).slow_disk(),
        Scope::new("pair-long", 2).terms(3).mail(3).limit(Proposals, 2).limit(Heartbeats, 1),
        Scope::new("elect", 3).mail(3).limit(Crashes, 1).slow_disk(),
        Scope::new("elect3", 3).terms(3).mail(3),
        Scope::new("replicate", 3).mail(3).limit(Proposals, 1),
        Scope::new("old-terms", 3).terms(4).mail(2).limit(Proposals, 1).single(),
        Scope::new("pre-vote", 3).mail(3).pre_vote(),
        Scope::new("check-quorum", 3).mail(2).limit(Lapses, 2).pre_vote().check_quorum(),
        Scope::new("reads", 3).mail(2).limit(Proposals, 1).limit(Reads, 1).limit(Heartbeats, 1),
        Scope::new("transfer", 3).mail(2).limit(Transfers, 1).limit(Proposals, 1),
        Scope::new("grow", 2).nodes(3).mail(2).limit(Changes, 1).change(add(3)),
        Scope::new("shrink", 3).mail(2).limit(Changes, 1).change(remove(3)).change(remove(1)),
        Scope::new("swap", 2).nodes(3).mail(2).limit(Changes, 1).change(MembershipChange {
            transition: Transition::Auto,
            changes: vec![Change::AddVoter(NodeId(3)), Change::Remove(NodeId(1))],
        }),
        Scope::new("snapshot", 2).mail(2).limit(Proposals, 1).limit(Compactions, 1).limit(Crashes, 1).limit(Heartbeats, 2).slow_disk(),
    ]
}

fn simple(change: Change) -> MembershipChange {
    MembershipChange {
        transition: Transition::Auto,
        changes: vec![change],
    }
}
