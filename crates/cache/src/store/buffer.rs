//! Changes that the store has not got yet.

use super::Change;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::hash::Hash;
use foldhash::fast::RandomState;
use purlin_core::time::Instant;
use std::collections::HashMap;

/// One change a key, the last one; in the order in which they are due.
#[derive(Debug)]
pub(super) struct Buffer<K, V> {
    changes: HashMap<K, Dirty<V>, RandomState>,
    /// Those that nobody is writing.
    due: BTreeMap<Turn, K>,
    last_turn: u64,
}

/// When, and which of those at the same time. Unique.
type Turn = (Instant, u64);

#[derive(Debug)]
struct Dirty<V> {
    change: Change<V>,
    turn: Turn,
    /// Failures of this change.
    failures: u32,
    writing: Writing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    No,
    /// The change that is here.
    This,
    /// A change before the one that is here.
    Earlier,
}

/// What has become of a change that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// Written, or given up.
    Done,
    /// To be tried again then.
    Failed(Instant),
    /// The store was not asked.
    Untried,
}

impl<K: Hash + Eq + Clone, V: Clone> Buffer<K, V> {
    pub(super) fn new() -> Self {
        Self {
            changes: HashMap::default(),
            due: BTreeMap::new(),
            last_turn: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.changes.contains_key(key)
    }

    pub(super) fn get(&self, key: &K) -> Option<&Change<V>> {
        self.changes.get(key).map(|dirty| &dirty.change)
    }

    pub(super) fn is_being_written(&self, key: &K) -> bool {
        let dirty = self.changes.get(key);
        dirty.is_some_and(|dirty| dirty.writing != Writing::No)
    }

    /// Takes a change up, in the place of an older one. It keeps that one's turn: a key that changes all the time is
    /// written, too. Returns the older one.
    pub(super) fn put(&mut self, key: K, change: Change<V>, due: Instant) -> Option<Change<V>> {
        if let Some(dirty) = self.changes.get_mut(&key) {
            dirty.failures = 0;
            match dirty.writing {
                Writing::No | Writing::Earlier => {}
                Writing::This => {
                    dirty.writing = Writing::Earlier;
                    self.last_turn += 1;
                    dirty.turn = (due, self.last_turn);
                }
            }
            return Some(core::mem::replace(&mut dirty.change, change));
        }
        self.last_turn += 1;
        let turn = (due, self.last_turn);
        self.due.insert(turn, key.clone());
        let dirty = Dirty {
            change,
            turn,
            failures: 0,
            writing: Writing::No,
        };
        self.changes.insert(key, dirty);
        None
    }

    /// When the next one is due that nobody is writing.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.keys().next().map(|&(at, _)| at)
    }

    /// The keys that are due, for [`take`](Self::take).
    pub(super) fn due(&self, now: Instant) -> Vec<K> {
        let due = self.due.range(..=(now, u64::MAX));
        due.map(|(_, key)| key.clone()).collect()
    }

    /// All keys, first due first; then those that are being written.
    pub(super) fn keys(&self) -> Vec<K> {
        let writing = self.changes.iter();
        let writing = writing.filter(|(_, dirty)| dirty.writing != Writing::No);
        let due = self.due.values();
        due.chain(writing.map(|(key, _)| key)).cloned().collect()
    }

    /// The change of a key, to be written by the caller, who says by [`settle`](Self::settle) what has become of it. None
    /// if there is none or another is writing the key.
    pub(super) fn take(&mut self, key: &K) -> Option<Change<V>> {
        let dirty = self.changes.get_mut(key)?;
        if dirty.writing != Writing::No {
            return None;
        }
        let change = dirty.change.clone();
        dirty.writing = Writing::This;
        self.due.remove(&dirty.turn);
        Some(change)
    }

    /// How often the change failed that was taken, with this time; none if there is a newer one.
    pub(super) fn failures(&self, key: &K) -> Option<u32> {
        let dirty = self.changes.get(key)?;
        (dirty.writing == Writing::This).then(|| dirty.failures.saturating_add(1))
    }

    /// What has become of a change that was taken. Returns it if it leaves.
    pub(super) fn settle(&mut self, key: &K, tried: Tried) -> Option<Change<V>> {
        let dirty = self.changes.get_mut(key)?;
        match (dirty.writing, tried) {
            (Writing::This, Tried::Done) => {
                return self.changes.remove(key).map(|dirty| dirty.change);
            }
            (Writing::This, Tried::Failed(again)) => {
                dirty.failures = dirty.failures.saturating_add(1);
                dirty.turn.0 = again;
            }
            // A newer change keeps its own time.
            _ => {}
        }
        dirty.writing = Writing::No;
        self.due.insert(dirty.turn, key.clone());
        None
    }

    /// All changes, first due first.
    pub(super) fn into_changes(mut self) -> Vec<(K, Change<V>)> {
        let mut changes = Vec::with_capacity(self.changes.len());
        for key in self.keys() {
            changes.extend(self.changes.remove_entry(&key));
        }
        changes
            .into_iter()
            .map(|(key, dirty)| (key, dirty.change))
            .collect()
    }
}
