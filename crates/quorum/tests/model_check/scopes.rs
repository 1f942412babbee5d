//! The scopes that are searched: each part of the protocol in the smallest group that shows it.

use super::scope::Budget::{
    Changes, Compactions, Crashes, Duplicates, Heartbeats, Lapses, Proposals, Reads, Transfers,
};
use super::scope::Scope;
use purlin_core::node::NodeId;
use purlin_quorum::raft::Change;

pub(crate) fn scopes() -> Vec<Scope> {
    let mut scopes = elections();
    scopes.extend(replication());
    scopes.extend(reads());
    scopes.extend(members());
    scopes.extend(snapshots());
    scopes
}

fn pair(name: &'static str) -> Scope {
    Scope::new(name, 2)
}

fn trio(name: &'static str) -> Scope {
    Scope::new(name, 3)
}

fn elections() -> Vec<Scope> {
    let slow = trio("elect-slow").mail(1).slow_disk();
    let quorum = trio("check-quorum").mail(1).pre_vote().check_quorum();
    let transfer = trio("transfer").limit(Transfers, 1);
    vec![
        trio("elect").limit(Crashes, 1),
        slow.limit(Crashes, 1),
        trio("elect-repeat").limit(Duplicates, 1),
        trio("elect-thrice").terms(3),
        trio("pre-vote").pre_vote(),
        quorum.limit(Lapses, 2),
        transfer.limit(Proposals, 1),
    ]
}

fn replication() -> Vec<Scope> {
    let proposing = |scope: Scope| scope.limit(Proposals, 1);
    let beating = |scope: Scope| proposing(scope).limit(Heartbeats, 1);
    let crashing = |scope: Scope| proposing(scope).limit(Crashes, 1);
    // That of §5.4.2 needs four terms, and entries that travel one by one.
    let old_terms = trio("old-terms").terms(4).mail(1).single_entries();
    vec![
        crashing(pair("pair-crash")).slow_disk(),
        crashing(pair("pair-crowd")).mail(3).slow_disk(),
        crashing(pair("pair-beat")).limit(Heartbeats, 1),
        beating(pair("pair-repeat"))
            .limit(Duplicates, 1)
            .slow_disk(),
        pair("pair-terms").terms(3).limit(Proposals, 2),
        proposing(pair("pair-terms-slow")).terms(3).slow_disk(),
        trio("replicate").limit(Proposals, 2),
        proposing(trio("replicate-slow")).mail(1).slow_disk(),
        crashing(trio("replicate-crash")),
        beating(old_terms),
    ]
}

fn reads() -> Vec<Scope> {
    let proposing = |name| trio(name).mail(1).limit(Proposals, 1);
    vec![
        proposing("read").limit(Reads, 1),
        proposing("reads").limit(Reads, 2),
        trio("read-late").limit(Reads, 1),
    ]
}

fn members() -> Vec<Scope> {
    let add = |node| Change::AddVoter(NodeId(node));
    let remove = |node| Change::Remove(NodeId(node));
    let grow = |name| pair(name).nodes(3).change(&[add(3)]).limit(Changes, 1);
    let swap = |name| {
        let scope = pair(name).nodes(3).change(&[add(3), remove(1)]);
        scope.limit(Changes, 1)
    };
    // Majorities of before and of after have nobody in common, but for the joint configuration.
    let replace = |name, nodes, changes| {
        let scope = Scope::new(name, 1).nodes(nodes).change(changes);
        scope.limit(Changes, 1).limit(Crashes, 1).slow_disk()
    };
    let shrink = trio("shrink").change(&[remove(3)]).change(&[remove(1)]);
    let back = trio("shrink-grow").change(&[remove(3)]).change(&[add(3)]);
    vec![
        grow("grow").limit(Proposals, 1),
        grow("grow-thrice").terms(3),
        grow("grow-crash").mail(1).limit(Crashes, 1).slow_disk(),
        shrink.limit(Changes, 1),
        back.mail(1).limit(Changes, 2),
        swap("swap"),
        swap("swap-thrice").terms(3),
        replace("replace", 2, &[add(2), remove(1)])
            .terms(3)
            .limit(Proposals, 1),
        replace("replace-all", 3, &[add(2), add(3), remove(1)]),
    ]
}

fn snapshots() -> Vec<Scope> {
    let add = Change::AddVoter(NodeId(2));
    let join = Scope::new("snapshot", 1).nodes(2).change(&[add]);
    let join = join.limit(Changes, 1).limit(Compactions, 1);
    let lag = trio("snapshot-lag").limit(Compactions, 1);
    vec![
        join.limit(Proposals, 1).limit(Crashes, 1).slow_disk(),
        lag.limit(Heartbeats, 1),
    ]
}

impl Scope {
    /// One more change that may be proposed.
    fn change(mut self, changes: &[Change]) -> Self {
        self.changes.push(changes.to_vec().into());
        self
    }
}
