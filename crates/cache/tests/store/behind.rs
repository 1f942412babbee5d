extern crate alloc;

use super::{Table, apply};
use alloc::sync::Arc;
use core::cell::RefCell;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use core::time::Duration;
use proptest::prelude::*;
use purlin_cache::store::{
    AtCapacity, Change, Store, WriteBehind, WriteBehindConfig, WriteBehindError,
};
use purlin_cache::sync::Cache;
use purlin_core::time::{Instant, ManualClock};
use std::collections::HashMap;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::thread;

#[derive(Clone, Copy, Debug)]
enum Op {
    Insert(u32, u32),
    Remove(u32),
    Get(u32),
    Evict(u32),
    Break(u32, bool),
    Pass(u64),
    FlushDue,
    Flush,
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0_u32..8;
    prop_oneof![
        6 => (key(), any::<u32>()).prop_map(|(k, v)| Op::Insert(k, v)),
        2 => key().prop_map(Op::Remove),
        6 => key().prop_map(Op::Get),
        2 => key().prop_map(Op::Evict),
        2 => (key(), any::<bool>()).prop_map(|(k, b)| Op::Break(k, b)),
        4 => (0_u64..1_500).prop_map(Op::Pass),
        3 => Just(Op::FlushDue),
        1 => Just(Op::Flush),
    ]
}

fn config(at_capacity: AtCapacity) -> WriteBehindConfig {
    WriteBehindConfig {
        max_batch: 3,
        capacity: 5,
        at_capacity,
        ..WriteBehindConfig::default()
    }
}

proptest! {
    /// A map is the oracle: what was accepted is read, from wherever, until another change is accepted; and the store
    /// has it in the end.
    #[test]
    fn nothing_that_was_accepted_is_lost(
        ops in prop::collection::vec(op(), 1..150),
        writes_now in any::<bool>(),
    ) {
        let clock = ManualClock::new();
        // A small cache, to lose entries; the buffer does not.
        let cache = Cache::builder(2).clock(clock.clone()).build();
        let at_capacity = if writes_now { AtCapacity::WriteNow } else { AtCapacity::Refuse };
        let behind = WriteBehind::new(cache, Table::default(), config(at_capacity));
        let mut model = HashMap::new();
        for op in ops {
            match op {
                Op::Insert(key, _) | Op::Remove(key) => {
                    let change = if let Op::Insert(_, value) = op { Change::Put(value) } else { Change::Remove };
                    match behind.change_at(behind.cache().now(), key, change) {
                        Ok(()) => apply(&mut model, key, change),
                        Err(WriteBehindError::Full(back)) => {
                            prop_assert!(!writes_now && back == change && behind.buffered() == 5);
                        }
                        Err(_) => {
                            prop_assert!(writes_now && behind.buffered() == 5);
                            prop_assert!(!behind.cache().contains_key(&key));
                            // It may have had its effect.
                            let row = behind.store().row(key);
                            apply(&mut model, key, row.map_or(Change::Remove, Change::Put));
                        }
                    }
                }
                Op::Get(key) => {
                    if let Ok(value) = behind.get(&key) {
                        prop_assert_eq!(value, model.get(&key).copied());
                    }
                }
                Op::Evict(key) => drop(behind.cache().invalidate(&key)),
                Op::Break(key, broken) => behind.store().set_broken(key, broken),
                Op::Pass(millis) => clock.advance(Duration::from_millis(millis)),
                Op::FlushDue => {
                    let now = behind.cache().now();
                    behind.flush_due(now);
                    // Nothing is late.
                    prop_assert!(behind.poll_timeout().is_none_or(|due| due > now));
                }
                Op::Flush => drop(behind.flush()),
            }
            prop_assert!(behind.buffered() <= 5);
            for (key, value) in behind.cache().iter() {
                prop_assert_eq!(model.get(&key), Some(&value));
            }
        }
        for key in 0..8 {
            behind.store().set_broken(key, false);
        }
        behind.flush();
        prop_assert_eq!((behind.buffered(), behind.poll_timeout()), (0, None));
        prop_assert_eq!(&*behind.store().rows.lock().unwrap(), &model);
    }
}

#[test]
fn due_once_a_delay_however_often_it_changes() {
    let clock = ManualClock::new();
    let cache = Cache::builder(10).clock(clock.clone()).build();
    let behind = WriteBehind::new(cache, Table::default(), WriteBehindConfig::default());
    for millis in 0..10_000 {
        behind.insert(7, millis).unwrap();
        clock.advance(Duration::from_millis(1));
        behind.flush_due(behind.cache().now());
    }
    assert_eq!(behind.store().writes.load(SeqCst), 10);
}

#[test]
fn a_failure_is_retried_later_and_later_then_handed_over() {
    let given_up = Arc::new(Mutex::new(Vec::new()));
    let clock = ManualClock::new();
    let cache = Cache::builder(10).clock(clock.clone()).build();
    let seen = Arc::clone(&given_up);
    let behind = WriteBehind::new(cache, Table::default(), WriteBehindConfig::default())
        .give_up_after(
            3,
            move |given: purlin_cache::store::GivenUp<u32, u32, _>| {
                seen.lock()
                    .unwrap()
                    .push((given.key, given.change, given.tries));
            },
        );
    behind.store().set_broken(2, true);
    behind.insert(2, 20).unwrap();
    behind.insert(4, 40).unwrap();
    let mut tries = Vec::new();
    while let Some(due) = behind.poll_timeout() {
        clock.set(due);
        behind.flush_due(due);
        tries.push(due.as_millis());
        assert_eq!(behind.store().row(4), Some(40), "others go on");
    }
    // After 1 s; then 100 ms, twice and four times as long.
    assert_eq!(tries, [1_000, 1_100, 1_300, 1_700]);
    assert_eq!(*given_up.lock().unwrap(), [(2, Change::Put(20), 4)]);
    assert!(!behind.cache().contains_key(&2), "the store has not got it");
}

#[test]
fn close_returns_what_could_not_be_written() {
    let behind = WriteBehind::new(
        Cache::new(10),
        Table::default(),
        WriteBehindConfig::default(),
    );
    behind.store().set_broken(2, true);
    behind.insert(1, 10).unwrap();
    behind.insert(2, 20).unwrap();
    behind.remove(2).unwrap();
    assert_eq!(behind.close(), [(2, Change::Remove)]);
}

#[test]
fn writers_and_flushers_at_once() {
    let table = Table {
        is_slow: true,
        ..Table::default()
    };
    let config = WriteBehindConfig {
        max_delay: Duration::ZERO,
        max_batch: 4,
        retry_delay: Duration::ZERO,
        ..WriteBehindConfig::default()
    };
    let behind = WriteBehind::new(Cache::new(8), table, config);
    let done = AtomicBool::new(false);
    let last = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    behind.flush_due(behind.cache().now());
                    behind.flush();
                }
            });
        }
        let writers: Vec<_> = (0..2_u32)
            .map(|writer| {
                let behind = &behind;
                scope.spawn(move || {
                    // Each has its keys, so that what it wrote last is what has to be there.
                    let mut last = HashMap::new();
                    for turn in 0..2_000_u32 {
                        let key = 2 * (turn * 31 % 11) + writer;
                        if turn % 97 == 0 {
                            behind.store().set_broken(key, turn % 2 == 0);
                        }
                        let change = if turn % 5 == 0 {
                            Change::Remove
                        } else {
                            Change::Put(turn)
                        };
                        behind.change_at(behind.cache().now(), key, change).unwrap();
                        apply(&mut last, key, change);
                        if turn % 3 == 0
                            && let Ok(value) = behind.get(&key)
                        {
                            assert_eq!(value, last.get(&key).copied());
                        }
                    }
                    last
                })
            })
            .collect();
        let last: HashMap<_, _> = writers
            .into_iter()
            .flat_map(|w| w.join().unwrap())
            .collect();
        done.store(true, SeqCst);
        last
    });
    for key in 0..22 {
        behind.store().set_broken(key, false);
    }
    behind.flush();
    assert_eq!(behind.buffered(), 0);
    assert_eq!(*behind.store().rows.lock().unwrap(), last);
    assert_eq!(behind.store().load(&1).unwrap(), last.get(&1).copied());
}

thread_local! {
    static AT_DROP: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// Tells when its first version is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told(u32);

impl Drop for Told {
    fn drop(&mut self) {
        if self.0 == 0
            && let Ok(Some(run)) = AT_DROP.try_with(|hook| hook.borrow_mut().take())
        {
            run();
        }
    }
}

struct Down;

impl Store<u32, Told> for Down {
    type Error = &'static str;

    fn load(&self, _: &u32) -> Result<Option<Told>, Self::Error> {
        Ok(None)
    }

    fn store(&self, _: &u32, _: &Told) -> Result<(), Self::Error> {
        Err("down")
    }

    fn remove(&self, _: &u32) -> Result<(), Self::Error> {
        Err("down")
    }
}

/// A change can be written, or given up, before its writer has put it into the cache.
#[test]
fn what_was_given_up_is_not_in_the_cache_however_soon() {
    let behind = WriteBehind::new(Cache::new(0), Down, WriteBehindConfig::default());
    // Nothing is kept below, so that the hook runs where the change before leaves the buffer.
    behind.cache().set_max_capacity(0);
    let behind = Arc::new(behind.give_up_after(0, |_| {}));
    behind.insert(7, Told(0)).unwrap();
    behind.cache().set_max_capacity(10);
    let other = Arc::clone(&behind);
    AT_DROP.set(Some(Box::new(move || {
        assert_eq!(other.flush().given_up, 1);
    })));
    behind.insert(7, Told(1)).unwrap();
    assert_eq!(behind.buffered(), 0, "it was given up");
    assert!(!behind.cache().contains_key(&7));
    assert_eq!(behind.get(&7).unwrap(), None);
}

/// A store that fails after a long time, each time.
struct TimesOut(ManualClock);

impl Store<u32, u32> for TimesOut {
    type Error = &'static str;

    fn load(&self, _: &u32) -> Result<Option<u32>, Self::Error> {
        Ok(None)
    }

    fn store(&self, _: &u32, _: &u32) -> Result<(), Self::Error> {
        self.0.advance(Duration::from_secs(10));
        Err("no answer")
    }

    fn remove(&self, _: &u32) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[test]
fn the_delay_before_a_retry_begins_with_the_failure() {
    let clock = ManualClock::new();
    let cache = Cache::builder(10).clock(clock.clone()).build();
    let behind = WriteBehind::new(cache, TimesOut(clock.clone()), WriteBehindConfig::default());
    behind.insert(7, 1).unwrap();
    assert_eq!(behind.flush().failed, 1);
    let delay = WriteBehindConfig::default().retry_delay;
    assert_eq!(behind.poll_timeout(), Some(behind.cache().now() + delay));
}

/// As long as others flush, too, what `flush` found in the buffer has been tried when it returns.
#[test]
fn a_flush_waits_for_what_others_are_writing() {
    let table = Table {
        is_slow: true,
        ..Table::default()
    };
    let behind = WriteBehind::new(Cache::new(8), table, WriteBehindConfig::default());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    behind.flush_due(Instant::MAX);
                }
            });
        }
        for turn in 1..1_000 {
            // While others write this one, the next one comes.
            behind.insert(7, 0).unwrap();
            thread::sleep(Duration::from_micros(10));
            behind.insert(7, turn).unwrap();
            behind.flush();
            let row = behind.store().row(7);
            if row != Some(turn) {
                done.store(true, SeqCst);
            }
            assert_eq!(row, Some(turn));
        }
        done.store(true, SeqCst);
    });
}

type Hook = Box<dyn FnOnce() + Send>;

/// Fails, and does something before that, once.
#[derive(Default)]
struct Meanwhile(Mutex<Option<Hook>>);

impl Store<u32, u32> for Meanwhile {
    type Error = &'static str;

    fn load(&self, _: &u32) -> Result<Option<u32>, Self::Error> {
        Ok(Some(0))
    }

    fn store(&self, _: &u32, _: &u32) -> Result<(), Self::Error> {
        let hook = self.0.lock().expect("no panic").take();
        if let Some(run) = hook {
            // By another thread, as a store may not do it.
            thread::scope(|scope| scope.spawn(run).join()).expect("a bug");
        }
        Err("down")
    }

    fn remove(&self, _: &u32) -> Result<(), Self::Error> {
        Err("down")
    }
}

#[test]
fn a_change_during_the_write_of_another_begins_anew() {
    let clock = ManualClock::new();
    let cache = Cache::builder(10).clock(clock.clone()).build();
    let behind = WriteBehind::new(cache, Meanwhile::default(), WriteBehindConfig::default());
    let behind = Arc::new(behind.give_up_after(0, |_| {}));
    behind.insert(7, 1).unwrap();
    let (same, time) = (Arc::clone(&behind), clock.clone());
    *behind.store().0.lock().unwrap() = Some(Box::new(move || {
        time.advance(Duration::from_secs(5));
        same.insert(7, 2).unwrap();
    }));
    // The one before would have been given up.
    let flushed = behind.flush();
    assert_eq!((flushed.failed, flushed.given_up), (1, 0));
    let due = behind.cache().now() + WriteBehindConfig::default().max_delay;
    assert_eq!(behind.poll_timeout(), Some(due));
    assert_eq!(behind.get(&7).unwrap(), Some(2));
    assert_eq!(behind.flush().given_up, 1);
}

#[test]
fn a_newer_change_has_all_its_tries() {
    let behind = WriteBehind::new(
        Cache::new(10),
        Meanwhile::default(),
        WriteBehindConfig::default(),
    );
    let behind = behind.give_up_after(1, |_| {});
    behind.insert(7, 1).unwrap();
    assert_eq!(behind.flush().failed, 1);
    behind.insert(7, 2).unwrap();
    assert_eq!(behind.flush().failed, 1);
    assert_eq!(behind.flush().given_up, 1);
}

#[test]
fn a_store_that_panics_loses_nothing() {
    let behind = WriteBehind::new(
        Cache::new(10),
        Meanwhile::default(),
        WriteBehindConfig::default(),
    );
    behind.insert(7, 1).unwrap();
    behind.insert(8, 2).unwrap();
    *behind.store().0.lock().unwrap() = Some(Box::new(|| panic!("a bug")));
    assert!(catch_unwind(AssertUnwindSafe(|| behind.flush())).is_err());
    assert_eq!(behind.buffered(), 2);
    assert_eq!(behind.flush().failed, 2, "nobody else is writing them");
    assert_eq!(behind.close(), [(7, Change::Put(1)), (8, Change::Put(2))]);
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let config = WriteBehindConfig {
        capacity: 1,
        ..WriteBehindConfig::default()
    };
    let behind = WriteBehind::new(Cache::new(10), Meanwhile::default(), config);
    assert_eq!(behind.get(&7).unwrap(), Some(0));
    behind.insert(8, 1).unwrap();
    let refused = behind.insert(7, 2);
    assert!(matches!(
        refused,
        Err(WriteBehindError::Full(Change::Put(2)))
    ));
    assert_eq!(behind.cache().peek(&7), Some(0));
}
