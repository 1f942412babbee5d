//! A store in memory that knows what a crash would leave of it.

use super::{Identity, Storage, StorageError};
use crate::raft::durable::{HardState, Recovered, Write};
use crate::raft::entry::Entry;
use crate::raft::membership::Configuration;
use crate::raft::position::{Index, Position};
use crate::raft::snapshot::{SnapshotChunk, SnapshotMeta};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::{Bytes, BytesMut};
use core::convert::Infallible;
use purlin_core::random::{RandomExt as _, SplitMix64};

/// A store in memory, for tests and simulations: it keeps apart what is written and what is synced,
/// and [`crash`](Self::crash) takes the difference away.
///
/// Space: the log twice, payloads shared. A sync is O(writes since the last one).
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    contents: Option<Contents>,
    durable: Option<Contents>,
    /// What the contents have and the durable ones lack, in order.
    unsynced: Vec<Write>,
    incoming: Option<(SnapshotMeta, BytesMut)>,
}

/// One state of a store.
#[derive(Clone, Debug)]
struct Contents {
    identity: Identity,
    hard_state: HardState,
    snapshot: SnapshotMeta,
    data: Bytes,
    log: Vec<Entry>,
}

impl Contents {
    fn last(&self) -> Index {
        self.snapshot.position.index + self.log.len() as u64
    }

    /// How many entries of the log come before `index`; more than there are, if it has none there.
    fn before(&self, index: Index) -> usize {
        usize::try_from(index.previous() - self.snapshot.position.index).unwrap_or(usize::MAX)
    }

    /// Takes the hard state, and of the entries the first `limit`.
    fn write(&mut self, write: &Write, limit: usize) {
        self.hard_state = write.hard_state.unwrap_or(self.hard_state);
        if write.entries.is_empty() || limit == 0 {
            return;
        }
        self.log.truncate(self.before(write.entries.first_index()));
        self.log.extend(
            write
                .entries
                .iter()
                .take(limit)
                .map(|(_, entry)| entry.clone()),
        );
    }

    fn compact(&mut self, meta: &SnapshotMeta, data: Bytes) {
        self.log.drain(..self.before(meta.position.index.next()));
        self.snapshot = meta.clone();
        self.data = data;
    }
}

impl MemoryStorage {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The node crashes and takes away everything that was not synced.
    pub fn crash(&mut self) {
        self.contents.clone_from(&self.durable);
        self.unsynced.clear();
        self.incoming = None;
    }

    /// The node crashes, and of what was not synced something may have reached the disk: some first
    /// writes and a part of the next one, as `seed` says.
    pub fn crash_partly(&mut self, seed: u64) {
        let mut random = SplitMix64::new(seed);
        let survive = below(&mut random, self.unsynced.len() + 1);
        if let Some(durable) = &mut self.durable {
            for write in &self.unsynced[..survive] {
                durable.write(write, write.entries.len());
            }
            if let Some(torn) = self.unsynced.get(survive).filter(|_| random.below(2) == 0) {
                durable.write(torn, below(&mut random, torn.entries.len() + 1));
            }
        }
        self.crash();
    }

    fn contents(&self) -> Result<&Contents, StorageError<Infallible>> {
        self.contents.as_ref().ok_or(StorageError::Empty)
    }

    /// Makes everything durable; to be called where the contents are not those of the writes alone.
    fn settle(&mut self) {
        self.durable.clone_from(&self.contents);
        self.unsynced.clear();
    }
}

fn below(random: &mut SplitMix64, bound: usize) -> usize {
    usize::try_from(random.below(bound as u64)).unwrap_or(0)
}

impl Storage for MemoryStorage {
    type Error = Infallible;

    fn identity(&self) -> Option<Identity> {
        self.contents.as_ref().map(|contents| contents.identity)
    }

    fn create(
        &mut self,
        identity: Identity,
        configuration: Configuration,
    ) -> Result<(), StorageError<Infallible>> {
        if let Some(contents) = &self.contents {
            return Err(StorageError::NotEmpty(contents.identity));
        }
        self.contents = Some(Contents {
            identity,
            hard_state: HardState::default(),
            snapshot: SnapshotMeta {
                position: Position::default(),
                configuration: Arc::new(configuration),
                id: 0,
            },
            data: Bytes::new(),
            log: Vec::new(),
        });
        self.settle();
        Ok(())
    }

    fn recover(&mut self) -> Result<Recovered, StorageError<Infallible>> {
        let contents = self.contents()?;
        Ok(Recovered {
            hard_state: contents.hard_state,
            snapshot: contents.snapshot.clone(),
            entries: contents.log.clone(),
            applied: contents.snapshot.position.index,
        })
    }

    fn write(&mut self, write: &Write) -> Result<(), StorageError<Infallible>> {
        let contents = self.contents.as_mut().ok_or(StorageError::Empty)?;
        super::check_write(write, contents.snapshot.position.index, contents.last())?;
        contents.write(write, write.entries.len());
        self.unsynced.push(write.clone());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError<Infallible>> {
        let durable = self.durable.as_mut().ok_or(StorageError::Empty)?;
        for write in self.unsynced.drain(..) {
            durable.write(&write, write.entries.len());
        }
        Ok(())
    }

    fn compact(
        &mut self,
        meta: &SnapshotMeta,
        data: &mut dyn Iterator<Item = Bytes>,
    ) -> Result<(), StorageError<Infallible>> {
        let contents = self.contents.as_mut().ok_or(StorageError::Empty)?;
        super::check_compact(meta, contents.snapshot.position, contents.last())?;
        let mut whole = BytesMut::new();
        data.for_each(|part| whole.extend_from_slice(&part));
        contents.compact(meta, whole.freeze());
        self.settle();
        Ok(())
    }

    fn store_chunk(&mut self, chunk: &SnapshotChunk) -> Result<u64, StorageError<Infallible>> {
        let contents = self.contents.as_mut().ok_or(StorageError::Empty)?;
        let incoming = self
            .incoming
            .as_ref()
            .map(|(meta, data)| (meta, data.len() as u64));
        super::check_chunk(chunk, contents.snapshot.position, incoming)?;
        let mut data = match self.incoming.take() {
            Some((_, data)) if chunk.offset > 0 => data,
            _ => BytesMut::new(),
        };
        data.extend_from_slice(&chunk.data);
        let stored = data.len() as u64;
        if chunk.done {
            contents.log.clear();
            contents.snapshot = chunk.meta.clone();
            contents.data = data.freeze();
            self.settle();
        } else {
            self.incoming = Some((chunk.meta.clone(), data));
        }
        Ok(stored)
    }

    fn read_chunk(
        &mut self,
        meta: &SnapshotMeta,
        offset: u64,
        max_bytes: u32,
    ) -> Result<Option<SnapshotChunk>, StorageError<Infallible>> {
        let contents = self.contents()?;
        let whole = contents.data.len() as u64;
        if contents.snapshot != *meta || !super::is_readable(offset, max_bytes, whole) {
            return Ok(None);
        }
        let end = whole.min(offset + u64::from(max_bytes));
        let place = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        let data = contents.data.slice(place(offset)..place(end));
        Ok(Some(SnapshotChunk {
            meta: meta.clone(),
            offset,
            data,
            done: end == whole,
        }))
    }
}
