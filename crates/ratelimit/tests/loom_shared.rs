//! Every interleaving of threads at a limiter of one word. Run with `--cfg purlin_loom`.
#![cfg(purlin_loom)]

use core::time::Duration;
use loom::sync::Arc;
use loom::thread;
use purlin_ratelimit::{Gcra, Instant, Limiter, Quota, Shared};

/// Three at once, one more each ten nanoseconds.
fn limiter() -> Arc<Shared<Gcra>> {
    let quota = Quota::new(1, Duration::from_nanos(10)).unwrap();
    Arc::new(Shared::new(
        Gcra::new(quota.with_burst(3).unwrap()).unwrap(),
    ))
}

/// How much of what each thread asks for, a list of instants and costs, is admitted in all.
fn admitted(limiter: &Arc<Shared<Gcra>>, asked: &[&'static [(u64, u64)]]) -> u64 {
    let threads: Vec<_> = asked
        .iter()
        .map(|&requests| {
            let limiter = Arc::clone(limiter);
            thread::spawn(move || {
                let admit = |&&(now, cost): &&(u64, u64)| {
                    limiter
                        .try_acquire_at(Instant::from_nanos(now), cost)
                        .is_ok()
                };
                requests
                    .iter()
                    .filter(admit)
                    .map(|(_, cost)| cost)
                    .sum::<u64>()
            })
        })
        .collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum()
}

#[test]
fn together_no_more_than_one_after_the_other() {
    loom::model(|| {
        let limiter = limiter();
        assert_eq!(
            admitted(&limiter, &[&[(0, 1), (0, 1)], &[(0, 1), (0, 1)]]),
            3
        );
        assert_eq!(limiter.peek_at(Instant::default(), 0).remaining, 0);
    });
}

#[test]
fn three_threads_and_a_step_of_time() {
    loom::model(|| {
        let limiter = limiter();
        let admitted = admitted(&limiter, &[&[(0, 2)], &[(10, 1)], &[(10, 1)]]);
        // All, or, when the clock went back for the cost of two, the others.
        assert!([2, 4].contains(&admitted), "{admitted}");
    });
}

#[test]
fn a_cancelled_reservation_is_as_none() {
    loom::model(|| {
        let limiter = limiter();
        let reserving = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || {
                let now = Instant::default();
                let reservation = limiter.reserve_at(now, 2, Duration::ZERO).ok()?;
                Some(limiter.cancel_at(now, reservation))
            })
        };
        let got = admitted(&limiter, &[&[(0, 1), (0, 1)]]);
        let given_back = reserving.join().unwrap();
        let left = limiter.peek_at(Instant::default(), 0).remaining;
        // What others took after it stays paid for; nothing comes from nowhere.
        let kept = given_back.map_or(0, |tokens| 2 - tokens);
        assert_eq!(got + kept + left, 3);
    });
}
