//! What one node has written, and what of it is durable, as seen from outside.

use super::super::store::{Found, Terms};
use super::super::tally::Tally;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use purlin_core::node::NodeId;
use purlin_quorum::raft::{
    Configuration, Entries, HardState, Index, Payload, Position, RoleKind, SnapshotChunk,
    SnapshotMeta, Term,
};

/// An entry that some node has made at some index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) term: u64,
    /// The term of the entry before it.
    pub(super) previous: u64,
    pub(super) digest: u64,
}

/// A node's log and disk.
#[derive(Debug)]
pub(super) struct Shadow {
    pub(super) role: RoleKind,
    pub(super) term: u64,
    pub(super) commit: u64,
    /// The last entry that was given out to be applied.
    pub(super) given: u64,
    lives: u32,
    pub(super) wipes: u32,
    /// The log with all writes so far.
    log: Terms,
    /// The configurations along it, and the one it starts with.
    configurations: Vec<(u64, Arc<Configuration>)>,
    /// The log with what is certain to survive a crash.
    durable: Terms,
    /// What was durable on the disk that it has lost: what it said of that may still be on its way, and
    /// whoever hears it counts it.
    lost: Terms,
    durable_vote: HardState,
    /// What lies between the two.
    unsynced: VecDeque<Unsynced>,
    /// The last record written, and the last one synced.
    written: u64,
    synced: u64,
    /// To whom it sends a snapshot as leader of which term, and where the next part begins.
    chunks: Vec<(NodeId, Term, u64)>,
}

#[derive(Debug)]
struct Unsynced {
    record: u64,
    hard_state: Option<HardState>,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Overwrite(u64, Vec<u64>),
    Rebase(Position, bool),
}

impl Change {
    fn apply(&self, terms: &mut Terms) {
        match self {
            Self::Overwrite(first, new) => terms.overwrite(*first, new),
            Self::Rebase(position, anew) => terms.rebase(*position, *anew),
        }
    }
}

impl Default for Shadow {
    fn default() -> Self {
        Self {
            role: RoleKind::Follower,
            term: 0,
            commit: 0,
            given: 0,
            lives: 0,
            wipes: 0,
            log: Terms::default(),
            configurations: Vec::new(),
            durable: Terms::default(),
            lost: Terms::default(),
            durable_vote: HardState::default(),
            unsynced: VecDeque::new(),
            written: 0,
            synced: 0,
            chunks: Vec::new(),
        }
    }
}

impl Shadow {
    /// Starts anew with what was found. Answers how many lives were before.
    pub(super) fn boot(
        &mut self,
        found: &Found,
        founders: &Arc<Configuration>,
        tally: &mut Tally,
    ) -> u32 {
        let lives = self.lives;
        if lives > 0 {
            let last = found.last.number;
            assert!(
                found.is_empty || last >= self.synced,
                "the simulated disk has lost a synced record"
            );
            tally.restarts_after_lost_writes += u64::from(last < self.written);
            tally.restarts_after_torn_writes += u64::from(found.is_torn);
            tally.restarts_with_unsynced_writes += u64::from(last > self.synced);
        }
        let recovered = &found.recovered;
        let log = Terms::of(recovered);
        let base = if found.is_empty {
            founders.clone()
        } else {
            recovered.snapshot.configuration.clone()
        };
        let mut configurations = vec![(0, base)];
        for (index, entry) in (recovered.snapshot.position.index.0 + 1..).zip(&recovered.entries) {
            if let Payload::Configuration(configuration) = &entry.payload {
                configurations.push((index, configuration.clone()));
            }
        }
        *self = Self {
            term: recovered.hard_state.term.0,
            commit: recovered.snapshot.position.index.0,
            wipes: self.wipes,
            lost: core::mem::take(&mut self.lost),
            given: recovered.applied.0,
            lives: lives + 1,
            durable: log.clone(),
            log,
            configurations,
            durable_vote: recovered.hard_state,
            written: found.last.number,
            synced: found.last.number,
            ..Self::default()
        };
        lives
    }

    /// How many times its disk was replaced: what was synced is gone then.
    pub(super) fn wipes(&mut self, found: &Found) -> u32 {
        if found.is_empty && self.synced > 0 {
            self.wipes += 1;
            self.lost = self.durable.clone();
        }
        self.wipes
    }

    /// The term of the entry at `index` in the log; `None` where there is none any more.
    pub(super) fn log_term(&self, index: u64) -> Option<u64> {
        self.log.get(index)
    }

    /// Whether the log has the entry, or a snapshot that covers it.
    pub(super) fn log_has(&self, index: u64, term: u64) -> bool {
        self.log.has(index, term)
    }

    /// Whether the entry survives every crash, or was on the disk that the node has lost.
    pub(super) fn has_durably(&self, index: u64, term: u64) -> bool {
        self.durable.has(index, term) || self.lost.has(index, term)
    }

    /// The configuration in force before `index`, and where it stands.
    pub(super) fn configuration_before(&self, index: u64) -> (u64, Arc<Configuration>) {
        let before = self.configurations.iter().rev().find(|(at, _)| *at < index);
        before.cloned().expect("there always is one")
    }

    pub(super) fn last_index(&self) -> u64 {
        self.log.last_index()
    }

    /// The node writes.
    pub(super) fn write(
        &mut self,
        record: u64,
        hard_state: Option<HardState>,
        entries: &Entries,
        tally: &mut Tally,
    ) {
        let first = entries.first_index().0;
        let truncates = !entries.is_empty() && first <= self.log.last_index();
        if truncates {
            tally.truncations += 1;
            let before = self.configurations.len();
            self.configurations.retain(|(at, _)| *at < first.max(1));
            tally.configurations_rolled_back += (before - self.configurations.len()) as u64;
        }
        for (index, entry) in entries.iter() {
            if let Payload::Configuration(configuration) = &entry.payload {
                self.configurations.push((index.0, configuration.clone()));
            }
        }
        let terms = entries.iter().map(|(_, entry)| entry.term.0).collect();
        self.remember(record, hard_state, Change::Overwrite(first, terms));
    }

    /// The log starts after a snapshot from now on.
    pub(super) fn checkpoint(&mut self, record: u64, meta: &SnapshotMeta, anew: bool) {
        let index = meta.position.index.0;
        self.configurations.retain(|(at, _)| *at > index && !anew);
        self.configurations
            .insert(0, (0, meta.configuration.clone()));
        self.remember(record, None, Change::Rebase(meta.position, anew));
    }

    fn remember(&mut self, record: u64, hard_state: Option<HardState>, change: Change) {
        change.apply(&mut self.log);
        self.written = record;
        self.unsynced.push_back(Unsynced {
            record,
            hard_state,
            change,
        });
    }

    pub(super) fn synced(&mut self, record: u64) {
        self.synced = self.synced.max(record);
        while self
            .unsynced
            .front()
            .is_some_and(|next| next.record <= record)
        {
            let Some(next) = self.unsynced.pop_front() else {
                return;
            };
            next.change.apply(&mut self.durable);
            self.durable_vote = next.hard_state.unwrap_or(self.durable_vote);
        }
    }

    /// Whether it is certain to remember that it voted for the candidate.
    pub(super) fn has_vote_for(&self, term: u64, candidate: NodeId) -> bool {
        self.durable_vote.term.0 == term && self.durable_vote.vote == Some(candidate)
    }

    pub(super) fn assert_vote_is_durable(&self, node: NodeId, term: Term, candidate: NodeId) {
        let HardState { term: known, vote } = self.durable_vote;
        assert!(
            known > term || (known, vote) == (term, Some(candidate)),
            "{node} tells of its vote for {candidate} in {term} before it is durable"
        );
    }

    pub(super) fn assert_is_durable(&self, node: NodeId, matched: Index) {
        assert!(
            matched.0 <= self.durable.last_index(),
            "{node} acknowledges {matched}; durable is what comes before {}",
            self.durable.last_index() + 1
        );
    }

    /// It sends a part of a snapshot.
    pub(super) fn sends_chunk(
        &mut self,
        to: NodeId,
        term: Term,
        chunk: &SnapshotChunk,
        tally: &mut Tally,
    ) {
        let next = chunk.offset + chunk.data.len() as u64;
        let known = self
            .chunks
            .iter()
            .find(|(node, since, _)| (*node, *since) == (to, term));
        match known {
            // The follower has more than was sent to it in this term.
            Some((_, _, expected)) if chunk.offset > *expected => tally.snapshots_resumed += 1,
            Some(_) => {}
            None => tally.snapshots_begun += 1,
        }
        self.chunks.retain(|(node, ..)| *node != to);
        self.chunks.push((to, term, next));
    }
}
