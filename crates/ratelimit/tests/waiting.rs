//! Waiting for tokens under a clock that the test moves.
#![cfg(all(feature = "std", target_has_atomic = "64", not(purlin_loom)))]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

extern crate alloc;

use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::Future;
use core::panic::AssertUnwindSafe;
use core::pin::pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::{
    Acquire, AcquireOwned, Clock, Decision, Denied, Gcra, Instant, Limiter, ManualClock, Quota,
    RateLimiter, Reason, Reservation, Shared,
};
use std::panic::catch_unwind;

type Waits = RateLimiter<Shared<Gcra>, ManualClock>;

const MS: Duration = Duration::from_millis(1);

/// As many a second, `burst` at once, on a clock at a second.
fn limiter(per_second: u64, burst: u64) -> (Waits, ManualClock) {
    let clock = ManualClock::new();
    clock.set(Instant::from_secs(1));
    let quota = Quota::per_second(per_second).unwrap();
    let quota = quota.with_burst(burst).unwrap();
    (
        RateLimiter::with_clock(quota, clock.clone()).unwrap(),
        clock,
    )
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn poll_by<F: Future + Unpin>(future: &mut F, wakes: &Arc<Wakes>) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(&Waker::from(wakes.clone())))
}

#[test]
fn a_future_that_nobody_polls_takes_nothing() {
    let (limiter, _) = limiter(10, 1);
    let waiting = limiter.acquire();
    assert_eq!(limiter.peek().remaining, 1);
    drop(waiting);
    assert_eq!(limiter.peek().remaining, 1);
}

#[test]
fn enough_tokens_are_had_at_once_and_without_the_heap() {
    let (limiter, _) = limiter(10, 3);
    let info = allocation_counter::measure(|| {
        assert_eq!(poll(&mut limiter.acquire_n(2)), Poll::Ready(Ok(())));
    });
    assert_eq!(info.count_total, 0);
    assert_eq!(limiter.peek().remaining, 1);
}

#[test]
fn it_waits_until_the_instant_and_not_longer() {
    let (limiter, clock) = limiter(10, 1);
    let wakes = Arc::default();
    assert_eq!(poll(&mut limiter.acquire()), Poll::Ready(Ok(())));
    let mut second = limiter.acquire();
    assert!(poll_by(&mut second, &wakes).is_pending());
    assert_eq!(clock.next_deadline(), Some(Instant::from_millis(1100)));

    clock.advance(100 * MS - Duration::from_nanos(1));
    assert_eq!(wakes.count(), 0);
    assert!(poll_by(&mut second, &wakes).is_pending());
    clock.advance(Duration::from_nanos(1));
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_by(&mut second, &wakes), Poll::Ready(Ok(())));
}

#[test]
fn a_wait_that_would_be_too_long_is_refused_at_once() {
    let (limiter, _) = limiter(10, 2);
    limiter.try_acquire_n(2).unwrap();
    let before = limiter.limiter().state();
    let denied = match poll(&mut limiter.acquire_within(1, 100 * MS - Duration::from_nanos(1))) {
        Poll::Ready(Err(denied)) => denied,
        other => panic!("{other:?}"),
    };
    assert_eq!(denied.retry_after(), Some(100 * MS));
    assert_eq!(limiter.limiter().state(), before);
    assert!(poll(&mut limiter.acquire_within(1, 100 * MS)).is_pending());
}

#[test]
fn a_cost_above_the_limit_is_refused_at_once() {
    let (limiter, _) = limiter(10, 2);
    match poll(&mut limiter.acquire_n(3)) {
        Poll::Ready(Err(denied)) => assert_eq!(denied.reason(), Reason::TooLarge),
        other => panic!("{other:?}"),
    }
    assert_eq!(limiter.peek().remaining, 2);
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn a_future_is_not_polled_again() {
    let (limiter, _) = limiter(10, 2);
    let mut future = limiter.acquire();
    assert!(poll(&mut future).is_ready());
    let _ = poll(&mut future);
}

/// All waiters that are due, polled in the worst order until nothing moves: who came, in order.
fn poll_backwards(waiters: &mut [Option<Acquire<'_, Shared<Gcra>, ManualClock>>]) -> Vec<usize> {
    let mut came = Vec::new();
    loop {
        let before = came.len();
        for (index, place) in waiters.iter_mut().enumerate().rev() {
            if place.as_mut().is_some_and(|waiter| poll(waiter).is_ready()) {
                *place = None;
                came.push(index);
            }
        }
        if came.len() == before {
            return came;
        }
    }
}

#[test]
fn who_wakes_early_lets_the_earlier_ones_go_first() {
    // All slots lie within one tick of a coarse timer.
    let (limiter, clock) = limiter(1_000_000, 1);
    let mut waiters: Vec<_> = (0..500).map(|_| Some(limiter.acquire())).collect();
    for place in &mut waiters {
        if place.as_mut().is_some_and(|waiter| poll(waiter).is_ready()) {
            *place = None;
        }
    }
    assert!(waiters[0].is_none());
    clock.advance(MS);
    let came = poll_backwards(&mut waiters);
    assert_eq!(came, (1..500).collect::<Vec<_>>());
    limiter.check_invariants();
}

#[test]
fn one_who_comes_later_queues_behind_those_whose_slots_have_come() {
    let (limiter, clock) = limiter(10, 2);
    limiter.try_acquire_n(2).unwrap();
    let mut early = limiter.acquire();
    assert!(poll(&mut early).is_pending());
    clock.advance(500 * MS);

    // There are tokens enough for both.
    let wakes = Arc::default();
    let mut late = limiter.acquire();
    assert!(poll_by(&mut late, &wakes).is_pending());
    assert_eq!(wakes.count(), 0);
    assert_eq!(poll(&mut early), Poll::Ready(Ok(())));
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_by(&mut late, &wakes), Poll::Ready(Ok(())));
}

#[test]
fn the_queue_goes_on_when_the_first_is_dropped() {
    let (limiter, clock) = limiter(1000, 1);
    limiter.try_acquire().unwrap();
    let wakes = Arc::default();
    let (mut first, mut second) = (limiter.acquire(), limiter.acquire());
    assert!(poll(&mut first).is_pending());
    assert!(poll_by(&mut second, &wakes).is_pending());
    clock.advance(2 * MS);
    assert_eq!(wakes.count(), 1);
    assert!(poll_by(&mut second, &wakes).is_pending());
    drop(first);
    assert_eq!(wakes.count(), 2);
    assert_eq!(poll_by(&mut second, &wakes), Poll::Ready(Ok(())));
}

#[test]
fn one_who_does_not_come_is_waited_for_once_and_keeps_its_tokens() {
    let (limiter, clock) = limiter(1000, 1);
    limiter.try_acquire().unwrap();
    let mut waiters: Vec<_> = (0..4).map(|_| limiter.acquire()).collect();
    for waiter in &mut waiters {
        assert!(poll(waiter).is_pending());
    }
    let [stuck, stuck_too, third, fourth] = waiters.as_mut_slice() else {
        unreachable!()
    };
    clock.advance(4 * MS);
    assert!(poll(fourth).is_pending());
    assert!(poll(third).is_pending());
    clock.advance(10 * MS - Duration::from_nanos(1));
    assert!(poll(fourth).is_pending());
    clock.advance(Duration::from_nanos(1));
    // The fourth gives up on both, and still goes after the third.
    assert!(poll(fourth).is_pending());
    assert_eq!(poll(third), Poll::Ready(Ok(())));
    assert_eq!(poll(fourth), Poll::Ready(Ok(())));

    // Nobody waits for the stuck ones a second time.
    assert_eq!(poll(&mut limiter.acquire()), Poll::Ready(Ok(())));
    assert_eq!(poll(stuck_too), Poll::Ready(Ok(())));
    assert_eq!(poll(stuck), Poll::Ready(Ok(())));
    limiter.check_invariants();
}

#[test]
fn the_owned_future_waits_and_cancels_as_the_borrowed_one() {
    let (limiter, clock) = limiter(10, 1);
    let limiter = Arc::new(limiter);
    let owned = |cost| limiter.clone().acquire_owned(cost, Duration::MAX);
    assert_eq!(poll(&mut owned(1)), Poll::Ready(Ok(())));
    let (mut kept, mut dropped): (AcquireOwned<_, _>, _) = (owned(1), owned(1));
    assert!(poll(&mut kept).is_pending());
    assert!(poll(&mut dropped).is_pending());
    drop(dropped);
    clock.advance(100 * MS);
    assert_eq!(poll(&mut kept), Poll::Ready(Ok(())));
    assert_eq!(limiter.peek().retry_after(), Some(100 * MS));
}

#[test]
fn a_limiter_is_whole_again_when_all_waiters_are_dropped() {
    let (limiter, clock) = limiter(10, 5);
    let mut waiters: Vec<_> = (0..100).map(|_| limiter.acquire()).collect();
    for waiter in &mut waiters {
        let _ = poll(waiter);
    }
    // The youngest first: each gives all of its tokens back.
    while waiters.pop().is_some() {}
    // Five were admitted at once, and half a second is what those take.
    assert_eq!(limiter.peek().reset_after, 500 * MS);
    clock.advance(500 * MS);
    assert_eq!(limiter.peek().remaining, 5);
    assert_eq!(clock.next_deadline(), None);
    limiter.check_invariants();
}

#[test]
fn no_more_wait_than_may() {
    let (limiter, clock) = limiter(1000, 1);
    let limiter = limiter.with_max_waiting(2);
    limiter.try_acquire().unwrap();
    let mut waiters = [limiter.acquire(), limiter.acquire()];
    for waiter in &mut waiters {
        assert!(poll(waiter).is_pending());
    }
    let before = limiter.limiter().state();
    assert_eq!(limiter.waiting(), 2);
    match poll(&mut limiter.acquire()) {
        Poll::Ready(Err(denied)) => assert_eq!(denied.reason(), Reason::Full),
        other => panic!("{other:?}"),
    }
    assert_eq!(limiter.limiter().state(), before);

    // Who goes or gives up makes room, and so does who is not waited for any more.
    let [first, second] = waiters;
    drop(second);
    let mut third = limiter.acquire();
    assert!(poll(&mut third).is_pending());
    assert!(poll(&mut limiter.acquire()).is_ready());
    clock.advance(MS);
    let mut first = first;
    assert_eq!(poll(&mut first), Poll::Ready(Ok(())));
    let mut fourth = limiter.acquire();
    assert!(poll(&mut fourth).is_pending());
    clock.advance(2 * MS);
    assert!(poll(&mut fourth).is_pending());
    clock.advance(10 * MS);
    assert_eq!(poll(&mut fourth), Poll::Ready(Ok(())));
    assert_eq!(limiter.waiting(), 0);
    limiter.check_invariants();
    assert_eq!(poll(&mut third), Poll::Ready(Ok(())));
    assert_eq!(limiter.waiting(), 0);
    limiter.check_invariants();
}

#[test]
fn where_nobody_may_wait_there_are_still_tokens_to_be_had() {
    let (limiter, _) = limiter(10, 1);
    let limiter = limiter.with_max_waiting(0);
    assert_eq!(poll(&mut limiter.acquire()), Poll::Ready(Ok(())));
    assert!(matches!(poll(&mut limiter.acquire()), Poll::Ready(Err(_))));
}

/// A rule that panics takes no place in the queue with it.
#[test]
fn a_panic_while_one_reserves_leaves_no_trace_in_the_queue() {
    struct Panics;
    impl Limiter for Panics {
        fn try_acquire_at(&self, _: Instant, _: u64) -> Result<(), Denied> {
            panic!("as asked")
        }
        fn check_at(&self, _: Instant, _: u64) -> Decision {
            panic!("as asked")
        }
        fn peek_at(&self, _: Instant, _: u64) -> Decision {
            panic!("as asked")
        }
        fn reserve_at(&self, now: Instant, _: u64, wait: Duration) -> Result<Reservation, Denied> {
            assert!(wait.is_zero(), "as asked");
            Err(Denied::because(now, Reason::Exhausted))
        }
        fn cancel_at(&self, _: Instant, _: Reservation) -> u64 {
            0
        }
        fn refund_at(&self, _: Instant, _: u64) {}
        fn limit(&self) -> u64 {
            1
        }
    }
    let limiter = RateLimiter::from_limiter(Panics, ManualClock::new());
    let caught = catch_unwind(AssertUnwindSafe(|| poll(&mut limiter.acquire())));
    assert!(caught.is_err());
    assert_eq!(limiter.waiting(), 0);
    limiter.check_invariants();
}

#[test]
fn any_limiter_may_be_waited_for() {
    let clock = ManualClock::new();
    let rule = Gcra::new(Quota::per_second(10).unwrap().with_burst(1).unwrap()).unwrap();
    let shared: Arc<dyn Limiter + Send + Sync> = Arc::new(Shared::new(rule));
    let limiter = RateLimiter::from_limiter(shared, clock.clone());
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    assert_eq!(poll(&mut is_send(limiter.acquire())), Poll::Ready(Ok(())));
    let mut next = limiter.acquire();
    assert!(poll(&mut next).is_pending());
    clock.advance(100 * MS);
    assert!(poll(&mut next).is_ready());
}

/// What a test may do.
#[derive(Clone, Debug)]
enum Step {
    Acquire { cost: u64, max_wait: u64 },
    Poll { which: usize },
    Drop { which: usize },
    Advance { micros: u64 },
    TryAcquire { cost: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..7_u64, prop_oneof![Just(u64::MAX), 0..20_000_u64])
            .prop_map(|(cost, max_wait)| Step::Acquire { cost, max_wait }),
        6 => any::<usize>().prop_map(|which| Step::Poll { which }),
        2 => any::<usize>().prop_map(|which| Step::Drop { which }),
        3 => (0..30_000_u64).prop_map(|micros| Step::Advance { micros }),
        1 => (0..4_u64).prop_map(|cost| Step::TryAcquire { cost }),
    ]
}

/// A waiter, and what x/time/rate's rules hold for it on a limiter of the model's own.
struct Pair<'a> {
    future: Acquire<'a, Shared<Gcra>, ManualClock>,
    promised: Reservation,
}

/// A limiter with waiters beside a bare one that is told of each reservation and cancellation.
struct Model<'a> {
    limiter: &'a Waits,
    bare: Shared<Gcra>,
    waiting: Vec<Pair<'a>>,
}

impl Model<'_> {
    fn acquire(&mut self, cost: u64, max_wait: Duration) {
        let now = self.limiter.clock().now();
        let mut future = self.limiter.acquire_within(cost, max_wait);
        let promised = self.bare.reserve_at(now, cost, max_wait);
        match (poll(&mut future), promised) {
            (Poll::Ready(outcome), promised) => {
                let bare = promised.map(|promised| assert!(promised.ready_at() <= now));
                assert_eq!(outcome, bare);
            }
            (Poll::Pending, Ok(promised)) => self.waiting.push(Pair { future, promised }),
            (Poll::Pending, Err(denied)) => panic!("waits for what is refused: {denied}"),
        }
    }

    /// Whether the waiter came. It may only when its slot has, and must when all earlier came.
    fn poll(&mut self, index: usize) -> bool {
        let now = self.limiter.clock().now();
        let ready = self.waiting[index].promised.ready_at();
        let outcome: Poll<Result<(), Denied>> = poll(&mut self.waiting[index].future);
        let first = self
            .waiting
            .iter()
            .all(|pair| pair.promised.ready_at() >= ready);
        match outcome {
            Poll::Ready(outcome) => {
                assert_eq!(outcome, Ok(()));
                assert!(ready <= now);
                self.waiting.remove(index);
                true
            }
            Poll::Pending => {
                let last_of_equals = self
                    .waiting
                    .iter()
                    .filter(|pair| pair.promised.ready_at() == ready)
                    .count()
                    > 1;
                assert!(!first || ready > now || last_of_equals);
                false
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_limiter_stands_as_by_reserving_and_cancelling(
        (rate, burst) in (1..2_000_u64, 1..6_u64),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let (limiter, clock) = limiter(rate, burst);
        let rule = limiter.limiter().algorithm().clone();
        let bare = Shared::new(rule);
        let mut model = Model { limiter: &limiter, bare, waiting: Vec::new() };
        for step in steps {
            let among = model.waiting.len().max(1);
            match step {
                Step::Acquire { cost, max_wait } => {
                    model.acquire(cost, Duration::from_micros(max_wait));
                }
                Step::Poll { which } if which % among < model.waiting.len() => {
                    model.poll(which % among);
                }
                Step::Drop { which } if which % among < model.waiting.len() => {
                    let pair = model.waiting.remove(which % among);
                    drop(pair.future);
                    model.bare.cancel_at(clock.now(), pair.promised);
                }
                Step::Advance { micros } => clock.advance(Duration::from_micros(micros)),
                Step::TryAcquire { cost } => {
                    let bare = model.bare.try_acquire_at(clock.now(), cost);
                    prop_assert_eq!(limiter.try_acquire_n(cost), bare);
                }
                Step::Poll { .. } | Step::Drop { .. } => {}
            }
            prop_assert_eq!(limiter.limiter().state(), model.bare.state());
            limiter.check_invariants();
        }
        // Nobody is forgotten: all come, in the order of their slots, once all slots have.
        if let Some(last) = model.waiting.iter().map(|pair| pair.promised.ready_at()).max() {
            clock.set(last.max(clock.now()));
        }
        while !model.waiting.is_empty() {
            let came = (0..model.waiting.len()).rev().any(|index| model.poll(index));
            prop_assert!(came, "{} wait for each other", model.waiting.len());
        }
        prop_assert_eq!(clock.next_deadline(), None);
    }
}
