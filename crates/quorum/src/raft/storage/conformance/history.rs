//! Random histories of a store with the model beside it.

use super::model::{Model, State};
use super::step::{Draw, Step, Wrong};
use super::{Crash, CrashableStorage};
use crate::raft::durable::Write;
use crate::raft::membership::Configuration;
use crate::raft::snapshot::{SnapshotChunk, SnapshotMeta};
use crate::raft::storage::{Identity, Storage, StorageError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use core::fmt::Debug;
use purlin_core::node::NodeId;

/// How much is done in one history.
const STEPS: usize = 60;
/// How many operations of the medium a failure is staged after, at most, in one history.
const FAILURES: u64 = 400;

/// A store, its model, and what was done.
struct Trial<S> {
    /// `None` only while it crashes.
    store: Option<S>,
    model: Model,
    done: Vec<String>,
    seed: u64,
}

/// What a step came to.
enum Outcome {
    Went,
    /// The medium failed.
    Failed,
}

impl<S: CrashableStorage> Trial<S> {
    fn new(store: S, seed: u64) -> Self {
        Self {
            store: Some(store),
            model: Model::new(),
            done: Vec::new(),
            seed,
        }
    }

    #[track_caller]
    fn store(&mut self) -> &mut S {
        self.store.as_mut().expect("a store that opened")
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let done = self.done.join("\n  ");
        panic!("seed {}: {what}\nafter\n  {done}", self.seed)
    }

    #[track_caller]
    fn expect<T, E: Debug>(&self, result: Result<T, E>, what: &str) -> T {
        result.unwrap_or_else(|error| self.fail(&format!("{what}: {error:?}")))
    }

    /// Does one step and compares. After [`Outcome::Failed`] the model holds every state that the
    /// step may have led to.
    #[track_caller]
    fn step(&mut self, step: &Step) -> Outcome {
        self.done.push(format!("{step:?}"));
        let result = match step {
            Step::Create(identity, founders) => {
                self.model.create(*identity, founders);
                match founders.is_empty() {
                    true => self.store().join(*identity),
                    false => self.store().bootstrap(*identity, founders.clone()),
                }
            }
            Step::Write(write) => {
                self.model.write(write);
                self.store().write(write)
            }
            Step::Sync => self.store().sync(),
            Step::Compact(meta, data, part) => {
                self.model.compact(meta, data);
                let mut parts = data.chunks(*part).map(Bytes::copy_from_slice);
                self.store().compact(meta, &mut parts)
            }
            Step::Chunk(chunk) => self.chunk(chunk),
            Step::Read(offset, max_bytes) => self.read(*offset, *max_bytes),
            Step::Look => self.look(),
            Step::Crash(crash) => {
                self.crash(*crash);
                Ok(())
            }
            Step::Wrong(wrong) => self.wrong(wrong),
        };
        match result {
            Ok(())
                if matches!(
                    step,
                    Step::Write(_) | Step::Read(..) | Step::Look | Step::Wrong(_)
                ) => {}
            Ok(()) if matches!(step, Step::Chunk(chunk) if !chunk.done) => {}
            Ok(()) => self.model.sync(),
            Err(StorageError::Medium(_)) => return Outcome::Failed,
            Err(error) => self.fail(&format!("refused: {error:?}")),
        }
        Outcome::Went
    }

    /// Stores a part; the one that ends a snapshot installs all the data since the one that began it.
    fn chunk(&mut self, chunk: &SnapshotChunk) -> Result<(), StorageError<S::Error>> {
        if chunk.done {
            let data = self.transferred(chunk);
            self.model.install(&chunk.meta, &data);
        }
        let stored = self.store().store_chunk(chunk)?;
        if stored != chunk.offset + chunk.data.len() as u64 {
            self.fail(&format!("{stored} bytes are said to be stored"));
        }
        self.model.remember(chunk);
        Ok(())
    }

    fn transferred(&self, last: &SnapshotChunk) -> Vec<u8> {
        let before = self.model.transferred(&last.meta, last.offset);
        [before, &last.data].concat()
    }

    fn read(&mut self, offset: u64, max_bytes: u32) -> Result<(), StorageError<S::Error>> {
        let Some(state) = self.model.now().cloned() else {
            return Ok(());
        };
        let chunk = self
            .store()
            .read_chunk(&state.snapshot, offset, max_bytes)?;
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| state.data.get(offset..))
            .unwrap_or_default();
        let len = rest
            .len()
            .min(usize::try_from(max_bytes).unwrap_or(usize::MAX));
        let expected = (len > 0 || (offset == 0 && state.data.is_empty())).then(|| SnapshotChunk {
            meta: state.snapshot.clone(),
            offset,
            data: Bytes::copy_from_slice(&rest[..len]),
            done: len == rest.len(),
        });
        if chunk != expected {
            self.fail(&format!("read {chunk:?}, not {expected:?}"));
        }
        let other = SnapshotMeta {
            id: state.snapshot.id.wrapping_add(1),
            ..state.snapshot
        };
        if self
            .store()
            .read_chunk(&other, offset, max_bytes)?
            .is_some()
        {
            self.fail("read of a snapshot that the store does not have");
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), StorageError<S::Error>> {
        let found = found(self.store())?;
        if found.as_ref() != self.model.now() {
            self.fail(&format!("found {found:#?}\nnot {:#?}", self.model.now()));
        }
        Ok(())
    }

    /// Crashes, opens, and compares with every state that may be left.
    #[track_caller]
    fn crash(&mut self, crash: Crash) {
        let Some(store) = self.store.take() else {
            return;
        };
        let mut store = self.expect(store.reopen(crash), "did not open after a crash");
        let found = self.expect(found(&mut store), "could not be read after a crash");
        self.store = Some(store);
        let legal = format!("{:#?}", self.model.legal());
        if !self.model.crashed(found) {
            self.fail(&format!(
                "found {:#?}\nafter a crash; legal is any of {legal}",
                self.model.now()
            ));
        }
    }

    fn wrong(&mut self, wrong: &Wrong) -> Result<(), StorageError<S::Error>> {
        let result = match wrong {
            Wrong::Create(identity) => {
                let result = self.store().create(*identity, <_>::default());
                let owner = self.model.now().map(|state| state.identity);
                if !matches!(result, Err(StorageError::NotEmpty(found)) if Some(found) == owner) {
                    self.fail(&format!("bootstrapped again: {result:?}"));
                }
                return self.look();
            }
            Wrong::Write(write) => self.store().write(write),
            Wrong::Compact(meta) => self.store().compact(meta, &mut [Bytes::new()].into_iter()),
            Wrong::Chunk(chunk) => self.store().store_chunk(chunk).map(|_| ()),
        };
        match result {
            Err(StorageError::Refused(_)) => self.look(),
            Err(StorageError::Medium(error)) => Err(StorageError::Medium(error)),
            result => self.fail(&format!("not refused: {result:?}")),
        }
    }

    /// Nobody founds a group without members, or one that is not theirs; and node 0 is nobody.
    #[track_caller]
    fn refuses_strangers(&mut self, identity: Identity) {
        let nobody = Identity {
            node: NodeId(0),
            ..identity
        };
        let stranger = NodeId(identity.node.0 + 1);
        let attempts = [
            self.store().bootstrap(identity, Configuration::default()),
            self.store()
                .bootstrap(identity, Configuration::new([stranger])),
            self.store()
                .bootstrap(nobody, Configuration::new([stranger])),
            self.store().join(nobody),
        ];
        for (place, result) in attempts.into_iter().enumerate() {
            if !matches!(result, Err(StorageError::Refused(_))) {
                self.fail(&format!("foundation {place} is not refused: {result:?}"));
            }
        }
        if let Some(found) = self.store().identity() {
            self.fail(&format!(
                "a refused foundation made the store that of {found}"
            ));
        }
    }

    /// Goes on until something fails or there were enough steps; whether something failed.
    #[track_caller]
    fn run(&mut self, draw: &mut Draw, steps: usize) -> bool {
        for _ in 0..steps {
            let step = match self.model.now() {
                Some(state) => draw.step(state),
                None => draw.create(),
            };
            if let Outcome::Failed = self.step(&step) {
                return true;
            }
        }
        false
    }
}

/// What a store holds.
fn found<S: Storage>(store: &mut S) -> Result<Option<State>, StorageError<S::Error>> {
    let Some(identity) = store.identity() else {
        return Ok(None);
    };
    let recovered = store.recover()?;
    assert_eq!(
        recovered.applied, recovered.snapshot.position.index,
        "applied is the snapshot's index"
    );
    let data = store.snapshot(&recovered.snapshot)?;
    let data = data
        .expect("a snapshot that is recovered can be read")
        .to_vec();
    let log = (recovered.snapshot.position.index.0 + 1..)
        .zip(recovered.entries)
        .collect();
    let snapshot = recovered.snapshot;
    Ok(Some(State {
        identity,
        hard_state: recovered.hard_state,
        snapshot,
        data,
        log,
    }))
}

/// An empty store refuses everything; it takes one identity and keeps it.
///
/// # Panics
///
/// Where that does not hold.
#[track_caller]
pub fn founds_once<S: CrashableStorage>(mut make: impl FnMut() -> S, seed: u64) {
    let mut draw = Draw::new(seed);
    let mut trial = Trial::new(make(), seed);
    let nothing = Write {
        ticket: <_>::default(),
        hard_state: Some(<_>::default()),
        entries: <_>::default(),
    };
    let meta = SnapshotMeta::default();
    let chunk = SnapshotChunk {
        meta: meta.clone(),
        offset: 0,
        data: Bytes::new(),
        done: true,
    };
    let store = trial.store();
    let refusals = [
        store.write(&nothing).err(),
        store.sync().err(),
        store.compact(&meta, &mut core::iter::empty()).err(),
        store.store_chunk(&chunk).err(),
        store.read_chunk(&meta, 0, 1).err(),
        store.recover().err(),
    ];
    for (place, refusal) in refusals.into_iter().enumerate() {
        if !matches!(refusal, Some(StorageError::Empty)) {
            trial.fail(&format!("operation {place} of an empty store: {refusal:?}"));
        }
    }
    let crash = draw.crash();
    trial.crash(crash);
    let Step::Create(identity, founders) = draw.create() else {
        return;
    };
    trial.refuses_strangers(identity);
    trial.step(&Step::Create(identity, founders));
    for _ in 0..3 {
        trial.step(&Step::Wrong(Wrong::Create(identity)));
        let crash = draw.crash();
        trial.step(&Step::Crash(crash));
    }
    let result = trial.store().join(identity);
    if !matches!(result, Err(StorageError::NotEmpty(_))) {
        trial.fail(&format!("joined again: {result:?}"));
    }
}

/// Any history of operations and crashes between them agrees with the model.
///
/// # Panics
///
/// Where that does not hold.
#[track_caller]
pub fn any_history<S: CrashableStorage>(mut make: impl FnMut() -> S, seed: u64) {
    let mut draw = Draw::new(seed);
    let mut trial = Trial::new(make(), seed);
    if trial.run(&mut draw, STEPS) {
        trial.fail("the medium failed by itself");
    }
    let crash = draw.crash();
    trial.step(&Step::Crash(crash));
}

/// The medium fails at each of its operations in turn, over the same history; from then on the store
/// refuses everything, and after the crash it goes on from a legal state. Does nothing if
/// [`CrashableStorage::fail_after`] cannot.
///
/// # Panics
///
/// Where that does not hold.
#[track_caller]
pub fn any_failure<S: CrashableStorage>(mut make: impl FnMut() -> S, seed: u64) {
    for operations in 0..FAILURES {
        let mut draw = Draw::new(seed);
        let mut trial = Trial::new(make(), seed);
        trial
            .done
            .push(format!("the medium fails after {operations} operations"));
        if !trial.store().fail_after(operations) {
            return;
        }
        if !trial.run(&mut draw, STEPS / 2) {
            return; // So many operations were not needed.
        }
        let nothing = Write {
            ticket: <_>::default(),
            hard_state: None,
            entries: <_>::default(),
        };
        let store = trial.store();
        let refusals = [
            store.sync().err(),
            store.write(&nothing).err(),
            store.recover().err(),
        ];
        for refusal in refusals {
            if !matches!(refusal, Some(StorageError::Failed)) {
                trial.fail(&format!("after a failure: {refusal:?}"));
            }
        }
        let crash = draw.crash();
        trial.crash(crash);
        trial.run(&mut draw, 5);
    }
}
