//! A store in memory whose operations fail when a test says so.

use alloc::rc::Rc;
use bytes::Bytes;
use core::cell::Cell;
use core::convert::Infallible;
use purlin_quorum::raft::storage::{Identity, MemoryStorage, Storage, StorageError};
use purlin_quorum::raft::{Configuration, Recovered, SnapshotChunk, SnapshotMeta, Write};

#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    pub(crate) memory: MemoryStorage,
    /// The operation that fails, by name.
    pub(crate) fails: Rc<Cell<Option<&'static str>>>,
    pub(crate) syncs: Rc<Cell<u64>>,
    pub(crate) compactions: Rc<Cell<u64>>,
    broken: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} failed, as the test wished")]
pub(crate) struct Broken(pub(crate) &'static str);

type Result<T> = core::result::Result<T, StorageError<Broken>>;

impl Store {
    fn operate<T>(
        &mut self,
        name: &'static str,
        act: impl FnOnce(&mut MemoryStorage) -> core::result::Result<T, StorageError<Infallible>>,
    ) -> Result<T> {
        if self.broken {
            return Err(StorageError::Failed);
        }
        if self.fails.get() == Some(name) {
            self.broken = true;
            return Err(StorageError::Medium(Broken(name)));
        }
        act(&mut self.memory).map_err(|error| match error {
            StorageError::NotEmpty(identity) => StorageError::NotEmpty(identity),
            StorageError::Empty => StorageError::Empty,
            StorageError::Refused(why) => StorageError::Refused(why),
            _ => StorageError::Failed,
        })
    }

    /// The node crashes, and its store is opened anew.
    pub(crate) fn crash(&mut self, seed: Option<u64>) {
        self.broken = false;
        self.fails.set(None);
        match seed {
            Some(seed) => self.memory.crash_partly(seed),
            None => self.memory.crash(),
        }
    }
}

impl Storage for Store {
    type Error = Broken;

    fn identity(&self) -> Option<Identity> {
        self.memory.identity()
    }

    fn create(&mut self, identity: Identity, configuration: Configuration) -> Result<()> {
        self.operate("create", |memory| memory.create(identity, configuration))
    }

    fn recover(&mut self) -> Result<Recovered> {
        self.operate("recover", MemoryStorage::recover)
    }

    fn write(&mut self, write: &Write) -> Result<()> {
        self.operate("write", |memory| memory.write(write))
    }

    fn sync(&mut self) -> Result<()> {
        self.syncs.set(self.syncs.get() + 1);
        self.operate("sync", MemoryStorage::sync)
    }

    fn compact(
        &mut self,
        meta: &SnapshotMeta,
        data: &mut dyn Iterator<Item = Bytes>,
    ) -> Result<()> {
        self.compactions.set(self.compactions.get() + 1);
        self.operate("compact", |memory| memory.compact(meta, data))
    }

    fn store_chunk(&mut self, chunk: &SnapshotChunk) -> Result<u64> {
        self.operate("store_chunk", |memory| memory.store_chunk(chunk))
    }

    fn read_chunk(
        &mut self,
        meta: &SnapshotMeta,
        offset: u64,
        max_bytes: u32,
    ) -> Result<Option<SnapshotChunk>> {
        self.operate("read_chunk", |memory| {
            memory.read_chunk(meta, offset, max_bytes)
        })
    }
}
