//! What was promised to one caller holds, whatever others cancel, reserve or reconfigure.

use core::future::Future;
use core::task::{Context, Waker};
use core::time::Duration;
use purlin_ratelimit::{
    Carry, Gcra, Hierarchy, Instant, Limiter, ManualClock, Quota, RateLimiter, Reservation, Shaper,
    Shared, SlidingWindowCounter, Striped,
};

const FOREVER: Duration = Duration::MAX;

fn second(second: u64) -> Instant {
    Instant::from_secs(second)
}

/// One a second, so many at once.
fn slow(burst: u64) -> Shared<Gcra> {
    let quota = Quota::per_second(1).and_then(|quota| quota.with_burst(burst));
    let gcra = quota.and_then(Gcra::new);
    Shared::new(gcra.expect("a usual quota"))
}

fn reserve(limiter: &impl Limiter, now: Instant, cost: u64) -> Reservation {
    let reservation = limiter.reserve_at(now, cost, FOREVER);
    reservation.expect("there is no limit to the wait")
}

/// All that is left.
fn drain(limiter: &impl Limiter, now: Instant) -> u64 {
    (0..)
        .take_while(|_| limiter.try_acquire_at(now, 1).is_ok())
        .count() as u64
}

#[test]
fn cancelling_newest_first_moves_nobody_together() {
    let limiter = slow(10);
    let now = second(0);
    assert_eq!(drain(&limiter, now), 10);
    let (first, second_one, last) = (
        reserve(&limiter, now, 10),
        reserve(&limiter, now, 10),
        reserve(&limiter, now, 1),
    );
    assert_eq!(last.ready_at(), second(21));
    // The last one was promised its instant after both.
    assert_eq!(limiter.cancel_at(now, second_one), 0);
    assert_eq!(limiter.cancel_at(now, first), 0);
    assert!(last.cost() + drain(&limiter, second(21)) <= 10);
}

#[test]
fn cancelling_from_the_end_gives_all_back() {
    let limiter = slow(10);
    let now = second(0);
    assert_eq!(drain(&limiter, now), 10);
    let reservations = [10, 3, 1].map(|cost| reserve(&limiter, now, cost));
    let given: u64 = (reservations.into_iter().rev())
        .map(|reservation| limiter.cancel_at(now, reservation))
        .sum();
    assert_eq!(given, 14);
    assert_eq!(reserve(&limiter, now, 1).ready_at(), second(1));
}

#[test]
fn waiters_who_give_up_move_nobody_together() {
    let clock = ManualClock::new();
    let quota = Quota::per_second(1).unwrap().with_burst(10).unwrap();
    let limiter = RateLimiter::with_clock(quota, clock.clone()).unwrap();
    assert!(limiter.try_acquire_n(10).is_ok());
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = [10, 10, 1].map(|cost| Box::pin(limiter.acquire_n(cost)));
    for waiter in &mut waiting {
        assert!(waiter.as_mut().poll(&mut context).is_pending());
    }
    let [first, second_one, mut last] = waiting;
    drop(second_one);
    drop(first);
    clock.advance(Duration::from_secs(21));
    assert!(last.as_mut().poll(&mut context).is_ready());
    let admitted = 1 + (0..100).filter(|_| limiter.try_acquire().is_ok()).count();
    assert!(admitted <= 10, "{admitted} at one instant");
}

#[test]
fn a_shaper_keeps_its_distance() {
    let quota = Quota::per_second(1).unwrap().with_burst(20).unwrap();
    let shaper = Shared::new(Shaper::new(quota).unwrap());
    let now = second(0);
    let before = reserve(&shaper, now, 1);
    let cancelled = reserve(&shaper, now, 5);
    let mut leaves = vec![before.ready_at(), reserve(&shaper, now, 1).ready_at()];
    shaper.cancel_at(now, cancelled);
    leaves.extend((0..8).map(|_| reserve(&shaper, now, 1).ready_at()));
    leaves.sort_unstable();
    for pair in leaves.windows(2) {
        assert!(
            pair[1].saturating_duration_since(pair[0]) >= Duration::from_secs(1),
            "{leaves:?}"
        );
    }
}

#[test]
fn reservations_of_many_users_keep_to_the_limit_they_share() {
    let quota = Quota::per_second(10).unwrap();
    let outer = Shared::new(Gcra::new(quota).unwrap());
    let users = [(); 10].map(|()| slow(10));
    let mut acting = Vec::new();
    for (user, now) in users.iter().zip((10..).map(second)) {
        assert_eq!(drain(user, second(10)), 10);
        // Its own limit has no tokens yet.
        let both = Hierarchy::new(&outer, user);
        for now in [now, second(20)] {
            let reservation = both.reserve_at(now, 10, FOREVER);
            acting.extend(reservation.map(|it| it.ready_at()));
        }
    }
    assert!(acting.len() >= 10, "{acting:?}");
    acting.sort_unstable();
    for pair in acting.windows(2) {
        assert!(
            pair[1].saturating_duration_since(pair[0]) >= Duration::from_secs(1),
            "{acting:?}"
        );
    }
}

#[test]
fn a_cancelled_reservation_of_a_hierarchy_takes_nothing_from_others() {
    let window = SlidingWindowCounter::new(10, Duration::from_secs(1)).unwrap();
    let (outer, inner) = (Shared::new(window), slow(10));
    let both = Hierarchy::new(&outer, &inner);
    let now = Instant::from_millis(500);
    assert_eq!(drain(&outer, now), 10);
    let reservation = reserve(&both, now, 5);
    let ready = reservation.ready_at();
    both.cancel_at(now, reservation);
    assert!(drain(&outer, ready) <= 10);
}

#[test]
fn debts_survive_a_change_of_the_rate() {
    let fast = Quota::per_second(1_000_000_000)
        .unwrap()
        .with_burst(1)
        .unwrap();
    let mut limiter = Shared::new(Gcra::new(fast).unwrap());
    let now = second(1);
    for _ in 0..400_000 {
        let _promised = reserve(&limiter, now, 1);
    }
    let daily = Gcra::new(Quota::per_day(1).unwrap()).unwrap();
    limiter.reconfigure(now, daily, Carry::AsIs);
    let century = Duration::from_secs(100 * 365 * 86_400);
    assert!(limiter.peek_at(now, 1).reset_after > century);
}

/// Of a rate that a word does not hold exactly, the bucket was full from a little earlier on.
#[test]
fn a_refund_makes_the_bucket_full_from_now_on_and_not_earlier() {
    let quota = Quota::new(241, Duration::from_nanos(134)).unwrap();
    let gcra = Gcra::new(quota.with_burst(225).unwrap()).unwrap();
    assert!(!gcra.is_exact());
    let limiter = Shared::new(gcra);
    let nanos = Instant::from_nanos;
    assert_eq!(reserve(&limiter, nanos(14), 225).ready_at(), nanos(14));
    limiter.refund_at(nanos(28), 225);
    // The clock goes back, so that the bucket is full by the refund's instant.
    assert!(reserve(&limiter, nanos(27), 225).ready_at() >= nanos(28));
    // Nine tokens come in more than five nanoseconds.
    assert_eq!(reserve(&limiter, nanos(27), 9).ready_at(), nanos(34));
}

#[test]
fn a_striped_limiter_of_any_quota_is_made_or_refused() {
    for days in [1, 400, 290 * 365] {
        let period = Duration::from_secs(days * 86_400);
        let limiter = Striped::with_stripes(Quota::new(1, period).unwrap(), 1024, second(0));
        let limiter = limiter.unwrap();
        assert_eq!(drain(&limiter, second(0)), 1);
    }
    let limiter = Striped::with_stripes(Quota::per_second(1000).unwrap(), 1, second(0)).unwrap();
    assert!(limiter.try_acquire_at(second(0), 1).is_ok());
    for now in [second(0), second(10)] {
        let decision = limiter.peek_at(now, 1);
        assert!(decision.remaining <= decision.limit, "{decision:?}");
    }
}
