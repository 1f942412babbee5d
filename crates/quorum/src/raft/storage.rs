//! Stable storage: what a host needs in order to carry out what a node asks of its disk.
//!
//! The [Raft core](super) never sees a store: it puts out [`Write`]s and [`SnapshotChunk`]s, and is
//! told when they would survive a crash. A [`Storage`] is the other half, as a trait, so that hosts,
//! simulators and tests can change one for another:
//!
//! | store | survives | for |
//! |---|---|---|
//! | [`MemoryStorage`] | crashes that a test stages | tests, simulations |
//! | `FileStorage` (feature `durable`) | power failures | production |
//! | your own | what it promises | what you have: check it with `conformance` (feature `conformance`) |
//!
//! # What a host does with it
//!
//! | the node puts out | the host calls | then tells the node |
//! |---|---|---|
//! | [`Output::Write`](super::Output::Write) | [`write`](Storage::write), and [`sync`](Storage::sync) after one or several | `persisted` with the last ticket |
//! | [`Output::StoreChunk`](super::Output::StoreChunk) | [`store_chunk`](Storage::store_chunk); after the last chunk, restore the state machine from [`snapshot`](Storage::snapshot) | `chunk_stored` with the answer |
//! | [`Output::FetchChunk`](super::Output::FetchChunk) | [`read_chunk`](Storage::read_chunk) | `chunk`, or `chunk_unavailable` if there is none |
//! | nothing: the log has grown long | [`compact`](Storage::compact) with the state machine's snapshot | `compact` with the same meta |
//!
//! Whenever one of them fails, the host tells the node so with `write_failed`, and the node stops.
//!
//! ```
//! use bytes::Bytes;
//! use purlin_core::node::NodeId;
//! use purlin_quorum::raft::storage::{Identity, MemoryStorage, Storage, StorageError};
//! use purlin_quorum::raft::{
//!     ClusterId, Configuration, Entries, Entry, HardState, Index, Term, Ticket, Write,
//! };
//!
//! let mut store = MemoryStorage::new();
//! let founders = Configuration::new([NodeId(1), NodeId(2), NodeId(3)]);
//! let drawn_at_random = 0x5eed;
//! store.bootstrap(Identity::new(ClusterId(7), NodeId(1), drawn_at_random), founders)?;
//!
//! let mut write = Write {
//!     ticket: Ticket(1),
//!     hard_state: Some(HardState { term: Term(1), vote: Some(NodeId(1)) }),
//!     entries: Entries::one(Index(1), Entry::command(Term(1), Bytes::from_static(b"x = 1"))),
//! };
//! store.write(&write)?;
//! store.sync()?;
//! write.entries = Entries::one(Index(2), Entry::command(Term(1), Bytes::from_static(b"x = 2")));
//! store.write(&write)?;
//!
//! store.crash(); // the second write was not synced
//! let recovered = store.recover()?;
//! assert_eq!(recovered.hard_state.vote, Some(NodeId(1)));
//! assert_eq!(recovered.entries, [Entry::command(Term(1), Bytes::from_static(b"x = 1"))]);
//! # Ok::<(), StorageError<core::convert::Infallible>>(())
//! ```

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "durable")]
mod file;
mod memory;

#[cfg(feature = "durable")]
pub use file::{Disk, FileError, FileOptions, FileStorage, OsDisk};
pub use memory::MemoryStorage;

use super::config::ClusterId;
use super::durable::{Recovered, Write};
use super::membership::Configuration;
use super::position::{Index, Position};
use super::snapshot::{SnapshotChunk, SnapshotMeta};
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt;
use core::num::NonZeroU64;
use purlin_core::node::NodeId;
use thiserror::Error;

/// Whose store it is. Written once, when the store is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Identity {
    /// The group: for [`Config::cluster`](super::Config::cluster).
    pub cluster: ClusterId,
    /// The node: for [`Config::id`](super::Config::id).
    pub node: NodeId,
    /// Tells this store from every other that the node ever had: for
    /// [`Config::incarnation`](super::Config::incarnation). A node that comes back with another one
    /// has lost its disk.
    pub incarnation: NonZeroU64,
}

impl Identity {
    /// A new store's identity. `random` becomes the incarnation and must not come twice in a node's
    /// life: draw it from the system's entropy. (0, which no incarnation is, becomes 1.)
    #[must_use]
    pub fn new(cluster: ClusterId, node: NodeId, random: u64) -> Self {
        let incarnation = NonZeroU64::new(random).unwrap_or(NonZeroU64::MIN);
        Self {
            cluster,
            node,
            incarnation,
        }
    }

    /// Whether it is that of a store of this node of this cluster, the first one or a later one.
    #[must_use]
    pub fn is_of(&self, node: NodeId, cluster: ClusterId) -> bool {
        self.node == node && self.cluster == cluster
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of cluster {}", self.node, self.cluster.0)
    }
}

/// Why a store did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StorageError<E> {
    /// The store belongs to a node already. Nothing has changed.
    #[error("the store is not empty: it belongs to {0}")]
    NotEmpty(Identity),
    /// The store is empty: [`bootstrap`](Storage::bootstrap) or [`join`](Storage::join) first.
    #[error("the store is empty: bootstrap it, or join")]
    Empty,
    /// An earlier operation failed half-way. What the medium holds is unknown until the store is
    /// opened anew.
    #[error("an earlier operation failed: the store must be opened anew")]
    Failed,
    /// What was asked contradicts what the store holds, or itself. Nothing has changed.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The medium failed.
    #[error(transparent)]
    Medium(#[from] E),
}

/// What survives a crash of one node: its identity, its vote and term, a snapshot, and the log after
/// it.
///
/// Operations are buffered and *take effect in the order in which they were called*: after a crash
/// the store holds what it held after some one of them, nothing that it held before an earlier one,
/// and no mixture. That one is the last one or, if it was not made durable, one between it and the
/// last that was:
///
/// | operation | durable when it returns | what a crash may leave of it |
/// |---|---|---|
/// | [`create`](Self::create), [`compact`](Self::compact), [`store_chunk`](Self::store_chunk) of the last chunk | yes, and all before it | all or nothing |
/// | [`sync`](Self::sync) | makes all before it durable | |
/// | [`write`](Self::write) | no | nothing; the hard state; the hard state and some of the entries, from the first one on |
/// | `store_chunk` of other chunks | no | nothing: a transfer that was interrupted by a crash begins anew |
///
/// # Implementing
///
/// Check it with `conformance` (feature `conformance`), which stages crashes between operations. Do:
///
/// * keep the order: hard state before entries, the snapshot before the log is cut;
/// * answer [`StorageError::Failed`] to everything after an operation has failed with
///   [`StorageError::Medium`]. Never retry a failed sync: the system may have dropped the pages that
///   it could not write, and report success the second time (Rebello et al., "Can Applications
///   Recover from fsync Failures?", USENIX ATC 2020);
/// * refuse to start ([`StorageError::Medium`]) with data that you know to be damaged. A node that
///   forgets what it acknowledged costs others their data.
///
/// Do not:
///
/// * make a store that was lost again under the same [`Identity`]; the new incarnation is what lets
///   the others notice;
/// * let two processes have the same store open.
pub trait Storage {
    /// How the medium fails.
    type Error: core::error::Error + 'static;

    /// Whose store it is; `None` of an empty one. Available as soon as the store is open.
    fn identity(&self) -> Option<Identity>;

    /// Makes an empty store that of a node, with a snapshot of nothing at index 0 whose configuration
    /// is this one. Durable when it returns.
    ///
    /// Hosts call [`bootstrap`](Self::bootstrap) or [`join`](Self::join), which check what is given
    /// here; a store does not.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotEmpty`] if it was done before. Otherwise as the medium fails.
    fn create(
        &mut self,
        identity: Identity,
        configuration: Configuration,
    ) -> Result<(), StorageError<Self::Error>>;

    /// Makes an empty store that of a founding member of a group. Every founding member starts with
    /// the same configuration. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotEmpty`] if it was done before: a node that founds its group again splits it
    /// in two. [`StorageError::Refused`] if nobody founds the group, or this node is not among those
    /// who do, or is node 0. Otherwise as the medium fails.
    fn bootstrap(
        &mut self,
        identity: Identity,
        founders: Configuration,
    ) -> Result<(), StorageError<Self::Error>> {
        check_founder(&identity, &founders)?;
        self.create(identity, founders)
    }

    /// What a founding member does at every start: [`bootstrap`](Self::bootstrap) if the store is
    /// empty, otherwise nothing. The incarnation counts only where the store is empty: draw one each
    /// time.
    ///
    /// A founding member whose disk was lost founds its group again here. The others fence it as long
    /// as one of them remembers its incarnation. Do not rely on that: remove it, and add it as a new
    /// member, whose store [`join`](Self::join)s.
    ///
    /// ```
    /// use purlin_core::node::NodeId;
    /// use purlin_quorum::raft::storage::{Identity, MemoryStorage, Storage};
    /// use purlin_quorum::raft::{ClusterId, Configuration};
    ///
    /// let founders = Configuration::new([1, 2, 3].map(NodeId));
    /// let mut store = MemoryStorage::new();
    /// for drawn_at_random in [0x5eed, 0xfeed] {
    ///     let identity = Identity::new(ClusterId(7), NodeId(1), drawn_at_random);
    ///     store.bootstrap_if_empty(identity, founders.clone())?;
    /// }
    /// assert_eq!(store.identity().unwrap().incarnation.get(), 0x5eed);
    /// assert_eq!(*store.recover()?.snapshot.configuration, founders);
    ///
    /// let another = Identity::new(ClusterId(7), NodeId(2), 0xbeef);
    /// let refused = store.bootstrap_if_empty(another, founders).unwrap_err();
    /// assert_eq!(refused.to_string(), "the store is not empty: it belongs to n1 of cluster 7");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`StorageError::NotEmpty`] if the store is that of another node or cluster; otherwise as
    /// [`bootstrap`](Self::bootstrap).
    fn bootstrap_if_empty(
        &mut self,
        identity: Identity,
        founders: Configuration,
    ) -> Result<(), StorageError<Self::Error>> {
        match self.identity() {
            None => self.bootstrap(identity, founders),
            Some(found) if found.is_of(identity.node, identity.cluster) => Ok(()),
            Some(found) => Err(StorageError::NotEmpty(found)),
        }
    }

    /// Makes an empty store that of a node which is added to a group that exists: it waits for the
    /// leader to tell it everything. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotEmpty`]; [`StorageError::Refused`] for node 0; otherwise as the medium
    /// fails.
    fn join(&mut self, identity: Identity) -> Result<(), StorageError<Self::Error>> {
        check_node(&identity)?;
        self.create(identity, Configuration::default())
    }

    /// Everything to start the node with. [`applied`](Recovered::applied) is the snapshot's index: a
    /// state machine that is durable itself sets it to its own. Changes nothing; O(log).
    ///
    /// # Errors
    ///
    /// [`StorageError::Empty`], or the medium fails.
    fn recover(&mut self) -> Result<Recovered, StorageError<Self::Error>>;

    /// The largest payload that an entry can have here: propose nothing larger, or the write is refused
    /// and the node stops. [`Replica`](super::replica::Replica) lowers
    /// [`Config::max_entry_bytes`](super::Config::max_entry_bytes) to it. No bound by default.
    fn max_entry_bytes(&self) -> u64 {
        u64::MAX
    }

    /// Takes one [`Write`]. It may be lost in a crash until [`sync`](Self::sync) has returned.
    ///
    /// # Errors
    ///
    /// [`StorageError::Refused`] if entries would leave a gap in the log, begin before its first
    /// one, or are too large for the store; [`StorageError::Empty`]; or the medium fails.
    fn write(&mut self, write: &Write) -> Result<(), StorageError<Self::Error>>;

    /// Makes everything so far durable. One sync for many writes is the way to high throughput.
    ///
    /// # Errors
    ///
    /// The medium fails: then every later call is refused with [`StorageError::Failed`].
    fn sync(&mut self) -> Result<(), StorageError<Self::Error>>;

    /// Keeps the state machine's snapshot at `meta` in place of the former one, then drops the log up
    /// to there. The snapshot comes in parts of any size, so that it need not fit in memory. Durable
    /// when it returns.
    ///
    /// # Errors
    ///
    /// [`StorageError::Refused`] if the position is not beyond that of the former snapshot, or beyond
    /// the log; [`StorageError::Empty`]; or the medium fails.
    fn compact(
        &mut self,
        meta: &SnapshotMeta,
        data: &mut dyn Iterator<Item = Bytes>,
    ) -> Result<(), StorageError<Self::Error>>;

    /// Takes a part of a snapshot that comes from the leader and answers how many bytes of it there
    /// are now, for `chunk_stored`. Offset 0 begins anew. The last part makes it the snapshot, and
    /// the whole log goes away, durably and in one step.
    ///
    /// # Errors
    ///
    /// [`StorageError::Refused`] if the part does not follow the one before it, or if the snapshot is
    /// not beyond the one that there is; [`StorageError::Empty`]; or the medium fails.
    fn store_chunk(&mut self, chunk: &SnapshotChunk) -> Result<u64, StorageError<Self::Error>>;

    /// At most `max_bytes` of the snapshot from `offset` on; `None` if there is no snapshot of that
    /// meta (any more), or nothing at that offset. A part is empty only if the snapshot is.
    ///
    /// # Errors
    ///
    /// [`StorageError::Empty`], or the medium fails.
    fn read_chunk(
        &mut self,
        meta: &SnapshotMeta,
        offset: u64,
        max_bytes: u32,
    ) -> Result<Option<SnapshotChunk>, StorageError<Self::Error>>;

    /// The whole snapshot at `meta`, to restore the state machine from: `None` if there is none of
    /// that meta. Before the first snapshot was taken that of [`Recovered::snapshot`] is empty. Read
    /// a large one with [`read_chunk`](Self::read_chunk).
    ///
    /// # Errors
    ///
    /// As [`read_chunk`](Self::read_chunk).
    fn snapshot(
        &mut self,
        meta: &SnapshotMeta,
    ) -> Result<Option<Bytes>, StorageError<Self::Error>> {
        let mut data = Vec::new();
        loop {
            let Some(chunk) = self.read_chunk(meta, data.len() as u64, 1 << 20)? else {
                return Ok(None);
            };
            if chunk.done && data.is_empty() {
                return Ok(Some(chunk.data));
            }
            data.extend_from_slice(&chunk.data);
            if chunk.done {
                return Ok(Some(data.into()));
            }
        }
    }
}

/// Node 0 stands for nobody.
fn check_node<E>(identity: &Identity) -> Result<(), StorageError<E>> {
    if identity.node == NodeId(0) {
        return Err(StorageError::Refused(
            "node 0 stands for nobody: number nodes from 1",
        ));
    }
    Ok(())
}

/// Whether a node may found a group with these members.
pub(super) fn check_founder<E>(
    identity: &Identity,
    founders: &Configuration,
) -> Result<(), StorageError<E>> {
    check_node(identity)?;
    if founders.is_empty() {
        return Err(StorageError::Refused(
            "a group is not founded without voters; a node that is added to a group joins",
        ));
    }
    if !founders.is_member(identity.node) {
        return Err(StorageError::Refused(
            "this node is not among the founders; one that is added to a group joins",
        ));
    }
    Ok(())
}

/// Whether entries may be put into a log of the entries after `base` up to `last`.
fn check_write<E>(write: &Write, base: Index, last: Index) -> Result<(), StorageError<E>> {
    let first = write.entries.first_index();
    if write.entries.is_empty() || (base < first && first <= last.next()) {
        return Ok(());
    }
    Err(StorageError::Refused(if first <= base {
        "entries that the snapshot covers"
    } else {
        "entries that leave a gap in the log"
    }))
}

/// Whether the log up to `last` can be compacted to `meta` where the snapshot at `former` is.
fn check_compact<E>(
    meta: &SnapshotMeta,
    former: Position,
    last: Index,
) -> Result<(), StorageError<E>> {
    if meta.position.index <= former.index {
        return Err(StorageError::Refused(
            "a snapshot that is not beyond the former one",
        ));
    }
    if meta.position.index > last {
        return Err(StorageError::Refused(
            "a snapshot beyond the log: give the store its writes first",
        ));
    }
    Ok(())
}

/// Whether `chunk` follows what is there of a snapshot, and that is beyond the one at `former`.
fn check_chunk<E>(
    chunk: &SnapshotChunk,
    former: Position,
    incoming: Option<(&SnapshotMeta, u64)>,
) -> Result<(), StorageError<E>> {
    if chunk.meta.position.index <= former.index {
        return Err(StorageError::Refused(
            "a snapshot that is not beyond the former one",
        ));
    }
    if chunk.offset == 0 || incoming == Some((&chunk.meta, chunk.offset)) {
        return Ok(());
    }
    Err(StorageError::Refused(
        "a part of a snapshot that does not follow the one before",
    ))
}

/// Whether a part of at most `max_bytes` at `offset` can be had of a snapshot of `whole` bytes.
fn is_readable(offset: u64, max_bytes: u32, whole: u64) -> bool {
    (offset < whole && max_bytes > 0) || (offset == 0 && whole == 0)
}
