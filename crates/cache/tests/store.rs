//! Caches in front of stores: models, failing stores, threads.

#![cfg(not(purlin_loom))]

#[path = "store/behind.rs"]
mod behind;
#[path = "store/through.rs"]
mod through;

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use core::time::Duration;
use purlin_cache::store::{Change, Store};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::thread;

/// A table that can fail, and that notices calls of one key at the same time.
#[derive(Default)]
struct Table {
    rows: Mutex<HashMap<u32, u32>>,
    busy: Mutex<HashSet<u32>>,
    /// All calls with these keys fail, after they have had their effect if the key is odd.
    broken: Mutex<HashSet<u32>>,
    overlapped: AtomicBool,
    /// To give others a chance to overlap.
    is_slow: bool,
    writes: AtomicUsize,
    loads: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken;

impl Table {
    fn row(&self, key: u32) -> Option<u32> {
        self.rows.lock().expect("no panic").get(&key).copied()
    }

    fn set_broken(&self, key: u32, broken: bool) {
        let mut keys = self.broken.lock().expect("no panic");
        if broken {
            keys.insert(key);
        } else {
            keys.remove(&key);
        }
    }

    fn call<R>(
        &self,
        key: u32,
        act: impl FnOnce(&mut HashMap<u32, u32>) -> R,
    ) -> Result<R, Broken> {
        if !self.busy.lock().expect("no panic").insert(key) {
            self.overlapped.store(true, SeqCst);
        }
        let is_broken = self.broken.lock().expect("no panic").contains(&key);
        if self.is_slow {
            thread::sleep(Duration::from_micros(30));
        }
        let done =
            (!is_broken || key % 2 == 1).then(|| act(&mut self.rows.lock().expect("no panic")));
        self.busy.lock().expect("no panic").remove(&key);
        done.filter(|_| !is_broken).ok_or(Broken)
    }
}

impl Store<u32, u32> for Table {
    type Error = Broken;

    fn load(&self, key: &u32) -> Result<Option<u32>, Broken> {
        self.loads.fetch_add(1, SeqCst);
        self.call(*key, |rows| rows.get(key).copied())
    }

    fn store(&self, key: &u32, value: &u32) -> Result<(), Broken> {
        self.writes.fetch_add(1, SeqCst);
        self.call(*key, |rows| rows.insert(*key, *value)).map(drop)
    }

    fn remove(&self, key: &u32) -> Result<(), Broken> {
        self.writes.fetch_add(1, SeqCst);
        self.call(*key, |rows| rows.remove(key)).map(drop)
    }
}

/// The model of what a sequence of changes leaves.
fn apply(model: &mut HashMap<u32, u32>, key: u32, change: Change<u32>) {
    match change {
        Change::Put(value) => model.insert(key, value),
        Change::Remove => model.remove(&key),
    };
}
