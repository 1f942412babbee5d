//! Limiters that are reconfigured while they are used.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::{
    Adjustable, Carry, Gcra, Instant, Limiter, Locked, MultiBandwidth, Quota, Shared,
};

fn gcra(count: u64, burst: u64) -> Gcra {
    Gcra::new(
        Quota::per_second(count)
            .expect("it is valid")
            .with_burst(burst)
            .expect("it is valid"),
    )
    .expect("it is valid")
}

proptest! {
    #[test]
    fn each_way_to_carry_does_what_it_says(
        old in (1..100_u64, 1..50_u64),
        new in (1..100_u64, 1..50_u64),
        taken in 0..50_u64,
        debt in 0..50_u64,
    ) {
        let now = Instant::from_secs(3);
        let left = |carry| {
            let limiter = Adjustable::new(Shared::new(gcra(old.0, old.1)));
            limiter.try_acquire_at(now, taken.min(old.1)).unwrap();
            let before = limiter.peek_at(now, 1).remaining;
            limiter.reconfigure(now, gcra(new.0, new.1), carry);
            (before, limiter.peek_at(now, 1).remaining)
        };
        let (before, after) = left(Carry::AsIs);
        prop_assert_eq!(after, before.min(new.1));
        let (before, after) = left(Carry::Additive);
        prop_assert_eq!(after, (before + new.1).saturating_sub(old.1));
        let (before, after) = left(Carry::Proportional);
        prop_assert_eq!(after, before * new.1 / old.1);
        prop_assert_eq!(left(Carry::Reset).1, new.1);

        // Tokens that were promised are waited for, at the new rate.
        let limiter = Adjustable::new(Shared::new(gcra(old.0, old.1)));
        limiter.try_acquire_at(now, old.1).unwrap();
        let debt = debt.min(old.1);
        let promised = limiter.reserve_at(now, debt, Duration::MAX).unwrap();
        limiter.reconfigure(now, gcra(new.0, new.1), Carry::AsIs);
        let wait = limiter.peek_at(now, 1).retry_after().unwrap();
        let due = u128::from(debt + 1) * 1_000_000_000;
        prop_assert_eq!(wait.as_nanos(), due.div_ceil(u128::from(new.0)));
        // In units of the old configuration, that cannot be cancelled any more.
        prop_assert_eq!(limiter.cancel_at(now, promised), 0);
        prop_assert_eq!(limiter.peek_at(now, 1).retry_after(), Some(wait));
        let again = limiter.reserve_at(now, new.1, Duration::MAX).unwrap();
        prop_assert_eq!(limiter.cancel_at(now, again), new.1);
        prop_assert_eq!(limiter.peek_at(now, 1).retry_after(), Some(wait));
    }
}

#[test]
fn no_burst_comes_of_changes_among_callers() {
    let limiter = Adjustable::new(Shared::new(gcra(1, 500)));
    let now = Instant::from_secs(1);
    let done = AtomicBool::new(false);
    let admitted: usize = std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                let burst = [500, 700][round % 2];
                limiter.reconfigure(now, gcra(1 + round as u64 % 9, burst), Carry::AsIs);
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let callers = [(); 3].map(|()| {
            scope.spawn(|| {
                let one = |_: &u32| limiter.try_acquire_at(now, 1).is_ok();
                (0..2_000).filter(one).count()
            })
        });
        let admitted = callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .sum();
        done.store(true, Ordering::Relaxed);
        admitted
    });
    assert_eq!(admitted, 500);
}

#[test]
fn several_bandwidths_can_be_adjusted_too() {
    let rule = |second, day| {
        let day = Gcra::new(Quota::per_day(day).unwrap()).unwrap();
        MultiBandwidth::new([gcra(second, second), day]).unwrap()
    };
    let limiter = Adjustable::new(Locked::new(rule(10, 100)));
    let now = Instant::from_secs(1);
    limiter.try_acquire_at(now, 6).unwrap();
    limiter.reconfigure(now, rule(20, 96), Carry::Additive);
    assert_eq!(limiter.peek_at(now, 0).remaining, 14);
    assert_eq!(limiter.algorithm().bandwidths().len(), 2);
    assert_eq!(limiter.limit(), 20);
}
