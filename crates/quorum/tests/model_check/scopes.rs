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
    let swap = MembershipChange {
        transition: Transition::Auto,
        changes: vec![Change::AddVoter(NodeId(3)), Change::Remove(NodeId(1))],
    };
    let pair = || Scope::new("pair", 2).mail(2);
    let trio = || Scope::new("trio", 3).mail(2);
    vec![
        pair()
            .named("pair-crash")
            .limit(Proposals, 1)
            .limit(Crashes, 1)
            .slow_disk(),
        pair()
            .named("pair-crash3")
            .mail(3)
            .limit(Proposals, 1)
            .limit(Crashes, 1)
            .slow_disk(),
        pair()
            .named("pair-beat")
            .limit(Proposals, 1)
            .limit(Heartbeats, 1)
            .limit(Crashes, 1),
        pair()
            .named("pair-repeat")
            .limit(Proposals, 1)
            .limit(Duplicates, 1)
            .limit(Heartbeats, 1)
            .slow_disk(),
        pair().named("pair-terms").terms(3).limit(Proposals, 2),
        pair()
            .named("pair-terms-slow")
            .terms(3)
            .limit(Proposals, 1)
            .slow_disk(),
        trio().named("elect").limit(Crashes, 1),
        trio().named("elect-slow").limit(Crashes, 1).slow_disk(),
        trio().named("elect3").terms(3),
        trio().named("replicate").limit(Proposals, 2),
        trio()
            .named("replicate-slow")
            .limit(Proposals, 1)
            .slow_disk(),
        trio()
            .named("replicate-crash")
            .limit(Proposals, 1)
            .limit(Crashes, 1),
        trio()
            .named("old-terms")
            .terms(4)
            .mail(1)
            .limit(Proposals, 1)
            .single(),
        trio().named("pre-vote").pre_vote(),
        trio()
            .named("check-quorum")
            .mail(1)
            .limit(Lapses, 2)
            .pre_vote()
            .check_quorum(),
        trio().named("reads").limit(Proposals, 1).limit(Reads, 1),
        trio()
            .named("reads2")
            .mail(1)
            .limit(Proposals, 1)
            .limit(Reads, 2),
        trio()
            .named("transfer")
            .limit(Transfers, 1)
            .limit(Proposals, 1),
        pair()
            .named("grow")
            .nodes(3)
            .limit(Proposals, 1)
            .limit(Changes, 1)
            .change(add(3)),
        pair()
            .named("grow3")
            .nodes(3)
            .terms(3)
            .limit(Changes, 1)
            .change(add(3)),
        pair()
            .named("grow-crash")
            .nodes(3)
            .limit(Crashes, 1)
            .limit(Changes, 1)
            .change(add(3))
            .slow_disk(),
        trio()
            .named("shrink")
            .limit(Changes, 1)
            .change(remove(3))
            .change(remove(1)),
        trio()
            .named("shrink2")
            .limit(Changes, 2)
            .change(remove(3))
            .change(add(3))
            .mail(1),
        pair()
            .named("swap")
            .nodes(3)
            .limit(Changes, 1)
            .change(swap.clone()),
        pair()
            .named("swap3")
            .nodes(3)
            .terms(3)
            .limit(Changes, 1)
            .change(swap),
        Scope::new("snapshot", 1)
            .nodes(2)
            .mail(2)
            .limit(Proposals, 1)
            .limit(Changes, 1)
            .change(add(2))
            .limit(Compactions, 1)
            .limit(Crashes, 1)
            .slow_disk(),
        trio()
            .named("snapshot-lag")
            .limit(Compactions, 1)
            .limit(Heartbeats, 1),
    ]
}

fn simple(change: Change) -> MembershipChange {
    MembershipChange {
        transition: Transition::Auto,
        changes: vec![change],
    }
}
