//! A limiter within a limiter takes from both or from none.

#[path = "reference/bucket.rs"]
mod bucket;

use bucket::Bucket;
use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::{
    Decision, Denied, Gcra, Hierarchy, Instant, Level, Limiter, Locked, Quota, Reason, Reservation,
    Shared,
};

fn shared(count: u64, period: Duration, burst: u64) -> Shared<Gcra> {
    let quota = Quota::new(count, period).and_then(|quota| quota.with_burst(burst));
    Shared::new(Gcra::new(quota.expect("it is valid")).expect("it is valid"))
}

proptest! {
    #[test]
    fn it_decides_as_two_buckets_that_are_asked_together(
        outer in (1..50_u64, 1..20_u64),
        inner in (1..50_u64, 1..20_u64),
        steps in prop::collection::vec((0..400_000_000_u64, 0..6_u64), 1..60),
    ) {
        // Rates whose nanoseconds are whole: what is compared is the combination.
        let quota = |(count, burst)| Quota::per_second(count).unwrap().with_burst(burst).unwrap();
        let quotas = [quota(outer), quota(inner)];
        let mut buckets = quotas.map(|quota| Bucket::new(&quota));
        let [outer, inner] = quotas.map(|quota| Shared::new(Gcra::new(quota).unwrap()));
        let both = Hierarchy::new(&outer, &inner);
        let mut now = Instant::from_secs(0);
        for (elapsed, cost) in steps {
            now += Duration::from_nanos(elapsed);
            let wait = bucket::wait(&mut buckets, now, cost);
            let peek = both.peek_at(now, cost);
            prop_assert_eq!(peek.is_allowed(), wait == Some(0));
            prop_assert_eq!(peek.retry_after().map(|wait| wait.as_nanos()), wait);
            prop_assert_eq!(
                u128::from(peek.remaining),
                buckets[0].remaining().min(buckets[1].remaining())
            );
            prop_assert_eq!(both.refused_by(now, cost).is_none(), wait == Some(0));
            let states = (outer.state(), inner.state());
            let outcome = both.try_acquire_at(now, cost);
            prop_assert_eq!(outcome, peek.outcome);
            if outcome.is_ok() {
                buckets.iter_mut().for_each(|bucket| bucket.take(cost));
            } else {
                prop_assert_eq!((outer.state(), inner.state()), states);
            }
        }
    }

    #[test]
    fn what_is_reserved_and_cancelled_never_was(
        taken in 0..5_u64,
        cost in 0..5_u64,
        max_wait in 0..10_u64,
    ) {
        let second = Duration::from_secs(1);
        let (outer, inner) = (shared(1, second, 5), shared(2, second, 5));
        let both = Hierarchy::new(&outer, &inner);
        let now = Instant::from_secs(50);
        both.try_acquire_at(now, taken).unwrap();
        let before = [outer.peek_at(now, 0), inner.peek_at(now, 0)];
        if let Ok(reservation) = both.reserve_at(now, cost, Duration::from_secs(max_wait)) {
            // At one token a second the outer one is the slower, which it waits for.
            let short = (taken + cost).saturating_sub(5);
            prop_assert_eq!(reservation.wait_from(now), Duration::from_secs(short));
            prop_assert_eq!(both.cancel_at(now, reservation), cost);
        } else {
            prop_assert!((taken + cost).saturating_sub(5) > max_wait);
        }
        prop_assert_eq!(outer.peek_at(now, 0), before[0]);
        // Of the inner one the tokens were of the instant to come, and it is full then.
        let wait = (taken + cost).saturating_sub(5).min(max_wait);
        let full_by = before[1].reset_after.max(Duration::from_secs(wait));
        prop_assert!(inner.peek_at(now, 0).reset_after <= full_by);
    }
}

#[test]
fn threads_exceed_neither_limit_and_lose_nothing_where_only_one_binds() {
    let day = Duration::from_secs(86_400);
    let tenant = shared(1_000, day, 1_000);
    let users = [(); 4].map(|()| shared(400, day, 400));
    let now = Instant::from_secs(9);
    let run = |rounds: usize| -> Vec<usize> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = users
                .iter()
                .chain(&users)
                .map(|user| {
                    let limiter = Hierarchy::new(&tenant, user);
                    let tries = move || {
                        (0..rounds)
                            .filter(|_| limiter.try_acquire_at(now, 1).is_ok())
                            .count()
                    };
                    scope.spawn(tries)
                })
                .collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().unwrap();
            threads.into_iter().map(join).collect()
        })
    };
    // Below all limits: exactly all.
    assert_eq!(run(50).iter().sum::<usize>(), 400);
    // 600 are left to the tenant, 300 to each user.
    let more = run(2_000);
    assert!(more.iter().sum::<usize>() <= 600, "{more:?}");
    for user in 0..4 {
        assert!(more[user] + more[user + 4] <= 300, "{more:?}");
    }
}

#[test]
fn levels_nest_and_the_innermost_refusal_leaves_all_as_it_was() {
    let second = Duration::from_secs(1);
    let (service, tenant, user) = (
        shared(9, second, 9),
        shared(6, second, 6),
        shared(3, second, 3),
    );
    let three = Hierarchy::new(Hierarchy::new(&service, &tenant), &user);
    let now = Instant::from_secs(1);
    assert!(three.try_acquire_at(now, 3).is_ok());
    let states = [service.state(), tenant.state(), user.state()];
    assert!(three.try_acquire_at(now, 1).is_err());
    assert_eq!([service.state(), tenant.state(), user.state()], states);
    assert_eq!(three.refused_by(now, 1), Some(Level::Inner));
    assert_eq!(three.refused_by(now, 4), Some(Level::Both));
    assert_eq!(
        three.try_acquire_at(now, 4).unwrap_err().reason(),
        Reason::TooLarge
    );
    assert_eq!(three.limit(), 3);
    three.refund_at(now, 3);
    assert_eq!(three.check_at(now, 0).remaining, 3);
    assert_eq!(service.peek_at(now, 0).remaining, 9);
}

#[test]
fn a_reservation_whose_marks_do_not_fit_is_kept() {
    // Units of a sixth of 2^64 a nanosecond: marks above a word.
    let quota = Quota::new(u64::MAX - 58, Duration::from_nanos(6))
        .unwrap()
        .with_burst(1)
        .unwrap();
    let wide = Locked::new(Gcra::wide(quota).unwrap());
    let both = Hierarchy::new(&wide, shared(1, Duration::from_secs(1), 1));
    let now = Instant::from_secs(1);
    let reservation = both.reserve_at(now, 1, Duration::ZERO).unwrap();
    assert_eq!(both.cancel_at(now, reservation), 0);
    assert!(both.try_acquire_at(now, 1).is_err());
}

/// A limiter that somebody else empties after each look.
struct Raced<'a>(&'a Shared<Gcra>);

impl Limiter for Raced<'_> {
    fn try_acquire_at(&self, now: Instant, cost: u64) -> Result<(), Denied> {
        self.0.try_acquire_at(now, cost)
    }

    fn check_at(&self, now: Instant, cost: u64) -> Decision {
        self.0.check_at(now, cost)
    }

    fn peek_at(&self, now: Instant, cost: u64) -> Decision {
        let decision = self.0.peek_at(now, cost);
        let _ = self.0.try_acquire_at(now, self.0.limit());
        decision
    }

    fn reserve_at(
        &self,
        now: Instant,
        cost: u64,
        max_wait: Duration,
    ) -> Result<Reservation, Denied> {
        self.0.reserve_at(now, cost, max_wait)
    }

    fn cancel_at(&self, now: Instant, reservation: Reservation) -> u64 {
        self.0.cancel_at(now, reservation)
    }

    fn refund_at(&self, now: Instant, cost: u64) {
        self.0.refund_at(now, cost);
    }

    fn limit(&self) -> u64 {
        self.0.limit()
    }
}

#[test]
fn who_comes_between_look_and_take_costs_the_outer_level_nothing() {
    let second = Duration::from_secs(1);
    let (outer, inner) = (shared(5, second, 5), shared(2, second, 2));
    let both = Hierarchy::new(&outer, Raced(&inner));
    let now = Instant::from_secs(1);
    outer.try_acquire_at(now, 1).unwrap();
    assert!(both.try_acquire_at(now, 1).is_err());
    assert_eq!(outer.peek_at(now, 0).remaining, 4);
}
