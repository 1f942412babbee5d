//! The limiter against a model that keeps lists of everybody.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use proptest::prelude::*;
use purlin_ratelimit::ManualClock;
use purlin_ratelimit::concurrency::{AcquireError, ConcurrencyLimiter, Fixed, Permit};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Wake;

type FixedPermit<'a> = Permit<'a, Fixed, ManualClock>;
type Wait<'a> = Pin<Box<dyn Future<Output = Result<FixedPermit<'a>, AcquireError>> + 'a>>;

#[derive(Clone, Debug)]
enum Step {
    Try,
    /// Of the permits held, the one at this place.
    Release(usize),
    SetLimit(u32),
    Join,
    /// Of those who wait or were admitted without having looked, the one at this place.
    Poll(usize),
    GiveUp(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Try),
        3 => any::<usize>().prop_map(Step::Release),
        1 => (1..5_u32).prop_map(Step::SetLimit),
        3 => Just(Step::Join),
        2 => any::<usize>().prop_map(Step::Poll),
        2 => any::<usize>().prop_map(Step::GiveUp),
    ];
    prop::collection::vec(step, 1..80)
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// What ought to be.
struct Model {
    limit: usize,
    max_waiting: usize,
    held: usize,
    queue: VecDeque<usize>,
    /// Admitted from the queue, and not collected yet.
    admitted: Vec<usize>,
}

impl Model {
    fn in_flight(&self) -> usize {
        self.held + self.admitted.len()
    }

    fn has_room(&self) -> bool {
        self.queue.is_empty() && self.in_flight() < self.limit
    }

    fn admit(&mut self) {
        while self.in_flight() < self.limit {
            let Some(first) = self.queue.pop_front() else {
                return;
            };
            self.admitted.push(first);
        }
    }
}

/// Somebody who joined the queue.
struct Waiter<'a> {
    id: usize,
    wait: Wait<'a>,
    wakes: Arc<Wakes>,
}

impl<'a> Waiter<'a> {
    fn poll(&mut self) -> Poll<Result<FixedPermit<'a>, AcquireError>> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.wait.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

fn run(limit: u32, max_waiting: u32, steps: Vec<Step>) {
    let fixed = Fixed::new(limit).expect("a limit");
    let limiter = ConcurrencyLimiter::with_clock(fixed, ManualClock::new());
    let limiter = limiter.with_max_waiting(max_waiting);
    let mut model = Model {
        limit: limit as usize,
        max_waiting: max_waiting as usize,
        held: 0,
        queue: VecDeque::new(),
        admitted: Vec::new(),
    };
    let mut permits: Vec<FixedPermit<'_>> = Vec::new();
    let mut waiters: Vec<Waiter<'_>> = Vec::new();
    for (id, step) in steps.into_iter().enumerate() {
        match step {
            Step::Try => {
                let has_room = model.has_room();
                let permit = limiter.try_acquire();
                assert_eq!(permit.is_ok(), has_room);
                permits.extend(permit);
            }
            Step::Release(at) if !permits.is_empty() => {
                drop(permits.swap_remove(at % permits.len()));
                model.held -= 1;
                model.admit();
            }
            Step::SetLimit(limit) => {
                limiter.set_limit(limit).expect("a limit");
                model.limit = limit as usize;
                model.admit();
            }
            Step::Join => join(&limiter, id, &mut model, &mut waiters, &mut permits),
            Step::Poll(at) if !waiters.is_empty() => {
                let at = at % waiters.len();
                let waiter = &mut waiters[at];
                let admitted = model.admitted.iter().position(|&id| id == waiter.id);
                match (waiter.poll(), admitted) {
                    (Poll::Ready(Ok(permit)), Some(place)) => {
                        model.admitted.remove(place);
                        waiters.remove(at);
                        permits.push(permit);
                    }
                    (Poll::Pending, None) => {}
                    (polled, admitted) => panic!("{polled:?}, but admitted: {admitted:?}"),
                }
            }
            Step::GiveUp(at) if !waiters.is_empty() => {
                let Waiter { id, wait, .. } = waiters.remove(at % waiters.len());
                drop(wait);
                model.queue.retain(|&waiting| waiting != id);
                model.admitted.retain(|&admitted| admitted != id);
                model.admit();
            }
            Step::Release(_) | Step::Poll(_) | Step::GiveUp(_) => {}
        }
        model.held = permits.len();
        let stats = limiter.stats();
        assert_eq!(stats.in_flight as usize, model.in_flight());
        assert_eq!(stats.limit as usize, model.limit);
        assert_eq!(stats.waiting, model.queue.len());
        for waiter in &waiters {
            let is_admitted = model.admitted.contains(&waiter.id);
            let wakes = waiter.wakes.0.load(Ordering::SeqCst);
            assert_eq!(wakes, usize::from(is_admitted), "woken once, when admitted");
        }
        limiter.check_invariants();
    }
    drop(waiters);
    drop(permits);
    assert_eq!(limiter.in_flight(), 0, "all came back");
}

fn join<'a>(
    limiter: &'a ConcurrencyLimiter<Fixed, ManualClock>,
    id: usize,
    model: &mut Model,
    waiters: &mut Vec<Waiter<'a>>,
    permits: &mut Vec<FixedPermit<'a>>,
) {
    let wakes = Arc::new(Wakes::default());
    let wait = Box::pin(limiter.acquire());
    let mut waiter = Waiter { id, wait, wakes };
    match waiter.poll() {
        Poll::Ready(Ok(permit)) => {
            assert!(model.has_room());
            permits.push(permit);
        }
        Poll::Ready(Err(error)) => {
            let max_waiting = u32::try_from(model.max_waiting).expect("it was one");
            assert_eq!(error, AcquireError::QueueFull { max_waiting });
            assert!(!model.has_room() && model.queue.len() == model.max_waiting);
        }
        Poll::Pending => {
            assert!(!model.has_room() && model.queue.len() < model.max_waiting);
            model.queue.push_back(id);
            waiters.push(waiter);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn agrees_with_the_model(limit in 1..5_u32, max_waiting in 0..5_u32, steps in steps()) {
        run(limit, max_waiting, steps);
    }
}
