//! Single flight between tasks: on tokio, and under executors that stop polling or drop whom they like.
#![cfg(all(feature = "async", not(purlin_loom)))]

extern crate alloc;

use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::{Future, pending, poll_fn, ready};
use core::panic::AssertUnwindSafe;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use purlin_cache::LoadError;
use purlin_cache::sync::Cache;
use std::panic::catch_unwind;
use std::sync::{Mutex, mpsc};
use std::thread;

/// A task that is polled by hand.
struct Task<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl<'a, T> Task<'a, T> {
    fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self {
            future: Box::pin(future),
            wakes: Arc::default(),
        }
    }

    fn poll(&mut self) -> Poll<T> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Whether it was woken since it was last asked.
    fn was_woken(&self) -> bool {
        self.wakes.0.swap(0, SeqCst) > 0
    }
}

/// A load that ends when it is told to, counts its polls, and says when it is dropped.
#[derive(Clone, Default)]
struct Source(Arc<Inner>);

#[derive(Default)]
struct Inner {
    polls: AtomicUsize,
    dropped: AtomicBool,
    state: Mutex<(Option<u64>, Option<Waker>)>,
}

impl Source {
    fn load(&self) -> impl Future<Output = u64> + Send + 'static {
        struct Dropped(Arc<Inner>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.dropped.store(true, SeqCst);
            }
        }
        let guard = Dropped(Arc::clone(&self.0));
        poll_fn(move |cx| {
            guard.0.polls.fetch_add(1, SeqCst);
            let mut state = guard.0.state.lock().expect("no panic");
            state.1 = Some(cx.waker().clone());
            state.0.map_or(Poll::Pending, Poll::Ready)
        })
    }

    fn wake(&self) {
        let waker = self.0.state.lock().expect("no panic").1.clone();
        waker.expect("it was polled").wake();
    }

    fn finish(&self, value: u64) {
        self.0.state.lock().expect("no panic").0 = Some(value);
        self.wake();
    }

    fn polls(&self) -> usize {
        self.0.polls.load(SeqCst)
    }

    fn was_dropped(&self) -> bool {
        self.0.dropped.load(SeqCst)
    }
}

async fn unwanted() -> u64 {
    unreachable!("another one loads")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_load_once() {
    let cache: Arc<Cache<u64, u64>> = Arc::new(Cache::new(100));
    let loads = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (cache, loads) = (Arc::clone(&cache), Arc::clone(&loads));
            tokio::spawn(async move {
                let load = async move {
                    loads.fetch_add(1, SeqCst);
                    for _ in 0..10 {
                        tokio::task::yield_now().await;
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    49
                };
                cache.get_with_async(7, load).await
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), 49);
    }
    assert_eq!(loads.load(SeqCst), 1);
    assert_eq!(cache.stats().loaded, 1);
}

/// Tasks that are dropped at any time, keys that are removed at any time: everybody else gets a value.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_that_give_up_hold_nobody_up() {
    let cache: Arc<Cache<u64, u64>> = Arc::new(Cache::new(8));
    let tasks: Vec<_> = (0..400_u64)
        .map(|id| {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move {
                for round in 0..20 {
                    let key = (id * 7 + round) % 16;
                    let load = async move {
                        tokio::task::yield_now().await;
                        tokio::time::sleep(Duration::from_micros(key * 100)).await;
                        key * 2
                    };
                    let value = cache.get_with_async(key, load);
                    if id % 3 == 0 {
                        let patience = Duration::from_micros((id + round) % 1_000);
                        let _ = tokio::time::timeout(patience, value).await;
                    } else {
                        assert_eq!(value.await, key * 2);
                    }
                    if id % 50 == 0 {
                        cache.remove(&key);
                    }
                }
            })
        })
        .collect();
    let all = async {
        for task in tasks {
            task.await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all)
        .await
        .expect("nobody is stuck");
}

#[test]
fn a_waiter_goes_on_where_the_leader_is_not_polled() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let mut leader = Task::new(cache.get_with_async(7, source.load()));
    let mut waiter = Task::new(cache.get_with_async(7, unwanted()));
    assert!(leader.poll().is_pending());
    assert!(waiter.poll().is_pending());
    assert_eq!(source.polls(), 1, "a load that was not woken is not polled");
    source.finish(49);
    assert!(leader.was_woken() && waiter.was_woken());
    // The leader's executor has other things to do.
    assert_eq!(waiter.poll(), Poll::Ready(49));
    assert_eq!(cache.get(&7), Some(49));
    assert_eq!(leader.poll(), Poll::Ready(49));
    assert_eq!(source.polls(), 2);
}

#[test]
fn a_waiter_goes_on_where_the_leader_is_dropped() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let mut leader = Task::new(cache.get_with_async(7, source.load()));
    let mut waiter = Task::new(cache.get_with_async(7, unwanted()));
    assert!(leader.poll().is_pending() && waiter.poll().is_pending());
    drop(leader);
    assert!(!source.was_dropped());
    source.finish(49);
    assert!(waiter.was_woken());
    assert_eq!(waiter.poll(), Poll::Ready(49));
    assert!(source.was_dropped());
}

/// The leader is woken, takes the wake, and is dropped before it is polled: the others were woken, too.
#[test]
fn one_wake_wakes_all_and_polls_once() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let mut tasks: Vec<_> = (0..5)
        .map(|_| Task::new(cache.get_with_async(7, source.load())))
        .collect();
    for task in &mut tasks {
        assert!(task.poll().is_pending());
    }
    assert_eq!(source.polls(), 1);
    for round in 2..10 {
        source.wake();
        for task in &mut tasks {
            assert!(task.was_woken());
            assert!(task.poll().is_pending());
        }
        assert_eq!(source.polls(), round);
    }
}

/// A load that wakes itself while it is polled, which many do to let others go first.
#[test]
fn a_load_that_yields_is_polled_again() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let mut left = 3;
    let yields = poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(49);
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    let mut leader = Task::new(cache.get_with_async(7, yields));
    let mut waiter = Task::new(cache.get_with_async(7, unwanted()));
    assert!(leader.poll().is_pending());
    assert!(leader.was_woken());
    assert!(waiter.poll().is_pending());
    assert!(waiter.was_woken());
    drop(leader); // which has been woken once, and not been polled since
    assert!(waiter.poll().is_pending());
    assert!(waiter.was_woken());
    assert_eq!(waiter.poll(), Poll::Ready(49));
}

#[test]
fn it_is_cancelled_when_nobody_waits() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let mut leader = Task::new(cache.get_with_async(7, source.load()));
    let mut waiter = Task::new(cache.get_with_async(7, unwanted()));
    assert!(leader.poll().is_pending() && waiter.poll().is_pending());
    drop(leader);
    drop(waiter);
    assert!(source.was_dropped());
    assert_eq!(cache.stats().load_failures, 1);
    let mut next = Task::new(cache.get_with_async(7, ready(50)));
    assert_eq!(next.poll(), Poll::Ready(50));
}

#[test]
fn a_future_that_was_never_polled_does_nothing() {
    let cache: Cache<u64, u64> = Cache::new(100);
    drop(cache.get_with_async(7, unwanted()));
    assert_eq!(cache.stats().load_failures, 0);
    assert_eq!(cache.get_with(7, || 1), 1);
}

/// A thread that waits does not drive a future, which may need its runtime. It loads when the future is dropped.
#[test]
fn a_thread_takes_over_when_the_tasks_are_gone() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let mut leader = Task::new(cache.get_with_async(7, source.load()));
    assert!(leader.poll().is_pending());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| cache.get_with(7, || 8));
        thread::sleep(Duration::from_millis(30));
        drop(leader);
        assert_eq!(waiting.join().unwrap(), 8);
    });
    assert!(source.was_dropped());
}

#[test]
fn a_task_waits_for_a_thread() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let (started, has_started) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let (started, may_go) = (started, may_go);
            cache.get_with(7, || {
                started.send(()).unwrap();
                may_go.recv().unwrap();
                8
            })
        });
        has_started.recv().unwrap();
        let mut task = Task::new(cache.get_with_async(7, unwanted()));
        let mut gives_up = Task::new(cache.get_with_async(7, unwanted()));
        assert!(task.poll().is_pending() && gives_up.poll().is_pending());
        drop(gives_up);
        go.send(()).unwrap();
        assert_eq!(thread.join().unwrap(), 8);
        assert!(task.was_woken());
        assert_eq!(task.poll(), Poll::Ready(8));
    });
}

#[test]
fn an_error_is_shared_and_not_kept() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let load = source.load();
    let fails = async { Err(load.await.to_string()) };
    let mut leader = Task::new(cache.try_get_with_async(7, fails));
    let mut waiter = Task::new(cache.try_get_with_async(7, async { Ok::<_, String>(1) }));
    let mut other = Task::new(cache.try_get_with_async(7, async { Ok::<_, u8>(2) }));
    assert!(leader.poll().is_pending() && waiter.poll().is_pending() && other.poll().is_pending());
    source.finish(404);
    let (Poll::Ready(Err(LoadError::Failed(first))), Poll::Ready(Err(LoadError::Failed(second)))) =
        (waiter.poll(), leader.poll())
    else {
        panic!("both fail");
    };
    assert_eq!(*first, "404");
    assert!(Arc::ptr_eq(&first, &second));
    assert!(matches!(other.poll(), Poll::Ready(Ok(2))));
    assert_eq!(cache.get(&7), Some(2));
}

#[test]
fn a_panic_goes_to_the_task_that_gave_the_load() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let load = source.load();
    let panics = async { panic!("a defect of load {}", load.await) };
    let mut leader = Task::new(cache.get_with_async(7, panics));
    let mut waiter = Task::new(cache.try_get_with_async(7, async { Ok::<_, String>(1) }));
    let mut retries = Task::new(cache.get_with_async(7, ready(2)));
    assert!(
        leader.poll().is_pending() && waiter.poll().is_pending() && retries.poll().is_pending()
    );
    source.finish(13);
    assert!(matches!(
        waiter.poll(),
        Poll::Ready(Err(LoadError::Panicked))
    ));
    assert_eq!(retries.poll(), Poll::Ready(2));
    let panic = catch_unwind(AssertUnwindSafe(|| leader.poll()));
    let panic = panic.unwrap_err();
    assert_eq!(
        panic.downcast_ref::<String>().unwrap(),
        "a defect of load 13"
    );
    assert_eq!(cache.stats().load_failures, 1);
}

#[test]
fn an_insertion_meanwhile_wins_and_ends_the_load() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let mut leader = Task::new(cache.get_with_async(7, source.load()));
    let mut waiter = Task::new(cache.get_with_async(7, unwanted()));
    assert!(leader.poll().is_pending() && waiter.poll().is_pending());
    cache.insert(7, 3);
    assert!(source.was_dropped());
    assert!(leader.was_woken() && waiter.was_woken());
    assert_eq!(
        (waiter.poll(), leader.poll()),
        (Poll::Ready(3), Poll::Ready(3))
    );
    assert_eq!(cache.get(&7), Some(3));
}

/// The load itself inserts: it is dropped after the poll that it did it in.
#[test]
fn a_load_may_insert_its_own_value() {
    let cache: Arc<Cache<u64, u64>> = Arc::new(Cache::new(100));
    let inner = Arc::clone(&cache);
    let load = async move {
        inner.insert(7, 3);
        pending().await
    };
    let mut leader = Task::new(cache.get_with_async(7, load));
    let first = leader.poll();
    assert!(leader.was_woken() || first.is_ready());
    assert_eq!(leader.poll(), Poll::Ready(3));
    drop(leader);
    assert_eq!(Arc::strong_count(&cache), 1, "the load is dropped");
}

#[test]
fn an_invalidation_meanwhile_keeps_it_out() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let mut leader = Task::new(cache.get_with_async(7, source.load()));
    let mut waiter = Task::new(cache.get_with_async(7, unwanted()));
    assert!(leader.poll().is_pending() && waiter.poll().is_pending());
    assert_eq!(cache.remove(&7), None);
    let mut later = Task::new(cache.get_with_async(7, ready(5)));
    assert_eq!(later.poll(), Poll::Ready(5));
    source.finish(1);
    assert_eq!(
        (waiter.poll(), leader.poll()),
        (Poll::Ready(1), Poll::Ready(1))
    );
    assert_eq!(cache.get(&7), Some(5));
}

#[test]
fn a_load_that_waits_for_itself_is_told() {
    let cache: Arc<Cache<u64, u64>> = Arc::new(Cache::new(100));
    let inner = Arc::clone(&cache);
    let load = async move {
        let again = inner
            .try_get_with_async(7, async { Ok::<_, String>(1) })
            .await;
        assert!(matches!(again, Err(LoadError::Reentrant)));
        let again = inner.try_get_with(7, || Ok::<_, String>(1));
        assert!(matches!(again, Err(LoadError::Reentrant)));
        2
    };
    let mut task = Task::new(cache.get_with_async(7, load));
    assert_eq!(task.poll(), Poll::Ready(2));
}

/// Also one through another key.
#[test]
fn a_circle_in_one_task_is_told() {
    let cache: Arc<Cache<u64, u64>> = Arc::new(Cache::new(100));
    let (one, two) = (Arc::clone(&cache), Arc::clone(&cache));
    let load = async move {
        let second = async move {
            let first = two
                .try_get_with_async(1, async { Ok::<_, String>(0) })
                .await;
            if matches!(first, Err(LoadError::Reentrant)) {
                20
            } else {
                0
            }
        };
        one.get_with_async(2, second).await + 1
    };
    let mut task = Task::new(cache.get_with_async(1, load));
    assert_eq!(task.poll(), Poll::Ready(21));
}

/// Wakers of those who came and went are not kept.
#[test]
fn waiters_that_come_and_go_need_no_memory() {
    let cache: Cache<u64, u64> = Cache::new(100);
    let source = Source::default();
    let mut leader = Task::new(cache.get_with_async(7, source.load()));
    assert!(leader.poll().is_pending());
    for _ in 0..1_000 {
        let mut waiter = Task::new(cache.get_with_async(7, unwanted()));
        assert!(waiter.poll().is_pending());
        let wakes = Arc::clone(&waiter.wakes);
        drop(waiter);
        assert_eq!(Arc::strong_count(&wakes), 1);
    }
    let mut waiter = Box::pin(cache.get_with_async(7, unwanted()));
    let waker = Waker::noop();
    assert!(
        pin!(&mut waiter)
            .poll(&mut Context::from_waker(waker))
            .is_pending()
    );
    source.finish(1);
    assert_eq!(leader.poll(), Poll::Ready(1));
}

/// The futures can be spawned.
#[test]
fn futures_are_send() {
    fn check<T: Send>(value: T) -> T {
        value
    }
    let cache: Cache<String, Vec<u8>> = Cache::new(1);
    drop(check(
        cache.get_with_async(String::new(), ready(Vec::new())),
    ));
    drop(check(cache.try_get_with_async(
        String::new(),
        ready(Err::<Vec<u8>, ()>(())),
    )));
}
