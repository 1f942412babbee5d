//! Every interleaving of those who wait for tokens, come in the wrong order, and give up.
#![cfg(purlin_loom)]

extern crate alloc;

use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use loom::sync::Notify;
use loom::thread;
use purlin_ratelimit::{AcquireOwned, Clock, Gcra, Instant, Quota, RateLimiter, Shared, Timer};

const NOW: Instant = Instant::from_secs(1);
const TOKEN: Duration = Duration::from_millis(1);

/// A clock that stands still, and a timer that goes off at once for slots, perhaps but for the first
/// one's, and never ends a patience: whoever is not woken waits for ever, which loom calls a deadlock.
struct Patient {
    first_is_late: bool,
}

struct Sleep {
    is_over: bool,
}

impl Clock for Patient {
    fn now(&self) -> Instant {
        NOW
    }
}

impl Timer for Patient {
    type Sleep = Sleep;

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let is_slot = deadline < NOW + 10 * TOKEN;
        let is_late = self.first_is_late && deadline == NOW + TOKEN;
        let is_over = is_slot && !is_late;
        Sleep { is_over }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.is_over {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

struct Parker(Notify);

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
    let parker = Arc::new(Parker(Notify::new()));
    let waker = Waker::from(parker.clone());
    loop {
        let mut cx = Context::from_waker(&waker);
        if let Poll::Ready(output) = Pin::new(&mut future).poll(&mut cx) {
            return output;
        }
        parker.0.wait();
    }
}

type Waits = RateLimiter<Shared<Gcra>, Patient>;

/// With no token left, and one to come each millisecond.
fn empty(first_is_late: bool, max_waiting: u32) -> Arc<Waits> {
    let quota = Quota::per_second(1000).and_then(|quota| quota.with_burst(1));
    let clock = Patient { first_is_late };
    let limiter = quota.and_then(|quota| RateLimiter::with_clock(quota, clock));
    let limiter = Arc::new(limiter.expect("a quota").with_max_waiting(max_waiting));
    assert!(limiter.try_acquire().is_ok());
    limiter
}

fn acquire(limiter: &Arc<Waits>) -> AcquireOwned<Shared<Gcra>, Patient> {
    limiter.clone().acquire_owned(1, Duration::MAX)
}

fn poll_once(future: &mut AcquireOwned<Shared<Gcra>, Patient>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(future).poll(&mut cx).is_ready()
}

/// Both come through, whoever has the earlier slot and whoever looks first.
#[test]
fn nobody_is_forgotten() {
    loom::model(|| {
        let limiter = empty(false, 9);
        let waiter = acquire(&limiter);
        let other = thread::spawn(move || block_on(waiter));
        assert!(block_on(acquire(&limiter)).is_ok());
        assert!(other.join().expect("it does not panic").is_ok());
        limiter.check_invariants();
    });
}

/// Two come where one may wait: one does, the other is refused and has taken nothing.
#[test]
fn no_more_wait_than_may() {
    loom::model(|| {
        let limiter = empty(true, 1);
        let mut waiter = acquire(&limiter);
        let other = thread::spawn(move || {
            let is_refused = poll_once(&mut waiter);
            (waiter, is_refused)
        });
        let mut mine = acquire(&limiter);
        let am_refused = poll_once(&mut mine);
        let (others, is_refused) = other.join().expect("it does not panic");
        assert!(am_refused != is_refused);
        assert_eq!(limiter.waiting(), 1);
        limiter.check_invariants();
        assert_eq!(limiter.peek().retry_after(), Some(2 * TOKEN));
        drop((mine, others));
        assert_eq!(limiter.waiting(), 0);
        assert_eq!(limiter.peek().retry_after(), Some(TOKEN));
    });
}

/// The first gives up while the next is about to wait for it. Each has its slot before.
#[test]
fn who_gives_up_lets_the_next_one_go() {
    loom::model(|| {
        let limiter = empty(true, 9);
        let mut first = acquire(&limiter);
        assert!(!poll_once(&mut first));
        let mut next = acquire(&limiter);
        assert!(!poll_once(&mut next));
        let next = thread::spawn(move || block_on(next));
        drop(first);
        assert!(next.join().expect("it does not panic").is_ok());
        limiter.check_invariants();
    });
}

/// One in the middle gives up while the first goes: the last is woken all the same.
#[test]
fn a_gap_in_the_queue_passes_the_turn_on() {
    loom::model(|| {
        let limiter = empty(true, 9);
        let mut first = acquire(&limiter);
        assert!(!poll_once(&mut first));
        let mut middle = acquire(&limiter);
        assert!(!poll_once(&mut middle));
        let mut last = acquire(&limiter);
        assert!(!poll_once(&mut last));
        let last = thread::spawn(move || block_on(last));
        let giving_up = thread::spawn(move || drop(middle));
        drop(first);
        giving_up.join().expect("it does not panic");
        assert!(last.join().expect("it does not panic").is_ok());
        limiter.check_invariants();
    });
}
