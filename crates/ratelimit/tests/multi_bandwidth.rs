//! Several limits at once decide as several buckets in exact fractions do.

#[path = "reference/bucket.rs"]
mod bucket;

use bucket::Bucket;
use core::time::Duration;
use proptest::prelude::*;
use purlin_ratelimit::{
    Algorithm, Carry, ConfigError, Gcra, Instant, Limiter, Local, Locked, MultiBandwidth, Quota,
    Reconfigure,
};

const FOREVER: Duration = Duration::from_secs(1 << 40);

fn quota(count: u64, millis: u64, burst: u64) -> Quota {
    let quota = Quota::new(count, Duration::from_millis(millis)).expect("it is valid");
    quota.with_burst(burst).expect("it is valid")
}

fn quotas() -> impl Strategy<Value = Vec<Quota>> {
    let one = (1..12_u64, 1..3_000_u64, 1..10_u64);
    let one = one.prop_map(|(count, millis, burst)| quota(count, millis, burst));
    prop::collection::hash_set(one, 1..5).prop_map(|set| set.into_iter().collect())
}

/// Of 128 bits: no rate is rounded.
fn rule(quotas: &[Quota]) -> MultiBandwidth<Gcra<u128>> {
    let wide: Vec<_> = quotas
        .iter()
        .map(|quota| Gcra::wide(*quota).expect("it is valid"))
        .collect();
    MultiBandwidth::new(wide).expect("it is valid")
}

fn steps() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((0..2_000_000_000_u64, 0..6_u64), 1..50)
}

proptest! {
    #[test]
    fn it_decides_as_the_buckets_do(quotas in quotas(), steps in steps()) {
        let mut buckets: Vec<_> = quotas.iter().map(Bucket::new).collect();
        let limiter = Locked::new(rule(&quotas));
        let mut now = Instant::from_secs(0);
        for (elapsed, cost) in steps {
            now += Duration::from_nanos(elapsed);
            let waits: Vec<_> = buckets.iter_mut().map(|bucket| bucket.wait(now, cost)).collect();
            let wait = bucket::wait(&mut buckets, now, cost);
            let before = limiter.state();
            let peek = limiter.peek_at(now, cost);
            prop_assert_eq!(limiter.state(), before.clone());
            prop_assert_eq!(peek.retry_after().map(|wait| wait.as_nanos()), wait);
            let least = buckets.iter().map(Bucket::remaining).min();
            prop_assert_eq!(Some(u128::from(peek.remaining)), least);
            let binding = limiter.algorithm().binding(&before, now, cost);
            prop_assert_eq!(waits[binding].unwrap_or(u128::MAX), wait.unwrap_or(u128::MAX));
            if wait == Some(0) {
                prop_assert_eq!(Some(buckets[binding].remaining()), least);
            }
            let outcome = limiter.try_acquire_at(now, cost);
            prop_assert_eq!(outcome, peek.outcome);
            if outcome.is_ok() {
                buckets.iter_mut().for_each(|bucket| bucket.take(cost));
            } else {
                prop_assert_eq!(limiter.state(), before);
            }
        }
    }

    /// By the instants at which tokens may be used, whether reserved or not.
    #[test]
    fn every_limit_is_kept_in_every_span_of_time(quotas in quotas(), steps in steps()) {
        let limiter = Local::new(rule(&quotas));
        let mut now = Instant::from_secs(0);
        let mut uses: Vec<(u64, u64)> = Vec::new();
        for (elapsed, cost) in steps {
            now += Duration::from_nanos(elapsed / 8);
            let wait = limiter.peek_at(now, cost).retry_after();
            let wait = wait.filter(|wait| *wait <= Duration::from_secs(4));
            let reserved = limiter.reserve_at(now, cost, Duration::from_secs(4));
            prop_assert_eq!(reserved.as_ref().ok().map(|taken| taken.wait_from(now)), wait);
            match reserved {
                Ok(reservation) if elapsed % 5 == 0 => {
                    prop_assert_eq!(limiter.cancel_at(now, reservation), cost);
                }
                Ok(reservation) => uses.push((reservation.ready_at().as_nanos(), cost)),
                Err(_) => {}
            }
        }
        prop_assert!(uses.iter().filter(|(_, cost)| *cost > 0).is_sorted());
        for (first, (start, _)) in uses.iter().enumerate() {
            let mut used = 0;
            for (end, cost) in &uses[first..] {
                used += u128::from(*cost);
                for quota in &quotas {
                    let period = quota.period().as_nanos();
                    let come = u128::from(end.saturating_sub(*start)) * u128::from(quota.count());
                    prop_assert!(used * period <= u128::from(quota.burst()) * period + come);
                }
            }
        }
    }

    #[test]
    fn the_newest_reservation_can_be_cancelled_and_an_older_one_not(
        quotas in quotas(),
        taken in 0..10_u64,
        costs in (1..5_u64, 1..5_u64),
    ) {
        let limiter = Local::new(rule(&quotas));
        let now = Instant::from_secs(77);
        let _ = limiter.try_acquire_at(now, taken);
        let one = limiter.reserve_at(now, costs.0, FOREVER);
        let before = limiter.peek_at(now, 1);
        let (Ok(one), Ok(two)) = (one, limiter.reserve_at(now, costs.1, FOREVER)) else {
            return Ok(());
        };
        // Nothing was taken, so that there is nothing to put back.
        let nothing = limiter.reserve_at(now, 0, FOREVER).unwrap();
        prop_assert_eq!(limiter.cancel_at(now, nothing), 0);
        prop_assert_eq!(limiter.cancel_at(now, two), costs.1);
        prop_assert_eq!(limiter.peek_at(now, 1), before);
        let three = limiter.reserve_at(now, costs.1, FOREVER).unwrap();
        prop_assert_eq!(limiter.cancel_at(now, one), 0);
        prop_assert_eq!(limiter.cancel_at(now, three), costs.1);
        prop_assert_eq!(limiter.peek_at(now, 1), before);
    }

    #[test]
    fn an_idle_or_a_moved_state_decides_as_before(quotas in quotas(), steps in steps()) {
        let rule = rule(&quotas);
        let mut state = Default::default();
        let mut now = Instant::from_secs(1);
        for (elapsed, cost) in steps {
            now += Duration::from_nanos(elapsed / 4);
            let _ = rule.decide(&mut state, now, cost);
            let later = now + Duration::from_secs(1000);
            let moved = rule.rebase(&state, now, later);
            for cost in [0, 1, 4] {
                let here = rule.inspect(&state, now, cost);
                let there = rule.inspect(&moved, later, cost);
                prop_assert_eq!(here.retry_after(), there.retry_after());
                prop_assert_eq!((here.remaining, here.reset_after), (there.remaining, there.reset_after));
            }
            prop_assert_eq!(rule.is_idle(&state, now), rule.inspect(&state, now, 0).reset_after.is_zero());
        }
    }
}

#[test]
fn limits_come_and_go_by_their_place() {
    let three = [quota(1, 1000, 4), quota(1, 2000, 6), quota(1, 4000, 8)];
    let now = Instant::from_secs(5);
    let (old, new) = (rule(&three[..2]), rule(&three));
    let mut state = Default::default();
    old.decide(&mut state, now, 3).unwrap();
    let grown = new.migrate(&old, &state, now, Carry::AsIs);
    let left: Vec<_> = new
        .each(&grown, now, 0)
        .map(|decision| decision.remaining)
        .collect();
    assert_eq!(left, [1, 3, 8]);
    let shrunk = rule(&three[..1]).migrate(&new, &grown, now, Carry::AsIs);
    assert_eq!(rule(&three[..1]).inspect(&shrunk, now, 0).remaining, 1);
}

#[test]
fn no_limits_and_limits_that_repeat_are_refused() {
    let one = Gcra::new(quota(1, 1, 1)).unwrap();
    assert_eq!(
        MultiBandwidth::<Gcra>::new([]),
        Err(ConfigError::Zero {
            field: "bandwidths"
        })
    );
    let twice = MultiBandwidth::new([one.clone(), one]);
    assert_eq!(
        twice.unwrap_err().to_string(),
        "bandwidths must be different from each other"
    );
}
