use super::{Broken, Table};
use core::cell::Cell;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::Ordering::SeqCst;
use proptest::prelude::*;
use purlin_cache::LoadError;
use purlin_cache::store::{ReadThrough, Store, WriteAround, WriteThrough};
use purlin_cache::sync::Cache;
use std::panic::catch_unwind;
use std::sync::Barrier;
use std::thread;

#[derive(Clone, Copy, Debug)]
enum Op {
    Insert(u32, u32),
    Remove(u32),
    Get(u32),
    GetMany(u32, u32),
    Evict(u32),
    Break(u32, bool),
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0_u32..6;
    prop_oneof![
        4 => (key(), any::<u32>()).prop_map(|(k, v)| Op::Insert(k, v)),
        2 => key().prop_map(Op::Remove),
        5 => key().prop_map(Op::Get),
        2 => (key(), key()).prop_map(|(a, b)| Op::GetMany(a, b)),
        2 => key().prop_map(Op::Evict),
        2 => (key(), any::<bool>()).prop_map(|(k, b)| Op::Break(k, b)),
    ]
}

/// Runs operations against one of the wrappers. The store itself is the model: what is found in the cache is what the store has.
fn agrees(
    ops: &[Op],
    reads: &ReadThrough<u32, u32, Table>,
    insert: &dyn Fn(u32, u32) -> Result<(), Broken>,
    remove: &dyn Fn(u32) -> Result<(), Broken>,
) -> Result<(), TestCaseError> {
    let table = reads.store();
    let mut broken = [false; 6];
    for op in ops {
        match *op {
            Op::Insert(key, value) => {
                let done = insert(key, value);
                prop_assert_eq!(done.is_err(), broken[key as usize]);
                prop_assert!(done.is_err() || table.row(key) == Some(value));
                prop_assert!(done.is_ok() || !reads.cache().contains_key(&key));
            }
            Op::Remove(key) => {
                let done = remove(key);
                prop_assert_eq!(done.is_err(), broken[key as usize]);
                prop_assert!(!reads.cache().contains_key(&key));
            }
            Op::Get(key) => match reads.get(&key) {
                Ok(value) => prop_assert_eq!(value, table.row(key)),
                Err(LoadError::Failed(_)) => prop_assert!(broken[key as usize]),
                Err(other) => prop_assert!(false, "{other:?}"),
            },
            Op::GetMany(a, b) => {
                if let Ok(values) = reads.get_many([a, b, a]) {
                    let rows = [a, b, a].map(|key| table.row(key));
                    prop_assert_eq!(values, rows);
                } else {
                    prop_assert!(broken[a as usize] || broken[b as usize]);
                }
            }
            Op::Evict(key) => {
                reads.invalidate(&key);
            }
            Op::Break(key, is) => {
                broken[key as usize] = is;
                table.set_broken(key, is);
            }
        }
        for (key, value) in reads.cache().iter() {
            prop_assert_eq!(table.row(key), Some(value));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_cache_has_what_the_store_has(ops in prop::collection::vec(op(), 1..100)) {
        let through = WriteThrough::new(Cache::new(4), Table::default());
        agrees(&ops, &through, &|k, v| through.insert(k, v), &|k| through.remove(k))?;
        let around = WriteAround::new(Cache::new(4), Table::default());
        agrees(&ops, &around, &|k, v| around.insert(&k, &v), &|k| around.remove(&k))?;
    }
}

#[test]
fn when_it_is_quiet_the_cache_equals_the_store() {
    let through = WriteThrough::new(
        Cache::new(64),
        Table {
            is_slow: true,
            ..Table::default()
        },
    );
    through.store().set_broken(3, true); // odd: what fails has had its effect
    thread::scope(|scope| {
        for writer in 0..4_u32 {
            let through = &through;
            scope.spawn(move || {
                for turn in 0..200_u32 {
                    let key = (turn * 7 + writer) % 5;
                    match turn % 8 {
                        0 => drop(through.remove(key)),
                        1 | 2 => drop(through.get(&key)),
                        3 => drop(through.invalidate(&key)),
                        4 => drop(through.get_many([key, (key + 1) % 5])),
                        _ => drop(through.insert(key, writer * 1_000 + turn)),
                    }
                }
            });
        }
    });
    assert!(
        !through.store().overlapped.load(SeqCst),
        "two calls of one key at a time"
    );
    assert!(!through.cache().contains_key(&3));
    let entries: Vec<_> = through.cache().iter().collect();
    assert!(!entries.is_empty());
    for (key, value) in entries {
        assert_eq!(through.store().row(key), Some(value));
    }
}

/// Holds up a load until it is told to go on.
struct Paused {
    table: Table,
    reached: Barrier,
    goes_on: Barrier,
}

impl Store<u32, u32> for Paused {
    type Error = Broken;

    fn load(&self, key: &u32) -> Result<Option<u32>, Broken> {
        let row = self.table.load(key);
        self.reached.wait();
        self.goes_on.wait();
        row
    }

    fn store(&self, key: &u32, value: &u32) -> Result<(), Broken> {
        self.table.store(key, value)
    }

    fn remove(&self, key: &u32) -> Result<(), Broken> {
        self.table.remove(key)
    }
}

#[test]
fn a_load_that_is_out_of_date_does_not_enter() {
    let reads = ReadThrough::new(
        Cache::new(10),
        Paused {
            table: Table::default(),
            reached: Barrier::new(2),
            goes_on: Barrier::new(2),
        },
    );
    reads.store().store(&7, &1).unwrap();
    thread::scope(|scope| {
        let reader = scope.spawn(|| reads.get(&7));
        reads.store().reached.wait();
        reads.store().store(&7, &2).unwrap(); // by somebody else, who says so:
        reads.invalidate(&7);
        reads.store().goes_on.wait();
        assert_eq!(reader.join().unwrap().unwrap(), Some(1));
    });
    assert!(!reads.cache().contains_key(&7));
}

#[test]
fn a_store_that_panics_leaves_the_key_out_of_the_cache() {
    struct Panics;
    impl Store<u32, u32> for Panics {
        type Error = Broken;

        fn load(&self, _: &u32) -> Result<Option<u32>, Broken> {
            Ok(Some(1))
        }

        fn store(&self, _: &u32, _: &u32) -> Result<(), Broken> {
            panic!("a bug")
        }

        fn remove(&self, _: &u32) -> Result<(), Broken> {
            panic!("a bug")
        }
    }
    let through = WriteThrough::new(Cache::new(10), Panics);
    assert_eq!(through.get(&7).unwrap(), Some(1));
    assert!(catch_unwind(AssertUnwindSafe(|| through.insert(7, 2))).is_err());
    assert!(!through.cache().contains_key(&7));
    // And its lock is free.
    assert_eq!(through.get(&7).unwrap(), Some(1));
}

#[test]
fn a_miss_is_counted_once() {
    let reads = ReadThrough::new(Cache::builder(10).record_stats().build(), Table::default());
    reads.store().store(&7, &1).unwrap();
    for _ in 0..3 {
        assert_eq!(reads.get(&7).unwrap(), Some(1));
    }
    let stats = reads.cache().stats();
    assert_eq!((stats.hits, stats.misses), (2, 1));
}

thread_local! {
    static CLONES_LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Fragile(u32);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        let left = CLONES_LEFT.get();
        assert!(left > 0, "a bug");
        CLONES_LEFT.set(left - 1);
        Self(self.0)
    }
}

struct Ones;

impl Store<Fragile, u32> for Ones {
    type Error = Broken;

    fn load(&self, _: &Fragile) -> Result<Option<u32>, Broken> {
        Ok(Some(1))
    }

    fn store(&self, _: &Fragile, _: &u32) -> Result<(), Broken> {
        Ok(())
    }

    fn remove(&self, _: &Fragile) -> Result<(), Broken> {
        Ok(())
    }
}

#[test]
fn a_key_that_panics_when_it_is_cloned_stays_locked_nowhere() {
    for clones in 0..20 {
        let reads = ReadThrough::new(Cache::new(10), Ones);
        CLONES_LEFT.set(clones);
        let many = catch_unwind(AssertUnwindSafe(|| {
            reads.get_many([Fragile(1), Fragile(2), Fragile(3)])
        }));
        CLONES_LEFT.set(usize::MAX);
        assert!(clones > 0 || many.is_err());
        for key in [1, 2, 3] {
            // From the same thread it would panic, and not wait for ever.
            assert_eq!(reads.get(&Fragile(key)).unwrap(), Some(1), "{clones}");
        }
    }
}
