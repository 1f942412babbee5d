//! `ManualClock`: who is woken, when, and that no waker can hang it.
#![cfg(all(feature = "std", target_has_atomic = "64"))]
#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test is never built without std"
)]

use core::future::Future;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use purlin_core::time::{Clock, Instant, ManualClock, ManualSleep, Timer, UnixTime, WallClock};
use std::sync::{Arc, mpsc};
use std::task::Wake;
use std::thread;

const fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A sleep polled by hand.
struct Sleeper {
    sleep: Pin<Box<ManualSleep>>,
    count: Arc<Count>,
}

impl Sleeper {
    fn new(clock: &ManualClock, deadline: Instant) -> Self {
        Self {
            sleep: Box::pin(clock.sleep_until(deadline)),
            count: Arc::default(),
        }
    }

    fn is_ready(&mut self) -> bool {
        let waker = Waker::from(Arc::clone(&self.count));
        self.sleep
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    }

    fn wakes(&self) -> usize {
        self.count.0.load(Ordering::SeqCst)
    }
}

#[test]
fn clones_share_time_and_civil_time() {
    let clock = ManualClock::new();
    let other = clock.clone();
    assert_eq!(
        (other.now(), other.unix_now()),
        (Instant::ORIGIN, UnixTime::EPOCH)
    );
    clock.advance(Duration::from_millis(3));
    other.set_unix_now(UnixTime::from_secs(50));
    clock.advance(Duration::from_millis(4));
    assert_eq!(other.now(), ms(7));
    assert_eq!(clock.unix_now(), UnixTime::from_millis(50_004));
    other.set(ms(5));
    assert_eq!(clock.unix_now(), UnixTime::from_millis(50_002));
    other.set_unix_now(UnixTime::from_millis(1));
    assert_eq!(
        (clock.now(), clock.unix_now()),
        (ms(5), UnixTime::from_millis(1))
    );
}

#[test]
fn civil_time_saturates_at_both_ends() {
    let early = ManualClock::new();
    early.advance(Duration::from_secs(100));
    early.set_unix_now(UnixTime::from_secs(10));
    early.set(Instant::ORIGIN);
    assert_eq!(early.unix_now(), UnixTime::EPOCH);

    let late = ManualClock::new();
    late.set_unix_now(UnixTime::MAX);
    late.advance(Duration::from_secs(1));
    assert_eq!(late.unix_now(), UnixTime::MAX);
}

#[test]
fn time_stops_at_the_last_instant() {
    let clock = ManualClock::new();
    clock.advance(Duration::MAX);
    clock.advance(Duration::MAX);
    assert_eq!(clock.now(), Instant::MAX);
    assert!(Sleeper::new(&clock, Instant::MAX).is_ready());
}

#[test]
fn sleepers_wake_exactly_when_due() {
    let clock = ManualClock::new();
    let mut sleepers = [30, 10, 20, 20].map(|at| Sleeper::new(&clock, ms(at)));
    assert_eq!(
        clock.next_deadline(),
        None,
        "a sleep that was never polled does not wait"
    );
    assert!(sleepers.iter_mut().all(|sleeper| !sleeper.is_ready()));

    let wakes = |sleepers: &[Sleeper; 4]| sleepers.each_ref().map(Sleeper::wakes);
    let steps: [(u64, [usize; 4], Option<u64>); 5] = [
        (9, [0, 0, 0, 0], Some(10)),
        (10, [0, 1, 0, 0], Some(20)),
        (19, [0, 1, 0, 0], Some(20)),
        (20, [0, 1, 1, 1], Some(30)),
        (31, [1, 1, 1, 1], None),
    ];
    for (at, woken, next) in steps {
        clock.set(ms(at));
        assert_eq!(wakes(&sleepers), woken, "at {at} ms");
        assert_eq!(clock.next_deadline(), next.map(ms), "at {at} ms");
    }
    assert!(sleepers.iter_mut().all(Sleeper::is_ready));
    clock.advance(Duration::from_secs(1));
    assert_eq!(wakes(&sleepers), [1, 1, 1, 1], "nobody is woken twice");
}

#[test]
fn a_reached_deadline_is_ready_at_the_first_poll() {
    let clock = ManualClock::new();
    clock.set(ms(5));
    for reached in [Instant::ORIGIN, ms(4), ms(5)] {
        assert!(Sleeper::new(&clock, reached).is_ready());
    }
    assert!(!Sleeper::new(&clock, ms(5) + Duration::from_nanos(1)).is_ready());
    assert_eq!(clock.next_deadline(), None);
}

#[test]
fn polling_again_keeps_only_the_last_waker() {
    let clock = ManualClock::new();
    let mut sleeper = Sleeper::new(&clock, ms(1));
    let first = Arc::clone(&sleeper.count);
    assert!(!sleeper.is_ready());
    sleeper.count = Arc::default();
    assert!(!sleeper.is_ready());
    clock.set(ms(1));
    assert_eq!((first.0.load(Ordering::SeqCst), sleeper.wakes()), (0, 1));
    assert_eq!(
        Arc::strong_count(&first),
        1,
        "the replaced waker is released"
    );
}

#[test]
fn dropping_a_sleep_releases_its_waker() {
    let clock = ManualClock::new();
    let mut kept = Sleeper::new(&clock, ms(2));
    let mut dropped = Sleeper::new(&clock, ms(1));
    assert!(!kept.is_ready() && !dropped.is_ready());
    let count = Arc::clone(&dropped.count);
    drop(dropped);
    assert_eq!(clock.next_deadline(), Some(ms(2)));
    assert_eq!(Arc::strong_count(&count), 1);
    clock.set(ms(5));
    assert_eq!((count.0.load(Ordering::SeqCst), kept.wakes()), (0, 1));
}

#[test]
fn setting_the_time_back_makes_a_woken_sleeper_wait_again() {
    let clock = ManualClock::new();
    let mut sleeper = Sleeper::new(&clock, ms(10));
    assert!(!sleeper.is_ready());
    clock.set(ms(20));
    clock.set(ms(5));
    assert_eq!(sleeper.wakes(), 1);
    assert!(!sleeper.is_ready());
    assert_eq!(clock.next_deadline(), Some(ms(10)));
    clock.set(ms(10));
    assert_eq!(sleeper.wakes(), 2);
    assert!(sleeper.is_ready());
}

/// No step of a concurrent `advance` may be lost.
#[test]
fn advances_of_many_threads_add_up() {
    const THREADS: u64 = 4;
    const STEPS: u64 = 20_000;
    let clock = ManualClock::new();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..STEPS).for_each(|_| clock.advance(Duration::from_nanos(1))));
        }
    });
    assert_eq!(clock.now(), Instant::from_nanos(THREADS * STEPS));
}

#[test]
fn sleepers_of_many_threads_all_wake() {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let block_on = |sleep: ManualSleep| {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut sleep = pin!(sleep);
        while sleep.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Pending {
            thread::park();
        }
    };
    let clock = ManualClock::new();
    let awake = AtomicUsize::new(0);
    thread::scope(|scope| {
        for step in 1..=3 {
            let (clock, awake) = (&clock, &awake);
            scope.spawn(move || {
                for round in 1..=200 {
                    let deadline = ms(step * round);
                    block_on(clock.sleep_until(deadline));
                    assert!(clock.now() >= deadline);
                }
                awake.fetch_add(1, Ordering::SeqCst);
            });
        }
        while awake.load(Ordering::SeqCst) < 3 {
            clock.advance(Duration::from_millis(1));
            thread::yield_now();
        }
    });
    assert_eq!(clock.next_deadline(), None);
}

/// A waker that comes back into the clock when it is woken or dropped. Were either done under the
/// clock's lock, it would hang.
struct Returning {
    clock: ManualClock,
    calls: Arc<AtomicUsize>,
}

impl Returning {
    fn come_back(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.clock.set(self.clock.now());
        let mut nap = Sleeper::new(&self.clock, self.clock.now() + Duration::from_nanos(1));
        assert!(!nap.is_ready());
        assert!(self.clock.next_deadline().is_some());
    }
}

impl Wake for Returning {
    fn wake(self: Arc<Self>) {
        self.come_back();
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        self.come_back();
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a thread that hangs cannot be joined, only left behind"
)]
fn wakers_may_come_back_into_the_clock() {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        come_back_on_replace_wake_and_drop();
        done.send(())
    });
    // Fails at once where the thread panicked, and late where it hangs.
    assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok(()));
}

fn come_back_on_replace_wake_and_drop() {
    let clock = ManualClock::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let waker = || {
        Waker::from(Arc::new(Returning {
            clock: clock.clone(),
            calls: Arc::clone(&calls),
        }))
    };
    let seen = || calls.swap(0, Ordering::SeqCst);

    let mut sleep = Box::pin(clock.sleep_until(ms(1)));
    assert!(
        sleep
            .as_mut()
            .poll(&mut Context::from_waker(&waker()))
            .is_pending()
    );
    assert_eq!(seen(), 0, "the clock holds a clone");
    assert!(
        sleep
            .as_mut()
            .poll(&mut Context::from_waker(&waker()))
            .is_pending()
    );
    assert_eq!(seen(), 1, "the first is replaced, and dropped");
    clock.set(ms(1));
    assert_eq!(seen(), 2, "the second is woken, and dropped");

    clock.set(ms(0));
    assert!(
        sleep
            .as_mut()
            .poll(&mut Context::from_waker(&waker()))
            .is_pending()
    );
    drop(sleep);
    assert_eq!(seen(), 1, "the third is dropped with its sleep");
    assert_eq!(clock.next_deadline(), None);
}
