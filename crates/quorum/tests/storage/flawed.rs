//! A store in memory with deliberate flaws, one at a time. The suite must find each: one that cannot
//! find known flaws proves nothing.

use alloc::sync::Arc;
use bytes::Bytes;
use core::num::NonZeroU64;
use purlin_core::random::{RandomExt as _, SplitMix64};
use purlin_quorum::raft::storage::conformance::{Crash, CrashableStorage};
use purlin_quorum::raft::storage::{Identity, Storage, StorageError};
use purlin_quorum::raft::{
    Configuration, Entries, Entry, HardState, Index, Payload, Recovered, SnapshotChunk,
    SnapshotMeta, Write,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    ForgetsHardState,
    WritesEntriesBeforeHardState,
    LosesSyncedWrite,
    SyncsNothing,
    ReordersWrites,
    ResurrectsTruncated,
    AcceptsTornEntry,
    LeavesGaps,
    TakesHalfOfWhatItRefuses,
    InstallsInTwoSteps,
    InstallsLater,
    KeepsLogAfterInstall,
    CutsLogBeforeSnapshot,
    CompactsTooMuch,
    ForgetsConfiguration,
    AppendsAnyChunk,
    ReadsAnySnapshot,
    ReadsTooLittle,
    FoundsTwice,
    ForgetsWhoItIs,
    ChangesIncarnation,
    WritesBeforeBootstrap,
    RetriesFailedSync,
    ShowsWhatIsNotDurable,
}

pub(crate) const FLAWS: [Flaw; 24] = [
    Flaw::ForgetsHardState,
    Flaw::WritesEntriesBeforeHardState,
    Flaw::LosesSyncedWrite,
    Flaw::SyncsNothing,
    Flaw::ReordersWrites,
    Flaw::ResurrectsTruncated,
    Flaw::AcceptsTornEntry,
    Flaw::LeavesGaps,
    Flaw::TakesHalfOfWhatItRefuses,
    Flaw::InstallsInTwoSteps,
    Flaw::InstallsLater,
    Flaw::KeepsLogAfterInstall,
    Flaw::CutsLogBeforeSnapshot,
    Flaw::CompactsTooMuch,
    Flaw::ForgetsConfiguration,
    Flaw::AppendsAnyChunk,
    Flaw::ReadsAnySnapshot,
    Flaw::ReadsTooLittle,
    Flaw::FoundsTwice,
    Flaw::ForgetsWhoItIs,
    Flaw::ChangesIncarnation,
    Flaw::WritesBeforeBootstrap,
    Flaw::RetriesFailedSync,
    Flaw::ShowsWhatIsNotDurable,
];

#[derive(Debug, thiserror::Error)]
#[error("the medium was told to fail")]
pub(crate) struct Broken;

type Result<T> = core::result::Result<T, StorageError<Broken>>;

/// What was done, in order: what a store holds is what that comes to.
#[derive(Clone, Debug)]
enum Deed {
    Found(Identity, Configuration),
    HardState(HardState),
    Entry(Index, Entry),
    /// Everything after this index goes.
    Truncate(Index),
    Snapshot(SnapshotMeta, Vec<u8>),
    /// Everything up to this index goes.
    Compact(Index),
    /// Nothing that a crash may come between.
    Together(Vec<Self>),
}

#[derive(Clone, Debug, Default)]
struct Contents {
    identity: Option<Identity>,
    hard_state: HardState,
    snapshot: SnapshotMeta,
    data: Vec<u8>,
    /// The index before the first entry.
    base: Index,
    log: Vec<Entry>,
}

impl Contents {
    fn last(&self) -> Index {
        self.base + self.log.len() as u64
    }

    fn place(&self, index: Index) -> usize {
        usize::try_from(index - self.base).expect("small")
    }

    fn apply(&mut self, deed: &Deed, flaw: Option<Flaw>) {
        match deed {
            Deed::Found(identity, configuration) => {
                self.identity = Some(*identity);
                self.snapshot.configuration = Arc::new(configuration.clone());
            }
            Deed::HardState(hard_state) => self.hard_state = *hard_state,
            Deed::Entry(index, entry) => {
                let place = self.place(*index) - 1;
                if place < self.log.len() && flaw == Some(Flaw::ResurrectsTruncated) {
                    self.log[place] = entry.clone();
                } else {
                    self.log.truncate(place);
                    self.log.push(entry.clone());
                }
            }
            Deed::Truncate(last) => self.log.truncate(self.place(*last)),
            Deed::Snapshot(meta, data) => {
                let mut meta = meta.clone();
                if flaw == Some(Flaw::ForgetsConfiguration) {
                    meta.configuration = self.snapshot.configuration.clone();
                }
                (self.snapshot, self.data) = (meta, data.clone());
            }
            Deed::Compact(index) => {
                self.log.drain(..self.place(*index).min(self.log.len()));
                self.base = *index;
            }
            Deed::Together(deeds) => deeds.iter().for_each(|deed| self.apply(deed, flaw)),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Flawed {
    flaw: Option<Flaw>,
    deeds: Vec<Deed>,
    /// How many of them are durable.
    durable: usize,
    contents: Contents,
    incoming: Option<(SnapshotMeta, Vec<u8>)>,
    /// How many operations of the medium still succeed.
    budget: Option<u64>,
    failed: bool,
}

impl Flawed {
    pub(crate) fn new(flaw: Option<Flaw>) -> Self {
        Self {
            flaw,
            deeds: Vec::new(),
            durable: 0,
            contents: Contents::default(),
            incoming: None,
            budget: None,
            failed: false,
        }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn admit(&self) -> Result<()> {
        if self.failed && !self.is(Flaw::RetriesFailedSync) {
            return Err(StorageError::Failed);
        }
        match self.contents.identity {
            None if !self.is(Flaw::WritesBeforeBootstrap) => Err(StorageError::Empty),
            _ => Ok(()),
        }
    }

    fn spend(&mut self) -> Result<()> {
        if let Some(budget) = &mut self.budget {
            let Some(left) = budget.checked_sub(1) else {
                self.failed = true;
                return Err(StorageError::Medium(Broken));
            };
            *budget = left;
        }
        Ok(())
    }

    fn act(&mut self, deed: Deed) {
        self.contents.apply(&deed, self.flaw);
        self.deeds.push(deed);
    }

    fn settle(&mut self) -> Result<()> {
        self.spend()?;
        self.durable = self.deeds.len();
        Ok(())
    }

    /// Leaves what the crash leaves of the deeds.
    fn lose(&mut self, random: &mut SplitMix64) {
        let mut below = |bound: usize| usize::try_from(random.below(bound as u64)).expect("small");
        let mut keep = self.durable + below(self.deeds.len() - self.durable + 1);
        let founding = 1;
        match self.flaw {
            Some(Flaw::ForgetsHardState) if keep > founding => {
                // Only hard states that something durable comes after have reached the disk.
                while matches!(self.deeds[keep - 1], Deed::HardState(_)) {
                    keep -= 1;
                }
            }
            Some(Flaw::LosesSyncedWrite) if keep > founding && below(3) == 0 => keep -= 1,
            Some(Flaw::ForgetsWhoItIs) if keep == founding => keep = 0,
            Some(Flaw::ReordersWrites) if keep < self.deeds.len() => {
                self.deeds.remove(keep);
                keep = self.gap().unwrap_or(self.deeds.len());
            }
            Some(Flaw::AcceptsTornEntry) => {
                if let Some(Deed::Entry(_, entry)) = self.deeds.get_mut(keep)
                    && let Payload::Command(command) = &mut entry.payload
                {
                    command.truncate(command.len() / 2);
                    keep += 1;
                }
            }
            _ => {}
        }
        self.deeds.truncate(keep);
    }

    /// The first entry that follows nothing.
    fn gap(&self) -> Option<usize> {
        let mut contents = Contents::default();
        self.deeds.iter().position(|deed| match deed {
            Deed::Entry(index, _) if *index > contents.last().next() => true,
            deed => {
                contents.apply(deed, self.flaw);
                false
            }
        })
    }

    fn replay(&mut self) {
        self.contents = Contents::default();
        for deed in &self.deeds {
            self.contents.apply(deed, self.flaw);
        }
    }
}

impl Storage for Flawed {
    type Error = Broken;

    fn identity(&self) -> Option<Identity> {
        self.contents.identity
    }

    fn create(&mut self, identity: Identity, configuration: Configuration) -> Result<()> {
        if let Some(found) = self.identity().filter(|_| !self.is(Flaw::FoundsTwice)) {
            return Err(StorageError::NotEmpty(found));
        }
        self.act(Deed::Found(identity, configuration));
        self.settle()
    }

    fn recover(&mut self) -> Result<Recovered> {
        self.admit()?;
        Ok(Recovered {
            hard_state: self.contents.hard_state,
            snapshot: self.contents.snapshot.clone(),
            entries: self.contents.log.clone(),
            applied: self.contents.snapshot.position.index,
        })
    }

    fn write(&mut self, write: &Write) -> Result<()> {
        self.admit()?;
        let Write {
            hard_state,
            entries,
            ..
        } = write;
        let hard_state = hard_state.map(Deed::HardState);
        if self.is(Flaw::TakesHalfOfWhatItRefuses) {
            hard_state
                .clone()
                .into_iter()
                .for_each(|deed| self.act(deed));
        }
        let first = entries.first_index();
        let gap = first > self.contents.last().next() && !self.is(Flaw::LeavesGaps);
        if !entries.is_empty() && (gap || first <= self.contents.base) {
            return Err(StorageError::Refused("entries that do not follow"));
        }
        self.spend()?;
        let first = first.min(self.contents.last().next());
        let entries = Entries::new(
            first,
            entries.iter().map(|(_, entry)| entry.clone()).collect(),
        );
        let entries = entries
            .iter()
            .map(|(index, entry)| Deed::Entry(index, entry.clone()));
        let deeds: Vec<Deed> = match self.flaw {
            Some(Flaw::WritesEntriesBeforeHardState) => entries.chain(hard_state).collect(),
            _ => hard_state.into_iter().chain(entries).collect(),
        };
        deeds.into_iter().for_each(|deed| self.act(deed));
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.admit()?;
        self.spend()?;
        if self.is(Flaw::SyncsNothing) {
            return Ok(());
        }
        self.settle()
    }

    fn compact(
        &mut self,
        meta: &SnapshotMeta,
        data: &mut dyn Iterator<Item = Bytes>,
    ) -> Result<()> {
        self.admit()?;
        let index = meta.position.index;
        if index <= self.contents.base || index > self.contents.last() {
            return Err(StorageError::Refused("a snapshot that does not follow"));
        }
        self.settle()?;
        let data: Vec<u8> = data.flatten().collect();
        let snapshot = Deed::Snapshot(meta.clone(), data);
        let cut = match self.flaw {
            Some(Flaw::CompactsTooMuch) => {
                Deed::Together(vec![Deed::Truncate(index), Deed::Compact(index)])
            }
            _ => Deed::Compact(index),
        };
        if self.is(Flaw::CutsLogBeforeSnapshot) {
            self.act(cut);
            self.settle()?;
            self.act(snapshot);
        } else {
            self.act(Deed::Together(vec![snapshot, cut]));
        }
        self.settle()
    }

    fn store_chunk(&mut self, chunk: &SnapshotChunk) -> Result<u64> {
        self.admit()?;
        let follows = |(meta, data): &(SnapshotMeta, Vec<u8>)| {
            *meta == chunk.meta && data.len() as u64 == chunk.offset
        };
        let known = self
            .incoming
            .take_if(|incoming| chunk.offset > 0 && follows(incoming));
        let lost = chunk.offset > 0 && known.is_none() && !self.is(Flaw::AppendsAnyChunk);
        if lost || chunk.meta.position.index <= self.contents.snapshot.position.index {
            return Err(StorageError::Refused("a part that does not follow"));
        }
        let mut data = known.map(|(_, data)| data).unwrap_or_default();
        data.extend_from_slice(&chunk.data);
        let stored = chunk.offset + chunk.data.len() as u64;
        if !chunk.done {
            self.incoming = Some((chunk.meta.clone(), data));
            return Ok(stored);
        }
        self.settle()?;
        let index = chunk.meta.position.index;
        let snapshot = Deed::Snapshot(chunk.meta.clone(), data);
        let cut = match self.flaw {
            Some(Flaw::KeepsLogAfterInstall) => Deed::Compact(index),
            _ => Deed::Together(vec![
                Deed::Truncate(self.contents.base),
                Deed::Compact(index),
            ]),
        };
        if self.is(Flaw::InstallsInTwoSteps) {
            self.act(snapshot);
            self.settle()?;
            self.act(cut);
        } else {
            self.act(Deed::Together(vec![snapshot, cut]));
        }
        if !self.is(Flaw::InstallsLater) {
            self.settle()?;
        }
        Ok(stored)
    }

    fn read_chunk(
        &mut self,
        meta: &SnapshotMeta,
        offset: u64,
        max_bytes: u32,
    ) -> Result<Option<SnapshotChunk>> {
        self.admit()?;
        let Contents { snapshot, data, .. } = &self.contents;
        let Some(rest) = usize::try_from(offset)
            .ok()
            .and_then(|offset| data.get(offset..))
        else {
            return Ok(None);
        };
        let max_bytes = if self.is(Flaw::ReadsTooLittle) {
            max_bytes / 2
        } else {
            max_bytes
        };
        let part = &rest[..rest.len().min(max_bytes as usize)];
        let other = snapshot != meta && !self.is(Flaw::ReadsAnySnapshot);
        if other || (part.is_empty() && !data.is_empty()) {
            return Ok(None);
        }
        let done = part.len() == rest.len();
        Ok(Some(SnapshotChunk {
            meta: meta.clone(),
            offset,
            data: Bytes::copy_from_slice(part),
            done,
        }))
    }
}

impl CrashableStorage for Flawed {
    fn reopen(mut self, crash: Crash) -> Result<Self> {
        let shown = self.is(Flaw::ShowsWhatIsNotDurable);
        match crash {
            Crash::Process if shown => {}
            Crash::Process => self.durable = self.deeds.len(),
            Crash::Power(seed) => {
                self.lose(&mut SplitMix64::new(seed));
                self.durable = self.deeds.len();
            }
        }
        if self.is(Flaw::ChangesIncarnation)
            && let Some(Deed::Found(identity, _)) = self.deeds.first_mut()
        {
            let random = identity.incarnation.get().wrapping_add(1);
            identity.incarnation = NonZeroU64::new(random).unwrap_or(NonZeroU64::MIN);
        }
        self.replay();
        (self.incoming, self.budget, self.failed) = (None, None, false);
        Ok(self)
    }

    fn fail_after(&mut self, operations: u64) -> bool {
        self.budget = Some(operations);
        true
    }
}
