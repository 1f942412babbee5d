//! The oracle: every state in which a crash may leave a store.

use crate::raft::durable::{HardState, Write};
use crate::raft::entry::Entry;
use crate::raft::membership::Configuration;
use crate::raft::position::Position;
use crate::raft::snapshot::{SnapshotChunk, SnapshotMeta};
use crate::raft::storage::Identity;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// What a store holds, looked at from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) identity: Identity,
    pub(super) hard_state: HardState,
    pub(super) snapshot: SnapshotMeta,
    pub(super) data: Vec<u8>,
    /// By index.
    pub(super) log: BTreeMap<u64, Entry>,
}

impl State {
    /// The index of the snapshot.
    pub(super) fn base(&self) -> u64 {
        self.snapshot.position.index.0
    }

    /// The last index.
    pub(super) fn last(&self) -> u64 {
        self.log
            .last_key_value()
            .map_or_else(|| self.base(), |(&index, _)| index)
    }

    /// The entry's position, or the snapshot's.
    pub(super) fn position(&self, index: u64) -> Position {
        let term = self
            .log
            .get(&index)
            .map_or(self.snapshot.position.term, |entry| entry.term);
        Position::new(term, crate::raft::Index(index))
    }
}

/// The states, in order, that the store may be found in after a crash: from the last durable one to
/// the present. `None` is the empty store.
#[derive(Clone, Debug)]
pub(super) struct Model {
    states: Vec<Option<State>>,
    /// The parts of a snapshot so far; no crash leaves them.
    incoming: Option<(SnapshotMeta, Vec<u8>)>,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            states: vec![None],
            incoming: None,
        }
    }

    /// What the store holds now.
    pub(super) fn now(&self) -> Option<&State> {
        self.states.last()?.as_ref()
    }

    /// Whether a crash may leave `found`; if so, that is now the only state.
    pub(super) fn crashed(&mut self, found: Option<State>) -> bool {
        let legal = self.states.contains(&found);
        *self = Self {
            states: vec![found],
            incoming: None,
        };
        legal
    }

    /// What was left after a crash may be.
    pub(super) fn legal(&self) -> &[Option<State>] {
        &self.states
    }

    /// The present state is durable.
    pub(super) fn sync(&mut self) {
        self.states.drain(..self.states.len() - 1);
    }

    pub(super) fn create(&mut self, identity: Identity, founders: &Configuration) {
        let configuration = Arc::new(founders.clone());
        self.states.push(Some(State {
            identity,
            hard_state: HardState::default(),
            snapshot: SnapshotMeta {
                position: Position::default(),
                configuration,
                id: 0,
            },
            data: Vec::new(),
            log: BTreeMap::new(),
        }));
    }

    /// The hard state, then one entry after the other.
    pub(super) fn write(&mut self, write: &Write) {
        if let Some(hard_state) = write.hard_state {
            self.then(|state| state.hard_state = hard_state);
        }
        for (index, entry) in write.entries.iter() {
            self.then(|state| {
                state.log.split_off(&index.0);
                state.log.insert(index.0, entry.clone());
            });
        }
    }

    pub(super) fn compact(&mut self, meta: &SnapshotMeta, data: &[u8]) {
        self.then(|state| {
            state.log = state.log.split_off(&(meta.position.index.0 + 1));
            state.snapshot = meta.clone();
            state.data = data.to_vec();
        });
    }

    pub(super) fn install(&mut self, meta: &SnapshotMeta, data: &[u8]) {
        self.then(|state| {
            state.log.clear();
            state.snapshot = meta.clone();
            state.data = data.to_vec();
        });
    }

    /// A part of a snapshot is stored.
    pub(super) fn remember(&mut self, chunk: &SnapshotChunk) {
        let data = [self.transferred(&chunk.meta, chunk.offset), &chunk.data].concat();
        self.incoming = (!chunk.done).then(|| (chunk.meta.clone(), data));
    }

    /// What is there of a snapshot up to `offset`.
    pub(super) fn transferred(&self, meta: &SnapshotMeta, offset: u64) -> &[u8] {
        let known = self
            .incoming
            .as_ref()
            .filter(|(incoming, data)| incoming == meta && data.len() as u64 == offset);
        known.map_or(&[], |(_, data)| data)
    }

    fn then(&mut self, change: impl FnOnce(&mut State)) {
        if let Some(mut state) = self.now().cloned() {
            change(&mut state);
            self.states.push(Some(state));
        }
    }
}
