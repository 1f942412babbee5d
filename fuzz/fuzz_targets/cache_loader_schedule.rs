//! Tasks that load a few keys, polled in any order and dropped at any time, with loads that fail, panic and
//! load other keys; and changes of the keys meanwhile. Each waiter gets what it may get, nothing is loaded twice at
//! once, nobody is forgotten.
#![no_main]

#[path = "cache_loader_schedule/history.rs"]
mod history;
#[path = "cache_loader_schedule/load.rs"]
mod load;

use arbitrary::Arbitrary;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering::SeqCst};
use core::task::{Context, Poll, Waker};
use history::{History, KEYS};
use libfuzzer_sys::fuzz_target;
use load::{Gates, Load, Panicked};
use purlin_cache::LoadError;
use purlin_cache::policy::Lru;
use purlin_cache::sync::Cache;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::Wake;

type LoadingCache = Cache<u8, u64, Lru>;

#[derive(Arbitrary, Debug)]
struct Case {
    capacity: u8,
    shards: u8,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    /// A task that asks for a key, to be polled; `fallible` by `try_get_with_async`.
    Ask {
        key: u8,
        fallible: bool,
        load: Script,
    },
    Poll(u8),
    Drop(u8),
    /// Lets a load go on by one step.
    Open(u8),
    /// Wakes a load that cannot go on.
    WakeInVain(u8),
    Insert(u8),
    Remove(u8),
    Invalidate(u8),
    InvalidateOdd,
    InvalidateAll,
    Get(u8),
}

/// What a load does: waits so often, loads another key first, and ends.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Script {
    waits: u8,
    nested: Option<u8>,
    end: End,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum End {
    Value,
    Error,
    Panic,
}

struct Task<'a> {
    future: Pin<Box<dyn Future<Output = Result<u64, LoadError<u64>>> + Send + 'a>>,
    key: u8,
    /// When it was first polled.
    asked: Option<u64>,
    panics: bool,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// Polls a task; whether it is done.
fn poll(task: &mut Task<'_>, history: &Mutex<History>) -> bool {
    let lock = || history.lock().expect("no panic");
    let asked = *task.asked.get_or_insert_with(|| lock().tick());
    task.woken.0.store(false, SeqCst);
    let waker = Waker::from(Arc::clone(&task.woken));
    let mut context = Context::from_waker(&waker);
    let polled = catch_unwind(AssertUnwindSafe(|| task.future.as_mut().poll(&mut context)));
    match polled {
        Ok(Poll::Pending) => false,
        Ok(Poll::Ready(Ok(value))) => {
            lock().check(task.key, value, asked);
            true
        }
        Ok(Poll::Ready(Err(LoadError::Failed(value)))) => {
            lock().check(task.key, *value, asked);
            true
        }
        Ok(Poll::Ready(Err(LoadError::Panicked))) => true,
        Ok(Poll::Ready(Err(error))) => panic!("no load waits for itself, and this is told {error}"),
        Err(panic) => {
            assert!(panic.is::<Panicked>(), "a panic that no loader made");
            assert!(task.panics, "the panic of another task's loader");
            true
        }
    }
}

fn change(cache: &LoadingCache, history: &Mutex<History>, step: Step) {
    let lock = || history.lock().expect("no panic");
    match step {
        Step::Insert(key) => {
            let value = lock().insert(key % KEYS);
            cache.insert(key % KEYS, value);
        }
        Step::Remove(key) => {
            cache.remove(&(key % KEYS));
            lock().change(key % KEYS);
        }
        Step::Invalidate(key) => {
            cache.invalidate(&(key % KEYS));
            lock().change(key % KEYS);
        }
        Step::InvalidateOdd => {
            cache.invalidate_if(|key, _| key % 2 == 1);
            (0..KEYS)
                .filter(|key| key % 2 == 1)
                .for_each(|key| lock().change(key));
            lock().supersede();
        }
        Step::InvalidateAll => {
            cache.invalidate_all();
            (0..KEYS).for_each(|key| lock().change(key));
        }
        Step::Get(key) => {
            if let Some(value) = cache.get(&(key % KEYS)) {
                let mut history = lock();
                let now = history.tick();
                history.check(key % KEYS, value, now);
            }
        }
        _ => {}
    }
}

fuzz_target!(|case: Case| {
    let builder = Cache::builder(u64::from(case.capacity % 8)).policy(Lru::new);
    let cache: Arc<LoadingCache> = Arc::new(builder.shards(usize::from(case.shards % 4)).build());
    let history = Arc::new(Mutex::new(History::default()));
    let gates = Arc::new(Gates::default());
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for step in case.steps.iter().take(128) {
        match *step {
            Step::Ask {
                key,
                fallible,
                load,
            } if tasks.len() < 16 => {
                let key = key % KEYS;
                let panics = matches!(load.end, End::Panic);
                let load = Load::new(key, load, &cache, &history, &gates);
                let cache = &cache;
                let future: Pin<Box<dyn Future<Output = _> + Send>> = if fallible {
                    Box::pin(async move { cache.try_get_with_async(key, load.run()).await })
                } else {
                    Box::pin(
                        async move { Ok(cache.get_with_async(key, load.run_infallibly()).await) },
                    )
                };
                tasks.push(Task {
                    future,
                    key,
                    asked: None,
                    panics,
                    woken: Arc::new(Woken(AtomicBool::new(true))),
                });
            }
            Step::Poll(at) if !tasks.is_empty() => {
                let at = usize::from(at) % tasks.len();
                if poll(&mut tasks[at], &history) {
                    drop(tasks.swap_remove(at));
                }
            }
            Step::Drop(at) if !tasks.is_empty() => {
                let at = usize::from(at) % tasks.len();
                drop(tasks.swap_remove(at));
            }
            Step::Open(at) => gates.open(at.into()),
            Step::WakeInVain(at) => gates.wake(at.into()),
            step => change(&cache, &history, step),
        }
    }
    // Everything may go on now: whoever waits is woken, and only who is woken is polled.
    gates.open_all();
    for _ in 0..10_000 {
        let Some(at) = tasks.iter().position(|task| task.woken.0.load(SeqCst)) else {
            break;
        };
        if poll(&mut tasks[at], &history) {
            drop(tasks.swap_remove(at));
        }
    }
    assert!(tasks.is_empty(), "{} tasks wait for ever", tasks.len());
    cache.check_invariants();
    assert_eq!(
        history.lock().expect("no panic").running(),
        0,
        "a load goes on for nobody"
    );
    for key in 0..KEYS {
        change(&cache, &history, Step::Get(key));
        cache.invalidate(&key);
        assert_eq!(cache.get_with(key, || 7), 7, "a flight is left over");
    }
});
