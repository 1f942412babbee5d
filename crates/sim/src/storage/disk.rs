use super::{StorageModel, Store};
use core::fmt;
use purlin_core::random::Random;

/// One node's disk.
pub(crate) struct Disk<S: Store> {
    /// What the node sees: all its writes.
    pub(crate) seen: S,
    /// What every crash leaves: the synced writes.
    durable: S,
    /// Writes that are not durable, oldest first, with their place in the order of all writes.
    unsynced: Vec<(u64, S::Write)>,
    written: u64,
}

/// How a sync went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyncResult {
    Done,
    Failed,
    /// It reports success and did nothing.
    Lied,
}

/// What became of writes that were not durable.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fates {
    kept: usize,
    torn: usize,
    lost: usize,
}

impl fmt::Display for Fates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kept, torn, lost } = self;
        match kept + torn + lost {
            0 => write!(f, "every write was durable"),
            count => write!(
                f,
                "of {count} writes not durable {lost} lost, {torn} torn, {kept} kept"
            ),
        }
    }
}

impl<S: Store> Disk<S> {
    pub(crate) fn new() -> Self {
        Self {
            seen: S::default(),
            durable: S::default(),
            unsynced: Vec::new(),
            written: 0,
        }
    }

    /// Accepts a write. Answers its place in the order of all writes: a sync issued from now on
    /// covers all up to it.
    pub(crate) fn write(&mut self, write: S::Write, model: &StorageModel) {
        self.seen.apply(&write);
        if model.keeps_all() {
            self.durable.apply(&write);
        } else {
            self.unsynced.push((self.written, write));
        }
        self.written += 1;
    }

    /// The writes so far; a sync issued now covers those.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Ends a sync that covers the first `covered` writes.
    ///
    /// What a failed one covered is lost or not there and then: no later sync makes it durable, and
    /// no later crash brings it back over newer writes.
    pub(crate) fn sync(
        &mut self,
        covered: u64,
        result: SyncResult,
        model: &StorageModel,
        random: &mut impl Random,
    ) {
        let count = self.unsynced.partition_point(|(place, _)| *place < covered);
        match result {
            SyncResult::Lied => {}
            SyncResult::Failed => {
                self.gamble(count, model, random);
            }
            SyncResult::Done => {
                for (_, write) in self.unsynced.drain(..count) {
                    self.durable.apply(&write);
                }
            }
        }
    }

    /// Loses power. Says what became of the writes that were not durable.
    pub(crate) fn crash(&mut self, model: &StorageModel, random: &mut impl Random) -> Fates {
        let fates = self.gamble(self.unsynced.len(), model, random);
        self.seen = self.durable.clone();
        fates
    }

    /// The oldest `count` writes that are not durable survive whole, torn, out of order or not at
    /// all.
    fn gamble(&mut self, count: usize, model: &StorageModel, random: &mut impl Random) -> Fates {
        let mut fates = Fates::default();
        let mut survivors = Vec::with_capacity(count);
        for (_, write) in self.unsynced.drain(..count) {
            if model.lost.happens(random) {
                fates.lost += 1;
            } else if model.torn.happens(random) {
                fates.torn += 1;
                survivors.extend(S::torn(&write, random));
            } else {
                fates.kept += 1;
                survivors.push(write);
            }
        }
        for index in 1..survivors.len() {
            if model.reordered.happens(random) {
                survivors.swap(index - 1, index);
            }
        }
        for write in &survivors {
            self.durable.apply(write);
        }
        fates
    }

    /// The disk is replaced by an empty one.
    pub(crate) fn wipe(&mut self) {
        *self = Self::new();
    }
}

impl<S: Store> fmt::Debug for Disk<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("written", &self.written)
            .field("unsynced", &self.unsynced.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Disk, SyncResult};
    use crate::{Probability, StorageModel, Store};
    use purlin_core::random::{Random, SplitMix64};

    #[derive(Clone, Default, Debug, PartialEq)]
    struct Log(Vec<u32>);

    impl Store for Log {
        type Write = u32;
        fn apply(&mut self, write: &u32) {
            self.0.push(*write);
        }
        fn torn(write: &u32, _: &mut dyn Random) -> Option<u32> {
            Some(write + 1_000)
        }
    }

    fn disk(writes: core::ops::Range<u32>) -> Disk<Log> {
        let mut disk = Disk::new();
        writes.for_each(|write| disk.write(write, &LOSE_ALL));
        disk
    }

    const LOSE_ALL: StorageModel = StorageModel {
        lost: Probability::ALWAYS,
        ..StorageModel::perfect()
    };

    #[test]
    fn a_sync_covers_what_was_written_when_it_was_issued() {
        let mut disk = disk(0..3);
        let covered = disk.written();
        disk.write(3, &LOSE_ALL);
        disk.sync(
            covered,
            SyncResult::Done,
            &LOSE_ALL,
            &mut SplitMix64::new(0),
        );
        assert_eq!(disk.seen.0, [0, 1, 2, 3]);
        disk.crash(&LOSE_ALL, &mut SplitMix64::new(0));
        assert_eq!(disk.seen.0, [0, 1, 2]);
    }

    #[test]
    fn no_later_sync_covers_the_writes_of_a_failed_one() {
        let mut disk = disk(0..3);
        disk.sync(2, SyncResult::Failed, &LOSE_ALL, &mut SplitMix64::new(0));
        disk.sync(3, SyncResult::Done, &LOSE_ALL, &mut SplitMix64::new(0));
        let mut kept = disk;
        kept.crash(&LOSE_ALL, &mut SplitMix64::new(0));
        assert_eq!(kept.seen.0, [2]);
    }

    #[test]
    fn a_lie_makes_nothing_durable_but_a_later_sync_does() {
        let mut disk = disk(0..2);
        disk.sync(2, SyncResult::Lied, &LOSE_ALL, &mut SplitMix64::new(0));
        disk.sync(1, SyncResult::Done, &LOSE_ALL, &mut SplitMix64::new(0));
        disk.crash(&LOSE_ALL, &mut SplitMix64::new(0));
        assert_eq!(disk.seen.0, [0]);
    }

    #[test]
    fn a_crash_tears_and_reorders() {
        let mut torn = disk(0..3);
        let model = StorageModel {
            torn: Probability::ALWAYS,
            ..StorageModel::perfect()
        };
        torn.crash(&model, &mut SplitMix64::new(0));
        assert_eq!(torn.seen.0, [1_000, 1_001, 1_002]);

        let mut moved = disk(0..3);
        let model = StorageModel {
            reordered: Probability::ALWAYS,
            ..StorageModel::perfect()
        };
        moved.crash(&model, &mut SplitMix64::new(0));
        assert_eq!(moved.seen.0, [1, 2, 0]);

        let mut wiped = disk(0..3);
        wiped.wipe();
        assert_eq!(wiped.seen, Log::default());
    }

    /// Of 64 unsynced writes at 50 % loss, some survive and some do not, and survivors keep their
    /// order.
    #[test]
    fn a_crash_loses_some() {
        let mut disk = disk(0..64);
        let model = StorageModel {
            lost: Probability::percent(50),
            ..StorageModel::perfect()
        };
        disk.crash(&model, &mut SplitMix64::new(5));
        assert!((16..48).contains(&disk.seen.0.len()));
        assert!(disk.seen.0.is_sorted());
    }
}
