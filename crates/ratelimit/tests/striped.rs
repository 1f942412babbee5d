//! A limiter with stripes admits no more than its quota, whichever threads ask, and loses nothing
//! that it leased.

use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::{Instant, Limiter, Quota, Striped};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};

/// A request: which thread, how long after the one before, how much.
type Request = (usize, u64, u64);

const THREADS: usize = 3;

/// Threads that ask when they are told to, so that each history has one order.
struct Workers {
    requests: Vec<Sender<(Instant, u64)>>,
    answers: Receiver<bool>,
}

impl Workers {
    fn start<'scope>(scope: &'scope Scope<'scope, '_>, limiter: &'scope Striped) -> Self {
        let (answer, answers) = channel();
        let requests = (0..THREADS).map(|_| {
            let (request, requests) = channel::<(Instant, u64)>();
            let answer = answer.clone();
            scope.spawn(move || {
                for (now, cost) in requests {
                    answer
                        .send(limiter.try_acquire_at(now, cost).is_ok())
                        .expect("both ends are there");
                }
            });
            request
        });
        let requests = requests.collect();
        Self { requests, answers }
    }

    fn ask(&self, thread: usize, now: Instant, cost: u64) -> bool {
        self.requests[thread]
            .send((now, cost))
            .expect("both ends are there");
        self.answers.recv().expect("both ends are there")
    }
}

/// Admissions as instant and cost, in the order of the requests.
fn admitted(limiter: &Striped, requests: &[Request]) -> Vec<(u64, u64)> {
    thread::scope(|scope| {
        let workers = Workers::start(scope, limiter);
        let mut now = 0;
        let mut admitted = Vec::new();
        for &(thread, after, cost) in requests {
            now += after;
            if workers.ask(thread, Instant::from_nanos(now), cost) {
                admitted.push((now, cost));
            }
            limiter.check_invariants();
        }
        admitted
    })
}

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let after = prop_oneof![Just(0), 0..3_u64, 0..500_u64, 10_000..2_000_000_u64];
    let cost = prop_oneof![8 => Just(1_u64), 1 => 0..20_u64, 1 => 0..2_000_u64];
    prop::collection::vec((0..THREADS, after, cost), 1..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// P1, in every span: what was leased before it and spent in it included.
    #[test]
    fn no_span_admits_more_than_burst_and_rate(
        requests in requests(),
        burst in 1..2_000_u64,
        nanos_a_token in 1..1_000_u64,
    ) {
        let quota = Quota::new(1, Duration::from_nanos(nanos_a_token)).unwrap();
        let quota = quota.with_burst(burst).unwrap();
        let limiter = Striped::with_stripes(quota, 2, Instant::default()).unwrap();
        let admitted = admitted(&limiter, &requests);
        for first in 0..admitted.len() {
            let mut sum = 0;
            for &(at, cost) in &admitted[first..] {
                sum += cost;
                let tokens = burst + (at - admitted[first].0) / nanos_a_token;
                prop_assert!(sum <= tokens, "{sum} of {tokens} tokens since {first}");
            }
        }
    }
}

#[test]
fn one_thread_gets_all_that_comes() {
    let quota = Quota::per_second(1_000_000)
        .unwrap()
        .with_burst(10_000)
        .unwrap();
    let limiter = Striped::with_stripes(quota, 4, Instant::default()).unwrap();
    // Twice as many as come, for a second.
    let admitted = (0..2_000_000_u64)
        .filter(|request| {
            limiter
                .try_acquire_at(Instant::from_nanos(request * 500), 1)
                .is_ok()
        })
        .count() as u64;
    // Leased tokens are spent in the end, all but those of the last lease.
    let at_least = limiter.limit() + 999_999 - 64;
    assert!(
        (at_least..=10_000 + 999_999).contains(&admitted),
        "{admitted}"
    );
}

#[test]
fn costs_that_leave_a_rest_of_a_lease_lose_nothing() {
    let quota = Quota::per_second(1).unwrap().with_burst(100_000).unwrap();
    for cost in [3, 33, 63, 64, 65] {
        let limiter = Striped::with_stripes(quota, 4, Instant::default()).unwrap();
        let took = |_: &u64| limiter.try_acquire_at(Instant::default(), cost).is_ok();
        let admitted = cost * (0..100_000).take_while(took).count() as u64;
        // The rest of the last lease, and what is left of the word below a cost.
        assert!(
            admitted + 2 * cost > limiter.limit(),
            "{admitted} by {cost}"
        );
    }
}

#[test]
fn threads_together_stay_within_the_burst() {
    let quota = Quota::per_second(1).unwrap().with_burst(100_000).unwrap();
    let limiter = Striped::new(quota).unwrap();
    let ask = || {
        let requests = 0..60_000;
        requests
            .filter(|_| limiter.try_acquire_at(Instant::default(), 1).is_ok())
            .count() as u64
    };
    let admitted: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    // A thread that asked often enough leaves what it leased last.
    let at_least = limiter.limit() - 4 * 64;
    assert!((at_least..=100_000).contains(&admitted), "{admitted}");
}

#[test]
fn what_an_ended_thread_left_is_spent_by_the_next() {
    let quota = Quota::per_second(1).unwrap().with_burst(1_000).unwrap();
    let limiter = Striped::with_stripes(quota, 4, Instant::default()).unwrap();
    let mut admitted = 0;
    // One after the other: whichever numbers they get, beside the threads of other tests.
    for _ in 0..2_000 {
        let ask = || u64::from(limiter.try_acquire_at(Instant::default(), 1).is_ok());
        admitted += thread::scope(|scope| scope.spawn(ask).join().unwrap());
    }
    let at_least = limiter.limit() - 4 * 62;
    assert!((at_least..=1_000).contains(&admitted), "{admitted}");
}

#[test]
fn small_bursts_are_not_shared() {
    let quota = Quota::per_second(1).unwrap().with_burst(3).unwrap();
    let limiter = Striped::with_stripes(quota, 8, Instant::default()).unwrap();
    assert_eq!(limiter.limit(), 3);
    let admitted = (0..10).filter(|_| limiter.try_acquire_at(Instant::default(), 1).is_ok());
    assert_eq!(admitted.count(), 3);
}

#[test]
fn too_many_stripes_or_none_are_refused() {
    let quota = Quota::per_second(1).unwrap();
    for stripes in [0, 1025, usize::MAX] {
        let error = Striped::with_stripes(quota, stripes, Instant::default()).unwrap_err();
        assert_eq!(error.to_string(), "stripes must be between 1 and 1,024");
    }
}
