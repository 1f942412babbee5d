//! What raft-log, raft-state, status and the log lines print, of our nodes.

use purlin_core::node::NodeId;
use purlin_quorum::raft::progress::ProgressState;
use purlin_quorum::raft::{Configuration, Entry, Index, Payload, Raft, RoleKind};

/// What stands in the log where etcd has an empty entry in the place of a change that was refused.
/// Our commands are never empty.
pub(crate) const STAND_IN: &[u8] = b"refused change";

/// `term/index kind "payload"`. A configuration is only named as one: etcd's entry holds the change,
/// ours what comes of it.
pub(crate) fn entry(index: Index, entry: &Entry) -> String {
    let position = format!("{}/{index}", entry.term.0);
    match &entry.payload {
        Payload::Command(command) if command == STAND_IN => format!("{position} EntryNormal \"\""),
        Payload::Command(command) => {
            format!(
                "{position} EntryNormal {:?}",
                String::from_utf8_lossy(command)
            )
        }
        Payload::Configuration(_) => format!("{position} EntryConfChange"),
    }
}

/// etcd's names of the roles.
pub(crate) fn role(role: RoleKind) -> &'static str {
    match role {
        RoleKind::Follower => "StateFollower",
        RoleKind::PreCandidate => "StatePreCandidate",
        RoleKind::Candidate => "StateCandidate",
        RoleKind::Leader => "StateLeader",
        RoleKind::Stopped => "Stopped",
    }
}

/// A node, or 0 for nobody.
pub(crate) fn node(node: Option<NodeId>) -> String {
    node.map_or(0, |node| node.0).to_string()
}

/// A line of raft-state.
pub(crate) fn state(raft: &Raft) -> String {
    let id = raft.config().id;
    format!(
        "{}: {} ({}) Term:{} Lead:{}",
        id.0,
        role(raft.role()),
        if raft.configuration().is_voter(id) {
            "Voter"
        } else {
            "Non-Voter"
        },
        raft.term().0,
        node(raft.leader()),
    )
}

/// The lines of status: how far the leader knows each member to be. A node's progress with itself is
/// what it has on its disk.
pub(crate) fn status(raft: &Raft) -> Vec<String> {
    let status = raft.status();
    let max_inflight = raft.config().max_inflight_messages;
    let own = format!(
        "StateReplicate match={} next={}",
        status.stable,
        status.stable.next()
    );
    let mut lines = vec![(status.id, own)];
    for peer in &status.peers {
        let state = match peer.state {
            ProgressState::Probe => "StateProbe",
            ProgressState::Replicate => "StateReplicate",
            ProgressState::Snapshot => "StateSnapshot",
        };
        let mut line = format!("{state} match={} next={}", peer.matched, peer.next);
        if peer.paused {
            line += " paused";
        }
        if !peer.active {
            line += " inactive";
        }
        if peer.inflight > 0 {
            line += &format!(" inflight={}", peer.inflight);
            if peer.inflight >= max_inflight {
                line += "[full]";
            }
        }
        lines.push((peer.id, line));
    }
    lines.sort();
    lines
        .into_iter()
        .map(|(id, line)| format!("{}: {line}", id.0))
        .collect()
}

/// `voters=(1 2 3)&&(1 2) learners=(4) learners_next=(5) autoleave`.
pub(crate) fn configuration(configuration: &Configuration) -> String {
    let list = |nodes: &[NodeId]| {
        let ids: Vec<_> = nodes.iter().map(|node| node.0.to_string()).collect();
        format!("({})", ids.join(" "))
    };
    let mut text = format!("voters={}", list(configuration.voters()));
    if configuration.is_joint() {
        text += &format!("&&{}", list(configuration.outgoing()));
    }
    if !configuration.learners().is_empty() {
        text += &format!(" learners={}", list(configuration.learners()));
    }
    if !configuration.learners_next().is_empty() {
        text += &format!(" learners_next={}", list(configuration.learners_next()));
    }
    if configuration.auto_leave() {
        text += " autoleave";
    }
    text
}
