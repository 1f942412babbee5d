//! What nobody in the cluster can see: everything that was ever written, voted and committed
//! anywhere. Each step of a node is held against it, and a violation panics there and then, which
//! the simulator reports as such.
//!
//! Every check looks at what has changed only: O(1) for each entry, message or change of role.

mod mail;
mod roles;
mod shadow;

use super::registers;
use super::tally::Tally;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use purlin_core::node::NodeId;
use purlin_quorum::raft::{
    Configuration, Entries, Entry, Index, Payload, Raft, RoleKind, SnapshotMeta, Write,
};
use shadow::{Made, Shadow};

use super::store::Found;

/// All that ever happened in a world.
#[derive(Debug, Default)]
pub(crate) struct Ghost {
    /// Who led in which term.
    leaders: BTreeMap<u64, NodeId>,
    /// The last term in which somebody has campaigned.
    last_campaign: u64,
    /// Who voted for whom in which term.
    votes: BTreeMap<(u64, NodeId), NodeId>,
    /// All entries ever made at each index, from 1.
    made: Vec<Vec<Made>>,
    /// What is committed, from index 1 on.
    committed: Vec<Committed>,
    /// The committed configurations and where they stand.
    configurations: Vec<(u64, Arc<Configuration>)>,
    nodes: Vec<Shadow>,
    /// Those who were a witness ever: they have places of commands in their logs, without the
    /// commands.
    hollow: BTreeSet<NodeId>,
    /// The last transfer that a leader has carried out: to whom, in which term.
    transfer: Option<(NodeId, u64)>,
    /// The last request that was answered.
    pub(crate) answered: Option<u64>,
    pub(crate) tally: Tally,
}

#[derive(Clone, Copy, Debug)]
struct Committed {
    term: u64,
    /// The term of the leader that committed it.
    by: u64,
    /// Of the state machine after it; 0 while nobody has applied it.
    state: u64,
}

/// Which kind of step a node has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Start,
    Timeout,
    Input,
}

impl Ghost {
    /// A world of so many nodes, some of which start with a configuration.
    pub(crate) fn new(nodes: usize, founders: Arc<Configuration>) -> Self {
        Self {
            nodes: (0..nodes).map(|_| Shadow::default()).collect(),
            configurations: vec![(0, founders)],
            ..Self::default()
        }
    }

    /// A node starts with what it found on its disk.
    pub(crate) fn boots(&mut self, node: NodeId, found: &Found, founders: &Arc<Configuration>) {
        let life = self.nodes[slot(node)].boot(found, founders, &mut self.tally);
        self.tally.restarts += u64::from(life > 0);
    }

    /// How many times the node's disk was replaced by an empty one.
    pub(crate) fn wipes(&mut self, node: NodeId, found: &Found) -> u32 {
        self.nodes[slot(node)].wipes(found)
    }

    /// The node has asked for a write. Whether it leads matters for configurations: only a leader
    /// makes them.
    pub(crate) fn writes(&mut self, node: NodeId, record: u64, write: &Write, raft: &Raft) {
        let shadow = &self.nodes[slot(node)];
        let mut previous = match write.entries.first_index().0.checked_sub(1) {
            Some(index) if !write.entries.is_empty() => shadow.log_term(index),
            _ => None,
        };
        for (index, entry) in write.entries.iter() {
            // Of an entry behind a snapshot only the snapshot's position is known.
            if let Some(previous) = previous {
                self.make(node, index.0, previous, entry);
            }
            previous = Some(entry.term.0);
            if let Payload::Configuration(new) = &entry.payload
                && raft.role() == RoleKind::Leader
            {
                self.reconfigures(node, index.0, new, raft);
            }
        }
        self.overwrites(node, &write.entries);
        let tally = &mut self.tally;
        let shadow = &mut self.nodes[slot(node)];
        shadow.write(record, write.hard_state, &write.entries, tally);
    }

    /// What is committed goes from no log any more.
    fn overwrites(&self, node: NodeId, entries: &Entries) {
        let shadow = &self.nodes[slot(node)];
        let first = entries.first_index().0;
        if entries.is_empty() || first > shadow.last_index() {
            return;
        }
        for index in first..=shadow.last_index() {
            let had = shadow.log_term(index);
            let is_committed = self
                .committed(index)
                .is_some_and(|entry| Some(entry.term) == had);
            let has = entries.term(Index(index)).map(|term| term.0);
            assert!(
                !is_committed || had == has,
                "leader completeness: {node} loses the entry at {index}, which is committed"
            );
        }
    }

    /// Log matching: index and term tell an entry from every other, and so do those of the entry
    /// before it.
    fn make(&mut self, node: NodeId, index: u64, previous: u64, entry: &Entry) {
        let place = usize::try_from(index - 1).expect("a short log");
        if self.made.len() <= place {
            self.made.resize(place + 1, Vec::new());
        }
        let made = Made {
            term: entry.term.0,
            previous,
            digest: registers::digest(entry),
        };
        let all = &mut self.made[place];
        match all.iter().find(|other| other.term == made.term) {
            // A witness gets the places of commands only.
            Some(_) if self.hollow.contains(&node) && entry.payload.is_empty() => {}
            Some(other) => assert_eq!(
                *other, made,
                "log matching: {node} has another entry at {index} of the same term"
            ),
            None => all.push(made),
        }
    }

    /// A leader puts a configuration into its log.
    fn reconfigures(&mut self, node: NodeId, index: u64, new: &Configuration, raft: &Raft) {
        let (since, old) = self.nodes[slot(node)].configuration_before(index);
        assert!(
            since <= raft.commit_index().0,
            "one configuration at a time: {node} makes one at {index} while that at {since} is not committed"
        );
        assert_eq!(
            raft.log_term(raft.commit_index()),
            Some(raft.term()),
            "{node} makes a configuration at {index} before it has committed in its term"
        );
        assert!(
            roles::quorums_meet(&old, new),
            "quorums that do not meet: from {old:?} to {new:?}"
        );
        self.hollow.extend(new.witnesses());
        let tally = &mut self.tally;
        let counter = match (old.is_joint(), new.is_joint()) {
            (false, true) => &mut tally.joint_entered,
            (true, false) if old.auto_leave() => &mut tally.joint_auto_left,
            (true, false) => &mut tally.joint_left,
            _ => &mut tally.simple_changes,
        };
        *counter += 1;
    }

    /// Everything up to this record is durable.
    pub(crate) fn synced(&mut self, node: NodeId, record: u64) {
        self.nodes[slot(node)].synced(record);
    }

    /// The node writes a checkpoint: its log starts after `meta` from now on, with what it has
    /// behind that or with nothing.
    pub(crate) fn checkpoints(
        &mut self,
        node: NodeId,
        record: u64,
        meta: &SnapshotMeta,
        state: u64,
        anew: bool,
    ) {
        let index = meta.position.index.0;
        if index > 0 {
            let committed = self.committed(index).unwrap_or_else(|| {
                panic!(
                    "state-machine safety: {node} has a snapshot of {index}, which is not committed"
                )
            });
            let is_hollow = self.hollow.contains(&node);
            assert_eq!(
                (
                    committed.term,
                    if is_hollow { state } else { committed.state }
                ),
                (meta.position.term.0, state),
                "state-machine safety: the snapshot of {node} at {index} is not what was applied"
            );
        }
        let after = self.configurations.partition_point(|(at, _)| *at <= index);
        // A node that was added and has not come to the entry that did it knows of nobody yet.
        assert!(
            meta.configuration.is_empty() || meta.configuration == self.configurations[after - 1].1,
            "the snapshot of {node} at {index} has the configuration {:?}, and in force is {:?}",
            meta.configuration,
            self.configurations[after - 1].1
        );
        self.nodes[slot(node)].checkpoint(record, meta, anew);
    }

    /// The node is given entries to apply.
    pub(crate) fn gives(&mut self, node: NodeId, entries: &Entries, raft: &Raft) {
        let shadow = &mut self.nodes[slot(node)];
        assert_eq!(
            entries.first_index().0,
            shadow.given + 1,
            "{node} gives entries out of order"
        );
        shadow.given += entries.len() as u64;
        let given = shadow.given;
        assert!(
            given <= raft.commit_index().0,
            "{node} gives out entries up to {given}; committed are those up to {}",
            raft.commit_index()
        );
    }

    /// The node has applied an entry, and its state machine's digest is now this.
    pub(crate) fn applies(&mut self, node: NodeId, index: Index, entry: &Entry, state: u64) {
        let Some(committed) = self.committed.get_mut(slot_of(index.0)) else {
            panic!("state-machine safety: {node} applies {index}, which is not committed");
        };
        assert_eq!(
            committed.term, entry.term.0,
            "state-machine safety: {node} applies another entry at {index} than was committed"
        );
        let is_new = self
            .configurations
            .last()
            .is_none_or(|(last, _)| *last < index.0);
        if let Payload::Configuration(configuration) = &entry.payload
            && is_new
        {
            self.configurations.push((index.0, configuration.clone()));
        }
        if self.hollow.contains(&node) {
            return;
        }
        if committed.state == 0 {
            committed.state = state;
        }
        assert_eq!(
            committed.state, state,
            "state-machine safety: {node} comes to another state at {index} than others"
        );
    }

    /// The node's state machine was replaced by a snapshot.
    pub(crate) fn installs(&mut self, node: NodeId, index: Index) {
        let shadow = &mut self.nodes[slot(node)];
        assert!(
            shadow.given < index.0,
            "{node} replaces what it has applied up to {} by a snapshot of {index}",
            shadow.given
        );
        shadow.given = index.0;
        self.tally.snapshots_installed += 1;
    }

    /// The node answers a read from what was applied up to `seen`; when it was asked, `must_see`
    /// entries were committed, by whichever leader; `None` for those of now.
    pub(crate) fn reads(&self, node: NodeId, seen: Index, must_see: Option<u64>) {
        let must_see = must_see.unwrap_or_else(|| self.committed_len());
        assert!(
            seen.0 >= must_see,
            "a stale read: {node} answers from what is up to {seen}, when {must_see} were committed"
        );
    }

    /// Whether the node has lost its disk.
    pub(crate) fn is_wiped(&self, node: NodeId) -> bool {
        self.nodes[slot(node)].wipes > 0
    }

    /// Whether the node's log may lack commands: it may be added as a witness only.
    pub(crate) fn is_hollow(&self, node: NodeId) -> bool {
        self.hollow.contains(&node)
    }

    fn committed(&self, index: u64) -> Option<&Committed> {
        self.committed.get(slot_of(index))
    }

    /// How many entries are committed.
    pub(crate) fn committed_len(&self) -> u64 {
        self.committed.len() as u64
    }
}

fn slot(node: NodeId) -> usize {
    usize::try_from(node.0 - 1).expect("few nodes")
}

/// The place of an index in a list that starts with index 1.
fn slot_of(index: u64) -> usize {
    usize::try_from(index.wrapping_sub(1)).unwrap_or(usize::MAX)
}
