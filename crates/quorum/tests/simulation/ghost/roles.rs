//! Who leads, and what leaders commit.

use super::{Cause, Committed, Ghost, slot, slot_of};
use purlin_core::node::NodeId;
use purlin_quorum::raft::{Configuration, Index, Raft, RoleKind};

impl Ghost {
    /// A node has made a step.
    pub(crate) fn observes(&mut self, node: NodeId, raft: &Raft, cause: Cause) {
        self.tally.steps += u64::from(cause != Cause::Start);
        let shadow = &mut self.nodes[slot(node)];
        let (role, term) = (raft.role(), raft.term().0);
        let before = (shadow.role, shadow.term);
        // A leader that is removed commits that, and leads no more.
        let leads = role == RoleKind::Leader || before == (RoleKind::Leader, term);
        if role == RoleKind::Candidate || role == RoleKind::Leader {
            self.last_campaign = self.last_campaign.max(term);
        }
        assert!(
            term <= self.last_campaign,
            "{node} is in term {term}, in which nobody has campaigned"
        );
        if before != (role, term) {
            assert!(shadow.term <= term, "{node} goes back to term {term}");
            (shadow.role, shadow.term) = (role, term);
            self.changes_role(node, before, raft, cause);
        }
        let shadow = &mut self.nodes[slot(node)];
        let (from, to) = (shadow.commit, raft.commit_index().0);
        if from != to {
            shadow.commit = to;
            assert!(
                from < to,
                "{node} takes back its commit index from {from} to {to}"
            );
            self.commits(node, from, to, leads, raft);
        }
    }

    fn changes_role(
        &mut self,
        node: NodeId,
        (was, was_in): (RoleKind, u64),
        raft: &Raft,
        cause: Cause,
    ) {
        let (role, term) = (raft.role(), raft.term().0);
        let tally = &mut self.tally;
        match role {
            RoleKind::Leader => self.leads(node, raft),
            RoleKind::PreCandidate => tally.pre_campaigns += 1,
            RoleKind::Candidate => tally.campaigns += 1,
            RoleKind::Follower if was == RoleKind::Leader => {
                let counter = match cause {
                    _ if term > was_in => &mut tally.step_downs_by_term,
                    Cause::Timeout => &mut tally.step_downs_by_check_quorum,
                    _ => &mut tally.step_downs_by_removal,
                };
                *counter += 1;
            }
            RoleKind::Stopped => tally.stops += 1,
            RoleKind::Follower => {}
        }
    }

    /// Election safety and leader completeness.
    fn leads(&mut self, node: NodeId, raft: &Raft) {
        let term = raft.term().0;
        self.tally.elections += 1;
        if self.transfer.take_if(|transfer| transfer.1 < term) == Some((node, term - 1)) {
            self.tally.transfers_done += 1;
        }
        let leader = *self.leaders.entry(term).or_insert(node);
        assert_eq!(leader, node, "election safety: two leaders in term {term}");
        let has_vote_of = |voter: &NodeId| match *voter == node {
            true => self.nodes[slot(node)].has_vote_for(term, node),
            false => self.votes.get(&(term, *voter)) == Some(&node),
        };
        assert!(
            is_quorum(raft.configuration(), has_vote_of),
            "election safety: {node} leads in term {term} without the votes of a quorum"
        );
        // Terms of committers grow with the index.
        let before = self.committed.partition_point(|entry| entry.by < term);
        let Some(last) = before.checked_sub(1).map(|last| self.committed[last]) else {
            return;
        };
        assert!(
            self.nodes[slot(node)].log_has(before as u64, last.term),
            "leader completeness: {node} leads in term {term} without the entry {}/{before}, committed in term {}",
            last.term,
            last.by
        );
    }

    /// Only what a quorum has durable is committed, and only once.
    fn commits(&mut self, node: NodeId, from: u64, to: u64, leads: bool, raft: &Raft) {
        let by = raft.term().0;
        for index in from + 1..=to {
            let Some(term) = raft.log_term(Index(index)).map(|term| term.0) else {
                continue; // behind a snapshot, which is checked as a whole
            };
            match self.committed.get(slot_of(index)) {
                Some(committed) => assert_eq!(
                    committed.term, term,
                    "state-machine safety: {node} takes {term}/{index} for committed, which is {}/{index}",
                    committed.term
                ),
                None => {
                    assert!(
                        leads,
                        "{node} takes {index} for committed, and no leader does"
                    );
                    self.tally.commits_of_older_terms += u64::from(term < by);
                    self.committed.push(Committed { term, by, state: 0 });
                }
            }
        }
        if leads {
            let term = raft.log_term(Index(to)).map_or(0, |term| term.0);
            assert_eq!(
                term, by,
                "{node} commits {to} by counting, an entry of an earlier term"
            );
            let has = |voter: &&NodeId| self.nodes[slot(**voter)].has_durably(to, term);
            let configuration = raft.configuration();
            for voters in [configuration.voters(), configuration.outgoing()] {
                let count = voters.iter().filter(has).count();
                assert!(
                    voters.is_empty() || 2 * count > voters.len(),
                    "{node} commits {to}, which is durable on {count} of {voters:?} only"
                );
            }
        }
    }
}

/// Whether every quorum of the one has a node in common with every quorum of the other, by trying
/// all sets of nodes: a set and its complement must not be a quorum each.
pub(super) fn quorums_meet(one: &Configuration, other: &Configuration) -> bool {
    let mut nodes = [one.members(), other.members()].concat();
    nodes.sort_unstable();
    nodes.dedup();
    (0_u32..1 << nodes.len()).all(|set| {
        let is_in = |node: &NodeId| {
            let place = nodes.iter().position(|other| other == node);
            place.is_some_and(|place| set >> place & 1 == 1)
        };
        !(is_quorum(one, is_in) && is_quorum(other, |node| !is_in(node)))
    })
}

/// Whether a set of nodes can decide.
fn is_quorum(configuration: &Configuration, is_in: impl Fn(&NodeId) -> bool) -> bool {
    let has_majority = |voters: &[NodeId]| {
        let count = voters.iter().filter(|node| is_in(node)).count();
        voters.is_empty() || 2 * count > voters.len()
    };
    !configuration.voters().is_empty()
        && has_majority(configuration.voters())
        && has_majority(configuration.outgoing())
}
