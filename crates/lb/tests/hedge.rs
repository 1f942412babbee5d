//! Hedged requests.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks and nanoseconds of small numbers"
)]

use core::time::Duration;
use proptest::prelude::*;
use purlin_lb::hedge::{Exhausted, Hedge, MAX_TRIES};
use purlin_lb::policy::RoundRobin;
use purlin_lb::{Cluster, ConfigError, Instant, NodeId, Request, Unavailable, Upstream};

const MINUTE: Duration = Duration::from_secs(60);

proptest! {
    /// The delay is at least the exact quantile of what it was told last, and a 16th more at most.
    #[test]
    fn the_delay_is_the_quantile(
        latencies in prop::collection::vec(1..10_000_000_000_u64, 100..400),
        percent in 1..100_u32,
    ) {
        let part = f64::from(percent) / 100.0;
        let hedge = Hedge::at_quantile(part, MINUTE).expect("valid");
        for (number, latency) in latencies.iter().enumerate() {
            prop_assert_eq!(hedge.delay().is_some(), number >= 100);
            hedge.observe_at(Instant::ORIGIN, Duration::from_nanos(*latency));
        }
        // It is computed at the 100th, and each 64th from there.
        let known = 100 + (latencies.len() - 100) / 64 * 64;
        let mut sorted = latencies[..known].to_vec();
        sorted.sort_unstable();
        let rank = (part * known as f64).ceil() as usize;
        let exact = sorted[rank.max(1) - 1];
        let delay = hedge.delay().expect("enough").as_nanos() as u64;
        prop_assert!(exact <= delay && delay <= exact + exact / 16, "{delay} for {exact}");
    }

    /// Against plain counts of what was started and what failed.
    #[test]
    fn attempts_are_counted(
        tries in 1..=MAX_TRIES,
        copies in 1..=MAX_TRIES,
        steps in prop::collection::vec((any::<bool>(), any::<u64>()), 0..40),
    ) {
        let delay = Duration::from_nanos(7);
        let hedge = Hedge::after(delay).tries(tries).and_then(|h| h.copies(copies));
        let mut attempts = hedge.expect("within bounds").begin();
        let (mut tried, mut under_way, mut last) = (Vec::new(), 0, Instant::ORIGIN);
        for (start, number) in steps {
            let now = Instant::from_nanos(number);
            let room = tried.len() < tries && under_way < copies;
            prop_assert_eq!(attempts.can_try(), room);
            if start {
                let started = attempts.start_at(now, NodeId(number));
                prop_assert_eq!(started, room.then_some(()).ok_or(Exhausted));
                if room {
                    tried.push(NodeId(number));
                    (under_way, last) = (under_way + 1, now);
                }
            } else {
                attempts.failed();
                under_way = under_way.saturating_sub(1);
            }
            let room = tried.len() < tries && under_way < copies;
            prop_assert_eq!(attempts.tried(), &tried);
            prop_assert_eq!(attempts.under_way(), under_way);
            prop_assert_eq!(attempts.hedge_at(), (room && under_way > 0).then(|| last + delay));
        }
    }
}

/// Exponential latencies, and the copies that are sent: near the twentieth that the 95th percentile
/// promises, although those that are cut short are never seen to end.
#[test]
fn the_share_of_copies_stays_what_was_asked_for() {
    let hedge = Hedge::at_quantile(0.95, Duration::from_secs(2)).expect("valid");
    let mut seed = 7_u64;
    let mut latency = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let part = (seed >> 11) as f64 / (1_u64 << 53) as f64;
        Duration::from_secs_f64(-(1.0 - part).ln() * 0.01)
    };
    let (mut now, mut copies, requests) = (Instant::ORIGIN, 0_u32, 50_000_u32);
    for _ in 0..requests {
        now += Duration::from_millis(1);
        let first = latency();
        match hedge.delay().filter(|delay| first > *delay) {
            Some(delay) => {
                copies += 1;
                let second = latency();
                let end = first.min(delay + second);
                hedge.observe_at(now, end);
                hedge.observe_at(now, end - delay);
            }
            None => hedge.observe_at(now, first),
        }
    }
    let share = f64::from(copies) / f64::from(requests);
    assert!((0.035..0.065).contains(&share), "{share}");
}

const WINDOW: Duration = Duration::from_secs(10);

/// Tells it of one latency every so often, and counts after how many there was no delay.
fn unknown_after(
    hedge: &Hedge,
    start: Instant,
    every: Duration,
    count: u32,
    latency: Duration,
) -> usize {
    let unknown = |number: &u32| {
        hedge.observe_at(start + every * *number, latency);
        hedge.delay().is_none()
    };
    (0..count).filter(unknown).count()
}

/// 7 requests a second: each window begins with 70, fewer than the 100 that a quantile needs.
#[test]
fn a_new_window_does_not_stop_copies() {
    let hedge = Hedge::at_quantile(0.95, WINDOW).expect("valid");
    let seventh = Duration::from_millis(143);
    let latency = Duration::from_millis(5);
    let unknown = unknown_after(&hedge, Instant::ORIGIN, seventh, 7_000, latency);
    assert_eq!(unknown, 99, "only before the first 100");
    // It is not one that is kept for ever: the quantile of what is told now.
    let later = Instant::ORIGIN + seventh * 7_000;
    let slow = Duration::from_millis(80);
    assert_eq!(unknown_after(&hedge, later, seventh, 500, slow), 0);
    assert!(hedge.delay() >= Some(slow));
}

#[test]
fn a_delay_is_forgotten_by_age() {
    let learned = || {
        let hedge = Hedge::at_quantile(0.95, WINDOW).expect("valid");
        let every = Duration::from_millis(1);
        let fast = Duration::from_micros(500);
        unknown_after(&hedge, Instant::ORIGIN, every, 1_000, fast);
        assert!(hedge.delay().is_some());
        hedge
    };
    let slow = Duration::from_secs(1);
    // A day idle: the first 99 latencies of the new day are too few, the hundredth is enough.
    let hedge = learned();
    let day = Instant::from_secs(86_400);
    let every = Duration::from_millis(1);
    assert_eq!(unknown_after(&hedge, day, every, 100, slow), 99);
    assert!(hedge.delay() >= Some(slow));
    // Never idle, but a request in 3 s is never enough: what was known wears off too.
    let hedge = learned();
    let three = Duration::from_secs(3);
    let start = Instant::from_secs(3);
    assert_eq!(unknown_after(&hedge, start, three, 100, slow), 94);
    assert_eq!(hedge.delay(), None);
}

#[test]
fn each_try_goes_elsewhere() {
    let nodes = ["a", "b", "c"].map(Upstream::new);
    let cluster = Cluster::new(RoundRobin::new(), nodes).expect("different");
    let hedge = Hedge::after(MINUTE).tries(4).expect("within bounds");
    let mut attempts = hedge.begin();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let request = Request::new().exclude(attempts.tried());
        let lease = cluster
            .pick_at(Instant::ORIGIN, &request)
            .expect("one is left");
        attempts
            .start_at(Instant::ORIGIN, lease.endpoint().id())
            .expect("a try is left");
        seen.push(*lease.node());
        attempts.failed();
        lease.failure_at(Instant::ORIGIN);
    }
    seen.sort_unstable();
    assert_eq!(seen, ["a", "b", "c"]);
    let request = Request::new().exclude(attempts.tried());
    let none = cluster.pick_at(Instant::ORIGIN, &request);
    assert!(matches!(none, Err(Unavailable::Unsuitable)));
}

#[test]
fn bounds() {
    let range = |result: Result<Hedge, ConfigError>| match result {
        Err(ConfigError::OutOfRange { field, .. } | ConfigError::Zero { field }) => Some(field),
        _ => None,
    };
    assert_eq!(range(Hedge::after(MINUTE).copies(0)), Some("copies"));
    assert_eq!(range(Hedge::after(MINUTE).tries(9)), Some("tries"));
    for quantile in [0.0, 1.0, -1.0, f64::NAN] {
        assert_eq!(
            range(Hedge::at_quantile(quantile, MINUTE)),
            Some("quantile")
        );
    }
    assert_eq!(
        range(Hedge::at_quantile(0.9, Duration::ZERO)),
        Some("window")
    );
    // Without copies there are retries.
    let mut only_retries = Hedge::after(MINUTE)
        .copies(1)
        .expect("within bounds")
        .begin();
    only_retries
        .start_at(Instant::ORIGIN, NodeId(1))
        .expect("the first");
    assert_eq!(only_retries.hedge_at(), None);
    only_retries.failed();
    assert!(only_retries.can_try());
}
