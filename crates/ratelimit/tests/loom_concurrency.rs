//! Every interleaving of those who take permits, give them back, wait and give up.
#![cfg(purlin_loom)]

use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use loom::thread;
use purlin_ratelimit::concurrency::{
    ConcurrencyLimit, ConcurrencyLimiter, Fixed, PartitionedLimiter,
};
use purlin_ratelimit::{Clock, Instant};
use std::sync::Arc;
use std::task::Wake;

/// Fixed limits read no clock.
struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Instant {
        unreachable!("nothing is measured")
    }
}

/// Counts wakes. Not one of loom's atomics: it only observes.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn limiter(limit: u32) -> Arc<ConcurrencyLimiter<Fixed, NoClock>> {
    let fixed = Fixed::new(limit).expect("a limit");
    Arc::new(ConcurrencyLimiter::with_clock(fixed, NoClock))
}

/// Two threads and one place: never both, and it comes back.
#[test]
fn the_limit_holds() {
    loom::model(|| {
        let limit = Arc::new(ConcurrencyLimit::new(1));
        let inside = Arc::new(AtomicUsize::new(0));
        let caller = || {
            let (limit, inside) = (Arc::clone(&limit), Arc::clone(&inside));
            move || {
                if limit.try_acquire().is_ok() {
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    limit.release();
                }
            }
        };
        let other = thread::spawn(caller());
        caller()();
        other.join().expect("it does not panic");
        assert_eq!(limit.in_flight(), 0);
        assert_eq!(limit.try_acquire(), Ok(1));
    });
}

/// What was written under a place is seen by the next who has it: loom's cell would tell.
#[test]
fn a_place_hands_on_what_was_written() {
    loom::model(|| {
        let limit = Arc::new(ConcurrencyLimit::new(1));
        let cell = Arc::new(loom::cell::Cell::new(0));
        let (its_limit, its_cell) = (Arc::clone(&limit), Arc::clone(&cell));
        let other = thread::spawn(move || {
            if its_limit.try_acquire().is_ok() {
                its_cell.set(its_cell.get() + 1);
                its_limit.release();
            }
        });
        if limit.try_acquire().is_ok() {
            cell.set(cell.get() + 1);
            limit.release();
        }
        other.join().expect("it does not panic");
        assert!(cell.get() >= 1);
    });
}

/// A change of the limit and a release at once: both count.
#[test]
fn a_release_survives_a_new_limit() {
    loom::model(|| {
        let limit = Arc::new(ConcurrencyLimit::new(2));
        limit.try_acquire().expect("room");
        let releaser = Arc::clone(&limit);
        let other = thread::spawn(move || releaser.release());
        limit.set_limit(5);
        other.join().expect("it does not panic");
        assert_eq!((limit.limit(), limit.in_flight()), (5, 0));
    });
}

/// Whoever joins the queue while the place is given back gets in, at once or by a wake.
#[test]
fn no_wake_is_lost() {
    loom::model(|| {
        let limiter = limiter(1);
        let held = limiter.try_acquire_owned().expect("room");
        let releaser = thread::spawn(move || drop(held));

        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let mut wait = pin!(limiter.acquire());
        let first = wait.as_mut().poll(&mut cx);
        releaser.join().expect("it does not panic");
        if first.is_pending() {
            assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
            assert!(matches!(wait.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
        }
        limiter.check_invariants();
    });
}

/// A wait that is given up as its permit comes passes that on: to the next who waits, or back.
#[test]
fn a_given_up_wait_passes_its_permit_on() {
    loom::model(|| {
        let limiter = limiter(1);
        let held = limiter.try_acquire_owned().expect("room");
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let mut second = pin!(limiter.acquire());
        {
            let mut first = Box::pin(limiter.acquire_owned());
            assert!(
                first
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            assert!(second.as_mut().poll(&mut cx).is_pending());
            let releaser = thread::spawn(move || drop(held));
            drop(first);
            releaser.join().expect("it does not panic");
        }
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        assert!(matches!(second.as_mut().poll(&mut cx), Poll::Ready(Ok(_))));
        limiter.check_invariants();
    });
}

/// Nobody is admitted past the queue, and what two give back at once admits two.
#[test]
fn two_releases_admit_two() {
    loom::model(|| {
        let limiter = limiter(2);
        let held = [limiter.try_acquire_owned(), limiter.try_acquire_owned()];
        let mut cx = Context::from_waker(Waker::noop());
        let mut waits = [Box::pin(limiter.acquire()), Box::pin(limiter.acquire())];
        for wait in &mut waits {
            assert!(wait.as_mut().poll(&mut cx).is_pending());
        }
        let releasers = held.map(|permit| {
            let permit = permit.expect("room");
            thread::spawn(move || drop(permit))
        });
        assert!(limiter.try_acquire().is_err());
        for releaser in releasers {
            releaser.join().expect("it does not panic");
        }
        let permits = waits.map(|mut wait| wait.as_mut().poll(&mut cx));
        assert!(
            permits
                .iter()
                .all(|permit| matches!(permit, Poll::Ready(Ok(_))))
        );
        assert_eq!(limiter.in_flight(), 2);
        drop(permits);
        assert_eq!(limiter.in_flight(), 0);
        limiter.check_invariants();
    });
}

/// A partition that has none of its share gets one, whatever the others do.
#[test]
fn a_share_is_guaranteed() {
    loom::model(|| {
        let whole = Arc::into_inner(limiter(1)).expect("the only one");
        let shares = [("batch", 50), ("live", 50)];
        let limiter = Arc::new(PartitionedLimiter::new(whole, shares).expect("shares"));
        let other = Arc::clone(&limiter);
        let batch = thread::spawn(move || drop(other.try_acquire("batch").expect("its share")));
        let live = limiter.try_acquire("live").expect("its share");
        batch.join().expect("it does not panic");
        drop(live);
        assert_eq!(limiter.whole().in_flight(), 0);
    });
}
