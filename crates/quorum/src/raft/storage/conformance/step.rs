//! What is done to a store, drawn at random.

use super::Crash;
use super::model::State;
use crate::raft::config::ClusterId;
use crate::raft::durable::{HardState, Ticket, Write};
use crate::raft::entry::{Entries, Entry, Payload};
use crate::raft::membership::Configuration;
use crate::raft::position::{Index, Position, Term};
use crate::raft::snapshot::{SnapshotChunk, SnapshotMeta};
use crate::raft::storage::Identity;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use purlin_core::node::NodeId;
use purlin_core::random::{Random as _, RandomExt as _, Xoshiro256PlusPlus};

/// One thing that is done to a store.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Create(Identity, Configuration),
    Write(Write),
    Sync,
    /// The data in parts of about so many bytes.
    Compact(SnapshotMeta, Bytes, usize),
    Chunk(SnapshotChunk),
    /// Reads at this offset at most so many bytes.
    Read(u64, u32),
    /// Looks at everything.
    Look,
    Crash(Crash),
    /// Something that contradicts what the store holds.
    Wrong(Wrong),
}

/// What a store refuses.
#[derive(Clone, Debug)]
pub(super) enum Wrong {
    Create(Identity),
    Write(Write),
    Compact(SnapshotMeta),
    Chunk(SnapshotChunk),
}

/// Draws steps.
#[derive(Debug)]
pub(super) struct Draw {
    random: Xoshiro256PlusPlus,
    ticket: u64,
    /// A snapshot on its way: its data and how much was sent.
    transfer: Option<(SnapshotMeta, Bytes, usize)>,
}

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Xoshiro256PlusPlus::from_seed(seed),
            ticket: 0,
            transfer: None,
        }
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    pub(super) fn create(&mut self) -> Step {
        let identity = self.identity();
        let founders = match self.below(4) {
            0 => Configuration::default(),
            _ => self.founders(identity.node),
        };
        Step::Create(identity, founders)
    }

    fn identity(&mut self) -> Identity {
        let random = self.random.next_u64();
        Identity::new(ClusterId(self.below(9)), NodeId(1 + self.below(9)), random)
    }

    fn founders(&mut self, node: NodeId) -> Configuration {
        let others = 1 + self.below(5);
        Configuration::new((1..=others).map(NodeId).chain([node]))
    }

    fn configuration(&mut self) -> Configuration {
        let nodes = 1 + self.below(5);
        Configuration::new((1..=nodes).map(NodeId))
    }

    pub(super) fn crash(&mut self) -> Crash {
        self.transfer = None;
        match self.below(3) {
            0 => Crash::Process,
            _ => Crash::Power(self.random.next_u64()),
        }
    }

    /// What could happen next to a store that holds `state`.
    pub(super) fn step(&mut self, state: &State) -> Step {
        match self.below(100) {
            0..40 => Step::Write(self.write(state)),
            40..58 => Step::Sync,
            58..64 if state.last() > state.base() => {
                let index = state.base() + 1 + self.below(state.last() - state.base());
                let meta = self.meta(state.position(index));
                let data = self.bytes(300);
                Step::Compact(
                    meta,
                    data,
                    1 + usize::try_from(self.below(200)).unwrap_or(0),
                )
            }
            64..76 => Step::Chunk(self.chunk(state)),
            76..80 => Step::Read(
                self.below(state.data.len() as u64 + 10),
                u32::try_from(self.below(300)).unwrap_or(0),
            ),
            80..84 => Step::Look,
            84..92 => Step::Wrong(self.wrong(state)),
            _ => Step::Crash(self.crash()),
        }
    }

    fn write(&mut self, state: &State) -> Write {
        self.ticket += 1;
        let mut hard_state = state.hard_state;
        if self.below(3) == 0 || state.hard_state.term == Term(0) {
            let term = Term(hard_state.term.0 + 1 + self.below(2));
            let vote = (self.below(2) == 0).then(|| NodeId(1 + self.below(5)));
            hard_state = HardState { term, vote };
        }
        let entries = self.below(5);
        // Mostly at the end; sometimes a new leader replaces what an old one had.
        let first = match self.below(4) {
            0 => state.base() + 1 + self.below(state.last() - state.base() + 1),
            _ => state.last() + 1,
        };
        let mut term = state.position(first - 1).term;
        let mut draw = |_| {
            term = if self.below(2) == 0 {
                hard_state.term
            } else {
                term
            };
            self.entry(term)
        };
        let entries = (0..entries).map(&mut draw).collect();
        Write {
            ticket: Ticket(self.ticket),
            entries: Entries::new(Index(first), entries),
            hard_state: (hard_state != state.hard_state).then_some(hard_state),
        }
    }

    fn entry(&mut self, term: Term) -> Entry {
        match self.below(12) {
            0 => Entry {
                term,
                payload: Payload::Configuration(Arc::new(self.configuration())),
            },
            1 => Entry::command(term, Bytes::new()),
            _ => Entry::command(term, self.bytes(120)),
        }
    }

    fn bytes(&mut self, bound: u64) -> Bytes {
        let len = self.below(bound);
        (0..len)
            .map(|_| self.random.next_u64().to_le_bytes()[0])
            .collect::<Vec<u8>>()
            .into()
    }

    fn meta(&mut self, position: Position) -> SnapshotMeta {
        SnapshotMeta {
            position,
            configuration: Arc::new(self.configuration()),
            id: self.random.next_u64(),
        }
    }

    /// The next part of a snapshot, or the first one of another.
    fn chunk(&mut self, state: &State) -> SnapshotChunk {
        let anew = self.below(5) == 0;
        let going = self
            .transfer
            .take()
            .filter(|(meta, ..)| !anew && meta.position.index.0 > state.base());
        let (meta, data, sent) = going.unwrap_or_else(|| {
            let index = state.base() + 1 + self.below(state.last() - state.base() + 8);
            // Never of a term that the store has not heard of.
            let position = Position::new(state.hard_state.term, Index(index));
            let meta = self.meta(position);
            (meta, self.bytes(400), 0)
        });
        let left = data.len() - sent;
        let len = usize::try_from(self.below(250)).unwrap_or(0).min(left);
        let done = len == left;
        let chunk = SnapshotChunk {
            meta: meta.clone(),
            offset: sent as u64,
            data: data.slice(sent..sent + len),
            done,
        };
        self.transfer = (!done).then_some((meta, data, sent + len));
        chunk
    }

    fn wrong(&mut self, state: &State) -> Wrong {
        match self.below(6) {
            0 => Wrong::Create(self.identity()),
            1 => {
                let gap = 1 + self.below(3);
                Wrong::Write(self.write_at(state.last() + 1 + gap))
            }
            2 => {
                let covered = self.below(state.base() + 1);
                Wrong::Write(self.write_at(covered))
            }
            3 => Wrong::Compact(self.meta(Position::new(Term(1), Index(state.last() + 1)))),
            4 => Wrong::Compact(self.meta(state.snapshot.position)),
            _ => {
                // A part that follows none.
                let meta = self.meta(Position::new(Term(1), Index(state.last() + 1)));
                let offset = 1 + self.below(300);
                let data = self.bytes(50);
                Wrong::Chunk(SnapshotChunk {
                    meta,
                    offset,
                    data,
                    done: self.below(2) == 0,
                })
            }
        }
    }

    fn write_at(&mut self, index: u64) -> Write {
        self.ticket += 1;
        let entry = self.entry(Term(u64::MAX));
        // The hard state must not be taken either.
        let hard_state = HardState {
            term: Term(u64::MAX),
            vote: Some(NodeId(99)),
        };
        Write {
            ticket: Ticket(self.ticket),
            hard_state: Some(hard_state),
            entries: Entries::one(Index(index), entry),
        }
    }
}
